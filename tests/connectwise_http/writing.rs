//! Writing: tickets, notes, files, side records.

use axum::http::Method;
use fieldbridge::model::{
    Category, Effect, FileContent, Marker, Note, NoteVisibility, Record, RecordId, SideRecord,
    SideRecordKind, SideSource,
};
use fieldbridge::platform::Wish;
use serde_json::{Map, Value, json};

use super::site::{Site, call, ticket};

const TICKETS: &str = "service/tickets";
const TICKET: &str = "service/tickets/69";

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other}"),
    }
}

fn base() -> Record {
    Record {
        id: RecordId::new("69"),
        label: String::new(),
        fields: ticket(),
        notes: Vec::new(),
        files: Vec::new(),
        changed_at: None,
        changed_by_us: false,
    }
}

fn marker() -> Marker {
    Marker::from_text("FN-12345")
}

fn patched(changes: &[(&str, Value)]) -> Value {
    let mut after = ticket();
    for (name, value) in changes {
        after[*name] = value.clone();
    }
    after["_info"]["updatedBy"] = json!("FNIntegration");
    after
}

#[tokio::test]
async fn a_ticket_is_created_with_its_marker() {
    let site = Site::start().await;
    site.on(
        Method::POST,
        TICKETS,
        201,
        &json!({"id": 4711, "_info": {"updatedBy": "FNIntegration"}}),
    );
    let adapter = site.adapter("template_ticket_id = 69");
    let fields = object(json!({
        "summary": "Install router", "company": {"identifier": "YourCompany"}, "board": {"name": "service a"},
        "status": "Dispatch to FN", "initialDescription": "Bring a ladder", "internalAnalysis": "rack 4", "poNumber": null,
        "requiredDate": "2026-05-01 08:00:00", "customFields": [{"caption": "Site code", "value": 12}]
    }));
    site.on(
        Method::GET,
        "company/companies",
        200,
        &json!([{"id": 2, "identifier": "YourCompany"}]),
    );
    let created = adapter.create(&call(), &fields, &marker()).await.unwrap();
    assert_eq!((created.id.as_str(), created.existed), ("4711", false));
    let sent = site.asked(&Method::POST, TICKETS)[0].json();
    assert_eq!(
        sent,
        json!({
            "company": {"id": 2}, "board": {"id": 1}, "status": {"id": 42}, "summary": "Install router",
            "requiredDate": "2026-05-01T08:00:00Z",
            "customFields": [{"id": 7, "caption": "Site code", "type": "Text", "entryMethod": "EntryField", "numberOfDecimals": 0, "value": "12"}],
            "initialDescription": "Bring a ladder", "initialInternalAnalysis": "rack 4",
            "externalXRef": "FN-12345", "skipCallback": true
        })
    );
}

#[tokio::test]
async fn a_create_that_can_not_work_is_refused_before_it_is_sent() {
    let site = Site::start().await;
    let adapter = site.adapter("");
    for (fields, word) in [
        (json!({"summary": "x"}), "company is required"),
        (json!({"summary": " ", "company": 2}), "summary is required"),
        (
            json!({"summary": "x".repeat(101), "company": 2}),
            "101 characters and takes 100",
        ),
        (
            json!({"summary": "x", "company": 2, "externalXRef": "mine"}),
            "externalXRef",
        ),
        (
            json!({"summary": "x", "company": 2, "board": "Service A", "status": "Nope"}),
            "`Dispatch to FN`",
        ),
        (
            json!({"summary": "x", "company": {"name": "Nobody \"Inc\""}}),
            "no company",
        ),
    ] {
        site.on(Method::GET, "company/companies", 200, &json!([]));
        let failure = adapter
            .create(&call(), &object(fields), &marker())
            .await
            .unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Validation, Effect::None),
            "{failure}"
        );
        assert!(failure.cause.contains(word), "{word} in {failure}");
    }
    assert!(site.asked(&Method::POST, TICKETS).is_empty());
    let asked = site.asked(&Method::GET, "company/companies");
    assert_eq!(
        asked[0].parameter("conditions"),
        Some("name=\"Nobody \\\"Inc\\\"\"")
    );
}

