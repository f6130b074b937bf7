//! Who has shown who it is: challenges that are good once, and tokens, of which only the digests are kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::{DeviceId, Error, Nonce, Timestamp, Token};
use sha2::{Digest, Sha256};

/// How long a challenge is good.
const CHALLENGE: Duration = Duration::from_mins(1);
/// How long a token is good.
pub(crate) const TOKEN: Duration = Duration::from_mins(15);
/// The most challenges that wait to be answered, and the most tokens: beyond, whoever asks waits.
const MOST: usize = 200_000;

/// Challenges and tokens, in memory: after a restart every device shows again who it is.
#[derive(Default)]
pub(crate) struct Tokens {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    challenges: HashMap<Nonce, Entry>,
    tokens: HashMap<[u8; 32], Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    device: DeviceId,
    until: Timestamp,
}

impl Tokens {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a challenge for a device.
    pub(crate) fn challenge(&self, device: DeviceId, now: Timestamp) -> Result<(Nonce, Timestamp), Error> {
        let (nonce, until) = (Nonce(random()?), now.after(CHALLENGE));
        let mut held = self.held();
        make_room(&mut held.challenges, now)?;
        held.challenges.insert(nonce, Entry { device, until });
        Ok((nonce, until))
    }

    /// Uses a challenge up, and tells whether it was good for the device.
    pub(crate) fn answer(&self, device: &DeviceId, nonce: &Nonce, now: Timestamp) -> bool {
        self.held().challenges.remove(nonce).is_some_and(|entry| entry.device == *device && now < entry.until)
    }

    /// Makes a token for a device.
    pub(crate) fn issue(&self, device: DeviceId, now: Timestamp) -> Result<(Token, Timestamp), Error> {
        let (token, until) = (Token(random()?), now.after(TOKEN));
        let mut held = self.held();
        make_room(&mut held.tokens, now)?;
        held.tokens.insert(digest(&token), Entry { device, until });
        Ok((token, until))
    }

    /// Returns whose token it is, if it is good.
    pub(crate) fn device(&self, token: &Token, now: Timestamp) -> Option<DeviceId> {
        self.held().tokens.get(&digest(token)).filter(|entry| now < entry.until).map(|entry| entry.device)
    }

    /// Forgets what has ended.
    pub(crate) fn tidy(&self, now: Timestamp) {
        let mut held = self.held();
        held.challenges.retain(|_, entry| now < entry.until);
        held.tokens.retain(|_, entry| now < entry.until);
    }
}

fn make_room<K: Eq + std::hash::Hash>(entries: &mut HashMap<K, Entry>, now: Timestamp) -> Result<(), Error> {
    if entries.len() >= MOST {
        entries.retain(|_, entry| now < entry.until);
    }
    if entries.len() < MOST { Ok(()) } else { Err(Error::TooMany { retry_after: CHALLENGE }) }
}

fn digest(token: &Token) -> [u8; 32] {
    Sha256::digest(token.0).into()
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Failed(format!("the system gave no random bytes: {error}")))?;
    Ok(bytes)
}
