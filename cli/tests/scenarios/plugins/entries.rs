//! Every entry of a library: panics are caught, crashes end the helper alone, and secrets, blobs and known items cross.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use adapter::format::Silent;
use adapter::host::Library;
use adapter::plugged::Plugin;
use adapter::remote::{Limits, Program};
use adapter::{
    Adapter, Blobs, Broken, Description, Error, Expect, Fingerprint, Format, Host, Item, Key, Known, Mode, Op, Options, Outcome, Outcomes,
    Sink, StepId,
};
use record::{Blob, Digest, Kind, Record, RecordId, Value};

use super::workshop::{cargo, root};

const ID: &str = "org.example.unsteady";

fn sources() -> PathBuf {
    root().join("cli/tests/scenarios/plugins/unsteady")
}

fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| cargo(&sources(), "libunsteady.so"))
}

fn description() -> Description {
    Description { id: ID, summary: "Unsteady.", kinds: vec![Kind::ROW], options: Vec::new() }
}

/// The plugin in this process.
fn here() -> Plugin {
    Plugin::library(description(), Library::load(library()).unwrap())
}

/// The plugin in a helper, which misbehaves as it is told.
fn apart(asked: &str) -> Plugin {
    let program = env!("CARGO_BIN_EXE_syncretic");
    let arguments = [&format!("UNSTEADY={asked}"), program, "adapter-host", "--id", ID].map(OsString::from);
    let arguments = arguments.into_iter().chain([library().into()]).collect();
    let limits = Limits { silence: Duration::from_secs(5), grace: Duration::from_secs(5) };
    Plugin::program(description(), Program { id: ID.to_owned(), command: "/usr/bin/env".into(), arguments, limits })
}

#[derive(Default)]
struct Found {
    items: Vec<Item>,
    unchanged: BTreeMap<Key, Fingerprint>,
    answers: Vec<Outcome>,
}

impl Sink for Found {
    fn item(&mut self, item: Item) {
        self.items.push(item);
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.unchanged.insert(key, fingerprint);
    }

    fn broken(&mut self, broken: Broken) {
        panic!("{broken:?}");
    }
}

impl Outcomes for Found {
    fn outcome(&mut self, _: usize, outcome: Outcome) {
        self.answers.push(outcome);
    }
}

/// What is known: everything that was found.
impl Known for Found {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.items.iter().find(|item| item.key == *key).map(|item| item.fingerprint.clone())
    }

    fn count(&self) -> usize {
        self.items.len()
    }

    fn each(&self, take: &mut dyn FnMut(&Key, &Fingerprint)) -> bool {
        self.items.iter().for_each(|item| take(&item.key, &item.fingerprint));
        true
    }
}

/// Blobs by digest.
struct Chest(BTreeMap<Digest, Vec<u8>>);

impl Blobs for Chest {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error> {
        match self.0.get(&digest) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => Err(Error::Transient { reason: "the blob is not here".to_owned(), retry_after: None }),
        }
    }
}

fn put(record: &Record) -> Op<'_> {
    Op::Put { id: RecordId([1; 16]), key: None, expect: Expect::Absent, record, changed: &[] }
}

/// A call of one entry.
type Call = fn(&mut dyn Adapter) -> Result<(), Error>;

/// The entries that an opened endpoint has, and a call of each.
const ENTRIES: &[(&str, Call)] = &[
    ("same", |adapter| adapter.same(b"note").map(drop)),
    ("scan", |adapter| adapter.scan(&Found::default(), &mut Found::default()).map(drop)),
    ("apply", |adapter| {
        let record = Record::new(Kind::ROW).with("cells/Name", Value::text("new"));
        adapter.apply(StepId([1; 16]), &[put(&record)], Mode::Perform, &Chest(BTreeMap::new()), &mut Found::default())
    }),
    ("recover", |adapter| adapter.recover(StepId([1; 16])).map(drop)),
    ("settle", |adapter| adapter.settle(StepId([1; 16]))),
    ("blob", |adapter| adapter.blob(&Key::new("one"), Digest::of(b""), &mut Vec::new())),
];

