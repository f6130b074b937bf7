//! `syncretic plugin`: its commands and options, with the words that `--help` shows.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Make the folder of a new plugin that builds and passes the checks
    New {
        /// The folder to make; its name is the plugin's
        #[arg(value_name = "NAME")]
        name: PathBuf,
        /// The language
        #[arg(long, value_enum)]
        lang: Language,
        /// The plugin's id; default: `org.example.NAME`
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// The `framework` folder of Syncretic's sources, for Rust; default: the published crates
        #[arg(long, value_name = "DIR")]
        sdk: Option<PathBuf>,
    },
    /// Let a plugin in: it is shown, copied, and pinned by its hash
    Add {
        /// The folder with its `adapter.toml`
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// List the plugins that were let in
    List,
    /// Show a plugin: its manifest, its hash, whether it is still what was let in
    Info {
        /// Its id, or its folder
        #[arg(value_name = "ID|DIR")]
        plugin: String,
    },
    /// Hold a plugin against the laws that every adapter must keep
    Check(CheckArguments),
    /// Measure how fast a plugin scans
    Bench {
        /// Its id, or its folder
        #[arg(value_name = "ID|DIR")]
        plugin: String,
        /// How many items
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        items: usize,
    },
    /// Give a plugin a secret, as a password: it is read from standard input and told to this plugin alone
    Secret {
        /// The plugin's id
        #[arg(value_name = "ID")]
        id: String,
        /// The name by which the plugin asks for it; default: list the names of those that it has
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Take the secret away
        #[arg(long, requires = "name")]
        remove: bool,
    },
    /// Take a plugin away, with its secrets; jobs that name it stop until it is let in again
    Remove {
        /// Its id
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Which checks are run, and how.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The plugin's id, its folder, or an adapter that is built in
    #[arg(value_name = "ID|DIR|ADAPTER")]
    pub(crate) plugin: String,
    /// Run this check or group of checks alone; may be given several times
    #[arg(long, value_name = "CHECK|GROUP")]
    pub(crate) only: Vec<String>,
    /// Where the library runs: in the process of the check, or in a helper of its own
    #[arg(long, value_enum, default_value_t)]
    pub(crate) isolation: Isolation,
    /// The number of the first row of random actions: the same number is the same row
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many rows of random actions are tried
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub(crate) rounds: u64,
    /// How long one check may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) patience: u64,
    /// Run the one check here, and say what came of it
    #[arg(long, hide = true)]
    pub(crate) inside: bool,
    /// Perform the step of a check that kills whoever performs it, in this folder
    #[arg(long, hide = true, value_name = "DIR")]
    pub(crate) act: Option<PathBuf>,
}

/// A language of templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// A library in Rust
    Rust,
    /// A library in C
    C,
    /// A program in Python
    Python,
}

/// Where a library runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Isolation {
    /// In this process
    #[default]
    None,
    /// In a helper process
    Process,
}

/// What a helper process serves.
#[derive(Debug, Args)]
pub(crate) struct HelperArguments {
    /// The library
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The id that it must have
    #[arg(long, value_name = "ID")]
    pub(crate) id: String,
}
