//! A file or a part of one as a tree of components over its lines.

use crate::content::Content;
use crate::error::Broken;
use crate::line::{self, Line};
use crate::mark::{Mark, mark};
use std::ops::Range;

/// The deepest nesting that is read; real files reach four.
pub const DEEPEST: usize = 16;

/// Lines and components of well-formed bytes.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    bytes: &'a [u8],
    lines: Vec<Line>,
    components: Vec<Component>,
}

/// What stands between a BEGIN and its END.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The name in upper case.
    pub name: String,
    /// The index of the BEGIN line.
    pub first: usize,
    /// The index of the END line.
    pub last: usize,
    /// The index of the component around it.
    pub parent: Option<usize>,
    next: usize,
}

impl<'a> Document<'a> {
    /// Reads lines and components, in linear time and without recursion.
    ///
    /// # Errors
    /// Fails with the physical line, from 1, where BEGIN and END do not pair, nest deeper than [`DEEPEST`], or
    /// where text stands outside of them.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let mut all = line::lines(bytes);
        let mut tree = Tree::default();
        let mut lines = Vec::with_capacity(bytes.len() / 32);
        while let Some(line) = all.next() {
            tree.take(mark(bytes, &line), lines.len(), all.number())?;
            lines.push(line);
        }
        let components = tree.finish()?;
        Ok(Self { bytes, lines, components })
    }

    /// Returns the bytes that were read.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns all logical lines in order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Returns all components, each before those inside it.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Returns the indices of the outermost components.
    pub fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.siblings(0, self.components.len())
    }

    /// Returns the indices of the components that stand directly in `component`.
    pub fn children(&self, component: usize) -> impl Iterator<Item = usize> + '_ {
        self.siblings(component + 1, self.components.get(component).map_or(0, |one| one.next))
    }

    /// Returns the indices of the lines that stand in `component` itself, without BEGIN and END.
    ///
    /// A component inside is stepped over, not walked through.
    pub fn own(&self, component: usize) -> impl Iterator<Item = usize> + '_ {
        let (mut at, last) = self.components.get(component).map_or((0, 0), |one| (one.first + 1, one.last));
        let mut inner = component + 1;
        std::iter::from_fn(move || {
            while let Some(child) = self.components.get(inner)
                && child.first == at
                && at < last
            {
                at = child.last + 1;
                inner = child.next;
            }
            let line = at;
            at += 1;
            (line < last).then_some(line)
        })
    }

    /// Reads the line with this index.
    #[must_use]
    pub fn content(&self, line: usize) -> Option<Content<'a>> {
        self.lines.get(line).map(|line| Content::of(self.bytes, line))
    }

    /// Returns the bytes of a component from its BEGIN to behind its END.
    #[must_use]
    pub fn span(&self, component: &Component) -> Range<usize> {
        let start = self.lines.get(component.first).map_or(0, |line| line.start);
        let end = self.lines.get(component.last).map_or(start, |line| line.end);
        start..end
    }

    fn siblings(&self, first: usize, end: usize) -> impl Iterator<Item = usize> + '_ {
        let mut at = first;
        std::iter::from_fn(move || {
            let component = at;
            at = self.components.get(component).filter(|_| component < end)?.next;
            Some(component)
        })
    }
}

/// The tree while it is built.
#[derive(Default)]
struct Tree {
    components: Vec<Component>,
    open: Vec<Open>,
}

struct Open {
    component: usize,
    name: String,
    line: usize,
}

impl Tree {
    fn take(&mut self, mark: Mark, index: usize, line: usize) -> Result<(), Broken> {
        match mark {
            Mark::Begin { name, .. } => self.begin(name, index, line),
            Mark::End(name) => self.end(name, index, line),
            Mark::Agent | Mark::Text if self.open.is_empty() => Err(Broken::Outside { line }),
            Mark::Agent | Mark::Text | Mark::Blank => Ok(()),
        }
    }

