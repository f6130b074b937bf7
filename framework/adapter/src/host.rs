//! The host's side of the C boundary: libraries loaded and never unloaded, and the callbacks that they may use.
//!
//! One of two files that may be unsafe; the other is [`crate::abi`]. A call is a number: a slot of a table and how often
//! it was used. Whoever calls back is looked up under the slot's lock, and ending a call takes that lock, so a late
//! callback finds nothing.

#![expect(unsafe_code, reason = "the C boundary")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::size_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::abi::{
    AdapterTable, Blob, Blobs, Bytes, CAnswer, CError, CFate, CFingerprint, CItem, COp, COption, DELETE, EXPECT_ABSENT, EXPECT_FINGERPRINT,
    HostTable, MAJOR, MINOR, PERFORM, PUT, REHEARSE, Same, Secrets, bytes, elements, exactly, size, text,
};
use crate::backend::{Backend, Lookup, Opener, Receiver, Request, is_status};
use crate::crossing::{
    AUTH, BLOB, BLOBS, CANCELLED, CLOSED, FATAL, Failure, OK, PROTOCOL, RawAnswer, RawFate, RawItem, RawOp, SAME, SECRETS, Status,
    TRANSIENT, UNKNOWN, UNSUPPORTED, path_bytes,
};
use crate::elf;
use crate::format::{Host, OptionValue, Options};
use crate::operation::Mode;

/// The symbol that a library exports.
const SYMBOL: &CStr = c"syncretic_adapter_v1";
/// The most calls that run at once in one process.
const SLOTS: usize = 64;
/// The longest text of an error or a log line that is kept.
const LONGEST_TEXT: usize = 4096;

/// One running call.
struct Call<'a> {
    receiver: &'a mut dyn Receiver,
    lookup: Option<&'a dyn Lookup>,
    host: &'a dyn Host,
    thread: ThreadId,
    failure: Option<Failure>,
    breach: Option<Failure>,
}

/// A call that other threads may find.
struct Found(NonNull<Call<'static>>);

// SAFETY: it is only followed under the slot's lock, while the thread that owns the call waits for the library, and
// what is not `Sync` in it only by that very thread.
unsafe impl Send for Found {}

struct Slot {
    id: AtomicU64,
    call: Mutex<Option<Found>>,
}

static TABLE: [Slot; SLOTS] = [const { Slot { id: AtomicU64::new(0), call: Mutex::new(None) } }; SLOTS];
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The number of a slot that nobody may find yet.
const TAKEN: u64 = u64::MAX;

fn slot(call: u64) -> Option<&'static Slot> {
    TABLE.get(usize::try_from(call % SLOTS as u64).ok()?)
}

