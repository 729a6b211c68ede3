//! The adapter, built as the engine builds it, and the stand-in that it talks to.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldbridge::config::{ConnectorConfig, Problem, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{ManualClock, Note, NoteVisibility, Priority, Record, RecordId};
use fieldbridge::platform::registry::{Setup, build};
use fieldbridge::platform::{Platform, Wish};
use fieldbridge::sandbox::{Deliveries, NetSuite, NetSuiteCertificate, NetSuiteSettings};
use serde_json::{Map, Value, json};

pub const NOW: &str = "2026-03-01T12:00:00Z";

pub const KEY_EC: &str = include_str!("keys/not-a-real-key-ec.pem");
pub const KEY_EC_PUBLIC: &str = include_str!("keys/not-a-real-key-ec.pub.pem");
pub const KEY_P384: &str = include_str!("keys/not-a-real-key-p384.pem");
pub const KEY_P384_PUBLIC: &str = include_str!("keys/not-a-real-key-p384.pub.pem");
pub const KEY_RSA: &str = include_str!("keys/not-a-real-key-rsa.pem");
pub const KEY_RSA_PUBLIC: &str = include_str!("keys/not-a-real-key-rsa.pub.pem");

/// What the stand-in's default integration logs in with.
pub const TBA: &str = r#"account_id = "1234567-sb1"
authentication = "tba"
consumer_key = "not-a-real-consumer-key"
consumer_secret = "not-a-real-consumer-secret"
token_id = "not-a-real-token-id"
token_secret = "not-a-real-token-secret"
"#;

/// The deployed RESTlet and the marker's field.
pub const WHOLE: &str = r#"restlet_script = "customscript_fieldbridge"
restlet_deployment = "customdeploy_fieldbridge"
marker_field = "custevent_fn_work_order"
"#;

pub struct Bench {
    pub netsuite: NetSuite,
    pub clock: Arc<ManualClock>,
    pub platform: Arc<dyn Platform>,
    pub call: Call,
}

pub fn quiet() -> NetSuiteSettings {
    NetSuiteSettings {
        deliveries: Deliveries::Off,
        ..NetSuiteSettings::default()
    }
}

pub fn with_certificate(public_key: &str) -> NetSuiteSettings {
    NetSuiteSettings {
        certificate: Some(NetSuiteCertificate {
            id: "fake-certificate".to_owned(),
            public_key: public_key.to_owned(),
        }),
        ..quiet()
    }
}

/// The settings of a connector that logs in with a certificate.
pub fn certified(key: &str, more: &str) -> String {
    format!(
        "account_id = \"1234567_SB1\"\nauthentication = \"oauth2\"\nclient_id = \"not-a-real-client-id\"\ncertificate_id = \"fake-certificate\"\nprivate_key = '''\n{key}'''\n{more}\n"
    )
}

impl Bench {
    /// The stand-in as it comes, and a connector with all it offers.
    pub async fn open() -> Self {
        Self::with(quiet(), &format!("{TBA}{WHOLE}"), "").await
    }

    /// A connector with these `[settings]`, and these lines before them.
    pub async fn with(stand_in: NetSuiteSettings, settings: &str, before: &str) -> Self {
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        let netsuite = NetSuite::start(stand_in, clock.clone(), 1).await.unwrap();
        let settings = format!("base_url = \"{}\"\n{settings}", netsuite.base_url());
        let platform = adapter(before, &settings, &clock).unwrap();
        Self {
            netsuite,
            clock,
            platform,
            call: Call::new(Priority::Live),
        }
    }

    /// Another connector of the same stand-in.
    pub fn another(&self, settings: &str) -> Arc<dyn Platform> {
        let settings = format!("base_url = \"{}\"\n{settings}", self.netsuite.base_url());
        adapter("", &settings, &self.clock).unwrap()
    }

    /// A case at the status that asks for a technician.
    pub fn case(&self) -> u64 {
        let members = json!({
            "title": "HB-0101 - Register 3 does not start",
            "status": {"id": "6"},
            "phone": "555-0100",
            "custevent_site_city": "Minneapolis",
            "custevent_fn_start": "2026-03-03T15:00:00Z",
            "custevent_lift_needed": true,
        });
        self.netsuite.open_case(&members).unwrap()
    }

    pub async fn fetch(&self, id: u64) -> Record {
        self.fetch_with(id, Wish::default()).await
    }

    pub async fn fetch_with(&self, id: u64, wish: Wish) -> Record {
        let fetched = self.platform.fetch(&self.call, &record_id(id), wish).await;
        fetched.unwrap().unwrap()
    }

    pub async fn update(&self, id: u64, changes: Value) -> Result<(), fieldbridge::model::Failure> {
        let base = self.fetch(id).await;
        self.platform.update(&self.call, &base, &map(changes)).await
    }

    /// The method and path of every call since this was asked last.
    pub fn calls(&self) -> Vec<String> {
        let exchanges = self.call.take_exchanges();
        let line = |method: &str, url: &str| {
            let path = url
                .split_once("/services/rest")
                .map_or(url, |(_, path)| path);
            format!("{method} {path}")
        };
        exchanges
            .iter()
            .map(|exchange| line(&exchange.method, &exchange.url))
            .collect()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub fn adapter(
    before: &str,
    settings: &str,
    clock: &Arc<ManualClock>,
) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    let text = format!("platform = \"netsuite\"\n{before}\n[settings]\n{settings}\n");
    let config = ConnectorConfig::parse(Path::new("connectors/ns-main.toml"), &text).unwrap();
    build(&Setup {
        config: &config,
        secrets: &Secrets::default(),
        clock: clock.clone(),
        tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    })
}

pub fn record_id(id: u64) -> RecordId {
    RecordId::new(id.to_string())
}

pub fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

pub fn note(text: &str, visibility: NoteVisibility) -> Note {
    Note {
        id: String::new(),
        text: text.to_owned(),
        visibility,
        author: None,
        created_at: None,
        by_us: false,
    }
}
