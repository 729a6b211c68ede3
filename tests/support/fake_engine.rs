// A stand-in for the engine: it keeps what it was asked and answers from what it was given.
//
// Included both by the tests of the api room and by those of the command line.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use fieldbridge::engine::{
    Bench, BreakerView, ConnectorState, ConnectorView, Control, ControlError, DescriptionRequest,
    EngineView, FieldNationView, Flow, Impact, ImpactRequest, ImpactUpdate, MadeConnector,
    MakeConnector, Making, Overview, PreviewRequest, PreviewResult, Publish, QueueKind, QueueView,
    RecordCase, RecordedCase, Replay, ReplayPlan, RollBack, SaveDraft, TransactionDetail,
    Workbench,
};
use fieldbridge::model::{
    Catalogue, Category, ConnectorId, Direction, Failure, Field, FieldKind, MappingVersion, Origin,
    PayloadKind, PlatformKind, Priority, Progress, RecordId, State, Step, Timestamp, Transaction,
    TransactionId,
};
use fieldbridge::platform::{Check, Offer, Probe, Standing, Subscription, SubscriptionPlan};
use fieldbridge::store::{
    AuditEntry, CountsOf, Draft, FailureGroup, GroupQuery, ListQuery, MappingEntry, Page,
    PageCursor, PersonCommand, PersonMove,
};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// The stand-in.
pub struct FakeEngine {
    pub overview: Mutex<Overview>,
    pub transactions: Mutex<Vec<Transaction>>,
    pub commands: Mutex<Vec<PersonCommand>>,
    /// What was done by whom, in words.
    pub deeds: Mutex<Vec<String>>,
    /// How often the overview was made.
    pub looks: Mutex<u32>,
    pub secrets: Mutex<BTreeMap<String, String>>,
    changes: watch::Sender<u64>,
}

pub fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

pub fn connector(id: &str) -> ConnectorView {
    ConnectorView {
        id: ConnectorId::new(id).unwrap(),
        name: id.to_owned(),
        platform: PlatformKind::ConnectWise,
        state: ConnectorState::Live,
        hold: None,
        next_probe_at: None,
        breaker: BreakerView::Closed,
        inbound: CountsOf::default(),
        outbound: CountsOf::default(),
        inbound_flow: Flow::default(),
        outbound_flow: Flow::default(),
        last_success_at: None,
        quota: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
        mapping: None,
        outbound_create: false,
    }
}

pub fn dead(number: u128) -> Transaction {
    let failure = Failure::new(Category::Validation, "no value for required location.state")
        .hint("Give the rule a default.");
    Transaction {
        id: TransactionId::from_u128(number),
        connector: ConnectorId::new("cw-main").unwrap(),
        direction: Direction::Inbound,
        origin: Origin::Trigger,
        priority: Priority::Live,
        state: State::Dead,
        record: Some(RecordId::new("48213")),
        work_order: None,
        event: None,
        label: Some("AP down, \u{1b}[31mfloor 2".to_owned()),
        received_at: moment(0),
        updated_at: moment(1),
        due_at: None,
        attempts: 1,
        joined: 0,
        progress: Progress::default(),
        lease: None,
        failure: Some((Step::Map, failure)),
        skipped: None,
        discarded: None,
        replays: None,
        revision: 3,
        changed_by: None,
    }
}

