//! Values that are not allowed: each message whole.

use crate::message;

#[test]
fn a_guard_wants_a_percentage_as_text_and_an_integer() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.contacts.guard]
max-delete = 10
min-delete = "5"
"#;
    let expected = r#"error: `max-delete` in `[job.contacts.guard]` must be text
 --> syncretic.toml:5:14
  |
5 | max-delete = 10
  |              ^^ this is an integer
  = help: write `max-delete = "10%"`

error: `min-delete` in `[job.contacts.guard]` must be an integer, without quotes
 --> syncretic.toml:6:14
  |
6 | min-delete = "5"
  |              ^^^ this is text
  = help: write `min-delete = 5`

nothing was synced: 2 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_percentage_beyond_a_hundred_and_a_negative_number_are_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.contacts.guard]
max-delete = "110%"
min-delete = -5
"#;
    let expected = r#"error: `max-delete` in `[job.contacts.guard]` must be a percentage
 --> syncretic.toml:5:14
  |
5 | max-delete = "110%"
  |              ^^^^^^ a whole number from 0 to 100 and `%`
  = help: write for instance `max-delete = "10%"`

error: `min-delete` in `[job.contacts.guard]` must not be negative
 --> syncretic.toml:6:14
  |
6 | min-delete = -5
  |              ^^ a number of records
  = help: write for instance `min-delete = 5`

nothing was synced: 2 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_integer_that_does_not_fit_is_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.contacts.guard]
min-delete = 99999999999999999999
"#;
    let expected = r#"error: `min-delete` in `[job.contacts.guard]` is too large
 --> syncretic.toml:5:14
  |
5 | min-delete = 99999999999999999999
  |              ^^^^^^^^^^^^^^^^^^^^ not a 64-bit integer
  = help: write for instance `min-delete = 5`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_policy_that_is_none_is_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.contacts.conflict]
same-field = "newest"
"#;
    let expected = r#"error: `same-field` in `[job.contacts.conflict]` cannot be `newest`
 --> syncretic.toml:5:14
  |
5 | same-field = "newest"
  |              ^^^^^^^^ one of "store", "mine", "prefer:DEVICE"
  = help: write for instance `same-field = "store"`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_way_of_merging_that_is_none_is_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "fs"
path = "documents"
[job.contacts.conflict]
merge = "lines"
"#;
    let expected = r#"error: `merge` in `[job.contacts.conflict]` cannot be `lines`
 --> syncretic.toml:5:9
  |
5 | merge = "lines"
  |         ^^^^^^^ one of "none", "text"
  = help: write for instance `merge = "text"`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_preference_without_a_device_is_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.contacts.conflict]
same-field = "prefer:"
"#;
    let expected = r#"error: `same-field` in `[job.contacts.conflict]` cannot be `prefer:`
 --> syncretic.toml:5:14
  |
5 | same-field = "prefer:"
  |              ^^^^^^^^^ one of "store", "mine", "prefer:DEVICE"
  = help: write for instance `same-field = "store"`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_table_that_is_none_is_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.contacts]
conflict = "mine"
"#;
    let expected = r#"error: `conflict` in `[job.contacts]` must be a table
 --> syncretic.toml:5:12
  |
5 | conflict = "mine"
  |            ^^^^^^ this is text
  = help: write `[job.contacts.conflict]`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn another_version_is_refused() {
    let text = r#"version = 2
[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
"#;
    let expected = r#"error: version 2 of the configuration is not known
 --> syncretic.toml:1:11
  |
1 | version = 2
  |           ^ only 1 is known
  = help: write `version = 1`, or use a newer syncretic

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_version_in_quotes_is_refused() {
    let text = r#"version = "1"
[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
"#;
    let expected = r#"error: `version` at the top of the file must be an integer, without quotes
 --> syncretic.toml:1:11
  |
1 | version = "1"
  |           ^^^ this is text
  = help: write `version = 1`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_store_that_is_no_table_and_an_empty_list_of_jobs_are_reported() {
    let text = r#"store = "x"
[job]
"#;
    let expected = r#"error: the configuration has no job
 --> syncretic.toml
  = help: add one; the smallest file is:
            [job.contacts]
            [[job.contacts.endpoint]]
            adapter = "csv"
            path = "contacts.csv"
            [[job.contacts.endpoint]]
            adapter = "vcard"
            path = "contacts/"

error: `store` at the top of the file must be a table
 --> syncretic.toml:1:9
  |
1 | store = "x"
  |         ^^^ this is text
  = help: write `[store]`

nothing was synced: 2 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn jobs_that_are_no_table_are_refused() {
    let text = r#"job = 3
"#;
    let expected = r#"error: `job` at the top of the file must be a table
 --> syncretic.toml:1:7
  |
1 | job = 3
  |       ^ this is an integer
  = help: write `[job.contacts]`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_job_that_is_no_table_is_refused() {
    let text = r#"[job]
a = 3
"#;
    let expected = r#"error: job `a` must be a table
 --> syncretic.toml:2:5
  |
2 | a = 3
  |     ^
  = help: write `[job.a]`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}
