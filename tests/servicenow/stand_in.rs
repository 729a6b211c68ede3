//! The stand-in driven over HTTP as the vendor's documents say, never by our own adapter.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use fieldbridge::model::ManualClock;
use fieldbridge::sandbox::{
    BusinessRule, BusinessRuleContent, Deed, Doer, Fault, FaultKind, InvalidQuery, NoteJournal,
    RateLimit, ServiceNow, ServiceNowSettings, Thing,
};
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::bench::{simple, still};
use crate::sandbox_support::{Subscriber, client};

struct Bench {
    instance: ServiceNow,
    http: reqwest::Client,
    clock: Arc<ManualClock>,
}

impl Bench {
    async fn start(settings: ServiceNowSettings) -> Self {
        let clock = still();
        Self {
            instance: ServiceNow::start(settings, clock.clone(), 1).await.unwrap(),
            http: client(),
            clock,
        }
    }

    async fn plain() -> Self {
        Self::start(ServiceNowSettings::default()).await
    }

    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.instance.rest_url());
        self.http
            .request(method, url)
            .header("accept", "application/json")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let settings = self.instance.settings();
        self.bare(method, path)
            .basic_auth(&settings.user_name, Some(&settings.password))
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    async fn rows(&self, table: &str, query: &str) -> Vec<Value> {
        let request = self
            .request(Method::GET, &format!("/table/{table}"))
            .query(&[("sysparm_query", query)]);
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        body["result"].as_array().unwrap().clone()
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }

    async fn create(&self, body: &Value) -> Value {
        let response = self.send(Method::POST, "/table/incident", body).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let body: Value = response.json().await.unwrap();
        body["result"].clone()
    }

    async fn token(&self, pairs: &[(&str, &str)]) -> Response {
        let settings = self.instance.settings();
        let mut form = vec![
            ("client_id", settings.client_id.as_str()),
            ("client_secret", settings.client_secret.as_str()),
        ];
        form.extend_from_slice(pairs);
        let url = format!("{}/oauth_token.do", self.instance.base_url());
        self.http.post(url).form(&form).send().await.unwrap()
    }
}

async fn error(response: Response, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], "failure");
    let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
    format!("{}: {}", text("message"), text("detail"))
}

fn path(record: &Value) -> String {
    format!("/table/incident/{}", record["sys_id"].as_str().unwrap())
}

