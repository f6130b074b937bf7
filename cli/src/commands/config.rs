//! `syncretic config check`: everything that can be told about the configuration without syncing.

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::jobs;

/// Checks the file, the adapters' options, and whether each endpoint can be opened.
pub(crate) fn check(context: &Context) -> Outcome<Exit> {
    let config = jobs::read(context.config.as_deref())?;
    let prepared = jobs::prepare(&config, &[])?;
    let mut warnings = Vec::new();
    for job in &prepared {
        for failure in job.try_endpoints(&context.terminal) {
            if failure.exit == Exit::Usage {
                return Err(failure);
            }
            warnings.push(failure);
        }
    }
    for warning in &warnings {
        context.terminal.error(warning.to_string().replacen("error:", "warning:", 1));
    }
    let file = config.source.file().display();
    let endpoints: usize = prepared.iter().map(|job| job.endpoints().count()).sum();
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    context.terminal.line(format!("{file} is in order: {}, {}", count(prepared.len(), "job"), count(endpoints, "endpoint")));
    let warnings: Vec<_> = warnings.iter().map(crate::failure::Failure::json).collect();
    let object =
        json!({ "schema": "syncretic.config-check/1", "file": file.to_string(), "jobs": prepared.len(), "warnings": warnings, "exit": 0 });
    context.terminal.object(&object);
    context.terminal.event(&object);
    Ok(Exit::Done)
}
