//! Which records the connector wants.

use serde_json::Value;

use crate::platform::basics::id_text;

/// The values of one field whose records are wanted; any will do when none is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conditions {
    field: String,
    wanted: Vec<String>,
}

impl Conditions {
    pub(super) fn new(field: String, wanted: Vec<String>) -> Self {
        Self { field, wanted }
    }

    /// The field that decides.
    pub(super) fn field(&self) -> &str {
        &self.field
    }

    /// The values that are wanted, by name or id.
    pub(super) fn wanted(&self) -> &[String] {
        &self.wanted
    }

    /// Whether a record is wanted.
    ///
    /// # Errors
    /// Why not, for people.
    pub(super) fn judge(&self, record: &Value) -> Result<(), String> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        let value = record.get(&self.field).unwrap_or(&Value::Null);
        let (name, id) = named(value);
        let given = [name.as_deref(), id.as_deref()];
        let meets = |wanted: &String| {
            let same = |text: &&str| text.trim().eq_ignore_ascii_case(wanted);
            given.iter().flatten().any(same)
        };
        if self.wanted.iter().any(meets) {
            return Ok(());
        }
        let shown = name.or(id).unwrap_or_else(|| "empty".to_owned());
        Err(format!(
            "its {} is \"{shown}\", the connector waits for \"{}\"",
            self.field,
            self.wanted.join("\" or \"")
        ))
    }

    /// The conditions in a few words, if there are any.
    pub(super) fn summary(&self) -> Option<String> {
        (!self.wanted.is_empty()).then(|| format!("{} is {}", self.field, self.wanted.join(" or ")))
    }
}

/// A value's name and id: those of a reference, or the value itself.
fn named(value: &Value) -> (Option<String>, Option<String>) {
    match value {
        Value::Object(_) => (
            value.get("refName").and_then(id_text),
            value.get("id").and_then(id_text),
        ),
        Value::Bool(flag) => (Some(flag.to_string()), None),
        scalar => (id_text(scalar), None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_met_by_its_name_or_its_id() {
        let record =
            json!({"status": {"id": "6", "refName": "Field Service Required"}, "open": true});
        let judge = |field: &str, wanted: &[&str]| {
            let wanted = wanted.iter().map(|text| (*text).to_owned()).collect();
            Conditions::new(field.to_owned(), wanted).judge(&record)
        };
        assert!(judge("status", &[]).is_ok());
        assert!(judge("status", &["field service required"]).is_ok());
        assert!(judge("status", &["Other", "6"]).is_ok());
        assert!(judge("open", &["true"]).is_ok());
        let why = judge("status", &["Closed"]).unwrap_err();
        assert_eq!(
            why,
            "its status is \"Field Service Required\", the connector waits for \"Closed\""
        );
        assert!(judge("nothing", &["x"]).unwrap_err().contains("\"empty\""));
    }
}
