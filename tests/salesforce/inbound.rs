//! From the org: records, what belongs to them, what changed.

use bytes::Bytes;
use fieldbridge::model::{Category, NoteVisibility, RecordId};
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{Fault, FaultKind, Picture, SalesforceSettings};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

use super::bench::{Bench, CLIENT, org};

fn picture() -> Picture {
    Picture {
        name: "photo.png".to_owned(),
        media_type: "image/png".to_owned(),
        bytes: Bytes::from_static(b"\x89PNG fake"),
    }
}

fn case_with_parents(bench: &Bench) -> RecordId {
    let account = bench
        .org
        .query("SELECT Id FROM Account ORDER BY Name LIMIT 1")
        .unwrap();
    let contact = bench.org.query("SELECT Id FROM Contact LIMIT 1").unwrap();
    bench.case(&json!({"AccountId": account[0]["Id"], "ContactId": contact[0]["Id"], "Description": "It smokes"}))
}

#[tokio::test]
async fn a_record_comes_with_its_parents_in_one_call() {
    let bench = Bench::plain().await;
    let id = case_with_parents(&bench);
    bench.fetch(&id).await;
    bench.lines();
    let record = bench
        .platform
        .fetch(&bench.call, &id, Wish::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bench.lines().len(), 1);
    assert_eq!(record.label, "Printer jams");
    assert_eq!(
        record.changed_at,
        Some("2026-07-01T08:00:00Z".parse().unwrap())
    );
    assert!(!record.changed_by_us);
    let fields = &record.fields;
    assert_eq!(fields["Account"]["ShippingCity"], "Minneapolis");
    assert_eq!(fields["Contact"]["Email"], "store@example.com");
    assert_eq!(fields["Owner"]["Name"], "Store Desk");
    assert_eq!(fields["CaseNumber"], "00001026");
    assert!(!fields.to_string().contains("attributes"), "{fields}");
}

#[tokio::test]
async fn short_ids_reach_the_same_record_and_what_is_gone_is_none() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    let short = RecordId::new(&id.as_str()[..15]);
    assert!(
        bench
            .platform
            .fetch(&bench.call, &short, Wish::default())
            .await
            .unwrap()
            .is_some()
    );
    bench.org.delete("Case", id.as_str()).unwrap();
    assert_eq!(
        bench
            .platform
            .fetch(&bench.call, &id, Wish::default())
            .await
            .unwrap(),
        None
    );
    let never = RecordId::new("500000000000001AAA");
    assert_eq!(
        bench
            .platform
            .fetch(&bench.call, &never, Wish::default())
            .await
            .unwrap(),
        None
    );
    let wrong = RecordId::new("x' OR Id != '");
    let failure = bench
        .platform
        .fetch(&bench.call, &wrong, Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn hidden_fields_are_absent_and_break_nothing() {
    let org = SalesforceSettings {
        hidden_fields: vec![("Account", "ShippingState"), ("Case", "Reason")],
        ..org()
    };
    let bench = Bench::open(org, CLIENT).await;
    let id = case_with_parents(&bench);
    let record = bench.fetch(&id).await;
    assert_eq!(record.fields["Account"].get("ShippingState"), None);
    assert_eq!(record.fields.get("Reason"), None);
    assert_eq!(record.fields["Account"]["ShippingCity"], "Minneapolis");
}

#[tokio::test]
async fn comments_come_with_their_audience_and_author() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    for (text, public) in [("Call first", true), ("Key under the mat", false)] {
        bench
            .org
            .enter(
                "CaseComment",
                &json!({"ParentId": id.as_str(), "CommentBody": text, "IsPublished": public}),
            )
            .unwrap();
    }
    let record = bench.fetch(&id).await;
    let told: Vec<_> = record
        .notes
        .iter()
        .map(|note| (note.text.as_str(), note.visibility, note.by_us))
        .collect();
    assert_eq!(
        told,
        [
            ("Call first", NoteVisibility::Public, false),
            ("Key under the mat", NoteVisibility::Internal, false)
        ]
    );
    assert_eq!(record.notes[0].author.as_deref(), Some("Store Desk"));
    assert_eq!(
        record.notes[0].created_at,
        Some("2026-07-01T08:00:00Z".parse().unwrap())
    );
}

#[tokio::test]
async fn files_are_listed_and_read() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    let version = bench.org.attach(id.as_str(), &picture()).unwrap();
    let record = bench.fetch(&id).await;
    let file = &record.files[0];
    assert_eq!(
        (file.name.as_str(), file.size, file.by_us),
        ("photo.png", Some(9), false)
    );
    assert_eq!(
        (file.id.as_str(), file.media_type.as_deref()),
        (version.as_str(), Some("image/png"))
    );
    let content = bench
        .platform
        .download(&bench.call, &id, file)
        .await
        .unwrap();
    assert_eq!(
        (content.name.as_str(), content.media_type.as_str()),
        ("photo.png", "image/png")
    );
    assert_eq!(content.bytes, picture().bytes);
}

