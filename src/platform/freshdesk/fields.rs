//! The fields of tickets as an account has them.

use serde_json::Value;

use super::json;
use crate::model::FieldKind;

/// A field as `/ticket_fields` or `/admin/ticket_fields` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TicketField {
    /// The member of a ticket (or of its `custom_fields`) that holds it.
    pub(super) name: String,
    /// What agents call it.
    pub(super) label: String,
    /// Whether the account made it, so that it stands under `custom_fields`.
    pub(super) custom: bool,
    /// Its type.
    pub(super) kind: FieldKind,
    /// Whether creating a ticket needs it.
    pub(super) required: bool,
    /// What it allows.
    pub(super) choices: Choices,
    /// Whether other fields depend on it that were not named along with it.
    pub(super) lacks_dependents: bool,
}

/// The values a field allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Choices {
    /// Any.
    #[default]
    Any,
    /// A number is sent, a label is seen.
    Numbered(Vec<(i64, String)>),
    /// What is sent is what is seen.
    Texts(Vec<String>),
}

/// A value among those that a field allows.
pub(super) struct NoSuchChoice {
    /// The allowed ones, for people.
    pub(super) allowed: String,
}

impl Choices {
    /// The value to be sent for a value that a mapping made: a label, in any case, or the value itself.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value, NoSuchChoice> {
        let text = json::text(value);
        let text = text.trim();
        let found = match self {
            Self::Any => Some(value.clone()),
            Self::Numbered(choices) => choices
                .iter()
                .find(|(_, label)| super::filter::same(label, text))
                .or_else(|| {
                    choices
                        .iter()
                        .find(|(number, _)| number.to_string() == text)
                })
                .map(|(number, _)| (*number).into()),
            Self::Texts(choices) => choices
                .iter()
                .find(|choice| *choice == text)
                .or_else(|| {
                    choices
                        .iter()
                        .find(|choice| super::filter::same(choice, text))
                })
                .map(|choice| choice.clone().into()),
        };
        found.ok_or_else(|| NoSuchChoice {
            allowed: self.listed(),
        })
    }

    /// The label of a number.
    pub(super) fn label(&self, number: i64) -> Option<&str> {
        let Self::Numbered(choices) = self else {
            return None;
        };
        let choice = choices.iter().find(|(candidate, _)| *candidate == number)?;
        Some(&choice.1)
    }

    /// The allowed values in a sentence, the first few of them.
    pub(super) fn listed(&self) -> String {
        const SHOWN: usize = 30;
        let (mut shown, count): (Vec<String>, usize) = match self {
            Self::Any => return "anything".to_owned(),
            Self::Numbered(choices) => (
                choices
                    .iter()
                    .take(SHOWN)
                    .map(|(number, label)| format!("{label} ({number})"))
                    .collect(),
                choices.len(),
            ),
            Self::Texts(choices) => (choices.iter().take(SHOWN).cloned().collect(), choices.len()),
        };
        if count > SHOWN {
            shown.push(format!("and {} more", count - SHOWN));
        }
        shown.join(", ")
    }
}

/// The fields of tickets.
#[derive(Clone, Debug)]
pub(super) struct TicketFields {
    /// The fields, in the vendor's order.
    pub(super) fields: Vec<TicketField>,
    /// Whether the account told them; otherwise only what all accounts have is known.
    pub(super) from_account: bool,
}

impl TicketFields {
    /// What every account has, for when the account's own list can't be read.
    pub(super) fn built_in() -> Self {
        let numbered = |name: &str, label: &str, choices: &[(i64, &str)]| TicketField {
            name: name.to_owned(),
            label: label.to_owned(),
            custom: false,
            kind: FieldKind::Integer,
            required: false,
            choices: Choices::Numbered(
                choices
                    .iter()
                    .map(|(number, label)| (*number, (*label).to_owned()))
                    .collect(),
            ),
            lacks_dependents: false,
        };
        Self {
            fields: vec![
                numbered("status", "Status", &STATUSES),
                numbered("priority", "Priority", &PRIORITIES),
                numbered("source", "Source", &SOURCES),
            ],
            from_account: false,
        }
    }

    /// A field that all tickets have.
    pub(super) fn standard(&self, name: &str) -> Option<&TicketField> {
        self.fields
            .iter()
            .find(|field| !field.custom && field.name == name)
    }

    /// A field that the account made.
    pub(super) fn custom(&self, name: &str) -> Option<&TicketField> {
        self.fields
            .iter()
            .find(|field| field.custom && field.name == name)
    }

    /// The label of a number in a standard field, e.g. of a status.
    pub(super) fn label(&self, name: &str, number: i64) -> Option<&str> {
        self.standard(name)?.choices.label(number)
    }

    /// Whether some dependent fields are not named: the list for agents may leave them out.
    pub(super) fn lacks_dependents(&self) -> bool {
        self.fields.iter().any(|field| field.lacks_dependents)
    }

    /// Takes over the custom fields that only another list names.
    pub(super) fn add_unknown(&mut self, other: Self) {
        for field in other.fields {
            if field.custom && self.custom(&field.name).is_none() {
                self.fields.push(field);
            }
        }
    }
}

const STATUSES: [(i64, &str); 6] = [
    (2, "Open"),
    (3, "Pending"),
    (4, "Resolved"),
    (5, "Closed"),
    (6, "Waiting on Customer"),
    (7, "Waiting on Third Party"),
];
const PRIORITIES: [(i64, &str); 4] = [(1, "Low"), (2, "Medium"), (3, "High"), (4, "Urgent")];
const SOURCES: [(i64, &str); 6] = [
    (1, "Email"),
    (2, "Portal"),
    (3, "Phone"),
    (7, "Chat"),
    (9, "Feedback widget"),
    (10, "Outbound email"),
];
