//! Many devices on one collection: each pushes once a period and follows the others by events; then it is looked whether anything was lost.
//!
//! `cargo run --release -p syncretic-http --example crowd [DEVICES] [MINUTES] [SECONDS BETWEEN PUSHES]`: 1,000 devices, ten minutes, sixty
//! seconds. Server and devices are this one process, on 127.0.0.1; it ends by itself. It needs four open files a device, and raises its limit.

#![expect(clippy::print_stdout, reason = "it is a program that prints figures")]

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer, SigningKey};
use http::{Limits, Options};
use protocol::messages::{Challenge, Challenged, Enroll, Grant, Granted, Invitation, Invite, Proof};
use protocol::routes::Route;
use protocol::{Code, Collection, Cursor, DeviceId, Envelope, Header, Right, Signature, TransactionId, signed, wire};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use syncretic_http as http;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until, timeout};

/// What is measured runs on the allocator that the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const JSON: &str = "application/json";
const NAME: &str = "contacts";
/// How long a device that heard of something waits for more before it reads.
const REST: Duration = Duration::from_secs(2);
/// How long devices have at the end to come up to the head.
const LAST: Duration = Duration::from_secs(120);
/// The bytes of each push.
const PAYLOAD: usize = 256;

/// What is to be done.
struct Work {
    address: SocketAddr,
    devices: usize,
    pushes: u32,
    period: Duration,
    begin: tokio::time::Instant,
    /// What was acknowledged, by sequence.
    said: Mutex<BTreeMap<u64, Said>>,
}

/// A push that was acknowledged.
struct Said {
    transaction: TransactionId,
    sent: Instant,
    took: Duration,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |index: usize, default: usize| arguments.get(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (devices, minutes, period) = (number(0, 1000), number(1, 10), number(2, 60));
    raise(devices)?;
    let folder = env::temp_dir().join(format!("crowd-{}", std::process::id()));
    let mut options = Options::new(folder.clone(), "127.0.0.1:0".parse()?);
    // All devices have one address here: elsewhere each has its own.
    options.limits = Limits { stranger_rate: NonZeroU32::MAX, stranger_burst: NonZeroU32::MAX, ..Limits::default() };
    let running = http::start(options)?;
    let code = running.code().ok_or("no code")?;
    let pushes = u32::try_from(minutes * 60 / period.max(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(run(running.address(), code, (devices, pushes, Duration::from_secs(period as u64))));
    drop(runtime);
    running.stop();
    std::fs::remove_dir_all(&folder)?;
    outcome
}

/// Raises how many files this process may have open.
fn raise(devices: usize) -> Outcome<()> {
    let needed = 4 * devices as u64 + 200;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit)?;
    }
    match limit.current {
        Some(current) if current < needed => {
            Err(format!("{devices} devices need {needed} open files, and {current} are allowed: raise the hard limit").into())
        }
        _ => Ok(()),
    }
}

async fn run(address: SocketAddr, code: Code, (devices, pushes, period): (usize, u32, Duration)) -> Outcome<()> {
    let mut first = Device::new(0, address).await?;
    first.enroll(code).await?;
    first.ask(Route::CreateCollection, &[NAME], "", &[]).await?;
    let begun = Instant::now();
    let mut crowd = Vec::new();
    for number in 1..=devices {
        let grant = Grant { collection: NAME.parse()?, right: Right::Write, delete_budget: None };
        let invite = Invite { grants: vec![grant], administrator: false, seconds: Some(3600) };
        let invitation: Invitation = first.exchange(Route::Invite, &invite).await?;
        let mut device = Device::new(number, address).await?;
        device.enroll(invitation.code).await?;
        crowd.push(device);
    }
    println!("{devices} devices were enrolled in {:.0} s", begun.elapsed().as_secs_f64());
    let begin = tokio::time::Instant::now() + Duration::from_secs(5);
    let work = Arc::new(Work { address, devices, pushes, period, begin, said: Mutex::default() });
    let (end, ended) = watch::channel(None);
    let tasks: Vec<_> = crowd.into_iter().map(|device| tokio::spawn(live(device, Arc::clone(&work), ended.clone()))).collect();
    // A period is as long for the last device as for the first one.
    sleep_until(begin + period * pushes).await;
    let mut head: Cursor = first.told(Route::Head).await?;
    let expected = u64::from(pushes) * devices as u64;
    let late = Instant::now();
    while head.sequence.0 < expected && late.elapsed() < LAST {
        sleep(Duration::from_millis(100)).await;
        head = first.told(Route::Head).await?;
    }
    end.send_replace(Some(head));
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await??);
    }
    report(&work, head, &all)
}

/// What a device saw.
struct Seen {
    cursor: Cursor,
    transactions: Vec<TransactionId>,
    /// When it was told of a sequence.
    heard: Vec<(u64, Instant)>,
    stale: u32,
}

