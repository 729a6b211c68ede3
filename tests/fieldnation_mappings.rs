//! The shipped mappings: well-formed, made for fields that there are, and of use as they stand.

use std::path::Path;

use fieldbridge::fieldnation::{FieldNation, mapping_input};
use fieldbridge::mapping::{
    Evaluate, Evaluation, Evaluator, Limits, Mapping, Required, Severity, WorkerProgram, check,
};
use fieldbridge::model::{Catalogue, Direction, EventName, Timestamp};
use serde_json::{Value, json};

fn shipped(name: &str) -> Mapping {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("mappings")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    Mapping::parse(&text, name, None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn catalogue() -> Catalogue {
    Catalogue {
        fields: FieldNation::static_catalogue().to_vec(),
        read_at: Timestamp::UNIX_EPOCH,
    }
}

async fn evaluate(
    mapping: &Mapping,
    direction: Direction,
    event: Option<EventName>,
    input: &Value,
) -> Evaluation {
    let evaluator = Evaluator::new(Limits::default(), WorkerProgram::this_binary());
    let target = catalogue();
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
    let evaluation = evaluator.evaluate(mapping, request).await;
    assert!(evaluation.problems.is_empty(), "{:?}", evaluation.problems);
    evaluation
}

#[tokio::test]
async fn their_targets_are_fields_of_a_work_order() {
    for name in ["connectwise.toml", "freshdesk.toml"] {
        let mapping = shipped(name);
        let problems = check(&mapping, Direction::Inbound, None, Some(&catalogue()), None).await;
        let wrong: Vec<_> = problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        assert!(!mapping.rules(Direction::Outbound).is_empty());
    }
}

#[tokio::test]
async fn a_connectwise_ticket_becomes_a_work_order() {
    let ticket = json!({
        "id": 69, "summary": "Replace the router", "initialDescription": "Bring a ladder",
        "company": {"id": 2, "name": "Sample Company"},
        "site": {"id": 28, "name": "Main", "addressLine1": "123 Test St", "city": "Minneapolis", "zip": "55401",
                 "stateReference": {"id": 5, "identifier": "MN", "name": "Minnesota"}, "country": {"id": 1, "name": "United States"}},
        "addressLine1": "An older address", "city": null, "stateIdentifier": "FL",
        "contactName": "Sample Contact", "contactPhoneNumber": "5550100", "contactEmailAddress": "contact@example.com",
        "requiredDate": "2026-07-01T09:00:00Z",
    });
    let made = evaluate(
        &shipped("connectwise.toml"),
        Direction::Inbound,
        None,
        &ticket,
    )
    .await;
    assert_eq!(
        Value::Object(made.output),
        json!({
            "title": "Replace the router",
            "description": {"html": "Bring a ladder"},
            "confidential": {"html": "ConnectWise ticket #69, Sample Company"},
            "location": {"mode": "custom", "display_name": "Main", "address1": "123 Test St", "city": "Minneapolis",
                         "state": "MN", "zip": "55401", "country": "United States"},
            "contact": {"name": "Sample Contact", "phone": "5550100", "email": "contact@example.com",
                        "role": "Location Contact"},
            "schedule": {"service_window": {"start": {"utc": "2026-07-01 09:00:00"}, "mode": "exact"}},
            "types_of_work": [{"id": 62, "isPrimary": true}],
            "pay": {"type": "fixed", "base": {"units": 1, "amount": 100}},
        })
    );
}

#[tokio::test]
async fn a_freshdesk_ticket_becomes_a_work_order() {
    let ticket = json!({
        "id": 11, "subject": "Printer broken", "description_text": "It smokes", "due_by": "2026-07-01T09:00:00Z",
        "custom_fields": {"cf_site_address": "123 Test St", "cf_site_city": "Minneapolis", "cf_site_state": "Minnesota",
                          "cf_site_zip": "55401"},
        "requester": {"id": 7, "name": "Sample Customer", "email": "customer@example.com", "phone": null, "mobile": "5550101"},
    });
    let made = evaluate(
        &shipped("freshdesk.toml"),
        Direction::Inbound,
        None,
        &ticket,
    )
    .await;
    let output = Value::Object(made.output);
    assert_eq!(output["title"], "Printer broken");
    assert_eq!(output["location"]["address1"], "123 Test St");
    assert_eq!(output["location"]["display_name"], "Sample Customer");
    assert_eq!(output["contact"]["phone"], "5550101");
    assert_eq!(
        output["schedule"]["service_window"]["start"]["utc"],
        "2026-07-01 09:00:00"
    );
}

fn assigned() -> Value {
    let order = json!({
        "id": 12345, "title": "x", "status": {"id": 3, "name": "Assigned"},
        "assignee": {"user": {"id": 9, "first_name": "Sample", "last_name": "Provider", "phone": "5550102"}},
        "schedule": {"service_window": {"start": {"utc": "2026-07-01 09:00:00"}, "end": {"utc": "2026-07-01 11:00:00"}}},
    });
    mapping_input(EventName::Assigned, None, &order, &json!({}), None)
}

#[tokio::test]
async fn an_assignment_reaches_both_platforms() {
    let event = Some(EventName::Assigned);
    let made = evaluate(
        &shipped("connectwise.toml"),
        Direction::Outbound,
        event,
        &assigned(),
    )
    .await;
    assert_eq!(
        Value::Object(made.output),
        json!({
            "status": {"name": "Scheduled"},
            "internalAnalysis": "Field Nation work order 12345: assigned to Sample Provider, phone 5550102",
            "schedule": {"dateStart": "2026-07-01T09:00:00Z", "dateEnd": "2026-07-01T11:00:00Z"},
        })
    );
    let made = evaluate(
        &shipped("freshdesk.toml"),
        Direction::Outbound,
        event,
        &assigned(),
    )
    .await;
    assert_eq!(made.output["status"], 3);
    assert_eq!(
        made.output["custom_fields"],
        json!({"cf_fn_work_order": "FN-12345"})
    );
}

#[tokio::test]
async fn a_message_changes_no_status() {
    for name in ["connectwise.toml", "freshdesk.toml"] {
        let made = evaluate(
            &shipped(name),
            Direction::Outbound,
            Some(EventName::MessagePosted),
            &assigned(),
        )
        .await;
        assert!(!made.output.contains_key("status"), "{name}");
    }
}
