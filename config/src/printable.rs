//! Text from a file made fit for a terminal: no control characters, no reordering, no endless lines.

/// The number of characters of a key or value that a message quotes.
const QUOTED: usize = 60;

/// Returns the character, or a replacement of the same count if a terminal would obey it instead of showing it.
pub(crate) fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        // Bidirectional controls can make a line read as something that it is not.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        other if other.is_control() => '\u{fffd}',
        other => other,
    }
}

/// Returns the text with every character that a terminal would obey replaced.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// Returns the text cut to a length that fits a message.
pub(crate) fn cut(text: &str) -> String {
    let mut characters = text.chars();
    let shown: String = characters.by_ref().take(QUOTED).map(visible).collect();
    if characters.next().is_some() { shown + "..." } else { shown }
}

/// Returns the text between backticks, cut to a length that fits a message.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", cut(text))
}

#[cfg(test)]
mod tests {
    use super::{line, quoted};

    #[test]
    fn a_terminal_never_sees_a_control_character() {
        assert_eq!(line("a\u{1b}[31mb\tc\u{202e}"), "a\u{fffd}[31mb c\u{fffd}");
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(quoted(&"x".repeat(61)), format!("`{}...`", "x".repeat(60)));
        assert_eq!(quoted(&"x".repeat(60)), format!("`{}`", "x".repeat(60)));
    }
}
