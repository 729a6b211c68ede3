//! Correlations.

use fieldbridge::model::{RecordId, State, WorkOrderId};
use fieldbridge::store::{Correlation, Outcome, StepRecord};
use serde_json::json;

use crate::store::{World, connector, ids, link, token};

pub async fn a_correlation_is_found_from_both_sides(world: World) {
    let mut one = link("alpha", "1", 10);
    one.sent_to_work_order
        .insert("title".to_owned(), json!("Printer on fire"));
    one.carried.insert("note:4".to_owned(), "77".to_owned());
    world.store.link(one.clone()).await.unwrap();
    world.store.link(link("beta", "x", 10)).await.unwrap();
    world.store.link(link("alpha", "2", 11)).await.unwrap();
    let found = world
        .store
        .correlation(&connector("alpha"), &RecordId::new("1"))
        .await
        .unwrap();
    assert_eq!(found.as_ref(), Some(&one));
    let of = world.store.correlations_of(WorkOrderId(10)).await.unwrap();
    assert_eq!(of, vec![one, link("beta", "x", 10)]);
    assert_eq!(
        world
            .store
            .correlation(&connector("beta"), &RecordId::new("1"))
            .await
            .unwrap(),
        None
    );
    assert!(
        world
            .store
            .correlations_of(WorkOrderId(12))
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn linking_again_replaces_both_ways(world: World) {
    world.store.link(link("alpha", "1", 10)).await.unwrap();
    let mut newer = link("alpha", "1", 10);
    newer
        .sent_to_record
        .insert("status".to_owned(), json!("Assigned"));
    world.store.link(newer.clone()).await.unwrap();
    assert_eq!(
        world.store.correlations_of(WorkOrderId(10)).await.unwrap(),
        vec![newer]
    );
    // The record gets another work order.
    world.store.link(link("alpha", "1", 20)).await.unwrap();
    assert!(
        world
            .store
            .correlations_of(WorkOrderId(10))
            .await
            .unwrap()
            .is_empty()
    );
    // The work order gets another record: at most one a connector.
    world.store.link(link("alpha", "2", 20)).await.unwrap();
    assert_eq!(
        world.store.correlations_of(WorkOrderId(20)).await.unwrap(),
        vec![link("alpha", "2", 20)]
    );
    assert_eq!(
        world
            .store
            .correlation(&connector("alpha"), &RecordId::new("1"))
            .await
            .unwrap(),
        None
    );
}

pub async fn linking_merges_the_lanes(world: World) {
    let event = world.accept(world.outbound("alpha", 10)).await;
    let trigger = world.accept(world.inbound("alpha", "1")).await;
    let elsewhere = world.accept(world.outbound("beta", 10)).await;
    world.store.link(link("alpha", "1", 10)).await.unwrap();
    assert_eq!(world.get(event).await.record, Some(RecordId::new("1")));
    assert_eq!(world.get(trigger).await.work_order, Some(WorkOrderId(10)));
    assert_eq!(world.get(elsewhere).await.record, None);
    let first = world.claim_one("alpha").await;
    assert_eq!(first.id, event, "one lane, the older first");
    world.conclude(&first, Outcome::Done).await;
    assert_eq!(world.claim_one("alpha").await.id, trigger);
}

pub async fn a_link_in_a_step_is_written_with_it(world: World) {
    let trigger = world.accept(world.inbound("alpha", "1")).await;
    let event = world.accept(world.outbound("alpha", 10)).await;
    let claimed = world.claim(&["alpha"]).await;
    assert_eq!(
        ids(&claimed),
        vec![trigger, event],
        "not known to be the same matter yet"
    );
    let linked = |correlation: Correlation| StepRecord {
        link: Some(Box::new(correlation)),
        ..StepRecord::default()
    };
    world
        .store
        .record(&token(&claimed[0]), linked(link("alpha", "1", 10)))
        .await
        .unwrap();
    assert_eq!(world.get(trigger).await.work_order, Some(WorkOrderId(10)));
    assert_eq!(world.get(event).await.record, Some(RecordId::new("1")));
    assert_eq!(
        world
            .store
            .correlations_of(WorkOrderId(10))
            .await
            .unwrap()
            .len(),
        1
    );
    // Both are in flight; a third must wait for both.
    let third = world.accept(world.outbound("alpha", 10)).await;
    world.conclude(&claimed[0], Outcome::Done).await;
    assert!(world.claim(&["alpha"]).await.is_empty());
    let mut again = link("alpha", "1", 10);
    again.carried.insert("note:1".to_owned(), "2".to_owned());
    world
        .store
        .conclude(&token(&claimed[1]), Outcome::Done, linked(again.clone()))
        .await
        .unwrap();
    assert_eq!(world.state(event).await, State::Done);
    assert_eq!(
        world.store.correlations_of(WorkOrderId(10)).await.unwrap(),
        vec![again]
    );
    assert_eq!(world.claim_one("alpha").await.id, third);
}
