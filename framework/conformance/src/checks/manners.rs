//! A host that calls in an unusual order, asks for nonsense, gives nothing, or listens closely.

use std::sync::{Arc, Mutex};

use adapter::{Expect, Fingerprint, Host, Key, Mode, Op, Outcome};
use record::{Blob, Digest, Kind, Pointer, Record, RecordId, Value};

use crate::content::rewritten;
use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::{Chest, Memory, SEEDED, Trial, apply, create, delete, scan, step, try_apply, try_scan, update, went};

pub(super) fn any_order(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (_, before) = trial.opened()?;
    let files = trial.files()?;
    let mut adapter = trial.open()?;
    // Each answer is honest, errors included; what counts is that files stand and the instance is of use afterwards.
    let _ = adapter.same(b"");
    let _ = adapter.settle(step(3));
    let _ = adapter.recover(step(3));
    let _ = adapter.blob(&Key::new("no such item"), Digest::of(b""), &mut Vec::new());
    let _ = adapter.recollect(&before.memory());
    let _ = try_apply(adapter.as_mut(), step(3), &[], Mode::Rehearse, &Chest::default());
    let _ = adapter.profile().kinds.len();
    drop(trial.open()?);
    trial.unchanged_since(&files, "calling in an unusual order")?;
    let found = scan(adapter.as_mut(), &Memory::default())?;
    ensure(found.sorted() == before.sorted(), || "after calls in an unusual order a scan shows something else".to_owned())?;
    // A step by an instance that never scanned, as after a restart.
    let mut unscanned = trial.open()?;
    let (record, pointer) = rewritten(subject, &before.at(0)?.record, Some("unscanned"));
    let changed = [pointer];
    let op = update(1, before.at(0)?, &record, &changed);
    let answers = try_apply(unscanned.as_mut(), step(1), &[op], Mode::Perform, &Chest::default());
    let done = match answers {
        Ok(answers) => matches!(answers?.as_slice(), [Outcome::Put { .. }]),
        Err(_) => false,
    };
    went(unscanned.settle(step(1)), "settling")?;
    let now = scan(trial.open()?.as_mut(), &before.memory())?;
    let (changed, left) = (now.items.len(), now.items.len() + now.unchanged.len());
    ensure(left == SEEDED, || format!("{SEEDED} items are {left} after a step of an instance that had not scanned"))?;
    ensure(changed == usize::from(done), || format!("one change was answered as {done}, and {changed} items changed"))
}

pub(super) fn odd_operations(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let files = trial.files()?;
    let record = rewritten(subject, &found.at(0)?.record, Some("odd")).0;
    let keys = ["\0", "../outside", "/no-such-folder/item", "no such item", "a\nb", &"k".repeat(1 << 16)].map(Key::new);
    let prints = [Fingerprint(vec![0]), Fingerprint(vec![0xff; 128])];
    let id = RecordId([7; 16]);
    let mut ops = Vec::new();
    for (key, print) in keys.iter().flat_map(|key| prints.iter().map(move |print| (key, print))) {
        let expect = Expect::Fingerprint(print);
        ops.push(Op::Put { id, key: Some(key), expect, record: &record, changed: &[] });
        ops.push(Op::Delete { id, key, expect });
        ops.push(Op::Delete { id, key, expect: Expect::Absent });
    }
    let there = &found.at(0)?.key;
    let stale = Expect::Fingerprint(&prints[1]);
    let stranger = [Pointer::new("no/such/field"), Pointer::new("")];
    ops.push(Op::Put { id, key: Some(there), expect: Expect::Absent, record: &record, changed: &stranger });
    ops.push(Op::Put { id, key: Some(there), expect: stale, record: &record, changed: &stranger });
    ops.push(Op::Delete { id, key: there, expect: Expect::Absent });
    for (number, op) in (1..).zip(&ops) {
        let answers = try_apply(adapter.as_mut(), step(number), &[*op], Mode::Perform, &Chest::default());
        if let Ok(answers) = answers {
            let answer = answers?.into_iter().next();
            let honest = matches!(answer, Some(Outcome::Stale | Outcome::Refused { .. }));
            ensure(honest, || format!("an operation on what is not there, or must not be, was answered {answer:?}"))?;
        }
        went(adapter.settle(step(number)), "settling")?;
    }
    trial.unchanged_since(&files, "an odd operation")?;
    strange_records(subject)
}

/// Puts records that no endpoint of this kind can hold: they may be refused, and must harm nothing else.
fn strange_records(subject: &dyn Subject) -> Result<(), Stop> {
    let strangers = [
        Record::new(Kind::new("org.example.no-such-kind")).with("a", Value::text("b")),
        Record::new(subject.sample(1000).kind),
        subject.sample(1000).with(&format!("x/{}", "deep/".repeat(40)), Value::text("x")),
        subject.sample(1000).with(subject.field(), Value::Bytes(vec![0, 255])),
        subject.sample(1000).with(subject.field(), Value::Blob(Blob { digest: Digest::of(b"absent"), length: u64::MAX })),
    ];
    for (number, stranger) in (1..).zip(&strangers) {
        let trial = Trial::seeded(subject)?;
        let (mut adapter, found) = trial.opened()?;
        let files = trial.files()?;
        let answers = try_apply(adapter.as_mut(), step(number), &[create(9, stranger)], Mode::Perform, &Chest::default());
        let made = match answers {
            Ok(answers) => matches!(answers?.as_slice(), [Outcome::Put { .. }]),
            Err(_) => false,
        };
        went(adapter.settle(step(number)), "settling")?;
        if !made {
            trial.unchanged_since(&files, "a record that was not taken")?;
        }
        let now = scan(trial.open()?.as_mut(), &found.memory())?;
        let stand = found.items.iter().filter(|item| now.memory().0.contains_key(&item.key)).count();
        ensure(stand == SEEDED, || format!("beside a strange record {stand} of {SEEDED} items stand"))?;
        ensure(made || now.items.is_empty(), || "a strange record was not taken, and is shown".to_owned())?;
    }
    Ok(())
}

