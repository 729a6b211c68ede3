//! The fields and values of both sides.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::words::booleans;
use super::{Candidate, Completing, Writing};
use crate::mapping::check::field_like;
use crate::mapping::path::{Path, Segment};
use crate::mapping::rule::{Source, WORK_ORDER};
use crate::mapping::sketch::Sketch;
use crate::mapping::value::{is_empty, scalar_text, shown};
use crate::model::{Catalogue, Direction, Field, FieldKind};

/// So many paths are taken from a sample, from so deep, and from so many elements of an array.
const MOST_PATHS: usize = 2000;
const DEEPEST: usize = 16;
const MOST_ELEMENTS: usize = 3;

/// Paths to read: those of the catalogue, then those that only the sample has.
pub(super) fn sources(request: &Completing<'_>) -> Vec<Candidate> {
    let mut known: HashSet<String> = HashSet::new();
    let mut candidates = Vec::new();
    let fields = request.source.into_iter().flat_map(|it| &it.fields);
    for field in fields {
        let value = value_in_sample(&field.path, request);
        candidates.push(of_field(field, value.as_deref()));
        known.insert(field.path.clone());
    }
    for (path, value) in sample_paths(request) {
        if known.insert(path.clone()) {
            candidates.push(Candidate::new(path, shown(value)));
        }
    }
    candidates
}

/// Paths that can be written, the required ones first.
pub(super) fn targets(request: &Completing<'_>) -> Vec<Candidate> {
    let fields = request.target.into_iter().flat_map(|it| &it.fields);
    let mut writable: Vec<&Field> = fields.filter(|field| !field.read_only).collect();
    writable.sort_by_key(|field| !field.required);
    writable
        .into_iter()
        .map(|field| of_field(field, None))
        .collect()
}

/// What the target of the rule allows.
pub(super) fn target_values(request: &Completing<'_>, sketch: &Sketch<'_>) -> Vec<Candidate> {
    match request
        .target
        .and_then(|catalogue| field_named(sketch, "target", catalogue, request.direction))
    {
        Some(field) if field.picklist.is_empty() && field.kind == FieldKind::Boolean => booleans(),
        Some(field) => picklist(field),
        None => Vec::new(),
    }
}

/// What the source of the rule may hold, the sample's value first.
pub(super) fn source_values(request: &Completing<'_>, sketch: &Sketch<'_>) -> Vec<Candidate> {
    let path = sketch
        .own("source")
        .and_then(|pair| sketch.value_text(pair))
        .unwrap_or_default();
    let sampled =
        value_in_sample(&path, request).and_then(|value| scalar_text(&value).map(Cow::into_owned));
    let field = request
        .source
        .and_then(|catalogue| field_named(sketch, "source", catalogue, request.direction));
    let mut candidates = field.map(picklist).unwrap_or_default();
    let Some(sampled) = sampled else {
        return candidates;
    };
    match candidates
        .iter()
        .position(|candidate| candidate.text == sampled)
    {
        Some(index) => {
            let mut first = candidates.remove(index);
            first.detail = joined([first.detail.as_str(), "in this record"]);
            candidates.insert(0, first);
        }
        None => candidates.insert(0, Candidate::new(sampled, "in this record")),
    }
    candidates
}

fn picklist(field: &Field) -> Vec<Candidate> {
    let is_number = matches!(field.kind, FieldKind::Integer | FieldKind::Number);
    let entry = |value: &str, label: &str| Candidate {
        also: label.to_owned(),
        writing: if is_number && value.parse::<i64>().is_ok() {
            Writing::Bare
        } else {
            Writing::Quoted
        },
        ..Candidate::new(value, if label == value { "" } else { label })
    };
    field
        .picklist
        .iter()
        .map(|allowed| entry(&allowed.value, &allowed.label))
        .collect()
}

/// The field that a key of the rule names.
fn field_named<'c>(
    sketch: &Sketch<'_>,
    key: &str,
    catalogue: &'c Catalogue,
    direction: Direction,
) -> Option<&'c Field> {
    let path = sketch.own(key).and_then(|pair| sketch.value_text(pair))?;
    let path = Path::parse(&path).ok()?;
    let of_work_order = (key == "source") == (direction == Direction::Outbound);
    let bare = path.without_leading(WORK_ORDER).filter(|_| of_work_order);
    field_like(bare.as_ref().unwrap_or(&path), catalogue)
}

