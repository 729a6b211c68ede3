//! Lanes: one of a record at a time, in order.

use fieldbridge::model::{RecordId, SkipReason, State, Step};
use fieldbridge::store::{NewTransaction, Outcome, PersonMove, StepRecord};

use crate::store::{World, failure, ids, retry_at, token};

/// Three events of one work order, and one of another.
async fn queue(world: &World) -> [fieldbridge::model::TransactionId; 4] {
    let mut accepted = Vec::new();
    for work_order in [10, 10, 10, 20] {
        accepted.push(world.accept(world.outbound("alpha", work_order)).await);
        world.wait(1);
    }
    accepted.try_into().unwrap()
}

pub async fn one_of_a_lane_at_a_time_in_order(world: World) {
    let [one, two, three, other] = queue(&world).await;
    assert_eq!(ids(&world.claim(&["alpha"]).await), vec![one, other]);
    for (current, next) in [(one, two), (two, three)] {
        let running = world.get(current).await;
        assert!(world.claim(&["alpha"]).await.is_empty());
        world.conclude(&running, Outcome::Done).await;
        assert_eq!(world.claim_one("alpha").await.id, next);
    }
}

pub async fn a_failing_head_holds_back_only_its_own_lane(world: World) {
    let [one, two, _, other] = queue(&world).await;
    let claimed = world.claim(&["alpha"]).await;
    world
        .conclude(&claimed[0], retry_at(world.later(100)))
        .await;
    world.conclude(&claimed[1], Outcome::Done).await;
    assert!(
        world.claim(&["alpha"]).await.is_empty(),
        "the retrying one keeps its place"
    );
    let beside = world.accept(world.outbound("alpha", 20)).await;
    assert_eq!(ids(&world.claim(&["alpha"]).await), vec![beside]);
    world.wait(100);
    let again = world.claim_one("alpha").await;
    assert_eq!(again.id, one);
    world.conclude(&again, Outcome::Done).await;
    assert_eq!(world.claim_one("alpha").await.id, two);
    assert_eq!(world.state(other).await, State::Done);
}

pub async fn every_end_sets_the_next_free(world: World) {
    let ends = [
        Outcome::Done,
        Outcome::Skipped(SkipReason::Echo),
        Outcome::Dead(Step::Deliver, failure("refused")),
    ];
    for (work_order, end) in (1..).zip(ends) {
        let one = world.accept(world.outbound("alpha", work_order)).await;
        let two = world.accept(world.outbound("alpha", work_order)).await;
        let claimed = world.claim_one("alpha").await;
        assert_eq!(claimed.id, one);
        world.conclude(&claimed, end).await;
        let next = world.claim_one("alpha").await;
        assert_eq!(next.id, two);
        world.conclude(&next, Outcome::Done).await;
    }
}

pub async fn what_is_discarded_while_waiting_sets_the_next_free(world: World) {
    let [one, two, three, _] = queue(&world).await;
    let discard = || PersonMove::Discard {
        reason: "not needed".to_owned(),
    };
    world.command(two, discard()).await.unwrap();
    world.command(one, discard()).await.unwrap();
    assert!(ids(&world.claim(&["alpha"]).await).contains(&three));
}

pub async fn an_older_one_that_arrives_late_does_not_run_beside_the_one_in_flight(world: World) {
    // Ids are made before acceptance, so they may be accepted out of order.
    let early = world.outbound("alpha", 10);
    let late = world.accept(world.outbound("alpha", 10)).await;
    let running = world.claim_one("alpha").await;
    assert_eq!(running.id, late);
    let early = world.accept(early).await;
    let last = world.accept(world.outbound("alpha", 10)).await;
    assert!(world.claim(&["alpha"]).await.is_empty());
    world.conclude(&running, Outcome::Done).await;
    let next = world.claim_one("alpha").await;
    assert_eq!(next.id, early);
    world.conclude(&next, Outcome::Done).await;
    assert_eq!(world.claim_one("alpha").await.id, last);
    // And the same while the younger one only waits.
    let early = NewTransaction {
        ..world.outbound("alpha", 30)
    };
    world.accept(world.outbound("alpha", 30)).await;
    let early = world.accept(early).await;
    assert_eq!(world.claim_one("alpha").await.id, early);
}

pub async fn what_is_retried_takes_its_old_place(world: World) {
    let dead = world.dead("alpha", "1", "refused").await;
    let younger = world.accept(world.inbound("alpha", "1")).await;
    world.command(dead, PersonMove::Retry).await.unwrap();
    let first = world.claim_one("alpha").await;
    assert_eq!(first.id, dead);
    world.conclude(&first, Outcome::Done).await;
    assert_eq!(world.claim_one("alpha").await.id, younger);
}

pub async fn a_record_that_becomes_known_changes_the_lane(world: World) {
    let event = world.accept(world.outbound("alpha", 10)).await;
    let running = world.claim_one("alpha").await;
    assert_eq!(running.id, event);
    let trigger = world.accept(world.inbound("alpha", "1")).await;
    let known = StepRecord {
        record: Some(RecordId::new("1")),
        ..StepRecord::default()
    };
    world.store.record(&token(&running), known).await.unwrap();
    assert!(
        world.claim(&["alpha"]).await.is_empty(),
        "the record's lane is busy now"
    );
    let next = world.accept(world.outbound("alpha", 10)).await;
    assert_eq!(
        world.claim_one("alpha").await.id,
        next,
        "not linked, so not the same lane"
    );
    world.conclude(&world.get(event).await, Outcome::Done).await;
    assert_eq!(world.claim_one("alpha").await.id, trigger);
}

pub async fn a_lane_that_becomes_busy_keeps_its_waiting_head(world: World) {
    let trigger = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    world.conclude(&claimed, retry_at(world.later(10))).await;
    world.accept(world.outbound("alpha", 10)).await;
    let event = world.claim_one("alpha").await;
    let known = StepRecord {
        record: Some(RecordId::new("1")),
        ..StepRecord::default()
    };
    world.store.record(&token(&event), known).await.unwrap();
    world.wait(10);
    assert!(world.claim(&["alpha"]).await.is_empty());
    world.conclude(&event, Outcome::Done).await;
    assert_eq!(world.claim_one("alpha").await.id, trigger);
}
