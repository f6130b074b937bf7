//! What every command may need: the streams, the configuration that was named, the state directory.

use std::path::PathBuf;

use crate::state::Home;
use crate::terminal::Terminal;

/// What every command may need.
pub(crate) struct Context {
    /// Where words go.
    pub(crate) terminal: Terminal,
    /// The configuration file that was named, if one was.
    pub(crate) config: Option<PathBuf>,
    /// The state directory.
    pub(crate) home: Home,
}
