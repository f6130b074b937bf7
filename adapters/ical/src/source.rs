//! Where items stand: a folder of one item a file, or a single file of many.

pub(crate) mod assemble;
pub(crate) mod codec;
pub(crate) mod profile;
pub(crate) mod single;
pub(crate) mod spans;
