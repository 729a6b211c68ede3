//! The stand-in, driven over HTTP as the vendor's documents say, never by our own adapter.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fieldbridge::model::{ManualClock, TokioClock};
use fieldbridge::sandbox::{
    Autotask, AutotaskAccess, AutotaskSettings, Deed, Deliveries, Doer, Fault, FaultKind,
    NotePublish, RateLimit, Thing, WebhookBody,
};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::sandbox_support::{Subscriber, client};

struct Bench {
    autotask: Autotask,
    http: reqwest::Client,
}

impl Bench {
    async fn start(settings: AutotaskSettings) -> Self {
        let clock = Arc::new(TokioClock::start());
        Self {
            autotask: Autotask::start(settings, clock, 1).await.unwrap(),
            http: client(),
        }
    }

    async fn plain() -> Self {
        Self::start(AutotaskSettings::default()).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.autotask.rest_url()))
            .header("UserName", "api-user@sandbox.example")
            .header("Secret", "not-a-real-secret")
            .header("ApiIntegrationCode", "NOTAREALTRACKINGIDENTIFIER1")
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let response = self.send(Method::POST, path, &body).await;
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    async fn made(&self, path: &str, body: Value) -> u64 {
        self.post(path, body).await["itemId"].as_u64().unwrap()
    }

    /// The sentences of a refusal with 500.
    async fn refused(&self, method: Method, path: &str, body: Value) -> String {
        let response = self.send(method, path, &body).await;
        assert_eq!(
            response.status(),
            StatusCode::INTERNAL_SERVER_ERROR,
            "{path}"
        );
        let answer: Value = response.json().await.unwrap();
        answer["errors"].to_string()
    }

    async fn status(&self, method: Method, path: &str) -> StatusCode {
        self.send(method, path, &json!({"id": 1})).await.status()
    }

    async fn settled(&self) {
        while self.autotask.deliveries_under_way() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

fn ticket() -> Value {
    json!({"companyID": 174, "QueueID": 5, "dueDateTime": "2030-03-21T00:00:00", "priority": 2, "status": 1,
        "title": "POSTMAN Create Ticket Test n"})
}

fn webhook(url: &str) -> Value {
    json!({"IsActive": true, "DeactivationUrl": url, "IsSubscribedToCreateEvents": true,
        "IsSubscribedToUpdateEvents": true, "Name": "Ticket Webhook", "SecretKey": "not-a-real-key",
        "SendThresholdExceededNotification": false, "WebhookUrl": url})
}

#[tokio::test]
async fn any_zone_tells_the_zone_without_credentials() {
    let bench = Bench::plain().await;
    let ask = |user: &str| {
        let url = format!(
            "{}/atservicesrest/v1.0/zoneInformation",
            bench.autotask.base_url()
        );
        bench.http.get(url).query(&[("user", user)]).send()
    };
    let zone: Value = ask("api-user@sandbox.example")
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(zone["url"].as_str().unwrap().ends_with("/ATServicesRest/"));
    assert!(zone["webUrl"].is_string() && zone["zoneName"].is_string() && zone["ci"].is_number());
    let unknown = ask("nobody@sandbox.example").await.unwrap();
    assert_eq!(unknown.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let told: Value = unknown.json().await.unwrap();
    assert!(told["errors"].is_array());
    let old = bench.autotask.rest_url();
    bench.autotask.move_zone();
    let request = bench.http.get(format!("{old}ThresholdInformation"));
    assert_eq!(
        request.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    assert!(bench.get("ThresholdInformation").await["externalRequestThreshold"].is_number());
}

#[tokio::test]
async fn all_three_headers_are_needed_and_the_path_is_case_sensitive() {
    let bench = Bench::plain().await;
    let url = format!("{}Tickets/1", bench.autotask.rest_url());
    for left_out in ["UserName", "Secret", "ApiIntegrationCode"] {
        let mut request = bench.http.get(&url);
        for (name, value) in [
            ("UserName", "api-user@sandbox.example"),
            ("Secret", "not-a-real-secret"),
            ("ApiIntegrationCode", "NOTAREALTRACKINGIDENTIFIER1"),
        ] {
            if name != left_out {
                request = request.header(name, value);
            }
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{left_out}");
        assert!(response.text().await.unwrap().is_empty());
    }
    let lower = url.replace("ATServicesRest", "atservicesrest");
    let response = bench.http.get(lower).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_ticket_is_made_read_and_changed() {
    let bench = Bench::plain().await;
    let id = bench.made("Tickets", ticket()).await;
    let item = bench.get(&format!("Tickets/{id}")).await["item"].clone();
    assert_eq!(item["queueID"], 5);
    assert!(item["ticketNumber"].as_str().unwrap().starts_with('T'));
    assert!(
        item.get("userDefinedFields").is_none(),
        "no values, no list"
    );
    assert_eq!(bench.get("Tickets/999999").await, json!({"item": null}));
    let change = json!({"id": id, "status": 5, "createDate": "1999-01-01T00:00:00Z", "nonsense": 1,
        "userDefinedFields": [{"name": "Site Code", "value": "A12"}]});
    let response = bench.send(Method::PATCH, "Tickets", &change).await;
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({"itemId": id})
    );
    let item = bench.get(&format!("Tickets/{id}")).await["item"].clone();
    assert_eq!(item["status"], 5);
    assert_ne!(item["createDate"], "1999-01-01T00:00:00Z");
    assert_eq!(
        item["userDefinedFields"],
        json!([{"name": "Site Code", "value": "A12"}])
    );
    assert_eq!(
        item["lastActivityResourceID"],
        bench.autotask.api_resource()
    );
    let mut whole = ticket();
    whole["id"] = json!(id);
    bench.send(Method::PUT, "Tickets", &whole).await;
    let item = bench.get(&format!("Tickets/{id}")).await["item"].clone();
    assert_eq!(
        (item["status"].clone(), item["description"].clone()),
        (json!(1), json!(null))
    );
    assert_eq!(
        bench.status(Method::PATCH, &format!("Tickets/{id}")).await,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        bench.status(Method::DELETE, &format!("Tickets/{id}")).await,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let journal = bench.autotask.journal();
    assert_eq!(journal.count(Deed::Updated, Thing::Ticket, Doer::Api), 2);
}

#[tokio::test]
async fn what_is_wrong_with_a_ticket_is_told_with_500() {
    let bench = Bench::plain().await;
    for (member, value, part) in [
        ("title", json!(null), "title is required"),
        ("QueueID", json!(null), "queueID or an assignedResourceID"),
        (
            "status",
            json!(77),
            "Picklist value on field: status does not exist or is invalid",
        ),
        ("status", json!("new"), "Conversion failed"),
        (
            "contactID",
            json!(29_683_590),
            "Reference value on field: contactID of type: Contact does not exist or is invalid.",
        ),
        ("assignedResourceID", json!(10), "you must assign both"),
        ("subIssueType", json!(20), "not a valid child"),
        ("title", json!("x".repeat(256)), "maximum length"),
        (
            "userDefinedFields",
            json!([{"name": "Nope", "value": "1"}]),
            "Unable to find user-defined field",
        ),
    ] {
        let mut body = ticket();
        body[member] = value;
        let told = bench.refused(Method::POST, "Tickets", body).await;
        assert!(told.contains(part), "{part}: {told}");
    }
    let told = bench
        .refused(Method::PATCH, "Tickets", json!({"id": 999, "status": 1}))
        .await;
    assert!(told.contains("No matching records found"));
}

#[tokio::test]
async fn queries_page_by_id_and_compare_by_type() {
    let bench = Bench::start(AutotaskSettings {
        page_size: 2,
        ..AutotaskSettings::default()
    })
    .await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut body = ticket();
        body["externalID"] = json!(format!("X-{number}"));
        ids.push(bench.made("Tickets", body).await);
    }
    let filter = json!({"filter": [{"op": "exist", "field": "id"}]});
    let mut page = bench.post("Tickets/query", filter.clone()).await;
    let mut found = Vec::new();
    loop {
        assert_eq!(page["pageDetails"]["requestCount"], 500);
        found.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_u64().unwrap()),
        );
        let Some(next) = page["pageDetails"]["nextPageUrl"].as_str() else {
            break;
        };
        let path = next
            .strip_prefix(&bench.autotask.rest_url())
            .unwrap()
            .to_owned();
        page = bench.post(&path, filter.clone()).await;
    }
    assert_eq!(found, ids);
    let search = "Tickets/query?search={\"filter\":[{\"op\":\"eq\",\"field\":\"externalID\",\"value\":\"X-3\"}]}";
    assert_eq!(bench.get(search).await["items"][0]["id"], ids[3]);
    let none = json!({"filter": [{"op": "eq", "field": "id", "value": ids[0].to_string()}]});
    assert_eq!(bench.post("Tickets/query", none).await["items"], json!([]));
    let few = json!({"filter": [{"op": "exist", "field": "id"}], "includeFields": ["id", "Title"], "maxRecords": 1});
    let item = bench.post("Tickets/query", few).await["items"][0].clone();
    assert_eq!(item.as_object().unwrap().len(), 2);
    assert_eq!(
        bench.post("Tickets/query/count", filter).await,
        json!({"queryCount": 5})
    );
    let told = bench
        .refused(
            Method::POST,
            "Tickets/query",
            json!({"filter": [{"op": "eq", "field": "creatorType", "value": 1}]}),
        )
        .await;
    assert!(told.contains("not queryable"));
}

#[tokio::test]
async fn children_are_written_through_their_parents_only() {
    let bench = Bench::plain().await;
    let id = bench.made("Tickets", ticket()).await;
    let note = json!({"Description": "x", "NoteType": 1, "Publish": 1, "Title": "y"});
    assert_eq!(
        bench
            .send(Method::POST, "TicketNotes", &note)
            .await
            .status(),
        StatusCode::NOT_FOUND
    );
    let made = bench.made(&format!("Tickets/{id}/Notes"), note).await;
    let listed = bench.get(&format!("Tickets/{id}/Notes")).await;
    assert_eq!(listed["items"][0]["id"], made);
    assert_eq!(
        bench.get(&format!("TicketNotes/{made}")).await["item"]["ticketID"],
        id
    );
    let path = format!("Tickets/{id}/Notes/query");
    assert_eq!(
        bench.status(Method::GET, &path).await,
        StatusCode::NOT_FOUND
    );
    let data = STANDARD.encode("Text file to attach.");
    let file = json!({"id": 0, "attachmentType": "FILE_ATTACHMENT", "fullPath": "TestText.txt", "publish": 1,
        "title": "Test text to a ticket", "data": data});
    let made = bench.made(&format!("Tickets/{id}/Attachments"), file).await;
    let listed = bench.get(&format!("Tickets/{id}/Attachments")).await;
    assert!(listed["items"][0].get("data").is_none());
    assert_eq!(listed["items"][0]["contentType"], "text/plain");
    assert_eq!(
        bench.get(&format!("TicketAttachments/{made}")).await["items"][0]["data"],
        data
    );
    assert_eq!(
        bench.get(&format!("Tickets/{id}/Attachments/{made}")).await["items"][0]["data"],
        data
    );
    assert_eq!(
        bench
            .status(Method::DELETE, &format!("TicketAttachments/{made}"))
            .await,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        bench
            .status(Method::DELETE, &format!("Tickets/{id}/Attachments/{made}"))
            .await,
        StatusCode::OK
    );
    let told = bench
        .refused(Method::POST, "Tickets/999/Notes", json!({}))
        .await;
    assert!(told.contains("No matching records"));
}

#[tokio::test]
async fn files_have_their_limits() {
    let clock = Arc::new(ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap()));
    let bench = Bench {
        autotask: Autotask::start(AutotaskSettings::default(), clock.clone(), 1)
            .await
            .unwrap(),
        http: client(),
    };
    let id = bench.made("Tickets", ticket()).await;
    let file = |size: usize, name: &str| {
        json!({"attachmentType": "FILE_ATTACHMENT", "fullPath": name, "publish": 1, "title": name,
            "data": STANDARD.encode(vec![0; size])})
    };
    let path = format!("Tickets/{id}/Attachments");
    assert!(
        bench
            .refused(Method::POST, &path, file(6_300_000, "a.bin"))
            .await
            .contains("maximum size")
    );
    assert!(
        bench
            .refused(Method::POST, &path, file(10, "a.exe"))
            .await
            .contains("type")
    );
    bench.made(&path, file(6_000_000, "a.bin")).await;
    let refused = bench
        .send(Method::POST, &path, &file(4_000_001, "b.bin"))
        .await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    clock.advance(Duration::from_secs(300));
    bench.made(&path, file(4_000_001, "b.bin")).await;
}

#[tokio::test]
async fn service_calls_time_and_charges_keep_their_rules() {
    let bench = Bench::plain().await;
    let id = bench.made("Tickets", ticket()).await;
    let call = json!({"companyID": 174, "startDateTime": "2030-03-21T09:00:00Z", "endDateTime": "2030-03-21T10:00:00Z", "status": 1});
    let call = bench.made("ServiceCalls", call).await;
    let on_call = bench
        .made(
            &format!("ServiceCalls/{call}/Tickets"),
            json!({"ticketID": id}),
        )
        .await;
    bench
        .made(
            &format!("ServiceCallTickets/{on_call}/Resources"),
            json!({"resourceID": 11}),
        )
        .await;
    bench.autotask.cancel_service_call(call).unwrap();
    let told = bench
        .refused(
            Method::PATCH,
            "ServiceCalls",
            json!({"id": call, "startDateTime": "2030-03-22T09:00:00Z"}),
        )
        .await;
    assert!(told.contains("cannot be edited if status is of type"));
    let entry = json!({"ticketID": id, "resourceID": 11, "dateWorked": "2030-03-21", "hoursWorked": 2, "summaryNotes": "x",
        "hoursToBill": 99});
    assert!(
        bench
            .refused(Method::POST, "TimeEntries", entry.clone())
            .await
            .contains("roleID")
    );
    let mut entry = entry;
    entry["roleID"] = json!(8);
    let entry = bench.made("TimeEntries", entry).await;
    let item = bench.get(&format!("TimeEntries/{entry}")).await["item"].clone();
    assert_eq!(
        item["hoursToBill"],
        json!(null),
        "read-only fields are ignored without a word"
    );
    let charge = json!({"name": "Parking", "chargeType": 1, "unitQuantity": 2, "unitPrice": 6.5,
        "datePurchased": "2030-03-21", "billingCodeID": 3});
    let path = format!("Tickets/{id}/Charges");
    let charge = bench.made(&path, charge).await;
    let item = bench.get(&format!("TicketCharges/{charge}")).await["item"].clone();
    assert_eq!(item["billableAmount"], 13.0);
    bench.autotask.bill_charge(charge);
    let told = bench
        .refused(Method::PATCH, &path, json!({"id": charge, "name": "x"}))
        .await;
    assert!(told.contains("cannot be edited"));
    let report = json!({"name": "Week", "submitterID": 10, "weekEnding": "2030-03-23"});
    let report = bench.made("ExpenseReports", report).await;
    let item = json!({"description": "x", "expenseCategory": 3, "paymentType": 14, "expenseDate": "2030-03-21",
        "haveReceipt": "true", "isBillableToCompany": "false", "expenseCurrencyExpenseAmount": 5});
    bench.made(&format!("Expenses/{report}/Items"), item).await;
}

#[tokio::test]
async fn fields_and_rights_are_described() {
    let bench = Bench::plain().await;
    let fields = bench.get("tickets/entityinformation/fields").await;
    let fields = fields["fields"].as_array().unwrap();
    let status = fields
        .iter()
        .find(|field| field["name"] == "status")
        .unwrap();
    assert_eq!(
        status["picklistValues"][0]["value"], "1",
        "values are texts"
    );
    let sub = fields
        .iter()
        .find(|field| field["name"] == "subIssueType")
        .unwrap();
    assert_eq!(sub["picklistParentValueField"], "issueType");
    let custom = bench
        .get("Tickets/entityInformation/userDefinedFields")
        .await;
    assert_eq!(
        custom["fields"][0]["type"], "string",
        "another name for the type"
    );
    bench.autotask.deny("Tickets", AutotaskAccess::Create);
    bench.autotask.deny("Tickets", AutotaskAccess::Query);
    let info = bench.get("Tickets/entityInformation").await["info"].clone();
    assert_eq!(
        (
            info["userAccessForCreate"].clone(),
            info["userAccessForUpdate"].clone()
        ),
        (json!(0), json!(2))
    );
    let told = bench.refused(Method::POST, "Tickets", ticket()).await;
    assert!(told.contains("adequate permissions"));
    bench.autotask.open_ticket(&json!({})).unwrap();
    let all = json!({"filter": [{"op": "exist", "field": "id"}]});
    assert_eq!(
        bench.post("Tickets/query", all).await["items"],
        json!([]),
        "no right, no word"
    );
}

#[tokio::test]
async fn the_fourth_call_at_once_is_refused() {
    let bench = Bench::plain().await;
    bench.autotask.faults().push(Fault::lasting(
        FaultKind::Latency { milliseconds: 400 },
        Duration::from_secs(60),
    ));
    let one = || async {
        bench
            .request(Method::GET, "Tickets/1")
            .send()
            .await
            .unwrap()
    };
    let other = async {
        bench
            .request(Method::GET, "Companies/174")
            .send()
            .await
            .unwrap()
    };
    let (first, second, third, fourth, other) = tokio::join!(one(), one(), one(), one(), other);
    assert_eq!(
        other.status(),
        StatusCode::OK,
        "each kind of object has its own three"
    );
    let mut refused = Vec::new();
    for response in [first, second, third, fourth] {
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            refused.push(response.text().await.unwrap());
        }
    }
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains("Thread Threshold Exceeded"));
}

