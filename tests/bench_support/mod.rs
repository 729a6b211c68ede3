//! An engine in this process with stand-ins beside it, for the throughput benchmark.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fieldbridge::config::{ConnectorConfig, Secrets, Settings};
use fieldbridge::engine::{ConnectorFiles, Control, Engine, EngineSetup, Seal};
use fieldbridge::mapping::WorkerProgram;
use fieldbridge::model::{Clock, ConnectorId, SystemRandom, TokioClock};
use fieldbridge::sandbox::{
    Deliveries, FieldNation, FieldNationSettings, Freshdesk, FreshdeskSettings, RateLimit,
};
use fieldbridge::store::SharedStore;
use fieldbridge::store::redb::RedbStore;

/// Whether the connector works on what it accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Running,
    Paused,
}

pub struct Rig {
    pub engine: Arc<Engine>,
    pub store: SharedStore,
    pub field_nation: FieldNation,
    freshdesk: Freshdesk,
    trigger_path: String,
    _directory: tempfile::TempDir,
}

/// Where triggers go, and of which tickets.
#[derive(Clone)]
pub struct Target {
    path: String,
    tickets: Arc<Vec<u64>>,
}

impl Target {
    /// The n-th trigger, as it goes over the wire.
    pub fn request(&self, number: u64) -> Vec<u8> {
        let place = usize::try_from(number).unwrap_or_default();
        let ticket = self.tickets.get(place).copied().unwrap_or(number + 1);
        let body = format!("{{\"ticket_id\":\"{ticket}\"}}");
        format!(
            "POST {}&external_id={ticket} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.path,
            body.len()
        )
        .into_bytes()
    }
}

struct NoVault;

impl Seal for NoVault {
    fn seal(&self, _: &str, _: &secrecy::SecretString) -> Result<bytes::Bytes, String> {
        Err("a benchmark keeps no secrets".into())
    }

    fn publish(&self, _: &str, _: Option<secrecy::SecretString>) {}
}

/// Ten fields, as in the scenario that the figures are compared with.
const MAPPING: &str = r#"
[[inbound]]
source = "subject"
target = "title"
action = "sync"
[[inbound]]
source = "description_text"
target = "description.html"
action = "sync"
default = "see the ticket"
[[inbound]]
target = "location.mode"
action = "set_static"
value = "custom"
[[inbound]]
source = "custom_fields.cf_site_address"
target = "location.address1"
action = "sync"
[[inbound]]
source = "custom_fields.cf_site_city"
target = "location.city"
action = "sync"
[[inbound]]
source = "custom_fields.cf_site_state"
target = "location.state"
action = "sync"
[[inbound]]
source = "custom_fields.cf_site_zip"
target = "location.zip"
action = "sync"
[[inbound]]
target = "location.country"
action = "set_static"
value = "US"
[[inbound]]
target = "pay.type"
action = "set_static"
value = "fixed"
[[inbound]]
target = "pay.base.amount"
action = "set_static"
value = 100
"#;

impl Rig {
    pub async fn start(work: Work) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::start());
        let field_nation = FieldNationSettings {
            deliveries: Deliveries::Off,
            rate_limit: None,
            ..FieldNationSettings::default()
        };
        // The account's answers must say so: else the adapter keeps to the least any account has.
        let freshdesk = FreshdeskSettings {
            deliveries: Deliveries::Off,
            rate_limit: Some(RateLimit::per_minute(100_000_000)),
            ..FreshdeskSettings::default()
        };
        let field_nation = FieldNation::start(field_nation, clock.clone(), 1)
            .await
            .unwrap();
        let freshdesk = Freshdesk::start(freshdesk, clock.clone(), 1).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let store: SharedStore = Arc::new(
            RedbStore::open(&directory.path().join("fieldbridge.redb"), clock.clone()).unwrap(),
        );
        let credentials = field_nation.credentials();
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[engine]\nworkers = 64\n[field_nation]\nbase_url = \"{}\"\nclient_id = \"{}\"\n\
             client_secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\ncalls_per_minute = 100000000\nconcurrency = 64\n",
            field_nation.base_url(),
            credentials.client_id,
            credentials.client_secret,
            credentials.username,
            credentials.password
        );
        let settings = Settings::parse("fieldbridge.toml".as_ref(), &settings).unwrap();
        let connector = format!(
            "platform = \"freshdesk\"\n[limits]\ncalls_per_minute = 100000000\nconcurrency = 64\n[settings]\napi_url = \"acme\"\n\
             base_url = \"{}\"\napi_key = \"{}\"\nmarker_field = \"cf_fn_work_order\"\n",
            freshdesk.base_url(),
            freshdesk.credentials()
        );
        let id = ConnectorId::new("fd").unwrap();
        let files = ConnectorFiles {
            id: id.clone(),
            config: ConnectorConfig::parse("connectors/fd.toml".as_ref(), &connector),
            mapping_file: directory.path().join("fd.toml"),
            mapping: Ok(MAPPING.to_owned()),
        };
        let engine = Engine::start(EngineSetup {
            settings,
            connectors: vec![files],
            problems: Vec::new(),
            config_directory: directory.path().to_owned(),
            data_directory: directory.path().to_owned(),
            store: store.clone(),
            secrets: Secrets::default(),
            vault: Arc::new(NoVault),
            clock,
            random: Arc::new(SystemRandom),
            worker_program: WorkerProgram::this_binary(),
        })
        .await
        .unwrap();
        if work == Work::Paused {
            engine.pause(&id, "benchmark").await.unwrap();
        }
        let url = engine.trigger_url(&id).await.unwrap();
        let path = url.splitn(4, '/').nth(3).unwrap();
        Self {
            trigger_path: format!("/{path}"),
            engine,
            store,
            field_nation,
            freshdesk,
            _directory: directory,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.engine.address()
    }

    /// A target for triggers of these tickets; of made-up ones where there are none.
    pub fn trigger_target(&self, tickets: Vec<u64>) -> Target {
        Target {
            path: self.trigger_path.clone(),
            tickets: Arc::new(tickets),
        }
    }

    /// Opens so many tickets; answers their ids.
    pub fn seed_tickets(&self, count: u64) -> Vec<u64> {
        let ticket = serde_json::json!({
            "subject": "Switch port flapping",
            "description": "<div>Port 14 of the closet switch goes up and down.</div>",
            "type": "Field Service",
            "custom_fields": {
                "cf_site_address": "100 Sample Street", "cf_site_city": "Tulsa",
                "cf_site_state": "OK", "cf_site_zip": "74103",
            },
        });
        (0..count)
            .map(|_| self.freshdesk.open_ticket(&ticket).unwrap())
            .collect()
    }

    pub async fn stop(self) {
        self.engine.stop(Duration::from_secs(5)).await;
        self.field_nation.stop().await;
        self.freshdesk.stop().await;
    }
}
