//! Laws of leases: one holder at a time, each with a greater number than the one before.

use std::time::Duration;

use protocol::{Error, Fence};

use super::{Bench, Broken, Law, equal, refused, require};

pub(super) const LAWS: &[Law] = &[
    Law { name: "a lease is shown to whoever asks, with its holder", check: shown },
    Law { name: "a device takes its own lease over at once, with a greater number", check: taken_over },
    Law { name: "a lease keeps others out until it is released", check: keeps_others_out },
    Law { name: "a released lease leaves the collection free again", check: free_again },
    Law { name: "an append under a lease that ended is refused, and one under the present one is not", check: fenced },
    Law { name: "an envelope that is in the log is answered whatever lease it came under", check: idempotent },
];

/// Longer than any law takes.
const LONG: Duration = Duration::from_secs(600);

fn stale(error: &Error) -> bool {
    matches!(error, Error::StaleFence { .. })
}

fn shown(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    equal("the lease of a new collection", &bench.store.lease(&collection)?, &None)?;
    let lease = bench.store.acquire(&collection, &bench.subject.device(), LONG)?;
    equal("the holder", &lease.holder, &bench.subject.device())?;
    equal("the lease that is shown", &bench.subject.open()?.lease(&collection)?, &Some(lease.clone()))?;
    equal("the lease in the state", &bench.store.state(&collection)?.lease, &Some(lease))
}

fn taken_over(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let device = bench.subject.device();
    let mut last = Fence(0);
    for _ in 0..3 {
        let lease = bench.store.acquire(&collection, &device, LONG)?;
        require(lease.fence > last, || format!("lease {} came after {last}", lease.fence))?;
        if last > Fence(0) {
            refused("renewing the one before", bench.store.renew(&collection, last, LONG), stale)?;
        }
        equal("the number of a renewed lease", &bench.store.renew(&collection, lease.fence, LONG)?.fence, &lease.fence)?;
        last = lease.fence;
    }
    bench.store.release(&collection, last)?;
    let lease = bench.store.acquire(&collection, &device, LONG)?;
    require(lease.fence > last, || format!("after its release, lease {} came after {last}", lease.fence))
}

fn keeps_others_out(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let lease = bench.store.acquire(&collection, &bench.subject.device(), LONG)?;
    let Some((other, device)) = bench.subject.another()? else { return Ok(()) };
    let leased = |error: &Error| matches!(error, Error::Leased { .. });
    refused("another device's lease", other.acquire(&collection, &device, LONG), leased)?;
    let envelope = bench.subject.seal_as(&device, &collection, bench.envelope(&collection, start, b"other")?);
    refused("another device's append", other.append(&collection, &envelope), leased)?;
    bench.store.release(&collection, lease.fence)?;
    let taken = other.acquire(&collection, &device, LONG)?;
    require(taken.fence > lease.fence, || "the other device's lease has no greater number".into())?;
    other.append(&collection, &envelope)?;
    other.release(&collection, taken.fence)?;
    Ok(())
}

fn free_again(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let lease = bench.store.acquire(&collection, &bench.subject.device(), LONG)?;
    bench.store.release(&collection, Fence(lease.fence.0 + 1))?;
    equal("the lease after another one's release", &bench.store.lease(&collection)?, &Some(lease.clone()))?;
    bench.store.release(&collection, lease.fence)?;
    equal("the lease after its release", &bench.store.lease(&collection)?, &None)?;
    bench.store.release(&collection, lease.fence)?;
    refused("renewing a released lease", bench.store.renew(&collection, lease.fence, LONG), stale)
}

fn fenced(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let device = bench.subject.device();
    let old = bench.store.acquire(&collection, &device, LONG)?;
    let lease = bench.store.acquire(&collection, &device, LONG)?;
    let envelope = bench.envelope(&collection, start, b"fenced")?;
    for fence in [old.fence, Fence(lease.fence.0 + 1), Fence(0)] {
        refused("an append under another lease", bench.store.append_fenced(&collection, &envelope, Some(fence)), stale)?;
    }
    equal("the head after refusals", &bench.store.head(&collection)?, &start)?;
    bench.store.append_fenced(&collection, &envelope, Some(lease.fence))?;
    bench.store.release(&collection, lease.fence)?;
    let head = bench.store.head(&collection)?;
    let late = bench.envelope(&collection, head, b"late")?;
    refused("an append under a released lease", bench.store.append_fenced(&collection, &late, Some(lease.fence)), stale)?;
    bench.append(&collection, &late).map(|_| ())
}

fn idempotent(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let lease = bench.store.acquire(&collection, &bench.subject.device(), LONG)?;
    let envelope = bench.envelope(&collection, start, b"once")?;
    let first = bench.store.append_fenced(&collection, &envelope, Some(lease.fence))?;
    bench.store.release(&collection, lease.fence)?;
    equal("the answer to the same append", &bench.store.append_fenced(&collection, &envelope, Some(lease.fence))?, &first)
}
