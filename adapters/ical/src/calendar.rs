//! A file as its calendars and their components: where each stands, and what is broken without holding up the rest.

use crate::map::table::Component;
use crate::zone::definition;
use contentline::document::DEEPEST;
use contentline::error::Broken;
use contentline::line::{Line, mark_length};
use contentline::outline::{Post, What, outline};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// What stands in a file, in order.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    pub(crate) roots: Vec<Root>,
    pub(crate) pieces: Vec<Piece>,
    /// The definitions of time zones; all with one TZID say the same.
    pub(crate) zones: Vec<Range<usize>>,
    pub(crate) strays: Vec<Stray>,
}

/// One VCALENDAR.
#[derive(Debug, Default)]
pub(crate) struct Root {
    /// From its BEGIN to behind its END.
    pub(crate) whole: Range<usize>,
    /// Where its END line begins; none where there is no END.
    pub(crate) end: Option<usize>,
    /// Where its first component begins, else its END.
    pub(crate) inner: usize,
    /// Its own lines, in runs.
    pub(crate) own: Vec<Range<usize>>,
    /// Its components that are neither records nor zones, and definitions of a zone that another one defines otherwise before.
    pub(crate) others: Vec<Range<usize>>,
    has_inner: bool,
}

/// One component that is a record, or an override of one.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) component: &'static Component,
    pub(crate) range: Range<usize>,
    /// Its UID line.
    pub(crate) uid: Option<Line>,
    pub(crate) broken: Option<Broken>,
}

/// Something broken that belongs to no item; the fault's own line does not count, `at` tells where it is.
#[derive(Debug)]
pub(crate) struct Stray {
    pub(crate) at: usize,
    pub(crate) broken: Broken,
}

impl Calendar {
    /// Finds the components of any bytes, in linear time.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut walk = Walk { bytes, found: Self::default(), root: None, child: None, at: mark_length(bytes), defined: HashMap::new() };
        for post in outline(bytes, "UID") {
            walk.take(&post);
        }
        walk.finish()
    }
}

impl Calendar {
    /// Returns the VCALENDAR that new components are for: the last one that has some, else the first.
    pub(crate) fn home(&self) -> Option<&Root> {
        let holds = |root: &&Root| self.pieces.iter().any(|piece| root.whole.contains(&piece.range.start));
        self.roots.iter().rev().find(holds).or_else(|| self.roots.first())
    }

    /// Tells whether anything but the definitions themselves may name this zone.
    pub(crate) fn names(&self, bytes: &[u8], tzid: &str) -> bool {
        let mut at = 0;
        let named = |range: Range<usize>| bytes.get(range).is_some_and(|part| memchr::memmem::find(part, tzid.as_bytes()).is_some());
        for zone in &self.zones {
            if named(at..zone.start) {
                return true;
            }
            at = zone.end;
        }
        named(at..bytes.len())
    }
}

struct Walk<'b> {
    bytes: &'b [u8],
    found: Calendar,
    root: Option<usize>,
    child: Option<Child<'b>>,
    /// Up to where everything has its place.
    at: usize,
    /// What each TZID is defined as.
    defined: HashMap<String, String>,
}

/// A component that is open, with those open inside it.
struct Child<'b> {
    start: usize,
    names: Vec<Cow<'b, [u8]>>,
    beyond: usize,
    uid: Option<Line>,
    fault: Option<Broken>,
}

fn is_calendar(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"VCALENDAR")
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_uppercase()
}

fn unclosed(name: &[u8]) -> Broken {
    Broken::Unclosed { line: 0, name: text(name) }
}

impl<'b> Walk<'b> {
    fn take(&mut self, post: &Post<'b>) {
        match &post.what {
            What::Begin(name) => self.begin(name.clone(), &post.line),
            What::End(name) => self.end(name, &post.line),
            What::Property => {
                if let Some(child) = self.child.as_mut().filter(|child| child.names.len() == 1 && child.uid.is_none()) {
                    child.uid = Some(post.line);
                }
            }
        }
    }

