//! `syncretic serve`: the store and the management plane that devices meet at, until someone asks to stop.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use http::{Options, StartError};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;

use crate::arguments::server::Serve;
use crate::cause;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::watch::systemd;

/// How long nobody looks whether someone asked to stop, where the system does not wake us.
const NAP: Duration = Duration::from_millis(500);

/// Serves until asked to stop.
pub(crate) fn serve(context: &Context, serve: &Serve) -> Outcome<Exit> {
    let terminal = context.terminal;
    let data = match &serve.data {
        Some(data) => data.clone(),
        None => {
            context.home.establish()?;
            context.home.server()
        }
    };
    let mut options = Options::new(data, serve.listen);
    options.insecure = serve.insecure_http;
    options.tls = serve.tls_cert.clone().zip(serve.tls_key.clone());
    options.log = Box::new(move |line| terminal.error(line));
    allow_files();
    interrupt::is_the_end();
    let (sender, asked) = channel();
    interrupt::when_asked(move || {
        // Whoever listened is gone only when the server has stopped already.
        let _ = sender.send(());
    });
    let running = http::start(options).map_err(|error| failure(&error))?;
    let url = running.url();
    terminal.line(format!("listening at {url}"));
    if let Some(command) = running.first_command() {
        terminal.line("nobody administers this server yet; on the device that is to, type");
        terminal.line(command);
    }
    let begun = json!({ "schema": "syncretic.serve/1", "url": url, "code": running.code().map(|code| code.to_string()) });
    terminal.object(&begun);
    terminal.event(&json!({ "v": 1, "type": "listening", "url": url, "code": running.code().map(|code| code.to_string()) }));
    systemd::tell(&format!("READY=1\nSTATUS=listening at {url}"));
    while !interrupt::asked() && asked.recv_timeout(NAP) == Err(RecvTimeoutError::Timeout) {}
    systemd::tell("STOPPING=1");
    running.stop();
    terminal.line("stopped");
    terminal.event(&json!({ "v": 1, "type": "stopped" }));
    Ok(Exit::Done)
}

/// Allows as many open files as the system grants: each connection is one, and the usual limit is for programs with a few.
fn allow_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // What is not granted is not there; connections beyond it wait.
    let _ = setrlimit(Resource::Nofile, limit);
}

fn failure(error: &StartError) -> Failure {
    let usage = Failure::usage(error.to_string());
    match error {
        StartError::Insecure(_) => usage.help("add `--tls-cert FILE --tls-key FILE`, or, in a network that you trust, `--insecure-http`"),
        StartError::Listen { .. } => {
            usage.help("is another server running there? name another address with `--listen`; port 0 takes a free one")
        }
        StartError::Store(error) => {
            cause::management(error).help("nothing was changed; `syncretic store fsck --data DIR` says what is wrong")
        }
        StartError::System(_) => usage.exiting(Exit::Internal),
        _ => usage,
    }
}
