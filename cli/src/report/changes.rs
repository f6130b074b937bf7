//! What moved where: each change once, with the endpoints it came from and the endpoints it went to.

use std::collections::HashMap;

use engine::report::{Deed, Direction};
use engine::{Effect, Report};
use record::{Pointer, RecordId, Value};

use crate::terminal::{Paint, Terminal, columns, shown};
use crate::values::{field, quoted};

/// The changes that are shown unless more are asked for.
const SHOWN: usize = 20;

/// One change and its way.
struct Moved<'r> {
    effect: &'r Effect,
    from: Vec<&'r str>,
    to: Vec<&'r str>,
}

/// What makes two endpoints' effects one change.
#[derive(PartialEq, Eq, Hash)]
enum Sameness<'r> {
    Born,
    Died,
    Field(&'r Pointer, Option<&'r Value>),
    Conflict(&'r Pointer, &'r Value),
    Merged(&'r Pointer, Option<&'r Value>),
    Linked,
}

/// Returns the lines that show the changes, at most twenty unless more are asked for.
pub(crate) fn lines(terminal: &Terminal, reports: &[Report]) -> Vec<String> {
    let mut moves = gather(reports);
    moves.sort_by_key(rank);
    let limit = if terminal.verbosity > 0 { moves.len() } else { SHOWN };
    let rows: Vec<Vec<String>> = moves.iter().take(limit).map(|moved| row(terminal, moved)).collect();
    let mut lines: Vec<String> = columns(&rows).into_iter().map(|line| format!("  {line}")).collect();
    if moves.len() > limit {
        lines.push(terminal.paint(Paint::Dim, &format!("  ... and {} more; -v shows all", moves.len() - limit)));
    }
    lines
}

/// Puts what a person looks for first: what is undecided, what went somewhere, then what only became known.
fn rank(moved: &Moved<'_>) -> u8 {
    match (&moved.effect.deed, moved.to.is_empty()) {
        (Deed::Conflict { .. }, _) => 0,
        (Deed::Died, false) => 1,
        (Deed::Born(_), false) => 2,
        (Deed::Field { .. } | Deed::Merged { .. }, false) => 3,
        (Deed::Linked { .. }, _) => 4,
        _ => 5,
    }
}

fn gather(reports: &[Report]) -> Vec<Moved<'_>> {
    let mut moves: Vec<Moved<'_>> = Vec::new();
    let mut places: HashMap<(RecordId, Sameness<'_>), usize> = HashMap::new();
    for report in reports {
        for effect in &report.effects {
            let place = *places.entry((effect.record, sameness(&effect.deed))).or_insert_with(|| {
                moves.push(Moved { effect, from: Vec::new(), to: Vec::new() });
                moves.len() - 1
            });
            let Some(moved) = moves.get_mut(place) else { continue };
            let ends = match effect.direction {
                Direction::Push => &mut moved.from,
                Direction::Pull => &mut moved.to,
            };
            if !ends.contains(&report.endpoint.as_str()) {
                ends.push(&report.endpoint);
            }
        }
    }
    moves
}

fn sameness(deed: &Deed) -> Sameness<'_> {
    match deed {
        Deed::Born(_) => Sameness::Born,
        Deed::Died => Sameness::Died,
        Deed::Field { field, now, .. } => Sameness::Field(field, now.as_ref()),
        Deed::Conflict { field, kept, .. } => Sameness::Conflict(field, kept),
        Deed::Merged { field, now, .. } => Sameness::Merged(field, now.as_ref()),
        Deed::Linked { .. } => Sameness::Linked,
    }
}

fn row(terminal: &Terminal, moved: &Moved<'_>) -> Vec<String> {
    let paint = |paint: Paint, sign: &str| terminal.paint(paint, sign);
    let title = shown(&moved.effect.title);
    let (sign, what) = match &moved.effect.deed {
        Deed::Born(1) => (paint(Paint::Green, "+"), vec!["1 field".to_owned()]),
        Deed::Born(count) => (paint(Paint::Green, "+"), vec![format!("{count} fields")]),
        Deed::Died => (paint(Paint::Red, "-"), vec!["deleted".to_owned()]),
        Deed::Field { field: pointer, before, now } => {
            (paint(Paint::Yellow, "~"), vec![field(pointer), format!("{} -> {}", quoted(before.as_ref()), quoted(now.as_ref()))])
        }
        Deed::Conflict { field: pointer, stands, kept } => (
            paint(Paint::Magenta, "!"),
            vec![field(pointer), format!("{} stands, {} is kept", quoted(stands.as_ref()), quoted(Some(kept)))],
        ),
        Deed::Merged { field: pointer, .. } => (paint(Paint::Yellow, "~"), vec![field(pointer), "merged line by line".to_owned()]),
        Deed::Linked { evidence } => (paint(Paint::Magenta, "="), vec!["linked".to_owned(), shown(evidence)]),
    };
    let mut row = vec![format!("{sign} {title}")];
    row.extend(what);
    row.resize(3, String::new());
    row.push(paint(Paint::Dim, &way(moved)));
    row
}

fn way(moved: &Moved<'_>) -> String {
    match (moved.from.as_slice(), moved.to.as_slice()) {
        ([], []) => String::new(),
        (from, []) => format!("from {}", from.join(", ")),
        ([], to) => format!("to {}", to.join(", ")),
        (from, to) => format!("{} -> {}", from.join(", "), to.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Format;

    fn report(endpoint: &str, direction: Direction, deed: Deed) -> Report {
        let effect = Effect { direction, record: RecordId([1; 16]), title: "Ada".to_owned(), deed };
        Report { endpoint: endpoint.to_owned(), effects: vec![effect], ..Report::default() }
    }

    #[test]
    fn a_change_that_went_from_one_endpoint_to_two_is_one_line() {
        let deed = |before: &str| Deed::Field {
            field: Pointer::new("phones/1/number"),
            before: Some(Value::text(before)),
            now: Some(Value::text("2")),
        };
        let reports = [
            report("sheet", Direction::Push, deed("1")),
            report("cards", Direction::Pull, deed("1")),
            report("more", Direction::Pull, deed("0")),
            report("more", Direction::Push, Deed::Born(3)),
        ];
        let lines = lines(&Terminal::new(Format::Human, false, 0), &reports);
        assert_eq!(
            lines,
            ["  ~ Ada   phones/number   \"1\" -> \"2\"   sheet -> cards, more", "  + Ada   3 fields                     from more"]
        );
    }
}
