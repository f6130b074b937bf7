//! What holds for any bytes: the body of the fuzz target `chunks`, and a bounded run of it.

use syncretic_protocol::chunk::{
    Chunk, MAX_CHUNK, MAX_CHUNKS, MAX_PIECES, Recipe, decode_chunks, decode_recipes, encode_chunks, encode_recipes,
};

/// Reads any bytes as a chunk, as chunks, as a recipe and as recipes: refused, or written again as they were read.
pub fn any_chunks(bytes: &[u8]) {
    if let Ok(Some((chunk, length))) = Chunk::decode(bytes) {
        check(&chunk);
        assert_eq!(Some(chunk.encode().as_slice()), bytes.get(..length), "a chunk is written as it stood");
    }
    if let Ok((chunks, all)) = decode_chunks(bytes) {
        assert!(chunks.len() <= MAX_CHUNKS);
        chunks.iter().for_each(check);
        let salt = bytes.get(8..24).and_then(|salt| salt.try_into().ok());
        assert!(salt.is_some() || (chunks.is_empty() && !all), "nothing is whole before the salt is");
        let (written, places) = encode_chunks(&chunks, salt.unwrap_or_default());
        assert!(salt.is_none() || bytes.starts_with(&written), "chunks are written as they stood");
        assert!(!all || written.len() == bytes.len(), "all is every byte");
        assert_eq!(places.len(), chunks.len());
    }
    if let Ok(recipe) = Recipe::decode(bytes) {
        assert!(recipe.pieces.len() <= MAX_PIECES && recipe.length() <= (MAX_PIECES * MAX_CHUNK) as u64);
        assert_eq!(Recipe::decode(&recipe.encode()).ok(), Some(recipe), "a recipe reads back as it was");
    }
    if let Ok(recipes) = decode_recipes(bytes) {
        assert_eq!(decode_recipes(&encode_recipes(&recipes)).ok(), Some(recipes), "recipes read back as they were");
    }
}

fn check(chunk: &Chunk) {
    assert!(chunk.length > 0 && chunk.length as usize <= MAX_CHUNK);
    assert!(chunk.bytes.len() <= chunk.length as usize, "packed bytes are never more than the content");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use syncretic_protocol::chunk::{Chunk, Form, Piece, Recipe, encode_chunks, encode_recipes};
    use syncretic_protocol::ids::{BlobId, ChunkId};

    use super::any_chunks;

    fn mutations() -> u32 {
        std::env::var("SYNCRETIC_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
    }

    /// Whole messages, of which the damaged ones are made.
    fn messages() -> Vec<Vec<u8>> {
        let chunk = |number: u8, form: Form, packed: u8| Chunk {
            id: ChunkId([number; 32]),
            form,
            length: u32::from(packed) + u32::from(form == Form::Zstd),
            bytes: vec![number; packed.into()],
        };
        let chunks = [chunk(1, Form::Raw, 5), chunk(2, Form::Zstd, 40), chunk(3, Form::Raw, 1)];
        let piece = |number: u8| Piece { chunk: ChunkId([number; 32]), length: 1 << number };
        let recipe = |pieces: u8| Recipe { blob: BlobId([9; 32]), pieces: (0..pieces).map(piece).collect() };
        let recipes = [recipe(0), recipe(3), recipe(18)];
        vec![chunks[1].encode(), encode_chunks(&chunks, [7; 16]).0, recipes[2].encode(), encode_recipes(&recipes)]
    }

    #[test]
    fn whole_messages_are_read() {
        messages().iter().for_each(|message| any_chunks(message));
        let [chunk, chunks, recipe, recipes] = &messages()[..] else { panic!("four messages") };
        assert!(matches!(Chunk::decode(chunk), Ok(Some(_))));
        assert!(matches!(super::decode_chunks(chunks), Ok((read, true)) if read.len() == 3));
        assert!(Recipe::decode(recipe).is_ok() && super::decode_recipes(recipes).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(mutations()))]

        #[test]
        fn damaged_messages_are_refused_or_written_again(
            message in 0..4_usize,
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..9_usize, prop::collection::vec(any::<u8>(), 0..9)), 0..4),
        ) {
            let mut bytes = messages().swap_remove(message);
            for (place, length, new) in cuts {
                let start = place.index(bytes.len() + 1);
                let end = (start + length).min(bytes.len());
                drop(bytes.splice(start..end, new));
            }
            any_chunks(&bytes);
        }
    }
}
