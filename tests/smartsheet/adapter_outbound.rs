//! Creating and changing rows, finding them again, comments and attachments.

use axum::http::Method;
use bytes::Bytes;
use fieldbridge::model::{
    Category, Effect, FileContent, Marker, NoteVisibility, SideRecord, SideRecordKind, SideSource,
    Timestamp, WorkOrderId,
};
use fieldbridge::platform::{Found, Noted};
use fieldbridge::sandbox::{Deed, Doer, Fault, FaultKind, SmartsheetSettings, Thing};
use serde_json::{Value, json};

use super::scene::{Scene, adapter, connector, fields, note};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

fn marker() -> Marker {
    Marker::of_work_order(WorkOrderId(4711))
}

fn new_row() -> serde_json::Map<String, Value> {
    fields(
        json!({"Task Name": "Replace the switch", "Status": "open", "Visit date": "2026-03-05T10:00:00Z",
        "Skills": ["Cabling"], "Watchers": "a@example.com, b@example.com", "Site zip": "02110", "Send to FN": "true"}),
    )
}

#[tokio::test]
async fn a_new_row_carries_the_marker_from_the_first_call() {
    let scene = Scene::open("").await;
    let created = scene
        .platform
        .create(&scene.call, &new_row(), &marker())
        .await
        .unwrap();
    assert!(!created.existed);
    let [row] = scene.desk.row_ids()[..] else {
        panic!("not one row")
    };
    assert_eq!(created.id, scene.id(row));
    let writes = scene
        .calls()
        .into_iter()
        .filter(|call| !call.starts_with("GET "))
        .count();
    assert_eq!(writes, 1);
    let record = scene.fetch(row).await;
    let expected = [
        ("Task Name", json!("Replace the switch")),
        ("Status", json!("Open")),
        ("Visit date", json!("2026-03-05")),
        ("Skills", json!(["Cabling"])),
        ("Watchers", json!(["a@example.com", "b@example.com"])),
        ("Site zip", json!("02110")),
        ("Send to FN", json!(true)),
        ("FN work order", json!("FN-4711")),
    ];
    for (title, value) in expected {
        assert_eq!(record.fields[title], value, "{title}");
    }
    assert!(record.changed_by_us);
    let found = scene
        .platform
        .find(&scene.call, &marker(), LONG_AGO)
        .await
        .unwrap();
    assert_eq!(found, Found::Records(vec![created.id]));
}

#[tokio::test]
async fn a_row_whose_answer_was_lost_is_found_and_not_doubled() {
    let scene = Scene::open("").await;
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker(), LONG_AGO)
            .await
            .unwrap(),
        Found::Absent
    );
    scene
        .desk
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/rows"));
    let failure = scene
        .platform
        .create(&scene.call, &new_row(), &marker())
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Network, Effect::Unknown)
    );
    let Found::Records(found) = scene
        .platform
        .find(&scene.call, &marker(), LONG_AGO)
        .await
        .unwrap()
    else {
        panic!("not found")
    };
    assert_eq!(found, [scene.id(scene.desk.row_ids()[0])]);
    // Only the very marker counts.
    let other = Marker::of_work_order(WorkOrderId(471));
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &other, LONG_AGO)
            .await
            .unwrap(),
        Found::Absent
    );
    scene
        .desk
        .open_row(&json!({"FN work order": "FN-4711"}))
        .unwrap();
    let Found::Records(doubled) = scene
        .platform
        .find(&scene.call, &marker(), LONG_AGO)
        .await
        .unwrap()
    else {
        panic!("not found")
    };
    assert_eq!(doubled.len(), 2, "more than one is for a person to see");
}

#[tokio::test]
async fn without_a_marker_column_nothing_can_be_told() {
    let scene = Scene::open("marker_column = \"\"\n").await;
    assert!(!scene.platform.capabilities().find);
    scene
        .platform
        .create(&scene.call, &new_row(), &marker())
        .await
        .unwrap();
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker(), LONG_AGO)
            .await
            .unwrap(),
        Found::CannotTell
    );
}

#[tokio::test]
async fn an_update_sends_the_changed_cells_alone() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let base = scene.fetch(row).await;
    drop(scene.calls());
    let changes = fields(
        json!({"Status": "Scheduled", "FN technician": "Test Technician", "Description": null}),
    );
    scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap();
    let exchanges = scene.call.take_exchanges();
    let sent = exchanges
        .iter()
        .find(|exchange| exchange.method == "PUT")
        .unwrap();
    let sent: Value = serde_json::from_str(sent.request_body.as_deref().unwrap()).unwrap();
    assert_eq!(sent[0]["id"], row);
    assert_eq!(
        sent[0].as_object().unwrap().len(),
        2,
        "nothing of the row but its id and cells"
    );
    assert_eq!(sent[0]["cells"].as_array().unwrap().len(), 3);
    assert_eq!(scene.desk.cell(row, "Status").unwrap(), "Scheduled");
    assert_eq!(scene.desk.cell(row, "Description").unwrap(), "");
    assert_eq!(
        scene.desk.cell(row, "Task Name").unwrap(),
        "HB-0101 - Register 3 does not start"
    );
}

