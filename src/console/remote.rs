//! What the console needs of a running engine. The control API's client is one implementation; tests bring another.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::api::Role;
use crate::engine::{
    Bench, DescriptionRequest, ImpactRequest, ImpactUpdate, MadeConnector, MakeConnector, Overview,
    PreviewRequest, PreviewResult, Publish, RecordCase, RecordedCase, Replay, ReplayPlan, RollBack,
    SaveDraft, TransactionDetail,
};
use crate::model::{ConnectorId, MappingVersion, PayloadKind, Transaction, TransactionId};
use crate::platform::{Offer, Probe};
use crate::store::{AuditEntry, Draft, ListQuery, MappingEntry, Page, PageCursor, PersonMove};

/// Who we are to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The Unix user.
    pub user: String,
    /// What they may do.
    pub role: Role,
}

/// How the connection to the engine stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// Not yet heard from.
    Connecting,
    /// The newest overview.
    Live(Identity, Arc<Overview>),
    /// The engine does not answer; why.
    Lost(String),
}

/// Why the engine did not do what was asked, in a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// It answered, and refused or failed.
    #[error("{0}")]
    Answered(String),
    /// What the person saw is no longer so.
    #[error("{0}")]
    Stale(String),
    /// It could not be reached.
    #[error("the engine does not answer: {0}")]
    Unreachable(String),
}

/// A result of the engine.
pub type RemoteResult<T> = Result<T, RemoteError>;

/// A running engine as the console sees it.
#[async_trait]
pub trait Remote: Send + Sync + 'static {
    /// Keeps the newest overview in `feed`, reconnecting with a fresh snapshot whenever the connection is lost.
    /// Ends when nobody listens any more.
    async fn follow(&self, feed: watch::Sender<Feed>);

    /// A page of transactions.
    async fn list(&self, query: ListQuery) -> RemoteResult<Page<Transaction>>;

    /// One transaction with its journal.
    async fn transaction(&self, id: TransactionId) -> RemoteResult<TransactionDetail>;

    /// One payload.
    async fn payload(&self, id: TransactionId, kind: PayloadKind) -> RemoteResult<Option<Bytes>>;

    /// Retries, discards or restores one transaction. `command` makes it safe to resend.
    async fn command(
        &self,
        command: Uuid,
        transaction: TransactionId,
        seen: Option<u64>,
        action: PersonMove,
    ) -> RemoteResult<Transaction>;

    /// What a replay would send.
    async fn plan_replay(&self, id: TransactionId, replay: Replay) -> RemoteResult<ReplayPlan>;

    /// Runs a transaction again as a new one, with the given output if there is one; answers the new one.
    async fn replay(
        &self,
        command: Uuid,
        id: TransactionId,
        replay: Replay,
        output: Option<Map<String, Value>>,
    ) -> RemoteResult<Transaction>;

    /// What the mapping makes of a sample.
    async fn preview(&self, request: PreviewRequest) -> RemoteResult<PreviewResult>;

    /// Pauses a connector; answers how many transactions are held.
    async fn pause(&self, connector: &ConnectorId) -> RemoteResult<u64>;

    /// Resumes a connector; answers how many were released.
    async fn resume(&self, connector: &ConnectorId) -> RemoteResult<u64>;

    /// Checks a connector's credential and features.
    async fn probe(&self, connector: &ConnectorId) -> RemoteResult<Probe>;

    /// Reads both sides' fields anew.
    async fn refresh_fields(&self, connector: &ConnectorId) -> RemoteResult<()>;

    /// The address that triggers a connector.
    async fn trigger_url(&self, connector: &ConnectorId) -> RemoteResult<String>;

    /// Makes a new trigger address; answers it.
    async fn rotate_token(&self, connector: &ConnectorId) -> RemoteResult<String>;

    /// The audit trail, newest first.
    async fn audit(
        &self,
        limit: usize,
        before: Option<PageCursor>,
    ) -> RemoteResult<Page<AuditEntry>>;

    /// All that the mapping workbench starts from.
    async fn bench(&self, connector: &ConnectorId) -> RemoteResult<Bench>;

    /// Keeps a draft; stale when somebody else saved it meanwhile.
    async fn save_draft(&self, connector: &ConnectorId, draft: SaveDraft) -> RemoteResult<Draft>;

    /// Throws a draft away.
    async fn discard_draft(&self, connector: &ConnectorId) -> RemoteResult<()>;

    /// Brings a mapping in force; stale when another version is in force than the person saw.
    async fn publish(
        &self,
        connector: &ConnectorId,
        publish: Publish,
    ) -> RemoteResult<MappingEntry>;

    /// Brings an earlier version in force again; stale like [`Remote::publish`].
    async fn roll_back(
        &self,
        connector: &ConnectorId,
        roll_back: RollBack,
    ) -> RemoteResult<MappingEntry>;

    /// The versions that were in force, newest first.
    async fn mapping_history(&self, connector: &ConnectorId) -> RemoteResult<Vec<MappingEntry>>;

    /// The text of a version.
    async fn mapping_text(&self, version: &MappingVersion) -> RemoteResult<String>;

    /// Begins to work out what a mapping would change; dropping the receiver ends it.
    async fn impact(
        &self,
        request: ImpactRequest,
    ) -> RemoteResult<mpsc::Receiver<RemoteResult<ImpactUpdate>>>;

    /// Writes a transaction as a regression case beside its mapping.
    async fn record_case(&self, record: RecordCase) -> RemoteResult<RecordedCase>;

    /// What an API's description offers.
    async fn describe(&self, request: DescriptionRequest) -> RemoteResult<Offer>;

    /// What a connector of a choice would be; or makes it.
    async fn make_connector(&self, make: MakeConnector) -> RemoteResult<MadeConnector>;
}
