//! ServiceNow, by its Table and Attachment APIs.
//!
//! What is known of the vendor (addresses, rights, refusals, shapes of answers) stands here and nowhere else.
//! Nothing here queues, retries or maps: a call is made, and what came of it is told. The vendor swallows much without a
//! word (unknown fields, wrong values, parts of queries); whatever it would swallow is found here before or after.
//!
//! How it behaves for people, setting by setting, is in `docs/platforms/servicenow.md`.

mod api;
mod body;
mod columns;
mod credential;
mod discover;
mod failure;
mod files;
mod filter;
mod guide;
mod journal;
mod names;
mod probe;
mod query;
mod read;
mod record;
mod session;
mod settings;
mod side;
mod sys_id;
mod trigger;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use self::api::Api;
use self::credential::Credential;
use self::session::Session;
use self::settings::Checked;
use self::sys_id::SysId;
use self::trigger::{Named, Told};
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

/// Transactions in flight at once unless the connector says otherwise.
const CONCURRENCY: usize = 4;

/// A trigger that names its record by number waits so long for the look-up: its script may hold up a person's save.
const LOOK_UP_PATIENCE: Duration = Duration::from_secs(2);

/// One table of one instance as one connector uses it.
pub(super) struct ServiceNow {
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
    ServiceNow::new(setup).map(|platform| Arc::new(platform) as Arc<dyn Platform>)
}

impl ServiceNow {
    fn new(setup: &Setup<'_>) -> Result<Self, Vec<Problem>> {
        let (settings, credential) = settings::read(setup)?;
        let config = setup.config;
        let concurrency = config.limits.concurrency.unwrap_or(CONCURRENCY).max(1);
        // The vendor's limits are rules of each instance and are told only where one matches.
        let limits = QuotaLimits {
            account: Vec::new(),
            connector: BucketSettings::share(config.limits.calls_per_minute),
            at_once: concurrency,
        };
        let client_settings = ClientSettings {
            timeout: Duration::from_secs(config.limits.timeout_seconds),
            ..ClientSettings::default()
        };
        let redactor = Redactor::new(hidden(&settings.user, &credential));
        let quota = setup.quota(credential.identity(&settings.root, &settings.user), &limits);
        let client = Client::new(&client_settings, quota, redactor).map_err(|error| {
            vec![Problem::new(
                &config.file,
                error.to_string(),
                "check the system's certificates",
            )]
        })?;
        Ok(Self {
            api: Api::new(
                client,
                settings.root.clone(),
                settings.user.clone(),
                credential,
                Arc::clone(&setup.clock),
            ),
            features: config.features.clone(),
            outbound_create: config.outbound_create,
            concurrency,
            session: Session::default(),
            settings,
        })
    }

    /// Looks up the records that a trigger names by number.
    async fn canonical(&self, named: Vec<Named>) -> Result<Vec<SysId>, TriggerRefusal> {
        let call = Call::new(Priority::Live);
        let mut ids: Vec<SysId> = Vec::new();
        for one in named {
            let id = match one {
                Named::Id(id) => id,
                Named::Number(number) => match self.resolve(&call, &number).await {
                    Ok(Some(id)) => id,
                    Ok(None) => {
                        return Err(TriggerRefusal::NoRecord(format!(
                            "{} has no record {number} that the connector's user can see; send the sys_id",
                            self.settings.table
                        )));
                    }
                    Err(failure) => return Err(TriggerRefusal::NotNow(failure.cause)),
                },
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}

/// Every form in which the credential travels.
fn hidden(user: &str, credential: &Credential) -> Vec<String> {
    let mut hidden: Vec<String> = credential
        .secrets()
        .into_iter()
        .map(|secret| secret.expose_secret().to_owned())
        .collect();
    if let Credential::Basic { password } = credential {
        let header = api::basic(user, password);
        let encoded = header.expose_secret().trim_start_matches("Basic ");
        hidden.push(encoded.to_owned());
    }
    hidden
}

#[async_trait]
impl Platform for ServiceNow {
    fn kind(&self) -> PlatformKind {
        PlatformKind::ServiceNow
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
            side_records: self.side_kinds(),
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
        match trigger::read(request, secret, &self.settings.table)? {
            Told::OtherTable(other) => Ok(TriggerReading::NotOurs {
                why: format!(
                    "it is about {other}, the connector carries {}",
                    self.settings.table
                ),
            }),
            Told::Records(named, form) => {
                let ids = tokio::time::timeout(LOOK_UP_PATIENCE, self.canonical(named)).await;
                let ids = ids.map_err(|_| {
                    TriggerRefusal::NotNow(
                        "the record's number could not be looked up in time; send the sys_id"
                            .to_owned(),
                    )
                })??;
                Ok(trigger::records(&ids, form))
            }
        }
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
        self.read_record(call, &SysId::of(id)?, wish).await
    }

    fn wants(&self, record: &Record) -> Result<(), String> {
        self.settings.conditions.judge(&record.fields)
    }

    async fn download(
        &self,
        call: &Call,
        _record: &RecordId,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        self.read_file(call, file).await
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
        self.write_note(call, &SysId::of(record)?, note).await?;
        // It gives journal entries no id in its answer.
        Ok(Noted::Added(None))
    }

    async fn attach(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        self.attach_file(call, &SysId::of(record)?, file).await
    }

    async fn put_side_record(
        &self,
        call: &Call,
        record: &RecordId,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        self.put_side(call, &SysId::of(record)?, side, existing)
            .await
    }

    async fn find(&self, call: &Call, marker: &Marker, _: Timestamp) -> Result<Found, Failure> {
        self.find_marked(call, marker).await
    }

    fn subscription_plan(&self, trigger_url: &str) -> SubscriptionPlan {
        SubscriptionPlan::ByHand(guide::steps(trigger_url, &self.settings))
    }

    async fn subscriptions(&self, _: &Call, _: &str) -> Result<Vec<Subscription>, Failure> {
        // Business rules are the customer's own scripts; the last trigger tells whether one works.
        Ok(Vec::new())
    }

    async fn subscribe(&self, _: &Call, _: &str) -> Result<Subscription, Failure> {
        Err(by_hand())
    }

    async fn unsubscribe(&self, _: &Call, _: &str) -> Result<(), Failure> {
        Err(by_hand())
    }

    /// Only where the setting is a `sys_id`: a number has to be looked up first.
    fn template(&self) -> Option<RecordId> {
        let id = RecordId::new(self.settings.template.as_deref()?);
        SysId::of(&id).is_ok().then_some(id)
    }

    fn record_url(&self, record: &RecordId) -> Option<String> {
        let id = SysId::of(record).ok()?;
        Some(format!(
            "{}/{}.do?sys_id={id}",
            self.settings.portal, self.settings.table
        ))
    }
}

fn by_hand() -> Failure {
    Failure::new(
        Category::Configuration,
        "ServiceNow's business rules are made by its admin, not through the API",
    )
    .hint("Follow the steps that the connector shows for its trigger.")
}
