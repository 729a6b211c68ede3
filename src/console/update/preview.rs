//! The mapping preview: what it is of, and when it is asked for anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{home, movement};
use crate::api::Role;
use crate::console::action::Action;
use crate::console::app::{App, Link, Mood, Standing};
use crate::console::dialog::{Choice, Dialog, Menu, MenuItem, Prompt, Purpose};
use crate::console::input::Input;
use crate::console::layout;
use crate::console::message::{Effect, Previewed, Subject};
use crate::console::remote::RemoteResult;
use crate::model::{ConnectorId, Direction, RecordId, TransactionId};

/// How long a selection must rest before its preview is asked for.
const REST: Duration = Duration::from_millis(120);

/// Shows the preview of something chosen on the whole screen.
pub(super) fn pin(app: &mut App, subject: Subject) -> Vec<Effect> {
    app.preview.pinned = Some(subject);
    home::open_preview(app);
    Vec::new()
}

/// What the preview should be of now.
fn subject(app: &App) -> Option<Subject> {
    if let Some(pinned) = &app.preview.pinned {
        return Some(pinned.clone());
    }
    if let Some(group) = app.selected_group() {
        return Some(Subject::Transaction(group.latest, None));
    }
    let connector = app.home.only.as_ref().or(app.home.connectors.selected());
    connector.map(|id| Subject::Latest(id.clone(), Direction::Inbound))
}

/// Asks for a preview when what it should be of is not what was asked for last.
pub(super) fn wanted(app: &mut App) -> Vec<Effect> {
    let may = app
        .identity
        .as_ref()
        .is_some_and(|who| who.role >= Role::Support);
    if app.link != Link::Live || !may || !layout::shows_preview(app) {
        return Vec::new();
    }
    let subject = subject(app);
    if subject == app.preview.subject {
        return Vec::new();
    }
    app.preview.subject = subject;
    app.preview.line = 0;
    ask(app)
}

fn ask(app: &mut App) -> Vec<Effect> {
    app.preview.number += 1;
    let Some(subject) = app.preview.subject.clone() else {
        app.preview.shown = None;
        return Vec::new();
    };
    app.preview.standing = Standing::Asked;
    vec![Effect::Preview(app.preview.number, subject, REST)]
}

/// Takes a preview; an older one than was asked for last is dropped.
pub(super) fn previewed(
    app: &mut App,
    number: u64,
    result: RemoteResult<Box<Previewed>>,
) -> Vec<Effect> {
    if number != app.preview.number {
        return Vec::new();
    }
    let preview = &mut app.preview;
    preview.standing = Standing::Settled;
    match result {
        Ok(shown) => {
            let same = preview.shown.as_ref().is_some_and(|old| {
                old.connector == shown.connector && old.direction == shown.direction
            });
            if !same {
                preview.samples.clear();
            }
            preview.problem = None;
            preview.shown = Some(shown);
        }
        Err(error) => {
            // A preview of something else must not pass for this one.
            let other = preview.shown.as_ref().is_some_and(|old| {
                let wanted = preview.subject.as_ref();
                wanted.is_some_and(|subject| !is_of(subject, old))
            });
            if other {
                preview.shown = None;
            }
            preview.problem = Some(error.to_string());
        }
    }
    Vec::new()
}

fn is_of(subject: &Subject, shown: &Previewed) -> bool {
    match subject {
        Subject::Transaction(id, _) => shown.transaction == Some(*id),
        Subject::Record(connector, direction, _) | Subject::Latest(connector, direction) => {
            shown.connector == *connector && shown.direction == *direction
        }
    }
}

/// Asks anew when the mapping in front was saved; loads the theme anew when one was.
pub(super) fn files_changed(app: &mut App, paths: &[PathBuf]) -> Vec<Effect> {
    let within =
        |path: &Path, folder: &str| path.components().any(|part| part.as_os_str() == folder);
    let mut effects = Vec::new();
    if paths.iter().any(|path| within(path, "themes")) {
        effects.push(Effect::LoadTheme);
    }
    let mapping = app
        .preview
        .shown
        .as_ref()
        .map(|shown| shown.connector.as_str());
    let concerned = paths.iter().any(|path| {
        let script = path.extension().is_some_and(|ending| ending != "toml");
        let own = path.file_stem().and_then(|stem| stem.to_str()) == mapping;
        within(path, "mappings") && (script || own || mapping.is_none())
    });
    if concerned && app.link == Link::Live && layout::shows_preview(app) {
        effects.extend(ask(app));
    } else if concerned {
        // Out of sight: asked for when it comes into sight again.
        app.preview.subject = None;
    }
    effects
}

/// The direction of a transaction, as far as is known.
pub(super) fn direction_of(app: &App, id: TransactionId) -> Direction {
    let failed = app.overview.iter().flat_map(|overview| &overview.failed);
    let known = failed.filter(|row| row.id == id).map(|row| row.direction);
    let shown = app.preview.shown.as_ref();
    let previewed = shown.filter(|shown| shown.transaction == Some(id));
    known
        .chain(previewed.map(|shown| shown.direction))
        .next()
        .unwrap_or(Direction::Inbound)
}

