//! Likeness of two values: how much of one is still in the other.

use record::Value;

/// The least likeness, in percent, of a value that was edited rather than replaced.
pub(super) const ALIKE: usize = 50;

/// What of a value is compared: its letters and digits, at most 128 bytes of them.
pub(super) fn essence(value: &[(&str, &Value)]) -> Vec<u8> {
    let telling = |byte: &u8| byte.is_ascii_alphanumeric() || *byte > 127;
    let texts = value.iter().filter_map(|(_, value)| value.as_text());
    texts.flat_map(str::bytes).filter(telling).take(128).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// Returns the likeness of two essences in percent: what no edit touched, of the longer one.
pub(super) fn likeness(a: &[u8], b: &[u8]) -> usize {
    let (shorter, longer) = (a.len().min(b.len()), a.len().max(b.len()));
    // Each byte that the shorter one lacks is an edit; where these alone are too many, the table need not be filled.
    if shorter == 0 || shorter * 100 < longer * ALIKE {
        return 0;
    }
    let edits = strsim::generic_levenshtein(&Bytes(a), &Bytes(b));
    100 * longer.saturating_sub(edits) / longer
}

/// Tells whether one value is the other as a format shows it that cannot hold all of it.
pub(super) fn is_excerpt(a: &[(&str, &Value)], b: &[(&str, &Value)]) -> bool {
    let (shorter, longer) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    !shorter.is_empty() && shorter.iter().all(|field| longer.contains(field))
}

/// Bytes that can be iterated over by reference.
struct Bytes<'b>(&'b [u8]);

impl<'a> IntoIterator for &'a Bytes<'_> {
    type Item = u8;
    type IntoIter = std::iter::Copied<std::slice::Iter<'a, u8>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(a: &str, b: &str) -> usize {
        let of = |text| essence(&[("number", &Value::text(text))]);
        likeness(&of(a), &of(b))
    }

    #[test]
    fn likeness_is_what_no_edit_touched() {
        assert_eq!(between("+49 30 1234", "+49-30-1234"), 100);
        assert_eq!(between("+49 30 1234", "+49 30 1235"), 87);
        assert_eq!(between("abcd", "wxyz"), 0);
        assert_eq!(between("ab", "abxxxx"), 0);
        assert_eq!(between("", ""), 0);
    }

    #[test]
    fn a_value_without_some_of_its_fields_is_an_excerpt() {
        let (street, town) = (Value::text("Hauptstr. 1"), Value::text("Berlin"));
        assert!(is_excerpt(&[("locality", &town)], &[("locality", &town), ("street", &street)]));
        assert!(!is_excerpt(&[("locality", &street)], &[("locality", &town), ("street", &street)]));
        assert!(!is_excerpt(&[], &[("locality", &town)]));
    }
}
