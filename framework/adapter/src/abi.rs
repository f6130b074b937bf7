//! The C boundary as `include/syncretic_adapter.h` lays it out, and an adapter's side of it.
//!
//! One of two files that may be unsafe; the other is [`crate::host`]. What is read from a raw pointer here is handed on
//! as borrowed bytes, and what runs here never unwinds into foreign frames.

#![expect(unsafe_code, reason = "the C boundary")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::size_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::slice;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::crossing::{
    self, BLOB, BLOBS, FATAL, FINGERPRINT_MAX, Failure, OK, PANIC, PROTOCOL, RawAnswer, RawFate, RawItem, RawOp, SAME, SECRETS, Status,
    UNKNOWN, path_of,
};
use crate::format::{OptionValue, Options};
use crate::operation::Mode;

pub(crate) const MAJOR: u16 = 1;
pub(crate) const MINOR: u16 = 0;

/// The most elements of an array that crosses.
const MAX_COUNT: usize = 1 << 24;

/// `syn_bytes`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes {
    ptr: *const u8,
    len: usize,
}

impl Bytes {
    /// Lends bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    /// Borrows the bytes; none if the pointer cannot be one.
    ///
    /// # Safety
    /// The other side keeps rule 1: the bytes are there, and nobody changes them, for as long as `'a`.
    pub(crate) unsafe fn get<'a>(self) -> Option<&'a [u8]> {
        if self.len == 0 {
            return Some(&[]);
        }
        if self.ptr.is_null() || isize::try_from(self.len).is_err() {
            return None;
        }
        // SAFETY: not null, no longer than an object can be, and alive by the caller's promise.
        Some(unsafe { slice::from_raw_parts(self.ptr, self.len) })
    }
}

/// `syn_error`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct CError {
    pub(crate) size: u32,
    pub(crate) code: Status,
    pub(crate) retry_after_ms: u64,
    pub(crate) message: Bytes,
    pub(crate) subject: Bytes,
    pub(crate) os_error: i32,
    pub(crate) reserved: u32,
}

/// `syn_option`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct COption {
    pub(crate) size: u32,
    pub(crate) kind: u32,
    pub(crate) name: Bytes,
    pub(crate) text: Bytes,
    pub(crate) integer: i64,
    pub(crate) items: *const Bytes,
    pub(crate) count: usize,
}

/// `syn_item`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct CItem {
    pub(crate) size: u32,
    pub(crate) state: u32,
    pub(crate) key: Bytes,
    pub(crate) fingerprint: Bytes,
    pub(crate) record: Bytes,
    pub(crate) path: Bytes,
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) title: Bytes,
    pub(crate) reason: Bytes,
}

/// `syn_fingerprint`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct CFingerprint {
    pub(crate) size: u32,
    pub(crate) length: u32,
    pub(crate) bytes: [u8; FINGERPRINT_MAX],
}

/// `syn_op`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct COp {
    pub(crate) size: u32,
    pub(crate) op: u32,
    pub(crate) expect: u32,
    pub(crate) reserved: u32,
    pub(crate) id: [u8; 16],
    pub(crate) key: Bytes,
    pub(crate) fingerprint: Bytes,
    pub(crate) record: Bytes,
    pub(crate) changed: *const Bytes,
    pub(crate) changed_count: usize,
}

pub(crate) const PUT: u32 = 1;
pub(crate) const DELETE: u32 = 2;
pub(crate) const EXPECT_ABSENT: u32 = 0;
pub(crate) const EXPECT_FINGERPRINT: u32 = 1;
pub(crate) const REHEARSE: u32 = 0;
pub(crate) const PERFORM: u32 = 1;

/// `syn_answer`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct CAnswer {
    pub(crate) size: u32,
    pub(crate) outcome: u32,
    pub(crate) index: u64,
    pub(crate) key: Bytes,
    pub(crate) fingerprint: Bytes,
    pub(crate) record: Bytes,
    pub(crate) bytes: u64,
    pub(crate) reason: Bytes,
}

