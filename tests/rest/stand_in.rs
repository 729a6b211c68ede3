//! The made-up service, driven over HTTP as its own description says, never by our adapter.

use std::sync::Arc;

use axum::http::Method;
use fieldbridge::model::{Timestamp, TokioClock};
use fieldbridge::openapi::Document;
use fieldbridge::sandbox::{
    Deed, Deliveries, Doer, Fault, FaultKind, REST_DESCRIPTION, RateLimit, Rest, RestSettings,
    ServiceDesk, Thing,
};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use super::sandbox_support::{Subscriber, client};

struct Bench {
    service: Rest,
    http: reqwest::Client,
}

impl Bench {
    async fn start(settings: RestSettings) -> Self {
        Self {
            service: Rest::start(settings, Arc::new(TokioClock::start()), 1)
                .await
                .unwrap(),
            http: client(),
        }
    }

    async fn plain() -> Self {
        Self::start(RestSettings::default()).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.service.rest_url());
        self.http
            .request(method, url)
            .header("x-harbour-key", RestSettings::default().api_key)
    }

    async fn send(&self, method: Method, path: &str, media_type: &str, body: &Value) -> Response {
        let request = self
            .request(method, path)
            .header("content-type", media_type);
        request.body(body.to_string()).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    async fn create(&self, ticket: &Value) -> String {
        let response = self
            .send(Method::POST, "/tickets", JSON, &json!({"ticket": ticket}))
            .await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(response.text().await.unwrap(), "");
        location.rsplit('/').next().unwrap().to_owned()
    }

    async fn ticket(&self, id: &str) -> Value {
        let answer: Value = self
            .get(&format!("/tickets/{id}"))
            .await
            .json()
            .await
            .unwrap();
        answer["data"].clone()
    }
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

async fn problem(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    (status, body)
}

#[tokio::test]
async fn a_ticket_is_opened_read_and_changed() {
    let bench = Bench::plain().await;
    let id = bench
        .create(&json!({"subject": "Printer jams", "site": {"city": "Austin", "state": "TX"}}))
        .await;
    assert_eq!(id, "TK-1001");
    let ticket = bench.ticket(&id).await;
    assert_eq!(
        (&ticket["status"], &ticket["priority"]),
        (&json!("new"), &json!(3))
    );
    let change =
        json!({"ticket": {"status": "assigned", "site": {"zip": "78701"}, "description": null}});
    let response = bench
        .send(Method::PATCH, "/tickets/TK-1001", MERGE, &change)
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    let ticket = bench.ticket(&id).await;
    assert_eq!(ticket["site"]["city"], "Austin");
    assert_eq!(ticket["site"]["zip"], "78701");
    let moment = |key: &str| ticket[key].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(moment("updatedAt") > moment("createdAt"));
    let whole = json!({"ticket": {"subject": "Replaced"}});
    let response = bench
        .send(Method::PUT, "/tickets/TK-1001", JSON, &whole)
        .await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let ticket = bench.ticket(&id).await;
    assert_eq!(
        (&ticket["status"], &ticket["site"]["city"]),
        (&json!("new"), &Value::Null)
    );
    assert_eq!(
        bench
            .service
            .journal()
            .count(Deed::Updated, Thing::Ticket, Doer::Api),
        2
    );
}

#[tokio::test]
async fn what_the_description_forbids_is_refused() {
    let bench = Bench::plain().await;
    bench.create(&json!({"subject": "x"})).await;
    for (method, path, media_type, body, status) in [
        (
            Method::POST,
            "/tickets",
            "text/plain",
            json!({"ticket": {"subject": "x"}}),
            415,
        ),
        (
            Method::PATCH,
            "/tickets/TK-1001",
            JSON,
            json!({"ticket": {}}),
            415,
        ),
        (Method::POST, "/tickets", JSON, json!({"subject": "x"}), 422),
        (
            Method::POST,
            "/tickets",
            JSON,
            json!({"ticket": {"description": "x"}}),
            422,
        ),
        (
            Method::POST,
            "/tickets",
            JSON,
            json!({"ticket": {"subject": "x", "colour": 1}}),
            422,
        ),
        (Method::POST, "/tickets", JSON, json!("x"), 400),
        (
            Method::PATCH,
            "/tickets/TK-1001",
            MERGE,
            json!({"ticket": {"id": "TK-7"}}),
            422,
        ),
        (
            Method::PATCH,
            "/tickets/TK-1001",
            MERGE,
            json!({"ticket": {"status": "open"}}),
            422,
        ),
        (
            Method::PATCH,
            "/tickets/TK-9",
            MERGE,
            json!({"ticket": {}}),
            404,
        ),
        (
            Method::PATCH,
            "/tickets/1001",
            MERGE,
            json!({"ticket": {}}),
            404,
        ),
        (Method::DELETE, "/tickets/TK-1001", JSON, json!({}), 405),
        (Method::GET, "/nowhere", JSON, json!({}), 404),
        (Method::GET, "/tickets?colour=red", JSON, json!({}), 400),
        (Method::GET, "/tickets?pageSize=1000", JSON, json!({}), 400),
    ] {
        let (found, body) =
            problem(bench.send(method.clone(), path, media_type, &body).await).await;
        assert_eq!(found, status, "{method} {path}: {body}");
    }
    let (_, body) = problem(
        bench
            .send(
                Method::POST,
                "/tickets",
                JSON,
                &json!({"ticket": {"subject": "", "site": {"zip": 5}}}),
            )
            .await,
    )
    .await;
    assert_eq!(
        body["errors"][1],
        json!({"field": "site.zip", "message": "must be a text"})
    );
    assert_eq!(
        bench.service.journal().entries_after(0).len(),
        1,
        "refusals write nothing"
    );
}

#[tokio::test]
async fn nobody_gets_in_without_the_key_and_the_description_is_public() {
    let bench = Bench::plain().await;
    let url = format!("{}/tickets", bench.service.rest_url());
    for key in ["", "wrong"] {
        let response = bench
            .http
            .get(&url)
            .header("x-harbour-key", key)
            .send()
            .await
            .unwrap();
        assert_eq!(problem(response).await.0, 401);
    }
    let url = format!("{}/openapi.yaml", bench.service.rest_url());
    let text = bench
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let document = Document::parse("the service", &text).unwrap();
    assert_eq!(document.problems, [""; 0]);
    assert_eq!(document.operations.len(), 7);
    assert_eq!(text, REST_DESCRIPTION);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let bench = Bench::plain().await;
    for number in 0..5 {
        bench.create(&json!({"subject": format!("Ticket {number}"), "externalReference": format!("FN-{number}")})).await;
    }
    let answer: Value = bench
        .get("/tickets?externalReference=FN-3")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(answer["data"].as_array().unwrap().len(), 1);
    assert_eq!(answer["data"][0]["id"], "TK-1004");
    let mut next = Some(format!(
        "{}/tickets?pageSize=2&status=new,closed",
        bench.service.rest_url()
    ));
    let mut seen = Vec::new();
    while let Some(url) = next {
        let response = bench
            .http
            .get(url)
            .header("x-harbour-key", "not-a-real-harbour-key")
            .send()
            .await
            .unwrap();
        let link = response
            .headers()
            .get("link")
            .map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| link[1..link.find('>').unwrap()].to_owned());
        let answer: Value = response.json().await.unwrap();
        seen.extend(
            answer["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(
        seen,
        ["TK-1001", "TK-1002", "TK-1003", "TK-1004", "TK-1005"]
    );
    let later: Value = bench
        .get("/tickets?updatedSince=2999-01-01T00:00:00Z")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(later, json!({"data": []}));
}

#[tokio::test]
async fn files_are_attached_within_the_limit() {
    let bench = Bench::plain().await;
    bench.create(&json!({"subject": "x"})).await;
    let attach = |form: Form| {
        bench
            .request(Method::POST, "/tickets/TK-1001/attachments")
            .multipart(form)
            .send()
    };
    let file = |bytes: Vec<u8>| {
        Part::bytes(bytes)
            .file_name("photo.png")
            .mime_str("image/png")
            .unwrap()
    };
    let response = attach(
        Form::new()
            .part("document", file(vec![1, 2, 3]))
            .text("caption", "before"),
    )
    .await
    .unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let ticket = bench.ticket("TK-1001").await;
    assert_eq!(
        ticket["attachments"][0],
        json!({"id": 1, "name": "photo.png", "mediaType": "image/png", "size": 3, "caption": "before"})
    );
    let refused = attach(Form::new().part("file", file(vec![1])))
        .await
        .unwrap();
    assert_eq!(problem(refused).await.0, 422);
    let refused = attach(Form::new().text("document", "no name"))
        .await
        .unwrap();
    assert_eq!(problem(refused).await.0, 422);
    let refused = attach(Form::new().part("document", file(vec![0; 5 * 1024 * 1024 + 1])))
        .await
        .unwrap();
    assert_eq!(problem(refused).await.0, 413);
    let refused = bench
        .send(
            Method::POST,
            "/tickets/TK-1001/attachments",
            JSON,
            &json!({}),
        )
        .await;
    assert_eq!(problem(refused).await.0, 415);
}

#[tokio::test]
async fn changes_are_told_signed_and_again_after_a_failure() {
    let settings = RestSettings {
        deliveries: Deliveries::Paced(0.0),
        ..RestSettings::default()
    };
    let bench = Bench::start(settings).await;
    let mut subscriber = Subscriber::answering(&[503]).await;
    bench
        .service
        .set_hook(format!("{}/hook?client_token=t", subscriber.url));
    bench.create(&json!({"subject": "x"})).await;
    let (first, second) = (subscriber.next().await, subscriber.next().await);
    assert_eq!(first.body, second.body);
    assert_eq!(first.json()["ticket"]["id"], "TK-1001");
    assert_eq!(first.json()["event"], "ticket.created");
    assert_eq!(
        first.header("x-harbour-delivery"),
        second.header("x-harbour-delivery")
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(b"not-a-real-hook-secret").unwrap();
    mac.update(&first.body);
    let wanted = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    assert_eq!(first.header("x-harbour-signature"), wanted);
    bench.service.add_note(1001, "on my way").unwrap();
    assert_eq!(subscriber.next().await.json()["event"], "ticket.updated");
    assert_eq!(
        bench.ticket("TK-1001").await["comments"][0]["text"],
        "on my way"
    );
}

#[tokio::test]
async fn the_limit_and_faults_are_problems_too() {
    let settings = RestSettings {
        rate_limit: Some(RateLimit::per_minute(2)),
        ..RestSettings::default()
    };
    let bench = Bench::start(settings).await;
    assert_eq!(
        bench.get("/tickets").await.headers()["x-ratelimit-remaining"],
        "1"
    );
    bench.get("/tickets").await;
    let refused = bench.get("/tickets").await;
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(problem(refused).await.0, 429);
    bench
        .service
        .faults()
        .push(Fault::once(FaultKind::ServerError { status: 503 }));
    assert_eq!(problem(bench.get("/tickets").await).await.0, 503);
}

#[tokio::test]
async fn what_people_do_is_journaled_as_theirs() {
    let bench = Bench::plain().await;
    bench
        .create(&json!({"subject": "x", "externalReference": "FN-7"}))
        .await;
    bench.service.dispatch(1001).unwrap();
    assert_eq!(bench.service.is_closed(1001), Some(false));
    assert_eq!(bench.service.is_closed(7), None);
    assert_eq!(bench.service.ticket_of("TK-1001"), Some(1001));
    assert_eq!(bench.service.ticket_of("1001"), None);
    let last = bench.service.journal().entries_after(1);
    assert_eq!(
        (last[0].by, last[0].marker.as_deref()),
        (Doer::Person, Some("FN-7"))
    );
    assert_eq!(bench.service.tickets_by_reference()["FN-7"], [1001]);
    bench.service.stop().await;
}
