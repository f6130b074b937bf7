//! Laws over the real files that `SYNCRETIC_CORPUS` names.
//!
//! An independent reader of a few lines (it knows nothing of the adapter's rooms) compares what stands in a file with
//! what stands in the new file that is made of its records.

use crate::Ical;
use crate::calendar::Calendar;
use crate::entry::Entry;
use crate::map::table::Component;
use crate::source::assemble::{Additions, new_file, rewritten, style_of};
use crate::source::codec::ItemFile;
use crate::source::spans::Found;
use crate::tests::edits::{SERIES, Shelf};
use crate::write::edit::{change, check, make, touched};
use crate::write::line::Manner;
use crate::zone::Zones;
use adapter::Options;
use conformance::mutation::{Chance, damaged, survives};
use contentline::charset::Charset;
use contentline::style::Style;
use contentline::text::Text;
use record::{Kind, Record, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vdir::Codec;

/// The last part of a pointer, and a new value for a field that ends in it.
fn edits() -> Vec<(&'static str, Value)> {
    let text = Value::text;
    vec![
        ("title", text("A new title; with, \\ signs")),
        ("description", text("Several\nlines")),
        ("locations/=1/name", text("Elsewhere")),
        ("start", Value::Date("2031-02-03".to_owned())),
        ("end", Value::Instant("2031-02-03T04:05:06Z".to_owned())),
        ("duration", Value::Duration("PT77M".to_owned())),
        ("recurrenceRule", text("FREQ=DAILY;COUNT=7")),
        ("/participationStatus", text("delegated")),
        ("/calendarAddress", Value::Uri("mailto:new@example.org".to_owned())),
        ("/trigger", Value::Duration("-PT77M".to_owned())),
        ("progress", text("completed")),
        ("priority", Value::Integer(7)),
        ("timeZone", text("Pacific/Chatham")),
        ("keywords/new", Value::Boolean(true)),
    ]
}

/// Files in which an edit is refused, and why.
const REFUSED: &[(&str, &str)] = &[
    ("collective_icalendar/america_new_york.ics", TWO_STARTS),
    ("collective_icalendar/america_new_york_forward_reference.ics", TWO_STARTS),
    ("collective_icalendar/pacific_fiji.ics", TWO_STARTS),
];
const TWO_STARTS: &str = "DTSTART stands twice, so that the other one would be read once this one changes";

/// Files that say more than a new file made of their records, and what that is.
const LOST: &[(&str, &str)] = &[
    ("collective_icalendar/1-pacific_fiji.ics", BARE_ZONE),
    ("collective_icalendar/fuzz_testcase_vtimezone_lone_cr.ics", BARE_ZONE),
    ("collective_icalendar/issue_237_brazilia_standard.ics", BARE_ZONE),
    ("collective_icalendar/issue_53_tzid_parsed_properly.ics", BARE_ZONE),
    ("collective_icalendar/issue_55_parse_error_on_utc_offset_with_seconds.ics", BARE_ZONE),
    ("py-vobject_vobject/timezones.ics", BARE_ZONE),
    ("py-vobject_vobject/tz_us_eastern.ics", BARE_ZONE),
    ("ical4j_ical4j/rfc5545-sec3.6.5.ics", "several definitions have one TZID, of which the first counts (RFC 5545 §3.6.5 allows one)"),
    ("collective_icalendar/rfc_7986_properties.ics", "LAST-MODIFIED of a calendar is volatile, and no reason to write"),
    ("ical4j_ical4j/php-flp.ics", "quoted-printable becomes plain text, which the independent reader does not decode"),
];
const BARE_ZONE: &str = "a definition without a calendar around it and without events is no record";

/// What became of the files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    files: usize,
    /// Files in which something is quarantined, by the reason.
    quarantined: BTreeMap<String, usize>,
    items: usize,
    edits: usize,
    refused: Vec<String>,
    lost: Vec<String>,
}

pub(super) fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("SYNCRETIC_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        eprintln!("SYNCRETIC_CORPUS is not set; nothing was checked");
    }
    corpus
}

pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ics")) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Everything that a file says: a path of components, a name, parameters and a value, in a form that leaves out how it is written.
fn said(bytes: &[u8]) -> BTreeMap<String, usize> {
    let mut path: Vec<String> = Vec::new();
    let mut all = BTreeMap::new();
    let mut add = |text: String| *all.entry(text).or_default() += 1;
    for line in unfolded(bytes).lines().filter(|line| !line.trim().is_empty()) {
        let upper = line.trim().to_uppercase();
        if let Some(name) = upper.strip_prefix("BEGIN:") {
            // A new file has a calendar around everything.
            if path.is_empty() && name.trim() != "VCALENDAR" {
                path.push("VCALENDAR".to_owned());
            }
            path.push(name.trim().to_owned());
            add(format!("{}<", path.join("/")));
        } else if upper.starts_with("END:") {
            path.pop();
            if path.len() == 1 && path.first().is_some_and(|first| first != "VCALENDAR") {
                path.clear();
            }
        } else {
            normal(line).into_iter().for_each(|line| add(format!("{}:{line}", path.join("/"))));
        }
    }
    all
}

/// Unfolds bytes before they are decoded: folds cut characters in two.
fn unfolded(bytes: &[u8]) -> String {
    let terminator = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
    let mut joined: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.split(|byte| *byte == terminator) {
        let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |place| place + 1);
        match line.first() {
            Some(b' ' | b'\t') => joined.extend_from_slice(line.get(1..end).unwrap_or_default()),
            _ => {
                joined.push(b'\n');
                joined.extend_from_slice(&line[..end]);
            }
        }
    }
    let lines = joined.split(|byte| *byte == b'\n').map(|line| contentline::charset::decode(line, None).into_owned());
    lines.collect::<Vec<_>>().join("\n").trim_start_matches(['\u{feff}', '\n']).to_owned()
}

/// Splits a line at its first colon outside quotes, and writes what it says in one way; each element of a set apart.
fn normal(line: &str) -> Vec<String> {
    let mut quoted = false;
    let balanced = line.matches('"').count().is_multiple_of(2);
    let colon = line.char_indices().find(|(_, character)| {
        quoted ^= *character == '"' && balanced;
        *character == ':' && !quoted
    });
    let (head, value) = colon.map_or((line, ""), |(place, _)| (&line[..place], &line[place + 1..]));
    let mut pieces: Vec<String> = Vec::new();
    let mut within = false;
    let mut piece = String::new();
    for character in head.chars() {
        within ^= character == '"';
        if character == ';' && !within {
            pieces.push(std::mem::take(&mut piece));
        } else {
            piece.push(character);
        }
    }
    pieces.push(piece);
    let name = pieces.remove(0).trim().to_uppercase();
    let mut parameters: Vec<String> = pieces
        .iter()
        .map(|piece| piece.trim().replace('"', "").to_uppercase())
        .filter(|one| !one.is_empty())
        .map(|one| sorted_list(&one))
        .collect();
    // How a value travels, and the type that its form shows, say nothing more.
    parameters.retain(|one| !["VALUE=", "ENCODING=", "CHARSET="].iter().any(|how| one.starts_with(how)));
    parameters.sort();
    let joined = parameters.join(";");
    let keyword = ["STATUS", "CLASS", "TRANSP", "ACTION", "METHOD", "CALSCALE"].contains(&name.as_str());
    let value = if keyword { value.to_uppercase() } else { value.to_owned() };
    let plain = |text: &str| {
        let text = text.replace("\\N", "\\n").replace("\\;", ";").replace("\\,", ",").replace("\\:", ":").replace("\\\"", "\"");
        format!("{name};{joined}:{}", text.trim())
    };
    if ["CATEGORIES", "RESOURCES", "EXDATE", "RDATE"].contains(&name.as_str()) {
        let words: std::collections::BTreeSet<&str> = value.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        return words.into_iter().map(plain).collect();
    }
    vec![plain(&value)]
}

fn sorted_list(parameter: &str) -> String {
    let Some((name, list)) = parameter.split_once('=') else { return parameter.to_owned() };
    let mut words: Vec<&str> = list.split(',').map(str::trim).collect();
    words.sort_unstable();
    format!("{}={}", name.trim(), words.join(","))
}

/// Names what `before` says and `after` does not, but for what every file says in its own words.
fn lost(before: &[u8], after: &[u8]) -> Vec<String> {
    let (before, after) = (said(before), said(after));
    let own = |line: &str| ["VCALENDAR:PRODID", "VCALENDAR:VERSION", "VCALENDAR<"].iter().any(|own| line.starts_with(own));
    before.into_iter().filter(|(line, count)| !own(line) && after.get(line).copied().unwrap_or(0) < *count).map(|(line, _)| line).collect()
}

