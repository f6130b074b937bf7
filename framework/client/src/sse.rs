//! Server-sent events (WHATWG HTML §9.2.6), read from a stream with every length bounded.

use std::io::{self, BufRead, ErrorKind};
use std::time::Duration;

/// The most bytes of one line, and of one event's data: a store tells only which head moved.
const LONGEST: usize = 64 << 10;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its type; `message` where the stream names none.
    pub kind: String,
    /// Its data, lines joined.
    pub data: String,
}

/// The events of a stream, one after the other.
#[derive(Debug)]
pub struct Events<R> {
    from: R,
    last_id: Option<String>,
    retry: Option<Duration>,
    begun: bool,
    after_return: bool,
}

impl<R: BufRead> Events<R> {
    /// Reads from a stream that begins now; `last_id` is where an earlier one ended.
    pub fn new(from: R, last_id: Option<String>) -> Self {
        Self { from, last_id, retry: None, begun: false, after_return: false }
    }

    /// Returns the id of the last event, from which a later stream goes on.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// Returns how long the stream asks to wait before it is opened again.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Waits for the next event; none if the stream ended. What was not finished by an empty line is no event.
    ///
    /// # Errors
    /// Fails if the stream breaks, is not UTF-8, or a line or an event is longer than 64 KiB.
    pub fn wait(&mut self) -> io::Result<Option<Event>> {
        let (mut kind, mut data, mut any) = (String::new(), String::new(), false);
        while let Some(line) = self.line()? {
            if line.is_empty() {
                if any {
                    data.pop();
                    let kind = if kind.is_empty() { "message".to_owned() } else { kind };
                    return Ok(Some(Event { kind, data }));
                }
                kind.clear();
                continue;
            }
            match line.split_once(':').map_or((line.as_str(), ""), |(name, value)| (name, value.strip_prefix(' ').unwrap_or(value))) {
                ("event", value) => value.clone_into(&mut kind),
                ("data", value) if data.len() + value.len() > LONGEST => return Err(too_long()),
                ("data", value) => {
                    data.extend([value, "\n"]);
                    any = true;
                }
                ("id", value) if !value.contains('\0') => self.last_id = Some(value.to_owned()),
                ("retry", value) => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Reads up to the next line end: LF, CR, or CR LF; none at the end of the stream.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        loop {
            let Some(byte) = self.byte()? else { return Ok(None) };
            let second_half = std::mem::take(&mut self.after_return) && byte == b'\n';
            match byte {
                b'\n' if second_half => {}
                b'\r' | b'\n' => {
                    self.after_return = byte == b'\r';
                    let text = String::from_utf8(line).map_err(|_| io::Error::new(ErrorKind::InvalidData, "the events are not UTF-8"))?;
                    let text = if std::mem::replace(&mut self.begun, true) { text } else { text.trim_start_matches('\u{feff}').to_owned() };
                    return Ok(Some(text));
                }
                _ if line.len() == LONGEST => return Err(too_long()),
                other => line.push(other),
            }
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.from.fill_buf() {
                Ok(bytes) => {
                    let first = bytes.first().copied();
                    self.from.consume(usize::from(first.is_some()));
                    return Ok(first);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn too_long() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("an event is longer than {LONGEST} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(stream: &str) -> Vec<(String, String)> {
        let mut events = Events::new(stream.as_bytes(), None);
        std::iter::from_fn(|| events.wait().unwrap()).map(|event| (event.kind, event.data)).collect()
    }

    fn event(kind: &str, data: &str) -> (String, String) {
        (kind.to_owned(), data.to_owned())
    }

    #[test]
    fn events_end_at_empty_lines_whatever_ends_a_line() {
        let expected = [event("head", "contacts 7"), event("message", "two\nlines")];
        for end in ["\n", "\r\n", "\r"] {
            let stream = ["\u{feff}: hello", "event: head", "data: contacts 7", "", "", "data:two", "data: lines", "", ""].join(end);
            assert_eq!(all(&stream), expected, "{end:?}");
        }
    }

    #[test]
    fn an_event_that_was_cut_off_is_none_and_comments_are_nothing() {
        assert_eq!(all(": keep-alive\n\n: keep-alive\n\nevent: head\ndata: x\n"), []);
        assert_eq!(all("event: head\n\ndata: x\n\n"), [event("message", "x")]);
        assert_eq!(all("data\n\n"), [event("message", "")]);
    }

    #[test]
    fn the_last_id_is_kept_for_the_stream_that_goes_on() {
        let mut events =
            Events::new("id: 41\ndata: x\n\nid: bad\0\nretry: 1500\nretry: soon\ndata: y\n\n".as_bytes(), Some("40".to_owned()));
        assert_eq!(events.last_id(), Some("40"));
        events.wait().unwrap();
        assert_eq!((events.last_id(), events.retry()), (Some("41"), None));
        events.wait().unwrap();
        assert_eq!((events.last_id(), events.retry()), (Some("41"), Some(Duration::from_millis(1500))));
    }

    #[test]
    fn what_never_ends_is_an_error_and_not_a_full_memory() {
        let endless = |piece: &'static [u8]| io::BufReader::new(Endless(piece, 0));
        for piece in [&b"x"[..], b"data: x\n"] {
            let error = Events::new(endless(piece), None).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
        assert_eq!(Events::new(&b"\xff\n"[..], None).wait().unwrap_err().kind(), ErrorKind::InvalidData);
    }

    struct Endless(&'static [u8], usize);

    impl io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for byte in &mut *buffer {
                *byte = self.0[self.1 % self.0.len()];
                self.1 += 1;
            }
            Ok(buffer.len())
        }
    }
}
