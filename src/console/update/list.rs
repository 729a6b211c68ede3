//! Lists of transactions: read page by page, filtered and sorted here.

use super::workbench::{self, Opening};
use super::{bulk, movement, open, preview, transaction};
use crate::console::action::Action;
use crate::console::app::{
    App, Asked, Freshness, Intent, ListScreen, Order, RowSort, Screen, Source,
};
use crate::console::dialog::{Choice, Dialog, Menu, MenuItem};
use crate::console::filter::Filter;
use crate::console::input::Input;
use crate::console::layout;
use crate::console::message::{Effect, Search, Subject};
use crate::console::remote::RemoteResult;
use crate::console::rows;
use crate::engine::QueueKind;
use crate::model::{Direction, State, Transaction};
use crate::store::{FailureGroup, ListOrder, ListQuery, Page};

/// Rows asked for at once.
pub(crate) const PAGE: usize = 200;

/// Rows read anew at once when something changed.
const MOST_REREAD: usize = 1_000;

/// Opens a list and asks for its first page.
pub(super) fn open_list(app: &mut App, title: String, source: Source) -> Vec<Effect> {
    let mut screen = ListScreen::new(title, source);
    let ticket = app.ticket();
    let effect = ask(&mut screen, ticket);
    open(app, Screen::List(Box::new(screen)));
    vec![effect]
}

fn ask(screen: &mut ListScreen, ticket: u64) -> Effect {
    screen.asked = Some(Asked::Anew(ticket));
    screen.freshness = Freshness::Fresh;
    match &screen.source {
        Source::Query(query) => {
            let limit = screen.items.len().clamp(PAGE, MOST_REREAD);
            Effect::List(
                ticket,
                ListQuery {
                    limit,
                    ..query.clone()
                },
            )
        }
        Source::Search(search) => Effect::Search(ticket, search.clone()),
    }
}

/// Opens a failure group as a list.
pub(super) fn open_group(app: &mut App, group: &FailureGroup) -> Vec<Effect> {
    let title = format!("{} {} {}", group.connector, app.glyphs.crumb, group.cause);
    open_list(app, title, Source::Query(of_group(group)))
}

/// What a failure group consists of.
pub(super) fn of_group(group: &FailureGroup) -> ListQuery {
    ListQuery {
        fingerprint: Some(group.fingerprint.clone()),
        connector: Some(group.connector.clone()),
        states: vec![State::Dead],
        limit: PAGE,
        ..ListQuery::default()
    }
}

/// Opens a queue as a list.
pub(super) fn open_queue(app: &mut App, kind: QueueKind) -> Vec<Effect> {
    let (state, direction, title) = match kind {
        QueueKind::Inbound => (State::Queued, Some(Direction::Inbound), "Inbound queue"),
        QueueKind::Outbound => (State::Queued, Some(Direction::Outbound), "Outbound queue"),
        QueueKind::Processing => (State::Processing, None, "Processing"),
        QueueKind::Retry => (State::Retrying, None, "Waiting to retry"),
        QueueKind::Held => (State::Held, None, "Held"),
        QueueKind::Dead => (State::Dead, None, "Dead letter queue"),
    };
    let connector = app.home.only.clone();
    let title = match &connector {
        Some(id) => format!("{title} of {id}"),
        None => title.to_owned(),
    };
    let query = ListQuery {
        connector,
        states: vec![state],
        direction,
        limit: PAGE,
        ..ListQuery::default()
    };
    open_list(app, title, Source::Query(query))
}

/// Opens what a search finds.
pub(super) fn open_search(app: &mut App, title: String, search: Search) -> Vec<Effect> {
    open_list(app, title, Source::Search(search))
}

/// Reads the list in front anew.
pub(super) fn reread(app: &mut App) -> Vec<Effect> {
    let ticket = app.ticket();
    match app.screens.last_mut() {
        Some(Screen::List(screen))
            if screen.asked.is_none() && matches!(screen.source, Source::Query(_)) =>
        {
            vec![ask(screen, ticket)]
        }
        _ => Vec::new(),
    }
}

/// Asks for the next page when the selection nears the end of what was read.
pub(super) fn more(app: &mut App) -> Vec<Effect> {
    const NEAR: usize = 50;
    let ticket = app.tickets + 1;
    let Some(Screen::List(screen)) = app.screens.last_mut() else {
        return Vec::new();
    };
    let near_end = screen.cursor.index() + NEAR >= screen.rows.len();
    let (Some(after), None, true) = (screen.next, screen.asked, near_end) else {
        return Vec::new();
    };
    let Source::Query(query) = &screen.source else {
        return Vec::new();
    };
    if screen.problem.is_some() {
        return Vec::new();
    }
    let query = ListQuery {
        after: Some(after),
        limit: PAGE,
        ..query.clone()
    };
    screen.asked = Some(Asked::More(ticket));
    app.tickets = ticket;
    vec![Effect::List(ticket, query)]
}

/// Takes a page.
pub(super) fn listed(
    app: &mut App,
    ticket: u64,
    page: RemoteResult<Page<Transaction>>,
) -> Vec<Effect> {
    let screens = app.screens.iter_mut().rev();
    let found = screens.filter_map(|screen| match screen {
        Screen::List(list) => Some(list),
        _ => None,
    });
    for screen in found {
        match screen.asked {
            Some(Asked::Anew(asked)) if asked == ticket => screen.asked = None,
            Some(Asked::More(asked)) if asked == ticket => {
                screen.asked = None;
                if let Ok(page) = page {
                    screen.items.extend(page.items);
                    screen.next = page.next;
                    arrange(screen);
                }
                return Vec::new();
            }
            _ => continue,
        }
        match page {
            Ok(page) => {
                screen.items = page.items;
                screen.next = page.next;
                screen.problem = None;
                arrange(screen);
            }
            Err(error) => screen.problem = Some(error.to_string()),
        }
        return Vec::new();
    }
    Vec::new()
}

