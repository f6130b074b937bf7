//! Where a collection stands on the network: who is behind, who holds it, for people and for programs.

use protocol::{DeviceId, Member, Right, State, Timestamp};
use serde_json::{Value, json};

use crate::moment::{clock, day};
use crate::span;
use crate::terminal::shown;

/// Returns where a device stands, in a few words: `laptop v14`, `phone v11 (3 behind, seen 2 h ago)`.
fn member(member: &Member, own: DeviceId, now: Timestamp) -> String {
    let name = if member.device == own { format!("{} (this device)", shown(&member.name)) } else { shown(&member.name) };
    if let Some(revocation) = &member.revoked {
        return format!("{name} revoked on {} by {}", day(revocation.at), shown(&revocation.by));
    }
    if member.right.is_none() {
        return format!("{name} without a right here");
    }
    let seen = member.seen.map(|seen| format!("seen {} ago", span::shown(now.since(seen).as_secs())));
    match (member.cursor, member.lag) {
        (None, _) => format!("{name} has nothing yet{}", seen.map(|seen| format!(" ({seen})")).unwrap_or_default()),
        (Some(cursor), 0) => format!("{name} {}", cursor.sequence),
        (Some(cursor), lag) => {
            let facts: Vec<String> = [Some(format!("{lag} behind")), seen].into_iter().flatten().collect();
            format!("{name} {} ({})", cursor.sequence, facts.join(", "))
        }
    }
}

/// Returns the lines that tell where the devices stand and who holds the lease.
pub(crate) fn lines(state: &State, own: DeviceId, now: Timestamp) -> Vec<String> {
    let members: Vec<String> = state.members.iter().map(|one| member(one, own, now)).collect();
    let mut lines = Vec::new();
    if !members.is_empty() {
        lines.push(format!("  devices   {}", members.join(" \u{b7} ")));
    }
    if let Some(lease) = &state.lease {
        lines.push(format!("  lease     {} until {}", shown(&lease.name), clock(lease.until)));
    }
    lines
}

/// Returns it for programs.
pub(crate) fn json(state: &State, own: DeviceId) -> Value {
    let member = |member: &Member| {
        json!({
            "device": member.device.to_string(),
            "name": member.name,
            "this": member.device == own,
            "right": member.right.map(|right| right.to_string()),
            "version": member.cursor.map(|cursor| cursor.sequence.0),
            "behind": member.lag,
            "seen": member.seen.map(|seen| seen.to_string()),
            "revoked": member.revoked.as_ref().map(|revoked| json!({ "at": revoked.at.to_string(), "by": revoked.by })),
        })
    };
    json!({
        "head": state.head.sequence.0,
        "log": state.head.log.to_string(),
        "horizon": state.horizon.sequence.0,
        "right": state.right.to_string(),
        "lease_mode": state.lease_mode.to_string(),
        "lease": state.lease.as_ref().map(|lease| json!({ "holder": lease.name, "device": lease.holder.to_string(), "until": lease.until.to_string() })),
        "devices": state.members.iter().map(member).collect::<Vec<_>>(),
    })
}

/// Returns the devices that have not got everything, by name.
///
/// Whoever administers the collection and never took anything of it only manages it.
pub(crate) fn behind(state: &State) -> Vec<&Member> {
    let takes_part =
        |member: &Member| member.revoked.is_none() && (member.cursor.is_some() || member.right.is_some_and(|right| right < Right::Admin));
    let waits = |member: &&Member| state.head.sequence.0 > 0 && takes_part(member) && member.cursor != Some(state.head);
    state.members.iter().filter(waits).collect()
}

/// Returns the time as this machine tells it, to say how long ago something was.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().after(since)
}

#[cfg(test)]
mod tests {
    use protocol::{Cursor, Hash, LeaseMode, LogId, Revocation, Sequence};

    use super::*;

    fn at(sequence: u64) -> Cursor {
        Cursor { log: LogId([1; 16]), sequence: Sequence(sequence), hash: Hash([u8::try_from(sequence).unwrap(); 32]) }
    }

    fn member(digit: u8, name: &str, right: Option<Right>, cursor: Option<u64>) -> Member {
        let lag = 7 - cursor.unwrap_or(0);
        Member { device: DeviceId([digit; 32]), name: name.to_owned(), right, cursor: cursor.map(at), lag, seen: None, revoked: None }
    }

    fn state(members: Vec<Member>) -> State {
        State { head: at(7), horizon: at(0), snapshot: None, lease_mode: LeaseMode::Write, lease: None, right: Right::Write, members }
    }

    #[test]
    fn whoever_lacks_something_is_behind_and_whoever_only_manages_is_not() {
        let revoked = Revocation { at: Timestamp(0), by: "laptop".to_owned() };
        let members = vec![
            member(1, "laptop", Some(Right::Admin), Some(7)),
            member(2, "desktop", Some(Right::Write), Some(5)),
            member(3, "phone", Some(Right::Read), None),
            member(4, "office", Some(Right::Admin), None),
            member(5, "guest", None, None),
            Member { revoked: Some(revoked), ..member(6, "lost", None, Some(3)) },
        ];
        let state = state(members);
        assert_eq!(behind(&state).iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["desktop", "phone"]);
        let line = &lines(&state, DeviceId([1; 32]), Timestamp(0))[0];
        for text in [
            "laptop (this device) v7",
            "desktop v5 (2 behind)",
            "phone has nothing yet",
            "guest without a right here",
            "lost revoked on 1 Jan 1970 by laptop",
        ] {
            assert!(line.contains(text), "`{text}`: {line}");
        }
    }
}
