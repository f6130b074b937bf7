//! Measures durable appends a second over HTTP, beside a bare loop of group commits over rows of the same size, in one run that alternates;
//! and, where the system tells (Linux), how much of the processors an append costs, and whom.
//!
//! `cargo run --release -p syncretic-http --example load [WRITERS] [COLLECTIONS] [PAYLOAD] [SECONDS]`

#![expect(clippy::print_stdout, reason = "it is a program that prints figures")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use ed25519_dalek::{Signer, SigningKey};
use http::{Limits, Options};
use protocol::messages::{Challenge, Challenged, Enroll, Granted, Proof};
use protocol::routes::Route;
use protocol::{Cursor, DeviceId, Envelope, Header, Signature, TransactionId, signed, wire};
use rusqlite::{Connection, params};
use serde::Serialize;
use syncretic_http as http;

/// What is measured runs on the allocator that the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const ROUNDS: usize = 3;

struct Work {
    writers: usize,
    collections: usize,
    payload: usize,
    time: Duration,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |index: usize, default: usize| arguments.get(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let time = Duration::from_secs(number(3, 5) as u64);
    let work = Work { writers: number(0, 64), collections: number(1, 64), payload: number(2, 4096), time };
    let folder = env::temp_dir().join(format!("load-{}", std::process::id()));
    println!(
        "{} writers on {} collections, {} bytes of payload, {} s a round",
        work.writers,
        work.collections,
        work.payload,
        time.as_secs()
    );
    for round in 0..ROUNDS {
        let place = folder.join(round.to_string());
        let bare = bare(&place.join("bare"), &work)?;
        let figures = served(&place.join("served"), &work)?;
        println!("bare group commit {bare:>6.0}/s   over HTTP {} ({:.0} %)", figures.text, 100.0 * figures.rate / bare);
        if let Some(cost) = figures.cost {
            println!("  {cost}");
        }
        fs::remove_dir_all(&place)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

struct Figures {
    rate: f64,
    text: String,
    cost: Option<String>,
}

/// What the clients' threads are called.
const CLIENT: &str = "client";

/// Returns how long threads of each name have had a processor, in microseconds; nothing where the system does not tell.
fn processors() -> Option<BTreeMap<String, u64>> {
    let mut used = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
        // A thread may have ended since.
        let read = |name: &str| fs::read_to_string(task.path().join(name)).ok();
        let Some((name, times)) = read("comm").zip(read("schedstat")) else { continue };
        let nanoseconds: u64 = times.split(' ').next()?.parse().ok()?;
        *used.entry(name.trim().to_owned()).or_default() += nanoseconds / 1000;
    }
    Some(used)
}

/// Says what an append costs whom.
fn cost(before: Option<&BTreeMap<String, u64>>, count: u64) -> Option<String> {
    let (before, after) = (before?, processors()?);
    let spent = |name: &str| {
        let of = |used: &BTreeMap<String, u64>| used.get(name).copied().unwrap_or_default();
        (of(&after) - of(before)) as f64 / count.max(1) as f64
    };
    let (client, server, writer) = (spent(CLIENT), spent("store-server"), spent("store-writer"));
    let alone = 2_000_000.0 / (server + writer);
    Some(format!(
        "an append costs {:.0} µs: clients {client:.0}, server {server:.0}, the thread that writes {writer:.0}; two processors for the server alone would give {alone:.0}/s",
        client + server + writer
    ))
}

/// A device with its connection, kept open.
struct Client {
    key: SigningKey,
    stream: BufReader<TcpStream>,
    token: String,
}

impl Client {
    fn connect(address: SocketAddr, key: SigningKey) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { key, stream: BufReader::new(stream), token: String::new() })
    }

    fn device(&self) -> DeviceId {
        DeviceId(self.key.verifying_key().to_bytes())
    }

    fn ask(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Outcome<(u16, Vec<u8>)> {
        let token = &self.token;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).ok_or("no status")?.parse()?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }

