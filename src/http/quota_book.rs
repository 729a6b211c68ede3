//! The allowances in use. Vendors count by account and not by connector, so that those who sign in as the same one
//! share one allowance, for as long as any of them uses it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest, Sha256};

use super::allowance::{Allowance, BucketSettings, Claim};
use super::quota::Quota;
use crate::model::ConnectorId;

/// What identifies an account at its vendor. Only a digest is kept, for keys may be part of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccountKey([u8; 32]);

impl AccountKey {
    /// The key of what tells one account from another: host, user, API key.
    #[must_use]
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            // The length before each part, so that no two lists run together to the same text.
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccountKey(…)")
    }
}

/// What may be called: by all who use the account, and by one connector.
#[derive(Clone, Debug, Default)]
pub struct QuotaLimits {
    /// What the vendor grants the account, the bucket it counts first.
    pub account: Vec<BucketSettings>,
    /// What the admin leaves to the connector of it.
    pub connector: Vec<BucketSettings>,
    /// How many calls of the connector at once.
    pub at_once: usize,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Whose {
    Account(AccountKey),
    Connector(AccountKey, ConnectorId),
}

/// The allowances in use, found by who uses them.
#[derive(Debug, Default)]
pub struct QuotaBook {
    known: Mutex<HashMap<Whose, Weak<Allowance>>>,
}

impl QuotaBook {
    /// The quota of a connector that uses an account. What is left of the account's and of the connector's own allowance
    /// goes on where they are in use already; of several caps on one account the lowest configured one holds.
    #[must_use]
    pub fn quota(
        &self,
        account: &AccountKey,
        connector: &ConnectorId,
        limits: &QuotaLimits,
    ) -> Quota {
        let shared = self.allowance(Whose::Account(account.clone()));
        let own = self.allowance(Whose::Connector(account.clone(), connector.clone()));
        Quota::of(
            Claim::on(shared, &limits.account),
            Claim::on(own, &limits.connector),
            limits.at_once,
        )
    }

    fn allowance(&self, whose: Whose) -> Arc<Allowance> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, allowance| allowance.strong_count() > 0);
        if let Some(allowance) = known.get(&whose).and_then(Weak::upgrade) {
            return allowance;
        }
        let allowance = Arc::<Allowance>::default();
        known.insert(whose, Arc::downgrade(&allowance));
        allowance
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::{Cap, QuotaView};
    use crate::model::Priority;

    fn id(text: &str) -> ConnectorId {
        ConnectorId::new(text).unwrap()
    }

    fn limits(calls: u32, cap: Cap) -> QuotaLimits {
        QuotaLimits {
            account: vec![BucketSettings {
                name: "per minute".into(),
                calls,
                period: Duration::from_secs(60),
                cap,
            }],
            connector: Vec::new(),
            at_once: 8,
        }
    }

    fn seen(quota: &Quota) -> (u32, u32) {
        let QuotaView { limit, left, .. } = quota.view()[0].clone();
        (limit, left)
    }

    async fn call(quota: &Quota, times: usize) {
        for _ in 0..times {
            drop(quota.acquire(Priority::Live).await.unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn connectors_of_one_account_share_one_allowance() {
        let book = QuotaBook::default();
        let account = AccountKey::of(["https://a", "user", "key"]);
        let one = book.quota(&account, &id("one"), &limits(10, Cap::Configured));
        let two = book.quota(&account, &id("two"), &limits(10, Cap::Configured));
        call(&one, 7).await;
        assert_eq!(seen(&two), (10, 3));
        let stranger = AccountKey::of(["https://a", "user", "another key"]);
        let other = book.quota(&stranger, &id("one"), &limits(10, Cap::Configured));
        assert_eq!(seen(&other), (10, 10));
        assert!(Arc::ptr_eq(
            &one.gate("Tickets", 3),
            &two.gate("Tickets", 3)
        ));
        let headers =
            http::HeaderMap::from_iter([(http::header::RETRY_AFTER, "30".parse().unwrap())]);
        one.observe(429, &headers);
        assert!(two.ready_in(Priority::Live) > Duration::from_secs(29));
        assert!(other.ready_in(Priority::Live).is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn the_lowest_configured_cap_holds_while_it_is_in_use() {
        let book = QuotaBook::default();
        let account = AccountKey::of(["a"]);
        let guess = book.quota(&account, &id("one"), &limits(5, Cap::Assumed));
        assert_eq!(seen(&guess), (5, 5));
        let high = book.quota(&account, &id("two"), &limits(20, Cap::Configured));
        assert_eq!(seen(&guess), (20, 5), "what is left is no more for it");
        let low = book.quota(&account, &id("three"), &limits(3, Cap::Configured));
        assert_eq!((seen(&guess), seen(&high)), ((3, 3), (3, 3)));
        drop(low);
        assert_eq!(seen(&high), (20, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn settings_that_are_read_anew_fill_nothing() {
        let book = QuotaBook::default();
        let account = AccountKey::of(["a"]);
        let limits = |calls| QuotaLimits {
            connector: BucketSettings::share(Some(calls)),
            ..limits(100, Cap::Assumed)
        };
        let before = book.quota(&account, &id("one"), &limits(50));
        call(&before, 10).await;
        let after = book.quota(&account, &id("one"), &limits(60));
        drop(before);
        let left: Vec<(String, u32)> = after
            .view()
            .into_iter()
            .map(|view| (view.name, view.left))
            .collect();
        let expected = [("per minute", 90), ("connector, per minute", 40)];
        assert_eq!(left, expected.map(|(name, left)| (name.to_owned(), left)));
        // Once nobody uses it, it is forgotten.
        drop(after);
        let anew = book.quota(&account, &id("one"), &limits(60));
        assert_eq!(anew.view()[0].left, 100);
    }

    #[test]
    fn parts_of_an_account_do_not_run_together() {
        assert_ne!(AccountKey::of(["ab", "c"]), AccountKey::of(["a", "bc"]));
        assert_eq!(format!("{:?}", AccountKey::of(["secret"])), "AccountKey(…)");
    }
}
