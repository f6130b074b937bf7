//! Paths of the file made absolute by their text alone: `~/` is the home folder, all else begins at the file's folder.

use std::path::{Component, Path, PathBuf};

/// Where relative paths begin.
#[derive(Clone, Debug)]
pub(crate) struct Anchors {
    /// The folder of the configuration file, absolute.
    pub(crate) folder: PathBuf,
    /// The home folder, absolute.
    pub(crate) home: Option<PathBuf>,
}

/// Why a path cannot be made absolute; the text fits after "`path` ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    #[error("holds a NUL character, which no file name can have")]
    Nul,
    #[error("begins with `~`, but only `~/` (your own home folder) is understood")]
    OtherHome,
    #[error("begins with `~/`, but the home folder is not known (HOME is not set)")]
    NoHome,
}

impl Anchors {
    /// Takes the folder of `file` and the home folder of whoever runs this.
    pub(crate) fn of(file: &Path) -> std::io::Result<Self> {
        let file = std::path::absolute(file)?;
        let folder = file.parent().unwrap_or(&file).to_owned();
        Ok(Self { folder, home: std::env::home_dir().filter(|home| home.is_absolute()) })
    }

    /// Makes a path absolute, without `.` and doubled or trailing separators.
    ///
    /// `..` stays: with a symbolic link before it, only the file system knows where it leads.
    pub(crate) fn resolve(&self, written: &str) -> Result<PathBuf, PathError> {
        if written.contains('\0') {
            return Err(PathError::Nul);
        }
        let base = match written.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                let home = self.home.as_ref().ok_or(PathError::NoHome)?;
                home.join(rest.trim_start_matches('/'))
            }
            Some(_) => return Err(PathError::OtherHome),
            None => self.folder.join(written),
        };
        Ok(base.components().collect())
    }
}

/// Returns the path with each `..` taken back, to compare two spellings of one place.
pub(crate) fn collapsed(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                whole.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => whole.push(component),
        }
    }
    whole
}

/// Returns the path as it was written, without the spellings that mean nothing: a leading `./`, a trailing `/`.
pub(crate) fn short(written: &str) -> &str {
    let plain = written.trim_start_matches("./").trim_end_matches('/');
    if plain.is_empty() { written } else { plain }
}

#[cfg(test)]
mod tests {
    use super::{Anchors, PathError, collapsed, short};
    use std::path::{Path, PathBuf};

    fn resolve(written: &str) -> Result<PathBuf, PathError> {
        Anchors { folder: "/etc/ada".into(), home: Some("/home/ada".into()) }.resolve(written)
    }

    #[test]
    fn relative_paths_begin_at_the_folder_of_the_file() {
        assert_eq!(resolve("contacts.csv").unwrap().to_str(), Some("/etc/ada/contacts.csv"));
        assert_eq!(resolve("./a//b/./c/").unwrap().to_str(), Some("/etc/ada/a/b/c"));
        assert_eq!(resolve("/srv/x").unwrap().to_str(), Some("/srv/x"));
    }

    #[test]
    fn a_tilde_is_the_home_folder_and_nobody_elses() {
        assert_eq!(resolve("~/x.csv").unwrap().to_str(), Some("/home/ada/x.csv"));
        assert_eq!(resolve("~//etc/x").unwrap().to_str(), Some("/home/ada/etc/x"));
        assert_eq!(resolve("~").unwrap().to_str(), Some("/home/ada"));
        assert_eq!(resolve("~bob/x"), Err(PathError::OtherHome));
        assert_eq!(resolve("a\0b"), Err(PathError::Nul));
        let homeless = Anchors { folder: "/".into(), home: None };
        assert_eq!(homeless.resolve("~/x"), Err(PathError::NoHome));
    }

    #[test]
    fn a_parent_stays_in_the_path_and_goes_in_the_comparison() {
        assert_eq!(resolve("../x").unwrap().to_str(), Some("/etc/ada/../x"));
        assert_eq!(collapsed(Path::new("/etc/ada/../x")), Path::new("/etc/x"));
        assert_eq!(collapsed(Path::new("/../../x")), Path::new("/x"));
    }

    #[test]
    fn a_short_path_is_the_written_one_without_decoration() {
        assert_eq!(short("./contacts/"), "contacts");
        assert_eq!(short("/"), "/");
        assert_eq!(short("./"), "./");
    }
}
