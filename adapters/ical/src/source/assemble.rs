//! The file around items: new components and definitions at their places, and a new file where there is none.

use crate::calendar::Calendar;
use crate::write::fresh::PRODID;
use crate::write::line::{self, Manner};
use crate::write::refusal::Refusal;
use crate::write::splice::{Splice, apply};
use contentline::line::{Line, lines};
use contentline::style::Style;

/// What is added to a file.
#[derive(Debug, Default)]
pub(crate) struct Additions {
    /// Whole components.
    pub(crate) components: Vec<u8>,
    /// Definitions of zones by TZID; one that is there twice is added once.
    pub(crate) zones: Vec<(String, String)>,
    /// Lines and components of a new VCALENDAR itself.
    pub(crate) lines: Vec<u8>,
    /// Whole VCALENDARs behind a new one.
    pub(crate) further: Vec<u8>,
}

/// Returns a new file.
pub(crate) fn new_file(additions: &Additions, manner: Manner<'_>) -> Result<Vec<u8>, Refusal> {
    let mut file = Vec::new();
    for line in ["BEGIN:VCALENDAR", "VERSION:2.0", &format!("PRODID:{PRODID}")] {
        file.extend(line::verbatim(line, manner)?);
    }
    // Before all components: of two definitions of a zone the first counts.
    let (lines, others) = additions.lines.split_at(first_component(&additions.lines));
    file.extend_from_slice(lines);
    file.extend(zone_lines(&additions.zones, manner)?);
    file.extend_from_slice(others);
    file.extend_from_slice(&additions.components);
    file.extend(line::verbatim("END:VCALENDAR", manner)?);
    file.extend_from_slice(&additions.further);
    Ok(file)
}

/// Returns where the first component among whole lines begins.
fn first_component(bytes: &[u8]) -> usize {
    let begins = |line: &Line| line.raw(bytes).get(..6).is_some_and(|name| name.eq_ignore_ascii_case(b"BEGIN:"));
    lines(bytes).find(begins).map_or(bytes.len(), |line| line.start)
}

/// Returns a file after splices and additions.
pub(crate) fn rewritten(
    bytes: &[u8],
    calendar: &Calendar,
    mut splices: Vec<Splice>,
    additions: &Additions,
    manner: Manner<'_>,
) -> Result<Vec<u8>, Refusal> {
    if is_blank(bytes, calendar) {
        return new_file(additions, manner);
    }
    let zones = zone_lines(&additions.zones, manner)?;
    if !zones.is_empty()
        && let Some(at) = zones_place(calendar)
    {
        splices.push(Splice { range: at..at, bytes: zones });
    }
    if !additions.components.is_empty() {
        let at = components_place(bytes, calendar)?;
        let mut added = Vec::new();
        if at == bytes.len() && !matches!(bytes.last(), Some(b'\n' | b'\r')) {
            added.extend_from_slice(manner.style.ending.as_bytes());
        }
        added.extend_from_slice(&additions.components);
        splices.push(Splice { range: at..at, bytes: added });
    }
    let file = apply(bytes, &splices);
    Ok(if file.is_empty() { manner.style.ending.as_bytes().to_vec() } else { file })
}

/// Tells whether a file holds nothing at all, which is how a file without items may look.
pub(crate) fn is_blank(bytes: &[u8], calendar: &Calendar) -> bool {
    calendar.roots.is_empty() && bytes.trim_ascii().is_empty()
}

/// Returns how a file is written, and a new one like the RFC asks.
pub(crate) fn style_of(bytes: &[u8]) -> Style {
    if bytes.trim_ascii().is_empty() { Style::default() } else { Style::of(bytes) }
}

fn zone_lines(zones: &[(String, String)], manner: Manner<'_>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    for (at, (tzid, text)) in zones.iter().enumerate() {
        if !zones.iter().take(at).any(|(other, _)| other == tzid) {
            bytes.extend(line::verbatim_lines(text, manner)?);
        }
    }
    Ok(bytes)
}

/// Definitions stand behind the others, else before everything else in the calendar that they are for.
fn zones_place(calendar: &Calendar) -> Option<usize> {
    let root = calendar.home()?;
    let within = calendar.zones.iter().filter(|zone| zone.start >= root.whole.start && zone.end <= root.whole.end);
    within.map(|zone| zone.end).max().or_else(|| Some(root.inner.min(root.end?)))
}

/// New components stand at the end of the calendar that they are for, or of a file without one.
fn components_place(bytes: &[u8], calendar: &Calendar) -> Result<usize, Refusal> {
    match calendar.home() {
        Some(root) => root.end.ok_or(Refusal::Unclosed),
        None => Ok(bytes.len()),
    }
}
