//! A race: several commands that do the same work, run in turn.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::process::{self, Taken};

/// Where the races are run, and how.
pub(crate) struct Field {
    /// The folder of all data.
    pub(crate) root: PathBuf,
    /// The built program.
    pub(crate) program: PathBuf,
    /// How many runs count.
    pub(crate) runs: usize,
    /// Seconds that a run may take.
    pub(crate) limit: u64,
}

/// One command of a race.
pub(crate) struct Contestant<'a> {
    /// What the table calls it.
    pub(crate) name: String,
    /// What is done before each run and not timed; it gets the number of the run.
    pub(crate) before: Box<dyn Fn(usize) -> Result<(), Error> + 'a>,
    /// The command.
    pub(crate) command: Box<dyn Fn() -> Command + 'a>,
}

/// What a contestant took in every counted run.
pub(crate) struct Score {
    /// What the table calls it.
    pub(crate) name: String,
    /// The runs.
    pub(crate) runs: Vec<Taken>,
}

impl Field {
    /// Runs all contestants in turn, once uncounted and then as often as asked.
    pub(crate) fn race(&self, contestants: &[Contestant<'_>]) -> Result<Vec<Score>, Error> {
        let mut scores: Vec<Score> = contestants.iter().map(|one| Score { name: one.name.clone(), runs: Vec::new() }).collect();
        for run in 0..=self.runs {
            for (contestant, score) in contestants.iter().zip(&mut scores) {
                (contestant.before)(run)?;
                crate::bare::sync(&self.root)?;
                let taken = process::run((contestant.command)(), self.limit)?;
                if run > 0 {
                    score.runs.push(taken);
                }
            }
        }
        Ok(scores)
    }

    /// Returns the command that syncs a job of the named folder, where it also keeps its state.
    pub(crate) fn sync(&self, job: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["sync", "--quiet", "-C"]).arg(job).env("SYNCRETIC_STATE_HOME", job.join("state"));
        command
    }

    /// Returns a command of this very program: what the product is measured against.
    pub(crate) fn bare(&self, arguments: &[&std::ffi::OsStr]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap_or_default());
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// Runs a command that is not timed.
    pub(crate) fn settle(&self, command: Command) -> Result<(), Error> {
        process::run(command, self.limit).map(|_| ())
    }
}
