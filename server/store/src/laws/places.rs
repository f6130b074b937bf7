//! Laws of places, snapshots and compaction: what a device needs to find its way in a log that went on, back, or lost its beginning.

use std::thread;
use std::time::Duration;

use protocol::{Collection, Cursor, DeviceId, Entry, Error, Hash, Head, LogId, Place, Sequence, Signature, Snapshot, TransactionId};

use super::{Bench, Broken, Law, equal, is_unknown, refused, require};

pub(super) const LAWS: &[Law] = &[
    Law { name: "every sequence has its place, and beyond the head there is none", check: places },
    Law { name: "transactions are found with their places, and others are not", check: transactions },
    Law { name: "whoever waits for another head gets it when it comes, and the same one when none does", check: waiting },
    Law { name: "a collection's state tells who has arrived where", check: arrivals },
    Law { name: "the newest snapshot comes back, and an older one does not take its place", check: snapshots },
    Law { name: "a snapshot of a strange place is refused", check: strange_snapshots },
    Law { name: "reading below the horizon names the horizon, and reading from it goes on", check: horizon },
    Law { name: "nothing is compacted that no snapshot stands for", check: needs_a_snapshot },
    Law { name: "places and transactions outlive compaction", check: outlives_compaction },
    Law { name: "an envelope put back on the head that it was made for has the same hash", check: put_back },
];

impl Bench<'_> {
    /// Returns a snapshot that this store accepts.
    fn snapshot(&self, collection: &Collection, cursor: Cursor, payload: &[u8]) -> Snapshot {
        let snapshot = Snapshot { cursor, device: DeviceId([0; 32]), payload: payload.to_vec(), signature: Signature([0; 64]) };
        self.subject.seal_snapshot(collection, snapshot)
    }

    /// Returns a collection with five entries that is compacted up to the third.
    fn compacted(&self) -> Result<(Collection, Vec<Entry>, Cursor, Head), Broken> {
        let (collection, entries) = self.filled(5)?;
        let head = self.store.head(&collection)?;
        let horizon = entries.get(2).map(|entry| entry.cursor(head.log)).ok_or_else(|| Broken("five entries are not five".into()))?;
        self.store.put_snapshot(&collection, &self.snapshot(&collection, horizon, b"state"))?;
        let done = self.store.compact(&collection, &horizon)?;
        equal("the number of entries compacted", &done.entries, &3)?;
        require(done.bytes > 0, || "three entries had no bytes".into())?;
        Ok((collection, entries, horizon, head))
    }
}

fn places(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries) = bench.filled(3)?;
    let head = bench.store.head(&collection)?;
    equal("the place before the first", &bench.store.place(&collection, Sequence(0))?, &Place::Here(Cursor::start(head.log)))?;
    for entry in &entries {
        equal("a place", &bench.store.place(&collection, entry.sequence)?, &Place::Here(entry.cursor(head.log)))?;
    }
    for beyond in [4, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        equal("a place beyond the head", &bench.store.place(&collection, Sequence(beyond))?, &Place::Beyond(head))?;
    }
    Ok(())
}

fn transactions(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries) = bench.filled(3)?;
    let (other, _) = bench.filled(1)?;
    let head = bench.store.head(&collection)?;
    let ids: Vec<TransactionId> = entries.iter().rev().map(|entry| entry.envelope.transaction).collect();
    let asked: Vec<TransactionId> = ids.iter().flat_map(|id| [*id, TransactionId([9; 16])]).collect();
    let expected: Vec<_> = entries.iter().rev().map(|entry| (entry.envelope.transaction, entry.cursor(head.log))).collect();
    equal("what is found of six, three of them unknown", &bench.store.find(&collection, &asked)?, &expected)?;
    equal("what is found in another collection", &bench.store.find(&other, &ids)?, &Vec::new())?;
    equal("what is found of none", &bench.store.find(&collection, &[])?, &Vec::new())
}

fn waiting(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    equal("a head that does not move", &bench.store.wait(&collection, &start, Duration::from_millis(1))?, &start)?;
    let other = bench.subject.open()?;
    thread::scope(|scope| {
        let waiter = scope.spawn(|| other.wait(&collection, &start, Duration::from_secs(20)));
        let entry = bench.append(&collection, &bench.envelope(&collection, start, b"moved")?)?;
        let head = waiter.join().map_err(|_| Broken("the waiting thread panicked".into()))??;
        equal("the head that was waited for", &head, &entry.cursor(start.log))?;
        equal("a head that moved before", &bench.store.wait(&collection, &start, Duration::from_secs(20))?, &head)
    })
}

fn arrivals(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries) = bench.filled(3)?;
    let head = bench.store.head(&collection)?;
    let device = bench.subject.device();
    let lag = |bench: &Bench<'_>| -> Result<Option<(Option<Cursor>, u64)>, Broken> {
        let state = bench.store.state(&collection)?;
        equal("the head in the state", &state.head, &head)?;
        Ok(state.members.iter().find(|member| member.device == device).map(|member| (member.cursor, member.lag)))
    };
    let first = entries.first().map(|entry| entry.cursor(head.log)).ok_or_else(|| Broken("no entry".into()))?;
    for (cursor, behind) in [(first, 2), (head, 0), (first, 2)] {
        bench.store.arrived(&collection, &device, &cursor)?;
        equal("where the device stands", &lag(bench)?, &Some((Some(cursor), behind)))?;
    }
    let strange = Cursor { hash: Hash([1; 32]), ..head };
    refused("arriving at a strange cursor", bench.store.arrived(&collection, &device, &strange), is_unknown)
}

