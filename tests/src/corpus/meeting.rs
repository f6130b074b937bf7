//! Two endpoints of one format, started from one file: the second holds everything after one sync, and a second writes nothing.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::objects::memory::Memory as Kept;
use engine::{Doors, Endpoint, Guard, Keys, Randomness, Settings};
use protocol::{Collection, DeviceId, Signature};
use record::Digest;

use super::endpoint::open;
use super::examination::{Format, begin};
use super::reader::{entries, lost};

/// A key that anybody could have: here is only one device.
struct OnlyDevice;

impl Keys for OnlyDevice {
    fn device(&self) -> DeviceId {
        DeviceId([7; 32])
    }

    fn sign(&self, message: &[u8]) -> Signature {
        let digest = Digest::of(message);
        let mut signature = [0; 64];
        signature.iter_mut().zip(digest.0.iter().cycle()).for_each(|(to, from)| *to = *from);
        Signature(signature)
    }

    fn verify(&self, _: &Collection, _: &DeviceId, message: &[u8], signature: &Signature) -> bool {
        self.sign(message) == *signature
    }
}

/// Ids that follow each other.
#[derive(Default)]
struct Counted(AtomicU64);

impl Randomness for Counted {
    fn id(&self) -> [u8; 16] {
        Digest::of(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes()).head()
    }
}

/// Syncs twice, and returns what was wrong.
pub(super) fn meet(bytes: &[u8], format: Format, version: Option<&str>, one: &Path, other: &Path) -> Result<Vec<String>, String> {
    fs::write(one, bytes).map_err(|error| error.to_string())?;
    begin(format, other, bytes)?;
    let text = |error: adapter::Error| format!("an endpoint cannot be opened: {error}");
    let endpoint = |name: &str, path: &Path, version| {
        Ok::<_, String>(Endpoint {
            name: name.to_owned(),
            adapter: open(format, path, version).map_err(text)?,
            objects: Box::new(Kept::default()),
        })
    };
    let mut endpoints = [endpoint("one", one, None)?, endpoint("other", other, version)?];
    let store = store::Memory::seeded(1);
    let randomness = Counted::default();
    let doors = Doors { store: &store, keys: &OnlyDevice, randomness: &randomness, progress: &engine::Nobody, pass: &|_| true };
    let collection: Collection = "corpus".parse().map_err(|_| "no collection".to_owned())?;
    let settings = Settings {
        collection,
        policy: delta::Policy::Store,
        guard: Guard { percent: 10, minimum: 5 },
        link: true,
        confirmed: Default::default(),
        merge_text: false,
        device: String::new(),
    };
    let sync = |endpoints: &mut [Endpoint]| engine::run(&doors, endpoints, &settings).map_err(|error| format!("the sync stopped: {error}"));
    let first = sync(&mut endpoints)?;
    let mut wrong: Vec<String> =
        first.reports.get(1).into_iter().flat_map(|report| &report.held).map(|held| format!("held: {}", held.reason)).collect();
    let (old, new) = (fs::read(one).unwrap_or_default(), fs::read(other).unwrap_or_default());
    if old != bytes {
        wrong.push("the first sync changed the file that it only had to read".to_owned());
    }
    wrong.extend(lost(&entries(bytes, format), &entries(&new, format)));
    let second = sync(&mut endpoints)?;
    let written: u64 = second.reports.iter().map(|report| report.bytes_written).sum();
    let changed = fs::read(one).unwrap_or_default() != old || fs::read(other).unwrap_or_default() != new;
    if changed || written > 0 {
        wrong.push(format!("the second sync wrote {written} bytes"));
    }
    Ok(wrong)
}
