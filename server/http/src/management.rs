//! The management plane: collections, devices, grants, invitations, leases, held transactions, and the audit log.

use axum::body::Body;
use protocol::messages::{
    AuditQuery, Collections, Compact, Decide, Devices, HeldTransactions, Invite, LeaseFor, Leases, MAX_BUDGET, MAX_INVITATION, MAX_LEASE,
    MAX_PAGE, Rename, SetGrant, Settings,
};
use protocol::routes::Route;
use protocol::{DeviceId, Error, Fence, Right, Store, TransactionId};

use crate::answer::{self, Answer};
use crate::context::Context;
use crate::shared::News;

/// The most grants of one invitation.
const GRANTS: usize = 1000;
/// The longest retention, in days.
const DAYS: u64 = 36_500;

/// Does what a route of the management plane is for.
#[expect(clippy::cognitive_complexity, reason = "it is a table, one row a route")]
pub(crate) async fn work(context: &Context, route: Route, body: Body) -> Result<Answer, Error> {
    match route {
        Route::Me => show_device(context, context.device()?).await,
        Route::ListCollections => list_collections(context).await,
        Route::CreateCollection => create(context).await,
        Route::CollectionState => state(context, context.right()).await,
        Route::CollectionSettings => settings(context, body).await,
        Route::ShowLease => show_lease(context).await,
        Route::AcquireLease => acquire(context, body).await,
        Route::RenewLease => renew(context, body).await,
        Route::ReleaseLease => release(context).await,
        Route::SetGrant => set_grant(context, body).await,
        Route::RemoveGrant => remove_grant(context).await,
        Route::ListHeld => held(context).await,
        Route::DecideHeld => decide(context, body).await,
        Route::Compact => compact(context, body).await,
        Route::ListDevices => answer::json(&Devices { devices: context.shared.blocking(store::Sqlite::devices).await? }),
        Route::ShowDevice => show_device(context, context.parameter("device")?).await,
        Route::RenameDevice => rename(context, body).await,
        Route::RevokeDevice => revoke(context).await,
        Route::Invite => invite(context, body).await,
        Route::Audit => audit(context).await,
        // Every other route is taken before this.
        _ => Err(Error::NotFound(format!("route {}", route.name()))),
    }
}

async fn show_device(context: &Context, device: DeviceId) -> Result<Answer, Error> {
    answer::json(&context.shared.blocking(move |store| store.device(&device)).await?)
}

async fn list_collections(context: &Context) -> Result<Answer, Error> {
    let device = context.device()?;
    answer::json(&Collections { collections: context.shared.blocking(move |store| store.collections(&device)).await? })
}

async fn create(context: &Context) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    context.shared.blocking(move |store| store.create(&device, &collection)).await?;
    state(context, Right::Admin).await
}

async fn state(context: &Context, right: Right) -> Result<Answer, Error> {
    let collection = context.collection()?;
    answer::json(&context.shared.blocking(move |store| store.state_as(&collection, right)).await?)
}

async fn settings(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let settings: Settings = context.message(body).await?;
    if settings.retention_days.is_some_and(|days| days > DAYS) {
        return Err(Error::Malformed(format!("retention_days: at most {DAYS}")));
    }
    answer::json(&context.shared.blocking(move |store| store.set(&device, &collection, &settings)).await?)
}

async fn show_lease(context: &Context) -> Result<Answer, Error> {
    let collection = context.collection()?;
    answer::json(&Leases { lease: context.shared.blocking(move |store| store.lease(&collection)).await? })
}

async fn lease_for(context: &Context, body: Body) -> Result<LeaseFor, Error> {
    let asked: LeaseFor = context.message(body).await?;
    let longest = MAX_LEASE * 1000;
    if asked.milliseconds == 0 || asked.milliseconds > longest {
        return Err(Error::Malformed(format!("milliseconds: 1 to {longest}")));
    }
    Ok(asked)
}

async fn acquire(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let asked = lease_for(context, body).await?;
    if asked.fence.is_some() {
        return Err(Error::Malformed("fence: a new lease has none; PUT renews one".into()));
    }
    answer::json(&context.shared.blocking(move |store| store.acquire_as(&device, &collection, asked.time())).await?)
}

async fn renew(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let asked = lease_for(context, body).await?;
    let fence = asked.fence.ok_or_else(|| Error::Malformed("fence: the lease that is to be renewed".into()))?;
    answer::json(&context.shared.blocking(move |store| store.renew_as(&device, &collection, fence, asked.time())).await?)
}

