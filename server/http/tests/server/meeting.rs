//! Devices that meet through the server: enrolled, appended, read, waited for, leased, held, revoked.

use std::io::{BufRead, BufReader};
use std::thread;
use std::time::Duration;

use protocol::messages::{Audit, Blobs, Compact, Decide, HeldTransactions, LeaseFor, SetGrant, Settings, Verdict};
use protocol::routes::{Method, Route};
use protocol::{BlobId, Compacted, Cursor, Entry, Hash, Lease, LeaseMode, Right, Signature, Snapshot, State, wire};
use sha2::{Digest, Sha256};

use crate::asked::{Answered, Asked, Device, Request, contacts};

fn query(after: &Cursor) -> String {
    format!("?log={}&sequence={}&hash={}", after.log, after.sequence.0, after.hash)
}

fn entries(asked: &Asked, device: &Device, after: &Cursor) -> Vec<Entry> {
    let answer = asked.get(device.token, Route::Read, &["contacts"], &query(after));
    assert_eq!((answer.status, answer.kind.as_str()), (200, wire::PAGE), "{answer:?}");
    wire::decode_page(&answer.body).unwrap().entries
}

fn refused(answer: &Answered, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
}

#[test]
fn the_first_start_names_the_command_for_the_first_administrator_and_the_second_none() {
    let asked = Asked::new();
    let command = asked.running.first_command().unwrap();
    assert_eq!(command, format!("syncretic device enroll {} --code {} --name NAME", asked.running.url(), asked.running.code().unwrap()));
    asked.administrator(&contacts());
}

#[test]
fn what_one_device_appends_another_one_reads() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let other = asked.device(&administrator, 2, "laptop", Some((&contacts(), Right::Read, None)));
    let start = asked.head(administrator.token(), &contacts());
    for (number, payload) in [(1, vec![1; 10]), (2, vec![2; 200_000])] {
        let head = asked.head(administrator.token(), &contacts());
        let envelope = administrator.envelope(&contacts(), head, number, &payload);
        let answer = asked.append(administrator.token(), &contacts(), &envelope, None);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(wire::decode_appended(&answer.body, &envelope).unwrap(), Entry::after(&head, envelope.clone()));
        assert_eq!(asked.append(administrator.token(), &contacts(), &envelope, None).body, answer.body);
    }
    let entries = entries(&asked, &other, &start);
    assert_eq!(entries.iter().map(|entry| entry.envelope.payload.len()).collect::<Vec<_>>(), [10, 200_000]);
    let late = administrator.envelope(&contacts(), start, 3, b"late");
    let answer = asked.append(administrator.token(), &contacts(), &late, None);
    assert_eq!((answer.status, answer.kind.as_str()), (409, wire::PAGE));
    assert_eq!(wire::decode_page(&answer.body).unwrap().entries, entries);
}

#[test]
fn a_read_that_waits_is_answered_when_something_comes() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let head = asked.head(administrator.token(), &contacts());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| asked.get(administrator.token, Route::Read, &["contacts"], &format!("{}&wait=60", query(&head))));
        let envelope = administrator.envelope(&contacts(), head, 1, b"news");
        assert_eq!(asked.append(administrator.token(), &contacts(), &envelope, None).status, 200);
        assert_eq!(wire::decode_page(&waiting.join().unwrap().body).unwrap().entries.len(), 1);
    });
}

fn event(lines: &mut impl Iterator<Item = String>) -> (u64, Cursor) {
    let id = lines.find_map(|line| line.strip_prefix("id: ").map(|id| id.parse().unwrap())).unwrap();
    let data = lines.find_map(|line| line.strip_prefix("data: ").map(|data| serde_json::from_str(data).unwrap())).unwrap();
    (id, data)
}

#[test]
fn events_tell_moved_heads_and_end_with_the_right_or_the_server() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let other = asked.device(&administrator, 2, "laptop", Some((&contacts(), Right::Read, None)));
    let listen = |device: &Device| {
        let url = format!("{}{}", asked.running.url(), Route::Events.path(&["contacts"]));
        let answer = ureq::get(url).header("authorization", format!("Bearer {}", device.token())).call().unwrap();
        BufReader::new(answer.into_body().into_reader()).lines().map_while(Result::ok)
    };
    let (mut mine, mut others) = (listen(&administrator), listen(&other));
    let head = asked.head(administrator.token(), &contacts());
    assert_eq!((event(&mut mine), event(&mut others)), ((0, head), (0, head)));
    let envelope = administrator.envelope(&contacts(), head, 1, b"news");
    asked.append(administrator.token(), &contacts(), &envelope, None);
    let moved = Entry::after(&head, envelope).cursor(head.log);
    assert_eq!((event(&mut mine), event(&mut others)), ((1, moved), (1, moved)));
    assert_eq!(asked.get(administrator.token, Route::RevokeDevice, &[&other.id().to_string()], "").status, 200);
    assert!(others.find(|line| line.starts_with("data")).is_none());
    asked.running.begin_to_stop();
    assert!(mine.find(|line| line.starts_with("data")).is_none());
}

