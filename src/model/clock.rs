//! Time and chance, passed in so that whatever depends on them is tested without waiting.

use std::sync::Mutex;
use std::time::Duration;

/// A moment, to the nanosecond, without a time zone.
pub type Timestamp = jiff::Timestamp;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The wall clock as it advances with tokio's: under a paused runtime, time moves only with the test.
#[derive(Debug)]
pub struct TokioClock {
    epoch: Timestamp,
    started: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that starts at the system's time.
    #[must_use]
    pub fn start() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// A clock that starts at a moment of one's choice.
    #[must_use]
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self {
            epoch,
            started: tokio::time::Instant::now(),
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.epoch
            .checked_add(self.started.elapsed())
            .unwrap_or(Timestamp::MAX)
    }
}

/// A clock that a test moves by hand.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that stands at a moment.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self(Mutex::new(moment))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut now = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.checked_add(by).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Where chance comes from (retry jitter).
pub trait Random: Send + Sync + 'static {
    /// A number from 0 up to, not including, 1.
    fn fraction(&self) -> f64;
}

/// The operating system's randomness.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fraction(&self) -> f64 {
        let bits = getrandom::u32().unwrap_or(u32::MAX / 2);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}
