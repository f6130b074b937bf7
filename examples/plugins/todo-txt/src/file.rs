//! The endpoint: a todo.txt file, read anew for each call, edited line by line and exchanged in one step.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use adapter::staging::{Placed, Staged, Staging, read_whole};
use adapter::{
    Adapter, Atomicity, Blobs, Broken, Error, Expect, Fate, Fingerprint, Host, Item, Key, Keys, Known, Mode, Op, Outcome, Outcomes, Place,
    Profile, Scan, Sink, StepId, View,
};
use record::{Digest, Kind, Pattern};

use crate::line::{FIELDS, decode, encode};

pub(crate) fn open(path: PathBuf, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
    check_place(&path)?;
    let profile = Profile {
        kinds: vec![Kind::TASK],
        keys: Keys::Unstable,
        atomicity: Atomicity::Batch,
        view: View(FIELDS.iter().map(|field| Pattern::new(field)).collect()),
        volatile: View::default(),
        unique: None,
    };
    Ok(Box::new(File { path, host, profile }))
}

struct File {
    path: PathBuf,
    host: Box<dyn Host>,
    profile: Profile,
}

fn check_place(path: &Path) -> Result<(), Error> {
    let reason = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => return Ok(()),
        Ok(_) => "is no file; name a todo.txt file",
        Err(error) if error.kind() == ErrorKind::NotFound => "is not there; restore it, or correct `path`",
        Err(error) => return Err(Error::io(path, error)),
    };
    Err(Error::Source { path: path.to_owned(), reason: reason.to_owned() })
}

/// One line: its bytes without the ending, the ending, and the key and fingerprint of its task.
struct Line {
    bytes: Vec<u8>,
    ending: &'static str,
    key: Option<Key>,
}

impl Line {
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Digest::of(&self.bytes).0.to_vec())
    }
}

/// Splits a file into lines and names their tasks: by UID, else by content and how often that was there before.
fn read(content: &[u8]) -> Vec<Line> {
    let mut lines: Vec<Line> = content
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let (bytes, ending) = match line {
                [bytes @ .., b'\r', b'\n'] => (bytes, "\r\n"),
                [bytes @ .., b'\n'] => (bytes, "\n"),
                bytes => (bytes, ""),
            };
            Line { bytes: bytes.to_vec(), ending, key: None }
        })
        .collect();
    name(&mut lines);
    lines
}

fn name(lines: &mut [Line]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for line in lines {
        line.key = line.text().and_then(decode).map(|task| {
            let base = match task.text("uid") {
                Some(uid) => format!("uid {uid}"),
                None => Digest::of(&line.bytes).to_string(),
            };
            let count = seen.entry(base.clone()).and_modify(|count| *count += 1).or_insert(1);
            Key(if *count > 1 { format!("{base} {count}") } else { base })
        });
    }
}

fn write(lines: &[Line]) -> Vec<u8> {
    let mut content: Vec<u8> = lines.iter().flat_map(|line| line.bytes.iter().copied().chain(line.ending.bytes())).collect();
    if content.is_empty() {
        // A file of no bytes is taken for torn: one without tasks has an empty line.
        content.push(b'\n');
    }
    content
}

impl File {
    fn go_on(&self) -> Result<(), Error> {
        if self.host.cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    fn content(&self) -> Result<Vec<u8>, Error> {
        check_place(&self.path)?;
        let (content, _) = read_whole(&self.path)?;
        if content.is_empty() {
            let reason = "is empty, as a file that was torn is; if no task is left, put an empty line into it".to_owned();
            return Err(Error::Source { path: self.path.clone(), reason });
        }
        Ok(content)
    }

    fn staging(&self) -> Staging {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Staging::at(path.with_file_name(format!(".{name}.syncretic")))
    }

    /// Replaces the file, and answers as stale if someone else saved it meanwhile.
    fn exchange(&self, step: StepId, was: &[u8], now: &[u8], answers: Vec<Outcome>) -> Result<Vec<Outcome>, Error> {
        let staged = answers.iter().enumerate().filter_map(|(index, answer)| match answer {
            Outcome::Put { key, fingerprint, .. } => {
                Some(Staged { index, key: Some(key.clone()), fingerprint: Some(fingerprint.clone()) })
            }
            Outcome::Deleted { .. } => Some(Staged { index, key: None, fingerprint: None }),
            _ => None,
        });
        let mut stage = self.staging().begin(step)?;
        stage.replace(staged.collect(), &self.path, Digest::of(was), now)?;
        let lost = stage.commit()?.contains(&Placed::Stale);
        Ok(answers.into_iter().map(|answer| if lost { stale(answer) } else { answer }).collect())
    }
}

fn stale(answer: Outcome) -> Outcome {
    match answer {
        refused @ Outcome::Refused { .. } => refused,
        _ => Outcome::Stale,
    }
}

impl Adapter for File {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        let lines = read(&self.content()?);
        for (line, number) in lines.iter().zip(1..) {
            self.go_on()?;
            let place = Place { path: self.path.clone(), line: Some(number), column: None };
            match (&line.key, line.text()) {
                (Some(key), _) if known.fingerprint(key) == Some(line.fingerprint()) => out.unchanged(key.clone(), line.fingerprint()),
                (Some(key), Some(text)) => {
                    if let Some(record) = decode(text) {
                        out.item(Item { key: key.clone(), fingerprint: line.fingerprint(), record, place });
                    }
                }
                (_, None) => {
                    let title = Some(String::from_utf8_lossy(&line.bytes).into_owned());
                    out.broken(Broken { key: None, title, place, reason: "the line is not UTF-8; save the file as UTF-8".to_owned() });
                }
                // A line without a task.
                (None, Some(_)) => {}
            }
        }
        let root = fs::canonicalize(&self.path).map_err(|error| Error::io(&self.path, error))?;
        Ok(Scan { root: root.into_os_string().into_encoded_bytes(), note: None })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, _blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        let content = self.content()?;
        self.go_on()?;
        let (now, answers) = edit(&content, ops);
        self.go_on()?;
        let answers = if mode == Mode::Perform && now != content { self.exchange(step, &content, &now, answers)? } else { answers };
        answers.into_iter().enumerate().for_each(|(index, answer)| out.outcome(index, answer));
        Ok(())
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        if !self.path.parent().is_none_or(|folder| folder.as_os_str().is_empty() || folder.is_dir()) {
            let reason = "its folder is not there; what the last sync did is found out once it is back".to_owned();
            return Err(Error::Source { path: self.path.clone(), reason });
        }
        self.staging().recover(step)
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        self.staging().settle(step)
    }

