//! `fieldbridge mapping …`

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::arguments::{
    EvaluateArguments, ExplainArguments, ExplainFormat, ImportMappingArguments, MappingCommand,
    PreviewArguments, WhichMapping,
};
use super::context::{Context, json_of, text_of};
use super::failure::CliError;
use super::mapping_check::{self, BothSides};
use super::mapping_explain::{html, markdown};
use super::mapping_text::preview_text;
use super::output::{aside, print};
use super::text::safe;
use super::{cases, workbench};
use crate::api::Client;
use crate::config::{JsonnetSettings, Place, Problem};
use crate::engine::{MappingDraft, PreviewRequest, Sample};
use crate::mapping::{
    Evaluate, Evaluator, Limits, Mapping, Required, RuleDescription, WorkerProgram, describe,
    from_hosted_json, to_hosted_json,
};
use crate::model::{ConnectorId, Direction};
use crate::store::ListQuery;

pub(super) async fn run(context: &Context, command: MappingCommand) -> Result<(), CliError> {
    match command {
        MappingCommand::Check { mapping, connector } => {
            mapping_check::run(context, mapping.as_deref(), connector.as_ref()).await
        }
        MappingCommand::Eval(arguments) => evaluate(context, &arguments).await,
        MappingCommand::Preview(arguments) => preview(context, arguments).await,
        MappingCommand::Test { mapping, accept } => {
            let otherwise = if accept {
                cases::Otherwise::Accept
            } else {
                cases::Otherwise::Fail
            };
            cases::test(context, mapping.as_deref(), otherwise).await
        }
        MappingCommand::Record(arguments) => workbench::record(context, arguments).await,
        MappingCommand::Impact(arguments) => workbench::impact(context, arguments).await,
        MappingCommand::Publish(arguments) => workbench::publish(context, arguments).await,
        MappingCommand::Versions { connector } => workbench::versions(context, &connector).await,
        MappingCommand::Rollback { connector, to } => {
            workbench::roll_back(context, &connector, to.as_deref()).await
        }
        MappingCommand::Draft(arguments) => workbench::draft(context, arguments).await,
        MappingCommand::Explain(arguments) => explain(context, &arguments).await,
        MappingCommand::Import(arguments) => import(context, &arguments),
        MappingCommand::Export(which) => export(context, &which),
    }
}

/// An evaluator with the limits of fieldbridge.toml, or the defaults where that is broken.
pub(super) fn evaluator(context: &Context) -> Evaluator {
    let configured = context.loaded().settings.as_ref();
    let settings = configured.map_or_else(|_| JsonnetSettings::default(), |it| it.jsonnet.clone());
    let limits = Limits {
        deadline: std::time::Duration::from_millis(settings.deadline_ms.max(1)),
        memory: settings.memory_mb.max(64) * 1024 * 1024,
        workers: 1,
        ..Limits::default()
    };
    Evaluator::new(limits, WorkerProgram::this_binary())
}

/// Parses a mapping; scripts may import from its own directory.
pub(super) fn parsed(file: &Path, text: &str) -> Result<Mapping, Vec<Problem>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let directory = match file.parent() {
        Some(parent) if parent == Path::new("") => Path::new("."),
        Some(parent) => parent,
        None => Path::new("."),
    };
    let problems = |problems: Vec<_>| {
        let problems = problems.into_iter();
        problems.map(|problem| located(file, problem)).collect()
    };
    Mapping::parse(text, &name, Some(directory)).map_err(problems)
}

/// A mapping that must be right; what is wrong with it is told on stderr.
fn mapping_of(file: &Path) -> Result<Mapping, CliError> {
    parsed(file, &text_of(file)?).map_err(|problems| told(&problems))
}

fn told(problems: &[Problem]) -> CliError {
    for problem in problems {
        aside(&safe(&problem.to_string()));
    }
    CliError::Told(1)
}

/// The mapping file of a connector of the config directory.
pub(super) fn file_of(context: &Context, connector: &ConnectorId) -> Result<PathBuf, CliError> {
    let file = context.directory.connector_file(connector);
    let mut connectors = context.loaded().connectors.iter();
    connectors
        .find(|loaded| loaded.file == file)
        .map(|loaded| loaded.mapping.clone())
        .ok_or_else(|| {
            CliError::NotFound(format!(
                "there is no connector {connector} in {}",
                context.directory.path().display()
            ))
        })
}

/// The file that is named, or else the connector's.
fn chosen(
    context: &Context,
    mapping: Option<&Path>,
    connector: Option<&ConnectorId>,
) -> Result<PathBuf, CliError> {
    match (mapping, connector) {
        (Some(file), _) => Ok(file.to_owned()),
        (None, Some(connector)) => file_of(context, connector),
        (None, None) => Err(CliError::Usage(
            "name a mapping with --mapping or a connector with --connector".to_owned(),
        )),
    }
}

/// A mapping's problem as one of the config directory. Its position may be in a script beside the mapping.
pub(super) fn located(file: &Path, problem: crate::mapping::Problem) -> Problem {
    let place = Place {
        line: problem.position.line,
        column: problem.position.column,
    };
    let file = file.with_file_name(&problem.position.file);
    Problem::new(&file, problem.what, problem.mend.unwrap_or_default()).at(Some(place))
}

