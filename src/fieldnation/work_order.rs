//! Reading a work order as Field Nation gives it.

use serde_json::Value;

use crate::model::{Marker, WorkOrderId};

/// A scalar as text; nothing for empty text, null, lists and objects.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// An id, which Field Nation writes as number or as text.
pub(super) fn id_of(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The id of a work order's own object.
pub(super) fn work_order_id(work_order: &Value) -> Option<WorkOrderId> {
    ["id", "work_order_id"]
        .iter()
        .find_map(|name| id_of(work_order.get(*name)?))
        .filter(|id| *id > 0)
        .map(WorkOrderId)
}

/// One custom field as it stands on a work order.
#[derive(Debug)]
pub(super) struct CustomValue<'a> {
    pub(super) id: Option<u64>,
    pub(super) name: &'a str,
    pub(super) kind: &'a str,
    pub(super) value: Option<String>,
    pub(super) is_internal: bool,
}

/// A work order's custom fields, out of the groups in which they are nested; a flat list is read as well.
pub(super) fn custom_values(work_order: &Value) -> Vec<CustomValue<'_>> {
    fn walk<'a>(list: &'a Value, depth: u8, found: &mut Vec<CustomValue<'a>>) {
        for item in list.as_array().into_iter().flatten() {
            match item.get("results") {
                Some(inner) if depth < 3 => walk(inner, depth + 1, found),
                _ => found.push(custom_value(item)),
            }
        }
    }
    let mut found = Vec::new();
    let Some(section) = work_order.get("custom_fields") else {
        return found;
    };
    walk(section.get("results").unwrap_or(section), 0, &mut found);
    found
}

fn custom_value(item: &Value) -> CustomValue<'_> {
    let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
    CustomValue {
        id: item.get("id").and_then(id_of),
        name: text("name"),
        kind: text("type"),
        value: item.get("value").and_then(text_of),
        is_internal: has_flag(item, "internal_id"),
    }
}

/// Whether an object's `flags` hold this one.
pub(super) fn has_flag(item: &Value, flag: &str) -> bool {
    let flags = item.get("flags").and_then(Value::as_array);
    flags.is_some_and(|flags| flags.iter().any(|held| held.as_str() == Some(flag)))
}

/// The value of the field marked as Internal Ticket Number.
pub(super) fn internal_value(work_order: &Value) -> Option<String> {
    work_order
        .pointer("/custom_fields/internal/value")
        .and_then(text_of)
        .or_else(|| {
            let fields = custom_values(work_order);
            fields
                .into_iter()
                .find(|field| field.is_internal)
                .and_then(|field| field.value)
        })
}

/// The marker in the Internal Ticket Number, if it is one of ours and not a ticket number of the company's own.
pub(super) fn internal_marker(work_order: &Value) -> Option<Marker> {
    let marker = Marker::from_text(internal_value(work_order)?);
    marker.record().is_some().then_some(marker)
}

/// Whether a work order has enough in it to map from: webhooks carry anything from id and title to the whole.
#[must_use]
pub fn is_complete(work_order: &Value) -> bool {
    let filled = |name: &str| work_order.get(name).is_some_and(|part| !part.is_null());
    work_order
        .pointer("/status/name")
        .is_some_and(Value::is_string)
        && [
            "id",
            "title",
            "location",
            "schedule",
            "pay",
            "custom_fields",
        ]
        .iter()
        .all(|name| filled(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn custom_fields_are_found_in_groups_and_in_flat_lists() {
        let grouped = json!({"custom_fields": {"results": [
            {"id": 1, "role": "buyer", "results": [{"id": 129, "name": "Site #", "value": "5521"}]},
            {"id": 2, "role": "assigned_provider", "results": [{"id": "7", "name": "Serial", "value": null}]},
        ]}});
        let fields = custom_values(&grouped);
        assert_eq!(fields.len(), 2);
        assert_eq!(fields[0].value.as_deref(), Some("5521"));
        assert_eq!((fields[1].id, fields[1].value.as_deref()), (Some(7), None));
        let flat = json!({"custom_fields": [{"id": 3, "name": "x", "value": 5}]});
        assert_eq!(custom_values(&flat)[0].value.as_deref(), Some("5"));
        assert!(custom_values(&json!({})).is_empty());
    }

    #[test]
    fn only_our_own_marker_is_taken_for_one() {
        let with = |value: &str| json!({"custom_fields": {"internal": {"value": value}}});
        assert_eq!(
            internal_marker(&with("cw-main:69")).unwrap().as_str(),
            "cw-main:69"
        );
        assert!(internal_marker(&with("TICKET-69")).is_none());
        let flagged = json!({"custom_fields": {"results": [{"results": [
            {"id": 5, "name": "Ticket", "value": "fd:11", "flags": ["internal_id"]}]}]}});
        assert_eq!(internal_marker(&flagged).unwrap().as_str(), "fd:11");
    }

    #[test]
    fn a_stub_is_not_enough_to_map_from() {
        assert!(!is_complete(
            &json!({"id": 12345, "title": "Router Installation - Site 42"})
        ));
        assert!(is_complete(&json!({
            "id": 1, "title": "x", "status": {"name": "Published"}, "location": {}, "schedule": {}, "pay": {},
            "custom_fields": {"results": []},
        })));
    }
}
