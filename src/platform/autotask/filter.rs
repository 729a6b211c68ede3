//! Which tickets a connector wants.

use serde_json::Value;

use crate::platform::basics::{text, text_at};

/// The conditions of `trigger_on_status` and `trigger_on_queue`. With neither, every ticket is wanted; with both, both
/// must hold, as in the vendor's workflow rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    statuses: Vec<String>,
    queues: Vec<String>,
}

impl Conditions {
    pub(super) fn new(statuses: Vec<String>, queues: Vec<String>) -> Self {
        Self { statuses, queues }
    }

    /// The setting, the ticket's field and what the setting names, for each condition that is set.
    pub(super) fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, &[String])> {
        [
            ("trigger_on_status", "status", self.statuses.as_slice()),
            ("trigger_on_queue", "queueID", self.queues.as_slice()),
        ]
        .into_iter()
        .filter(|(_, _, wanted)| !wanted.is_empty())
    }

    /// The conditions in the words of a workflow rule; none if every ticket is wanted.
    pub(super) fn summary(&self) -> Option<String> {
        let parts: Vec<String> = self
            .each()
            .map(|(_, field, wanted)| format!("{} is {}", noun(field), wanted.join(" or ")))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", and "))
    }

    /// Judges a ticket by its picklist values and their labels.
    pub(super) fn judge(&self, ticket: &Value) -> Result<(), String> {
        for (setting, field, wanted) in self.each() {
            let value = ticket.get(field).map(text).unwrap_or_default();
            let label = text_at(ticket, &["labels", field]).unwrap_or_default();
            let fits = wanted
                .iter()
                .any(|wanted| *wanted == value || same(wanted, label));
            if !fits {
                let shown = if label.is_empty() {
                    value.as_str()
                } else {
                    label
                };
                let shown = if shown.is_empty() { "not set" } else { shown };
                return Err(format!(
                    "its {} is {shown}, and {setting} wants {}",
                    noun(field),
                    wanted.join(" or ")
                ));
            }
        }
        Ok(())
    }
}

fn noun(field: &str) -> &'static str {
    if field == "status" { "status" } else { "queue" }
}

/// Labels are compared without regard to case.
pub(super) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    !other.is_empty()
        && one
            .chars()
            .flat_map(char::to_lowercase)
            .eq(other.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn conditions(statuses: &[&str], queues: &[&str]) -> Conditions {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Conditions::new(texts(statuses), texts(queues))
    }

    #[test]
    fn without_conditions_everything_is_wanted() {
        assert_eq!(Conditions::default().judge(&json!({})), Ok(()));
        assert_eq!(Conditions::default().summary(), None);
    }

    #[test]
    fn a_status_is_known_by_value_and_by_label() {
        let ticket = json!({"status": 42, "labels": {"status": "Dispatch to Field"}});
        assert_eq!(conditions(&["42"], &[]).judge(&ticket), Ok(()));
        assert_eq!(
            conditions(&["dispatch to field"], &[]).judge(&ticket),
            Ok(())
        );
        assert_eq!(
            conditions(&["New"], &[]).judge(&ticket),
            Err("its status is Dispatch to Field, and trigger_on_status wants New".into())
        );
        assert_eq!(
            conditions(&[""], &[]).judge(&json!({})),
            Ok(()),
            "no value is what an empty word names"
        );
    }

    #[test]
    fn with_both_set_both_must_hold() {
        let ticket = json!({"status": 42, "queueID": 5, "labels": {"queueID": "Client Portal"}});
        assert!(
            conditions(&["42"], &["Client Portal"])
                .judge(&ticket)
                .is_ok()
        );
        let why = conditions(&["42"], &["Field Services"])
            .judge(&ticket)
            .unwrap_err();
        assert_eq!(
            why,
            "its queue is Client Portal, and trigger_on_queue wants Field Services"
        );
        assert_eq!(
            conditions(&["42"], &["5"]).summary().unwrap(),
            "status is 42, and queue is 5"
        );
    }
}
