//! The adapter as a connector builds it, against the made-up service or any answers.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use fieldbridge::config::{ConnectorConfig, Problem, SealedSecrets, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{Marker, Priority, RecordId, TokioClock, WorkOrderId};
use fieldbridge::platform::Platform;
use fieldbridge::platform::registry::{self, Setup};
use fieldbridge::sandbox::{Rest, RestSettings, ServiceDesk};
use serde_json::{Map, Value};

/// Builds the adapter of these `[settings]`; `more` is what stands before them in the file.
pub fn build(more: &str, settings: &str) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let text = format!("platform = \"rest\"\n{more}\n[settings]\n{settings}\n");
    let config = ConnectorConfig::parse(Path::new("connectors/rest-erp.toml"), &text).unwrap();
    let secrets = Secrets::new(Path::new("."), SealedSecrets::default());
    registry::build(&Setup {
        config: &config,
        secrets: &secrets,
        clock: Arc::new(TokioClock::start()),
        tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    })
}

/// The made-up service and the adapter that a connector to it has.
pub struct Scene {
    pub service: Rest,
    pub platform: Arc<dyn Platform>,
    pub call: Call,
}

impl Scene {
    pub async fn plain() -> Self {
        Self::with("", |settings| settings).await
    }

    /// With other settings than the usual ones.
    pub async fn with(more: &str, change: impl FnOnce(String) -> String) -> Self {
        let service = Rest::start(RestSettings::default(), Arc::new(TokioClock::start()), 1)
            .await
            .unwrap();
        let platform = build(more, &change(service.connector_settings())).unwrap();
        Self {
            service,
            platform,
            call: Call::new(Priority::Live),
        }
    }

    /// A ticket's record as the adapter reads it.
    pub async fn read(&self, record: &str) -> Value {
        let wish = fieldbridge::platform::Wish::default();
        let record = self
            .platform
            .fetch(&self.call, &id(record), wish)
            .await
            .unwrap();
        record.unwrap().fields
    }

    /// Makes a ticket by the adapter; its id.
    pub async fn create(&self, fields: Value, work_order: u64) -> RecordId {
        let created = self
            .platform
            .create(&self.call, &object(fields), &marker(work_order))
            .await;
        created.unwrap().id
    }
}

pub fn id(text: &str) -> RecordId {
    RecordId::new(text)
}

pub fn marker(work_order: u64) -> Marker {
    Marker::of_work_order(WorkOrderId(work_order))
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

/// What a stub was sent.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

type Answering = dyn Fn(&Seen) -> Response + Send + Sync;

#[derive(Clone)]
struct Room {
    answer: Arc<Answering>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Answers as told, and keeps what it was sent.
pub struct Stub {
    pub url: String,
    room: Room,
}

impl Stub {
    pub async fn open(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let room = Room {
            answer: Arc::new(answer),
            seen: Arc::default(),
        };
        let routes = Router::new().fallback(answer_one).with_state(room.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, room }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.room.seen.lock().unwrap().clone()
    }

    pub fn last(&self) -> Seen {
        self.seen().last().unwrap().clone()
    }
}

async fn answer_one(State(room): State<Room>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
    };
    room.seen.lock().unwrap().push(seen.clone());
    (room.answer)(&seen)
}

/// A JSON answer.
pub fn reply(status: u16, body: &Value) -> Response {
    let status = axum::http::StatusCode::from_u16(status).unwrap();
    (
        status,
        [("content-type", "application/json")],
        body.to_string(),
    )
        .into_response()
}
