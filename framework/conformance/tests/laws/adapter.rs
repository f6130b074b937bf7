//! The endpoint: a folder of cards. Each `lies` is one broken law.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use adapter::staging::{Placed, Staged, Staging, read_whole};
use adapter::{
    Adapter, Blobs, Broken, Error, Expect, Fate, Fingerprint, Host, Item, Key, Keys, Known, Mode, Op, Outcome, Outcomes, Place, Profile,
    Scan, Sink, StepId, View,
};
use record::{Digest, Fields, Kind, Pattern, Pointer, Record, RecordId, Value};

use super::{KeyValue, card};

static COUNTER: AtomicU8 = AtomicU8::new(0);

pub(crate) struct Endpoint {
    folder: PathBuf,
    host: Box<dyn Host>,
    format: KeyValue,
    staging: Staging,
    profile: Profile,
    cache: RefCell<BTreeMap<PathBuf, String>>,
}

/// What one operation is about to do to a file.
struct Planned {
    index: usize,
    key: Key,
    before: Option<Digest>,
    after: Option<String>,
}

impl Endpoint {
    pub(crate) fn new(folder: PathBuf, host: Box<dyn Host>, format: KeyValue) -> Self {
        let patterns = |list: &[&str]| View(list.iter().map(|text| Pattern::new(text)).collect());
        let profile = Profile {
            kinds: vec![Kind::CONTACT],
            keys: Keys::Stable,
            atomicity: format.atomicity,
            view: patterns(&[
                "uid",
                "name/full",
                "notes/*/note",
                "media/*/content",
                "anniversaries/*/date",
                "phones/*/number",
                "phones/*/pref",
                "updated",
            ]),
            volatile: patterns(&["updated"]),
            unique: None,
        };
        let staging = Staging::at(folder.join(".syncretic"));
        Self { folder, host, format, staging, profile, cache: RefCell::default() }
    }

    fn lies(&self, check: &str) -> bool {
        self.format.lie == check
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{key}.txt"))
    }

    fn cards(&self) -> Result<BTreeMap<Key, PathBuf>, Error> {
        let fails = |source| Error::io(&self.folder, source);
        let mut cards = BTreeMap::new();
        for entry in fs::read_dir(&self.folder).map_err(fails)? {
            let path = entry.map_err(fails)?.path();
            if let (Some("txt"), Some(stem)) =
                (path.extension().and_then(|text| text.to_str()), path.file_stem().and_then(|text| text.to_str()))
            {
                cards.insert(Key::new(stem), path);
            }
        }
        Ok(cards)
    }

    fn check_cancelled(&self) -> Result<(), Error> {
        if self.host.cancelled() && !self.lies("cancel-honoured") { Err(Error::Cancelled) } else { Ok(()) }
    }

    fn fingerprint(&self, path: &PathBuf, text: &str) -> Fingerprint {
        let mut bytes = Digest::of(text.as_bytes()).0.to_vec();
        let modified = || fs::metadata(path).and_then(|found| found.modified()).map(|time| format!("{time:?}")).unwrap_or_default();
        match self.format.lie {
            "scan-twice-identical" => bytes.push(COUNTER.fetch_add(1, Ordering::SeqCst)),
            "scan-touched-unchanged" => bytes = Digest::of(modified().as_bytes()).0.to_vec(),
            "scan-edit-with-old-time" | "same-second-same-size-edit" => {
                bytes = Digest::of(format!("{}{}", modified(), text.len()).as_bytes()).0.to_vec();
            }
            "scan-well-formed" => bytes.clear(),
            _ => {}
        }
        Fingerprint(bytes)
    }

    fn read(&self, text: &str) -> Option<Record> {
        let mut record = card::shown(text)?;
        if self.lies("empty-vs-absent") {
            record.fields.entry(Pointer::new("notes/1/note")).or_insert_with(|| Value::text(""));
        }
        Some(record)
    }

    /// Returns what a look compares: a digest of everything.
    fn note(&self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        for (key, path) in self.cards()? {
            all.extend_from_slice(key.0.as_bytes());
            all.extend_from_slice(&read_whole(&path)?.0);
        }
        Ok(Digest::of(&all).0.to_vec())
    }

