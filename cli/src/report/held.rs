//! Quarantined items: their names for the command line, and what is said about them.

use engine::Held;
use record::Digest;
use serde_json::{Value, json};

use crate::prefix;
use crate::terminal::{Terminal, shown};

/// The warnings that are shown at once.
const SHOWN: usize = 10;

/// A quarantined item of an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Quarantined {
    /// The job.
    pub(crate) job: String,
    /// The endpoint.
    pub(crate) endpoint: String,
    /// Its name for the command line, without the letters before it.
    pub(crate) id: String,
    /// The item.
    pub(crate) held: Held,
}

impl Quarantined {
    /// Names a quarantined item: the same item with the same trouble has the same name in every run.
    pub(crate) fn new(job: &str, endpoint: &str, held: &Held) -> Self {
        let record = held.record.map(|id| id.to_string()).unwrap_or_default();
        let key = held.key.clone().unwrap_or_default();
        let parts = [job, endpoint, &key, &record, &held.title, without_line(&held.place), &held.reason].map(str::as_bytes);
        let id = Digest::of_parts(&parts).to_string().get(..32).unwrap_or_default().to_owned();
        Self { job: job.to_owned(), endpoint: endpoint.to_owned(), id, held: held.clone() }
    }

    /// Tells whether it could not be read, could not be written, or is missing in a source that is not whole.
    pub(crate) fn trouble(&self) -> &'static str {
        match (self.held.missing, self.held.unwritten) {
            (true, _) => "missing",
            (false, true) => "write",
            (false, false) => "read",
        }
    }

    /// Returns it for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "job": self.job,
            "endpoint": self.endpoint,
            "title": self.held.title,
            "place": self.held.place,
            "reason": self.held.reason,
            "trouble": self.trouble(),
            "record": self.held.record.map(|id| id.to_string()),
            "key": self.held.key,
        })
    }

    /// Says what is wrong, where, what that means for the data and what to do.
    pub(crate) fn warning(&self, length: usize) -> String {
        let Held { title, place, reason, .. } = &self.held;
        let again = format!("type `syncretic sync {}`", self.job);
        let (what, meaning, help) = match self.trouble() {
            "missing" => ("is", "nothing of it was changed anywhere; everything else was synced", format!("then {again}")),
            "write" => {
                let meaning = "nothing was written there; the record stands in the collection, and everything else was synced";
                ("cannot be written:", meaning, format!("{again} once that is changed"))
            }
            _ => {
                let meaning = "nothing of it was taken for deleted or changed; everything else was synced";
                ("cannot be read:", meaning, format!("correct it, then {again}"))
            }
        };
        let id = prefix::short(&self.id, length);
        format!(
            "warning: {} {what} {}\n  --> {}\n  = note: {meaning}\n  = help: {help}; it is listed as q-{id}",
            shown(title),
            long(reason),
            long(place)
        )
    }
}

/// Returns a place without its line and column: those change with whatever stands above.
fn without_line(place: &str) -> &str {
    place.trim_end_matches(|character: char| character == ':' || character.is_ascii_digit())
}

/// Says what is quarantined, the first ten of it.
pub(crate) fn warn(terminal: &Terminal, quarantined: &[Quarantined]) {
    let length = length(quarantined);
    for item in quarantined.iter().take(SHOWN) {
        terminal.error(item.warning(length));
    }
    if quarantined.len() > SHOWN {
        let rest = quarantined.len() - SHOWN;
        terminal.error(format!("warning: {rest} more items are quarantined; type `syncretic quarantine list` to see all"));
    }
}

/// Returns how many digits tell the items apart.
pub(crate) fn length(quarantined: &[Quarantined]) -> usize {
    prefix::length(quarantined.iter().map(|item| item.id.as_str()))
}

/// Returns a text in full, as lines that a terminal only shows.
pub(crate) fn long(text: &str) -> String {
    let visible = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    text.chars().take(1_000).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(title: &str, place: &str) -> Quarantined {
        let (title, place, reason) = (title.into(), place.into(), "torn".into());
        let held = Held { key: None, record: None, title, place, reason, unwritten: false, missing: false };
        Quarantined::new("contacts", "sheet", &held)
    }

    #[test]
    fn an_item_keeps_its_name_when_it_moves() {
        assert_eq!(held("Ada", "/a.csv:7").id, held("Ada", "/a.csv:8:2").id);
        assert_ne!(held("Ada", "/a.csv:7").id, held("Bo", "/a.csv:7").id);
        assert_ne!(held("Ada", "/a.csv:7").id, held("Ada", "/b.csv:7").id);
    }
}
