//! The adapter against APIs of other shapes: credentials, parameters, bodies, envelopes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fieldbridge::http::Call;
use fieldbridge::model::{Category, Effect, FileContent, Priority};
use fieldbridge::platform::{Found, Platform, Wish};
use serde_json::{Value, json};

use super::scene::{Seen, Stub, build, id, marker, object, reply};

/// An adapter for a description, against answers.
async fn open(
    description: &Value,
    settings: &str,
    answer: impl Fn(&Seen) -> Response + Send + Sync + 'static,
) -> (Stub, Arc<dyn Platform>, Call) {
    let stub = Stub::open(answer).await;
    let settings = format!(
        "document = '''{description}'''\nbase_url = \"{}/base\"\n{settings}",
        stub.url
    );
    let platform = build("", &settings).unwrap_or_else(|problems| panic!("{problems:?}"));
    (stub, platform, Call::new(Priority::Live))
}

/// A description of one resource, with more members of its operations.
fn things(more: &Value) -> Value {
    let mut paths = json!({
        "/things/{id}": {"get": {"operationId": "get"}, "put": {"operationId": "put"}, "patch": {"operationId": "patch"}},
        "/things": {"post": {"operationId": "post"}, "get": {"operationId": "list"}},
        "/things/{id}/files": {"post": {"operationId": "attach"}}
    });
    for (path, operations) in more.as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for (name, value) in operation.as_object().unwrap() {
                paths[path][method][name] = value.clone();
            }
        }
    }
    json!({"openapi": "3.0.0", "info": {"title": "Things", "version": "1"}, "paths": paths})
}

fn thing() -> Value {
    json!({"id": 7, "name": "A thing"})
}

const FETCH: &str = "record_fetch = \"get\"\nrecord_create = \"post\"\nrecord_update = \"patch\"\nattachment_upload = \"attach\"\n";

#[tokio::test]
async fn every_credential_goes_where_it_belongs() {
    for (settings, header, value) in [
        (
            "username = \"u\"\npassword = \"FakePassword\"",
            "authorization",
            "Basic dTpGYWtlUGFzc3dvcmQ=",
        ),
        (
            "bearer_token = \"FakeToken\"",
            "authorization",
            "Bearer FakeToken",
        ),
        (
            "api_key = \"FakeKey\"\napi_key_name = \"X-Key\"",
            "x-key",
            "FakeKey",
        ),
        (
            "api_key = \"FakeKey\"\napi_key_name = \"sid\"\napi_key_in = \"cookie\"",
            "cookie",
            "sid=FakeKey",
        ),
        ("headers = { X-Realm = \"acme\" }", "x-realm", "acme"),
        (
            "authentication = \"none\"\nbearer_token = \"FakeToken\"",
            "authorization",
            "",
        ),
    ] {
        let (stub, platform, call) =
            open(&things(&json!({})), &format!("{FETCH}{settings}"), |_| {
                reply(200, &thing())
            })
            .await;
        platform
            .fetch(&call, &id("7"), Wish::default())
            .await
            .unwrap();
        assert_eq!(stub.last().header(header), value, "{settings}");
        assert_eq!(stub.last().path, "/base/things/7");
        let shown = format!("{:?}", call.take_exchanges());
        assert!(!shown.contains("Fake"), "{shown}");
    }
    let settings =
        format!("{FETCH}api_key = \"FakeKey+/&\"\napi_key_name = \"key\"\napi_key_in = \"query\"");
    let (stub, platform, call) =
        open(&things(&json!({})), &settings, |_| reply(200, &thing())).await;
    platform
        .fetch(&call, &id("7"), Wish::default())
        .await
        .unwrap();
    assert_eq!(stub.last().query, "key=FakeKey%2B%2F%26");
}

