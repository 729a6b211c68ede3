//! What goes out: records, fields, notes, files, side records; and finding what was made in doubt.

use axum::http::Method;
use bytes::Bytes;
use fieldbridge::model::{
    Category, Effect, FileContent, Marker, Note, NoteVisibility, SideRecord, SideRecordKind,
    SideSource, Timestamp, WorkOrderId,
};
use fieldbridge::platform::{Found, Noted};
use fieldbridge::sandbox::{
    Deed, Doer, Fault, FaultKind, InvalidQuery, NoteJournal, ServiceNowSettings, Thing,
};
use serde_json::{Value, json};

use crate::bench::{PASSWORD, Scene, map, simple};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

fn marker() -> Marker {
    Marker::of_work_order(WorkOrderId(4711))
}

fn note(text: &str, visibility: NoteVisibility) -> Note {
    Note {
        id: String::new(),
        text: text.to_owned(),
        visibility,
        author: None,
        created_at: None,
        by_us: true,
    }
}

fn file(name: &str, bytes: &'static [u8]) -> FileContent {
    FileContent {
        name: name.to_owned(),
        media_type: "image/png".to_owned(),
        bytes: Bytes::from_static(bytes),
    }
}

/// A byte more than a megabyte.
static LARGE: [u8; 1024 * 1024 + 1] = [0; 1024 * 1024 + 1];

fn last_body(scene: &Scene, method: &str) -> Value {
    let exchanges = scene.call.take_exchanges();
    let last = exchanges
        .iter()
        .rfind(|one| one.method == method)
        .expect("such a call");
    serde_json::from_str(last.request_body.as_deref().unwrap()).unwrap()
}

#[tokio::test]
async fn a_record_is_made_with_its_marker_in_one_call() {
    let scene = Scene::plain().await;
    let fields = map(&json!({
        "short_description": "From Field Nation", "impact": 1, "category": "Hardware", "work_notes": "first note",
        "caller_id": {"email": "store.manager@example.com"}, "location": {"name": "HB-0103"}, "assignment_group": "Field Services",
        "expected_start": "2026-03-02T09:00:00-06:00",
    }));
    let created = scene
        .platform
        .create(&scene.call, &fields, &marker())
        .await
        .unwrap();
    assert!(!created.existed);
    let ticket = 10_001;
    assert_eq!(scene.id(ticket), created.id);
    let record = scene.instance.record(ticket);
    assert_eq!(record["correlation_id"], "FN-4711");
    assert_eq!(record["correlation_display"], "Field Nation");
    assert_eq!(record["impact"], "1");
    assert_eq!(record["category"], "hardware");
    assert_eq!(record["expected_start"], "2026-03-02 15:00:00");
    assert_eq!(
        record["location"],
        scene
            .instance
            .id_of("cmn_location", "name", "HB-0103")
            .unwrap()
    );
    assert_eq!(
        record["assignment_group"],
        scene
            .instance
            .id_of("sys_user_group", "name", "Field Services")
            .unwrap()
    );
    assert_eq!(scene.instance.notes(ticket)[0].2, "first note");
    let calls = scene.calls();
    assert_eq!(
        calls.iter().filter(|call| !call.starts_with("GET")).count(),
        1,
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_found_again_and_not_made_twice() {
    let scene = Scene::plain().await;
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker(), LONG_AGO)
            .await
            .unwrap(),
        Found::Absent
    );
    scene
        .instance
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/table/incident"));
    let failure = scene
        .platform
        .create(&scene.call, &map(&simple()), &marker())
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Network, Effect::Unknown)
    );
    let found = scene
        .platform
        .find(&scene.call, &marker(), LONG_AGO)
        .await
        .unwrap();
    assert_eq!(found, Found::Records(vec![scene.id(10_001)]));
    scene
        .platform
        .create(&scene.call, &map(&simple()), &marker())
        .await
        .unwrap();
    let Found::Records(found) = scene
        .platform
        .find(&scene.call, &marker(), LONG_AGO)
        .await
        .unwrap()
    else {
        panic!("two carry it");
    };
    assert_eq!(
        found.len(),
        2,
        "correlation_id is not unique, and none is picked"
    );
}

