//! Lexical forms of dates and places, as they stand in a line and in a field.

use crate::version::Version;

/// Reads a date, whole or partial (RFC 6350 §4.3.1, and with hyphens as in 3.0), in the form of `Value::Date`.
pub(crate) fn read_date(text: &str) -> Option<String> {
    const PATTERNS: [&str; 8] = ["YYYYMMDD", "YYYY-MM-DD", "--MM-DD", "YYYY-MM", "--MMDD", "---DD", "--MM", "YYYY"];
    let pattern = PATTERNS.into_iter().find(|pattern| fits(text, pattern))?;
    let part = |letter: char| match (pattern.find(letter), pattern.rfind(letter)) {
        (Some(first), Some(last)) => text.get(first..=last).unwrap_or_default(),
        _ => "",
    };
    let (year, month, day) = (part('Y'), part('M'), part('D'));
    is_day(year, month, day).then(|| canonical(year, month, day))
}

/// Tells whether a text is a date with a time of day, or a time of day alone (RFC 6350 §4.3.4), by its look.
pub(crate) fn is_moment(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return false };
    let timed =
        time.bytes().all(|byte| byte.is_ascii_digit() || b":+-Z.".contains(&byte)) && time.bytes().any(|byte| byte.is_ascii_digit());
    timed && (date.is_empty() || read_date(date).is_some())
}

/// Tells whether the text has a digit where the pattern has a letter, and is the same elsewhere.
fn fits(text: &str, pattern: &str) -> bool {
    let fit = |(byte, place): (u8, u8)| if place == b'-' { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fit)
}

fn canonical(year: &str, month: &str, day: &str) -> String {
    match (year, month, day) {
        ("", "", day) => format!("---{day}"),
        ("", month, "") => format!("--{month}"),
        ("", month, day) => format!("--{month}-{day}"),
        (year, "", _) => year.to_owned(),
        (year, month, "") => format!("{year}-{month}"),
        (year, month, day) => format!("{year}-{month}-{day}"),
    }
}

fn is_day(year: &str, month: &str, day: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().ok();
    let leap = number(year).is_none_or(|year| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let days = match number(month) {
        Some(4 | 6 | 9 | 11) => 30,
        Some(2) if leap => 29,
        Some(2) => 28,
        Some(0 | 13..) => return false,
        Some(_) | None => 31,
    };
    number(day).is_none_or(|day| (1..=days).contains(&day))
}

/// Writes a date as this version does, or like `old`, the value that it takes the place of.
pub(crate) fn write_date(date: &str, version: Version, old: Option<&str>) -> String {
    let whole = date.len() == 10 || (date.len() == 7 && date.starts_with("--"));
    let hyphens = match old.and_then(|old| read_date(old).map(|read| read == old)) {
        Some(hyphens) => hyphens,
        None => version != Version::V4_0,
    };
    if !whole || hyphens {
        return date.to_owned();
    }
    match date.strip_prefix("--") {
        Some(rest) => format!("--{}", rest.replace('-', "")),
        None => date.replace('-', ""),
    }
}

/// Tells whether a text begins with a scheme and a colon (RFC 3986 §3.1).
pub(crate) fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// Tells whether a text is a URI, by its scheme and its characters.
pub(crate) fn is_uri(text: &str) -> bool {
    let fit = |byte: u8| byte.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&byte);
    has_scheme(text) && text.bytes().all(fit)
}

/// Reads a place as a `geo:` URI (RFC 5870); 3.0 writes latitude and longitude with a semicolon.
pub(crate) fn read_place(text: &str) -> Option<String> {
    if text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("geo:")) {
        return Some(text.to_owned());
    }
    let (latitude, longitude) = text.split_once(';')?;
    let numbers = [latitude, longitude].iter().all(|part| is_number(part));
    numbers.then(|| format!("geo:{latitude},{longitude}"))
}

/// Writes a place as this version does; `None` where it has no form for it.
pub(crate) fn write_place(uri: &str, version: Version) -> Option<String> {
    if version == Version::V4_0 {
        return Some(uri.to_owned());
    }
    let (latitude, longitude) = uri.strip_prefix("geo:")?.split_once(',')?;
    let numbers = [latitude, longitude].iter().all(|part| is_number(part));
    numbers.then(|| format!("{latitude};{longitude}"))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form() {
        let read = |text: &str| read_date(text).unwrap_or_default();
        assert_eq!(
            ["19800322", "1980-03-22", "--0322", "--03-22", "1980-03", "1980", "---22", "--03"].map(read),
            ["1980-03-22", "1980-03-22", "--03-22", "--03-22", "1980-03", "1980", "---22", "--03"]
        );
        for wrong in ["1980-13-01", "19800230", "--0230", "soon", "1980-03-22T10:00:00", "", "198003", "é980"] {
            assert_eq!(read_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn dates_are_written_as_the_version_or_the_old_value() {
        assert_eq!(write_date("1980-03-22", Version::V4_0, None), "19800322");
        assert_eq!(write_date("1980-03-22", Version::V3_0, None), "1980-03-22");
        assert_eq!(write_date("1980-03-22", Version::V3_0, Some("19791231")), "19800322");
        assert_eq!(write_date("--03-22", Version::V4_0, Some("1979-12-31")), "--03-22");
        assert_eq!(write_date("1980-03", Version::V4_0, None), "1980-03");
        assert_eq!(write_date("--03-22", Version::V4_0, None), "--0322");
    }

    #[test]
    fn moments_are_told_by_their_look() {
        assert!(["19531015T231000Z", "2009-08-08T14:30:00-05:00", "20090808T1430-0500", "T102200"].map(is_moment).iter().all(|is| *is));
        assert!(!["Tuesday", "20090808", "T", "19990231T10", "aT10"].map(is_moment).iter().any(|is| *is));
    }

    #[test]
    fn places_change_form_between_versions() {
        assert_eq!(read_place("46.77;-71.28").as_deref(), Some("geo:46.77,-71.28"));
        assert_eq!(write_place("geo:46.77,-71.28", Version::V3_0).as_deref(), Some("46.77;-71.28"));
        assert_eq!(write_place("geo:1,2;u=3", Version::V3_0), None);
        assert_eq!(read_place("46.77,-71.28"), None);
    }
}
