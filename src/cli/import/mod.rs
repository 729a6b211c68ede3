//! `fieldbridge connector import-openapi`: what a description offers, and what a connector of it would look like.

mod arguments;
mod ask;

use serde::Serialize;
use serde_json::json;

pub(super) use arguments::ImportArguments;

use super::context::Context;
use super::failure::CliError;
use super::output::{Look, Output};
use super::table::{Side, Table};
use super::text::{push_line, safe};
use crate::config::{CreatedFiles, create_connector, name_within, see_free};
use crate::model::ConnectorId;
use crate::openapi::{Document, Edition, LoadProblem, Operation, Scheme, SchemeKind};
use crate::platform::{Choice, ChoiceProblem, Proposal, Purpose};

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
    let proposed = match &arguments.connector {
        Some(id) => {
            let draft = Draft::new(context, arguments, &document, id)?;
            if arguments.ask {
                return ask::wizard(context, draft);
            }
            if arguments.write {
                return draft.write(context);
            }
            Some(draft.text()?)
        }
        None => None,
    };
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

/// A connector that is being made of a description.
struct Draft<'a> {
    id: &'a ConnectorId,
    document: &'a Document,
    /// How the connector's file names the description.
    named: String,
    choice: Choice,
}

impl<'a> Draft<'a> {
    /// What the description suggests, and over it what the command line says.
    fn new(
        context: &Context,
        arguments: &ImportArguments,
        document: &'a Document,
        id: &'a ConnectorId,
    ) -> Result<Self, CliError> {
        let chosen = &arguments.choice;
        let proposal = match chosen.operation(Purpose::Fetch) {
            Some(NONE) | None => Proposal::of(document),
            Some(fetch) => {
                Proposal::around(document, fetch, None).map_err(|why| impossible(&why))?
            }
        };
        let mut choice = proposal.choice();
        for purpose in Purpose::ALL {
            match chosen.operation(purpose) {
                None => {}
                Some(NONE) => drop(choice.operations.remove(&purpose)),
                Some(name) => drop(choice.operations.insert(purpose, name.to_owned())),
            }
        }
        if let Some(url) = chosen.base_url.as_deref().filter(|url| *url != NONE) {
            choice.base_url = Some(url.to_owned());
        }
        Ok(Self {
            id,
            document,
            named: name_within(context.directory.path(), &arguments.file),
            choice,
        })
    }

    /// The connector's file.
    fn text(&self) -> Result<String, CliError> {
        let text = Proposal::of(self.document).connector_text(self.id, &self.named, &self.choice);
        text.map_err(|why| impossible(&why))
    }

    /// Refuses an id that is taken.
    fn is_free(&self, context: &Context) -> Result<(), CliError> {
        Ok(see_free(&context.directory, self.id)?)
    }

    /// Writes the connector's file and a mapping to begin with; overwrites nothing.
    fn write(&self, context: &Context) -> Result<(), CliError> {
        context.may_change()?;
        let text = self.text()?;
        let proposal = Proposal::of(self.document);
        let beginning = proposal.mapping_text();
        let done = create_connector(&context.directory, self.id, &text, beginning)?;
        let secrets = proposal.secrets(self.id, &self.choice);
        let value = json!({
            "written": done.written,
            "kept": done.kept,
            "secrets": secrets,
            "problems": self.document.problems,
        });
        context.output.result(&value, |_| {
            told(&done, &next_steps(self.id, &secrets, &text))
        })
    }
}

/// Leaves an operation out.
const NONE: &str = "none";

fn impossible(problem: &ChoiceProblem) -> CliError {
    CliError::failed(problem.to_string())
}

/// The files of a new connector, and what is to be done next.
fn told(done: &CreatedFiles, next: &str) -> String {
    let mut text = String::new();
    for (word, files) in [("written", &done.written), ("kept   ", &done.kept)] {
        for file in files {
            let file = file.display().to_string();
            push_line(&mut text, &format!("{word}  {}", safe(&file)));
        }
    }
    text + next
}

/// What is to be done with a new connector, in order.
fn next_steps(id: &ConnectorId, secrets: &[String], text: &str) -> String {
    let mut steps = String::from("Next:\n");
    let opened = text.lines().filter(|line| !line.starts_with('#'));
    if opened.clone().any(|line| line.contains("\"CHANGE ME\"")) {
        push_line(
            &mut steps,
            &format!("  write what stands as CHANGE ME in connectors/{id}.toml"),
        );
    }
    for secret in secrets {
        push_line(&mut steps, &format!("  fieldbridge secret set {secret}"));
    }
    push_line(
        &mut steps,
        &format!("  adapt mappings/{id}.toml, and run fieldbridge check"),
    );
    push_line(
        &mut steps,
        &format!("  fieldbridge connector test {id}   (with the engine running)"),
    );
    steps
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