fn of_field(field: &Field, sampled: Option<&Value>) -> Candidate {
    let required = if field.required { "required" } else { "" };
    let label = if field.label == field.path {
        ""
    } else {
        &field.label
    };
    let length = field
        .max_length
        .map(|longest| format!("at most {longest} characters"))
        .unwrap_or_default();
    let picklist = match field.picklist.len() {
        0 => String::new(),
        count => format!("{count} values"),
    };
    let sampled = sampled.map(shown).unwrap_or_default();
    let detail = joined([
        required,
        kind_name(field.kind),
        label,
        &length,
        &picklist,
        &sampled,
    ]);
    Candidate {
        also: label.to_owned(),
        ..Candidate::new(&field.path, detail)
    }
}

fn joined<'p>(pieces: impl IntoIterator<Item = &'p str>) -> String {
    let pieces: Vec<&str> = pieces
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .collect();
    pieces.join(" · ")
}

fn kind_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Integer => "whole number",
        FieldKind::Number => "number",
        FieldKind::Boolean => "true or false",
        FieldKind::Date => "date",
        FieldKind::DateTime => "date with time",
        FieldKind::Object => "object",
        FieldKind::List => "list",
        FieldKind::Any => "",
    }
}

fn value_in_sample<'v>(path: &str, request: &Completing<'v>) -> Option<Cow<'v, Value>> {
    let sample = request.sample?;
    let path = Path::parse(path).ok()?;
    let source = Source::new(path, request.direction);
    source.read(sample).filter(|value| !is_empty(value))
}

/// The paths of a sample's values; a work order's without the leading `workorder.`.
pub(super) fn sample_paths<'v>(request: &Completing<'v>) -> Vec<(String, &'v Value)> {
    let Some(sample) = request.sample else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let work_order = sample
        .get(WORK_ORDER)
        .filter(|it| it.is_object() && request.direction == Direction::Outbound);
    if let Some(work_order) = work_order {
        walk(work_order, &mut Vec::new(), &mut found);
    }
    for (key, value) in sample.as_object().into_iter().flatten() {
        if work_order.is_none() || key != WORK_ORDER {
            walk(
                value,
                &mut vec![Segment::Key(key.as_str().into())],
                &mut found,
            );
        }
    }
    found
}

fn walk<'v>(value: &'v Value, path: &mut Vec<Segment>, found: &mut Vec<(String, &'v Value)>) {
    if found.len() >= MOST_PATHS || path.len() > DEEPEST {
        return;
    }
    match value {
        Value::Object(members) => {
            if let [Segment::Key(key)] = path.as_slice()
                && &**key == "custom_fields"
                && custom_fields(value, found)
            {
                return;
            }
            for (key, member) in members {
                path.push(Segment::Key(key.as_str().into()));
                walk(member, path, found);
                path.pop();
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().take(MOST_ELEMENTS).enumerate() {
                let step = selector(element).unwrap_or(Segment::Index(index));
                path.push(step);
                walk(element, path, found);
                path.pop();
            }
            for element in elements.iter().skip(MOST_ELEMENTS) {
                if let Some(step) = selector(element) {
                    path.push(step);
                    walk(element, path, found);
                    path.pop();
                }
            }
            if let Some(first) = elements.first() {
                path.push(Segment::Each);
                walk(first, path, found);
                path.pop();
            }
        }
        _ if path.is_empty() => {}
        _ => found.push((Path::from_segments(path.clone()).to_string(), value)),
    }
}

/// How an element that has a caption or a name, and a value, is best named.
fn selector(element: &Value) -> Option<Segment> {
    element.get("value")?;
    let key = ["caption", "name"]
        .into_iter()
        .find(|key| element.get(key).is_some_and(|name| !is_empty(name)))?;
    Some(Segment::Select {
        key: key.into(),
        value: element.get(key)?.clone(),
    })
}

/// Field Nation's custom fields by their names; whether there were any.
fn custom_fields<'v>(value: &'v Value, found: &mut Vec<(String, &'v Value)>) -> bool {
    let groups = value.get("results").and_then(Value::as_array);
    let before = found.len();
    for group in groups.into_iter().flatten() {
        let members = group.get("results").and_then(Value::as_array);
        for field in members.into_iter().flatten().chain([group]) {
            let (Some(name), Some(value)) = (field.get("name"), field.get("value")) else {
                continue;
            };
            let Some(name) = name.as_str() else { continue };
            let path = Path::from_segments(vec![
                Segment::Key("custom_fields".into()),
                Segment::Key(name.into()),
            ]);
            found.push((path.to_string(), value));
        }
    }
    found.len() > before
}
