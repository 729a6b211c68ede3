//! Reading the operations of a description, whichever version it is written in.

use http::Method;
use serde_json::{Map, Value, json};

use super::document::Edition;
use super::operation::{Content, Operation, Parameter, Place, RequestBody, Schema, essence};
use super::pointer;
use super::problems::Problems;
use super::references::is_unresolved;
use super::security;
use super::servers;
use super::style::{Encoded, Style};
use super::tree::Tree;

const METHODS: [(&str, Method); 8] = [
    ("get", Method::GET),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("patch", Method::PATCH),
    ("delete", Method::DELETE),
    ("head", Method::HEAD),
    ("options", Method::OPTIONS),
    ("trace", Method::TRACE),
];

/// Reads all operations below `paths`.
pub(super) fn read_all(
    tree: &mut Tree,
    edition: Edition,
    problems: &mut Problems,
) -> Vec<Operation> {
    let mut reader = Reader {
        tree,
        edition,
        problems,
    };
    let paths = reader.names("/0/paths");
    let mut operations = Vec::new();
    for path in paths {
        if path.starts_with("x-") {
            continue;
        }
        if !path.starts_with('/') {
            reader.problems.note(format!(
                "the path `{path}` does not begin with a slash; read as /{path}"
            ));
        }
        reader.path_item(&path, &mut operations);
    }
    operations
}

