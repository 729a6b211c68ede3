//! An engine with one connector, its platform's stand-in and Field Nation's.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldbridge::config::{ConnectorConfig, Secrets, Settings, default_mapping};
use fieldbridge::engine::{
    ConnectorFiles, ConnectorState, Control, Engine, EngineSetup, QueueKind, Seal,
};
use fieldbridge::mapping::WorkerProgram;
use fieldbridge::model::{
    Clock, ConnectorId, EventName, PlatformKind, State, SystemRandom, Timestamp, TokioClock,
    Transaction, WorkOrderId,
};
use fieldbridge::platform::SubscriptionPlan;
use fieldbridge::sandbox::{
    Case, Deed, Deliveries, Doer, NewFile, Picture, Sandbox, SandboxSettings, ServiceDesk, Thing,
};
use fieldbridge::store::redb::RedbStore;
use fieldbridge::store::{ListQuery, SharedStore};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::outbound_create;

/// Generous: the suite runs on two busy cores, and one vendor's 429 means a minute.
const PATIENCE: Duration = Duration::from_secs(120);

const WEBHOOK_SECRET: &str = "01999f51-5c66-4449-b441-6b4a053fee6a";

pub struct Rig {
    pub sandbox: Sandbox,
    platform: PlatformKind,
    pub engine: Arc<Engine>,
    pub store: SharedStore,
    pub id: ConnectorId,
    clock: Arc<dyn Clock>,
    directory: tempfile::TempDir,
}

struct NoVault;

impl Seal for NoVault {
    fn seal(&self, _: &str, _: &secrecy::SecretString) -> Result<Bytes, String> {
        Err("a test keeps no secrets".into())
    }

    fn publish(&self, _: &str, _: Option<secrecy::SecretString>) {}
}

/// What a connector's file says beside what its stand-in asks for.
#[derive(Clone, Copy, Default)]
struct Extra<'a> {
    switches: &'a str,
    settings: &'a str,
}

fn connector(platform: PlatformKind, desk: &dyn ServiceDesk, extra: Extra<'_>) -> String {
    let Extra { switches, settings } = extra;
    let own = desk.connector_settings();
    let key = |line: &str| line.split_once(" = ").map(|(key, _)| key.to_owned());
    let replaced: Vec<_> = settings.lines().filter_map(key).collect();
    let kept = own
        .lines()
        .filter(|line| key(line).is_none_or(|key| !replaced.contains(&key)));
    let own = kept.collect::<Vec<_>>().join("\n");
    format!(
        r#"platform = "{platform}"
{switches}
[features]
messages = "both"
message_visibility = "internal"
files = "both"
[limits]
calls_per_minute = 100000
concurrency = 4
[settings]
{own}
{settings}"#
    )
}

fn settings(sandbox: &Sandbox) -> Settings {
    let credentials = sandbox.field_nation.credentials();
    let text = format!(
        r#"[server]
listen = "127.0.0.1:0"
[engine]
retry_waits = [0, 1, 1]
probe_seconds = 1
[field_nation]
base_url = "{}"
client_id = "{}"
client_secret = "{}"
username = "{}"
password = "{}"
webhook_secret = "{WEBHOOK_SECRET}"
calls_per_minute = 100000
"#,
        sandbox.field_nation.base_url(),
        credentials.client_id,
        credentials.client_secret,
        credentials.username,
        credentials.password
    );
    Settings::parse("fieldbridge.toml".as_ref(), &text).unwrap()
}

impl Rig {
    /// With the shipped mapping.
    pub async fn start(platform: PlatformKind) -> Self {
        let shipped = |desk: &dyn ServiceDesk| default_mapping(desk.platform()).to_owned();
        Self::with(platform, Extra::default(), shipped).await
    }

    /// With a mapping of one's own, and settings for what it writes beside the record.
    pub async fn beside(platform: PlatformKind, settings: &str, mapping: &str) -> Self {
        let extra = Extra {
            settings,
            ..Extra::default()
        };
        Self::with(platform, extra, |_| mapping.to_owned()).await
    }

    /// With Outbound Create on, and the shipped mapping's rules for it.
    pub async fn creating(platform: PlatformKind) -> Self {
        let extra = Extra {
            switches: "outbound_create = true",
            ..Extra::default()
        };
        Self::with(platform, extra, outbound_create::mapping).await
    }

