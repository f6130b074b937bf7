//! An adapter in a process of its own: started for each endpoint, spoken to over pipes, and ended when it says nothing.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver as Channel, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::backend::{Backend, Breach, Opener, Receiver, Request};
use crate::crossing::{CANCELLED, FATAL, Failure, PROTOCOL, TRANSIENT, path_bytes};
use crate::format::{Host, Options};
use crate::lines::{hex, octets, read_octets};
use crate::message::Message;
use crate::operation::Mode;
use crate::said;
use crate::wire::{self, Encoding, Outbox};

/// How many frames may wait to be read.
const WAITING: usize = 8;
/// How often it is asked whether someone wants to stop.
const GLANCE: Duration = Duration::from_millis(50);
/// The longest line of standard error that is kept, and how many.
const LONGEST_WORDS: usize = 1000;
const LAST_WORDS: usize = 4;
/// The longest greeting.
const LONGEST_GREETING: u64 = 64 << 10;
/// The most bytes of a blob that are sent at once.
const BLOB_CHUNK: usize = 1 << 20;

/// How long a program is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may work without a word.
    pub silence: Duration,
    /// How long it may take to stop when it is asked to.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { silence: Duration::from_secs(60), grace: Duration::from_secs(5) }
    }
}

/// A program that speaks the protocol of `docs/plugins/protocol.md`.
#[derive(Clone, Debug)]
pub struct Program {
    /// The plugin's id, for messages.
    pub id: String,
    /// The file.
    pub command: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// How long it is waited for.
    pub limits: Limits,
}

impl Opener for Program {
    fn describe(&self, receiver: &mut dyn Receiver, host: Arc<dyn Host>) -> Result<(), Failure> {
        let mut talk = Talk::begin(self, host)?;
        talk.ask("describe", json!({}), receiver)
    }

    fn open(&self, path: &Path, options: &Options, host: Arc<dyn Host>) -> Result<Box<dyn Backend>, Failure> {
        let mut talk = Talk::begin(self, host)?;
        let body = json!({ "path": octets(path_bytes(path)), "options": said::options(options) });
        talk.ask("open", body, &mut Silent)?;
        Ok(Box::new(talk))
    }
}

struct Silent;

impl Receiver for Silent {}

/// A running program.
struct Talk {
    id: String,
    child: Child,
    /// Where messages go; none once it has been told to end.
    to: Option<Sender<Vec<u8>>>,
    from: Channel<io::Result<Option<Vec<u8>>>>,
    out: Outbox,
    host: Arc<dyn Host>,
    limits: Limits,
    words: Arc<Mutex<VecDeque<String>>>,
    /// Disconnected as soon as its standard error has been read to the end.
    heard: Channel<()>,
    /// Whether what it is asked for now can be stopped.
    stoppable: bool,
    /// Why it is of no use any more.
    over: Option<Failure>,
}