/// Runs `body` on an open call, or answers that it is over. A bug of ours does not unwind into the library.
fn any_thread(call: u64, body: impl FnOnce(&mut Call<'static>) -> Status) -> Status {
    let Some(slot) = slot(call).filter(|slot| slot.id.load(Ordering::Acquire) == call) else { return CLOSED };
    let guard = slot.call.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(found) = guard.as_ref().filter(|_| slot.id.load(Ordering::Relaxed) == call) else { return CLOSED };
    // SAFETY: under the lock the call is alive, and nobody else follows the pointer.
    let open = unsafe { &mut *found.0.as_ptr() };
    match catch_unwind(AssertUnwindSafe(|| body(open))) {
        Ok(status) => status,
        Err(_) => open.broke(Failure::new(FATAL, "the host has a bug and stopped")),
    }
}

/// As [`any_thread`], for callbacks that belong to the thread that the host called.
fn own_thread(call: u64, body: impl FnOnce(&mut Call<'static>) -> Result<(), Failure>) -> Status {
    any_thread(call, |open| {
        if let Some(breach) = &open.breach {
            return breach.code;
        }
        if open.thread != thread::current().id() {
            return open.broke(Failure::new(PROTOCOL, "it reported from a thread that was not called"));
        }
        match body(open) {
            Ok(()) => OK,
            Err(failure) => open.broke(failure),
        }
    })
}

impl Call<'_> {
    /// Keeps the first rule that was broken: whatever the library answers, the call then fails.
    fn broke(&mut self, failure: Failure) -> Status {
        let code = failure.code;
        self.breach.get_or_insert(failure);
        code
    }
}

/// Reads a text for people: never an error, and never long.
///
/// # Safety
/// As [`Bytes::get`].
unsafe fn words(bytes: Bytes) -> String {
    // SAFETY: the caller's promise is passed on.
    let bytes = unsafe { bytes.get() }.unwrap_or_default();
    String::from_utf8_lossy(bytes.get(..LONGEST_TEXT).unwrap_or(bytes)).into_owned()
}

unsafe extern "C" fn fail(call: u64, error: *const CError) -> Status {
    own_thread(call, |open| {
        // SAFETY: the library lends the struct for the length of this call; null is no reference.
        let error = unsafe { error.as_ref() }.filter(|error| error.size >= size::<CError>());
        let error = error.ok_or_else(|| Failure::new(PROTOCOL, "it failed with an error that is too short"))?;
        let known = (error.retry_after_ms != UNKNOWN).then(|| Duration::from_millis(error.retry_after_ms));
        // SAFETY: as above.
        let (message, subject) = unsafe { (words(error.message), bytes(error.subject, "the subject of an error")?.to_vec()) };
        open.failure = Some(Failure { code: error.code, message, subject, retry_after: known, os_error: error.os_error });
        Ok(())
    })
}

unsafe extern "C" fn document(call: u64, json: Bytes) -> Status {
    // SAFETY: the library lends the bytes for the length of this call.
    own_thread(call, |open| Ok(open.receiver.document(unsafe { bytes(json, "a document") }?)?))
}

unsafe extern "C" fn emit(call: u64, items: *const CItem, count: usize, stride: usize) -> Status {
    own_thread(call, |open| {
        if open.host.cancelled() {
            return Err(Failure::new(CANCELLED, "cancelled"));
        }
        // SAFETY: the library lends the array and what it points to for the length of this call.
        for item in unsafe { elements(items, count, stride) }? {
            // SAFETY: as above.
            open.receiver.item(unsafe { read_item(item) }?)?;
        }
        Ok(())
    })
}

/// # Safety
/// The library lends what the item points to.
unsafe fn read_item(item: &CItem) -> Result<RawItem<'_>, Failure> {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        Ok(RawItem {
            state: item.state,
            key: bytes(item.key, "a key")?,
            fingerprint: bytes(item.fingerprint, "a fingerprint")?,
            record: bytes(item.record, "a record")?,
            path: bytes(item.path, "a path")?,
            line: item.line,
            column: item.column,
            title: bytes(item.title, "a title")?,
            reason: bytes(item.reason, "a reason")?,
        })
    }
}

unsafe extern "C" fn known(call: u64, key: Bytes, fingerprint: *mut CFingerprint) -> Status {
    any_thread(call, |open| {
        // SAFETY: the library lends the key, and a place for the answer, for the length of this call.
        let (key, place) = unsafe { (text(key, "a key"), fingerprint.as_mut().filter(|place| place.size >= size::<CFingerprint>())) };
        let (Ok(key), Some(place)) = (key, place) else {
            return open.broke(Failure::new(PROTOCOL, "it asked what is known with a key that is no text, or without a place for it"));
        };
        place.length = 0;
        if let Some(lookup) = open.lookup {
            place.length = u32::try_from(lookup.known(key, &mut place.bytes)).unwrap_or_default();
        }
        OK
    })
}

unsafe extern "C" fn scanned(call: u64, root: Bytes, note: Bytes) -> Status {
    // SAFETY: the library lends the bytes for the length of this call.
    own_thread(call, |open| unsafe { Ok(open.receiver.scanned(bytes(root, "the root")?, bytes(note, "the note")?)?) })
}

unsafe extern "C" fn answer(call: u64, answers: *const CAnswer, count: usize, stride: usize) -> Status {
    own_thread(call, |open| {
        // SAFETY: the library lends the array and what it points to for the length of this call.
        for answer in unsafe { elements(answers, count, stride) }? {
            // SAFETY: as above.
            let (key, fingerprint, record, reason) = unsafe {
                (
                    bytes(answer.key, "a key")?,
                    bytes(answer.fingerprint, "a fingerprint")?,
                    bytes(answer.record, "a record")?,
                    bytes(answer.reason, "a reason")?,
                )
            };
            let (outcome, index, written) = (answer.outcome, answer.index, answer.bytes);
            open.receiver.answer(RawAnswer { outcome, index, key, fingerprint, record, bytes: written, reason })?;
        }
        Ok(())
    })
}

