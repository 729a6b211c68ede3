//! Outbound: what happened to a work order is written on its record.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::attempt::{Attempt, End, Stepped};
use super::carry;
use super::changes::{self, Targets};
use super::map::Mapped;
use super::sequence;
use super::sides::{self, Side};
use crate::config::{ConnectorConfig, Features};
use crate::fieldnation::{is_complete, mapping_input};
use crate::mapping::Required;
use crate::model::{
    Category, Delivered, Direction, EventName, Failure, Intent, Marker, PayloadKind, Record,
    RecordId, SkipReason, Step, Target, Timestamp, WorkOrderId,
};
use crate::platform::{Capabilities, Found, Wish};
use crate::store::Correlation;

/// Carries one outbound transaction as far as it goes.
pub(super) async fn run(attempt: &mut Attempt) -> Stepped<()> {
    let (Some(work_order), Some(event)) =
        (attempt.transaction.work_order, attempt.transaction.event)
    else {
        return Err(End::Skipped(SkipReason::Filtered(
            "the event named no work order".into(),
        )));
    };
    take_link(attempt, work_order).await?;
    let body = attempt.kept(PayloadKind::Trigger).await?;
    let body = body.unwrap_or_default();
    let at = sequence::moment(&body);
    let input = fetch(attempt, work_order, event, &body).await?;
    correlate(attempt, work_order, &input).await?;
    let wants = Wants::of(attempt, event);
    let running = attempt.begin(Step::Filter);
    if attempt.correlation.is_none()
        && let Some(why) = not_to_be_created(&attempt.active.config, event)
    {
        return Err(attempt.stop(&running, SkipReason::Filtered(why.into())));
    }
    if wants.is_nothing() {
        let reason = wants.unable.map(|why| SkipReason::Filtered(why.into()));
        return Err(attempt.stop(&running, reason.unwrap_or(SkipReason::NoRule)));
    }
    attempt.end(running, Ok(()), |()| match wants.unable {
        Some(why) => format!("{event}; {why}"),
        None => event.to_string(),
    })?;
    match attempt.correlation.clone() {
        Some(mut correlation) => {
            sequence::reached(&mut correlation, at);
            update(attempt, &input, &wants, correlation).await
        }
        None => create(attempt, &input, work_order, at).await,
    }?;
    finish(attempt, &wants, work_order).await
}

/// Why a work order without a record gets none by this event; nothing if it does.
fn not_to_be_created(config: &ConnectorConfig, event: EventName) -> Option<&'static str> {
    if !config.outbound_create {
        Some("the work order is linked to no record, and Outbound Create is off")
    } else if event == EventName::Created {
        None
    } else {
        // The rules of other events say what changes and not all that a new record needs.
        Some("the work order is linked to no record, and only FN_WO_CREATED makes one")
    }
}

/// What an event is to bring about.
struct Wants {
    fields: bool,
    messages: bool,
    files: bool,
    /// What the connector is asked to carry and its platform can't, with these settings.
    unable: Option<&'static str>,
}

impl Wants {
    fn of(attempt: &Attempt, event: EventName) -> Self {
        Self {
            fields: attempt.active.mapping.listens_to(event),
            messages: attempt.active.notes_out() && event == EventName::MessagePosted,
            files: attempt.active.files_out() && event == EventName::ProviderUpload,
            unable: unable(&attempt.active.config.features, &attempt.active.able, event),
        }
    }

    fn is_nothing(&self) -> bool {
        !(self.fields || self.messages || self.files)
    }
}

/// Why what an event brings is not carried although the connector's file asks for it.
fn unable(features: &Features, able: &Capabilities, event: EventName) -> Option<&'static str> {
    match event {
        EventName::MessagePosted if features.messages.outbound() && !able.write_notes => Some(
            "features.messages asks for it, but with these settings the platform takes no notes",
        ),
        EventName::ProviderUpload if features.files.outbound() && !able.write_files => {
            Some("features.files asks for it, but with these settings the platform takes no files")
        }
        _ => None,
    }
}

/// Takes up the link to the record, if there is one.
async fn take_link(attempt: &mut Attempt, work_order: WorkOrderId) -> Stepped<()> {
    let known = attempt.shared.store.correlations_of(work_order).await?;
    let connector = &attempt.connector.id;
    let ours = known
        .into_iter()
        .find(|correlation| correlation.connector == *connector);
    if let Some(correlation) = ours {
        attempt.transaction.record = Some(correlation.record.clone());
        attempt.correlation = Some(correlation);
    }
    Ok(())
}

