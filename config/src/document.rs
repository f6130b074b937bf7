//! The whole file: read, parsed, and handed to the rooms that check its tables.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;

use toml::de::DeTable;

use crate::job::{Config, Job, StoreChoice};
use crate::jobs::{jobs, reject_shared_endpoints};
use crate::keys;
use crate::path::Anchors;
use crate::printable::{cut, line, quoted};
use crate::problem::{Kind, Problem, Problems};
use crate::section::{Findings, Section};
use crate::smallest::SMALLEST;
use crate::source::{Source, Span};

/// The largest file that is read, in bytes; a configuration has a few thousand.
const LARGEST: usize = 1 << 20;
/// The stack that parsing gets: the parser admits some 6,500 levels, which overflow a thread of the usual size.
const STACK: usize = 64 << 20;

/// Reads and checks a configuration file.
///
/// # Errors
/// Fails with everything that is wrong with the file, or with why it cannot be read.
pub fn read(path: &Path) -> Result<Config, Problems> {
    let bytes = bytes(path).map_err(|error| unreadable(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let source = Source::new(path, &String::from_utf8_lossy(error.as_bytes()));
        let end = source.text().ceil_char_boundary(at + 1);
        Problem::at(&source, Span { start: at, end }, Kind::Unreadable, "the file is not UTF-8 text")
            .label("not a character in UTF-8")
            .help("save the file as UTF-8, then run `syncretic config check`")
    })?;
    parse(&text, path)
}

/// Checks the text of a configuration file called `origin`, in whose folder relative paths begin.
///
/// # Errors
/// Fails with everything that is wrong with the text.
pub fn parse(text: &str, origin: &Path) -> Result<Config, Problems> {
    if text.len() > LARGEST {
        let message = format!("the file is larger than {LARGEST} bytes, so it is no configuration");
        return Err(Problem::with_file(origin, Kind::Unreadable, message).help("name another file with `-c FILE`").into());
    }
    let anchors = Anchors::of(origin).map_err(|error| unreadable(origin, &error))?;
    let source = Source::new(origin, text);
    let parsed = thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || document(&source, &anchors));
        worker.map(thread::ScopedJoinHandle::join)
    });
    match parsed {
        Ok(Ok(result)) => result.map(|(store, jobs)| Config { source, store, jobs }),
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => Err(unreadable(origin, &error)),
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LARGEST {
        let message = format!("it is larger than {LARGEST} bytes, so it is no configuration");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &io::Error) -> Problems {
    let (why, help) = match error.kind() {
        io::ErrorKind::NotFound => {
            ("there is no such file".to_owned(), format!("create it; the smallest one is:\n{}", SMALLEST.trim_end()))
        }
        io::ErrorKind::IsADirectory => {
            let inside = line(&path.join("syncretic.toml").display().to_string());
            ("it is a folder".to_owned(), format!("name a file, for instance `-c {inside}`"))
        }
        io::ErrorKind::PermissionDenied => {
            ("permission denied".to_owned(), "make the file readable to you, or name another one with `-c FILE`".to_owned())
        }
        _ => (error.to_string(), "name another file with `-c FILE`".to_owned()),
    };
    Problem::with_file(path, Kind::Unreadable, format!("cannot read the configuration: {why}")).help(help).into()
}

fn document(source: &Source, anchors: &Anchors) -> Result<(StoreChoice, Vec<Job>), Problems> {
    let parsed = DeTable::parse(source.text()).map_err(|_| syntax(source))?;
    let root = Section::root(parsed.get_ref());
    let mut findings = Findings::new(source);
    root.reject_unknown(&mut findings);
    version(&root, &mut findings);
    let store = store(&root, &mut findings);
    let jobs = jobs(&root, anchors, &mut findings);
    reject_shared_endpoints(&jobs, &mut findings);
    let Findings { mut problems, .. } = findings;
    if problems.is_empty() {
        return Ok((store, jobs));
    }
    problems.sort();
    Err(problems)
}

/// Reports what the parser found, once a line: what follows on the same line is mostly its echo.
fn syntax(source: &Source) -> Problems {
    let (_, errors) = DeTable::parse_recoverable(source.text());
    let mut errors: Vec<_> = errors.iter().map(|error| (Span::from(error.span().unwrap_or_default()), error.message())).collect();
    errors.sort_by_key(|(span, _)| span.start);
    let mut problems = Problems::default();
    let mut last = 0;
    for (span, message) in errors {
        let here = source.line_number(span);
        if here == last {
            continue;
        }
        last = here;
        problems.push(|| syntax_problem(source, span, message));
    }
    problems
}

fn syntax_problem(source: &Source, span: Span, message: &str) -> Problem {
    match message {
        "duplicate key" => Problem::at(source, span, Kind::Duplicate, format!("{} is already defined above", quoted(source.slice(span))))
            .label("the second time")
            .help("remove one of the two, then run `syncretic config check`"),
        message if message.starts_with("string values must be quoted") => {
            Problem::at(source, span, Kind::Syntax, "this is not TOML: a text must be quoted")
                .help(format!("write `\"{}\"`, then run `syncretic config check`", cut(source.slice(span))))
        }
        message => {
            let message = line(message.trim_end_matches(", expected nothing"));
            Problem::at(source, span, Kind::Syntax, format!("this is not TOML: {message}"))
                .help("a line is `key = \"text\"`, `[table]` or `# comment`; correct it, then run `syncretic config check`")
        }
    }
}

fn version(root: &Section<'_>, findings: &mut Findings<'_>) {
    let Some(version) = root.integer("version", findings) else {
        return;
    };
    if version.value != 1 {
        let message = format!("version {} of the configuration is not known", version.value);
        findings.report(version.span, Kind::WrongValue, message, |problem| {
            problem.label("only 1 is known").help("write `version = 1`, or use a newer syncretic")
        });
    }
}

fn store(root: &Section<'_>, findings: &mut Findings<'_>) -> StoreChoice {
    let section = root.table("store", (keys::STORE, "[store]"), findings);
    match section.and_then(|section| section.text("url", findings)) {
        Some(url) => StoreChoice::Url(url),
        None => StoreChoice::Embedded,
    }
}
