//! What the binary forms of this crate have in common: cursors, fixed lengths, and the version in front.

use std::convert::Infallible;

use minicbor::{Decoder, Encoder, decode, encode};

use crate::cursor::Cursor;
use crate::error::Error;
use crate::ids::{Hash, LogId, Sequence};

pub(crate) type Read<T> = Result<T, decode::Error>;
pub(crate) type Written = Result<(), encode::Error<Infallible>>;

pub(crate) fn write_cursor(encoder: &mut Encoder<Vec<u8>>, cursor: &Cursor) -> Written {
    encoder.array(3)?.bytes(&cursor.log.0)?.u64(cursor.sequence.0)?.bytes(&cursor.hash.0)?.ok()
}

pub(crate) fn read_cursor(decoder: &mut Decoder<'_>) -> Read<Cursor> {
    tuple(decoder, 3)?;
    Ok(Cursor { log: LogId(exactly(decoder)?), sequence: Sequence(decoder.u64()?), hash: Hash(exactly(decoder)?) })
}

/// Refuses what a later program wrote: in every version the first item of the first item is its number, whatever the arrays' lengths.
pub(crate) fn refuse_newer(what: &str, bytes: &[u8], known: u64) -> Result<(), Error> {
    let found = version(&mut Decoder::new(bytes)).map_err(|error| malformed(what, &error))?;
    if found > known {
        return Err(Error::Newer { what: what.into(), found, known });
    }
    Ok(())
}

fn version(decoder: &mut Decoder<'_>) -> Read<u64> {
    for _ in 0..2 {
        if decoder.array()?.is_none_or(|count| count == 0) {
            return Err(message("an array of known length was expected"));
        }
    }
    decoder.u64()
}

pub(crate) fn malformed(what: &str, error: &decode::Error) -> Error {
    Error::Malformed(format!("{what}: {error}"))
}

pub(crate) fn message(text: &str) -> decode::Error {
    decode::Error::message(text)
}

pub(crate) fn tuple(decoder: &mut Decoder<'_>, count: u64) -> Read<()> {
    if decoder.array()? == Some(count) { Ok(()) } else { Err(message("an array of another length was expected")) }
}

pub(crate) fn exactly<const N: usize>(decoder: &mut Decoder<'_>) -> Read<[u8; N]> {
    <[u8; N]>::try_from(decoder.bytes()?).map_err(|_| message("bytes of another length were expected"))
}
