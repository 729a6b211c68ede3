//! The mapping preview: source, rule, output, line by line.

use ratatui::layout::Rect;

use super::{pane, selection};
use crate::api::Role;
use crate::console::app::{App, Standing};
use crate::console::brush::{Brush, Focus};
use crate::console::document::Line;
use crate::console::json;
use crate::console::message::Previewed;
use crate::console::theme::Tone;
use crate::engine::PreviewField;

/// Lines below the rules: problems, warnings and traces, at most so many.
const MOST_NOTES: usize = 4;

/// Rows of the pane that are not rules.
pub(in crate::console) fn extra(app: &App) -> usize {
    let notes = app
        .preview
        .shown
        .as_ref()
        .map_or(0, |shown| notes(app, shown).len());
    1 + usize::from(app.preview.problem.is_some()) + notes
}

/// Draws the preview.
pub(super) fn draw(app: &App, brush: &mut Brush<'_>, outer: Rect, focus: Focus) {
    let preview = &app.preview;
    let dot = app.glyphs.dot;
    let mut title = Line::of(Tone::Title, "4 Preview");
    if let Some(shown) = &preview.shown {
        let text = format!(
            " {dot} {} {} {dot} {}",
            shown.connector,
            shown.direction.word(),
            shown.result.label
        );
        title = title.with(Tone::Dim, text);
    }
    if preview.standing == Standing::Asked {
        title = title.with(Tone::Busy, format!(" {}", app.glyphs.busy));
    }
    let inner = pane(app, brush, outer, &title, focus);
    let mut area = inner;
    if let Some(problem) = &preview.problem {
        let text = format!("{} {problem}", app.glyphs.failed);
        brush.put(area.x, area.y, area.width, &text, Tone::Failed);
        area = crate::console::layout::cut_top(area, 1).1;
    }
    let Some(shown) = &preview.shown else {
        empty(app, brush, area);
        return;
    };
    rules(app, shown, brush, area, focus);
    if preview.problem.is_some() {
        // The last good answer stays, and can't be taken for the newest.
        brush.fade(area);
    }
}

fn empty(app: &App, brush: &mut Brush<'_>, area: Rect) {
    let viewer = app
        .identity
        .as_ref()
        .is_some_and(|who| who.role < Role::Support);
    let text = if viewer {
        "a preview needs the role support"
    } else if app.preview.problem.is_none() && app.preview.standing == Standing::Settled {
        "select a failure or a connector to see what its mapping makes of a record"
    } else {
        ""
    };
    brush.put(area.x, area.y, area.width, text, Tone::Dim);
}

/// The three parts of a line: source, rule, output.
fn thirds(width: u16) -> (u16, u16, u16) {
    let rule = (width / 5).clamp(12, 24).min(width);
    let source = (width - rule) * 2 / 5;
    (source, rule, width - rule - source)
}

fn rules(app: &App, shown: &Previewed, brush: &mut Brush<'_>, area: Rect, focus: Focus) {
    let (source, rule, output) = thirds(area.width);
    for (x, width, text) in [
        (area.x, source, "source"),
        (area.x + source, rule, "rule"),
        (area.x + source + rule, output, "output"),
    ] {
        brush.put(x, area.y, width.saturating_sub(1), text, Tone::Dim);
    }
    let (_, area) = crate::console::layout::cut_top(area, 1);
    let notes = notes(app, shown);
    let note_rows = crate::console::text::cells(notes.len());
    let (rows, below) =
        crate::console::layout::cut_top(area, area.height.saturating_sub(note_rows));
    let in_sight = shown
        .result
        .fields
        .iter()
        .enumerate()
        .skip(app.preview.offset);
    for (y, (index, field)) in (rows.top()..rows.bottom()).zip(in_sight) {
        let line = Rect::new(rows.x, y, rows.width, 1);
        field_row(app, shown, field, brush, line);
        if index == app.preview.line && focus == Focus::Here {
            brush.tint(line, selection(focus));
        }
    }
    for (y, note) in (below.top()..below.bottom()).zip(&notes) {
        brush.line(below.x, y, below.width, note);
    }
}

