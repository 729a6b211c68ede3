//! The first screen: connectors, queues, failure groups, and the preview beside them.

use ratatui::layout::Rect;

use super::header::flow_spark;
use super::{pane, preview, selection};
use crate::console::app::{App, Pane, Zoom};
use crate::console::brush::{Brush, Focus, sparkline};
use crate::console::document::Line;
use crate::console::facts;
use crate::console::format;
use crate::console::layout::{self, Breadth, below_heading, breadth};
use crate::console::table::{self, Column, Side, Value, Width};
use crate::console::text::append;
use crate::console::theme::Tone;
use crate::engine::{ConnectorView, QueueKind, QueueView};

/// Draws the panes that have room.
pub(super) fn draw(app: &App, brush: &mut Brush<'_>, body: Rect) {
    if breadth(app.size) == Breadth::One {
        tabs(app, brush, body);
    }
    for (pane, area) in layout::panes(app) {
        let focus = Focus::when(pane == app.home.focus);
        match pane {
            Pane::Connectors => connectors(app, brush, area, focus),
            Pane::Queues => queues(app, brush, area, focus),
            Pane::Failed => failed(app, brush, area, focus),
            Pane::Preview => preview::draw(app, brush, area, focus),
        }
    }
}

fn tabs(app: &App, brush: &mut Brush<'_>, body: Rect) {
    let mut line = Line::of(Tone::Text, " ");
    for pane in Pane::ALL {
        let tone = if pane == app.home.focus {
            Tone::Selection
        } else {
            Tone::Dim
        };
        line = line
            .with(tone, format!(" {} {} ", pane.number(), pane.title()))
            .with(Tone::Text, " ");
    }
    brush.line(body.x, body.y, body.width, &line);
}

fn title(app: &App, pane: Pane, more: &str) -> Line {
    let mut line = Line::of(Tone::Title, format!("{} {}", pane.number(), pane.title()));
    if !more.is_empty() {
        line = line.with(Tone::Dim, format!(" {} {more}", app.glyphs.dot));
    }
    if app.home.zoom == Zoom::Focused && pane == app.home.focus {
        line = line.with(Tone::Dim, " (zoomed)");
    }
    line
}

const CONNECTORS: [Column; 8] = [
    column("", Width::Fixed(1), Side::Left, 0),
    column("connector", Width::Fill(10), Side::Left, 0),
    column("platform", Width::Fixed(11), Side::Left, 5),
    column("state", Width::Fixed(7), Side::Left, 0),
    column("flow", Width::Fixed(11), Side::Right, 2),
    column("trend", Width::Fixed(6), Side::Left, 4),
    column("success", Width::Fixed(11), Side::Right, 1),
    column("quota", Width::Fixed(5), Side::Right, 3),
];

const fn column(title: &'static str, width: Width, side: Side, gives_way: u8) -> Column {
    Column {
        title,
        width,
        side,
        gives_way,
    }
}

fn connectors(app: &App, brush: &mut Brush<'_>, outer: Rect, focus: Focus) {
    let more = app
        .home
        .only
        .as_ref()
        .map_or_else(String::new, |only| format!("only {only} (Esc shows all)"));
    let inner = pane(
        app,
        brush,
        outer,
        &title(app, Pane::Connectors, &more),
        focus,
    );
    if app.connectors().is_empty() {
        let text = match app.overview {
            Some(_) => "no connector yet: fieldbridge init --platform P writes one",
            None => "",
        };
        brush.put(inner.x, inner.y, inner.width, text, Tone::Dim);
        return;
    }
    let places = table::places(&CONNECTORS, inner.width);
    let mut skip = app.home.connectors.offset();
    let mut y = inner.y;
    for (index, view) in app.connectors().iter().enumerate() {
        let notes = facts::connector_notes(app, view);
        for (line, note) in std::iter::once(None)
            .chain(notes.iter().map(Some))
            .enumerate()
        {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if y >= inner.bottom() {
                return;
            }
            let area = Rect::new(inner.x, y, inner.width, 1);
            match note {
                None => connector_row(app, brush, area, &places, view),
                Some((tone, text)) => {
                    let text = format!("  {} {text}", app.glyphs.branch);
                    brush.put(area.x, y, area.width, &text, *tone);
                }
            }
            if line == 0 && index == app.home.connectors.index() {
                brush.tint(area, selection(focus));
            }
            y += 1;
        }
    }
}

