//! What a configuration file may say, and what is said of one that is wrong.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod adapters;
mod endpoints;
mod hostile;
mod legal;
mod syntax;
mod unknown;
mod values;

use std::path::Path;

use config::{Config, parse};

/// Parses a text that is right, as the file `/etc/ada/syncretic.toml`.
fn accept(text: &str) -> Config {
    parse(text, Path::new("/etc/ada/syncretic.toml")).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Returns the whole message for a text that is wrong.
fn message(text: &str) -> String {
    parse(text, Path::new("syncretic.toml")).expect_err("the text is wrong").to_string()
}
