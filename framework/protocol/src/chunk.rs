//! Chunks and recipes: the pieces in which blobs are kept and travel, and how they are put together again.

use minicbor::{Decoder, Encoder};

use crate::codec::{self, Read, exactly, message, tuple};
use crate::error::Error;
use crate::ids::{BlobId, ChunkId};

/// The most bytes of a chunk, unpacked.
pub const MAX_CHUNK: usize = 256 << 10;
/// The most chunks of a blob.
pub const MAX_PIECES: usize = 1 << 20;
/// The most chunks that travel or are kept together.
pub const MAX_CHUNKS: usize = 256;
/// The most bytes of chunks that travel or are kept together, as they are packed.
pub const MAX_BATCH: usize = 16 << 20;
/// The most bytes of recipes that travel together: one of the largest fits.
pub const MAX_RECIPES: usize = 48 << 20;
/// The version of a recipe, and of a list of them.
pub const VERSION: u64 = 1;

/// What chunks that travel or are kept together begin with; its last byte is the version.
const MAGIC: [u8; 8] = *b"SYNCHNK\x01";
/// The bytes before the first chunk: the magic, and what makes two files of the same chunks differ.
const HEAD: usize = MAGIC.len() + 16;
/// The bytes of a chunk before its content: id, form, length, packed length.
const FRAME: usize = 32 + 1 + 4 + 4;

/// How a chunk's bytes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// As they are.
    Raw,
    /// As one zstd frame.
    Zstd,
}

/// A chunk as it is kept and travels. Whether its bytes are those that its id says is for the reader to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its id.
    pub id: ChunkId,
    /// How its bytes are kept.
    pub form: Form,
    /// The length of its content; at most [`MAX_CHUNK`].
    pub length: u32,
    /// Its bytes in that form; never more than `length`.
    pub bytes: Vec<u8>,
}

impl Chunk {
    /// Returns how many bytes it takes where it is kept.
    #[must_use]
    pub fn size(&self) -> usize {
        FRAME + self.bytes.len()
    }

    /// Writes it by itself, as it stands among others.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size());
        self.append(&mut bytes);
        bytes
    }

    /// Writes it behind others.
    fn append(&self, to: &mut Vec<u8>) {
        to.extend(self.id.0);
        to.push(match self.form {
            Form::Raw => 0,
            Form::Zstd => 1,
        });
        to.extend(self.length.to_be_bytes());
        to.extend(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        to.extend(&self.bytes);
    }

    /// Reads one chunk from the front of `bytes` and returns how many bytes it took; nothing if it is not all there.
    ///
    /// # Errors
    /// Fails with [`Error::Malformed`] if no chunk begins so: a length beyond the limit sizes no allocation.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, Error> {
        let Some((head, rest)) = bytes.split_first_chunk::<FRAME>() else { return Ok(None) };
        let wrong = |what: &str| Error::Malformed(format!("chunk: {what}"));
        let (id, head) = head.split_first_chunk::<32>().ok_or_else(|| wrong("it has no id"))?;
        let (form, head) = head.split_first().ok_or_else(|| wrong("it has no form"))?;
        let form = match form {
            0 => Form::Raw,
            1 => Form::Zstd,
            _ => return Err(wrong("its form is not known")),
        };
        let mut numbers = head.as_chunks::<4>().0.iter().map(|number| u32::from_be_bytes(*number));
        let (length, packed) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        let fits = length as usize <= MAX_CHUNK && length > 0 && packed <= length && (form == Form::Zstd || packed == length);
        if !fits {
            return Err(wrong(&format!("{packed} bytes that say to be {length}; at most {MAX_CHUNK} are allowed")));
        }
        let Some(content) = rest.get(..packed as usize) else { return Ok(None) };
        let chunk = Self { id: ChunkId(*id), form, length, bytes: content.to_vec() };
        Ok(Some((chunk, FRAME + content.len())))
    }
}

/// Writes chunks one behind the other, and returns the bytes with the place of each. `salt` is all zeros on the wire.
#[must_use]
pub fn encode_chunks(chunks: &[Chunk], salt: [u8; 16]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::with_capacity(HEAD + chunks.iter().map(Chunk::size).sum::<usize>());
    bytes.extend(MAGIC);
    bytes.extend(salt);
    let mut places = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        places.push(bytes.len());
        chunk.append(&mut bytes);
    }
    (bytes, places)
}

