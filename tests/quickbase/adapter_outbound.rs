//! Creating, changing, notes, files, side records, and finding what was created unheard.

use axum::http::Method;
use bytes::Bytes;
use fieldbridge::model::{
    Category, Effect, FileContent, NoteVisibility, SideRecord, SideRecordKind, SideSource,
    Timestamp, WorkOrderId,
};
use fieldbridge::platform::{Found, Noted, Wish};
use fieldbridge::sandbox::{Deed, Doer, FaultKind, MissingKey, QuickbaseSettings, Thing};
use serde_json::{Value, json};

use super::scene::{DOCUMENTS, MESSAGES, Scene, TIMES, job, map, marker, record_id};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

#[tokio::test]
async fn a_record_is_created_with_its_marker_in_one_call() {
    let scene = Scene::open().await;
    let created = scene
        .platform
        .create(&scene.call, &map(job()), &marker(7))
        .await
        .unwrap();
    assert!(!created.existed);
    assert_eq!(scene.sent(), ["GET /v1/fields", "POST /v1/records"]);
    let made = scene.desk.job(1).unwrap();
    assert_eq!((&made["18"], &made["15"]), (&json!("FN-7"), &json!(175)));
    let again = scene
        .platform
        .create(&scene.call, &map(job()), &marker(7))
        .await
        .unwrap();
    assert!(again.existed, "a second creation meets the first");
    assert_eq!(again.id, created.id);
    let made = scene
        .desk
        .journal()
        .count(Deed::Created, Thing::Ticket, Doer::Api);
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_creation_unheard_is_found_by_its_marker() {
    let scene = Scene::open().await;
    assert_eq!(
        scene.platform.find(&scene.call, &marker(7), LONG_AGO).await,
        Ok(Found::Absent)
    );
    scene.strike(&Method::POST, "/v1/records", FaultKind::LostResponse);
    let failure = scene
        .platform
        .create(&scene.call, &map(job()), &marker(7))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Network, Effect::Unknown)
    );
    let found = scene
        .platform
        .find(&scene.call, &marker(7), LONG_AGO)
        .await
        .unwrap();
    assert_eq!(found, Found::Records(vec![record_id(1)]));
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker(70), LONG_AGO)
            .await,
        Ok(Found::Absent)
    );
    let odd = fieldbridge::model::Marker::from_text("it's");
    assert_eq!(
        scene.platform.find(&scene.call, &odd, LONG_AGO).await,
        Ok(Found::CannotTell)
    );
}

#[tokio::test]
async fn without_a_merge_field_a_person_is_asked() {
    let scene = Scene::without(&["merge_field_id"], "").await;
    let created = scene
        .platform
        .create(&scene.call, &map(job()), &marker(7))
        .await
        .unwrap();
    assert_eq!(created.id, record_id(1));
    assert_eq!(scene.desk.job(1).unwrap()["18"], "");
    assert_eq!(
        scene.platform.find(&scene.call, &marker(7), LONG_AGO).await,
        Ok(Found::CannotTell)
    );
}

#[tokio::test]
async fn a_field_that_can_t_merge_is_told_before_anything_is_sent() {
    let scene = Scene::without(&["merge_field_id"], "merge_field_id = 12").await;
    let failure = scene
        .platform
        .create(&scene.call, &map(job()), &marker(7))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Configuration, Effect::None)
    );
    assert_eq!(scene.sent(), ["GET /v1/fields"]);
}

#[tokio::test]
async fn what_does_not_fit_is_told_with_labels_before_it_is_sent() {
    let scene = Scene::open().await;
    let fields = json!({"Title": "x", "11": "Done", "15": "much", "27": 3});
    let created = scene
        .platform
        .create(&scene.call, &map(fields), &marker(7))
        .await;
    let failure = created.unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None)
    );
    for part in [
        "`Title` is a label; the field goes by its id, 6",
        "Status (11) can't be `Done`: it allows: New, Dispatch to FN",
        "Pay (15) can't be `much`",
        "Days open (27) can't be written",
        "Title (6) is required",
    ] {
        assert!(failure.cause.contains(part), "{part} in {}", failure.cause);
    }
    assert!(!scene.sent().contains(&"POST /v1/records".to_owned()));
}

