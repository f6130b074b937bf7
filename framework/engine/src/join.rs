//! The join: items that turn out to be records which the collection has under other ids.

use delta::align::{Parts, align, localise};
use delta::link::{Candidate, Doubt, Links, link};
use record::{Record, RecordId};

use crate::context::Session;
use crate::error::Error;
use crate::objects::{Joined, Seen};
use crate::report::{Deed, Direction, Effect};

/// Follows links that others made, then links this endpoint's own newcomers.
pub(crate) fn join(session: &mut Session<'_>) -> Result<(), Error> {
    follow(session)?;
    recall(session)?;
    let newcomers = newcomers(session)?;
    if newcomers.is_empty() {
        return Ok(());
    }
    let residents = residents(session)?;
    let apart = session.trees.meta.apart.clone();
    let Links { certain, doubtful } = link(&candidates(&newcomers), &candidates(&residents), &apart);
    let by_uid = |evidence: &delta::link::Evidence| matches!(evidence, delta::link::Evidence::Uid);
    for link in certain {
        if session.settings.link || by_uid(&link.evidence) {
            let before = residents.iter().find(|(id, _)| *id == link.resident).map(|(_, record)| record.clone());
            adopt(session, link.newcomer, link.resident, &link.evidence.to_string(), before)?;
        } else {
            leave(session, link.newcomer, vec![link.resident], &link.evidence.to_string())?;
        }
    }
    for Doubt { newcomer, residents, evidence, reason } in doubtful {
        leave(session, newcomer, residents, &format!("{evidence}, but {reason}"))?;
    }
    Ok(())
}

/// Leaves a doubt to a person; what is said of one item for several reasons is listed together.
fn leave(session: &mut Session<'_>, newcomer: RecordId, residents: Vec<RecordId>, evidence: &str) -> Result<(), Error> {
    let Some(shown) = session.trees.seen(newcomer)?.map(|seen| seen.meant.clone()) else { return Ok(()) };
    let listed = session.trees.joined(newcomer).cloned();
    let mut joined = listed.unwrap_or(Joined {
        newcomer,
        residents: Vec::new(),
        linked: false,
        accepted: false,
        evidence: String::new(),
        shown,
        before: None,
    });
    let new = residents.into_iter().filter(|resident| !joined.residents.contains(resident)).collect::<Vec<_>>();
    joined.residents.extend(new);
    let separator = if joined.evidence.is_empty() { "" } else { "; " };
    joined.evidence.push_str(separator);
    joined.evidence.push_str(evidence);
    session.trees.put_joined(joined.newcomer, Some(joined));
    Ok(())
}

fn candidates(records: &[(RecordId, Record)]) -> Vec<Candidate<'_>> {
    records.iter().map(|(id, record)| Candidate { id: *id, record }).collect()
}

/// An item whose record was linked away elsewhere stands for the other record from now on, unless that has an item here.
fn follow(session: &mut Session<'_>) -> Result<(), Error> {
    for id in session.trees.attention() {
        let into = session.trees.resolve(id)?;
        if into == id || session.trees.seen(into)?.is_some() {
            continue;
        }
        let Some(seen) = session.trees.seen(id)?.cloned() else { continue };
        let agreed = session.trees.agreed(id)?.cloned();
        session.trees.put_seen(id, None);
        session.trees.put_agreed(id, None);
        session.trees.put_seen(into, Some(seen));
        session.trees.put_agreed(into, agreed);
    }
    Ok(())
}

/// An item whose UID was made from the id of a record that died is that record, brought back: two records with one
/// UID could never stand in one application.
fn recall(session: &mut Session<'_>) -> Result<(), Error> {
    for (newcomer, record) in newcomers(session)? {
        let Some(own) = record.text("uid").and_then(RecordId::from_urn).filter(|own| *own != newcomer) else { continue };
        let died =
            session.trees.remote(own)?.is_some_and(|state| !state.alive && state.linked.is_none() && state.record.kind == record.kind);
        if !died || session.trees.seen(own)?.is_some() {
            continue;
        }
        let seen = session.trees.seen(newcomer)?.cloned();
        session.trees.put_seen(newcomer, None);
        session.trees.put_seen(own, seen);
    }
    Ok(())
}

/// Returns items that neither this endpoint's past nor the collection knows.
fn newcomers(session: &mut Session<'_>) -> Result<Vec<(RecordId, Record)>, Error> {
    let mut newcomers = Vec::new();
    for id in session.trees.attention() {
        session.trees.fetch(id)?;
        let (seen, agreed, remote) = session.trees.sides(id);
        if let (Some(seen), None, None) = (seen, agreed, remote) {
            newcomers.push((id, seen.meant.clone()));
        }
    }
    Ok(newcomers)
}

/// Returns the living records of the collection that have no item here.
fn residents(session: &mut Session<'_>) -> Result<Vec<(RecordId, Record)>, Error> {
    // What this session saw and did not keep yet decides, too.
    session.trees.note_down()?;
    let kinds = &session.profile.kinds;
    let mut residents = Vec::new();
    session.trees.objects().each_unseen(&mut |id, state| {
        if state.alive && kinds.contains(&state.record.kind) {
            residents.push((id, state.record));
        }
    })?;
    Ok(residents)
}

/// Takes an item for a record of the collection.
fn adopt(session: &mut Session<'_>, newcomer: RecordId, resident: RecordId, evidence: &str, before: Option<Record>) -> Result<(), Error> {
    let Some(seen) = session.trees.seen(newcomer)?.cloned() else { return Ok(()) };
    let shared = session.trees.remote(resident)?.map(|state| state.record.clone());
    let (local, _) = localise(&seen.shown, &seen.parts);
    let (shown, parts) = align(shared.as_ref(), &Parts::default(), &local);
    let title = seen.meant.title();
    let original = seen.meant.clone();
    session.trees.put_seen(newcomer, None);
    session.trees.put_seen(resident, Some(Seen { meant: shown.clone(), shown, parts, ..seen }));
    let joined = Joined {
        newcomer,
        residents: vec![resident],
        linked: true,
        accepted: false,
        evidence: evidence.to_owned(),
        shown: original,
        before,
    };
    session.trees.put_joined(newcomer, Some(joined));
    let deed = Deed::Linked { evidence: evidence.to_owned() };
    session.report.effects.push(Effect { direction: Direction::Push, record: resident, title, deed });
    Ok(())
}
