//! What an endpoint of cards can hold, and how new cards are written.

use crate::map::spelling::SPELLING;
use crate::map::table::{VOLATILE, view};
use crate::version::Version;
use adapter::{Atomicity, Keys, Profile, View};
use contentline::style::Style;
use record::{Kind, Pattern};
use vdir::Habits;

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

/// Returns the version that most cards have; the newest without cards, and of equals.
pub(crate) fn version_of(habits: Habits) -> Version {
    habits.own.and_then(Version::of_byte).unwrap_or(Version::V4_0)
}

/// Returns the style of a new card: that of the RFCs, with the line ending that most cards have.
pub(crate) fn style_of(habits: Habits) -> Style {
    let plain = Style::default();
    if habits.bare { Style { ending: "\n", ..plain } } else { plain }
}
