//! Datto Autotask PSA, REST API version 1.0.
//!
//! What is known of the vendor (zones, headers, rights, refusals, shapes of answers) stands here and nowhere else.
//! Nothing here queues, retries or maps: the calls that make up one effect are made, and what came of them is told.
//!
//! How it behaves for people, setting by setting, is in `docs/platforms/autotask.md`.

mod api;
mod ask;
mod body;
mod catalogue;
mod charge;
mod failure;
mod fields;
mod filter;
mod find;
mod notes;
mod probe;
mod read;
mod schedule;
mod session;
mod settings;
mod signature;
mod time;
mod trigger;
mod webhook;
mod write;
mod zone;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use self::api::{Api, Credential};
use self::read::ticket_id;
use self::session::{Freshness, Session};
use self::settings::{Checked, ExpenseTarget};
use self::trigger::{Guards, Said};
use self::zone::Zones;
use super::registry::Setup;
use super::{
    Capabilities, Changed, Created, DeliveryForm, Found, Noted, Platform, Probe, Subscription,
    SubscriptionPlan, TriggerReading, TriggerRefusal, TriggerRequest, Wish,
};
use crate::config::{Features, Problem};
use crate::http::{
    BucketSettings, Call, Cap, Client, ClientSettings, QuotaLimits, QuotaView, Redactor,
};
use crate::model::{
    Catalogue, ConnectorId, Failure, FileContent, FileReference, Marker, Note, PlatformKind,
    Priority, Record, RecordId, SideRecord, SideRecordKind, Timestamp,
};

/// The calls an hour that a database takes from all its integrations together.
const CALLS_PER_HOUR: u32 = 10_000;

/// Calls at once over all kinds of objects; each kind has its own, narrower gate.
const CALLS_AT_ONCE: usize = 24;

/// Transactions in flight at once unless the connector says otherwise: each reads tickets, and three of one kind is
/// the vendor's limit.
const CONCURRENCY: usize = 3;

/// One Autotask database as one connector uses it.
pub(super) struct Autotask {
    api: Api,
    settings: Checked,
    features: Features,
    outbound_create: bool,
    concurrency: usize,
    connector: ConnectorId,
    /// Who is told by the vendor when a webhook fails.
    notified: Option<String>,
    session: Session,
}

/// Builds the adapter of a connector.
///
/// # Errors
/// All problems of its settings at once.
pub(super) fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    Autotask::new(setup).map(|autotask| Arc::new(autotask) as Arc<dyn Platform>)
}

impl Autotask {
    fn new(setup: &Setup<'_>) -> Result<Self, Vec<Problem>> {
        let settings = settings::read(setup)?;
        let config = setup.config;
        // The first follows the vendor's own count; the second keeps this connector's share of it.
        let limits = QuotaLimits {
            account: vec![BucketSettings {
                name: "database, per hour".to_owned(),
                calls: CALLS_PER_HOUR,
                period: Duration::from_secs(3600),
                cap: Cap::Assumed,
            }],
            connector: BucketSettings::share(config.limits.calls_per_minute),
            at_once: CALLS_AT_ONCE,
        };
        let secrets = [
            Some(&settings.secret),
            Some(&settings.integration_code),
            settings.webhook_secret.as_ref(),
            settings.trigger_secret.as_ref(),
        ];
        let secrets = secrets.into_iter().flatten();
        let redactor = Redactor::new(secrets.map(|secret| secret.expose_secret().to_owned()));
        let client_settings = ClientSettings {
            timeout: Duration::from_secs(config.limits.timeout_seconds),
            ..ClientSettings::default()
        };
        let identity = [
            settings.lookup.as_str(),
            &settings.username,
            settings.integration_code.expose_secret(),
        ];
        let quota = setup.quota(identity, &limits);
        let client = Client::new(&client_settings, quota, redactor).map_err(|error| {
            vec![Problem::new(
                &config.file,
                error.to_string(),
                "check the system's certificates",
            )]
        })?;
        let credential = Credential {
            username: settings.username.clone(),
            secret: settings.secret.clone(),
            integration_code: settings.integration_code.clone(),
        };
        let zones = Zones::new(
            settings.lookup.clone(),
            &settings.username,
            Arc::clone(&setup.clock),
        );
        Ok(Self {
            api: Api::new(client, credential, zones, Arc::clone(&setup.clock)),
            features: config.features.clone(),
            outbound_create: config.outbound_create,
            concurrency: config.limits.concurrency.unwrap_or(CONCURRENCY).max(1),
            connector: config.id.clone(),
            notified: config.notification_email_addresses.first().cloned(),
            session: Session::new(
                Arc::clone(&setup.clock),
                &settings.username,
                settings.resource,
            ),
            settings,
        })
    }