/// `syn_fate`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct CFate {
    pub(crate) size: u32,
    pub(crate) fate: u32,
    pub(crate) key: Bytes,
    pub(crate) fingerprint: Bytes,
}

type Extension = unsafe extern "C" fn(*const c_char) -> *const c_void;

/// `syn_host`.
#[repr(C)]
#[derive(Debug)]
pub struct HostTable {
    pub(crate) size: u32,
    pub(crate) abi_major: u16,
    pub(crate) abi_minor: u16,
    pub(crate) fail: Option<unsafe extern "C" fn(u64, *const CError) -> Status>,
    pub(crate) document: Option<unsafe extern "C" fn(u64, Bytes) -> Status>,
    pub(crate) emit: Option<unsafe extern "C" fn(u64, *const CItem, usize, usize) -> Status>,
    pub(crate) known: Option<unsafe extern "C" fn(u64, Bytes, *mut CFingerprint) -> Status>,
    pub(crate) scanned: Option<unsafe extern "C" fn(u64, Bytes, Bytes) -> Status>,
    pub(crate) answer: Option<unsafe extern "C" fn(u64, *const CAnswer, usize, usize) -> Status>,
    pub(crate) fate: Option<unsafe extern "C" fn(u64, *const CFate, usize, usize) -> Status>,
    pub(crate) progress: Option<unsafe extern "C" fn(u64, u64, u64) -> Status>,
    pub(crate) cancelled: Option<unsafe extern "C" fn(u64) -> i32>,
    pub(crate) log: Option<unsafe extern "C" fn(u64, Bytes) -> Status>,
    pub(crate) extension: Option<Extension>,
}

/// `syn_adapter`.
#[repr(C)]
#[derive(Debug)]
pub struct AdapterTable {
    pub(crate) size: u32,
    pub(crate) abi_major: u16,
    pub(crate) abi_minor: u16,
    pub(crate) id: *const c_char,
    pub(crate) describe: Option<unsafe extern "C" fn(u64) -> Status>,
    pub(crate) open: Option<unsafe extern "C" fn(u64, Bytes, *const COption, usize, usize, *mut *mut c_void) -> Status>,
    pub(crate) close: Option<unsafe extern "C" fn(*mut c_void)>,
    pub(crate) profile: Option<unsafe extern "C" fn(*mut c_void, u64) -> Status>,
    pub(crate) scan: Option<unsafe extern "C" fn(*mut c_void, u64) -> Status>,
    pub(crate) apply: Option<unsafe extern "C" fn(*mut c_void, u64, *const u8, *const COp, usize, usize, u32) -> Status>,
    pub(crate) recover: Option<unsafe extern "C" fn(*mut c_void, u64, *const u8) -> Status>,
    pub(crate) settle: Option<unsafe extern "C" fn(*mut c_void, u64, *const u8) -> Status>,
    pub(crate) extension: Option<Extension>,
}

/// `syn_secrets`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) size: u32,
    pub(crate) reserved: u32,
    pub(crate) secret: Option<unsafe extern "C" fn(u64, Bytes, *mut u8, usize, *mut usize) -> Status>,
}

/// `syn_blobs`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Blobs {
    pub(crate) size: u32,
    pub(crate) reserved: u32,
    pub(crate) read: Option<unsafe extern "C" fn(u64, *const u8, u64, *mut u8, usize, *mut usize) -> Status>,
    pub(crate) give: Option<unsafe extern "C" fn(u64, Bytes) -> Status>,
}

/// `syn_same`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Same {
    pub(crate) size: u32,
    pub(crate) reserved: u32,
    pub(crate) same: Option<unsafe extern "C" fn(*mut c_void, u64, Bytes, *mut i32) -> Status>,
}

/// `syn_blob`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Blob {
    pub(crate) size: u32,
    pub(crate) reserved: u32,
    pub(crate) blob: Option<unsafe extern "C" fn(*mut c_void, u64, Bytes, *const u8) -> Status>,
}

