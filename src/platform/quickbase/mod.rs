//! Quickbase, JSON REST API version 1.
//!
//! What is known of the vendor (addresses, rights, refusals, shapes of answers) stands here and nowhere else.
//! Nothing here queues, retries or maps: a call is made, and what came of it is told. A record is a row of one table;
//! messages, documents, schedules, times and charges are rows of other tables that refer to it.
//!
//! How it behaves for people, setting by setting, is in `docs/platforms/quickbase.md`.

mod api;
mod catalogue;
mod endpoint;
mod failure;
mod files;
mod filter;
mod find;
mod guide;
mod notes;
mod probe;
mod query;
mod read;
mod salvage;
mod session;
mod settings;
mod side;
mod table;
mod trigger;
mod value;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use self::api::{Api, record_number};
use self::session::{Freshness, Session};
use self::settings::{Checked, Documents, Messages};
use self::trigger::Tables;
use super::registry::Setup;
use super::{
    Capabilities, Changed, Created, Found, Noted, Platform, Probe, Subscription, SubscriptionPlan,
    TriggerReading, TriggerRefusal, TriggerRequest, Wish,
};
use crate::config::Problem;
use crate::http::{
    BucketSettings, Call, Cap, Client, ClientSettings, QuotaLimits, QuotaView, Redactor,
};
use crate::model::{
    Catalogue, Category, Failure, FileContent, FileReference, Marker, Note, PlatformKind, Priority,
    Record, RecordId, SideRecord, Timestamp,
};

/// The vendor grants 100 calls in 10 seconds to each user token.
const CALLS: u32 = 100;
const PERIOD: Duration = Duration::from_secs(10);

/// Transactions in flight at once unless the connector says otherwise.
const CONCURRENCY: usize = 5;

/// One Quickbase table as one connector uses it.
pub(super) struct Quickbase {
    api: Api,
    settings: Checked,
    concurrency: usize,
    session: Session,
}

/// Builds the adapter of a connector.
///
/// # Errors
/// All problems of its settings at once.
pub(super) fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    Quickbase::new(setup).map(|quickbase| Arc::new(quickbase) as Arc<dyn Platform>)
}

impl Quickbase {
    fn new(setup: &Setup<'_>) -> Result<Self, Vec<Problem>> {
        let settings = settings::read(setup)?;
        let config = setup.config;
        let concurrency = config.limits.concurrency.unwrap_or(CONCURRENCY).max(1);
        let limits = QuotaLimits {
            account: vec![BucketSettings {
                name: "user token, per 10 seconds".to_owned(),
                calls: CALLS,
                period: PERIOD,
                cap: Cap::Assumed,
            }],
            connector: BucketSettings::share(config.limits.calls_per_minute),
            at_once: concurrency,
        };
        let client_settings = ClientSettings {
            timeout: Duration::from_secs(config.limits.timeout_seconds),
            ..ClientSettings::default()
        };
        let redactor = Redactor::new([settings.token.expose_secret().to_owned()]);
        let identity = [&*settings.realm, settings.token.expose_secret()];
        let quota = setup.quota(identity, &limits);
        let client = Client::new(&client_settings, quota, redactor).map_err(|error| {
            let mend = "check the system's certificates";
            vec![Problem::new(&config.file, error.to_string(), mend)]
        })?;
        Ok(Self {
            api: Api::new(
                client,
                settings.root.clone(),
                settings.realm.clone(),
                &settings.token,
            ),
            concurrency,
            session: Session::new(Arc::clone(&setup.clock)),
            settings,
        })
    }

    /// The tables whose webhooks may name a record.
    fn tables(&self) -> Tables<'_> {
        let messages = match &self.settings.messages {
            Some(Messages::Rows { child, .. }) => Some(child),
            _ => None,
        };
        let documents = match &self.settings.documents {
            Some(Documents::Rows { child, .. }) => Some(child),
            _ => None,
        };
        Tables {
            main: &self.settings.table,
            children: messages
                .into_iter()
                .chain(documents)
                .map(|child| child.table.as_str())
                .collect(),
        }
    }
}

