//! What an adapter reads from and writes to a platform, in words common to all nine.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ConnectorId, RecordId, Timestamp, WorkOrderId};

/// A record as fetched, with what hangs on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// What to call it in a list, e.g. the ticket's summary.
    pub label: String,
    /// The record in the platform's own shape, related objects under their own keys. Mapping paths read this.
    pub fields: Value,
    /// Notes, oldest first; empty where the connector does not carry messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Files; empty where the connector does not carry files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileReference>,
    /// When it last changed, by the platform's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
    /// Whether the last change was made by the very account we use.
    #[serde(default)]
    pub changed_by_us: bool,
}

/// Who may read a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteVisibility {
    /// The customer too.
    Public,
    /// Staff only.
    Internal,
}

/// A note, comment, message or journal line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its id where it came from; empty for one that is yet to be written.
    pub id: String,
    /// The text, plain.
    pub text: String,
    /// Who may read it.
    pub visibility: NoteVisibility,
    /// Who wrote it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Whether the account we use wrote it.
    #[serde(default)]
    pub by_us: bool,
}

/// A file that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReference {
    /// Its id where it came from.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its media type, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Its size in bytes, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Where it can be fetched from, if the id alone does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether the account we use uploaded it.
    #[serde(default)]
    pub by_us: bool,
}

/// A file with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// What hangs on a record without being a field of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SideRecordKind {
    /// A schedule entry, service call or appointment.
    Schedule,
    /// A time entry.
    Time,
    /// A charge or expense.
    Charge,
}

/// What a side record stands for at Field Nation: by it the side record is found again when an answer was lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideSource {
    /// A time log, an expense or another object of the work order, by the id that the mapping tells.
    Object(String),
    /// The work order itself: the mapping makes one side record of the kind for it.
    WorkOrder(WorkOrderId),
}

impl fmt::Display for SideSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(id) => formatter.write_str(id),
            Self::WorkOrder(id) => write!(formatter, "WO-{id}"),
        }
    }
}

/// A side record to be written, its fields as the mapping made them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideRecord {
    /// What it is.
    pub kind: SideRecordKind,
    /// Its fields in the platform's own names.
    pub fields: Value,
    /// What it stands for.
    pub source: SideSource,
    /// The ids of the other side records of this kind that we wrote beside the same record: this is none of them,
    /// however alike.
    pub others: Vec<String>,
    /// When earlier attempts may have written it unheard; nothing if surely none did.
    pub attempted: Option<Attempted>,
}

/// Attempts of which it is not known what came of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempted {
    /// When the first began: what it made is not older.
    pub first: Timestamp,
    /// When the last began: what it made may not be shown for a while from then on.
    pub last: Timestamp,
}

impl SideRecord {
    /// The first of its kind beside a record, and never tried before.
    #[must_use]
    pub fn new(kind: SideRecordKind, fields: Value, source: SideSource) -> Self {
        Self {
            kind,
            fields,
            source,
            others: Vec::new(),
            attempted: None,
        }
    }
}

/// The text by which an object that we created can be found again on the other side.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marker(String);

impl Marker {
    /// Marks a record as the image of a work order: `FN-<work order>`.
    #[must_use]
    pub fn of_work_order(id: WorkOrderId) -> Self {
        Self(format!("FN-{id}"))
    }

    /// Marks a work order as the image of a record: `<connector>:<record>`.
    #[must_use]
    pub fn of_record(connector: &ConnectorId, record: &RecordId) -> Self {
        Self(format!("{connector}:{record}"))
    }

    /// The work order that a record's marker names.
    #[must_use]
    pub fn work_order(&self) -> Option<WorkOrderId> {
        self.0.strip_prefix("FN-")?.parse().ok().map(WorkOrderId)
    }

    /// The connector and record that a work order's marker names.
    #[must_use]
    pub fn record(&self) -> Option<(ConnectorId, RecordId)> {
        let (connector, record) = self.0.split_once(':')?;
        let connector = ConnectorId::new(connector).ok()?;
        (!record.is_empty()).then(|| (connector, RecordId::new(record)))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a text read back from the other side.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_name_what_they_mark() {
        let connector = ConnectorId::new("cw-main").unwrap();
        let record = RecordId::new("48:213");
        let marker = Marker::of_record(&connector, &record);
        assert_eq!(marker.record(), Some((connector, record)));
        assert_eq!(marker.work_order(), None);
        let marker = Marker::of_work_order(WorkOrderId(12345));
        assert_eq!(marker.as_str(), "FN-12345");
        assert_eq!(marker.work_order(), Some(WorkOrderId(12345)));
        assert_eq!(Marker::from_text("a ticket number").record(), None);
    }
}