fn connector_row(
    app: &App,
    brush: &mut Brush<'_>,
    area: Rect,
    places: &[Option<(u16, u16)>; 8],
    view: &ConnectorView,
) {
    let glyphs = app.glyphs;
    let (glyph, tone) = facts::connector_look(app, view);
    let flow = format!(
        "{}{} {}{}",
        view.inbound_flow.latest(),
        glyphs.down,
        view.outbound_flow.latest(),
        glyphs.up
    );
    let success = view
        .last_success_at
        .map_or_else(String::new, |at| format::ago(app.now, at));
    let quota = view.quota.iter().min_by_key(|quota| quota.left);
    let quota_tone = match quota {
        Some(quota) if quota.left * 10 < quota.limit => Tone::Warn,
        _ => Tone::Dim,
    };
    let quota = quota.map_or_else(String::new, |quota| format::count(quota.left.into()));
    let named = match view.warnings.len() {
        0 => Value::new(view.id.as_str(), Tone::Text),
        count => {
            let text = format!("{} {} {count}", view.id, glyphs.warn);
            Value::new(text, Tone::Text)
        }
    };
    let values = [
        Value::new(glyph, tone),
        named,
        Value::new(view.platform.title(), Tone::Dim),
        Value::new(view.state.word(), tone),
        Value::new(flow, Tone::Text),
        Value::new(flow_spark(app, &view.inbound_flow, 6), Tone::Spark),
        Value::new(success, Tone::Dim),
        Value::new(quota, quota_tone),
    ];
    table::row(brush, area, &CONNECTORS, places, &values);
}

const QUEUES: [Column; 4] = [
    column("queue", Width::Fixed(12), Side::Left, 0),
    column("depth", Width::Fixed(6), Side::Right, 0),
    column("history", Width::Fixed(10), Side::Left, 2),
    column("next", Width::Fill(10), Side::Left, 1),
];

fn queues(app: &App, brush: &mut Brush<'_>, outer: Rect, focus: Focus) {
    let inner = pane(app, brush, outer, &title(app, Pane::Queues, ""), focus);
    let Some(overview) = &app.overview else {
        return;
    };
    let places = table::places(&QUEUES, inner.width);
    let rows = overview.queues.iter().enumerate();
    let in_sight = rows.skip(app.home.queues.offset());
    for (y, (index, queue)) in (inner.top()..inner.bottom()).zip(in_sight) {
        let depth = match &app.home.only {
            Some(only) => queue.by_connector.get(only).copied().unwrap_or(0),
            None => queue.depth,
        };
        let (glyph, tone, word) = queue_look(app, queue.kind);
        let tone = if depth == 0 { Tone::Dim } else { tone };
        let values = [
            Value::new(format!("{glyph} {word}"), tone),
            Value::new(format::count(depth), tone),
            Value::new(
                sparkline(app.glyphs, queue.history.iter().copied(), 10),
                Tone::Spark,
            ),
            Value::new(queue_note(app, queue, overview.engine.workers), Tone::Dim),
        ];
        let area = Rect::new(inner.x, y, inner.width, 1);
        table::row(brush, area, &QUEUES, &places, &values);
        if index == app.home.queues.index() {
            brush.tint(area, selection(focus));
        }
    }
}

fn queue_look(app: &App, kind: QueueKind) -> (&'static str, Tone, &'static str) {
    let glyphs = app.glyphs;
    match kind {
        QueueKind::Inbound => (glyphs.down, Tone::Text, "inbound"),
        QueueKind::Outbound => (glyphs.up, Tone::Text, "outbound"),
        QueueKind::Processing => (glyphs.busy, Tone::Busy, "processing"),
        QueueKind::Retry => (glyphs.waiting, Tone::Waiting, "retry"),
        QueueKind::Held => (glyphs.held, Tone::Held, "held"),
        QueueKind::Dead => (glyphs.failed, Tone::Failed, "dead"),
    }
}