#[tokio::test]
async fn changed_records_are_listed_page_by_page_oldest_first() {
    let bench = Bench::open(
        SalesforceSettings { query_page: 2, ..org() },
        &format!("{CLIENT}trigger_on_status = [\"Dispatch Required\"]\ntrigger_on_checkbox = \"Send_to_Field_Nation__c\"\n"),
    )
    .await;
    bench.case(&json!({"Status": "Dispatch Required"}));
    bench.clock.advance(Duration::from_secs(60));
    let mut wanted = Vec::new();
    for number in 0..5 {
        wanted
            .push(bench.case(
                &json!({"Subject": format!("case {number}"), "Status": "Dispatch Required"}),
            ));
        bench.clock.advance(Duration::from_secs(1));
    }
    bench.case(&json!({"Status": "New"}));
    wanted.push(bench.case(&json!({"Status": "New", "Send_to_Field_Nation__c": true})));
    let since = "2026-07-01T08:00:30.5Z".parse().unwrap();
    let mut found = Vec::new();
    let mut page = None;
    loop {
        let changed = bench
            .platform
            .changed_since(&bench.call, since, page)
            .await
            .unwrap();
        found.extend(changed.records);
        page = changed.next;
        if page.is_none() {
            break;
        }
    }
    let ids: Vec<_> = found.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids, wanted);
    assert!(found.iter().all(|(_, at)| at.is_some()));
    for hostile in [
        "https://evil.example/services/data/v64.0/query/x",
        "/services/data/v64.0/sobjects/User",
    ] {
        let failure = bench
            .platform
            .changed_since(&bench.call, since, Some(hostile.to_owned()))
            .await
            .unwrap_err();
        assert_eq!(failure.category, Category::Configuration);
    }
}

#[tokio::test]
async fn only_wanted_records_are_wanted() {
    let bench = Bench::with("trigger_on_status = \"Dispatch Required\"\n").await;
    let wanted = bench.case(&json!({"Status": "Dispatch Required"}));
    let other = bench.case(&json!({}));
    assert!(bench.platform.wants(&bench.fetch(&wanted).await).is_ok());
    let why = bench
        .platform
        .wants(&bench.fetch(&other).await)
        .unwrap_err();
    assert!(
        why.contains("\"New\"") && why.contains("\"Dispatch Required\""),
        "{why}"
    );
}

#[tokio::test]
async fn trouble_is_told_apart() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    bench.fetch(&id).await;
    for (kind, category) in [
        (FaultKind::ServerError { status: 500 }, Category::Server),
        (FaultKind::ServerError { status: 502 }, Category::Server),
        (FaultKind::ServerError { status: 503 }, Category::Server),
        (FaultKind::ResetBefore, Category::Network),
        (
            FaultKind::RateLimited {
                retry_after_seconds: 1,
            },
            Category::RateLimited,
        ),
    ] {
        bench
            .org
            .faults()
            .push(Fault::once(kind).on(&Method::GET, "/query"));
        let failure = bench
            .platform
            .fetch(&bench.call, &id, Wish::default())
            .await
            .unwrap_err();
        assert_eq!(failure.category, category, "{kind:?}");
    }
}

#[tokio::test]
async fn chatter_can_carry_the_messages() {
    let bench = Bench::with("message_object_name = \"FeedItem\"\n").await;
    let id = bench.case(&json!({}));
    bench
        .org
        .enter(
            "FeedItem",
            &json!({"ParentId": id.as_str(), "Body": "Seen", "Visibility": "AllUsers"}),
        )
        .unwrap();
    // A tracked change has no text.
    bench
        .org
        .enter("FeedItem", &json!({"ParentId": id.as_str(), "Body": null}))
        .unwrap();
    let notes = bench.fetch(&id).await.notes;
    assert_eq!(notes.len(), 1);
    assert_eq!(
        (notes[0].text.as_str(), notes[0].visibility),
        ("Seen", NoteVisibility::Public)
    );
    let note = fieldbridge::model::Note {
        visibility: NoteVisibility::Internal,
        text: "On my way".to_owned(),
        ..notes[0].clone()
    };
    bench
        .platform
        .add_note(&bench.call, &id, &note)
        .await
        .unwrap();
    let posts = bench
        .org
        .query("SELECT Body,Visibility FROM FeedItem")
        .unwrap();
    let last: Vec<&Value> = posts
        .iter()
        .filter(|post| post["Body"] == "On my way")
        .collect();
    assert_eq!(last[0]["Visibility"], "InternalUsers");
}
