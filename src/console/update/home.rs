//! The first screen: connectors, queues, failure groups.

use super::workbench::{self, Opening};
use super::{bulk, connector, list, movement, open, pane_of, preview, transaction};
use crate::console::action::Action;
use crate::console::app::{App, Intent, Order, Pane, Screen, Zoom};
use crate::console::dialog::{Choice, Dialog, Menu, MenuItem};
use crate::console::filter::Filter;
use crate::console::input::Input;
use crate::console::layout;
use crate::console::message::{Effect, Subject};
use crate::console::rows;
use crate::console::workbench::Chosen;
use crate::engine::QueueKind;
use crate::model::{ConnectorId, Direction, Fingerprint};

/// Carries out an action of the first screen.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if let Some(pane) = pane_of(action) {
        app.home.focus = pane;
        return Vec::new();
    }
    match action {
        Action::NextTab | Action::Right => {
            app.home.focus = neighbour(app.home.focus, 1);
            return Vec::new();
        }
        Action::PreviousTab | Action::Left => {
            app.home.focus = neighbour(app.home.focus, 3);
            return Vec::new();
        }
        Action::Zoom => {
            app.home.zoom = match app.home.zoom {
                Zoom::All => Zoom::Focused,
                Zoom::Focused => Zoom::All,
            };
            return Vec::new();
        }
        Action::Back => {
            take_back(app);
            return Vec::new();
        }
        _ => {}
    }
    match app.home.focus {
        Pane::Connectors => in_connectors(app, action),
        Pane::Queues => in_queues(app, action),
        Pane::Failed => in_failed(app, action),
        Pane::Preview => preview::act(app, action),
    }
}

fn neighbour(pane: Pane, steps: usize) -> Pane {
    let at = (pane as usize + steps) % Pane::ALL.len();
    Pane::ALL.get(at).copied().unwrap_or_default()
}

/// Takes back what narrows the view: marks first, then the filter, then the connector, then the zoom.
fn take_back(app: &mut App) {
    let home = &mut app.home;
    if !home.groups.marks.is_empty() {
        home.groups.clear_marks();
    } else if !home.filter.is_empty() {
        home.filter = Filter::default();
        refresh(app);
    } else if home.only.is_some() {
        home.only = None;
        refresh(app);
    } else {
        home.zoom = Zoom::All;
    }
}

/// Brings the rows in line with overview, filter and order; selections stay on their items.
pub(super) fn refresh(app: &mut App) {
    let Some(overview) = app.overview.clone() else {
        return;
    };
    let home = &mut app.home;
    let gone = |only: &ConnectorId| overview.connectors.iter().all(|view| view.id != *only);
    if home.only.as_ref().is_some_and(gone) {
        home.only = None;
    }
    let connectors: Vec<_> = overview
        .connectors
        .iter()
        .map(|view| view.id.clone())
        .collect();
    home.connectors.follow(&connectors);
    let wanted = home.wanted.as_ref();
    if let Some(at) = connectors.iter().position(|id| Some(id) == wanted) {
        home.connectors.select(&connectors, at);
        home.wanted = None;
    }
    let queues: Vec<_> = overview.queues.iter().map(|queue| queue.kind).collect();
    home.queues.follow(&queues);
    let in_sight = overview.groups.iter().filter(|group| {
        let wanted = home.only.as_ref();
        wanted.is_none_or(|only| group.connector == *only) && home.filter.passes(*group)
    });
    home.rows = in_sight.cloned().collect();
    let (sort, order) = (home.sort, home.order);
    home.rows
        .sort_by(|one, other| rows::compare_groups(sort, order, one, other));
    let keys = group_keys(app);
    app.home.groups.follow(&keys);
    let all: Vec<_> = overview
        .groups
        .iter()
        .map(|group| &group.fingerprint)
        .collect();
    app.home.groups.marks.retain(|mark| all.contains(&mark));
}

fn group_keys(app: &App) -> Vec<Fingerprint> {
    let rows = app.home.rows.iter();
    rows.map(|group| group.fingerprint.clone()).collect()
}

/// Selects a row of a pane.
pub(super) fn select(app: &mut App, pane: Pane, index: usize) {
    let connectors: Vec<_> = app
        .connectors()
        .iter()
        .map(|view| view.id.clone())
        .collect();
    match pane {
        Pane::Connectors => app.home.connectors.select(&connectors, index),
        Pane::Queues => {
            let keys = queue_keys(app);
            app.home.queues.select(&keys, index);
        }
        Pane::Failed => {
            let keys = group_keys(app);
            app.home.groups.select(&keys, index);
        }
        Pane::Preview => app.preview.line = index,
    }
}

fn queue_keys(app: &App) -> Vec<QueueKind> {
    app.overview.as_ref().map_or_else(Vec::new, |overview| {
        overview.queues.iter().map(|queue| queue.kind).collect()
    })
}

