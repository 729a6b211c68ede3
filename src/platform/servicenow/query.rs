//! Encoded queries, built so that no part of them can be dropped.
//!
//! The vendor's rule that this follows: a part of `sysparm_query` that is not understood (an unknown field, a stray `^`)
//! is left out without a word and the rest is run, so that a bad query finds every record. Names and values are
//! therefore checked before they are sent, and whoever asks compares the rows that come back.

use serde_json::Value;

use super::record;
use crate::model::{Category, Failure, Timestamp};

/// The longest value that is put into a query.
const LONGEST: usize = 255;

/// Whether a text can be the name of a field, dots between names of related fields included.
pub(super) fn is_field_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 160
        && name.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(legal)
                && part.starts_with(|first: char| first.is_ascii_lowercase())
        })
}

/// Whether a text can stand as a value: nothing in it ends the condition or is run by the instance.
fn is_value(value: &str) -> bool {
    !value.trim().is_empty()
        && value.len() <= LONGEST
        && !value.contains('^')
        && !value.chars().any(char::is_control)
        && !value
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("javascript:")
}

/// An encoded query whose every part is well-formed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(String);

impl Query {
    /// `field=value`.
    ///
    /// # Errors
    /// When the name or the value could not stand in a query; nothing must be sent then.
    pub(super) fn is(field: &str, value: &str) -> Result<Self, Failure> {
        Self::default().and(field, "=", value)
    }

    /// `fieldINone,other`.
    ///
    /// # Errors
    /// As [`Self::is`].
    pub(super) fn is_one_of(field: &str, values: &[&str]) -> Result<Self, Failure> {
        Self::default().and_one_of(field, values)
    }

    /// Everything that changed at a moment or after it.
    pub(super) fn changed_since(since: Timestamp) -> Self {
        Self(format!("sys_updated_on>={}", record::stamp(since)))
    }

    /// And `field=value`.
    ///
    /// # Errors
    /// As [`Self::is`].
    pub(super) fn and_is(self, field: &str, value: &str) -> Result<Self, Failure> {
        self.and(field, "=", value)
    }

    /// And `fieldINone,other`.
    ///
    /// # Errors
    /// As [`Self::is`]; also when there are no values, or one that has a comma.
    pub(super) fn and_one_of(self, field: &str, values: &[&str]) -> Result<Self, Failure> {
        if values
            .iter()
            .any(|value| value.contains(',') || !is_value(value))
        {
            return Err(unfit(field, &values.join(",")));
        }
        self.and(field, "IN", &values.join(","))
    }

    /// And what a filter of the admin's wants.
    pub(super) fn and_filter(self, filter: &Filter) -> Self {
        self.joined(&filter.encoded())
    }

    /// Sorted by a field, rising.
    pub(super) fn by(self, field: &'static str) -> Self {
        self.joined(&format!("ORDERBY{field}"))
    }

    /// As it is sent.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn and(self, field: &str, operator: &str, value: &str) -> Result<Self, Failure> {
        if is_field_name(field) && is_value(value) {
            Ok(self.joined(&format!("{field}{operator}{value}")))
        } else {
            Err(unfit(field, value))
        }
    }

    fn joined(mut self, part: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('^');
        }
        self.0.push_str(part);
        self
    }
}

fn unfit(field: &str, value: &str) -> Failure {
    let shown: String = value.chars().take(80).collect();
    Failure::new(
        Category::Validation,
        format!("`{field}` can't be looked up by `{shown}`: ServiceNow would drop that part of the query and find everything"),
    )
    .hint("A value that is looked up may be neither empty nor longer than 255 characters, and may hold no ^ and no line break.")
}

/// A filter of the admin's, in the vendor's own writing: the part of it that we can judge ourselves as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    /// Any of these...
    choices: Vec<Vec<AnyOf>>,
}

/// ...in which each of these holds, by one of its conditions.
type AnyOf = Vec<Condition>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    field: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Is(String),
    IsNot(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Like(String),
    StartsWith(String),
    Empty,
    NotEmpty,
}

