//! `fieldbridge connector import-openapi`: what a description offers.

use serde::Serialize;

use super::arguments::ImportArguments;
use super::context::Context;
use super::failure::CliError;
use super::output::{Look, Output};
use super::table::{Side, Table};
use super::text::{push_line, safe};
use crate::openapi::{Document, Edition, LoadProblem, Operation, Scheme, SchemeKind};

/// What is printed of a description.
#[derive(Serialize)]
struct Report<'a> {
    title: &'a str,
    version: &'a str,
    openapi: Edition,
    servers: &'a [String],
    operations: Vec<Offered<'a>>,
    security: &'a [Scheme],
    problems: &'a [String],
}

/// What is printed of an operation.
#[derive(Serialize)]
struct Offered<'a> {
    method: &'a str,
    path: &'a str,
    id: Option<&'a str>,
    summary: &'a str,
}

impl<'a> Offered<'a> {
    fn new(operation: &'a Operation) -> Self {
        Self {
            method: operation.method.as_str(),
            path: &operation.path,
            id: operation.id.as_deref(),
            summary: &operation.summary,
        }
    }
}

pub(super) fn import(context: &Context, arguments: &ImportArguments) -> Result<(), CliError> {
    let document = Document::load(&arguments.file).map_err(|problem| match problem {
        LoadProblem::Missing(_) => CliError::NotFound(problem.to_string()),
        _ => CliError::failed(problem.to_string()),
    })?;
    let report = Report {
        title: &document.title,
        version: &document.version,
        openapi: document.edition,
        servers: &document.servers,
        operations: document.operations.iter().map(Offered::new).collect(),
        security: &document.schemes,
        problems: &document.problems,
    };
    context
        .output
        .result(&report, |output| text(output, &document))?;
    if document.operations.is_empty() {
        return Err(CliError::Told(1));
    }
    Ok(())
}

fn text(output: &Output, document: &Document) -> String {
    let mut text = String::new();
    let title = format!("{} {}", document.title, document.version);
    push_line(&mut text, &safe(title.trim()));
    for server in &document.servers {
        push_line(&mut text, &format!("at {}", safe(server)));
    }
    for scheme in &document.schemes {
        push_line(&mut text, &safe(&format!("lets in by {}", way_in(scheme))));
    }
    let mut table = Table::new(&[
        ("method", Side::Left),
        ("path", Side::Left),
        ("id", Side::Left),
        ("summary", Side::Left),
    ]);
    for operation in &document.operations {
        table.row([
            operation.method.as_str(),
            &operation.path,
            operation.id.as_deref().unwrap_or(""),
            &operation.summary,
        ]);
    }
    text.push('\n');
    text.push_str(&output.table(&table));
    for problem in &document.problems {
        let line = format!("▲ {}", safe(problem));
        push_line(&mut text, &output.paint(Look::Waiting, &line));
    }
    text
}

/// A security scheme in a few words.
fn way_in(scheme: &Scheme) -> String {
    let what = match &scheme.kind {
        SchemeKind::Basic => "user name and password".to_owned(),
        SchemeKind::Bearer => "a bearer token".to_owned(),
        SchemeKind::ApiKey { place, name } => {
            format!(
                "a key in the {} {name}",
                format!("{place:?}").to_lowercase()
            )
        }
        SchemeKind::OAuth2 { flows } => {
            let grants: Vec<&str> = flows.iter().map(|flow| flow.grant).collect();
            format!("OAuth 2 ({})", grants.join(", "))
        }
        SchemeKind::OpenIdConnect => "a bearer token of OpenID Connect".to_owned(),
        SchemeKind::Other { word } => format!("{word} (not supported)"),
    };
    format!("{}: {what}", scheme.name)
}
