//! Any REST API that has an OpenAPI description.
//!
//! The admin names up to six operations of the description: how a record is read, created, changed, listed, described
//! and given a file. Everything else (where parameters go and how they are spelt, which bodies are taken, which
//! fields there are) is the description's to say, and where it is silent, the settings'. Nothing of any vendor stands
//! here; HTTP's own rules (RFC 9110, RFC 9457, RFC 6749) are all that is assumed.
//!
//! How it behaves for people, setting by setting, is in `docs/platforms/rest.md`.

mod auth;
mod binding;
mod body;
mod call;
mod catalogue;
mod envelope;
mod failure;
mod guide;
mod probe;
mod propose;
mod read;
mod settings;
mod trigger;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

pub use propose::{
    Choice, ChoiceProblem, Offer, OfferedCredential, OfferedFields, OfferedOperation,
    OfferedParameter, Proposal, Purpose,
};

use self::auth::Tokens;
use self::settings::Checked;
use super::registry::Setup;
use super::{
    Capabilities, Changed, Created, Found, Noted, Platform, Probe, Subscription, SubscriptionPlan,
    TriggerReading, TriggerRefusal, TriggerRequest, Wish,
};
use crate::config::{ConnectorConfig, Features, NamedFile, Problem};
use crate::http::{BucketSettings, Call, Client, ClientSettings, QuotaLimits, QuotaView, Redactor};
use crate::model::{
    Catalogue, Category, Clock, Failure, FileContent, FileReference, Marker, Note, PlatformKind,
    Priority, Record, RecordId, SideRecord, Timestamp,
};

/// Calls a minute unless the connector says otherwise: nothing is known of what the API bears.
const CALLS_PER_MINUTE: u32 = 120;

/// Transactions in flight at once unless the connector says otherwise.
const CONCURRENCY: usize = 4;

/// One API as one connector uses it.
pub(super) struct Rest {
    client: Client,
    settings: Checked,
    tokens: Tokens,
    features: Features,
    outbound_create: bool,
    concurrency: usize,
    clock: Arc<dyn Clock>,
}

/// Builds the adapter of a connector.
///
/// # Errors
/// All problems of its settings at once.
pub(super) fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    Rest::new(setup).map(|rest| Arc::new(rest) as Arc<dyn Platform>)
}

/// The description, where it is a file or a directory.
pub(super) fn named_files(config: &ConnectorConfig) -> Vec<NamedFile> {
    let named = settings::document_file(config);
    named.into_iter().map(NamedFile::new).collect()
}

impl Rest {
    fn new(setup: &Setup<'_>) -> Result<Self, Vec<Problem>> {
        let settings = settings::read(setup)?;
        let config = setup.config;
        let concurrency = config.limits.concurrency.unwrap_or(CONCURRENCY).max(1);
        let calls = config.limits.calls_per_minute;
        let limits = QuotaLimits {
            account: vec![BucketSettings::per_minute(
                "calls per minute",
                calls,
                CALLS_PER_MINUTE,
            )],
            connector: Vec::new(),
            at_once: concurrency,
        };
        let identity = settings.account();
        let client_settings = ClientSettings {
            timeout: Duration::from_secs(config.limits.timeout_seconds),
            ..ClientSettings::default()
        };
        let client = Client::new(
            &client_settings,
            setup.quota(identity.iter().map(String::as_str), &limits),
            Redactor::new(settings.secrets()),
        );
        let client = client.map_err(|error| {
            vec![Problem::new(
                &config.file,
                error.to_string(),
                "check the system's certificates",
            )]
        })?;
        Ok(Self {
            client,
            settings,
            tokens: Tokens::default(),
            features: config.features.clone(),
            outbound_create: config.outbound_create,
            concurrency,
            clock: Arc::clone(&setup.clock),
        })
    }

    /// Whether a record can be found by its marker.
    fn can_find(&self) -> bool {
        self.settings.marker_field.is_some() && self.settings.bindings.list.is_some()
    }
}

#[async_trait]
impl Platform for Rest {
    fn kind(&self) -> PlatformKind {
        PlatformKind::Rest
    }

    fn capabilities(&self) -> Capabilities {
        let bindings = &self.settings.bindings;
        Capabilities {
            create: bindings.create.is_some(),
            find: self.can_find(),
            changed_since: bindings.list.is_some() && self.settings.since_parameter.is_some(),
            write_files: bindings.attach.is_some(),
            ..Capabilities::default()
        }
    }

    fn quota(&self) -> Vec<QuotaView> {
        self.client.quota().view()
    }

    fn ready_in(&self, priority: Priority) -> Duration {
        self.client.quota().ready_in(priority)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    async fn read_trigger(
        &self,
        request: &TriggerRequest,
    ) -> Result<TriggerReading, TriggerRefusal> {
        trigger::read(request, &self.settings.trigger)
    }

    async fn probe(&self, call: &Call) -> Probe {
        self.probe_all(call).await
    }

    async fn discover(&self, call: &Call) -> Result<Catalogue, Failure> {
        self.read_fields(call, self.clock.now()).await
    }

    async fn fetch(&self, call: &Call, id: &RecordId, _: Wish) -> Result<Option<Record>, Failure> {
        self.read_record(call, id).await
    }

    fn wants(&self, record: &Record) -> Result<(), String> {
        let Some(condition) = &self.settings.condition else {
            return Ok(());
        };
        let field = condition.field.text();
        // What a fetch does not tell can't be held against a record.
        let Some(value) = read::text_at(&condition.field, &record.fields) else {
            return Ok(());
        };
        if condition
            .values
            .iter()
            .any(|wanted| wanted.eq_ignore_ascii_case(&value))
        {
            return Ok(());
        }
        Err(format!(
            "its {field} is {value}, and trigger_on_values wants {}",
            condition.values.join(" or ")
        ))
    }

    async fn download(
        &self,
        _: &Call,
        _: &RecordId,
        _: &FileReference,
    ) -> Result<FileContent, Failure> {
        Err(not_offered("files can't be read"))
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

    async fn add_note(&self, _: &Call, _: &RecordId, _: &Note) -> Result<Noted, Failure> {
        Err(not_offered(
            "there are no notes; map the message to a field",
        ))
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
        Err(not_offered(
            "there are no schedules, times or charges of their own; map them to fields",
        ))
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
        SubscriptionPlan::ByHand(guide::steps(trigger_url, &self.settings.trigger))
    }

    async fn subscriptions(&self, _: &Call, _: &str) -> Result<Vec<Subscription>, Failure> {
        // Nothing is known of how the API calls others; the last trigger tells whether it does.
        Ok(Vec::new())
    }

    async fn subscribe(&self, _: &Call, _: &str) -> Result<Subscription, Failure> {
        Err(by_hand())
    }

    async fn unsubscribe(&self, _: &Call, _: &str) -> Result<(), Failure> {
        Err(by_hand())
    }

    fn template(&self) -> Option<RecordId> {
        let id = self.settings.template_record.as_deref();
        id.map(RecordId::new)
    }

    fn record_url(&self, record: &RecordId) -> Option<String> {
        let id = percent_encoding::utf8_percent_encode(
            record.as_str(),
            percent_encoding::NON_ALPHANUMERIC,
        );
        let page = self.settings.record_page.as_ref()?;
        Some(page.replace("{record}", &id.to_string()))
    }
}

fn not_offered(why: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("a REST connector does not do this: {why}"),
    )
}

fn by_hand() -> Failure {
    Failure::new(
        Category::Configuration,
        "a REST API's webhooks can't be made or removed by this connector",
    )
    .hint("Follow the steps that the connector shows for its trigger.")
}
