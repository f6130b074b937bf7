//! Every legal key, its default, and the examples.

use std::path::Path;

use config::{Guard, Link, Merge, OptionValue, Options, SMALLEST, SameField, StoreChoice, read};

use crate::accept;

const ENDPOINT: &str = "[[job.contacts.endpoint]]\nadapter = \"csv\"\npath = \"contacts.csv\"\n";

fn names(options: &Options) -> Vec<&str> {
    options.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn the_smallest_file_has_seven_lines_and_every_default() {
    assert_eq!(SMALLEST.lines().count(), 7);
    let config = accept(SMALLEST);
    assert_eq!(config.store, StoreChoice::Embedded);
    let [job] = config.jobs.as_slice() else { panic!("one job") };
    assert_eq!((job.name.as_str(), job.collection.as_str(), &job.kind), ("contacts", "contacts", &None));
    assert_eq!(job.same_field, SameField::Store);
    assert_eq!(job.guard, Guard { max_delete_percent: 10, min_delete: 5 });
    assert_eq!(job.link, Link { auto: true });
    let [sheet, cards] = job.endpoints.as_slice() else { panic!("two endpoints") };
    assert_eq!((sheet.name.as_str(), sheet.adapter.as_str()), ("csv:contacts.csv", "csv"));
    assert_eq!(sheet.path.to_str(), Some("/etc/ada/contacts.csv"));
    assert_eq!((cards.name.as_str(), cards.path.to_str()), ("vcard:contacts", Some("/etc/ada/contacts")));
    assert!(sheet.options.is_empty() && cards.options.is_empty());
}

#[test]
fn every_key_is_read() {
    let config = accept(&format!(
        r#"version = 1
[store]
url = "https://sync.example.org"
[job.people]
collection = "contacts.v2"
kind = "contact"
[[job.people.endpoint]]
name = "sheet"
adapter = "csv"
path = "/srv/contacts.csv"
[job.people.conflict]
same-field = "prefer:phone"
merge = "text"
[job.people.guard]
max-delete = "25%"
min-delete = 0x10
[job.people.link]
auto = false
{ENDPOINT}"#
    ));
    assert!(matches!(&config.store, StoreChoice::Url(url) if url.value == "https://sync.example.org"));
    let [people, contacts] = config.jobs.as_slice() else { panic!("two jobs") };
    assert_eq!((people.name.as_str(), people.collection.as_str()), ("people", "contacts.v2"));
    assert_eq!(people.kind.as_ref().map(|kind| kind.as_str()), Some("contact"));
    assert_eq!(people.endpoints[0].name.as_str(), "sheet");
    assert_eq!(people.endpoints[0].path.to_str(), Some("/srv/contacts.csv"));
    assert_eq!(people.same_field, SameField::Prefer("phone".to_owned()));
    assert_eq!(people.guard, Guard { max_delete_percent: 25, min_delete: 16 });
    assert!(!people.link.auto);
    assert_eq!((people.merge, contacts.merge), (Merge::Text, Merge::Nothing));
    assert_eq!(contacts.collection.span, contacts.name.span);
}

#[test]
fn mine_is_a_policy_and_the_guard_goes_from_nothing_to_all() {
    let config =
        accept(&format!("{ENDPOINT}[job.contacts.conflict]\nsame-field = \"mine\"\n[job.contacts.guard]\nmax-delete = \"100%\"\n"));
    assert_eq!((&config.jobs[0].same_field, config.jobs[0].guard.max_delete_percent), (&SameField::Mine, 100));
    let config = accept(&format!("{ENDPOINT}[job.contacts.guard]\nmax-delete = \"0 %\"\nmin-delete = 0\n"));
    assert_eq!(config.jobs[0].guard, Guard { max_delete_percent: 0, min_delete: 0 });
}

#[test]
fn jobs_and_options_keep_the_order_of_the_file() {
    let config = accept(&format!(
        "{}{ENDPOINT}zeta = 1\nalpha = [\"a\", 2, {{ z = true, b = false }}]\n[job.contacts.endpoint.columns]\n\"Mobile\" = \"phones[cell]/number\"\n\"E-mail\" = \"emails/1\"\n\"Address\" = \"x\"\n",
        ENDPOINT.replace("job.contacts", "job.zoo")
    ));
    assert_eq!(config.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["zoo", "contacts"]);
    let options = &config.jobs[1].endpoints[0].options;
    assert_eq!((names(options), options.len()), (vec!["zeta", "alpha", "columns"], 3));
    assert_eq!(options.value("zeta").map(|value| &value.value), Some(&OptionValue::Integer(1)));
    let Some(OptionValue::List(items)) = options.value("alpha").map(|value| &value.value) else { panic!("a list") };
    assert_eq!((&items[0].value, &items[1].value), (&OptionValue::Text("a".to_owned()), &OptionValue::Integer(2)));
    assert!(matches!(&items[2].value, OptionValue::Table(table) if names(table) == ["z", "b"]));
    let Some(OptionValue::Table(columns)) = options.value("columns").map(|value| &value.value) else { panic!("a table") };
    assert_eq!(names(columns), ["Mobile", "E-mail", "Address"]);
    let mobile = columns.value("Mobile").expect("a column");
    assert_eq!(config.source.slice(mobile.span), "\"phones[cell]/number\"");
    assert_eq!(config.source.location(mobile.span).line, 10);
}

#[test]
fn two_jobs_share_a_collection_under_different_endpoint_names() {
    let other = ENDPOINT.replace("job.contacts", "job.b").replace("contacts.csv", "b.csv");
    let config = accept(&format!("{ENDPOINT}[job.b]\ncollection = \"contacts\"\n{other}"));
    assert_eq!(config.jobs[1].collection.as_str(), "contacts");
}

#[test]
fn one_path_under_two_adapters_is_two_endpoints() {
    let config = accept(&format!("{ENDPOINT}{}", ENDPOINT.replace("\"csv\"", "\"fs\"")));
    assert_eq!(config.jobs[0].endpoints[1].name.as_str(), "fs:contacts.csv");
}

#[test]
fn windows_line_endings_and_a_byte_order_mark_are_fine() {
    let config = accept(&format!("\u{feff}{}", SMALLEST.replace('\n', "\r\n")));
    assert_eq!(config.source.location(config.jobs[0].endpoints[0].adapter.span).line, 3);
}

#[test]
fn every_example_is_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut read_so_far = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let config = read(&path).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(config.jobs.iter().flat_map(|job| &job.endpoints).all(|endpoint| endpoint.path.starts_with(&folder)));
        read_so_far.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    read_so_far.sort();
    assert_eq!(read_so_far, ["columns.toml", "files.toml", "full.toml", "smallest.toml"]);
}
