//! Claims, steps, ends and leases.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldbridge::model::{
    Delivered, Intent, JournalEntry, MappingVersion, OwnerId, PayloadKind, Priority, Progress,
    SkipReason, State, Step, StepOutcome, Target, TransactionId, WorkOrderId,
};
use fieldbridge::store::{
    ClaimRequest, LeaseToken, NewTransaction, Outcome, StepRecord, StoreError,
};

use crate::store::{World, connector, failure, ids, retry_at, token};

fn far_progress(world: &World) -> Progress {
    Progress {
        fetched: true,
        mapped: Some(MappingVersion::new("v1")),
        intent: Some(Intent {
            at: world.now(),
            marker: "fb-alpha-1".to_owned(),
        }),
        delivered: Some(Delivered {
            target: Target::WorkOrder(WorkOrderId(10)),
            created: true,
        }),
        linked: true,
        carried: vec!["note:1".to_owned()],
    }
}

fn entry(world: &World, step: Step) -> JournalEntry {
    JournalEntry {
        at: world.now(),
        attempt: 1,
        step,
        outcome: StepOutcome::Done,
        detail: String::new(),
        elapsed_us: 5,
        exchanges: Vec::new(),
    }
}

pub async fn a_claim_leases_and_begins_an_attempt(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    assert_eq!(
        (claimed.id, claimed.state, claimed.attempts),
        (id, State::Processing, 1)
    );
    let lease = claimed.lease.clone().unwrap();
    assert_eq!(lease.expires_at, world.later(60));
    assert_eq!(world.get(id).await, claimed);
    assert!(world.claim(&["alpha"]).await.is_empty());
}

pub async fn older_goes_before_younger(world: World) {
    let mut accepted = Vec::new();
    for record in ["3", "1", "2"] {
        accepted.push(world.accept(world.inbound("alpha", record)).await);
        world.wait(1);
    }
    assert_eq!(
        ids(&world.claim_at_most(&["alpha"], 2, 10).await),
        accepted[..2]
    );
    assert_eq!(ids(&world.claim(&["alpha"]).await), accepted[2..]);
}

pub async fn live_goes_before_background_of_all_connectors(world: World) {
    let background = |new| NewTransaction {
        priority: Priority::Background,
        ..new
    };
    let slow = world.accept(background(world.inbound("alpha", "1"))).await;
    let live_alpha = world.accept(world.inbound("alpha", "2")).await;
    let live_beta = world.accept(world.inbound("beta", "1")).await;
    assert_eq!(
        ids(&world.claim_at_most(&["alpha", "beta"], 5, 2).await),
        vec![live_alpha, live_beta]
    );
    assert_eq!(ids(&world.claim(&["alpha", "beta"]).await), vec![slow]);
}

pub async fn connectors_take_turns(world: World) {
    for record in 0..5 {
        world
            .accept(world.inbound("alpha", &record.to_string()))
            .await;
    }
    let beta = world.accept(world.inbound("beta", "1")).await;
    let claimed = world.claim_at_most(&["alpha", "beta"], 4, 3).await;
    assert_eq!(claimed.len(), 3);
    assert!(
        ids(&claimed).contains(&beta),
        "beta must not wait until alpha has had its fill"
    );
    // No more of a connector than asked for, and none of one that was not named.
    assert_eq!(world.claim_at_most(&["alpha"], 1, 10).await.len(), 1);
    assert!(world.claim(&["gamma"]).await.is_empty());
}

pub async fn nothing_is_claimed_before_it_is_due(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    world.conclude(&claimed, retry_at(world.later(30))).await;
    assert_eq!(world.state(id).await, State::Retrying);
    world.wait(29);
    assert!(world.claim(&["alpha"]).await.is_empty());
    world.wait(1);
    let again = world.claim_one("alpha").await;
    assert_eq!((again.id, again.attempts, again.due_at), (id, 2, None));
    world
        .conclude(&again, Outcome::Postponed(world.later(10), None))
        .await;
    assert_eq!(world.state(id).await, State::Queued);
    assert!(world.claim(&["alpha"]).await.is_empty());
    world.wait(10);
    assert_eq!(world.claim_one("alpha").await.id, id);
}