unsafe extern "C" fn fate(call: u64, fates: *const CFate, count: usize, stride: usize) -> Status {
    own_thread(call, |open| {
        // SAFETY: the library lends the array and what it points to for the length of this call.
        for told in unsafe { elements(fates, count, stride) }? {
            // SAFETY: as above.
            let (key, fingerprint) = unsafe { (bytes(told.key, "a key")?, bytes(told.fingerprint, "a fingerprint")?) };
            open.receiver.fate(RawFate { fate: told.fate, key, fingerprint })?;
        }
        Ok(())
    })
}

unsafe extern "C" fn progress(call: u64, done: u64, of: u64) -> Status {
    any_thread(call, |open| {
        open.host.progress(done, (of != UNKNOWN).then_some(of));
        OK
    })
}

unsafe extern "C" fn cancelled(call: u64) -> i32 {
    i32::from(any_thread(call, |open| i32::from(open.host.cancelled())) != 0)
}

unsafe extern "C" fn log(call: u64, line: Bytes) -> Status {
    any_thread(call, |open| {
        // SAFETY: the library lends the bytes for the length of this call.
        open.host.log(&unsafe { words(line) });
        OK
    })
}

unsafe extern "C" fn secret(call: u64, name: Bytes, into: *mut u8, room: usize, length: *mut usize) -> Status {
    any_thread(call, |open| {
        // SAFETY: the library lends the name, and a place for the length, for the length of this call.
        let (name, place) = unsafe { (text(name, "a secret's name"), length.as_mut()) };
        let (Ok(name), Some(place)) = (name, place) else {
            return open.broke(Failure::new(PROTOCOL, "it asked for a secret without a name, or without a place for its length"));
        };
        let Some(secret) = open.host.secret(name) else { return AUTH };
        *place = secret.len();
        if secret.len() <= room && !into.is_null() {
            // SAFETY: the library says that there is room, and what it lends is not ours.
            unsafe { std::ptr::copy_nonoverlapping(secret.as_ptr(), into, secret.len()) };
        }
        OK
    })
}

unsafe extern "C" fn read_blob(call: u64, digest: *const u8, offset: u64, into: *mut u8, room: usize, length: *mut usize) -> Status {
    own_thread(call, |open| {
        // SAFETY: the library lends the digest, and a place for the length, for the length of this call.
        let (digest, place) = unsafe { (*exactly::<32>(digest, "a digest")?, length.as_mut()) };
        let place = place.ok_or_else(|| Failure::new(PROTOCOL, "it asked for a blob without a place for its length"))?;
        if room > 0 && into.is_null() {
            return Err(Failure::new(PROTOCOL, "it asked for a blob without a place for its bytes"));
        }
        // Into a buffer of ours first, since the library's need not be initialised.
        let mut buffer = vec![0; room.min(1 << 20)];
        let copied = open.receiver.blob(digest, offset, &mut buffer)?.min(buffer.len());
        if copied > 0 {
            // SAFETY: not null, and the library says that there is room for at least as much.
            unsafe { std::ptr::copy_nonoverlapping(buffer.as_ptr(), into, copied) };
        }
        *place = copied;
        Ok(())
    })
}

unsafe extern "C" fn give(call: u64, blob: Bytes) -> Status {
    // SAFETY: the library lends the bytes for the length of this call.
    own_thread(call, |open| Ok(open.receiver.give(unsafe { bytes(blob, "a blob") }?)?))
}

static SECRETS_PART: Secrets = Secrets { size: size::<Secrets>(), reserved: 0, secret: Some(secret) };
static BLOBS_PART: Blobs = Blobs { size: size::<Blobs>(), reserved: 0, read: Some(read_blob), give: Some(give) };

