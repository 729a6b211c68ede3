//! Inbound: a record becomes, or changes, a work order.

use serde_json::Value;

use super::attempt::{Attempt, End, Stepped};
use super::carry;
use super::changes::{self, Targets};
use super::map::Mapped;
use crate::fieldnation::{Found, Likeness};
use crate::mapping::Required;
use crate::model::{
    Category, Delivered, Direction, Failure, Intent, Marker, PayloadKind, Record, RecordId,
    SkipReason, Step, Target, WorkOrderId,
};
use crate::platform::Wish;
use crate::store::Correlation;

/// Carries one inbound transaction as far as it goes.
pub(super) async fn run(attempt: &mut Attempt) -> Stepped<()> {
    let Some(record_id) = attempt.transaction.record.clone() else {
        return Err(End::Skipped(SkipReason::Filtered(
            "the trigger named no record".into(),
        )));
    };
    let connector = attempt.connector.id.clone();
    attempt.correlation = attempt
        .shared
        .store
        .correlation(&connector, &record_id)
        .await?;
    let record = fetch(attempt, &record_id).await?;
    if !delivered(attempt) {
        filter(attempt, &record)?;
        let mapped = map(attempt, &record).await?;
        match attempt.correlation.clone() {
            Some(correlation) => update(attempt, &record, mapped, correlation).await?,
            None => create(attempt, &record, mapped).await?,
        }
    }
    finish(attempt, &record).await
}

fn delivered(attempt: &Attempt) -> bool {
    attempt.progress.delivered.is_some() && attempt.progress.linked
}

async fn fetch(attempt: &mut Attempt, id: &RecordId) -> Stepped<Record> {
    if attempt.progress.fetched
        && let Some(source) = attempt.kept(PayloadKind::Source).await?
        && let Ok(record) = serde_json::from_value::<Record>(source)
    {
        return Ok(record);
    }
    let wish = Wish {
        notes: attempt.active.notes_in(),
        files: attempt.active.files_in() && attempt.correlation.is_none(),
    };
    let running = attempt.begin(Step::Fetch);
    let result = attempt.active.platform.fetch(&running.call, id, wish).await;
    let record = match result {
        Ok(None) => return Err(attempt.stop(&running, SkipReason::Gone)),
        Ok(Some(record)) => attempt.end(running, Ok(record), |record| record.label.clone())?,
        Err(failure) => attempt.end(running, Err(failure), |_| String::new())?,
    };
    attempt.identify(&record.label);
    attempt.keep(
        PayloadKind::Source,
        &serde_json::to_value(&record).unwrap_or_default(),
    );
    // Reading changes nothing outside, so it goes to disk with what comes next: the intent, or the end.
    attempt.progress.fetched = true;
    Ok(record)
}

/// A record that is linked already is kept in step whatever its status; the filter guards the creation.
fn filter(attempt: &mut Attempt, record: &Record) -> Stepped<()> {
    let running = attempt.begin(Step::Filter);
    if attempt.correlation.is_some() {
        return attempt.end(running, Ok(()), |()| "linked already".into());
    }
    match attempt.active.platform.wants(record) {
        Ok(()) => attempt.end(running, Ok(()), |()| "wanted".into()),
        Err(why) => Err(attempt.stop(&running, SkipReason::Filtered(why))),
    }
}

async fn map(attempt: &mut Attempt, record: &Record) -> Stepped<Mapped> {
    let require = if attempt.correlation.is_none() {
        Required::All
    } else {
        Required::None
    };
    let id = &attempt.connector.id;
    let catalogue = attempt
        .shared
        .store
        .catalogue(id, Direction::Inbound)
        .await?;
    let catalogue = catalogue.unwrap_or_else(super::people::usual_catalogue);
    let mapped = super::map::map(attempt, &record.fields, Some(&catalogue), require).await?;
    let running = attempt.begin(Step::Validate);
    attempt.end(running, Ok(()), |()| "the catalogue allows it".into())?;
    Ok(mapped)
}

