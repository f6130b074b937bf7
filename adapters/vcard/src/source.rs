//! Where cards stand: a folder of one card a file, or a single file of many.

pub(crate) mod codec;
pub(crate) mod profile;
pub(crate) mod single;
pub(crate) mod spans;
pub(crate) mod text;