    fn tell(&mut self, route: Route, message: &impl Serialize) -> Outcome<Vec<u8>> {
        let (status, body) = self.ask(route.method().as_str(), &route.path(&[]), "application/json", &serde_json::to_vec(message)?)?;
        if status == 200 { Ok(body) } else { Err(format!("{}: {status} {}", route.name(), String::from_utf8_lossy(&body)).into()) }
    }

    fn sign_in(&mut self) -> Outcome<()> {
        let device = self.device();
        let challenged: Challenged = serde_json::from_slice(&self.tell(Route::Challenge, &Challenge { device })?)?;
        let signature = Signature(self.key.sign(&signed::challenge(&challenged.store, &challenged.nonce, &device)).to_bytes());
        let proof = Proof { device, nonce: challenged.nonce, signature };
        let granted: Granted = serde_json::from_slice(&self.tell(Route::Token, &proof)?)?;
        self.token = granted.token.to_string();
        Ok(())
    }
}

fn served(folder: &Path, work: &Work) -> Outcome<Figures> {
    let mut options = Options::new(folder.to_owned(), "127.0.0.1:0".parse()?);
    let plenty = NonZeroU32::MAX;
    options.limits = Limits { device_rate: plenty, device_burst: plenty, ..Limits::default() };
    let running = http::start(options)?;
    let key = SigningKey::from_bytes(&[1; 32]);
    let mut first = Client::connect(running.address(), key.clone())?;
    let (code, device) = (running.code().ok_or("no code")?, first.device());
    let signature = Signature(key.sign(&signed::enrollment(&code, &device, "load")).to_bytes());
    first.tell(Route::Enroll, &Enroll { code, device, name: "load".into(), signature })?;
    first.sign_in()?;
    for number in 0..work.collections {
        first.ask("PUT", &Route::CreateCollection.path(&[&format!("c{number}")]), "", &[])?;
    }
    let (stop, count, stale) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let times: Mutex<Vec<u32>> = Mutex::default();
    let (before, begin) = (processors(), Instant::now());
    let spent = thread::scope(|scope| -> Outcome<_> {
        let writers: Vec<_> = (0..work.writers)
            .map(|writer| {
                let (key, token, stop, count, stale, times) = (key.clone(), first.token.clone(), &stop, &count, &stale, &times);
                let address = running.address();
                thread::Builder::new().name(CLIENT.into()).spawn_scoped(scope, move || -> Outcome<()> {
                    let client = Client { token, ..Client::connect(address, key)? };
                    let mine = write(client, &format!("c{}", writer % work.collections), work.payload, stop, (count, stale))?;
                    times.lock().map_err(|_| "poisoned")?.extend(mine);
                    Ok(())
                })
            })
            .collect::<Result<_, _>>()?;
        thread::sleep(work.time);
        // Before the threads end and nobody knows any more what they used.
        let spent = cost(before.as_ref(), count.load(Ordering::SeqCst));
        stop.store(true, Ordering::SeqCst);
        writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| "a writer panicked")?)?;
        Ok(spent)
    })?;
    let rate = count.into_inner() as f64 / begin.elapsed().as_secs_f64();
    let mut times = times.into_inner().map_err(|_| "poisoned")?;
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default() as f64 / 1000.0;
    let text = format!("{rate:>6.0}/s, p50 {:.1} ms, p99 {:.1} ms, {} stale", at(50), at(99), stale.into_inner());
    Ok(Figures { rate, text, cost: spent })
}

