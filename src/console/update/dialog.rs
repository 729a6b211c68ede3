//! Answering what lies over the screen.

use crossterm::event::{KeyCode, KeyEvent};
use serde_json::Value;

use super::{bulk, movement, palette, preview, wizard, workbench};
use crate::console::action::{Action, Place};
use crate::console::app::{App, Pace};
use crate::console::dialog::{
    Again, Choice, Confirm, Deed, Dialog, Menu, MenuItem, Plan, Prompt, Purpose, Readiness,
};
use crate::console::document::{Document, Line};
use crate::console::json;
use crate::console::keymap::Key;
use crate::console::message::Effect;
use crate::console::remote::RemoteResult;
use crate::console::settings::{Embedded, Exit};
use crate::console::theme::Tone;
use crate::console::workbench::Ask;
use crate::engine::{Replay, ReplayPlan};
use crate::model::TransactionId;
use crate::store::PersonMove;

/// Takes a key while a dialog is open.
pub(super) fn press(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    let action = app.keymap.action(Key::of(event), Place::Connectors);
    match app.dialog.take() {
        Some(Dialog::Impact(shown)) => workbench::press_in_impact(app, shown, event),
        Some(Dialog::Publishing(question)) => workbench::press_in_publishing(app, question, event),
        Some(Dialog::Versions(versions)) => workbench::press_in_versions(app, versions, event),
        Some(Dialog::Picker(picker)) => workbench::press_in_picker(app, picker, event),
        Some(Dialog::Chooser(chooser)) => wizard::press_in_chooser(app, chooser, event),
        Some(_) if event.code == KeyCode::Esc => Vec::new(),
        Some(Dialog::Pasting(pasting)) => workbench::press_pasting(app, pasting, event),
        Some(Dialog::Notice(mut notice)) => {
            if let Some(lines) = action.and_then(|action| movement(action, notice.document.rows()))
            {
                notice.document.scroll(lines);
                app.dialog = Some(Dialog::Notice(notice));
            } else if !closes(event) {
                app.dialog = Some(Dialog::Notice(notice));
            }
            Vec::new()
        }
        Some(Dialog::Bulk(document)) => bulk_key(app, document, event, action),
        Some(Dialog::Confirm(confirm)) => confirm_key(app, confirm, event),
        Some(Dialog::Prompt(prompt)) => prompt_key(app, prompt, event),
        Some(Dialog::Menu(menu)) => menu_key(app, menu, event, action),
        Some(Dialog::Plan(plan)) => plan_key(app, plan, event, action),
        Some(Dialog::Palette(state)) => palette::press(app, state, event),
        None => Vec::new(),
    }
}

/// Takes pasted text while a dialog is open.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    match &mut app.dialog {
        Some(Dialog::Prompt(prompt)) => prompt.input.insert(text),
        Some(Dialog::Palette(state)) => {
            state.input.insert(text);
            state.selected = 0;
        }
        Some(Dialog::Confirm(Confirm {
            typed: Some(typed), ..
        })) => typed.input.insert(text),
        Some(Dialog::Pasting(pasting)) => workbench::paste_sample(pasting, text),
        Some(Dialog::Publishing(question)) => question.note.insert(text),
        Some(Dialog::Chooser(chooser)) => wizard::paste_into_chooser(chooser, text),
        _ => {}
    }
    Vec::new()
}

/// Scrolls what a dialog shows.
pub(super) fn scroll(app: &mut App, lines: isize) {
    match &mut app.dialog {
        Some(Dialog::Notice(notice)) => notice.document.scroll(lines),
        Some(Dialog::Bulk(document)) => document.scroll(lines),
        Some(Dialog::Plan(plan)) => plan.document.scroll(lines),
        Some(Dialog::Publishing(question)) => question.document.scroll(lines),
        Some(Dialog::Versions(versions)) => workbench::scroll_versions(versions, lines),
        Some(Dialog::Picker(picker)) => {
            picker.selected = picker.selected.saturating_add_signed(lines);
        }
        Some(Dialog::Chooser(chooser)) => {
            chooser.selected = chooser.selected.saturating_add_signed(lines);
        }
        Some(Dialog::Impact(shown)) => shown.selected = shown.selected.saturating_add_signed(lines),
        _ => {}
    }
}

fn closes(event: KeyEvent) -> bool {
    matches!(event.code, KeyCode::Enter | KeyCode::Char('q' | '?'))
}

