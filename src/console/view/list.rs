//! A list of transactions.

use ratatui::layout::Rect;

use super::pane;
use crate::console::app::{App, Asked, ListScreen, Source};
use crate::console::brush::{Brush, Focus};
use crate::console::document::Line;
use crate::console::layout::below_heading;
use crate::console::table::{self, Column, Side, Value, Width};
use crate::console::text::append;
use crate::console::theme::Tone;
use crate::console::{format, rows, timeline};
use crate::model::{Direction, Transaction};

const fn column(title: &'static str, width: Width, side: Side, gives_way: u8) -> Column {
    Column {
        title,
        width,
        side,
        gives_way,
    }
}

const COLUMNS: [Column; 8] = [
    column("", Width::Fixed(1), Side::Left, 0),
    column("accepted", Width::Fixed(11), Side::Right, 1),
    column("state", Width::Fixed(10), Side::Left, 0),
    column("connector", Width::Fixed(12), Side::Left, 3),
    column("", Width::Fixed(2), Side::Left, 5),
    column("record / work order", Width::Fixed(20), Side::Left, 2),
    column("attempts", Width::Fixed(8), Side::Right, 6),
    column("what", Width::Fill(12), Side::Left, 0),
];

/// Draws a list.
pub(super) fn draw(app: &App, screen: &ListScreen, brush: &mut Brush<'_>, outer: Rect) {
    let inner = pane(app, brush, outer, &title(app, screen), Focus::Here);
    if let Some(problem) = &screen.problem {
        let text = format!("{} {problem}", app.glyphs.failed);
        brush.put(inner.x, inner.y, inner.width, &text, Tone::Failed);
        return;
    }
    if screen.rows.is_empty() {
        let text = match (screen.asked, screen.filter.is_empty()) {
            (Some(_), _) => "reading",
            (None, true) => "there is none",
            (None, false) => "nothing passes the filter",
        };
        brush.put(inner.x, inner.y, inner.width, text, Tone::Dim);
        return;
    }
    let area = below_heading(inner);
    if area.y > inner.y {
        table::heading(brush, inner, &COLUMNS, Some(screen.sort.word()));
    }
    let places = table::places(&COLUMNS, area.width);
    let in_sight = screen.rows.iter().enumerate().skip(screen.cursor.offset());
    for (y, (index, place)) in (area.top()..area.bottom()).zip(in_sight) {
        let Some(row) = screen.items.get(*place) else {
            continue;
        };
        let (glyph, tone) = timeline::state_look(app, row.state);
        let marked = screen.cursor.marks.contains(&row.id);
        let way = match row.direction {
            Direction::Inbound => app.glyphs.down,
            Direction::Outbound => app.glyphs.up,
        };
        let values = [
            if marked {
                Value::new(app.glyphs.mark, Tone::Marked)
            } else {
                Value::new(glyph, tone)
            },
            Value::new(format::ago(app.now, row.received_at), Tone::Dim),
            Value::new(row.state.word(), tone),
            Value::new(row.connector.as_str(), Tone::Text),
            Value::new(way, Tone::Dim),
            Value::new(rows::subject(row), Tone::Text),
            Value::new(row.attempts.to_string(), Tone::Dim),
            Value::new(what(screen, row), Tone::Text),
        ];
        let line = Rect::new(area.x, y, area.width, 1);
        table::row(brush, line, &COLUMNS, &places, &values);
        if index == screen.cursor.index() {
            brush.tint(line, Tone::Selection);
        }
    }
}

/// What tells a row from the others: in a failure group the cause is the same for all.
fn what(screen: &ListScreen, row: &Transaction) -> String {
    let of_group = matches!(&screen.source, Source::Query(query) if query.fingerprint.is_some());
    match (&row.label, of_group) {
        (Some(label), true) => label.clone(),
        _ => rows::about(row),
    }
}

fn title(app: &App, screen: &ListScreen) -> Line {
    let dot = app.glyphs.dot;
    let more = if screen.next.is_some() { "+" } else { "" };
    let mut text = format!(" {dot} {}{more}", screen.rows.len());
    if !screen.filter.is_empty() {
        append(&mut text, format_args!(" /{}", screen.filter.text()));
    }
    if !screen.cursor.marks.is_empty() {
        append(
            &mut text,
            format_args!(" {dot} {} marked", screen.cursor.marks.len()),
        );
    }
    if matches!(screen.asked, Some(Asked::More(_))) {
        text.push_str(" reading more");
    }
    Line::of(Tone::Title, &*screen.title).with(Tone::Dim, text)
}
