//! What a server may do to a client, and what it cannot.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::*;

/// A server that gives one answer to one request, and tells what it was asked; it then waits for the other side to close.
fn server(answer: Vec<u8>) -> (Address, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let (sender, asked) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = head(&mut stream);
        sender.send(head).unwrap();
        let _ = stream.write_all(&answer);
        if !answer.is_empty() {
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
        let _ = stream.read(&mut [0; 1]);
    });
    (address, asked)
}

fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}

fn line(address: &Address, silence: Duration) -> Line {
    Line::new(address.clone(), Timeouts { silence, ..Timeouts::default() }, None).unwrap()
}

const LONG: Duration = Duration::from_secs(60);
const ASK: Ask<'static> =
    Ask { verb: Verb::Get, path: "/v1/x", token: Some("secret"), body: None, patience: Duration::ZERO, last_event: None, fence: None };

fn ask(answer: &str) -> Result<Vec<u8>, Broken> {
    let (address, _asked) = server(answer.as_bytes().to_vec());
    let line = line(&address, LONG);
    let answer = line.send(&ASK)?;
    line.whole(answer, 8)
}

#[test]
fn a_request_says_who_asks_and_an_answer_says_when_to_ask_again() {
    let (address, asked) =
        server(b"HTTP/1.1 429 x\r\nRetry-After: 7\r\nContent-Type: application/problem+json\r\nContent-Length: 2\r\n\r\n{}".to_vec());
    let line = line(&address, LONG);
    let answer = line.send(&Ask { last_event: Some("41"), ..ASK }).unwrap();
    assert_eq!((answer.status, answer.retry_after, answer.kind.as_str()), (429, Some(Duration::from_secs(7)), "application/problem+json"));
    assert_eq!(line.whole(answer, 8).unwrap(), b"{}");
    let asked = asked.recv().unwrap().to_ascii_lowercase();
    for said in ["get /v1/x http/1.1", "authorization: bearer secret", "last-event-id: 41", "accept-encoding: identity"] {
        assert!(asked.contains(said), "{said}: {asked}");
    }
}

#[test]
fn a_redirect_is_never_followed_so_no_token_goes_elsewhere() {
    let (elsewhere, other) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec());
    for status in [301, 302, 303, 307, 308] {
        let error = ask(&format!("HTTP/1.1 {status} x\r\nLocation: {elsewhere}/v1/x\r\nContent-Length: 0\r\n\r\n")).unwrap_err();
        assert!(matches!(&error, Broken::Wrong(text) if text.contains("not followed")), "{error:?}");
    }
    assert!(other.try_recv().is_err());
}

#[test]
fn an_answer_beyond_its_limit_is_refused_however_it_is_framed() {
    assert_eq!(ask("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678").unwrap(), b"12345678");
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n123456789",
    ] {
        let error = ask(answer).unwrap_err();
        assert!(matches!(&error, Broken::TooLarge(text) if text.contains("more than 8 bytes")), "{answer}: {error:?}");
    }
    let headers = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEADERS));
    assert!(ask(&headers).is_err());
}

#[test]
fn an_answer_that_is_cut_off_leaves_it_open_whether_it_was_done() {
    for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n1234", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12"] {
        let error = ask(answer).unwrap_err();
        assert!(matches!(error, Broken::Silent(_)), "{answer}: {error:?}");
    }
    for answer in ["HTTP/1.1 200 OK\r\nCont", "SSH-2.0-OpenSSH_9.9\r\n"] {
        let error = ask(answer).unwrap_err();
        assert!(matches!(error, Broken::Silent(_)), "{answer}: {error:?}");
    }
}

#[test]
fn a_server_that_falls_silent_is_not_waited_for_for_ever() {
    let (address, _asked) = server(Vec::new());
    let line = line(&address, Duration::from_millis(50));
    let error = line.send(&ASK).err().unwrap();
    assert!(matches!(&error, Broken::Silent(text) if text.contains("in time")), "{error:?}");
}

#[test]
fn nobody_there_means_that_nothing_was_done() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: Address = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let error = line(&address, LONG).send(&ASK).err().unwrap();
    assert!(matches!(&error, Broken::Unreached(text) if text.contains("refused the connection")), "{error:?}");
}

#[test]
fn a_certificate_file_without_a_certificate_is_told() {
    let address: Address = "https://sync.example.org".parse().unwrap();
    assert!(Line::new(address, Timeouts::default(), Some("no certificate")).is_err());
}
