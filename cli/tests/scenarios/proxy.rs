//! A network that misbehaves: a proxy that cuts, doubles, delays and swallows requests, one fault a request.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// Only its first bytes arrive.
    CutRequest(usize),
    /// It arrives and is acted on; only the first bytes of the answer come back.
    CutAnswer(usize),
    /// It arrives twice; the second answer comes back.
    Twice,
    /// It never arrives, and nobody says so.
    Swallow,
    /// Nothing comes back; it arrives only when the client has given up.
    Late,
    /// The client is hung up on before it says anything.
    HangUp,
}

/// A proxy in front of one server, on a port of its own. Its threads end with the test.
pub(crate) struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<(String, Fault)>>>,
}

impl Proxy {
    /// Begins; `faults` says what happens to the request of each number.
    pub(crate) fn before(server: SocketAddr, faults: impl Fn(usize) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<(String, Fault)>>> = Arc::default();
        let (log, number, faults) = (Arc::clone(&seen), Arc::new(AtomicUsize::new(0)), Arc::new(faults));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (log, number, faults) = (Arc::clone(&log), Arc::clone(&number), Arc::clone(&faults));
                thread::spawn(move || {
                    let fault = faults(number.fetch_add(1, Ordering::SeqCst));
                    // Whatever breaks here is a fault as well.
                    let _ = relay(client, server, fault, &log);
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the first line of each request that came, and what happened to it.
    pub(crate) fn seen(&self) -> Vec<(String, Fault)> {
        self.seen.lock().unwrap().clone()
    }
}

fn relay(mut client: TcpStream, server: SocketAddr, fault: Fault, log: &Mutex<Vec<(String, Fault)>>) -> std::io::Result<()> {
    if fault == Fault::HangUp {
        log.lock().unwrap().push((String::new(), fault));
        return client.shutdown(Shutdown::Both);
    }
    let request = request(&mut client)?;
    let first = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    log.lock().unwrap().push((String::from_utf8_lossy(first).into_owned(), fault));
    match fault {
        Fault::Swallow => gone(&mut client),
        Fault::Late => {
            gone(&mut client);
            exchange(server, &request)?;
        }
        Fault::CutRequest(length) => {
            let mut upstream = TcpStream::connect(server)?;
            upstream.write_all(&request[..length.min(request.len())])?;
            upstream.shutdown(Shutdown::Both)?;
        }
        Fault::CutAnswer(length) => {
            let answer = exchange(server, &request)?;
            client.write_all(&answer[..length.min(answer.len())])?;
        }
        Fault::Twice => {
            exchange(server, &request)?;
            client.write_all(&exchange(server, &request)?)?;
        }
        Fault::Pass | Fault::HangUp => stream(server, &request, &mut client)?,
    }
    client.shutdown(Shutdown::Both)
}

/// Reads one request whole, and asks for the connection to be closed after it: the next request is another connection.
fn request(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    head.truncate(head.len() - 2);
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    head.extend_from_slice(&body);
    Ok(head)
}

fn exchange(server: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(request)?;
    upstream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Passes the answer on as it comes, so that a stream of events is one.
fn stream(server: SocketAddr, request: &[u8], client: &mut TcpStream) -> std::io::Result<()> {
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(request)?;
    std::io::copy(&mut upstream, client).map(drop)
}

/// Waits until the client has given up.
fn gone(client: &mut TcpStream) {
    while client.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
}
