//! Seeded dice: every choice of a run, and the engine's door to randomness.

use engine::Randomness;

use super::shared::Shared;

/// A generator of numbers that follow from its seed (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Makes the dice of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed_0f5a_11ab_1e5e)
    }

    /// Returns the next number.
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Returns a number below `limit`, or zero if there is none.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let roll = self.roll();
        let rest = roll.checked_rem(limit as u64).unwrap_or_default();
        usize::try_from(rest).unwrap_or_default()
    }

    /// Tells whether something happens that happens so many times in a thousand.
    pub(super) fn chance(&mut self, permille: usize) -> bool {
        self.below(1000) < permille
    }

    /// Picks one of several.
    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let at = self.below(from.len());
        from.get(at).cloned()
    }

    /// Makes dice whose numbers do not depend on how often these are rolled later.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.roll())
    }
}

/// Scatters the bits of a number.
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Folds bytes into sixteen: quick, and good enough where nobody is an enemy.
pub(super) fn fold(bytes: &[u8]) -> [u8; 16] {
    let (mut left, mut right) = (0x243f_6a88_85a3_08d3_u64, 0x1319_8a2e_0370_7344_u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        left = mix(left ^ u64::from_le_bytes(word));
        right = mix(right.wrapping_add(left));
    }
    left = mix(left ^ bytes.len() as u64);
    right = mix(right ^ left);
    let mut folded = [0; 16];
    folded.iter_mut().zip(left.to_be_bytes().into_iter().chain(right.to_be_bytes())).for_each(|(to, from)| *to = from);
    folded
}

/// The engine's door to randomness.
#[derive(Clone)]
pub(super) struct Ids(pub(super) Shared<Dice>);

impl Randomness for Ids {
    fn id(&self) -> [u8; 16] {
        let mut dice = self.0.look();
        let bytes = [dice.roll().to_be_bytes(), dice.roll().to_be_bytes()].concat();
        fold(&bytes)
    }
}
