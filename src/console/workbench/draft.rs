//! The text in hand: what it was begun from, what of it the engine keeps, and the way back.

use std::collections::BTreeMap;

use crate::engine::{Bench, SaveDraft};
use crate::mapping::outline;
use crate::model::{Direction, MappingVersion, Timestamp};
use crate::store::Draft;

/// How far the way back goes.
const MOST_STEPS: usize = 200;

/// A draft is kept once it was left alone for so long.
const REST_SECONDS: i64 = 1;

/// Why a draft is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// It could not be, for this reason.
    Failed(String),
    /// Somebody else changed what the engine keeps; whose it is to be, the person says.
    Overtaken(String),
}

impl NotKept {
    /// Why.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Failed(why) | Self::Overtaken(why) => why,
        }
    }
}

/// A mapping's text as it is being edited.
#[derive(Clone, Debug)]
pub struct DraftText {
    text: String,
    /// The text of the file.
    file: String,
    /// The version it was begun from.
    pub base: MappingVersion,
    /// Who kept it last, and when; `None` while nobody did.
    pub kept: Option<(String, Timestamp)>,
    /// The revision that was seen.
    seen: Option<u64>,
    /// What the engine has.
    saved: String,
    /// What is on its way to it.
    saving: Option<String>,
    /// Since when it is as it is.
    changed_at: Timestamp,
    /// Why it is not kept.
    pub problem: Option<NotKept>,
    undo: Vec<String>,
    redo: Vec<String>,
}

impl DraftText {
    /// The draft there is, else the file's text.
    #[must_use]
    pub fn of(bench: &Bench, now: Timestamp) -> Self {
        let draft = bench.draft.as_ref();
        let text = draft.map_or(&bench.text, |draft| &draft.text).clone();
        Self {
            file: bench.text.clone(),
            base: draft.map_or(&bench.version, |draft| &draft.base).clone(),
            kept: draft.map(|draft| (draft.by.clone(), draft.at)),
            seen: draft.map(|draft| draft.revision),
            saved: text.clone(),
            text,
            saving: None,
            changed_at: now,
            problem: None,
            undo: Vec::new(),
            redo: Vec::new(),
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether it says what the file says.
    #[must_use]
    pub fn is_as_filed(&self) -> bool {
        self.text == self.file
    }

    /// Takes the text as it is while it is typed: no step of the way back.
    pub fn type_over(&mut self, text: String, now: Timestamp) {
        if text != self.text {
            self.text = text;
            self.changed_at = now;
        }
    }

    /// Takes another text, with a way back to the one given.
    pub fn change_from(&mut self, before: String, text: String, now: Timestamp) {
        if before != text {
            self.undo.push(before);
            let surplus = self.undo.len().saturating_sub(MOST_STEPS);
            self.undo.drain(..surplus);
            self.redo.clear();
        }
        self.type_over(text, now);
    }

    /// Takes another text, with a way back to this one.
    pub fn change(&mut self, text: String, now: Timestamp) {
        self.change_from(self.text.clone(), text, now);
    }

    /// Takes the last change back; answers whether there was one.
    pub fn undo(&mut self, now: Timestamp) -> bool {
        let Some(before) = self.undo.pop() else {
            return false;
        };
        self.redo.push(self.text.clone());
        self.type_over(before, now);
        true
    }

    /// Makes the change again that was taken back; answers whether there was one.
    pub fn redo(&mut self, now: Timestamp) -> bool {
        let Some(after) = self.redo.pop() else {
            return false;
        };
        self.undo.push(self.text.clone());
        self.type_over(after, now);
        true
    }

    /// Whether the engine has not all of it yet.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.text != self.saved
    }

    /// Whether it is to be kept now: changed, left alone for a while, and nothing else on its way.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let rested = now.as_second() - self.changed_at.as_second() >= REST_SECONDS;
        rested && self.may_save()
    }

    /// Whether something is to be kept and nothing is on its way.
    #[must_use]
    pub fn may_save(&self) -> bool {
        self.is_unsaved() && self.saving.is_none() && self.problem.is_none()
    }

