//! The mapping workbench: one connector's mapping in hand, the sample it is tried on, and what it makes of it.
//!
//! Plain data, as all state of the console. [`DraftText`] is the text; rules, trees, links and notes are derived
//! from it and from the newest answer of the engine.

pub mod area;
pub mod compare;
pub mod draft;
pub mod editor;
pub(super) mod effect;
pub mod impact;
pub mod lines;
pub mod links;
pub mod message;
pub mod notes;
pub mod picker;
pub mod publish;
pub mod sample;
pub mod tree;
pub mod versions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use draft::{DraftText, NotKept};
pub use editor::RuleEditor;
pub use impact::ImpactBook;
pub use links::Links;
pub use message::{Answer, Ask};
pub use notes::{Gravity, Note, Notes};
pub use sample::{Chosen, Fetched};
pub use tree::Tree;

use super::app::{Loadable, Standing, Zoom};
use super::document::Document;
use super::list::Cursor;
use crate::engine::{Bench, PreviewField, PreviewResult};
use crate::mapping::{Path, RuleText, outline};
use crate::model::{ConnectorId, Direction, Timestamp};

/// One of the three panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BenchPane {
    /// The sample.
    Source,
    /// The rules.
    #[default]
    Rules,
    /// What they make of it.
    Output,
}

impl BenchPane {
    /// All panes, from left to right.
    pub const ALL: [Self; 3] = [Self::Source, Self::Rules, Self::Output];

    /// The pane's number, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// The pane's name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Source => "Source",
            Self::Rules => "Rules",
            Self::Output => "Output",
        }
    }

    /// The pane so many further to the right; past the last comes the first.
    #[must_use]
    pub fn beside(self, steps: usize) -> Self {
        let at = (self as usize + steps) % Self::ALL.len();
        Self::ALL.get(at).copied().unwrap_or_default()
    }
}

/// What was tried last.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The text.
    pub text: String,
    /// On what.
    pub sample: Chosen,
    /// Which rules.
    pub direction: Direction,
}

/// What becomes of the text in hand when the engine tells anew what there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meeting {
    /// It stays; what it is measured against is another.
    #[default]
    Stays,
    /// It gives way to the draft that somebody else kept.
    GivesWay,
    /// It is kept over what somebody else kept.
    Prevails,
}

/// How far a publishing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Underway {
    /// Nothing is on its way.
    #[default]
    Nothing,
    /// The engine was asked, and did not answer yet.
    Asked,
}

/// The workbench of one connector.
#[derive(Clone, Debug)]
pub struct Workbench {
    /// Whose mapping.
    pub connector: ConnectorId,
    /// Which rules are in front.
    pub direction: Direction,
    /// What it starts from.
    pub bench: Loadable<Box<Bench>>,
    /// What becomes of the text when that comes anew.
    pub meeting: Meeting,
    /// The text in hand, once there is one.
    pub draft: Option<DraftText>,
    /// The rules of the direction in front.
    pub rules: Vec<RuleText>,
    /// The selected one, by number.
    pub rule: Cursor<usize>,
    /// The rule to be selected as soon as the rules are known.
    pub wanted_rule: Option<usize>,
    /// What the rules are tried on.
    pub sample: Option<Chosen>,
    /// What it was opened from.
    pub opened_from: Option<Chosen>,
    /// The ticket by which the latest transaction is asked for, to be the sample.
    pub latest: Option<u64>,
    /// The number of the last question.
    pub number: u64,
    /// What was asked last.
    pub tried: Option<Tried>,
    /// Whether its answer is still to come.
    pub standing: Standing,
    /// The record in hand as it was fetched, where the sample is one.
    pub fetched: Option<Fetched>,
    /// The last good answer.
    pub shown: Option<Box<PreviewResult>>,
    /// Why there is no newer one.
    pub problem: Option<String>,
    /// What is to be said of the text that was tried last.
    pub notes: Notes,
    /// The sample.
    pub source: Tree,
    /// What was made of it.
    pub output: Tree,
    /// Which nodes of the output fail, and why.
    pub failing: BTreeMap<String, String>,
    /// What belongs together.
    pub links: Links,
    /// The focused pane.
    pub focus: BenchPane,
    /// Whether it is zoomed.
    pub zoom: Zoom,
    /// What differs from what was last delivered, when that is shown instead of the output.
    pub difference: Option<Document>,
    /// The rule being edited.
    pub editor: Option<RuleEditor>,
    /// What the draft would change.
    pub impact: ImpactBook,
    /// Whether it is being published.
    pub publishing: Underway,
}

