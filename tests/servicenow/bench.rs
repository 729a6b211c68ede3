//! A stand-in on loopback, and the adapter that talks to it.

use std::path::Path;
use std::sync::Arc;

use fieldbridge::config::{ConnectorConfig, Problem, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{Failure, ManualClock, Priority, Record, RecordId};
use fieldbridge::platform::registry::{Setup, build};
use fieldbridge::platform::{Platform, Wish};
use fieldbridge::sandbox::{ServiceNow, ServiceNowSettings};
use serde_json::{Map, Value, json};

pub const NOW: &str = "2026-03-01T12:00:00Z";

/// A stand-in and the adapter that talks to it.
pub struct Scene {
    pub instance: ServiceNow,
    pub platform: Arc<dyn Platform>,
    pub clock: Arc<ManualClock>,
    pub call: Call,
}

impl Scene {
    pub async fn plain() -> Self {
        Self::open(ServiceNowSettings::default(), "", PASSWORD).await
    }

    /// With lines of the connector's file before its settings, and settings.
    pub async fn open(instance: ServiceNowSettings, top: &str, settings: &str) -> Self {
        let clock = still();
        let instance = ServiceNow::start(instance, clock.clone(), 1).await.unwrap();
        let text = connector(
            top,
            &format!("base_url = \"{}\"\n{settings}", instance.base_url()),
        );
        Self {
            platform: adapter(&text, &clock).unwrap(),
            instance,
            clock,
            call: Call::new(Priority::Live),
        }
    }

    /// With settings besides the password.
    pub async fn with(settings: &str) -> Self {
        Self::open(
            ServiceNowSettings::default(),
            "",
            &format!("{PASSWORD}{settings}"),
        )
        .await
    }

    /// Opens an incident and answers its number and its id.
    pub fn incident(&self, members: &Value) -> (u64, RecordId) {
        let ticket = self.instance.open_incident(members).unwrap();
        (ticket, self.id(ticket))
    }

    pub fn id(&self, ticket: u64) -> RecordId {
        RecordId::new(self.instance.sys_id(ticket).unwrap())
    }

    pub async fn fetch(&self, id: &RecordId) -> Record {
        self.fetch_with(id, Wish::default()).await
    }

    pub async fn fetch_with(&self, id: &RecordId, wish: Wish) -> Record {
        let fetched = self.platform.fetch(&self.call, id, wish).await.unwrap();
        fetched.expect("the record should be there")
    }

    /// Reads a record and changes it.
    pub async fn update(&self, id: &RecordId, changes: &Value) -> Result<(), Failure> {
        let base = self.fetch(id).await;
        let _ = self.call.take_exchanges();
        self.platform.update(&self.call, &base, &map(changes)).await
    }

    /// The calls since the last look, as `METHOD path`.
    pub fn calls(&self) -> Vec<String> {
        let path = |url: &str| {
            let rest = url.strip_prefix(self.instance.base_url()).unwrap_or(url);
            rest.split('?').next().unwrap_or_default().to_owned()
        };
        let exchanges = self.call.take_exchanges();
        exchanges
            .iter()
            .map(|one| format!("{} {}", one.method, path(&one.url)))
            .collect()
    }
}

pub const PASSWORD: &str = "password = \"not-a-real-password\"\n";

pub fn still() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(NOW.parse().unwrap()))
}

pub fn connector(top: &str, settings: &str) -> String {
    format!(
        "platform = \"servicenow\"\n{top}\n[settings]\ninstance_name = \"dev00000\"\nuser_name = \"integration.fieldnation\"\n{settings}\n"
    )
}

pub fn adapter(text: &str, clock: &Arc<ManualClock>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    let config = ConnectorConfig::parse(Path::new("connectors/sn-main.toml"), text).unwrap();
    build(&Setup {
        config: &config,
        secrets: &Secrets::default(),
        clock: clock.clone(),
        tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    })
}

pub fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

pub fn simple() -> Value {
    json!({"short_description": "Register 3 does not start"})
}
