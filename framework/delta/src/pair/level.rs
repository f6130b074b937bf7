//! One level of pairing: all pairs of one score, and which of them are beyond doubt.

use std::collections::BTreeMap;

/// An item and a seen record that have something in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) item: usize,
    pub(super) seen: usize,
}

/// What became of the edges of one level.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Pairs beyond doubt, to be made in this order.
    pub(super) pairs: Vec<Edge>,
    /// Edges between which nothing but order could decide.
    pub(super) tied: Vec<Edge>,
}

/// Either end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Item(usize),
    Seen(usize),
}

/// Decides what the edges of one score say, given how many interchangeable items and records each end stands for.
///
/// Edges that hang together are decided together: by a single edge, by one end that has enough for all the
/// others, or if there is only one way in which everybody gets a partner. Otherwise they are tied.
pub(super) fn settle(edges: &[Edge], items: impl Fn(usize) -> usize, seen: impl Fn(usize) -> usize) -> Settled {
    let size = |end| match end {
        End::Item(at) => items(at),
        End::Seen(at) => seen(at),
    };
    let mut settled = Settled::default();
    for cluster in clusters(edges) {
        match simple(&cluster, &size).or_else(|| Peeling::of(&cluster, &size).run()) {
            Some(pairs) => settled.pairs.extend(pairs),
            None => settled.tied.extend(cluster),
        }
    }
    settled
}

/// Groups edges that hang together.
fn clusters(edges: &[Edge]) -> Vec<Vec<Edge>> {
    let mut at_end: BTreeMap<End, Vec<Edge>> = BTreeMap::new();
    for edge in edges {
        at_end.entry(End::Item(edge.item)).or_default().push(*edge);
        at_end.entry(End::Seen(edge.seen)).or_default().push(*edge);
    }
    let mut clusters = Vec::new();
    while let Some((_, mut open)) = at_end.pop_first() {
        let mut cluster = Vec::new();
        while let Some(edge) = open.pop() {
            cluster.push(edge);
            for end in [End::Item(edge.item), End::Seen(edge.seen)] {
                open.extend(at_end.remove(&end).unwrap_or_default());
            }
        }
        cluster.sort_unstable();
        cluster.dedup();
        clusters.push(cluster);
    }
    clusters
}

/// Settles a single edge, and an end that has enough for all that hang on it.
fn simple(cluster: &[Edge], size: &impl Fn(End) -> usize) -> Option<Vec<Edge>> {
    let first = cluster.first()?;
    let enough = |centre: End, others: &mut dyn Iterator<Item = End>| others.map(size).fold(0, usize::saturating_add) <= size(centre);
    let settled = cluster.len() == 1
        || (cluster.iter().all(|edge| edge.item == first.item)
            && enough(End::Item(first.item), &mut cluster.iter().map(|edge| End::Seen(edge.seen))))
        || (cluster.iter().all(|edge| edge.seen == first.seen)
            && enough(End::Seen(first.seen), &mut cluster.iter().map(|edge| End::Item(edge.item))));
    settled.then(|| cluster.to_vec())
}

/// Taking off, one after the other, ends that have only one edge: they can get a partner in one way only.
struct Peeling {
    neighbours: BTreeMap<End, Vec<End>>,
    left: BTreeMap<End, usize>,
    degree: BTreeMap<End, usize>,
}

impl Peeling {
    fn of(cluster: &[Edge], size: &impl Fn(End) -> usize) -> Self {
        let mut neighbours: BTreeMap<End, Vec<End>> = BTreeMap::new();
        for edge in cluster {
            neighbours.entry(End::Item(edge.item)).or_default().push(End::Seen(edge.seen));
            neighbours.entry(End::Seen(edge.seen)).or_default().push(End::Item(edge.item));
        }
        let left = neighbours.keys().map(|end| (*end, size(*end))).collect();
        let degree = neighbours.iter().map(|(end, others)| (*end, others.len())).collect();
        Self { neighbours, left, degree }
    }

    /// Returns the only way in which everybody gets a partner, if there is exactly one that peeling finds.
    fn run(mut self) -> Option<Vec<Edge>> {
        let mut pairs = Vec::new();
        let mut leaves: Vec<End> = self.degree.iter().filter(|(_, degree)| **degree == 1).map(|(end, _)| *end).collect();
        while let Some(leaf) = leaves.pop() {
            let Some(need) = self.left.get(&leaf).copied() else { continue };
            let centre = *self.neighbours.get(&leaf)?.iter().find(|end| self.left.contains_key(end))?;
            let rest = self.left.get(&centre)?.checked_sub(need)?;
            pairs.push(edge(leaf, centre));
            self.left.remove(&leaf);
            self.left.insert(centre, rest);
            if rest == 0 {
                self.left.remove(&centre);
                for end in self.neighbours.get(&centre)?.clone() {
                    self.lose_one(end, &mut leaves);
                }
            } else {
                self.lose_one(centre, &mut leaves);
            }
        }
        self.left.is_empty().then_some(pairs)
    }

    fn lose_one(&mut self, end: End, leaves: &mut Vec<End>) {
        if let Some(degree) = self.degree.get_mut(&end) {
            *degree = degree.saturating_sub(1);
            if *degree == 1 {
                leaves.push(end);
            }
        }
    }
}

fn edge(a: End, b: End) -> Edge {
    match (a, b) {
        (End::Item(item), End::Seen(seen) | End::Item(seen)) | (End::Seen(seen), End::Item(item) | End::Seen(item)) => Edge { item, seen },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settles edges written as (item, seen), every end standing for `size` of them.
    fn settled(edges: &[(usize, usize)], size: fn(char, usize) -> usize) -> Option<Vec<(usize, usize)>> {
        let edges: Vec<Edge> = edges.iter().map(|(item, seen)| Edge { item: *item, seen: *seen }).collect();
        let settled = settle(&edges, |at| size('i', at), |at| size('s', at));
        let mut pairs: Vec<_> = settled.pairs.iter().map(|edge| (edge.item, edge.seen)).collect();
        pairs.sort_unstable();
        settled.tied.is_empty().then_some(pairs)
    }

    #[test]
    fn edges_are_settled_only_if_there_is_one_way() {
        let one = |_, _| 1;
        assert_eq!(settled(&[(0, 0), (1, 1)], one), Some(vec![(0, 0), (1, 1)]));
        assert_eq!(settled(&[(0, 0), (0, 1)], one), None);
        assert_eq!(settled(&[(0, 0), (0, 1), (1, 1)], one), Some(vec![(0, 0), (1, 1)]));
        assert_eq!(settled(&[(0, 0), (1, 0), (1, 1), (2, 1)], one), None);
        assert_eq!(settled(&[(0, 0), (0, 1), (1, 0), (1, 1)], one), None);
    }

    #[test]
    fn what_is_interchangeable_is_no_tie() {
        let two_seen = |side, _| if side == 's' { 2 } else { 1 };
        assert_eq!(settled(&[(0, 0), (1, 0)], two_seen), Some(vec![(0, 0), (1, 0)]));
        assert_eq!(settled(&[(0, 0), (1, 0), (2, 0)], two_seen), None);
        assert_eq!(settled(&[(0, 0)], two_seen), Some(vec![(0, 0)]));
    }
}
