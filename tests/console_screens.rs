//! Every screen at every size, drawn from fixed data at a fixed time.

mod console_sample;

use console_sample as sample;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use fieldbridge::api::Role;
use fieldbridge::console::theme::SHIPPED;
use fieldbridge::console::{
    Action, App, ConsoleSettings, Effect, Feed, Message, Mode, update, view,
};
use fieldbridge::model::{PayloadKind, State};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SIZES: [(u16, u16); 4] = [(200, 60), (120, 40), (80, 24), (50, 15)];

fn draw(app: &App) -> Terminal<TestBackend> {
    let (columns, rows) = app.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view(app, frame)).unwrap();
    terminal
}

fn text(app: &App) -> String {
    draw(app).backend().to_string()
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\t' => KeyCode::Tab,
            other => KeyCode::Char(other),
        };
        let event = KeyEvent::new(code, KeyModifiers::NONE);
        let asked = update(app, Message::Key(event));
        sample::answer_previews(app, &asked);
        effects.extend(asked);
    }
    effects
}

/// Draws a screen at every size and holds it against what was approved.
fn approve(name: &str, prepare: impl Fn(&mut App)) {
    for (columns, rows) in SIZES {
        let mut app = sample::app(columns, rows);
        prepare(&mut app);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), text(&app));
    }
}

fn open_list(app: &mut App) {
    for effect in press(app, "3\n") {
        if let Effect::List(ticket, _) = effect {
            update(
                app,
                Message::Listed(ticket, Ok(sample::page(30, State::Dead))),
            );
        }
    }
}

fn open_transaction(app: &mut App) {
    open_list(app);
    for effect in press(app, "\n") {
        match effect {
            Effect::Detail(id) => {
                let detail = Box::new(sample::detail(30, State::Dead));
                update(app, Message::Detail(id, Ok(detail)));
                update(
                    app,
                    Message::Payload(id, PayloadKind::Source, Ok(Some(sample::source()))),
                );
                update(
                    app,
                    Message::Payload(id, PayloadKind::Output, Ok(Some(sample::output()))),
                );
            }
            Effect::Audit(id) => {
                update(app, Message::Audit(id, Ok(Vec::new())));
            }
            _ => {}
        }
    }
}

fn open_workbench(app: &mut App) {
    let effects = press(app, "3w");
    sample::answer(app, &effects);
}

#[test]
fn overview() {
    approve("overview", |_| {});
    approve("failed", |app| {
        press(app, "3");
    });
    approve("preview_pane", |app| {
        press(app, "4");
    });
}

#[test]
fn list() {
    approve("list", |app| {
        open_list(app);
        press(app, " j V");
    });
}

#[test]
fn transaction() {
    approve("transaction", open_transaction);
    approve("transaction_diff", |app| {
        open_transaction(app);
        press(app, "5");
    });
    approve("transaction_exchange", |app| {
        open_transaction(app);
        press(app, "1gjj\n");
    });
}

#[test]
fn others() {
    approve("connector", |app| {
        press(app, "\n\n");
    });
    approve("preview", |app| {
        press(app, "3p");
    });
    approve("help", |app| {
        press(app, "3?");
    });
    approve("palette", |app| {
        press(app, ":re");
    });
    approve("replay_menu", |app| {
        open_transaction(app);
        press(app, "r");
    });
    approve("confirm", |app| {
        press(app, "P");
    });
    approve("gone", |app| {
        update(app, Message::Feed(Feed::Lost("connection refused".into())));
    });
}

#[test]
fn nothing_is_known_before_the_engine_answers() {
    for (columns, rows) in SIZES {
        let mut app = sample::app(columns, rows);
        app.overview = None;
        app.link = fieldbridge::console::app::Link::Connecting;
        assert!(text(&app).contains("fieldbridge"));
    }
}

#[test]
fn any_size_draws_something_and_never_panics() {
    for columns in (0..200).step_by(13) {
        for rows in (0..30).step_by(3) {
            let mut app = sample::app(columns, rows);
            draw(&app);
            open_transaction(&mut app);
            draw(&app);
            press(&mut app, "r");
            draw(&app);
            press(&mut app, "\u{1b}\u{1b}\u{1b}:s");
            draw(&app);
        }
    }
}

