//! The table over many files, and every file that falls short with its reason.

use std::collections::BTreeMap;

use super::examination::{Examination, Format};

/// How many reasons of one file are told.
const TOLD: usize = 3;

#[derive(Default)]
struct Sums {
    files: usize,
    read: usize,
    records: usize,
    fresh: usize,
    edited: usize,
    edits: [usize; 3],
    met: usize,
}

/// Returns the table and the reasons, as lines of Markdown.
#[must_use]
pub fn table(examined: &[Examination]) -> Vec<String> {
    let mut sums: BTreeMap<(Format, &str), Sums> = BTreeMap::new();
    for one in examined {
        add(sums.entry((one.format, one.version.as_str())).or_default(), one);
    }
    let mut lines = vec![
        "| format | version | files | hold records | records | wholly read | new file holds all | every edit alone | edits kept / refused / tried | two meet |".to_owned(),
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    for ((format, version), sums) in &sums {
        let holding = examined.iter().filter(|one| one.format == *format && one.version == *version && one.fresh.is_some()).count();
        let [kept, refused, tried] = sums.edits;
        lines.push(format!(
            "| {format:?} | {version} | {} | {holding} | {} | {} | {} | {} | {kept} / {refused} / {tried} | {} |",
            sums.files, sums.records, sums.read, sums.fresh, sums.edited, sums.met
        ));
    }
    lines.push(String::new());
    lines.extend(examined.iter().flat_map(reasons));
    lines
}

fn is_whole(reasons: &Option<Vec<String>>) -> bool {
    reasons.as_ref().is_some_and(Vec::is_empty)
}

fn add(sums: &mut Sums, one: &Examination) {
    sums.files += 1;
    sums.records += one.records;
    sums.read += usize::from(one.broken.is_empty());
    sums.fresh += usize::from(is_whole(&one.fresh));
    sums.edited += usize::from(one.fresh.is_some() && one.edits.touched.is_empty());
    sums.met += usize::from(is_whole(&one.meeting));
    let [kept, refused, tried] = &mut sums.edits;
    *kept += one.edits.kept;
    *refused += one.edits.refused.len();
    *tried += one.edits.tried;
}

/// Returns why a file falls short; nothing for one that does not.
fn reasons(one: &Examination) -> Vec<String> {
    let sorts: [(&str, &[String]); 5] = [
        ("held", &one.broken),
        ("new file", one.fresh.as_deref().unwrap_or_default()),
        ("edit", &one.edits.touched),
        ("refused", &one.edits.refused),
        ("meeting", one.meeting.as_deref().unwrap_or_default()),
    ];
    let mut lines = Vec::new();
    for (sort, reasons) in sorts {
        // What a new file lacks, a second endpoint lacks for the same reason.
        if sort == "meeting" && one.fresh.as_deref() == Some(reasons) {
            continue;
        }
        lines.extend(reasons.iter().take(TOLD).map(|reason| format!("* {}: {sort}: {}", one.path.display(), plain(reason))));
        if reasons.len() > TOLD {
            lines.push(format!("* {}: {sort}: and {} more", one.path.display(), reasons.len() - TOLD));
        }
    }
    lines
}

fn plain(reason: &str) -> String {
    reason.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
