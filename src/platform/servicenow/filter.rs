//! Which records a connector wants.

use serde_json::Value;

use super::query::Filter;
use super::record;

/// The conditions of `trigger_on_state` and `trigger_query`: a wanted record meets both. With neither, every record
/// of the table is wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    states: Vec<String>,
    filter: Option<Filter>,
}

impl Conditions {
    pub(super) fn new(states: Vec<String>, filter: Option<Filter>) -> Self {
        Self { states, filter }
    }

    /// The states by label or value, as set.
    pub(super) fn states(&self) -> &[String] {
        &self.states
    }

    /// The filter of `trigger_query`.
    pub(super) fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// The fields that are looked at.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let state = (!self.states.is_empty()).then_some("state");
        state
            .into_iter()
            .chain(self.filter.iter().flat_map(Filter::fields))
    }

    /// Judges a shaped record.
    ///
    /// # Errors
    /// Why it is not wanted, for people.
    pub(super) fn judge(&self, fields: &Value) -> Result<(), String> {
        if !self.states.is_empty() {
            let value = record::text(fields, "state").unwrap_or_default();
            let label = record::text(fields, "dv_state").unwrap_or_default();
            let named =
                |wanted: &String| *wanted == value || (!label.is_empty() && same(wanted, &label));
            if !self.states.iter().any(named) {
                let state = if label.is_empty() { value } else { label };
                return Err(format!(
                    "its state is {state}, and trigger_on_state wants {}",
                    self.states.join(" or ")
                ));
            }
        }
        self.filter
            .as_ref()
            .map_or(Ok(()), |filter| filter.judge(fields))
    }
}

/// Labels are compared without regard to case.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn state_and_query_must_both_hold() {
        let filter = Filter::parse("u_send_to_fn=true").unwrap();
        let conditions = Conditions::new(vec!["in progress".into(), "10".into()], Some(filter));
        let record = |state: &str, label: &str, flag: &str| json!({"state": state, "dv_state": label, "u_send_to_fn": flag});
        assert_eq!(
            conditions.judge(&record("2", "In Progress", "true")),
            Ok(())
        );
        assert_eq!(
            conditions.judge(&record("10", "Pending Dispatch", "true")),
            Ok(())
        );
        let why = conditions.judge(&record("1", "New", "true")).unwrap_err();
        assert!(why.contains("its state is New"), "{why}");
        let why = conditions
            .judge(&record("2", "In Progress", "false"))
            .unwrap_err();
        assert!(why.contains("u_send_to_fn"), "{why}");
        assert_eq!(Conditions::default().judge(&json!({})), Ok(()));
    }
}