    fn report(&self, key: Key, path: PathBuf, known: &dyn Known, out: &mut dyn Sink) -> Result<(), Error> {
        let text = String::from_utf8_lossy(&read_whole(&path)?.0).into_owned();
        assert!(!self.lies("scan-damaged-bytes") || !text.contains('\u{fffd}'), "invalid UTF-8");
        if self.lies("scan-zero-bytes") && text.is_empty() {
            return Ok(());
        }
        if self.lies("apply-beside-an-edit") || self.lies("two-instances-same-path") {
            self.cache.borrow_mut().insert(path.clone(), text.clone());
        }
        let fingerprint = self.fingerprint(&path, &text);
        if known.fingerprint(&key).as_ref() == Some(&fingerprint) && !self.lies("scan-known-unchanged") {
            out.unchanged(key, fingerprint);
            return Ok(());
        }
        let place = Place { path, line: None, column: None };
        match self.read(&text) {
            Some(record) => {
                let key = if self.lies("scan-keys-unique") { Key::new("same") } else { key };
                out.item(Item { key, fingerprint, record, place });
            }
            None if self.lies("scan-one-broken-item") => {}
            None => out.broken(Broken { key: Some(key), title: None, place, reason: "this is no card".to_owned() }),
        }
        Ok(())
    }

    /// Writes a value as a line, true to its content unless the lie says otherwise.
    fn line(&self, pointer: &Pointer, value: &Value, blobs: &dyn Blobs) -> Result<String, Error> {
        if let Value::Blob(blob) = value {
            let mut bytes = Vec::new();
            match blobs.open(blob.digest) {
                Err(_) if self.lies("host-without-blobs") => {}
                opened => drop(opened?.read_to_end(&mut bytes).map_err(|source| Error::io(&self.folder, source))?),
            }
            return Ok(card::line(pointer.as_str(), value, Some(&bytes)));
        }
        let text = value.display();
        let text = match self.format.lie {
            "newlines-CR-LF-in-text" => text.replace('\r', ""),
            "large-value-16MiB" => text.chars().take(1 << 23).collect(),
            "dates" if pointer.as_str().ends_with("/date") => text.replace("--", "1900-"),
            "numbers" if pointer.as_str().ends_with("/pref") => text.parse::<i64>().map_or(text, |number| number.min(9_999).to_string()),
            "key-special-characters" if pointer.as_str() == "uid" => text.replace('/', "_"),
            "unicode" => text.replace("e\u{301}", "\u{e9}"),
            "newlines" => text.replace('\n', " "),
            "special-characters" => text.replace("\\n", "\n"),
            "nul-kept-or-refused" => text.split('\0').next().unwrap_or_default().to_owned(),
            "large-value-1MiB" => text.chars().take(1 << 16).collect(),
            _ => text,
        };
        Ok(card::line(pointer.as_str(), &Value::Text(text), None))
    }

    /// Works out a card's new text; nothing if it can stay as it is.
    fn rewritten(&self, before: &str, id: RecordId, record: &Record, blobs: &dyn Blobs) -> Result<Option<String>, Error> {
        let mut wanted: Fields =
            record.fields.iter().filter(|(pointer, _)| card::holds(pointer)).map(|(p, v)| (p.clone(), v.clone())).collect();
        wanted.entry(Pointer::new("uid")).or_insert_with(|| Value::Text(id.urn()));
        if self.lies("apply-create-roundtrip") && before.is_empty() {
            wanted.retain(|pointer, _| !pointer.as_str().starts_with("notes/"));
        }
        if self.lies("many-fields") {
            wanted = wanted.into_iter().take(100).collect();
        }
        let old = card::shown(before).map(|record| record.fields).unwrap_or_default();
        if !self.lies("volatile-is-no-change") {
            wanted.remove("updated");
            wanted.extend(old.get_key_value("updated").map(|(pointer, value)| (pointer.clone(), value.clone())));
        }
        if wanted == old && !self.lies("apply-same-record-writes-nothing") {
            return Ok(None);
        }
        let mut failed = None;
        let kept = if self.lies("unknown-field-preserved") { "" } else { before };
        let after = card::changed(kept, &wanted, |pointer, value| {
            self.line(pointer, value, blobs).unwrap_or_else(|error| {
                failed = Some(error);
                String::new()
            })
        });
        let after = if self.lies("apply-same-record-writes-nothing") { format!("{after}!rewritten\n") } else { after };
        let after = if self.lies("native-bytes-preserved") { after.replace("\r\n", "\n") } else { after };
        failed.map_or(Ok(Some(after)), Err)
    }