async fn release(context: &Context) -> Result<Answer, Error> {
    let (device, collection, fence) = (context.device()?, context.collection()?, Fence(context.parameter("fence")?));
    context.shared.blocking(move |store| store.release_as(&device, &collection, fence)).await?;
    Ok(answer::done())
}

/// Event streams look anew whether their devices may listen. Nobody may be listening.
fn rights_changed(context: &Context) {
    let _ = context.shared.news.send(News::Rights);
}

async fn set_grant(context: &Context, body: Body) -> Result<Answer, Error> {
    let (caller, collection, device) = (context.device()?, context.collection()?, context.parameter("device")?);
    let set: SetGrant = context.message(body).await?;
    check_budget(set.delete_budget)?;
    context.shared.blocking(move |store| store.set_grant(&caller, &collection, &device, &set)).await?;
    rights_changed(context);
    Ok(answer::done())
}

fn check_budget(budget: Option<u64>) -> Result<(), Error> {
    match budget {
        Some(budget) if budget > MAX_BUDGET => Err(Error::Malformed(format!("delete_budget: at most {MAX_BUDGET}"))),
        _ => Ok(()),
    }
}

async fn remove_grant(context: &Context) -> Result<Answer, Error> {
    let (caller, collection, device) = (context.device()?, context.collection()?, context.parameter("device")?);
    context.shared.blocking(move |store| store.remove_grant(&caller, &collection, &device)).await?;
    rights_changed(context);
    Ok(answer::done())
}

async fn held(context: &Context) -> Result<Answer, Error> {
    let collection = context.collection()?;
    answer::json(&HeldTransactions { held: context.shared.blocking(move |store| store.held(&collection)).await? })
}

async fn decide(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection): (_, _) = (context.device()?, context.collection()?);
    let transaction: TransactionId = context.parameter("transaction")?;
    let Decide { verdict } = context.message(body).await?;
    answer::json(&context.shared.blocking(move |store| store.decide(&device, &collection, transaction, verdict)).await?)
}

async fn compact(context: &Context, body: Body) -> Result<Answer, Error> {
    let (device, collection) = (context.device()?, context.collection()?);
    let Compact { horizon } = context.message(body).await?;
    let work = move |store: &store::Sqlite| {
        let horizon = horizon.map_or_else(|| store.newest_snapshot(&collection), Ok)?;
        let done = store.compact(&collection, &horizon)?;
        let by = store.device(&device)?.name;
        store.note(&by, "compact", collection.as_str(), &format!("{} entries up to {}", done.entries, horizon.sequence))?;
        Ok(done)
    };
    answer::json(&context.shared.blocking(work).await?)
}

async fn rename(context: &Context, body: Body) -> Result<Answer, Error> {
    let (caller, device): (_, DeviceId) = (context.device()?, context.parameter("device")?);
    let Rename { name } = context.message(body).await?;
    answer::json(&context.shared.blocking(move |store| store.rename(&caller, &device, &name)).await?)
}

async fn revoke(context: &Context) -> Result<Answer, Error> {
    let (caller, device): (_, DeviceId) = (context.device()?, context.parameter("device")?);
    let revoked = context.shared.blocking(move |store| store.revoke(&caller, &device)).await?;
    rights_changed(context);
    answer::json(&revoked)
}

async fn invite(context: &Context, body: Body) -> Result<Answer, Error> {
    let caller = context.device()?;
    let invite: Invite = context.message(body).await?;
    if invite.seconds.is_some_and(|seconds| seconds == 0 || seconds > MAX_INVITATION) {
        return Err(Error::Malformed(format!("seconds: 1 to {MAX_INVITATION}")));
    }
    if invite.grants.len() > GRANTS {
        return Err(Error::Malformed(format!("grants: at most {GRANTS}")));
    }
    invite.grants.iter().try_for_each(|grant| check_budget(grant.delete_budget))?;
    answer::json(&context.shared.blocking(move |store| store.invite(&caller, invite)).await?)
}

async fn audit(context: &Context) -> Result<Answer, Error> {
    let query: AuditQuery = context.query()?;
    let limit = query.limit.unwrap_or(100).min(MAX_PAGE);
    answer::json(&context.shared.blocking(move |store| store.audit(query.after, limit)).await?)
}
