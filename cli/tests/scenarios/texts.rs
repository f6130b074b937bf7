//! Text files that two devices changed: merged line by line where the changes do not meet, and set aside where they do.

use std::cell::Cell;
use std::fs;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use adapter::Format as _;
use adapter::format::Silent;
use engine::objects::sqlite::Sqlite;
use engine::{Doors, Guard, Keys, Point, Randomness, Report, Settings};
use protocol::{Collection, DeviceId, Signature};
use store::Memory;

use crate::harness::{Desk, Run};

const DEVICES: [&str; 3] = ["one", "two", "three"];
const POEM: &str = "roses\nviolets\nsugar\nand so are you\n";
const MERGED: &str = "ROSES\nviolets\nsugar\nand so are you\nthe end\n";

/// Three devices with a folder each, over one store; the files are on all of them.
fn devices(conflict: &str, files: &[(&str, &[u8])]) -> Desk {
    let desk = Desk::new();
    for name in DEVICES {
        let job = format!("[job.files]\n[[job.files.endpoint]]\nadapter = \"fs\"\npath = \"{name}\"\n[job.files.conflict]\n{conflict}\n");
        desk.put(&format!("{name}.toml"), job);
        fs::create_dir(desk.path(name)).unwrap();
    }
    files.iter().for_each(|(name, content)| desk.put(&format!("one/{name}"), content));
    DEVICES.iter().for_each(|name| drop(sync(&desk, name)));
    desk
}

#[track_caller]
fn sync(desk: &Desk, device: &str) -> Run {
    let run = desk.run(&["-c", &format!("{device}.toml"), "sync"]);
    assert_eq!(run.code, 0, "{run:?}");
    run
}

/// Syncs all until each has everything.
fn settle(desk: &Desk) {
    for _ in 0..2 {
        DEVICES.iter().for_each(|name| drop(sync(desk, name)));
    }
}

/// Returns the names and contents of a device's files.
fn files(desk: &Desk, device: &str) -> Vec<(String, String)> {
    contents(&desk.path(device))
}

fn contents(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let mut all: Vec<(String, String)> =
        entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read(&path))).collect();
    all.sort();
    all
}

#[test]
fn changes_at_the_top_and_at_the_end_are_merged_on_every_device() {
    let desk = devices("merge = \"text\"", &[("poem.txt", POEM.as_bytes()), ("plain.txt", b"p")]);
    desk.edit("one/poem.txt", "roses", "ROSES");
    desk.edit("two/poem.txt", "you\n", "you\nthe end\n");
    sync(&desk, "one");
    let run = sync(&desk, "two");
    assert!(run.out.contains("merged line by line"), "{}", run.out);
    settle(&desk);
    for device in DEVICES {
        assert_eq!(files(&desk, device), [("plain.txt".to_owned(), "p".to_owned()), ("poem.txt".to_owned(), MERGED.to_owned())]);
    }
    let json = desk.run(&["-c", "two.toml", "sync", "--format", "json"]).json();
    assert_eq!((&json["jobs"][0]["bytes_written"], &json["jobs"][0]["conflicts"]), (&0.into(), &0.into()));
    let trash = fs::read_dir(desk.path("two/.syncretic/trash")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_to_string(trash.join("poem.txt")).unwrap(), POEM.replace("you\n", "you\nthe end\n"), "as it was before the merge");
}

#[test]
fn all_three_may_change_a_part_of_their_own() {
    let desk = devices("merge = \"text\"", &[("poem.txt", POEM.as_bytes())]);
    desk.edit("one/poem.txt", "roses", "ROSES");
    desk.edit("two/poem.txt", "sugar", "SUGAR");
    desk.edit("three/poem.txt", "you\n", "you\nthe end\n");
    settle(&desk);
    for device in DEVICES {
        assert_eq!(files(&desk, device), [("poem.txt".to_owned(), MERGED.replace("sugar", "SUGAR"))]);
    }
}

