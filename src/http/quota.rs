//! Quotas that are known, not discovered by failing.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::BucketSettings;
use super::allowance::{Allowance, Claim};
use crate::model::{Category, Failure, Priority};

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

/// What one user of an account may call: its part in the account's allowance, a share of its own, and a limit on its calls
/// at once.
#[derive(Debug)]
pub struct Quota {
    account: Claim,
    own: Claim,
    at_once: Semaphore,
}

impl Quota {
    /// The allowance of an account that nobody else uses.
    #[must_use]
    pub fn new(buckets: &[BucketSettings], at_once: usize) -> Self {
        let account = Claim::on(Arc::default(), buckets);
        Self::of(
            account,
            Claim::on(Arc::<Allowance>::default(), &[]),
            at_once,
        )
    }

    pub(super) fn of(account: Claim, own: Claim, at_once: usize) -> Self {
        Self {
            account,
            own,
            at_once: Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    /// Leave for so many calls at once of one kind, which all users of the account share.
    #[must_use]
    pub fn gate(&self, name: &str, at_once: usize) -> Arc<Semaphore> {
        self.account.gate(name, at_once)
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
        let now = Instant::now();
        let (mut account, mut own) = (self.account.lock(), self.own.lock());
        account.refill(now);
        own.refill(now);
        account.wait(priority, now).max(own.wait(priority, now))
    }

    /// Takes in what an answer says of the quota: `Retry-After` of a 429 or 503, and the `X-RateLimit-*` family.
    pub fn observe(&self, status: u16, headers: &HeaderMap) {
        let number = |names: &[&str]| {
            let text = names.iter().find_map(|name| headers.get(*name))?;
            text.to_str().ok()?.trim().parse::<f64>().ok()
        };
        let now = Instant::now();
        let mut account = self.account.lock();
        if matches!(status, 429 | 503) {
            let wait = super::retry_after(headers)
                .unwrap_or(Duration::from_secs(if status == 429 { 10 } else { 0 }));
            if !wait.is_zero() {
                account.block(now + wait.min(Duration::from_secs(3600)));
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
        if account.is_empty() {
            let mut own = self.own.lock();
            own.refill(now);
            own.told(limit, left);
        } else {
            account.refill(now);
            account.told(limit, left);
        }
    }

    /// What is left, for people.
    #[must_use]
    pub fn view(&self) -> Vec<QuotaView> {
        let now = Instant::now();
        let (mut account, mut own) = (self.account.lock(), self.own.lock());
        account.refill(now);
        own.refill(now);
        let blocked_for = Some(account.blocked_for(now)).filter(|wait| !wait.is_zero());
        account
            .view(blocked_for)
            .chain(own.view(blocked_for))
            .collect()
    }

    /// Takes one call from every bucket unless it must wait. The account's lock always comes before the user's own.
    fn try_take(&self, priority: Priority) -> Duration {
        let now = Instant::now();
        let (mut account, mut own) = (self.account.lock(), self.own.lock());
        account.refill(now);
        own.refill(now);
        let wait = account.wait(priority, now).max(own.wait(priority, now));
        if wait.is_zero() {
            account.take();
            own.take();
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cap;
    use super::*;

    fn a_second(calls: u32, cap: Cap) -> Quota {
        let bucket = BucketSettings {
            name: "per second".into(),
            calls,
            period: Duration::from_secs(1),
            cap,
        };
        Quota::new(&[bucket], 100)
    }

    fn ten_a_second() -> Quota {
        a_second(10, Cap::Assumed)
    }

    fn told(limit: &'static str, left: &'static str) -> HeaderMap {
        let name = http::HeaderName::from_static;
        HeaderMap::from_iter([
            (name("x-ratelimit-limit"), limit.parse().unwrap()),
            (name("x-ratelimit-remaining"), left.parse().unwrap()),
        ])
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
        quota.observe(200, &told("10", "0.0"));
        assert_eq!(quota.view()[0].left, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_vendors_limit_corrects_a_guess_and_raises_no_cap_of_the_admins() {
        let limits = |quota: &Quota, limit| {
            quota.observe(200, &told(limit, "4"));
            quota.view()[0].limit
        };
        let guessed = a_second(10, Cap::Assumed);
        assert_eq!((limits(&guessed, "50"), limits(&guessed, "5")), (50, 5));
        let configured = a_second(10, Cap::Configured);
        assert_eq!(
            (limits(&configured, "50"), limits(&configured, "5")),
            (10, 5)
        );
        // A vendor that lowered its limit and raises it again gives back no more than was configured.
        assert_eq!(limits(&configured, "50"), 10);
    }
}
