//! The JSON that an adapter tells about itself: its description, and an endpoint's profile.

use std::fmt::Write as _;

use crate::format::{Description, OptionKind};
use crate::profile::{Atomicity, Keys, Profile, View};

/// Writes a description.
pub(crate) fn description(description: &Description) -> String {
    let kinds = description.kinds.iter().map(|kind| text(kind.as_str()));
    let options = description.options.iter().map(|option| {
        let choices = match option.kind {
            OptionKind::Choice(words) => format!(",\"choices\":{}", list(words.iter().map(|word| text(word)))),
            _ => String::new(),
        };
        let (name, kind, summary) = (text(option.name), text(kind_name(option.kind)), text(option.summary));
        format!("{{\"name\":{name},\"type\":{kind}{choices},\"summary\":{summary}}}")
    });
    let (id, summary) = (text(description.id), text(description.summary));
    format!("{{\"id\":{id},\"summary\":{summary},\"kinds\":{},\"options\":{}}}", list(kinds), list(options))
}

/// Writes a profile.
pub(crate) fn profile(profile: &Profile) -> String {
    let view = |view: &View| list(view.0.iter().map(|pattern| text(pattern.as_str())));
    format!(
        "{{\"kinds\":{},\"keys\":{},\"atomicity\":{},\"view\":{},\"volatile\":{},\"unique\":{}}}",
        list(profile.kinds.iter().map(|kind| text(kind.as_str()))),
        text(keys_name(profile.keys)),
        text(atomicity_name(profile.atomicity)),
        view(&profile.view),
        view(&profile.volatile),
        profile.unique.as_ref().map_or("null".to_owned(), |pointer| text(pointer.as_str())),
    )
}

/// Returns what an option takes, in one word.
pub(crate) fn kind_name(kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::Text => "text",
        OptionKind::Choice(_) => "choice",
        OptionKind::Integer => "integer",
        OptionKind::Boolean => "boolean",
        OptionKind::List => "list",
        OptionKind::Table => "table",
    }
}

/// Returns the word for keys.
pub(crate) fn keys_name(keys: Keys) -> &'static str {
    match keys {
        Keys::Stable => "stable",
        Keys::Unstable => "unstable",
    }
}

/// Returns the word for atomicity.
pub(crate) fn atomicity_name(atomicity: Atomicity) -> &'static str {
    match atomicity {
        Atomicity::Batch => "batch",
        Atomicity::Item => "item",
        Atomicity::None => "none",
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// Writes a text as JSON (RFC 8259 §7).
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() && control.is_ascii() => {
                // Writing to memory cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
