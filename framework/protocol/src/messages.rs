//! Messages of the management plane, in JSON. Requests with a field that is not known are refused; answers may gain fields.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cursor::Cursor;
use crate::ids::{BlobId, ChunkId, Code, Collection, DeviceId, Fence, Hash, Nonce, Sequence, Signature, StoreId, Token, TransactionId};
use crate::state::{LeaseMode, Revocation, Right};
use crate::timestamp::Timestamp;

/// The longest name of a device, in characters.
pub const MAX_NAME: usize = 64;
/// The most ids that one request asks for.
pub const MAX_IDS: usize = 10_000;
/// The longest that one request waits for something to happen, in seconds.
pub const MAX_WAIT: u64 = 60;
/// The longest lease, in seconds.
pub const MAX_LEASE: u64 = 3600;
/// The longest that an enrollment code lives, in seconds.
pub const MAX_INVITATION: u64 = 30 * 86_400;
/// The greatest delete budget.
pub const MAX_BUDGET: u64 = 1_000_000_000;
/// The most lines of the audit log, or entries, in one page.
pub const MAX_PAGE: usize = 1000;

/// Asks a device to be enrolled (`POST /v1/enroll`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Enroll {
    /// The code, as it was given.
    pub code: Code,
    /// The device's public key.
    pub device: DeviceId,
    /// The name that people know it by.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    pub name: String,
    /// The device's signature over [`crate::signed::enrollment`]: it has the key.
    pub signature: Signature,
}

/// A device is enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrolled {
    /// The store, to be pinned.
    pub store: StoreId,
    /// The device as it is known now.
    pub device: Device,
}

/// Asks for something to sign (`POST /v1/challenge`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// The device's public key.
    pub device: DeviceId,
}

/// What a device signs to show who it is, see [`crate::signed::challenge`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Challenged {
    /// The store: a device signs for the store that it pinned and no other.
    pub store: StoreId,
    /// Good once.
    pub nonce: Nonce,
    /// When it is too late.
    pub until: Timestamp,
}

/// Shows who a device is (`POST /v1/token`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The device's public key.
    pub device: DeviceId,
    /// What it was asked to sign.
    pub nonce: Nonce,
    /// Its signature over [`crate::signed::challenge`].
    pub signature: Signature,
}

/// A bearer token: `Authorization: Bearer TOKEN`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Granted {
    /// The token.
    pub token: Token,
    /// When it ends, by the store's clock.
    pub until: Timestamp,
    /// How long it lasts from now on, in seconds.
    pub seconds: u64,
    /// Who it is for.
    pub device: Device,
}

/// A device, as the management plane knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// Its public key.
    pub device: DeviceId,
    /// Its name.
    pub name: String,
    /// Whether it administers the store: every right on every collection, and devices, invitations and the audit log.
    pub administrator: bool,
    /// When it was enrolled.
    pub enrolled: Timestamp,
    /// When it was last heard of.
    pub seen: Option<Timestamp>,
    /// Set if it was revoked.
    pub revoked: Option<Revocation>,
    /// What it may do, and where it stands.
    pub grants: Vec<DeviceGrant>,
}

/// A device's right on a collection, and where it stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceGrant {
    /// The collection.
    pub collection: Collection,
    /// What it may do there.
    pub right: Right,
    /// How many records it may delete in any 24 hours without approval; any number if absent.
    pub delete_budget: Option<u64>,
    /// Up to where it said that it has everything.
    pub cursor: Option<Cursor>,
    /// How many entries it lacks by that.
    pub lag: u64,
}

/// All devices (`GET /v1/devices`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Devices {
    /// The devices, by name.
    pub devices: Vec<Device>,
}

/// Gives a device another name (`PATCH /v1/devices/{device}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// The name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    pub name: String,
}

/// A right that an invitation brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The collection.
    pub collection: Collection,
    /// The right.
    pub right: Right,
    /// How many records may be deleted in any 24 hours without approval; any number if absent.
    #[serde(default, deserialize_with = "crate::json::perhaps_whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
    pub delete_budget: Option<u64>,
}

/// Makes an enrollment code (`POST /v1/invitations`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// What the device will be granted.
    #[serde(default, deserialize_with = "crate::json::objects")]
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub grants: Vec<Grant>,
    /// Whether it will administer the store.
    #[serde(default)]
    pub administrator: bool,
    /// How long the code lives, in seconds: 1 to 30 days; ten minutes if absent.
    #[serde(default, deserialize_with = "crate::json::perhaps_whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_592_000))]
    pub seconds: Option<u64>,
}

/// An enrollment code. It is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// The code.
    pub code: Code,
    /// When it ends.
    pub until: Timestamp,
}

/// A collection in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listed {
    /// Its name.
    pub collection: Collection,
    /// Its head.
    pub head: Cursor,
    /// What the asking device may do.
    pub right: Right,
}

/// The collections that a device may read (`GET /v1/collections`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collections {
    /// The collections, by name.
    pub collections: Vec<Listed>,
}

/// Settings of a collection (`PATCH /v1/collections/{collection}`); what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What a lease keeps from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseMode>,
    /// How many days entries stay at least before a compaction may remove them; 0 = none.
    #[serde(default, deserialize_with = "crate::json::perhaps_whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 36_500))]
    pub retention_days: Option<u64>,
}

/// Settings as they stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settled {
    /// What a lease keeps from others.
    pub lease: LeaseMode,
    /// How many days entries stay at least.
    pub retention_days: u64,
}