    /// The ticket of a note that a webhook names, read before the webhook is answered: a transaction needs its record.
    async fn resolve_note(&self, note: u64) -> Result<Option<u64>, TriggerRefusal> {
        let call = Call::new(Priority::Live);
        self.ticket_of_note(&call, note)
            .await
            .map_err(|failure| TriggerRefusal::NotNow(failure.cause))
    }
}

#[async_trait]
impl Platform for Autotask {
    fn kind(&self) -> PlatformKind {
        PlatformKind::Autotask
    }

    fn capabilities(&self) -> Capabilities {
        let mut side_records = vec![SideRecordKind::Schedule, SideRecordKind::Time];
        if self.settings.expense_target != ExpenseTarget::None {
            side_records.push(SideRecordKind::Charge);
        }
        Capabilities {
            create: true,
            find: true,
            changed_since: true,
            read_notes: true,
            write_notes: true,
            read_files: true,
            write_files: true,
            side_records,
            subscriptions: self.settings.webhook_secret.is_some(),
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
        let guards = Guards {
            webhook: self.settings.webhook_secret.as_ref(),
            unsigned: self.settings.trigger_secret.as_ref(),
        };
        match trigger::read(request, guards)? {
            Said::Reading(reading) => Ok(reading),
            Said::Note { id, delivery } => Ok(match self.resolve_note(id).await? {
                Some(ticket) => trigger::records(ticket, delivery, DeliveryForm::Json),
                None => TriggerReading::NotOurs {
                    why: format!(
                        "a webhook about note {id}, which stands on no ticket that we see"
                    ),
                },
            }),
        }
    }

    async fn probe(&self, call: &Call) -> Probe {
        self.probe_all(call).await
    }

    async fn discover(&self, call: &Call) -> Result<Catalogue, Failure> {
        let fields = self
            .session
            .ticket_fields(&self.api, call, Freshness::Now)
            .await?;
        Ok(catalogue::of(&fields, self.session.now()))
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
        let ticket = ticket_id(record)?;
        self.write_note(call, ticket, &note.text, note.visibility)
            .await
            .map(|id| Noted::Added(Some(id)))
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
        let ticket = ticket_id(record)?;
        match side.kind {
            SideRecordKind::Schedule => self.put_service_call(call, ticket, side, existing).await,
            SideRecordKind::Time => self.put_time_entry(call, ticket, side, existing).await,
            SideRecordKind::Charge => self.put_charge(call, ticket, side, existing).await,
        }
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
        self.plan(trigger_url)
    }

    async fn subscriptions(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Vec<Subscription>, Failure> {
        if self.settings.webhook_secret.is_none() {
            // Callouts are not to be seen through the API; the last trigger tells whether one works.
            return Ok(Vec::new());
        }
        self.list_webhooks(call, trigger_url).await
    }

    async fn subscribe(&self, call: &Call, trigger_url: &str) -> Result<Subscription, Failure> {
        self.register_webhooks(call, trigger_url).await
    }

    async fn unsubscribe(&self, call: &Call, id: &str) -> Result<(), Failure> {
        self.remove_webhook(call, id).await
    }

    fn template(&self) -> Option<RecordId> {
        self.settings
            .template
            .map(|id| RecordId::new(id.to_string()))
    }

    fn record_url(&self, record: &RecordId) -> Option<String> {
        let id = ticket_id(record).ok()?;
        let zone = self.api.last_zone()?;
        let web = zone.web.as_deref()?;
        Some(format!(
            "{web}Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID={id}"
        ))
    }
}
