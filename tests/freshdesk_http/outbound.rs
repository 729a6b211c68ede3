//! Creating and changing tickets, and finding what was created.

use super::desk::{Scene, id, map, ok, record, reply, ticket, unknown};
use fieldbridge::model::{
    Category, Clock, Effect, FileContent, Marker, Note, NoteVisibility, SideRecord, SideRecordKind,
    SideSource, Timestamp, WorkOrderId,
};
use fieldbridge::platform::Found;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

#[tokio::test]
async fn a_new_ticket_carries_the_marker() {
    let scene = Scene::open("marker_field = \"cf_fn_work_order\"", |seen| {
        match seen.line().as_str() {
            "POST /api/v2/tickets" => reply(201, json!({"id": 77}).to_string()),
            _ => unknown(),
        }
    })
    .await;
    let fields = map(
        json!({"email": "customer@example.com", "subject": "Site visit", "status": "open",
        "priority": "High", "custom_fields": {"cf_site": "dallas"}, "tags": ["on-site"]}),
    );
    let marker = Marker::of_work_order(WorkOrderId(5));
    let created = scene
        .platform
        .create(&scene.call, &fields, &marker)
        .await
        .unwrap();
    assert_eq!((created.id.as_str(), created.existed), ("77", false));
    assert_eq!(
        scene.last("POST /api/v2/tickets").json(),
        json!({"email": "customer@example.com", "subject": "Site visit", "status": 2, "priority": 3,
            "custom_fields": {"cf_site": "Dallas", "cf_fn_work_order": "FN-5"}, "tags": ["on-site"]})
    );
}

#[tokio::test]
async fn a_note_that_fails_does_not_make_the_ticket_anew() {
    let scene = Scene::open("", |seen| match seen.line().as_str() {
        "POST /api/v2/tickets" => reply(201, json!({"id": 77}).to_string()),
        "POST /api/v2/tickets/77/notes" => reply(502, ""),
        _ => unknown(),
    })
    .await;
    let fields = map(
        json!({"email": "customer@example.com", "subject": "x", "status": 2,
        "private_note": "Assigned"}),
    );
    let marker = Marker::of_work_order(WorkOrderId(5));
    let created = scene
        .platform
        .create(&scene.call, &fields, &marker)
        .await
        .unwrap();
    assert_eq!(created.id.as_str(), "77");
    let count = |line: &str| scene.lines().iter().filter(|seen| *seen == line).count();
    assert_eq!(count("POST /api/v2/tickets"), 1);
    assert_eq!(count("POST /api/v2/tickets/77/notes"), 2);
    // Before the second try the ticket is looked at: the first may have arrived.
    assert_eq!(count("GET /api/v2/tickets/77/conversations"), 2);
}

#[tokio::test]
async fn a_ticket_that_would_be_refused_is_not_sent() {
    let scene = Scene::open("", |_| unknown()).await;
    let fields = map(json!({"status": "Done", "custom_fields": {"cf_site": "Houston"}}));
    let marker = Marker::of_work_order(WorkOrderId(5));
    let failure = scene
        .platform
        .create(&scene.call, &fields, &marker)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    for part in [
        "it allows: Open (2), Resolved (4), Field Service Required (8)",
        "it allows: Austin, Dallas",
        "a requester is needed",
        "subject (Subject) is required",
    ] {
        assert!(failure.cause.contains(part), "{part}: {}", failure.cause);
    }
    assert!(!scene.lines().contains(&"POST /api/v2/tickets".to_owned()));
}

