//! The adapters that are built in, as the checks see them: each in every shape that its places have.

use adapter::Format;
use conformance::Texts;

/// One shape of an adapter's places.
pub(crate) struct Shape {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The adapter's id.
    pub(crate) adapter: &'static str,
    /// How its files are made, edited and damaged: a `check.toml`.
    pub(crate) check: &'static str,
    /// The field whose blob is shown as a text, since the laws speak of texts.
    texts: Option<&'static str>,
}

impl Shape {
    /// Returns the adapter as the checks see it.
    pub(crate) fn seen(&self, format: &'static dyn Format) -> &'static dyn Format {
        // One small value a check, in a process that ends after it.
        self.texts.map_or(format, |field| Box::leak(Box::new(Texts::of(format, field))))
    }
}

const SHAPES: &[Shape] = &[
    Shape { name: "vcard-folder", adapter: "vcard", check: include_str!("builtin/vcard-folder.toml"), texts: None },
    Shape { name: "vcard-file", adapter: "vcard", check: include_str!("builtin/vcard-file.toml"), texts: None },
    Shape { name: "ical-folder", adapter: "ical", check: include_str!("builtin/ical-folder.toml"), texts: None },
    Shape { name: "ical-file", adapter: "ical", check: include_str!("builtin/ical-file.toml"), texts: None },
    Shape { name: "csv-contacts", adapter: "csv", check: include_str!("builtin/csv-contacts.toml"), texts: None },
    Shape { name: "csv-rows", adapter: "csv", check: include_str!("builtin/csv-rows.toml"), texts: None },
    Shape { name: "fs-folder", adapter: "fs", check: include_str!("builtin/fs-folder.toml"), texts: Some("content") },
];

/// Returns the shapes of an adapter's places, and those of one name; none if nothing that is built in is called so.
pub(crate) fn shapes(name: &str) -> impl Iterator<Item = &'static Shape> {
    SHAPES.iter().filter(move |shape| shape.adapter == name || shape.name == name)
}
