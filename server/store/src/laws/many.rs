//! Laws of many at once: whoever loses the race tries again, and nothing is lost or doubled.

use std::collections::BTreeSet;
use std::thread;

use protocol::{Appended, Collection, Cursor, Store, TransactionId};

use super::{Bench, Broken, Law, equal, require};

pub(super) const LAWS: &[Law] = &[
    Law { name: "eight threads that append to one collection lose nothing and double nothing", check: eight_threads },
    Law { name: "eight threads that append the same envelope make one entry", check: one_envelope },
    Law { name: "a log that many make at once is one log", check: one_log },
];

const THREADS: usize = 8;
const EACH: usize = 12;

/// Runs `work` in eight threads, every second one with the store opened again, and returns all results.
fn at_once<T: Send>(bench: &Bench<'_>, work: impl Fn(&dyn Store) -> Result<T, Broken> + Sync) -> Result<Vec<T>, Broken> {
    let reopened = bench.subject.open()?;
    thread::scope(|scope| {
        let stores = [&*bench.store, &*reopened];
        let threads: Vec<_> = stores.into_iter().cycle().take(THREADS).map(|store| scope.spawn(|| work(store))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| Broken("a thread panicked".into()))?).collect()
    })
}

fn eight_threads(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let acknowledged = at_once(bench, |store| (0..EACH).map(|_| append(bench, store, &collection, start)).collect::<Result<Vec<_>, _>>())?;
    let acknowledged: BTreeSet<TransactionId> = acknowledged.into_iter().flatten().collect();
    let entries = bench.whole(&*bench.store, &collection, 10)?;
    equal("the number of entries", &entries.len(), &(THREADS * EACH))?;
    let found: BTreeSet<TransactionId> = entries.iter().map(|entry| entry.envelope.transaction).collect();
    equal("the transactions in the log", &found, &acknowledged)
}

/// Appends one transaction as a device does: with the missing entries of each refusal, until it is in.
fn append(bench: &Bench<'_>, store: &dyn Store, collection: &Collection, start: Cursor) -> Result<TransactionId, Broken> {
    let mut base = start;
    // Each refusal means that another one got in, or that the page was not the last.
    for _ in 0..=2 * THREADS * EACH {
        let envelope = bench.envelope(collection, base, b"race")?;
        match store.append(collection, &envelope)? {
            Appended::Entry(entry) => {
                require(entry.follows(&base), || format!("{} was answered for an append on {base}", entry.sequence))?;
                return Ok(envelope.transaction);
            }
            Appended::Stale(page) => {
                let newest = page.entries.last().ok_or_else(|| Broken("a stale answer without an entry".into()))?;
                base = newest.cursor(start.log);
            }
        }
    }
    Err(Broken("an append was stale more often than others got in".into()))
}

fn one_envelope(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    for payload in [vec![1; 10], vec![2; 100 << 10]] {
        let head = bench.store.head(&collection)?;
        let envelope = bench.envelope(&collection, head, &payload)?;
        let answers = at_once(bench, |store| Ok(store.append(&collection, &envelope)?))?;
        let entry = bench.append(&collection, &envelope)?;
        require(entry.follows(&head), || "the envelope is not the next entry".into())?;
        require(answers.iter().all(|answer| *answer == Appended::Entry(entry.clone())), || "one envelope got different answers".into())?;
    }
    equal("the number of entries", &bench.whole(&*bench.store, &collection, 9)?.len(), &2)?;
    equal("the log", &bench.store.head(&collection)?.log, &start.log)
}

fn one_log(bench: &Bench<'_>) -> Result<(), Broken> {
    let collection = bench.collection()?;
    let heads = at_once(bench, |store| Ok(store.head(&collection)?))?;
    let head = bench.store.head(&collection)?;
    require(heads.iter().all(|other| *other == head), || format!("several logs were made: {heads:?}"))
}
