//! Choosing a sample: what there is to choose from.

use super::area::TextArea;
use super::sample::Chosen;
use crate::console::filter::Filter;
use crate::console::input::Input;
use crate::console::rows;
use crate::model::{Direction, Transaction};
use crate::store::PageCursor;

/// The list of samples.
#[derive(Clone, Debug, Default)]
pub struct Picker {
    /// What is always there: the template record, where one came from.
    pub fixed: Vec<Chosen>,
    /// The stored transactions read so far, newest first.
    pub rows: Vec<Transaction>,
    /// Where the next page begins.
    pub next: Option<PageCursor>,
    /// The ticket of the question under way.
    pub asked: Option<u64>,
    /// Why the last one was not answered.
    pub problem: Option<String>,
    /// The selected line.
    pub selected: usize,
    /// The first line in sight.
    pub offset: usize,
    /// What narrows the transactions.
    pub filter: Filter,
    /// The filter while it is typed.
    pub typing: Option<Input>,
}

/// A sample to be pasted.
#[derive(Clone, Debug, Default)]
pub struct Pasting {
    /// What is pasted so far.
    pub area: TextArea,
    /// Why it is no sample.
    pub problem: Option<String>,
}

/// One thing to choose.
#[derive(Clone, Debug)]
pub struct Choice<'p> {
    /// What is chosen.
    pub chosen: Chosen,
    /// The transaction it is taken from, where it is one of the stored.
    pub row: Option<&'p Transaction>,
}

impl Picker {
    /// What there is to choose, as the filter lets it.
    #[must_use]
    pub fn choices(&self) -> Vec<Choice<'_>> {
        let fixed = self.fixed.iter().filter(|_| self.filter.is_empty());
        let fixed = fixed.map(|chosen| Choice {
            chosen: chosen.clone(),
            row: None,
        });
        let passing = self.rows.iter().filter(|row| self.filter.passes(*row));
        let stored = passing.map(|row| Choice {
            chosen: of_row(row),
            row: Some(row),
        });
        fixed.chain(stored).collect()
    }

    /// Brings the selected line into sight.
    pub fn reveal(&mut self, rows: usize) {
        let lines = self.choices().len();
        self.selected = self.selected.min(lines.saturating_sub(1));
        if self.selected < self.offset {
            self.offset = self.selected;
        } else if self.selected >= self.offset + rows.max(1) {
            self.offset = self.selected + 1 - rows.max(1);
        }
        self.offset = self.offset.min(lines.saturating_sub(rows));
    }
}

/// A stored transaction as a sample.
#[must_use]
pub fn of_row(row: &Transaction) -> Chosen {
    let subject = match (row.direction, &row.record, row.work_order) {
        (Direction::Outbound, _, Some(order)) => format!("WO {order}"),
        (_, Some(record), _) => format!("record {record}"),
        _ => rows::subject(row),
    };
    let label = match &row.label {
        Some(label) => format!("{subject}: {label}"),
        None => subject,
    };
    Chosen::Transaction(row.id, label)
}
