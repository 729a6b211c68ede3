//! The stand-in for ConnectWise, driven over HTTP as the vendor's documents say, never by our own adapter.

mod sandbox_support;

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fieldbridge::model::{ManualClock, TokioClock};
use fieldbridge::sandbox::{
    ConnectWise, ConnectWiseSettings, Deliveries, Fault, FaultKind, NotePlacement, RateLimit,
    SigningKeyForm, WrongKeys,
};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{RequestBuilder, Response, StatusCode};
use sandbox_support::{Received, Subscriber, client};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

struct Bench {
    connectwise: ConnectWise,
    http: reqwest::Client,
}

impl Bench {
    async fn start(settings: ConnectWiseSettings) -> Self {
        let clock = Arc::new(TokioClock::start());
        Self {
            connectwise: ConnectWise::start(settings, clock, 1).await.unwrap(),
            http: client(),
        }
    }

    async fn plain() -> Self {
        Self::start(ConnectWiseSettings::default()).await
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        let credentials = self.connectwise.credentials();
        let user = format!("{}+{}", credentials.company_id, credentials.public_key);
        request
            .basic_auth(user, Some(&credentials.private_key))
            .header("clientId", &credentials.client_id)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.connectwise.rest_url());
        self.authorized(self.http.request(method, url))
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// A list by conditions, fields and the like.
    async fn list(&self, path: &str, query: &[(&str, &str)]) -> Response {
        self.request(Method::GET, path)
            .query(query)
            .send()
            .await
            .unwrap()
    }

    async fn ids(&self, conditions: &str) -> Vec<u64> {
        let answer = self
            .list("/service/tickets", &[("conditions", conditions)])
            .await;
        assert_eq!(answer.status(), StatusCode::OK, "{conditions}");
        let found: Vec<Value> = answer.json().await.unwrap();
        found
            .iter()
            .map(|ticket| ticket["id"].as_u64().unwrap())
            .collect()
    }

    async fn create(&self, summary: &str, more: &Value) -> u64 {
        let mut body = json!({"summary": summary, "company": {"identifier": "Harborlight"}});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let response = self.send(Method::POST, "/service/tickets", &body).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let created: Value = response.json().await.unwrap();
        created["id"].as_u64().unwrap()
    }

    async fn replace(&self, ticket: u64, path: &str, value: Value) -> Response {
        let operations = json!([{"op": "replace", "path": path, "value": value}]);
        self.send(
            Method::PATCH,
            &format!("/service/tickets/{ticket}"),
            &operations,
        )
        .await
    }
}

async fn refused(response: Response, status: u16) -> Value {
    assert_eq!(response.status().as_u16(), status);
    response.json().await.unwrap()
}

fn fast() -> ConnectWiseSettings {
    ConnectWiseSettings {
        deliveries: Deliveries::Paced(0.001),
        ..ConnectWiseSettings::default()
    }
}

