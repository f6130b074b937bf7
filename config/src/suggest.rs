//! The word that somebody may have meant.

/// The longest word that is compared; a longer one is no slip of the finger.
const LONGEST: usize = 40;

/// Returns the nearest of `words`, if one is near enough to be what `typed` was meant to be.
///
/// Case and `_` for `-` do not count as differences; otherwise about one slip in three letters is forgiven.
pub fn nearest<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if typed.len() > LONGEST {
        return None;
    }
    let plain = plain(typed);
    let slips = (plain.chars().count() / 3).max(1);
    words
        .into_iter()
        .map(|word| (strsim::osa_distance(&plain, &self::plain(word)), word))
        .filter(|(distance, word)| *distance <= slips && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_forgiven_and_another_word_is_not() {
        let words = ["max-delete", "min-delete", "auto", "path"];
        assert_eq!(nearest("max_delete", words), Some("max-delete"));
        assert_eq!(nearest("Mindelete", words), Some("min-delete"));
        assert_eq!(nearest("pth", words), Some("path"));
        assert_eq!(nearest("schedule", words), None);
        assert_eq!(nearest("", words), None);
    }
}
