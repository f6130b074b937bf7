//! Dates and times of day in cells: ISO 8601, or the form that the job names or the table shows.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use record::Value;

/// Forms of dates that a table may show by itself; a form that could be another one is never guessed.
const FORMS: &[&str] = &["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d"];

/// How a table writes dates and times of day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dates {
    format: Option<String>,
    clock: Option<String>,
    /// Whether `T` and not a space stands between a date and its time.
    joined: bool,
}

/// A time of day, in UTC or wherever its date is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) time: Time,
    pub(crate) utc: bool,
}

/// What the cells of a column of dates show of their form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// One form fits, or none is needed.
    Form(Option<&'static str>),
    /// Two forms fit all cells.
    Either(&'static str, &'static str),
}

impl Dates {
    /// Takes a form of dates such as `%d.%m.%Y`.
    ///
    /// # Errors
    /// Fails with what is wrong if dates cannot be told by it.
    pub(crate) fn set_form(&mut self, format: &str) -> Result<(), String> {
        let sample = Date::constant(1985, 12, 31);
        let read = strtime::format(format, sample).ok().and_then(|text| BrokenDownTime::parse(format, text).ok());
        match read.and_then(|parts| parts.to_date().ok()) {
            Some(read) if read == sample => self.format = Some(format.to_owned()),
            _ => return Err(format!("`{format}` does not tell day, month and year; write it as \"%d.%m.%Y\" or \"%m/%d/%Y\"")),
        }
        Ok(())
    }

    /// Takes a form of times such as `%H:%M`.
    ///
    /// # Errors
    /// Fails with what is wrong if times cannot be told by it.
    pub(crate) fn set_clock(&mut self, format: &str) -> Result<(), String> {
        let sample = Time::constant(15, 45, 0, 0);
        let read = strtime::format(format, sample).ok().and_then(|text| BrokenDownTime::parse(format, text).ok());
        match read.and_then(|parts| parts.to_time().ok()) {
            Some(read) if read == sample => self.clock = Some(format.to_owned()),
            _ => return Err(format!("`{format}` does not tell hour and minute; write it as \"%H:%M\" or \"%I:%M %p\"")),
        }
        Ok(())
    }

    /// Returns the form of dates, if there is one.
    pub(crate) fn form(&self) -> &str {
        self.format.as_deref().unwrap_or_default()
    }

