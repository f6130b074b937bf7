//! The laws that every adapter must pass, for both places and every version.

use crate::Vcard;
use crate::version::{ALL, Version};
use adapter::{Format, Item, OptionValue, Options};
use conformance::{Subject, assert_conforms};
use record::{Blob, Kind, Record, Value};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Cards of one version in a folder or in a file.
struct Cards {
    version: Version,
    in_folder: bool,
}

impl Cards {
    fn card(&self, number: usize) -> String {
        let version = self.version.text();
        format!(
            "BEGIN:VCARD\r\nVERSION:{version}\r\nUID:person-{number}\r\nFN:Person {number}\r\nN:{number};Person;;;\r\nEMAIL:p{number}@example.org\r\nNOTE:note {number}\r\nEND:VCARD\r\n"
        )
    }

    fn file(&self, path: &Path, item: &Item) -> PathBuf {
        if self.in_folder { path.join(&item.key.0) } else { path.to_owned() }
    }

    /// Replaces one text in the card of an item.
    fn replace(&self, path: &Path, item: &Item, change: impl Fn(&str) -> String) -> io::Result<()> {
        let file = self.file(path, item);
        let text = fs::read_to_string(&file)?;
        let uid = item.record.text("uid").unwrap();
        // Version 4.0 says of a UID that is no URI that it is a text.
        let at = text.find(&format!(":{uid}\r\n")).ok_or(io::ErrorKind::NotFound)?;
        let start = text[..at].rfind("BEGIN:VCARD").unwrap();
        let end = at + text[at..].find("END:VCARD\r\n").unwrap() + "END:VCARD\r\n".len();
        fs::write(&file, format!("{}{}{}", &text[..start], change(&text[start..end]), &text[end..]))
    }
}

impl Subject for Cards {
    fn format(&self) -> &dyn Format {
        &Vcard
    }

    fn options(&self) -> Options {
        Options::from([("version".to_owned(), OptionValue::Text(self.version.text().to_owned()))])
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join(if self.in_folder { "cards" } else { "cards.vcf" })
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        if !self.in_folder {
            let all: String = (0..count).map(|number| self.card(number)).collect();
            return fs::write(path, if count == 0 { "\r\n" } else { &all });
        }
        fs::create_dir_all(path)?;
        (0..count).try_for_each(|number| fs::write(path.join(format!("person-{number}.vcf")), self.card(number)))
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::CONTACT)
            .with("uid", Value::text(&format!("sample-{number}")))
            .with("name/full", Value::text(&format!("Sample {number}, Jr.; \\ é")))
            .with("name/given", Value::text("Sample"))
            .with("name/surname", Value::text(&format!("Né {number}")))
            .with("emails/a/address", Value::text(&format!("sample{number}@example.org")))
            .with("emails/a/contexts/work", Value::Boolean(true))
            .with("phones/a/number", Value::text(&format!("+1 {number}")))
            .with("phones/a/label", Value::text("Boat"))
            .with("phones/a/pref", Value::Integer(1))
            .with("notes/1/note", Value::text(&format!("line {number}\nsecond")))
            .with("keywords/friends", Value::Boolean(true))
            .with("anniversaries/a/date", Value::Date("--02-29".to_owned()))
            .with("anniversaries/a/kind", Value::text("birth"))
    }

    fn field(&self) -> &'static str {
        "notes/1/note"
    }

    fn edit(&self, path: &Path, item: &Item) -> io::Result<()> {
        self.replace(path, item, |card| card.replace("NOTE:note", "NOTE:etno"))
    }

    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool> {
        self.replace(path, item, |card| card.replace("END:VCARD\r\n", "")).map(|()| true)
    }

    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let line = "X-Unheard-Of;X-P=\"a;b\":;;what\\, ever\r\n";
        self.replace(path, item, |card| card.replace("NOTE:", &format!("{line}NOTE:")))?;
        Ok(Some(line.as_bytes().to_vec()))
    }

    fn with_blob(&self, record: &Record, blob: Blob) -> Option<Record> {
        let record = record.clone().with("media/p/content", Value::Blob(blob));
        Some(record.with("media/p/kind", Value::text("photo")).with("media/p/mediaType", Value::text("image/png")))
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
        let version = self.version.text();
        let one = format!(
            "begin:vcard\nversion:{version}\nuid:odd-0\nfn;X-A=\"b;c\":Odd On\n e\nN:One;Odd\n\ntel;type=pref;TYPE=cell:+1\nNote;x-z=1:first\nX-FAR:{}\nend:vcard\n",
            "far ".repeat(40)
        );
        let other = format!(
            "BEGIN:VCARD\r\nNOTE:second\r\nitem9.TEL:+2\r\nitem9.X-ABLabel:Boat\r\nVERSION:{version}\r\nEMAIL;TYPE=HOME:a@\r\n\texample.org\r\nUID:odd-1\nFN:Odd Two\r\nN:Two;Odd;;;\r\nX-EMPTY:\r\nEND:VCARD\r\n"
        );
        if !self.in_folder {
            return fs::write(path, format!("{one}\n{other}")).map(|()| true);
        }
        fs::create_dir_all(path)?;
        fs::write(path.join("one.vcf"), one)?;
        fs::write(path.join("other.vcf"), other)?;
        Ok(true)
    }

    fn volatile(&self) -> Option<(&'static str, Value)> {
        Some(("updated", Value::text("20300101T000000Z")))
    }
}

#[test]
fn folders_of_every_version_conform() {
    ALL.iter().for_each(|version| assert_conforms(&Cards { version: *version, in_folder: true }));
}

#[test]
fn files_of_every_version_conform() {
    ALL.iter().for_each(|version| assert_conforms(&Cards { version: *version, in_folder: false }));
}
