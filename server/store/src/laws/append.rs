//! Laws of appending: compare-and-swap, idempotency, stale answers.

use protocol::{Appended, Cursor, Envelope, Hash, LogId, Page, Sequence};

use super::{Bench, Broken, Law, equal, is_nowhere, is_unknown, refused, require};

pub(super) const LAWS: &[Law] = &[
    Law { name: "an append on the head becomes the head", check: becomes_the_head },
    Law { name: "an append behind the head is stale and carries what is missing", check: stale_carries_the_missing },
    Law { name: "the right sequence with another hash is refused", check: hash_is_compared },
    Law { name: "an append on a base of another log is refused", check: another_log_is_refused },
    Law { name: "an append beyond the head is refused", check: beyond_the_head_is_refused },
    Law { name: "the same transaction twice is one entry", check: twice_is_one },
    Law { name: "the same transaction is one entry after the head moved on", check: twice_is_one_after_others },
    Law { name: "a transaction id that is in the log answers its entry, whatever comes with it", check: the_first_stands },
    Law { name: "an envelope comes back as it was appended", check: comes_back },
];

fn stale(bench: &Bench<'_>, collection: &protocol::Collection, envelope: &Envelope) -> Result<Page, Broken> {
    match bench.store.append(collection, envelope)? {
        Appended::Stale(page) => Ok(page),
        Appended::Entry(entry) => Err(Broken(format!("an append behind the head became {}", entry.sequence))),
    }
}

fn becomes_the_head(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let first = bench.append(&collection, &bench.envelope(&collection, start, b"one")?)?;
    require(first.follows(&start), || "the first entry does not follow the start".into())?;
    equal("the head after an append", &bench.store.head(&collection)?, &first.cursor(start.log))?;
    let second = bench.append(&collection, &bench.envelope(&collection, first.cursor(start.log), b"two")?)?;
    require(second.follows(&first.cursor(start.log)), || "the second entry does not follow the first".into())?;
    equal("the head after two", &bench.store.head(&collection)?, &second.cursor(start.log))
}

fn stale_carries_the_missing(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries) = bench.filled(5)?;
    let head = bench.store.head(&collection)?;
    for (behind, base) in std::iter::once(Cursor::start(head.log)).chain(entries.iter().map(|e| e.cursor(head.log))).take(5).enumerate() {
        let page = stale(bench, &collection, &bench.envelope(&collection, base, b"late")?)?;
        let missing: Vec<_> = entries.iter().skip(behind).cloned().collect();
        equal("the head in a stale answer", &page.head, &head)?;
        equal("the entries in a stale answer", &page.entries, &missing)?;
    }
    equal("the head after stale appends", &bench.store.head(&collection)?, &head)
}

fn hash_is_compared(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.filled(2)?;
    let head = bench.store.head(&collection)?;
    for base in [Cursor { hash: Hash([9; 32]), ..head }, Cursor { sequence: Sequence(1), ..head }, Cursor { hash: Hash::ZERO, ..head }] {
        let answer = bench.store.append(&collection, &bench.envelope(&collection, base, b"forged")?);
        refused("a base that is no place of the log", answer, is_unknown)?;
    }
    equal("the head after refused appends", &bench.store.head(&collection)?, &head)
}

fn another_log_is_refused(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let (_, other) = bench.log()?;
    for base in [other, Cursor::start(LogId([0; 16]))] {
        let answer = bench.store.append(&collection, &bench.envelope(&collection, base, b"elsewhere")?);
        refused("a base of another log", answer, is_unknown)?;
    }
    let nowhere = bench.collection()?;
    refused("a base in a collection without a log", bench.store.append(&nowhere, &bench.envelope(&nowhere, start, b"x")?), is_nowhere)?;
    equal("the head after refused appends", &bench.store.head(&collection)?, &start)
}

fn beyond_the_head_is_refused(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.filled(1)?;
    let head = bench.store.head(&collection)?;
    for sequence in [2, i64::MAX as u64, u64::MAX - 1, u64::MAX] {
        let base = Cursor { sequence: Sequence(sequence), ..head };
        refused("a base beyond the head", bench.store.append(&collection, &bench.envelope(&collection, base, b"x")?), is_unknown)?;
    }
    Ok(())
}

fn twice_is_one(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let envelope = bench.envelope(&collection, start, b"once")?;
    let first = bench.append(&collection, &envelope)?;
    equal("the answer to the same append", &bench.append(&collection, &envelope)?, &first)?;
    equal("the log after both", &bench.whole(&*bench.store, &collection, 10)?, &vec![first])
}

fn twice_is_one_after_others(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let small = bench.envelope(&collection, start, b"once")?;
    let first = bench.append(&collection, &small)?;
    let large = bench.envelope(&collection, first.cursor(start.log), &vec![3; 300 << 10])?;
    let second = bench.append(&collection, &large)?;
    let third = bench.append(&collection, &bench.envelope(&collection, second.cursor(start.log), b"other")?)?;
    let reopened = bench.subject.open()?;
    for (envelope, entry) in [(&small, &first), (&large, &second)] {
        equal("the answer after the head moved on", &bench.append(&collection, envelope)?, entry)?;
        equal("the answer of the store opened again", &reopened.append(&collection, envelope)?, &Appended::Entry(entry.clone()))?;
    }
    equal("the log after all", &bench.whole(&*bench.store, &collection, 10)?, &vec![first, second, third])
}

fn the_first_stands(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let envelope = bench.envelope(&collection, start, b"first")?;
    let first = bench.append(&collection, &envelope)?;
    for base in [start, first.cursor(start.log)] {
        let other = Envelope { transaction: envelope.transaction, ..bench.envelope(&collection, base, b"second")? };
        let other = bench.subject.seal(&collection, other);
        equal("the answer to a used id", &bench.append(&collection, &other)?, &first)?;
    }
    equal("the log after a used id", &bench.whole(&*bench.store, &collection, 10)?, &vec![first])
}

fn comes_back(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, mut head) = bench.log()?;
    for length in [0, 1, (64 << 10) - 1, 64 << 10, 3 << 20] {
        let envelope = bench.envelope(&collection, head, &vec![0xa5; length])?;
        let entry = bench.append(&collection, &envelope)?;
        let page = bench.store.read(&collection, &head, 1)?;
        require(page.entries.first() == Some(&entry) && entry.envelope == envelope, || {
            format!("an envelope with {length} bytes of payload came back as another one")
        })?;
        head = entry.cursor(head.log);
    }
    Ok(())
}
