//! The lexical forms of values: dates, times, durations, positions; each reads back as it was written, or is not read.

use record::Value;

/// Reads a DATE, a local DATE-TIME or a UTC DATE-TIME (RFC 5545 §3.3.4, §3.3.5).
pub(crate) fn read_when(text: &str) -> Option<Value> {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    let date = text.get(..8).filter(|date| digits(date, 8))?;
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    if !fits(month, 1, 12) || !fits(day, 1, 31) {
        return None;
    }
    let rest = text.get(8..)?;
    if rest.is_empty() {
        return Some(Value::Date([year, "-", month, "-", day].concat()));
    }
    let rest = rest.strip_prefix('T')?;
    let (time, utc) = rest.strip_suffix('Z').map_or((rest, ""), |time| (time, "Z"));
    let time = Some(time).filter(|time| digits(time, 6))?;
    let (hour, minute, second) = (time.get(..2)?, time.get(2..4)?, time.get(4..)?);
    if !fits(hour, 0, 23) || !fits(minute, 0, 59) || !fits(second, 0, 60) {
        return None;
    }
    let whole = [year, "-", month, "-", day, "T", hour, ":", minute, ":", second, utc].concat();
    Some(if utc.is_empty() { Value::LocalDateTime(whole) } else { Value::Instant(whole) })
}

fn fits(digits: &str, least: u8, most: u8) -> bool {
    digits.parse().is_ok_and(|number: u8| (least..=most).contains(&number))
}

/// Writes a date or time; `None` for a value that is none, or that would not read back.
pub(crate) fn write_when(value: &Value) -> Option<String> {
    let (Value::Date(text) | Value::LocalDateTime(text) | Value::Instant(text)) = value else { return None };
    let compact: String = text.chars().filter(|character| !matches!(character, '-' | ':')).collect();
    (read_when(&compact).as_ref() == Some(value)).then_some(compact)
}

/// Returns the value that a recurrence id is the text of.
pub(crate) fn read_id(id: &str) -> Option<Value> {
    let compact: String = id.chars().filter(|character| !matches!(character, '-' | ':')).collect();
    read_when(&compact).filter(|value| value.as_text() == Some(id))
}

/// Tells whether a text is a DURATION (RFC 5545 §3.3.6).
pub(crate) fn is_duration(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some(rest) = unsigned.strip_prefix('P') else { return false };
    let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
    let date_fits = units(date, "WD");
    let time_fits = time.is_none_or(|time| !time.is_empty() && units(time, "HMS"));
    date_fits && time_fits && !(date.is_empty() && time.is_none())
}

/// Tells whether a text is numbers, each before one of `letters`, in their order.
fn units(text: &str, letters: &str) -> bool {
    let mut left = letters;
    let mut digits = 0;
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits += 1;
            continue;
        }
        let Some(place) = left.find(character).filter(|_| digits > 0) else { return false };
        left = left.get(place + 1..).unwrap_or_default();
        digits = 0;
    }
    digits == 0
}

/// Reads GEO as a `geo:` URI (RFC 5545 §3.8.1.6, RFC 5870).
pub(crate) fn read_geo(text: &str) -> Option<String> {
    let (latitude, longitude) = text.split_once(';')?;
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    (number(latitude) && number(longitude)).then(|| format!("geo:{latitude},{longitude}"))
}

/// Writes a `geo:` URI as GEO; `None` where it says more.
pub(crate) fn write_geo(uri: &str) -> Option<String> {
    let text = uri.strip_prefix("geo:")?.replacen(',', ";", 1);
    (read_geo(&text).as_deref() == Some(uri)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_time_are_kept_apart() {
        let text = |text: &str| text.to_owned();
        assert_eq!(read_when("20260131"), Some(Value::Date(text("2026-01-31"))));
        assert_eq!(read_when("20260131T100000"), Some(Value::LocalDateTime(text("2026-01-31T10:00:00"))));
        assert_eq!(read_when("20260131T100000Z"), Some(Value::Instant(text("2026-01-31T10:00:00Z"))));
        for none in ["", "2026", "20261301", "20260131T1000", "20260131T1000Z", "20260131T", "20260131T250000", "20260131Z", "2026é131"] {
            assert_eq!(read_when(none), None, "{none}");
        }
        assert_eq!(write_when(&Value::Instant(text("2026-01-31T10:00:00Z"))).as_deref(), Some("20260131T100000Z"));
        assert_eq!(write_when(&Value::Date(text("--01-31"))), None);
        assert_eq!(read_id("2026-01-31"), Some(Value::Date(text("2026-01-31"))));
        assert_eq!(read_id("20260131"), None);
    }

    #[test]
    fn durations_are_told_from_other_texts() {
        for good in ["P1W", "-PT15M", "+P1DT2H", "PT1H30M5S", "P0D", "PT0S"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "P", "PT", "1H", "P1H", "PT1M1H", "P1DT", "PT5", "-P", "20260131T100000Z"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn positions_change_form_and_back() {
        assert_eq!(read_geo("37.38;-122.08").as_deref(), Some("geo:37.38,-122.08"));
        assert_eq!(write_geo("geo:37.38,-122.08").as_deref(), Some("37.38;-122.08"));
        assert_eq!(write_geo("geo:1,2;u=3"), None);
        assert_eq!(read_geo("1,2"), None);
    }
}
