//! The folder as an endpoint.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::Path;

use adapter::format::Silent;
use adapter::{
    Adapter, Blobs, Broken, Error, Expect, Fate, Fingerprint, Item, Key, Known, Mode, Op, OptionValue, Options, Outcome, Outcomes, Scan,
    Sink, StepId,
};
use record::{Blob, Digest, Kind, Record, RecordId, Value};
use tempfile::TempDir;

use crate::format;
use crate::mark::Mark;

#[derive(Default)]
struct Memory(BTreeMap<Key, Fingerprint>);

impl Known for Memory {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.0.get(key).cloned()
    }

    fn count(&self) -> usize {
        self.0.len()
    }

    fn each(&self, take: &mut dyn FnMut(&Key, &Fingerprint)) -> bool {
        self.0.iter().for_each(|(key, fingerprint)| take(key, fingerprint));
        true
    }
}

#[derive(Default)]
struct Found {
    items: Vec<Item>,
    moved: Vec<(String, String)>,
    unchanged: Vec<(Key, Fingerprint)>,
    broken: Vec<Broken>,
}

impl Sink for Found {
    fn item(&mut self, item: Item) {
        self.items.push(item);
    }

    fn moved(&mut self, item: Item, from: Key) {
        self.moved.push((from.0, item.key.0.clone()));
        self.items.push(item);
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.unchanged.push((key, fingerprint));
    }

    fn broken(&mut self, broken: Broken) {
        self.broken.push(broken);
    }
}

impl Found {
    fn memory(&self) -> Memory {
        let items = self.items.iter().map(|item| (item.key.clone(), item.fingerprint.clone()));
        Memory(items.chain(self.unchanged.iter().cloned()).collect())
    }

    fn keys(&self) -> Vec<&str> {
        self.items.iter().map(|item| item.key.0.as_str()).collect()
    }
}

/// Gives any content whose digest it knows; claims nothing else.
struct Contents(BTreeMap<Digest, Vec<u8>>);

impl Blobs for Contents {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error> {
        let bytes = self.0.get(&digest).ok_or_else(|| Error::Transient { reason: "not here".into(), retry_after: None })?;
        Ok(Box::new(bytes.as_slice()))
    }
}

#[derive(Default)]
struct Answers(BTreeMap<usize, Outcome>);

impl Outcomes for Answers {
    fn outcome(&mut self, index: usize, outcome: Outcome) {
        self.0.insert(index, outcome);
    }
}

struct Tree {
    dir: TempDir,
}

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(tree.root()).unwrap();
        files.iter().for_each(|(name, content)| tree.put(name, content));
        tree
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("root")
    }

    fn put(&self, name: &str, content: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn open(&self, options: &[(&str, OptionValue)]) -> Box<dyn Adapter> {
        let options: Options = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        format().open(self.root(), &options, Box::new(Silent)).unwrap()
    }

    fn scan(&self, known: &Memory) -> Found {
        let mut found = Found::default();
        let _: Scan = self.open(&[("symlinks", OptionValue::Boolean(true))]).scan(known, &mut found).unwrap();
        found
    }

    /// Makes an item of a record, and returns the answer.
    fn make(&self, record: &Record, contents: &[&str]) -> Outcome {
        let contents = Contents(contents.iter().map(|text| (Digest::of(text.as_bytes()), text.as_bytes().to_vec())).collect());
        let op = Op::Put { id: RecordId([1; 16]), key: None, expect: Expect::Absent, record, changed: &[] };
        let (mut adapter, mut answers) = (self.open(&[("symlinks", OptionValue::Boolean(true))]), Answers::default());
        adapter.apply(StepId([1; 16]), &[op], Mode::Perform, &contents, &mut answers).unwrap();
        adapter.settle(StepId([1; 16])).unwrap();
        answers.0.remove(&0).unwrap()
    }
}

fn file(path: &str, content: &str) -> Record {
    let blob = Blob { digest: Digest::of(content.as_bytes()), length: content.len() as u64 };
    Record::new(Kind::FILE).with("path", Value::text(path)).with("content", Value::Blob(blob))
}

fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What a person did, and how.
type Change = (&'static str, &'static dyn Fn(&Path));

