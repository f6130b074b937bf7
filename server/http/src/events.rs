//! Server-sent events: a collection's head, whenever it moves. The id is the sequence, so that a client goes on where it was.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use protocol::routes::Access;
use protocol::{Collection, DeviceId, Error, Head, Store};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::timeout;

use crate::answer::{self, Answer};
use crate::blobs::Stream;
use crate::context::Context;
use crate::shared::{News, Shared};

/// How often a quiet stream shows that it lives, and looks whether its device still may listen.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Begins a stream of events.
pub(crate) async fn events(context: &Context) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let last = context.parts.headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse::<u64>().ok());
    // Subscribed before the head is read, so that nothing moves unseen.
    let news = context.shared.news.subscribe();
    let head = current(&context.shared, device, &collection).await?;
    let (send, parts) = channel(1);
    let listener = Listener { shared: Arc::clone(&context.shared), device, collection, news, send };
    tokio::spawn(listener.run((last != Some(head.sequence.0)).then_some(head)));
    Ok(answer::bytes(StatusCode::OK, "text/event-stream", Body::new(Stream { parts, _place: None })))
}

/// Returns the head, to a device that may read.
async fn current(shared: &Arc<Shared>, device: DeviceId, collection: &Collection) -> Result<Head, Error> {
    let name = collection.clone();
    let look = move |store: &store::Sqlite| {
        store.authorise(&device, Access::Read, Some(&name))?;
        store.head(&name)
    };
    shared.blocking(look).await
}

struct Listener {
    shared: Arc<Shared>,
    device: DeviceId,
    collection: Collection,
    news: Receiver<News>,
    send: Sender<Result<Bytes, ()>>,
}

/// What a stream does next.
enum Next {
    Tell(Head),
    /// It is not known what was missed, or whether it may still listen.
    Look,
    KeepAlive,
    End,
}

impl Listener {
    async fn run(mut self, first: Option<Head>) {
        self.shared.metrics.streams.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut told = None;
        let mut next = first.map_or(Next::KeepAlive, Next::Tell);
        loop {
            let text = match next {
                Next::End => break,
                Next::KeepAlive => ": alive\n\n".to_owned(),
                Next::Tell(head) => told_as(&mut told, head),
                Next::Look => match current(&self.shared, self.device, &self.collection).await {
                    Ok(head) => told_as(&mut told, head),
                    Err(_) => break,
                },
            };
            if !text.is_empty() && self.send.send(Ok(text.into())).await.is_err() {
                break;
            }
            next = self.next().await;
        }
        self.shared.metrics.streams.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }

    async fn next(&mut self) -> Next {
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            () = shared.stopped() => Next::End,
            () = self.send.closed() => Next::End,
            news = timeout(KEEP_ALIVE, next_news(&mut self.news, &self.collection)) => news.unwrap_or(Next::Look),
        }
    }
}

/// Waits for news of the collection, and takes the newest of what is there.
async fn next_news(news: &mut Receiver<News>, collection: &Collection) -> Next {
    let mut head = loop {
        match news.recv().await {
            Ok(News::Moved(moved, head)) if moved == *collection => break head,
            Ok(News::Moved(..)) => {}
            Ok(News::Rights) | Err(RecvError::Lagged(_)) => return Next::Look,
            Err(RecvError::Closed) => return Next::End,
        }
    };
    loop {
        match news.try_recv() {
            Ok(News::Moved(moved, newer)) if moved == *collection => head = newer,
            Ok(News::Moved(..)) => {}
            Ok(News::Rights) | Err(TryRecvError::Lagged(_)) => return Next::Look,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return Next::Tell(head),
        }
    }
}

/// Writes an event; a head that was told already only keeps the stream alive.
fn told_as(told: &mut Option<Head>, head: Head) -> String {
    if told.replace(head) == Some(head) {
        return ": alive\n\n".into();
    }
    let data = serde_json::to_string(&head).unwrap_or_default();
    format!("event: head\nid: {}\ndata: {data}\n\n", head.sequence.0)
}