#[tokio::test]
async fn a_marker_field_that_does_not_exist_is_never_taken_for_absence() {
    for invalid_query in [InvalidQuery::Dropped, InvalidQuery::FindsNothing] {
        let instance = ServiceNowSettings {
            invalid_query,
            ..ServiceNowSettings::default()
        };
        for dictionary in ["readable", "forbidden"] {
            let scene = Scene::open(
                instance.clone(),
                "",
                &format!("{PASSWORD}correlation_field = \"u_typo\"\n"),
            )
            .await;
            scene.incident(&simple());
            if dictionary == "forbidden" {
                scene.instance.forbid("sys_dictionary");
                scene.instance.forbid("ui/meta");
            }
            let failure = scene
                .platform
                .find(&scene.call, &marker(), LONG_AGO)
                .await
                .unwrap_err();
            assert_eq!(
                failure.category,
                Category::Configuration,
                "{invalid_query:?}, {dictionary}"
            );
            assert!(failure.cause.contains("u_typo"));
        }
    }
    let scene = Scene::with("correlation_field = \"u_site_code\"\n").await;
    scene
        .platform
        .create(&scene.call, &map(&simple()), &marker())
        .await
        .unwrap();
    assert_eq!(scene.instance.record(10_001)["u_site_code"], "FN-4711");
    assert_eq!(scene.instance.record(10_001)["correlation_display"], "");
    assert!(
        matches!(scene.platform.find(&scene.call, &marker(), LONG_AGO).await.unwrap(), Found::Records(found) if found.len() == 1)
    );
}

#[tokio::test]
async fn only_what_changed_is_sent_in_the_vendors_own_writing() {
    let scene = Scene::plain().await;
    let (ticket, id) = scene.incident(&json!({"short_description": "x", "impact": "2"}));
    scene.update(&id, &json!({"state": "In progress", "impact": 2, "u_send_to_fn": true, "assigned_to": {"name": "Sample Dispatcher"}})).await.unwrap();
    let dispatcher = scene
        .instance
        .id_of("sys_user", "user_name", "sample.dispatcher")
        .unwrap();
    assert_eq!(
        last_body(&scene, "PATCH"),
        json!({"state": "2", "u_send_to_fn": "true", "assigned_to": dispatcher})
    );
    assert_eq!(scene.instance.record(ticket)["assigned_to"], dispatcher);
    scene
        .update(
            &id,
            &json!({"state": "In Progress", "assigned_to": "Sample Dispatcher"}),
        )
        .await
        .unwrap();
    assert!(
        scene.calls().iter().all(|call| !call.starts_with("PATCH")),
        "nothing differs"
    );
}

#[tokio::test]
async fn what_the_vendor_would_swallow_is_refused_before_it_is_sent() {
    let scene = Scene::plain().await;
    let (_, id) = scene.incident(&simple());
    for (changes, told) in [
        (json!({"u_typo": "x", "state": "Done"}), "no field `u_typo`"),
        (json!({"state": "Done"}), "In Progress (2)"),
        (json!({"sys_updated_by": "x"}), "can't be written"),
        (
            json!({"assigned_to": "Nobody There"}),
            "no record of sys_user",
        ),
        (
            json!({"assigned_to": {"email": "nobody@example.com"}}),
            "email \"nobody@example.com\"",
        ),
        (
            json!({"assigned_to": {"u_typo": "x"}}),
            "no record of sys_user",
        ),
        (json!({"assigned_to": {"name": "a^b"}}), "drop that part"),
        (
            json!({"expected_start": "next week"}),
            "takes a date and time",
        ),
    ] {
        let failure = scene.update(&id, &changes).await.unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Validation, Effect::None),
            "{changes}"
        );
        assert!(failure.cause.contains(told), "{told}: {}", failure.cause);
        let calls = scene.calls();
        assert!(
            calls.iter().all(|call| call.starts_with("GET")),
            "{changes}: {calls:?}"
        );
    }
}

