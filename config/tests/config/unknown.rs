//! Keys that do not exist: each message whole.

use crate::message;

#[test]
fn a_misspelt_top_key_gets_the_nearest_one() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[jobs.x]
"#;
    let expected = r#"error: unknown key `jobs` at the top of the file
 --> syncretic.toml:4:2
  |
4 | [jobs.x]
  |  ^^^^ did you mean `job`?
  = note: keys allowed here: version, store, job
  = help: write `job` in its place, then run `syncretic config check`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_file_with_only_misspelt_jobs_is_one_problem() {
    let text = r#"[jobs.contacts]
[[jobs.contacts.endpoint]]
adapter = "csv"
path = "x"
"#;
    let expected = r#"error: unknown key `jobs` at the top of the file
 --> syncretic.toml:1:2
  |
1 | [jobs.contacts]
  |  ^^^^ did you mean `job`?
  = note: keys allowed here: version, store, job
  = help: write `job` in its place, then run `syncretic config check`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_top_key_like_no_other_gets_the_list() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[device]
name = "laptop"
"#;
    let expected = r#"error: unknown key `device` at the top of the file
 --> syncretic.toml:4:2
  |
4 | [device]
  |  ^^^^^^ not a key of this table
  = note: keys allowed here: version, store, job
  = help: remove the line, then run `syncretic config check`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn every_unknown_key_of_a_job_is_reported() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.b]
colection = "x"
path = "p"
schedule = 1
[[job.b.endpoint]]
adapter = "csv"
path = "y"
"#;
    let expected = r#"error: unknown key `colection` in `[job.b]`
 --> syncretic.toml:5:1
  |
5 | colection = "x"
  | ^^^^^^^^^ did you mean `collection`?
  = note: keys allowed here: collection, kind, endpoint, conflict, guard, link
  = help: write `collection` in its place, then run `syncretic config check`

error: unknown key `path` in `[job.b]`
 --> syncretic.toml:6:1
  |
6 | path = "p"
  | ^^^^ not a key of this table
  = note: keys allowed here: collection, kind, endpoint, conflict, guard, link
  = help: `path` belongs under `[[job.NAME.endpoint]]`; move the line there

error: unknown key `schedule` in `[job.b]`
 --> syncretic.toml:7:1
  |
7 | schedule = 1
  | ^^^^^^^^ not a key of this table
  = note: keys allowed here: collection, kind, endpoint, conflict, guard, link
  = help: remove the line; an option of an adapter belongs under `[[job.NAME.endpoint]]`

nothing was synced: 3 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_underscore_for_a_hyphen_is_recognised() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.contacts.guard]
max_delete = "10%"
"#;
    let expected = r#"error: unknown key `max_delete` in `[job.contacts.guard]`
 --> syncretic.toml:5:1
  |
5 | max_delete = "10%"
  | ^^^^^^^^^^ did you mean `max-delete`?
  = note: keys allowed here: max-delete, min-delete
  = help: write `max-delete` in its place, then run `syncretic config check`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_unknown_key_of_link_and_its_wrong_type_are_reported() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.contacts.link]
auto = "yes"
review = true
"#;
    let expected = r#"error: `auto` in `[job.contacts.link]` must be `true` or `false`, without quotes
 --> syncretic.toml:5:8
  |
5 | auto = "yes"
  |        ^^^^^ this is text
  = help: write `auto = true`

error: unknown key `review` in `[job.contacts.link]`
 --> syncretic.toml:6:1
  |
6 | review = true
  | ^^^^^^ not a key of this table
  = note: keys allowed here: auto
  = help: remove the line, then run `syncretic config check`

nothing was synced: 2 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_unknown_key_of_conflict_is_reported() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[job.contacts.conflict]
default = "merge"
"#;
    let expected = r#"error: unknown key `default` in `[job.contacts.conflict]`
 --> syncretic.toml:5:1
  |
5 | default = "merge"
  | ^^^^^^^ not a key of this table
  = note: keys allowed here: same-field, merge
  = help: remove the line, then run `syncretic config check`

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_unknown_key_of_the_store_and_an_empty_url_are_reported() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
[store]
url = ""
token = "x"
"#;
    let expected = r#"error: `url` in `[store]` is empty
 --> syncretic.toml:5:7
  |
5 | url = ""
  |       ^^
  = help: write for instance `url = "https://sync.example.org"`

error: unknown key `token` in `[store]`
 --> syncretic.toml:6:1
  |
6 | token = "x"
  | ^^^^^ not a key of this table
  = note: keys allowed here: url
  = help: remove the line, then run `syncretic config check`

nothing was synced: 2 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}
