//! Claims what is due and hands it to workers: lane by lane (the store sees to that), connectors in turn.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::breaker::Leave;
use super::connectors::Connector;
use super::shared::Shared;
use super::worker;
use crate::model::{ConnectorId, Priority, Timestamp};
use crate::store::ClaimRequest;

/// How long to wait after the store refused a claim.
const AFTER_REFUSAL: Duration = Duration::from_secs(1);

/// Runs until the engine is stopping. Workers under way are left to the tracker.
pub(super) async fn run(shared: Arc<Shared>, workers: TaskTracker) {
    let mut turn = 0_usize;
    while !shared.stopping.is_cancelled() {
        let round = Round::new(&shared, workers.len(), turn);
        turn = turn.wrapping_add(1);
        let claimed = claim(&shared, &round, &workers).await;
        let wake_at = match claimed {
            Ok(0) => round.next_moment(&shared).await,
            // Whatever could be had is under way; there may be more at once.
            Ok(_) => continue,
            Err(()) => Some(Instant::now() + AFTER_REFUSAL),
        };
        let slept = async {
            match wake_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.work.notified() => {}
            () = slept => {}
            () = shared.stopping.cancelled() => {}
        }
    }
}

/// Who may work now, and how much.
struct Round {
    wanted: Vec<(Arc<Connector>, usize)>,
    waiting: Vec<ConnectorId>,
    free: usize,
    not_before: Option<Duration>,
}

impl Round {
    fn new(shared: &Shared, busy: usize, turn: usize) -> Self {
        let now = shared.now();
        let all = shared.connectors.all();
        let mut round = Self {
            wanted: Vec::with_capacity(all.len()),
            waiting: Vec::with_capacity(all.len()),
            free: shared.settings.engine.workers.max(1).saturating_sub(busy),
            not_before: None,
        };
        if shared.field_nation.load().is_none() {
            return round;
        }
        for connector in all.values() {
            round.consider(connector, now);
        }
        if !round.wanted.is_empty() {
            let first = turn % round.wanted.len();
            round.wanted.rotate_left(first);
        }
        round
    }

    fn consider(&mut self, connector: &Arc<Connector>, now: Timestamp) {
        let Some(active) = &connector.active else {
            return;
        };
        if !connector.is_on() || connector.live.is_held() {
            return;
        }
        let quota = active.platform.ready_in(Priority::Live);
        if !quota.is_zero() {
            return self.postpone(quota);
        }
        let most = match connector.live.breaker().leave(now) {
            Leave::All => connector.free(),
            Leave::Probe => 1,
            Leave::WhenProbed => 0,
            Leave::NotBefore(until) => {
                let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                return self.postpone(wait);
            }
        };
        self.waiting.push(connector.id.clone());
        if most > 0 {
            self.wanted.push((connector.clone(), most));
        }
    }

    fn postpone(&mut self, wait: Duration) {
        self.not_before = Some(self.not_before.map_or(wait, |before| before.min(wait)));
    }

    /// When to look again though nothing wakes us: something falls due, a breaker or a quota opens.
    async fn next_moment(&self, shared: &Shared) -> Option<Instant> {
        let now = shared.now();
        let due = if self.waiting.is_empty() {
            None
        } else {
            shared
                .store
                .next_due(&self.waiting, now)
                .await
                .ok()
                .flatten()
        };
        let due = due.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
        let wait = match (due, self.not_before) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        wait.map(|wait| Instant::now() + wait.max(Duration::from_millis(1)))
    }
}

async fn claim(shared: &Arc<Shared>, round: &Round, workers: &TaskTracker) -> Result<usize, ()> {
    if round.wanted.is_empty() || round.free == 0 {
        return Ok(0);
    }
    let request = ClaimRequest {
        owner: shared.owner,
        now: shared.now(),
        lease: Duration::from_secs(shared.settings.engine.lease_seconds.max(10)),
        wanted: round
            .wanted
            .iter()
            .map(|(connector, most)| (connector.id.clone(), *most))
            .collect(),
        at_most: round.free,
    };
    let claimed = shared.store.claim(request).await.map_err(|refusal| {
        warn!(%refusal, "no work can be claimed");
    })?;
    let count = claimed.len();
    for transaction in claimed {
        let Some((connector, _)) = round
            .wanted
            .iter()
            .find(|(connector, _)| connector.id == transaction.connector)
        else {
            continue;
        };
        connector.live.in_flight.fetch_add(1, Ordering::AcqRel);
        connector.live.breaker().probing();
        workers.spawn(worker::run(shared.clone(), connector.clone(), transaction));
    }
    if count > 0 {
        shared.changed();
    }
    Ok(count)
}
