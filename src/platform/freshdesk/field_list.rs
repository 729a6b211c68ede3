//! Reading the lists of ticket fields, for agents (`/ticket_fields`) and for admins (`/admin/ticket_fields`).
//!
//! The two differ in almost everything that matters: the shapes of `choices`, how dependent fields are named,
//! and whether a field comes wrapped.

use serde_json::Value;

use super::fields::{Choices, TicketField, TicketFields};
use super::json;
use crate::model::FieldKind;
use crate::platform::basics::{is_true, text_at};

impl TicketFields {
    /// Reads the answer of either list: an array, perhaps of wrapped fields, or one field.
    pub(super) fn read(answer: &Value) -> Self {
        let items: Vec<&Value> = match answer {
            Value::Array(items) => items.iter().collect(),
            single => match single.get("ticket_fields").and_then(Value::as_array) {
                Some(items) => items.iter().collect(),
                None => vec![single],
            },
        };
        let mut fields = Vec::with_capacity(items.len());
        for item in items {
            let item = item.get("ticket_field").unwrap_or(item);
            if !is_true(item, "archived") {
                read_field(item, &mut fields);
            }
        }
        Self {
            fields,
            from_account: true,
        }
    }
}

fn read_field(item: &Value, fields: &mut Vec<TicketField>) {
    let Some(name) = text_at(item, &["name"]) else {
        return;
    };
    let vendor_type = text_at(item, &["type"]).unwrap_or("custom_text");
    let custom = match item.get("default").and_then(Value::as_bool) {
        Some(default) => !default,
        None => !vendor_type.starts_with("default_"),
    };
    // A field of a section is shown, and so required, only when the section's own field says so.
    let in_section = item
        .get("section_mappings")
        .and_then(Value::as_array)
        .is_some_and(|sections| !sections.is_empty());
    let nested = vendor_type == "nested_field";
    let levels = if nested {
        nested_levels(item.get("choices").unwrap_or(&Value::Null))
    } else {
        Vec::new()
    };
    let dependents = dependents(item);
    let choices = match levels.first() {
        Some(first) => Choices::Texts(first.clone()),
        None if nested => Choices::Any,
        None => flat_choices(item.get("choices").unwrap_or(&Value::Null)),
    };
    fields.push(TicketField {
        name: if custom {
            name.to_owned()
        } else {
            member_of_ticket(name, vendor_type).to_owned()
        },
        label: text_at(item, &["label"]).unwrap_or(name).to_owned(),
        custom,
        kind: kind(vendor_type, &choices),
        required: is_true(item, "required_for_agents") && !in_section,
        choices,
        lacks_dependents: nested && levels.len() > 1 && dependents.is_empty(),
    });
    for (place, dependent) in dependents.into_iter().enumerate() {
        let Some(name) = text_at(dependent, &["name"]) else {
            continue;
        };
        let level = dependent.get("level").and_then(json::number);
        let level = level.and_then(|level| usize::try_from(level).ok());
        let choices = levels.get(level.unwrap_or(place + 2).saturating_sub(1));
        fields.push(TicketField {
            name: name.to_owned(),
            label: text_at(dependent, &["label"]).unwrap_or(name).to_owned(),
            custom: true,
            kind: FieldKind::Text,
            required: false,
            choices: choices.cloned().map_or(Choices::Any, Choices::Texts),
            lacks_dependents: false,
        });
    }
}

/// The fields that hold the lower levels of a nested field; the two lists name them differently.
fn dependents(item: &Value) -> Vec<&Value> {
    ["dependent_fields", "nested_ticket_fields", "nested_fields"]
        .into_iter()
        .find_map(|name| item.get(name)?.as_array())
        .into_iter()
        .flatten()
        .collect()
}

/// The member of a ticket that a standard field stands for: the field list has names of its own.
fn member_of_ticket<'a>(name: &'a str, vendor_type: &str) -> &'a str {
    match vendor_type {
        "default_requester" => "requester_id",
        "default_ticket_type" => "type",
        "default_group" => "group_id",
        "default_agent" => "responder_id",
        "default_product" => "product_id",
        "default_company" => "company_id",
        _ => name,
    }
}

