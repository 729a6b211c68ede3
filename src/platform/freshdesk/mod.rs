//! Freshdesk, API version 2.
//!
//! What is known of the vendor (addresses, rights, refusals, shapes of answers) stands here and nowhere else.
//! Nothing here queues, retries or maps: a call is made, and what came of it is told. A reply to a ticket is
//! never sent, for it would mail the customer; notes are all we write.
//!
//! How it behaves for people, setting by setting, is in `docs/platforms/freshdesk.md`.

mod api;
mod body;
mod catalogue;
mod endpoint;
mod failure;
mod field_list;
mod fields;
mod filter;
mod find;
mod guide;
mod json;
mod notes;
mod probe;
mod read;
mod salvage;
mod session;
mod settings;
mod time;
mod trigger;
mod value;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use self::api::{Api, ticket_number};
use self::filter::Verdict;
use self::session::{Freshness, Session};
use self::settings::Checked;
use super::html;
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
    Catalogue, Category, Failure, FileContent, FileReference, Marker, Note, PlatformKind, Priority,
    Record, RecordId, SideRecord, SideRecordKind, Timestamp,
};

/// The allowance to begin with: that of a trial, the least any account has. The first answer tells the real one.
const FIRST_CALLS_PER_MINUTE: u32 = 50;

/// Transactions in flight at once unless the connector says otherwise.
const CONCURRENCY: usize = 4;

/// One Freshdesk account as one connector uses it.
pub(super) struct Freshdesk {
    api: Api,
    downloads: Client,
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
    Freshdesk::new(setup).map(|freshdesk| Arc::new(freshdesk) as Arc<dyn Platform>)
}

impl Freshdesk {
    fn new(setup: &Setup<'_>) -> Result<Self, Vec<Problem>> {
        let settings = settings::read(setup)?;
        let config = setup.config;
        let concurrency = config.limits.concurrency.unwrap_or(CONCURRENCY).max(1);
        // The first follows what the account's answers say; the second keeps this connector's share of it.
        let account =
            BucketSettings::per_minute("account, per minute", None, FIRST_CALLS_PER_MINUTE);
        let limits = QuotaLimits {
            account: vec![account],
            connector: BucketSettings::share(config.limits.calls_per_minute),
            at_once: concurrency,
        };
        let authorization = api::authorization(&settings.api_key);
        let encoded = authorization.expose_secret().trim_start_matches("Basic ");
        let secrets = [settings.api_key.expose_secret(), encoded].map(str::to_owned);
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
        Ok(Self {
            api: Api::new(
                // The vendor counts for the account, whoever signs in.
                client(setup.quota([settings.root.as_str()], &limits))?,
                settings.root.clone(),
                &settings.api_key,
            ),
            // Storage hosts are not the account's API: their answers say nothing of its allowance.
            downloads: client(Arc::new(Quota::new(&[], concurrency)))?,
            features: config.features.clone(),
            outbound_create: config.outbound_create,
            concurrency,
            session: Session::new(Arc::clone(&setup.clock)),
            settings,
        })
    }
}

#[async_trait]
impl Platform for Freshdesk {
    fn kind(&self) -> PlatformKind {
        PlatformKind::Freshdesk
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: true,
            find: self.settings.marker_field.is_some(),
            changed_since: true,
            read_notes: true,
            write_notes: true,
            read_files: true,
            write_files: true,
            side_records: vec![SideRecordKind::Time],
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
        trigger::read(request, self.settings.trigger_secret.as_ref())
    }

    async fn probe(&self, call: &Call) -> Probe {
        self.probe_all(call).await
    }

    async fn discover(&self, call: &Call) -> Result<Catalogue, Failure> {
        let fields = self.session.fields(&self.api, call, Freshness::Now).await?;
        let template = match self.settings.template {
            Some(number) => {
                let id = RecordId::new(number.to_string());
                self.read_record(call, &id, Wish::default()).await?
            }
            None => None,
        };
        let template = template.as_ref().map(|record| &record.fields);
        Ok(catalogue::of(&fields, template, self.session.now()))
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
        match self.settings.conditions.judge(&record.fields) {
            // What a fetch does not tell can't be held against a ticket.
            Verdict::Wanted | Verdict::Unclear => Ok(()),
            Verdict::Unwanted(why) => Err(why),
        }
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
        self.create_ticket(call, fields, marker).await
    }

    async fn update(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        self.update_ticket(call, base, changes).await
    }

    async fn add_note(
        &self,
        call: &Call,
        record: &RecordId,
        note: &Note,
    ) -> Result<Noted, Failure> {
        self.write_note(call, ticket_number(record)?, note)
            .await
            .map(Noted::Added)
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
        self.put_time_entry(call, record, side, existing).await
    }

    async fn find(
        &self,
        call: &Call,
        marker: &Marker,
        intended_at: Timestamp,
    ) -> Result<Found, Failure> {
        self.find_marked(call, marker, intended_at).await
    }

    fn subscription_plan(&self, trigger_url: &str) -> SubscriptionPlan {
        SubscriptionPlan::ByHand(guide::steps(trigger_url, &self.settings.conditions))
    }

    async fn subscriptions(&self, _: &Call, _: &str) -> Result<Vec<Subscription>, Failure> {
        // Automation rules are not to be seen through the API; the last trigger tells whether one works.
        Ok(Vec::new())
    }

    async fn subscribe(&self, _: &Call, _: &str) -> Result<Subscription, Failure> {
        Err(by_hand())
    }

    async fn unsubscribe(&self, _: &Call, _: &str) -> Result<(), Failure> {
        Err(by_hand())
    }

    fn template(&self) -> Option<RecordId> {
        self.settings
            .template
            .map(|id| RecordId::new(id.to_string()))
    }

    fn record_url(&self, record: &RecordId) -> Option<String> {
        let number = ticket_number(record).ok()?;
        Some(format!("{}/a/tickets/{number}", self.settings.portal))
    }
}

fn by_hand() -> Failure {
    Failure::new(
        Category::Configuration,
        "Freshdesk's automation rules can't be made or removed through its API",
    )
    .hint("Follow the steps that the connector shows for its trigger.")
}
