//! What strict readers say of a person's cards and calendars: file, line, and the RFC's section. Nothing is written.

mod calendars;
mod cards;
mod rules;
mod strict;
mod together;

pub(crate) use strict::silently;

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contentline::error::Broken;
use contentline::position::position;

use crate::lint::rules::{BROKEN_CALENDAR, BROKEN_CARD, CHARSET_CALENDAR, CHARSET_CARD, FILE};

/// Something that a strict reader does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The line in its file, from 1; none for a file that cannot be read at all.
    pub(crate) line: Option<usize>,
    /// What is wrong: lower-case, without the line.
    pub(crate) message: String,
    /// Where it is said: `RFC 6350 §6.2.1`.
    pub(crate) rule: &'static str,
}

/// What was found in one file.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    /// Cards and components that were read.
    pub(crate) checked: usize,
    /// Cards of versions that no strict reader reads.
    pub(crate) unchecked: usize,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Cards,
    Calendars,
}

/// Returns the files at a path that can be looked at, in order; a file that is named itself is always looked at.
///
/// # Errors
/// Fails if a folder cannot be listed.
pub(crate) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut files, mut folders) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, hidden) = (entry.path(), entry.file_name().to_string_lossy().starts_with('.'));
            if entry.file_type()?.is_dir() && !hidden {
                folders.push(path);
            } else if sort_of(&path).is_some() && !hidden {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn sort_of(path: &Path) -> Option<Sort> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "vcf" | "vcard" => Some(Sort::Cards),
        "ics" | "ical" | "ifb" | "icalendar" => Some(Sort::Calendars),
        _ => None,
    }
}

/// Looks at one file.
pub(crate) fn look(path: &Path) -> Report {
    let raw = match fs::read(path) {
        Ok(raw) => raw,
        Err(error) => return Report::of(Finding { line: None, message: format!("cannot be read: {error}"), rule: FILE }),
    };
    let bytes = match contentline::wide::decode(&raw) {
        Ok((bytes, _)) => bytes,
        Err(error) => return Report::of(Finding { line: None, message: error.to_string(), rule: FILE }),
    };
    let mut report = match sort_of(path).or_else(|| guess(&bytes)) {
        Some(Sort::Cards) => cards::look(&bytes),
        Some(Sort::Calendars) => calendars::look(&bytes),
        None => Report::of(Finding { line: None, message: "is neither a vCard nor an iCalendar file".to_owned(), rule: FILE }),
    };
    report.findings.sort_by_key(|finding| finding.line);
    report
}

fn guess(bytes: &[u8]) -> Option<Sort> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(4096)).unwrap_or_default()).to_ascii_uppercase();
    let at = |name: &str| head.find(name);
    match (at("BEGIN:VCARD"), at("BEGIN:VCALENDAR")) {
        (Some(card), Some(calendar)) if calendar < card => Some(Sort::Calendars),
        (Some(_), _) => Some(Sort::Cards),
        (None, Some(_)) => Some(Sort::Calendars),
        (None, None) => None,
    }
}

impl Report {
    fn of(finding: Finding) -> Self {
        Self { findings: vec![finding], ..Self::default() }
    }

    fn add(&mut self, line: usize, message: impl Into<String>, rule: &'static str) {
        self.findings.push(Finding { line: Some(line), message: message.into(), rule });
    }

    /// Adds what is wrong with the structure of a file.
    fn add_broken(&mut self, broken: &Broken, sort: Sort) {
        let message = broken.to_string();
        let message = message.split_once(": ").filter(|(line, _)| line.starts_with("line ")).map_or(message.as_str(), |(_, rest)| rest);
        let rule = if sort == Sort::Cards { BROKEN_CARD } else { BROKEN_CALENDAR };
        self.findings.push(Finding { line: broken.line(), message: message.to_owned(), rule });
    }
}

/// Returns the bytes as text; what is not UTF-8 is a finding, and shown as a sign for it.
fn text<'b>(bytes: &'b [u8], line: usize, sort: Sort, report: &mut Report) -> Cow<'b, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => {
            let rule = if sort == Sort::Cards { CHARSET_CARD } else { CHARSET_CALENDAR };
            let within = position(bytes, error.valid_up_to()).line;
            report.add(line + within - 1, "holds bytes that are not UTF-8", rule);
            String::from_utf8_lossy(bytes)
        }
    }
}
