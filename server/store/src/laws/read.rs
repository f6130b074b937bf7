//! Laws of reading: pages, cursors, the chain, and what outlives a reopening.

use protocol::{Cursor, Envelope, Hash, LogId, Sequence};

use super::{Bench, Broken, Law, equal, is_nowhere, is_unknown, refused, require};

pub(super) const LAWS: &[Law] = &[
    Law { name: "pages of any limit give the whole log in order", check: pages_give_the_log },
    Law { name: "a page stops before it fills the memory and the rest follows", check: pages_are_bounded },
    Law { name: "a cursor that is no place of the log is unknown", check: strange_cursors_are_unknown },
    Law { name: "collections are independent", check: collections_are_independent },
    Law { name: "names that look alike are different collections", check: names_are_exact },
    Law { name: "what was acknowledged is there when the store is opened again", check: outlives_reopening },
    Law { name: "a log keeps its id", check: log_id_stays },
];

fn pages_give_the_log(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries) = bench.filled(7)?;
    for limit in [1, 2, 3, 7, 8, usize::MAX] {
        equal("the log in pages", &bench.whole(&*bench.store, &collection, limit)?, &entries)?;
    }
    let head = bench.store.head(&collection)?;
    let nothing = bench.store.read(&collection, &Cursor::start(head.log), 0)?;
    equal("a page of none", &nothing.entries, &Vec::new())?;
    equal("the head of a page of none", &nothing.head, &head)?;
    equal("what follows the head", &bench.store.read(&collection, &head, 9)?.entries, &Vec::new())
}

fn pages_are_bounded(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, mut head) = bench.log()?;
    let start = head;
    let mut entries = Vec::new();
    for byte in 0..6 {
        let entry = bench.append(&collection, &bench.envelope(&collection, head, &vec![byte; 5 << 20])?)?;
        head = entry.cursor(head.log);
        entries.push(entry);
    }
    let page = bench.store.read(&collection, &start, usize::MAX)?;
    require((1..6).contains(&page.entries.len()), || format!("a page of 30 MB holds {} of 6 entries", page.entries.len()))?;
    require(bench.whole(&*bench.store, &collection, usize::MAX)? == entries, || "the pages together are not the log".into())
}

fn strange_cursors_are_unknown(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries) = bench.filled(3)?;
    let head = bench.store.head(&collection)?;
    let first = entries.first().map_or(Hash::ZERO, |entry| entry.hash);
    let strange = [
        Cursor { hash: Hash([1; 32]), ..head },
        Cursor { hash: first, ..head },
        Cursor { sequence: Sequence(0), ..head },
        Cursor { sequence: Sequence(4), ..head },
        Cursor { sequence: Sequence(u64::MAX), ..head },
        Cursor { sequence: Sequence(i64::MAX as u64 + 1), ..head },
        Cursor { log: LogId([1; 16]), ..head },
        Cursor::start(LogId([1; 16])),
    ];
    for cursor in strange {
        refused("a strange cursor", bench.store.read(&collection, &cursor, 1), is_unknown)?;
        refused("a strange cursor, with nothing asked", bench.store.read(&collection, &cursor, 0), is_unknown)?;
    }
    refused("a cursor in a collection without a log", bench.store.read(&bench.collection()?, &head, 1), is_nowhere)
}

fn collections_are_independent(bench: &Bench<'_>) -> Result<(), Broken> {
    let ((one, left), (other, right)) = (bench.log()?, bench.log()?);
    require(left.log != right.log, || "two collections have one log id".into())?;
    let envelope = bench.envelope(&one, left, b"left")?;
    let entry = bench.append(&one, &envelope)?;
    equal("the head of the other collection", &bench.store.head(&other)?, &right)?;
    let same_id = bench.subject.seal(&other, Envelope { base: right, payload: b"right".to_vec(), ..envelope });
    let twin = bench.append(&other, &same_id)?;
    equal("the first collection", &bench.whole(&*bench.store, &one, 9)?, &vec![entry])?;
    equal("the other collection", &bench.whole(&*bench.store, &other, 9)?, &vec![twin])
}

fn names_are_exact(bench: &Bench<'_>) -> Result<(), Broken> {
    let base = bench.collection()?;
    let mut logs = Vec::new();
    for name in [format!("{base}-a"), format!("{base}-A"), format!("{base}-ä"), format!("{base}-a."), format!("{base}-a..b")] {
        let collection = name.parse().map_err(|error| Broken(format!("{error}")))?;
        logs.push(bench.store.head(&collection)?.log);
    }
    logs.sort_unstable();
    logs.dedup();
    equal("the number of logs of five names", &logs.len(), &5)
}

fn outlives_reopening(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, entries) = bench.filled(4)?;
    let head = bench.store.head(&collection)?;
    let large = bench.append(&collection, &bench.envelope(&collection, head, &vec![8; 200 << 10])?)?;
    let reopened = bench.subject.open()?;
    equal("the head after reopening", &reopened.head(&collection)?, &large.cursor(head.log))?;
    let expected: Vec<_> = entries.into_iter().chain([large]).collect();
    equal("the log after reopening", &bench.whole(&*reopened, &collection, 3)?, &expected)
}

fn log_id_stays(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    equal("the head asked for again", &bench.store.head(&collection)?, &start)?;
    equal("the head after reopening", &bench.subject.open()?.head(&collection)?, &start)
}
