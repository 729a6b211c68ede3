//! The record service, queries, metadata, the RESTlet and the scripts of the stand-in.

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fieldbridge::sandbox::{
    Deed, Deliveries, Doer, Fault, FaultKind, NetSuiteRight, NetSuiteSettings, Saves, ScriptBody,
    Thing, UserEventScript,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::bench::quiet;
use crate::integrator::{Integrator, refusal};
use crate::sandbox_support::Subscriber;

#[tokio::test]
async fn a_case_is_created_read_changed_and_deleted() {
    let integrator = Integrator::meets(quiet()).await;
    let shared = std::env::var("FIELDBRIDGE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let sample = format!("{shared}/samples/netsuite/doc_create_supportcase_request.json");
    let body = match std::fs::read_to_string(sample) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(_) => {
            println!("skipped: the samples are not here");
            json!({"title": "some subject", "company": {"id": 931}})
        }
    };
    let id = integrator.create(&body).await;
    let path = format!("/record/v1/supportCase/{id}");
    let case = integrator.get(&path).await;
    assert_eq!(case["title"], "some subject");
    assert_eq!(case["company"]["refName"], "Harborlight Retail");
    let href = case["company"]["links"][0]["href"].as_str().unwrap();
    assert!(href.ends_with("/services/rest/record/v1/customer/931"));
    assert_eq!(case["status"], json!({"id": "1", "refName": "Not Started"}));
    assert!(case.get("phone").is_none(), "null fields are absent");
    let change =
        json!({"status": {"id": "3"}, "phone": "555-0100", "custevent_fn_work_order": "FN-7"});
    let changed = integrator.send(Method::PATCH, &path, &change).await;
    assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    let only = integrator.get(&format!("{path}?fields=status,phone")).await;
    assert_eq!(only["status"]["refName"], "Escalated");
    assert_eq!(only["phone"], "555-0100");
    assert!(only.get("title").is_none());
    let cleared = integrator
        .send(Method::PATCH, &path, &json!({"phone": null}))
        .await;
    assert_eq!(cleared.status(), StatusCode::NO_CONTENT);
    assert!(integrator.get(&path).await.get("phone").is_none());
    assert_eq!(
        integrator.netsuite.cases_by_correlation_value()["FN-7"],
        [id]
    );
    let deleted = integrator
        .request(&Method::DELETE, &path)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    let gone = integrator
        .request(&Method::GET, &path)
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(gone).await,
        (404, "NONEXISTENT_ID".to_owned(), Value::Null)
    );
}

#[tokio::test]
async fn what_a_body_holds_is_checked() {
    let integrator = Integrator::meets(quiet()).await;
    let post = async |body: Value| {
        let response = integrator
            .send(Method::POST, "/record/v1/supportCase", &body)
            .await;
        let (status, code, place) = refusal(response).await;
        assert_eq!((status, code.as_str()), (400, "INVALID_CONTENT"), "{body}");
        place
    };
    let with = |name: &str, value: Value| {
        let mut body = json!({"title": "t", "company": {"id": "931"}});
        body[name] = value;
        body
    };
    assert_eq!(post(json!({"company": {"id": 931}})).await, "title");
    for (name, value) in [
        ("nonsense", json!(1)),
        ("outgoingMessage", json!("hidden from REST")),
        ("externalId", json!("FN-1")),
        ("lastModifiedDate", json!("2026-03-01T12:00:00Z")),
        ("status", json!({"id": "9999"})),
        ("status", json!("5")),
        ("status", json!({"refName": "Closed"})),
        ("company", json!({"id": 5})),
        ("title", json!(5)),
        ("custevent_lift_needed", json!("true")),
        ("custevent_fn_start", json!("2026-03-01 12:00:00")),
        ("startDate", json!("3/1/2026")),
    ] {
        assert_eq!(post(with(name, value)).await, name);
    }
    assert!(integrator.netsuite.case_ids().is_empty());
}

