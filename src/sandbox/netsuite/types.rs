//! The record types of the account: their fields, their lists, and what may be written.
//!
//! Standard fields of cases are those of the REST API Browser's table; the others are what this made-up account added.

use serde_json::{Map, Value, json};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Integer,
    Date,
    Moment,
    /// An entry of a list.
    List(&'static [(u64, &'static str)]),
    /// Another record.
    Record(&'static str),
    /// Lines of their own.
    Lines,
}

/// Who may write a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Whoever may edit the record.
    Open,
    /// The system alone.
    System,
    /// Nobody through REST, though the catalogue lists it.
    Closed,
}

/// A field of a record type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: Kind,
    pub(super) access: Access,
}

impl Field {
    pub(super) fn is_custom(&self) -> bool {
        self.name.starts_with("cust")
    }
}

/// A record type.
#[derive(Debug)]
pub(super) struct RecordType {
    /// Its name in addresses.
    pub(super) name: &'static str,
    /// Its name in SuiteQL.
    pub(super) table: &'static str,
    /// The field that names the moment of the last change, in bodies and in SuiteQL.
    pub(super) changed: (&'static str, &'static str),
    /// Whether records have external ids through REST.
    pub(super) has_external_id: bool,
    /// What a new record needs.
    pub(super) required: &'static [&'static str],
    pub(super) fields: &'static [Field],
}

const fn field(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field {
        name,
        label,
        kind,
        access: Access::Open,
    }
}

const fn system(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field {
        name,
        label,
        kind,
        access: Access::System,
    }
}

const fn closed(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        label: name,
        kind,
        access: Access::Closed,
    }
}

/// The statuses of cases. The last is the account's own.
pub(super) const STATUSES: &[(u64, &str)] = &[
    (1, "Not Started"),
    (2, "In Progress"),
    (3, "Escalated"),
    (4, "Re-Opened"),
    (5, "Closed"),
    (6, "Field Service Required"),
];

const PRIORITIES: &[(u64, &str)] = &[(1, "High"), (2, "Medium"), (3, "Low")];
const ORIGINS: &[(u64, &str)] = &[(1, "E-mail"), (2, "Phone"), (3, "Web")];
const EQUIPMENT: &[(u64, &str)] = &[(1, "Register"), (2, "Router"), (3, "Printer")];

const SUPPORT_CASE: &[Field] = &[
    field("assigned", "Assigned To", Kind::Record("employee")),
    system("caseNumber", "Number", Kind::Text),
    field("company", "Company", Kind::Record("customer")),
    field("contact", "Contact", Kind::Record("contact")),
    system("createdDate", "Date Created", Kind::Moment),
    closed("customForm", Kind::Record("customform")),
    field("email", "Email(s)", Kind::Text),
    closed("emailEmployees", Kind::Text),
    closed("emailForm", Kind::Flag),
    field("endDate", "Date Closed", Kind::Moment),
    closed("escalationMessage", Kind::Text),
    system("eventNumber", "Event Number", Kind::Integer),
    closed("externalId", Kind::Text),
    field("helpDesk", "Help Desk", Kind::Flag),
    closed("htmlMessage", Kind::Flag),
    system("id", "Internal ID", Kind::Text),
    closed("incomingMessage", Kind::Text),
    closed("internalOnly", Kind::Flag),
    field("isInactive", "Inactive", Kind::Flag),
    system("lastMessageDate", "Last Message Date", Kind::Moment),
    system("lastModifiedDate", "Last Modified", Kind::Moment),
    closed("mediaItem", Kind::Lines),
    closed("messageNew", Kind::Flag),
    closed("messageSave", Kind::Text),
    field("origin", "Origin", Kind::List(ORIGINS)),
    closed("outgoingMessage", Kind::Text),
    field("phone", "Phone", Kind::Text),
    field("priority", "Priority", Kind::List(PRIORITIES)),
    field("quickNote", "Quick Note", Kind::Text),
    closed("solutions", Kind::Lines),
    field("startDate", "Incident Date", Kind::Date),
    field("startTime", "Incident Time", Kind::Text),
    field("status", "Status", Kind::List(STATUSES)),
    closed("timeItem", Kind::Lines),
    field("title", "Subject", Kind::Text),
    field("custevent_fn_work_order", "FN work order", Kind::Text),
    field("custevent_fn_technician", "FN technician", Kind::Text),
    field("custevent_fn_scope", "Scope of work", Kind::Text),
    field("custevent_fn_closing_notes", "Closing notes", Kind::Text),
    field("custevent_fn_messages", "FN messages", Kind::Text),
    field("custevent_fn_start", "Visit at", Kind::Moment),
    field("custevent_site_code", "Site code", Kind::Text),
    field("custevent_site_address", "Site address", Kind::Text),
    field("custevent_site_city", "Site city", Kind::Text),
    field("custevent_site_state", "Site state", Kind::Text),
    field("custevent_site_zip", "Site ZIP", Kind::Text),
    field("custevent_equipment", "Equipment", Kind::List(EQUIPMENT)),
    field("custevent_lift_needed", "Lift needed", Kind::Flag),
    field("custevent_budget", "Budget", Kind::Integer),
];

