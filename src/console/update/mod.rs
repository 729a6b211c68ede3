//! The only place where the state changes: a message in, effects out. Nothing here performs I/O or reads a clock.

mod bulk;
mod connector;
mod dialog;
mod home;
mod keys;
mod list;
mod mouse;
mod palette;
mod preview;
mod settle;
mod transaction;
mod wizard;
mod workbench;

pub use palette::offers;
pub(super) use transaction::tab_beside;

use super::action::Action;
use super::app::{App, Followed, Freshness, Link, LogScreen, Mood, Pane, Screen};
use super::dialog::{Dialog, Notice};
use super::message::{Edited, Effect, Message, Mouse};
use super::remote::{Feed, RemoteResult};
use super::{help, rights};

/// Toasts are shown so long.
pub const TOAST_SECONDS: u64 = 6;

/// Changes the state by what happened; answers what is to be done about it.
pub fn update(app: &mut App, message: Message) -> Vec<Effect> {
    let mut effects = match message {
        Message::Key(event) => keys::press(app, event),
        Message::Mouse(event) => mouse::used(app, event),
        Message::Paste(text) => keys::paste(app, &text),
        Message::Act(action) => act(app, action),
        Message::Resized(columns, rows) => {
            app.size = (columns, rows);
            Vec::new()
        }
        Message::Tick(now) => {
            app.now = now;
            let mut effects = refresh_outdated(app);
            effects.extend(workbench::due(app));
            effects
        }
        Message::Feed(feed) => fed(app, feed),
        Message::Listed(ticket, page) => list::listed(app, ticket, page),
        Message::Gathered(ticket, rows) => bulk::gathered(app, ticket, rows),
        Message::Detail(id, detail) => transaction::detail(app, id, detail),
        Message::Payload(id, kind, payload) => transaction::payload(app, id, kind, payload),
        Message::Audit(id, entries) => transaction::audit(app, id, entries),
        Message::Planned(id, replay, plan) => dialog::planned(app, id, replay, plan),
        Message::Commanded(result) => transaction::commanded(app, result),
        Message::Replayed(result) => transaction::replayed(app, result),
        Message::BulkItem(id, outcome) => bulk::item(app, id, outcome),
        Message::Previewed(number, result) => preview::previewed(app, number, result),
        Message::Samples(connector, direction, rows) => {
            preview::samples(app, &connector, direction, rows)
        }
        Message::Probed(connector, probe) => connector::probed(app, &connector, probe),
        Message::Did(result) => did(app, result),
        Message::TriggerUrl(connector, url) => connector::trigger_url(app, &connector, url),
        Message::Rotated(connector, url) => connector::rotated(app, &connector, url),
        Message::Copied(result) => {
            match result {
                Ok(text) => app.tell(Mood::Good, text),
                Err(text) => app.tell(Mood::Bad, text),
            }
            Vec::new()
        }
        Message::Workbench(answer) => workbench::answered(app, answer),
        Message::Wizard(answer) => wizard::answered(app, answer),
        Message::Edited(edited) => edited_by_hand(app, edited),
        Message::FilesChanged(paths) => {
            let mut effects = preview::files_changed(app, &paths);
            effects.extend(workbench::files_changed(app, &paths));
            effects
        }
        Message::ThemeLoaded(Ok(theme)) => {
            app.theme = *theme;
            Vec::new()
        }
        Message::ThemeLoaded(Err(why)) => {
            app.tell(Mood::Bad, why);
            Vec::new()
        }
        Message::Logged(lines) => {
            app.log.add(lines);
            Vec::new()
        }
        Message::Notice(text) => {
            app.tell(Mood::Bad, text);
            Vec::new()
        }
    };
    settle::settle(app);
    effects.extend(preview::wanted(app));
    effects.extend(workbench::wanted(app));
    effects.extend(list::more(app));
    effects
}