#[test]
fn a_note_tells_that_nothing_changed_and_every_change() {
    use std::os::unix::fs::PermissionsExt as _;
    let tree = Tree::new(&[("a/b.txt", "b"), ("c.txt", "c"), ("skip.tmp", "x")]);
    fs::create_dir(tree.root().join("empty")).unwrap();
    symlink("c.txt", tree.root().join("link")).unwrap();
    let later = || (adapter::staging::now().0 + 3600, 0);
    let open = |exclude: &str, clock: fn() -> _| {
        let list = OptionValue::List(vec![exclude.to_owned()]);
        let options = Options::from([("exclude".to_owned(), list), ("symlinks".to_owned(), OptionValue::Boolean(true))]);
        crate::folder(tree.root(), &options, Box::new(Silent)).unwrap().at(clock)
    };
    let note = || open("*.tmp", later).scan(&Memory::default(), &mut Found::default()).unwrap().note.unwrap();
    let same = |note: &[u8]| open("*.tmp", later).same(note).unwrap();
    assert!(same(&note()));
    assert!(!same(b"") && !same(&[0; 32]));
    let changes: [Change; 11] = [
        ("an edit of the same size", &|root| fs::write(root.join("c.txt"), "d").unwrap()),
        ("a new file", &|root| fs::write(root.join("a/new"), "").unwrap()),
        ("a file less", &|root| fs::remove_file(root.join("a/new")).unwrap()),
        ("another name", &|root| fs::rename(root.join("c.txt"), root.join("d.txt")).unwrap()),
        ("two names exchanged", &|root| {
            for (from, to) in [("d.txt", "x"), ("a/b.txt", "d.txt"), ("x", "a/b.txt")] {
                fs::rename(root.join(from), root.join(to)).unwrap();
            }
        }),
        ("a bit", &|root| fs::set_permissions(root.join("d.txt"), fs::Permissions::from_mode(0o755)).unwrap()),
        ("a folder", &|root| fs::create_dir(root.join("a/empty")).unwrap()),
        ("a folder that is filled", &|root| fs::write(root.join("a/empty/skip.tmp"), "").unwrap()),
        ("a folder less", &|root| fs::remove_dir(root.join("empty")).unwrap()),
        ("a file for a folder", &|root| fs::write(root.join("empty"), "").unwrap()),
        ("another link", &|root| {
            fs::remove_file(root.join("link")).unwrap();
            symlink("d.txt", root.join("link")).unwrap();
        }),
    ];
    for (what, change) in changes {
        let before = note();
        change(&tree.root());
        assert!(!same(&before), "{what} went unseen");
        assert!(same(&note()), "{what}");
    }
    let before = note();
    fs::write(tree.root().join("skip.tmp"), "what is left out does not count").unwrap();
    assert!(same(&before));
    assert!(!open("*.bak", later).same(&before).unwrap(), "other rules see another folder");
    // What was saved just now may be saved again within the same tick of the clock.
    let now = || adapter::staging::now();
    assert!(!open("*.tmp", now).same(&before).unwrap());
    assert_eq!(open("*.tmp", now).scan(&Memory::default(), &mut Found::default()).unwrap().note, None);
}

#[test]
fn what_is_left_out_but_known_keeps_a_folder_from_being_told_by_its_note() {
    let tree = Tree::new(&[("a.txt", "a"), ("b.tmp", "b")]);
    let known = tree.scan(&Memory::default()).memory();
    let options = Options::from([("exclude".to_owned(), OptionValue::List(vec!["*.tmp".to_owned()]))]);
    let mut folder = crate::folder(tree.root(), &options, Box::new(Silent)).unwrap().at(|| (adapter::staging::now().0 + 3600, 0));
    assert_eq!(folder.scan(&known, &mut Found::default()).unwrap().note, None);
}

#[test]
fn nothing_is_ever_written_outside_of_the_folder() {
    let tree = Tree::new(&[("a", "a"), ("in/b", "b")]);
    fs::create_dir(tree.dir.path().join("elsewhere")).unwrap();
    symlink("../elsewhere", tree.root().join("out")).unwrap();
    symlink("in", tree.root().join("inner")).unwrap();
    for path in ["../x", "/tmp/x", "in/../../x", "out/x", "inner/x", ".syncretic/x", "a/x", "in", "x\0y", "", &"n".repeat(300)] {
        let answer = tree.make(&file(path, "new"), &["new"]);
        assert!(matches!(answer, Outcome::Refused { .. }), "{path:?}: {answer:?}");
    }
    let link = Record::new(Kind::FILE).with("path", Value::text("l")).with("symlink", Value::text("../elsewhere"));
    assert!(matches!(tree.make(&link, &[]), Outcome::Refused { .. }));
    assert_eq!(names(tree.dir.path()), ["elsewhere", "root"]);
    assert!(names(&tree.dir.path().join("elsewhere")).is_empty());
    assert_eq!(names(&tree.root()), ["a", "in", "inner", "out"]);
}

