//! An org, the adapter that talks to it, and a listener for what the org's flows send.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use fieldbridge::config::{ConnectorConfig, Problem, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{ManualClock, Priority, Record, RecordId};
use fieldbridge::platform::registry::{Setup, build};
use fieldbridge::platform::{Platform, TriggerRequest, Wish};
use fieldbridge::sandbox::{Deliveries, Salesforce, SalesforceCredentials, SalesforceSettings};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

/// When it is.
pub const NOW: &str = "2026-07-01T08:00:00Z";

/// The key whose public half the org knows.
pub const KEY: &str = include_str!("fake-key.pem");
pub const KEY_PKCS1: &str = include_str!("fake-key-pkcs1.pem");
const PUBLIC_KEY: &[u8] = include_bytes!("fake-public-key.der");

/// The settings that most tests use.
pub const CLIENT: &str =
    "client_id = \"not-a-real-consumer-key\"\nclient_secret = \"not-a-real-consumer-secret\"\n";

/// An org that delivers without waiting.
pub fn org() -> SalesforceSettings {
    SalesforceSettings {
        credentials: SalesforceCredentials {
            public_key: Some(PUBLIC_KEY.to_vec()),
            ..SalesforceCredentials::default()
        },
        deliveries: Deliveries::Paced(0.0),
        ..SalesforceSettings::default()
    }
}

/// An org and the adapter that talks to it.
pub struct Bench {
    pub org: Salesforce,
    pub platform: Arc<dyn Platform>,
    pub clock: Arc<ManualClock>,
    pub call: Call,
}

impl Bench {
    /// With the usual credentials and a marker field.
    pub async fn plain() -> Self {
        Self::with("external_id_field = \"FN_Work_Order__c\"\n").await
    }

    /// With these settings beside the usual credentials.
    pub async fn with(settings: &str) -> Self {
        Self::open(org(), &format!("{CLIENT}{settings}")).await
    }

    /// With an org and settings of one's choice.
    pub async fn open(org: SalesforceSettings, settings: &str) -> Self {
        let clock = still();
        let org = Salesforce::start(org, clock.clone(), 1).await.unwrap();
        let platform = adapter(&connector(org.base_url(), settings), &clock);
        Self {
            platform: platform.unwrap_or_else(|problems| panic!("{problems:?}")),
            org,
            clock,
            call: Call::new(Priority::Live),
        }
    }

    /// A case as an agent enters it. Its id.
    pub fn case(&self, fields: &Value) -> RecordId {
        let mut case = json!({"Subject": "Printer jams", "Origin": "Phone"});
        for (name, value) in fields.as_object().unwrap() {
            case[name] = value.clone();
        }
        RecordId::new(self.org.enter("Case", &case).unwrap())
    }

    /// A case as the org has it.
    pub fn row(&self, id: &RecordId) -> Value {
        self.org.record("Case", id.as_str()).unwrap()
    }

    pub async fn fetch(&self, id: &RecordId) -> Record {
        let wish = Wish {
            notes: true,
            files: true,
        };
        self.platform
            .fetch(&self.call, id, wish)
            .await
            .unwrap()
            .unwrap()
    }

    /// The lines of the calls made since the last look, e.g. `PATCH /services/…`.
    pub fn lines(&self) -> Vec<String> {
        let base = self.org.base_url();
        let exchanges = self.call.take_exchanges();
        let line = |url: &str| url.strip_prefix(base).unwrap_or(url).to_owned();
        exchanges
            .iter()
            .map(|one| format!("{} {}", one.method, line(&one.url)))
            .collect()
    }
}

/// The text of a connector's file.
pub fn connector(base_url: &str, settings: &str) -> String {
    format!(
        "platform = \"salesforce\"\noutbound_create = true\n[settings]\ninstance_name = \"acme\"\nbase_url = \"{base_url}\"\n{settings}"
    )
}

pub fn adapter(text: &str, clock: &Arc<ManualClock>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = ConnectorConfig::parse(Path::new("connectors/sf-cases.toml"), text).unwrap();
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

pub fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

/// A sample of the vendor's; nothing where the facts are not at hand.
pub fn sample(name: &str) -> Option<String> {
    let shared = std::env::var("FIELDBRIDGE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let text = std::fs::read_to_string(format!("{shared}/samples/salesforce/{name}")).ok();
    if text.is_none() {
        println!("skipped: the samples are not here");
    }
    text
}

/// Something a listener received.
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub fn trigger(&self) -> TriggerRequest {
        TriggerRequest {
            method: Method::POST,
            query: Vec::new(),
            headers: self.headers.clone(),
            body: self.body.clone(),
        }
    }
}

/// What a listener answers.
pub type Reply = (u16, &'static str);

/// The acknowledgement, in the vendor's own words.
pub const ACK: Reply = (
    200,
    r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>"#,
);

#[derive(Clone)]
struct Inbox {
    sender: mpsc::UnboundedSender<Received>,
    replies: Arc<Mutex<Vec<Reply>>>,
}

/// A listener: answers what it is told, an acknowledgement when it was told nothing, and keeps everything.
pub struct Listener {
    pub url: String,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Listener {
    pub async fn answering(replies: &[Reply]) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        let replies = Arc::new(Mutex::new(replies.iter().rev().copied().collect()));
        let routes = Router::new()
            .fallback(keep)
            .with_state(Inbox { sender, replies });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, received }
    }

    /// The next delivery; fails the test when none comes.
    pub async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(Duration::from_secs(20), self.received.recv()).await;
        next.expect("a delivery should have come").unwrap()
    }
}

async fn keep(State(inbox): State<Inbox>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let (status, text) = inbox.replies.lock().unwrap().pop().unwrap_or(ACK);
    let _ = inbox.sender.send(Received {
        headers: parts.headers,
        body,
    });
    (StatusCode::from_u16(status).unwrap(), text).into_response()
}
