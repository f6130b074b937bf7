//! How fast a plugin scans: everything new, and everything known.

use std::collections::HashMap;
use std::time::Instant;

use adapter::format::Silent;
use adapter::{Broken, Error, Fingerprint, Format, Item, Key, Known, OptionValue, Options, Sink};
use conformance::Subject;

use super::installed::Installed;
use super::manifest::{ISOLATION, Kind};
use super::subject::Described;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// Where it ran, and nanoseconds per item: everything new, everything known.
pub(crate) type Row = (&'static str, u128, u128);

/// Measures a plugin in each way that it can run.
pub(crate) fn bench(plugin: &Installed, items: usize) -> Outcome<Vec<Row>> {
    let folder = std::env::temp_dir().join(format!("syncretic-bench.{}", std::process::id()));
    std::fs::create_dir(&folder).map_err(|error| Failure::io("make", &folder, &error))?;
    let ways: &[&'static str] = if plugin.manifest.kind == Kind::Library { &["none", "process"] } else { &["process"] };
    let rows = ways.iter().map(|way| measure(plugin, &folder, way, items)).collect();
    let _ = std::fs::remove_dir_all(&folder);
    rows
}

#[derive(Default)]
struct Counted {
    known: HashMap<Key, Fingerprint>,
    broken: usize,
}

impl Sink for Counted {
    fn item(&mut self, item: Item) {
        self.known.insert(item.key, item.fingerprint);
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.known.insert(key, fingerprint);
    }

    fn broken(&mut self, _: Broken) {
        self.broken += 1;
    }
}

impl Known for Counted {
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

fn measure(plugin: &Installed, folder: &std::path::Path, way: &'static str, items: usize) -> Outcome<Row> {
    let options = Options::from([(ISOLATION.to_owned(), OptionValue::Text(way.to_owned()))]);
    let subject = Described::read(&plugin.folder, plugin, options)?;
    let path = subject.place(folder);
    subject.make(&path, items).map_err(|error| Failure::io("make", &path, &error))?;
    let failed = |error: Error| Failure::new(Exit::Internal, error.to_string());
    let mut adapter = plugin.open(path, &subject.options(), Box::new(Silent)).map_err(failed)?;
    let mut found = Counted::default();
    let began = Instant::now();
    adapter.scan(&Counted::default(), &mut found).map_err(failed)?;
    let new = began.elapsed().as_nanos() / items.max(1) as u128;
    let began = Instant::now();
    adapter.scan(&found, &mut Counted::default()).map_err(failed)?;
    Ok((way, new, began.elapsed().as_nanos() / items.max(1) as u128))
}
