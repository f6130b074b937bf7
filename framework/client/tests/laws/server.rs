//! The plainest server: the store's own rules behind a socket, one request a connection, no limits, nothing clever.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use protocol::messages::*;
use protocol::problem::{PROBLEM, Problem};
use protocol::routes::{Access, FENCE, Route};
use protocol::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ::store::Sqlite;
use ::store::sqlite::{Authorised, Caller};

struct Server {
    store: Sqlite,
    id: StoreId,
    nonces: Mutex<HashMap<Nonce, DeviceId>>,
    tokens: Mutex<HashMap<String, DeviceId>>,
}

struct Request {
    method: String,
    segments: Vec<String>,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

type Answer = (u16, &'static str, Vec<u8>);

/// Serves the store in a folder for as long as the process lives; returns the first administrator's code.
pub fn serve(folder: &Path, listener: TcpListener) -> Option<Code> {
    let store = Sqlite::open(folder).unwrap();
    let code = store.first_code().unwrap();
    let id = store.identity().unwrap();
    let server = Arc::new(Server { store, id, nonces: Mutex::default(), tokens: Mutex::default() });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = Arc::clone(&server);
            thread::spawn(move || drop(server.connection(stream)));
        }
    });
    code
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut body = vec![0; headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(Request { method, segments: path.split('/').map(decoded).collect(), query, headers, body })
}

fn json(value: &impl Serialize) -> Answer {
    (200, "application/json", serde_json::to_vec(value).unwrap())
}

fn done() -> Answer {
    (204, "", Vec::new())
}

fn route(request: &Request) -> Option<(Route, Vec<String>)> {
    Route::ALL.iter().find_map(|route| {
        let template: Vec<&str> = route.template().split('/').collect();
        let method = route.method().as_str() == request.method;
        let fits = template.len() == request.segments.len()
            && template.iter().zip(&request.segments).all(|(part, segment)| part.starts_with('{') || part == segment);
        let parameters = || template.iter().zip(&request.segments).filter(|(part, _)| part.starts_with('{')).map(|(_, segment)| segment.clone());
        (method && fits).then(|| (*route, parameters().collect()))
    })
}

impl Request {
    fn message<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Malformed(error.to_string()))
    }

    fn query<T: std::str::FromStr>(&self, name: &str) -> Result<T, Error> {
        self.query.get(name).and_then(|text| text.parse().ok()).ok_or_else(|| Error::Malformed(name.to_owned()))
    }
}

fn signed_by(device: &DeviceId, message: &[u8], signature: &Signature) -> Result<(), Error> {
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    let key = VerifyingKey::from_bytes(&device.0).map_err(|_| Error::Integrity("no key".to_owned()))?;
    key.verify_strict(message, &signature).map_err(|_| Error::Integrity("the signature does not verify".to_owned()))
}

impl Server {
    fn connection(&self, mut stream: TcpStream) -> Option<()> {
        let request = read_request(&mut stream)?;
        let Some((route, parameters)) = route(&request) else {
            return write(&mut stream, &problem(&Error::NotFound("the route".to_owned())));
        };
        if route == Route::Events {
            return self.events(&mut stream, &request, &parameters);
        }
        let answer = self.answer(route, &parameters, &request).unwrap_or_else(|error| problem(&error));
        write(&mut stream, &answer)
    }

    fn caller(&self, request: &Request) -> Result<DeviceId, Error> {
        let token = request.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let known = token.and_then(|token| self.tokens.lock().unwrap().get(token).copied());
        known.ok_or_else(|| Error::Unauthenticated("no token".to_owned()))
    }

