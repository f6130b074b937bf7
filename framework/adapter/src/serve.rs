//! The other end of the pipe: a library that runs in a helper process and speaks the protocol through it.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver as Channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use crate::backend::{Backend, Breach, Lookup, Opener, Receiver, Request};
use crate::crossing::{CONFIG, FATAL, FINGERPRINT_MAX, Failure, PROTOCOL, RawAnswer, RawFate, RawItem, RawOp, path_of};
use crate::format::Host;
use crate::host::Library;
use crate::lines::{hex, octets, read_octets};
use crate::message::Message;
use crate::operation::Mode;
use crate::said::{self, digits};
use crate::wire::{self, Encoding, Outbox};

/// How long a frame with a word to stop can be: longer ones are not looked into by the thread that reads.
const LONGEST_CANCEL: usize = 64;

/// Serves a library, or says why it cannot be loaded, until the input ends.
///
/// `orphaned` is called if the input ends while the library is at work: then nobody is left who could use what it does.
///
/// # Errors
/// Fails if the pipes do.
pub fn serve(
    library: Result<Library, String>,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    orphaned: fn(),
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(wire::FULL, input);
    let greeting = wire::next(&mut input, Encoding::Lines)?.unwrap_or_default();
    let mut out = Outbox::new(Encoding::Lines);
    let library = greeted(&greeting).and_then(|()| library.map_err(|reason| Failure::new(FATAL, reason)));
    match &library {
        Ok(_) => out.control("hello", said::reply()),
        Err(failure) => out.control("error", said::failure(failure)),
    }
    let mut output: Box<dyn Write + Send> = Box::new(output);
    output.write_all(&out.take()).and_then(|()| output.flush())?;
    let Ok(library) = library else { return Ok(()) };
    let (to, from) = mpsc::channel();
    let pipe = Pipe {
        out: Mutex::new((Outbox::new(Encoding::Frames), output)),
        from: Mutex::new(from),
        cancelled: AtomicBool::new(false),
        busy: AtomicBool::new(false),
    };
    let pipe = Arc::new(pipe);
    let reading = Arc::clone(&pipe);
    thread::spawn(move || {
        while let Ok(Some(frame)) = wire::next(&mut input, Encoding::Frames) {
            if !reading.cancels(&frame) && to.send(frame).is_err() {
                return;
            }
        }
        reading.cancelled.store(true, Ordering::Relaxed);
        if reading.busy.load(Ordering::SeqCst) {
            orphaned();
        }
    });
    Helper { library, pipe, opened: None, known: Known::default(), ops: Vec::new() }.run();
    Ok(())
}

fn greeted(line: &[u8]) -> Result<(), Failure> {
    wire::each(line, Encoding::Lines, &mut |message| match message {
        Message::Control(name, body) if name == "hello" => said::read_greeting(&body).map(drop).map_err(Failure::from),
        _ => Err(Failure::new(PROTOCOL, "the host did not begin with `hello`")),
    })
}

/// The pipes of the helper.
struct Pipe {
    out: Mutex<(Outbox, Box<dyn Write + Send>)>,
    from: Mutex<Channel<Vec<u8>>>,
    cancelled: AtomicBool,
    busy: AtomicBool,
}

impl Pipe {
    /// Tells whether a frame asks to stop, and takes note.
    fn cancels(&self, frame: &[u8]) -> bool {
        if frame.len() > LONGEST_CANCEL {
            return false;
        }
        let mut cancels = false;
        let _ = wire::each::<Breach>(frame, Encoding::Frames, &mut |message| {
            cancels = matches!(&message, Message::Control(name, _) if name == "cancel");
            Ok(())
        });
        if cancels {
            self.cancelled.store(true, Ordering::Relaxed);
        }
        cancels
    }

    fn next(&self) -> Option<Vec<u8>> {
        self.from.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    /// Adds a message, and sends if it is time.
    fn say(&self, write: impl FnOnce(&mut Outbox)) -> Result<(), Breach> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        write(&mut out.0);
        if out.0.full() { flush(&mut out) } else { Ok(()) }
    }

