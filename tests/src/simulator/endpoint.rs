//! An endpoint: an application, its object store, and the session that may be under way.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use engine::report::Hold;
use engine::{Doors, Error, Report, Settings};
use record::{Record, RecordId};

use super::adapter::Window;
use super::application::Application;
use super::dice::Ids;
use super::item::Item;
use super::keeper::Keeper;
use super::keys::DeviceKey;
use super::shared::Shared;
use super::wire::Wire;
use engine::objects::Objects;
use engine::objects::memory::Memory;

/// A session that is polled by hand.
pub(super) type Running = Pin<Box<dyn Future<Output = Result<Report, Error>>>>;

/// One endpoint.
pub(super) struct Endpoint {
    /// Its name.
    pub(super) name: String,
    /// The device that it is on.
    pub(super) device: u8,
    /// Its application.
    pub(super) application: Shared<Application>,
    /// Its object store.
    pub(super) keeper: Keeper,
    /// The session that is under way.
    pub(super) running: Option<Running>,
    /// What the guard stopped last.
    pub(super) hold: Option<Hold>,
    /// The deletions that a user confirmed.
    pub(super) confirmed: BTreeSet<RecordId>,
    /// What a user deleted in one go and may still restore.
    pub(super) trash: BTreeMap<u64, Item>,
    /// An older state of its object store.
    pub(super) backup: Option<Memory>,
    /// The newest sequence that its reads were answered from.
    pub(super) latest: Shared<u64>,
}

/// Everything that a session owns.
pub(super) struct Errand {
    pub(super) name: String,
    pub(super) window: Window,
    pub(super) keeper: Keeper,
    pub(super) wire: Wire,
    pub(super) key: DeviceKey,
    pub(super) ids: Ids,
    pub(super) settings: Settings,
}

impl Errand {
    /// Begins the session; it stops at every point.
    pub(super) fn begin(mut self) -> Running {
        Box::pin(async move {
            let weather = self.window.weather.clone();
            let name = self.name.clone();
            let pass = move |point| {
                weather.look().say(|| format!("  {name} passes {point:?}"));
                false
            };
            let doors = Doors { store: &self.wire, keys: &self.key, randomness: &self.ids, progress: &engine::Nobody, pass: &pass };
            engine::session(&doors, &self.name, &mut self.window, &mut self.keeper, &self.settings).await
        })
    }
}

impl Endpoint {
    /// Returns what the engine durably knows that items showed, or will show once a step that was begun is done, with their keys.
    pub(super) fn remembered(&self) -> Vec<(String, Record)> {
        let memory = &self.keeper.memory;
        let items = memory.items().unwrap_or_default();
        let seen = items.iter().filter_map(|item| memory.seen(item.id).ok().flatten());
        let intents = memory.step().ok().flatten().map(|step| step.intents).unwrap_or_default();
        let becoming = intents.into_iter().filter_map(|intent| intent.becomes);
        seen.chain(becoming).map(|seen| (seen.key.0, seen.shown)).collect()
    }
}
