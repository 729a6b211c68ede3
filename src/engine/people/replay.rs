//! Running a transaction again, in one of three ways, as a new transaction.

use bytes::Bytes;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::preview::{Sampled, evaluate, of_transaction, output_of};
use super::{Active, Answered, Shared, in_force};
use crate::engine::changes::{self, Targets};
use crate::engine::control::{ControlError, Replay, ReplayPlan};
use crate::http::Call;
use crate::model::{
    DeliveryKey, Direction, Origin, PayloadKind, Priority, Progress, State, Transaction,
    TransactionId,
};
use crate::platform::Wish;
use crate::store::{Acceptance, Accepted, AuditEntry, NewTransaction};

pub(super) async fn plan(
    shared: &Shared,
    id: TransactionId,
    replay: Replay,
) -> Answered<ReplayPlan> {
    let transaction = known(shared, id).await?;
    let (_, active) = in_force(shared, &transaction.connector)?;
    let (output, targets, problems) = match replay {
        Replay::SameOutput => {
            let output = stored_output(shared, id).await?;
            let targets = crate::mapping::flatten(&output).into_iter().collect();
            (output, targets, Vec::new())
        }
        Replay::Remap | Replay::Refetch => {
            let sampled = source(shared, &active, &transaction, replay).await?;
            let evaluation = evaluate(
                shared,
                &transaction.connector,
                &active.mapping,
                transaction.direction,
                transaction.event,
                &sampled,
            )
            .await?;
            output_of(evaluation)
        }
    };
    let would_send = would_send(shared, &transaction, &targets).await?;
    Ok(ReplayPlan {
        output,
        would_send,
        problems,
    })
}

async fn known(shared: &Shared, id: TransactionId) -> Answered<Transaction> {
    let transaction = shared.store.transaction(id).await?;
    transaction.ok_or_else(|| ControlError::NotFound(format!("there is no transaction {id}")))
}

async fn stored_output(shared: &Shared, id: TransactionId) -> Answered<Map<String, Value>> {
    let bytes = shared.store.payload(id, PayloadKind::Output).await?;
    match bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        Some(Value::Object(output)) => Ok(output),
        _ => Err(ControlError::Refused(
            "this transaction never got as far as an output; re-map or re-fetch it".into(),
        )),
    }
}

async fn source(
    shared: &Shared,
    active: &Active,
    transaction: &Transaction,
    replay: Replay,
) -> Answered<Sampled> {
    let sampled = of_transaction(shared, active, transaction).await?;
    let (Replay::Refetch, Direction::Inbound, Some(record)) =
        (replay, transaction.direction, &sampled.record)
    else {
        return Ok(sampled);
    };
    let fetched = active
        .platform
        .fetch(&Call::new(Priority::Live), record, Wish::default())
        .await
        .map_err(|failure| super::failed(&failure))?
        .ok_or_else(|| {
            ControlError::NotFound(format!("record {record} does not exist any more"))
        })?;
    Ok(Sampled {
        source: fetched.fields,
        ..sampled
    })
}

async fn would_send(
    shared: &Shared,
    transaction: &Transaction,
    targets: &Targets,
) -> Answered<Map<String, Value>> {
    let correlation = match &transaction.record {
        Some(record) => {
            shared
                .store
                .correlation(&transaction.connector, record)
                .await?
        }
        None => None,
    };
    let Some(correlation) = correlation else {
        return Ok(changes::nested(targets));
    };
    let sent = match transaction.direction {
        Direction::Inbound => &correlation.sent_to_work_order,
        Direction::Outbound => &correlation.sent_to_record,
    };
    Ok(changes::nested(&changes::since_sent(targets, sent)))
}

pub(super) async fn run(
    shared: &Shared,
    id: TransactionId,
    replay: Replay,
    output: Option<Map<String, Value>>,
    command: Uuid,
    by: &str,
) -> Answered<Transaction> {
    let original = known(shared, id).await?;
    if original.state.is_active() {
        return Err(ControlError::Refused(format!(
            "transaction {id} is {}; it will be tried by itself, or use retry",
            original.state.word()
        )));
    }
    let new = anew(shared, &original, replay, output).await?;
    let (new_id, trigger) = (
        new.id,
        shared.store.payload(id, PayloadKind::Trigger).await?,
    );
    let acceptance = Acceptance {
        at: shared.now(),
        // A command sent twice is accepted once.
        delivery: Some(DeliveryKey::new(format!("command|{command}"))),
        transactions: vec![new],
        body: trigger.unwrap_or_default(),
    };
    let id_now = match shared.store.accept(acceptance).await? {
        Accepted::Stored(ids) => ids.first().copied().unwrap_or(new_id),
        Accepted::Duplicate => {
            return Err(ControlError::Refused(
                "this replay was asked for already".into(),
            ));
        }
    };
    let entry = AuditEntry {
        id: TransactionId::generate(),
        at: shared.now(),
        by: by.to_owned(),
        action: format!("replayed transaction {id} ({replay:?}) as {id_now}"),
        connector: Some(original.connector.clone()),
        transaction: Some(id),
    };
    shared.store.audit(entry).await?;
    if original.state == State::Dead {
        supersede(shared, &original, id_now, by).await?;
    }
    shared.wake();
    known(shared, id_now).await
}

/// The dead one has its successor; leaving it dead would ask somebody to retry it a second time.
async fn supersede(
    shared: &Shared,
    original: &Transaction,
    successor: TransactionId,
    by: &str,
) -> Answered<()> {
    let command = crate::store::PersonCommand {
        id: Uuid::now_v7(),
        by: by.to_owned(),
        at: shared.now(),
        transaction: original.id,
        seen: None,
        action: crate::store::PersonMove::Discard {
            reason: format!("replayed as {successor}"),
        },
    };
    shared.store.command(command).await?;
    Ok(())
}

async fn anew(
    shared: &Shared,
    original: &Transaction,
    replay: Replay,
    output: Option<Map<String, Value>>,
) -> Answered<NewTransaction> {
    let (_, active) = in_force(shared, &original.connector)?;
    let source = shared
        .store
        .payload(original.id, PayloadKind::Source)
        .await?;
    let mut payloads = Vec::new();
    // A delivery whose outcome is unknown stays unknown in the replay: it looks before it creates.
    let mut progress = Progress {
        intent: original.progress.intent.clone(),
        ..Progress::default()
    };
    if replay != Replay::Refetch
        && let Some(source) = source
    {
        payloads.push((PayloadKind::Source, source));
        progress.fetched = true;
    }
    let output = match (output, replay) {
        (Some(edited), _) => Some(edited),
        (None, Replay::SameOutput) => Some(stored_output(shared, original.id).await?),
        (None, Replay::Remap | Replay::Refetch) => None,
    };
    if let Some(output) = output {
        payloads.push((
            PayloadKind::Output,
            Bytes::from(Value::Object(output).to_string()),
        ));
        progress.mapped = Some(active.mapping.version().clone());
    }
    Ok(NewTransaction {
        id: TransactionId::generate(),
        connector: original.connector.clone(),
        direction: original.direction,
        origin: Origin::Person,
        priority: Priority::Live,
        record: original.record.clone(),
        work_order: original.work_order,
        event: original.event,
        label: original.label.clone(),
        replays: Some(original.id),
        payloads,
        progress,
    })
}
