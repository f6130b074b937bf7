//! Work on many records at once that depends on nothing but its input: on all cores where it is worth it.

use rayon::prelude::*;

/// Below so many records, handing them out takes longer than working on them.
const WORTH: usize = 256;
/// How many are worked on at once where what is made is large.
const PIECE: usize = 2048;

/// Returns what `work` makes of each, in their order.
pub(crate) fn each<T: Send, R: Send>(all: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    if all.len() < WORTH { all.into_iter().map(work).collect() } else { all.into_par_iter().map(work).collect() }
}

/// Returns what `work` makes of each, in their order, a piece at a time: what is made need not be in memory all at once.
pub(crate) fn in_pieces<T: Copy + Send, R: Send>(all: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> impl Iterator<Item = R> {
    let pieces = all.len().div_ceil(PIECE);
    (0..pieces).flat_map(move |piece| each(all.iter().skip(piece * PIECE).take(PIECE).copied().collect(), &work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_whatever_the_number() {
        for many in [0, 1, WORTH - 1, WORTH, 10 * WORTH] {
            let all: Vec<usize> = (0..many).collect();
            let expected: Vec<usize> = all.iter().map(|number| number * 2).collect();
            assert_eq!(each(all.clone(), |number| number * 2), expected);
            assert_eq!(in_pieces(all, |number| number * 2).collect::<Vec<_>>(), expected);
        }
    }
}