#[tokio::test]
async fn tokens_are_got_once_and_renewed_when_refused() {
    let tokens = Arc::new(AtomicU32::new(0));
    let given = tokens.clone();
    let settings = format!(
        "{FETCH}client_id = \"me\"\nclient_secret = \"FakeSecret\"\ntoken_url = \"/token\"\nscope = \"things\""
    );
    let (stub, platform, call) = open(&things(&json!({})), &settings, move |seen| match seen.path.as_str() {
        "/token" => {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            reply(200, &json!({"access_token": format!("FakeToken{number}"), "expires_in": 3600, "token_type": "Bearer"}))
        }
        _ if seen.header("authorization") == "Bearer FakeToken1" && given.load(Ordering::SeqCst) == 1 && seen.path.ends_with("/8") => reply(401, &json!({})),
        _ => reply(200, &thing()),
    })
    .await;
    for _ in 0..3 {
        platform
            .fetch(&call, &id("7"), Wish::default())
            .await
            .unwrap();
    }
    assert_eq!(tokens.load(Ordering::SeqCst), 1);
    let asked = stub.seen()[0].clone();
    assert_eq!(
        (asked.text().as_str(), asked.header("authorization")),
        (
            "grant_type=client_credentials&scope=things",
            "Basic bWU6RmFrZVNlY3JldA=="
        )
    );
    platform
        .fetch(&call, &id("8"), Wish::default())
        .await
        .unwrap();
    assert_eq!(tokens.load(Ordering::SeqCst), 2);
    assert_eq!(stub.last().header("authorization"), "Bearer FakeToken2");
    assert!(!format!("{:?}", call.take_exchanges()).contains("FakeToken"));
}

#[tokio::test]
async fn a_refresh_token_is_used_and_a_wrong_client_is_a_matter_of_the_credential() {
    let settings = format!(
        "{FETCH}client_id = \"me\"\nclient_secret = \"FakeSecret\"\ntoken_url = \"/token\"\nrefresh_token = \"FakeRefresh\"\nclient_credentials_in = \"body\""
    );
    let (stub, platform, call) = open(&things(&json!({})), &settings, |_| {
        reply(
            400,
            &json!({"error": "invalid_grant", "error_description": "worn out"}),
        )
    })
    .await;
    let failure = platform
        .fetch(&call, &id("7"), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Authentication, Effect::None)
    );
    assert!(failure.cause.contains("worn out"), "{failure}");
    assert_eq!(
        stub.last().text(),
        "grant_type=refresh_token&refresh_token=FakeRefresh&client_id=me&client_secret=FakeSecret"
    );
    assert!(platform.probe(&call).await.credential_failure().is_some());
}

#[tokio::test]
async fn a_refresh_token_that_changes_is_followed() {
    let settings = format!(
        "{FETCH}client_id = \"me\"\ntoken_url = \"/token\"\nrefresh_token = \"FakeRefresh0\"\nclient_credentials_in = \"body\""
    );
    let uses = Arc::new(AtomicU32::new(0));
    let (stub, platform, call) = open(&things(&json!({})), &settings, {
        let uses = uses.clone();
        move |seen| {
            if seen.path != "/token" {
                // Each access token is good for one call, as far as the service is concerned.
                let is_first = uses.load(Ordering::SeqCst) == 1;
                return if is_first {
                    reply(401, &json!({}))
                } else {
                    reply(200, &thing())
                };
            }
            let expected = format!(
                "refresh_token=FakeRefresh{}&",
                uses.fetch_add(1, Ordering::SeqCst)
            );
            let next = format!("FakeRefresh{}", uses.load(Ordering::SeqCst));
            if seen.text().contains(&expected) {
                reply(
                    200,
                    &json!({"access_token": "FakeToken", "refresh_token": next}),
                )
            } else {
                reply(
                    400,
                    &json!({"error": "invalid_grant", "error_description": "used twice"}),
                )
            }
        }
    })
    .await;
    let read = platform.fetch(&call, &id("7"), Wish::default()).await;
    read.unwrap();
    assert_eq!(uses.load(Ordering::SeqCst), 2);
    assert_eq!(stub.last().header("authorization"), "Bearer FakeToken");
    assert!(!format!("{:?}", call.take_exchanges()).contains("FakeRefresh"));
}

