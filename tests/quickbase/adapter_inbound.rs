//! Reading records, messages and files; what the shipped mapping makes of them; catching up.

use std::time::Duration;

use bytes::Bytes;
use fieldbridge::config::default_mapping;
use fieldbridge::fieldnation::FieldNation;
use fieldbridge::mapping::{Evaluate, Evaluator, Limits, Mapping, Required, WorkerProgram};
use fieldbridge::model::{Catalogue, Category, Direction, NoteVisibility, PlatformKind};
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{MessageVisibility, QuickbaseSettings};
use serde_json::json;

use super::scene::{DOCUMENTS, NOW, Scene, at, job, record_id};

#[tokio::test]
async fn a_record_comes_with_its_messages_and_documents() {
    let scene = Scene::open().await;
    let id = scene.job();
    let public = MessageVisibility::Public;
    scene
        .desk
        .add_message(id, "<div>Call &amp; come</div>", public)
        .unwrap();
    scene
        .desk
        .add_message(id, "Key is at the desk", MessageVisibility::Internal)
        .unwrap();
    scene
        .desk
        .add_document(id, "plan.pdf", &Bytes::from_static(b"%PDF"))
        .unwrap();
    scene
        .note(id, "On my way", NoteVisibility::Public)
        .await
        .unwrap();
    let record = scene.fetch(id).await;
    assert_eq!(record.label, "HB-0101 - Router down");
    assert_eq!(record.fields["6"], "HB-0101 - Router down");
    assert_eq!(record.fields["15"], 175);
    assert_eq!(record.changed_at, Some(at(NOW)));
    assert!(!record.changed_by_us);
    let notes: Vec<_> = record
        .notes
        .iter()
        .map(|note| (note.text.as_str(), note.visibility, note.by_us))
        .collect();
    assert_eq!(
        notes,
        [
            ("Call & come", NoteVisibility::Public, false),
            ("Key is at the desk", NoteVisibility::Internal, false),
            ("On my way", NoteVisibility::Public, true),
        ]
    );
    assert_eq!(record.notes[0].author.as_deref(), Some("Sample Dispatcher"));
    let [file] = record.files.as_slice() else {
        panic!("{:?}", record.files)
    };
    assert_eq!((file.name.as_str(), file.by_us), ("plan.pdf", false));
    let content = scene
        .platform
        .download(&scene.call, &record.id, file)
        .await
        .unwrap();
    assert_eq!(content.bytes, Bytes::from_static(b"%PDF"));
}

#[tokio::test]
async fn only_what_is_wished_for_is_read() {
    let scene = Scene::open().await;
    let id = scene.job();
    scene.read(id, Wish::default()).await.unwrap();
    assert_eq!(scene.sent(), ["GET /v1/fields", "POST /v1/records/query"]);
    scene.read(id, Wish::default()).await.unwrap();
    assert_eq!(
        scene.sent(),
        ["POST /v1/records/query"],
        "the fields are known"
    );
}

#[tokio::test]
async fn a_record_that_is_gone_is_no_failure() {
    let scene = Scene::open().await;
    let id = scene.job();
    scene.desk.delete_job(id);
    assert_eq!(scene.read(id, Wish::default()).await, Ok(None));
    let wrong = fieldbridge::model::RecordId::new("J-7");
    let failure = scene
        .platform
        .fetch(&scene.call, &wrong, Wish::default())
        .await;
    assert_eq!(failure.unwrap_err().category, Category::Validation);
}

#[tokio::test]
async fn our_own_change_is_recognised() {
    let scene = Scene::open().await;
    let id = scene.job();
    scene.update(id, json!({"9": "Duluth"})).await.unwrap();
    assert!(scene.fetch(id).await.changed_by_us);
    scene.desk.change_job(id, &json!({"9": "Ely"})).unwrap();
    assert!(!scene.fetch(id).await.changed_by_us);
}

#[tokio::test]
async fn the_trigger_field_decides() {
    let scene = Scene::open().await;
    let id = scene.job();
    assert_eq!(scene.platform.wants(&scene.fetch(id).await), Ok(()));
    scene.desk.change_job(id, &json!({"11": "New"})).unwrap();
    let why = scene.platform.wants(&scene.fetch(id).await).unwrap_err();
    assert_eq!(
        why,
        "Status (11) is \"New\", the connector waits for \"Dispatch to FN\""
    );
}

