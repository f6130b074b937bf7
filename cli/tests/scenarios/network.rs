//! A server and the devices of several people, each with a folder and a state directory of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::harness::{Desk, HEADER, Run, person};
use crate::running::Running;

/// A server in a process of its own, on a port that the system chose.
pub(crate) struct Server {
    root: TempDir,
    running: Running,
    pub(crate) url: String,
    /// The code for the first administrator.
    pub(crate) code: String,
}

impl Server {
    /// Starts a new server.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a new server with further options.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut running = Running::start(serve(&root.path().join("data"), "127.0.0.1:0").args(options));
        let (url, code) = first(&mut running);
        Self { root, running, url, code }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// Stops the server as an operator does.
    pub(crate) fn stop(&mut self) {
        assert_eq!(self.running.stop(), 0);
    }

    /// Ends the server as a crash does.
    pub(crate) fn kill(&mut self) {
        self.running.kill();
    }

    /// Starts the server again, at the same address.
    pub(crate) fn again(&mut self) {
        let address = self.address().to_string();
        self.running = Running::start(&mut serve(&self.data(), &address));
        self.running.says("listening");
    }

    /// Does something with the server's files.
    pub(crate) fn store(&self, arguments: &[&str]) -> Run {
        let data = self.data();
        let mut command = program();
        command.args(["store", "--data", data.to_str().unwrap()]).args(arguments).env("SYNCRETIC_STATE_HOME", self.path("none"));
        Run::of(&command.output().unwrap())
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncretic"));
    command.stdin(Stdio::null());
    command
}

fn serve(data: &Path, listen: &str) -> Command {
    let mut command = program();
    command.args(["serve", "--listen", listen, "--data"]).arg(data);
    command
}

/// Reads the address and the first administrator's code.
fn first(running: &mut Running) -> (String, String) {
    running.says("listening");
    let line = running.says("syncretic device enroll ");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((&words[..3], words[4], &words[6..]), (&["syncretic", "device", "enroll"][..], "--code", &["--name", "NAME"][..]), "{line}");
    (words[3].to_owned(), words[5].to_owned())
}

const ENDPOINTS: &[(&str, &str)] = &[("csv", "contacts.csv"), ("vcard", "cards")];

/// Makes a folder with one endpoint, on a server, and the words of its configuration.
fn desk(url: &str, endpoint: usize) -> Desk {
    let desk = Desk::new();
    let (adapter, path) = ENDPOINTS[endpoint];
    let job = format!("[job.contacts]\n[[job.contacts.endpoint]]\nadapter = \"{adapter}\"\npath = \"{path}\"\n");
    desk.put("syncretic.toml", format!("[store]\nurl = \"{url}\"\n{job}"));
    desk
}

/// Makes a device with a spreadsheet of so many people.
pub(crate) fn with_sheet(url: &str, people: usize) -> Desk {
    let desk = desk(url, 0);
    desk.put("contacts.csv", sheet(people));
    desk
}

/// Makes a device with an empty folder of cards.
pub(crate) fn with_cards(url: &str) -> Desk {
    let desk = desk(url, 1);
    std::fs::create_dir(desk.path("cards")).unwrap();
    desk
}

fn sheet(people: usize) -> String {
    let rows = (0..people).map(|number| {
        let (name, email, phone) = person(number);
        format!("{name},{phone},{email},tea {number}\n")
    });
    format!("{HEADER}{}", rows.collect::<String>())
}

/// Enrolls a device.
#[track_caller]
pub(crate) fn enroll(desk: &Desk, url: &str, code: &str, name: &str) {
    let run = desk.run(&["device", "enroll", url, "--code", code, "--name", name]);
    assert_eq!(run.code, 0, "{run:?}");
}

/// Returns a code with which another device may be enrolled.
#[track_caller]
pub(crate) fn invite(administrator: &Desk, grant: &str) -> String {
    let run = administrator.run(&["device", "invite", "--grant", grant, "--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    run.json()["code"].as_str().unwrap().to_owned()
}

/// A server, a laptop that administers it with a spreadsheet, and a desktop with an empty folder of cards; nobody has synced.
pub(crate) fn pair(people: usize) -> (Server, Desk, Desk) {
    let server = Server::start();
    let (laptop, desktop) = (with_sheet(&server.url, people), with_cards(&server.url));
    enroll(&laptop, &server.url, &server.code, "laptop");
    enroll(&desktop, &server.url, &invite(&laptop, "contacts=write"), "desktop");
    (server, laptop, desktop)
}
