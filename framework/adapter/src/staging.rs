//! Staged replacement of files: written beside, exchanged atomically, kept until the step is settled.
