//! What lies over the workbench: samples, impact, the question before publishing, versions.

use ratatui::layout::Rect;

use super::editor::text_line;
use crate::console::app::{App, Loadable};
use crate::console::brush::Brush;
use crate::console::document::Line;
use crate::console::format;
use crate::console::json;
use crate::console::layout::cut_top;
use crate::console::text::cells;
use crate::console::theme::Tone;
use crate::console::timeline;
use crate::console::view::dialog::{keys, typing};
use crate::console::workbench::impact::{ImpactRow, ImpactView, Run, Summary};
use crate::console::workbench::picker::{Pasting, Picker};
use crate::console::workbench::publish::{Publishing, look, target};
use crate::console::workbench::versions::{Face, Versions, short};
use crate::engine::{ChangeKind, ImpactExample};

/// Rows of the dialog that are not samples.
pub(in crate::console) fn picker_rows(inner: usize) -> usize {
    inner.saturating_sub(2)
}

/// Rows of the dialog that are not changes.
pub(in crate::console) fn impact_rows(inner: usize) -> usize {
    inner.saturating_sub(4)
}

/// Rows of the dialog that are not versions.
pub(in crate::console) fn versions_rows(inner: usize) -> usize {
    inner.saturating_sub(2)
}

/// Draws the samples.
pub(in crate::console::view) fn picker(
    app: &App,
    picker: &Picker,
    brush: &mut Brush<'_>,
    inner: Rect,
    last: Rect,
) {
    let (top, list) = cut_top(inner, 1);
    let list = Rect {
        height: list.height.saturating_sub(1),
        ..list
    };
    match &picker.typing {
        Some(input) => typing(brush, top.x, top.y, top.width, "/", input),
        None => {
            let dot = app.glyphs.dot;
            let mut text = format!("{} stored", picker.rows.len());
            if picker.next.is_some() {
                text.push('+');
            }
            if !picker.filter.is_empty() {
                text = format!("{text} {dot} /{}", picker.filter.text());
            }
            brush.put(top.x, top.y, top.width, &text, Tone::Dim);
        }
    }
    let choices = picker.choices();
    let in_sight = choices.iter().enumerate().skip(picker.offset);
    for (y, (index, choice)) in (list.top()..list.bottom()).zip(in_sight) {
        let title = choice.chosen.title();
        let line = match choice.row {
            None => {
                Line::of(Tone::Accent, format!("{} ", app.glyphs.pointer)).with(Tone::Text, title)
            }
            Some(row) => {
                let (glyph, tone) = timeline::state_look(app, row.state);
                let when = format::ago(app.now, row.received_at);
                let failure = row.failure.as_ref().map(|(_, failure)| &failure.cause);
                let line = Line::of(tone, format!("{glyph} "))
                    .with(Tone::Dim, format!("{when:>11}  "))
                    .with(Tone::Text, title);
                match failure {
                    Some(cause) => line.with(Tone::Failed, format!("  {cause}")),
                    None => line,
                }
            }
        };
        brush.line(list.x, y, list.width, &line);
        if index == picker.selected {
            brush.tint(Rect::new(list.x, y, list.width, 1), Tone::Selection);
        }
    }
    if let Some(problem) = &picker.problem {
        let y = list.y + cells(choices.len()).min(list.height.saturating_sub(1));
        brush.put(list.x, y, list.width, problem, Tone::Warn);
    } else if choices.is_empty() {
        let text = if picker.asked.is_some() {
            "reading"
        } else {
            "nothing passes the filter"
        };
        brush.put(list.x, list.y, list.width, text, Tone::Dim);
    }
    let text = match picker.typing {
        Some(_) => "Enter keep the filter  Esc clear it",
        None => "Enter choose  / filter  r record id  f file  p paste  Esc back",
    };
    keys(app, brush, last, text, None);
}

/// Draws a sample being pasted.
pub(in crate::console::view) fn pasting(
    app: &App,
    pasting: &Pasting,
    brush: &mut Brush<'_>,
    inner: Rect,
    last: Rect,
) {
    let rows = inner.height.saturating_sub(2);
    let top = (pasting.area.line() + 1).saturating_sub(usize::from(rows.max(1)));
    if pasting.area.text().is_empty() {
        let text = "paste the JSON of a source here, or type it";
        brush.put(
            inner.x + 2,
            inner.y,
            inner.width.saturating_sub(2),
            text,
            Tone::Dim,
        );
    }
    for row in 0..rows {
        let place = Rect::new(inner.x, inner.y + row, inner.width, 1);
        text_line(brush, place, &pasting.area, top + usize::from(row));
    }
    if let Some(problem) = &pasting.problem {
        let y = last.y.saturating_sub(1);
        let text = format!("{} {problem}", app.glyphs.failed);
        brush.put(inner.x, y, inner.width, &text, Tone::Failed);
    }
    keys(
        app,
        brush,
        last,
        "Ctrl-s try it  Enter new line  Esc back",
        None,
    );
}

