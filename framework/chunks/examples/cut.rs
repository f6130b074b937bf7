//! Measures the cut beside a bare loop over the same libraries, and what an insertion and an edit of one per cent send.
//!
//! `cargo run --release -p syncretic-chunks --example cut [MIB]`

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "it is a measurement")]

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::Instant;

use chunks::cut::{AVERAGE, MAX, MIN};
use chunks::upload::{self, Shelf};
use chunks::{ChunkKey, Cutter};
use protocol::{BlobId, Chunk, ChunkId, Error, Recipe, Transfer};
use sha2::{Digest, Sha256};
use syncretic_chunks as chunks;

const ROUNDS: usize = 5;

/// Bytes that do not repeat, made as they are read.
struct Noise {
    state: u64,
    left: usize,
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.left);
        for eight in buffer[..length].chunks_mut(8) {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            eight.iter_mut().zip(self.state.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
        self.left -= length;
        Ok(length)
    }
}

fn noise(length: usize) -> Noise {
    Noise { state: 0x9e37_79b9_7f4a_7c15, left: length }
}

/// What a store does for the measurement: it knows which chunks it has, and forgets them.
#[derive(Default)]
struct Known(RefCell<HashSet<ChunkId>>);

impl Shelf for Known {
    fn missing(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        let known = self.0.borrow();
        Ok(chunks.iter().filter(|id| !known.contains(id)).copied().collect())
    }

    fn put(&self, chunks: Vec<Chunk>) -> Result<(), Error> {
        self.0.borrow_mut().extend(chunks.iter().map(|chunk| chunk.id));
        Ok(())
    }

    fn keep(&self, _: &[Recipe]) -> Result<(), Error> {
        Ok(())
    }
}

fn send(known: &Known, key: &ChunkKey, open: &dyn Fn() -> Box<dyn Read>) -> Transfer {
    let mut hasher = Sha256::new();
    let (mut from, mut buffer) = (open(), vec![0; 1 << 20]);
    loop {
        let length = from.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
    }
    let id = BlobId(hasher.finalize().into());
    upload::upload(known, key, &[id], &mut |_, to| io::copy(&mut open(), to).map(drop)).unwrap()
}

fn rate(length: usize, work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    length as f64 / 1e6 / begin.elapsed().as_secs_f64()
}

/// Reads, cuts and hashes with the libraries themselves, from a buffer of its own.
fn bare(file: &mut std::fs::File, key: &[u8; 32]) -> usize {
    let mut buffer = vec![0; 4 * MAX];
    let (mut held, mut count) = (0, 0);
    loop {
        let read = file.read(&mut buffer[held..]).unwrap();
        held += read;
        let mut begin = 0;
        while held - begin >= MAX || (read == 0 && begin < held) {
            let cut = fastcdc::v2020::FastCDC::new(&buffer[begin..held], MIN, AVERAGE, MAX).cut(0, held - begin).1;
            std::hint::black_box(blake3::keyed_hash(key, &buffer[begin..begin + cut]));
            begin += cut;
            count += 1;
        }
        buffer.copy_within(begin..held, 0);
        held -= begin;
        if read == 0 {
            return count;
        }
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn main() {
    let mib: usize = std::env::args().nth(1).map_or(1024, |text| text.parse().unwrap());
    let length = mib << 20;
    let key = ChunkKey::of(&"files".parse().unwrap());

    // In the page cache, so that the disk is not what is measured.
    let path = std::env::temp_dir().join(format!("syncretic-cut-{}", std::process::id()));
    let mut file = std::fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    let part = length.min(256 << 20);
    io::copy(&mut noise(part), &mut file).unwrap();
    let (mut ours, mut theirs, mut digest) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        file.seek(SeekFrom::Start(0)).unwrap();
        theirs.push(rate(part, || {
            std::hint::black_box(bare(&mut file, &[7; 32]));
        }));
        file.seek(SeekFrom::Start(0)).unwrap();
        ours.push(rate(part, || {
            let mut take = |chunk: &[u8]| {
                std::hint::black_box(key.id(chunk));
                Ok(())
            };
            Cutter::default().read(&mut file, &mut take).unwrap();
        }));
        file.seek(SeekFrom::Start(0)).unwrap();
        digest.push(rate(part, || {
            let mut sink = Sha256::new();
            let mut buffer = vec![0; 1 << 20];
            while let Some(length) = Some(file.read(&mut buffer).unwrap()).filter(|length| *length > 0) {
                sink.update(&buffer[..length]);
            }
            std::hint::black_box(sink.finalize());
        }));
    }
    drop(std::fs::remove_file(&path));
    let (ours, theirs) = (median(ours), median(theirs));
    println!("read + cut + name, {} MiB in the page cache, median of {ROUNDS} that alternate", part >> 20);
    println!("  the libraries alone  {theirs:7.0} MB/s");
    println!("  Cutter and ChunkKey  {ours:7.0} MB/s   {:.0} %", 100.0 * ours / theirs);
    println!("  (read + SHA-256      {:7.0} MB/s)", median(digest));

    let known = Known::default();
    let begin = Instant::now();
    let all = send(&known, &key, &|| Box::new(noise(length)));
    println!(
        "{mib} MiB that do not repeat: {} chunks, {} bytes; made, hashed, cut and packed in {:.1} s",
        all.chunks,
        all.bytes,
        begin.elapsed().as_secs_f64()
    );
    let inserted = send(&known, &key, &|| Box::new(io::Cursor::new(b"x").chain(noise(length))));
    println!("  one byte inserted at the front: {} chunks, {} bytes", inserted.chunks, inserted.bytes);
    let hundredth = length / 100;
    let edited =
        send(&known, &key, &|| Box::new(noise(length / 2).chain(Noise { state: 3, left: hundredth }).chain(After::of(length, hundredth))));
    println!(
        "  one per cent in the middle replaced: {} chunks, {} bytes ({:.2} × what changed)",
        edited.chunks,
        edited.bytes,
        edited.bytes as f64 / hundredth as f64
    );
    let places = 100;
    let scattered = send(&known, &key, &|| Box::new(Scattered { inner: noise(length), place: 0, every: length / places }));
    println!("  one byte changed in each of {places} places: {} chunks, {} bytes", scattered.chunks, scattered.bytes);
}

/// What follows the replaced part.
struct After;

impl After {
    fn of(length: usize, replaced: usize) -> impl Read {
        let mut all = noise(length);
        io::copy(&mut (&mut all).take((length / 2 + replaced) as u64), &mut io::sink()).unwrap();
        all
    }
}

/// Changes a byte in regular places.
struct Scattered {
    inner: Noise,
    place: usize,
    every: usize,
}

impl Read for Scattered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        for (offset, byte) in buffer[..length].iter_mut().enumerate() {
            if (self.place + offset) % self.every == self.every / 2 {
                *byte ^= 0x55;
            }
        }
        self.place += length;
        Ok(length)
    }
}
