//! Laws that hold for any input, and for the files of the corpus where `SYNCRETIC_CORPUS` names it.

use crate::charset::{self, Charset};
use crate::content::Content;
use crate::document::Document;
use crate::escape::Escaping;
use crate::fold::fold;
use crate::items::items;
use crate::line::{lines, mark_length};
use crate::style::Style;
use crate::{head, parameter, position, transport, unfold, wide};
use proptest::prelude::*;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Bytes that look enough like a file to reach every branch.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"BEGIN:VCARD",
        b"END:VCARD",
        b"BEGIN:X",
        b"END:X",
        b"AGENT:",
        b"\n",
        b"\r\n",
        b"\r",
        b"\r\r\n",
        b" ",
        b"\t",
        b"=",
        b":",
        b";",
        b"\"",
        b";ENCODING=QUOTED-PRINTABLE",
        b";ENCODING=BASE64",
        b"ENCODING=\n B",
        b";CHARSET=Shift_JIS",
        b"NOTE",
        b"item1.TEL",
        b"AAAA",
        b"\xc3\xa9",
        b"\xc3",
        b"\xef\xbb\xbf",
        b"\\",
        b",",
        b"^",
        b"\0",
        b"\xff\xfe",
        b"=C3=A9",
    ];
    let word = prop_oneof![
        9 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

fn style() -> impl Strategy<Value = Style> {
    let ending = proptest::sample::select(vec!["\n", "\r\n", "\r", "\r\r\n"]);
    let fold = proptest::sample::select(vec![None, Some(b' '), Some(b'\t')]);
    (ending, fold, 0..90_usize, any::<bool>()).prop_map(|(ending, fold, width, soft)| Style { ending, fold, width, soft })
}

fn assert_tiles(bytes: &[u8]) {
    let mut end = mark_length(bytes);
    for line in lines(bytes) {
        assert_eq!(line.start, end);
        assert!(line.start <= line.body && line.body <= line.end && line.start < line.end);
        end = line.end;
    }
    assert_eq!(end, bytes.len());
}

/// Reads everything that can be read, and checks what must be so of any file.
fn assert_readable(bytes: &[u8]) {
    let _ = Style::of(bytes);
    for line in lines(bytes) {
        let content = Content::of(bytes, &line);
        let _ = (content.group(), content.name(), content.value(), content.text(), content.bytes());
        let _ = content.charset_to_write(Charset::UTF_8);
        for one in content.parameters() {
            let _ = (parameter::decode(&one.value), parameter::elements(&one.value));
        }
        let joined = if line.folded { unfold::unfold(line.raw(bytes)) } else { line.raw(bytes).to_vec() };
        let colon: &[u8] = if head::colon(&joined).is_some() { b":" } else { b"" };
        assert_eq!([content.raw_head(), colon, content.raw_value()].concat(), joined);
    }
    assert_items(bytes);
    assert_tree(bytes);
}

fn assert_items(bytes: &[u8]) {
    let mut end = mark_length(bytes);
    for item in items(bytes) {
        assert!(bytes[end..item.span.start].trim_ascii().is_empty());
        assert!(item.span.start < item.span.end);
        assert_eq!(item.line, position::position(bytes, item.span.start).line);
        end = item.span.end;
        if item.broken.is_none() {
            let document = Document::read(&bytes[item.span]).unwrap();
            assert_eq!(document.roots().count(), 1);
        }
    }
    assert!(bytes[end..].trim_ascii().is_empty());
}

fn assert_tree(bytes: &[u8]) {
    let Ok(document) = Document::read(bytes) else { return };
    let mut seen = vec![0_u32; document.lines().len()];
    for (index, component) in document.components().iter().enumerate() {
        seen[component.first] += 1;
        seen[component.last] += 1;
        document.own(index).for_each(|line| seen[line] += 1);
        for child in document.children(index) {
            assert_eq!(document.components()[child].parent, Some(index));
        }
    }
    for (count, line) in seen.into_iter().zip(document.lines()) {
        let blank = line.raw(bytes).trim_ascii().is_empty();
        assert!(count == 1 || (count == 0 && blank));
    }
}

/// Folds a line between two others and expects it back.
fn assert_folds(line: &[u8], style: &Style) {
    let mut written = b"A:1".to_vec();
    written.extend_from_slice(style.ending.as_bytes());
    if fold(line, style, &mut written).is_err() {
        return;
    }
    written.extend_from_slice(b"Z:1");
    written.extend_from_slice(style.ending.as_bytes());
    let all: Vec<_> = lines(&written).collect();
    assert_eq!(all.len(), 3, "{:?}", String::from_utf8_lossy(&written));
    let read = Content::of(&written, &all[1]);
    let expected = Content::parse(Cow::Borrowed(line));
    assert_eq!((read.raw_head(), read.raw_value()), (expected.raw_head(), expected.raw_value()));
}

proptest! {
    #[test]
    fn lines_tile_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        assert_tiles(&bytes);
        assert_readable(&bytes);
    }

    #[test]
    fn lines_tile_anything_like_a_file(bytes in file()) {
        assert_tiles(&bytes);
        assert_readable(&bytes);
        let _ = position::position(&bytes, bytes.len() / 2);
        if let Ok((text, form)) = wide::decode(&bytes) && let Ok(text) = std::str::from_utf8(&text) {
            prop_assert_eq!(wide::encode(text, form), bytes);
        }
    }

    #[test]
    fn a_folded_line_reads_back(text in "[A-Z]{1,30}:.{0,300}", style in style()) {
        assert_folds(text.as_bytes(), &style);
    }

    #[test]
    fn folded_bytes_of_any_charset_read_back(bytes in proptest::collection::vec(any::<u8>(), 1..300), style in style()) {
        assert_folds(&[b"NOTE:", bytes.as_slice()].concat(), &style);
    }

    #[test]
    fn folded_quoted_printable_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..200), style in style()) {
        let encoded = transport::encode_quoted(&bytes);
        prop_assert_eq!(transport::decode_quoted(encoded.as_bytes()), bytes);
        assert_folds(format!("NOTE;X=\"a=\";ENCODING=QUOTED-PRINTABLE:{encoded}").as_bytes(), &style);
    }

    #[test]
    fn quoted_printable_kept_raw_reads_back(raw in "[ =\ta-zé\\x21-\\x7e]{0,120}", style in style()) {
        assert_folds(format!("NOTE;ENCODING=QUOTED-PRINTABLE:{raw}").as_bytes(), &style);
    }

    #[test]
    fn base64_decodes_what_it_encoded(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(transport::decode_base64(transport::encode_base64(&bytes).as_bytes()), Some(bytes));
    }

    #[test]
    fn base64_and_quoted_printable_take_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (transport::decode_base64(&bytes), transport::decode_quoted(&bytes));
    }

    #[test]
    fn escaped_pieces_split_and_unescape_to_themselves(pieces in proptest::collection::vec("[a-z;,\\\\\n\" é]{0,8}", 1..6)) {
        let joined = pieces.iter().map(|piece| Escaping::Text.escape(piece)).collect::<Vec<_>>().join(";");
        let read: Vec<_> = Escaping::Text.split(&joined, b';').into_iter().map(|piece| Escaping::Text.unescape(piece)).collect();
        prop_assert_eq!(read, pieces);
    }

    #[test]
    fn old_escapes_read_back_where_no_backslash_precedes_a_separator(pieces in proptest::collection::vec("[a-z;, é]{0,8}", 1..6)) {
        let joined = pieces.iter().map(|piece| Escaping::Separator.escape(piece)).collect::<Vec<_>>().join(";");
        let read: Vec<_> = Escaping::Separator.split(&joined, b';').into_iter().map(|piece| Escaping::Separator.unescape(piece)).collect();
        prop_assert_eq!(read, pieces);
    }

    #[test]
    fn any_text_splits_and_unescapes(text in ".{0,40}") {
        for escaping in [Escaping::Separator, Escaping::Text] {
            prop_assert_eq!(escaping.split(&text, b';').join(";"), text.as_str());
            let _ = escaping.unescape(&text);
        }
        let _ = (parameter::decode(&text), parameter::elements(&text));
    }

    #[test]
    fn a_parameter_reads_back_within_its_line(text in "[a-z^'n\"\n,;: =é\t]{0,20}") {
        let raw = parameter::encode(&text).unwrap().into_owned();
        let line = format!("X;A=1;P={raw};B=2:value");
        let content = Content::parse(Cow::Borrowed(line.as_bytes()));
        let read = content.parameter("P").unwrap();
        prop_assert_eq!(parameter::decode(&read), text.as_str());
        prop_assert_eq!(content.value(), "value");
        prop_assert_eq!(parameter::elements(&raw).len(), 1);
    }

    #[test]
    fn what_a_charset_writes_it_reads(text in "[a-zäöüé日本ñÃ©\u{80}-\u{9f}]{0,12}", label in proptest::sample::select(vec!["utf-8", "iso-8859-1", "shift_jis", "gbk", "iso-2022-jp", "koi8-r"])) {
        let charset = Charset::named(label.as_bytes()).unwrap();
        if let Ok(bytes) = charset.encode(&text) {
            prop_assert_eq!(charset::decode(&bytes, Some(charset)), text.as_str());
        }
    }
}

