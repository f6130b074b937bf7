//! `syncretic version`: the program's version, and who this device is.

use serde_json::json;

use crate::context::Context;
use crate::doors::short_device;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::formats;

/// Prints the version; with `-v` the adapters, the state directory and the device too.
pub(crate) fn version(context: &Context) -> Outcome<Exit> {
    let terminal = &context.terminal;
    let version = env!("CARGO_PKG_VERSION");
    let device = context.home.known_device().ok().flatten().map(|device| short_device(&device));
    let state = context.home.root().display().to_string();
    terminal.line(format!("syncretic {version}"));
    if terminal.verbosity > 0 {
        terminal.line(format!("adapters   {}", formats::names().join(", ")));
        terminal.line(format!("state      {state}"));
        terminal.line(format!("device     {}", device.as_deref().unwrap_or("not made yet")));
    }
    let object =
        json!({ "schema": "syncretic.version/1", "version": version, "adapters": formats::names(), "state": state, "device": device });
    terminal.object(&object);
    terminal.event(&object);
    Ok(Exit::Done)
}