    /// Takes from the cells of a table how it writes times, where the job does not say it.
    pub(crate) fn learn_clock<'c>(&mut self, mut cells: impl Iterator<Item = &'c str>, usual: &'static str) {
        let shows_time = |cell: &&str| cell.contains(':');
        let Some(cell) = cells.find(shows_time) else {
            self.clock.get_or_insert_with(|| usual.to_owned());
            return;
        };
        self.joined = cell.as_bytes().get(10) == Some(&b'T');
        let time = cell.trim().get(cell.trim().rfind([' ', 'T']).filter(|_| !ends_with_half(cell)).map_or(0, |at| at + 1)..);
        self.clock.get_or_insert_with(|| clock_form(time.unwrap_or(cell)).to_owned());
    }

    /// Reads a cell of a contact, where a year or a month may be all that is known; text that is no date stays text.
    pub(crate) fn read(&self, text: &str) -> Value {
        let trimmed = text.trim();
        if is_canonical(trimmed) || is_partial(trimmed) {
            return Value::Date(trimmed.to_owned());
        }
        match self.formed(trimmed) {
            Some(date) => day_value(date),
            None => Value::text(text),
        }
    }

    /// Writes a value as a cell of this table.
    pub(crate) fn write(&self, value: &Value) -> Option<String> {
        let Value::Date(date) = value else { return value.as_text().map(str::to_owned) };
        Some(date.parse::<Date>().map_or_else(|_| date.clone(), |parsed| self.day_text(parsed)))
    }

    /// Reads a day.
    pub(crate) fn day(&self, text: &str) -> Option<Date> {
        let text = text.trim();
        if is_canonical(text) { text.parse().ok() } else { self.formed(text) }
    }

    /// Writes a day.
    pub(crate) fn day_text(&self, day: Date) -> String {
        let formed = self.format.as_ref().and_then(|format| strtime::format(format, day).ok());
        formed.filter(|text| self.day(text) == Some(day)).unwrap_or_else(|| iso(day))
    }

    /// Reads a time of day, with `AM` or `PM` or without; `Z` or `UTC` behind it say what they say.
    pub(crate) fn clock(&self, text: &str) -> Option<Clock> {
        let text = text.trim();
        let bare = text.strip_suffix(['Z', 'z']).or_else(|| strip_word(text, "UTC"));
        let (utc, text) = (bare.is_some(), bare.unwrap_or(text).trim_end());
        let formed = || BrokenDownTime::parse(self.clock.as_ref()?, text).ok()?.to_time().ok();
        plain_time(text).or_else(formed).map(|time| Clock { time, utc })
    }

    /// Writes a time of day; none if this table has no form that holds it exactly.
    pub(crate) fn clock_text(&self, clock: Clock) -> Option<String> {
        let forms = [self.clock.as_deref().unwrap_or("%H:%M"), "%H:%M:%S"];
        let written = |form: &str| {
            let text = strtime::format(form, clock.time).ok()?;
            Some(if clock.utc { format!("{text} UTC") } else { text })
        };
        forms.into_iter().filter_map(written).find(|text| self.clock(text) == Some(clock))
    }

    /// Reads a cell that holds a day, or a day and a time.
    pub(crate) fn moment(&self, text: &str) -> Option<Value> {
        let text = text.trim();
        if let Some(day) = self.day(text) {
            return Some(day_value(day));
        }
        let mut places = text.match_indices([' ', 'T']);
        places.find_map(|(at, _)| {
            let day = self.day(text.get(..at)?)?;
            Some(moment_value(day, self.clock(text.get(at + 1..)?)?))
        })
    }

    /// Writes a day, or a day and a time, into one cell; none if it would not read back.
    pub(crate) fn moment_text(&self, value: &Value) -> Option<String> {
        let text = match split(value)? {
            (day, None) => self.day_text(day),
            (day, Some(clock)) => format!("{}{}{}", self.day_text(day), if self.joined { 'T' } else { ' ' }, self.clock_text(clock)?),
        };
        (self.moment(&text).as_ref() == Some(value)).then_some(text)
    }

    fn formed(&self, text: &str) -> Option<Date> {
        BrokenDownTime::parse(self.format.as_ref()?, text).ok()?.to_date().ok()
    }
}

/// Finds the form in which all these cells can be read.
pub(crate) fn shown_form<'c>(cells: impl Iterator<Item = &'c str>) -> Shown {
    let mut fitting: Vec<&'static str> = FORMS.to_vec();
    let mut seen = false;
    for cell in cells.map(str::trim).filter(|cell| !cell.is_empty()) {
        let first = cell.split([' ', 'T']).next().unwrap_or(cell);
        if is_canonical(first) {
            continue;
        }
        seen = true;
        fitting.retain(|form| BrokenDownTime::parse(form, first).is_ok_and(|parts| parts.to_date().is_ok()));
    }
    match fitting.as_slice() {
        _ if !seen => Shown::Form(None),
        [] => Shown::Form(None),
        [one] => Shown::Form(Some(one)),
        [one, other, ..] => Shown::Either(one, other),
    }
}

/// Returns day and time of a value; none if it is neither.
pub(crate) fn split(value: &Value) -> Option<(Date, Option<Clock>)> {
    let (text, utc) = match value {
        Value::Date(date) => return Some((date.parse().ok()?, None)),
        Value::LocalDateTime(text) => (text.as_str(), false),
        Value::Instant(text) => (text.strip_suffix('Z')?, true),
        _ => return None,
    };
    let moment: DateTime = text.parse().ok()?;
    Some((moment.date(), Some(Clock { time: moment.time(), utc })))
}

/// Returns a day as a value.
pub(crate) fn day_value(day: Date) -> Value {
    Value::Date(iso(day))
}

/// Returns a day and a time as a value.
pub(crate) fn moment_value(day: Date, clock: Clock) -> Value {
    let (time, day) = (clock.time, iso(day));
    let text = format!("{day}T{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    if clock.utc { Value::Instant(text + "Z") } else { Value::LocalDateTime(text) }
}

fn iso(day: Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}

fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let at = text.len().checked_sub(word.len())?;
    text.get(at..).filter(|end| end.eq_ignore_ascii_case(word)).and_then(|_| text.get(..at))
}