#[async_trait]
impl Platform for Quickbase {
    fn kind(&self) -> PlatformKind {
        PlatformKind::Quickbase
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: true,
            find: self.settings.merge.is_some(),
            changed_since: true,
            read_notes: matches!(self.settings.messages, Some(Messages::Rows { .. })),
            write_notes: self.settings.messages.is_some(),
            read_files: true,
            write_files: self.settings.documents.is_some(),
            side_records: self.settings.sides.iter().map(|side| side.kind).collect(),
            subscriptions: false,
        }
    }

    fn quota(&self) -> Vec<QuotaView> {
        self.api.client().quota().view()
    }

    fn ready_in(&self, priority: Priority) -> Duration {
        self.api.client().quota().ready_in(priority)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    async fn read_trigger(
        &self,
        request: &TriggerRequest,
    ) -> Result<TriggerReading, TriggerRefusal> {
        let secret = self.settings.trigger_secret.as_ref();
        trigger::read(request, &self.tables(), secret)
    }

    async fn probe(&self, call: &Call) -> Probe {
        self.probe_all(call).await
    }

    async fn discover(&self, call: &Call) -> Result<Catalogue, Failure> {
        let read = async |id: &str| {
            self.session
                .table(&self.api, call, id, Freshness::Now)
                .await
        };
        let table = read(&self.settings.table).await?;
        let mut sides = Vec::new();
        for side in &self.settings.sides {
            sides.push((side, read(&side.child.table).await?));
        }
        Ok(catalogue::of(&table, &sides, self.session.now()))
    }

    async fn fetch(
        &self,
        call: &Call,
        id: &RecordId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure> {
        self.read_record(call, id, wish).await
    }

    fn wants(&self, record: &Record) -> Result<(), String> {
        let Some(condition) = &self.settings.condition else {
            return Ok(());
        };
        let table = self.session.remembered(&self.settings.table);
        let name = table.map_or_else(
            || format!("field {}", condition.field),
            |table| table.name(condition.field),
        );
        condition.judge(&record.fields, &name)
    }

    async fn download(
        &self,
        call: &Call,
        _: &RecordId,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        self.download_file(call, file).await
    }

    async fn changed_since(
        &self,
        call: &Call,
        since: Timestamp,
        page: Option<String>,
    ) -> Result<Changed, Failure> {
        self.list_changed(call, since, page).await
    }

    async fn create(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        self.create_record(call, fields, marker).await
    }

    async fn update(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        self.update_record(call, base, changes).await
    }

    async fn add_note(
        &self,
        call: &Call,
        record: &RecordId,
        note: &Note,
    ) -> Result<Noted, Failure> {
        self.write_note(call, record, note).await
    }

    async fn attach(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        self.attach_file(call, record, file).await
    }

    async fn put_side_record(
        &self,
        call: &Call,
        record: &RecordId,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        self.put_side(call, record, side, existing).await
    }

    async fn find(&self, call: &Call, marker: &Marker, _: Timestamp) -> Result<Found, Failure> {
        self.find_marked(call, marker).await
    }

    fn subscription_plan(&self, trigger_url: &str) -> SubscriptionPlan {
        let Checked {
            table,
            condition,
            messages,
            ..
        } = &self.settings;
        let steps = guide::steps(trigger_url, table, condition.as_ref(), messages.as_ref());
        SubscriptionPlan::ByHand(steps)
    }

    async fn subscriptions(&self, _: &Call, _: &str) -> Result<Vec<Subscription>, Failure> {
        // Webhooks are not to be seen through the API; the last trigger tells whether one works.
        Ok(Vec::new())
    }

    async fn subscribe(&self, _: &Call, _: &str) -> Result<Subscription, Failure> {
        Err(by_hand())
    }

    async fn unsubscribe(&self, _: &Call, _: &str) -> Result<(), Failure> {
        Err(by_hand())
    }

    fn record_url(&self, record: &RecordId) -> Option<String> {
        let number = record_number(record).ok()?;
        let Checked { realm, table, .. } = &self.settings;
        Some(format!("https://{realm}/db/{table}?a=dr&rid={number}"))
    }
}

fn by_hand() -> Failure {
    Failure::new(
        Category::Configuration,
        "Quickbase's webhooks can't be made or removed through its API",
    )
    .hint("Follow the steps that the connector shows for its trigger.")
}
