//! Telling subscribers what happened: signed, logged, tried again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::backend::{Actor, Backend};
use super::company;
use super::render;
use super::work_order::{Status, WorkOrder};
use crate::model::{EventName, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// Whether a webhook receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookStatus {
    Active,
    Inactive,
    Archived,
}

impl HookStatus {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Archived => "archived",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Archived]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// How a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookMethod {
    Post,
    Put,
}

impl HookMethod {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Put => "put",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        [Self::Post, Self::Put]
            .into_iter()
            .find(|method| method.word() == word)
    }
}

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) id: u64,
    pub(super) webhook_id: Uuid,
    pub(super) events: Vec<EventName>,
    pub(super) url: String,
    pub(super) method: HookMethod,
    pub(super) status: HookStatus,
    pub(super) secret: String,
    pub(super) notification_email: Option<String>,
    pub(super) is_integration_only: bool,
    pub(super) headers: Vec<(String, String)>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) history: Vec<Value>,
    health: Health,
}

/// How well a subscriber answers, which decides how often it is tried again and when it is given up.
#[derive(Clone, Copy, Debug, Default)]
struct Health {
    sent: u32,
    succeeded: u32,
    failing_since: Option<Timestamp>,
}

impl Health {
    /// How many retries a delivery gets: seven for a new or a good subscriber, fewer for a bad one.
    fn retries(self) -> u32 {
        let percent = self
            .succeeded
            .saturating_mul(100)
            .checked_div(self.sent)
            .unwrap_or(100);
        match percent {
            _ if self.sent < 100 => 7,
            96.. => 7,
            80.. => 5,
            _ => 3,
        }
    }
}

impl Hook {
    /// A fresh subscription; everything a caller may choose is set afterwards.
    pub(super) fn new(id: u64, now: Timestamp) -> Self {
        Self {
            id,
            webhook_id: Uuid::now_v7(),
            events: Vec::new(),
            url: String::new(),
            method: HookMethod::Post,
            status: HookStatus::Active,
            secret: Uuid::now_v7().to_string(),
            notification_email: None,
            is_integration_only: false,
            headers: Vec::new(),
            created: now,
            updated: now,
            history: Vec::new(),
            health: Health::default(),
        }
    }
}

/// One try to deliver.
#[derive(Clone, Debug)]
pub(super) struct LogEntry {
    pub(super) delivery_id: String,
    pub(super) webhook_id: Uuid,
    pub(super) work_order: u64,
    pub(super) event: EventName,
    /// The subscriber's status; 0 when it gave none.
    pub(super) status: u16,
    pub(super) attempt: u32,
    pub(super) created: Timestamp,
    pub(super) body: Bytes,
}

/// The vendor keeps its delivery log for two weeks; the stand-in keeps this many entries.
const LOG_LENGTH: usize = 5_000;

/// The subscriptions and what was sent to them.
#[derive(Default)]
pub(super) struct Hooks {
    list: Mutex<Vec<Hook>>,
    /// Read on every event, so that nobody listening costs nothing.
    active: AtomicUsize,
    duplicates: AtomicU32,
    log: Mutex<VecDeque<LogEntry>>,
}

impl Hooks {
    /// The subscriptions, for looking and for changing.
    pub(super) fn edit<R>(&self, edit: impl FnOnce(&mut Vec<Hook>) -> R) -> R {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let result = edit(&mut list);
        let active = list.iter().filter(|hook| hook.status == HookStatus::Active);
        self.active.store(active.count(), Ordering::Release);
        result
    }

    pub(super) fn log(&self) -> MutexGuard<'_, VecDeque<LogEntry>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next deliveries arrive twice.
    pub(super) fn duplicate_next(&self, count: u32) {
        self.duplicates.fetch_add(count, Ordering::AcqRel);
    }

