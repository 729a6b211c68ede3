//! Whether an action can be done now, and if not, why not, in words for the person who tried.

use super::action::Action;
use super::app::{App, Link, Screen};
use super::settings::{Embedded, Mode};
use super::wizard::Step;
use crate::api::Role;
use crate::model::Move;

/// The least role that may do it; the engine checks again.
fn role(action: Action) -> Role {
    match action {
        Action::Replay
        | Action::Retry
        | Action::Edit
        | Action::Discard
        | Action::Restore
        | Action::Probe
        | Action::Preview
        | Action::SwitchDirection
        | Action::NextSample
        | Action::PreviousSample
        | Action::ChooseSample
        | Action::PickSample
        | Action::Impact => Role::Support,
        Action::PauseResume
        | Action::RefreshFields
        | Action::RotateToken
        | Action::CopyTriggerUrl
        | Action::AddRule
        | Action::MoveRuleUp
        | Action::MoveRuleDown
        | Action::DeleteRule
        | Action::EditDraft
        | Action::DiscardDraft
        | Action::Publish
        | Action::RecordCase
        | Action::NewConnector
        | Action::ShowFile
        | Action::WriteConnector => Role::Admin,
        _ => Role::Viewer,
    }
}

/// Whether it changes something.
fn changes(action: Action) -> bool {
    matches!(
        action,
        Action::Replay
            | Action::Retry
            | Action::Edit
            | Action::Discard
            | Action::Restore
            | Action::Probe
            | Action::PauseResume
            | Action::RefreshFields
            | Action::RotateToken
            | Action::OpenMapping
            | Action::AddRule
            | Action::MoveRuleUp
            | Action::MoveRuleDown
            | Action::DeleteRule
            | Action::EditDraft
            | Action::DiscardDraft
            | Action::Publish
            | Action::RecordCase
            | Action::NewConnector
            | Action::WriteConnector
    )
}

/// Whether it needs the engine.
fn asks(action: Action) -> bool {
    action != Action::OpenMapping && (changes(action) || role(action) > Role::Viewer)
}

/// Why an action can't be done here and now; `None` when it can.
#[must_use]
pub fn refusal(app: &App, action: Action) -> Option<String> {
    if app.mode == Mode::ReadOnly && changes(action) {
        return Some("this console only looks (read-only mode)".to_owned());
    }
    if let Some(identity) = &app.identity {
        let needed = role(action);
        if identity.role < needed {
            return Some(format!(
                "needs the role {}; {} is {}",
                needed.word(),
                identity.user,
                identity.role.word()
            ));
        }
    }
    if asks(action) && app.link != Link::Live {
        return Some("the engine does not answer".to_owned());
    }
    by_situation(app, action)
}

fn by_situation(app: &App, action: Action) -> Option<String> {
    let refused = |why: &str| Some(why.to_owned());
    match action {
        Action::Retry | Action::Mark | Action::MarkRange | Action::MarkAll
            if nothing_listed(app) =>
        {
            refused("there is nothing in the list")
        }
        Action::Discard | Action::Copy | Action::Edit if nothing_selected(app) => {
            refused("nothing is selected")
        }
        Action::Discard => move_refused(app, Move::Discard),
        Action::Restore => move_refused(app, Move::Restore),
        Action::Probe
        | Action::RefreshFields
        | Action::PauseResume
        | Action::CopyTriggerUrl
        | Action::RotateToken
        | Action::Details
            if app.subject_connector().is_none() =>
        {
            refused("there is no connector")
        }
        Action::AddRule
        | Action::EditDraft
        | Action::Impact
        | Action::Publish
        | Action::PickSample
            if app.workbench().is_some_and(|bench| bench.draft.is_none()) =>
        {
            refused("the mapping is not read yet")
        }
        Action::WriteConnector if is_at(app, Step::Choose) => refused("look at the file first"),
        Action::WriteConnector if app.wizard().is_some_and(|wizard| !wizard.can_be()) => {
            refused("what is wrong must be mended first")
        }
        Action::ShowFile if is_at(app, Step::Preview) => refused("it is shown"),
        Action::Open if is_at(app, Step::Preview) => refused("there is nothing to open"),
        Action::OpenMapping if app.config_directory.is_none() => {
            refused("the config directory is not on this machine")
        }
        Action::LastView if app.previous.is_none() => refused("no other view was open"),
        Action::ShowBulk if app.bulk.is_none() => refused("there was no bulk action yet"),
        Action::ShowLog if app.log_directory.is_none() => {
            refused("the engine's log is not on this machine")
        }
        Action::Suspend if app.embedded == Embedded::Yes => {
            refused("the engine runs in this process and would stop with it")
        }
        _ => None,
    }
}

fn is_at(app: &App, step: Step) -> bool {
    app.wizard().is_some_and(|wizard| wizard.step == step)
}

fn nothing_listed(app: &App) -> bool {
    match app.screens.last() {
        Some(Screen::List(list)) => list.rows.is_empty(),
        Some(_) => false,
        None => app.home.rows.is_empty(),
    }
}

fn nothing_selected(app: &App) -> bool {
    match app.screens.last() {
        Some(Screen::List(list)) => list.selected().is_none(),
        Some(Screen::Transaction(screen)) => screen.row().is_none(),
        Some(Screen::Preview) => app.preview.shown.is_none(),
        Some(_) => false,
        None => match app.home.focus {
            super::app::Pane::Preview => app.preview.shown.is_none(),
            _ => app.selected_group().is_none(),
        },
    }
}

/// Why the state of what is in front does not allow a move. Many marked rows are sorted out one by one.
fn move_refused(app: &App, wanted: Move) -> Option<String> {
    let row = match app.screens.last()? {
        Screen::Transaction(screen) => screen.row()?,
        Screen::List(list) if list.cursor.marks.is_empty() => list.selected()?,
        _ => return None,
    };
    row.state.after(wanted).err().map(|error| error.to_string())
}
