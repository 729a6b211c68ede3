//! The vendor's own printed answers, read by the adapter.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use fieldbridge::http::Call;
use fieldbridge::model::{Category, Failure, FileContent, Priority, Record, RecordId, Timestamp};
use fieldbridge::platform::{Platform, Wish};
use serde_json::{Value, json};

use crate::bench::{PASSWORD, adapter, connector, map, still};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

const ID: &str = "a9e30c7dc61122760116894de7bcc7bd";

/// A sample's text; a line on the output when the samples are not at hand.
fn sample(name: &str) -> Option<String> {
    let path = format!(
        "{}/../shared/samples/servicenow/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).ok();
    if text.is_none() {
        println!("skipped: no sample {name}");
    }
    text
}

/// Something that answers a path's ending with a status and a body, and 404 without a body else.
async fn stub(answers: Vec<(&'static str, u16, String)>, settings: &str) -> Arc<dyn Platform> {
    type Answers = Arc<Vec<(&'static str, u16, String)>>;
    async fn answer(State(answers): State<Answers>, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let found = answers.iter().find(|(end, ..)| path.ends_with(end));
        let (status, body) = found.map_or((404, String::new()), |(_, status, body)| {
            (*status, body.clone())
        });
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new()
        .fallback(answer)
        .with_state(Arc::new(answers));
    tokio::spawn(async move { axum::serve(listener, app).await });
    adapter(
        &connector("", &format!("base_url = \"http://{address}\"\n{settings}")),
        &still(),
    )
    .unwrap()
}

fn call() -> Call {
    Call::new(Priority::Live)
}

#[tokio::test]
async fn the_vendors_incident_is_read() {
    let Some(text) = sample("incident-get.json") else {
        return;
    };
    let platform = stub(vec![(ID, 200, text)], PASSWORD).await;
    let record = platform
        .fetch(&call(), &RecordId::new(ID), Wish::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.label, "INC0000046 Can't access SFA software");
    assert_eq!(
        record.changed_at,
        Some("2015-11-01T22:37:27Z".parse().unwrap())
    );
    assert_eq!(record.fields["impact"], "1");
    assert_eq!(record.fields["company"], "");
    assert_eq!(
        record.fields["caller_id"]["value"],
        "46c6f9efa9fe198101ddf5eed9adf6e7"
    );
    assert_eq!(record.fields["sys_domain"]["value"], "global");
}

#[tokio::test]
async fn the_vendors_refusals_mean_what_they_say() {
    async fn told(name: &str, status: u16) -> Option<Result<Option<Record>, Failure>> {
        let text = sample(name)?;
        let platform = stub(vec![(ID, status, text)], PASSWORD).await;
        Some(
            platform
                .fetch(&call(), &RecordId::new(ID), Wish::default())
                .await,
        )
    }
    for (name, status, category) in [
        ("error-401.json", 401, Category::Authentication),
        ("error-403-acl.json", 403, Category::Configuration),
        ("error-429.json", 429, Category::RateLimited),
    ] {
        let Some(told) = told(name, status).await else {
            return;
        };
        let failure = told.unwrap_err();
        assert_eq!(failure.category, category, "{name}");
        assert!(failure.hint.is_some());
    }
    let Some(missing) = told("error-404.json", 404).await else {
        return;
    };
    assert_eq!(missing.unwrap(), None);
}

#[tokio::test]
async fn the_vendors_answer_to_a_change_is_compared() {
    let Some(text) = sample("incident-patch-response.json") else {
        return;
    };
    let id = "ef43c6d40a0a0b5700c77f9bf387afe3";
    let platform = stub(vec![(id, 200, text)], PASSWORD).await;
    let base = Record {
        id: RecordId::new(id),
        label: String::new(),
        fields: json!({"state": "1", "urgency": "3", "u_typo": ""}),
        notes: Vec::new(),
        files: Vec::new(),
        changed_at: None,
        changed_by_us: false,
    };
    let update = async |changes: Value| platform.update(&call(), &base, &map(&changes)).await;
    update(json!({"state": "2", "urgency": "1"})).await.unwrap();
    let failure = update(json!({"urgency": "1", "u_typo": "x"}))
        .await
        .unwrap_err();
    assert!(
        failure.cause.contains("left u_typo as before"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn the_vendors_answer_to_a_create_gives_the_id() {
    let Some(text) = sample("incident-post-response.json") else {
        return;
    };
    let platform = stub(vec![("/table/incident", 201, text)], PASSWORD).await;
    let marker = fieldbridge::model::Marker::from_text("FN-1");
    let created = platform
        .create(&call(), &map(&json!({"short_description": "x"})), &marker)
        .await
        .unwrap();
    assert_eq!(created.id.as_str(), "c537bae64f411200adf9f8e18110c76e");
}

#[tokio::test]
async fn the_vendors_token_and_attachments_are_read() {
    let (Some(token), Some(incident), Some(attached)) = (
        sample("oauth-token-response.json"),
        sample("incident-get.json"),
        sample("attachment-post-file-response.json"),
    ) else {
        return;
    };
    let settings =
        "auth = \"client_credentials\"\nclient_id = \"test-id\"\nclient_secret = \"test-secret\"\n";
    let answers = vec![
        ("/oauth_token.do", 200, token),
        (ID, 200, incident),
        ("/attachment/file", 201, attached),
    ];
    let platform = stub(answers, settings).await;
    let call = call();
    platform
        .fetch(&call, &RecordId::new(ID), Wish::default())
        .await
        .unwrap()
        .unwrap();
    let shown = format!("{:?}", call.take_exchanges());
    assert!(
        !shown.contains("EXAMPLE-ACCESS-TOKEN") && !shown.contains("EXAMPLE-REFRESH-TOKEN"),
        "{shown}"
    );
    let file = FileContent {
        name: "Issue_screenshot".to_owned(),
        media_type: "image/jpeg".to_owned(),
        bytes: bytes::Bytes::from_static(b"x"),
    };
    let id = platform
        .attach(&call, &RecordId::new(ID), &file)
        .await
        .unwrap();
    assert_eq!(id.as_deref(), Some("6ea10fe64f411200adf9f8e18110c739"));
}

#[tokio::test]
async fn a_list_that_ignores_the_condition_is_seen_through() {
    let Some(text) = sample("table-list-problem.json") else {
        return;
    };
    let platform = stub(
        vec![("/table/problem", 200, text)],
        &format!("{PASSWORD}object_name = \"problem\"\n"),
    )
    .await;
    // The sample's record was changed in 2016: whoever asked for later ones must not believe it.
    let since = "2026-03-01T12:00:00Z".parse().unwrap();
    let failure = platform
        .changed_since(&call(), since, None)
        .await
        .unwrap_err();
    assert!(
        failure.cause.contains("dropped the condition"),
        "{}",
        failure.cause
    );
    let since = "2016-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        platform
            .changed_since(&call(), since, None)
            .await
            .unwrap()
            .records
            .len(),
        1
    );
    let marker = fieldbridge::model::Marker::from_text("FN-1");
    let failure = platform.find(&call(), &marker, LONG_AGO).await.unwrap_err();
    assert_eq!(
        failure.category,
        Category::Configuration,
        "a row without the marker is no absence"
    );
}