pub async fn a_retry_that_fell_due_is_not_starved_by_newer_ones(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    world.conclude(&claimed, retry_at(world.later(30))).await;
    world.wait(20);
    let before = world.accept(world.inbound("alpha", "2")).await;
    world.wait(20);
    let after = world.accept(world.inbound("alpha", "3")).await;
    assert_eq!(ids(&world.claim(&["alpha"]).await), vec![before, id, after]);
}

pub async fn steps_leave_journal_payloads_and_progress(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    let fetched = StepRecord {
        entries: vec![entry(&world, Step::Fetch)],
        payloads: vec![(PayloadKind::Source, Bytes::from_static(b"one"))],
        progress: Some(Progress {
            fetched: true,
            ..Progress::default()
        }),
        work_order: Some(WorkOrderId(10)),
        label: Some("A title".to_owned()),
        ..StepRecord::default()
    };
    world.store.record(&token(&claimed), fetched).await.unwrap();
    let two = vec![entry(&world, Step::Map), entry(&world, Step::Validate)];
    let mapped = StepRecord {
        entries: two,
        payloads: vec![(PayloadKind::Source, Bytes::from_static(b"two"))],
        ..StepRecord::default()
    };
    world.store.record(&token(&claimed), mapped).await.unwrap();
    let last = StepRecord {
        entries: vec![entry(&world, Step::Deliver)],
        ..StepRecord::default()
    };
    world
        .store
        .conclude(&token(&claimed), Outcome::Done, last)
        .await
        .unwrap();

    let row = world.get(id).await;
    assert_eq!(
        (row.state, row.work_order),
        (State::Done, Some(WorkOrderId(10)))
    );
    assert_eq!(row.label.as_deref(), Some("A title"));
    assert!(row.progress.fetched && row.lease.is_none());
    let steps: Vec<_> = world
        .store
        .journal(id)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.step)
        .collect();
    assert_eq!(
        steps,
        [Step::Fetch, Step::Map, Step::Validate, Step::Deliver]
    );
    let source = world.store.payload(id, PayloadKind::Source).await.unwrap();
    assert_eq!(
        source.as_deref(),
        Some(b"two".as_slice()),
        "the latest of a kind is kept"
    );
}

pub async fn a_retry_fetches_afresh_but_forgets_no_delivery(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    let far = far_progress(&world);
    let step = StepRecord {
        progress: Some(far.clone()),
        ..StepRecord::default()
    };
    world
        .store
        .conclude(&token(&claimed), retry_at(world.later(1)), step)
        .await
        .unwrap();
    let row = world.get(id).await;
    assert_eq!(
        row.progress,
        Progress {
            fetched: false,
            mapped: None,
            ..far
        }
    );
    assert_eq!(row.failure.map(|(step, _)| step), Some(Step::Deliver));
}

pub async fn what_a_crash_interrupts_keeps_its_progress(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    let far = far_progress(&world);
    let step = StepRecord {
        progress: Some(far.clone()),
        ..StepRecord::default()
    };
    world.store.record(&token(&claimed), step).await.unwrap();
    world.wait(61);
    assert_eq!(world.store.reclaim(world.now()).await.unwrap(), 1);
    let again = world.claim_one("alpha").await;
    assert_eq!((again.id, again.progress, again.attempts), (id, far, 2));
}

pub async fn postponing_gives_the_attempt_back(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    let progress = Progress {
        fetched: true,
        ..Progress::default()
    };
    let step = StepRecord {
        progress: Some(progress.clone()),
        ..StepRecord::default()
    };
    let outcome = Outcome::Postponed(world.later(5), Some(failure("the quota is used up")));
    world
        .store
        .conclude(&token(&claimed), outcome, step)
        .await
        .unwrap();
    let row = world.get(id).await;
    assert_eq!(
        (row.state, row.attempts, row.due_at),
        (State::Queued, 0, Some(world.later(5)))
    );
    assert_eq!(row.progress, progress);
    assert_eq!(
        row.failure.map(|(_, failure)| failure.cause).as_deref(),
        Some("the quota is used up")
    );
}

