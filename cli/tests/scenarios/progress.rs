//! How far a sync is: events for programs, a bar on a terminal, nothing on a pipe.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use crate::harness::{Desk, Run};
use crate::network::{Server, enroll, invite};

/// The size of the large file.
const LARGE: usize = 3 << 20;

/// Text that neither repeats nor shrinks much.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..LARGE).map(next).collect()
}

/// A device with a folder of files, on a server if there is one.
fn device(url: Option<&str>) -> Desk {
    let desk = Desk::new();
    let store = url.map(|url| format!("[store]\nurl = \"{url}\"\n")).unwrap_or_default();
    let endpoint = |path: &str| format!("[[job.files.endpoint]]\nadapter = \"fs\"\npath = \"{path}\"\n");
    let second = if url.is_none() { endpoint("copy") } else { String::new() };
    desk.put("syncretic.toml", format!("{store}[job.files]\n{}{second}", endpoint("files")));
    ["files", "copy"].iter().for_each(|folder| fs::create_dir(desk.path(folder)).unwrap());
    desk
}

/// Syncs as a program does that wants to hear everything from the beginning on.
fn listen(desk: &Desk) -> Vec<Value> {
    let mut command = desk.command(&["sync", "--format", "ndjson"]);
    let run = Run::of(&command.env("SYNCRETIC_PROGRESS_AFTER", "0").output().unwrap());
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Holds the events against what is promised of them, and returns of each phase how many bytes it was about in all.
#[track_caller]
fn phases(events: &[Value]) -> BTreeMap<String, u64> {
    let mut stages: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    let mut newest = 0;
    for event in events {
        assert!(event["v"] == 1 && event["type"].is_string(), "{event}");
        if event["type"] == "progress" {
            let number = event["number"].as_u64().unwrap();
            assert!(number >= newest, "{event}");
            newest = number;
            stages.entry(number).or_default().push(event);
        }
    }
    let mut phases = BTreeMap::new();
    for stage in stages.values() {
        let last = stage.last().unwrap();
        for amount in ["items", "bytes"] {
            let done: Vec<u64> = stage.iter().map(|event| event[amount]["done"].as_u64().unwrap()).collect();
            assert!(done.is_sorted() && done[0] == 0, "{stage:?}");
            assert!(stage.iter().all(|event| event[amount]["of"].as_u64().is_none_or(|of| event[amount]["done"].as_u64().unwrap() <= of)));
            assert!(last[amount]["of"].is_null() || last[amount]["done"] == last[amount]["of"], "{last}");
        }
        assert!(
            stage
                .iter()
                .all(|event| (&event["phase"], &event["endpoint"], &event["job"]) == (&last["phase"], &last["endpoint"], &"files".into()))
        );
        *phases.entry(last["phase"].as_str().unwrap().to_owned()).or_default() += last["bytes"]["of"].as_u64().unwrap_or_default();
    }
    phases
}

#[test]
fn programs_hear_how_far_each_phase_is_and_then_what_became_of_the_job() {
    let desk = device(None);
    desk.put("files/large", noise());
    desk.put("files/small.txt", "small");
    let events = listen(&desk);
    let phases = phases(&events);
    let bytes = LARGE as u64 + 5;
    assert_eq!((phases["send"], phases["write"], phases["look"], phases.get("fetch")), (bytes, bytes, 0, None));
    let (end, job) = (&events[events.len() - 1], &events[events.len() - 2]);
    assert_eq!((&end["type"], &end["exit"], &job["type"]), (&"end".into(), &0.into(), &"job".into()));
    let object = desk.run(&["sync", "--format", "json"]).json();
    for member in object["jobs"][0].as_object().unwrap().keys() {
        assert!(job.get(member).is_some(), "{member} is missing in the event");
    }
}

#[test]
fn what_comes_from_a_server_is_told_as_it_comes() {
    let server = Server::start();
    let (laptop, desktop) = (device(Some(&server.url)), device(Some(&server.url)));
    enroll(&laptop, &server.url, &server.code, "laptop");
    enroll(&desktop, &server.url, &invite(&laptop, "files=write"), "desktop");
    laptop.put("files/large", noise());
    let sent = phases(&listen(&laptop));
    assert_eq!((sent["send"], sent.get("write")), (LARGE as u64, None));
    let came = phases(&listen(&desktop));
    assert_eq!((came["fetch"], came["write"], came.get("send")), (LARGE as u64, LARGE as u64, None));
    assert!(fs::read(desktop.path("files/large")).unwrap() == noise());
}

#[test]
fn on_a_pipe_nobody_hears_of_it_and_a_quick_sync_has_no_events_of_it() {
    let desk = device(None);
    desk.put("files/large", noise());
    let run = Run::of(&desk.command(&["sync"]).env("SYNCRETIC_PROGRESS_AFTER", "0").output().unwrap());
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(!run.out.contains("looking") && !run.out.contains('\r'), "{}", run.out);
    let patient = Run::of(&desk.command(&["sync", "--format", "ndjson"]).env("SYNCRETIC_PROGRESS_AFTER", "600").output().unwrap());
    assert!(!patient.out.contains("progress"), "{}", patient.out);
}

/// Runs the program with a terminal for stderr, and returns what it printed there and on stdout.
fn on_a_terminal(desk: &Desk, arguments: &[&str]) -> (String, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let stderr = File::options().read(true).write(true).open(name).unwrap();
    let mut command = desk.command(arguments);
    command.env("SYNCRETIC_PROGRESS_AFTER", "0").env("TERM", "xterm").env_remove("NO_COLOR");
    let child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
    // Only the child writes to the terminal then, so that its end is the end.
    drop(command);
    let mut screen = Vec::new();
    let mut terminal = File::from(terminal);
    let mut buffer = [0; 4096];
    // A terminal that nobody writes to any more is an error on Linux, and an end elsewhere.
    while let Ok(length) = terminal.read(&mut buffer)
        && length > 0
    {
        screen.extend(&buffer[..length]);
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    (String::from_utf8(screen).unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn on_a_terminal_there_is_a_bar_and_it_goes_away() {
    let desk = device(None);
    desk.put("files/large", noise());
    let (screen, out) = on_a_terminal(&desk, &["sync"]);
    assert!(screen.contains("fs:files: sending") && screen.contains("MiB"), "{screen:?}");
    assert!(screen.trim_end_matches('\r').ends_with("\u{1b}[2K"), "{screen:?}");
    assert!(out.starts_with("files") && !out.contains("sending"), "{out}");
    desk.put("files/another", "x");
    let (screen, _) = on_a_terminal(&desk, &["sync", "-q"]);
    assert_eq!(screen, "");
}
