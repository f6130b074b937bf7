//! Folders of files: moves, conflicts, what cannot be read or written, and what must never be taken for a deletion.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::harness::Desk;

const TWO_FOLDERS: &str =
    "[job.files]\n[[job.files.endpoint]]\nadapter = \"fs\"\npath = \"left\"\n[[job.files.endpoint]]\nadapter = \"fs\"\npath = \"right\"\n";

/// Two folders, files in the left one.
fn desk(files: &[(&str, &str)]) -> Desk {
    desk_with("", files)
}

/// Two folders, further options for both.
fn desk_with(options: &str, files: &[(&str, &str)]) -> Desk {
    let desk = Desk::new();
    let config = TWO_FOLDERS.replace("path = \"left\"\n", &format!("path = \"left\"\n{options}"));
    desk.put("syncretic.toml", config.replace("path = \"right\"\n", &format!("path = \"right\"\n{options}")));
    for side in ["left", "right"] {
        fs::create_dir(desk.path(side)).unwrap();
    }
    files.iter().for_each(|(name, content)| desk.put(&format!("left/{name}"), content));
    desk
}

/// Leaves files out of the left side alone.
fn leave_out_left(desk: &Desk, pattern: &str) {
    let line = "path = \"left\"\n";
    desk.put("syncretic.toml", desk.text("syncretic.toml").replacen(line, &format!("{line}exclude = [\"{pattern}\"]\n"), 1));
}

/// Returns every file and folder of one side, Syncretic's own left out, with contents.
fn tree(desk: &Desk, side: &str) -> Vec<(String, Option<String>)> {
    fn gather(root: &Path, folder: &Path, into: &mut Vec<(String, Option<String>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if name == ".syncretic" {
                continue;
            }
            let link = fs::symlink_metadata(&path).unwrap().is_symlink();
            if path.is_dir() && !link {
                into.push((name, None));
                gather(root, &path, into);
            } else if link {
                into.push((name, Some(format!("-> {}", fs::read_link(&path).unwrap().display()))));
            } else {
                into.push((name, fs::read(&path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())));
            }
        }
    }
    let mut found = Vec::new();
    gather(&desk.path(side), &desk.path(side), &mut found);
    found.sort();
    found
}

#[track_caller]
fn equal(desk: &Desk) {
    assert_eq!(tree(desk, "left"), tree(desk, "right"));
}

/// Returns how many bytes lie in the state directory in files that hold large values.
fn large(desk: &Desk) -> usize {
    desk.state_contents()
        .into_iter()
        .filter(|(path, _)| path.components().any(|part| part.as_os_str() == "blobs" || part.as_os_str() == "chunks"))
        .map(|(_, bytes)| bytes.len())
        .sum()
}

/// Returns what lies in a side's trash, by the paths below the day.
fn trash(desk: &Desk, side: &str) -> Vec<String> {
    let root = desk.path(&format!("{side}/.syncretic/trash"));
    let days = fs::read_dir(root).into_iter().flatten().map(|day| day.unwrap().path());
    let mut all: Vec<String> = days.flat_map(|day| files_below(&day, &day)).collect();
    all.sort();
    all
}

fn files_below(root: &Path, folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() { files_below(root, &path) } else { vec![path.strip_prefix(root).unwrap().to_string_lossy().into_owned()] }
        })
        .collect()
}

#[test]
fn two_folders_become_the_same_and_a_second_sync_writes_nothing() {
    let desk = desk(&[("a.txt", "one"), ("docs/b.txt", "two"), ("docs/deep/c", "three"), ("nothing", "")]);
    fs::create_dir(desk.path("left/empty")).unwrap();
    fs::set_permissions(desk.path("left/a.txt"), fs::Permissions::from_mode(0o755)).unwrap();
    desk.put("right/own.txt", "from the right");
    desk.settle();
    equal(&desk);
    assert!(desk.path("right/empty").is_dir());
    assert_ne!(fs::metadata(desk.path("right/a.txt")).unwrap().permissions().mode() & 0o100, 0);
    let time = |side: &str| fs::metadata(desk.path(&format!("{side}/docs/b.txt"))).unwrap().modified().unwrap();
    let seconds = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(seconds(time("left")), seconds(time("right")));
}

