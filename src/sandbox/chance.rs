//! Chance that repeats itself: the same seed gives the same demo.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::Random;

/// A seeded sequence (`SplitMix64`). Good enough for traffic and faults, useless for secrets.
#[derive(Debug)]
pub struct Dice(AtomicU64);

impl Dice {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub fn roll(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let state = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One of the items; `None` of none.
    pub fn pick<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(items.len()).ok().filter(|count| *count > 0)?;
        items.get(usize::try_from(self.roll() % count).ok()?)
    }
}

impl Random for Dice {
    fn fraction(&self) -> f64 {
        let bits = u32::try_from(self.roll() >> 32).unwrap_or(u32::MAX);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let sequence = |seed| {
            let dice = Dice::new(seed);
            [dice.roll(), dice.roll(), dice.roll()]
        };
        assert_eq!(sequence(7), sequence(7));
        assert_ne!(sequence(7), sequence(8));
    }

    #[test]
    fn a_fraction_stays_below_one_and_a_pick_is_one_of_them() {
        let dice = Dice::new(1);
        for _ in 0..1_000 {
            let fraction = dice.fraction();
            assert!((0.0..1.0).contains(&fraction), "{fraction}");
            assert!([1, 2, 3].contains(dice.pick(&[1, 2, 3]).unwrap()));
        }
        assert_eq!(dice.pick::<u8>(&[]), None);
    }
}
