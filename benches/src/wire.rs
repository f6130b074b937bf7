//! What travels: the bytes that one edit round appends to the log, beside the changed fields themselves, compressed.

use std::fmt::Write as _;
use std::path::Path;

use crate::bench::Bench;
use crate::cases;
use crate::data;
use crate::error::Error;
use crate::people::Person;

/// Edits one contact in a hundred, syncs, and says what that appended.
pub(crate) fn measure(bench: &Bench) -> Result<String, Error> {
    let home = bench.field.root.join("wire");
    cases::two_folders(bench, &home)?;
    data::edit(&home.join("a"), bench.sizes.cards, 77)?;
    let written = written(bench, &home)?;
    let edited: Vec<usize> = (0..bench.sizes.cards).step_by(100).collect();
    let files: u64 = edited
        .iter()
        .filter_map(|number| home.join("b").join(Person::new(*number).file_name()).metadata().ok())
        .map(|found| found.len())
        .sum();
    let appended = written.saturating_sub(files);
    let mut fields = String::new();
    for number in &edited {
        let _ = writeln!(fields, "{}\t{}", Person::new(*number).file_name(), data::new_number(*number, 77));
    }
    let packed = zstd::bulk::compress(fields.as_bytes(), 3).map_err(|error| Error::io(Path::new("zstd"), error))?.len() as u64;
    let hundredths = (appended * 100).checked_div(packed).unwrap_or_default();
    Ok(format!(
        "1 % changed, bytes: {} fields appended {appended} bytes to the log (the whole signed envelope); their UIDs and values \
         compressed are {packed} bytes: {}.{:02} times.",
        edited.len(),
        hundredths / 100,
        hundredths % 100
    ))
}

/// Syncs and returns the bytes that were written to files and log.
fn written(bench: &Bench, home: &Path) -> Result<u64, Error> {
    let mut command = bench.field.sync(home);
    let output = command.args(["--format", "json"]).output().map_err(|error| Error::io(&bench.field.program, error))?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let bytes = report.pointer("/jobs/0/bytes_written").and_then(serde_json::Value::as_u64);
    bytes.ok_or_else(|| Error::Failed { command: "syncretic sync".to_owned(), said: String::from_utf8_lossy(&output.stderr).into_owned() })
}