#[test]
fn edits_on_both_sides_travel_and_the_old_content_lies_in_the_trash() {
    let desk = desk(&[("a.txt", "one"), ("b.txt", "two")]);
    desk.settle();
    desk.put("left/a.txt", "one, edited");
    desk.put("right/b.txt", "two, edited");
    desk.settle();
    equal(&desk);
    assert_eq!((desk.text("right/a.txt").as_str(), desk.text("left/b.txt").as_str()), ("one, edited", "two, edited"));
    assert_eq!((trash(&desk, "right"), trash(&desk, "left")), (vec!["a.txt".to_owned()], vec!["b.txt".to_owned()]));
}

#[test]
fn a_renamed_folder_sends_no_content_and_keeps_edits_of_others() {
    let content = "a long line of text that is easily found again\n".repeat(5000);
    let desk = desk(&[("old/a.txt", &content), ("old/in/b.txt", "b"), ("old/same", "b"), ("keep", "k")]);
    desk.settle();
    let before = large(&desk);
    fs::rename(desk.path("left/old"), desk.path("left/new")).unwrap();
    desk.put("right/old/in/b.txt", "b, edited on the right");
    let run = desk.sync_job(0);
    assert!(run["bytes_written"].as_u64().unwrap() < 20_000, "{run}");
    desk.settle();
    equal(&desk);
    assert_eq!(desk.text("left/new/in/b.txt"), "b, edited on the right");
    assert!(!desk.path("right/old").exists());
    assert!(large(&desk) - before < content.len() / 2, "the content was sent again");
}

#[test]
fn a_deleted_file_goes_to_the_trash_and_its_folder_goes_with_it() {
    let desk = desk(&[("a/b/c.txt", "content"), ("stays", "s")]);
    desk.settle();
    fs::remove_dir_all(desk.path("left/a")).unwrap();
    desk.settle();
    equal(&desk);
    assert!(!desk.path("right/a").exists());
    assert_eq!(trash(&desk, "right"), ["a/b/c.txt"]);
}

#[test]
fn conflicting_contents_both_stand_and_the_later_one_has_a_name_of_its_own() {
    let desk = desk(&[("plan.txt", "first")]);
    desk.settle();
    desk.put("left/plan.txt", "left");
    desk.put("right/plan.txt", "right");
    let run = desk.sync(0);
    assert!(format!("{}{}", run.out, run.err).contains("conflict"), "{run:?}");
    desk.settle();
    equal(&desk);
    let contents: Vec<(String, Option<String>)> = tree(&desk, "left");
    assert_eq!(contents.len(), 2, "{contents:?}");
    assert_eq!(desk.text("left/plan.txt"), "left");
    let (name, content) = contents.iter().find(|(name, _)| name != "plan.txt").unwrap();
    assert!(name.starts_with("plan (conflict, ") && name.ends_with(").txt"), "{name}");
    assert_eq!(content.as_deref(), Some("right"));
}

#[test]
fn an_edit_against_a_deletion_lives() {
    let desk = desk(&[("a.txt", "one"), ("b.txt", "two")]);
    desk.settle();
    desk.remove("left/a.txt");
    desk.put("right/a.txt", "one, edited");
    desk.settle();
    equal(&desk);
    assert_eq!(desk.text("left/a.txt"), "one, edited");
}

#[test]
fn a_file_becomes_a_folder_and_a_folder_a_file() {
    let desk = desk(&[("file", "was a file"), ("folder/inner", "was in a folder"), ("folder/more", "m")]);
    desk.settle();
    desk.remove("left/file");
    desk.put("left/file/inside", "now a folder");
    fs::remove_dir_all(desk.path("left/folder")).unwrap();
    desk.put("left/folder", "now a file");
    desk.settle();
    equal(&desk);
    assert_eq!((desk.text("right/file/inside").as_str(), desk.text("right/folder").as_str()), ("now a folder", "now a file"));
}

#[test]
fn files_that_swap_names_and_log_files_that_move_on_arrive() {
    let desk = desk(&[("a", "content of a"), ("b", "content of b"), ("log", "old log"), ("x/same", "s")]);
    desk.settle();
    fs::rename(desk.path("left/a"), desk.path("left/t")).unwrap();
    fs::rename(desk.path("left/b"), desk.path("left/a")).unwrap();
    fs::rename(desk.path("left/t"), desk.path("left/b")).unwrap();
    fs::rename(desk.path("left/log"), desk.path("left/log.1")).unwrap();
    desk.put("left/log", "new log");
    fs::rename(desk.path("left/x/same"), desk.path("left/y")).unwrap();
    desk.settle();
    equal(&desk);
    assert_eq!(desk.text("right/log.1"), "old log");
}

