//! Pages, answers and snapshots as bytes: what is written is read back, and anything else is refused without a panic.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{Collection, Cursor, DeviceId, Entry, Envelope, Error, Header, LogId, Page, Signature, Snapshot, TransactionId, wire};
use syncretic_protocol as protocol;

fn envelope(base: Cursor, number: u8) -> Envelope {
    Envelope {
        transaction: TransactionId([number; 16]),
        device: DeviceId([2; 32]),
        base,
        header: Header { operations: 1, deletions: 0, records: Vec::new() },
        payload: vec![number; usize::from(number)],
        signature: Signature([6; 64]),
    }
}

fn page(count: u8) -> Page {
    let mut head = Cursor::start(LogId([3; 16]));
    let mut entries = Vec::new();
    for number in 0..count {
        let entry = Entry::after(&head, envelope(head, number));
        head = entry.cursor(head.log);
        entries.push(entry);
    }
    Page { entries, head }
}

fn snapshot(payload: Vec<u8>) -> Snapshot {
    Snapshot { cursor: page(3).head, device: DeviceId([1; 32]), payload, signature: Signature([4; 64]) }
}

#[test]
fn pages_are_read_back() {
    for count in [0, 1, 30] {
        assert_eq!(wire::decode_page(&wire::encode_page(&page(count))).unwrap(), page(count));
    }
}

#[test]
fn an_answer_names_the_envelope_only_if_it_is_another_one() {
    let start = Cursor::start(LogId([3; 16]));
    let entry = Entry::after(&start, envelope(start, 200));
    let (same, other) = (envelope(start, 200), envelope(start, 9));
    let short = wire::encode_appended(&start, &entry, &same);
    assert!(short.len() < 200);
    assert_eq!(wire::decode_appended(&short, &same).unwrap(), entry);
    assert_eq!(wire::decode_appended(&wire::encode_appended(&start, &entry, &other), &other).unwrap(), entry);
}

#[test]
fn a_snapshot_signs_its_collection_and_its_place() {
    let (one, other): (Collection, Collection) = ("one".parse().unwrap(), "other".parse().unwrap());
    let moved = Snapshot { cursor: page(2).head, ..snapshot(vec![1]) };
    assert_ne!(snapshot(vec![1]).signed(&one), snapshot(vec![1]).signed(&other));
    assert_ne!(snapshot(vec![1]).signed(&one), moved.signed(&one));
}

#[test]
fn a_newer_version_is_named() {
    for bytes in [[0x82, 0x82, 0x02, 0x00], [0x83, 0x81, 0x02, 0x00]] {
        assert!(matches!(wire::decode_page(&bytes), Err(Error::Newer { found: 2, known: 1, .. })));
        assert!(matches!(Snapshot::decode(&bytes), Err(Error::Newer { found: 2, known: 1, .. })));
    }
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(count in 0_u8..5, place: prop::sample::Index, flip in 1..=255_u8, cut: prop::sample::Index) {
        for mut bytes in [wire::encode_page(&page(count)), snapshot(vec![7; 40]).encode()] {
            let at = place.index(bytes.len());
            bytes[at] ^= flip;
            let _ = (wire::decode_page(&bytes), Snapshot::decode(&bytes));
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(wire::decode_page(&bytes).is_err() && Snapshot::decode(&bytes).is_err());
        }
    }

    #[test]
    fn a_snapshot_survives_its_bytes(payload in vec(any::<u8>(), 0..300)) {
        let written = snapshot(payload);
        prop_assert_eq!(Snapshot::decode(&written.encode()).unwrap(), written);
    }
}
