//! Holding a request against a description.

use std::fmt;

use http::Method;
use serde_json::{Map, Value};

use super::document::Document;
use super::operation::{Operation, Parameter, Place, Schema, essence};
use super::problems::short;
use super::security::{KeyPlace, SchemeKind};
use super::style::Wanted;

/// A request, as it is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path as it is sent, without the query.
    pub path: &'a str,
    /// The query's pairs, decoded.
    pub query: &'a [(String, String)],
    /// The headers.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: SentBody<'a>,
}

/// A request's body, as far as it can be checked.
#[derive(Clone, Copy, Debug)]
pub enum SentBody<'a> {
    /// None.
    Empty,
    /// JSON; its media type is that of the `content-type` header, else `application/json`.
    Json(&'a Value),
    /// A form, URL-encoded.
    Form(&'a [(String, String)]),
    /// Multipart form data: the parts' names, each with its text unless it is a file.
    Multipart(&'a [(String, Option<String>)]),
    /// Anything of this media type.
    Other(&'a str),
}

/// What about a request departs from the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Departure {
    /// There is no such operation.
    Operation,
    /// Something required is missing.
    Missing,
    /// The description does not know it.
    Unknown,
    /// Its value is none that is allowed.
    Value,
    /// A body of this media type is not taken.
    MediaType,
}

/// One departure of a request from the description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What kind.
    pub departure: Departure,
    /// Where, e.g. ``query parameter `page` `` or `body /ticket/subject`.
    pub place: String,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.why)
    }
}

/// So many deviations of one value are told.
const MOST: usize = 20;

impl Document {
    /// Where a request departs from what the description allows; nothing if it does not. Credentials are not checked.
    #[must_use]
    pub fn check_request(&self, sent: &Sent<'_>) -> Vec<Deviation> {
        let Some((operation, values)) = self.operation_at(sent.method, sent.path) else {
            return vec![self.no_operation(sent)];
        };
        let mut found = Found::default();
        for parameter in &operation.parameters {
            self.check_parameter(sent, parameter, &values, &mut found);
        }
        self.check_unknown(sent, operation, &mut found);
        self.check_body(sent, operation, &mut found);
        found.list
    }

    fn no_operation(&self, sent: &Sent<'_>) -> Deviation {
        let others: Vec<&str> = self
            .operations
            .iter()
            .filter(|other| other.method != *sent.method)
            .filter(|other| {
                self.operation_at(&other.method, sent.path)
                    .is_some_and(|(found, _)| std::ptr::eq(found, *other))
            })
            .map(|other| other.method.as_str())
            .collect();
        let why = if others.is_empty() {
            format!("the description has no path {}", short(sent.path))
        } else {
            format!(
                "the path {} has no {}; it has {}",
                short(sent.path),
                sent.method,
                others.join(", ")
            )
        };
        Deviation {
            departure: Departure::Operation,
            place: "operation".to_owned(),
            why,
        }
    }

    fn check_parameter(
        &self,
        sent: &Sent<'_>,
        parameter: &Parameter,
        path: &[(&str, &str)],
        found: &mut Found,
    ) {
        let name = parameter.name.as_str();
        let wanted = || {
            let schema = parameter.schema.as_ref();
            schema.map(|schema| self.wanted(schema)).unwrap_or_default()
        };
        let encoding = parameter.encoding;
        let value = match parameter.place {
            Place::Path => path
                .iter()
                .find(|(variable, _)| *variable == name)
                .map(|(_, text)| encoding.read_one(name, text, &wanted())),
            Place::Query => encoding.read_query(name, sent.query, &wanted()),
            Place::Header => {
                // These three are said by other means; the specification has them ignored.
                if ["accept", "content-type", "authorization"]
                    .contains(&name.to_ascii_lowercase().as_str())
                {
                    return;
                }
                header(sent, name).map(|text| encoding.read_one(name, text, &wanted()))
            }
            Place::Cookie => cookie(sent, name)
                .map(|text| encoding.read_query(name, &[(name.to_owned(), text)], &wanted()))
                .unwrap_or_default(),
        };
        let place = format!("{} parameter `{name}`", parameter.place.word());
        match (value, &parameter.schema) {
            (None, _) if parameter.required => {
                found.add(Departure::Missing, place, "it is required".to_owned());
            }
            (Some(value), Some(schema)) => self.check_value(&place, schema, &value, found),
            _ => {}
        }
    }

