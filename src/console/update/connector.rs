//! Acting on a connector, and its details.

use super::workbench::{self, Opening};
use super::{movement, preview};
use crate::console::action::Action;
use crate::console::app::{App, ConnectorScreen, Mood, Screen};
use crate::console::dialog::{Confirm, Deed, Dialog, Notice};
use crate::console::document::{Document, Line};
use crate::console::facts;
use crate::console::message::{Effect, Subject};
use crate::console::remote::RemoteResult;
use crate::console::theme::Tone;
use crate::engine::ConnectorState;
use crate::model::{ConnectorId, Direction, State};
use crate::platform::Probe;

/// Opens the details of a connector.
pub(super) fn open(app: &mut App, id: ConnectorId) -> Vec<Effect> {
    let document = Document::default();
    super::open(app, Screen::Connector(ConnectorScreen { id, document }));
    refresh(app);
    Vec::new()
}

/// Brings the details in line with the overview.
pub(super) fn refresh(app: &mut App) {
    let lines = match app.screens.last() {
        Some(Screen::Connector(screen)) => app.connector(&screen.id).map_or_else(
            || vec![Line::of(Tone::Warn, "this connector is no more")],
            |view| facts::connector(app, view),
        ),
        _ => return,
    };
    if let Some(Screen::Connector(screen)) = app.screens.last_mut() {
        screen.document.replace(lines);
    }
}

/// Carries out an action of the details screen.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let Some(Screen::Connector(screen)) = app.screens.last_mut() else {
        return Vec::new();
    };
    if let Some(lines) = movement(action, screen.document.rows()) {
        screen.document.scroll(lines);
        return Vec::new();
    }
    let id = screen.id.clone();
    if action == Action::Preview {
        return preview::pin(app, Subject::Latest(id, Direction::Inbound));
    }
    on(app, action, id)
}

/// Carries out an action on a connector.
pub(super) fn on(app: &mut App, action: Action, id: ConnectorId) -> Vec<Effect> {
    match action {
        Action::Probe => {
            app.tell(Mood::Good, format!("testing {id}"));
            vec![Effect::Probe(id)]
        }
        Action::RefreshFields => {
            app.tell(Mood::Good, format!("reading the fields of {id}"));
            vec![Effect::RefreshFields(id)]
        }
        Action::PauseResume => {
            ask_pause(app, id);
            Vec::new()
        }
        Action::CopyTriggerUrl => vec![Effect::TriggerUrl(id)],
        Action::RotateToken => {
            let lines = [
                format!("{id} gets a new trigger address."),
                "The old one is refused from that moment on: until the platform is told the new one, its triggers are lost to us and only catch-up finds what changed.".to_owned(),
            ];
            let title = format!("Rotate the trigger token of {id}?");
            let question = Confirm::new(title, &lines, Deed::RotateToken(id));
            app.dialog = Some(Dialog::Confirm(question));
            Vec::new()
        }
        Action::OpenMapping => preview::open_mapping(app, &id, None),
        Action::OpenWorkbench => workbench::open(app, Opening::of_connector(id)),
        _ => Vec::new(),
    }
}

fn ask_pause(app: &mut App, id: ConnectorId) {
    let Some(view) = app.connector(&id) else {
        return;
    };
    let both = |state| view.inbound.of(state) + view.outbound.of(state);
    let paused = matches!(view.state, ConnectorState::Paused | ConnectorState::Held);
    let question = if paused {
        let held = both(State::Held);
        let lines = [format!(
            "Its {held} held transactions are tried again, oldest first."
        )];
        Confirm::new(format!("Resume {id}?"), &lines, Deed::Resume(id))
    } else {
        let waiting = both(State::Queued) + both(State::Retrying) + both(State::Processing);
        let lines = [
            format!("Its {waiting} waiting transactions are held, and so is whatever comes in."),
            "Nothing is lost. Triggers are still accepted.".to_owned(),
        ];
        Confirm::new(format!("Pause {id}?"), &lines, Deed::Pause(id))
    };
    app.dialog = Some(Dialog::Confirm(question));
}

/// Shows what a check found.
pub(super) fn probed(
    app: &mut App,
    connector: &ConnectorId,
    probe: RemoteResult<Probe>,
) -> Vec<Effect> {
    let probe = match probe {
        Ok(probe) => probe,
        Err(error) => {
            app.tell(Mood::Bad, format!("{connector}: {error}"));
            return Vec::new();
        }
    };
    let mut lines = Vec::new();
    for check in &probe.checks {
        match &check.failure {
            None => lines.push(
                Line::of(Tone::Ok, format!("{} {}", app.glyphs.ok, check.what))
                    .with(Tone::Dim, format!("  {}", check.detail))
                    .hanging(4),
            ),
            Some(failure) => {
                lines.push(
                    Line::of(
                        Tone::Failed,
                        format!("{} {}", app.glyphs.failed, check.what),
                    )
                    .with(Tone::Text, format!("  {}", failure.cause))
                    .hanging(4),
                );
                if let Some(hint) = &failure.hint {
                    lines.push(Line::of(Tone::Dim, format!("    {hint}")).hanging(4));
                }
            }
        }
    }
    let verdict = if probe.is_good() {
        "works"
    } else {
        "does not work"
    };
    if lines.is_empty() {
        lines.push(Line::of(Tone::Dim, "nothing was there to be checked"));
    }
    let title = format!("{connector} {verdict}");
    if app.dialog.is_none() {
        app.dialog = Some(Dialog::Notice(Notice::new(title, lines)));
    } else {
        // What a person is at is not covered by something that took its time.
        app.tell(
            if probe.is_good() {
                Mood::Good
            } else {
                Mood::Bad
            },
            title,
        );
    }
    Vec::new()
}

/// Copies a trigger address.
pub(super) fn trigger_url(
    app: &mut App,
    connector: &ConnectorId,
    url: RemoteResult<String>,
) -> Vec<Effect> {
    match url {
        Ok(url) => vec![Effect::Copy("the trigger address", url)],
        Err(error) => {
            app.tell(Mood::Bad, format!("{connector}: {error}"));
            Vec::new()
        }
    }
}

/// Shows and copies a new trigger address.
pub(super) fn rotated(
    app: &mut App,
    connector: &ConnectorId,
    url: RemoteResult<String>,
) -> Vec<Effect> {
    match url {
        Ok(url) => {
            let lines = vec![
                Line::of(
                    Tone::Text,
                    "Give the platform this address; the old one is refused now.",
                ),
                Line::default(),
                Line::of(Tone::Accent, &*url),
            ];
            let title = format!("New trigger address of {connector}");
            app.dialog = Some(Dialog::Notice(Notice::new(title, lines)));
            vec![Effect::Copy("the new trigger address", url)]
        }
        Err(error) => {
            app.tell(Mood::Bad, format!("{connector}: {error}"));
            Vec::new()
        }
    }
}
