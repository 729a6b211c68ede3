//! Turning mapped fields into what the record service takes.
//!
//! A reference is written as `{"id": …}`; a mapping may write the id, the name (`status.refName`), or either of them
//! directly (`status`). Names are looked up in the account's own lists. What NetSuite gives and does not take back
//! (`refName`, `links`) is left out.

use serde_json::{Map, Value, json};

use super::NetSuite;
use super::api::is_internal_id;
use super::schema::{Schema, Shape};
use super::session::{Choices, Freshness, is_refused};
use crate::http::Call;
use crate::model::{Category, Failure, Marker, Record};
use crate::platform::basics::{id_text, text_at};

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A new record: what is empty is left out.
    Create,
    /// A change of a record: what is empty is cleared.
    Change,
}

/// What becomes of a mapped value.
#[derive(Debug, PartialEq)]
enum Taken {
    /// It is left out.
    Nothing,
    /// It is written so.
    As(Value),
    /// It names an entry of a list, which must be looked up.
    Named(String),
}

impl NetSuite {
    /// Prepares mapped fields.
    pub(super) async fn prepared(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        purpose: Purpose,
        deed: &str,
    ) -> Result<Map<String, Value>, Failure> {
        let schema = self.schema_if_allowed(call).await?;
        let mut body = Map::new();
        let mut problems = Vec::new();
        for (name, value) in fields {
            match taken(name, value, schema.as_deref(), purpose) {
                Ok(Taken::Nothing) => {}
                Ok(Taken::As(value)) => {
                    body.insert(name.clone(), value);
                }
                Ok(Taken::Named(wanted)) => match self.named(call, name, &wanted).await? {
                    Ok(id) => {
                        body.insert(name.clone(), json!({"id": id}));
                    }
                    Err(problem) => problems.push(problem),
                },
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(body)
        } else {
            Err(Failure::new(
                Category::Validation,
                format!("NetSuite would refuse to {deed}: {}", problems.join("; ")),
            )
            .hint("Correct the mapping rules of these fields; Refresh Fields shows what the account allows."))
        }
    }

    /// The id of a list's entry, or what is wrong with its name.
    async fn named(
        &self,
        call: &Call,
        field: &str,
        wanted: &str,
    ) -> Result<Result<String, String>, Failure> {
        let mut allowed = None;
        // A list that was changed a moment ago deserves a second look.
        for freshness in [Freshness::Recent, Freshness::Fresh] {
            match self.choices(call, field, freshness).await {
                Ok(choices) => {
                    if let Some(id) = find(&choices, wanted) {
                        return Ok(Ok(id));
                    }
                    allowed = choices;
                }
                Err(failure) if is_refused(&failure) => break,
                Err(failure) => return Err(failure),
            }
        }
        Ok(Err(match allowed {
            Some(choices) => {
                let mut told: Vec<String> = choices
                    .iter()
                    .take(30)
                    .map(|choice| format!("{} ({})", choice.label, choice.value))
                    .collect();
                if choices.len() > told.len() {
                    told.push("…".to_owned());
                }
                format!(
                    "{field} can't be `{wanted}`; it allows: {}",
                    told.join(", ")
                )
            }
            None => format!(
                "{field} can't be looked up by the name `{wanted}`; map {field}.id with the id NetSuite shows"
            ),
        }))
    }

    /// Takes a mapped value for the marker's field out of a body: a record of ours could not be found again.
    pub(super) fn keep_marker(&self, base: &Record, body: &mut Map<String, Value>) {
        if let Some(name) = &self.settings.marker_field {
            let held = text_at(&base.fields, &[name.as_str()]);
            if held.is_some_and(|held| Marker::from_text(held).work_order().is_some()) {
                body.remove(name);
            }
        }
    }
}

fn find(choices: &Choices, wanted: &str) -> Option<String> {
    let choices = choices.as_deref()?;
    let same = |text: &str| text.trim().eq_ignore_ascii_case(wanted.trim());
    let by_name = choices.iter().find(|choice| same(&choice.label));
    let found = by_name.or_else(|| choices.iter().find(|choice| same(&choice.value)));
    found.map(|choice| choice.value.clone())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(members) => members.is_empty() || members.values().all(is_empty),
        _ => false,
    }
}

fn taken(
    name: &str,
    value: &Value,
    schema: Option<&Schema>,
    purpose: Purpose,
) -> Result<Taken, String> {
    let property = schema.and_then(|schema| schema.property(name));
    if property.is_some_and(|property| property.read_only) || matches!(name, "id" | "links") {
        return Err(format!("{name} can only be read"));
    }
    if is_empty(value) {
        return Ok(match purpose {
            Purpose::Create => Taken::Nothing,
            Purpose::Change => Taken::As(Value::Null),
        });
    }
    let shape = property.map(|property| property.shape);
    Ok(match value {
        Value::Object(members) if is_reference(members) => reference(members),
        Value::Object(_) => Taken::As(without_links(value)),
        Value::String(_) | Value::Number(_) if shape == Some(Shape::Reference) => {
            let text = id_text(value).unwrap_or_default();
            if is_internal_id(text.trim_start_matches('-')) {
                Taken::As(json!({"id": text}))
            } else {
                Taken::Named(text)
            }
        }
        _ => Taken::As(value.clone()),
    })
}