#[test]
fn a_name_that_is_not_utf8_arrives_as_its_bytes() {
    let desk = desk(&[("plain", "p")]);
    let name = OsStr::from_bytes(b"caf\xe9.txt");
    fs::write(desk.path("left").join(name), "latin").unwrap();
    desk.settle();
    assert_eq!(fs::read_to_string(desk.path("right").join(name)).unwrap(), "latin");
}

#[test]
fn names_that_differ_in_case_alone_are_both_kept_and_one_is_renamed() {
    let desk = desk(&[("Read.me", "large"), ("read.me", "small"), ("x", "x")]);
    desk.sync(0);
    desk.settle();
    equal(&desk);
    let mut contents: Vec<Option<String>> = tree(&desk, "right").into_iter().map(|(_, content)| content).collect();
    contents.sort();
    assert_eq!(contents, [Some("large".to_owned()), Some("small".to_owned()), Some("x".to_owned())]);
}

#[test]
fn links_are_passed_over_or_synced_as_links_and_never_lead_out() {
    let passing = desk(&[("a.txt", "a")]);
    symlink("a.txt", passing.path("left/link")).unwrap();
    symlink("/etc", passing.path("left/etc")).unwrap();
    passing.sync(0);
    assert_eq!(tree(&passing, "right"), [("a.txt".to_owned(), Some("a".to_owned()))]);

    let synced = desk_with("symlinks = true\n", &[("a.txt", "a"), ("in/b", "b")]);
    symlink("../a.txt", synced.path("left/in/link")).unwrap();
    synced.sync(0);
    equal(&synced);
    symlink("../../secret", synced.path("left/in/out")).unwrap();
    let run = synced.sync(3);
    run.says(&["leads out of the folder"]);
    assert!(!synced.path("right/in/out").exists() && fs::symlink_metadata(synced.path("right/in/out")).is_err());
}

#[test]
fn nothing_is_written_through_a_link_that_took_a_folders_place() {
    let desk = desk(&[("docs/a.txt", "one"), ("b", "b")]);
    desk.settle();
    fs::create_dir(desk.path("elsewhere")).unwrap();
    fs::rename(desk.path("right/docs"), desk.path("elsewhere/docs")).unwrap();
    symlink(desk.path("elsewhere/docs"), desk.path("right/docs")).unwrap();
    desk.put("left/docs/a.txt", "one, edited");
    let run = desk.sync(3);
    run.says(&["not taken for deleted"]);
    assert_eq!(desk.text("elsewhere/docs/a.txt"), "one");
    assert_eq!(desk.text("left/docs/a.txt"), "one, edited");
}

#[test]
fn what_cannot_be_read_is_told_and_never_deleted_elsewhere() {
    if rustix::process::geteuid().is_root() {
        // Root may read everything: only what is no file stands for what cannot be read then.
        let desk = desk(&[("pipe", "was a file"), ("b", "b")]);
        desk.settle();
        desk.remove("left/pipe");
        std::process::Command::new("mkfifo").arg(desk.path("left/pipe")).status().unwrap();
        desk.sync(3).says(&["pipe"]);
        assert_eq!(desk.text("right/pipe"), "was a file");
        return;
    }
    let desk = desk(&[("shut/a.txt", "one"), ("b.txt", "two"), ("c", "c")]);
    desk.settle();
    let mode = |path: &str, mode| fs::set_permissions(desk.path(path), fs::Permissions::from_mode(mode)).unwrap();
    mode("left/shut", 0);
    desk.sync(3).says(&["permission denied"]);
    mode("left/shut", 0o755);
    assert_eq!(desk.text("right/shut/a.txt"), "one");
    desk.settle();
    equal(&desk);
}

#[test]
fn without_its_marker_a_folder_is_not_read_and_nothing_is_deleted() {
    let desk = desk(&[("a.txt", "one"), ("b.txt", "two")]);
    desk.edit("syncretic.toml", "path = \"left\"\n", "path = \"left\"\nmarker = \"here.txt\"\n");
    desk.put("left/here.txt", "");
    desk.settle();
    assert!(!desk.path("right/here.txt").exists());
    fs::rename(desk.path("left"), desk.path("unmounted")).unwrap();
    fs::create_dir(desk.path("left")).unwrap();
    let run = desk.run(&["sync"]);
    assert!(![0, 4].contains(&run.code), "{run:?}");
    run.says(&["here.txt"]);
    assert_eq!(tree(&desk, "right").len(), 2);
    assert!(tree(&desk, "left").is_empty());
    fs::remove_dir(desk.path("left")).unwrap();
    fs::rename(desk.path("unmounted"), desk.path("left")).unwrap();
    desk.settle();
}

