//! The sections that REST v2 takes only whole: what stands there, with the changes put in.

use serde_json::{Map, Value, json};

use super::moment;
use super::shape::default_window_mode;
use super::work_order::{id_of, text_of};

/// The body of `PUT …/location`: mode, address and country are compulsory there.
pub(super) fn location(current: &Value, changes: &Map<String, Value>) -> Value {
    let mut body = Map::new();
    for name in [
        "mode",
        "address1",
        "address2",
        "city",
        "state",
        "zip",
        "country",
        "display_name",
    ] {
        body.insert(
            name.to_owned(),
            current
                .get(name)
                .and_then(text_of)
                .unwrap_or_default()
                .into(),
        );
    }
    for name in ["type", "saved_location"] {
        if let Some(id) = current
            .pointer(&format!("/{name}/id"))
            .and_then(id_of)
            .filter(|id| *id > 0)
        {
            body.insert(name.to_owned(), json!({ "id": id }));
        }
    }
    for (name, value) in changes {
        body.insert(name.clone(), value.clone());
    }
    let moved = changes.keys().any(|name| {
        matches!(
            name.as_str(),
            "address1" | "city" | "state" | "zip" | "country"
        )
    });
    let mode = if changes.contains_key("mode") {
        body.get("mode").cloned()
    } else if changes.contains_key("saved_location") {
        Some(json!("location"))
    } else if moved || body.get("mode").and_then(text_of).is_none() {
        // A saved location stays what it is: with another address it is a place of its own.
        Some(json!("custom"))
    } else {
        body.get("mode").cloned()
    };
    let is_saved = mode == Some(json!("location"));
    body.insert("mode".to_owned(), mode.unwrap_or_else(|| json!("custom")));
    if !is_saved {
        // The API description calls the member compulsory and null a legal value.
        body.insert("saved_location".to_owned(), Value::Null);
    }
    Value::Object(body)
}

/// The body of `PUT …/schedule`: mode, start and end are compulsory there.
pub(super) fn schedule(current: &Value, changes: &Map<String, Value>) -> Value {
    let empty = Map::new();
    let stands = current
        .get("service_window")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let given = changes
        .get("service_window")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let mut window = Map::new();
    for name in ["start", "end"] {
        let kept = || {
            stands
                .get(name)
                .and_then(|moment| moment::shape(moment).ok())
        };
        if let Some(moment) = given.get(name).cloned().or_else(kept) {
            window.insert(name.to_owned(), moment);
        }
    }
    let mode = given
        .get("mode")
        .or_else(|| stands.get("mode"))
        .and_then(text_of);
    let mode = mode.unwrap_or_else(|| default_window_mode(&window).to_owned());
    let runs_backwards = match (window.get("start"), window.get("end")) {
        (Some(start), Some(end)) => {
            let (start, end) = (moment::of_object(start), moment::of_object(end));
            start.is_some() && end.is_some() && end < start
        }
        (Some(_), None) => true,
        _ => false,
    };
    // An arrival moved past the old end takes the end along; one without an end ends when it begins.
    if let Some(start) = window.get("start").cloned()
        && runs_backwards
        && !given.contains_key("end")
    {
        window.insert("end".to_owned(), start);
    }
    window.insert("mode".to_owned(), mode.into());
    let mut body = changes.clone();
    body.insert("service_window".to_owned(), Value::Object(window));
    Value::Object(body)
}

/// The body of `PUT …/pay`: type and the whole base are compulsory there.
pub(super) fn pay(current: &Value, changes: &Map<String, Value>) -> Value {
    let mut body = Map::new();
    if let Some(kind) = current.get("type").and_then(text_of) {
        body.insert("type".to_owned(), kind.into());
    }
    for name in ["base", "additional"] {
        let part = |part: &str| {
            let path = format!("/{name}/{part}");
            let given = changes.get(name).and_then(|rate| rate.get(part));
            given
                .or_else(|| current.pointer(&path))
                .filter(|value| !value.is_null())
                .cloned()
        };
        let (amount, units) = (part("amount"), part("units"));
        if amount.is_some() || units.is_some() {
            let amount = amount.unwrap_or_else(|| json!(0));
            let units = units.unwrap_or_else(|| json!(1));
            body.insert(name.to_owned(), json!({"units": units, "amount": amount}));
        }
    }
    if let Some(hours) = current.get("hours").filter(|hours| hours.is_number()) {
        body.insert("hours".to_owned(), hours.clone());
    }
    for (name, value) in changes {
        if !matches!(name.as_str(), "base" | "additional") {
            body.insert(name.clone(), value.clone());
        }
    }
    if !body.contains_key("type") {
        body.insert("type".to_owned(), json!("fixed"));
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_changed_address_keeps_the_rest_and_leaves_the_saved_location() {
        let current = json!({"mode": "location", "address1": "1 Old St", "address2": "", "city": "Minneapolis",
            "state": "MN", "zip": "55401", "country": "US", "display_name": "Site 42", "type": {"id": 3, "name": "x"},
            "saved_location": {"id": 9}, "coordinates": {}});
        let body = location(&current, &map(&json!({"address1": "2 New St"})));
        assert_eq!(body["mode"], "custom");
        assert_eq!(body["saved_location"], Value::Null);
        assert_eq!(body["address1"], "2 New St");
        assert_eq!(body["city"], "Minneapolis");
        assert_eq!(body["type"], json!({"id": 3}));
        let named = location(&current, &map(&json!({"display_name": "Site 43"})));
        assert_eq!(
            (&named["mode"], &named["saved_location"]),
            (&json!("location"), &json!({"id": 9}))
        );
    }

    #[test]
    fn a_moved_start_takes_a_passed_end_along() {
        let current = json!({"service_window": {"mode": "between",
            "start": {"utc": "2026-07-01 09:00:00", "local": {"date": "2026-07-01", "time": "04:00:00"}},
            "end": {"utc": "2026-07-01 11:00:00", "local": {}}}});
        let change = |start: &str| map(&json!({"service_window": {"start": {"utc": start}}}));
        let body = schedule(&current, &change("2026-07-01 10:00:00"));
        assert_eq!(
            body,
            json!({"service_window": {"start": {"utc": "2026-07-01 10:00:00"}, "end": {"utc": "2026-07-01 11:00:00"},
                                      "mode": "between"}})
        );
        let body = schedule(&current, &change("2026-07-02 10:00:00"));
        assert_eq!(
            body["service_window"]["end"],
            json!({"utc": "2026-07-02 10:00:00"})
        );
        let body = schedule(&Value::Null, &change("2026-07-02 10:00:00"));
        assert_eq!(body["service_window"]["mode"], "exact");
    }

    #[test]
    fn a_changed_amount_keeps_type_and_units() {
        let current = json!({"type": "hourly", "base": {"units": 4, "amount": 25}, "additional": null, "hours": 4});
        assert_eq!(
            pay(&current, &map(&json!({"base": {"amount": 30}}))),
            json!({"type": "hourly", "base": {"units": 4, "amount": 30}, "hours": 4})
        );
    }
}
