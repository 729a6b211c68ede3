//! The stand-in and the adapter that talks to it.

use std::path::Path;
use std::sync::Arc;

use axum::http::Method;
use fieldbridge::config::{ConnectorConfig, Problem, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{
    Failure, ManualClock, Marker, Note, NoteVisibility, Priority, Record, RecordId, Timestamp,
    WorkOrderId,
};
use fieldbridge::platform::registry::{Setup, build};
use fieldbridge::platform::{Noted, Platform, Wish};
use fieldbridge::sandbox::{Fault, FaultKind, Quickbase, QuickbaseSettings, ServiceDesk};
use serde_json::{Map, Value, json};

pub const JOBS: &str = "bfbjobs01";
pub const MESSAGES: &str = "bfbmsgs01";
pub const DOCUMENTS: &str = "bfbdocs01";
pub const TIMES: &str = "bfbtime01";

pub const NOW: &str = "2026-03-01T12:00:00Z";

const FEATURES: &str = "[features]\nmessages = \"both\"\nfiles = \"both\"\n";

pub struct Scene {
    pub desk: Quickbase,
    pub platform: Arc<dyn Platform>,
    pub clock: Arc<ManualClock>,
    pub call: Call,
}

impl Scene {
    pub async fn open() -> Self {
        Self::with(QuickbaseSettings::default(), |settings| settings).await
    }

    /// A scene whose connector has other settings than the stand-in proposes.
    pub async fn with(settings: QuickbaseSettings, change: impl FnOnce(String) -> String) -> Self {
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        let desk = Quickbase::start(settings, clock.clone(), 1).await.unwrap();
        let text = change(connector(&desk.connector_settings()));
        let platform = adapter(&text, &clock).unwrap_or_else(|problems| panic!("{problems:?}"));
        Self {
            desk,
            platform,
            clock,
            call: Call::new(Priority::Live),
        }
    }

    /// A scene without some keys of the settings, and with others.
    pub async fn without(keys: &[&str], more: &str) -> Self {
        Self::with(QuickbaseSettings::default(), |text| {
            let keeps = |line: &&str| !keys.iter().any(|key| line.starts_with(&format!("{key} =")));
            let kept: Vec<&str> = text.lines().filter(keeps).collect();
            format!("{}\n{more}\n", kept.join("\n"))
        })
        .await
    }

    /// A job with everything that the shipped mapping reads.
    pub fn job(&self) -> u64 {
        self.desk.open_job(&job()).unwrap()
    }

    pub async fn fetch(&self, id: u64) -> Record {
        let wish = Wish {
            notes: true,
            files: true,
        };
        self.read(id, wish).await.unwrap().unwrap()
    }

    pub async fn read(&self, id: u64, wish: Wish) -> Result<Option<Record>, Failure> {
        self.platform.fetch(&self.call, &record_id(id), wish).await
    }

    pub async fn update(&self, id: u64, changes: Value) -> Result<(), Failure> {
        let base = self.read(id, Wish::default()).await?.unwrap();
        self.platform.update(&self.call, &base, &map(changes)).await
    }

    pub async fn note(
        &self,
        id: u64,
        text: &str,
        visibility: NoteVisibility,
    ) -> Result<Noted, Failure> {
        let note = Note {
            id: String::new(),
            text: text.to_owned(),
            visibility,
            author: None,
            created_at: None,
            by_us: true,
        };
        self.platform
            .add_note(&self.call, &record_id(id), &note)
            .await
    }

    /// The next request of this method whose path contains this meets this trouble.
    pub fn strike(&self, method: &Method, path: &str, kind: FaultKind) {
        self.desk.faults().push(Fault::once(kind).on(method, path));
    }

    /// The requests that were sent since this was asked last, e.g. `POST /v1/records`.
    pub fn sent(&self) -> Vec<String> {
        let base = self.desk.base_url();
        let exchanges = self.call.take_exchanges();
        exchanges
            .iter()
            .map(|exchange| {
                let path = exchange.url.replace(base, "");
                let path = path.split('?').next().unwrap_or_default().to_owned();
                format!("{} {path}", exchange.method)
            })
            .collect()
    }
}

pub fn connector(settings: &str) -> String {
    format!("platform = \"quickbase\"\n{FEATURES}[settings]\n{settings}")
}

pub fn adapter(text: &str, clock: &Arc<ManualClock>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    let config = ConnectorConfig::parse(Path::new("connectors/qb-jobs.toml"), text).unwrap();
    build(&Setup {
        config: &config,
        secrets: &Secrets::default(),
        clock: clock.clone(),
        tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    })
}

pub fn job() -> Value {
    json!({
        "6": "HB-0101 - Router down", "7": "No light since \"this\" morning.", "8": "101 Sample Plaza", "9": "Minneapolis",
        "10": "MN", "11": "Dispatch to FN", "12": "HB-0101", "13": "55401", "14": "2026-03-02T15:00:00Z", "15": 175,
        "16": "Store Manager", "17": "555-0100",
    })
}

pub fn record_id(id: u64) -> RecordId {
    RecordId::new(id.to_string())
}

pub fn marker(id: u64) -> Marker {
    Marker::of_work_order(WorkOrderId(id))
}

pub fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
