//! Slots: the columns that together hold one repeated part, and which part of a record each slot takes.

use std::collections::BTreeMap;

use record::pointer::escape;
use record::vocabulary::Part;
use record::{Pointer, Record, Value};

use crate::mapping::{Form, Need, Selector};

/// What a cell of words can say of a part, below `<stem>/<id>/`.
pub(crate) const SAID: &[&str] = &[
    "contexts/private",
    "contexts/work",
    "features/fax",
    "features/main",
    "features/mobile",
    "features/pager",
    "features/textphone",
    "label",
    "pref",
];

/// What stands between several values in one cell.
pub(crate) const SEVERAL: &str = " ::: ";

/// The columns that hold one part.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) part: &'static Part,
    /// The local id of the part that stands here, escaped.
    pub(crate) place: String,
    pub(crate) selector: Selector,
    /// How many matching parts it leaves to slots that are not in this table.
    pub(crate) skip: usize,
    pub(crate) columns: Vec<SlotColumn>,
    /// The column whose words say what the part is.
    pub(crate) words: Option<usize>,
    /// The fields that standing here implies.
    pub(crate) implied: Vec<(Pointer, Value)>,
    /// Whether its only cell may hold several values.
    pub(crate) several: bool,
    /// Whether a star before the words marks the preferred part.
    pub(crate) starred: bool,
}

/// One column of a slot.
#[derive(Clone, Debug)]
pub(crate) struct SlotColumn {
    pub(crate) column: usize,
    pub(crate) rest: String,
    pub(crate) form: Form,
    pub(crate) pointer: Pointer,
    pub(crate) head: bool,
}

impl Slot {
    /// Returns the local id of the value at `ordinal` of this slot's cell.
    pub(crate) fn place_of(&self, ordinal: usize) -> String {
        if ordinal == 0 { self.place.clone() } else { format!("{}{SEVERAL}{}", self.place, ordinal + 1) }
    }

    /// Names the slot after its columns, and makes its pointers.
    pub(crate) fn settle(&mut self, names: &[String], columns: usize) {
        let heads = self.columns.iter().filter(|column| column.head);
        let name = heads.filter_map(|column| names.get(column.column)).min().map(String::as_str).unwrap_or_default();
        self.place = escape(&format!("@{name}")).into_owned();
        let stem = self.part.stem;
        for column in &mut self.columns {
            column.pointer = Pointer::from(format!("{stem}/{}/{}", self.place, column.rest));
        }
        self.implied =
            implied(&self.selector).map(|(rest, value)| (Pointer::from(format!("{stem}/{}/{rest}", self.place)), value)).collect();
        self.several &= columns == 1;
    }

    fn takes(&self, part: &Standing<'_>) -> bool {
        self.selector.needs.iter().all(|need| part.meets(need)) && self.shows(part)
    }

    fn shows(&self, part: &Standing<'_>) -> bool {
        let text = |column: &SlotColumn| part.fields.get(column.rest.as_str()).and_then(|value| value.as_text());
        let showable = |column: &SlotColumn| {
            text(column).is_some_and(|text| !(column.form.is_blank(text) || (self.several && text.contains(SEVERAL))))
        };
        self.columns.iter().filter(|column| column.head).any(showable)
    }
}

/// Returns the fields that a part picked by this selector has.
pub(crate) fn implied(selector: &Selector) -> impl Iterator<Item = (String, Value)> + '_ {
    selector.needs.iter().filter_map(|need| match need {
        Need::Is(rest, value) => Some((rest.clone(), value.clone())),
        Need::Label(label) => Some(("label".to_owned(), Value::text(label))),
        Need::IsNot(..) => None,
    })
}

/// One part of a record.
#[derive(Debug)]
pub(crate) struct Standing<'r> {
    id: &'r str,
    pub(crate) fields: BTreeMap<&'r str, &'r Value>,
}

impl Standing<'_> {
    fn meets(&self, need: &Need) -> bool {
        match need {
            Need::Is(rest, value) => self.fields.get(rest.as_str()).is_some_and(|found| same(found, value)),
            Need::IsNot(rest, value) => !self.fields.get(rest.as_str()).is_some_and(|found| same(found, value)),
            Need::Label(label) => {
                let found = self.fields.get("label").and_then(|value| value.as_text()).unwrap_or_default();
                found.to_lowercase() == label.to_lowercase()
            }
        }
    }

    fn rank(&self) -> (i64, &str) {
        let preference = match self.fields.get("pref") {
            Some(Value::Integer(preference)) => *preference,
            _ => i64::MAX,
        };
        (preference, self.id)
    }
}