const CUSTOMER: &[Field] = &[
    field("companyName", "Company Name", Kind::Text),
    field("email", "Email", Kind::Text),
    field("entityId", "Customer ID", Kind::Text),
    field("phone", "Phone", Kind::Text),
    field("addressBook", "Address", Kind::Lines),
    system("id", "Internal ID", Kind::Text),
    system("lastModifiedDate", "Last Modified", Kind::Moment),
];

const VISIT: &[Field] = &[
    system("created", "Date Created", Kind::Moment),
    system("id", "Internal ID", Kind::Text),
    system("lastModified", "Last Modified", Kind::Moment),
    field("name", "Name", Kind::Text),
    field("externalId", "External ID", Kind::Text),
    field(
        "custrecord_fn_visit_case",
        "Case",
        Kind::Record("supportCase"),
    ),
    field("custrecord_fn_visit_start", "Start", Kind::Moment),
    field("custrecord_fn_visit_end", "End", Kind::Moment),
    field("custrecord_fn_visit_note", "Note", Kind::Text),
];

/// The record types of the account.
pub(super) const TYPES: &[RecordType] = &[
    RecordType {
        name: "supportCase",
        table: "supportcase",
        changed: ("lastModifiedDate", "lastmodifieddate"),
        has_external_id: false,
        required: &["title", "company"],
        fields: SUPPORT_CASE,
    },
    RecordType {
        name: "customer",
        table: "customer",
        changed: ("lastModifiedDate", "lastmodifieddate"),
        has_external_id: true,
        required: &["companyName"],
        fields: CUSTOMER,
    },
    RecordType {
        name: "customrecord_fn_visit",
        table: "customrecord_fn_visit",
        changed: ("lastModified", "lastmodified"),
        has_external_id: true,
        required: &[],
        fields: VISIT,
    },
];

/// The record type of a name.
pub(super) fn named(name: &str) -> Option<&'static RecordType> {
    TYPES.iter().find(|record_type| record_type.name == name)
}

impl RecordType {
    /// The field of a name.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Its description as JSON Schema.
    pub(super) fn schema(&self, base_url: &str) -> Value {
        let properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| (field.name.to_owned(), property(field, base_url)))
            .collect();
        json!({
            "type": "object",
            "properties": properties,
            "$schema": "https://json-schema.org/draft-06/hyper-schema#",
            "x-ns-filterable": self.fields.iter().map(|field| field.name).collect::<Vec<_>>(),
        })
    }
}

fn property(field: &Field, base_url: &str) -> Value {
    let catalog = format!("{base_url}/services/rest/record/v1/metadata-catalog");
    let mut told = match field.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Integer => json!({"type": "integer", "format": "int64"}),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Moment => json!({"type": "string", "format": "date-time"}),
        Kind::List(_) | Kind::Record(_) => {
            json!({"$ref": format!("{catalog}/nsResource")})
        }
        Kind::Lines => json!({"$ref": format!("{catalog}/nsResourceCollection")}),
    };
    told["title"] = json!(field.label);
    told["nullable"] = json!(true);
    if field.is_custom() {
        told["x-ns-custom-field"] = json!(true);
    }
    told
}