#[test]
fn line_endings_and_a_byte_order_mark_are_kept() {
    let base = "\u{feff}a\r\nb\r\nc\r\nd";
    let desk = devices("merge = \"text\"", &[("notes.txt", base.as_bytes())]);
    desk.put("one/notes.txt", base.replace("a\r\n", "A\r\n"));
    desk.put("two/notes.txt", base.replace("\nd", "\nd\r\ne"));
    settle(&desk);
    assert_eq!(desk.text("three/notes.txt"), "\u{feff}A\r\nb\r\nc\r\nd\r\ne");
}

#[test]
fn changes_of_the_same_line_stand_in_two_files_without_a_mark_in_either() {
    let desk = devices("merge = \"text\"", &[("poem.txt", POEM.as_bytes())]);
    desk.edit("one/poem.txt", "roses", "ROSES");
    desk.edit("two/poem.txt", "roses", "tulips");
    settle(&desk);
    let expected = [POEM.replace("roses", "tulips"), POEM.replace("roses", "ROSES")];
    for device in DEVICES {
        let found = files(&desk, device);
        assert!(found.len() == 2 && found[0].0.starts_with("poem (conflict, "), "{found:?}");
        assert_eq!([&found[0].1, &found[1].1], [&expected[0], &expected[1]]);
    }
}

#[test]
fn what_is_not_text_or_was_not_asked_for_is_not_merged() {
    let binary: Vec<u8> = POEM.bytes().chain([0, b'\n']).collect();
    let latin: Vec<u8> = POEM.bytes().chain([0xe9, b'\n']).collect();
    let long = format!("{POEM}{}\n", "x".repeat(4 << 20));
    for (conflict, content) in [
        ("merge = \"text\"", binary.as_slice()),
        ("merge = \"text\"", latin.as_slice()),
        ("merge = \"text\"", long.as_bytes()),
        ("merge = \"none\"", POEM.as_bytes()),
        ("", POEM.as_bytes()),
    ] {
        let desk = devices(conflict, &[("poem", content)]);
        let end: Vec<u8> = content.iter().copied().chain(*b"the end\n").collect();
        let top: Vec<u8> = b"first\n".iter().chain(content).copied().collect();
        desk.put("one/poem", top);
        desk.put("two/poem", end);
        settle(&desk);
        assert_eq!(files(&desk, "three").len(), 2, "{conflict}");
    }
}

#[test]
fn a_side_that_has_the_other_ones_changes_already_is_only_told() {
    let desk = devices("merge = \"text\"", &[("poem.txt", POEM.as_bytes())]);
    desk.edit("one/poem.txt", "roses", "ROSES");
    desk.put("two/poem.txt", MERGED);
    sync(&desk, "one");
    let run = sync(&desk, "two");
    assert!(run.out.contains("merged line by line"), "{}", run.out);
    desk.edit("one/poem.txt", "violets", "VIOLETS");
    settle(&desk);
    for device in DEVICES {
        assert_eq!(files(&desk, device), [("poem.txt".to_owned(), MERGED.replace("violets", "VIOLETS"))]);
    }
}

#[test]
fn with_mine_a_text_is_merged_as_well() {
    let desk = devices("merge = \"text\"\nsame-field = \"mine\"", &[("poem.txt", POEM.as_bytes())]);
    desk.edit("one/poem.txt", "roses", "ROSES");
    desk.edit("two/poem.txt", "you\n", "you\nthe end\n");
    settle(&desk);
    for device in DEVICES {
        assert_eq!(files(&desk, device), [("poem.txt".to_owned(), MERGED.to_owned())]);
    }
    let json = desk.run(&["-c", "one.toml", "sync", "--format", "json"]).json();
    assert_eq!(json["jobs"][0]["conflicts"], 0);
}

