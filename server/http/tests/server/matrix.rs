//! Who may take which route: every route of the table with every role, each cell asserted.

use protocol::messages::{
    Blobs, Challenge, Chunks, Compact, Decide, Enroll, Find, Invite, LeaseFor, Proof, Rename, SetGrant, Settings, Verdict,
};
use protocol::routes::{Access, Route};
use protocol::{Code, Nonce, Right, Signature, Token, wire};
use serde_json::{Value, json};

use crate::asked::{Asked, Device, Request, contacts};

/// The roles, in the order of the matrix's columns.
const ROLES: [&str; 8] = ["nobody", "forged", "revoked", "stranger", "reader", "writer", "admin", "administrator"];

/// What each role is told on a route of some access: `+` that it may, or a problem's code.
const MATRIX: [(Access, [&str; 8]); 6] = {
    const NONE: &str = "unauthenticated";
    [
        (Access::Open, ["+", "+", "+", "+", "+", "+", "+", "+"]),
        (Access::Device, [NONE, NONE, "revoked", "+", "+", "+", "+", "+"]),
        (Access::Read, [NONE, NONE, "revoked", "not-authorised", "+", "+", "+", "+"]),
        (Access::Write, [NONE, NONE, "revoked", "not-authorised", "read-only", "+", "+", "+"]),
        (Access::Admin, [NONE, NONE, "revoked", "not-authorised", "not-authorised", "not-authorised", "+", "+"]),
        (Access::Administrator, [NONE, NONE, "revoked", "not-authorised", "not-authorised", "not-authorised", "not-authorised", "+"]),
    ]
};

/// The codes that only rights can cause.
const OF_RIGHTS: [&str; 5] = ["unauthenticated", "revoked", "unknown-device", "not-authorised", "read-only"];

fn message(route: Route, device: &Device) -> Option<Value> {
    let signature = Signature([1; 64]);
    let of = |message: Result<Value, serde_json::Error>| Some(message.unwrap());
    match route {
        Route::Enroll => of(serde_json::to_value(Enroll { code: Code([1; 16]), device: device.id(), name: "x".into(), signature })),
        Route::Challenge => of(serde_json::to_value(Challenge { device: device.id() })),
        Route::Token => of(serde_json::to_value(Proof { device: device.id(), nonce: Nonce([1; 32]), signature })),
        Route::CollectionSettings => of(serde_json::to_value(Settings::default())),
        Route::Find => of(serde_json::to_value(Find { transactions: Vec::new() })),
        Route::Arrived => Some(json!({ "log": "00".repeat(16), "sequence": 0, "hash": "00".repeat(32) })),
        Route::MissingBlobs => of(serde_json::to_value(Blobs { blobs: Vec::new() })),
        Route::MissingChunks | Route::GetChunks => of(serde_json::to_value(Chunks { chunks: Vec::new() })),
        Route::AcquireLease | Route::RenewLease => of(serde_json::to_value(LeaseFor { milliseconds: 1, fence: None })),
        Route::SetGrant => of(serde_json::to_value(SetGrant { right: Right::Read, delete_budget: None })),
        Route::DecideHeld => of(serde_json::to_value(Decide { verdict: Verdict::Approve })),
        Route::Compact => of(serde_json::to_value(Compact::default())),
        Route::RenameDevice => of(serde_json::to_value(Rename { name: "x".into() })),
        Route::Invite => of(serde_json::to_value(Invite { grants: Vec::new(), administrator: false, seconds: None })),
        _ => None,
    }
}

/// Takes a route in such a way that it changes nothing that another cell needs.
fn take(asked: &Asked, route: Route, role: &Device, token: Option<Token>) -> String {
    let head = "?log=00000000000000000000000000000000&sequence=0&hash=0000000000000000000000000000000000000000000000000000000000000000";
    let parameters: Vec<String> = route
        .template()
        .split('/')
        .filter(|segment| segment.starts_with('{'))
        .map(|name| match name {
            "{collection}" => "contacts".to_owned(),
            "{device}" | "{blob}" => "ab".repeat(32),
            "{transaction}" => "ab".repeat(16),
            _ => "0".to_owned(),
        })
        .collect();
    let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let path = format!("{}{}", route.path(&parameters), if route == Route::Read { head } else { "" });
    let message = message(route, role).map(|message| message.to_string().into_bytes());
    let bytes = match route {
        // One that needs no right but to write: whoever may, is told of its base.
        Route::Append => Some(role.envelope(&contacts(), protocol::Cursor::start(protocol::LogId([9; 16])), 1, b"x").encode()),
        Route::PutChunks => Some(protocol::chunk::encode_chunks(&[], [0; 16]).0),
        Route::PutRecipes => Some(protocol::chunk::encode_recipes(&[])),
        Route::PutSnapshot | Route::PutBlob => Some(b"x".to_vec()),
        _ => None,
    };
    let kind = if message.is_some() { "application/json" } else { wire::BYTES };
    let body = message.or(bytes);
    let answer = asked.ask(&Request { method: route.method(), path, token, kind, fence: None, body: body.as_deref() });
    assert!(answer.status < 500, "{route:?}: {answer:?}");
    answer.code()
}

#[test]
fn every_role_may_take_exactly_the_routes_that_the_table_gives_it() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let device = |seed, name: &str, right: Option<Right>| {
        asked.device(&administrator, seed, name, right.as_ref().map(|right| (contacts(), *right)).as_ref().map(|(c, r)| (c, *r, None)))
    };
    let revoked = device(2, "revoked", Some(Right::Admin));
    assert_eq!(asked.get(administrator.token, Route::RevokeDevice, &[&revoked.id().to_string()], "").status, 200);
    let (nobody, forged) = (Device::new(8), Device { token: Some(Token([7; 32])), ..Device::new(9) });
    let (stranger, reader) = (device(3, "stranger", None), device(4, "reader", Some(Right::Read)));
    let (writer, admin) = (device(5, "writer", Some(Right::Write)), device(6, "admin of contacts", Some(Right::Admin)));
    let roles = [nobody, forged, revoked, stranger, reader, writer, admin, administrator];
    let mut wrong = Vec::new();
    let mut cells = 0;
    for route in Route::ALL.iter().copied().filter(|route| *route != Route::Events) {
        let (_, row) = MATRIX.iter().find(|(access, _)| *access == route.access()).unwrap();
        for ((role, name), expected) in roles.iter().zip(ROLES).zip(row) {
            let code = take(&asked, route, role, role.token);
            let denied = OF_RIGHTS.contains(&code.as_str()) && route.access() != Access::Open;
            let found = if denied { code.as_str() } else { "+" };
            cells += 1;
            if found != *expected {
                wrong.push(format!("{} as {name}: {found} instead of {expected} ({code})", route.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(cells, (Route::ALL.len() - 1) * ROLES.len());
}

#[test]
fn events_are_for_those_who_may_read() {
    let asked = Asked::new();
    let administrator = asked.administrator(&contacts());
    let stranger = asked.device(&administrator, 3, "stranger", None);
    for (token, code) in [(None, "unauthenticated"), (Some(Token([7; 32])), "unauthenticated"), (stranger.token, "not-authorised")] {
        assert_eq!(asked.get(token, Route::Events, &["contacts"], "").code(), code);
    }
    assert_eq!(asked.get(administrator.token, Route::Events, &["nowhere"], "").code(), "no-such-collection");
}
