//! How an object store's rows are written: deterministic CBOR, specified in `docs/format.md`.

use std::collections::BTreeSet;

use adapter::{Fingerprint, Key, StepId};
use delta::align::Parts;
use protocol::{Cursor, Envelope, Hash, LogId, Sequence, TransactionId};
use record::codec::{CodecError, Reader, Writer};
use record::{ConflictId, Record, RecordId};

use crate::objects::{Frozen, Intent, Joined, Meta, Seen, Step};
use crate::report::Held;

/// The most items of a list in a row.
const MANY: u64 = 1 << 24;

type Read<T> = Result<T, CodecError>;

fn malformed(reader: &Reader<'_>, reason: String) -> CodecError {
    CodecError::Malformed { at: reader.position(), reason }
}

fn write_optional<T>(writer: &mut Writer, value: Option<&T>, write: impl FnOnce(&mut Writer, &T)) {
    match value {
        Some(value) => write(writer, value),
        None => {
            writer.null();
        }
    }
}

fn read_optional<T>(reader: &mut Reader<'_>, read: impl FnOnce(&mut Reader<'_>) -> Read<T>) -> Read<Option<T>> {
    if reader.null()? { Ok(None) } else { read(reader).map(Some) }
}

fn read_list<T>(reader: &mut Reader<'_>, what: &'static str, mut read: impl FnMut(&mut Reader<'_>) -> Read<T>) -> Read<Vec<T>> {
    let count = reader.array(what, MANY)?;
    (0..count).map(|_| read(reader)).collect()
}

/// Writes what was seen, but for key and fingerprint, as `[shown, meant or null, parts]`.
pub(crate) fn write_seen(writer: &mut Writer, seen: &Seen) {
    writer.array(3).record(&seen.shown);
    let meant = (seen.meant != seen.shown).then_some(&seen.meant);
    write_optional(writer, meant, |writer, meant: &Record| {
        writer.record(meant);
    });
    seen.parts.encode(writer);
}

pub(crate) fn read_seen(reader: &mut Reader<'_>, key: Key, fingerprint: Fingerprint) -> Read<Seen> {
    reader.tuple("what was seen", 3)?;
    let shown = reader.record()?;
    let meant = read_optional(reader, |reader| reader.record())?.unwrap_or_else(|| shown.clone());
    Ok(Seen { key, fingerprint, shown, meant, parts: Parts::decode(reader)? })
}

fn write_cursor(writer: &mut Writer, cursor: &Cursor) {
    writer.array(3).bytes(&cursor.log.0).unsigned(cursor.sequence.0).bytes(&cursor.hash.0);
}

fn read_cursor(reader: &mut Reader<'_>) -> Read<Cursor> {
    reader.tuple("a cursor", 3)?;
    Ok(Cursor { log: LogId(reader.exactly()?), sequence: Sequence(reader.unsigned()?), hash: Hash(reader.exactly()?) })
}

/// Writes the endpoint as `[root, note, view, cursor, frozen, out, pending, apart, confirmed]`.
pub(crate) fn write_meta(writer: &mut Writer, meta: &Meta) {
    writer.array(9);
    write_optional(writer, meta.root.as_ref(), |writer, root| {
        writer.bytes(root);
    });
    write_optional(writer, meta.note.as_ref(), |writer, note| {
        writer.bytes(note);
    });
    writer.array(meta.view.len());
    meta.view.iter().for_each(|pattern| {
        writer.text(pattern);
    });
    write_optional(writer, meta.cursor.as_ref(), write_cursor);
    writer.array(meta.frozen.len());
    for frozen in &meta.frozen {
        writer.array(4).bytes(&frozen.transaction.0);
        write_cursor(writer, &frozen.base);
        writer.array(frozen.conflicts.len());
        frozen.conflicts.iter().for_each(|id| {
            writer.bytes(&id.0);
        });
        write_optional(writer, frozen.envelope.as_ref(), |writer, envelope| {
            writer.bytes(&envelope.encode());
        });
    }
    write_optional(writer, meta.out.as_ref(), |writer, out| {
        writer.bytes(&out.encode());
    });
    writer.array(meta.pending.len());
    meta.pending.iter().for_each(|conflict| {
        writer.conflict(conflict);
    });
    writer.array(meta.apart.len());
    meta.apart.iter().for_each(|(one, other)| {
        writer.array(2).bytes(&one.0).bytes(&other.0);
    });
    writer.array(meta.confirmed.len());
    meta.confirmed.iter().for_each(|id| {
        writer.bytes(&id.0);
    });
}

pub(crate) fn read_meta(reader: &mut Reader<'_>) -> Read<Meta> {
    reader.tuple("an endpoint", 9)?;
    let root = read_optional(reader, |reader| Ok(reader.bytes()?.to_vec()))?;
    let note = read_optional(reader, |reader| Ok(reader.bytes()?.to_vec()))?;
    let view = read_list(reader, "patterns", |reader| Ok(reader.text()?.to_owned()))?;
    let cursor = read_optional(reader, read_cursor)?;
    let frozen = read_list(reader, "frozen transactions", read_frozen)?;
    let out = read_optional(reader, read_envelope)?;
    let pending = read_list(reader, "conflicts", |reader| reader.conflict())?;
    let apart = read_list(reader, "pairs", |reader| {
        reader.tuple("a pair", 2)?;
        Ok((RecordId(reader.exactly()?), RecordId(reader.exactly()?)))
    })?;
    let confirmed: BTreeSet<RecordId> = read_list(reader, "records", |reader| Ok(RecordId(reader.exactly()?)))?.into_iter().collect();
    Ok(Meta { root, note, view, cursor, frozen, out, pending, apart: apart.into_iter().collect(), confirmed })
}

fn read_envelope(reader: &mut Reader<'_>) -> Read<Envelope> {
    let bytes = reader.bytes()?;
    Envelope::decode(bytes).map_err(|error| malformed(reader, error.to_string()))
}

/// Reads `[id, base, [conflict id …], envelope or null]`; version 1 wrote no envelope.
fn read_frozen(reader: &mut Reader<'_>) -> Read<Frozen> {
    let parts = reader.array("a frozen transaction", 4)?;
    let transaction = TransactionId(reader.exactly()?);
    let base = read_cursor(reader)?;
    let conflicts = read_list(reader, "conflicts", |reader| Ok(ConflictId(reader.exactly()?)))?;
    let envelope = if parts > 3 { read_optional(reader, read_envelope)? } else { None };
    Ok(Frozen { transaction, base, conflicts, envelope })
}

/// Writes a step as `[id, [[record, [key, fingerprint, seen] or null, [conflict …]] …]]`.
pub(crate) fn write_step(writer: &mut Writer, step: &Step) {
    writer.array(2).bytes(&step.id.0).array(step.intents.len());
    for intent in &step.intents {
        writer.array(3).bytes(&intent.id.0);
        write_optional(writer, intent.becomes.as_ref(), |writer, seen| {
            writer.array(3).text(&seen.key.0).bytes(&seen.fingerprint.0);
            write_seen(writer, seen);
        });
        writer.array(intent.losers.len());
        intent.losers.iter().for_each(|conflict| {
            writer.conflict(conflict);
        });
    }
}

pub(crate) fn read_step(reader: &mut Reader<'_>) -> Read<Step> {
    reader.tuple("a step", 2)?;
    let id = StepId(reader.exactly()?);
    let intents = read_list(reader, "intents", |reader| {
        reader.tuple("an intent", 3)?;
        let id = RecordId(reader.exactly()?);
        let becomes = read_optional(reader, |reader| {
            reader.tuple("an item", 3)?;
            let (key, fingerprint) = (Key::new(reader.text()?), Fingerprint(reader.bytes()?.to_vec()));
            read_seen(reader, key, fingerprint)
        })?;
        Ok(Intent { id, becomes, losers: read_list(reader, "conflicts", |reader| reader.conflict())? })
    })?;
    Ok(Step { id, intents })
}

/// Writes what is held as `[[key, record, title, place, reason, flags] …]`; flags: 1 unwritten, 2 missing.
pub(crate) fn write_held(writer: &mut Writer, held: &[Held]) {
    writer.array(held.len());
    for held in held {
        writer.array(6);
        write_optional(writer, held.key.as_ref(), |writer, key| {
            writer.text(key);
        });
        write_optional(writer, held.record.as_ref(), |writer, id| {
            writer.bytes(&id.0);
        });
        writer.text(&held.title).text(&held.place).text(&held.reason);
        writer.unsigned(u64::from(held.unwritten) | u64::from(held.missing) << 1);
    }
}

pub(crate) fn read_held(reader: &mut Reader<'_>) -> Read<Vec<Held>> {
    read_list(reader, "held items", |reader| {
        reader.tuple("a held item", 6)?;
        let key = read_optional(reader, |reader| Ok(reader.text()?.to_owned()))?;
        let record = read_optional(reader, |reader| Ok(RecordId(reader.exactly()?)))?;
        let (title, place, reason) = (reader.text()?.to_owned(), reader.text()?.to_owned(), reader.text()?.to_owned());
        let flags = reader.unsigned()?;
        Ok(Held { key, record, title, place, reason, unwritten: flags & 1 != 0, missing: flags & 2 != 0 })
    })
}

/// Writes a join as `[newcomer, [resident …], linked, evidence, shown, before or null]`; `linked` is 2 where a person did it.
pub(crate) fn write_joined(writer: &mut Writer, joined: &Joined) {
    writer.array(6).bytes(&joined.newcomer.0).array(joined.residents.len());
    joined.residents.iter().for_each(|id| {
        writer.bytes(&id.0);
    });
    writer.unsigned(u64::from(joined.linked) + u64::from(joined.linked && joined.accepted)).text(&joined.evidence).record(&joined.shown);
    write_optional(writer, joined.before.as_ref(), |writer, before| {
        writer.record(before);
    });
}

pub(crate) fn read_joined(reader: &mut Reader<'_>) -> Read<Joined> {
    reader.tuple("a join", 6)?;
    let newcomer = RecordId(reader.exactly()?);
    let residents = read_list(reader, "records", |reader| Ok(RecordId(reader.exactly()?)))?;
    let (linked, evidence) = (reader.unsigned()?, reader.text()?.to_owned());
    let (shown, before) = (reader.record()?, read_optional(reader, |reader| reader.record())?);
    Ok(Joined { newcomer, residents, linked: linked != 0, accepted: linked == 2, evidence, shown, before })
}
