//! Files that hold anything at all.

use std::fs;

use adapter::format::Silent;

use crate::mutation::{Chance, damaged};
use crate::report::{Stop, ensure};
use crate::subject::Subject;
use crate::trial::{Memory, Trial, prepared, try_scan};

/// How many damages are tried.
const DAMAGES: u64 = 240;

pub(super) fn damaged_bytes(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let files = trial.files()?;
    let mut chance = Chance::new(0x5eed);
    for _ in 0..DAMAGES {
        let Some((path, file)) = files.iter().nth(chance.below(files.len())) else { break };
        let bytes = damaged(&file.content, &mut chance);
        prepared(fs::write(path, &bytes))?;
        let opened = subject.format().open(trial.path.clone(), &subject.options(), Box::new(Silent));
        let Ok(mut adapter) = opened else {
            prepared(fs::write(path, &file.content))?;
            continue;
        };
        // An error is an honest answer; so are fewer items, where the damage took a border away. A panic is neither.
        if let Ok(found) = try_scan(adapter.as_mut(), &Memory::default()) {
            let silent = found.broken.iter().any(|broken| broken.reason.is_empty());
            ensure(!silent, || "something is reported as broken without a reason".to_owned())?;
        }
        drop(adapter);
        let left = prepared(fs::read(path))?;
        ensure(left == bytes, || "scanning a damaged file changed it".to_owned())?;
        prepared(fs::write(path, &file.content))?;
    }
    Ok(())
}
