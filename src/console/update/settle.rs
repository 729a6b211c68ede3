//! After every change: selections in sight, texts wrapped to the room there is, old toasts forgotten.

use super::TOAST_SECONDS;
use crate::console::app::{App, Pane, Screen};
use crate::console::dialog::Dialog;
use crate::console::layout::{self, below_heading, breadth, inside};
use crate::console::workbench::lines::{
    EditLine, edit_lines, edit_rows, rule_lines, selected_span,
};
use crate::console::workbench::{BenchPane, Workbench};
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
        Some(Screen::Workbench(_)) => fit_workbench(app),
        Some(Screen::Wizard(_)) => fit_wizard(app),
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

/// What of the workbench is in sight: nodes, rules, the cursor of the editor.
fn fit_workbench(app: &mut App) {
    let Some(bench) = app.workbench() else { return };
    let breadth = breadth(app.size);
    let parts = layout::workbench(app, bench);
    let inner = |pane| parts.area(pane).map(|outer| inside(breadth, outer));
    let (source, output) = (inner(BenchPane::Source), inner(BenchPane::Output));
    let rules = inner(BenchPane::Rules).map(|area| view::workbench::rules_area(app, bench, area).0);
    let extra = output.map_or(0, |area| {
        view::workbench::output_extra(app, bench, area.width, area.height)
    });
    let Some(bench) = app.workbench_mut() else {
        return;
    };
    if let Some(area) = source {
        let (at, all) = (bench.source.cursor.index(), bench.source.nodes().len());
        bench.source.cursor.reveal(at, 1, all, area.height.into());
    }
    if let Some(area) = output {
        let rows = usize::from(area.height.saturating_sub(extra));
        let (at, all) = (bench.output.cursor.index(), bench.output.nodes().len());
        bench.output.cursor.reveal(at, 1, all, rows);
        if let Some(document) = &mut bench.difference {
            document.fit(area.width.into(), area.height.into());
        }
    }
    if let Some(area) = rules {
        reveal_cursor(bench, area.height.into());
        let columns = view::workbench::note_columns(area);
        let lines = rule_lines(bench, columns, area.height.into());
        let (start, height) = selected_span(&lines, bench.rule.index());
        let all = lines.len();
        bench.rule.reveal(start, height, all, area.height.into());
    }
}

/// What of a connector being made is in sight: the selected row, the place in the file.
fn fit_wizard(app: &mut App) {
    let Some(wizard) = app.wizard() else { return };
    let inner = inside(breadth(app.size), layout::wizard(app, wizard).list);
    if let Some(wizard) = app.wizard_mut() {
        wizard.reveal(inner.height.into());
        wizard.preview.fit(inner.width.into(), inner.height.into());
    }
}

/// Scrolls the editor to its cursor.
fn reveal_cursor(bench: &mut Workbench, rows: usize) {
    let Some(editor) = &bench.editor else { return };
    let lines = edit_lines(bench, editor);
    let shown = edit_rows(lines.len(), rows);
    let line = editor.area.line();
    let is_it = |one: &EditLine| matches!(one, EditLine::Text(number) if *number == line);
    let at = lines.iter().position(is_it).unwrap_or(0);
    let last = lines.len().saturating_sub(shown);
    if let Some(editor) = &mut bench.editor {
        editor.top = editor.top.min(at).max((at + 1).saturating_sub(shown));
        editor.top = editor.top.min(last);
    }
}

fn fit_dialog(app: &mut App) {
    let area = view::dialog_area(app);
    let rows = usize::from(area.height.saturating_sub(2));
    let columns = usize::from(area.width.saturating_sub(4));
    let impact_lines = match (&app.dialog, app.workbench()) {
        (Some(Dialog::Impact(shown)), Some(bench)) => {
            let last = bench.impact.last.as_ref();
            last.map_or(0, |summary| shown.rows(&summary.impact).len())
        }
        _ => 0,
    };
    match &mut app.dialog {
        Some(Dialog::Chooser(chooser)) => chooser.reveal(rows.saturating_sub(3)),
        Some(Dialog::Picker(picker)) => picker.reveal(view::workbench::picker_rows(rows)),
        Some(Dialog::Impact(shown)) => {
            shown.reveal(impact_lines, view::workbench::impact_rows(rows));
        }
        Some(Dialog::Publishing(question)) => {
            question.document.fit(columns, rows.saturating_sub(3));
        }
        Some(Dialog::Versions(versions)) => {
            versions.reveal(rows.saturating_sub(1));
            if let Some(opened) = &mut versions.opened {
                let rows = view::workbench::versions_rows(rows);
                opened.document.fit(columns, rows);
            }
        }
        Some(Dialog::Notice(notice)) => notice.document.fit(columns, rows.saturating_sub(1)),
        Some(Dialog::Bulk(document)) => document.fit(columns, rows.saturating_sub(1)),
        Some(Dialog::Plan(plan)) => plan.document.fit(columns, rows.saturating_sub(1)),
        _ => {}
    }
}
