//! What lies over the screen.

use ratatui::layout::Rect;

use super::header::{cursor_cell, rest};
use super::{wizard, workbench};
use crate::console::app::{App, Pace};
use crate::console::brush::{Brush, Focus};
use crate::console::dialog::{Confirm, Dialog, Menu, Palette, Prompt, Readiness};
use crate::console::document::{Document, Line};
use crate::console::input::Input;
use crate::console::layout::{centred, parts};
use crate::console::text::cells;
use crate::console::theme::Tone;
use crate::console::update::offers;

/// Where the dialog is; nothing when there is none.
pub(in crate::console) fn area(app: &App) -> Rect {
    let body = parts(app).body;
    let rows = match &app.dialog {
        None => return Rect::ZERO,
        Some(
            Dialog::Notice(_)
            | Dialog::Plan(_)
            | Dialog::Publishing(_)
            | Dialog::Versions(_)
            | Dialog::Impact(_)
            | Dialog::Picker(_)
            | Dialog::Pasting(_)
            | Dialog::Chooser(_),
        ) => body.height.saturating_sub(2).min(40),
        Some(Dialog::Bulk(_)) => body.height.saturating_sub(2).min(20),
        Some(Dialog::Palette(_)) => body.height.min(18),
        Some(Dialog::Prompt(_)) => 5,
        Some(Dialog::Menu(menu)) => cells(menu.items.len()) + 3,
        Some(Dialog::Confirm(confirm)) => {
            let typed = u16::from(confirm.typed.is_some());
            let lines = confirm_document(confirm, columns(app));
            cells(lines.wrapped_len()).saturating_add(3 + typed)
        }
    };
    let columns = if app.size.0 < 60 {
        app.size.0
    } else {
        app.size.0.saturating_sub(4).min(100)
    };
    centred(body, columns, rows.max(4))
}

fn columns(app: &App) -> u16 {
    let outer = if app.size.0 < 60 {
        app.size.0
    } else {
        app.size.0.saturating_sub(4).min(100)
    };
    outer.saturating_sub(4)
}

fn confirm_document(confirm: &Confirm, columns: u16) -> Document {
    let mut document = Document::new(confirm.lines.clone());
    document.fit(columns.into(), usize::MAX / 2);
    document
}

