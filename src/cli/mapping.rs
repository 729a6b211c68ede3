//! `fieldbridge mapping …`

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::arguments::{EvaluateArguments, MappingCommand, PreviewArguments};
use super::check::{Findings, findings_text};
use super::context::{Context, json_of, text_of};
use super::failure::CliError;
use super::mapping_text::preview_text;
use super::output::{aside, print};
use super::{cases, workbench};
use crate::api::Client;
use crate::config::{JsonnetSettings, LoadedConnector, Place, Problem};
use crate::engine::{MappingDraft, PreviewRequest, Sample};
use crate::mapping::{
    Evaluate, Evaluator, Limits, Mapping, Required, Severity, WorkerProgram, check,
};
use crate::model::Direction;
use crate::store::ListQuery;

pub(super) async fn run(context: &Context, command: MappingCommand) -> Result<(), CliError> {
    match command {
        MappingCommand::Check { mapping } => check_mappings(context, mapping.as_deref()).await,
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
    let problems = |problems: Vec<_>| problems.into_iter().map(|it| located(file, it)).collect();
    Mapping::parse(text, &name, Some(directory)).map_err(problems)
}

/// A mapping's problem as one of the config directory. Its position may be in a script beside the mapping.
fn located(file: &Path, problem: crate::mapping::Problem) -> Problem {
    let place = Place {
        line: problem.position.line,
        column: problem.position.column,
    };
    let file = file.with_file_name(&problem.position.file);
    Problem::new(&file, problem.what, problem.mend.unwrap_or_default()).at(Some(place))
}

async fn check_mappings(context: &Context, file: Option<&Path>) -> Result<(), CliError> {
    let mut findings = Findings::default();
    let checked = match file {
        Some(file) => {
            let text = text_of(file)?;
            check_file(file, &text, &evaluator(context), &mut findings).await;
            1
        }
        None => mapping_findings(context, &mut findings).await,
    };
    let value = json!({
        "mappings": checked,
        "problems": findings.problems,
        "warnings": findings.warnings,
    });
    context.output.result(&value, |output| {
        let plural = if checked == 1 { "mapping" } else { "mappings" };
        findings_text(
            output,
            &findings,
            &format!("{checked} {plural}, no problems"),
        )
    })?;
    if findings.problems.is_empty() {
        Ok(())
    } else {
        Err(CliError::Told(1))
    }
}

/// Checks the mappings of all connectors; answers how many there are.
pub(super) async fn mapping_findings(context: &Context, findings: &mut Findings) -> usize {
    let evaluator = evaluator(context);
    let mut checked = 0;
    for LoadedConnector { mapping, .. } in &context.loaded().connectors {
        match fs::read_to_string(mapping) {
            Ok(text) => {
                checked += 1;
                check_file(mapping, &text, &evaluator, findings).await;
            }
            Err(error) => findings.problems.push(Problem::new(
                mapping,
                format!("the mapping can't be read: {error}"),
                "every connector needs one; `fieldbridge init --platform` writes one to start from",
            )),
        }
    }
    checked
}

async fn check_file(file: &Path, text: &str, evaluator: &Evaluator, findings: &mut Findings) {
    let mapping = match parsed(file, text) {
        Ok(mapping) => mapping,
        Err(problems) => return findings.problems.extend(problems),
    };
    for direction in Direction::ALL {
        for problem in check(&mapping, direction, None, None, Some(evaluator)).await {
            let list = match problem.severity {
                Severity::Error => &mut findings.problems,
                Severity::Warning => &mut findings.warnings,
            };
            list.push(located(file, problem));
        }
    }
}

async fn evaluate(context: &Context, arguments: &EvaluateArguments) -> Result<(), CliError> {
    let text = text_of(&arguments.mapping)?;
    let input: Value = json_of(&arguments.input)?;
    let mapping = match parsed(&arguments.mapping, &text) {
        Ok(mapping) => mapping,
        Err(problems) => {
            for problem in problems {
                aside(&problem.to_string());
            }
            return Err(CliError::Told(1));
        }
    };
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
        aside(&format!("{problem}{}", hint.unwrap_or_default()));
    }
    if !evaluation.problems.is_empty() {
        return Err(CliError::Told(1));
    }
    // The output is JSON for people too.
    let output = serde_json::to_string_pretty(&evaluation.output)
        .map_err(|error| CliError::failed(format!("the output can't be written: {error}")))?;
    print(&format!("{output}\n"))
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
