//! The interpreter's errors, in words for people.

use jrsonnet_evaluator::analyze::DiagLevel;
use jrsonnet_evaluator::error::ErrorKind;
use jrsonnet_evaluator::{Error, Span};

use super::blame::{Suspect, SuspectKind, missing, nulls, unknown_function};
use super::interpreter::{FILE_PREFIX, UTIL, virtual_name};
use super::{Fault, Place};
use crate::model::Direction;

const LOOK_UP: &str =
    "for a field that may be absent use $.util.lookup_field($.input, 'path.to.field', 'default')";

/// Begins the words that say which field of the result was being made.
const IN_RESULT: &str = " (in the result's field `";

/// So much of a path in the result is told, in characters.
const LONGEST_PATH: usize = 60;

/// What an error means, and where it happened as far as the interpreter can tell.
pub(super) fn explain(error: &Error) -> Fault {
    let mut fault = translate(error.error());
    let frames = &error.trace().0;
    if fault.place.is_none() {
        fault.place = frames
            .iter()
            .find_map(|frame| place(frame.location.as_ref()?));
    }
    fault.what = bounded(fault.what);
    if let Some(field) = output_field(frames.iter().map(|frame| frame.desc.as_str())) {
        fault.what = format!("{}{IN_RESULT}{field}`)", fault.what);
    }
    fault
}

/// An error with all that may tell what in the script it means.
pub(super) struct Blamed<'b> {
    pub(super) error: &'b Error,
    pub(super) script: &'b str,
    pub(super) record: &'b [u8],
    pub(super) direction: Direction,
}

/// So many paths that may be meant are named.
const MOST_SUSPECTS: usize = 3;

impl Fault {
    /// Names what in the script an error means, where it can be told.
    pub(super) fn blamed(self, blamed: &Blamed<'_>) -> Self {
        let record = || serde_json::from_slice(blamed.record).unwrap_or_default();
        let suspects: Vec<Suspect> = match blamed.error.error() {
            ErrorKind::NoSuchField(name, _) => match unknown_function(blamed.script, name) {
                Some(function) => vec![function],
                None => missing(blamed.script, &record(), blamed.direction, name),
            },
            kind if reads_from_null(kind) => nulls(blamed.script, &record(), blamed.direction),
            _ => Vec::new(),
        };
        match suspects.as_slice() {
            [] => self,
            [only] => Self {
                what: replaced(&self.what, &only.what),
                // How to read a field that may be absent says nothing about a function.
                hint: self.hint.filter(|_| only.kind == SuspectKind::Field),
                // The interpreter may blame what is put around a script, never what is in another file.
                place: match self.place {
                    Some(place) if place.file.is_some() => Some(place),
                    _ => Some(place_in(blamed.script, only.offset)),
                },
                ..self
            },
            several => {
                let named: Vec<&str> = several
                    .iter()
                    .take(MOST_SUSPECTS)
                    .map(|suspect| suspect.what.as_str())
                    .collect();
                Self {
                    what: format!("{}; it may be that {}", self.what, named.join(", or that ")),
                    ..self
                }
            }
        }
    }
}

/// A better explanation in place of the first, keeping which field of the result was being made.
fn replaced(what: &str, better: &str) -> String {
    match what.split_once(IN_RESULT) {
        Some((_, field)) => format!("{better}{IN_RESULT}{field}"),
        None => better.to_owned(),
    }
}

fn reads_from_null(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::ValueIndexMustBeTypeGot(..) => kind.to_string().starts_with("null "),
        ErrorKind::CantIndexInto(_) | ErrorKind::ValueIsNotIndexable(_) => {
            kind.to_string().contains("null")
        }
        _ => false,
    }
}

fn place_in(script: &str, offset: usize) -> Place {
    let before = script.get(..offset).unwrap_or_default();
    let last = before.rsplit('\n').next().unwrap_or_default();
    Place {
        file: None,
        line: before.matches('\n').count() + 1,
        column: last.chars().count() + 1,
    }
}

