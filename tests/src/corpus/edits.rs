//! Every field of a file edited, one at a time: all other lines must stay as they are.

use std::fs;
use std::path::Path;

use adapter::{Expect, Item, Op, Outcome};
use record::{Pointer, RecordId, Value};

use super::endpoint::{Lent, open, perform, scan};
use super::examination::Format;

/// How many logical lines one field may stand in: a name is N and FN.
const MOST_LINES: usize = 2;

/// What became of the edits.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// How many were tried.
    pub tried: usize,
    /// How many changed the lines of their field and nothing else.
    pub kept: usize,
    /// What the adapter refused, and wrote nothing, by field.
    pub refused: Vec<String>,
    /// What else was touched, by field.
    pub touched: Vec<String>,
}

/// Edits the fields of all items on a copy of the file.
pub(super) fn edit_each(
    bytes: &[u8],
    (format, path): (Format, &Path),
    items: &[Item],
    lent: &Lent,
    skip: &dyn Fn(&Pointer) -> bool,
    most: usize,
) -> Edits {
    let mut edits = Edits::default();
    for (at, item) in items.iter().enumerate() {
        for (pointer, value) in &item.record.fields {
            let Some(edited) = edited(pointer, value).filter(|_| !skip(pointer)) else { continue };
            if edits.tried == most {
                return edits;
            }
            edits.tried += 1;
            match edit(bytes, (format, path), at, (pointer, edited), lent) {
                Ok(None) => edits.kept += 1,
                Ok(Some(reason)) => edits.refused.push(format!("{pointer}: {reason}")),
                Err(reason) => edits.touched.push(format!("{pointer}: {reason}")),
            }
        }
    }
    edits
}

/// Returns another value of the same type; none for what an edit would only unset.
fn edited(pointer: &Pointer, value: &Value) -> Option<Value> {
    if pointer.as_str().contains("ext/") {
        return None;
    }
    Some(match value {
        Value::Text(text) => Value::Text(format!("{text}x")),
        Value::Uri(text) => Value::Uri(format!("{text}x")),
        Value::Integer(number) => Value::Integer(if *number > 1 { number - 1 } else { number + 1 }),
        Value::Date(_) => Value::Date("2031-05-07".to_owned()),
        Value::LocalDateTime(_) => Value::LocalDateTime("2031-05-07T08:09:10".to_owned()),
        Value::Instant(_) => Value::Instant("2031-05-07T08:09:10Z".to_owned()),
        Value::Duration(_) => Value::Duration("PT7M".to_owned()),
        _ => return None,
    })
}

/// Makes one edit: nothing if it was written and nothing else changed, the reason if it was refused.
fn edit(
    bytes: &[u8],
    (format, path): (Format, &Path),
    at: usize,
    (pointer, value): (&Pointer, Value),
    lent: &Lent,
) -> Result<Option<String>, String> {
    fs::write(path, bytes).map_err(|error| error.to_string())?;
    let mut adapter = open(format, path, None).map_err(|error| error.to_string())?;
    let found = scan(adapter.as_mut()).map_err(|error| error.to_string())?;
    let item = found.items.get(at).ok_or("the item is not there again")?;
    let mut record = item.record.clone();
    let renamed = Renamed::zone(pointer, record.fields.get(pointer), &value);
    record.fields.insert(pointer.clone(), value);
    let changed = [pointer.clone()];
    let op = Op::Put {
        id: RecordId([9; 16]),
        key: Some(&item.key),
        expect: Expect::Fingerprint(&item.fingerprint),
        record: &record,
        changed: &changed,
    };
    let answers = perform(adapter.as_mut(), &[op], lent).map_err(|error| error.to_string())?;
    let after = fs::read(path).map_err(|error| error.to_string())?;
    match answers.first() {
        Some(Outcome::Put { .. }) => untouched(bytes, &after, renamed.as_ref()).map(|()| None),
        Some(Outcome::Refused { reason }) if after == bytes => Ok(Some(reason.clone())),
        Some(Outcome::Refused { .. }) => Err("refused, but the file changed".to_owned()),
        other => Err(format!("answered {other:?}")),
    }
}

/// A zone that got another name: it stands in every line that says a time of the series, and nothing else in them changes.
struct Renamed {
    old: String,
    new: String,
}

impl Renamed {
    fn zone(pointer: &Pointer, old: Option<&Value>, new: &Value) -> Option<Self> {
        let (old, new) = old.and_then(Value::as_text).zip(new.as_text()).filter(|_| pointer.as_str().ends_with("imeZone"))?;
        Some(Self { old: old.to_owned(), new: new.to_owned() })
    }

    /// Tells whether one line is the other but for the name of its zone.
    fn explains(&self, old: &[u8], new: &[u8]) -> bool {
        let name = |zone: &str, quote: &str| format!("TZID={quote}{zone}{quote}");
        let (old, new) = (unfolded(old), unfolded(new));
        ["", "\""].iter().any(|quote| {
            let renamed = old.replacen(&name(&self.old, quote), &name(&self.new, quote), 1);
            renamed != old && renamed == new
        })
    }
}

