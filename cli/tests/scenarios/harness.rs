//! A person's folder with the real program in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A sheet and a folder of cards, tied together in seven lines.
pub(crate) const SHEET_AND_CARDS: &str = "[job.contacts]\n[[job.contacts.endpoint]]\nadapter = \"csv\"\npath = \"contacts.csv\"\n[[job.contacts.endpoint]]\nadapter = \"vcard\"\npath = \"cards\"\n";

/// A folder of a person, with a state directory beside it.
pub(crate) struct Desk {
    root: TempDir,
}

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    /// Makes an empty folder.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("desk")).unwrap();
        Self { root }
    }

    /// Makes a folder with a configuration, a sheet and cards.
    pub(crate) fn with(sheet: &str, cards: &[(&str, &str)]) -> Self {
        let desk = Self::new();
        desk.put("syncretic.toml", SHEET_AND_CARDS);
        desk.put("contacts.csv", sheet);
        fs::create_dir(desk.path("cards")).unwrap();
        for (name, content) in cards {
            desk.put(&format!("cards/{name}"), content);
        }
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("desk").join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text_lossy(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap()).into_owned()
    }

    /// Replaces a text that stands exactly once in a file.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {name}:\n{text}");
        self.put(name, text.replace(from, to));
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Returns the command, ready to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncretic"));
        command.args(arguments).current_dir(self.path("")).stdin(Stdio::null());
        command.env("SYNCRETIC_STATE_HOME", self.state()).env("HOME", self.root.path().join("home")).env_remove("XDG_CONFIG_HOME");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// Syncs, and expects an exit code.
    #[track_caller]
    pub(crate) fn sync(&self, code: i32) -> Run {
        let run = self.run(&["sync"]);
        assert_eq!(run.code, code, "{run:?}");
        run
    }

    /// Syncs, and returns the report of the only job.
    #[track_caller]
    pub(crate) fn sync_job(&self, code: i32) -> Value {
        let run = self.run(&["sync", "--format", "json"]);
        assert_eq!(run.code, code, "{run:?}");
        run.json()["jobs"][0].clone()
    }

    /// Syncs until nothing is left, then expects that one more sync changes nothing at all.
    #[track_caller]
    pub(crate) fn settle(&self) {
        self.sync(0);
        let before = self.files();
        let job = self.sync_job(0);
        assert_eq!(job["bytes_written"], 0, "{job}");
        assert_eq!((&job["pushed"], &job["pulled"]), (&0.into(), &0.into()));
        assert_eq!(self.files(), before);
    }

    /// Returns every file of the person with its content and time.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
        let mut files = BTreeMap::new();
        gather(&self.path(""), &mut files);
        files
    }

    /// Returns every file of the person with its content.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.files().into_iter().map(|(path, (content, _))| (path, content)).collect()
    }

    /// Returns every file of the state directory with its content.
    pub(crate) fn state_contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        gather(&self.state(), &mut files);
        files.into_iter().map(|(path, (content, _))| (path, content)).collect()
    }

    /// Returns the names of the cards.
    pub(crate) fn cards(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("cards")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.filter(|name| name.ends_with(".vcf")).collect();
        names.sort();
        names
    }

    /// Returns the name of the only card that holds a text.
    #[track_caller]
    pub(crate) fn card_with(&self, text: &str) -> String {
        let found: Vec<String> = self.cards().into_iter().filter(|name| self.text(&format!("cards/{name}")).contains(text)).collect();
        assert_eq!(found.len(), 1, "cards with `{text}`: {found:?}");
        format!("cards/{}", found[0])
    }

    /// Returns the rows of the sheet, the header left out, sorted.
    pub(crate) fn rows(&self) -> Vec<String> {
        let mut rows: Vec<String> = self.text("contacts.csv").lines().skip(1).map(str::to_owned).collect();
        rows.sort();
        rows
    }
}

fn gather(folder: &Path, files: &mut BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files);
        } else {
            let time = fs::metadata(&path).unwrap().modified().unwrap();
            files.insert(path.clone(), (fs::read(&path).unwrap(), time));
        }
    }
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Expects that stderr holds each of these texts.
    #[track_caller]
    pub(crate) fn says(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.err.contains(text), "`{text}` is not in:\n{}", self.err);
        }
        assert!(!self.err.contains("panicked") && !self.err.contains("RUST_BACKTRACE"), "{}", self.err);
    }
}

/// Returns a card as another application writes it.
pub(crate) fn card(uid: &str, name: &str, email: &str, phone: &str) -> String {
    let (given, surname) = name.split_once(' ').unwrap();
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nN:{surname};{given};;;\r\nFN:{name}\r\nEMAIL;TYPE=HOME:{email}\r\n\
         TEL;TYPE=CELL:{phone}\r\nX-SHOE-SIZE:38\r\nEND:VCARD\r\n"
    )
}

/// The header of the sheets here.
pub(crate) const HEADER: &str = "Name,Mobile,Email,Favourite tea\n";

/// Returns a sheet and cards of the same `count` people, who share no id.
pub(crate) fn people(count: usize) -> (String, Vec<(String, String)>) {
    let mut sheet = HEADER.to_owned();
    let mut cards = Vec::new();
    for number in 0..count {
        let (name, email, phone) = person(number);
        sheet.push_str(&format!("{name},{phone},{email},tea {number}\n"));
        cards.push((format!("{number:03}.vcf"), card(&format!("app-{number:03}"), &name, &email, &phone)));
    }
    (sheet, cards)
}

/// Returns name, e-mail address and phone number of an invented person.
pub(crate) fn person(number: usize) -> (String, String, String) {
    const GIVEN: &[&str] = &["Ada", "Björn", "Chloé", "Dmitri", "Eszter", "Farid", "Gwen", "Hiro", "Ines", "Jakub"];
    const SURNAME: &[&str] = &["Abel", "Brandt", "Castro", "Duval", "Eriksen", "Fuchs", "Graf", "Holm", "Ibsen", "Jansen"];
    let name =
        format!("{} {}{}", GIVEN[number % 10], SURNAME[number / 10 % 10], if number < 100 { String::new() } else { format!("-{number}") });
    (name, format!("person{number}@mail.example"), format!("+49 170 555 {number:04}"))
}

/// Lends pairs of texts.
pub(crate) fn lent(cards: &[(String, String)]) -> Vec<(&str, &str)> {
    cards.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect()
}