/// Reads the whole chunks that stand at the front of `bytes`, which may break off anywhere; returns them and whether it is all.
///
/// # Errors
/// Fails with [`Error::Newer`] if a later program wrote it, and with [`Error::Malformed`] if it is something else.
pub fn decode_chunks(bytes: &[u8]) -> Result<(Vec<Chunk>, bool), Error> {
    let Some((head, mut rest)) = bytes.split_at_checked(HEAD) else { return Ok((Vec::new(), false)) };
    let (known, version) = (MAGIC.get(..7), head.get(7).copied().unwrap_or_default());
    if head.get(..7) != known || version == 0 {
        return Err(Error::Malformed("chunks: they do not begin so".into()));
    }
    if version > 1 {
        return Err(Error::Newer { what: "chunks".into(), found: u64::from(version), known: 1 });
    }
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        if chunks.len() == MAX_CHUNKS {
            return Err(Error::Malformed(format!("chunks: at most {MAX_CHUNKS} together")));
        }
        let Some((chunk, length)) = Chunk::decode(rest)? else { return Ok((chunks, false)) };
        rest = rest.get(length..).unwrap_or_default();
        chunks.push(chunk);
    }
    Ok((chunks, true))
}

/// A piece of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Piece {
    /// The chunk that holds it.
    pub chunk: ChunkId,
    /// How long it is.
    pub length: u32,
}

/// How a blob is put together: its chunks in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The blob.
    pub blob: BlobId,
    /// Its pieces, in order, the same chunk any number of times.
    pub pieces: Vec<Piece>,
}

impl Recipe {
    /// Returns the blob's length.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.pieces.iter().map(|piece| u64::from(piece.length)).sum()
    }

    /// Writes it: `[[1, blob, length], [[chunk, length] …]]`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(64 + 40 * self.pieces.len()));
        // Writing to memory cannot fail.
        let _ = (|| -> codec::Written {
            encoder.array(2)?.array(3)?.u64(VERSION)?.bytes(&self.blob.0)?.u64(self.length())?;
            encoder.array(self.pieces.len() as u64)?;
            self.pieces.iter().try_for_each(|piece| encoder.array(2)?.bytes(&piece.chunk.0)?.u32(piece.length)?.ok())
        })();
        encoder.into_writer()
    }

    /// Reads it. The pieces have to add up to the length; a length that says more sizes no allocation.
    ///
    /// # Errors
    /// Fails with [`Error::Newer`] if a later program wrote it, and with [`Error::Malformed`] if it is not exactly one recipe.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::refuse_newer("recipe", bytes, VERSION)?;
        let mut decoder = Decoder::new(bytes);
        let read = read_recipe(&mut decoder).map_err(|error| codec::malformed("recipe", &error))?;
        if decoder.position() == bytes.len() { Ok(read) } else { Err(Error::Malformed("recipe: bytes follow it".into())) }
    }
}

fn read_recipe(decoder: &mut Decoder<'_>) -> Read<Recipe> {
    tuple(decoder, 2)?;
    tuple(decoder, 3)?;
    if decoder.u64()? != VERSION {
        return Err(message("there is no version 0"));
    }
    let (blob, length) = (BlobId(exactly(decoder)?), decoder.u64()?);
    let count = decoder.array()?.ok_or_else(|| message("an array of known length was expected"))?;
    if count > MAX_PIECES as u64 {
        return Err(message("it has more pieces than a blob may have"));
    }
    let (mut pieces, mut sum) = (Vec::new(), 0_u64);
    for _ in 0..count {
        tuple(decoder, 2)?;
        let piece = Piece { chunk: ChunkId(exactly(decoder)?), length: decoder.u32()? };
        if piece.length == 0 || piece.length as usize > MAX_CHUNK {
            return Err(message("a piece has a length that no chunk has"));
        }
        sum += u64::from(piece.length);
        pieces.push(piece);
    }
    if sum == length { Ok(Recipe { blob, pieces }) } else { Err(message("its pieces do not add up to its length")) }
}

/// Writes recipes: `[[1], [recipe as bytes …]]`.
#[must_use]
pub fn encode_recipes(recipes: &[Recipe]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing to memory cannot fail.
    let _ = (|| -> codec::Written {
        encoder.array(2)?.array(1)?.u64(VERSION)?.array(recipes.len() as u64)?;
        recipes.iter().try_for_each(|recipe| encoder.bytes(&recipe.encode())?.ok())
    })();
    encoder.into_writer()
}

