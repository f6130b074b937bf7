//! `syncretic plan`: what a sync would do; nothing is written anywhere, the state directory included.

use std::collections::BTreeSet;

use crate::commands::sync::each_job;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::jobs;
use crate::work::{Deed, work};

/// Plans the jobs of these names, all if there are none.
pub(crate) fn plan(context: &Context, names: &[String]) -> Outcome<Exit> {
    let config = jobs::read(context.config.as_deref())?;
    let prepared = jobs::prepare(&config, names)?;
    let nothing = BTreeSet::new();
    let exit = each_job(context, &prepared, "plan", |job| work(job, &context.home, &context.terminal, Deed::Plan, &nothing));
    context.terminal.line(format!("Nothing was written. Type `syncretic {}` to do it.", again(names)));
    Ok(exit)
}

fn again(names: &[String]) -> String {
    ["sync"].into_iter().chain(names.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}