impl FakeEngine {
    pub fn new() -> Arc<Self> {
        let failed = vec![dead(2), dead(1)];
        let overview = Overview {
            engine: EngineView {
                name: "test".to_owned(),
                version: "0.1.0".to_owned(),
                pid: 1,
                started_at: moment(0),
                now: moment(10),
                accepting: true,
                workers: 4,
                listening_on: "127.0.0.1:8480".to_owned(),
                inbound: Flow::default(),
                outbound: Flow::default(),
                field_nation: FieldNationView::default(),
                problems: Vec::new(),
            },
            connectors: vec![connector("cw-main"), connector("fd-support")],
            queues: vec![QueueView {
                kind: QueueKind::Dead,
                by_connector: BTreeMap::new(),
                depth: 2,
                history: vec![0, 2],
                oldest: None,
                next_due_at: None,
            }],
            groups: Vec::new(),
            failed: failed.clone(),
        };
        Arc::new(Self {
            overview: Mutex::new(overview),
            transactions: Mutex::new(failed),
            commands: Mutex::default(),
            deeds: Mutex::default(),
            looks: Mutex::default(),
            secrets: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    /// Changes the overview and says so.
    pub fn change(&self, change: impl FnOnce(&mut Overview)) {
        change(&mut self.overview.lock().unwrap());
        self.changes.send_modify(|number| *number += 1);
    }

    fn did(&self, deed: String) {
        self.deeds.lock().unwrap().push(deed);
    }

    fn known(&self, id: &ConnectorId) -> Result<(), ControlError> {
        let overview = self.overview.lock().unwrap();
        if overview.connectors.iter().any(|one| one.id == *id) {
            Ok(())
        } else {
            Err(ControlError::NotFound(format!(
                "there is no connector {id}"
            )))
        }
    }

    fn find(
        transactions: &MutexGuard<'_, Vec<Transaction>>,
        id: TransactionId,
    ) -> Result<usize, ControlError> {
        let found = transactions.iter().position(|one| one.id == id);
        found.ok_or_else(|| ControlError::NotFound(format!("there is no transaction {id}")))
    }
}

fn subscription(id: &str) -> Subscription {
    Subscription {
        id: id.to_owned(),
        what: "tickets".to_owned(),
        standing: Standing::Alive,
    }
}

#[async_trait]
impl Workbench for FakeEngine {
    async fn bench(&self, connector: &ConnectorId) -> Result<Bench, ControlError> {
        self.known(connector)?;
        Ok(Bench {
            connector: connector.clone(),
            file: "mappings/cw-main.toml".into(),
            text: "# nothing yet\n".to_owned(),
            version: MappingVersion::new("one"),
            entry: None,
            template: None,
            draft: None,
            field_nation: None,
            platform: None,
        })
    }

    async fn save_draft(
        &self,
        connector: &ConnectorId,
        draft: SaveDraft,
        by: &str,
    ) -> Result<Draft, ControlError> {
        self.known(connector)?;
        self.did(format!("{by} saves a draft of {connector}"));
        Ok(Draft {
            text: draft.text,
            base: draft.base,
            by: by.to_owned(),
            at: moment(5),
            revision: draft.seen.unwrap_or_default() + 1,
        })
    }

    async fn discard_draft(&self, connector: &ConnectorId, by: &str) -> Result<(), ControlError> {
        self.known(connector)?;
        self.did(format!("{by} throws the draft of {connector} away"));
        Ok(())
    }

    async fn publish(
        &self,
        connector: &ConnectorId,
        publish: Publish,
        by: &str,
    ) -> Result<MappingEntry, ControlError> {
        self.known(connector)?;
        if publish.base != MappingVersion::new("one") {
            return Err(ControlError::Stale(
                "another version is in force".to_owned(),
            ));
        }
        self.did(format!("{by} publishes {connector}"));
        Ok(entry("two", by, publish.note))
    }

    async fn mapping_history(
        &self,
        connector: &ConnectorId,
    ) -> Result<Vec<MappingEntry>, ControlError> {
        self.known(connector)?;
        Ok(vec![entry(
            "one",
            "maria",
            Some("states by city".to_owned()),
        )])
    }

    async fn mapping_text(&self, version: &MappingVersion) -> Result<String, ControlError> {
        Ok(format!("# version {version}\n"))
    }

    async fn roll_back(
        &self,
        connector: &ConnectorId,
        roll_back: RollBack,
        by: &str,
    ) -> Result<MappingEntry, ControlError> {
        self.known(connector)?;
        self.did(format!("{by} rolls {connector} back to {}", roll_back.to));
        Ok(entry(roll_back.to.as_str(), by, None))
    }

    async fn impact(
        &self,
        request: ImpactRequest,
    ) -> Result<mpsc::Receiver<ImpactUpdate>, ControlError> {
        self.known(&request.connector)?;
        let (sender, receiver) = mpsc::channel(4);
        let of = request.last;
        let progress = ImpactUpdate::Progress { looked_at: of, of };
        let done = ImpactUpdate::Done(Box::new(Impact {
            looked_at: of,
            fixed: 1,
            ..Impact::default()
        }));
        sender.try_send(progress).unwrap();
        sender.try_send(done).unwrap();
        Ok(receiver)
    }

    async fn record_case(
        &self,
        record: RecordCase,
        by: &str,
    ) -> Result<RecordedCase, ControlError> {
        self.did(format!("{by} records {}", record.transaction));
        Ok(RecordedCase {
            file: "mappings/cw-main.cases/x.json".into(),
            masked: Vec::new(),
            output: Map::new(),
            problems: Vec::new(),
        })
    }
}

fn entry(version: &str, by: &str, note: Option<String>) -> MappingEntry {
    MappingEntry {
        version: MappingVersion::new(version),
        since: moment(6),
        by: Some(by.to_owned()),
        note,
    }
}

#[async_trait]
impl Making for FakeEngine {
    async fn describe(&self, request: DescriptionRequest) -> Result<Offer, ControlError> {
        if request.file == "missing.yaml" {
            return Err(ControlError::NotFound(
                "missing.yaml is not there".to_owned(),
            ));
        }
        self.did(format!("reads {}", request.file));
        Ok(Offer {
            title: format!("The API of {}", request.file),
            ..Offer::default()
        })
    }

    async fn make_connector(
        &self,
        make: MakeConnector,
        by: &str,
    ) -> Result<MadeConnector, ControlError> {
        self.did(format!("{by} makes {} ({:?})", make.connector, make.extent));
        Ok(MadeConnector {
            file: format!("connectors/{}.toml", make.connector).into(),
            text: "platform = \"rest\"\n".to_owned(),
            problems: Vec::new(),
            missing_secrets: vec![format!("{}-token", make.connector)],
            written: Vec::new(),
            kept: Vec::new(),
        })
    }
}

#[async_trait]
impl Control for FakeEngine {
    async fn overview(&self) -> Result<Overview, ControlError> {
        *self.looks.lock().unwrap() += 1;
        Ok(self.overview.lock().unwrap().clone())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn list(&self, query: ListQuery) -> Result<Page<Transaction>, ControlError> {
        let transactions = self.transactions.lock().unwrap();
        let wanted = transactions
            .iter()
            .filter(|one| query.states.is_empty() || query.states.contains(&one.state))
            .filter(|one| {
                query
                    .connector
                    .as_ref()
                    .is_none_or(|id| one.connector == *id)
            })
            .filter(|one| query.after.is_none_or(|after| one.id < after.0))
            .cloned();
        let mut items: Vec<_> = wanted.take(query.limit + 1).collect();
        let next = (items.len() > query.limit).then(|| {
            items.truncate(query.limit);
            PageCursor(items[query.limit - 1].id)
        });
        Ok(Page { items, next })
    }

    async fn groups(&self, _query: GroupQuery) -> Result<Vec<FailureGroup>, ControlError> {
        Ok(self.overview.lock().unwrap().groups.clone())
    }

    async fn transaction(&self, id: TransactionId) -> Result<TransactionDetail, ControlError> {
        let transactions = self.transactions.lock().unwrap();
        let place = Self::find(&transactions, id)?;
        Ok(TransactionDetail {
            transaction: transactions[place].clone(),
            journal: Vec::new(),
            payloads: vec![(PayloadKind::Source, 17)],
            correlation: None,
            record_url: None,
            work_order_url: None,
        })
    }

    async fn payload(
        &self,
        _id: TransactionId,
        kind: PayloadKind,
    ) -> Result<Option<Bytes>, ControlError> {
        Ok((kind == PayloadKind::Source).then(|| Bytes::from_static(b"{\"summary\":\"hi\"}")))
    }

    async fn command(&self, command: PersonCommand) -> Result<Transaction, ControlError> {
        let mut transactions = self.transactions.lock().unwrap();
        let place = Self::find(&transactions, command.transaction)?;
        let mut commands = self.commands.lock().unwrap();
        let row = &mut transactions[place];
        if commands.iter().all(|before| before.id != command.id) {
            if command.seen.is_some_and(|seen| seen != row.revision) {
                return Err(ControlError::Stale(format!(
                    "transaction {} was changed by maria",
                    row.id
                )));
            }
            row.revision += 1;
            row.state = match command.action {
                PersonMove::Retry => State::Queued,
                PersonMove::Discard { .. } => State::Discarded,
                PersonMove::Restore => State::Dead,
            };
        }
        commands.push(command);
        Ok(row.clone())
    }

    async fn plan_replay(
        &self,
        _id: TransactionId,
        _replay: Replay,
    ) -> Result<ReplayPlan, ControlError> {
        let output = json!({"title": "AP down"}).as_object().unwrap().clone();
        Ok(ReplayPlan {
            would_send: output.clone(),
            output,
            problems: Vec::new(),
        })
    }

    async fn replay(
        &self,
        id: TransactionId,
        replay: Replay,
        output: Option<Map<String, Value>>,
        command: Uuid,
        by: &str,
    ) -> Result<Transaction, ControlError> {
        let transactions = self.transactions.lock().unwrap();
        let place = Self::find(&transactions, id)?;
        self.did(format!("{by} replays {replay:?} {output:?} {command}"));
        Ok(transactions[place].clone())
    }

    async fn trigger(
        &self,
        connector: &ConnectorId,
        record: &RecordId,
        by: &str,
    ) -> Result<TransactionId, ControlError> {
        self.known(connector)?;
        self.did(format!("{by} triggers {connector} {record}"));
        Ok(TransactionId::from_u128(9))
    }

    async fn preview(&self, request: PreviewRequest) -> Result<PreviewResult, ControlError> {
        self.known(&request.connector)?;
        Ok(PreviewResult {
            label: "ticket 48213".to_owned(),
            source: json!({"summary": "AP down"}),
            output: json!({"title": "AP down"}).as_object().unwrap().clone(),
            fields: Vec::new(),
            problems: vec![(Some(7), "no value for required location.state".to_owned())],
            warnings: Vec::new(),
            trace: Vec::new(),
            findings: Vec::new(),
            delivered: None,
        })
    }

    async fn pause(&self, connector: &ConnectorId, by: &str) -> Result<u64, ControlError> {
        self.known(connector)?;
        self.did(format!("{by} pauses {connector}"));
        Ok(12)
    }

    async fn resume(&self, connector: &ConnectorId, by: &str) -> Result<u64, ControlError> {
        self.known(connector)?;
        self.did(format!("{by} resumes {connector}"));
        Ok(12)
    }

    async fn probe(&self, connector: &ConnectorId) -> Result<Probe, ControlError> {
        self.known(connector)?;
        Ok(Probe {
            checks: vec![Check {
                what: "read tickets".to_owned(),
                detail: "v2026.1".to_owned(),
                credential: true,
                failure: None,
            }],
        })
    }

    async fn refresh_fields(&self, connector: &ConnectorId) -> Result<(), ControlError> {
        self.known(connector)
    }

    async fn fields(
        &self,
        connector: &ConnectorId,
        direction: Direction,
    ) -> Result<Option<Catalogue>, ControlError> {
        self.known(connector)?;
        Ok((direction == Direction::Inbound).then(|| Catalogue {
            fields: vec![Field::new("title", "Title", FieldKind::Text).required()],
            read_at: moment(5),
        }))
    }

    async fn trigger_url(&self, connector: &ConnectorId) -> Result<String, ControlError> {
        self.known(connector)?;
        Ok("https://broker.example/v1/broker/inbound?client_token=fake".to_owned())
    }

    async fn rotate_token(
        &self,
        connector: &ConnectorId,
        by: &str,
    ) -> Result<String, ControlError> {
        self.known(connector)?;
        self.did(format!("{by} rotates {connector}"));
        Ok("https://broker.example/v1/broker/inbound?client_token=fresh".to_owned())
    }

    async fn subscription_plan(
        &self,
        connector: &ConnectorId,
    ) -> Result<SubscriptionPlan, ControlError> {
        self.known(connector)?;
        Ok(SubscriptionPlan::ByApi("a callback on tickets".to_owned()))
    }

    async fn subscriptions(
        &self,
        connector: &ConnectorId,
    ) -> Result<Vec<Subscription>, ControlError> {
        self.known(connector)?;
        Ok(vec![subscription("a/b c")])
    }

    async fn subscribe(
        &self,
        connector: &ConnectorId,
        by: &str,
    ) -> Result<Subscription, ControlError> {
        self.known(connector)?;
        self.did(format!("{by} subscribes {connector}"));
        Ok(subscription("7"))
    }

    async fn unsubscribe(
        &self,
        connector: &ConnectorId,
        id: &str,
        by: &str,
    ) -> Result<(), ControlError> {
        self.known(connector)?;
        self.did(format!("{by} unsubscribes {connector} {id}"));
        Ok(())
    }

    async fn webhooks(&self) -> Result<Vec<Subscription>, ControlError> {
        Ok(vec![subscription("31")])
    }

    async fn register_webhook(&self, by: &str) -> Result<Subscription, ControlError> {
        self.did(format!("{by} registers"));
        Ok(subscription("32"))
    }

    async fn remove_webhook(&self, id: &str, by: &str) -> Result<(), ControlError> {
        self.did(format!("{by} removes webhook {id}"));
        Ok(())
    }

    async fn audit(
        &self,
        limit: usize,
        _before: Option<PageCursor>,
    ) -> Result<Page<AuditEntry>, ControlError> {
        let entry = AuditEntry {
            id: TransactionId::from_u128(5),
            at: moment(3),
            by: "maria".to_owned(),
            action: "paused".to_owned(),
            connector: Some(ConnectorId::new("cw-main").unwrap()),
            transaction: None,
        };
        Ok(Page {
            items: std::iter::once(entry).take(limit).collect(),
            next: None,
        })
    }

    async fn set_secret(
        &self,
        name: &str,
        value: Option<secrecy::SecretString>,
        by: &str,
    ) -> Result<(), ControlError> {
        use secrecy::ExposeSecret;
        let mut secrets = self.secrets.lock().unwrap();
        match value {
            Some(value) => {
                secrets.insert(name.to_owned(), value.expose_secret().to_owned());
                self.did(format!("{by} keeps {name}"));
            }
            None if secrets.remove(name).is_some() => self.did(format!("{by} forgets {name}")),
            None => {
                return Err(ControlError::NotFound(format!(
                    "no secret `{name}` is kept"
                )));
            }
        }
        Ok(())
    }

    async fn secret_names(&self) -> Result<Vec<String>, ControlError> {
        Ok(self.secrets.lock().unwrap().keys().cloned().collect())
    }

    async fn metrics(&self) -> Result<String, ControlError> {
        Ok("fieldbridge_done_total 3\n".to_owned())
    }

    fn stop(&self, by: &str) {
        self.did(format!("{by} stops the engine"));
    }
}
