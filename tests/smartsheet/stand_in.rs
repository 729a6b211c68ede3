//! The stand-in, driven over HTTP as the vendor's documents say, never by our own adapter.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use fieldbridge::model::{ManualClock, TokioClock};
use fieldbridge::sandbox::{
    AccessLevel, CallbackAddresses, Deed, Deliveries, Doer, Fault, FaultKind, RateLimit,
    Smartsheet, SmartsheetSettings, Thing,
};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::sandbox_support::{Subscriber, client};
use super::scene::{job, sample};

struct Bench {
    desk: Smartsheet,
    http: reqwest::Client,
}

impl Bench {
    async fn start(settings: SmartsheetSettings) -> Self {
        let clock = Arc::new(TokioClock::start());
        Self {
            desk: Smartsheet::start(settings, clock, 1).await.unwrap(),
            http: client(),
        }
    }

    async fn plain() -> Self {
        Self::start(SmartsheetSettings::default()).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.desk.rest_url());
        self.http
            .request(method, url)
            .bearer_auth(self.desk.credentials())
    }

    fn sheet(&self, rest: &str) -> String {
        format!("/sheets/{}{rest}", self.desk.sheet_id())
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }

    async fn good(&self, method: Method, path: &str, body: &Value) -> Value {
        let response = self.send(method, path, body).await;
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        assert_eq!(body["resultCode"], 0);
        body
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    async fn settled(&self) {
        while self.desk.deliveries_under_way() > 0 {
            tokio::task::yield_now().await;
        }
    }

    fn column(&self, title: &str) -> u64 {
        self.desk.column_id(title).unwrap()
    }

    async fn webhook(&self, url: &str, columns: &[u64]) -> Value {
        let body = webhook(self.desk.sheet_id(), url, columns);
        self.good(Method::POST, "/webhooks", &body).await["result"].take()
    }

    async fn enable(&self, webhook: &Value) -> Value {
        let path = format!("/webhooks/{}", webhook["id"]);
        self.good(Method::PUT, &path, &json!({"enabled": true}))
            .await["result"]
            .take()
    }
}

fn webhook(sheet: u64, url: &str, columns: &[u64]) -> Value {
    json!({"name": "A test", "callbackUrl": url, "scope": "sheet", "scopeObjectId": sheet, "events": ["*.*"],
        "version": 1, "subscope": {"columnIds": columns}})
}

/// The status and the error code of a refusal.
async fn refusal(response: Response) -> (u16, u64) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(
        body["refId"].is_string() && body["message"].is_string(),
        "{body}"
    );
    (status, body["errorCode"].as_u64().unwrap())
}

#[tokio::test]
async fn a_bearer_token_is_needed_and_errors_have_codes() {
    let bench = Bench::plain().await;
    let url = format!("{}/users/me", bench.desk.rest_url());
    let none = bench.http.get(&url).send().await.unwrap();
    assert_eq!(refusal(none).await, (401, 1001));
    let wrong = bench
        .http
        .get(&url)
        .bearer_auth("guess")
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(wrong).await, (401, 1002));
    assert_eq!(bench.get("/users/me").await["email"], "broker@example.com");
    for path in ["/sheets/1", "/nonsense", &bench.sheet("/rows/1")] {
        let missing = bench.request(Method::GET, path).send().await.unwrap();
        assert_eq!(refusal(missing).await, (404, 1006), "{path}");
    }
    let method = bench.send(Method::PUT, "/users/me", &json!({})).await;
    assert_eq!(refusal(method).await, (405, 1010));
    bench
        .desk
        .faults()
        .push(Fault::once(FaultKind::Unauthorized));
    let expired = bench
        .request(Method::GET, "/users/me")
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(expired).await, (401, 1003));
}