    fn begin(&mut self, name: Cow<'b, [u8]>, line: &Line) {
        if let Some(child) = &mut self.child {
            // No record stands within another, so one that begins there shows that the one before it is cut off.
            let again = child.names.first().is_some_and(|first| first.eq_ignore_ascii_case(&name));
            let record = Component::named(&name).is_some() && child.names.first().is_some_and(|first| Component::named(first).is_some());
            if !again && !record && !is_calendar(&name) {
                child.nest(name);
                return;
            }
            self.cut(line.start);
        }
        self.gap(line.start);
        if is_calendar(&name) {
            self.leave(line.start);
            self.root = Some(self.found.roots.len());
            self.found.roots.push(Root { whole: line.start..line.end, inner: line.end, ..Root::default() });
        } else {
            self.child = Some(Child { start: line.start, names: vec![name], beyond: 0, uid: None, fault: None });
        }
        self.at = line.end;
    }

    fn end(&mut self, name: &[u8], line: &Line) {
        if let Some(child) = &mut self.child {
            if is_calendar(name) && self.root.is_some() {
                self.cut(line.start);
            } else {
                if child.close(name) {
                    self.close(line.end);
                }
                return;
            }
        }
        self.gap(line.start);
        self.at = line.end;
        match self.root.take().and_then(|root| self.found.roots.get_mut(root)) {
            Some(root) if is_calendar(name) => {
                root.end = Some(line.start);
                if !root.has_inner {
                    root.inner = line.start;
                }
                root.whole.end = line.end;
            }
            Some(_) => {
                self.root = self.found.roots.len().checked_sub(1);
                self.stray(line.start, Broken::Unopened { line: 0, name: text(name) });
            }
            None => self.stray(line.start, Broken::Unopened { line: 0, name: text(name) }),
        }
    }

    fn stray(&mut self, at: usize, broken: Broken) {
        self.found.strays.push(Stray { at, broken });
    }

    /// Takes what stands between the last component and `to`.
    fn gap(&mut self, to: usize) {
        let gap = self.at..to;
        let blank = self.bytes.get(gap.clone()).is_none_or(|bytes| bytes.trim_ascii().is_empty());
        if blank {
            return;
        }
        match self.root.and_then(|root| self.found.roots.get_mut(root)) {
            Some(root) => root.own.push(gap),
            None => self.stray(gap.start, Broken::Outside { line: 0 }),
        }
    }

    /// Closes the open component at the beginning of what cannot belong to it.
    fn cut(&mut self, at: usize) {
        if let Some(child) = &mut self.child {
            let name = child.names.first().cloned().unwrap_or_default();
            child.fault.get_or_insert(unclosed(&name));
            self.close(at);
        }
    }

    /// Puts the open component, which ends here, where it belongs.
    fn close(&mut self, end: usize) {
        let Some(child) = self.child.take() else { return };
        self.at = end;
        let range = child.start..end;
        let name = child.names.into_iter().next().unwrap_or_default();
        if let Some(root) = self.root.and_then(|root| self.found.roots.get_mut(root))
            && !root.has_inner
        {
            (root.inner, root.has_inner) = (range.start, true);
        }
        if let Some(component) = Component::named(&name) {
            self.piece(Piece { component, range, uid: child.uid, broken: child.fault });
            return;
        }
        if let Some(broken) = child.fault {
            self.stray(range.start, broken);
        } else if name.eq_ignore_ascii_case(b"VTIMEZONE") && self.defines(&range) {
            self.found.zones.push(range);
        } else if let Some(root) = self.root.and_then(|root| self.found.roots.get_mut(root)) {
            root.others.push(range);
        } else {
            self.stray(range.start, Broken::Outside { line: 0 });
        }
    }

    /// Tells whether a definition is one that events can mean: it has a TZID, and says what the first one with it says.
    fn defines(&mut self, range: &Range<usize>) -> bool {
        let Some((tzid, text)) = self.bytes.get(range.clone()).and_then(definition) else { return false };
        let first = self.defined.entry(tzid).or_insert_with(|| text.clone());
        *first == text || self.root.is_none()
    }

