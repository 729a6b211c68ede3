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

/// Counts requests in windows of a minute.
pub(super) struct Meter {
    limit: u32,
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
        let window = Window {
            ends: Timestamp::MIN,
            used: 0,
        };
        Self {
            limit: limit.per_minute,
            clock,
            window: Mutex::new(window),
        }
    }

    /// Counts a request of this cost.
    pub(super) fn spend(&self, cost: u32) -> Standing {
        let now = self.clock.now();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= window.ends {
            window.ends = now.checked_add(WINDOW).unwrap_or(Timestamp::MAX);
            window.used = 0;
        }
        let wanted = window.used.saturating_add(cost);
        let refused = wanted > self.limit;
        window.used = wanted.min(self.limit);
        let wait = || Duration::try_from(window.ends.duration_since(now)).unwrap_or(WINDOW);
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
}