/// A right, for one device (`PUT /v1/collections/{collection}/grants/{device}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetGrant {
    /// The right.
    pub right: Right,
    /// How many records may be deleted in any 24 hours without approval; any number if absent.
    #[serde(default, deserialize_with = "crate::json::perhaps_whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
    pub delete_budget: Option<u64>,
}

/// Asks for a lease, or to keep one (`POST` and `PUT /v1/collections/{collection}/lease`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LeaseFor {
    /// For how long, in milliseconds: at most an hour.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3_600_000))]
    #[serde(deserialize_with = "crate::json::whole")]
    pub milliseconds: u64,
    /// The lease that is to last longer; absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<Fence>,
}

impl LeaseFor {
    /// Returns the time as a duration.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

/// The lease of a collection (`GET /v1/collections/{collection}/lease`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leases {
    /// The lease, if one is held.
    pub lease: Option<crate::state::Lease>,
}

/// Asks where transactions stand (`POST /v1/collections/{collection}/transactions`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// At most [`MAX_IDS`].
    #[cfg_attr(feature = "openapi", schema(max_items = 10_000))]
    pub transactions: Vec<TransactionId>,
}

/// Where transactions stand; those that are not in the log are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Found {
    /// In the order asked.
    pub transactions: Vec<FoundAt>,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundAt {
    /// The transaction.
    pub transaction: TransactionId,
    /// Its place.
    pub cursor: Cursor,
}

/// Blobs (`POST /v1/collections/{collection}/blobs/missing`): asked for, and those that are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Blobs {
    /// At most [`MAX_IDS`].
    #[cfg_attr(feature = "openapi", schema(max_items = 10_000))]
    pub blobs: Vec<BlobId>,
}

/// Chunks: asked for, and those that are missing (`POST /v1/collections/{collection}/chunks/missing`), or wanted (`…/chunks/get`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Chunks {
    /// At most [`MAX_IDS`]; at most [`MAX_CHUNKS`](crate::chunk::MAX_CHUNKS) of those that are wanted.
    #[cfg_attr(feature = "openapi", schema(max_items = 10_000))]
    pub chunks: Vec<ChunkId>,
}

/// Asks for a compaction (`POST /v1/collections/{collection}/compact`); the newest snapshot's place if the horizon is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Compact {
    /// Up to where.
    #[serde(default, deserialize_with = "crate::json::perhaps_object", skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Cursor>,
}

/// A transaction that deletes more than its device may, and waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldTransaction {
    /// The transaction.
    pub transaction: TransactionId,
    /// Its device.
    pub device: DeviceId,
    /// The device's name.
    pub name: String,
    /// How many records it deletes.
    pub deletions: u64,
    /// How many operations it has.
    pub operations: u64,
    /// When it was held.
    pub at: Timestamp,
    /// What was decided, if anything was; approval lets the device delete as many once, under whatever transaction id.
    pub verdict: Option<Verdict>,
}

/// All held transactions of a collection (`GET /v1/collections/{collection}/held`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldTransactions {
    /// The oldest first.
    pub held: Vec<HeldTransaction>,
}

/// What becomes of a held transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may be appended.
    Approve,
    /// It may not.
    Reject,
}

/// Decides about a held transaction (`PUT /v1/collections/{collection}/held/{transaction}`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// The decision.
    pub verdict: Verdict,
}

/// What a store on the network is (`GET /v1`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct About {
    /// `syncretic`.
    pub service: String,
    /// The version of the program.
    pub version: String,
    /// The version of this API.
    pub api: u32,
    /// The store.
    pub store: StoreId,
    /// The store's clock.
    pub now: Timestamp,
}

/// One line of the audit log, chained to the one before, see [`AuditLine::chain`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditLine {
    /// Its number, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// The device that did it, by name; empty if it is not known.
    pub by: String,
    /// What was done, as a word.
    pub action: String,
    /// To whom or what.
    pub object: String,
    /// More about it.
    pub detail: String,
    /// The hash of the line before it.
    pub previous: Hash,
    /// Its own hash.
    pub hash: Hash,
}

impl AuditLine {
    /// Returns the line's hash: SHA-256(tag ‖ previous ‖ number ‖ at ‖ length and bytes of by, action, object and detail), numbers big-endian.
    #[must_use]
    pub fn chain(&self) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(b"syncretic.audit/1\0");
        hasher.update(self.previous.0);
        hasher.update(self.number.to_be_bytes());
        hasher.update(self.at.0.to_be_bytes());
        for text in [&self.by, &self.action, &self.object, &self.detail] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        Hash(hasher.finalize().into())
    }
}

/// Lines of the audit log (`GET /v1/audit`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Audit {
    /// The lines, in order.
    pub lines: Vec<AuditLine>,
    /// The number of the newest line.
    pub newest: u64,
}

/// Which part of the audit log (`GET /v1/audit`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Lines after this one.
    #[serde(default)]
    pub after: u64,
    /// At most this many; 100 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// From where to read (`GET /v1/collections/{collection}/entries`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadQuery {
    /// The cursor's log.
    pub log: crate::ids::LogId,
    /// The cursor's sequence.
    pub sequence: Sequence,
    /// The cursor's hash.
    pub hash: Hash,
    /// At most this many entries; [`MAX_PAGE`] if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// How long to wait for an entry if there is none, in seconds, at most [`MAX_WAIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
}

/// What a head is compared with (`GET /v1/collections/{collection}/head`): with `wait`, the answer comes when it differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadQuery {
    /// The known head's hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Hash>,
    /// The known head's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<crate::ids::LogId>,
    /// How long to wait, in seconds, at most [`MAX_WAIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
}
