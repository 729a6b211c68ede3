//! Which records are wanted: those whose trigger field has one of some values.
//!
//! Quickbase's webhooks have criteria of their own; this one also holds for what catch-up finds.

use serde_json::Value;

use super::value::text;

/// What the connector waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The field.
    pub(super) field: u64,
    /// Its values, any of which will do.
    pub(super) values: Vec<String>,
}

impl Condition {
    /// Whether a record, its values by field id, meets the condition.
    ///
    /// # Errors
    /// Why not; `name` is what people call the field.
    pub(super) fn judge(&self, fields: &Value, name: &str) -> Result<(), String> {
        let held = fields.get(self.field.to_string()).unwrap_or(&Value::Null);
        let is_wanted = |held: &Value| {
            let held = text(held);
            let held = held.trim();
            let mut values = self.values.iter();
            values.any(|value| {
                held.eq_ignore_ascii_case(value)
                    || (held == "true" && value.eq_ignore_ascii_case("yes"))
                    || (held == "false" && value.eq_ignore_ascii_case("no"))
            })
        };
        let wanted = match held {
            Value::Array(items) => items.iter().any(is_wanted),
            one => is_wanted(one),
        };
        if wanted {
            return Ok(());
        }
        let held = match text(held) {
            held if held.is_empty() => "empty".to_owned(),
            held => format!("\"{held}\""),
        };
        Err(format!(
            "{name} is {held}, the connector waits for \"{}\"",
            self.values.join("\" or \"")
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn waits_for(values: &[&str]) -> Condition {
        Condition {
            field: 11,
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }
    }

    #[test]
    fn any_of_the_values_will_do() {
        let condition = waits_for(&["Dispatch", "Rush"]);
        for held in [json!("Dispatch"), json!("rush "), json!(["x", "Rush"])] {
            assert_eq!(condition.judge(&json!({"11": held}), "Status"), Ok(()));
        }
        assert_eq!(
            condition
                .judge(&json!({"11": "New"}), "Status (11)")
                .unwrap_err(),
            "Status (11) is \"New\", the connector waits for \"Dispatch\" or \"Rush\""
        );
        assert!(
            condition
                .judge(&json!({}), "Status")
                .unwrap_err()
                .contains("is empty")
        );
    }

    #[test]
    fn a_checkbox_is_named_as_people_name_it() {
        let ticked = json!({"11": true});
        assert_eq!(waits_for(&["true"]).judge(&ticked, ""), Ok(()));
        assert_eq!(waits_for(&["Yes"]).judge(&ticked, ""), Ok(()));
        assert!(waits_for(&["no"]).judge(&ticked, "").is_err());
    }
}