#[tokio::test]
async fn ids_and_parameters_are_spelt_as_described() {
    let description = things(&json!({"/things/{id}": {"get": {"parameters": [
        {"name": "id", "in": "path", "required": true, "style": "matrix", "schema": {"type": "string"}},
        {"name": "with", "in": "query", "style": "pipeDelimited", "explode": false, "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
        {"name": "X-List", "in": "header", "schema": {"type": "array"}},
        {"name": "tenant", "in": "cookie", "schema": {"type": "string"}},
        {"name": "version", "in": "query", "required": true, "schema": {"type": "integer", "default": 2}}
    ]}}}));
    let settings = "record_fetch = \"GET /things/{id}\"\nparameters = { with = [\"a b\", \"c\"], filter = { open = true }, X-List = [1, 2], tenant = \"acme\" }";
    let (stub, platform, call) = open(&description, settings, |_| reply(200, &thing())).await;
    platform
        .fetch(&call, &id("a/b;c"), Wish::default())
        .await
        .unwrap();
    let seen = stub.last();
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("GET", "/base/things/;id=a%2Fb%3Bc")
    );
    assert_eq!(seen.query, "with=a%20b|c&filter%5Bopen%5D=true&version=2");
    assert_eq!(
        (seen.header("x-list"), seen.header("cookie")),
        ("1,2", "tenant=acme")
    );
}

#[tokio::test]
async fn bodies_are_made_as_described() {
    let body = |media_type: &str| json!({"content": {media_type: {"schema": {"type": "object"}}}});
    let fields =
        || object(json!({"name": "A thing", "tags": ["x", "y"], "at": {"city": "Boston"}}));
    for (media_type, sent, text) in [
        (
            "application/json",
            "application/json",
            "{\"name\":\"A thing\",\"tags\":[\"x\",\"y\"],\"at\":{\"city\":\"Boston\"}}",
        ),
        (
            "application/vnd.things+json",
            "application/vnd.things+json",
            "{\"name\":\"A thing\",\"tags\":[\"x\",\"y\"],\"at\":{\"city\":\"Boston\"}}",
        ),
        (
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded",
            "name=A+thing&tags=x&tags=y&at%5Bcity%5D=Boston",
        ),
    ] {
        let description = things(&json!({"/things": {"post": {"requestBody": body(media_type)}}}));
        let (stub, platform, call) =
            open(&description, FETCH, |_| reply(201, &json!({"id": "n-1"}))).await;
        let created = platform.create(&call, &fields(), &marker(7)).await.unwrap();
        assert_eq!(created.id, id("n-1"));
        assert_eq!(
            (
                stub.last().header("content-type"),
                stub.last().text().as_str()
            ),
            (sent, text)
        );
    }
    let description = things(
        &json!({"/things/{id}": {"patch": {"requestBody": body("application/json-patch+json")}}}),
    );
    let (stub, platform, call) = open(&description, FETCH, |_| reply(200, &thing())).await;
    let record = platform
        .fetch(&call, &id("7"), Wish::default())
        .await
        .unwrap()
        .unwrap();
    platform
        .update(&call, &record, &object(json!({"at": {"city": "Boston"}})))
        .await
        .unwrap();
    assert_eq!(
        stub.last().json(),
        json!([{"op": "add", "path": "/at/city", "value": "Boston"}])
    );
    let xml = things(&json!({"/things": {"post": {"requestBody": body("application/xml")}}}));
    let (_stub, platform, call) = open(&xml, FETCH, |_| reply(201, &thing())).await;
    let failure = platform
        .create(&call, &fields(), &marker(7))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
}