async fn create(attempt: &mut Attempt, record: &Record, mapped: Mapped) -> Stepped<()> {
    let marker = Marker::of_record(&attempt.connector.id, &record.id);
    let earlier = attempt.progress.intent.clone();
    let running = attempt.begin(Step::Deliver);
    let field_nation = attempt.field_nation.clone();
    if let Some(intent) = earlier {
        let likeness = Likeness {
            output: &mapped.output,
            since: intent.at,
        };
        let looked = field_nation.find(&running.call, &marker, likeness).await;
        let looked = unclaimed(attempt, &record.id, looked).await?;
        if let Some(found) = attempt.end_look_up(running, looked)? {
            return adopt(attempt, record, mapped, found, false).await;
        }
        return send_create(attempt, record, mapped, &marker).await;
    }
    attempt.progress.intent = Some(Intent {
        at: attempt.shared.now(),
        marker: marker.as_str().to_owned(),
    });
    attempt.intend(
        &running,
        format!("create a work order marked {}", marker.as_str()),
    );
    attempt.keep(PayloadKind::Sent, &Value::Object(mapped.output.clone()));
    attempt.save().await?;
    send_create(attempt, record, mapped, &marker).await
}

/// A work order that only looks like ours may be another record's: one that is linked already is not adopted.
async fn unclaimed(
    attempt: &Attempt,
    record: &RecordId,
    looked: Result<Found, Failure>,
) -> Stepped<Result<Found, Failure>> {
    let Ok(Found::WorkOrders(ids)) = &looked else {
        return Ok(looked);
    };
    for id in ids {
        let linked = attempt.shared.store.correlations_of(*id).await?;
        let is_others = |correlation: &Correlation| {
            correlation.connector != attempt.connector.id || correlation.record != *record
        };
        if linked.iter().any(is_others) {
            return Ok(Ok(Found::Uncertain(format!(
                "work order {id} looks like it but belongs to another record"
            ))));
        }
    }
    Ok(looked)
}

async fn send_create(
    attempt: &mut Attempt,
    record: &Record,
    mapped: Mapped,
    marker: &Marker,
) -> Stepped<()> {
    let running = attempt.begin(Step::Deliver);
    let field_nation = attempt.field_nation.clone();
    let result = field_nation
        .create(&running.call, &mapped.output, marker)
        .await;
    if let Err(failure) = &result
        && failure.effect != crate::model::Effect::Unknown
    {
        // Refused for certain: the next attempt need not look for what can't be there.
        attempt.progress.intent = None;
    }
    let created = attempt.end(running, result, |created| {
        match created.not_stored.as_slice() {
            [] => format!("created work order {}", created.id),
            missing => format!(
                "created work order {}; not stored: {}",
                created.id,
                missing.join("; ")
            ),
        }
    })?;
    let not_stored = created.not_stored;
    adopt(attempt, record, mapped, created.id, true).await?;
    if not_stored.is_empty() {
        return Ok(());
    }
    attempt.save().await?;
    Err(End::Failed(
        Step::Validate,
        Failure::new(
            Category::Validation,
            format!("Field Nation did not store what was sent: {}", not_stored.join("; ")),
        )
        .hint("The work order exists and is linked. Correct the mapping's shape for these fields, then retry: it updates them."),
    ))
}

/// The work order is there: write the delivery and the correlation in one commit.
async fn adopt(
    attempt: &mut Attempt,
    record: &Record,
    mapped: Mapped,
    work_order: WorkOrderId,
    created: bool,
) -> Stepped<()> {
    attempt.progress.delivered = Some(Delivered {
        target: Target::WorkOrder(work_order),
        created,
    });
    let running = attempt.begin(Step::Link);
    attempt.link(Correlation {
        connector: attempt.connector.id.clone(),
        record: record.id.clone(),
        work_order,
        linked_at: attempt.shared.now(),
        sent_to_work_order: mapped.targets,
        sent_to_record: Targets::new(),
        // The conversation that led to the dispatch is in the description; messages begin with the work order.
        carried: record
            .notes
            .iter()
            .map(|note| (carry::note_key(&note.id), String::new()))
            .collect(),
    });
    attempt.end(running, Ok(()), |()| format!("work order {work_order}"))?;
    if has_more_to_do(attempt, record) {
        attempt.save().await?;
    }
    Ok(())
}

