//! Laws of blobs: kept whole, checked, streamed, and only in their own collection.

use std::io::{self, Read};

use protocol::{BlobId, Collection, Error, Store};
use sha2::{Digest, Sha256};

use super::{Bench, Broken, Law, equal, refused, require};

pub(super) const LAWS: &[Law] = &[
    Law { name: "a blob that was missing is put and comes back", check: round_trip },
    Law { name: "a blob of another digest is refused and nothing is kept", check: wrong_digest_is_refused },
    Law { name: "a blob whose source breaks off is not kept", check: broken_source_is_not_kept },
    Law { name: "a blob of a few megabytes comes in small pieces", check: pieces },
    Law { name: "a blob of one collection is not seen in another", check: own_collection },
    Law { name: "a blob outlives reopening and is put twice without harm", check: twice },
];

fn id(bytes: &[u8]) -> BlobId {
    BlobId(Sha256::digest(bytes).into())
}

fn content(store: &dyn Store, collection: &Collection, id: BlobId) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    store.blob(collection, id, &mut bytes)?;
    Ok(bytes)
}

/// Requires that a blob is not there, neither by name nor by content.
fn absent(store: &dyn Store, collection: &Collection, id: BlobId) -> Result<(), Broken> {
    equal("what is missing", &store.missing(collection, &[id])?, &vec![id])?;
    refused("reading it", content(store, collection, id), |error| matches!(error, Error::NoSuchBlob(_)))
}

fn round_trip(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let (one, empty) = (b"one blob".as_slice(), b"".as_slice());
    absent(&*bench.store, &collection, id(one))?;
    bench.store.put_blob(&collection, id(one), &mut { one })?;
    equal("the blob", &content(&*bench.store, &collection, id(one))?, &one.to_vec())?;
    let missing = bench.store.missing(&collection, &[id(b"two"), id(one), id(b"three")])?;
    equal("the missing of three", &missing, &vec![id(b"two"), id(b"three")])?;
    bench.store.put_blob(&collection, id(empty), &mut { empty })?;
    equal("the empty blob", &content(&*bench.store, &collection, id(empty))?, &empty.to_vec())?;
    equal("the missing of none", &bench.store.missing(&collection, &[])?, &Vec::new())
}

fn wrong_digest_is_refused(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let (promised, given) = (b"promised".as_slice(), b"given".as_slice());
    let answer = bench.store.put_blob(&collection, id(promised), &mut { given });
    refused("another blob", answer, |error| matches!(error, Error::Integrity(_)))?;
    absent(&*bench.store, &collection, id(promised))?;
    absent(&*bench.store, &collection, id(given))?;
    bench.store.put_blob(&collection, id(promised), &mut { promised })?;
    let answer = bench.store.put_blob(&collection, id(promised), &mut { given });
    refused("another blob where there is one", answer, |error| matches!(error, Error::Integrity(_)))?;
    equal("the blob that stays", &content(&*bench.store, &collection, id(promised))?, &promised.to_vec())
}

/// Yields bytes in pieces of odd lengths, with interruptions, and can break off at the end.
struct Pieces<'a> {
    bytes: &'a [u8],
    turn: usize,
    breaks: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.bytes.is_empty() && self.breaks {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let most = buffer.len().min(1 + self.turn * 7 % 9001);
        self.bytes.read(buffer.get_mut(..most).unwrap_or_default())
    }
}

fn broken_source_is_not_kept(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let bytes = vec![5; 100_000];
    let mut source = Pieces { bytes: &bytes, turn: 0, breaks: true };
    refused("a source that breaks off", bench.store.put_blob(&collection, id(&bytes), &mut source), |_| true)?;
    absent(&*bench.store, &collection, id(&bytes))
}

fn pieces(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let bytes: Vec<u8> = (0..3_333_333_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    bench.store.put_blob(&collection, id(&bytes), &mut Pieces { bytes: &bytes, turn: 0, breaks: false })?;
    let same = content(&*bench.store, &collection, id(&bytes))? == bytes;
    require(same, || "a blob of 3 MB came back as another one".into())
}

fn own_collection(bench: &Bench<'_>) -> Result<(), Broken> {
    let ((one, _), (other, _)) = (bench.log()?, bench.log()?);
    let bytes = b"mine".as_slice();
    bench.store.put_blob(&one, id(bytes), &mut { bytes })?;
    absent(&*bench.store, &other, id(bytes))
}

fn twice(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let bytes = b"twice".as_slice();
    bench.store.put_blob(&collection, id(bytes), &mut { bytes })?;
    bench.store.put_blob(&collection, id(bytes), &mut { bytes })?;
    let reopened = bench.subject.open()?;
    equal("the missing after reopening", &reopened.missing(&collection, &[id(bytes)])?, &Vec::new())?;
    equal("the blob after reopening", &content(&*reopened, &collection, id(bytes))?, &bytes.to_vec())
}
