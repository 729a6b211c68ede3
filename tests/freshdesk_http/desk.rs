//! A small help desk on loopback, and the adapter that talks to it.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use fieldbridge::config::{ConnectorConfig, Problem, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{ManualClock, Priority, Record, RecordId};
use fieldbridge::platform::Platform;
use fieldbridge::platform::registry::{Setup, build};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub authorization: Option<String>,
    pub content_type: String,
    pub body: Bytes,
}

impl Seen {
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }
}

/// An answer to be given.
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    pub body: String,
}

pub fn reply(status: u16, body: impl Into<String>) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        body: body.into(),
    }
}

pub fn ok(body: &Value) -> Reply {
    reply(200, body.to_string())
}

impl Reply {
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

type Handler = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

#[derive(Clone)]
struct Desk {
    handler: Handler,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A help desk and the adapter that talks to it.
pub struct Scene {
    pub platform: Arc<dyn Platform>,
    pub clock: Arc<ManualClock>,
    desk: Desk,
    pub call: Call,
}

pub const NOW: &str = "2026-03-01T12:00:00Z";

impl Scene {
    /// A help desk that answers what the handler does not know (404) with an ordinary account's answers.
    pub async fn open(
        settings: &str,
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let desk = Desk {
            handler: Arc::new(handler),
            seen: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new()
            .fallback(answer)
            .with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        let text = connector(&format!("base_url = \"http://{address}\"\n{settings}"));
        let platform = adapter(&text, &clock).unwrap();
        Self {
            platform,
            clock,
            desk,
            call: Call::new(Priority::Live),
        }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.desk.seen.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    pub fn last(&self, line: &str) -> Seen {
        let seen = self.seen();
        let found = seen.into_iter().rfind(|seen| seen.line() == line);
        found.unwrap_or_else(|| panic!("no {line} among {:?}", self.lines()))
    }
}

async fn answer(State(desk): State<Desk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 * 1024 * 1024).await.unwrap();
    let text = |name: &str| {
        let value = parts.headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
        authorization: text("authorization"),
        content_type: text("content-type").unwrap_or_default(),
        body,
    };
    let mut reply = (desk.handler)(&seen);
    if reply.status == UNKNOWN {
        reply = ordinary(&seen);
    }
    desk.seen.lock().unwrap().push(seen);
    let mut response = Response::builder()
        .status(reply.status)
        .header("content-type", "application/json");
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

/// What a handler answers for a request that is not its own.
const UNKNOWN: u16 = 599;

pub fn unknown() -> Reply {
    reply(UNKNOWN, "")
}

/// What an ordinary account answers.
fn ordinary(seen: &Seen) -> Reply {
    match seen.line().as_str() {
        "GET /api/v2/agents/me" => ok(&json!({"id": 1, "ticket_scope": 1,
            "contact": {"name": "Sample Agent", "email": "agent@example.com"}})),
        "GET /api/v2/ticket_fields" => ok(&json!([
            {"name": "requester", "label": "Requester", "type": "default_requester", "default": true, "required_for_agents": true},
            {"name": "subject", "label": "Subject", "type": "default_subject", "default": true, "required_for_agents": true},
            {"name": "status", "label": "Status", "type": "default_status", "default": true, "required_for_agents": true,
             "choices": {"2": ["Open", "Open"], "4": ["Resolved", "Resolved"], "8": ["Field Service Required", "Scheduled"]}},
            {"name": "priority", "label": "Priority", "type": "default_priority", "default": true, "choices": {"Low": 1, "High": 3}},
            {"name": "cf_fn_work_order", "label": "FN work order", "type": "custom_text", "default": false},
            {"name": "cf_site", "label": "Site", "type": "custom_dropdown", "default": false, "choices": ["Austin", "Dallas"]},
        ])),
        "GET /api/v2/tickets" => ok(&json!([])),
        "GET /api/v2/search/tickets" => ok(&json!({"results": [], "total": 0})),
        line if line.ends_with("/conversations") => ok(&json!([])),
        _ => reply(404, ""),
    }
}

pub fn connector(settings: &str) -> String {
    format!(
        "platform = \"freshdesk\"\n[settings]\napi_url = \"acme\"\napi_key = \"test-key\"\n{settings}\n"
    )
}

pub fn adapter(text: &str, clock: &Arc<ManualClock>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    let config = ConnectorConfig::parse(Path::new("connectors/fd-main.toml"), text).unwrap();
    build(&Setup {
        config: &config,
        secrets: &Secrets::default(),
        clock: clock.clone(),
        tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    })
}

pub fn still() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(NOW.parse().unwrap()))
}

pub fn id(number: &str) -> RecordId {
    RecordId::new(number)
}

pub fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

pub fn record(fields: Value) -> Record {
    Record {
        id: id("12"),
        label: String::new(),
        fields,
        notes: Vec::new(),
        files: Vec::new(),
        changed_at: None,
        changed_by_us: false,
    }
}

pub fn ticket() -> Value {
    json!({"id": 12, "subject": "Router down", "status": 8, "priority": 3, "tags": ["vip"],
        "description": "<div>No light</div>", "updated_at": "2026-03-01T11:00:00Z",
        "requester": {"id": 7, "name": "Sample Customer"},
        "attachments": [{"id": 91, "name": "a.txt", "content_type": "text/plain", "size": 3,
            "attachment_url": "https://files.example/a.txt?sig=secret"}],
        "custom_fields": {"cf_fn_work_order": "FN-5", "cf_site": "Austin"}})
}