/// Pushes at its times, and reads whenever something moved, until it stands where the end is.
async fn live(mut device: Device, work: Arc<Work>, mut end: watch::Receiver<Option<Cursor>>) -> Outcome<Seen> {
    let mut cursor: Cursor = Cursor::start(device.told::<Cursor>(Route::Head).await?.log);
    let (told, mut news) = watch::channel(cursor);
    let listening = tokio::spawn(listen(work.address, device.token.clone(), told));
    let phase = work.period * u32::try_from(device.number)? / u32::try_from(work.devices)?;
    let (mut pushed, mut stale, mut transactions) = (0, 0, Vec::new());
    let giving_up = work.begin + work.period * work.pushes + LAST * 2;
    loop {
        let next = work.begin + work.period * pushed + phase;
        let last = *end.borrow();
        if last.is_some_and(|last| last == cursor && pushed == work.pushes) {
            break;
        }
        if tokio::time::Instant::now() > giving_up {
            return Err(format!("device {} is at {} and has pushed {pushed} times", device.number, cursor.sequence).into());
        }
        let due = pushed < work.pushes && next <= tokio::time::Instant::now();
        if due {
            let newest = *news.borrow();
            let base = if newest.sequence > cursor.sequence { newest } else { cursor };
            stale += device.push(base, &work.said).await?;
            pushed += 1;
            continue;
        }
        if last.is_some() || news.borrow_and_update().sequence > cursor.sequence {
            device.read(&mut cursor, &mut transactions).await?;
        }
        tokio::select! {
            () = sleep(REST) => {}
            () = sleep_until(next), if pushed < work.pushes => {}
            _ = end.changed(), if last.is_none() => {}
        }
    }
    drop(news);
    let heard = timeout(LAST, listening).await???;
    Ok(Seen { cursor, transactions, heard, stale })
}

/// Follows the collection by events until nobody wants to know any more.
async fn listen(address: SocketAddr, token: String, told: watch::Sender<Cursor>) -> Outcome<Vec<(u64, Instant)>> {
    let mut heard = Vec::new();
    let mut stream = BufReader::new(connect(address).await?);
    let path = Route::Events.path(&[NAME]);
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n").as_bytes()).await?;
    let mut line = String::new();
    loop {
        line.clear();
        let read = tokio::select! {
            read = stream.read_line(&mut line) => read?,
            () = told.closed() => return Ok(heard),
        };
        if read == 0 {
            return Err("the stream of events ended".into());
        }
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let head: Cursor = serde_json::from_str(data)?;
        heard.push((head.sequence.0, Instant::now()));
        told.send_replace(head);
    }
}

fn report(work: &Work, head: Cursor, all: &[Seen]) -> Outcome<()> {
    let said = work.said.lock().unwrap_or_else(PoisonError::into_inner);
    let expected = u64::from(work.pushes) * work.devices as u64;
    let behind = all.iter().filter(|seen| seen.cursor != head).count();
    // Every device checked every link up to the same hash, so that one device's list is everybody's.
    let log = all.first().map(|seen| seen.transactions.as_slice()).unwrap_or_default();
    let place = |sequence: &u64| usize::try_from(*sequence).ok().and_then(|sequence| log.get(sequence.checked_sub(1)?));
    let lost = said.iter().filter(|(sequence, said)| place(sequence) != Some(&said.transaction)).count();
    let stale: u32 = all.iter().map(|seen| seen.stale).sum();
    let heard =
        all.iter().flat_map(|seen| &seen.heard).filter_map(|(sequence, at)| Some(at.saturating_duration_since(said.get(sequence)?.sent)));
    println!(
        "{} of {expected} pushes acknowledged, {lost} lost, head {}, {behind} devices behind, {stale} stale",
        said.len(),
        head.sequence
    );
    println!("a push, until it was acknowledged: {}", shares(said.values().map(|said| said.took)));
    println!("an event, from the push that it tells of: {}", shares(heard));
    if lost > 0 || behind > 0 || head.sequence.0 != expected || said.len() as u64 != expected {
        Err("something is missing".into())
    } else {
        Ok(())
    }
}

fn shares(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<u128> = times.map(|time| time.as_micros()).collect();
    times.sort_unstable();
    let at = |permille: usize| {
        times.get((times.len() * permille / 1000).min(times.len().saturating_sub(1))).copied().unwrap_or_default() as f64 / 1000.0
    };
    format!("{} times, p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, most {:.1} ms", times.len(), at(500), at(990), at(999), at(1000))
}

/// A device with its connection, kept open.
struct Device {
    number: usize,
    key: SigningKey,
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    token: String,
}

