//! Quotas that are known, not discovered by failing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::model::{Category, Failure, Priority};

/// One allowance: so many calls in so long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketSettings {
    /// What people call it, e.g. `per minute`.
    pub name: String,
    /// How many calls.
    pub calls: u32,
    /// In how long.
    pub period: Duration,
}

/// What is left, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaView {
    /// What people call it.
    pub name: String,
    /// How many calls it allows.
    pub limit: u32,
    /// How many are left now.
    pub left: u32,
    /// How long the other side asked us to keep still, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_for: Option<Duration>,
}

/// The longest wait inside a call; beyond it the transaction goes back and makes room for others.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What replays and catch-up must leave to live traffic, as a share of the bucket.
const RESERVE: f64 = 0.2;

#[derive(Debug)]
struct Bucket {
    name: String,
    capacity: f64,
    per_second: f64,
    left: f64,
    counted_at: Instant,
}

#[derive(Debug)]
struct Inner {
    buckets: Vec<Bucket>,
    blocked_until: Option<Instant>,
}

/// The allowance of one credential: token buckets, a limit on calls at once, and what the other side said.
#[derive(Debug)]
pub struct Quota {
    inner: Mutex<Inner>,
    at_once: Semaphore,
}

impl Quota {
    /// An allowance.
    #[must_use]
    pub fn new(buckets: &[BucketSettings], at_once: usize) -> Self {
        let now = Instant::now();
        let bucket = |settings: &BucketSettings| Bucket {
            name: settings.name.clone(),
            capacity: f64::from(settings.calls.max(1)),
            per_second: f64::from(settings.calls.max(1)) / settings.period.as_secs_f64().max(0.001),
            left: f64::from(settings.calls.max(1)),
            counted_at: now,
        };
        Self {
            inner: Mutex::new(Inner {
                buckets: buckets.iter().map(bucket).collect(),
                blocked_until: None,
            }),
            at_once: Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    /// Waits for leave to make one call, and takes it from every bucket.
    ///
    /// # Errors
    /// A `rate_limited` failure with the time to wait, when the wait would be long.
    pub async fn acquire(&self, priority: Priority) -> Result<SemaphorePermit<'_>, Failure> {
        let permit = self
            .at_once
            .acquire()
            .await
            .map_err(|_| Failure::new(Category::Network, "the engine is stopping"))?;
        loop {
            let wait = self.try_take(priority);
            if wait.is_zero() {
                return Ok(permit);
            }
            if wait > LONGEST_WAIT {
                return Err(Failure::new(
                    Category::RateLimited,
                    "the quota is used up; nothing was sent",
                )
                .unsent()
                .retry_after(Some(wait))
                .hint("It is tried again when the quota allows. Raise the connector's limits if the vendor grants more."));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// How long until a call of this priority may be made.
    #[must_use]
    pub fn ready_in(&self, priority: Priority) -> Duration {
        let mut inner = self.lock();
        inner.refill(Instant::now());
        inner.wait(priority)
    }

    /// Takes in what an answer says of the quota: `Retry-After` of a 429 or 503, and the `X-RateLimit-*` family.
    pub fn observe(&self, status: u16, headers: &HeaderMap) {
        let number = |names: &[&str]| {
            let text = names.iter().find_map(|name| headers.get(*name))?;
            text.to_str().ok()?.trim().parse::<f64>().ok()
        };
        let now = Instant::now();
        let mut inner = self.lock();
        if matches!(status, 429 | 503) {
            let wait = super::retry_after(headers)
                .unwrap_or(Duration::from_secs(if status == 429 { 10 } else { 0 }));
            if !wait.is_zero() {
                let until = now + wait.min(Duration::from_secs(3600));
                inner.blocked_until = Some(
                    inner
                        .blocked_until
                        .map_or(until, |before| before.max(until)),
                );
            }
        }
        let Some(left) = number(&["x-ratelimit-remaining", "x-rate-limit-remaining"]) else {
            return;
        };
        let limit = number(&[
            "x-ratelimit-total",
            "x-ratelimit-limit",
            "x-rate-limit-limit",
        ]);
        inner.refill(now);
        if let Some(bucket) = inner.buckets.first_mut() {
            if let Some(limit) = limit.filter(|limit| *limit >= 1.0) {
                bucket.per_second *= limit / bucket.capacity;
                bucket.capacity = limit;
            }
            bucket.left = bucket.left.min(left.max(0.0));
        }
    }

    /// What is left, for people.
    #[must_use]
    pub fn view(&self) -> Vec<QuotaView> {
        let now = Instant::now();
        let mut inner = self.lock();
        inner.refill(now);
        let blocked_for = inner
            .blocked_until
            .map(|until| until.saturating_duration_since(now));
        let blocked_for = blocked_for.filter(|wait| !wait.is_zero());
        inner
            .buckets
            .iter()
            .map(|bucket| QuotaView {
                name: bucket.name.clone(),
                limit: whole(bucket.capacity),
                left: whole(bucket.left),
                blocked_for,
            })
            .collect()
    }

    fn try_take(&self, priority: Priority) -> Duration {
        let mut inner = self.lock();
        inner.refill(Instant::now());
        let wait = inner.wait(priority);
        if wait.is_zero() {
            for bucket in &mut inner.buckets {
                bucket.left -= 1.0;
            }
        }
        wait
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn refill(&mut self, now: Instant) {
        for bucket in &mut self.buckets {
            let passed = now
                .saturating_duration_since(bucket.counted_at)
                .as_secs_f64();
            bucket.left = (bucket.left + passed * bucket.per_second).min(bucket.capacity);
            bucket.counted_at = now;
        }
        if self.blocked_until.is_some_and(|until| until <= now) {
            self.blocked_until = None;
        }
    }

    fn wait(&self, priority: Priority) -> Duration {
        let blocked = self.blocked_until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        });
        let empty = self.buckets.iter().map(|bucket| {
            let reserve = match priority {
                Priority::Live => 0.0,
                Priority::Background => (bucket.capacity * RESERVE).min(bucket.capacity - 1.0),
            };
            let missing = 1.0 + reserve - bucket.left;
            if missing <= 1e-6 {
                Duration::ZERO
            } else {
                Duration::from_secs_f64(missing / bucket.per_second) + Duration::from_millis(1)
            }
        });
        empty.fold(blocked, Duration::max)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the type's range"
)]
fn whole(number: f64) -> u32 {
    number.clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten_a_second() -> Quota {
        let bucket = BucketSettings {
            name: "per second".into(),
            calls: 10,
            period: Duration::from_secs(1),
        };
        Quota::new(&[bucket], 100)
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_bucket_bursts_and_then_trickles() {
        let quota = ten_a_second();
        let started = Instant::now();
        for _ in 0..20 {
            drop(quota.acquire(Priority::Live).await.unwrap());
        }
        let took = started.elapsed();
        assert!(
            took >= Duration::from_millis(990) && took < Duration::from_millis(1100),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn background_leaves_a_reserve_to_live() {
        let quota = ten_a_second();
        for _ in 0..8 {
            drop(quota.acquire(Priority::Background).await.unwrap());
        }
        assert!(!quota.ready_in(Priority::Background).is_zero());
        assert!(quota.ready_in(Priority::Live).is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_blocks_everybody() {
        let quota = ten_a_second();
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "30".parse().unwrap())]);
        quota.observe(429, &headers);
        let failure = quota.acquire(Priority::Live).await.map(drop).unwrap_err();
        assert_eq!(failure.category, Category::RateLimited);
        assert!(failure.retry_after.unwrap() > Duration::from_secs(29));
        tokio::time::advance(Duration::from_secs(31)).await;
        assert!(quota.acquire(Priority::Live).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_vendors_own_count_wins_when_lower() {
        let quota = ten_a_second();
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-ratelimit-remaining"),
            "0.0".parse().unwrap(),
        )]);
        quota.observe(200, &headers);
        assert_eq!(quota.view()[0].left, 0);
    }
}
