//! A server that stops: slow clients, waiting ones and streams do not keep it.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use protocol::routes::Route;

use crate::asked::{Asked, Device, contacts};

/// Begins a request and waits until the server has taken it up: its answer has begun, or it wants the body.
fn begin(asked: &Asked, device: &Device, head: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(asked.running.address()).unwrap();
    write!(stream, "{head} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n", device.token()).unwrap();
    BufReader::new(stream)
}

/// Sends a byte of a body again and again, for as long as anybody takes it.
fn trickle(mut stream: TcpStream) {
    while stream.write_all(b"x").is_ok() {
        thread::yield_now();
    }
}

#[test]
fn uploads_without_end_waits_and_streams_end_with_the_server() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    // A blob may take as long as it likes, as long as it comes: only the end of the server ends this one.
    let mut upload = begin(&asked, &administrator, &format!("PUT {}", Route::PutBlob.path(&["contacts", &"ab".repeat(32)])));
    let announced = "content-type: application/octet-stream\r\nexpect: 100-continue\r\ncontent-length: 10000000000\r\n\r\n";
    upload.get_mut().write_all(announced.as_bytes()).unwrap();
    let mut line = String::new();
    upload.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    let mut stream = begin(&asked, &administrator, &format!("GET {}", Route::Events.path(&["contacts"])));
    stream.get_mut().write_all(b"\r\n").unwrap();
    line.clear();
    stream.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    let head = asked.head(administrator.token(), &contacts());
    let mut waiting =
        begin(&asked, &administrator, &format!("GET {}?log={}&hash={}&wait=60", Route::Head.path(&["contacts"]), head.log, head.hash));
    waiting.get_mut().write_all(b"\r\n").unwrap();

    let trickling = upload.get_ref().try_clone().unwrap();
    let feeding = thread::spawn(move || trickle(trickling));
    asked.running.stop();
    feeding.join().unwrap();
    for mut ended in [upload, stream, waiting] {
        // However it ended, it did: nothing comes any more.
        match ended.read_to_end(&mut Vec::new()) {
            Ok(_) => {}
            Err(error) => assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}"),
        }
        let _ = ended.get_ref().shutdown(Shutdown::Both);
    }
}
