//! What each action does to the state, and what it asks for.

mod console_sample;

use std::collections::BTreeSet;
use std::path::PathBuf;

use console_sample as sample;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use fieldbridge::api::Role;
use fieldbridge::console::action::Place;
use fieldbridge::console::app::{Mood, Pace, Pane, Screen, Tab, Zoom};
use fieldbridge::console::dialog::{Dialog, Readiness};
use fieldbridge::console::message::{BulkOutcome, Edited, Mouse, Subject};
use fieldbridge::console::remote::RemoteError;
use fieldbridge::console::wizard::Step;
use fieldbridge::console::{
    Action, App, ConsoleSettings, Effect, Embedded, Exit, Feed, Message, update,
};
use fieldbridge::engine::{Replay, ReplayPlan};
use fieldbridge::model::{Direction, PayloadKind, State};
use fieldbridge::openapi::Document;
use fieldbridge::platform::Proposal;
use fieldbridge::sandbox::REST_DESCRIPTION;
use fieldbridge::store::{ListOrder, Page, PageCursor, PersonMove};

fn key(app: &mut App, code: KeyCode) -> Vec<Effect> {
    let effects = update(app, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    sample::answer_previews(app, &effects);
    effects
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let pressed = keys.chars().flat_map(|character| match character {
        '\n' => key(app, KeyCode::Enter),
        '\u{1b}' => key(app, KeyCode::Esc),
        other => key(app, KeyCode::Char(other)),
    });
    pressed.collect()
}

fn act(app: &mut App, action: Action) -> Vec<Effect> {
    update(app, Message::Act(action))
}

fn with_list(count: u128) -> App {
    let mut app = sample::app(120, 40);
    let effects = press(&mut app, "3\n");
    let Some(Effect::List(ticket, _)) = effects
        .iter()
        .find(|effect| matches!(effect, Effect::List(..)))
    else {
        panic!("{effects:?}");
    };
    update(
        &mut app,
        Message::Listed(*ticket, Ok(sample::page(count, State::Dead))),
    );
    app
}

fn with_transaction(state: State) -> App {
    let mut app = with_list(30);
    press(&mut app, "\n");
    let id = app.transaction().unwrap().id;
    update(
        &mut app,
        Message::Detail(id, Ok(Box::new(sample::detail(30, state)))),
    );
    update(
        &mut app,
        Message::Payload(id, PayloadKind::Source, Ok(Some(sample::source()))),
    );
    update(
        &mut app,
        Message::Payload(id, PayloadKind::Output, Ok(Some(sample::output()))),
    );
    app
}

/// The workbench on a failure, with a change that can be taken back and one that was.
fn with_workbench() -> App {
    let mut app = sample::app(200, 60);
    let effects = press(&mut app, "3w");
    sample::answer(&mut app, &effects);
    press(&mut app, "KKu");
    app
}

/// A connector being made of a description, with what it offers.
fn with_wizard() -> App {
    let mut app = sample::app(200, 60);
    press(&mut app, "Ndesk.yaml\nrest-desk");
    let document = Document::parse("desk.yaml", REST_DESCRIPTION).unwrap();
    let offer = Proposal::of(&document).offer();
    let wizard = app.wizard_mut().unwrap();
    wizard.choice = offer.choice.clone();
    wizard.offer = Some(Box::new(offer));
    wizard.step = Step::Choose;
    app
}

/// Every action does something in each place it claims: it changes what is to be seen, or asks for something.
#[test]
fn every_action_has_an_effect_in_every_place_it_claims() {
    let mut idle = Vec::new();
    for place in Place::ALL {
        for action in Action::ALL
            .iter()
            .filter(|action| action.places().include(place))
        {
            let mut app = match place {
                Place::List => with_list(30),
                Place::Transaction => with_transaction(State::Dead),
                Place::Workbench => with_workbench(),
                Place::RuleEditor => {
                    let mut app = with_workbench();
                    press(&mut app, "\nx");
                    app
                }
                Place::Wizard => with_wizard(),
                Place::WizardForm => {
                    let mut app = sample::app(200, 60);
                    press(&mut app, "N");
                    act(&mut app, Action::NextField);
                    app
                }
                _ => {
                    let mut app = sample::app(200, 60);
                    press(
                        &mut app,
                        match place {
                            Place::Queues => "2",
                            Place::Failed => "3",
                            Place::Preview => "4",
                            Place::Connector => "\n\n",
                            Place::Log => "L",
                            _ => "",
                        },
                    );
                    app
                }
            };
            assert_eq!(app.place(), place);
            // Something above and below, so that moving in either direction shows.
            match place {
                Place::Log => {
                    let lines =
                        (0..200).map(|n| fieldbridge::console::log::LogLine::parse(&n.to_string()));
                    update(&mut app, Message::Logged(lines.collect()));
                    act(&mut app, Action::PageUp);
                }
                _ => drop(act(&mut app, Action::Down)),
            }
            let before = format!("{app:?}");
            let effects = act(&mut app, *action);
            if effects.is_empty() && format!("{app:?}") == before {
                idle.push((place, *action));
            }
        }
    }
    // What there is nothing to do for in the sample: a pane has no tab, a short text does not scroll, and a pane
    // that is in front is gone to already.
    let moves = BTreeSet::from([
        Action::Up,
        Action::Down,
        Action::PageUp,
        Action::PageDown,
        Action::Top,
        Action::Bottom,
        Action::Left,
        Action::Right,
        Action::NextTab,
        Action::PreviousTab,
        Action::Tab1,
        Action::Tab2,
        Action::Tab3,
        Action::Tab4,
        Action::Open,
        Action::Back,
        Action::ClearMarks,
        Action::FollowLog,
    ]);
    idle.retain(|(_, action)| !moves.contains(action));
    assert_eq!(idle, []);
}

#[test]
fn panes_are_reached_by_number_tab_and_arrows() {
    let mut app = sample::app(200, 60);
    act(&mut app, Action::NextTab);
    assert_eq!(app.home.focus, Pane::Queues);
    act(&mut app, Action::Tab4);
    assert_eq!(app.home.focus, Pane::Preview);
    act(&mut app, Action::Right);
    assert_eq!(app.home.focus, Pane::Connectors);
    act(&mut app, Action::Zoom);
    assert_eq!(app.home.zoom, Zoom::Focused);
    act(&mut app, Action::Back);
    assert_eq!(app.home.zoom, Zoom::All);
}

#[test]
fn a_connector_narrows_all_panes_and_escape_widens_them() {
    let mut app = sample::app(200, 60);
    press(&mut app, "\n");
    assert_eq!(app.home.only, Some(sample::connector_id("cw-main")));
    assert_eq!(app.home.rows.len(), 1);
    press(&mut app, "\u{1b}");
    assert_eq!(app.home.only, None);
    assert_eq!(app.home.rows.len(), 4);
    press(&mut app, "\n\n");
    assert!(matches!(app.screens.last(), Some(Screen::Connector(_))));
}

#[test]
fn the_selected_group_steers_the_preview() {
    let mut app = sample::app(200, 60);
    let effects = press(&mut app, "3j");
    let wanted = Subject::Transaction(sample::transaction_id(4), None);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Preview(_, subject, _) if *subject == wanted))
    );
}

