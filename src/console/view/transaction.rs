//! One transaction: timeline, why, and a tab.

use ratatui::layout::Rect;

use super::pane;
use crate::console::app::{App, Loadable, Tab, TransactionScreen};
use crate::console::brush::{Brush, Focus};
use crate::console::document::Line;
use crate::console::layout::{self, inside};
use crate::console::theme::Tone;
use crate::console::update::tab_beside;
use crate::console::{facts, rows, timeline};
use crate::engine::TransactionDetail;

/// Draws a transaction.
pub(super) fn draw(app: &App, screen: &TransactionScreen, brush: &mut Brush<'_>) {
    let reasons = screen
        .detail
        .ready()
        .map_or(0, |detail| facts::why(detail).len() * 2);
    let parts = layout::transaction(app, reasons);
    crumbs(app, screen, brush, parts.crumbs);
    let detail = match &screen.detail {
        Loadable::Ready(detail) => detail,
        Loadable::Loading => {
            brush.put(
                parts.document.x + 1,
                parts.document.y,
                parts.document.width,
                "reading",
                Tone::Dim,
            );
            return;
        }
        Loadable::Failed(why) => {
            let text = format!("{} {why}", app.glyphs.failed);
            brush.put(
                parts.document.x + 1,
                parts.document.y,
                parts.document.width,
                &text,
                Tone::Failed,
            );
            return;
        }
    };
    let both = parts.timeline.width > 0;
    if both {
        let focus = Focus::when(screen.tab == Tab::Timeline);
        let inner = pane(
            app,
            brush,
            parts.timeline,
            &Line::of(Tone::Title, "1 Timeline"),
            focus,
        );
        moments(app, screen, detail, brush, inner);
    }
    if parts.why.height > 0 {
        let title = Line::of(Tone::Title, "Why");
        let inner = pane(app, brush, parts.why, &title, Focus::Elsewhere);
        brush.document(inner, &screen.why);
    }
    let focus = Focus::when(!both || screen.tab != Tab::Timeline);
    let front = tab_beside(app, screen);
    let inner = pane(
        app,
        brush,
        parts.document,
        &tabs(app, front, parts.timeline),
        focus,
    );
    if front == Tab::Timeline {
        moments(
            app,
            screen,
            detail,
            brush,
            inside(layout::breadth(app.size), parts.document),
        );
    } else {
        brush.document(inner, &screen.document);
        below(app, screen, brush, parts.document);
    }
}

fn crumbs(app: &App, screen: &TransactionScreen, brush: &mut Brush<'_>, area: Rect) {
    let crumb = format!(" {} ", app.glyphs.crumb);
    let mut line = Line::of(Tone::Text, " ");
    for step in &screen.trail {
        line = line.with(Tone::Dim, &**step).with(Tone::Dim, &*crumb);
    }
    let id = screen.id.to_string();
    let short = match (id.get(..4), id.get(id.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) => format!("{head}{}{tail}", app.glyphs.ellipsis),
        _ => id,
    };
    let (state, about) = screen.row().map_or_else(Default::default, |row| {
        (Some(row.state), rows::subject(row))
    });
    let about_width = crate::console::text::cells(crate::console::text::width(&about));
    let room = area.width.saturating_sub(about_width + 20);
    let mut used = brush.line(area.x, area.y, room, &line);
    used += brush.put(area.x + used, area.y, 12, &short, Tone::Title) + 2;
    if let Some(state) = state {
        let (glyph, tone) = timeline::state_look(app, state);
        let text = format!("{glyph} {}", state.word());
        used += brush.put(area.x + used, area.y, 14, &text, tone) + 2;
    }
    let left = area.width.saturating_sub(used + 1);
    brush.put_right(area.x + used, area.y, left, &about, Tone::Dim);
}

fn tabs(app: &App, front: Tab, timeline: Rect) -> Line {
    let mut line = Line::default();
    for (index, tab) in Tab::ALL.into_iter().enumerate() {
        if timeline.width > 0 && tab == Tab::Timeline {
            continue;
        }
        let tone = if tab == front {
            Tone::Accent
        } else {
            Tone::Dim
        };
        if !line.pieces.is_empty() {
            line = line.with(Tone::Border, format!(" {} ", app.glyphs.dot));
        }
        line = line.with(tone, format!("{} {}", index + 1, tab.title()));
    }
    line
}

fn moments(
    app: &App,
    screen: &TransactionScreen,
    detail: &TransactionDetail,
    brush: &mut Brush<'_>,
    area: Rect,
) {
    let moments = timeline::moments(app, detail);
    let in_sight = moments.iter().enumerate().skip(screen.timeline.offset());
    for (y, (index, moment)) in (area.top()..area.bottom()).zip(in_sight) {
        brush.line(area.x, y, area.width, &moment.line);
        if index == screen.timeline.index() {
            let focus = Focus::when(screen.tab == Tab::Timeline);
            brush.tint(Rect::new(area.x, y, area.width, 1), super::selection(focus));
        }
    }
}

/// Says in the lower frame how much is out of sight.
fn below(app: &App, screen: &TransactionScreen, brush: &mut Brush<'_>, outer: Rect) {
    let (above, below) = screen.document.hidden();
    if above + below == 0 || layout::breadth(app.size) == layout::Breadth::List {
        return;
    }
    let text = format!(" {above}{} {below}{} ", app.glyphs.up, app.glyphs.down);
    let width = outer.width.saturating_sub(3);
    brush.put_right(
        outer.x + 1,
        outer.bottom().saturating_sub(1),
        width,
        &text,
        Tone::Dim,
    );
}
