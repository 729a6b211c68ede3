//! The stand-in, and the adapter that talks to it.

use std::path::Path;
use std::sync::Arc;

use fieldbridge::config::{ConnectorConfig, Problem, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{Clock, Exchange, ManualClock, Priority, Record, RecordId};
use fieldbridge::platform::registry::{Setup, build};
use fieldbridge::platform::{Platform, TriggerRequest, Wish};
use fieldbridge::sandbox::{Autotask, AutotaskSettings, Deliveries, ServiceDesk};
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

pub const NOW: &str = "2026-03-01T12:00:00Z";

/// What stands before `[settings]` and among the settings of a connector.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub top: &'a str,
    pub settings: &'a str,
}

pub struct Stage {
    pub autotask: Autotask,
    pub platform: Arc<dyn Platform>,
    pub clock: Arc<ManualClock>,
    pub call: Call,
}

impl Stage {
    pub async fn plain() -> Self {
        Self::with(Wanted::default(), AutotaskSettings::default()).await
    }

    pub async fn set(settings: &str) -> Self {
        let wanted = Wanted { top: "", settings };
        Self::with(wanted, AutotaskSettings::default()).await
    }

    pub async fn with(wanted: Wanted<'_>, mut settings: AutotaskSettings) -> Self {
        if settings.deliveries == Deliveries::REAL {
            settings.deliveries = Deliveries::Off;
        }
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        let autotask = Autotask::start(settings, clock.clone(), 1).await.unwrap();
        let text = connector(&autotask, wanted);
        let platform = adapter(&text, clock.clone()).unwrap();
        Self {
            autotask,
            platform,
            clock,
            call: Call::new(Priority::Live),
        }
    }

    /// Another adapter for the same database, as after a restart.
    pub fn another(&self, wanted: Wanted<'_>) -> Arc<dyn Platform> {
        adapter(&connector(&self.autotask, wanted), self.clock.clone()).unwrap()
    }

    pub async fn fetch(&self, ticket: u64) -> Option<Record> {
        self.fetch_with(ticket, Wish::default()).await
    }

    pub async fn fetch_with(&self, ticket: u64, wish: Wish) -> Option<Record> {
        self.platform
            .fetch(&self.call, &id(ticket), wish)
            .await
            .unwrap()
    }

    /// The calls since the last look, as `METHOD path under V1.0`.
    pub fn calls(&self) -> Vec<String> {
        self.call.take_exchanges().iter().map(line).collect()
    }
}

pub fn line(exchange: &Exchange) -> String {
    let path = exchange.url.split("V1.0/").nth(1);
    let path = path.unwrap_or_else(|| exchange.url.split('?').next().unwrap());
    format!("{} {path}", exchange.method)
}

fn connector(autotask: &Autotask, wanted: Wanted<'_>) -> String {
    let told = ServiceDesk::credentials(autotask);
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    format!(
        "platform = \"autotask\"\n{}\n[settings]\nusername = \"{}\"\nsecret = \"{}\"\nintegration_code = \"{}\"\nbase_url = \"{}\"\n{}",
        wanted.top,
        text("username"),
        text("secret"),
        text("integration_code"),
        text("base_url"),
        wanted.settings
    )
}

pub fn adapter(text: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = ConnectorConfig::parse(Path::new("connectors/at-main.toml"), text).unwrap();
    let secrets = Secrets::new(
        Path::new("."),
        fieldbridge::config::SealedSecrets::default(),
    );
    let setup = Setup {
        config: &config,
        secrets: &secrets,
        clock,
        tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    };
    build(&setup)
}

pub fn id(ticket: u64) -> RecordId {
    RecordId::new(ticket.to_string())
}

pub fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

pub fn trigger(
    headers: HeaderMap,
    query: &[(&str, &str)],
    body: impl Into<bytes::Bytes>,
) -> TriggerRequest {
    TriggerRequest {
        method: Method::POST,
        query: query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        headers,
        body: body.into(),
    }
}
