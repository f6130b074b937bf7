//! The little language in which a column says what it holds: `phones[cell]/number`.

use record::Value;
use record::vocabulary::{CONTACT_FIELDS, PARTS, Part, part};

use crate::words::nearest;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// One field that stands alone.
    Field(String),
    /// A set of words: `keywords` or `nicknames`.
    Set(&'static str),
    /// A field of the part that the selector picks.
    Part { part: &'static Part, selector: Selector, rest: String },
    /// The words that say what the picked part is: `phones[1]/type`.
    Type { part: &'static Part, selector: Selector },
}

/// Which of several parts a column means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    /// What the part must be.
    pub(crate) needs: Vec<Need>,
    /// Which one of those that are, counted from one.
    pub(crate) nth: Option<usize>,
}

/// What a part must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The field below the part has this value.
    Is(String, Value),
    /// It has not.
    IsNot(String, Value),
    /// The label is this word, in any case.
    Label(String),
}

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any text.
    Text,
    /// A URI.
    Uri,
    /// A date.
    Date,
}

impl Form {
    /// Returns the form of the values of a part's field.
    pub(crate) fn of(rest: &str) -> Self {
        match rest {
            "uri" => Self::Uri,
            "date" => Self::Date,
            _ => Self::Text,
        }
    }
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// Fails with what is wrong with it, and the nearest right one.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let stem_end = text.find(['[', '/']).unwrap_or(text.len());
        let (stem, below) = text.split_at(stem_end);
        if let Some(set) = ["keywords", "nicknames"].into_iter().find(|set| *set == stem) {
            return if matches!(below, "" | "/*") { Ok(Self::Set(set)) } else { Err(format!("`{text}` is written `{set}`")) };
        }
        if let Some(part) = part(stem) {
            return of_part(part, below).ok_or_else(|| bad_part(text, part));
        }
        if CONTACT_FIELDS.contains(&text) || text.strip_prefix("ext/").is_some_and(|rest| rest.contains('/')) {
            return Ok(Self::Field(text.to_owned()));
        }
        let stems = PARTS.iter().map(|part| part.stem);
        match nearest(text, CONTACT_FIELDS.iter().copied()).or_else(|| nearest(stem, stems)) {
            Some(meant) => Err(format!("`{text}` is no field; did you mean `{meant}{}`?", if part_stem(meant) { below } else { "" })),
            None => Err(format!("`{text}` is no field; fields are written as `name/full` or `phones[cell]/number`")),
        }
    }
}

fn part_stem(word: &str) -> bool {
    part(word).is_some()
}

fn of_part(part: &'static Part, below: &str) -> Option<Mapping> {
    let (selector, rest) = match below.strip_prefix('[') {
        Some(inside) => {
            let (selector, rest) = inside.split_once(']')?;
            (Selector::read(part.stem, selector)?, rest.strip_prefix('/')?)
        }
        None => (Selector::any(part.stem), below.strip_prefix('/')?),
    };
    if rest == "type" {
        return Some(Mapping::Type { part, selector });
    }
    let known = part.heads.contains(&rest) || matches!(rest, "label");
    known.then(|| Mapping::Part { part, selector, rest: rest.to_owned() })
}

fn bad_part(text: &str, part: &Part) -> String {
    let head = part.heads.first().copied().unwrap_or_default();
    let heads = part.heads.join("`, `");
    let stem = part.stem;
    format!("`{text}` is no field; write `{stem}/{head}` or `{stem}[work]/{head}` (below the brackets stands one of `{heads}`)")
}

impl Selector {
    /// Returns the selector that takes every part of the stem.
    pub(crate) fn any(stem: &str) -> Self {
        // A role is kept among the titles, but a column of job titles does not mean it.
        let needs = if stem == "titles" { vec![Need::IsNot("kind".to_owned(), Value::text("role"))] } else { Vec::new() };
        Self { needs, nth: None }
    }

    /// Reads what stands in the brackets: words, a number, or both.
    fn read(stem: &str, text: &str) -> Option<Self> {
        let mut words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let nth = words.last().and_then(|word| word.parse::<usize>().ok()).filter(|nth| (1..=1000).contains(nth));
        if nth.is_some() {
            words.pop();
        }
        if words.is_empty() {
            return nth.map(|_| Self { nth, ..Self::any(stem) });
        }
        let needs: Option<Vec<Need>> = words.iter().map(|word| trait_of(stem, word).map(|(rest, value)| Need::Is(rest, value))).collect();
        let needs = needs.unwrap_or_else(|| vec![Need::Label(words.join(" "))]);
        Some(Self { needs, nth })
    }
}

/// Returns the field that a word of a selector or of a type stands for.
pub(crate) fn trait_of(stem: &str, word: &str) -> Option<(String, Value)> {
    let word = word.to_lowercase();
    let yes = |path: &str| Some((path.to_owned(), Value::Boolean(true)));
    let kind = |kind: &str| Some(("kind".to_owned(), Value::text(kind)));
    match (stem, word.as_str()) {
        ("anniversaries", "birth" | "birthday") => kind("birth"),
        ("anniversaries", "wedding" | "anniversary") => kind("wedding"),
        ("anniversaries", "death") => kind("death"),
        ("titles", "role") => kind("role"),
        (_, "home" | "private" | "personal") => yes("contexts/private"),
        (_, "work" | "business") => yes("contexts/work"),
        ("addresses", "billing") => yes("contexts/billing"),
        ("addresses", "delivery") => yes("contexts/delivery"),
        ("phones", "cell" | "mobile") => yes("features/mobile"),
        ("phones", "fax") => yes("features/fax"),
        ("phones", "pager") => yes("features/pager"),
        ("phones", "main") => yes("features/main"),
        ("phones", "textphone") => yes("features/textphone"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> (Vec<Need>, Option<usize>) {
        match Mapping::read(text).unwrap() {
            Mapping::Part { selector, .. } | Mapping::Type { selector, .. } => (selector.needs, selector.nth),
            other => panic!("{other:?}"),
        }
    }

    fn is(path: &str) -> Need {
        Need::Is(path.to_owned(), Value::Boolean(true))
    }

    #[test]
    fn selectors_are_words_numbers_or_labels() {
        assert_eq!(needs("phones/number"), (vec![], None));
        assert_eq!(needs("phones[2]/number"), (vec![], Some(2)));
        assert_eq!(needs("phones[cell]/number"), (vec![is("features/mobile")], None));
        assert_eq!(needs("phones[work fax 2]/number"), (vec![is("contexts/work"), is("features/fax")], Some(2)));
        assert_eq!(needs("emails[Lake house]/address"), (vec![Need::Label("Lake house".to_owned())], None));
        assert_eq!(needs("emails[cell]/address"), (vec![Need::Label("cell".to_owned())], None));
        assert_eq!(Mapping::read("name/full"), Ok(Mapping::Field("name/full".to_owned())));
        assert_eq!(Mapping::read("keywords"), Ok(Mapping::Set("keywords")));
    }

    #[test]
    fn a_wrong_mapping_names_the_right_one() {
        let reason = |text| Mapping::read(text).unwrap_err();
        assert!(reason("name/ful").contains("did you mean `name/full`"));
        assert!(reason("phone[cell]/number").contains("did you mean `phones[cell]/number`"));
        assert!(reason("phones[cell]").contains("write `phones/number`"));
        assert!(reason("phones[]/number").contains("write `phones/number`"));
        assert!(reason("nonsense").contains("is no field"));
    }
}