// SAFETY: the tables hold function pointers and a text that lives as long as the process; nothing in them changes.
unsafe impl Sync for AdapterTable {}
// SAFETY: as above.
unsafe impl Send for AdapterTable {}

/// Returns the size of a table or struct as it stands in it.
pub(crate) const fn size<T>() -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "every struct here is shorter than a page")]
    {
        size_of::<T>() as u32
    }
}

/// Reads an element of an array whose elements may be longer than ours.
///
/// # Safety
/// By rule 1, `count` elements of `stride` bytes each stand at `first`, each beginning as a `T`.
pub(crate) unsafe fn elements<'a, T: 'a>(first: *const T, count: usize, stride: usize) -> Result<impl Iterator<Item = &'a T>, Failure> {
    let broken = |what: &str| Failure::new(PROTOCOL, format!("an array of {count} elements {what}"));
    if count > 0 && (first.is_null() || !first.is_aligned()) {
        return Err(broken("has no address"));
    }
    if count > 0 && (stride < size_of::<T>() || !stride.is_multiple_of(align_of::<T>())) {
        return Err(broken("has elements that are too short"));
    }
    if count > MAX_COUNT || count.checked_mul(stride).is_none_or(|length| isize::try_from(length).is_err()) {
        return Err(broken("is too long"));
    }
    // SAFETY: aligned, inside the array by the caller's promise, and no longer than an object can be.
    Ok((0..count).map(move |at| unsafe { &*first.byte_add(at * stride) }))
}

/// Reads bytes that have to be there.
///
/// # Safety
/// As [`Bytes::get`].
pub(crate) unsafe fn bytes<'a>(bytes: Bytes, what: &str) -> Result<&'a [u8], Failure> {
    // SAFETY: the caller's promise is passed on.
    unsafe { bytes.get() }.ok_or_else(|| Failure::new(PROTOCOL, format!("{what} has a length and no address")))
}

/// Reads a text that has to be there.
///
/// # Safety
/// As [`Bytes::get`].
pub(crate) unsafe fn text<'a>(value: Bytes, what: &str) -> Result<&'a str, Failure> {
    // SAFETY: the caller's promise is passed on.
    std::str::from_utf8(unsafe { bytes(value, what) }?).map_err(|_| Failure::new(PROTOCOL, format!("{what} is not UTF-8")))
}

/// Reads `N` bytes that have to be there.
///
/// # Safety
/// Unless it is null, `N` bytes stand at `ptr` for as long as `'a`.
pub(crate) unsafe fn exactly<'a, const N: usize>(ptr: *const u8, what: &str) -> Result<&'a [u8; N], Failure> {
    // SAFETY: bytes have no alignment, and the caller promises the length.
    unsafe { ptr.cast::<[u8; N]>().as_ref() }.ok_or_else(|| Failure::new(PROTOCOL, format!("{what} has no address")))
}

/// Offers a [`Format`](crate::Format) as the one adapter of this library. The format is a value: `adapter::export!(Notes);`.
///
/// Every call is guarded: a panic ends it with an error, and the instance is not used again. For that the library must
/// be built to unwind; with `panic = "abort"` it does not compile.
#[macro_export]
macro_rules! export {
    ($format:expr) => {
        #[cfg(panic = "abort")]
        compile_error!("an adapter must be built with panic = \"unwind\" (the default): with \"abort\" one bug would end the whole sync");

        /// Gives the adapter's table for the host's.
        ///
        /// # Safety
        /// `host` is null or a host's table as `syncretic_adapter.h` lays it out, alive as long as the process.
        #[allow(unsafe_code, reason = "the one symbol of the C boundary")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn syncretic_adapter_v1(host: *const $crate::abi::HostTable) -> *const $crate::abi::AdapterTable {
            static EXPORT: $crate::export::Export = $crate::export::Export(&$format);
            // SAFETY: the caller's promise is passed on.
            unsafe { $crate::abi::enter(host, &EXPORT) }
        }
    };
}

