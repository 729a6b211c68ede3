//! The versions that were in force: looking at one, and bringing it back.

use crossterm::event::{KeyCode, KeyEvent};

use super::{may_edit, movement};
use crate::console::action::{Action, Place};
use crate::console::app::{App, Loadable, Mood};
use crate::console::dialog::{Confirm, Deed, Dialog};
use crate::console::document::{Document, Line};
use crate::console::format;
use crate::console::json;
use crate::console::keymap::Key;
use crate::console::message::Effect;
use crate::console::remote::RemoteResult;
use crate::console::rights;
use crate::console::theme::Tone;
use crate::console::view;
use crate::console::workbench::Ask;
use crate::console::workbench::compare::compare;
use crate::console::workbench::versions::{Face, Opened, Versions, short};
use crate::engine::RollBack;
use crate::model::{ConnectorId, MappingVersion};
use crate::store::MappingEntry;

/// Shows the versions.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let Some(bench) = app.workbench() else {
        return Vec::new();
    };
    let connector = bench.connector.clone();
    app.dialog = Some(Dialog::Versions(Versions::default()));
    vec![Effect::Workbench(Ask::History(connector))]
}

fn is_front(app: &App, connector: &ConnectorId) -> bool {
    app.workbench()
        .is_some_and(|bench| bench.connector == *connector)
}

/// Takes the versions.
pub(super) fn history(
    app: &mut App,
    connector: &ConnectorId,
    entries: RemoteResult<Vec<MappingEntry>>,
) -> Vec<Effect> {
    let front = is_front(app, connector);
    if let Some(Dialog::Versions(versions)) = &mut app.dialog
        && front
    {
        versions.entries = match entries {
            Ok(entries) => Loadable::Ready(entries),
            Err(error) => Loadable::Failed(error.to_string()),
        };
    }
    Vec::new()
}

/// Takes the text of a version.
pub(super) fn text(
    app: &mut App,
    connector: &ConnectorId,
    version: &MappingVersion,
    text: RemoteResult<String>,
) -> Vec<Effect> {
    let front = is_front(app, connector);
    if let Some(Dialog::Versions(Versions {
        opened: Some(opened),
        ..
    })) = &mut app.dialog
        && front
        && opened.version == *version
    {
        opened.text = match text {
            Ok(text) => Loadable::Ready(text),
            Err(error) => Loadable::Failed(error.to_string()),
        };
    }
    lay_out(app);
    Vec::new()
}

fn lay_out(app: &mut App) {
    let Some(known) = app.workbench().and_then(|bench| bench.bench.ready()) else {
        return;
    };
    let (in_force, ellipsis) = (known.text.clone(), app.glyphs.ellipsis);
    let Some(Dialog::Versions(Versions {
        opened: Some(opened),
        ..
    })) = &mut app.dialog
    else {
        return;
    };
    let lines = match (&opened.text, opened.face) {
        (Loadable::Loading, _) => vec![Line::of(Tone::Dim, "reading")],
        (Loadable::Failed(why), _) => vec![Line::of(Tone::Failed, why)],
        (Loadable::Ready(text), Face::Whole) => json::plain(text),
        (Loadable::Ready(text), Face::Difference) => {
            let lines = compare(text, &in_force, ellipsis);
            if lines.is_empty() {
                vec![Line::of(Tone::Ok, "the same as the file says now")]
            } else {
                lines
            }
        }
    };
    opened.document.replace(lines);
}

/// Scrolls the text of a version.
pub(in crate::console::update) fn scroll(versions: &mut Versions, by: isize) {
    match &mut versions.opened {
        Some(opened) => opened.document.scroll(by),
        None => versions.selected = versions.selected.saturating_add_signed(by),
    }
}

/// Takes a key while the versions are shown.
pub(in crate::console::update) fn press(
    app: &mut App,
    mut versions: Versions,
    event: KeyEvent,
) -> Vec<Effect> {
    match event.code {
        KeyCode::Esc | KeyCode::Char('q') if versions.opened.is_some() => versions.opened = None,
        KeyCode::Esc | KeyCode::Char('q') => return Vec::new(),
        KeyCode::Char('R') => {
            let entry = versions.entry().cloned();
            app.dialog = Some(Dialog::Versions(versions));
            if let Some(entry) = entry {
                ask_roll_back(app, &entry);
            }
            return Vec::new();
        }
        KeyCode::Enter if versions.opened.is_none() => return read(app, versions),
        KeyCode::Enter | KeyCode::Char('t' | 'v') => {
            if let Some(opened) = &mut versions.opened {
                opened.face = match opened.face {
                    Face::Difference => Face::Whole,
                    Face::Whole => Face::Difference,
                };
            }
        }
        _ => {
            let action = app.keymap.action(Key::of(event), Place::Connectors);
            let rows = usize::from(view::dialog_area(app).height.saturating_sub(3));
            if let Some(by) = action.and_then(|action| movement(action, rows)) {
                scroll(&mut versions, by);
            }
        }
    }
    app.dialog = Some(Dialog::Versions(versions));
    lay_out(app);
    Vec::new()
}

fn read(app: &mut App, mut versions: Versions) -> Vec<Effect> {
    let version = versions.entry().map(|entry| entry.version.clone());
    let connector = app.workbench().map(|bench| bench.connector.clone());
    let (Some(version), Some(connector)) = (version, connector) else {
        app.dialog = Some(Dialog::Versions(versions));
        return Vec::new();
    };
    versions.opened = Some(Opened {
        version: version.clone(),
        text: Loadable::Loading,
        face: Face::Difference,
        document: Document::default(),
    });
    app.dialog = Some(Dialog::Versions(versions));
    lay_out(app);
    vec![Effect::Workbench(Ask::Text(connector, version))]
}

fn ask_roll_back(app: &mut App, entry: &MappingEntry) {
    if !may_edit(app) {
        if let Some(why) = rights::refusal(app, Action::Publish) {
            app.tell(Mood::Bad, format!("roll back: {why}"));
        }
        return;
    }
    let Some(bench) = app.workbench() else { return };
    let Some(known) = bench.bench.ready() else {
        return;
    };
    if known.version == entry.version {
        app.tell(Mood::Bad, "that version is in force");
        return;
    }
    let by = entry.by.as_deref().unwrap_or("a changed file");
    let since = format::full(entry.since);
    let mut lines = vec![
        format!(
            "{} (by {by}, {since}) is written to {} and is in force at once.",
            short(&entry.version),
            known.file.display()
        ),
        format!(
            "{} is no longer in force; it stays in the list.",
            short(&known.version)
        ),
    ];
    if bench
        .draft
        .as_ref()
        .is_some_and(|draft| !draft.is_as_filed())
    {
        lines.push("Your draft is kept; it was begun from another version then.".to_owned());
    }
    let roll_back = RollBack {
        to: entry.version.clone(),
        seen: known.version.clone(),
    };
    let deed = Deed::RollBack(bench.connector.clone(), roll_back);
    let title = format!("Roll back to {}?", short(&entry.version));
    app.dialog = Some(Dialog::Confirm(Confirm::new(title, &lines, deed)));
}

/// Takes that an earlier version is in force again, or not.
pub(super) fn rolled_back(
    app: &mut App,
    connector: &ConnectorId,
    entry: RemoteResult<MappingEntry>,
) -> Vec<Effect> {
    match entry {
        Ok(entry) => {
            let text = format!("{connector} is back at {}", short(&entry.version));
            app.tell(Mood::Good, text);
        }
        Err(error) => app.tell(Mood::Bad, error.to_string()),
    }
    vec![Effect::Workbench(Ask::Bench(connector.clone()))]
}