/// A bar that shows how much of something is done.
fn bar(app: &App, run: &Run, columns: u16) -> Line {
    let width = usize::from(columns.saturating_sub(14)).clamp(4, 50);
    let done = (run.looked_at * width)
        .checked_div(run.of)
        .unwrap_or(0)
        .min(width);
    let full = app.glyphs.levels.last().copied().unwrap_or("#");
    let empty = app.glyphs.levels.first().copied().unwrap_or("_");
    Line::of(Tone::Busy, full.repeat(done))
        .with(Tone::Dim, empty.repeat(width - done))
        .with(Tone::Text, format!("  {} of {}", run.looked_at, run.of))
}

/// Draws the impact: how far it is, or what it is.
pub(in crate::console::view) fn impact(
    app: &App,
    shown: &ImpactView,
    brush: &mut Brush<'_>,
    inner: Rect,
    last: Rect,
) {
    let Some(bench) = app.workbench() else { return };
    let book = &bench.impact;
    if let Some(run) = &book.run {
        let text = "Looking at what the draft would change of what is stored";
        brush.put(inner.x, inner.y, inner.width, text, Tone::Text);
        let line = bar(app, run, inner.width);
        brush.line(inner.x, inner.y + 2, inner.width, &line);
        keys(app, brush, last, "Esc stop", None);
        return;
    }
    if let Some(problem) = &book.problem {
        let mut document =
            crate::console::document::Document::new(vec![Line::of(Tone::Failed, problem)]);
        document.fit(inner.width.into(), inner.height.saturating_sub(1).into());
        brush.document(inner, &document);
        keys(app, brush, last, "i try again  Esc back", None);
        return;
    }
    let Some(summary) = &book.last else {
        keys(app, brush, last, "i work it out  Esc back", None);
        return;
    };
    summary_lines(app, summary, summary.text == bench.text(), brush, inner);
    let rows = shown.rows(&summary.impact);
    let list = Rect {
        y: inner.y + 3.min(inner.height),
        height: inner.height.saturating_sub(4),
        ..inner
    };
    let in_sight = rows.iter().enumerate().skip(shown.offset);
    for (y, (index, row)) in (list.top()..list.bottom()).zip(in_sight) {
        brush.line(list.x, y, list.width, &change(app, shown, row));
        if index == shown.selected {
            brush.tint(Rect::new(list.x, y, list.width, 1), Tone::Selection);
        }
    }
    if rows.is_empty() {
        brush.put(list.x, list.y, list.width, "no field changes", Tone::Dim);
    }
    let text = "Enter examples, or try one  P publish  j/k move  Esc back";
    keys(app, brush, last, text, None);
}

fn summary_lines(
    app: &App,
    summary: &Summary,
    is_current: bool,
    brush: &mut Brush<'_>,
    inner: Rect,
) {
    let impact = &summary.impact;
    let tone = if impact.broken > 0 {
        Tone::Failed
    } else {
        Tone::Ok
    };
    let mut line = Line::of(tone, summary.line(app.glyphs.dot));
    if !is_current {
        let text = format!("  {} the draft has changed since; i again", app.glyphs.warn);
        line = line.with(Tone::Warn, text);
    }
    brush.line(inner.x, inner.y, inner.width, &line);
    let direction = summary.direction.map_or("", |direction| direction.word());
    let dot = app.glyphs.dot;
    let text = format!(
        "{} {direction} looked at {dot} {} the same {dot} {} fail before and after {dot} {} without a stored source",
        impact.looked_at, impact.unchanged, impact.still_failing, impact.without_source
    );
    let text = text.replace("  ", " ");
    brush.put(inner.x, inner.y + 1, inner.width, &text, Tone::Dim);
}

fn change(app: &App, shown: &ImpactView, row: &ImpactRow<'_>) -> Line {
    let glyphs = app.glyphs;
    match row {
        ImpactRow::Field(index, field) => {
            let (glyph, tone) = look(app, field.change);
            let fold = if shown.open.contains(index) {
                glyphs.open
            } else {
                glyphs.folded
            };
            Line::of(Tone::Dim, format!("{fold} "))
                .with(tone, format!("{glyph} {:<12}", field.change.word()))
                .with(Tone::Text, format!("{}  ", target(&field.target)))
                .with(Tone::Accent, field.count.to_string())
        }
        ImpactRow::Example(field, example) => Line::of(Tone::Dim, "      ")
            .with(Tone::Text, format!("{}  ", example.label))
            .with(Tone::Dim, was(app, example))
            .with(Tone::Dim, format!(" {} ", glyphs.arrow))
            .with(Tone::Text, becomes(app, field.change, example)),
    }
}

