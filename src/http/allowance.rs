//! What one account may call: token buckets, what the other side said of them, and gates for calls at once. All who
//! use the account share one, and each brings the caps that its own settings name.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::QuotaView;
use crate::model::Priority;

/// Where a cap comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// Our guess of what the vendor grants, until its answers tell.
    Assumed,
    /// The admin's: answers may lower it and never raise it.
    Configured,
}

/// One allowance: so many calls in so long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketSettings {
    /// What people call it, e.g. `per minute`.
    pub name: String,
    /// How many calls.
    pub calls: u32,
    /// In how long.
    pub period: Duration,
    /// Whose figure that is.
    pub cap: Cap,
}

impl BucketSettings {
    /// The cap that an admin set, else the one that we assume.
    #[must_use]
    pub fn per_minute(name: &str, configured: Option<u32>, assumed: u32) -> Self {
        Self {
            name: name.to_owned(),
            calls: configured.unwrap_or(assumed),
            period: Duration::from_secs(60),
            cap: configured.map_or(Cap::Assumed, |_| Cap::Configured),
        }
    }

    /// What an admin leaves to one connector of an account, if anything.
    #[must_use]
    pub fn share(calls_per_minute: Option<u32>) -> Vec<Self> {
        let share = calls_per_minute.map(|calls| Self {
            name: "connector, per minute".to_owned(),
            calls,
            period: Duration::from_secs(60),
            cap: Cap::Configured,
        });
        share.into_iter().collect()
    }

    fn rate(&self) -> f64 {
        f64::from(self.calls.max(1)) / self.period.as_secs_f64().max(0.001)
    }
}

/// What replays and catch-up must leave to live traffic, as a share of the bucket.
const RESERVE: f64 = 0.2;

#[derive(Debug)]
struct Bucket {
    settings: BucketSettings,
    /// The limit that the other side's answers tell.
    told: Option<f64>,
    left: f64,
    counted_at: Instant,
}

/// The state of an allowance, under its lock.
#[derive(Debug, Default)]
pub(super) struct Inner {
    buckets: Vec<Bucket>,
    blocked_until: Option<Instant>,
    claims: BTreeMap<u64, Vec<BucketSettings>>,
    next_claim: u64,
}

/// What one account may call.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    inner: Mutex<Inner>,
    gates: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// One user's part in an allowance: its caps hold for as long as this lives.
#[derive(Debug)]
pub(super) struct Claim {
    allowance: Arc<Allowance>,
    number: u64,
}

impl Claim {
    pub(super) fn on(allowance: Arc<Allowance>, caps: &[BucketSettings]) -> Self {
        let number = allowance.lock().claim(caps);
        Self { allowance, number }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.allowance.lock()
    }

    /// Leave for so many calls at once of one kind.
    pub(super) fn gate(&self, name: &str, at_once: usize) -> Arc<Semaphore> {
        let mut gates = self
            .allowance
            .gates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(name.to_owned());
        Arc::clone(gate.or_insert_with(|| Arc::new(Semaphore::new(at_once.max(1)))))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut inner = self.allowance.lock();
        inner.claims.remove(&self.number);
        inner.settle();
    }
}

impl Allowance {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn capacity(&self) -> f64 {
        let granted = f64::from(self.settings.calls.max(1));
        match (self.settings.cap, self.told) {
            (_, None) => granted,
            (Cap::Assumed, Some(told)) => told,
            (Cap::Configured, Some(told)) => told.min(granted),
        }
    }

    fn per_second(&self) -> f64 {
        self.capacity() / self.settings.period.as_secs_f64().max(0.001)
    }

    fn wait(&self, priority: Priority) -> Duration {
        let capacity = self.capacity();
        let reserve = match priority {
            Priority::Live => 0.0,
            Priority::Background => (capacity * RESERVE).min(capacity - 1.0),
        };
        let missing = 1.0 + reserve - self.left;
        if missing <= 1e-6 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(missing / self.per_second()) + Duration::from_millis(1)
        }
    }
}

impl Inner {
    fn claim(&mut self, caps: &[BucketSettings]) -> u64 {
        let number = self.next_claim;
        self.next_claim += 1;
        self.claims.insert(number, caps.to_vec());
        self.settle();
        number
    }

    /// Finds the caps in force: of each name the lowest that an admin set, else the one assumed. What is left of a
    /// bucket stays, so that a change of settings fills none.
    fn settle(&mut self) {
        let now = Instant::now();
        self.refill(now);
        let mut settings: Vec<BucketSettings> = Vec::new();
        for cap in self.claims.values().flatten() {
            match settings.iter_mut().find(|one| one.name == cap.name) {
                Some(one) if outweighs(cap, one) => *one = cap.clone(),
                Some(_) => {}
                None => settings.push(cap.clone()),
            }
        }
        let mut before = std::mem::take(&mut self.buckets);
        for settings in settings {
            let known = before
                .iter()
                .position(|one| one.settings.name == settings.name);
            let mut bucket = match known.map(|index| before.swap_remove(index)) {
                Some(bucket) => Bucket { settings, ..bucket },
                None => Bucket {
                    left: f64::from(settings.calls.max(1)),
                    settings,
                    told: None,
                    counted_at: now,
                },
            };
            bucket.left = bucket.left.min(bucket.capacity());
            self.buckets.push(bucket);
        }
    }

    pub(super) fn refill(&mut self, now: Instant) {
        for bucket in &mut self.buckets {
            let passed = now
                .saturating_duration_since(bucket.counted_at)
                .as_secs_f64();
            bucket.left = (bucket.left + passed * bucket.per_second()).min(bucket.capacity());
            bucket.counted_at = now;
        }
        if self.blocked_until.is_some_and(|until| until <= now) {
            self.blocked_until = None;
        }
    }

    /// How long until a call of this priority may be made.
    pub(super) fn wait(&self, priority: Priority, now: Instant) -> Duration {
        let waits = self.buckets.iter().map(|bucket| bucket.wait(priority));
        waits.fold(self.blocked_for(now), Duration::max)
    }

    /// Takes one call from every bucket.
    pub(super) fn take(&mut self) {
        for bucket in &mut self.buckets {
            bucket.left -= 1.0;
        }
    }

    /// Lets nobody call for a while.
    pub(super) fn block(&mut self, until: Instant) {
        let later = self.blocked_until.map_or(until, |before| before.max(until));
        self.blocked_until = Some(later);
    }

    pub(super) fn blocked_for(&self, now: Instant) -> Duration {
        self.blocked_until
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Takes in what the other side says of the first bucket, which is the one it counts.
    pub(super) fn told(&mut self, limit: Option<f64>, left: f64) {
        if let Some(bucket) = self.buckets.first_mut() {
            if let Some(limit) = limit.filter(|limit| *limit >= 1.0) {
                bucket.told = Some(limit);
            }
            bucket.left = bucket.left.min(left.max(0.0)).min(bucket.capacity());
        }
    }

    /// What is left, for people.
    pub(super) fn view(&self, blocked_for: Option<Duration>) -> impl Iterator<Item = QuotaView> {
        self.buckets.iter().map(move |bucket| QuotaView {
            name: bucket.settings.name.clone(),
            limit: whole(bucket.capacity()),
            left: whole(bucket.left),
            blocked_for,
        })
    }
}

/// Whether a cap goes before another of its name.
fn outweighs(cap: &BucketSettings, other: &BucketSettings) -> bool {
    match (cap.cap, other.cap) {
        (Cap::Configured, Cap::Assumed) => true,
        (Cap::Configured, Cap::Configured) => cap.rate() < other.rate(),
        (Cap::Assumed, _) => false,
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
