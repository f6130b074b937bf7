//! Blobs: which are missing, and their bytes, streamed in both directions.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Frame;
use protocol::messages::{Blobs, MAX_IDS};
use protocol::{BlobId, Error, Store, wire};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

use crate::answer::{self, Answer};
use crate::context::{Context, slow};

/// How many parts of a blob wait between the network and the disk.
pub(crate) const WAITING: usize = 4;

/// Tells which blobs are missing.
pub(crate) async fn missing(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let Blobs { blobs } = context.message(body).await?;
    if blobs.len() > MAX_IDS {
        return Err(Error::Malformed(format!("blobs: at most {MAX_IDS}")));
    }
    let look = move |store: &store::Sqlite| {
        store.may_read(&device, &collection)?;
        store.missing(&collection, &blobs)
    };
    answer::json(&Blobs { blobs: context.shared.blocking(look).await? })
}

/// Keeps a blob.
pub(crate) async fn put(context: &Context, body: Body) -> Result<Answer, Error> {
    let (collection, id): (_, BlobId) = (context.collection()?, context.parameter("blob")?);
    let _place = context.shared.gates.transfer()?;
    let (send, parts) = channel(WAITING);
    let keep = context.shared.blocking(move |store| store.put_blob(&collection, id, &mut Arriving { parts, part: Bytes::new() }));
    let (sent, kept) = tokio::join!(feed(body, send, context.shared.limits.blob, context.shared.limits.patience), keep);
    // What was wrong with the body comes first: it is why the store could not keep it.
    sent.and(kept).map(|()| answer::done())
}

pub(crate) type Part = Result<Bytes, ()>;

async fn feed(mut body: Body, send: Sender<Part>, limit: u64, patience: Duration) -> Result<(), Error> {
    let mut length = 0_u64;
    let mut feed = async || {
        while let Some(frame) = timeout(patience, body.frame()).await.map_err(|_| slow())? {
            let frame = frame.map_err(|error| Error::Malformed(format!("the body: {error}")))?;
            let Ok(bytes) = frame.into_data() else { continue };
            length = length.saturating_add(bytes.len() as u64);
            if length > limit {
                let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
                return Err(Error::TooLarge { length: size(length), limit: size(limit) });
            }
            if send.send(Ok(bytes)).await.is_err() {
                // The store gave up, and says why itself.
                return Ok(());
            }
        }
        Ok(())
    };
    let fed = feed().await;
    if fed.is_err() {
        // A body that broke off is not one that ended.
        let _ = send.send(Err(())).await;
    }
    fed
}

/// A body as it arrives, for the thread that writes it.
struct Arriving {
    parts: Receiver<Part>,
    part: Bytes,
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.parts.blocking_recv() {
                None => return Ok(0),
                Some(Ok(part)) => self.part = part,
                Some(Err(())) => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        let length = buffer.len().min(self.part.len());
        let part = self.part.split_to(length);
        buffer.iter_mut().zip(part).for_each(|(to, from)| *to = from);
        Ok(length)
    }
}

/// Returns a blob's bytes.
pub(crate) async fn get(context: &Context) -> Result<Answer, Error> {
    let (device, collection, id): (_, _, BlobId) = (context.device()?, context.collection()?, context.parameter("blob")?);
    let place = context.shared.gates.transfer()?;
    let name = collection.clone();
    let look = move |store: &store::Sqlite| {
        store.may_read(&device, &name)?;
        store.missing(&name, &[id])
    };
    if !context.shared.blocking(look).await?.is_empty() {
        return Err(Error::NoSuchBlob(id.to_string()));
    }
    let (send, parts) = channel(WAITING);
    let shared = context.shared.clone();
    tokio::spawn(async move {
        let failed = send.clone();
        if shared.blocking(move |store| store.blob(&collection, id, &mut Leaving(send))).await.is_err() {
            // The answer has begun: all that is left is to break it off, so that nobody takes it for whole.
            let _ = failed.send(Err(())).await;
        }
    });
    Ok(answer::bytes(StatusCode::OK, wire::BYTES, Body::new(Stream { parts, _place: Some(place) })))
}

/// A body as it leaves, for the thread that reads it.
struct Leaving(Sender<Part>);

impl Write for Leaving {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.blocking_send(Ok(Bytes::copy_from_slice(buffer))).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A body whose parts come from elsewhere.
pub(crate) struct Stream {
    pub(crate) parts: Receiver<Part>,
    pub(crate) _place: Option<OwnedSemaphorePermit>,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.parts
            .poll_recv(task)
            .map(|part| part.map(|part| part.map(Frame::data).map_err(|()| io::Error::from(io::ErrorKind::ConnectionAborted))))
    }
}
