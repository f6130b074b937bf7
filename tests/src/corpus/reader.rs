//! A reader of its own for cards, calendars and tables: what a file says, as a bag of entries, and nothing more.
//!
//! It is small and lenient, and it forgives only what means the same: the allowances stand in `canonical`, one line each.

use std::collections::{BTreeMap, BTreeSet};

use super::examination::Format;

/// One property of one component, or one row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The components around it, as `VCALENDAR/VEVENT`.
    pub path: String,
    /// The property in capitals, without its group.
    pub name: String,
    /// Its parameters, one token each, sorted.
    pub parameters: Vec<(String, String)>,
    /// Its value.
    pub value: String,
}

/// Properties that say when and by whom a file was written, and the version that is chosen for a new one.
const ABOUT_THE_FILE: &[&str] = &["VERSION", "PRODID", "REV", "DTSTAMP", "LAST-MODIFIED"];

/// Parameters that say how a value is written rather than what it is.
const ABOUT_THE_FORM: &[&str] = &["ENCODING", "CHARSET", "VALUE"];

/// Properties whose values are sets: each element is an entry, and neither their order nor the line that they stand on says anything.
const SETS: &[&str] = &["CATEGORIES", "RESOURCES", "NICKNAME", "EXDATE", "RDATE"];

/// Properties whose values are words in any case (RFC 5545 §2, RFC 6350 §3.3).
const WORDS: &[&str] = &["ACTION", "CALSCALE", "CLASS", "KIND", "METHOD", "STATUS", "TRANSP", "X-ADDRESSBOOKSERVER-KIND"];

/// Parameters whose values are sets of words in any case.
const SETS_OF_WORDS: &[&str] = &["TYPE", "FEATURE"];

/// Returns everything that a file says.
#[must_use]
pub fn entries(bytes: &[u8], format: Format) -> Vec<Entry> {
    let text = decoded(bytes);
    if format == Format::Csv {
        let mut rows = rows(&text).into_iter().skip(1).collect::<Vec<_>>();
        say_no_by_silence(&mut rows);
        return rows.iter().map(|cells| Entry::row(cells)).filter(|row| !row.value.trim_matches('\u{1f}').is_empty()).collect();
    }
    let content = if is_wide(bytes) { text.into_bytes() } else { bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).to_vec() };
    let mut path: Vec<String> = Vec::new();
    let mut entries = Vec::new();
    let place = |path: &[String]| {
        // A new file has a calendar around components that stood alone.
        let alone = format == Format::Ical && path.first().is_some_and(|first| first != "VCALENDAR");
        if alone { format!("VCALENDAR/{}", path.join("/")) } else { path.join("/") }
    };
    for line in logical(&content) {
        let line = decoded(&line);
        let Some((head, value)) = split_head(&line) else {
            if !line.trim().is_empty() {
                entries.push(Entry { path: place(&path), name: String::new(), parameters: Vec::new(), value: line.trim().to_owned() });
            }
            continue;
        };
        let mut tokens = split_outside_quotes(head, ';').into_iter().filter(|token| !token.trim().is_empty());
        let name = tokens.next().unwrap_or_default().trim().to_uppercase();
        let name = name.rsplit('.').next().unwrap_or_default().to_owned();
        match name.as_str() {
            "BEGIN" => path.push(value.trim().to_uppercase()),
            "END" => drop(path.pop()),
            name if ABOUT_THE_FILE.contains(&name) => {}
            _ => {
                let parameters: Vec<(String, String)> = tokens.flat_map(|token| parameters(&token)).collect();
                entries.extend(canonical(&place(&path), &name, parameters, value));
            }
        }
    }
    once_each(entries)
}

/// Counts each element of a set once, on however many lines it stands.
fn once_each(entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    entries.into_iter().filter(|entry| !SETS.contains(&entry.name.as_str()) || seen.insert(entry.clone())).collect()
}

