//! The stand-in, driven over HTTP as the vendor's documents say, never by our own adapter.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use fieldbridge::model::{ManualClock, TokioClock};
use fieldbridge::sandbox::{
    Deed, Deliveries, Doer, Editor, Fault, FaultKind, MessageFormat, MessageVisibility, MissingKey,
    Quickbase, QuickbaseSettings, RateLimit, RowEvent, TableRight, TableWebhook, Thing,
};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::sandbox_support::{Subscriber, client};
use super::scene::{DOCUMENTS, JOBS, MESSAGES};

struct Bench {
    quickbase: Quickbase,
    http: reqwest::Client,
}

impl Bench {
    async fn start(settings: QuickbaseSettings) -> Self {
        let clock = Arc::new(TokioClock::start());
        Self {
            quickbase: Quickbase::start(settings, clock, 1).await.unwrap(),
            http: client(),
        }
    }

    async fn plain() -> Self {
        Self::start(QuickbaseSettings::default()).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.quickbase.rest_url());
        self.http
            .request(method, url)
            .header("QB-Realm-Hostname", self.quickbase.realm())
            .header(
                "Authorization",
                format!("QB-USER-TOKEN {}", self.quickbase.user_token()),
            )
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::POST, path).json(body);
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// Writes rows of values by field id.
    async fn upsert(&self, body: Value) -> (StatusCode, Value) {
        let response = self.post("/records", &body).await;
        (response.status(), response.json().await.unwrap())
    }

    async fn query(&self, body: Value) -> Value {
        let response = self.post("/records/query", &body).await;
        assert_eq!(response.status(), StatusCode::OK, "{body}");
        response.json().await.unwrap()
    }

    async fn settled(&self) {
        while self.quickbase.deliveries_under_way() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

fn row(values: &Value) -> Value {
    let cells = values.as_object().unwrap().iter();
    let cells = cells.map(|(field, value)| (field.clone(), json!({"value": value})));
    Value::Object(cells.collect())
}

async fn refused(response: Response, status: StatusCode) -> Value {
    assert_eq!(response.status(), status);
    assert!(response.headers().contains_key("qb-api-ray"));
    response.json().await.unwrap()
}

#[tokio::test]
async fn realm_and_token_stand_on_every_call() {
    let bench = Bench::plain().await;
    let url = format!("{}/apps/bfbapp001", bench.quickbase.rest_url());
    let token = format!("QB-USER-TOKEN {}", bench.quickbase.user_token());
    let send = async |realm: Option<&str>, token: &str| {
        let mut request = bench.http.get(&url).header("Authorization", token);
        if let Some(realm) = realm {
            request = request.header("QB-Realm-Hostname", realm);
        }
        request.send().await.unwrap()
    };
    let realm = Some(bench.quickbase.realm());
    refused(send(None, &token).await, StatusCode::BAD_REQUEST).await;
    refused(
        send(Some("other.quickbase.com"), &token).await,
        StatusCode::UNAUTHORIZED,
    )
    .await;
    let body = refused(
        send(realm, "QB-USER-TOKEN guess").await,
        StatusCode::UNAUTHORIZED,
    )
    .await;
    assert_eq!(
        body,
        json!({"message": "Access denied", "description": "User token is invalid or expired"})
    );
    refused(send(realm, "Bearer x").await, StatusCode::UNAUTHORIZED).await;
    assert_eq!(send(realm, &token).await.status(), StatusCode::OK);
    bench.quickbase.unassign_token();
    let body = refused(send(realm, &token).await, StatusCode::FORBIDDEN).await;
    assert!(
        body["description"]
            .as_str()
            .unwrap()
            .contains("not assigned")
    );
}

#[tokio::test]
async fn the_app_tells_of_its_tables_and_fields() {
    let bench = Bench::plain().await;
    assert_eq!(bench.get("/apps/bfbapp001").await["name"], "Field Service");
    let tables = bench.get("/tables?appId=bfbapp001").await;
    assert_eq!(tables.as_array().unwrap().len(), 4);
    assert_eq!(
        bench.get("/tables/bfbjobs01?appId=bfbapp001").await["keyFieldId"],
        3
    );
    let fields = bench
        .get("/fields?tableId=bfbjobs01&includeFieldPerms=true")
        .await;
    let field = |id: u64| {
        let mut fields = fields.as_array().unwrap().iter();
        fields.find(|field| field["id"] == id).unwrap().clone()
    };
    assert_eq!(field(3)["properties"]["primaryKey"], true);
    assert_eq!(field(18)["unique"], true);
    assert_eq!(field(27)["mode"], "formula");
    assert_eq!(
        field(11)["properties"]["choices"][1],
        bench.quickbase.trigger_status()
    );
    assert_eq!(field(6)["permissions"][0]["permissionType"], "Modify");
    let related = bench.get("/tables/bfbmsgs01/relationships").await;
    assert_eq!(related["relationships"][0]["parentTableId"], JOBS);
    let user = bench
        .post("/formula/run", &json!({"from": JOBS, "formula": "User()"}))
        .await;
    assert_eq!(
        user.json::<Value>().await.unwrap()["result"],
        "58710001.ab1s"
    );
    for path in ["/apps/other", "/fields?tableId=other", "/nothing"] {
        let response = bench.request(Method::GET, path).send().await.unwrap();
        refused(response, StatusCode::NOT_FOUND).await;
    }
    let response = bench.request(Method::GET, "/fields").send().await.unwrap();
    refused(response, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn one_call_adds_changes_and_merges() {
    let bench = Bench::plain().await;
    let body = json!({"to": JOBS, "data": [row(&json!({"6": "A", "18": "FN-1"})), row(&json!({"6": "B"}))],
        "fieldsToReturn": [6]});
    let (status, answer) = bench.upsert(body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["metadata"]["createdRecordIds"], json!([1, 2]));
    assert_eq!(
        answer["data"][1],
        json!({"3": {"value": 2}, "6": {"value": "B"}})
    );
    let by_key = json!({"to": JOBS, "data": [row(&json!({"3": 2, "6": "B2"}))]});
    let (_, answer) = bench.upsert(by_key.clone()).await;
    assert_eq!(answer["metadata"]["updatedRecordIds"], json!([2]));
    assert_eq!(answer["data"], json!([]));
    let (_, answer) = bench.upsert(by_key).await;
    assert_eq!(answer["metadata"]["unchangedRecordIds"], json!([2]));
    let merged =
        json!({"to": JOBS, "data": [row(&json!({"18": "FN-1", "6": "A2"}))], "mergeFieldId": 18});
    let (_, answer) = bench.upsert(merged).await;
    assert_eq!(answer["metadata"]["updatedRecordIds"], json!([1]));
    assert_eq!(bench.quickbase.title(1).as_deref(), Some("A2"));
    let marked = bench.quickbase.jobs_by_work_order();
    assert_eq!(marked["FN-1"], [1]);
    let made = bench
        .quickbase
        .journal()
        .count(Deed::Created, Thing::Ticket, Doer::Api);
    assert_eq!(made, 2);
}

#[tokio::test]
async fn rows_that_fail_are_told_by_their_number() {
    let bench = Bench::plain().await;
    let body = json!({"to": JOBS, "data": [
        row(&json!({"6": "good"})),
        row(&json!({"6": 5})),
        row(&json!({"7": "no title"})),
        row(&json!({"6": "x", "2": "2026-01-01T00:00:00Z", "27": 1, "11": "Unheard of", "99": 1})),
    ]});
    let (status, answer) = bench.upsert(body).await;
    assert_eq!(status, StatusCode::MULTI_STATUS);
    let metadata = &answer["metadata"];
    assert_eq!(metadata["createdRecordIds"], json!([1]));
    assert_eq!(metadata["totalNumberOfRecordsProcessed"], 4);
    let errors = &metadata["lineErrors"];
    assert_eq!(
        errors["2"][0],
        "Incompatible value for field with ID \"6\"."
    );
    assert_eq!(
        errors["3"],
        json!(["Field 6 is required and cannot be empty"])
    );
    assert_eq!(errors["4"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_as_a_whole() {
    let bench = Bench::plain().await;
    let bad = async |body: Value| {
        let response = bench.post("/records", &body).await;
        refused(response, StatusCode::BAD_REQUEST).await
    };
    let body = bad(json!({"to": JOBS, "data": []})).await;
    assert_eq!(
        body,
        json!({"message": "Bad request", "description": "Data object cannot be empty."})
    );
    bad(json!({"data": [row(&json!({"6": "x"}))]})).await;
    let merge = json!({"to": JOBS, "data": [row(&json!({"6": "x"}))], "mergeFieldId": 6});
    assert_eq!(bad(merge).await["errors"][0]["field"], "mergeFieldId");
    let response = bench
        .post("/records/query", &json!({"from": JOBS, "select": [999]}))
        .await;
    let body = refused(response, StatusCode::BAD_REQUEST).await;
    assert_eq!(
        body["errors"][0],
        json!({"field": "select", "message": "Field 999 does not exist in table bfbjobs01"})
    );
    let broken = json!({"from": JOBS, "where": "{6.EX.'it's'}"});
    let response = bench.post("/records/query", &broken).await;
    refused(response, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn a_missing_record_is_refused_or_made_as_set() {
    let bench = Bench::plain().await;
    let body = json!({"to": JOBS, "data": [row(&json!({"3": 77, "6": "stray"}))]});
    assert_eq!(bench.upsert(body.clone()).await.0, StatusCode::MULTI_STATUS);
    let settings = QuickbaseSettings {
        missing_key: MissingKey::Inserts,
        ..QuickbaseSettings::default()
    };
    let bench = Bench::start(settings).await;
    let (_, answer) = bench.upsert(body).await;
    assert_eq!(answer["metadata"]["createdRecordIds"], json!([77]));
}

#[tokio::test]
async fn the_server_gives_as_many_rows_as_it_likes() {
    let settings = QuickbaseSettings {
        rows_per_page: 2,
        ..QuickbaseSettings::default()
    };
    let bench = Bench::start(settings).await;
    for title in ["c", "a", "b"] {
        bench.quickbase.open_job(&json!({"6": title})).unwrap();
    }
    let sorted = |skip: u64| {
        json!({"from": JOBS, "select": [3, 6], "where": "{3.GT.0}",
            "sortBy": [{"fieldId": 6, "order": "ASC"}], "options": {"skip": skip, "top": 100}})
    };
    let first = bench.query(sorted(0)).await;
    assert_eq!(first["data"].as_array().unwrap().len(), 2);
    assert_eq!(first["data"][0]["6"]["value"], "a");
    assert_eq!(first["metadata"]["totalRecords"], 3);
    assert_eq!(first["metadata"]["numRecords"], 2);
    assert_eq!(
        first["fields"][1],
        json!({"id": 6, "label": "Title", "type": "text"})
    );
    let second = bench.query(sorted(2)).await;
    assert_eq!(second["data"][0]["6"]["value"], "c");
    let none = bench
        .query(json!({"from": JOBS, "where": "{6.EX.'zzz'}"}))
        .await;
    assert_eq!(
        (&none["data"], &none["metadata"]["totalRecords"]),
        (&json!([]), &json!(0))
    );
}

#[tokio::test]
async fn a_file_is_base64_both_ways_and_keeps_its_versions() {
    let bench = Bench::plain().await;
    let job = bench.quickbase.open_job(&json!({"6": "x"})).unwrap();
    let upload = |id: Option<u64>, data: &str| {
        let mut values = json!({"6": {"fileName": "a.pdf", "data": data}, "7": job});
        if let Some(id) = id {
            values["3"] = json!(id);
        }
        json!({"to": DOCUMENTS, "data": [row(&values)], "fieldsToReturn": [6]})
    };
    let (status, _) = bench.upsert(upload(None, "aGVs\nbG8=")).await;
    assert_eq!(
        status,
        StatusCode::MULTI_STATUS,
        "line breaks make it no base64"
    );
    let (_, answer) = bench.upsert(upload(None, "aGVsbG8=")).await;
    let file = &answer["data"][0]["6"]["value"];
    assert_eq!(file["url"], "/files/bfbdocs01/1/6/1");
    assert_eq!(
        file["versions"][0]["creator"]["email"],
        "integration@example.com"
    );
    let (_, answer) = bench.upsert(upload(Some(1), "d29ybGQ=")).await;
    assert_eq!(
        answer["data"][0]["6"]["value"]["versions"][1]["versionNumber"],
        2
    );
    let path = "/files/bfbdocs01/1/6/1";
    let response = bench.request(Method::GET, path).send().await.unwrap();
    let name = response.headers()["content-disposition"].to_str().unwrap();
    assert!(name.contains("a.pdf"));
    assert_eq!(response.text().await.unwrap(), "aGVsbG8=");
    let response = bench
        .request(Method::GET, "/files/bfbdocs01/1/6/9")
        .send()
        .await;
    refused(response.unwrap(), StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn derived_and_append_only_fields_follow_their_own_ways() {
    let bench = Bench::plain().await;
    let job = bench.quickbase.open_job(&json!({"6": "Router"})).unwrap();
    let public = MessageVisibility::Public;
    let message = bench.quickbase.add_message(job, "hello", public).unwrap();
    assert_eq!(bench.quickbase.job(job).unwrap()["28"], 1);
    assert_eq!(
        bench.quickbase.row(MESSAGES, message).unwrap()["9"],
        "Router"
    );
    for text in ["first", "second"] {
        bench
            .quickbase
            .change_job(job, &json!({"20": text}))
            .unwrap();
    }
    let log = bench.quickbase.job(job).unwrap()["20"]
        .as_str()
        .unwrap()
        .to_owned();
    let (second, first) = (log.find("second").unwrap(), log.find("first").unwrap());
    assert!(second < first && log.starts_with('['), "{log}");
    assert!(bench.quickbase.change_job(99, &json!({"6": "x"})).is_err());
}

#[tokio::test]
async fn rights_locks_and_deletion() {
    let bench = Bench::plain().await;
    bench.quickbase.open_job(&json!({"6": "x"})).unwrap();
    bench.quickbase.lock_for(1);
    let write = json!({"to": JOBS, "data": [row(&json!({"6": "y"}))]});
    let response = bench.post("/records", &write).await;
    refused(response, StatusCode::LOCKED).await;
    assert_eq!(bench.upsert(write.clone()).await.0, StatusCode::OK);
    let remove = json!({"from": JOBS, "where": "{3.EX.1}"});
    let response = bench.request(Method::DELETE, "/records").json(&remove);
    let answer: Value = response.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer, json!({"numberDeleted": 1}));
    bench.quickbase.refuse(JOBS, TableRight::Modify);
    let body = refused(bench.post("/records", &write).await, StatusCode::FORBIDDEN).await;
    assert_eq!(
        body["description"],
        "Not enough rights to execute this request."
    );
    bench.quickbase.refuse(JOBS, TableRight::View);
    let response = bench.post("/records/query", &json!({"from": JOBS})).await;
    refused(response, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn a_hundred_calls_in_ten_seconds() {
    let settings = QuickbaseSettings {
        rate_limit: Some(RateLimit::per_minute(600)),
        ..QuickbaseSettings::default()
    };
    let clock = Arc::new(ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap()));
    let bench = Bench {
        quickbase: Quickbase::start(settings, clock.clone(), 1).await.unwrap(),
        http: client(),
    };
    for _ in 0..100 {
        bench.get("/apps/bfbapp001").await;
    }
    clock.advance(Duration::from_secs(4));
    let response = bench
        .request(Method::GET, "/apps/bfbapp001")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["retry-after"], "6");
    refused(response, StatusCode::TOO_MANY_REQUESTS).await;
    clock.advance(Duration::from_secs(6));
    bench.get("/apps/bfbapp001").await;
}

#[tokio::test]
async fn trouble_strikes_in_the_vendors_words() {
    let bench = Bench::plain().await;
    for (kind, status) in [
        (FaultKind::Unauthorized, StatusCode::UNAUTHORIZED),
        (
            FaultKind::ServerError { status: 502 },
            StatusCode::BAD_GATEWAY,
        ),
        (
            FaultKind::RateLimited {
                retry_after_seconds: 7,
            },
            StatusCode::TOO_MANY_REQUESTS,
        ),
    ] {
        bench.quickbase.faults().push(Fault::once(kind));
        let response = bench
            .request(Method::GET, "/apps/bfbapp001")
            .send()
            .await
            .unwrap();
        let body = refused(response, status).await;
        assert!(body["message"].is_string());
    }
    bench
        .quickbase
        .faults()
        .push(Fault::once(FaultKind::LostResponse));
    let write = json!({"to": JOBS, "data": [row(&json!({"6": "lost"}))]});
    let request = bench.request(Method::POST, "/records").json(&write);
    assert!(request.send().await.is_err());
    assert_eq!(bench.quickbase.title(1).as_deref(), Some("lost"));
}

#[tokio::test]
async fn a_webhook_sends_what_was_typed_and_nothing_else() {
    let bench = Bench::plain().await;
    let mut subscriber = Subscriber::answering(&[]).await;
    bench
        .quickbase
        .set_webhooks(vec![TableWebhook::new(&subscriber.url)]);
    let job = bench.quickbase.open_job(&json!({"6": "x"})).unwrap();
    let bare = subscriber.next().await;
    assert_eq!(
        (bare.body.len(), bare.header("content-type")),
        (0, "application/xml")
    );
    let template =
        r#"{"record_id":"[Record ID#]","table_id":"%dbid%","action":"%action%","title":"[Title]"}"#;
    let mut webhook =
        TableWebhook::new(&subscriber.url).with_message(MessageFormat::Json, template);
    webhook.headers = vec![("X-Fieldbridge-Secret".into(), "not-a-real-secret".into())];
    bench.quickbase.set_webhooks(vec![webhook]);
    bench
        .quickbase
        .change_job(job, &json!({"6": "plain"}))
        .unwrap();
    let received = subscriber.next().await;
    assert_eq!(
        received.json(),
        json!({"record_id": "1", "table_id": JOBS, "action": "Replace", "title": "plain"})
    );
    assert_eq!(received.header("x-fieldbridge-secret"), "not-a-real-secret");
    bench
        .quickbase
        .change_job(job, &json!({"6": "the \"new\" router"}))
        .unwrap();
    let broken = subscriber.next().await;
    assert!(serde_json::from_slice::<Value>(&broken.body).is_err());
}

#[tokio::test]
async fn a_webhook_repeats_for_each_record_and_listens_as_set() {
    let bench = Bench::plain().await;
    let mut subscriber = Subscriber::answering(&[]).await;
    let template = r#"{"records":[%RepeatOn%{"record_id":"[Record ID#]"},%RepeatOff%]}"#;
    let jobs: Vec<u64> = ["a", "b"]
        .map(|title| bench.quickbase.open_job(&json!({"6": title})).unwrap())
        .to_vec();
    let webhook = TableWebhook {
        events: vec![RowEvent::Modified, RowEvent::Deleted],
        editor: Editor::ExceptTokenUser,
        ..TableWebhook::new(&subscriber.url).with_message(MessageFormat::Raw, template)
    };
    bench.quickbase.set_webhooks(vec![webhook]);
    bench.quickbase.open_job(&json!({"6": "added"})).unwrap();
    let by_api = json!({"to": JOBS, "data": [row(&json!({"3": 1, "6": "by us"}))]});
    bench.upsert(by_api).await;
    bench
        .quickbase
        .change_jobs(&jobs, &json!({"6": "both"}))
        .unwrap();
    let received = subscriber.next().await;
    assert_eq!(
        received.body,
        br#"{"records":[{"record_id":"1"},{"record_id":"2"},]}"#
    );
    assert!(bench.quickbase.delete_job(2));
    let received = subscriber.next().await;
    assert_eq!(received.body, br#"{"records":[{"record_id":"2"},]}"#);
    bench.settled().await;
    assert_eq!(
        subscriber.waiting(),
        0,
        "neither additions nor our own changes"
    );
}

#[tokio::test]
async fn a_webhook_that_fails_is_not_sent_again() {
    let bench = Bench::plain().await;
    let mut subscriber = Subscriber::answering(&[503]).await;
    bench
        .quickbase
        .set_webhooks(vec![TableWebhook::new(&subscriber.url)]);
    bench.quickbase.open_job(&json!({"6": "x"})).unwrap();
    subscriber.next().await;
    bench.settled().await;
    assert_eq!(subscriber.waiting(), 0);
    let given_up = bench
        .quickbase
        .journal()
        .count(Deed::Removed, Thing::Delivery, Doer::System);
    assert_eq!(given_up, 1);
    let off = QuickbaseSettings {
        deliveries: Deliveries::Off,
        ..QuickbaseSettings::default()
    };
    let bench = Bench::start(off).await;
    bench
        .quickbase
        .set_webhooks(vec![TableWebhook::new(&subscriber.url)]);
    bench.quickbase.open_job(&json!({"6": "x"})).unwrap();
    assert_eq!(bench.quickbase.deliveries_under_way(), 0);
}