impl Filter {
    /// Reads a filter such as `active=true^stateIN1,2^ORu_urgent=true`.
    ///
    /// # Errors
    /// Which part is not understood, for the admin.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let text = text.strip_suffix("^EQ").unwrap_or(text);
        let mut choices: Vec<Vec<AnyOf>> = vec![Vec::new()];
        for part in text.split('^') {
            let (part, joint) = match (part.strip_prefix("NQ"), part.strip_prefix("OR")) {
                (Some(rest), _) => (rest, Joint::Choice),
                (_, Some(rest)) if !rest.starts_with("DERBY") => (rest, Joint::Or),
                _ => (part, Joint::And),
            };
            let condition = Condition::parse(part)?;
            if joint == Joint::Choice {
                choices.push(Vec::new());
            }
            let Some(group) = choices.last_mut() else {
                continue;
            };
            match (joint, group.last_mut()) {
                (Joint::Or, Some(any_of)) => any_of.push(condition),
                (Joint::Or, None) => return Err("it begins with ^OR".to_owned()),
                _ => group.push(vec![condition]),
            }
        }
        Ok(Self { choices })
    }

    /// The fields it looks at.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.conditions().map(|condition| condition.field.as_str())
    }

    /// Whether a record's fields meet it. A field that the record does not have meets nothing: a wrong name must
    /// find no record rather than all.
    ///
    /// # Errors
    /// The first condition that is not met, for people.
    pub(super) fn judge(&self, fields: &Value) -> Result<(), String> {
        let mut reason = None;
        for group in &self.choices {
            let failing = group
                .iter()
                .find(|any_of| !any_of.iter().any(|condition| condition.holds(fields)));
            match failing {
                None => return Ok(()),
                Some(any_of) => reason = reason.or(any_of.first().map(|first| first.told(fields))),
            }
        }
        Err(reason.unwrap_or_else(|| "trigger_query wants nothing".to_owned()))
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.choices.iter().flatten().flatten()
    }

    fn encoded(&self) -> String {
        let any_of = |any_of: &AnyOf| {
            let parts: Vec<String> = any_of.iter().map(Condition::encoded).collect();
            parts.join("^OR")
        };
        let group = |group: &Vec<AnyOf>| group.iter().map(any_of).collect::<Vec<_>>().join("^");
        self.choices
            .iter()
            .map(group)
            .collect::<Vec<_>>()
            .join("^NQ")
    }

    /// Whether it can be joined with other conditions: `^NQ` begins a query of its own.
    pub(super) fn is_single(&self) -> bool {
        self.choices.len() == 1
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    And,
    Or,
    Choice,
}

impl Condition {
    fn parse(part: &str) -> Result<Self, String> {
        let is_name = |byte: &u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.')
        };
        let length = part.bytes().take_while(|byte| is_name(byte)).count();
        let (field, rest) = part.split_at(length);
        if !is_field_name(field) {
            return Err(format!("`{part}` does not begin with the name of a field"));
        }
        let test = Test::parse(rest).ok_or_else(|| {
            format!(
                "`{part}` is not understood: use =, !=, IN, NOT IN, LIKE, STARTSWITH, ISEMPTY or ISNOTEMPTY, with a value where one is due"
            )
        })?;
        Ok(Self {
            field: field.to_owned(),
            test,
        })
    }

    fn holds(&self, fields: &Value) -> bool {
        let Some(held) = record::text(fields, &self.field) else {
            return false;
        };
        let held = held.to_lowercase();
        let same = |wanted: &String| held == wanted.to_lowercase();
        match &self.test {
            Test::Is(wanted) => same(wanted),
            Test::IsNot(wanted) => !same(wanted),
            Test::In(wanted) => wanted.iter().any(same),
            Test::NotIn(wanted) => !wanted.iter().any(same),
            Test::Like(part) => held.contains(&part.to_lowercase()),
            Test::StartsWith(part) => held.starts_with(&part.to_lowercase()),
            Test::Empty => held.is_empty(),
            Test::NotEmpty => !held.is_empty(),
        }
    }

    fn told(&self, fields: &Value) -> String {
        let wanted = self.encoded();
        match record::text(fields, &self.field) {
            Some(held) => format!(
                "its {} is \"{held}\", and trigger_query wants {wanted}",
                self.field
            ),
            None => format!(
                "it has no readable field {}, and trigger_query wants {wanted}",
                self.field
            ),
        }
    }

    fn encoded(&self) -> String {
        let field = &self.field;
        match &self.test {
            Test::Is(value) => format!("{field}={value}"),
            Test::IsNot(value) => format!("{field}!={value}"),
            Test::In(values) => format!("{field}IN{}", values.join(",")),
            Test::NotIn(values) => format!("{field}NOT IN{}", values.join(",")),
            Test::Like(value) => format!("{field}LIKE{value}"),
            Test::StartsWith(value) => format!("{field}STARTSWITH{value}"),
            Test::Empty => format!("{field}ISEMPTY"),
            Test::NotEmpty => format!("{field}ISNOTEMPTY"),
        }
    }
}

