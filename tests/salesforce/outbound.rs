//! To the org: creating, changing, finding, messages, files, side records.

use bytes::Bytes;
use fieldbridge::model::{
    Attempted, Category, Effect, FileContent, Marker, Note, NoteVisibility, RecordId, SideRecord,
    SideRecordKind, SideSource, Timestamp, WorkOrderId,
};
use fieldbridge::platform::{Found, Wish};
use fieldbridge::sandbox::{Deed, Doer, Fault, FaultKind, Thing};
use http::Method;
use serde_json::{Value, json};

use super::bench::{Bench, map};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

fn marker(number: u64) -> Marker {
    Marker::of_work_order(WorkOrderId(number))
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

fn created(bench: &Bench) -> usize {
    bench
        .org
        .journal()
        .count(Deed::Created, Thing::Ticket, Doer::Api)
}

#[tokio::test]
async fn a_record_is_created_with_its_marker_and_never_twice() {
    let bench = Bench::plain().await;
    let fields = map(
        json!({"Subject": "From Field Nation", "FN_Work_Order__c": "FN-9", "private_note": "made by us"}),
    );
    let made = bench
        .platform
        .create(&bench.call, &fields, &marker(7))
        .await
        .unwrap();
    assert!(!made.existed);
    let row = bench.row(&made.id);
    assert_eq!(
        (row["FN_Work_Order__c"].as_str(), row["Subject"].as_str()),
        (Some("FN-7"), Some("From Field Nation"))
    );
    let again = bench
        .platform
        .create(&bench.call, &fields, &marker(7))
        .await
        .unwrap();
    assert!(again.existed && again.id == made.id);
    assert_eq!(
        bench.org.journal().by_marker(Thing::Ticket)["FN-7"].len(),
        1
    );
    let comments = bench
        .org
        .query("SELECT CommentBody,IsPublished FROM CaseComment")
        .unwrap();
    assert_eq!(comments.len(), 1, "the note is not repeated either");
    assert_eq!(comments[0]["IsPublished"], false);
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_found_again() {
    let bench = Bench::plain().await;
    assert_eq!(
        bench
            .platform
            .find(&bench.call, &marker(7), LONG_AGO)
            .await
            .unwrap(),
        Found::Absent
    );
    bench
        .org
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::PATCH, "/FN_Work_Order__c/"));
    let fields = map(json!({"Subject": "x"}));
    let failure = bench
        .platform
        .create(&bench.call, &fields, &marker(7))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Network, Effect::Unknown)
    );
    let Found::Records(found) = bench
        .platform
        .find(&bench.call, &marker(7), LONG_AGO)
        .await
        .unwrap()
    else {
        panic!()
    };
    assert_eq!((found.len(), created(&bench)), (1, 1));
}

#[tokio::test]
async fn without_a_marker_field_nobody_can_tell() {
    let bench = Bench::with("").await;
    assert!(!bench.platform.capabilities().find);
    assert_eq!(
        bench
            .platform
            .find(&bench.call, &marker(7), LONG_AGO)
            .await
            .unwrap(),
        Found::CannotTell
    );
    let made = bench
        .platform
        .create(&bench.call, &map(json!({"Subject": "x"})), &marker(7))
        .await
        .unwrap();
    assert!(!made.existed && bench.row(&made.id)["FN_Work_Order__c"].is_null());
    bench.org.faults().push(
        Fault::once(FaultKind::ServerError { status: 503 }).on(&Method::POST, "/sobjects/Case"),
    );
    let failure = bench
        .platform
        .create(&bench.call, &map(json!({"Subject": "x"})), &marker(8))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Server, Effect::Unknown)
    );
}

#[tokio::test]
async fn a_key_that_several_records_share_is_a_matter_of_the_settings() {
    let bench = Bench::with("external_id_field = \"Legacy_Key__c\"\n").await;
    for _ in 0..2 {
        bench.case(&json!({"Legacy_Key__c": "FN-7"}));
    }
    let failure = bench
        .platform
        .create(&bench.call, &map(json!({"Subject": "x"})), &marker(7))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    let Found::Records(found) = bench
        .platform
        .find(&bench.call, &marker(7), LONG_AGO)
        .await
        .unwrap()
    else {
        panic!()
    };
    assert_eq!(found.len(), 2, "neither is picked");
}