fn ends_with_half(text: &str) -> bool {
    half(text.trim()).is_some()
}

/// Returns what stands before `AM` or `PM`, and which of them it is.
fn half(text: &str) -> Option<(&str, bool)> {
    let words = [("AM", false), ("PM", true), ("A.M.", false), ("P.M.", true)];
    words.into_iter().find_map(|(word, afternoon)| Some((strip_word(text, word)?.trim_end(), afternoon)))
}

/// Reads `15:45`, `15:45:00` and `3:45 PM`.
fn plain_time(text: &str) -> Option<Time> {
    let (digits, afternoon) = half(text).map_or((text, None), |(digits, afternoon)| (digits, Some(afternoon)));
    let number = |part: &str| {
        let fits = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| part.parse::<i8>().ok()).flatten()
    };
    let numbers: Vec<i8> = digits.split(':').map(number).collect::<Option<_>>()?;
    let (hour, minute, second) = match (numbers.as_slice(), afternoon) {
        ([hour], Some(_)) => (*hour, 0, 0),
        ([hour, minute], _) => (*hour, *minute, 0),
        ([hour, minute, second], _) => (*hour, *minute, *second),
        _ => return None,
    };
    let hour = match afternoon {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
    };
    Time::new(hour, minute, second, 0).ok()
}

/// Returns the form in which a time is written.
fn clock_form(text: &str) -> &'static str {
    let text = text.trim().trim_end_matches(['Z', 'z']);
    let (seconds, padded) = (text.matches(':').count() == 2, text.starts_with('0'));
    match (half(text).is_some(), seconds, padded) {
        (true, true, true) => "%I:%M:%S %p",
        (true, true, false) => "%-I:%M:%S %p",
        (true, false, true) => "%I:%M %p",
        (true, false, false) => "%-I:%M %p",
        (false, true, _) => "%H:%M:%S",
        (false, false, _) => "%H:%M",
    }
}

/// Tells whether the text is a date in a canonical form of [`Value::Date`] that no other text is likely to have.
fn is_canonical(text: &str) -> bool {
    if let Some(yearless) = text.strip_prefix("--") {
        // A leap year, so that the 29th of February is a day.
        return yearless.len() == 5 && is_canonical(&format!("2000-{yearless}"));
    }
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
        && text.parse::<Date>().is_ok()
}

