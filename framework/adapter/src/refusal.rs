//! A host that refuses what a library reports: each report in turn is answered with an error.

use std::path::Path;
use std::sync::Arc;

use crate::backend::{Breach, Lookup, Opener, Receiver, Request};
use crate::crossing::{FINGERPRINT_MAX, Failure, RawAnswer, RawFate, RawItem, RawOp};
use crate::format::{Options, Silent};
use crate::host::Library;
use crate::operation::Mode;

/// No call makes more reports about a few items than this.
const MOST: usize = 64;

/// Takes some reports, and refuses the next one.
struct Refusing {
    left: usize,
    refused: bool,
}

impl Refusing {
    fn take(&mut self) -> Result<(), Breach> {
        if self.left == 0 {
            self.refused = true;
            return Err(Breach::new("the host refuses"));
        }
        self.left -= 1;
        Ok(())
    }
}

impl Receiver for Refusing {
    fn item(&mut self, _item: RawItem<'_>) -> Result<(), Breach> {
        self.take()
    }

    fn scanned(&mut self, _root: &[u8], _note: &[u8]) -> Result<(), Breach> {
        self.take()
    }

    fn answer(&mut self, _answer: RawAnswer<'_>) -> Result<(), Breach> {
        self.take()
    }

    fn fate(&mut self, _fate: RawFate<'_>) -> Result<(), Breach> {
        self.take()
    }

    fn document(&mut self, _json: &[u8]) -> Result<(), Breach> {
        self.take()
    }

    fn same(&mut self, _same: bool) -> Result<(), Breach> {
        self.take()
    }

    fn blob(&mut self, _digest: [u8; 32], _offset: u64, _into: &mut [u8]) -> Result<usize, Failure> {
        self.take().map(|()| 0).map_err(Failure::from)
    }
}

/// Knows nothing.
struct Nothing;

impl Lookup for Nothing {
    fn known(&self, _key: &str, _into: &mut [u8; FINGERPRINT_MAX]) -> usize {
        0
    }

    fn each(&self, _take: &mut dyn FnMut(&str, &[u8])) {}
}

/// Makes every call of a library while the host refuses its first report, then its second, and so on.
///
/// A library that cannot bear it ends this process. Nothing is written: steps are rehearsed.
///
/// # Errors
/// Fails with a sentence if the place cannot be opened, or if a call succeeds though its report was refused.
pub fn refuse(library: &Library, path: &Path, options: &Options) -> Result<(), String> {
    let op = RawOp { id: [7; 16], key: Some("no such item"), fingerprint: Some(b"no such print"), record: None, changed: Vec::new() };
    let ops = [op.clone(), op];
    let requests = [
        Request::Profile,
        Request::Same(b"no such note"),
        Request::Scan(&Nothing),
        Request::Apply { step: [7; 16], ops: &ops, mode: Mode::Rehearse },
        Request::Recover([7; 16]),
        Request::Settle([7; 16]),
        Request::Blob { key: "no such item", digest: [7; 32] },
    ];
    for request in requests {
        for left in 0..MOST {
            let mut opened = library.open(path, options, Arc::new(Silent)).map_err(|failure| failure.message)?;
            let mut refusing = Refusing { left, refused: false };
            let called = opened.call(request, &mut refusing);
            if refusing.refused && called.is_ok() {
                return Err(format!("`{}` succeeded though its report was refused", request.name()));
            }
            // The instance is of use afterwards, or says that it is not.
            let _ = opened.call(Request::Scan(&Nothing), &mut Refusing { left: usize::MAX, refused: false });
            if !refusing.refused {
                break;
            }
        }
    }
    let mut refusing = Refusing { left: 0, refused: false };
    match library.describe(&mut refusing, Arc::new(Silent)) {
        Ok(()) if refusing.refused => Err("`describe` succeeded though its report was refused".to_owned()),
        _ => Ok(()),
    }
}