/// Opens the mapping file of a connector in the editor.
pub(super) fn open_mapping(
    app: &mut App,
    connector: &ConnectorId,
    rule: Option<(Direction, usize)>,
) -> Vec<Effect> {
    match &app.config_directory {
        Some(directory) => {
            let path = directory.join("mappings").join(format!("{connector}.toml"));
            vec![Effect::EditMapping(path, rule)]
        }
        None => Vec::new(),
    }
}

/// Carries out an action of the preview, as a pane or full-screen.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let lines = app
        .preview
        .shown
        .as_ref()
        .map_or(0, |shown| shown.result.fields.len());
    let height = layout::parts(app).body.height.saturating_sub(3);
    if let Some(by) = movement(action, usize::from(height)) {
        let line = app.preview.line.saturating_add_signed(by);
        app.preview.line = line.min(lines.saturating_sub(1));
        return Vec::new();
    }
    match action {
        Action::Preview | Action::Open => {
            app.preview.pinned = app.preview.subject.clone();
            home::open_preview(app);
            Vec::new()
        }
        Action::SwitchDirection => switch_direction(app),
        Action::NextSample => next_sample(app, 1),
        Action::PreviousSample => next_sample(app, -1),
        Action::ChooseSample => {
            app.dialog = Some(Dialog::Prompt(Prompt {
                title: "Preview a record".to_owned(),
                label: "record id".to_owned(),
                input: Input::default(),
                purpose: Purpose::Sample,
            }));
            Vec::new()
        }
        Action::OpenMapping => open_selected_rule(app),
        Action::OpenWorkbench => super::workbench::open_from_preview(app),
        Action::Copy => {
            copy(app);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn open_selected_rule(app: &mut App) -> Vec<Effect> {
    let Some(shown) = &app.preview.shown else {
        return Vec::new();
    };
    let field = shown.result.fields.get(app.preview.line);
    let rule = field.map(|field| (shown.direction, field.rule));
    let connector = shown.connector.clone();
    open_mapping(app, &connector, rule)
}

fn place(app: &App) -> Option<(ConnectorId, Direction)> {
    if let Some(shown) = &app.preview.shown {
        return Some((shown.connector.clone(), shown.direction));
    }
    match app.preview.subject.as_ref()? {
        Subject::Record(connector, direction, _) | Subject::Latest(connector, direction) => {
            Some((connector.clone(), *direction))
        }
        Subject::Transaction(..) => None,
    }
}

fn switch_direction(app: &mut App) -> Vec<Effect> {
    if let Some((connector, direction)) = place(app) {
        let other = match direction {
            Direction::Inbound => Direction::Outbound,
            Direction::Outbound => Direction::Inbound,
        };
        app.preview.pinned = Some(Subject::Latest(connector, other));
    }
    Vec::new()
}

fn next_sample(app: &mut App, by: isize) -> Vec<Effect> {
    let Some((connector, direction)) = place(app) else {
        return Vec::new();
    };
    if app.preview.samples.is_empty() {
        app.preview.wanted_sample = Some(by);
        return vec![Effect::Samples(connector, direction)];
    }
    let shown = app
        .preview
        .shown
        .as_ref()
        .and_then(|shown| shown.transaction);
    let samples = &app.preview.samples;
    let at = shown.and_then(|id| samples.iter().position(|other| *other == id));
    let next = match at {
        Some(at) => at.saturating_add_signed(by).min(samples.len() - 1),
        None => 0,
    };
    match samples.get(next) {
        Some(id) if at != Some(next) => {
            app.preview.pinned = Some(Subject::Transaction(*id, Some(direction)));
        }
        _ => app.tell(Mood::Bad, "there is no further sample"),
    }
    Vec::new()
}

/// Takes the samples there are.
pub(super) fn samples(
    app: &mut App,
    connector: &ConnectorId,
    direction: Direction,
    rows: RemoteResult<Vec<TransactionId>>,
) -> Vec<Effect> {
    if place(app).as_ref() != Some(&(connector.clone(), direction)) {
        return Vec::new();
    }
    match rows {
        Ok(rows) => app.preview.samples = rows,
        Err(error) => app.tell(Mood::Bad, error.to_string()),
    }
    match app.preview.wanted_sample.take() {
        Some(by) if !app.preview.samples.is_empty() => next_sample(app, by),
        Some(_) => {
            app.tell(
                Mood::Bad,
                "no transaction of this connector and direction is stored",
            );
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Previews a record by its id.
pub(super) fn choose(app: &mut App, record: &str) -> Vec<Effect> {
    let record = record.trim();
    if let (Some((connector, direction)), false) = (place(app), record.is_empty()) {
        app.preview.pinned = Some(Subject::Record(connector, direction, RecordId::new(record)));
    }
    Vec::new()
}

fn copy(app: &mut App) {
    let Some(shown) = &app.preview.shown else {
        return;
    };
    let json = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let item = |key, label: &str, what, text| MenuItem {
        key,
        label: label.to_owned(),
        refused: None,
        choice: Choice::Copy(what, text),
    };
    let output = serde_json::Value::Object(shown.result.output.clone());
    app.dialog = Some(Dialog::Menu(Menu {
        title: "Copy".to_owned(),
        items: vec![
            item('o', "output", "the output", json(&output)),
            item('s', "source", "the source", json(&shown.result.source)),
        ],
        selected: 0,
    }));
}