#[test]
fn a_late_preview_of_something_else_is_dropped() {
    let mut app = sample::app(200, 60);
    let mut late = sample::previewed();
    late.result.label = "late".into();
    let number = app.preview.number - 1;
    update(&mut app, Message::Previewed(number, Ok(Box::new(late))));
    assert_ne!(app.preview.shown.as_ref().unwrap().result.label, "late");
}

#[test]
fn a_saved_mapping_is_previewed_again_and_an_error_keeps_the_last_good_one() {
    let mut app = sample::app(200, 60);
    let saved = |name: &str| {
        Message::FilesChanged(vec![PathBuf::from("/etc/fieldbridge/mappings").join(name)])
    };
    assert!(update(&mut app, saved("fd-support.toml")).is_empty());
    let effects = update(&mut app, saved("cw-main.toml"));
    let [Effect::Preview(number, ..)] = effects[..] else {
        panic!("{effects:?}");
    };
    let error = RemoteError::Answered("line 3: no such key".into());
    update(&mut app, Message::Previewed(number, Err(error)));
    assert!(app.preview.shown.is_some());
    assert_eq!(app.preview.problem.as_deref(), Some("line 3: no such key"));
    assert_eq!(update(&mut app, saved("states.jsonnet")).len(), 1);
}

#[test]
fn samples_and_direction_are_switched() {
    let mut app = sample::app(200, 60);
    let effects = press(&mut app, "4x");
    let outbound = Subject::Latest(sample::connector_id("cw-main"), Direction::Outbound);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Preview(_, subject, _) if *subject == outbound))
    );
    let effects = press(&mut app, "n");
    assert!(matches!(effects[..], [Effect::Samples(..)]));
    let ids = vec![sample::transaction_id(12), sample::transaction_id(11)];
    let connector = sample::connector_id("cw-main");
    let effects = update(
        &mut app,
        Message::Samples(connector, Direction::Inbound, Ok(ids)),
    );
    let next = Subject::Transaction(sample::transaction_id(11), Some(Direction::Inbound));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Preview(_, subject, _) if *subject == next))
    );
    press(&mut app, "i");
    let effects = press(&mut app, "48213\n");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Preview(_, Subject::Record(..), _)))
    );
}

