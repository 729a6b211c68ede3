//! What a mapping would make of a sample, rule by rule.

use serde_json::{Map, Value};

use super::{Active, Answered, Shared, failed, in_force};
use crate::engine::changes;
use crate::engine::connectors::parse_mapping;
use crate::engine::control::{
    ControlError, MappingDraft, PreviewField, PreviewRequest, PreviewResult, Sample,
};
use crate::fieldnation::mapping_input;
use crate::http::Call;
use crate::mapping::{Evaluate, Evaluation, Mapping, MappingProblem, Problem, Required};
use crate::model::{
    ConnectorId, Direction, EventName, PayloadKind, Priority, Record, RecordId, Transaction,
};
use crate::platform::Wish;
use crate::store::Correlation;

/// A source to map, and what is known about it.
pub(super) struct Sampled {
    pub label: String,
    pub source: Value,
    pub record: Option<RecordId>,
    pub event: Option<EventName>,
    pub linked: bool,
}

pub(super) async fn preview(shared: &Shared, request: &PreviewRequest) -> Answered<PreviewResult> {
    let (connector, active) = in_force(shared, &request.connector)?;
    let mapping = mapping(&connector.mapping_file, &request.mapping)?;
    let sampled = sample(shared, &active, request).await?;
    let mapping = match mapping {
        Ok(mapping) => mapping,
        Err(problems) => return Ok(unreadable(sampled, problems)),
    };
    let correlation = match &sampled.record {
        Some(record) => shared.store.correlation(&connector.id, record).await?,
        None => None,
    };
    let event = request.event.or(sampled.event);
    let evaluation = evaluate(
        shared,
        &connector.id,
        &mapping,
        request.direction,
        event,
        &sampled,
    )
    .await?;
    let direction = request.direction;
    let findings =
        super::warnings::findings(shared, &connector.id, &active, &mapping, direction).await;
    let result = result(
        sampled,
        evaluation,
        &mapping,
        request.direction,
        correlation.as_ref(),
    );
    Ok(PreviewResult { findings, ..result })
}

/// A mapping as somebody is writing it, or what is wrong with it.
pub(super) fn mapping(
    file: &std::path::Path,
    draft: &MappingDraft,
) -> Answered<Result<Mapping, Vec<Problem>>> {
    let text = match draft {
        MappingDraft::Text(text) => text.clone(),
        MappingDraft::Current => std::fs::read_to_string(file).map_err(|error| {
            ControlError::Failed(format!("{} can't be read: {error}", file.display()))
        })?,
    };
    Ok(parse_mapping(file, &text))
}

/// The answer about a text that is no mapping.
fn unreadable(sampled: Sampled, findings: Vec<Problem>) -> PreviewResult {
    PreviewResult {
        label: sampled.label,
        source: sampled.source,
        output: Map::new(),
        fields: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
        trace: Vec::new(),
        findings,
        delivered: None,
    }
}

pub(super) async fn evaluate(
    shared: &Shared,
    connector: &ConnectorId,
    mapping: &Mapping,
    direction: Direction,
    event: Option<EventName>,
    sampled: &Sampled,
) -> Answered<Evaluation> {
    let catalogue = shared.store.catalogue(connector, direction).await?;
    let catalogue =
        catalogue.or_else(|| (direction == Direction::Inbound).then(super::usual_catalogue));
    let evaluate = Evaluate {
        direction,
        event,
        input: &sampled.source,
        target: catalogue.as_deref(),
        require: if sampled.linked {
            Required::None
        } else {
            Required::All
        },
    };
    let mut evaluation = shared.preview_evaluator.evaluate(mapping, evaluate).await;
    if direction == Direction::Inbound && evaluation.problems.is_empty() {
        let misfit = misfit(shared, &evaluation.output, evaluate.require).await;
        evaluation.problems.extend(misfit);
    }
    Ok(evaluation)
}

/// Why Field Nation would not take an output that its catalogue allows, if it would not.
async fn misfit(
    shared: &Shared,
    output: &Map<String, Value>,
    require: Required,
) -> Option<MappingProblem> {
    let field_nation = shared.field_nation.load_full()?;
    let call = Call::new(Priority::Background);
    let checked = match require {
        Required::All => field_nation.check_new(&call, output).await,
        Required::None => field_nation.check_change(&call, output).await,
    };
    checked.err().map(|failure| MappingProblem {
        rule: None,
        target: None,
        category: failure.category,
        reason: failure.cause,
        hint: failure.hint,
        position: None,
    })
}

async fn sample(shared: &Shared, active: &Active, request: &PreviewRequest) -> Answered<Sampled> {
    match &request.sample {
        Sample::Source(source) => Ok(Sampled {
            label: "a source given".into(),
            source: source.clone(),
            record: None,
            event: request.event,
            linked: false,
        }),
        Sample::Record(id) => fetched(active, id).await,
        Sample::Fetched {
            record,
            label,
            source,
        } => Ok(Sampled {
            label: label.clone(),
            source: source.clone(),
            record: Some(record.clone()),
            event: None,
            linked: false,
        }),
        Sample::Transaction(id) => {
            let transaction =
                shared.store.transaction(*id).await?.ok_or_else(|| {
                    ControlError::NotFound(format!("there is no transaction {id}"))
                })?;
            of_transaction(shared, active, &transaction).await
        }
    }
}

async fn fetched(active: &Active, id: &RecordId) -> Answered<Sampled> {
    let call = Call::new(Priority::Background);
    let record = active
        .platform
        .fetch(&call, id, Wish::default())
        .await
        .map_err(|failure| failed(&failure))?
        .ok_or_else(|| {
            ControlError::NotFound(format!("record {id} does not exist or can't be seen"))
        })?;
    Ok(Sampled {
        label: format!("record {id}: {}", record.label),
        source: record.fields,
        record: Some(record.id),
        event: None,
        linked: false,
    })
}

