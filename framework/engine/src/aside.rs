//! Conflicting contents of one file: the collection's keeps the name, the other becomes a file of its own beside it.
//!
//! The local file itself is moved: from here on it stands for a new record, and its record's content is written anew. So
//! nothing is copied, and whatever happens in between, the local content stands under one of the two names.

use std::collections::BTreeSet;

use record::{Kind, Record, RecordId, Value};

use crate::context::Session;
use crate::error::Error;
use crate::objects::Seen;
use crate::report::{Deed, Direction, Effect};
use crate::wish::Wish;

const CONTENT: &str = "content";
const MODIFIED: &str = "modified";
const PATH: &str = "path";
/// The longest name that file systems take.
const LONGEST: usize = 255;

/// Turns each losing content of a file into a wish for a file of its own.
pub(crate) fn set_aside(session: &mut Session<'_>, wishes: Vec<Wish>) -> Result<Vec<Wish>, Error> {
    if !wishes.iter().any(loses_content) {
        return Ok(wishes);
    }
    let mut taken = names(session, &wishes)?;
    let mut all = Vec::with_capacity(wishes.len() + 1);
    for mut wish in wishes {
        let seen = if loses_content(&wish) { session.trees.seen(wish.id)?.cloned() } else { None };
        if let Some(seen) = seen {
            all.push(aside(session, &mut wish, seen, &mut taken));
        }
        all.push(wish);
    }
    session.trees.note_down()?;
    Ok(all)
}

fn loses_content(wish: &Wish) -> bool {
    let is_file = wish.target.as_ref().is_some_and(|target| target.kind == Kind::FILE);
    is_file && wish.losers.iter().any(|loser| loser.field.as_str() == CONTENT)
}

/// Gives the item to a record of its own, with a name that says what it is.
fn aside(session: &mut Session<'_>, wish: &mut Wish, seen: Seen, taken: &mut BTreeSet<String>) -> Wish {
    let id = RecordId(session.doors.randomness.id());
    let name = name(&seen.meant, &session.settings.device, taken);
    let stands = wish.target.as_ref().and_then(|target| target.field(CONTENT).cloned());
    let deed = Deed::Conflict { field: record::Pointer::new(CONTENT), stands, kept: Value::text(&name) };
    session.report.effects.push(Effect { direction: Direction::Pull, record: wish.id, title: seen.meant.title(), deed });
    let meant = seen.meant.clone().with(PATH, Value::Text(name));
    wish.losers.retain(|loser| ![CONTENT, MODIFIED].contains(&loser.field.as_str()));
    session.trees.put_seen(wish.id, None);
    session.trees.put_seen(id, Some(Seen { meant: meant.clone(), ..seen }));
    Wish { id, target: Some(meant), detour: None, losers: Vec::new() }
}

/// Returns every name that is in use, letter case aside.
fn names(session: &mut Session<'_>, wishes: &[Wish]) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    for item in session.trees.objects().items()? {
        names.extend(session.trees.seen(item.id)?.and_then(|seen| seen.meant.text(PATH)).map(str::to_lowercase));
    }
    names.extend(wishes.iter().filter_map(|wish| wish.target.as_ref()?.text(PATH).map(str::to_lowercase)));
    Ok(names)
}

/// Returns the name of a conflicting content: `name (conflict, DEVICE, DATE).ext`, with a number where that is in use.
fn name(record: &Record, device: &str, taken: &mut BTreeSet<String>) -> String {
    let path = record.text(PATH).unwrap_or_default();
    let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
    let (stem, ending) = match file.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (file, String::new()),
    };
    let date = record.text(MODIFIED).and_then(|moment| moment.get(..10)).map(|date| format!(", {date}")).unwrap_or_default();
    let plain: String = device.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ')).take(64).collect();
    for number in 1_u64.. {
        let number = if number == 1 { String::new() } else { format!(" {number}") };
        let mark = format!(" (conflict, {plain}{date}{number})");
        let room = LONGEST.saturating_sub(mark.len() + ending.len());
        let stem = (0..=room.min(stem.len())).rev().find_map(|end| stem.get(..end)).unwrap_or_default();
        let name = format!("{stem}{mark}{ending}");
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if taken.insert(path.to_lowercase()) {
            return path;
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str, device: &str, taken: &[&str]) -> String {
        let record = Record::new(Kind::FILE).with(PATH, Value::text(path)).with(MODIFIED, Value::Instant("2026-11-26T10:00:00Z".into()));
        name(&record, device, &mut taken.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_conflicting_content_is_named_after_file_device_and_date() {
        assert_eq!(named("a/Plan.txt", "laptop", &[]), "a/Plan (conflict, laptop, 2026-11-26).txt");
        assert_eq!(named("Plan", "la/p:top", &[]), "Plan (conflict, laptop, 2026-11-26)");
        assert_eq!(named(".bashrc", "d", &[".bashrc (conflict, d, 2026-11-26)"]), ".bashrc (conflict, d, 2026-11-26 2)");
        assert_eq!(named(&format!("{}.txt", "é".repeat(125)), "d", &[]).len(), 254);
    }
}
