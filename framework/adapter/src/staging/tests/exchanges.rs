//! What undisturbed steps do, and what they refuse.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{Place, STEP, gone, listing, of, op};
use crate::error::Error;
use crate::item::{Fingerprint, Key};
use crate::operation::{Fate, StepId};
use crate::staging::platform::Act;
use crate::staging::stat::read_between;
use crate::staging::{Placed, Staged, read_whole, stat};

#[test]
fn files_are_made_changed_and_removed() {
    let place = Place::new(&[("a", "old"), ("c", "gone")]);
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
    stage.create(op(1), &place.file("b"), b"made").unwrap();
    stage.delete(gone(2), &place.file("c"), of("gone")).unwrap();
    let placed = stage.commit().unwrap();
    assert_eq!((place.content("a"), place.content("b"), place.content("c")), (Some("new".into()), Some("made".into()), None));
    let now = |name| Placed::Done(Some(stat(&place.file(name)).unwrap()));
    assert_eq!(placed, [now("a"), now("b"), Placed::Done(None)]);
}

#[test]
fn what_was_displaced_stays_until_the_step_is_settled() {
    let place = Place::new(&[("a", "old"), ("c", "gone")]);
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
    stage.delete(gone(1), &place.file("c"), of("gone")).unwrap();
    stage.commit().unwrap();
    let folder = place.area().join(STEP.to_string());
    assert_eq!(listing(&folder), ["0", "1", "journal"]);
    assert_eq!(fs::read_to_string(folder.join("0")).unwrap(), "old");
    assert_eq!(fs::read_to_string(folder.join("1")).unwrap(), "gone");
    place.staging().settle(STEP).unwrap();
    assert_eq!(place.names(), ["a"]);
}

#[test]
fn settling_twice_is_settling_once() {
    let place = Place::new(&[("a", "old")]);
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
    stage.commit().unwrap();
    place.staging().settle(STEP).unwrap();
    place.staging().settle(STEP).unwrap();
    assert_eq!(place.names(), ["a"]);
    assert_eq!(place.content("a").unwrap(), "new");
}

#[test]
fn a_finished_step_is_recovered_as_done_in_order_of_its_operations() {
    let place = Place::new(&[("table", "old"), ("c", "gone")]);
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.delete(gone(1), &place.file("c"), of("gone")).unwrap();
    stage.replace([op(0), op(2)].concat(), &place.file("table"), of("old"), b"new").unwrap();
    stage.commit().unwrap();
    let done = |index: u8| Fate::Done { key: Some(Key(format!("key-{index}"))), fingerprint: Some(Fingerprint(vec![index])) };
    let expected = [done(0), Fate::Done { key: None, fingerprint: None }, done(2)];
    assert_eq!(place.staging().recover(STEP).unwrap(), expected);
    assert_eq!(place.staging().recover(STEP).unwrap(), expected);
    place.staging().settle(STEP).unwrap();
    assert_eq!(place.staging().recover(STEP).unwrap(), []);
}

#[test]
fn operations_that_staged_nothing_keep_their_places_in_the_fates() {
    let place = Place::new(&[("a", "other"), ("b", "old"), ("c", "old")]);
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.create(op(1), &place.file("a"), b"new").unwrap();
    stage.replace(op(3), &place.file("b"), of("old"), b"new").unwrap();
    stage.replace(op(5), &place.file("c"), of("old"), b"new").unwrap();
    stage.commit().unwrap();
    let done: Vec<bool> = place.staging().recover(STEP).unwrap().iter().map(|fate| *fate != Fate::NotDone).collect();
    assert_eq!(done, [false, false, false, true, false, true]);
}

#[test]
fn a_symlink_stays_a_symlink_and_its_file_is_changed() {
    let place = Place::new(&[]);
    fs::create_dir(place.file("far")).unwrap();
    fs::write(place.file("far/a"), "old").unwrap();
    symlink("far/a", place.file("link")).unwrap();
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file("link"), of("old"), b"new").unwrap();
    stage.commit().unwrap();
    assert_eq!(fs::read_link(place.file("link")).unwrap().to_str(), Some("far/a"));
    assert_eq!(place.content("far/a").unwrap(), "new");
    assert_eq!(listing(&place.file("far")), ["a"]);
}

#[test]
fn of_a_removed_symlink_only_the_link_goes() {
    let place = Place::new(&[("far", "content")]);
    symlink("far", place.file("link")).unwrap();
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.delete(gone(0), &place.file("link"), of("content")).unwrap();
    assert_eq!(stage.commit().unwrap(), [Placed::Done(None)]);
    assert_eq!(place.staging().recover(STEP).unwrap(), [Fate::Done { key: None, fingerprint: None }]);
    place.staging().settle(STEP).unwrap();
    assert_eq!(place.names(), ["far"]);
}

