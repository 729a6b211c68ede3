//! The made-up service of the REST connector. Its own description needs nobody's files.

use std::io::Write as _;

use fieldbridge::model::{Exchange, PlatformKind};
use fieldbridge::openapi::Document;
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{Deliveries, REST_DESCRIPTION, Rest, RestSettings};
use serde_json::json;

use super::super::drive::{Subject, object};
use super::super::judge::judge;
use super::super::stage::{Stage, clock};

async fn set(settings: &str) -> Stage<Rest> {
    let clock = clock();
    let stand_in = RestSettings {
        deliveries: Deliveries::Paced(0.0),
        ..RestSettings::default()
    };
    let desk = Rest::start(stand_in, clock.clone(), 1).await.unwrap();
    Stage::set(desk, clock, settings)
}

/// An update by the whole record, and lists that come in pages.
async fn by_put_and_pages() -> Vec<Exchange> {
    let stage = set("record_update = \"replaceTicket\"\nparameters = { pageSize = 1 }\n").await;
    let (record, _) = (stage.ticket(), stage.ticket());
    let base = stage
        .platform
        .fetch(&stage.call, &record, Wish::default())
        .await;
    let changes = json!({"status": "done", "site": {"zip": "78701"}});
    let base = base.unwrap().unwrap();
    let update = stage.platform.update(&stage.call, &base, object(&changes));
    update.await.unwrap();
    let since = "2020-01-01T00:00:00Z".parse().unwrap();
    let first = stage.platform.changed_since(&stage.call, since, None).await;
    let next = first.unwrap().next;
    assert!(next.is_some());
    let second = stage.platform.changed_since(&stage.call, since, next).await;
    second.unwrap();
    stage.take().await
}

#[tokio::test]
async fn rest() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(REST_DESCRIPTION.as_bytes()).unwrap();
    let document = Document::load(file.path()).unwrap();
    let stage = set("").await;
    let subject = Subject {
        create: json!({"subject": "Printer jams", "site": {"city": "Austin"}, "wantedAt": "2026-01-02T03:04:05Z"}),
        updates: vec![
            json!({"status": "assigned", "technician": "Sam"}),
            json!({"technician": null}),
        ],
        ..Subject::default()
    };
    stage.every_verb(&subject).await;
    let mut exchanges = stage.take().await;
    exchanges.extend(by_put_and_pages().await);
    insta::assert_snapshot!(
        PlatformKind::Rest.to_string(),
        judge(&[document], "", &exchanges, &[])
    );
}
