//! The ways in which records come, each run in a process of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use adapter::format::Silent;
use adapter::host::Library;
use adapter::plugged::Plugin;
use adapter::remote::{Limits, Program};
use adapter::{Broken, Description, Fingerprint, Format, Item, Key, Known, Options, Sink};
use record::{Kind, codec};

use super::sample::Sample;
use crate::error::Error;

/// One way.
pub(crate) struct Way {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What the table calls it.
    pub(crate) title: &'static str,
    /// Whether it is the program in Python, which reads a file.
    pub(crate) python: bool,
    /// Whether everything is known.
    known: bool,
    /// What is done with each record, as whoever takes it must.
    taken: Taken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Dropped,
    Encoded,
    Decoded,
}

const fn way(name: &'static str, title: &'static str, known: bool, taken: Taken) -> Way {
    Way { name, title, python: false, known, taken }
}

/// Every way.
pub(crate) const ALL: &[Way] = &[
    way("direct", "direct call", false, Taken::Dropped),
    way("encoded", "direct call, encoded", false, Taken::Encoded),
    way("decoded", "direct call, encoded and decoded", false, Taken::Decoded),
    way("library", "library in process", false, Taken::Dropped),
    way("helper", "library in a helper process", false, Taken::Dropped),
    way("direct-known", "direct call, all known", true, Taken::Dropped),
    way("library-known", "library in process, all known", true, Taken::Dropped),
    way("helper-known", "library in a helper process, all known", true, Taken::Dropped),
    Way { name: "python", title: "program in Python", python: true, known: false, taken: Taken::Dropped },
    Way { name: "python-known", title: "program in Python, all known", python: true, known: true, taken: Taken::Dropped },
];

/// Takes what a scan shows.
struct Taker {
    taken: Taken,
    keeps: bool,
    known: HashMap<Key, Fingerprint>,
    records: u64,
    unchanged: u64,
    failed: bool,
}

impl Taker {
    fn new(taken: Taken, keeps: bool) -> Self {
        Self { taken, keeps, known: HashMap::new(), records: 0, unchanged: 0, failed: false }
    }
}

impl Sink for Taker {
    fn item(&mut self, item: Item) {
        self.records += 1;
        if self.taken != Taken::Dropped {
            let bytes = codec::encode_record(&item.record);
            let decoded = self.taken == Taken::Decoded && codec::decode_record(&bytes).is_err();
            self.failed |= decoded || bytes.is_empty();
        }
        if self.keeps {
            self.known.insert(item.key, item.fingerprint);
        }
    }

    fn unchanged(&mut self, _key: Key, _fingerprint: Fingerprint) {
        self.unchanged += 1;
    }

    fn broken(&mut self, _broken: Broken) {
        self.failed = true;
    }
}

impl Known for Taker {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.known.get(key).cloned()
    }

    fn count(&self) -> usize {
        self.known.len()
    }

    fn each(&self, take: &mut dyn FnMut(&Key, &Fingerprint)) -> bool {
        self.known.iter().for_each(|(key, fingerprint)| take(key, fingerprint));
        true
    }
}

/// Scans so often in one way.
pub(crate) fn scan(name: &str, place: &Path, times: u32, library: &Path) -> Result<(), Error> {
    let failed = |said: String| Error::Failed { command: format!("boundary scan {name}"), said };
    let way = ALL.iter().find(|way| way.name == name).ok_or_else(|| failed("there is no such way".to_owned()))?;
    let format = format(way, library).map_err(failed)?;
    let mut adapter = format.open(place.to_owned(), &Options::new(), Box::new(Silent)).map_err(|error| failed(error.to_string()))?;
    let mut known = Taker::new(Taken::Dropped, true);
    if way.known {
        adapter.scan(&Taker::new(Taken::Dropped, false), &mut known).map_err(|error| failed(error.to_string()))?;
    }
    for _ in 0..times {
        let mut taker = Taker::new(way.taken, false);
        adapter.scan(&known, &mut taker).map_err(|error| failed(error.to_string()))?;
        // What is known is neither built nor parsed, and so never shown.
        let (wrong, right) = if way.known { (taker.records, taker.unchanged) } else { (taker.unchanged, taker.records) };
        if taker.failed || wrong > 0 || right == 0 {
            return Err(failed(format!("{} records were shown, and {} told to be unchanged", taker.records, taker.unchanged)));
        }
    }
    Ok(())
}

fn format(way: &Way, library: &Path) -> Result<Box<dyn Format>, String> {
    let program = |description: Description, command: PathBuf, arguments: &[&str]| -> Box<dyn Format> {
        let arguments = arguments.iter().map(Into::into).collect();
        let id = description.id.to_owned();
        Box::new(Plugin::program(description, Program { id, command, arguments, limits: Limits::default() }))
    };
    let word = way.name.split('-').next().unwrap_or_default();
    match word {
        "library" => Ok(Box::new(Plugin::library(Sample.describe(), Library::load(library)?))),
        "helper" => {
            let own = std::env::current_exe().map_err(|error| error.to_string())?;
            Ok(program(Sample.describe(), own, &["boundary", "serve"]))
        }
        "python" => {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("examples").join("plugins/json-rows/json_rows.py");
            let description = Description { id: "org.example.json-rows", summary: "Rows.", kinds: vec![Kind::ROW], options: Vec::new() };
            Ok(program(description, script, &[]))
        }
        _ => Ok(Box::new(Sample)),
    }
}

/// Serves the library over standard input and output.
pub(crate) fn serve(library: &Path) -> Result<(), Error> {
    let served = adapter::serve::serve(Library::load(library), std::io::stdin(), std::io::stdout(), || std::process::exit(1));
    served.map_err(|error| Error::io(library, error))
}
