//! Reading cases, their description, and triggers.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use fieldbridge::model::{Category, FieldKind, RecordId};
use fieldbridge::platform::{TriggerReading, TriggerRefusal, TriggerRequest, Wish};
use fieldbridge::sandbox::{
    Deliveries, NetSuiteRight, NetSuiteSettings, ScriptBody, UserEventScript,
};
use serde_json::json;

use crate::bench::{Bench, TBA, WHOLE, quiet, record_id};
use crate::sandbox_support::{Received, Subscriber};

#[tokio::test]
async fn a_case_comes_whole_and_without_addresses() {
    let bench = Bench::open().await;
    let id = bench.case();
    let record = bench.fetch(id).await;
    assert_eq!(record.label, "HB-0101 - Register 3 does not start");
    assert_eq!(
        record.fields["status"],
        json!({"id": "6", "refName": "Field Service Required"})
    );
    assert_eq!(
        record.fields["company"],
        json!({"id": "931", "refName": "Harborlight Retail"})
    );
    assert_eq!(record.fields["custevent_fn_start"], "2026-03-03T15:00:00Z");
    assert_eq!(record.changed_at, Some(crate::bench::NOW.parse().unwrap()));
    assert!(!record.changed_by_us);
    assert!(!record.fields.to_string().contains("links"));
    assert_eq!(
        bench.calls(),
        [format!(
            "GET /record/v1/supportCase/{id}?expandSubResources=true&simpleEnumFormat=false"
        )]
    );
}

