//! What can happen to the console, and what it can ask to be done. Between the two stands `update` alone.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use crossterm::event::{KeyEvent, MouseEvent};
use serde_json::{Map, Value};

use super::action::Action;
use super::log::LogLine;
use super::remote::{Feed, RemoteResult};
use super::settings::Exit;
use super::theme::Theme;
use super::wizard;
use super::workbench::{Answer, Ask};
use crate::engine::{PreviewResult, Replay, ReplayPlan, TransactionDetail};
use crate::model::{
    ConnectorId, Direction, PayloadKind, RecordId, Timestamp, Transaction, TransactionId,
};
use crate::platform::Probe;
use crate::store::{AuditEntry, ListQuery, Page, PersonMove};

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size: columns and rows.
    Resized(u16, u16),
    /// The clock moved on.
    Tick(Timestamp),
    /// The connection or the overview is another.
    Feed(Feed),
    /// An action was asked for other than by a key.
    Act(Action),
    /// A page of a list came, or not; with the ticket it was asked by.
    Listed(u64, RemoteResult<Page<Transaction>>),
    /// All that matches a list was gathered for a bulk action; with the ticket it was asked by.
    Gathered(u64, RemoteResult<Vec<Transaction>>),
    /// A transaction came.
    Detail(TransactionId, RemoteResult<Box<TransactionDetail>>),
    /// A payload came.
    Payload(TransactionId, PayloadKind, RemoteResult<Option<Bytes>>),
    /// The audit lines of a transaction came.
    Audit(TransactionId, RemoteResult<Vec<AuditEntry>>),
    /// What a replay would send.
    Planned(TransactionId, Replay, RemoteResult<ReplayPlan>),
    /// A command on one transaction was carried out, or not.
    Commanded(RemoteResult<Transaction>),
    /// A replay was begun as a new transaction, or not.
    Replayed(RemoteResult<Transaction>),
    /// One item of the bulk action is through.
    BulkItem(TransactionId, BulkOutcome),
    /// A preview came, with the number it was asked by.
    Previewed(u64, RemoteResult<Box<Previewed>>),
    /// The transactions of a connector that can serve as samples, newest first.
    Samples(ConnectorId, Direction, RemoteResult<Vec<TransactionId>>),
    /// A connector was checked.
    Probed(ConnectorId, RemoteResult<Probe>),
    /// Something was done in the background; a sentence says what, or why not.
    Did(RemoteResult<String>),
    /// A trigger address came.
    TriggerUrl(ConnectorId, RemoteResult<String>),
    /// A new trigger address was made.
    Rotated(ConnectorId, RemoteResult<String>),
    /// Something was copied; a sentence says where to, or why not.
    Copied(Result<String, String>),
    /// Something came for a workbench.
    Workbench(Answer),
    /// Something came for a connector being made.
    Wizard(wizard::Answer),
    /// The editor was closed.
    Edited(Edited),
    /// Files of the config directory changed.
    FilesChanged(Vec<PathBuf>),
    /// The theme was loaded anew, or can't be.
    ThemeLoaded(Result<Box<Theme>, String>),
    /// Lines were added to the log.
    Logged(Vec<LogLine>),
    /// Something must be told.
    Notice(String),
}

/// What came out of an editor.
#[derive(Debug, PartialEq, Eq)]
pub enum Edited {
    /// A file was edited in place.
    File(PathBuf),
    /// An output was edited: whose, what it was, and the text now.
    Output(TransactionId, Box<str>, String),
    /// A mapping's draft was edited: whose, and the text now.
    Draft(ConnectorId, String),
    /// The editor could not be run, or failed.
    Failed(String),
}

/// What became of one item of a bulk action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkOutcome {
    /// Done.
    Done,
    /// Left alone because it is no longer as it was seen; says how it is.
    Skipped(String),
    /// Refused or failed; says why.
    Failed(String),
}

/// A preview with what it turned out to be of.
#[derive(Clone, Debug, PartialEq)]
pub struct Previewed {
    /// Whose mapping.
    pub connector: ConnectorId,
    /// Which rules.
    pub direction: Direction,
    /// The transaction the sample was taken from, if it was one.
    pub transaction: Option<TransactionId>,
    /// The answer.
    pub result: PreviewResult,
}

/// What a preview is to be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A recorded transaction; its own direction unless another is wanted.
    Transaction(TransactionId, Option<Direction>),
    /// A record, fetched now.
    Record(ConnectorId, Direction, RecordId),
    /// The latest transaction of a connector.
    Latest(ConnectorId, Direction),
}

/// A search over all transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// What the store can narrow by.
    pub query: ListQuery,
    /// What must stand in a row, or be its record or work order.
    pub text: Option<String>,
}

/// Something to be done outside the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read a page of a list.
    List(u64, ListQuery),
    /// Search for transactions.
    Search(u64, Search),
    /// Read all pages of a list, to act on them.
    Gather(u64, Vec<ListQuery>),
    /// Read these transactions, to act on them.
    GatherThese(u64, Vec<TransactionId>),
    /// Read a transaction.
    Detail(TransactionId),
    /// Read a payload.
    Payload(TransactionId, PayloadKind),
    /// Read what the audit trail says of a transaction.
    Audit(TransactionId),
    /// Ask what a replay would send.
    Plan(TransactionId, Replay),
    /// Carry out a command on a transaction, as it was seen in a revision.
    Command(TransactionId, u64, PersonMove),
    /// Run a transaction again as a new one, with the given output if there is one.
    Replay(TransactionId, Replay, Option<Map<String, Value>>),
    /// Carry out a command on one item of a bulk action.
    BulkItem(TransactionId, u64, PersonMove),
    /// Preview, after a while in which nothing newer is asked.
    Preview(u64, Subject, Duration),
    /// Read which transactions can serve as samples.
    Samples(ConnectorId, Direction),
    /// Check a connector.
    Probe(ConnectorId),
    /// Read a connector's fields anew.
    RefreshFields(ConnectorId),
    /// Pause a connector.
    Pause(ConnectorId),
    /// Resume a connector.
    Resume(ConnectorId),
    /// Read a connector's trigger address.
    TriggerUrl(ConnectorId),
    /// Make a new trigger address.
    RotateToken(ConnectorId),
    /// Load the theme anew.
    LoadTheme,
    /// Begin to follow the log.
    FollowLog,
    /// Copy a text; the first says what it is.
    Copy(&'static str, String),
    /// Edit a mapping file, at the rule of a direction if one is named (counted from 1).
    EditMapping(PathBuf, Option<(Direction, usize)>),
    /// Edit the output of a transaction.
    EditOutput(TransactionId, String),
    /// Edit the draft of a mapping, at a line if one is named (counted from 1).
    EditDraft(ConnectorId, String, Option<usize>),
    /// Do something for a workbench.
    Workbench(Ask),
    /// Do something for a connector being made.
    Wizard(wizard::Ask),
    /// Take the mouse, or give it back.
    Mouse(Mouse),
    /// Draw everything anew.
    Redraw,
    /// Suspend the process.
    Suspend,
    /// Leave.
    Leave(Exit),
}

/// Who has the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// The console.
    Captured,
    /// The terminal, for selecting text.
    Released,
}
