//! Writing one line: folded in the style of its file, never within a character or an escape.

use crate::error::Unwritable;
use crate::head;
use crate::style::Style;
use crate::transport::Transfer;

/// The narrowest fold, in which the longest indivisible piece still fits.
const NARROWEST: usize = 20;

/// Appends a line, folded and with its ending, to `out`.
///
/// `line` is unfolded, in its charset and with its transfer encoding. A quoted-printable value is broken with
/// `=`, every other line by the fold of the style; a style without folds leaves the line in one piece.
///
/// # Errors
/// Fails where the line would not read back as this one line; `out` is then as it was.
pub fn fold(line: &[u8], style: &Style, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    if memchr::memchr2(b'\n', b'\r', line).is_some() {
        return Err(Unwritable::LineBreak);
    }
    if matches!(line.first(), None | Some(b' ' | b'\t')) {
        return Err(Unwritable::Blank);
    }
    let colon = head::colon(line).map_or(line.len(), |colon| colon + 1);
    let (head, value) = line.split_at(colon.min(line.len()));
    let transfer = head::transfer(head.strip_suffix(b":").unwrap_or(head));
    if transfer == Transfer::QuotedPrintable {
        if line.ends_with(b"=") {
            return Err(Unwritable::Dangling);
        }
        let last = plain(head, style, out);
        quoted(value, last, style, out);
    } else {
        plain(line, style, out);
    }
    out.extend_from_slice(style.ending.as_bytes());
    Ok(())
}

/// Appends `text` folded, and returns the width of the last physical line.
fn plain(text: &[u8], style: &Style, out: &mut Vec<u8>) -> usize {
    let Some(blank) = style.fold else {
        out.extend_from_slice(text);
        return text.len();
    };
    let width = style.width.max(NARROWEST);
    let (mut rest, mut indent) = (text, 0);
    while rest.len() + indent > width {
        let (piece, tail) = rest.split_at(character_start(rest, width - indent));
        out.extend_from_slice(piece);
        out.extend_from_slice(style.ending.as_bytes());
        out.push(blank);
        (rest, indent) = (tail, 1);
    }
    out.extend_from_slice(rest);
    rest.len() + indent
}

/// Returns the nearest place at or before `place` that begins a UTF-8 character.
fn character_start(text: &[u8], place: usize) -> usize {
    // Behind three bytes that continue a character there is no character to keep together.
    (place.saturating_sub(3)..=place).rev().find(|at| *at > 0 && starts_character(text, *at)).unwrap_or(place)
}

fn starts_character(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| byte & 0xC0 != 0x80)
}

/// Appends a quoted-printable value behind `column` bytes of head.
fn quoted(value: &[u8], column: usize, style: &Style, out: &mut Vec<u8>) {
    if !style.soft {
        out.extend_from_slice(value);
        return;
    }
    let width = style.width.max(NARROWEST);
    let (mut rest, mut column) = (value, column);
    while rest.len() + column > width {
        let room = (width - 1).saturating_sub(column);
        let place = soft_place(rest, usize::from(column == 0), room);
        let Some((piece, tail)) = place.and_then(|place| rest.split_at_checked(place)) else { break };
        out.extend_from_slice(piece);
        out.push(b'=');
        out.extend_from_slice(style.ending.as_bytes());
        (rest, column) = (tail, 0);
    }
    out.extend_from_slice(rest);
}

/// Returns where a soft break may stand: the last place in `least..=room`, else the first behind it.
fn soft_place(value: &[u8], least: usize, room: usize) -> Option<usize> {
    let before = (least..=room.min(value.len())).rev().find(|place| is_breakable(value, *place));
    before.or_else(|| (least.max(room + 1)..value.len()).find(|place| is_breakable(value, *place)))
}

/// Tells whether the break falls within no escape and no character, and before no blank, which readers may drop.
fn is_breakable(value: &[u8], place: usize) -> bool {
    let before = |distance: usize| place.checked_sub(distance).and_then(|at| value.get(at));
    !matches!(value.get(place), None | Some(b' ' | b'\t'))
        && starts_character(value, place)
        && before(1) != Some(&b'=')
        && before(2) != Some(&b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(line: &str, style: Style) -> String {
        let mut out = Vec::new();
        fold(line.as_bytes(), &style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn narrow() -> Style {
        Style { width: 20, ending: "\n", ..Style::default() }
    }

    #[test]
    fn long_lines_are_folded_at_the_width() {
        assert_eq!(folded("NOTE:0123456789012345678901234567890123456", narrow()), "NOTE:012345678901234\n 5678901234567890123\n 456\n");
        assert_eq!(folded("NOTE:1", narrow()), "NOTE:1\n");
    }

    #[test]
    fn no_character_is_cut() {
        assert_eq!(folded("NOTE:0123456789012é456", narrow()), "NOTE:0123456789012é\n 456\n");
        assert_eq!(folded("NOTE:01234567890123é56", narrow()), "NOTE:01234567890123\n é56\n");
    }

    #[test]
    fn quoted_printable_is_broken_softly_and_never_within_an_escape() {
        let line = "NOTE;QUOTED-PRINTABLE:abcdefgh=C3=A9=C3=A9=C3=A9 x";
        assert_eq!(folded(line, narrow()), "NOTE;QUOTED-PRINTABL\n E:abcdefgh=C3=A9=\n=C3=A9=C3=A9 x\n");
        let unbroken = Style { soft: false, fold: None, ..narrow() };
        assert_eq!(folded(line, unbroken), format!("{line}\n"));
    }

    #[test]
    fn no_soft_break_stands_before_a_blank() {
        let line = "NOTE;QUOTED-PRINTABLE:\tabcdefghijklmnopqrs tu";
        let style = Style { fold: None, ..narrow() };
        assert_eq!(folded(line, style), "NOTE;QUOTED-PRINTABLE:\t=\nabcdefghijklmnopqr=\ns tu\n");
    }

    #[test]
    fn a_style_without_folds_writes_one_physical_line() {
        let style = Style { fold: None, ..narrow() };
        assert_eq!(folded("NOTE:0123456789012345678901234567", style), "NOTE:0123456789012345678901234567\n");
    }

    #[test]
    fn what_would_not_read_back_as_one_line_is_refused() {
        let refused = |line: &str| fold(line.as_bytes(), &Style::default(), &mut Vec::new()).unwrap_err();
        assert_eq!(refused("NOTE:a\nb"), Unwritable::LineBreak);
        assert_eq!(refused("NOTE:a\rb"), Unwritable::LineBreak);
        assert_eq!(refused(" NOTE:a"), Unwritable::Blank);
        assert_eq!(refused(""), Unwritable::Blank);
        assert_eq!(refused("NOTE;QUOTED-PRINTABLE:a="), Unwritable::Dangling);
    }
}
