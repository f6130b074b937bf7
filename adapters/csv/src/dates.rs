//! Dates in cells: ISO 8601, or the form that the job names; what is neither stays text.

use jiff::civil::Date;
use jiff::fmt::strtime::{self, BrokenDownTime};
use record::Value;

/// How a table writes dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dates {
    format: Option<String>,
}

impl Dates {
    /// Takes a form such as `%d.%m.%Y`.
    ///
    /// # Errors
    /// Fails with what is wrong if dates cannot be told by it.
    pub(crate) fn new(format: &str) -> Result<Self, String> {
        let sample = Date::constant(1985, 12, 31);
        let read = strtime::format(format, sample).ok().and_then(|text| BrokenDownTime::parse(format, text).ok());
        match read.and_then(|parts| parts.to_date().ok()) {
            Some(read) if read == sample => Ok(Self { format: Some(format.to_owned()) }),
            _ => Err(format!("`{format}` does not tell day, month and year; write it as \"%d.%m.%Y\" or \"%m/%d/%Y\"")),
        }
    }

    /// Returns the form that the job names.
    pub(crate) fn format(&self) -> &str {
        self.format.as_deref().unwrap_or_default()
    }

    /// Reads a cell; text that is no date stays text.
    pub(crate) fn read(&self, text: &str) -> Value {
        let trimmed = text.trim();
        if is_canonical(trimmed) {
            return Value::Date(trimmed.to_owned());
        }
        let formed = self.format.as_ref().and_then(|format| BrokenDownTime::parse(format, trimmed).ok());
        match formed.and_then(|parts| parts.to_date().ok()) {
            Some(date) => Value::Date(format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())),
            None => Value::text(text),
        }
    }

    /// Writes a value as a cell of this table.
    pub(crate) fn write(&self, value: &Value) -> Option<String> {
        let (Value::Date(date), Some(format)) = (value, &self.format) else { return value.as_text().map(str::to_owned) };
        let formed = date.parse::<Date>().ok().and_then(|parsed| strtime::format(format, parsed).ok());
        Some(formed.filter(|text| self.read(text) == *value).unwrap_or_else(|| date.clone()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Value {
        Value::Date(text.to_owned())
    }

    #[test]
    fn iso_dates_are_read_and_others_stay_text() {
        let dates = Dates::default();
        assert_eq!(dates.read("1985-03-07"), date("1985-03-07"));
        assert_eq!(dates.read(" --02-29"), date("--02-29"));
        assert_eq!(dates.read("7.3.1985"), Value::text("7.3.1985"));
        assert_eq!(dates.read("1985-13-40"), Value::text("1985-13-40"));
        assert_eq!(dates.write(&date("1985-03")), Some("1985-03".to_owned()));
    }

    #[test]
    fn the_named_form_is_read_and_written() {
        let dates = Dates::new("%d.%m.%Y").unwrap();
        assert_eq!(dates.read("07.03.1985"), date("1985-03-07"));
        assert_eq!(dates.read("7.3.1985"), date("1985-03-07"));
        assert_eq!(dates.write(&date("1985-03-07")), Some("07.03.1985".to_owned()));
        assert_eq!(dates.write(&date("--03-07")), Some("--03-07".to_owned()));
        assert_eq!(dates.read("soon"), Value::text("soon"));
        assert!(Dates::new("%d.%m.").is_err());
        assert!(Dates::new("nonsense").is_err());
    }
}
