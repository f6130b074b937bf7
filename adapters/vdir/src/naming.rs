//! The files of items: which names are theirs, and which one a new item gets.

use record::Digest;

/// The longest name that is taken from a UID; file systems allow 255 bytes.
const LONGEST: usize = 200;

/// Returns the file name of a new item: its UID, where that is a name that every program accepts.
#[must_use]
pub fn file_name(uid: &str, ending: &str) -> String {
    let name = uid.strip_prefix("urn:uuid:").unwrap_or(uid);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-+@".contains(&byte);
    let fits = !name.is_empty() && name.len() <= LONGEST && !name.starts_with('.') && name.bytes().all(plain);
    if fits { format!("{name}.{ending}") } else { format!("{}.{ending}", short(Digest::of(uid.as_bytes()))) }
}

/// Tells whether a file name is that of an item: not hidden, and with this ending in any case.
#[must_use]
pub fn is_item(name: &str, ending: &str) -> bool {
    let split = name.len().checked_sub(ending.len() + 1);
    let found = split.and_then(|at| name.get(at..)).and_then(|end| end.strip_prefix('.'));
    !name.starts_with('.') && found.is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// Returns the key of an item without UID: what it holds, and which one of several that hold the same.
#[must_use]
pub fn anonymous(digest: Digest, ordinal: usize) -> String {
    let short = short(digest);
    if ordinal == 0 { format!("#{short}") } else { format!("#{short}-{}", ordinal + 1) }
}

fn short(digest: Digest) -> String {
    digest.to_string().chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_the_uid_where_it_can_be() {
        assert_eq!(file_name("urn:uuid:1a2b-3c", "ics"), "1a2b-3c.ics");
        assert_eq!(file_name("ada@example.org", "ics"), "ada@example.org.ics");
        for uid in ["../../etc/passwd", ".hidden", "", "a b", "a/b"] {
            let name = file_name(uid, "ics");
            assert!(name.len() == 36 && is_item(&name, "ics") && !name.contains('/'), "{name}");
        }
    }

    #[test]
    fn hidden_and_temporary_files_are_no_items() {
        assert!(is_item("ada.ics", "ics") && is_item("ADA.ICS", "ics"));
        assert!(!is_item(".ada.ics", "ics") && !is_item("ada.ics.tmp", "ics") && !is_item("ada.txt", "ics") && !is_item("ics", "ics"));
    }
}
