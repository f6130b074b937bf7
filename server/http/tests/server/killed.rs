//! A server that is killed under writers: what it acknowledged is there, none of it twice, and the log verifies.
//!
//! `SYNCRETIC_KILLS=200 SYNCRETIC_WRITERS=32 cargo test --release -p syncretic-http killed` is the campaign.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Limits, Options};
use protocol::messages::{Challenge, Challenged, Enroll, Granted, Proof};
use protocol::routes::Route;
use protocol::{Code, Cursor, Envelope, Header, Sequence, Signature, Store, Token, TransactionId, signed, wire};
use serde::Serialize;
use store::Sqlite;
use syncretic_http as http;

use crate::asked::{Device, contacts};

const FOLDER: &str = "SYNCRETIC_KILLED_FOLDER";

fn number(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn the_server_that_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let mut options = Options::new(folder.into(), "127.0.0.1:0".parse().unwrap());
    let plenty = std::num::NonZeroU32::MAX;
    options.limits = Limits { device_rate: plenty, device_burst: plenty, ..Limits::default() };
    let running = http::start(options).unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nserves {} {}", running.url(), running.code().map(|code| code.to_string()).unwrap_or_default()).unwrap();
    out.flush().unwrap();
    // Until it is killed, or whoever started it is gone.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

fn start(folder: &Path) -> (Child, String, Option<Code>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "killed::the_server_that_is_killed", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.starts_with("serves ")).unwrap();
    let mut words = line.split(' ').skip(1);
    (child, words.next().unwrap().to_owned(), words.next().and_then(|code| code.parse().ok()))
}

struct Client {
    agent: ureq::Agent,
    url: String,
    token: Option<Token>,
}

impl Client {
    fn new(url: &str, token: Option<Token>) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
        Self { agent: config.build().into(), url: url.to_owned(), token }
    }

    /// Returns status and body; nothing if the server is gone.
    fn ask(&self, route: Route, parameters: &[&str], kind: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let token = self.token.map(|token| format!("Bearer {token}")).unwrap_or_default();
        let request = ureq::http::Request::builder().method(route.method().as_str()).uri(format!("{}{}", self.url, route.path(parameters)));
        let request = request.header("content-type", kind).header("authorization", token).body(body).unwrap();
        let mut answer = self.agent.run(request).ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_to_vec().ok()?))
    }

    fn tell(&self, route: Route, message: &impl Serialize) -> Vec<u8> {
        let (status, body) = self.ask(route, &[], "application/json", &serde_json::to_vec(message).unwrap()).unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        body
    }
}

fn sign_in(device: &Device, url: &str) -> Token {
    let client = Client::new(url, None);
    let challenged: Challenged = serde_json::from_slice(&client.tell(Route::Challenge, &Challenge { device: device.id() })).unwrap();
    let signature = device.sign(&signed::challenge(&challenged.store, &challenged.nonce, &device.id()));
    let proof = Proof { device: device.id(), nonce: challenged.nonce, signature };
    serde_json::from_slice::<Granted>(&client.tell(Route::Token, &proof)).unwrap().token
}

/// Appends until the server is gone, and notes what was acknowledged.
fn write(device: &Device, client: &Client, start: Cursor, said: &Mutex<BTreeMap<TransactionId, Cursor>>, count: &AtomicUsize) {
    let mut base = start;
    loop {
        let mut id = [0; 16];
        getrandom::fill(&mut id).unwrap();
        let header = Header { operations: 1, deletions: 0, records: Vec::new() };
        let payload = vec![id[0]; if id[0].is_multiple_of(16) { 70_000 } else { 2000 }];
        let (transaction, signature) = (TransactionId(id), Signature([0; 64]));
        let mut envelope = Envelope { transaction, device: device.id(), base, header, payload, signature };
        envelope.signature = device.sign(&envelope.signed(&contacts()));
        let answer = client.ask(Route::Append, &["contacts"], wire::BYTES, &envelope.encode());
        match answer {
            Some((200, body)) => {
                base = wire::decode_appended(&body, &envelope).unwrap().cursor(base.log);
                said.lock().unwrap().insert(envelope.transaction, base);
                count.fetch_add(1, Ordering::SeqCst);
            }
            Some((409, body)) => base = wire::decode_page(&body).unwrap().entries.last().map_or(base, |entry| entry.cursor(base.log)),
            Some((status, body)) => panic!("{status}: {}", String::from_utf8_lossy(&body)),
            None => return,
        }
    }
}

fn check(folder: &Path, said: &BTreeMap<TransactionId, Cursor>) {
    let store = Sqlite::open(folder).unwrap();
    store.check_signed(&http::verifies).unwrap();
    let mut place = Cursor::start(store.head(&contacts()).unwrap().log);
    let mut found = BTreeMap::new();
    loop {
        let page = store.read(&contacts(), &place, 500).unwrap();
        for entry in &page.entries {
            place = entry.cursor(place.log);
            assert_eq!(found.insert(entry.envelope.transaction, place), None, "a transaction is there twice");
        }
        if page.entries.is_empty() {
            break;
        }
    }
    let lost: BTreeSet<Sequence> = said.iter().filter(|(id, at)| found.get(id) != Some(at)).map(|(_, at)| at.sequence).collect();
    assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
}

#[test]
fn a_server_that_is_killed_keeps_what_it_acknowledged() {
    let (kills, writers) = (number("SYNCRETIC_KILLS", 4), number("SYNCRETIC_WRITERS", 8));
    let folder = tempfile::tempdir().unwrap();
    let (device, said) = (Device::new(1), Mutex::new(BTreeMap::new()));
    for kill in 0..kills {
        let (mut child, url, code) = start(folder.path());
        if let Some(code) = code {
            let signature = device.sign(&signed::enrollment(&code, &device.id(), "writer"));
            Client::new(&url, None).tell(Route::Enroll, &Enroll { code, device: device.id(), name: "writer".into(), signature });
        }
        let client = Client::new(&url, Some(sign_in(&device, &url)));
        client.ask(Route::CreateCollection, &["contacts"], "", &[]).unwrap();
        let head: Cursor = serde_json::from_slice(&client.ask(Route::Head, &["contacts"], "", &[]).unwrap().1).unwrap();
        let (count, patience) = (AtomicUsize::new(0), 1 + kill * 7 % 60);
        std::thread::scope(|scope| {
            for _ in 0..writers {
                scope.spawn(|| write(&device, &Client::new(&url, client.token), head, &said, &count));
            }
            while count.load(Ordering::SeqCst) < patience {
                std::thread::yield_now();
            }
            child.kill().unwrap();
        });
        child.wait().unwrap();
        if kill % 10 == 0 || kill + 1 == kills {
            check(folder.path(), &said.lock().unwrap());
        }
    }
    assert!(said.lock().unwrap().len() >= kills);
}
