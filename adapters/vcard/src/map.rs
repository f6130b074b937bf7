//! Lines to fields and fields to lines, both by the same rows.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod lexical;
pub(crate) mod named;
pub(crate) mod spelling;
pub(crate) mod table;