/// Tells whether the text is `YYYY-MM`, `YYYY`, `--MM` or `---DD`.
fn is_partial(text: &str) -> bool {
    let number = |digits: &str, most: u8| {
        let digits = Some(digits).filter(|digits| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<u8>().ok()).is_some_and(|number| (1..=most).contains(&number))
    };
    let is_year = |text: &str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    match (text.strip_prefix("---"), text.strip_prefix("--"), text.split_once('-')) {
        (Some(day), ..) => number(day, 31),
        (_, Some(month), _) => number(month, 12),
        (_, _, Some((year, month))) => is_year(year) && number(month, 12),
        _ => is_year(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Value {
        Value::Date(text.to_owned())
    }

    fn formed(format: &str) -> Dates {
        let mut dates = Dates::default();
        dates.set_form(format).unwrap();
        dates
    }

    #[test]
    fn iso_dates_are_read_and_others_stay_text() {
        let dates = Dates::default();
        assert_eq!(dates.read("1985-03-07"), date("1985-03-07"));
        assert_eq!(dates.read(" --02-29"), date("--02-29"));
        assert_eq!(dates.read("7.3.1985"), Value::text("7.3.1985"));
        assert_eq!(dates.read("1985-13-40"), Value::text("1985-13-40"));
        assert!(["1985", "1985-12", "--12", "---31"].into_iter().all(|text| dates.read(text) == date(text)));
        assert!(
            ["85", "1985-13", "--13", "---32", "1985-1", "19855", "12-1985"].into_iter().all(|text| dates.read(text) == Value::text(text))
        );
        assert_eq!(dates.write(&date("1985-03")), Some("1985-03".to_owned()));
    }

    #[test]
    fn the_named_form_is_read_and_written() {
        let dates = formed("%d.%m.%Y");
        assert_eq!(dates.read("07.03.1985"), date("1985-03-07"));
        assert_eq!(dates.read("7.3.1985"), date("1985-03-07"));
        assert_eq!(dates.write(&date("1985-03-07")), Some("07.03.1985".to_owned()));
        assert_eq!(dates.write(&date("--03-07")), Some("--03-07".to_owned()));
        assert_eq!(dates.read("soon"), Value::text("soon"));
        assert!(Dates::default().set_form("%d.%m.").is_err());
        assert!(Dates::default().set_form("nonsense").is_err());
        assert!(Dates::default().set_clock("%H").is_err());
    }

    #[test]
    fn times_are_read_in_every_usual_form() {
        let dates = Dates::default();
        let read = |text: &str| dates.clock(text).map(|clock| (clock.time.to_string(), clock.utc));
        assert_eq!(read("15:45"), Some(("15:45:00".to_owned(), false)));
        assert_eq!(read("3:45:10 PM"), Some(("15:45:10".to_owned(), false)));
        assert_eq!(read("12:00 AM"), Some(("00:00:00".to_owned(), false)));
        assert_eq!(read("12pm"), Some(("12:00:00".to_owned(), false)));
        assert_eq!(read("08:00 UTC"), Some(("08:00:00".to_owned(), true)));
        assert_eq!(read("08:00:00Z"), Some(("08:00:00".to_owned(), true)));
        assert!(["25:00", "13:00 PM", "noon", "8", "8:5:", "", "+1:00"].into_iter().all(|text| read(text).is_none()));
    }

    #[test]
    fn a_moment_in_one_cell_is_a_day_or_a_time_and_never_a_guess() {
        let dates = Dates::default();
        assert_eq!(dates.moment("2026-01-31"), Some(date("2026-01-31")));
        assert_eq!(dates.moment("2026-01-31T10:00:05"), Some(Value::LocalDateTime("2026-01-31T10:00:05".to_owned())));
        assert_eq!(dates.moment("2026-01-31 10:00Z"), Some(Value::Instant("2026-01-31T10:00:00Z".to_owned())));
        assert_eq!(dates.moment("2026-01-31T10:00+02:00"), None);
        assert_eq!(dates.moment("31.1.2026 10:00"), None);
        let american = formed("%m/%d/%Y");
        assert_eq!(american.moment("1/31/2026 3:00 PM"), Some(Value::LocalDateTime("2026-01-31T15:00:00".to_owned())));
        for value in
            [date("2026-01-31"), Value::LocalDateTime("2026-01-31T10:00:05".to_owned()), Value::Instant("2026-01-31T10:00:00Z".to_owned())]
        {
            assert_eq!(american.moment(&american.moment_text(&value).unwrap()), Some(value));
        }
    }

    #[test]
    fn a_form_is_taken_from_the_cells_only_if_no_other_fits() {
        let shown = |cells: &[&str]| shown_form(cells.iter().copied());
        assert_eq!(shown(&["2026-01-31", ""]), Shown::Form(None));
        assert_eq!(shown(&["1.2.2026", "2.3.2026"]), Shown::Form(Some("%d.%m.%Y")));
        assert_eq!(shown(&["1/2/2026", "1/31/2026 3:00 PM"]), Shown::Form(Some("%m/%d/%Y")));
        assert_eq!(shown(&["1/2/2026"]), Shown::Either("%d/%m/%Y", "%m/%d/%Y"));
        assert_eq!(shown(&["soon"]), Shown::Form(None));
    }

    #[test]
    fn times_are_written_as_the_table_writes_them() {
        let written = |cells: &[&str]| {
            let mut dates = Dates::default();
            dates.learn_clock(cells.iter().copied(), "%H:%M");
            dates.clock_text(Clock { time: Time::constant(15, 5, 0, 0), utc: false }).unwrap()
        };
        assert_eq!(written(&["", "9:00:00 AM"]), "3:05:00 PM");
        assert_eq!(written(&["09:00 AM"]), "03:05 PM");
        assert_eq!(written(&["2026-01-31 09:00:00"]), "15:05:00");
        assert_eq!(written(&["2026-01-31 9:00 AM"]), "3:05 PM");
        assert_eq!(written(&[]), "15:05");
    }
}