unsafe extern "C" fn extension(id: *const c_char) -> *const c_void {
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: the library gives a text that ends in NUL.
    match unsafe { CStr::from_ptr(id) }.to_str() {
        Ok(SECRETS) => (&raw const SECRETS_PART).cast(),
        Ok(BLOBS) => (&raw const BLOBS_PART).cast(),
        _ => std::ptr::null(),
    }
}

const fn table(size: u32, abi_minor: u16) -> HostTable {
    HostTable {
        size,
        abi_major: MAJOR,
        abi_minor,
        fail: Some(fail),
        document: Some(document),
        emit: Some(emit),
        known: Some(known),
        scanned: Some(scanned),
        answer: Some(answer),
        fate: Some(fate),
        progress: Some(progress),
        cancelled: Some(cancelled),
        log: Some(log),
        extension: Some(extension),
    }
}

static HOST: HostTable = table(size::<HostTable>(), MINOR);

/// A table or struct as a later version of this program could lay it out: longer, and alike as far as ours goes.
#[repr(C)]
#[derive(Clone, Copy)]
struct Later<T> {
    ours: T,
    more: [u64; 4],
}

impl<T> Later<T> {
    const fn of(ours: T) -> Self {
        Self { ours, more: [u64::MAX; 4] }
    }
}

static LATER: Later<HostTable> = Later::of(table(size::<Later<HostTable>>(), MINOR + 1));

type Entry = unsafe extern "C" fn(*const HostTable) -> *const AdapterTable;

/// The functions that a table must have.
#[derive(Clone, Copy)]
struct Functions {
    describe: unsafe extern "C" fn(u64) -> Status,
    open: unsafe extern "C" fn(u64, Bytes, *const COption, usize, usize, *mut *mut c_void) -> Status,
    close: unsafe extern "C" fn(*mut c_void),
    profile: unsafe extern "C" fn(*mut c_void, u64) -> Status,
    scan: unsafe extern "C" fn(*mut c_void, u64) -> Status,
    apply: unsafe extern "C" fn(*mut c_void, u64, *const u8, *const COp, usize, usize, u32) -> Status,
    recover: unsafe extern "C" fn(*mut c_void, u64, *const u8) -> Status,
    settle: unsafe extern "C" fn(*mut c_void, u64, *const u8) -> Status,
    same: Option<unsafe extern "C" fn(*mut c_void, u64, Bytes, *mut i32) -> Status>,
    blob: Option<unsafe extern "C" fn(*mut c_void, u64, Bytes, *const u8) -> Status>,
    /// Whether it is called as a later version would call it.
    later: bool,
}

/// Checks that a file is a whole library for this machine, without running anything. What it says fits after the file's name.
///
/// # Errors
/// Fails with what is wrong and what to do.
pub fn check(path: &Path) -> Result<(), String> {
    elf::check(path)
}

/// A loaded library. It stays mapped until the process ends.
#[derive(Clone)]
pub struct Library {
    id: String,
    functions: Functions,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Library({})", self.id)
    }
}

impl Library {
    /// Loads a library: its header is read first, since opening a torn file can end the process.
    ///
    /// # Errors
    /// Fails with a sentence that names the file if it is no adapter for this machine and this version.
    pub fn load(path: &Path) -> Result<Self, String> {
        Self::load_for(path, &HOST, false)
    }

    /// Loads a library as a later version of this program could: with a longer table of a later minor version, and longer
    /// structs. A library that keeps rule 4 cannot tell the difference.
    ///
    /// # Errors
    /// As [`Library::load`].
    pub fn load_as_later(path: &Path) -> Result<Self, String> {
        Self::load_for(path, &LATER.ours, true)
    }

    fn load_for(path: &Path, host: &'static HostTable, later: bool) -> Result<Self, String> {
        let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
        elf::check(&path).map_err(|reason| format!("{} {reason}", path.display()))?;
        let mut library = Self::open(&path, host).map_err(|reason| format!("{} {reason}", path.display()))?;
        library.functions.later = later;
        Ok(library)
    }

