//! The header and these structs lay everything out alike: the C compiler says how.

use std::mem::{offset_of, size_of};
use std::path::PathBuf;
use std::process::Command;

use super::*;

/// The name in C, the size, and the offsets by name.
type Layout = (&'static str, usize, Vec<(&'static str, usize)>);

macro_rules! layouts {
    ($($c:literal $rust:ident { $($field:ident)* })*) => {
        vec![$(($c, size_of::<$rust>(), vec![$((stringify!($field), offset_of!($rust, $field))),*])),*]
    };
}

fn layouts() -> Vec<Layout> {
    layouts! {
        "syn_bytes" Bytes { ptr len }
        "syn_error" CError { size code retry_after_ms message subject os_error reserved }
        "syn_option" COption { size kind name text integer items count }
        "syn_item" CItem { size state key fingerprint record path line column title reason }
        "syn_fingerprint" CFingerprint { size length bytes }
        "syn_op" COp { size op expect reserved id key fingerprint record changed changed_count }
        "syn_answer" CAnswer { size outcome index key fingerprint record bytes reason }
        "syn_fate" CFate { size fate key fingerprint }
        "syn_host" HostTable { size abi_major abi_minor fail document emit known scanned answer fate progress cancelled log extension }
        "syn_adapter" AdapterTable { size abi_major abi_minor id describe open close profile scan apply recover settle extension }
        "syn_secrets" Secrets { size reserved secret }
        "syn_blobs" Blobs { size reserved read give }
        "syn_same" Same { size reserved same }
        "syn_blob" Blob { size reserved blob }
    }
}

fn constants() -> Vec<(&'static str, i64)> {
    use crate::crossing::{self as c, fate, outcome, state};
    let mut named: Vec<(&str, i64)> = vec![
        ("SYN_ABI_MAJOR", MAJOR.into()),
        ("SYN_ABI_MINOR", MINOR.into()),
        ("SYN_FINGERPRINT_MAX", 128),
        ("SYN_PUT", PUT.into()),
        ("SYN_DELETE", DELETE.into()),
        ("SYN_EXPECT_ABSENT", EXPECT_ABSENT.into()),
        ("SYN_EXPECT_FINGERPRINT", EXPECT_FINGERPRINT.into()),
        ("SYN_REHEARSE", REHEARSE.into()),
        ("SYN_PERFORM", PERFORM.into()),
        ("SYN_ITEM", state::ITEM.into()),
        ("SYN_UNCHANGED", state::UNCHANGED.into()),
        ("SYN_BROKEN", state::BROKEN.into()),
        ("SYN_DONE", outcome::DONE.into()),
        ("SYN_DELETED", outcome::DELETED.into()),
        ("SYN_STALE", outcome::STALE.into()),
        ("SYN_REFUSED", outcome::REFUSED.into()),
        ("SYN_FATE_DONE", fate::DONE.into()),
        ("SYN_FATE_NOT_DONE", fate::NOT_DONE.into()),
        ("SYN_FATE_UNKNOWN", fate::UNKNOWN.into()),
        ("SYN_TEXT", 0),
        ("SYN_INTEGER", 1),
        ("SYN_BOOLEAN", 2),
        ("SYN_LIST", 3),
        ("SYN_TABLE", 4),
    ];
    let statuses = ["SYN_OK", "SYN_E_CONFIG", "SYN_E_AUTH", "SYN_E_TRANSIENT", "SYN_E_SOURCE", "SYN_E_CHANGED", "SYN_E_IO"];
    let codes = [OK, c::CONFIG, c::AUTH, c::TRANSIENT, c::SOURCE, c::CHANGED, c::IO];
    named.extend(statuses.into_iter().zip(codes.map(i64::from)));
    let statuses = ["SYN_E_CANCELLED", "SYN_E_PROTOCOL", "SYN_E_FATAL", "SYN_E_PANIC", "SYN_E_UNSUPPORTED"];
    named.extend(statuses.into_iter().zip([c::CANCELLED, PROTOCOL, FATAL, PANIC, c::UNSUPPORTED].map(i64::from)));
    named
}

fn program() -> String {
    let mut lines = String::from("#include <stdio.h>\n#include \"syncretic_adapter.h\"\nint main(void) {\n");
    for (name, _, fields) in layouts() {
        lines.push_str(&format!("  printf(\"{name} %zu\\n\", sizeof({name}));\n"));
        for (field, _) in fields {
            lines.push_str(&format!("  printf(\"{name}.{field} %zu\\n\", offsetof({name}, {field}));\n"));
        }
    }
    for (name, _) in constants() {
        lines.push_str(&format!("  printf(\"{name} %lld\\n\", (long long){name});\n"));
    }
    lines + "  return 0;\n}\n"
}

fn ours() -> String {
    let mut lines = String::new();
    for (name, size, fields) in layouts() {
        lines.push_str(&format!("{name} {size}\n"));
        fields.iter().for_each(|(field, offset)| lines.push_str(&format!("{name}.{field} {offset}\n")));
    }
    constants().iter().for_each(|(name, value)| lines.push_str(&format!("{name} {value}\n")));
    lines
}

#[test]
fn the_header_and_the_structs_are_laid_out_alike_in_c_and_in_cxx() {
    let include = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("include");
    for (compiler, language, standard) in [("gcc", "c", "-std=c99"), ("g++", "c++", "-std=c++11")] {
        let folder = tempfile::tempdir().unwrap();
        let (source, binary) = (folder.path().join("layout.c"), folder.path().join("layout"));
        std::fs::write(&source, program()).unwrap();
        let mut command = Command::new(compiler);
        command.args(["-x", language, standard, "-pedantic", "-Wall", "-Wextra", "-Werror", "-I"]).arg(&include).arg(&source);
        let Ok(compiled) = command.arg("-o").arg(&binary).output() else {
            eprintln!("SKIPPED: `{compiler}` is not installed, so the layout is not compared; see README");
            continue;
        };
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let output = Command::new(&binary).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), ours());
    }
}
