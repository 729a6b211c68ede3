//! Transactions as text for people.

use super::output::{Look, Output};
use super::table::{Side, Table};
use super::text::{push_line, safe, safe_lines};
use super::words;
use crate::engine::{ReplayPlan, TransactionDetail, told};
use crate::model::{JournalEntry, State, StepOutcome, Transaction};
use crate::store::Page;

pub(super) fn list_text(output: &Output, page: &Page<Transaction>) -> String {
    if page.items.is_empty() {
        return "There is no such transaction.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("id", Side::Left),
        ("received", Side::Left),
        ("connector", Side::Left),
        ("", Side::Left),
        ("state", Side::Left),
        ("n", Side::Right),
        ("record", Side::Left),
        ("work order", Side::Left),
        ("what", Side::Left),
    ]);
    for row in &page.items {
        let record = row.record.as_ref().map(ToString::to_string);
        let work_order = row.work_order.map(|id| id.to_string());
        table.row([
            row.id.to_string(),
            words::moment(row.received_at),
            row.connector.to_string(),
            row.direction.word().to_owned(),
            state(row.state).to_owned(),
            row.attempts.to_string(),
            record.unwrap_or_default(),
            work_order.unwrap_or_default(),
            why(row).or_else(|| row.label.clone()).unwrap_or_default(),
        ]);
    }
    let mut text = output.table(&table);
    if let Some(next) = page.next {
        push_line(&mut text, &format!("more: --after {}", next.0));
    }
    text
}

fn state(state: State) -> &'static str {
    match state {
        State::Queued => "· queued",
        State::Processing => "◐ processing",
        State::Retrying => "↻ retrying",
        State::Held => "‖ held",
        State::Dead => "✗ dead",
        State::Done => "● done",
        State::Skipped => "– skipped",
        State::Discarded => "– discarded",
    }
}

fn look(state: State) -> Look {
    match state {
        State::Done => Look::Good,
        State::Dead => Look::Bad,
        State::Retrying | State::Held => Look::Waiting,
        _ => Look::Quiet,
    }
}

/// Why it stands where it stands, where that needs saying.
fn why(row: &Transaction) -> Option<String> {
    match row.state {
        State::Skipped => row.skipped.as_ref().map(|reason| reason.word().to_owned()),
        State::Discarded => row
            .discarded
            .as_ref()
            .map(|(by, reason)| format!("by {by}: {reason}")),
        State::Done => None,
        _ => row
            .failure
            .as_ref()
            .map(|(step, failure)| format!("{}: {}", step.word(), failure.cause)),
    }
}

pub(super) fn detail_text(output: &Output, detail: &TransactionDetail) -> String {
    let row = &detail.transaction;
    let mut facts = vec![
        ("transaction", row.id.to_string()),
        (
            "connector",
            format!("{} {}", row.connector, row.direction.word()),
        ),
        ("state", state(row.state).to_owned()),
        ("received", words::moment(row.received_at)),
        ("attempts", row.attempts.to_string()),
        ("revision", row.revision.to_string()),
    ];
    let mut optional = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    optional("what", row.label.clone());
    optional("record", row.record.as_ref().map(ToString::to_string));
    optional("", detail.record_url.clone());
    optional("work order", row.work_order.map(|id| id.to_string()));
    optional("", detail.work_order_url.clone());
    optional("event", row.event.map(|event| event.to_string()));
    optional("due", row.due_at.map(words::moment));
    optional("replays", row.replays.map(|id| id.to_string()));
    optional("last changed by", row.changed_by.clone());
    let payloads = detail.payloads.iter();
    let payloads: Vec<_> = payloads
        .map(|(kind, size)| format!("{} ({size} bytes)", kind.word()))
        .collect();
    optional(
        "payloads",
        (!payloads.is_empty()).then(|| payloads.join(", ")),
    );
    let mut text = words::facts(&facts);
    let reason = match &row.failure {
        Some((step, failure)) if row.state != State::Done => Some(told(*step, failure)),
        _ => why(row),
    };
    if let Some(reason) = reason {
        push_line(&mut text, &output.paint(look(row.state), &safe(&reason)));
    }
    text.push_str(&journal_text(output, &detail.journal));
    text
}

fn journal_text(output: &Output, journal: &[JournalEntry]) -> String {
    let mut text = String::new();
    let mut attempt = 0;
    for entry in journal {
        if entry.attempt != attempt {
            attempt = entry.attempt;
            push_line(&mut text, &format!("\nattempt {attempt}"));
        }
        let (glyph, look, cause) = match &entry.outcome {
            StepOutcome::Intended => ("…", Look::Quiet, None),
            StepOutcome::Done => ("✓", Look::Good, None),
            StepOutcome::Stopped => ("–", Look::Quiet, None),
            StepOutcome::Failed { failure } => ("✗", Look::Bad, Some(&failure.cause)),
        };
        let elapsed = std::time::Duration::from_micros(entry.elapsed_us);
        let line = format!(
            "{} {glyph} {:<8} {:>7}  {}",
            words::moment(entry.at),
            entry.step.word(),
            words::span(elapsed),
            safe(cause.unwrap_or(&entry.detail)),
        );
        push_line(&mut text, &output.paint(look, line.trim_end()));
        for exchange in &entry.exchanges {
            let status = match (exchange.status, &exchange.error) {
                (Some(status), _) => status.to_string(),
                (None, Some(error)) => safe(error).into_owned(),
                (None, None) => String::new(),
            };
            push_line(
                &mut text,
                &format!(
                    "    {} {} {status}",
                    safe(&exchange.method),
                    safe(&exchange.url)
                ),
            );
        }
    }
    text
}

pub(super) fn plan_text(plan: &ReplayPlan) -> String {
    let json = serde_json::to_string_pretty(&plan.would_send).unwrap_or_default();
    let mut text = if plan.would_send.is_empty() {
        "Nothing would be sent: nothing differs from what was delivered last.\n".to_owned()
    } else {
        format!("Would be sent:\n{}\n", safe_lines(&json))
    };
    for problem in &plan.problems {
        push_line(&mut text, &format!("✗ {}", safe(problem)));
    }
    text
}