#[tokio::test]
async fn an_update_sends_only_what_changed() {
    let bench = Bench::plain().await;
    let id =
        bench.case(&json!({"FN_Service_Start__c": "2026-07-02T08:00:00Z", "Estimate__c": 100}));
    let base = bench.fetch(&id).await;
    bench.lines();
    let same = map(
        json!({"Subject": "Printer jams", "FN_Service_Start__c": "2026-07-02 08:00:00", "Estimate__c": 100}),
    );
    bench
        .platform
        .update(&bench.call, &base, &same)
        .await
        .unwrap();
    assert!(bench.lines().is_empty(), "nothing differs");
    let changes = map(
        json!({"Status": "Closed", "Skills__c": ["Network", "Cabling"], "Visit_Date__c": "2026-07-03T10:00:00Z", "Estimate__c": null}),
    );
    bench
        .platform
        .update(&bench.call, &base, &changes)
        .await
        .unwrap();
    let row = bench.row(&id);
    assert_eq!(
        (row["Status"].as_str(), row["Skills__c"].as_str()),
        (Some("Closed"), Some("Network;Cabling"))
    );
    assert_eq!(
        (row["Visit_Date__c"].as_str(), row["Estimate__c"].clone()),
        (Some("2026-07-03"), Value::Null)
    );
    let read = bench.fetch(&id).await;
    assert!(read.changed_by_us);
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_sent() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    let base = bench.fetch(&id).await;
    let changes = map(
        json!({"Nope__c": 1, "CaseNumber": "2", "Service_Level__c": "Gold", "Account": {"Name": "x"}}),
    );
    let failure = bench
        .platform
        .update(&bench.call, &base, &changes)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    for part in [
        "Nope__c is no field",
        "CaseNumber",
        "it allows Standard, Next Day",
        "write AccountId instead",
    ] {
        assert!(failure.cause.contains(part), "{part}: {}", failure.cause);
    }
    assert_eq!(
        bench
            .org
            .journal()
            .count(Deed::Updated, Thing::Ticket, Doer::Api),
        0
    );
}

#[tokio::test]
async fn a_marker_of_ours_is_not_overwritten() {
    let bench = Bench::plain().await;
    let ours = bench.case(&json!({"FN_Work_Order__c": "FN-7"}));
    let base = bench.fetch(&ours).await;
    bench
        .platform
        .update(
            &bench.call,
            &base,
            &map(json!({"FN_Work_Order__c": "x", "Status": "Working"})),
        )
        .await
        .unwrap();
    assert_eq!(bench.row(&ours)["FN_Work_Order__c"], "FN-7");
    let theirs = bench.case(&json!({}));
    let base = bench.fetch(&theirs).await;
    bench
        .platform
        .update(
            &bench.call,
            &base,
            &map(json!({"FN_Work_Order__c": "FN-8"})),
        )
        .await
        .unwrap();
    assert_eq!(bench.row(&theirs)["FN_Work_Order__c"], "FN-8");
}

#[tokio::test]
async fn locks_and_rules_are_told_apart() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    let base = bench.fetch(&id).await;
    let changes = map(json!({"Status": "Working"}));
    bench.org.lock_rows(1);
    let failure = bench
        .platform
        .update(&bench.call, &base, &changes)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Server, Effect::None)
    );
    bench.org.lock_rows_in_a_trigger(1);
    let failure = bench
        .platform
        .update(&bench.call, &base, &changes)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Server, Effect::None)
    );
    bench.org.set_validation_rule(Some("Ask the desk first."));
    let failure = bench
        .platform
        .update(&bench.call, &base, &changes)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(
        failure.cause.contains("Ask the desk first"),
        "{}",
        failure.cause
    );
    bench.org.set_validation_rule(None);
    bench
        .platform
        .update(&bench.call, &base, &changes)
        .await
        .unwrap();
    bench.org.delete("Case", id.as_str()).unwrap();
    let failure = bench
        .platform
        .update(&bench.call, &base, &changes)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(failure.hint.unwrap().contains("recycle bin"));
}

