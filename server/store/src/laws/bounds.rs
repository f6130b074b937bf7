//! Laws of limits: what a reader would refuse never gets into a log.

use protocol::{Envelope, Error, Header, MAX_PAYLOAD, RecordDigest};

use super::{Bench, Broken, Law, equal, refused};

pub(super) const LAWS: &[Law] = &[
    Law { name: "a payload beyond the limit is refused and nothing is kept", check: too_large_is_refused },
    Law { name: "a header that no reader accepts is refused and nothing is kept", check: malformed_is_refused },
];

fn too_large_is_refused(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    let small = bench.envelope(&collection, start, b"")?;
    let large = Envelope { payload: vec![0; MAX_PAYLOAD + 1], ..small };
    let answer = bench.store.append(&collection, &large).map(|_| ());
    refused("a payload beyond the limit", answer, |error| matches!(error, Error::TooLarge { .. }))?;
    equal("the head after a refusal", &bench.store.head(&collection)?, &start)
}

fn malformed_is_refused(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, start) = bench.log()?;
    for records in [vec![RecordDigest([2; 16]), RecordDigest([1; 16])], vec![RecordDigest([1; 16]); 2]] {
        let header = Header { operations: 2, deletions: 0, records };
        let envelope = Envelope { header, ..bench.envelope(&collection, start, b"x")? };
        let envelope = bench.subject.seal(&collection, envelope);
        refused("records out of order", bench.store.append(&collection, &envelope), |error| matches!(error, Error::Malformed(_)))?;
    }
    equal("the head after a refusal", &bench.store.head(&collection)?, &start)
}
