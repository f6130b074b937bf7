//! The checks of an adapter, each in a process of its own: one that crashes or never ends is one that failed.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use adapter::host::Library;
use adapter::plugged::Plugin;
use adapter::{Format, OptionValue, Options};
use conformance::{Fuzzing, Subject, Verdict};
use serde_json::{Value, json};

use super::apart::apart;
use super::builtin::Shape;
use super::installed::Installed;
use super::manifest::{self, CAPABILITIES, ISOLATION, Kind};
use super::subject::Described;
use crate::arguments::{CheckArguments, Isolation};
use crate::failure::{Failure, Outcome};
use crate::terminal::shown;

/// The group of the checks that only a plugin can fail.
const LOAD: &str = "load";

const LATER: &str = "later-host";
const REFUSES: &str = "host-refuses-reports";

/// What a library is asked by a later host: everything in which structs cross.
const CROSSING: &[&str] = &["open-unknown-option", "scan-seeded-count", "apply-create-roundtrip", "apply-many-at-once", "apply-delete"];

/// The checks that only a plugin can fail, and their laws.
const OWN: &[(&str, &str)] = &[
    ("manifest-matches-describe", "The plugin itself says what its manifest says."),
    ("describe-twice", "It says the same each time it is asked."),
    (LATER, "A host of a later version, with longer tables and structs, gets the same answers."),
    (REFUSES, "A host that refuses a report gets an error, and no crash."),
];

/// What is checked.
#[derive(Clone, Copy)]
pub(crate) enum Patient<'p> {
    /// A plugin.
    Plugin(&'p Installed),
    /// An adapter that is built in, in one of its shapes.
    BuiltIn(&'static Shape, &'static dyn Format),
}

/// What a check found.
pub(crate) struct Finding {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its group.
    pub(crate) group: &'static str,
    /// What must hold.
    pub(crate) law: &'static str,
    /// Its answer.
    pub(crate) verdict: Verdict,
}

impl Patient<'_> {
    /// Returns its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Plugin(plugin) => plugin.manifest.description.id,
            Self::BuiltIn(shape, _) => shape.name,
        }
    }

    /// Returns every check: name, group and law.
    fn checks(self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        let own = if matches!(self, Self::Plugin(_)) { OWN } else { &[] };
        let own = own.iter().map(|(name, law)| (*name, LOAD, *law));
        own.chain(conformance::checks().iter().map(|check| (check.name, check.group, check.law)))
    }

    /// Returns the arguments of a process that checks the same.
    fn again(&self, arguments: &CheckArguments) -> Vec<OsString> {
        let isolation = match arguments.isolation {
            Isolation::None => "none",
            Isolation::Process => "process",
        };
        let name = match self {
            Self::Plugin(_) => arguments.plugin.as_str(),
            Self::BuiltIn(shape, _) => shape.name,
        };
        let (seed, rounds) = (arguments.seed.to_string(), arguments.rounds.to_string());
        ["plugin", "check", "--isolation", isolation, "--seed", &seed, "--rounds", &rounds, name].map(Into::into).into()
    }

    fn described(&self, arguments: &CheckArguments) -> Outcome<Described<'_>> {
        let mut described = match self {
            Self::Plugin(plugin) => Described::read(&plugin.folder, *plugin, options(plugin, arguments.isolation))?,
            Self::BuiltIn(shape, format) => Described::parse(shape.name, shape.check, *format)?,
        };
        let again = self.again(arguments);
        described.fuzzing = Fuzzing { seed: arguments.seed, rounds: arguments.rounds };
        described.here = match self {
            Self::Plugin(plugin) => plugin.manifest.kind == Kind::Library && arguments.isolation == Isolation::None,
            Self::BuiltIn(..) => true,
        };
        described.actor = Some(Box::new(move |folder| {
            let mut command = Command::new(std::env::current_exe().ok()?);
            command.args(&again).arg("--act").arg(folder);
            Some(command)
        }));
        Ok(described)
    }
}

/// Runs the checks that were asked for; `told` hears of each as it is done.
pub(crate) fn check(patient: Patient<'_>, arguments: &CheckArguments, told: &mut dyn FnMut(&Finding)) -> Outcome<Vec<Finding>> {
    let wanted = |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == name || group(name) == only);
    if let Some(unknown) = arguments.only.iter().find(|only| patient.checks().all(|(name, group, _)| name != *only && group != *only)) {
        let failure = Failure::usage(format!("no check or group of checks is called `{}`", shown(unknown)));
        return Err(failure.note(format!("checks: {}", patient.checks().map(|(name, ..)| name).collect::<Vec<_>>().join(", "))));
    }
    // What is wrong with the description of the check is said once, and not by each of its processes.
    let described = patient.described(arguments)?;
    for (name, _) in described.exemptions() {
        if patient.checks().all(|(known, ..)| known != *name) {
            return Err(Failure::usage(format!("[exempt] names the check `{name}`, which does not exist")));
        }
    }
    let again = patient.again(arguments);
    let mut findings = Vec::new();
    for (name, group, law) in patient.checks().filter(|(name, ..)| wanted(name)) {
        let verdict = match arguments.inside {
            true => run(name, patient, &described, arguments.isolation),
            false => apart(name, &again, arguments.patience)?,
        };
        let finding = Finding { name, group, law, verdict: claimed(name, patient, verdict) };
        told(&finding);
        findings.push(finding);
    }
    Ok(findings)
}