#[tokio::test]
async fn messages_are_written_for_whom_they_are_meant() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    for (text, visibility) in [
        ("For you", NoteVisibility::Public),
        ("For us", NoteVisibility::Internal),
    ] {
        let written = bench
            .platform
            .add_note(&bench.call, &id, &note(text, visibility))
            .await
            .unwrap();
        assert!(written.id().is_some());
    }
    let notes = bench.fetch(&id).await.notes;
    assert!(notes.iter().all(|note| note.by_us));
    let told: Vec<_> = notes
        .iter()
        .map(|note| (note.text.as_str(), note.visibility))
        .collect();
    assert_eq!(
        told,
        [
            ("For you", NoteVisibility::Public),
            ("For us", NoteVisibility::Internal)
        ]
    );
    let failure = bench
        .platform
        .add_note(&bench.call, &id, &note(" ", NoteVisibility::Public))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn a_long_message_is_cut_visibly_and_not_doubled() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    let long = note(&"word ".repeat(2_000), NoteVisibility::Internal);
    let first = bench
        .platform
        .add_note(&bench.call, &id, &long)
        .await
        .unwrap();
    let second = bench
        .platform
        .add_note(&bench.call, &id, &long)
        .await
        .unwrap();
    assert_eq!(first, second);
    let notes = bench.fetch(&id).await.notes;
    assert!(notes.len() == 1 && notes[0].text.len() <= 4_000 && notes[0].text.ends_with("(cut)"));
}

#[tokio::test]
async fn a_mapped_note_is_written_once() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    let base = bench.fetch(&id).await;
    let changes =
        map(json!({"private_note": "Assigned to Sample Provider", "public_note": "We are coming"}));
    for _ in 0..2 {
        bench
            .platform
            .update(&bench.call, &base, &changes)
            .await
            .unwrap();
    }
    let comments = bench
        .org
        .query("SELECT CommentBody,IsPublished FROM CaseComment ORDER BY Id")
        .unwrap();
    let told: Vec<_> = comments
        .iter()
        .map(|row| {
            (
                row["CommentBody"].as_str().unwrap(),
                row["IsPublished"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Assigned to Sample Provider", false),
            ("We are coming", true)
        ]
    );
}

fn file(name: &str, bytes: Bytes) -> FileContent {
    FileContent {
        name: name.to_owned(),
        media_type: "application/pdf".to_owned(),
        bytes,
    }
}

#[tokio::test]
async fn a_file_is_attached_and_recognised_as_ours() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    let signed = file("sign-off.pdf", Bytes::from_static(b"%PDF fake"));
    let version = bench
        .platform
        .attach(&bench.call, &id, &signed)
        .await
        .unwrap()
        .unwrap();
    let files = bench.fetch(&id).await.files;
    assert_eq!(
        (files[0].id.as_str(), files[0].name.as_str(), files[0].by_us),
        (version.as_str(), "sign-off.pdf", true)
    );
    let back = bench
        .platform
        .download(&bench.call, &id, &files[0])
        .await
        .unwrap();
    assert_eq!(back.bytes, signed.bytes);
    let failure = bench
        .platform
        .attach(&bench.call, &id, &file("empty.pdf", Bytes::new()))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn a_large_file_goes_in_parts() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    let large = file("video \"1\".mp4", Bytes::from(vec![7_u8; 29 * 1_000_000]));
    bench
        .platform
        .attach(&bench.call, &id, &large)
        .await
        .unwrap()
        .unwrap();
    let files = bench.fetch(&id).await.files;
    assert_eq!(
        (files[0].size, files[0].name.as_str()),
        (Some(29_000_000), "video \"1\".mp4")
    );
}

fn side(kind: SideRecordKind, fields: Value) -> SideRecord {
    SideRecord::new(kind, fields, SideSource::WorkOrder(WorkOrderId(9001)))
}

const SIDES: &str = "schedule = { object_name = \"ServiceAppointment\", parent_field = \"ParentRecordId\" }\n\
    charge = { object_name = \"FN_Charge__c\", parent_field = \"Case__c\", external_id_field = \"FN_Id__c\" }\n";