#[tokio::test]
async fn the_rate_limit_counts_uploads_as_ten_and_promises_no_retry_after() {
    let clock = Arc::new(ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap()));
    let settings = SmartsheetSettings {
        rate_limit: Some(RateLimit::per_minute(12)),
        ..SmartsheetSettings::default()
    };
    let desk = Smartsheet::start(settings, clock.clone(), 1).await.unwrap();
    let bench = Bench {
        desk,
        http: client(),
    };
    let row = bench.desk.open_row(&job()).unwrap();
    let path = bench.sheet(&format!("/rows/{row}/attachments"));
    let upload = || {
        bench
            .request(Method::POST, &path)
            .header("content-type", "image/png")
            .header("content-disposition", "attachment; filename=\"a%20b.png\"")
            .body("PNG")
            .send()
    };
    assert_eq!(upload().await.unwrap().status(), StatusCode::OK);
    bench.get("/users/me").await;
    let refused = upload().await.unwrap();
    assert!(!refused.headers().contains_key("retry-after"));
    assert_eq!(refusal(refused).await, (429, 4003));
    clock.advance(Duration::from_secs(60));
    assert_eq!(upload().await.unwrap().status(), StatusCode::OK);
    assert_eq!(bench.desk.files(row), ["a b.png", "a b.png"]);
}

#[tokio::test]
async fn what_holds_several_shows_itself_at_the_second_level_only() {
    let bench = Bench::plain().await;
    let row = bench.desk.open_row(&job()).unwrap();
    let types = async |query: &str| {
        let columns = bench
            .get(&bench.sheet(&format!("/columns?includeAll=true{query}")))
            .await;
        let columns = columns["data"].as_array().unwrap().clone();
        let named = |title: &str| {
            let column = columns
                .iter()
                .find(|column| column["title"] == title)
                .unwrap();
            column["type"].as_str().unwrap().to_owned()
        };
        (named("Skills"), named("Watchers"))
    };
    assert_eq!(
        types("").await,
        ("TEXT_NUMBER".into(), "TEXT_NUMBER".into())
    );
    assert_eq!(
        types("&level=1").await,
        ("TEXT_NUMBER".into(), "MULTI_CONTACT_LIST".into())
    );
    assert_eq!(
        types("&level=2").await,
        ("MULTI_PICKLIST".into(), "MULTI_CONTACT_LIST".into())
    );
    let skills = bench.column("Skills");
    let cell = async |query: &str| {
        let row = bench
            .get(&bench.sheet(&format!("/rows/{row}{query}")))
            .await;
        let cells = row["cells"].as_array().unwrap();
        cells
            .iter()
            .find(|cell| cell["columnId"] == skills)
            .unwrap()
            .clone()
    };
    assert!(cell("?level=2").await.get("objectValue").is_none());
    assert!(
        cell("?include=objectValue")
            .await
            .get("objectValue")
            .is_none()
    );
    let whole = cell("?include=objectValue&level=2").await;
    assert_eq!(
        whole["objectValue"]["values"],
        json!(["Cabling", "Registers"])
    );
    assert_eq!(whole["value"], "Cabling, Registers");
    let wrong = bench
        .request(Method::GET, &bench.sheet("?include=everything"))
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(wrong).await, (400, 1018));
}

