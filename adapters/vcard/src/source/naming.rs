//! The file of a new card, and the keys of cards in a file of many.

use record::Digest;

/// The longest name that is taken from a UID; file systems allow 255 bytes.
const LONGEST: usize = 200;

/// Returns the file name of a new card: its UID, where that is a name that every program accepts.
pub(crate) fn file_name(uid: &str) -> String {
    let name = uid.strip_prefix("urn:uuid:").unwrap_or(uid);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-+@".contains(&byte);
    let fits = !name.is_empty() && name.len() <= LONGEST && !name.starts_with('.') && name.bytes().all(plain);
    if fits { format!("{name}.vcf") } else { format!("{}.vcf", short(Digest::of(uid.as_bytes()))) }
}

/// Tells whether a file name is that of a card: not hidden, and ending in `.vcf`.
pub(crate) fn is_card(name: &str) -> bool {
    let extension = name.len().checked_sub(4).and_then(|at| name.get(at..));
    !name.starts_with('.') && extension.is_some_and(|extension| extension.eq_ignore_ascii_case(".vcf"))
}

/// Returns the key of a card without UID: what it holds, and which one of several that hold the same.
pub(crate) fn anonymous(digest: Digest, ordinal: usize) -> String {
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
        assert_eq!(file_name("urn:uuid:1a2b-3c"), "1a2b-3c.vcf");
        assert_eq!(file_name("ada@example.org"), "ada@example.org.vcf");
        for uid in ["../../etc/passwd", ".hidden", "", "a b", "a/b"] {
            let name = file_name(uid);
            assert!(name.len() == 36 && is_card(&name) && !name.contains('/'), "{name}");
        }
    }

    #[test]
    fn hidden_and_temporary_files_are_no_cards() {
        assert!(is_card("ada.vcf") && is_card("ADA.VCF"));
        assert!(!is_card(".ada.vcf") && !is_card("ada.vcf.tmp") && !is_card("ada.txt") && !is_card("vcf"));
    }
}