/// Returns what the first file says and the second does not: as `EMAIL lost` or `EMAIL says otherwise: …`.
#[must_use]
pub fn lost(before: &[Entry], after: &[Entry]) -> Vec<String> {
    let mut bag: BTreeMap<&Entry, usize> = BTreeMap::new();
    after.iter().for_each(|entry| *bag.entry(entry).or_default() += 1);
    let gone = before.iter().filter(|entry| match bag.get_mut(entry) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    let count = |entries: &[Entry], like: &Entry| entries.iter().filter(|entry| entry.path == like.path && entry.name == like.name).count();
    let says = |entry: &Entry| {
        let what = if count(after, entry) < count(before, entry) { "lost" } else { "says otherwise" };
        let parameters: String = entry.parameters.iter().map(|(name, value)| format!(";{name}={value}")).collect();
        let value: String = entry.value.chars().take(60).collect();
        format!("{}/{} {what}: {parameters}:{value}", entry.path, entry.name)
    };
    gone.map(says).collect()
}

/// Returns the records of a table, for a file that begins with the same header.
pub(super) fn rows(text: &str) -> Vec<Vec<String>> {
    let delimiter = delimiter(text);
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' | '\r' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other if other == delimiter && !quoted => row.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    if !(cell.is_empty() && row.is_empty()) {
        row.push(cell);
        rows.push(row);
    }
    rows
}

/// Empties the cells that say no in a column of nothing but yes and no, where an empty cell means no as well.
fn say_no_by_silence(rows: &mut [Vec<String>]) {
    let says = |cell: &String, word: &str| cell.eq_ignore_ascii_case(word);
    for column in 0..rows.iter().map(Vec::len).max().unwrap_or_default() {
        let truth = |cell: &String| cell.is_empty() || says(cell, "true") || says(cell, "false");
        if rows.iter().filter_map(|row| row.get(column)).all(truth) {
            let cells = rows.iter_mut().filter_map(|row| row.get_mut(column));
            cells.filter(|cell| says(cell, "false")).for_each(String::clear);
        }
    }
}

fn delimiter(text: &str) -> char {
    let head = text.lines().next().unwrap_or_default();
    [',', ';', '\t', '|'].into_iter().max_by_key(|delimiter| head.matches(*delimiter).count()).unwrap_or(',')
}

/// Returns the characters of a file: UTF-16 by its mark, UTF-8, or else windows-1252.
pub(super) fn decoded(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => decoded(rest),
        _ => std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|byte| western(*byte)).collect(), str::to_owned),
    }
}

fn is_wide(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
}

/// Returns a character of windows-1252; what it leaves free is a control character.
fn western(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•',
        '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    byte.checked_sub(0x80).and_then(|at| FROM_80.get(usize::from(at)).copied()).unwrap_or(char::from(byte))
}

/// Joins what is folded, before anything is decoded: by a blank, by quoted-printable's `=`, or as unindented base64.
fn logical(bytes: &[u8]) -> Vec<Vec<u8>> {
    let end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in bytes.split(|byte| *byte == end) {
        let line = line.iter().rposition(|byte| *byte != b'\r').and_then(|last| line.get(..=last)).unwrap_or_default();
        let Some(last) = lines.last_mut() else {
            lines.push(line.to_vec());
            continue;
        };
        let head = last.split(|byte| *byte == b':').next().map(|head| String::from_utf8_lossy(head).to_uppercase()).unwrap_or_default();
        let based = head.contains("BASE64") || head.contains("ENCODING=B");
        if head.contains("QUOTED-PRINTABLE") && last.ends_with(b"=") {
            last.pop();
            last.extend_from_slice(line);
        } else if let [b' ' | b'\t', rest @ ..] = line {
            last.extend_from_slice(rest);
        } else if based && !line.contains(&b':') && !line.trim_ascii().is_empty() {
            last.extend_from_slice(line);
        } else {
            lines.push(line.to_vec());
        }
    }
    lines
}

