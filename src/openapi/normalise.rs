//! Making schemas of all three versions, and of authors who read none of them, into what a validator takes.
//!
//! One dialect is aimed at (JSON Schema 2020-12). Every change either says the same in that dialect or allows
//! more: a schema that can't be understood must not make a good request look bad.

use serde_json::{Map, Value, json};

use super::references::{cut_self_requirements, visit};

/// The tree with all schemas made usable.
pub(super) fn normalised(root: &Value) -> Value {
    let mut root = root.clone();
    let mut moved = Vec::new();
    visit(&mut root, "", &mut |pointer, object| {
        if mend(object) {
            moved.push(pointer.to_owned());
        }
    });
    redirect(&mut root, moved);
    cut_self_requirements(&mut root);
    root
}

/// Schemas that went into an `anyOf` of their own must still be found by references into them.
fn redirect(root: &mut Value, mut moved: Vec<String>) {
    if moved.is_empty() {
        return;
    }
    // Outer ones first, so that inner ones see their new place.
    moved.sort();
    visit(root, "", &mut |_, object| {
        let Some(mut target) = super::tree::target(&Value::Object(object.clone())) else {
            return;
        };
        let before = target.clone();
        let mut shift = 0;
        for one in &moved {
            if let Some(rest) = before.strip_prefix(one.as_str())
                && rest.starts_with('/')
            {
                target.insert_str(one.len() + shift, WRAPPED);
                shift += WRAPPED.len();
            }
        }
        if shift > 0 {
            object.insert(
                "$ref".to_owned(),
                super::pointer::as_reference(&target).into(),
            );
        }
    });
}

const WRAPPED: &str = "/anyOf/0";

/// Mends one schema in place; answers whether it was moved into an `anyOf` beside null.
fn mend(schema: &mut Map<String, Value>) -> bool {
    for name in [
        "$id",
        "$schema",
        "$anchor",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
    ] {
        schema.remove(name);
    }
    drop_ill_formed(schema);
    mend_type(schema);
    mend_bounds(schema);
    mend_items(schema);
    mend_required(schema);
    mend_nullable(schema)
}

/// Keywords whose value is of a type they can't have.
fn drop_ill_formed(schema: &mut Map<String, Value>) {
    let is_schema = |value: &Value| value.is_object() || value.is_boolean();
    schema.retain(|name, value| match name.as_str() {
        "properties" | "patternProperties" => value
            .as_object()
            .is_some_and(|members| members.values().all(is_schema)),
        "allOf" | "anyOf" | "oneOf" => value
            .as_array()
            .is_some_and(|items| !items.is_empty() && items.iter().all(is_schema)),
        "not"
        | "additionalProperties"
        | "propertyNames"
        | "contains"
        | "if"
        | "then"
        | "else"
        | "unevaluatedProperties"
        | "unevaluatedItems" => is_schema(value),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            value.as_u64().is_some()
        }
        "minimum" | "maximum" => value.is_number(),
        "exclusiveMinimum" | "exclusiveMaximum" => value.is_number() || value.is_boolean(),
        "multipleOf" => value.as_f64().is_some_and(|number| number > 0.0),
        "uniqueItems" => value.is_boolean(),
        "enum" => value.is_array(),
        "pattern" => value.as_str().is_some_and(is_pattern),
        // Formats are asserted nowhere: descriptions are wrong about them too often.
        "format" | "dependencies" | "contentEncoding" | "contentMediaType" | "contentSchema" => {
            false
        }
        _ => true,
    });
}

fn is_pattern(pattern: &str) -> bool {
    pattern.len() <= 2_000 && jsonschema::draft202012::new(&json!({"pattern": pattern})).is_ok()
}

fn mend_type(schema: &mut Map<String, Value>) {
    let word = |word: &str| {
        Some(match word.to_ascii_lowercase().as_str() {
            "string" | "date" | "datetime" | "date-time" | "uuid" => "string",
            "integer" | "int" | "long" | "int32" | "int64" => "integer",
            "number" | "float" | "double" | "decimal" => "number",
            "boolean" | "bool" => "boolean",
            "object" | "map" => "object",
            "array" | "list" => "array",
            "null" => "null",
            // `file`, `any` and whatever else: anything goes.
            _ => return None,
        })
    };
    let mended = match schema.get("type") {
        Some(Value::String(text)) => word(text).map(Value::from),
        Some(Value::Array(words)) => {
            let words: Option<Vec<&str>> = words
                .iter()
                .map(|one| one.as_str().and_then(word))
                .collect();
            words.filter(|words| !words.is_empty()).map(|mut words| {
                words.sort_unstable();
                words.dedup();
                Value::from(words)
            })
        }
        Some(_) => None,
        None => return,
    };
    match mended {
        Some(value) => schema.insert("type".to_owned(), value),
        None => schema.remove("type"),
    };
}

