//! A stand-in, the adapter that talks to it, and the door at which its webhooks knock.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use fieldbridge::config::{ConnectorConfig, Problem, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{ManualClock, Note, NoteVisibility, Priority, Record, RecordId};
use fieldbridge::platform::registry::{Setup, build};
use fieldbridge::platform::{Platform, TriggerReading, TriggerRefusal, TriggerRequest, Wish};
use fieldbridge::sandbox::{Deliveries, Smartsheet, SmartsheetSettings};
use serde_json::{Map, Value, json};

pub const NOW: &str = "2026-03-01T12:00:00Z";

/// What the shipped mapping's columns hold on an ordinary row.
pub fn job() -> Value {
    json!({
        "Task Name": "HB-0101 - Register 3 does not start",
        "Description": "The screen stays dark.",
        "Status": "Open",
        "Site city": "Minneapolis",
        "Site contact": "store.manager@example.com",
        "Visit date": "2026-03-04",
        "Pay": 150,
        "Skills": {"objectType": "MULTI_PICKLIST", "values": ["Cabling", "Registers"]},
        "Watchers": {"objectType": "MULTI_CONTACT", "values": [
            {"objectType": "CONTACT", "email": "a@example.com", "name": "Shift A"},
            {"objectType": "CONTACT", "email": "b@example.com", "name": "Shift B"},
        ]},
    })
}

pub struct Scene {
    pub desk: Smartsheet,
    pub platform: Arc<dyn Platform>,
    pub clock: Arc<ManualClock>,
    pub call: Call,
}

impl Scene {
    /// An adapter with the usual settings and these.
    pub async fn open(more: &str) -> Self {
        Self::with(SmartsheetSettings::default(), more).await
    }

    pub async fn with(settings: SmartsheetSettings, more: &str) -> Self {
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        let desk = Smartsheet::start(settings, clock.clone(), 1).await.unwrap();
        let text = connector(&desk, more);
        let platform = adapter(&text, &clock).unwrap();
        Self {
            desk,
            platform,
            clock,
            call: Call::new(Priority::Live),
        }
    }

    pub fn id(&self, row: u64) -> RecordId {
        RecordId::new(format!("{}-{row}", self.desk.sheet_id()))
    }

    pub async fn fetch(&self, row: u64) -> Record {
        let all = Wish {
            notes: true,
            files: true,
        };
        let fetched = self.platform.fetch(&self.call, &self.id(row), all).await;
        fetched.unwrap().unwrap()
    }

    pub fn job(&self) -> u64 {
        self.desk.open_row(&job()).unwrap()
    }

    /// The calls made since the last time, as `METHOD path`.
    pub fn calls(&self) -> Vec<String> {
        let line = |url: &str| {
            let url = url::Url::parse(url).unwrap();
            url.path().trim_start_matches("/2.0").to_owned()
        };
        let exchanges = self.call.take_exchanges();
        exchanges
            .iter()
            .map(|exchange| format!("{} {}", exchange.method, line(&exchange.url)))
            .collect()
    }
}

/// A connector's file. `more` may begin with settings and go on with tables.
pub fn connector(desk: &Smartsheet, more: &str) -> String {
    let usual = [
        ("access_token", format!("\"{}\"", desk.credentials())),
        ("template_sheet_id", desk.sheet_id().to_string()),
        ("trigger_column", "\"Send to FN\"".to_owned()),
        ("marker_column", "\"FN work order\"".to_owned()),
        ("base_url", format!("\"{}\"", desk.base_url())),
    ];
    // A setting given anew takes the place of the usual one; an empty one takes it away.
    let settings = usual
        .iter()
        .filter(|(name, _)| !more.contains(&format!("{name} =")));
    let settings: Vec<String> = settings
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let more = more
        .replace("trigger_column = \"\"\n", "")
        .replace("marker_column = \"\"\n", "");
    format!(
        "platform = \"smartsheet\"\n[settings]\n{}\n{more}",
        settings.join("\n")
    )
}

