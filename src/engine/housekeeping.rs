//! What runs beside the traffic: lapsed leases, held connectors, missed changes, subscriptions, forgetting.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::connectors::{Active, Connector};
use super::intake::inbound;
use super::shared::Shared;
use super::worker;
use crate::fieldnation::WebhookStatus;
use crate::http::Call;
use crate::model::{Failure, Origin, Priority, Timestamp};
use crate::platform::Standing;
use crate::store::{Acceptance, Watermark};

/// How often lapsed leases are looked for and "we are listening" is written down.
const PULSE: Duration = Duration::from_secs(15);

/// How often subscriptions are checked and old transactions forgotten.
const ROUNDS: Duration = Duration::from_secs(3600);

/// A gap in listening shorter than this is no outage: vendors retry for longer.
const OUTAGE: i64 = 45;

/// Gives lapsed leases back and marks the time, until the engine stops.
pub(super) async fn pulse(shared: Arc<Shared>) {
    while !shared.stopping.is_cancelled() {
        match shared.store.reclaim(shared.now()).await {
            Ok(0) => {}
            Ok(count) => {
                info!(count, "transactions whose lease lapsed are queued again");
                shared.wake();
            }
            Err(refusal) => warn!(%refusal, "lapsed leases can't be looked for"),
        }
        for connector in shared.connectors.all().values() {
            mark_alive(&shared, connector).await;
        }
        // Flows move with time even when nothing happens.
        shared.changed();
        sleep(&shared, PULSE).await;
    }
}

async fn mark_alive(shared: &Shared, connector: &Connector) {
    let now = shared.now();
    let Ok(status) = shared.store.connector_status(&connector.id).await else {
        return;
    };
    let seen_until = status
        .watermark
        .map_or(now, |watermark| watermark.seen_until);
    let watermark = Watermark {
        seen_until,
        alive_at: now,
    };
    if let Err(refusal) = shared.store.set_watermark(&connector.id, watermark).await {
        warn!(connector = %connector.id, %refusal, "the watermark can't be written");
    }
}

/// Probes held connectors until they are well, until the engine stops. Sleeps while none is held.
pub(super) async fn probe_held(shared: Arc<Shared>) {
    let mut changes = shared.changes.subscribe();
    while !shared.stopping.is_cancelled() {
        let now = shared.now();
        let mut next: Option<Timestamp> = None;
        for connector in shared.connectors.all().values() {
            let due = {
                let standing = connector.live.standing();
                let by_failure = standing
                    .hold
                    .as_ref()
                    .is_some_and(|hold| hold.failure.is_some());
                by_failure.then(|| standing.next_probe_at.unwrap_or(now))
            };
            match due {
                Some(at) if at <= now => probe_one(&shared, connector).await,
                Some(at) => next = Some(next.map_or(at, |before| before.min(at))),
                None => {}
            }
        }
        let wait = next.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
        let asleep = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = asleep => {}
            // Changes come by the thousand; whether one of them holds a connector can wait a moment.
            _changed = changes.changed() => sleep(&shared, Duration::from_millis(500)).await,
            () = shared.stopping.cancelled() => {}
        }
    }
}

/// Probes one held connector and resumes it when its credential works again.
pub(super) async fn probe_one(shared: &Arc<Shared>, connector: &Connector) {
    let Some(active) = &connector.active else {
        return;
    };
    match credential_failure(shared, active).await {
        None => resume(shared, connector).await,
        Some(failure) => {
            let mut standing = connector.live.standing();
            standing.probes = standing.probes.saturating_add(1);
            let wait = worker::probe_wait(shared, standing.probes);
            standing.next_probe_at = shared.now().checked_add(wait).ok();
            if let Some(hold) = &mut standing.hold {
                hold.failure = Some(failure);
            }
            drop(standing);
            shared.changed();
        }
    }
}

/// Why the connector can't work: its own credential, or Field Nation's, which all connectors share.
async fn credential_failure(shared: &Shared, active: &Active) -> Option<Failure> {
    let call = Call::new(Priority::Live);
    if let Some(failure) = active.platform.probe(&call).await.credential_failure() {
        return Some(failure.clone());
    }
    let field_nation = shared.field_nation.load_full()?;
    let failure = field_nation.probe(&call).await.err();
    shared.set_field_nation_failure(failure.clone());
    failure
}

async fn resume(shared: &Arc<Shared>, connector: &Connector) {
    match shared.store.resume(&connector.id, shared.now()).await {
        Ok(count) => {
            {
                let mut standing = connector.live.standing();
                standing.hold = None;
                standing.next_probe_at = None;
            }
            info!(connector = %connector.id, released = count, "the connector works again and is resumed");
            shared.wake();
        }
        Err(refusal) => {
            warn!(connector = %connector.id, %refusal, "the connector can't be resumed");
        }
    }
}

/// After an outage: lists what changed meanwhile and queues it, connector by connector.
pub(super) async fn catch_up(shared: Arc<Shared>) {
    for connector in shared.connectors.all().values() {
        let Some(active) = connector
            .active
            .clone()
            .filter(|active| active.config.enabled)
        else {
            continue;
        };
        let Ok(status) = shared.store.connector_status(&connector.id).await else {
            continue;
        };
        let now = shared.now();
        let Some(watermark) = status.watermark else {
            continue;
        };
        let was_away = now.as_second() - watermark.alive_at.as_second() >= OUTAGE;
        if was_away && active.config.features.catch_up && active.able.changed_since {
            // What came in the seconds before the end may be half kept: begin a little earlier.
            let since = watermark
                .alive_at
                .checked_sub(Duration::from_secs(60))
                .unwrap_or(watermark.alive_at);
            catch_up_one(&shared, connector, &active, since).await;
        }
    }
}