/// Moves the selection of a pane.
pub(super) fn step(app: &mut App, pane: Pane, rows: isize) {
    let at = match pane {
        Pane::Connectors => app.home.connectors.index(),
        Pane::Queues => app.home.queues.index(),
        Pane::Failed => app.home.groups.index(),
        Pane::Preview => app.preview.line,
    };
    select(app, pane, at.saturating_add_signed(rows));
}

fn moved(app: &mut App, action: Action) -> bool {
    let focus = app.home.focus;
    let area = layout::panes(app)
        .into_iter()
        .find(|(pane, _)| *pane == focus);
    let rows = area.map_or(1, |(_, area)| usize::from(area.height.saturating_sub(3)));
    match movement(action, rows) {
        Some(by) => {
            step(app, focus, by);
            true
        }
        None => false,
    }
}

fn in_connectors(app: &mut App, action: Action) -> Vec<Effect> {
    if moved(app, action) {
        return Vec::new();
    }
    let Some(id) = app.home.connectors.selected().cloned() else {
        return Vec::new();
    };
    match action {
        Action::Open if app.home.only.as_ref() == Some(&id) => connector::open(app, id),
        Action::Open => {
            app.home.only = Some(id);
            refresh(app);
            Vec::new()
        }
        Action::Details => connector::open(app, id),
        Action::Preview => preview::pin(app, Subject::Latest(id, Direction::Inbound)),
        _ => connector::on(app, action, id),
    }
}

fn in_queues(app: &mut App, action: Action) -> Vec<Effect> {
    if moved(app, action) {
        return Vec::new();
    }
    match (action, app.home.queues.selected().copied()) {
        (Action::Open, Some(kind)) => list::open_queue(app, kind),
        _ => Vec::new(),
    }
}

fn in_failed(app: &mut App, action: Action) -> Vec<Effect> {
    if moved(app, action) {
        return Vec::new();
    }
    let group = app.selected_group().cloned();
    match action {
        Action::Open => group.map_or_else(Vec::new, |group| list::open_group(app, &group)),
        Action::Mark => {
            app.home.groups.toggle_mark();
            step(app, Pane::Failed, 1);
            Vec::new()
        }
        Action::MarkRange => {
            let keys = group_keys(app);
            app.home.groups.mark_range(&keys);
            Vec::new()
        }
        Action::MarkAll => {
            let keys = group_keys(app);
            app.home.groups.marks.extend(keys);
            Vec::new()
        }
        Action::ClearMarks => {
            app.home.groups.clear_marks();
            Vec::new()
        }
        Action::Filter => {
            app.filtering = Some(Input::new(app.home.filter.text()));
            Vec::new()
        }
        Action::Sort | Action::ReverseSort => {
            sort(app, action);
            Vec::new()
        }
        Action::Retry | Action::Discard => bulk::over_groups(app, action),
        Action::Edit => group.map_or_else(Vec::new, |group| {
            transaction::open(app, group.latest, vec!["Failed".into()], Intent::Edit)
        }),
        Action::OpenMapping => group.map_or_else(Vec::new, |group| {
            let direction = preview::direction_of(app, group.latest);
            let rule = group.rule.map(|rule| (direction, rule));
            preview::open_mapping(app, &group.connector, rule)
        }),
        Action::OpenWorkbench => group.map_or_else(Vec::new, |group| {
            let direction = preview::direction_of(app, group.latest);
            let opening = Opening {
                direction,
                sample: Some(Chosen::Transaction(
                    group.latest,
                    "the latest of this failure".into(),
                )),
                rule: group.rule,
                ..Opening::of_connector(group.connector)
            };
            workbench::open(app, opening)
        }),
        Action::Preview => group.map_or_else(Vec::new, |group| {
            preview::pin(app, Subject::Transaction(group.latest, None))
        }),
        Action::Copy => {
            if let Some(group) = group {
                let item = |key, label: &str, what, text: String| MenuItem {
                    key,
                    label: label.to_owned(),
                    refused: None,
                    choice: Choice::Copy(what, text),
                };
                app.dialog = Some(Dialog::Menu(Menu {
                    title: "Copy".to_owned(),
                    items: vec![
                        item(
                            'i',
                            "id of the latest transaction",
                            "the id",
                            group.latest.to_string(),
                        ),
                        item('c', "cause", "the cause", group.cause),
                    ],
                    selected: 0,
                }));
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn sort(app: &mut App, action: Action) {
    let home = &mut app.home;
    if action == Action::Sort {
        home.sort = home.sort.next();
        home.order = Order::Natural;
    } else {
        home.order = match home.order {
            Order::Natural => Order::Reversed,
            Order::Reversed => Order::Natural,
        };
    }
    refresh(app);
}

/// Opens the mapping preview on the whole screen.
pub(super) fn open_preview(app: &mut App) {
    if !matches!(app.screens.last(), Some(Screen::Preview)) {
        open(app, Screen::Preview);
    }
}
