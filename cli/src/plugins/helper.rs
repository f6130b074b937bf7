//! `syncretic adapter-host`: a library in a process of its own, which speaks the protocol through pipes.

use std::fs::File;
use std::io::{Read, Write};

use super::installed::load;
use crate::arguments::HelperArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// Serves the library until the host is gone.
pub(crate) fn serve(arguments: &HelperArguments) -> Outcome<Exit> {
    let (input, output) = pipes().map_err(|error| Failure::new(Exit::Internal, format!("the helper has no pipes: {error}")))?;
    let library = load(&arguments.file, &arguments.id);
    let served = adapter::serve::serve(library, input, output, || std::process::exit(i32::from(Exit::Interrupted.code())));
    // The host is gone, or has read why the library cannot be loaded.
    Ok(if served.is_ok() { Exit::Done } else { Exit::Interrupted })
}

/// Takes the pipes away from the library: what it reads is empty, and what it prints goes to standard error.
#[cfg(unix)]
fn pipes() -> std::io::Result<(impl Read + Send + 'static, impl Write + Send + 'static)> {
    use rustix::io::fcntl_dupfd_cloexec;
    use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};
    /// The first descriptor that is none of the standard ones.
    const FIRST: i32 = 3;
    let input = File::from(fcntl_dupfd_cloexec(stdin(), FIRST)?);
    let output = File::from(fcntl_dupfd_cloexec(stdout(), FIRST)?);
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(stderr())?;
    Ok((input, output))
}

/// Elsewhere a library shares the pipes: one that prints breaks its own talk, and nothing else.
#[cfg(not(unix))]
fn pipes() -> std::io::Result<(impl Read + Send + 'static, impl Write + Send + 'static)> {
    Ok((std::io::stdin(), std::io::stdout()))
}
