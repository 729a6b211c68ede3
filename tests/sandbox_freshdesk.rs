//! The stand-in for Freshdesk, driven over HTTP as the vendor's documents say, never by our own adapter.

mod sandbox_support;

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use fieldbridge::model::{ManualClock, TokioClock};
use fieldbridge::sandbox::{
    AutomationRule, Deliveries, Fault, FaultKind, Freshdesk, FreshdeskSettings, NoteVisibility,
    Performer, RateLimit, RuleContent, RuleEncoding, RuleEvent, TypeRule,
};
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response, StatusCode};
use sandbox_support::{Subscriber, client};
use serde_json::{Value, json};

struct Bench {
    freshdesk: Freshdesk,
    http: reqwest::Client,
}

impl Bench {
    async fn start(settings: FreshdeskSettings) -> Self {
        let clock = Arc::new(TokioClock::start());
        Self {
            freshdesk: Freshdesk::start(settings, clock, 1).await.unwrap(),
            http: client(),
        }
    }

    async fn plain() -> Self {
        Self::start(FreshdeskSettings::default()).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.freshdesk.rest_url());
        let key = self.freshdesk.credentials();
        self.http.request(method, url).basic_auth(key, Some("X"))
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    async fn create(&self, more: &Value) -> u64 {
        let mut body = ticket();
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let response = self.send(Method::POST, "/tickets", &body).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let created: Value = response.json().await.unwrap();
        created["id"].as_u64().unwrap()
    }

    async fn search(&self, query: &str) -> Value {
        let request = self
            .request(Method::GET, "/search/tickets")
            .query(&[("query", query)]);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{query}");
        response.json().await.unwrap()
    }

