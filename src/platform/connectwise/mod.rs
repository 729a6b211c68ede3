//! `ConnectWise` Manage (PSA): service tickets, their notes, documents, schedule entries and charges, and callbacks.
//!
//! Everything here follows the vendor's rules as `docs/platforms/connectwise.md` tells them to people. Nothing of
//! queues, retries or Field Nation's shapes may enter.

mod address;
mod callbacks;
mod changes;
mod custom;
mod discover;
mod documents;
mod error;
mod notes;
mod probe;
#[cfg(test)]
mod samples;
mod save;
mod schema;
mod session;
mod settings;
mod side;
mod signature;
mod tables;
mod ticket;
mod trigger;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use self::notes::Place;
use self::session::Session;
use self::settings::{
    CallbackPlan, Charges, Defaults, NoteMails, OwnCallbacks, Related, ScheduleReading, Settings,
};
use self::signature::{Keys, Verdict};
use self::tables::Tables;
use super::registry::Setup;
use super::{
    Answer, Capabilities, Changed, Created, Found, Noted, Platform, Probe, Subscription,
    SubscriptionPlan, TriggerReading, TriggerRefusal, TriggerRequest, Wish,
};
use crate::config::{Features, Problem};
use crate::http::{BucketSettings, Call, Client, ClientSettings, QuotaLimits, QuotaView, Redactor};
use crate::model::{
    Catalogue, Clock, ConnectorId, Failure, FileContent, FileReference, Marker, Note, PlatformKind,
    Priority, Record, RecordId, SideRecord, SideRecordKind, Timestamp,
};

/// Calls a minute that the vendor lets through; more "is likely to be limited".
const CALLS_PER_MINUTE: u32 = 1000;

/// Transactions, and calls, in flight at once unless the connector says otherwise.
const CONCURRENCY: usize = 8;

/// The adapter of one connector.
struct ConnectWise {
    connector: ConnectorId,
    session: Session,
    tables: Tables,
    keys: Keys,
    clock: Arc<dyn Clock>,
    features: Features,
    outbound_create: bool,
    concurrency: usize,
    template_ticket: Option<u64>,
    trigger_on_status: Option<String>,
    related: Vec<Related>,
    read_schedule: ScheduleReading,
    side_records: Vec<SideRecordKind>,
    charges: Charges,
    defaults: Defaults,
    own_callbacks: OwnCallbacks,
    note_mails: NoteMails,
    callback: CallbackPlan,
    changed_field: changes::ChangedField,
}

/// Builds the adapter of a connector.
///
/// # Errors
/// All problems of its settings at once.
pub(super) fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    ConnectWise::new(setup).map(|adapter| Arc::new(adapter) as Arc<dyn Platform>)
}

impl ConnectWise {
    fn new(setup: &Setup<'_>) -> Result<Self, Vec<Problem>> {
        let config = setup.config;
        let settings = Settings::read(config, setup.secrets)?;
        let concurrency = config.limits.concurrency.unwrap_or(CONCURRENCY).max(1);
        let calls = config.limits.calls_per_minute;
        let limits = QuotaLimits {
            account: vec![BucketSettings::per_minute(
                "per minute",
                calls,
                CALLS_PER_MINUTE,
            )],
            connector: Vec::new(),
            at_once: concurrency,
        };
        let client_settings = ClientSettings {
            timeout: Duration::from_secs(config.limits.timeout_seconds.max(1)),
            ..ClientSettings::default()
        };
        let credential = &settings.credential;
        let site = settings.address.company_info(&credential.company);
        let quota = setup.quota([&*site, credential.public_key.expose_secret()], &limits);
        let client = Client::new(&client_settings, quota, Redactor::default())
            .map_err(|error| vec![Problem::new(&config.file, error.to_string(), "")])?;
        let session = Session::new(
            &client,
            settings.address,
            &settings.credential,
            settings.api_version.as_deref(),
            settings.member,
        );
        Ok(Self {
            connector: config.id.clone(),
            session,
            tables: Tables::new(Arc::clone(&setup.clock)),
            keys: Keys::new(Arc::clone(&setup.clock)),
            clock: Arc::clone(&setup.clock),
            features: config.features.clone(),
            outbound_create: config.outbound_create,
            concurrency,
            template_ticket: settings.template_ticket,
            trigger_on_status: settings.trigger_on_status,
            related: settings.related,
            read_schedule: settings.read_schedule,
            side_records: settings.side_records,
            charges: settings.charges,
            defaults: settings.defaults,
            own_callbacks: settings.own_callbacks,
            note_mails: settings.note_mails,
            callback: settings.callback,
            changed_field: changes::ChangedField::default(),
        })
    }

