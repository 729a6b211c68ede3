//! The account's pool of requests at once.
//!
//! NetSuite counts how many requests run at the same time, REST and RESTlet alike and for all integrations of the account
//! together: five in a standard account. So our share belongs to the account and not to a connector, and it shrinks
//! for a while when NetSuite says that the pool is full.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::http::QuotaView;

/// How long a full pool is given before one more request at once is tried.
const PATIENCE: Duration = Duration::from_secs(30);

/// Our share of an account's pool.
#[derive(Debug)]
pub(super) struct Pool {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug)]
struct Inner {
    /// What the connector's file allows.
    limit: usize,
    /// What is dared just now.
    allowed: usize,
    in_use: usize,
    raise_at: Option<Instant>,
}

/// Leave to have one request under way.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a Pool);

static POOLS: LazyLock<Mutex<HashMap<String, Weak<Pool>>>> = LazyLock::new(Mutex::default);

impl Pool {
    /// The pool of an account at an address, shared by all connectors that use it; the limit asked for last is in force.
    pub(super) fn of(account: &str, address: &str, limit: usize) -> Arc<Self> {
        let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|_, pool| pool.strong_count() > 0);
        let key = format!("{account} {address}");
        if let Some(pool) = pools.get(&key).and_then(Weak::upgrade) {
            pool.set_limit(limit);
            return pool;
        }
        let pool = Arc::new(Self::new(limit));
        pools.insert(key, Arc::downgrade(&pool));
        pool
    }

    fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self {
            inner: Mutex::new(Inner {
                limit,
                allowed: limit,
                in_use: 0,
                raise_at: None,
            }),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_limit(&self, limit: usize) {
        let mut inner = self.lock();
        inner.limit = limit.max(1);
        inner.allowed = inner.limit;
        inner.raise_at = None;
        drop(inner);
        self.changed.notify_waiters();
    }

    /// Waits for a place.
    pub(super) async fn enter(&self) -> Place<'_> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let raise_at = {
                let mut inner = self.lock();
                inner.raise(Instant::now());
                if inner.in_use < inner.allowed {
                    inner.in_use += 1;
                    return Place(self);
                }
                inner.raise_at
            };
            match raise_at {
                Some(at) => drop(tokio::time::timeout_at(at, changed).await),
                None => changed.await,
            }
        }
    }

    /// NetSuite said that the pool is full: half of what was dared must do for a while.
    pub(super) fn refused(&self) {
        let mut inner = self.lock();
        inner.allowed = (inner.allowed / 2).max(1);
        inner.raise_at = Some(Instant::now() + PATIENCE);
    }

    /// What is left, for people.
    pub(super) fn view(&self) -> QuotaView {
        let mut inner = self.lock();
        inner.raise(Instant::now());
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        QuotaView {
            name: "account, requests at once".to_owned(),
            limit: number(inner.limit),
            left: number(inner.allowed.saturating_sub(inner.in_use)),
            blocked_for: None,
        }
    }
}

impl Inner {
    fn raise(&mut self, now: Instant) {
        while let Some(at) = self.raise_at.filter(|at| *at <= now) {
            self.allowed = (self.allowed + 1).min(self.limit);
            self.raise_at = (self.allowed < self.limit).then(|| at + PATIENCE);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.in_use = inner.in_use.saturating_sub(1);
        drop(inner);
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_pool_waits_and_a_place_is_passed_on() {
        let pool = Pool::new(2);
        let first = pool.enter().await;
        let _second = pool.enter().await;
        assert!(pool.enter().now_or_never().is_none());
        assert_eq!(pool.view().left, 0);
        drop(first);
        assert!(pool.enter().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_halves_it_and_time_gives_it_back() {
        let pool = Pool::new(4);
        pool.refused();
        assert_eq!((pool.view().limit, pool.view().left), (4, 2));
        pool.refused();
        pool.refused();
        assert_eq!(pool.view().left, 1);
        let held = pool.enter().await;
        // With the clock paused, waiting moves it on to the next raise.
        let _next = pool.enter().await;
        drop(held);
        tokio::time::advance(PATIENCE * 3).await;
        assert_eq!(pool.view().left, 3);
    }

    #[tokio::test]
    async fn connectors_of_one_account_share_one() {
        let one = Pool::of("1234567", "https://a", 4);
        let other = Pool::of("1234567", "https://a", 2);
        let stranger = Pool::of("7654321", "https://a", 4);
        assert!(Arc::ptr_eq(&one, &other));
        assert!(!Arc::ptr_eq(&one, &stranger));
        assert_eq!(one.view().limit, 2);
    }
}
