//! Where cards stand: a folder of one card a file, or a single file of many.

pub(crate) mod fingerprint;
pub(crate) mod folder;
pub(crate) mod listing;
pub(crate) mod naming;
pub(crate) mod plan;
pub(crate) mod profile;
pub(crate) mod rehearsed;
pub(crate) mod single;
pub(crate) mod spans;
pub(crate) mod text;
