//! A small adapter, one text file a record, `field=value` a line, with a switch for each lie.

#[path = "adapter.rs"]
mod adapter_under_test;
#[path = "card.rs"]
mod card;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use adapter::{Adapter, Atomicity, Description, Error, Format, Host, Item, OptionKind, OptionSpec, OptionValue, Options};
use conformance::Subject;
use record::{Blob, Kind, Record, Value};

/// The subject: an honest adapter, or one that breaks the law of the check it is named after.
pub(crate) struct Folder {
    pub(crate) format: KeyValue,
    pub(crate) exemptions: Vec<(&'static str, &'static str)>,
}

impl Folder {
    pub(crate) fn honest() -> Self {
        Self { format: KeyValue { lie: "", atomicity: Atomicity::Item }, exemptions: Vec::new() }
    }

    /// Claims that a step happens at once, and breaks one law.
    pub(crate) fn batch(lie: &'static str) -> Self {
        Self { format: KeyValue { lie, atomicity: Atomicity::Batch }, exemptions: Vec::new() }
    }
}

impl Subject for Folder {
    fn format(&self) -> &dyn Format {
        &self.format
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join("cards")
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        fs::create_dir(path)?;
        (0..count).try_for_each(|n| {
            fs::write(path.join(format!("card-{n}.txt")), format!("uid=seed-{n}\nname/full=Person {n}\nnotes/1/note=seeded {n}\n"))
        })
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::CONTACT)
            .with("uid", Value::Text(format!("sample-{number}")))
            .with("name/full", Value::Text(format!("Sample {number}")))
            .with("notes/a/note", Value::Text(format!("sampled {number}")))
            .with("anniversaries/a/date", Value::Date("1990-02-28".to_owned()))
            .with("phones/a/number", Value::text("+1"))
            .with("phones/a/pref", Value::Integer(1))
    }

    fn field(&self) -> &'static str {
        "notes/1/note"
    }

    fn edit(&self, _path: &Path, item: &Item) -> io::Result<()> {
        let text = fs::read_to_string(&item.place.path)?;
        fs::write(&item.place.path, text.replace("seeded", "edited"))
    }

    fn damage(&self, _path: &Path, item: &Item) -> io::Result<bool> {
        fs::write(&item.place.path, "no card at all").map(|()| true)
    }

    fn add_unknown(&self, _path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let mut text = fs::read_to_string(&item.place.path)?;
        text.push_str("!unknown=as it was\n");
        fs::write(&item.place.path, text).map(|()| Some(b"!unknown=as it was".to_vec()))
    }

    fn with_blob(&self, record: &Record, blob: Blob) -> Option<Record> {
        Some(record.clone().with("media/new/content", Value::Blob(blob)))
    }

    fn volatile(&self) -> Option<(&'static str, Value)> {
        Some(("updated", Value::Instant("2031-01-01T00:00:00Z".to_owned())))
    }

    fn repeats(&self) -> bool {
        true
    }

    fn date(&self) -> Option<&'static str> {
        Some("anniversaries/a/date")
    }

    fn number(&self) -> Option<&'static str> {
        Some("phones/a/pref")
    }

    fn make_oddly(&self, path: &Path) -> io::Result<bool> {
        fs::create_dir(path)?;
        let windows = "!first=1\r\nuid=odd-0\r\n!between= 2 \nname/full=Odd\r\nnotes/1/note=seeded\r\n";
        fs::write(path.join("card-0.txt"), windows)?;
        fs::write(path.join("card-1.txt"), "notes/1/note=seeded\nuid=odd-1\r\n!last=\t")?;
        Ok(true)
    }

    fn actor(&self, folder: &Path) -> Option<Command> {
        let mut command = Command::new(std::env::current_exe().ok()?);
        command.args(["--exact", super::ACTOR, "--nocapture"]).env(super::FOLDER, folder);
        command.env(super::LIE, self.format.lie);
        Some(command)
    }

    fn exemptions(&self) -> &[(&'static str, &'static str)] {
        &self.exemptions
    }
}

/// The format.
#[derive(Clone, Copy)]
pub(crate) struct KeyValue {
    pub(crate) lie: &'static str,
    pub(crate) atomicity: Atomicity,
}

impl Format for KeyValue {
    fn describe(&self) -> Description {
        let option = |name, kind| OptionSpec { name, kind, summary: "An option." };
        Description {
            id: "keyvalue",
            summary: "A folder of text files.",
            kinds: vec![Kind::CONTACT],
            options: vec![option("order", OptionKind::Choice(&["name", "time"])), option("width", OptionKind::Integer)],
        }
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        assert!(self.lie != "panic", "as asked");
        for (option, value) in options {
            self.check(option, value)?;
        }
        if self.lie == "open-does-not-create" {
            fs::create_dir_all(&path).map_err(|source| Error::io(&path, source))?;
        }
        if !path.is_dir() && self.lie != "open-missing-path" {
            return Err(Error::Source { path, reason: "there is no such folder".to_owned() });
        }
        Ok(Box::new(adapter_under_test::Endpoint::new(path, host, *self)))
    }
}

impl KeyValue {
    fn check(&self, option: &str, value: &OptionValue) -> Result<(), Error> {
        let wrong = |reason: &str| Err(Error::Config { option: option.to_owned(), reason: reason.to_owned() });
        match (option, value) {
            ("order", OptionValue::Text(word)) if word == "name" || word == "time" => Ok(()),
            ("width", OptionValue::Integer(_)) => Ok(()),
            ("order" | "width", _) if self.lie == "open-wrong-type" => Ok(()),
            ("order" | "width", _) => wrong("it takes another value"),
            _ if self.lie == "open-unknown-option" => Ok(()),
            _ => wrong("there is no such option"),
        }
    }
}