#[tokio::test]
async fn a_name_that_two_bear_is_not_guessed() {
    let scene = Scene::plain().await;
    let (_, id) = scene.incident(&simple());
    scene
        .instance
        .add_location(&[("name", "HB-0101".to_owned())]);
    let failure = scene
        .update(&id, &json!({"location": "HB-0101"}))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(
        failure.cause.contains("2 records of cmn_location"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn what_was_swallowed_all_the_same_is_told() {
    let scene = Scene::plain().await;
    let (ticket, id) = scene.incident(&simple());
    scene.instance.protect("urgency");
    let failure = scene
        .update(&id, &json!({"urgency": "1", "impact": "1"}))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(
        failure.cause.contains("left urgency as before"),
        "{}",
        failure.cause
    );
    assert_eq!(
        scene.instance.record(ticket)["impact"],
        "1",
        "the rest was taken"
    );
    let failure = scene
        .update(&id, &json!({"priority": "1"}))
        .await
        .unwrap_err();
    assert!(
        failure
            .hint
            .unwrap()
            .contains("computed from impact and urgency")
    );
}

#[tokio::test]
async fn resolving_wants_a_code_and_notes() {
    let scene = Scene::plain().await;
    let (_, id) = scene.incident(&simple());
    let failure = scene
        .update(&id, &json!({"state": "Resolved"}))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None)
    );
    assert!(
        failure.cause.contains("Resolution code, Resolution notes"),
        "{}",
        failure.cause
    );
    assert!(failure.hint.unwrap().contains("default_close_code"));
    scene.update(&id, &json!({"state": "Resolved", "close_code": "solution provided", "close_notes": "Done."})).await.unwrap();
    scene.update(&id, &json!({"state": "7"})).await.unwrap();
    let failure = scene
        .update(&id, &json!({"short_description": "late"}))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(
        failure
            .hint
            .unwrap()
            .contains("Closed records are read-only")
    );
}

#[tokio::test]
async fn the_settings_give_a_resolution_where_nobody_else_does() {
    let scene = Scene::with("default_close_code = \"Solution provided\"\ndefault_close_notes = \"Closed by Field Nation.\"\n").await;
    let (ticket, id) = scene.incident(&simple());
    scene
        .update(&id, &json!({"state": "6", "close_notes": "By hand"}))
        .await
        .unwrap();
    let record = scene.instance.record(ticket);
    assert_eq!(
        (&record["close_code"], &record["close_notes"]),
        (&json!("Solution provided"), &json!("By hand"))
    );
    let scene = Scene::with("default_close_code = \"Made up\"\n").await;
    let (_, id) = scene.incident(&simple());
    let failure = scene.update(&id, &json!({"state": "6"})).await.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.cause.contains("Made up"), "{}", failure.cause);
}

#[tokio::test]
async fn a_business_rules_refusal_is_about_the_content() {
    let scene = Scene::plain().await;
    let (_, id) = scene.incident(&simple());
    scene.instance.abort_writes("urgency", "1");
    let failure = scene
        .update(&id, &json!({"urgency": "1"}))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(
        failure.cause.contains("aborted by Business Rule 'Guard"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn the_marker_of_a_record_that_we_made_stays() {
    let scene = Scene::plain().await;
    let created = scene
        .platform
        .create(&scene.call, &map(&simple()), &marker())
        .await
        .unwrap();
    scene
        .update(
            &created.id,
            &json!({"correlation_id": "other", "urgency": "1"}),
        )
        .await
        .unwrap();
    assert_eq!(scene.instance.record(10_001)["correlation_id"], "FN-4711");
    let (ticket, id) = scene.incident(&simple());
    scene
        .update(&id, &json!({"correlation_id": "FN-9"}))
        .await
        .unwrap();
    assert_eq!(scene.instance.record(ticket)["correlation_id"], "FN-9");
}

#[tokio::test]
async fn mapped_notes_go_along_with_the_fields_and_not_twice() {
    let scene = Scene::plain().await;
    let (ticket, id) = scene.incident(&simple());
    let changes = json!({"state": "2", "work_notes": "Assigned to a technician"});
    scene
        .instance
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::PATCH, "/table/incident"));
    scene.update(&id, &changes).await.unwrap_err();
    scene.update(&id, &changes).await.unwrap();
    let notes = scene.instance.notes(ticket);
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].0, "work_notes");
    // A person's same words are no reason to leave ours out.
    scene
        .instance
        .write_note(ticket, "Work done", NoteJournal::WorkNotes)
        .unwrap();
    scene
        .update(&id, &json!({"work_notes": "Work done"}))
        .await
        .unwrap();
    assert_eq!(scene.instance.notes(ticket).len(), 3);
    assert_eq!(
        last_body(&scene, "PATCH"),
        json!({"work_notes": "Work done"})
    );
}

#[tokio::test]
async fn notes_are_public_or_internal_and_never_html() {
    let scene = Scene::plain().await;
    let (ticket, id) = scene.incident(&simple());
    let add = async |text: &str, visibility| {
        scene
            .platform
            .add_note(&scene.call, &id, &note(text, visibility))
            .await
    };
    assert_eq!(
        add("for all", NoteVisibility::Public).await.unwrap(),
        Noted::Added(None),
        "the vendor gives no id"
    );
    add("[code]<b>x</b>[/code]", NoteVisibility::Internal)
        .await
        .unwrap();
    assert_eq!(
        add("  ", NoteVisibility::Public)
            .await
            .unwrap_err()
            .category,
        Category::Validation
    );
    let notes = scene.instance.notes(ticket);
    let notes: Vec<(&str, &str)> = notes
        .iter()
        .map(|(element, _, text)| (element.as_str(), text.as_str()))
        .collect();
    assert_eq!(
        notes,
        [
            ("comments", "for all"),
            ("work_notes", "(code)<b>x</b>(/code)")
        ]
    );
}

