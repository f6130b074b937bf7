//! The packing of a chunk: compressed where that helps, and unpacked to what its id says or not at all.

use std::io::Read;

use protocol::chunk::{Form, MAX_CHUNK};
use protocol::{Chunk, ChunkId, Error};

use crate::key::ChunkKey;

/// The level of compression: higher ones cost more time than they save bytes.
const LEVEL: i32 = 1;
/// A chunk that compression shrinks by less than one part of so many stays as it is.
const WORTH: usize = 20;

/// Packs a chunk's content.
#[must_use]
pub fn pack(id: ChunkId, content: Vec<u8>) -> Chunk {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let worth = content.len() - content.len() / WORTH;
    match zstd::bulk::compress(&content, LEVEL) {
        Ok(bytes) if bytes.len() < worth => Chunk { id, form: Form::Zstd, length, bytes },
        _ => Chunk { id, form: Form::Raw, length, bytes: content },
    }
}

/// Returns a chunk's content.
///
/// # Errors
/// Fails with [`Error::Integrity`] if it is not what its id and length say; no more than the length is ever unpacked.
pub fn unpack(chunk: &Chunk, key: &ChunkKey) -> Result<Vec<u8>, Error> {
    let wrong = |what: &str| Error::Integrity(format!("chunk {} {what}", chunk.id));
    let length = chunk.length as usize;
    if length == 0 || length > MAX_CHUNK || chunk.bytes.len() > length {
        return Err(Error::Malformed(format!("chunk: a length of {length}; at most {MAX_CHUNK} is allowed")));
    }
    let content = match chunk.form {
        Form::Raw => chunk.bytes.clone(),
        Form::Zstd => expand(&chunk.bytes, length).ok_or_else(|| wrong("does not unpack to the length that it says"))?,
    };
    if content.len() != length {
        return Err(wrong("has another length than it says"));
    }
    if key.id(&content) == chunk.id { Ok(content) } else { Err(wrong("holds other bytes than its id says")) }
}

/// Unpacks one frame that has to give exactly `length` bytes.
fn expand(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    // The decoder never writes beyond the capacity.
    zstd::bulk::decompress(bytes, length).ok().filter(|content| content.len() == length).or_else(|| streamed(bytes, length))
}

/// Unpacks a frame that does not say how long it is; a byte more than `length` is all that is ever unpacked.
fn streamed(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).ok()?.single_frame();
    decoder.window_log_max(20).ok()?;
    let mut content = Vec::with_capacity(length);
    decoder.take(length as u64 + 1).read_to_end(&mut content).ok()?;
    (content.len() == length).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ChunkKey {
        ChunkKey::of(&"files".parse().unwrap())
    }

    fn noise(length: u32) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_le_bytes()[7]
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn what_shrinks_is_compressed_and_what_does_not_stays() {
        for (content, form) in [(vec![7; 100_000], Form::Zstd), (noise(100_000), Form::Raw), (b"x".to_vec(), Form::Raw)] {
            let chunk = pack(key().id(&content), content.clone());
            assert_eq!((chunk.form, chunk.length as usize), (form, content.len()));
            assert_eq!(unpack(&chunk, &key()).unwrap(), content);
        }
    }

    #[test]
    fn a_bomb_unpacks_to_no_more_than_it_says() {
        let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap();
        for length in [1 << 13, MAX_CHUNK, usize::from(u16::MAX)] {
            let chunk =
                Chunk { id: key().id(&vec![0; length]), form: Form::Zstd, length: u32::try_from(length).unwrap(), bytes: bomb.clone() };
            assert!(unpack(&chunk, &key()).is_err());
        }
        let beyond = Chunk { id: ChunkId([0; 32]), form: Form::Zstd, length: u32::MAX, bytes: bomb };
        assert!(matches!(unpack(&beyond, &key()), Err(Error::Malformed(_))));
    }

    #[test]
    fn a_chunk_of_other_bytes_or_of_another_collection_is_refused() {
        let content = b"content".repeat(1000);
        let chunk = pack(key().id(&content), content.clone());
        assert!(matches!(unpack(&chunk, &ChunkKey::of(&"others".parse().unwrap())), Err(Error::Integrity(_))));
        let other = Chunk { id: key().id(b"other"), ..chunk.clone() };
        assert!(matches!(unpack(&other, &key()), Err(Error::Integrity(_))));
        let longer = Chunk { length: chunk.length + 1, ..chunk.clone() };
        assert!(matches!(unpack(&longer, &key()), Err(Error::Integrity(_))));
        let mut damaged = chunk;
        damaged.bytes.truncate(9);
        assert!(matches!(unpack(&damaged, &key()), Err(Error::Integrity(_))));
    }
}