    fn answer(&self, index: usize, key: Key, text: &str, bytes: u64, out: &mut dyn Outcomes) {
        let mut record = self.read(text).unwrap_or_else(|| Record::new(Kind::CONTACT));
        let mut fingerprint = self.fingerprint(&self.path(&key), text);
        if self.lies("apply-answer-equals-scan") {
            record = record.with("name/full", Value::text("As It Was Asked"));
        }
        if self.lies("apply-then-scan-is-noop") {
            fingerprint = Fingerprint(vec![0; 32]);
        }
        out.outcome(index, Outcome::Put { key, fingerprint, record, bytes });
    }

    /// Works out what an operation does, or answers it.
    #[expect(clippy::too_many_lines, reason = "every lie about an operation is told here")]
    fn plan(&self, index: usize, op: &Op<'_>, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<Option<Planned>, Error> {
        let stale = |out: &mut dyn Outcomes| {
            out.outcome(index, Outcome::Stale);
            Ok(None)
        };
        match op {
            Op::Put { record, .. } if self.lies("apply-outside-view") && record.fields.keys().any(|pointer| !card::holds(pointer)) => {
                out.outcome(index, Outcome::Refused { reason: "this holds no such field".to_owned() });
                Ok(None)
            }
            Op::Put { id, key: None, record, .. } => {
                if let Some((key, bytes)) = self.nearly_the_same(record)? {
                    let after = self.rewritten("", *id, record, blobs)?;
                    return Ok(Some(Planned { index, key, before: Some(Digest::of(&bytes)), after }));
                }
                let mut key = Key(id.to_string());
                let twice = self.lies("apply-create-exists") || self.lies("apply-twice-same-step-safe");
                if self.path(&key).exists() && twice {
                    key = Key(format!("{key}-{}", COUNTER.fetch_add(1, Ordering::SeqCst)));
                }
                if self.path(&key).exists() {
                    return stale(out);
                }
                let after = self.rewritten("", *id, record, blobs)?;
                Ok(Some(Planned { index, key, before: None, after }))
            }
            Op::Put { id, key: Some(key), expect, record, .. } => {
                let path = self.path(key);
                let Ok((bytes, _)) = read_whole(&path) else {
                    if self.lies("apply-removed-meanwhile") {
                        let after = self.rewritten("", *id, record, blobs)?;
                        return Ok(Some(Planned { index, key: (*key).clone(), before: None, after }));
                    }
                    return stale(out);
                };
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if *expect != Expect::Fingerprint(&self.fingerprint(&path, &text)) {
                    if self.lies("apply-result-per-op") {
                        self.answer(index, (*key).clone(), &text, 1, out);
                        return Ok(None);
                    }
                    if !self.lies("apply-precondition-stale") && !self.lies("editor-rename-replace") {
                        return stale(out);
                    }
                }
                let Some(after) = self.rewritten(&text, *id, record, blobs)? else {
                    self.answer(index, (*key).clone(), &text, 0, out);
                    return Ok(None);
                };
                Ok(Some(Planned { index, key: (*key).clone(), before: Some(Digest::of(&bytes)), after: Some(after) }))
            }
            Op::Delete { key, expect, .. } => {
                let path = self.path(key);
                let Ok((bytes, _)) = read_whole(&path) else {
                    if self.lies("host-odd-operations") {
                        out.outcome(index, Outcome::Deleted { bytes: 0 });
                        return Ok(None);
                    }
                    return stale(out);
                };
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if *expect != Expect::Fingerprint(&self.fingerprint(&path, &text)) && !self.lies("apply-delete-stale") {
                    return stale(out);
                }
                Ok(Some(Planned { index, key: (*key).clone(), before: Some(Digest::of(&bytes)), after: None }))
            }
        }
    }