#[tokio::test]
async fn a_record_in_a_file_field_is_a_file_too() {
    let keys = [
        "document_table_id",
        "document_related_record_id",
        "document_field_id",
    ];
    let scene = Scene::without(&keys, "document_field_id = 22").await;
    let id = scene.job();
    for content in ["one", "two"] {
        let file = fieldbridge::model::FileContent {
            name: "site.jpg".into(),
            media_type: "image/jpeg".into(),
            bytes: content.into(),
        };
        let attached = scene
            .platform
            .attach(&scene.call, &record_id(id), &file)
            .await;
        assert!(attached.unwrap().unwrap().starts_with("bfbjobs01/1/22/"));
    }
    let record = scene.fetch(id).await;
    let [file] = record.files.as_slice() else {
        panic!("{:?}", record.files)
    };
    assert_eq!((file.id.as_str(), file.by_us), ("bfbjobs01/1/22/2", true));
    let content = scene
        .platform
        .download(&scene.call, &record.id, file)
        .await
        .unwrap();
    assert_eq!(content.bytes, "two");
    assert!(scene.desk.rows(DOCUMENTS).is_empty());
}

#[tokio::test]
async fn the_shipped_mapping_makes_a_work_order_of_a_job() {
    let scene = Scene::open().await;
    let id = scene.job();
    let record = scene.fetch(id).await;
    let text = default_mapping(PlatformKind::Quickbase);
    let mapping = Mapping::parse(text, "quickbase.toml", None).unwrap();
    let catalogue = Catalogue {
        fields: FieldNation::static_catalogue().to_vec(),
        read_at: at(NOW),
    };
    let request = Evaluate {
        direction: Direction::Inbound,
        event: None,
        input: &record.fields,
        target: Some(&catalogue),
        require: Required::All,
    };
    let program = WorkerProgram::at(env!("CARGO_BIN_EXE_fieldbridge"));
    let done = Evaluator::new(Limits::default(), program)
        .evaluate(&mapping, request)
        .await;
    assert_eq!(done.problems, []);
    let output = serde_json::Value::Object(done.output);
    assert_eq!(output["title"], "HB-0101 - Router down");
    assert_eq!(output["location"]["state"], "MN");
    assert_eq!(output["location"]["city"], "Minneapolis");
    assert_eq!(
        output["schedule"]["service_window"]["start"]["utc"],
        "2026-03-02 15:00:00"
    );
    assert_eq!(output["pay"]["base"]["amount"], 175);
}

#[tokio::test]
async fn catching_up_misses_nothing_while_records_change() {
    let settings = QuickbaseSettings {
        rows_per_page: 2,
        ..QuickbaseSettings::default()
    };
    let scene = Scene::with(settings, |text| text).await;
    let jobs: Vec<u64> = (0..6)
        .map(|_| {
            scene.clock.advance(Duration::from_secs(60));
            scene.job()
        })
        .collect();
    scene
        .desk
        .change_job(jobs[5], &json!({"11": "New"}))
        .unwrap();
    let since = at("2026-03-01T12:02:00Z");
    let mut found = Vec::new();
    let mut page = None;
    for round in 0..20 {
        let changed = scene
            .platform
            .changed_since(&scene.call, since, page)
            .await
            .unwrap();
        found.extend(changed.records.iter().map(|(id, _)| id.to_string()));
        page = changed.next;
        if round == 0 {
            // It moves to the end, so that rows move up behind those that were read.
            scene.clock.advance(Duration::from_secs(60));
            scene
                .desk
                .change_job(jobs[1], &json!({"9": "Ely"}))
                .unwrap();
        }
        if page.is_none() {
            break;
        }
    }
    assert_eq!(page, None, "the listing ends");
    found.dedup();
    for job in &jobs[1..5] {
        assert!(found.contains(&job.to_string()), "{job} in {found:?}");
    }
    assert!(!found.contains(&jobs[0].to_string()), "it changed before");
    assert!(
        !found.contains(&jobs[5].to_string()),
        "its status is not waited for"
    );
    let wrong = Some("nonsense".to_owned());
    assert!(
        scene
            .platform
            .changed_since(&scene.call, since, wrong)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn many_changes_within_one_second_are_all_listed() {
    let settings = QuickbaseSettings {
        rows_per_page: 2,
        ..QuickbaseSettings::default()
    };
    let scene = Scene::with(settings, |text| text).await;
    for _ in 0..5 {
        scene.desk.open_job(&job()).unwrap();
    }
    let mut found = Vec::new();
    let mut page = None;
    for _ in 0..20 {
        let changed = scene
            .platform
            .changed_since(&scene.call, at(NOW), page)
            .await
            .unwrap();
        found.extend(changed.records.into_iter().map(|(id, _)| id.to_string()));
        page = changed.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(found, ["1", "2", "3", "4", "5"]);
    assert_eq!(page, None);
}
