//! Names: how the bytes of a path become a text that travels, and which texts are paths that may be written.

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// What stands before two hexadecimal digits for a byte that is not UTF-8.
const MARK: char = '\u{FFFD}';
/// The longest name that Linux, macOS and Windows file systems take.
const LONGEST: usize = 255;

/// Returns the text of a path's bytes: as it is where it is UTF-8, else with U+FFFD and two digits for every other byte.
pub(crate) fn text(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        let valid = chunk.valid();
        if valid.contains(MARK) {
            valid
                .chars()
                .for_each(|c| if c == MARK { c.to_string().bytes().for_each(|byte| escape(&mut text, byte)) } else { text.push(c) });
        } else {
            text.push_str(valid);
        }
        chunk.invalid().iter().for_each(|byte| escape(&mut text, *byte));
    }
    text
}

fn escape(text: &mut String, byte: u8) {
    text.push(MARK);
    text.push_str(&format!("{byte:02X}"));
}

/// Returns the bytes that [`text`] was made of; none for what it cannot have made.
pub(crate) fn raw(text_of: &str) -> Option<Vec<u8>> {
    if !text_of.contains(MARK) {
        return Some(text_of.as_bytes().to_vec());
    }
    let mut bytes = Vec::with_capacity(text_of.len());
    let mut pieces = text_of.split(MARK);
    bytes.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    (text(&bytes) == text_of).then_some(bytes)
}

/// Returns the path that a key shows: in the normal form in which paths are compared.
pub(crate) fn shown(key: &str) -> String {
    if is_nfc(key) { key.to_owned() } else { key.nfc().collect() }
}

/// Returns a key with the folders above in small letters; none where there are no folders above.
///
/// On a disk that does not tell names apart by letter case, keys that are equal so lead to one file; how its folder is spelled is
/// that disk's own.
pub(crate) fn spelled_small(key: &str) -> Option<String> {
    let (above, name) = key.rsplit_once('/')?;
    Some(format!("{}/{name}", above.to_lowercase()))
}

/// Tells whether two keys differ, and in nothing but the letter case of the folders above.
pub(crate) fn is_spelling(one: &str, other: &str) -> bool {
    one != other && spelled_small(one).is_some_and(|one| Some(one) == spelled_small(other))
}

/// Tells whether a name is one of Syncretic's own, inside which nothing is synced.
pub(crate) fn is_own(name: &[u8]) -> bool {
    name == b".syncretic" || (name.starts_with(b".") && name.ends_with(b".syncretic"))
}

/// Returns the bytes of a path that may be written beneath the root.
///
/// # Errors
/// Fails with the reason for people if it is none.
pub(crate) fn writable(path: &str) -> Result<Vec<u8>, String> {
    let refused = |why: &str| Err(format!("`{}` is no path that can be written: {why}", path.escape_debug()));
    let Some(raw) = raw(path) else { return refused("it holds a replacement character that stands for no byte") };
    if raw.is_empty() {
        return refused("it is empty");
    }
    if raw.contains(&0) {
        return refused("it holds a zero byte");
    }
    for name in raw.split(|byte| *byte == b'/') {
        match name {
            b"" => return refused("it begins or ends with `/`, or holds `//`"),
            b"." | b".." => return refused("it leads out of the folder"),
            _ if is_own(name) => return refused("that folder is Syncretic's own"),
            _ if name.len() > LONGEST => return refused("a name in it is longer than 255 bytes"),
            _ => {}
        }
    }
    Ok(raw)
}

/// Tells whether a symbolic link that stands at `path` stays inside the root, judged by its text alone.
pub(crate) fn stays_inside(path: &[u8], target: &[u8]) -> bool {
    if target.is_empty() || target.starts_with(b"/") || target.contains(&0) {
        return false;
    }
    let mut depth = path.split(|byte| *byte == b'/').count() - 1;
    for name in target.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => depth += 1,
        }
    }
    true
}

/// Returns the folders above a path, the innermost first; not the root.
pub(crate) fn folders(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = split(rest).0?;
        Some(rest)
    })
}

/// Splits a path into its folder, unless that is the root, and its name.
pub(crate) fn split(path: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (path.get(..at), path.get(at + 1..).unwrap_or_default()),
        None => (None, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_as_it_was() {
        for raw_name in [&b"plain"[..], b"caf\xc3\xa9", b"caf\xe9", b"\xff\xfe/x", b"100%", "\u{FFFD}".as_bytes(), b"a\xef\xbf\xbdFF"] {
            let text = text(raw_name);
            assert_eq!(raw(&text).as_deref(), Some(raw_name), "{text}");
        }
        assert_eq!(text(b"caf\xe9"), "caf\u{FFFD}E9");
        for no_name in ["\u{FFFD}41", "\u{FFFD}", "\u{FFFD}e9", "\u{FFFD}+9"] {
            assert_eq!(raw(no_name), None, "{no_name}");
        }
    }

    #[test]
    fn what_climbs_out_or_is_no_path_is_refused() {
        for path in
            ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a\0b", ".syncretic/x", "a/.x.csv.syncretic", &"x".repeat(256)]
        {
            assert!(writable(path).is_err(), "{path}");
        }
        for path in ["a", "a/b", "..a", "a..", "C:\\x", ".hidden", &"x".repeat(255)] {
            assert!(writable(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_link_is_judged_by_its_text() {
        for (path, target, inside) in [
            ("a/l", "../b", true),
            ("a/l", "../../b", false),
            ("l", "b/../c", true),
            ("l", "/etc", false),
            ("l", "a/../../b", false),
            ("l", "", false),
        ] {
            assert_eq!(stays_inside(path.as_bytes(), target.as_bytes()), inside, "{path} -> {target}");
        }
    }

    #[test]
    fn a_key_is_another_spelling_if_its_folders_differ_in_case_alone() {
        assert!(is_spelling("Docs/a/x", "docs/A/x"));
        for (one, other) in [("docs/x", "docs/x"), ("docs/x", "docs/X"), ("x", "X"), ("docs/x", "data/x"), ("Docs/x", "docs/x/y")] {
            assert!(!is_spelling(one, other), "{one} {other}");
        }
    }

    #[test]
    fn folders_are_told_from_the_inside_out() {
        assert_eq!(folders(b"a/b/c").collect::<Vec<_>>(), [&b"a/b"[..], b"a"]);
        assert_eq!(split(b"a/b"), (Some(&b"a"[..]), &b"b"[..]));
    }
}