fn translate(kind: &ErrorKind) -> Fault {
    let text = kind.to_string();
    match kind {
        ErrorKind::ImportSyntaxError { error, .. } => {
            let message = error.message.clone();
            let mut fault = Fault::new(if is_behind_script(&error.location) {
                // What was met instead is put around the script, and nobody wrote it.
                let expected = message.split(", got ").next().unwrap_or_default();
                format!("syntax error: the script ends too early: {expected}")
            } else {
                format!("syntax error: {message}")
            });
            fault.place = place(&error.location);
            fault
        }
        ErrorKind::StaticAnalysisError(diagnostics) => {
            let errors: Vec<_> = diagnostics
                .iter()
                .filter(|diagnostic| matches!(diagnostic.level, DiagLevel::Error))
                .collect();
            let messages: Vec<String> = errors
                .iter()
                .map(|diagnostic| said(&diagnostic.message))
                .collect();
            let mut fault = Fault::new(messages.join("; "));
            fault.place = errors
                .iter()
                .find_map(|diagnostic| place(diagnostic.span.as_ref()?));
            fault
        }
        ErrorKind::NoSuchField(name, similar) => {
            let nearest = similar
                .first()
                .map(|name| format!(" (did you mean `{name}`?)"))
                .unwrap_or_default();
            Fault::new(format!("there is no field `{name}`{nearest}")).hint(LOOK_UP)
        }
        kind if reads_from_null(kind) => {
            Fault::new("a field is read from null: what should hold it is not there").hint(LOOK_UP)
        }
        ErrorKind::ArrayBoundsError(index, length) => Fault::new(format!(
            "the list has {length} elements, so there is none at [{index}]"
        ))
        .hint("check std.length(list) first, or use $.util.lookup_field"),
        ErrorKind::StackOverflow => Fault::new("functions call each other too deeply")
            .hint("look for a function that calls itself without end"),
        ErrorKind::InfiniteRecursionDetected => Fault::new("a value is defined by itself")
            .hint("look for fields or locals that refer to each other in a circle"),
        ErrorKind::BinaryOperatorDoesNotOperateOnValues(operator, left, right) => {
            Fault::new(format!("`{operator}` can't combine {left} and {right}"))
                .hint("std.toString(x) makes text of a number, std.parseInt(x) a number of text")
        }
        ErrorKind::RuntimeError(message) => Fault::new(message.to_string()),
        _ => Fault::new(said(&text)),
    }
}

/// So much of a message is told, in characters: a script may make one of any length.
const LONGEST_MESSAGE: usize = 1000;

fn bounded(message: String) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message,
    }
}

/// A message on one line.
fn said(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join("; ")
}

/// The path of the result's field that was being made; the innermost frame comes first.
fn output_field<'f>(frames: impl Iterator<Item = &'f str>) -> Option<String> {
    let mut steps: Vec<String> = frames
        .filter_map(|description| {
            let field = description
                .strip_prefix("field ")
                .map(|name| format!(".{name}"));
            field.or_else(|| {
                description
                    .strip_prefix("element ")
                    .map(|index| format!("[{index}]"))
            })
        })
        // The interpreter's own frames are called so too, with angle brackets or quotes around the name.
        .filter(|step| !step.contains(['<', '"', ' ']))
        .collect();
    steps.reverse();
    let path = steps.concat();
    let path = path.strip_prefix('.').unwrap_or(&path);
    // A result that is nested without end has a path without end.
    let shown: String = path.chars().take(LONGEST_PATH).collect();
    let cut = if shown.len() < path.len() { "…" } else { "" };
    (!path.is_empty()).then(|| format!("{shown}{cut}"))
}

/// Whether a place is in what stands behind a script to make an expression of it.
fn is_behind_script(span: &Span) -> bool {
    let Some(name) = virtual_name(span.0.source_path()) else {
        return false;
    };
    let is_wrapped = name != UTIL && !name.starts_with(FILE_PREFIX);
    let code = span.0.code();
    let last = code.rfind('\n').unwrap_or(code.len());
    is_wrapped && usize::try_from(span.1).is_ok_and(|offset| offset > last)
}

/// A place in a script or an imported file, for people: the wrapper and the helper library are none.
fn place(span: &Span) -> Option<Place> {
    let name = virtual_name(span.0.source_path())?;
    if name == UTIL {
        return None;
    }
    let offset = usize::try_from(span.1).ok()?;
    let code = span.0.code();
    let before = code.get(..offset.min(code.len()))?;
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    match name.strip_prefix(FILE_PREFIX) {
        Some(file) => Some(Place {
            file: Some(file.to_owned()),
            line,
            column,
        }),
        // The first line is the wrapper's, and so is what follows the script.
        None if line == 1 => None,
        None => {
            let last = code.matches('\n').count();
            Some(Place {
                file: None,
                line: (line - 1).min(last.saturating_sub(1).max(1)),
                column,
            })
        }
    }
}