#[test]
fn content_that_is_not_what_it_claims_to_be_is_refused_alone() {
    let tree = Tree::new(&[("a", "a")]);
    let huge = Blob { digest: Digest::of(b"x"), length: 1 << 60 };
    let claims = file("huge", "x").with("content", Value::Blob(huge));
    assert!(matches!(tree.make(&claims, &["x"]), Outcome::Refused { reason } if reason.contains("no space left")));
    let longer = file("longer", "x").with("content", Value::Blob(Blob { length: 2, ..huge }));
    assert!(matches!(tree.make(&longer, &["x"]), Outcome::Refused { reason } if reason.contains("damaged")));
    assert_eq!(names(&tree.root()), ["a"]);
    assert!(matches!(tree.make(&file("deep/er/b", "b"), &["b"]), Outcome::Put { .. }));
    assert_eq!(fs::read_to_string(tree.root().join("deep/er/b")).unwrap(), "b");
}

#[test]
fn a_moved_file_is_known_by_its_number_even_if_it_was_edited() {
    let tree = Tree::new(&[("docs/a", "one"), ("docs/b", "same"), ("docs/c", "same")]);
    let known = tree.scan(&Memory::default()).memory();
    fs::rename(tree.root().join("docs"), tree.root().join("papers")).unwrap();
    tree.put("papers/a", "one, edited");
    let found = tree.scan(&known);
    let moved = |name: &str| (format!("docs/{name}"), format!("papers/{name}"));
    assert_eq!(found.moved, [moved("a"), moved("b"), moved("c")]);
    let again = tree.scan(&found.memory());
    assert!(again.items.is_empty() && again.unchanged.len() == 3);
}

#[test]
fn a_moved_file_is_known_though_another_had_its_number_before() {
    let tree = Tree::new(&[("a", "one")]);
    let mut known = tree.scan(&Memory::default()).memory();
    let mark = Mark::read(&known.fingerprint(&Key("a".to_owned())).unwrap()).unwrap();
    // A file that is gone, and whose number the file `a` got: whether it stands before or after it in the order of names.
    for gone in ["0", "z"] {
        known.0.insert(Key(gone.to_owned()), Mark { born: (1, 1), ..mark }.fingerprint());
    }
    fs::rename(tree.root().join("a"), tree.root().join("b")).unwrap();
    tree.put("b", "edited");
    assert_eq!(tree.scan(&known).moved, [("a".to_owned(), "b".to_owned())]);
}

#[test]
fn a_name_that_is_there_still_is_the_same_file_however_it_was_saved() {
    let tree = Tree::new(&[("a", "one")]);
    let known = tree.scan(&Memory::default()).memory();
    fs::rename(tree.root().join("a"), tree.root().join("a~")).unwrap();
    tree.put("a", "two");
    let found = tree.scan(&known);
    assert!(found.moved.is_empty());
    assert_eq!(found.keys(), ["a", "a~"]);
}

#[test]
fn a_folder_has_a_record_only_while_it_is_empty() {
    let tree = Tree::new(&[("full/a", "a"), ("only/x.tmp", "left out")]);
    fs::create_dir_all(tree.root().join("empty/in")).unwrap();
    let mut found = Found::default();
    let options = [("exclude", OptionValue::List(vec!["*.tmp".into()]))];
    tree.open(&options).scan(&Memory::default(), &mut found).unwrap();
    assert_eq!(found.keys(), ["empty/in", "full/a"]);
    // A folder that was known stays, although what lies in it now is left out.
    tree.put("empty/in/y.tmp", "left out");
    let mut again = Found::default();
    tree.open(&options).scan(&found.memory(), &mut again).unwrap();
    assert_eq!(again.unchanged.len(), 2);
}

#[test]
fn what_stands_in_a_folders_place_hides_it_and_deletes_nothing() {
    let tree = Tree::new(&[("docs/a", "one"), ("b", "two")]);
    let known = tree.scan(&Memory::default()).memory();
    fs::rename(tree.root().join("docs"), tree.dir.path().join("docs")).unwrap();
    symlink(tree.dir.path().join("docs"), tree.root().join("docs")).unwrap();
    for symlinks in [true, false] {
        let mut found = Found::default();
        tree.open(&[("symlinks", OptionValue::Boolean(symlinks))]).scan(&known, &mut found).unwrap();
        assert!(found.broken.len() == 1 && found.broken[0].key.is_none(), "{:?}", found.broken);
    }
}

