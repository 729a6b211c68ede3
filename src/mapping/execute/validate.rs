//! What a target's field allows.

use serde_json::Value;

use super::Trouble;
use crate::mapping::evaluate::{FieldTrace, How, MappingProblem};
use crate::mapping::suggest;
use crate::mapping::value::{picklist_entry, scalar_text, shown};
use crate::model::{Category, Field};

/// What of a value a field does not allow.
pub(super) fn violations(field: &Field, value: &Value) -> Vec<Trouble> {
    let mut found = Vec::new();
    if field.read_only {
        found.push(Trouble::new("this field can't be written"));
    }
    if let (Some(longest), Value::String(text)) = (field.max_length, value) {
        let length = text.chars().count();
        if length > longest {
            found.push(Trouble::new(format!(
                "the text has {length} characters, and {longest} are allowed"
            )));
        }
    }
    if !field.picklist.is_empty() {
        let values = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        found.extend(
            values
                .iter()
                .filter_map(|value| not_in_picklist(field, value)),
        );
    }
    found
}

/// So many of a picklist's values are told.
const MOST_SHOWN: usize = 12;

fn not_in_picklist(field: &Field, value: &Value) -> Option<Trouble> {
    let text = scalar_text(value)?;
    if field.picklist.iter().any(|entry| *entry.value == *text) {
        return None;
    }
    let mut allowed: Vec<String> = field
        .picklist
        .iter()
        .take(MOST_SHOWN)
        .map(picklist_entry)
        .collect();
    if field.picklist.len() > MOST_SHOWN {
        allowed.push(format!("… {} more", field.picklist.len() - MOST_SHOWN));
    }
    let mut trouble = Trouble::new(format!(
        "{} is not allowed; allowed are {}",
        shown(value),
        allowed.join(", ")
    ));
    let by_label = field.picklist.iter().find(|entry| *entry.label == *text);
    let nearest = || {
        suggest::nearest(
            &text,
            field.picklist.iter().map(|entry| entry.value.as_str()),
        )
    };
    trouble.hint = match by_label {
        Some(entry) => Some(format!(
            "send the value `{}` in place of its label",
            entry.value
        )),
        None => nearest().map(|nearest| format!("probably `{nearest}` is meant")),
    };
    Some(trouble)
}

/// The problem that a required field is not set, with the reason why.
pub(super) fn missing(field: &Field, fields: &[FieldTrace]) -> MappingProblem {
    let trace = fields
        .iter()
        .rev()
        .find(|trace| *trace.target == *field.path);
    let says_more = !field.label.is_empty() && field.label != field.path;
    let name = if says_more {
        format!(" ({})", field.label)
    } else {
        String::new()
    };
    let why = match trace {
        None => "no rule makes it".to_owned(),
        Some(trace) => match &trace.source {
            Some(source) if trace.how == How::Unset => {
                format!("`{source}` is empty, and the rule has no default")
            }
            _ => format!("{}", trace.how),
        },
    };
    MappingProblem {
        rule: trace.map(|trace| trace.rule),
        target: Some(field.path.clone()),
        category: Category::Validation,
        reason: format!("required{name}, and not set: {why}"),
        hint: Some(match trace {
            None => format!("add a rule with the target `{}`", field.path),
            Some(_) => "give the rule a default, or fill the source".to_owned(),
        }),
        position: None,
    }
}
