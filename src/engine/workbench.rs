//! What the mapping workbench asks of the engine: drafts, publishing, versions, impact and regression cases.

use std::path::PathBuf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::control::{ControlError, MappingDraft};
use crate::mapping::Problem;
use crate::model::{Catalogue, ConnectorId, Direction, MappingVersion, RecordId, TransactionId};
use crate::store::{Draft, MappingEntry};

/// How many stored transactions an impact looks at unless it is told.
pub const USUAL_IMPACT: usize = 500;

/// All that the workbench starts from, of one connector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    /// The connector.
    pub connector: ConnectorId,
    /// Where its mapping file stands.
    pub file: PathBuf,
    /// The text of that file now, in force or not.
    pub text: String,
    /// The version in force.
    pub version: MappingVersion,
    /// Since when it is in force, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<MappingEntry>,
    /// The record that its settings name as a template, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<RecordId>,
    /// What somebody is editing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
    /// Field Nation's fields: the target inbound, the source outbound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_nation: Option<Catalogue>,
    /// The platform's fields: the source inbound, the target outbound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Catalogue>,
}

/// Keeps a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveDraft {
    /// The whole mapping file as it is to be.
    pub text: String,
    /// The version it was begun from.
    pub base: MappingVersion,
    /// The revision of the draft that the person saw; `None` when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// Brings a text in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// The whole mapping file as it is to be.
    pub text: String,
    /// The version that the person saw in force: another one by now is not overwritten.
    pub base: MappingVersion,
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Brings an earlier version in force again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollBack {
    /// Which.
    pub to: MappingVersion,
    /// The version that the person saw in force.
    pub seen: MappingVersion,
}

/// Asks what a mapping would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpactRequest {
    /// Whose transactions.
    pub connector: ConnectorId,
    /// The mapping that is compared with the one in force.
    pub mapping: MappingDraft,
    /// How many of the latest transactions.
    pub last: usize,
    /// Only those of this direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

/// What comes while an impact is worked out. The last one is `Done` or `Failed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImpactUpdate {
    /// So many are looked at.
    Progress {
        /// Looked at so far.
        looked_at: usize,
        /// Of so many.
        of: usize,
    },
    /// The result.
    Done(Box<Impact>),
    /// Why there is none.
    Failed(ControlError),
}

/// What a mapping would change of what was stored, against the one in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// Transactions mapped by both.
    pub looked_at: usize,
    /// Transactions without a stored source: they never got that far, or it was not kept.
    pub without_source: usize,
    /// The same by both.
    pub unchanged: usize,
    /// Mapped by both, with a difference.
    pub changed: usize,
    /// Failing now, mapped then.
    pub fixed: usize,
    /// Mapped now, failing then.
    pub broken: usize,
    /// Failing by both.
    pub still_failing: usize,
    /// What changes, by field: what breaks first, then the most frequent.
    pub fields: Vec<FieldImpact>,
    /// The dead that would map: what to retry after publishing, newest first.
    pub to_retry: Vec<TransactionId>,
}

/// How one field changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldImpact {
    /// Which rules.
    pub direction: Direction,
    /// The target path; empty when a failure concerns no single one.
    pub target: String,
    /// How.
    pub change: ChangeKind,
    /// In how many transactions.
    pub count: usize,
    /// Some of them, newest first.
    pub examples: Vec<ImpactExample>,
}

/// The kinds of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It would fail.
    NowFailing,
    /// It would get no value any more.
    NowEmpty,
    /// It would get another value, or one where it had none.
    NewValue,
    /// It would no longer fail.
    NowFixed,
}

impl ChangeKind {
    /// The words for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NowFailing => "now failing",
            Self::NowEmpty => "now empty",
            Self::NewValue => "new value",
            Self::NowFixed => "now fixed",
        }
    }
}

/// One transaction in which a field changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImpactExample {
    /// Which.
    pub transaction: TransactionId,
    /// What it is about, e.g. `ticket 48213: AP down`.
    pub label: String,
    /// What the mapping in force makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What the other would make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Why it fails, or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Records a transaction as a regression case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCase {
    /// Which.
    pub transaction: TransactionId,
    /// The case's name; made of the record's if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A regression case as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCase {
    /// Its file.
    pub file: PathBuf,
    /// The paths whose values were masked.
    pub masked: Vec<String>,
    /// The output it expects.
    pub output: Map<String, Value>,
    /// The failures it expects.
    pub problems: Vec<String>,
}

/// The workbench's part of the engine. Every method may be called at once from many tasks.
#[async_trait]
pub trait Workbench: Send + Sync + 'static {
    /// All that the workbench starts from.
    async fn bench(&self, connector: &ConnectorId) -> Result<Bench, ControlError>;

    /// Keeps a draft; it changes nothing that is in force.
    ///
    /// # Errors
    /// [`ControlError::Stale`] when somebody else saved it meanwhile.
    async fn save_draft(
        &self,
        connector: &ConnectorId,
        draft: SaveDraft,
        by: &str,
    ) -> Result<Draft, ControlError>;

    /// Throws the draft away.
    async fn discard_draft(&self, connector: &ConnectorId, by: &str) -> Result<(), ControlError>;

    /// Validates a mapping, writes its file and brings it in force; the draft is over.
    ///
    /// # Errors
    /// [`ControlError::Refused`] with every problem when it can't be a mapping; [`ControlError::Stale`] when another
    /// version than the base is in force by now.
    async fn publish(
        &self,
        connector: &ConnectorId,
        publish: Publish,
        by: &str,
    ) -> Result<MappingEntry, ControlError>;

    /// The versions that were in force, newest first.
    async fn mapping_history(
        &self,
        connector: &ConnectorId,
    ) -> Result<Vec<MappingEntry>, ControlError>;

    /// The text of a version.
    async fn mapping_text(&self, version: &MappingVersion) -> Result<String, ControlError>;

    /// Brings an earlier version in force again.
    async fn roll_back(
        &self,
        connector: &ConnectorId,
        roll_back: RollBack,
        by: &str,
    ) -> Result<MappingEntry, ControlError>;

    /// Runs a mapping over the latest stored transactions and compares it with the one in force. Dropping the
    /// receiver ends it.
    async fn impact(
        &self,
        request: ImpactRequest,
    ) -> Result<mpsc::Receiver<ImpactUpdate>, ControlError>;

    /// Writes a transaction as a regression case beside its mapping, secrets and personal data masked.
    async fn record_case(&self, record: RecordCase, by: &str)
    -> Result<RecordedCase, ControlError>;
}

/// Problems as one text, a line each.
pub(super) fn told_all(problems: &[Problem]) -> String {
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    told.join("\n")
}
