//! The command line: every command and option, with the words that `--help` shows.

mod plugin;
pub(crate) mod server;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use plugin::{CheckArguments, HelperArguments, Isolation, Language, PluginCommand};

/// What `syncretic` was asked to do.
#[derive(Debug, Parser)]
#[command(
    name = "syncretic",
    version,
    about = "Keeps the same contacts and calendars in every application that holds them.",
    after_help = "Exit codes: 0 done, 1 internal, 2 configuration or usage, 3 something is quarantined, 4 conflicts are open,\n\
                  5 stopped for safety, 6 temporary, 7 not authorised, 8 integrity, 130 interrupted.\n\
                  Try it: syncretic demo"
)]
pub(crate) struct Arguments {
    /// Configuration file; default: `./syncretic.toml`, then the one in the user's configuration folder
    #[arg(short = 'c', long = "config", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Work as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t, global = true)]
    pub(crate) format: Format,
    /// Print no result for people, only errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print more: every change, the endpoints, the state directory
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Never ask; a safety stop is still confirmed only by `sync --confirm`
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How the result is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON object
    Json,
    /// One JSON object a line, as things happen
    Ndjson,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make all endpoints of the jobs the same
    Sync {
        /// The jobs; default: all
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
        /// Let exactly the deletions of this hold pass; may be given several times
        #[arg(long, value_name = "HOLD")]
        confirm: Vec<String>,
    },
    /// Show what `sync` would do; writes nothing anywhere
    Plan {
        /// The jobs; default: all
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Show each job: whether it is in sync, its version, what is held
    Status {
        /// The jobs; default: all
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// List and settle fields that were changed on two sides
    #[command(subcommand)]
    Conflicts(Conflicts),
    /// List what could not be read or written
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Review who was taken for whom when an endpoint joined
    #[command(subcommand)]
    Link(Link),
    /// Convert a file or folder once, without a job
    Convert(Convert),
    /// Show what two adapters, files or folders can hold, and what survives between them; writes nothing
    Fidelity {
        /// An adapter, or a file or folder
        #[arg(value_name = "ADAPTER|PATH")]
        left: PathBuf,
        /// Another one
        #[arg(value_name = "ADAPTER|PATH")]
        right: PathBuf,
    },
    /// Show what strict readers say of cards and calendars; exits with 3 if anything is found, and writes nothing
    Lint {
        /// Files, or folders of .vcf and .ics files
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make, let in, check and remove third parties' adapters
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Run a plugin's library for another process of this program
    #[command(name = "adapter-host", hide = true)]
    AdapterHost(HelperArguments),
    /// Make a folder with two address books, sync them, edit both, sync again
    Demo {
        /// The folder; must not exist, or be empty
        #[arg(value_name = "DIR", default_value = "syncretic-demo")]
        folder: PathBuf,
    },
    /// Sync whenever files change, the store moves or it is time, until asked to stop
    Watch {
        /// The jobs; default: all
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
        /// Sync each job at least this often, whatever was noticed
        #[arg(long, value_name = "TIME", default_value = "15m", value_parser = crate::span::some)]
        every: Duration,
        /// Print the unit of a systemd user service that does this, and end
        #[arg(long)]
        print_unit: bool,
    },
    /// Wait until every device has everything
    Wait {
        /// The jobs; default: all
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
        /// Nothing is left to sync here, and no other device is behind
        #[arg(long, required = true)]
        converged: bool,
        /// Tell who is behind, and exit with 6, after this long
        #[arg(long, value_name = "TIME", default_value = "60s", value_parser = crate::span::parse)]
        timeout: Duration,
    },
    /// Run a server: the store and the management plane that devices meet at
    Serve(server::Serve),
    /// Enroll, invite, list, rename, grant and revoke devices
    #[command(subcommand)]
    Device(server::Device),
    /// List, create, show, set and compact a server's collections
    #[command(subcommand)]
    Collection(server::Collection),
    /// List, approve and reject deletions that are more than a device may do alone
    #[command(subcommand)]
    Deletion(server::Deletion),
    /// Show and end leases
    #[command(subcommand)]
    Lease(server::Lease),
    /// Show what was done at a server, and by whom
    Audit {
        /// Lines after this one; default: the newest
        #[arg(long, value_name = "NUMBER")]
        after: Option<u64>,
        /// How many of the newest lines
        #[arg(short = 'n', value_name = "COUNT", default_value_t = 50)]
        count: u64,
        #[command(flatten)]
        which: server::Which,
    },
    /// Back up, restore, check, count and shrink the files of a store on this machine
    Store(server::Store),
    /// Print the version
    Version,
}

/// What to do with conflicts.
#[derive(Debug, Subcommand)]
pub(crate) enum Conflicts {
    /// List all open conflicts
    List {
        /// The jobs; default: all
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Show one conflict with all its values
    Show {
        /// The conflict's id, or its first digits
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Settle a conflict everywhere
    Resolve {
        /// The conflict's id, or its first digits
        #[arg(value_name = "ID")]
        id: String,
        /// `1`, `2` or `base` as `show` numbers them, or another value (`=1` is the text 1)
        #[arg(long, value_name = "1|2|base|VALUE", allow_hyphen_values = true)]
        take: String,
    },
}

/// What to do with quarantined items.
#[derive(Debug, Subcommand)]
pub(crate) enum Quarantine {
    /// List everything that is quarantined
    List {
        /// The jobs; default: all
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Show one quarantined item
    Show {
        /// The item's id, or its first digits
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// What to do with links.
#[derive(Debug, Subcommand)]
pub(crate) enum Link {
    /// List links that were made, and doubts that wait for a decision
    List {
        /// The jobs; default: all
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Decide that a doubtful pair is one record
    Accept {
        /// The link's id, or its first digits
        #[arg(value_name = "ID")]
        id: String,
        /// Which record it is, where there are several; its id as `list` prints it
        #[arg(value_name = "RECORD")]
        resident: Option<String>,
    },
    /// Take a link apart again
    Split {
        /// The link's id, or its first digits
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// A one-shot conversion.
#[derive(Debug, clap::Args)]
pub(crate) struct Convert {
    /// The file or folder to read
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The file or folder to make; it must not exist
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// The version to write, as 3.0 or 4.0, where the format has several
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
    /// The adapter that reads IN; default: by its name
    #[arg(long, value_name = "ADAPTER")]
    pub(crate) from: Option<String>,
    /// The adapter that writes OUT; default: by its name
    #[arg(long, value_name = "ADAPTER")]
    pub(crate) to: Option<String>,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the whole configuration, the adapters' options included; writes nothing
    Check,
}
