//! One file that holds one card, as vdirsyncer and khard keep it.

use std::ops::Range;

use adapter::Blobs;
use contentline::charset::Charset;
use contentline::items::items;
use record::{Digest, Record};
use vdir::{Codec, Fault, Habits, Traits, Written, uid_digest};

use crate::card::Card;
use crate::source::profile::{style_of, version_of};
use crate::source::text::{Text, fault, glance};
use crate::unreadable::Unreadable;
use crate::version::Version;
use crate::write::edit::{create, edit};
use crate::write::line::Manner;

/// Files of one card.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CardFile {
    /// The version of new cards; that of most others if there is none.
    pub(crate) version: Option<Version>,
}

/// Returns the span of the one card in a file, and the line on which it begins.
fn only_card(bytes: &[u8]) -> Result<(Range<usize>, usize), Fault> {
    let mut all = items(bytes);
    let Some(first) = all.next() else {
        return Err(Fault::of_file(&Unreadable::Torn.to_string()));
    };
    if let Some(broken) = first.broken {
        let slice = bytes.get(first.span).unwrap_or_default();
        // The line of a fault of the splitter counts from the beginning of the file.
        return Err(fault(slice, 1, &broken.into()));
    }
    match all.next() {
        None => Ok((first.span, first.line)),
        Some(second) => {
            let unreadable = second.broken.map_or(Unreadable::Several, Unreadable::from);
            let line = if unreadable.line().is_some() { 1 } else { second.line };
            Err(fault(bytes.get(first.span).unwrap_or_default(), line, &unreadable))
        }
    }
}

impl Codec for CardFile {
    fn reader(&self) -> &'static str {
        concat!("vcard-folder/1 ", env!("CARGO_PKG_VERSION"))
    }

    fn ending(&self) -> &'static str {
        "vcf"
    }

    fn noun(&self) -> &'static str {
        "card"
    }

    fn read(&self, raw: &[u8]) -> Result<(Record, Traits), Fault> {
        let text = Text::new(raw).map_err(|error| fault(&[], 1, &error.into()))?;
        let (span, line) = only_card(&text.bytes)?;
        let slice = text.bytes.get(span).unwrap_or_default();
        let (version, record) = Card::shown(slice).map_err(|error| fault(slice, line, &error))?;
        Ok((record, Traits { own: version.byte(), ..glance(slice).traits() }))
    }

    fn glance(&self, raw: &[u8]) -> (Option<String>, Option<String>) {
        let Ok(text) = Text::new(raw) else { return (None, None) };
        let seen = glance(&text.bytes);
        let title = seen.title();
        (seen.uid, title)
    }

    fn create(&self, record: &Record, habits: Habits, blobs: &dyn Blobs) -> Result<Written, String> {
        let (version, style) = (self.version.unwrap_or_else(|| version_of(habits)), style_of(habits));
        let manner = Manner { version, charset: Charset::UTF_8, style, blobs };
        let made = create(record, manner).map_err(|refusal| refusal.to_string())?;
        let traits = Traits { uid: record.text("uid").map(uid_digest), bare: style.ending == "\n", own: version.byte() };
        Ok(Written { bytes: made.bytes, record: made.record, traits })
    }

    fn edit(&self, raw: &[u8], record: &Record, blobs: &dyn Blobs) -> Result<Written, String> {
        let text = Text::new(raw).map_err(|error| error.to_string())?;
        let (span, _) = only_card(&text.bytes).map_err(|fault| fault.reason)?;
        let slice = text.bytes.get(span.clone()).unwrap_or_default();
        let card = Card::read(slice).map_err(|error| error.to_string())?;
        let manner = Manner { version: card.version, charset: text.charset, style: text.style(), blobs };
        let written = edit(&card, record, manner).map_err(|refusal| refusal.to_string())?;
        let uid = written.record.text("uid").map(uid_digest);
        let traits = Traits { uid, bare: glance(slice).bare, own: card.version.byte() };
        if written.bytes == slice {
            return Ok(Written { bytes: raw.to_vec(), record: written.record, traits });
        }
        let mut whole = text.bytes.to_vec();
        whole.splice(span, written.bytes);
        let bytes = text.file(whole).ok_or_else(|| "UTF-16 cannot hold what the card holds".to_owned())?;
        Ok(Written { bytes, record: written.record, traits })
    }

    fn blob(&self, raw: &[u8], digest: Digest) -> Option<Vec<u8>> {
        let text = Text::new(raw).ok()?;
        let (span, _) = only_card(&text.bytes).ok()?;
        Card::read(text.bytes.get(span).unwrap_or_default()).ok()?.blob(digest)
    }
}
