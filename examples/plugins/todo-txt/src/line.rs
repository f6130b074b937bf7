//! One task: a line of text, and the record that it shows.

use record::{Kind, Record, RecordId, Value};

/// The fields that a line can hold.
pub(crate) const FIELDS: &[&str] = &["description", "due", "priority", "progress", "title", "uid"];

/// The tags that are fields of their own. Any other `key:value` is part of the title, where todo.txt has it.
const DUE: &str = "due:";
const NOTE: &str = "note:";
const UID: &str = "uid:";

/// A line in its parts.
#[derive(Default)]
struct Parts<'l> {
    done: bool,
    priority: Option<char>,
    dates: Vec<&'l str>,
    words: Vec<&'l str>,
}

/// Returns what a line shows; nothing for one without a task.
pub(crate) fn decode(line: &str) -> Option<Record> {
    let parts = split(line);
    let title: Vec<&str> = parts.words.iter().copied().filter(|word| tag(word).is_none()).collect();
    let title = title.join(" ");
    if title.trim().is_empty() {
        return None;
    }
    let mut record = Record::new(Kind::TASK).with("title", Value::Text(title));
    if parts.done {
        record = record.with("progress", Value::text("completed"));
    }
    if let Some(priority) = parts.priority.and_then(number) {
        record = record.with("priority", Value::Integer(priority));
    }
    for word in &parts.words {
        match tag(word) {
            Some((DUE, date)) => record = record.with("due", Value::Date(date.to_owned())),
            Some((NOTE, note)) => record = record.with("description", Value::Text(unescape(note))),
            Some((UID, uid)) => record = record.with("uid", Value::Text(unescape(uid))),
            _ => {}
        }
    }
    Some(record)
}

/// Returns the line that shows a record, made from the line that stands there; or why there is none.
pub(crate) fn encode(record: &Record, was: Option<&str>, id: RecordId) -> Result<String, String> {
    let mut wanted = fitting(record);
    if was.is_none() && wanted.field("uid").is_none() {
        wanted = wanted.with("uid", Value::Text(id.urn()));
    }
    let was = was.unwrap_or_default();
    let shown = decode(was);
    if shown.as_ref() == Some(&wanted) {
        return Ok(was.to_owned());
    }
    let line = compose(&wanted, split(was), shown.as_ref());
    // What is written is read first: nothing that todo.txt would understand otherwise gets into the file.
    if decode(&line).as_ref() == Some(&wanted) && !line.contains(['\n', '\r']) {
        return Ok(line);
    }
    Err("a line of todo.txt cannot hold this title; use one line of plain words".to_owned())
}

/// Returns the part of a record that a line can hold, in the way it holds it.
fn fitting(record: &Record) -> Record {
    let mut fits = Record::new(Kind::TASK).with("title", Value::text(record.text("title").unwrap_or_default()));
    if let Some(note) = record.text("description").filter(|note| !note.is_empty()) {
        fits = fits.with("description", Value::text(note));
    }
    if let Some(uid) = record.text("uid").filter(|uid| !uid.is_empty()) {
        fits = fits.with("uid", Value::text(uid));
    }
    if record.text("progress") == Some("completed") {
        fits = fits.with("progress", Value::text("completed"));
    }
    if let Some(Value::Integer(priority @ 1..=9)) = record.field("priority") {
        fits = fits.with("priority", Value::Integer(*priority));
    }
    // A time of day has no place here; the date has.
    match record.text("due").and_then(|due| due.get(..10)).filter(|date| is_date(date)) {
        Some(date) => fits.with("due", Value::Date(date.to_owned())),
        None => fits,
    }
}

fn compose(wanted: &Record, was: Parts<'_>, shown: Option<&Record>) -> String {
    let mut head: Vec<String> = Vec::new();
    let done = wanted.field("progress").is_some();
    if done {
        head.push("x".to_owned());
    }
    let priority = match wanted.field("priority") {
        Some(Value::Integer(priority)) => letter(*priority),
        // A letter that is no priority of a task elsewhere stays.
        _ => was.priority.filter(|priority| number(*priority).is_none()),
    };
    head.extend(priority.map(|letter| format!("({letter})")));
    // A task that is not done has only the date on which it was made.
    let dates = if was.done && !done && was.dates.len() == 2 { &was.dates[1..] } else { &was.dates };
    head.extend(dates.iter().map(|date| (*date).to_owned()));

    let tags = [(DUE, wanted.text("due").map(str::to_owned)), (NOTE, wanted.text("description").map(escape)), (UID, wanted.text("uid").map(escape))];
    let mut missing: Vec<String> = Vec::new();
    let mut body: Vec<String> = Vec::new();
    let title_stays = shown.is_some_and(|shown| shown.text("title") == wanted.text("title"));
    if !title_stays {
        body.push(wanted.text("title").unwrap_or_default().to_owned());
    }
    for word in &was.words {
        match tag(word) {
            None if title_stays => body.push((*word).to_owned()),
            None => {}
            Some((name, _)) => {
                let value = tags.iter().find(|(tag, _)| *tag == name).and_then(|(_, value)| value.as_ref());
                body.extend(value.map(|value| format!("{name}{value}")));
            }
        }
    }
    for (name, value) in tags {
        if let Some(value) = value.filter(|_| !was.words.iter().any(|word| tag(word).is_some_and(|(tag, _)| tag == name))) {
            missing.push(format!("{name}{value}"));
        }
    }
    [head, body, missing].concat().join(" ")
}