fn write(mut client: Client, name: &str, payload: usize, stop: &AtomicBool, (count, stale): (&AtomicU64, &AtomicU64)) -> Outcome<Vec<u32>> {
    let collection = name.parse()?;
    let (_, head) = client.ask("GET", &Route::Head.path(&[name]), "", &[])?;
    let mut base: Cursor = serde_json::from_slice(&head)?;
    let (path, mut times, mut lost) = (Route::Append.path(&[name]), Vec::new(), 0_u32);
    while !stop.load(Ordering::Relaxed) {
        let mut transaction = [0; 16];
        getrandom::fill(&mut transaction)?;
        let header = Header { operations: 1, deletions: 0, records: Vec::new() };
        let (transaction, signature) = (TransactionId(transaction), Signature([0; 64]));
        let mut envelope = Envelope { transaction, device: client.device(), base, header, payload: vec![7; payload], signature };
        envelope.signature = Signature(client.key.sign(&envelope.signed(&collection)).to_bytes());
        let begin = Instant::now();
        let (status, body) = client.ask("POST", &path, wire::BYTES, &envelope.encode())?;
        match status {
            200 => {
                times.push(u32::try_from(begin.elapsed().as_micros())?);
                count.fetch_add(1, Ordering::Relaxed);
                lost = 0;
                base = wire::decode_appended(&body, &envelope)?.cursor(base.log);
            }
            409 => {
                stale.fetch_add(1, Ordering::Relaxed);
                // As devices do: whoever lost waits for a random while, longer the more often it lost.
                lost = (lost + 1).min(6);
                let random = dice(&envelope);
                thread::sleep(Duration::from_micros((u64::from(random) * 8) << lost));
                base = wire::decode_page(&body)?.entries.last().map_or(base, |entry| entry.cursor(base.log));
            }
            other => return Err(format!("{other}: {}", String::from_utf8_lossy(&body)).into()),
        }
    }
    Ok(times)
}

/// Returns a random number: the first byte of the transaction id.
fn dice(envelope: &Envelope) -> u8 {
    let [first, ..] = envelope.transaction.0;
    first
}

/// One thread that inserts whatever waits and commits it, with no look at heads, hashes, rights or signatures.
fn bare(folder: &Path, work: &Work) -> Outcome<f64> {
    fs::create_dir_all(folder)?;
    let mut connection = Connection::open(folder.join("bare.db"))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; CREATE TABLE entry (id INTEGER PRIMARY KEY, log INTEGER, sequence INTEGER, body BLOB);
         CREATE UNIQUE INDEX place ON entry (log, sequence);",
    )?;
    let (send, waiting) = sync_channel::<(i64, i64, Vec<u8>, std::sync::mpsc::SyncSender<()>)>(1024);
    let (stop, count) = (Arc::new(AtomicBool::new(false)), AtomicU64::new(0));
    let begin = Instant::now();
    thread::scope(|scope| -> Outcome<()> {
        let inserting = scope.spawn(move || -> Outcome<()> {
            while let Ok(first) = waiting.recv() {
                let mut batch = vec![first];
                batch.extend(waiting.try_iter().take(255));
                let transaction = connection.transaction()?;
                for (log, sequence, body, _) in &batch {
                    let mut insert = transaction.prepare_cached("INSERT INTO entry (log, sequence, body) VALUES (?1, ?2, ?3)")?;
                    insert.execute(params![log, sequence, body])?;
                }
                transaction.commit()?;
                batch.into_iter().try_for_each(|(.., done)| done.send(()))?;
            }
            Ok(())
        });
        let writers: Vec<_> = (0..work.writers)
            .map(|writer| {
                let (send, stop, count) = (send.clone(), Arc::clone(&stop), &count);
                scope.spawn(move || -> Outcome<()> {
                    for sequence in 0.. {
                        let (done, wait) = sync_channel(1);
                        send.send((i64::try_from(writer)?, sequence, vec![7; work.payload], done))?;
                        wait.recv()?;
                        count.fetch_add(1, Ordering::Relaxed);
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        drop(send);
        thread::sleep(work.time);
        stop.store(true, Ordering::SeqCst);
        writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| "a writer panicked")?)?;
        inserting.join().map_err(|_| "the inserting thread panicked")?
    })?;
    Ok(count.into_inner() as f64 / begin.elapsed().as_secs_f64())
}
