//! Telephone numbers as they are compared.

use std::fmt;

/// The fewest digits of a number that says who somebody is.
const FEWEST: usize = 7;
/// The most digits that are read.
const MOST: usize = 32;
/// The digits at the end that a national and an international number have in common.
const TAIL: usize = 9;

/// A telephone number: digits, without what people put between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    digits: String,
    /// Whether the digits begin with a country's.
    pub(super) international: bool,
    extension: String,
}

impl Number {
    /// Reads a number, unless it is too short to be somebody's, or a filler.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text: String = text.trim().chars().take(128).collect::<String>().to_lowercase();
        let text = text.strip_prefix("tel:").unwrap_or(&text);
        // What follows the first of these is no digit of the number; an extension tells colleagues apart.
        let (main, rest) = text.find(['x', ';', ',', '#', 'e', 'w', 'p']).map_or((text, ""), |at| text.split_at(at));
        let main = main.replace("(0)", "");
        let all = digits(&main);
        let international = main.trim_start().starts_with('+') || all.starts_with("00");
        let digits = if main.trim_start().starts_with('+') { all } else { all.strip_prefix("00").map_or(all.clone(), str::to_owned) };
        let first = digits.chars().next()?;
        let filler = digits.chars().all(|digit| digit == first);
        (digits.len() >= FEWEST && !filler).then(|| Self { digits, international, extension: self::digits(rest) })
    }

    /// Returns the digits that a national and an international form of the number share.
    pub(super) fn tail(&self) -> Option<String> {
        let start = self.digits.len().checked_sub(TAIL)?;
        self.extension.is_empty().then(|| self.digits.get(start..).map(str::to_owned))?
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.international { "+" } else { "" }, self.digits)?;
        if self.extension.is_empty() { Ok(()) } else { write!(f, " ext. {}", self.extension) }
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits() {
        let read = |text| Number::read(text).map(|number| number.to_string());
        for (text, number) in [
            ("+49 (0)30 / 1234-567", Some("+49301234567")),
            ("0049 30 1234567", Some("+49301234567")),
            ("tel:+49-30-1234567", Some("+49301234567")),
            ("030 1234567", Some("0301234567")),
            ("+1 555 123 4567 ext. 12", Some("+15551234567 ext. 12")),
            ("+1 555 123 4567x13", Some("+15551234567 ext. 13")),
            ("tel:+49-30-1234567;ext=9", Some("+49301234567 ext. 9")),
            ("112", None),
            ("000 000 0000", None),
            ("n/a", None),
            ("", None),
        ] {
            assert_eq!(read(text).as_deref(), number, "{text}");
        }
    }

    #[test]
    fn two_forms_of_a_number_end_alike() {
        let tail = |text| Number::read(text).unwrap().tail();
        assert_eq!(tail("0171 1234567"), tail("+49 171 1234567"));
        assert_eq!(tail("1234567"), None);
        assert_eq!(tail("0171 1234567 x1"), None);
    }
}
