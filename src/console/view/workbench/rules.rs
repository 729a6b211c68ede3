//! The rules of one direction, with what is said at each and the one that is edited in place.

use ratatui::layout::Rect;

use super::super::selection;
use super::editor;
use super::output::origin;
use crate::console::app::App;
use crate::console::brush::{Brush, Focus};
use crate::console::document::Line;
use crate::console::json;
use crate::console::layout::{self, cut_top, inside};
use crate::console::table::{self, Column, Side, Value, Width};
use crate::console::theme::Tone;
use crate::console::workbench::lines::{Begins, RuleLine, rule_lines};
use crate::console::workbench::{BenchPane, Gravity, Workbench};
use crate::mapping::RuleText;

const fn column(width: Width, side: Side, gives_way: u8) -> Column {
    Column {
        title: "",
        width,
        side,
        gives_way,
    }
}

const RULES: [Column; 6] = [
    column(Width::Fixed(1), Side::Left, 0),
    column(Width::Fixed(3), Side::Right, 0),
    column(Width::Fill(8), Side::Left, 0),
    column(Width::Fixed(12), Side::Left, 1),
    column(Width::Fill(8), Side::Left, 0),
    column(Width::Fixed(1), Side::Left, 2),
];

/// The area of the rules within the pane: below them stands what the selected one makes, where the output does not.
pub(in crate::console) fn area(app: &App, bench: &Workbench, inner: Rect) -> (Rect, Rect) {
    let parts = layout::workbench(app, bench);
    let rows = if parts.area(BenchPane::Output).is_some() || inner.height < 6 {
        0
    } else {
        2
    };
    cut_top(inner, inner.height - rows)
}

/// Draws the rules.
pub(super) fn draw(app: &App, bench: &Workbench, brush: &mut Brush<'_>, inner: Rect, focus: Focus) {
    let (area, below) = area(app, bench, inner);
    if bench.rules.is_empty() && bench.editor.is_none() {
        let text = "no rule yet: a adds one";
        brush.put(area.x, area.y, area.width, text, Tone::Dim);
        return;
    }
    let places = table::places(&RULES, area.width);
    let related = bench.related();
    let lines = rule_lines(bench, note_columns(area), area.height.into());
    let in_sight = lines.iter().skip(bench.rule.offset());
    for (y, line) in (area.top()..area.bottom()).zip(in_sight) {
        let place = Rect::new(area.x, y, area.width, 1);
        match line {
            RuleLine::Rule(index, rule) => {
                let values = values(app, bench, rule);
                table::row(brush, place, &RULES, &places, &values);
                let marked = bench.focus != BenchPane::Rules && related.contains(&rule.number);
                if *index == bench.rule.index() || marked {
                    brush.tint(place, selection(focus));
                }
            }
            RuleLine::Note(gravity, begins, text) => {
                let (glyph, tone) = look(app, *gravity);
                let sign = match begins {
                    Begins::Here => glyph,
                    Begins::Above => " ",
                };
                brush.put(
                    place.x,
                    y,
                    place.width,
                    &format!("      {sign} {text}"),
                    tone,
                );
            }
            RuleLine::Edited(line) => editor::line(app, bench, brush, place, line),
        }
    }
    if below.height > 0 {
        verdict(app, bench, brush, below);
    }
}

/// The columns that a note has.
pub(in crate::console) fn note_columns(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(8))
}

/// The inside of the rules pane, where it has room.
pub(in crate::console) fn inner(app: &App, bench: &Workbench) -> Option<Rect> {
    let outer = layout::workbench(app, bench).area(BenchPane::Rules)?;
    Some(inside(layout::breadth(app.size), outer))
}

pub(super) fn look(app: &App, gravity: Gravity) -> (&'static str, Tone) {
    match gravity {
        Gravity::Failed => (app.glyphs.failed, Tone::Failed),
        Gravity::Doubtful => (app.glyphs.warn, Tone::Warn),
    }
}

fn values<'v>(app: &App, bench: &'v Workbench, rule: &'v RuleText) -> [Value<'v>; 6] {
    let glyphs = app.glyphs;
    let notes = bench.notes.at(rule.number);
    let gravest = if notes.iter().any(|note| note.gravity == Gravity::Failed) {
        Some(Gravity::Failed)
    } else {
        notes.first().map(|note| note.gravity)
    };
    let (sign, tone) = gravest.map_or((" ", Tone::Text), |gravity| look(app, gravity));
    let block = bench.text().get(rule.range.clone()).unwrap_or_default();
    let filed = bench
        .draft
        .as_ref()
        .is_none_or(|draft| draft.is_filed(rule.direction, block));
    let edited = if filed { " " } else { glyphs.mark };
    let target_tone = if gravest == Some(Gravity::Failed) {
        Tone::Failed
    } else {
        Tone::Text
    };
    [
        Value::new(sign, tone),
        Value::new(rule.number.to_string(), Tone::Dim),
        Value::new(rule.source.as_str(), Tone::Text),
        Value::new(rule.action.as_str(), Tone::Accent),
        Value::new(
            if rule.target.is_empty() {
                glyphs.unset
            } else {
                rule.target.as_str()
            },
            target_tone,
        ),
        Value::new(edited, Tone::Changed),
    ]
}

/// What the selected rule makes, for where the output is out of sight.
fn verdict(app: &App, bench: &Workbench, brush: &mut Brush<'_>, area: Rect) {
    let glyphs = app.glyphs;
    let Some(rule) = bench.selected_rule() else {
        return;
    };
    if let Some(problem) = &bench.problem {
        let text = format!("{} {problem}", glyphs.failed);
        brush.put(area.x, area.y, area.width, &text, Tone::Failed);
        return;
    }
    let Some(field) = bench.field_of(rule.number) else {
        return;
    };
    let line = Line::of(Tone::Dim, format!("{} {}  ", glyphs.arrow, field.target));
    let line = match (&field.problem, &field.written) {
        (Some(_), _) => line.with(Tone::Failed, format!("{} fails", glyphs.failed)),
        (None, Some(value)) => line.with(json::tone_of(value), json::inline(value)),
        (None, None) => line.with(Tone::JsonNull, glyphs.unset),
    };
    brush.line(area.x, area.y, area.width, &line);
    if area.height > 1 {
        let text = format!("  {}", origin(app, bench, field));
        brush.put(area.x, area.y + 1, area.width, &text, Tone::Dim);
    }
}
