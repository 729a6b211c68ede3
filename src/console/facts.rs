//! What is known of connectors and transactions, told as lines.

use super::app::{App, Loadable, TransactionScreen};
use super::document::Line;
use super::format;
use super::text::append;
use super::theme::Tone;
use crate::engine::{BreakerView, ConnectorState, ConnectorView, TransactionDetail};
use crate::model::{Exchange, State};

/// The sign and role of a connector's state.
#[must_use]
pub fn connector_look(app: &App, view: &ConnectorView) -> (&'static str, Tone) {
    let glyphs = app.glyphs;
    match (view.state, view.breaker) {
        (ConnectorState::Live, _) if view.problems.is_empty() => (glyphs.ok, Tone::Ok),
        (ConnectorState::Live, _) => (glyphs.warn, Tone::Warn),
        (ConnectorState::Paused | ConnectorState::Held, _) => (glyphs.held, Tone::Held),
        (ConnectorState::Failing, BreakerView::HalfOpen) => (glyphs.busy, Tone::Busy),
        (ConnectorState::Failing, _) => (glyphs.failed, Tone::Failed),
        (ConnectorState::Off, _) => (glyphs.unset, Tone::Dim),
    }
}

/// What must be said of a connector beside its row: why it is held, its breaker, its broken files.
#[must_use]
pub fn connector_notes(app: &App, view: &ConnectorView) -> Vec<(Tone, String)> {
    let mut notes = Vec::new();
    let dot = app.glyphs.dot;
    if let Some(hold) = &view.hold {
        let mut text = match (&hold.failure, &hold.by) {
            (Some(failure), _) => {
                let cause = failure.cause.trim_end_matches('.');
                format!("{cause}, since {}", format::at(app.now, hold.since))
            }
            (None, Some(by)) => format!("paused by {by} at {}", format::at(app.now, hold.since)),
            (None, None) => format!("paused at {}", format::at(app.now, hold.since)),
        };
        if let Some(probe) = view.next_probe_at {
            let left = format::countdown(app.now, probe);
            append(&mut text, format_args!(" {dot} next probe {left}"));
        }
        notes.push((Tone::Held, text));
    }
    match view.breaker {
        BreakerView::Closed => {}
        BreakerView::Open { until } => {
            let left = format::countdown(app.now, until);
            notes.push((Tone::Failed, format!("breaker open {dot} next try {left}")));
        }
        BreakerView::HalfOpen => {
            let text = format!("breaker half open {dot} 1 probe in flight");
            notes.push((Tone::Busy, text));
        }
    }
    for problem in &view.problems {
        notes.push((Tone::Warn, problem.to_string()));
    }
    notes
}

fn fact(name: &str, value: impl Into<String>) -> Line {
    Line::of(Tone::Dim, format!("{name:<16}"))
        .with(Tone::Text, value)
        .hanging(16)
}

fn heading(text: &str) -> Line {
    Line::of(Tone::Title, text)
}

