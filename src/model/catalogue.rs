//! Field catalogues: which fields the two sides have.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The type of a field, as far as mappings need to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// A date without time.
    Date,
    /// A date with time.
    DateTime,
    /// An object.
    Object,
    /// A list.
    List,
    /// Not known.
    Any,
}

/// A value that a field allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicklistValue {
    /// What is sent.
    pub value: String,
    /// What people see.
    pub label: String,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The path by which mappings name it, e.g. `location.city` or `customFields[caption="Site code"].value`.
    pub path: String,
    /// What people call it.
    pub label: String,
    /// Its type.
    pub kind: FieldKind,
    /// Whether creating the object needs it.
    #[serde(default)]
    pub required: bool,
    /// Whether it can't be written.
    #[serde(default)]
    pub read_only: bool,
    /// The values it allows; empty when any will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub picklist: Vec<PicklistValue>,
    /// The longest text it takes, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
}

impl Field {
    /// An optional, writable field.
    #[must_use]
    pub fn new(path: impl Into<String>, label: impl Into<String>, kind: FieldKind) -> Self {
        Self {
            path: path.into(),
            label: label.into(),
            kind,
            required: false,
            read_only: false,
            picklist: Vec::new(),
            max_length: None,
        }
    }

    /// Makes it required.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Makes it read-only.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
}

/// All fields of one side, as discovered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// The fields, in the order in which people should see them.
    pub fields: Vec<Field>,
    /// When they were read.
    pub read_at: Timestamp,
}

impl Catalogue {
    /// The same fields, none of them required: for a side where nothing is created.
    #[must_use]
    pub fn without_requirements(&self) -> Self {
        let mut fields = self.fields.clone();
        for field in &mut fields {
            field.required = false;
        }
        Self {
            fields,
            read_at: self.read_at,
        }
    }

    /// The field of a path.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.path == path)
    }
}