#[test]
fn mode_owner_and_attributes_are_kept() {
    let place = Place::new(&[("a", "old")]);
    fs::set_permissions(place.file("a"), fs::Permissions::from_mode(0o604)).unwrap();
    let owned = std::os::unix::fs::chown(place.file("a"), Some(12), Some(34)).is_ok();
    let tagged = rustix::fs::setxattr(place.file("a"), "user.tag", b"red", rustix::fs::XattrFlags::empty()).is_ok();
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
    stage.commit().unwrap();
    let now = fs::metadata(place.file("a")).unwrap();
    assert_eq!(now.mode() & 0o7777, 0o604);
    assert!(!owned || (now.uid(), now.gid()) == (12, 34));
    let mut tag = [0; 3];
    assert!(!tagged || rustix::fs::getxattr(place.file("a"), "user.tag", &mut tag[..]) == Ok(3) && tag == *b"red");
}

#[test]
fn a_dropped_stage_leaves_nothing() {
    let place = Place::new(&[("a", "old")]);
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
    drop(stage);
    assert_eq!(place.names(), ["a"]);
    assert_eq!(place.content("a").unwrap(), "old");
}

#[test]
fn a_step_that_only_meets_stale_targets_leaves_nothing() {
    let place = Place::new(&[("b", "there")]);
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
    stage.create(op(1), &place.file("b"), b"new").unwrap();
    stage.delete(gone(2), &place.file("c"), of("old")).unwrap();
    assert_eq!(stage.commit().unwrap(), [Placed::Stale; 3]);
    assert_eq!(place.names(), ["b"]);
}

#[test]
fn a_step_cannot_be_begun_twice() {
    let place = Place::new(&[("a", "old")]);
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
    stage.commit().unwrap();
    assert!(matches!(place.staging().begin(STEP), Err(Error::Source { .. })));
    assert_eq!(place.staging().recover(STEP).unwrap().len(), 1);
}

#[test]
fn steps_do_not_touch_each_other() {
    let place = Place::new(&[("a", "old"), ("b", "old")]);
    let other = StepId([8; 16]);
    let mut stage = place.staging().begin(other).unwrap();
    stage.replace(op(0), &place.file("b"), of("old"), b"new").unwrap();
    stage.commit().unwrap();
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
    stage.commit().unwrap();
    place.staging().settle(STEP).unwrap();
    assert_eq!(listing(&place.area()), [other.to_string()]);
    assert!(matches!(place.staging().recover(other).unwrap()[..], [Fate::Done { .. }]));
}

#[test]
fn a_thousand_files_are_made_durable_by_two_calls() {
    let place = Place::new(&[]);
    let acts = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&acts);
    let staging = place.scripted(move |act| {
        log.lock().unwrap().push(match act {
            Act::Sync => 's',
            Act::Write(..) => 'w',
            Act::Place(..) => 'p',
            _ => '-',
        });
        Ok(())
    });
    let mut stage = staging.begin(STEP).unwrap();
    for n in 0..1000 {
        let staged = Staged { index: n, key: None, fingerprint: None };
        stage.create(vec![staged], &place.file(&n.to_string()), b"x").unwrap();
    }
    stage.commit().unwrap();
    let log: String = acts.lock().unwrap().iter().collect();
    assert_eq!(log.trim_start_matches('-'), format!("{}s{}s", "w".repeat(1001), "p".repeat(1000)));
}

#[test]
fn a_place_that_cannot_be_written_is_a_typed_error() {
    let place = Place::new(&[("file", "no folder")]);
    let staging = crate::staging::Staging::at(place.file("file/.syncretic"));
    assert!(matches!(staging.begin(STEP), Err(Error::Io { .. })));
    let staging = crate::staging::Staging::at(place.file("missing/.syncretic"));
    assert!(matches!(staging.begin(STEP), Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound));
    let denied = place.scripted(|act| match act {
        Act::MakeFolder(path) if path.ends_with(STEP.to_string()) => Err(io::ErrorKind::PermissionDenied.into()),
        _ => Ok(()),
    });
    assert!(matches!(denied.begin(STEP), Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied));
    assert_eq!(place.names(), ["file"]);
}

#[test]
fn a_target_on_another_file_system_is_refused_before_anything_is_staged() {
    let elsewhere = std::path::Path::new("/dev/shm");
    let place = Place::new(&[]);
    if stat(elsewhere).map_or(true, |found| found.device == stat(place.dir.path()).unwrap().device) {
        return;
    }
    let far = tempfile::NamedTempFile::new_in(elsewhere).unwrap();
    symlink(far.path(), place.file("link")).unwrap();
    let mut stage = place.staging().begin(STEP).unwrap();
    assert!(matches!(stage.replace(op(0), &place.file("link"), of(""), b"new"), Err(Error::Source { .. })));
    assert_eq!(stage.commit().unwrap(), []);
    assert_eq!(place.names(), ["link"]);
}

