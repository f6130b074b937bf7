//! The jobs of a file, one by one and against each other.

use std::collections::HashMap;

use toml::de::DeValue;

use crate::endpoint::endpoints;
use crate::job::{Guard, Job, Link, Merge, SameField};
use crate::keys;
use crate::path::Anchors;
use crate::printable::{line, quoted};
use crate::problem::{Kind, Problem};
use crate::section::{Entry, Findings, Section, entries};
use crate::smallest::SMALLEST;
use crate::source::{Span, Spanned};
use crate::suggest::nearest;

/// The longest name of a job or a collection.
const LONGEST_NAME: usize = 64;

/// Reads every job, and reports if there is none.
pub(crate) fn jobs(root: &Section<'_>, anchors: &Anchors, findings: &mut Findings<'_>) -> Vec<Job> {
    match root.entry("job").map(|entry| (entry, entry.value)) {
        Some((_, DeValue::Table(table))) if !table.is_empty() => {
            return entries(table).into_iter().filter_map(|entry| job(entry, anchors, findings)).collect();
        }
        Some((entry, value)) if !matches!(value, DeValue::Table(_)) => root.wrong_type(entry, "a table", findings),
        // A misspelt `[jobs.contacts]` has been reported with its line already.
        _ if root.entries.iter().any(|entry| nearest(entry.name, ["job"]).is_some() && entry.name != "job") => {}
        _ => {
            let source = findings.source;
            findings.problems.push(|| {
                let problem = Problem::with_file(source.file(), Kind::Missing, "the configuration has no job");
                problem.help(format!("add one; the smallest file is:\n{}", SMALLEST.trim_end()))
            });
        }
    }
    Vec::new()
}

fn job(entry: Entry<'_>, anchors: &Anchors, findings: &mut Findings<'_>) -> Option<Job> {
    let shown = if is_name(entry.name) { entry.name.to_owned() } else { format!("\"{}\"", line(entry.name)) };
    let title = |table: &str| format!("[job.{shown}{table}]");
    check_name("the name of a job", entry.name, entry.key, findings);
    let DeValue::Table(table) = entry.value else {
        let message = format!("job {} must be a table", quoted(entry.name));
        findings.report(entry.at, Kind::WrongType, message, |problem| problem.help(format!("write `{}`", title(""))));
        return None;
    };
    let section = Section::new(keys::JOB, &title(""), entry.key, table);
    section.reject_unknown(findings);
    let name = Spanned::new(entry.name.to_owned(), entry.key);
    let collection = section.text("collection", findings).inspect(|collection| {
        check_name("the name of a collection", collection, collection.span, findings);
    });
    let (same_field, merge) = conflict(&section, &title(".conflict"), findings);
    Some(Job {
        collection: collection.unwrap_or_else(|| name.clone()),
        name,
        kind: section.text("kind", findings),
        endpoints: endpoints(&section, &shown, anchors, findings),
        same_field,
        merge,
        guard: guard(&section, &title(".guard"), findings),
        link: link(&section, &title(".link"), findings),
    })
}

fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(legal) && name.bytes().any(|byte| byte != b'.')
}

fn check_name(what: &str, name: &str, span: Span, findings: &mut Findings<'_>) {
    if is_name(name) {
        return;
    }
    let message = format!("{} cannot be {what}", quoted(name));
    findings.report(span, Kind::WrongValue, message, |problem| {
        problem
            .note(format!("a name is 1 to {LONGEST_NAME} of the characters a-z, A-Z, 0-9, `-`, `_` and `.`, and not only dots"))
            .help("write for instance `contacts`")
    });
}

/// Reads what becomes of what was changed on two sides.
fn conflict(job: &Section<'_>, title: &str, findings: &mut Findings<'_>) -> (SameField, Merge) {
    match job.table("conflict", (keys::CONFLICT, title), findings) {
        Some(section) => (same_field(&section, findings), merge(&section, findings)),
        None => Default::default(),
    }
}

fn same_field(section: &Section<'_>, findings: &mut Findings<'_>) -> SameField {
    let Some(written) = section.text("same-field", findings) else {
        return SameField::default();
    };
    match (written.as_str(), written.strip_prefix("prefer:").map(str::trim)) {
        ("store", _) => SameField::Store,
        ("mine", _) => SameField::Mine,
        (_, Some(device)) if !device.is_empty() && line(device) == device => SameField::Prefer(device.to_owned()),
        _ => {
            if let Some(entry) = section.entry("same-field") {
                let label = "one of \"store\", \"mine\", \"prefer:DEVICE\"";
                section.wrong_value(entry, &format!("cannot be {}", quoted(&written)), label, findings);
            }
            SameField::default()
        }
    }
}

fn merge(section: &Section<'_>, findings: &mut Findings<'_>) -> Merge {
    let Some(written) = section.text("merge", findings) else {
        return Merge::default();
    };
    match written.as_str() {
        "none" => Merge::Nothing,
        "text" => Merge::Text,
        _ => {
            if let Some(entry) = section.entry("merge") {
                section.wrong_value(entry, &format!("cannot be {}", quoted(&written)), "one of \"none\", \"text\"", findings);
            }
            Merge::default()
        }
    }
}

fn guard(job: &Section<'_>, title: &str, findings: &mut Findings<'_>) -> Guard {
    let Some(section) = job.table("guard", (keys::GUARD, title), findings) else {
        return Guard::default();
    };
    let mut guard = Guard::default();
    if let Some(written) = section.text("max-delete", findings) {
        match (percent(&written), section.entry("max-delete")) {
            (Some(percent), _) => guard.max_delete_percent = percent,
            (None, Some(entry)) => section.wrong_value(entry, "must be a percentage", "a whole number from 0 to 100 and `%`", findings),
            (None, None) => {}
        }
    }
    if let Some(written) = section.integer("min-delete", findings) {
        match (u64::try_from(written.value), section.entry("min-delete")) {
            (Ok(records), _) => guard.min_delete = records,
            (Err(_), Some(entry)) => section.wrong_value(entry, "must not be negative", "a number of records", findings),
            (Err(_), None) => {}
        }
    }
    guard
}

fn percent(text: &str) -> Option<u8> {
    let digits = text.strip_suffix('%')?.trim_end();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|percent| plain && *percent <= 100)
}

fn link(job: &Section<'_>, title: &str, findings: &mut Findings<'_>) -> Link {
    let section = job.table("link", (keys::LINK, title), findings);
    section.and_then(|section| section.boolean("auto", findings)).map_or_else(Link::default, |auto| Link { auto })
}

/// Reports endpoints of two jobs that would share one object store: it is known by collection and endpoint name.
pub(crate) fn reject_shared_endpoints(jobs: &[Job], findings: &mut Findings<'_>) {
    let mut seen: HashMap<(&str, &str), (&Job, Span)> = HashMap::new();
    for job in jobs {
        for endpoint in &job.endpoints {
            let key = (job.collection.as_str(), endpoint.name.as_str());
            let Some((other, first)) = seen.insert(key, (job, endpoint.name.span)) else {
                continue;
            };
            if other.name == job.name {
                continue;
            }
            let earlier = findings.source.line_number(first);
            let message = format!(
                "jobs {} and {} sync the same collection and have an endpoint of the same name",
                quoted(&other.name),
                quoted(&job.name)
            );
            findings.report(endpoint.name.span, Kind::Duplicate, message, |problem| {
                let label = format!("{}, as on line {earlier}", quoted(&endpoint.name));
                problem.label(label).help("put the endpoints into one job, or give this one another `name`")
            });
        }
    }
}
