//! `syncretic convert`: a file or folder, once, through the universal record, into a new file or folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use adapter::{Format, Options};
use record::Kind;
use serde_json::json;

use crate::arguments::Convert;
use crate::context::Context;
use crate::conversion::{Read, Written, read, write};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::formats;
use crate::report::held::long;
use crate::terminal::shown;

/// The fields without a place that are named.
const NAMED: usize = 10;

/// Converts IN to OUT.
pub(crate) fn convert(context: &Context, arguments: &Convert) -> Outcome<Exit> {
    let Convert { input, output, version, from, to } = arguments;
    if fs::symlink_metadata(output).is_ok() {
        let failure = Failure::usage(format!("`{}` exists already, and a conversion never overwrites anything", output.display()));
        return Err(failure.help("name another file or folder, or move that one away"));
    }
    let source = format(from.as_deref(), input, input.is_dir(), "--from")?;
    let folder = output.extension().is_none() || output.as_os_str().to_string_lossy().ends_with('/');
    let read = read(source, input, context)?;
    let dated = [Kind::EVENT, Kind::TASK, Kind::JOURNAL].iter().any(|kind| read.holds(kind));
    // A folder's name says nothing; what goes into it does.
    let to = to.as_deref().or((folder && dated).then_some("ical"));
    let target = format(to, output, folder, "--to")?;
    let options = options(target, version.as_deref())?;
    let staged = Staged::beside(output)?;
    let written = write(target, &staged.file, folder, &options, &read, context)?;
    fs::rename(&staged.file, output).map_err(|error| Failure::io("make", output, &error))?;
    drop(staged);
    Ok(report(context, output, &read, &written))
}

fn format(named: Option<&str>, path: &Path, folder: bool, option: &str) -> Outcome<&'static dyn Format> {
    let known = || format!("adapters: {}", formats::names().join(", "));
    match named {
        Some(name) => formats::named(name).ok_or_else(|| Failure::usage(format!("no adapter is called `{}`", shown(name))).note(known())),
        None => formats::by_ending(path, folder).ok_or_else(|| {
            let failure = Failure::usage(format!("`{}` does not say by its name which format it is", path.display()));
            failure.note(known()).help(format!("name the adapter with {option}"))
        }),
    }
}

/// Returns the options of the target: the version, where it has versions.
fn options(target: &dyn Format, version: Option<&str>) -> Outcome<Options> {
    let Some(version) = version else { return Ok(Options::new()) };
    let description = target.describe();
    let Some(spec) = description.options.iter().find(|spec| spec.name == "version") else {
        return Err(Failure::usage(format!("the format of adapter `{}` has no versions", description.id)).help("leave out --version"));
    };
    if let adapter::OptionKind::Choice(words) = spec.kind
        && !words.contains(&version)
    {
        return Err(Failure::usage(format!("there is no version `{}`", shown(version))).help(format!("versions: {}", words.join(", "))));
    }
    Ok(Options::from([("version".to_owned(), adapter::OptionValue::Text(version.to_owned()))]))
}

/// Where the output is made before it gets its name: a conversion that fails leaves nothing.
struct Staged {
    folder: PathBuf,
    file: PathBuf,
}

impl Staged {
    fn beside(output: &Path) -> Outcome<Self> {
        let name = output.file_name().ok_or_else(|| Failure::usage(format!("`{}` is no name for a file", output.display())))?;
        let folder = output.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        fs::create_dir(&folder).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::io("make", output, &error).exiting(Exit::Usage).help("make its folder first"),
            _ => Failure::io("make", &folder, &error),
        })?;
        Ok(Self { file: folder.join(name), folder })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn report(context: &Context, output: &Path, read: &Read, written: &Written) -> Exit {
    let terminal = &context.terminal;
    for broken in &read.broken {
        let title = broken.title.as_deref().map(|title| format!("{}: ", shown(title))).unwrap_or_default();
        terminal.error(format!(
            "warning: {title}cannot be read: {}\n  --> {}\n  = note: it is not in the output",
            long(&broken.reason),
            broken.place
        ));
    }
    for (title, reason) in &written.refused {
        terminal.error(format!("warning: {} cannot be written: {}\n  = note: it is not in the output", shown(title), long(reason)));
    }
    print_losses(context, output, written);
    let complete = read.broken.is_empty() && written.refused.is_empty();
    let exit = if complete { Exit::Done } else { Exit::Partial };
    let records = if written.count == 1 { "1 record".to_owned() } else { format!("{} records", written.count) };
    terminal.line(format!("{records} written to {}", output.display()));
    let object = json!({
        "schema": "syncretic.convert/1",
        "output": output.display().to_string(),
        "records": written.count,
        "not_read": read.broken.len(),
        "not_written": written.refused.len(),
        "fields_without_a_place": written.homeless.keys().collect::<Vec<_>>(),
        "losses": written.losses.iter().map(|(title, fields)| json!({ "record": title, "fields": fields })).collect::<Vec<_>>(),
        "exit": exit.code(),
    });
    terminal.object(&object);
    terminal.event(&object);
    exit
}

/// Says which fields the output does not hold as they are; with `-v` of which records.
fn print_losses(context: &Context, output: &Path, written: &Written) {
    let terminal = &context.terminal;
    if written.about_the_file > 0 {
        terminal.note(format!("note: what the input says of itself (its name, its zones) has no place in {}", output.display()));
    }
    if written.homeless.is_empty() {
        return;
    }
    let mut fields: Vec<(&String, &usize)> = written.homeless.iter().collect();
    fields.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let told = |(name, count): &(&String, &usize)| format!("{name} ({count})");
    let names: Vec<String> = fields.iter().take(NAMED).map(told).collect();
    let more = if fields.len() > NAMED { ", ..." } else { "" };
    terminal.note(format!(
        "note: {} cannot hold these fields as they are, of so many records: {}{more}",
        output.display(),
        names.join(", ")
    ));
    if terminal.verbosity > 0 {
        for (title, fields) in &written.losses {
            terminal.note(format!("  {}: {}", shown(title), fields.iter().map(String::as_str).collect::<Vec<_>>().join(", ")));
        }
    }
}
