//! The made-up buyer company: people, custom fields, types of work.

use std::sync::LazyLock;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// What a custom field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldType {
    Text,
    Numeric,
    Date,
    Predefined,
}

impl FieldType {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Numeric => "numeric",
            Self::Date => "date",
            Self::Predefined => "predefined",
        }
    }
}

/// Whose field it is: the two groups of `custom_fields.results`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldRole {
    Buyer,
    Provider,
}

impl FieldRole {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Provider => "assigned_provider",
        }
    }
}

/// A custom field of the company.
#[derive(Clone, Debug)]
pub(super) struct CustomField {
    pub(super) id: u64,
    pub(super) name: &'static str,
    pub(super) kind: FieldType,
    pub(super) role: FieldRole,
    pub(super) flags: &'static [&'static str],
    pub(super) options: &'static [&'static str],
}

impl CustomField {
    /// Whether the company marks it as its Internal Ticket Number.
    pub(super) fn is_internal_id(&self) -> bool {
        self.flags.contains(&"internal_id")
    }

    /// Why it does not take a value; `None` when it does. Empty always clears.
    pub(super) fn objection(&self, value: &str) -> Option<String> {
        if value.is_empty() {
            return None;
        }
        match self.kind {
            FieldType::Text => None,
            FieldType::Numeric => value
                .parse::<f64>()
                .is_err()
                .then(|| format!("{} must be numeric", self.name)),
            FieldType::Date => value
                .parse::<jiff::civil::Date>()
                .is_err()
                .then(|| format!("{} must be a date (YYYY-MM-DD)", self.name)),
            FieldType::Predefined => (!self.options.contains(&value))
                .then(|| format!("{} must be one of: {}", self.name, self.options.join(", "))),
        }
    }
}

/// A person, on the buyer's or the provider's side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) id: u64,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) phone: &'static str,
}

impl Person {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    pub(super) fn email(&self) -> String {
        format!("{}.{}@example.com", self.first_name, self.last_name).to_lowercase()
    }
}

/// Something with an id and a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) id: u64,
    pub(super) name: &'static str,
}

const fn named(id: u64, name: &'static str) -> Named {
    Named { id, name }
}

const fn person(id: u64, first_name: &'static str, last_name: &'static str) -> Person {
    Person {
        id,
        first_name,
        last_name,
        phone: "555-0100",
    }
}

pub(super) const COMPANY_ID: u64 = 4_711;
pub(super) const COMPANY_NAME: &str = "Sandbox Field Services";
/// The zone the company's own times are shown in.
pub(super) static ZONE: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC));
/// The user the API credentials belong to.
pub(super) const API_USER: Person = person(1_068, "Integration", "User");
pub(super) const MANAGERS: [Person; 3] = [
    API_USER,
    person(1_070, "Morgan", "Placeholder"),
    person(1_071, "Taylor", "Sample"),
];
pub(super) const PROVIDERS: [Person; 4] = [
    person(90_001, "Jordan", "Technician"),
    person(90_002, "Riley", "Fieldtest"),
    person(90_003, "Casey", "Standin"),
    person(90_004, "Avery", "Mockup"),
];
pub(super) const TYPES_OF_WORK: [Named; 6] = [
    named(62, "Point of Sale"),
    named(63, "Networking"),
    named(64, "Printer"),
    named(65, "Structured Cabling"),
    named(66, "Digital Signage"),
    named(67, "Desktop / Laptop"),
];
pub(super) const CLIENTS: [Named; 1] = [named(301, "Harborlight Retail")];
pub(super) const PROJECTS: [Named; 1] = [named(401, "Harborlight Break/Fix")];
pub(super) const TEMPLATES: [Named; 1] = [named(501, "Break/Fix visit")];
pub(super) const TAGS: [Named; 3] = [
    named(601, "VIP"),
    named(602, "Parts on site"),
    named(603, "Escalated"),
];

/// The field flagged as Internal Ticket Number.
pub(super) const INTERNAL_ID_FIELD: u64 = 129;

/// The company's custom fields: buyer fields first, then provider fields.
pub(super) const CUSTOM_FIELDS: [CustomField; 6] = [
    CustomField {
        id: INTERNAL_ID_FIELD,
        name: "Ticket Number",
        kind: FieldType::Text,
        role: FieldRole::Buyer,
        flags: &["internal_id", "shown_in_header"],
        options: &[],
    },
    CustomField {
        id: 130,
        name: "Site Code",
        kind: FieldType::Text,
        role: FieldRole::Buyer,
        flags: &["seen_by_provider"],
        options: &[],
    },
    CustomField {
        id: 131,
        name: "Service Level",
        kind: FieldType::Predefined,
        role: FieldRole::Buyer,
        flags: &["seen_by_provider"],
        options: &["Standard", "Next Day", "Same Day", "Emergency"],
    },
    CustomField {
        id: 132,
        name: "Requested By Date",
        kind: FieldType::Date,
        role: FieldRole::Buyer,
        flags: &[],
        options: &[],
    },
    CustomField {
        id: 835,
        name: "Replaced Serial Number",
        kind: FieldType::Text,
        role: FieldRole::Provider,
        flags: &["seen_by_provider", "required_during_checkin"],
        options: &[],
    },
    CustomField {
        id: 836,
        name: "Travel Minutes",
        kind: FieldType::Numeric,
        role: FieldRole::Provider,
        flags: &["seen_by_provider"],
        options: &[],
    },
];

/// The custom field of an id.
pub(super) fn custom_field(id: u64) -> Option<&'static CustomField> {
    static FIELDS: &[CustomField] = &CUSTOM_FIELDS;
    FIELDS.iter().find(|field| field.id == id)
}

/// The one of an id among several.
pub(super) fn by_id(items: &[Named], id: u64) -> Option<Named> {
    items.iter().find(|item| item.id == id).copied()
}

/// A provider by user id.
pub(super) fn provider(id: u64) -> Option<Person> {
    PROVIDERS.into_iter().find(|person| person.id == id)
}

/// A manager by user id.
pub(super) fn manager(id: u64) -> Option<Person> {
    MANAGERS.into_iter().find(|person| person.id == id)
}

/// `GET /custom-fields`: the definitions, as `WorkorderCustomFieldDto`.
pub(super) fn definitions() -> Vec<Value> {
    let number = |is: bool| u8::from(is);
    let definition = |field: &CustomField| {
        json!({
            "id": field.id,
            "name": field.name,
            "tip": "",
            "type": field.kind.word(),
            "required": number(field.flags.contains(&"required")),
            "internal": number(field.is_internal_id()),
            "unique": number(field.flags.contains(&"unique")),
            "for_tech": number(field.role == FieldRole::Provider),
            "actions": [],
            "admin_edit_only": 0,
            "template": 0,
            "flags": field.flags,
            "options": field.options,
            "dependency": {},
        })
    };
    CUSTOM_FIELDS.iter().map(definition).collect()
}