/// Performs the step of a check that kills whoever performs it.
pub(crate) fn act(patient: Patient<'_>, arguments: &CheckArguments, folder: &Path) -> Outcome<Result<(), String>> {
    Ok(conformance::act(&patient.described(arguments)?, folder))
}

fn group(name: &str) -> &'static str {
    conformance::checks().iter().find(|check| check.name == name).map_or(LOAD, |check| check.group)
}

/// What a manifest claims is tested: a check of it that does not apply has failed.
fn claimed(name: &str, patient: Patient<'_>, verdict: Verdict) -> Verdict {
    let (Patient::Plugin(plugin), Verdict::Skipped(reason)) = (patient, &verdict) else { return verdict };
    let claimed = CAPABILITIES.iter().find(|known| known.check == Some(name) && plugin.manifest.capabilities.contains(&known.name));
    match claimed {
        Some(known) if described_exempts(plugin, name) => Verdict::Skipped(format!("{reason} (the manifest claims `{}`)", known.name)),
        Some(known) => Verdict::Fail(format!("the manifest claims `{}`, and {reason}; describe it in check.toml", known.name)),
        None => verdict,
    }
}

/// Tells whether a check is exempt, with its reason.
fn described_exempts(plugin: &Installed, name: &str) -> bool {
    let described = Described::read(&plugin.folder, plugin, Options::new());
    described.is_ok_and(|described| described.exemptions().iter().any(|(exempt, _)| *exempt == name))
}

/// Returns the options that say where the plugin runs.
fn options(plugin: &Installed, isolation: Isolation) -> Options {
    let here = isolation == Isolation::None && plugin.manifest.kind == Kind::Library;
    let word = if here { "none" } else { "process" };
    Options::from([(ISOLATION.to_owned(), OptionValue::Text(word.to_owned()))])
}

/// Runs a check in this process.
fn run(name: &str, patient: Patient<'_>, described: &Described<'_>, isolation: Isolation) -> Verdict {
    match (conformance::checks().iter().find(|check| check.name == name), patient) {
        (Some(check), _) => check.run(described),
        (None, Patient::Plugin(plugin)) => own(name, plugin, isolation),
        (None, Patient::BuiltIn(..)) => Verdict::Skipped("it is built in".to_owned()),
    }
}

fn own(name: &str, plugin: &Installed, isolation: Isolation) -> Verdict {
    match name {
        LATER | REFUSES if plugin.manifest.kind == Kind::Command => {
            return Verdict::Skipped("it is a program, and no library".to_owned());
        }
        LATER => return later(plugin).unwrap_or_else(Verdict::Fail),
        REFUSES => return refused(plugin).map_or_else(Verdict::Fail, |()| Verdict::Pass),
        _ => {}
    }
    let ask = || plugin.ask(options(plugin, isolation)).map_err(|error| error.to_string());
    let (first, second) = match (ask(), ask()) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(reason), _) | (_, Err(reason)) => return Verdict::Fail(reason),
    };
    let expected = if name == "describe-twice" { first } else { manifest::own(&plugin.manifest.description) };
    if expected == second { Verdict::Pass } else { Verdict::Fail(format!("expected {expected:?}, and it says {second:?}")) }
}

/// Calls a library as a later version of this program could.
fn later(plugin: &Installed) -> Result<Verdict, String> {
    plugin.verify().map_err(|error| error.to_string())?;
    let later = Plugin::library(manifest::own(&plugin.manifest.description), Library::load_as_later(&plugin.file())?);
    let described = Described::read(&plugin.folder, &later, Options::new()).map_err(|failure| failure.message)?;
    for check in conformance::checks().iter().filter(|check| CROSSING.contains(&check.name)) {
        if let Verdict::Fail(reason) = check.run(&described) {
            return Err(format!("{}: {reason}", check.name));
        }
    }
    Ok(Verdict::Pass)
}

/// Refuses what a library reports.
fn refused(plugin: &Installed) -> Result<(), String> {
    plugin.verify().map_err(|error| error.to_string())?;
    let library = Library::load(&plugin.file())?;
    let described = Described::read(&plugin.folder, plugin, Options::new()).map_err(|failure| failure.message)?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let place = described.place(folder.path());
    described.make(&place, 3).map_err(|error| error.to_string())?;
    adapter::refusal::refuse(&library, &place, &described.options())
}

impl Finding {
    /// Returns it for programs.
    pub(crate) fn json(&self) -> Value {
        let (verdict, reason) = match &self.verdict {
            Verdict::Pass => ("pass", None),
            Verdict::Fail(reason) => ("fail", Some(reason)),
            Verdict::Skipped(reason) => ("skipped", Some(reason)),
        };
        json!({ "name": self.name, "group": self.group, "law": self.law, "verdict": verdict, "reason": reason })
    }
}
