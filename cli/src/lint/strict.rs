//! The strict readers, held so that a panic of theirs is an answer and not the end of the program.

use std::panic::{self, AssertUnwindSafe};

use icalendar::parser::{read_calendar, unfold};
use icalendar::{Calendar, CalendarComponent, Component};
use vcard::{ParseError, ParseErrorKind, VCard, ValidationError};

/// What a strict reader said of a card.
#[derive(Debug)]
pub(crate) enum Card {
    Fine,
    /// The reader stopped at this physical line of the card.
    Stopped(ParseError),
    /// The card was read, but is not valid.
    Invalid(ValidationError),
    /// The reader itself failed.
    Failed,
}

/// Reads one card.
pub(crate) fn card(text: &str) -> Card {
    let read = || match text.parse::<VCard>() {
        Ok(card) => card.validate().map_or_else(Card::Invalid, |()| Card::Fine),
        Err(error) => Card::Stopped(error),
    };
    caught(read).unwrap_or(Card::Failed)
}

/// Tells whether a card's error is about one line of it, so that the rest can be read without that line.
pub(crate) fn is_about_a_line(kind: &ParseErrorKind) -> bool {
    matches!(
        kind,
        ParseErrorKind::InvalidLine
            | ParseErrorKind::InvalidGroupName
            | ParseErrorKind::InvalidParameter(_)
            | ParseErrorKind::InvalidValue { .. }
            | ParseErrorKind::DuplicateProperty(_)
    )
}

/// What a strict reader said of a calendar or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Fine,
    Refused,
    Failed,
}

/// Reads one component.
pub(crate) fn component(text: &str) -> Read {
    caught(|| if read_calendar(&unfold(text)).is_ok() { Read::Fine } else { Read::Refused }).unwrap_or(Read::Failed)
}

/// Tells whether a line such as `DTSTART:20260131` says a moment; none if the reader does not get that far.
pub(crate) fn says_moment(line: &str, property: &str) -> Option<bool> {
    let of = |component: &CalendarComponent| match (component, property) {
        (CalendarComponent::Event(event), "DTSTART") => Some(event.get_start().is_some()),
        (CalendarComponent::Event(event), "DTEND") => Some(event.get_end().is_some()),
        (CalendarComponent::Todo(todo), "DUE") => Some(todo.get_due().is_some()),
        _ => None,
    };
    let name = if property == "DUE" { "VTODO" } else { "VEVENT" };
    let text = format!("BEGIN:VCALENDAR\r\nBEGIN:{name}\r\n{line}\r\nEND:{name}\r\nEND:VCALENDAR\r\n");
    caught(|| text.parse::<Calendar>().ok().and_then(|calendar| calendar.components.first().and_then(of))).flatten()
}

/// Runs somebody else's code; none if it panics.
fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Keeps panics silent while `work` runs: what they mean is said as a finding.
pub(crate) fn silently<T>(work: impl FnOnce() -> T) -> T {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let done = work();
    panic::set_hook(hook);
    done
}
