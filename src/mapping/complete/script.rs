//! Inside Jsonnet.

use std::ops::Range;

use super::fields::sample_paths;
use super::place::Slot;
use super::rank::best;
use super::{Candidate, Completing, Completions, Offer};
use crate::mapping::functions::{HELPERS, STANDARD};
use crate::mapping::path::{Path, Segment};
use crate::mapping::tokens::Quotes;
use crate::mapping::value::shown;

/// What can be typed in a script or a condition.
pub(super) fn complete(request: &Completing<'_>, slot: &Slot) -> Completions {
    let Some(quotes) = slot.quotes else {
        return Completions::default().at(request.cursor);
    };
    let code = slot.typed.as_str();
    let start = slot.content.start;
    match literal(code) {
        Inside::Comment => Completions::default().at(request.cursor),
        Inside::Text(from) => in_text(request, code, from, start),
        Inside::Code => in_code(request, slot, quotes),
    }
}

impl Completions {
    fn at(self, cursor: usize) -> Self {
        Self {
            replaces: cursor..cursor,
            ..self
        }
    }
}

/// What of Jsonnet a place is in.
enum Inside {
    Code,
    Comment,
    /// A text that begins there, behind its quote.
    Text(usize),
}

fn literal(code: &str) -> Inside {
    let mut inside = Inside::Code;
    let mut quote = None;
    let mut characters = code.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        match (&inside, character) {
            (Inside::Text(_), '\\') => drop(characters.next()),
            (Inside::Text(_), _) if Some(character) == quote => inside = Inside::Code,
            (Inside::Comment, '\n') if quote.is_none() => inside = Inside::Code,
            (Inside::Comment, '*') if quote == Some('*') && next == Some('/') => {
                characters.next();
                inside = Inside::Code;
            }
            (Inside::Code, '"' | '\'') => {
                quote = Some(character);
                inside = Inside::Text(at + 1);
            }
            (Inside::Code, '#') => {
                quote = None;
                inside = Inside::Comment;
            }
            (Inside::Code, '/') if matches!(next, Some('/' | '*')) => {
                quote = next.filter(|next| *next == '*');
                characters.next();
                inside = Inside::Comment;
            }
            _ => {}
        }
    }
    inside
}

/// The path that `lookup_field($.input, '…` asks for.
fn in_text(request: &Completing<'_>, code: &str, from: usize, start: usize) -> Completions {
    let cursor = request.cursor;
    let nothing = Completions::default().at(cursor);
    let before = code.get(..from.saturating_sub(1)).unwrap_or_default();
    let Some((_, arguments)) = before.trim_end().rsplit_once("lookup_field(") else {
        return nothing;
    };
    let object = arguments.trim_end().strip_suffix(',').map(str::trim);
    if !matches!(object, Some("$.input" | "$.input.workorder")) {
        return nothing;
    }
    let is_simple = |path: &Path| {
        path.segments().iter().all(|segment| match segment {
            Segment::Key(key) => !key.contains(['.', '[', '\'', '"', '\\']),
            Segment::Index(_) => true,
            Segment::Each | Segment::Select { .. } => false,
        })
    };
    let candidates = input_paths(request)
        .into_iter()
        .filter(|(path, _)| is_simple(path))
        .map(|(path, detail)| Candidate::new(path.to_string(), detail))
        .collect();
    let typed = code.get(from..).unwrap_or_default();
    Completions {
        replaces: start + from..cursor,
        offered: best(typed, candidates)
            .into_iter()
            .map(|it| Offer {
                text: it.text,
                label: it.label,
                detail: it.detail,
            })
            .collect(),
    }
}

fn in_code(request: &Completing<'_>, slot: &Slot, quotes: Quotes) -> Completions {
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || "_$.[]".contains(character);
    let code = slot.typed.as_str();
    let typed_from = code.trim_end_matches(is_part).len();
    let typed = code.get(typed_from..).unwrap_or_default();
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let behind = slot.behind.trim_start_matches(is_word);
    let end = request.cursor + (slot.behind.len() - behind.len());
    let replaces: Range<usize> = slot.content.start + typed_from..end;
    // A number is being typed, or a member of something that is not known here.
    let is_known = typed.is_empty()
        || typed.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$');
    if !is_known {
        return Completions::default().at(request.cursor);
    }
    let has_bracket = behind.starts_with('(');
    let offered = best(typed, expressions(request, quotes))
        .into_iter()
        .filter_map(|candidate| {
            let text = match candidate.text.strip_suffix('(') {
                Some(name) if has_bracket => name,
                _ => candidate.text.as_str(),
            };
            Some(Offer {
                text: within(text, quotes)?,
                label: candidate.label,
                detail: candidate.detail,
            })
        })
        .collect();
    Completions { replaces, offered }
}

