//! Pauses.

use std::sync::Arc;

use fieldbridge::model::{State, Step};
use fieldbridge::store::{Hold, Outcome, PersonMove};

use crate::store::{World, connector, failure, ids, retry_at};

fn by_failure(world: &World) -> Hold {
    Hold {
        since: world.now(),
        failure: Some(failure("401 from the platform")),
        by: None,
    }
}

fn by_person(world: &World) -> Hold {
    Hold {
        since: world.now(),
        failure: None,
        by: Some("casey".to_owned()),
    }
}

async fn pause(world: &World, name: &str, hold: Hold) -> u64 {
    world.store.pause(&connector(name), hold).await.unwrap()
}

async fn resume(world: &World, name: &str) -> u64 {
    world
        .store
        .resume(&connector(name), world.now())
        .await
        .unwrap()
}

pub async fn pausing_holds_what_waits_and_resuming_releases_it(world: World) {
    let failing = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    world.conclude(&claimed, retry_at(world.later(500))).await;
    let queued = world.accept(world.inbound("alpha", "2")).await;
    let other = world.accept(world.inbound("beta", "2")).await;
    let hold = by_failure(&world);
    assert_eq!(pause(&world, "alpha", hold.clone()).await, 2);
    assert_eq!(
        world
            .store
            .connector_status(&connector("alpha"))
            .await
            .unwrap()
            .hold,
        Some(hold)
    );
    assert_eq!(
        (world.state(failing).await, world.state(queued).await),
        (State::Held, State::Held)
    );
    assert_eq!(ids(&world.claim(&["alpha", "beta"]).await), vec![other]);
    assert_eq!(
        world
            .store
            .next_due(&[connector("alpha")], world.now())
            .await
            .unwrap(),
        None
    );
    assert_eq!(resume(&world, "alpha").await, 2);
    assert_eq!(
        world
            .store
            .connector_status(&connector("alpha"))
            .await
            .unwrap()
            .hold,
        None
    );
    assert_eq!(
        ids(&world.claim(&["alpha"]).await),
        vec![failing, queued],
        "due at once, in order"
    );
    assert_eq!(resume(&world, "alpha").await, 0);
}

pub async fn what_arrives_at_a_paused_connector_is_held(world: World) {
    assert_eq!(pause(&world, "alpha", by_person(&world)).await, 0);
    let one = world.accept(world.inbound("alpha", "1")).await;
    let joined = world.accept(world.inbound("alpha", "1")).await;
    assert_eq!((joined, world.state(one).await), (one, State::Held));
    assert!(world.claim(&["alpha"]).await.is_empty());
    assert_eq!(resume(&world, "alpha").await, 1);
    assert_eq!(world.claim_one("alpha").await.id, one);
}

pub async fn what_is_in_flight_finishes_or_is_held(world: World) {
    let accepted = [
        world.accept(world.inbound("alpha", "1")).await,
        world.accept(world.inbound("alpha", "2")).await,
        world.accept(world.inbound("alpha", "3")).await,
        world.accept(world.inbound("alpha", "4")).await,
    ];
    let claimed = world.claim(&["alpha"]).await;
    assert_eq!(pause(&world, "alpha", by_failure(&world)).await, 0);
    let cause = failure("401 from the platform");
    world.conclude(&claimed[0], Outcome::Done).await;
    world
        .conclude(
            &claimed[1],
            Outcome::Held(Some((Step::Deliver, cause.clone()))),
        )
        .await;
    world.conclude(&claimed[2], retry_at(world.later(5))).await;
    world
        .conclude(&claimed[3], Outcome::Postponed(world.later(5), None))
        .await;
    assert_eq!(world.state(accepted[0]).await, State::Done);
    let held = world.get(accepted[1]).await;
    assert_eq!(
        (held.state, held.failure),
        (State::Held, Some((Step::Deliver, cause)))
    );
    for id in &accepted[2..] {
        assert_eq!(
            world.state(*id).await,
            State::Held,
            "what would wait, waits with the others"
        );
    }
    assert_eq!(resume(&world, "alpha").await, 3);
    assert_eq!(ids(&world.claim(&["alpha"]).await), accepted[1..]);
}

pub async fn held_by_a_connector_that_runs_again_is_queued(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    pause(&world, "alpha", by_failure(&world)).await;
    resume(&world, "alpha").await;
    world.conclude(&claimed, Outcome::Held(None)).await;
    assert_eq!(
        world.state(id).await,
        State::Queued,
        "nobody would ever release it"
    );
    assert_eq!(world.claim_one("alpha").await.id, id);
    // A lapsed lease of a paused connector is not claimed either.
    pause(&world, "alpha", by_failure(&world)).await;
    world.wait(61);
    assert_eq!(world.store.reclaim(world.now()).await.unwrap(), 1);
    assert_eq!(world.state(id).await, State::Held);
}

pub async fn a_persons_pause_outlasts_a_failures(world: World) {
    let alpha = connector("alpha");
    let person = by_person(&world);
    pause(&world, "alpha", by_failure(&world)).await;
    pause(&world, "alpha", person.clone()).await;
    assert_eq!(
        world.store.connector_status(&alpha).await.unwrap().hold,
        Some(person.clone())
    );
    pause(&world, "alpha", by_failure(&world)).await;
    assert_eq!(
        world.store.connector_status(&alpha).await.unwrap().hold,
        Some(person)
    );
}

pub async fn a_pause_of_many_lets_others_through(world: World) {
    let many = (0..700)
        .map(|record| world.inbound("alpha", &record.to_string()))
        .collect();
    world.store.accept(world.acceptance(many)).await.unwrap();
    let world = Arc::new(world);
    let pausing = {
        let world = Arc::clone(&world);
        tokio::spawn(async move { pause(&world, "alpha", by_person(&world)).await })
    };
    // While the pause is being carried out, none of what is not held yet may be claimed.
    while !pausing.is_finished() {
        let beta = world.accept(world.inbound("beta", "1")).await;
        let paused = world
            .store
            .connector_status(&connector("alpha"))
            .await
            .unwrap()
            .hold
            .is_some();
        let claimed = world.claim(&["alpha", "beta"]).await;
        if paused {
            assert_eq!(ids(&claimed), vec![beta]);
        }
        for transaction in &claimed {
            world.conclude(transaction, Outcome::Done).await;
        }
        tokio::task::yield_now().await;
    }
    let held = pausing.await.unwrap();
    let counts = world.store.counts().await.unwrap();
    assert_eq!(counts.of_connector(&connector("alpha"), State::Held), held);
    assert_eq!(counts.of_connector(&connector("alpha"), State::Queued), 0);
    assert!(held > 500, "{held}");
    assert_eq!(resume(&world, "alpha").await, held);
}

pub async fn a_retry_of_a_paused_connector_is_held(world: World) {
    let dead = world.dead("alpha", "1", "refused").await;
    pause(&world, "alpha", by_person(&world)).await;
    let answer = world.command(dead, PersonMove::Retry).await.unwrap();
    assert_eq!(answer.state, State::Held);
    assert!(world.claim(&["alpha"]).await.is_empty());
    assert_eq!(resume(&world, "alpha").await, 1);
    assert_eq!(world.claim_one("alpha").await.id, dead);
}
