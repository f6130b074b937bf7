//! The endpoints of a job: adapter, place and options, each endpoint different from the others.

use std::collections::HashMap;
use std::path::PathBuf;

use toml::de::DeValue;

use crate::job::Endpoint;
use crate::keys;
use crate::options::Options;
use crate::path::{Anchors, collapsed, short};
use crate::printable::{line, quoted};
use crate::problem::Kind;
use crate::section::{Entry, Findings, Section};
use crate::source::{Span, Spanned};
use crate::suggest::nearest;

/// The longest name of an endpoint, in characters.
const LONGEST_NAME: usize = 128;

/// Reads the endpoints of the job in `section`, whose written name is `job`.
pub(crate) fn endpoints(section: &Section<'_>, job: &str, anchors: &Anchors, findings: &mut Findings<'_>) -> Vec<Endpoint> {
    let title = format!("[[job.{job}.endpoint]]");
    let found: Vec<Endpoint> = match section.entry("endpoint") {
        None => {
            missing_endpoint(section, section.at, &title, findings);
            return Vec::new();
        }
        Some(entry) => match entry.value {
            DeValue::Array(items) if items.is_empty() => {
                missing_endpoint(section, entry.at, &title, findings);
                return Vec::new();
            }
            DeValue::Array(items) => {
                items.iter().filter_map(|item| endpoint(item.get_ref(), item.span().into(), &title, anchors, findings)).collect()
            }
            DeValue::Table(_) => {
                single_brackets(entry, &title, findings);
                return Vec::new();
            }
            _ => {
                section.wrong_shape(entry, "a list of tables", &title, findings);
                return Vec::new();
            }
        },
    };
    reject_same_place(&found, findings);
    reject_same_name(&found, findings);
    found
}

fn missing_endpoint(section: &Section<'_>, at: Span, title: &str, findings: &mut Findings<'_>) {
    let message = format!("no endpoint {}; every job needs one", section.place());
    findings.report(at, Kind::Missing, message, |problem| {
        problem.label("this job").help(format!("add:\n{title}\nadapter = \"csv\"\npath = \"contacts.csv\""))
    });
}

fn single_brackets(entry: Entry<'_>, title: &str, findings: &mut Findings<'_>) {
    let message = format!("an endpoint is written with two brackets: `{title}`");
    findings.report(entry.key, Kind::WrongType, message, |problem| {
        problem.label("a single table").help(format!("write `{title}`; a job may have several endpoints"))
    });
}

fn endpoint(value: &DeValue<'_>, at: Span, title: &str, anchors: &Anchors, findings: &mut Findings<'_>) -> Option<Endpoint> {
    let DeValue::Table(table) = value else {
        findings.report(at, Kind::WrongType, "an endpoint must be a table", |problem| problem.help(format!("write `{title}`")));
        return None;
    };
    let section = Section::new(keys::ENDPOINT, title, at, table);
    let mut misspelt = Vec::new();
    let adapter = required(&section, "adapter", &mut misspelt, findings);
    let path = required(&section, "path", &mut misspelt, findings);
    let name = name(&section, findings);
    let others = section.entries.iter().filter(|entry| keys::allowed(keys::ENDPOINT).all(|key| key != entry.name));
    let options = Options::read(others.filter(|entry| !misspelt.contains(&entry.key)).copied(), findings);
    let (adapter, path) = (adapter?, path?);
    let default = || Spanned::new(line(&format!("{}:{}", adapter.value, short(&path))), at);
    let name = name.unwrap_or_else(default);
    let path = absolute(&section, &path, anchors, findings)?;
    Some(Endpoint { name, adapter, path, options, at })
}

/// Reads a key that must be there; an option that is nearly called so is taken for a slip.
fn required(section: &Section<'_>, key: &str, misspelt: &mut Vec<Span>, findings: &mut Findings<'_>) -> Option<Spanned<String>> {
    if section.entry(key).is_some() {
        return section.text(key, findings);
    }
    if let Some(slip) = section.entries.iter().find(|entry| nearest(entry.name, keys::allowed(keys::ENDPOINT)) == Some(key)) {
        section.unknown(*slip, findings);
        misspelt.push(slip.key);
        return None;
    }
    let message = format!("`{key}` is missing {}", section.place());
    findings.report(section.at, Kind::Missing, message, |problem| {
        problem.label("this endpoint").help(format!("add a line, for instance `{}`", keys::example(keys::ENDPOINT, key)))
    });
    None
}

fn name(section: &Section<'_>, findings: &mut Findings<'_>) -> Option<Spanned<String>> {
    let name = section.text("name", findings)?;
    let fits = name.chars().count() <= LONGEST_NAME && line(&name) == name.value;
    if !fits && let Some(entry) = section.entry("name") {
        section.wrong_value(entry, &format!("must be 1 to {LONGEST_NAME} printable characters"), "", findings);
    }
    Some(name)
}

fn absolute(section: &Section<'_>, path: &Spanned<String>, anchors: &Anchors, findings: &mut Findings<'_>) -> Option<Spanned<PathBuf>> {
    match (anchors.resolve(path), section.entry("path")) {
        (Ok(absolute), _) => return Some(Spanned::new(absolute, path.span)),
        (Err(error), Some(entry)) => section.wrong_value(entry, &error.to_string(), "", findings),
        (Err(_), None) => {}
    }
    None
}

fn reject_same_place(endpoints: &[Endpoint], findings: &mut Findings<'_>) {
    let mut seen = HashMap::new();
    for endpoint in endpoints {
        let place = (endpoint.adapter.value.as_str(), collapsed(&endpoint.path));
        let Some(first) = seen.get(&place).copied() else {
            seen.insert(place, endpoint.path.span);
            continue;
        };
        let earlier = findings.source.line_number(first);
        let message = format!("two endpoints have the adapter {} and the same path", quoted(&endpoint.adapter));
        findings.report(endpoint.path.span, Kind::Duplicate, message, |problem| {
            problem.label(format!("as on line {earlier}")).help("remove one of the two, or correct its path")
        });
    }
}

fn reject_same_name(endpoints: &[Endpoint], findings: &mut Findings<'_>) {
    let mut seen = HashMap::new();
    for endpoint in endpoints {
        let Some(first) = seen.insert(endpoint.name.value.as_str(), endpoint) else {
            continue;
        };
        let defaults = first.name.span == first.at && endpoint.name.span == endpoint.at;
        // Defaults are alike where the places are, and that was said already.
        if defaults && collapsed(&first.path) == collapsed(&endpoint.path) {
            continue;
        }
        let earlier = findings.source.line_number(first.name.span);
        let message = format!("two endpoints of a job are called {}", quoted(&endpoint.name));
        findings.report(endpoint.name.span, Kind::Duplicate, message, |problem| {
            problem.label(format!("line {earlier} has it already")).help("give one of them another `name`")
        });
    }
}