    /// Adds a message and sends everything.
    fn say_now(&self, name: &str, body: Value) -> Result<(), Breach> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.0.control(name, body);
        flush(&mut out)
    }
}

fn flush((outbox, output): &mut (Outbox, Box<dyn Write + Send>)) -> Result<(), Breach> {
    let bytes = outbox.take();
    output.write_all(&bytes).and_then(|()| output.flush()).map_err(|error| Breach(format!("the host is gone: {error}")))
}

impl Host for Pipe {
    fn log(&self, message: &str) {
        let _ = self.say_now("log", message.into());
    }

    fn progress(&self, done: u64, of: Option<u64>) {
        let _ = self.say_now("progress", json!({ "done": done, "of": of }));
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn secret(&self, name: &str) -> Option<String> {
        self.say_now("want", json!({ "secret": name })).ok()?;
        let mut secret = None;
        wire::each::<Breach>(&self.next()?, Encoding::Frames, &mut |message| {
            if let Message::Control(name, body) = message
                && name == "secret"
            {
                secret = body.as_str().map(str::to_owned);
            }
            Ok(())
        })
        .ok()?;
        secret
    }
}

/// Hands on what the library says.
struct Forward<'p>(&'p Pipe);

impl Receiver for Forward<'_> {
    fn item(&mut self, item: RawItem<'_>) -> Result<(), Breach> {
        self.0.say(|out| out.item(&item))
    }

    fn scanned(&mut self, root: &[u8], note: &[u8]) -> Result<(), Breach> {
        self.0.say(|out| out.control("scanned", json!({ "root": octets(root), "note": octets(note) })))
    }

    fn answer(&mut self, answer: RawAnswer<'_>) -> Result<(), Breach> {
        self.0.say(|out| out.answer(&answer))
    }

    fn fate(&mut self, fate: RawFate<'_>) -> Result<(), Breach> {
        self.0.say(|out| out.fate(&fate))
    }

    fn document(&mut self, json: &[u8]) -> Result<(), Breach> {
        let document: Value = serde_json::from_slice(json).map_err(|error| Breach(format!("its document is no JSON: {error}")))?;
        self.0.say(|out| out.control("document", document))
    }

    fn same(&mut self, same: bool) -> Result<(), Breach> {
        self.0.say(|out| out.control("same", same.into()))
    }

    fn give(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        self.0.say(|out| out.bytes(bytes))
    }

    fn blob(&mut self, digest: [u8; 32], offset: u64, into: &mut [u8]) -> Result<usize, Failure> {
        self.0.say_now("want", json!({ "blob": { "digest": hex(&digest), "offset": offset, "room": into.len() } }))?;
        let frame = self.0.next().ok_or_else(|| Failure::new(FATAL, "the host is gone"))?;
        let mut copied = 0;
        wire::each(&frame, Encoding::Frames, &mut |message| match message {
            Message::Bytes(bytes) => {
                copied = bytes.len().min(into.len());
                into.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
                Ok(())
            }
            Message::Control(name, body) if name == "no" => Err(said::read_failure(&body)),
            _ => Err(Failure::new(PROTOCOL, "the host did not answer with bytes")),
        })?;
        Ok(copied)
    }
}

/// What the host told is known.
#[derive(Default)]
struct Known(HashMap<String, Vec<u8>>);

impl Lookup for Known {
    fn known(&self, key: &str, into: &mut [u8; FINGERPRINT_MAX]) -> usize {
        let Some(fingerprint) = self.0.get(key) else { return 0 };
        let Some(place) = into.get_mut(..fingerprint.len()) else { return 0 };
        place.copy_from_slice(fingerprint);
        fingerprint.len()
    }

    fn each(&self, take: &mut dyn FnMut(&str, &[u8])) {
        self.0.iter().for_each(|(key, fingerprint)| take(key, fingerprint));
    }
}

/// An operation that waits for its step.
struct Waiting {
    id: [u8; 16],
    key: Option<String>,
    fingerprint: Option<Vec<u8>>,
    record: Option<Vec<u8>>,
    changed: Vec<String>,
}

