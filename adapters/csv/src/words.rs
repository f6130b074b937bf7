//! Words that people write: headers made comparable, and the one that somebody may have meant.

/// Returns a header without case, accents, spaces and signs: `E-Mail (privé)` is `emailprive`.
pub(crate) fn plain(header: &str) -> String {
    let mut plain = String::with_capacity(header.len());
    for character in header.chars().flat_map(char::to_lowercase) {
        match character {
            'à' | 'á' | 'â' | 'ä' | 'ã' | 'å' => plain.push('a'),
            'ç' => plain.push('c'),
            'è' | 'é' | 'ê' | 'ë' => plain.push('e'),
            'ì' | 'í' | 'î' | 'ï' => plain.push('i'),
            'ñ' => plain.push('n'),
            'ò' | 'ó' | 'ô' | 'ö' | 'õ' => plain.push('o'),
            'ù' | 'ú' | 'û' | 'ü' => plain.push('u'),
            'ß' => plain.push_str("ss"),
            other if other.is_alphanumeric() => plain.push(other),
            _ => {}
        }
    }
    plain
}

/// Returns the nearest of `words`, if one is near enough to be what `typed` was meant to be.
pub(crate) fn nearest<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if typed.len() > 80 {
        return None;
    }
    let wanted = plain(typed);
    let slips = (wanted.chars().count() / 3).max(1);
    words
        .into_iter()
        .map(|word| (strsim::osa_distance(&wanted, &plain(word)), word))
        .filter(|(distance, word)| *distance <= slips && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_compare_without_signs_and_accents() {
        assert_eq!(plain("E-Mail (privé)"), "emailprive");
        assert_eq!(plain("Straße"), "strasse");
        assert_eq!(nearest("Moblie", ["Phone", "Mobile"]), Some("Mobile"));
        assert_eq!(nearest("Fax", ["Phone", "Mobile"]), None);
    }
}
