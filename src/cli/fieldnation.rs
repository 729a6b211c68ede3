//! `fieldbridge fieldnation …`

use serde_json::json;

use super::arguments::{FieldnationCommand, WebhookCommand};
use super::connector::subscriptions_text;
use super::context::Context;
use super::failure::CliError;
use super::text::safe;
use crate::platform::Standing;

pub(super) async fn run(context: &Context, command: FieldnationCommand) -> Result<(), CliError> {
    let FieldnationCommand::Webhooks(command) = command;
    let client = context.connect().await?;
    let output = &context.output;
    match command {
        WebhookCommand::Register => {
            let webhook = client.register_webhook().await?;
            output.result(&webhook, |output| {
                subscriptions_text(output, std::slice::from_ref(&webhook))
            })
        }
        WebhookCommand::List => {
            let webhooks = client.webhooks().await?;
            output.result(&webhooks, |output| subscriptions_text(output, &webhooks))
        }
        WebhookCommand::Remove { id } => {
            client.remove_webhook(&id).await?;
            output.result(&json!({"removed": id}), |_| {
                format!("{} is removed\n", safe(&id))
            })
        }
        WebhookCommand::Check => {
            let webhooks = client.webhooks().await?;
            output.result(&webhooks, |output| subscriptions_text(output, &webhooks))?;
            if webhooks
                .iter()
                .any(|webhook| webhook.standing == Standing::Alive)
            {
                return Ok(());
            }
            Err(CliError::failed(
                "Field Nation tells us of no events; register with: fieldbridge fieldnation webhooks register",
            ))
        }
    }
}