/// What a library offers, behind the boundary; [`crate::export::Export`] is the only one.
#[doc(hidden)]
#[expect(private_interfaces, reason = "only this crate implements it")]
pub trait Exported: Sync {
    fn id(&self) -> String;
    fn describe(&self) -> Vec<u8>;
    fn open(&self, path: PathBuf, options: &Options, host: Remote) -> Result<Box<dyn Instance>, Failure>;
}

/// One opened endpoint, behind the boundary.
pub(crate) trait Instance: Send {
    fn enter(&mut self, host: Option<Remote>);
    fn profile(&mut self) -> Vec<u8>;
    fn same(&mut self, note: &[u8]) -> Result<bool, Failure>;
    fn scan(&mut self, host: Remote) -> Result<(), Failure>;
    fn apply(&mut self, host: Remote, step: [u8; 16], ops: &[RawOp<'_>], mode: Mode) -> Result<(), Failure>;
    fn recover(&mut self, host: Remote, step: [u8; 16]) -> Result<(), Failure>;
    fn settle(&mut self, step: [u8; 16]) -> Result<(), Failure>;
    fn blob(&mut self, host: Remote, key: &str, digest: [u8; 32]) -> Result<(), Failure>;
}

/// What stands behind `void *self`.
struct Slot {
    instance: Box<dyn Instance>,
    poisoned: bool,
}

/// A library exports one adapter, and each library has a copy of this.
static EXPORTED: OnceLock<&'static dyn Exported> = OnceLock::new();
static HOST: OnceLock<&'static HostTable> = OnceLock::new();
static TABLE: OnceLock<AdapterTable> = OnceLock::new();
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Answers `syncretic_adapter_v1`: takes the host's table and gives ours; null if they do not fit.
///
/// # Safety
/// `host` is null or points to a host's table that lives as long as the process, as the header says.
pub unsafe fn enter(host: *const HostTable, exported: &'static dyn Exported) -> *const AdapterTable {
    if host.is_null() {
        return std::ptr::null();
    }
    // SAFETY: the first eight bytes are promised for every version.
    let (length, major) = unsafe { ((*host).size, (*host).abi_major) };
    if major != MAJOR || length < size::<HostTable>() {
        return std::ptr::null();
    }
    // SAFETY: it has our size at least, and lives as long as the process.
    let host = unsafe { &*host };
    if HOST.set(host).is_ok() {
        let _ = EXPORTED.set(exported);
        // A library has a standard library of its own, so this hook is its alone.
        std::panic::set_hook(Box::new(|info| {
            *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
        }));
    }
    TABLE.get_or_init(|| table(exported))
}

fn table(exported: &'static dyn Exported) -> AdapterTable {
    // Whoever has a bug here gives a table without an id, which the host refuses.
    let id = catch_unwind(AssertUnwindSafe(|| exported.id())).unwrap_or_default();
    let id = CString::new(id).unwrap_or_default();
    AdapterTable {
        size: size::<AdapterTable>(),
        abi_major: MAJOR,
        abi_minor: MINOR,
        id: id.into_raw(),
        describe: Some(describe),
        open: Some(open),
        close: Some(close),
        profile: Some(profile),
        scan: Some(scan),
        apply: Some(apply),
        recover: Some(recover),
        settle: Some(settle),
        extension: Some(extension),
    }
}

/// Runs what a call asks for: nothing unwinds, and every failure is reported.
fn guard(call: u64, body: impl FnOnce(Remote, &'static dyn Exported) -> Result<(), Failure>) -> Status {
    let (Some(table), Some(exported)) = (HOST.get(), EXPORTED.get()) else { return PROTOCOL };
    let remote = Remote { table, call };
    let outcome = catch_unwind(AssertUnwindSafe(|| body(remote, *exported)));
    let failure = match outcome {
        Ok(Ok(())) => return OK,
        Ok(Err(failure)) => failure,
        Err(_) => Failure::new(PANIC, std::mem::take(&mut *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner))),
    };
    remote.fail(&failure);
    failure.code
}

fn within(this: *mut c_void, call: u64, body: impl FnOnce(Remote, &mut dyn Instance) -> Result<(), Failure>) -> Status {
    // SAFETY: `this` is what `open` made, and by the contract no other call is on it.
    let Some(slot) = (unsafe { this.cast::<Slot>().as_mut() }) else { return PROTOCOL };
    if slot.poisoned {
        return guard(call, |_, _| Err(Failure::new(FATAL, "it stopped at a bug before; the next sync opens it anew")));
    }
    let status = guard(call, |remote, _| {
        slot.instance.enter(Some(remote));
        let outcome = body(remote, slot.instance.as_mut());
        slot.instance.enter(None);
        outcome
    });
    slot.poisoned |= status == PANIC;
    status
}

unsafe extern "C" fn describe(call: u64) -> Status {
    guard(call, |remote, exported| remote.document(&exported.describe()))
}

unsafe extern "C" fn open(call: u64, path: Bytes, options: *const COption, count: usize, stride: usize, this: *mut *mut c_void) -> Status {
    guard(call, |remote, exported| {
        // SAFETY: the host lends these for the length of this call.
        let (path, options) = unsafe { (bytes(path, "the path")?, read_options(options, count, stride)?) };
        // SAFETY: the host's pointer is null or valid for one pointer.
        let this = unsafe { this.as_mut() }.ok_or_else(|| Failure::new(PROTOCOL, "there is no place for the instance"))?;
        let instance = exported.open(path_of(path), &options, remote)?;
        *this = Box::into_raw(Box::new(Slot { instance, poisoned: false })).cast();
        Ok(())
    })
}

unsafe extern "C" fn close(this: *mut c_void) {
    if !this.is_null() {
        // SAFETY: `this` is what `open` made, and the host never uses it again.
        let slot = unsafe { Box::from_raw(this.cast::<Slot>()) };
        // A panic here has nobody to tell; what matters is that it goes no further.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(slot)));
    }
}

unsafe extern "C" fn profile(this: *mut c_void, call: u64) -> Status {
    within(this, call, |remote, instance| remote.document(&instance.profile()))
}

unsafe extern "C" fn scan(this: *mut c_void, call: u64) -> Status {
    within(this, call, |remote, instance| instance.scan(remote))
}

unsafe extern "C" fn apply(
    this: *mut c_void,
    call: u64,
    step: *const u8,
    ops: *const COp,
    count: usize,
    stride: usize,
    mode: u32,
) -> Status {
    within(this, call, |remote, instance| {
        // SAFETY: the host lends these for the length of this call.
        let (step, ops) = unsafe { (*exactly(step, "the step")?, read_ops(ops, count, stride)?) };
        let mode = match mode {
            REHEARSE => Mode::Rehearse,
            PERFORM => Mode::Perform,
            other => return Err(Failure::new(PROTOCOL, format!("there is no mode {other}"))),
        };
        instance.apply(remote, step, &ops, mode)
    })
}

unsafe extern "C" fn recover(this: *mut c_void, call: u64, step: *const u8) -> Status {
    // SAFETY: the host lends the step for the length of this call.
    within(this, call, |remote, instance| instance.recover(remote, *unsafe { exactly(step, "the step") }?))
}

unsafe extern "C" fn settle(this: *mut c_void, call: u64, step: *const u8) -> Status {
    // SAFETY: the host lends the step for the length of this call.
    within(this, call, |_, instance| instance.settle(*unsafe { exactly(step, "the step") }?))
}

unsafe extern "C" fn same(this: *mut c_void, call: u64, note: Bytes, same: *mut i32) -> Status {
    within(this, call, |_, instance| {
        // SAFETY: the host lends the note, and a place for the answer, for the length of this call.
        let (note, place) = unsafe { (bytes(note, "the note")?, same.as_mut()) };
        let place = place.ok_or_else(|| Failure::new(PROTOCOL, "there is no place for the answer"))?;
        *place = i32::from(instance.same(note)?);
        Ok(())
    })
}

unsafe extern "C" fn blob(this: *mut c_void, call: u64, key: Bytes, digest: *const u8) -> Status {
    within(this, call, |remote, instance| {
        // SAFETY: the host lends these for the length of this call.
        let (key, digest) = unsafe { (text(key, "the key")?, *exactly(digest, "the digest")?) };
        instance.blob(remote, key, digest)
    })
}

static SAME_PART: Same = Same { size: size::<Same>(), reserved: 0, same: Some(same) };
static BLOB_PART: Blob = Blob { size: size::<Blob>(), reserved: 0, blob: Some(blob) };

unsafe extern "C" fn extension(id: *const c_char) -> *const c_void {
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: the host gives a text that ends in NUL.
    match unsafe { CStr::from_ptr(id) }.to_str() {
        Ok(SAME) => (&raw const SAME_PART).cast(),
        Ok(BLOB) => (&raw const BLOB_PART).cast(),
        _ => std::ptr::null(),
    }
}

/// # Safety
/// The host lends the array and what it points to for the length of the call.
unsafe fn read_options(options: *const COption, count: usize, stride: usize) -> Result<Options, Failure> {
    let mut read = Options::new();
    // SAFETY: the caller's promise is passed on, here and below.
    for option in unsafe { elements(options, count, stride) }? {
        let texts = || {
            // SAFETY: see above.
            let items = unsafe { elements(option.items, option.count, size_of::<Bytes>()) }?;
            // SAFETY: see above.
            items.map(|item| unsafe { text(*item, "an option's value") }.map(str::to_owned)).collect::<Result<Vec<_>, _>>()
        };
        let value = match option.kind {
            // SAFETY: see above.
            0 => OptionValue::Text(unsafe { text(option.text, "an option's value") }?.to_owned()),
            1 => OptionValue::Integer(option.integer),
            2 => OptionValue::Boolean(option.integer != 0),
            3 => OptionValue::List(texts()?),
            4 => OptionValue::Table(pairs(texts()?)),
            other => return Err(Failure::new(PROTOCOL, format!("there is no kind of option {other}"))),
        };
        // SAFETY: see above.
        read.insert(unsafe { text(option.name, "an option's name") }?.to_owned(), value);
    }
    Ok(read)
}

fn pairs(texts: Vec<String>) -> Vec<(String, String)> {
    let mut texts = texts.into_iter();
    std::iter::from_fn(|| texts.next().zip(texts.next())).collect()
}

/// # Safety
/// The host lends the array and what it points to for the length of the call.
unsafe fn read_ops<'a>(ops: *const COp, count: usize, stride: usize) -> Result<Vec<RawOp<'a>>, Failure> {
    let mut read = Vec::new();
    // SAFETY: the caller's promise is passed on, here and below.
    for op in unsafe { elements(ops, count, stride) }? {
        // SAFETY: see above.
        let (key, fingerprint, record) =
            unsafe { (text(op.key, "a key")?, bytes(op.fingerprint, "a fingerprint")?, bytes(op.record, "a record")?) };
        // SAFETY: see above.
        let changed = unsafe { elements(op.changed, op.changed_count, size_of::<Bytes>()) }?;
        if !matches!(op.op, PUT | DELETE) || !matches!(op.expect, EXPECT_ABSENT | EXPECT_FINGERPRINT) {
            return Err(Failure::new(PROTOCOL, format!("there is no operation {} that expects {}", op.op, op.expect)));
        }
        read.push(RawOp {
            id: op.id,
            key: (!key.is_empty()).then_some(key),
            fingerprint: (op.expect == EXPECT_FINGERPRINT).then_some(fingerprint),
            record: (op.op == PUT).then_some(record.into()),
            // SAFETY: see above.
            changed: changed.map(|pointer| unsafe { text(*pointer, "a pointer") }).collect::<Result<_, _>>()?,
        });
    }
    Ok(read)
}

/// One call of the host, as the adapter sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote {
    table: &'static HostTable,
    call: u64,
}

/// Turns a status into what a function returns.
fn accepted(status: Status, what: &str) -> Result<(), Failure> {
    if status == OK { Ok(()) } else { Err(Failure::new(status, format!("the host did not take {what}"))) }
}

impl Remote {
    fn fail(&self, failure: &Failure) {
        let retry_after_ms = failure.retry_after.map_or(UNKNOWN, |time| u64::try_from(time.as_millis()).unwrap_or(UNKNOWN));
        let error = CError {
            size: size::<CError>(),
            code: failure.code,
            retry_after_ms,
            message: Bytes::of(failure.message.as_bytes()),
            subject: Bytes::of(&failure.subject),
            os_error: failure.os_error,
            reserved: 0,
        };
        if let Some(fail) = self.table.fail {
            // SAFETY: the function is the host's, and the struct outlives the call.
            unsafe { fail(self.call, &raw const error) };
        }
    }