impl Talk {
    fn begin(program: &Program, host: Arc<dyn Host>) -> Result<Self, Failure> {
        let mut command = Command::new(&program.command);
        command.args(&program.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C is ours to hand on, and what it started ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child =
            command.spawn().map_err(|error| Failure::new(FATAL, format!("{} cannot be started: {error}", program.command.display())))?;
        let words = Arc::new(Mutex::new(VecDeque::new()));
        let (listening, heard) = mpsc::channel::<()>();
        if let Some(stderr) = child.stderr.take() {
            let (words, host) = (Arc::clone(&words), Arc::clone(&host));
            thread::spawn(move || {
                listen(stderr, &words, host.as_ref());
                drop(listening);
            });
        }
        let (to, outgoing) = mpsc::channel::<Vec<u8>>();
        if let Some(mut stdin) = child.stdin.take() {
            // A program that reads nothing must not hold us up: what it is told waits here.
            thread::spawn(move || outgoing.iter().all(|bytes| stdin.write_all(&bytes).and_then(|()| stdin.flush()).is_ok()));
        }
        let (incoming, from) = mpsc::sync_channel(WAITING);
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || read(BufReader::with_capacity(wire::FULL, stdout), &incoming));
        }
        let out = Outbox::new(Encoding::Lines);
        let mut talk = Self {
            id: program.id.clone(),
            child,
            to: Some(to),
            from,
            out,
            host,
            limits: program.limits,
            words,
            heard,
            stoppable: false,
            over: None,
        };
        talk.greet()?;
        Ok(talk)
    }

    fn greet(&mut self) -> Result<(), Failure> {
        self.out.control("hello", said::greeting());
        self.send();
        let line = self.next("say hello")?;
        let mut encoding = Encoding::Lines;
        let greeted = wire::each(&line, Encoding::Lines, &mut |message| match message {
            Message::Control(name, body) if name == "hello" => {
                encoding = said::read_greeting(&body)?.unwrap_or(Encoding::Lines);
                Ok(())
            }
            Message::Control(name, body) if name == "error" => Err(said::read_failure(&body)),
            _ => Err(Failure::new(PROTOCOL, "it did not begin with `hello`")),
        });
        self.out.encoding = encoding;
        greeted.map_err(|failure| self.end(failure))
    }

    fn send(&mut self) {
        let bytes = self.out.take();
        if let Some(to) = self.to.as_ref().filter(|_| !bytes.is_empty()) {
            // If nobody takes it the program has ended, and that shows when it is read from.
            let _ = to.send(bytes);
        }
    }

    /// Ends the program, because of a failure that is then the answer to everything.
    fn end(&mut self, failure: Failure) -> Failure {
        self.over = Some(failure.clone());
        self.kill();
        failure
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for what it says next, as long as it may be silent.
    fn next(&mut self, doing: &str) -> Result<Vec<u8>, Failure> {
        let began = Instant::now();
        let mut stopping: Option<Instant> = None;
        loop {
            match self.from.recv_timeout(GLANCE) {
                Ok(Ok(Some(frame))) => return Ok(frame),
                Ok(Ok(None)) | Err(RecvTimeoutError::Disconnected) => return Err(self.ended(doing)),
                Ok(Err(error)) => {
                    let failure = Failure::new(PROTOCOL, format!("it cannot be understood while it was asked to {doing}: {error}"));
                    return Err(self.end(failure));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if began.elapsed() >= self.limits.silence {
                return Err(self.silent(doing));
            }
            match stopping {
                None if self.stoppable && self.host.cancelled() => {
                    stopping = Some(Instant::now());
                    self.out.control("cancel", json!({}));
                    self.send();
                }
                Some(since) if since.elapsed() >= self.limits.grace => return Err(self.end(Failure::new(CANCELLED, "cancelled"))),
                _ => {}
            }
        }
    }

    fn silent(&mut self, doing: &str) -> Failure {
        let seconds = self.limits.silence.as_secs();
        let message = format!(
            "it said nothing for {seconds} s while it was asked to {doing}, so it was ended; nothing it had reported counts. \
             If it only needs longer, raise `deadline` in the endpoint's table"
        );
        self.end(Failure::new(TRANSIENT, format!("plugin `{}`: {message}", self.id)))
    }

    fn ended(&mut self, doing: &str) -> Failure {
        // Its standard output is closed: it ends, or is ended.
        self.to = None;
        let status = self.wait();
        let how = status.map_or_else(|| "stopped talking".to_owned(), how);
        // Its last words may still be on their way; what it started may hold the pipe open for ever.
        let _ = self.heard.recv_timeout(self.limits.grace);
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect::<Vec<_>>().join(" | ");
        let said = if words.is_empty() { String::new() } else { format!("; its last words: {words}") };
        let failure = Failure::new(
            FATAL,
            format!(
                "it {how} while it was asked to {doing}{said}. Nothing it had reported counts; \
                 try again, and if it happens again tell its author"
            ),
        );
        self.over = Some(failure.clone());
        failure
    }

    /// Waits for the end of a program whose output is closed; one that lingers is killed.
    fn wait(&mut self) -> Option<ExitStatus> {
        let began = Instant::now();
        while began.elapsed() < self.limits.grace {
            match self.child.try_wait() {
                Ok(None) => thread::park_timeout(Duration::from_millis(2)),
                Ok(Some(status)) => return Some(status),
                Err(_) => break,
            }
        }
        self.kill();
        None
    }

    /// Asks for one thing and hands on what it says, until it is done.
    fn ask(&mut self, name: &'static str, body: Value, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        if let Some(failure) = &self.over {
            return Err(failure.clone());
        }
        // What is begun and what is asked about itself is short; what may be long can be stopped.
        self.stoppable = matches!(name, "scan" | "apply");
        if self.stoppable && self.host.cancelled() {
            return Err(Failure::new(CANCELLED, "cancelled"));
        }
        self.out.control(name, body);
        self.send();
        loop {
            let frame = self.next(name)?;
            let mut over = None;
            let taken = wire::each(&frame, self.out.encoding, &mut |message| match over {
                None => self.take(message, receiver).map(|outcome| over = outcome),
                Some(_) => Err(Failure::new(PROTOCOL, "it went on after it was done")),
            });
            taken.map_err(|failure| self.end(failure))?;
            self.send();
            if let Some(outcome) = over {
                return outcome;
            }
        }
    }

    /// Takes one message; answers how the call went, if that was it.
    fn take(&mut self, message: Message<'_>, receiver: &mut dyn Receiver) -> Result<Option<Result<(), Failure>>, Failure> {
        match message {
            Message::Item(item) => receiver.item(item)?,
            Message::Answer(answer) => receiver.answer(answer)?,
            Message::Fate(fate) => receiver.fate(fate)?,
            Message::Bytes(bytes) => receiver.give(bytes)?,
            Message::Known(..) | Message::Op(_) => return Err(Failure::new(PROTOCOL, "it sent what only a host sends")),
            Message::Control(name, body) => return self.control(&name, &body, receiver),
        }
        Ok(None)
    }

    fn control(&mut self, name: &str, body: &Value, receiver: &mut dyn Receiver) -> Result<Option<Result<(), Failure>>, Failure> {
        let octets_of = |name: &str| body.get(name).and_then(read_octets).unwrap_or_default();
        match name {
            "done" => return Ok(Some(Ok(()))),
            "error" => return Ok(Some(Err(said::read_failure(body)))),
            "document" => receiver.document(body.to_string().as_bytes())?,
            "scanned" => receiver.scanned(&octets_of("root"), &octets_of("note"))?,
            "same" => receiver.same(body.as_bool().unwrap_or(false))?,
            "log" => self.host.log(body.as_str().unwrap_or_default()),
            "progress" => {
                let number = |name: &str| body.get(name).and_then(Value::as_u64);
                self.host.progress(number("done").unwrap_or_default(), number("of"));
            }
            "want" => self.want(body, receiver)?,
            // A newer adapter may say more: it was told our version, so nothing here depends on it.
            other => return Err(Failure::new(PROTOCOL, format!("it sent a message `{other}`, which does not exist"))),
        }
        Ok(None)
    }

    /// Answers what it asks for.
    fn want(&mut self, body: &Value, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        if let Some(name) = body.get("secret").and_then(Value::as_str) {
            self.out.control("secret", self.host.secret(name).into());
            return Ok(());
        }
        let Some(blob) = body.get("blob") else {
            return Err(Failure::new(PROTOCOL, "it wants neither a secret nor a blob"));
        };
        let number = |name: &str| blob.get(name).and_then(Value::as_u64);
        let room = number("room").and_then(|room| usize::try_from(room).ok()).unwrap_or(BLOB_CHUNK).min(BLOB_CHUNK);
        let mut into = vec![0; room];
        match receiver.blob(said::digits(blob, "digest")?, number("offset").unwrap_or_default(), &mut into) {
            Ok(length) => self.out.bytes(into.get(..length).unwrap_or_default()),
            Err(failure) => self.out.control("no", said::failure(&failure)),
        }
        Ok(())
    }
}

/// Reads what the program says; the first line tells how the rest is written.
fn read(mut from: impl BufRead, to: &mpsc::SyncSender<io::Result<Option<Vec<u8>>>>) {
    let mut line = Vec::new();
    let first = from.by_ref().take(LONGEST_GREETING).read_until(b'\n', &mut line).map(|length| (length > 0).then_some(()));
    let mut encoding = Encoding::Lines;
    if let Ok(Some(())) = first {
        let greeting = wire::each::<Breach>(&line, Encoding::Lines, &mut |message| {
            if let Message::Control(_, body) = message {
                encoding = said::read_greeting(&body)?.unwrap_or(Encoding::Lines);
            }
            Ok(())
        });
        // Whoever waits for the line says what is wrong with it.
        drop(greeting);
    }
    let mut next = first.map(|there| there.map(|()| line));
    loop {
        let goes_on = matches!(next, Ok(Some(_)));
        if to.send(next).is_err() || !goes_on {
            return;
        }
        next = wire::next(&mut from, encoding);
    }
}

/// Hands lines of standard error on to the host's log, and keeps the last ones.
fn listen(stderr: impl Read, words: &Mutex<VecDeque<String>>, host: &dyn Host) {
    let mut lines = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match lines.by_ref().take(LONGEST_WORDS as u64).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        host.log(&line);
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() == LAST_WORDS {
            words.pop_front();
        }
        words.push_back(line);
    }
}