#[tokio::test]
async fn side_records_are_made_changed_and_made_anew() {
    let bench = Bench::with(SIDES).await;
    let id = bench.case(&json!({}));
    let visit = |start: &str| {
        side(
            SideRecordKind::Schedule,
            json!({"Subject": "Visit", "SchedStartTime": start}),
        )
    };
    let put = async |side: SideRecord, existing: Option<&str>| {
        bench
            .platform
            .put_side_record(&bench.call, &id, &side, existing)
            .await
    };
    let first = put(visit("2026-07-02 08:00:00"), None).await.unwrap();
    let row = bench.org.record("ServiceAppointment", &first).unwrap();
    assert_eq!(
        (
            row["ParentRecordId"].as_str(),
            row["SchedStartTime"].as_str()
        ),
        (Some(id.as_str()), Some("2026-07-02T08:00:00.000+0000"))
    );
    let same = put(visit("2026-07-02 09:00:00"), Some(&first))
        .await
        .unwrap();
    assert_eq!(same, first);
    assert_eq!(
        bench.org.record("ServiceAppointment", &first).unwrap()["SchedStartTime"],
        "2026-07-02T09:00:00.000+0000"
    );
    bench.org.delete("ServiceAppointment", &first).unwrap();
    let anew = put(visit("2026-07-02 09:00:00"), Some(&first))
        .await
        .unwrap();
    assert_ne!(anew, first);
    let failure = put(side(SideRecordKind::Time, json!({})), None)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    let failure = put(side(SideRecordKind::Charge, json!({"Nope__c": 1})), None)
        .await
        .unwrap_err();
    assert!(
        failure.cause.contains("Nope__c")
            && failure.cause.contains("Amount__c (Amount) is required"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_met_again() {
    let bench = Bench::with(SIDES).await;
    let id = bench.case(&json!({}));
    let charge = side(SideRecordKind::Charge, json!({"Amount__c": "125.50"}));
    bench
        .org
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::PATCH, "/FN_Charge__c/"));
    let failure = bench
        .platform
        .put_side_record(&bench.call, &id, &charge, None)
        .await
        .unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    bench
        .platform
        .put_side_record(&bench.call, &id, &charge, None)
        .await
        .unwrap();
    let rows = bench
        .org
        .query("SELECT Amount__c FROM FN_Charge__c")
        .unwrap();
    assert_eq!(
        (rows.len(), rows[0]["Amount__c"].as_f64()),
        (1, Some(125.5))
    );
}

#[tokio::test]
async fn without_a_mark_what_fits_twice_is_left_to_a_person() {
    let bench = Bench::with(SIDES).await;
    let id = bench.case(&json!({}));
    let visit = side(SideRecordKind::Schedule, json!({"Subject": "Visit"}));
    let put = async |side: &SideRecord| {
        bench
            .platform
            .put_side_record(&bench.call, &id, side, None)
            .await
    };
    let first = put(&visit).await.unwrap();
    let again = |others: &[&str]| SideRecord {
        attempted: Some(Attempted {
            first: LONG_AGO,
            last: LONG_AGO,
        }),
        others: others.iter().map(|id| (*id).to_owned()).collect(),
        ..visit.clone()
    };
    assert_eq!(put(&again(&[])).await.as_ref(), Ok(&first), "it is ours");
    // What stands for something else is not taken for it.
    let second = put(&again(&[&first])).await.unwrap();
    assert_ne!(second, first);
    let failure = put(&again(&[])).await.unwrap_err();
    assert_eq!(failure.category, Category::Uncertain);
    assert!(
        failure.hint.unwrap().contains("schedule.external_id_field"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn a_field_made_meanwhile_is_noticed() {
    let bench = Bench::plain().await;
    let gone = RecordId::new("500000000000001AAA");
    assert_eq!(
        bench
            .platform
            .fetch(&bench.call, &gone, Wish::default())
            .await
            .unwrap(),
        None
    );
    let id = bench.case(&json!({}));
    let base = bench.fetch(&id).await;
    bench.clock.advance(std::time::Duration::from_secs(120));
    bench.lines();
    // What the kept description does not know is looked up once more before it is refused.
    bench
        .platform
        .update(&bench.call, &base, &map(json!({"Nope__c": 1})))
        .await
        .unwrap_err();
    let lines = bench.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("/sobjects/Case/describe")),
        "{lines:?}"
    );
}
