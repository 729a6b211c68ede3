//! The catalogue that mappings are written against, laid out as tickets are fetched.

use serde_json::{Map, Value};

use super::fields::{Choices, TicketField, TicketFields};
use crate::model::{Catalogue, Field, FieldKind, PicklistValue, Timestamp};

/// Makes the catalogue of an account's fields and of what a template ticket shows besides.
pub(super) fn of(fields: &TicketFields, template: Option<&Value>, read_at: Timestamp) -> Catalogue {
    let mut catalogue = Catalogue {
        fields: Vec::with_capacity(fields.fields.len() + 60),
        read_at,
    };
    for field in &fields.fields {
        add(&mut catalogue, described(field));
        if let Some(label) = label_member(&field.name).filter(|_| !field.custom) {
            let words = format!("{} (name)", field.label);
            add(
                &mut catalogue,
                Field::new(label, words, FieldKind::Text).read_only(),
            );
        }
    }
    for (path, label, kind) in WRITABLE {
        add(&mut catalogue, Field::new(path, label, kind));
    }
    for (path, label, kind) in READ_ONLY {
        add(&mut catalogue, Field::new(path, label, kind).read_only());
    }
    if let Some(template) = template {
        add_seen(&mut catalogue, template);
    }
    catalogue
}

/// The member that a fetched ticket has beside a number, with the number's label.
fn label_member(name: &str) -> Option<&'static str> {
    NAMED
        .iter()
        .find(|(number, _)| *number == name)
        .map(|(_, label)| *label)
}

/// The numbers of a ticket that a fetch puts into words, and where.
const NAMED: [(&str, &str); 3] = [
    ("status", "status_name"),
    ("priority", "priority_name"),
    ("source", "source_name"),
];

/// Puts a ticket's numbers into words beside them.
pub(super) fn put_into_words(ticket: &mut Map<String, Value>, fields: &TicketFields) {
    for (name, label) in NAMED {
        let value = ticket.get(name).and_then(Value::as_i64);
        if let Some(words) = value.and_then(|value| fields.label(name, value)) {
            ticket.insert(label.to_owned(), words.into());
        }
    }
}

/// Members that are written, besides those that the field list names.
const WRITABLE: [(&str, &str, FieldKind); 20] = [
    ("subject", "Subject", FieldKind::Text),
    ("description", "Description (HTML)", FieldKind::Text),
    ("type", "Type", FieldKind::Text),
    ("requester_id", "Requester", FieldKind::Integer),
    ("responder_id", "Agent", FieldKind::Integer),
    ("group_id", "Group", FieldKind::Integer),
    ("product_id", "Product", FieldKind::Integer),
    ("company_id", "Company", FieldKind::Integer),
    ("email_config_id", "Mailbox", FieldKind::Integer),
    (
        "email",
        "Requester's email, for a new ticket",
        FieldKind::Text,
    ),
    (
        "phone",
        "Requester's phone, for a new ticket",
        FieldKind::Text,
    ),
    (
        "name",
        "Requester's name, for a new ticket",
        FieldKind::Text,
    ),
    (
        "unique_external_id",
        "Requester's external id, for a new ticket",
        FieldKind::Text,
    ),
    ("tags", "Tags", FieldKind::List),
    (
        "cc_emails",
        "Cc addresses, for a new ticket",
        FieldKind::List,
    ),
    ("due_by", "Due", FieldKind::DateTime),
    ("fr_due_by", "First response due", FieldKind::DateTime),
    (
        "parent_id",
        "Parent ticket, for a new ticket",
        FieldKind::Integer,
    ),
    (
        "private_note",
        "Private note to be added (never read)",
        FieldKind::Text,
    ),
    (
        "public_note",
        "Public note to be added (never read)",
        FieldKind::Text,
    ),
];

/// Members that are only read.
const READ_ONLY: [(&str, &str, FieldKind); 31] = [
    ("id", "Ticket number", FieldKind::Integer),
    (
        "description_text",
        "Description (plain text)",
        FieldKind::Text,
    ),
    ("created_at", "Created", FieldKind::DateTime),
    ("updated_at", "Changed", FieldKind::DateTime),
    ("is_escalated", "Resolution overdue", FieldKind::Boolean),
    ("fr_escalated", "First response overdue", FieldKind::Boolean),
    ("spam", "Spam", FieldKind::Boolean),
    ("to_emails", "To addresses", FieldKind::List),
    ("fwd_emails", "Forward addresses", FieldKind::List),
    ("reply_cc_emails", "Reply cc addresses", FieldKind::List),
    ("attachments", "Attachments", FieldKind::List),
    ("requester", "Requester", FieldKind::Object),
    ("requester.id", "Requester's number", FieldKind::Integer),
    ("requester.name", "Requester's name", FieldKind::Text),
    ("requester.email", "Requester's email", FieldKind::Text),
    ("requester.phone", "Requester's phone", FieldKind::Text),
    ("requester.mobile", "Requester's mobile", FieldKind::Text),
    ("company", "Company", FieldKind::Object),
    ("company.id", "Company's number", FieldKind::Integer),
    ("company.name", "Company's name", FieldKind::Text),
    ("stats", "Times", FieldKind::Object),
    (
        "stats.agent_responded_at",
        "Agent responded",
        FieldKind::DateTime,
    ),
    (
        "stats.requester_responded_at",
        "Requester responded",
        FieldKind::DateTime,
    ),
    (
        "stats.first_responded_at",
        "First response",
        FieldKind::DateTime,
    ),
    (
        "stats.status_updated_at",
        "Status changed",
        FieldKind::DateTime,
    ),
    ("stats.reopened_at", "Reopened", FieldKind::DateTime),
    ("stats.resolved_at", "Resolved", FieldKind::DateTime),
    ("stats.closed_at", "Closed", FieldKind::DateTime),
    ("stats.pending_since", "Pending since", FieldKind::DateTime),
    ("custom_fields", "Custom fields", FieldKind::Object),
    (
        "association_type",
        "Kind of association",
        FieldKind::Integer,
    ),
];

