//! Text of one file that two sides changed: merged line by line where the changes do not meet, so that nothing has to be set aside.
//!
//! What comes of it stands first in the application, then in the store: from there on it is this endpoint's edit of what the store
//! had. The store's text is always the first side and the endpoint's the second, so that whoever merges the same three gets the same.

use std::io::{self, Write};
use std::time::Duration;

use delta::{Merged, Target};
use protocol::{BlobId, Error as StoreError, Timestamp};
use record::{Blob, Digest, Kind, Pointer, Record, RecordId, Value};

use crate::context::Session;
use crate::error::Error;
use crate::objects::Seen;
use crate::report::{Deed, Direction, Effect};

const CONTENT: &str = "content";
const MODIFIED: &str = "modified";
/// The largest text that is merged, and that comes of it.
const LARGEST: u64 = 4 << 20;

/// What became of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woven {
    /// It stands as it is: with the content in it that both sides made, or because this is nothing to merge line by line.
    Now,
    /// Nothing may be done about the record in this round.
    Later,
}

/// Three contents of one file.
struct Three {
    base: Blob,
    theirs: Blob,
    mine: Blob,
}

/// Merges the content of a file that both sides changed, if it is text and the changes do not meet.
pub(crate) fn weave(session: &mut Session<'_>, id: RecordId, merged: &mut Merged) -> Result<Woven, Error> {
    let Some(three) = changed_twice(session, id, merged) else { return Ok(Woven::Now) };
    let Some(seen) = session.trees.seen(id)?.cloned() else { return Ok(Woven::Now) };
    let (Some(base), Some(theirs)) = (stored(session, three.base)?, stored(session, three.theirs)?) else { return Ok(Woven::Now) };
    let mine = match shown(session, &seen, three.mine) {
        Ok(mine) => mine,
        // It can be set aside all the same.
        Err(adapter::Error::Io { .. }) => return Ok(Woven::Now),
        Err(_) => return Ok(later(session, id)),
    };
    let (Some(base), Some(theirs), Some(mine)) = (text(&base), text(&theirs), text(&mine)) else { return Ok(Woven::Now) };
    let Some(whole) = delta::text::merge(base, theirs, mine).filter(|whole| whole.len() as u64 <= LARGEST) else {
        return Ok(Woven::Now);
    };
    if whole == mine {
        includes(session, id, &seen, merged);
    } else if whole == theirs {
        stand(merged, session.trees.sides(id).2.map(|remote| &remote.record));
    } else if session.texts.has_room_for(&whole) {
        make(session, id, &seen, merged, whole);
    } else {
        return Ok(later(session, id));
    }
    Ok(Woven::Now)
}

/// Leaves a record as it is for this round: told now, it would look as if this endpoint had not cared for the other side.
fn later(session: &mut Session<'_>, id: RecordId) -> Woven {
    session.untouchable.insert(id);
    session.report.unfinished = true;
    Woven::Later
}

/// Returns the contents of a file that both sides changed since they were one, if each may be text.
fn changed_twice(session: &Session<'_>, id: RecordId, merged: &Merged) -> Option<Three> {
    let (seen, agreed, remote) = session.trees.sides(id);
    let (agreed, remote) = (agreed.filter(|state| state.alive)?, remote.filter(|state| state.alive)?);
    let content = Pointer::new(CONTENT);
    let held = session.settings.merge_text && session.profile.view.holds(&content) && !agreed.is_unknown(&content);
    let file = matches!(&merged.target, Target::Put(target) if target.kind == Kind::FILE && target.fields.contains_key(&content));
    let [base, theirs, mine] = [&agreed.record, &remote.record, &seen?.meant].map(blob);
    let three = Three { base: base?, theirs: theirs?, mine: mine? };
    let small = [three.base, three.theirs, three.mine].iter().all(|blob| blob.length <= LARGEST);
    (held && file && small && three.mine != three.base && three.theirs != three.base && three.mine != three.theirs).then_some(three)
}

fn blob(record: &Record) -> Option<Blob> {
    match record.field(CONTENT) {
        Some(Value::Blob(blob)) => Some(*blob),
        _ => None,
    }
}

/// The store's version is in what stands here: nothing needs to be written, and telling it takes nothing away.
fn includes(session: &mut Session<'_>, id: RecordId, seen: &Seen, merged: &mut Merged) {
    stand(merged, Some(&seen.meant));
    let (_, agreed, remote) = session.trees.sides(id);
    if let (Some(mut agreed), Some(remote)) = (agreed.cloned(), remote.cloned()) {
        take_over(&mut agreed, &remote);
        session.trees.put_agreed(id, Some(agreed));
        let [with, now] = [&remote.record, &seen.meant].map(|record| record.field(CONTENT).cloned());
        let deed = Deed::Merged { field: Pointer::new(CONTENT), with, now };
        session.report.effects.push(Effect { direction: Direction::Pull, record: id, title: seen.meant.title(), deed });
    }
}

