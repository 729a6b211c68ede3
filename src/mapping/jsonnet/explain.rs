//! The interpreter's errors, in words for people.

use jrsonnet_evaluator::analyze::DiagLevel;
use jrsonnet_evaluator::error::ErrorKind;
use jrsonnet_evaluator::{Error, Span};

use super::interpreter::{FILE_PREFIX, UTIL, virtual_name};
use super::{Fault, Place};

const LOOK_UP: &str =
    "for a field that may be absent use $.util.lookup_field($.input, 'path.to.field', 'default')";

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
    if let Some(field) = output_field(frames.iter().map(|frame| frame.desc.as_str())) {
        fault.what = format!("{} (in the result's field `{field}`)", fault.what);
    }
    fault
}

fn translate(kind: &ErrorKind) -> Fault {
    let text = kind.to_string();
    match kind {
        ErrorKind::ImportSyntaxError { error, .. } => {
            let mut fault = Fault::new(format!("syntax error: {}", error.message));
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
        ErrorKind::ValueIndexMustBeTypeGot(..) if text.starts_with("null ") => {
            Fault::new("a field is read from null: what should hold it is not there").hint(LOOK_UP)
        }
        ErrorKind::CantIndexInto(_) | ErrorKind::ValueIsNotIndexable(_)
            if text.contains("null") =>
        {
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
