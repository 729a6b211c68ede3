//! A small Field Nation on loopback: one work order, a token endpoint, and answers that a test may script.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use fieldbridge::config::{FieldNationSettings, Secrets};
use fieldbridge::fieldnation::FieldNation;
use fieldbridge::http::Call;
use fieldbridge::model::{Priority, TokioClock};
use serde_json::{Map, Value, json};

/// One call as the stub saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HeaderMap,
    pub body: Value,
    pub raw: Bytes,
}

/// An answer that a test scripts.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: Value,
}

impl Answer {
    pub fn new(status: u16, body: Value) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            headers: Vec::new(),
            body,
        }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .push((HeaderName::from_static(name), value.to_owned()));
        self
    }
}

#[derive(Default)]
struct Inner {
    seen: Vec<Seen>,
    scripted: HashMap<String, VecDeque<Answer>>,
    order: Map<String, Value>,
    ignored_on_create: Vec<&'static str>,
    ignored_always: Vec<&'static str>,
    fields: Value,
    tokens: usize,
    accepted: Option<String>,
}

/// The running stub.
#[derive(Clone)]
pub struct Stub {
    inner: Arc<Mutex<Inner>>,
    pub address: SocketAddr,
}

impl Stub {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fields = json!([
            {"id": 35, "name": "Ticket #", "type": "text", "flags": ["internal_id"]},
            {"id": 129, "name": "Site #", "type": "text", "flags": []},
        ]);
        let inner = Inner {
            fields,
            ..Inner::default()
        };
        let stub = Self {
            inner: Arc::new(Mutex::new(inner)),
            address,
        };
        let router = Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        stub
    }

    pub fn client(&self) -> FieldNation {
        self.client_with("")
    }

    /// A client with more lines of settings.
    pub fn client_with(&self, more: &str) -> FieldNation {
        let settings: FieldNationSettings = toml::from_str(&format!(
            "base_url = \"http://{}\"\nclient_id = \"fake\"\nclient_secret = \"fake-client-secret\"\n\
             username = \"api@example.com\"\npassword = \"fake-password\"\ncalls_per_minute = 6000\n{more}",
            self.address
        ))
        .unwrap();
        let clock = Arc::new(TokioClock::starting_at(
            "2026-07-01T12:00:00Z".parse().unwrap(),
        ));
        FieldNation::new(
            &settings,
            &Secrets::default(),
            clock,
            Path::new("fieldbridge.toml"),
        )
        .unwrap()
    }

    /// The next answers to `METHOD /path`, before the stub answers by itself again.
    pub fn script(&self, call: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut inner = self.inner.lock().unwrap();
        inner
            .scripted
            .entry(call.to_owned())
            .or_default()
            .extend(answers);
    }

    pub fn ignore_on_create(&self, names: &[&'static str]) {
        self.inner.lock().unwrap().ignored_on_create = names.to_vec();
    }

    pub fn ignore_always(&self, names: &[&'static str]) {
        self.inner.lock().unwrap().ignored_always = names.to_vec();
    }

    pub fn set_order(&self, order: Value) {
        let Value::Object(order) = order else {
            panic!("no object")
        };
        self.inner.lock().unwrap().order = order;
    }

    pub fn order(&self) -> Value {
        Value::Object(self.inner.lock().unwrap().order.clone())
    }

    pub fn set_fields(&self, fields: Value) {
        self.inner.lock().unwrap().fields = fields;
    }

    /// Only this token is taken from now on.
    pub fn accept_only(&self, token: &str) {
        self.inner.lock().unwrap().accepted = Some(token.to_owned());
    }

    /// What was asked, without the sign-ins.
    pub fn seen(&self) -> Vec<Seen> {
        let inner = self.inner.lock().unwrap();
        let all = inner.seen.iter();
        all.filter(|seen| !seen.path.ends_with("/oauth/token"))
            .cloned()
            .collect()
    }

    /// `METHOD /path` of everything asked under the REST base, without the sign-ins.
    pub fn calls(&self) -> Vec<String> {
        self.seen().iter().map(line).collect()
    }

    /// The bodies of the sign-ins.
    pub fn sign_ins(&self) -> Vec<Value> {
        let inner = self.inner.lock().unwrap();
        let all = inner.seen.iter();
        all.filter(|seen| seen.path.ends_with("/oauth/token"))
            .map(|seen| seen.body.clone())
            .collect()
    }
}

fn line(seen: &Seen) -> String {
    format!(
        "{} {}",
        seen.method,
        seen.path.trim_start_matches("/api/rest/v2")
    )
}

/// A call of live priority.
pub fn call() -> Call {
    Call::new(Priority::Live)
}

/// A map out of `json!`.
pub fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

async fn answer(
    State(stub): State<Stub>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Bytes,
) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let seen = Seen {
        method,
        path: uri.path().to_owned(),
        query,
        headers,
        body: serde_json::from_slice(&raw).unwrap_or(Value::Null),
        raw,
    };
    let mut inner = stub.inner.lock().unwrap();
    inner.seen.push(seen.clone());
    let scripted = inner.scripted.get_mut(&line(&seen));
    let answer = match scripted.and_then(VecDeque::pop_front) {
        Some(answer) => answer,
        None => inner.answer(&seen),
    };
    let mut response = (answer.status, axum::Json(answer.body)).into_response();
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

impl Inner {
    fn answer(&mut self, seen: &Seen) -> Answer {
        if seen.path.ends_with("/oauth/token") {
            self.tokens += 1;
            return Answer::new(
                200,
                json!({"access_token": format!("fake-token-{}", self.tokens), "expires_in": 3600,
                       "token_type": "Bearer", "refresh_token": format!("fake-refresh-{}", self.tokens)}),
            );
        }
        let bearer = seen
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let token = seen
            .query
            .get("access_token")
            .map(String::as_str)
            .or_else(|| bearer?.strip_prefix("Bearer "));
        let accepted = self.accepted.as_deref();
        if token.is_none() || accepted.is_some_and(|accepted| token != Some(accepted)) {
            return Answer::new(401, json!({"status": 401, "message": "invalid token"}));
        }
        let line = line(seen);
        let (verb, path) = line.split_once(' ').unwrap();
        match (verb, path.trim_start_matches("/workorders/1")) {
            ("GET", "/custom-fields") => Answer::new(
                200,
                json!({"results": self.fields, "metadata": {"pages": 1}}),
            ),
            ("POST", "/workorders") => {
                self.order.insert("id".to_owned(), json!(1));
                self.store(&seen.body, &self.ignored_on_create.clone());
                self.whole()
            }
            ("GET" | "PUT", "") => {
                if verb == "PUT" {
                    self.store(&seen.body, &[]);
                }
                self.whole()
            }
            ("GET", "/schedule" | "/location" | "/pay") => Answer::new(
                200,
                self.order.get(name(path)).cloned().unwrap_or(Value::Null),
            ),
            ("PUT", "/schedule" | "/location" | "/pay") => {
                let name = name(path);
                self.store(&json!({ name: seen.body }), &[]);
                Answer::new(200, self.order.get(name).cloned().unwrap_or(Value::Null))
            }
            ("PUT", custom) if custom.starts_with("/custom_fields/") => {
                let id: u64 = name(path).parse().unwrap();
                self.store_field(id, &seen.body["value"]);
                self.whole()
            }
            _ => Answer::new(404, json!({"status": 404, "message": format!("no {line}")})),
        }
    }

    fn whole(&self) -> Answer {
        Answer::new(200, Value::Object(self.order.clone()))
    }

    fn store(&mut self, body: &Value, ignored: &[&'static str]) {
        for (name, value) in body.as_object().into_iter().flatten() {
            let is_lost = |lost: &&str| *lost == name.as_str();
            if ignored.iter().any(is_lost) || self.ignored_always.iter().any(is_lost) {
                continue;
            }
            if name == "custom_fields" {
                for field in value["results"][0]["results"]
                    .as_array()
                    .into_iter()
                    .flatten()
                {
                    self.store_field(field["id"].as_u64().unwrap(), &field["value"]);
                }
            } else {
                self.order.insert(name.clone(), value.clone());
            }
        }
    }

    fn store_field(&mut self, id: u64, value: &Value) {
        if self.ignored_always.contains(&"custom_fields") {
            return;
        }
        let section = self
            .order
            .entry("custom_fields")
            .or_insert_with(|| json!({"results": [{"id": 1, "role": "buyer", "results": []}]}));
        let fields = section["results"][0]["results"].as_array_mut().unwrap();
        fields.retain(|field| field["id"] != json!(id));
        let flags = if id == 35 {
            json!(["internal_id"])
        } else {
            json!([])
        };
        fields.push(json!({"id": id, "value": value, "flags": flags}));
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
