//! How a line was spelled where its version has another way: kept beside its fields, for a new card of that version to say it so.

use crate::map::named::Parameters;
use crate::map::table::{Parameter, Row, VOLATILE};
use crate::version::Version;

/// The name among the unmapped parameters; no parameter of a line can have it.
pub(crate) const SPELLING: &str = "@";

/// The property, the version, and the parameters that a line was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spelling<'s>(&'s str);

impl<'s> Spelling<'s> {
    /// Returns the spelling among a line's unmapped parameters, if it is one of this version.
    pub(crate) fn of(raw: &Parameters<'s>, version: Version) -> Option<Self> {
        Self::read(raw.get(SPELLING)?, version)
    }

    /// Reads a spelling, if it is one of this version.
    pub(crate) fn read(text: &'s str, version: Version) -> Option<Self> {
        (text.split(' ').nth(1) == Some(version.text())).then_some(Self(text))
    }

    /// Returns the property.
    pub(crate) fn property(self) -> &'s str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// Tells whether a parameter was written by this name.
    pub(crate) fn has(self, parameter: &str) -> bool {
        self.0.split(' ').skip(2).any(|name| name == parameter)
    }
}

/// Returns the spelling of a line; none where new lines of the version are written the same way.
pub(crate) fn spelling(row: &Row, version: Version, parameters: &[&str]) -> Option<String> {
    let usual = row.written.contains(&version) || VOLATILE.contains(&row.home());
    (!usual || !parameters.is_empty()).then(|| [&[row.property, version.text()][..], parameters].concat().join(" "))
}

impl Row {
    /// Tells whether new lines of a version name the field by another parameter than this one.
    pub(crate) fn has_other_name(&self, parameter: &str, field: &str, version: Version) -> bool {
        let first = self.parameters.iter().find_map(|one| match one {
            Parameter::Text(name, found, versions) if *found == field && versions.contains(&version) => Some(*name),
            _ => None,
        });
        first.is_some_and(|first| first != parameter)
    }
}
