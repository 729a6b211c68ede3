//! Draws the state and changes nothing.

mod dialog;
mod header;
mod home;
mod list;
mod log;
mod preview;
mod transaction;
pub(super) mod wizard;
pub(super) mod workbench;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::app::{App, Screen};
use super::brush::{Brush, Focus};
use super::document::Line;
use super::layout::{self, Breadth, breadth};
use super::theme::Tone;

pub(super) use dialog::area as dialog_area;
pub(super) use preview::extra as preview_extra;

/// Draws everything.
pub fn view(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut brush = Brush::new(frame.buffer_mut(), &app.theme, app.glyphs);
    brush.tint(area, Tone::Text);
    let parts = layout::parts(app);
    header::draw(app, &mut brush, parts.header);
    if parts.banner.height > 0 {
        header::banner(app, &mut brush, parts.banner);
    }
    match app.screens.last() {
        None => home::draw(app, &mut brush, parts.body),
        Some(Screen::List(screen)) => list::draw(app, screen, &mut brush, parts.body),
        Some(Screen::Transaction(screen)) => transaction::draw(app, screen, &mut brush),
        Some(Screen::Connector(screen)) => {
            let title = Line::of(Tone::Title, format!("Connector {}", screen.id));
            let inner = pane(app, &mut brush, parts.body, &title, Focus::Here);
            brush.document(inner, &screen.document);
        }
        Some(Screen::Preview) => preview::draw(app, &mut brush, parts.body, Focus::Here),
        Some(Screen::Log(screen)) => log::draw(app, screen, &mut brush, parts.body),
        Some(Screen::Workbench(bench)) => workbench::draw(app, bench, &mut brush),
        Some(Screen::Wizard(wizard)) => wizard::draw(app, wizard, &mut brush),
    }
    if parts.footer.height > 0 {
        header::footer(app, &mut brush, parts.footer);
    }
    dialog::draw(app, &mut brush);
}

/// Draws a frame, or only its title where there is no room for frames; answers the inside.
fn pane(app: &App, brush: &mut Brush<'_>, outer: Rect, title: &Line, focus: Focus) -> Rect {
    let breadth = breadth(app.size);
    if breadth == Breadth::List {
        brush.line(outer.x, outer.y, outer.width, title);
        return layout::inside(breadth, outer);
    }
    brush.frame(outer, title, focus)
}

/// The role of the selected row's look.
fn selection(focus: Focus) -> Tone {
    match focus {
        Focus::Here => Tone::Selection,
        Focus::Elsewhere => Tone::SelectionIdle,
    }
}