pub(super) fn without_blobs(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let blob = Blob { digest: Digest::of(b"not to be had"), length: 13 };
    let Some(record) = subject.with_blob(&found.at(0)?.record, blob) else { return skip("the format holds no blobs") };
    let files = trial.files()?;
    let answers = try_apply(adapter.as_mut(), step(1), &[update(1, found.at(0)?, &record, &[])], Mode::Perform, &Chest::default());
    if let Ok(answers) = answers {
        match answers?.as_slice() {
            [Outcome::Refused { .. }] => {}
            other => return fail(format!("a blob that is not to be had was answered {other:?}")),
        }
    }
    went(adapter.settle(step(1)), "settling")?;
    trial.unchanged_since(&files, "a blob that is not to be had")
}

/// A host that writes down what it is told, and knows one secret.
#[derive(Clone, Default)]
struct Listening(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    lines: Vec<String>,
    progress: Vec<(u64, Option<u64>)>,
    asked: bool,
}

/// What must not be seen anywhere.
const SECRET: &str = "canary-5f1c0d77";

impl Listening {
    fn with<T>(&self, take: impl FnOnce(&mut Told) -> T) -> T {
        take(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Host for Listening {
    fn log(&self, message: &str) {
        self.with(|told| told.lines.push(message.to_owned()));
    }

    fn progress(&self, done: u64, of: Option<u64>) {
        self.with(|told| told.progress.push((done, of)));
    }

    fn cancelled(&self) -> bool {
        false
    }

    fn secret(&self, _name: &str) -> Option<String> {
        self.with(|told| told.asked = true);
        Some(SECRET.to_owned())
    }
}

/// Opens, scans, changes and removes, and hears every word of it.
fn listened(subject: &dyn Subject) -> Result<(Trial<'_>, Listening), Stop> {
    let trial = Trial::seeded(subject)?;
    let host = Listening::default();
    let mut adapter = trial.open_with(Box::new(host.clone()))?;
    let found = scan(adapter.as_mut(), &Memory::default())?;
    let record = rewritten(subject, &found.at(0)?.record, Some("heard")).0;
    let ops = [update(1, found.at(0)?, &record, &[]), delete(2, found.at(1)?)];
    apply(adapter.as_mut(), step(1), &ops, Mode::Perform, &Chest::default())?;
    went(adapter.settle(step(1)), "settling")?;
    scan(adapter.as_mut(), &found.memory())?;
    // An error's words are heard, too.
    if let Err(error) = subject.remove(&trial.path) {
        return fail(format!("the subject could not be prepared: {error}"));
    }
    if let Err(error) = try_scan(adapter.as_mut(), &Memory::default()) {
        host.log(&error.to_string());
    }
    Ok((trial, host))
}

pub(super) fn progress(subject: &dyn Subject) -> Result<(), Stop> {
    let (_trial, host) = listened(subject)?;
    let told = host.with(|told| std::mem::take(&mut told.progress));
    if told.is_empty() {
        return skip("the adapter tells no progress");
    }
    for pair in told.windows(2) {
        if let [(before, of), (now, of_now)] = pair {
            // Another end, or nothing done, is another piece of work.
            ensure(before <= now || *now <= 1 || of != of_now, || format!("progress went back from {before} to {now}"))?;
        }
    }
    let beyond = told.iter().find(|(done, of)| of.is_some_and(|of| *done > of));
    ensure(beyond.is_none(), || format!("progress went beyond its end: {beyond:?}"))
}

pub(super) fn secret(subject: &dyn Subject) -> Result<(), Stop> {
    let (trial, host) = listened(subject)?;
    let (asked, line) = host.with(|told| (told.asked, told.lines.iter().find(|line| line.contains(SECRET)).cloned()));
    if !asked {
        return skip("the adapter asks for no secret");
    }
    ensure(line.is_none(), || "a log line or an error shows the secret".to_owned())?;
    let holds = |content: &[u8]| content.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
    match trial.files()?.into_iter().find(|(_, file)| holds(&file.content)) {
        Some((path, _)) => fail(format!("{} shows the secret", path.strip_prefix(trial.folder()).unwrap_or(&path).display())),
        None => Ok(()),
    }
}

pub(super) fn nothing_left_open(subject: &dyn Subject) -> Result<(), Stop> {
    let working = std::env::current_dir().ok();
    let trial = Trial::seeded(subject)?;
    for _ in 0..3 {
        let (mut adapter, found) = trial.opened()?;
        scan(adapter.as_mut(), &found.memory())?;
        let sample = subject.sample(1000);
        apply(adapter.as_mut(), step(1), &[create(4, &sample)], Mode::Rehearse, &Chest::default())?;
    }
    // Where descriptors are told as links, each tells what is open.
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let inside = trial.folder().canonicalize().unwrap_or_else(|_| trial.folder().to_owned());
    if let Some(path) = open.into_iter().find(|path| path.starts_with(&inside)) {
        return fail(format!("{} is still open", path.strip_prefix(&inside).unwrap_or(&path).display()));
    }
    ensure(std::env::current_dir().ok() == working, || "the working folder is another one now".to_owned())
}
