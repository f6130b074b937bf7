//! What every request of a server shares: the store, its clock, tokens, limits, figures, and news of heads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::{Collection, DeviceId, Error, Head, StoreId, Timestamp};
use store::{Clock, Sqlite};
use tokio::sync::{broadcast, watch};

use crate::keys::Keys;
use crate::limits::{Gates, Limits};
use crate::metrics::Metrics;
use crate::tokens::Tokens;

/// How many heads a slow stream may fall behind before it asks anew.
const NEWS: usize = 1024;

/// What streams are told.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A head moved.
    Moved(Collection, Head),
    /// Somebody's rights changed: everybody looks whether they still have theirs.
    Rights,
}

/// A server's state.
pub(crate) struct Shared {
    pub(crate) store: Arc<Sqlite>,
    pub(crate) identity: StoreId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tokens: Tokens,
    pub(crate) keys: Keys,
    pub(crate) gates: Gates,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) news: broadcast::Sender<News>,
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) log: Box<dyn Fn(&str) + Send + Sync>,
    seen: Mutex<HashMap<DeviceId, Timestamp>>,
    heads: Arc<Mutex<HashMap<Collection, Head>>>,
}

impl Shared {
    pub(crate) fn new(
        store: Arc<Sqlite>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        log: Box<dyn Fn(&str) + Send + Sync>,
    ) -> Result<Arc<Self>, Error> {
        let identity = store.identity()?;
        let news = broadcast::channel(NEWS).0;
        let (teller, heads) = (news.clone(), Arc::new(Mutex::new(HashMap::new())));
        let known = Arc::clone(&heads);
        store.on_moved(move |collection, head| {
            remember(&known, collection, *head);
            // Nobody may be listening.
            drop(teller.send(News::Moved(collection.clone(), *head)));
        });
        let (tokens, metrics, stopping, seen) = (Tokens::default(), Metrics::default(), watch::channel(false).0, Mutex::default());
        Ok(Arc::new(Self {
            store,
            identity,
            clock,
            tokens,
            keys: Keys::default(),
            gates: Gates::new(&limits),
            limits,
            metrics,
            news,
            stopping,
            log,
            seen,
            heads,
        }))
    }

    /// Runs something that blocks where it may.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Sqlite) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || work(&store)).await.unwrap_or_else(|error| Err(Error::Failed(error.to_string())))
    }

    /// Tells whether a base is surely behind the head. What is not known here is looked up where it is kept.
    pub(crate) fn is_behind(&self, collection: &Collection, base: &Head) -> bool {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.get(collection).is_some_and(|head| head.log == base.log && head.sequence > base.sequence)
    }

    /// Notes that a device was heard of.
    pub(crate) fn heard_of(&self, device: DeviceId) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(device, self.clock.now());
    }

    /// Writes down who was heard of since the last time, and forgets what has ended.
    pub(crate) fn tidy(&self) {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        if !seen.is_empty()
            && let Err(error) = self.store.heard_of(seen.into_iter().collect())
        {
            (self.log)(&format!("cannot note who was heard of: {error}"));
        }
        self.tokens.tidy(self.clock.now());
        self.gates.tidy();
    }

    /// Resolves when the server stops.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender is here as well: it does not go away.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}

/// Keeps the newest head of a collection: the threads that append tell of theirs in any order.
fn remember(heads: &Mutex<HashMap<Collection, Head>>, collection: &Collection, head: Head) {
    let mut heads = heads.lock().unwrap_or_else(PoisonError::into_inner);
    match heads.get_mut(collection) {
        Some(known) if known.sequence >= head.sequence => {}
        Some(known) => *known = head,
        None => drop(heads.insert(collection.clone(), head)),
    }
}
