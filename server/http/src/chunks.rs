//! Chunks and recipes: which are missing, and their bytes, many at a time.

use axum::body::Body;
use axum::http::StatusCode;
use protocol::chunk::{self, MAX_BATCH, MAX_CHUNKS, MAX_RECIPES};
use protocol::messages::{Chunks, MAX_IDS};
use protocol::{BlobId, Error, Recipe, Store, wire};
use tokio::sync::mpsc::channel;

use crate::answer::{self, Answer};
use crate::blobs::{Stream, WAITING};
use crate::context::Context;

/// So many bytes of blobs may be put with one request, however small the largest blob may be.
const TOGETHER: u64 = 1 << 30;

/// Tells which chunks are missing.
pub(crate) async fn missing(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let Chunks { chunks } = context.message(body).await?;
    if chunks.len() > MAX_IDS {
        return Err(Error::Malformed(format!("chunks: at most {MAX_IDS}")));
    }
    let look = move |store: &store::Sqlite| {
        store.may_read(&device, &collection)?;
        store.missing_chunks(&collection, &chunks)
    };
    answer::json(&Chunks { chunks: context.shared.blocking(look).await? })
}

/// Keeps chunks.
pub(crate) async fn put(context: &Context, body: Body) -> Result<Answer, Error> {
    let collection = context.collection()?;
    let _place = context.shared.gates.transfer()?;
    let (bytes, _memory) = context.bytes(body, MAX_BATCH).await?;
    let keep = move |store: &store::Sqlite| {
        let (chunks, all) = chunk::decode_chunks(&bytes)?;
        if !all {
            return Err(Error::Malformed("chunks: they break off".into()));
        }
        store.put_chunks(&collection, &chunks)
    };
    context.shared.blocking(keep).await.map(|()| answer::done())
}

/// Returns chunks, in the order asked.
pub(crate) async fn get(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let Chunks { chunks } = context.message(body).await?;
    if chunks.len() > MAX_CHUNKS {
        return Err(Error::Malformed(format!("chunks: at most {MAX_CHUNKS} at once")));
    }
    let place = context.shared.gates.transfer()?;
    let (name, asked) = (collection.clone(), chunks.clone());
    let look = move |store: &store::Sqlite| {
        store.may_read(&device, &name)?;
        store.missing_chunks(&name, &asked)
    };
    if let Some(lacking) = context.shared.blocking(look).await?.first() {
        return Err(Error::NoSuchChunk(lacking.to_string()));
    }
    let (send, parts) = channel(WAITING);
    let shared = context.shared.clone();
    tokio::spawn(async move {
        let failed = send.clone();
        let gone = || Error::Unavailable("whoever asked is gone".into());
        let hand = move |store: &store::Sqlite| {
            send.blocking_send(Ok(chunk::encode_chunks(&[], [0; 16]).0.into())).map_err(|_| gone())?;
            store.chunks(&collection, &chunks, &mut |chunk| send.blocking_send(Ok(chunk.encode().into())).map_err(|_| gone()))
        };
        if shared.blocking(hand).await.is_err() {
            // The answer has begun: all that is left is to break it off, so that nobody takes it for whole.
            let _ = failed.send(Err(())).await;
        }
    });
    Ok(answer::bytes(StatusCode::OK, wire::BYTES, Body::new(Stream { parts, _place: Some(place) })))
}

/// Keeps recipes.
pub(crate) async fn put_recipes(context: &Context, body: Body) -> Result<Answer, Error> {
    let collection = context.collection()?;
    let _place = context.shared.gates.transfer()?;
    let (bytes, _memory) = context.bytes(body, MAX_RECIPES).await?;
    let limit = context.shared.limits.blob;
    let keep = move |store: &store::Sqlite| {
        let recipes = chunk::decode_recipes(&bytes)?;
        if recipes.len() > MAX_IDS {
            return Err(Error::Malformed(format!("recipes: at most {MAX_IDS}")));
        }
        let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(length) = recipes.iter().map(Recipe::length).find(|length| *length > limit) {
            return Err(Error::TooLarge { length: size(length), limit: size(limit) });
        }
        // They are read through: one request asks for no more of that than one of the largest blobs does.
        let total = recipes.iter().map(Recipe::length).fold(0, u64::saturating_add);
        if total > limit.max(TOGETHER) {
            return Err(Error::TooLarge { length: size(total), limit: size(limit.max(TOGETHER)) });
        }
        store.put_recipes(&collection, &recipes)
    };
    context.shared.blocking(keep).await.map(|()| answer::done())
}

/// Returns a blob's recipe.
pub(crate) async fn recipe(context: &Context) -> Result<Answer, Error> {
    let (device, collection, id): (_, _, BlobId) = (context.device()?, context.collection()?, context.parameter("blob")?);
    let look = move |store: &store::Sqlite| {
        store.may_read(&device, &collection)?;
        store.recipe(&collection, id)
    };
    Ok(answer::bytes(StatusCode::OK, wire::BYTES, Body::from(context.shared.blocking(look).await?.encode())))
}
