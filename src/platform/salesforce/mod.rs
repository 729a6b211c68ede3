//! Salesforce Service Cloud, by its REST API.
//!
//! What is known of the vendor (hosts, grants, refusals, shapes of answers) stands here and nowhere else. Nothing here
//! queues, retries or maps: a call is made, and what came of it is told.
//!
//! How it behaves for people, setting by setting, is in `docs/platforms/salesforce.md`.

mod ask;
mod body;
mod catalogue;
mod describe;
mod failure;
mod files;
mod filter;
mod guide;
mod host;
mod ids;
mod key;
mod login;
mod messages;
mod probe;
mod read;
mod session;
mod settings;
mod side;
mod soap;
mod soql;
mod trigger;
mod write;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use self::catalogue::ParentField;
use self::session::{Freshness, Parts, Session};
use self::settings::{Checked, Grant};
use super::registry::Setup;
use super::{
    Capabilities, Changed, Created, Found, Noted, Platform, Probe, Subscription, SubscriptionPlan,
    TriggerReading, TriggerRefusal, TriggerRequest, Wish,
};
use crate::config::{Features, Problem};
use crate::http::{BucketSettings, Call, Cap, Client, ClientSettings, QuotaLimits, QuotaView};
use crate::model::{
    Catalogue, Category, Failure, FileContent, FileReference, Marker, Note, PlatformKind, Priority,
    Record, RecordId, SideRecord, Timestamp,
};

/// Until the first answer tells the org's limit, more than any org has, so that the count told is taken as it is.
const CALLS_BEFORE_THE_FIRST_ANSWER: u32 = 10_000_000;

/// Transactions in flight at once unless the connector says otherwise.
const CONCURRENCY: usize = 10;

/// One Salesforce org as one connector uses it.
pub(super) struct Salesforce {
    session: Session,
    settings: Checked,
    features: Features,
    outbound_create: bool,
    /// Whether the admin chose the parents' fields: then each of them must be there.
    parents_are_set: bool,
    concurrency: usize,
}

/// Builds the adapter of a connector.
///
/// # Errors
/// All problems of its settings at once.
pub(super) fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    Salesforce::new(setup).map(|salesforce| Arc::new(salesforce) as Arc<dyn Platform>)
}

impl Salesforce {
    fn new(setup: &Setup<'_>) -> Result<Self, Vec<Problem>> {
        let settings = settings::read(setup)?;
        let config = setup.config;
        let concurrency = config.limits.concurrency.unwrap_or(CONCURRENCY).max(1);
        // The first follows what the org's answers say; the second keeps this connector's share of it.
        let limits = QuotaLimits {
            account: vec![BucketSettings {
                name: "organization, per 24 hours".to_owned(),
                calls: CALLS_BEFORE_THE_FIRST_ANSWER,
                period: Duration::from_secs(86_400),
                cap: Cap::Assumed,
            }],
            connector: BucketSettings::share(config.limits.calls_per_minute),
            at_once: concurrency,
        };
        let client_settings = ClientSettings {
            timeout: Duration::from_secs(config.limits.timeout_seconds),
            ..ClientSettings::default()
        };
        // The vendor counts for the org, whoever signs in.
        let quota = setup.quota([&*settings.portal], &limits);
        let client = Client::new(&client_settings, quota, crate::http::Redactor::default())
            .map_err(|error| {
                vec![Problem::new(
                    &config.file,
                    error.to_string(),
                    "check the system's certificates",
                )]
            })?;
        Ok(Self {
            session: Session::new(Parts {
                client,
                door: settings.door.clone(),
                secrets: secrets(&settings.grant),
                grant: settings.grant.clone(),
                version: settings.version.clone(),
                reserve: settings.reserve,
                clock: Arc::clone(&setup.clock),
            }),
            features: config.features.clone(),
            outbound_create: config.outbound_create,
            parents_are_set: settings.parents_are_set,
            concurrency,
            settings,
        })
    }

