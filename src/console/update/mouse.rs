//! The mouse: a click selects, a second one opens, the wheel scrolls what is under it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::{act, home, list};
use crate::console::action::{Action, Place};
use crate::console::app::{App, Pane, Screen};
use crate::console::facts;
use crate::console::layout::{self, below_heading, breadth, inside};
use crate::console::message::Effect;

/// Lines a turn of the wheel scrolls.
const WHEEL: isize = 3;

/// Takes a mouse event.
pub(super) fn used(app: &mut App, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) if app.dialog.is_none() => click(app, at),
        MouseEventKind::ScrollDown => scroll(app, at, WHEEL),
        MouseEventKind::ScrollUp => scroll(app, at, -WHEEL),
        _ => Vec::new(),
    }
}

/// How far below the top of an area.
fn row_in(area: Rect, at: Position) -> Option<usize> {
    area.contains(at).then(|| usize::from(at.y - area.y))
}

fn click(app: &mut App, at: Position) -> Vec<Effect> {
    let breadth = breadth(app.size);
    match app.screens.last() {
        Some(Screen::List(screen)) => {
            let area = below_heading(inside(breadth, layout::parts(app).body));
            let row = row_in(area, at).map(|row| row + screen.cursor.offset());
            match row.filter(|row| *row < screen.rows.len()) {
                Some(row) => list::click(app, row),
                None => Vec::new(),
            }
        }
        Some(Screen::Transaction(_)) => super::transaction::click(app, at),
        Some(Screen::Workbench(_)) => super::workbench::click(app, at),
        Some(Screen::Wizard(_)) => super::wizard::click(app, at),
        Some(_) => Vec::new(),
        None => click_home(app, at),
    }
}

fn click_home(app: &mut App, at: Position) -> Vec<Effect> {
    let breadth = breadth(app.size);
    let hit = layout::panes(app)
        .into_iter()
        .find(|(_, area)| area.contains(at));
    let Some((pane, outer)) = hit else {
        return Vec::new();
    };
    let again = app.home.focus == pane;
    app.home.focus = pane;
    let inner = inside(breadth, outer);
    let area = match pane {
        Pane::Failed => below_heading(inner),
        _ => inner,
    };
    let Some(row) = row_in(area, at) else {
        return Vec::new();
    };
    let (index, selected) = match pane {
        Pane::Connectors => {
            let line = row + app.home.connectors.offset();
            (connector_at(app, line), app.home.connectors.index())
        }
        Pane::Queues => {
            let all = app
                .overview
                .as_ref()
                .map_or(0, |overview| overview.queues.len());
            let index = row + app.home.queues.offset();
            ((index < all).then_some(index), app.home.queues.index())
        }
        Pane::Failed => {
            let index = row + app.home.groups.offset();
            let index = (index < app.home.rows.len()).then_some(index);
            (index, app.home.groups.index())
        }
        Pane::Preview => return Vec::new(),
    };
    let Some(index) = index else {
        return Vec::new();
    };
    if again && index == selected {
        return act(app, Action::Open);
    }
    home::select(app, pane, index);
    Vec::new()
}

/// The connector that has a line of the pane.
fn connector_at(app: &App, line: usize) -> Option<usize> {
    let mut below = 0;
    app.connectors().iter().position(|view| {
        below += 1 + facts::connector_notes(app, view).len();
        line < below
    })
}

fn scroll(app: &mut App, at: Position, lines: isize) -> Vec<Effect> {
    if app.dialog.is_some() {
        super::dialog::scroll(app, lines);
        return Vec::new();
    }
    if app.screens.is_empty() {
        let hit = layout::panes(app)
            .into_iter()
            .find(|(_, area)| area.contains(at));
        if let Some((pane, _)) = hit {
            home::step(app, pane, lines);
        }
        return Vec::new();
    }
    if app.place() == Place::WizardForm {
        return Vec::new();
    }
    let action = if lines > 0 { Action::Down } else { Action::Up };
    (0..lines.unsigned_abs())
        .flat_map(|_| act(app, action))
        .collect()
}