#[tokio::test]
async fn the_hour_is_shared_and_counted() {
    let clock = Arc::new(ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap()));
    let settings = AutotaskSettings {
        rate_limit: Some(RateLimit::per_minute(1)),
        ..AutotaskSettings::default()
    };
    let bench = Bench {
        autotask: Autotask::start(settings, clock.clone(), 1).await.unwrap(),
        http: client(),
    };
    let told = bench.get("ThresholdInformation").await;
    assert_eq!(told["externalRequestThreshold"], 60);
    let before = told["currentTimeframeRequestCount"].as_u64().unwrap();
    bench.get("Tickets/1").await;
    let told = bench.get("ThresholdInformation").await;
    assert!(told["currentTimeframeRequestCount"].as_u64().unwrap() > before);
    assert_eq!(told["requestThresholdTimeframe"], 60);
}

#[tokio::test]
async fn a_webhook_needs_a_field_and_leaves_the_excluded_out() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let bench = Bench::start(AutotaskSettings {
        deliveries: Deliveries::Paced(0.0),
        ..AutotaskSettings::default()
    })
    .await;
    let told = bench
        .refused(Method::POST, "TicketWebhooks", json!({"Name": "x"}))
        .await;
    assert!(
        told.contains("deactivationUrl is required") && told.contains("secretKey is required"),
        "{told}"
    );
    let hook = bench.made("TicketWebhooks", webhook(&subscriber.url)).await;
    let told = bench
        .refused(Method::POST, "TicketWebhooks", webhook(&subscriber.url))
        .await;
    assert!(told.contains("already exists"));
    let path = format!("TicketWebhooks/{hook}");
    assert_eq!(bench.get(&path).await["item"]["isReady"], false);
    bench.autotask.open_ticket(&json!({})).unwrap();
    let fields = bench
        .get("TicketWebhookFields/entityInformation/fields")
        .await;
    let choices = fields["fields"][2]["picklistValues"]
        .as_array()
        .unwrap()
        .clone();
    let status = choices
        .iter()
        .find(|choice| choice["label"] == "Status")
        .unwrap();
    let field = json!({"FieldID": status["value"], "IsDisplayAlwaysField": true, "IsSubscribedField": true, "WebhookID": hook});
    bench.made(&format!("{path}/Fields"), field).await;
    bench
        .made(
            &format!("{path}/ExcludedResources"),
            json!({"ResourceID": bench.autotask.api_resource(), "WebhookID": hook}),
        )
        .await;
    let shown = bench.get(&path).await["item"].clone();
    assert_eq!(shown["isReady"], true);
    assert!(shown.get("secretKey").is_none());
    let id = bench.autotask.open_ticket(&json!({})).unwrap();
    let event = subscriber.next().await;
    assert_eq!(event.json()["Action"], "Create");
    assert_eq!(event.json()["Id"], id);
    assert_eq!(event.json()["Guid"], shown["webhookGUID"]);
    bench
        .autotask
        .change_ticket(id, &json!({"title": "nobody asked"}))
        .unwrap();
    bench
        .send(Method::PATCH, "Tickets", &json!({"id": id, "status": 8}))
        .await;
    bench.autotask.set_status(id, 42).unwrap();
    let event = subscriber.next().await;
    assert_eq!(event.json()["Fields"], json!({"status": "42"}));
    assert_eq!(event.json()["PersonID"], 10);
    bench.settled().await;
    assert_eq!(
        subscriber.waiting(),
        0,
        "neither our own change nor one of another field is told"
    );
}

