//! The data plane: heads, places, pages, appends and snapshots.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use protocol::messages::{Find, Found, FoundAt, HeadQuery, MAX_IDS, MAX_PAGE, MAX_WAIT, ReadQuery};
use protocol::routes::FENCE;
use protocol::{
    Appended, Canonical, Collection, Cursor, DeviceId, Entry, Envelope, Error, Fence, Head, MAX_PAYLOAD, MAX_RECORDS, MAX_SNAPSHOT,
    Sequence, Snapshot, Store, wire,
};
use store::sqlite::Caller;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::answer::{self, Answer};
use crate::context::Context;
use crate::dispatch::STALE;
use crate::keys::verifies;
use crate::shared::News;

/// The most bytes of an envelope: its payload, 18 for each record that its header names, and what stands around them.
const ENVELOPE: usize = MAX_PAYLOAD + (18 << 20) + 1024;
const _: () = assert!(18 * MAX_RECORDS <= 18 << 20, "every header that is allowed fits");
/// Envelopes from this length on are read, checked and written where blocking is allowed.
const LARGE: usize = 32 << 10;

/// Tells the head; with `wait`, as soon as it is another one.
pub(crate) async fn head(context: &Context) -> Result<Answer, Error> {
    let collection = context.collection()?;
    let query: HeadQuery = context.query()?;
    let until = deadline(query.wait)?;
    let mut news = context.shared.news.subscribe();
    loop {
        let head = readable(context, &collection, |store, collection| store.head(collection)).await?;
        let known = query.hash.is_none_or(|hash| hash == head.hash) && query.log.is_none_or(|log| log == head.log);
        if !known || until.is_none_or(|until| until <= Instant::now()) || !moved(context, &mut news, &collection, until).await {
            return answer::json(&head);
        }
    }
}

/// Tells what the log holds at a sequence.
pub(crate) async fn place(context: &Context) -> Result<Answer, Error> {
    let (collection, sequence) = (context.collection()?, Sequence(context.parameter("sequence")?));
    answer::json(&readable(context, &collection, move |store, collection| store.place(collection, sequence)).await?)
}

/// Reads a page; with `wait`, an empty one is held back.
pub(crate) async fn read(context: &Context) -> Result<Answer, Error> {
    let collection = context.collection()?;
    let query: ReadQuery = context.query()?;
    let after = Cursor { log: query.log, sequence: query.sequence, hash: query.hash };
    let limit = query.limit.unwrap_or(MAX_PAGE).min(MAX_PAGE);
    let until = deadline(query.wait)?;
    let mut news = context.shared.news.subscribe();
    loop {
        let page = readable(context, &collection, move |store, collection| store.read(collection, &after, limit)).await?;
        let over = until.is_none_or(|until| until <= Instant::now());
        if over || !page.entries.is_empty() || limit == 0 || !moved(context, &mut news, &collection, until).await {
            return Ok(answer::bytes(StatusCode::OK, wire::PAGE, wire::encode_page(&page)));
        }
    }
}

fn deadline(wait: Option<u64>) -> Result<Option<Instant>, Error> {
    match wait {
        Some(seconds) if seconds > MAX_WAIT => Err(Error::Malformed(format!("wait: at most {MAX_WAIT} seconds"))),
        wait => Ok(wait.map(|seconds| Instant::now() + Duration::from_secs(seconds))),
    }
}

/// Reads for a caller whom no exclusive lease keeps out.
async fn readable<T: Send + 'static>(
    context: &Context,
    collection: &Collection,
    read: impl FnOnce(&store::Sqlite, &Collection) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (device, collection) = (context.device()?, collection.clone());
    let reading = move |store: &store::Sqlite| {
        store.may_read(&device, &collection)?;
        read(store, &collection)
    };
    context.shared.blocking(reading).await
}