/// The source a transaction had; fetched anew when it never got that far.
pub(super) async fn of_transaction(
    shared: &Shared,
    active: &Active,
    transaction: &Transaction,
) -> Answered<Sampled> {
    if let Some(stored) = stored(shared, transaction).await? {
        return Ok(stored);
    }
    match (transaction.direction, &transaction.record) {
        (Direction::Inbound, Some(record)) => Ok(Sampled {
            linked: is_linked(shared, transaction).await?,
            ..fetched(active, record).await?
        }),
        (Direction::Inbound, None) => Err(ControlError::Refused(
            "the transaction names no record".into(),
        )),
        (Direction::Outbound, _) => Err(ControlError::Refused(
            "the transaction has no source to map".into(),
        )),
    }
}

/// The source a transaction had, if it is kept.
pub(super) async fn stored(
    shared: &Shared,
    transaction: &Transaction,
) -> Answered<Option<Sampled>> {
    let kept = shared
        .store
        .payload(transaction.id, PayloadKind::Source)
        .await?;
    let kept: Option<Value> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let linked = is_linked(shared, transaction).await?;
    let label = label(transaction);
    match (transaction.direction, kept) {
        (Direction::Inbound, Some(source)) => {
            let record: Record = serde_json::from_value(source).map_err(|error| {
                ControlError::Failed(format!("the stored source can't be read: {error}"))
            })?;
            Ok(Some(Sampled {
                label,
                source: record.fields,
                record: Some(record.id),
                event: None,
                linked,
            }))
        }
        (Direction::Inbound, None) => Ok(None),
        (Direction::Outbound, Some(source)) => Ok(Some(Sampled {
            label,
            source,
            record: transaction.record.clone(),
            event: transaction.event,
            linked,
        })),
        (Direction::Outbound, None) => told(shared, transaction, linked).await,
    }
}

async fn is_linked(shared: &Shared, transaction: &Transaction) -> Answered<bool> {
    let Some(record) = &transaction.record else {
        return Ok(false);
    };
    let correlation = shared.store.correlation(&transaction.connector, record);
    Ok(correlation.await?.is_some())
}

/// An outbound source from the event's own body.
async fn told(
    shared: &Shared,
    transaction: &Transaction,
    linked: bool,
) -> Answered<Option<Sampled>> {
    let body = shared
        .store
        .payload(transaction.id, PayloadKind::Trigger)
        .await?;
    let body: Option<Value> = body.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let (Some(body), Some(event)) = (body, transaction.event) else {
        return Ok(None);
    };
    let at = body["timestamp"]
        .as_str()
        .and_then(|text| text.parse().ok());
    Ok(Some(Sampled {
        label: label(transaction),
        source: mapping_input(
            event,
            at,
            &body["workorder"],
            &body["event"]["params"],
            None,
        ),
        record: transaction.record.clone(),
        event: Some(event),
        linked,
    }))
}

fn label(transaction: &Transaction) -> String {
    let subject = match (&transaction.record, transaction.work_order) {
        (Some(record), _) => format!("record {record}"),
        (None, Some(work_order)) => format!("work order {work_order}"),
        (None, None) => "a transaction".into(),
    };
    match &transaction.label {
        Some(label) => format!("{subject}: {label}"),
        None => subject,
    }
}

fn result(
    sampled: Sampled,
    evaluation: Evaluation,
    mapping: &Mapping,
    direction: Direction,
    correlation: Option<&Correlation>,
) -> PreviewResult {
    let sent = correlation.map(|correlation| match direction {
        Direction::Inbound => &correlation.sent_to_work_order,
        Direction::Outbound => &correlation.sent_to_record,
    });
    let was = |target: &str, written: Option<&Value>| {
        let before = sent?.get(target)?;
        let differs = written.is_none_or(|written| !changes::alike(before, written));
        differs.then(|| before.clone())
    };
    let rules = mapping.rules(direction);
    let action = |number: usize| {
        let rule = number.checked_sub(1).and_then(|place| rules.get(place));
        rule.map(|rule| rule.action.word().to_owned())
            .unwrap_or_default()
    };
    let fields = evaluation
        .fields
        .iter()
        .map(|field| PreviewField {
            rule: field.rule,
            action: action(field.rule),
            source: field.source.as_deref().map(str::to_owned),
            read: field.source_value.clone(),
            was: was(&field.target, field.value.as_ref()),
            target: field.target.to_string(),
            written: field.value.clone(),
            how: field.how.to_string(),
            problem: evaluation
                .problems
                .iter()
                .find(|problem| problem.rule == Some(field.rule))
                .map(ToString::to_string),
        })
        .collect();
    PreviewResult {
        label: sampled.label,
        source: sampled.source,
        fields,
        problems: evaluation
            .problems
            .iter()
            .map(|problem| (problem.rule, problem.to_string()))
            .collect(),
        warnings: evaluation
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect(),
        trace: evaluation.trace,
        output: evaluation.output,
        findings: Vec::new(),
        delivered: sent.map(changes::nested),
    }
}

/// The output of a sample, for a replay.
pub(super) fn output_of(
    evaluation: Evaluation,
) -> (Map<String, Value>, changes::Targets, Vec<String>) {
    let targets = evaluation
        .fields
        .iter()
        .filter_map(|field| Some((field.target.to_string(), field.value.clone()?)))
        .collect();
    let problems = evaluation
        .problems
        .iter()
        .map(ToString::to_string)
        .collect();
    (evaluation.output, targets, problems)
}
