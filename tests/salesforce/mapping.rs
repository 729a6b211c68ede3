//! The shipped mapping, on records of the stand-in.

use fieldbridge::fieldnation::{FieldNation, mapping_input};
use fieldbridge::mapping::{
    Evaluate, Evaluator, Limits, Mapping, MappingProblem, Required, WorkerProgram, check,
};
use fieldbridge::model::{Catalogue, Direction, EventName, RecordId, Timestamp};
use fieldbridge::sandbox::{Case, Flaw, ServiceDesk};
use serde_json::{Value, json};

use super::bench::{Bench, NOW};

fn shipped() -> Mapping {
    let text = include_str!("../../mappings/salesforce.toml");
    Mapping::parse(text, "salesforce.toml", None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn work_orders() -> Catalogue {
    Catalogue {
        fields: FieldNation::static_catalogue().to_vec(),
        read_at: Timestamp::UNIX_EPOCH,
    }
}

/// What the mapping makes, or all that is wrong.
async fn attempt(
    direction: Direction,
    event: Option<EventName>,
    input: &Value,
) -> Result<Value, Vec<MappingProblem>> {
    let target = work_orders();
    let is_inbound = direction == Direction::Inbound;
    let request = Evaluate {
        direction,
        event,
        input,
        target: is_inbound.then_some(&target),
        require: if is_inbound {
            Required::All
        } else {
            Required::None
        },
    };
    let evaluator = Evaluator::new(Limits::default(), WorkerProgram::this_binary());
    let made = evaluator.evaluate(&shipped(), request).await;
    if made.problems.is_empty() {
        Ok(Value::Object(made.output))
    } else {
        Err(made.problems)
    }
}

async fn evaluate(direction: Direction, event: Option<EventName>, input: &Value) -> Value {
    attempt(direction, event, input).await.unwrap()
}

#[tokio::test]
async fn nothing_is_doubtful_about_it() {
    let bench = Bench::plain().await;
    let cases = bench.platform.discover(&bench.call).await.unwrap();
    let orders = work_orders();
    let inbound = check(
        &shipped(),
        Direction::Inbound,
        Some(&cases),
        Some(&orders),
        None,
    )
    .await;
    assert!(inbound.is_empty(), "{inbound:?}");
    let outbound = check(&shipped(), Direction::Outbound, None, Some(&cases), None).await;
    assert!(outbound.is_empty(), "{outbound:?}");
}

#[tokio::test]
async fn a_case_becomes_a_work_order() {
    let bench = Bench::plain().await;
    let start = "2026-07-02T15:00:00Z".parse().unwrap();
    let ticket = bench.org.open(&Case::plain(1, start)).unwrap();
    let id = RecordId::new(bench.org.record_id(ticket));
    let record = bench.fetch(&id).await;
    let made = evaluate(Direction::Inbound, None, &record.fields).await;
    assert_eq!(made["title"], "Switch port dead (case 1)");
    assert_eq!(made["confidential"]["html"], "Salesforce case 00001026");
    assert_eq!(made["location"]["state"], "OH");
    assert_eq!(made["location"]["address1"], "220 Placeholder Ave");
    assert_eq!(made["contact"]["phone"], "+1 612 555 0100");
    assert_eq!(
        made["schedule"]["service_window"]["start"]["utc"],
        "2026-07-02 15:00:00"
    );
}

#[tokio::test]
async fn a_flawed_case_is_no_work_order() {
    let bench = Bench::plain().await;
    let attempt = async |flaw: Flaw| {
        let mut case = Case::plain(1, NOW.parse().unwrap());
        case.flaw = Some(flaw);
        let ticket = bench.org.open(&case).unwrap();
        let id = RecordId::new(bench.org.record_id(ticket));
        let record = bench.fetch(&id).await;
        attempt(Direction::Inbound, None, &record.fields).await
    };
    let problems = attempt(Flaw::NoState).await.unwrap_err();
    assert_eq!(problems[0].target.as_deref(), Some("location.state"));
    // The mapping can't know what Field Nation refuses.
    let made = attempt(Flaw::UnknownValue).await.unwrap();
    assert_eq!(made["location"]["state"], "Minn.");
}

#[tokio::test]
async fn an_approved_work_order_closes_its_case() {
    let bench = Bench::plain().await;
    let ticket = bench
        .org
        .open(&Case::plain(1, NOW.parse().unwrap()))
        .unwrap();
    bench.org.dispatch(ticket).unwrap();
    let id = RecordId::new(bench.org.record_id(ticket));
    assert_eq!(bench.org.ticket_of(id.as_str()), Some(ticket));
    assert_eq!(bench.org.is_closed(ticket), Some(false));
    for (event, status) in [
        (EventName::Assigned, "Assigned"),
        (EventName::Approved, "Approved"),
    ] {
        let order = json!({"id": 12345, "status": {"name": status}, "assignee": {"user": {"first_name": "Sample", "last_name": "Provider"}}});
        let input = mapping_input(event, None, &order, &json!({}), None);
        let made = evaluate(Direction::Outbound, Some(event), &input).await;
        let base = bench.fetch(&id).await;
        bench
            .platform
            .update(&bench.call, &base, made.as_object().unwrap())
            .await
            .unwrap();
    }
    assert_eq!(bench.org.is_closed(ticket), Some(true));
    assert_eq!(bench.row(&id)["FN_Work_Order__c"], "FN-12345");
    assert_eq!(bench.fetch(&id).await.notes.len(), 1);
}