/// Code as it is written between a text's quotes; none where it can't be.
fn within(code: &str, quotes: Quotes) -> Option<String> {
    if quotes.escapes() {
        return Some(code.replace('\\', "\\\\").replace('"', "\\\""));
    }
    (!code.contains(quotes.mark())).then(|| code.to_owned())
}

/// Everything that a script can begin with.
fn expressions(request: &Completing<'_>, quotes: Quotes) -> Vec<Candidate> {
    let roots = [
        Candidate::new("$.input", "the whole source"),
        Candidate::new("$.util", "the helpers"),
        Candidate::new("std", "the functions of Jsonnet"),
    ];
    let quote = if quotes == Quotes::Literal { '"' } else { '\'' };
    let inputs = input_paths(request)
        .into_iter()
        .filter_map(|(path, detail)| {
            Some(Candidate {
                also: format!("$.input.{path} {detail}"),
                ..Candidate::new(expression(&path, quote)?, detail)
            })
        });
    let helpers = HELPERS.map(|helper| Candidate {
        label: format!("$.util.{}", helper.name),
        also: helper.name.to_owned(),
        ..Candidate::new(
            format!("$.util.{}(", helper.name),
            format!("({}): {}", helper.parameters, helper.what),
        )
    });
    let standard = STANDARD.map(|(name, parameters)| Candidate {
        label: format!("std.{name}"),
        also: name.to_owned(),
        ..Candidate::new(format!("std.{name}("), format!("({parameters})"))
    });
    roots
        .into_iter()
        .chain(inputs)
        .chain(helpers)
        .chain(standard)
        .collect()
}

/// The paths that `$.input` has, with what is known of them.
fn input_paths(request: &Completing<'_>) -> Vec<(Path, String)> {
    let fields = request.source.into_iter().flat_map(|it| &it.fields);
    let mut paths: Vec<(Path, String)> = fields
        .filter_map(|field| Some((Path::parse(&field.path).ok()?, field.label.clone())))
        .collect();
    for (path, value) in sample_paths(request) {
        let Ok(path) = Path::parse(&path) else {
            continue;
        };
        match paths.iter_mut().find(|(known, _)| *known == path) {
            Some((_, detail)) => *detail = format!("{detail} · {}", shown(value)),
            None => paths.push((path, shown(value))),
        }
    }
    paths
}

/// A path as Jsonnet reads it; none for what Jsonnet has no words for.
fn expression(path: &Path, quote: char) -> Option<String> {
    if let [Segment::Key(only)] = path.segments()
        && let Some(id) = only.strip_prefix("custom_field_")
    {
        return Some(format!(
            "$.util.lookup_custom_field({quote}{id}{quote}, $.input)"
        ));
    }
    let mut text = "$.input".to_owned();
    for segment in path.segments() {
        match segment {
            Segment::Key(key) if is_name(key) => text += &format!(".{key}"),
            Segment::Key(key) if !key.contains([quote, '\\']) => {
                text += &format!("[{quote}{key}{quote}]");
            }
            Segment::Index(index) => text += &format!("[{index}]"),
            Segment::Key(_) | Segment::Each | Segment::Select { .. } => return None,
        }
    }
    Some(text)
}

/// The words that Jsonnet keeps to itself.
const KEYWORDS: [&str; 18] = [
    "assert",
    "else",
    "error",
    "false",
    "for",
    "function",
    "if",
    "import",
    "importbin",
    "importstr",
    "in",
    "local",
    "null",
    "self",
    "super",
    "tailstrict",
    "then",
    "true",
];

fn is_name(key: &str) -> bool {
    let mut characters = key.chars();
    let begins_well = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    begins_well
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
        && !KEYWORDS.contains(&key)
}
