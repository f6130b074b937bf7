//! Random bytes from the operating system: the ids of logs, and names that nobody else has.

use protocol::Error;

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Failed(format!("the system gave no random bytes: {error}")))?;
    Ok(bytes)
}