#[test]
fn the_mapping_is_opened_at_the_failing_rule() {
    let mut app = with_transaction(State::Dead);
    let path = PathBuf::from("/etc/fieldbridge/mappings/cw-main.toml");
    let expected = Effect::EditMapping(path, Some((Direction::Inbound, 7)));
    assert_eq!(act(&mut app, Action::OpenMapping), [expected]);
}

#[test]
fn bulk_retry_names_the_number_goes_one_by_one_and_skips_what_changed() {
    let mut app = with_list(5);
    press(&mut app, " jV");
    assert_eq!(app.list().unwrap().cursor.marks.len(), 3);
    assert!(press(&mut app, "r").is_empty());
    let Some(Dialog::Confirm(confirm)) = &app.dialog else {
        panic!("{:?}", app.dialog);
    };
    assert_eq!(confirm.title, "Retry 3 transactions?");
    let effects = press(&mut app, "y");
    let [Effect::BulkItem(first, 3, PersonMove::Retry)] = effects[..] else {
        panic!("{effects:?}");
    };
    let effects = update(&mut app, Message::BulkItem(first, BulkOutcome::Done));
    let [Effect::BulkItem(second, ..)] = effects[..] else {
        panic!("{effects:?}");
    };
    let skipped = BulkOutcome::Skipped("it is done meanwhile".into());
    update(&mut app, Message::BulkItem(second, skipped));
    press(&mut app, "c");
    assert_eq!(app.bulk.as_ref().unwrap().pace, Pace::Cancelled);
    let third = app.bulk.as_ref().unwrap().targets[2].id;
    assert!(update(&mut app, Message::BulkItem(third, BulkOutcome::Done)).is_empty());
    assert_eq!(app.bulk.as_ref().unwrap().counts(), (2, 1, 0));
}

#[test]
fn more_than_fifty_must_be_confirmed_by_typing_how_many() {
    let mut app = with_list(60);
    press(&mut app, "Ar");
    assert!(press(&mut app, "\n").is_empty(), "Enter alone does nothing");
    assert!(press(&mut app, "6\n").is_empty());
    let effects = press(&mut app, "0\n");
    assert!(matches!(effects[..], [Effect::BulkItem(..)]), "{effects:?}");
}

#[test]
fn retrying_a_group_gathers_all_of_it_first() {
    let mut app = sample::app(200, 60);
    let effects = press(&mut app, "3r");
    let Some(Effect::Gather(ticket, queries)) = effects.last() else {
        panic!("{effects:?}");
    };
    assert_eq!(queries.len(), 1);
    update(
        &mut app,
        Message::Gathered(*ticket, Ok(sample::page(12, State::Dead).items)),
    );
    assert!(matches!(&app.dialog, Some(Dialog::Confirm(confirm)) if confirm.title.contains("12")));
}

#[test]
fn a_discard_wants_a_reason_and_a_yes() {
    let mut app = with_transaction(State::Dead);
    press(&mut app, "d\n");
    assert!(
        matches!(app.dialog, Some(Dialog::Prompt(_))),
        "no reason, no discard"
    );
    press(&mut app, "dup\n");
    let effects = press(&mut app, "y");
    let reason = "dup".to_owned();
    let expected = Effect::Command(
        sample::transaction_id(30),
        3,
        PersonMove::Discard { reason },
    );
    assert_eq!(effects, [expected]);
}

#[test]
fn a_replay_shows_first_what_would_be_sent() {
    let mut app = with_transaction(State::Dead);
    let effects = press(&mut app, "rm");
    let id = sample::transaction_id(30);
    assert_eq!(effects, [Effect::Plan(id, Replay::Remap)]);
    assert!(
        press(&mut app, "\n").is_empty(),
        "nothing is sent before it is shown"
    );
    let plan = ReplayPlan {
        output: serde_json::Map::new(),
        would_send: serde_json::Map::new(),
        problems: Vec::new(),
    };
    update(&mut app, Message::Planned(id, Replay::Remap, Ok(plan)));
    assert!(matches!(&app.dialog, Some(Dialog::Plan(plan)) if plan.readiness == Readiness::Ready));
    assert_eq!(
        press(&mut app, "\n"),
        [Effect::Replay(id, Replay::Remap, None)]
    );
}