#[test]
fn a_revoked_device_gets_nothing_in_any_more_and_is_told_when_and_by_whom() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let other = asked.device(&administrator, 2, "laptop", Some((&contacts(), Right::Write, None)));
    let head = asked.head(other.token(), &contacts());
    let envelope = other.envelope(&contacts(), head, 1, b"late");
    assert_eq!(asked.get(administrator.token, Route::RevokeDevice, &[&other.id().to_string()], "").status, 200);
    let answer = asked.append(other.token(), &contacts(), &envelope, None);
    refused(&answer, 403, "revoked");
    let problem: protocol::problem::Problem = answer.json();
    assert_eq!((problem.device.as_deref(), problem.by.as_deref()), (Some("laptop"), Some("admin")));
    refused(&asked.get(other.token, Route::Head, &["contacts"], ""), 403, "revoked");
    refused(&other.prove(&asked), 403, "revoked");
    assert_eq!(asked.head(administrator.token(), &contacts()), head);
    // What it signed before may be put back by others.
    assert_eq!(asked.append(administrator.token(), &contacts(), &envelope, None).status, 200);
}

#[test]
fn a_lease_keeps_others_out_until_its_time_is_over() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let other = asked.device(&administrator, 2, "laptop", Some((&contacts(), Right::Write, None)));
    let ask = LeaseFor { milliseconds: 15_000, fence: None };
    let lease: Lease = asked.send(other.token, Route::AcquireLease, &["contacts"], &ask).json();
    assert_eq!(lease.name, "laptop");
    let head = asked.head(administrator.token(), &contacts());
    let envelope = administrator.envelope(&contacts(), head, 1, b"mine");
    refused(&asked.append(administrator.token(), &contacts(), &envelope, None), 423, "leased");
    assert_eq!(asked.get(administrator.token, Route::Read, &["contacts"], &query(&head)).status, 200);
    let exclusive = Settings { lease: Some(LeaseMode::Exclusive), retention_days: None };
    assert_eq!(asked.send(administrator.token, Route::CollectionSettings, &["contacts"], &exclusive).status, 200);
    refused(&asked.get(administrator.token, Route::Read, &["contacts"], &query(&head)), 423, "leased");
    assert_eq!(asked.get(other.token, Route::Read, &["contacts"], &query(&head)).status, 200);
    asked.clock.pass(Duration::from_secs(15));
    assert_eq!(asked.append(administrator.token(), &contacts(), &envelope, None).status, 200);
    let late = other.envelope(&contacts(), Entry::after(&head, envelope).cursor(head.log), 2, b"late");
    refused(&asked.append(other.token(), &contacts(), &late, Some(lease.fence.0)), 412, "stale-fence");
}

#[test]
fn deletions_beyond_the_budget_wait_for_approval() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let other = asked.device(&administrator, 2, "laptop", Some((&contacts(), Right::Write, Some(10))));
    let head = asked.head(other.token(), &contacts());
    let few = other.deleting(&contacts(), head, 1, b"few", 8);
    assert_eq!(asked.append(other.token(), &contacts(), &few, None).status, 200);
    let head = asked.head(other.token(), &contacts());
    let many = other.deleting(&contacts(), head, 2, b"many", 5);
    refused(&asked.append(other.token(), &contacts(), &many, None), 403, "held");
    let held: HeldTransactions = asked.get(administrator.token, Route::ListHeld, &["contacts"], "").json();
    assert_eq!((held.held[0].deletions, held.held[0].name.as_str()), (5, "laptop"));
    let id = many.transaction.to_string();
    let decide = |verdict| asked.send(administrator.token, Route::DecideHeld, &["contacts", &id], &Decide { verdict });
    assert_eq!(decide(Verdict::Approve).status, 200);
    refused(&decide(Verdict::Reject), 409, "conflict");
    assert_eq!(asked.append(other.token(), &contacts(), &many, None).status, 200);
    let head = asked.head(other.token(), &contacts());
    let more = other.deleting(&contacts(), head, 3, b"more", 5);
    refused(&asked.append(other.token(), &contacts(), &more, None), 403, "held");
    let id = more.transaction.to_string();
    let reject = Decide { verdict: Verdict::Reject };
    assert_eq!(asked.send(administrator.token, Route::DecideHeld, &["contacts", &id], &reject).status, 200);
    refused(&asked.append(other.token(), &contacts(), &more, None), 403, "rejected");
    asked.clock.pass(Duration::from_secs(24 * 3600 + 1));
    let tomorrow = other.clone().signed_in(&asked);
    let next = tomorrow.deleting(&contacts(), head, 4, b"next day", 5);
    assert_eq!(asked.append(tomorrow.token(), &contacts(), &next, None).status, 200);
}