/// Queues what a connector's platform says has changed since a moment.
pub(super) async fn catch_up_one(
    shared: &Arc<Shared>,
    connector: &Connector,
    active: &Active,
    since: Timestamp,
) {
    let most = active.config.limits.catch_up_records;
    let (mut page, mut queued) = (None, 0_usize);
    loop {
        let call = Call::new(Priority::Background);
        let changed = match active.platform.changed_since(&call, since, page).await {
            Ok(changed) => changed,
            Err(failure) => {
                return warn!(connector = %connector.id, cause = %failure.cause, "changes missed during the outage can't be listed");
            }
        };
        let room = most.saturating_sub(queued);
        let transactions: Vec<_> = changed
            .records
            .into_iter()
            .take(room)
            .map(|(record, _)| inbound(connector, record, Origin::CatchUp))
            .collect();
        queued += transactions.len();
        let acceptance = Acceptance {
            at: shared.now(),
            delivery: None,
            transactions,
            body: bytes::Bytes::new(),
        };
        if let Err(refusal) = shared.store.accept(acceptance).await {
            return warn!(connector = %connector.id, %refusal, "missed changes can't be queued");
        }
        shared.wake();
        page = changed.next;
        if page.is_none() || queued >= most {
            break;
        }
    }
    info!(connector = %connector.id, queued, %since, "looked for changes missed during an outage");
}

/// Checks subscriptions and forgets what is over, hour by hour, until the engine stops.
pub(super) async fn rounds(shared: Arc<Shared>) {
    while !shared.stopping.is_cancelled() {
        for connector in shared.connectors.all().values() {
            watch_subscriptions(&shared, connector).await;
        }
        watch_webhooks(&shared).await;
        forget(&shared).await;
        sleep(&shared, ROUNDS).await;
    }
}

/// Vendors switch a subscription off after failures; switch ours on again. One that was never made is the admin's to make.
async fn watch_subscriptions(shared: &Arc<Shared>, connector: &Arc<Connector>) {
    let Some(active) = connector
        .active
        .clone()
        .filter(|active| active.config.enabled)
    else {
        return;
    };
    if !active.able.subscriptions || connector.live.is_held() {
        return;
    }
    let Some(url) = shared.trigger_url(connector) else {
        return;
    };
    let call = Call::new(Priority::Background);
    let found = match active.platform.subscriptions(&call, &url).await {
        Ok(found) => found,
        Err(failure) => {
            return warn!(connector = %connector.id, cause = %failure.cause, "subscriptions can't be checked");
        }
    };
    if !found
        .iter()
        .any(|subscription| subscription.standing == Standing::Disabled)
    {
        return;
    }
    match active.platform.subscribe(&call, &url).await {
        Ok(subscription) => {
            info!(connector = %connector.id, id = %subscription.id, "the vendor had switched the subscription off; it is on again");
            if let Ok(status) = shared.store.connector_status(&connector.id).await
                && let Some(watermark) = status.watermark
            {
                catch_up_one(shared, connector, &active, watermark.seen_until).await;
            }
        }
        Err(failure) => {
            warn!(connector = %connector.id, cause = %failure.cause, "the subscription is off and can't be switched on");
        }
    }
}

async fn watch_webhooks(shared: &Shared) {
    let Some(field_nation) = shared.field_nation.load_full() else {
        return;
    };
    let call = Call::new(Priority::Background);
    let url = shared.events_url();
    let Ok(webhooks) = field_nation.webhooks(&call).await else {
        return;
    };
    let ours = webhooks.iter().find(|webhook| webhook.url == url);
    if ours.is_some_and(|webhook| webhook.status == WebhookStatus::Inactive) {
        let secret = field_nation.webhook_secret().cloned();
        match field_nation
            .register_webhook(&call, &url, secret.as_ref())
            .await
        {
            Ok(_) => info!("Field Nation had switched our webhook off; it is on again"),
            Err(failure) => {
                warn!(cause = %failure.cause, "our webhook at Field Nation is off and can't be switched on");
            }
        }
    }
}

async fn forget(shared: &Shared) {
    let days = i64::from(shared.settings.engine.keep_days.max(1));
    let Ok(before) = shared
        .now()
        .checked_sub(jiff::SignedDuration::from_hours(24 * days))
    else {
        return;
    };
    let mut forgotten = 0;
    loop {
        match shared.store.forget_before(before).await {
            Ok(0) => break,
            Ok(count) => forgotten += count,
            Err(refusal) => {
                warn!(%refusal, "old transactions can't be forgotten");
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    if forgotten > 0 {
        info!(
            forgotten,
            days, "transactions that are over and old were forgotten"
        );
        shared.changed();
    }
}

async fn sleep(shared: &Shared, time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = shared.stopping.cancelled() => {}
    }
}

impl Shared {
    /// The address that triggers a connector, once it has a token.
    pub(crate) fn trigger_url(&self, connector: &Connector) -> Option<String> {
        let token = connector.live.standing().token?;
        Some(format!(
            "{}/v1/broker/inbound?client_token={}",
            self.public_url,
            self.token_key.sign(token)
        ))
    }

    /// The address for Field Nation's webhook.
    pub(crate) fn events_url(&self) -> String {
        format!("{}/v1/fieldnation/events", self.public_url)
    }
}