    async fn catalogue(&self, call: &Call) -> Result<Catalogue, Failure> {
        let object = self
            .session
            .describe(call, &self.settings.object, Freshness::Now)
            .await?;
        let known = self.parents(call, &object, Freshness::Now).await?.known;
        let mut described = Vec::new();
        for path in &known {
            let relation = path
                .split_once('.')
                .and_then(|(relation, _)| object.relation(relation));
            let one = relation.filter(|field| field.refers_to.len() == 1);
            let parent = match one.and_then(|field| field.refers_to.first()) {
                Some(name) => Some(self.session.describe(call, name, Freshness::Fresh).await?),
                None => None,
            };
            described.push((path, parent));
        }
        let parents: Vec<ParentField<'_>> = described
            .iter()
            .map(|(path, parent)| ParentField {
                path,
                field: path
                    .split_once('.')
                    .and_then(|(_, name)| parent.as_ref()?.field(name)),
            })
            .collect();
        let mut sides = Vec::new();
        for side in &self.settings.sides {
            let describe = self
                .session
                .describe(call, &side.object, Freshness::Now)
                .await?;
            sides.push((side::setting(side.kind), describe));
        }
        let sides: Vec<_> = sides
            .iter()
            .map(|(name, describe)| (*name, describe.as_ref()))
            .collect();
        Ok(catalogue::of(&object, &parents, &sides, self.session.now()))
    }
}

/// What must never be shown.
fn secrets(grant: &Grant) -> Vec<String> {
    let secrets: Vec<&SecretString> = match grant {
        Grant::JwtBearer { client_id, .. } => vec![client_id],
        Grant::ClientCredentials {
            client_id,
            client_secret,
        } => vec![client_id, client_secret],
        Grant::RefreshToken {
            client_id,
            client_secret,
            refresh_token,
        } => [client_id, refresh_token.configured()]
            .into_iter()
            .chain(client_secret)
            .collect(),
        Grant::Password {
            client_id,
            client_secret,
            password,
            ..
        } => vec![client_id, client_secret, password],
        Grant::SoapLogin { password, .. } => vec![password],
    };
    secrets
        .into_iter()
        .map(|secret| secret.expose_secret().to_owned())
        .collect()
}

#[async_trait]
impl Platform for Salesforce {
    fn kind(&self) -> PlatformKind {
        PlatformKind::Salesforce
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: true,
            find: self.settings.external_id.is_some(),
            changed_since: true,
            read_notes: true,
            write_notes: true,
            read_files: true,
            write_files: true,
            side_records: self.settings.sides.iter().map(|side| side.kind).collect(),
            subscriptions: false,
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

    async fn read_trigger(
        &self,
        request: &TriggerRequest,
    ) -> Result<TriggerReading, TriggerRefusal> {
        self.trigger(request).await
    }

    async fn probe(&self, call: &Call) -> Probe {
        self.probe_all(call).await
    }

    async fn discover(&self, call: &Call) -> Result<Catalogue, Failure> {
        self.catalogue(call).await
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
        let key = ids::checked(record)?;
        self.write_message(call, &key, &note.text, note.visibility)
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
        self.put_side(call, record, side, existing).await
    }

    async fn find(&self, call: &Call, marker: &Marker, _: Timestamp) -> Result<Found, Failure> {
        self.find_marked(call, marker).await
    }

    fn subscription_plan(&self, trigger_url: &str) -> SubscriptionPlan {
        let settings = &self.settings;
        SubscriptionPlan::ByHand(guide::steps(
            trigger_url,
            &settings.object,
            &settings.conditions,
            &settings.messages.object,
        ))
    }

    async fn subscriptions(&self, _: &Call, _: &str) -> Result<Vec<Subscription>, Failure> {
        // Outbound messages are metadata, which an integration user has no business with; the last trigger tells
        // whether one works.
        Ok(Vec::new())
    }

    async fn subscribe(&self, _: &Call, _: &str) -> Result<Subscription, Failure> {
        Err(by_hand())
    }

    async fn unsubscribe(&self, _: &Call, _: &str) -> Result<(), Failure> {
        Err(by_hand())
    }

    fn record_url(&self, record: &RecordId) -> Option<String> {
        let key = ids::long(record.as_str())?;
        let settings = &self.settings;
        Some(format!(
            "{}/lightning/r/{}/{key}/view",
            settings.portal, settings.object
        ))
    }
}

fn by_hand() -> Failure {
    Failure::new(
        Category::Configuration,
        "Salesforce's outbound messages are made in Setup, not through this API",
    )
    .hint("Follow the steps that the connector shows for its trigger.")
}