/// Whether an object names another record and nothing else.
fn is_reference(members: &Map<String, Value>) -> bool {
    members
        .keys()
        .all(|name| matches!(name.as_str(), "id" | "externalId" | "refName" | "links"))
}

fn reference(members: &Map<String, Value>) -> Taken {
    let text = |name: &str| members.get(name).and_then(id_text);
    if let Some(id) = text("id") {
        Taken::As(json!({"id": id}))
    } else if let Some(external) = text("externalId") {
        Taken::As(json!({"externalId": external}))
    } else {
        text("refName").map_or(Taken::Nothing, Taken::Named)
    }
}

/// A value without the addresses that NetSuite puts into everything.
pub(super) fn without_links(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| *name != "links");
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_links(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(without_links).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PicklistValue;

    fn schema() -> Schema {
        Schema::read(
            &json!({"properties": {
                "title": {"type": "string"},
                "status": {"$ref": "/metadata-catalog/nsResource"},
                "caseNumber": {"type": "string"},
            }}),
            true,
        )
    }

    fn take(name: &str, value: &Value, purpose: Purpose) -> Result<Taken, String> {
        taken(name, value, Some(&schema()), purpose)
    }

    #[test]
    fn a_reference_is_written_by_its_id_however_it_is_mapped() {
        for value in [
            json!("5"),
            json!(5),
            json!({"id": 5}),
            json!({"id": "5", "refName": "x", "links": []}),
        ] {
            let written = take("status", &value, Purpose::Change).unwrap();
            assert_eq!(written, Taken::As(json!({"id": "5"})), "{value}");
        }
        for value in [json!("Closed"), json!({"refName": "Closed"})] {
            let written = take("status", &value, Purpose::Change).unwrap();
            assert_eq!(written, Taken::Named("Closed".into()), "{value}");
        }
        let external = take("company", &json!({"externalId": "ACME"}), Purpose::Create).unwrap();
        assert_eq!(external, Taken::As(json!({"externalId": "ACME"})));
    }

    #[test]
    fn what_is_empty_is_left_out_or_cleared() {
        for value in [json!(null), json!(" "), json!({"id": null})] {
            assert_eq!(take("title", &value, Purpose::Create), Ok(Taken::Nothing));
            assert_eq!(
                take("title", &value, Purpose::Change),
                Ok(Taken::As(Value::Null))
            );
        }
        let kept = take("title", &json!("Router"), Purpose::Create);
        assert_eq!(kept, Ok(Taken::As(json!("Router"))));
    }

    #[test]
    fn what_can_only_be_read_is_not_written() {
        assert!(take("caseNumber", &json!("7"), Purpose::Change).is_err());
        assert!(take("links", &json!([]), Purpose::Change).is_err());
    }

    #[test]
    fn a_name_is_found_before_an_id_and_without_regard_to_case() {
        let choice = |value: &str, label: &str| PicklistValue {
            value: value.into(),
            label: label.into(),
        };
        let choices: Choices = Some([choice("1", "2"), choice("2", "Closed")].into());
        assert_eq!(find(&choices, "closed").as_deref(), Some("2"));
        assert_eq!(find(&choices, "2").as_deref(), Some("1"));
        assert_eq!(find(&choices, "x"), None);
        assert_eq!(find(&None, "Closed"), None);
    }

    #[test]
    fn addresses_are_not_fields() {
        let told =
            json!({"a": {"links": [1], "id": "1"}, "b": [{"links": [], "c": 2}], "links": []});
        assert_eq!(
            without_links(&told),
            json!({"a": {"id": "1"}, "b": [{"c": 2}]})
        );
    }

    #[test]
    fn the_vendors_own_records_lose_their_addresses_alone() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        for (name, left) in [
            (
                "doc_reference_field.json",
                json!({"currency": {"refName": "USD", "id": "1"}}),
            ),
            (
                "doc_get_customer_fields.json",
                json!({"companyName": "Glenrock General Hospital", "email": "alan.rath@ns.com", "entityId": "Alan Rath"}),
            ),
        ] {
            let Ok(text) = std::fs::read_to_string(format!("{shared}/samples/netsuite/{name}"))
            else {
                println!("skipped: the samples are not here");
                return;
            };
            let told: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(without_links(&told), left, "{name}");
        }
    }
}