    fn events(&self, stream: &mut TcpStream, request: &Request, parameters: &[String]) -> Option<()> {
        let collection: Collection = parameters[0].parse().ok()?;
        let allowed = self.caller(request).and_then(|caller| self.store.authorise(&caller, Access::Read, Some(&collection)));
        if let Err(error) = allowed {
            return write(stream, &problem(&error));
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: begun\n\n").ok()?;
        let mut last: u64 = request.headers.get("last-event-id").and_then(|id| id.parse().ok()).unwrap_or(0);
        loop {
            let head = self.store.head(&collection).ok()?;
            if head.sequence.0 > last {
                last = head.sequence.0;
                let data = serde_json::to_string(&head).unwrap();
                stream.write_all(format!("event: head\nid: {last}\ndata: {data}\n\n").as_bytes()).ok()?;
            }
            self.store.wait(&collection, &head, Duration::from_secs(1)).ok()?;
            stream.write_all(b": alive\n\n").ok()?;
        }
    }

    fn answer(&self, route: Route, parameters: &[String], request: &Request) -> Result<Answer, Error> {
        match route {
            Route::About => {
                return Ok(json(&About { service: "syncretic".into(), version: "0".into(), api: 1, store: self.id, now: Timestamp(0) }));
            }
            Route::Enroll => {
                let enroll: Enroll = request.message()?;
                signed_by(&enroll.device, &signed::enrollment(&enroll.code, &enroll.device, &enroll.name), &enroll.signature)?;
                return Ok(json(&Enrolled { store: self.id, device: self.store.enroll(enroll)? }));
            }
            Route::Challenge => {
                let Challenge { device } = request.message()?;
                let nonce = Nonce(random());
                self.nonces.lock().unwrap().insert(nonce, device);
                return Ok(json(&Challenged { store: self.id, nonce, until: Timestamp(0) }));
            }
            Route::Token => {
                let proof: Proof = request.message()?;
                let device = self.nonces.lock().unwrap().remove(&proof.nonce);
                if device != Some(proof.device) {
                    return Err(Error::Unauthenticated("the nonce is not good".to_owned()));
                }
                signed_by(&proof.device, &signed::challenge(&self.id, &proof.nonce, &proof.device), &proof.signature)?;
                self.store.authorise(&proof.device, Access::Device, None)?;
                let token = Token(random());
                self.tokens.lock().unwrap().insert(token.to_string(), proof.device);
                return Ok(json(&Granted { token, until: Timestamp(0), seconds: 900, device: self.store.device(&proof.device)? }));
            }
            _ => {}
        }
        let caller = self.caller(request)?;
        let collection = if route.template().contains("{collection}") {
            Some(parameters[0].parse::<Collection>().map_err(|error| Error::Malformed(error.to_string()))?)
        } else {
            None
        };
        let authorised = self.store.authorise(&caller, route.access(), collection.as_ref().filter(|_| route != Route::CreateCollection))?;
        match &collection {
            Some(collection) => self.on(route, collection, parameters, request, &authorised),
            None => self.manage(route, parameters, request, &caller),
        }
    }

    fn manage(&self, route: Route, parameters: &[String], request: &Request, caller: &DeviceId) -> Result<Answer, Error> {
        let device = || parameters[0].parse::<DeviceId>().map_err(|error| Error::Malformed(error.to_string()));
        Ok(match route {
            Route::Me => json(&self.store.device(caller)?),
            Route::ListCollections => json(&Collections { collections: self.store.collections(caller)? }),
            Route::ListDevices => json(&Devices { devices: self.store.devices()? }),
            Route::ShowDevice => json(&self.store.device(&device()?)?),
            Route::RenameDevice => json(&self.store.rename(caller, &device()?, &request.message::<Rename>()?.name)?),
            Route::RevokeDevice => json(&self.store.revoke(caller, &device()?)?),
            Route::Invite => json(&self.store.invite(caller, request.message()?)?),
            Route::Audit => json(&self.store.audit(request.query("after")?, request.query("limit")?)?),
            other => return Err(Error::NotFound(other.name().to_owned())),
        })
    }

    fn on(
        &self,
        route: Route,
        collection: &Collection,
        parameters: &[String],
        request: &Request,
        authorised: &Authorised,
    ) -> Result<Answer, Error> {
        let (store, caller) = (&self.store, &authorised.device);
        let last = parameters.last().map(String::as_str).unwrap_or_default();
        let malformed = |error: ids::NotAnId| Error::Malformed(error.to_string());
        let seconds = request.query.get("wait").and_then(|wait| wait.parse().ok()).unwrap_or(0);
        Ok(match route {
            Route::CreateCollection => {
                store.create(caller, collection)?;
                json(&store.state_as(collection, Right::Admin)?)
            }
            Route::CollectionState => json(&store.state_as(collection, authorised.right)?),
            Route::CollectionSettings => json(&store.set(caller, collection, &request.message()?)?),
            Route::Head if seconds > 0 => {
                let known = Cursor { log: request.query("log")?, sequence: Sequence(0), hash: request.query("hash")? };
                let head = store.head(collection)?;
                let same = head.log == known.log && head.hash == known.hash;
                json(&if same { store.wait(collection, &head, Duration::from_secs(seconds))? } else { head })
            }
            Route::Head => json(&store.head(collection)?),
            Route::Place => json(&store.place(collection, Sequence(last.parse().map_err(|_| Error::Malformed("sequence".to_owned()))?))?),
            Route::Read => {
                store.may_read(caller, collection)?;
                let cursor = Cursor { log: request.query("log")?, sequence: Sequence(request.query("sequence")?), hash: request.query("hash")? };
                let page = store.read(collection, &cursor, request.query("limit")?)?;
                (200, wire::PAGE, wire::encode_page(&page))
            }
            Route::Append => {
                let envelope = Envelope::decode(&request.body)?;
                signed_by(&envelope.device, &envelope.signed(collection), &envelope.signature)?;
                let fence = request.headers.get(FENCE).and_then(|fence| fence.parse().ok()).map(Fence);
                match store.append_as(Caller::Device(*caller), collection, &envelope, fence)? {
                    Appended::Entry(entry) => (200, wire::APPENDED, wire::encode_appended(&envelope.base, &entry, &envelope)),
                    Appended::Stale(page) => (409, wire::PAGE, wire::encode_page(&page)),
                }
            }
            Route::Find => {
                let found = store.find(collection, &request.message::<Find>()?.transactions)?;
                json(&Found { transactions: found.into_iter().map(|(transaction, cursor)| FoundAt { transaction, cursor }).collect() })
            }
            Route::Arrived => store.arrived_as(caller, collection, &request.message()?).map(|()| done())?,
            Route::GetSnapshot => store.snapshot(collection)?.map_or_else(done, |snapshot| (200, wire::BYTES, snapshot.encode())),
            Route::PutSnapshot => store.put_snapshot(collection, &Snapshot::decode(&request.body)?).map(|()| done())?,
            Route::MissingBlobs => json(&Blobs { blobs: store.missing(collection, &request.message::<Blobs>()?.blobs)? }),
            Route::GetBlob => {
                let mut bytes = Vec::new();
                store.blob(collection, last.parse().map_err(malformed)?, &mut bytes)?;
                (200, wire::BYTES, bytes)
            }
            Route::PutBlob => store.put_blob(collection, last.parse().map_err(malformed)?, &mut request.body.as_slice()).map(|()| done())?,
            Route::ShowLease => json(&Leases { lease: store.lease(collection)? }),
            Route::AcquireLease => json(&store.acquire_as(caller, collection, request.message::<LeaseFor>()?.time())?),
            Route::RenewLease => {
                let message: LeaseFor = request.message()?;
                json(&store.renew_as(caller, collection, message.fence.unwrap_or_default(), message.time())?)
            }
            Route::ReleaseLease => store.release_as(caller, collection, Fence(last.parse().unwrap_or(0))).map(|()| done())?,
            Route::SetGrant => store.set_grant(caller, collection, &last.parse().map_err(malformed)?, &request.message()?).map(|()| done())?,
            Route::RemoveGrant => store.remove_grant(caller, collection, &last.parse().map_err(malformed)?).map(|()| done())?,
            Route::Compact => {
                let horizon = request.message::<Compact>()?.horizon.map_or_else(|| store.newest_snapshot(collection), Ok)?;
                json(&store.compact(collection, &horizon)?)
            }
            other => return Err(Error::NotFound(other.name().to_owned())),
        })
    }
}

fn problem(error: &Error) -> Answer {
    let problem = Problem::from(error);
    (problem.status, PROBLEM, serde_json::to_vec(&problem).unwrap())
}

fn write(stream: &mut TcpStream, (status, kind, body): &Answer) -> Option<()> {
    let length = if *status == 204 { String::new() } else { format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()) };
    stream.write_all(format!("HTTP/1.1 {status} x\r\nConnection: close\r\n{length}\r\n").as_bytes()).ok()?;
    stream.write_all(body).ok()
}
