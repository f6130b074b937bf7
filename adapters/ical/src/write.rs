//! Fields back to bytes: minimal edits of an item, and whole new items, both proved by reading them back.

pub(crate) mod edit;
pub(crate) mod fresh;
pub(crate) mod line;
pub(crate) mod refusal;
pub(crate) mod rest;
pub(crate) mod splice;
