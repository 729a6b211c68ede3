//! What can be typed at a place of a mapping.

mod fields;
mod place;
mod rank;
mod script;
#[cfg(test)]
mod tests;
mod words;

use std::ops::Range;

use serde_json::Value;

use super::outline::outline;
use super::sketch::{Pair, Sketch};
use super::tokens::Quotes;
use crate::model::{Catalogue, Direction};
use place::{Place, Slot, place};
use rank::best;

/// A place in a text, with what is known about both sides.
#[derive(Clone, Copy, Debug)]
pub struct Completing<'a> {
    /// A whole mapping file, or one rule's block.
    pub text: &'a str,
    /// The place, in bytes.
    pub cursor: usize,
    /// The direction, where no header tells it.
    pub direction: Direction,
    /// The fields of the source.
    pub source: Option<&'a Catalogue>,
    /// The fields of the target.
    pub target: Option<&'a Catalogue>,
    /// A source record to take paths and values from.
    pub sample: Option<&'a Value>,
}

/// What can be typed there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// The bytes that an offer takes the place of.
    pub replaces: Range<usize>,
    /// The offers, the likeliest first.
    pub offered: Vec<Offer>,
}

/// One thing that can be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What is put in.
    pub text: String,
    /// What it is called.
    pub label: String,
    /// What is known about it: a field's type and label, a function's parameters, the sample's value.
    pub detail: String,
}

/// What may be offered, before it is held against what is typed.
#[derive(Clone, Debug, Default)]
struct Candidate {
    text: String,
    label: String,
    detail: String,
    /// Another word by which it may be looked for.
    also: String,
    writing: Writing,
}

/// How a candidate is written as a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writing {
    /// In quotes.
    #[default]
    Quoted,
    /// As it is, where no quotes stand already.
    Bare,
}

impl Candidate {
    fn new(text: impl Into<String>, detail: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            label: text.clone(),
            text,
            detail: detail.into(),
            ..Self::default()
        }
    }
}

/// Tells what can be typed at a place; nothing where nothing is known. Works on broken text too.
#[must_use]
pub fn complete(request: &Completing<'_>) -> Completions {
    let mut cursor = request.cursor.min(request.text.len());
    while !request.text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let (block, direction) = block_at(request, cursor);
    let start = block.start;
    let text = request.text.get(block).unwrap_or_default();
    let completing = Completing {
        text,
        cursor: cursor - start,
        direction,
        ..*request
    };
    let mut completions = in_block(&completing);
    completions.replaces.start += start;
    completions.replaces.end += start;
    completions
}

/// The rule's block that a place is in or behind.
fn block_at(request: &Completing<'_>, cursor: usize) -> (Range<usize>, Direction) {
    let rules = outline(request.text);
    let next = rules.partition_point(|rule| rule.range.start <= cursor);
    let end = rules
        .get(next)
        .map_or(request.text.len(), |rule| rule.range.start);
    match next.checked_sub(1).and_then(|index| rules.get(index)) {
        Some(rule) => (rule.range.start..end, rule.direction),
        None => (0..end, request.direction),
    }
}

fn in_block(request: &Completing<'_>) -> Completions {
    let sketch = Sketch::of(request.text);
    match place(&sketch, request.text, request.cursor) {
        Place::Nothing => Completions {
            replaces: request.cursor..request.cursor,
            offered: Vec::new(),
        },
        Place::Header(slot) => chosen(&slot, words::headers(), |candidate| candidate.text.clone()),
        Place::Key {
            within,
            slot,
            is_new,
        } => {
            let list = within.as_ref().map(|within| within.list.as_str());
            let taken: Vec<&str> = sketch
                .pairs
                .iter()
                .filter(|pair| pair.within == within && pair.key != slot.replaces)
                .map(|pair| pair.name.as_str())
                .collect();
            let action = sketch
                .own("action")
                .and_then(|pair| sketch.value_text(pair));
            let keys = words::keys(action.as_deref(), list, request.direction, &taken);
            let equals = if is_new { " = " } else { "" };
            chosen(&slot, keys, |candidate| {
                format!("{}{equals}", candidate.text)
            })
        }
        Place::Element { list, slot } => chosen(&slot, words::elements(&list), |candidate| {
            candidate.text.clone()
        }),
        Place::Value { pair, slot } => value(request, &sketch, pair, &slot),
    }
}

fn value(request: &Completing<'_>, sketch: &Sketch<'_>, pair: &Pair, slot: &Slot) -> Completions {
    let list = pair.within.as_ref().map(|within| within.list.as_str());
    let candidates = match (list, pair.name.as_str()) {
        (None, "script" | "when") => return script::complete(request, slot),
        (None, "input_format" | "output_format") => {
            let offered = words::formats(slot);
            return Completions {
                replaces: slot.replaces.clone(),
                offered: offered
                    .into_iter()
                    .map(|candidate| offer(&candidate, |it| written(it, slot.quotes)))
                    .collect(),
            };
        }
        (None, "action") => words::actions(),
        (None, "events") => words::events(),
        (None, "no_match") => words::no_match(),
        (None, "timezone_in" | "timezone_out") => words::zones(),
        (None, "source") => fields::sources(request),
        (None, "target") => fields::targets(request),
        (None, "value" | "default") | (Some("mappings" | "ranges"), "value") => {
            fields::target_values(request, sketch)
        }
        (Some("mappings" | "ranges"), "compare") => fields::source_values(request, sketch),
        (Some("parts"), "type") => words::part_types(),
        (Some("parts"), "value") => {
            let kind = pair
                .within
                .as_ref()
                .and_then(|within| sketch.inside(within, "type"))
                .and_then(|pair| sketch.value_text(pair));
            if kind.as_deref() == Some("static") {
                Vec::new()
            } else {
                fields::sources(request)
            }
        }
        _ => Vec::new(),
    };
    chosen(slot, candidates, |candidate| {
        written(candidate, slot.quotes)
    })
}

fn chosen(
    slot: &Slot,
    candidates: Vec<Candidate>,
    write: impl Fn(&Candidate) -> String,
) -> Completions {
    Completions {
        replaces: slot.replaces.clone(),
        offered: best(&slot.typed, candidates)
            .into_iter()
            .map(|candidate| offer(&candidate, &write))
            .collect(),
    }
}

fn offer(candidate: &Candidate, write: impl Fn(&Candidate) -> String) -> Offer {
    Offer {
        text: write(candidate),
        label: candidate.label.clone(),
        detail: candidate.detail.clone(),
    }
}

/// A value as TOML, in the quotes that stand there already where they will do.
fn written(candidate: &Candidate, quotes: Option<Quotes>) -> String {
    let text = candidate.text.as_str();
    if candidate.writing == Writing::Bare && quotes.is_none() {
        return text.to_owned();
    }
    let is_plain = !text.contains(['"', '\\']) && !text.contains(char::is_control);
    let is_literal = !text.contains('\'') && !text.contains(char::is_control);
    let wants_literal = quotes.is_some_and(|quotes| !quotes.escapes());
    if is_literal && (wants_literal || !is_plain) {
        format!("'{text}'")
    } else if is_plain {
        format!("\"{text}\"")
    } else {
        toml_edit::Value::from(text).to_string()
    }
}