async fn update(
    attempt: &mut Attempt,
    record: &Record,
    mapped: Mapped,
    mut correlation: Correlation,
) -> Stepped<()> {
    let differing = changes::since_sent(&mapped.targets, &correlation.sent_to_work_order);
    let fresh = without_echoes(&differing, &mapped, record, &correlation);
    let work_order = correlation.work_order;
    let running = attempt.begin(Step::Deliver);
    if fresh.is_empty() && !carry::has_new_notes(attempt, record) {
        let reason = if differing.is_empty() {
            SkipReason::Unchanged
        } else {
            SkipReason::Echo
        };
        correlation.sent_to_work_order.extend(differing);
        attempt.link(correlation);
        return Err(attempt.stop(&running, reason));
    }
    if fresh.is_empty() {
        attempt.end(running, Ok(()), |()| "no field changed".into())?;
    } else {
        let changes = changes::nested(&fresh);
        attempt.keep(PayloadKind::Sent, &Value::Object(changes.clone()));
        attempt.save().await?;
        let field_nation = attempt.field_nation.clone();
        let result = field_nation
            .update(&running.call, work_order, &changes)
            .await;
        let names: Vec<&str> = fresh.keys().map(String::as_str).collect();
        attempt.end(running, result, |()| {
            format!("work order {work_order}: {}", names.join(", "))
        })?;
    }
    attempt.progress.delivered = Some(Delivered {
        target: Target::WorkOrder(work_order),
        created: false,
    });
    correlation.sent_to_work_order.extend(differing);
    attempt.link(correlation);
    Ok(())
}

/// Leaves out what is our own outbound write coming back: the source path still holds the value we wrote there.
fn without_echoes(
    differing: &Targets,
    mapped: &Mapped,
    record: &Record,
    correlation: &Correlation,
) -> Targets {
    let is_echo = |target: &str| {
        let mut sources = mapped.sources.iter().filter(|(path, _)| path == target);
        sources.any(|(_, source)| {
            correlation
                .sent_to_record
                .get(source)
                .is_some_and(|written| {
                    changes::alike(&changes::read(source, &record.fields), written)
                })
        })
    };
    differing
        .iter()
        .filter(|(target, _)| !is_echo(target))
        .map(|(target, value)| (target.clone(), value.clone()))
        .collect()
}

fn has_more_to_do(attempt: &Attempt, record: &Record) -> bool {
    attempt.active.config.features.publish
        || (attempt.active.files_in() && !record.files.is_empty())
        || carry::has_new_notes(attempt, record)
}

/// Publish, files, messages: each its own journaled step.
async fn finish(attempt: &mut Attempt, record: &Record) -> Stepped<()> {
    let Some(work_order) = attempt.transaction.work_order else {
        return Ok(());
    };
    let created = attempt
        .progress
        .delivered
        .as_ref()
        .is_some_and(|delivered| delivered.created);
    if created && attempt.active.config.features.publish {
        publish(attempt, work_order).await?;
    }
    if attempt.active.files_in() {
        carry::files_to_work_order(attempt, record, work_order).await?;
    }
    if attempt.active.notes_in() {
        carry::notes_to_work_order(attempt, record, work_order).await?;
    }
    Ok(())
}

async fn publish(attempt: &mut Attempt, work_order: WorkOrderId) -> Stepped<()> {
    const PUBLISHED: &str = "publish";
    if attempt
        .progress
        .carried
        .iter()
        .any(|done| done == PUBLISHED)
    {
        return Ok(());
    }
    let running = attempt.begin(Step::Deliver);
    let field_nation = attempt.field_nation.clone();
    let result = field_nation.publish(&running.call, work_order).await;
    attempt.end(running, result, |()| {
        format!("published work order {work_order}")
    })?;
    attempt.progress.carried.push(PUBLISHED.to_owned());
    attempt.save().await
}

impl Attempt {
    /// Ends a look-up before a create: the one work order found, none for certain, or a failure that asks a person.
    fn end_look_up(
        &mut self,
        running: super::attempt::Running,
        looked: Result<Found, Failure>,
    ) -> Stepped<Option<WorkOrderId>> {
        let decided = looked.and_then(|found| match found {
            Found::WorkOrders(ids) => match ids.as_slice() {
                [] => Ok(None),
                [one] => Ok(Some(*one)),
                several => Err(Failure::new(
                    Category::Uncertain,
                    format!("{} work orders carry this record's marker: {several:?}", several.len()),
                )
                .hint("Check by hand which one is right, cancel the others, then retry.")),
            },
            Found::Absent => Ok(None),
            Found::Uncertain(why) => Err(Failure::new(Category::Uncertain, format!("uncertain: check by hand: {why}"))
                .hint("Look in Field Nation for a work order made from this record. If there is none, retry.")),
        });
        self.end(running, decided, |found| match found {
            Some(id) => format!("found work order {id} of an earlier attempt"),
            None => "looked for an earlier attempt's work order: there is none".into(),
        })
    }
}