#[tokio::test]
async fn files_go_as_bytes_or_as_base64_where_described_so() {
    let file = || FileContent {
        name: "a \"b\".txt".into(),
        media_type: "text/plain".into(),
        bytes: Bytes::from_static(b"hello"),
    };
    let description = things(
        &json!({"/things/{id}/files": {"post": {"requestBody": {"content": {"application/octet-stream": {}}}}}}),
    );
    let (stub, platform, call) = open(&description, FETCH, |_| reply(201, &json!({"id": 3}))).await;
    assert_eq!(
        platform.attach(&call, &id("7"), &file()).await.unwrap(),
        Some("3".into())
    );
    let seen = stub.last();
    assert_eq!(
        (seen.text().as_str(), seen.header("content-type")),
        ("hello", "application/octet-stream")
    );
    assert_eq!(
        seen.header("content-disposition"),
        "attachment; filename=\"a _b_.txt\"; filename*=UTF-8''a%20%22b%22%2Etxt"
    );

    let schema = json!({"type": "object", "properties": {"fileName": {"type": "string"}, "mimeType": {"type": "string"}, "payload": {"type": "string", "format": "byte"}}});
    let description = things(
        &json!({"/things/{id}/files": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}}),
    );
    let (stub, platform, call) = open(&description, FETCH, |_| {
        (axum::http::StatusCode::NO_CONTENT).into_response()
    })
    .await;
    assert_eq!(
        platform.attach(&call, &id("7"), &file()).await.unwrap(),
        None
    );
    assert_eq!(
        stub.last().json(),
        json!({"payload": "aGVsbG8=", "fileName": "a \"b\".txt", "mimeType": "text/plain"})
    );
}

#[tokio::test]
async fn records_are_found_in_their_envelopes() {
    for (settings, answer, found) in [
        ("", json!({"id": 7, "name": "x"}), true),
        (
            "envelope = \"result.thing\"\n",
            json!({"result": {"thing": {"id": 7}}}),
            true,
        ),
        (
            "envelope = \"items\"\n",
            json!({"items": [{"id": 7}]}),
            true,
        ),
        ("envelope = \"items\"\n", json!({"items": []}), false),
        ("envelope = \"item\"\n", json!({"item": null}), false),
        ("", json!([]), false),
    ] {
        let (_stub, platform, call) = open(
            &things(&json!({})),
            &format!("{FETCH}{settings}"),
            move |_| reply(200, &answer),
        )
        .await;
        let record = platform
            .fetch(&call, &id("7"), Wish::default())
            .await
            .unwrap();
        assert_eq!(record.is_some(), found, "{settings}");
    }
    let (_stub, platform, call) = open(
        &things(&json!({})),
        &format!("{FETCH}envelope = \"data\"\n"),
        |_| reply(200, &thing()),
    )
    .await;
    let failure = platform
        .fetch(&call, &id("7"), Wish::default())
        .await
        .unwrap_err();
    assert!(
        failure.category == Category::Configuration && failure.cause.contains("id, name"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_create_without_an_id_asks_a_person() {
    let (_stub, platform, call) = open(&things(&json!({})), FETCH, |_| {
        reply(202, &json!({"queued": true}))
    })
    .await;
    let failure = platform
        .create(&call, &object(json!({"name": "x"})), &marker(7))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Uncertain, Effect::Unknown)
    );
}

#[tokio::test]
async fn a_create_without_an_id_is_found_by_its_marker() {
    let settings = format!("{FETCH}record_list = \"list\"\nmarker_field = \"reference\"\n");
    let create = async |list: Value| {
        let answer = move |seen: &Seen| match seen.method.as_str() {
            "GET" => reply(200, &list),
            _ => reply(202, &json!({"queued": true})),
        };
        let (_stub, platform, call) = open(&things(&json!({})), &settings, answer).await;
        let fields = object(json!({"name": "x"}));
        platform.create(&call, &fields, &marker(7)).await
    };
    let one = json!({"id": 7, "reference": "FN-7"});
    let other = json!({"id": 8, "reference": "FN-70"});
    let created = create(json!([other, one])).await.unwrap();
    assert_eq!((created.id, created.existed), (id("7"), false));
    // It was created, so that a list without it is behind and proves nothing.
    let twice = json!([one, {"id": 9, "reference": "FN-7"}]);
    for (list, told) in [(json!([other]), "shows no record"), (twice, "2 records")] {
        let failure = create(list).await.unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Uncertain, Effect::Unknown)
        );
        assert!(failure.cause.contains(told), "{}", failure.cause);
    }
}

