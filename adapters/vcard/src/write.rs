//! Fields back to bytes: minimal edits of a card, and whole new cards, both proved by reading them back.

pub(crate) mod derived;
pub(crate) mod edit;
pub(crate) mod fresh;
pub(crate) mod line;
pub(crate) mod proof;
pub(crate) mod refusal;
pub(crate) mod rest;