#[tokio::test]
async fn listings_are_paged_and_give_the_last_page_beyond_it() {
    let bench = Bench::plain().await;
    let first = bench.get(&bench.sheet("/columns?page=1&pageSize=20")).await;
    assert_eq!(
        (first["totalPages"].as_u64(), first["totalCount"].as_u64()),
        (Some(2), Some(24))
    );
    assert_eq!(first["data"].as_array().unwrap().len(), 20);
    let beyond = bench.get(&bench.sheet("/columns?page=9&pageSize=20")).await;
    assert_eq!(beyond["pageNumber"], 2);
    assert_eq!(beyond["data"].as_array().unwrap().len(), 4);
    let wrong = bench
        .request(Method::GET, &bench.sheet("/columns?page=0"))
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(wrong).await, (400, 1018));
    // Ended for webhooks in June 2026.
    let ended = bench
        .request(Method::GET, "/webhooks?includeAll=true")
        .send()
        .await
        .unwrap();
    assert_eq!(ended.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn rows_are_added_changed_and_removed() {
    let bench = Bench::plain().await;
    let (name, pay) = (bench.column("Task Name"), bench.column("Pay"));
    let path = bench.sheet("/rows");
    let body = json!([{"toBottom": true, "cells": [{"columnId": name, "value": "One"}, {"columnId": pay, "value": 2.1}]}]);
    let added = bench.good(Method::POST, &path, &body).await;
    let row = &added["result"][0];
    assert_eq!(
        (row["rowNumber"].as_u64(), row["expanded"].as_bool()),
        (Some(1), Some(true))
    );
    let id = row["id"].as_u64().unwrap();
    // One object comes back as one object.
    let single = bench.good(Method::POST, &path, &json!({"cells": []})).await;
    assert_eq!(single["result"]["siblingId"], id);
    let version = single["version"].as_u64().unwrap();
    let changed = json!([{"id": id, "cells": [{"columnId": pay, "value": ""}]}]);
    let changed = bench.good(Method::PUT, &path, &changed).await;
    assert_eq!(changed["version"].as_u64().unwrap(), version + 1);
    assert_eq!(bench.desk.cell(id, "Pay").unwrap(), "");
    let read = bench
        .get(&bench.sheet(&format!(
            "/rows/{id}?include=columns,writerInfo,rowPermalink"
        )))
        .await;
    assert_eq!(read["columns"].as_array().unwrap().len(), 24);
    assert_eq!(read["modifiedBy"]["email"], "broker@example.com");
    assert!(
        read["permalink"]
            .as_str()
            .unwrap()
            .ends_with(&format!("rowId={id}"))
    );
    let empty = read["cells"]
        .as_array()
        .unwrap()
        .iter()
        .find(|cell| cell["columnId"] == pay)
        .unwrap();
    assert_eq!(*empty, json!({"columnId": pay}));
    let removed = bench
        .request(Method::DELETE, &format!("{path}?ids={id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(removed.status(), StatusCode::OK);
    let gone = bench
        .request(Method::GET, &bench.sheet(&format!("/rows/{id}")))
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(gone).await, (404, 1006));
    let journal = bench.desk.journal();
    assert_eq!(journal.count(Deed::Created, Thing::Ticket, Doer::Api), 2);
    assert_eq!(journal.count(Deed::Removed, Thing::Ticket, Doer::Api), 1);
}

#[tokio::test]
async fn rows_are_refused_for_what_the_vendor_refuses() {
    let bench = Bench::plain().await;
    let row = bench.desk.open_row(&job()).unwrap();
    let (name, status) = (bench.column("Task Name"), bench.column("Status"));
    let path = bench.sheet("/rows");
    for (method, body, code) in [
        (Method::POST, json!([{"rowNumber": 4, "cells": []}]), 1032),
        (Method::POST, json!([{"id": 4, "cells": []}]), 1032),
        (
            Method::POST,
            json!([{"toTop": true, "toBottom": true}]),
            1062,
        ),
        (Method::POST, json!([]), 1008),
        (Method::PUT, json!([{"cells": []}]), 1012),
        (
            Method::PUT,
            json!([{"id": row, "createdAt": "2026-01-01T00:00:00Z"}]),
            1032,
        ),
        (
            Method::PUT,
            json!([{"id": row, "cells": [{"value": "x"}]}]),
            1012,
        ),
        (
            Method::PUT,
            json!([{"id": row, "cells": [{"columnId": name}]}]),
            1012,
        ),
        (
            Method::PUT,
            json!([{"id": row, "cells": [{"columnId": 3, "value": "x"}]}]),
            1036,
        ),
        (
            Method::PUT,
            json!([{"id": row, "cells": [{"columnId": name, "value": "x"}, {"columnId": name, "value": "y"}]}]),
            1037,
        ),
        (
            Method::PUT,
            json!([{"id": row, "cells": [{"columnId": name, "value": ["x"]}]}]),
            1038,
        ),
        (
            Method::PUT,
            json!([{"id": row, "cells": [{"columnId": status, "value": "Gone"}]}]),
            1042,
        ),
        (
            Method::PUT,
            json!([{"id": row, "cells": [{"columnId": bench.column("Job"), "value": "x"}]}]),
            1046,
        ),
        (
            Method::PUT,
            json!([{"id": row, "cells": [{"columnId": bench.column("Pay and half"), "value": 1}]}]),
            1302,
        ),
        (
            Method::PUT,
            json!([{"id": row, "cells": [{"columnId": bench.column("Skills"), "value": "Cabling"}]}]),
            1235,
        ),
    ] {
        let response = bench.send(method, &path, &body).await;
        assert_eq!(refusal(response).await, (400, code), "{body}");
    }
    let locked =
        json!([{"id": row, "cells": [{"columnId": bench.column("Budget code"), "value": "x"}]}]);
    assert_eq!(
        refusal(bench.send(Method::PUT, &path, &locked).await).await,
        (403, 1039)
    );
    let missing = json!([{"id": row, "cells": []}, {"id": 5, "cells": []}]);
    let response = bench.send(Method::PUT, &path, &missing).await;
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["detail"], json!({"index": 1, "rowId": 5}));
    let typed = bench
        .request(Method::PUT, &path)
        .header("content-type", "text/plain")
        .body("[]");
    assert_eq!(refusal(typed.send().await.unwrap()).await, (415, 1124));
    // All or nothing: the first of two rows was not written either.
    let half = json!([{"id": row, "cells": [{"columnId": name, "value": "New"}]}, {"id": row, "cells": [{"columnId": 3, "value": "x"}]}]);
    bench.send(Method::PUT, &path, &half).await;
    assert_ne!(bench.desk.cell(row, "Task Name").unwrap(), "New");
    assert_eq!(
        bench
            .desk
            .journal()
            .count(Deed::Updated, Thing::Ticket, Doer::Api),
        0
    );
}

#[tokio::test]
async fn the_vendors_own_scenarios_come_out_as_the_vendor_says() {
    let Some(text) = sample("sdk-tests_rows_scenarios.json") else {
        return;
    };
    let scenarios: Vec<Value> = serde_json::from_str(&text).unwrap();
    let bench = Bench::plain().await;
    let columns = [bench.column("Task Name"), bench.column("Description")];
    let row = bench.desk.open_row(&job()).unwrap();
    let mut played = 0;
    for scenario in scenarios {
        let named = scenario["scenario"].as_str().unwrap();
        let plays = [
            "Assign Values - String",
            "Assign Values - Int",
            "Assign Value and Formulae",
            "Clear Value - Text Number",
            "Location - Bottom",
        ];
        if !plays.iter().any(|part| named.ends_with(part)) {
            continue;
        }
        // The scenarios' sheet has other numbers than ours.
        let mut body = scenario["request"]["body"].clone();
        for item in body.as_array_mut().unwrap() {
            if item.get("id").is_some() {
                item["id"] = json!(row);
            }
            for cell in item
                .get_mut("cells")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                let place = usize::try_from(cell["columnId"].as_u64().unwrap() - 101).unwrap();
                cell["columnId"] = json!(columns[place]);
            }
        }
        let method: Method = scenario["request"]["method"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let response = bench.send(method, &bench.sheet("/rows"), &body).await;
        let status = response.status().as_u16();
        let said: Value = response.json().await.unwrap();
        let wanted = &scenario["response"]["jsonBody"];
        assert_eq!(
            u64::from(status),
            scenario["response"]["status"].as_u64().unwrap_or(200),
            "{named}: {said}"
        );
        assert_eq!(said["errorCode"], wanted["errorCode"], "{named}");
        assert_eq!(said["resultCode"], wanted["resultCode"], "{named}");
        assert_eq!(
            said["detail"]["index"], wanted["detail"]["index"],
            "{named}"
        );
        let wanted = wanted["result"].as_array().cloned().unwrap_or_default();
        for (said, wanted) in said["result"].as_array().into_iter().flatten().zip(wanted) {
            for member in [
                "id",
                "rowNumber",
                "expanded",
                "createdAt",
                "modifiedAt",
                "cells",
            ] {
                assert_eq!(
                    said.get(member).is_some(),
                    wanted.get(member).is_some(),
                    "{named}: {member}"
                );
            }
        }
        played += 1;
    }
    assert!(played >= 7, "{played}");
}

#[tokio::test]
async fn what_changed_since_a_moment_is_cut_down_to_the_columns_asked_for() {
    let clock = Arc::new(ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap()));
    let desk = Smartsheet::start(SmartsheetSettings::default(), clock.clone(), 1)
        .await
        .unwrap();
    let bench = Bench {
        desk,
        http: client(),
    };
    bench.desk.open_row(&job()).unwrap();
    clock.advance(Duration::from_secs(60));
    let row = bench.desk.open_row(&job()).unwrap();
    let name = bench.column("Task Name");
    let path = bench.sheet(&format!(
        "?rowsModifiedSince=2026-03-01T12:00:30Z&columnIds={name}"
    ));
    let sheet = bench.get(&path).await;
    assert_eq!(sheet["totalRowCount"], 2);
    assert_eq!(sheet["columns"].as_array().unwrap().len(), 1);
    let rows = sheet["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["id"]), (1, &json!(row)));
    assert_eq!(rows[0]["cells"].as_array().unwrap().len(), 1);
    let wrong = bench
        .request(Method::GET, &bench.sheet("?rowsModifiedSince=yesterday"))
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(wrong).await, (400, 1018));
}

