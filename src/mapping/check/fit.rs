//! Whether a value, or a kind of values, fits a field.

use serde_json::Value;

use crate::mapping::convert::lossless;
use crate::mapping::suggest;
use crate::mapping::value::{equal, is_empty, picklist_entry, scalar_text, shown};
use crate::model::{Field, FieldKind};

/// What does not fit, and what to change.
pub(super) struct Misfit {
    pub(super) what: String,
    pub(super) mend: String,
}

impl Misfit {
    fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            mend: mend.into(),
        }
    }
}

/// So many of a picklist's values are told.
const MOST_SHOWN: usize = 8;

fn allowed(field: &Field) -> String {
    let mut entries: Vec<String> = field
        .picklist
        .iter()
        .take(MOST_SHOWN)
        .map(picklist_entry)
        .collect();
    if field.picklist.len() > MOST_SHOWN {
        entries.push(format!("… {} more", field.picklist.len() - MOST_SHOWN));
    }
    entries.join(", ")
}

/// Why a fixed value can't be written to a field.
pub(super) fn value_misfit(field: &Field, value: &Value) -> Option<Misfit> {
    if is_empty(value) {
        return None;
    }
    if let Err(lossy) = lossless(value, field.kind) {
        return Some(Misfit::new(lossy.to_string(), "write a value of that kind"));
    }
    let text = scalar_text(value)?;
    if let Some(longest) = field.max_length {
        let length = text.chars().count();
        if length > longest {
            return Some(Misfit::new(
                format!("the text has {length} characters, and {longest} are allowed"),
                "shorten it",
            ));
        }
    }
    if field.picklist.is_empty() || field.picklist.iter().any(|entry| *entry.value == *text) {
        return None;
    }
    if let Some(entry) = field.picklist.iter().find(|entry| *entry.label == *text) {
        return Some(Misfit::new(
            format!("{} is a label and no value", shown(value)),
            format!("write the value `{}` in its place", entry.value),
        ));
    }
    let values = field.picklist.iter().map(|entry| entry.value.as_str());
    let nearest = suggest::clause(suggest::nearest(&text, values));
    Some(Misfit::new(
        format!("{} is none of the allowed values{nearest}", shown(value)),
        format!("allowed are {}", allowed(field)),
    ))
}

/// Why a source field never equals what it is compared with.
pub(super) fn compare_misfit(field: &Field, path: &str, compare: &Value) -> Option<Misfit> {
    if is_empty(compare) {
        return None;
    }
    if field.kind == FieldKind::Boolean && field.picklist.is_empty() && !compare.is_boolean() {
        return Some(Misfit::new(
            format!(
                "`{path}` is true or false and never equals {}",
                shown(compare)
            ),
            "write true or false, without quotes",
        ));
    }
    let is_there = |text: &str| equal(&Value::from(text), compare);
    if field.picklist.is_empty() || field.picklist.iter().any(|entry| is_there(&entry.value)) {
        return None;
    }
    if let Some(entry) = field.picklist.iter().find(|entry| is_there(&entry.label)) {
        return Some(Misfit::new(
            format!(
                "{} is a label of `{path}` and none of its values",
                shown(compare)
            ),
            format!("compare with the value `{}`", entry.value),
        ));
    }
    let text = scalar_text(compare).unwrap_or_default();
    let values = field.picklist.iter().map(|entry| entry.value.as_str());
    let nearest = suggest::clause(suggest::nearest(&text, values));
    Some(Misfit::new(
        format!(
            "{} is none of the values of `{path}`{nearest}",
            shown(compare)
        ),
        format!("its values are {}", allowed(field)),
    ))
}

/// The values of one picklist that another does not allow, where both are known.
pub(super) fn picklist_misfit(source: &Field, target: &Field) -> Option<Misfit> {
    if source.picklist.is_empty() || target.picklist.is_empty() {
        return None;
    }
    let is_allowed = |value: &str| target.picklist.iter().any(|entry| entry.value == value);
    let foreign: Vec<&str> = source
        .picklist
        .iter()
        .map(|entry| entry.value.as_str())
        .filter(|value| !is_allowed(value))
        .collect();
    let first = foreign.first()?;
    let more = match foreign.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    Some(Misfit::new(
        format!(
            "`{}` may be `{first}`{more}, which `{}` does not allow",
            source.path, target.path
        ),
        format!("use `array_map`; allowed are {}", allowed(target)),
    ))
}

/// Whether copying between two kinds can work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copying {
    /// It can, or nothing is known against it.
    Works,
    /// Only where the source writes it in an unusual way.
    Hardly,
    /// Never.
    Never,
}

/// Whether a value of one kind can be copied to a field of another; see [`lossless`].
pub(super) fn copying(from: FieldKind, to: FieldKind) -> Copying {
    use FieldKind::{Any, Boolean, Date, DateTime, Integer, List, Number, Object, Text};
    match (from, to) {
        (one, other) if one == other || one == Any || other == Any => Copying::Works,
        // Some platforms write dates as numbers, or as objects of several forms.
        (Date | DateTime, Integer | Number | Object) => Copying::Hardly,
        (Object, Date | DateTime) | (Date, DateTime) | (DateTime, Date) => Copying::Works,
        (Object | List, _)
        | (_, Object | List)
        | (Boolean, Integer | Number | Date | DateTime)
        | (Integer | Number | Date | DateTime, Boolean) => Copying::Never,
        (Any | Boolean | Text | Integer | Number | Date | DateTime, _) => Copying::Works,
    }
}

/// What to do where copying does not work.
pub(super) fn instead(from: FieldKind, to: FieldKind) -> &'static str {
    use FieldKind::{Boolean, Date, DateTime, List, Object};
    match (from, to) {
        (Date | DateTime, _) => {
            "use `date_convert` and say in `output_format` how the target wants it (X: seconds since 1970)"
        }
        (Object, _) => "name the member that is meant, such as its `name`",
        (List, _) => "name one element, such as [0], or join them with `concat`",
        (Boolean, _) | (_, Boolean) => "use `array_map` and say what each value becomes",
        (_, Object | List) => "name the field inside the target that is meant",
        _ => "use another field or another action",
    }
}
