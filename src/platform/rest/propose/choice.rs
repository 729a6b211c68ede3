//! What a person chooses of what a description offers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a connector needs an operation for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Reads one record.
    Fetch,
    /// Describes a record's fields.
    Metadata,
    /// Creates a record.
    Create,
    /// Changes a record.
    Update,
    /// Attaches a file to a record.
    Attach,
    /// Lists records.
    List,
}

impl Purpose {
    /// All purposes, the fetch, on which the others depend, first.
    pub const ALL: [Self; 6] = [
        Self::Fetch,
        Self::Metadata,
        Self::Create,
        Self::Update,
        Self::Attach,
        Self::List,
    ];

    /// The word for people and flags.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Metadata => "metadata",
            Self::Create => "create",
            Self::Update => "update",
            Self::Attach => "attach",
            Self::List => "list",
        }
    }

    /// What such an operation does.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Fetch => "reads one record; no connector can do without",
            Self::Metadata => {
                "describes a record's fields, if the API can say more than the description"
            }
            Self::Create => "creates a record (outbound create)",
            Self::Update => "changes a record",
            Self::Attach => "attaches a file to a record",
            Self::List => "lists records, to find what was missed and what ended in doubt",
        }
    }

    /// Its key in the settings.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Fetch => "record_fetch",
            Self::Metadata => "record_metadata",
            Self::Create => "record_create",
            Self::Update => "record_update",
            Self::Attach => "attachment_upload",
            Self::List => "record_list",
        }
    }

    /// Whether such an operation is about one record, whose id it is given.
    pub(super) fn takes_id(self) -> bool {
        matches!(self, Self::Fetch | Self::Update | Self::Attach)
    }

    /// Whether such an operation changes records.
    pub(super) fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Attach)
    }
}

/// All that is chosen for a connector. What is left out is left to the description, or not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What people call the connector; its id without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The operations, by their names in the description or as `GET /path`.
    #[serde(default)]
    pub operations: BTreeMap<Purpose, String>,
    /// Where the API answers; where the description says without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Where in an answer the record is; empty when the answer is the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
    /// The record's id; `id` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_field: Option<String>,
    /// What to call a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_field: Option<String>,
    /// When a record last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at_field: Option<String>,
    /// The field that holds our marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker_field: Option<String>,
    /// The security scheme by which we prove who we are; none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The user name or the client's id, where the scheme has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Values of the parameters that the operations need besides the record's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

impl Choice {
    /// The operation chosen for a purpose.
    #[must_use]
    pub fn operation(&self, purpose: Purpose) -> Option<&str> {
        self.operations.get(&purpose).map(String::as_str)
    }
}

/// Why no connector can be made of a choice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceProblem {
    /// Nothing reads a record.
    #[error("no operation is chosen that reads one record; a connector can't do without (fetch)")]
    NoFetch,
    /// The operation that is to read one record can't be told which.
    #[error("{0} can't read one record: it has no parameter for the record's id")]
    NoId(String),
    /// The description has no such operation.
    #[error(
        "the description has no operation `{name}` ({}); name one by its id or as `GET /path`",
        .purpose.word()
    )]
    NoSuchOperation {
        /// What it was chosen for.
        purpose: Purpose,
        /// The name.
        name: String,
    },
    /// The description has no such way in.
    #[error("the description has no security scheme `{0}` that a connector can use")]
    NoSuchCredential(String),
}