#[tokio::test]
async fn a_case_that_is_not_there_is_an_answer() {
    let bench = Bench::open().await;
    let id = bench.case();
    bench.netsuite.delete_case(id).unwrap();
    let fetch = async |text: &str| {
        let id = RecordId::new(text);
        bench
            .platform
            .fetch(&bench.call, &id, Wish::default())
            .await
    };
    assert_eq!(fetch(&id.to_string()).await.unwrap(), None);
    for wrong in ["SC-7", "eid:FN-1", "7/!attach/file/1", ""] {
        assert_eq!(
            fetch(wrong).await.unwrap_err().category,
            Category::Validation,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_record_type_that_is_not_there_is_a_matter_of_settings() {
    let bench = Bench::with(quiet(), &format!("{TBA}record_type = \"serviceOrder\""), "").await;
    let failure = bench
        .platform
        .fetch(&bench.call, &record_id(5), Wish::default())
        .await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("record_type"));
}

#[tokio::test]
async fn references_are_followed_as_far_as_the_role_may_see() {
    let settings = format!("{TBA}{WHOLE}follow = [\"company\", \"contact\"]");
    let bench = Bench::with(quiet(), &settings, "").await;
    let id = bench.case();
    let company = bench.fetch(id).await.fields["company"].clone();
    assert_eq!(company["phone"], "555-0100");
    assert_eq!(
        (&company["id"], &company["refName"]),
        (&json!("931"), &json!("Harborlight Retail"))
    );
    bench.netsuite.withhold(&[NetSuiteRight::Customers]);
    let company = bench.fetch(id).await.fields["company"].clone();
    assert_eq!(
        company,
        json!({"id": "931", "refName": "Harborlight Retail"})
    );
}

#[tokio::test]
async fn only_records_that_meet_the_condition_are_wanted() {
    let settings = format!("{TBA}trigger_on_status = \"Field Service Required\"");
    let bench = Bench::with(quiet(), &settings, "").await;
    let id = bench.case();
    assert_eq!(bench.platform.wants(&bench.fetch(id).await), Ok(()));
    bench.netsuite.set_status(id, 5).unwrap();
    let why = bench.platform.wants(&bench.fetch(id).await).unwrap_err();
    assert_eq!(
        why,
        "its status is \"Closed\", the connector waits for \"Field Service Required\""
    );
}

#[tokio::test]
async fn the_catalogue_has_custom_fields_and_the_accounts_lists() {
    let bench = Bench::open().await;
    let catalogue = bench.platform.discover(&bench.call).await.unwrap();
    let field = |path: &str| catalogue.field(path).unwrap_or_else(|| panic!("no {path}"));
    assert_eq!(field("title").label, "Subject");
    assert_eq!(field("custevent_fn_start").kind, FieldKind::DateTime);
    assert_eq!(field("custevent_lift_needed").kind, FieldKind::Boolean);
    let closed = |value: &str, label: &str| {
        let picklist = &field(value).picklist;
        picklist.iter().any(|choice| choice.value == label)
    };
    assert!(closed("status.id", "5") && closed("status.refName", "Closed"));
    assert!(closed("custevent_equipment.refName", "Router"));
    assert!(
        field("company.id").picklist.is_empty(),
        "customers are no list"
    );
    assert!(field("lastModifiedDate").read_only);
    assert!(
        catalogue.field("outgoingMessage").is_none(),
        "not accessible through REST"
    );
    assert!(catalogue.field("externalId").is_none());
    let calls = bench.calls();
    assert!(calls.len() < 10, "{calls:?}");
    bench.netsuite.withhold(&[NetSuiteRight::Metadata]);
    let failure = bench.platform.discover(&bench.call).await.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
}

async fn read(bench: &Bench, received: Received) -> Result<TriggerReading, TriggerRefusal> {
    let request = TriggerRequest {
        method: Method::POST,
        query: Vec::new(),
        headers: received.headers,
        body: Bytes::from(received.body),
    };
    bench.platform.read_trigger(&request).await
}

#[tokio::test]
async fn what_scripts_post_is_read() {
    let settings = NetSuiteSettings {
        deliveries: Deliveries::REAL,
        ..NetSuiteSettings::default()
    };
    let bench = Bench::with(
        settings,
        &format!("{TBA}trigger_secret = \"fake-secret\""),
        "",
    )
    .await;
    let mut subscriber = Subscriber::answering(&[]).await;
    let address = subscriber.url.clone();
    let deploy = |body: ScriptBody, secret: &str| {
        let mut script = UserEventScript::shipped(&address);
        script.body = body;
        script.secret = Some(secret.to_owned());
        bench.netsuite.deploy(vec![script]);
    };
    deploy(ScriptBody::Shipped, "fake-secret");
    let id = bench.case();
    let received = subscriber.next().await;
    let Ok(TriggerReading::Records { ids, delivery, .. }) = read(&bench, received).await else {
        panic!("the shipped script names its record");
    };
    assert_eq!((ids, delivery), (vec![record_id(id)], None));
    deploy(ScriptBody::Shipped, "fake-guess");
    bench.netsuite.set_status(id, 5).unwrap();
    let received = subscriber.next().await;
    assert!(matches!(
        read(&bench, received).await,
        Err(TriggerRefusal::Signature(_))
    ));
    let broken = "{\"recordType\":\"{type}\",\"title\":\"the \"red\" one\",\"recordId\":{id}}";
    deploy(ScriptBody::Own(broken.to_owned()), "fake-secret");
    bench.netsuite.set_status(id, 6).unwrap();
    let received = subscriber.next().await;
    assert!(matches!(
        read(&bench, received).await,
        Ok(TriggerReading::Records { .. })
    ));
    deploy(
        ScriptBody::Own("{\"recordType\":\"task\",\"id\":{id}}".to_owned()),
        "fake-secret",
    );
    bench.netsuite.set_status(id, 5).unwrap();
    let received = subscriber.next().await;
    assert!(matches!(
        read(&bench, received).await,
        Ok(TriggerReading::NotOurs { .. })
    ));
}

#[tokio::test]
async fn a_call_without_an_id_is_told_what_to_post() {
    let bench = Bench::open().await;
    let request = TriggerRequest {
        method: Method::POST,
        query: vec![("x".to_owned(), "1".to_owned())],
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"email\":\"a@example.com\"}"),
    };
    let refusal = bench.platform.read_trigger(&request).await.unwrap_err();
    assert!(
        matches!(refusal, TriggerRefusal::NoRecord(_)),
        "{refusal:?}"
    );
    assert!(refusal.to_string().contains("record_type"), "{refusal}");
}