#[tokio::test]
async fn comments_make_discussions_that_hold_nothing_but_text() {
    let bench = Bench::plain().await;
    let row = bench.desk.open_row(&job()).unwrap();
    let path = bench.sheet(&format!("/rows/{row}/discussions"));
    let begun = bench
        .good(
            Method::POST,
            &path,
            &json!({"comment": {"text": "This is a comment!"}}),
        )
        .await;
    let discussion = &begun["result"];
    assert_eq!(
        (&discussion["title"], &discussion["commentCount"]),
        (&json!("This is a comment!"), &json!(1))
    );
    let comments = bench.sheet(&format!("/discussions/{}/comments", discussion["id"]));
    let second = bench
        .good(Method::POST, &comments, &json!({"text": "And another."}))
        .await;
    for (path, body, code) in [
        (&path, json!({"text": "x"}), 1012),
        (
            &path,
            json!({"comment": {"text": "x", "isPrivate": true}}),
            1032,
        ),
        (&comments, json!({"text": " "}), 1012),
    ] {
        assert_eq!(
            refusal(bench.send(Method::POST, path, &body).await).await,
            (400, code),
            "{body}"
        );
    }
    let bare = bench.get(&path).await;
    assert!(bare["data"][0].get("comments").is_none());
    let whole = bench.get(&format!("{path}?include=comments")).await;
    assert_eq!(whole["data"][0]["comments"].as_array().unwrap().len(), 2);
    let comment = bench
        .get(&bench.sheet(&format!("/comments/{}", second["result"]["id"])))
        .await;
    assert_eq!(comment["discussionId"], discussion["id"]);
    let parent = bench
        .get(&bench.sheet(&format!("/discussions/{}", discussion["id"])))
        .await;
    assert_eq!(
        (&parent["parentType"], &parent["parentId"]),
        (&json!("ROW"), &json!(row))
    );
}

