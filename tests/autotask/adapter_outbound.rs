//! Creating and changing tickets, notes and files, and finding what was created.

use std::time::Duration;

use bytes::Bytes;
use fieldbridge::model::{
    Category, Clock, Effect, FileContent, Marker, Note, NoteVisibility, Timestamp, WorkOrderId,
};
use fieldbridge::platform::{Found, Wish};
use fieldbridge::sandbox::{AutotaskAccess, AutotaskSettings, Deed, Doer, Fault, FaultKind, Thing};
use http::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, Wanted, id, map};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

fn six() -> Value {
    json!({"title": "Site visit", "status": "New", "priority": "Medium", "companyID": 174, "queueID": "Field Services",
        "dueDateTime": "2026-03-05 15:00:00"})
}

fn marker() -> Marker {
    Marker::of_work_order(WorkOrderId(5))
}

#[tokio::test]
async fn a_new_ticket_carries_the_marker_and_its_notes() {
    let stage = Stage::plain().await;
    let mut fields = six();
    fields["udf"] = json!({"Site Code": "HB-0101", "Service Level": "same day"});
    fields["internalNote"] = json!("Made from work order 5");
    fields["externalID"] = json!("something else");
    let created = stage
        .platform
        .create(&stage.call, &map(fields), &marker())
        .await
        .unwrap();
    assert!(!created.existed);
    let number: u64 = created.id.as_str().parse().unwrap();
    let ticket = stage.autotask.ticket(number).unwrap();
    assert_eq!(ticket["externalID"], "FN-5");
    assert_eq!(
        (ticket["status"].clone(), ticket["queueID"].clone()),
        (json!(1), json!(29_682_833))
    );
    assert_eq!(ticket["dueDateTime"], "2026-03-05T15:00:00.000Z");
    assert_eq!(
        ticket["userDefinedFields"],
        json!([{"name": "Site Code", "value": "HB-0101"}, {"name": "Service Level", "value": "Same Day"}])
    );
    let notes = stage.autotask.objects("TicketNotes");
    assert_eq!(
        (notes[0]["description"].clone(), notes[0]["publish"].clone()),
        (json!("Made from work order 5"), json!(2))
    );
    assert_eq!(
        stage
            .autotask
            .journal()
            .count(Deed::Created, Thing::Ticket, Doer::Api),
        1
    );
}

#[tokio::test]
async fn a_ticket_without_the_six_fields_is_not_sent() {
    let stage = Stage::plain().await;
    for left_out in [
        "title",
        "status",
        "priority",
        "companyID",
        "queueID",
        "dueDateTime",
    ] {
        let mut fields = map(six());
        fields.remove(left_out);
        let failure = stage
            .platform
            .create(&stage.call, &fields, &marker())
            .await
            .unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Validation, Effect::None),
            "{left_out}"
        );
        assert!(
            failure.cause.contains(left_out),
            "{left_out}: {}",
            failure.cause
        );
        assert!(failure.hint.unwrap().contains("six fields"));
    }
    let mut assigned = map(six());
    assigned.remove("queueID");
    assigned.insert("assignedResourceID".into(), json!(11));
    let failure = stage
        .platform
        .create(&stage.call, &assigned, &marker())
        .await
        .unwrap_err();
    assert!(failure.cause.contains("together"), "{}", failure.cause);
    assert!(!stage.calls().contains(&"POST Tickets".to_owned()));
    assigned.insert("assignedResourceRoleID".into(), json!(8));
    stage
        .platform
        .create(&stage.call, &assigned, &marker())
        .await
        .unwrap();
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let stage = Stage::plain().await;
    let fields =
        json!({"status": "Done", "subIssueType": "Other", "udf": {"Nope": 1}, "colour": "red"});
    let failure = stage
        .platform
        .create(&stage.call, &map(fields), &marker())
        .await
        .unwrap_err();
    for part in [
        "it allows: New (1), Complete (5)",
        "no user-defined field `Nope`",
        "colour is no field",
        "title is required",
    ] {
        assert!(failure.cause.contains(part), "{part}: {}", failure.cause);
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_open_and_the_ticket_is_found() {
    let stage = Stage::plain().await;
    stage
        .autotask
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/Tickets"));
    // The look at fields and the hour's count are readings and lose nothing.
    let failure = stage
        .platform
        .create(&stage.call, &map(six()), &marker())
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Network, Effect::Unknown)
    );
    let Found::Records(found) = stage
        .platform
        .find(&stage.call, &marker(), LONG_AGO)
        .await
        .unwrap()
    else {
        panic!("the ticket stands");
    };
    assert_eq!(found.len(), 1);
    assert_eq!(stage.autotask.tickets_by_external_id()["FN-5"].len(), 1);
    let other = Marker::of_work_order(WorkOrderId(50));
    let tried = stage.clock.now();
    assert_eq!(
        stage.platform.find(&stage.call, &other, tried).await,
        Ok(Found::NotYet(Duration::from_secs(60))),
    );
    stage.clock.advance(Duration::from_secs(61));
    assert_eq!(
        stage.platform.find(&stage.call, &other, tried).await,
        Ok(Found::Absent)
    );
}