async fn connect(address: SocketAddr) -> Outcome<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Device {
    async fn new(number: usize, address: SocketAddr) -> Outcome<Self> {
        let mut seed = [7; 32];
        seed.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        Ok(Self {
            number,
            key: SigningKey::from_bytes(&seed),
            stream: BufReader::new(connect(address).await?),
            address,
            token: String::new(),
        })
    }

    fn id(&self) -> DeviceId {
        DeviceId(self.key.verifying_key().to_bytes())
    }

    async fn enroll(&mut self, code: Code) -> Outcome<()> {
        let (device, name) = (self.id(), format!("device {}", self.number));
        let signature = Signature(self.key.sign(&signed::enrollment(&code, &device, &name)).to_bytes());
        self.exchange::<serde_json::Value>(Route::Enroll, &Enroll { code, device, name, signature }).await?;
        let challenged: Challenged = self.exchange(Route::Challenge, &Challenge { device }).await?;
        let signature = Signature(self.key.sign(&signed::challenge(&challenged.store, &challenged.nonce, &device)).to_bytes());
        let granted: Granted = self.exchange(Route::Token, &Proof { device, nonce: challenged.nonce, signature }).await?;
        self.token = granted.token.to_string();
        Ok(())
    }

    /// Sends a message and reads one.
    async fn exchange<T: DeserializeOwned>(&mut self, route: Route, message: &impl Serialize) -> Outcome<T> {
        let (status, body) = self.ask(route, &[], "", &serde_json::to_vec(message)?).await?;
        if status == 200 { Ok(serde_json::from_slice(&body)?) } else { Err(String::from_utf8_lossy(&body).into()) }
    }

    /// Asks the collection for a message.
    async fn told<T: DeserializeOwned>(&mut self, route: Route) -> Outcome<T> {
        let (status, body) = self.ask(route, &[NAME], "", &[]).await?;
        if status == 200 { Ok(serde_json::from_slice(&body)?) } else { Err(String::from_utf8_lossy(&body).into()) }
    }

    /// Asks until the server is not asked too much, as devices do.
    async fn ask(&mut self, route: Route, parameters: &[&str], query: &str, body: &[u8]) -> Outcome<(u16, Vec<u8>)> {
        loop {
            let answer = self.insist(route, parameters, query, body).await?;
            if answer.0 != 429 {
                return Ok(answer);
            }
            sleep(Duration::from_millis(1000 + self.number as u64 % 1000)).await;
        }
    }

    /// Asks, on a new connection if the server has closed the one that rested: whatever is asked here may be asked twice.
    async fn insist(&mut self, route: Route, parameters: &[&str], query: &str, body: &[u8]) -> Outcome<(u16, Vec<u8>)> {
        if let Ok(answer) = self.once(route, parameters, query, body).await {
            return Ok(answer);
        }
        self.stream = BufReader::new(connect(self.address).await?);
        self.once(route, parameters, query, body).await
    }

    async fn once(&mut self, route: Route, parameters: &[&str], query: &str, body: &[u8]) -> Outcome<(u16, Vec<u8>)> {
        let kind = if route == Route::Append { wire::BYTES } else { JSON };
        let (method, path, token, length) = (route.method().as_str(), route.path(parameters), &self.token, body.len());
        let head = format!(
            "{method} {path}{query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
        );
        self.stream.write_all(&[head.as_bytes(), body].concat()).await?;
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).ok_or("no status")?.parse()?;
        while !line.trim().is_empty() {
            line.clear();
            self.stream.read_line(&mut line).await?;
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok((status, body))
    }

    /// Appends one transaction, again until it is in; returns how often others were first.
    async fn push(&mut self, mut base: Cursor, said: &Mutex<BTreeMap<u64, Said>>) -> Outcome<u32> {
        let collection: Collection = NAME.parse()?;
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        let (transaction, header) = (TransactionId(id), Header { operations: 1, deletions: 0, records: Vec::new() });
        let (sent, mut stale) = (Instant::now(), 0);
        let mut envelope =
            Envelope { transaction, device: self.id(), base, header, payload: vec![7; PAYLOAD], signature: Signature([0; 64]) };
        loop {
            envelope.base = base;
            envelope.signature = Signature(self.key.sign(&envelope.signed(&collection)).to_bytes());
            let (status, body) = self.ask(Route::Append, &[NAME], "", &envelope.encode()).await?;
            match status {
                200 => {
                    let entry = wire::decode_appended(&body, &envelope)?;
                    let said = &mut *said.lock().unwrap_or_else(PoisonError::into_inner);
                    said.insert(entry.sequence.0, Said { transaction, sent, took: sent.elapsed() });
                    return Ok(stale);
                }
                409 => {
                    stale += 1;
                    base = wire::decode_page(&body)?.entries.last().map_or(base, |entry| entry.cursor(base.log));
                }
                other => return Err(format!("{other}: {}", String::from_utf8_lossy(&body)).into()),
            }
        }
    }

    /// Reads up to the head, and checks every entry's link.
    async fn read(&mut self, cursor: &mut Cursor, transactions: &mut Vec<TransactionId>) -> Outcome<()> {
        loop {
            let query = format!("?log={}&sequence={}&hash={}", cursor.log, cursor.sequence.0, cursor.hash);
            let (status, body) = self.ask(Route::Read, &[NAME], &query, &[]).await?;
            if status != 200 {
                return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
            }
            let page = wire::decode_page(&body)?;
            for entry in &page.entries {
                if !entry.follows(cursor) {
                    return Err(format!("{} does not follow {}", entry.sequence, cursor.sequence).into());
                }
                *cursor = entry.cursor(cursor.log);
                transactions.push(entry.envelope.transaction);
            }
            if *cursor == page.head || page.entries.is_empty() {
                return Ok(());
            }
        }
    }
}
