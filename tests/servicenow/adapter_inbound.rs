//! What comes in: triggers, records, notes, files, changes.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use fieldbridge::model::{Category, FileReference, NoteVisibility, RecordId, Timestamp};
use fieldbridge::platform::{DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest, Wish};
use fieldbridge::sandbox::{
    BusinessRule, BusinessRuleContent, Fault, FaultKind, NoteJournal, ServiceNowSettings,
};
use serde_json::json;

use crate::bench::{NOW, PASSWORD, Scene, simple};
use crate::sandbox_support::{Received, Subscriber};

const NOTES: Wish = Wish {
    notes: true,
    files: false,
};
const FILES: Wish = Wish {
    notes: false,
    files: true,
};

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn request(received: &Received) -> TriggerRequest {
    let query = url::form_urlencoded::parse(received.uri.query().unwrap_or_default().as_bytes());
    TriggerRequest {
        method: axum::http::Method::POST,
        query: query
            .into_owned()
            .filter(|(name, _)| name != "client_token")
            .collect(),
        headers: received.headers.clone(),
        body: Bytes::from(received.body.clone()),
    }
}

fn number(number: &str) -> TriggerRequest {
    TriggerRequest {
        method: axum::http::Method::POST,
        query: vec![("external_id".to_owned(), number.to_owned())],
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

#[tokio::test]
async fn a_trigger_is_read_in_each_form_that_rules_send() {
    let scene = Scene::plain().await;
    let mut subscriber = Subscriber::answering(&[]).await;
    for (content, form) in [
        (BusinessRuleContent::QueryParameters, DeliveryForm::Query),
        (BusinessRuleContent::Json, DeliveryForm::Json),
        (BusinessRuleContent::Form, DeliveryForm::Form),
        (BusinessRuleContent::NumberOnly, DeliveryForm::Json),
        (BusinessRuleContent::Pasted, DeliveryForm::Salvaged),
    ] {
        scene.instance.set_business_rules(vec![BusinessRule::new(
            format!("{}/?client_token=t", subscriber.url),
            content,
        )]);
        let (_, id) = scene.incident(&json!({"short_description": "19\" rack, \"sys_id\":\"x\""}));
        let received = subscriber.next().await;
        let reading = scene
            .platform
            .read_trigger(&request(&received))
            .await
            .unwrap();
        let TriggerReading::Records {
            ids,
            delivery,
            form: read,
            answer,
        } = reading
        else {
            panic!("{content:?}: {reading:?}");
        };
        assert_eq!((ids, delivery, read), (vec![id], None, form), "{content:?}");
        assert_eq!(answer.unwrap().status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_number_stands_for_the_records_own_id_or_for_nothing() {
    let scene = Scene::plain().await;
    let (_, id) = scene.incident(&simple());
    let reading = scene
        .platform
        .read_trigger(&number("inc0010001"))
        .await
        .unwrap();
    assert!(matches!(reading, TriggerReading::Records { ids, .. } if ids == [id]));
    let refused = scene
        .platform
        .read_trigger(&number("INC0099999"))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, TriggerRefusal::NoRecord(_)),
        "{refused:?}"
    );
    scene
        .instance
        .faults()
        .push(Fault::once(FaultKind::ResetBefore));
    let refused = scene
        .platform
        .read_trigger(&number("INC0010001"))
        .await
        .unwrap_err();
    assert!(matches!(refused, TriggerRefusal::NotNow(_)), "{refused:?}");
}

#[tokio::test]
async fn another_tables_trigger_is_not_ours_and_asks_nothing() {
    let scene = Scene::plain().await;
    let mut request = number("PRB0010001");
    request
        .query
        .push(("table".to_owned(), "problem".to_owned()));
    let reading = scene.platform.read_trigger(&request).await.unwrap();
    assert!(matches!(reading, TriggerReading::NotOurs { why } if why.contains("problem")));
}

#[tokio::test]
async fn a_record_comes_with_what_people_see_and_what_it_refers_to() {
    let scene = Scene::open(
        ServiceNowSettings {
            time_zone: "America/Chicago".to_owned(),
            ..ServiceNowSettings::default()
        },
        "",
        PASSWORD,
    )
    .await;
    let place = scene
        .instance
        .id_of("cmn_location", "name", "HB-0101")
        .unwrap();
    let (_, id) = scene.incident(&json!({
        "short_description": "Register 3", "location": place, "expected_start": "2026-03-02 15:00:00", "category": "hardware",
    }));
    let record = scene.fetch(&id).await;
    assert_eq!(record.label, "INC0010001 Register 3");
    assert_eq!(record.changed_at, Some(now()));
    assert!(!record.changed_by_us);
    let fields = &record.fields;
    assert_eq!(fields["state"], "1");
    assert_eq!(fields["dv_state"], "New");
    assert_eq!(
        fields["expected_start"], "2026-03-02 15:00:00",
        "UTC, whatever the user's zone"
    );
    assert_eq!(fields["dv_expected_start"], "2026-03-02 09:00:00");
    assert_eq!(fields["assigned_to"], "");
    assert_eq!(fields["location"]["value"], place);
    assert_eq!(fields["location"]["city"], "Minneapolis");
    assert_eq!(fields["caller_id"]["email"], "store.manager@example.com");
    assert_eq!(fields["company"]["display_value"], "Sample Stores Inc.");
    assert_eq!(fields["comments"], "");
    assert!(fields.get("dv_comments").is_none());
}

#[tokio::test]
async fn a_record_that_is_gone_or_hidden_is_none_and_no_failure() {
    let scene = Scene::plain().await;
    let (_, id) = scene.incident(&simple());
    scene.instance.hide(id.as_str());
    for id in [id, RecordId::new("0".repeat(32))] {
        let found = scene
            .platform
            .fetch(&scene.call, &id, Wish::default())
            .await
            .unwrap();
        assert!(found.is_none(), "{id}");
    }
    let failure = scene
        .platform
        .fetch(&scene.call, &RecordId::new("../sys_user"), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn only_wanted_records_pass() {
    let scene = Scene::with("trigger_on_state = [\"In Progress\"]\ntrigger_query = \"u_send_to_fn=true^location.stateISNOTEMPTY\"\n").await;
    let place = scene
        .instance
        .id_of("cmn_location", "name", "HB-0101")
        .unwrap();
    let (ticket, id) = scene.incident(&json!({"location": place, "u_send_to_fn": "true"}));
    let why = scene.platform.wants(&scene.fetch(&id).await).unwrap_err();
    assert!(why.contains("its state is New"), "{why}");
    scene
        .instance
        .change_record(ticket, &json!({"state": "2"}))
        .unwrap();
    assert_eq!(scene.platform.wants(&scene.fetch(&id).await), Ok(()));
    scene
        .instance
        .change_record(ticket, &json!({"location": ""}))
        .unwrap();
    let why = scene.platform.wants(&scene.fetch(&id).await).unwrap_err();
    assert!(why.contains("location.state"), "{why}");
}

#[tokio::test]
async fn notes_are_the_same_whichever_way_they_can_be_read() {
    let scene = Scene::open(
        ServiceNowSettings {
            time_zone: "America/Chicago".to_owned(),
            ..ServiceNowSettings::default()
        },
        "",
        PASSWORD,
    )
    .await;
    let (ticket, id) = scene.incident(&simple());
    scene
        .instance
        .write_note(ticket, "Call first", NoteJournal::Comments)
        .unwrap();
    scene.clock.advance(Duration::from_secs(60));
    let note = fieldbridge::model::Note {
        id: String::new(),
        text: "On my way\n(10 minutes)".to_owned(),
        visibility: NoteVisibility::Internal,
        author: None,
        created_at: None,
        by_us: true,
    };
    scene
        .platform
        .add_note(&scene.call, &id, &note)
        .await
        .unwrap();
    scene.clock.advance(Duration::from_secs(60));
    scene
        .instance
        .write_note(ticket, "Call first", NoteJournal::Comments)
        .unwrap();
    let by_rows = scene.fetch_with(&id, NOTES).await.notes;
    let texts: Vec<(&str, NoteVisibility, bool)> = by_rows
        .iter()
        .map(|note| (note.text.as_str(), note.visibility, note.by_us))
        .collect();
    assert_eq!(
        texts,
        [
            ("Call first", NoteVisibility::Public, false),
            ("On my way\n(10 minutes)", NoteVisibility::Internal, true),
            ("Call first", NoteVisibility::Public, false),
        ]
    );
    assert_eq!(by_rows[0].created_at, Some(now()));
    assert_ne!(by_rows[0].id, by_rows[2].id);
    scene.instance.forbid("sys_journal_field");
    let rendered = scene.fetch_with(&id, NOTES).await.notes;
    let same = |notes: &[fieldbridge::model::Note]| -> Vec<_> {
        notes
            .iter()
            .map(|note| {
                (
                    note.id.clone(),
                    note.text.clone(),
                    note.by_us,
                    note.created_at,
                )
            })
            .collect()
    };
    assert_eq!(same(&rendered), same(&by_rows));
    assert_eq!(
        rendered[1].author.as_deref(),
        Some("Field Nation Integration")
    );
}

#[tokio::test]
async fn a_journal_that_shows_nothing_is_not_believed() {
    let scene = Scene::plain().await;
    let (ticket, id) = scene.incident(&simple());
    scene
        .instance
        .write_note(ticket, "hello", NoteJournal::Comments)
        .unwrap();
    scene.instance.hide("sys_journal_field");
    assert_eq!(scene.fetch_with(&id, NOTES).await.notes.len(), 1);
    let (_, silent) = scene.incident(&simple());
    assert!(scene.fetch_with(&silent, NOTES).await.notes.is_empty());
}

#[tokio::test]
async fn files_are_listed_and_read_as_they_are() {
    let scene = Scene::plain().await;
    let (ticket, id) = scene.incident(&simple());
    let page = Bytes::from_static(b"<html>a page that is a file</html>");
    let json = Bytes::from_static(b"{\"error\":\"a file that looks like a refusal\"}");
    scene
        .instance
        .attach(ticket, "page.html", "text/html", page.clone())
        .unwrap();
    scene
        .instance
        .attach(ticket, "log.json", "application/json", json.clone())
        .unwrap();
    let files = scene.fetch_with(&id, FILES).await.files;
    assert_eq!(files.len(), 2);
    assert_eq!(
        (files[0].name.as_str(), files[0].size, files[0].by_us),
        ("page.html", Some(34), false)
    );
    for (file, bytes) in files.iter().zip([page, json]) {
        let content = scene
            .platform
            .download(&scene.call, &id, file)
            .await
            .unwrap();
        assert_eq!(content.bytes, bytes);
    }
    let gone = FileReference {
        id: "0".repeat(32),
        ..files[0].clone()
    };
    assert!(
        scene
            .platform
            .download(&scene.call, &id, &gone)
            .await
            .is_err()
    );
    let odd = FileReference {
        id: "../x".to_owned(),
        ..files[0].clone()
    };
    assert_eq!(
        scene
            .platform
            .download(&scene.call, &id, &odd)
            .await
            .unwrap_err()
            .category,
        Category::Validation
    );
    scene.instance.hibernate();
    let file = FileReference {
        media_type: Some("image/png".to_owned()),
        ..files[0].clone()
    };
    assert_eq!(
        scene
            .platform
            .download(&scene.call, &id, &file)
            .await
            .unwrap_err()
            .category,
        Category::Server
    );
}

#[tokio::test]
async fn changes_are_listed_to_the_end_though_acls_empty_pages() {
    let scene = Scene::with("trigger_query = \"u_send_to_fn=true\"\n").await;
    let (_, early) = scene.incident(&json!({"u_send_to_fn": "true"}));
    scene.clock.advance(Duration::from_secs(10));
    let mut wanted = Vec::new();
    for count in 0..1_150 {
        if count % 400 == 0 {
            scene.clock.advance(Duration::from_secs(1));
        }
        let (_, id) = scene
            .incident(&json!({"u_send_to_fn": if count % 10 == 0 { "false" } else { "true" }}));
        if count < 600 {
            scene.instance.hide(id.as_str());
        } else if count % 10 != 0 {
            wanted.push(id);
        }
    }
    let since = now().checked_add(Duration::from_secs(5)).unwrap();
    let mut found = Vec::new();
    let mut page = None;
    for _ in 0..20 {
        let changed = scene
            .platform
            .changed_since(&scene.call, since, page)
            .await
            .unwrap();
        found.extend(changed.records.into_iter().map(|(id, _)| id));
        page = changed.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(page, None, "the listing ends");
    found.sort();
    found.dedup();
    wanted.sort();
    assert_eq!(found, wanted);
    assert!(!found.contains(&early));
    let odd = scene
        .platform
        .changed_since(&scene.call, since, Some("nonsense".to_owned()))
        .await
        .unwrap_err();
    assert_eq!(odd.category, Category::Configuration);
}

#[tokio::test]
async fn a_filter_that_would_be_dropped_is_not_sent() {
    let scene = Scene::with("trigger_query = \"u_typo=1\"\n").await;
    scene.incident(&simple());
    let failure = scene
        .platform
        .changed_since(&scene.call, now(), None)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.cause.contains("u_typo"), "{}", failure.cause);
    assert!(
        !scene
            .calls()
            .contains(&"GET /api/now/table/incident".to_owned())
    );
    // Where the dictionary can't be read, the rows themselves tell: an unknown field wants nothing.
    let scene = Scene::with("trigger_query = \"u_typo=1\"\n").await;
    scene.instance.forbid("sys_dictionary");
    scene.instance.forbid("ui/meta");
    let (_, id) = scene.incident(&simple());
    assert!(
        scene
            .platform
            .changed_since(&scene.call, now(), None)
            .await
            .unwrap()
            .records
            .is_empty()
    );
    assert!(scene.platform.wants(&scene.fetch(&id).await).is_err());
}

#[tokio::test]
async fn any_table_is_read() {
    let scene = Scene::with("object_name = \"wm_task\"\n").await;
    let ticket = scene.instance.open_record("wm_task", &simple()).unwrap();
    let record = scene.fetch(&scene.id(ticket)).await;
    assert_eq!(record.label, "WOT0020001 Register 3 does not start");
    let reading = scene
        .platform
        .read_trigger(&number("WOT0020001"))
        .await
        .unwrap();
    assert!(matches!(reading, TriggerReading::Records { ids, .. } if ids == [record.id]));
}

#[tokio::test]
async fn our_own_change_is_known_as_ours() {
    let scene = Scene::plain().await;
    let (_, id) = scene.incident(&simple());
    scene.update(&id, &json!({"urgency": "1"})).await.unwrap();
    assert!(scene.fetch(&id).await.changed_by_us);
}