#[tokio::test]
async fn companyinfo_tells_the_codebase_without_keys() {
    let bench = Bench::plain().await;
    let at = |company: &str| {
        format!(
            "{}/login/companyinfo/{company}",
            bench.connectwise.base_url()
        )
    };
    let info: Value = bench
        .http
        .get(at("sandboxmsp"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(info["Codebase"], "v2024_1/");
    let unknown = bench.http.get(at("nobody")).send().await.unwrap();
    assert_eq!(unknown.text().await.unwrap(), "null");
    let real = format!(
        "{}/v2024_1/apis/3.0/system/info",
        bench.connectwise.base_url()
    );
    let answer = bench.authorized(bench.http.get(real)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["api-current-version"], "v2024.1");
}

#[tokio::test]
async fn keys_and_client_id_are_both_needed() {
    let bench = Bench::plain().await;
    let url = format!("{}/system/info", bench.connectwise.rest_url());
    let nothing = refused(bench.http.get(&url).send().await.unwrap(), 401).await;
    assert_eq!(nothing["code"], "Unauthorized");
    let credentials = bench.connectwise.credentials();
    let user = format!("{}+{}", credentials.company_id, credentials.public_key);
    let keyed = bench
        .http
        .get(&url)
        .basic_auth(&user, Some(&credentials.private_key));
    assert_eq!(
        keyed.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let wrong = bench.http.get(&url).basic_auth(&user, Some("guess"));
    let wrong = wrong.header("clientId", &credentials.client_id);
    assert_eq!(
        wrong.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn wrong_keys_can_look_like_a_missing_page() {
    let bench = Bench::start(ConnectWiseSettings {
        wrong_keys: WrongKeys::NotFoundOnAlias,
        ..ConnectWiseSettings::default()
    })
    .await;
    let alias = format!("{}/service/tickets", bench.connectwise.rest_url());
    assert_eq!(
        bench.http.get(alias).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
    let real = format!(
        "{}/v2024_1/apis/3.0/service/tickets",
        bench.connectwise.base_url()
    );
    assert_eq!(
        bench.http.get(real).send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_ticket_is_created_with_its_notes_apart() {
    let bench = Bench::plain().await;
    let more = json!({"initialDescription": "Screen is dark.", "site": {"id": 29}, "externalXRef": "fb-1"});
    let id = bench.create("Replace switch", &more).await;
    let ticket = bench.get(&format!("/service/tickets/{id}")).await;
    assert!(ticket.get("initialDescription").is_none());
    assert_eq!(ticket["status"]["name"], "New");
    assert_eq!(ticket["board"]["name"], "Field Services");
    assert_eq!(
        (ticket["city"].as_str(), ticket["stateIdentifier"].as_str()),
        (Some("Columbus"), Some("OH"))
    );
    assert_eq!(ticket["company"]["identifier"], "Harborlight");
    assert!(
        ticket["_info"]["lastUpdated"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    let notes = bench.get(&format!("/service/tickets/{id}/notes")).await;
    assert_eq!(notes[0]["text"], "Screen is dark.");
    assert_eq!(notes[0]["detailDescriptionFlag"], true);
    assert_eq!(bench.connectwise.tickets_by_external_x_ref()["fb-1"], [id]);
}

#[tokio::test]
async fn invalid_tickets_are_refused_with_their_faults() {
    let bench = Bench::plain().await;
    let cases = [
        (json!({"company": {"id": 20}}), "summary"),
        (json!({"summary": "x"}), "company"),
        (
            json!({"summary": "x".repeat(101), "company": {"id": 20}}),
            "summary",
        ),
        (json!({"summary": "x", "company": {"id": 777}}), "company"),
        (
            json!({"summary": "x", "company": {"id": 20}, "status": {"id": 201}}),
            "status",
        ),
        (
            json!({"summary": "x", "company": {"id": 20}, "severity": "Terrible"}),
            "severity",
        ),
        (
            json!({"summary": "x", "company": {"id": 20}, "requiredDate": "tomorrow"}),
            "requiredDate",
        ),
    ];
    for (body, field) in cases {
        let response = bench.send(Method::POST, "/service/tickets", &body).await;
        let error = refused(response, 400).await;
        assert_eq!(error["code"], "InvalidObject", "{body}");
        assert_eq!(error["message"], "ticket object is invalid");
        assert_eq!(error["errors"][0]["field"], field);
    }
    assert_eq!(bench.connectwise.ticket_ids().len(), 1, "only the template");
}

#[tokio::test]
async fn a_patch_is_an_array_and_sub_paths_lie() {
    let bench = Bench::plain().await;
    let id = bench.create("Patch me", &json!({})).await;
    let path = format!("/service/tickets/{id}");
    let object = bench
        .send(
            Method::PATCH,
            &path,
            &json!({"op": "replace", "path": "summary", "value": "x"}),
        )
        .await;
    assert_eq!(refused(object, 400).await["code"], "InvalidObject");
    let patched = bench
        .replace(id, "status", json!({"name": "Dispatch to FN"}))
        .await;
    assert_eq!(patched.status(), StatusCode::OK);
    let patched: Value = patched.json().await.unwrap();
    assert_eq!(patched["status"]["id"], 102);
    let lie = bench.replace(id, "status/id", json!(103)).await;
    assert_eq!(lie.status(), StatusCode::OK);
    let lie: Value = lie.json().await.unwrap();
    assert_eq!(lie["status"]["id"], 102, "200, and nothing changed");
    let foreign = refused(bench.replace(id, "status", json!({"id": 201})).await, 400).await;
    assert_eq!(foreign["errors"][0]["field"], "status");
    let unknown = refused(
        bench.replace(id, "Summary", json!("case matters")).await,
        400,
    )
    .await;
    assert_eq!(unknown["errors"][0]["field"], "Summary");
    let moved = json!([
        {"op": "replace", "path": "status", "value": {"id": 202}},
        {"op": "replace", "path": "/board", "value": {"id": 2}},
    ]);
    let moved: Value = bench
        .send(Method::PATCH, &path, &moved)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        (
            moved["board"]["id"].as_u64(),
            moved["status"]["id"].as_u64()
        ),
        (Some(2), Some(202))
    );
    let closed: Value = bench
        .replace(id, "status", json!({"name": ">Closed"}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(closed["closedFlag"], true);
}

#[tokio::test]
async fn custom_fields_are_replaced_as_a_whole() {
    let bench = Bench::plain().await;
    let fields = json!([{"id": 1, "value": "HB-0101"}, {"id": 5, "value": 250}]);
    let id = bench
        .create("Fields", &json!({"customFields": fields}))
        .await;
    let only_one = json!([{"id": 2, "caption": "FN Work Order", "value": "10001"}]);
    let patched: Value = bench
        .replace(id, "customFields", only_one)
        .await
        .json()
        .await
        .unwrap();
    let value = |caption: &str| {
        let fields = patched["customFields"].as_array().unwrap();
        let field = fields
            .iter()
            .find(|field| field["caption"] == caption)
            .unwrap();
        field.get("value").cloned()
    };
    assert_eq!(value("FN Work Order"), Some(json!("10001")));
    assert_eq!(value("Site code"), None, "what was not sent is blank now");
    let wrong_kind = bench
        .replace(id, "customFields", json!([{"id": 4, "value": "yes"}]))
        .await;
    assert_eq!(
        refused(wrong_kind, 400).await["errors"][0]["field"],
        "customFields"
    );
}

#[tokio::test]
async fn notes_need_a_placement() {
    let bench = Bench::plain().await;
    let id = bench.create("Notes", &json!({})).await;
    let path = format!("/service/tickets/{id}/notes");
    let homeless = bench
        .send(Method::POST, &path, &json!({"text": "where to?"}))
        .await;
    let homeless = refused(homeless, 400).await;
    assert_eq!(homeless["message"], "serviceNote object is invalid");
    assert!(
        homeless["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("choose where to display")
    );
    let note = json!({"text": "Internal remark", "internalAnalysisFlag": true});
    let note = bench.send(Method::POST, &path, &note).await;
    assert_eq!(note.status(), StatusCode::CREATED);
    let note: Value = note.json().await.unwrap();
    assert_eq!(
        (
            note["internalFlag"].as_bool(),
            note["externalFlag"].as_bool()
        ),
        (Some(true), Some(false))
    );
}

#[tokio::test]
async fn conditions_find_and_unknown_names_are_refused() {
    let bench = Bench::plain().await;
    let id = bench
        .create("Find me", &json!({"externalXRef": "FN-123"}))
        .await;
    let other = bench.create("Other", &json!({"board": {"id": 2}})).await;
    assert_eq!(bench.ids(r#"externalXRef="FN-123""#).await, [id]);
    assert_eq!(
        bench
            .ids(r#"board/name="Help Desk" and status/name="New""#)
            .await,
        [other]
    );
    assert_eq!(
        bench.ids(&format!("id in ({id},{other},9)")).await,
        [id, other]
    );
    assert!(
        bench
            .ids("lastUpdated > [2099-01-01T00:00:00Z]")
            .await
            .is_empty()
    );
    let recent = bench
        .ids("lastUpdated > [2020-01-01T00:00:00Z] and summary like \"Find%\"")
        .await;
    assert_eq!(recent, [id]);
    let answer = bench
        .list(
            "/service/tickets",
            &[("conditions", "resources/identifier = \"x\"")],
        )
        .await;
    let expected = json!({"code": "ApiFindCondition", "message": "resources/identifier is not a recognized name."});
    assert_eq!(refused(answer, 400).await, expected);
    let by_custom_field = [(
        "customFieldConditions",
        r#"caption="Site code" AND value = "HB-0101""#,
    )];
    let found: Value = bench
        .list("/service/tickets", &by_custom_field)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(found[0]["id"], bench.connectwise.template_ticket());
    let search = json!({"conditions": format!("id = {id}")});
    let found: Value = bench
        .send(Method::POST, "/service/tickets/search", &search)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(found[0]["id"], id);
    let cleared = bench.replace(id, "externalXRef", Value::Null).await;
    assert_eq!(cleared.status(), StatusCode::OK);
    assert!(bench.ids(r#"externalXRef="FN-123""#).await.is_empty());
}

#[tokio::test]
async fn pages_link_to_their_neighbours() {
    let bench = Bench::plain().await;
    for number in 0..4 {
        bench.create(&format!("Page {number}"), &json!({})).await;
    }
    let query = [
        ("pageSize", "2"),
        ("page", "2"),
        ("fields", "id,status/name"),
    ];
    let page = bench.list("/service/tickets", &query).await;
    let links = page.headers()["link"].to_str().unwrap().to_owned();
    for relation in ["next", "prev", "first", "last"] {
        assert!(links.contains(&format!("rel=\"{relation}\"")), "{links}");
    }
    assert!(links.contains(bench.connectwise.rest_url()), "{links}");
    let page: Vec<Value> = page.json().await.unwrap();
    assert_eq!(page.len(), 2);
    assert_eq!(page[0]["status"], json!({"name": "New"}));
    assert!(page[0].get("summary").is_none());
    let last = page[1]["id"].as_u64().unwrap().to_string();
    let forward = bench
        .request(Method::GET, "/service/tickets")
        .query(&[("pageSize", "2"), ("pageId", &last)])
        .header("pagination-type", "forward-only")
        .send()
        .await
        .unwrap();
    assert!(
        forward.headers()["link"]
            .to_str()
            .unwrap()
            .contains("pageId=")
    );
    let forward: Vec<Value> = forward.json().await.unwrap();
    assert_eq!(forward.len(), 1, "a short page ends it");
    let descending = bench
        .list(
            "/service/tickets",
            &[("orderBy", "id desc"), ("pageSize", "1")],
        )
        .await;
    let descending: Vec<Value> = descending.json().await.unwrap();
    assert_eq!(descending[0]["summary"], "Page 3");
    let greedy = bench
        .list("/service/tickets", &[("pageSize", "1001")])
        .await;
    assert_eq!(greedy.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_setup_tables_are_there_and_statuses_belong_to_boards() {
    let bench = Bench::plain().await;
    for path in [
        "/service/priorities",
        "/service/sources",
        "/system/members",
        "/schedule/types",
        "/system/userDefinedFields",
        "/company/companies/20/sites",
        "/service/boards/1/types",
        "/time/entries",
        "/procurement/products",
    ] {
        assert!(bench.get(path).await.is_array(), "{path}");
    }
    let named = [("conditions", r#"name="New""#)];
    let statuses: Value = bench
        .list("/service/boards/2/statuses", &named)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(statuses[0]["id"], 201);
    let missing = bench
        .request(Method::GET, "/service/boards/9/statuses")
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn documents_are_real_multipart_and_private_when_told() {
    let bench = Bench::plain().await;
    let id = bench.create("Documents", &json!({})).await;
    let json = bench
        .send(Method::POST, "/system/documents", &json!({"recordId": id}))
        .await;
    assert_eq!(json.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let bytes = vec![137_u8, 80, 78, 71, 13, 10, 26, 10, 0, 255];
    let form = |record: String| {
        let part = reqwest::multipart::Part::bytes(bytes.clone()).file_name("photo.png");
        let part = part.mime_str("image/png").unwrap();
        reqwest::multipart::Form::new()
            .text("recordType", "Ticket")
            .text("recordId", record)
            .text("title", "On site")
            .text("privateFlag", "true")
            .part("file", part)
    };
    let upload = |record: String| {
        bench
            .request(Method::POST, "/system/documents")
            .multipart(form(record))
            .send()
    };
    let lost = upload("4".to_owned()).await.unwrap();
    assert_eq!(refused(lost, 400).await["errors"][0]["field"], "recordId");
    let stored = upload(id.to_string()).await.unwrap();
    assert_eq!(stored.status(), StatusCode::CREATED);
    let stored: Value = stored.json().await.unwrap();
    assert_eq!(
        (stored["publicFlag"].as_bool(), stored["size"].as_u64()),
        (Some(false), Some(10))
    );
    let listed = bench
        .get(&format!(
            "/system/documents?recordType=Ticket&recordId={id}"
        ))
        .await;
    assert_eq!(listed[0]["fileName"], "photo.png");
    let path = format!("/system/documents/{}/download", stored["id"]);
    let down = bench.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(
        down.headers()["content-disposition"],
        "attachment; filename=\"photo.png\""
    );
    assert_eq!(down.bytes().await.unwrap(), bytes);
}

#[tokio::test]
async fn schedule_entries_need_a_type_and_a_free_member() {
    let bench = Bench::plain().await;
    let id = bench.create("Schedule", &json!({})).await;
    let typeless = bench
        .send(Method::POST, "/schedule/entries", &json!({"objectId": id}))
        .await;
    assert_eq!(refused(typeless, 400).await["errors"][0]["field"], "type");
    let mut entry = json!({
        "objectId": id,
        "type": {"identifier": "S"},
        "member": {"identifier": "mdispatch"},
        "dateStart": "2026-07-01T14:00:00Z",
        "dateEnd": "2026-07-01T16:00:00Z",
    });
    let stored = bench.send(Method::POST, "/schedule/entries", &entry).await;
    assert_eq!(stored.status(), StatusCode::CREATED);
    let stored: Value = stored.json().await.unwrap();
    assert_eq!(stored["type"]["id"], 4);
    let busy = bench.send(Method::POST, "/schedule/entries", &entry).await;
    assert_eq!(busy.status(), StatusCode::BAD_REQUEST);
    entry["allowScheduleConflictsFlag"] = json!(true);
    let forced = bench.send(Method::POST, "/schedule/entries", &entry).await;
    assert_eq!(forced.status(), StatusCode::CREATED);
    let conditions = format!("objectId={id} and type/identifier=\"S\"");
    let found = bench
        .list("/schedule/entries", &[("conditions", &conditions)])
        .await;
    assert_eq!(found.json::<Vec<Value>>().await.unwrap().len(), 2);
    let path = format!("/schedule/entries/{}", stored["id"]);
    let done = json!([{"op": "replace", "path": "doneFlag", "value": true}]);
    let done: Value = bench
        .send(Method::PATCH, &path, &done)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(done["doneFlag"], true);
    let deleted = bench.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
}

async fn register(bench: &Bench, url: &str, more: Value) -> Value {
    let mut body = json!({"url": url, "objectId": 1, "type": "ticket", "level": "owner"});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let response = bench.send(Method::POST, "/system/callbacks", &body).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    response.json().await.unwrap()
}

/// The signing key a delivery points at, as the vendor serves it.
async fn signing_key(bench: &Bench, body: &Value) -> String {
    let key_url = body["Metadata"]["key_url"].as_str().unwrap();
    let answer: Value = bench
        .http
        .get(key_url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let key = match &answer {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        _ => answer,
    };
    key["signing_key"].as_str().unwrap().to_owned()
}

async fn assert_signed(bench: &Bench, delivery: &Received) {
    let key = signing_key(bench, &delivery.json()).await;
    let mut mac = Hmac::<Sha256>::new_from_slice(&Sha256::digest(key.as_bytes())).unwrap();
    mac.update(&delivery.body);
    let expected = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(delivery.header("x-content-signature"), expected);
}

#[tokio::test]
async fn a_change_calls_back_signed_with_the_id_appended() {
    for form in [SigningKeyForm::Object, SigningKeyForm::Quoted] {
        let mut subscriber = Subscriber::answering(&[]).await;
        let settings = ConnectWiseSettings {
            signing_key_form: form,
            ..fast()
        };
        let bench = Bench::start(settings).await;
        register(&bench, &format!("{}/hook?t=1", subscriber.url), json!({})).await;
        let id = bench
            .connectwise
            .open_ticket(&json!({"summary": "Hello"}))
            .unwrap();
        let delivery = subscriber.next().await;
        let expected = format!("/hook?t=1&id={id}&action=added");
        assert_eq!(delivery.uri.to_string(), expected);
        let body = delivery.json();
        assert_eq!(
            (body["Action"].as_str(), body["ID"].as_u64()),
            (Some("added"), Some(id))
        );
        assert_eq!(body["MemberId"], "mdispatch");
        let entity: Value = serde_json::from_str(body["Entity"].as_str().unwrap()).unwrap();
        assert_eq!(entity["status"]["name"], "New");
        assert_signed(&bench, &delivery).await;
        let noted = bench
            .connectwise
            .add_note(id, "A note", NotePlacement::Discussion);
        noted.unwrap();
        assert_eq!(subscriber.next().await.json()["Action"], "updated");
        let path = format!("/service/tickets/{id}");
        let deleted = bench.request(Method::DELETE, &path).send().await.unwrap();
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        let gone = subscriber.next().await.json();
        assert_eq!(
            (gone["Action"].as_str(), gone["Entity"].is_null()),
            (Some("deleted"), true)
        );
    }
}

#[tokio::test]
async fn own_changes_can_be_kept_from_calling_back() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let bench = Bench::start(fast()).await;
    register(
        &bench,
        &subscriber.url,
        json!({"isSelfSuppressedFlag": true}),
    )
    .await;
    let id = bench.create("By the API", &json!({})).await;
    bench.connectwise.set_status(id, "Dispatch to FN").unwrap();
    assert_eq!(
        subscriber.next().await.json()["MemberId"],
        "mdispatch",
        "the API's own create is not told"
    );
    let mut other = Subscriber::answering(&[]).await;
    register(&bench, &other.url, json!({})).await;
    let skipping = json!([
        {"op": "replace", "path": "summary", "value": "Quiet"},
        {"op": "replace", "path": "skipCallback", "value": true},
    ]);
    let path = format!("/service/tickets/{id}");
    let quiet: Value = bench
        .send(Method::PATCH, &path, &skipping)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(quiet["summary"], "Quiet");
    assert!(quiet.get("skipCallback").is_none());
    bench.replace(id, "summary", json!("Loud")).await;
    let loud = other.next().await.json();
    let entity: Value = serde_json::from_str(loud["Entity"].as_str().unwrap()).unwrap();
    assert_eq!(entity["summary"], "Loud", "the quiet one was not told");
}

#[tokio::test]
async fn a_callback_on_a_status_fires_on_every_save_in_it() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let bench = Bench::start(fast()).await;
    register(
        &bench,
        &subscriber.url,
        json!({"level": "status", "objectId": 102}),
    )
    .await;
    let id = bench
        .connectwise
        .open_ticket(&json!({"summary": "Statuses"}))
        .unwrap();
    bench
        .connectwise
        .set_status(id, bench.connectwise.trigger_status())
        .unwrap();
    bench
        .connectwise
        .change_ticket(id, &json!({"summary": "Statuses, again"}))
        .unwrap();
    bench.connectwise.set_status(id, "Scheduled").unwrap();
    for _ in 0..2 {
        assert_eq!(subscriber.next().await.json()["ID"], id);
    }
    while bench.connectwise.deliveries_under_way() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(subscriber.waiting(), 0);
}

#[tokio::test]
async fn only_the_vendors_four_statuses_are_tried_again() {
    let mut subscriber = Subscriber::answering(&[429, 404, 409, 503]).await;
    let bench = Bench::start(fast()).await;
    register(&bench, &subscriber.url, json!({})).await;
    let open = |summary: &str| {
        bench
            .connectwise
            .open_ticket(&json!({"summary": summary}))
            .unwrap()
    };
    let first = open("Three tries");
    for _ in 0..3 {
        assert_eq!(subscriber.next().await.json()["ID"], first);
    }
    let settled = async || {
        while bench.connectwise.deliveries_under_way() > 0 {
            tokio::task::yield_now().await;
        }
    };
    settled().await;
    open("One try");
    subscriber.next().await;
    settled().await;
    assert_eq!(subscriber.waiting(), 0, "503 is not tried again");
}

#[tokio::test]
async fn callbacks_are_checked_listed_and_switched_off_after_three_days() {
    let clock = Arc::new(ManualClock::at("2026-06-01T00:00:00Z".parse().unwrap()));
    let settings = ConnectWiseSettings {
        deliveries: Deliveries::REAL,
        ..ConnectWiseSettings::default()
    };
    let bench = Bench {
        connectwise: ConnectWise::start(settings, clock.clone(), 1)
            .await
            .unwrap(),
        http: client(),
    };
    let bad =
        json!({"url": "https://example.com", "objectId": 5, "type": "ticket", "level": "owner"});
    let bad = bench.send(Method::POST, "/system/callbacks", &bad).await;
    assert_eq!(refused(bad, 400).await["errors"][0]["field"], "objectId");
    let mut subscriber = Subscriber::answering(&[500, 500]).await;
    let callback = register(
        &bench,
        &subscriber.url,
        json!({"description": "Fieldbridge"}),
    )
    .await;
    for _ in 0..2 {
        bench
            .connectwise
            .open_ticket(&json!({"summary": "Down"}))
            .unwrap();
        subscriber.next().await;
        while bench.connectwise.deliveries_under_way() > 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(3 * 24 * 3_600));
    }
    let query = [("conditions", r#"url contains "127.0.0.1""#)];
    let listed: Value = bench
        .list("/system/callbacks", &query)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(listed[0]["inactiveFlag"], true);
    let path = format!("/system/callbacks/{}", callback["id"]);
    let wake = json!([{"op": "replace", "path": "inactiveFlag", "value": false}]);
    let awake: Value = bench
        .send(Method::PATCH, &path, &wake)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(awake["inactiveFlag"], false);
    bench
        .connectwise
        .open_ticket(&json!({"summary": "Up"}))
        .unwrap();
    subscriber.next().await;
}

#[tokio::test]
async fn too_many_requests_have_a_shape_of_their_own() {
    let bench = Bench::start(ConnectWiseSettings {
        rate_limit: Some(RateLimit::per_minute(1)),
        ..ConnectWiseSettings::default()
    })
    .await;
    bench.get("/system/info").await;
    let limited = bench
        .request(Method::GET, "/system/info")
        .send()
        .await
        .unwrap();
    let wait = limited.headers()["retry-after"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = refused(limited, 429).await;
    let message = format!("Too many requests. Please try again in {wait} seconds.");
    assert_eq!(body, json!({"error": "ConnectWiseAPI", "message": message}));
}

#[tokio::test]
async fn an_expired_key_lasts_as_long_as_it_is_told_to() {
    let bench = Bench::plain().await;
    bench
        .connectwise
        .faults()
        .push(Fault::times(FaultKind::Unauthorized, 2));
    for _ in 0..2 {
        let answer = bench
            .request(Method::GET, "/system/info")
            .send()
            .await
            .unwrap();
        assert_eq!(refused(answer, 401).await["code"], "Unauthorized");
    }
    bench.get("/system/info").await;
}
