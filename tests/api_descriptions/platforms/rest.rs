//! The made-up service of the REST connector. Its own description needs nobody's files.

use std::io::Write as _;

use axum::http::{Method, StatusCode};
use fieldbridge::model::{Exchange, PlatformKind};
use fieldbridge::openapi::Document;
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{Deliveries, REST_DESCRIPTION, Rest, RestSettings};
use serde_json::json;

use super::super::drive::{Subject, object};
use super::super::judge::{Known, judge};
use super::super::sent::forms;
use super::super::stage::{Stage, clock};
use super::super::tap::Tap;

const KNOWN: &[Known] = &[Known {
    operation: "POST /token",
    place: "operation",
    why: "Where tokens are given is told by the settings; its form is held against the RFC.",
    page: "platforms-helpdesk-erp-rest.md §5.2",
}];

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

/// A token beside the service's key, asked for anew after it was refused, then by the refresh token that came along.
async fn by_token() -> Vec<Exchange> {
    let stage = set("").await;
    let tap = Tap::before(stage.desk.base_url()).await;
    let settings = "client_id = \"me\"\nclient_secret = \"not-a-real-secret\"\ntoken_url = \"/token\"\n\
        client_credentials_in = \"body\"\n";
    let platform = stage.another(&format!(
        "base_url = \"{}\"\n{settings}",
        stage
            .desk
            .rest_url()
            .replace(stage.desk.base_url(), &tap.url)
    ));
    let record = stage.ticket();
    for number in 1..=2 {
        let token = json!({"access_token": format!("not-a-real-token-{number}"), "token_type": "Bearer",
            "expires_in": 3600, "refresh_token": "not-a-real-refresh-token"});
        tap.tell_instead(Method::POST, "/token", StatusCode::OK, token);
        let read = platform.fetch(&stage.call, &record, Wish::default()).await;
        assert!(read.unwrap().is_some());
        if number == 1 {
            let refused = json!({"title": "Unauthorized", "status": 401});
            let path = format!("/tickets/{record}");
            tap.tell_instead(Method::GET, &path, StatusCode::UNAUTHORIZED, refused);
        }
    }
    let exchanges = tap.take();
    // §5.2 wants OAuth 2's client credentials; the members are those of RFC 6749 (4.4.2 and 6, with 2.3.1).
    let told: Vec<Vec<String>> = forms(&exchanges, "/token").into_iter().collect();
    assert_eq!(
        told,
        [
            ["client_credentials", "client_id", "client_secret"]
                .map(str::to_owned)
                .to_vec(),
            [
                "refresh_token",
                "client_id",
                "client_secret",
                "refresh_token"
            ]
            .map(str::to_owned)
            .to_vec(),
        ]
    );
    exchanges
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
    exchanges.extend(by_token().await);
    insta::assert_snapshot!(
        PlatformKind::Rest.to_string(),
        judge(&[document], "", &exchanges, KNOWN)
    );
}