#[test]
fn a_full_disk_while_staging_exchanges_nothing() {
    let writes = 4;
    for full_at in 0..writes {
        let place = Place::new(&[("a", "old"), ("b", "old")]);
        let count = AtomicUsize::new(0);
        let staging = place.scripted(move |act| match act {
            Act::Write(path, bytes) if count.fetch_add(1, Ordering::SeqCst) == full_at => {
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        });
        let run = || -> Result<Vec<Placed>, Error> {
            let mut stage = staging.begin(STEP)?;
            stage.replace(op(0), &place.file("a"), of("old"), b"new")?;
            stage.replace(op(1), &place.file("b"), of("old"), b"new")?;
            stage.create(op(2), &place.file("c"), b"new")?;
            stage.commit()
        };
        assert!(matches!(run(), Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull), "write {full_at}");
        assert_eq!(place.names(), ["a", "b"]);
        assert_eq!((place.content("a").unwrap(), place.content("b").unwrap()), ("old".into(), "old".into()));
    }
}

#[test]
fn an_exchange_that_is_refused_undoes_those_before_it() {
    for exchange in [true, false] {
        let place = Place::new(&[("a", "old"), ("c", "gone"), ("d", "old")]);
        let forbidden = place.file("d");
        let staging = place.scripted(move |act| match act {
            Act::Exchange(_, to) | Act::Rename(_, to) if to == forbidden => Err(io::ErrorKind::PermissionDenied.into()),
            Act::Exchange(..) if !exchange => Err(io::ErrorKind::Unsupported.into()),
            _ => Ok(()),
        });
        let mut stage = staging.begin(STEP).unwrap();
        stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
        stage.create(op(1), &place.file("b"), b"new").unwrap();
        stage.delete(gone(2), &place.file("c"), of("gone")).unwrap();
        stage.replace(op(3), &place.file("d"), of("old"), b"new").unwrap();
        assert!(matches!(stage.commit(), Err(Error::Io { path, .. }) if path == place.file("d")));
        assert_eq!(place.names(), ["a", "c", "d"]);
        assert_eq!(place.content("a").unwrap(), "old");
        assert_eq!(place.staging().recover(STEP).unwrap(), []);
    }
}

#[test]
fn a_pipe_is_never_waited_for() {
    let place = Place::new(&[]);
    let pipe = place.file("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    symlink("pipe", place.file("link")).unwrap();
    assert!(matches!(read_whole(&pipe), Err(Error::Source { .. })));
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &pipe, of(""), b"new").unwrap();
    stage.delete(gone(1), &place.file("link"), of("")).unwrap();
    assert_eq!(stage.commit().unwrap(), [Placed::Stale; 2]);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let place = Place::new(&[("a", "one")]);
    let path = place.file("a");
    let mut length = 3;
    let read = read_between(&path, &mut || {
        length += 1;
        fs::write(&path, "x".repeat(length)).unwrap();
    });
    assert!(matches!(read, Err(Error::Changed { .. })));
    let (bytes, found) = read_whole(&path).unwrap();
    assert_eq!((bytes.len() as u64, found), (found.size, stat(&path).unwrap()));
}

#[test]
fn content_is_taken_from_a_reader_block_by_block() {
    let place = Place::new(&[("a", "old"), ("b", "newer")]);
    let content = "new ".repeat(200_000);
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace_from(op(0), &place.file("a"), of("old"), &mut content.as_bytes()).unwrap();
    stage.replace_from(op(1), &place.file("b"), of("older"), &mut content.as_bytes()).unwrap();
    stage.replace_from(op(2), &place.file("none"), of(""), &mut content.as_bytes()).unwrap();
    let placed = stage.commit().unwrap();
    assert_eq!(placed, [Placed::Done(Some(stat(&place.file("a")).unwrap())), Placed::Stale, Placed::Stale]);
    assert!(place.content("a") == Some(content) && place.content("b") == Some("newer".into()));
}

#[test]
fn a_reader_that_fails_leaves_everything_as_it_was() {
    struct Torn;
    impl io::Read for Torn {
        fn read(&mut self, _to: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("torn"))
        }
    }
    let place = Place::new(&[("a", "old")]);
    let mut stage = place.staging().begin(STEP).unwrap();
    let failed = stage.replace_from(op(0), &place.file("a"), of("old"), &mut Torn);
    assert!(failed.is_err_and(|error| error.to_string().contains("torn")));
    drop(stage);
    assert_eq!((place.content("a"), place.names()), (Some("old".into()), vec!["a".to_owned()]));
}
