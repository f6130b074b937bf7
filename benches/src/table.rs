//! Scores as rows of a Markdown table.

use crate::contestant::Score;
use crate::process::Taken;

/// Returns the rows of one case; ratios are the first contestant's time over each other's.
pub(crate) fn rows(title: &str, scores: &[Score]) -> String {
    let first = scores.first().map_or(f64::NAN, |score| median(score, |taken| taken.wall));
    let row = |(place, score): (usize, &Score)| {
        let wall = median(score, |taken| taken.wall);
        let least = score.runs.iter().map(|taken| taken.wall).fold(f64::INFINITY, f64::min);
        let peak = score.runs.iter().map(|taken| taken.peak).fold(0.0, f64::max);
        let ratio = if place == 0 { String::new() } else { format!("{:.2}", first / wall) };
        let title = if place == 0 { title } else { "" };
        let cpu = median(score, |taken| taken.cpu);
        format!("| {title} | {} | {wall:.3} | {least:.3} | {cpu:.3} | {peak:.0} | {ratio} |\n", score.name)
    };
    scores.iter().enumerate().map(row).collect()
}

/// Returns the median of what the runs took.
pub(crate) fn median(score: &Score, of: impl Fn(&Taken) -> f64) -> f64 {
    let mut values: Vec<f64> = score.runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let (below, above) = (values.get(values.len().saturating_sub(1) / 2), values.get(values.len() / 2));
    below.zip(above).map_or(f64::NAN, |(below, above)| f64::midpoint(*below, *above))
}
