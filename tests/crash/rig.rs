//! The real binary on a config of its own, and the stand-ins it talks to, which outlive it.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fieldbridge::api::Client;
use fieldbridge::config::{DataDirectory, default_mapping};
use fieldbridge::model::{
    Clock, ConnectorId, PlatformKind, State, Timestamp, TokioClock, Transaction,
};
use fieldbridge::platform::SubscriptionPlan;
use fieldbridge::sandbox::{
    Case, Deed, Deliveries, Doer, Faults, Sandbox, SandboxSettings, ServiceDesk, Thing,
};
use fieldbridge::store::ListQuery;
use tokio::time::Instant;

use super::outbound_create;

/// The only connector's id.
const CONNECTOR: &str = "one";

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Rig {
    pub sandbox: Arc<Sandbox>,
    platform: PlatformKind,
    directory: tempfile::TempDir,
    port: u16,
    engine: Option<Child>,
    cases: Arc<AtomicU64>,
}

/// What opens tickets that are to be dispatched, from wherever.
#[derive(Clone)]
pub struct Dispatcher {
    sandbox: Arc<Sandbox>,
    platform: PlatformKind,
    cases: Arc<AtomicU64>,
}

impl Dispatcher {
    /// Opens a ticket and asks for a technician. Its number and its record's id.
    pub fn dispatch(&self) -> (u64, String) {
        let tomorrow = TokioClock::start().now().as_second() + 86_400;
        let start = Timestamp::from_second(tomorrow).unwrap();
        let number = self.cases.fetch_add(1, Ordering::Relaxed) + 1;
        let desk = self.sandbox.desk(self.platform).unwrap();
        let ticket = desk.open(&Case::plain(number, start)).unwrap();
        desk.dispatch(ticket).unwrap();
        (ticket, desk.record_id(ticket))
    }
}

pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

impl Rig {
    /// With the shipped mapping.
    pub async fn new(platform: PlatformKind, deliveries: Deliveries) -> Self {
        let shipped = |desk: &dyn ServiceDesk| default_mapping(desk.platform()).unwrap().to_owned();
        Self::with(platform, deliveries, "", shipped).await
    }

    /// With Outbound Create on, and the shipped mapping's rules for it.
    pub async fn creating(platform: PlatformKind, deliveries: Deliveries) -> Self {
        let switch = "outbound_create = true\n";
        Self::with(platform, deliveries, switch, outbound_create::mapping).await
    }

    async fn with(
        platform: PlatformKind,
        deliveries: Deliveries,
        switches: &str,
        mapping: impl FnOnce(&dyn ServiceDesk) -> String,
    ) -> Self {
        let settings = SandboxSettings {
            deliveries,
            ..SandboxSettings::of(&[platform])
        };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let rig = Self {
            sandbox: Arc::new(sandbox),
            platform,
            directory: tempfile::tempdir().unwrap(),
            port: free.local_addr().unwrap().port(),
            engine: None,
            cases: Arc::default(),
        };
        rig.write_files(switches, &mapping(rig.desk()));
        rig
    }

    fn write_files(&self, switches: &str, mapping: &str) {
        let config = self.path("config");
        for folder in ["connectors", "mappings"] {
            std::fs::create_dir_all(config.join(folder)).unwrap();
        }
        let field_nation = &self.sandbox.field_nation;
        let credentials = field_nation.credentials();
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:{}\"\n[engine]\nretry_waits = [0, 1, 1, 2]\n[field_nation]\nbase_url = \"{}\"\n\
             client_id = \"{}\"\nclient_secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\n\
             webhook_secret = \"01999f51-5c66-4449-b441-6b4a053fee6a\"\ncalls_per_minute = 1000000\n",
            self.port,
            field_nation.base_url(),
            credentials.client_id,
            credentials.client_secret,
            credentials.username,
            credentials.password
        );
        std::fs::write(config.join("fieldbridge.toml"), settings).unwrap();
        let connector = format!(
            "platform = \"{}\"\n{switches}[limits]\ncalls_per_minute = 1000000\nmax_attempts = 20\n[settings]\n{}",
            self.platform,
            self.desk().connector_settings()
        );
        std::fs::write(config.join("connectors/one.toml"), connector).unwrap();
        std::fs::write(config.join("mappings/one.toml"), mapping).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn desk(&self) -> &dyn ServiceDesk {
        self.sandbox.desk(self.platform).unwrap()
    }

    pub fn dispatcher(&self) -> Dispatcher {
        Dispatcher {
            sandbox: self.sandbox.clone(),
            platform: self.platform,
            cases: self.cases.clone(),
        }
    }

