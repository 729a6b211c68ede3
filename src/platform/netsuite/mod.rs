//! Oracle NetSuite: REST web services, SuiteQL, and a RESTlet for what those do not reach.
//!
//! What is known of the vendor (hosts, logins, rights, refusals, shapes of answers) stands here and nowhere else.
//! SOAP is not used: it ends in 2028. Nothing here queues, retries or maps: a call is made, and what came of it is told.
//!
//! How it behaves for people, setting by setting, is in `docs/platforms/netsuite.md`.

mod account;
mod api;
mod assertion;
mod body;
mod catalogue;
mod failure;
mod filter;
mod find;
mod guide;
mod notes;
mod pool;
mod probe;
mod read;
mod restlet;
mod right;
mod schema;
mod session;
mod settings;
mod side;
mod sign;
mod trigger;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use self::api::{Api, Parts, internal_id};
use self::pool::Pool;
use self::session::Session;
use self::settings::{Checked, is_support_case};
use super::registry::Setup;
use super::{
    Capabilities, Changed, Created, Found, Noted, Platform, Probe, Subscription, SubscriptionPlan,
    TriggerReading, TriggerRefusal, TriggerRequest, Wish,
};
use crate::config::{Features, Problem};
use crate::http::{BucketSettings, Call, Client, ClientSettings, QuotaLimits, QuotaView, Redactor};
use crate::model::{
    Catalogue, Category, Failure, FileContent, FileReference, Marker, Note, PlatformKind, Priority,
    Record, RecordId, SideRecord, Timestamp,
};

/// Requests at once unless the connector says otherwise: a standard account's pool has five places, and one is left
/// to others.
const CONCURRENCY: usize = 4;

/// One NetSuite account's record type as one connector uses it.
pub(super) struct NetSuite {
    api: Api,
    settings: Checked,
    features: Features,
    outbound_create: bool,
    concurrency: usize,
    session: Session,
}

/// Builds the adapter of a connector.
///
/// # Errors
/// All problems of its settings at once.
pub(super) fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    NetSuite::new(setup).map(|netsuite| Arc::new(netsuite) as Arc<dyn Platform>)
}

impl NetSuite {
    fn new(setup: &Setup<'_>) -> Result<Self, Vec<Problem>> {
        let (settings, way) = settings::read(setup)?;
        let config = setup.config;
        let concurrency = config.limits.concurrency.unwrap_or(CONCURRENCY).max(1);
        // NetSuite counts requests at once and not by the minute; a share by the minute is the admin's own wish.
        let limits = QuotaLimits {
            account: Vec::new(),
            connector: BucketSettings::share(config.limits.calls_per_minute),
            at_once: concurrency,
        };
        let client_settings = ClientSettings {
            timeout: Duration::from_secs(config.limits.timeout_seconds),
            ..ClientSettings::default()
        };
        let client = Client::new(
            &client_settings,
            setup.quota([settings.account.realm(), &way.hosts.services], &limits),
            Redactor::new(settings.secrets(&way.login)),
        )
        .map_err(|error| {
            vec![Problem::new(
                &config.file,
                error.to_string(),
                "check the system's certificates",
            )]
        })?;
        Ok(Self {
            api: Api::new(Parts {
                client,
                pool: Pool::of(settings.account.realm(), &way.hosts.services, concurrency),
                hosts: way.hosts,
                realm: settings.account.realm().to_owned(),
                login: way.login,
                clock: Arc::clone(&setup.clock),
            }),
            features: config.features.clone(),
            outbound_create: config.outbound_create,
            concurrency,
            session: Session::default(),
            settings,
        })
    }
}

#[async_trait]
impl Platform for NetSuite {
    fn kind(&self) -> PlatformKind {
        PlatformKind::NetSuite
    }

    fn capabilities(&self) -> Capabilities {
        let settings = &self.settings;
        let has_script = settings.script.is_some();
        Capabilities {
            create: true,
            find: settings.upserts() || settings.marker_field.is_some(),
            changed_since: true,
            read_notes: has_script,
            write_notes: has_script || settings.message_field.is_some(),
            read_files: has_script,
            write_files: has_script,
            side_records: self.side_kinds(),
            subscriptions: false,
        }
    }

    fn quota(&self) -> Vec<QuotaView> {
        let mut views = vec![self.api.pool().view()];
        views.extend(self.api.client().quota().view());
        views
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
        let settings = &self.settings;
        trigger::read(
            request,
            &settings.record_type,
            settings.trigger_secret.as_ref(),
        )
    }

    async fn probe(&self, call: &Call) -> Probe {
        self.probe_all(call).await
    }

    async fn discover(&self, call: &Call) -> Result<Catalogue, Failure> {
        self.read_catalogue(call).await
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
        self.settings.conditions.judge(&record.fields)
    }

    async fn download(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        self.download_file(call, record, file).await
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
        self.write_note(call, record, note).await.map(Noted::Added)
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
        self.write_side_record(call, record, side, existing).await
    }

    async fn find(&self, call: &Call, marker: &Marker, _: Timestamp) -> Result<Found, Failure> {
        self.find_marked(call, marker).await
    }

    fn subscription_plan(&self, trigger_url: &str) -> SubscriptionPlan {
        SubscriptionPlan::ByHand(guide::steps(trigger_url, &self.settings))
    }

    async fn subscriptions(&self, _: &Call, _: &str) -> Result<Vec<Subscription>, Failure> {
        // Deployments of scripts are not to be seen through REST; the last trigger tells whether one works.
        Ok(Vec::new())
    }

    async fn subscribe(&self, _: &Call, _: &str) -> Result<Subscription, Failure> {
        Err(by_hand())
    }

    async fn unsubscribe(&self, _: &Call, _: &str) -> Result<(), Failure> {
        Err(by_hand())
    }

    fn record_url(&self, record: &RecordId) -> Option<String> {
        let id = internal_id(record).ok()?;
        if let Some(pattern) = &self.settings.record_url {
            return Some(pattern.replace("{record}", id));
        }
        let portal = self.settings.account.portal();
        is_support_case(&self.settings.record_type)
            .then(|| format!("{portal}/app/crm/support/supportcase.nl?id={id}"))
    }
}

fn by_hand() -> Failure {
    Failure::new(
        Category::Configuration,
        "NetSuite's scripts can't be deployed or removed through its REST web services",
    )
    .hint("Follow the steps that the connector shows for its trigger.")
}