#[test]
fn the_state_tells_who_is_where() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let other = asked.device(&administrator, 2, "laptop", Some((&contacts(), Right::Read, None)));
    let start = asked.head(administrator.token(), &contacts());
    asked.append(administrator.token(), &contacts(), &administrator.envelope(&contacts(), start, 1, b"one"), None);
    assert_eq!(asked.send(other.token, Route::Arrived, &["contacts"], &start).status, 204);
    let state: State = asked.get(other.token, Route::CollectionState, &["contacts"], "").json();
    let member = state.members.iter().find(|member| member.name == "laptop").unwrap();
    assert_eq!((member.right, member.cursor, member.lag, state.right), (Some(Right::Read), Some(start), 1, Right::Read));
    let more = SetGrant { right: Right::Write, delete_budget: None };
    let id = other.id().to_string();
    assert_eq!(asked.send(administrator.token, Route::SetGrant, &["contacts", &id], &more).status, 204);
    let state: State = asked.get(other.token, Route::CollectionState, &["contacts"], "").json();
    assert_eq!(state.right, Right::Write);
}

#[test]
fn the_audit_log_is_a_chain() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    asked.device(&administrator, 2, "laptop", Some((&contacts(), Right::Read, None)));
    let audit: Audit = asked.get(administrator.token, Route::Audit, &[], "?limit=1000").json();
    let actions: Vec<&str> = audit.lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["invite", "enroll", "create", "invite", "enroll"]);
    let mut previous = Hash::ZERO;
    for line in &audit.lines {
        assert_eq!((line.previous, line.hash), (previous, line.chain()));
        previous = line.hash;
    }
}

#[test]
fn a_snapshot_is_kept_for_newcomers_and_lets_the_log_be_compacted() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let start = asked.head(administrator.token(), &contacts());
    asked.append(administrator.token(), &contacts(), &administrator.envelope(&contacts(), start, 1, b"one"), None);
    assert_eq!(asked.get(administrator.token, Route::GetSnapshot, &["contacts"], "").status, 204);
    refused(&asked.send(administrator.token, Route::Compact, &["contacts"], &Compact::default()), 409, "no-snapshot");
    let head = asked.head(administrator.token(), &contacts());
    let put = |snapshot: &Snapshot| {
        let body = snapshot.encode();
        let (method, path) = (Method::Put, Route::PutSnapshot.path(&["contacts"]));
        asked.ask(&Request { method, path, token: administrator.token, kind: wire::BYTES, fence: None, body: Some(&body) })
    };
    let snapshot = administrator.snapshot(&contacts(), head);
    refused(&put(&Snapshot { signature: Signature([1; 64]), ..snapshot.clone() }), 422, "integrity");
    refused(&put(&Device::new(9).snapshot(&contacts(), head)), 422, "integrity");
    assert_eq!(put(&snapshot).status, 204);
    assert_eq!(Snapshot::decode(&asked.get(administrator.token, Route::GetSnapshot, &["contacts"], "").body).unwrap(), snapshot);
    let done: Compacted = asked.send(administrator.token, Route::Compact, &["contacts"], &Compact::default()).json();
    assert_eq!(done.entries, 1);
    let answer = asked.get(administrator.token, Route::Read, &["contacts"], &query(&start));
    refused(&answer, 410, "compacted");
    assert_eq!(answer.json::<protocol::problem::Problem>().cursor, Some(head));
}

#[test]
fn a_blob_comes_back_whole() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let id = BlobId(Sha256::digest(&bytes).into());
    let missing =
        |asked: &Asked| asked.send(administrator.token, Route::MissingBlobs, &["contacts"], &Blobs { blobs: vec![id] }).json::<Blobs>();
    assert_eq!(missing(&asked).blobs, [id]);
    let (method, path) = (Method::Put, Route::PutBlob.path(&["contacts", &id.to_string()]));
    let put = Request { method, path, token: administrator.token, kind: wire::BYTES, fence: None, body: Some(&bytes) };
    assert_eq!(asked.ask(&put).status, 204);
    assert_eq!(missing(&asked).blobs, []);
    assert_eq!(asked.get(administrator.token, Route::GetBlob, &["contacts", &id.to_string()], "").body, bytes);
}

#[test]
fn the_description_and_the_pages_are_served() {
    let asked = Asked::new();
    let api: serde_json::Value = asked.get(None, Route::OpenApi, &[], "").json();
    for route in Route::ALL {
        let operation = &api["paths"][route.template()][route.method().as_str().to_lowercase()];
        assert_eq!(operation["operationId"], route.name());
    }
    let page = asked.get(None, Route::Page, &[], "");
    let text = String::from_utf8(page.body).unwrap();
    assert!(!text.contains("http://") && !text.contains("https://"), "the page needs nothing from elsewhere");
    for route in [Route::Healthz, Route::Readyz, Route::About] {
        assert_eq!(asked.get(None, route, &[], "").status, 200);
    }
    let metrics = String::from_utf8(asked.get(None, Route::Metrics, &[], "").body).unwrap();
    assert!(metrics.contains("syncretic_requests_total{route=\"Page\",status=\"200\"} 1"), "{metrics}");
}