fn split_head(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let colon = line.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        *character == ':' && !quoted
    });
    colon.and_then(|(at, _)| Some((line.get(..at)?, line.get(at + 1..)?))).or_else(|| line.split_once(':'))
}

fn split_outside_quotes(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        quoted ^= character == '"';
        if character == at && !quoted { parts.push(std::mem::take(&mut part)) } else { part.push(character) }
    }
    parts.push(part);
    parts
}

fn parameters(token: &str) -> Vec<(String, String)> {
    let (name, values) = token.split_once('=').unwrap_or(("TYPE", token));
    let name = name.trim().to_uppercase();
    let bare = |value: &str| value.trim().trim_matches('"').to_owned();
    if !SETS_OF_WORDS.contains(&name.as_str()) {
        return vec![(name, bare(values))];
    }
    values.trim_matches('"').split(',').map(|value| (name.clone(), bare(value).to_lowercase())).collect()
}

/// Returns an entry in the one form that all its spellings have; of a set one for each element.
fn canonical(path: &str, name: &str, mut parameters: Vec<(String, String)>, value: &str) -> Vec<Entry> {
    let printable = parameters.iter().any(|(_, value)| value.eq_ignore_ascii_case("QUOTED-PRINTABLE"));
    let is_uri = parameters.iter().any(|(name, value)| name == "VALUE" && value.eq_ignore_ascii_case("URI"));
    let based = parameters.iter().any(|(_, value)| value.eq_ignore_ascii_case("BASE64") || value.eq_ignore_ascii_case("B"));
    parameters.retain(|(name, value)| {
        let form = ABOUT_THE_FORM.contains(&name.as_str());
        !form && !value.eq_ignore_ascii_case("QUOTED-PRINTABLE") && !value.eq_ignore_ascii_case("BASE64")
    });
    // TYPE=pref of 2.1 and 3.0 is PREF=1 of 4.0.
    for parameter in &mut parameters {
        if *parameter == ("TYPE".to_owned(), "pref".to_owned()) {
            *parameter = ("PREF".to_owned(), "1".to_owned());
        }
    }
    parameters.sort();
    parameters.dedup();
    let value = if printable { from_printable(value) } else { value.to_owned() };
    let entry =
        |value: &str| Entry { path: path.to_owned(), name: name.to_owned(), parameters: parameters.clone(), value: value.to_owned() };
    if SETS.contains(&name) {
        return elements(&value).iter().map(|element| entry(element)).collect();
    }
    let value = match name {
        // Blanks in base64 and its padding say nothing of the bytes.
        _ if based || value.trim_start().starts_with("data:") => {
            value.split_whitespace().collect::<String>().trim_end_matches('=').to_owned()
        }
        "RRULE" | "EXRULE" => sorted(&value.to_uppercase(), ';'),
        _ if WORDS.contains(&name) => value.to_uppercase(),
        "BDAY" | "ANNIVERSARY" | "DEATHDATE" | "X-ANNIVERSARY" | "X-EVOLUTION-ANNIVERSARY" | "X-MS-ANNIVERSARY"
            if value.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            value.replace(['-', ':'], "")
        }
        // A number that is said to be a URI is the number as text.
        "TEL" if is_uri => unescaped(value.strip_prefix("tel:").unwrap_or(&value)),
        _ => unescaped(&value),
    };
    vec![entry(value.trim().trim_end_matches(';'))]
}

/// Returns the elements of a list between commas that are not escaped.
fn elements(value: &str) -> Vec<String> {
    let (mut all, mut element, mut escaped) = (Vec::new(), String::new(), false);
    for character in value.chars() {
        if character == ',' && !escaped {
            all.push(std::mem::take(&mut element));
        } else {
            element.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    all.push(element);
    all.iter().map(|element| unescaped(element.trim())).filter(|element| !element.is_empty()).collect()
}

fn sorted(value: &str, separator: char) -> String {
    let mut parts: Vec<&str> = value.split(separator).map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    parts.dedup();
    parts.join(&separator.to_string())
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            '\r' => {}
            other => text.push(other),
        }
    }
    text
}

