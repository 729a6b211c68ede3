//! Turning mapped fields into what the API takes, and saying all that is wrong with them at once.

use serde_json::{Map, Value};

use super::catalogue::is_writable;
use super::fields::{TicketField, TicketFields};
use super::settings::TagPolicy;
use super::value::{fit, list, number_of_text, taken};
use super::{html, json};
use crate::model::{Category, Failure, FieldKind};

/// What a body is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// A new ticket.
    Create {
        /// The requester if the mapping names none.
        default_requester: Option<&'a str>,
    },
    /// A change of a ticket.
    Update {
        /// The ticket as last read.
        base: &'a Value,
        /// How mapped tags are written.
        tags: TagPolicy,
    },
}

/// A body and the notes that were mapped beside it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Prepared {
    /// The ticket's fields.
    pub(super) body: Map<String, Value>,
    /// The text of a private note to be added.
    pub(super) private_note: Option<String>,
    /// The text of a public note to be added.
    pub(super) public_note: Option<String>,
}

/// Members that name the requester; a new ticket needs one of them.
const REQUESTER: [&str; 6] = [
    "requester_id",
    "email",
    "phone",
    "twitter_id",
    "facebook_id",
    "unique_external_id",
];

struct Builder<'a> {
    known: &'a TicketFields,
    purpose: Purpose<'a>,
    prepared: Prepared,
    problems: Vec<String>,
}

/// Prepares mapped fields.
///
/// # Errors
/// All that is wrong with them, one sentence each.
pub(super) fn prepare(
    fields: &Map<String, Value>,
    known: &TicketFields,
    purpose: Purpose<'_>,
) -> Result<Prepared, Vec<String>> {
    let mut builder = Builder {
        known,
        purpose,
        prepared: Prepared::default(),
        problems: Vec::new(),
    };
    for (name, value) in fields {
        builder.take(name, value);
    }
    if let Purpose::Create { default_requester } = purpose {
        builder.complete_requester(default_requester);
        builder.check_required();
    }
    if builder.problems.is_empty() {
        Ok(builder.prepared)
    } else {
        Err(builder.problems)
    }
}

/// The failure that tells all problems of a body.
pub(super) fn refusal(deed: &str, problems: &[String]) -> Failure {
    Failure::new(
        Category::Validation,
        format!("Freshdesk would refuse to {deed}: {}", problems.join("; ")),
    )
    .hint(
        "Correct the mapping rules of these fields; Refresh Fields shows what the account allows.",
    )
}