#[test]
fn help_lists_every_action_somewhere() {
    use fieldbridge::console::action::Place;
    use fieldbridge::console::wizard::Step;
    let mut missing: Vec<Action> = Action::ALL.to_vec();
    for place in Place::ALL {
        let mut app = sample::app(200, 400);
        match place {
            Place::Connectors => {}
            Place::Queues => drop(press(&mut app, "2")),
            Place::Failed => drop(press(&mut app, "3")),
            Place::Preview => drop(press(&mut app, "4")),
            Place::List => open_list(&mut app),
            Place::Transaction => open_transaction(&mut app),
            Place::Connector => drop(press(&mut app, "\n\n")),
            Place::Log => drop(press(&mut app, "L")),
            Place::Workbench => open_workbench(&mut app),
            Place::RuleEditor => {
                open_workbench(&mut app);
                press(&mut app, "\n");
            }
            Place::WizardForm => drop(press(&mut app, "N")),
            Place::Wizard => {
                press(&mut app, "N");
                app.wizard_mut().unwrap().step = Step::Choose;
            }
        }
        assert_eq!(app.place(), place);
        update(&mut app, Message::Act(Action::Help));
        let Some(fieldbridge::console::dialog::Dialog::Notice(notice)) = &mut app.dialog else {
            panic!("no help in {place:?}");
        };
        notice.document.fit(400, 400);
        let lines = notice.document.visible().iter();
        let lines = lines
            .flat_map(|line| &line.pieces)
            .map(|piece| piece.text.as_str());
        let all: String = lines.collect();
        missing.retain(|action| !all.contains(action.explanation()));
    }
    assert_eq!(missing, []);
}

#[test]
fn a_viewer_sees_why_an_action_is_not_for_them() {
    let settings = ConsoleSettings::default();
    let mut app = sample::app_with(&settings, 120, 40, Role::Viewer);
    assert!(press(&mut app, "3r").is_empty());
    let shown = text(&app);
    assert!(
        shown.contains("needs the role support; sam is viewer"),
        "{shown}"
    );
}

#[test]
fn a_read_only_console_says_so_and_changes_nothing() {
    let settings = ConsoleSettings {
        mode: Mode::ReadOnly,
        ..ConsoleSettings::default()
    };
    let mut app = sample::app_with(&settings, 200, 40, Role::Admin);
    assert!(press(&mut app, "P").is_empty());
    assert!(app.dialog.is_none());
    assert!(text(&app).contains("read-only"));
}

#[test]
fn every_theme_draws_the_same_text() {
    let mut app = sample::app(120, 40);
    let dark = text(&app);
    for (name, _) in SHIPPED {
        app.theme = fieldbridge::console::theme::Theme::load(
            name,
            None,
            fieldbridge::console::theme::Depth::True,
        )
        .unwrap();
        assert_eq!(text(&app), dark, "{name}");
    }
}

#[test]
fn a_terminal_without_unicode_is_sent_ascii_only() {
    let settings = ConsoleSettings {
        glyphs: Some(&fieldbridge::console::glyph::ASCII),
        ..ConsoleSettings::default()
    };
    for (columns, rows) in SIZES {
        let mut app = sample::app_with(&settings, columns, rows, Role::Admin);
        assert!(text(&app).is_ascii());
        open_transaction(&mut app);
        assert!(text(&app).is_ascii());
        press(&mut app, ":");
        assert!(text(&app).is_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever a ticket's text holds, no cell holds a control or direction character, and no row outgrows the screen.
    #[test]
    fn hostile_text_never_reaches_the_terminal(
        cause in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{200b}-\u{200f}]|\u{1b}\\[31m|\u{1b}]52;c;eA==\u{7}|漢字|👩‍👩‍👧|e\u{301}\u{302}\u{303}|שלום){0,60}"
    ) {
        let mut app = sample::app(120, 40);
        let mut overview = sample::overview();
        overview.engine.name = cause.clone();
        overview.groups[0].cause = cause.clone();
        overview.connectors[0].name = cause.clone();
        let feed = Feed::Live(sample::identity(Role::Admin), std::sync::Arc::new(overview));
        update(&mut app, Message::Feed(feed));
        press(&mut app, "3");
        let terminal = draw(&app);
        for cell in terminal.backend().buffer().content() {
            for character in cell.symbol().chars() {
                prop_assert!(!character.is_control(), "{:?}", cell.symbol());
                let bidi = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}');
                prop_assert!(!bidi, "{:?}", cell.symbol());
            }
        }
        let cleaned = fieldbridge::console::text::clean(&cause).into_owned();
        for columns in 0..40 {
            let fitted = fieldbridge::console::text::fit(&cause, columns, "…");
            prop_assert!(fieldbridge::console::text::width(&fitted) <= columns);
        }
        prop_assert_eq!(fieldbridge::console::text::clean(&cleaned).into_owned(), cleaned.clone());
        for line in fieldbridge::console::text::wrap(&cause, 12) {
            prop_assert!(fieldbridge::console::text::width(&line) <= 12 );
        }
    }
}