/// All that is known of a connector.
#[must_use]
pub fn connector(app: &App, view: &ConnectorView) -> Vec<Line> {
    let (glyph, tone) = connector_look(app, view);
    let mut lines = vec![
        fact("name", &*view.name),
        fact("platform", view.platform.title()),
        Line::of(Tone::Dim, format!("{:<16}", "state"))
            .with(tone, format!("{glyph} {}", view.state.word())),
        fact(
            "last success",
            view.last_success_at
                .map_or_else(|| "none yet".to_owned(), format::full),
        ),
        fact(
            "mapping",
            view.mapping
                .as_ref()
                .map_or("none in force", |version| version.as_str()),
        ),
        fact(
            "outbound create",
            if view.outbound_create { "yes" } else { "no" },
        ),
    ];
    let notes = connector_notes(app, view);
    if !notes.is_empty() {
        lines.push(Line::default());
        let note = |(tone, text): (Tone, String)| Line::of(tone, text).hanging(2);
        lines.extend(notes.into_iter().map(note));
    }
    if !view.warnings.is_empty() {
        lines.push(Line::default());
        lines.push(heading("doubtful in its mapping"));
        let warnings = view.warnings.iter();
        lines.extend(warnings.map(|warning| {
            Line::of(Tone::Warn, format!("{} {warning}", app.glyphs.warn)).hanging(2)
        }));
    }
    lines.push(Line::default());
    lines.push(Line::of(
        Tone::Title,
        format!("{:<16}{:>10}{:>10}", "transactions", "inbound", "outbound"),
    ));
    for state in State::ALL {
        let (glyph, tone) = super::timeline::state_look(app, state);
        lines.push(
            Line::of(tone, format!("{glyph} {:<14}", state.word())).with(
                Tone::Text,
                format!(
                    "{:>10}{:>10}",
                    format::count(view.inbound.of(state)),
                    format::count(view.outbound.of(state))
                ),
            ),
        );
    }
    lines.push(Line::default());
    lines.push(heading("quota"));
    if view.quota.is_empty() {
        lines.push(Line::of(Tone::Dim, "none is known"));
    }
    for quota in &view.quota {
        let mut text = format!("{} of {} calls left", quota.left, quota.limit);
        if let Some(blocked) = quota.blocked_for {
            append(
                &mut text,
                format_args!(", asked to keep still for {}", format::span(blocked)),
            );
        }
        lines.push(fact(&quota.name, text));
    }
    lines
}

/// Why a transaction failed, was skipped or given up, and what to do about it.
#[must_use]
pub fn why(detail: &TransactionDetail) -> Vec<Line> {
    let row = &detail.transaction;
    let mut lines = Vec::new();
    if let Some((by, reason)) = &row.discarded {
        lines.push(Line::of(Tone::Text, format!("Discarded by {by}: {reason}")));
    }
    if let Some(reason) = &row.skipped {
        let detail = match reason {
            crate::model::SkipReason::Filtered(why) => why.clone(),
            other => other.word().to_owned(),
        };
        lines.push(Line::of(
            Tone::Text,
            format!("Rightly not delivered: {detail}"),
        ));
    }
    if let Some((step, failure)) = &row.failure {
        let rule = failure
            .rule
            .map_or_else(String::new, |rule| format!(", rule {rule}"));
        let heading = format!("{} failed ({}{rule}): ", step.word(), failure.category);
        let tone = if row.state == State::Dead {
            Tone::Failed
        } else {
            Tone::Warn
        };
        lines.push(Line::of(tone, heading).with(Tone::Text, &*failure.cause));
        if let Some(hint) = &failure.hint {
            lines.push(Line::of(Tone::Title, "Fix: ").with(Tone::Text, hint));
        }
    }
    lines
}

