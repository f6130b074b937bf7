//! The formula guard: a `'` before what a spreadsheet would run as a formula, exactly undone when it is read.

/// Whether values that begin like formulas are guarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Cells hold what they hold.
    #[default]
    Off,
    /// A `'` stands before every value that begins like a formula, and before every such `'`.
    Apostrophe,
}

impl Guard {
    /// Returns the value that stands in a cell.
    pub(crate) fn read(self, cell: &str) -> &str {
        match cell.strip_prefix('\'') {
            Some(value) if self == Self::Apostrophe && begins_formula(value) => value,
            _ => cell,
        }
    }

    /// Returns the cell in which a value stands.
    pub(crate) fn write(self, value: String) -> String {
        if self == Self::Apostrophe && begins_formula(&value) { format!("'{value}") } else { value }
    }
}

/// Tells whether a text, or what stands behind its apostrophes, begins like a formula.
fn begins_formula(text: &str) -> bool {
    // Not only the first sign: a value that is `'=1` itself has to come back as that.
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_guarded() {
        let written = |value: &str| Guard::Apostrophe.write(value.to_owned());
        assert_eq!(written("+49 30 1"), "'+49 30 1");
        assert_eq!(written("'=1"), "''=1");
        assert_eq!(written("'tis"), "'tis");
        assert_eq!(Guard::Off.write("=1".to_owned()), "=1");
        assert_eq!(Guard::Off.read("'=1"), "'=1");
        assert_eq!(Guard::Apostrophe.read("=1"), "=1");
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in "['=+@\t\r\n a-]{0,6}") {
            let cell = Guard::Apostrophe.write(value.clone());
            prop_assert_eq!(Guard::Apostrophe.read(&cell), value);
        }

        #[test]
        fn no_written_cell_begins_like_a_formula(value in "['=+@\t\r\n a-]{0,6}") {
            let cell = Guard::Apostrophe.write(value);
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{:?}", cell);
        }
    }
}