    fn document(&self, json: &[u8]) -> Result<(), Failure> {
        // SAFETY: the function is the host's, and the bytes outlive the call; so throughout this block.
        accepted(self.table.document.map_or(PROTOCOL, |document| unsafe { document(self.call, Bytes::of(json)) }), "a document")
    }

    pub(crate) fn emit(&self, items: &[RawItem<'_>]) -> Result<(), Failure> {
        let lend = |item: &RawItem<'_>| CItem {
            size: size::<CItem>(),
            state: item.state,
            key: Bytes::of(item.key),
            fingerprint: Bytes::of(item.fingerprint),
            record: Bytes::of(item.record),
            path: Bytes::of(item.path),
            line: item.line,
            column: item.column,
            title: Bytes::of(item.title),
            reason: Bytes::of(item.reason),
        };
        let items: Vec<CItem> = items.iter().map(lend).collect();
        // SAFETY: as in `document`.
        let emit =
            |emit: unsafe extern "C" fn(_, _, _, _) -> _| unsafe { emit(self.call, items.as_ptr(), items.len(), size_of::<CItem>()) };
        accepted(self.table.emit.map_or(PROTOCOL, emit), "items")
    }

    /// Returns the fingerprint that an item had, if it is known.
    pub(crate) fn known(&self, key: &str) -> Option<Vec<u8>> {
        let mut found = CFingerprint { size: size::<CFingerprint>(), length: 0, bytes: [0; FINGERPRINT_MAX] };
        // SAFETY: as in `document`, and the place for the answer outlives the call.
        let status = self.table.known.map(|known| unsafe { known(self.call, Bytes::of(key.as_bytes()), &raw mut found) })?;
        let length = usize::try_from(found.length).ok().filter(|length| status == OK && *length > 0)?;
        found.bytes.get(..length).map(<[u8]>::to_vec)
    }