#[test]
fn ten_megabytes_in_one_line_are_read_in_one_pass() {
    let hostile: [Vec<u8>; 4] = [
        b"a".repeat(10_000_000),
        b"X;QUOTED-PRINTABLE=\n =".repeat(400_000),
        [&b"X;A=\""[..], &b":=\n ".repeat(2_500_000)].concat(),
        [&b"X;ENCODING=QUOTED-PRINTABLE:"[..], &b"a=\n".repeat(3_000_000)].concat(),
    ];
    for bytes in hostile {
        assert_tiles(&bytes);
        for line in lines(&bytes) {
            let _ = Content::of(&bytes, &line).value();
        }
        let _ = (Style::of(&bytes), items(&bytes).count());
    }
}

#[test]
fn many_components_are_walked_in_one_pass() {
    let text = format!("BEGIN:A\n{}END:A\n", "BEGIN:B\nX:1\nEND:B\n".repeat(100_000));
    let document = Document::read(text.as_bytes()).unwrap();
    assert_eq!(document.own(0).count(), 0);
    assert_eq!(document.children(0).count(), 100_000);
}

#[test]
fn every_file_of_the_corpus_tiles() {
    let Some(corpus) = std::env::var_os("SYNCRETIC_CORPUS") else {
        eprintln!("SYNCRETIC_CORPUS is not set; nothing was checked");
        return;
    };
    let files = files_below(Path::new(&corpus));
    assert!(!files.is_empty());
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        assert_tiles(&bytes);
        assert_readable(&bytes);
        for line in lines(&bytes) {
            let content = Content::of(&bytes, &line);
            let whole = [content.raw_head(), b":", content.raw_value()].concat();
            assert_folds(&whole, &Style::of(&bytes));
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "ics" || extension == "vcf") {
            found.push(path);
        }
    }
    found
}