#[test]
fn names_in_either_normal_form_show_one_and_stay_as_they_are() {
    let tree = Tree::new(&[("cafe\u{301}", "x")]);
    let found = tree.scan(&Memory::default());
    assert_eq!(found.keys(), ["cafe\u{301}"]);
    assert_eq!(found.items[0].record.text("path"), Some("caf\u{e9}"));
}

#[test]
fn zeros_become_holes() {
    use std::os::unix::fs::MetadataExt as _;
    let tree = Tree::new(&[]);
    let image = format!("{}x{}", "\0".repeat(3 << 20), "\0".repeat(5 << 20));
    assert!(matches!(tree.make(&file("image", &image), &[&image]), Outcome::Put { .. }));
    let path = tree.root().join("image");
    assert!(fs::read(&path).unwrap() == image.as_bytes());
    let taken = fs::metadata(&path).unwrap().blocks() * 512;
    assert!(taken < 1 << 20, "{taken} bytes of the disk for one that is not zero");
}

/// Changes what a scan found at `a` to this record, dies before the step is settled, lets a person write, and recovers.
fn recovered_after(record: &Record, content: &str, write: impl FnOnce(&Tree)) -> (Tree, Vec<Fate>) {
    let tree = Tree::new(&[("a", "one")]);
    let known = tree.scan(&Memory::default()).memory();
    let key = Key("a".to_owned());
    let expected = known.fingerprint(&key).unwrap();
    let op = Op::Put { id: RecordId([1; 16]), key: Some(&key), expect: Expect::Fingerprint(&expected), record, changed: &[] };
    let contents = Contents([(Digest::of(content.as_bytes()), content.as_bytes().to_vec())].into());
    tree.open(&[]).apply(StepId([2; 16]), &[op], Mode::Perform, &contents, &mut Answers::default()).unwrap();
    write(&tree);
    let fates = tree.open(&[]).recover(StepId([2; 16])).unwrap();
    tree.open(&[]).settle(StepId([2; 16])).unwrap();
    (tree, fates)
}

#[test]
fn what_is_written_to_a_file_that_was_moved_and_replaced_survives_a_crash_of_the_sync() {
    let (tree, fates) = recovered_after(&file("b", "two"), "two", |tree| tree.put("b", "three"));
    assert_eq!(fs::read_to_string(tree.root().join("b")).unwrap(), "three", "{fates:?}");
    assert!(matches!(fates.as_slice(), [Fate::Done { .. }]), "{fates:?}");
}

#[test]
fn what_is_written_to_a_file_that_took_a_folders_place_survives_a_crash_of_the_sync() {
    let tree = Tree::new(&[]);
    fs::create_dir(tree.root().join("a")).unwrap();
    let known = tree.scan(&Memory::default()).memory();
    let key = Key("a".to_owned());
    let expected = known.fingerprint(&key).unwrap();
    let record = file("a", "two");
    let op = Op::Put { id: RecordId([1; 16]), key: Some(&key), expect: Expect::Fingerprint(&expected), record: &record, changed: &[] };
    let contents = Contents([(Digest::of(b"two"), b"two".to_vec())].into());
    tree.open(&[]).apply(StepId([2; 16]), &[op], Mode::Perform, &contents, &mut Answers::default()).unwrap();
    tree.put("a", "three");
    let fates = tree.open(&[]).recover(StepId([2; 16])).unwrap();
    tree.open(&[]).settle(StepId([2; 16])).unwrap();
    assert_eq!(fs::read_to_string(tree.root().join("a")).unwrap(), "three", "{fates:?}");
}

#[test]
fn a_file_that_was_moved_and_saved_anew_is_the_same_after_a_crash_of_the_sync() {
    let (tree, fates) = recovered_after(&file("b", "one"), "one", |tree| {
        tree.put("new", "three");
        fs::rename(tree.root().join("new"), tree.root().join("b")).unwrap();
    });
    assert_eq!(fs::read_to_string(tree.root().join("b")).unwrap(), "three");
    assert!(matches!(fates.as_slice(), [Fate::Done { key: Some(Key(key)), .. }] if key == "b"), "{fates:?}");
}