    /// Adds a piece; a hostile run of BEGINs that hold nothing is one.
    fn piece(&mut self, piece: Piece) {
        let bare = |piece: &Piece| piece.uid.is_none() && matches!(piece.broken, Some(Broken::Unclosed { .. }));
        if let Some(last) = self.found.pieces.last_mut()
            && bare(last)
            && bare(&piece)
            && last.range.end == piece.range.start
        {
            last.range.end = piece.range.end;
            return;
        }
        self.found.pieces.push(piece);
    }

    /// Leaves a VCALENDAR that has no END.
    fn leave(&mut self, at: usize) {
        if let Some(root) = self.root.take().and_then(|root| self.found.roots.get_mut(root)) {
            root.whole.end = at;
            let start = root.whole.start;
            self.stray(start, unclosed(b"VCALENDAR"));
        }
    }

    fn finish(mut self) -> Calendar {
        let end = self.bytes.len();
        self.cut(end);
        self.gap(end);
        self.leave(end);
        self.found
    }
}

impl<'b> Child<'b> {
    fn nest(&mut self, name: Cow<'b, [u8]>) {
        if self.names.len() < DEEPEST && self.beyond == 0 {
            self.names.push(name);
        } else {
            self.beyond += 1;
            self.fault.get_or_insert(Broken::TooDeep { line: 0, limit: DEEPEST });
        }
    }

    /// Closes what this END closes; tells whether that is the component itself.
    fn close(&mut self, name: &[u8]) -> bool {
        if self.beyond > 0 {
            self.beyond -= 1;
            return false;
        }
        if self.names.last().is_some_and(|last| last.eq_ignore_ascii_case(name)) {
            if self.names.len() == 1 {
                return true;
            }
            self.names.pop();
            return false;
        }
        let expected = self.names.last().map(|last| text(last)).unwrap_or_default();
        self.fault.get_or_insert(Broken::Mismatched { line: 0, expected, found: text(name) });
        match self.names.iter().rposition(|open| open.eq_ignore_ascii_case(name)) {
            Some(0) => true,
            Some(place) => {
                self.names.truncate(place);
                false
            }
            None => false,
        }
    }
}

/// Returns the physical line, from 1, of each of these places, which are in order; linear in the bytes.
pub(crate) fn line_numbers(bytes: &[u8], places: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let terminator = contentline::line::terminator(bytes);
    let (mut at, mut line) = (0, 1);
    let mut numbers = Vec::new();
    for place in places {
        line += memchr::memchr_iter(terminator, bytes.get(at..place).unwrap_or_default()).count();
        at = place.max(at);
        numbers.push(line);
    }
    numbers
}

