//! Turning mapped fields into what an object takes, and saying all that is wrong with them at once.
//!
//! Salesforce itself may tell only the first thing that is wrong, so everything its description tells is checked before
//! anything is sent.

use serde_json::{Map, Value};

use super::catalogue::{PRIVATE_NOTE, PUBLIC_NOTE};
use super::describe::{Describe, Kind, ObjectField};
use super::read::moment;
use crate::model::{Category, Failure};

/// What a body is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// A new record.
    Create,
    /// A change of a record, as it was last read.
    Update(&'a Value),
}

/// A body, and the messages that were mapped beside it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Prepared {
    /// The record's fields.
    pub(super) body: Map<String, Value>,
    /// The text of a message for staff.
    pub(super) private_note: Option<String>,
    /// The text of a message for the customer too.
    pub(super) public_note: Option<String>,
}

/// Prepares a body.
///
/// # Errors
/// Everything that is wrong, each naming its field.
pub(super) fn prepare(
    fields: &Map<String, Value>,
    describe: &Describe,
    purpose: Purpose<'_>,
) -> Result<Prepared, Vec<String>> {
    let mut prepared = Prepared::default();
    let mut problems = Vec::new();
    for (name, value) in fields {
        match name.as_str() {
            PRIVATE_NOTE => prepared.private_note = note_text(value),
            PUBLIC_NOTE => prepared.public_note = note_text(value),
            _ => match written(name, value, describe, purpose) {
                Ok(Some(value)) => {
                    prepared.body.insert(name.clone(), value);
                }
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            },
        }
    }
    if let Purpose::Create = purpose {
        let missing = describe
            .fields
            .iter()
            .filter(|field| field.required && !prepared.body.contains_key(&field.name))
            // What is wrong with it is told already.
            .filter(|field| !fields.contains_key(&field.name) || is_empty(&fields[&field.name]));
        problems
            .extend(missing.map(|field| format!("{} ({}) is required", field.name, field.label)));
    }
    if problems.is_empty() {
        Ok(prepared)
    } else {
        Err(problems)
    }
}

/// The refusal that tells all problems.
pub(super) fn refusal(deed: &str, problems: &[String]) -> Failure {
    Failure::new(
        Category::Validation,
        format!("can't {deed}: {}", problems.join("; ")),
    )
    .hint("Correct the mapping; Refresh Fields lists the fields that the integration user may write, with the values they allow.")
}

/// The value to be written; nothing where the record has it already or there is nothing to write.
fn written(
    name: &str,
    value: &Value,
    describe: &Describe,
    purpose: Purpose<'_>,
) -> Result<Option<Value>, String> {
    let Some(field) = describe.field(name) else {
        return Err(match describe.relation(name) {
            Some(relation) => format!(
                "{name} is a related object and is only read; write {} instead",
                relation.name
            ),
            None => format!(
                "{name} is no field of {} that the integration user may see",
                describe.name
            ),
        });
    };
    let may = match purpose {
        Purpose::Create => field.createable,
        Purpose::Update(_) => field.updateable,
    };
    let before = match purpose {
        Purpose::Create => &Value::Null,
        Purpose::Update(base) => base.get(name).unwrap_or(&Value::Null),
    };
    let fitted = if is_empty(value) {
        Value::Null
    } else {
        fit(field, value)?
    };
    if same(field.kind, before, &fitted) {
        return Ok(None);
    }
    if !may {
        return Err(format!(
            "{name} ({}) can't be written by the integration user",
            field.label
        ));
    }
    if fitted.is_null() && field.kind == Kind::Boolean {
        return Ok(Some(false.into()));
    }
    Ok(Some(fitted))
}

/// Whether a field holds a value already: moments and numbers by their worth, an unset checkbox like an empty one.
fn same(kind: Kind, before: &Value, after: &Value) -> bool {
    match (kind, before, after) {
        (Kind::DateTime, Value::String(before), Value::String(after)) => {
            moment(before).is_some_and(|before| moment(after) == Some(before))
        }
        (Kind::Number, Value::Number(before), Value::Number(after)) => {
            before.as_f64() == after.as_f64()
        }
        (Kind::Boolean, Value::Null, Value::Bool(false))
        | (Kind::Boolean, Value::Bool(false), Value::Null) => true,
        _ => before == after,
    }
}

pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn note_text(value: &Value) -> Option<String> {
    (!is_empty(value)).then(|| text(value))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value in a field's type, if nothing is lost by it.
fn fit(field: &ObjectField, value: &Value) -> Result<Value, String> {
    let refused = |takes: &str| {
        format!(
            "{} ({}) can't be `{}`: it takes {takes}",
            field.name,
            field.label,
            shown(value)
        )
    };
    match field.kind {
        Kind::Text => match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) => {
                Ok(shortened(&text(value), field.length).into())
            }
            _ => Err(refused("text")),
        },
        Kind::Word => match value {
            Value::String(_) | Value::Number(_) => {
                let word = text(value).trim().to_owned();
                if field.length > 0 && word.chars().count() > field.length {
                    return Err(refused(&format!("at most {} characters", field.length)));
                }
                Ok(word.into())
            }
            _ => Err(refused("text")),
        },
        Kind::Picklist => match value {
            Value::String(_) | Value::Number(_) => choice(field, &text(value)).map(Value::from),
            _ => Err(refused("one of its values")),
        },
        Kind::Multipicklist => {
            let pieces: Vec<String> = match value {
                Value::Array(items) => items.iter().map(text).collect(),
                other => text(other).split(';').map(str::to_owned).collect(),
            };
            let chosen: Result<Vec<String>, String> =
                pieces.iter().map(|piece| choice(field, piece)).collect();
            Ok(chosen?.join(";").into())
        }
        Kind::Boolean => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(true.into()),
            Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(false.into()),
            _ => Err(refused("true or false")),
        },
        Kind::Integer => {
            let whole = match value {
                Value::Number(number) => number.as_i64(),
                Value::String(text) => text.trim().parse().ok(),
                _ => None,
            };
            whole
                .map(Value::from)
                .ok_or_else(|| refused("a whole number"))
        }
        Kind::Number => {
            let number = match value {
                Value::Number(number) => Some(number.clone()),
                Value::String(text) => text
                    .trim()
                    .parse()
                    .ok()
                    .and_then(serde_json::Number::from_f64),
                _ => None,
            };
            number.map(Value::Number).ok_or_else(|| refused("a number"))
        }
        Kind::Date => {
            let date = value
                .as_str()
                .and_then(|text| text.trim().get(..10)?.parse::<jiff::civil::Date>().ok());
            date.map(|date| date.to_string().into())
                .ok_or_else(|| refused("a date like 2026-01-31"))
        }
        Kind::DateTime => {
            let at = value.as_str().and_then(universal);
            at.map(Value::from)
                .ok_or_else(|| refused("a moment like 2026-01-31T08:00:00Z"))
        }
        Kind::Time => Ok(text(value).into()),
        Kind::Compound => Err(refused("nothing: write its parts instead")),
        Kind::Bytes => Err(refused("nothing: files are carried on their own")),
    }
}