fn field_row(
    app: &App,
    shown: &Previewed,
    field: &PreviewField,
    brush: &mut Brush<'_>,
    area: Rect,
) {
    let glyphs = app.glyphs;
    let (source, rule, output) = thirds(area.width);
    let problem = field.problem.as_deref().or_else(|| {
        let of_rule = |(number, _): &&(Option<usize>, String)| *number == Some(field.rule);
        let found = shown.result.problems.iter().find(of_rule);
        found.map(|(_, text)| text.as_str())
    });
    let mut x = area.x;
    let end = area.x + source.saturating_sub(1);
    if let Some(path) = &field.source {
        x += brush.put(x, area.y, end - x, path, Tone::Text) + 1;
    }
    if x < end {
        match &field.read {
            Some(value) if !value.is_null() => {
                brush.put(
                    x,
                    area.y,
                    end - x,
                    &json::inline(value),
                    json::tone_of(value),
                );
            }
            _ if field.source.is_some() => {
                brush.put(x, area.y, end - x, glyphs.unset, Tone::JsonNull);
            }
            _ => {}
        }
    }
    let text = format!("{:>2} {}", field.rule, field.action);
    let rule_tone = if problem.is_some() {
        Tone::Failed
    } else {
        Tone::Accent
    };
    let rule_x = area.x + source;
    let arrow = crate::console::text::cells(crate::console::text::width(glyphs.arrow)) + 1;
    brush.put(
        rule_x,
        area.y,
        rule.saturating_sub(arrow + 1),
        &text,
        rule_tone,
    );
    brush.put(
        rule_x + rule.saturating_sub(arrow),
        area.y,
        arrow,
        glyphs.arrow,
        Tone::Dim,
    );
    let x = rule_x + rule;
    let mut line = Line::of(Tone::Text, format!("{}  ", field.target));
    line = match (problem, &field.written) {
        (Some(problem), _) => line.with(Tone::Failed, format!("{} {problem}", glyphs.failed)),
        (None, Some(value)) => line.with(json::tone_of(value), json::inline(value)),
        (None, None) => line.with(Tone::JsonNull, glyphs.unset),
    };
    if let Some(was) = &field.was {
        let text = format!("  {} was {}", glyphs.changed, json::inline(was));
        line = line.with(Tone::Changed, text);
    }
    if !field.how.is_empty() {
        line = line.with(Tone::Dim, format!("  {}", field.how));
    }
    brush.line(x, area.y, output, &line);
}

/// What is to be said below the rules: problems of no single rule, warnings, traces.
fn notes(app: &App, shown: &Previewed) -> Vec<Line> {
    let glyphs = app.glyphs;
    let of_lines = |rule: usize| shown.result.fields.iter().any(|field| field.rule == rule);
    let problems = shown
        .result
        .problems
        .iter()
        .filter(|(rule, _)| !rule.is_some_and(of_lines));
    let problems = problems.map(|(rule, text)| {
        let rule = rule.map_or_else(String::new, |rule| format!("rule {rule}: "));
        Line::of(Tone::Failed, format!("{} {rule}{text}", glyphs.failed))
    });
    let warnings = shown.result.warnings.iter();
    let warnings = warnings.map(|text| Line::of(Tone::Warn, format!("{} {text}", glyphs.warn)));
    let trace = shown.result.trace.iter();
    let trace = trace.map(|text| Line::of(Tone::Dim, format!("trace {text}")));
    let mut notes: Vec<Line> = problems.chain(warnings).chain(trace).collect();
    if notes.len() > MOST_NOTES {
        let more = notes.len() - MOST_NOTES + 1;
        notes.truncate(MOST_NOTES - 1);
        notes.push(Line::of(Tone::Dim, format!("and {more} more")));
    }
    notes
}
