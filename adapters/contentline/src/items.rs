//! Cutting a file of many top-level components into spans, so that a broken one holds up no other.

use crate::document::DEEPEST;
use crate::error::Broken;
use crate::line::{Line, Lines, lines};
use crate::mark::{Mark, mark};
use std::ops::Range;

/// A span of a file that holds one top-level component, or what is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it stands; items do not overlap, and only blank lines stand between them.
    pub span: Range<usize>,
    /// The physical line, from 1, on which it begins.
    pub line: usize,
    /// Why it cannot be read; `None` where [`crate::document::Document::read`] reads it as one component.
    pub broken: Option<Broken>,
}

/// Returns the items of any bytes, in order and in linear time.
///
/// A BEGIN of the item's own name means that the item before it is cut off, and begins a new one; only
/// behind `AGENT:` (vCard 2.1) is it nested. Text between components is a broken item of its own.
#[must_use]
pub fn items(bytes: &[u8]) -> Items<'_> {
    Items { bytes, lines: lines(bytes), ahead: None }
}

/// The items of a file, in order.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    bytes: &'a [u8],
    lines: Lines<'a>,
    ahead: Option<Marked>,
}

#[derive(Clone, Debug)]
struct Marked {
    line: Line,
    number: usize,
    mark: Mark,
}

impl Iterator for Items<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            let first = self.take()?;
            match first.mark {
                Mark::Blank => {}
                Mark::Begin { name, .. } => return Some(self.component(first.line, first.number, name)),
                Mark::End(name) => {
                    let broken = Broken::Unopened { line: first.number, name };
                    return Some(self.stray(&first.line, first.number, broken));
                }
                Mark::Agent | Mark::Text => {
                    let broken = Broken::Outside { line: first.number };
                    return Some(self.stray(&first.line, first.number, broken));
                }
            }
        }
    }
}

impl Items<'_> {
    fn take(&mut self) -> Option<Marked> {
        if let Some(ahead) = self.ahead.take() {
            return Some(ahead);
        }
        let line = self.lines.next()?;
        Some(Marked { line, number: self.lines.number(), mark: mark(self.bytes, &line) })
    }

    /// Takes everything up to the next BEGIN, without the blank lines at its end.
    fn stray(&mut self, first: &Line, number: usize, broken: Broken) -> Item {
        let mut end = first.end;
        while let Some(next) = self.take() {
            match next.mark {
                Mark::Begin { .. } => {
                    self.ahead = Some(next);
                    break;
                }
                Mark::Blank => {}
                Mark::End(_) | Mark::Agent | Mark::Text => end = next.line.end,
            }
        }
        Item { span: first.start..end, line: number, broken: Some(broken) }
    }

    fn component(&mut self, first: Line, number: usize, name: String) -> Item {
        let (start, mut end) = (first.start, first.end);
        let mut open = Open { names: vec![name], beyond: 0, fault: None, agent: false };
        while !open.names.is_empty() {
            let Some(next) = self.take() else {
                open.cut_off(number);
                break;
            };
            if open.is_next_item(&next.mark) {
                open.cut_off(number);
                end = self.skip_bare_begins(next, end);
                break;
            }
            end = next.line.end;
            open.take(next.mark, next.number);
        }
        Item { span: start..end, line: number, broken: open.fault }
    }

    /// Takes BEGINs that hold nothing but the next one along with the broken item before them.
    ///
    /// Otherwise a hostile run of them would be as many items.
    fn skip_bare_begins(&mut self, mut next: Marked, mut end: usize) -> usize {
        loop {
            let mut peek = self.lines.clone();
            let Some(line) = peek.next() else {
                return next.line.end;
            };
            let after = Marked { line, number: peek.number(), mark: mark(self.bytes, &line) };
            if after.mark != next.mark {
                self.ahead = Some(next);
                return end;
            }
            end = next.line.end;
            next = after;
            self.lines = peek;
        }
    }
}

/// What is open within an item.
struct Open {
    names: Vec<String>,
    beyond: usize,
    fault: Option<Broken>,
    agent: bool,
}

impl Open {
    fn is_next_item(&self, mark: &Mark) -> bool {
        match mark {
            Mark::Begin { name, agent } => !agent && !self.agent && self.names.first() == Some(name),
            Mark::End(_) | Mark::Agent | Mark::Blank | Mark::Text => false,
        }
    }

    fn cut_off(&mut self, line: usize) {
        let name = self.names.first().cloned().unwrap_or_default();
        self.fault.get_or_insert(Broken::Unclosed { line, name });
    }

