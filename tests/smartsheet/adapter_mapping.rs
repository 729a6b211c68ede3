//! The shipped mapping, held against the stand-in's sheet: a row becomes a work order, and an approval closes the row.

use std::path::Path;

use fieldbridge::fieldnation::{FieldNation, mapping_input};
use fieldbridge::mapping::{
    Evaluate, Evaluation, Evaluator, Limits, Mapping, Required, WorkerProgram, check,
};
use fieldbridge::model::{Catalogue, Direction, EventName, Timestamp};
use fieldbridge::sandbox::ServiceDesk;
use serde_json::{Value, json};

use super::scene::{Scene, fields};

fn shipped() -> Mapping {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/smartsheet.toml");
    let text = std::fs::read_to_string(path).unwrap();
    Mapping::parse(&text, "smartsheet.toml", None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn work_orders() -> Catalogue {
    Catalogue {
        fields: FieldNation::static_catalogue().to_vec(),
        read_at: Timestamp::UNIX_EPOCH,
    }
}

async fn evaluate(event: Option<EventName>, input: &Value) -> Evaluation {
    let evaluator = Evaluator::new(Limits::default(), WorkerProgram::this_binary());
    let target = work_orders();
    let request = match event {
        None => Evaluate {
            direction: Direction::Inbound,
            event,
            input,
            target: Some(&target),
            require: Required::All,
        },
        Some(_) => Evaluate {
            direction: Direction::Outbound,
            event,
            input,
            target: None,
            require: Required::None,
        },
    };
    let evaluation = evaluator.evaluate(&shipped(), request).await;
    assert!(evaluation.problems.is_empty(), "{:?}", evaluation.problems);
    evaluation
}

#[tokio::test]
async fn the_mapping_has_neither_errors_nor_warnings_against_the_sheet() {
    let scene = Scene::open("").await;
    let sheet = scene.platform.discover(&scene.call).await.unwrap();
    let orders = work_orders();
    let mapping = shipped();
    for (direction, source, target) in [
        (Direction::Inbound, Some(&sheet), Some(&orders)),
        (Direction::Outbound, None, Some(&sheet)),
    ] {
        let problems = check(&mapping, direction, source, target, None).await;
        assert!(problems.is_empty(), "{direction:?}: {problems:?}");
    }
}

#[tokio::test]
async fn a_row_becomes_a_work_order() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let place = json!({"Site name": "HB-0101", "Site address": "101 Sample Plaza", "Site state": "MN", "Site zip": "55401", "Visit time": "13:30:00"});
    scene.desk.change_row(row, &place).unwrap();
    let record = scene.fetch(row).await;
    let made = evaluate(None, &record.fields).await;
    assert_eq!(
        Value::Object(made.output),
        json!({
            "title": "HB-0101 - Register 3 does not start",
            "description": {"html": "The screen stays dark."},
            "confidential": {"html": "Smartsheet \"Field jobs\", row 1"},
            "location": {"mode": "custom", "display_name": "HB-0101", "address1": "101 Sample Plaza",
                         "city": "Minneapolis", "state": "MN", "zip": "55401", "country": "US"},
            "contact": {"name": "Store Manager", "email": "store.manager@example.com", "role": "Location Contact"},
            "schedule": {"service_window": {"start": {"local": {"date": "2026-03-04", "time": "13:30:00"}}, "mode": "exact"}},
            "types_of_work": [{"id": 62, "isPrimary": true}],
            "pay": {"type": "fixed", "base": {"units": 1, "amount": 150}},
        })
    );
}

#[tokio::test]
async fn an_approval_closes_the_row() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let order = json!({"id": 4711, "title": "x", "status": {"id": 5, "name": "Approved"}});
    let input = mapping_input(EventName::Approved, None, &order, &json!({}), None);
    let made = evaluate(Some(EventName::Approved), &input).await;
    let base = scene.fetch(row).await;
    let changes = fields(Value::Object(made.output));
    scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap();
    assert_eq!(scene.desk.is_closed(row), Some(true));
    assert_eq!(scene.desk.cell(row, "FN work order").unwrap(), "FN-4711");
    // What the sheet says already is not to be written again.
    let record = scene.fetch(row).await;
    for (title, value) in &changes {
        assert_eq!(record.fields[title], *value, "{title}");
    }
}

#[tokio::test]
async fn the_stand_ins_own_settings_make_a_good_connector() {
    let scene = Scene::open("").await;
    let text = format!(
        "platform = \"smartsheet\"\n[settings]\n{}",
        scene.desk.connector_settings()
    );
    let platform = super::scene::adapter(&text, &scene.clock).unwrap();
    assert!(platform.probe(&scene.call).await.is_good());
    let row = scene.job();
    scene.desk.dispatch(row).unwrap();
    let record = scene.fetch(row).await;
    assert_eq!(platform.wants(&record), Ok(()));
    assert_eq!(scene.desk.record_id(row), record.id.to_string());
}
