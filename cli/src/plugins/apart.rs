//! One check in a process of its own.

use std::ffi::OsString;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use conformance::Verdict;
use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::terminal::shown;

/// Runs a check in a process of its own, which gets these arguments beside its name.
pub(crate) fn apart(name: &str, again: &[OsString], patience: u64) -> Outcome<Verdict> {
    let program = std::env::current_exe().map_err(|error| Failure::usage(format!("no check can be started: {error}")))?;
    let mut command = Command::new(&program);
    command.args(["--format", "json"]).args(again).args(["--inside", "--only", name]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Failure::io("start", &program, &error))?;
    let (out, err) = (gather(child.stdout.take()), gather(child.stderr.take()));
    let Ok(out) = out.recv_timeout(Duration::from_secs(patience)) else {
        let _ = child.kill();
        let _ = child.wait();
        return Ok(Verdict::Fail(format!("it did not end within {patience} s")));
    };
    let err = err.recv_timeout(Duration::from_secs(patience)).unwrap_or_default();
    Ok(read(&out, &err, &mut child))
}

/// Reads a stream to its end, in a thread.
fn gather(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (to, from) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        to.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    from
}

fn read(out: &str, err: &str, child: &mut Child) -> Verdict {
    let status = child.wait();
    let last = |text: &str| text.trim_end().lines().next_back().map(shown).unwrap_or_default();
    let Some(start) = out.find('{') else {
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        return Verdict::Fail(format!("its process ended without an answer ({how}); its last words: {}", last(err)));
    };
    let babble = out.get(..start).unwrap_or_default();
    if !babble.trim().is_empty() {
        return Verdict::Fail(format!("it printed `{}` to standard output, which is not its own", last(babble)));
    }
    let answer: Value = serde_json::from_str(out.get(start..).unwrap_or_default()).unwrap_or_default();
    let member = |name: &str| answer.pointer(&format!("/checks/0/{name}")).and_then(Value::as_str);
    let reason = member("reason").unwrap_or_default().to_owned();
    match member("verdict") {
        Some("pass") => Verdict::Pass,
        Some("skipped") => Verdict::Skipped(reason),
        Some("fail") => Verdict::Fail(reason),
        _ => Verdict::Fail(format!("its process gave no answer; its last words: {}", last(err))),
    }
}
