//! Lists, counts, groups, and what is kept beside transactions.

use std::sync::Arc;

use bytes::Bytes;
use fieldbridge::model::{
    Catalogue, ConnectorId, DeliveryKey, Direction, Field, FieldKind, Fingerprint, MappingVersion,
    PayloadKind, RecordId, State, Step, WorkOrderId,
};
use fieldbridge::store::{
    Acceptance, Accepted, GroupQuery, ListOrder, ListQuery, MappingEntry, NewDraft, Outcome,
    PersonMove, TriggerToken, Watermark,
};

use crate::store::memory::recount;
use crate::store::{World, connector, failure, ids, link, retry_at};

/// A little of everything: several connectors, directions, states, records and work orders.
async fn populate(world: &World) {
    world.store.link(link("alpha", "1", 10)).await.unwrap();
    world.dead("alpha", "1", "site 17 not found").await;
    world.dead("alpha", "2", "site 99 not found").await;
    world.dead("beta", "1", "no such board").await;
    for record in 0..4 {
        world
            .accept(world.inbound("alpha", &record.to_string()))
            .await;
        world.accept(world.outbound("alpha", 10 + record)).await;
        world
            .accept(world.inbound("beta", &record.to_string()))
            .await;
        world.accept(world.outbound("beta", 10)).await;
    }
    let claimed = world.claim_at_most(&["alpha", "beta"], 4, 8).await;
    world.conclude(&claimed[0], Outcome::Done).await;
    world.conclude(&claimed[1], Outcome::Done).await;
    world.conclude(&claimed[2], retry_at(world.later(60))).await;
    world
        .conclude(&claimed[3], Outcome::Dead(Step::Fetch, failure("gone")))
        .await;
    world.conclude(&claimed[4], Outcome::Done).await;
}

