//! Messages between a host and an adapter in another process, as `docs/plugins/protocol.md` says: JSON lines, or frames
//! of CBOR in which what comes in numbers is an array and everything else the same JSON.

use std::io::{self, BufRead, Read};

use record::codec::{Reader, Writer};
use serde_json::{Map, Value};

use crate::backend::Breach;
use crate::crossing::{RawAnswer, RawFate, RawItem, RawOp};
use crate::lines;
use crate::message::Message;

/// The name of the protocol.
pub(crate) const PROTOCOL_NAME: &str = "syncretic-adapter";
/// The version of the protocol that this program speaks.
pub(crate) const VERSION: (u64, u64) = (1, 0);

/// The longest frame or line in bytes.
pub(crate) const LONGEST: usize = 64 << 20;
/// When a frame that is being filled is sent.
pub(crate) const FULL: usize = 64 << 10;

const KNOWN: u64 = 1;
const ITEM: u64 = 2;
const OP: u64 = 3;
const ANSWER: u64 = 4;
const FATE: u64 = 5;
const BYTES: u64 = 6;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// One JSON object a line.
    Lines,
    /// A big-endian length of four bytes, then a CBOR sequence (RFC 8742).
    Frames,
}

/// Messages that wait to be sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) encoding: Encoding,
    bytes: Vec<u8>,
}

impl Outbox {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self { encoding, bytes: Vec::new() }
    }

    /// Tells whether it is time to send.
    pub(crate) fn full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// Takes what waits, as it goes over the pipe; nothing if nothing waits.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.bytes);
        match self.encoding {
            Encoding::Lines => bytes,
            Encoding::Frames if bytes.is_empty() => bytes,
            Encoding::Frames => {
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                [length.to_be_bytes().as_slice(), &bytes].concat()
            }
        }
    }

    pub(crate) fn control(&mut self, name: &str, body: Value) {
        let line = Value::Object(Map::from_iter([(name.to_owned(), body)])).to_string();
        match self.encoding {
            Encoding::Lines => self.line(&line),
            Encoding::Frames => self.cbor(|writer| {
                writer.text(&line);
            }),
        }
    }

    fn line(&mut self, line: &str) {
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.push(b'\n');
    }

    fn cbor(&mut self, write: impl FnOnce(&mut Writer)) {
        let mut writer = Writer::appending(std::mem::take(&mut self.bytes));
        write(&mut writer);
        self.bytes = writer.finish();
    }

    pub(crate) fn known(&mut self, key: &str, fingerprint: &[u8]) {
        match self.encoding {
            Encoding::Lines => self.control("known", lines::known(key, fingerprint)),
            Encoding::Frames => self.cbor(|writer| {
                writer.array(3).unsigned(KNOWN).bytes(key.as_bytes()).bytes(fingerprint);
            }),
        }
    }

    pub(crate) fn op(&mut self, op: &RawOp<'_>) -> Result<(), Breach> {
        match self.encoding {
            Encoding::Lines => {
                let (name, body) = lines::op(op)?;
                self.control(name, body);
            }
            Encoding::Frames => self.cbor(|writer| {
                writer.array(6).unsigned(OP).bytes(&op.id);
                optional(writer, op.key.map(str::as_bytes));
                optional(writer, op.fingerprint);
                optional(writer, op.record.as_deref());
                writer.array(op.changed.len());
                for pointer in &op.changed {
                    writer.text(pointer);
                }
            }),
        }
        Ok(())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        match self.encoding {
            Encoding::Lines => self.control("bytes", lines::octets(bytes)),
            Encoding::Frames => self.cbor(|writer| {
                writer.array(2).unsigned(BYTES).bytes(bytes);
            }),
        }
    }

    // What follows is said by the helper alone, which always speaks in frames.

    pub(crate) fn item(&mut self, item: &RawItem<'_>) {
        self.cbor(|writer| {
            writer.array(10).unsigned(ITEM).unsigned(u64::from(item.state)).bytes(item.key).bytes(item.fingerprint);
            writer.bytes(item.record).bytes(item.path).unsigned(item.line).unsigned(item.column).bytes(item.title).bytes(item.reason);
        });
    }

    pub(crate) fn answer(&mut self, answer: &RawAnswer<'_>) {
        self.cbor(|writer| {
            writer.array(8).unsigned(ANSWER).unsigned(u64::from(answer.outcome)).unsigned(answer.index).bytes(answer.key);
            writer.bytes(answer.fingerprint).bytes(answer.record).unsigned(answer.bytes).bytes(answer.reason);
        });
    }

    pub(crate) fn fate(&mut self, fate: &RawFate<'_>) {
        self.cbor(|writer| {
            writer.array(4).unsigned(FATE).unsigned(u64::from(fate.fate)).bytes(fate.key).bytes(fate.fingerprint);
        });
    }
}

fn optional(writer: &mut Writer, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => writer.bytes(bytes),
        None => writer.null(),
    };
}

