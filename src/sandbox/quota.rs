//! Rate limits as the vendors count them: so many requests a minute.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::model::{Clock, Timestamp};

/// How many requests a caller may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// In each window of one minute.
    pub per_minute: u32,
}

impl RateLimit {
    /// So many a minute.
    #[must_use]
    pub fn per_minute(per_minute: u32) -> Self {
        Self { per_minute }
    }
}

const WINDOW: Duration = Duration::from_secs(60);

/// Counts requests in windows, of a minute unless the vendor counts otherwise.
pub(super) struct Meter {
    limit: u32,
    length: Duration,
    clock: Arc<dyn Clock>,
    window: Mutex<Window>,
}

struct Window {
    ends: Timestamp,
    used: u32,
}

/// Where a caller stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) resets_at: Timestamp,
    /// How long to wait, when the request was too many.
    pub(super) refused_for: Option<Duration>,
}

impl Meter {
    pub(super) fn new(limit: RateLimit, clock: Arc<dyn Clock>) -> Self {
        Self::in_windows_of(WINDOW, limit, clock)
    }

    /// A meter of the same rate that counts in windows of another length.
    pub(super) fn in_windows_of(length: Duration, limit: RateLimit, clock: Arc<dyn Clock>) -> Self {
        let share = u64::from(limit.per_minute) * length.as_secs() / WINDOW.as_secs();
        let window = Window {
            ends: Timestamp::MIN,
            used: 0,
        };
        Self {
            limit: u32::try_from(share).unwrap_or(u32::MAX),
            length,
            clock,
            window: Mutex::new(window),
        }
    }

    /// Counts a request of this cost.
    pub(super) fn spend(&self, cost: u32) -> Standing {
        let now = self.clock.now();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= window.ends {
            window.ends = now.checked_add(self.length).unwrap_or(Timestamp::MAX);
            window.used = 0;
        }
        let wanted = window.used.saturating_add(cost);
        let refused = wanted > self.limit;
        window.used = wanted.min(self.limit);
        let wait = || Duration::try_from(window.ends.duration_since(now)).unwrap_or(self.length);
        Standing {
            limit: self.limit,
            remaining: self.limit - window.used,
            resets_at: window.ends,
            refused_for: refused.then(wait),
        }
    }
}

/// Whole seconds, rounded up, as `Retry-After` wants them.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManualClock;

    #[test]
    fn a_window_refuses_what_is_too_much_and_begins_anew() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let meter = Meter::new(RateLimit::per_minute(3), clock.clone());
        assert_eq!(meter.spend(1).remaining, 2);
        assert_eq!(meter.spend(2).remaining, 0);
        clock.advance(Duration::from_millis(20_500));
        let refused = meter.spend(1).refused_for.map(whole_seconds);
        assert_eq!(refused, Some(40));
        clock.advance(Duration::from_secs(40));
        let fresh = meter.spend(1);
        assert_eq!((fresh.remaining, fresh.refused_for), (2, None));
    }

    #[test]
    fn a_shorter_window_has_its_share_of_the_minute() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let window = Duration::from_secs(10);
        let meter = Meter::in_windows_of(window, RateLimit::per_minute(12), clock.clone());
        assert_eq!(meter.spend(2).remaining, 0);
        assert_eq!(meter.spend(1).refused_for, Some(window));
        clock.advance(window);
        assert_eq!(meter.spend(1).refused_for, None);
    }
}