#[tokio::test]
async fn a_file_opens_by_its_address_alone_and_only_for_a_while() {
    let clock = Arc::new(ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap()));
    let desk = Smartsheet::start(SmartsheetSettings::default(), clock.clone(), 1)
        .await
        .unwrap();
    let bench = Bench {
        desk,
        http: client(),
    };
    let row = bench.desk.open_row(&job()).unwrap();
    let id = bench
        .desk
        .attach(row, "a.png", "image/png", Bytes::from_static(b"PNG"))
        .unwrap();
    let listed = bench
        .get(&bench.sheet(&format!("/rows/{row}/attachments")))
        .await;
    assert!(listed["data"][0].get("url").is_none());
    let shown = bench.get(&bench.sheet(&format!("/attachments/{id}"))).await;
    let url = shown["url"].as_str().unwrap();
    let opened = bench.http.get(url).send().await.unwrap();
    assert_eq!(opened.bytes().await.unwrap(), Bytes::from_static(b"PNG"));
    let with_token = bench.http.get(url).bearer_auth("x").send().await.unwrap();
    assert_eq!(with_token.status(), StatusCode::BAD_REQUEST);
    let forged = bench
        .http
        .get(url.replace("Signature=", "Signature=0"))
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    clock.advance(Duration::from_secs(121));
    assert_eq!(
        bench.http.get(url).send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );

    let path = bench.sheet(&format!("/rows/{row}/attachments"));
    let nameless = bench
        .request(Method::POST, &path)
        .header("content-type", "image/png")
        .body("PNG");
    assert_eq!(refusal(nameless.send().await.unwrap()).await, (400, 1011));
    let huge = bench
        .request(Method::POST, &path)
        .header("content-type", "image/png")
        .header("content-disposition", "attachment; filename=\"huge.png\"")
        .body(vec![0; 30 * 1024 * 1024 + 1]);
    assert_eq!(refusal(huge.send().await.unwrap()).await, (400, 1074));
    let link = json!({"attachmentType": "LINK", "name": "Search", "url": "http://search.example"});
    let link = bench.good(Method::POST, &path, &link).await;
    assert_eq!(link["result"]["attachmentType"], "LINK");
}