fn kind(vendor_type: &str, choices: &Choices) -> FieldKind {
    match vendor_type {
        "custom_checkbox" => FieldKind::Boolean,
        "custom_number" | "default_requester" | "default_group" | "default_agent"
        | "default_product" | "default_company" | "default_status" | "default_priority"
        | "default_source" => FieldKind::Integer,
        "custom_decimal" => FieldKind::Number,
        "custom_date" => FieldKind::Date,
        "custom_date_time" => FieldKind::DateTime,
        _ if matches!(choices, Choices::Numbered(_)) => FieldKind::Integer,
        _ => FieldKind::Text,
    }
}

/// Reads the choices of a field that is not nested, in whichever of the vendor's shapes they come.
fn flat_choices(choices: &Value) -> Choices {
    match choices {
        Value::Object(map) if map.is_empty() => Choices::Any,
        // Priority, source, group: label to number.
        Value::Object(map) if map.values().all(Value::is_i64) => Choices::Numbered(
            map.iter()
                .filter_map(|(label, number)| Some((number.as_i64()?, label.clone())))
                .collect(),
        ),
        // Status: number to the labels for agents and for customers.
        Value::Object(map) if map.keys().all(|key| key.parse::<i64>().is_ok()) => {
            Choices::Numbered(
                map.iter()
                    .filter_map(|(number, labels)| {
                        Some((number.parse().ok()?, first_text(labels)?))
                    })
                    .collect(),
            )
        }
        Value::Object(map) => Choices::Texts(map.keys().cloned().collect()),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(first_text).collect();
            if texts.is_empty() {
                Choices::Any
            } else {
                Choices::Texts(texts)
            }
        }
        _ => Choices::Any,
    }
}

/// The text of a choice: itself, the first of its labels, or its `value`.
fn first_text(choice: &Value) -> Option<String> {
    match choice {
        Value::String(text) => Some(text.clone()),
        Value::Array(labels) => labels.iter().find_map(Value::as_str).map(str::to_owned),
        Value::Object(_) => text_at(choice, &["value"]).map(str::to_owned),
        _ => None,
    }
}

/// The distinct values of each level of a nested field, the first level first.
fn nested_levels(choices: &Value) -> Vec<Vec<String>> {
    let mut levels = Vec::new();
    collect_level(choices, 0, &mut levels);
    levels
}

