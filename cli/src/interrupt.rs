//! Asked to stop: the path ends at its next point, where everything that was begun can be taken up again.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::Exit;

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

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