impl Waiting {
    fn of(op: RawOp<'_>) -> Self {
        Self {
            id: op.id,
            key: op.key.map(str::to_owned),
            fingerprint: op.fingerprint.map(<[u8]>::to_vec),
            record: op.record.map(std::borrow::Cow::into_owned),
            changed: op.changed.into_iter().map(str::to_owned).collect(),
        }
    }

    fn lend(&self) -> RawOp<'_> {
        RawOp {
            id: self.id,
            key: self.key.as_deref(),
            fingerprint: self.fingerprint.as_deref(),
            record: self.record.as_deref().map(Into::into),
            changed: self.changed.iter().map(String::as_str).collect(),
        }
    }
}

struct Helper {
    library: Library,
    pipe: Arc<Pipe>,
    opened: Option<Box<dyn Backend>>,
    known: Known,
    ops: Vec<Waiting>,
}

impl Helper {
    fn run(mut self) {
        let pipe = Arc::clone(&self.pipe);
        while let Some(frame) = pipe.next() {
            pipe.busy.store(true, Ordering::SeqCst);
            let taken = wire::each(&frame, Encoding::Frames, &mut |message| self.take(message));
            pipe.busy.store(false, Ordering::SeqCst);
            // Only a host that is gone, or that speaks otherwise than it said, ends the talk.
            if taken.is_err() {
                return;
            }
        }
    }

    fn take(&mut self, message: Message<'_>) -> Result<(), Breach> {
        match message {
            Message::Known(key, fingerprint) => {
                let key = String::from_utf8(key.to_vec()).map_err(|_| Breach::new("the host knows a key that is not UTF-8"))?;
                self.known.0.insert(key, fingerprint.to_vec());
                Ok(())
            }
            Message::Op(op) => {
                self.ops.push(Waiting::of(op));
                Ok(())
            }
            Message::Control(name, body) => {
                let outcome = self.request(&name, &body);
                // What was gathered was for this call.
                self.known.0.clear();
                self.ops.clear();
                match outcome {
                    Ok(()) => self.pipe.say_now("done", json!({})),
                    Err(failure) => self.pipe.say_now("error", said::failure(&failure)),
                }
            }
            Message::Item(_) | Message::Answer(_) | Message::Fate(_) | Message::Bytes(_) => {
                Err(Breach::new("the host sent what only an adapter sends"))
            }
        }
    }

    fn request(&mut self, name: &str, body: &Value) -> Result<(), Failure> {
        let pipe = Arc::clone(&self.pipe);
        let mut forward = Forward(&pipe);
        let octets_of = |name: &str| body.get(name).and_then(read_octets).unwrap_or_default();
        match name {
            "describe" => return self.library.describe(&mut forward, pipe.clone()),
            "open" => {
                let options = body.get("options").and_then(said::read_options);
                let options = options.ok_or_else(|| Failure::new(CONFIG, "the options cannot be read"))?;
                self.opened = Some(self.library.open(&path_of(&octets_of("path")), &options, pipe.clone())?);
                return Ok(());
            }
            _ => {}
        }
        let opened = self.opened.as_mut().ok_or_else(|| Failure::new(PROTOCOL, "nothing is opened"))?;
        let key = body.get("key").and_then(Value::as_str).unwrap_or_default();
        let note = octets_of("note");
        let ops: Vec<RawOp<'_>> = self.ops.iter().map(Waiting::lend).collect();
        let request = match name {
            "profile" => Request::Profile,
            "same" => Request::Same(&note),
            "scan" => Request::Scan(&self.known),
            "apply" => Request::Apply { step: digits(body, "step")?, ops: &ops, mode: mode(body)? },
            "recover" => Request::Recover(digits(body, "step")?),
            "settle" => Request::Settle(digits(body, "step")?),
            "blob" => Request::Blob { key, digest: digits(body, "digest")? },
            other => return Err(Failure::new(PROTOCOL, format!("there is no request `{other}`"))),
        };
        opened.call(request, &mut forward)
    }
}

fn mode(body: &Value) -> Result<Mode, Breach> {
    match body.get("mode").and_then(Value::as_str) {
        Some("rehearse") => Ok(Mode::Rehearse),
        Some("perform") => Ok(Mode::Perform),
        _ => Err(Breach::new("there is no such mode")),
    }
}
