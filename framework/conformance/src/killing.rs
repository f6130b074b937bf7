//! A process that is stopped before each change that it makes to files, and killed at one of them.
//!
//! A signal at a random time seldom meets the few instructions that matter. Under `ptrace` every change is met: each
//! system call that changes a file is a place to die.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// What a process is told when it is watched.
pub(crate) const GO: &[u8] = b"go\n";

/// The system calls that change files, or make a change last. Whoever opens a file to make it also writes it.
const CHANGES: &[c_long] = &[
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_ftruncate,
    libc::SYS_truncate,
    libc::SYS_fallocate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_syncfs,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_link,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
];

/// How a watched process ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was killed where it was to be.
    Killed,
    /// It made fewer changes than that, and this is what it said.
    Finished(String),
    /// It began before it was watched, and nothing was seen of it.
    Missed,
    /// Processes cannot be watched here, and why.
    Unwatchable(String),
}

/// Marks where changes begin to count, and where they end: a call that nobody else makes.
pub(crate) fn mark() {
    let _ = rustix::process::getpriority_process(None);
}

/// Starts a command, and kills it with everything that it started before the change that comes after so many others.
///
/// # Errors
/// Fails if the command cannot be started.
pub(crate) fn killed_at(mut command: Command, changes: usize) -> std::io::Result<Ended> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let first = Pid::from_raw(i32::try_from(child.id()).map_err(std::io::Error::other)?);
    let mut watch = Watch { first, running: BTreeMap::new(), marks: 0, seen: 0, changes, killed: false };
    if let Err(error) = watch.begin() {
        let _ = child.kill();
        let _ = child.wait();
        return Ok(Ended::Unwatchable(format!("processes cannot be traced here: {error}")));
    }
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(GO)?;
    }
    watch.follow();
    if watch.killed {
        return Ok(Ended::Killed);
    }
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut said)?;
    }
    let failed = said.lines().any(|line| line.starts_with("act: "));
    Ok(if watch.marks == 0 && !failed { Ended::Missed } else { Ended::Finished(said) })
}

/// A process and its descendants.
struct Watch {
    first: Pid,
    /// Every thread that is there, and whether it is inside a system call.
    running: BTreeMap<Pid, bool>,
    marks: usize,
    seen: usize,
    changes: usize,
    killed: bool,
}

impl Watch {
    fn begin(&mut self) -> Result<(), Errno> {
        use ptrace::Options as O;
        let follow = O::PTRACE_O_TRACECLONE | O::PTRACE_O_TRACEFORK | O::PTRACE_O_TRACEVFORK | O::PTRACE_O_TRACEEXEC;
        ptrace::seize(self.first, follow | O::PTRACE_O_TRACESYSGOOD | O::PTRACE_O_EXITKILL)?;
        ptrace::interrupt(self.first)?;
        let stopped = waitpid(self.first, Some(WaitPidFlag::__WALL))?;
        // Met on the way out of `execve`, it is inside a system call still.
        let inside = matches!(stopped, WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_EXEC));
        self.running.insert(self.first, inside);
        ptrace::syscall(self.first, None)
    }

    /// Goes on until nobody is left. Only what this thread watches is waited for.
    fn follow(&mut self) {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
            self.take(status);
        }
    }

    fn take(&mut self, status: WaitStatus) {
        // Who was killed meanwhile cannot be told to go on.
        let go_on = |thread, signal| {
            let _ = ptrace::syscall(thread, signal);
        };
        match status {
            WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, _, _) => drop(self.running.remove(&thread)),
            WaitStatus::PtraceSyscall(thread) => {
                let inside = self.running.entry(thread).or_default();
                *inside = enters(thread).unwrap_or(!*inside);
                if *inside {
                    self.enters(thread);
                }
                go_on(thread, None);
            }
            WaitStatus::PtraceEvent(thread, ..) => {
                self.running.entry(thread).or_default();
                go_on(thread, None);
            }
            WaitStatus::Stopped(thread, signal) => go_on(thread, Some(signal)),
            _ => {}
        }
    }

    fn enters(&mut self, thread: Pid) {
        let Some(call) = call_of(thread) else { return };
        if call == libc::SYS_getpriority {
            self.marks += 1;
        }
        if self.marks == 1 && CHANGES.contains(&call) {
            if self.seen == self.changes {
                self.kill();
            }
            self.seen += 1;
        }
    }

    fn kill(&mut self) {
        self.killed = true;
        let all: BTreeSet<Pid> = self.running.keys().copied().collect();
        for one in all {
            let _ = kill(one, Signal::SIGKILL);
        }
    }
}

/// Tells whether a thread is on its way into a system call, where its registers show that: no answer is there yet.
#[cfg(target_arch = "x86_64")]
fn enters(thread: Pid) -> Option<bool> {
    Some(ptrace::getregs(thread).ok()?.rax == i64::from(-libc::ENOSYS).cast_unsigned())
}

#[cfg(not(target_arch = "x86_64"))]
fn enters(_thread: Pid) -> Option<bool> {
    None
}

#[cfg(target_arch = "x86_64")]
fn call_of(thread: Pid) -> Option<c_long> {
    c_long::try_from(ptrace::getregs(thread).ok()?.orig_rax).ok()
}

#[cfg(target_arch = "aarch64")]
fn call_of(thread: Pid) -> Option<c_long> {
    c_long::try_from(*ptrace::getregs(thread).ok()?.regs.get(8)?).ok()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn call_of(_thread: Pid) -> Option<c_long> {
    None
}