fn same(found: &Value, wanted: &Value) -> bool {
    found == wanted || matches!((found.as_text(), wanted.as_text()), (Some(found), Some(wanted)) if found.eq_ignore_ascii_case(wanted))
}

/// Returns the parts of a stem, lowest preference first, then by id.
fn standing<'r>(record: &'r Record, stem: &'r str) -> Vec<Standing<'r>> {
    let mut parts: Vec<Standing<'r>> = Vec::new();
    for (pointer, value) in record.below(stem) {
        let Some((id, rest)) = pointer.below(stem).and_then(|below| below.split_once('/')) else { continue };
        match parts.last_mut() {
            Some(part) if part.id == id => drop(part.fields.insert(rest, value)),
            _ => parts.push(Standing { id, fields: BTreeMap::from([(rest, value)]) }),
        }
    }
    parts.sort_by(|left, right| left.rank().cmp(&right.rank()));
    parts
}

/// The parts that each slot holds, by the slot's index: those that stood there, else the first that nobody took.
pub(crate) fn assign<'r>(slots: &[Slot], record: &'r Record) -> Vec<Vec<Standing<'r>>> {
    let mut held: Vec<Vec<Standing<'r>>> = slots.iter().map(|_| Vec::new()).collect();
    let mut stems: Vec<&'static str> = slots.iter().map(|slot| slot.part.stem).collect();
    stems.sort_unstable();
    stems.dedup();
    for stem in stems {
        let mut free = standing(record, stem);
        if free.is_empty() {
            continue;
        }
        for (slot, held) in slots.iter().zip(&mut held).filter(|(slot, _)| slot.part.stem == stem) {
            keep_bound(slot, &mut free, held);
        }
        fill_empty(slots, stem, &mut free, &mut held);
    }
    held
}

/// Moves the parts that stood in the slot and still belong there.
fn keep_bound<'r>(slot: &Slot, free: &mut Vec<Standing<'r>>, held: &mut Vec<Standing<'r>>) {
    let several = format!("{}{SEVERAL}", slot.place);
    let ordinal = |id: &str| {
        if id == slot.place { Some(1) } else { id.strip_prefix(&several).filter(|_| slot.several)?.parse::<usize>().ok() }
    };
    let stood = |part: &mut Standing<'r>| ordinal(part.id).is_some() && slot.takes(part);
    let mut bound: Vec<Standing<'r>> = free.extract_if(.., stood).collect();
    bound.sort_by_key(|part| ordinal(part.id));
    let mut bound = bound.into_iter();
    let Some(first) = bound.next() else { return };
    // One cell of words speaks for all values of its neighbour; a value that became something else moves out.
    let (alike, others): (Vec<_>, Vec<_>) = bound.partition(|part| slot.words.is_none() || traits(part) == traits(&first));
    held.push(first);
    held.extend(alike);
    free.extend(others);
    free.sort_by(|left, right| left.rank().cmp(&right.rank()));
}

/// Returns what a cell of words says of a part.
fn traits<'p>(part: &'p Standing<'_>) -> Vec<(&'p str, &'p Value)> {
    let said = |rest: &str| rest == "label" || rest.starts_with("contexts/") || rest.starts_with("features/");
    part.fields.iter().filter(|(rest, _)| said(rest)).map(|(rest, value)| (*rest, *value)).collect()
}

/// Gives the parts that stood nowhere to the slots that hold nothing: the choosiest slot first.
fn fill_empty<'r>(slots: &[Slot], stem: &str, free: &mut Vec<Standing<'r>>, held: &mut [Vec<Standing<'r>>]) {
    let mut empty: Vec<(usize, &Slot)> =
        slots.iter().enumerate().filter(|(at, slot)| slot.part.stem == stem && held.get(*at).is_some_and(Vec::is_empty)).collect();
    empty.sort_by_key(|(at, slot)| (std::cmp::Reverse(implied(&slot.selector).count()), slot.selector.nth, *at));
    for (at, slot) in empty {
        let place = free.iter().enumerate().filter(|(_, part)| slot.takes(part)).map(|(place, _)| place).nth(slot.skip);
        if let (Some(place), Some(held)) = (place, held.get_mut(at)) {
            held.push(free.remove(place));
        }
    }
}
