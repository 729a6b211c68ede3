//! The journal of a transaction: what each step of each attempt did.

use serde::{Deserialize, Serialize};

use super::{Failure, Timestamp};

/// A step of an attempt, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Read the source as it is now.
    Fetch,
    /// Decide whether this connector wants it.
    Filter,
    /// Turn source into output by the mapping's rules.
    Map,
    /// Hold the output against the target's field catalogue.
    Validate,
    /// Create or update the target.
    Deliver,
    /// Write the correlation.
    Link,
    /// Carry files over.
    Attach,
    /// Carry messages and notes over.
    Message,
}

impl Step {
    /// The word for people, keys and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Filter => "filter",
            Self::Map => "map",
            Self::Validate => "validate",
            Self::Deliver => "deliver",
            Self::Link => "link",
            Self::Attach => "attach",
            Self::Message => "message",
        }
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum StepOutcome {
    /// Begun; written before a create is sent, so that a crash can be told from a refusal.
    Intended,
    /// It worked.
    Done,
    /// It rightly ended the attempt, e.g. a filter that did not match.
    Stopped,
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When the step ended.
    pub at: Timestamp,
    /// The attempt it belongs to, counted from 1.
    pub attempt: u32,
    /// Which step.
    pub step: Step,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: StepOutcome,
    /// What a reader wants to know, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
    /// The HTTP calls it made, redacted and bounded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// One HTTP call as it may be shown: secrets taken out, bodies bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The address, without secrets.
    pub url: String,
    /// The headers sent, without secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_headers: Vec<(String, String)>,
    /// The beginning of the body sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<String>,
    /// The status, if an answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The headers that came back, without secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<(String, String)>,
    /// The beginning of the body that came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<String>,
    /// Why no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
}

/// What is kept of a transaction beside its row, each apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayloadKind {
    /// The body that triggered it.
    Trigger,
    /// The source as fetched (JSON).
    Source,
    /// What the mapping made of it (JSON).
    Output,
    /// What was in fact sent: the changed fields only (JSON).
    Sent,
}

impl PayloadKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Trigger, Self::Source, Self::Output, Self::Sent];

    /// The small number that stands for the kind in keys. Never changes its meaning.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Trigger => 0,
            Self::Source => 1,
            Self::Output => 2,
            Self::Sent => 3,
        }
    }

    /// The word for people and addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Source => "source",
            Self::Output => "output",
            Self::Sent => "sent",
        }
    }
}