/// `exclusiveMinimum: true` beside `minimum` is the spelling of 2.0 and 3.0.
fn mend_bounds(schema: &mut Map<String, Value>) {
    for (exclusive, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        match schema.get(exclusive) {
            Some(Value::Bool(true)) => match schema.remove(bound) {
                Some(value) => {
                    schema.insert(exclusive.to_owned(), value);
                }
                None => {
                    schema.remove(exclusive);
                }
            },
            Some(Value::Bool(false)) => {
                schema.remove(exclusive);
            }
            _ => {}
        }
    }
}

fn mend_items(schema: &mut Map<String, Value>) {
    match schema.get("items") {
        // A tuple, as older drafts spell it. References into it are rare enough to be lost.
        Some(Value::Array(_)) => {
            if let Some(items) = schema.remove("items") {
                schema.insert("prefixItems".to_owned(), items);
            }
        }
        Some(Value::Object(_) | Value::Bool(_)) | None => {}
        Some(_) => {
            schema.remove("items");
        }
    }
}

/// `required: true` belongs to a parameter; a list must be of texts, and what only answers hold is not asked for.
fn mend_required(schema: &mut Map<String, Value>) {
    let Some(required) = schema.get("required") else {
        return;
    };
    let only_read = |name: &str| {
        let property = schema.get("properties").and_then(|all| all.get(name));
        property.is_some_and(|property| property.get("readOnly") == Some(&Value::Bool(true)))
    };
    let kept: Option<Vec<Value>> = required.as_array().map(|names| {
        let mut kept: Vec<Value> = Vec::new();
        for name in names {
            let text = name.as_str().filter(|text| !only_read(text));
            if text.is_some() && !kept.contains(name) {
                kept.push(name.clone());
            }
        }
        kept
    });
    match kept.filter(|kept| !kept.is_empty()) {
        Some(kept) => schema.insert("required".to_owned(), kept.into()),
        None => schema.remove("required"),
    };
}

/// `nullable` of 3.0 and `x-nullable` of 2.0.
fn mend_nullable(schema: &mut Map<String, Value>) -> bool {
    let yes = |name: &str| schema.get(name) == Some(&Value::Bool(true));
    let nullable = yes("nullable") || yes("x-nullable");
    schema.remove("nullable");
    schema.remove("x-nullable");
    if !nullable {
        return false;
    }
    let nested = ["$ref", "allOf", "anyOf", "oneOf", "not", "const"];
    if nested.iter().any(|name| schema.contains_key(*name)) {
        let inner = std::mem::take(schema);
        schema.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
        return true;
    }
    match schema.get_mut("type") {
        Some(Value::String(word)) => {
            let both = json!([word, "null"]);
            schema.insert("type".to_owned(), both);
        }
        Some(Value::Array(words)) if !words.contains(&"null".into()) => words.push("null".into()),
        _ => {}
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialects_become_one() {
        let root = json!({"a": {
            "type": "int", "nullable": true, "minimum": 1, "exclusiveMinimum": true,
            "enum": [1, 2], "required": true, "format": "int32", "$id": "http://x", "pattern": "(["
        }, "b": {"type": ["string", "null"], "items": [{"type": "string"}], "exclusiveMaximum": 3}});
        assert_eq!(
            normalised(&root),
            json!({"a": {"type": ["integer", "null"], "exclusiveMinimum": 1, "enum": [1, 2, null]},
                   "b": {"type": ["null", "string"], "exclusiveMaximum": 3, "prefixItems": [{"type": "string"}]}})
        );
    }

    #[test]
    fn a_nullable_composition_is_still_found_inside() {
        let root = json!({"a": {"nullable": true, "allOf": [{"nullable": true, "oneOf": [{"properties": {"x": {"type": "string"}}}]}]},
                          "b": {"$ref": "#/a/allOf/0/oneOf/0/properties/x"}});
        let normal = normalised(&root);
        let target = super::super::tree::target(&normal["b"]).unwrap();
        assert_eq!(normal.pointer(&target), Some(&json!({"type": "string"})));
    }

    #[test]
    fn what_only_answers_hold_is_not_required() {
        let root = json!({"required": ["id", "name"], "properties": {"id": {"readOnly": true}, "name": {}}});
        assert_eq!(normalised(&root)["required"], json!(["name"]));
    }
}
