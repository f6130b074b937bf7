//! What an endpoint of calendar items can hold.

use crate::map::table::{CALENDAR, COMPONENTS, On, view, volatile};
use adapter::{Atomicity, Keys, Profile, View};
use record::{Kind, Pattern};

/// Returns the profile of an endpoint whose VCALENDAR lines are `more`: those of a file, or of a calendar.
pub(crate) fn profile(keys: Keys, atomicity: Atomicity, more: On) -> Profile {
    let patterns = |texts: Vec<String>| View(texts.iter().map(|text| Pattern::new(text)).collect());
    let all = COMPONENTS.iter().fold(more, |all, component| all | component.on);
    let mut kinds: Vec<Kind> = COMPONENTS.iter().map(|component| component.kind.clone()).collect();
    if more == CALENDAR {
        kinds.push(Kind::CALENDAR);
    }
    Profile { kinds, keys, atomicity, view: patterns(view(all)), volatile: patterns(volatile()), unique: None }
}