#[tokio::test]
async fn what_would_be_refused_is_told_all_at_once_and_not_sent() {
    let scene = Scene::open("").await;
    let row = scene.job();
    scene.desk.put_formula(row, "FN visit", "=TODAY()").unwrap();
    let base = scene.fetch(row).await;
    drop(scene.calls());
    let wrong = fields(json!({
        "Status": "Done and dusted", "Visit date": "soon", "Send to FN": "yes", "Site contact": "Somebody", "Created": "2026-01-01",
        "Pay and half": 5, "Budget code": "x", "FN visit": "2026-03-04", "Typo": 1, "Row": {"id": 1},
    }));
    let failure = scene
        .platform
        .update(&scene.call, &base, &wrong)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None)
    );
    for part in [
        "Status can't be `Done and dusted`; it takes one of: Open, Scheduled, Work Done, Complete",
        "Visit date can't be `soon`",
        "Send to FN can't be `yes`",
        "Site contact can't be `Somebody`",
        "Created can only be read",
        "Pay and half can only be read: a column formula fills it",
        "Budget code can only be read: it is locked",
        "FN visit holds a formula in this row",
        "no column \"Typo\"",
        "Row can only be read",
    ] {
        assert!(failure.cause.contains(part), "{part}: {}", failure.cause);
    }
    let writes = scene
        .calls()
        .into_iter()
        .filter(|call| !call.starts_with("GET "));
    assert_eq!(writes.count(), 0);
}

#[tokio::test]
async fn a_long_text_is_cut_before_the_vendor_does_it_unseen() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let base = scene.fetch(row).await;
    let changes = fields(json!({"FN closing notes": "x".repeat(5000)}));
    scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap();
    let held = scene.desk.cell(row, "FN closing notes").unwrap();
    assert_eq!(held.chars().count(), 4000);
    assert!(held.ends_with("(cut)"));
}

#[tokio::test]
async fn the_marker_of_a_row_we_made_is_not_overwritten() {
    let scene = Scene::open("").await;
    scene
        .platform
        .create(&scene.call, &new_row(), &marker())
        .await
        .unwrap();
    let row = scene.desk.row_ids()[0];
    let base = scene.fetch(row).await;
    let changes = fields(json!({"FN work order": "something else", "Pay": 90}));
    scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap();
    assert_eq!(scene.desk.cell(row, "FN work order").unwrap(), "FN-4711");
    assert_eq!(scene.desk.cell(row, "Pay").unwrap(), "90");
}

#[tokio::test]
async fn writes_go_one_by_one() {
    let settings = SmartsheetSettings {
        // Long enough that parallel writes would meet.
        save_time: std::time::Duration::from_millis(10),
        ..SmartsheetSettings::default()
    };
    let scene = Scene::with(settings, "[limits]\nconcurrency = 8\n").await;
    let rows: Vec<u64> = (0..6).map(|_| scene.job()).collect();
    let mut bases = Vec::new();
    for row in &rows {
        bases.push(scene.fetch(*row).await);
    }
    let changes = fields(json!({"Status": "Scheduled"}));
    let message = note("On my way.", NoteVisibility::Public);
    let update = |place: usize| scene.platform.update(&scene.call, &bases[place], &changes);
    let comment = |place: usize| {
        scene
            .platform
            .add_note(&scene.call, &bases[place].id, &message)
    };
    let done = tokio::join!(
        update(0),
        update(1),
        update(2),
        update(3),
        comment(4),
        comment(5)
    );
    assert_eq!(
        (done.0, done.1, done.2, done.3),
        (Ok(()), Ok(()), Ok(()), Ok(()))
    );
    assert!(done.4.is_ok() && done.5.is_ok());
}

