//! What holds for any bytes: the body of the fuzz target `contentline`, and a bounded run of it.

use contentline::content::Content;
use contentline::document::Document;
use contentline::fold::fold;
use contentline::items::items;
use contentline::line::{lines, mark_length};
use contentline::style::Style;
use contentline::unfold::unfold;

/// Splits and reads any bytes, and writes every line again.
pub fn any_bytes(bytes: &[u8]) {
    let mut at = mark_length(bytes);
    let style = Style::of(bytes);
    for line in lines(bytes) {
        assert_eq!(line.start, at, "lines tile the file");
        at = line.end;
        let content = Content::of(bytes, &line);
        let _ = (content.group(), content.value(), content.bytes(), content.text());
        assert_eq!(content.parameters().count(), content.parameter_count());
        let joined = if line.folded { unfold(line.raw(bytes)) } else { line.raw(bytes).to_vec() };
        // Never the first line of a file: there it might look like a byte order mark.
        let mut written = b"X:1\n".to_vec();
        if fold(&joined, &style, &mut written).is_ok() {
            let mut again = lines(&written).skip(1);
            let first = again.next().map(|first| unfold(first.raw(&written)));
            assert_eq!(first, Some(joined), "a line reads back as it was");
            assert!(again.next().is_none(), "one line stays one line");
        }
    }
    assert_eq!(at, bytes.len());
    let mut end = 0;
    for item in items(bytes) {
        assert!(item.span.start >= end && item.span.end <= bytes.len() && item.span.start < item.span.end);
        end = item.span.end;
        let read = Document::read(bytes.get(item.span.clone()).unwrap_or_default());
        if item.broken.is_none() {
            assert!(read.is_ok(), "a whole item is a document: {read:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::any_bytes;
    use conformance::mutation::{Chance, damaged};

    const SEED: &[u8] = b"BEGIN:VCARD\r\nVERSION:2.1\r\nitem1.TEL;HOME;X=\"a;b\":+1\r\nNOTE;ENCODING=QUOTED-PRINTABLE:a=\r\nb=C3=A9\r\n\
        PHOTO;ENCODING=BASE64:AAEC\r\nAAEC\r\n\r\nX-LONG:folded\r\n  here\r\n\tand there\r\nAGENT:\r\nBEGIN:VCARD\r\nFN:B\r\nEND:VCARD\r\nEND:VCARD\r\n";

    #[test]
    fn damaged_files_are_split_and_every_line_of_them_written_again() {
        let mutations = std::env::var("SYNCRETIC_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000);
        for number in 0..mutations {
            any_bytes(&damaged(SEED, &mut Chance::new(number)));
        }
    }
}