    pub(crate) fn scanned(&self, root: &[u8], note: &[u8]) -> Result<(), Failure> {
        // SAFETY: as in `document`.
        let scanned = |scanned: unsafe extern "C" fn(_, _, _) -> _| unsafe { scanned(self.call, Bytes::of(root), Bytes::of(note)) };
        accepted(self.table.scanned.map_or(PROTOCOL, scanned), "the end of the scan")
    }

    pub(crate) fn answer(&self, answer: &RawAnswer<'_>) -> Result<(), Failure> {
        let lent = CAnswer {
            size: size::<CAnswer>(),
            outcome: answer.outcome,
            index: answer.index,
            key: Bytes::of(answer.key),
            fingerprint: Bytes::of(answer.fingerprint),
            record: Bytes::of(answer.record),
            bytes: answer.bytes,
            reason: Bytes::of(answer.reason),
        };
        // SAFETY: as in `document`.
        let give = |give: unsafe extern "C" fn(_, _, _, _) -> _| unsafe { give(self.call, &raw const lent, 1, size_of::<CAnswer>()) };
        accepted(self.table.answer.map_or(PROTOCOL, give), "an answer")
    }

    pub(crate) fn fate(&self, fate: &RawFate<'_>) -> Result<(), Failure> {
        let (key, fingerprint) = (Bytes::of(fate.key), Bytes::of(fate.fingerprint));
        let lent = CFate { size: size::<CFate>(), fate: fate.fate, key, fingerprint };
        // SAFETY: as in `document`.
        let give = |give: unsafe extern "C" fn(_, _, _, _) -> _| unsafe { give(self.call, &raw const lent, 1, size_of::<CFate>()) };
        accepted(self.table.fate.map_or(PROTOCOL, give), "a fate")
    }

