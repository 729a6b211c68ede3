//! Bringing a draft in force: what a person reads before, and why it is done.

use super::compare::compare;
use super::versions::short;
use super::{ImpactBook, Workbench};
use crate::console::app::App;
use crate::console::document::{Document, Line};
use crate::console::input::Input;
use crate::console::json;
use crate::console::theme::Tone;
use crate::engine::{ChangeKind, Impact};

/// The question before a draft comes in force.
#[derive(Clone, Debug, Default)]
pub struct Publishing {
    /// Why, for the history.
    pub note: Input,
    /// What it does, laid out.
    pub document: Document,
}

/// What a person should know before.
#[must_use]
pub fn lines(app: &App, bench: &Workbench) -> Vec<Line> {
    let Some(draft) = &bench.draft else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    if let Some(known) = bench.bench.ready()
        && known.version != draft.base
    {
        let text = format!(
            "{} The version in force is {} by now; this draft was begun from {}.",
            app.glyphs.warn,
            short(&known.version),
            short(&draft.base)
        );
        lines.push(Line::of(Tone::Warn, text).hanging(2));
    }
    lines.extend(impact_lines(app, &bench.impact, draft.text()));
    lines.push(Line::default());
    let changes = draft.changes();
    let rules = if changes == 1 { "rule" } else { "rules" };
    lines.push(Line::of(Tone::Title, format!("{changes} {rules} changed:")));
    lines.extend(compare(draft.file(), draft.text(), app.glyphs.ellipsis));
    lines
}

fn impact_lines(app: &App, book: &ImpactBook, text: &str) -> Vec<Line> {
    if let Some(summary) = book.of(text) {
        let direction = summary.direction.map_or("", |direction| direction.word());
        let heading = format!("Of the last {} {direction} transactions:", summary.seen());
        let mut lines = vec![
            Line::of(Tone::Title, heading.replace("  ", " "))
                .with(Tone::Text, format!(" {}", summary.line(app.glyphs.dot))),
        ];
        lines.extend(changes(app, &summary.impact));
        return lines;
    }
    match (&book.run, &book.problem) {
        (Some(run), _) => vec![Line::of(
            Tone::Busy,
            format!(
                "{} looking what it changes: {} of {}",
                app.glyphs.busy, run.looked_at, run.of
            ),
        )],
        (None, Some(why)) => vec![Line::of(
            Tone::Warn,
            format!("{} what it changes is not known: {why}", app.glyphs.warn),
        )],
        (None, None) => vec![Line::of(
            Tone::Dim,
            "what it changes was not looked at; Ctrl-r does",
        )],
    }
}

/// What changes, the gravest first, each with one example.
fn changes(app: &App, impact: &Impact) -> Vec<Line> {
    const MOST: usize = 12;
    let shown = impact.fields.iter().take(MOST);
    let mut lines: Vec<Line> = shown
        .map(|field| {
            let (glyph, tone) = look(app, field.change);
            let mut line = Line::of(tone, format!("{glyph} {} ", field.change.word()))
                .with(Tone::Text, format!("{} ", target(&field.target)))
                .with(Tone::Dim, format!("{}", field.count));
            if let Some(example) = field.examples.first() {
                let text = match (&example.problem, &example.after) {
                    (Some(problem), _) if field.change == ChangeKind::NowFailing => problem.clone(),
                    (_, Some(after)) => json::inline(after),
                    _ => String::new(),
                };
                if !text.is_empty() {
                    line = line.with(Tone::Dim, format!("  e.g. {text}"));
                }
            }
            line.hanging(4)
        })
        .collect();
    if impact.fields.len() > MOST {
        let more = impact.fields.len() - MOST;
        lines.push(Line::of(Tone::Dim, format!("and {more} more fields")));
    }
    lines
}

/// The target as it is told; a failure may concern no single one.
#[must_use]
pub fn target(target: &str) -> &str {
    if target.is_empty() {
        "(no single field)"
    } else {
        target
    }
}

/// The sign and role of a kind of change.
#[must_use]
pub fn look(app: &App, change: ChangeKind) -> (&'static str, Tone) {
    match change {
        ChangeKind::NowFailing => (app.glyphs.failed, Tone::Failed),
        ChangeKind::NowEmpty => (app.glyphs.unset, Tone::Warn),
        ChangeKind::NewValue => (app.glyphs.changed, Tone::Changed),
        ChangeKind::NowFixed => (app.glyphs.ok, Tone::Ok),
    }
}
