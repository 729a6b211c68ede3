//! The console's state: plain data, changed by `update` alone and drawn by `view`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::action::Place;
use super::dialog::{BulkTarget, Dialog};
use super::document::Document;
use super::filter::Filter;
use super::glyph::Glyphs;
use super::input::Input;
use super::keymap::KeyMap;
use super::list::Cursor;
use super::log::{Level, LogBook};
use super::message::{BulkOutcome, Mouse, Previewed, Search, Subject};
use super::remote::Identity;
use super::settings::{ConsoleSettings, Embedded, Mode};
use super::theme::Theme;
use super::wizard::{Step, Wizard};
use super::workbench::Workbench;
use crate::engine::{ConnectorView, Overview, QueueKind, TransactionDetail};
use crate::model::{ConnectorId, Fingerprint, PayloadKind, Timestamp, Transaction, TransactionId};
use crate::store::{AuditEntry, FailureGroup, ListQuery, PageCursor, PersonMove};

/// Everything the console knows.
#[derive(Clone, Debug)]
pub struct App {
    /// Where `mappings/` is, if on this machine.
    pub config_directory: Option<PathBuf>,
    /// Whether there is a log to follow.
    pub log_directory: Option<PathBuf>,
    /// Whether anything may be changed.
    pub mode: Mode,
    /// Whether the engine runs in this process.
    pub embedded: Embedded,
    /// The signs.
    pub glyphs: &'static Glyphs,
    /// The keys.
    pub keymap: KeyMap,
    /// The looks.
    pub theme: Theme,
    /// How the connection stands.
    pub link: Link,
    /// Who we are, once the engine said so.
    pub identity: Option<Identity>,
    /// The newest overview, kept when the engine is gone.
    pub overview: Option<Arc<Overview>>,
    /// The present moment.
    pub now: Timestamp,
    /// The terminal's columns and rows.
    pub size: (u16, u16),
    /// The first screen.
    pub home: Home,
    /// The mapping preview.
    pub preview: Preview,
    /// What was opened over the first screen, the topmost last.
    pub screens: Vec<Screen>,
    /// The screen that was left last.
    pub previous: Option<Box<Screen>>,
    /// Workbenches that were left for good and whose drafts are not kept yet.
    pub parting: Vec<Workbench>,
    /// Whether the console is left as soon as the drafts are kept.
    pub departure: Departure,
    /// What lies over it all.
    pub dialog: Option<Dialog>,
    /// The filter being typed.
    pub filtering: Option<Input>,
    /// What was told last, newest last.
    pub toasts: Vec<Toast>,
    /// The bulk action, running or over.
    pub bulk: Option<Bulk>,
    /// What transactions are being gathered for, and the ticket of the question.
    pub gathering: Option<(u64, GatherFor)>,
    /// The log.
    pub log: LogBook,
    /// Whether the log is being followed.
    pub log_followed: Followed,
    /// Who has the mouse.
    pub mouse: Mouse,
    /// Numbers for questions, so that late answers are known.
    pub tickets: u64,
}

/// Whether the console is being left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Departure {
    /// It is not.
    #[default]
    Staying,
    /// It is, once the drafts are kept.
    AfterSaving,
    /// The person was told that a draft can't be kept.
    Warned,
}

/// Whether the log is being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Followed {
    /// Nobody asked for it yet.
    #[default]
    NotYet,
    /// It is.
    Yes,
}

/// How the connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Not yet heard from.
    Connecting,
    /// It stands.
    Live,
    /// The engine does not answer; why.
    Lost(String),
}

/// One of the panes of the first screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The connectors.
    #[default]
    Connectors,
    /// The queues.
    Queues,
    /// What is dead, grouped.
    Failed,
    /// The mapping preview.
    Preview,
}

impl Pane {
    /// All panes, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Connectors, Self::Queues, Self::Failed, Self::Preview];

