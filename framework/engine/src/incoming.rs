//! Blobs that are on their way in: large ones are put together in files beside the object store, from what is here and what is not.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use adapter::{Blobs, Key};
use chunks::ChunkKey;
use chunks::download::{Source, assemble};
use protocol::{BlobId, Chunk, ChunkId, Collection, Error as StoreError, Recipe, Store};
use record::{Digest, Record, Value};

use crate::context::Session;
use crate::error::Error;
use crate::progress::{Assembled, Counted, Phase, Work};
use crate::texts::Texts;

/// Blobs from this length on are put together in a file, where an interrupted transfer goes on.
const LARGE: u64 = 1 << 20;

/// Gives adapters the blobs that the collection holds.
#[derive(Clone, Copy)]
pub(crate) struct StoreBlobs<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) collection: &'a Collection,
    /// Where large ones lie that have been fetched.
    pub(crate) folder: Option<&'a Path>,
    /// What was made here and the store does not have yet.
    pub(crate) texts: &'a Texts,
}

/// Counts what adapters read of blobs.
pub(crate) struct CountedBlobs<'a> {
    pub(crate) inner: StoreBlobs<'a>,
    pub(crate) work: &'a Work<'a>,
}

impl Blobs for CountedBlobs<'_> {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, adapter::Error> {
        Ok(Box::new(Counted { inner: self.inner.open(digest)?, work: self.work }))
    }
}

impl Blobs for StoreBlobs<'_> {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, adapter::Error> {
        if let Some(made) = self.texts.content(digest) {
            return Ok(Box::new(made));
        }
        // A file with this name has been whole, and is this process's alone.
        if let Some(file) = self.folder.and_then(|folder| File::open(folder.join(name(BlobId(digest.0), "whole"))).ok()) {
            return Ok(Box::new(file));
        }
        let transient = |error: StoreError| adapter::Error::Transient { reason: error.to_string(), retry_after: None };
        self.store.open_blob(self.collection, BlobId(digest.0)).map_err(transient)
    }
}

/// The collection, as blobs are fetched from it.
struct From<'a>(&'a dyn Store, &'a Collection);

impl Source for From<'_> {
    fn recipe(&self, id: BlobId) -> Result<Recipe, StoreError> {
        self.0.recipe(self.1, id)
    }

    fn get(&self, chunks: &[ChunkId]) -> Result<Vec<Chunk>, StoreError> {
        let mut found = Vec::with_capacity(chunks.len());
        self.0.chunks(self.1, chunks, &mut |chunk| {
            found.push(chunk);
            Ok(())
        })?;
        Ok(found)
    }
}

/// A large blob that an item is to get, and what the item holds in its place.
pub(crate) struct Wanted {
    blob: BlobId,
    length: u64,
    old: Option<(Key, Digest)>,
}

/// Returns the large blobs of `target` that the item does not show.
pub(crate) fn wanted<'a>(target: &'a Record, item: Option<(&'a Key, &'a Record)>) -> impl Iterator<Item = Wanted> + 'a {
    target.fields.iter().filter_map(move |(pointer, value)| {
        let Value::Blob(blob) = value else { return None };
        let old = item.and_then(|(key, shown)| match shown.fields.get(pointer) {
            Some(Value::Blob(old)) => Some((key.clone(), old.digest)),
            _ => None,
        });
        let new = old.as_ref().is_none_or(|(_, old)| *old != blob.digest);
        (new && blob.length >= LARGE).then_some(Wanted { blob: BlobId(blob.digest.0), length: blob.length, old })
    })
}

/// Fetches large blobs before they are written, from a store that is elsewhere: what an interrupted sync had of them is used, and so is
/// what the item holds that is to be replaced. Returns where they lie.
pub(crate) fn fetch(session: &mut Session<'_>, wanted: &[Wanted]) -> Result<Option<PathBuf>, Error> {
    let Some(folder) = session.trees.objects().incoming().filter(|_| session.doors.store.is_shared()) else { return Ok(None) };
    let names: BTreeSet<String> = wanted.iter().flat_map(|wanted| [name(wanted.blob, "part"), name(wanted.blob, "whole")]).collect();
    clear(&folder, &names);
    if wanted.is_empty() {
        return Ok(None);
    }
    let failed =
        |error: std::io::Error| Error::Objects { place: folder.display().to_string(), reason: format!("it cannot be made: {error}") };
    fs::create_dir_all(&folder).map_err(failed)?;
    let fetching = session.begin(Phase::Fetch, Some(wanted.len() as u64), Some(wanted.iter().map(|wanted| wanted.length).sum()));
    for one in wanted {
        // Of other errors the adapter hears when it opens the blob, and names the item.
        let fetched = fetch_one(session, &folder, one, &fetching);
        fetching.item();
        if let Err(error @ (StoreError::Unavailable(_) | StoreError::TooMany { .. } | StoreError::Unauthenticated(_))) = fetched {
            // It goes on from here when the store is there again.
            return Err(error.into());
        }
    }
    fetching.end(0);
    Ok(Some(folder))
}

fn fetch_one(session: &mut Session<'_>, folder: &Path, wanted: &Wanted, work: &Work<'_>) -> Result<(), StoreError> {
    let [part, whole] = ["part", "whole"].map(|ending| folder.join(name(wanted.blob, ending)));
    if whole.exists() {
        // Whether it still is the blob is looked at again: nobody synced it to the disk.
        fs::rename(&whole, &part).map_err(|error| unwritten(&whole, &error))?;
    }
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(&part);
    let file = opened.map_err(|error| unwritten(&part, &error))?;
    let mut into = Assembled { file, work };
    let (collection, adapter) = (&session.settings.collection, &mut *session.adapter);
    let mut local = |to: &mut dyn Write| match &wanted.old {
        Some((key, digest)) => adapter.blob(key, *digest, to).map_err(|error| std::io::Error::other(error.to_string())),
        None => Ok(()),
    };
    assemble(&From(session.doors.store, collection), &ChunkKey::of(collection), wanted.blob, &mut local, &mut into)?;
    fs::rename(&part, &whole).map_err(|error| unwritten(&whole, &error))
}

fn unwritten(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Failed(format!("cannot write `{}`: {error}", path.display()))
}

fn name(blob: BlobId, ending: &str) -> String {
    format!("{blob}.{ending}")
}

/// Removes what was written by now, or is not wanted any more.
pub(crate) fn clear(folder: &Path, but: &BTreeSet<String>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|item| item.path()) {
        if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| !but.contains(name)) {
            // What stays takes space until the next sync.
            let _ = fs::remove_file(&path);
        }
    }
}