/// The work order as outbound rules read it: the event's own body when it is whole and fresh, else read anew.
async fn fetch(
    attempt: &mut Attempt,
    work_order: WorkOrderId,
    event: EventName,
    body: &Value,
) -> Stepped<Value> {
    if attempt.progress.fetched
        && let Some(input) = attempt.kept(PayloadKind::Source).await?
    {
        return Ok(input);
    }
    let at = sequence::moment(body);
    let running = attempt.begin(Step::Fetch);
    let told = &body["workorder"];
    let overtaken = sequence::is_overtaken(attempt.correlation.as_ref(), at);
    let fresh = attempt.transaction.attempts <= 1 && is_complete(told) && !overtaken;
    let read = if fresh {
        Ok(Some(told.clone()))
    } else {
        attempt.field_nation.fetch(&running.call, work_order).await
    };
    let document = match read {
        Ok(None) => return Err(attempt.stop(&running, SkipReason::Gone)),
        Ok(Some(document)) => Ok(document),
        Err(failure) => Err(failure),
    };
    let document = attempt.end(running, document, |_| {
        if fresh {
            "work order told by the event".into()
        } else if overtaken {
            format!("work order {work_order} as it is now: a later event came first")
        } else {
            format!("work order {work_order}")
        }
    })?;
    let marker = attempt.field_nation.marker_of(&document);
    let input = mapping_input(
        event,
        at,
        &document,
        &body["event"]["params"],
        marker.as_ref(),
    );
    attempt.identify(document["title"].as_str().unwrap_or_default());
    attempt.keep(PayloadKind::Source, &input);
    attempt.progress.fetched = true;
    attempt.save().await?;
    Ok(input)
}

/// Links the record that the work order's marker names, while the link is still to be written.
async fn correlate(attempt: &mut Attempt, work_order: WorkOrderId, input: &Value) -> Stepped<()> {
    if attempt.correlation.is_some() {
        return Ok(());
    }
    let id = attempt.connector.id.clone();
    let Some((connector, record)) = attempt
        .field_nation
        .marker_of(&input["workorder"])
        .and_then(|marker| marker.record())
    else {
        return Ok(());
    };
    if connector != id {
        return Err(End::Skipped(SkipReason::Filtered(format!(
            "the work order belongs to connector {connector}"
        ))));
    }
    let running = attempt.begin(Step::Link);
    attempt.link(Correlation {
        connector,
        record,
        work_order,
        linked_at: attempt.shared.now(),
        sent_to_work_order: Targets::new(),
        sent_to_record: Targets::new(),
        carried: BTreeMap::new(),
    });
    attempt.end(running, Ok(()), |()| {
        "linked by the marker that the work order carries".into()
    })?;
    attempt.save().await
}

async fn map(attempt: &mut Attempt, input: &Value, require: Required) -> Stepped<Mapped> {
    let id = &attempt.connector.id;
    let catalogue = attempt
        .shared
        .store
        .catalogue(id, Direction::Outbound)
        .await?;
    super::map::map(attempt, input, catalogue.as_deref(), require).await
}

async fn update(
    attempt: &mut Attempt,
    input: &Value,
    wants: &Wants,
    mut correlation: Correlation,
) -> Stepped<()> {
    let delivered = attempt.progress.delivered.is_some();
    if !wants.fields || (delivered && attempt.active.able.side_records.is_empty()) {
        return Ok(());
    }
    let record_id = correlation.record.clone();
    let mapped = map(attempt, input, Required::None).await?;
    let (fields, sides) = split(attempt, &mapped.targets, correlation.work_order)?;
    if delivered {
        // An earlier attempt wrote the record; what hangs on it may be still to come.
        return sides::put(attempt, &record_id, sides).await;
    }
    let base = base(attempt, &record_id).await?;
    let fresh = changes::since_seen(&fields, &base.fields);
    let running = attempt.begin(Step::Deliver);
    if fresh.is_empty() {
        let differ = sides::any_differs(&sides, &correlation);
        if !differ && !wants.messages && !wants.files {
            correlation.sent_to_record.extend(fields);
            attempt.link(correlation);
            return Err(attempt.stop(&running, SkipReason::Unchanged));
        }
        attempt.end(running, Ok(()), |()| "no field changed".into())?;
    } else {
        let changed = changes::nested(&fresh);
        attempt.keep(PayloadKind::Sent, &Value::Object(changed.clone()));
        attempt.save().await?;
        let result = attempt
            .active
            .platform
            .update(&running.call, &base, &changed)
            .await;
        let names: Vec<&str> = fresh.keys().map(String::as_str).collect();
        attempt.end(running, result, |()| {
            format!("record {record_id}: {}", names.join(", "))
        })?;
    }
    correlation.sent_to_record.extend(fields);
    attempt.progress.delivered = Some(Delivered {
        target: Target::Record(record_id.clone()),
        created: false,
    });
    attempt.link(correlation);
    sides::put(attempt, &record_id, sides).await
}

