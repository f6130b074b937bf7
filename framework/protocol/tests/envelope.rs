//! The envelope's codec: what is written is read back, and nothing else is read at all.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use protocol::{
    Canonical, Cursor, DeviceId, Entry, Envelope, Error, Hash, Header, LogId, MAX_PAYLOAD, RecordDigest, Sequence, Signature, TransactionId,
};
use sha2::{Digest, Sha256};
use syncretic_protocol as protocol;

/// Offsets in an encoded envelope: outer array, body array, version, then the transaction id.
const BODY: usize = 1;
const VERSION: usize = 2;

prop_compose! {
    fn cursors()(log: [u8; 16], sequence: u64, hash: [u8; 32]) -> Cursor {
        Cursor { log: LogId(log), sequence: Sequence(sequence), hash: Hash(hash) }
    }
}

prop_compose! {
    fn headers()(operations: u64, deletions: u64, records in btree_set(any::<[u8; 16]>(), 0..40)) -> Header {
        Header { operations, deletions, records: records.into_iter().map(RecordDigest).collect() }
    }
}

prop_compose! {
    fn envelopes()(
        transaction: [u8; 16], device: [u8; 32], base in cursors(), header in headers(),
        payload in vec(any::<u8>(), 0..700), signature: [u8; 32],
    ) -> Envelope {
        let mut twice = [0; 64];
        twice[..32].copy_from_slice(&signature);
        Envelope { transaction: TransactionId(transaction), device: DeviceId(device), base, header, payload, signature: Signature(twice) }
    }
}

fn small() -> Envelope {
    Envelope {
        transaction: TransactionId([1; 16]),
        device: DeviceId([2; 32]),
        base: Cursor::start(LogId([3; 16])),
        header: Header { operations: 1, deletions: 0, records: vec![RecordDigest([4; 16]), RecordDigest([5; 16])] },
        payload: b"payload".to_vec(),
        signature: Signature([6; 64]),
    }
}

fn refusal(bytes: &[u8]) -> String {
    match Envelope::decode(bytes).unwrap_err() {
        Error::Malformed(text) => text,
        other => panic!("malformed was expected, not {other:?}"),
    }
}

proptest! {
    #[test]
    fn an_envelope_survives_its_bytes(envelope in envelopes()) {
        prop_assert_eq!(Envelope::decode(&envelope.encode()).unwrap(), envelope);
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_canonical(bytes in vec(any::<u8>(), 0..600)) {
        if let Ok(envelope) = Envelope::decode(&bytes) {
            prop_assert_eq!(envelope.encode(), bytes);
        }
    }

    #[test]
    fn a_damaged_envelope_is_refused_or_another_canonical_one(envelope in envelopes(), place: prop::sample::Index, flip in 1..=255_u8) {
        let mut bytes = envelope.encode();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        if let Ok(read) = Envelope::decode(&bytes) {
            prop_assert_ne!(&read, &envelope);
            prop_assert_eq!(read.encode(), bytes);
        }
    }

    #[test]
    fn a_truncated_envelope_is_refused(envelope in envelopes(), place: prop::sample::Index) {
        let bytes = envelope.encode();
        prop_assert!(Envelope::decode(&bytes[..place.index(bytes.len())]).is_err());
    }

    #[test]
    fn an_entry_follows_its_head_and_no_other_place(head in cursors(), other in cursors(), envelope in envelopes()) {
        prop_assume!(head != other && head.sequence < Sequence(u64::MAX));
        let entry = Entry::after(&head, envelope.clone());
        prop_assert!(entry.follows(&head));
        prop_assert!(!entry.follows(&other));
        prop_assert!(!entry.follows(&entry.cursor(head.log)));
        let mut changed = entry;
        changed.envelope.payload.push(0);
        prop_assert!(!changed.follows(&head));
    }
}

#[test]
fn bytes_after_the_envelope_are_refused() {
    let mut bytes = small().encode();
    bytes.push(0);
    assert!(refusal(&bytes).contains("canonical"));
}

#[test]
fn a_number_written_longer_than_needed_is_refused() {
    let mut bytes = small().encode();
    bytes.splice(VERSION..=VERSION, [0x18, 0x01]);
    assert!(refusal(&bytes).contains("canonical"));
}

#[test]
fn an_array_of_unknown_length_is_refused() {
    let mut bytes = small().encode();
    bytes[BODY] = 0x9f;
    refusal(&bytes);
}

#[test]
fn records_out_of_order_or_doubled_are_refused() {
    for records in [vec![RecordDigest([5; 16]), RecordDigest([4; 16])], vec![RecordDigest([4; 16]); 2]] {
        let envelope = Envelope { header: Header { records, ..small().header }, ..small() };
        assert!(refusal(&envelope.encode()).contains("out of order"));
        assert!(matches!(envelope.check(), Err(Error::Malformed(_))));
    }
}

#[test]
fn a_record_count_from_a_stranger_sizes_no_allocation() {
    let whole = Envelope { header: Header { records: Vec::new(), ..small().header }, ..small() }.encode();
    let count = whole.len() - 2 - 64 - 8 - 1;
    assert_eq!(whole[count], 0x80);
    for claim in [&[0x9a, 0x00, 0x0f, 0xff, 0xff][..], &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        let mut bytes = whole.clone();
        bytes.splice(count..=count, claim.iter().copied());
        refusal(&bytes);
    }
}

#[test]
fn a_payload_beyond_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let largest = Envelope { payload: vec![0; MAX_PAYLOAD], ..small() };
    assert_eq!(Envelope::decode(&largest.encode()).unwrap(), largest);
    let larger = Envelope { payload: vec![0; MAX_PAYLOAD + 1], ..small() };
    assert!(matches!(Envelope::decode(&larger.encode()), Err(Error::TooLarge { .. })));
    assert!(matches!(larger.check(), Err(Error::TooLarge { .. })));
}

#[test]
fn a_newer_version_is_named_whatever_shape_it_has() {
    let mut same_shape = small().encode();
    same_shape[VERSION] = 2;
    let other_shape = [0x83, 0x81, 0x18, 0x63, 0x00, 0x00];
    for (bytes, version) in [(&same_shape[..], 2), (&other_shape, 0x63)] {
        match Envelope::decode(bytes) {
            Err(Error::Newer { found, known, .. }) => assert_eq!((found, known), (version, 1)),
            other => panic!("newer was expected, not {other:?}"),
        }
    }
}

#[test]
fn version_zero_is_refused() {
    let mut bytes = small().encode();
    bytes[VERSION] = 0;
    assert!(refusal(&bytes).contains("version 0"));
}

proptest! {
    #[test]
    fn bytes_that_are_read_once_sign_and_chain_as_the_envelope_does(envelope in envelopes()) {
        let (entry, canonical) = Canonical::read(envelope.encode()).unwrap();
        prop_assert_eq!(&entry, &Entry::after(&envelope.base, envelope.clone()));
        let contacts = "contacts".parse().unwrap();
        prop_assert_eq!(canonical.signed(&contacts), envelope.signed(&contacts));
        prop_assert_eq!(canonical.digest(), <[u8; 32]>::from(Sha256::digest(envelope.encode())));
        prop_assert_eq!(canonical.into_bytes(), envelope.encode());
    }
}
