//! The line at the top, the banner, and the key bar with what was told last.

use ratatui::layout::Rect;

use crate::console::action::Action;
use crate::console::app::{App, Link, Mood, Pace};
use crate::console::brush::{Brush, sparkline};
use crate::console::document::Line;
use crate::console::layout::{Breadth, breadth};
use crate::console::settings::Mode;
use crate::console::text;
use crate::console::theme::Tone;
use crate::console::{format, help};
use crate::engine::{EngineView, Flow, Overview, QueueKind};

/// Draws the line at the top.
pub(super) fn draw(app: &App, brush: &mut Brush<'_>, area: Rect) {
    let right = right_end(app);
    let width: usize = right
        .pieces
        .iter()
        .map(|piece| text::width(&piece.text))
        .sum();
    let width = text::cells(width);
    let left = match &app.overview {
        Some(overview) => left_end(app, overview),
        None => waiting(app),
    };
    let used = brush.line(area.x + 1, area.y, area.width.saturating_sub(1), &left);
    // The counts come first; who and when give way.
    if used + width + 3 <= area.width {
        brush.line(area.right() - width - 1, area.y, width, &right);
    }
}

fn waiting(app: &App) -> Line {
    let text = match &app.link {
        Link::Lost(_) => "no engine",
        Link::Connecting | Link::Live => "asking the engine",
    };
    Line::of(Tone::Header, "fieldbridge").with(Tone::Dim, format!("  {text}"))
}

fn left_end(app: &App, overview: &Overview) -> Line {
    let glyphs = app.glyphs;
    let engine = &overview.engine;
    let mut line = Line::default();
    let wide = breadth(app.size) == Breadth::Four;
    if wide {
        line = line.with(Tone::Header, format!("fieldbridge {} ", glyphs.dot));
    }
    line = line.with(Tone::Header, format!("{}  ", engine.name));
    let (glyph, tone, word) = standing(app, engine);
    line = line.with(tone, format!("{glyph} {word}"));
    if app.size.0 >= 100 && app.link == Link::Live && engine.accepting {
        let uptime = format::span(format::between(engine.started_at, app.now));
        let uptime = uptime.split(' ').next().unwrap_or_default().to_owned();
        line = line.with(Tone::Dim, format!(" {uptime}"));
    }
    if app.size.0 >= 100 {
        for (word, flow) in [("in", &engine.inbound), ("out", &engine.outbound)] {
            line = line.with(Tone::Text, format!("   {word} {}/min", flow.latest()));
            if wide {
                line = line.with(Tone::Spark, format!(" {}", flow_spark(app, flow, 8)));
            }
        }
    }
    let depth = |kind: QueueKind| {
        let queue = overview.queues.iter().find(|queue| queue.kind == kind);
        queue.map_or(0, |queue| queue.depth)
    };
    let compact = breadth(app.size) == Breadth::List;
    let counts = [
        (
            depth(QueueKind::Retry),
            glyphs.waiting,
            "retrying",
            Tone::Waiting,
        ),
        (depth(QueueKind::Dead), glyphs.failed, "dead", Tone::Failed),
        (depth(QueueKind::Held), glyphs.held, "held", Tone::Held),
    ];
    if !compact {
        line = line.with(Tone::Text, "  ");
    }
    for (count, glyph, word, tone) in counts {
        let tone = if count == 0 { Tone::Dim } else { tone };
        let count = format::count(count);
        line = if compact {
            line.with(tone, format!(" {count} {word}"))
        } else {
            line.with(tone, format!(" {glyph} {count} {word} "))
        };
    }
    if !engine.problems.is_empty() {
        let text = format!(" {} {} config problems", glyphs.warn, engine.problems.len());
        line = line.with(Tone::Warn, text);
    }
    if engine.field_nation.failure.is_some() {
        line = line.with(Tone::Failed, format!(" {} Field Nation", glyphs.failed));
    }
    line
}

/// How much a minute, over the last minutes.
pub(super) fn flow_spark(app: &App, flow: &Flow, columns: usize) -> String {
    let values = flow.per_minute.iter().map(|value| u64::from(*value));
    sparkline(app.glyphs, values, columns)
}

fn standing(app: &App, engine: &EngineView) -> (&'static str, Tone, &'static str) {
    match (&app.link, engine.accepting) {
        (Link::Lost(_), _) => (app.glyphs.failed, Tone::Failed, "gone"),
        (Link::Connecting, _) => (app.glyphs.busy, Tone::Busy, "connecting"),
        (Link::Live, true) => (app.glyphs.ok, Tone::Ok, "running"),
        (Link::Live, false) => (app.glyphs.waiting, Tone::Warn, "stopping"),
    }
}

