//! The header of a library, read before anything runs: opening a torn file can end the process with SIGBUS.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// The length of a 64-bit ELF header.
const HEADER: usize = 64;
/// `e_type` of a shared object.
const SHARED: u16 = 3;
/// The program header type of what is mapped.
const LOAD: u32 = 1;

/// `e_machine` of this machine, and its name.
const MACHINE: Option<(u16, &str)> = if cfg!(target_arch = "x86_64") {
    Some((62, "x86-64"))
} else if cfg!(target_arch = "aarch64") {
    Some((183, "AArch64"))
} else {
    None
};

/// Checks that a file is a whole library for this machine. What it says fits after the file's name.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    if !cfg!(target_os = "linux") {
        return if metadata.len() > 0 { Ok(()) } else { Err("is empty".to_owned()) };
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(|error| format!("cannot be read: {error}"))?;
    header(&bytes)
}

fn header(bytes: &[u8]) -> Result<(), String> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err("is no dynamic library: name the file that the plugin was built as (`.so`)".to_owned());
    }
    let torn = || "is cut off: copy or build it again".to_owned();
    if bytes.len() < HEADER {
        return Err(torn());
    }
    if bytes.get(4..6) != Some(&[2, 1]) || number::<2>(bytes, 16) != Some(u64::from(SHARED)) {
        return Err("is no 64-bit dynamic library".to_owned());
    }
    if let (Some((machine, name)), found) = (MACHINE, number::<2>(bytes, 18))
        && found != Some(u64::from(machine))
    {
        let found = found.unwrap_or_default();
        return Err(format!("is built for another kind of machine ({found}), this one is {name}; get the plugin built for it"));
    }
    let table = |at: usize, width: usize, number_at: usize, width_at: usize| {
        let (start, count) = (number::<8>(bytes, at)?, number::<2>(bytes, number_at)?);
        (number::<2>(bytes, width_at)? == width as u64 || count == 0).then_some(())?;
        let end = start.checked_add(count * width as u64)?;
        (end <= bytes.len() as u64).then_some((start, count))
    };
    let (segments, count) = table(32, 56, 56, 54).ok_or_else(torn)?;
    table(40, 64, 60, 58).ok_or_else(torn)?;
    for at in (0..count).map(|n| usize::try_from(segments + n * 56)) {
        let at = at.map_err(|_| torn())?;
        let (kind, start, length) = (number::<4>(bytes, at), number::<8>(bytes, at + 8), number::<8>(bytes, at + 32));
        let end = start.zip(length).and_then(|(start, length)| start.checked_add(length)).ok_or_else(torn)?;
        if kind == Some(u64::from(LOAD)) && end > bytes.len() as u64 {
            return Err(torn());
        }
    }
    Ok(())
}

/// Reads a little-endian number of `N` bytes.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(N)?)?;
    Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}
