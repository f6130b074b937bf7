//! Files that hold anything at all.

use std::fs;

use adapter::format::Silent;

use crate::report::{Stop, ensure};
use crate::subject::Subject;
use crate::trial::{Memory, Trial, prepared, try_scan};

/// How many damages are tried.
const DAMAGES: u64 = 240;

pub(super) fn damaged_bytes(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let files = trial.files()?;
    let mut chance = Chance(0x5eed);
    for _ in 0..DAMAGES {
        let Some((path, file)) = files.iter().nth(chance.below(files.len())) else { break };
        let damaged = damage(&file.content, &mut chance);
        prepared(fs::write(path, &damaged))?;
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
        ensure(left == damaged, || "scanning a damaged file changed it".to_owned())?;
        prepared(fs::write(path, &file.content))?;
    }
    Ok(())
}

/// Damages a file: cut, doubled, filled with noise, a byte changed, a piece inserted.
fn damage(content: &[u8], chance: &mut Chance) -> Vec<u8> {
    const PIECES: &[&[u8]] =
        &[b"\0", b"\r", b"\n", b"\r\n ", b"\"", b"\xff\xfe", b"\xef\xbb\xbf", b"BEGIN:VCARD\r\n", b";;;;", b"=\r\n", b"\xf0\x9f"];
    let mut bytes = content.to_vec();
    let at = chance.below(bytes.len() + 1);
    match chance.below(5) {
        0 => bytes.truncate(at),
        1 => bytes.extend_from_within(..at),
        2 => bytes = (0..chance.below(400)).map(|_| chance.byte()).collect(),
        3 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = chance.byte()),
        _ => {
            let piece = PIECES.get(chance.below(PIECES.len())).copied().unwrap_or_default();
            bytes.splice(at..at, piece.iter().copied());
        }
    }
    bytes
}

/// A row of numbers that is the same on every run (xorshift64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[3]
    }
}
