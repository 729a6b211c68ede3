//! Smartsheet, API 2.0: rows of one sheet, their comments and attachments, and the webhook that tells of changes.
//!
//! What is known of the vendor (addresses, rights, refusals, shapes of answers) stands here and nowhere else.
//! Nothing here queues, retries or maps: a call is made, and what came of it is told.
//!
//! How it behaves for people, setting by setting, is in `docs/platforms/smartsheet.md`.

mod api;
mod callback;
mod catalogue;
mod cell;
mod changes;
mod columns;
mod failure;
mod files;
mod ids;
mod notes;
mod probe;
mod read;
mod session;
mod settings;
mod signature;
mod trigger;
mod webhooks;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use self::api::Api;
use self::session::Session;
use self::settings::Checked;
use self::signature::Keys;
use super::registry::Setup;
use super::{
    Capabilities, Changed, Created, Found, Noted, Platform, Probe, Subscription, SubscriptionPlan,
    TriggerReading, TriggerRefusal, TriggerRequest, Wish,
};
use crate::config::{Features, Problem};
use crate::http::{
    BucketSettings, Call, Client, ClientSettings, Quota, QuotaLimits, QuotaView, Redactor,
};
use crate::model::{
    Catalogue, Category, ConnectorId, Failure, FileContent, FileReference, Marker, Note,
    PlatformKind, Priority, Record, RecordId, SideRecord, Timestamp,
};

/// Calls a minute that the vendor grants a token.
const CALLS_PER_MINUTE: u32 = 300;

/// Transactions, and calls, in flight at once unless the connector says otherwise. Writes go one by one all the same.
const CONCURRENCY: usize = 4;

/// One sheet as one connector uses it.
pub(super) struct Smartsheet {
    api: Api,
    downloads: Client,
    connector: ConnectorId,
    settings: Checked,
    features: Features,
    outbound_create: bool,
    concurrency: usize,
    session: Session,
    keys: Keys,
}

/// Builds the adapter of a connector.
///
/// # Errors
/// All problems of its settings at once.
pub(super) fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    Smartsheet::new(setup).map(|smartsheet| Arc::new(smartsheet) as Arc<dyn Platform>)
}

impl Smartsheet {
    fn new(setup: &Setup<'_>) -> Result<Self, Vec<Problem>> {
        let settings = settings::read(setup)?;
        let config = setup.config;
        let concurrency = config.limits.concurrency.unwrap_or(CONCURRENCY).max(1);
        let calls = config.limits.calls_per_minute;
        let limits = QuotaLimits {
            account: vec![BucketSettings::per_minute(
                "token, per minute",
                calls,
                CALLS_PER_MINUTE,
            )],
            connector: Vec::new(),
            at_once: concurrency,
        };
        let token = settings.access_token.expose_secret().to_owned();
        let webhook_secret = settings.webhook_secret.as_ref();
        let webhook_secret = webhook_secret.map(|secret| secret.expose_secret().to_owned());
        let secrets: Vec<String> = std::iter::once(token).chain(webhook_secret).collect();
        let client_settings = ClientSettings {
            timeout: Duration::from_secs(config.limits.timeout_seconds),
            ..ClientSettings::default()
        };
        let client = |quota: Arc<Quota>| {
            let redactor = Redactor::new(secrets.clone());
            Client::new(&client_settings, quota, redactor).map_err(|error| {
                vec![Problem::new(
                    &config.file,
                    error.to_string(),
                    "check the system's certificates",
                )]
            })
        };
        let identity = [
            settings.root.as_str(),
            settings.access_token.expose_secret(),
        ];
        Ok(Self {
            api: Api::new(
                client(setup.quota(identity, &limits))?,
                settings.root.clone(),
                &settings.access_token,
                format!("fieldbridge-{}", config.id),
                settings.sheet,
            ),
            // Storage hosts are not the API: their answers say nothing of its allowance.
            downloads: client(Arc::new(Quota::new(&[], concurrency)))?,
            connector: config.id.clone(),
            features: config.features.clone(),
            outbound_create: config.outbound_create,
            concurrency,
            session: Session::new(Arc::clone(&setup.clock), settings.sheet),
            keys: Keys::new(Arc::clone(&setup.clock), settings.webhook_secret.clone()),
            settings,
        })
    }
}

#[async_trait]
impl Platform for Smartsheet {
    fn kind(&self) -> PlatformKind {
        PlatformKind::Smartsheet
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: true,
            find: self.settings.marker_column.is_some(),
            changed_since: true,
            read_notes: true,
            write_notes: true,
            read_files: true,
            write_files: true,
            // Schedule, time and charges are columns of the row.
            side_records: Vec::new(),
            subscriptions: true,
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
        self.judge_trigger(request).await
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
        self.judge(&record.fields)
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
        self.list_changed(call, since, page.as_deref()).await
    }

    async fn create(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        self.create_row(call, fields, marker).await
    }

    async fn update(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        self.update_row(call, base, changes).await
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
        _: &Call,
        _: &RecordId,
        _: &SideRecord,
        _: Option<&str>,
    ) -> Result<String, Failure> {
        Err(Failure::new(
            Category::Configuration,
            "Smartsheet rows have no schedule, time or charge records of their own",
        )
        .hint("Map these values to columns of the sheet."))
    }

    async fn find(&self, call: &Call, marker: &Marker, _: Timestamp) -> Result<Found, Failure> {
        self.find_marked(call, marker).await
    }

    fn subscription_plan(&self, _trigger_url: &str) -> SubscriptionPlan {
        self.webhook_plan()
    }

    async fn subscriptions(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Vec<Subscription>, Failure> {
        self.webhooks(call, trigger_url).await
    }

    async fn subscribe(&self, call: &Call, trigger_url: &str) -> Result<Subscription, Failure> {
        self.register_webhook(call, trigger_url).await
    }

    async fn unsubscribe(&self, call: &Call, id: &str) -> Result<(), Failure> {
        self.remove_webhook(call, id).await
    }

    /// The sheet, once it was read: the row's own address is not to be made up, and stands in `Row.url`.
    fn record_url(&self, record: &RecordId) -> Option<String> {
        ids::RowPlace::on(self.settings.sheet, record).ok()?;
        self.session.permalink()
    }
}
