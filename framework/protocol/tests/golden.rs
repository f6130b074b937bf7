//! What is written must stay what other programs and later versions read: golden bytes of the envelope, the signed digest and the entry's hash.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use protocol::chunk::{self, Form};
use protocol::{
    BlobId, Chunk, ChunkId, Collection, Cursor, DeviceId, Entry, Envelope, Hash, Header, LogId, Page, Piece, Recipe, RecordDigest,
    Sequence, Signature, Snapshot, TransactionId, wire,
};
use syncretic_protocol as protocol;

fn envelope() -> Envelope {
    Envelope {
        transaction: TransactionId([0x11; 16]),
        device: DeviceId([0x22; 32]),
        base: Cursor { log: LogId([0x33; 16]), sequence: Sequence(1041), hash: Hash([0x44; 32]) },
        header: Header { operations: 3, deletions: 1, records: vec![RecordDigest([0x55; 16]), RecordDigest([0x66; 16])] },
        payload: b"payload".to_vec(),
        signature: Signature([0x77; 64]),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| u8::try_from(digit).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn an_envelope_is_written_as_the_golden_bytes() {
    assert_eq!(envelope().encode(), bytes(include_str!("fixtures/envelope-1.hex")));
}

#[test]
fn the_golden_bytes_are_read_as_the_envelope() {
    assert_eq!(Envelope::decode(&bytes(include_str!("fixtures/envelope-1.hex"))).unwrap(), envelope());
}

#[test]
fn what_is_signed_is_the_golden_digest() {
    let collection: Collection = "contacts".parse().unwrap();
    assert_eq!(envelope().signed(&collection), bytes(include_str!("fixtures/envelope-1.signed.hex")));
}

#[test]
fn what_is_signed_depends_on_the_collection_and_not_on_the_signature() {
    let (one, other): (Collection, Collection) = ("contacts".parse().unwrap(), "contact".parse().unwrap());
    let resigned = Envelope { signature: Signature([0; 64]), ..envelope() };
    assert_ne!(envelope().signed(&one), envelope().signed(&other));
    assert_eq!(envelope().signed(&one), resigned.signed(&one));
}

#[test]
fn an_entry_hash_is_the_golden_hash() {
    let entry = Entry::after(&envelope().base, envelope());
    assert_eq!(entry.sequence, Sequence(1042));
    assert_eq!(entry.hash.0.to_vec(), bytes(include_str!("fixtures/entry-1.hash.hex")));
    assert!(entry.follows(&envelope().base));
}

#[test]
fn a_snapshot_is_written_signed_and_read_as_the_golden_bytes() {
    let (cursor, device) = (envelope().base, envelope().device);
    let snapshot = Snapshot { cursor, device, payload: b"state".to_vec(), signature: Signature([0x77; 64]) };
    let golden = bytes(include_str!("fixtures/snapshot-1.hex"));
    assert_eq!(snapshot.encode(), golden);
    assert_eq!(Snapshot::decode(&golden).unwrap(), snapshot);
    assert_eq!(snapshot.signed(&"contacts".parse().unwrap()), bytes(include_str!("fixtures/snapshot-1.signed.hex")));
}

#[test]
fn pages_and_answers_are_written_and_read_as_the_golden_bytes() {
    let entry = Entry::after(&envelope().base, envelope());
    let page = Page { head: entry.cursor(envelope().base.log), entries: vec![entry.clone()] };
    let (golden, short) = (bytes(include_str!("fixtures/page-1.hex")), bytes(include_str!("fixtures/appended-1.hex")));
    assert_eq!(wire::encode_page(&page), golden);
    assert_eq!(wire::decode_page(&golden).unwrap(), page);
    assert_eq!(wire::encode_appended(&envelope().base, &entry, &envelope()), short);
    assert_eq!(wire::decode_appended(&short, &envelope()).unwrap(), entry);
}

/// Two chunks and a recipe of three pieces.
fn chunks() -> ([Chunk; 2], Recipe) {
    let one = Chunk { id: ChunkId([0x11; 32]), form: Form::Raw, length: 3, bytes: b"one".to_vec() };
    let two = Chunk { id: ChunkId([0x22; 32]), form: Form::Zstd, length: 100_000, bytes: vec![0x33; 5] };
    let piece = |chunk: &Chunk| Piece { chunk: chunk.id, length: chunk.length };
    let recipe = Recipe { blob: BlobId([0x44; 32]), pieces: vec![piece(&one), piece(&two), piece(&one)] };
    ([one, two], recipe)
}

#[test]
fn chunks_of_version_1_are_read_and_written() {
    let (chunks, _) = chunks();
    let golden = bytes(include_str!("fixtures/chunks-1.hex"));
    assert_eq!(chunk::encode_chunks(&chunks, [0; 16]).0, golden);
    assert_eq!(chunk::decode_chunks(&golden).unwrap(), (chunks.to_vec(), true));
}

#[test]
fn recipes_of_version_1_are_read_and_written() {
    let (_, recipe) = chunks();
    let golden = bytes(include_str!("fixtures/recipes-1.hex"));
    assert_eq!(chunk::encode_recipes(std::slice::from_ref(&recipe)), golden);
    assert_eq!(chunk::decode_recipes(&golden).unwrap(), [recipe]);
}