    pub(crate) fn progress(&self, done: u64, of: Option<u64>) {
        if let Some(progress) = self.table.progress {
            // SAFETY: as in `document`.
            unsafe { progress(self.call, done, of.unwrap_or(UNKNOWN)) };
        }
    }

    pub(crate) fn cancelled(&self) -> bool {
        // SAFETY: as in `document`.
        self.table.cancelled.is_some_and(|cancelled| unsafe { cancelled(self.call) } != 0)
    }

    pub(crate) fn log(&self, text: &str) {
        if let Some(log) = self.table.log {
            // SAFETY: as in `document`.
            unsafe { log(self.call, Bytes::of(text.as_bytes())) };
        }
    }

    /// Returns an optional part of the host.
    fn part<T>(&self, id: &CStr, length: impl FnOnce(&T) -> u32) -> Option<&'static T> {
        // SAFETY: as in `document`; what the host answers for this id is null or such a struct, for as long as the process lives.
        let part = unsafe { self.table.extension?(id.as_ptr()).cast::<T>().as_ref() }?;
        (length(part) >= size::<T>()).then_some(part)
    }

    pub(crate) fn secret(&self, name: &str) -> Option<String> {
        let secrets = self.part::<Secrets>(&CString::new(SECRETS).ok()?, |part| part.size)?;
        let mut into = vec![0; 256];
        for _ in 0..2 {
            let mut length = 0;
            // SAFETY: as in `document`; there is room for as many bytes as are said.
            let status = unsafe { secrets.secret?(self.call, Bytes::of(name.as_bytes()), into.as_mut_ptr(), into.len(), &raw mut length) };
            if status != OK {
                return None;
            }
            if length <= into.len() {
                into.truncate(length);
                return String::from_utf8(into).ok();
            }
            into.resize(length, 0);
        }
        None
    }