    /// Sends it on its way.
    pub fn save(&mut self) -> SaveDraft {
        self.saving = Some(self.text.clone());
        self.problem = None;
        SaveDraft {
            text: self.text.clone(),
            base: self.base.clone(),
            seen: self.seen,
        }
    }

    /// It is kept.
    pub fn saved(&mut self, draft: &Draft) {
        self.saving = None;
        self.saved.clone_from(&draft.text);
        self.seen = Some(draft.revision);
        self.kept = Some((draft.by.clone(), draft.at));
    }

    /// It is not kept; the reason stays until it is tried again.
    pub fn not_saved(&mut self, why: NotKept) {
        self.saving = None;
        self.problem = Some(why);
    }

    /// What somebody else did to the draft, while it is not said whose it is to be.
    #[must_use]
    pub fn overtaken(&self) -> Option<&str> {
        match &self.problem {
            Some(NotKept::Overtaken(why)) if !self.is_as_filed() => Some(why),
            _ => None,
        }
    }

    /// Nobody keeps a draft any more: what is in hand is measured against the file.
    pub fn dropped(&mut self, bench: &Bench) {
        self.file.clone_from(&bench.text);
        self.saved.clone_from(&bench.text);
        self.base = bench.version.clone();
        self.seen = None;
        self.kept = None;
        self.saving = None;
        self.problem = None;
    }

    /// Sees what the engine has now, and keeps what is in hand.
    pub fn see(&mut self, bench: &Bench) {
        self.file.clone_from(&bench.text);
        self.seen = bench.draft.as_ref().map(|draft| draft.revision);
        let theirs = bench
            .draft
            .as_ref()
            .map_or(&bench.text, |draft| &draft.text);
        self.saved.clone_from(theirs);
        self.saving = None;
        self.problem = None;
    }

    /// The file is another one now; a text that nobody touched follows it.
    pub fn refiled(&mut self, bench: &Bench) {
        let untouched = self.is_as_filed() && self.seen.is_none();
        self.file.clone_from(&bench.text);
        if untouched {
            self.text.clone_from(&bench.text);
            self.saved.clone_from(&bench.text);
            self.base = bench.version.clone();
        } else if self.seen.is_none() {
            self.saved.clone_from(&bench.text);
        }
    }

    /// Whether the engine keeps a draft.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.seen.is_some()
    }

    /// How many rules differ from the file's; one at least when anything does.
    #[must_use]
    pub fn changes(&self) -> usize {
        if self.is_as_filed() {
            return 0;
        }
        let (old, new) = (blocks(&self.file), blocks(&self.text));
        let surplus = |one: &Blocks<'_>, other: &Blocks<'_>| -> usize {
            let of = |(block, count): (&(Direction, &str), &usize)| {
                count.saturating_sub(other.get(block).copied().unwrap_or(0))
            };
            one.iter().map(of).sum()
        };
        surplus(&new, &old).max(surplus(&old, &new)).max(1)
    }

    /// Whether a rule stands in the file as it is here.
    #[must_use]
    pub fn is_filed(&self, direction: Direction, block: &str) -> bool {
        blocks(&self.file).contains_key(&(direction, block))
    }

    /// The directions whose rules differ from the file's.
    #[must_use]
    pub fn directions(&self) -> Vec<Direction> {
        let rules = |text: &str, direction: Direction| -> Vec<String> {
            outline(text)
                .into_iter()
                .filter(|rule| rule.direction == direction)
                .filter_map(|rule| text.get(rule.range).map(str::to_owned))
                .collect()
        };
        let mut differing = Direction::ALL.to_vec();
        differing.retain(|one| rules(&self.file, *one) != rules(&self.text, *one));
        differing
    }
}

/// Rules as they are written, and how often.
type Blocks<'t> = BTreeMap<(Direction, &'t str), usize>;

fn blocks(text: &str) -> Blocks<'_> {
    let mut found = Blocks::new();
    for rule in outline(text) {
        let block = text.get(rule.range).unwrap_or_default();
        *found.entry((rule.direction, block)).or_insert(0) += 1;
    }
    found
}
