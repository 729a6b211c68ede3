//! The fields of records: from the description's schemas, from a live metadata answer, from a template record.

use serde_json::Value;

use super::Rest;
use super::call::Filling;
use super::settings::Envelope;
use crate::http::Call;
use crate::mapping::path::Segment;
use crate::mapping::{Path, flatten};
use crate::model::{Catalogue, Failure, Field, FieldKind, PicklistValue, RecordId, Timestamp};
use crate::openapi::{Document, Purpose, Schema};

impl Rest {
    /// Lists the fields, each path once, the description's first.
    pub(super) async fn read_fields(
        &self,
        call: &Call,
        now: Timestamp,
    ) -> Result<Catalogue, Failure> {
        let mut fields = self.described();
        if let Some(binding) = &self.settings.bindings.metadata {
            let prepared = self.prepare(binding, &Filling::default(), None)?;
            let response = self.succeed(call, &prepared, "describe the fields").await?;
            add(&mut fields, of_metadata(&response.json()?));
        }
        if let Some(id) = &self.settings.template_record {
            let record = self.read_record(call, &RecordId::new(id.clone())).await?;
            if let Some(record) = record {
                add(&mut fields, of_sample(&record.fields));
            }
        }
        Ok(Catalogue {
            fields,
            read_at: now,
        })
    }

    /// What the description says: what is read, and which of it can be written.
    fn described(&self) -> Vec<Field> {
        let document = &self.settings.document;
        let bindings = &self.settings.bindings;
        let answer = bindings.fetch.operation.json_answer();
        let answer = answer.and_then(|content| content.schema.as_ref());
        let record =
            answer.and_then(|schema| within_answer(document, schema, &self.settings.envelope));
        let mut fields = record
            .map(|schema| document.fields(&schema, Purpose::Read))
            .unwrap_or_default();
        let request = |binding: Option<&super::binding::Binding>| {
            let body = binding?.operation.body.as_ref()?;
            let content = body.json().or(body.contents.first())?;
            let schema = self.within_request(content.schema.as_ref()?)?;
            Some(document.fields(&schema, Purpose::Write))
        };
        let create = request(bindings.create.as_ref());
        let update = request(bindings.update.as_ref());
        if create.is_none() && update.is_none() {
            return fields;
        }
        let listed = |list: &Option<Vec<Field>>, path: &str| {
            list.as_ref().is_none_or(Vec::is_empty)
                || list.iter().flatten().any(|field| field.path == path)
        };
        for field in &mut fields {
            field.read_only |= !listed(&create, &field.path) && !listed(&update, &field.path);
        }
        for written in create.iter().flatten() {
            match fields.iter_mut().find(|field| field.path == written.path) {
                Some(field) => {
                    field.required = written.required;
                    if field.picklist.is_empty() {
                        field.picklist.clone_from(&written.picklist);
                    }
                    field.max_length = field.max_length.or(written.max_length);
                }
                None => fields.push(written.clone()),
            }
        }
        // What only an answer requires is not required of a create.
        for field in &mut fields {
            let required = create
                .iter()
                .flatten()
                .any(|one| one.path == field.path && one.required);
            field.required = required;
        }
        add(
            &mut fields,
            update.into_iter().flatten().map(|field| Field {
                required: false,
                ..field
            }),
        );
        fields
    }
}

/// The schema at a path of a schema.
pub(super) fn descend(document: &Document, schema: &Schema, path: &Path) -> Option<Schema> {
    path.segments()
        .iter()
        .try_fold(schema.clone(), |schema, segment| match segment {
            Segment::Key(name) => document.property(&schema, name),
            Segment::Index(_) | Segment::Each | Segment::Select { .. } => document.items(&schema),
        })
}

/// The schema of the record in an answer's schema; a list's is that of its items.
fn within_answer(document: &Document, schema: &Schema, envelope: &Envelope) -> Option<Schema> {
    let inner = match envelope {
        Envelope::Set(path) => descend(document, schema, path)?,
        Envelope::Guessed(name) => document.property(schema, name)?,
        Envelope::None => schema.clone(),
    };
    Some(document.items(&inner).unwrap_or(inner))
}

fn add(fields: &mut Vec<Field>, more: impl IntoIterator<Item = Field>) {
    for field in more {
        if !fields.iter().any(|known| known.path == field.path) {
            fields.push(field);
        }
    }
}

/// What a sample record shows.
fn of_sample(sample: &Value) -> Vec<Field> {
    const MOST: usize = 1_000;
    let Some(object) = sample.as_object() else {
        return Vec::new();
    };
    let leaves = flatten(object).into_iter().take(MOST);
    leaves
        .map(|(path, value)| {
            let label = path.rsplit('.').next().unwrap_or(&path).to_owned();
            Field::new(path, label, kind_of(&value))
        })
        .collect()
}

fn kind_of(value: &Value) -> FieldKind {
    match value {
        Value::Null => FieldKind::Any,
        Value::Bool(_) => FieldKind::Boolean,
        Value::Number(number) if number.is_f64() => FieldKind::Number,
        Value::Number(_) => FieldKind::Integer,
        Value::String(text) if text.parse::<Timestamp>().is_ok() => FieldKind::DateTime,
        Value::String(text) if text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10 => {
            FieldKind::Date
        }
        Value::String(_) => FieldKind::Text,
        Value::Array(_) => FieldKind::List,
        Value::Object(_) => FieldKind::Object,
    }
}

