//! The rule being edited, line by line, and what can be typed at the cursor.

use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;

use super::rules;
use crate::console::app::App;
use crate::console::brush::{Brush, Focus};
use crate::console::document::Line;
use crate::console::text::{cells, width};
use crate::console::theme::Tone;
use crate::console::toml_look::Tones;
use crate::console::workbench::area::{TextArea, columns, drawn};
use crate::console::workbench::lines::{EditLine, RuleLine, rule_lines};
use crate::console::workbench::{RuleEditor, Workbench};

/// Columns before the text: what tells it from the list.
const GUTTER: u16 = 6;

/// Offers in sight at once.
const MOST_OFFERS: usize = 8;

/// Draws a line of the rule being edited.
pub(super) fn line(
    app: &App,
    bench: &Workbench,
    brush: &mut Brush<'_>,
    place: Rect,
    line: &EditLine,
) {
    let Some(editor) = &bench.editor else { return };
    let bar = app.glyphs.frame.get(1).copied().unwrap_or("|");
    let inner = Rect {
        x: place.x + GUTTER.min(place.width),
        width: place.width.saturating_sub(GUTTER),
        ..place
    };
    brush.put(
        place.x + GUTTER.saturating_sub(2),
        place.y,
        1,
        bar,
        Tone::BorderFocus,
    );
    match line {
        EditLine::Text(number) => text_line(brush, inner, &editor.area, *number),
        EditLine::Finding(gravity, column, text) => {
            let (glyph, tone) = rules::look(app, *gravity);
            let text = format!("{glyph} column {column}: {text}");
            brush.put(inner.x, inner.y, inner.width, &text, tone);
        }
    }
}

/// The column at which the text in sight begins, so that the cursor is in sight.
fn first_column(area: &TextArea, width: u16) -> usize {
    (area.column() + 1).saturating_sub(usize::from(width.max(1)))
}

/// Draws a line of a text area; on the cursor's own line also the cursor.
pub(super) fn text_line(brush: &mut Brush<'_>, place: Rect, area: &TextArea, number: usize) {
    let Some(line) = area.lines().nth(number) else {
        return;
    };
    let first = first_column(area, place.width);
    let mut at = 0;
    let mut tones = Tones::of(line);
    for grapheme in line.graphemes(true) {
        let tone = tones.next(grapheme);
        let shown = drawn(grapheme);
        let wide = width(&shown);
        if at >= first {
            let x = cells(at - first);
            if x + cells(wide) > place.width {
                break;
            }
            brush.put(place.x + x, place.y, cells(wide), &shown, tone);
        }
        at += wide;
    }
    if area.line() == number {
        let x = cells(area.column().saturating_sub(first)).min(place.width.saturating_sub(1));
        brush.tint(Rect::new(place.x + x, place.y, 1, 1), Tone::Cursor);
    }
}

/// Where the cursor of the editor is on the screen.
fn cursor_at(app: &App, bench: &Workbench, editor: &RuleEditor) -> Option<(u16, u16)> {
    let (area, _) = rules::area(app, bench, rules::inner(app, bench)?);
    let lines = rule_lines(bench, rules::note_columns(area), area.height.into());
    let line = editor.area.line();
    let at = lines.iter().position(
        |one| matches!(one, RuleLine::Edited(EditLine::Text(number)) if *number == line),
    )?;
    let y = at.checked_sub(bench.rule.offset())?;
    let room = area.width.saturating_sub(GUTTER);
    let column = editor.area.column() - first_column(&editor.area, room);
    Some((area.x + GUTTER + cells(column), area.y + cells(y)))
}

/// Draws what can be typed at the cursor: below it, or above where there is more room.
pub(super) fn popup(app: &App, bench: &Workbench, brush: &mut Brush<'_>, pane: Rect, body: Rect) {
    let Some(editor) = &bench.editor else { return };
    let Some(popup) = &editor.popup else { return };
    let Some((x, y)) = cursor_at(app, bench, editor) else {
        return;
    };
    let offers = &popup.completions.offered;
    let names = offers.iter().map(|offer| columns(&offer.label)).max();
    let details = offers.iter().map(|offer| columns(&offer.detail)).max();
    let names = names.unwrap_or(0).min(36);
    let wanted = cells(names + details.unwrap_or(0) + 6);
    let wide = wanted.clamp(20, 84).min(body.width);
    let below = body.bottom().saturating_sub(y + 1);
    let above = y.saturating_sub(body.y);
    let rows = cells(offers.len().min(MOST_OFFERS)) + 2;
    let (top, rows) = if below >= rows || below >= above {
        (y + 1, rows.min(below))
    } else {
        let rows = rows.min(above);
        (y - rows, rows)
    };
    let left = x
        .min(body.right().saturating_sub(wide))
        .max(pane.x.min(body.right().saturating_sub(wide)));
    let outer = Rect::new(left, top, wide, rows);
    brush.blank(outer, Tone::Text);
    let title = format!("{} of {}", popup.selected + 1, offers.len());
    let inner = brush.frame(outer, &Line::of(Tone::Dim, title), Focus::Here);
    let shown = usize::from(inner.height).max(1);
    let offset = (popup.selected + 1).saturating_sub(shown);
    let in_sight = offers.iter().enumerate().skip(offset);
    for (y, (index, offer)) in (inner.top()..inner.bottom()).zip(in_sight) {
        let room = cells(names).min(inner.width);
        brush.put(inner.x, y, room, &offer.label, Tone::Accent);
        let left = inner.width.saturating_sub(room + 2);
        brush.put(inner.x + room + 2, y, left, &offer.detail, Tone::Dim);
        if index == popup.selected {
            brush.tint(Rect::new(inner.x, y, inner.width, 1), Tone::Selection);
        }
    }
}