impl Builder<'_> {
    fn is_create(&self) -> bool {
        matches!(self.purpose, Purpose::Create { .. })
    }

    fn take(&mut self, name: &str, value: &Value) {
        match name {
            "custom_fields" => match value {
                Value::Object(members) => {
                    for (name, value) in members {
                        self.take_custom(name, value);
                    }
                }
                value if json::is_empty(value) => {}
                _ => self.problems.push(
                    "custom_fields holds one member for each field, not a single value".to_owned(),
                ),
            },
            "requester" if self.is_create() => self.take_requester(value),
            "tags" => self.take_tags(value),
            "private_note" | "public_note" => self.take_note(name, value),
            name if is_writable(name) => self.take_standard(name, value),
            name if self.known.custom(name).is_some() => self.take_custom(name, value),
            name => self.problems.push(if super::catalogue::is_read_only(name) {
                format!("{name} can only be read")
            } else {
                format!("{name} is no field of a ticket")
            }),
        }
    }

    fn take_standard(&mut self, name: &str, value: &Value) {
        if json::is_empty(value) {
            // A new ticket simply goes without; a change to nothing is sent as such.
            if !self.is_create() {
                self.prepared.body.insert(name.to_owned(), Value::Null);
            }
            return;
        }
        let value = match name {
            "description" => match value.as_str() {
                Some(text) => html::keep_or_convert(text).into(),
                None => html::from_text(&json::text(value)).into(),
            },
            "cc_emails" => list(value).into(),
            "subject" | "name" | "email" | "phone" | "unique_external_id" | "twitter_id"
            | "facebook_id" => json::text(value).trim().into(),
            // A number of a group or an agent is for the vendor to judge: the list may not show all of them.
            name if name.ends_with("_id") && json::number(value).is_some() => {
                number_of_text(name, value)
            }
            _ => match self.known.standard(name) {
                Some(field) => match self.fitted(field, value) {
                    Some(value) => value,
                    None => return,
                },
                None => number_of_text(name, value),
            },
        };
        self.prepared.body.insert(name.to_owned(), value);
    }

    fn take_custom(&mut self, name: &str, value: &Value) {
        let field = self.known.custom(name);
        if field.is_none() && self.known.from_account {
            self.problems.push(format!(
                "this account has no custom field {name} (its name, not its label, is needed)"
            ));
            return;
        }
        let value = if json::is_empty(value) {
            match self.cleared(name, field) {
                Some(value) => value,
                None => return,
            }
        } else {
            match field.map(|field| self.fitted(field, value)) {
                Some(None) => return,
                Some(Some(value)) => value,
                None => value.clone(),
            }
        };
        let custom = self
            .prepared
            .body
            .entry("custom_fields")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(custom) = custom {
            custom.insert(name.to_owned(), value);
        }
    }

    /// What clears a custom field; nothing where it is empty anyway, for the API may refuse a needless null.
    fn cleared(&self, name: &str, field: Option<&TicketField>) -> Option<Value> {
        let Purpose::Update { base, .. } = self.purpose else {
            return None;
        };
        let before = base
            .get("custom_fields")
            .and_then(|custom| custom.get(name));
        if before.is_none_or(json::is_empty) {
            return None;
        }
        let is_free_text = field.is_some_and(|field| {
            field.kind == FieldKind::Text && field.choices == super::fields::Choices::Any
        });
        Some(if is_free_text { "".into() } else { Value::Null })
    }

    /// A value in the type and among the choices of its field.
    fn fitted(&mut self, field: &TicketField, value: &Value) -> Option<Value> {
        let value = match field.choices.resolve(value) {
            Ok(value) => value,
            Err(refused) => {
                self.problems.push(format!(
                    "{} ({}) can't be `{}`; it allows: {}",
                    field.name,
                    field.label,
                    json::text(value),
                    refused.allowed
                ));
                return None;
            }
        };
        let fitted = fit(field.kind, &value);
        if fitted.is_none() {
            self.problems.push(format!(
                "{} ({}) can't be `{}`; it takes {}",
                field.name,
                field.label,
                json::text(&value),
                taken(field.kind)
            ));
        }
        fitted
    }

    fn take_requester(&mut self, value: &Value) {
        for (member, name) in [
            ("id", "requester_id"),
            ("email", "email"),
            ("phone", "phone"),
            ("name", "name"),
        ] {
            let value = value.get(member).unwrap_or(&Value::Null);
            if !json::is_empty(value) && !self.prepared.body.contains_key(name) {
                self.take_standard(name, value);
            }
        }
    }

    fn take_tags(&mut self, value: &Value) {
        let mapped = list(value);
        let mut tags = Vec::new();
        let replaces = matches!(
            self.purpose,
            Purpose::Update {
                tags: TagPolicy::Replace,
                ..
            }
        );
        if mapped.is_empty() && !replaces {
            return;
        }
        if let Purpose::Update {
            base,
            tags: TagPolicy::Add,
        } = self.purpose
        {
            tags = base.get("tags").map(list).unwrap_or_default();
        }
        for tag in mapped {
            let text = json::text(&tag);
            if text.contains(',') {
                self.problems
                    .push(format!("the tag `{text}` holds a comma"));
            } else if !tags
                .iter()
                .any(|known| super::filter::same(&json::text(known), &text))
            {
                tags.push(text.into());
            }
        }
        self.prepared.body.insert("tags".to_owned(), tags.into());
    }

    fn take_note(&mut self, name: &str, value: &Value) {
        if json::is_empty(value) {
            return;
        }
        let text = Some(json::text(value));
        if name == "private_note" {
            self.prepared.private_note = text;
        } else {
            self.prepared.public_note = text;
        }
    }

    fn complete_requester(&mut self, default: Option<&str>) {
        let body = &mut self.prepared.body;
        if !REQUESTER.iter().any(|name| body.contains_key(*name)) {
            match default {
                Some(address) => {
                    body.insert("email".to_owned(), address.into());
                }
                None => self.problems.push(format!(
                    "a requester is needed: map one of {}, or set default_requester_email",
                    REQUESTER.join(", ")
                )),
            }
            return;
        }
        let only_phone = body.contains_key("phone")
            && !REQUESTER
                .iter()
                .any(|name| *name != "phone" && body.contains_key(*name));
        if only_phone && !body.contains_key("name") {
            self.problems
                .push("a requester known by phone alone needs a name too".to_owned());
        }
    }

    fn check_required(&mut self) {
        for field in self.known.fields.iter().filter(|field| field.required) {
            let holder = if field.custom {
                self.prepared
                    .body
                    .get("custom_fields")
                    .and_then(Value::as_object)
            } else {
                Some(&self.prepared.body)
            };
            let there = field.name == "requester_id"
                || holder.is_some_and(|holder| holder.contains_key(&field.name));
            let told = format!("{} (", field.name);
            // A value that was refused above is told there.
            if !there
                && !self
                    .problems
                    .iter()
                    .any(|problem| problem.starts_with(&told))
            {
                let allowed = match &field.choices {
                    super::fields::Choices::Any => String::new(),
                    choices => format!("; it allows: {}", choices.listed()),
                };
                self.problems.push(format!(
                    "{} ({}) is required{allowed}",
                    field.name, field.label
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> TicketFields {
        TicketFields::read(&json!([
            {"name": "requester", "label": "Requester", "type": "default_requester", "default": true, "required_for_agents": true},
            {"name": "subject", "label": "Subject", "type": "default_subject", "default": true, "required_for_agents": true},
            {"name": "status", "label": "Status", "type": "default_status", "default": true, "required_for_agents": true,
             "choices": {"2": ["Open", "Open"], "4": ["Resolved", "Done"]}},
            {"name": "priority", "label": "Priority", "type": "default_priority", "default": true, "choices": {"Low": 1, "Urgent": 4}},
            {"name": "ticket_type", "label": "Type", "type": "default_ticket_type", "default": true, "required_for_agents": true, "choices": ["Question", "Incident"]},
            {"name": "cf_site", "label": "Site", "type": "custom_text", "default": false},
            {"name": "cf_count", "label": "Count", "type": "custom_number", "default": false},
            {"name": "cf_when", "label": "When", "type": "custom_date", "default": false},
            {"name": "cf_done", "label": "Done", "type": "custom_checkbox", "default": false},
            {"name": "cf_kind", "label": "Kind", "type": "custom_dropdown", "default": false, "choices": ["A", "B"]},
        ]))
    }

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    const CREATE: Purpose<'_> = Purpose::Create {
        default_requester: None,
    };

    fn update(base: &Value) -> Purpose<'_> {
        Purpose::Update {
            base,
            tags: TagPolicy::Add,
        }
    }

    #[test]
    fn a_new_ticket_is_put_into_the_vendors_terms() {
        let fields = map(json!({
            "requester": {"email": "customer@example.com", "name": "Sample"},
            "subject": " Router ", "description": "a < b\nc", "status": "open", "priority": "Urgent", "type": "incident",
            "tags": "on-site, router", "group_id": "12", "due_by": "2026-01-31T00:00:00Z",
            "custom_fields": {"cf_site": 12, "cf_count": "3", "cf_when": "2026-01-31T08:00:00Z", "cf_done": "true", "cf_kind": null},
            "product_id": null,
        }));
        let prepared = prepare(&fields, &known(), CREATE).unwrap();
        assert_eq!(
            Value::Object(prepared.body),
            json!({
                "email": "customer@example.com", "name": "Sample", "subject": "Router", "description": "a &lt; b<br>c",
                "status": 2, "priority": 4, "type": "Incident", "tags": ["on-site", "router"], "group_id": 12,
                "due_by": "2026-01-31T00:00:00Z",
                "custom_fields": {"cf_site": "12", "cf_count": 3, "cf_when": "2026-01-31", "cf_done": true},
            })
        );
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let fields = map(json!({
            "status": "Done", "created_at": "x", "nonsense": 1,
            "custom_fields": {"cf_none": 1, "cf_count": "many", "cf_kind": "C", "cf_done": 7},
        }));
        let problems = prepare(&fields, &known(), CREATE).unwrap_err();
        let told = refusal("create a ticket", &problems).cause;
        for part in [
            "status (Status) can't be `Done`; it allows: Open (2), Resolved (4)",
            "created_at can only be read",
            "nonsense is no field",
            "no custom field cf_none",
            "cf_count (Count) can't be `many`; it takes a whole number",
            "cf_kind (Kind) can't be `C`; it allows: A, B",
            "cf_done (Done) can't be `7`",
            "a requester is needed",
            "subject (Subject) is required",
            "type (Type) is required; it allows: Question, Incident",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert_eq!(problems.len(), 10, "{problems:?}");
    }

    #[test]
    fn a_requester_by_phone_needs_a_name() {
        let fields =
            map(json!({"phone": "+15550100", "subject": "x", "status": 2, "type": "Question"}));
        let problems = prepare(&fields, &known(), CREATE).unwrap_err();
        assert_eq!(
            problems,
            ["a requester known by phone alone needs a name too"]
        );
        let fields = map(json!({"subject": "x", "status": "2", "type": "Question"}));
        let purpose = Purpose::Create {
            default_requester: Some("desk@example.com"),
        };
        let prepared = prepare(&fields, &known(), purpose).unwrap();
        assert_eq!(prepared.body["email"], "desk@example.com");
    }

    #[test]
    fn mapped_tags_join_those_that_are_there() {
        let base = json!({"tags": ["vip", "On-Site"]});
        let fields = map(json!({"tags": ["on-site", "done"]}));
        let prepared = prepare(&fields, &known(), update(&base)).unwrap();
        assert_eq!(prepared.body["tags"], json!(["vip", "On-Site", "done"]));
        let purpose = Purpose::Update {
            base: &base,
            tags: TagPolicy::Replace,
        };
        let prepared = prepare(&fields, &known(), purpose).unwrap();
        assert_eq!(prepared.body["tags"], json!(["on-site", "done"]));
    }

    #[test]
    fn a_custom_field_is_cleared_only_when_it_holds_something() {
        let base = json!({"custom_fields": {"cf_site": "x", "cf_kind": "A", "cf_count": null}});
        let fields = map(
            json!({"custom_fields": {"cf_site": null, "cf_kind": "", "cf_count": null, "cf_when": null}}),
        );
        let prepared = prepare(&fields, &known(), update(&base)).unwrap();
        assert_eq!(
            Value::Object(prepared.body),
            json!({"custom_fields": {"cf_site": "", "cf_kind": null}})
        );
    }

    #[test]
    fn without_the_accounts_list_the_vendor_judges() {
        let fields = map(
            json!({"status": "Resolved", "custom_fields": {"cf_x": "1"}, "private_note": "done"}),
        );
        let prepared = prepare(&fields, &TicketFields::built_in(), update(&Value::Null)).unwrap();
        assert_eq!(
            Value::Object(prepared.body),
            json!({"status": 4, "custom_fields": {"cf_x": "1"}})
        );
        assert_eq!(prepared.private_note.as_deref(), Some("done"));
    }
}
