//! What goes wrong, in the terms that decide what happens next.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConnectorId, Step};

/// The kind of a failure; it decides between retry, pause and dead letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The other side was not reached, or did not answer in time.
    Network,
    /// The other side failed for reasons of its own.
    Server,
    /// Asked to slow down.
    RateLimited,
    /// Credentials or rights were refused.
    Authentication,
    /// The other side refuses this content, and will refuse it again.
    Validation,
    /// A mapping rule could not make its value.
    Transformation,
    /// The connector's settings can't work.
    Configuration,
    /// Whether a create took effect can't be told: a person must look.
    Uncertain,
}

impl Category {
    /// Whether trying again later can help.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Network | Self::Server | Self::RateLimited)
    }

    /// The word for people, filters and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Server => "server",
            Self::RateLimited => "rate_limited",
            Self::Authentication => "authentication",
            Self::Validation => "validation",
            Self::Transformation => "transformation",
            Self::Configuration => "configuration",
            Self::Uncertain => "uncertain",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

/// Whether a failed call may have changed something on the other side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing was sent, by our own restraint (quota, breaker): it does not count as an attempt.
    Unsent,
    /// It certainly did not: refused, or never reached.
    #[default]
    None,
    /// It may have: sent, and no conclusive answer came back.
    Unknown,
}

/// A failed step, told so that a person can act on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// What kind of failure.
    pub category: Category,
    /// One sentence: what happened, with the names and values it happened to.
    pub cause: String,
    /// One sentence: what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How long the other side asked us to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// Whether the call may have taken effect all the same.
    #[serde(default)]
    pub effect: Effect,
    /// The mapping rule concerned, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
}

impl Failure {
    /// A failure with a cause and nothing else known.
    #[must_use]
    pub fn new(category: Category, cause: impl Into<String>) -> Self {
        Self {
            category,
            cause: cause.into(),
            hint: None,
            retry_after: None,
            effect: Effect::None,
            rule: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds how long the other side asked us to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Says that the call may have taken effect.
    #[must_use]
    pub fn effect_unknown(mut self) -> Self {
        self.effect = Effect::Unknown;
        self
    }

    /// Says that nothing was sent.
    #[must_use]
    pub fn unsent(mut self) -> Self {
        self.effect = Effect::Unsent;
        self
    }

    /// Names the mapping rule concerned, counted from 1.
    #[must_use]
    pub fn at_rule(mut self, rule: usize) -> Self {
        self.rule = Some(rule);
        self
    }
}

/// What makes failures alike: connector, step, category and the cause without its particulars.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a failure.
    #[must_use]
    pub fn of(connector: &ConnectorId, step: Step, failure: &Failure) -> Self {
        Self(format!(
            "{connector}|{}|{}|{}",
            step.word(),
            failure.category,
            normalise(&failure.cause)
        ))
    }

    /// The text that stands for it in keys.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a text that [`Self::as_str`] gave.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Replaces what differs from case to case (numbers, ids) by `#`, and bounds the length.
fn normalise(cause: &str) -> String {
    const LONGEST: usize = 160;
    let mut text = String::with_capacity(cause.len().min(LONGEST));
    for word in cause.split_whitespace() {
        if text.chars().count() >= LONGEST {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        let digits = word.chars().filter(char::is_ascii_digit).count();
        if digits >= 2 {
            text.push('#');
        } else {
            text.push_str(word);
        }
    }
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(cause: &str) -> Fingerprint {
        let connector = ConnectorId::new("cw-main").unwrap();
        Fingerprint::of(
            &connector,
            Step::Fetch,
            &Failure::new(Category::Server, cause),
        )
    }

    #[test]
    fn the_same_trouble_on_other_records_is_one_group() {
        assert_eq!(
            fingerprint("ticket 48213 was not found"),
            fingerprint("ticket 99 was not found")
        );
        assert_ne!(
            fingerprint("ticket 48213 was not found"),
            fingerprint("site 48213 was not found")
        );
    }

    #[test]
    fn a_huge_cause_makes_a_small_fingerprint() {
        assert!(fingerprint(&"x y ".repeat(100_000)).as_str().len() < 400);
    }
}