    /// The pane's number, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// The pane's name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Connectors => "Connectors",
            Self::Queues => "Queues",
            Self::Failed => "Failed",
            Self::Preview => "Preview",
        }
    }

    /// The place its keys belong to.
    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Connectors => Place::Connectors,
            Self::Queues => Place::Queues,
            Self::Failed => Place::Failed,
            Self::Preview => Place::Preview,
        }
    }
}

/// Whether a pane has the screen to itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zoom {
    /// All panes that have room.
    #[default]
    All,
    /// The focused one alone.
    Focused,
}

/// An order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As the column suggests: newest, most, or A to Z.
    #[default]
    Natural,
    /// The other way round.
    Reversed,
}

/// The first screen.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// The focused pane.
    pub focus: Pane,
    /// Whether it is zoomed.
    pub zoom: Zoom,
    /// The connector to which all panes are narrowed.
    pub only: Option<ConnectorId>,
    /// The connectors.
    pub connectors: Cursor<ConnectorId>,
    /// The connector to be selected as soon as it is known.
    pub wanted: Option<ConnectorId>,
    /// The queues.
    pub queues: Cursor<QueueKind>,
    /// The failure groups.
    pub groups: Cursor<Fingerprint>,
    /// The groups in sight of the filter, in order.
    pub rows: Vec<FailureGroup>,
    /// By what the groups are sorted.
    pub sort: GroupSort,
    /// Which way.
    pub order: Order,
    /// The filter of the groups.
    pub filter: Filter,
}

/// By what failure groups are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupSort {
    /// The most first.
    #[default]
    Count,
    /// The latest first.
    Last,
    /// By connector.
    Connector,
    /// By step.
    Step,
    /// By cause.
    Cause,
}

/// By what transactions are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowSort {
    /// The latest accepted first.
    #[default]
    Accepted,
    /// By connector.
    Connector,
    /// By state.
    State,
    /// By the step that failed.
    Step,
    /// By attempts, the most first.
    Attempts,
}

/// A screen over the first one.
#[derive(Clone, Debug)]
pub enum Screen {
    /// A list of transactions.
    List(Box<ListScreen>),
    /// One transaction.
    Transaction(Box<TransactionScreen>),
    /// One connector.
    Connector(ConnectorScreen),
    /// The mapping preview.
    Preview,
    /// The log.
    Log(LogScreen),
    /// The mapping workbench.
    Workbench(Box<Workbench>),
    /// A connector being made.
    Wizard(Box<Wizard>),
}

impl Screen {
    /// The place its keys belong to.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::List(_) => Place::List,
            Self::Transaction(_) => Place::Transaction,
            Self::Connector(_) => Place::Connector,
            Self::Preview => Place::Preview,
            Self::Log(_) => Place::Log,
            Self::Workbench(bench) if bench.editor.is_some() => Place::RuleEditor,
            Self::Workbench(_) => Place::Workbench,
            Self::Wizard(wizard) if wizard.step == Step::Start => Place::WizardForm,
            Self::Wizard(_) => Place::Wizard,
        }
    }
}

/// Where the rows of a list come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The store, page by page.
    Query(ListQuery),
    /// A search, answered whole.
    Search(Search),
}

/// A list of transactions.
#[derive(Clone, Debug)]
pub struct ListScreen {
    /// What it is a list of.
    pub title: String,
    /// Where its rows come from.
    pub source: Source,
    /// What was read so far.
    pub items: Vec<Transaction>,
    /// Where the next page begins.
    pub next: Option<PageCursor>,
    /// The rows in sight of the filter, in order: places in `items`.
    pub rows: Vec<usize>,
    /// Their keys.
    pub keys: Vec<TransactionId>,
    /// The selection.
    pub cursor: Cursor<TransactionId>,
    /// The filter.
    pub filter: Filter,
    /// By what it is sorted.
    pub sort: RowSort,
    /// Which way.
    pub order: Order,
    /// The question under way.
    pub asked: Option<Asked>,
    /// Why the last one was not answered.
    pub problem: Option<String>,
    /// Whether something may have changed since it was read.
    pub freshness: Freshness,
}

