//! Connections: accepted up to a limit, encrypted if asked for, timed, and ended when the server stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::shared::Shared;
use crate::stalled::Patient;

/// How long requests have to end once the server stops.
const LAST: Duration = Duration::from_secs(8);
/// The most bytes of a request's head.
const HEAD: usize = 64 << 10;
/// How long the server rests when the system gives it no more connections.
const REST: Duration = Duration::from_millis(50);

/// What encrypts connections, if anything does.
#[derive(Clone)]
pub(crate) enum Encryption {
    None,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

/// Serves until the server is told to stop, and then until every request has ended or is out of time.
pub(crate) async fn listen(listener: TcpListener, encryption: Encryption, router: Router, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    loop {
        let place = tokio::select! {
            () = shared.stopped() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = shared.stopped() => break,
            accepted = listener.accept() => accepted,
        };
        let (Ok(place), Ok((stream, peer))) = (place, accepted) else {
            sleep(REST).await;
            continue;
        };
        let (router, shared, encryption) = (router.clone(), Arc::clone(&shared), encryption.clone());
        tokio::spawn(async move {
            shared.metrics.connections.fetch_add(1, Ordering::Relaxed);
            connect(stream, peer, encryption, router, &shared).await;
            shared.metrics.connections.fetch_sub(1, Ordering::Relaxed);
            drop(place);
        });
    }
    drop(listener);
    let all = u32::try_from(shared.limits.connections).unwrap_or(u32::MAX);
    let _ = timeout(LAST, places.acquire_many(all)).await;
}

async fn connect(stream: TcpStream, peer: SocketAddr, encryption: Encryption, router: Router, shared: &Arc<Shared>) {
    // Without it an answer may wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    match encryption {
        Encryption::None => serve(stream, peer, router, shared).await,
        #[cfg(feature = "tls")]
        Encryption::Tls(acceptor) => {
            if let Ok(Ok(stream)) = timeout(shared.limits.patience, acceptor.accept(stream)).await {
                serve(stream, peer, router, shared).await;
            }
        }
    }
}

async fn serve<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: T, peer: SocketAddr, router: Router, shared: &Arc<Shared>) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let router = router.clone();
        async move {
            use hyper::service::Service;
            hyper_util::service::TowerToHyperService::new(router).call(request).await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.patience)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(Patient::new(stream, shared.limits.patience)), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // However a connection ends, there is nobody left to tell.
        _ended = connection.as_mut() => {}
        () = shared.stopped() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(LAST, connection).await;
        }
    }
}
