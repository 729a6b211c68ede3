//! The stand-in, driven as the vendor's documents say.

use fieldbridge::model::ManualClock;
use fieldbridge::sandbox::{
    Deed, Doer, Fault, FaultKind, Flow, FlowAction, Salesforce, SalesforceSettings, Thing,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

use super::bench::{Listener, org, sample, still};

struct Raw {
    org: Salesforce,
    client: reqwest::Client,
    token: String,
    clock: Arc<ManualClock>,
}

impl Raw {
    async fn start(settings: SalesforceSettings) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = still();
        let org = Salesforce::start(settings, clock.clone(), 1).await.unwrap();
        let mut raw = Self {
            org,
            client: reqwest::Client::new(),
            token: String::new(),
            clock,
        };
        let answer = raw
            .token(&[
                ("grant_type", "client_credentials"),
                ("client_id", "not-a-real-consumer-key"),
                ("client_secret", "not-a-real-consumer-secret"),
            ])
            .await;
        let body: Value = answer.json().await.unwrap();
        body["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut raw.token);
        raw
    }

    async fn plain() -> Self {
        Self::start(org()).await
    }

    async fn token(&self, form: &[(&str, &str)]) -> Response {
        let url = format!("{}/services/oauth2/token", self.org.base_url());
        self.client.post(url).form(form).send().await.unwrap()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.org.rest_url());
        self.client.request(method, url).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }

    async fn query(&self, soql: &str) -> Response {
        self.request(Method::GET, "/query")
            .query(&[("q", soql)])
            .send()
            .await
            .unwrap()
    }

    async fn rows(&self, soql: &str) -> Value {
        let response = self.query(soql).await;
        assert_eq!(response.status(), StatusCode::OK, "{soql}");
        let body: Value = response.json().await.unwrap();
        body["records"].clone()
    }

    async fn case(&self, body: &Value) -> String {
        let response = self.send(Method::POST, "/sobjects/Case", body).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let body: Value = response.json().await.unwrap();
        body["id"].as_str().unwrap().to_owned()
    }
}

async fn code(response: Response, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status);
    let body: Value = response.json().await.unwrap();
    body[0]["errorCode"].as_str().unwrap().to_owned()
}

async fn oauth(response: Response) -> (String, String) {
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let body: Value = response.json().await.unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("error"), text("error_description"))
}

#[tokio::test]
async fn grants_are_given_and_refused_in_the_vendors_words() {
    let raw = Raw::start(SalesforceSettings {
        rotates_refresh_tokens: true,
        ..org()
    })
    .await;
    let (id, secret) = (
        ("client_id", "not-a-real-consumer-key"),
        ("client_secret", "not-a-real-consumer-secret"),
    );
    let user = [
        ("username", "integration@example.com"),
        ("password", "not-a-real-passwordNotARealSecurityToken"),
    ];
    let answer = raw
        .token(&[("grant_type", "password"), id, secret, user[0], user[1]])
        .await;
    let answer: Value = answer.json().await.unwrap();
    assert!(
        answer.get("expires_in").is_none(),
        "the vendor names no end"
    );
    assert_eq!(answer["instance_url"], raw.org.base_url());
    if let Some(text) = sample("oauth-token-response.json") {
        let theirs: Value = serde_json::from_str(&text).unwrap();
        assert!(
            theirs
                .as_object()
                .unwrap()
                .keys()
                .all(|key| answer.get(key).is_some())
        );
    }
    let refused = raw
        .token(&[
            ("grant_type", "password"),
            id,
            secret,
            user[0],
            ("password", "not-a-real-password"),
        ])
        .await;
    assert_eq!(
        oauth(refused).await,
        ("invalid_grant".into(), "authentication failure".into())
    );
    let refused = raw
        .token(&[
            ("grant_type", "client_credentials"),
            ("client_id", "x"),
            secret,
        ])
        .await;
    let refused = oauth(refused).await;
    if let Some(text) = sample("oauth-error-invalid-client.json") {
        let theirs: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (
                theirs["error"].as_str().unwrap(),
                theirs["error_description"].as_str().unwrap()
            ),
            (refused.0.as_str(), refused.1.as_str())
        );
    }
    let refused = raw
        .token(&[
            ("grant_type", "client_credentials"),
            id,
            ("client_secret", "x"),
        ])
        .await;
    assert_eq!(oauth(refused).await.0, "invalid_client");
    let refused = raw
        .token(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", "a.b.c"),
        ])
        .await;
    assert_eq!(oauth(refused).await.0, "invalid_grant");
    let refresh = [
        ("grant_type", "refresh_token"),
        id,
        ("refresh_token", "not-a-real-refresh-token"),
    ];
    let answer: Value = raw.token(&refresh).await.json().await.unwrap();
    assert!(answer["refresh_token"].is_string());
    assert_eq!(
        oauth(raw.token(&refresh).await).await.1,
        "expired access/refresh token"
    );
    assert_eq!(
        oauth(raw.token(&[("grant_type", "implicit")]).await)
            .await
            .0,
        "unsupported_grant_type"
    );
}

