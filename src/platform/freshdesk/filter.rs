//! Which tickets a connector wants.

use serde_json::Value;

/// The conditions of `trigger_on_status` and `trigger_on_tag`. With neither, every ticket is wanted; with
/// both, either is enough, as in the rule that the hosted broker's guide recommends.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    statuses: Vec<String>,
    tags: Vec<String>,
}

/// How conditions judge a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is wanted.
    Wanted,
    /// It is not, and why.
    Unwanted(String),
    /// What was read of it does not tell.
    Unclear,
}

impl Conditions {
    pub(super) fn new(statuses: Vec<String>, tags: Vec<String>) -> Self {
        Self { statuses, tags }
    }

    /// The statuses by label or number, as set.
    pub(super) fn statuses(&self) -> &[String] {
        &self.statuses
    }

    /// The conditions in the words of an automation rule; none if every ticket is wanted.
    pub(super) fn summary(&self) -> Option<String> {
        let part = |what: &str, words: &[String]| {
            (!words.is_empty()).then(|| format!("{what} is {}", words.join(" or ")))
        };
        let parts = [part("status", &self.statuses), part("tag", &self.tags)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", or "))
    }

    /// Judges a ticket by its `status`, its `status_name` and its `tags`.
    pub(super) fn judge(&self, ticket: &Value) -> Verdict {
        if self.statuses.is_empty() && self.tags.is_empty() {
            return Verdict::Wanted;
        }
        let number = ticket.get("status").map(super::json::text);
        let label = ticket.get("status_name").and_then(Value::as_str);
        let named = |wanted: &String| {
            number.as_deref() == Some(wanted.as_str())
                || label.is_some_and(|label| same(label, wanted))
        };
        if self.statuses.iter().any(named) {
            return Verdict::Wanted;
        }
        let tags = ticket.get("tags").and_then(Value::as_array);
        let tagged = |wanted: &String| {
            tags.into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .any(|tag| same(tag, wanted))
        };
        if self.tags.iter().any(tagged) {
            return Verdict::Wanted;
        }
        if !self.tags.is_empty() && tags.is_none() {
            return Verdict::Unclear;
        }
        let status = label.map(str::to_owned).or(number);
        Verdict::Unwanted(self.reason(&status.unwrap_or_else(|| "unknown".to_owned())))
    }

    fn reason(&self, status: &str) -> String {
        let mut reason = String::new();
        if !self.statuses.is_empty() {
            reason = format!(
                "its status is {status}, and trigger_on_status wants {}",
                self.statuses.join(" or ")
            );
        }
        if !self.tags.is_empty() {
            let joint = if reason.is_empty() { "it" } else { "; it" };
            reason = format!(
                "{reason}{joint} has none of the tags that trigger_on_tag wants: {}",
                self.tags.join(", ")
            );
        }
        reason
    }
}

/// Labels and tags are compared as Freshdesk does: without regard to case.
pub(super) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    one.chars()
        .flat_map(char::to_lowercase)
        .eq(other.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn conditions(statuses: &[&str], tags: &[&str]) -> Conditions {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Conditions::new(texts(statuses), texts(tags))
    }

    #[test]
    fn without_conditions_everything_is_wanted() {
        assert_eq!(Conditions::default().judge(&json!({})), Verdict::Wanted);
    }

    #[test]
    fn a_status_is_known_by_number_and_by_label() {
        let ticket = json!({"status": 8, "status_name": "Field Service Required", "tags": []});
        assert_eq!(conditions(&["8"], &[]).judge(&ticket), Verdict::Wanted);
        assert_eq!(
            conditions(&["field service required"], &[]).judge(&ticket),
            Verdict::Wanted
        );
        assert_eq!(
            conditions(&["Open"], &[]).judge(&ticket),
            Verdict::Unwanted(
                "its status is Field Service Required, and trigger_on_status wants Open".into()
            )
        );
    }

    #[test]
    fn a_tag_is_enough_beside_a_status() {
        let ticket = json!({"status": 2, "status_name": "Open", "tags": ["On-Site"]});
        assert_eq!(
            conditions(&["8"], &["on-site"]).judge(&ticket),
            Verdict::Wanted
        );
        assert_eq!(
            conditions(&[], &["remote"]).judge(&ticket),
            Verdict::Unwanted("it has none of the tags that trigger_on_tag wants: remote".into())
        );
    }

    #[test]
    fn a_listing_without_tags_does_not_tell() {
        let ticket = json!({"status": 2});
        assert_eq!(
            conditions(&["8"], &["on-site"]).judge(&ticket),
            Verdict::Unclear
        );
    }
}