    fn takes_a_duplicate(&self) -> bool {
        let less = |count: u32| count.checked_sub(1);
        self.duplicates
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, less)
            .is_ok()
    }

    fn get(&self, id: u64) -> Option<Hook> {
        self.edit(|list| list.iter().find(|hook| hook.id == id).cloned())
    }

    fn subscribers(&self, event: EventName) -> Vec<u64> {
        let wants =
            |hook: &&Hook| hook.status == HookStatus::Active && hook.events.contains(&event);
        self.edit(|list| list.iter().filter(wants).map(|hook| hook.id).collect())
    }

    fn remember(&self, entry: LogEntry) {
        let mut log = self.log();
        if log.len() == LOG_LENGTH {
            log.pop_front();
        }
        log.push_back(entry);
    }
}

/// Something to deliver to one subscriber, however many tries it takes.
#[derive(Clone)]
struct Parcel {
    hook: u64,
    delivery: Uuid,
    trace: Uuid,
    event: EventName,
    work_order: u64,
    body: Bytes,
}

/// The most tries a delivery gets.
const MOST_ATTEMPTS: u32 = 8;
/// A webhook that fails for so long is switched off.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The wait before an attempt: 0, 10, 20, 40, … seconds.
fn wait_before(attempt: u32) -> Duration {
    match attempt {
        0 | 1 => Duration::ZERO,
        later => Duration::from_secs(10 << (later - 2).min(6)),
    }
}

impl Backend {
    /// Sends an event to everyone who asked for it.
    pub(super) fn emit(
        self: &Arc<Self>,
        event: EventName,
        order: &Arc<WorkOrder>,
        previous: Option<Status>,
        actor: Actor,
    ) {
        if self.hooks.active.load(Ordering::Acquire) == 0 || !self.outbox.is_open() {
            return;
        }
        let subscribers = self.hooks.subscribers(event);
        if subscribers.is_empty() {
            return;
        }
        let body = self.compose(event, order, previous, actor);
        let trace = Uuid::now_v7();
        for hook in subscribers {
            let parcel = Parcel {
                hook,
                delivery: Uuid::now_v7(),
                trace,
                event,
                work_order: order.id,
                body: body.clone(),
            };
            if self.hooks.takes_a_duplicate() {
                self.outbox.send(self.clone().deliver(parcel.clone()));
            }
            self.outbox.send(self.clone().deliver(parcel));
        }
    }

    /// The body of the 2026 form: four members, the work order whole.
    fn compose(
        &self,
        event: EventName,
        order: &WorkOrder,
        previous: Option<Status>,
        actor: Actor,
    ) -> Bytes {
        let mut params = json!({"work_order_id": order.id});
        if event.webhook_name().starts_with("workorder.status.") {
            params["status_id"] = json!(order.status.id());
            if let Some(previous) = previous {
                params["previous_status_id"] = json!(previous.id());
            }
        }
        let now = self.now();
        let zone = company::ZONE.clone();
        let body = json!({
            "event": {"name": event.webhook_name(), "params": params},
            "timestamp": now.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            "triggered_by_user": {"id": actor.user},
            "workorder": render::work_order(order, &self.base_url),
        });
        serde_json::to_vec(&body).map_or_else(|_| Bytes::new(), Bytes::from)
    }

    async fn deliver(self: Arc<Self>, parcel: Parcel) {
        for attempt in 1..=MOST_ATTEMPTS {
            self.outbox.wait(wait_before(attempt)).await;
            let Some(hook) = self.hooks.get(parcel.hook) else {
                return;
            };
            if hook.status != HookStatus::Active {
                return;
            }
            let status = self.attempt(&hook, &parcel, attempt).await;
            self.note_health(hook.id, status);
            match status {
                200..=299 => return,
                // A hard failure, or a refusal that trying again can't change.
                404 | 410 => break,
                400..=499 if status != 408 && status != 429 => break,
                _ if attempt > hook.health.retries() => break,
                _ => {}
            }
        }
        let write = Write::new(Deed::Removed, Thing::Delivery, parcel.hook, Doer::System);
        let event = parcel.event.webhook_name();
        self.journal
            .record(write.within(parcel.work_order).called(event));
    }

