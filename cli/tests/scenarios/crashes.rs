//! Killed at any moment and run again, a sync ends where an undisturbed one ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::harness::{Desk, lent, people};

const PEOPLE: usize = 300;
const KILLS: u64 = 60;

/// Two address books that overlap by half, edited on both sides after a first sync.
fn edited() -> Desk {
    let (sheet, cards) = people(PEOPLE);
    let rows: Vec<&str> = sheet.lines().collect();
    let half: String = rows[..=PEOPLE / 2].iter().map(|row| format!("{row}\n")).collect();
    Desk::with(&half, &lent(&cards))
}

fn edit(desk: &Desk) {
    let sheet = desk.text("contacts.csv").replace("+49 170 555 00", "+49 171 555 00").replace("tea 1", "coffee 1");
    desk.put("contacts.csv", sheet);
    for name in desk.cards().iter().filter(|name| name.starts_with("0")).take(40) {
        let name = format!("cards/{name}");
        desk.put(&name, desk.text(&name).replace("@mail.example", "@work.example"));
    }
    desk.remove("cards/299.vcf");
    desk.remove("cards/298.vcf");
}

/// What people see: the rows whatever their order, and every card.
fn seen(desk: &Desk) -> (Vec<String>, BTreeMap<PathBuf, Vec<u8>>) {
    let folder = desk.path("cards");
    let cards = desk.contents().into_iter().filter(|(path, _)| path.starts_with(&folder));
    (desk.rows(), cards.map(|(path, content)| (path.strip_prefix(&folder).unwrap().to_owned(), content)).collect())
}

#[test]
fn a_sync_killed_at_any_moment_and_run_again_ends_where_an_undisturbed_one_ends() {
    let calm = edited();
    calm.sync(0);
    edit(&calm);
    calm.settle();

    let rough = edited();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut cut_off = 0;
    for kill in 0..KILLS {
        if kill == KILLS / 2 {
            rough.sync(0);
            edit(&rough);
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = rough.command(&["sync", "-q"]).spawn().unwrap();
        // Most of the work is done within the first tenth of a second, and a later one finds less and less.
        std::thread::sleep(Duration::from_micros((random >> 33) % 120_000));
        child.kill().unwrap();
        cut_off += usize::from(child.wait().unwrap().code().is_none());
    }
    assert!(cut_off > 0, "not a single run was cut off");
    rough.settle();
    assert_eq!(seen(&rough), seen(&calm));
    let litter: Vec<PathBuf> = rough.contents().into_keys().filter(|path| path.to_string_lossy().contains(".syncretic")).collect();
    assert_eq!(litter, Vec::<PathBuf>::new());
}

#[cfg(unix)]
#[test]
fn an_interrupted_sync_exits_130_or_is_done_and_goes_on_next_time() {
    let (sheet, cards) = people(PEOPLE);
    let desk = Desk::with(&sheet[..sheet.find('\n').unwrap() + 1], &lent(&cards));
    let mut child = desk.command(&["sync", "-q"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(40));
    let id = child.id().to_string();
    let killed = std::process::Command::new("kill").args(["-INT", &id]).status();
    let code = child.wait().unwrap().code();
    // Where there is no such program, or the signal came before the program listened, it says nothing here.
    if killed.is_ok_and(|status| status.success()) {
        assert!(matches!(code, Some(0 | 130) | None), "{code:?}");
    }
    desk.settle();
    assert_eq!((desk.rows().len(), desk.cards().len()), (PEOPLE, PEOPLE));
}

#[test]
fn two_syncs_at_once_are_one_after_the_other() {
    let (sheet, cards) = people(50);
    let desk = Desk::with(&sheet[..sheet.find('\n').unwrap() + 1], &lent(&cards));
    let mut runs: Vec<_> = (0..3).map(|_| desk.command(&["sync", "-q"]).spawn().unwrap()).collect();
    for run in &mut runs {
        assert_eq!(run.wait().unwrap().code(), Some(0));
    }
    desk.settle();
    assert_eq!((desk.rows().len(), desk.cards().len()), (50, 50));
}