    /// Starts the engine and waits until it is ready.
    pub async fn start(&mut self) {
        let engine = Command::new(env!("CARGO_BIN_EXE_fieldbridge"))
            .arg("--config")
            .arg(self.path("config"))
            .arg("--data")
            .arg(self.path("data"))
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.engine = Some(engine);
        let ready = format!("http://127.0.0.1:{}/readyz", self.port);
        let http = http();
        let until = Instant::now() + PATIENCE;
        while !http
            .get(&ready)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            assert!(Instant::now() < until, "the engine did not become ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            engine.kill().unwrap();
            engine.wait().unwrap();
        }
    }

    /// The engine's control socket.
    async fn control(&self) -> Client {
        let data = DataDirectory::resolve(Some(&self.path("data")), None).unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            match Client::connect(&data.socket()).await {
                Ok(client) => return client,
                // The listener is there a moment before the socket is.
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn trigger_url(&self) -> String {
        let control = self.control().await;
        control.trigger_url(&connector()).await.unwrap()
    }

    /// Tells the platform where the engine is.
    pub async fn listen_to_platform(&self) {
        let control = self.control().await;
        match control.subscription_plan(&connector()).await.unwrap() {
            SubscriptionPlan::ByApi(_) => drop(control.subscribe(&connector()).await.unwrap()),
            SubscriptionPlan::ByHand(_) => {
                let url = control.trigger_url(&connector()).await.unwrap();
                self.desk().listen_by_hand(&url);
            }
        }
    }

    /// Tells Field Nation where the engine is.
    pub async fn listen_to_field_nation(&self) {
        self.control().await.register_webhook().await.unwrap();
    }

    /// The transactions there are.
    pub async fn transactions(&self) -> Vec<Transaction> {
        let query = ListQuery {
            limit: 200,
            ..ListQuery::default()
        };
        self.control().await.list(&query).await.unwrap().items
    }

    /// Waits until one of the transactions is as it should be.
    pub async fn until_one(&self, what: &str, is_so: impl Fn(&Transaction) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let all = self.transactions().await;
            if all.iter().any(&is_so) {
                return;
            }
            let dead = all.iter().find(|one| one.state == State::Dead);
            assert!(
                dead.is_none() && Instant::now() < until,
                "{}: never saw that {what}: {all:#?}",
                self.platform
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until something is true of the stand-ins, looking whenever one of them wrote something.
    pub async fn until(&self, what: &str, is_true: impl Fn() -> bool) {
        let waited = async {
            let mut ours = self.sandbox.field_nation.journal().latest();
            let mut theirs = self.desk().journal().latest();
            while !is_true() {
                tokio::select! {
                    changed = ours.changed() => changed.unwrap(),
                    changed = theirs.changed() => changed.unwrap(),
                }
            }
        };
        if tokio::time::timeout(PATIENCE, waited).await.is_err() {
            let all = self.transactions().await;
            panic!("{}: never saw that {what}: {all:#?}", self.platform);
        }
    }

    /// Waits until a stand-in holds back the answer to what it has done.
    pub async fn until_withheld(&self, faults: &Faults) {
        let until = Instant::now() + PATIENCE;
        while !faults.list().is_empty() {
            assert!(Instant::now() < until, "no answer was withheld");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The work orders made of a record.
    pub fn orders_of(&self, record: &str) -> Vec<u64> {
        let orders = self.sandbox.field_nation.work_orders_by_correlation_value();
        let of_record = orders.get(&format!("{CONNECTOR}:{record}"));
        of_record.cloned().unwrap_or_default()
    }

    /// The tickets that the engine created, by their numbers.
    pub fn created(&self) -> Vec<u64> {
        let entries = self.desk().journal().entries_after(0).into_iter();
        let ours = entries.filter(|entry| {
            (entry.deed, entry.thing, entry.by) == (Deed::Created, Thing::Ticket, Doer::Api)
        });
        ours.map(|entry| entry.id).collect()
    }

    /// Waits until each of these records has a work order; answers those that have none in time.
    pub async fn wait_for(&self, records: &BTreeSet<String>, within: Duration) -> Vec<String> {
        let until = Instant::now() + within;
        loop {
            let missing = records.iter().filter(|id| self.orders_of(id).is_empty());
            let missing: Vec<String> = missing.cloned().collect();
            if missing.is_empty() || Instant::now() > until {
                return missing;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn connector() -> ConnectorId {
    ConnectorId::new(CONNECTOR).unwrap()
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.kill();
    }
}