    /// Copies bytes of a blob from an offset on; zero at its end.
    pub(crate) fn read_blob(&self, digest: &[u8; 32], offset: u64, into: &mut [u8]) -> Result<usize, Failure> {
        let lacking = || Failure::new(crossing::UNSUPPORTED, "the host has no blobs");
        let part = CString::new(BLOBS).ok().and_then(|id| self.part::<Blobs>(&id, |part| part.size)).ok_or_else(lacking)?;
        let read = part.read.ok_or_else(lacking)?;
        let mut length = 0;
        // SAFETY: as in `secret`.
        accepted(unsafe { read(self.call, digest.as_ptr(), offset, into.as_mut_ptr(), into.len(), &raw mut length) }, "to give a blob")?;
        Ok(length.min(into.len()))
    }

    pub(crate) fn give(&self, bytes: &[u8]) -> Result<(), Failure> {
        let lacking = || Failure::new(crossing::UNSUPPORTED, "the host takes no blobs");
        let part = CString::new(BLOBS).ok().and_then(|id| self.part::<Blobs>(&id, |part| part.size)).ok_or_else(lacking)?;
        // SAFETY: as in `document`.
        accepted(part.give.map_or(PROTOCOL, |give| unsafe { give(self.call, Bytes::of(bytes)) }), "a blob's bytes")
    }
}

#[cfg(test)]
#[path = "abi/tests.rs"]
mod tests;
