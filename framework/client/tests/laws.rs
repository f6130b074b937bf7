//! The store at the other end of HTTP keeps the laws that every store keeps.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Mutex;
use std::time::Duration;

use client::retry::{Policy, Rest};
use client::{Address, Key, Line, Manners, Names, Remote, Roster, Session, Timeouts, manage};
use ed25519_dalek::{Signer, SigningKey};
use protocol::messages::Invite;
use protocol::{Code, Collection, DeviceId, Envelope, Error, Signature, Snapshot, Store, StoreId};
use store::laws::{self, Subject};
use syncretic_client as client;

#[derive(Clone)]
struct Pen(SigningKey);

impl Key for Pen {
    fn device(&self) -> DeviceId {
        DeviceId(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

struct Calm;

impl Rest for Calm {
    fn pause(&self, length: Duration) -> bool {
        std::thread::sleep(length);
        true
    }

    fn random(&self) -> u64 {
        0
    }
}

fn pen() -> Pen {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).unwrap();
    Pen(SigningKey::from_bytes(&secret))
}

fn manners() -> Manners {
    Manners { policy: Policy::default(), rest: Box::new(Calm) }
}

/// A server, and the devices that administer it.
struct Network {
    _server: http::Running,
    address: Address,
    id: StoreId,
    pens: Mutex<Vec<Pen>>,
}

impl Network {
    fn begin(folder: &std::path::Path) -> Self {
        let server = http::start(http::Options::new(folder.to_owned(), "127.0.0.1:0".parse().unwrap())).unwrap();
        let (address, code) = (server.url().parse().unwrap(), server.code().unwrap());
        let network = Self { _server: server, address, id: StoreId([0; 16]), pens: Mutex::default() };
        let enrolled = network.enroll(code, "first").unwrap();
        Self { id: enrolled, ..network }
    }

    fn line(&self) -> Line {
        Line::new(self.address.clone(), Timeouts::default(), None).unwrap()
    }

    fn enroll(&self, code: Code, name: &str) -> Result<StoreId, Error> {
        let pen = pen();
        let enrolled = manage::enroll(self.line(), Box::new(pen.clone()), manners(), code, name)?;
        self.pens.lock().unwrap().push(pen);
        Ok(enrolled.store)
    }

    fn remote(&self, pen: usize) -> Remote {
        let pen = self.pens.lock().unwrap()[pen].clone();
        Remote::new(Session::new(self.line(), self.id, Box::new(pen), manners()), Roster::new(Names::new(), |_| {}))
    }

    fn sealed(&self, pen: usize, collection: &Collection, mut envelope: Envelope) -> Envelope {
        let pen = self.pens.lock().unwrap()[pen].clone();
        envelope.device = pen.device();
        envelope.signature = pen.sign(&envelope.signed(collection));
        envelope
    }
}

impl Subject for Network {
    fn open(&self) -> Result<Box<dyn Store>, Error> {
        Ok(Box::new(self.remote(0)))
    }

    fn seal(&self, collection: &Collection, envelope: Envelope) -> Envelope {
        self.sealed(0, collection, envelope)
    }

    fn seal_snapshot(&self, collection: &Collection, mut snapshot: Snapshot) -> Snapshot {
        let pen = self.pens.lock().unwrap()[0].clone();
        snapshot.device = pen.device();
        snapshot.signature = pen.sign(&snapshot.signed(collection));
        snapshot
    }

    fn device(&self) -> DeviceId {
        self.pens.lock().unwrap()[0].device()
    }

    fn another(&self) -> Result<Option<(Box<dyn Store>, DeviceId)>, Error> {
        let invite = Invite { administrator: true, grants: Vec::new(), seconds: None };
        let invitation = manage::invite(self.remote(0).session(), &invite)?;
        let count = self.pens.lock().unwrap().len();
        self.enroll(invitation.code, &format!("device {count}"))?;
        let device = self.pens.lock().unwrap()[count].device();
        Ok(Some((Box::new(self.remote(count)), device)))
    }

    fn seal_as(&self, device: &DeviceId, collection: &Collection, envelope: Envelope) -> Envelope {
        let at = self.pens.lock().unwrap().iter().position(|pen| pen.device() == *device).unwrap();
        self.sealed(at, collection, envelope)
    }
}

#[test]
fn the_store_over_http_keeps_every_law() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(format!("{:?}", laws::broken(&Network::begin(folder.path()))), "[]");
}
