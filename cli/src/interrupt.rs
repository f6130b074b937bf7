//! Asked to stop: the path ends at its next point, where everything that was begun can be taken up again.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::Exit;

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static ENDLESS: AtomicBool = AtomicBool::new(false);

/// Begins to listen: the first signal asks, a second one ends the process at once, which is as safe as a crash.
pub(crate) fn listen() {
    let asked = Arc::clone(ASKED.get_or_init(Arc::default));
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the shutdown looks at the flag as it was before this signal. Where a signal cannot be
        // listened to, it ends the process, as ever.
        let _ = flag::register_conditional_shutdown(signal, i32::from(Exit::Interrupted.code()), Arc::clone(&asked));
        let _ = flag::register(signal, Arc::clone(&asked));
    }
}

/// Tells whether someone asked to stop.
pub(crate) fn asked() -> bool {
    ASKED.get().is_some_and(|asked| asked.load(Ordering::Relaxed))
}

/// Says that this process has no end of its own: being asked to stop is then how it ends well, and no interruption.
pub(crate) fn is_the_end() {
    ENDLESS.store(true, Ordering::Relaxed);
}

/// Returns how a process ends that was asked to stop in the middle of a sync, and what it says.
pub(crate) fn farewell() -> (Exit, &'static str) {
    if ENDLESS.load(Ordering::Relaxed) {
        (Exit::Done, "stopped; what was begun is kept, and the next sync goes on from here")
    } else {
        (Exit::Interrupted, "interrupted; nothing is lost, and the next `syncretic sync` goes on from here")
    }
}

/// Calls `then` on another thread at each signal that asks to stop, where the system lets us wait for one.
#[cfg(unix)]
pub(crate) fn when_asked(then: impl Fn() + Send + 'static) {
    use std::io::Read;
    let Ok((mut reader, writer)) = std::os::unix::net::UnixStream::pair() else { return };
    for signal in [SIGINT, SIGTERM] {
        if let Ok(writer) = writer.try_clone() {
            let _ = signal_hook::low_level::pipe::register(signal, writer);
        }
    }
    std::thread::spawn(move || {
        let mut byte = [0];
        while reader.read(&mut byte).is_ok_and(|count| count > 0) {
            then();
        }
    });
}

/// Elsewhere whoever waits looks at [`asked`] from time to time.
#[cfg(not(unix))]
pub(crate) fn when_asked(_then: impl Fn() + Send + 'static) {}