    /// Returns the id that the library says it has.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn open(path: &PathBuf, host: &'static HostTable) -> Result<Self, String> {
        let cannot = |error: libloading::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("cannot be loaded: {}", cause.unwrap_or_else(|| error.to_string()))
        };
        // SAFETY: a person let this file run: its hash was pinned when it was added, and whoever calls has compared it.
        let library = unsafe { libloading::Library::new(path) }.map_err(cannot)?;
        // SAFETY: the header says what the symbol is.
        let entry = unsafe { library.get::<Entry>(SYMBOL) }.map(|symbol| *symbol);
        let entry = entry.map_err(|_| "has no symbol `syncretic_adapter_v1`, so it is no Syncretic adapter".to_owned());
        // Never unloaded: its threads and thread-locals may run until the process ends.
        std::mem::forget(library);
        // SAFETY: the header says what the function takes and gives, and our table lives as long as the process.
        let table = unsafe { entry?(std::ptr::from_ref(host)) };
        // SAFETY: the header promises null or a table that lives as long as the process.
        unsafe { Self::read(table) }
    }

    /// # Safety
    /// `table` is null or points to an adapter's table that lives as long as the process.
    unsafe fn read(table: *const AdapterTable) -> Result<Self, String> {
        if table.is_null() || !table.is_aligned() {
            return Err(format!("refuses this version of Syncretic (ABI {MAJOR}.{MINOR}); update the plugin or Syncretic"));
        }
        // SAFETY: the first eight bytes are promised for every version.
        let (length, major, minor) = unsafe { ((*table).size, (*table).abi_major, (*table).abi_minor) };
        if major != MAJOR {
            return Err(format!(
                "speaks ABI {major}.{minor} and this Syncretic ABI {MAJOR}.{MINOR}; get the plugin built for this version"
            ));
        }
        if length < size::<AdapterTable>() {
            return Err(format!("has a table of {length} bytes, and ABI {MAJOR}.0 has {}; tell its author", size::<AdapterTable>()));
        }
        // SAFETY: it has our size at least, and lives as long as the process.
        let table: &'static AdapterTable = unsafe { &*table };
        let lacks = |name: &str| format!("has no function `{name}` in its table; tell its author");
        if table.id.is_null() {
            return Err("has no id in its table; tell its author".to_owned());
        }
        // SAFETY: the header says that the id ends in NUL and lives as long as the table.
        let id = unsafe { CStr::from_ptr(table.id) }.to_str().map_err(|_| "has an id that is not UTF-8; tell its author".to_owned())?;
        if id.is_empty() {
            return Err("has a bug and stopped when it was asked for its id; tell its author".to_owned());
        }
        let same = part::<Same>(table, SAME, |part| part.size).and_then(|part| part.same);
        let blob = part::<Blob>(table, BLOB, |part| part.size).and_then(|part| part.blob);
        let functions = Functions {
            describe: table.describe.ok_or_else(|| lacks("describe"))?,
            open: table.open.ok_or_else(|| lacks("open"))?,
            close: table.close.ok_or_else(|| lacks("close"))?,
            profile: table.profile.ok_or_else(|| lacks("profile"))?,
            scan: table.scan.ok_or_else(|| lacks("scan"))?,
            apply: table.apply.ok_or_else(|| lacks("apply"))?,
            recover: table.recover.ok_or_else(|| lacks("recover"))?,
            settle: table.settle.ok_or_else(|| lacks("settle"))?,
            same,
            blob,
            later: false,
        };
        Ok(Self { id: id.to_owned(), functions })
    }
}

/// Returns an optional part of an adapter, if it has it in full.
fn part<T>(table: &AdapterTable, id: &str, length: impl FnOnce(&T) -> u32) -> Option<&'static T> {
    let id = CString::new(id).ok()?;
    // SAFETY: the function is the adapter's; the header says that it answers null or the part of this id, which lives
    // as long as the process.
    let part = unsafe { table.extension?(id.as_ptr()).cast::<T>().as_ref() }?;
    (length(part) >= size::<T>()).then_some(part)
}

