//! `fieldbridge connector …`

use serde_json::json;

use super::arguments::{CallbackCommand, ConnectorCommand};
use super::context::Context;
use super::failure::CliError;
use super::output::{Look, Output};
use super::table::{Side, Table};
use super::text::{push_line, safe};
use super::words;
use crate::api::Client;
use crate::engine::{ConnectorState, ConnectorView, Overview};
use crate::model::{Catalogue, ConnectorId, Direction, Field, State, Timestamp};
use crate::platform::{Probe, Standing, Subscription, SubscriptionPlan};

pub(super) async fn run(context: &Context, command: ConnectorCommand) -> Result<(), CliError> {
    let client = context.connect().await?;
    let output = &context.output;
    match command {
        ConnectorCommand::List => list(output, &client).await,
        ConnectorCommand::Show { connector } => show(output, &client, &connector).await,
        ConnectorCommand::Test { connector } => {
            let probe = client.probe(&connector).await?;
            output.result(&probe, |output| probe_text(output, &probe))?;
            if probe.is_good() {
                Ok(())
            } else {
                Err(CliError::Told(1))
            }
        }
        ConnectorCommand::Fields {
            connector,
            direction,
            search,
            refresh,
        } => {
            if refresh {
                client.refresh_fields(&connector).await?;
            }
            let search = search.as_deref().unwrap_or_default();
            fields(output, &client, &connector, direction.into(), search).await
        }
        ConnectorCommand::Pause { connector } => {
            let held = client.pause(&connector).await?;
            let done = json!({"connector": connector, "held": held});
            output.result(&done, |_| {
                format!("{connector} is paused; {held} transactions are held\n")
            })
        }
        ConnectorCommand::Resume { connector } => {
            let released = client.resume(&connector).await?;
            let done = json!({"connector": connector, "released": released});
            output.result(&done, |_| {
                format!("{connector} runs again; {released} transactions were released\n")
            })
        }
        ConnectorCommand::TriggerUrl { connector } => {
            let url = client.trigger_url(&connector).await?;
            output.result(&json!({"connector": connector, "url": url}), |_| {
                format!("{url}\n")
            })
        }
        ConnectorCommand::RotateToken { connector } => {
            let url = client.rotate_token(&connector).await?;
            output.note("The old address is refused from now on; give the platform the new one:");
            output.result(&json!({"connector": connector, "url": url}), |_| {
                format!("{url}\n")
            })
        }
        ConnectorCommand::Callbacks(command) => callbacks(output, &client, command).await,
        ConnectorCommand::Trigger { connector, record } => {
            let transaction = client.trigger(&connector, &record).await?;
            let done =
                json!({"connector": connector, "record": record, "transaction": transaction});
            output.result(&done, |_| format!("{transaction}\n"))
        }
    }
}

async fn list(output: &Output, client: &Client) -> Result<(), CliError> {
    let overview = client.overview().await?;
    output.result(&overview.connectors, |output| list_text(output, &overview))
}

fn list_text(output: &Output, overview: &Overview) -> String {
    if overview.connectors.is_empty() {
        return "There is no connector yet; make one with: fieldbridge init --platform connectwise\n".to_owned();
    }
    let mut table = Table::new(&[
        ("connector", Side::Left),
        ("platform", Side::Left),
        ("state", Side::Left),
        ("waiting", Side::Right),
        ("retrying", Side::Right),
        ("held", Side::Right),
        ("dead", Side::Right),
        ("done", Side::Right),
        ("last success", Side::Left),
        ("name", Side::Left),
    ]);
    for connector in &overview.connectors {
        let count =
            |state| (connector.inbound.of(state) + connector.outbound.of(state)).to_string();
        table.row([
            connector.id.as_str(),
            connector.platform.title(),
            &format!("{} {}", glyph(connector.state), connector.state.word()),
            &count(State::Queued),
            &count(State::Retrying),
            &count(State::Held),
            &count(State::Dead),
            &count(State::Done),
            &words::since(connector.last_success_at, overview.engine.now),
            &connector.name,
        ]);
    }
    let mut text = output.table(&table);
    for connector in &overview.connectors {
        for line in trouble(connector, overview.engine.now) {
            let line = format!("{}: {}", connector.id, safe(&line));
            push_line(&mut text, &output.paint(Look::Bad, &line));
        }
    }
    text
}