#[tokio::test]
async fn unknown_names_are_ignored_unless_they_are_to_be_checked() {
    let integrator = Integrator::meets(quiet()).await;
    let body = json!({"title": "t", "company": {"id": 931}, "nonsense": 1});
    let path = "/record/v1/supportCase";
    let request = || integrator.request(&Method::POST, path).json(&body);
    let created = request().send().await.unwrap();
    assert_eq!(created.status(), StatusCode::NO_CONTENT);
    let odd = request().header("x-netsuite-propertynamevalidation", "loud");
    let (status, _, place) = refusal(odd.send().await.unwrap()).await;
    assert_eq!(
        (status, place),
        (400, json!("X-NetSuite-PropertyNameValidation"))
    );
    let plain = integrator
        .request(&Method::POST, path)
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn external_ids_make_upserts_but_not_for_cases() {
    let integrator = Integrator::meets(quiet()).await;
    let case = integrator.create(&json!({})).await;
    let path = "/record/v1/customrecord_fn_visit/eid:FN-schedule-1";
    let body = json!({"name": "Visit", "custrecord_fn_visit_case": {"id": case}});
    let created = integrator.send(Method::PUT, path, &body).await;
    assert_eq!(created.status(), StatusCode::NO_CONTENT);
    assert!(created.headers().contains_key("location"));
    let changed = integrator
        .send(Method::PUT, path, &json!({"name": "Later"}))
        .await;
    assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    assert!(!changed.headers().contains_key("location"));
    let visit = integrator.get(path).await;
    assert_eq!(visit["name"], "Later");
    assert_eq!(visit["externalId"], "FN-schedule-1");
    assert_eq!(visit["custrecord_fn_visit_case"]["id"], case.to_string());
    let case = integrator
        .send(
            Method::PUT,
            "/record/v1/supportCase/eid:FN-1",
            &json!({"title": "t"}),
        )
        .await;
    assert_eq!(case.status(), StatusCode::NOT_FOUND);
    let odd = integrator
        .send(
            Method::PUT,
            "/record/v1/customrecord_fn_visit/eid:a%7Cb",
            &body,
        )
        .await;
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn lists_are_filtered_and_paged_by_whole_pages() {
    let integrator = Integrator::meets(quiet()).await;
    for number in 0..5 {
        let field = json!({"title": format!("case {number}"), "custevent_fn_work_order": format!("FN-{number}")});
        integrator.create(&field).await;
    }
    let path = "/record/v1/supportCase";
    let page = integrator.get(&format!("{path}?limit=2&offset=2")).await;
    assert_eq!(
        (&page["count"], &page["totalResults"]),
        (&json!(2), &json!(5))
    );
    assert_eq!(page["hasMore"], true);
    let rels: Vec<_> = page["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| &link["rel"])
        .collect();
    assert_eq!(rels, ["self", "next"]);
    assert!(
        page["items"][0].get("title").is_none(),
        "items hold id and link alone"
    );
    let uneven = integrator.request(&Method::GET, &format!("{path}?limit=2&offset=3"));
    assert_eq!(refusal(uneven.send().await.unwrap()).await.2, "offset");
    let count = async |q: &str| {
        let encoded: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let response = integrator.request(&Method::GET, &format!("{path}?q={encoded}"));
        let response = response.send().await.unwrap();
        if response.status() == StatusCode::OK {
            let body: Value = response.json().await.unwrap();
            body["count"].as_u64()
        } else {
            assert_eq!(refusal(response).await.2, "q");
            None
        }
    };
    assert_eq!(count("custevent_fn_work_order IS \"FN-3\"").await, Some(1));
    assert_eq!(
        count("title START_WITH \"case\" AND custevent_fn_work_order IS \"FN-3\"").await,
        Some(1)
    );
    assert_eq!(count("title CONTAIN 4").await, Some(1));
    assert_eq!(count("id ANY_OF [1001, 1002]").await, Some(2));
    for wrong in ["nonsense IS 1", "title LIKES x", "title IS \"x", "title"] {
        assert_eq!(count(wrong).await, None, "{wrong}");
    }
}

#[tokio::test]
async fn suiteql_answers_texts_to_those_who_want_transient_results() {
    let integrator = Integrator::meets(quiet()).await;
    let first = integrator.create(&json!({})).await;
    integrator
        .clock
        .advance(std::time::Duration::from_secs(3_600));
    let second = integrator.create(&json!({})).await;
    let ask = async |q: &str, params: Value| {
        let request = integrator.request(&Method::POST, "/query/v1/suiteql?limit=10&offset=0");
        let request = request.header("prefer", "transient");
        request
            .json(&json!({"q": q, "params": params}))
            .send()
            .await
            .unwrap()
    };
    let answer = ask(
        "SELECT id, lastmodifieddate FROM supportcase WHERE id = ?",
        json!([first.to_string()]),
    )
    .await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        body["items"],
        json!([{"links": [], "id": first.to_string(), "lastmodifieddate": "3/1/2026"}])
    );
    // Noon in Greenwich is four in the morning in the account's zone.
    let since = "SELECT id FROM supportcase WHERE lastmodifieddate >= TO_DATE(?, 'YYYY-MM-DD HH24:MI:SS') AND id > ? ORDER BY id";
    let answer = ask(since, json!(["2026-03-01 04:30:00", "0"])).await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        body["items"],
        json!([{"links": [], "id": second.to_string()}])
    );
    for wrong in [
        "SELECT id FROM nothing",
        "SELECT nonsense FROM supportcase",
        "DELETE FROM supportcase",
        "SELECT id FROM supportcase WHERE id = ?",
    ] {
        let answer = ask(wrong, json!([])).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    let request = integrator.request(&Method::POST, "/query/v1/suiteql");
    let lasting = request
        .json(&json!({"q": "SELECT id FROM supportcase"}))
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(lasting).await.2, "Prefer");
}

#[tokio::test]
async fn record_types_and_lists_are_described() {
    let integrator = Integrator::meets(quiet()).await;
    let catalog = integrator
        .get("/record/v1/metadata-catalog?select=supportCase")
        .await;
    assert_eq!(catalog["items"][0]["name"], "supportCase");
    let request = integrator.request(&Method::GET, "/record/v1/metadata-catalog/supportCase");
    let schema = request
        .header("accept", "application/schema+json")
        .send()
        .await
        .unwrap();
    let schema: Value = schema.json().await.unwrap();
    assert_eq!(
        schema["properties"]["custevent_fn_start"]["format"],
        "date-time"
    );
    assert_eq!(
        schema["properties"]["custevent_fn_start"]["x-ns-custom-field"],
        true
    );
    assert!(
        schema["properties"]["outgoingMessage"].is_object(),
        "listed, though not accessible"
    );
    let request = integrator.request(&Method::POST, "/record/v1/supportCase?fields=status");
    let accept = "application/vnd.oracle.resource+json; type=select-options";
    let options = request.header("accept", accept).send().await.unwrap();
    let options: Value = options.json().await.unwrap();
    assert_eq!(
        options["status"]["_selectOptions"]["items"][4],
        json!({"id": 5, "refName": "Closed"})
    );
    let unknown = integrator.request(&Method::GET, "/record/v1/metadata-catalog/serviceOrder");
    assert_eq!(
        unknown.send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
    let unknown = integrator.request(&Method::GET, "/record/v1/serviceOrder");
    assert_eq!(
        unknown.send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_missing_right_is_a_403_that_names_it() {
    let integrator = Integrator::meets(quiet()).await;
    let id = integrator.create(&json!({})).await;
    integrator
        .netsuite
        .withhold(&[NetSuiteRight::EditCases, NetSuiteRight::SuiteQl]);
    let path = format!("/record/v1/supportCase/{id}");
    integrator.get(&path).await;
    let refused = integrator
        .send(Method::PATCH, &path, &json!({"phone": "1"}))
        .await;
    assert_eq!(refusal(refused).await.1, "INSUFFICIENT_PERMISSION");
    let request = integrator.request(&Method::POST, "/query/v1/suiteql");
    let refused = request
        .header("prefer", "transient")
        .json(&json!({"q": "SELECT id FROM supportcase"}));
    assert_eq!(
        refused.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn the_restlet_carries_messages_and_files() {
    let integrator = Integrator::meets(quiet()).await;
    let id = integrator.create(&json!({})).await;
    let ask = async |body: Value| {
        let mut body = body;
        body["type"] = json!("supportcase");
        body["id"] = json!(id.to_string());
        let response = integrator.script(&body).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<Value>().await.unwrap()
    };
    let ping = ask(json!({"action": "ping"})).await;
    assert_eq!(
        ping,
        json!({"header": {"status": "SUCCESS"}, "body": {"version": 1, "storesFiles": true}})
    );
    ask(json!({"action": "addMessage", "text": "on my way", "internalOnly": true})).await;
    let stored = ask(json!({"action": "upload", "name": "a.txt", "size": 5, "contents": STANDARD.encode("hello")})).await;
    let again = ask(json!({"action": "upload", "name": "a.txt", "size": 5, "contents": STANDARD.encode("hello")})).await;
    assert_eq!(stored["body"]["id"], again["body"]["id"]);
    let other = ask(
        json!({"action": "upload", "name": "a.txt", "size": 2, "contents": STANDARD.encode("hi")}),
    )
    .await;
    assert_ne!(stored["body"]["id"], other["body"]["id"]);
    let file = stored["body"]["id"].as_str().unwrap();
    let hidden = ask(json!({"action": "download", "file": file})).await;
    assert_eq!(
        hidden["body"]["errorCode"], "FB_NOT_FOUND",
        "it is not attached yet"
    );
    let attach = format!("/record/v1/supportCase/{id}/!attach/file/{file}");
    let attached = integrator
        .request(&Method::POST, &attach)
        .send()
        .await
        .unwrap();
    assert_eq!(attached.status(), StatusCode::NO_CONTENT);
    let listed = ask(json!({"action": "list", "messages": true, "files": true})).await;
    assert_eq!(listed["body"]["messages"][0]["text"], "on my way");
    assert_eq!(listed["body"]["messages"][0]["byUs"], true);
    assert_eq!(listed["body"]["files"][0]["size"], 5);
    let given = ask(json!({"action": "download", "file": file})).await;
    assert_eq!(given["body"]["contents"], STANDARD.encode("hello"));
    let unknown = ask(json!({"action": "format"})).await;
    assert_eq!(unknown["header"]["status"], "ERROR");
    let wrong = "/app/site/hosting/restlet.nl?script=customscript_other&deploy=1";
    let wrong = integrator
        .request(&Method::POST, wrong)
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let wrong: Value = wrong.json().await.unwrap();
    assert_eq!(wrong["error"]["code"], "SSS_INVALID_SCRIPTLET_ID");
}

#[tokio::test]
async fn the_pool_is_one_and_each_service_refuses_in_its_own_words() {
    let settings = NetSuiteSettings {
        requests_at_once: Some(0),
        ..quiet()
    };
    let integrator = Integrator::meets(settings).await;
    let rest = integrator
        .request(&Method::GET, "/system/v1/serverTime")
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(rest).await,
        (429, "CONCURRENCY_LIMIT_EXCEEDED".to_owned(), Value::Null)
    );
    let script = integrator.script(&json!({"action": "ping"})).await;
    assert_eq!(script.status(), StatusCode::BAD_REQUEST);
    let script: Value = script.json().await.unwrap();
    assert_eq!(script["error"]["code"], "SSS_REQUEST_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn trouble_strikes_on_demand() {
    let integrator = Integrator::meets(quiet()).await;
    let faults = integrator.netsuite.faults();
    faults.push(Fault::once(FaultKind::ServerError { status: 500 }));
    let failed = integrator
        .request(&Method::GET, "/system/v1/serverTime")
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(failed).await.1, "UNEXPECTED_ERROR");
    faults.push(
        Fault::once(FaultKind::RateLimited {
            retry_after_seconds: 5,
        })
        .on(&Method::POST, "restlet.nl"),
    );
    let full = integrator.script(&json!({"action": "ping"})).await;
    assert_eq!(full.status(), StatusCode::BAD_REQUEST);
    faults.push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/supportCase"));
    let body = json!({"title": "t", "company": {"id": 931}});
    let request = integrator
        .request(&Method::POST, "/record/v1/supportCase")
        .json(&body);
    assert!(request.send().await.is_err());
    assert_eq!(
        integrator.netsuite.case_ids().len(),
        1,
        "it took effect all the same"
    );
    let journal = integrator.netsuite.journal();
    assert_eq!(journal.count(Deed::Created, Thing::Ticket, Doer::Api), 1);
}

#[tokio::test]
async fn scripts_post_once_after_each_save() {
    let settings = NetSuiteSettings {
        deliveries: Deliveries::REAL,
        ..NetSuiteSettings::default()
    };
    let integrator = Integrator::meets(settings).await;
    let mut subscriber = Subscriber::answering(&[503]).await;
    let mut script = UserEventScript::shipped(&subscriber.url);
    script.secret = Some("fake-secret".to_owned());
    script.saves = Saves::ButTheIntegration;
    integrator.netsuite.deploy(vec![script]);
    let members = json!({"title": "t"});
    let id = integrator.netsuite.open_case(&members).unwrap();
    let received = subscriber.next().await;
    assert_eq!(
        received.json(),
        json!({"record_type": "supportcase", "id": id.to_string(), "event": "create"})
    );
    assert_eq!(received.header("x-fieldbridge-secret"), "fake-secret");
    integrator.create(&json!({})).await;
    integrator.netsuite.add_message(id, "hello").unwrap();
    let received = subscriber.next().await;
    assert_eq!(
        received.json()["event"],
        "edit",
        "the integration's own save was left out"
    );
    let mut own = UserEventScript::shipped(&subscriber.url);
    own.body = ScriptBody::Own("{\"recordId\":{id},\"recordType\":\"{type}\"".to_owned());
    integrator.netsuite.deploy(vec![own]);
    integrator.netsuite.set_status(id, 6).unwrap();
    let received = subscriber.next().await;
    assert_eq!(
        received.body,
        format!("{{\"recordId\":{id},\"recordType\":\"supportcase\"").as_bytes()
    );
    while integrator.netsuite.deliveries_under_way() > 0 {
        tokio::task::yield_now().await;
    }
    let journal = integrator.netsuite.journal();
    assert_eq!(
        journal.count(Deed::Removed, Thing::Delivery, Doer::System),
        1
    );
    assert_eq!(subscriber.waiting(), 0, "a refused call is not repeated");
}
