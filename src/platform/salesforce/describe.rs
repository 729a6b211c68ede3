//! What an object is like, by the vendor's own description of it.
//!
//! The vendor's rules: a field is required when it is creatable, not nillable and not filled by itself; a field that
//! field-level security hides is simply absent.

use serde_json::Value;

use crate::model::{Category, Failure, FieldKind};
use crate::platform::basics::{is_true, text_at};

/// An object's description.
#[derive(Debug, Default)]
pub(super) struct Describe {
    /// Its API name.
    pub(super) name: String,
    /// What people call it.
    pub(super) label: String,
    /// Whether we may create such records.
    pub(super) createable: bool,
    /// Whether we may change such records.
    pub(super) updateable: bool,
    /// Its fields, those that we may see.
    pub(super) fields: Vec<ObjectField>,
}

/// A field's description.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, named as the vendor names them"
)]
#[derive(Debug)]
pub(super) struct ObjectField {
    /// Its API name.
    pub(super) name: String,
    /// What people call it.
    pub(super) label: String,
    /// The vendor's type.
    pub(super) kind: Kind,
    /// The longest text it takes; 0 where that has no meaning.
    pub(super) length: usize,
    /// Whether it may be given when a record is created.
    pub(super) createable: bool,
    /// Whether it may be changed.
    pub(super) updateable: bool,
    /// Whether a new record must have it.
    pub(super) required: bool,
    /// Whether records can be found by it as by an id.
    pub(super) external_id: bool,
    /// Whether no two records have the same value.
    pub(super) unique: bool,
    /// The allowed values with their labels, those in use.
    pub(super) picklist: Vec<(String, String)>,
    /// Whether other values than those are refused.
    pub(super) restricted: bool,
    /// The objects it may refer to.
    pub(super) refers_to: Vec<String>,
    /// The name under which a query reaches the object it refers to.
    pub(super) relationship: Option<String>,
}

/// The vendor's types, as far as they matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text that may be cut: `string`, `textarea`, `encryptedstring`.
    Text,
    /// Text with a form of its own: `id`, `reference`, `email`, `phone`, `url`, `combobox` and whatever is new.
    Word,
    /// One of the allowed values.
    Picklist,
    /// Several of the allowed values, joined by `;`.
    Multipicklist,
    Boolean,
    Integer,
    /// `double`, `currency`, `percent`.
    Number,
    Date,
    DateTime,
    Time,
    /// `address` and `location`: read as a whole, written by their parts.
    Compound,
    /// `base64`: not to be had in a query.
    Bytes,
}

impl Kind {
    fn of(word: &str) -> Self {
        match word {
            "string" | "textarea" | "encryptedstring" => Self::Text,
            "picklist" => Self::Picklist,
            "multipicklist" => Self::Multipicklist,
            "boolean" => Self::Boolean,
            "int" | "long" => Self::Integer,
            "double" | "currency" | "percent" => Self::Number,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "time" => Self::Time,
            "address" | "location" => Self::Compound,
            "base64" => Self::Bytes,
            _ => Self::Word,
        }
    }

    /// The kind in the words of mappings.
    pub(super) fn field_kind(self) -> FieldKind {
        match self {
            Self::Text
            | Self::Word
            | Self::Picklist
            | Self::Multipicklist
            | Self::Time
            | Self::Bytes => FieldKind::Text,
            Self::Boolean => FieldKind::Boolean,
            Self::Integer => FieldKind::Integer,
            Self::Number => FieldKind::Number,
            Self::Date => FieldKind::Date,
            Self::DateTime => FieldKind::DateTime,
            Self::Compound => FieldKind::Object,
        }
    }
}

impl Describe {
    /// Reads a description.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn read(answer: &Value) -> Result<Self, Failure> {
        let fields = answer.get("fields").and_then(Value::as_array);
        let (Some(name), Some(fields)) = (text_at(answer, &["name"]), fields) else {
            return Err(Failure::new(
                Category::Server,
                "Salesforce answered a description without a name or fields",
            ));
        };
        Ok(Self {
            name: name.to_owned(),
            label: text_at(answer, &["label"]).unwrap_or(name).to_owned(),
            createable: is_true(answer, "createable"),
            updateable: is_true(answer, "updateable"),
            fields: fields.iter().filter_map(ObjectField::read).collect(),
        })
    }

    /// The field of an API name.
    pub(super) fn field(&self, name: &str) -> Option<&ObjectField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field through which a query reaches a related object.
    pub(super) fn relation(&self, name: &str) -> Option<&ObjectField> {
        let named = |field: &&ObjectField| field.relationship.as_deref() == Some(name);
        self.fields.iter().find(named)
    }
}

impl ObjectField {
    fn read(value: &Value) -> Option<Self> {
        let name = text_at(value, &["name"]).filter(|name| super::soql::is_name(name))?;
        let createable = is_true(value, "createable");
        let texts = |name: &str| {
            let items = value.get(name).and_then(Value::as_array);
            items
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
        };
        let choices = value.get("picklistValues").and_then(Value::as_array);
        let choice = |choice: &Value| {
            let wanted = choice.get("active") != Some(&Value::Bool(false));
            let value = text_at(choice, &["value"]).filter(|_| wanted)?;
            Some((
                value.to_owned(),
                text_at(choice, &["label"]).unwrap_or(value).to_owned(),
            ))
        };
        let length = value
            .get("length")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        Some(Self {
            name: name.to_owned(),
            label: text_at(value, &["label"]).unwrap_or(name).to_owned(),
            kind: Kind::of(text_at(value, &["type"]).unwrap_or_default()),
            length: usize::try_from(length).unwrap_or(usize::MAX),
            createable,
            updateable: is_true(value, "updateable"),
            required: createable
                && value.get("nillable") == Some(&Value::Bool(false))
                && !is_true(value, "defaultedOnCreate"),
            external_id: is_true(value, "externalId"),
            unique: is_true(value, "unique"),
            picklist: choices.into_iter().flatten().filter_map(choice).collect(),
            restricted: is_true(value, "restrictedPicklist"),
            refers_to: texts("referenceTo").collect(),
            relationship: text_at(value, &["relationshipName"])
                .filter(|name| super::soql::is_name(name))
                .map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn required_is_what_nobody_else_fills() {
        let field = |nillable: bool, defaulted: bool, createable: bool| json!({"name": "X", "type": "string", "nillable": nillable, "defaultedOnCreate": defaulted, "createable": createable});
        let required = |value: Value| ObjectField::read(&value).unwrap().required;
        assert!(required(field(false, false, true)));
        assert!(!required(field(true, false, true)));
        assert!(!required(field(false, true, true)));
        assert!(!required(field(false, false, false)));
    }

    #[test]
    fn only_active_values_are_offered() {
        let status = json!({"name": "Status", "type": "picklist", "picklistValues": [
            {"active": true, "label": "Neu", "value": "New"}, {"active": false, "label": "x", "value": "Old"}, {}]});
        let status = ObjectField::read(&status).unwrap();
        assert_eq!(status.picklist, [("New".to_owned(), "Neu".to_owned())]);
    }

    #[test]
    fn odd_descriptions_are_read_leniently() {
        assert!(Describe::read(&json!({})).is_err());
        assert!(Describe::read(&json!([])).is_err());
        let read = Describe::read(
            &json!({"name": "Case", "fields": [null, {}, {"name": "a b"}, {"name": "Id", "type": "id"}]}),
        );
        assert_eq!(read.unwrap().fields.len(), 1);
    }
}
