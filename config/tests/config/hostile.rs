//! Files that are no configuration at all: a message, never a crash or a hang.

use std::path::Path;

use config::{Problems, parse, read};
use proptest::prelude::{ProptestConfig, any, prop, proptest};
use tempfile::TempDir;

fn refused(name: &str, bytes: &[u8]) -> (TempDir, Problems) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let problems = read(&path).expect_err("no configuration");
    (folder, problems)
}

fn shown(folder: &Path, problems: &Problems) -> String {
    problems.to_string().replace(&folder.display().to_string(), "FOLDER")
}

#[test]
fn a_missing_file_is_told_what_the_smallest_looks_like() {
    let folder = TempDir::new().unwrap();
    let problems = read(&folder.path().join("syncretic.toml")).expect_err("no file");
    let expected = r#"error: cannot read the configuration: there is no such file
 --> FOLDER/syncretic.toml
  = help: create it; the smallest one is:
            [job.contacts]
            [[job.contacts.endpoint]]
            adapter = "csv"
            path = "contacts.csv"
            [[job.contacts.endpoint]]
            adapter = "vcard"
            path = "contacts/"

nothing was synced: 1 problem in FOLDER/syncretic.toml"#;
    assert_eq!(shown(folder.path(), &problems), expected);
}

#[test]
fn a_folder_is_no_file() {
    let folder = TempDir::new().unwrap();
    let problems = read(folder.path()).expect_err("a folder");
    let expected = r"error: cannot read the configuration: it is a folder
 --> FOLDER
  = help: name a file, for instance `-c FOLDER/syncretic.toml`

nothing was synced: 1 problem in FOLDER";
    assert_eq!(shown(folder.path(), &problems), expected);
}

#[test]
fn text_that_is_not_utf_8_is_marked_at_its_first_wrong_byte() {
    let (folder, problems) = refused("latin.toml", b"# M\xc3\xbcller\n# M\xfcller\n");
    let expected = "error: the file is not UTF-8 text
 --> FOLDER/latin.toml:2:4
  |
2 | # M\u{fffd}ller
  |    ^ not a character in UTF-8
  = help: save the file as UTF-8, then run `syncretic config check`

nothing was synced: 1 problem in FOLDER/latin.toml";
    assert_eq!(shown(folder.path(), &problems), expected);
}

#[test]
fn ten_megabytes_are_refused_unread() {
    let (folder, problems) = refused("big.toml", &b"\xff[[=\"".repeat(2_000_000));
    let expected = r"error: cannot read the configuration: it is larger than 1048576 bytes, so it is no configuration
 --> FOLDER/big.toml
  = help: name another file with `-c FILE`

nothing was synced: 1 problem in FOLDER/big.toml";
    assert_eq!(shown(folder.path(), &problems), expected);
    assert_eq!(parse(&"[".repeat(10_000_000), Path::new("x")).expect_err("too large").count(), 1);
}

#[test]
fn the_largest_garbage_that_is_read_is_refused_and_its_problems_are_counted() {
    for line in ["a\n", "=", "[[", "a=1\n", "{", "\"", "\u{1}", "'''\n", "a.", "a={a=["] {
        let text = line.repeat((1 << 20) / line.len());
        let problems = parse(&text, Path::new("x")).expect_err("garbage");
        assert!((1..=50).contains(&problems.list().len()), "{line:?}");
        assert!(problems.to_string().len() < 50_000, "{line:?}");
    }
    let problems = parse(&"a\n".repeat(100), Path::new("x")).expect_err("garbage");
    assert_eq!((problems.list().len(), problems.count()), (50, 100));
    assert!(problems.to_string().ends_with("nothing was synced: 100 problems in x, the first 50 shown"));
}

#[test]
fn a_hundred_thousand_wrong_keys_and_endpoints_in_one_line_are_no_long_work() {
    let keys = (0..60_000).map(|key| format!("k{key}=1")).collect::<Vec<_>>().join(", ");
    assert!(parse(&format!("store = {{ {keys} }}"), Path::new("x")).expect_err("wrong").count() >= 60_000);
    let endpoints = "{adapter='a',path='b'},".repeat(40_000);
    assert!(parse(&format!("job.a.endpoint = [{endpoints}]"), Path::new("x")).expect_err("wrong").count() >= 39_999);
}

#[test]
fn the_deepest_nesting_that_the_parser_admits_is_refused_without_a_crash() {
    let key = ["a"; 79].join(".");
    let nested = format!("{}1{}", format!("{{ {key} = ").repeat(78), " }".repeat(78));
    for text in [format!("[{key}]\n{key} = {nested}\n"), format!("[[job.a.endpoint]]\nadapter='a'\npath='b'\n{key} = {nested}\n")] {
        assert!(!parse(&text, Path::new("x")).expect_err("too deep").is_empty());
    }
}

#[test]
fn a_file_name_cannot_command_the_terminal() {
    let problems = parse("", Path::new("\u{1b}[31m.toml")).expect_err("empty");
    assert!(!problems.to_string().contains('\u{1b}'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_crashes(text in any::<String>()) {
        let shown = parse(&text, Path::new("x")).map_or_else(|problems| problems.to_string(), |_| String::new());
        assert!(shown.chars().all(|character| character == '\n' || !character.is_control()));
    }

    #[test]
    fn no_text_that_is_nearly_a_configuration_crashes(parts in prop::collection::vec(prop::sample::select(PARTS), 0..24)) {
        if let Err(problems) = parse(&parts.concat(), Path::new("x")) {
            assert!(!problems.is_empty() && !problems.to_string().is_empty());
        }
    }
}

const PARTS: &[&str] = &[
    "[job.a]\n",
    "[[job.a.endpoint]]\n",
    "[job.a.endpoint.columns]\n",
    "[job.a.guard]\n",
    "[store]\n",
    "[job]\n",
    "[[job]]\n",
    "adapter",
    "path",
    "name",
    "url",
    "max-delete",
    "version",
    "job",
    "store",
    ".",
    " = ",
    "\"csv\"",
    "'~/x'",
    "\"\"",
    "1",
    "1.5",
    "2020-01-01",
    "true",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "\n",
    "ä",
    "\"10%\"",
    "# x\n",
    "\r",
    "\t",
    "\u{feff}",
];