#[tokio::test]
async fn two_writers_at_once_collide() {
    let settings = SmartsheetSettings {
        save_time: Duration::from_millis(20),
        ..SmartsheetSettings::default()
    };
    let bench = Bench::start(settings).await;
    let path = bench.sheet("/rows");
    let body = json!({"cells": []});
    let (one, other) = tokio::join!(
        bench.send(Method::POST, &path, &body),
        bench.send(Method::POST, &path, &body)
    );
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 500]);
    let failed = if one.status().is_success() {
        other
    } else {
        one
    };
    assert_eq!(refusal(failed).await, (500, 4004));
    assert_eq!(bench.desk.row_ids().len(), 1);
}

#[tokio::test]
async fn a_webhook_is_off_until_its_address_gave_the_challenge_back() {
    let bench = Bench::plain().await;
    let mut silent = Subscriber::answering(&[]).await;
    let made = bench.webhook(&silent.url, &[]).await;
    assert_eq!(
        (&made["enabled"], &made["status"]),
        (&json!(false), &json!("NEW_NOT_VERIFIED"))
    );
    assert!(made["sharedSecret"].as_str().unwrap().len() >= 20);
    let answer = bench.enable(&made).await;
    assert_eq!(answer["status"], "DISABLED_VERIFICATION_FAILED");
    let knock = silent.next().await;
    let challenge = knock.header("smartsheet-hook-challenge").to_owned();
    assert_eq!(
        knock.json(),
        json!({"challenge": challenge, "webhookId": made["id"]})
    );
    assert_eq!(
        knock.header("smartsheet-hmac-sha256"),
        "",
        "a challenge is not signed"
    );

    for (member, value, code) in [
        ("events", json!(["row.added"]), 1031),
        ("version", json!(2), 1031),
        ("scope", json!("workspace"), 1031),
        ("scopeObjectId", json!(1), 1151),
        ("name", Value::Null, 1012),
        ("enabled", json!(true), 1032),
        ("subscope", json!({"columnIds": [3]}), 1036),
    ] {
        let mut body = webhook(bench.desk.sheet_id(), &silent.url, &[]);
        body[member] = value;
        let response = bench.send(Method::POST, "/webhooks", &body).await;
        assert_eq!(refusal(response).await.1, code, "{member}");
    }
    let path = format!("/webhooks/{}", made["id"]);
    let fixed = bench
        .send(Method::PUT, &path, &json!({"subscope": {"columnIds": []}}))
        .await;
    assert_eq!(refusal(fixed).await, (400, 1032));
    let removed = bench.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::OK);
    let gone = bench.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(refusal(gone).await, (404, 1006));
}

#[tokio::test]
async fn only_public_addresses_over_https_are_called_for_real() {
    let settings = SmartsheetSettings {
        callback_addresses: CallbackAddresses::Public,
        deliveries: Deliveries::Off,
        ..SmartsheetSettings::default()
    };
    let bench = Bench::start(settings).await;
    for (url, code) in [
        ("http://fb.example.com/x", 1152),
        ("https://127.0.0.1/x", 1031),
        ("https://10.1.2.3/x", 1031),
        ("https://fb.example.com:9000/x", 1031),
    ] {
        let body = webhook(bench.desk.sheet_id(), url, &[]);
        let response = bench.send(Method::POST, "/webhooks", &body).await;
        assert_eq!(refusal(response).await, (400, code), "{url}");
    }
    bench.webhook("https://fb.example.com:8443/x", &[]).await;
}

