//! What every adapter fulfils.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::{Call, QuotaView};
use crate::model::{
    Catalogue, DeliveryKey, Failure, FileContent, FileReference, Marker, Note, PlatformKind,
    Priority, Record, RecordId, SideRecord, SideRecordKind, Timestamp,
};

/// One platform as one connector uses it. All methods are safe to call at once from many tasks; each keeps
/// within the connector's quotas and records what it exchanged in the [`Call`].
///
/// Failures use [`Category::Authentication`](crate::model::Category::Authentication) only when the credential as
/// such is refused, for that pauses the connector; a right missing for one feature is `configuration`.
#[async_trait]
pub trait Platform: Send + Sync + 'static {
    /// Which platform.
    fn kind(&self) -> PlatformKind;

    /// What this adapter can do with these settings; the engine asks for nothing else.
    fn capabilities(&self) -> Capabilities;

    /// What is left of the vendor's quotas, for people.
    fn quota(&self) -> Vec<QuotaView>;

    /// How long until a call of this priority makes sense.
    fn ready_in(&self, priority: Priority) -> std::time::Duration;

    /// How many transactions of this connector may be in flight at once.
    fn concurrency(&self) -> usize;

    /// The status that makes this vendor send a trigger again which can't be taken on now: 429 for one that sends
    /// again for nothing else.
    fn busy_status(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }

    /// Reads a trigger: which records changed, and how the vendor wants to be answered. Pure but for keys
    /// that the vendor publishes (ConnectWise `key_url`), which the adapter fetches from the pinned host only.
    ///
    /// # Errors
    /// [`TriggerRefusal`] when the signature is wrong or no record can be made out.
    async fn read_trigger(
        &self,
        request: &TriggerRequest,
    ) -> Result<TriggerReading, TriggerRefusal>;

    /// Checks the credential and every feature that is enabled, and names the right that is missing.
    async fn probe(&self, call: &Call) -> Probe;

    /// Reads which fields records have, with picklists and custom fields.
    async fn discover(&self, call: &Call) -> Result<Catalogue, Failure>;

    /// Reads a record with its related objects, and what the wish asks for. `None`: it is gone or hidden.
    async fn fetch(
        &self,
        call: &Call,
        id: &RecordId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure>;

    /// Whether the connector's own filter (a trigger status, a tag) wants this record made into a work order.
    ///
    /// # Errors
    /// Why not, in words for people, e.g. `status is "New", the connector waits for "Dispatch to FN"`.
    fn wants(&self, _record: &Record) -> Result<(), String> {
        Ok(())
    }

    /// Reads a file's bytes.
    async fn download(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileReference,
    ) -> Result<FileContent, Failure>;

    /// Lists records changed since a moment that match the connector's filter, oldest change first, a page at a time.
    async fn changed_since(
        &self,
        call: &Call,
        since: Timestamp,
        page: Option<String>,
    ) -> Result<Changed, Failure>;

    /// Creates a record that carries the marker.
    async fn create(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure>;

    /// Writes the given fields of a record and leaves the others as they are. `base` is the record as last read.
    async fn update(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure>;

    /// Adds a note, or tells why the settings want it left out.
    async fn add_note(&self, call: &Call, record: &RecordId, note: &Note)
    -> Result<Noted, Failure>;

    /// Attaches a file; answers its id where the vendor gives one.
    async fn attach(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure>;

    /// Writes a side record (schedule, time, charge): a new one, or the one that `existing` names. Answers its id.
    async fn put_side_record(
        &self,
        call: &Call,
        record: &RecordId,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure>;

    /// Looks for records that carry the marker, before anything is created anew. No attempt to create one is older than
    /// `intended_at`, by our clock.
    async fn find(
        &self,
        call: &Call,
        marker: &Marker,
        intended_at: Timestamp,
    ) -> Result<Found, Failure>;

    /// How changes reach us: through a subscription we make, or by the admin's hand.
    fn subscription_plan(&self, trigger_url: &str) -> SubscriptionPlan;

    /// The subscriptions that lead to this address.
    async fn subscriptions(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Vec<Subscription>, Failure>;

    /// Makes a subscription that leads to this address, or re-enables the one that does.
    async fn subscribe(&self, call: &Call, trigger_url: &str) -> Result<Subscription, Failure>;

    /// Removes a subscription.
    async fn unsubscribe(&self, call: &Call, id: &str) -> Result<(), Failure>;

    /// Where a person can open the record in a browser.
    fn record_url(&self, record: &RecordId) -> Option<String>;

    /// The record that its settings name as a template for fields and previews, by its id.
    fn template(&self) -> Option<RecordId> {
        None
    }
}

/// What an adapter can do with the settings it was given.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each asked for by its own name"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// It can create records (Outbound Create).
    pub create: bool,
    /// It can find records by their marker.
    pub find: bool,
    /// It can list what changed.
    pub changed_since: bool,
    /// It reads notes with a record.
    pub read_notes: bool,
    /// It writes notes.
    pub write_notes: bool,
    /// It reads files.
    pub read_files: bool,
    /// It writes files.
    pub write_files: bool,
    /// The side records it writes.
    pub side_records: Vec<SideRecordKind>,
    /// It makes and checks subscriptions through an API.
    pub subscriptions: bool,
}

/// What a fetch should bring along with the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Its notes.
    pub notes: bool,
    /// Its files' references.
    pub files: bool,
}

/// An incoming trigger, whole.
#[derive(Clone, Debug)]
pub struct TriggerRequest {
    /// The method.
    pub method: Method,
    /// The query parameters as decoded, without the token.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl TriggerRequest {
    /// The first value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pair = self
            .query
            .iter()
            .find(|(key, value)| key == name && !value.trim().is_empty());
        pair.map(|(_, value)| value.trim())
    }
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Headers besides the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The media type of the body.
    pub media_type: &'static str,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// A JSON answer.
    #[must_use]
    pub fn json(status: StatusCode, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            media_type: "application/json",
            body: body.to_string().into(),
        }
    }
}

/// In which form a trigger came, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryForm {
    /// The id stood in the query string.
    Query,
    /// The body was JSON.
    Json,
    /// The body was a form.
    Form,
    /// The body was SOAP or other XML.
    Xml,
    /// The body was broken and the id was read out of it all the same.
    Salvaged,
}