/// Lets the content of one side stand, and its time.
fn stand(merged: &mut Merged, side: Option<&Record>) {
    let (Target::Put(target), Some(side)) = (&mut merged.target, side) else { return };
    for field in [CONTENT, MODIFIED].map(Pointer::new) {
        match side.fields.get(&field) {
            Some(value) => target.fields.insert(field, value.clone()),
            None => target.fields.remove(&field),
        };
    }
    settle(merged);
}

/// Lets what came of both sides stand, one second after the later of them.
fn make(session: &mut Session<'_>, id: RecordId, seen: &Seen, merged: &mut Merged, whole: String) {
    let theirs = session.trees.sides(id).2.and_then(|remote| remote.record.text(MODIFIED).map(str::to_owned));
    let Target::Put(target) = &mut merged.target else { return };
    let content = Blob { digest: Digest::of(whole.as_bytes()), length: whole.len() as u64 };
    target.fields.insert(Pointer::new(CONTENT), Value::Blob(content));
    if let Some(moment) = theirs.as_deref().max(seen.meant.text(MODIFIED)) {
        target.fields.insert(Pointer::new(MODIFIED), Value::Instant(a_second_after(moment)));
    }
    settle(merged);
    session.texts.add(id, content.digest, whole);
}

fn settle(merged: &mut Merged) {
    merged.losers.retain(|loser| ![CONTENT, MODIFIED].contains(&loser.field.as_str()));
}

/// Returns the moment a second later; the same one, if it has no such text as files have.
fn a_second_after(moment: &str) -> String {
    let plain = moment.strip_suffix('Z').and_then(|plain| format!("{plain}.000Z").parse::<Timestamp>().ok());
    let later = plain.map(|moment| moment.after(Duration::from_secs(1)).to_string());
    later.and_then(|later| Some(format!("{}Z", later.strip_suffix(".000Z")?))).unwrap_or_else(|| moment.to_owned())
}

/// Makes agreed that what stands here was made of what the store has, once it does: told now, it is an edit of that and not of what
/// was agreed before.
pub(crate) fn woven_here(session: &mut Session<'_>, id: RecordId, becomes: Option<&Seen>) -> Result<(), Error> {
    session.trees.fetch(id)?;
    let ((Some(seen), Some(agreed), Some(remote)), Some(becomes)) = (session.trees.sides(id), becomes) else { return Ok(()) };
    let (Some(now), Some(before), Some(stands)) = (blob(&becomes.meant), blob(&seen.meant), blob(&remote.record)) else { return Ok(()) };
    // A content that is neither side's was made of both.
    let made = becomes.meant.kind == Kind::FILE && now != before && now != stands;
    if made && agreed.alive && remote.alive {
        let (mut agreed, remote) = (agreed.clone(), remote.clone());
        take_over(&mut agreed, &remote);
        session.trees.put_agreed(id, Some(agreed));
    }
    Ok(())
}

fn take_over(agreed: &mut delta::State, remote: &delta::State) {
    for field in [CONTENT, MODIFIED].map(Pointer::new) {
        let since = remote.since.get(&field).copied().unwrap_or(remote.at);
        agreed.put(&field, remote.record.fields.get(&field), since);
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// Reads a small content from the store; none where it is not to be had any more.
fn stored(session: &Session<'_>, blob: Blob) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Small::default();
    match session.doors.store.blob(&session.settings.collection, BlobId(blob.digest.0), &mut bytes) {
        Ok(()) => Ok(bytes.whole(blob)),
        Err(error @ (StoreError::Unavailable(_) | StoreError::TooMany { .. } | StoreError::Unauthenticated(_))) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// Reads a small content from the application.
fn shown(session: &mut Session<'_>, seen: &Seen, blob: Blob) -> Result<Vec<u8>, adapter::Error> {
    let mut bytes = Small::default();
    session.adapter.blob(&seen.key, blob.digest, &mut bytes)?;
    bytes.whole(blob).ok_or_else(|| adapter::Error::Fatal("it shows another content than it did".to_owned()))
}

/// A content of bounded size.
#[derive(Default)]
struct Small(Vec<u8>);

impl Small {
    fn whole(self, blob: Blob) -> Option<Vec<u8>> {
        (self.0.len() as u64 == blob.length && Digest::of(&self.0) == blob.digest).then_some(self.0)
    }
}

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.0.len() + bytes.len()) as u64 > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_merged_is_a_second_younger_than_the_younger_side() {
        assert_eq!(a_second_after("2026-12-31T23:59:59Z"), "2027-01-01T00:00:00Z");
        assert_eq!(a_second_after("1969-12-31T23:59:59Z"), "1969-12-31T23:59:59Z");
        assert_eq!(a_second_after("no moment"), "no moment");
    }
}
