//! The Field Nation client: signing in, creating, updating, refusals, quota.

use std::time::Duration;

use crate::stub::{Answer, Stub, call, map};
use fieldbridge::model::{Category, Effect, Marker, Priority, WorkOrderId};
use futures_util::future::join_all;
use serde_json::{Value, json};

const ORDER: WorkOrderId = WorkOrderId(1);

fn marker() -> Marker {
    Marker::from_text("cw-main:69")
}

fn output() -> serde_json::Map<String, Value> {
    map(json!({
        "title": "Router Installation - Site 42",
        "description": {"html": "Replace the router"},
        "location": {"address1": "123 Test St", "city": "Minneapolis", "state": "MN", "zip": "55401", "country": "USA"},
        "schedule": {"service_window": {"start": {"utc": "2026-07-01 09:00:00"}}},
        "pay": {"type": "fixed", "base": {"amount": 150, "units": 1}},
        "custom_fields": {"Site #": "5521"},
    }))
}

#[tokio::test]
async fn many_callers_sign_in_once() {
    let stub = Stub::start().await;
    stub.set_order(json!({"id": 1, "title": "x"}));
    let client = stub.client();
    let (client, call) = (&client, &call());
    let fetched = join_all((0..12).map(|_| client.fetch(call, ORDER))).await;
    assert!(fetched.into_iter().all(|order| order.unwrap().is_some()));
    assert_eq!(stub.sign_ins().len(), 1);
    let grant = &stub.sign_ins()[0];
    assert_eq!(grant["grant_type"], "password");
    assert_eq!(grant["username"], "api@example.com");
    assert_eq!(stub.seen()[0].query["access_token"], "fake-token-1");
    assert!(stub.seen()[0].headers.get("authorization").is_none());
}

#[tokio::test]
async fn a_token_that_ran_out_is_renewed_and_the_password_is_the_last_resort() {
    let stub = Stub::start().await;
    stub.set_order(json!({"id": 1, "title": "x"}));
    let client = stub.client();
    let later = async || {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3600)).await;
        tokio::time::resume();
    };
    client.fetch(&call(), ORDER).await.unwrap();
    later().await;
    client.fetch(&call(), ORDER).await.unwrap();
    assert_eq!(stub.sign_ins()[1]["grant_type"], "refresh_token");
    assert_eq!(stub.sign_ins()[1]["refresh_token"], "fake-refresh-1");
    later().await;
    let refused = Answer::new(
        400,
        json!({"error": "invalid_grant", "error_description": "refresh token expired"}),
    );
    stub.script("POST /authentication/api/oauth/token", [refused]);
    client.fetch(&call(), ORDER).await.unwrap();
    let grants: Vec<_> = stub
        .sign_ins()
        .iter()
        .map(|body| body["grant_type"].clone())
        .collect();
    assert_eq!(
        grants,
        ["password", "refresh_token", "refresh_token", "password"]
    );
}

#[tokio::test]
async fn a_revoked_token_is_replaced_once() {
    let stub = Stub::start().await;
    stub.set_order(json!({"id": 1, "title": "x"}));
    stub.accept_only("fake-token-2");
    let client = stub.client();
    assert!(client.fetch(&call(), ORDER).await.unwrap().is_some());
    assert_eq!(stub.sign_ins().len(), 2);
    stub.accept_only("none of ours");
    let failure = client.fetch(&call(), ORDER).await.unwrap_err();
    assert_eq!(failure.category, Category::Authentication);
    assert!(failure.hint.unwrap().contains("client_id"));
    assert_eq!(stub.calls().len(), 4);
}

#[tokio::test]
async fn a_refused_sign_in_says_what_to_check_and_has_no_effect() {
    let stub = Stub::start().await;
    let client = stub.client();
    let token = "POST /authentication/api/oauth/token";
    let refused =
        |error: &str| Answer::new(400, json!({"error": error, "error_description": "no"}));
    stub.script(
        token,
        [
            refused("invalid_grant"),
            refused("invalid_client"),
            Answer::new(503, json!({})),
        ],
    );
    for (category, word) in [
        (Category::Authentication, "password"),
        (Category::Authentication, "client_secret"),
        (Category::Server, "status.fieldnation.com"),
    ] {
        let failure = client
            .create(&call(), &output(), &marker())
            .await
            .unwrap_err();
        assert_eq!(failure.category, category, "{failure}");
        assert_eq!(
            failure.effect,
            Effect::None,
            "the create itself was never sent"
        );
        assert!(failure.hint.unwrap().contains(word));
    }
    assert!(stub.calls().is_empty());
}

