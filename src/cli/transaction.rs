//! `fieldbridge tx …`

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::arguments::{
    CommandArguments, ListArguments, PayloadArgument, ReplayArgument, TransactionCommand,
};
use super::context::{Context, json_of};
use super::failure::CliError;
use super::output::print;
use super::transaction_text::{detail_text, list_text, plan_text};
use crate::api::Client;
use crate::http::Redactor;
use crate::model::{Fingerprint, PayloadKind, Transaction, TransactionId};
use crate::store::{ListOrder, ListQuery, PageCursor, PersonMove};

pub(super) async fn run(context: &Context, command: TransactionCommand) -> Result<(), CliError> {
    let client = context.connect().await?;
    match command {
        TransactionCommand::List(arguments) => list(context, &client, arguments).await,
        TransactionCommand::Show { id, payload: None } => {
            let detail = client.transaction(id).await?;
            context
                .output
                .result(&detail, |output| detail_text(output, &detail))
        }
        TransactionCommand::Show {
            id,
            payload: Some(kind),
        } => payload(context, &client, id, kind).await,
        TransactionCommand::Retry(which) => {
            command_all(
                context,
                &client,
                &which,
                &PersonMove::Retry,
                "is queued again",
            )
            .await
        }
        TransactionCommand::Discard { which, reason } => {
            let action = PersonMove::Discard { reason };
            command_all(context, &client, &which, &action, "is discarded").await
        }
        TransactionCommand::Restore(which) => {
            let action = PersonMove::Restore;
            command_all(
                context,
                &client,
                &which,
                &action,
                "is back in the dead letter queue",
            )
            .await
        }
        TransactionCommand::Export { id, output } => {
            export(context, &client, id, output.as_deref()).await
        }
        TransactionCommand::Replay {
            id,
            how,
            output,
            plan,
        } => {
            if plan {
                let plan = client.plan_replay(id, how.into()).await?;
                context.output.result(&plan, |_| plan_text(&plan))
            } else {
                replay(context, &client, id, how, output.as_deref()).await
            }
        }
    }
}

async fn list(
    context: &Context,
    client: &Client,
    arguments: ListArguments,
) -> Result<(), CliError> {
    let query = ListQuery {
        connector: arguments.connector,
        states: arguments.state,
        direction: arguments.direction.map(Into::into),
        record: arguments.record,
        work_order: arguments.work_order,
        fingerprint: arguments.fingerprint.map(Fingerprint::from_text),
        order: if arguments.oldest_first {
            ListOrder::OldestFirst
        } else {
            ListOrder::NewestFirst
        },
        after: arguments.after.map(PageCursor),
        limit: arguments.limit,
    };
    let page = client.list(&query).await?;
    context
        .output
        .result(&page, |output| list_text(output, &page))
}

async fn payload(
    context: &Context,
    client: &Client,
    id: TransactionId,
    kind: PayloadArgument,
) -> Result<(), CliError> {
    let kind = PayloadKind::from(kind);
    let bytes = client.payload(id, kind).await?.ok_or_else(|| {
        CliError::NotFound(format!("transaction {id} has no {} payload", kind.word()))
    })?;
    let value = shown_payload(&bytes);
    context.output.result(&value, |_| match &value {
        Value::String(text) => format!("{}\n", super::text::safe_lines(text)),
        value => format!("{}\n", pretty(value)),
    })
}

/// A payload as it may be shown: JSON where it is JSON, else text, without the values of secret members.
fn shown_payload(bytes: &[u8]) -> Value {
    let text = Redactor::default().text(&String::from_utf8_lossy(bytes));
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    super::text::safe_lines(&text)
}

/// Commands transactions one by one: one that is refused does not keep the others from being done.
async fn command_all(
    context: &Context,
    client: &Client,
    which: &CommandArguments,
    action: &PersonMove,
    done: &str,
) -> Result<(), CliError> {
    if which.seen.is_some() && which.ids.len() > 1 {
        return Err(CliError::Usage(
            "--seen names the revision of one transaction; give one id with it".to_owned(),
        ));
    }
    let mut carried_out: Vec<Transaction> = Vec::new();
    let mut failure = None;
    for id in &which.ids {
        let command = Uuid::now_v7();
        match client
            .command(*id, action.clone(), which.seen, command)
            .await
        {
            Ok(transaction) => carried_out.push(transaction),
            Err(error) => {
                let error = CliError::from(error);
                context.output.error(&error);
                failure.get_or_insert(error);
            }
        }
    }
    context.output.result(&carried_out, |_| {
        let lines = carried_out.iter().map(|row| format!("{} {done}\n", row.id));
        lines.collect()
    })?;
    match failure {
        Some(error) => Err(CliError::Told(error.exit_code())),
        None => Ok(()),
    }
}

async fn export(
    context: &Context,
    client: &Client,
    id: TransactionId,
    file: Option<&Path>,
) -> Result<(), CliError> {
    let detail = client.transaction(id).await?;
    let mut payloads = Map::new();
    for (kind, _) in &detail.payloads {
        if let Some(bytes) = client.payload(id, *kind).await? {
            payloads.insert(kind.word().to_owned(), shown_payload(&bytes));
        }
    }
    let export = json!({"detail": detail, "payloads": payloads});
    let text = serde_json::to_string_pretty(&export)
        .map_err(|error| CliError::failed(format!("the transaction can't be written: {error}")))?;
    let Some(file) = file else {
        return print(&format!("{text}\n"));
    };
    fs::write(file, format!("{text}\n")).map_err(|error| {
        CliError::failed(format!("{} can't be written: {error}", file.display()))
    })?;
    let written = json!({"file": file, "transaction": id});
    context
        .output
        .result(&written, |_| format!("written to {}\n", file.display()))
}

async fn replay(
    context: &Context,
    client: &Client,
    id: TransactionId,
    how: ReplayArgument,
    output: Option<&Path>,
) -> Result<(), CliError> {
    let output: Option<Map<String, Value>> = output.map(json_of).transpose()?;
    let replayed = client
        .replay(id, how.into(), output, Uuid::now_v7())
        .await?;
    context
        .output
        .result(&replayed, |_| format!("{} replays {id}\n", replayed.id))
}
