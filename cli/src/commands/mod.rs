//! The commands, one file each: arguments in, result on stdout, exit code out.

mod audit;
mod collection;
mod config;
mod conflicts;
mod convert;
mod deletion;
mod demo;
mod device;
mod fidelity;
mod lease;
mod link;
mod lint;
mod plan;
mod plugin;
mod quarantine;
mod review;
mod serve;
mod snapshot;
mod status;
mod store;
mod sync;
mod version;
mod wait;
mod watch;
mod which;

use crate::arguments::{Arguments, Command};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::state::Home;
use crate::terminal::Terminal;

/// Runs a command.
pub(crate) fn run(arguments: Arguments, terminal: Terminal) -> Outcome<Exit> {
    if let Some(directory) = &arguments.directory {
        std::env::set_current_dir(directory)
            .map_err(|error| Failure::usage(format!("cannot work in `{}`: {error}", directory.display())))?;
    }
    let context = Context { terminal, config: arguments.config, home: Home::locate()? };
    match arguments.command {
        Command::Sync { jobs, confirm } => sync::sync(&context, &jobs, &confirm),
        Command::Plan { jobs } => plan::plan(&context, &jobs),
        Command::Status { jobs } => status::status(&context, &jobs),
        Command::Conflicts(command) => conflicts::conflicts(&context, &command),
        Command::Quarantine(command) => quarantine::quarantine(&context, &command),
        Command::Link(command) => link::link(&context, &command),
        Command::Convert(command) => convert::convert(&context, &command),
        Command::Fidelity { left, right } => fidelity::fidelity(&context, &left, &right),
        Command::Lint { paths } => lint::lint(&context, &paths),
        Command::Config(_) => config::check(&context),
        Command::Plugin(command) => plugin::plugin(&context, &command, arguments.yes),
        Command::AdapterHost(command) => crate::plugins::serve(&command),
        Command::Demo { folder } => demo::demo(&context, &folder),
        Command::Watch { print_unit: true, .. } => watch::print_unit(&context),
        Command::Watch { jobs, every, .. } => watch::watch(&context, &jobs, every),
        Command::Wait { jobs, timeout, .. } => wait::run(&context, &jobs, timeout),
        Command::Serve(serve) => serve::serve(&context, &serve),
        Command::Device(command) => device::run(&context, &command),
        Command::Collection(command) => collection::run(&context, &command),
        Command::Deletion(command) => deletion::run(&context, &command),
        Command::Lease(command) => lease::run(&context, &command),
        Command::Audit { after, count, which } => audit::run(&context, after, count, &which),
        Command::Store(store) => store::run(&context, &store),
        Command::Version => version::version(&context),
    }
}
