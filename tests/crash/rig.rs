//! An engine with one connector, and the stand-ins it talks to, which outlive it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fieldbridge::config::default_mapping;
use fieldbridge::model::{
    Clock, ConnectorId, PlatformKind, State, Timestamp, TokioClock, Transaction,
};
use fieldbridge::platform::SubscriptionPlan;
use fieldbridge::sandbox::{
    Case, Deed, Deliveries, Doer, Faults, Sandbox, SandboxSettings, ServiceDesk, Thing,
};
use fieldbridge::store::ListQuery;
use tokio::time::Instant;

use super::engine::{Engine, PATIENCE};
use super::outbound_create;

/// The only connector's id.
const CONNECTOR: &str = "one";

pub struct Rig {
    pub sandbox: Arc<Sandbox>,
    pub engine: Engine,
    platform: PlatformKind,
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

impl Rig {
    /// With the shipped mapping.
    pub async fn new(platform: PlatformKind, deliveries: Deliveries) -> Self {
        let shipped = |desk: &dyn ServiceDesk| default_mapping(desk.platform()).to_owned();
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
        let rig = Self {
            sandbox: Arc::new(sandbox),
            engine: Engine::new(),
            platform,
            cases: Arc::default(),
        };
        rig.write_files(switches, &mapping(rig.desk()));
        rig
    }

    fn write_files(&self, switches: &str, mapping: &str) {
        let settings = self.engine.settings(&self.sandbox.field_nation);
        self.engine.write("fieldbridge.toml", &settings);
        let connector = format!(
            "platform = \"{}\"\n{switches}[limits]\ncalls_per_minute = 1000000\nmax_attempts = 20\n[settings]\n{}",
            self.platform,
            self.desk().connector_settings()
        );
        self.engine.write("connectors/one.toml", &connector);
        self.engine.write("mappings/one.toml", mapping);
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

    pub async fn trigger_url(&self) -> String {
        let control = self.engine.control().await;
        control.trigger_url(&connector()).await.unwrap()
    }

    /// Tells the platform where the engine is.
    pub async fn listen_to_platform(&self) {
        let control = self.engine.control().await;
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
        self.engine
            .control()
            .await
            .register_webhook()
            .await
            .unwrap();
    }

    /// The transactions there are.
    pub async fn transactions(&self) -> Vec<Transaction> {
        let query = ListQuery {
            limit: 200,
            ..ListQuery::default()
        };
        self.engine
            .control()
            .await
            .list(&query)
            .await
            .unwrap()
            .items
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
