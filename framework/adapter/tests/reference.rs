//! `docs/plugins/reference.md` is what the header says; with `SYNCRETIC_BLESS` set it is written anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

const HEADER: &str = include_str!("../include/syncretic_adapter.h");

/// Returns the page: a title for each struct, and the header's own words.
fn page() -> String {
    let mut page = String::from(
        "# The C boundary: reference\n\nGenerated from `framework/adapter/include/syncretic_adapter.h`; a test keeps it current.\n\
         `examples/plugins/jot` is an adapter in C.\n",
    );
    let (rules, rest) = HEADER.split_once("#ifndef").unwrap();
    page.push_str(&format!("\n```c\n{}\n```\n", rules.trim()));
    let (_, body) = rest.split_once("#define SYN_ABI_MAJOR").unwrap();
    let (body, _) = body.split_once("#ifdef __cplusplus").unwrap();
    for block in format!("#define SYN_ABI_MAJOR{body}").split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
        let name = block.lines().rev().find_map(|line| line.strip_prefix("} ")).map(|name| name.trim_end_matches(';'));
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            page.push_str(&format!("\n## {name}\n"));
        }
        page.push_str(&format!("\n```c\n{block}\n```\n"));
    }
    page
}

#[test]
fn the_reference_is_what_the_header_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/reference.md");
    if std::env::var_os("SYNCRETIC_BLESS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), page(), "run this test with SYNCRETIC_BLESS=1");
}