/// Carries out an action, or says why it can't be.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if !action.places().include(app.place()) {
        let text = format!("`{}` means nothing in this view", action.title());
        app.tell(Mood::Bad, text);
        return Vec::new();
    }
    if let Some(why) = rights::refusal(app, action) {
        app.tell(Mood::Bad, format!("{}: {why}", action.title()));
        return Vec::new();
    }
    everywhere(app, action).unwrap_or_else(|| match app.screens.last() {
        None => home::act(app, action),
        Some(Screen::List(_)) => list::act(app, action),
        Some(Screen::Transaction(_)) => transaction::act(app, action),
        Some(Screen::Connector(_)) => connector::act(app, action),
        Some(Screen::Preview) => preview::act(app, action),
        Some(Screen::Log(_)) => log_act(app, action),
        Some(Screen::Workbench(bench)) if bench.editor.is_some() => {
            workbench::act_in_rule(app, action)
        }
        Some(Screen::Workbench(_)) => workbench::act(app, action),
        Some(Screen::Wizard(_)) => wizard::act(app, action),
    })
}

/// What an action does wherever it is asked for; `None` when that depends on the view.
fn everywhere(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let effects = match action {
        Action::Help => {
            let lines = help::lines(app);
            let title = format!("Keys of {}", app.place().word());
            app.dialog = Some(Dialog::Notice(Notice::new(title, lines)));
            Vec::new()
        }
        Action::Palette => {
            app.dialog = Some(Dialog::Palette(super::dialog::Palette::default()));
            Vec::new()
        }
        Action::LastView => {
            let mut effects = Vec::new();
            if let Some(previous) = app.previous.take() {
                effects = workbench::leaving(app);
                let left = app.screens.pop();
                // From a screen back to it and under it again: the way there and back is one key.
                app.previous = left.map(Box::new);
                app.screens.push(*previous);
            }
            effects
        }
        Action::ShowBulk => {
            bulk::show(app);
            Vec::new()
        }
        Action::ShowLog => open_log(app),
        Action::ReleaseMouse => {
            let (mouse, text) = match app.mouse {
                Mouse::Captured => (Mouse::Released, "the mouse selects text now"),
                Mouse::Released => (Mouse::Captured, "the mouse is ours again"),
            };
            app.mouse = mouse;
            app.tell(Mood::Good, text);
            vec![Effect::Mouse(mouse)]
        }
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
        Action::Quit => match workbench::unsaved(app) {
            Some(effects) => effects,
            None => match wizard::unfinished(app) {
                Some(question) => {
                    app.dialog = Some(Dialog::Confirm(question));
                    Vec::new()
                }
                None => dialog::quit(app),
            },
        },
        Action::NewConnector => wizard::open(app),
        Action::Back => return back(app),
        _ => return None,
    };
    Some(effects)
}

/// Goes back from a screen; `None` when it has something of its own to take back first, or there is none.
fn back(app: &mut App) -> Option<Vec<Effect>> {
    match app.screens.last_mut()? {
        Screen::List(list) if !list.filter.is_empty() || !list.cursor.marks.is_empty() => None,
        Screen::Log(log) if !log.filter.is_empty() => None,
        Screen::Workbench(bench) if bench.difference.is_some() || bench.is_overtaken() => None,
        Screen::Wizard(_) => None,
        _ => Some(leave(app)),
    }
}

/// Leaves the screen in front.
fn leave(app: &mut App) -> Vec<Effect> {
    let effects = workbench::leaving(app);
    workbench::parted(app);
    if let Some(screen) = app.screens.pop() {
        if matches!(screen, Screen::Preview) {
            app.preview.pinned = None;
        }
        app.previous = Some(Box::new(screen));
    }
    effects
}

fn open_log(app: &mut App) -> Vec<Effect> {
    if !matches!(app.screens.last(), Some(Screen::Log(_))) {
        app.screens.push(Screen::Log(LogScreen::default()));
    }
    match app.log_followed {
        Followed::Yes => Vec::new(),
        Followed::NotYet => {
            app.log_followed = Followed::Yes;
            vec![Effect::FollowLog]
        }
    }
}

