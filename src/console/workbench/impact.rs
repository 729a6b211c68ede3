//! What the draft would change of what is stored: how far it is worked out, and the result.

use std::collections::BTreeSet;

use crate::engine::{FieldImpact, Impact, ImpactExample};
use crate::model::Direction;

/// All that is known of impacts.
#[derive(Clone, Debug, Default)]
pub struct ImpactBook {
    /// The run under way.
    pub run: Option<Run>,
    /// The last result.
    pub last: Option<Summary>,
    /// Why the last run came to none.
    pub problem: Option<String>,
}

/// A run under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub number: u64,
    /// The text that is tried.
    pub text: String,
    /// On which direction's transactions; both without one.
    pub direction: Option<Direction>,
    /// Looked at so far.
    pub looked_at: usize,
    /// Of so many.
    pub of: usize,
}

/// A result, with what it is of.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The text that was tried.
    pub text: String,
    /// On which direction's transactions; both without one.
    pub direction: Option<Direction>,
    /// The result.
    pub impact: Box<Impact>,
}

impl Summary {
    /// How many transactions it is about.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.impact.looked_at + self.impact.without_source
    }

    /// The result in a line: `fixes 12 · changes 3 · breaks 0 of 500`.
    #[must_use]
    pub fn line(&self, dot: &str) -> String {
        let impact = &self.impact;
        format!(
            "fixes {} {dot} changes {} {dot} breaks {} of {}",
            impact.fixed,
            impact.changed,
            impact.broken,
            self.seen()
        )
    }
}

impl ImpactBook {
    /// The result, if it is of this text.
    #[must_use]
    pub fn of(&self, text: &str) -> Option<&Summary> {
        self.last.as_ref().filter(|summary| summary.text == text)
    }
}

/// The result as it is looked through: which lines are open, and where in it.
#[derive(Clone, Debug, Default)]
pub struct ImpactView {
    /// The selected line.
    pub selected: usize,
    /// The first line in sight.
    pub offset: usize,
    /// The fields whose examples are shown.
    pub open: BTreeSet<usize>,
}

/// A line of the result.
#[derive(Clone, Copy, Debug)]
pub enum ImpactRow<'i> {
    /// How one field changes.
    Field(usize, &'i FieldImpact),
    /// One transaction in which it does.
    Example(&'i FieldImpact, &'i ImpactExample),
}

impl ImpactView {
    /// The lines there are.
    #[must_use]
    pub fn rows<'i>(&self, impact: &'i Impact) -> Vec<ImpactRow<'i>> {
        let mut rows = Vec::new();
        for (index, field) in impact.fields.iter().enumerate() {
            rows.push(ImpactRow::Field(index, field));
            if self.open.contains(&index) {
                let examples = field.examples.iter();
                rows.extend(examples.map(|example| ImpactRow::Example(field, example)));
            }
        }
        rows
    }

    /// Brings the selected line into sight.
    pub fn reveal(&mut self, lines: usize, rows: usize) {
        self.selected = self.selected.min(lines.saturating_sub(1));
        if self.selected < self.offset {
            self.offset = self.selected;
        } else if self.selected >= self.offset + rows.max(1) {
            self.offset = self.selected + 1 - rows.max(1);
        }
        self.offset = self.offset.min(lines.saturating_sub(rows));
    }
}
