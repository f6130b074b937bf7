//! What a record of kind `file` says of a name, and back.

use adapter::staging::Stat;
use jiff::Timestamp;
use record::{Blob, Kind, Record, Value};

use crate::mark::{Mark, Sort};
use crate::name;

pub(crate) const PATH: &str = "path";
pub(crate) const CONTENT: &str = "content";
pub(crate) const MODIFIED: &str = "modified";
pub(crate) const EXECUTABLE: &str = "executable";
pub(crate) const SYMLINK: &str = "symlink";

/// What stands, or should stand, under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A file.
    File {
        content: Blob,
        executable: bool,
        /// Seconds since 1970.
        modified: Option<i64>,
    },
    /// A symbolic link with this text.
    Link(Vec<u8>),
    /// An empty folder.
    Folder,
}

impl Shape {
    /// Reads what a record says.
    ///
    /// # Errors
    /// Fails with the reason for people if it says what no name can be.
    pub(crate) fn of(record: &Record) -> Result<Self, String> {
        match (record.field(CONTENT), record.field(SYMLINK)) {
            (None, None) => Ok(Self::Folder),
            (Some(Value::Blob(content)), None) => Ok(Self::File {
                content: *content,
                executable: record.field(EXECUTABLE) == Some(&Value::Boolean(true)),
                modified: record.field(MODIFIED).and_then(seconds),
            }),
            (None, Some(Value::Text(target))) => {
                name::raw(target).map(Self::Link).ok_or_else(|| format!("`{}` is no text of a symbolic link", target.escape_debug()))
            }
            (Some(_), Some(_)) => Err("it is a file and a symbolic link at once; settle which of the two it is".to_owned()),
            (Some(_), None) => Err("`content` of a file must be a blob".to_owned()),
            (None, Some(_)) => Err("`symlink` must be a text".to_owned()),
        }
    }

    /// Returns the shape of a file that was looked at.
    pub(crate) fn of_file(mark: &Mark) -> Self {
        let content = Blob { digest: mark.digest, length: mark.stat.size };
        Self::File { content, executable: mark.executable, modified: Some(mark.stat.modified.0) }
    }

    /// Returns the record that says this of a key.
    pub(crate) fn record(&self, key: &str) -> Record {
        let record = Record::new(Kind::FILE).with(PATH, Value::Text(name::shown(key)));
        match self {
            Self::Folder => record,
            Self::Link(target) => record.with(SYMLINK, Value::Text(name::text(target))),
            Self::File { content, executable, modified } => {
                let record = record.with(CONTENT, Value::Blob(*content));
                let record = if *executable { record.with(EXECUTABLE, Value::Boolean(true)) } else { record };
                match modified.and_then(|seconds| Timestamp::from_second(seconds).ok()) {
                    Some(moment) => record.with(MODIFIED, Value::Instant(moment.to_string())),
                    None => record,
                }
            }
        }
    }

    /// Returns what it is.
    pub(crate) fn sort(&self) -> Sort {
        match self {
            Self::File { .. } => Sort::File,
            Self::Link(_) => Sort::Link,
            Self::Folder => Sort::Folder,
        }
    }
}

/// Returns a moment in seconds since 1970.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Instant(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_second),
        _ => None,
    }
}

/// Returns the mark of a file of this content before it stands anywhere.
pub(crate) fn mark(sort: Sort, digest: record::Digest, executable: bool, stat: Stat) -> Mark {
    Mark { trusted: false, sort, executable, stat, born: (0, 0), digest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Digest;

    #[test]
    fn a_record_says_what_stands_there_and_back() {
        let content = Blob { digest: Digest::of(b"x"), length: 1 };
        for shape in [
            Shape::File { content, executable: true, modified: Some(1_700_000_000) },
            Shape::File { content, executable: false, modified: Some(-5) },
            Shape::Link(b"../caf\xe9".to_vec()),
            Shape::Folder,
        ] {
            assert_eq!(Shape::of(&shape.record("a/b")), Ok(shape));
        }
        let record = Shape::File { content, executable: false, modified: Some(1_700_000_000) }.record("a");
        assert_eq!(record.field(MODIFIED), Some(&Value::Instant("2023-11-14T22:13:20Z".to_owned())));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let record = Record::new(Kind::FILE).with(PATH, Value::text("a"));
        assert!(Shape::of(&record.clone().with(CONTENT, Value::text("x"))).is_err());
        assert!(Shape::of(&record.with(SYMLINK, Value::Boolean(true))).is_err());
    }
}
