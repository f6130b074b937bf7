//! Bad input: each is a 4xx problem with its code, nothing changed, and the server goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use chunks::ChunkKey;
use chunks::pack::pack;
use http::{Limits, Options, StartError};
use proptest::prelude::*;
use protocol::chunk;
use protocol::messages::{Audit, Challenge, Challenged, Chunks, Granted, Invitation, Invite, Proof};
use protocol::problem::PROBLEM;
use protocol::routes::{Method, Route};
use protocol::{BlobId, Chunk, ChunkId, Code, Collection, Cursor, Envelope, LogId, Piece, Recipe, Right, Signature, StoreId, wire};
use sha2::{Digest, Sha256};
use syncretic_http as http;

use crate::asked::{Answered, Asked, Device, Request, contacts};

fn refused(answer: &Answered, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
}

fn audited(asked: &Asked, administrator: &Device, action: &str) -> usize {
    let audit: Audit = asked.get(administrator.token, Route::Audit, &[], "?limit=1000").json();
    audit.lines.iter().filter(|line| line.action == action).count()
}

#[test]
fn a_code_is_good_once_for_its_time_and_in_no_other_form() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let invite = |seconds| Invite { grants: Vec::new(), administrator: false, seconds };
    let code = |seconds| asked.send(administrator.token, Route::Invite, &[], &invite(seconds)).json::<Invitation>().code;
    refused(&Device::new(2).enroll(&asked, Code([3; 16]), "guesser"), 403, "wrong-code");
    let once = code(None);
    assert_eq!(Device::new(2).enroll(&asked, once, "laptop").status, 200);
    refused(&Device::new(3).enroll(&asked, once, "other"), 403, "wrong-code");
    let expired = code(Some(60));
    asked.clock.pass(Duration::from_secs(60));
    refused(&Device::new(3).enroll(&asked, expired, "other"), 403, "wrong-code");
    let taken = code(None);
    refused(&Device::new(3).enroll(&asked, taken, "laptop"), 409, "conflict");
    for name in ["", " x", "x\u{7}", &"x".repeat(65)] {
        refused(&Device::new(3).enroll(&asked, taken, name), 400, "malformed");
    }
    assert_eq!(Device::new(3).enroll(&asked, taken, "other").status, 200);
    assert_eq!(audited(&asked, &administrator, "refuse-code"), 3);
}

#[test]
fn a_code_that_many_use_at_once_enrolls_one() {
    let asked = Asked::new();
    let code = asked.running.code().unwrap();
    let enrolled = std::thread::scope(|scope| {
        let enroll = |seed| Device::new(seed).enroll(&asked, code, &format!("device {seed}")).status;
        let threads: Vec<_> = (1..=16).map(|seed| scope.spawn(move || enroll(seed))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|status| *status == 200).count()
    });
    assert_eq!(enrolled, 1);
}

#[test]
fn an_enrollment_that_the_key_did_not_sign_is_refused_and_the_code_stays_good() {
    let asked = Asked::new();
    let (code, device) = (asked.running.code().unwrap(), Device::new(1));
    let forged = protocol::messages::Enroll { code, device: device.id(), name: "x".into(), signature: Signature([1; 64]) };
    refused(&asked.send(None, Route::Enroll, &[], &forged), 422, "integrity");
    assert_eq!(device.enroll(&asked, code, "x").status, 200);
}

#[test]
fn a_challenge_is_good_once_for_its_device_and_its_store_and_a_token_for_its_time() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let challenged = || -> Challenged { asked.send(None, Route::Challenge, &[], &Challenge { device: administrator.id() }).json() };
    let first = challenged();
    assert_eq!(administrator.prove_with(&asked, first.nonce, first.store).status, 200);
    refused(&administrator.prove_with(&asked, first.nonce, first.store), 401, "unauthenticated");
    refused(&administrator.prove_with(&asked, challenged().nonce, StoreId([1; 16])), 401, "unauthenticated");
    refused(&Device::new(9).prove_with(&asked, challenged().nonce, first.store), 401, "unauthenticated");
    refused(&Device::new(9).prove(&asked), 403, "unknown-device");
    let forged = Proof { device: administrator.id(), nonce: challenged().nonce, signature: Signature([1; 64]) };
    refused(&asked.send(None, Route::Token, &[], &forged), 401, "unauthenticated");
    let late = challenged();
    asked.clock.pass(Duration::from_secs(60));
    refused(&administrator.prove_with(&asked, late.nonce, late.store), 401, "unauthenticated");
    asked.clock.pass(Duration::from_secs(14 * 60));
    let answer = asked.get(administrator.token, Route::Me, &[], "");
    refused(&answer, 401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    let granted: Granted = administrator.prove(&asked).json();
    assert_eq!(asked.get(Some(granted.token), Route::Me, &[], "").status, 200);
    assert_eq!(audited(&asked, &Device { token: Some(granted.token), ..administrator }, "refuse-signature"), 2);
}