/// A moment in the vendor's form. One without an offset is in universal time, as Field Nation's `utc` fields are.
fn universal(text: &str) -> Option<String> {
    let at = moment(text).or_else(|| {
        let civil: jiff::civil::DateTime = text.trim().parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(at.to_string())
}

/// A value of a picklist, by its value or, where it has another, its label.
fn choice(field: &ObjectField, text: &str) -> Result<String, String> {
    let text = text.trim();
    let by_value = field.picklist.iter().find(|(value, _)| value == text);
    let found = by_value.or_else(|| field.picklist.iter().find(|(_, label)| label == text));
    match found {
        Some((value, _)) => Ok(value.clone()),
        // Other values are taken, as a person may have them in old records.
        None if !field.restricted => Ok(text.to_owned()),
        None => {
            let allowed: Vec<&str> = field
                .picklist
                .iter()
                .map(|(value, _)| value.as_str())
                .collect();
            Err(format!(
                "{} ({}) can't be `{text}`: it allows {}",
                field.name,
                field.label,
                allowed.join(", ")
            ))
        }
    }
}

/// A text that fits; where it was cut, it ends in an ellipsis.
fn shortened(text: &str, length: usize) -> String {
    if length == 0 || text.chars().count() <= length {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn shown(value: &Value) -> String {
    text(value).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case() -> Describe {
        let field = |name: &str, kind: &str, more: Value| {
            let mut field = json!({"name": name, "label": name, "type": kind, "createable": true, "updateable": true, "nillable": true});
            if let (Some(field), Value::Object(more)) = (field.as_object_mut(), more) {
                field.extend(more);
            }
            field
        };
        let choices = json!([{"active": true, "label": "Neu", "value": "New"}, {"active": true, "label": "Closed", "value": "Closed"}]);
        Describe::read(&json!({"name": "Case", "fields": [
            field("Subject", "string", json!({"length": 10, "nillable": false})),
            field("Status", "picklist", json!({"picklistValues": choices})),
            field("Kind__c", "picklist", json!({"picklistValues": choices, "restrictedPicklist": true})),
            field("Skills__c", "multipicklist", json!({"picklistValues": choices, "restrictedPicklist": true})),
            field("Send__c", "boolean", json!({"nillable": false, "defaultedOnCreate": true})),
            field("Count__c", "int", json!({})),
            field("Pay__c", "currency", json!({})),
            field("On__c", "date", json!({})),
            field("At__c", "datetime", json!({})),
            field("CaseNumber", "string", json!({"createable": false, "updateable": false})),
            field("ContactId", "reference", json!({"relationshipName": "Contact", "referenceTo": ["Contact"], "length": 18})),
        ]}))
        .unwrap()
    }

    fn create(fields: &Value) -> Result<Value, Vec<String>> {
        let fields = fields.as_object().unwrap();
        prepare(fields, &case(), Purpose::Create).map(|prepared| Value::Object(prepared.body))
    }

    #[test]
    fn values_are_fitted_to_their_fields() {
        let made = create(&json!({
            "Subject": 12, "Status": "Neu", "Skills__c": ["New", "Closed"], "Send__c": "true", "Count__c": "5",
            "Pay__c": "12.5", "On__c": "2026-02-28T23:00:00Z", "At__c": "2026-01-31 08:00:00",
        }));
        assert_eq!(
            made.unwrap(),
            json!({
                "Subject": "12", "Status": "New", "Skills__c": "New;Closed", "Send__c": true, "Count__c": 5,
                "Pay__c": 12.5, "On__c": "2026-02-28", "At__c": "2026-01-31T08:00:00Z",
            })
        );
        assert_eq!(
            create(&json!({"Subject": "x", "Status": "Unlisted"})).unwrap()["Status"],
            "Unlisted"
        );
        assert_eq!(
            create(&json!({"Subject": "12345678901"})).unwrap()["Subject"],
            "123456789…"
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let problems = create(&json!({
            "Kind__c": "Old", "Send__c": "maybe", "Count__c": 1.5, "On__c": "soon", "At__c": "soon", "CaseNumber": "1",
            "Contact": {"Name": "x"}, "Nope__c": 1,
        }))
        .unwrap_err();
        let told = problems.join("\n");
        for part in [
            "Kind__c (Kind__c) can't be `Old`: it allows New, Closed",
            "Send__c",
            "Count__c",
            "On__c",
            "At__c",
            "CaseNumber (CaseNumber) can't be written",
            "write ContactId instead",
            "Nope__c is no field of Case",
            "Subject (Subject) is required",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert_eq!(problems.len(), 9, "{told}");
    }

    #[test]
    fn an_update_writes_only_what_changed() {
        let base = json!({"Subject": "same", "At__c": "2026-01-31T08:00:00.000+0000", "Pay__c": 12.0, "Send__c": false,
            "Status": "New", "CaseNumber": "1", "On__c": "2026-01-01"});
        let changes = json!({"Subject": "same", "At__c": "2026-01-31 08:00:00", "Pay__c": 12, "Send__c": null,
            "Status": "Closed", "CaseNumber": "1", "On__c": "", "private_note": "done", "public_note": ""});
        let prepared = prepare(
            changes.as_object().unwrap(),
            &case(),
            Purpose::Update(&base),
        )
        .unwrap();
        assert_eq!(
            Value::Object(prepared.body),
            json!({"Status": "Closed", "On__c": null})
        );
        assert_eq!(
            (prepared.private_note.as_deref(), prepared.public_note),
            (Some("done"), None)
        );
    }
}