#[tokio::test]
async fn a_list_that_takes_no_marker_is_asked_for_what_changed_since() {
    let settings = format!(
        "{FETCH}record_list = \"list\"\nmarker_field = \"reference\"\nsince_parameter = \"since\"\n"
    );
    let more = json!({"/things": {"get": {"parameters": [
        {"name": "since", "in": "query", "schema": {"type": "string", "format": "date-time"}}
    ]}}});
    let answer = |_: &Seen| reply(200, &json!([{"id": 7, "reference": "FN-7"}]));
    let (stub, platform, call) = open(&things(&more), &settings, answer).await;
    let intended_at = "2026-03-01T12:10:00Z".parse().unwrap();
    let found = platform.find(&call, &marker(7), intended_at).await;
    assert_eq!(found, Ok(Found::Records(vec![id("7")])));
    let query = stub.last().query;
    assert!(query.contains("2026-03-01T12%3A00%3A00Z"), "{query}");
}

#[tokio::test]
async fn pages_instead_of_data_and_redirects_are_told() {
    let page = |_: &Seen| ([("content-type", "text/html")], "<html>Sign in</html>").into_response();
    let (_stub, platform, call) = open(&things(&json!({})), FETCH, page).await;
    let failure = platform
        .fetch(&call, &id("7"), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Server);
    let away = |_: &Seen| {
        (
            axum::http::StatusCode::FOUND,
            [("location", "https://elsewhere.example/")],
        )
            .into_response()
    };
    let (stub, platform, call) = open(&things(&json!({})), FETCH, away).await;
    let failure = platform
        .fetch(&call, &id("7"), Wish::default())
        .await
        .unwrap_err();
    assert!(
        failure.category == Category::Configuration && failure.cause.contains("elsewhere.example")
    );
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn an_update_without_a_parameter_names_the_record_in_its_body() {
    let mut description = things(&json!({}));
    description["paths"]["/update"] = json!({"post": {"operationId": "update"}});
    let settings = "record_fetch = \"get\"\nrecord_update = \"update\"\n";
    let (stub, platform, call) = open(&description, settings, |_| reply(200, &thing())).await;
    let record = platform
        .fetch(&call, &id("7"), Wish::default())
        .await
        .unwrap()
        .unwrap();
    platform
        .update(&call, &record, &object(json!({"name": "y"})))
        .await
        .unwrap();
    assert_eq!(stub.last().json(), json!({"name": "y", "id": "7"}));
}

#[test]
fn wrong_settings_are_all_told_at_once() {
    let settings = format!(
        "document = '''{}'''\nrecord_fetch = \"nothing\"\nrecord_update = \"PUT /nowhere\"\nenvelope = \"a[\"\napi_key = \"FakeKey\"\ntrigger_on_field = \"status\"\ntrigger_signature_header = \"X-S\"\nusername = \"u\"\npassword = \"FakePassword\"\nbearer_token = \"FakeToken\"\n",
        things(&json!({}))
    );
    let problems = build("", &settings).err().unwrap();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    for part in [
        "settings.record_fetch",
        "settings.record_update",
        "settings.envelope",
        "settings.api_key_name",
        "settings.trigger_on_values",
        "settings.trigger_signature_header",
        "settings.authentication",
        "settings.base_url",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let problems = build(
        "",
        "document = \"no/such/file.yaml\"\nrecord_fetch = \"x\"\n",
    )
    .err()
    .unwrap();
    assert!(problems[0].to_string().contains("settings.document"));
}
