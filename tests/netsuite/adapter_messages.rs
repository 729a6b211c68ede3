//! Messages and files, through the RESTlet and without it.

use axum::body::Bytes;
use axum::http::Method;
use fieldbridge::model::{Category, Effect, FileContent, FileReference, NoteVisibility};
use fieldbridge::platform::{Noted, Wish};
use fieldbridge::sandbox::{Fault, FaultKind, NetSuiteRight};

use crate::bench::{Bench, TBA, note, quiet, record_id};

const BOTH: Wish = Wish {
    notes: true,
    files: true,
};

fn file(name: &str, bytes: impl Into<Bytes>) -> FileContent {
    FileContent {
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        bytes: bytes.into(),
    }
}

#[tokio::test]
async fn messages_go_and_come_with_their_visibility() {
    let bench = Bench::open().await;
    let id = bench.case();
    bench
        .netsuite
        .add_message(id, "The door is locked")
        .unwrap();
    let add = async |text: &str, visibility| {
        let note = note(text, visibility);
        bench
            .platform
            .add_note(&bench.call, &record_id(id), &note)
            .await
    };
    let internal = add("Technician: on my way", NoteVisibility::Internal)
        .await
        .unwrap();
    let public = add("Technician: done", NoteVisibility::Public)
        .await
        .unwrap();
    assert!(internal.id().is_some() && internal != public);
    assert_eq!(
        bench.netsuite.messages(id)[1..],
        [
            ("Technician: on my way".to_owned(), true),
            ("Technician: done".to_owned(), false)
        ]
    );
    let record = bench.fetch_with(id, BOTH).await;
    let read: Vec<_> = record
        .notes
        .iter()
        .map(|note| (note.text.as_str(), note.visibility, note.by_us))
        .collect();
    assert_eq!(
        read,
        [
            ("The door is locked", NoteVisibility::Public, false),
            ("Technician: on my way", NoteVisibility::Internal, true),
            ("Technician: done", NoteVisibility::Public, true),
        ]
    );
    assert_eq!(Some(&*record.notes[1].id), internal.id());
    assert_eq!(record.notes[0].author.as_deref(), Some("Support Desk"));
    let empty = add(" ", NoteVisibility::Public).await.unwrap_err();
    assert_eq!(empty.category, Category::Validation);
}

#[tokio::test]
async fn without_a_script_messages_gather_in_a_field() {
    let settings = format!("{TBA}message_field = \"custevent_fn_messages\"");
    let bench = Bench::with(quiet(), &settings, "").await;
    let id = bench.case();
    bench
        .netsuite
        .change_case(id, &serde_json::json!({"custevent_fn_messages": "By hand"}))
        .unwrap();
    for (text, visibility) in [
        ("one", NoteVisibility::Internal),
        ("two\nlines", NoteVisibility::Public),
    ] {
        let written = bench
            .platform
            .add_note(&bench.call, &record_id(id), &note(text, visibility))
            .await;
        assert_eq!(written.unwrap(), Noted::Added(None));
    }
    let case = bench.netsuite.case(id).unwrap();
    assert_eq!(
        case["custevent_fn_messages"],
        "By hand\n\n[FN 2026-03-01T12:00:00Z internal]\none\n[/FN]\n\n[FN 2026-03-01T12:00:00Z public]\ntwo\nlines\n[/FN]\n"
    );
    let record = bench.fetch_with(id, BOTH).await;
    assert_eq!(
        record.notes.len(),
        2,
        "what people wrote there is not carried"
    );
    assert!(record.notes.iter().all(|note| note.by_us));
    let failure = bench
        .platform
        .attach(&bench.call, &record_id(id), &file("a.txt", "x"))
        .await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("restlet_script"));
    bench.netsuite.delete_case(id).unwrap();
    let gone = bench
        .platform
        .add_note(
            &bench.call,
            &record_id(id),
            &note("x", NoteVisibility::Public),
        )
        .await;
    assert_eq!(gone.unwrap_err().category, Category::Validation);
}

#[tokio::test]
async fn without_any_way_a_message_is_refused_with_what_to_do() {
    let bench = Bench::with(quiet(), TBA, "").await;
    let id = bench.case();
    let note = note("x", NoteVisibility::Public);
    let failure = bench
        .platform
        .add_note(&bench.call, &record_id(id), &note)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("message_field"));
    assert!(bench.calls().is_empty());
}