fn glyph(state: ConnectorState) -> &'static str {
    match state {
        ConnectorState::Live => "●",
        ConnectorState::Paused | ConnectorState::Held => "‖",
        ConnectorState::Failing => "◐",
        ConnectorState::Off => "✗",
    }
}

/// What keeps a connector from working, a line each.
fn trouble(connector: &ConnectorView, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(hold) = &connector.hold {
        let since = words::since(Some(hold.since), now);
        lines.push(match (&hold.failure, &hold.by) {
            (Some(failure), _) => format!("held since {since}: {}", failure.cause),
            (None, Some(by)) => format!("paused since {since} by {by}"),
            (None, None) => format!("paused since {since}"),
        });
        if let Some(at) = connector.next_probe_at {
            lines.push(format!("next probe {}", words::until(at, now)));
        }
    }
    lines.extend(connector.problems.iter().map(ToString::to_string));
    lines
}

async fn show(output: &Output, client: &Client, id: &ConnectorId) -> Result<(), CliError> {
    let overview = client.overview().await?;
    let connector = overview.connectors.iter().find(|one| one.id == *id);
    let connector =
        connector.ok_or_else(|| CliError::NotFound(format!("there is no connector {id}")))?;
    output.result(connector, |output| {
        show_text(output, connector, overview.engine.now)
    })
}

fn show_text(output: &Output, connector: &ConnectorView, now: Timestamp) -> String {
    let mut lines = vec![
        ("connector", connector.id.to_string()),
        ("name", connector.name.clone()),
        ("platform", connector.platform.title().to_owned()),
        (
            "state",
            format!("{} {}", glyph(connector.state), connector.state.word()),
        ),
        ("last success", words::since(connector.last_success_at, now)),
        (
            "outbound create",
            words::yes_no(connector.outbound_create).to_owned(),
        ),
    ];
    for (name, counts) in [
        ("inbound", &connector.inbound),
        ("outbound", &connector.outbound),
    ] {
        let counts = State::ALL.into_iter().filter(|state| counts.of(*state) > 0);
        let of = if name == "inbound" {
            &connector.inbound
        } else {
            &connector.outbound
        };
        let words: Vec<_> = counts
            .map(|state| format!("{} {}", of.of(state), state.word()))
            .collect();
        lines.push((
            name,
            if words.is_empty() {
                "nothing yet".to_owned()
            } else {
                words.join(", ")
            },
        ));
    }
    for quota in &connector.quota {
        lines.push((
            "quota",
            format!("{} of {} left {}", quota.left, quota.limit, quota.name),
        ));
    }
    if let Some(mapping) = &connector.mapping {
        lines.push(("mapping", mapping.to_string()));
    }
    let mut text = words::facts(&lines);
    for line in trouble(connector, now) {
        push_line(&mut text, &output.paint(Look::Bad, &safe(&line)));
    }
    text
}

fn probe_text(output: &Output, probe: &Probe) -> String {
    let mut text = String::new();
    for check in &probe.checks {
        match &check.failure {
            None => {
                let line = format!("✓ {}  {}", safe(&check.what), safe(&check.detail));
                text.push_str(&output.paint(Look::Good, line.trim_end()));
            }
            Some(failure) => {
                let line = format!("✗ {}  {}", safe(&check.what), safe(&failure.cause));
                text.push_str(&output.paint(Look::Bad, &line));
                if let Some(hint) = &failure.hint {
                    text.push_str("\n  ");
                    text.push_str(&safe(hint));
                }
            }
        }
        text.push('\n');
    }
    text
}

