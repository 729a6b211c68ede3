//! The made-up app: jobs, and what hangs on them. Built-in fields 1 to 5 are those of every table.

use serde_json::{Value, json};

/// The app.
pub(super) const APP: &str = "bfbapp001";
/// The table of jobs.
pub(super) const JOBS: &str = "bfbjobs01";
/// The table of messages.
pub(super) const MESSAGES: &str = "bfbmsgs01";
/// The table of documents.
pub(super) const DOCUMENTS: &str = "bfbdocs01";
/// The table of work times.
pub(super) const TIMES: &str = "bfbtime01";

/// A job's title.
pub(super) const TITLE: u64 = 6;
/// A job's status.
pub(super) const STATUS: u64 = 11;
/// A job's work order at Field Nation.
pub(super) const WORK_ORDER: u64 = 18;
/// The number of messages of a job.
pub(super) const MESSAGE_COUNT: u64 = 28;
/// The job that a message, document or time belongs to.
pub(super) const RELATED: u64 = 7;
/// The text of a message, the file of a document, the hours of a time.
pub(super) const CONTENT: u64 = 6;
/// The checkbox that marks internal messages; in the table of times, what an entry is met again by.
pub(super) const EIGHT: u64 = 8;

/// The status that asks for a field technician.
pub(super) const DISPATCH: &str = "Dispatch to FN";
/// The status of a job that is done and paid.
pub(super) const CLOSED: &str = "Closed";

/// A table.
pub(super) struct TableSpec {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) single: &'static str,
    pub(super) fields: &'static [FieldSpec],
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldSpec {
    pub(super) id: u64,
    pub(super) label: &'static str,
    /// The vendor's word for its type.
    pub(super) kind: &'static str,
    pub(super) origin: Origin,
    pub(super) rule: Rule,
    pub(super) choices: &'static [&'static str],
    pub(super) max_length: usize,
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The vendor keeps it itself.
    BuiltIn,
    /// People and programs write it.
    Entered,
    /// Worked out by a formula.
    Formula,
    /// A field of the related job.
    Lookup(u64),
    /// Counted over related rows.
    Summary,
}

/// What is special about a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    None,
    Required,
    Unique,
    AppendOnly,
    Key,
    ForeignKey,
}

const fn field(id: u64, label: &'static str, kind: &'static str) -> FieldSpec {
    FieldSpec {
        id,
        label,
        kind,
        origin: Origin::Entered,
        rule: Rule::None,
        choices: &[],
        max_length: 0,
    }
}

impl FieldSpec {
    const fn with(self, rule: Rule) -> Self {
        Self { rule, ..self }
    }

    const fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    const fn of(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }

    const fn up_to(self, max_length: usize) -> Self {
        Self { max_length, ..self }
    }

    /// Whether programs may write it.
    pub(super) fn is_writable(&self) -> bool {
        self.origin == Origin::Entered
    }

    /// As `GET /fields` shows it.
    pub(super) fn shown(&self) -> Value {
        let mode = match self.origin {
            Origin::BuiltIn | Origin::Entered => "",
            Origin::Formula => "formula",
            Origin::Lookup(_) => "lookup",
            Origin::Summary => "summary",
        };
        let mut properties = json!({
            "primaryKey": self.rule == Rule::Key,
            "foreignKey": self.rule == Rule::ForeignKey,
            "allowNewChoices": false,
            "sortAsGiven": true,
            "carryChoices": true,
            "formula": "",
            "defaultValue": "",
        });
        if matches!(self.kind, "text" | "text-multi-line" | "rich-text") {
            properties["maxLength"] = json!(self.max_length);
            properties["appendOnly"] = json!(self.rule == Rule::AppendOnly);
            properties["allowHTML"] = json!(self.kind == "rich-text");
        }
        if !self.choices.is_empty() {
            properties["choices"] = json!(self.choices);
        }
        json!({
            "id": self.id,
            "label": self.label,
            "fieldType": self.kind,
            "mode": mode,
            "noWrap": false,
            "bold": false,
            "required": self.rule == Rule::Required,
            "appearsByDefault": true,
            "findEnabled": true,
            "unique": matches!(self.rule, Rule::Unique | Rule::Key),
            "doesDataCopy": true,
            "fieldHelp": "",
            "audited": false,
            "properties": properties,
        })
    }
}