struct Reader<'a> {
    tree: &'a mut Tree,
    edition: Edition,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    /// The member names of the object a pointer names; none if it is no object.
    fn names(&self, pointer: &str) -> Vec<String> {
        let object = self.value(pointer).as_object();
        object
            .map(|object| object.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn value(&self, pointer: &str) -> &Value {
        self.tree
            .resolve(pointer)
            .map_or(&Value::Null, |(_, value)| value)
    }

    /// A member of the object a pointer names, references followed all the way.
    fn member(&self, pointer: &str, name: &str) -> Option<(String, &Value)> {
        let (pointer, _) = self.tree.resolve(pointer)?;
        let found = self.tree.resolve(&pointer::child(&pointer, name))?;
        (!found.1.is_null()).then_some(found)
    }

    fn text(&self, pointer: &str, name: &str) -> Option<String> {
        let (_, value) = self.member(pointer, name)?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn path_item(&mut self, path: &str, operations: &mut Vec<Operation>) {
        let Some((item, value)) = self.tree.resolve(&pointer::child("/0/paths", path)) else {
            return;
        };
        if !value.is_object() {
            self.problems
                .note(format!("the path {path} holds no operations; left out"));
            return;
        }
        let shared = self.parameters(&item, path);
        for (word, method) in METHODS {
            let Some((place, value)) = self.member(&item, word) else {
                continue;
            };
            if is_unresolved(value) {
                continue;
            }
            if !value.is_object() {
                let address = format!("{method} {path}");
                self.problems
                    .note(format!("{address} is no operation; left out"));
                continue;
            }
            let operation = self.operation(&item, &place, method, path, &shared);
            operations.push(operation);
        }
    }

    fn operation(
        &mut self,
        item: &str,
        place: &str,
        method: Method,
        path: &str,
        shared: &[Stated],
    ) -> Operation {
        let address = format!("{method} {path}");
        let own = self.parameters(place, &address);
        let mut stated: Vec<Stated> = shared.to_vec();
        for one in own {
            stated.retain(|other| other.key() != one.key());
            stated.push(one);
        }
        let body = match self.edition {
            Edition::V2 => self.body_of_parameters(place, &stated),
            _ => self.body(place),
        };
        let mut servers = servers::of_list(self.member(place, "servers").map(|(_, list)| list));
        if servers.is_empty() {
            servers = servers::of_list(self.member(item, "servers").map(|(_, list)| list));
        }
        let mut parameters: Vec<Parameter> = stated
            .iter()
            .filter_map(|stated| stated.parameter.clone())
            .collect();
        self.complete(path, &address, &mut parameters);
        Operation {
            path: format!("/{}", path.trim_start_matches('/')),
            id: self.text(place, "operationId").filter(|id| !id.is_empty()),
            summary: self.summary(place),
            parameters,
            body,
            answers: self.answers(place),
            security: self
                .member(place, "security")
                .and_then(|(_, value)| security::requirements(value)),
            servers,
            deprecated: self
                .member(place, "deprecated")
                .is_some_and(|(_, value)| *value == Value::Bool(true)),
            method,
        }
    }

    /// The summary, else the first line of the description.
    fn summary(&self, place: &str) -> String {
        let summary = self.text(place, "summary");
        let summary = summary.filter(|text| !text.trim().is_empty());
        let text = summary.or_else(|| self.text(place, "description"));
        let line = text.as_deref().unwrap_or_default().trim();
        super::problems::short(line.lines().next().unwrap_or_default().trim())
    }

    /// A variable of the path's template that no parameter describes is still needed.
    fn complete(&mut self, path: &str, address: &str, parameters: &mut Vec<Parameter>) {
        for name in super::template::variables(path) {
            let known =
                |parameter: &Parameter| parameter.place == Place::Path && parameter.name == name;
            if parameters.iter().any(known) {
                continue;
            }
            self.problems.note(format!(
                "{address} does not describe its path parameter {name}; taken as text"
            ));
            parameters.push(Parameter {
                name: name.to_owned(),
                place: Place::Path,
                required: true,
                encoding: Encoded::usual(Place::Path),
                schema: None,
                default: None,
            });
        }
    }

    fn parameters(&mut self, of: &str, told: &str) -> Vec<Stated> {
        let Some((list, value)) = self.member(of, "parameters") else {
            return Vec::new();
        };
        // A map of parameters stands here now and then; its values are meant.
        let places: Vec<String> = match value {
            Value::Array(items) => (0..items.len())
                .map(|place| format!("{list}/{place}"))
                .collect(),
            Value::Object(named) => named
                .keys()
                .map(|name| pointer::child(&list, name))
                .collect(),
            _ => Vec::new(),
        };
        let mut stated = Vec::new();
        for place in places {
            let Some((place, value)) = self.tree.resolve(&place) else {
                continue;
            };
            if is_unresolved(value) {
                continue;
            }
            let value = value.clone();
            match self.parameter(&place, &value) {
                Ok(one) => stated.push(one),
                Err(why) => self.problems.note(format!("{told}: {why}")),
            }
        }
        stated
    }

    fn parameter(&mut self, pointer: &str, value: &Value) -> Result<Stated, String> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let name = text("name").unwrap_or("").trim().to_owned();
        let word = text("in").unwrap_or("").to_ascii_lowercase();
        let place = match word.as_str() {
            "path" => Place::Path,
            "query" | "querystring" => Place::Query,
            "header" => Place::Header,
            "cookie" => Place::Cookie,
            "body" | "formdata" if self.edition == Edition::V2 => {
                return Ok(Stated {
                    name,
                    place: word,
                    pointer: pointer.to_owned(),
                    parameter: None,
                });
            }
            _ => {
                return Err(format!(
                    "the parameter `{name}` is in `{word}`, which is no place; left out"
                ));
            }
        };
        if name.is_empty() {
            return Err(format!("a {word} parameter has no name; left out"));
        }
        let required = place == Place::Path || value.get("required") == Some(&Value::Bool(true));
        let schema = self.schema_of_parameter(pointer, value);
        let default = schema
            .as_ref()
            .and_then(|schema| self.value(&schema.0).get("default"))
            .cloned();
        Ok(Stated {
            name: name.clone(),
            place: word,
            pointer: pointer.to_owned(),
            parameter: Some(Parameter {
                name,
                place,
                required,
                encoding: encoding(place, value),
                schema,
                default,
            }),
        })
    }

    fn schema_of_parameter(&mut self, pointer: &str, value: &Value) -> Option<Schema> {
        if value.get("schema").is_some() {
            return Some(Schema(pointer::child(pointer, "schema")));
        }
        if let Some(contents) = value.get("content").and_then(Value::as_object) {
            let (media_type, content) = contents.iter().next()?;
            content.get("schema")?;
            let content = pointer::child(&pointer::child(pointer, "content"), media_type);
            return Some(Schema(pointer::child(&content, "schema")));
        }
        value.get("type")?;
        Some(Schema(self.tree.add(schema_beside(value))))
    }

    fn body(&self, place: &str) -> Option<RequestBody> {
        let (body, value) = self.member(place, "requestBody")?;
        if is_unresolved(value) {
            return None;
        }
        let contents = self.contents(&body);
        let required = value.get("required") == Some(&Value::Bool(true));
        Some(RequestBody { required, contents })
    }

    fn contents(&self, of: &str) -> Vec<Content> {
        let Some((list, _)) = self.member(of, "content") else {
            return Vec::new();
        };
        let mut contents = Vec::new();
        for media_type in self.names(&list) {
            let content = pointer::child(&list, &media_type);
            let encodings = self.member(&content, "encoding");
            let encodings = encodings.and_then(|(_, value)| value.as_object().cloned());
            let part_types = encodings.into_iter().flatten().filter_map(|(name, value)| {
                let types = value.get("contentType")?.as_str()?;
                Some((name, types.split(',').next()?.trim().to_owned()))
            });
            contents.push(Content {
                media_type: essence(&media_type),
                schema: self.member(&content, "schema").map(|(at, _)| Schema(at)),
                part_types: part_types.collect(),
            });
        }
        contents
    }

    /// 2.0 spells a body as a parameter in `body`, or as parameters in `formData`.
    fn body_of_parameters(&mut self, place: &str, stated: &[Stated]) -> Option<RequestBody> {
        let types = self.media_types(place, "consumes");
        if let Some(body) = stated.iter().find(|one| one.place == "body") {
            let value = self.value(&body.pointer);
            let required = value.get("required") == Some(&Value::Bool(true));
            let schema = value
                .get("schema")
                .map(|_| Schema(pointer::child(&body.pointer, "schema")));
            let contents = types.iter().map(|media_type| Content {
                media_type: media_type.clone(),
                schema: schema.clone(),
                part_types: Vec::new(),
            });
            return Some(RequestBody {
                required,
                contents: contents.collect(),
            });
        }
        let fields: Vec<&Stated> = stated
            .iter()
            .filter(|one| one.place == "formdata")
            .collect();
        if fields.is_empty() {
            return None;
        }
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut has_file = false;
        for field in fields {
            let value = self.value(&field.pointer).clone();
            has_file |= value.get("type").and_then(Value::as_str) == Some("file");
            if value.get("required") == Some(&Value::Bool(true)) {
                required.push(Value::from(field.name.clone()));
            }
            properties.insert(field.name.clone(), schema_beside(&value));
        }
        let is_required = !required.is_empty();
        let mut schema = json!({"type": "object", "properties": properties});
        if is_required && let Some(object) = schema.as_object_mut() {
            object.insert("required".to_owned(), Value::Array(required));
        }
        let schema = Schema(self.tree.add(schema));
        let is_form = |media_type: &&String| {
            media_type.starts_with("multipart/") || media_type.ends_with("form-urlencoded")
        };
        let mut forms: Vec<String> = types.iter().filter(is_form).cloned().collect();
        if has_file && !forms.iter().any(|form| form.starts_with("multipart/")) {
            forms.push("multipart/form-data".to_owned());
        } else if forms.is_empty() {
            forms.push("application/x-www-form-urlencoded".to_owned());
        }
        let contents = forms.into_iter().map(|media_type| Content {
            media_type,
            schema: Some(schema.clone()),
            part_types: Vec::new(),
        });
        Some(RequestBody {
            required: is_required,
            contents: contents.collect(),
        })
    }

    /// `consumes` or `produces` of an operation, else of the whole; JSON if neither says.
    fn media_types(&self, place: &str, name: &str) -> Vec<String> {
        let of = |pointer: &str| {
            let (_, value) = self.member(pointer, name)?;
            let types = value.as_array()?.iter().filter_map(Value::as_str);
            let types: Vec<String> = types.map(essence).collect();
            (!types.is_empty()).then_some(types)
        };
        of(place)
            .or_else(|| of("/0"))
            .unwrap_or_else(|| vec!["application/json".to_owned()])
    }

    /// What the first success of the responses answers: the lowest 2xx, else `2XX`, else `default`.
    fn answers(&self, place: &str) -> Vec<Content> {
        let Some((list, _)) = self.member(place, "responses") else {
            return Vec::new();
        };
        let mut codes = self.names(&list);
        codes.retain(|code| code.starts_with('2') || code == "default");
        codes.sort();
        let mut empty = Vec::new();
        for code in codes {
            let response = pointer::child(&list, &code);
            let contents = match self.edition {
                Edition::V2 => match self.member(&response, "schema") {
                    Some((at, _)) => {
                        let types = self.media_types(place, "produces").into_iter();
                        let content = |media_type| Content {
                            media_type,
                            schema: Some(Schema(at.clone())),
                            part_types: Vec::new(),
                        };
                        types.map(content).collect()
                    }
                    None => Vec::new(),
                },
                _ => self.contents(&response),
            };
            if contents.iter().any(|content| content.schema.is_some()) {
                return contents;
            }
            if empty.is_empty() {
                empty = contents;
            }
        }
        empty
    }
}

/// A parameter as it stands, bodies of 2.0 included.
#[derive(Clone)]
struct Stated {
    name: String,
    place: String,
    pointer: String,
    /// What it is, unless it stands for the body.
    parameter: Option<Parameter>,
}

impl Stated {
    fn key(&self) -> (&str, &str) {
        (&self.name, &self.place)
    }
}

/// The schema that 2.0 spells beside a parameter's own members.
fn schema_beside(value: &Value) -> Value {
    const KEPT: [&str; 18] = [
        "type",
        "format",
        "items",
        "default",
        "enum",
        "maximum",
        "minimum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "maxItems",
        "minItems",
        "uniqueItems",
        "multipleOf",
        "description",
        "x-nullable",
    ];
    let kept = KEPT.iter().filter_map(|name| {
        let value = value.get(*name)?;
        Some(((*name).to_owned(), value.clone()))
    });
    Value::Object(kept.collect())
}

/// How a parameter's value is spelt.
fn encoding(place: Place, value: &Value) -> Encoded {
    let usual = Encoded::usual(place);
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let flag = |name: &str| value.get(name).and_then(Value::as_bool);
    if value.get("content").is_some() {
        return Encoded {
            style: Style::Json,
            ..usual
        };
    }
    if let Some(format) = text("collectionFormat") {
        let (style, explode) = match (format, place) {
            ("multi", _) => (Style::Form, true),
            ("ssv", _) => (Style::SpaceDelimited, false),
            ("tsv", _) => (Style::TabDelimited, false),
            ("pipes", _) => (Style::PipeDelimited, false),
            (_, Place::Query | Place::Cookie) => (Style::Form, false),
            _ => (Style::Simple, false),
        };
        return Encoded {
            style,
            explode,
            ..usual
        };
    }
    let style = match text("style") {
        Some("simple") => Style::Simple,
        Some("label") => Style::Label,
        Some("matrix") => Style::Matrix,
        Some("form") => Style::Form,
        Some("spaceDelimited") => Style::SpaceDelimited,
        Some("pipeDelimited") => Style::PipeDelimited,
        Some("deepObject") => Style::DeepObject,
        _ => usual.style,
    };
    // 2.0 parameters have their type beside them; lists without a format are separated by commas there.
    let old = value.get("schema").is_none() && value.get("type").is_some();
    Encoded {
        style,
        explode: flag("explode").unwrap_or(style == Style::Form && !old),
        reserved: flag("allowReserved").unwrap_or(false),
    }
}