/// Whether a member of a ticket may be written.
pub(super) fn is_writable(name: &str) -> bool {
    const UNLISTED: [&str; 5] = ["status", "priority", "source", "twitter_id", "facebook_id"];
    UNLISTED.contains(&name) || WRITABLE.iter().any(|(path, _, _)| *path == name)
}

/// Whether a member of a ticket is known and can't be written.
pub(super) fn is_read_only(name: &str) -> bool {
    READ_ONLY.iter().any(|(path, _, _)| *path == name)
        || NAMED.iter().any(|(_, label)| *label == name)
}

fn described(field: &TicketField) -> Field {
    let path = if field.custom {
        format!("custom_fields.{}", field.name)
    } else {
        field.name.clone()
    };
    let mut described = Field::new(path, &field.label, field.kind);
    // Any of five members names the requester, so none of them is required by itself.
    described.required = field.required && field.name != "requester_id";
    described.picklist = match &field.choices {
        Choices::Any => Vec::new(),
        Choices::Numbered(choices) => choices
            .iter()
            .map(|(number, label)| PicklistValue {
                value: number.to_string(),
                label: label.clone(),
            })
            .collect(),
        Choices::Texts(choices) => choices
            .iter()
            .map(|choice| PicklistValue {
                value: choice.clone(),
                label: choice.clone(),
            })
            .collect(),
    };
    described
}

fn add(catalogue: &mut Catalogue, field: Field) {
    if catalogue.field(&field.path).is_none() {
        catalogue.fields.push(field);
    }
}

/// Adds what a real ticket shows and no description names, two levels deep.
fn add_seen(catalogue: &mut Catalogue, ticket: &Value) {
    for (name, value) in ticket.as_object().into_iter().flatten() {
        add_seen_value(catalogue, name.clone(), value);
        for (member, value) in value.as_object().into_iter().flatten() {
            add_seen_value(catalogue, format!("{name}.{member}"), value);
        }
    }
}

fn add_seen_value(catalogue: &mut Catalogue, path: String, value: &Value) {
    let kind = match value {
        Value::Null => FieldKind::Any,
        Value::Bool(_) => FieldKind::Boolean,
        Value::Number(number) if number.is_f64() => FieldKind::Number,
        Value::Number(_) => FieldKind::Integer,
        Value::String(_) => FieldKind::Text,
        Value::Array(_) => FieldKind::List,
        Value::Object(_) => FieldKind::Object,
    };
    let label = path.replace(['_', '.'], " ");
    let field = Field::new(path, label, kind);
    let field = if field.path.starts_with("custom_fields.") {
        field
    } else {
        field.read_only()
    };
    add(catalogue, field);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn catalogue() -> Catalogue {
        let fields = TicketFields::read(&json!([
            {"name": "requester", "type": "default_requester", "default": true, "required_for_agents": true},
            {"name": "status", "label": "Status", "type": "default_status", "default": true, "required_for_agents": true,
             "choices": {"2": ["Open", "Open"]}},
            {"name": "cf_site", "label": "Site", "type": "custom_text", "default": false, "required_for_agents": true},
        ]));
        let template = json!({"id": 1, "sentiment_score": 44, "company": {"name": "x", "domain": "y"},
            "custom_fields": {"cf_hidden": null}});
        of(&fields, Some(&template), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn custom_fields_stand_where_tickets_have_them() {
        let catalogue = catalogue();
        let site = catalogue.field("custom_fields.cf_site").unwrap();
        assert!(site.required && !site.read_only);
        let status = catalogue.field("status").unwrap();
        assert!(status.required);
        assert_eq!(status.picklist[0].label, "Open");
        assert!(catalogue.field("status_name").unwrap().read_only);
        assert!(!catalogue.field("requester_id").unwrap().required);
        assert!(catalogue.field("requester.email").unwrap().read_only);
    }

    #[test]
    fn a_template_ticket_adds_what_it_shows() {
        let catalogue = catalogue();
        assert_eq!(
            catalogue.field("sentiment_score").unwrap().kind,
            FieldKind::Integer
        );
        assert!(catalogue.field("company.domain").unwrap().read_only);
        assert!(
            !catalogue
                .field("custom_fields.cf_hidden")
                .unwrap()
                .read_only
        );
    }

    #[test]
    fn no_path_stands_twice() {
        let catalogue = catalogue();
        let mut paths: Vec<_> = catalogue.fields.iter().map(|field| &field.path).collect();
        let all = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), all);
    }
}
