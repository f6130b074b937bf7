//! What a line is to the tree of components: a BEGIN, an END, or something within.

use crate::line::Line;
use crate::unfold::unfold;
use std::borrow::Cow;

/// No component of any format has a longer name; a longer one is text.
const LONGEST_NAME: usize = 64;

/// The part that a line has in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Opens a component; `agent` where it follows `AGENT:` in the same line (vCard 2.1).
    Begin { name: String, agent: bool },
    /// Closes a component.
    End(String),
    /// `AGENT:` without a value, which a nested card follows (vCard 2.1 §2.4.3).
    Agent,
    /// Holds nothing.
    Blank,
    /// Any other line.
    Text,
}

/// Returns what `line` is to the tree.
pub(crate) fn mark(bytes: &[u8], line: &Line) -> Mark {
    let raw = line.raw(bytes).trim_ascii_start();
    match raw.first().map(u8::to_ascii_uppercase) {
        None => Mark::Blank,
        Some(b'B' | b'E' | b'A') => {
            let text = if line.folded { Cow::Owned(unfold(raw)) } else { Cow::Borrowed(raw) };
            begin(&text, false).or_else(|| end(&text)).or_else(|| agent(&text)).unwrap_or(Mark::Text)
        }
        Some(_) => Mark::Text,
    }
}

fn begin(text: &[u8], agent: bool) -> Option<Mark> {
    component_name(text, b"BEGIN:").map(|name| Mark::Begin { name, agent })
}

fn end(text: &[u8]) -> Option<Mark> {
    component_name(text, b"END:").map(Mark::End)
}

fn agent(text: &[u8]) -> Option<Mark> {
    let rest = after(text, b"AGENT")?;
    if !matches!(rest.first(), Some(b':' | b';')) {
        return None;
    }
    let value = rest.get(memchr::memchr(b':', rest)? + 1..)?.trim_ascii();
    if value.is_empty() { Some(Mark::Agent) } else { begin(value, true) }
}

fn component_name(text: &[u8], keyword: &[u8]) -> Option<String> {
    let name = after(text, keyword)?.trim_ascii();
    let named = !name.is_empty() && name.len() <= LONGEST_NAME;
    named.then(|| String::from_utf8_lossy(name).to_ascii_uppercase())
}

fn after<'t>(text: &'t [u8], keyword: &[u8]) -> Option<&'t [u8]> {
    let (start, rest) = text.split_at_checked(keyword.len())?;
    start.eq_ignore_ascii_case(keyword).then_some(rest)
}
