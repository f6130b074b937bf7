//! Ids as people type them: the first digits, as long as they mean one thing.

use crate::failure::Failure;

/// The fewest digits that are printed.
const SHORTEST: usize = 4;

/// Why no id is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// None begins so.
    None,
    /// Several do.
    Several(Vec<String>),
}

impl Unclear {
    /// Says it.
    pub(crate) fn failure(&self, what: &str, typed: &str) -> Failure {
        let typed = crate::terminal::shown(typed);
        match self {
            Self::None => Failure::usage(format!("there is no {what} `{typed}`")),
            Self::Several(ids) => {
                Failure::usage(format!("several begin with `{typed}`")).note(ids.join(", ")).help("type more of the digits")
            }
        }
    }
}

/// Returns the only one of `ids` that begins with `typed`; the letters before the digits (`c-`) may be left out.
///
/// # Errors
/// Fails if none does, or if several do and none is exactly it.
pub(crate) fn find<'i>(ids: impl Iterator<Item = &'i str>, letters: &str, typed: &str) -> Result<&'i str, Unclear> {
    let digits = |id: &'i str| id.strip_prefix(letters).unwrap_or(id);
    let wanted = typed.strip_prefix(letters).unwrap_or(typed).to_ascii_lowercase();
    let mut found: Vec<&str> = ids.filter(|id| !wanted.is_empty() && digits(id).starts_with(&wanted)).collect();
    found.dedup();
    if let Some(exact) = found.iter().find(|id| digits(id) == wanted) {
        return Ok(exact);
    }
    match found.as_slice() {
        [] => Err(Unclear::None),
        [one] => Ok(one),
        several => Err(Unclear::Several(several.iter().take(5).map(|id| (*id).to_owned()).collect())),
    }
}

/// Returns how many digits tell all of `ids` apart, at least four.
pub(crate) fn length<'i>(ids: impl Iterator<Item = &'i str>) -> usize {
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let alike = |pair: &[&str]| match pair {
        [a, b] => a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count(),
        _ => 0,
    };
    ids.windows(2).map(|pair| alike(pair) + 1).max().unwrap_or_default().max(SHORTEST)
}

/// Returns the first `length` digits.
pub(crate) fn short(id: &str, length: usize) -> &str {
    id.get(..length).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_digits_are_enough_while_they_mean_one_thing() {
        let ids = ["abc123", "abd", "abdef"];
        let find = |typed| find(ids.into_iter(), "c-", typed);
        assert_eq!(find("abc"), Ok("abc123"));
        assert_eq!(find("c-ABC"), Ok("abc123"));
        assert_eq!(find("abd"), Ok("abd"));
        assert_eq!(find("ab"), Err(Unclear::Several(ids.map(str::to_owned).to_vec())));
        assert_eq!(find("x"), Err(Unclear::None));
        assert_eq!(find(""), Err(Unclear::None));
    }

    #[test]
    fn printed_ids_are_as_short_as_they_can_be_and_no_shorter_than_four() {
        assert_eq!(length([].into_iter()), 4);
        assert_eq!(length(["00000000", "ffffffff"].into_iter()), 4);
        assert_eq!(length(["abcdef00", "abcdef10", "abcdef10"].into_iter()), 7);
        assert_eq!(short("abcdef", 4), "abcd");
    }
}