#[tokio::test]
async fn a_207_is_a_failure_with_the_label_of_the_field() {
    let scene = Scene::open().await;
    let id = scene.job();
    scene
        .desk
        .open_job(&json!({"6": "other", "18": "FN-9"}))
        .unwrap();
    let failure = scene.update(id, json!({"18": "FN-9"})).await.unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None)
    );
    assert!(
        failure
            .cause
            .contains("field with ID \"18\" (FN work order) must be unique"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn only_what_changed_is_written() {
    let scene = Scene::open().await;
    let id = scene.job();
    let changes = json!({"6": "HB-0101 - Router down", "14": "2026-03-02 15:00:00", "15": "175", "9": "Duluth", "11": "scheduled"});
    scene.update(id, changes.clone()).await.unwrap();
    let exchanges = scene.call.take_exchanges();
    let body = exchanges.last().unwrap().request_body.clone().unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        body["data"],
        json!([{"9": {"value": "Duluth"}, "11": {"value": "Scheduled"}, "3": {"value": id}}])
    );
    assert!(body.get("mergeFieldId").is_none());
    scene.update(id, changes).await.unwrap();
    assert_eq!(
        scene.sent(),
        ["POST /v1/records/query"],
        "nothing differs any more"
    );
}

#[tokio::test]
async fn an_append_only_field_is_not_written_twice() {
    let scene = Scene::open().await;
    let id = scene.job();
    for _ in 0..2 {
        scene
            .update(id, json!({"20": "Replaced the router.\nAll green."}))
            .await
            .unwrap();
    }
    let notes = scene.desk.job(id).unwrap()["20"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(notes.matches("Replaced the router.").count(), 1, "{notes}");
}

#[tokio::test]
async fn a_new_choice_is_seen_by_fields_read_anew() {
    let scene = Scene::open().await;
    let id = scene.job();
    scene.fetch(id).await;
    scene.clock.advance(std::time::Duration::from_secs(120));
    scene.sent();
    scene.update(id, json!({"11": "Done"})).await.unwrap_err();
    let reads = scene
        .sent()
        .iter()
        .filter(|line| *line == "GET /v1/fields")
        .count();
    assert_eq!(reads, 1, "a second look before it is refused");
}

#[tokio::test]
async fn a_record_removed_in_between_never_becomes_a_new_one_quietly() {
    for missing_key in [MissingKey::Refused, MissingKey::Inserts] {
        let settings = QuickbaseSettings {
            missing_key,
            ..QuickbaseSettings::default()
        };
        let scene = Scene::with(settings, |text| text).await;
        let id = scene.job();
        let base = scene.read(id, Wish::default()).await.unwrap().unwrap();
        scene.desk.delete_job(id);
        let changes = map(json!({"6": "too late"}));
        let failure = scene
            .platform
            .update(&scene.call, &base, &changes)
            .await
            .unwrap_err();
        assert_eq!(failure.category, Category::Validation, "{missing_key:?}");
        if missing_key == MissingKey::Inserts {
            assert!(failure.cause.contains("made record 1"), "{}", failure.cause);
            assert!(failure.hint.unwrap().contains("Delete record 1"));
        }
    }
}

#[tokio::test]
async fn notes_are_rows_that_say_who_may_read_them() {
    let scene = Scene::open().await;
    let id = scene.job();
    let internal = scene
        .note(id, "a < b\nsecond", NoteVisibility::Internal)
        .await
        .unwrap();
    let public = scene
        .note(id, "hello", NoteVisibility::Public)
        .await
        .unwrap();
    assert_eq!((internal.id(), public.id()), (Some("1"), Some("2")));
    let row = scene.desk.row(MESSAGES, 1).unwrap();
    assert_eq!(
        (&row["6"], &row["7"], &row["8"]),
        (&json!("a &lt; b<br>second"), &json!(id), &json!(true))
    );
    assert_eq!(scene.desk.row(MESSAGES, 2).unwrap()["8"], false);
    let failure = scene
        .note(id, "  ", NoteVisibility::Public)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn an_interrupted_note_is_recognised_as_ours() {
    let scene = Scene::open().await;
    let id = scene.job();
    scene.fetch(id).await;
    // No write of ours was ever answered: who we are is known from the formula alone.
    scene.strike(&Method::POST, "/v1/records", FaultKind::LostResponse);
    let public = NoteVisibility::Public;
    let failure = scene.note(id, "once", public).await.unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    let record = scene.fetch(id).await;
    assert_eq!(record.notes.len(), 1);
    assert!(record.notes[0].by_us && record.notes[0].text == "once");
}

#[tokio::test]
async fn an_internal_note_without_a_checkbox_goes_where_the_admin_says() {
    let keys = ["message_internal_field_id"];
    let scene = Scene::without(&keys, "internal_notes = \"skip\"").await;
    let id = scene.job();
    let skipped = scene.note(id, "secret", NoteVisibility::Internal).await;
    let Ok(Noted::Skipped { why }) = skipped else {
        panic!("{skipped:?}")
    };
    assert!(why.contains("internal_notes"), "{why}");
    assert!(scene.desk.rows(MESSAGES).is_empty());
    scene
        .note(id, "open", NoteVisibility::Public)
        .await
        .unwrap();
    assert_eq!(scene.desk.rows(MESSAGES).len(), 1);

    let scene = Scene::without(&keys, "internal_notes = \"field:20\"").await;
    let id = scene.job();
    scene
        .note(id, "kept apart", NoteVisibility::Internal)
        .await
        .unwrap();
    assert!(scene.desk.rows(MESSAGES).is_empty());
    assert!(
        scene.desk.job(id).unwrap()["20"]
            .as_str()
            .unwrap()
            .contains("kept apart")
    );

    let scene = Scene::without(&keys, "internal_notes = \"field:7\"").await;
    let id = scene.job();
    let failure = scene
        .note(id, "x", NoteVisibility::Internal)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Configuration, Effect::None)
    );
    assert!(
        failure.cause.contains("Description (7) is not append-only"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn a_file_becomes_a_row_of_documents() {
    let scene = Scene::open().await;
    let id = scene.job();
    let file = FileContent {
        name: "../report \"final\".pdf".into(),
        media_type: "application/pdf".into(),
        bytes: Bytes::from_static(b"0123456789"),
    };
    let attached = scene
        .platform
        .attach(&scene.call, &record_id(id), &file)
        .await;
    assert_eq!(attached.unwrap().as_deref(), Some("bfbdocs01/1/6/1"));
    let row = scene.desk.row(DOCUMENTS, 1).unwrap();
    assert_eq!(row["6"]["versions"][0]["fileName"], "report final.pdf");
    assert_eq!(row["7"], id);
    let journal = format!("{:?}", scene.call.take_exchanges());
    assert!(
        !journal.contains("MDEyMzQ1Njc4OQ=="),
        "the journal keeps no file"
    );
    let record = scene.fetch(id).await;
    let content = scene
        .platform
        .download(&scene.call, &record.id, &record.files[0])
        .await;
    assert_eq!(content.unwrap().bytes, file.bytes);
}

#[tokio::test]
async fn a_file_too_large_is_told_before_it_is_sent() {
    let scene = Scene::open().await;
    let id = scene.job();
    let file = FileContent {
        name: "video.mp4".into(),
        media_type: "video/mp4".into(),
        bytes: vec![0; 30_000_000].into(),
    };
    let failure = scene
        .platform
        .attach(&scene.call, &record_id(id), &file)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None)
    );
    assert!(
        failure.cause.contains("40 MB a request"),
        "{}",
        failure.cause
    );
    assert_eq!(scene.sent(), [] as [String; 0]);
}

#[tokio::test]
async fn a_time_is_put_and_met_again() {
    let scene = Scene::open().await;
    let id = scene.job();
    let time = |hours: f64, log: Option<&str>| {
        let source = log.map(|id| SideSource::Object(id.to_owned()));
        let source = source.unwrap_or(SideSource::WorkOrder(WorkOrderId(9001)));
        let fields = json!({"6": hours, "9": "On site"});
        SideRecord::new(SideRecordKind::Time, fields, source)
    };
    let put = async |side: SideRecord, existing: Option<&str>| {
        let record = record_id(id);
        scene
            .platform
            .put_side_record(&scene.call, &record, &side, existing)
            .await
    };
    let first = put(time(1.5, None), None).await.unwrap();
    let row = scene.desk.row(TIMES, 1).unwrap();
    assert_eq!(
        (&row["6"], &row["7"], &row["8"]),
        (&json!(1.5), &json!(id), &json!("FN-time_entry-1"))
    );
    // An attempt that was not heard of is repeated without its id, a later edit with it.
    assert_eq!(put(time(2.0, None), None).await.unwrap(), first);
    assert_eq!(put(time(2.5, None), Some(&first)).await.unwrap(), first);
    assert_eq!(scene.desk.rows(TIMES).len(), 1);
    assert_eq!(scene.desk.row(TIMES, 1).unwrap()["6"], 2.5);
    assert_ne!(put(time(1.0, Some("55")), None).await.unwrap(), first);
    let charge = SideRecord {
        kind: SideRecordKind::Charge,
        ..time(1.0, None)
    };
    assert_eq!(
        put(charge, None).await.unwrap_err().category,
        Category::Configuration
    );
    let wrong = SideRecord {
        fields: json!({"6": "long"}),
        ..time(1.0, None)
    };
    let failure = put(wrong, None).await.unwrap_err();
    assert!(
        failure.cause.contains("Hours (6) can't be `long`"),
        "{}",
        failure.cause
    );
}
