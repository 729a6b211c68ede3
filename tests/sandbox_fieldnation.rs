//! The stand-in for Field Nation, driven over HTTP as the vendor's documents say, never by our own client.

mod sandbox_support;

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use fieldbridge::model::{ManualClock, TokioClock};
use fieldbridge::sandbox::{
    Deed, Deliveries, Doer, ErrorBodies, Fault, FaultKind, FieldNation, FieldNationSettings,
    InlineSchedule, NewFile, RateLimit, Status, Thing,
};
use reqwest::{Response, StatusCode};
use sandbox_support::{Subscriber, client};
use serde_json::{Value, json};

/// A started stand-in and a token for it.
struct Bench {
    field_nation: FieldNation,
    http: reqwest::Client,
    token: String,
}

impl Bench {
    async fn start(settings: FieldNationSettings) -> Self {
        let clock = Arc::new(TokioClock::start());
        let field_nation = FieldNation::start(settings, clock, 1).await.unwrap();
        let http = client();
        let token = token(&field_nation, &http).await;
        Self {
            field_nation,
            http,
            token,
        }
    }

    async fn plain() -> Self {
        Self::start(FieldNationSettings::default()).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.field_nation.rest_url());
        self.http.request(method, url).bearer_auth(&self.token)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    async fn create(&self, body: &Value) -> Value {
        let response = self.send(Method::POST, "/workorders", body).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    async fn create_job(&self) -> u64 {
        self.create(&job("fb-test-1")).await["id"].as_u64().unwrap()
    }

    /// Subscribes through the management API; the webhook's secret.
    async fn subscribe(&self, url: &str, events: &[&str]) -> Value {
        let body = json!({"events": events, "url": url, "method": "post", "status": "active"});
        let response = self.manage(Method::POST, "", &body).await;
        assert_eq!(response.status(), StatusCode::OK);
        let answer: Value = response.json().await.unwrap();
        answer["result"].clone()
    }

    async fn manage(&self, method: Method, path: &str, body: &Value) -> Response {
        let url = format!("{}/api/v1/webhooks{path}", self.field_nation.base_url());
        let request = self.http.request(method, url).bearer_auth(&self.token);
        request.json(body).send().await.unwrap()
    }
}

async fn token(field_nation: &FieldNation, http: &reqwest::Client) -> String {
    let answer = grant(field_nation, http, &password_grant(field_nation)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

fn password_grant(field_nation: &FieldNation) -> Value {
    let credentials = field_nation.credentials();
    json!({
        "grant_type": "password",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "username": credentials.username,
        "password": credentials.password,
    })
}

async fn grant(field_nation: &FieldNation, http: &reqwest::Client, body: &Value) -> Response {
    let url = format!("{}/authentication/api/oauth/token", field_nation.base_url());
    http.post(url).json(body).send().await.unwrap()
}

/// The vendor's minimal sample, with a ticket number.
fn job(ticket: &str) -> Value {
    json!({
        "title": "Quick Start Test Job",
        "description": {"html": "<p>This is a test.</p>"},
        "types_of_work": [{"id": 62, "isPrimary": true}],
        "location": {"mode": "custom", "address1": "123 Test St", "city": "Minneapolis",
            "state": "MN", "zip": "55401", "country": "US"},
        "pay": {"type": "fixed", "base": {"amount": 100, "units": 1}},
        "schedule": {"service_window": {"mode": "exact", "start": {"utc": "2026-07-01 09:00:00"}}},
        "custom_fields": {"results": [{"results": [{"id": 129, "value": ticket}]}]},
    })
}

fn fast() -> FieldNationSettings {
    FieldNationSettings {
        deliveries: Deliveries::Paced(0.001),
        ..FieldNationSettings::default()
    }
}

#[tokio::test]
async fn only_the_password_grant_in_json_gets_a_token() {
    let bench = Bench::plain().await;
    let field_nation = &bench.field_nation;
    let mut wrong = password_grant(field_nation);
    wrong["password"] = json!("guess");
    let refused = grant(field_nation, &bench.http, &wrong).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["status_code"], 401);
    wrong["grant_type"] = json!("client_credentials");
    let refused = grant(field_nation, &bench.http, &wrong).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let url = format!("{}/authentication/api/oauth/token", field_nation.base_url());
    let form = password_grant(field_nation);
    let refused = bench.http.post(url).form(&form).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn tokens_expire_and_are_refreshed_once() {
    let clock = Arc::new(ManualClock::at("2026-06-01T00:00:00Z".parse().unwrap()));
    let settings = FieldNationSettings::default();
    let field_nation = FieldNation::start(settings, clock.clone(), 1)
        .await
        .unwrap();
    let http = client();
    let answer = grant(&field_nation, &http, &password_grant(&field_nation)).await;
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        (answer["expires_in"].as_u64(), answer["token_type"].as_str()),
        (Some(3600), Some("Bearer"))
    );
    let url = format!("{}/custom-fields", field_nation.rest_url());
    let access = answer["access_token"].as_str().unwrap();
    let by_query = || http.get(&url).query(&[("access_token", access)]).send();
    assert_eq!(by_query().await.unwrap().status(), StatusCode::OK);
    clock.advance(Duration::from_secs(3_600));
    let expired = by_query().await.unwrap();
    assert_eq!(expired.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        expired.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Value = expired.json().await.unwrap();
    assert_eq!(problem["code"], "AUTHENTICATION_REQUIRED");
    assert_eq!(problem["agent"]["action"], "REAUTHENTICATE");
    assert_eq!(problem["errors"], json!([]));
    let mut refresh = password_grant(&field_nation);
    refresh["grant_type"] = json!("refresh_token");
    refresh["refresh_token"] = answer["refresh_token"].clone();
    assert_eq!(
        grant(&field_nation, &http, &refresh).await.status(),
        StatusCode::OK
    );
    let again = grant(&field_nation, &http, &refresh).await;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_work_order_is_created_read_and_found_by_its_ticket_number() {
    let bench = Bench::plain().await;
    let created = bench.create(&job("fb-cw-main-77")).await;
    assert_eq!(created["status"]["name"], "Draft");
    let id = created["id"].as_u64().unwrap();
    let read = bench.get(&format!("/workorders/{id}")).await;
    assert_eq!(read["custom_fields"]["internal"]["value"], "fb-cw-main-77");
    assert_eq!(
        read["schedule"]["service_window"]["start"]["utc"],
        "2026-07-01 09:00:00"
    );
    let local = &read["schedule"]["service_window"]["start"]["local"];
    assert_eq!(local, &json!({"date": "2026-07-01", "time": "04:00:00"}));
    assert_eq!(read["pay"]["base"]["amount"].as_f64(), Some(100.0));
    let found = bench
        .get("/workorders?list=workorders_all&sticky=false&columns=title,custom_fields&f_search=fb-cw-main-77")
        .await;
    assert_eq!(found["metadata"]["total"], 1);
    assert_eq!(found["results"][0]["id"], id);
    assert_eq!(found["results"][0]["title"], "Quick Start Test Job");
    assert_eq!(found["f_search"], "fb-cw-main-77");
    assert_eq!(found["fs_search"], false);
    let by_value = bench.field_nation.work_orders_by_correlation_value();
    assert_eq!(by_value["fb-cw-main-77"], [id]);
}

#[tokio::test]
async fn wrong_shapes_answer_200_and_store_nothing() {
    let bench = Bench::plain().await;
    let created = bench
        .create(&json!({
            "title": "Silent",
            "description": "plain text",
            "location": {"address": {"address1": "1 A St", "city": "Austin"}},
            "pay": {"type": "fixed", "amount": 10},
        }))
        .await;
    assert_eq!(created["description"], json!({}));
    assert_eq!(created["location"], json!({}));
    assert_eq!(created["pay"]["type"], "");
    let id = created["id"].as_u64().unwrap();
    let path = format!("/workorders/{id}/custom_fields/129");
    let answer = bench
        .send(Method::PUT, &path, &json!({"value": 5522}))
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let field = bench.get(&path).await;
    assert_eq!(field["value"], "");
}

#[tokio::test]
async fn what_the_vendor_refuses_is_refused() {
    let bench = Bench::plain().await;
    let mut dated = job("a");
    dated["schedule"]["service_window"]["start"] = json!("2026-07-01 09:00:00");
    let mut stateless = job("b");
    stateless["location"]["state"] = json!("");
    let mut picky = job("c");
    picky["custom_fields"]["results"][0]["results"][0] = json!({"id": 131, "value": "Whenever"});
    let cases = [
        (json!({"description": {"html": "x"}}), "title"),
        (dated, "service_window.start"),
        (stateless, "location.state"),
        (picky, "custom_fields.131"),
    ];
    for (body, field) in cases {
        let refused = bench.send(Method::POST, "/workorders", &body).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{field}");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], "VALIDATION_ERROR");
        assert_eq!(problem["agent"]["action"], "FIX_INPUT");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    assert!(bench.field_nation.work_order_ids().is_empty());
    let missing = bench
        .request(Method::GET, "/workorders/5")
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    let broken = bench
        .request(Method::POST, "/workorders")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn the_older_error_bodies_can_be_had() {
    let bench = Bench::start(FieldNationSettings {
        error_bodies: ErrorBodies::Plain,
        ..FieldNationSettings::default()
    })
    .await;
    let refused = bench.send(Method::POST, "/workorders", &json!({})).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(refused.headers()["content-type"], "application/json");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body, json!({"status": 400, "message": "title is required"}));
}

#[tokio::test]
async fn the_schedule_needs_a_mode_and_an_inline_one_may_be_ignored() {
    let bench = Bench::start(FieldNationSettings {
        inline_schedule: InlineSchedule::Ignored,
        ..FieldNationSettings::default()
    })
    .await;
    let created = bench.create(&job("x")).await;
    assert_eq!(created["schedule"]["service_window"], json!({}));
    let path = format!("/workorders/{}/schedule", created["id"]);
    let local = json!({"local": {"date": "2026-07-07", "time": "09:00:00"}});
    let without_mode = json!({"service_window": {"start": local}});
    let refused = bench.send(Method::PUT, &path, &without_mode).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let body = json!({"service_window": {"mode": "exact", "start": local, "end": local}});
    let stored: Value = bench
        .send(Method::PUT, &path, &body)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        stored["service_window"]["start"]["utc"],
        "2026-07-07 14:00:00"
    );
}

#[tokio::test]
async fn lists_show_stubs_and_filters_stick_until_told_otherwise() {
    let bench = Bench::plain().await;
    let first = bench.create_job().await;
    bench.create(&json!({"title": "Other"})).await;
    let stubs = bench
        .get("/workorders?list=workorders_draft&f_search=Quick")
        .await;
    assert_eq!(
        stubs["results"],
        json!([{"id": first, "schedule": {"status_id": 1}}])
    );
    let leaked = bench.get("/workorders").await;
    assert_eq!(
        leaked["metadata"]["total"], 1,
        "the last list and filter stick"
    );
    let free = bench
        .get("/workorders?list=workorders_all&sticky=false")
        .await;
    assert_eq!(free["metadata"]["total"], 2);
    let cleared = bench.get("/workorders?list=workorders_all&f_=").await;
    assert_eq!(cleared["metadata"]["total"], 2);
}

#[tokio::test]
async fn a_rate_limit_refuses_with_the_vendors_headers_and_body() {
    let bench = Bench::start(FieldNationSettings {
        rate_limit: Some(RateLimit::per_minute(2)),
        ..FieldNationSettings::default()
    })
    .await;
    let first = bench
        .request(Method::GET, "/custom-fields")
        .send()
        .await
        .unwrap();
    assert_eq!(first.headers()["x-ratelimit-limit"], "2");
    assert_eq!(first.headers()["x-ratelimit-remaining"], "1");
    bench.get("/company/managers").await;
    let refused = bench
        .request(Method::GET, "/custom-fields")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(problem["retryable"], true);
    assert_eq!(problem["agent"]["action"], "RETRY");
}

#[tokio::test]
async fn an_event_is_signed_and_carries_the_work_order_whole() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let bench = Bench::start(fast()).await;
    let url = format!("{}/events", subscriber.url);
    let hook = bench.subscribe(&url, &["workorder.status.published"]).await;
    let id = bench.create_job().await;
    let publish = bench.request(Method::POST, &format!("/workorders/{id}/publish"));
    assert_eq!(publish.send().await.unwrap().status(), StatusCode::OK);
    let delivery = subscriber.next().await;
    assert_eq!(delivery.uri.path(), "/events");
    assert_eq!(delivery.header("content-type"), "application/json");
    assert_eq!(delivery.header("x-fn-webhook-id"), hook["webhookId"]);
    assert!(delivery.header("x-fn-delivery-id").ends_with(":1"));
    let sent_at: u64 = delivery.header("x-fn-request-timestamp").parse().unwrap();
    assert!(sent_at > 1_700_000_000_000, "milliseconds");
    let secret = hook["secret"].as_str().unwrap();
    assert_eq!(
        delivery.header("x-fn-signature"),
        hmac_hex(secret, &delivery.body)
    );
    let body = delivery.json();
    let mut members: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
    members.sort();
    assert_eq!(
        members,
        ["event", "timestamp", "triggered_by_user", "workorder"]
    );
    let params = json!({"work_order_id": id, "status_id": 2, "previous_status_id": 1});
    assert_eq!(body["event"]["params"], params);
    assert_eq!(body["triggered_by_user"]["id"], 1068);
    assert_eq!(body["workorder"]["location"]["city"], "Minneapolis");
}

/// The names of the next events, sorted, because their order is not promised.
async fn next_events(subscriber: &mut Subscriber, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..count {
        let body = subscriber.next().await.json();
        names.push(body["event"]["name"].as_str().unwrap().to_owned());
    }
    names.sort();
    names
}

#[tokio::test]
async fn the_life_of_a_work_order_fires_its_events() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let bench = Bench::start(fast()).await;
    let events = [
        "workorder.status.assigned",
        "workorder.status.checked_in",
        "workorder.task_completed",
        "workorder.message_posted",
        "workorder.provider_upload",
        "workorder.status.work_done",
        "workorder.status.approved",
    ];
    bench.subscribe(&subscriber.url, &events).await;
    let id = bench.create_job().await;
    let field_nation = &bench.field_nation;
    field_nation.publish(id).unwrap();
    field_nation.assign(id).unwrap();
    assert_eq!(
        next_events(&mut subscriber, 1).await,
        ["workorder.status.assigned"]
    );
    field_nation.on_my_way(id).unwrap();
    field_nation.check_in(id).unwrap();
    let both = ["workorder.status.checked_in", "workorder.task_completed"];
    assert_eq!(next_events(&mut subscriber, 2).await, both);
    field_nation.post_message(id, "I am on site.").unwrap();
    assert_eq!(
        next_events(&mut subscriber, 1).await,
        ["workorder.message_posted"]
    );
    let file = NewFile {
        name: "photo.png".to_owned(),
        mime: "image/png".to_owned(),
        content: vec![0_u8, 159, 146, 150].into(),
    };
    field_nation.upload(id, file).unwrap();
    assert_eq!(
        next_events(&mut subscriber, 1).await,
        ["workorder.provider_upload"]
    );
    field_nation.check_out(id).unwrap();
    assert_eq!(
        next_events(&mut subscriber, 1).await,
        ["workorder.task_completed"]
    );
    field_nation.work_done(id, "Replaced the switch.").unwrap();
    assert_eq!(
        next_events(&mut subscriber, 1).await,
        ["workorder.status.work_done"]
    );
    field_nation.approve(id).unwrap();
    assert_eq!(
        next_events(&mut subscriber, 1).await,
        ["workorder.status.approved"]
    );
    assert_eq!(field_nation.status_of(id), Some(Status::Approved));
    assert!(field_nation.check_in(id).is_err(), "it is over");
    let read = bench.get(&format!("/workorders/{id}")).await;
    assert_eq!(read["closing_notes"], "Replaced the switch.");
    assert_eq!(read["assignee"]["work_order_id"], id);
}

fn hmac_hex(secret: &str, body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn deliveries_are_tried_again_as_the_vendor_does() {
    let mut subscriber = Subscriber::answering(&[500, 429, 503, 200, 404]).await;
    let bench = Bench::start(fast()).await;
    bench
        .subscribe(&subscriber.url, &["workorder.created"])
        .await;
    bench.create_job().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(
            subscriber
                .next()
                .await
                .header("x-fn-delivery-id")
                .to_owned(),
        );
    }
    let (delivery, _) = ids[0].split_once(':').unwrap();
    let expected: Vec<_> = (1..=4)
        .map(|attempt| format!("{delivery}:{attempt}"))
        .collect();
    assert_eq!(ids, expected);
    bench.create_job().await;
    subscriber.next().await;
    // 404 is a hard failure: the stand-in has nothing left to do.
    while bench.field_nation.deliveries_under_way() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(subscriber.waiting(), 0);
    let logs = bench
        .manage(Method::GET, "/delivery-logs", &Value::Null)
        .await;
    let logs: Value = logs.json().await.unwrap();
    assert_eq!(logs["metadata"]["total"], 5);
    assert_eq!(logs["result"][0]["deliveryStatus"], 404);
}

#[tokio::test]
async fn a_delivery_can_arrive_twice() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let bench = Bench::start(fast()).await;
    bench
        .subscribe(&subscriber.url, &["workorder.created"])
        .await;
    bench.field_nation.duplicate_next_deliveries(1);
    bench.create_job().await;
    let first = subscriber.next().await;
    let second = subscriber.next().await;
    assert_eq!(
        first.header("x-fn-delivery-id"),
        second.header("x-fn-delivery-id")
    );
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn the_webhook_api_keeps_its_rules() {
    let bench = Bench::plain().await;
    let base = format!("{}/api/v1/webhooks", bench.field_nation.base_url());
    let by_query = bench
        .http
        .get(&base)
        .query(&[("access_token", &bench.token)])
        .send();
    assert_eq!(by_query.await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let refused = async |body: Value| {
        let response = bench.manage(Method::POST, "", &body).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["result"], json!({}));
        assert_eq!(answer["metadata"]["path"], "/api/v1/webhooks");
        answer["errors"][0]["message"].as_str().unwrap().to_owned()
    };
    let good = json!({"events": ["workorder.created"], "url": "https://example.com/hook", "method": "post", "status": "active"});
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    assert!(
        refused(with("url", json!("http://example.com/hook")))
            .await
            .contains("HTTPS")
    );
    assert!(
        refused(with("events", json!([])))
            .await
            .starts_with("events")
    );
    assert!(
        refused(with("events", json!(["workorder.nonsense"])))
            .await
            .starts_with("events")
    );
    assert!(
        refused(with("secret", json!("short")))
            .await
            .contains("UUID")
    );
    let reserved = json!({"header": {"X-FN-Mine": "1"}});
    assert!(
        refused(with("webhookAttribute", reserved))
            .await
            .contains("x-fn-")
    );
    assert!(
        refused(json!({"url": "https://example.com"}))
            .await
            .contains("events")
    );

    let created: Value = bench
        .manage(Method::POST, "", &good)
        .await
        .json()
        .await
        .unwrap();
    let path = format!("/{}", created["result"]["webhookId"].as_str().unwrap());
    let paused = bench
        .manage(Method::PUT, &path, &json!({"status": "inactive"}))
        .await;
    let paused: Value = paused.json().await.unwrap();
    assert_eq!(paused["result"]["status"], "inactive");
    let history = bench
        .manage(Method::GET, &format!("{path}/history"), &Value::Null)
        .await;
    let history: Value = history.json().await.unwrap();
    assert_eq!(
        history["result"][1]["changes"],
        json!({"from": "active", "to": "inactive"})
    );
    bench
        .manage(Method::PUT, &path, &json!({"status": "archived"}))
        .await;
    let archived = bench
        .manage(Method::PUT, &path, &json!({"status": "active"}))
        .await;
    assert_eq!(archived.status(), StatusCode::BAD_REQUEST);
    let events: Value = bench
        .manage(Method::GET, "/events", &Value::Null)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(events["result"].as_array().unwrap().len(), 33);
    assert_eq!(
        bench
            .manage(Method::DELETE, &path, &Value::Null)
            .await
            .status(),
        StatusCode::OK
    );
    let gone = bench.manage(Method::GET, &path, &Value::Null).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn files_go_up_as_multipart_and_come_down_by_their_link() {
    let bench = Bench::plain().await;
    let id = bench.create_job().await;
    let folders = bench.get(&format!("/workorders/{id}/attachments")).await;
    let folder = folders["results"][0]["id"].as_u64().unwrap();
    let path = format!("/workorders/{id}/attachments/{folder}");
    let json = bench.send(Method::POST, &path, &json!({"file": "x"})).await;
    assert_eq!(json.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let bytes = vec![0_u8, 200, 13, 10, 255];
    let part = reqwest::multipart::Part::bytes(bytes.clone()).file_name("plan.pdf");
    let form = reqwest::multipart::Form::new()
        .text("notes", "floor plan")
        .part("file", part);
    let stored = bench
        .request(Method::POST, &path)
        .multipart(form)
        .send()
        .await
        .unwrap();
    let stored: Value = stored.json().await.unwrap();
    let file = &stored["attachments"]["results"][0]["results"][0];
    assert_eq!(
        (
            file["file"]["name"].as_str(),
            file["file"]["size_bytes"].as_u64()
        ),
        (Some("plan.pdf"), Some(5))
    );
    let link = file["file"]["link"].as_str().unwrap();
    let down = bench.http.get(link).send().await.unwrap();
    assert_eq!(down.bytes().await.unwrap(), bytes);
    let forged = bench.http.get(format!("{link}0")).send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let journal = bench.field_nation.journal();
    assert_eq!(journal.count(Deed::Created, Thing::File, Doer::Api), 1);
}

#[tokio::test]
async fn messages_have_types_and_replies() {
    let bench = Bench::plain().await;
    let id = bench.create_job().await;
    let path = format!("/workorders/{id}/messages");
    let shouted = json!({"message": "Hello", "type": "SHOUT"});
    let refused = bench.send(Method::POST, &path, &shouted).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let said = json!({"message": "Please confirm.", "type": "INTERNAL"});
    let all: Value = bench
        .send(Method::POST, &path, &said)
        .await
        .json()
        .await
        .unwrap();
    let message = all["results"][0]["msg_id"].as_str().unwrap();
    let reply = format!("{path}/{message}");
    bench
        .send(Method::POST, &reply, &json!({"message": "Confirmed."}))
        .await;
    let all = bench.get(&path).await;
    assert_eq!(all["results"][0]["role"], "INTERNAL");
    assert_eq!(all["results"][0]["replies"][0]["message"], "Confirmed.");
    assert_eq!(all["results"][0]["replies"][0]["parent_id"], message);
}

#[tokio::test]
async fn a_lost_response_leaves_its_effect_and_a_reset_before_does_not() {
    let bench = Bench::plain().await;
    let faults = bench.field_nation.faults();
    faults.push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/workorders"));
    let url = format!("{}/workorders", bench.field_nation.rest_url());
    let request = || {
        bench
            .http
            .post(&url)
            .bearer_auth(&bench.token)
            .json(&job("lost-1"))
    };
    let lost = request().send().await;
    assert!(lost.is_err(), "the answer never arrives");
    assert_eq!(bench.field_nation.work_orders_with("lost-1").len(), 1);
    faults.push(Fault::once(FaultKind::ResetBefore).on(&Method::POST, "/workorders"));
    assert!(request().send().await.is_err());
    assert_eq!(bench.field_nation.work_orders_with("lost-1").len(), 1);
    assert_eq!(request().send().await.unwrap().status(), StatusCode::OK);
    let by_value = bench.field_nation.work_orders_by_correlation_value();
    assert_eq!(
        by_value["lost-1"].len(),
        2,
        "the journal shows the doubled one"
    );
}

#[tokio::test]
async fn faults_can_be_steered_from_outside() {
    let bench = Bench::plain().await;
    let base = format!("{}/__sandbox", bench.field_nation.base_url());
    let push = async |fault: Value| {
        let pushed = bench
            .http
            .post(format!("{base}/faults"))
            .json(&fault)
            .send()
            .await
            .unwrap();
        assert_eq!(pushed.status(), StatusCode::CREATED);
    };
    push(json!({"kind": "server_error", "status": 503, "extent": {"times": 1}})).await;
    push(json!({"kind": "rate_limited", "retry_after_seconds": 7, "extent": {"times": 1}})).await;
    push(json!({"kind": "unauthorized", "extent": {"times": 1}})).await;
    let try_it = async || {
        bench
            .request(Method::GET, "/custom-fields")
            .send()
            .await
            .unwrap()
    };
    assert_eq!(try_it().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let limited = try_it().await;
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited.headers()["retry-after"], "7");
    assert_eq!(try_it().await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(try_it().await.status(), StatusCode::OK);
    bench.create_job().await;
    let journal = bench
        .http
        .get(format!("{base}/journal"))
        .send()
        .await
        .unwrap();
    let journal: Value = journal.json().await.unwrap();
    assert_eq!(journal["entries"][0]["thing"], "work_order");
    assert_eq!(journal["entries"][0]["marker"], "fb-test-1");
}

#[tokio::test]
async fn it_listens_on_loopback_only_and_stops() {
    let settings = FieldNationSettings {
        address: "0.0.0.0:0".parse().unwrap(),
        ..FieldNationSettings::default()
    };
    let refused = FieldNation::start(settings, Arc::new(TokioClock::start()), 1).await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("not on loopback"), "{refused}");
    let bench = Bench::plain().await;
    bench.field_nation.stop().await;
    let url = format!("{}/custom-fields", bench.field_nation.rest_url());
    assert!(client().get(url).send().await.is_err());
}