#[tokio::test]
async fn a_work_order_is_created_with_its_marker_and_checked() {
    let stub = Stub::start().await;
    let client = stub.client();
    let call = call();
    let created = client.create(&call, &output(), &marker()).await.unwrap();
    assert_eq!(
        (created.id, created.not_stored, created.unchecked),
        (ORDER, Vec::new(), None)
    );
    let sent = &stub.seen()[1].body;
    assert_eq!(sent["location"]["country"], "US");
    assert_eq!(sent["location"]["mode"], "custom");
    assert_eq!(sent["schedule"]["service_window"]["mode"], "exact");
    assert_eq!(
        sent["custom_fields"],
        json!({"results": [{"results": [{"id": 129, "value": "5521"}, {"id": 35, "value": "cw-main:69"}]}]})
    );
    assert_eq!(client.marker_of(&stub.order()), Some(marker()));
    assert_eq!(
        stub.calls(),
        ["GET /custom-fields", "POST /workorders"],
        "a whole answer needs no reading"
    );
    let shown = serde_json::to_string(&call.take_exchanges()).unwrap();
    for secret in [
        "fake-token-1",
        "fake-password",
        "fake-client-secret",
        "fake-refresh-1",
    ] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_schedule_that_the_create_ignored_is_written_by_its_own_call() {
    let stub = Stub::start().await;
    stub.ignore_on_create(&["schedule"]);
    let created = stub
        .client()
        .create(&call(), &output(), &marker())
        .await
        .unwrap();
    assert_eq!(created.not_stored, Vec::<String>::new());
    let calls = stub.calls();
    assert!(
        calls.contains(&"PUT /workorders/1/schedule".to_owned()),
        "{calls:?}"
    );
    let put = stub
        .seen()
        .into_iter()
        .find(|seen| seen.path.ends_with("/schedule") && seen.method == "PUT")
        .unwrap();
    assert_eq!(
        put.body["service_window"]["start"],
        json!({"utc": "2026-07-01 09:00:00"})
    );
    assert!(
        put.body["service_window"]["end"].is_object(),
        "the update call wants an end"
    );
}

#[tokio::test]
async fn what_is_lost_for_good_is_told_and_the_id_is_kept() {
    let stub = Stub::start().await;
    stub.ignore_always(&["location", "description"]);
    let created = stub
        .client()
        .create(&call(), &output(), &marker())
        .await
        .unwrap();
    assert_eq!(created.id, ORDER);
    let told = created.not_stored.join("\n");
    assert!(
        told.contains("`location.city`: sent `Minneapolis`, stored nothing"),
        "{told}"
    );
    assert!(
        told.contains("`description.html`: sent `Replace the router`, stored nothing"),
        "{told}"
    );
    assert!(!told.contains("title"), "{told}");
}

#[tokio::test]
async fn a_stub_for_an_answer_is_read_back() {
    let stub = Stub::start().await;
    stub.script(
        "POST /workorders",
        [Answer::new(
            200,
            json!({"id": 1, "status": {"id": 1, "name": "Draft"}}),
        )],
    );
    stub.set_order(json!({"id": 1, "title": "Another title"}));
    let created = stub
        .client()
        .create(&call(), &map(json!({"title": "Mine"})), &marker())
        .await
        .unwrap();
    assert_eq!(created.id, ORDER);
    assert!(
        created
            .not_stored
            .iter()
            .any(|text| text.contains("`title`: sent `Mine`, stored `Another title`"))
    );
}

#[tokio::test]
async fn an_outcome_in_doubt_is_told_from_a_refusal() {
    let stub = Stub::start().await;
    let client = stub.client();
    let problem = json!({"type": "https://developer.fieldnation.com/error-codes/validation-error", "title": "Validation Error",
        "status": 400, "detail": "The request is invalid", "code": "VALIDATION_ERROR", "retryable": false,
        "correlationId": "01J9FAKE", "agent": {"action": "FIX_INPUT"},
        "errors": [{"field": "location.country", "message": "must be a two-letter code"}]});
    stub.script(
        "POST /workorders",
        [
            Answer::new(500, json!({"status": 500, "message": "oops"})),
            Answer::new(200, json!({"message": "accepted"})),
            Answer::new(408, json!({})),
            Answer::new(400, problem),
        ],
    );
    for effect in [
        Effect::Unknown,
        Effect::Unknown,
        Effect::Unknown,
        Effect::None,
    ] {
        let failure = client
            .create(&call(), &output(), &marker())
            .await
            .unwrap_err();
        assert_eq!(failure.effect, effect, "{failure}");
        if effect == Effect::None {
            assert_eq!(failure.category, Category::Validation);
            assert!(
                failure
                    .cause
                    .contains("location.country: must be a two-letter code"),
                "{failure}"
            );
            assert!(failure.cause.contains("01J9FAKE"), "{failure}");
        }
    }
}

#[tokio::test]
async fn a_rule_for_the_correlation_field_is_refused_before_anything_is_sent() {
    let stub = Stub::start().await;
    let client = stub.client();
    let output = map(json!({"title": "x", "custom_fields": {"Ticket #": "T-1"}}));
    let failure = client
        .create(&call(), &output, &marker())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert_eq!(stub.calls(), ["GET /custom-fields"]);
    let failure = stub
        .client_with("correlation_field = \"Ticket\"")
        .create(&call(), &output, &marker())
        .await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.cause.contains("nearest is `Ticket #`"), "{failure}");
}

