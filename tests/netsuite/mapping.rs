//! The shipped mapping, held against what the stand-in's account has and what Field Nation takes.

use std::path::Path;

use fieldbridge::fieldnation::{FieldNation, mapping_input};
use fieldbridge::mapping::{
    Evaluate, Evaluation, Evaluator, Limits, Mapping, Required, WorkerProgram, check,
};
use fieldbridge::model::{Catalogue, Direction, EventName, Timestamp};
use fieldbridge::sandbox::ServiceDesk;
use serde_json::{Value, json};

use crate::bench::Bench;

fn shipped() -> Mapping {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/netsuite.toml");
    let text = std::fs::read_to_string(path).unwrap();
    Mapping::parse(&text, "netsuite.toml", None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn work_order_fields() -> Catalogue {
    Catalogue {
        fields: FieldNation::static_catalogue().to_vec(),
        read_at: Timestamp::UNIX_EPOCH,
    }
}

async fn evaluate(request: Evaluate<'_>) -> Evaluation {
    let evaluator = Evaluator::new(Limits::default(), WorkerProgram::this_binary());
    let made = evaluator.evaluate(&shipped(), request).await;
    assert!(made.problems.is_empty(), "{:?}", made.problems);
    made
}

#[tokio::test]
async fn nothing_about_it_is_to_be_warned_of() {
    let bench = Bench::open().await;
    let theirs = bench.platform.discover(&bench.call).await.unwrap();
    let ours = work_order_fields();
    for (direction, source, target) in [
        (Direction::Inbound, &theirs, &ours),
        (Direction::Outbound, &ours, &theirs),
    ] {
        let source = (direction == Direction::Inbound).then_some(source);
        let problems = check(&shipped(), direction, source, Some(target), None).await;
        assert!(problems.is_empty(), "{direction:?}: {problems:?}");
    }
}

#[tokio::test]
async fn a_case_becomes_a_work_order() {
    let bench = Bench::open().await;
    let case = json!({
        "title": "HB-0101 - Register 3 does not start",
        "phone": "555-0100",
        "email": "store.manager@example.com",
        "custevent_fn_scope": "The screen stays dark.",
        "custevent_fn_start": "2026-03-03T15:00:00Z",
        "custevent_site_address": "123 Test St",
        "custevent_site_city": "Minneapolis",
        "custevent_site_state": "Minnesota",
        "custevent_site_zip": "55401",
    });
    let id = bench.netsuite.open_case(&case).unwrap();
    let record = bench.fetch(id).await;
    let target = work_order_fields();
    let made = evaluate(Evaluate {
        direction: Direction::Inbound,
        event: None,
        input: &record.fields,
        target: Some(&target),
        require: Required::All,
    })
    .await;
    assert_eq!(
        Value::Object(made.output),
        json!({
            "title": "HB-0101 - Register 3 does not start",
            "description": {"html": "The screen stays dark."},
            "confidential": {"html": format!("NetSuite case #SC{id}")},
            "location": {"mode": "custom", "display_name": "Harborlight Retail", "address1": "123 Test St",
                         "city": "Minneapolis", "state": "Minnesota", "zip": "55401", "country": "US"},
            "contact": {"name": "Site contact", "email": "store.manager@example.com", "phone": "555-0100",
                        "role": "Location Contact"},
            "schedule": {"service_window": {"start": {"utc": "2026-03-03 15:00:00"}, "mode": "exact"}},
            "types_of_work": [{"id": 62, "isPrimary": true}],
            "pay": {"type": "fixed", "base": {"units": 1, "amount": 100}},
        })
    );
}

#[tokio::test]
async fn a_work_orders_life_is_written_on_its_case() {
    let bench = Bench::open().await;
    let id = bench.case();
    let tell = async |event: EventName, status: &str| {
        let order = json!({
            "id": 12345, "title": "x", "status": {"name": status}, "closing_notes": "Replaced the cable",
            "assignee": {"user": {"first_name": "Sample", "last_name": "Provider", "phone": "5550102"}},
        });
        let input = mapping_input(event, None, &order, &json!({}), None);
        let made = evaluate(Evaluate {
            direction: Direction::Outbound,
            event: Some(event),
            input: &input,
            target: None,
            require: Required::None,
        })
        .await;
        bench.update(id, Value::Object(made.output)).await.unwrap();
    };
    tell(EventName::Assigned, "Assigned").await;
    let case = bench.netsuite.case(id).unwrap();
    assert_eq!(case["status"]["refName"], "In Progress");
    assert_eq!(
        case["custevent_fn_technician"],
        "Sample Provider, phone 5550102"
    );
    assert_eq!(case["custevent_fn_work_order"], "FN-12345");
    tell(EventName::Done, "Work Done").await;
    let case = bench.netsuite.case(id).unwrap();
    assert_eq!(case["custevent_fn_closing_notes"], "Replaced the cable");
    assert_eq!(bench.netsuite.is_closed(id), Some(false));
    tell(EventName::Approved, "Approved").await;
    assert_eq!(bench.netsuite.is_closed(id), Some(true));
    assert_eq!(bench.netsuite.is_closed(9), None);
}