    /// Query parameters that no description names; deep and exploded objects have names of their own.
    fn check_unknown(&self, sent: &Sent<'_>, operation: &Operation, found: &mut Found) {
        for (key, _) in sent.query {
            let outer = key.split('[').next().unwrap_or(key);
            let known = operation.parameters_in(Place::Query).any(|parameter| {
                let member = || {
                    let schema = parameter.schema.as_ref();
                    schema.is_some_and(|schema| {
                        let wanted = self.wanted(schema);
                        wanted.object && (wanted.members.is_empty() || wanted.members.contains(key))
                    })
                };
                parameter.name == *key || parameter.name == outer || member()
            });
            let is_key = self.schemes.iter().any(|scheme| {
                matches!(&scheme.kind, SchemeKind::ApiKey { place: KeyPlace::Query, name } if name == key)
            });
            // Some descriptions have the query in the path.
            let in_path = operation
                .path
                .split_once('?')
                .is_some_and(|(_, query)| query.contains(key.as_str()));
            if !known && !is_key && !in_path {
                let place = format!("query parameter `{}`", short(key));
                found.add(
                    Departure::Unknown,
                    place,
                    "the description does not know it".to_owned(),
                );
            }
        }
    }

    fn check_body(&self, sent: &Sent<'_>, operation: &Operation, found: &mut Found) {
        let place = || "body".to_owned();
        let Some(body) = &operation.body else {
            // What takes no body ignores one without content; a form without fields is none.
            let has_content = match sent.body {
                SentBody::Empty => false,
                SentBody::Json(value) => !value.is_null(),
                SentBody::Form(pairs) => !pairs.is_empty(),
                SentBody::Multipart(_) | SentBody::Other(_) => true,
            };
            if has_content {
                found.add(
                    Departure::Unknown,
                    place(),
                    "the operation takes none".to_owned(),
                );
            }
            return;
        };
        let header = header(sent, "content-type").map(essence);
        let media_type = match (sent.body, header) {
            (SentBody::Empty, _) => {
                if body.required {
                    found.add(Departure::Missing, place(), "it is required".to_owned());
                }
                return;
            }
            (_, Some(header)) => header,
            (SentBody::Json(_), None) => "application/json".to_owned(),
            (SentBody::Form(_), None) => "application/x-www-form-urlencoded".to_owned(),
            (SentBody::Multipart(_), None) => "multipart/form-data".to_owned(),
            (SentBody::Other(media_type), None) => essence(media_type),
        };
        if body.contents.is_empty() {
            return;
        }
        let Some(content) = body.of(&media_type) else {
            let taken: Vec<&str> = body
                .contents
                .iter()
                .map(|content| content.media_type.as_str())
                .collect();
            found.add(
                Departure::MediaType,
                place(),
                format!(
                    "{} is not taken; {} is",
                    short(&media_type),
                    taken.join(", ")
                ),
            );
            return;
        };
        let Some(schema) = &content.schema else {
            return;
        };
        match sent.body {
            SentBody::Json(value) => self.check_value("body", schema, value, found),
            SentBody::Form(pairs) => {
                let fields = pairs
                    .iter()
                    .map(|(name, value)| (name.as_str(), Some(value.as_str())));
                self.check_form(schema, fields, found);
            }
            SentBody::Multipart(parts) => {
                let fields = parts
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_deref()));
                self.check_form(schema, fields, found);
            }
            SentBody::Empty | SentBody::Other(_) => {}
        }
    }

    /// A form as the object it stands for. A file is a text as far as schemas go.
    fn check_form<'a>(
        &self,
        schema: &Schema,
        fields: impl Iterator<Item = (&'a str, Option<&'a str>)>,
        found: &mut Found,
    ) {
        let mut object: Map<String, Value> = Map::new();
        for (name, text) in fields {
            let name = name.strip_suffix("[]").unwrap_or(name);
            let property = self.property(schema, name);
            let wanted = property
                .map(|schema| self.wanted(&schema))
                .unwrap_or_default();
            let inner = wanted.inner.as_deref().unwrap_or(&wanted);
            let value = text.map_or_else(|| Value::from(""), |text| inner.read_text(text));
            match object.get_mut(name) {
                Some(Value::Array(items)) => items.push(value),
                Some(_) | None if wanted.list => {
                    object.insert(name.to_owned(), Value::Array(vec![value]));
                }
                _ => {
                    object.insert(name.to_owned(), value);
                }
            }
        }
        self.check_value("body", schema, &Value::Object(object), found);
    }

    fn check_value(&self, place: &str, schema: &Schema, value: &Value, found: &mut Found) {
        // A schema that can't be used says nothing against a value.
        let Ok(validator) = self.validator(schema) else {
            return;
        };
        for error in validator.iter_errors(value).take(MOST) {
            let pointer = error.instance_path().to_string();
            let joint = if pointer.is_empty() { "" } else { " " };
            let departure = match error.kind() {
                jsonschema::error::ValidationErrorKind::Required { .. } => Departure::Missing,
                jsonschema::error::ValidationErrorKind::AdditionalProperties { .. } => {
                    Departure::Unknown
                }
                _ => Departure::Value,
            };
            found.add(
                departure,
                format!("{place}{joint}{pointer}"),
                short(&error.to_string()),
            );
        }
    }

    /// What a schema wants, as far as it says.
    fn wanted(&self, schema: &Schema) -> Wanted {
        let mut wanted = Wanted::default();
        self.gather(&schema.0, 0, &mut wanted);
        wanted
    }

    fn gather(&self, pointer: &str, depth: usize, wanted: &mut Wanted) {
        const DEEPEST: usize = 6;
        let Some((pointer, value)) = self.tree.resolve(pointer) else {
            return;
        };
        if depth > DEEPEST {
            return;
        }
        let mut mark = |word: &str| match word {
            "array" => wanted.list = true,
            "object" => wanted.object = true,
            "integer" | "int" | "number" | "long" | "float" | "double" => wanted.number = true,
            "boolean" | "bool" => wanted.boolean = true,
            "string" => wanted.text = true,
            _ => {}
        };
        match value.get("type") {
            Some(Value::String(word)) => mark(word),
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).for_each(mark),
            _ if value.get("items").is_some() => mark("array"),
            _ if value.get("properties").is_some() => mark("object"),
            _ => {}
        }
        let mut below = |name: &str| {
            let mut inner = Wanted::default();
            self.gather(&format!("{pointer}/{name}"), depth + 1, &mut inner);
            wanted.inner = Some(Box::new(inner));
        };
        if value.get("items").is_some_and(Value::is_object) {
            below("items");
        } else if value
            .get("additionalProperties")
            .is_some_and(Value::is_object)
        {
            below("additionalProperties");
        }
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            wanted.members.extend(properties.keys().cloned());
            if wanted.inner.is_none() {
                let mut inner = Wanted::default();
                for name in properties.keys() {
                    let property = super::pointer::child(&format!("{pointer}/properties"), name);
                    self.gather(&property, depth + 1, &mut inner);
                }
                wanted.inner = Some(Box::new(inner));
            }
        }
        for name in ["allOf", "anyOf", "oneOf"] {
            let count = value
                .get(name)
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            for place in 0..count.min(50) {
                self.gather(&format!("{pointer}/{name}/{place}"), depth + 1, wanted);
            }
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    list: Vec<Deviation>,
}

impl Found {
    fn add(&mut self, departure: Departure, place: String, why: String) {
        self.list.push(Deviation {
            departure,
            place,
            why,
        });
    }
}

fn header<'a>(sent: &Sent<'a>, name: &str) -> Option<&'a str> {
    let found = sent
        .headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

fn cookie(sent: &Sent<'_>, name: &str) -> Option<String> {
    let pairs = header(sent, "cookie")?.split(';');
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(value.to_owned())
}
