//! Bodies in the media types that descriptions name: JSON of all kinds, forms, multipart.

use serde_json::{Map, Value, json};

use crate::http::{Body, Part};
use crate::model::FileContent;
use crate::openapi::{Content, Document, Operation, RequestBody};

/// A body and the media type that goes with it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) body: Body,
    /// The `content-type` to be sent, where the body does not bring its own.
    pub(super) media_type: Option<String>,
}

/// How well we like to send a media type; less is better, none is not at all.
fn liking(content: &Content) -> Option<u8> {
    Some(match content.media_type.as_str() {
        "application/json" | "*/*" | "application/*" => 0,
        "application/merge-patch+json" => 1,
        "application/json-patch+json" => 3,
        "application/x-www-form-urlencoded" => 4,
        "multipart/form-data" => 5,
        _ if content.is_json() => 2,
        _ => return None,
    })
}

/// The body of a record's fields; `None` if the operation takes none that we can make.
pub(super) fn of_record(operation: &Operation, fields: Map<String, Value>) -> Option<Made> {
    let contents = operation.body.as_ref().map(|body| body.contents.as_slice());
    let contents = contents.unwrap_or_default();
    if contents.is_empty() {
        // A description that says nothing of a body, of an operation that must have one.
        return Some(Made {
            body: Body::Json(Value::Object(fields)),
            media_type: None,
        });
    }
    let best = contents.iter().filter(|content| liking(content).is_some());
    let best = best.min_by_key(|content| liking(content))?;
    Some(match best.media_type.as_str() {
        "application/json" | "*/*" | "application/*" => Made {
            body: Body::Json(Value::Object(fields)),
            media_type: None,
        },
        "application/json-patch+json" => Made {
            body: Body::Json(patch(&fields)),
            media_type: Some(best.media_type.clone()),
        },
        "application/x-www-form-urlencoded" => Made {
            body: Body::Form(pairs(&fields)),
            media_type: None,
        },
        "multipart/form-data" => Made {
            body: Body::Multipart(
                pairs(&fields)
                    .into_iter()
                    .map(|(name, value)| Part::Text { name, value })
                    .collect(),
            ),
            media_type: None,
        },
        other => Made {
            body: Body::Json(Value::Object(fields)),
            media_type: Some(other.to_owned()),
        },
    })
}

/// RFC 6902: one `add` for each leaf (`add` replaces what is there, and needs nothing to be there).
fn patch(fields: &Map<String, Value>) -> Value {
    fn descend(object: &Map<String, Value>, pointer: &str, operations: &mut Vec<Value>) {
        for (name, value) in object {
            let token = name.replace('~', "~0").replace('/', "~1");
            let pointer = format!("{pointer}/{token}");
            match value {
                Value::Object(inner) if !inner.is_empty() => descend(inner, &pointer, operations),
                _ => operations.push(json!({"op": "add", "path": pointer, "value": value})),
            }
        }
    }
    let mut operations = Vec::new();
    descend(fields, "", &mut operations);
    Value::Array(operations)
}

/// A form's pairs: `a[b]=c` for members of members, a name repeated for lists.
fn pairs(fields: &Map<String, Value>) -> Vec<(String, String)> {
    fn descend(name: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
        match value {
            Value::Object(object) => {
                for (member, value) in object {
                    descend(&format!("{name}[{member}]"), value, pairs);
                }
            }
            Value::Array(items) => {
                for item in items {
                    descend(name, item, pairs);
                }
            }
            Value::Null => pairs.push((name.to_owned(), String::new())),
            Value::String(text) => pairs.push((name.to_owned(), text.clone())),
            other => pairs.push((name.to_owned(), other.to_string())),
        }
    }
    let mut pairs = Vec::new();
    for (name, value) in fields {
        descend(name, value, &mut pairs);
    }
    pairs
}

