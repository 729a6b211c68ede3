//! People's commands and the audit trail.

use fieldbridge::model::{MappingVersion, Progress, SkipReason, State, TransactionId};
use fieldbridge::store::{AuditEntry, Outcome, PersonCommand, PersonMove, StepRecord, StoreError};

use crate::store::{World, connector, failure, retry_at, token};

fn discard(reason: &str) -> PersonMove {
    PersonMove::Discard {
        reason: reason.to_owned(),
    }
}

pub async fn a_command_acts_once(world: World) {
    let id = world.dead("alpha", "1", "refused").await;
    let command = world.person(id, PersonMove::Retry);
    let answer = world.store.command(command.clone()).await.unwrap();
    assert_eq!(answer.state, State::Queued);
    let claimed = world.claim_one("alpha").await;
    world
        .conclude(
            &claimed,
            Outcome::Dead(fieldbridge::model::Step::Map, failure("again")),
        )
        .await;
    let again = world.store.command(command).await.unwrap();
    assert_eq!(again, answer, "answers as it did then");
    assert_eq!(world.state(id).await, State::Dead, "and changes nothing");
    assert_eq!(
        world.store.audit_trail(10, None).await.unwrap().items.len(),
        1
    );
}

pub async fn a_stale_command_is_refused_and_says_who(world: World) {
    let id = world.dead("alpha", "1", "refused").await;
    let seen = Some(world.get(id).await.revision);
    world.wait(5);
    let first = PersonCommand {
        seen,
        ..world.person(id, discard("twice"))
    };
    let changed = world.store.command(first).await.unwrap();
    world.wait(5);
    let second = PersonCommand {
        seen,
        by: "robin".to_owned(),
        ..world.person(id, PersonMove::Restore)
    };
    let error = world.store.command(second).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Stale { id: at, by, at: when } if *at == id && by == "casey" && *when == changed.updated_at),
        "{error}"
    );
    assert_eq!(world.get(id).await, changed);
    // What the engine did is the engine's.
    let waiting = world.accept(world.inbound("alpha", "2")).await;
    world.claim_one("alpha").await;
    let late = PersonCommand {
        seen: Some(0),
        ..world.person(waiting, discard("late"))
    };
    let error = world.store.command(late).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Stale { by, .. } if by == "the engine"),
        "{error}"
    );
}

pub async fn an_illegal_command_changes_nothing(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let claimed = world.claim_one("alpha").await;
    for action in [PersonMove::Retry, discard("now"), PersonMove::Restore] {
        let error = world.command(id, action).await.unwrap_err();
        assert!(matches!(error, StoreError::Illegal(_)), "{error}");
    }
    assert_eq!(world.get(id).await, claimed);
    assert!(
        world
            .store
            .audit_trail(10, None)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

pub async fn a_retry_from_the_dead_begins_anew(world: World) {
    let id = world.accept(world.inbound("alpha", "1")).await;
    let first = world.claim_one("alpha").await;
    world.conclude(&first, retry_at(world.now())).await;
    let second = world.claim_one("alpha").await;
    let progress = Progress {
        fetched: true,
        mapped: Some(MappingVersion::new("v1")),
        linked: true,
        ..Progress::default()
    };
    let step = StepRecord {
        progress: Some(progress),
        ..StepRecord::default()
    };
    let dead = Outcome::Dead(fieldbridge::model::Step::Message, failure("refused"));
    world
        .store
        .conclude(&token(&second), dead, step)
        .await
        .unwrap();
    let row = world.command(id, PersonMove::Retry).await.unwrap();
    assert_eq!(
        (row.state, row.attempts, row.due_at),
        (State::Queued, 0, None)
    );
    assert_eq!(
        row.progress,
        Progress {
            linked: true,
            ..Progress::default()
        }
    );
    assert_eq!(row.changed_by.as_deref(), Some("casey"));
    assert_eq!(world.get(id).await, row);
    assert_eq!(world.claim_one("alpha").await.attempts, 1);
    // One that waits for its retry goes at once and keeps its count.
    let other = world.accept(world.inbound("beta", "1")).await;
    let claimed = world.claim_one("beta").await;
    world.conclude(&claimed, retry_at(world.later(900))).await;
    assert_eq!(
        world
            .command(other, PersonMove::Retry)
            .await
            .unwrap()
            .attempts,
        1
    );
    let claimed = world.claim_one("beta").await;
    world
        .conclude(&claimed, Outcome::Skipped(SkipReason::Unchanged))
        .await;
    assert_eq!(
        world
            .command(other, PersonMove::Retry)
            .await
            .unwrap()
            .skipped,
        None
    );
    assert_eq!(world.claim_one("beta").await.id, other);
}

pub async fn discarding_and_restoring(world: World) {
    let dead = world.dead("alpha", "1", "refused").await;
    let row = world
        .command(dead, discard("duplicate ticket"))
        .await
        .unwrap();
    assert_eq!(row.state, State::Discarded);
    assert_eq!(
        row.discarded,
        Some(("casey".to_owned(), "duplicate ticket".to_owned()))
    );
    let row = world.command(dead, PersonMove::Restore).await.unwrap();
    assert_eq!((row.state, row.discarded), (State::Dead, None));
    assert_eq!(
        row.failure.map(|(_, failure)| failure.cause).as_deref(),
        Some("refused")
    );
    // One that never failed can be given up and taken back too.
    let queued = world.accept(world.inbound("alpha", "2")).await;
    world.command(queued, discard("test")).await.unwrap();
    assert!(world.claim(&["alpha"]).await.is_empty());
    assert_eq!(
        world
            .command(queued, PersonMove::Restore)
            .await
            .unwrap()
            .state,
        State::Dead
    );
    world.command(queued, PersonMove::Retry).await.unwrap();
    assert_eq!(world.claim_one("alpha").await.id, queued);
}

pub async fn every_command_leaves_a_line_in_the_audit_trail(world: World) {
    let id = world.dead("alpha", "1", "refused").await;
    world
        .command(id, discard("duplicate ticket"))
        .await
        .unwrap();
    let trail = world.store.audit_trail(10, None).await.unwrap();
    let line = &trail.items[0];
    assert_eq!(
        (line.by.as_str(), line.at, line.transaction),
        ("casey", world.now(), Some(id))
    );
    assert_eq!(line.connector, Some(connector("alpha")));
    assert!(line.action.contains("duplicate ticket"), "{}", line.action);
    assert_eq!(trail.next, None);
}

pub async fn the_audit_trail_pages_from_the_newest(world: World) {
    for number in 0..5_u128 {
        let entry = AuditEntry {
            id: TransactionId::from_u128(number + 1),
            at: world.now(),
            by: "casey".to_owned(),
            action: format!("did number {number}"),
            connector: None,
            transaction: None,
        };
        world.store.audit(entry).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = world.store.audit_trail(2, before).await.unwrap();
        seen.extend(page.items.into_iter().map(|line| line.action));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let wanted: Vec<_> = (0..5)
        .rev()
        .map(|number| format!("did number {number}"))
        .collect();
    assert_eq!(seen, wanted);
}

pub async fn an_unknown_transaction_is_not_found(world: World) {
    let unknown = TransactionId::from_u128(12345);
    let error = world.command(unknown, PersonMove::Retry).await.unwrap_err();
    assert!(
        matches!(error, StoreError::NotFound(id) if id == unknown),
        "{error}"
    );
    assert_eq!(world.store.transaction(unknown).await.unwrap(), None);
    assert!(world.store.journal(unknown).await.unwrap().is_empty());
}