#[tokio::test]
async fn files_are_attached_within_the_limits_that_are_checked_before() {
    let scene =
        Scene::with("attachment_extensions = [\"png\", \".JPG\"]\nattachment_max_mb = 1\n").await;
    let (_, id) = scene.incident(&simple());
    let attach = async |file: &FileContent| scene.platform.attach(&scene.call, &id, file).await;
    let attached = attach(&file("../site photo.PNG", b"png"))
        .await
        .unwrap()
        .unwrap();
    let wish = fieldbridge::platform::Wish {
        notes: false,
        files: true,
    };
    let files = scene.fetch_with(&id, wish).await.files;
    assert_eq!(files.len(), 1);
    assert_eq!(
        (files[0].id.as_str(), files[0].name.as_str(), files[0].by_us),
        (attached.as_str(), "site photo.PNG", true)
    );
    assert_eq!(files[0].media_type.as_deref(), Some("image/png"));
    let _ = scene.call.take_exchanges();
    for (file, told) in [
        (file("tool.exe", b"x"), "png, jpg"),
        (file("noextension", b"x"), "png, jpg"),
        (
            file("large.png", &LARGE),
            "larger than the instance takes: 1 MB",
        ),
        (file("empty.png", b""), "is empty"),
    ] {
        let failure = attach(&file).await.unwrap_err();
        assert_eq!(failure.category, Category::Validation);
        assert!(failure.cause.contains(told), "{}", failure.cause);
    }
    assert!(scene.calls().is_empty());
    let lost = Fault::once(FaultKind::LostResponse).on(&Method::POST, "/attachment/file");
    scene.instance.faults().push(lost);
    assert_eq!(
        attach(&file("b.png", b"x")).await.unwrap_err().effect,
        Effect::Unknown
    );
}

#[tokio::test]
async fn time_is_a_row_of_its_own_that_is_edited_and_not_doubled() {
    let scene = Scene::with("time_table = \"time_card\"\ntime_parent_field = \"task\"\n").await;
    assert_eq!(
        scene.platform.capabilities().side_records,
        [SideRecordKind::Time]
    );
    let (_, id) = scene.incident(&simple());
    let side = |hours: f64| {
        let fields = json!({"total": hours, "comments": "On site"});
        SideRecord::new(
            SideRecordKind::Time,
            fields,
            SideSource::Object("103".into()),
        )
    };
    let put = async |side: &SideRecord, existing: Option<&str>| {
        scene
            .platform
            .put_side_record(&scene.call, &id, side, existing)
            .await
    };
    scene
        .instance
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/table/time_card"));
    assert_eq!(
        put(&side(1.5), None).await.unwrap_err().effect,
        Effect::Unknown
    );
    let row = put(&side(1.5), None).await.unwrap();
    assert_eq!(put(&side(2.0), Some(&row)).await.unwrap(), row);
    let journal = scene.instance.journal();
    assert_eq!(journal.count(Deed::Created, Thing::TimeEntry, Doer::Api), 1);
    assert_eq!(journal.count(Deed::Updated, Thing::TimeEntry, Doer::Api), 1);
    let charge = SideRecord {
        kind: SideRecordKind::Charge,
        ..side(1.0)
    };
    assert_eq!(
        put(&charge, None).await.unwrap_err().category,
        Category::Configuration
    );
    let odd = SideRecord {
        fields: json!({"a^b": "x"}),
        ..side(1.0)
    };
    assert_eq!(
        put(&odd, None).await.unwrap_err().category,
        Category::Validation
    );
    assert!(
        Scene::plain()
            .await
            .platform
            .capabilities()
            .side_records
            .is_empty()
    );
}

#[tokio::test]
async fn without_the_dictionary_usual_fields_are_written_and_the_answer_tells_the_rest() {
    let scene = Scene::plain().await;
    scene.instance.forbid("sys_dictionary");
    scene.instance.forbid("ui/meta");
    let (ticket, id) = scene.incident(&simple());
    scene.update(&id, &json!({"state": "In Progress", "u_site_code": "HB-0101", "assigned_to": "Sample Dispatcher"})).await.unwrap();
    let record = scene.instance.record(ticket);
    assert_eq!(
        (&record["state"], &record["u_site_code"]),
        (&json!("2"), &json!("HB-0101"))
    );
    assert_ne!(record["assigned_to"], "");
    let failure = scene
        .update(&id, &json!({"u_typo": "x"}))
        .await
        .unwrap_err();
    assert!(
        failure.cause.contains("left u_typo as before"),
        "{}",
        failure.cause
    );
}