    fn begin(&mut self, name: String, index: usize, line: usize) -> Result<(), Broken> {
        if self.open.len() >= DEEPEST {
            return Err(Broken::TooDeep { line, limit: DEEPEST });
        }
        let component = self.components.len();
        let parent = self.open.last().map(|open| open.component);
        self.open.push(Open { component, name: name.clone(), line });
        self.components.push(Component { name, first: index, last: index, parent, next: component + 1 });
        Ok(())
    }

    fn end(&mut self, name: String, index: usize, line: usize) -> Result<(), Broken> {
        let Some(open) = self.open.pop() else {
            return Err(Broken::Unopened { line, name });
        };
        if open.name != name {
            return Err(Broken::Mismatched { line, expected: open.name, found: name });
        }
        let next = self.components.len();
        if let Some(component) = self.components.get_mut(open.component) {
            component.last = index;
            component.next = next;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Component>, Broken> {
        if let Some(Open { name, line, .. }) = self.open.pop() {
            return Err(Broken::Unclosed { line, name });
        }
        if self.components.is_empty() { Err(Broken::Empty) } else { Ok(self.components) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALENDAR: &[u8] = b"BEGIN:VCALENDAR\nA:1\nBEGIN:VEVENT\nB:2\nBEGIN:VALARM\nC:3\nEND:VALARM\nD:4\n\
        END:VEVENT\nBEGIN:VTODO\nEND:VTODO\nE:5\nEND:VCALENDAR\n";

    fn own(document: &Document<'_>, component: usize) -> Vec<String> {
        let name = |line| document.content(line).unwrap().name().into_owned();
        document.own(component).map(name).collect()
    }

    #[test]
    fn own_lines_leave_inner_components_out() {
        let document = Document::read(CALENDAR).unwrap();
        assert_eq!(own(&document, 0), ["A", "E"]);
        assert_eq!(own(&document, 1), ["B", "D"]);
        assert_eq!(own(&document, 2), ["C"]);
        assert_eq!(own(&document, 3), [""; 0]);
        assert_eq!(document.children(0).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(document.roots().collect::<Vec<_>>(), [0]);
        assert_eq!(document.span(&document.components()[2]), 37..65);
    }

    #[test]
    fn faults_name_the_physical_line() {
        let fault = |text: &str| Document::read(text.as_bytes()).unwrap_err();
        let name = || "A".to_owned();
        assert_eq!(fault("\n\nBEGIN:A\nX:\n 1\n"), Broken::Unclosed { line: 3, name: name() });
        assert_eq!(fault("BEGIN:A\nEND:A\nEND:A\n"), Broken::Unopened { line: 3, name: name() });
        let (expected, found) = (name(), "B".to_owned());
        assert_eq!(fault("BEGIN:A\nX:\n 1\nEND:B\n"), Broken::Mismatched { line: 4, expected, found });
        assert_eq!(fault("BEGIN:A\nEND:A\nX:1\n"), Broken::Outside { line: 3 });
        assert_eq!(fault(""), Broken::Empty);
        assert_eq!(fault("\r\n \r\n"), Broken::Empty);
    }

    #[test]
    fn nesting_has_a_limit_that_costs_nothing_to_reach() {
        let deepest = "BEGIN:A\n".repeat(DEEPEST) + &"END:A\n".repeat(DEEPEST);
        assert_eq!(Document::read(deepest.as_bytes()).unwrap().components().len(), DEEPEST);
        let hostile = "BEGIN:A\n".repeat(100_000);
        let fault = Document::read(hostile.as_bytes()).unwrap_err();
        assert_eq!(fault, Broken::TooDeep { line: DEEPEST + 1, limit: DEEPEST });
    }

    #[test]
    fn names_are_read_in_any_case_and_around_blanks() {
        let document = Document::read(b" begin:vCard \r\nend:VCARD\t").unwrap();
        assert_eq!(document.components()[0].name, "VCARD");
    }

    #[test]
    fn a_card_behind_agent_in_the_same_line_is_a_component() {
        let document = Document::read(b"BEGIN:VCARD\nAGENT:BEGIN:VCARD\nFN:B\nEND:VCARD\nFN:A\nEND:VCARD\n").unwrap();
        assert_eq!(own(&document, 0), ["FN"]);
        assert_eq!(document.components().len(), 2);
    }
}