pub async fn ends_leave_what_they_should(world: World) {
    let ends = [
        (Outcome::Done, State::Done),
        (Outcome::Skipped(SkipReason::Unchanged), State::Skipped),
        (
            Outcome::Dead(Step::Map, failure("no such site")),
            State::Dead,
        ),
    ];
    for (place, (outcome, state)) in ends.into_iter().enumerate() {
        let id = world
            .accept(world.inbound("alpha", &place.to_string()))
            .await;
        let failed = world.claim_one("alpha").await;
        world.conclude(&failed, retry_at(world.now())).await;
        let claimed = world.claim_one("alpha").await;
        assert!(
            claimed.failure.is_some(),
            "the last failure stays visible while it is tried again"
        );
        world.conclude(&claimed, outcome).await;
        let row = world.get(id).await;
        assert_eq!((row.state, row.lease, row.due_at), (state, None, None));
        assert_eq!(row.failure.is_some(), state == State::Dead);
        assert_eq!(row.skipped.is_some(), state == State::Skipped);
    }
}

pub async fn only_the_holder_of_the_lease_may_write(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    let good = token(&claimed);
    let others = [
        LeaseToken {
            owner: OwnerId::from_u128(99),
            ..good.clone()
        },
        LeaseToken {
            attempt: 2,
            ..good.clone()
        },
    ];
    for bad in others {
        let step = StepRecord {
            entries: vec![entry(&world, Step::Fetch)],
            ..StepRecord::default()
        };
        let lost = [
            world.store.record(&bad, step).await.unwrap_err(),
            world
                .store
                .conclude(&bad, Outcome::Done, StepRecord::default())
                .await
                .unwrap_err(),
            world.store.renew(&bad, world.later(600)).await.unwrap_err(),
        ];
        for error in lost {
            assert!(
                matches!(error, StoreError::LeaseLost(lost) if lost == id),
                "{error}"
            );
        }
    }
    assert_eq!(world.get(id).await, claimed);
    assert!(world.store.journal(id).await.unwrap().is_empty());
    // The lease of an attempt is worth nothing in the next.
    world.wait(61);
    world.store.reclaim(world.now()).await.unwrap();
    let error = world
        .store
        .renew(&good, world.later(600))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost(_)), "{error}");
    world.claim_one("alpha").await;
    let error = world
        .store
        .conclude(&good, Outcome::Done, StepRecord::default())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost(_)), "{error}");
    let unknown = LeaseToken {
        transaction: TransactionId::from_u128(1),
        ..good
    };
    let error = world.store.renew(&unknown, world.now()).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
}

pub async fn renewing_keeps_a_lease(world: World) {
    world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    world.wait(50);
    world
        .store
        .renew(&token(&claimed), world.later(60))
        .await
        .unwrap();
    world.wait(50);
    assert_eq!(world.store.reclaim(world.now()).await.unwrap(), 0);
    world.wait(10);
    assert_eq!(world.store.reclaim(world.now()).await.unwrap(), 1);
}

pub async fn reclaiming_gives_back_only_what_lapsed(world: World) {
    let old = world.accept(world.inbound("alpha", "1")).await;
    world.claim_one("alpha").await;
    world.wait(30);
    let young = world.accept(world.inbound("alpha", "2")).await;
    world.claim_one("alpha").await;
    world.wait(30);
    assert_eq!(world.store.reclaim(world.now()).await.unwrap(), 1);
    assert_eq!(
        (world.state(old).await, world.state(young).await),
        (State::Queued, State::Processing)
    );
    assert_eq!(world.get(old).await.lease, None);
}

pub async fn many_callers_at_once_claim_each_transaction_once(world: World) {
    let world = Arc::new(world);
    let mut accepting = tokio::task::JoinSet::new();
    for record in 0..60 {
        let world = Arc::clone(&world);
        let name = if record % 2 == 0 { "alpha" } else { "beta" };
        accepting
            .spawn(async move { world.accept(world.inbound(name, &record.to_string())).await });
    }
    let accepted: BTreeSet<_> = accepting.join_all().await.into_iter().collect();
    assert_eq!(accepted.len(), 60);
    let mut claiming = tokio::task::JoinSet::new();
    for owner in 0..10 {
        let world = Arc::clone(&world);
        let request = ClaimRequest {
            owner: OwnerId::from_u128(owner),
            now: world.now(),
            lease: Duration::from_secs(60),
            wanted: vec![(connector("alpha"), 3), (connector("beta"), 3)],
            at_most: 6,
        };
        claiming.spawn(async move { world.store.claim(request).await.unwrap() });
    }
    let claimed: Vec<_> = claiming.join_all().await.into_iter().flatten().collect();
    let different: BTreeSet<_> = ids(&claimed).into_iter().collect();
    assert_eq!((claimed.len(), different), (60, accepted));
}
