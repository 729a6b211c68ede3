//! The log.

use ratatui::layout::Rect;

use super::pane;
use crate::console::app::{App, LogScreen};
use crate::console::brush::{Brush, Focus};
use crate::console::document::Line;
use crate::console::filter::Filtered;
use crate::console::log::{Level, LogLine};
use crate::console::text::append;
use crate::console::theme::Tone;

impl Filtered for LogLine {
    fn value(&self, key: &str) -> Option<String> {
        Some(match key {
            "level" => self.level.word().to_owned(),
            "target" => self.target.clone(),
            _ => return None,
        })
    }

    fn haystack(&self) -> String {
        format!("{} {}", self.target, self.text)
    }
}

/// Draws the log's end, or what lies above it.
pub(super) fn draw(app: &App, screen: &LogScreen, brush: &mut Brush<'_>, outer: Rect) {
    let mut more = format!(" {} {} and graver", app.glyphs.dot, screen.level.word());
    if !screen.filter.is_empty() {
        append(&mut more, format_args!(" /{}", screen.filter.text()));
    }
    if screen.up == 0 {
        more.push_str(", following");
    }
    let title = Line::of(Tone::Title, "Log").with(Tone::Dim, more);
    let inner = pane(app, brush, outer, &title, Focus::Here);
    let rows = usize::from(inner.height);
    let shown = |line: &&LogLine| line.level >= screen.level && screen.filter.passes(*line);
    let matching = app.log.iter().filter(shown).count();
    let up = screen.up.min(matching.saturating_sub(rows));
    let first = matching.saturating_sub(rows + up);
    let in_sight = app.log.iter().filter(shown).skip(first).take(rows);
    for (y, line) in (inner.top()..inner.bottom()).zip(in_sight) {
        let tone = match line.level {
            Level::Trace | Level::Debug => Tone::Dim,
            Level::Info => Tone::Text,
            Level::Warn => Tone::Warn,
            Level::Error => Tone::Failed,
        };
        let time = line.at.get(11..19).unwrap_or(&line.at);
        let text = Line::of(Tone::Dim, format!("{time} "))
            .with(tone, format!("{:<5} ", line.level.word()))
            .with(Tone::Text, &*line.text)
            .with(Tone::Dim, format!("  {}", line.target));
        brush.line(inner.x, y, inner.width, &text);
    }
    if matching == 0 {
        brush.put(inner.x, inner.y, inner.width, "no line yet", Tone::Dim);
    }
}