/// Makes a call, hands its number to `body`, and ends it, whatever the library did.
fn run(
    receiver: &mut dyn Receiver,
    lookup: Option<&dyn Lookup>,
    host: &dyn Host,
    body: impl FnOnce(u64) -> Result<Status, Failure>,
) -> Result<(), Failure> {
    let mut call = Call { receiver, lookup, host, thread: thread::current().id(), failure: None, breach: None };
    let (id, slot) = take_slot()?;
    *slot.call.lock().unwrap_or_else(PoisonError::into_inner) = Some(Found(NonNull::from(&mut call).cast()));
    slot.id.store(id, Ordering::Release);
    let status = body(id);
    // The lock waits for a callback that is under way.
    *slot.call.lock().unwrap_or_else(PoisonError::into_inner) = None;
    slot.id.store(0, Ordering::Release);
    let status = status?;
    if let Some(breach) = call.breach {
        return Err(breach);
    }
    match status {
        OK => Ok(()),
        status if !is_status(status) => Err(Failure::new(PROTOCOL, format!("it answered with the status {status}, which does not exist"))),
        status => {
            let given = call.failure.filter(|failure| failure.code == status);
            Err(given.unwrap_or_else(|| Failure::new(status, "it failed and gave no reason")))
        }
    }
}

fn take_slot() -> Result<(u64, &'static Slot), Failure> {
    for _ in 0..SLOTS {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        if let Some(slot) = slot(id)
            && slot.id.compare_exchange(0, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
        {
            return Ok((id, slot));
        }
    }
    Err(Failure::new(TRANSIENT, format!("{SLOTS} calls are running already")))
}

impl Opener for Library {
    fn describe(&self, receiver: &mut dyn Receiver, host: Arc<dyn Host>) -> Result<(), Failure> {
        // SAFETY: the function is the library's, and takes a call.
        run(receiver, None, host.as_ref(), |call| Ok(unsafe { (self.functions.describe)(call) }))
    }

    fn open(&self, path: &Path, options: &Options, host: Arc<dyn Host>) -> Result<Box<dyn Backend>, Failure> {
        struct Nothing;
        impl Receiver for Nothing {}
        let lists: Vec<Vec<Bytes>> = options.values().map(items).collect();
        let options: Vec<COption> = options.iter().zip(&lists).map(|((name, value), items)| lend_option(name, value, items)).collect();
        let longer: Vec<Later<COption>> =
            options.iter().map(|option| COption { size: size::<Later<COption>>(), ..*option }).map(Later::of).collect();
        let (first, stride) = if self.functions.later {
            (longer.as_ptr().cast(), size_of::<Later<COption>>())
        } else {
            (options.as_ptr(), size_of::<COption>())
        };
        let mut this = std::ptr::null_mut();
        run(&mut Nothing, None, host.as_ref(), |call| {
            let path = Bytes::of(path_bytes(path));
            // SAFETY: everything that is lent outlives the call.
            Ok(unsafe { (self.functions.open)(call, path, first, options.len(), stride, &raw mut this) })
        })?;
        let this = NonNull::new(this).ok_or_else(|| Failure::new(PROTOCOL, "it opened an endpoint and gave no instance"))?;
        Ok(Box::new(Opened { functions: self.functions, this, host }))
    }
}

/// Returns the items of an option that is a list or a table.
fn items(value: &OptionValue) -> Vec<Bytes> {
    let lend = |text: &String| Bytes::of(text.as_bytes());
    match value {
        OptionValue::List(texts) => texts.iter().map(lend).collect(),
        OptionValue::Table(pairs) => pairs.iter().flat_map(|(name, value)| [lend(name), lend(value)]).collect(),
        OptionValue::Text(_) | OptionValue::Integer(_) | OptionValue::Boolean(_) => Vec::new(),
    }
}

fn lend_option(name: &str, value: &OptionValue, items: &[Bytes]) -> COption {
    let (kind, text, integer) = match value {
        OptionValue::Text(text) => (0, Bytes::of(text.as_bytes()), 0),
        OptionValue::Integer(number) => (1, Bytes::of(&[]), *number),
        OptionValue::Boolean(truth) => (2, Bytes::of(&[]), i64::from(*truth)),
        OptionValue::List(_) => (3, Bytes::of(&[]), 0),
        OptionValue::Table(_) => (4, Bytes::of(&[]), 0),
    };
    let name = Bytes::of(name.as_bytes());
    COption { size: size::<COption>(), kind, name, text, integer, items: items.as_ptr(), count: items.len() }
}

/// One opened endpoint of a library.
struct Opened {
    functions: Functions,
    this: NonNull<c_void>,
    host: Arc<dyn Host>,
}

// SAFETY: the header says that an instance may be called from different threads, one call at a time.
unsafe impl Send for Opened {}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: the instance is the library's, and this is its last use.
        unsafe { (self.functions.close)(self.this.as_ptr()) };
    }
}

