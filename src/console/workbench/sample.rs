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

/// A record as the engine fetched it for the first preview.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// As what it was chosen.
    pub chosen: Chosen,
    /// What it is called.
    pub label: String,
    /// Its source.
    pub source: Value,
}

impl Chosen {
    /// What is asked of the engine; a record that was fetched already is not fetched again.
    #[must_use]
    pub fn sample(&self, fetched: Option<&Fetched>) -> Sample {
        match self {
            Self::Transaction(id, _) => Sample::Transaction(*id),
            Self::Record(record) | Self::Template(record) => {
                match fetched.filter(|fetched| fetched.chosen == *self) {
                    Some(fetched) => Sample::Fetched {
                        record: record.clone(),
                        label: fetched.label.clone(),
                        source: fetched.source.clone(),
                    },
                    None => Sample::Record(record.clone()),
                }
            }
            Self::Given(_, source) => Sample::Source(source.clone()),
        }
    }

    /// Whether the engine has to ask the platform for it.
    #[must_use]
    pub fn is_fetched(&self) -> bool {
        matches!(self, Self::Record(_) | Self::Template(_))
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
