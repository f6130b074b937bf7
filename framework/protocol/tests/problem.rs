//! Problems: every error goes over the wire and comes back as itself, and every code stands in the documentation.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::problem::{self, Problem};
use protocol::{Cursor, DeviceId, Error, Fence, LogId, Timestamp, TransactionId};
use syncretic_protocol as protocol;

fn errors() -> Vec<Error> {
    let (text, collection) = (|| "text".to_owned(), || "contacts".to_owned());
    vec![
        Error::Unavailable(text()),
        Error::UnknownCursor { collection: collection(), cursor: text() },
        Error::Malformed(text()),
        Error::Newer { what: text(), found: 2, known: 1 },
        Error::TooLarge { length: 9, limit: 8 },
        Error::Integrity(text()),
        Error::NoSuchBlob(text()),
        Error::NoSuchChunk(text()),
        Error::Compacted { collection: collection(), horizon: Cursor::start(LogId([1; 16])) },
        Error::NoSnapshot(text()),
        Error::NoSuchCollection(text()),
        Error::NotFound(text()),
        Error::NotAllowed(text()),
        Error::Conflict(text()),
        Error::NotAuthorised(text()),
        Error::ReadOnly(collection()),
        Error::Unauthenticated(text()),
        Error::Revoked { device: text(), by: text(), at: Timestamp(1_700_000_000_000) },
        Error::UnknownDevice(DeviceId([7; 32])),
        Error::WrongCode,
        Error::Leased { collection: collection(), holder: text(), until: Timestamp(5) },
        Error::StaleFence { collection: collection(), fence: Fence(4) },
        Error::Held { collection: collection(), transaction: TransactionId([1; 16]), deletions: 9, left: 3 },
        Error::Rejected { transaction: TransactionId([1; 16]), by: text() },
        Error::TooMany { retry_after: Duration::from_millis(1500) },
        Error::Failed(text()),
    ]
}

#[test]
fn every_error_comes_back_as_itself() {
    for error in errors() {
        let sent = serde_json::to_string(&Problem::from(&error)).unwrap();
        let received: Problem = serde_json::from_str(&sent).unwrap();
        assert_eq!(format!("{:?}", Error::from(&received)), format!("{error:?}"));
    }
}

#[test]
fn every_code_is_some_error_s_and_no_two_errors_share_one() {
    let used: BTreeSet<String> = errors().iter().map(|error| Problem::from(error).code).collect();
    let known: BTreeSet<String> = problem::codes().map(|(code, ..)| code.to_owned()).collect();
    assert_eq!(used, known);
    assert_eq!(used.len(), errors().len());
}

#[test]
fn a_code_of_a_newer_store_is_an_error_of_its_class() {
    let problem = |status| Problem { status, code: "unheard-of".into(), detail: "why".into(), ..Problem::default() };
    assert!(matches!(Error::from(&problem(403)), Error::NotAuthorised(why) if why == "why"));
    assert!(matches!(Error::from(&problem(503)), Error::Unavailable(_)));
    assert!(matches!(Error::from(&problem(418)), Error::Failed(_)));
}

#[test]
fn every_code_stands_in_the_documentation() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.md")).unwrap();
    for (code, status, _) in problem::codes() {
        assert!(page.contains(&format!("| `{code}` | {status} |")), "`{code}` with {status} is not in docs/api.md");
    }
}
