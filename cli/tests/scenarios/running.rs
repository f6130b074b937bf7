//! A program that goes on: started, listened to line by line, and asked to stop.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long a line may be in coming before a test says that it never came.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that goes on until it is asked to stop; killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
    heard: Vec<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        Self { child, out, err, heard: Vec::new() }
    }

    /// Waits for the next line on stdout that holds a text.
    #[track_caller]
    pub(crate) fn says(&mut self, text: &str) -> String {
        find(&self.out, text, &mut self.heard)
    }

    /// Waits for the next line on stderr that holds a text.
    #[track_caller]
    pub(crate) fn warns(&mut self, text: &str) -> String {
        find(&self.err, text, &mut self.heard)
    }

    /// Returns the lines that were printed on stdout and that nobody waited for.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.out.iter().collect()
    }

    /// Asks the program to stop, and returns the exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Ends the program as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[track_caller]
fn find(lines: &Receiver<String>, text: &str, heard: &mut Vec<String>) -> String {
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(text) => return line,
            Ok(line) => heard.push(line),
            Err(error) => panic!("`{text}` was never said ({error}); instead:\n{}", heard.join("\n")),
        }
    }
}