/// Draws the dialog, if there is one.
pub(super) fn draw(app: &App, brush: &mut Brush<'_>) {
    let Some(dialog) = &app.dialog else { return };
    let outer = area(app);
    brush.blank(outer, Tone::Text);
    let title = match dialog {
        Dialog::Notice(notice) => notice.title.as_str(),
        Dialog::Confirm(confirm) => confirm.title.as_str(),
        Dialog::Prompt(prompt) => prompt.title.as_str(),
        Dialog::Menu(menu) => menu.title.as_str(),
        Dialog::Plan(plan) => plan.again.title(),
        Dialog::Palette(_) => "Command",
        Dialog::Bulk(_) => "Bulk action",
        Dialog::Picker(_) => "Try the rules on",
        Dialog::Pasting(_) => "Try the rules on a text",
        Dialog::Impact(_) => "Impact",
        Dialog::Publishing(_) => "Publish this draft?",
        Dialog::Versions(_) => "Versions that were in force",
        Dialog::Chooser(chooser) => chooser.title.as_str(),
    };
    let inner = brush.frame(outer, &Line::of(Tone::Title, title), Focus::Here);
    let inner = Rect {
        x: inner.x + 1.min(inner.width),
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let last = Rect {
        y: inner.bottom().saturating_sub(1),
        height: 1.min(inner.height),
        ..inner
    };
    match dialog {
        Dialog::Notice(notice) => {
            document(brush, inner, &notice.document);
            keys(
                app,
                brush,
                last,
                "j/k scroll  Enter or Esc close",
                Some(&notice.document),
            );
        }
        Dialog::Bulk(progress) => {
            document(brush, inner, progress);
            let running = app
                .bulk
                .as_ref()
                .is_some_and(|bulk| bulk.pace == Pace::Running);
            let text = if running {
                "c cancel the rest  Enter or Esc leave it running"
            } else {
                "Enter or Esc close"
            };
            keys(app, brush, last, text, Some(progress));
        }
        Dialog::Plan(plan) => {
            document(brush, inner, &plan.document);
            let text = match plan.readiness {
                Readiness::Waiting | Readiness::Refused => "Esc back",
                Readiness::Ready => "Enter do it  j/k scroll  Esc back",
                Readiness::WouldFail => "this would fail  Enter do it all the same  Esc back",
            };
            keys(app, brush, last, text, Some(&plan.document));
        }
        Dialog::Confirm(confirm) => question(app, confirm, brush, inner, last),
        Dialog::Prompt(prompt) => line(app, prompt, brush, inner, last),
        Dialog::Menu(menu) => choice(app, menu, brush, inner, last),
        Dialog::Palette(state) => palette(app, state, brush, inner),
        Dialog::Picker(picker) => workbench::picker(app, picker, brush, inner, last),
        Dialog::Pasting(pasting) => workbench::pasting(app, pasting, brush, inner, last),
        Dialog::Impact(shown) => workbench::impact(app, shown, brush, inner, last),
        Dialog::Publishing(question) => workbench::publishing(app, question, brush, inner, last),
        Dialog::Versions(versions) => workbench::versions(app, versions, brush, inner, last),
        Dialog::Chooser(chooser) => wizard::chooser(app, chooser, brush, inner, last),
    }
}

fn document(brush: &mut Brush<'_>, inner: Rect, document: &Document) {
    let area = Rect {
        height: inner.height.saturating_sub(1),
        ..inner
    };
    brush.document(area, document);
}

pub(super) fn keys(
    app: &App,
    brush: &mut Brush<'_>,
    area: Rect,
    text: &str,
    document: Option<&Document>,
) {
    brush.put(area.x, area.y, area.width, text, Tone::Key);
    if let Some((above, below)) = document.map(Document::hidden)
        && above + below > 0
    {
        let text = format!("{above}{} {below}{}", app.glyphs.up, app.glyphs.down);
        brush.put_right(area.x, area.y, area.width, &text, Tone::Dim);
    }
}

fn question(app: &App, confirm: &Confirm, brush: &mut Brush<'_>, inner: Rect, last: Rect) {
    let mut text = confirm_document(confirm, inner.width);
    let typed_rows = u16::from(confirm.typed.is_some());
    let area = Rect {
        height: inner.height.saturating_sub(1 + typed_rows),
        ..inner
    };
    text.fit(inner.width.into(), area.height.into());
    brush.document(area, &text);
    match &confirm.typed {
        Some(typed) => {
            let label = format!("type {} to confirm: ", typed.wanted);
            typing(
                brush,
                area.x,
                area.bottom(),
                inner.width,
                &label,
                &typed.input,
            );
            let word = if confirm.is_ready() {
                "Enter yes  Esc no"
            } else {
                "Esc no"
            };
            keys(app, brush, last, word, None);
        }
        None => keys(app, brush, last, "y or Enter yes  n or Esc no", None),
    }
}

pub(super) fn typing(
    brush: &mut Brush<'_>,
    x: u16,
    y: u16,
    columns: u16,
    label: &str,
    input: &Input,
) {
    let (before, after) = input.halves();
    let line = Line::of(Tone::Dim, label)
        .with(Tone::Text, before)
        .with(Tone::Cursor, cursor_cell(after))
        .with(Tone::Text, rest(after));
    brush.line(x, y, columns, &line);
}

fn line(app: &App, prompt: &Prompt, brush: &mut Brush<'_>, inner: Rect, last: Rect) {
    let label = format!("{}: ", prompt.label);
    typing(brush, inner.x, inner.y, inner.width, &label, &prompt.input);
    keys(app, brush, last, "Enter go on  Esc back", None);
}

fn choice(app: &App, menu: &Menu, brush: &mut Brush<'_>, inner: Rect, last: Rect) {
    for (index, (y, item)) in (inner.top()..last.top()).zip(&menu.items).enumerate() {
        let line = match &item.refused {
            None => Line::of(Tone::Key, format!("{} ", item.key)).with(Tone::Text, &*item.label),
            Some(why) => Line::of(Tone::Dim, format!("{} {}  ({why})", item.key, item.label)),
        };
        brush.line(inner.x, y, inner.width, &line);
        if index == menu.selected {
            brush.tint(Rect::new(inner.x, y, inner.width, 1), Tone::Selection);
        }
    }
    keys(app, brush, last, "a letter or Enter choose  Esc back", None);
}

fn palette(app: &App, state: &Palette, brush: &mut Brush<'_>, inner: Rect) {
    typing(brush, inner.x, inner.y, inner.width, ":", &state.input);
    let offers = offers(app, state.input.text());
    let rows = usize::from(inner.height.saturating_sub(1)).max(1);
    let selected = state.selected.min(offers.len().saturating_sub(1));
    let offset = (selected + 1).saturating_sub(rows);
    let in_sight = offers.iter().enumerate().skip(offset);
    for (y, (index, offer)) in (inner.y + 1..inner.bottom()).zip(in_sight) {
        let about = offer.refused.as_ref().unwrap_or(&offer.explanation);
        let tone = if offer.refused.is_some() {
            Tone::Dim
        } else {
            Tone::Text
        };
        let line = Line::of(tone, format!("{:<22} ", offer.name)).with(Tone::Dim, &**about);
        brush.line(inner.x, y, inner.width, &line);
        if index == selected {
            brush.tint(Rect::new(inner.x, y, inner.width, 1), Tone::Selection);
        }
    }
    if offers.is_empty() {
        brush.put(
            inner.x,
            inner.y + 1,
            inner.width,
            "nothing is called that",
            Tone::Dim,
        );
    }
}
