//! Days and times of the day, as people write them.

use protocol::Timestamp;

/// Returns a day as people write it: `12 Nov 2026`.
pub(crate) fn day(at: Timestamp) -> String {
    const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?)).unwrap_or(&"");
    format!("{} {month} {}", part(8, 10).trim_start_matches('0'), part(0, 4))
}

/// Returns a time of the day as people write it: `14:03:20 UTC`.
pub(crate) fn clock(at: Timestamp) -> String {
    format!("{} UTC", at.to_string().get(11..19).unwrap_or_default())
}