fn collect_level(choices: &Value, level: usize, levels: &mut Vec<Vec<String>>) {
    // The vendor has three levels; more would be a hostile answer.
    const DEEPEST: usize = 5;
    let children: Vec<(String, Option<&Value>)> = match choices {
        Value::Object(map) => map
            .iter()
            .map(|(name, below)| (name.clone(), Some(below)))
            .collect(),
        Value::Array(items) => items
            .iter()
            .filter_map(|item| Some((first_text(item)?, item.get("choices"))))
            .collect(),
        _ => Vec::new(),
    };
    if children.is_empty() || level == DEEPEST {
        return;
    }
    if levels.len() == level {
        levels.push(Vec::new());
    }
    for (name, below) in children {
        if let Some(names) = levels.get_mut(level)
            && !names.contains(&name)
        {
            names.push(name);
        }
        if let Some(below) = below {
            collect_level(below, level + 1, levels);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample(name: &str) -> Option<Value> {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let text = std::fs::read_to_string(format!("{shared}/samples/freshdesk/{name}")).ok();
        if text.is_none() {
            println!("skipped: the samples are not here");
        }
        Some(serde_json::from_str(&text?).unwrap())
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    /// An account's list with all four shapes of `choices`.
    fn account() -> TicketFields {
        TicketFields::read(&json!([
            {"name": "requester", "label": "Requester", "type": "default_requester", "default": true, "required_for_agents": true},
            {"name": "subject", "label": "Subject", "type": "default_subject", "default": true, "required_for_agents": true},
            {"name": "ticket_type", "label": "Type", "type": "default_ticket_type", "default": true, "required_for_agents": false, "choices": ["Question", "Incident"]},
            {"name": "status", "label": "Status", "type": "default_status", "default": true, "required_for_agents": true,
             "choices": {"2": ["Open", "Being Processed"], "8": ["Field Service Required", "Scheduled"]}},
            {"name": "priority", "label": "Priority", "type": "default_priority", "default": true, "choices": {"Low": 1, "Urgent": 4}},
            {"name": "group", "label": "Group", "type": "default_group", "default": true, "choices": {"Dispatch": 5_000_000_001_i64}},
            {"name": "cf_site", "label": "Site", "type": "custom_text", "default": false},
            {"name": "cf_country", "label": "Country", "type": "nested_field", "default": false,
             "choices": {"US": {"Texas": ["Austin", "Dallas"]}, "DE": {"Bayern": ["Dachau"]}},
             "nested_ticket_fields": [{"name": "cf_state", "label": "State", "level": 2}, {"name": "cf_city", "label": "City", "level": 3}]},
            {"name": "cf_old", "type": "custom_text", "archived": true},
        ]))
    }

    #[test]
    fn all_four_shapes_of_choices_are_read() {
        let fields = account();
        assert_eq!(fields.label("status", 8), Some("Field Service Required"));
        assert_eq!(fields.label("priority", 4), Some("Urgent"));
        assert_eq!(
            fields.standard("type").unwrap().choices,
            Choices::Texts(texts(&["Question", "Incident"]))
        );
        assert_eq!(
            fields.custom("cf_country").unwrap().choices,
            Choices::Texts(texts(&["US", "DE"]))
        );
        assert_eq!(
            fields.custom("cf_city").unwrap().choices,
            Choices::Texts(texts(&["Austin", "Dallas", "Dachau"]))
        );
        assert!(fields.standard("subject").unwrap().required);
        assert!(fields.standard("requester_id").is_some());
        assert!(fields.custom("cf_old").is_none());
        assert!(!fields.lacks_dependents());
    }

    #[test]
    fn labels_numbers_and_their_texts_are_resolved() {
        let fields = account();
        let status = &fields.standard("status").unwrap().choices;
        for value in [json!("field service required"), json!("8"), json!(8)] {
            assert_eq!(status.resolve(&value).ok(), Some(json!(8)), "{value}");
        }
        let refusal = status.resolve(&json!("Done")).err().unwrap();
        assert_eq!(refusal.allowed, "Open (2), Field Service Required (8)");
        let group = &fields.standard("group_id").unwrap().choices;
        assert_eq!(
            group.resolve(&json!("Dispatch")).ok(),
            Some(json!(5_000_000_001_i64))
        );
    }

    #[test]
    fn a_nested_field_without_named_dependents_is_noticed() {
        let mut fields = TicketFields::read(&json!([
            {"name": "cf_country", "type": "nested_field", "default": false, "choices": {"US": {"Texas": []}}}
        ]));
        assert!(fields.lacks_dependents());
        fields.add_unknown(account());
        assert!(fields.custom("cf_city").is_some());
        assert_eq!(
            fields
                .fields
                .iter()
                .filter(|field| field.name == "cf_country")
                .count(),
            1
        );
    }

    #[test]
    fn the_admins_form_is_read_wrapped_or_not() {
        let Some(nested) = sample("FreshdeskApiDotnet_ticketfield_NestedField.json") else {
            return;
        };
        let fields = TicketFields::read(&nested);
        assert_eq!(
            fields.custom("cf_bank964807").unwrap().choices,
            Choices::Texts(texts(&["HDFC", "SBI", "ICICI"]))
        );
        assert_eq!(
            fields.custom("cf_district").unwrap().choices,
            Choices::Texts(texts(&["Chennai", "Madurai", "Trichy"]))
        );
        assert!(fields.custom("cf_branch53114").is_some());
        let dropdown = sample("FreshdeskApiDotnet_ticketfield_CustomDropdownField.json").unwrap();
        let fields = TicketFields::read(&Value::Array(vec![dropdown, nested]));
        assert_eq!(
            fields.custom("cf_issue_type_297457").unwrap().choices,
            Choices::Texts(texts(&["Refund", "Faulty Product", "Item Not Delivered"]))
        );
        assert_eq!(fields.fields.len(), 4);
        let text = sample("FreshdeskApiDotnet_ticketfield_CustomTextField.json").unwrap();
        let fields = TicketFields::read(&Value::Array(vec![text]));
        let feedback = fields.custom("cf_feedback").unwrap();
        assert_eq!(
            (feedback.label.as_str(), &feedback.choices),
            ("Feedback", &Choices::Any)
        );
    }

    #[test]
    fn hostile_descriptions_are_harmless() {
        let mut deep = json!([]);
        for _ in 0..100 {
            deep = json!({"x": deep});
        }
        let fields = TicketFields::read(&json!([
            null, 7, {}, {"name": ""}, {"name": "a", "choices": 7},
            {"name": "b", "type": "nested_field", "choices": deep}
        ]));
        assert_eq!(fields.fields.len(), 2);
        assert!(TicketFields::read(&Value::Null).fields.is_empty());
    }
}
