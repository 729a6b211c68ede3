//! The mapping that a new connector begins with, against the stand-in's records and fields.

use fieldbridge::config::default_mapping;
use fieldbridge::fieldnation::{FieldNation, mapping_input};
use fieldbridge::mapping::{Evaluate, Evaluator, Limits, Mapping, Required, WorkerProgram, check};
use fieldbridge::model::{Catalogue, Direction, EventName, PlatformKind, Timestamp};
use fieldbridge::sandbox::ServiceDesk;
use serde_json::{Map, Value, json};

use crate::bench::{Scene, simple};

fn shipped() -> Mapping {
    let text = default_mapping(PlatformKind::ServiceNow);
    Mapping::parse(text, "servicenow.toml", None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn work_order_fields() -> Catalogue {
    Catalogue {
        fields: FieldNation::static_catalogue().to_vec(),
        read_at: Timestamp::UNIX_EPOCH,
    }
}

async fn evaluate(
    direction: Direction,
    event: Option<EventName>,
    input: &Value,
) -> Map<String, Value> {
    let evaluator = Evaluator::new(Limits::default(), WorkerProgram::this_binary());
    let target = work_order_fields();
    let inbound = direction == Direction::Inbound;
    let request = Evaluate {
        direction,
        event,
        input,
        target: inbound.then_some(&target),
        require: if inbound {
            Required::All
        } else {
            Required::None
        },
    };
    let evaluation = evaluator.evaluate(&shipped(), request).await;
    assert!(evaluation.problems.is_empty(), "{:?}", evaluation.problems);
    evaluation.output
}

#[tokio::test]
async fn a_check_against_both_sides_has_nothing_to_say() {
    let scene = Scene::plain().await;
    let records = scene.platform.discover(&scene.call).await.unwrap();
    let mapping = shipped();
    let inbound = check(
        &mapping,
        Direction::Inbound,
        Some(&records),
        Some(&work_order_fields()),
        None,
    )
    .await;
    assert!(inbound.is_empty(), "{inbound:?}");
    // Which fields a caller's own policies require is the concern of those who create: caller_id is left to them.
    let outbound = check(&mapping, Direction::Outbound, None, Some(&records), None).await;
    let said: Vec<&str> = outbound
        .iter()
        .map(|problem| problem.what.as_str())
        .collect();
    assert!(
        said.iter().all(|what| what.contains("`caller_id`")),
        "{said:?}"
    );
}

#[tokio::test]
async fn an_incident_becomes_a_work_order() {
    let scene = Scene::plain().await;
    let place = scene
        .instance
        .id_of("cmn_location", "name", "HB-0101")
        .unwrap();
    let (_, id) = scene.incident(&json!({
        "short_description": "Replace the router", "description": "Bring a ladder", "location": place,
        "expected_start": "2026-07-01 09:00:00",
    }));
    let output = evaluate(Direction::Inbound, None, &scene.fetch(&id).await.fields).await;
    assert_eq!(
        Value::Object(output),
        json!({
            "title": "Replace the router",
            "description": {"html": "Bring a ladder"},
            "confidential": {"html": "ServiceNow record INC0010001"},
            "location": {"mode": "custom", "display_name": "HB-0101", "address1": "101 Sample Plaza", "city": "Minneapolis",
                         "state": "MN", "zip": "55401", "country": "US"},
            "contact": {"name": "Store Manager", "email": "store.manager@example.com", "phone": "555-0100", "role": "Location Contact"},
            "schedule": {"service_window": {"start": {"utc": "2026-07-01 09:00:00"}, "mode": "exact"}},
            "types_of_work": [{"id": 62, "isPrimary": true}],
            "pay": {"type": "fixed", "base": {"units": 1, "amount": 100}},
        })
    );
}

#[tokio::test]
async fn a_work_orders_life_is_written_on_its_incident() {
    let scene = Scene::plain().await;
    let (ticket, id) = scene.incident(&simple());
    for (event, status, state) in [
        (EventName::Assigned, "Assigned", "2"),
        (EventName::Done, "Work Done", "6"),
        (EventName::Approved, "Approved", "7"),
    ] {
        let order = json!({
            "id": 12345, "title": "x", "status": {"id": 3, "name": status}, "closing_notes": "Replaced the router.",
            "assignee": {"user": {"id": 9, "first_name": "Sample", "last_name": "Provider", "phone": "5550102"}},
            "schedule": {"service_window": {"start": {"utc": "2026-07-01 09:00:00"}}},
        });
        let input = mapping_input(event, None, &order, &json!({}), None);
        let changes = evaluate(Direction::Outbound, Some(event), &input).await;
        scene.update(&id, &Value::Object(changes)).await.unwrap();
        assert_eq!(scene.instance.record(ticket)["state"], state, "{event}");
        assert_eq!(
            scene.instance.is_closed(ticket),
            Some(event == EventName::Approved)
        );
    }
    let record = scene.instance.record(ticket);
    assert_eq!(record["correlation_id"], "FN-12345");
    assert_eq!(record["close_notes"], "Replaced the router.");
    let notes = scene.instance.notes(ticket);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].2.contains("assigned to Sample Provider"),
        "{notes:?}"
    );
}