#[test]
fn envelopes_that_are_forged_or_of_another_collection_or_store_are_refused() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let writer = asked.device(&administrator, 2, "writer", Some((&contacts(), Right::Write, None)));
    let reader = asked.device(&administrator, 3, "reader", Some((&contacts(), Right::Read, None)));
    let head = asked.head(writer.token(), &contacts());
    let good = writer.envelope(&contacts(), head, 1, b"good");
    let other: Collection = "other".parse().unwrap();
    let large = writer.envelope(&other, head, 2, &vec![1; 100_000]);
    for forged in [Envelope { signature: Signature([1; 64]), ..good.clone() }, writer.envelope(&other, head, 2, b"x"), large] {
        refused(&asked.append(writer.token(), &contacts(), &forged, None), 422, "integrity");
    }
    let elsewhere = Cursor::start(LogId([1; 16]));
    let strange = writer.envelope(&contacts(), elsewhere, 3, b"x");
    refused(&asked.append(writer.token(), &contacts(), &strange, None), 409, "unknown-cursor");
    refused(&asked.append(writer.token(), &contacts(), &good, Some(7)), 412, "stale-fence");
    refused(&asked.append(reader.token(), &contacts(), &reader.envelope(&contacts(), head, 4, b"x"), None), 403, "read-only");
    let unknown = Device::new(9).envelope(&contacts(), head, 5, b"x");
    refused(&asked.append(writer.token(), &contacts(), &unknown, None), 403, "unknown-device");
    let never_wrote = reader.envelope(&contacts(), head, 5, b"x");
    refused(&asked.append(writer.token(), &contacts(), &never_wrote, None), 403, "unknown-device");
    assert_eq!(asked.head(writer.token(), &contacts()), head);
    assert_eq!(audited(&asked, &administrator, "refuse-signature"), 3);
    assert_eq!(asked.append(writer.token(), &contacts(), &good, None).status, 200);
}

#[test]
fn a_body_beyond_its_limit_is_refused_before_it_is_read() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    for (method, path, limit) in [
        ("POST", Route::Append.path(&["contacts"]), "1073741824"),
        ("PUT", Route::PutSnapshot.path(&["contacts"]), "1073741824"),
        ("POST", Route::PutChunks.path(&["contacts"]), "16777217"),
        ("POST", Route::PutRecipes.path(&["contacts"]), "1152921504606846976"),
        ("POST", Route::Invite.path(&[]), "1048577"),
    ] {
        let mut stream = TcpStream::connect(asked.running.address()).unwrap();
        let token = administrator.token();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {limit}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 13];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer[..12], b"HTTP/1.1 413", "{method} {path}");
    }
}

#[test]
fn a_blob_beyond_its_limit_or_of_another_digest_is_refused_and_not_kept() {
    let asked = Asked::with(|options: &mut Options| options.limits = Limits { blob: 1000, ..Limits::default() });
    let administrator = asked.administrator(&contacts());
    let put = |id: &str, body: &[u8]| {
        let (method, path) = (Method::Put, Route::PutBlob.path(&["contacts", id]));
        asked.ask(&Request { method, path, token: administrator.token, kind: wire::BYTES, fence: None, body: Some(body) })
    };
    let id = "ab".repeat(32);
    refused(&put(&id, b"another"), 422, "integrity");
    refused(&put(&id, &[1; 1001]), 413, "too-large");
    refused(&put("short", b"x"), 400, "malformed");
    refused(&asked.get(administrator.token, Route::GetBlob, &["contacts", &id], ""), 404, "no-such-blob");
}

