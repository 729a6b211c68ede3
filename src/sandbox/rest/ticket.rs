//! What a ticket may hold, as the description has it, and how requests are held to it.

use serde_json::{Map, Value, json};

use super::problem::{FieldError, Problem};
use crate::model::Timestamp;

/// The states a ticket may be in.
pub(super) const STATUSES: [&str; 6] =
    ["new", "dispatch", "assigned", "done", "closed", "cancelled"];

/// What a member may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A text of at most so many characters.
    Text(usize),
    /// The same, and it can't be empty or null.
    Needed(usize),
    Status,
    /// A whole number within bounds.
    Number(i64, i64),
    Moment,
    Object(&'static [(&'static str, Kind)]),
}

const SITE: &[(&str, Kind)] = &[
    ("name", Kind::Text(120)),
    ("street", Kind::Text(120)),
    ("city", Kind::Text(80)),
    ("state", Kind::Text(40)),
    ("zip", Kind::Text(12)),
];

const CONTACT: &[(&str, Kind)] = &[
    ("name", Kind::Text(120)),
    ("phone", Kind::Text(40)),
    ("email", Kind::Text(120)),
];

/// The members that callers write, in the order in which they are shown.
pub(super) const MEMBERS: &[(&str, Kind)] = &[
    ("subject", Kind::Needed(120)),
    ("description", Kind::Text(20_000)),
    ("status", Kind::Status),
    ("priority", Kind::Number(1, 4)),
    ("site", Kind::Object(SITE)),
    ("contact", Kind::Object(CONTACT)),
    ("wantedAt", Kind::Moment),
    ("technician", Kind::Text(200)),
    ("resolution", Kind::Text(20_000)),
    ("externalReference", Kind::Text(64)),
];

/// The members that only answers hold.
const READ_ONLY: [&str; 5] = ["id", "comments", "attachments", "createdAt", "updatedAt"];

/// An empty ticket.
pub(super) fn blank() -> Map<String, Value> {
    let blank = |kind: &Kind| match kind {
        Kind::Status => json!("new"),
        Kind::Number(..) => json!(3),
        Kind::Object(members) => {
            let members = members
                .iter()
                .map(|(name, _)| ((*name).to_owned(), Value::Null));
            Value::Object(members.collect())
        }
        Kind::Text(_) | Kind::Needed(_) | Kind::Moment => Value::Null,
    };
    let members = MEMBERS
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), blank(kind)));
    members.collect()
}

/// Checks what a caller wrote.
pub(super) fn check(fields: &Map<String, Value>) -> Result<(), Problem> {
    let mut errors = Vec::new();
    check_members(fields, MEMBERS, "", &mut errors);
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::Invalid(errors))
    }
}

fn check_members(
    fields: &Map<String, Value>,
    members: &[(&str, Kind)],
    within: &str,
    errors: &mut Vec<FieldError>,
) {
    for (name, value) in fields {
        let place = if within.is_empty() {
            name.clone()
        } else {
            format!("{within}.{name}")
        };
        match members.iter().find(|(known, _)| known == name) {
            Some((_, kind)) => check_value(&place, value, *kind, errors),
            None if within.is_empty() && READ_ONLY.contains(&name.as_str()) => {
                errors.push(FieldError::new(place, "can't be written"));
            }
            None => errors.push(FieldError::new(place, "is not a member of a ticket")),
        }
    }
}

fn check_value(place: &str, value: &Value, kind: Kind, errors: &mut Vec<FieldError>) {
    let mut wrong = |message: String| errors.push(FieldError::new(place, message));
    match (kind, value) {
        (Kind::Text(_) | Kind::Moment, Value::Null) => {}
        (Kind::Text(longest) | Kind::Needed(longest), Value::String(text)) => {
            let length = text.chars().count();
            if length > longest {
                wrong(format!(
                    "has {length} characters, at most {longest} are allowed"
                ));
            } else if matches!(kind, Kind::Needed(_)) && text.is_empty() {
                wrong("must not be empty".to_owned());
            }
        }
        (Kind::Text(_) | Kind::Needed(_), _) => wrong("must be a text".to_owned()),
        (Kind::Status, Value::String(text)) if STATUSES.contains(&text.as_str()) => {}
        (Kind::Status, _) => wrong(format!("must be one of {}", STATUSES.join(", "))),
        (Kind::Number(least, most), _) => {
            let good = value
                .as_i64()
                .is_some_and(|number| (least..=most).contains(&number));
            if !good {
                wrong(format!("must be a whole number from {least} to {most}"));
            }
        }
        (Kind::Moment, _) => {
            let good = value
                .as_str()
                .is_some_and(|text| text.parse::<Timestamp>().is_ok());
            if !good {
                wrong("must be a moment like 2026-01-31T08:00:00Z".to_owned());
            }
        }
        (Kind::Object(members), Value::Object(fields)) => {
            check_members(fields, members, place, errors);
        }
        (Kind::Object(_), _) => wrong("must be an object".to_owned()),
    }
}

/// RFC 7386, on members that were checked: null empties, objects are merged.
pub(super) fn merge(ticket: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, change) in changes {
        match (ticket.get_mut(name), change) {
            (Some(Value::Object(inner)), Value::Object(change)) => merge(inner, change),
            _ => {
                ticket.insert(name.clone(), change.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let fields = object(
            json!({"subject": "", "status": "open", "priority": 7, "wantedAt": "soon", "id": "TK-1", "colour": 1, "site": {"city": 7, "planet": "Mars"}}),
        );
        let Err(Problem::Invalid(errors)) = check(&fields) else {
            panic!("refused")
        };
        let places: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(
            places,
            [
                "subject",
                "status",
                "priority",
                "wantedAt",
                "id",
                "colour",
                "site.city",
                "site.planet"
            ]
        );
        assert!(
            check(&object(
                json!({"subject": "x", "description": null, "site": {"zip": "55401"}})
            ))
            .is_ok()
        );
    }

    #[test]
    fn changes_are_merged() {
        let mut ticket = blank();
        merge(
            &mut ticket,
            &object(json!({"site": {"city": "Boston"}, "subject": "x"})),
        );
        merge(
            &mut ticket,
            &object(json!({"site": {"zip": "02110"}, "subject": "y"})),
        );
        assert_eq!(
            ticket["site"],
            json!({"name": null, "street": null, "city": "Boston", "state": null, "zip": "02110"})
        );
        assert_eq!(ticket["subject"], "y");
    }
}
