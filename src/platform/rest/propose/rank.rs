//! How likely an operation is what is looked for, by its words alone.

use crate::openapi::Operation;

/// Words that name what a work order is made of, the likeliest first.
const RECORDS: [&str; 12] = [
    "ticket",
    "workorder",
    "servicerequest",
    "incident",
    "case",
    "issue",
    "task",
    "job",
    "record",
    "request",
    "row",
    "order",
];

/// A name without case and punctuation.
pub(super) fn plain(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.collect::<String>().to_ascii_lowercase()
}

/// How likely an operation is about the records that are wanted: less is better.
pub(super) fn rank(operation: &Operation) -> (usize, usize, usize) {
    let parts: Vec<String> = nouns(&operation.path).map(plain).collect();
    let last = parts.last().map_or("", String::as_str);
    let place = |text: &str| RECORDS.iter().position(|noun| text.starts_with(noun));
    // The last noun says what an operation is about; one before it only where that is.
    let anywhere = || Some(RECORDS.len() + parts.iter().find_map(|part| place(part))?);
    let noun = place(last).or_else(anywhere).unwrap_or(RECORDS.len() * 3);
    (
        usize::from(operation.deprecated),
        noun,
        operation.path.len(),
    )
}

/// The path's parts that are no variables.
fn nouns(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && !part.contains('{'))
}

pub(super) fn ends_with_variable(path: &str) -> bool {
    path.trim_end_matches('/').ends_with('}')
}

pub(super) fn takes_file(operation: &Operation) -> bool {
    let about = ["attach", "upload", "file", "document", "photo", "image"];
    let words = plain(&format!("{}{}", operation.path, operation.name()));
    let contents = operation.body.iter().flat_map(|body| &body.contents);
    let binary = contents.clone().any(|content| {
        content.media_type == "multipart/form-data"
            || content.media_type == "application/octet-stream"
    });
    let named = about.iter().any(|word| words.contains(word));
    (binary && named) || (named && words.contains("attachment") && contents.count() > 0)
}

/// Whether it takes a record of any media type.
pub(super) fn has_body(operation: &Operation) -> bool {
    let body = operation.body.as_ref();
    body.is_some_and(|body| {
        let form = |one: &crate::openapi::Content| one.media_type.contains("form");
        body.json().is_some() || body.contents.iter().any(form)
    })
}

/// Whether it is named like something that describes fields.
pub(super) fn tells_fields(operation: &Operation) -> bool {
    let words = plain(&format!("{}{}", operation.path, operation.name()));
    let about = [
        "metadata",
        "describe",
        "schema",
        "fields",
        "fielddefinition",
        "columns",
    ];
    about.iter().any(|word| words.contains(word))
}