fn was(app: &App, example: &ImpactExample) -> String {
    let before = example.before.as_ref();
    before.map_or_else(|| app.glyphs.unset.to_owned(), json::inline)
}

fn becomes(app: &App, change: ChangeKind, example: &ImpactExample) -> String {
    match (change, &example.problem, &example.after) {
        (ChangeKind::NowFailing, Some(problem), _) => {
            format!("{} {problem}", app.glyphs.failed)
        }
        (_, _, Some(after)) => json::inline(after),
        (_, _, None) => app.glyphs.unset.to_owned(),
    }
}

/// Draws the question before a draft comes in force.
pub(in crate::console::view) fn publishing(
    app: &App,
    question: &Publishing,
    brush: &mut Brush<'_>,
    inner: Rect,
    last: Rect,
) {
    let text = Rect {
        height: inner.height.saturating_sub(3),
        ..inner
    };
    brush.document(text, &question.document);
    let y = last.y.saturating_sub(1);
    let who = app.identity.as_ref().map_or("", |who| &who.user);
    let label = format!("as {who}, because (may be empty): ");
    typing(brush, inner.x, y, inner.width, &label, &question.note);
    let book = app.workbench().map(|bench| &bench.impact);
    let running = book.is_some_and(|book| book.run.is_some());
    let broken = app.workbench().map_or(0, |bench| {
        let summary = bench.impact.of(bench.text());
        summary.map_or(0, |summary| summary.impact.broken)
    });
    let text = match (running, broken) {
        (true, _) => "Enter publish without waiting  Esc back".to_owned(),
        (false, 0) => "Enter publish  Up/Down scroll  Esc back".to_owned(),
        (false, count) => format!("Enter publish although it breaks {count}  Esc back"),
    };
    keys(app, brush, last, &text, Some(&question.document));
}

/// Draws the versions, or the text of one.
pub(in crate::console::view) fn versions(
    app: &App,
    versions: &Versions,
    brush: &mut Brush<'_>,
    inner: Rect,
    last: Rect,
) {
    if let Some(opened) = &versions.opened {
        let (what, other) = match opened.face {
            Face::Difference => ("what leads from it to the file of now", "Enter all of it"),
            Face::Whole => ("all of it", "Enter the difference"),
        };
        let title = format!("{}: {what}", short(&opened.version));
        brush.put(inner.x, inner.y, inner.width, &title, Tone::Title);
        let (_, text) = cut_top(inner, 1);
        let text = Rect {
            height: text.height.saturating_sub(1),
            ..text
        };
        brush.document(text, &opened.document);
        let text = format!("{other}  R roll back to it  Esc list");
        keys(app, brush, last, &text, Some(&opened.document));
        return;
    }
    let entries = match &versions.entries {
        Loadable::Loading => {
            brush.put(inner.x, inner.y, inner.width, "reading", Tone::Dim);
            return;
        }
        Loadable::Failed(why) => {
            super::failure(app, brush, inner, why);
            return;
        }
        Loadable::Ready(entries) => entries,
    };
    let in_force = app
        .workbench()
        .and_then(|bench| Some(bench.bench.ready()?.version.clone()));
    let list = Rect {
        height: inner.height.saturating_sub(1),
        ..inner
    };
    let in_sight = entries.iter().enumerate().skip(versions.offset);
    for (y, (index, entry)) in (list.top()..list.bottom()).zip(in_sight) {
        let current = index == 0 && in_force.as_ref() == Some(&entry.version);
        let (sign, tone) = if current {
            (app.glyphs.ok, Tone::Ok)
        } else {
            (" ", Tone::Text)
        };
        let by = entry.by.as_deref().unwrap_or("changed file");
        let line = Line::of(tone, format!("{sign} "))
            .with(Tone::Accent, format!("{:<8}  ", short(&entry.version)))
            .with(Tone::Dim, format!("{}  ", format::full(entry.since)))
            .with(Tone::Text, format!("{by:<12}  "))
            .with(Tone::Text, entry.note.as_deref().unwrap_or_default());
        brush.line(list.x, y, list.width, &line);
        if index == versions.selected {
            brush.tint(Rect::new(list.x, y, list.width, 1), Tone::Selection);
        }
    }
    if entries.is_empty() {
        brush.put(list.x, list.y, list.width, "none is known", Tone::Dim);
    }
    let text = "Enter look  R roll back  j/k move  Esc back";
    keys(app, brush, last, text, None);
}