fn bulk_key(
    app: &mut App,
    mut document: Document,
    event: KeyEvent,
    action: Option<Action>,
) -> Vec<Effect> {
    let running = app
        .bulk
        .as_ref()
        .is_some_and(|bulk| bulk.pace == Pace::Running);
    if event.code == KeyCode::Char('c') && running {
        app.dialog = Some(Dialog::Bulk(document));
        bulk::cancel(app);
        return Vec::new();
    }
    if let Some(lines) = action.and_then(|action| movement(action, document.rows())) {
        document.scroll(lines);
        app.dialog = Some(Dialog::Bulk(document));
    } else if !closes(event) {
        app.dialog = Some(Dialog::Bulk(document));
    }
    Vec::new()
}

fn confirm_key(app: &mut App, mut confirm: Confirm, event: KeyEvent) -> Vec<Effect> {
    let yes = match (&mut confirm.typed, event.code) {
        (Some(_), KeyCode::Enter) => confirm.is_ready(),
        (Some(typed), _) => {
            typed.input.key(event);
            false
        }
        (None, KeyCode::Char('y' | 'Y') | KeyCode::Enter) => true,
        (None, KeyCode::Char('n' | 'N' | 'q')) => return Vec::new(),
        (None, _) => false,
    };
    if yes {
        return carry_out(app, confirm.deed);
    }
    app.dialog = Some(Dialog::Confirm(confirm));
    Vec::new()
}

fn prompt_key(app: &mut App, mut prompt: Prompt, event: KeyEvent) -> Vec<Effect> {
    if event.code != KeyCode::Enter {
        prompt.input.key(event);
        app.dialog = Some(Dialog::Prompt(prompt));
        return Vec::new();
    }
    let text = prompt.input.text().trim().to_owned();
    if text.is_empty() {
        // An empty reason tells nobody anything.
        app.dialog = Some(Dialog::Prompt(prompt));
        return Vec::new();
    }
    match prompt.purpose {
        Purpose::Discard(id, revision) => {
            let lines = [
                "It will not be tried again. Restorable for a period.".to_owned(),
                format!("Reason: {text}"),
            ];
            let action = PersonMove::Discard { reason: text };
            let deed = Deed::Command(id, revision, action);
            let question = Confirm::new("Discard this transaction?", &lines, deed);
            app.dialog = Some(Dialog::Confirm(question));
            Vec::new()
        }
        Purpose::DiscardMany(targets) => {
            bulk::ask(app, PersonMove::Discard { reason: text }, targets, 0);
            Vec::new()
        }
        Purpose::Sample => preview::choose(app, &text),
        Purpose::BenchRecord => workbench::choose_record(app, &text),
        Purpose::BenchFile => workbench::choose_file(&text),
    }
}

fn menu_key(app: &mut App, mut menu: Menu, event: KeyEvent, action: Option<Action>) -> Vec<Effect> {
    let by_letter = match event.code {
        KeyCode::Char(letter) => menu.items.iter().position(|item| item.key == letter),
        _ => None,
    };
    let last = menu.items.len().saturating_sub(1);
    let chosen = match (event.code, by_letter, action) {
        (KeyCode::Enter, _, _) => Some(menu.selected),
        (_, Some(place), _) => Some(place),
        (_, None, Some(action)) => {
            if let Some(by) = movement(action, menu.items.len()) {
                menu.selected = menu.selected.saturating_add_signed(by).min(last);
            }
            None
        }
        _ => None,
    };
    let Some(place) = chosen else {
        app.dialog = Some(Dialog::Menu(menu));
        return Vec::new();
    };
    if let Some(MenuItem {
        refused: None,
        choice,
        ..
    }) = menu.items.get(place)
    {
        return choose(app, choice.clone());
    }
    menu.selected = place.min(last);
    app.dialog = Some(Dialog::Menu(menu));
    Vec::new()
}

fn choose(app: &mut App, choice: Choice) -> Vec<Effect> {
    match choice {
        Choice::Copy(what, text) => vec![Effect::Copy(what, text)],
        Choice::Leave(exit) => vec![Effect::Leave(exit)],
        Choice::AddRule(action) => workbench::add_rule(app, action),
        Choice::TakeTheirs | Choice::KeepMine | Choice::CompareTheirs | Choice::BuildOnTheirs => {
            workbench::choose_about_theirs(app, &choice)
        }
        Choice::Plan(transaction, again) => {
            let row = app.transaction().and_then(|screen| screen.row());
            let revision = row.map_or(0, |row| row.revision);
            app.dialog = Some(Dialog::Plan(Plan {
                transaction,
                revision,
                again,
                readiness: Readiness::Waiting,
                document: Document::new(vec![Line::of(Tone::Dim, "asking what would be sent")]),
            }));
            vec![Effect::Plan(transaction, again.plan())]
        }
    }
}