#[tokio::test]
async fn a_creation_in_doubt_is_told_as_such() {
    for (status, body) in [(201, "{}"), (200, "<html>"), (502, ""), (500, "{}")] {
        let scene = Scene::open("", move |seen| match seen.line().as_str() {
            "POST /api/v2/tickets" => reply(status, body),
            _ => unknown(),
        })
        .await;
        let fields = map(json!({"email": "customer@example.com", "subject": "x", "status": 2}));
        let marker = Marker::of_work_order(WorkOrderId(5));
        let failure = scene
            .platform
            .create(&scene.call, &fields, &marker)
            .await
            .unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Server, Effect::Unknown),
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn an_update_sends_what_changed_and_keeps_other_peoples_tags() {
    let scene = Scene::open("", |seen| match seen.line().as_str() {
        "PUT /api/v2/tickets/12" => ok(&ticket()),
        _ => unknown(),
    })
    .await;
    let base = record(ticket());
    let changes =
        map(json!({"status": "Resolved", "tags": ["done"], "custom_fields": {"cf_site": null}}));
    scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap();
    assert_eq!(
        scene.last("PUT /api/v2/tickets/12").json(),
        json!({"status": 4, "tags": ["vip", "done"], "custom_fields": {"cf_site": null}})
    );
    let before = scene.seen().len();
    scene
        .platform
        .update(&scene.call, &base, &Map::new())
        .await
        .unwrap();
    assert_eq!(scene.seen().len(), before, "nothing to send, nothing sent");
}

#[tokio::test]
async fn a_mapping_does_not_overwrite_the_marker() {
    let scene = Scene::open(MARKED, |seen| match seen.line().as_str() {
        "PUT /api/v2/tickets/12" => ok(&ticket()),
        _ => unknown(),
    })
    .await;
    let changes = map(json!({"status": 4, "custom_fields": {"cf_fn_work_order": "5"}}));
    let platform = &scene.platform;
    platform
        .update(&scene.call, &record(ticket()), &changes)
        .await
        .unwrap();
    assert_eq!(
        scene.last("PUT /api/v2/tickets/12").json(),
        json!({"status": 4})
    );
    // A ticket that a person made carries no marker, and its field is free.
    let theirs = record(json!({"id": 12, "custom_fields": {"cf_fn_work_order": null}}));
    platform
        .update(&scene.call, &theirs, &changes)
        .await
        .unwrap();
    assert_eq!(
        scene.last("PUT /api/v2/tickets/12").json(),
        json!({"status": 4, "custom_fields": {"cf_fn_work_order": "5"}})
    );
}

#[tokio::test]
async fn tags_are_read_when_the_base_does_not_tell_them() {
    let scene = Scene::open("", |seen| match seen.line().as_str() {
        "GET /api/v2/tickets/12" | "PUT /api/v2/tickets/12" => ok(&ticket()),
        _ => unknown(),
    })
    .await;
    let base = record(json!({"id": 12}));
    let changes = map(json!({"tags": "done"}));
    scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap();
    assert_eq!(
        scene.last("PUT /api/v2/tickets/12").json(),
        json!({"tags": ["vip", "done"]})
    );
}

#[tokio::test]
async fn a_mapped_note_is_added_once() {
    let notes = Arc::new(Mutex::new(Vec::<Value>::new()));
    let kept = Arc::clone(&notes);
    let scene = Scene::open("", move |seen| match seen.line().as_str() {
        "PUT /api/v2/tickets/12" => ok(&ticket()),
        "POST /api/v2/tickets/12/notes" => {
            let mut note = seen.json();
            note["id"] = json!(5);
            note["user_id"] = json!(1);
            kept.lock().unwrap().push(note.clone());
            reply(201, note.to_string())
        }
        "GET /api/v2/tickets/12/conversations" => ok(&json!(*kept.lock().unwrap())),
        _ => unknown(),
    })
    .await;
    let changes = map(json!({"status": 4, "private_note": "Replaced <router>\nand tested"}));
    for _ in 0..2 {
        scene
            .platform
            .update(&scene.call, &record(ticket()), &changes)
            .await
            .unwrap();
    }
    let notes = notes.lock().unwrap();
    assert_eq!(notes.len(), 1);
    assert_eq!(
        notes[0]["body"],
        "<div>Replaced &lt;router&gt;<br>and tested</div>"
    );
    assert_eq!(notes[0]["private"], true);
}

#[tokio::test]
async fn notes_are_escaped_and_private_unless_public() {
    let scene = Scene::open("note_author_id = 44", |seen| match seen.line().as_str() {
        "POST /api/v2/tickets/12/notes" => reply(201, json!({"id": 5}).to_string()),
        _ => unknown(),
    })
    .await;
    for (visibility, private) in [
        (NoteVisibility::Internal, true),
        (NoteVisibility::Public, false),
    ] {
        let note = Note {
            id: String::new(),
            text: "<b>1 & 2</b>\nbye".into(),
            visibility,
            author: None,
            created_at: None,
            by_us: true,
        };
        let added = scene
            .platform
            .add_note(&scene.call, &id("12"), &note)
            .await
            .unwrap();
        assert_eq!(added.id(), Some("5"));
        assert_eq!(
            scene.last("POST /api/v2/tickets/12/notes").json(),
            json!({"body": "<div>&lt;b&gt;1 &amp; 2&lt;/b&gt;<br>bye</div>", "private": private, "user_id": 44})
        );
    }
}

fn file(bytes: Vec<u8>) -> FileContent {
    FileContent {
        name: "before \"work\".jpg".into(),
        media_type: "image/jpeg".into(),
        bytes: bytes.into(),
    }
}

#[tokio::test]
async fn a_file_goes_as_one_part_of_a_private_note() {
    let scene = Scene::open("", |seen| match seen.line().as_str() {
        "GET /api/v2/tickets/12" => ok(&ticket()),
        "POST /api/v2/tickets/12/notes" => reply(
            201,
            json!({"id": 5, "attachments": [{"id": 93}]}).to_string(),
        ),
        _ => unknown(),
    })
    .await;
    let attached = scene
        .platform
        .attach(&scene.call, &id("12"), &file(b"JPEGDATA".to_vec()))
        .await;
    assert_eq!(attached.unwrap().as_deref(), Some("93"));
    let sent = scene.last("POST /api/v2/tickets/12/notes");
    assert!(
        sent.content_type
            .starts_with("multipart/form-data; boundary=")
    );
    let body = String::from_utf8_lossy(&sent.body).into_owned();
    for part in [
        "name=\"private\"\r\n\r\ntrue",
        "name=\"attachments[]\"; filename=\"before work.jpg\"\r\nContent-Type: image/jpeg\r\n",
        "JPEGDATA",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_not_sent() {
    let scene = Scene::open("", |seen| match seen.line().as_str() {
        "GET /api/v2/tickets/12" => {
            ok(&json!({"id": 12, "attachments": [{"id": 1, "size": 15_000_000}]}))
        }
        "GET /api/v2/tickets/12/conversations" => {
            ok(&json!([{"id": 2, "attachments": [{"id": 3, "file_size": 5_000_000}]}]))
        }
        _ => unknown(),
    })
    .await;
    let failure = scene
        .platform
        .attach(&scene.call, &id("12"), &file(vec![0; 2_000_000]))
        .await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(
        failure.cause.contains("19.0 MB are attached already"),
        "{}",
        failure.cause
    );
    let before = scene.seen().len();
    let huge = file(vec![0; 21 * 1024 * 1024]);
    assert!(
        scene
            .platform
            .attach(&scene.call, &id("12"), &huge)
            .await
            .is_err()
    );
    assert_eq!(
        scene.seen().len(),
        before,
        "a file too large by itself costs no call"
    );
}

const MARKED: &str = "marker_field = \"cf_fn_work_order\"";

#[tokio::test]
async fn a_marked_ticket_is_found_and_confirmed() {
    let scene = Scene::open(MARKED, |seen| match seen.path.as_str() {
        "/api/v2/search/tickets" => {
            ok(&json!({"results": [{"id": 12}, {"id": 13}, {"id": 12}], "total": 3}))
        }
        "/api/v2/tickets/12" => ok(&ticket()),
        "/api/v2/tickets/13" => {
            ok(&json!({"id": 13, "custom_fields": {"cf_fn_work_order": "FN-55"}}))
        }
        _ => unknown(),
    })
    .await;
    let found = scene
        .platform
        .find(
            &scene.call,
            &Marker::of_work_order(WorkOrderId(5)),
            LONG_AGO,
        )
        .await;
    assert_eq!(found.unwrap(), Found::Records(vec![id("12")]));
    let search = scene.last("GET /api/v2/search/tickets");
    assert_eq!(
        search.parameter("query"),
        Some("\"cf_fn_work_order:'FN-5'\"")
    );
}

#[tokio::test]
async fn absence_is_believed_only_after_the_index_caught_up() {
    let scene = Scene::open(MARKED, |seen| match seen.line().as_str() {
        "POST /api/v2/tickets" => reply(504, ""),
        _ => unknown(),
    })
    .await;
    let marker = Marker::of_work_order(WorkOrderId(5));
    scene.clock.advance(Duration::from_secs(600));
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker, LONG_AGO)
            .await
            .unwrap(),
        Found::Absent
    );
    let fields = map(json!({"email": "customer@example.com", "subject": "x", "status": 2}));
    scene
        .platform
        .create(&scene.call, &fields, &marker)
        .await
        .unwrap_err();
    let tried = scene.clock.now();
    let find = async || scene.platform.find(&scene.call, &marker, tried).await;
    scene.clock.advance(Duration::from_secs(20));
    assert_eq!(find().await, Ok(Found::NotYet(Duration::from_secs(40))));
    scene.clock.advance(Duration::from_secs(40));
    assert_eq!(find().await, Ok(Found::Absent));
}

#[tokio::test]
async fn a_ticket_too_new_for_the_index_is_found_in_the_list() {
    let scene = Scene::open(MARKED, |seen| match seen.path.as_str() {
        "/api/v2/tickets" => ok(&json!([{"id": 11, "custom_fields": {}}, ticket()])),
        "/api/v2/tickets/12" => ok(&ticket()),
        _ => unknown(),
    })
    .await;
    let marker = Marker::of_work_order(WorkOrderId(5));
    let tried = "2026-03-01T11:59:30Z".parse().unwrap();
    let found = scene.platform.find(&scene.call, &marker, tried).await;
    assert_eq!(found.unwrap(), Found::Records(vec![id("12")]));
    let list = scene.last("GET /api/v2/tickets");
    assert_eq!(
        list.parameter("updated_since"),
        Some("2026-03-01T11:58:30Z"),
        "from when it was to be made, and a minute for our clocks"
    );
}

#[tokio::test]
async fn a_marker_field_that_is_not_there_is_named() {
    let refusal = r#"{"description":"Validation failed","errors":[{"field":"cf_fn_work_order","message":"Unexpected/invalid field in request","code":"invalid_field"}]}"#;
    let scene = Scene::open(MARKED, move |seen| match seen.path.as_str() {
        "/api/v2/search/tickets" => reply(400, refusal),
        _ => unknown(),
    })
    .await;
    let marker = Marker::of_work_order(WorkOrderId(5));
    let failure = scene
        .platform
        .find(&scene.call, &marker, LONG_AGO)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.cause.contains("marker_field"), "{}", failure.cause);
    let scene = Scene::open("", |_| unknown()).await;
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker, LONG_AGO)
            .await
            .unwrap(),
        Found::CannotTell
    );
    assert!(scene.seen().is_empty() && !scene.platform.capabilities().find);
}