impl Test {
    fn parse(text: &str) -> Option<Self> {
        let value = |text: &str| is_value(text).then(|| text.trim().to_owned());
        let values = |text: &str| text.split(',').map(value).collect::<Option<Vec<_>>>();
        match text {
            "ISEMPTY" => return Some(Self::Empty),
            "ISNOTEMPTY" => return Some(Self::NotEmpty),
            _ => {}
        }
        if let Some(rest) = text.strip_prefix("!=") {
            value(rest).map(Self::IsNot)
        } else if let Some(rest) = text.strip_prefix('=') {
            value(rest).map(Self::Is)
        } else if let Some(rest) = text.strip_prefix("NOT IN") {
            values(rest).map(Self::NotIn)
        } else if let Some(rest) = text.strip_prefix("IN") {
            values(rest).map(Self::In)
        } else if let Some(rest) = text.strip_prefix("STARTSWITH") {
            value(rest).map(Self::StartsWith)
        } else if let Some(rest) = text.strip_prefix("LIKE") {
            value(rest).map(Self::Like)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_be_dropped_is_never_sent() {
        for value in [
            "",
            "  ",
            "a^ORDERBYx",
            "a\nb",
            "javascript:gs.log(1)",
            " JavaScript:x",
        ] {
            assert!(Query::is("number", value).is_err(), "{value:?}");
        }
        for field in ["", "Number", "a b", "a..b", ".a", "a=b^c", "1a", "a^b"] {
            assert!(Query::is(field, "x").is_err(), "{field:?}");
        }
        assert!(Query::is_one_of("name", &[]).is_err());
        assert!(Query::is_one_of("name", &["a,b"]).is_err());
        assert!(Query::is("number", &"x".repeat(256)).is_err());
    }

    #[test]
    fn parts_are_joined_as_the_vendor_writes_them() {
        let query = Query::is("element_id", "abc")
            .and_then(|query| query.and_one_of("element", &["comments", "work_notes"]))
            .unwrap()
            .by("sys_created_on");
        assert_eq!(
            query.as_str(),
            "element_id=abc^elementINcomments,work_notes^ORDERBYsys_created_on"
        );
        let since = Query::changed_since("2016-01-22T14:12:37.9Z".parse().unwrap());
        assert_eq!(since.as_str(), "sys_updated_on>=2016-01-22 14:12:37");
    }

    #[test]
    fn a_filter_is_read_judged_and_written_again() {
        let text = "active=true^stateIN1,2^ORu_urgent=true^location.stateISNOTEMPTY";
        let filter = Filter::parse(text).unwrap();
        assert_eq!(filter.encoded(), text);
        let fields =
            json!({"active": "true", "state": "2", "location": {"value": "x", "state": "MN"}});
        assert_eq!(filter.judge(&fields), Ok(()));
        let fields = json!({"active": "true", "state": "6", "u_urgent": "TRUE", "location": {"state": "MN"}});
        assert_eq!(filter.judge(&fields), Ok(()));
        let fields = json!({"active": "true", "state": "6", "u_urgent": "false", "location": {"state": "MN"}});
        assert!(
            filter
                .judge(&fields)
                .unwrap_err()
                .contains("its state is \"6\"")
        );
    }

    #[test]
    fn an_unknown_field_finds_nothing_instead_of_everything() {
        for text in ["u_typo=1", "u_typo!=1", "u_typoISEMPTY", "u_typoNOT IN1"] {
            let filter = Filter::parse(text).unwrap();
            assert!(filter.judge(&json!({"state": "1"})).is_err(), "{text}");
        }
    }

    #[test]
    fn fragments_that_mean_everything_are_refused() {
        for text in [
            "",
            "^",
            "state=",
            "state",
            "stateIN",
            "stateIN1,,2",
            "=1",
            "ORstate=1",
            "ORDERBYnumber",
            "state=1^",
            "state=1^ORDERBYnumber",
            "State=1",
            "state=1^^active=true",
            "state>1",
            "sys_created_on>=javascript:gs.daysAgo(1)",
            "number=javascript:x",
        ] {
            assert!(Filter::parse(text).is_err(), "{text:?}");
        }
        assert!(Filter::parse("state=1^EQ").is_ok());
        assert!(!Filter::parse("state=1^NQstate=2").unwrap().is_single());
    }
}