#[tokio::test]
async fn an_update_writes_the_changed_sections_only() {
    let stub = Stub::start().await;
    let client = stub.client();
    client.create(&call(), &output(), &marker()).await.unwrap();
    let before = stub.calls().len();
    let changes = map(
        json!({"title": "New title", "location": {"address1": "2 New St"}, "pay": {"base": {"amount": 200}},
                             "custom_fields": {"129": "5522"}}),
    );
    client.update(&call(), ORDER, &changes).await.unwrap();
    assert_eq!(
        stub.calls()[before..],
        [
            "PUT /workorders/1",
            "GET /workorders/1/location",
            "PUT /workorders/1/location",
            "GET /workorders/1/pay",
            "PUT /workorders/1/pay",
            "PUT /workorders/1/custom_fields/129",
        ]
    );
    let order = stub.order();
    assert_eq!(order["title"], "New title");
    assert_eq!(
        (&order["location"]["address1"], &order["location"]["city"]),
        (&json!("2 New St"), &json!("Minneapolis"))
    );
    assert_eq!(
        order["pay"],
        json!({"type": "fixed", "base": {"units": 1, "amount": 200}})
    );
    assert_eq!(client.marker_of(&order), Some(marker()), "the link stays");
}

#[tokio::test]
async fn an_update_that_stored_nothing_is_a_failure() {
    let stub = Stub::start().await;
    let client = stub.client();
    client.create(&call(), &output(), &marker()).await.unwrap();
    stub.ignore_always(&["title"]);
    let failure = client
        .update(&call(), ORDER, &map(json!({"title": "Lost"})))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(
        failure
            .cause
            .contains("`title`: sent `Lost`, stored `Router Installation - Site 42`"),
        "{failure}"
    );
}

#[tokio::test]
async fn the_quota_hears_what_a_body_says() {
    let stub = Stub::start().await;
    stub.set_order(json!({"id": 1, "title": "x"}));
    let client = stub.client();
    let body = json!({"title": "Rate Limit Exceeded", "status": 429, "detail": "Rate limit exceeded. Retry after 60 seconds.",
        "code": "RATE_LIMIT_EXCEEDED", "retryable": true, "agent": {"action": "RETRY", "backoffMs": 60000, "maxAttempts": 3},
        "errors": []});
    stub.script("GET /workorders/1", [Answer::new(429, body)]);
    let failure = client.fetch(&call(), ORDER).await.unwrap_err();
    assert_eq!(failure.category, Category::RateLimited);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(60)));
    assert!(client.ready_in(Priority::Live) > Duration::from_secs(50));
    let failure = client.fetch(&call(), ORDER).await.unwrap_err();
    assert_eq!(failure.category, Category::RateLimited);
    assert_eq!(
        stub.calls().len(),
        1,
        "nothing is sent while we are asked to keep still"
    );
    assert!(client.quota()[0].blocked_for.is_some());
}

#[tokio::test]
async fn headers_of_an_answer_lower_what_is_left() {
    let stub = Stub::start().await;
    let client = stub.client();
    let answer = Answer::new(200, json!({"id": 1, "title": "x"}));
    let answer = answer
        .header("x-ratelimit-limit", "6000")
        .header("x-ratelimit-remaining", "7");
    stub.script("GET /workorders/1", [answer]);
    client.fetch(&call(), ORDER).await.unwrap();
    // The bucket refills by a hundred a second meanwhile.
    assert!(client.quota()[0].left < 3000, "{:?}", client.quota());
}

#[tokio::test]
async fn a_work_order_that_is_gone_is_none() {
    let stub = Stub::start().await;
    assert_eq!(
        stub.client()
            .fetch(&call(), WorkOrderId(404))
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn publishing_what_is_published_is_no_failure() {
    let stub = Stub::start().await;
    let client = stub.client();
    let publish = "POST /workorders/1/publish";
    let refused = || Answer::new(400, json!({"status": 400, "message": "pay is missing"}));
    stub.script(
        publish,
        [Answer::new(200, json!({"id": 1})), refused(), refused()],
    );
    client.publish(&call(), ORDER).await.unwrap();
    stub.set_order(json!({"id": 1, "status": {"id": 2, "name": "Published"}}));
    client.publish(&call(), ORDER).await.unwrap();
    stub.set_order(json!({"id": 1, "status": {"id": 1, "name": "Draft"}}));
    let failure = client.publish(&call(), ORDER).await.unwrap_err();
    assert!(failure.cause.contains("pay is missing"), "{failure}");
}

#[tokio::test]
async fn a_probe_says_who_we_are_and_where_links_are_kept() {
    let stub = Stub::start().await;
    let client = stub.client();
    let page = || {
        Answer::new(
            200,
            json!({"metadata": {"total": 128, "pages": 128}, "results": [{"id": 9,
            "company": {"id": 1, "name": "Sample Buyer"}, "manager": {"id": 1068, "username": "API@example.com"}}]}),
        )
    };
    stub.script("GET /workorders", [page(), page()]);
    let said = client.probe(&call()).await.unwrap();
    for word in ["api@example.com", "Sample Buyer", "128", "`Ticket #`"] {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(client.own_user(), Some(1068));
    let query = stub.seen()[0].query.clone();
    assert_eq!(
        (query["list"].as_str(), query["sticky"].as_str()),
        ("workorders_all", "false")
    );
}
