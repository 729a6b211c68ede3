//! The sample as a tree.

use ratatui::layout::Rect;
use serde_json::Value;

use super::super::selection;
use crate::api::Role;
use crate::console::app::App;
use crate::console::brush::{Brush, Focus};
use crate::console::document::Line;
use crate::console::json;
use crate::console::theme::Tone;
use crate::console::workbench::tree::{Content, Node, contains};
use crate::console::workbench::{BenchPane, Workbench};

/// Draws the sample.
pub(super) fn draw(app: &App, bench: &Workbench, brush: &mut Brush<'_>, area: Rect, focus: Focus) {
    if bench.shown.is_none() {
        brush.put(area.x, area.y, area.width, waiting(app, bench), Tone::Dim);
        return;
    }
    let related = bench.related();
    let read = bench.links.read_by(&related);
    let tree = &bench.source;
    let in_sight = tree.nodes().iter().enumerate().skip(tree.cursor.offset());
    for (y, (index, node)) in (area.top()..area.bottom()).zip(in_sight) {
        let is_read = bench.focus != BenchPane::Source && read.iter().any(|path| marks(node, path));
        let mark = if is_read { app.glyphs.pointer } else { " " };
        let line = node_line(app, node, mark);
        brush.line(area.x, y, area.width, &line);
        if index == tree.cursor.index() && (focus == Focus::Here || is_read) {
            brush.tint(Rect::new(area.x, y, area.width, 1), selection(focus));
        }
    }
}

/// Why there is nothing to be seen yet.
pub(super) fn waiting(app: &App, bench: &Workbench) -> &'static str {
    let viewer = app
        .identity
        .as_ref()
        .is_some_and(|who| who.role < Role::Support);
    match (viewer, &bench.sample, &bench.problem) {
        (true, _, _) => "trying a mapping needs the role support",
        (_, _, Some(_)) => "",
        (_, None, _) => "s chooses what the rules are tried on",
        (_, Some(_), None) => "asking the engine",
    }
}

/// Whether a path is this node's, or of something folded away in it.
fn marks(node: &Node, path: &str) -> bool {
    node.path == path || (matches!(node.content, Content::Folded(_)) && contains(&node.path, path))
}

/// A node with its sign, name and value.
pub(super) fn node_line(app: &App, node: &Node, mark: &str) -> Line {
    let glyphs = app.glyphs;
    let indent = "  ".repeat(node.depth);
    let line = Line::of(Tone::Accent, mark).with(Tone::Text, indent);
    match &node.content {
        Content::Leaf(value) => line
            .with(Tone::Text, format!("  {}  ", node.name))
            .with(tone_of(value), shown(value, glyphs.unset)),
        Content::Open(_) => line.with(Tone::JsonKey, format!("{} {}", glyphs.open, node.name)),
        Content::Folded(count) => line
            .with(Tone::JsonKey, format!("{} {}", glyphs.folded, node.name))
            .with(Tone::Dim, format!("  {count} inside")),
    }
}

fn tone_of(value: &Value) -> Tone {
    if is_empty(value) {
        Tone::JsonNull
    } else {
        json::tone_of(value)
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

fn shown(value: &Value, unset: &str) -> String {
    if is_empty(value) {
        unset.to_owned()
    } else {
        json::inline(value)
    }
}