/// The row of a transaction and its audit trail.
#[must_use]
pub fn transaction(screen: &TransactionScreen, detail: &TransactionDetail) -> Vec<Line> {
    let row = &detail.transaction;
    let none = || "none".to_owned();
    let mut lines = vec![
        fact("id", row.id.to_string()),
        fact("connector", row.connector.as_str()),
        fact("direction", row.direction.word()),
        fact(
            "state",
            format!("{}, revision {}", row.state.word(), row.revision),
        ),
        fact(
            "record",
            row.record.as_ref().map_or_else(none, ToString::to_string),
        ),
        fact(
            "work order",
            row.work_order.map_or_else(none, |id| id.to_string()),
        ),
        fact("accepted", format::full(row.received_at)),
        fact("last change", format::full(row.updated_at)),
        fact("attempts", row.attempts.to_string()),
    ];
    if let Some(label) = &row.label {
        lines.push(fact("label", label));
    }
    if let Some(replayed) = row.replays {
        lines.push(fact("replays", replayed.to_string()));
    }
    if let Some(version) = &row.progress.mapped {
        lines.push(fact("mapping", version.as_str()));
    }
    if let Some(url) = &detail.record_url {
        lines.push(fact("record at", url));
    }
    if let Some(url) = &detail.work_order_url {
        lines.push(fact("work order at", url));
    }
    for (kind, size) in &detail.payloads {
        lines.push(fact(kind.word(), format::bytes(*size)));
    }
    lines.push(Line::default());
    lines.push(heading("audit"));
    match &screen.audit {
        Loadable::Loading => lines.push(Line::of(Tone::Dim, "reading")),
        Loadable::Failed(why) => lines.push(Line::of(Tone::Warn, why)),
        Loadable::Ready(entries) if entries.is_empty() => {
            lines.push(Line::of(Tone::Dim, "nobody acted on it lately"));
        }
        Loadable::Ready(entries) => lines.extend(entries.iter().map(|entry| {
            Line::of(Tone::Dim, format!("{}  ", format::full(entry.at)))
                .with(Tone::Accent, format!("{}  ", entry.by))
                .with(Tone::Text, &*entry.action)
                .hanging(4)
        })),
    }
    lines
}

/// The calls of a step, request before response.
#[must_use]
pub fn exchanges(exchanges: &[Exchange]) -> Vec<Line> {
    let mut lines = Vec::new();
    for exchange in exchanges {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(
            Line::of(Tone::Title, format!("{} ", exchange.method))
                .with(Tone::Accent, &*exchange.url)
                .hanging(2),
        );
        lines.extend(exchange.request_headers.iter().map(header));
        if let Some(body) = &exchange.request_body {
            lines.extend(super::json::pretty_bytes(body.as_bytes()));
        }
        lines.push(Line::default());
        let took = format::took(exchange.elapsed_us);
        match (exchange.status, &exchange.error) {
            (Some(status), _) => {
                let tone = if status < 400 { Tone::Ok } else { Tone::Failed };
                lines.push(
                    Line::of(tone, status.to_string()).with(Tone::Dim, format!("  in {took}")),
                );
            }
            (None, error) => {
                let why = error.as_deref().unwrap_or("no answer came");
                lines.push(Line::of(Tone::Failed, why).with(Tone::Dim, format!("  after {took}")));
            }
        }
        lines.extend(exchange.response_headers.iter().map(header));
        if let Some(body) = &exchange.response_body {
            lines.extend(super::json::pretty_bytes(body.as_bytes()));
        }
    }
    lines
}

fn header((name, value): &(String, String)) -> Line {
    Line::of(Tone::Dim, format!("{name}: "))
        .with(Tone::Text, &**value)
        .hanging(4)
}

/// The call as a command line, with as little as was recorded: secrets stay out.
#[must_use]
pub fn curl(exchange: &Exchange) -> String {
    let mut command = format!("curl -X {} {}", exchange.method, quoted(&exchange.url));
    for (name, value) in &exchange.request_headers {
        append(
            &mut command,
            format_args!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))),
        );
    }
    if let Some(body) = &exchange.request_body {
        append(
            &mut command,
            format_args!(" \\\n  --data-raw {}", quoted(body)),
        );
    }
    command
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_becomes_a_command_that_a_shell_reads_as_one() {
        let exchange = Exchange {
            method: "POST".into(),
            url: "https://host.example/a?b=1".into(),
            request_headers: vec![("authorization".into(), "***".into())],
            request_body: Some(r#"{"summary":"it's down; $(rm -rf /)"}"#.into()),
            status: Some(200),
            response_headers: Vec::new(),
            response_body: None,
            error: None,
            elapsed_us: 1,
        };
        let command = curl(&exchange);
        assert!(command.starts_with("curl -X POST 'https://host.example/a?b=1'"));
        assert!(command.contains(r#"--data-raw '{"summary":"it'\''s down; $(rm -rf /)"}'"#));
    }
}
