//! Measures what it costs to keep blobs durably: many small ones as a first sync has them, beside a bare loop that writes and syncs as many files.
//!
//! `cargo run --release -p syncretic-store --example blobs [COUNT] [BYTES]`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "it is a measurement")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use protocol::{BlobId, Collection, Store};
use sha2::{Digest, Sha256};
use store::Sqlite;
use syncretic_store as store;

const ROUNDS: usize = 3;

/// Returns a file's bytes: half of them text that compresses, half of them noise.
fn content(number: u64, length: usize) -> Vec<u8> {
    let mut state = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let mut bytes: Vec<u8> = b"the same words again and again, ".iter().copied().cycle().take(length / 2).collect();
    bytes.extend((bytes.len()..length).map(|_| next()));
    bytes
}

/// Keeps all of them in a new store, as many at once as are given.
fn ours(folder: &Path, blobs: &[(BlobId, Vec<u8>)], together: usize) {
    let store = Sqlite::open(folder).unwrap();
    let name: Collection = "files".parse().unwrap();
    store.head(&name).unwrap();
    for some in blobs.chunks(together) {
        let ids: Vec<BlobId> = some.iter().map(|(id, _)| *id).collect();
        let mut left = some.iter();
        store.put_blobs(&name, &ids, &mut |_, to| to.write_all(left.next().map_or(&[], |(_, bytes)| bytes))).unwrap();
    }
}

fn read(folder: &Path, blobs: &[(BlobId, Vec<u8>)]) {
    let store = Sqlite::open(folder).unwrap();
    let name: Collection = "files".parse().unwrap();
    for (id, _) in blobs {
        store.blob(&name, *id, &mut io::sink()).unwrap();
    }
}

/// Writes each to a file, syncs it, renames it: what keeping a file each would cost at the least.
fn bare(folder: &Path, blobs: &[(BlobId, Vec<u8>)]) {
    fs::create_dir_all(folder).unwrap();
    for (id, bytes) in blobs {
        let (staged, target) = (folder.join("staged"), folder.join(id.to_string()));
        let mut file = File::create(&staged).unwrap();
        file.write_all(bytes).unwrap();
        file.sync_all().unwrap();
        fs::rename(staged, target).unwrap();
    }
    File::open(folder).unwrap().sync_all().unwrap();
}

fn seconds(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64()
}

fn main() {
    let number = |place, otherwise| std::env::args().nth(place).map_or(otherwise, |text| text.parse().unwrap());
    let (count, length): (u64, u64) = (number(1, 3000), number(2, 100_000));
    let blobs: Vec<(BlobId, Vec<u8>)> = (0..count)
        .map(|number| content(number, usize::try_from(length).unwrap()))
        .map(|bytes| (BlobId(Sha256::digest(&bytes).into()), bytes))
        .collect();
    let root = tempfile::tempdir_in(".").unwrap();
    println!("{count} blobs of {length} bytes, seconds, {ROUNDS} rounds that alternate");
    println!("  put together   put one by one   read   a file each, synced");
    for round in 0..ROUNDS {
        let folder = |what: &str| root.path().join(format!("{what}-{round}"));
        let together = seconds(|| ours(&folder("together"), &blobs, blobs.len()));
        let single = seconds(|| ours(&folder("single"), &blobs, 1));
        let reading = seconds(|| read(&folder("together"), &blobs));
        let bare = seconds(|| bare(&folder("bare"), &blobs));
        println!("  {together:12.2}   {single:14.2}   {reading:4.2}   {bare:18.2}");
        for what in ["together", "single", "bare"] {
            drop(fs::remove_dir_all(folder(what)));
        }
    }
}
