//! Endpoints and names that are wrong: each message whole.

use crate::message;

#[test]
fn a_misspelt_adapter_is_not_an_option() {
    let text = r#"[[job.a.endpoint]]
adaptor = "csv"
path = "a.csv"
"#;
    let expected = r#"error: unknown key `adaptor` in `[[job.a.endpoint]]`
 --> syncretic.toml:2:1
  |
2 | adaptor = "csv"
  | ^^^^^^^ did you mean `adapter`?
  = note: keys allowed here: name, adapter, path, and the adapter's own options
  = help: write `adapter` in its place, then run `syncretic config check`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_endpoint_without_path_is_refused() {
    let text = r#"[[job.a.endpoint]]
adapter = "csv"
"#;
    let expected = r#"error: `path` is missing in `[[job.a.endpoint]]`
 --> syncretic.toml:1:1
  |
1 | [[job.a.endpoint]]
  | ^^^^^^^^^^^^^^^^^^ this endpoint
  = help: add a line, for instance `path = "contacts.csv"`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_adapter_of_the_wrong_type_and_an_empty_path_are_refused() {
    let text = r#"[[job.a.endpoint]]
adapter = 1
path = ""
"#;
    let expected = r#"error: `adapter` in `[[job.a.endpoint]]` must be text
 --> syncretic.toml:2:11
  |
2 | adapter = 1
  |           ^ this is an integer
  = help: write `adapter = "csv"`

error: `path` in `[[job.a.endpoint]]` is empty
 --> syncretic.toml:3:8
  |
3 | path = ""
  |        ^^
  = help: write for instance `path = "contacts.csv"`

nothing was synced: 2 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_endpoint_with_single_brackets_is_refused() {
    let text = r#"[job.a.endpoint]
adapter = "csv"
path = "a.csv"
"#;
    let expected = r#"error: an endpoint is written with two brackets: `[[job.a.endpoint]]`
 --> syncretic.toml:1:8
  |
1 | [job.a.endpoint]
  |        ^^^^^^^^ a single table
  = help: write `[[job.a.endpoint]]`; a job may have several endpoints

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_job_without_endpoint_is_refused() {
    let text = r#"[job.a]
"#;
    let expected = r#"error: no endpoint in `[job.a]`; every job needs one
 --> syncretic.toml:1:6
  |
1 | [job.a]
  |      ^ this job
  = help: add:
            [[job.a.endpoint]]
            adapter = "csv"
            path = "contacts.csv"

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_list_of_endpoints_without_tables_is_refused() {
    let text = r#"[job.a]
endpoint = []
[job.b]
endpoint = 3
[job.c]
endpoint = [1]
"#;
    let expected = r#"error: no endpoint in `[job.a]`; every job needs one
 --> syncretic.toml:2:12
  |
2 | endpoint = []
  |            ^^ this job
  = help: add:
            [[job.a.endpoint]]
            adapter = "csv"
            path = "contacts.csv"

error: `endpoint` in `[job.b]` must be a list of tables
 --> syncretic.toml:4:12
  |
4 | endpoint = 3
  |            ^ this is an integer
  = help: write `[[job.b.endpoint]]`

error: an endpoint must be a table
 --> syncretic.toml:6:13
  |
6 | endpoint = [1]
  |             ^
  = help: write `[[job.c.endpoint]]`

nothing was synced: 3 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn names_that_are_no_names_are_refused() {
    let text = r#"[job."my job"]
collection = "a/b"
[[job."my job".endpoint]]
adapter = "csv"
path = "x"
name = "a\u0007b"
"#;
    let expected = r#"error: `my job` cannot be the name of a job
 --> syncretic.toml:1:6
  |
1 | [job."my job"]
  |      ^^^^^^^^
  = note: a name is 1 to 64 of the characters a-z, A-Z, 0-9, `-`, `_` and `.`, and not only dots
  = help: write for instance `contacts`

error: `a/b` cannot be the name of a collection
 --> syncretic.toml:2:14
  |
2 | collection = "a/b"
  |              ^^^^^
  = note: a name is 1 to 64 of the characters a-z, A-Z, 0-9, `-`, `_` and `.`, and not only dots
  = help: write for instance `contacts`

error: `name` in `[[job."my job".endpoint]]` must be 1 to 128 printable characters
 --> syncretic.toml:6:8
  |
6 | name = "a\u0007b"
  |        ^^^^^^^^^^
  = help: write for instance `name = "sheet"`

nothing was synced: 3 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_name_of_dots_is_refused() {
    let text = r#"[[job."..".endpoint]]
adapter = "csv"
path = "x"
"#;
    let expected = r#"error: `..` cannot be the name of a job
 --> syncretic.toml:1:7
  |
1 | [[job."..".endpoint]]
  |       ^^^^
  = note: a name is 1 to 64 of the characters a-z, A-Z, 0-9, `-`, `_` and `.`, and not only dots
  = help: write for instance `contacts`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn the_home_of_somebody_else_is_refused() {
    let text = r#"[[job.a.endpoint]]
adapter = "csv"
path = "~bob/x"
"#;
    let expected = r#"error: `path` in `[[job.a.endpoint]]` begins with `~`, but only `~/` (your own home folder) is understood
 --> syncretic.toml:3:8
  |
3 | path = "~bob/x"
  |        ^^^^^^^^
  = help: write for instance `path = "contacts.csv"`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn the_same_place_twice_is_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[[job.contacts.endpoint]]
adapter = "csv"
path = "./a/../contacts.csv"
"#;
    let expected = r#"error: two endpoints have the adapter `csv` and the same path
 --> syncretic.toml:6:8
  |
6 | path = "./a/../contacts.csv"
  |        ^^^^^^^^^^^^^^^^^^^^^ as on line 3
  = help: remove one of the two, or correct its path

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn the_same_name_twice_is_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[[job.contacts.endpoint]]
adapter = "csv"
path = "b.csv"
name = "csv:contacts.csv"
"#;
    let expected = r#"error: two endpoints of a job are called `csv:contacts.csv`
 --> syncretic.toml:7:8
  |
7 | name = "csv:contacts.csv"
  |        ^^^^^^^^^^^^^^^^^^ line 1 has it already
  = help: give one of them another `name`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn two_jobs_cannot_share_an_endpoint_of_a_collection() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.b]
collection = "contacts"
[[job.b.endpoint]]
adapter = "csv"
path = "contacts.csv"
"#;
    let expected = r#"error: jobs `contacts` and `b` sync the same collection and have an endpoint of the same name
 --> syncretic.toml:6:1
  |
6 | [[job.b.endpoint]]
  | ^^^^^^^^^^^^^^^^^^ `csv:contacts.csv`, as on line 1
  = help: put the endpoints into one job, or give this one another `name`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}
