//! One command as a whole process: its time, its processor time and its peak memory, as the system counts them.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

use crate::error::Error;

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// Seconds on the clock.
    pub(crate) wall: f64,
    /// Seconds on the processors.
    pub(crate) cpu: f64,
    /// Peak resident memory in MB, of the largest process.
    pub(crate) peak: f64,
}

/// Runs a command to its end, at most `limit` seconds; it must succeed.
pub(crate) fn run(mut command: Command, limit: u64) -> Result<Taken, Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let fails = |error| Error::io(Path::new(&name), error);
    let begun = Instant::now();
    let mut child = command.spawn().map_err(fails)?;
    let mut said = child.stderr.take();
    let (ended, end) = mpsc::channel::<()>();
    let process = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let watch = std::thread::spawn(move || {
        if end.recv_timeout(Duration::from_secs(limit)).is_err()
            && let Some(process) = process
        {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    });
    let mut heard = Vec::new();
    if let Some(said) = &mut said {
        said.read_to_end(&mut heard).map_err(fails)?;
    }
    let used = child.wait4().map_err(fails)?;
    let wall = begun.elapsed().as_secs_f64();
    let _ = ended.send(());
    let _ = watch.join();
    if !used.status.success() {
        let said = String::from_utf8_lossy(&heard);
        let end = said.lines().rev().take(5).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("; ");
        return Err(Error::Failed { command: name, said: format!("{}: {end}", used.status) });
    }
    let cpu = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    let peak = u32::try_from(used.rusage.maxrss / 1024).map_or(f64::INFINITY, f64::from) / 1024.0;
    Ok(Taken { wall, cpu, peak })
}
