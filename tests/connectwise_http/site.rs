//! A site on loopback: it answers what a test planned, remembers every request, and notes those that the vendor's
//! API description does not know or that lack what every call must carry.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use fieldbridge::config::{ConnectorConfig, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{Priority, TokioClock};
use fieldbridge::platform::Platform;
use fieldbridge::platform::registry::{Setup, build};
use serde_json::{Value, json};

/// `acme+pubfake:privfake`, encoded apart from the code under test.
const AUTHORIZATION: &str = "Basic YWNtZStwdWJmYWtlOnByaXZmYWtl";

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    /// The path after the API's base, or the whole path of anything else.
    pub path: String,
    pub codebase: Option<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }
}

/// A planned answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into(),
        }
    }

    pub fn bytes(body: &'static [u8]) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "application/octet-stream".to_owned())],
            body: Bytes::from_static(body),
        }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

#[derive(Debug)]
struct Plan {
    method: Method,
    path: String,
    once: bool,
    reply: Reply,
}

#[derive(Debug, Default)]
struct Shared {
    codebase: Mutex<String>,
    plans: Mutex<Vec<Plan>>,
    seen: Mutex<Vec<Seen>>,
    strays: Mutex<Vec<String>>,
    operations: Vec<(Method, String)>,
}

pub struct Site {
    pub base: String,
    shared: Arc<Shared>,
}

impl Site {
    /// A site whose codebase is `v2024_1/` and which has ticket 69.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            codebase: Mutex::new("v2024_1".to_owned()),
            operations: operations(),
            ..Shared::default()
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let site = Self { base, shared };
        site.on(Method::GET, "service/tickets", 200, &json!([{"id": 69}]));
        site.on(Method::GET, "service/tickets/69", 200, &ticket());
        site.on(Method::GET, "service/tickets/69/notes", 200, &json!([]));
        site.on(
            Method::GET,
            "company/companies/2",
            200,
            &json!({"id": 2, "identifier": "YourCompany", "name": "Test Company", "city": "Tampa"}),
        );
        site.on(Method::GET, "company/companies/2/sites/28", 200, &json!({"id": 28, "name": "Main", "addressLine1": "140 S. Village Ave.", "stateReference": {"identifier": "FL"}}));
        site.on(
            Method::GET,
            "company/contacts/2",
            200,
            &json!({"id": 2, "firstName": "Pat", "lastName": "Example"}),
        );
        site.on(Method::GET, "service/boards/1/statuses", 200, &json!([
            {"id": 1, "name": "New", "defaultFlag": true}, {"id": 42, "name": "Dispatch to FN"}, {"id": 43, "name": "Completed", "closedStatus": true}]));
        site.on(
            Method::GET,
            "service/boards",
            200,
            &json!([{"id": 1, "name": "Service A"}, {"id": 5, "name": "Field"}]),
        );
        site
    }

    pub fn on(&self, method: Method, path: &str, status: u16, body: &Value) {
        self.plan(method, path, Reply::json(status, body), false);
    }

    /// Answers so the next time only; before anything planned for always.
    pub fn once(&self, method: Method, path: &str, reply: Reply) {
        self.plan(method, path, reply, true);
    }

    pub fn always(&self, method: Method, path: &str, reply: Reply) {
        self.plan(method, path, reply, false);
    }

    fn plan(&self, method: Method, path: &str, reply: Reply, once: bool) {
        let plan = Plan {
            method,
            path: path.to_owned(),
            once,
            reply,
        };
        self.shared.plans.lock().unwrap().push(plan);
    }

    pub fn move_to(&self, codebase: &str) {
        codebase.clone_into(&mut self.shared.codebase.lock().unwrap());
    }

    /// What was asked so far; every request must have been one that the vendor knows.
    pub fn seen(&self) -> Vec<Seen> {
        let strays = self.shared.strays.lock().unwrap();
        assert!(strays.is_empty(), "{strays:?}");
        self.shared.seen.lock().unwrap().clone()
    }

    pub fn forget(&self) {
        self.seen();
        self.shared.seen.lock().unwrap().clear();
    }

    /// The requests of one method and path.
    pub fn asked(&self, method: &Method, path: &str) -> Vec<Seen> {
        let seen = self.seen().into_iter();
        seen.filter(|seen| seen.method == *method && seen.path == path)
            .collect()
    }

    /// The adapter of a connector at this site, with more settings and more of the file before them.
    pub fn adapter_with(&self, settings: &str, top: &str) -> Arc<dyn Platform> {
        let text = format!(
            "platform = \"connectwise\"\n{top}\n[settings]\nbase_url = \"{}\"\ncompany = \"acme\"\npublic_key = \"pubfake\"\nprivate_key = \"privfake\"\nclient_id = \"fake-client-id\"\n{settings}\n",
            self.base
        );
        let config = ConnectorConfig::parse(Path::new("connectors/cw-main.toml"), &text).unwrap();
        let secrets = Secrets::default();
        let setup = Setup {
            config: &config,
            secrets: &secrets,
            clock: Arc::new(TokioClock::start()),
            tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
            quotas: &QuotaBook::default(),
        };
        build(&setup).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    pub fn adapter(&self, settings: &str) -> Arc<dyn Platform> {
        self.adapter_with(settings, "")
    }
}

