//! `fieldbridge mapping impact|publish|versions|rollback|draft|record`: what the workbench does, for scripts.

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};

use super::arguments::{DraftArguments, ImpactArguments, PublishArguments, RecordArguments};
use super::context::{Context, text_of};
use super::failure::CliError;
use super::output::{Look, Output};
use super::table::{Side, Table};
use super::text::{cut, push_line, safe};
use crate::api::Client;
use crate::engine::{
    ChangeKind, Impact, ImpactRequest, ImpactUpdate, MappingDraft, Publish, RecordCase,
    RecordedCase, RollBack,
};
use crate::model::{ConnectorId, MappingVersion};
use crate::store::MappingEntry;

/// Values longer than this are cut; `--json` has them whole.
const LONGEST: usize = 40;

pub(super) async fn impact(context: &Context, arguments: ImpactArguments) -> Result<(), CliError> {
    let client = context.connect().await?;
    let text = edited(&client, &arguments.connector, arguments.mapping.as_deref()).await?;
    let request = ImpactRequest {
        connector: arguments.connector,
        mapping: MappingDraft::Text(text),
        last: arguments.last,
        direction: arguments.direction.map(Into::into),
    };
    let impact = worked_out(context, &client, &request).await?;
    context
        .output
        .result(&impact, |output| impact_text(output, &impact))?;
    if impact.broken == 0 {
        Ok(())
    } else {
        Err(CliError::Told(1))
    }
}

/// The mapping that a command is about: a file, or else the draft.
async fn edited(
    client: &Client,
    connector: &ConnectorId,
    file: Option<&std::path::Path>,
) -> Result<String, CliError> {
    if let Some(file) = file {
        return text_of(file);
    }
    let bench = client.bench(connector).await?;
    bench.draft.map(|draft| draft.text).ok_or_else(|| {
        CliError::NotFound(format!(
            "{connector} has no draft; name the edited mapping with --mapping FILE"
        ))
    })
}

/// Waits for an impact; on a terminal, a line tells how far it has come.
async fn worked_out(
    context: &Context,
    client: &Client,
    request: &ImpactRequest,
) -> Result<Impact, CliError> {
    let shows = std::io::stderr().is_terminal() && !context.output.is_json();
    let mut run = client.impact(request).await?;
    loop {
        match run.next().await? {
            ImpactUpdate::Progress { looked_at, of } if shows => {
                let line = format!("\r{looked_at} of {of} looked at\u{1b}[K");
                let _nobody_reads = write!(std::io::stderr().lock(), "{line}");
            }
            ImpactUpdate::Progress { .. } => {}
            ImpactUpdate::Done(impact) => {
                if shows {
                    let _nobody_reads = write!(std::io::stderr().lock(), "\r\u{1b}[K");
                }
                return Ok(*impact);
            }
            ImpactUpdate::Failed(error) => {
                return Err(CliError::failed(error.to_string()));
            }
        }
    }
}

/// `fixes 12 · changes 3 · breaks 0 of the last 500`, and what stands behind it.
fn impact_text(output: &Output, impact: &Impact) -> String {
    let mut text = String::new();
    let look = if impact.broken > 0 {
        Look::Bad
    } else {
        Look::Good
    };
    let summary = format!(
        "fixes {} · changes {} · breaks {} of the last {}",
        impact.fixed, impact.changed, impact.broken, impact.looked_at
    );
    push_line(&mut text, &output.paint(look, &summary));
    let rest = [
        (impact.unchanged, "unchanged"),
        (impact.still_failing, "failing by both"),
        (impact.without_source, "without a stored source"),
    ];
    let rest: Vec<String> = rest
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !rest.is_empty() {
        push_line(&mut text, &output.paint(Look::Quiet, &rest.join(" · ")));
    }
    if !impact.to_retry.is_empty() {
        let count = impact.to_retry.len();
        let line =
            format!("{count} in the dead letter queue would map: retry them after publishing");
        push_line(&mut text, &line);
    }
    if impact.fields.is_empty() {
        return text;
    }
    let mut table = Table::new(&[
        ("n", Side::Right),
        ("change", Side::Left),
        ("direction", Side::Left),
        ("target", Side::Left),
        ("for example", Side::Left),
    ]);
    for field in &impact.fields {
        let example = field.examples.first();
        let told = example.map(|example| match &example.problem {
            Some(problem) => format!("{}: {problem}", example.label),
            None => format!(
                "{}: {} → {}",
                example.label,
                shown(example.before.as_ref()),
                shown(example.after.as_ref())
            ),
        });
        table.row([
            field.count.to_string(),
            format!("{} {}", glyph(field.change), field.change.word()),
            field.direction.word().to_owned(),
            field.target.clone(),
            told.unwrap_or_default(),
        ]);
    }
    text.push_str(&output.table(&table));
    text
}

fn glyph(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::NowFailing => "✗",
        ChangeKind::NowEmpty => "∅",
        ChangeKind::NewValue => "≠",
        ChangeKind::NowFixed => "●",
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "∅".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    cut(&safe(&text), LONGEST).into_owned()
}