async fn fields(
    output: &Output,
    client: &Client,
    connector: &ConnectorId,
    direction: Direction,
    search: &str,
) -> Result<(), CliError> {
    let mut catalogue = client.fields(connector, direction).await?;
    if catalogue.is_none() {
        output.note(&format!(
            "The fields of {connector} were never read; reading them now."
        ));
        client.refresh_fields(connector).await?;
        catalogue = client.fields(connector, direction).await?;
    }
    let mut catalogue = catalogue.ok_or_else(|| {
        CliError::NotFound(format!("{connector} has no {} fields", direction.word()))
    })?;
    let known = catalogue.fields.len();
    catalogue.fields.retain(|field| is_like(field, search));
    let now = client.overview().await?.engine.now;
    output.result(&catalogue, |output| {
        fields_text(output, &catalogue, known, now)
    })
}

/// Whether a field's path, label or one of its values contains a text; case does not matter.
fn is_like(field: &Field, search: &str) -> bool {
    let wanted = search.to_lowercase();
    let contains = |text: &str| text.to_lowercase().contains(&wanted);
    let mut values = field.picklist.iter();
    contains(&field.path)
        || contains(&field.label)
        || values.any(|entry| contains(&entry.value) || contains(&entry.label))
}

fn fields_text(output: &Output, catalogue: &Catalogue, known: usize, now: Timestamp) -> String {
    let mut table = Table::new(&[
        ("path", Side::Left),
        ("type", Side::Left),
        ("", Side::Left),
        ("label", Side::Left),
        ("values", Side::Left),
    ]);
    for field in &catalogue.fields {
        let kind = format!("{:?}", field.kind).to_lowercase();
        let use_of = match (field.required, field.read_only) {
            (true, _) => "required",
            (false, true) => "read-only",
            (false, false) => "",
        };
        let values: Vec<String> = field
            .picklist
            .iter()
            .map(|entry| {
                if entry.label.is_empty() || entry.label == entry.value {
                    entry.value.clone()
                } else {
                    format!("{} ({})", entry.value, entry.label)
                }
            })
            .collect();
        table.row([
            &field.path,
            &kind,
            use_of,
            &field.label,
            &values.join(" | "),
        ]);
    }
    format!(
        "{}{} of {known} fields, read {}\n",
        output.table(&table),
        catalogue.fields.len(),
        words::since(Some(catalogue.read_at), now)
    )
}

async fn callbacks(
    output: &Output,
    client: &Client,
    command: CallbackCommand,
) -> Result<(), CliError> {
    match command {
        CallbackCommand::List { connector } => {
            let subscriptions = client.subscriptions(&connector).await?;
            output.result(&subscriptions, |output| {
                subscriptions_text(output, &subscriptions)
            })
        }
        CallbackCommand::Register { connector } => {
            let plan = client.subscription_plan(&connector).await?;
            if let SubscriptionPlan::ByHand(steps) = &plan {
                output.result(&plan, |_| steps_text(steps))?;
                return Err(CliError::Refused(format!(
                    "{connector}'s platform is told by hand whom to call; follow the steps above"
                )));
            }
            let subscription = client.subscribe(&connector).await?;
            output.result(&subscription, |output| {
                subscriptions_text(output, std::slice::from_ref(&subscription))
            })
        }
        CallbackCommand::Remove { connector, id } => {
            client.unsubscribe(&connector, &id).await?;
            let done = json!({"connector": connector, "removed": id});
            output.result(&done, |_| format!("{} is removed\n", safe(&id)))
        }
    }
}

fn steps_text(steps: &[String]) -> String {
    let steps = steps.iter().enumerate();
    let lines = steps.map(|(place, step)| format!("{}. {}", place + 1, safe(step)));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Subscriptions as a table; those of Field Nation look the same.
pub(super) fn subscriptions_text(output: &Output, subscriptions: &[Subscription]) -> String {
    if subscriptions.is_empty() {
        return "Nothing there calls us.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("id", Side::Left),
        ("state", Side::Left),
        ("what", Side::Left),
    ]);
    for subscription in subscriptions {
        let standing = match subscription.standing {
            Standing::Alive => "● alive",
            Standing::Disabled => "✗ disabled",
        };
        table.row([&subscription.id, standing, &subscription.what]);
    }
    output.table(&table)
}