async fn evaluate(context: &Context, arguments: &EvaluateArguments) -> Result<(), CliError> {
    let text = text_of(&arguments.mapping)?;
    let input: Value = json_of(&arguments.input)?;
    let mapping = parsed(&arguments.mapping, &text).map_err(|problems| told(&problems))?;
    let request = Evaluate {
        direction: arguments.direction.into(),
        event: arguments.event,
        input: &input,
        target: None,
        require: Required::All,
    };
    let evaluation = evaluator(context).evaluate(&mapping, request).await;
    for line in &evaluation.trace {
        aside(&format!("trace: {line}"));
    }
    for warning in &evaluation.warnings {
        aside(&format!("warning: {warning}"));
    }
    for problem in &evaluation.problems {
        let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})"));
        let told = format!("{}{}", problem.placed(), hint.unwrap_or_default());
        aside(&safe(&told));
    }
    if !evaluation.problems.is_empty() {
        return Err(CliError::Told(1));
    }
    print_json(&evaluation.output)
}

async fn preview(context: &Context, arguments: PreviewArguments) -> Result<(), CliError> {
    let client = context.connect().await?;
    let sample = match sample_of(&arguments)? {
        Some(sample) => sample,
        None => latest(&client, &arguments).await?,
    };
    let mapping = arguments.mapping.map(|file: PathBuf| text_of(&file));
    let request = PreviewRequest {
        connector: arguments.connector,
        direction: arguments.direction.into(),
        event: arguments.event,
        sample,
        mapping: mapping
            .transpose()?
            .map_or(MappingDraft::Current, MappingDraft::Text),
    };
    let preview = client.preview(&request).await?;
    context
        .output
        .result(&preview, |output| preview_text(output, &preview))?;
    if preview.problems.is_empty() && !preview.is_unreadable() {
        Ok(())
    } else {
        Err(CliError::Told(1))
    }
}

fn sample_of(arguments: &PreviewArguments) -> Result<Option<Sample>, CliError> {
    let sample = &arguments.sample;
    Ok(match (&sample.record, sample.transaction, &sample.input) {
        (Some(record), _, _) => Some(Sample::Record(record.clone())),
        (_, Some(transaction), _) => Some(Sample::Transaction(transaction)),
        (_, _, Some(file)) => Some(Sample::Source(json_of(file)?)),
        (None, None, None) => None,
    })
}

/// The connector's latest transaction in that direction.
async fn latest(client: &Client, arguments: &PreviewArguments) -> Result<Sample, CliError> {
    let query = ListQuery {
        connector: Some(arguments.connector.clone()),
        direction: Some(arguments.direction.into()),
        limit: 1,
        ..ListQuery::default()
    };
    let page = client.list(&query).await?;
    let latest = page.items.first().ok_or_else(|| {
        CliError::NotFound(format!(
            "{} has no transaction yet to preview; name a record with --record, or a file with --input",
            arguments.connector
        ))
    })?;
    Ok(Sample::Transaction(latest.id))
}

async fn explain(context: &Context, arguments: &ExplainArguments) -> Result<(), CliError> {
    let (connector, named) = (arguments.connector.as_ref(), arguments.mapping.as_deref());
    let file = chosen(context, named, connector)?;
    let mapping = mapping_of(&file)?;
    let fields = match connector {
        Some(connector) => BothSides::if_running(context, connector).await?,
        None => BothSides::usual(),
    };
    let rules: Vec<RuleDescription> = Direction::ALL
        .into_iter()
        .flat_map(|direction| {
            let (source, target) = fields.of(direction);
            describe(&mapping, direction, source, target)
        })
        .collect();
    let title = match connector {
        Some(connector) => format!("Mapping of {connector}"),
        None => format!("Mapping {}", file.display()),
    };
    match arguments.format {
        ExplainFormat::Json => print_json(&rules),
        _ if context.output.is_json() => print_json(&rules),
        ExplainFormat::Markdown => print(&markdown(&title, &rules)),
        ExplainFormat::Html => print(&html(&title, &rules)),
    }
}

/// Prints what is JSON for people too.
fn print_json<T: Serialize + ?Sized>(value: &T) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| CliError::failed(format!("the result can't be written: {error}")))?;
    print(&format!("{text}\n"))
}

fn import(context: &Context, arguments: &ImportMappingArguments) -> Result<(), CliError> {
    let text = text_of(&arguments.file)?;
    let name = arguments.file.file_name().unwrap_or_default();
    let mapping = from_hosted_json(&text, &name.to_string_lossy()).map_err(|problems| {
        let problems: Vec<Problem> = problems
            .into_iter()
            .map(|mut problem| {
                // It was read under the name of a JSON file, whatever it is called.
                problem.position.file = name.to_string_lossy().into_owned();
                located(&arguments.file, problem)
            })
            .collect();
        told(&problems)
    })?;
    let Some(output) = &arguments.output else {
        let value = json!({"mapping": mapping, "written": null});
        return context.output.result(&value, |_| mapping.clone());
    };
    context.may_change()?;
    write_new(output, &mapping, arguments.force)?;
    let value = json!({"mapping": mapping, "written": output});
    context
        .output
        .result(&value, |_| format!("written  {}\n", output.display()))
}

/// Writes a file; one that is there is only written over with `--force`.
fn write_new(file: &Path, text: &str, force: bool) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let written = options
        .open(file)
        .and_then(|mut open| open.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CliError::Refused(format!(
            "{} is there already; --force writes over it",
            file.display()
        )),
        _ => CliError::failed(format!("{} can't be written: {error}", file.display())),
    })
}

fn export(context: &Context, which: &WhichMapping) -> Result<(), CliError> {
    let file = chosen(context, which.mapping.as_deref(), which.connector.as_ref())?;
    let export = to_hosted_json(&mapping_of(&file)?);
    for left_out in &export.left_out {
        aside(&format!("left out: {}", safe(left_out)));
    }
    print_json(&export.json)
}
