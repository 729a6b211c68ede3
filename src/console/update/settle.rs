//! After every change: selections in sight, texts wrapped to the room there is, old toasts forgotten.

use super::TOAST_SECONDS;
use crate::console::app::{App, Pane, Screen};
use crate::console::dialog::Dialog;
use crate::console::layout::{self, below_heading, breadth, inside};
use crate::console::{facts, format, view};

/// Makes the state fit the screen.
pub(super) fn settle(app: &mut App) {
    let now = app.now;
    app.toasts
        .retain(|toast| format::between(toast.at, now).as_secs() < TOAST_SECONDS);
    let breadth = breadth(app.size);
    for (pane, outer) in layout::panes(app) {
        let inner = inside(breadth, outer);
        reveal(app, pane, inner);
    }
    let body = layout::parts(app).body;
    let whole = inside(breadth, body);
    let list_rows = usize::from(below_heading(whole).height);
    let transaction = app.transaction().map(|screen| {
        let reasons = screen
            .detail
            .ready()
            .map_or(0, |detail| facts::why(detail).len() * 2);
        layout::transaction(app, reasons)
    });
    match app.screens.last_mut() {
        Some(Screen::List(list)) => {
            let at = list.cursor.index();
            list.cursor.reveal(at, 1, list.rows.len(), list_rows);
        }
        Some(Screen::Connector(screen)) => {
            screen.document.fit(whole.width.into(), whole.height.into());
        }
        Some(Screen::Transaction(screen)) => {
            if let Some(parts) = transaction {
                let document = inside(breadth, parts.document);
                screen
                    .document
                    .fit(document.width.into(), document.height.into());
                let why = inside(breadth, parts.why);
                screen.why.fit(why.width.into(), why.height.into());
            }
            super::transaction::reveal(app);
        }
        Some(Screen::Preview) => {
            let inner = inside(breadth, body);
            reveal(app, Pane::Preview, inner);
        }
        Some(Screen::Log(_)) | None => {}
    }
    fit_dialog(app);
}

fn reveal(app: &mut App, pane: Pane, inner: ratatui::layout::Rect) {
    let rows = usize::from(inner.height);
    match pane {
        Pane::Connectors => {
            let heights: Vec<usize> = app
                .connectors()
                .iter()
                .map(|view| 1 + facts::connector_notes(app, view).len())
                .collect();
            let at = app.home.connectors.index();
            let line = heights.iter().take(at).sum();
            let height = heights.get(at).copied().unwrap_or(1);
            let all = heights.iter().sum();
            app.home.connectors.reveal(line, height, all, rows);
        }
        Pane::Queues => {
            let all = app
                .overview
                .as_ref()
                .map_or(0, |overview| overview.queues.len());
            let at = app.home.queues.index();
            app.home.queues.reveal(at, 1, all, rows);
        }
        Pane::Failed => {
            let rows = usize::from(below_heading(inner).height);
            let at = app.home.groups.index();
            app.home.groups.reveal(at, 1, app.home.rows.len(), rows);
        }
        Pane::Preview => {
            let rows = rows.saturating_sub(view::preview_extra(app));
            let preview = &mut app.preview;
            let all = preview
                .shown
                .as_ref()
                .map_or(0, |shown| shown.result.fields.len());
            preview.line = preview.line.min(all.saturating_sub(1));
            if preview.line < preview.offset {
                preview.offset = preview.line;
            } else if preview.line >= preview.offset + rows.max(1) {
                preview.offset = preview.line + 1 - rows.max(1);
            }
            preview.offset = preview.offset.min(all.saturating_sub(rows));
        }
    }
}

fn fit_dialog(app: &mut App) {
    let area = view::dialog_area(app);
    let rows = usize::from(area.height.saturating_sub(2));
    let columns = usize::from(area.width.saturating_sub(4));
    match &mut app.dialog {
        Some(Dialog::Notice(notice)) => notice.document.fit(columns, rows.saturating_sub(1)),
        Some(Dialog::Bulk(document)) => document.fit(columns, rows.saturating_sub(1)),
        Some(Dialog::Plan(plan)) => plan.document.fit(columns, rows.saturating_sub(1)),
        _ => {}
    }
}
