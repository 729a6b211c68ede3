//! The life of a transaction as lines.

use super::app::App;
use super::document::Line;
use super::format;
use super::text::append;
use super::theme::Tone;
use crate::engine::TransactionDetail;
use crate::model::{JournalEntry, Origin, State, StepOutcome, Transaction};

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The journal entry it stands for, if it does.
    pub entry: Option<usize>,
    /// The text.
    pub line: Line,
}

/// What happened to a transaction, in order.
#[must_use]
pub fn moments(app: &App, detail: &TransactionDetail) -> Vec<Moment> {
    let row = &detail.transaction;
    let told = |line: Line| Moment { entry: None, line };
    let mut moments = vec![told(
        Line::of(Tone::Dim, format!("{} ", format::precise(row.received_at)))
            .with(Tone::Text, origin(row)),
    )];
    if row.joined > 0 {
        let text = format!(
            "             {} more triggers joined while it waited",
            row.joined
        );
        moments.push(told(Line::of(Tone::Dim, text)));
    }
    let mut attempt = 0;
    for (index, entry) in detail.journal.iter().enumerate() {
        if entry.attempt != attempt {
            attempt = entry.attempt;
            let begun = entry
                .at
                .checked_sub(std::time::Duration::from_micros(entry.elapsed_us))
                .unwrap_or(entry.at);
            moments.push(told(
                Line::of(Tone::Dim, format!("{} ", format::precise(begun)))
                    .with(Tone::Title, format!("attempt {attempt}")),
            ));
        }
        moments.push(Moment {
            entry: Some(index),
            line: step(app, entry),
        });
    }
    moments.push(told(now(app, row)));
    moments
}

fn origin(row: &Transaction) -> String {
    let event = row
        .event
        .map(|event| format!(" {event}"))
        .unwrap_or_default();
    let text = match row.origin {
        Origin::Trigger => "trigger accepted",
        Origin::Event => "event accepted",
        Origin::CatchUp => "found changed while we were away",
        Origin::Person => match row.replays {
            Some(_) => "replay asked for",
            None => "asked for by a person",
        },
    };
    format!("{text}{event}")
}

fn step(app: &App, entry: &JournalEntry) -> Line {
    let glyphs = app.glyphs;
    let (glyph, tone) = match &entry.outcome {
        StepOutcome::Intended => (glyphs.waiting, Tone::Waiting),
        StepOutcome::Done => (glyphs.ok, Tone::Ok),
        StepOutcome::Stopped => (glyphs.unset, Tone::Dim),
        StepOutcome::Failed { .. } => (glyphs.failed, Tone::Failed),
    };
    let detail = match &entry.outcome {
        StepOutcome::Failed { failure } if entry.detail.is_empty() => failure.cause.as_str(),
        _ => entry.detail.as_str(),
    };
    Line::of(tone, format!("  {glyph} "))
        .with(Tone::Text, format!("{:<8}", entry.step.word()))
        .with(
            Tone::Dim,
            format!("{:>7}  ", format::took(entry.elapsed_us)),
        )
        .with(Tone::Text, detail)
}

fn now(app: &App, row: &Transaction) -> Line {
    let (glyph, tone) = state_look(app, row.state);
    let mut text = row.state.word().to_owned();
    match (&row.state, &row.failure, &row.skipped, row.due_at) {
        (State::Dead, Some((_, failure)), _, _) => {
            append(&mut text, format_args!(" ({})", failure.category));
        }
        (State::Skipped, _, Some(reason), _) => {
            append(&mut text, format_args!(" ({})", reason.word()));
        }
        (State::Retrying | State::Queued, _, _, Some(due)) if due > app.now => {
            append(
                &mut text,
                format_args!(", next try in {}", format::countdown(app.now, due)),
            );
        }
        _ => {}
    }
    if let Some(by) = &row.changed_by {
        append(&mut text, format_args!(", by {by}"));
    }
    Line::of(Tone::Dim, format!("{} ", format::precise(row.updated_at)))
        .with(tone, format!("{glyph} {text}"))
}

/// The sign and role of a state.
#[must_use]
pub fn state_look(app: &App, state: State) -> (&'static str, Tone) {
    let glyphs = app.glyphs;
    match state {
        State::Queued => (glyphs.dot, Tone::Text),
        State::Processing => (glyphs.busy, Tone::Busy),
        State::Retrying => (glyphs.waiting, Tone::Waiting),
        State::Held => (glyphs.held, Tone::Held),
        State::Dead => (glyphs.failed, Tone::Failed),
        State::Done => (glyphs.ok, Tone::Ok),
        State::Skipped | State::Discarded => (glyphs.unset, Tone::Dim),
    }
}
