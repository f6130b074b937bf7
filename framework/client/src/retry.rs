//! When to ask again: after a pause that doubles, with jitter, and never before the store asked for it.

use std::time::Duration;

/// How often and how long a store that does not answer is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The most times that one request is sent.
    pub attempts: u32,
    /// The first pause, before jitter.
    pub first: Duration,
    /// The longest pause, before jitter.
    pub longest: Duration,
    /// The most that a store may ask to wait; what asks for more is told to the person instead.
    pub patience: Duration,
    /// The longest that a collection is waited for while another device holds its lease.
    pub turn: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        let (first, longest) = (Duration::from_millis(200), Duration::from_secs(5));
        Self { attempts: 5, first, longest, patience: Duration::from_secs(30), turn: Duration::from_secs(20) }
    }
}

/// What a wait needs of the world: time that passes, and chance.
pub trait Rest: Send + Sync {
    /// Waits; false if it was cut short because somebody asked to stop.
    fn pause(&self, length: Duration) -> bool;

    /// Returns a random number.
    fn random(&self) -> u64;
}

/// The pauses of one request.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    policy: Policy,
    failures: u32,
}

impl Backoff {
    /// Begins with no failure.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, failures: 0 }
    }

    /// Returns how long to wait after one more failure; none if it is time to give up.
    ///
    /// `asked` is what the store asked for (`Retry-After`). The pause is the half of what doubling has come to, and up
    /// to as much again by chance, so that devices that failed together do not come back together.
    #[must_use]
    pub fn pause(&mut self, asked: Option<Duration>, random: u64) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.policy.attempts || asked.is_some_and(|asked| asked > self.policy.patience) {
            return None;
        }
        let doubled = self.policy.first.saturating_mul(1 << (self.failures - 1).min(20)).min(self.policy.longest);
        let half = doubled / 2;
        let spread = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        Some((half + Duration::from_millis(random % spread)).max(asked.unwrap_or_default()))
    }
}

/// The pauses while another device holds a collection's lease.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    pauses: Backoff,
    left: Duration,
}

impl Turn {
    /// The longest pause, before jitter: a lease is held for moments.
    const LONGEST: Duration = Duration::from_secs(1);

    /// Begins to wait.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let longest = policy.longest.min(Self::LONGEST);
        Self { pauses: Backoff::new(Policy { attempts: u32::MAX, longest, ..policy }), left: policy.turn }
    }

    /// Returns how long to wait until it is asked again; none if that was long enough.
    #[must_use]
    pub fn pause(&mut self, random: u64) -> Option<Duration> {
        let pause = self.pauses.pause(None, random)?.min(self.left);
        self.left -= pause;
        (!pause.is_zero()).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(attempts: u32) -> Policy {
        let (first, longest) = (Duration::from_millis(100), Duration::from_millis(1000));
        Policy { attempts, first, longest, patience: Duration::from_secs(10), turn: Duration::from_secs(2) }
    }

    fn pauses(mut backoff: Backoff, random: u64) -> Vec<u128> {
        std::iter::from_fn(|| backoff.pause(None, random)).map(|pause| pause.as_millis()).collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_attempts() {
        assert_eq!(pauses(Backoff::new(policy(7)), 0), [50, 100, 200, 400, 500, 500]);
        assert_eq!(pauses(Backoff::new(policy(1)), 0), [0_u128; 0]);
    }

    #[test]
    fn chance_adds_at_most_as_much_again() {
        for random in [0, 1, 49, 50, 51, 12_345, u64::MAX] {
            let pause = Backoff::new(policy(2)).pause(None, random).unwrap();
            assert!((50..=100).contains(&pause.as_millis()), "{pause:?}");
        }
    }

    #[test]
    fn what_the_store_asks_for_is_honoured_and_too_much_is_told_instead() {
        let ask = |seconds| Backoff::new(policy(3)).pause(Some(Duration::from_secs(seconds)), 7);
        assert_eq!(ask(3), Some(Duration::from_secs(3)));
        assert_eq!(ask(0), Some(Duration::from_millis(57)));
        assert_eq!(ask(11), None);
    }

    #[test]
    fn another_devices_turn_is_waited_for_so_long_and_no_longer() {
        let mut turn = Turn::new(policy(3));
        let pauses: Vec<u128> = std::iter::from_fn(|| turn.pause(0)).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 500, 500, 250]);
        assert_eq!(pauses.iter().sum::<u128>(), 2000);
        assert_eq!(Turn::new(Policy { turn: Duration::ZERO, ..policy(3) }).pause(7), None);
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let mut backoff = Backoff::new(Policy { attempts: u32::MAX, ..policy(0) });
        assert!((0..100).all(|_| backoff.pause(None, u64::MAX).is_some_and(|pause| pause.as_secs() < 2)));
    }
}
