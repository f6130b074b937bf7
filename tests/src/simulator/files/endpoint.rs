//! An endpoint: a folder, its object store, and the session that may be under way.

use std::collections::BTreeMap;

use adapter::Fingerprint;
use engine::objects::Objects;
use engine::report::Held;
use engine::{Doors, Settings};

use super::folder::Folder;
use super::place::Place;
use crate::simulator::dice::Ids;
use crate::simulator::endpoint::Running;
use crate::simulator::keeper::Keeper;
use crate::simulator::keys::DeviceKey;
use crate::simulator::shared::Shared;
use crate::simulator::weather::Weather;
use crate::simulator::wire::Wire;

/// One endpoint.
pub(super) struct Endpoint {
    /// Its name.
    pub(super) name: String,
    /// The device that it is on.
    pub(super) device: u8,
    /// Its folder.
    pub(super) place: Shared<Place>,
    /// Its object store.
    pub(super) keeper: Keeper,
    /// The session that is under way.
    pub(super) running: Option<Running>,
    /// What its last session could not read or write.
    pub(super) held: Vec<Held>,
    /// The newest sequence that its reads were answered from.
    pub(super) latest: Shared<u64>,
}

impl Endpoint {
    /// Returns what the engine durably knows of items, or will know once a step that was begun is done.
    pub(super) fn remembered(&self) -> BTreeMap<String, Vec<Fingerprint>> {
        let memory = &self.keeper.memory;
        let items = memory.items().unwrap_or_default().into_iter().map(|item| (item.key.0, item.fingerprint));
        let intents = memory.step().ok().flatten().map(|step| step.intents).unwrap_or_default();
        let becoming = intents.into_iter().filter_map(|intent| intent.becomes).map(|seen| (seen.key.0, seen.fingerprint));
        let mut remembered: BTreeMap<String, Vec<Fingerprint>> = BTreeMap::new();
        items.chain(becoming).for_each(|(key, fingerprint)| remembered.entry(key).or_default().push(fingerprint));
        remembered
    }
}

/// Everything that a session owns.
pub(super) struct Errand {
    pub(super) name: String,
    pub(super) folder: Folder,
    pub(super) keeper: Keeper,
    pub(super) wire: Wire,
    pub(super) key: DeviceKey,
    pub(super) ids: Ids,
    pub(super) settings: Settings,
    pub(super) weather: Shared<Weather>,
}

impl Errand {
    /// Begins the session; it stops at every point.
    pub(super) fn begin(mut self) -> Running {
        Box::pin(async move {
            let name = self.name.clone();
            let pass = move |point| {
                self.weather.look().say(|| format!("  {name} passes {point:?}"));
                false
            };
            let doors = Doors { store: &self.wire, keys: &self.key, randomness: &self.ids, progress: &engine::Nobody, pass: &pass };
            engine::session(&doors, &self.name, &mut self.folder, &mut self.keeper, &self.settings).await
        })
    }
}