#[tokio::test]
async fn soap_logs_in_up_to_version_64() {
    let raw = Raw::plain().await;
    let login = async |version: &str, password: &str| {
        let body = format!(
            "<Envelope><Body><n1:login xmlns:n1=\"urn:partner.soap.sforce.com\"><n1:username>integration@example.com</n1:username><n1:password>{password}</n1:password></n1:login></Body></Envelope>"
        );
        let url = format!("{}/services/Soap/u/{version}", raw.org.base_url());
        let request = raw
            .client
            .post(url)
            .header("content-type", "text/xml")
            .header("SOAPAction", "login")
            .body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, body) = login("64.0", "not-a-real-passwordNotARealSecurityToken").await;
    assert!(status == 200 && body.contains("<sessionId>"), "{body}");
    let (status, body) = login("64.0", "x").await;
    assert!(status == 500 && body.contains("INVALID_LOGIN"), "{body}");
    let (status, body) = login("65.0", "not-a-real-passwordNotARealSecurityToken").await;
    assert!(
        status == 500 && body.contains("UNSUPPORTED_API_VERSION"),
        "{body}"
    );
}

#[tokio::test]
async fn sessions_versions_and_the_days_calls_are_checked() {
    let raw = Raw::start(SalesforceSettings {
        daily_calls: 3,
        ..org()
    })
    .await;
    let url = format!("{}/limits", raw.org.rest_url());
    let response = raw.client.get(url).bearer_auth("x").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body: Value = response.json().await.unwrap();
    if let Some(text) = sample("error-401-invalid-session.json") {
        assert_eq!(body, serde_json::from_str::<Value>(&text).unwrap());
    }
    let base = raw.org.base_url();
    let at = async |path: &str| {
        raw.client
            .get(format!("{base}{path}"))
            .bearer_auth(&raw.token)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(
        code(at("/services/data/v29.0/limits").await, 410).await,
        "UNSUPPORTED_API_VERSION"
    );
    assert_eq!(
        code(at("/services/data/v99.0/limits").await, 404).await,
        "NOT_FOUND"
    );
    let limits = raw.get("/limits").await;
    assert_eq!(limits.headers()["sforce-limit-info"], "api-usage=1/3");
    let limits: Value = limits.json().await.unwrap();
    assert_eq!(
        limits["DailyApiRequests"],
        json!({"Max": 3, "Remaining": 2})
    );
    raw.get("/limits").await;
    raw.get("/limits").await;
    let used_up = raw.get("/limits").await;
    assert_eq!(used_up.headers().get("retry-after"), None);
    assert_eq!(code(used_up, 403).await, "REQUEST_LIMIT_EXCEEDED");
    raw.org.end_sessions();
    assert_eq!(
        code(raw.get("/limits").await, 401).await,
        "INVALID_SESSION_ID"
    );
}

#[tokio::test]
async fn a_record_is_created_read_changed_and_deleted() {
    let raw = Raw::plain().await;
    let body = json!({"Subject": "Printer", "Visit_Date__c": "2026-07-02", "FN_Service_Start__c": "2026-07-02T08:00:00Z", "Estimate__c": 12.5});
    let response = raw.send(Method::POST, "/sobjects/Case", &body).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let place = response.headers()["location"].to_str().unwrap().to_owned();
    let created: Value = response.json().await.unwrap();
    let id = created["id"].as_str().unwrap();
    assert!(id.len() == 18 && id.starts_with("500") && place.ends_with(id));
    assert_eq!(
        created,
        json!({"id": id, "success": true, "errors": []}),
        "nothing but the id comes back"
    );
    let short = &id[..15];
    let read: Value = raw
        .get(&format!("/sobjects/Case/{short}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(read["attributes"]["type"], "Case");
    assert_eq!(
        (read["CaseNumber"].as_str(), read["Status"].as_str()),
        (Some("00001026"), Some("New"))
    );
    assert_eq!(read["FN_Service_Start__c"], "2026-07-02T08:00:00.000+0000");
    assert_eq!(read["SystemModstamp"], "2026-07-01T08:00:00.000+0000");
    raw.clock.advance(Duration::from_secs(60));
    let changed = raw
        .send(
            Method::PATCH,
            &format!("/sobjects/Case/{id}"),
            &json!({"Status": "Closed", "Visit_Date__c": null}),
        )
        .await;
    assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    assert_eq!(changed.text().await.unwrap(), "");
    let read: Value = raw
        .get(&format!("/sobjects/Case/{id}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        (read["IsClosed"].clone(), read["Visit_Date__c"].clone()),
        (json!(true), Value::Null)
    );
    assert_eq!(read["SystemModstamp"], "2026-07-01T08:01:00.000+0000");
    let deleted = raw
        .request(Method::DELETE, &format!("/sobjects/Case/{id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        code(raw.get(&format!("/sobjects/Case/{id}")).await, 404).await,
        "ENTITY_IS_DELETED"
    );
    assert_eq!(raw.rows("SELECT Id FROM Case").await, json!([]));
    let journal = raw.org.journal();
    assert_eq!(journal.count(Deed::Created, Thing::Ticket, Doer::Api), 1);
    assert_eq!(journal.count(Deed::Updated, Thing::Ticket, Doer::Api), 1);
}

#[tokio::test]
async fn wrong_members_are_refused_one_at_a_time() {
    let raw = Raw::plain().await;
    for (body, expected) in [
        (json!({"Nope__c": 1, "CaseNumber": "1"}), "INVALID_FIELD"),
        (
            json!({"CaseNumber": "1"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        (json!({"Subject": "x".repeat(256)}), "STRING_TOO_LONG"),
        (
            json!({"Service_Level__c": "Gold"}),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ),
        (
            json!({"Skills__c": "Network;Juggling"}),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ),
        (json!({"IsEscalated": "yes"}), "JSON_PARSER_ERROR"),
        (json!({"Visit_Date__c": "soon"}), "JSON_PARSER_ERROR"),
        (json!({"Account": {"Name": "x"}}), "INVALID_FIELD"),
        (json!({"ContactId": "x"}), "MALFORMED_ID"),
        (
            json!({"ContactId": "003000000000001AAA"}),
            "INVALID_CROSS_REFERENCE_KEY",
        ),
        (json!({"SuppliedEmail": "nobody"}), "INVALID_EMAIL_ADDRESS"),
    ] {
        let response = raw.send(Method::POST, "/sobjects/Case", &body).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let errors: Value = response.json().await.unwrap();
        assert_eq!(errors.as_array().unwrap().len(), 1, "{errors}");
        assert_eq!(errors[0]["errorCode"], expected, "{body}");
    }
    let response = raw
        .send(
            Method::POST,
            "/sobjects/CaseComment",
            &json!({"CommentBody": "x"}),
        )
        .await;
    assert_eq!(code(response, 400).await, "REQUIRED_FIELD_MISSING");
    assert_eq!(
        code(
            raw.send(Method::POST, "/sobjects/Nope__c", &json!({}))
                .await,
            404
        )
        .await,
        "NOT_FOUND"
    );
    let response = raw
        .request(Method::POST, "/sobjects/Case")
        .header("content-type", "application/json")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(code(response, 400).await, "JSON_PARSER_ERROR");
    let response = raw
        .request(Method::POST, "/sobjects/Case")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(code(response, 415).await, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(
        code(raw.get("/sobjects/Case/500").await, 400).await,
        "MALFORMED_ID"
    );
}

#[tokio::test]
async fn an_upsert_makes_one_record_of_a_key() {
    let raw = Raw::plain().await;
    let path = "/sobjects/Case/FN_Work_Order__c/FN-1";
    let first = raw
        .send(Method::PATCH, path, &json!({"Subject": "a"}))
        .await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let first: Value = first.json().await.unwrap();
    if let Some(text) = sample("upsert-created-response.json") {
        let theirs: Value = serde_json::from_str(&text).unwrap();
        let keys = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&first), keys(&theirs));
    }
    let second = raw
        .send(Method::PATCH, path, &json!({"Subject": "b"}))
        .await;
    assert_eq!(second.status(), StatusCode::OK);
    let second: Value = second.json().await.unwrap();
    assert_eq!(
        (second["id"].clone(), second["created"].clone()),
        (first["id"].clone(), json!(false))
    );
    let read: Value = raw.get(path).await.json().await.unwrap();
    assert_eq!(read["Subject"], "b");
    let inside = raw
        .send(Method::PATCH, path, &json!({"FN_Work_Order__c": "FN-1"}))
        .await;
    assert_eq!(code(inside, 400).await, "INVALID_FIELD");
    assert_eq!(
        code(
            raw.send(Method::PATCH, "/sobjects/Case/Subject/x", &json!({}))
                .await,
            404
        )
        .await,
        "NOT_FOUND"
    );
    assert_eq!(
        code(raw.get("/sobjects/Case/FN_Work_Order__c/FN-2").await, 404).await,
        "NOT_FOUND"
    );
    let taken = raw
        .send(
            Method::POST,
            "/sobjects/Case",
            &json!({"FN_Work_Order__c": "FN-1"}),
        )
        .await;
    assert_eq!(code(taken, 400).await, "DUPLICATE_VALUE");
    for _ in 0..2 {
        raw.case(&json!({"Legacy_Key__c": "k"})).await;
    }
    let several = raw
        .send(
            Method::PATCH,
            "/sobjects/Case/Legacy_Key__c/k",
            &json!({"Subject": "x"}),
        )
        .await;
    assert_eq!(several.status(), StatusCode::MULTIPLE_CHOICES);
    let several: Value = several.json().await.unwrap();
    assert_eq!(several.as_array().unwrap().len(), 2);
    let marked = raw.org.journal().by_marker(Thing::Ticket);
    assert_eq!(marked["FN-1"], [1026]);
}

#[tokio::test]
async fn queries_reach_parents_page_and_hold_to_the_language() {
    let raw = Raw::start(SalesforceSettings {
        query_page: 2,
        ..org()
    })
    .await;
    let accounts = raw
        .rows("SELECT Id FROM Account ORDER BY Name LIMIT 1")
        .await;
    let account = accounts[0]["Id"].as_str().unwrap();
    let id = raw
        .case(&json!({"Subject": "O'Neil \\ Sons", "AccountId": account}))
        .await;
    for number in 0..4 {
        raw.case(&json!({"Subject": format!("case {number}"), "Status": "Working"}))
            .await;
    }
    let found = raw.rows(r"SELECT Id,Account.Name,Account.ShippingCity,Contact.Name,Owner.Name FROM Case WHERE Subject = 'O\'Neil \\ Sons'").await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["Id"], id.as_str());
    assert_eq!(found[0]["Account"]["ShippingCity"], "Minneapolis");
    assert_eq!(
        (
            found[0]["Contact"].clone(),
            found[0]["Owner"]["Name"].clone()
        ),
        (Value::Null, json!("Fieldbridge Integration"))
    );
    let first: Value = raw
        .query("SELECT Id FROM Case WHERE Status IN ('Working') ORDER BY Id")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        (first["totalSize"].clone(), first["done"].clone()),
        (json!(4), json!(false))
    );
    let next = format!(
        "{}{}",
        raw.org.base_url(),
        first["nextRecordsUrl"].as_str().unwrap()
    );
    let second: Value = raw
        .client
        .get(next)
        .bearer_auth(&raw.token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (
            second["records"].as_array().unwrap().len(),
            second["done"].clone()
        ),
        (2, json!(true))
    );
    for (soql, expected) in [
        (
            "SELECT Id FROM Case WHERE Subject = 'O'Neil'",
            "MALFORMED_QUERY",
        ),
        ("SELECT Nope__c FROM Case", "INVALID_FIELD"),
        ("SELECT Account.Nope__c FROM Case", "INVALID_FIELD"),
        ("SELECT Nope__r.Name FROM Case", "INVALID_FIELD"),
        ("SELECT Id FROM Nope__c", "INVALID_TYPE"),
        (
            "SELECT Id FROM Case WHERE SystemModstamp >= '2026-07-01T08:00:00Z'",
            "INVALID_FIELD",
        ),
        (
            "SELECT Id FROM Case WHERE Id = 'x'",
            "INVALID_QUERY_FILTER_OPERATOR",
        ),
        (
            "SELECT Id FROM Case WHERE Description = 'x'",
            "INVALID_FIELD",
        ),
        ("SELECT Id FROM ContentDocumentLink", "MALFORMED_QUERY"),
    ] {
        assert_eq!(code(raw.query(soql).await, 400).await, expected, "{soql}");
    }
    let since = raw
        .rows("SELECT Id FROM Case WHERE SystemModstamp >= 2026-07-01T08:00:01Z")
        .await;
    assert_eq!(since, json!([]));
    let long = format!(
        "SELECT Id FROM Case WHERE Subject = '{}'",
        "x".repeat(16_000)
    );
    assert_eq!(raw.query(&long).await.status(), StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn descriptions_know_their_tag_and_hide_what_security_hides() {
    let raw = Raw::start(SalesforceSettings {
        hidden_fields: vec![("Case", "Reason")],
        read_only_objects: vec!["FN_Charge__c"],
        ..org()
    })
    .await;
    let response = raw.get("/sobjects/Case/describe").await;
    let tag = response.headers()["etag"].clone();
    let body: Value = response.json().await.unwrap();
    let names: Vec<_> = body["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"Status") && !names.contains(&"Reason"));
    let again = raw
        .request(Method::GET, "/sobjects/Case/describe")
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(
        code(raw.query("SELECT Reason FROM Case").await, 400).await,
        "INVALID_FIELD"
    );
    let charge: Value = raw
        .get("/sobjects/FN_Charge__c/describe")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(charge["createable"], false);
    let refused = raw
        .send(
            Method::POST,
            "/sobjects/FN_Charge__c",
            &json!({"Amount__c": 1}),
        )
        .await;
    assert_eq!(code(refused, 403).await, "INSUFFICIENT_ACCESS_OR_READONLY");
}

#[tokio::test]
async fn a_file_is_published_and_linked_in_either_form() {
    let raw = Raw::plain().await;
    let case = raw.case(&json!({"Subject": "x"})).await;
    let version = json!({"Title": "a", "PathOnClient": "a.txt", "VersionData": "aGVsbG8=", "FirstPublishLocationId": case});
    let created = raw
        .send(Method::POST, "/sobjects/ContentVersion", &version)
        .await;
    let created: Value = created.json().await.unwrap();
    let id = created["id"].as_str().unwrap();
    let bytes = raw
        .get(&format!("/sobjects/ContentVersion/{id}/VersionData"))
        .await
        .bytes()
        .await
        .unwrap();
    assert_eq!(&bytes[..], b"hello");
    let members = reqwest::multipart::Part::text(
        json!({"PathOnClient": "b.bin", "FirstPublishLocationId": case}).to_string(),
    )
    .mime_str("application/json")
    .unwrap();
    let data = reqwest::multipart::Part::bytes(vec![0, 1, 2]).file_name("b.bin");
    let form = reqwest::multipart::Form::new()
        .part("entity_content", members)
        .part("VersionData", data);
    let second = raw
        .request(Method::POST, "/sobjects/ContentVersion")
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(second.status(), StatusCode::CREATED);
    let linked = raw.rows(&format!("SELECT ContentDocument.Title,ContentDocument.FileExtension,ContentDocument.ContentSize FROM ContentDocumentLink WHERE LinkedEntityId = '{case}'")).await;
    let shown: Vec<_> = linked
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["ContentDocument"]["Title"].clone(),
                row["ContentDocument"]["ContentSize"].clone(),
            )
        })
        .collect();
    assert_eq!(shown, [(json!("a"), json!(5)), (json!("b"), json!(3))]);
    let empty = json!({"PathOnClient": "a.txt", "VersionData": ""});
    assert_eq!(
        code(
            raw.send(Method::POST, "/sobjects/ContentVersion", &empty)
                .await,
            400
        )
        .await,
        "REQUIRED_FIELD_MISSING"
    );
}

#[tokio::test]
async fn messages_are_sent_until_they_are_acknowledged_and_tell_the_latest_state() {
    let raw = Raw::plain().await;
    let mut listener = Listener::answering(&[(200, ""), (200, r#"{"ok":true}"#), (503, "")]).await;
    let flow = Flow {
        action: FlowAction::OutboundMessage {
            url: listener.url.clone(),
            fields: ["Id", "Subject", "Reason", "SystemModstamp"]
                .map(str::to_owned)
                .to_vec(),
            sends_session: true,
        },
        statuses: vec!["Dispatch Required".to_owned()],
        ..Flow::outbound("Case", "")
    };
    raw.org.set_flows(vec![flow]);
    let id = raw
        .org
        .enter("Case", &json!({"Subject": "<a> & b"}))
        .unwrap();
    raw.org
        .change("Case", &id, &json!({"Status": "Dispatch Required"}))
        .unwrap();
    let mut notifications = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let received = listener.next().await;
        let text = received.text();
        assert!(
            text.starts_with('\u{feff}')
                && received.headers["content-type"] == "text/xml; charset=utf-8"
        );
        assert!(text.contains(&format!(
            "<OrganizationId>{}</OrganizationId>",
            raw.org.organization()
        )));
        assert!(
            text.contains("<sf:Subject>&lt;a&gt; &amp; b</sf:Subject>") && !text.contains("Reason"),
            "{text}"
        );
        assert!(text.contains("2026-07-01T08:00:00.000Z") && text.contains("xsi:type=\"sf:Case\""));
        let id = text
            .split("<Notification>")
            .nth(1)
            .unwrap()
            .split("<Id>")
            .nth(1)
            .unwrap();
        notifications.insert(id.split('<').next().unwrap().to_owned());
    }
    assert_eq!(notifications.len(), 1, "the same notification came again");
    raw.org
        .change("Case", &id, &json!({"Status": "Working"}))
        .unwrap();
    raw.org
        .change("Case", &id, &json!({"Status": "Dispatch Required"}))
        .unwrap();
    assert!(listener.next().await.text().contains("sf:Case"));
}

#[tokio::test]
async fn a_message_holds_no_more_than_a_hundred_notifications() {
    let raw = Raw::plain().await;
    let mut listener = Listener::answering(&[(500, "")]).await;
    raw.org
        .set_flows(vec![Flow::outbound("Case", listener.url.clone())]);
    for number in 0..150 {
        raw.org
            .enter("Case", &json!({"Subject": number.to_string()}))
            .unwrap();
    }
    let mut records = std::collections::BTreeSet::new();
    while records.len() < 150 {
        let text = listener.next().await.text();
        assert!(text.matches("<Notification>").count() <= 100);
        records.extend(
            text.split("<sf:Id>")
                .skip(1)
                .map(|rest| rest[..18].to_owned()),
        );
    }
}

#[tokio::test]
async fn trouble_comes_in_the_vendors_shapes() {
    let raw = Raw::plain().await;
    let faults = raw.org.faults();
    faults.push(Fault::once(FaultKind::RateLimited {
        retry_after_seconds: 5,
    }));
    assert_eq!(
        code(raw.get("/limits").await, 403).await,
        "REQUEST_LIMIT_EXCEEDED"
    );
    faults.push(Fault::once(FaultKind::Unauthorized));
    assert_eq!(
        code(raw.get("/limits").await, 401).await,
        "INVALID_SESSION_ID"
    );
    faults.push(Fault::once(FaultKind::ServerError { status: 500 }));
    assert_eq!(
        code(raw.get("/limits").await, 500).await,
        "UNKNOWN_EXCEPTION"
    );
    faults.push(Fault::once(FaultKind::ServerError { status: 502 }));
    assert!(
        raw.get("/limits")
            .await
            .text()
            .await
            .unwrap()
            .starts_with("<html>")
    );
    raw.org.lock_rows(1);
    assert_eq!(
        code(
            raw.send(Method::POST, "/sobjects/Case", &json!({"Subject": "x"}))
                .await,
            400
        )
        .await,
        "UNABLE_TO_LOCK_ROW"
    );
    let id = raw
        .case(&json!({"Subject": "x", "Comments": "noted"}))
        .await;
    assert_eq!(
        raw.rows(&format!(
            "SELECT CommentBody FROM CaseComment WHERE ParentId = '{id}'"
        ))
        .await[0]["CommentBody"],
        "noted"
    );
    raw.org.set_validation_rule(Some("Ask the desk first."));
    let refused = raw
        .send(
            Method::PATCH,
            &format!("/sobjects/Case/{id}"),
            &json!({"Subject": "y"}),
        )
        .await;
    assert_eq!(
        code(refused, 400).await,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    );
}