pub async fn pages_are_stable_while_newer_ones_arrive(world: World) {
    let mut accepted = Vec::new();
    for record in 0..25 {
        accepted.push(
            world
                .accept(world.inbound("alpha", &record.to_string()))
                .await,
        );
    }
    let mut query = ListQuery {
        limit: 10,
        ..ListQuery::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = world.store.list(query.clone()).await.unwrap();
        seen.extend(ids(&page.items));
        world
            .accept(world.inbound("alpha", &format!("new {}", seen.len())))
            .await;
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    accepted.reverse();
    assert_eq!(seen, accepted);
    let none = ListQuery {
        limit: 0,
        ..ListQuery::default()
    };
    assert!(world.store.list(none).await.unwrap().items.is_empty());
    // A page that ends exactly at the end promises nothing further.
    let all = ListQuery {
        limit: 28,
        ..ListQuery::default()
    };
    let page = world.store.list(all).await.unwrap();
    assert_eq!((page.items.len(), page.next), (28, None));
}

pub async fn every_filter_finds_what_a_look_at_everything_finds(world: World) {
    populate(&world).await;
    let all = world.everything().await;
    let gone = Fingerprint::of(
        &connector("alpha"),
        Step::Deliver,
        &failure("site 5 not found"),
    );
    let mut queries = Vec::new();
    for name in [None, Some(connector("alpha")), Some(connector("gamma"))] {
        for states in [
            vec![],
            vec![State::Queued],
            vec![State::Dead, State::Done, State::Processing],
        ] {
            for direction in [None, Some(Direction::Outbound)] {
                let base = ListQuery {
                    connector: name.clone(),
                    states: states.clone(),
                    direction,
                    ..ListQuery::default()
                };
                queries.push(ListQuery {
                    record: Some(RecordId::new("1")),
                    ..base.clone()
                });
                queries.push(ListQuery {
                    work_order: Some(WorkOrderId(10)),
                    ..base.clone()
                });
                queries.push(ListQuery {
                    fingerprint: Some(gone.clone()),
                    ..base.clone()
                });
                queries.push(base);
            }
        }
    }
    let mut found_something = 0;
    for query in queries {
        for order in [ListOrder::OldestFirst, ListOrder::NewestFirst] {
            let mut wanted: Vec<_> = all
                .iter()
                .filter(|row| {
                    query
                        .connector
                        .as_ref()
                        .is_none_or(|name| *name == row.connector)
                })
                .filter(|row| query.states.is_empty() || query.states.contains(&row.state))
                .filter(|row| {
                    query
                        .direction
                        .is_none_or(|direction| direction == row.direction)
                })
                .filter(|row| query.record.is_none() || query.record == row.record)
                .filter(|row| query.work_order.is_none() || query.work_order == row.work_order)
                .filter(|row| {
                    let dead = row.failure.as_ref().filter(|_| row.state == State::Dead);
                    let of =
                        dead.map(|(step, failure)| Fingerprint::of(&row.connector, *step, failure));
                    query.fingerprint.is_none() || query.fingerprint == of
                })
                .map(|row| row.id)
                .collect();
            if order == ListOrder::NewestFirst {
                wanted.reverse();
            }
            let mut query = ListQuery {
                order,
                limit: 3,
                ..query.clone()
            };
            let mut found = Vec::new();
            loop {
                let page = world.store.list(query.clone()).await.unwrap();
                found.extend(ids(&page.items));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            assert_eq!(found, wanted, "{query:?}");
            found_something += usize::from(!found.is_empty());
        }
    }
    assert!(found_something > 40, "{found_something}");
}

pub async fn counts_are_what_a_recount_says(world: World) {
    assert!(world.store.counts().await.unwrap().by_connector.is_empty());
    populate(&world).await;
    let counts = world.store.counts().await.unwrap();
    assert_eq!(counts, recount(&world.everything().await));
    assert_eq!(counts.total(State::Done), 3);
}

pub async fn failure_groups_follow_the_dead(world: World) {
    let groups = |limit| {
        let query = GroupQuery {
            connector: None,
            limit,
        };
        world.store.failure_groups(query)
    };
    assert!(groups(10).await.unwrap().is_empty());
    let one = world.dead("alpha", "1", "site 17 not found").await;
    world.wait(1);
    let two = world.dead("alpha", "2", "site 99 not found").await;
    world.dead("beta", "1", "no such board").await;
    let found = groups(10).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].count, found[0].latest, found[0].last_at),
        (2, two, world.now())
    );
    assert_eq!(
        (found[0].cause.as_str(), found[0].step),
        ("site 99 not found", Step::Deliver)
    );
    assert_eq!(groups(1).await.unwrap().len(), 1);
    let of_beta = GroupQuery {
        connector: Some(connector("beta")),
        limit: 10,
    };
    assert_eq!(
        world.store.failure_groups(of_beta).await.unwrap()[0].cause,
        "no such board"
    );

    let query = ListQuery {
        fingerprint: Some(found[0].fingerprint.clone()),
        limit: 10,
        ..ListQuery::default()
    };
    assert_eq!(
        ids(&world.store.list(query).await.unwrap().items),
        vec![two, one]
    );
    world.command(two, PersonMove::Retry).await.unwrap();
    let rest = groups(10).await.unwrap();
    let rest = rest
        .iter()
        .find(|group| group.fingerprint == found[0].fingerprint)
        .unwrap();
    assert_eq!(
        (rest.count, rest.latest, rest.cause.as_str()),
        (1, one, "site 17 not found")
    );
    world
        .command(
            one,
            PersonMove::Discard {
                reason: "old".to_owned(),
            },
        )
        .await
        .unwrap();
    assert_eq!(groups(10).await.unwrap().len(), 1);
    world.command(one, PersonMove::Restore).await.unwrap();
    assert_eq!(groups(10).await.unwrap().len(), 2);
}

pub async fn the_latest_to_die_stands_for_its_group(world: World) {
    let old = world.accept(world.inbound("alpha", "1")).await;
    let running = world.claim_one("alpha").await;
    let young = world.dead("alpha", "2", "site 99 not found").await;
    world.wait(1);
    world
        .conclude(
            &running,
            Outcome::Dead(Step::Deliver, failure("site 17 not found")),
        )
        .await;
    let group = || async {
        let query = GroupQuery {
            connector: None,
            limit: 10,
        };
        world.store.failure_groups(query).await.unwrap().remove(0)
    };
    assert_eq!((group().await.latest, group().await.count), (old, 2));
    world.command(old, PersonMove::Retry).await.unwrap();
    assert_eq!((group().await.latest, group().await.count), (young, 1));
}

