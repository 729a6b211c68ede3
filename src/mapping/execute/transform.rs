//! What each action makes of a record.

use serde_json::Value;

use super::Trouble;
use crate::mapping::date::DateConversion;
use crate::mapping::evaluate::How;
use crate::mapping::jsonnet::Outcome;
use crate::mapping::rule::{Action, MapEntry, NoMatch, Part, Range};
use crate::mapping::script::Script;
use crate::mapping::suggest;
use crate::mapping::value::{equal, is_empty, kind_word, number_of, scalar_text, shown};

/// What an action made of a record.
pub(super) struct Made {
    pub(super) source_value: Option<Value>,
    pub(super) result: Result<(Value, How), Nothing>,
}

/// Why an action made no value.
pub(super) enum Nothing {
    Empty,
    NoMatch,
    Failed(Trouble),
}

pub(super) fn make(action: &Action, input: &Value, outcome: Option<Outcome>) -> Made {
    let Some(source) = action.source() else {
        let result = match action {
            Action::Concat { parts } => join(parts, input),
            Action::Custom { script } => script_result(outcome, script),
            Action::SetStatic { value } => Ok((value.clone(), How::Static)),
            // All others have a source.
            _ => Err(Nothing::Empty),
        };
        return Made {
            source_value: None,
            result,
        };
    };
    let Some(value) = source.read(input).filter(|value| !is_empty(value)) else {
        return Made {
            source_value: None,
            result: Err(Nothing::Empty),
        };
    };
    let result = match action {
        Action::ArrayMap {
            mappings, no_match, ..
        } => look_up(&value, mappings, *no_match),
        Action::RangeMap { ranges, .. } => find_range(&value, ranges),
        Action::DateConvert { conversion, .. } => convert_date(&value, conversion),
        _ => Ok((value.as_ref().clone(), How::Copied)),
    };
    Made {
        source_value: Some(value.into_owned()),
        result,
    }
}

fn failed<T>(reason: impl Into<String>) -> Result<T, Nothing> {
    Err(Nothing::Failed(Trouble::new(reason)))
}

fn convert_date(value: &Value, conversion: &DateConversion) -> Result<(Value, How), Nothing> {
    let Some(text) = scalar_text(value) else {
        return failed(format!("{} is no date", shown(value)));
    };
    match conversion.convert(text.trim()) {
        Ok(text) => Ok((Value::String(text), How::DateConverted)),
        Err(error) => failed(error.to_string()),
    }
}

fn look_up(
    value: &Value,
    mappings: &[MapEntry],
    no_match: NoMatch,
) -> Result<(Value, How), Nothing> {
    let found = mappings
        .iter()
        .enumerate()
        .find(|(_, entry)| equal(value, &entry.compare));
    match found {
        Some((index, entry)) => Ok((entry.value.clone(), How::Entry(index + 1))),
        None if no_match == NoMatch::Default => Err(Nothing::NoMatch),
        None => {
            let known = mappings.iter().filter_map(|entry| entry.compare.as_str());
            let nearest = suggest::clause(
                value
                    .as_str()
                    .and_then(|value| suggest::nearest(value, known)),
            );
            let mut trouble = Trouble::new(format!(
                "no entry of the Array Map fits {}{nearest}",
                shown(value)
            ));
            trouble.hint = Some(
                "add an entry for it, or allow the default with `no_match = \"default\"`"
                    .to_owned(),
            );
            Err(Nothing::Failed(trouble))
        }
    }
}

fn find_range(value: &Value, ranges: &[Range]) -> Result<(Value, How), Nothing> {
    let Some(number) = number_of(value) else {
        return Err(Nothing::Failed(Trouble::new(format!(
            "{} is no number, so it lies in no range",
            shown(value)
        ))));
    };
    let found = ranges
        .iter()
        .enumerate()
        .find(|(_, range)| number <= range.compare);
    match found {
        Some((index, range)) => Ok((range.value.clone(), How::Range(index + 1))),
        None => Err(Nothing::NoMatch),
    }
}

fn join(parts: &[Part], input: &Value) -> Result<(Value, How), Nothing> {
    let mut text = String::new();
    let (mut has_field, mut has_value) = (false, false);
    for part in parts {
        match part {
            Part::Static(fixed) => text.push_str(fixed),
            Part::Field(source) => {
                has_field = true;
                let Some(value) = source.read(input).filter(|value| !is_empty(value)) else {
                    continue;
                };
                has_value = true;
                push_text(&mut text, &value)
                    .map_err(|reason| Nothing::Failed(Trouble::new(reason)))?;
            }
        }
    }
    if (has_field && !has_value) || text.is_empty() {
        return Err(Nothing::Empty);
    }
    Ok((Value::String(text), How::Joined))
}

/// Adds a value's text; a list's elements are parted by commas.
fn push_text(text: &mut String, value: &Value) -> Result<(), String> {
    match (scalar_text(value), value) {
        (Some(scalar), _) => text.push_str(&scalar),
        (None, Value::Array(elements)) => {
            let present = elements.iter().filter(|element| !is_empty(element));
            for (index, element) in present.enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                push_text(text, element)?;
            }
        }
        (None, _) => {
            return Err(format!(
                "{} is {}, which has no text",
                shown(value),
                kind_word(value)
            ));
        }
    }
    Ok(())
}

fn script_result(outcome: Option<Outcome>, script: &Script) -> Result<(Value, How), Nothing> {
    match outcome {
        Some(Outcome::Value(value)) if is_empty(&value) => Err(Nothing::Empty),
        Some(Outcome::Value(value)) => Ok((value, How::Script)),
        Some(Outcome::Failed(fault)) => {
            Err(Nothing::Failed(Trouble::of_script(fault, Some(script))))
        }
        _ => Err(Nothing::Failed(Trouble::new(
            "the script was not evaluated",
        ))),
    }
}
