//! What the mapping is tried on.

use serde_json::Value;

use crate::engine::Sample;
use crate::model::{RecordId, TransactionId};

/// A sample as it was chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Chosen {
    /// A stored transaction, and what it is about.
    Transaction(TransactionId, String),
    /// A record, fetched now.
    Record(RecordId),
    /// The record that the connector's settings name as a template.
    Template(RecordId),
    /// A source given as it is, and where it is from.
    Given(String, Value),
}

impl Chosen {
    /// What is asked of the engine.
    #[must_use]
    pub fn sample(&self) -> Sample {
        match self {
            Self::Transaction(id, _) => Sample::Transaction(*id),
            Self::Record(record) | Self::Template(record) => Sample::Record(record.clone()),
            Self::Given(_, source) => Sample::Source(source.clone()),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Transaction(_, label) => label.clone(),
            Self::Record(record) => format!("record {record}"),
            Self::Template(record) => format!("template record {record}"),
            Self::Given(what, _) => what.clone(),
        }
    }

    /// The transaction it was taken from, if it was one.
    #[must_use]
    pub fn transaction(&self) -> Option<TransactionId> {
        match self {
            Self::Transaction(id, _) => Some(*id),
            Self::Record(_) | Self::Template(_) | Self::Given(..) => None,
        }
    }
}

/// Reads a sample from text.
///
/// # Errors
/// What is wrong with it, with line and column.
pub fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| {
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        format!(
            "this is no JSON: {what} at line {}, column {}",
            error.line(),
            error.column()
        )
    })
}