#[tokio::test]
async fn a_webhook_is_signed_over_its_escaped_form() {
    for form in [WebhookBody::Escaped, WebhookBody::Plain] {
        let mut subscriber = Subscriber::answering(&[]).await;
        let settings = AutotaskSettings {
            deliveries: Deliveries::Paced(0.0),
            webhook_body: form,
            ..AutotaskSettings::default()
        };
        let bench = Bench::start(settings).await;
        let hook = bench.made("TicketWebhooks", webhook(&subscriber.url)).await;
        let field = json!({"fieldID": 110, "isDisplayAlwaysField": true, "isSubscribedField": true, "webhookID": hook});
        bench
            .made(&format!("TicketWebhooks/{hook}/Fields"), field)
            .await;
        bench
            .autotask
            .open_ticket(&json!({"title": "R&D é"}))
            .unwrap();
        let event = subscriber.next().await;
        let body = String::from_utf8(event.body.clone()).unwrap();
        assert_eq!(
            body.contains("R\\u0026D \\u00E9"),
            form == WebhookBody::Escaped,
            "{body}"
        );
        let signed = body.replace("R&D é", "R\\u0026D \\u00E9");
        let mut mac = Hmac::<Sha1>::new_from_slice(b"not-a-real-key").unwrap();
        mac.update(signed.as_bytes());
        let expected = format!("sha1={}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(event.header("x-hook-signature"), expected);
    }
}

#[tokio::test]
async fn a_webhook_is_tried_five_times_and_switched_off_after_25_failures() {
    let mut subscriber = Subscriber::answering(&[500; 125]).await;
    let bench = Bench::start(AutotaskSettings {
        deliveries: Deliveries::Paced(0.0),
        ..AutotaskSettings::default()
    })
    .await;
    let hook = bench.made("TicketWebhooks", webhook(&subscriber.url)).await;
    let field = json!({"fieldID": 106, "isDisplayAlwaysField": true, "isSubscribedField": true, "webhookID": hook});
    bench
        .made(&format!("TicketWebhooks/{hook}/Fields"), field)
        .await;
    for _ in 0..25 {
        bench.autotask.open_ticket(&json!({})).unwrap();
    }
    for _ in 0..125 {
        subscriber.next().await;
    }
    let last = subscriber.next().await;
    assert_eq!(last.json()["Action"], "Deactivated");
    assert!(last.json().get("EntityType").is_none());
    bench.settled().await;
    assert_eq!(
        bench.get(&format!("TicketWebhooks/{hook}")).await["item"]["isActive"],
        false
    );
    let logs = json!({"filter": [{"op": "exist", "field": "id"}]});
    assert_eq!(
        bench.post("WebhookEventErrorLogs/query/count", logs).await["queryCount"],
        25
    );
}

#[tokio::test]
async fn a_callout_posts_name_value_pairs() {
    let mut subscriber = Subscriber::answering(&[500, 500]).await;
    let bench = Bench::start(AutotaskSettings {
        deliveries: Deliveries::Paced(0.0),
        ..AutotaskSettings::default()
    })
    .await;
    bench.autotask.set_callout(
        format!("{}/hook?client_token=x", subscriber.url),
        Some(("anybody", "not-a-real-password")),
    );
    let id = bench.autotask.open_ticket(&json!({"status": 42})).unwrap();
    for _ in 0..3 {
        let event = subscriber.next().await;
        let body = String::from_utf8(event.body.clone()).unwrap();
        assert!(body.starts_with(&format!("id={id}&number=T")), "{body}");
        assert!(
            body.contains("&status=Dispatch+to+Field&") && body.contains("-04:00:00"),
            "{body}"
        );
        assert_eq!(
            event.header("content-type"),
            "application/x-www-form-urlencoded"
        );
        assert!(event.header("authorization").starts_with("Basic "));
    }
    bench.settled().await;
    assert_eq!(subscriber.waiting(), 0);
}

#[tokio::test]
async fn people_enter_what_the_api_shows() {
    let bench = Bench::plain().await;
    let id = bench
        .autotask
        .open_ticket(&json!({"title": "From the screen"}))
        .unwrap();
    bench
        .autotask
        .add_note(id, "Please call first", NotePublish::Internal)
        .unwrap();
    let notes = bench.get(&format!("Tickets/{id}/Notes")).await;
    assert_eq!(notes["items"][0]["publish"], 2);
    assert_eq!(notes["items"][0]["creatorResourceID"], 10);
    assert!(bench.autotask.open_ticket(&json!({"status": 77})).is_err());
    assert!(bench.autotask.add_note(999, "x", NotePublish::All).is_err());
    assert_eq!(bench.autotask.objects("Tickets").len(), 1);
}