#[test]
fn bad_chunks_and_recipes_are_refused_with_their_codes_and_nothing_is_kept() {
    let asked = Asked::with(|options: &mut Options| options.limits = Limits { blob: 1000, ..Limits::default() });
    let administrator = asked.administrator(&contacts());
    let post = |route: Route, body: &[u8]| {
        let (method, path) = (Method::Post, route.path(&["contacts"]));
        asked.ask(&Request { method, path, token: administrator.token, kind: wire::BYTES, fence: None, body: Some(body) })
    };
    let key = ChunkKey::of(&contacts());
    let chunk = |content: &[u8]| pack(key.id(content), content.to_vec());
    let encoded = |chunks: &[Chunk]| chunk::encode_chunks(chunks, [0; 16]).0;
    let (good, long) = (chunk(b"good"), chunk(&[7; 2000]));
    let bomb = Chunk { bytes: pack(ChunkId([0; 32]), vec![0; 64 << 20]).bytes, length: 200_000, ..long.clone() };
    let endless = Chunk { length: 1 << 31, ..bomb.clone() };
    let whole = encoded(std::slice::from_ref(&good));
    refused(&post(Route::PutChunks, b"no chunks at all, but long enough"), 400, "malformed");
    refused(&post(Route::PutChunks, &whole[..whole.len() - 1]), 400, "malformed");
    refused(&post(Route::PutChunks, &[b"SYNCHNK\x02".as_slice(), &[0; 16]].concat()), 400, "newer");
    refused(&post(Route::PutChunks, &encoded(&[good.clone(), Chunk { id: ChunkId([1; 32]), ..long.clone() }])), 422, "integrity");
    refused(&post(Route::PutChunks, &encoded(&[good.clone(), bomb])), 422, "integrity");
    refused(&post(Route::PutChunks, &encoded(&[good.clone(), endless])), 400, "malformed");
    refused(&post(Route::PutChunks, &encoded(&vec![good.clone(); 257])), 400, "malformed");
    let ask = |route: Route, chunks: Vec<ChunkId>| asked.send(administrator.token, route, &["contacts"], &Chunks { chunks });
    assert_eq!(ask(Route::MissingChunks, vec![good.id]).json::<Chunks>().chunks, [good.id]);
    refused(&ask(Route::MissingChunks, vec![good.id; 10_001]), 400, "malformed");
    refused(&ask(Route::GetChunks, vec![good.id; 257]), 400, "malformed");
    refused(&ask(Route::GetChunks, vec![good.id]), 409, "no-such-chunk");

    let blob = |content: &[u8]| BlobId(Sha256::digest(content).into());
    let recipe = |blob: BlobId, chunks: &[&Chunk]| {
        let pieces = chunks.iter().map(|chunk| Piece { chunk: chunk.id, length: chunk.length }).collect();
        chunk::encode_recipes(&[Recipe { blob, pieces }])
    };
    refused(&post(Route::PutRecipes, &recipe(blob(b"good"), &[&good])), 409, "no-such-chunk");
    assert_eq!(post(Route::PutChunks, &encoded(&[good.clone(), long.clone()])).status, 204);
    refused(&post(Route::PutRecipes, &recipe(blob(b"other"), &[&good])), 422, "integrity");
    refused(&post(Route::PutRecipes, &recipe(blob(&[7; 2000]), &[&long])), 413, "too-large");
    refused(&post(Route::PutRecipes, b"garbage"), 400, "malformed");
    // [[1], [[[1, blob, 2^60], []]]]: an exabyte of nothing.
    let claim = [b"\x82\x83\x01\x58\x20".as_slice(), &[9; 32], b"\x1b\x10\0\0\0\0\0\0\0\x80"].concat();
    let length = u8::try_from(claim.len()).unwrap();
    refused(&post(Route::PutRecipes, &[&[0x82, 0x81, 0x01, 0x81, 0x58, length], claim.as_slice()].concat()), 400, "malformed");
    let id = blob(b"good").to_string();
    refused(&asked.get(administrator.token, Route::GetRecipe, &["contacts", &id], ""), 404, "no-such-blob");
    assert_eq!(post(Route::PutRecipes, &recipe(blob(b"good"), &[&good])).status, 204);
    assert_eq!(asked.get(administrator.token, Route::GetBlob, &["contacts", &id], "").body, b"good");
    let recipe = asked.get(administrator.token, Route::GetRecipe, &["contacts", &id], "").body;
    assert_eq!(Recipe::decode(&recipe).unwrap().length(), 4);
}

#[test]
fn garbage_in_paths_queries_and_bodies_is_malformed() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let get = |path: &str, method| {
        asked.ask(&Request {
            method,
            path: path.into(),
            token: administrator.token,
            kind: "application/json",
            fence: None,
            body: Some(b"{"),
        })
    };
    for path in [
        "/v1/collections/a%20b",
        "/v1/collections/.x/head",
        "/v1/collections/contacts/places/x",
        "/v1/devices/xyz",
        "/v1/audit?limit=x",
        "/v1/audit?unknown=1",
        "/v1/audit?after=1&after=2",
        "/v1/audit?after=%ff",
        "/v1/collections/contacts/entries",
        "/v1/collections/contacts/head?wait=61",
    ] {
        let answer =
            asked.ask(&Request { method: Method::Get, path: path.into(), token: administrator.token, kind: "", fence: None, body: None });
        assert_eq!((answer.status, answer.code().as_str(), answer.kind.as_str()), (400, "malformed", PROBLEM), "{path}");
    }
    refused(&get("/v1/invitations", Method::Post), 400, "malformed");
    refused(&asked.send(administrator.token, Route::Invite, &[], &serde_json::json!({ "unheard": 1 })), 400, "malformed");
    refused(&asked.send(administrator.token, Route::Invite, &[], &serde_json::json!({ "seconds": 0 })), 400, "malformed");
    let newer = [0x82, 0x86, 0x02];
    let path = Route::Append.path(&["contacts"]);
    let answer =
        asked.ask(&Request { method: Method::Post, path, token: administrator.token, kind: wire::BYTES, fence: None, body: Some(&newer) });
    refused(&answer, 400, "newer");
}