#[tokio::test]
async fn a_doubled_marker_is_told_as_it_is() {
    let stage = Stage::plain().await;
    for _ in 0..2 {
        stage
            .autotask
            .open_ticket(&json!({"externalID": "FN-5"}))
            .unwrap();
    }
    let found = stage
        .platform
        .find(&stage.call, &marker(), LONG_AGO)
        .await
        .unwrap();
    assert!(matches!(found, Found::Records(records) if records.len() == 2));
}

#[tokio::test]
async fn a_ticket_made_a_moment_ago_is_not_taken_for_deleted() {
    let stage = Stage::plain().await;
    let created = stage
        .platform
        .create(&stage.call, &map(six()), &marker())
        .await
        .unwrap();
    stage.autotask.deny("Tickets", AutotaskAccess::Query);
    let failure = stage
        .platform
        .fetch(&stage.call, &created.id, Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Server);
    stage.clock.advance(Duration::from_secs(61));
    let gone = stage
        .platform
        .fetch(&stage.call, &created.id, Wish::default())
        .await
        .unwrap();
    assert_eq!(gone, None);
}

#[tokio::test]
async fn an_update_sends_what_changed_to_the_collection() {
    let stage = Stage::plain().await;
    let ticket = stage
        .autotask
        .open_ticket(&json!({"title": "Switch", "userDefinedFields": [{"name": "Site Code", "value": "A"}, {"name": "FN Technician", "value": "B"}]}))
        .unwrap();
    let base = stage.fetch(ticket).await.unwrap();
    stage.calls();
    let changes = json!({"status": "Complete", "title": "Switch", "udf": {"Site Code": "A", "FN Technician": "C"}});
    stage
        .platform
        .update(&stage.call, &base, &map(changes))
        .await
        .unwrap();
    let exchanges = stage.call.take_exchanges();
    assert_eq!(exchanges.len(), 1);
    assert!(exchanges[0].url.ends_with("V1.0/Tickets") && exchanges[0].method == "PATCH");
    let sent: Value = serde_json::from_str(exchanges[0].request_body.as_deref().unwrap()).unwrap();
    assert_eq!(
        sent,
        json!({"id": ticket, "status": 5, "userDefinedFields": [{"name": "FN Technician", "value": "C"}]})
    );
    let held = stage.autotask.ticket(ticket).unwrap();
    assert_eq!(held["status"], 5);
    assert_eq!(
        held["userDefinedFields"][0],
        json!({"name": "Site Code", "value": "A"})
    );
    let base = stage.fetch(ticket).await.unwrap();
    stage.calls();
    stage
        .platform
        .update(&stage.call, &base, &map(json!({"status": "Complete"})))
        .await
        .unwrap();
    assert!(
        stage.calls().is_empty(),
        "what a ticket says already is not written again"
    );
}

#[tokio::test]
async fn a_database_that_refuses_patch_gets_the_whole_ticket() {
    let settings = AutotaskSettings {
        refuses_patch: true,
        ..AutotaskSettings::default()
    };
    let stage = Stage::with(Wanted::default(), settings).await;
    let ticket = stage
        .autotask
        .open_ticket(&json!({"title": "Switch", "description": "Keep me", "userDefinedFields": [{"name": "Site Code", "value": "A"}]}))
        .unwrap();
    let base = stage.fetch(ticket).await.unwrap();
    stage.calls();
    let changes = json!({"status": 5, "udf": {"FN Technician": "C"}});
    stage
        .platform
        .update(&stage.call, &base, &map(changes))
        .await
        .unwrap();
    assert_eq!(
        stage.calls(),
        [
            "PATCH Tickets".to_owned(),
            format!("GET Tickets/{ticket}"),
            "PUT Tickets".to_owned()
        ]
    );
    let held = stage.autotask.ticket(ticket).unwrap();
    assert_eq!(
        (held["status"].clone(), held["description"].clone()),
        (json!(5), json!("Keep me"))
    );
    assert_eq!(held["userDefinedFields"].as_array().unwrap().len(), 2);
    let base = stage.fetch(ticket).await.unwrap();
    stage.calls();
    stage
        .platform
        .update(&stage.call, &base, &map(json!({"status": 8})))
        .await
        .unwrap();
    assert_eq!(
        stage.calls(),
        [format!("GET Tickets/{ticket}"), "PUT Tickets".to_owned()],
        "it is not asked twice"
    );
}