    async fn settled(&self) {
        while self.freshdesk.deliveries_under_way() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

fn ticket() -> Value {
    json!({
        "subject": "Register is down",
        "description": "<div>It shows <b>nothing</b>.</div>",
        "email": "store.manager@example.com",
        "status": 2,
        "priority": 3,
    })
}

fn fast() -> FreshdeskSettings {
    FreshdeskSettings {
        // Five minutes become three milliseconds.
        deliveries: Deliveries::Paced(0.000_01),
        ..FreshdeskSettings::default()
    }
}

async fn errors(response: Response) -> Vec<Value> {
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["description"], "Validation failed");
    body["errors"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_key_is_the_user_name_and_every_answer_is_signed_and_counted() {
    let bench = Bench::plain().await;
    let url = format!("{}/agents/me", bench.freshdesk.rest_url());
    let refused = bench
        .http
        .get(&url)
        .basic_auth("guess", Some("X"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.headers().contains_key("x-request-id"));
    assert!(refused.headers().contains_key("x-ratelimit-remaining"));
    let body: Value = refused.json().await.unwrap();
    let expected = json!({"code": "invalid_credentials", "message": "You have to be logged in to perform this action."});
    assert_eq!(body, expected);
    let me = bench.get("/agents/me").await;
    assert_eq!(me["ticket_scope"], 1);
    let missing = bench
        .request(Method::GET, "/tickets/5")
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(missing.text().await.unwrap(), "");
}

#[tokio::test]
async fn a_ticket_is_created_read_with_includes_and_changed() {
    let bench = Bench::plain().await;
    let id = bench
        .create(&json!({"custom_fields": {"cf_site_code": "HB-0101"}, "tags": ["on-site"]}))
        .await;
    let request = bench.request(
        Method::GET,
        &format!("/tickets/{id}?include=requester,company,stats,conversations"),
    );
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-ratelimit-used-currentrequest"], "5");
    let read: Value = response.json().await.unwrap();
    assert_eq!(read["description_text"], "It shows nothing.");
    assert_eq!(read["requester"]["name"], "Store Manager");
    assert_eq!(read["company"]["name"], "Harborlight Retail");
    assert_eq!(read["conversations"], json!([]));
    assert_eq!(read["custom_fields"]["cf_site_code"], "HB-0101");
    let change =
        json!({"status": 8, "custom_fields": {"cf_fn_work_order": "10001"}, "tags": ["sent"]});
    let changed = bench
        .send(Method::PUT, &format!("/tickets/{id}"), &change)
        .await;
    assert_eq!(changed.status(), StatusCode::OK);
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(
        changed["custom_fields"]["cf_site_code"], "HB-0101",
        "custom fields merge"
    );
    assert_eq!(changed["tags"], json!(["sent"]), "tags are replaced");
    assert_eq!(
        bench.freshdesk.tickets_by_correlation_value()["10001"],
        [id]
    );
    let deleted = bench
        .request(Method::DELETE, &format!("/tickets/{id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(bench.get(&format!("/tickets/{id}")).await["deleted"], true);
}

#[tokio::test]
async fn a_new_ticket_says_all_that_is_missing_in_the_vendors_words() {
    let bench = Bench::start(FreshdeskSettings {
        type_rule: TypeRule::Mandatory,
        ..FreshdeskSettings::default()
    })
    .await;
    let response = bench
        .send(
            Method::POST,
            "/tickets",
            &json!({"subject": "s", "description": "d", "priority": 1}),
        )
        .await;
    let expected = json!([
        {"field": "status", "message": "It should be one of these values: '2,3,4,5,6,7,8,9'", "code": "missing_field"},
        {"field": "type", "message": "It should be one of these values: 'Question,Incident,Problem,Feature Request,Field Service'", "code": "missing_field"},
        {"field": "requester_id", "message": "Please fill at least 1 of requester_id, phone, email, twitter_id, facebook_id fields", "code": "missing_field"},
    ]);
    assert_eq!(Value::from(errors(response).await), expected);
}

#[tokio::test]
async fn wrong_members_are_refused_with_code_and_message() {
    let bench = Bench::plain().await;
    let refused = async |key: &str, value: Value| {
        let mut body = ticket();
        body[key] = value;
        let found = errors(bench.send(Method::POST, "/tickets", &body).await).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let text = |name: &str| found[0][name].as_str().unwrap().to_owned();
        (text("field"), text("code"), text("message"))
    };
    let expect = |field: &str, code: &str, message: &str| {
        (field.to_owned(), code.to_owned(), message.to_owned())
    };
    let unexpected = "Unexpected/invalid field in request";
    assert_eq!(
        refused("description_html", json!("x")).await,
        expect("description_html", "invalid_field", unexpected)
    );
    let files = "Value set is of type String.It should be a/an Array";
    assert_eq!(
        refused("attachments", json!("x")).await,
        expect("attachments", "datatype_mismatch", files)
    );
    let files = "It should contain elements of type valid file format only";
    assert_eq!(
        refused("attachments", json!(["x"])).await,
        expect("attachments", "datatype_mismatch", files)
    );
    let statuses = "It should be one of these values: '2,3,4,5,6,7,8,9'";
    assert_eq!(
        refused("status", json!(77)).await,
        expect("status", "invalid_value", statuses)
    );
    let priorities = "It should be one of these values: '1,2,3,4'";
    assert_eq!(
        refused("priority", json!(9)).await,
        expect("priority", "invalid_value", priorities)
    );
    let text = "Value set is of type String.It should be a/an Positive Integer";
    assert_eq!(
        refused("status", json!("2")).await,
        expect("status", "datatype_mismatch", text)
    );
    assert_eq!(
        refused("custom_fields", json!({"cf_unknown": "x"})).await,
        expect("cf_unknown", "invalid_field", unexpected)
    );
    let null = "Value set is of type Null.It should be a/an String";
    assert_eq!(
        refused("custom_fields", json!({"cf_site_code": null})).await,
        expect("cf_site_code", "datatype_mismatch", null)
    );
    let choices = "It should be one of these values: 'Register,Router,Switch,Printer,Display'";
    let dropdown = json!({"cf_equipment_297457": "Toaster"});
    assert_eq!(
        refused("custom_fields", dropdown).await,
        expect("cf_equipment_297457", "invalid_value", choices)
    );
    assert!(bench.freshdesk.ticket_ids().is_empty());
    let broken = bench
        .request(Method::POST, "/tickets")
        .header("content-type", "application/json")
        .body("{");
    let broken: Value = broken.send().await.unwrap().json().await.unwrap();
    assert_eq!(broken["code"], "invalid_json");
    let form = bench
        .request(Method::POST, "/tickets")
        .form(&[("subject", "x")])
        .send()
        .await
        .unwrap();
    assert_eq!(form.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

fn file(name: &'static str, bytes: Vec<u8>) -> Part {
    Part::bytes(bytes)
        .file_name(name)
        .mime_str("image/png")
        .unwrap()
}

#[tokio::test]
async fn files_travel_as_multipart_and_come_down_without_the_key() {
    let bench = Bench::plain().await;
    let bytes = vec![137_u8, 80, 78, 71, 13, 10, 0, 255];
    let form = Form::new()
        .text("subject", "With files")
        .text("description", "two of them")
        .text("email", "new.person@example.com")
        .text("status", "2")
        .text("priority", "1")
        .text("custom_fields[cf_site_city]", "Austin")
        .text("custom_fields[cf_lift_needed]", "true")
        .text("tags[]", "a")
        .text("tags[]", "b")
        .part("attachments[]", file("one.png", bytes.clone()))
        .part("attachments[]", file("two.png", bytes.clone()));
    let created = bench
        .request(Method::POST, "/tickets")
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let created: Value = created.json().await.unwrap();
    assert_eq!(created["custom_fields"]["cf_lift_needed"], true);
    assert_eq!(created["tags"], json!(["a", "b"]));
    assert_eq!(created["attachments"][1]["name"], "two.png");
    let url = created["attachments"][0]["attachment_url"]
        .as_str()
        .unwrap();
    let down = bench.http.get(url).send().await.unwrap();
    assert_eq!(down.bytes().await.unwrap(), bytes);
    let with_key = bench
        .http
        .get(url)
        .basic_auth(bench.freshdesk.credentials(), Some("X"));
    assert_eq!(
        with_key.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    let forged = bench.http.get(format!("{url}0")).send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);

    let path = format!("/tickets/{}/notes", created["id"]);
    let nameless = Form::new()
        .text("body", "x")
        .text("attachments[]", "no file");
    let nameless = bench
        .request(Method::POST, &path)
        .multipart(nameless)
        .send()
        .await
        .unwrap();
    assert_eq!(errors(nameless).await[0]["code"], "datatype_mismatch");
    let nested = Form::new().text("custom_fields", r#"{"cf_site_code":"x"}"#);
    let update = format!("/tickets/{}", created["id"]);
    let nested = bench
        .request(Method::PUT, &update)
        .multipart(nested)
        .send()
        .await
        .unwrap();
    let message = "Value set is of type String.It should be a/an key/value pair";
    assert_eq!(errors(nested).await[0]["message"], message);
    let heavy = Form::new()
        .text("body", "x")
        .part("attachments[]", file("big.png", vec![0; 21 * 1024 * 1024]));
    let heavy = bench
        .request(Method::POST, &path)
        .multipart(heavy)
        .send()
        .await
        .unwrap();
    assert_eq!(errors(heavy).await[0]["code"], "invalid_size");
}

#[tokio::test]
async fn a_link_to_a_file_expires() {
    let clock = Arc::new(ManualClock::at("2026-06-01T00:00:00Z".parse().unwrap()));
    let freshdesk = Freshdesk::start(FreshdeskSettings::default(), clock.clone(), 1)
        .await
        .unwrap();
    let bench = Bench {
        freshdesk,
        http: client(),
    };
    let id = bench
        .freshdesk
        .open_ticket(&json!({"subject": "s", "description": "d"}))
        .unwrap();
    bench
        .freshdesk
        .attach(id, "a.txt", "text/plain", "hello".into())
        .unwrap();
    let read = bench.get(&format!("/tickets/{id}")).await;
    let url = read["attachments"][0]["attachment_url"].as_str().unwrap();
    assert_eq!(
        bench
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "hello"
    );
    clock.advance(Duration::from_secs(301));
    assert_eq!(
        bench.http.get(url).send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn notes_are_private_unless_told_and_replies_are_not() {
    let bench = Bench::plain().await;
    let id = bench.create(&json!({})).await;
    let note = bench
        .send(
            Method::POST,
            &format!("/tickets/{id}/notes"),
            &json!({"body": "<p>Hi</p>"}),
        )
        .await;
    assert_eq!(note.status(), StatusCode::CREATED);
    let note: Value = note.json().await.unwrap();
    assert_eq!(
        (note["private"].as_bool(), note["source"].as_u64()),
        (Some(true), Some(2))
    );
    assert_eq!(
        (note["body_text"].as_str(), note["user_id"].as_u64()),
        (Some("Hi"), Some(301))
    );
    let reply = bench
        .send(
            Method::POST,
            &format!("/tickets/{id}/reply"),
            &json!({"body": "Hello"}),
        )
        .await;
    let reply: Value = reply.json().await.unwrap();
    assert_eq!(
        (reply["private"].as_bool(), reply["source"].as_u64()),
        (Some(false), Some(0))
    );
    let change = |entry: &Value| format!("/conversations/{}", entry["id"]);
    let changed = bench
        .send(Method::PUT, &change(&note), &json!({"body": "Changed"}))
        .await;
    assert_eq!(changed.status(), StatusCode::OK);
    let fixed = bench
        .send(Method::PUT, &change(&reply), &json!({"body": "Changed"}))
        .await;
    assert_eq!(fixed.status(), StatusCode::METHOD_NOT_ALLOWED);
    let empty = bench
        .send(
            Method::POST,
            &format!("/tickets/{id}/notes"),
            &json!({"private": false}),
        )
        .await;
    assert_eq!(errors(empty).await[0]["field"], "body");
    bench
        .freshdesk
        .add_note(id, "From the desk", NoteVisibility::Public)
        .unwrap();
    let all = bench.get(&format!("/tickets/{id}/conversations")).await;
    let bodies: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["body"].clone())
        .collect();
    assert_eq!(bodies, ["Changed", "Hello", "From the desk"]);
}

#[tokio::test]
async fn lists_page_by_link_and_know_what_changed_since() {
    let clock = Arc::new(ManualClock::at("2026-06-01T00:00:00Z".parse().unwrap()));
    let freshdesk = Freshdesk::start(FreshdeskSettings::default(), clock.clone(), 1)
        .await
        .unwrap();
    let bench = Bench {
        freshdesk,
        http: client(),
    };
    let old = bench.create(&json!({})).await;
    clock.advance(Duration::from_secs(40 * 24 * 3_600));
    let new = bench.create(&json!({})).await;
    let ids = |list: &Value| -> Vec<u64> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|ticket| ticket["id"].as_u64().unwrap())
            .collect()
    };
    let recent = bench.get("/tickets").await;
    assert_eq!(ids(&recent), [new], "older than thirty days");
    assert!(recent[0].get("description").is_none());
    assert_eq!(
        bench.get("/tickets?include=description").await[0]["description_text"],
        "It shows nothing."
    );
    let all = "/tickets?updated_since=2026-01-01T00:00:00Z&order_by=updated_at&order_type=asc";
    assert_eq!(ids(&bench.get(all).await), [old, new]);
    assert_eq!(
        ids(&bench
            .get("/tickets?updated_since=2026-07-01T00:00:00Z")
            .await),
        [new]
    );
    let first = bench
        .request(Method::GET, &format!("{all}&per_page=1"))
        .send()
        .await
        .unwrap();
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    assert!(
        link.ends_with("rel=\"next\"") && link.contains("page=2"),
        "{link}"
    );
    let second = bench
        .request(Method::GET, &format!("{all}&per_page=1&page=2"))
        .send()
        .await
        .unwrap();
    assert!(!second.headers().contains_key("link"));
    let greedy = bench
        .request(Method::GET, "/tickets?per_page=101")
        .send()
        .await
        .unwrap();
    assert_eq!(errors(greedy).await[0]["field"], "per_page");
}

#[tokio::test]
async fn the_search_index_lags() {
    let clock = Arc::new(ManualClock::at("2026-06-01T00:00:00Z".parse().unwrap()));
    let freshdesk = Freshdesk::start(FreshdeskSettings::default(), clock.clone(), 1)
        .await
        .unwrap();
    let bench = Bench {
        freshdesk,
        http: client(),
    };
    let id = bench
        .create(&json!({"custom_fields": {"cf_fn_work_order": "10001"}}))
        .await;
    let query = r#""cf_fn_work_order:'10001'""#;
    assert_eq!(bench.search(query).await["total"], 0, "not indexed yet");
    clock.advance(Duration::from_secs(3));
    let found = bench.search(query).await;
    assert_eq!(
        (found["total"].as_u64(), found["results"][0]["id"].as_u64()),
        (Some(1), Some(id))
    );
    bench
        .freshdesk
        .change_ticket(id, &json!({"custom_fields": {"cf_fn_work_order": "other"}}))
        .unwrap();
    assert_eq!(
        bench.search(query).await["total"],
        1,
        "the index still sees what was"
    );
    clock.advance(Duration::from_secs(3));
    assert_eq!(bench.search(query).await["total"], 0);
    let bare = bench
        .request(Method::GET, "/search/tickets?query=status:2")
        .send()
        .await
        .unwrap();
    assert_eq!(errors(bare).await[0]["field"], "query");
}

#[tokio::test]
async fn fields_are_told_to_agents_and_to_administrators() {
    let bench = Bench::plain().await;
    let fields = bench.get("/ticket_fields").await;
    let named = |name: &str| {
        let found = fields
            .as_array()
            .unwrap()
            .iter()
            .find(|field| field["name"] == name);
        found.unwrap().clone()
    };
    assert_eq!(
        named("status")["choices"]["2"],
        json!(["Open", "Being Processed"])
    );
    assert_eq!(named("cf_fn_work_order")["type"], "custom_text");
    let admin = bench.get("/admin/ticket_fields").await;
    assert!(
        admin
            .as_array()
            .unwrap()
            .iter()
            .all(|field| field["choices"].is_null() || field["choices"].is_array())
    );
    let taken = json!({"name": "Other", "email": "store.manager@example.com"});
    let taken = bench.send(Method::POST, "/contacts", &taken).await;
    assert_eq!(taken.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_rate_limit_is_the_accounts_and_tells_when_to_come_back() {
    let bench = Bench::start(FreshdeskSettings {
        rate_limit: Some(RateLimit::per_minute(3)),
        ..FreshdeskSettings::default()
    })
    .await;
    let url = format!("{}/agents/me", bench.freshdesk.rest_url());
    bench.http.get(&url).send().await.unwrap();
    let second = bench
        .request(Method::GET, "/agents/me")
        .send()
        .await
        .unwrap();
    assert_eq!(second.headers()["x-ratelimit-total"], "3");
    assert_eq!(
        second.headers()["x-ratelimit-remaining"],
        "1",
        "refused calls count"
    );
    let dear = bench
        .request(Method::GET, "/tickets?include=stats")
        .send()
        .await
        .unwrap();
    assert_eq!(dear.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(dear.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_simple_rule_wraps_what_was_ticked() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let bench = Bench::start(fast()).await;
    let url = format!(
        "{}/in?client_token=t&external_id={{{{ticket.id}}}}",
        subscriber.url
    );
    bench
        .freshdesk
        .set_automation_rule(url, RuleContent::usual());
    let id = bench
        .freshdesk
        .open_ticket(&json!({"subject": "Hi", "description": "<p>d</p>"}))
        .unwrap();
    let call = subscriber.next().await;
    assert_eq!(
        call.uri.to_string(),
        format!("/in?client_token=t&external_id={id}")
    );
    assert_eq!(call.header("content-type"), "application/json");
    let inner = &call.json()["freshdesk_webhook"];
    assert_eq!(inner["ticket_id"], id);
    assert_eq!(
        (
            inner["ticket_status"].as_str(),
            inner["ticket_priority"].as_str()
        ),
        (Some("Open"), Some("Medium"))
    );
    assert_eq!(inner["ticket_contact_name"], "Store Manager");
    let mut form = AutomationRule::new(&subscriber.url, RuleContent::usual());
    form.encoding = RuleEncoding::Form;
    form.headers.push(("x-secret".to_owned(), "s".to_owned()));
    form.basic_auth = Some(("user".to_owned(), "pass".to_owned()));
    bench.freshdesk.set_automation_rules(vec![form]);
    bench.freshdesk.set_status(id, 8).unwrap();
    let call = subscriber.next().await;
    assert_eq!(
        (call.header("x-secret"), call.header("authorization")),
        ("s", "Basic dXNlcjpwYXNz")
    );
    let body = String::from_utf8(call.body).unwrap();
    assert!(
        body.contains("ticket_status=Field+service+required"),
        "{body}"
    );
}

#[tokio::test]
async fn an_advanced_rule_pastes_and_breaks_its_json() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let bench = Bench::start(fast()).await;
    let template = r#"{"ticket_id":"{{ticket.id}}","subject":"{{ticket.subject}}","event":"{{triggered_event}}"}"#;
    let content = RuleContent::Advanced(template.to_owned());
    bench
        .freshdesk
        .set_automation_rule(&subscriber.url, content);
    let id = bench
        .freshdesk
        .open_ticket(&json!({"subject": "the \"red\" one", "description": "d"}))
        .unwrap();
    let body = String::from_utf8(subscriber.next().await.body).unwrap();
    let expected = format!(
        r#"{{"ticket_id":"{id}","subject":"the "red" one","event":"{{ticket_action:created}}"}}"#
    );
    assert_eq!(body, expected);
    bench.freshdesk.set_status(id, 8).unwrap();
    let body = String::from_utf8(subscriber.next().await.body).unwrap();
    assert!(body.contains("{status:{from:2,to:8}}"), "{body}");
}

#[tokio::test]
async fn changes_by_the_api_fire_rules_too_unless_the_performer_is_left_out() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let bench = Bench::start(fast()).await;
    bench
        .freshdesk
        .set_automation_rule(&subscriber.url, RuleContent::usual());
    let id = bench.create(&json!({})).await;
    subscriber.next().await;
    bench
        .send(
            Method::PUT,
            &format!("/tickets/{id}"),
            &json!({"priority": 4}),
        )
        .await;
    assert_eq!(
        subscriber.next().await.json()["freshdesk_webhook"]["ticket_priority"],
        "Urgent"
    );
    let mut rule = AutomationRule::new(&subscriber.url, RuleContent::usual());
    rule.performer = Performer::ExceptApiAgent;
    rule.events = vec![RuleEvent::StatusChanged];
    rule.statuses = vec![bench.freshdesk.trigger_status()];
    bench.freshdesk.set_automation_rules(vec![rule]);
    bench
        .send(
            Method::PUT,
            &format!("/tickets/{id}"),
            &json!({"status": 8}),
        )
        .await;
    bench.freshdesk.set_status(id, 3).unwrap();
    bench
        .freshdesk
        .add_note(id, "a note", NoteVisibility::Private)
        .unwrap();
    bench.settled().await;
    assert_eq!(subscriber.waiting(), 0);
    bench.freshdesk.set_status(id, 8).unwrap();
    subscriber.next().await;
}

#[tokio::test]
async fn a_failed_call_is_tried_three_times_more_and_then_the_administrators_hear_of_it() {
    let mut subscriber = Subscriber::answering(&[500, 401, 503, 404]).await;
    let bench = Bench::start(fast()).await;
    bench
        .freshdesk
        .set_automation_rule(&subscriber.url, RuleContent::usual());
    bench
        .freshdesk
        .open_ticket(&json!({"subject": "s", "description": "d"}))
        .unwrap();
    for _ in 0..4 {
        subscriber.next().await;
    }
    bench.settled().await;
    assert_eq!(subscriber.waiting(), 0);
    let last = bench.freshdesk.journal().entries_after(0).pop().unwrap();
    assert_eq!(last.detail, "the administrators were mailed");
}

#[tokio::test]
async fn faults_speak_the_vendors_language() {
    let bench = Bench::plain().await;
    bench
        .freshdesk
        .faults()
        .push(Fault::once(FaultKind::ServerError { status: 500 }));
    let failed = bench
        .request(Method::GET, "/agents/me")
        .send()
        .await
        .unwrap();
    assert!(failed.headers().contains_key("x-request-id"));
    let body: Value = failed.json().await.unwrap();
    assert_eq!(body["code"], "internal_error");
    let lost = Fault::once(FaultKind::LostResponse).on(&Method::POST, "/tickets");
    bench.freshdesk.faults().push(lost);
    let url = format!("{}/tickets", bench.freshdesk.rest_url());
    let request = bench
        .http
        .post(url)
        .basic_auth(bench.freshdesk.credentials(), Some("X"));
    assert!(request.json(&ticket()).send().await.is_err());
    assert_eq!(
        bench.freshdesk.ticket_ids().len(),
        1,
        "it was opened all the same"
    );
}