/// What a trigger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerReading {
    /// These records changed; the whole batch is accepted or none of it.
    Records {
        /// Their ids.
        ids: Vec<RecordId>,
        /// What tells this delivery from others, only if the vendor says so. Never a hash of the body: the
        /// same body may come for another change.
        delivery: Option<DeliveryKey>,
        /// In which form it came.
        form: DeliveryForm,
        /// How the vendor wants to be answered once it is on disk. Nothing: the ordinary 202 with a JSON body.
        answer: Option<Answer>,
    },
    /// Nothing to sync, but the vendor wants this answer (a challenge, a test call, news of the subscription).
    Answer(Answer),
    /// Nothing to sync: our own write coming back, or an object we don't carry. Answered as accepted.
    NotOurs {
        /// Why, for the log.
        why: String,
    },
}

/// Why a trigger is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TriggerRefusal {
    /// The signature is missing or wrong: 401.
    #[error("the signature does not match: {0}")]
    Signature(String),
    /// No record id can be made out: 400.
    #[error("no record id can be made out: {0}")]
    NoRecord(String),
    /// The media type is none we can read: 415.
    #[error("this media type is not understood: {0}")]
    MediaType(String),
    /// What is needed to judge it can't be had just now: [`Platform::busy_status`].
    #[error("the trigger can't be checked just now: {0}")]
    NotNow(String),
}

/// The result of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Each thing checked.
    pub checks: Vec<Check>,
}

impl Probe {
    /// Whether everything checked works.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.failure.is_none())
    }

    /// The failure that concerns the credential itself, if any.
    #[must_use]
    pub fn credential_failure(&self) -> Option<&Failure> {
        self.checks
            .iter()
            .filter(|check| check.credential)
            .find_map(|check| check.failure.as_ref())
    }
}

/// One thing a probe checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What, e.g. `read tickets`.
    pub what: String,
    /// What was found, e.g. the vendor's version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whether it is about the credential itself: its failure pauses the connector.
    #[serde(default)]
    pub credential: bool,
    /// Why it does not work, and which right is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A page of changed records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Their ids, with when they changed where the vendor says.
    pub records: Vec<(RecordId, Option<Timestamp>)>,
    /// What asks for the next page.
    pub next: Option<String>,
}

/// A record that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: RecordId,
    /// Whether it stood there already (an upsert that met it).
    pub existed: bool,
}

/// What became of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It stands there, under this id where the vendor gives one.
    Added(Option<String>),
    /// It was not written, rightly.
    Skipped {
        /// Why, for people, with the setting that decides it.
        why: String,
    },
}

impl Noted {
    /// Its id, where it stands there and the vendor gives one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Added(id) => id.as_deref(),
            Self::Skipped { .. } => None,
        }
    }
}

/// What a look-up by marker found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// These records carry it; more than one means somebody doubled it.
    Records(Vec<RecordId>),
    /// None, and that is certain.
    Absent,
    /// None yet, but the vendor's index lags: look again after this.
    NotYet(std::time::Duration),
    /// The platform can't tell.
    CannotTell,
}

/// How changes reach us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionPlan {
    /// We make the subscription through the API; this says in a sentence what it will be.
    ByApi(String),
    /// The vendor's admin does; these are the steps.
    ByHand(Vec<String>),
}

/// A subscription as the vendor has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id at the vendor.
    pub id: String,
    /// What it listens to, for people.
    pub what: String,
    /// Whether it delivers.
    pub standing: Standing,
}

/// Whether a subscription delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does.
    Alive,
    /// The vendor switched it off.
    Disabled,
}