#[tokio::test]
async fn a_time_log_keeps_its_entry() {
    let entries = Arc::new(Mutex::new(json!([])));
    let kept = Arc::clone(&entries);
    let scene = Scene::open("", move |seen| match seen.line().as_str() {
        "GET /api/v2/tickets/12/time_entries" => ok(&kept.lock().unwrap()),
        "POST /api/v2/tickets/12/time_entries" => {
            let mut entry = seen.json();
            entry["id"] = json!(31);
            *kept.lock().unwrap() = json!([entry]);
            // The answer is lost on its way.
            reply(502, "")
        }
        "PUT /api/v2/time_entries/31" => ok(&json!({"id": 31})),
        _ => unknown(),
    })
    .await;
    let fields = json!({"time_spent": 1.5, "note": "On site"});
    let log = SideSource::Object("55".into());
    let side = SideRecord::new(SideRecordKind::Time, fields, log);
    let record = id("12");
    let failure = scene
        .platform
        .put_side_record(&scene.call, &record, &side, None)
        .await
        .unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    assert_eq!(
        scene.last("POST /api/v2/tickets/12/time_entries").json(),
        json!({"time_spent": "01:30", "note": "(#55) On site"})
    );
    let entry = scene
        .platform
        .put_side_record(&scene.call, &record, &side, None)
        .await
        .unwrap();
    assert_eq!(entry, "31");
    let posts = scene
        .lines()
        .iter()
        .filter(|line| line.starts_with("POST"))
        .count();
    assert_eq!(posts, 1, "the entry made unheard is found, not doubled");
    let charge = SideRecord {
        kind: SideRecordKind::Charge,
        ..side
    };
    let failure = scene
        .platform
        .put_side_record(&scene.call, &record, &charge, None)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
}