/// Parts the mapped targets into fields of the record and side records of their own.
fn split(
    attempt: &mut Attempt,
    targets: &Targets,
    work_order: WorkOrderId,
) -> Stepped<(Targets, Vec<Side>)> {
    match sides::split(&attempt.active.able.side_records, targets, work_order) {
        Ok(parts) => Ok(parts),
        Err(failure) => {
            let running = attempt.begin(Step::Validate);
            attempt.end(running, Err(failure), |_| String::new())
        }
    }
}

async fn base(attempt: &mut Attempt, id: &RecordId) -> Stepped<Record> {
    let running = attempt.begin(Step::Fetch);
    let result = attempt
        .active
        .platform
        .fetch(&running.call, id, Wish::default())
        .await;
    match result {
        Ok(None) => Err(attempt.stop(&running, SkipReason::Gone)),
        Ok(Some(record)) => attempt.end(running, Ok(record), |record| {
            format!("record {} as it is", record.id)
        }),
        Err(failure) => attempt.end(running, Err(failure), |_| String::new()),
    }
}

async fn create(
    attempt: &mut Attempt,
    input: &Value,
    work_order: WorkOrderId,
    at: Option<Timestamp>,
) -> Stepped<()> {
    let mapped = map(attempt, input, Required::All).await?;
    let (fields, sides) = split(attempt, &mapped.targets, work_order)?;
    let body = changes::nested(&fields);
    let marker = Marker::of_work_order(work_order);
    let record = match look_up(attempt, &marker).await? {
        Some(record) => record,
        None => send_create(attempt, &body, &marker).await?,
    };
    attempt.progress.delivered = Some(Delivered {
        target: Target::Record(record.clone()),
        created: true,
    });
    let running = attempt.begin(Step::Link);
    let mut correlation = Correlation {
        connector: attempt.connector.id.clone(),
        record: record.clone(),
        work_order,
        linked_at: attempt.shared.now(),
        sent_to_work_order: Targets::new(),
        sent_to_record: fields,
        carried: BTreeMap::new(),
    };
    sequence::reached(&mut correlation, at);
    attempt.link(correlation);
    attempt.end(running, Ok(()), |()| format!("record {record}"))?;
    attempt.save().await?;
    sides::put(attempt, &record, sides).await
}

/// After an attempt whose outcome is unknown: the record it may have made.
async fn look_up(attempt: &mut Attempt, marker: &Marker) -> Stepped<Option<RecordId>> {
    let Some(intent) = attempt.progress.intent.clone() else {
        return Ok(None);
    };
    let running = attempt.begin(Step::Deliver);
    let platform = attempt.active.platform.clone();
    let looked = match platform.find(&running.call, marker, intent.at).await {
        Err(failure) => Err(failure),
        Ok(Found::Absent) => Ok(None),
        Ok(Found::Records(ids)) => match ids.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            several => Err(uncertain(&format!(
                "{} records carry the marker {}",
                several.len(),
                marker.as_str()
            ))),
        },
        Ok(Found::NotYet(wait)) => Err(Failure::new(
            Category::Server,
            "the platform's search may not show the record yet",
        )
        .retry_after(Some(wait))),
        Ok(Found::CannotTell) => Err(uncertain(
            "the platform can't say whether the record of an earlier attempt exists",
        )),
    };
    attempt.end(running, looked, |found| match found {
        Some(id) => format!("found record {id} of an earlier attempt"),
        None => "looked for an earlier attempt's record: there is none".into(),
    })
}

fn uncertain(why: &str) -> Failure {
    Failure::new(
        Category::Uncertain,
        format!("uncertain: check by hand: {why}"),
    )
    .hint("Look on the platform for a record made from this work order. If there is none, retry.")
}

async fn send_create(
    attempt: &mut Attempt,
    body: &Map<String, Value>,
    marker: &Marker,
) -> Stepped<RecordId> {
    let running = attempt.begin(Step::Deliver);
    attempt.progress.intent = Some(Intent {
        at: attempt.shared.now(),
        marker: marker.as_str().to_owned(),
    });
    attempt.intend(
        &running,
        format!("create a record marked {}", marker.as_str()),
    );
    attempt.keep(PayloadKind::Sent, &Value::Object(body.clone()));
    attempt.save().await?;
    let result = attempt
        .active
        .platform
        .create(&running.call, body, marker)
        .await;
    if let Err(failure) = &result
        && failure.effect != crate::model::Effect::Unknown
    {
        attempt.progress.intent = None;
    }
    let created = attempt.end(running, result, |created| {
        format!("created record {}", created.id)
    })?;
    Ok(created.id)
}

async fn finish(attempt: &mut Attempt, wants: &Wants, work_order: WorkOrderId) -> Stepped<()> {
    let Some(record) = attempt.transaction.record.clone() else {
        return Ok(());
    };
    if wants.files {
        carry::files_to_record(attempt, work_order, &record).await?;
    }
    if wants.messages {
        carry::messages_to_record(attempt, work_order, &record).await?;
    }
    Ok(())
}
