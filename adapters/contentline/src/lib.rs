//! Content lines with byte spans: the ground of vCard and iCalendar (RFC 6350 §3.2, RFC 5545 §3.1).
//!
//! Reading goes from bytes to spans and never copies more than it must; writing goes line by line.
//!
//! * [`wide`] turns a UTF-16 file into UTF-8 at the door, and back.
//! * [`items`] cuts a file of many top-level components, whole or broken, into spans.
//! * [`outline`] finds the BEGIN and END lines of a large file, [`text`] is a file with its charset.
//! * [`document`] reads one span as a tree of components; [`mod@line`] is what it stands on.
//! * [`content`] reads one line: group, name, parameters, value, each still as it was written.
//! * [`charset`], [`transport`], [`escape`] and [`parameter`] are the layers of a value, each in both directions.
//! * [`style`] sees how a file is written, [`fold`] writes a line the same way.

pub mod charset;
pub mod content;
pub mod document;
pub mod error;
pub mod escape;
pub mod fold;
mod head;
pub mod items;
pub mod line;
mod mark;
pub mod outline;
pub mod parameter;
pub mod position;
pub mod style;
pub mod text;
pub mod transport;
pub mod unfold;
pub mod wide;

#[cfg(test)]
mod laws;
