//! What the rules make of the sample, with where each value came from.

use ratatui::layout::Rect;

use super::super::selection;
use super::source::{node_line, waiting};
use crate::console::app::App;
use crate::console::brush::{Brush, Focus};
use crate::console::document::{Document, Line};
use crate::console::json;
use crate::console::layout::cut_top;
use crate::console::text::cells;
use crate::console::theme::Tone;
use crate::console::workbench::tree::{Content, Node, contains};
use crate::console::workbench::{BenchPane, Gravity, Workbench};
use crate::engine::PreviewField;

/// Lines below the output: what is about no field, and traces; at most so many.
const MOST_NOTES: usize = 6;

/// Draws the output.
pub(super) fn draw(app: &App, bench: &Workbench, brush: &mut Brush<'_>, area: Rect, focus: Focus) {
    let mut area = area;
    if let Some(problem) = &bench.problem {
        let text = format!("{} {problem}", app.glyphs.failed);
        let mut document = Document::new(vec![Line::of(Tone::Failed, text).hanging(2)]);
        document.fit(area.width.into(), 3);
        let (top, rest) = cut_top(area, cells(document.wrapped_len()).min(3));
        brush.document(top, &document);
        area = rest;
    }
    if bench.shown.is_none() {
        brush.put(area.x, area.y, area.width, waiting(app, bench), Tone::Dim);
        return;
    }
    if let Some(document) = &bench.difference {
        brush.document(area, document);
        return;
    }
    let notes = notes(app, bench, area.width);
    let note_rows = cells(notes.len()).min(area.height / 2);
    let (tree_area, below) = cut_top(area, area.height - note_rows);
    let related = bench.related();
    let written = bench.links.written_by(&related);
    let tree = &bench.output;
    let in_sight = tree.nodes().iter().enumerate().skip(tree.cursor.offset());
    for (y, (index, node)) in (tree_area.top()..tree_area.bottom()).zip(in_sight) {
        let is_written =
            bench.focus != BenchPane::Output && written.iter().any(|path| marks(node, path));
        let mark = if is_written { app.glyphs.pointer } else { " " };
        let selected = index == tree.cursor.index();
        let line = row(app, bench, node, mark, selected);
        brush.line(tree_area.x, y, tree_area.width, &line);
        if selected && (focus == Focus::Here || is_written) {
            brush.tint(
                Rect::new(tree_area.x, y, tree_area.width, 1),
                selection(focus),
            );
        }
    }
    for (y, note) in (below.top()..below.bottom()).zip(&notes) {
        brush.line(below.x, y, below.width, note);
    }
    if bench.is_outdated() {
        // The last good output stays, and can't be taken for the newest.
        brush.fade(area);
    }
}

/// Rows of the pane that are not the tree's.
pub(in crate::console) fn extra(app: &App, bench: &Workbench, columns: u16, rows: u16) -> u16 {
    let problem = bench.problem.as_ref().map_or(0, |problem| {
        let text = format!("{} {problem}", app.glyphs.failed);
        let mut document = Document::new(vec![Line::of(Tone::Failed, text).hanging(2)]);
        document.fit(columns.into(), 3);
        cells(document.wrapped_len()).min(3)
    });
    let notes = cells(notes(app, bench, columns).len());
    problem + notes.min(rows.saturating_sub(problem) / 2)
}

fn marks(node: &Node, path: &str) -> bool {
    contains(path, &node.path) && !matches!(node.content, Content::Open(_))
        || (matches!(node.content, Content::Folded(_)) && contains(&node.path, path))
}

fn row(app: &App, bench: &Workbench, node: &Node, mark: &str, selected: bool) -> Line {
    let glyphs = app.glyphs;
    let mut line = match bench.failing.get(&node.path) {
        Some(problem) => {
            let said = without_place(problem);
            Line::of(Tone::Accent, mark)
                .with(Tone::Text, "  ".repeat(node.depth))
                .with(Tone::Text, format!("  {}  ", node.name))
                .with(Tone::Failed, format!("{} {said}", glyphs.failed))
        }
        None => node_line(app, node, mark),
    };
    if matches!(node.content, Content::Open(_)) {
        return line;
    }
    let field = bench.field_at(&node.path);
    if let Some(was) = field.and_then(|field| field.was.as_ref()) {
        let text = format!("  {} was {}", glyphs.changed, json::inline(was));
        line = line.with(Tone::Changed, text);
    }
    match field {
        Some(field) if selected => {
            let text = format!("  {} rule {}", glyphs.from, field.rule);
            line.with(Tone::Dim, text)
        }
        _ => line,
    }
}

/// The problem without the rule and target it is shown at.
fn without_place(problem: &str) -> &str {
    problem.split_once(": ").map_or(problem, |(_, said)| said)
}

/// Where a value came from: `← rule 7, custom, from site.city "Tulsa", default not used`.
pub(in crate::console) fn origin(app: &App, bench: &Workbench, field: &PreviewField) -> String {
    let mut parts = vec![format!("{} rule {}", app.glyphs.from, field.rule)];
    parts.push(field.action.clone());
    if let Some(source) = &field.source {
        let read = match &field.read {
            Some(value) if !value.is_null() => value.to_string(),
            _ => app.glyphs.unset.to_owned(),
        };
        parts.push(format!("from {source} {read}"));
    }
    if !matches!(&*field.how, "" | "copied" | "script" | "static" | "joined") {
        parts.push(field.how.clone());
    }
    if has_default(bench, field.rule) && field.how != "default used" {
        parts.push("default not used".to_owned());
    }
    parts.join(", ")
}

fn has_default(bench: &Workbench, rule: usize) -> bool {
    let rule = bench.rules.iter().find(|one| one.number == rule);
    let block = rule.and_then(|rule| bench.text().get(rule.range.clone()));
    let mut lines = block.unwrap_or_default().lines();
    lines.any(|line| {
        let rest = line.trim_start().strip_prefix("default");
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    })
}

/// What is to be said below the output: where the selected value came from, what is about no rule of this direction,
/// and what scripts traced.
fn notes(app: &App, bench: &Workbench, columns: u16) -> Vec<Line> {
    let glyphs = app.glyphs;
    let selected = bench.output.selected();
    let selected = selected.filter(|node| !matches!(node.content, Content::Open(_)));
    let field = selected.and_then(|node| bench.field_at(&node.path));
    let from = field.map(|field| Line::of(Tone::Accent, origin(app, bench, field)).hanging(2));
    let general = bench.notes.general.iter().map(|note| {
        let (glyph, tone) = match note.gravity {
            Gravity::Failed => (glyphs.failed, Tone::Failed),
            Gravity::Doubtful => (glyphs.warn, Tone::Warn),
        };
        Line::of(tone, format!("{glyph} {}", note.text)).hanging(2)
    });
    let traces = bench.shown.iter().flat_map(|shown| &shown.trace);
    let traces = traces.map(|text| Line::of(Tone::Dim, format!("trace {text}")).hanging(6));
    let mut document = Document::new(from.into_iter().chain(general).chain(traces).collect());
    document.fit(columns.into(), MOST_NOTES);
    let (_, hidden) = document.hidden();
    let mut lines = document.visible().to_vec();
    if hidden > 0 && !lines.is_empty() {
        lines.pop();
        lines.push(Line::of(
            Tone::Dim,
            format!("and {} lines more", hidden + 1),
        ));
    }
    lines
}
