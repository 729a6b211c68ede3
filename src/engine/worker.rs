//! Runs one claimed transaction to the end of its attempt, and says how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use tracing::{error, info, warn};

use super::attempt::{Attempt, End, Stepped};
use super::connectors::Connector;
use super::shared::Shared;
use super::{inbound, outbound, retry};
use crate::model::{Category, Direction, Effect, Failure, Step, Timestamp, Transaction};
use crate::store::{Hold, LeaseToken, Outcome, StepRecord};

/// Runs a transaction that was claimed for this connector, whose count of work in flight already includes it.
pub(super) async fn run(shared: Arc<Shared>, connector: Arc<Connector>, transaction: Transaction) {
    let id = transaction.id;
    let token = LeaseToken {
        transaction: id,
        owner: shared.owner,
        attempt: transaction.attempts,
    };
    let work = AssertUnwindSafe(attempt(&shared, &connector, transaction)).catch_unwind();
    if work.await.is_err() {
        error!(transaction = %id, connector = %connector.id, "a worker panicked; the transaction goes to the dead letter queue");
        let failure = Failure::new(
            Category::Configuration,
            "the engine failed on this transaction: an error in the program",
        )
        .hint("Please report it with this transaction's export. Retry after an upgrade.");
        let outcome = Outcome::Dead(Step::Deliver, failure);
        if let Err(refusal) = shared
            .store
            .conclude(&token, outcome, StepRecord::default())
            .await
        {
            warn!(transaction = %id, %refusal, "the end of an attempt could not be written");
        }
    }
    connector.live.in_flight.fetch_sub(1, Ordering::AcqRel);
    shared.wake();
}

async fn attempt(shared: &Arc<Shared>, connector: &Arc<Connector>, transaction: Transaction) {
    let token = LeaseToken {
        transaction: transaction.id,
        owner: shared.owner,
        attempt: transaction.attempts,
    };
    let (Some(active), Some(field_nation)) =
        (connector.active.clone(), shared.field_nation.load_full())
    else {
        // Its files vanished between claim and start.
        let later = shared
            .now()
            .checked_add(Duration::from_secs(30))
            .unwrap_or(Timestamp::MAX);
        let _ = shared
            .store
            .conclude(
                &token,
                Outcome::Postponed(later, None),
                StepRecord::default(),
            )
            .await;
        return;
    };
    let mut attempt = Attempt::new(
        shared.clone(),
        connector.clone(),
        active,
        field_nation,
        transaction,
    );
    let ended = {
        let lease = Duration::from_secs(shared.settings.engine.lease_seconds.max(10));
        let heart = beat(shared.clone(), token, lease);
        tokio::select! {
            biased;
            ended = carry_out(&mut attempt) => ended,
            never = heart => match never {},
        }
    };
    conclude(&mut attempt, ended).await;
}

/// Renews the lease for as long as the attempt runs.
async fn beat(shared: Arc<Shared>, token: LeaseToken, lease: Duration) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(lease / 3).await;
        let until = shared.now().checked_add(lease).unwrap_or(Timestamp::MAX);
        if let Err(refusal) = shared.store.renew(&token, until).await {
            warn!(transaction = %token.transaction, %refusal, "a lease could not be renewed");
        }
    }
}

async fn carry_out(attempt: &mut Attempt) -> Stepped<()> {
    match attempt.transaction.direction {
        Direction::Inbound => inbound::run(attempt).await,
        Direction::Outbound => outbound::run(attempt).await,
    }
}

async fn conclude(attempt: &mut Attempt, ended: Stepped<()>) {
    let shared = attempt.shared.clone();
    let now = shared.now();
    let outcome = match ended {
        Ok(()) => {
            attempt.connector.live.breaker().succeeded();
            attempt
                .connector
                .live
                .delivered(attempt.transaction.direction, now);
            Outcome::Done
        }
        Err(End::Skipped(reason)) => {
            attempt.connector.live.breaker().succeeded();
            Outcome::Skipped(reason)
        }
        Err(End::Failed(step, failure)) => failed(attempt, step, failure, now).await,
        Err(End::Store(refusal)) => {
            attempt.connector.live.breaker().undecided(now);
            warn!(transaction = %attempt.transaction.id, %refusal, "an attempt could not be journaled; it is resumed when its lease lapses");
            return;
        }
    };
    let last = attempt.take_pending();
    if let Err(refusal) = shared.store.conclude(attempt.token(), outcome, last).await {
        warn!(transaction = %attempt.transaction.id, %refusal, "the end of an attempt could not be written");
    }
}

/// Decides what a failure means: wait, pause the connector, or the dead letter queue.
async fn failed(attempt: &Attempt, step: Step, failure: Failure, now: Timestamp) -> Outcome {
    let shared = &attempt.shared;
    let transaction = &attempt.transaction;
    let live = &attempt.connector.live;
    info!(
        transaction = %transaction.id, connector = %transaction.connector, step = step.word(),
        category = failure.category.word(), cause = %failure.cause, "an attempt failed"
    );
    match failure.category {
        Category::Network | Category::Server => live.breaker().failed(now),
        Category::RateLimited | Category::Authentication => live.breaker().undecided(now),
        // It was reached and it answered: whatever is wrong, the platform is not down.
        _ => live.breaker().succeeded(),
    }
    if failure.effect == Effect::Unsent {
        let wait = failure.retry_after.unwrap_or(Duration::from_secs(30));
        return Outcome::Postponed(later(now, wait), Some(failure));
    }
    if failure.category == Category::Authentication {
        pause(attempt, &failure, now).await;
        return Outcome::Held(Some((step, failure)));
    }
    let most = attempt.active.config.limits.max_attempts.max(1);
    if failure.category.is_passing() && transaction.attempts < most {
        let wait = retry::wait_after(
            transaction.attempts,
            failure.retry_after,
            &shared.settings.engine.retry_waits,
            shared.random.as_ref(),
        );
        return Outcome::RetryAt(later(now, wait), step, failure);
    }
    shared
        .notifier
        .died(&attempt.active.config, transaction, step, &failure);
    Outcome::Dead(step, failure)
}

async fn pause(attempt: &Attempt, failure: &Failure, now: Timestamp) {
    let shared = &attempt.shared;
    let hold = Hold {
        since: now,
        failure: Some(failure.clone()),
        by: None,
    };
    {
        let mut standing = attempt.connector.live.standing();
        if standing.hold.is_some() {
            return;
        }
        standing.hold = Some(hold.clone());
        standing.probes = 0;
        standing.next_probe_at = Some(later(now, probe_wait(shared, 0)));
    }
    shared.notifier.paused(&attempt.active.config, failure);
    warn!(connector = %attempt.connector.id, cause = %failure.cause, "the connector is paused: its credentials are refused");
    if let Err(refusal) = shared.store.pause(&attempt.connector.id, hold).await {
        warn!(connector = %attempt.connector.id, %refusal, "the pause could not be written");
    }
}

/// The wait before a held connector's next probe, so many having been made.
pub(super) fn probe_wait(shared: &Shared, made: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(300);
    let first = Duration::from_secs(shared.settings.engine.probe_seconds.max(1));
    first
        .saturating_mul(2_u32.saturating_pow(made.min(16)))
        .min(LONGEST)
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