    /// Finds the card whose name a careless adapter takes for that of a new one.
    fn nearly_the_same(&self, record: &Record) -> Result<Option<(Key, Vec<u8>)>, Error> {
        let plain = |uid: &str| match self.format.lie {
            "keys-differ-only-in-case" => Some(uid.to_lowercase()),
            "keys-differ-only-in-normal-form" => Some(uid.replace("e\u{301}", "\u{e9}")),
            _ => None,
        };
        let Some(wanted) = record.text("uid").and_then(plain) else { return Ok(None) };
        for (key, path) in self.cards()? {
            let bytes = read_whole(&path)?.0;
            let shown = card::shown(&String::from_utf8_lossy(&bytes));
            if shown.and_then(|shown| shown.text("uid").and_then(plain)) == Some(wanted.clone()) {
                return Ok(Some((key, bytes)));
            }
        }
        Ok(None)
    }

    fn perform(&self, step: StepId, planned: &[Planned]) -> Result<Vec<Placed>, Error> {
        if self.lies("apply-twice-same-step-safe") {
            self.staging.settle(step)?;
        }
        let mut stage = self.staging.begin(step)?;
        for one in planned {
            let path = self.path(&one.key);
            let kept = one.after.as_ref().map(|text| (one.key.clone(), self.fingerprint(&path, text)));
            let staged = Staged { index: one.index, key: kept.as_ref().map(|kept| kept.0.clone()), fingerprint: kept.map(|kept| kept.1) };
            match (&one.before, &one.after) {
                (None, after) => stage.create(vec![staged], &path, after.as_deref().unwrap_or_default().as_bytes())?,
                (Some(before), Some(after)) => stage.replace(vec![staged], &path, *before, after.as_bytes())?,
                (Some(before), None) => stage.delete(vec![staged], &path, *before)?,
            }
        }
        self.check_cancelled()?;
        stage.commit()
    }

    /// What a lying adapter does to files instead of staging them.
    fn perform_badly(&self, planned: &[Planned]) -> Result<bool, Error> {
        let asks =
            ["apply-batch-atomic", "external-edit-during-apply", "crash-during-apply", "killed-at-write-points"].contains(&self.format.lie);
        let direct = asks || self.lies("apply-keeps-mode-and-symlink") || self.lies("racing-edits");
        if self.lies("apply-update-one-field") {
            for path in self.cards()?.values() {
                lay(path, &format!("{}!touched\n", String::from_utf8_lossy(&read_whole(path)?.0)))?;
            }
        }
        for (path, text) in self.cache.borrow().iter() {
            lay(path, text)?;
        }
        for one in planned.iter().filter(|_| direct) {
            let path = self.path(&one.key);
            if self.lies("crash-during-apply") {
                lay(&path, "uid=half")?;
            }
            if asks {
                self.check_cancelled()?;
            }
            if self.lies("racing-edits") {
                // It takes its time, so that whoever saves meanwhile is overwritten.
                let unchanged = || read_whole(&path).is_ok_and(|(bytes, _)| Some(Digest::of(&bytes)) == one.before);
                (0..1_000_000).take_while(|_| unchanged()).for_each(|_| std::thread::yield_now());
            }
            let _ = fs::remove_file(&path);
            if let Some(after) = &one.after {
                lay(&path, after)?;
            }
        }
        Ok(direct)
    }

    fn answer_all(&self, planned: Vec<Planned>, placed: &[Placed], out: &mut dyn Outcomes) {
        for (one, placed) in planned.into_iter().zip(placed) {
            let bytes = one.after.as_ref().map_or(0, |text| text.len() as u64);
            match (placed, &one.after) {
                (Placed::Stale, _) => out.outcome(one.index, Outcome::Stale),
                (Placed::Done(_), Some(text)) => self.answer(one.index, one.key.clone(), text, bytes, out),
                (Placed::Done(_), None) => out.outcome(one.index, Outcome::Deleted { bytes }),
            }
        }
    }
}

/// Writes a file in place, as no honest adapter does.
fn lay(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::io(path, source))
}