/// What a live metadata answer says. There is no standard for these, so the common shapes are read: a JSON Schema, a
/// list of field descriptions, an object of them by name; anything else is taken for a sample record.
fn of_metadata(answer: &Value) -> Vec<Field> {
    let mut inner = answer;
    for name in [
        "data",
        "result",
        "schema",
        "fields",
        "properties",
        "columns",
    ] {
        if inner.is_object()
            && let Some(deeper) = inner
                .get(name)
                .filter(|one| one.is_object() || one.is_array())
        {
            inner = deeper;
        }
    }
    let described: Vec<Field> = match inner {
        Value::Array(items) => items
            .iter()
            .filter_map(|item| described_field(item, None))
            .collect(),
        Value::Object(named) if named.values().all(Value::is_object) => named
            .iter()
            .filter_map(|(name, value)| described_field(value, Some(name)))
            .collect(),
        _ => Vec::new(),
    };
    if described.is_empty() {
        of_sample(answer)
    } else {
        described
    }
}

fn described_field(value: &Value, name: Option<&str>) -> Option<Field> {
    let text = |names: &[&str]| names.iter().find_map(|name| value.get(*name)?.as_str());
    let flag = |names: &[&str]| {
        names
            .iter()
            .any(|name| value.get(*name) == Some(&Value::Bool(true)))
    };
    let path = name.or_else(|| text(&["path", "name", "key", "id", "field", "api_name"]))?;
    let kind = match text(&["type", "dataType", "data_type", "format"])
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "string" | "text" | "textarea" | "picklist" | "select" | "enum" | "email" | "url" => {
            FieldKind::Text
        }
        "integer" | "int" | "long" => FieldKind::Integer,
        "number" | "float" | "double" | "decimal" | "currency" => FieldKind::Number,
        "boolean" | "bool" | "checkbox" => FieldKind::Boolean,
        "date" => FieldKind::Date,
        "datetime" | "date-time" | "timestamp" => FieldKind::DateTime,
        "array" | "list" => FieldKind::List,
        "object" => FieldKind::Object,
        _ => FieldKind::Any,
    };
    let label = text(&["label", "title", "displayName", "display_name"]).unwrap_or(path);
    let mut field = Field::new(path, label, kind);
    field.required = flag(&["required", "mandatory"]);
    field.read_only = flag(&["readOnly", "read_only", "readonly"]);
    let values = ["enum", "values", "options", "choices", "picklist"];
    let values = values.iter().find_map(|name| value.get(*name)?.as_array());
    field.picklist = values.into_iter().flatten().filter_map(choice).collect();
    let length = ["maxLength", "max_length", "length"];
    let length = length.iter().find_map(|name| value.get(*name)?.as_u64());
    field.max_length = length.and_then(|length| usize::try_from(length).ok());
    Some(field)
}

fn choice(value: &Value) -> Option<PicklistValue> {
    let text = |value: &Value| crate::platform::basics::id_text(value);
    let (value, label) = match value {
        Value::Object(object) => {
            let first = |names: &[&str]| names.iter().find_map(|name| text(object.get(*name)?));
            let value = first(&["value", "id", "key", "name"])?;
            (
                value.clone(),
                first(&["label", "name", "title"]).unwrap_or(value),
            )
        }
        other => {
            let value = text(other)?;
            (value.clone(), value)
        }
    };
    Some(PicklistValue { value, label })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_common_shapes_of_metadata_are_read() {
        for answer in [
            json!({"properties": {"city": {"type": "string", "title": "City", "maxLength": 40}, "open": {"type": "boolean", "readOnly": true}}}),
            json!({"data": {"fields": [{"name": "city", "label": "City", "type": "text", "max_length": 40}, {"name": "open", "type": "checkbox", "read_only": true}]}}),
            json!([{"key": "city", "title": "City", "type": "string", "length": 40}, {"key": "open", "type": "bool", "readonly": true}]),
        ] {
            let fields = of_metadata(&answer);
            let told: Vec<_> = fields
                .iter()
                .map(|field| (field.path.as_str(), field.kind, field.read_only))
                .collect();
            assert_eq!(
                told,
                [
                    ("city", FieldKind::Text, false),
                    ("open", FieldKind::Boolean, true)
                ],
                "{answer}"
            );
            assert_eq!(
                (fields[0].label.as_str(), fields[0].max_length),
                ("City", Some(40))
            );
        }
    }

    #[test]
    fn a_sample_shows_types() {
        let fields = of_metadata(
            &json!({"id": 7, "site": {"city": "Boston", "since": "2026-01-02"}, "at": "2026-01-02T03:04:05Z", "tags": []}),
        );
        let told: Vec<_> = fields
            .iter()
            .map(|field| (field.path.as_str(), field.kind))
            .collect();
        assert_eq!(
            told,
            [
                ("id", FieldKind::Integer),
                ("site.city", FieldKind::Text),
                ("site.since", FieldKind::Date),
                ("at", FieldKind::DateTime),
                ("tags", FieldKind::List)
            ]
        );
    }

    #[test]
    fn choices_have_values_and_labels() {
        let field = described_field(&json!({"name": "status", "type": "picklist", "options": ["open", {"value": 2, "label": "Done"}, null]}), None).unwrap();
        let told: Vec<_> = field
            .picklist
            .iter()
            .map(|one| (one.value.as_str(), one.label.as_str()))
            .collect();
        assert_eq!(told, [("open", "open"), ("2", "Done")]);
    }
}
