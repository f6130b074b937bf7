//! Reports for programs; members are only ever added.

use engine::report::{Deed, Direction};
use engine::{Effect, Hold, Report};
use record::RecordId;
use serde_json::{Map, Value, json};

use crate::values;

/// Returns one endpoint's report.
pub(crate) fn endpoint(report: &Report, adapter: &str, path: &str) -> Value {
    json!({
        "name": report.endpoint,
        "adapter": adapter,
        "path": path,
        "pushed": report.pushed,
        "pulled": report.pulled,
        "bytes_written": report.bytes_written,
        "quarantined": report.held.len(),
        "head": report.head,
        "events": report.events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "changes": report.effects.iter().map(effect).collect::<Vec<_>>(),
    })
}

/// Returns one change.
pub(crate) fn effect(effect: &Effect) -> Value {
    let mut object = Map::new();
    let direction = match effect.direction {
        Direction::Push => "push",
        Direction::Pull => "pull",
    };
    let (change, members) = deed(&effect.deed);
    object.insert("direction".to_owned(), direction.into());
    object.insert("record".to_owned(), effect.record.to_string().into());
    object.insert("title".to_owned(), effect.title.clone().into());
    object.insert("change".to_owned(), change.into());
    object.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(object)
}

fn deed(deed: &Deed) -> (&'static str, Vec<(&'static str, Value)>) {
    match deed {
        Deed::Born(fields) => ("born", vec![("fields", json!(fields))]),
        Deed::Died => ("died", Vec::new()),
        Deed::Field { field, before, now } => {
            let members =
                vec![("field", json!(field.as_str())), ("before", values::json(before.as_ref())), ("now", values::json(now.as_ref()))];
            ("field", members)
        }
        Deed::Conflict { field, stands, kept } => {
            let members =
                vec![("field", json!(field.as_str())), ("stands", values::json(stands.as_ref())), ("kept", values::json(Some(kept)))];
            ("conflict", members)
        }
        Deed::Merged { field, with, now } => {
            ("merged", vec![("field", json!(field.as_str())), ("with", values::json(with.as_ref())), ("now", values::json(now.as_ref()))])
        }
        Deed::Linked { evidence } => ("linked", vec![("evidence", json!(evidence))]),
    }
}

/// Returns a hold.
pub(crate) fn hold(hold: &Hold) -> Value {
    json!({
        "name": hold.name(),
        "endpoint": hold.endpoint,
        "deletions": hold.records.len(),
        "of": hold.of,
        "limit": hold.limit,
        "replaced": hold.replaced,
        "titles": hold.titles,
        "records": hold.records.iter().map(RecordId::to_string).collect::<Vec<_>>(),
    })
}
