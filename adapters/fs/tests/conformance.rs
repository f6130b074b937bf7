//! The laws that every adapter must pass, for folders of files. The laws speak of texts, so a file's content is shown as one here.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use adapter::{Format, Item, OptionValue, Options};
use conformance::{Subject, Texts, assert_conforms};
use record::{Blob, Kind, Record, Value};

const CONTENT: &str = "content";

static TEXTS: LazyLock<Texts<'static>> = LazyLock::new(|| Texts::of(adapter_fs::format(), CONTENT));

/// A folder with folders in it.
struct Tree;

const PLACE: &str = "SYNCRETIC_TEST_PLACE";

impl Subject for Tree {
    fn format(&self) -> &dyn Format {
        &*TEXTS
    }

    fn options(&self) -> Options {
        // What a law displaces must not be left behind, which the trash is for.
        Options::from([("trash".to_owned(), OptionValue::Integer(0))])
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join("tree")
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        fs::create_dir_all(path)?;
        (0..count).try_for_each(|number| {
            let folder = path.join(format!("folder {}", number % 2));
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(format!("file {number}.txt")), format!("content of {number}\n"))
        })
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::FILE)
            .with("path", Value::text(&format!("new/Né {number}")))
            .with(CONTENT, Value::text(&format!("sample {number}")))
            .with("executable", Value::Boolean(true))
            .with("modified", Value::Instant("2024-02-29T12:00:00Z".to_owned()))
    }

    fn field(&self) -> &'static str {
        CONTENT
    }

    fn edit(&self, _path: &Path, item: &Item) -> io::Result<()> {
        let content = fs::read_to_string(&item.place.path)?;
        let edited = content.replace("content", "CONTENT");
        // Saving what was there already gives the file another time, and that is shown.
        if edited == content { Err(io::ErrorKind::NotFound.into()) } else { fs::write(&item.place.path, edited) }
    }

    fn damage(&self, _path: &Path, _item: &Item) -> io::Result<bool> {
        Ok(false)
    }

    fn add_unknown(&self, _path: &Path, _item: &Item) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn with_blob(&self, record: &Record, blob: Blob) -> Option<Record> {
        Some(record.clone().with(CONTENT, Value::Blob(blob)))
    }

    fn lines_of_an_edit(&self) -> usize {
        2
    }

    fn actor(&self, folder: &Path) -> Option<Command> {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "an_actor", "--nocapture", "--test-threads=1"]).env(PLACE, folder).env("RAYON_NUM_THREADS", "1");
        Some(command)
    }

    fn exemptions(&self) -> &[(&'static str, &'static str)] {
        &[
            ("scan-zero-bytes", "an empty file is a file like any other"),
            ("apply-keeps-mode-and-symlink", "a symbolic link is an item of its own here and never followed"),
        ]
    }
}

#[test]
fn folders_conform() {
    assert_conforms(&Tree);
}

/// Performs one step when another test's law runs this program to kill it; does nothing otherwise.
#[test]
fn an_actor() {
    if let Some(folder) = std::env::var_os(PLACE) {
        conformance::act(&Tree, Path::new(&folder)).unwrap();
    }
}