#[tokio::test]
async fn each_way_to_sign_in_is_admitted_and_no_other() {
    let bench = Bench::plain().await;
    let table = "/table/incident";
    let refused = bench.bare(Method::GET, table).send().await.unwrap();
    assert_eq!(
        error(refused, 401).await,
        "User Not Authenticated: Required to provide Auth information"
    );
    let key = |key: &str| {
        bench
            .bare(Method::GET, table)
            .header("x-sn-apikey", key)
            .send()
    };
    assert_eq!(
        key("not-a-real-api-key").await.unwrap().status(),
        StatusCode::OK
    );
    assert_eq!(
        key("guess").await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let wrong = bench
        .bare(Method::GET, table)
        .basic_auth("integration.fieldnation", Some("guess"));
    assert_eq!(
        wrong.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let answer = bench.token(&[("grant_type", "client_credentials")]).await;
    let token: Value = answer.json().await.unwrap();
    assert!(token.get("refresh_token").is_none());
    let bearer = |token: &str| bench.bare(Method::GET, table).bearer_auth(token).send();
    let access = token["access_token"].as_str().unwrap();
    assert_eq!(bearer(access).await.unwrap().status(), StatusCode::OK);
    bench.clock.advance(Duration::from_secs(1_800));
    assert_eq!(
        bearer(access).await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn tokens_are_given_for_forms_and_stay_the_same_within_their_life() {
    let bench = Bench::plain().await;
    let password = [
        ("grant_type", "password"),
        ("username", "integration.fieldnation"),
        ("password", "not-a-real-password"),
    ];
    let first: Value = bench.token(&password).await.json().await.unwrap();
    assert_eq!(first["token_type"], "Bearer");
    assert_eq!(first["expires_in"], 1_799);
    let second: Value = bench.token(&password).await.json().await.unwrap();
    assert_eq!(first["access_token"], second["access_token"]);
    bench.instance.expire_access_token();
    let refresh = first["refresh_token"].as_str().unwrap();
    let third = bench
        .token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)])
        .await;
    let third: Value = third.json().await.unwrap();
    assert_ne!(first["access_token"], third["access_token"]);
    for pairs in [
        vec![
            ("grant_type", "password"),
            ("username", "x"),
            ("password", "y"),
        ],
        vec![("grant_type", "refresh_token"), ("refresh_token", "x")],
        vec![("grant_type", "magic")],
    ] {
        let refused = bench.token(&pairs).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        let body: Value = refused.json().await.unwrap();
        assert_eq!(body["error_description"], "access_denied");
    }
    let url = format!("{}/oauth_token.do", bench.instance.base_url());
    let json = bench
        .http
        .post(url)
        .json(&json!({"grant_type": "password"}))
        .send()
        .await
        .unwrap();
    assert_eq!(json.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn everything_is_text_and_a_reference_is_an_object_unless_it_is_empty() {
    let bench = Bench::plain().await;
    let caller = bench
        .instance
        .id_of("sys_user", "user_name", "store.manager")
        .unwrap();
    let record = bench.create(&json!({"short_description": "x", "caller_id": caller, "impact": 1, "u_send_to_fn": true})).await;
    for (name, value) in record.as_object().unwrap() {
        assert!(
            value.is_string() || value.get("link").is_some(),
            "{name}: {value}"
        );
    }
    assert_eq!(record["impact"], "1");
    assert_eq!(record["u_send_to_fn"], "true");
    assert_eq!(record["caller_id"]["value"], caller);
    assert_eq!(record["assigned_to"], "");
    let shown = bench
        .get(&format!(
            "{}?sysparm_display_value=true&sysparm_fields=state,caller_id,u_none",
            path(&record)
        ))
        .await;
    let link = format!("{}/table/sys_user/{caller}", bench.instance.rest_url());
    assert_eq!(
        shown["result"],
        json!({"state": "New", "caller_id": {"display_value": "Store Manager", "link": link}})
    );
    let both = bench
        .get(&format!(
            "{}?sysparm_display_value=all&sysparm_fields=state",
            path(&record)
        ))
        .await;
    assert_eq!(
        both["result"],
        json!({"state": {"display_value": "New", "value": "1"}})
    );
    let flat = bench.get(&format!("{}?sysparm_exclude_reference_link=true&sysparm_fields=caller_id,caller_id.email,caller_id.none,assigned_to.name", path(&record))).await;
    assert_eq!(
        flat["result"],
        json!({"caller_id": caller, "caller_id.email": "store.manager@example.com", "assigned_to.name": ""})
    );
}

#[tokio::test]
async fn what_is_not_there_and_what_is_hidden_look_alike() {
    let bench = Bench::plain().await;
    let record = bench.create(&simple()).await;
    bench.instance.hide(record["sys_id"].as_str().unwrap());
    for path in [
        path(&record),
        "/table/incident/00000000000000000000000000000000".to_owned(),
    ] {
        let response = bench.request(Method::GET, &path).send().await.unwrap();
        let told = error(response, 404).await;
        assert_eq!(
            told,
            "No Record found: Record doesn't exist or ACL restricts the record retrieval"
        );
    }
    let response = bench
        .request(Method::GET, "/table/incidnet")
        .send()
        .await
        .unwrap();
    assert_eq!(error(response, 400).await, "Invalid table incidnet: ");
    bench.instance.forbid("problem");
    let response = bench
        .request(Method::GET, "/table/problem")
        .send()
        .await
        .unwrap();
    assert!(error(response, 403).await.contains("ACL Exception"));
}

#[tokio::test]
async fn parts_of_a_query_that_are_not_understood_are_dropped() {
    let bench = Bench::plain().await;
    for number in 0..3 {
        bench
            .create(&json!({"short_description": format!("case {number}")}))
            .await;
    }
    assert_eq!(
        bench
            .rows("incident", "short_description=case 1")
            .await
            .len(),
        1
    );
    assert_eq!(
        bench.rows("task", "short_description=case 1").await.len(),
        1
    );
    assert_eq!(bench.rows("incident", "u_typo=1").await.len(), 3);
    assert_eq!(
        bench
            .rows("incident", "u_typo=1^short_description=case 1")
            .await
            .len(),
        1
    );
    assert_eq!(
        bench.rows("incident", "caller_id.nonsense=1").await.len(),
        3
    );
    assert_eq!(
        bench
            .rows(
                "incident",
                "short_descriptionLIKECASE^short_description!=case 2^ORshort_description=case 2"
            )
            .await
            .len(),
        3
    );
    assert_eq!(
        bench
            .rows(
                "incident",
                "short_description=case 1^NQshort_description=case 2"
            )
            .await
            .len(),
        2
    );
    let sorted = bench.rows("incident", "ORDERBYDESCshort_description").await;
    assert_eq!(sorted[0]["short_description"], "case 2");
    let strict = Bench::start(ServiceNowSettings {
        invalid_query: InvalidQuery::FindsNothing,
        ..ServiceNowSettings::default()
    })
    .await;
    strict.create(&simple()).await;
    assert_eq!(strict.rows("incident", "u_typo=1").await.len(), 0);
}

#[tokio::test]
async fn a_page_is_cut_before_acls_hide_its_rows() {
    let bench = Bench::plain().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(
            bench
                .create(&json!({"short_description": format!("case {number}")}))
                .await["sys_id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    bench.instance.hide(&ids[0]);
    bench.instance.hide(&ids[1]);
    let request = bench.request(
        Method::GET,
        "/table/incident?sysparm_limit=2&sysparm_query=ORDERBYnumber",
    );
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-total-count"], "5");
    let link = response.headers()["link"].to_str().unwrap().to_owned();
    assert!(
        link.contains("rel=\"next\"")
            && link.contains("rel=\"first\"")
            && !link.contains("rel=\"prev\""),
        "{link}"
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["result"], json!([]));
    let next = link
        .split(',')
        .find(|link| link.ends_with("rel=\"next\""))
        .unwrap();
    let next = next.trim_start_matches('<').split('>').next().unwrap();
    let settings = bench.instance.settings();
    let request = bench
        .http
        .get(next)
        .basic_auth(&settings.user_name, Some(&settings.password));
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(body["result"].as_array().unwrap().len(), 2);
    let request = bench.request(
        Method::GET,
        "/table/incident?sysparm_limit=2&sysparm_offset=4",
    );
    let link = request.send().await.unwrap().headers()["link"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(!link.contains("rel=\"next\""), "{link}");
}

#[tokio::test]
async fn a_write_takes_what_it_knows_and_says_nothing_of_the_rest() {
    let bench = Bench::plain().await;
    let response = bench
        .send(
            Method::POST,
            "/table/incident",
            &json!({
                "short_description": "x", "u_typo": "y", "sys_created_by": "me", "assigned_to": "nobody", "category": "made up",
                "impact": "1", "urgency": "3", "priority": "1",
            }),
        )
        .await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    let record = &body["result"];
    assert!(location.ends_with(&path(record)));
    assert_eq!(record.get("u_typo"), None);
    assert_eq!(record["sys_created_by"], "integration.fieldnation");
    assert_eq!(record["assigned_to"], "");
    assert_eq!(record["category"], "made up");
    assert_eq!(record["priority"], "3", "computed from impact and urgency");
    bench.clock.advance(Duration::from_secs(5));
    let same = bench
        .send(Method::PATCH, &path(record), &json!({"impact": "1"}))
        .await;
    let same: Value = same.json().await.unwrap();
    assert_eq!(
        same["result"]["sys_mod_count"], "0",
        "no change is no update"
    );
    let shown = bench
        .send(
            Method::PATCH,
            &format!("{}?sysparm_input_display_value=true", path(record)),
            &json!({"category": "Network", "assigned_to": "Sample Dispatcher"}),
        )
        .await;
    let shown: Value = shown.json().await.unwrap();
    assert_eq!(shown["result"]["category"], "network");
    assert!(shown["result"]["assigned_to"]["value"].is_string());
    assert_eq!(shown["result"]["sys_updated_on"], "2026-03-01 12:00:05");
    let gone = bench
        .request(Method::DELETE, &path(record))
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        bench
            .request(Method::GET, &path(record))
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn policies_rules_and_acls_refuse_with_403() {
    let bench = Bench::plain().await;
    let record = bench.create(&simple()).await;
    let patch = async |body: &Value| bench.send(Method::PATCH, &path(&record), body).await;
    let told = error(patch(&json!({"state": "6"})).await, 403).await;
    assert_eq!(
        told,
        "Operation Failed: Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes"
    );
    bench.instance.abort_writes("urgency", "1");
    let told = error(patch(&json!({"urgency": "1"})).await, 403).await;
    assert!(
        told.contains("Operation against file 'incident' was aborted by Business Rule 'Guard^"),
        "{told}"
    );
    let closed = json!({"state": "7", "close_code": "Solution provided", "close_notes": "x"});
    let closed: Value = patch(&closed).await.json().await.unwrap();
    assert_eq!(closed["result"]["active"], "false");
    assert_eq!(closed["result"]["incident_state"], "7");
    let told = error(patch(&json!({"comments": "late"})).await, 403).await;
    assert!(told.contains("ACL Exception Update Failed"), "{told}");
}

#[tokio::test]
async fn headers_that_the_api_insists_on() {
    let bench = Bench::plain().await;
    let settings = bench.instance.settings();
    let url = format!("{}/table/incident", bench.instance.rest_url());
    let request = |accept: &str| {
        bench
            .http
            .get(&url)
            .basic_auth(&settings.user_name, Some(&settings.password))
            .header("accept", accept.to_owned())
    };
    assert_eq!(
        request("text/csv").send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    let untyped = bench
        .request(Method::POST, "/table/incident")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(untyped.status(), StatusCode::BAD_REQUEST);
    let broken = bench
        .request(Method::POST, "/table/incident")
        .header("content-type", "application/json")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status(), StatusCode::BAD_REQUEST);
    let versioned = bench
        .request(Method::GET, "/v2/table/incident")
        .send()
        .await
        .unwrap();
    assert_eq!(versioned.status(), StatusCode::OK);
    let nowhere = bench.request(Method::GET, "/nowhere").send().await.unwrap();
    assert!(
        error(nowhere, 404)
            .await
            .contains("does not represent any resource")
    );
}

#[tokio::test]
async fn journals_are_empty_when_read_plainly_and_rendered_in_the_readers_time() {
    let bench = Bench::start(ServiceNowSettings {
        time_zone: "America/Chicago".to_owned(),
        ..ServiceNowSettings::default()
    })
    .await;
    let record = bench.create(&simple()).await;
    let ticket = bench.instance.record(10_001);
    assert_eq!(ticket["sys_id"], record["sys_id"]);
    bench
        .instance
        .write_note(10_001, "from staff", NoteJournal::WorkNotes)
        .unwrap();
    bench.clock.advance(Duration::from_secs(60));
    bench
        .send(
            Method::PATCH,
            &path(&record),
            &json!({"comments": "from us", "work_notes": "  "}),
        )
        .await;
    let plain = bench.get(&path(&record)).await;
    assert_eq!(plain["result"]["comments"], "");
    let shown = bench
        .get(&format!(
            "{}?sysparm_display_value=all&sysparm_fields=comments,comments_and_work_notes",
            path(&record)
        ))
        .await;
    assert_eq!(shown["result"]["comments"]["value"], "");
    assert_eq!(
        shown["result"]["comments"]["display_value"],
        "2026-03-01 06:01:00 - Field Nation Integration (Additional comments)\nfrom us\n\n"
    );
    let all = shown["result"]["comments_and_work_notes"]["display_value"]
        .as_str()
        .unwrap();
    assert!(
        all.find("from us") < all.find("Sample Dispatcher (Work notes)\nfrom staff"),
        "{all}"
    );
    let query = format!(
        "element_id={}^elementINcomments,work_notes^ORDERBYsys_created_on",
        record["sys_id"].as_str().unwrap()
    );
    let rows = bench.rows("sys_journal_field", &query).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["value"], "from staff");
    assert_eq!(rows[1]["sys_created_by"], "integration.fieldnation");
    assert_eq!(rows[1]["name"], "incident");
}

#[tokio::test]
async fn files_go_in_raw_or_in_parts_and_come_out_as_they_were() {
    let bench = Bench::start(ServiceNowSettings {
        attachment_extensions: vec!["txt".to_owned()],
        attachment_max_mb: 1,
        ..ServiceNowSettings::default()
    })
    .await;
    let record = bench.create(&simple()).await;
    let id = record["sys_id"].as_str().unwrap();
    let upload = |name: &str, bytes: Vec<u8>| {
        bench
            .request(Method::POST, "/attachment/file")
            .query(&[
                ("table_name", "incident"),
                ("table_sys_id", id),
                ("file_name", name),
            ])
            .header("content-type", "text/plain")
            .body(bytes)
            .send()
    };
    let response = upload("a b.txt", b"hello".to_vec()).await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let body: Value = response.json().await.unwrap();
    let file = body["result"]["sys_id"].as_str().unwrap().to_owned();
    assert_eq!(body["result"]["size_bytes"], "5");
    assert_eq!(
        upload("a.exe", b"x".to_vec()).await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        upload("a.txt", vec![0; 1024 * 1024 + 1])
            .await
            .unwrap()
            .status(),
        StatusCode::BAD_REQUEST
    );
    let parts = |ordered: &[&str]| {
        ordered.iter().fold(Form::new(), |form, name| match *name {
            "uploadFile" => form.part(
                "uploadFile",
                Part::bytes(b"two".to_vec())
                    .file_name("two.txt")
                    .mime_str("text/plain")
                    .unwrap(),
            ),
            "table_name" => form.text("table_name", "incident"),
            _ => form.text("table_sys_id", id.to_owned()),
        })
    };
    let send = |form: Form| {
        bench
            .request(Method::POST, "/attachment/upload")
            .multipart(form)
            .send()
    };
    let good = send(parts(&["table_name", "table_sys_id", "uploadFile"]))
        .await
        .unwrap();
    assert_eq!(good.status(), StatusCode::CREATED);
    let late = send(parts(&["uploadFile", "table_name", "table_sys_id"]))
        .await
        .unwrap();
    assert_eq!(late.status(), StatusCode::BAD_REQUEST);
    let list = bench
        .get(&format!(
            "/attachment?sysparm_query=table_name=incident^table_sys_id={id}"
        ))
        .await;
    assert_eq!(list["result"].as_array().unwrap().len(), 2);
    let bytes = bench
        .request(Method::GET, &format!("/attachment/{file}/file"))
        .send()
        .await
        .unwrap();
    assert!(bytes.headers().contains_key("x-attachment-metadata"));
    assert_eq!(bytes.headers()["content-type"], "text/plain");
    assert_eq!(bytes.bytes().await.unwrap(), "hello");
    let gone = bench
        .request(Method::DELETE, &format!("/attachment/{file}"))
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let gone = bench
        .request(Method::GET, &format!("/attachment/{file}/file"))
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_dictionary_tells_each_field_under_the_table_that_has_it() {
    let bench = Bench::plain().await;
    let rows = bench
        .rows(
            "sys_dictionary",
            "nameINtask,incident^internal_type!=collection^elementISNOTEMPTY",
        )
        .await;
    let entry = |element: &str| rows.iter().find(|row| row["element"] == element).unwrap();
    assert_eq!(entry("short_description")["name"], "task");
    assert_eq!(entry("caller_id")["mandatory"], "true");
    assert_eq!(entry("u_site_code")["name"], "incident");
    let parents = bench
        .get(
            "/table/sys_db_object?sysparm_query=name=incident&sysparm_fields=name,super_class.name",
        )
        .await;
    assert_eq!(
        parents["result"],
        json!([{"name": "incident", "super_class.name": "task"}])
    );
    let choices = bench
        .rows(
            "sys_choice",
            "name=incident^element=state^inactive=false^language=en",
        )
        .await;
    assert_eq!(choices.len(), 6);
    let meta = bench.get("/ui/meta/incident").await;
    assert_eq!(
        meta["result"]["columns"]["state"]["choices"][0]["label"],
        "New"
    );
}

#[tokio::test]
async fn business_rules_call_once_in_whatever_form_and_leave_out_whom_they_should() {
    let bench = Bench::plain().await;
    let mut subscriber = Subscriber::answering(&[]).await;
    let url = format!("{}/hook?client_token=t", subscriber.url);
    let rule = |content| BusinessRule {
        exempt_user: Some("integration.fieldnation".to_owned()),
        condition: Some(("u_send_to_fn".to_owned(), "true".to_owned())),
        ..BusinessRule::new(url.clone(), content)
    };
    bench
        .instance
        .set_business_rules(vec![rule(BusinessRuleContent::QueryParameters)]);
    bench.create(&json!({"u_send_to_fn": "true"})).await;
    bench.instance.open_incident(&simple()).unwrap();
    let ticket = bench
        .instance
        .open_incident(&json!({"u_send_to_fn": "true", "short_description": "19\" rack"}))
        .unwrap();
    let id = bench.instance.sys_id(ticket).unwrap();
    let received = subscriber.next().await;
    assert_eq!(
        received.uri.query().unwrap(),
        format!("client_token=t&external_id={id}")
    );
    assert_eq!(received.header("user-agent"), "ServiceNow/1.0");
    bench
        .instance
        .set_business_rules(vec![rule(BusinessRuleContent::Json)]);
    bench
        .instance
        .change_record(ticket, &json!({"impact": "1"}))
        .unwrap();
    let received = subscriber.next().await;
    assert_eq!(received.json()["sys_id"], id);
    assert_eq!(received.json()["event"], "update");
    bench
        .instance
        .set_business_rules(vec![rule(BusinessRuleContent::Pasted)]);
    bench
        .instance
        .change_record(ticket, &json!({"impact": "2"}))
        .unwrap();
    let received = subscriber.next().await;
    assert!(serde_json::from_slice::<Value>(&received.body).is_err());
    assert_eq!(subscriber.waiting(), 0);
}

#[tokio::test]
async fn a_message_that_is_not_taken_is_not_sent_again() {
    let bench = Bench::plain().await;
    let mut subscriber = Subscriber::answering(&[503]).await;
    bench.instance.set_business_rules(vec![BusinessRule::new(
        subscriber.url.clone(),
        BusinessRuleContent::Json,
    )]);
    bench.instance.open_incident(&simple()).unwrap();
    subscriber.next().await;
    while bench.instance.deliveries_under_way() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(subscriber.waiting(), 0);
    assert_eq!(
        bench
            .instance
            .journal()
            .count(Deed::Removed, Thing::Delivery, Doer::System),
        1
    );
}

#[tokio::test]
async fn trouble_on_demand_looks_as_it_does_at_the_vendors() {
    let bench = Bench::plain().await;
    let record = bench.create(&simple()).await;
    bench.instance.hibernate();
    let response = bench
        .request(Method::GET, &path(&record))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert!(
        bench
            .token(&[("grant_type", "client_credentials")])
            .await
            .text()
            .await
            .unwrap()
            .contains("hibernating")
    );
    bench.instance.wake_up();
    bench.instance.cut_off_next_query();
    let body = bench.get("/table/incident").await;
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("Transaction cancelled")
    );
    assert!(bench.get("/table/incident").await.get("error").is_none());
    let faults = bench.instance.faults();
    faults.push(Fault::once(FaultKind::RateLimited {
        retry_after_seconds: 30,
    }));
    let response = bench
        .request(Method::GET, "/table/incident")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["retry-after"], "30");
    assert!(
        error(response, 429)
            .await
            .starts_with("Rate limit exceeded")
    );
    faults.push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/table/incident"));
    let lost = bench
        .request(Method::POST, "/table/incident")
        .json(&json!({"correlation_id": "FN-7"}))
        .send()
        .await;
    assert!(lost.is_err());
    assert_eq!(bench.rows("incident", "correlation_id=FN-7").await.len(), 1);
    assert_eq!(
        bench.instance.journal().by_marker(Thing::Ticket)["FN-7"],
        [10_002]
    );
}

#[tokio::test]
async fn a_rate_limit_rule_counts_and_says_when_it_begins_anew() {
    let bench = Bench::start(ServiceNowSettings {
        rate_limit: Some(RateLimit::per_minute(2)),
        ..ServiceNowSettings::default()
    })
    .await;
    let get = || bench.request(Method::GET, "/table/incident").send();
    assert!(
        get()
            .await
            .unwrap()
            .headers()
            .contains_key("x-ratelimit-rule")
    );
    get().await.unwrap();
    let refused = get().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "60");
    assert_eq!(refused.headers()["x-ratelimit-reset"], "1772366460");
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(get().await.unwrap().status(), StatusCode::OK);
}
