//! Cells that say yes or no, and cells that say one of a few words.

/// Words for yes and no, in the languages of the headers.
const WORDS: &[(&str, &str)] = &[
    ("true", "false"),
    ("yes", "no"),
    ("1", "0"),
    ("x", ""),
    ("wahr", "falsch"),
    ("ja", "nein"),
    ("vrai", "faux"),
    ("oui", "non"),
    ("verdadero", "falso"),
    ("sí", "no"),
];

/// A value, and the words that a cell may hold for it; the first of them is the one that is written.
pub(crate) type Choices = &'static [(&'static str, &'static [&'static str])];

/// How a task stands (RFC 5545 §3.8.1.11), in the words of Outlook and of spreadsheets.
pub(crate) const PROGRESS: Choices = &[
    ("needs-action", &["Not Started", "needs-action", "needs action", "to do", "todo", "open", "offen"]),
    ("in-process", &["In Progress", "in-process", "in process", "started", "in arbeit"]),
    ("completed", &["Completed", "complete", "done", "finished", "erledigt"]),
    ("cancelled", &["Cancelled", "canceled"]),
];

/// How an event stands (RFC 5545 §3.8.1.11).
pub(crate) const STATUS: Choices =
    &[("confirmed", &["Confirmed"]), ("tentative", &["Tentative"]), ("cancelled", &["Cancelled", "canceled"])];

/// Who may see it (RFC 5545 §3.8.1.3).
pub(crate) const PRIVACY: Choices =
    &[("public", &["Public", "normal"]), ("private", &["Private", "personal"]), ("secret", &["Confidential", "secret"])];

/// Whether its time is taken (RFC 5545 §3.8.2.7).
pub(crate) const BUSY: Choices = &[("busy", &["Busy"]), ("free", &["Free"])];

/// Tells whether a cell says yes.
pub(crate) fn is_true(cell: &str) -> bool {
    let word = cell.trim().to_lowercase();
    WORDS.iter().any(|(yes, _)| *yes == word)
}

/// Returns the word for yes or no in the language and the case of the cell that stood there.
pub(crate) fn said(truth: bool, was: &str) -> String {
    let before = was.trim().to_lowercase();
    let pair = WORDS.iter().find(|(yes, no)| !before.is_empty() && (*yes == before || *no == before));
    let (yes, no) = pair.copied().unwrap_or(("true", "false"));
    let word = if truth { yes } else { no };
    let first_upper = was.trim().chars().next().is_none_or(char::is_uppercase);
    let all_upper = was.trim().chars().count() > 1 && !was.chars().any(char::is_lowercase);
    match (pair.is_some() && all_upper, first_upper) {
        (true, _) => word.to_uppercase(),
        (false, true) => capitalised(word),
        (false, false) => word.to_owned(),
    }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// Returns the value that a cell stands for; none for a word that says nothing known.
pub(crate) fn chosen(choices: Choices, cell: &str) -> Option<&'static str> {
    let word = cell.trim().to_lowercase();
    choices.iter().find(|(_, words)| words.iter().any(|known| known.to_lowercase() == word)).map(|(value, _)| *value)
}

/// Returns the word that is written for a value.
pub(crate) fn word_for(choices: Choices, value: &str) -> Option<&'static str> {
    choices.iter().find(|(known, _)| *known == value).and_then(|(_, words)| words.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_are_said_as_the_table_says_them() {
        assert!(is_true(" TRUE ") && is_true("ja") && !is_true("False") && !is_true(""));
        assert_eq!(said(true, ""), "True");
        assert_eq!(said(true, "FALSE"), "TRUE");
        assert_eq!(said(false, "yes"), "no");
        assert_eq!(said(false, "Ja"), "Nein");
    }

    #[test]
    fn every_word_that_is_written_is_read() {
        for choices in [PROGRESS, STATUS, PRIVACY, BUSY] {
            for (value, _) in choices {
                assert_eq!(chosen(choices, word_for(choices, value).unwrap()), Some(*value));
            }
        }
        assert_eq!(chosen(PROGRESS, "Deferred"), None);
    }
}