/// The body of a file, as the operation takes it: a part of a form, bytes, or base64 in JSON.
pub(super) fn of_file(
    document: &Document,
    body: &RequestBody,
    field: Option<&str>,
    file: &FileContent,
) -> Result<Made, String> {
    let of = |media_type: &str| {
        let mut contents = body.contents.iter();
        contents.find(|content| content.media_type == media_type)
    };
    if let Some(content) = of("multipart/form-data") {
        return Ok(multipart(document, content, field, file));
    }
    if let Some(content) = body.json() {
        return json_file(document, content, field, file);
    }
    let bytes = body.contents.iter().find(|content| {
        content.media_type == "application/octet-stream" || content.takes(&file.media_type)
    });
    match bytes {
        Some(content) => {
            let own = content.takes(&file.media_type);
            let media_type = if own {
                &file.media_type
            } else {
                &content.media_type
            };
            Ok(Made {
                body: Body::Bytes(media_type.clone(), file.bytes.clone()),
                media_type: None,
            })
        }
        None => Err("it takes a file neither as a form's part nor as bytes nor in JSON".to_owned()),
    }
}

/// The properties of a form's or an object's schema that can hold a file's content and its name.
struct FileFields {
    content: Option<String>,
    name: Option<String>,
    media_type: Option<String>,
}

impl FileFields {
    fn of(document: &Document, content: &Content) -> Self {
        let Some(schema) = &content.schema else {
            return Self {
                content: None,
                name: None,
                media_type: None,
            };
        };
        let names = document.property_names(schema);
        let holds_bytes = |name: &&String| {
            let property = document.property(schema, name);
            let property = property.and_then(|property| {
                // A list of files takes one as well.
                let items = document.items(&property);
                document.schema(&items.unwrap_or(property))
            });
            property.is_some_and(|value| {
                let says = |name: &str, words: &[&str]| {
                    let word = value.get(name).and_then(Value::as_str);
                    word.is_some_and(|word| words.contains(&word))
                };
                says("format", &["binary", "byte", "base64"])
                    || says("type", &["file"])
                    || says("contentEncoding", &["base64"])
                    || value.get("contentMediaType").is_some()
            })
        };
        let called = |wanted: &[&str]| {
            let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '-'], "");
            names
                .iter()
                .find(|name| wanted.contains(&plain(name).as_str()))
                .cloned()
        };
        Self {
            content: names
                .iter()
                .find(holds_bytes)
                .cloned()
                .or_else(|| called(&["file", "attachment", "content", "data", "upload"])),
            name: called(&["filename", "name", "title", "fullpath"]),
            media_type: called(&["contenttype", "mimetype", "mediatype"]),
        }
    }
}

fn multipart(
    document: &Document,
    content: &Content,
    field: Option<&str>,
    file: &FileContent,
) -> Made {
    let fields = FileFields::of(document, content);
    let name = field.map(str::to_owned).or(fields.content);
    let mut parts = Vec::new();
    if let Some(name) = fields.name {
        parts.push(Part::Text {
            name,
            value: file.name.clone(),
        });
    }
    parts.push(Part::File {
        name: name.unwrap_or_else(|| "file".to_owned()),
        file_name: file.name.clone(),
        media_type: file.media_type.clone(),
        bytes: file.bytes.clone(),
    });
    Made {
        body: Body::Multipart(parts),
        media_type: None,
    }
}

fn json_file(
    document: &Document,
    content: &Content,
    field: Option<&str>,
    file: &FileContent,
) -> Result<Made, String> {
    use base64::Engine as _;
    let fields = FileFields::of(document, content);
    let name = field.map(str::to_owned).or(fields.content).ok_or(
        "its description does not say which property holds the file; set attachment_field",
    )?;
    let mut object = Map::new();
    let encoded = base64::engine::general_purpose::STANDARD.encode(&file.bytes);
    object.insert(name, encoded.into());
    if let Some(name) = fields.name {
        object.insert(name, file.name.clone().into());
    }
    if let Some(name) = fields.media_type {
        object.insert(name, file.media_type.clone().into());
    }
    let own = content.media_type != "application/json";
    Ok(Made {
        body: Body::Json(Value::Object(object)),
        media_type: own.then(|| content.media_type.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_become_patches_and_pairs() {
        let Value::Object(fields) = json!({"a": {"b/c": 1}, "l": ["x", "y"], "n": null}) else {
            unreachable!("an object")
        };
        assert_eq!(
            patch(&fields),
            json!([{"op": "add", "path": "/a/b~1c", "value": 1}, {"op": "add", "path": "/l", "value": ["x", "y"]}, {"op": "add", "path": "/n", "value": null}])
        );
        let pairs = pairs(&fields);
        let told: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(told, ["a[b/c]=1", "l=x", "l=y", "n="]);
    }
}