/// Says how a process ended.
fn how(status: ExitStatus) -> String {
    const SIGNALS: &[(i32, &str)] =
        &[(4, "SIGILL"), (6, "SIGABRT"), (7, "SIGBUS"), (8, "SIGFPE"), (9, "SIGKILL"), (11, "SIGSEGV"), (15, "SIGTERM")];
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name =
            SIGNALS.iter().find(|(number, _)| *number == signal).map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned());
        return format!("crashed ({name})");
    }
    status.code().map_or_else(|| "ended".to_owned(), |code| format!("ended with exit code {code}"))
}

impl Backend for Talk {
    fn call(&mut self, request: Request<'_>, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        let body = match request {
            Request::Profile => json!({}),
            Request::Same(note) => json!({ "note": octets(note) }),
            Request::Recover(step) | Request::Settle(step) => json!({ "step": hex(&step) }),
            Request::Blob { key, digest } => json!({ "key": key, "digest": hex(&digest) }),
            Request::Scan(lookup) => {
                lookup.each(&mut |key, fingerprint| {
                    self.out.known(key, fingerprint);
                    if self.out.full() {
                        self.send();
                    }
                });
                json!({})
            }
            Request::Apply { step, ops, mode } => {
                for op in ops {
                    self.out.op(op)?;
                    if self.out.full() {
                        self.send();
                    }
                }
                let mode = match mode {
                    Mode::Rehearse => "rehearse",
                    Mode::Perform => "perform",
                };
                json!({ "step": hex(&step), "mode": mode })
            }
        };
        self.ask(request.name(), body, receiver)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.to = None;
        if self.over.is_some() {
            return self.kill();
        }
        // Its input is closed, so it ends; what it still says nobody wants to hear.
        let began = Instant::now();
        while began.elapsed() < self.limits.grace {
            match self.from.recv_timeout(GLANCE) {
                Ok(Ok(Some(_))) | Err(RecvTimeoutError::Timeout) => {}
                _ => break,
            }
        }
        self.wait();
    }
}
