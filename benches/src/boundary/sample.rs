//! An adapter of as many records as its place's name says, each of about 350 bytes: contacts that nobody keeps anywhere.

use std::io::Write;
use std::path::PathBuf;

use adapter::{
    Adapter, Atomicity, Blobs, Description, Error, Fate, Fingerprint, Format, Host, Item, Key, Keys, Known, Mode, Op, Options, Outcomes,
    Place, Profile, Scan, Sink, StepId, View,
};
use record::{Digest, Kind, Pattern, Record, Value};

/// The format.
pub(crate) struct Sample;

impl Format for Sample {
    fn describe(&self) -> Description {
        Description { id: "org.example.sample", summary: "Records that are made up.", kinds: vec![Kind::CONTACT], options: Vec::new() }
    }

    fn open(&self, path: PathBuf, _options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        let count = path.to_str().and_then(|count| count.parse().ok());
        let count = count.ok_or_else(|| Error::Source { path: path.clone(), reason: "is no number of records".to_owned() })?;
        let profile = Profile {
            kinds: vec![Kind::CONTACT],
            keys: Keys::Stable,
            atomicity: Atomicity::None,
            view: View(vec![Pattern::new("**")]),
            volatile: View::default(),
            unique: None,
        };
        Ok(Box::new(Opened { count, path, host, profile }))
    }
}

struct Opened {
    count: u64,
    path: PathBuf,
    host: Box<dyn Host>,
    profile: Profile,
}

/// Makes one record up.
fn record(number: u64) -> Record {
    let text = Value::Text;
    Record::new(Kind::CONTACT)
        .with("uid", text(format!("urn:uuid:6ba7b810-9dad-11d1-80b4-{number:012}")))
        .with("name/full", text(format!("Person With A Name {number}")))
        .with("name/given", text(format!("Person {number}")))
        .with("emails/1/address", text(format!("person.number.{number}@mail.example.org")))
        .with("phones/1/number", text(format!("+49 30 555 {number}")))
        .with("notes/1/note", text(format!("met at the meeting about the {number} things that matter most to us all")))
        .with("addresses/1/street", text(format!("Unter den vielen Linden {number}")))
}

impl Opened {
    fn nothing(&self) -> Error {
        Error::Source { path: self.path.clone(), reason: "holds nothing that could be changed".to_owned() }
    }
}

impl Adapter for Opened {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        for number in 0..self.count {
            if number.is_multiple_of(1024) && self.host.cancelled() {
                return Err(Error::Cancelled);
            }
            let key = Key(format!("person-{number}"));
            let fingerprint = Fingerprint([number.to_be_bytes(); 4].concat());
            if known.fingerprint(&key).as_ref() == Some(&fingerprint) {
                out.unchanged(key, fingerprint);
            } else {
                out.item(Item { key, fingerprint, record: record(number), place: Place::default() });
            }
        }
        Ok(Scan { root: b"sample".to_vec(), note: None })
    }

    fn apply(&mut self, _: StepId, _: &[Op<'_>], _: Mode, _: &dyn Blobs, _: &mut dyn Outcomes) -> Result<(), Error> {
        Err(self.nothing())
    }

    fn recover(&mut self, _: StepId) -> Result<Vec<Fate>, Error> {
        Ok(Vec::new())
    }

    fn settle(&mut self, _: StepId) -> Result<(), Error> {
        Ok(())
    }

    fn blob(&mut self, _: &Key, _: Digest, _: &mut dyn Write) -> Result<(), Error> {
        Err(self.nothing())
    }
}