/// Reads the next frame, or the lines that have come; none at the end.
///
/// # Errors
/// Fails if the pipe does, if a frame is longer than [`LONGEST`], or if the end comes in the middle of one.
pub(crate) fn next(from: &mut impl BufRead, encoding: Encoding) -> io::Result<Option<Vec<u8>>> {
    match encoding {
        Encoding::Frames => next_frame(from),
        Encoding::Lines => next_lines(from),
    }
}

fn next_frame(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if from.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut head = [0; 4];
    from.read_exact(&mut head)?;
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(too_long(length));
    }
    // What is claimed sizes nothing: the buffer grows with what comes.
    let mut frame = Vec::new();
    from.take(length as u64).read_to_end(&mut frame)?;
    if frame.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some(frame)) }
}

fn next_lines(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut lines = Vec::new();
    loop {
        let buffer = from.fill_buf()?;
        if buffer.is_empty() {
            return Ok((!lines.is_empty()).then_some(lines));
        }
        let end = buffer.iter().rposition(|byte| *byte == b'\n').map(|end| end + 1);
        let length = end.unwrap_or(buffer.len());
        lines.extend_from_slice(buffer.get(..length).unwrap_or_default());
        from.consume(length);
        if lines.len() > LONGEST {
            return Err(too_long(lines.len()));
        }
        if end.is_some() {
            return Ok(Some(lines));
        }
    }
}

fn too_long(length: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes; at most {LONGEST} are allowed"))
}

/// Hands on every message of a frame, or of some lines.
///
/// # Errors
/// Fails if one cannot be read, or if `take` does.
pub(crate) fn each<E: From<Breach>>(frame: &[u8], encoding: Encoding, take: &mut dyn FnMut(Message<'_>) -> Result<(), E>) -> Result<(), E> {
    match encoding {
        Encoding::Lines => {
            let lines = frame.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
            lines.into_iter().try_for_each(|line| lines::read(line, take))
        }
        Encoding::Frames => {
            let mut rest = frame;
            while let Some(first) = rest.first() {
                let mut reader = Reader::new(rest);
                if first >> 5 == TEXT {
                    let text = reader.text().map_err(|error| Breach(format!("it sent a frame that cannot be read: {error}")))?;
                    lines::read(text.as_bytes(), take)?;
                } else {
                    let message = bulk(&mut reader).map_err(|error| Breach(format!("it sent a frame that cannot be read: {error}")))?;
                    take(message)?;
                }
                rest = rest.get(reader.position()..).unwrap_or_default();
            }
            Ok(())
        }
    }
}

/// The CBOR major type of texts (RFC 8949 §3.1).
const TEXT: u8 = 3;

fn bulk<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, record::CodecError> {
    let count = reader.array("parts of a message", 10)?;
    let tag = reader.unsigned()?;
    match (tag, count) {
        (KNOWN, 3) => Ok(Message::Known(reader.bytes()?, reader.bytes()?)),
        (ITEM, 10) => Ok(Message::Item(RawItem {
            state: small(reader)?,
            key: reader.bytes()?,
            fingerprint: reader.bytes()?,
            record: reader.bytes()?,
            path: reader.bytes()?,
            line: reader.unsigned()?,
            column: reader.unsigned()?,
            title: reader.bytes()?,
            reason: reader.bytes()?,
        })),
        (OP, 6) => op(reader).map(Message::Op),
        (ANSWER, 8) => Ok(Message::Answer(RawAnswer {
            outcome: small(reader)?,
            index: reader.unsigned()?,
            key: reader.bytes()?,
            fingerprint: reader.bytes()?,
            record: reader.bytes()?,
            bytes: reader.unsigned()?,
            reason: reader.bytes()?,
        })),
        (FATE, 4) => Ok(Message::Fate(RawFate { fate: small(reader)?, key: reader.bytes()?, fingerprint: reader.bytes()? })),
        (BYTES, 2) => Ok(Message::Bytes(reader.bytes()?)),
        _ => Err(malformed(reader, "a message of a known kind")),
    }
}

fn op<'a>(reader: &mut Reader<'a>) -> Result<RawOp<'a>, record::CodecError> {
    let id = reader.exactly()?;
    let key = maybe(reader)?.map(std::str::from_utf8).transpose().map_err(|_| malformed(reader, "a key in UTF-8"))?;
    let (fingerprint, record) = (maybe(reader)?, maybe(reader)?.map(Into::into));
    let count = reader.array("changed fields", record::codec::MAX_FIELDS)?;
    let changed = (0..count).map(|_| reader.text()).collect::<Result<_, _>>()?;
    Ok(RawOp { id, key, fingerprint, record, changed })
}

fn maybe<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, record::CodecError> {
    if reader.null()? { Ok(None) } else { reader.bytes().map(Some) }
}

fn small(reader: &mut Reader<'_>) -> Result<u32, record::CodecError> {
    let number = reader.unsigned()?;
    u32::try_from(number).map_err(|_| malformed(reader, "a small number"))
}

fn malformed(reader: &Reader<'_>, expected: &str) -> record::CodecError {
    record::CodecError::Malformed { at: reader.position(), reason: format!("{expected} is expected") }
}
