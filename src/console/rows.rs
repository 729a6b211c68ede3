//! Failure groups and transactions as rows: what they are filtered and sorted by.

use std::cmp::Ordering;

use super::app::{GroupSort, Order, RowSort};
use super::filter::Filtered;
use crate::model::Transaction;
use crate::store::FailureGroup;

impl Filtered for FailureGroup {
    fn value(&self, key: &str) -> Option<String> {
        Some(match key {
            "connector" => self.connector.to_string(),
            "step" => self.step.word().to_owned(),
            "category" | "class" => self.category.word().to_owned(),
            "rule" => self.rule?.to_string(),
            "cause" => self.cause.clone(),
            _ => return None,
        })
    }

    fn haystack(&self) -> String {
        format!(
            "{} {} {} {}",
            self.connector,
            self.step.word(),
            self.category,
            self.cause
        )
    }
}

impl Filtered for Transaction {
    fn value(&self, key: &str) -> Option<String> {
        let failure = self.failure.as_ref();
        Some(match key {
            "connector" => self.connector.to_string(),
            "state" => self.state.word().to_owned(),
            "direction" => self.direction.word().to_owned(),
            "record" => self.record.as_ref()?.to_string(),
            "wo" | "work_order" => self.work_order?.to_string(),
            "event" => self.event?.to_string(),
            "step" => failure?.0.word().to_owned(),
            "category" | "class" => failure?.1.category.word().to_owned(),
            "cause" => failure?.1.cause.clone(),
            _ => return None,
        })
    }

    fn haystack(&self) -> String {
        let mut text = format!(
            "{} {} {} {} {}",
            self.id,
            self.connector,
            self.state.word(),
            subject(self),
            about(self)
        );
        if let Some(label) = &self.label {
            text.push(' ');
            text.push_str(label);
        }
        text
    }
}

/// What a transaction is about: its record and work order.
#[must_use]
pub fn subject(row: &Transaction) -> String {
    match (&row.record, row.work_order) {
        (Some(record), Some(order)) => format!("{record} / WO {order}"),
        (Some(record), None) => record.to_string(),
        (None, Some(order)) => format!("WO {order}"),
        (None, None) => String::new(),
    }
}

/// What there is to say of a transaction: why it failed or was skipped, else its label.
#[must_use]
pub fn about(row: &Transaction) -> String {
    if let Some((_, reason)) = &row.discarded {
        return format!("discarded: {reason}");
    }
    if let Some(reason) = &row.skipped {
        return reason.word().to_owned();
    }
    match (&row.failure, &row.label) {
        (Some((_, failure)), _) => failure.cause.clone(),
        (None, Some(label)) => label.clone(),
        (None, None) => String::new(),
    }
}

fn turned(order: Order, ordering: Ordering) -> Ordering {
    match order {
        Order::Natural => ordering,
        Order::Reversed => ordering.reverse(),
    }
}

/// How two groups stand to each other.
#[must_use]
pub fn compare_groups(
    sort: GroupSort,
    order: Order,
    one: &FailureGroup,
    other: &FailureGroup,
) -> Ordering {
    let by = match sort {
        GroupSort::Count => other.count.cmp(&one.count),
        GroupSort::Last => other.last_at.cmp(&one.last_at),
        GroupSort::Connector => one.connector.cmp(&other.connector),
        GroupSort::Step => one.step.cmp(&other.step),
        GroupSort::Cause => one.cause.cmp(&other.cause),
    };
    turned(order, by).then_with(|| one.fingerprint.cmp(&other.fingerprint))
}

/// How two transactions stand to each other.
#[must_use]
pub fn compare_rows(
    sort: RowSort,
    order: Order,
    one: &Transaction,
    other: &Transaction,
) -> Ordering {
    let step = |row: &Transaction| row.failure.as_ref().map(|(step, _)| *step);
    let by = match sort {
        RowSort::Accepted => other.id.cmp(&one.id),
        RowSort::Connector => one.connector.cmp(&other.connector),
        RowSort::State => one.state.cmp(&other.state),
        RowSort::Step => step(one).cmp(&step(other)),
        RowSort::Attempts => other.attempts.cmp(&one.attempts),
    };
    turned(order, by).then_with(|| other.id.cmp(&one.id))
}

impl GroupSort {
    /// The next column.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Count => Self::Last,
            Self::Last => Self::Connector,
            Self::Connector => Self::Step,
            Self::Step => Self::Cause,
            Self::Cause => Self::Count,
        }
    }

    /// The column's name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Last => "last",
            Self::Connector => "connector",
            Self::Step => "step",
            Self::Cause => "cause",
        }
    }
}

impl RowSort {
    /// The next column.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Accepted => Self::Connector,
            Self::Connector => Self::State,
            Self::State => Self::Step,
            Self::Step => Self::Attempts,
            Self::Attempts => Self::Accepted,
        }
    }

    /// The column's name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Connector => "connector",
            Self::State => "state",
            Self::Step => "step",
            Self::Attempts => "attempts",
        }
    }
}