/// Waits until something may have moved; false once it is time to answer as it is.
async fn moved(context: &Context, news: &mut Receiver<News>, collection: &Collection, until: Option<Instant>) -> bool {
    let Some(until) = until else { return false };
    let next = async {
        loop {
            match news.recv().await {
                Ok(News::Moved(moved, _)) if moved != *collection => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    };
    tokio::select! {
        next = timeout_at(until, next) => next.unwrap_or(true),
        () = context.shared.stopped() => false,
    }
}

/// Appends an envelope. Its device's rights, its lease and its budget are looked at in the transaction that appends.
pub(crate) async fn append(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection, fence) = (context.device()?, context.collection()?, fence(context)?);
    let (bytes, _memory) = context.bytes(body, ENVELOPE).await?;
    let length = bytes.len();
    let answer = if length < LARGE {
        let (entry, bytes) = Canonical::read(bytes.into())?;
        if context.shared.is_behind(&collection, &entry.envelope.base) {
            return stale(context, device, &collection, entry.envelope, fence).await;
        }
        check(context, device, &collection, (&entry.envelope, &bytes)).await?;
        submit(context, device, &collection, (entry, bytes), fence).await?
    } else {
        let name = collection.clone();
        let read = move |_: &store::Sqlite| Envelope::decode(&bytes).map(|envelope| (verifies_in(&name, &envelope), envelope));
        let (good, envelope) = context.shared.blocking(read).await?;
        if !good {
            return Err(bad_signature(context, device, &collection, &envelope).await);
        }
        let work = move |store: &store::Sqlite| {
            let appended = store.append_as(Caller::Device(device), &collection, &envelope, fence)?;
            Ok(tell(&envelope, &appended))
        };
        context.shared.blocking(work).await?
    };
    context.shared.metrics.appended(length);
    Ok(answer)
}

fn tell(envelope: &Envelope, appended: &Appended) -> Answer {
    match appended {
        Appended::Entry(entry) => answer::bytes(StatusCode::OK, wire::APPENDED, wire::encode_appended(&envelope.base, entry, envelope)),
        Appended::Stale(page) => answer::bytes(STALE, wire::PAGE, wire::encode_page(page)),
    }
}

/// Answers an envelope whose base is not the head, without troubling the writer: it is in the log already, or it cannot get in.
async fn stale(
    context: &Context,
    device: DeviceId,
    collection: &Collection,
    envelope: Envelope,
    fence: Option<Fence>,
) -> Result<Answer, Error> {
    let collection = collection.clone();
    let settle = move |store: &store::Sqlite| {
        let appended = store.settle(Caller::Device(device), &collection, &envelope, fence)?;
        Ok(tell(&envelope, &appended))
    };
    context.shared.blocking(settle).await
}

fn fence(context: &Context) -> Result<Option<Fence>, Error> {
    let Some(value) = context.parts.headers.get(FENCE) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(|number| Some(Fence(number))).ok_or_else(|| Error::Malformed(format!("{FENCE}: it is a number")))
}

fn verifies_in(collection: &Collection, envelope: &Envelope) -> bool {
    verifies(&envelope.device, &envelope.signed(collection), &envelope.signature)
}

async fn check(context: &Context, device: DeviceId, collection: &Collection, sent: (&Envelope, &Canonical)) -> Result<(), Error> {
    let (envelope, bytes) = sent;
    if context.shared.keys.verifies(&envelope.device, &bytes.signed(collection), &envelope.signature) {
        Ok(())
    } else {
        Err(bad_signature(context, device, collection, envelope).await)
    }
}

/// Notes who sent what nobody signed: it may be a forger, or a transaction of another collection.
async fn bad_signature(context: &Context, device: DeviceId, collection: &Collection, envelope: &Envelope) -> Error {
    let (object, detail) = (collection.to_string(), format!("transaction {} of {}", envelope.transaction, envelope.device));
    let note = move |store: &store::Sqlite| {
        let by = store.device(&device)?.name;
        store.note(&by, "refuse-signature", &object, &detail)
    };
    match context.shared.blocking(note).await {
        Ok(()) => Error::Integrity("the signature is not its device's over this transaction in this collection; nothing was kept".into()),
        Err(error) => error,
    }
}

/// Hands a small envelope to the writer without holding a thread while it waits.
async fn submit(
    context: &Context,
    device: DeviceId,
    collection: &Collection,
    (entry, bytes): (Entry, Canonical),
    fence: Option<Fence>,
) -> Result<Answer, Error> {
    let (send, kept) = oneshot::channel();
    // Whoever asked may be gone; it asks again with the same transaction id.
    let done = move |kept| drop(send.send(kept));
    context.shared.store.submit(Caller::Device(device), collection, (&entry, bytes), fence, done);
    let kept = kept.await.map_err(|_| Error::Unavailable("the thread that writes the store has ended".into()))??;
    if kept {
        let body = wire::encode_appended(&entry.envelope.base, &entry, &entry.envelope);
        return Ok(answer::bytes(StatusCode::OK, wire::APPENDED, body));
    }
    stale(context, device, collection, entry.envelope, fence).await
}

/// Tells where transactions stand.
pub(crate) async fn find(context: &Context, body: Body) -> Result<Answer, Error> {
    let collection = context.collection()?;
    let Find { transactions } = context.message(body).await?;
    if transactions.len() > MAX_IDS {
        return Err(Error::Malformed(format!("transactions: at most {MAX_IDS}")));
    }
    let found = readable(context, &collection, move |store, collection| store.find(collection, &transactions)).await?;
    let transactions = found.into_iter().map(|(transaction, cursor)| FoundAt { transaction, cursor }).collect();
    answer::json(&Found { transactions })
}

/// Notes where a device stands.
pub(crate) async fn arrived(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let cursor: Head = context.message(body).await?;
    context.shared.blocking(move |store| store.arrived_as(&device, &collection, &cursor)).await?;
    Ok(answer::done())
}

/// Returns the newest snapshot.
pub(crate) async fn snapshot(context: &Context) -> Result<Answer, Error> {
    let collection = context.collection()?;
    let newest = readable(context, &collection, |store, collection| Ok(store.snapshot(collection)?.map(|newest| newest.encode()))).await?;
    Ok(newest.map_or_else(answer::done, |newest| answer::bytes(StatusCode::OK, wire::BYTES, newest)))
}

/// Keeps a snapshot that its device made itself.
pub(crate) async fn put_snapshot(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let (bytes, _memory) = context.bytes(body, MAX_SNAPSHOT + 1024).await?;
    let work = move |store: &store::Sqlite| {
        let snapshot = Snapshot::decode(&bytes)?;
        if snapshot.device != device || !verifies(&device, &snapshot.signed(&collection), &snapshot.signature) {
            let by = store.device(&device)?.name;
            store.note(&by, "refuse-signature", collection.as_str(), "snapshot")?;
            return Err(Error::Integrity(
                "the signature is not this device's over this snapshot in this collection; nothing was kept".into(),
            ));
        }
        store.put_snapshot(&collection, &snapshot)
    };
    context.shared.blocking(work).await?;
    Ok(answer::done())
}