#[test]
fn an_emptied_folder_in_another_folders_place_stops_the_sync() {
    let files: Vec<(String, String)> = (0..12).map(|number| (format!("{number}.txt"), format!("content {number}"))).collect();
    let desk = desk(&files.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect::<Vec<_>>());
    desk.settle();
    fs::rename(desk.path("left"), desk.path("unmounted")).unwrap();
    fs::create_dir(desk.path("left")).unwrap();
    desk.sync(5);
    assert_eq!(tree(&desk, "right").len(), 12);
}

#[test]
fn patterns_leave_files_out_and_what_is_left_out_later_is_not_deleted() {
    let desk = desk_with(
        "exclude = [\"*.tmp\", \"/build/\"]\n",
        &[("a.txt", "a"), ("b.tmp", "b"), ("build/c", "c"), ("src/build/d", "d"), ("late.bak", "l")],
    );
    desk.settle();
    let names: Vec<String> = tree(&desk, "right").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a.txt", "late.bak", "src", "src/build", "src/build/d"]);
    let config = desk.text("syncretic.toml").replacen("\"*.tmp\", ", "\"*.tmp\", \"*.bak\", ", 1);
    desk.put("syncretic.toml", config);
    desk.settle();
    assert_eq!(desk.text("right/late.bak"), "l");
}

#[test]
fn what_is_left_out_here_is_none_of_this_folders_business_until_it_is_taken_in() {
    let desk = desk(&[("a.txt", "a"), ("was.tmp", "left's own")]);
    leave_out_left(&desk, "*.tmp");
    desk.put("right/b.tmp", "b");
    desk.put("right/was.tmp", "right's own");
    desk.settle();
    assert_eq!(tree(&desk, "left").into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a.txt", "was.tmp"]);
    assert_eq!(desk.text("left/was.tmp"), "left's own");
    desk.put("right/b.tmp", "edited");
    desk.settle();
    let config = desk.text("syncretic.toml").replacen("exclude = [\"*.tmp\"]\n", "", 1);
    desk.put("syncretic.toml", config);
    desk.settle();
    equal(&desk);
    assert_eq!(desk.text("left/b.tmp"), "edited");
    let contents: Vec<String> = tree(&desk, "left").into_iter().filter_map(|(_, content)| content).collect();
    assert!(contents.contains(&"left's own".to_owned()) && contents.contains(&"right's own".to_owned()), "{contents:?}");
}

#[test]
fn what_is_left_out_later_stays_here_whatever_others_do_to_it() {
    let desk = desk(&[("a.txt", "a"), ("b.bak", "b"), ("c.bak", "c")]);
    desk.settle();
    leave_out_left(&desk, "*.bak");
    desk.put("right/b.bak", "edited");
    fs::remove_file(desk.path("right/c.bak")).unwrap();
    desk.settle();
    assert_eq!((desk.text("left/b.bak").as_str(), desk.text("left/c.bak").as_str()), ("b", "c"));
    assert_eq!(tree(&desk, "right").len(), 2);
}

#[test]
fn two_folders_that_hold_the_same_files_join_without_a_copy() {
    let desk = desk(&[("a.txt", "one"), ("docs/b.txt", "two"), ("c.txt", "left's own")]);
    desk.put("right/a.txt", "one");
    desk.put("right/docs/b.txt", "two");
    desk.put("right/c.txt", "right's own");
    desk.settle();
    equal(&desk);
    let contents: Vec<String> = tree(&desk, "left").into_iter().filter_map(|(_, content)| content).collect();
    assert_eq!(contents.len(), 4, "{contents:?}");
    assert!(contents.contains(&"left's own".to_owned()) && contents.contains(&"right's own".to_owned()));
}

#[test]
fn three_devices_whose_syncs_are_killed_end_with_the_same_trees_and_every_version() {
    let root = tempfile::tempdir().unwrap();
    let tally = crate::trees::campaign(Path::new(env!("CARGO_BIN_EXE_syncretic")), root.path(), 5, 40).unwrap();
    assert!(tally.kills > 0 && tally.versions > 40 && tally.files > 0, "{tally:?}");
}

#[test]
fn a_sync_that_is_killed_again_and_again_leaves_whole_files() {
    let root = tempfile::tempdir().unwrap();
    let tally = crate::trees::kill_loop(Path::new(env!("CARGO_BIN_EXE_syncretic")), root.path(), 5, 150, 6).unwrap();
    assert_eq!(tally.kills, 6);
}
