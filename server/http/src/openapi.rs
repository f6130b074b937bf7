//! The API's description (OpenAPI 3.1), made from the table of routes and the messages themselves.

use protocol::messages::{
    About, Audit, Blobs, Challenge, Challenged, Chunks, Collections, Compact, Decide, Device, Devices, Enroll, Enrolled, Find, Found,
    Granted, HeldTransaction, HeldTransactions, Invitation, Invite, LeaseFor, Leases, Proof, Rename, SetGrant, Settings, Settled,
};
use protocol::problem::{PROBLEM, Problem};
use protocol::routes::{Access, FENCE, Route};
use protocol::{BlobId, Collection, Compacted, Cursor, DeviceId, Fence, Hash, Lease, LogId, Place, Sequence, State, TransactionId, wire};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// What a body is.
enum Content {
    None,
    Message(Value),
    Kind(&'static str),
}

/// One operation's parts.
struct Operation {
    request: Content,
    answer: Content,
    status: u16,
    query: Vec<(&'static str, Value, bool)>,
    says: &'static str,
}

/// Schemas by name, with all that they refer to.
#[derive(Default)]
struct Schemas(Map<String, Value>);

impl Schemas {
    fn of<T: ToSchema>(&mut self) -> Value {
        let mut found = Vec::new();
        T::schemas(&mut found);
        for (name, schema) in found {
            self.0.insert(name, serde_json::to_value(schema).unwrap_or_default());
        }
        self.0.insert(T::name().into_owned(), serde_json::to_value(T::schema()).unwrap_or_default());
        json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
    }
}

/// Returns the description.
pub(crate) fn document() -> Value {
    let mut schemas = Schemas::default();
    schemas.of::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for route in Route::ALL {
        let described = describe(*route, &mut schemas);
        let path = paths.entry(route.template()).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method().as_str().to_lowercase(), described);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Syncretic store",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Keeps the transactions of each collection in one order, and decides who may take part.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas.0,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "description": "From POST /v1/token, for fifteen minutes." } },
        },
    })
}

fn describe(route: Route, schemas: &mut Schemas) -> Value {
    let operation = operation(route, schemas);
    let mut parameters = path_parameters(route, schemas);
    for (name, schema, required) in operation.query {
        parameters.push(json!({ "name": name, "in": "query", "required": required, "schema": schema }));
    }
    if route == Route::Append {
        parameters.push(json!({ "name": FENCE, "in": "header", "required": false, "schema": schemas.of::<Fence>() }));
    }
    let mut responses = Map::new();
    let mut answer = Map::from_iter([("description".into(), json!("Done."))]);
    answer.extend(content(operation.answer).map(|content| ("content".into(), content)));
    responses.insert(operation.status.to_string(), answer.into());
    if route == Route::GetSnapshot {
        responses.insert("204".into(), json!({ "description": "There is none." }));
    }
    if route == Route::Append {
        let both = json!({ wire::PAGE: {}, PROBLEM: { "schema": schemas.of::<Problem>() } });
        responses
            .insert("409".into(), json!({ "description": "The head moved: a page with what was missed. Or a problem.", "content": both }));
    }
    let problem = json!({ PROBLEM: { "schema": schemas.of::<Problem>() } });
    responses.insert("default".into(), json!({ "description": "A problem (RFC 9457); its code is stable.", "content": problem }));
    let says = format!("{} Access: {}.", operation.says, access(route.access()));
    let mut described = Map::new();
    described.insert("operationId".into(), json!(route.name()));
    described.insert("description".into(), json!(says));
    described.insert("parameters".into(), json!(parameters));
    described.insert("responses".into(), json!(responses));
    let body = content(operation.request).map(|content| json!({ "required": true, "content": content }));
    described.extend(body.map(|body| ("requestBody".into(), body)));
    if route.access() != Access::Open {
        described.insert("security".into(), json!([{ "token": [] }]));
    }
    described.into()
}

fn content(content: Content) -> Option<Value> {
    match content {
        Content::None => None,
        Content::Message(schema) => Some(json!({ "application/json": { "schema": schema } })),
        Content::Kind(kind) => Some(json!({ kind: {} })),
    }
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Open => "open to anybody",
        Access::Device => "every device",
        Access::Read => "read",
        Access::Write => "write",
        Access::Admin => "admin",
        Access::Administrator => "administrators of the store",
    }
}