#[tokio::test]
async fn an_answer_that_tells_no_id_leaves_the_effect_unknown() {
    let site = Site::start().await;
    let adapter = site.adapter("");
    let fields = object(json!({"summary": "x", "company": {"id": 2}}));
    for (status, body) in [
        (201, json!({})),
        (500, json!({"code": "Error", "message": "timeout"})),
    ] {
        site.on(Method::POST, TICKETS, status, &body);
        let failure = adapter
            .create(&call(), &fields, &marker())
            .await
            .unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Server, Effect::Unknown),
            "{failure}"
        );
    }
    site.on(Method::POST, TICKETS, 409, &json!({"message": "in use"}));
    let failure = adapter
        .create(&call(), &fields, &marker())
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Server, Effect::None)
    );
}

#[tokio::test]
async fn an_update_replaces_whole_objects() {
    let site = Site::start().await;
    site.on(
        Method::PATCH,
        TICKET,
        200,
        &patched(&[
            ("status", json!({"id": 43, "name": "Completed"})),
            ("summary", json!("Done")),
        ]),
    );
    let adapter = site.adapter("related = []");
    adapter
        .update(
            &call(),
            &base(),
            &object(json!({"summary": "Done", "status": {"name": "completed"}})),
        )
        .await
        .unwrap();
    assert_eq!(
        site.asked(&Method::PATCH, TICKET)[0].json(),
        json!([
            {"op": "replace", "path": "status", "value": {"id": 43}},
            {"op": "replace", "path": "summary", "value": "Done"},
            {"op": "replace", "path": "skipCallback", "value": true},
        ])
    );
    // The answer told who we are.
    site.on(Method::GET, TICKET, 200, &patched(&[]));
    let record = adapter
        .fetch(&call(), &RecordId::new("69"), Wish::default())
        .await
        .unwrap()
        .unwrap();
    assert!(record.changed_by_us);
    let open = site.adapter("skip_callback = false");
    open.update(&call(), &base(), &object(json!({"summary": "Done"})))
        .await
        .unwrap();
    assert_eq!(
        site.asked(&Method::PATCH, TICKET)[1]
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_false_200_is_noticed() {
    let site = Site::start().await;
    site.on(Method::PATCH, TICKET, 200, &ticket());
    let changes = object(json!({"status": {"name": "Completed"}}));
    let failure = site
        .adapter("")
        .update(&call(), &base(), &changes)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(failure.cause.contains("left status as before"), "{failure}");
}

#[tokio::test]
async fn custom_fields_are_merged_into_what_stands_there_now() {
    let site = Site::start().await;
    // Somebody changed CloudPlus since the record was read.
    let mut now = ticket();
    now["customFields"][0]["value"] = json!(true);
    site.on(Method::GET, TICKET, 200, &now);
    let mut stored = now.clone();
    stored["customFields"][1]["value"] = json!("S-10");
    site.on(Method::PATCH, TICKET, 200, &stored);
    let adapter = site.adapter("");
    let changes = object(json!({"customFields": [{"caption": "Site code", "value": "S-10"}]}));
    adapter.update(&call(), &base(), &changes).await.unwrap();
    let sent = site.asked(&Method::PATCH, TICKET)[0].json();
    assert_eq!(
        sent[0],
        json!({"op": "replace", "path": "customFields", "value": stored["customFields"]})
    );
    let changes = object(json!({"customFields": [{"caption": "Nope", "value": 1}]}));
    let failure = adapter
        .update(&call(), &base(), &changes)
        .await
        .unwrap_err();
    assert!(failure.cause.contains("`Site code`"), "{failure}");
    site.on(Method::PATCH, TICKET, 200, &now);
    let changes = object(json!({"customFields": [{"caption": "Site code", "value": "S-10"}]}));
    let failure = adapter
        .update(&call(), &base(), &changes)
        .await
        .unwrap_err();
    assert!(
        failure.cause.contains("left customFields as before"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_ticket_moves_board_and_status_together() {
    let site = Site::start().await;
    site.on(
        Method::GET,
        "service/boards/5/statuses",
        200,
        &json!([{"id": 90, "name": "Open", "defaultFlag": true}, {"id": 91, "name": "Scheduled"}]),
    );
    site.on(
        Method::PATCH,
        TICKET,
        200,
        &patched(&[("board", json!({"id": 5})), ("status", json!({"id": 90}))]),
    );
    let adapter = site.adapter("");
    adapter
        .update(
            &call(),
            &base(),
            &object(json!({"board": {"name": "Field"}})),
        )
        .await
        .unwrap();
    let sent = site.asked(&Method::PATCH, TICKET)[0].json();
    assert_eq!(
        (&sent[0]["path"], &sent[0]["value"]),
        (&json!("board"), &json!({"id": 5}))
    );
    assert_eq!(
        (&sent[1]["path"], &sent[1]["value"]),
        (&json!("status"), &json!({"id": 90}))
    );
    let failure = adapter
        .update(
            &call(),
            &base(),
            &object(json!({"board": "Field", "status": "Completed"})),
        )
        .await
        .unwrap_err();
    assert!(failure.cause.contains("`Open`, `Scheduled`"), "{failure}");
    site.forget();
    adapter
        .update(
            &call(),
            &base(),
            &object(json!({"board": {"name": "Service A"}})),
        )
        .await
        .unwrap();
    assert!(
        site.asked(&Method::PATCH, TICKET).is_empty(),
        "it is on that board already"
    );
}

#[tokio::test]
async fn a_marker_of_ours_is_not_overwritten() {
    let site = Site::start().await;
    let mut record = base();
    record.fields["externalXRef"] = json!("FN-777");
    let failure = site
        .adapter("")
        .update(&call(), &record, &object(json!({"externalXRef": "x"})))
        .await
        .unwrap_err();
    assert!(failure.cause.contains("FN-777"), "{failure}");
    record.fields["externalXRef"] = json!("a person's own");
    site.on(
        Method::PATCH,
        TICKET,
        200,
        &patched(&[("externalXRef", json!("x"))]),
    );
    site.adapter("")
        .update(&call(), &record, &object(json!({"externalXRef": "x"})))
        .await
        .unwrap();
}

#[tokio::test]
async fn texts_become_notes_and_are_not_doubled() {
    let site = Site::start().await;
    let notes = "service/tickets/69/notes";
    site.on(
        Method::GET,
        notes,
        200,
        &json!([{"id": 1, "text": "was\r\nthere", "internalAnalysisFlag": true}]),
    );
    site.on(Method::POST, notes, 201, &json!({"id": 5}));
    let changes = object(
        json!({"internalAnalysis": "was there", "resolution": "swapped", "initialDescription": ""}),
    );
    site.adapter("")
        .update(&call(), &base(), &changes)
        .await
        .unwrap();
    let sent = site.asked(&Method::POST, notes);
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].json(),
        json!({
            "text": "swapped", "detailDescriptionFlag": false, "internalAnalysisFlag": false, "resolutionFlag": true,
            "customerUpdatedFlag": false, "processNotifications": false
        })
    );
    assert!(site.asked(&Method::PATCH, TICKET).is_empty());
}

#[tokio::test]
async fn a_note_stands_where_its_readers_are() {
    let site = Site::start().await;
    let notes = "service/tickets/69/notes";
    site.on(
        Method::POST,
        notes,
        201,
        &json!({"id": 5, "createdBy": "FNIntegration"}),
    );
    let adapter = site.adapter("note_notifications = true");
    for (visibility, flag, mute) in [
        (
            NoteVisibility::Public,
            "detailDescriptionFlag",
            "internalAnalysisFlag",
        ),
        (
            NoteVisibility::Internal,
            "internalAnalysisFlag",
            "detailDescriptionFlag",
        ),
    ] {
        site.forget();
        let note = Note {
            id: String::new(),
            text: "two\nlines \"quoted\"".into(),
            visibility,
            author: None,
            created_at: None,
            by_us: true,
        };
        let id = adapter
            .add_note(&call(), &RecordId::new("69"), &note)
            .await
            .unwrap();
        assert_eq!(id.id(), Some("5"));
        let sent = site.asked(&Method::POST, notes)[0].json();
        assert_eq!(
            (&sent[flag], &sent[mute], &sent["processNotifications"]),
            (&json!(true), &json!(false), &json!(true))
        );
        assert_eq!(sent["text"], "two\nlines \"quoted\"");
    }
}

#[tokio::test]
async fn a_file_goes_up_as_a_private_document_in_real_multipart() {
    let site = Site::start().await;
    site.on(
        Method::POST,
        "system/documents",
        201,
        &json!({"id": 33, "publicFlag": false}),
    );
    let file = FileContent {
        name: "photo 1.jpg".into(),
        media_type: "image/jpeg".into(),
        bytes: b"\xff\xd8\x00\r\n--x".to_vec().into(),
    };
    let id = site
        .adapter("")
        .attach(&call(), &RecordId::new("69"), &file)
        .await
        .unwrap();
    assert_eq!(id.as_deref(), Some("33"));
    let sent = &site.asked(&Method::POST, "system/documents")[0];
    let media_type = sent.headers["content-type"].to_str().unwrap();
    assert!(
        media_type.starts_with("multipart/form-data; boundary="),
        "{media_type}"
    );
    let body = &sent.body[..];
    let holds = |bytes: &[u8]| body.windows(bytes.len()).any(|window| window == bytes);
    for (name, value) in [
        ("recordType", "Ticket"),
        ("recordId", "69"),
        ("title", "photo 1.jpg"),
        ("privateFlag", "true"),
    ] {
        assert!(
            holds(format!("name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes()),
            "{name}"
        );
    }
    assert!(holds(
        b"filename=\"photo 1.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\x00\r\n--x\r\n"
    ));
}

fn side(kind: SideRecordKind, fields: Value) -> SideRecord {
    SideRecord::new(kind, fields, SideSource::Object("881".into()))
}

#[tokio::test]
async fn a_visit_is_scheduled_changed_and_not_doubled() {
    let site = Site::start().await;
    let entries = "schedule/entries";
    site.on(
        Method::GET,
        "schedule/statuses",
        200,
        &json!([{"id": 2, "name": "Firm"}]),
    );
    site.on(Method::GET, entries, 200, &json!([]));
    site.on(Method::POST, entries, 201, &json!({"id": 501}));
    site.on(
        Method::PATCH,
        "schedule/entries/501",
        200,
        &json!({"id": 501}),
    );
    let adapter = site.adapter("schedule_member = \"dispatch\"");
    let ticket = RecordId::new("69");
    let visit = side(
        SideRecordKind::Schedule,
        json!({"dateStart": "2026-05-01 08:00:00", "dateEnd": "2026-05-01T12:00:00Z", "status": {"name": "firm"}}),
    );
    assert_eq!(
        adapter
            .put_side_record(&call(), &ticket, &visit, None)
            .await
            .unwrap(),
        "501"
    );
    assert_eq!(
        site.asked(&Method::POST, entries)[0].json(),
        json!({
            "dateStart": "2026-05-01T08:00:00Z", "dateEnd": "2026-05-01T12:00:00Z", "status": {"id": 2},
            "objectId": 69, "type": {"identifier": "S"}, "allowScheduleConflictsFlag": true, "member": {"identifier": "dispatch"}
        })
    );
    assert_eq!(
        site.asked(&Method::GET, entries)[0].parameter("conditions"),
        Some("objectId=69 and type/identifier=\"S\"")
    );
    assert_eq!(
        adapter
            .put_side_record(&call(), &ticket, &visit, Some("501"))
            .await
            .unwrap(),
        "501"
    );
    let changed = site.asked(&Method::PATCH, "schedule/entries/501")[0].json();
    assert!(
        changed.as_array().unwrap().contains(
            &json!({"op": "replace", "path": "dateEnd", "value": "2026-05-01T12:00:00Z"})
        )
    );
    // One that is gone is made anew; one whose answer was lost is found.
    assert_eq!(
        adapter
            .put_side_record(&call(), &ticket, &visit, Some("499"))
            .await
            .unwrap(),
        "501"
    );
    site.on(Method::GET, entries, 200, &json!([{"id": 640, "dateStart": "2026-05-01T08:00:00Z", "dateEnd": "2026-05-01T12:00:00Z", "member": {"identifier": "dispatch"}}]));
    assert_eq!(
        adapter
            .put_side_record(&call(), &ticket, &visit, None)
            .await
            .unwrap(),
        "640"
    );
    // An exact appointment has no end: it is taken to last an hour.
    let exact = side(
        SideRecordKind::Schedule,
        json!({"dateStart": "2026-05-02 08:00:00"}),
    );
    adapter
        .put_side_record(&call(), &ticket, &exact, None)
        .await
        .unwrap();
    let sent = site.asked(&Method::POST, entries).last().unwrap().json();
    assert_eq!(sent["dateEnd"], "2026-05-02T09:00:00Z");
    let half = side(
        SideRecordKind::Schedule,
        json!({"dateEnd": "2026-05-01 08:00:00"}),
    );
    let failure = adapter
        .put_side_record(&call(), &ticket, &half, None)
        .await
        .unwrap_err();
    assert!(failure.cause.contains("dateStart"), "{failure}");
}

#[tokio::test]
async fn times_and_charges_go_to_their_own_places() {
    let site = Site::start().await;
    let time = side(
        SideRecordKind::Time,
        json!({"timeStart": "2026-05-01T08:00:00Z", "actualHours": 2.5, "internalNotes": "on site"}),
    );
    let product = side(
        SideRecordKind::Charge,
        json!({"catalogItem": "FN-LABOUR", "billableOption": "Billable", "price": 120}),
    );
    let expense = side(
        SideRecordKind::Charge,
        json!({"type": "Mileage", "amount": 12.5, "date": "2026-05-01"}),
    );
    for (settings, path, side, sent) in [
        (
            "",
            "time/entries",
            &time,
            json!({"timeStart": "2026-05-01T08:00:00Z", "actualHours": 2.5, "internalNotes": "(#881) on site", "chargeToId": 69, "chargeToType": "ServiceTicket"}),
        ),
        (
            "",
            "procurement/products",
            &product,
            json!({"catalogItem": {"identifier": "FN-LABOUR"}, "billableOption": "Billable", "price": 120, "internalNotes": "(#881)", "chargeToId": 69, "chargeToType": "Ticket"}),
        ),
        (
            "charges = \"expense\"",
            "expense/entries",
            &expense,
            json!({"type": {"name": "Mileage"}, "amount": 12.5, "date": "2026-05-01T00:00:00Z", "notes": "(#881)", "chargeToId": 69, "chargeToType": "ServiceTicket"}),
        ),
    ] {
        site.on(
            Method::GET,
            path,
            200,
            &json!([{"id": 1, "internalNotes": "(#88)", "notes": null}]),
        );
        site.on(Method::POST, path, 201, &json!({"id": 7}));
        let adapter = site.adapter(settings);
        assert_eq!(
            adapter
                .put_side_record(&call(), &RecordId::new("69"), side, None)
                .await
                .unwrap(),
            "7"
        );
        assert_eq!(site.asked(&Method::POST, path)[0].json(), sent);
        site.on(
            Method::GET,
            path,
            200,
            &json!([{"id": 6, "internalNotes": "x (#881)", "notes": "(#881) y"}]),
        );
        assert_eq!(
            adapter
                .put_side_record(&call(), &RecordId::new("69"), side, None)
                .await
                .unwrap(),
            "6"
        );
    }
}