pub async fn next_due_is_the_earliest_of_the_named(world: World) {
    let (alpha, beta) = (connector("alpha"), connector("beta"));
    for (name, record, seconds) in [("alpha", "1", 300), ("alpha", "2", 200), ("beta", "1", 100)] {
        world.accept(world.inbound(name, record)).await;
        let claimed = world.claim_one(name).await;
        world
            .conclude(&claimed, retry_at(world.later(seconds)))
            .await;
    }
    // What is behind its lane's head is not due, whatever it says; what can be claimed now is not next.
    world.accept(world.inbound("alpha", "3")).await;
    let next = |connectors: Vec<_>, now| {
        let store = world.store.clone();
        async move { store.next_due(&connectors, now).await.unwrap() }
    };
    let now = world.now();
    assert_eq!(next(vec![alpha.clone()], now).await, Some(world.later(200)));
    assert_eq!(
        next(vec![alpha.clone(), beta.clone()], now).await,
        Some(world.later(100))
    );
    assert_eq!(
        next(vec![alpha.clone(), beta], world.later(100)).await,
        Some(world.later(200))
    );
    assert_eq!(next(vec![alpha], world.later(300)).await, None);
    assert_eq!(next(vec![], now).await, None);
}

pub async fn what_is_over_and_old_is_forgotten(world: World) {
    let keyed = |transactions, key: &str| Acceptance {
        delivery: Some(DeliveryKey::new(key)),
        body: Bytes::from_static(b"body"),
        ..world.acceptance(transactions)
    };
    let done = world.inbound("alpha", "1");
    let done_id = done.id;
    world.store.accept(keyed(vec![done], "old")).await.unwrap();
    let claimed = world.claim_one("alpha").await;
    world.conclude(&claimed, Outcome::Done).await;
    let dead = world.dead("alpha", "2", "refused").await;
    world.wait(100);
    let border = world.now();
    let young = world.inbound("alpha", "3");
    let young_id = young.id;
    world
        .store
        .accept(keyed(vec![young], "young"))
        .await
        .unwrap();
    let claimed = world.claim_one("alpha").await;
    world.conclude(&claimed, Outcome::Done).await;

    let mut forgotten = 0;
    loop {
        let some = world.store.forget_before(border).await.unwrap();
        if some == 0 {
            break;
        }
        forgotten += some;
    }
    assert_eq!(forgotten, 2, "a transaction and a delivery key");
    assert_eq!(ids(&world.everything().await), vec![dead, young_id]);
    assert_eq!(
        world
            .store
            .payload(done_id, PayloadKind::Trigger)
            .await
            .unwrap(),
        None
    );
    assert!(world.store.journal(done_id).await.unwrap().is_empty());
    assert_eq!(
        world.store.counts().await.unwrap(),
        recount(&world.everything().await)
    );
    let again = world
        .store
        .accept(keyed(vec![world.inbound("alpha", "9")], "old"))
        .await
        .unwrap();
    assert!(matches!(again, Accepted::Stored(_)));
    let again = world
        .store
        .accept(keyed(vec![world.inbound("alpha", "9")], "young"))
        .await
        .unwrap();
    assert_eq!(again, Accepted::Duplicate);
    // Many are forgotten a bounded number at a time, but all of them.
    for record in 0..30 {
        let many = (0..20)
            .map(|number| world.inbound("beta", &format!("{record}-{number}")))
            .collect();
        world.store.accept(world.acceptance(many)).await.unwrap();
        for claimed in world.claim_at_most(&["beta"], 20, 20).await {
            world.conclude(&claimed, Outcome::Done).await;
        }
    }
    world.wait(1);
    while world.store.forget_before(world.now()).await.unwrap() > 0 {}
    assert_eq!(world.store.counts().await.unwrap().total(State::Done), 0);
}

pub async fn connectors_keep_status_catalogue_and_mapping(world: World) {
    let alpha = connector("alpha");
    assert_eq!(
        world.store.connector_status(&alpha).await.unwrap(),
        fieldbridge::store::ConnectorStatus::default()
    );
    let token = TriggerToken {
        number: 3,
        issued_at: 1_700_000_000,
    };
    let watermark = Watermark {
        seen_until: world.now(),
        alive_at: world.later(1),
    };
    world.store.set_trigger_token(&alpha, token).await.unwrap();
    world
        .store
        .set_watermark(&alpha, watermark.clone())
        .await
        .unwrap();
    let status = world.store.connector_status(&alpha).await.unwrap();
    assert_eq!(
        (status.trigger_token, status.watermark, status.hold),
        (Some(token), Some(watermark), None)
    );

    let catalogue = Catalogue {
        fields: vec![Field::new("summary", "Summary", FieldKind::Text).required()],
        read_at: world.now(),
    };
    world
        .store
        .put_catalogue(&alpha, Direction::Outbound, catalogue.clone())
        .await
        .unwrap();
    assert_eq!(
        world
            .store
            .catalogue(&alpha, Direction::Outbound)
            .await
            .unwrap(),
        Some(Arc::new(catalogue))
    );
    assert_eq!(
        world
            .store
            .catalogue(&alpha, Direction::Inbound)
            .await
            .unwrap(),
        None
    );

    let version = MappingVersion::new("abc");
    assert_eq!(world.store.mapping(&version).await.unwrap(), None);
    world
        .store
        .put_mapping(&version, Bytes::from_static(b"[[inbound]]"))
        .await
        .unwrap();
    world
        .store
        .put_mapping(&version, Bytes::from_static(b"something else"))
        .await
        .unwrap();
    let text = world.store.mapping(&version).await.unwrap();
    assert_eq!(
        text.as_deref(),
        Some(b"[[inbound]]".as_slice()),
        "once and for ever"
    );
}