fn path_parameters(route: Route, schemas: &mut Schemas) -> Vec<Value> {
    let names = route.template().split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters = Vec::new();
    for name in names {
        let schema = match name {
            "collection" => schemas.of::<Collection>(),
            "device" => schemas.of::<DeviceId>(),
            "blob" => schemas.of::<BlobId>(),
            "transaction" => schemas.of::<TransactionId>(),
            "fence" => schemas.of::<Fence>(),
            _ => schemas.of::<Sequence>(),
        };
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    parameters
}

/// Every operation in one place: what it takes, what it answers, and what it is for.
#[rustfmt::skip]
fn operation(route: Route, s: &mut Schemas) -> Operation {
    use Content::{Kind, Message, None as Nothing};
    let wait = || json!({ "type": "integer", "minimum": 0, "maximum": protocol::messages::MAX_WAIT });
    let number = || json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
    let op = |request, answer, status, says| Operation { request, answer, status, query: Vec::new(), says };
    let with = |operation: Operation, query| Operation { query, ..operation };
    match route {
        Route::Page => op(Nothing, Kind("text/html"), 200, "This API, to be read by people."),
        Route::OpenApi => op(Nothing, Kind("application/json"), 200, "This API, to be read by programs."),
        Route::Healthz => op(Nothing, Kind("text/plain"), 200, "The server runs."),
        Route::Readyz => op(Nothing, Kind("text/plain"), 200, "The server answers, and its store with it."),
        Route::Metrics => op(Nothing, Kind("text/plain"), 200, "Figures for Prometheus."),
        Route::About => op(Nothing, Message(s.of::<About>()), 200, "What this is."),
        Route::Enroll => op(Message(s.of::<Enroll>()), Message(s.of::<Enrolled>()), 200, "Enrolls a device with a code."),
        Route::Challenge => op(Message(s.of::<Challenge>()), Message(s.of::<Challenged>()), 200, "Asks for something to sign."),
        Route::Token => op(Message(s.of::<Proof>()), Message(s.of::<Granted>()), 200, "Gives a token for a signature."),
        Route::Me => op(Nothing, Message(s.of::<Device>()), 200, "The asking device."),
        Route::ListCollections => op(Nothing, Message(s.of::<Collections>()), 200, "The collections that the device may read."),
        Route::CreateCollection => op(Nothing, Message(s.of::<State>()), 200, "Makes a collection, unless it is there."),
        Route::CollectionState => op(Nothing, Message(s.of::<State>()), 200, "Where the collection stands, and every device in it."),
        Route::CollectionSettings => op(Message(s.of::<Settings>()), Message(s.of::<Settled>()), 200, "Changes settings."),
        Route::Head => with(op(Nothing, Message(s.of::<Cursor>()), 200, "The head; with `wait`, as soon as it is another one than `log` and `hash`."),
            vec![("log", s.of::<LogId>(), false), ("hash", s.of::<Hash>(), false), ("wait", wait(), false)]),
        Route::Place => op(Nothing, Message(s.of::<Place>()), 200, "What the log holds at a sequence."),
        Route::Read => with(op(Nothing, Kind(wire::PAGE), 200, "The entries after a cursor."),
            vec![("log", s.of::<LogId>(), true), ("sequence", s.of::<Sequence>(), true), ("hash", s.of::<Hash>(), true),
                 ("limit", number(), false), ("wait", wait(), false)]),
        Route::Append => op(Kind(wire::BYTES), Kind(wire::APPENDED), 200, "Appends an envelope, by compare-and-swap on its base."),
        Route::Find => op(Message(s.of::<Find>()), Message(s.of::<Found>()), 200, "Where transactions stand."),
        Route::Arrived => op(Message(s.of::<Cursor>()), Nothing, 204, "Notes that the device has everything up to a cursor."),
        Route::Events => op(Nothing, Kind("text/event-stream"), 200, "Server-sent events `head`, whenever the head moves."),
        Route::GetSnapshot => op(Nothing, Kind(wire::BYTES), 200, "The newest snapshot."),
        Route::PutSnapshot => op(Kind(wire::BYTES), Nothing, 204, "Keeps a snapshot."),
        Route::MissingBlobs => op(Message(s.of::<Blobs>()), Message(s.of::<Blobs>()), 200, "Which blobs are missing."),
        Route::GetBlob => op(Nothing, Kind(wire::BYTES), 200, "A blob's bytes."),
        Route::PutBlob => op(Kind(wire::BYTES), Nothing, 204, "Keeps a blob, whose SHA-256 its id is."),
        Route::MissingChunks => op(Message(s.of::<Chunks>()), Message(s.of::<Chunks>()), 200, "Which chunks of blobs are missing."),
        Route::GetChunks => op(Message(s.of::<Chunks>()), Kind(wire::BYTES), 200, "Chunks, at most 256, in the order asked."),
        Route::PutChunks => op(Kind(wire::BYTES), Nothing, 204, "Keeps chunks, each of which is what its id says."),
        Route::GetRecipe => op(Nothing, Kind(wire::BYTES), 200, "How a blob is made of chunks."),
        Route::PutRecipes => op(Kind(wire::BYTES), Nothing, 204, "Keeps recipes, whose chunks are there and make their blobs."),
        Route::ShowLease => op(Nothing, Message(s.of::<Leases>()), 200, "Who holds the lease."),
        Route::AcquireLease => op(Message(s.of::<LeaseFor>()), Message(s.of::<Lease>()), 200, "Takes the lease."),
        Route::RenewLease => op(Message(s.of::<LeaseFor>()), Message(s.of::<Lease>()), 200, "Keeps the lease for longer."),
        Route::ReleaseLease => op(Nothing, Nothing, 204, "Ends the lease."),
        Route::SetGrant => op(Message(s.of::<SetGrant>()), Nothing, 204, "Gives a device a right."),
        Route::RemoveGrant => op(Nothing, Nothing, 204, "Takes a device's right."),
        Route::ListHeld => op(Nothing, Message(s.of::<HeldTransactions>()), 200, "Transactions that wait for approval."),
        Route::DecideHeld => op(Message(s.of::<Decide>()), Message(s.of::<HeldTransaction>()), 200, "Approves or rejects one."),
        Route::Compact => op(Message(s.of::<Compact>()), Message(s.of::<Compacted>()), 200, "Removes envelopes that a snapshot stands for."),
        Route::ListDevices => op(Nothing, Message(s.of::<Devices>()), 200, "All devices."),
        Route::ShowDevice => op(Nothing, Message(s.of::<Device>()), 200, "A device."),
        Route::RenameDevice => op(Message(s.of::<Rename>()), Message(s.of::<Device>()), 200, "Gives a device another name."),
        Route::RevokeDevice => op(Nothing, Message(s.of::<Device>()), 200, "Takes every right from a device, for ever."),
        Route::Invite => op(Message(s.of::<Invite>()), Message(s.of::<Invitation>()), 200, "Makes an enrollment code."),
        Route::Audit => with(op(Nothing, Message(s.of::<Audit>()), 200, "The audit log."),
            vec![("after", number(), false), ("limit", number(), false)]),
    }
}