/// A question under way, and what its answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Replaces what was read so far.
    Anew(u64),
    /// Comes after what was read so far.
    More(u64),
}

/// Whether what was read may have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing was heard.
    #[default]
    Fresh,
    /// The engine said that something changed.
    Outdated,
}

/// Something that is asked for and comes later.
#[derive(Clone, Debug)]
pub enum Loadable<T> {
    /// Not here yet.
    Loading,
    /// Here.
    Ready(T),
    /// Will not come; why.
    Failed(String),
}

impl<T> Loadable<T> {
    /// What came, if it did.
    #[must_use]
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Loading | Self::Failed(_) => None,
        }
    }
}

/// A tab of a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tab {
    /// What happened when.
    Timeline,
    /// The source as fetched.
    #[default]
    Source,
    /// What the mapping made.
    Output,
    /// What was sent.
    Sent,
    /// What differs from what was last sent.
    Diff,
    /// The calls of a step.
    Exchange,
    /// The row and its audit trail.
    Facts,
}

impl Tab {
    /// All tabs, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Timeline,
        Self::Source,
        Self::Output,
        Self::Sent,
        Self::Diff,
        Self::Exchange,
        Self::Facts,
    ];

    /// The tab's name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Timeline => "Timeline",
            Self::Source => "Source",
            Self::Output => "Output",
            Self::Sent => "Sent",
            Self::Diff => "Diff",
            Self::Exchange => "Exchange",
            Self::Facts => "Facts",
        }
    }
}

/// One transaction.
#[derive(Clone, Debug)]
pub struct TransactionScreen {
    /// Which.
    pub id: TransactionId,
    /// How we came here, for the line at the top.
    pub trail: Vec<String>,
    /// What is known.
    pub detail: Loadable<Box<TransactionDetail>>,
    /// Its payloads: the bytes, none when there are none.
    pub payloads: BTreeMap<PayloadKind, Loadable<Option<bytes::Bytes>>>,
    /// Its audit lines.
    pub audit: Loadable<Vec<AuditEntry>>,
    /// The tab in front.
    pub tab: Tab,
    /// The tab beside the timeline where both have room.
    pub beside: Tab,
    /// The selected line of the timeline.
    pub timeline: Cursor<usize>,
    /// The tab in front, laid out.
    pub document: Document,
    /// Why it failed, laid out.
    pub why: Document,
    /// Whether something may have changed since it was read.
    pub freshness: Freshness,
    /// Whether the output is to be edited as soon as it is here.
    pub intent: Intent,
}

/// What is to be done with a transaction once it is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Intent {
    /// Nothing but to look.
    #[default]
    Look,
    /// Its output is edited.
    Edit,
}

/// One connector.
#[derive(Clone, Debug)]
pub struct ConnectorScreen {
    /// Which.
    pub id: ConnectorId,
    /// All that is known, laid out.
    pub document: Document,
}

/// The log.
#[derive(Clone, Debug, Default)]
pub struct LogScreen {
    /// The least grave level shown.
    pub level: Level,
    /// The filter.
    pub filter: Filter,
    /// Lines scrolled up from the end; none follows it.
    pub up: usize,
}

/// The mapping preview.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// What a person chose to preview; without it, the selection decides.
    pub pinned: Option<Subject>,
    /// What was asked for last.
    pub subject: Option<Subject>,
    /// The number of the last question.
    pub number: u64,
    /// The last good answer.
    pub shown: Option<Box<Previewed>>,
    /// Why there is no newer one.
    pub problem: Option<String>,
    /// The question under way.
    pub standing: Standing,
    /// The selected line.
    pub line: usize,
    /// The first line in sight.
    pub offset: usize,
    /// The transactions of the connector and direction that can serve as samples, newest first.
    pub samples: Vec<TransactionId>,
    /// Whether the next sample is to be taken as soon as it is known which there are.
    pub wanted_sample: Option<isize>,
}

/// Whether a preview is up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is under way.
    #[default]
    Settled,
    /// A newer one is asked for.
    Asked,
}

