//! One file that holds one event, task or journal entry, as vdirsyncer and khal keep it.

use crate::calendar::{Calendar, line_numbers};
use crate::entry::Entry;
use crate::source::assemble::{Additions, new_file, rewritten, style_of};
use crate::unreadable::Unreadable;
use crate::write::edit::{change, check, make};
use crate::write::line::Manner;
use crate::write::refusal::Refusal;
use crate::zone::Zones;
use adapter::Blobs;
use contentline::charset::Charset;
use contentline::content::Content;
use contentline::line::lines;
use contentline::style::Style;
use contentline::text::Text;
use record::{Digest, Record};
use std::ops::Range;
use vdir::{Codec, Fault, Habits, Traits, Written, uid_digest};

/// Files of one item.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ItemFile;

/// A fault, and where it is.
struct Broken {
    at: usize,
    why: Unreadable,
}

/// A file whose structure is that of one item.
struct One<'t> {
    calendar: Calendar,
    zones: Zones,
    bytes: &'t [u8],
}

impl<'t> One<'t> {
    fn read(bytes: &'t [u8]) -> Result<Self, Broken> {
        let calendar = Calendar::read(bytes);
        if bytes.trim_ascii().is_empty() {
            return Err(Broken { at: 0, why: Unreadable::Torn });
        }
        if let Some(stray) = calendar.strays.first() {
            return Err(Broken { at: stray.at, why: stray.broken.clone().into() });
        }
        let broken = calendar.pieces.iter().find_map(|piece| Some((piece.range.start, piece.broken.clone()?)));
        if let Some((at, broken)) = broken {
            return Err(Broken { at, why: broken.into() });
        }
        if calendar.roots.len() > 1 {
            return Err(Broken { at: calendar.roots.get(1).map_or(0, |root| root.whole.start), why: Unreadable::Several });
        }
        one_item(bytes, &calendar)?;
        let zones = Zones::read(bytes, &calendar.zones);
        Ok(Self { calendar, zones, bytes })
    }

    fn ranges(&self) -> Vec<Range<usize>> {
        self.calendar.pieces.iter().map(|piece| piece.range.clone()).collect()
    }

    fn entry(&self) -> Result<Entry<'_>, Broken> {
        let at = |why| Broken { at: self.calendar.pieces.first().map_or(0, |piece| piece.range.start), why };
        let component = self.calendar.pieces.first().map(|piece| piece.component).ok_or_else(|| at(Unreadable::Nothing))?;
        let entry = Entry::read(self.bytes, component, &self.ranges(), &self.zones).map_err(at)?;
        Ok(match self.calendar.roots.first() {
            Some(root) => {
                let end = root.end.unwrap_or(root.whole.end);
                entry.with_file(&root.own, &root.others, &root.whole, end, root.inner.min(end))
            }
            None => entry,
        })
    }
}

/// Checks that all components are of one item.
fn one_item(bytes: &[u8], calendar: &Calendar) -> Result<(), Broken> {
    let Some(first) = calendar.pieces.first() else {
        return Err(Broken { at: 0, why: Unreadable::Nothing });
    };
    let uid = |line: &Option<contentline::line::Line>| line.as_ref().map(|line| Content::of(bytes, line).value().into_owned());
    let first_uid = uid(&first.uid);
    for piece in calendar.pieces.iter().skip(1) {
        let at = piece.range.start;
        if first_uid.is_none() || uid(&piece.uid) != first_uid {
            return Err(Broken { at, why: Unreadable::Several });
        }
        if piece.component != first.component {
            return Err(Broken { at, why: Unreadable::Mixed(first.component.name, piece.component.name) });
        }
    }
    Ok(())
}

fn fault(bytes: &[u8], broken: &Broken) -> Fault {
    let line = line_numbers(bytes, [broken.at]).first().copied();
    Fault { title: title(bytes), line, reason: broken.why.to_string() }
}

/// Returns what a person calls the first item of a file, whole or broken.
pub(crate) fn title(bytes: &[u8]) -> Option<String> {
    let line = lines(bytes).take(10_000).find(|line| line.raw(bytes).get(..7).is_some_and(|name| name.eq_ignore_ascii_case(b"SUMMARY")))?;
    let content = Content::of(bytes, &line);
    let title: String = content.value().chars().filter(|character| !character.is_control()).take(80).collect();
    (!title.trim().is_empty()).then_some(title)
}

