//! What a scan leaves for a look: whether nothing changed since.

use crate::report::{Stop, ensure, skip};
use crate::subject::Subject;
use crate::trial::{Trial, prepared, scan, went};

pub(super) fn same(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (_, found) = trial.opened()?;
    let Some(note) = &found.scan.note else { return skip("a scan leaves no note") };
    // A note may be cautious for a while: what was saved just now may be saved again within the same tick of the clock.
    let mut adapter = trial.open()?;
    let _ = went(adapter.same(note), "looking")?;
    prepared(subject.edit(&trial.path, found.at(0)?))?;
    ensure(!went(adapter.same(note), "looking after an edit")?, || "after an edit everything is said to be the same".to_owned())?;
    let now = scan(adapter.as_mut(), &found.memory())?;
    ensure(now.items.len() == 1, || format!("after one edit {} items are reported as changed", now.items.len()))
}

pub(super) fn garbage(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let long = vec![0xff; 1 << 20];
    for note in [&b""[..], b"\0", b"no such note", &long] {
        // An error is an honest answer, too.
        let same = adapter.same(note).unwrap_or(false);
        ensure(!same || found.scan.note.as_deref() == Some(note), || {
            format!("a note of {} bytes that no scan left is said to be the same", note.len())
        })?;
    }
    Ok(())
}