impl Backend for Opened {
    fn call(&mut self, request: Request<'_>, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        let (functions, this, host) = (self.functions, self.this.as_ptr(), Arc::clone(&self.host));
        let host = host.as_ref();
        // SAFETY: in each arm, the function and the instance are the library's, no other call is on the instance since
        // `self` is borrowed, and everything that is lent outlives the call.
        match request {
            // SAFETY: as above.
            Request::Profile => run(receiver, None, host, |call| Ok(unsafe { (functions.profile)(this, call) })),
            // SAFETY: as above.
            Request::Scan(lookup) => run(receiver, Some(lookup), host, |call| Ok(unsafe { (functions.scan)(this, call) })),
            // SAFETY: as above.
            Request::Recover(step) => run(receiver, None, host, |call| Ok(unsafe { (functions.recover)(this, call, step.as_ptr()) })),
            // SAFETY: as above.
            Request::Settle(step) => run(receiver, None, host, |call| Ok(unsafe { (functions.settle)(this, call, step.as_ptr()) })),
            Request::Apply { step, ops, mode } => self.apply(step, ops, mode, receiver),
            Request::Blob { key, digest } => {
                let blob = functions.blob.ok_or_else(|| Failure::new(UNSUPPORTED, "it holds no blobs"))?;
                // SAFETY: as above.
                run(receiver, None, host, |call| Ok(unsafe { blob(this, call, Bytes::of(key.as_bytes()), digest.as_ptr()) }))
            }
            Request::Same(note) => {
                let Some(function) = functions.same else { return Ok(receiver.same(false)?) };
                let mut same = 0;
                // SAFETY: as above.
                run(&mut *receiver, None, host, |call| Ok(unsafe { function(this, call, Bytes::of(note), &raw mut same) }))?;
                Ok(receiver.same(same != 0)?)
            }
        }
    }
}

impl Opened {
    fn apply(&self, step: [u8; 16], ops: &[RawOp<'_>], mode: Mode, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        let changed: Vec<Vec<Bytes>> =
            ops.iter().map(|op| op.changed.iter().map(|pointer| Bytes::of(pointer.as_bytes())).collect()).collect();
        let lend = |(op, changed): (&RawOp<'_>, &Vec<Bytes>)| COp {
            size: size::<COp>(),
            op: if op.record.is_some() { PUT } else { DELETE },
            expect: if op.fingerprint.is_some() { EXPECT_FINGERPRINT } else { EXPECT_ABSENT },
            reserved: 0,
            id: op.id,
            key: op.key.map_or(Bytes::of(&[]), |key| Bytes::of(key.as_bytes())),
            fingerprint: op.fingerprint.map_or(Bytes::of(&[]), Bytes::of),
            record: op.record.as_deref().map_or(Bytes::of(&[]), Bytes::of),
            changed: changed.as_ptr(),
            changed_count: changed.len(),
        };
        let lent: Vec<COp> = ops.iter().zip(&changed).map(lend).collect();
        let longer: Vec<Later<COp>> = lent.iter().map(|op| COp { size: size::<Later<COp>>(), ..*op }).map(Later::of).collect();
        let (first, stride) =
            if self.functions.later { (longer.as_ptr().cast(), size_of::<Later<COp>>()) } else { (lent.as_ptr(), size_of::<COp>()) };
        let mode = match mode {
            Mode::Rehearse => REHEARSE,
            Mode::Perform => PERFORM,
        };
        run(receiver, None, self.host.as_ref(), |call| {
            let (count, this) = (lent.len(), self.this.as_ptr());
            // SAFETY: as in `call`; each element begins as ours does, one `stride` after the other.
            Ok(unsafe { (self.functions.apply)(this, call, step.as_ptr(), first, count, stride, mode) })
        })
    }
}
