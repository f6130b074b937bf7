//! A server with its store in a temporary folder, a clock that is moved by hand, and devices that ask it.

use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::{Signer, SigningKey};
use http::{Options, Running};
use protocol::messages::{Challenge, Challenged, Enroll, Enrolled, Grant, Granted, Invitation, Invite, Proof};
use protocol::problem::Problem;
use protocol::routes::{Method, Route};
use protocol::{Code, Collection, Cursor, DeviceId, Envelope, Header, Right, Signature, Snapshot, StoreId, Token, TransactionId, signed};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::clock::Standing;
use syncretic_http as http;
use tempfile::TempDir;

/// A server and its clock.
pub(crate) struct Asked {
    pub(crate) running: Running,
    pub(crate) clock: Arc<Standing>,
    _folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Returns the problem's code; empty if it is none.
    pub(crate) fn code(&self) -> String {
        if self.kind == protocol::problem::PROBLEM { self.json::<Problem>().code } else { String::new() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A request.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: Option<Token>,
    pub(crate) kind: &'a str,
    pub(crate) fence: Option<u64>,
    pub(crate) body: Option<&'a [u8]>,
}

impl Asked {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Standing::at(protocol::Timestamp(1_800_000_000_000)));
        let mut options = Options::new(folder.path().to_owned(), "127.0.0.1:0".parse().unwrap());
        options.clock = Arc::clone(&clock) as Arc<dyn store::Clock>;
        change(&mut options);
        Self { running: http::start(options).unwrap(), clock, _folder: folder }
    }

    pub(crate) fn ask(&self, request: &Request<'_>) -> Answered {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).build().into();
        let mut builder =
            ureq::http::Request::builder().method(request.method.as_str()).uri(format!("{}{}", self.running.url(), request.path));
        if let Some(token) = request.token {
            builder = builder.header("authorization", format!("Bearer {token}"));
        }
        if let Some(fence) = request.fence {
            builder = builder.header(protocol::routes::FENCE, fence.to_string());
        }
        if !request.kind.is_empty() {
            builder = builder.header("content-type", request.kind);
        }
        let answer = match request.body {
            Some(body) => agent.run(builder.body(body).unwrap()),
            None => agent.run(builder.body(()).unwrap()),
        };
        let mut answer = answer.unwrap();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let kind = header("content-type");
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let status = answer.status().as_u16();
        Answered { status, kind, headers, body: answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap() }
    }

    /// Sends a message to a route.
    pub(crate) fn send(&self, token: Option<Token>, route: Route, parameters: &[&str], message: &impl Serialize) -> Answered {
        let body = serde_json::to_vec(message).unwrap();
        let (method, path) = (route.method(), route.path(parameters));
        self.ask(&Request { method, path, token, kind: "application/json", fence: None, body: Some(&body) })
    }

    /// Asks a route without a body.
    pub(crate) fn get(&self, token: Option<Token>, route: Route, parameters: &[&str], query: &str) -> Answered {
        let path = format!("{}{query}", route.path(parameters));
        self.ask(&Request { method: route.method(), path, token, kind: "", fence: None, body: None })
    }

    pub(crate) fn append(&self, token: Token, collection: &Collection, envelope: &Envelope, fence: Option<u64>) -> Answered {
        let body = envelope.encode();
        let (method, path) = (Method::Post, Route::Append.path(&[collection.as_str()]));
        self.ask(&Request { method, path, token: Some(token), kind: protocol::wire::BYTES, fence, body: Some(&body) })
    }

    pub(crate) fn head(&self, token: Token, collection: &Collection) -> Cursor {
        self.get(Some(token), Route::Head, &[collection.as_str()], "").json()
    }

    /// Enrolls the first administrator, and makes a collection.
    pub(crate) fn administrator(&self, collection: &Collection) -> Device {
        let device = Device::new(1);
        let code = self.running.code().unwrap();
        assert_eq!(device.enroll(self, code, "admin").status, 200);
        let device = device.signed_in(self);
        assert_eq!(self.get(device.token, Route::CreateCollection, &[collection.as_str()], "").status, 200);
        device
    }

    /// Enrolls a device with a right on a collection.
    pub(crate) fn device(&self, administrator: &Device, seed: u8, name: &str, right: Option<(&Collection, Right, Option<u64>)>) -> Device {
        let grants =
            right.into_iter().map(|(collection, right, delete_budget)| Grant { collection: collection.clone(), right, delete_budget });
        let invite = Invite { grants: grants.collect(), administrator: false, seconds: None };
        let invitation: Invitation = self.send(administrator.token, Route::Invite, &[], &invite).json();
        let device = Device::new(seed);
        let answer = device.enroll(self, invitation.code, name);
        assert_eq!(answer.status, 200, "{answer:?}");
        device.signed_in(self)
    }
}

/// A device.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) key: SigningKey,
    pub(crate) token: Option<Token>,
}

impl Device {
    pub(crate) fn new(seed: u8) -> Self {
        Self { key: SigningKey::from_bytes(&[seed; 32]), token: None }
    }

    pub(crate) fn id(&self) -> DeviceId {
        DeviceId(self.key.verifying_key().to_bytes())
    }

    pub(crate) fn token(&self) -> Token {
        self.token.unwrap()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.key.sign(message).to_bytes())
    }

    pub(crate) fn enroll(&self, asked: &Asked, code: Code, name: &str) -> Answered {
        let signature = self.sign(&signed::enrollment(&code, &self.id(), name));
        let answer = asked.send(None, Route::Enroll, &[], &Enroll { code, device: self.id(), name: name.into(), signature });
        if answer.status == 200 {
            assert_eq!(answer.json::<Enrolled>().device.name, name);
        }
        answer
    }

    pub(crate) fn prove(&self, asked: &Asked) -> Answered {
        let challenged: Challenged = asked.send(None, Route::Challenge, &[], &Challenge { device: self.id() }).json();
        self.prove_with(asked, challenged.nonce, challenged.store)
    }

    pub(crate) fn prove_with(&self, asked: &Asked, nonce: protocol::Nonce, store: StoreId) -> Answered {
        let signature = self.sign(&signed::challenge(&store, &nonce, &self.id()));
        asked.send(None, Route::Token, &[], &Proof { device: self.id(), nonce, signature })
    }

    pub(crate) fn signed_in(self, asked: &Asked) -> Self {
        let granted: Granted = self.prove(asked).json();
        Self { token: Some(granted.token), ..self }
    }

    pub(crate) fn envelope(&self, collection: &Collection, base: Cursor, number: u8, payload: &[u8]) -> Envelope {
        self.deleting(collection, base, number, payload, 0)
    }

    pub(crate) fn deleting(&self, collection: &Collection, base: Cursor, number: u8, payload: &[u8], deletions: u64) -> Envelope {
        let header = Header { operations: 1, deletions, records: Vec::new() };
        let (transaction, signature) = (TransactionId([number; 16]), Signature([0; 64]));
        let mut envelope = Envelope { transaction, device: self.id(), base, header, payload: payload.to_vec(), signature };
        envelope.signature = self.sign(&envelope.signed(collection));
        envelope
    }

    pub(crate) fn snapshot(&self, collection: &Collection, cursor: Cursor) -> Snapshot {
        let mut snapshot = Snapshot { cursor, device: self.id(), payload: b"state".to_vec(), signature: Signature([0; 64]) };
        snapshot.signature = self.sign(&snapshot.signed(collection));
        snapshot
    }
}

pub(crate) fn contacts() -> Collection {
    "contacts".parse().unwrap()
}
