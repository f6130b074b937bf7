//! An adapter that misbehaves in the entry that the variable UNSTEADY or the name of its place says: `panic-scan`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use adapter::{
    Adapter, Atomicity, Blobs, Description, Error, Fate, Fingerprint, Format, Host, Item, Key, Keys, Known, Mode, Op, Options, Outcome,
    Outcomes, Place, Profile, Scan, Sink, StepId, View,
};
use record::{Digest, Kind, Pattern, Record, Value};

/// How often it was described: the first time is when it is loaded.
static DESCRIBED: AtomicUsize = AtomicUsize::new(0);
/// How many records were built.
static BUILT: AtomicUsize = AtomicUsize::new(0);

/// Does what is asked for in this entry.
fn enter(place: &Path, entry: &str) {
    let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let asked = std::env::var("UNSTEADY").unwrap_or(name);
    match asked.strip_suffix(entry).unwrap_or_default() {
        "panic-" => panic!("as asked in {entry}"),
        "abort-" => std::process::abort(),
        "exit-" => std::process::exit(0),
        // SAFETY: there is none; that is what it is for.
        "segv-" => unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) },
        "loop-" => loop {
            std::thread::park();
        },
        _ => {}
    }
}

struct Unsteady;

impl Format for Unsteady {
    fn describe(&self) -> Description {
        let entry = if DESCRIBED.fetch_add(1, Ordering::SeqCst) == 0 { "load" } else { "describe" };
        enter(Path::new(""), entry);
        Description { id: "org.example.unsteady", summary: "Unsteady.", kinds: vec![Kind::ROW], options: Vec::new() }
    }

    fn open(&self, path: PathBuf, _options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        enter(&path, "open");
        let word = host.secret("word");
        let profile = Profile {
            kinds: vec![Kind::ROW],
            keys: Keys::Stable,
            atomicity: Atomicity::Batch,
            view: View(vec![Pattern::new("cells/*")]),
            volatile: View::default(),
            unique: None,
        };
        Ok(Box::new(Opened { path, host, word, profile, blobs: BTreeMap::new() }))
    }
}

struct Opened {
    path: PathBuf,
    host: Box<dyn Host>,
    /// What the host gave as the secret, if it gave one.
    word: Option<String>,
    profile: Profile,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        enter(&self.path, "close");
    }
}

impl Adapter for Opened {
    fn profile(&self) -> &Profile {
        enter(&self.path, "profile");
        &self.profile
    }

    fn same(&mut self, note: &[u8]) -> Result<bool, Error> {
        enter(&self.path, "same");
        Ok(note == b"note")
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        enter(&self.path, "scan");
        for name in ["one", "two"] {
            let (key, fingerprint) = (Key::new(name), Fingerprint(b"print".to_vec()));
            if known.fingerprint(&key).as_ref() == Some(&fingerprint) {
                out.unchanged(key, fingerprint);
                continue;
            }
            BUILT.fetch_add(1, Ordering::SeqCst);
            let word = self.word.clone().unwrap_or_else(|| "none".to_owned());
            let record = Record::new(Kind::ROW).with("cells/Name", Value::text(name)).with("cells/Word", Value::Text(word));
            out.item(Item { key, fingerprint, record, place: Place::default() });
        }
        self.host.log(&format!("built {}", BUILT.load(Ordering::SeqCst)));
        Ok(Scan { root: b"root".to_vec(), note: Some(b"note".to_vec()) })
    }

    fn apply(&mut self, _: StepId, ops: &[Op<'_>], _: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        enter(&self.path, "apply");
        for (index, op) in ops.iter().enumerate() {
            let Op::Put { record, .. } = op else {
                out.outcome(index, Outcome::Deleted { bytes: 0 });
                continue;
            };
            for blob in record.blobs() {
                let mut bytes = Vec::new();
                blobs.open(blob.digest)?.read_to_end(&mut bytes).map_err(|error| Error::io(&self.path, error))?;
                self.blobs.insert(blob.digest, bytes);
            }
            let (key, fingerprint) = (Key::new("put"), Fingerprint(b"print".to_vec()));
            out.outcome(index, Outcome::Put { key, fingerprint, record: (*record).clone(), bytes: 1 });
        }
        Ok(())
    }

    fn recover(&mut self, _: StepId) -> Result<Vec<Fate>, Error> {
        enter(&self.path, "recover");
        Ok(Vec::new())
    }

    fn settle(&mut self, _: StepId) -> Result<(), Error> {
        enter(&self.path, "settle");
        Ok(())
    }

    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), Error> {
        enter(&self.path, "blob");
        let bytes = self.blobs.get(&digest);
        let bytes = bytes.ok_or_else(|| Error::Source { path: self.path.clone(), reason: format!("{key} has no such blob") })?;
        to.write_all(bytes).map_err(|error| Error::io(&self.path, error))
    }
}

adapter::export!(Unsteady);