fn open(plugin: &Plugin, place: &str, host: impl Host + 'static) -> Result<Box<dyn Adapter>, Error> {
    plugin.open(PathBuf::from(place), &Options::new(), Box::new(host))
}

#[track_caller]
fn says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    assert!(text.contains(ID) && words.iter().all(|word| text.contains(word)), "{words:?} is not in: {text}");
}

#[test]
fn a_panic_in_any_entry_is_an_error_that_names_the_plugin_and_the_instance_is_not_used_again() {
    let plugin = here();
    for entry in ["open", "profile"] {
        let error = open(&plugin, &format!("panic-{entry}"), Silent).err().unwrap();
        says(&error, &["has a bug", &format!("as asked in {entry}"), "lib.rs", "tell its author"]);
    }
    for (entry, call) in ENTRIES {
        let mut adapter = open(&plugin, &format!("panic-{entry}"), Silent).unwrap();
        says(&call(adapter.as_mut()).unwrap_err(), &["has a bug", &format!("as asked in {entry}")]);
        for (_, again) in ENTRIES {
            says(&again(adapter.as_mut()).unwrap_err(), &["it stopped at a bug before"]);
        }
    }
    // Whoever panics when it is closed has nobody to tell; the process goes on.
    drop(open(&plugin, "panic-close", Silent).unwrap());
    let mut adapter = open(&plugin, "fine", Silent).unwrap();
    adapter.scan(&Found::default(), &mut Found::default()).unwrap();
}

/// Runs one entry of a helper that misbehaves there, and returns what came of it.
fn misbehaved(how: &str, entry: &str) -> Error {
    let plugin = apart(&format!("{how}-{entry}"));
    if matches!(entry, "load" | "describe") {
        return plugin.ask(Arc::new(Silent)).unwrap_err();
    }
    let mut adapter = match open(&plugin, "place", Silent) {
        Ok(adapter) => adapter,
        Err(error) => return error,
    };
    let (_, call) = ENTRIES.iter().find(|(name, _)| *name == entry).unwrap();
    let error = call(adapter.as_mut()).unwrap_err();
    // It is over, and says so at once.
    if how != "panic" {
        assert_eq!(call(adapter.as_mut()).unwrap_err().to_string(), error.to_string());
    }
    error
}

#[test]
fn a_panic_a_crash_an_exit_or_an_endless_loop_in_any_entry_ends_the_helper_alone() {
    const WAYS: &[(&str, &str)] = &[
        ("panic", "has a bug"),
        ("segv", "crashed (SIGSEGV)"),
        ("abort", "crashed (SIGABRT)"),
        ("exit", "ended with exit code 0"),
        ("loop", "said nothing for 5 s"),
    ];
    let entries = ["load", "describe", "open", "profile"].into_iter().chain(ENTRIES.iter().map(|(name, _)| *name));
    library();
    std::thread::scope(|scope| {
        for entry in entries {
            scope.spawn(move || WAYS.iter().for_each(|(how, words)| says(&misbehaved(how, entry), &[words])));
        }
    });
    for (how, _) in WAYS.iter().filter(|(how, _)| *how != "loop") {
        let mut adapter = open(&apart(&format!("{how}-close")), "place", Silent).unwrap();
        adapter.scan(&Found::default(), &mut Found::default()).unwrap();
    }
}

/// A host that knows one secret, and hears what is said.
#[derive(Clone, Default)]
struct Listening(Arc<Mutex<Vec<String>>>);

impl Host for Listening {
    fn log(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }

    fn progress(&self, _: u64, _: Option<u64>) {}

    fn cancelled(&self) -> bool {
        false
    }

