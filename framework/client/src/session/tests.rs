//! What a session makes of a store's answers, each scripted.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use chunks::ChunkKey;
use protocol::chunk::{Form, encode_chunks};
use protocol::{BlobId, Chunk, Collection, Piece, Recipe, Store};
use sha2::{Digest, Sha256};

use super::*;
use crate::address::Address;
use crate::http::Timeouts;
use crate::remote::Remote;
use crate::roster::{Names, Roster};

const STORE: StoreId = StoreId([5; 16]);
const DEVICE: DeviceId = DeviceId([1; 32]);

/// A key that signs with nothing; what it was asked to sign is kept.
struct Pen(Arc<Mutex<Vec<Vec<u8>>>>);

impl Key for Pen {
    fn device(&self) -> DeviceId {
        DEVICE
    }

    fn sign(&self, message: &[u8]) -> Signature {
        self.0.lock().unwrap().push(message.to_vec());
        Signature([9; 64])
    }
}

/// Pauses that only are noted; after the last of `patience` somebody asks to stop.
struct Noted(Arc<Mutex<Vec<Duration>>>, usize);

impl Rest for Noted {
    fn pause(&self, length: Duration) -> bool {
        let mut pauses = self.0.lock().unwrap();
        pauses.push(length);
        pauses.len() < self.1
    }

    fn random(&self) -> u64 {
        0
    }
}

/// A server that gives these answers, one to a connection.
fn scripted(answers: Vec<Vec<u8>>) -> (Address, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let asked = thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            asked.push(request(&mut stream));
            stream.write_all(&answer).unwrap();
        }
        asked
    });
    (address, asked)
}

/// Reads a request whole: its head and as many bytes as it says.
fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0_usize);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8_lossy(&body)
}