pub fn adapter(text: &str, clock: &Arc<ManualClock>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = ConnectorConfig::parse(Path::new("connectors/ss-jobs.toml"), text).unwrap();
    build(&Setup {
        config: &config,
        secrets: &Secrets::default(),
        clock: clock.clone(),
        tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    })
}

pub fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

pub fn note(text: &str, visibility: NoteVisibility) -> Note {
    Note {
        id: String::new(),
        text: text.to_owned(),
        visibility,
        author: None,
        created_at: None,
        by_us: true,
    }
}

/// What the adapter made of the calls at the door.
pub type Readings = Arc<Mutex<Vec<Result<TriggerReading, TriggerRefusal>>>>;

/// A door: gives what knocks to the adapter and answers as the engine would.
pub struct DoorBell {
    pub url: String,
    pub readings: Readings,
}

#[derive(Clone)]
struct Behind {
    platform: Arc<dyn Platform>,
    readings: Readings,
}

impl DoorBell {
    pub async fn of(platform: &Arc<dyn Platform>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/v1/broker/inbound?client_token=not-a-real-token",
            listener.local_addr().unwrap()
        );
        let readings = Readings::default();
        let behind = Behind {
            platform: platform.clone(),
            readings: readings.clone(),
        };
        let app = axum::Router::new().fallback(knock).with_state(behind);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, readings }
    }

    /// The readings so far, challenges left out.
    pub fn take(&self) -> Vec<Result<TriggerReading, TriggerRefusal>> {
        let all = std::mem::take(&mut *self.readings.lock().unwrap());
        all.into_iter()
            .filter(|reading| !matches!(reading, Ok(TriggerReading::Answer(_))))
            .collect()
    }
}

async fn knock(State(behind): State<Behind>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let trigger = TriggerRequest {
        method: parts.method,
        query: Vec::new(),
        headers: parts.headers,
        body,
    };
    let reading = behind.platform.read_trigger(&trigger).await;
    let response = Response::builder();
    let response = match &reading {
        Ok(TriggerReading::Answer(answer)) => {
            let mut response = response.status(answer.status);
            for (name, value) in &answer.headers {
                response = response.header(*name, value);
            }
            response.body(Body::from(answer.body.clone()))
        }
        Ok(TriggerReading::Records { answer, .. }) => response
            .status(answer.as_ref().unwrap().status)
            .body(Body::empty()),
        Ok(TriggerReading::NotOurs { .. }) => response.status(StatusCode::OK).body(Body::empty()),
        Err(TriggerRefusal::NotNow(_)) => response
            .status(StatusCode::SERVICE_UNAVAILABLE)
            .body(Body::empty()),
        Err(TriggerRefusal::Signature(_)) => response
            .status(StatusCode::UNAUTHORIZED)
            .body(Body::empty()),
        Err(_) => response.status(StatusCode::BAD_REQUEST).body(Body::empty()),
    };
    behind.readings.lock().unwrap().push(reading);
    response.unwrap()
}

/// Waits until the stand-in has told all it has to tell.
pub async fn settled(desk: &Smartsheet) {
    while desk.deliveries_under_way() > 0 {
        tokio::task::yield_now().await;
    }
}

/// Settings with minutes as short as milliseconds.
pub fn fast() -> SmartsheetSettings {
    SmartsheetSettings {
        deliveries: Deliveries::Paced(0.000_01),
        ..SmartsheetSettings::default()
    }
}

/// A trigger as somebody else than Smartsheet would send it.
pub fn trigger(
    query: &[(&str, &str)],
    headers: &[(&'static str, &str)],
    body: &str,
) -> TriggerRequest {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    TriggerRequest {
        method: Method::POST,
        query: query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        headers: map,
        body: body.to_owned().into(),
    }
}

/// A sample's text, or nothing and a line that says so.
pub fn sample(name: &str) -> Option<String> {
    let shared = std::env::var("FIELDBRIDGE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let text = std::fs::read_to_string(format!("{shared}/samples/smartsheet/{name}")).ok();
    if text.is_none() {
        println!("skipped: no sample {name}");
    }
    text
}