/// Takes what a replay would send.
pub(super) fn planned(
    app: &mut App,
    id: TransactionId,
    replay: Replay,
    answer: RemoteResult<ReplayPlan>,
) -> Vec<Effect> {
    let Some(Dialog::Plan(plan)) = &mut app.dialog else {
        return Vec::new();
    };
    if plan.transaction != id || plan.again.plan() != replay {
        return Vec::new();
    }
    match answer {
        Err(error) => {
            plan.readiness = Readiness::Refused;
            plan.document = Document::new(vec![Line::of(Tone::Failed, error.to_string())]);
        }
        Ok(answer) => {
            plan.readiness = if answer.problems.is_empty() {
                Readiness::Ready
            } else {
                Readiness::WouldFail
            };
            plan.document = Document::new(plan_lines(answer));
        }
    }
    Vec::new()
}

fn plan_lines(answer: ReplayPlan) -> Vec<Line> {
    let mut lines = Vec::new();
    for problem in &answer.problems {
        lines.push(Line::of(Tone::Failed, problem).hanging(2));
    }
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    if answer.would_send.is_empty() {
        lines.push(Line::of(
            Tone::Title,
            "Nothing would be sent: nothing differs from what was last delivered.",
        ));
    } else {
        lines.push(Line::of(Tone::Title, "Would be sent:"));
        lines.extend(json::pretty(&Value::Object(answer.would_send)));
    }
    lines.push(Line::default());
    lines.push(Line::of(Tone::Title, "The whole output:"));
    lines.extend(json::pretty(&Value::Object(answer.output)));
    lines
}

fn plan_key(app: &mut App, mut plan: Plan, event: KeyEvent, action: Option<Action>) -> Vec<Effect> {
    let sendable = matches!(plan.readiness, Readiness::Ready | Readiness::WouldFail);
    match event.code {
        KeyCode::Enter if sendable => {
            let id = plan.transaction;
            return match plan.again {
                Again::InPlace => vec![Effect::Command(id, plan.revision, PersonMove::Retry)],
                Again::Anew(replay) => vec![Effect::Replay(id, replay, None)],
            };
        }
        KeyCode::Char('q') => return Vec::new(),
        _ => {
            if let Some(lines) = action.and_then(|action| movement(action, plan.document.rows())) {
                plan.document.scroll(lines);
            }
        }
    }
    app.dialog = Some(Dialog::Plan(plan));
    Vec::new()
}

/// Does what was confirmed.
fn carry_out(app: &mut App, deed: Deed) -> Vec<Effect> {
    match deed {
        Deed::Bulk(action, targets) => bulk::start(app, action, targets),
        Deed::Command(id, revision, action) => vec![Effect::Command(id, revision, action)],
        Deed::Send(id, output) => vec![Effect::Replay(id, Replay::SameOutput, Some(output))],
        Deed::EditAgain(id, text) => vec![Effect::EditOutput(id, text)],
        Deed::Pause(connector) => vec![Effect::Pause(connector)],
        Deed::Resume(connector) => vec![Effect::Resume(connector)],
        Deed::RotateToken(connector) => vec![Effect::RotateToken(connector)],
        Deed::RollBack(connector, roll_back) => {
            vec![Effect::Workbench(Ask::RollBack(connector, roll_back))]
        }
        Deed::LeaveWizard => {
            wizard::drop_it(app);
            Vec::new()
        }
        Deed::QuitOverWizard => quit(app),
        Deed::DiscardDraft(connector) => vec![Effect::Workbench(Ask::Discard(connector))],
    }
}

/// Leaves, or asks what becomes of the engine when it runs in this process.
pub(super) fn quit(app: &mut App) -> Vec<Effect> {
    if app.embedded == Embedded::No {
        return vec![Effect::Leave(Exit::Detach)];
    }
    let item = |key, label: &str, exit| MenuItem {
        key,
        label: label.to_owned(),
        refused: None,
        choice: Choice::Leave(exit),
    };
    app.dialog = Some(Dialog::Menu(Menu {
        title: "The engine runs in this process (Esc stays)".to_owned(),
        items: vec![
            item(
                'h',
                "Hand over to a background `serve`: syncing goes on",
                Exit::HandOver,
            ),
            item(
                's',
                "Stop the engine: what is in flight is finished or requeued, nothing is lost",
                Exit::StopEngine,
            ),
        ],
        selected: 0,
    }));
    Vec::new()
}