#[tokio::test]
async fn a_mapped_note_is_written_once_and_the_marker_is_kept() {
    let stage = Stage::plain().await;
    let created = stage
        .platform
        .create(&stage.call, &map(six()), &marker())
        .await
        .unwrap();
    let number: u64 = created.id.as_str().parse().unwrap();
    let base = stage.fetch(number).await.unwrap();
    let changes = map(
        json!({"externalID": "overwritten", "internalNote": "Assigned to  Sam", "publicNote": "We are coming"}),
    );
    for _ in 0..2 {
        stage
            .platform
            .update(&stage.call, &base, &changes)
            .await
            .unwrap();
    }
    let notes = stage.autotask.objects("TicketNotes");
    let told: Vec<_> = notes
        .iter()
        .map(|note| {
            (
                note["description"].as_str().unwrap(),
                note["publish"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("Assigned to  Sam", 2), ("We are coming", 1)]);
    assert_eq!(stage.autotask.ticket(number).unwrap()["externalID"], "FN-5");
}

#[tokio::test]
async fn a_note_that_fails_does_not_make_the_ticket_anew() {
    let stage = Stage::plain().await;
    stage
        .autotask
        .faults()
        .push(Fault::times(FaultKind::ServerError { status: 502 }, 2).on(&Method::POST, "/Notes"));
    let mut fields = six();
    fields["internalNote"] = json!("Assigned");
    let created = stage
        .platform
        .create(&stage.call, &map(fields), &marker())
        .await
        .unwrap();
    assert_eq!(
        stage
            .autotask
            .journal()
            .count(Deed::Created, Thing::Ticket, Doer::Api),
        1
    );
    assert!(stage.autotask.objects("TicketNotes").is_empty());
    assert!(
        stage
            .autotask
            .ticket(created.id.as_str().parse().unwrap())
            .is_some()
    );
}

#[tokio::test]
async fn notes_go_as_they_are_meant() {
    let stage = Stage::plain().await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let note = |text: &str, visibility| Note {
        id: String::new(),
        text: text.into(),
        visibility,
        author: None,
        created_at: None,
        by_us: true,
    };
    for (text, visibility) in [
        ("to all", NoteVisibility::Public),
        ("to staff", NoteVisibility::Internal),
    ] {
        let made = stage
            .platform
            .add_note(&stage.call, &id(ticket), &note(text, visibility))
            .await
            .unwrap();
        assert!(made.id().is_some());
    }
    let long = "x".repeat(40_000);
    stage
        .platform
        .add_note(
            &stage.call,
            &id(ticket),
            &note(&long, NoteVisibility::Internal),
        )
        .await
        .unwrap();
    let notes = stage.autotask.objects("TicketNotes");
    let told: Vec<_> = notes
        .iter()
        .map(|note| note["publish"].as_u64().unwrap())
        .collect();
    assert_eq!(told, [1, 2, 2]);
    assert!(
        notes[2]["description"].as_str().unwrap().ends_with('…'),
        "a cut is to be seen"
    );
    let empty = stage
        .platform
        .add_note(&stage.call, &id(ticket), &note(" ", NoteVisibility::Public))
        .await;
    assert_eq!(empty.unwrap_err().category, Category::Validation);
}

#[tokio::test]
async fn files_are_attached_within_the_vendors_limits() {
    let stage = Stage::plain().await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let file = |size: usize| FileContent {
        name: "photo.png".into(),
        media_type: "image/png".into(),
        bytes: Bytes::from(vec![7; size]),
    };
    let made = stage
        .platform
        .attach(&stage.call, &id(ticket), &file(6_000_000))
        .await
        .unwrap();
    let listed = stage.autotask.objects("TicketAttachments");
    assert_eq!(made, Some(listed[0]["id"].to_string()));
    assert_eq!(
        (listed[0]["publish"].clone(), listed[0]["fileSize"].clone()),
        (json!(2), json!(6_000_000))
    );
    stage.calls();
    let failure = stage
        .platform
        .attach(&stage.call, &id(ticket), &file(6_000_001))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    let failure = stage
        .platform
        .attach(&stage.call, &id(ticket), &file(4_000_001))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::RateLimited, Effect::Unsent)
    );
    assert_eq!(failure.retry_after, Some(Duration::from_secs(300)));
    assert!(stage.calls().is_empty(), "neither was sent");
    stage.clock.advance(Duration::from_secs(301));
    stage
        .platform
        .attach(&stage.call, &id(ticket), &file(4_000_001))
        .await
        .unwrap();
    let shown = serde_json::to_string(&stage.call.take_exchanges()).unwrap();
    assert!(
        shown.len() < 10_000,
        "a file's bytes are not kept in the journal"
    );
}

#[tokio::test]
async fn files_may_be_made_public() {
    let stage = Stage::set("attachment_visibility = \"public\"\nnote_type = 3\n").await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let file = FileContent {
        name: "a.txt".into(),
        media_type: "text/plain".into(),
        bytes: Bytes::from_static(b"x"),
    };
    stage
        .platform
        .attach(&stage.call, &id(ticket), &file)
        .await
        .unwrap();
    assert_eq!(stage.autotask.objects("TicketAttachments")[0]["publish"], 1);
}
