//! Files before their adapters: our own always, others where `SYNCRETIC_CORPUS` names a folder of them.

use std::path::{Path, PathBuf};

use syncretic_tests::corpus::{Examination, Format, examine, table};

fn gather(folder: &Path, files: &mut Vec<(PathBuf, Format)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, files);
        } else if let Some(format) = Format::of(&path) {
            files.push((path, format));
        }
    }
}

fn examined(folder: &Path, most: usize) -> Vec<Examination> {
    let mut files = Vec::new();
    gather(folder, &mut files);
    files.sort();
    files.iter().map(|(path, format)| examine(path, *format, most)).collect()
}

#[test]
fn our_own_files_survive_in_every_way() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus");
    let examined = examined(&folder, usize::MAX);
    assert_eq!(examined.len(), 9);
    for one in &examined {
        let told = table(std::slice::from_ref(one)).join("\n");
        assert!(one.broken.is_empty() && one.records > 0, "{told}");
        assert_eq!(one.fresh.as_deref(), Some(&[][..]), "{told}");
        assert!(one.edits.touched.is_empty() && one.edits.kept > 3, "{told}");
        assert_eq!(one.meeting.as_deref(), Some(&[][..]), "{told}");
    }
}

#[test]
fn no_real_file_makes_an_adapter_panic() {
    let Some(corpus) = std::env::var_os("SYNCRETIC_CORPUS") else {
        eprintln!("not run: SYNCRETIC_CORPUS names no folder");
        return;
    };
    let examined = examined(Path::new(&corpus), 3);
    assert!(!examined.is_empty());
    for one in &examined {
        assert!(!one.broken.iter().any(|reason| reason.contains("panicked")), "{}", one.path.display());
    }
}
