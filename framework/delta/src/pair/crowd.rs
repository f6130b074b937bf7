//! Records with the same content, taken as one: they are interchangeable.

use std::collections::{HashMap, VecDeque};

use crate::pair::content::{Content, Exact};

/// Groups of records with the same content, by number.
pub(super) struct Crowd<'a> {
    groups: Vec<(Content<'a>, VecDeque<usize>)>,
}

impl<'a> FromIterator<Content<'a>> for Crowd<'a> {
    fn from_iter<I: IntoIterator<Item = Content<'a>>>(contents: I) -> Self {
        let mut groups: Vec<(Content<'a>, VecDeque<usize>)> = Vec::new();
        let mut known: HashMap<Exact<'a>, usize> = HashMap::new();
        for (at, content) in contents.into_iter().enumerate() {
            match known.get(&content.exact).and_then(|group| groups.get_mut(*group)) {
                Some((_, members)) => members.push_back(at),
                None => {
                    known.insert(content.exact.clone(), groups.len());
                    groups.push((content, VecDeque::from([at])));
                }
            }
        }
        Self { groups }
    }
}

impl<'a> Crowd<'a> {
    /// Returns the groups of this and of another crowd that are exactly equal.
    pub(super) fn equals(&self, other: &Self) -> Vec<(usize, usize)> {
        let others: HashMap<&Exact<'_>, usize> = other.groups.iter().enumerate().map(|(at, (content, _))| (&content.exact, at)).collect();
        let equal = |(at, (content, _)): (usize, &(Content<'_>, _))| Some((at, *others.get(&content.exact)?));
        self.groups.iter().enumerate().filter_map(equal).collect()
    }

    /// Iterates over the groups that have members left.
    pub(super) fn open(&self) -> impl Iterator<Item = (usize, &Content<'a>)> {
        self.groups.iter().enumerate().filter(|(_, (_, members))| !members.is_empty()).map(|(at, (content, _))| (at, content))
    }

    /// Returns the content of a group.
    pub(super) fn content(&self, group: usize) -> Option<&Content<'a>> {
        self.groups.get(group).map(|(content, _)| content)
    }

    /// Returns the number of members that a group has left.
    pub(super) fn size(&self, group: usize) -> usize {
        self.groups.get(group).map_or(0, |(_, members)| members.len())
    }

    /// Takes as many members of a group as another has, and returns them with theirs.
    pub(super) fn take_with(&mut self, group: usize, other: &mut Self, theirs: usize) -> Vec<(usize, usize)> {
        let count = self.size(group).min(other.size(theirs));
        let mine = self.take(group, count);
        mine.into_iter().zip(other.take(theirs, count)).collect()
    }

    fn take(&mut self, group: usize, count: usize) -> Vec<usize> {
        self.groups.get_mut(group).map(|(_, members)| members.drain(..count).collect()).unwrap_or_default()
    }

    /// Lets all members of a group go unpaired.
    pub(super) fn close(&mut self, group: usize) {
        if let Some((_, members)) = self.groups.get_mut(group) {
            members.clear();
        }
    }
}