fn queue_note(app: &App, queue: &QueueView, workers: usize) -> String {
    match queue.kind {
        QueueKind::Processing => format!("of {workers} workers"),
        QueueKind::Retry => queue.next_due_at.map_or_else(String::new, |due| {
            format!("next in {}", format::countdown(app.now, due))
        }),
        QueueKind::Held => {
            let names = queue.by_connector.iter().filter(|(_, count)| **count > 0);
            let names: Vec<&str> = names.map(|(id, _)| id.as_str()).collect();
            names.join(" ")
        }
        QueueKind::Inbound | QueueKind::Outbound | QueueKind::Dead => {
            queue.oldest.map_or_else(String::new, |oldest| {
                format!("oldest {}", format::span(oldest))
            })
        }
    }
}

const FAILED: [Column; 7] = [
    column("", Width::Fixed(1), Side::Left, 0),
    column("count", Width::Fixed(5), Side::Right, 0),
    column("last", Width::Fixed(11), Side::Right, 2),
    column("connector", Width::Fixed(12), Side::Left, 1),
    column("step", Width::Fixed(8), Side::Left, 3),
    column("cause", Width::Fill(14), Side::Left, 0),
    column("rule", Width::Fixed(4), Side::Right, 4),
];

fn failed(app: &App, brush: &mut Brush<'_>, outer: Rect, focus: Focus) {
    let home = &app.home;
    let count: u64 = home.rows.iter().map(|group| group.count).sum();
    let mut more = format!("{} in {} groups", format::count(count), home.rows.len());
    if let Some(only) = &home.only {
        append(&mut more, format_args!(" of {only}"));
    }
    if !home.filter.is_empty() {
        append(&mut more, format_args!(" /{}", home.filter.text()));
    }
    if !home.groups.marks.is_empty() {
        append(
            &mut more,
            format_args!(" {} {} marked", app.glyphs.dot, home.groups.marks.len()),
        );
    }
    let inner = pane(app, brush, outer, &title(app, Pane::Failed, &more), focus);
    if home.rows.is_empty() {
        let text = match (&app.overview, home.filter.is_empty()) {
            (None, _) => "",
            (Some(_), true) => "nothing is dead",
            (Some(_), false) => "nothing passes the filter",
        };
        brush.put(inner.x, inner.y, inner.width, text, Tone::Dim);
        return;
    }
    let rows = below_heading(inner);
    if rows.y > inner.y {
        table::heading(brush, inner, &FAILED, Some(home.sort.word()));
    }
    let places = table::places(&FAILED, rows.width);
    let in_sight = home.rows.iter().enumerate().skip(home.groups.offset());
    for (y, (index, group)) in (rows.top()..rows.bottom()).zip(in_sight) {
        let marked = home.groups.marks.contains(&group.fingerprint);
        let mark = if marked {
            app.glyphs.mark
        } else {
            app.glyphs.failed
        };
        let tone = if marked { Tone::Marked } else { Tone::Failed };
        let rule = group.rule.map_or_else(String::new, |rule| rule.to_string());
        let values = [
            Value::new(mark, tone),
            Value::new(format::count(group.count), Tone::Text),
            Value::new(format::at(app.now, group.last_at), Tone::Dim),
            Value::new(group.connector.as_str(), Tone::Text),
            Value::new(group.step.word(), Tone::Text),
            Value::new(group.cause.as_str(), Tone::Text),
            Value::new(rule, Tone::Dim),
        ];
        let area = Rect::new(rows.x, y, rows.width, 1);
        table::row(brush, area, &FAILED, &places, &values);
        if index == home.groups.index() {
            brush.tint(area, selection(focus));
        }
    }
}
