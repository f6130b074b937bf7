//! Laws of the cut, whatever the bytes and however they come; and the golden cuts and ids that every later release must make.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::io::{self, Read};

use chunks::cut::{MAX, MIN};
use chunks::{ChunkKey, Cutter};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use syncretic_chunks as chunks;

const GOLDEN: &str = include_str!("fixtures/cuts-1.txt");

/// Returns bytes that do not repeat and depend on `seed` alone.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    (0..length).map(|_| next()).collect()
}

/// Yields bytes in pieces of the given lengths, over and over, with interruptions between.
struct Pieces<'a> {
    bytes: &'a [u8],
    lengths: &'a [usize],
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = self.lengths[self.turn % self.lengths.len()].min(buffer.len());
        self.bytes.read(&mut buffer[..most])
    }
}

fn cut(bytes: &[u8], lengths: &[usize]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut take = |chunk: &[u8]| {
        chunks.push(chunk.to_vec());
        Ok(())
    };
    Cutter::default().read(&mut Pieces { bytes, lengths, turn: 0 }, &mut take).unwrap();
    chunks
}

#[test]
fn the_golden_bytes_are_cut_and_named_as_ever() {
    let key = ChunkKey::of(&"files".parse().unwrap());
    let chunks = cut(&noise(1, 1 << 20), &[1 << 16]);
    let found: String = chunks.iter().map(|chunk| format!("{} {}\n", chunk.len(), key.id(chunk))).collect();
    assert_eq!(found, GOLDEN);
}

#[test]
fn the_same_content_has_another_id_in_another_collection() {
    let id = |name: &str| ChunkKey::of(&name.parse().unwrap()).id(b"content");
    assert_eq!(id("files"), id("files"));
    assert_ne!(id("files"), id("Files"));
}

#[test]
fn one_cutter_cuts_one_blob_after_the_other() {
    let (one, two) = (noise(1, 500_000), noise(2, 300_000));
    let (mut cutter, mut found) = (Cutter::default(), Vec::new());
    for blob in [&one, &two] {
        let mut take = |chunk: &[u8]| {
            found.push(chunk.to_vec());
            Ok::<(), ()>(())
        };
        cutter.feed(blob, &mut take).unwrap();
        cutter.finish(&mut take).unwrap();
    }
    assert_eq!(found, [cut(&one, &[999]), cut(&two, &[999])].concat());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn cut_and_join_is_the_identity_whatever_the_lengths_read(
        seed in any::<u64>(), length in 0..1_500_000_usize, flat in any::<bool>(), lengths in prop::collection::vec(1..400_000_usize, 1..5),
    ) {
        let bytes = if flat { vec![seed.to_le_bytes()[0]; length] } else { noise(seed, length) };
        let chunks = cut(&bytes, &lengths);
        prop_assert_eq!(Sha256::digest(chunks.concat()), Sha256::digest(&bytes));
        let (last, others) = chunks.split_last().map_or((0, &[][..]), |(last, others)| (last.len(), others));
        prop_assert!(others.iter().all(|chunk| (MIN..=MAX).contains(&chunk.len())) && last <= MAX);
        prop_assert_eq!(chunks, cut(&bytes, &[usize::MAX]));
    }

    #[test]
    fn a_byte_inserted_anywhere_changes_few_chunks(seed in any::<u64>(), place in any::<prop::sample::Index>(), front in any::<bool>()) {
        let before = noise(seed, 3 << 20);
        let place = if front { 0 } else { place.index(before.len()) };
        let after = [&before[..place], b"x", &before[place..]].concat();
        let known: HashSet<Vec<u8>> = cut(&before, &[usize::MAX]).into_iter().collect();
        let new = cut(&after, &[usize::MAX]).into_iter().filter(|chunk| !known.contains(chunk)).count();
        // Behind a cut that the byte takes away, it may take a few until both cut at the same place again.
        prop_assert!(new <= 4, "{new} chunks");
        prop_assert!(new <= 2 || !front, "{new} chunks");
    }
}