    /// Sends once and logs it. The subscriber's status, or 0.
    async fn attempt(&self, hook: &Hook, parcel: &Parcel, attempt: u32) -> u16 {
        let delivery_id = format!("{}:{attempt}", parcel.delivery);
        let created = self.now();
        let method = match hook.method {
            HookMethod::Post => reqwest::Method::POST,
            HookMethod::Put => reqwest::Method::PUT,
        };
        let mut request = self.outbox.client().request(method, &hook.url);
        for (name, value) in &hook.headers {
            request = request.header(name, value);
        }
        let request = request
            .header("Content-Type", "application/json")
            .header("X-FN-Signature", signature(&hook.secret, &parcel.body))
            .header("X-FN-Webhook-Id", hook.webhook_id.to_string())
            .header("X-FN-Delivery-Id", &delivery_id)
            .header("X-FN-Event-Trace-Id", parcel.trace.to_string())
            .header(
                "X-FN-Request-Timestamp",
                created.as_millisecond().to_string(),
            )
            .body(parcel.body.clone());
        let status = self.outbox.call(request).await;
        self.hooks.remember(LogEntry {
            delivery_id,
            webhook_id: hook.webhook_id,
            work_order: parcel.work_order,
            event: parcel.event,
            status,
            attempt,
            created,
            body: parcel.body.clone(),
        });
        status
    }

    fn note_health(&self, hook: u64, status: u16) {
        let now = self.now();
        let limit = self.outbox.paced(GIVEN_UP_AFTER);
        self.hooks.edit(|list| {
            let Some(hook) = list.iter_mut().find(|candidate| candidate.id == hook) else {
                return;
            };
            hook.health.sent += 1;
            if (200..300).contains(&status) {
                hook.health.succeeded += 1;
                hook.health.failing_since = None;
                return;
            }
            let since = *hook.health.failing_since.get_or_insert(now);
            let failing = Duration::try_from(now.duration_since(since)).unwrap_or_default();
            if failing >= limit {
                hook.status = HookStatus::Inactive;
            }
        });
    }

    /// Sends a logged delivery again, on request. Whether there is such a delivery.
    pub(super) fn redeliver(self: &Arc<Self>, delivery_id: &str) -> bool {
        let log = self.hooks.log();
        let Some(entry) = log
            .iter()
            .find(|entry| entry.delivery_id == delivery_id)
            .cloned()
        else {
            return false;
        };
        drop(log);
        let id = self.hooks.edit(|list| {
            let same = |hook: &&Hook| hook.webhook_id == entry.webhook_id;
            list.iter().find(same).map(|hook| hook.id)
        });
        let Some(hook) = id else {
            return false;
        };
        let delivery = delivery_id.split(':').next().and_then(|id| id.parse().ok());
        let parcel = Parcel {
            hook,
            delivery: delivery.unwrap_or_else(Uuid::now_v7),
            trace: Uuid::now_v7(),
            event: entry.event,
            work_order: entry.work_order,
            body: entry.body,
        };
        self.outbox.send(self.clone().deliver(parcel));
        true
    }
}

/// `sha256=` and the hex HMAC-SHA256 of the raw body under the webhook's secret.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_published_vector() {
        let secret = "01999f51-5c66-4449-b441-6b4a053fee6a";
        let expected = "sha256=7b3438ce21ca0f92908ac08192dc9670d83da7fcb1a34f8ec51c7d7e7d8719c9";
        assert_eq!(signature(secret, br#"{"test":"data"}"#), expected);
    }

    #[test]
    fn the_waits_double_from_ten_seconds() {
        let waits: Vec<_> = (1..=8)
            .map(|attempt| wait_before(attempt).as_secs())
            .collect();
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 320, 640]);
    }

    #[test]
    fn a_bad_subscriber_gets_fewer_tries_once_it_is_known() {
        let retries = |sent, succeeded| {
            let health = Health {
                sent,
                succeeded,
                failing_since: None,
            };
            health.retries()
        };
        assert_eq!(retries(0, 0), 7);
        assert_eq!(retries(99, 0), 7);
        assert_eq!(retries(100, 96), 7);
        assert_eq!(retries(100, 80), 5);
        assert_eq!(retries(100, 79), 3);
    }
}
