//! `fieldbridge connector import-openapi`: what a description offers, and what a connector of it would look like.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::arguments::ImportArguments;
use super::context::Context;
use super::failure::CliError;
use super::output::{Look, Output};
use super::table::{Side, Table};
use super::text::{push_line, safe};
use crate::model::ConnectorId;
use crate::openapi::{Document, Edition, LoadProblem, Operation, Scheme, SchemeKind};
use crate::platform::Proposal;

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
    /// The proposed file of a connector, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    connector_file: Option<String>,
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
    let connector = arguments.connector.as_ref();
    let proposed = connector.map(|id| propose(context, &document, &arguments.file, id));
    if let (Some(id), Some(text), true) = (&arguments.connector, &proposed, arguments.write) {
        return write(context, &document, id, text);
    }
    let report = Report {
        title: &document.title,
        version: &document.version,
        openapi: document.edition,
        servers: &document.servers,
        operations: document.operations.iter().map(Offered::new).collect(),
        security: &document.schemes,
        problems: &document.problems,
        connector_file: proposed.clone(),
    };
    if proposed.is_some() {
        for problem in &document.problems {
            context.output.note(&format!("▲ {problem}"));
        }
    }
    context.output.result(&report, |output| {
        proposed.unwrap_or_else(|| text(output, &document))
    })?;
    if document.operations.is_empty() {
        return Err(CliError::Told(1));
    }
    Ok(())
}

/// The file of a connector, with what the description suggests.
fn propose(context: &Context, document: &Document, file: &Path, id: &ConnectorId) -> String {
    Proposal::of(document).connector_text(id, &named(context, file))
}

/// How a connector's file names the description: relative to the config directory where it lies in there.
fn named(context: &Context, file: &Path) -> String {
    let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (file, home) = (whole(file), whole(context.directory.path()));
    file.strip_prefix(home).map_or_else(
        |_| file.display().to_string(),
        |inner| inner.display().to_string(),
    )
}

/// Writes the connector's file and a mapping to begin with; overwrites nothing.
fn write(
    context: &Context,
    document: &Document,
    id: &ConnectorId,
    text: &str,
) -> Result<(), CliError> {
    context.may_change()?;
    let file = context.directory.connector_file(id);
    if !write_new(&file, text)? {
        return Err(CliError::Refused(format!(
            "{} is there already; choose another id with --connector",
            file.display()
        )));
    }
    let mapping = context.directory.mapping_file(id);
    let beginning = Proposal::of(document).mapping_text();
    let (mut written, mut kept) = (vec![file], Vec::new());
    if write_new(&mapping, beginning)? {
        written.push(mapping);
    } else {
        kept.push(mapping);
    }
    let done = json!({"written": written, "kept": kept, "problems": document.problems});
    context.output.result(&done, |_| {
        let line = |word: &str, file: &PathBuf| format!("{word}  {}\n", safe(&file.display().to_string()));
        let written: String = written.iter().map(|file| line("written", file)).collect();
        let kept: String = kept.iter().map(|file| line("kept   ", file)).collect();
        format!("{written}{kept}Next: look the proposals over, keep the secrets (fieldbridge secret set NAME), adapt mappings/{id}.toml, and run fieldbridge check\n")
    })
}

/// Writes a file that is not there yet; answers whether it did.
fn write_new(file: &Path, text: &str) -> Result<bool, CliError> {
    let failed = |error: io::Error| {
        CliError::failed(format!("{} can't be written: {error}", file.display()))
    };
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(file) {
        Ok(mut written) => written
            .write_all(text.as_bytes())
            .map(|()| true)
            .map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
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