fn traits(bytes: &[u8], record: &Record) -> Traits {
    let bare = lines(bytes).next().is_some_and(|line| line.ending(bytes) == b"\n");
    Traits { uid: record.text("uid").map(uid_digest), bare, own: 0 }
}

fn show(bytes: &[u8]) -> Result<Record, Refusal> {
    let text = Text::new(bytes).map_err(Unreadable::from)?;
    let one = One::read(&text.bytes).map_err(|broken| broken.why)?;
    Ok(one.entry().map_err(|broken| broken.why)?.record)
}

impl ItemFile {
    fn edited(raw: &[u8], record: &Record, blobs: &dyn Blobs) -> Result<Written, Refusal> {
        let text = Text::new(raw).map_err(Unreadable::from)?;
        let one = One::read(&text.bytes).map_err(|broken| broken.why)?;
        let entry = one.entry().map_err(|broken| broken.why)?;
        let manner = Manner { charset: text.charset, style: style_of(&text.bytes), blobs };
        let change = change(&entry, record, manner)?;
        if change.splices.is_empty() && change.zones.is_empty() {
            let traits = traits(&text.bytes, &entry.record);
            return Ok(Written { bytes: raw.to_vec(), record: entry.record, traits });
        }
        let additions = Additions { zones: change.zones, ..Additions::default() };
        let whole = rewritten(&text.bytes, &one.calendar, change.splices, &additions, manner)?;
        let file = text.file(whole).ok_or(Refusal::Wide)?;
        let shown = show(&file)?;
        check(&change.rest, &shown)?;
        let traits = traits(&text.bytes, &shown);
        Ok(Written { bytes: file, record: shown, traits })
    }

    fn created(record: &Record, habits: Habits, blobs: &dyn Blobs) -> Result<Written, Refusal> {
        let ending = if habits.bare { "\n" } else { "\r\n" };
        let manner = Manner { charset: Charset::UTF_8, style: Style { ending, ..Style::default() }, blobs };
        let made = make(record, true, &Zones::default(), manner)?;
        let additions = Additions { components: made.components, zones: made.zones, lines: made.lines, ..Additions::default() };
        let file = new_file(&additions, manner)?;
        let shown = show(&file)?;
        check(&made.rest, &shown)?;
        let traits = traits(&file, &shown);
        Ok(Written { bytes: file, record: shown, traits })
    }
}

impl Codec for ItemFile {
    fn reader(&self) -> &'static str {
        concat!("ical-folder/1 ", env!("CARGO_PKG_VERSION"))
    }

    fn ending(&self) -> &'static str {
        "ics"
    }

    fn noun(&self) -> &'static str {
        "calendar item"
    }

    fn read(&self, raw: &[u8]) -> Result<(Record, Traits), Fault> {
        let text = Text::new(raw).map_err(|error| Fault::of_file(&error.to_string()))?;
        let one = One::read(&text.bytes).map_err(|broken| fault(&text.bytes, &broken))?;
        let entry = one.entry().map_err(|broken| fault(&text.bytes, &broken))?;
        let traits = traits(&text.bytes, &entry.record);
        Ok((entry.record, traits))
    }

    fn glance(&self, raw: &[u8]) -> (Option<String>, Option<String>) {
        let Ok(text) = Text::new(raw) else { return (None, None) };
        let uid = Calendar::read(&text.bytes).pieces.iter().find_map(|piece| piece.uid);
        (uid.map(|line| Content::of(&text.bytes, &line).value().into_owned()), title(&text.bytes))
    }

    fn create(&self, record: &Record, habits: Habits, blobs: &dyn Blobs) -> Result<Written, String> {
        Self::created(record, habits, blobs).map_err(|refusal| refusal.to_string())
    }

    fn edit(&self, bytes: &[u8], record: &Record, blobs: &dyn Blobs) -> Result<Written, String> {
        Self::edited(bytes, record, blobs).map_err(|refusal| refusal.to_string())
    }

    fn blob(&self, raw: &[u8], digest: Digest) -> Option<Vec<u8>> {
        let text = Text::new(raw).ok()?;
        let one = One::read(&text.bytes).ok()?;
        one.entry().ok()?.blob(digest)
    }
}
