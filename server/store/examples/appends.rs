//! Measures durable appends a second, beside a bare loop of group commits over the same rows.
//!
//! `cargo run --release -p syncretic-store --example appends [WRITERS] [PAYLOAD] [SECONDS] [FOLDER]`

#![expect(clippy::print_stdout, reason = "it is a program that prints figures")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use protocol::{Appended, Collection, DeviceId, Envelope, Header, Signature, Store, TransactionId};
use rusqlite::{Connection, params};
use store::Sqlite;
use syncretic_store as store;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const ROUNDS: usize = 3;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |index: usize, default: usize| arguments.get(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (writers, payload, seconds) = (number(0, 32), number(1, 4096), number(2, 3));
    let folder = arguments.get(3).map_or_else(|| env::temp_dir().join(format!("appends-{}", std::process::id())), PathBuf::from);
    let work = Work { writers, payload, time: Duration::from_secs(seconds as u64) };
    println!(
        "{writers} writers, each on a collection of its own, {payload} bytes of payload, {seconds} s a round, in {}",
        folder.display()
    );
    for round in 0..ROUNDS {
        let place = folder.join(round.to_string());
        let bare = bare(&place.join("bare"), &work)?;
        let ours = ours(&place.join("ours"), &work)?;
        let alone = ours_alone(&place.join("alone"), &work)?;
        println!("bare group commit {bare:>7.0}/s   store {ours:>7.0}/s ({:.0} %)   store, one writer {alone:>6.0}/s", 100.0 * ours / bare);
        opening(&place.join("ours"))?;
        fs::remove_dir_all(&place)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

struct Work {
    writers: usize,
    payload: usize,
    time: Duration,
}

impl Work {
    /// Runs `append` in a thread for each writer until the time is over, and returns how often it ran a second.
    fn rate(&self, append: impl Fn(usize, &dyn Fn() -> bool) -> Outcome<()> + Sync) -> Outcome<f64> {
        let count = AtomicU64::new(0);
        let begin = Instant::now();
        let again = || {
            count.fetch_add(1, Ordering::Relaxed);
            begin.elapsed() < self.time
        };
        thread::scope(|scope| {
            let (append, again) = (&append, &again);
            let threads: Vec<_> = (0..self.writers).map(|writer| scope.spawn(move || append(writer, again))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a writer panicked")?)
        })?;
        Ok(count.into_inner() as f64 / begin.elapsed().as_secs_f64())
    }
}

fn ours(folder: &Path, work: &Work) -> Outcome<f64> {
    let store = Sqlite::open(folder)?;
    work.rate(|writer, again| {
        let collection: Collection = format!("c{writer}").parse()?;
        let mut base = store.head(&collection)?;
        loop {
            let mut transaction = [0; 16];
            getrandom::fill(&mut transaction)?;
            let envelope = Envelope {
                transaction: TransactionId(transaction),
                device: DeviceId([0; 32]),
                base,
                header: Header { operations: 1, deletions: 0, records: Vec::new() },
                payload: vec![7; work.payload],
                signature: Signature([0; 64]),
            };
            match store.append(&collection, &envelope)? {
                Appended::Entry(entry) => base = entry.cursor(base.log),
                Appended::Stale(_) => return Err("nobody else appends here".into()),
            }
            if !again() {
                return Ok(());
            }
        }
    })
}

fn ours_alone(folder: &Path, work: &Work) -> Outcome<f64> {
    ours(folder, &Work { writers: 1, ..*work })
}

/// Says how long it takes to open the store and ask for a head.
fn opening(folder: &Path) -> Outcome<()> {
    let collection: Collection = "c0".parse()?;
    let mut times = Vec::new();
    for _ in 0..21 {
        let begin = Instant::now();
        let store = Sqlite::open(folder)?;
        let opened = begin.elapsed();
        store.head(&collection)?;
        times.push((opened, begin.elapsed()));
    }
    times.sort_unstable();
    if let Some((opened, head)) = times.get(10) {
        println!("  opening: {} µs, with a head: {} µs", opened.as_micros(), head.as_micros());
    }
    Ok(())
}

/// One thread that inserts whatever waits and commits it, with no look at heads, hashes or digests.
fn bare(folder: &Path, work: &Work) -> Outcome<f64> {
    fs::create_dir_all(folder)?;
    let mut connection = Connection::open(folder.join("bare.db"))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; CREATE TABLE entry (id INTEGER PRIMARY KEY, log INTEGER, sequence INTEGER, body BLOB);
         CREATE UNIQUE INDEX place ON entry (log, sequence);",
    )?;
    let (send, waiting) = sync_channel::<Insertion>(1024);
    thread::scope(|scope| {
        let thread = scope.spawn(move || insert(&mut connection, &waiting));
        let rate = work.rate(|writer, again| {
            for number in 0.. {
                let (done, wait) = sync_channel(1);
                send.send(Insertion { log: i64::try_from(writer)?, number, body: vec![7; work.payload], done })?;
                wait.recv()?;
                if !again() {
                    break;
                }
            }
            Ok(())
        });
        drop(send);
        thread.join().map_err(|_| "the inserting thread panicked")??;
        rate
    })
}

struct Insertion {
    log: i64,
    number: i64,
    body: Vec<u8>,
    done: SyncSender<()>,
}

fn insert(connection: &mut Connection, waiting: &Receiver<Insertion>) -> Outcome<()> {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(255));
        let transaction = connection.transaction()?;
        for row in &batch {
            let mut statement = transaction.prepare_cached("INSERT INTO entry (log, sequence, body) VALUES (?1, ?2, ?3)")?;
            statement.execute(params![row.log, row.number, row.body])?;
        }
        transaction.commit()?;
        for row in batch {
            row.done.send(())?;
        }
    }
    Ok(())
}