fn shelf(entry: &Entry<'_>) -> Shelf {
    Shelf(entry.record.blobs().filter_map(|blob| entry.blob(blob.digest)).collect())
}

fn plain(blobs: &Shelf) -> Manner<'_> {
    Manner { charset: Charset::UTF_8, style: Style::default(), blobs }
}

/// Makes a new file of all records of a file.
pub(super) fn remade(found: &Found<'_>, tally: &mut Tally, name: &str) -> Vec<u8> {
    let mut additions = Additions::default();
    let blank = Shelf(Vec::new());
    for span in found.items.iter().filter(|span| span.broken.is_none()) {
        let Ok(entry) = Entry::read(found.bytes, span.component, &span.ranges, &found.zones) else { continue };
        let shelf = shelf(&entry);
        match make(&entry.record, false, &Zones::default(), plain(&shelf)) {
            Ok(made) => {
                let bytes = [b"BEGIN:VCALENDAR\r\n".to_vec(), made.components.clone(), b"END:VCALENDAR\r\n".to_vec()].concat();
                let again = Found::read(&bytes);
                let ranges: Vec<_> = again.calendar.pieces.iter().map(|piece| piece.range.clone()).collect();
                let mut zones = Zones::default();
                made.zones.iter().for_each(|(tzid, text)| zones.add(tzid, text));
                match Entry::read(&bytes, span.component, &ranges, &zones) {
                    Ok(entry) => {
                        if let Err(refusal) = check(&made.rest, &entry.record) {
                            tally.refused.push(format!("{name}: new: {refusal}"));
                        }
                    }
                    Err(unreadable) => tally.refused.push(format!("{name}: new: {unreadable}")),
                }
                additions.components.extend(made.components);
                additions.zones.extend(made.zones);
            }
            Err(refusal) => tally.refused.push(format!("{name}: new: {refusal}")),
        }
    }
    let mut splices = Vec::new();
    let mut shell = new_file(&Additions::default(), plain(&blank)).unwrap();
    if let Some((entry, _)) = found.own() {
        let shelf = shelf(&entry);
        let calendar = Calendar::read(&shell);
        let zones = Zones::default();
        let bare = Entry::bare_calendar(&shell, &calendar, &zones).unwrap();
        match change(&bare, &entry.record, plain(&shelf)) {
            Ok(change) => {
                splices = change.splices;
                additions.zones.extend(change.zones);
            }
            Err(refusal) => tally.refused.push(format!("{name}: calendar: {refusal}")),
        }
    }
    let calendar = Calendar::read(&shell);
    shell = rewritten(&shell, &calendar, splices, &additions, plain(&blank)).unwrap();
    shell
}

/// Checks that edits of an item change their own lines only, and nothing else.
fn edit_item(
    entry: &Entry<'_>,
    ranges: &[std::ops::Range<usize>],
    component: &'static Component,
    text: &Text<'_>,
    tally: &mut Tally,
    name: &str,
) {
    let shelf = shelf(entry);
    let manner = Manner { charset: text.charset, style: style_of(&text.bytes), blobs: &shelf };
    let same = change(entry, &entry.record, manner).unwrap();
    assert!(same.splices.is_empty() && same.zones.is_empty(), "{name}: {:?}", same.splices);
    for (ending, value) in edits() {
        let Some(pointer) =
            entry.record.fields.keys().find(|pointer| pointer.as_str().ends_with(ending) && !pointer.as_str().starts_with("ext/"))
        else {
            continue;
        };
        let changed = entry.record.clone().with(pointer.as_str(), value);
        tally.edits += 1;
        let change = match change(entry, &changed, manner) {
            Ok(change) => change,
            Err(refusal) => {
                tally.refused.push(format!("{name}: {pointer}: {refusal}"));
                continue;
            }
        };
        let written = touched(ranges, &change.splices, entry.bytes);
        let found = Calendar::read(&written);
        let again: Vec<_> = found.pieces.iter().map(|piece| piece.range.clone()).collect();
        let shown = Entry::read(&written, component, &again, entry.zones);
        match shown
            .map_err(|unreadable| unreadable.to_string())
            .and_then(|shown| check(&change.rest, &shown.record).map_err(|refusal| refusal.to_string()))
        {
            Ok(()) => {
                let most = if ending == "timeZone" || ending == "start" { usize::MAX } else { 1 };
                assert!(change.splices.len() <= most, "{name}: {pointer}: {:?}", change.splices);
                let lines = |splice: &crate::write::splice::Splice| {
                    let touched = &entry.bytes[splice.range.clone()];
                    contentline::line::lines(touched).count()
                };
                assert!(change.splices.iter().all(|splice| lines(splice) <= 1), "{name}: {pointer}");
            }
            Err(refusal) => tally.refused.push(format!("{name}: {pointer}: {refusal}")),
        }
    }
}