#[test]
fn unknown_paths_and_methods_are_problems_too() {
    let asked = Asked::new();
    let request = |method, path: &str| asked.ask(&Request { method, path: path.into(), token: None, kind: "", fence: None, body: None });
    refused(&request(Method::Get, "/v1/nothing"), 404, "not-found");
    let answer = request(Method::Delete, "/v1/enroll");
    refused(&answer, 405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[test]
fn whoever_asks_too_much_is_told_when_to_try_again_and_others_are_not() {
    let one = std::num::NonZeroU32::MIN;
    let few = std::num::NonZeroU32::new(8).unwrap();
    let asked = Asked::with(|options: &mut Options| options.limits = Limits { device_rate: one, device_burst: few, ..Limits::default() });
    let administrator = asked.administrator(&contacts());
    let other = asked.device(&administrator, 2, "laptop", None);
    let answers: Vec<Answered> = (0..20).map(|_| asked.get(administrator.token, Route::Me, &[], "")).collect();
    let last = answers.iter().find(|answer| answer.status != 200).unwrap();
    refused(last, 429, "too-many");
    assert!(last.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(asked.get(other.token, Route::Me, &[], "").status, 200);
}

#[test]
fn a_client_that_says_nothing_is_let_go() {
    let patience = Duration::from_millis(200);
    let asked = Asked::with(|options: &mut Options| options.limits = Limits { patience, ..Limits::default() });
    let mut stream = TcpStream::connect(asked.running.address()).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    let mut rest = Vec::new();
    // The connection ends, by whatever means: that is all that matters.
    let _ = stream.read_to_end(&mut rest);
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    let mut slow = TcpStream::connect(asked.running.address()).unwrap();
    slow.write_all(b"POST /v1/challenge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{").unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
}

#[test]
fn plain_http_is_for_this_machine_only_unless_somebody_insists() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().to_owned(), "0.0.0.0:0".parse().unwrap());
    assert!(matches!(http::start(options), Err(StartError::Insecure(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_bytes_are_never_more_than_a_problem(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        static ASKED: std::sync::OnceLock<(Asked, Device)> = std::sync::OnceLock::new();
        let (asked, administrator) = ASKED.get_or_init(|| {
            let asked = Asked::new();
            let administrator = asked.administrator(&contacts());
            (asked, administrator)
        });
        for route in [Route::Append, Route::PutSnapshot, Route::Find, Route::Enroll, Route::Token] {
            let (path, kind) = (route.path(&["contacts"]), if route == Route::Append { wire::BYTES } else { "application/json" });
            let request = Request { method: route.method(), path, token: administrator.token, kind, fence: None, body: Some(&bytes) };
            let answer = asked.ask(&request);
            prop_assert!((400..500).contains(&answer.status), "{route:?}: {answer:?}");
        }
    }
}

#[test]
fn nothing_is_told_to_a_device_without_rights_whatever_it_sends() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let start = asked.head(administrator.token(), &contacts());
    asked.append(administrator.token(), &contacts(), &administrator.envelope(&contacts(), start, 1, b"secret"), None);
    let stranger = asked.device(&administrator, 2, "stranger", None);
    let reader = asked.device(&administrator, 3, "reader", Some((&contacts(), Right::Read, None)));
    for length in [10, 40_000, 100_000] {
        let envelope = stranger.envelope(&contacts(), start, 7, &vec![1; length]);
        refused(&asked.append(stranger.token(), &contacts(), &envelope, None), 403, "not-authorised");
        let envelope = reader.envelope(&contacts(), start, 8, &vec![1; length]);
        refused(&asked.append(reader.token(), &contacts(), &envelope, None), 403, "read-only");
    }
}

#[test]
fn a_stale_append_is_told_nothing_under_another_device_s_lease() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let writer = asked.device(&administrator, 2, "writer", Some((&contacts(), Right::Write, None)));
    let start = asked.head(administrator.token(), &contacts());
    let envelope = administrator.envelope(&contacts(), start, 1, b"first");
    assert_eq!(asked.append(administrator.token(), &contacts(), &envelope, None).status, 200);
    let lease = protocol::messages::LeaseFor { milliseconds: 15_000, fence: None };
    assert_eq!(asked.send(administrator.token, Route::AcquireLease, &["contacts"], &lease).status, 200);
    for length in [10, 100_000] {
        let late = writer.envelope(&contacts(), start, 2, &vec![1; length]);
        refused(&asked.append(writer.token(), &contacts(), &late, None), 423, "leased");
    }
}