/// Brings the rows in line with filter and order.
pub(super) fn arrange(screen: &mut ListScreen) {
    let items = &screen.items;
    let mut shown: Vec<usize> = (0..items.len())
        .filter(|place| {
            items
                .get(*place)
                .is_some_and(|row| screen.filter.passes(row))
        })
        .collect();
    let by_store = screen.sort == RowSort::Accepted && matches!(screen.source, Source::Query(_));
    if !by_store {
        let (sort, order) = (screen.sort, screen.order);
        shown.sort_by(|one, other| match (items.get(*one), items.get(*other)) {
            (Some(one), Some(other)) => rows::compare_rows(sort, order, one, other),
            _ => one.cmp(other),
        });
    }
    screen.keys = shown
        .iter()
        .filter_map(|place| items.get(*place).map(|row| row.id))
        .collect();
    screen.rows = shown;
    screen.cursor.follow(&screen.keys);
}

/// Carries out an action of a list.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let height = layout::parts(app).body.height.saturating_sub(3);
    let Some(Screen::List(screen)) = app.screens.last_mut() else {
        return Vec::new();
    };
    if let Some(by) = movement(action, usize::from(height)) {
        let keys = &screen.keys;
        screen.cursor.step(keys, by);
        return Vec::new();
    }
    let selected = screen.selected().cloned();
    match action {
        Action::Mark => {
            screen.cursor.toggle_mark();
            screen.cursor.step(&screen.keys, 1);
        }
        Action::MarkRange => screen.cursor.mark_range(&screen.keys),
        Action::MarkAll => return bulk::mark_all(app),
        Action::ClearMarks => screen.cursor.clear_marks(),
        Action::Filter => app.filtering = Some(Input::new(screen.filter.text())),
        Action::Back => {
            if screen.cursor.marks.is_empty() {
                screen.filter = Filter::default();
                arrange(screen);
            } else {
                screen.cursor.clear_marks();
            }
        }
        Action::Sort | Action::ReverseSort => return sort(app, action),
        Action::Retry | Action::Discard | Action::Restore => return bulk::over_rows(app, action),
        Action::Open => {
            if let Some(row) = selected {
                let trail = vec![screen.title.clone()];
                return transaction::open(app, row.id, trail, Intent::Look);
            }
        }
        Action::Preview => {
            if let Some(row) = selected {
                return preview::pin(app, Subject::Transaction(row.id, None));
            }
        }
        Action::OpenWorkbench => {
            if let Some(row) = selected {
                return workbench::open(app, Opening::of_transaction(&row));
            }
        }
        Action::Copy => {
            if let Some(row) = selected {
                app.dialog = Some(Dialog::Menu(copy_menu(&row)));
            }
        }
        _ => {}
    }
    Vec::new()
}

fn copy_menu(row: &Transaction) -> Menu {
    let mut items = vec![MenuItem {
        key: 'i',
        label: "transaction id".to_owned(),
        refused: None,
        choice: Choice::Copy("the id", row.id.to_string()),
    }];
    if let Some(record) = &row.record {
        items.push(MenuItem {
            key: 'r',
            label: "record id".to_owned(),
            refused: None,
            choice: Choice::Copy("the record id", record.to_string()),
        });
    }
    if let Some(order) = row.work_order {
        items.push(MenuItem {
            key: 'w',
            label: "work order id".to_owned(),
            refused: None,
            choice: Choice::Copy("the work order id", order.to_string()),
        });
    }
    Menu {
        title: "Copy".to_owned(),
        items,
        selected: 0,
    }
}

fn sort(app: &mut App, action: Action) -> Vec<Effect> {
    let ticket = app.ticket();
    let Some(Screen::List(screen)) = app.screens.last_mut() else {
        return Vec::new();
    };
    if action == Action::Sort {
        screen.sort = screen.sort.next();
        screen.order = Order::Natural;
    } else {
        screen.order = match screen.order {
            Order::Natural => Order::Reversed,
            Order::Reversed => Order::Natural,
        };
    }
    let wanted = match (screen.sort, screen.order) {
        (RowSort::Accepted, Order::Reversed) => ListOrder::OldestFirst,
        _ => ListOrder::NewestFirst,
    };
    if let Source::Query(query) = &mut screen.source
        && query.order != wanted
    {
        // By time the store sorts, for it has all rows and we have a page.
        query.order = wanted;
        screen.items.clear();
        screen.next = None;
        arrange(screen);
        return vec![ask(screen, ticket)];
    }
    arrange(screen);
    Vec::new()
}

/// Selects a row, and opens it when it is selected already.
pub(super) fn click(app: &mut App, index: usize) -> Vec<Effect> {
    let Some(Screen::List(screen)) = app.screens.last_mut() else {
        return Vec::new();
    };
    let again = screen.cursor.index() == index;
    screen.cursor.select(&screen.keys, index);
    if again {
        act(app, Action::Open)
    } else {
        Vec::new()
    }
}

/// Takes what a person changed into the rows that show it.
pub(super) fn changed(app: &mut App, row: &Transaction) {
    for screen in &mut app.screens {
        if let Screen::List(list) = screen
            && let Some(place) = list.items.iter_mut().find(|other| other.id == row.id)
        {
            *place = row.clone();
        }
    }
}
