//! The durable state, in the engine's verbs.
//!
//! [`Store`] is what the engine needs and nothing more; every verb is atomic, and when it answers
//! its effect is on disk. Nothing outside `store/redb/` may know redb: there will be a second
//! implementation on a shared database, used by several engines at once, so nothing here relies on
//! there being one process. Ids are made by the caller; a claim is a lease with an owner and an end.

mod error;
mod query;
pub mod redb;
mod verbs;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::model::{
    Catalogue, ConnectorId, Direction, JournalEntry, MappingVersion, PayloadKind, RecordId,
    Timestamp, Transaction, TransactionId, WorkOrderId,
};

pub use error::StoreError;
pub use query::{
    AuditEntry, Counts, CountsOf, FailureGroup, GroupQuery, ListOrder, ListQuery, Page, PageCursor,
};
pub use verbs::{
    Acceptance, Accepted, ClaimRequest, ConnectorStatus, Correlation, Draft, Hold, LeaseToken,
    MappingEntry, NewDraft, NewTransaction, Outcome, PersonCommand, PersonMove, StepRecord,
    TriggerToken, Watermark,
};

/// The result of a verb.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What the engine needs of its durable state.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // ---- acceptance -------------------------------------------------------------------------

    /// Commits a trigger or event: a transaction for each of its records, or joins the one that is
    /// already waiting. Answers after the commit.
    ///
    /// A delivery key seen before makes the whole acceptance a [`Accepted::Duplicate`]; nothing is written.
    async fn accept(&self, acceptance: Acceptance) -> Result<Accepted>;

    // ---- work -------------------------------------------------------------------------------

    /// Leases what is due, at most as many per connector as asked for, live before background and older
    /// before younger; never two of one lane at a time. Begins an attempt of each.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Transaction>>;

    /// When the next transaction falls due that no claim would return now, of the named connectors.
    async fn next_due(
        &self,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<Option<Timestamp>>;

    /// Journals steps of a leased transaction, with the payloads they made and how far it has come.
    async fn record(&self, token: &LeaseToken, step: StepRecord) -> Result<()>;

    /// Ends a lease: done, skipped, retry at, postponed, dead or held. Sets the next of the lane free.
    async fn conclude(&self, token: &LeaseToken, outcome: Outcome, last: StepRecord) -> Result<()>;

    /// Prolongs a lease.
    async fn renew(&self, token: &LeaseToken, until: Timestamp) -> Result<()>;

    /// Gives back to the queue what is leased and has lapsed; answers how many. What they had journaled stays.
    async fn reclaim(&self, now: Timestamp) -> Result<u64>;

    // ---- correlations -----------------------------------------------------------------------

    /// Writes a correlation (new or changed) and merges the lanes of its two sides.
    async fn link(&self, correlation: Correlation) -> Result<()>;

    /// The correlation of a record.
    async fn correlation(
        &self,
        connector: &ConnectorId,
        record: &RecordId,
    ) -> Result<Option<Correlation>>;

    /// All correlations of a work order, at most one a connector.
    async fn correlations_of(&self, work_order: WorkOrderId) -> Result<Vec<Correlation>>;

    // ---- connectors -------------------------------------------------------------------------

    /// What is kept about a connector; the default for one never seen.
    async fn connector_status(&self, connector: &ConnectorId) -> Result<ConnectorStatus>;

    /// Pauses a connector and holds its waiting transactions; answers how many.
    async fn pause(&self, connector: &ConnectorId, hold: Hold) -> Result<u64>;

    /// Resumes a connector and releases its held transactions; answers how many.
    async fn resume(&self, connector: &ConnectorId, at: Timestamp) -> Result<u64>;

    /// Notes how far a connector's changes have been seen.
    async fn set_watermark(&self, connector: &ConnectorId, watermark: Watermark) -> Result<()>;

    /// Replaces what makes a connector's trigger address valid; the old one is refused from then on.
    async fn set_trigger_token(&self, connector: &ConnectorId, token: TriggerToken) -> Result<()>;

    /// Keeps a field catalogue.
    async fn put_catalogue(
        &self,
        connector: &ConnectorId,
        direction: Direction,
        catalogue: Catalogue,
    ) -> Result<()>;

    /// The field catalogue of a connector's target in a direction: Field Nation's for inbound, the platform's for outbound.
    /// Every transaction asks for it, so it is shared and read from disk once.
    async fn catalogue(
        &self,
        connector: &ConnectorId,
        direction: Direction,
    ) -> Result<Option<Arc<Catalogue>>>;

    /// Keeps the text of a mapping version, once and for ever.
    async fn put_mapping(&self, version: &MappingVersion, text: Bytes) -> Result<()>;

    /// The text of a mapping version.
    async fn mapping(&self, version: &MappingVersion) -> Result<Option<Bytes>>;

    /// Notes that a mapping version came in force. Does nothing when it is in force already.
    async fn mapping_in_force(&self, connector: &ConnectorId, entry: MappingEntry) -> Result<()>;

    /// The mapping versions that were in force, newest first; the latest two hundred are kept.
    async fn mapping_history(&self, connector: &ConnectorId) -> Result<Vec<MappingEntry>>;

    /// Keeps a connector's draft; answers it with its new revision.
    ///
    /// # Errors
    /// [`StoreError::StaleDraft`] when there is another revision than the person saw.
    async fn save_draft(&self, connector: &ConnectorId, draft: NewDraft) -> Result<Draft>;

    /// A connector's draft.
    async fn draft(&self, connector: &ConnectorId) -> Result<Option<Draft>>;

    /// Forgets a connector's draft; answers whether there was one.
    async fn drop_draft(&self, connector: &ConnectorId) -> Result<bool>;

    // ---- people -----------------------------------------------------------------------------

    /// Carries out a person's command on one transaction and writes the audit trail. A command id seen
    /// before answers as it did then and changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the person saw another revision than there is now.
    async fn command(&self, command: PersonCommand) -> Result<Transaction>;

    /// Writes a line of the audit trail that concerns no single transaction.
    async fn audit(&self, entry: AuditEntry) -> Result<()>;

    /// The audit trail, newest first.
    async fn audit_trail(
        &self,
        limit: usize,
        before: Option<PageCursor>,
    ) -> Result<Page<AuditEntry>>;

    // ---- reading ----------------------------------------------------------------------------

    /// One transaction.
    async fn transaction(&self, id: TransactionId) -> Result<Option<Transaction>>;

    /// The journal of one transaction, in order.
    async fn journal(&self, id: TransactionId) -> Result<Vec<JournalEntry>>;

    /// One payload of a transaction.
    async fn payload(&self, id: TransactionId, kind: PayloadKind) -> Result<Option<Bytes>>;

    /// A page of transactions. Costs the size of the page.
    async fn list(&self, query: ListQuery) -> Result<Page<Transaction>>;

    /// What is dead, grouped by fingerprint; most first.
    async fn failure_groups(&self, query: GroupQuery) -> Result<Vec<FailureGroup>>;

    /// How many transactions stand where. Kept, not counted.
    async fn counts(&self) -> Result<Counts>;

    // ---- secrets ----------------------------------------------------------------------------

    /// Keeps a sealed secret; `None` removes it. The store never sees the plain text.
    async fn put_secret(&self, name: &str, sealed: Option<Bytes>) -> Result<()>;

    /// A sealed secret.
    async fn secret(&self, name: &str) -> Result<Option<Bytes>>;

    /// The names of the secrets kept.
    async fn secret_names(&self) -> Result<Vec<String>>;

    // ---- housekeeping -----------------------------------------------------------------------

    /// Forgets what is over (done, skipped, discarded) and older than this, with its journal and payloads,
    /// and delivery keys as old; a bounded number at a time. Answers how many; call again while it is not 0.
    async fn forget_before(&self, moment: Timestamp) -> Result<u64>;
}

/// A store, shared.
pub type SharedStore = Arc<dyn Store>;