    fn blob(&mut self, key: &Key, _digest: Digest, _to: &mut dyn Write) -> Result<(), Error> {
        Err(Error::Source { path: self.path.clone(), reason: format!("task {key} holds no blobs") })
    }
}

/// Where the line of an operation is in the new file, and how many bytes it took; or an answer already.
enum Edited {
    Line(usize, u64),
    Answer(Outcome),
}

/// Returns the file after the operations, and their answers.
fn edit(content: &[u8], ops: &[Op<'_>]) -> (Vec<u8>, Vec<Outcome>) {
    let mut lines = read(content);
    let places: HashMap<Key, usize> = lines.iter().enumerate().filter_map(|(at, line)| Some((line.key.clone()?, at))).collect();
    let mut touched = HashSet::new();
    let mut gone = HashSet::new();
    let ending = lines.iter().map(|line| line.ending).find(|ending| !ending.is_empty()).unwrap_or("\n");
    let mut edited = Vec::new();
    for op in ops {
        let standing = |key: &Key, expect: Expect<'_>, lines: &[Line]| {
            let at = *places.get(key)?;
            matches!(expect, Expect::Fingerprint(expected) if lines[at].fingerprint() == *expected).then_some(at)
        };
        edited.push(match *op {
            Op::Delete { key, expect, .. } => match standing(key, expect, &lines).filter(|at| touched.insert(*at)) {
                Some(at) => {
                    gone.insert(at);
                    Edited::Answer(Outcome::Deleted { bytes: lines[at].bytes.len() as u64 })
                }
                None => Edited::Answer(Outcome::Stale),
            },
            Op::Put { id, key: Some(key), expect, record, .. } => match standing(key, expect, &lines).filter(|at| touched.insert(*at)) {
                Some(at) => match encode(record, lines[at].text(), id) {
                    Ok(text) => {
                        let bytes = if text.as_bytes() == lines[at].bytes { 0 } else { text.len() as u64 };
                        lines[at].bytes = text.into_bytes();
                        Edited::Line(at, bytes)
                    }
                    Err(reason) => Edited::Answer(Outcome::Refused { reason }),
                },
                None => Edited::Answer(Outcome::Stale),
            },
            Op::Put { id, key: None, record, .. } => match encode(record, None, id) {
                Ok(text) if taken(&lines, &text, &gone) => Edited::Answer(Outcome::Stale),
                Ok(text) => {
                    if let Some(last) = lines.last_mut().filter(|last| last.ending.is_empty()) {
                        last.ending = ending;
                    }
                    lines.push(Line { bytes: text.clone().into_bytes(), ending, key: None });
                    Edited::Line(lines.len() - 1, text.len() as u64)
                }
                Err(reason) => Edited::Answer(Outcome::Refused { reason }),
            },
        });
    }
    let moved: HashMap<usize, usize> = (0..lines.len()).filter(|at| !gone.contains(at)).zip(0..).collect();
    let mut at = 0;
    lines.retain(|_| {
        at += 1;
        !gone.contains(&(at - 1))
    });
    name(&mut lines);
    let answers = edited.into_iter().map(|edited| match edited {
        Edited::Answer(answer) => answer,
        Edited::Line(at, bytes) => shown(moved.get(&at).and_then(|at| lines.get(*at)), bytes),
    });
    let answers = answers.collect();
    (write(&lines), answers)
}

/// Tells whether a line with the UID of a new one is there already.
fn taken(lines: &[Line], text: &str, gone: &HashSet<usize>) -> bool {
    let uid = |text: &str| decode(text).and_then(|task| task.text("uid").map(str::to_owned));
    let new = uid(text);
    lines.iter().enumerate().any(|(at, line)| !gone.contains(&at) && new.is_some() && line.text().and_then(uid) == new)
}

fn shown(line: Option<&Line>, bytes: u64) -> Outcome {
    let line = line.and_then(|line| Some((line, line.key.clone()?, decode(line.text()?)?)));
    match line {
        Some((line, key, record)) => Outcome::Put { key, fingerprint: line.fingerprint(), record, bytes },
        None => Outcome::Stale,
    }
}