    /// Checks the signature of a trigger, where there is one or must be one.
    async fn check_signature(
        &self,
        request: &TriggerRequest,
        key_url: Option<&str>,
    ) -> Result<(), TriggerRefusal> {
        let required = self.callback.signature_required;
        let header = request
            .headers
            .get(signature::HEADER)
            .and_then(|value| value.to_str().ok());
        match (header, key_url) {
            (Some(header), Some(key_url)) => {
                let verdict = self
                    .keys
                    .check(&self.session, key_url, header, &request.body)
                    .await;
                verdict.judged(required)
            }
            _ if required => Err(TriggerRefusal::Signature(format!(
                "this connector takes signed callbacks only, and {} is missing",
                if header.is_none() {
                    signature::HEADER
                } else {
                    "Metadata.key_url"
                }
            ))),
            (Some(_), None) => {
                Verdict::Unknown("the callback does not say where its key is".to_owned())
                    .judged(required)
            }
            (None, _) => Ok(()),
        }
    }
}

#[async_trait]
impl Platform for ConnectWise {
    fn kind(&self) -> PlatformKind {
        PlatformKind::ConnectWise
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: true,
            find: true,
            changed_since: true,
            read_notes: true,
            write_notes: true,
            read_files: true,
            write_files: true,
            side_records: self.side_records.clone(),
            subscriptions: true,
        }
    }

    fn quota(&self) -> Vec<QuotaView> {
        self.session.client().quota().view()
    }

    fn ready_in(&self, priority: Priority) -> Duration {
        self.session.client().quota().ready_in(priority)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The only ones that this vendor sends again for are 404, 409, 419 and 429.
    fn busy_status(&self) -> StatusCode {
        StatusCode::TOO_MANY_REQUESTS
    }

    async fn read_trigger(
        &self,
        request: &TriggerRequest,
    ) -> Result<TriggerReading, TriggerRefusal> {
        let callback = match trigger::read(request)? {
            trigger::Reading::Ticket(callback) => callback,
            trigger::Reading::Other(why) => return Ok(TriggerReading::NotOurs { why }),
        };
        self.check_signature(request, callback.key_url.as_deref())
            .await?;
        Ok(TriggerReading::Records {
            ids: vec![callback.ticket],
            delivery: callback.delivery,
            form: callback.form,
            answer: Some(Answer::json(StatusCode::OK, &json!({"status": "accepted"}))),
        })
    }

    async fn probe(&self, call: &Call) -> Probe {
        self.run_probe(call).await
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
        self.read_ticket(call, id, wish).await
    }

    fn wants(&self, record: &Record) -> Result<(), String> {
        self.filter(record)
    }

    async fn download(
        &self,
        call: &Call,
        _record: &RecordId,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        documents::download(&self.session, call, file).await
    }

    async fn changed_since(
        &self,
        call: &Call,
        since: Timestamp,
        page: Option<String>,
    ) -> Result<Changed, Failure> {
        self.read_changes(call, since, page.as_deref()).await
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
        let ticket = ticket::number(record)?;
        let place = Place::of(note.visibility);
        notes::add(
            &self.session,
            call,
            ticket,
            place,
            &note.text,
            self.note_mails,
        )
        .await
        .map(|id| Noted::Added(Some(id)))
    }

    async fn attach(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        documents::attach(&self.session, call, ticket::number(record)?, file)
            .await
            .map(Some)
    }

    async fn put_side_record(
        &self,
        call: &Call,
        record: &RecordId,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        self.write_side_record(call, ticket::number(record)?, side, existing)
            .await
    }

    async fn find(&self, call: &Call, marker: &Marker, _: Timestamp) -> Result<Found, Failure> {
        self.find_marked(call, marker).await
    }

    fn subscription_plan(&self, _trigger_url: &str) -> SubscriptionPlan {
        self.callback_plan()
    }

    async fn subscriptions(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Vec<Subscription>, Failure> {
        self.callbacks(call, trigger_url).await
    }

    async fn subscribe(&self, call: &Call, trigger_url: &str) -> Result<Subscription, Failure> {
        self.register_callback(call, trigger_url).await
    }

    async fn unsubscribe(&self, call: &Call, id: &str) -> Result<(), Failure> {
        self.remove_callback(call, id).await
    }

    fn template(&self) -> Option<RecordId> {
        self.template_ticket.map(|id| RecordId::new(id.to_string()))
    }

    fn record_url(&self, record: &RecordId) -> Option<String> {
        ticket::number(record).ok()?;
        Some(
            self.session
                .address()
                .ticket_page(self.session.company(), record),
        )
    }
}