#[tokio::test]
async fn messages_make_one_thread_and_come_back_as_ours() {
    let scene = Scene::open("").await;
    let row = scene.job();
    scene
        .desk
        .add_comment(row, "A person's own thread.")
        .unwrap();
    let id = scene.id(row);
    let first = note("On my way.", NoteVisibility::Public);
    let first = scene
        .platform
        .add_note(&scene.call, &id, &first)
        .await
        .unwrap();
    let second = note("Work is done.", NoteVisibility::Public);
    let second = scene
        .platform
        .add_note(&scene.call, &id, &second)
        .await
        .unwrap();
    assert!(first.id().is_some() && first.id() != second.id());
    let record = scene.fetch(row).await;
    let told: Vec<(&str, bool)> = record
        .notes
        .iter()
        .map(|note| (note.text.as_str(), note.by_us))
        .collect();
    assert_eq!(
        told,
        [
            ("A person's own thread.", false),
            ("On my way.", true),
            ("Work is done.", true)
        ]
    );
    assert_eq!(Some(&*record.notes[1].id), first.id());
    drop(scene.calls());
    let third = note("And again.", NoteVisibility::Public);
    scene
        .platform
        .add_note(&scene.call, &id, &third)
        .await
        .unwrap();
    let posted = scene
        .calls()
        .into_iter()
        .find(|call| call.starts_with("POST "))
        .unwrap();
    assert!(posted.ends_with("/comments"), "{posted}");
    let empty = note(" ", NoteVisibility::Public);
    let failure = scene
        .platform
        .add_note(&scene.call, &id, &empty)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn an_internal_message_is_never_quietly_published() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let id = scene.id(row);
    let secret = note("The customer owes us money.", NoteVisibility::Internal);
    let skipped = scene.platform.add_note(&scene.call, &id, &secret).await;
    let Ok(Noted::Skipped { why }) = skipped else {
        panic!("{skipped:?}")
    };
    assert!(why.contains("internal_notes"), "{why}");
    assert!(scene.desk.comments(row).is_empty());
    assert!(scene.calls().is_empty());

    let text = connector(&scene.desk, "internal_notes = \"publish\"\n");
    let open = adapter(&text, &scene.clock).unwrap();
    assert!(
        open.add_note(&scene.call, &id, &secret)
            .await
            .unwrap()
            .id()
            .is_some()
    );
    assert_eq!(scene.desk.comments(row).len(), 1);

    let text = connector(
        &scene.desk,
        "internal_notes = \"column:FN closing notes\"\n",
    );
    let filed = adapter(&text, &scene.clock).unwrap();
    scene
        .desk
        .change_row(row, &json!({"FN closing notes": "Earlier."}))
        .unwrap();
    for _ in 0..2 {
        let filed = filed.add_note(&scene.call, &id, &secret).await;
        assert_eq!(filed, Ok(Noted::Added(None)));
    }
    let held = scene.desk.cell(row, "FN closing notes").unwrap();
    assert_eq!(held, "Earlier.\nThe customer owes us money.");
    assert_eq!(scene.desk.comments(row).len(), 1);
    scene
        .desk
        .change_row(row, &json!({"FN closing notes": "x".repeat(3990)}))
        .unwrap();
    let failure = filed.add_note(&scene.call, &id, &secret).await.unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert_eq!(
        scene.desk.cell(row, "FN closing notes").unwrap().len(),
        3990,
        "what people wrote is not cut"
    );
}

fn picture(name: &str, bytes: Bytes) -> FileContent {
    FileContent {
        name: name.into(),
        media_type: "image/png".into(),
        bytes,
    }
}

#[tokio::test]
async fn a_file_is_attached_under_its_own_name_and_weighs_ten_calls() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let before = scene.platform.quota()[0].left;
    let file = picture("../plan v2 (ü).png", Bytes::from_static(b"PNG"));
    let id = scene
        .platform
        .attach(&scene.call, &scene.id(row), &file)
        .await
        .unwrap();
    let spent = before - scene.platform.quota()[0].left;
    assert!((9..=10).contains(&spent), "{spent}");
    assert_eq!(scene.desk.files(row), ["plan v2 (ü).png"]);
    let record = scene.fetch(row).await;
    assert_eq!(Some(record.files[0].id.clone()), id);
    assert!(record.files[0].by_us);
    let written = scene
        .desk
        .journal()
        .count(Deed::Created, Thing::File, Doer::Api);
    assert_eq!(written, 1);
}

#[tokio::test]
async fn a_file_beyond_the_limit_is_not_sent() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let file = picture("huge.png", Bytes::from(vec![0; 30 * 1024 * 1024 + 1]));
    let failure = scene
        .platform
        .attach(&scene.call, &scene.id(row), &file)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(failure.cause.contains("30 MB"), "{failure}");
    assert!(scene.calls().is_empty());
}

#[tokio::test]
async fn rows_have_no_side_records() {
    let scene = Scene::open("").await;
    assert!(scene.platform.capabilities().side_records.is_empty());
    let source = SideSource::WorkOrder(WorkOrderId(9001));
    let side = SideRecord::new(SideRecordKind::Time, json!({}), source);
    let row = scene.job();
    let put = scene
        .platform
        .put_side_record(&scene.call, &scene.id(row), &side, None)
        .await;
    assert_eq!(put.unwrap_err().category, Category::Configuration);
}