    fn secret(&self, name: &str) -> Option<String> {
        // Longer than whoever asks makes room for at first.
        (name == "word").then(|| "sesame ".repeat(100))
    }
}

#[test]
fn secrets_blobs_and_what_is_known_cross_in_process_and_isolated() {
    for plugin in [here(), apart("")] {
        let host = Listening::default();
        let mut adapter = open(&plugin, "place", host.clone()).unwrap();
        let mut found = Found::default();
        adapter.scan(&Found::default(), &mut found).unwrap();
        assert!(found.items.iter().all(|item| item.record.text("cells/Word") == Some(&"sesame ".repeat(100))), "{:?}", found.items);
        // What is known is not built again, and nothing of it is parsed.
        let mut again = Found::default();
        adapter.scan(&found, &mut again).unwrap();
        assert!(again.items.is_empty() && again.unchanged.len() == 2);
        let built: Vec<String> = host.0.lock().unwrap().iter().filter(|line| line.starts_with("built ")).cloned().collect();
        assert_eq!((built.len(), &built[0]), (2, &built[1]), "a known item was built");
        assert!(adapter.same(b"note").unwrap() && !adapter.same(b"other").unwrap());
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let blob = Blob { digest: Digest::of(&bytes), length: bytes.len() as u64 };
        let record = Record::new(Kind::ROW).with("cells/Name", Value::text("b")).with("cells/Blob", Value::Blob(blob));
        let nothing = Chest(BTreeMap::new());
        let refused = adapter.apply(StepId([2; 16]), &[put(&record)], Mode::Perform, &nothing, &mut Found::default()).unwrap_err();
        assert!(refused.to_string().contains("the blob is not here"), "{refused}");
        let mut answered = Found::default();
        let chest = Chest([(blob.digest, bytes.clone())].into());
        adapter.apply(StepId([2; 16]), &[put(&record)], Mode::Perform, &chest, &mut answered).unwrap();
        assert!(matches!(&answered.answers[..], [Outcome::Put { record: shown, .. }] if *shown == record));
        let mut streamed = Vec::new();
        adapter.blob(&Key::new("put"), blob.digest, &mut streamed).unwrap();
        assert!(streamed == bytes, "{} of {} bytes came back, or others", streamed.len(), bytes.len());
        let stranger = adapter.blob(&Key::new("put"), Digest::of(b"x"), &mut Vec::new()).unwrap_err();
        assert!(stranger.to_string().contains("no such blob"), "{stranger}");
    }
}

#[test]
fn a_library_that_would_abort_at_a_panic_does_not_compile() {
    let mut command = Command::new(env!("CARGO"));
    command.args(["rustc", "--offline", "--lib"]).current_dir(sources()).env_remove("RUSTFLAGS");
    command.env("CARGO_TARGET_DIR", root().join("target/examples")).args(["--", "-C", "panic=abort"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("an adapter must be built with panic = \"unwind\""), "{said}");
}

#[test]
fn a_plugin_in_rust_names_two_crates_and_its_whole_tree_stays_small() {
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--offline", "--locked", "--prefix", "none", "--edges", "normal,build", "--no-dedupe"]);
    let output = command.current_dir(root().join("examples/plugins/todo-txt")).output().unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    let mut crates: Vec<&str> = tree.lines().filter_map(|line| line.split(" (").next()).filter(|line| !line.is_empty()).collect();
    crates.sort_unstable();
    crates.dedup();
    crates.retain(|name| !name.starts_with("todo-txt "));
    assert!((3..=15).contains(&crates.len()), "{crates:#?}\n{}", String::from_utf8_lossy(&output.stderr));
    let manifest = std::fs::read_to_string(root().join("examples/plugins/todo-txt/Cargo.toml")).unwrap();
    let (_, named) = manifest.split_once("[dependencies]\n").unwrap();
    assert_eq!(named.lines().take_while(|line| !line.starts_with('[')).filter(|line| line.contains('=')).count(), 2);
}
