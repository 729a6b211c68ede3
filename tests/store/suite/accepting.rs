//! Acceptance.

use bytes::Bytes;
use fieldbridge::model::{
    DeliveryKey, Origin, PayloadKind, Priority, Progress, RecordId, State, WorkOrderId,
};
use fieldbridge::store::{Acceptance, Accepted, NewTransaction};

use crate::store::{World, link, retry_at};

pub async fn what_is_accepted_can_be_read_back(world: World) {
    let new = NewTransaction {
        origin: Origin::CatchUp,
        priority: Priority::Background,
        label: Some("Printer on fire".to_owned()),
        ..world.inbound("alpha", "1")
    };
    let acceptance = Acceptance {
        body: Bytes::from_static(b"{\"id\":1}"),
        ..world.acceptance(vec![new.clone()])
    };
    let answer = world.store.accept(acceptance).await.unwrap();
    assert_eq!(answer, Accepted::Stored(vec![new.id]));
    let row = world.get(new.id).await;
    assert_eq!(row.state, State::Queued);
    assert_eq!(row.record, Some(RecordId::new("1")));
    assert_eq!(
        (row.origin, row.priority),
        (Origin::CatchUp, Priority::Background)
    );
    assert_eq!(row.label.as_deref(), Some("Printer on fire"));
    assert_eq!(
        (row.received_at, row.updated_at),
        (world.now(), world.now())
    );
    assert_eq!((row.attempts, row.joined, row.revision), (0, 0, 0));
    let trigger = world
        .store
        .payload(new.id, PayloadKind::Trigger)
        .await
        .unwrap();
    assert_eq!(trigger.as_deref(), Some(b"{\"id\":1}".as_slice()));
    assert_eq!(
        world
            .store
            .payload(new.id, PayloadKind::Source)
            .await
            .unwrap(),
        None
    );
}

pub async fn a_delivery_seen_before_changes_nothing(world: World) {
    let keyed = |transactions| Acceptance {
        delivery: Some(DeliveryKey::new("alpha:42")),
        ..world.acceptance(transactions)
    };
    let first = world.inbound("alpha", "1");
    let id = first.id;
    assert_eq!(
        world.store.accept(keyed(vec![first])).await.unwrap(),
        Accepted::Stored(vec![id])
    );
    let again = keyed(vec![world.inbound("alpha", "2")]);
    assert_eq!(
        world.store.accept(again).await.unwrap(),
        Accepted::Duplicate
    );
    let rows = world.everything().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].joined, 0);
}

pub async fn an_acceptance_sent_again_stores_once(world: World) {
    let new = world.outbound("alpha", 5);
    world.accept(new.clone()).await;
    let claimed = world.claim_one("alpha").await;
    assert_eq!(world.accept(new.clone()).await, new.id);
    assert_eq!(world.everything().await, vec![claimed]);
}

pub async fn a_trigger_joins_the_one_that_waits(world: World) {
    let first = world.accept(world.inbound("alpha", "1")).await;
    assert_eq!(world.accept(world.inbound("alpha", "1")).await, first);
    assert_eq!(world.accept(world.inbound("alpha", "1")).await, first);
    assert_eq!(world.get(first).await.joined, 2);
    // Another record and another connector are other matters.
    assert_ne!(world.accept(world.inbound("alpha", "2")).await, first);
    assert_ne!(world.accept(world.inbound("beta", "1")).await, first);
    assert_eq!(world.everything().await.len(), 3);
}

pub async fn a_trigger_joins_nothing_that_has_begun(world: World) {
    let first = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    let second = world.accept(world.inbound("alpha", "1")).await;
    assert_ne!(second, first);
    world.conclude(&claimed, retry_at(world.later(30))).await;
    assert_eq!(
        world.accept(world.inbound("alpha", "1")).await,
        second,
        "joins the untouched one"
    );
    assert_eq!(world.get(first).await.joined, 0);
    assert_eq!(world.get(second).await.joined, 1);
}

pub async fn events_never_join(world: World) {
    world.store.link(link("alpha", "1", 10)).await.unwrap();
    let trigger = world.accept(world.inbound("alpha", "1")).await;
    let one = world.accept(world.outbound("alpha", 10)).await;
    let two = world.accept(world.outbound("alpha", 10)).await;
    assert!(trigger != one && one != two);
    // A trigger does not join an event either, only the trigger before it.
    assert_eq!(world.accept(world.inbound("alpha", "1")).await, trigger);
}

pub async fn replays_with_payloads_stand_alone(world: World) {
    let given = NewTransaction {
        payloads: vec![(PayloadKind::Source, Bytes::from_static(b"{}"))],
        progress: Progress {
            fetched: true,
            ..Progress::default()
        },
        ..world.inbound("alpha", "1")
    };
    let replay = world.accept(given.clone()).await;
    let trigger = world.accept(world.inbound("alpha", "1")).await;
    assert_ne!(
        trigger, replay,
        "a trigger must not join what will not read the record"
    );
    let again = NewTransaction {
        id: world.id(),
        ..given
    };
    let second = world.accept(again.clone()).await;
    assert_eq!(second, again.id, "a given source must not be swallowed");
    let source = world
        .store
        .payload(replay, PayloadKind::Source)
        .await
        .unwrap();
    assert_eq!(source.as_deref(), Some(b"{}".as_slice()));
    // Also when only the payload says so.
    let only_payload = NewTransaction {
        payloads: vec![(PayloadKind::Output, Bytes::from_static(b"{}"))],
        ..world.inbound("beta", "1")
    };
    let with_output = world.accept(only_payload).await;
    assert_ne!(world.accept(world.inbound("beta", "1")).await, with_output);
}

pub async fn a_live_trigger_makes_what_it_joins_live(world: World) {
    let background = NewTransaction {
        priority: Priority::Background,
        ..world.inbound("alpha", "1")
    };
    let waiting = world.accept(background).await;
    let live = world.accept(world.inbound("alpha", "2")).await;
    world.accept(world.inbound("alpha", "1")).await;
    assert_eq!(world.get(waiting).await.priority, Priority::Live);
    let claimed = world.claim(&["alpha"]).await;
    assert_eq!(crate::store::ids(&claimed), vec![waiting, live]);
}

pub async fn triggers_of_one_acceptance_join_each_other(world: World) {
    let transactions = vec![
        world.inbound("alpha", "1"),
        world.inbound("alpha", "2"),
        world.inbound("alpha", "1"),
    ];
    let (one, two) = (transactions[0].id, transactions[1].id);
    let answer = world
        .store
        .accept(world.acceptance(transactions))
        .await
        .unwrap();
    assert_eq!(answer, Accepted::Stored(vec![one, two, one]));
    assert_eq!(world.get(one).await.joined, 1);
}

pub async fn a_correlation_completes_what_arrives(world: World) {
    world.store.link(link("alpha", "1", 10)).await.unwrap();
    let event = world.accept(world.outbound("alpha", 10)).await;
    assert_eq!(world.get(event).await.record, Some(RecordId::new("1")));
    let trigger = world.accept(world.inbound("alpha", "1")).await;
    assert_eq!(world.get(trigger).await.work_order, Some(WorkOrderId(10)));
    // The same work order may belong to nothing on another connector.
    let other = world.accept(world.outbound("beta", 10)).await;
    assert_eq!(world.get(other).await.record, None);
}