    async fn with(
        platform: PlatformKind,
        extra: Extra<'_>,
        mapping: impl FnOnce(&dyn ServiceDesk) -> String,
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::start());
        let sandbox = Sandbox::start(SandboxSettings {
            deliveries: Deliveries::Paced(0.01),
            ..SandboxSettings::of(&[platform])
        });
        let sandbox = sandbox.await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("fieldbridge.redb");
        let store: SharedStore = Arc::new(RedbStore::open(&file, clock.clone()).unwrap());
        let id = ConnectorId::new("one").unwrap();
        let desk = sandbox.desk(platform).unwrap();
        let text = connector(platform, desk, extra);
        let mapping_file = directory.path().join("one.toml");
        let mapping = mapping(desk);
        std::fs::write(&mapping_file, &mapping).unwrap();
        let engine = Engine::start(EngineSetup {
            settings: settings(&sandbox),
            connectors: vec![ConnectorFiles {
                id: id.clone(),
                config: ConnectorConfig::parse("connectors/one.toml".as_ref(), &text),
                mapping_file,
                mapping: Ok(mapping),
            }],
            problems: Vec::new(),
            config_directory: directory.path().to_owned(),
            data_directory: directory.path().to_owned(),
            store: store.clone(),
            secrets: Secrets::default(),
            vault: Arc::new(NoVault),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            worker_program: WorkerProgram::at(env!("CARGO_BIN_EXE_fieldbridge")),
        });
        let rig = Self {
            engine: engine.await.unwrap(),
            sandbox,
            platform,
            store,
            id,
            clock,
            directory,
        };
        rig.connect().await;
        rig
    }

    /// A second connector to the same stand-in, with a mapping of its own; answers its trigger's address.
    pub async fn add(&self, id: &str, mapping: &str) -> String {
        let text = connector(self.platform, self.desk(), Extra::default());
        let shipped = std::fs::read_to_string(self.mapping_file()).unwrap();
        let files = |id: &str, mapping: &str| ConnectorFiles {
            id: ConnectorId::new(id).unwrap(),
            config: ConnectorConfig::parse(format!("connectors/{id}.toml").as_ref(), &text),
            mapping_file: self.directory.path().join(format!("{id}.toml")),
            mapping: Ok(mapping.to_owned()),
        };
        let both = vec![files("one", &shipped), files(id, mapping)];
        self.engine.apply(both, Vec::new()).await.unwrap();
        let id = ConnectorId::new(id).unwrap();
        self.engine.trigger_url(&id).await.unwrap()
    }

    async fn connect(&self) {
        self.engine.register_webhook("test").await.unwrap();
        match self.engine.subscription_plan(&self.id).await.unwrap() {
            SubscriptionPlan::ByApi(_) => {
                self.engine.subscribe(&self.id, "test").await.unwrap();
            }
            SubscriptionPlan::ByHand(_) => {
                let url = self.engine.trigger_url(&self.id).await.unwrap();
                self.desk().listen_by_hand(&url);
            }
        }
    }

    pub fn desk(&self) -> &dyn ServiceDesk {
        self.sandbox.desk(self.platform).unwrap()
    }

    /// Somebody opens a ticket with a picture, and a dispatcher asks for a technician.
    pub fn dispatch(&self, number: u64) -> u64 {
        let tomorrow = self.clock.now().as_second() + 86_400;
        let start = Timestamp::from_second(tomorrow).unwrap();
        let mut case = Case::plain(number, start);
        case.picture = Some(Picture {
            name: format!("case-{number}.png"),
            media_type: "image/png".to_owned(),
            bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\n not much"),
        });
        let ticket = self.desk().open(&case).unwrap();
        self.desk().dispatch(ticket).unwrap();
        ticket
    }

    /// A technician sees the work order through. What the engine is told of one step reaches it before the next begins,
    /// as in a visit of hours; Field Nation promises no order among the events of one moment.
    pub async fn visit(&self, order: u64, message: &str) {
        let field_nation = &self.sandbox.field_nation;
        field_nation.publish(order).unwrap();
        self.until_quiet().await;
        field_nation.assign(order).unwrap();
        self.until_quiet().await;
        self.visit_on(order, message).await;
    }

    /// The same from when somebody is assigned.
    pub async fn visit_on(&self, order: u64, message: &str) {
        let field_nation = &self.sandbox.field_nation;
        field_nation.confirm(order).unwrap();
        field_nation.on_my_way(order).unwrap();
        field_nation.check_in(order).unwrap();
        field_nation.post_message(order, message).unwrap();
        let photo = NewFile {
            name: "after.png".to_owned(),
            mime: "image/png".to_owned(),
            content: Bytes::from_static(b"\x89PNG\r\n\x1a\n done"),
        };
        field_nation.upload(order, photo).unwrap();
        field_nation.check_out(order).unwrap();
        self.until_quiet().await;
        field_nation
            .work_done(order, "Replaced and tested.")
            .unwrap();
        self.until_quiet().await;
        field_nation.approve(order).unwrap();
    }

    /// Where the mapping stands.
    pub fn mapping_file(&self) -> PathBuf {
        self.directory.path().join("one.toml")
    }

    /// Tells the engine, long after, that a work order was assigned: as a delivery that had failed until now.
    pub async fn tell_late(&self, work_order: &Value) {
        let event = json!({
            "event": {"name": "workorder.status.assigned", "params": {"work_order_id": work_order["id"]}},
            "timestamp": "2020-01-20T08:55:58-06:00",
            "triggered_by_user": {"id": 1068},
            "workorder": work_order,
        });
        let body = event.to_string();
        let mut signature = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
        signature.update(body.as_bytes());
        let signature = hex::encode(signature.finalize().into_bytes());
        let url = format!("http://{}/v1/fieldnation/events", self.engine.address());
        let request = reqwest::Client::new().post(url).body(body);
        let request = request
            .header("content-type", "application/json")
            .header("x-fn-delivery-id", "01999f51-0000-7000-8000-000000000001:9")
            .header("x-fn-signature", format!("sha256={signature}"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), reqwest::StatusCode::OK);
    }

    /// The outbound transactions of an event.
    pub async fn told(&self, event: EventName) -> Vec<Transaction> {
        let page = self.store.list(ListQuery {
            limit: 50,
            ..ListQuery::default()
        });
        let mut items = page.await.unwrap().items;
        items.retain(|transaction| transaction.event == Some(event));
        items
    }

    /// The tickets that the engine created, by their numbers.
    pub fn created(&self) -> Vec<u64> {
        let entries = self.desk().journal().entries_after(0).into_iter();
        let ours = entries.filter(|entry| {
            (entry.deed, entry.thing, entry.by) == (Deed::Created, Thing::Ticket, Doer::Api)
        });
        ours.map(|entry| entry.id).collect()
    }

    /// The records that a work order is linked to.
    pub async fn records_of(&self, order: u64) -> Vec<String> {
        let linked = self.store.correlations_of(WorkOrderId(order)).await;
        let records = linked.unwrap().into_iter();
        records.map(|link| link.record.to_string()).collect()
    }

    pub fn orders_of(&self, ticket: u64) -> Vec<u64> {
        let record = self.desk().record_id(ticket);
        let marker = format!("{}:{record}", self.id);
        self.sandbox.field_nation.work_orders_with(&marker)
    }

    pub async fn work_order_of(&self, ticket: u64) -> u64 {
        self.until("the work order exists", || {
            !self.orders_of(ticket).is_empty()
        })
        .await;
        self.orders_of(ticket)[0]
    }

    /// Waits until something is true of the stand-ins, looking whenever either side wrote something.
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
        self.in_time(&format!("never saw that {what}"), waited)
            .await;
    }

    pub async fn until_state(&self, state: ConnectorState) {
        let waited = async {
            let mut changes = self.engine.changes();
            while self.engine.overview().await.unwrap().connectors[0].state != state {
                // Some states end by time alone.
                let _ = tokio::time::timeout(Duration::from_millis(100), changes.changed()).await;
            }
        };
        self.in_time(&format!("it never was {state:?}"), waited)
            .await;
    }

    /// Waits until nothing is under way on either side.
    pub async fn until_quiet(&self) {
        let waited = async {
            let mut changes = self.engine.changes();
            loop {
                let overview = self.engine.overview().await.unwrap();
                let queues = overview.queues.iter();
                let waiting = queues.filter(|queue| queue.kind != QueueKind::Dead);
                let waiting: u64 = waiting.map(|queue| queue.depth).sum();
                if waiting == 0 && self.sandbox.deliveries_under_way() == 0 {
                    return;
                }
                let _ = tokio::time::timeout(Duration::from_millis(100), changes.changed()).await;
            }
        };
        self.in_time("it never came to rest", waited).await;
    }

    async fn in_time(&self, otherwise: &str, waited: impl Future<Output = ()>) {
        let is_late = tokio::time::timeout(PATIENCE, waited).await.is_err();
        let why = if is_late {
            self.failures().await
        } else {
            String::new()
        };
        assert!(!is_late, "{}: {otherwise}\n{why}", self.platform);
    }

    pub async fn count(&self, state: State) -> u64 {
        self.store.counts().await.unwrap().total(state)
    }

    /// What failed, for a test that fails.
    pub async fn failures(&self) -> String {
        let page = self.store.list(ListQuery {
            limit: 50,
            ..ListQuery::default()
        });
        let page = page.await.unwrap();
        let lines = page.items.iter().map(|transaction| {
            format!(
                "{} {:?} {:?} {:?} {:?}",
                transaction.direction.word(),
                transaction.event,
                transaction.state,
                transaction.failure.as_ref().map(|(step, failure)| format!(
                    "{}: {} {}",
                    step.word(),
                    failure.category,
                    failure.cause
                )),
                transaction.skipped
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub async fn stop(self) {
        self.engine.stop(Duration::from_secs(5)).await;
        self.sandbox.stop().await;
    }
}
