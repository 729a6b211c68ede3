//! Flattening schemas into fields that mappings can name.

use serde_json::Value;

use super::document::Document;
use super::operation::Schema;
use super::pointer;
use super::problems::short;
use crate::mapping::path::{Path, Segment};
use crate::model::{Field, FieldKind, PicklistValue};

/// What the fields are wanted for: some are only in answers, some only in requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reading an answer: fields that are only written are left out.
    Read,
    /// Writing a request: fields that are only read are left out.
    Write,
}

/// How deep fields of fields are listed.
const DEEPEST: usize = 6;

/// How many schemas may stand within each other without a field between them.
const LONGEST_WAY: usize = 64;

/// How many fields are listed.
const MOST: usize = 2_000;

/// How many values a picklist shows.
const MOST_VALUES: usize = 500;

impl Document {
    /// The fields of a schema, in its order. Circular schemas end where they come back to themselves.
    #[must_use]
    pub fn fields(&self, schema: &Schema, purpose: Purpose) -> Vec<Field> {
        let mut lister = Lister {
            document: self,
            purpose,
            fields: Vec::new(),
            way: Vec::new(),
        };
        let top = Standing {
            path: Vec::new(),
            required: false,
            needed: Vec::new(),
        };
        lister.members(&schema.0, &top);
        lister.fields
    }

    /// The schema of a property, wherever a composition holds it.
    #[must_use]
    pub fn property(&self, schema: &Schema, name: &str) -> Option<Schema> {
        let mut found = Vec::new();
        self.parts(&schema.0, 0, &mut found);
        found.into_iter().find_map(|part| {
            let place = pointer::child(&format!("{part}/properties"), name);
            self.tree.at(&place).map(|_| Schema(place))
        })
    }

    /// The schema of a list's items; `None` if the schema is of no list.
    #[must_use]
    pub fn items(&self, schema: &Schema) -> Option<Schema> {
        let mut found = Vec::new();
        self.parts(&schema.0, 0, &mut found);
        found.into_iter().find_map(|part| {
            let place = format!("{part}/items");
            self.tree.at(&place).filter(|items| items.is_object())?;
            Some(Schema(place))
        })
    }

    /// The type of a schema's value, if it says.
    #[must_use]
    pub fn kind(&self, schema: &Schema) -> Option<FieldKind> {
        let mut parts = Vec::new();
        self.parts(&schema.0, 0, &mut parts);
        parts.iter().find_map(|part| kind(self.tree.at(part)?))
    }

    /// The names of an object's properties.
    #[must_use]
    pub fn property_names(&self, schema: &Schema) -> Vec<String> {
        let mut found = Vec::new();
        self.parts(&schema.0, 0, &mut found);
        let mut names: Vec<String> = Vec::new();
        for part in found {
            let properties = self.tree.at(&format!("{part}/properties"));
            let properties = properties.and_then(Value::as_object).into_iter().flatten();
            for (name, _) in properties {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        names
    }

    /// The members that a schema and the parts of its `allOf` require.
    fn needed(&self, at: &str, depth: usize, names: &mut Vec<String>) {
        let Some((at, value)) = self.tree.resolve(at) else {
            return;
        };
        let own = value.get("required").and_then(Value::as_array);
        let own = own.into_iter().flatten().filter_map(Value::as_str);
        names.extend(own.map(str::to_owned));
        let parts = value
            .get("allOf")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        // The parts of parts are asked when they are listed themselves; this is for siblings.
        if depth < 2 {
            for place in 0..parts.min(50) {
                self.needed(&format!("{at}/allOf/{place}"), depth + 1, names);
            }
        }
    }

    /// A schema and those it is composed of.
    fn parts(&self, at: &str, depth: usize, found: &mut Vec<String>) {
        let Some((at, value)) = self.tree.resolve(at) else {
            return;
        };
        if depth > DEEPEST || found.contains(&at) {
            return;
        }
        found.push(at.clone());
        for name in ["allOf", "oneOf", "anyOf"] {
            let count = value
                .get(name)
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            for place in 0..count {
                self.parts(&format!("{at}/{name}/{place}"), depth + 1, found);
            }
        }
    }
}

struct Lister<'a> {
    document: &'a Document,
    purpose: Purpose,
    fields: Vec<Field>,
    /// The schemas within which we stand, so that circles end.
    way: Vec<String>,
}

/// Where a schema stands among the fields.
#[derive(Clone)]
struct Standing {
    path: Vec<Segment>,
    required: bool,
    /// Members that the schemas around this one require.
    needed: Vec<String>,
}

impl Lister<'_> {
    /// Lists the members of an object's schema.
    fn members(&mut self, at: &str, standing: &Standing) {
        let Some((at, value)) = self.document.tree.resolve(at) else {
            return;
        };
        if self.way.contains(&at)
            || self.way.len() > LONGEST_WAY
            || standing.path.len() > DEEPEST
            || self.fields.len() >= MOST
        {
            return;
        }
        self.way.push(at.clone());
        // One part of a composition may require what another part describes.
        let mut needed = standing.needed.clone();
        self.document.needed(&at, 0, &mut needed);
        let required = |name: &str| needed.iter().any(|one| one == name);
        let properties = value.get("properties").and_then(Value::as_object);
        for name in properties.into_iter().flatten().map(|(name, _)| name) {
            let mut path = standing.path.clone();
            path.push(Segment::Key(name.as_str().into()));
            let below = Standing {
                path,
                required: (standing.path.is_empty() || standing.required) && required(name),
                needed: Vec::new(),
            };
            self.field(
                &pointer::child(&format!("{at}/properties"), name),
                name,
                &below,
            );
        }
        let all = value
            .get("allOf")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let together = Standing {
            needed: needed.clone(),
            ..standing.clone()
        };
        for place in 0..all {
            self.members(&format!("{at}/allOf/{place}"), &together);
        }
        // Which variant a record is of is not known beforehand: the fields of all are offered, none is required.
        for name in ["oneOf", "anyOf"] {
            let count = value
                .get(name)
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            for place in 0..count {
                let before = self.fields.len();
                self.members(&format!("{at}/{name}/{place}"), standing);
                for field in self.fields.iter_mut().skip(before) {
                    field.required = false;
                }
            }
        }
        self.way.pop();
    }