impl Adapter for Endpoint {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        self.check_cancelled()?;
        let root = b"root".to_vec();
        let cards = match self.cards() {
            Err(_) if self.lies("scan-root-missing") => return Ok(Scan { root, note: None }),
            cards => cards?,
        };
        if self.lies("scan-empty") && cards.is_empty() {
            let record = Record::new(Kind::CONTACT).with("uid", Value::text("phantom"));
            out.item(Item { key: Key::new("phantom"), fingerprint: Fingerprint(vec![1]), record, place: Place::default() });
        }
        if self.lies("scan-writes-nothing") {
            lay(&self.folder.join("index.cache"), "seen")?;
        }
        if let Some(secret) = self.host.secret("password").filter(|_| self.lies("secret-never-told")) {
            self.host.log(&format!("opened with {secret}"));
        }
        if self.lies("nothing-left-open") {
            cards.values().flat_map(fs::File::open).for_each(std::mem::forget);
        }
        if self.lies("external-add-remove") {
            known.each(&mut |key, fingerprint| {
                if !cards.contains_key(key) {
                    out.unchanged(key.clone(), fingerprint.clone());
                }
            });
        }
        let (skipped, count) = (usize::from(self.lies("scan-seeded-count")), cards.len() as u64);
        for ((key, path), done) in cards.into_iter().skip(skipped).zip(1..) {
            self.report(key, path, known, out)?;
            self.host.progress(if self.lies("progress-monotonic") { count - done } else { done }, Some(count));
        }
        Ok(Scan { root, note: Some(self.note()?) })
    }

    fn same(&mut self, note: &[u8]) -> Result<bool, Error> {
        match self.format.lie {
            "scan-note-same" => Ok(true),
            "scan-note-garbage" if note.len() != 32 => Ok(true),
            _ => Ok(self.note()? == note),
        }
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        self.check_cancelled()?;
        let mut planned = Vec::new();
        for (index, op) in ops.iter().enumerate() {
            if self.lies("apply-answers-every-operation") && index == 1 {
                continue;
            }
            planned.extend(self.plan(index, op, blobs, out)?);
        }
        if self.lies("apply-empty-batch") && ops.is_empty() {
            lay(&self.folder.join("journal"), "nothing")?;
        }
        if self.lies("fuzz-model") && planned.len() > 2 {
            planned.drain(2..).for_each(|one| self.answer(one.index, one.key, one.after.as_deref().unwrap_or_default(), 1, out));
        }
        if self.lies("apply-many-at-once") {
            planned.drain(1..).for_each(|one| self.answer(one.index, one.key, one.after.as_deref().unwrap_or_default(), 1, out));
        }
        let only_pretends = |one: &Planned| one.after.is_none() && self.lies("apply-delete");
        let rehearses = mode == Mode::Rehearse && !self.lies("rehearse-writes-nothing");
        if self.lies("rehearse-answers-like-perform") && rehearses {
            planned.iter().for_each(|one| out.outcome(one.index, Outcome::Stale));
            return Ok(());
        }
        let placed = if rehearses || planned.is_empty() || planned.iter().all(only_pretends) || self.perform_badly(&planned)? {
            vec![Placed::Done(None); planned.len()]
        } else {
            self.perform(step, &planned)?
        };
        self.answer_all(planned, &placed, out);
        Ok(())
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        let fates = self.staging.recover(step)?;
        if self.lies("host-any-order") {
            lay(&self.folder.join("recovered.log"), "nothing")?;
        }
        match self.format.lie {
            "recover-unknown-step-empty" if fates.is_empty() => Ok(vec![Fate::NotDone]),
            "recover-keeps-places" => Ok(fates.into_iter().filter(|fate| *fate != Fate::NotDone).collect()),
            "recover-after-perform-says-done" => Ok(vec![Fate::NotDone; fates.len()]),
            _ => Ok(fates),
        }
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        if self.lies("apply-no-temp-leftovers") {
            return Ok(());
        }
        let known = self.folder.join(".syncretic").join(step.to_string()).exists();
        if self.lies("settle-twice") && !known {
            return Err(Error::Fatal("there is no such step".to_owned()));
        }
        self.staging.settle(step)
    }

    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), Error> {
        let path = self.path(key);
        let text = String::from_utf8_lossy(&read_whole(&path)?.0).into_owned();
        let found = card::blobs(&text).into_iter().find(|bytes| Digest::of(bytes) == digest);
        let mut bytes = found.ok_or_else(|| Error::Source { path: path.clone(), reason: "this card has no such blob".to_owned() })?;
        if self.lies("blob-roundtrip") {
            bytes.truncate(1 << 16);
        }
        to.write_all(&bytes).map_err(|source| Error::io(path, source))
    }
}