pub(super) async fn publish(
    context: &Context,
    arguments: PublishArguments,
) -> Result<(), CliError> {
    let client = context.connect().await?;
    let connector = &arguments.connector;
    let bench = client.bench(connector).await?;
    let (text, base) = match (&arguments.mapping, bench.draft) {
        (Some(file), _) => (text_of(file)?, bench.version),
        (None, Some(draft)) => (draft.text, draft.base),
        (None, None) => {
            return Err(CliError::NotFound(format!(
                "{connector} has no draft; name the edited mapping with --mapping FILE"
            )));
        }
    };
    let publish = Publish {
        text,
        base,
        note: arguments.note,
    };
    let entry = client.publish(connector, &publish).await?;
    told(context, &entry, |version| {
        format!("mapping {version} of {connector} is in force")
    })
}

pub(super) async fn versions(context: &Context, connector: &ConnectorId) -> Result<(), CliError> {
    let client = context.connect().await?;
    let history = client.mapping_history(connector).await?;
    context.output.result(&history, |output| {
        let mut table = Table::new(&[
            ("version", Side::Left),
            ("in force since", Side::Left),
            ("by", Side::Left),
            ("why", Side::Left),
        ]);
        for (place, entry) in history.iter().enumerate() {
            let mark = if place == 0 { " ●" } else { "" };
            table.row([
                format!("{}{mark}", entry.version),
                entry.since.strftime("%F %T UTC").to_string(),
                entry.by.clone().unwrap_or_else(|| "its file".to_owned()),
                entry.note.clone().unwrap_or_default(),
            ]);
        }
        output.table(&table)
    })
}

pub(super) async fn roll_back(
    context: &Context,
    connector: &ConnectorId,
    to: Option<&str>,
) -> Result<(), CliError> {
    let client = context.connect().await?;
    let history = client.mapping_history(connector).await?;
    let mut versions = history.iter().map(|entry| &entry.version);
    let seen = versions.next().cloned().ok_or_else(|| {
        CliError::NotFound(format!("no version of {connector}'s mapping is kept"))
    })?;
    let to = match to {
        Some(beginning) => named(versions, beginning)?,
        None => versions.find(|version| **version != seen).cloned(),
    };
    let to = to.ok_or_else(|| {
        CliError::NotFound(format!("{connector} had no other mapping before this one"))
    })?;
    let roll_back = RollBack { to, seen };
    let entry = client.roll_back(connector, &roll_back).await?;
    told(context, &entry, |version| {
        format!("mapping {version} of {connector} is in force again")
    })
}

/// The version that a beginning of its name stands for.
fn named<'v>(
    versions: impl Iterator<Item = &'v MappingVersion>,
    beginning: &str,
) -> Result<Option<MappingVersion>, CliError> {
    let mut found: Vec<&MappingVersion> = versions
        .filter(|version| version.as_str().starts_with(beginning))
        .collect();
    found.dedup();
    found.sort_by_key(|version| version.as_str());
    found.dedup();
    match found.as_slice() {
        [] => Err(CliError::NotFound(format!(
            "no earlier version begins with `{beginning}`; see `mapping versions`"
        ))),
        [one] => Ok(Some((*one).clone())),
        several => Err(CliError::Usage(format!(
            "`{beginning}` may be {} versions; write more of it",
            several.len()
        ))),
    }
}

pub(super) async fn draft(context: &Context, arguments: DraftArguments) -> Result<(), CliError> {
    let client = context.connect().await?;
    let connector = &arguments.connector;
    if arguments.discard {
        client.discard_draft(connector).await?;
        return context
            .output
            .result(&json!({"discarded": connector}), |_| {
                format!("{connector} has no draft any more\n")
            });
    }
    let bench = client.bench(connector).await?;
    let Some(draft) = bench.draft else {
        return Err(CliError::NotFound(format!("{connector} has no draft")));
    };
    let since = draft.at.strftime("%F %T UTC");
    let about = format!("draft of {}, saved at {since}", draft.by);
    context.output.note(&about);
    context.output.result(&draft, |_| draft.text.clone())
}

pub(super) async fn record(context: &Context, arguments: RecordArguments) -> Result<(), CliError> {
    let client = context.connect().await?;
    let record = RecordCase {
        transaction: arguments.transaction,
        name: arguments.name,
    };
    let recorded = client.record_case(&record).await?;
    context
        .output
        .result(&recorded, |output| recorded_text(output, &recorded))
}

fn recorded_text(output: &Output, recorded: &RecordedCase) -> String {
    let mut text = format!("{}\n", recorded.file.display());
    let masked = match recorded.masked.as_slice() {
        [] => "nothing had to be masked".to_owned(),
        paths => format!("masked: {}", paths.join(", ")),
    };
    push_line(&mut text, &output.paint(Look::Quiet, &safe(&masked)));
    for problem in &recorded.problems {
        let line = format!("expects the failure: {}", safe(problem));
        push_line(&mut text, &output.paint(Look::Waiting, &line));
    }
    text
}

fn told(
    context: &Context,
    entry: &MappingEntry,
    text: impl FnOnce(&str) -> String,
) -> Result<(), CliError> {
    context.output.result(entry, |output| {
        let line = format!("● {}", text(entry.version.as_str()));
        format!("{}\n", output.paint(Look::Good, &line))
    })
}
