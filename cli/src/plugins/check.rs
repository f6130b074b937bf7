//! The checks of a plugin, each in a process of its own: one that crashes or never ends is one that failed.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use adapter::{OptionValue, Options};
use conformance::Verdict;
use serde_json::{Value, json};

use super::installed::Installed;
use super::manifest::{self, ISOLATION, Kind};
use super::subject::Described;
use crate::arguments::{CheckArguments, Isolation};
use crate::failure::{Failure, Outcome};
use crate::terminal::shown;

/// The checks that only a plugin can fail, and their laws.
const OWN: &[(&str, &str)] = &[
    ("manifest-matches-describe", "The plugin itself says what its manifest says."),
    ("describe-twice", "It says the same each time it is asked."),
];

/// What a check found.
pub(crate) struct Finding {
    /// Its name.
    pub(crate) name: &'static str,
    /// What must hold.
    pub(crate) law: &'static str,
    /// Its answer.
    pub(crate) verdict: Verdict,
}

/// Returns every check: name and law.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    OWN.iter().copied().chain(conformance::checks().iter().map(|check| (check.name, check.law)))
}

/// Runs the checks that were asked for; `told` hears of each as it is done.
pub(crate) fn check(plugin: &Installed, arguments: &CheckArguments, told: &mut dyn FnMut(&Finding)) -> Outcome<Vec<Finding>> {
    let wanted = |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == name);
    if let Some(unknown) = arguments.only.iter().find(|only| all().all(|(name, _)| name != only.as_str())) {
        let failure = Failure::usage(format!("no check is called `{}`", shown(unknown)));
        return Err(failure.note(format!("checks: {}", all().map(|(name, _)| name).collect::<Vec<_>>().join(", "))));
    }
    // What is wrong with the description of the check is said once, and not by each of its processes.
    let options = options(plugin, arguments.isolation);
    let described = Described::read(&plugin.folder, plugin, options)?;
    for (name, _) in conformance::Subject::exemptions(&described) {
        if all().all(|(known, _)| known != *name) {
            return Err(Failure::usage(format!("[exempt] names the check `{name}`, which does not exist")));
        }
    }
    let mut findings = Vec::new();
    for (name, law) in all().filter(|(name, _)| wanted(name)) {
        let verdict = match arguments.inside {
            true => run(name, plugin, &described, arguments.isolation),
            false => apart(name, arguments)?,
        };
        let finding = Finding { name, law, verdict };
        told(&finding);
        findings.push(finding);
    }
    Ok(findings)
}

/// Returns the options that say where the plugin runs.
fn options(plugin: &Installed, isolation: Isolation) -> Options {
    let here = isolation == Isolation::None && plugin.manifest.kind == Kind::Library;
    let word = if here { "none" } else { "process" };
    Options::from([(ISOLATION.to_owned(), OptionValue::Text(word.to_owned()))])
}

/// Runs a check in this process.
fn run(name: &str, plugin: &Installed, described: &Described<'_>, isolation: Isolation) -> Verdict {
    match conformance::checks().iter().find(|check| check.name == name) {
        Some(check) => check.run(described),
        None => own(name, plugin, isolation),
    }
}

fn own(name: &str, plugin: &Installed, isolation: Isolation) -> Verdict {
    let ask = || plugin.ask(options(plugin, isolation)).map_err(|error| error.to_string());
    let (first, second) = match (ask(), ask()) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(reason), _) | (_, Err(reason)) => return Verdict::Fail(reason),
    };
    let expected = if name == "describe-twice" { first } else { manifest::own(&plugin.manifest.description) };
    if expected == second { Verdict::Pass } else { Verdict::Fail(format!("expected {expected:?}, and it says {second:?}")) }
}

/// Runs a check in a process of its own.
fn apart(name: &str, arguments: &CheckArguments) -> Outcome<Verdict> {
    let program = std::env::current_exe().map_err(|error| Failure::usage(format!("no check can be started: {error}")))?;
    let isolation = match arguments.isolation {
        Isolation::None => "none",
        Isolation::Process => "process",
    };
    let mut command = Command::new(&program);
    command.args(["--format", "json", "plugin", "check", "--inside", "--isolation", isolation, "--only", name, &arguments.plugin]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Failure::io("start", &program, &error))?;
    let (out, err) = (gather(child.stdout.take()), gather(child.stderr.take()));
    let patience = Duration::from_secs(arguments.patience);
    let Ok(out) = out.recv_timeout(patience) else {
        let _ = child.kill();
        let _ = child.wait();
        return Ok(Verdict::Fail(format!("it did not end within {} s", arguments.patience)));
    };
    let err = err.recv_timeout(patience).unwrap_or_default();
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
    if !out.get(..start).unwrap_or_default().trim().is_empty() {
        return Verdict::Fail(format!(
            "it printed `{}` to standard output, which is not its own",
            last(out.get(..start).unwrap_or_default())
        ));
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

impl Finding {
    /// Returns it for programs.
    pub(crate) fn json(&self) -> Value {
        let (verdict, reason) = match &self.verdict {
            Verdict::Pass => ("pass", None),
            Verdict::Fail(reason) => ("fail", Some(reason)),
            Verdict::Skipped(reason) => ("skipped", Some(reason)),
        };
        json!({ "name": self.name, "law": self.law, "verdict": verdict, "reason": reason })
    }
}
