//! Answers of the data plane as bytes: a page of entries, and what became of an append.

use minicbor::{Decoder, Encoder};

use crate::codec::{self, Read, Written, exactly, message, tuple};
use crate::cursor::Cursor;
use crate::entry::Entry;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::ids::{Hash, Sequence};
use crate::store::Page;

/// The version of both forms.
pub const VERSION: u64 = 1;
/// The media type of a page.
pub const PAGE: &str = "application/vnd.syncretic.page";
/// The media type of the answer to an append.
pub const APPENDED: &str = "application/vnd.syncretic.appended";
/// The media type of envelopes, snapshots and blobs.
pub const BYTES: &str = "application/octet-stream";

/// Writes a page: `[[1, head], [[sequence, previous, hash, envelope] …]]`.
#[must_use]
pub fn encode_page(page: &Page) -> Vec<u8> {
    let length: usize = page.entries.iter().map(|entry| entry.envelope.payload.len() + 512).sum();
    let mut encoder = Encoder::new(Vec::with_capacity(length + 128));
    // Writing to memory cannot fail.
    let _ = (|| {
        encoder.array(2)?.array(2)?.u64(VERSION)?;
        codec::write_cursor(&mut encoder, &page.head)?;
        encoder.array(page.entries.len() as u64)?;
        page.entries.iter().try_for_each(|entry| write_entry(&mut encoder, entry, Some(&entry.envelope)))
    })();
    encoder.into_writer()
}

/// Reads a page. Whether its entries follow each other is the reader's to check.
///
/// # Errors
/// Fails if the bytes are not exactly one page of a known version.
pub fn decode_page(bytes: &[u8]) -> Result<Page, Error> {
    codec::refuse_newer("page", bytes, VERSION)?;
    let mut decoder = Decoder::new(bytes);
    let page = (|| -> Read<Result<Page, Error>> {
        tuple(&mut decoder, 2)?;
        let head = read_head(&mut decoder)?;
        let count = decoder.array()?.ok_or_else(|| message("an array of known length was expected"))?;
        let mut entries = Vec::new();
        for _ in 0..count {
            match read_entry(&mut decoder, None)? {
                Ok(entry) => entries.push(entry),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(Page { entries, head }))
    })();
    let page = page.map_err(|error| codec::malformed("page", &error))??;
    ended(&decoder, bytes, "page").map(|()| page)
}

/// Writes what an append became: `[[1, cursor], [sequence, previous, hash, envelope | null]]`; null stands for the envelope that was sent.
#[must_use]
pub fn encode_appended(log: &Cursor, entry: &Entry, sent: &Envelope) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(192));
    let envelope = (entry.envelope != *sent).then_some(&entry.envelope);
    // Writing to memory cannot fail.
    let _ = (|| {
        encoder.array(2)?.array(2)?.u64(VERSION)?;
        codec::write_cursor(&mut encoder, &entry.cursor(log.log))?;
        write_entry(&mut encoder, entry, envelope)
    })();
    encoder.into_writer()
}

/// Reads what an append became.
///
/// # Errors
/// Fails if the bytes are not exactly one answer of a known version.
pub fn decode_appended(bytes: &[u8], sent: &Envelope) -> Result<Entry, Error> {
    codec::refuse_newer("answer", bytes, VERSION)?;
    let mut decoder = Decoder::new(bytes);
    let entry = (|| -> Read<Result<Entry, Error>> {
        tuple(&mut decoder, 2)?;
        read_head(&mut decoder)?;
        read_entry(&mut decoder, Some(sent))
    })();
    let entry = entry.map_err(|error| codec::malformed("answer", &error))??;
    ended(&decoder, bytes, "answer").map(|()| entry)
}

fn write_entry(encoder: &mut Encoder<Vec<u8>>, entry: &Entry, envelope: Option<&Envelope>) -> Written {
    encoder.array(4)?.u64(entry.sequence.0)?.bytes(&entry.previous.0)?.bytes(&entry.hash.0)?;
    match envelope {
        Some(envelope) => encoder.bytes(&envelope.encode())?.ok(),
        None => encoder.null()?.ok(),
    }
}

fn read_head(decoder: &mut Decoder<'_>) -> Read<Cursor> {
    tuple(decoder, 2)?;
    if decoder.u64()? != VERSION {
        return Err(message("there is no version 0"));
    }
    codec::read_cursor(decoder)
}

/// The outer error is of the page's form, the inner one of the envelope's.
fn read_entry(decoder: &mut Decoder<'_>, sent: Option<&Envelope>) -> Read<Result<Entry, Error>> {
    tuple(decoder, 4)?;
    let (sequence, previous, hash) = (Sequence(decoder.u64()?), Hash(exactly(decoder)?), Hash(exactly(decoder)?));
    let envelope = match (decoder.datatype()?, sent) {
        (minicbor::data::Type::Null, Some(sent)) => {
            decoder.null()?;
            Ok(sent.clone())
        }
        _ => Envelope::decode(decoder.bytes()?),
    };
    Ok(envelope.map(|envelope| Entry { sequence, previous, hash, envelope }))
}

fn ended(decoder: &Decoder<'_>, bytes: &[u8], what: &str) -> Result<(), Error> {
    if decoder.position() == bytes.len() { Ok(()) } else { Err(Error::Malformed(format!("{what}: bytes follow it"))) }
}