pub async fn mappings_come_in_force_one_after_the_other(world: World) {
    let (alpha, beta) = (connector("alpha"), connector("beta"));
    let entry = |number: u64, by: Option<&str>| MappingEntry {
        version: MappingVersion::new(format!("version {number}")),
        since: world.later(number),
        by: by.map(str::to_owned),
        note: None,
    };
    let note = async |id: &ConnectorId, entry| {
        let noted = world.store.mapping_in_force(id, entry).await;
        noted.unwrap();
    };
    assert_eq!(world.store.mapping_history(&alpha).await.unwrap(), []);
    note(&alpha, entry(1, None)).await;
    note(&beta, entry(7, None)).await;
    note(&alpha, entry(2, Some("maria"))).await;
    note(&alpha, entry(2, None)).await;
    note(&alpha, entry(1, Some("maria"))).await;
    let history = world.store.mapping_history(&alpha).await.unwrap();
    let expected = [
        entry(1, Some("maria")),
        entry(2, Some("maria")),
        entry(1, None),
    ];
    assert_eq!(
        history, expected,
        "the version in force comes in force once"
    );
    assert_eq!(
        world.store.mapping_history(&beta).await.unwrap(),
        [entry(7, None)]
    );

    for number in 10..260 {
        note(&alpha, entry(number, None)).await;
    }
    let history = world.store.mapping_history(&alpha).await.unwrap();
    assert_eq!(history.len(), 200);
    assert_eq!(history.first(), Some(&entry(259, None)));
    assert_eq!(history.last(), Some(&entry(60, None)));
}

pub async fn a_draft_is_saved_by_those_who_saw_the_last_one(world: World) {
    let alpha = connector("alpha");
    let save = async |by: &str, text: &str, seen| {
        let new = NewDraft {
            text: text.to_owned(),
            base: MappingVersion::new("abc"),
            by: by.to_owned(),
            at: world.now(),
            seen,
        };
        world.store.save_draft(&alpha, new).await
    };
    assert_eq!(world.store.draft(&alpha).await.unwrap(), None);
    assert!(!world.store.drop_draft(&alpha).await.unwrap());
    let first = save("maria", "one", None).await.unwrap();
    let second = save("maria", "two", Some(first.revision)).await.unwrap();
    let refused = save("paul", "three", Some(first.revision)).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("maria saved this draft"), "{refused}");
    assert!(save("paul", "three", None).await.is_err());
    assert_eq!(
        world.store.draft(&alpha).await.unwrap(),
        Some(second.clone())
    );
    assert_eq!(second.text, "two");

    assert!(world.store.drop_draft(&alpha).await.unwrap());
    assert_eq!(world.store.draft(&alpha).await.unwrap(), None);
    let refused = save("maria", "three", Some(second.revision)).await;
    assert!(refused.is_err(), "what was published is not edited on");
    assert!(save("maria", "three", None).await.is_ok());
}

pub async fn secrets_are_kept_and_removed(world: World) {
    for name in ["beta", "alpha"] {
        world
            .store
            .put_secret(name, Some(Bytes::from_static(b"sealed")))
            .await
            .unwrap();
    }
    assert_eq!(world.store.secret_names().await.unwrap(), ["alpha", "beta"]);
    assert_eq!(
        world.store.secret("alpha").await.unwrap().as_deref(),
        Some(b"sealed".as_slice())
    );
    world.store.put_secret("alpha", None).await.unwrap();
    assert_eq!(world.store.secret("alpha").await.unwrap(), None);
    assert_eq!(world.store.secret_names().await.unwrap(), ["beta"]);
}