fn right_end(app: &App) -> Line {
    let mut line = Line::default();
    if app.mode == Mode::ReadOnly {
        line = line.with(Tone::Warn, "read-only   ");
    }
    if let Some(identity) = &app.identity {
        let dot = app.glyphs.dot;
        let text = format!("{} {dot} {}   ", identity.user, identity.role.word());
        line = line.with(Tone::Dim, text);
    }
    line.with(Tone::Header, format::clock(app.now))
        .with(Tone::Dim, " UTC")
}

/// Draws the line that says that something is grave.
pub(super) fn banner(app: &App, brush: &mut Brush<'_>, area: Rect) {
    if let Link::Lost(why) = &app.link {
        brush.blank(area, Tone::Banner);
        let text = format!("engine gone, reconnecting{}  {why}", app.glyphs.ellipsis);
        brush.put(
            area.x + 1,
            area.y,
            area.width.saturating_sub(2),
            &text,
            Tone::Banner,
        );
    }
}

/// Draws the key bar; on its right what was told last.
pub(super) fn footer(app: &App, brush: &mut Brush<'_>, area: Rect) {
    if let Some(input) = &app.filtering {
        let (before, after) = input.halves();
        let line = Line::of(Tone::Key, "/")
            .with(Tone::Text, before)
            .with(Tone::Cursor, cursor_cell(after))
            .with(Tone::Text, rest(after))
            .with(Tone::Dim, "   Enter keep  Esc clear");
        brush.line(area.x + 1, area.y, area.width.saturating_sub(1), &line);
        return;
    }
    let told = told(app);
    let told_width: usize = told
        .pieces
        .iter()
        .map(|piece| text::width(&piece.text))
        .sum();
    // Keys keep at least a third of the line.
    let told_width = text::cells(told_width).min(area.width * 2 / 3);
    let keys_width = area.width.saturating_sub(told_width + 3);
    // However narrow, help is named: it names all the others.
    let (ways_out, keys): (Vec<_>, Vec<_>) = help::key_bar(app)
        .into_iter()
        .partition(|(_, word, _)| *word == Action::Help.title());
    let help_width = ways_out
        .iter()
        .map(|(key, word, _)| text::width(key) + 3 + word.len());
    let help_width = text::cells(help_width.sum());
    let mut x = area.x + 1;
    let end = area.x + keys_width;
    let keys_end = end.saturating_sub(help_width);
    let bounded = keys.into_iter().map(|key| (key, keys_end));
    for ((key, word, tone), end) in bounded.chain(ways_out.into_iter().map(|key| (key, end))) {
        let needed = text::cells(text::width(&key) + 1 + text::width(word));
        if x + needed > end {
            continue;
        }
        let key_tone = if tone == Tone::Dim {
            Tone::Dim
        } else {
            Tone::Key
        };
        x += brush.put(x, area.y, end - x, &key, key_tone) + 1;
        x += brush.put(x, area.y, end.saturating_sub(x), word, tone) + 2;
    }
    if told_width > 0 {
        let start = area.right().saturating_sub(told_width + 1);
        brush.line(start, area.y, told_width, &told);
    }
}

/// What was told last; how the bulk action goes when nothing was.
fn told(app: &App) -> Line {
    if let Some(toast) = app.toasts.last() {
        let (glyph, tone) = match toast.mood {
            Mood::Good => (app.glyphs.ok, Tone::Ok),
            Mood::Bad => (app.glyphs.warn, Tone::Warn),
        };
        return Line::of(tone, format!("{glyph} ")).with(Tone::Text, &*toast.text);
    }
    match &app.bulk {
        Some(bulk) if bulk.pace == Pace::Running => {
            let text = format!(
                "{} {} {}/{}",
                app.glyphs.busy,
                bulk.verb(),
                bulk.outcomes.len(),
                bulk.targets.len()
            );
            Line::of(Tone::Busy, text)
        }
        _ => Line::default(),
    }
}

/// The character under the cursor; a blank at the end.
pub(super) fn cursor_cell(after: &str) -> String {
    let first = after.chars().next();
    first.map_or_else(|| " ".to_owned(), String::from)
}

/// What follows the character under the cursor.
pub(super) fn rest(after: &str) -> String {
    after.chars().skip(1).collect()
}
