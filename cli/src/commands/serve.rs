//! `syncretic serve`.
use crate::arguments::server::Serve;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Outcome;
pub(crate) fn serve(_context: &Context, _serve: &Serve) -> Outcome<Exit> {
    Ok(Exit::Done)
}