/// The signatures and bodies that came.
type Seen = Arc<std::sync::Mutex<Vec<(String, String)>>>;

/// A door that answers challenges as it should and everything else with what it is told.
async fn door(answers: &'static [u16]) -> (String, Seen) {
    use axum::extract::Request;
    use axum::response::IntoResponse;
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = seen.clone();
    let answer = async |kept: Seen, request: Request| {
        let (parts, body) = request.into_parts();
        let header = |name: &str| {
            let value = parts.headers.get(name);
            let text = value.map(|value| value.to_str().unwrap().to_owned());
            text.unwrap_or_default()
        };
        let challenge = header("smartsheet-hook-challenge");
        let signature = header("smartsheet-hmac-sha256");
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        if !challenge.is_empty() {
            return ([("smartsheet-hook-response", challenge)], "").into_response();
        }
        let mut seen = kept.lock().unwrap();
        let status = answers.get(seen.len()).copied().unwrap_or(200);
        seen.push((signature, String::from_utf8(body.to_vec()).unwrap()));
        axum::http::StatusCode::from_u16(status)
            .unwrap()
            .into_response()
    };
    let app = axum::Router::new().fallback(move |request: Request| answer(kept.clone(), request));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, seen)
}

fn fast() -> SmartsheetSettings {
    SmartsheetSettings {
        // Three hours become a tenth of a second.
        deliveries: Deliveries::Paced(0.000_01),
        ..SmartsheetSettings::default()
    }
}

#[tokio::test]
async fn callbacks_are_skinny_signed_and_name_who_caused_them() {
    let bench = Bench::start(fast()).await;
    let (url, seen) = door(&[]).await;
    let hook = bench.webhook(&url, &[]).await;
    assert_eq!(bench.enable(&hook).await["status"], "ENABLED");
    let row = bench.desk.open_row(&json!({"Task Name": "One"})).unwrap();
    bench.settled().await;
    let pay = bench.column("Pay");
    let body = json!([{"id": row, "cells": [{"columnId": pay, "value": 5}]}]);
    let write = bench
        .request(Method::PUT, &bench.sheet("/rows"))
        .header("Smartsheet-Change-Agent", "MyChangeAgent");
    write.json(&body).send().await.unwrap();
    bench.settled().await;
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    let secret = hook["sharedSecret"].as_str().unwrap();
    for (signature, body) in &seen {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        assert_eq!(*signature, hex::encode(mac.finalize().into_bytes()));
    }
    let first: Value = serde_json::from_str(&seen[0].1).unwrap();
    assert_eq!(first["scopeObjectId"], bench.desk.sheet_id());
    assert_eq!(first["webhookId"], hook["id"]);
    let events = first["events"].as_array().unwrap();
    assert_eq!(
        (
            &events[0]["objectType"],
            &events[0]["eventType"],
            &events[0]["id"]
        ),
        (&json!("row"), &json!("created"), &json!(row))
    );
    assert_eq!(events[1]["rowId"], row);
    assert!(!seen[0].1.contains("One"), "no data goes along");
    let second: Value = serde_json::from_str(&seen[1].1).unwrap();
    let event = &second["events"][0];
    assert_eq!(
        (&event["columnId"], &event["changeAgent"]),
        (&json!(pay), &json!("MyChangeAgent"))
    );
    assert_ne!(first["nonce"], second["nonce"]);
}

