//! What lies over a screen and has the keyboard until it is answered: plain data.

use serde_json::{Map, Value};

use super::action::Action;
use super::document::{Document, Line};
use super::input::Input;
use super::settings::Exit;
use super::theme::Tone;
use super::wizard::Chooser;
use super::workbench::impact::ImpactView;
use super::workbench::picker::{Pasting, Picker};
use super::workbench::publish::Publishing;
use super::workbench::versions::Versions;
use crate::engine::{Replay, RollBack};
use crate::model::{ConnectorId, TransactionId};
use crate::store::PersonMove;

/// What lies over the screen.
#[derive(Clone, Debug)]
pub enum Dialog {
    /// Something to read.
    Notice(Notice),
    /// A question to be answered with yes or no.
    Confirm(Confirm),
    /// A line to be typed.
    Prompt(Prompt),
    /// A choice.
    Menu(Menu),
    /// What a replay would send.
    Plan(Plan),
    /// The palette.
    Palette(Palette),
    /// How the bulk action goes.
    Bulk(Document),
    /// The samples a mapping can be tried on.
    Picker(Picker),
    /// A sample to be pasted.
    Pasting(Pasting),
    /// What a draft would change.
    Impact(ImpactView),
    /// The question before a draft comes in force.
    Publishing(Publishing),
    /// The versions of a mapping that were in force.
    Versions(Versions),
    /// What can be chosen for a connector being made.
    Chooser(Box<Chooser>),
}

/// Something to read.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Its heading.
    pub title: String,
    /// Its text.
    pub document: Document,
}

/// A question. It names what will happen.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// Its heading.
    pub title: String,
    /// What will happen, to what.
    pub lines: Vec<Line>,
    /// For what can't be overlooked: a text that must be typed first.
    pub typed: Option<Typed>,
    /// What is done on yes.
    pub deed: Deed,
}

/// A text that must be typed before yes counts.
#[derive(Clone, Debug)]
pub struct Typed {
    /// What must be typed.
    pub wanted: String,
    /// What is typed.
    pub input: Input,
}

/// A line to be typed.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Its heading.
    pub title: String,
    /// What is asked for.
    pub label: String,
    /// What is typed.
    pub input: Input,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a typed line is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// The reason of a discard of one transaction, seen in a revision.
    Discard(TransactionId, u64),
    /// The reason of a discard of many.
    DiscardMany(Vec<BulkTarget>),
    /// The record to preview.
    Sample,
    /// The record on which a draft is tried.
    BenchRecord,
    /// The file with the sample on which a draft is tried.
    BenchFile,
}

/// A choice.
#[derive(Clone, Debug)]
pub struct Menu {
    /// Its heading.
    pub title: String,
    /// What there is to choose.
    pub items: Vec<MenuItem>,
    /// The selected one.
    pub selected: usize,
}

/// One of the things to choose.
#[derive(Clone, Debug)]
pub struct MenuItem {
    /// Its letter.
    pub key: char,
    /// What it is called.
    pub label: String,
    /// Why it can't be chosen, if it can't.
    pub refused: Option<String>,
    /// What is done.
    pub choice: Choice,
}

/// What a menu item does.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// Shows what a way of running again would send.
    Plan(TransactionId, Again),
    /// Copies a text; the first says what it is.
    Copy(&'static str, String),
    /// Leaves.
    Leave(Exit),
    /// Adds a rule with an action.
    AddRule(&'static str),
    /// Takes the draft that somebody else kept.
    TakeTheirs,
    /// Keeps the draft in hand over what somebody else kept.
    KeepMine,
    /// Shows what differs from the version that somebody else published.
    CompareTheirs,
    /// Goes on from the version that somebody else published.
    BuildOnTheirs,
}

/// A way of running a transaction again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The same transaction, from the fetch on.
    InPlace,
    /// A new transaction.
    Anew(Replay),
}

impl Again {
    /// What it is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::InPlace => "Retry in place: fetch and map again, in this transaction",
            Self::Anew(Replay::SameOutput) => "Send the same output again",
            Self::Anew(Replay::Remap) => "Map the stored source with the mapping of now, and send",
            Self::Anew(Replay::Refetch) => "Fetch anew, map with the mapping of now, and send",
        }
    }

    /// The replay whose plan shows what it would send.
    #[must_use]
    pub fn plan(self) -> Replay {
        match self {
            Self::InPlace => Replay::Refetch,
            Self::Anew(replay) => replay,
        }
    }
}

/// What a replay would send, shown before it is done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of which transaction.
    pub transaction: TransactionId,
    /// The revision that was seen.
    pub revision: u64,
    /// How.
    pub again: Again,
    /// Whether the answer has come and can be sent.
    pub readiness: Readiness,
    /// The answer, laid out.
    pub document: Document,
}

/// Whether a plan can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Not answered yet.
    Waiting,
    /// It would be sent as shown.
    Ready,
    /// It would fail; it may be tried all the same.
    WouldFail,
    /// It can't be done.
    Refused,
}

/// What is done when a question is answered with yes.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A command on many transactions, one by one.
    Bulk(PersonMove, Vec<BulkTarget>),
    /// A command on one transaction.
    Command(TransactionId, u64, PersonMove),
    /// An edited output.
    Send(TransactionId, Map<String, Value>),
    /// Editing again a text that can't be sent as it is.
    EditAgain(TransactionId, String),
    /// Pause a connector.
    Pause(ConnectorId),
    /// Resume a connector.
    Resume(ConnectorId),
    /// Make a new trigger address.
    RotateToken(ConnectorId),
    /// Bring an earlier version of a mapping in force again.
    RollBack(ConnectorId, RollBack),
    /// Throw the draft of a mapping away.
    DiscardDraft(ConnectorId),
    /// Leave a connector that is being made.
    LeaveWizard,
    /// Leave the console while a connector is being made.
    QuitOverWizard,
}

/// One transaction of a bulk action, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkTarget {
    /// Which.
    pub id: TransactionId,
    /// The revision that was seen.
    pub revision: u64,
    /// What people call it.
    pub label: String,
}

/// The palette.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// What is typed.
    pub input: Input,
    /// The selected offer.
    pub selected: usize,
}

/// Something the palette offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it is called.
    pub name: String,
    /// What it does.
    pub explanation: String,
    /// Why it can't be done now, if it can't.
    pub refused: Option<String>,
    /// What is done.
    pub command: Command,
}

/// What the palette can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// An action.
    Act(Action),
    /// A search.
    Search(String),
    /// A list of transactions in a state, or all.
    List(Option<crate::model::State>),
    /// A connector, by id.
    Connector(ConnectorId),
    /// A new connector of an API's description.
    NewConnector,
}

impl Notice {
    /// Something to read.
    #[must_use]
    pub fn new(title: impl Into<String>, lines: Vec<Line>) -> Self {
        Self {
            title: title.into(),
            document: Document::new(lines),
        }
    }
}

impl Confirm {
    /// A question in words.
    #[must_use]
    pub fn new(title: impl Into<String>, lines: &[String], deed: Deed) -> Self {
        let lines = lines.iter().map(|line| Line::of(Tone::Text, line.clone()));
        Self {
            title: title.into(),
            lines: lines.collect(),
            typed: None,
            deed,
        }
    }

    /// Whether yes counts.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.typed
            .as_ref()
            .is_none_or(|typed| typed.input.text().trim() == typed.wanted)
    }
}
