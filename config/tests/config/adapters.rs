//! What is said of an endpoint by those who know its adapter.

use config::{Endpoint, Expected, Shape};

use crate::accept;

const TEXT: &str = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
delimeter = ";"
header = "yes"
[job.contacts.endpoint.columns]
"Mobile" = "phones[cel]/number"
"#;

const EXPECTED: &[Expected<'_>] = &[
    Expected { name: "delimiter", shapes: &[Shape::Text], choices: &[], required: false, example: "" },
    Expected { name: "header", shapes: &[Shape::Boolean, Shape::Integer], choices: &[], required: false, example: "header = true" },
    Expected { name: "columns", shapes: &[], choices: &[], required: false, example: "" },
    Expected { name: "key", shapes: &[Shape::List], choices: &[], required: true, example: "key = [\"uid\"]" },
];

fn shown(report: impl Fn(&Endpoint, &config::Source) -> Vec<config::Problem>) -> String {
    let config = accept(TEXT);
    let problems = report(&config.jobs[0].endpoints[0], &config.source);
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn options_are_held_against_what_the_adapter_expects() {
    let expected = r#"error: adapter `csv` has no option `delimeter`
 --> /etc/ada/syncretic.toml:4:1
  |
4 | delimeter = ";"
  | ^^^^^^^^^ did you mean `delimiter`?
  = note: options of `csv`: delimiter, header, columns, key
  = help: write `delimiter` in its place
error: option `header` of adapter `csv` must be `true` or `false` or an integer
 --> /etc/ada/syncretic.toml:5:10
  |
5 | header = "yes"
  |          ^^^^^ this is text
  = help: write for instance `header = true`
error: adapter `csv` needs the option `key`
 --> /etc/ada/syncretic.toml:2:11
  |
2 | adapter = "csv"
  |           ^^^^^ this adapter
  = help: write for instance `key = ["uid"]`"#;
    assert_eq!(shown(|endpoint, source| endpoint.check(source, EXPECTED)), expected);
}

#[test]
fn an_adapter_without_options_says_so() {
    let message = shown(|endpoint, source| endpoint.check(source, &[]).into_iter().take(1).collect());
    assert!(message.contains("= note: adapter `csv` has no options"), "{message}");
}

#[test]
fn an_option_is_reported_at_its_innermost_part() {
    let expected = r#"error: `cel` is no label
 --> /etc/ada/syncretic.toml:7:12
  |
7 | "Mobile" = "phones[cel]/number"
  |            ^^^^^^^^^^^^^^^^^^^^ here"#;
    let message = shown(|endpoint, source| vec![endpoint.wrong_option(source, &["columns", "Mobile"], "`cel` is no label").label("here")]);
    assert_eq!(message, expected);
}

#[test]
fn an_option_that_was_not_written_is_reported_at_the_adapter() {
    let message = shown(|endpoint, source| vec![endpoint.wrong_option(source, &["encoding"], "unknown encoding")]);
    assert!(message.contains("syncretic.toml:2:11"), "{message}");
}

#[test]
fn an_unknown_adapter_gets_the_nearest_one() {
    let expected = r#"error: no adapter is called `csv`
 --> /etc/ada/syncretic.toml:2:11
  |
2 | adapter = "csv"
  |           ^^^^^ did you mean `tsv`?
  = note: adapters: vcard, tsv
  = help: write `adapter = "tsv"`"#;
    assert_eq!(shown(|endpoint, source| vec![endpoint.unknown_adapter(source, &["vcard", "tsv"])]), expected);
}

#[test]
fn programs_read_the_parts_of_a_problem() {
    let config = accept(TEXT);
    let problems = config.jobs[0].endpoints[0].check(&config.source, EXPECTED);
    let first = &problems[0];
    assert_eq!((first.kind().name(), first.message()), ("option", "adapter `csv` has no option `delimeter`"));
    assert_eq!(first.location().map(|at| (at.line, at.column)), Some((4, 1)));
    assert_eq!((first.file().to_str(), first.notes().len(), first.helps().len()), (Some("/etc/ada/syncretic.toml"), 1, 1));
}

#[test]
fn a_list_and_a_table_of_texts_hold_nothing_else() {
    let config =
        accept("[[job.a.endpoint]]\nadapter = \"csv\"\npath = \"x\"\nkey = [\"a\", 1]\ncolumns = { a = \"b\", c = [] }\nmore = [\"a\"]\n");
    let option = |name, shapes| Expected { name, shapes, choices: &[], required: false, example: "" };
    let expected = [option("key", &[Shape::Texts]), option("columns", &[Shape::TextTable]), option("more", &[Shape::Texts])];
    let problems = config.jobs[0].endpoints[0].check(&config.source, &expected);
    let shown = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let message = r#"error: option `key` of adapter `csv` must be a list of texts
 --> /etc/ada/syncretic.toml:4:13
  |
4 | key = ["a", 1]
  |             ^ this is an integer
error: option `columns` of adapter `csv` must be a table of texts
 --> /etc/ada/syncretic.toml:5:26
  |
5 | columns = { a = "b", c = [] }
  |                          ^^ this is a list"#;
    assert_eq!(shown, message);
}

#[test]
fn a_word_that_is_no_choice_gets_the_nearest_one() {
    let choices = Expected { name: "header", shapes: &[Shape::Text], choices: &["yes!", "no"], required: false, example: "" };
    let message = shown(|endpoint, source| endpoint.check(source, &[choices]).into_iter().skip(1).take(1).collect());
    let expected = r#"error: option `header` of adapter `csv` cannot be `yes`
 --> /etc/ada/syncretic.toml:5:10
  |
5 | header = "yes"
  |          ^^^^^ did you mean `yes!`?
  = note: it is one of: yes!, no
  = help: write `header = "yes!"`"#;
    assert_eq!(message, expected);
}
