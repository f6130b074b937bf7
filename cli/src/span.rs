//! Lengths of time as people type and read them: `90s`, `15m`, `2h`, `3d`.

use std::time::Duration;

const UNITS: &[(&str, u64)] = &[("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// Reads a length of time; a number alone counts seconds.
///
/// # Errors
/// Fails with what a length looks like.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let (digits, seconds) = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds))).unwrap_or((text, 1));
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| plain).and_then(|number| number.checked_mul(seconds));
    number.map(Duration::from_secs).ok_or_else(|| "a length of time is a number and s, m, h or d, as `15m`".to_owned())
}

/// Reads a length of time that is not nothing.
///
/// # Errors
/// Fails as [`parse`], and for zero.
pub(crate) fn some(text: &str) -> Result<Duration, String> {
    parse(text).and_then(|length| if length.is_zero() { Err("it must be at least a second".to_owned()) } else { Ok(length) })
}

/// Reads a length of time as whole days.
///
/// # Errors
/// Fails as [`parse`], and for parts of a day.
pub(crate) fn days(text: &str) -> Result<u64, String> {
    let seconds = parse(text)?.as_secs();
    if seconds.is_multiple_of(86_400) { Ok(seconds / 86_400) } else { Err("it is a number of whole days, as `30d`".to_owned()) }
}

/// Returns a length of time in its largest unit: `2 h`.
pub(crate) fn shown(seconds: u64) -> String {
    let (unit, length) = UNITS.iter().find(|(_, length)| seconds >= *length).unwrap_or(&("s", 1));
    format!("{} {}", seconds / length, if *unit == "m" { "min" } else { unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_a_number_and_its_unit() {
        let seconds = |text| parse(text).map(|length| length.as_secs());
        assert_eq!(["45", "90s", "15m", "2h", "3d", "0"].map(seconds), [45, 90, 900, 7200, 259_200, 0].map(Ok));
        for wrong in ["", "m", "1.5h", "-3s", "+3s", "3 m", "3w", "99999999999999999999", "999999999999999999d"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(some("0m").is_err() && some("1s").is_ok());
        assert_eq!((days("30d"), days("48h"), days("0")), (Ok(30), Ok(2), Ok(0)));
        assert!(days("36h").is_err() && days("30").is_err() && days("month").is_err());
    }

    #[test]
    fn people_read_the_largest_unit() {
        assert_eq!([0, 59, 60, 7_300, 200_000].map(shown), ["0 s", "59 s", "1 min", "2 h", "2 d"]);
    }
}
