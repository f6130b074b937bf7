//! What an endpoint of cards can hold, and how new cards are written.

use crate::map::spelling::SPELLING;
use crate::map::table::{VOLATILE, view};
use crate::source::fingerprint::Traits;
use crate::version::{ALL, Version};
use adapter::{Atomicity, Keys, Profile, View};
use contentline::style::Style;
use record::{Kind, Pattern};

/// Returns the profile of an endpoint.
pub(crate) fn profile(keys: Keys, atomicity: Atomicity) -> Profile {
    let patterns = |texts: &[String]| View(texts.iter().map(|text| Pattern::new(text)).collect());
    let volatile = VOLATILE.iter().flat_map(|field| [(*field).to_owned(), format!("ext/vcard/params/{field}/*")]);
    let volatile = volatile.chain(["*", "*/*"].map(|owner| format!("ext/vcard/params/{owner}/{SPELLING}")));
    Profile {
        kinds: vec![Kind::CONTACT, Kind::GROUP],
        keys,
        atomicity,
        view: patterns(&view()),
        volatile: patterns(&volatile.collect::<Vec<_>>()),
        unique: None,
    }
}

/// What the cards of an endpoint have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits {
    versions: [usize; 3],
    bare: usize,
    all: usize,
}

impl Habits {
    /// Counts one card.
    pub(crate) fn count(&mut self, traits: &Traits) {
        let place = ALL.iter().position(|version| *version == traits.version).unwrap_or(0);
        if let Some(count) = self.versions.get_mut(place) {
            *count += 1;
        }
        self.bare += usize::from(traits.bare);
        self.all += 1;
    }

    /// Returns the version that most cards have; the newest without cards, and of equals.
    pub(crate) fn version(&self) -> Version {
        let counted = ALL.iter().zip(self.versions);
        counted.max_by_key(|(version, count)| (*count, **version)).map_or(Version::V4_0, |(version, _)| *version)
    }

    /// Returns the style of a new card: that of the RFCs, with the line ending that most cards have.
    pub(crate) fn style(&self) -> Style {
        let plain = Style::default();
        if self.bare * 2 > self.all { Style { ending: "\n", ..plain } } else { plain }
    }
}