#[tokio::test]
async fn a_subscope_lets_through_its_columns_and_removed_rows() {
    let bench = Bench::start(fast()).await;
    let (url, seen) = door(&[]).await;
    let trigger = bench.column("Send to FN");
    let hook = bench.webhook(&url, &[trigger]).await;
    bench.enable(&hook).await;
    let row = bench.desk.open_row(&json!({"Task Name": "One"})).unwrap();
    bench.desk.add_comment(row, "Nobody hears this.").unwrap();
    bench.desk.change_row(row, &json!({"Pay": 5})).unwrap();
    bench.settled().await;
    assert!(seen.lock().unwrap().is_empty());
    bench
        .desk
        .change_row(row, &json!({"Send to FN": true, "Pay": 6}))
        .unwrap();
    bench.settled().await;
    bench.desk.delete_row(row).unwrap();
    bench.settled().await;
    let kinds: Vec<String> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|(_, body)| {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["events"].as_array().unwrap().len(), 1);
            format!(
                "{}.{}",
                body["events"][0]["objectType"].as_str().unwrap(),
                body["events"][0]["eventType"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(kinds, ["cell.updated", "row.deleted"]);
}

#[tokio::test]
async fn of_webhooks_that_are_alike_only_the_oldest_is_called() {
    let bench = Bench::start(fast()).await;
    let (url, seen) = door(&[]).await;
    for _ in 0..2 {
        let hook = bench.webhook(&url, &[]).await;
        bench.enable(&hook).await;
    }
    bench.desk.open_row(&job()).unwrap();
    bench.settled().await;
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn one_wrong_answer_switches_a_webhook_off_and_others_are_tried_again() {
    let bench = Bench::start(fast()).await;
    for (answers, status, calls) in [
        (&[201][..], "DISABLED_CALLBACK_FAILED", 1),
        (&[410][..], "DISABLED_CALLBACK_FAILED", 1),
        (&[404, 503][..], "ENABLED", 3),
        (&[500; 15][..], "DISABLED_CALLBACK_FAILED", 15),
    ] {
        let (url, seen) = door(answers).await;
        let hook = bench.webhook(&url, &[]).await;
        bench.enable(&hook).await;
        let row = bench.desk.open_row(&job()).unwrap();
        bench.settled().await;
        let path = format!("/webhooks/{}", hook["id"]);
        assert_eq!(bench.get(&path).await["status"], status, "{answers:?}");
        assert_eq!(seen.lock().unwrap().len(), calls, "{answers:?}");
        if status != "ENABLED" {
            // What happens meanwhile is never told, even after it is on again.
            bench.desk.change_row(row, &json!({"Pay": 1})).unwrap();
            assert_eq!(bench.enable(&hook).await["status"], "ENABLED");
            bench.settled().await;
            assert_eq!(seen.lock().unwrap().len(), calls, "{answers:?}");
        }
        let removed = bench.request(Method::DELETE, &path).send().await.unwrap();
        assert_eq!(removed.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn access_decides_what_may_be_done() {
    let bench = Bench::plain().await;
    let row = bench.desk.open_row(&job()).unwrap();
    let rows = bench.sheet("/rows");
    let talk = bench.sheet(&format!("/rows/{row}/discussions"));
    let comment = json!({"comment": {"text": "Hello."}});
    bench.desk.share(AccessLevel::Commenter);
    assert_eq!(
        refusal(bench.send(Method::POST, &rows, &json!({"cells": []})).await).await,
        (403, 1004)
    );
    bench.good(Method::POST, &talk, &comment).await;
    bench.desk.share(AccessLevel::Viewer);
    assert_eq!(
        refusal(bench.send(Method::POST, &talk, &comment).await).await,
        (403, 1004)
    );
    assert_eq!(bench.get(&bench.sheet("")).await["accessLevel"], "VIEWER");
    bench.desk.share(AccessLevel::Admin);
    let locked =
        json!([{"id": row, "cells": [{"columnId": bench.column("Budget code"), "value": "x"}]}]);
    bench.good(Method::PUT, &rows, &locked).await;
    bench.desk.share(AccessLevel::None);
    let hidden = bench
        .request(Method::GET, &bench.sheet(""))
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(hidden).await, (404, 1006));
}

#[tokio::test]
async fn a_lost_response_leaves_its_effect() {
    let bench = Bench::plain().await;
    bench
        .desk
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/rows"));
    let marker = json!({"cells": [{"columnId": bench.column("FN work order"), "value": "FN-7"}]});
    let lost = bench
        .request(Method::POST, &bench.sheet("/rows"))
        .json(&marker)
        .send()
        .await;
    assert!(lost.is_err());
    let rows = bench.desk.rows_by_correlation_value();
    assert_eq!(rows["FN-7"], bench.desk.row_ids());
}
