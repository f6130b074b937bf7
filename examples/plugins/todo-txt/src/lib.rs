//! Tasks in a todo.txt file: `x (A) 2026-01-02 Call Ada +family due:2026-02-01`.
//!
//! `line` reads and writes one task, `file` is the endpoint: the whole file, read anew for each call and exchanged in one step.

mod file;
mod line;

use std::path::PathBuf;

use adapter::{Adapter, Description, Error, Format, Host, Options};
use record::Kind;

/// The format.
struct TodoTxt;

impl Format for TodoTxt {
    fn describe(&self) -> Description {
        Description {
            id: "org.example.todo-txt",
            summary: "Tasks in a todo.txt file, one a line.",
            kinds: vec![Kind::TASK],
            options: Vec::new(),
        }
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        if let Some(option) = options.keys().next() {
            return Err(Error::Config { option: option.clone(), reason: "there is no such option; remove it".to_owned() });
        }
        file::open(path, host)
    }
}

adapter::export!(TodoTxt);