#[tokio::test]
async fn a_file_is_stored_then_attached_and_read_back() {
    let bench = Bench::open().await;
    let id = bench.case();
    bench
        .netsuite
        .attach(id, "door.png", Bytes::from_static(&[0, 159, 146, 150]))
        .unwrap();
    let sent = file("../sign off.txt", "hello");
    let stored = bench
        .platform
        .attach(&bench.call, &record_id(id), &sent)
        .await
        .unwrap();
    assert_eq!(
        bench.netsuite.files(id)[1],
        ("sign off.txt".to_owned(), Bytes::from_static(b"hello"))
    );
    let calls = bench.calls();
    assert!(calls[1].contains("/!attach/file/"), "{calls:?}");
    let record = bench.fetch_with(id, BOTH).await;
    let read: Vec<_> = record
        .files
        .iter()
        .map(|file| (file.name.as_str(), file.size, file.by_us))
        .collect();
    assert_eq!(
        read,
        [
            ("door.png", Some(4), false),
            ("sign off.txt", Some(5), true)
        ]
    );
    assert_eq!(Some(record.files[1].id.clone()), stored);
    let content = bench
        .platform
        .download(&bench.call, &record.id, &record.files[0])
        .await
        .unwrap();
    assert_eq!(content.bytes.as_ref(), [0, 159, 146, 150]);
    let other = bench.case();
    let stolen = bench
        .platform
        .download(&bench.call, &record_id(other), &record.files[0])
        .await;
    assert_eq!(stolen.unwrap_err().category, Category::Validation);
}

#[tokio::test]
async fn an_attempt_cut_off_between_the_two_effects_leaves_one_file() {
    let bench = Bench::open().await;
    let id = bench.case();
    let faults = bench.netsuite.faults();
    let attach = async || {
        let sent = file("a.txt", "hello");
        bench
            .platform
            .attach(&bench.call, &record_id(id), &sent)
            .await
    };
    faults.push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "restlet.nl"));
    let lost = attach().await.unwrap_err();
    assert_eq!(
        (lost.category, lost.effect),
        (Category::Network, Effect::Unknown)
    );
    faults.push(Fault::once(FaultKind::ServerError { status: 502 }).on(&Method::POST, "!attach"));
    assert_eq!(attach().await.unwrap_err().category, Category::Server);
    attach().await.unwrap();
    assert_eq!(bench.netsuite.file_count(), 1);
    assert_eq!(bench.netsuite.files(id).len(), 1);
    let other = file("a.txt", "another of that name");
    bench
        .platform
        .attach(&bench.call, &record_id(id), &other)
        .await
        .unwrap();
    let names: Vec<_> = bench
        .netsuite
        .files(id)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["a.txt", "a (2).txt"]);
}

#[tokio::test]
async fn what_does_not_fit_is_told_before_it_is_sent() {
    let bench = Bench::open().await;
    let id = bench.case();
    let largest = file("fits.bin", vec![7; 7_815_168]);
    let large = file("large.bin", vec![7; 7_900_000]);
    bench
        .platform
        .attach(&bench.call, &record_id(id), &largest)
        .await
        .unwrap();
    bench.calls();
    let failure = bench
        .platform
        .attach(&bench.call, &record_id(id), &large)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(failure.cause.contains("large.bin (7.5 MB)"), "{failure}");
    let reference = FileReference {
        id: "5".to_owned(),
        name: "film.mov".to_owned(),
        media_type: None,
        size: Some(50_000_000),
        url: None,
        by_us: false,
    };
    let failure = bench
        .platform
        .download(&bench.call, &record_id(id), &reference)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(bench.calls().is_empty());
}

#[tokio::test]
async fn a_role_for_web_services_only_costs_the_messages_and_not_the_connector() {
    let bench = Bench::open().await;
    let id = bench.case();
    bench.netsuite.withhold(&[NetSuiteRight::Restlets]);
    let note = note("x", NoteVisibility::Public);
    let failure = bench
        .platform
        .add_note(&bench.call, &record_id(id), &note)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("Web Services Only"));
    let wrong = TBA.replace("not-a-real-token-secret", "fake-guess");
    let stranger = bench.another(&format!("{wrong}{}", crate::bench::WHOLE));
    let failure = stranger
        .add_note(&bench.call, &record_id(id), &note)
        .await
        .unwrap_err();
    assert_eq!(
        failure.category,
        Category::Authentication,
        "then the key itself is wrong"
    );
}
