//! What the workbench asks of the engine and the machine, and what comes back.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::console::remote::RemoteResult;
use crate::engine::{
    Bench, ImpactRequest, ImpactUpdate, PreviewRequest, PreviewResult, Publish, RecordedCase,
    RollBack, SaveDraft,
};
use crate::model::{ConnectorId, MappingVersion, Transaction, TransactionId};
use crate::store::{Draft, ListQuery, MappingEntry, Page};

/// Something to be done for a workbench.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Read all it starts from.
    Bench(ConnectorId),
    /// Try a text on a sample, after a while in which nothing newer is asked.
    Preview(u64, Box<PreviewRequest>, Duration),
    /// Keep the draft.
    Save(ConnectorId, SaveDraft),
    /// Throw the draft away.
    Discard(ConnectorId),
    /// Bring a text in force.
    Publish(ConnectorId, Publish),
    /// Bring an earlier version in force again.
    RollBack(ConnectorId, RollBack),
    /// Read which versions were in force.
    History(ConnectorId),
    /// Read the text of a version.
    Text(ConnectorId, MappingVersion),
    /// Work out what a text would change; an earlier run ends.
    Impact(u64, ImpactRequest),
    /// End the run.
    CancelImpact,
    /// Record a transaction as a regression case.
    Case(TransactionId),
    /// Read a page of transactions that can serve as samples.
    Samples(u64, ListQuery),
    /// Read a sample from a file.
    File(PathBuf),
}

/// What came of it.
#[derive(Debug)]
pub enum Answer {
    /// All that a workbench starts from.
    Bench(ConnectorId, RemoteResult<Box<Bench>>),
    /// What a text makes of a sample, with the number it was asked by.
    Previewed(u64, RemoteResult<Box<PreviewResult>>),
    /// The draft is kept, or not.
    Saved(ConnectorId, RemoteResult<Draft>),
    /// The draft is thrown away, or not.
    Discarded(ConnectorId, RemoteResult<()>),
    /// A text is in force, or not.
    Published(ConnectorId, RemoteResult<MappingEntry>),
    /// An earlier version is in force again, or not.
    RolledBack(ConnectorId, RemoteResult<MappingEntry>),
    /// The versions that were in force.
    History(ConnectorId, RemoteResult<Vec<MappingEntry>>),
    /// The text of a version.
    Text(ConnectorId, MappingVersion, RemoteResult<String>),
    /// How an impact goes, or what it is; with the number it was asked by.
    Impact(u64, RemoteResult<ImpactUpdate>),
    /// A regression case is recorded, or not.
    Recorded(RemoteResult<RecordedCase>),
    /// A page of samples, with the ticket it was asked by.
    Samples(u64, RemoteResult<Page<Transaction>>),
    /// A sample from a file; or why it is none, with line and column.
    File(PathBuf, Result<Value, String>),
}