fn unfolded(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    ["\r\n ", "\n ", "\r\n\t", "\n\t"].iter().fold(text.into_owned(), |text, fold| text.replace(fold, ""))
}

/// Checks that two files differ in a few logical lines only, and that all others stand in the same order.
fn untouched(before: &[u8], after: &[u8], renamed: Option<&Renamed>) -> Result<(), String> {
    let (before, after) = (logical(before), logical(after));
    let head = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let tail = before.iter().rev().zip(after.iter().rev()).take_while(|(one, other)| one == other).count();
    let tail = tail.min(before.len().min(after.len()) - head);
    let old = before.get(head..before.len() - tail).unwrap_or_default();
    let new = after.get(head..after.len() - tail).unwrap_or_default();
    if old.len() == new.len()
        && let Some(renamed) = renamed
        && old.iter().zip(new).all(|(old, new)| old == new || renamed.explains(old, new))
    {
        return Ok(());
    }
    let gone: Vec<&&[u8]> = old.iter().filter(|line| !new.contains(line)).collect();
    let come: Vec<&&[u8]> = new.iter().filter(|line| !old.contains(line)).collect();
    let stay = |all: &[&[u8]], but: &[&&[u8]]| all.iter().filter(|line| !but.contains(line)).map(|line| line.to_vec()).collect::<Vec<_>>();
    if gone.len() > MOST_LINES || come.len() > MOST_LINES + 1 {
        let line: String = gone.first().map(|line| String::from_utf8_lossy(line).chars().take(60).collect()).unwrap_or_default();
        return Err(format!("{} lines went and {} came, the first `{}`", gone.len(), come.len(), line.trim_end()));
    }
    if stay(old, &gone) == stay(new, &come) { Ok(()) } else { Err("lines stand in another order".to_owned()) }
}

/// Cuts a file into logical lines with their line endings: each with what is folded below it, or softly broken (RFC 2045 §6.7).
fn logical(bytes: &[u8]) -> Vec<&[u8]> {
    let end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
    let mut lines: Vec<&[u8]> = Vec::new();
    let (mut start, mut at, mut broken) = (0, 0, false);
    for piece in bytes.split_inclusive(|byte| *byte == end) {
        if at > start && !broken && !matches!(piece.first(), Some(b' ' | b'\t')) {
            lines.extend(bytes.get(start..at));
            start = at;
        }
        at += piece.len();
        broken = piece.trim_ascii_end().ends_with(b"=") && bytes.get(start..at).is_some_and(is_quoted_printable);
    }
    lines.extend(bytes.get(start..at));
    lines
}

fn is_quoted_printable(line: &[u8]) -> bool {
    let head = line.split(|byte| *byte == b':').next().unwrap_or_default();
    String::from_utf8_lossy(head).to_ascii_uppercase().contains("QUOTED-PRINTABLE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_of_one_line_is_told_from_one_that_touches_more() {
        let before = b"A:1\r\nB:2\r\n 3\r\nC:4\r\nD:5\r\n";
        assert_eq!(untouched(before, b"A:1\r\nB:9\r\nC:4\r\nD:5\r\n", None), Ok(()));
        assert_eq!(untouched(before, before, None), Ok(()));
        assert!(untouched(before, b"A:1\nB:2\n 3\nC:4\nD:5\n", None).is_err());
        assert!(untouched(before, b"A:1\r\nC:4\r\nB:2\r\n 3\r\nD:5\r\n", None).is_err());
    }

    #[test]
    fn a_value_that_is_softly_broken_is_one_line() {
        let before = b"A;ENCODING=QUOTED-PRINTABLE:1=\r\n2=\r\n3\r\nB:4\r\nC:5=\r\nD:6\r\n";
        assert_eq!(logical(before).len(), 4);
        assert_eq!(untouched(before, b"A:1\r\nB:4\r\nC:5=\r\nD:6\r\n", None), Ok(()));
    }

    #[test]
    fn a_zone_may_change_in_every_line_that_names_it_and_nothing_else_may() {
        let before = b"A;TZID=Z:1\nB;TZID=Z:2\nC;TZID=\"Z\":3\nX:4\nD;TZI\n D=Z:5\n";
        let renamed = Renamed { old: "Z".to_owned(), new: "Zx".to_owned() };
        let after = b"A;TZID=Zx:1\nB;TZID=Zx:2\nC;TZID=\"Zx\":3\nX:4\nD;TZID=Zx:5\n";
        assert_eq!(untouched(before, after, Some(&renamed)), Ok(()));
        assert!(untouched(before, after, None).is_err());
        let more = b"A;TZID=Zx:1\nB;TZID=Zx:2\nC;TZID=\"Zx\":3\nX:9\nD;TZID=Zx:5\n";
        assert!(untouched(before, more, Some(&renamed)).is_err());
    }
}
