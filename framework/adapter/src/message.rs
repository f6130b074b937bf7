//! One message between a host and an adapter in another process, read and not yet believed.

use serde_json::Value;

use crate::crossing::{RawAnswer, RawFate, RawItem, RawOp};

/// One message.
pub(crate) enum Message<'a> {
    /// Anything but what comes in numbers: its name and body.
    Control(String, Value),
    Known(&'a [u8], &'a [u8]),
    Item(RawItem<'a>),
    Op(RawOp<'a>),
    Answer(RawAnswer<'a>),
    Fate(RawFate<'a>),
    Bytes(&'a [u8]),
}