#[test]
fn every_file_of_the_corpus_keeps_what_is_not_edited_and_loses_nothing() {
    let Some(corpus) = corpus() else { return };
    let mut tally = Tally::default();
    for path in files_below(&corpus) {
        let raw = std::fs::read(&path).unwrap();
        let name = path.strip_prefix(&corpus).unwrap().display().to_string();
        tally.files += 1;
        let _ = ItemFile.read(&raw);
        let Ok(text) = Text::new(&raw) else { continue };
        let found = Found::read(&text.bytes);
        let mut faults: Vec<String> = found.calendar.strays.iter().map(|stray| crate::calendar::reason(&stray.broken)).collect();
        for span in &found.items {
            if let Some((_, why)) = &span.broken {
                faults.push(why.to_string());
                continue;
            }
            match Entry::read(found.bytes, span.component, &span.ranges, &found.zones) {
                Err(unreadable) => faults.push(unreadable.to_string()),
                Ok(entry) => {
                    tally.items += 1;
                    edit_item(&entry, &span.ranges, span.component, &text, &mut tally, &name);
                }
            }
        }
        for fault in &faults {
            *tally.quarantined.entry(fault.clone()).or_default() += 1;
        }
        if faults.is_empty() {
            let new = remade(&found, &mut tally, &name);
            let gone = lost(&text.bytes, &new);
            if !gone.is_empty() {
                tally.lost.push(format!("{name}: {gone:?}"));
            }
        }
    }
    eprintln!(
        "{} files, {} items, {} edits, {} refused, {} lose something",
        tally.files,
        tally.items,
        tally.edits,
        tally.refused.len(),
        tally.lost.len()
    );
    for line in tally.refused.iter().chain(&tally.lost) {
        eprintln!("{}", line.chars().take(400).collect::<String>());
    }
    eprintln!("{:#?}", tally.quarantined);
    let unexplained = |found: &[String], table: &[(&str, &str)]| -> Vec<String> {
        found.iter().filter(|line| !table.iter().any(|(file, _)| line.starts_with(file))).cloned().collect()
    };
    assert_eq!(unexplained(&tally.refused, REFUSED), [""; 0]);
    assert_eq!(unexplained(&tally.lost, LOST), [""; 0]);
    assert!(tally.items > 2000 && tally.edits > 8000, "{tally:?}");
}

#[test]
fn a_record_kind_has_its_component() {
    let event = Record::new(Kind::EVENT);
    assert_eq!(Component::of(&event.kind).map(|component| component.name), Some("VEVENT"));
}

/// Returns how many damaged files a test tries: few, unless a campaign asks for more.
fn mutations(usual: u64) -> u64 {
    std::env::var("SYNCRETIC_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn files_of_damaged_events_survive_edits() {
    let task = "BEGIN:VTODO\r\nUID:task\r\nSUMMARY:Task\r\nDUE;VALUE=DATE:20260501\r\nDESCRIPTION:a\\nb\r\n c\r\nEND:VTODO\r\n";
    let zone = "BEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\nDTSTART:19700101T000000\nEND:STANDARD\nEND:VTIMEZONE\n";
    let zoned = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nX-WR-CALNAME:Home\n{zone}BEGIN:VEVENT\nUID:z\nDTSTART;TZID=Mine:20260101T100000\nLOCATION:There\nEND:VEVENT\nEND:VCALENDAR\n"
    );
    let seeds = [SERIES.to_owned(), SERIES.replace('\n', "\r\n"), zoned, SERIES.replace("END:VCALENDAR", &format!("{task}END:VCALENDAR"))];
    for number in 0..mutations(300) {
        let mut chance = Chance::new(number);
        let seed = &seeds[chance.below(seeds.len())];
        survives(&Ical, &Options::new(), "events.ics", &damaged(seed.as_bytes(), &mut chance));
    }
}
