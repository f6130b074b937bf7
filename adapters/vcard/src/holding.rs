//! What new cards of each version can hold, and which versions stand at a place: for whoever compares formats before a sync.

use std::fs;
use std::path::{Path, PathBuf};

use adapter::View;
use contentline::items::items;
use record::Pattern;
use vdir::naming::is_item;

use crate::map::table::view_in;
use crate::source::text::{Text, glance};
use crate::version::{self, Version};

/// How many cards of a place are looked at.
const SAMPLE: usize = 1000;

/// Returns what a new card of each version can hold, oldest version first.
#[must_use]
pub fn versions() -> Vec<(&'static str, View)> {
    let view = |version: Version| View(view_in(version).iter().map(|text| Pattern::new(text)).collect());
    version::ALL.iter().map(|version| (version.text(), view(*version))).collect()
}

/// Returns the versions of the cards in a file or folder, oldest first, as far as a look at the first of them tells.
#[must_use]
pub fn versions_at(path: &Path) -> Vec<&'static str> {
    let mut found: Vec<Version> = Vec::new();
    let mut left = SAMPLE;
    for file in files(path) {
        let Ok(raw) = fs::read(&file) else { continue };
        let Ok(text) = Text::new(&raw) else { continue };
        for item in items(&text.bytes).filter(|item| item.broken.is_none()).take(left) {
            left -= 1;
            found.push(glance(text.bytes.get(item.span).unwrap_or_default()).version());
        }
        if left == 0 {
            break;
        }
    }
    version::ALL.iter().filter(|version| found.contains(version)).map(|version| version.text()).collect()
}

fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return vec![path.to_owned()] };
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| is_item(&name.to_string_lossy(), "vcf"));
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(named).collect();
    files.sort();
    files
}