    fn field(&mut self, at: &str, name: &str, standing: &Standing) {
        let own = self.document.tree.at(at).unwrap_or(&Value::Null);
        let Some((resolved, value)) = self.document.tree.resolve(at) else {
            return;
        };
        let says = |word: &str| {
            [own, value]
                .iter()
                .any(|one| one.get(word) == Some(&Value::Bool(true)))
        };
        let left_out = match self.purpose {
            Purpose::Read => says("writeOnly"),
            Purpose::Write => says("readOnly"),
        };
        if left_out || self.fields.len() >= MOST {
            return;
        }
        let path = Path::from_segments(standing.path.clone())
            .text()
            .to_string();
        if self.fields.iter().any(|field| field.path == path) {
            return;
        }
        let facts = Facts::of(self.document, &resolved);
        let title = [own, value]
            .iter()
            .find_map(|one| one.get("title")?.as_str().map(str::trim))
            .filter(|title| !title.is_empty());
        let mut field = Field::new(
            path,
            title.map_or_else(|| name.to_owned(), short),
            facts.kind,
        );
        field.required = standing.required;
        field.read_only = says("readOnly");
        field.picklist = facts.picklist;
        field.max_length = facts.max_length;
        self.fields.push(field);
        match facts.kind {
            FieldKind::Object | FieldKind::Any => self.members(&resolved, standing),
            FieldKind::List => {
                if let Some(items) = self.document.items(&Schema(resolved)) {
                    let mut path = standing.path.clone();
                    path.push(Segment::Index(0));
                    let below = Standing {
                        path,
                        required: false,
                        needed: Vec::new(),
                    };
                    self.members(&items.0, &below);
                }
            }
            _ => {}
        }
    }
}

/// What a schema says of a single value.
struct Facts {
    kind: FieldKind,
    picklist: Vec<PicklistValue>,
    max_length: Option<usize>,
}

impl Facts {
    fn of(document: &Document, at: &str) -> Self {
        let mut parts = Vec::new();
        document.parts(at, 0, &mut parts);
        let parts: Vec<&Value> = parts
            .iter()
            .filter_map(|part| document.tree.at(part))
            .collect();
        let kind = parts.iter().find_map(|part| kind(part));
        let picklist = parts.iter().find_map(|part| part.get("enum")?.as_array());
        let max_length = parts
            .iter()
            .find_map(|part| part.get("maxLength")?.as_u64());
        Self {
            kind: kind.unwrap_or(FieldKind::Any),
            picklist: picklist
                .into_iter()
                .flatten()
                .take(MOST_VALUES)
                .filter_map(choice)
                .collect(),
            max_length: max_length.and_then(|length| usize::try_from(length).ok()),
        }
    }
}

fn choice(value: &Value) -> Option<PicklistValue> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(PicklistValue {
        label: text.clone(),
        value: text,
    })
}

fn kind(schema: &Value) -> Option<FieldKind> {
    let word = match schema.get("type") {
        Some(Value::String(word)) => Some(word.as_str()),
        Some(Value::Array(words)) => words
            .iter()
            .filter_map(Value::as_str)
            .find(|word| *word != "null"),
        _ => None,
    };
    let format = schema.get("format").and_then(Value::as_str);
    Some(match (word, format) {
        (Some("string"), Some("date")) => FieldKind::Date,
        (Some("string"), Some("date-time" | "datetime")) => FieldKind::DateTime,
        (Some("string"), _) => FieldKind::Text,
        (Some("integer" | "int" | "long"), _) => FieldKind::Integer,
        (Some("number" | "float" | "double"), _) => FieldKind::Number,
        (Some("boolean" | "bool"), _) => FieldKind::Boolean,
        (Some("object"), _) => FieldKind::Object,
        (Some("array"), _) => FieldKind::List,
        _ if schema.get("properties").is_some() => FieldKind::Object,
        _ if schema.get("items").is_some() => FieldKind::List,
        _ => return None,
    })
}