pub fn call() -> Call {
    Call::new(Priority::Live)
}

pub fn ticket() -> Value {
    json!({
        "id": 69, "summary": "Replace switch", "recordType": "ServiceTicket",
        "board": {"id": 1, "name": "Service A"}, "status": {"id": 42, "name": "Dispatch to FN"},
        "company": {"id": 2, "identifier": "YourCompany", "name": "TestCompany"},
        "site": {"id": 28, "name": "Main"}, "contact": {"id": 2, "name": "Pat Example"},
        "priority": {"id": 4, "name": "Priority 3 - Normal Response"},
        "customFields": [
            {"id": 5, "caption": "CloudPlus", "type": "Checkbox", "entryMethod": "EntryField", "numberOfDecimals": 0, "value": false},
            {"id": 7, "caption": "Site code", "type": "Text", "entryMethod": "EntryField", "numberOfDecimals": 0, "value": "S-9"}],
        "_info": {"lastUpdated": "2026-03-08T21:59:20Z", "updatedBy": "User1"}
    })
}

fn operations() -> Vec<(Method, String)> {
    let shared = std::env::var_os("FIELDBRIDGE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(shared.join("openapi/connectwise-subset.json")) else {
        println!(
            "skipped: requests are not compared with the vendor's API description, for it is not at hand"
        );
        return Vec::new();
    };
    let document: Value = serde_json::from_str(&text).unwrap();
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.filter_map(move |name| Some((name.to_uppercase().parse().ok()?, path.clone())))
        })
        .collect()
}

fn is_known(operations: &[(Method, String)], method: &Method, path: &str) -> bool {
    let fits = |template: &str| {
        let mut given = path.split('/');
        let mut wanted = template.trim_start_matches('/').split('/');
        loop {
            match (given.next(), wanted.next()) {
                (None, None) => return true,
                (Some(given), Some(wanted)) if wanted.starts_with('{') => {
                    if !given.bytes().all(|byte| byte.is_ascii_digit()) {
                        return false;
                    }
                }
                (Some(given), Some(wanted)) if given == wanted => {}
                _ => return false,
            }
        }
    };
    operations.is_empty()
        || operations
            .iter()
            .any(|(known, template)| known == method && fits(template))
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let whole = uri.path().trim_start_matches('/');
    let (codebase, path) = match whole.split_once("/apis/3.0/").or_else(|| {
        let (codebase, path) = whole.split_once("apis/3.0/")?;
        Some((codebase.trim_end_matches('/'), path))
    }) {
        Some((codebase, path)) => (Some(codebase.to_owned()), path.to_owned()),
        None => (None, whole.to_owned()),
    };
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let seen = Seen {
        method,
        path,
        codebase,
        query,
        headers,
        body,
    };
    check(&shared, &seen);
    let reply = reply(&shared, &seen);
    shared.seen.lock().unwrap().push(seen);
    let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response();
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn check(shared: &Shared, seen: &Seen) {
    let stray = |why: &str| {
        shared
            .strays
            .lock()
            .unwrap()
            .push(format!("{} {}: {why}", seen.method, seen.path));
    };
    let header = |name: &str| seen.headers.get(name).and_then(|value| value.to_str().ok());
    if seen.path.starts_with("login/") {
        if header("authorization").is_some() || header("clientid").is_some() {
            stray("the look-up of the codebase takes no credential");
        }
    } else if seen.path.starts_with("system/callbacks/keys/") {
        // Signing keys stand in no API description.
    } else {
        if !is_known(&shared.operations, &seen.method, &seen.path) {
            stray("no such operation");
        }
        if header("authorization") != Some(AUTHORIZATION)
            || header("clientid") != Some("fake-client-id")
        {
            stray("the credential is missing");
        }
    }
}

fn reply(shared: &Shared, seen: &Seen) -> Reply {
    let codebase = shared.codebase.lock().unwrap().clone();
    let missing = Reply::json(
        404,
        &json!({"code": "NotFound", "message": "Not found", "errors": null}),
    );
    if seen
        .codebase
        .as_ref()
        .is_some_and(|asked| *asked != codebase)
    {
        return missing;
    }
    let mut plans = shared.plans.lock().unwrap();
    let fits = |plan: &Plan| plan.method == seen.method && plan.path == seen.path;
    if let Some(place) = plans.iter().position(|plan| plan.once && fits(plan)) {
        return plans.remove(place).reply;
    }
    if let Some(plan) = plans.iter().rev().find(|plan| fits(plan)) {
        return plan.reply.clone();
    }
    if seen.path == "login/companyinfo/acme" {
        let info = json!({"CompanyName": "Acme", "Codebase": format!("{codebase}/"), "VersionCode": "v2024.1", "CompanyID": "acme", "IsCloud": "True"});
        return Reply::json(200, &info);
    }
    missing
}
