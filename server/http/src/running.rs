//! A server that runs: started, asked for its address, and stopped. Blocking outside, asynchronous inside.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use protocol::{Code, Error};
use store::clock::System;
use store::{Clock, Sqlite};
use tokio::runtime::Builder;
use tokio::time::{MissedTickBehavior, interval};

use crate::dispatch;
use crate::limits::Limits;
use crate::listen::{Encryption, listen};
use crate::shared::Shared;

/// How often it is written down who was heard of.
const TIDY: Duration = Duration::from_secs(5);

/// How a server is to run.
pub struct Options {
    /// The folder of its store.
    pub data: PathBuf,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether it may speak unencrypted with other machines.
    pub insecure: bool,
    /// Certificate chain and key, in PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// What it allows.
    pub limits: Limits,
    /// The clock by which leases, codes and tokens end.
    pub clock: Arc<dyn Clock>,
    /// Is told what goes wrong, a line each.
    pub log: Box<dyn Fn(&str) + Send + Sync>,
}

impl Options {
    /// Returns options with the computer's clock, the usual limits, and no log.
    #[must_use]
    pub fn new(data: PathBuf, listen: SocketAddr) -> Self {
        let (clock, log) = (Arc::new(System), Box::new(|_: &str| ()));
        Self { data, listen, insecure: false, tls: None, limits: Limits::default(), clock, log }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is not loopback, and nothing would be encrypted.
    #[error(
        "plain HTTP on {0} could be read by others; give a certificate and its key, put a proxy with TLS in front of a loopback address, or say that it may be insecure"
    )]
    Insecure(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Certificate or key cannot be used.
    #[error("cannot use the certificate or the key: {0}")]
    Tls(String),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] Error),
    /// The system gives no threads.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

/// A server that runs until it is stopped or dropped.
pub struct Running {
    address: SocketAddr,
    encrypted: bool,
    code: Option<Code>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a server. It answers when this returns.
///
/// # Errors
/// Fails as [`StartError`] says.
pub fn start(options: Options) -> Result<Running, StartError> {
    let encrypted = options.tls.is_some();
    if !encrypted && !options.insecure && !options.listen.ip().is_loopback() {
        return Err(StartError::Insecure(options.listen));
    }
    let encryption = encryption(options.tls.as_ref())?;
    let failed = |source| StartError::Listen { address: options.listen, source };
    let listener = TcpListener::bind(options.listen).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let store = Arc::new(Sqlite::open_with(&options.data, Arc::clone(&options.clock))?);
    let code = store.first_code()?;
    let shared = Shared::new(store, options.clock, options.limits, options.log)?;
    let runtime = Builder::new_multi_thread().enable_io().enable_time().thread_name("store-server").build()?;
    let serving = Arc::clone(&shared);
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener).map_err(failed)?
    };
    let thread = thread::Builder::new().name("store-server".into()).spawn(move || {
        let router = dispatch::router(&serving);
        runtime.spawn(tidy(Arc::clone(&serving)));
        runtime.block_on(listen(listener, encryption, router, Arc::clone(&serving)));
        runtime.shutdown_timeout(Duration::from_secs(1));
        serving.tidy();
    })?;
    Ok(Running { address, encrypted, code, shared, thread: Some(thread) })
}

#[cfg(feature = "tls")]
fn encryption(files: Option<&(PathBuf, PathBuf)>) -> Result<Encryption, StartError> {
    Ok(match files {
        Some((certificate, key)) => Encryption::Tls(crate::tls::acceptor(certificate, key)?),
        None => Encryption::None,
    })
}

#[cfg(not(feature = "tls"))]
fn encryption(files: Option<&(PathBuf, PathBuf)>) -> Result<Encryption, StartError> {
    match files {
        Some(_) => Err(StartError::Tls("this program was built without TLS; put a proxy in front".into())),
        None => Ok(Encryption::None),
    }
}

async fn tidy(shared: Arc<Shared>) {
    let mut ticks = interval(TIDY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let tidying = Arc::clone(&shared);
        let _ = tokio::task::spawn_blocking(move || tidying.tidy()).await;
    }
}

impl Running {
    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL under which it is reached on its own machine.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.encrypted { "https" } else { "http" }, self.address)
    }

    /// Returns the code for the first administrator, if there is none yet.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    /// Returns the command that enrolls the first administrator, on a line of its own, if there is none yet.
    #[must_use]
    pub fn first_command(&self) -> Option<String> {
        self.code.map(|code| format!("syncretic device enroll {} --code {code} --name NAME", self.url()))
    }

    /// Tells it to stop; [`Running::stop`] waits for that.
    pub fn begin_to_stop(&self) {
        self.shared.stopping.send_replace(true);
    }

    /// Stops it: no new requests, streams end, and what is being answered has eight seconds.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.begin_to_stop();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to answer.
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
