//! The Field Nation client: searching, messages, files, webhooks, catalogue.

use crate::stub::{Answer, Stub, call, map};
use bytes::Bytes;
use fieldbridge::fieldnation::{Found, Likeness, WebhookStatus};
use fieldbridge::http::Call;
use fieldbridge::model::{
    Category, EventName, FileContent, FileReference, Marker, Note, NoteVisibility, WorkOrderId,
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

const ORDER: WorkOrderId = WorkOrderId(1);

fn row(id: u64, value: &str) -> Value {
    json!({"id": id, "title": "x", "custom_fields": {"results": [{"results": [
        {"id": 35, "name": "Ticket #", "value": value, "flags": ["internal_id"]}]}]}})
}

fn page(rows: &[Value]) -> Answer {
    Answer::new(
        200,
        json!({"metadata": {"total": rows.len(), "page": 1, "pages": 1}, "results": rows}),
    )
}

async fn find(stub: &Stub, output: &Map<String, Value>) -> Found {
    let since = "2026-07-01T11:00:00Z".parse().unwrap();
    let likeness = Likeness { output, since };
    stub.client()
        .find(&call(), &Marker::from_text("cw-main:69"), likeness)
        .await
        .unwrap()
}

#[tokio::test]
async fn only_the_exact_marker_is_found() {
    let stub = Stub::start().await;
    stub.script(
        "GET /workorders",
        [page(&[row(5, "cw-main:690"), row(6, "cw-main:69")])],
    );
    assert_eq!(
        find(&stub, &Map::new()).await,
        Found::WorkOrders(vec![WorkOrderId(6)])
    );
    let query = stub.seen()[1].query.clone();
    assert_eq!(query["f_search"], "cw-main:69");
    assert_eq!(
        (query["list"].as_str(), query["sticky"].as_str()),
        ("workorders_all", "false")
    );
    assert!(query["columns"].contains("custom_fields"));
}

#[tokio::test]
async fn what_the_search_misses_is_found_among_the_new_ones() {
    let stub = Stub::start().await;
    stub.script(
        "GET /workorders",
        [page(&[]), page(&[row(5, ""), row(7, "cw-main:69")])],
    );
    assert_eq!(
        find(&stub, &Map::new()).await,
        Found::WorkOrders(vec![WorkOrderId(7)])
    );
    assert_eq!(stub.seen()[2].query["f_created"], "2026-06-30,2026-07-02");
    let stub = Stub::start().await;
    stub.script(
        "GET /workorders",
        [page(&[]), page(&[row(5, "cw-main:690")])],
    );
    assert_eq!(find(&stub, &Map::new()).await, Found::Absent);
}

#[tokio::test]
async fn a_row_without_its_fields_is_read() {
    let stub = Stub::start().await;
    stub.set_order(row(1, "cw-main:69"));
    stub.script(
        "GET /workorders",
        [page(&[json!({"id": 1, "schedule": {"status_id": 2}})])],
    );
    assert_eq!(
        find(&stub, &Map::new()).await,
        Found::WorkOrders(vec![ORDER])
    );
}

#[tokio::test]
async fn more_than_can_be_looked_through_is_uncertain() {
    let stub = Stub::start().await;
    let long =
        |rows: Vec<Value>| Answer::new(200, json!({"metadata": {"pages": 99}, "results": rows}));
    let pages = std::iter::once(page(&[])).chain((0..50).map(|_| long(vec![row(5, "")])));
    stub.script("GET /workorders", pages);
    assert!(matches!(
        find(&stub, &Map::new()).await,
        Found::Uncertain(_)
    ));
}

#[tokio::test]
async fn a_long_list_is_read_newest_first_and_no_further_than_the_intent() {
    let stub = Stub::start().await;
    let made = |id: u64, created: &str| {
        let mut row = row(id, "another:1");
        row["milestones"] = json!({"created": {"utc": created}});
        row
    };
    let first = vec![
        made(9, "2026-07-01 11:00:05"),
        made(8, "2026-07-01 08:00:00"),
    ];
    let long = Answer::new(200, json!({"metadata": {"pages": 99}, "results": first}));
    // A second page would be asked for in vain: the stub has none.
    stub.script("GET /workorders", [page(&[]), long]);
    assert_eq!(find(&stub, &Map::new()).await, Found::Absent);
}

#[tokio::test]
async fn without_a_correlation_field_title_place_and_time_decide() {
    let twin = |id: u64, city: &str, created: &str| {
        json!({"id": id, "title": "Router  Installation", "location": {"city": city, "zip": "55401"},
               "milestones": {"created": {"utc": created}}})
    };
    let after = "2026-07-01 11:00:05";
    let output = map(
        json!({"title": "Router Installation", "location": {"city": "Minneapolis", "zip": "55401", "country": "US"},
                            "custom_fields": {"unknown": "is not looked up"}}),
    );
    for (rows, wanted) in [
        (
            vec![twin(5, "Minneapolis", after)],
            Some(Found::WorkOrders(vec![WorkOrderId(5)])),
        ),
        (vec![twin(5, "Duluth", after)], Some(Found::Absent)),
        (
            vec![twin(5, "Minneapolis", "2026-07-01 09:00:00")],
            Some(Found::Absent),
        ),
        (
            vec![twin(5, "Minneapolis", after), twin(6, "Minneapolis", after)],
            None,
        ),
        (vec![json!({"id": 5, "title": "Router Installation"})], None),
    ] {
        let stub = Stub::start().await;
        stub.set_fields(json!([]));
        stub.script("GET /workorders", [page(&rows)]);
        let found = find(&stub, &output).await;
        match wanted {
            Some(wanted) => assert_eq!(found, wanted),
            None => assert!(matches!(found, Found::Uncertain(_)), "{found:?}"),
        }
    }
}

fn note(visibility: NoteVisibility) -> Note {
    Note {
        id: String::new(),
        text: "Bring two cables".to_owned(),
        visibility,
        author: None,
        created_at: None,
        by_us: false,
    }
}

fn posted(kind: &str) -> Answer {
    Answer::new(
        200,
        json!({"results": [
        {"msg_id": "41", "message": "Bring two cables", "role": kind, "from": {"id": 3, "name": "x"}},
        {"msg_id": "42", "message": "Bring two cables", "role": kind, "from": {"id": 1068, "name": "x"}}]}),
    )
}

#[tokio::test]
async fn messages_go_to_whom_they_are_meant_for() {
    let stub = Stub::start().await;
    let client = stub.client();
    let messages = "POST /workorders/1/messages";
    let kinds = |stub: &Stub| -> Vec<String> {
        let seen = stub.seen();
        let posts = seen.iter().filter(|seen| seen.method == "POST");
        posts
            .map(|seen| seen.body["type"].as_str().unwrap().to_owned())
            .collect()
    };
    stub.set_order(json!({"id": 1, "assignee": {"user": {"id": 987_654}}}));
    stub.script(messages, [posted("ASSIGNEDTECH")]);
    let id = client
        .post_message(&call(), ORDER, &note(NoteVisibility::Public))
        .await
        .unwrap();
    assert_eq!(id.as_deref(), Some("42"));
    assert_eq!(
        client.own_user(),
        Some(1068),
        "the message that we wrote names us"
    );
    stub.set_order(json!({"id": 1, "assignee": {"user": null}}));
    stub.script(messages, [posted("STAFF_NOTE")]);
    client
        .post_message(&call(), ORDER, &note(NoteVisibility::Public))
        .await
        .unwrap();
    let refused = Answer::new(
        400,
        json!({"status": 400, "message": "type STAFF_NOTE is not allowed"}),
    );
    stub.script(messages, [refused, posted("INTERNAL")]);
    client
        .post_message(&call(), ORDER, &note(NoteVisibility::Internal))
        .await
        .unwrap();
    assert_eq!(
        kinds(&stub),
        ["ASSIGNEDTECH", "STAFF_NOTE", "STAFF_NOTE", "INTERNAL"]
    );
}

#[tokio::test]
async fn our_own_messages_are_known() {
    let stub = Stub::start().await;
    let client = stub.client();
    stub.script(
        "GET /workorders",
        [page(&[
            json!({"id": 2, "manager": {"id": 1068, "email": "api@example.com"}}),
        ])],
    );
    stub.script("GET /workorders/1/messages", [posted("STAFF_NOTE")]);
    let notes = client.messages(&call(), ORDER).await.unwrap();
    assert_eq!(
        notes.iter().map(|note| note.by_us).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(notes[0].visibility, NoteVisibility::Internal);
}

#[tokio::test]
async fn a_right_that_is_missing_for_messages_does_not_question_the_credential() {
    let stub = Stub::start().await;
    stub.script(
        "GET /workorders/1/messages",
        [Answer::new(
            403,
            json!({"status": 403, "message": "forbidden"}),
        )],
    );
    let failure = stub.client().messages(&call(), ORDER).await.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
}

fn folders(rows: &Value) -> Answer {
    Answer::new(200, json!({ "results": rows }))
}

#[tokio::test]
async fn a_file_goes_into_a_folder_that_is_made_for_it() {
    let stub = Stub::start().await;
    let client = stub.client();
    stub.script(
        "GET /workorders/1/attachments",
        [folders(
            &json!([{"id": 8, "name": "Deliverables", "task": {"id": 4}}]),
        )],
    );
    let made = json!({"id": 1, "attachments": {"results": [{"id": 8, "name": "Deliverables"}, {"id": 9, "name": "Ticket files"}]}});
    stub.script("POST /workorders/1/attachments", [Answer::new(200, made)]);
    let stored = json!({"id": 1, "attachments": {"results": [{"id": 9, "name": "Ticket files", "results": [
        {"id": 77, "file": {"name": "plan.txt"}}]}]}});
    stub.script(
        "POST /workorders/1/attachments/9",
        [Answer::new(200, stored)],
    );
    let file = FileContent {
        name: "plan.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        bytes: Bytes::from_static(b"two cables"),
    };
    let id = client.attach(&call(), ORDER, &file).await.unwrap();
    assert_eq!(id.as_deref(), Some("77"));
    let upload = stub.seen().pop().unwrap();
    let kind = upload.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("multipart/form-data"), "{kind}");
    let raw = String::from_utf8_lossy(&upload.raw).into_owned();
    assert!(
        raw.contains("name=\"file\"; filename=\"plan.txt\"") && raw.contains("two cables"),
        "{raw}"
    );
}

#[tokio::test]
async fn a_file_too_large_for_its_folder_is_not_sent() {
    let stub = Stub::start().await;
    stub.script(
        "GET /workorders/1/attachments",
        [folders(
            &json!([{"id": 9, "name": "Ticket files", "max_bytes": 4}]),
        )],
    );
    let file = FileContent {
        name: "big.bin".to_owned(),
        media_type: "application/octet-stream".to_owned(),
        bytes: Bytes::from_static(b"12345"),
    };
    let failure = stub
        .client()
        .attach(&call(), ORDER, &file)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn a_link_to_another_host_never_sees_the_token() {
    let (stub, elsewhere) = (Stub::start().await, Stub::start().await);
    let client = stub.client();
    let file = |link: String| FileReference {
        id: "77".to_owned(),
        name: "plan.txt".to_owned(),
        media_type: Some("text/plain".to_owned()),
        size: None,
        url: Some(link),
        by_us: false,
    };
    elsewhere.script("GET /files/77", [Answer::new(200, json!("bytes"))]);
    let link = format!("http://{}/files/77?signature=fake", elsewhere.address);
    let content = client.download(&call(), &file(link)).await.unwrap();
    assert_eq!(
        (content.name.as_str(), &content.bytes[..]),
        ("plan.txt", &b"\"bytes\""[..])
    );
    let seen = elsewhere.seen();
    assert!(
        !seen[0].query.contains_key("access_token")
            && !seen[0].headers.contains_key("authorization")
    );
    // Our own host gets it, and a redirect from there to elsewhere loses it again.
    let away = format!("http://{}/files/77?signature=fake", elsewhere.address);
    stub.script(
        "GET /files/77",
        [Answer::new(302, json!({})).header("location", &away)],
    );
    elsewhere.script("GET /files/77", [Answer::new(200, json!("bytes"))]);
    client
        .download(&call(), &file("/files/77".to_owned()))
        .await
        .unwrap();
    assert!(stub.seen()[0].query.contains_key("access_token"));
    assert!(!elsewhere.seen()[1].query.contains_key("access_token"));
    elsewhere.script("GET /files/78", [Answer::new(403, json!({}))]);
    let link = format!("http://{}/files/78", elsewhere.address);
    let failure = client.download(&call(), &file(link)).await.unwrap_err();
    assert_eq!(
        failure.category,
        Category::Server,
        "a link that ran out is no matter of our credential"
    );
}

fn hook(id: &str, url: &str, status: &str, events: &Value) -> Value {
    json!({"webhookId": id, "url": url, "status": status, "events": events, "secret": "01999f51-fake"})
}

fn hooks(rows: &[Value]) -> Answer {
    Answer::new(
        200,
        json!({"metadata": {"total": rows.len()}, "result": rows}),
    )
}

#[tokio::test]
async fn a_webhook_is_made_once_and_set_right_thereafter() {
    const LIST: &str = "GET /api/v1/webhooks";
    let url = "https://broker.example.com/v1/fieldnation/events";
    let stub = Stub::start().await;
    let client = stub.client();
    let all = json!(
        EventName::ALL
            .iter()
            .map(|event| event.webhook_name())
            .collect::<Vec<_>>()
    );
    let one = |row: Value| Answer::new(200, json!({"metadata": {}, "result": row}));
    stub.script(
        LIST,
        [hooks(&[
            hook("old", url, "archived", &all),
            hook("other", "https://example.com", "active", &all),
        ])],
    );
    stub.script(
        "POST /api/v1/webhooks",
        [one(hook("w1", url, "active", &all))],
    );
    let made = client.register_webhook(&call(), url, None).await.unwrap();
    assert_eq!(
        (made.id.as_str(), made.status),
        ("w1", WebhookStatus::Active)
    );
    assert_eq!(made.secret.unwrap().expose_secret(), "01999f51-fake");
    let post = stub.seen().pop().unwrap();
    assert_eq!(post.body["events"].as_array().unwrap().len(), 33);
    assert_eq!(post.body["isIntegrationOnly"], false);
    assert_eq!(post.headers["authorization"], "Bearer fake-token-1");
    assert!(!post.query.contains_key("access_token"));

    stub.script(LIST, [hooks(&[hook("w1", url, "active", &all)])]);
    let before = stub.calls().len();
    client
        .register_webhook(&call(), url, Some(&"01999f51-fake".into()))
        .await
        .unwrap();
    assert_eq!(
        stub.calls().len(),
        before + 1,
        "what is right is left alone"
    );

    stub.script(
        LIST,
        [hooks(&[hook(
            "w1",
            url,
            "inactive",
            &json!(["workorder.created"]),
        )])],
    );
    stub.script(
        "PUT /api/v1/webhooks/w1",
        [one(hook("w1", url, "active", &all))],
    );
    let mended = client.register_webhook(&call(), url, None).await.unwrap();
    assert!(mended.has_all_events());
    let put = stub.seen().pop().unwrap();
    assert_eq!(put.body["status"], "active");
    assert_eq!(put.body["events"].as_array().unwrap().len(), 33);

    let gone = "DELETE /api/v1/webhooks/w1";
    stub.script(
        gone,
        [
            one(hook("w1", url, "active", &all)),
            Answer::new(404, json!({})),
        ],
    );
    client.remove_webhook(&call(), "w1").await.unwrap();
    client.remove_webhook(&call(), "w1").await.unwrap();
}

#[tokio::test]
async fn errors_of_the_webhooks_api_are_read() {
    let stub = Stub::start().await;
    let body = json!({"metadata": {"timestamp": "x", "path": "/"}, "errors": [{"code": 400, "message": "page is wrong"}], "result": {}});
    stub.script("GET /api/v1/webhooks", [Answer::new(400, body)]);
    let failure = stub.client().webhooks(&call()).await.unwrap_err();
    assert!(failure.cause.contains("page is wrong"), "{failure}");
}

#[tokio::test]
async fn the_catalogue_has_the_companys_fields_and_choices() {
    let stub = Stub::start().await;
    let kinds = json!({"results": [{"id": 62, "name": "Cabling", "industry": "IT"}], "metadata": {"pages": 1}});
    stub.script("GET /types-of-work", [Answer::new(200, kinds)]);
    stub.script(
        "GET /company/managers",
        [Answer::new(403, json!({"message": "no"}))],
    );
    let catalogue = stub.client().discover(&Call::default()).await.unwrap();
    let kind = catalogue.field("types_of_work[0].id").unwrap();
    assert_eq!(
        (
            kind.picklist[0].value.as_str(),
            kind.picklist[0].label.as_str()
        ),
        ("62", "Cabling")
    );
    assert!(
        catalogue.field("manager.id").unwrap().picklist.is_empty(),
        "what we may not read takes any value"
    );
    assert!(
        !catalogue
            .field("custom_fields[\"Site #\"]")
            .unwrap()
            .read_only
    );
    assert!(
        catalogue
            .field("custom_fields[\"Ticket #\"]")
            .unwrap()
            .read_only,
        "the link is not for rules"
    );
}