fn answer(status: &str, kind: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {kind}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn raw(kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", "application/json", "", body)
}

fn problem(error: &Error, headers: &str) -> Vec<u8> {
    let problem = Problem::from(error);
    answer(&format!("{} x", problem.status), PROBLEM, headers, &serde_json::to_string(&problem).unwrap())
}

fn challenged(store: StoreId) -> Vec<u8> {
    ok(&format!("{{\"store\":\"{store}\",\"nonce\":\"{}\",\"until\":\"2026-11-26T10:15:30.250Z\"}}", "ab".repeat(32)))
}

fn granted(token: &str) -> Vec<u8> {
    let time = "2026-11-26T10:15:30.250Z";
    let device = format!(
        "{{\"device\":\"{DEVICE}\",\"name\":\"laptop\",\"administrator\":true,\"enrolled\":\"{time}\",\"seen\":null,\"revoked\":null,\"grants\":[]}}"
    );
    ok(&format!("{{\"token\":\"{}\",\"until\":\"{time}\",\"seconds\":900,\"device\":{device}}}", token.repeat(32)))
}

struct Bench {
    session: Session,
    asked: JoinHandle<Vec<String>>,
    signed: Arc<Mutex<Vec<Vec<u8>>>>,
    pauses: Arc<Mutex<Vec<Duration>>>,
}

fn bench(answers: Vec<Vec<u8>>, patience: usize) -> Bench {
    let (address, asked) = scripted(answers);
    let (signed, pauses) = (Arc::default(), Arc::default());
    let manners = Manners { policy: Policy::default(), rest: Box::new(Noted(Arc::clone(&pauses), patience)) };
    let line = Line::new(address, Timeouts::default(), None).unwrap();
    Bench { session: Session::new(line, STORE, Box::new(Pen(Arc::clone(&signed))), manners), asked, signed, pauses }
}

const LIST: &str = "{\"collections\":[]}";

fn collections(bench: &Bench) -> Result<usize, Error> {
    crate::manage::collections(&bench.session).map(|found| found.len())
}

#[test]
fn a_device_signs_in_once_and_shows_its_token_from_then_on() {
    let bench = bench(vec![challenged(STORE), granted("aa"), ok(LIST), ok(LIST)], 99);
    assert_eq!((collections(&bench).unwrap(), collections(&bench).unwrap()), (0, 0));
    let asked = bench.asked.join().unwrap();
    assert!(asked[0].starts_with("POST /v1/challenge ") && asked[1].starts_with("POST /v1/token "), "{asked:?}");
    assert!(asked[1].contains(&"09".repeat(64)) && !asked[1].to_lowercase().contains("authorization"), "{}", asked[1]);
    let bearer = format!("bearer {}", "aa".repeat(32));
    assert!(asked[2..].iter().all(|request| request.starts_with("GET /v1/collections ") && request.to_lowercase().contains(&bearer)));
    assert_eq!(*bench.signed.lock().unwrap(), [signed::challenge(&STORE, &protocol::Nonce([0xab; 32]), &DEVICE)]);
}

#[test]
fn a_token_that_ended_is_renewed_once_and_a_store_that_takes_none_is_told() {
    let expired = || problem(&Error::Unauthenticated("the token has expired".to_owned()), "");
    let answers = vec![challenged(STORE), granted("aa"), ok(LIST), expired(), challenged(STORE), granted("bb"), ok(LIST)];
    let first = bench(answers, 99);
    assert_eq!((collections(&first).unwrap(), collections(&first).unwrap()), (0, 0));
    assert!(first.asked.join().unwrap()[6].to_lowercase().contains(&"bb".repeat(32)));
    let never = bench(vec![challenged(STORE), granted("aa"), expired(), challenged(STORE), granted("bb"), expired()], 99);
    assert!(matches!(collections(&never), Err(Error::Unauthenticated(_))));
}

#[test]
fn another_store_gets_no_signature() {
    let bench = bench(vec![challenged(StoreId([6; 16]))], 99);
    let error = collections(&bench).unwrap_err();
    assert!(matches!(&error, Error::Integrity(text) if text.contains("another store")), "{error:?}");
    assert!(bench.signed.lock().unwrap().is_empty());
}

#[test]
fn what_may_pass_is_asked_for_again_and_not_before_the_store_said() {
    let busy = Error::TooMany { retry_after: Duration::from_millis(1500) };
    let gateway = answer("502 Bad Gateway", "text/html", "", "<html>");
    let late = answer("503 x", "text/plain", "Retry-After: 9\r\n", "");
    let bench = bench(vec![problem(&busy, "Retry-After: 2\r\n"), gateway, late, challenged(STORE), granted("aa"), ok(LIST)], 99);
    assert_eq!(collections(&bench).unwrap(), 0);
    assert_eq!(*bench.pauses.lock().unwrap(), [2000, 200, 9000].map(Duration::from_millis));
}

#[test]
fn another_devices_lease_is_waited_for_until_it_has_been_long_enough() {
    let until = protocol::Timestamp(1_794_441_600_000);
    let leased = || problem(&Error::Leased { collection: "contacts".to_owned(), holder: "desktop".to_owned(), until }, "");
    let bench = bench(vec![challenged(STORE), granted("aa"), leased(), leased(), ok(LIST)], 99);
    assert_eq!(collections(&bench).unwrap(), 0);
    assert_eq!(*bench.pauses.lock().unwrap(), [100, 200].map(Duration::from_millis));

    let mut turn = Turn::new(Policy::default());
    let pauses = std::iter::from_fn(|| turn.pause(0)).count();
    let answers = (0..=pauses).map(|_| leased());
    let bench = self::bench([challenged(STORE), granted("aa")].into_iter().chain(answers).collect(), 999);
    let error = collections(&bench).unwrap_err();
    assert!(matches!(&error, Error::Leased { holder, .. } if holder == "desktop"), "{error:?}");
    assert_eq!(bench.pauses.lock().unwrap().iter().sum::<Duration>(), Policy::default().turn);
}

#[test]
fn what_would_be_the_same_again_is_told_at_once() {
    let at = protocol::Timestamp(1_794_441_600_000);
    let revoked = Error::Revoked { device: "laptop".to_owned(), by: "desktop".to_owned(), at };
    for (refusal, expected) in [
        (problem(&revoked, ""), "device `laptop` was revoked on 2026-11-12T00:00:00.000Z by `desktop`"),
        (problem(&Error::WrongCode, ""), "the code is wrong"),
        (answer("404 x", "text/html", "", "<html>"), "status 404, and not as a store does"),
        (answer("403 x", PROBLEM, "", "no json"), "status 403, and not as a store does"),
        (ok("{\"collections\":7}"), "malformed answer"),
    ] {
        let bench = bench(vec![challenged(STORE), granted("aa"), refusal], 99);
        let error = collections(&bench).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(bench.pauses.lock().unwrap().is_empty());
    }
}

#[test]
fn somebody_who_asks_to_stop_is_not_kept_waiting() {
    let bench = bench(vec![answer("503 x", "text/plain", "", ""); 2], 2);
    assert!(matches!(collections(&bench), Err(Error::Unavailable(_))));
    assert_eq!(bench.pauses.lock().unwrap().len(), 2);
}

#[test]
fn chunks_that_break_off_go_on_where_they_were_and_a_false_one_is_refused() {
    let contacts: Collection = "contacts".parse().unwrap();
    let (key, parts) = (ChunkKey::of(&contacts), ["one".repeat(20_000), "two".repeat(20_000), "three".repeat(20_000)]);
    let chunks = parts.clone().map(|part| Chunk {
        id: key.id(part.as_bytes()),
        form: Form::Raw,
        length: u32::try_from(part.len()).unwrap(),
        bytes: part.into_bytes(),
    });
    let id = BlobId(Sha256::digest(parts.concat()).into());
    let recipe = Recipe { blob: id, pieces: chunks.iter().map(|chunk| Piece { chunk: chunk.id, length: chunk.length }).collect() };
    let bytes = |chunks: &[Chunk]| raw("application/octet-stream", &encode_chunks(chunks, [0; 16]).0);
    let mut cut = bytes(&chunks);
    cut.truncate(cut.len() - 120_000);
    let recipe = raw("application/octet-stream", &recipe.encode());
    let mut false_one = chunks.clone();
    false_one[1].bytes[7] ^= 1;
    let answers = vec![challenged(STORE), granted("aa"), recipe.clone(), cut, bytes(&chunks[1..]), recipe, bytes(&false_one)];
    let bench = bench(answers, 99);
    let (asked, remote) = (bench.asked, Remote::new(bench.session, Roster::new(Names::new(), |_| {})));
    let mut to = Vec::new();
    remote.blob(&contacts, id, &mut to).unwrap();
    assert!(to == parts.concat().as_bytes());
    assert!(matches!(remote.blob(&contacts, id, &mut Vec::new()), Err(Error::Integrity(_))));
    assert!(bench.pauses.lock().unwrap().is_empty(), "what came is progress");
    let asked = asked.join().unwrap();
    let wants = |request: &str| chunks.each_ref().map(|chunk| request.contains(&chunk.id.to_string()));
    assert_eq!((asked.len(), wants(&asked[3]), wants(&asked[4])), (7, [true; 3], [false, true, true]));
}

#[test]
fn a_device_speaks_only_for_itself() {
    let bench = bench(Vec::new(), 99);
    let remote = Remote::new(bench.session, Roster::new(Names::new(), |_| {}));
    let contacts: Collection = "contacts".parse().unwrap();
    let other = DeviceId([2; 32]);
    assert!(matches!(remote.acquire(&contacts, &other, Duration::from_secs(1)), Err(Error::NotAuthorised(_))));
}