fn from_printable(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits =
            tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match digits.filter(|_| *first == b'=') {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    decoded(&bytes)
}

impl Entry {
    fn row(cells: &[String]) -> Self {
        let value = cells.iter().map(|cell| cell.replace("\r\n", "\n")).collect::<Vec<_>>().join("\u{1f}");
        Self { path: String::new(), name: "row".to_owned(), parameters: Vec::new(), value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Entry> {
        entries(format!("BEGIN:VCARD\n{text}\nEND:VCARD\n").as_bytes(), Format::Vcard)
    }

    #[test]
    fn spellings_of_one_thing_are_one_entry() {
        assert_eq!(of("TEL;TYPE=\"work,voice\":1"), of("item1.tel;VOICE;WORK:1"));
        assert_eq!(of("NOTE;ENCODING=QUOTED-PRINTABLE:a=\n=20b=0D=0Ac"), of("NOTE:a b\\n\n c"));
        assert_eq!(of("EMAIL;TYPE=pref:a"), of("EMAIL;PREF=1:a"));
        assert_eq!(of("N:A;B;;;"), of("N:A;B"));
        assert_eq!(of("TEL;VALUE=uri:tel:+1"), of("TEL:+1"));
        assert_ne!(of("TEL:tel:+1"), of("TEL:+1"));
        assert_ne!(of("TEL;VALUE=uri:sip:1"), of("TEL:1"));
        let table = |text: &str| entries(text.as_bytes(), Format::Csv);
        assert_eq!(table("a,b\nx,False\n"), table("a,b\nx,\n"));
        assert_ne!(table("a,b\nx,True\n"), table("a,b\nx,\n"));
        assert_ne!(table("a,b\nFalse,x\ny,z\n"), table("a,b\n,x\ny,z\n"));
        assert_eq!(lost(&of("CATEGORIES:b,a"), &of("CATEGORIES:a\nCATEGORIES:b,a")), [""; 0]);
        assert_eq!(lost(&of("CATEGORIES:a\\,b,c"), &of("CATEGORIES:a,b,c")), ["VCARD/CATEGORIES says otherwise: :a,b"]);
        assert_eq!(of("CLASS:Public"), of("CLASS:PUBLIC"));
        assert_ne!(of("NOTE:Public"), of("NOTE:PUBLIC"));
    }

    #[test]
    fn what_is_gone_or_says_otherwise_is_told() {
        let before = of("TEL:1\nTEL:2\nNOTE:x");
        assert_eq!(lost(&before, &of("NOTE:x\nTEL:2\nTEL:1")), [""; 0]);
        assert_eq!(lost(&before, &of("TEL:1\nNOTE:x")), ["VCARD/TEL lost: :2"]);
        assert_eq!(lost(&before, &of("TEL:1\nTEL:3\nNOTE:x")), ["VCARD/TEL says otherwise: :2"]);
        let event = |text: &str| entries(format!("{text}\n").as_bytes(), Format::Ical);
        let dated = |lines: &str| event(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR"));
        assert_eq!(dated("EXDATE;TZID=Z:1,2\nEXDATE;TZID=Z:3"), dated("EXDATE;TZID=Z:1\nEXDATE;TZID=Z:2,3"));
        assert_ne!(dated("EXDATE;TZID=Z:1"), dated("EXDATE:1"));
        assert_eq!(event("BEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT"), dated("SUMMARY:a"));
        assert_eq!(lost(&of("TEL;X-A=1:1"), &of("TEL:1")), ["VCARD/TEL says otherwise: ;X-A=1:1"]);
    }

    #[test]
    fn rows_are_read_with_their_quotes() {
        assert_eq!(rows("a;b\r\n\"x;\"\"y\";\"1\n2\"\r\n"), [["a", "b"], ["x;\"y", "1\n2"]]);
    }
}