    fn take(&mut self, mark: Mark, line: usize) {
        self.agent = mark == Mark::Agent || (self.agent && mark == Mark::Blank);
        match mark {
            Mark::Begin { name, .. } => self.begin(name, line),
            Mark::End(name) => self.end(name, line),
            Mark::Agent | Mark::Blank | Mark::Text => {}
        }
    }

    fn begin(&mut self, name: String, line: usize) {
        if self.names.len() < DEEPEST && self.beyond == 0 {
            self.names.push(name);
        } else {
            self.beyond += 1;
            self.fault.get_or_insert(Broken::TooDeep { line, limit: DEEPEST });
        }
    }

    fn end(&mut self, name: String, line: usize) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        if self.names.last() == Some(&name) {
            self.names.pop();
            return;
        }
        // The END of something further out closes what was left open inside it; any other closes nothing.
        let expected = self.names.last().cloned().unwrap_or_default();
        if let Some(place) = self.names.iter().rposition(|open| *open == name) {
            self.names.truncate(place);
        }
        self.fault.get_or_insert(Broken::Mismatched { line, expected, found: name });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "BEGIN:VCARD\nFN:Ada\nEND:VCARD\n";
    const BOB: &str = "BEGIN:VCARD\nFN:Bob\nEND:VCARD\n";
    const CUT: &str = "BEGIN:VCARD\nFN:Cut\n";

    fn split(text: &str) -> Vec<(&str, usize, Option<Broken>)> {
        items(text.as_bytes()).map(|item| (&text[item.span], item.line, item.broken)).collect()
    }

    fn unclosed(line: usize) -> Option<Broken> {
        Some(Broken::Unclosed { line, name: "VCARD".to_owned() })
    }

    #[test]
    fn whole_cards_come_out_one_by_one() {
        assert_eq!(split(&format!("{ADA}\n{BOB}")), [(ADA, 1, None), (BOB, 5, None)]);
    }

    #[test]
    fn a_card_cut_off_in_the_middle_holds_up_no_other() {
        let all = format!("{ADA}{CUT}{BOB}");
        assert_eq!(split(&all), [(ADA, 1, None), (CUT, 4, unclosed(4)), (BOB, 6, None)]);
    }

    #[test]
    fn a_card_cut_off_at_the_end_holds_up_no_other() {
        assert_eq!(split(&format!("{ADA}{CUT}")), [(ADA, 1, None), (CUT, 4, unclosed(4))]);
    }

    #[test]
    fn a_card_behind_agent_is_nested() {
        let agent = format!("BEGIN:VCARD\nAGENT:\n\n{BOB}FN:Ada\nEND:VCARD\n");
        assert_eq!(split(&agent), [(agent.as_str(), 1, None)]);
        let same = format!("BEGIN:VCARD\nAGENT:{BOB}FN:Ada\nEND:VCARD\n");
        assert_eq!(split(&same), [(same.as_str(), 1, None)]);
    }

    #[test]
    fn text_between_cards_is_an_item_of_its_own() {
        let all = format!("{ADA}TEL:1\n\nTEL:2\n\n{BOB}END:VCARD\n");
        let stray = Broken::Unopened { line: 11, name: "VCARD".to_owned() };
        assert_eq!(
            split(&all),
            [(ADA, 1, None), ("TEL:1\n\nTEL:2\n", 4, Some(Broken::Outside { line: 4 })), (BOB, 8, None), ("END:VCARD\n", 11, Some(stray))]
        );
    }

    #[test]
    fn an_inner_component_left_open_breaks_its_card_only() {
        let all = format!("BEGIN:VCARD\nBEGIN:X\nEND:VCARD\n{BOB}");
        let (expected, found) = ("X".to_owned(), "VCARD".to_owned());
        let broken = Broken::Mismatched { line: 3, expected, found };
        assert_eq!(split(&all)[0].2, Some(broken));
        assert_eq!(split(&all)[1], (BOB, 4, None));
    }

    #[test]
    fn a_hostile_nest_is_one_item() {
        let nest = "BEGIN:VCARD\n".repeat(100_000);
        assert_eq!(split(&nest), [(nest.as_str(), 1, unclosed(1))]);
        let followed = format!("{nest}{BOB}");
        let found = split(&followed);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], (BOB, 100_001, None));
        let inner = format!("BEGIN:VCARD\n{}{ADA}", "BEGIN:X\n".repeat(100_000));
        let found = split(&inner);
        assert_eq!(found[0].2, Some(Broken::TooDeep { line: 17, limit: DEEPEST }));
        assert_eq!(found[1].0, ADA);
    }
}
