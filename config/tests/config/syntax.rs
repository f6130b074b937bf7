//! Options of other types, text that is not TOML, no text at all: each message whole.

use crate::message;

#[test]
fn options_of_other_types_are_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
since = 2020-01-01
ratio = 0.5
list = [1, 2.5]
big = 99999999999999999999
"#;
    let expected = r#"error: an option must be text, an integer, a boolean, a list or a table
 --> syncretic.toml:4:9
  |
4 | since = 2020-01-01
  |         ^^^^^^^^^^ this is a date or time
  = help: put it in quotes

error: an option must be text, an integer, a boolean, a list or a table
 --> syncretic.toml:5:9
  |
5 | ratio = 0.5
  |         ^^^ this is a number with a fraction
  = help: put it in quotes

error: an option must be text, an integer, a boolean, a list or a table
 --> syncretic.toml:6:12
  |
6 | list = [1, 2.5]
  |            ^^^ this is a number with a fraction
  = help: put it in quotes

error: an integer of an option must fit 64 bits
 --> syncretic.toml:7:7
  |
7 | big = 99999999999999999999
  |       ^^^^^^^^^^^^^^^^^^^^ this is an integer
  = help: put it in quotes

nothing was synced: 4 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_option_nested_too_deeply_is_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
deep = [[[[[[[[[1]]]]]]]]]
"#;
    let expected = r#"error: an option is nested deeper than 8 levels
 --> syncretic.toml:4:16
  |
4 | deep = [[[[[[[[[1]]]]]]]]]
  |                ^^^ this is a list
  = help: write it flatter

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_key_or_table_twice_is_refused() {
    let text = r#"[[job.contacts.endpoint]]
adapter = "csv"
path = "contacts.csv"
path = "x"
[job.contacts.guard]
[job.contacts.guard]
"#;
    let expected = r#"error: `path` is already defined above
 --> syncretic.toml:4:1
  |
4 | path = "x"
  | ^^^^ the second time
  = help: remove one of the two, then run `syncretic config check`

error: `guard` is already defined above
 --> syncretic.toml:6:15
  |
6 | [job.contacts.guard]
  |               ^^^^^ the second time
  = help: remove one of the two, then run `syncretic config check`

nothing was synced: 2 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_text_without_quotes_is_refused() {
    let text = r#"[[job.a.endpoint]]
adapter = csv
path = contacts.csv
"#;
    let expected = r#"error: this is not TOML: a text must be quoted
 --> syncretic.toml:2:11
  |
2 | adapter = csv
  |           ^^^
  = help: write `"csv"`, then run `syncretic config check`

error: this is not TOML: a text must be quoted
 --> syncretic.toml:3:8
  |
3 | path = contacts.csv
  |        ^^^^^^^^^^^^
  = help: write `"contacts.csv"`, then run `syncretic config check`

nothing was synced: 2 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn several_syntax_errors_are_reported_at_once() {
    let text = "[job.contacts\npath == \"x\"\nname = \"abc\n\u{1b}[31mx = 1\n";
    let expected = r#"error: this is not TOML: unclosed table, expected `]`
 --> syncretic.toml:1:14
  |
1 | [job.contacts
  |              ^
  = help: a line is `key = "text"`, `[table]` or `# comment`; correct it, then run `syncretic config check`

error: this is not TOML: extra `=`
 --> syncretic.toml:2:7
  |
2 | path == "x"
  |       ^
  = help: a line is `key = "text"`, `[table]` or `# comment`; correct it, then run `syncretic config check`

error: this is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`
 --> syncretic.toml:4:1
  |
4 | �[31mx = 1
  | ^
  = help: a line is `key = "text"`, `[table]` or `# comment`; correct it, then run `syncretic config check`

nothing was synced: 3 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn an_empty_file_is_told_what_the_smallest_looks_like() {
    let text = r#""#;
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

nothing was synced: 1 problem in syncretic.toml"#;
    assert_eq!(message(text), expected);
}

#[test]
fn a_long_line_is_cut_around_the_marker() {
    let text = r#"a = { zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz = 1 }
[store]
x = "y"
[[job.a.endpoint]]
adapter = "csv"
path = "x"
list = ["aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa",  1.5, "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", ]
"#;
    let expected = r#"error: unknown key `a` at the top of the file
 --> syncretic.toml:1:1
  |
1 | a = { zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz...
  | ^ not a key of this table
  = note: keys allowed here: version, store, job
  = help: remove the line, then run `syncretic config check`

error: unknown key `x` in `[store]`
 --> syncretic.toml:3:1
  |
3 | x = "y"
  | ^ not a key of this table
  = note: keys allowed here: url
  = help: remove the line, then run `syncretic config check`

error: an option must be text, an integer, a boolean, a list or a table
 --> syncretic.toml:7:250
  |
7 | ...", "aaaaaaaa", "aaaaaaaa", "aaaaaaaa",  1.5, "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bbbbbbbb", "bb...
  |                                            ^^^ this is a number with a fraction
  = help: put it in quotes

nothing was synced: 3 problems in syncretic.toml"#;
    assert_eq!(message(text), expected);
}