impl Workbench {
    /// A workbench that is yet to be read.
    #[must_use]
    pub fn new(connector: ConnectorId, direction: Direction, sample: Option<Chosen>) -> Self {
        Self {
            connector,
            direction,
            bench: Loadable::Loading,
            meeting: Meeting::Stays,
            draft: None,
            rules: Vec::new(),
            rule: Cursor::default(),
            wanted_rule: None,
            opened_from: sample.clone(),
            sample,
            latest: None,
            number: 0,
            tried: None,
            standing: Standing::Settled,
            fetched: None,
            shown: None,
            problem: None,
            notes: Notes::default(),
            source: Tree::default(),
            output: Tree::default(),
            failing: BTreeMap::new(),
            links: Links::default(),
            focus: BenchPane::Rules,
            zoom: Zoom::All,
            difference: None,
            editor: None,
            impact: ImpactBook::default(),
            publishing: Underway::Nothing,
        }
    }

    /// The text in hand; empty while there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        self.draft.as_ref().map_or("", DraftText::text)
    }

    /// Whether there is something that the engine has not yet.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.draft.as_ref().is_some_and(DraftText::is_unsaved)
    }

    /// Whether somebody else's draft is kept and it is not said whose it is to be.
    #[must_use]
    pub fn is_overtaken(&self) -> bool {
        let draft = self.draft.as_ref();
        draft.is_some_and(|draft| draft.overtaken().is_some())
    }

    /// The selected rule.
    #[must_use]
    pub fn selected_rule(&self) -> Option<&RuleText> {
        self.rules.get(self.rule.index())
    }

    /// Selects a rule by its number.
    pub fn select_rule(&mut self, number: usize) {
        let keys = self.rule_keys();
        self.rule.select(&keys, number.saturating_sub(1));
    }

    fn rule_keys(&self) -> Vec<usize> {
        self.rules.iter().map(|rule| rule.number).collect()
    }

    /// Moves the selection among the rules.
    pub fn step_rule(&mut self, by: isize) {
        let keys = self.rule_keys();
        self.rule.step(&keys, by);
    }

    /// Brings the rules in line with the text.
    pub fn outline(&mut self) {
        let mut rules = outline(self.text());
        rules.retain(|rule| rule.direction == self.direction);
        self.rules = rules;
        let at = self.rule.index();
        let keys = self.rule_keys();
        self.rule.select(&keys, at);
    }

    /// Takes a text as it is typed.
    pub fn type_over(&mut self, text: String, now: Timestamp) {
        if let Some(draft) = &mut self.draft {
            draft.type_over(text, now);
        }
        self.outline();
    }

    /// Takes another text, with a way back.
    pub fn change(&mut self, text: String, now: Timestamp) {
        if let Some(draft) = &mut self.draft {
            draft.change(text, now);
        }
        self.outline();
    }

    /// Whether what is shown is of an older text than the one in hand, because that one makes nothing.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.problem.is_some()
    }

    /// Keeps a record that was fetched for an answer, so that the next need not fetch it.
    pub fn remember(&mut self, result: &PreviewResult) {
        let Some(tried) = &self.tried else { return };
        let known = self.fetched.as_ref().map(|fetched| &fetched.chosen);
        if tried.sample.is_fetched() && known != Some(&tried.sample) {
            self.fetched = Some(Fetched {
                chosen: tried.sample.clone(),
                label: result.label.clone(),
                source: result.source.clone(),
            });
        }
    }

    /// Takes a good answer and derives all that follows from it.
    pub fn show(&mut self, result: Box<PreviewResult>) {
        let first = self.shown.is_none();
        let mut source = result.source.clone();
        let mut output = Value::Object(result.output.clone());
        let mut failing = BTreeMap::new();
        for field in &result.fields {
            let path = field
                .source
                .as_deref()
                .and_then(|text| Path::parse(text).ok());
            if let Some(path) = path {
                tree::note_missing(&mut source, &path);
            }
            if let Ok(path) = Path::parse(&field.target) {
                tree::note_missing(&mut output, &path);
            }
        }
        for field in &result.fields {
            if let (Some(problem), Ok(path)) = (&field.problem, Path::parse(&field.target)) {
                failing.insert(tree::located(&path, &output), problem.clone());
            }
        }
        for (rule, problem) in &result.problems {
            let target = problem.split(": ").next().unwrap_or_default();
            if let (None, Ok(path)) = (rule, Path::parse(target)) {
                tree::note_missing(&mut output, &path);
                failing.insert(tree::located(&path, &output), problem.clone());
            }
        }
        self.links = Links::of(self.text(), &self.rules, &result);
        self.source.show(source);
        self.output.show(output);
        self.failing = failing;
        self.shown = Some(result);
        if first {
            self.follow();
        }
    }

    /// The rules that belong to what the focus is on.
    #[must_use]
    pub fn related(&self) -> BTreeSet<usize> {
        match self.focus {
            BenchPane::Rules => self.rule.selected().copied().into_iter().collect(),
            BenchPane::Source => self
                .source
                .selected()
                .map_or_else(BTreeSet::new, |node| self.links.reading(&node.path)),
            BenchPane::Output => self
                .output
                .selected()
                .map_or_else(BTreeSet::new, |node| self.links.writing(&node.path)),
        }
    }

    /// Brings what belongs to the focus into sight in the other panes.
    pub fn follow(&mut self) {
        let related = self.related();
        if self.focus != BenchPane::Rules
            && let Some(rule) = self.deciding(&related)
        {
            self.select_rule(rule);
        }
        let links = self.links.clone();
        if self.focus != BenchPane::Source
            && let Some(node) = links.read_by(&related).into_iter().next()
        {
            self.source.go_to(node);
        }
        if self.focus != BenchPane::Output
            && let Some(node) = links.written_by(&related).into_iter().next()
        {
            self.output.go_to(node);
        }
    }

    /// Of the rules that write a field, the one that a person looks for: the one that fails, else the last that wrote.
    fn deciding(&self, rules: &BTreeSet<usize>) -> Option<usize> {
        let fields = self.shown.iter().flat_map(|shown| &shown.fields);
        let fields: Vec<&PreviewField> =
            fields.filter(|field| rules.contains(&field.rule)).collect();
        let failing = fields.iter().find(|field| field.problem.is_some());
        let wrote = fields.iter().rev().find(|field| field.written.is_some());
        let field = failing.or(wrote).or_else(|| fields.last());
        field
            .map(|field| field.rule)
            .or_else(|| rules.first().copied())
    }

    /// What a preview says of a node of the output: the rule that decides it.
    #[must_use]
    pub fn field_at(&self, node: &str) -> Option<&PreviewField> {
        let rules = self.links.writing(node);
        let rule = self.deciding(&rules)?;
        let mut fields = self.shown.iter().flat_map(|shown| &shown.fields);
        fields.find(|field| {
            let path = Path::parse(&field.target).ok();
            let at = path.map(|path| tree::located(&path, self.output.root()));
            field.rule == rule && at.is_some_and(|at| tree::contains(&at, node))
        })
    }

    /// What a preview says of a rule.
    #[must_use]
    pub fn field_of(&self, rule: usize) -> Option<&PreviewField> {
        let mut fields = self.shown.iter().flat_map(|shown| &shown.fields);
        fields.find(|field| field.rule == rule)
    }

    /// Lays out what differs from what was last delivered.
    #[must_use]
    pub fn difference(&self, changed: &str) -> Vec<super::document::Line> {
        use super::document::Line;
        use super::theme::Tone;
        let Some(shown) = &self.shown else {
            return Vec::new();
        };
        let new = super::json::leaves(&shown.output);
        let Some(delivered) = &shown.delivered else {
            let mut lines = vec![
                Line::of(
                    Tone::Dim,
                    "nothing was delivered for this record yet: all is new",
                ),
                Line::default(),
            ];
            lines.extend(super::json::difference(&BTreeMap::new(), &new, changed));
            return lines;
        };
        let lines = super::json::difference(&super::json::leaves(delivered), &new, changed);
        if lines.is_empty() {
            return vec![Line::of(Tone::Ok, "the same as what was last delivered")];
        }
        lines
    }
}