/// Returns why something cannot be read, without the line, which the place names already.
pub(crate) fn reason(broken: &Broken) -> String {
    let text = broken.to_string();
    text.split_once(": ").filter(|(line, _)| line.starts_with("line ")).map_or_else(|| text.clone(), |(_, reason)| reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = "BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n";

    fn shown(text: &str) -> (Vec<(&str, bool)>, Vec<Broken>) {
        let found = Calendar::read(text.as_bytes());
        let pieces = found.pieces.iter().map(|piece| (&text[piece.range.clone()], piece.broken.is_none())).collect();
        (pieces, found.strays.into_iter().map(|stray| stray.broken).collect())
    }

    #[test]
    fn the_components_of_a_calendar_come_out_one_by_one() {
        let zone = "BEGIN:VTIMEZONE\r\nTZID:Z\r\nEND:VTIMEZONE\r\n";
        let text =
            format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{zone}{EVENT}X-A:1\r\nBEGIN:X-B\r\nEND:X-B\r\n{EVENT}X-C:2\r\nEND:VCALENDAR\r\n");
        assert_eq!(shown(&text), (vec![(EVENT, true), (EVENT, true)], vec![]));
        let found = Calendar::read(text.as_bytes());
        let root = &found.roots[0];
        let own: Vec<&str> = root.own.iter().map(|run| &text[run.clone()]).collect();
        assert_eq!(own, ["VERSION:2.0\r\n", "X-A:1\r\n", "X-C:2\r\n"]);
        assert_eq!((&text[found.zones[0].clone()], root.others.len()), (zone, 1));
        assert!(text[root.inner..].starts_with("BEGIN:VTIMEZONE") && text[root.end.unwrap()..] == *"END:VCALENDAR\r\n");
    }

    #[test]
    fn a_broken_event_holds_up_no_other() {
        let cut = "BEGIN:VEVENT\r\nUID:2\r\n";
        let unclosed = |name: &str| Broken::Unclosed { line: 0, name: name.to_owned() };
        let text = format!("BEGIN:VCALENDAR\r\n{EVENT}{cut}{EVENT}{cut}END:VCALENDAR\r\nNOTE:1\r\n");
        let (pieces, strays) = shown(&text);
        assert_eq!(pieces, [(EVENT, true), (cut, false), (EVENT, true), (cut, false)]);
        assert_eq!(strays, [Broken::Outside { line: 0 }]);
        let text = format!("BEGIN:VCALENDAR\r\n{EVENT}BEGIN:VCALENDAR\r\n{EVENT}END:VCALENDAR\r\nEND:VEVENT\r\n");
        let (pieces, strays) = shown(&text);
        assert_eq!(pieces, [(EVENT, true), (EVENT, true)]);
        assert_eq!(strays, [unclosed("VCALENDAR"), Broken::Unopened { line: 0, name: "VEVENT".to_owned() }]);
    }

    #[test]
    fn a_task_behind_an_event_that_is_cut_off_is_no_part_of_it() {
        let (cut, task) = ("BEGIN:VEVENT\r\nUID:2\r\nBEGIN:VALARM\r\n", "BEGIN:VTODO\r\nUID:3\r\nEND:VTODO\r\n");
        let text = format!("BEGIN:VCALENDAR\r\n{cut}{task}END:VCALENDAR\r\n");
        assert_eq!(shown(&text).0, [(cut, false), (task, true)]);
        let poll = format!("BEGIN:VCALENDAR\r\nBEGIN:VPOLL\r\n{EVENT}END:VPOLL\r\nEND:VCALENDAR\r\n");
        assert_eq!(shown(&poll), (vec![], vec![]));
    }

    #[test]
    fn a_hostile_nest_is_one_piece() {
        let nest = format!("BEGIN:VCALENDAR\n{}", "BEGIN:VEVENT\n".repeat(100_000));
        assert_eq!(Calendar::read(nest.as_bytes()).pieces.len(), 1);
        let other = format!("BEGIN:VEVENT\n{}", "BEGIN:X\n".repeat(100_000));
        assert!(matches!(Calendar::read(other.as_bytes()).pieces[0].broken, Some(Broken::TooDeep { .. })));
    }

    #[test]
    fn a_zone_that_is_defined_again_and_otherwise_is_a_component_of_the_calendar() {
        let zone = |line: &str| format!("BEGIN:VTIMEZONE\r\nTZID:Here\r\n{line}\r\nEND:VTIMEZONE\r\n");
        let text = format!("BEGIN:VCALENDAR\r\n{}{}{}END:VCALENDAR\r\n", zone("X:1"), zone("X:2"), zone("X:1"));
        let found = Calendar::read(text.as_bytes());
        let slices = |ranges: &[Range<usize>]| ranges.iter().map(|range| text[range.clone()].to_owned()).collect::<Vec<_>>();
        assert_eq!(slices(&found.zones), [zone("X:1"), zone("X:1")]);
        assert_eq!(slices(&found.roots[0].others), [zone("X:2")]);
    }

    #[test]
    fn events_without_a_calendar_around_them_are_found() {
        assert_eq!(shown(EVENT), (vec![(EVENT, true)], vec![]));
        assert_eq!(line_numbers(b"a\nb\nc", [0, 2, 4]), [1, 2, 3]);
    }
}
