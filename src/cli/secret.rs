//! `fieldbridge secret …`: through the engine if one runs, else in the store directly.

use std::io::{self, IsTerminal, Read};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::arguments::SecretCommand;
use super::context::Context;
use super::failure::CliError;
use super::offline::{make_data_directory, open_store, open_vault, private_files};
use crate::api::own_name;
use crate::config::is_secret_name;
use crate::model::{Timestamp, TransactionId};
use crate::store::{AuditEntry, Store};

pub(super) async fn run(context: &Context, command: SecretCommand) -> Result<(), CliError> {
    let output = &context.output;
    match command {
        SecretCommand::Set { name } => {
            let name = named(&name)?;
            context.may_change()?;
            let value = entered(context, name)?;
            keep(context, name, Some(value)).await?;
            output.result(&json!({"kept": name}), |_| format!("{name} is kept\n"))
        }
        SecretCommand::Rm { name } => {
            let name = named(&name)?;
            context.may_change()?;
            keep(context, name, None).await?;
            output.result(&json!({"removed": name}), |_| {
                format!("{name} is forgotten\n")
            })
        }
        SecretCommand::List => {
            let names = names(context).await?;
            output.result(&names, |_| match names.as_slice() {
                [] => "No secret is kept.\n".to_owned(),
                names => names.join("\n") + "\n",
            })
        }
    }
}

fn named(name: &str) -> Result<&str, CliError> {
    if is_secret_name(name) {
        Ok(name)
    } else {
        Err(CliError::Usage(
            "a secret's name has 1 to 80 letters, digits, `-`, `_` and `.`, and does not begin with a dot".to_owned(),
        ))
    }
}

/// The value, from stdin: never from the command line, where other users could read it.
fn entered(context: &Context, name: &str) -> Result<SecretString, CliError> {
    let text = if io::stdin().is_terminal() {
        context
            .output
            .note(&format!("Value of {name} (not shown; end with Enter):"));
        let _silence = Silence::begin();
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    } else {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    };
    let text =
        text.map_err(|error| CliError::failed(format!("the value can't be read: {error}")))?;
    let value = text.strip_suffix('\n').unwrap_or(&text);
    let value = value.strip_suffix('\r').unwrap_or(value);
    if value.is_empty() {
        return Err(CliError::Usage(
            "the value is empty; nothing was changed".to_owned(),
        ));
    }
    Ok(value.into())
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence(Option<Termios>);

impl Silence {
    fn begin() -> Self {
        let Ok(before) = tcgetattr(io::stdin()) else {
            return Self(None);
        };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        let _still_shown = tcsetattr(io::stdin(), OptionalActions::Now, &quiet);
        Self(Some(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _stays_silent = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

async fn keep(context: &Context, name: &str, value: Option<SecretString>) -> Result<(), CliError> {
    if let Some(client) = context.connect_if_running().await? {
        return Ok(client.set_secret(name, value).await?);
    }
    private_files();
    let data = context.data()?;
    make_data_directory(&data)?;
    let vault = open_vault(&data)?;
    let store = open_store(&data)?;
    let failed = |error: crate::store::StoreError| CliError::failed(error.to_string());
    if value.is_none() && store.secret(name).await.map_err(failed)?.is_none() {
        return Err(CliError::NotFound(format!("no secret `{name}` is kept")));
    }
    let verb = if value.is_some() { "set" } else { "removed" };
    let sealed = value
        .filter(|value| !value.expose_secret().is_empty())
        .map(|value| vault.seal(name, &value))
        .transpose()
        .map_err(|error| CliError::failed(error.to_string()))?;
    store
        .put_secret(name, sealed.map(Into::into))
        .await
        .map_err(failed)?;
    let entry = AuditEntry {
        id: TransactionId::generate(),
        at: Timestamp::now(),
        by: own_name(),
        action: format!("{verb} the secret {name}"),
        connector: None,
        transaction: None,
    };
    store.audit(entry).await.map_err(failed)
}

async fn names(context: &Context) -> Result<Vec<String>, CliError> {
    if let Some(client) = context.connect_if_running().await? {
        return Ok(client.secret_names().await?);
    }
    let data = context.data()?;
    if !data.database().exists() {
        return Ok(Vec::new());
    }
    let store = open_store(&data)?;
    let names = store.secret_names().await;
    names.map_err(|error| CliError::failed(error.to_string()))
}
