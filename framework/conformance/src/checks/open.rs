//! Options and places that are wrong.

use adapter::format::Silent;
use adapter::{Error, OptionKind, OptionValue, Options};

use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::Trial;

/// Opens the place and returns the option that the error names.
fn blamed(trial: &Trial<'_>, options: &Options) -> Result<String, Stop> {
    match trial.subject.format().open(trial.path.clone(), options, Box::new(Silent)) {
        Ok(_) => fail(format!("it opened with {options:?}")),
        Err(Error::Config { option, .. }) => Ok(option),
        Err(other) => fail(format!("expected an error that names the option, found: {other}")),
    }
}

pub(super) fn unknown_option(subject: &dyn Subject) -> Result<(), Stop> {
    const NAME: &str = "no-such-option";
    let trial = Trial::seeded(subject)?;
    let mut options = subject.options();
    options.insert(NAME.to_owned(), OptionValue::Boolean(true));
    let option = blamed(&trial, &options)?;
    ensure(option == NAME, || format!("the error names `{option}`"))
}

/// Returns a value that an option of this kind cannot take.
fn wrong(kind: OptionKind) -> OptionValue {
    match kind {
        OptionKind::Choice(_) => OptionValue::Text("no such choice".to_owned()),
        OptionKind::Integer | OptionKind::Boolean => OptionValue::Text("neither number nor truth".to_owned()),
        _ => OptionValue::Integer(7),
    }
}

pub(super) fn wrong_type(subject: &dyn Subject) -> Result<(), Stop> {
    let described = subject.format().describe().options;
    if described.is_empty() {
        return skip("the format has no options");
    }
    let trial = Trial::seeded(subject)?;
    for spec in described {
        let mut options = subject.options();
        options.insert(spec.name.to_owned(), wrong(spec.kind));
        let option = blamed(&trial, &options)?;
        ensure(option == spec.name, || format!("the error about `{}` names `{option}`", spec.name))?;
    }
    Ok(())
}

pub(super) fn missing_path(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::without(subject)?;
    match subject.format().open(trial.path.clone(), &subject.options(), Box::new(Silent)) {
        Ok(_) => fail("it opened a place that is not there"),
        Err(Error::Source { .. }) => Ok(()),
        Err(other) => fail(format!("expected a source error, found: {other}")),
    }
}

pub(super) fn does_not_create(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::without(subject)?;
    let _ = subject.format().open(trial.path.clone(), &subject.options(), Box::new(Silent));
    ensure(!trial.path.exists(), || "opening made the place".to_owned())?;
    trial.unchanged_since(&std::collections::BTreeMap::new(), "opening a place that is not there")?;
    let trial = Trial::seeded(subject)?;
    let before = trial.files()?;
    drop(trial.open()?);
    trial.unchanged_since(&before, "opening")
}