fn snapshots(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries) = bench.filled(3)?;
    let log = bench.store.head(&collection)?.log;
    equal("the snapshot of a log without one", &bench.store.snapshot(&collection)?, &None)?;
    let cursors: Vec<Cursor> = entries.iter().map(|entry| entry.cursor(log)).collect();
    let of = |index: usize, payload: &[u8]| cursors.get(index).map(|cursor| bench.snapshot(&collection, *cursor, payload));
    let (Some(first), Some(third), Some(again)) = (of(0, b"first"), of(2, &vec![3; 300 << 10]), of(2, b"again")) else {
        return Err(Broken("three entries are not three".into()));
    };
    for (put, newest) in [(&first, &first), (&third, &third), (&first, &third), (&again, &third)] {
        bench.store.put_snapshot(&collection, put)?;
        equal("the newest snapshot", &bench.store.snapshot(&collection)?, &Some(newest.clone()))?;
    }
    equal("the place of the newest snapshot", &bench.store.state(&collection)?.snapshot, &Some(third.cursor))?;
    equal("the newest snapshot after reopening", &bench.subject.open()?.snapshot(&collection)?, &Some(third))
}

fn strange_snapshots(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.filled(2)?;
    let head = bench.store.head(&collection)?;
    let strange =
        [Cursor { hash: Hash([1; 32]), ..head }, Cursor { sequence: Sequence(3), ..head }, Cursor { log: LogId([1; 16]), ..head }];
    for cursor in strange {
        let answer = bench.store.put_snapshot(&collection, &bench.snapshot(&collection, cursor, b"x"));
        refused("a snapshot of a strange place", answer, is_unknown)?;
    }
    equal("the snapshot after refusals", &bench.store.snapshot(&collection)?, &None)
}

fn horizon(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries, horizon, head) = bench.compacted()?;
    let first = entries.first().map(|entry| entry.cursor(head.log)).ok_or_else(|| Broken("no entry".into()))?;
    for cursor in [Cursor::start(head.log), first] {
        for answer in [
            bench.store.read(&collection, &cursor, 9).map(|_| ()),
            bench.store.append(&collection, &bench.envelope(&collection, cursor, b"late")?).map(|_| ()),
        ] {
            match answer {
                Err(Error::Compacted { horizon: named, .. }) => equal("the horizon that is named", &named, &horizon)?,
                other => return Err(Broken(format!("below the horizon: {other:?}"))),
            }
        }
        equal("the place below the horizon", &bench.store.place(&collection, cursor.sequence)?, &Place::Compacted(horizon))?;
    }
    let rest: Vec<Entry> = entries.into_iter().skip(3).collect();
    equal("what follows the horizon", &bench.store.read(&collection, &horizon, 9)?.entries, &rest)?;
    equal("the horizon in the state", &bench.store.state(&collection)?.horizon, &horizon)?;
    equal("the place of the horizon", &bench.store.place(&collection, horizon.sequence)?, &Place::Here(horizon))?;
    refused("a strange cursor below it", bench.store.read(&collection, &Cursor { hash: Hash([1; 32]), ..first }, 9), is_unknown)
}

fn needs_a_snapshot(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries) = bench.filled(3)?;
    let head = bench.store.head(&collection)?;
    let no_snapshot = |error: &Error| matches!(error, Error::NoSnapshot(_));
    refused("a compaction without a snapshot", bench.store.compact(&collection, &head), no_snapshot)?;
    let first = entries.first().map(|entry| entry.cursor(head.log)).ok_or_else(|| Broken("no entry".into()))?;
    bench.store.put_snapshot(&collection, &bench.snapshot(&collection, first, b"state"))?;
    refused("a compaction beyond the snapshot", bench.store.compact(&collection, &head), no_snapshot)?;
    refused("a compaction up to a strange place", bench.store.compact(&collection, &Cursor { hash: Hash([1; 32]), ..first }), is_unknown)?;
    equal("the log after refusals", &bench.whole(&*bench.store, &collection, 9)?, &entries)
}

fn outlives_compaction(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries, horizon, head) = bench.compacted()?;
    let reopened = bench.subject.open()?;
    equal("the head", &reopened.head(&collection)?, &head)?;
    for entry in &entries {
        let id = entry.envelope.transaction;
        equal("a transaction", &reopened.find(&collection, &[id])?, &vec![(id, entry.cursor(head.log))])?;
        equal("the same append", &bench.append(&collection, &entry.envelope)?, entry)?;
    }
    equal("compacting again", &reopened.compact(&collection, &horizon)?.entries, &0)?;
    let next = bench.append(&collection, &bench.envelope(&collection, head, b"next")?)?;
    equal("the next entry's place", &next.sequence, &head.sequence.next())
}

fn put_back(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let first = bench.envelope(&collection, start, b"first")?;
    let expected = Entry::after(&start, first.clone());
    let second = bench.envelope(&collection, expected.cursor(start.log), b"second")?;
    refused("an envelope whose base is not there yet", bench.store.append(&collection, &second), is_unknown)?;
    equal("the entry of the first", &bench.append(&collection, &first)?, &expected)?;
    equal("the entry of the second", &bench.append(&collection, &second)?, &Entry::after(&expected.cursor(start.log), second))
}