#[test]
fn a_plan_says_what_would_be_merged_and_merges_nothing() {
    let desk = devices("merge = \"text\"", &[("poem.txt", POEM.as_bytes())]);
    desk.edit("one/poem.txt", "roses", "ROSES");
    desk.edit("two/poem.txt", "you\n", "you\nthe end\n");
    sync(&desk, "one");
    let before = desk.contents();
    let run = desk.run(&["-c", "two.toml", "plan"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("poem.txt") && run.out.contains("merged line by line"), "{}", run.out);
    let json = desk.run(&["-c", "two.toml", "plan", "--format", "json"]).json();
    let changes = json["jobs"][0]["endpoints"][0]["changes"].as_array().unwrap();
    let merged: Vec<_> = changes.iter().filter(|change| change["change"] == "merged").collect();
    assert!(merged.len() == 1 && merged[0]["field"] == "content" && merged[0]["now"] != merged[0]["with"], "{json}");
    assert_eq!(desk.contents(), before);
}

/// A device without a signature worth the name.
struct Device(u8, AtomicU64);

impl Keys for Device {
    fn device(&self) -> DeviceId {
        DeviceId([self.0; 32])
    }

    fn sign(&self, _: &[u8]) -> Signature {
        Signature([0; 64])
    }

    fn verify(&self, _: &Collection, _: &DeviceId, _: &[u8], _: &Signature) -> bool {
        true
    }
}

impl Randomness for Device {
    fn id(&self) -> [u8; 16] {
        let mut id = [self.0; 16];
        id.iter_mut().zip(self.1.fetch_add(1, Ordering::SeqCst).to_be_bytes()).for_each(|(to, from)| *to = from);
        id
    }
}

/// Runs one session of a device's folder; none if it ended at the point.
fn session(store: &Memory, device: &Device, root: &Path, end: Option<Point>) -> Option<Report> {
    let folder = root.join(device.0.to_string());
    fs::create_dir_all(&folder).unwrap();
    let settings = Settings {
        collection: "files".parse().unwrap(),
        policy: delta::Policy::Store,
        guard: Guard::default(),
        link: true,
        confirmed: Default::default(),
        merge_text: true,
        device: device.0.to_string(),
    };
    let mut adapter = adapter_fs::Files.open(folder, &Default::default(), Box::new(Silent)).unwrap();
    let mut objects = Sqlite::open(&root.join(format!("{}.db", device.0))).unwrap();
    let ended = Cell::new(false);
    let pass = |point| {
        ended.set(ended.get() || Some(point) == end);
        !ended.get()
    };
    let doors = Doors { store, keys: device, randomness: device, progress: &engine::Nobody, pass: &pass };
    let mut future = Box::pin(engine::session(&doors, "folder", adapter.as_mut(), &mut objects, &settings));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(report) => Some(report.unwrap()),
        Poll::Pending => None,
    }
}

fn finish(store: &Memory, device: &Device, root: &Path) {
    while session(store, device, root, None).unwrap().unfinished {}
}

#[test]
fn killed_at_any_point_of_a_merge_a_device_ends_with_it_once() {
    let points = [
        Point::Begin,
        Point::Scanned,
        Point::Observed,
        Point::Pulled,
        Point::Intended,
        Point::Applied,
        Point::Advanced,
        Point::Settled,
        Point::Frozen,
        Point::Sent,
        Point::Acknowledged,
    ];
    for point in points {
        let root = tempfile::tempdir().unwrap();
        let store = Memory::new();
        let devices = [1, 2, 3].map(|number| Device(number, AtomicU64::new(0)));
        let poem = |device: &Device| root.path().join(device.0.to_string()).join("poem.txt");
        fs::create_dir(root.path().join("1")).unwrap();
        fs::write(poem(&devices[0]), POEM).unwrap();
        devices.iter().for_each(|device| finish(&store, device, root.path()));
        fs::write(poem(&devices[0]), POEM.replace("roses", "ROSES")).unwrap();
        fs::write(poem(&devices[1]), POEM.replace("you\n", "you\nthe end\n")).unwrap();
        finish(&store, &devices[0], root.path());
        assert_eq!(session(&store, &devices[1], root.path(), Some(point)), None, "{point:?} was not passed");
        for _ in 0..2 {
            devices.iter().rev().for_each(|device| finish(&store, device, root.path()));
        }
        for device in &devices {
            assert_eq!(contents(poem(device).parent().unwrap()), [("poem.txt".to_owned(), MERGED.to_owned())], "{point:?}");
            let report = session(&store, device, root.path(), None).unwrap();
            assert_eq!((report.conflicts, report.bytes_written), (0, 0), "{point:?}");
        }
    }
}