/// Reads recipes.
///
/// # Errors
/// As [`Recipe::decode`].
pub fn decode_recipes(bytes: &[u8]) -> Result<Vec<Recipe>, Error> {
    codec::refuse_newer("recipes", bytes, VERSION)?;
    let mut decoder = Decoder::new(bytes);
    let wrong = |error: minicbor::decode::Error| codec::malformed("recipes", &error);
    let count = (|| -> Read<u64> {
        tuple(&mut decoder, 2)?;
        tuple(&mut decoder, 1)?;
        decoder.u64()?;
        decoder.array()?.ok_or_else(|| message("an array of known length was expected"))
    })();
    let mut recipes = Vec::new();
    for _ in 0..count.map_err(wrong)? {
        recipes.push(Recipe::decode(decoder.bytes().map_err(wrong)?)?);
    }
    if decoder.position() == bytes.len() { Ok(recipes) } else { Err(Error::Malformed("recipes: bytes follow them".into())) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(number: u8, length: usize) -> Chunk {
        Chunk { id: ChunkId([number; 32]), form: Form::Raw, length: u32::try_from(length).unwrap(), bytes: vec![number; length] }
    }

    fn recipe(lengths: &[u32]) -> Recipe {
        let pieces = lengths.iter().zip(0..).map(|(length, number)| Piece { chunk: ChunkId([number; 32]), length: *length });
        Recipe { blob: BlobId([9; 32]), pieces: pieces.collect() }
    }

    #[test]
    fn chunks_that_break_off_anywhere_are_read_as_far_as_they_are_whole() {
        let chunks = [chunk(1, 5), chunk(2, 70), chunk(3, 1)];
        let (bytes, places) = encode_chunks(&chunks, [0; 16]);
        for length in 0..=bytes.len() {
            let (read, all) = decode_chunks(&bytes[..length]).unwrap();
            let ends = [places[1], places[2], bytes.len()];
            assert_eq!(read, chunks[..ends.iter().filter(|end| **end <= length).count()]);
            // At the end of one chunk nobody can know that another one was to follow.
            assert_eq!(all, length == HEAD || ends.contains(&length), "{length}");
        }
        assert_eq!(Chunk::decode(&bytes[places[1]..]).unwrap().unwrap().0, chunks[1]);
    }

    #[test]
    fn a_chunk_that_says_to_be_larger_than_any_is_refused_before_it_is_read() {
        let mut bytes = encode_chunks(&[Chunk { form: Form::Zstd, ..chunk(1, 5) }], [0; 16]).0;
        bytes[HEAD + 33..HEAD + 37].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(matches!(decode_chunks(&bytes), Err(Error::Malformed(_))));
        bytes[7] = 2;
        assert!(matches!(decode_chunks(&bytes), Err(Error::Newer { found: 2, known: 1, .. })));
        bytes[0] = b'x';
        assert!(matches!(decode_chunks(&bytes), Err(Error::Malformed(_))));
    }

    #[test]
    fn more_chunks_than_may_travel_together_are_refused() {
        let (bytes, _) = encode_chunks(&vec![chunk(1, 1); MAX_CHUNKS + 1], [0; 16]);
        assert!(matches!(decode_chunks(&bytes), Err(Error::Malformed(_))));
    }

    #[test]
    fn a_recipe_that_claims_an_exabyte_or_endless_pieces_is_refused() {
        let claims = |length: u64, count: u64| {
            let mut encoder = Encoder::new(Vec::new());
            encoder.array(2).unwrap().array(3).unwrap().u64(1).unwrap().bytes(&[9; 32]).unwrap().u64(length).unwrap();
            encoder.array(count).unwrap();
            encoder.into_writer()
        };
        for bytes in [claims(1 << 60, 0), claims(0, 1 << 60), claims(1 << 60, 1 << 19)] {
            assert!(matches!(Recipe::decode(&bytes), Err(Error::Malformed(_))));
        }
        for lengths in [[0].as_slice(), &[1, u32::try_from(MAX_CHUNK).unwrap() + 1]] {
            assert!(matches!(Recipe::decode(&recipe(lengths).encode()), Err(Error::Malformed(_))));
        }
        let newer = [0x82, 0x83, 2];
        assert!(matches!(Recipe::decode(&newer), Err(Error::Newer { found: 2, known: 1, .. })));
    }

    proptest! {
        #[test]
        fn recipes_come_back(all in prop::collection::vec(prop::collection::vec(1..=262_144_u32, 0..20), 0..5)) {
            let recipes: Vec<Recipe> = all.iter().map(|lengths| recipe(lengths)).collect();
            prop_assert_eq!(decode_recipes(&encode_recipes(&recipes)).unwrap(), recipes);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (Recipe::decode(&bytes), decode_recipes(&bytes), decode_chunks(&bytes));
            let mut begun = encode_chunks(&[], [0; 16]).0;
            begun.extend(&bytes);
            let _ = decode_chunks(&begun);
        }
    }
}
