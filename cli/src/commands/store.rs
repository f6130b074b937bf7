//! `syncretic store`.
use crate::arguments::server::Store;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Outcome;
pub(crate) fn run(_context: &Context, _store: &Store) -> Outcome<Exit> {
    Ok(Exit::Done)
}