#[test]
fn a_retry_in_place_names_the_revision_that_was_seen() {
    let mut app = with_transaction(State::Dead);
    press(&mut app, "rr");
    let id = sample::transaction_id(30);
    let plan = ReplayPlan {
        output: serde_json::Map::new(),
        would_send: serde_json::Map::new(),
        problems: vec!["rule 7: no value".into()],
    };
    update(&mut app, Message::Planned(id, Replay::Refetch, Ok(plan)));
    assert_eq!(
        press(&mut app, "\n"),
        [Effect::Command(id, 3, PersonMove::Retry)]
    );
}

#[test]
fn an_edited_output_is_sent_only_when_it_is_json_and_differs_and_was_confirmed() {
    let mut app = with_transaction(State::Dead);
    let effects = press(&mut app, "e");
    let Some(Effect::EditOutput(id, text)) = effects.first() else {
        panic!("{effects:?}");
    };
    let edited =
        |after: &str| Message::Edited(Edited::Output(*id, text.clone().into(), after.to_owned()));
    assert!(update(&mut app, edited(text)).is_empty());
    assert!(app.dialog.is_none());
    update(&mut app, edited("{ broken"));
    assert_eq!(
        press(&mut app, "y"),
        [Effect::EditOutput(*id, "{ broken".into())]
    );
    update(&mut app, edited(r#"{"title":"other"}"#));
    let effects = press(&mut app, "y");
    assert!(
        matches!(&effects[..], [Effect::Replay(_, Replay::SameOutput, Some(output))] if output["title"] == "other")
    );
}

#[test]
fn what_the_state_forbids_is_refused_before_it_is_asked() {
    let mut app = with_transaction(State::Done);
    assert!(act(&mut app, Action::Discard).is_empty());
    assert!(app.dialog.is_none());
    let told = app.toasts.last().unwrap();
    assert_eq!(told.mood, Mood::Bad);
    assert!(told.text.contains("can't"), "{}", told.text);
}

#[test]
fn lists_are_read_page_by_page_as_the_selection_nears_the_end() {
    let mut app = sample::app(120, 40);
    let effects = press(&mut app, "3\n");
    let Some(Effect::List(ticket, _)) = effects
        .iter()
        .find(|effect| matches!(effect, Effect::List(..)))
    else {
        panic!("{effects:?}");
    };
    let next = PageCursor(sample::transaction_id(1));
    let page = Page {
        next: Some(next),
        ..sample::page(200, State::Dead)
    };
    assert!(update(&mut app, Message::Listed(*ticket, Ok(page))).is_empty());
    let effects = press(&mut app, "G");
    assert!(matches!(&effects[..], [Effect::List(_, query)] if query.after == Some(next)));
    assert!(press(&mut app, "k").is_empty(), "one page at a time");
}

#[test]
fn sorting_by_time_is_left_to_the_store() {
    let mut app = with_list(5);
    let effects = press(&mut app, "S");
    assert!(
        matches!(&effects[..], [Effect::List(_, query)] if query.order == ListOrder::OldestFirst)
    );
    let mut app = with_list(5);
    assert!(press(&mut app, "s").is_empty());
    assert_eq!(app.list().unwrap().rows.len(), 5);
}

#[test]
fn a_filter_narrows_as_it_is_typed() {
    let mut app = sample::app(200, 60);
    press(&mut app, "3/connector=sf");
    assert_eq!(app.home.rows.len(), 1);
    press(&mut app, "\n\u{1b}");
    assert_eq!(app.home.rows.len(), 4);
    let mut app = with_list(30);
    press(&mut app, "/record=48213\n");
    assert_eq!(app.list().unwrap().rows.len(), 1);
}

#[test]
fn the_palette_acts_searches_and_opens() {
    let mut app = sample::app(120, 40);
    press(&mut app, ":");
    let effects = press(&mut app, "search 48213\n");
    assert!(
        matches!(&effects[..], [Effect::Search(_, search)] if search.text.as_deref() == Some("48213"))
    );
    press(&mut app, ":transactions dead\n");
    assert_eq!(app.list().unwrap().title, "Transactions, dead");
    let id = sample::transaction_id(5);
    let effects = press(&mut app, &format!(":search {id}\n"));
    assert_eq!(effects, [Effect::Detail(id), Effect::Audit(id)]);
}

#[test]
fn escape_always_leads_back_and_minus_to_the_view_before() {
    let mut app = with_transaction(State::Dead);
    press(&mut app, "\u{1b}");
    assert_eq!(app.place(), Place::List);
    press(&mut app, "-");
    assert_eq!(app.place(), Place::Transaction);
    for _ in 0..5 {
        press(&mut app, "\u{1b}");
    }
    assert_eq!(app.place(), Place::Failed);
    assert!(app.screens.is_empty());
}

#[test]
fn tabs_of_a_transaction_go_by_number() {
    let mut app = with_transaction(State::Dead);
    for (key, tab) in [
        ('3', Tab::Output),
        ('5', Tab::Diff),
        ('7', Tab::Facts),
        ('1', Tab::Timeline),
    ] {
        press(&mut app, &key.to_string());
        assert_eq!(app.transaction().unwrap().tab, tab);
    }
}

#[test]
fn leaving_an_embedded_engine_asks_what_becomes_of_it() {
    let mut app = sample::app(120, 40);
    assert_eq!(press(&mut app, "q"), [Effect::Leave(Exit::Detach)]);
    let settings = ConsoleSettings {
        embedded: Embedded::Yes,
        ..ConsoleSettings::default()
    };
    let mut app = sample::app_with(&settings, 120, 40, Role::Admin);
    assert!(press(&mut app, "q").is_empty());
    assert!(press(&mut app, "\u{1b}").is_empty());
    assert_eq!(press(&mut app, "qs"), [Effect::Leave(Exit::StopEngine)]);
    assert_eq!(press(&mut app, "qh"), [Effect::Leave(Exit::HandOver)]);
    let control_z = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    assert!(
        update(&mut app, Message::Key(control_z)).is_empty(),
        "suspending would stop the engine"
    );
}

#[test]
fn connectors_are_acted_upon_after_a_question_that_says_what_happens() {
    let mut app = sample::app(200, 60);
    let id = sample::connector_id("cw-main");
    assert_eq!(press(&mut app, "t"), [Effect::Probe(id.clone())]);
    assert_eq!(press(&mut app, "f"), [Effect::RefreshFields(id.clone())]);
    assert_eq!(press(&mut app, "u"), [Effect::TriggerUrl(id.clone())]);
    assert!(press(&mut app, "Pn").is_empty());
    assert_eq!(press(&mut app, "Py"), [Effect::Pause(id.clone())]);
    assert_eq!(press(&mut app, "Ty"), [Effect::RotateToken(id)]);
    press(&mut app, "G");
    assert_eq!(
        press(&mut app, "Py"),
        [Effect::Resume(sample::connector_id("sn-emea"))]
    );
}

#[test]
fn a_lost_engine_is_told_and_nothing_is_asked_of_it() {
    let mut app = sample::app(200, 60);
    update(
        &mut app,
        Message::Feed(Feed::Lost("connection refused".into())),
    );
    assert!(press(&mut app, "t").is_empty());
    assert!(app.overview.is_some(), "what was known stays");
    let feed = Feed::Live(
        sample::identity(Role::Admin),
        std::sync::Arc::new(sample::overview()),
    );
    update(&mut app, Message::Feed(feed));
    assert_eq!(app.toasts.last().unwrap().text, "the engine is back");
}

#[test]
fn the_selection_stays_on_its_item_when_the_list_changes() {
    let mut app = sample::app(200, 60);
    press(&mut app, "3jj");
    let selected = app.selected_group().unwrap().fingerprint.clone();
    let mut overview = sample::overview();
    overview.groups[2].count = 99;
    let feed = Feed::Live(sample::identity(Role::Admin), std::sync::Arc::new(overview));
    update(&mut app, Message::Feed(feed));
    assert_eq!(app.selected_group().unwrap().fingerprint, selected);
    assert_eq!(app.home.groups.index(), 0);
}

#[test]
fn a_click_selects_and_the_mouse_can_be_given_back() {
    let mut app = sample::app(200, 60);
    let click = |column, row| {
        Message::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })
    };
    update(&mut app, click(100, 4));
    assert_eq!((app.home.focus, app.home.groups.index()), (Pane::Failed, 1));
    update(&mut app, click(5, 5));
    assert_eq!(
        (app.home.focus, app.home.connectors.index()),
        (Pane::Connectors, 2)
    );
    assert_eq!(press(&mut app, "M"), [Effect::Mouse(Mouse::Released)]);
}

#[test]
fn copying_offers_the_call_without_secrets() {
    let mut app = with_transaction(State::Dead);
    press(&mut app, "1gjj");
    let effects = press(&mut app, "yc");
    let [Effect::Copy(_, text)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert!(text.starts_with("curl -X GET 'https://cw.example/"));
    assert!(text.contains("authorization: ***"));
}