/// Something told in passing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// What.
    pub text: String,
    /// Whether it is bad news.
    pub mood: Mood,
    /// When it was told.
    pub at: Timestamp,
}

/// Whether news are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Done.
    Good,
    /// Refused or failed.
    Bad,
}

/// A command on many transactions, one by one.
#[derive(Clone, Debug)]
pub struct Bulk {
    /// The command.
    pub action: PersonMove,
    /// All of them.
    pub targets: Vec<BulkTarget>,
    /// What became of those that are through, in order.
    pub outcomes: Vec<BulkOutcome>,
    /// Whether it goes on.
    pub pace: Pace,
}

/// What transactions are gathered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatherFor {
    /// To be tried again.
    Retry,
    /// To be given up.
    Discard,
    /// To be marked in the list in front.
    Marks,
    /// To be tried again because a mapping was published that mends them.
    Fixed,
}

/// Whether a bulk action goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It does.
    Running,
    /// A person stopped it.
    Cancelled,
    /// All are through.
    Finished,
}

impl Bulk {
    /// The verb.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self.action {
            PersonMove::Retry => "retry",
            PersonMove::Discard { .. } => "discard",
            PersonMove::Restore => "restore",
        }
    }

    /// How many are done, skipped and failed.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        for outcome in &self.outcomes {
            match outcome {
                BulkOutcome::Done => counts.0 += 1,
                BulkOutcome::Skipped(_) => counts.1 += 1,
                BulkOutcome::Failed(_) => counts.2 += 1,
            }
        }
        counts
    }
}

impl App {
    /// A console that has not heard from the engine yet.
    #[must_use]
    pub fn new(settings: &ConsoleSettings, theme: Theme, now: Timestamp, size: (u16, u16)) -> Self {
        let (keymap, problems) = KeyMap::with(&settings.keys);
        let toasts = problems.iter().map(|problem| Toast {
            text: problem.to_string(),
            mood: Mood::Bad,
            at: now,
        });
        Self {
            config_directory: settings.config_directory.clone(),
            log_directory: settings.log_directory.clone(),
            mode: settings.mode,
            embedded: settings.embedded,
            glyphs: settings.glyphs.unwrap_or(&super::glyph::UNICODE),
            keymap,
            theme,
            link: Link::Connecting,
            identity: None,
            overview: None,
            now,
            size,
            home: Home::default(),
            preview: Preview::default(),
            screens: Vec::new(),
            previous: None,
            parting: Vec::new(),
            departure: Departure::Staying,
            dialog: None,
            filtering: None,
            toasts: toasts.collect(),
            bulk: None,
            gathering: None,
            log: LogBook::default(),
            log_followed: Followed::NotYet,
            mouse: Mouse::Captured,
            tickets: 0,
        }
    }

    /// The place that has the keyboard.
    #[must_use]
    pub fn place(&self) -> Place {
        self.screens
            .last()
            .map_or_else(|| self.home.focus.place(), Screen::place)
    }

    /// The connectors in sight.
    #[must_use]
    pub fn connectors(&self) -> &[ConnectorView] {
        self.overview
            .as_ref()
            .map_or(&[], |overview| overview.connectors.as_slice())
    }

    /// A connector by id.
    #[must_use]
    pub fn connector(&self, id: &ConnectorId) -> Option<&ConnectorView> {
        self.connectors().iter().find(|view| view.id == *id)
    }

    /// The connector that an action of this place is about.
    #[must_use]
    pub fn subject_connector(&self) -> Option<&ConnectorView> {
        let id = match self.screens.last() {
            Some(Screen::Connector(screen)) => Some(&screen.id),
            Some(_) => None,
            None => self.home.connectors.selected(),
        };
        id.and_then(|id| self.connector(id))
    }

    /// The transaction in front.
    #[must_use]
    pub fn transaction(&self) -> Option<&TransactionScreen> {
        match self.screens.last() {
            Some(Screen::Transaction(screen)) => Some(screen),
            _ => None,
        }
    }

