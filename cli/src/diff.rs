//! A small unified difference of two texts, for the demonstration.

use std::fmt::Write as _;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 1;
/// The most lines, beside what both texts begin and end with alike, that are compared one by one.
const LIMIT: usize = 2_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line<'t> {
    Same(&'t str),
    Gone(&'t str),
    New(&'t str),
}

/// Returns the lines that differ with one line around them, each with its sign; empty if nothing differs.
///
/// Quadratic in the lines between the first and the last difference; beyond 2,000 of them all count as different.
pub(crate) fn unified(before: &str, after: &str) -> String {
    let lines = compare(&before.lines().collect::<Vec<_>>(), &after.lines().collect::<Vec<_>>());
    let near = |at: usize| {
        let around = lines.get(at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(lines.len()));
        around.is_some_and(|around| around.iter().any(|line| !matches!(line, Line::Same(_))))
    };
    let mut out = String::new();
    let mut skipped = false;
    for (at, line) in lines.iter().enumerate() {
        if !near(at) {
            skipped = true;
            continue;
        }
        if skipped && !out.is_empty() {
            out.push_str("  ...\n");
        }
        skipped = false;
        let (sign, text) = match line {
            Line::Same(text) => (' ', text),
            Line::Gone(text) => ('-', text),
            Line::New(text) => ('+', text),
        };
        let _ = writeln!(out, "{sign} {text}");
    }
    out
}

fn compare<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<Line<'t>> {
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (head_lines, before) = before.split_at(head);
    let after = after.split_at(head).1;
    let tail = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
    let (before, tail_lines) = before.split_at(before.len() - tail);
    let after = after.split_at(after.len() - tail).0;
    let mut lines: Vec<Line<'t>> = head_lines.iter().map(|line| Line::Same(line)).collect();
    if before.len() > LIMIT || after.len() > LIMIT {
        lines.extend(before.iter().map(|line| Line::Gone(line)));
        lines.extend(after.iter().map(|line| Line::New(line)));
    } else {
        lines.extend(middle(before, after));
    }
    lines.extend(tail_lines.iter().map(|line| Line::Same(line)));
    lines
}

/// Walks along a longest common subsequence.
fn middle<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<Line<'t>> {
    let width = after.len() + 1;
    let mut lengths = vec![0_u32; (before.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    let length = |lengths: &[u32], i: usize, j: usize| lengths.get(at(i, j)).copied().unwrap_or_default();
    for (i, a) in before.iter().enumerate().rev() {
        for (j, b) in after.iter().enumerate().rev() {
            let best = if a == b { length(&lengths, i + 1, j + 1) + 1 } else { length(&lengths, i + 1, j).max(length(&lengths, i, j + 1)) };
            if let Some(cell) = lengths.get_mut(at(i, j)) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    loop {
        match (before.get(i), after.get(j)) {
            (Some(a), Some(b)) if a == b => {
                lines.push(Line::Same(a));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || length(&lengths, i + 1, j) >= length(&lengths, i, j + 1) => {
                lines.push(Line::Gone(a));
                i += 1;
            }
            (_, Some(b)) => {
                lines.push(Line::New(b));
                j += 1;
            }
            _ => return lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_are_shown_with_one_line_around_them() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        assert_eq!(unified(before, "1\n2\nx\n4\n5\n6\n7\ny\n8\n"), "  2\n- 3\n+ x\n  4\n  ...\n  7\n+ y\n  8\n");
    }

    #[test]
    fn texts_that_are_the_same_have_no_difference() {
        assert_eq!(unified("a\nb\n", "a\nb\n"), "");
        assert_eq!(unified("", ""), "");
    }

    #[test]
    fn everything_can_come_and_go() {
        assert_eq!(unified("", "a\n"), "+ a\n");
        assert_eq!(unified("a\nb\n", ""), "- a\n- b\n");
    }
}