const fn built_in(id: u64, label: &'static str, kind: &'static str) -> FieldSpec {
    field(id, label, kind).from(Origin::BuiltIn)
}

const CREATED: FieldSpec = built_in(1, "Date Created", "timestamp");
const MODIFIED: FieldSpec = built_in(2, "Date Modified", "timestamp");
const RECORD_ID: FieldSpec = built_in(3, "Record ID#", "recordid").with(Rule::Key);
const OWNER: FieldSpec = built_in(4, "Record Owner", "user");
const MODIFIED_BY: FieldSpec = built_in(5, "Last Modified By", "user");
const RELATED_JOB: FieldSpec = field(RELATED, "Related Job", "numeric").with(Rule::ForeignKey);

const STATUSES: &[&str] = &["New", DISPATCH, "Scheduled", "On hold", "Work done", CLOSED];

/// The tables of the app.
pub(super) const TABLES: [TableSpec; 4] = [
    TableSpec {
        id: JOBS,
        name: "Jobs",
        single: "Job",
        fields: &[
            CREATED,
            MODIFIED,
            RECORD_ID,
            OWNER,
            MODIFIED_BY,
            field(TITLE, "Title", "text")
                .with(Rule::Required)
                .up_to(200),
            field(7, "Description", "text-multi-line"),
            field(8, "Site address", "text"),
            field(9, "City", "text"),
            field(10, "State", "text"),
            field(STATUS, "Status", "text-multiple-choice").of(STATUSES),
            field(12, "Site name", "text"),
            field(13, "ZIP code", "text"),
            field(14, "Scheduled start", "timestamp"),
            field(15, "Pay", "currency"),
            field(16, "Site contact", "text"),
            field(17, "Contact phone", "phone"),
            field(WORK_ORDER, "FN work order", "text").with(Rule::Unique),
            field(19, "Priority", "text-multiple-choice").of(&["Low", "Normal", "High"]),
            field(20, "Completion notes", "text-multi-line").with(Rule::AppendOnly),
            field(21, "Completion date", "date"),
            field(22, "Photo", "file"),
            field(23, "Lift needed", "checkbox"),
            field(24, "Technician", "text"),
            field(25, "Expected on site", "timestamp"),
            field(26, "Skills", "multitext").of(&["Network", "Power", "Printers"]),
            field(27, "Days open", "numeric").from(Origin::Formula),
            field(MESSAGE_COUNT, "# of messages", "numeric").from(Origin::Summary),
            field(29, "Coordinator", "user"),
            field(30, "Summary for the customer", "rich-text"),
        ],
    },
    TableSpec {
        id: MESSAGES,
        name: "Messages",
        single: "Message",
        fields: &[
            CREATED,
            MODIFIED,
            RECORD_ID,
            OWNER,
            MODIFIED_BY,
            field(CONTENT, "Body", "rich-text").with(Rule::Required),
            RELATED_JOB,
            field(EIGHT, "Internal", "checkbox"),
            field(9, "Job - Title", "text").from(Origin::Lookup(TITLE)),
        ],
    },
    TableSpec {
        id: DOCUMENTS,
        name: "Documents",
        single: "Document",
        fields: &[
            CREATED,
            MODIFIED,
            RECORD_ID,
            OWNER,
            MODIFIED_BY,
            field(CONTENT, "File", "file"),
            RELATED_JOB,
            field(8, "Comment", "text"),
        ],
    },
    TableSpec {
        id: TIMES,
        name: "Work times",
        single: "Work time",
        fields: &[
            CREATED,
            MODIFIED,
            RECORD_ID,
            OWNER,
            MODIFIED_BY,
            field(CONTENT, "Hours", "numeric").with(Rule::Required),
            RELATED_JOB,
            field(EIGHT, "FN entry", "text").with(Rule::Unique),
            field(9, "Notes", "text-multi-line"),
        ],
    },
];

impl TableSpec {
    pub(super) fn field(&self, id: u64) -> Option<&'static FieldSpec> {
        self.fields.iter().find(|field| field.id == id)
    }
}