    /// The workbench in front.
    #[must_use]
    pub fn workbench(&self) -> Option<&Workbench> {
        match self.screens.last() {
            Some(Screen::Workbench(bench)) => Some(bench),
            _ => None,
        }
    }

    /// The workbench in front, to be changed.
    pub fn workbench_mut(&mut self) -> Option<&mut Workbench> {
        match self.screens.last_mut() {
            Some(Screen::Workbench(bench)) => Some(bench),
            _ => None,
        }
    }

    /// All workbenches, also those that were left.
    pub fn workbenches(&mut self) -> impl Iterator<Item = &mut Workbench> {
        let previous = self.previous.as_deref_mut();
        let open = self.screens.iter_mut().chain(previous);
        let open = open.filter_map(|screen| match screen {
            Screen::Workbench(bench) => Some(bench.as_mut()),
            _ => None,
        });
        open.chain(self.parting.iter_mut())
    }

    /// The connector being made in front.
    #[must_use]
    pub fn wizard(&self) -> Option<&Wizard> {
        match self.screens.last() {
            Some(Screen::Wizard(wizard)) => Some(wizard),
            _ => None,
        }
    }

    /// The connector being made in front, to be changed.
    pub fn wizard_mut(&mut self) -> Option<&mut Wizard> {
        match self.screens.last_mut() {
            Some(Screen::Wizard(wizard)) => Some(wizard),
            _ => None,
        }
    }

    /// All connectors being made.
    pub fn wizards(&mut self) -> impl Iterator<Item = &mut Wizard> {
        self.screens.iter_mut().filter_map(|screen| match screen {
            Screen::Wizard(wizard) => Some(wizard.as_mut()),
            _ => None,
        })
    }

    /// The list in front.
    #[must_use]
    pub fn list(&self) -> Option<&ListScreen> {
        match self.screens.last() {
            Some(Screen::List(screen)) => Some(screen),
            _ => None,
        }
    }

    /// The selected failure group.
    #[must_use]
    pub fn selected_group(&self) -> Option<&FailureGroup> {
        self.home.rows.get(self.home.groups.index())
    }

    /// Tells something in passing.
    pub fn tell(&mut self, mood: Mood, text: impl Into<String>) {
        const MOST: usize = 20;
        let text = text.into();
        let at = self.now;
        self.toasts.push(Toast { text, mood, at });
        let surplus = self.toasts.len().saturating_sub(MOST);
        self.toasts.drain(..surplus);
    }

    /// A number for a question.
    pub fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }
}

impl ListScreen {
    /// A list that is yet to be read.
    #[must_use]
    pub fn new(title: impl Into<String>, source: Source) -> Self {
        Self {
            title: title.into(),
            source,
            items: Vec::new(),
            next: None,
            rows: Vec::new(),
            keys: Vec::new(),
            cursor: Cursor::default(),
            filter: Filter::default(),
            sort: RowSort::default(),
            order: Order::default(),
            asked: None,
            problem: None,
            freshness: Freshness::Fresh,
        }
    }

    /// The selected transaction.
    #[must_use]
    pub fn selected(&self) -> Option<&Transaction> {
        let place = self.rows.get(self.cursor.index())?;
        self.items.get(*place)
    }
}

impl TransactionScreen {
    /// A transaction that is yet to be read.
    #[must_use]
    pub fn new(id: TransactionId, trail: Vec<String>) -> Self {
        Self {
            id,
            trail,
            detail: Loadable::Loading,
            payloads: BTreeMap::new(),
            audit: Loadable::Loading,
            tab: Tab::default(),
            beside: Tab::default(),
            timeline: Cursor::default(),
            document: Document::default(),
            why: Document::default(),
            freshness: Freshness::Fresh,
            intent: Intent::Look,
        }
    }

    /// The row, once it is here.
    #[must_use]
    pub fn row(&self) -> Option<&Transaction> {
        self.detail.ready().map(|detail| &detail.transaction)
    }
}
