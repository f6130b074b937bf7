//! Which names are synced: the patterns of `include` and `exclude`, by the rules of gitignore.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use adapter::Error;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use record::Digest;

use crate::name;

/// The patterns of one endpoint.
#[derive(Debug)]
pub(crate) struct Rules {
    include: Option<Gitignore>,
    exclude: Gitignore,
    /// The file that proves that the disk is there: every device's own.
    marker: Option<Vec<u8>>,
    /// A digest of the patterns.
    said: Digest,
}

impl Rules {
    /// Reads patterns, as lines of a `.gitignore` at the root.
    ///
    /// # Errors
    /// Fails with the option whose pattern cannot be read.
    pub(crate) fn new(include_lines: &[String], exclude: &[String], marker: Option<&str>) -> Result<Self, Error> {
        let include = if include_lines.is_empty() { None } else { Some(patterns("include", include_lines)?) };
        let marker = marker.map(|marker| marker.as_bytes().to_vec());
        let said = Digest::of(format!("{include_lines:?} {exclude:?} {marker:?}").as_bytes());
        Ok(Self { include, exclude: patterns("exclude", exclude)?, marker, said })
    }

    /// Returns what is another one for other rules.
    pub(crate) fn digest(&self) -> Digest {
        self.said
    }

    /// Tells whether a folder and everything in it is left alone.
    pub(crate) fn passes_over(&self, path: &[u8]) -> bool {
        name::is_own(name::split(path).1) || self.exclude.matched(as_path(path), true).is_ignore()
    }

    /// Tells whether a name in a folder that is not passed over is synced.
    pub(crate) fn takes(&self, path: &[u8], folder: bool) -> bool {
        let included = |rules: &Gitignore| rules.matched_path_or_any_parents(as_path(path), folder).is_ignore();
        self.marker.as_deref() != Some(path)
            && !name::is_own(name::split(path).1)
            && !self.exclude.matched(as_path(path), folder).is_ignore()
            && self.include.as_ref().is_none_or(included)
    }

    /// Tells whether a path is synced, its folders looked at, too.
    pub(crate) fn take_wholly(&self, path: &[u8], folder: bool) -> bool {
        self.takes(path, folder) && !name::folders(path).any(|above| self.passes_over(above))
    }
}

fn as_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

fn patterns(option: &str, lines: &[String]) -> Result<Gitignore, Error> {
    let wrong = |error: ignore::Error| Error::Config { option: option.to_owned(), reason: error.to_string() };
    let mut builder = GitignoreBuilder::new("");
    for line in lines {
        builder.add_line(None, line).map_err(wrong)?;
    }
    builder.build().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(include: &[&str], exclude: &[&str]) -> Rules {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Rules::new(&owned(include), &owned(exclude), Some("here.txt")).unwrap()
    }

    #[test]
    fn patterns_follow_the_rules_of_gitignore() {
        let rules = rules(&[], &["*.tmp", "/build/", "!keep.tmp", "cache"]);
        assert!(rules.take_wholly(b"a/b.txt", false) && rules.take_wholly(b"a/keep.tmp", false) && rules.take_wholly(b"a/build/x", false));
        for path in [&b"a/b.tmp"[..], b"build/x", b"a/cache/x", b"cache", b".syncretic/x", b"here.txt"] {
            assert!(!rules.take_wholly(path, false), "{}", path.escape_ascii());
        }
    }

    #[test]
    fn with_include_only_what_it_names_is_synced() {
        let rules = rules(&["/docs/", "*.md"], &["secret.md"]);
        for (path, taken) in [(&b"docs/a/b.txt"[..], true), (b"x/y.md", true), (b"x/y.txt", false), (b"docs/secret.md", false)] {
            assert_eq!(rules.take_wholly(path, false), taken, "{}", path.escape_ascii());
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_read_names_its_option() {
        let error = Rules::new(&[], &["a{b".to_owned()], None).unwrap_err();
        assert!(matches!(error, Error::Config { ref option, .. } if option == "exclude"), "{error}");
    }
}
