//! Which records the connector wants.

use serde_json::Value;

/// The conditions: a status, a checkbox, or either of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    statuses: Vec<String>,
    checkbox: Option<String>,
}

impl Conditions {
    pub(super) fn new(statuses: Vec<String>, checkbox: Option<String>) -> Self {
        Self { statuses, checkbox }
    }

    /// The statuses, as they are set.
    pub(super) fn statuses(&self) -> &[String] {
        &self.statuses
    }

    /// The checkbox, by its API name.
    pub(super) fn checkbox(&self) -> Option<&str> {
        self.checkbox.as_deref()
    }

    /// Whether a record is wanted.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn judge(&self, record: &Value) -> Result<(), String> {
        if self.statuses.is_empty() && self.checkbox.is_none() {
            return Ok(());
        }
        let status = record.get("Status").and_then(Value::as_str);
        let has_status =
            status.is_some_and(|status| self.statuses.iter().any(|wanted| wanted == status));
        let is_checked = self
            .checkbox
            .as_ref()
            .is_some_and(|name| record.get(name) == Some(&Value::Bool(true)));
        if has_status || is_checked {
            return Ok(());
        }
        let mut reasons = Vec::new();
        if !self.statuses.is_empty() {
            reasons.push(format!(
                "its Status is \"{}\", the connector waits for \"{}\"",
                status.unwrap_or_default(),
                self.statuses.join("\" or \"")
            ));
        }
        if let Some(name) = &self.checkbox {
            reasons.push(format!("{name} is not checked"));
        }
        Err(reasons.join(", and "))
    }

    /// The conditions in the words of a rule, or nothing.
    pub(super) fn summary(&self) -> Option<String> {
        let mut parts = Vec::new();
        if !self.statuses.is_empty() {
            parts.push(format!("Status equals {}", self.statuses.join(" or ")));
        }
        if let Some(name) = &self.checkbox {
            parts.push(format!("{name} equals True"));
        }
        (!parts.is_empty()).then(|| parts.join(", or "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn either_condition_is_enough() {
        let conditions = Conditions::new(vec!["Dispatch Required".into()], Some("Send__c".into()));
        assert!(
            conditions
                .judge(&json!({"Status": "Dispatch Required"}))
                .is_ok()
        );
        assert!(
            conditions
                .judge(&json!({"Status": "New", "Send__c": true}))
                .is_ok()
        );
        let why = conditions
            .judge(&json!({"Status": "New", "Send__c": false}))
            .unwrap_err();
        assert!(
            why.contains("\"New\"") && why.contains("Send__c is not checked"),
            "{why}"
        );
        assert!(Conditions::default().judge(&json!({})).is_ok());
    }
}