fn split(line: &str) -> Parts<'_> {
    let mut parts = Parts::default();
    let mut words = line.split(' ').peekable();
    parts.done = words.next_if_eq(&"x").is_some();
    parts.priority = words.next_if(|word| priority(word).is_some()).and_then(priority);
    let most = if parts.done { 2 } else { 1 };
    while parts.dates.len() < most && words.peek().is_some_and(|word| is_date(word)) {
        parts.dates.extend(words.next());
    }
    parts.words = words.collect();
    parts
}

fn priority(word: &str) -> Option<char> {
    match word.as_bytes() {
        [b'(', letter @ b'A'..=b'Z', b')'] => Some(char::from(*letter)),
        _ => None,
    }
}

/// A to I are 1 to 9 (RFC 5545 §3.8.1.9).
fn number(letter: char) -> Option<i64> {
    ('A'..='I').zip(1..).find(|(known, _)| *known == letter).map(|(_, number)| number)
}

fn letter(number: i64) -> Option<char> {
    ('A'..='I').zip(1..).find(|(_, known)| *known == number).map(|(letter, _)| letter)
}

fn is_date(word: &str) -> bool {
    word.len() == 10 && word.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() })
}

/// Splits a word that is one of our tags.
fn tag(word: &str) -> Option<(&'static str, &str)> {
    if let Some(date) = word.strip_prefix(DUE) {
        return is_date(date).then_some((DUE, date));
    }
    [NOTE, UID].into_iter().find_map(|name| Some((name, word.strip_prefix(name)?))).filter(|(_, value)| !value.is_empty())
}

/// Writes a text as one word.
fn escape(text: &str) -> String {
    let mut word = String::new();
    for character in text.chars() {
        if character == '%' || character == ' ' || character.is_control() {
            let mut bytes = [0; 4];
            character.encode_utf8(&mut bytes).bytes().for_each(|byte| word.push_str(&format!("%{byte:02X}")));
        } else {
            word.push(character);
        }
    }
    word
}

/// Undoes [`escape`]; what is no escape stands for itself.
fn unescape(word: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = word_hex(after).filter(|_| *first == b'%');
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| word.to_owned())
}

fn word_hex(bytes: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(bytes.get(..2)?).ok()?;
    u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Vec<(String, String)> {
        decode(line).unwrap().fields.iter().map(|(pointer, value)| (pointer.to_string(), value.display())).collect()
    }

    #[test]
    fn a_line_shows_what_todo_txt_means() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            fields("x (B) 2026-01-03 2026-01-01 Call Ada +family due:2026-02-01 note:at%20noon rec:1w"),
            [pair("description", "at noon"), pair("due", "2026-02-01"), pair("priority", "2"), pair("progress", "completed"), pair("title", "Call Ada +family rec:1w")]
        );
        assert_eq!(fields("xylophone (A) due:soon"), [pair("title", "xylophone (A) due:soon")]);
        assert_eq!(decode("   "), None);
    }

    #[test]
    fn an_edit_keeps_every_other_word() {
        let line = "(A) 2026-01-01 Call  Ada due:2026-02-01 rec:1w";
        let id = RecordId([1; 16]);
        let task = decode(line).unwrap();
        assert_eq!(encode(&task, Some(line), id).unwrap(), line);
        let moved = task.clone().with("due", Value::Date("2026-03-01".into()));
        assert_eq!(encode(&moved, Some(line), id).unwrap(), "(A) 2026-01-01 Call  Ada due:2026-03-01 rec:1w");
        let done = task.with("progress", Value::text("completed"));
        assert_eq!(encode(&done, Some(line), id).unwrap(), "x (A) 2026-01-01 Call  Ada due:2026-02-01 rec:1w");
    }

    #[test]
    fn a_title_that_would_read_otherwise_is_refused() {
        for title in ["x done already", "two\nlines", "(A) urgent", "", "due:2026-01-01"] {
            let task = Record::new(Kind::TASK).with("title", Value::text(title));
            assert!(encode(&task, None, RecordId([1; 16])).is_err(), "{title:?}");
        }
    }
}
