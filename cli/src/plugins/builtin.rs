//! The adapters that are built in, as the checks see them: each in every shape that its places have.

/// One shape of an adapter's places.
pub(crate) struct Shape {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The adapter's id.
    pub(crate) adapter: &'static str,
    /// How its files are made, edited and damaged: a `check.toml`.
    pub(crate) check: &'static str,
}

const SHAPES: &[Shape] = &[
    Shape { name: "vcard-folder", adapter: "vcard", check: include_str!("builtin/vcard-folder.toml") },
    Shape { name: "vcard-file", adapter: "vcard", check: include_str!("builtin/vcard-file.toml") },
    Shape { name: "ical-folder", adapter: "ical", check: include_str!("builtin/ical-folder.toml") },
    Shape { name: "ical-file", adapter: "ical", check: include_str!("builtin/ical-file.toml") },
    Shape { name: "csv-contacts", adapter: "csv", check: include_str!("builtin/csv-contacts.toml") },
    Shape { name: "csv-rows", adapter: "csv", check: include_str!("builtin/csv-rows.toml") },
];

/// Returns the shapes of an adapter's places, and those of one name; none if nothing that is built in is called so.
pub(crate) fn shapes(name: &str) -> impl Iterator<Item = &'static Shape> {
    SHAPES.iter().filter(move |shape| shape.adapter == name || shape.name == name)
}
