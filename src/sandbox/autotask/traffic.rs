//! How the vendor counts calls: so many an hour for the database, three at once for a kind of object.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::backend::Backend;
use crate::model::{Clock, Timestamp};
use crate::sandbox::quota::RateLimit;

/// Calls at once for one kind of object.
const AT_ONCE: usize = 3;

/// Counts the calls of the last sixty minutes, minute by minute.
pub(super) struct Hour {
    threshold: u64,
    clock: Arc<dyn Clock>,
    minutes: Mutex<VecDeque<(i64, u64)>>,
}

impl Hour {
    /// A database whose hour holds sixty of these minutes.
    pub(super) fn new(limit: RateLimit, clock: Arc<dyn Clock>) -> Self {
        Self {
            threshold: u64::from(limit.per_minute) * 60,
            clock,
            minutes: Mutex::default(),
        }
    }

    pub(super) fn threshold(&self) -> u64 {
        self.threshold
    }

    /// Counts a call; how many there were in the hour with it.
    pub(super) fn count(&self) -> u64 {
        let minute = minute(self.clock.now());
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        while minutes.front().is_some_and(|(at, _)| *at <= minute - 60) {
            minutes.pop_front();
        }
        match minutes.back_mut() {
            Some((at, count)) if *at == minute => *count += 1,
            _ => minutes.push_back((minute, 1)),
        }
        minutes.iter().map(|(_, count)| count).sum()
    }

    /// How the vendor slows down whoever comes near the limit.
    pub(super) fn drag(&self, used: u64) -> Duration {
        if used * 4 >= self.threshold * 3 {
            Duration::from_secs(1)
        } else if used * 2 >= self.threshold {
            Duration::from_millis(500)
        } else {
            Duration::ZERO
        }
    }
}

fn minute(now: Timestamp) -> i64 {
    now.as_second().div_euclid(60)
}

/// A call under way; over when dropped.
pub(super) struct Thread {
    backend: Arc<Backend>,
    entity: String,
}

impl Thread {
    /// Lets a call in unless three of its kind are under way.
    pub(super) fn enter(backend: &Arc<Backend>, entity: &str) -> Option<Self> {
        let entity = entity.to_ascii_lowercase();
        let mut threads = backend
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = threads.entry(entity.clone()).or_default();
        if *count >= AT_ONCE {
            return None;
        }
        *count += 1;
        drop(threads);
        Some(Self {
            backend: backend.clone(),
            entity,
        })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        let mut threads = self
            .backend
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = threads.get_mut(&self.entity) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManualClock;

    #[test]
    fn an_hour_rolls() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let hour = Hour::new(RateLimit::per_minute(1), clock.clone());
        assert_eq!(hour.threshold(), 60);
        for expected in 1..=10 {
            assert_eq!(hour.count(), expected);
        }
        clock.advance(Duration::from_secs(59 * 60));
        assert_eq!(hour.count(), 11);
        clock.advance(Duration::from_secs(60));
        assert_eq!(hour.count(), 2);
        assert_eq!(hour.drag(29), Duration::ZERO);
        assert_eq!(hour.drag(30), Duration::from_millis(500));
        assert_eq!(hour.drag(45), Duration::from_secs(1));
    }
}