fn log_act(app: &mut App, action: Action) -> Vec<Effect> {
    let rows = usize::from(super::layout::parts(app).body.height.saturating_sub(2));
    let Some(Screen::Log(screen)) = app.screens.last_mut() else {
        return Vec::new();
    };
    match action {
        Action::LogLevel => screen.level = screen.level.next(),
        Action::FollowLog | Action::Bottom => screen.up = 0,
        Action::Up => screen.up += 1,
        Action::Down => screen.up = screen.up.saturating_sub(1),
        Action::PageUp => screen.up += rows.max(1),
        Action::PageDown => screen.up = screen.up.saturating_sub(rows.max(1)),
        Action::Top => screen.up = usize::MAX / 2,
        Action::Filter => app.filtering = Some(super::input::Input::new(screen.filter.text())),
        Action::Back => screen.filter = super::filter::Filter::default(),
        _ => {}
    }
    Vec::new()
}

/// Takes news of the connection.
fn fed(app: &mut App, feed: Feed) -> Vec<Effect> {
    match feed {
        Feed::Connecting => app.link = Link::Connecting,
        Feed::Lost(why) => app.link = Link::Lost(why),
        Feed::Live(identity, overview) => {
            let mut effects = Vec::new();
            if matches!(app.link, Link::Lost(_)) {
                app.tell(Mood::Good, "the engine is back");
                effects = workbench::fresh_link(app);
            }
            app.link = Link::Live;
            app.identity = Some(identity);
            app.overview = Some(overview);
            home::refresh(app);
            connector::refresh(app);
            for screen in &mut app.screens {
                match screen {
                    Screen::List(list) => list.freshness = Freshness::Outdated,
                    Screen::Transaction(screen) => screen.freshness = Freshness::Outdated,
                    Screen::Connector(_)
                    | Screen::Preview
                    | Screen::Log(_)
                    | Screen::Workbench(_)
                    | Screen::Wizard(_) => {}
                }
            }
            return effects;
        }
    }
    Vec::new()
}

/// Reads anew what is in front and may have changed; once a second at most, and only after the engine said so.
fn refresh_outdated(app: &mut App) -> Vec<Effect> {
    connector::refresh(app);
    if app.link != Link::Live {
        return Vec::new();
    }
    match app.screens.last() {
        Some(Screen::List(list)) if list.freshness == Freshness::Outdated => list::reread(app),
        Some(Screen::Transaction(screen)) if screen.freshness == Freshness::Outdated => {
            transaction::reread(app)
        }
        _ => Vec::new(),
    }
}

fn did(app: &mut App, result: RemoteResult<String>) -> Vec<Effect> {
    match result {
        Ok(text) => app.tell(Mood::Good, text),
        Err(error) => app.tell(Mood::Bad, error.to_string()),
    }
    Vec::new()
}

fn edited_by_hand(app: &mut App, edited: Edited) -> Vec<Effect> {
    match edited {
        Edited::File(path) => preview::files_changed(app, &[path]),
        Edited::Output(id, before, after) => transaction::edited(app, id, &before, &after),
        Edited::Draft(connector, text) => workbench::edited(app, &connector, text),
        Edited::Failed(why) => {
            app.tell(Mood::Bad, why);
            Vec::new()
        }
    }
}

/// Opens a screen over what is in front.
fn open(app: &mut App, screen: Screen) {
    app.screens.push(screen);
    workbench::parted(app);
    app.previous = None;
}

/// The pane an action names, if it does.
fn pane_of(action: Action) -> Option<Pane> {
    match action {
        Action::Tab1 => Some(Pane::Connectors),
        Action::Tab2 => Some(Pane::Queues),
        Action::Tab3 => Some(Pane::Failed),
        Action::Tab4 => Some(Pane::Preview),
        _ => None,
    }
}

/// How far an action moves a selection, in a place of so many rows; `None` when it does not move one.
fn movement(action: Action, rows: usize) -> Option<isize> {
    let page = isize::try_from(rows.max(2) - 1).unwrap_or(1);
    match action {
        Action::Up => Some(-1),
        Action::Down => Some(1),
        Action::PageUp => Some(-page),
        Action::PageDown => Some(page),
        Action::Top => Some(isize::MIN / 2),
        Action::Bottom => Some(isize::MAX / 2),
        _ => None,
    }
}
