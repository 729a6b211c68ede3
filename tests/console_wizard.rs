//! Making a connector in the console: what each step does to the state and asks for, and how it looks.

mod console_sample;

use console_sample as sample;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use fieldbridge::api::Role;
use fieldbridge::config::Problem;
use fieldbridge::console::app::{App, Mood, Screen};
use fieldbridge::console::dialog::Dialog;
use fieldbridge::console::remote::RemoteError;
use fieldbridge::console::wizard::{Answer, Ask, Field, Step, Wizard};
use fieldbridge::console::{ConsoleSettings, Effect, Feed, Message, Mode, update, view};
use fieldbridge::engine::{DescriptionRequest, Extent, MadeConnector, MakeConnector};
use fieldbridge::openapi::Document;
use fieldbridge::platform::{Offer, Proposal, Purpose};
use fieldbridge::sandbox::REST_DESCRIPTION;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::fmt::Write as _;
use std::sync::Arc;

const SIZES: [(u16, u16); 2] = [(150, 40), (80, 24)];

/// The description of the made-up service, with something that can't be used.
fn description() -> Document {
    let text = REST_DESCRIPTION.replace(
        "    key: {type: apiKey",
        "    handshake: {type: mutualTLS}\n    key: {type: apiKey",
    );
    Document::parse("desk.yaml", &text).unwrap()
}

fn offer(request: &DescriptionRequest) -> Result<Offer, RemoteError> {
    let document = description();
    let refused = |why: String| RemoteError::Answered(why);
    if request.file != "desk.yaml" {
        return Err(refused(format!(
            "/etc/fieldbridge/{} is not there",
            request.file
        )));
    }
    let envelope = request.envelope.as_deref();
    let proposal = match &request.fetch {
        Some(fetch) => Proposal::around(&document, fetch, envelope)
            .map_err(|problem| refused(problem.to_string()))?,
        None => Proposal::of(&document),
    };
    Ok(proposal.offer())
}

fn made(make: &MakeConnector) -> Result<MadeConnector, RemoteError> {
    let document = description();
    let proposal = Proposal::of(&document);
    let id = &make.connector;
    let text = proposal.connector_text(id, &make.file, &make.choice);
    let text = text.map_err(|problem| RemoteError::Answered(problem.to_string()))?;
    let file = format!("/etc/fieldbridge/connectors/{id}.toml");
    let mapping = format!("/etc/fieldbridge/mappings/{id}.toml");
    let address = make.choice.base_url.as_deref();
    let problems = address
        .filter(|address| !address.contains("://"))
        .map(|address| {
            Problem::new(
                file.as_ref(),
                format!("settings.base_url: `{address}` is no whole address"),
                "set base_url with its scheme and host",
            )
        });
    let problems: Vec<Problem> = problems.into_iter().collect();
    let written = match make.extent {
        Extent::DryRun => Vec::new(),
        Extent::Write => vec![file.clone().into(), mapping.into()],
    };
    Ok(MadeConnector {
        file: file.into(),
        missing_secrets: proposal.secrets(id, &make.choice),
        text,
        problems,
        written,
        kept: Vec::new(),
    })
}

/// Answers what is asked for a connector being made; answers what is left over.
fn answer(app: &mut App, effects: Vec<Effect>) -> Vec<Effect> {
    let mut left = Vec::new();
    for effect in effects {
        let answer = match &effect {
            Effect::Wizard(Ask::Files(_)) => {
                Answer::Files(vec!["apis/erp/openapi.json".into(), "desk.yaml".into()])
            }
            Effect::Wizard(Ask::Describe(ticket, request)) => {
                Answer::Described(*ticket, offer(request).map(Box::new))
            }
            Effect::Wizard(Ask::Make(ticket, make)) => {
                Answer::Made(*ticket, made(make).map(Box::new))
            }
            _ => {
                left.push(effect);
                continue;
            }
        };
        let asked = update(app, Message::Wizard(answer));
        left.extend(self::answer(app, asked));
    }
    left
}

fn key(app: &mut App, code: KeyCode) -> Vec<Effect> {
    let effects = update(app, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    sample::answer_previews(app, &effects);
    effects
}

/// Presses keys without answering.
fn type_in(app: &mut App, keys: &str) -> Vec<Effect> {
    let pressed = keys.chars().flat_map(|one| {
        key(
            app,
            match one {
                '\n' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                '\t' => KeyCode::Tab,
                '↓' => KeyCode::Down,
                '↑' => KeyCode::Up,
                '⌫' => KeyCode::Backspace,
                other => KeyCode::Char(other),
            },
        )
    });
    pressed.collect()
}

/// Presses keys and answers what the engine is asked for; answers what is left over.
fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut left = Vec::new();
    for one in keys.chars() {
        let effects = type_in(app, &one.to_string());
        left.extend(answer(app, effects));
    }
    left
}

fn opened(columns: u16, rows: u16) -> App {
    let mut app = sample::app(columns, rows);
    press(&mut app, "N");
    app
}

const NAMES: &str = "desk.yaml\nrest-desk\nHarbour Desk\n";

fn chosen(columns: u16, rows: u16) -> App {
    let mut app = opened(columns, rows);
    press(&mut app, NAMES);
    app
}

fn wizard(app: &App) -> &Wizard {
    app.wizard().expect("a connector is being made")
}

fn operation(app: &App, purpose: Purpose) -> Option<&str> {
    wizard(app).choice.operation(purpose)
}

fn text(app: &App) -> String {
    let (columns, rows) = app.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view(app, frame)).unwrap();
    terminal.backend().to_string()
}

fn approve(name: &str, prepare: impl Fn(&mut App)) {
    for (columns, rows) in SIZES {
        let mut app = opened(columns, rows);
        prepare(&mut app);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), text(&app));
    }
}

#[test]
fn looks() {
    approve("start", |_| {});
    approve("start_refused", |app| {
        press(app, "ghost.yaml\nrest-desk\n\n");
    });
    approve("choose", |app| {
        press(app, NAMES);
    });
    approve("asking", |app| {
        type_in(app, NAMES);
    });
    approve("chooser", |app| {
        press(app, NAMES);
        press(app, "jjj\n");
    });
    approve("chooser_narrowed", |app| {
        press(app, NAMES);
        press(app, "\nticket get");
    });
    approve("address", |app| {
        press(app, NAMES);
        press(app, "jjjjjj\nhttps://desk.example.com/v2");
    });
    approve("problems", |app| {
        press(app, NAMES);
        press(app, "p");
    });
    approve("preview", |app| {
        press(app, NAMES);
        press(app, "n");
    });
    approve("preview_wrong", |app| {
        press(app, NAMES);
        press(app, "jjjjjj\nnowhere\nn");
    });
    approve("made", |app| {
        press(app, NAMES);
        press(app, "nW");
    });
    approve("leaving", |app| {
        press(app, NAMES);
        press(app, "\u{1b}\u{1b}");
    });
}

#[test]
fn every_size_can_be_drawn() {
    for (columns, rows) in [
        (200, 60),
        (100, 30),
        (59, 20),
        (40, 10),
        (20, 5),
        (8, 3),
        (1, 1),
    ] {
        for keys in [
            "",
            NAMES,
            "desk.yaml\nrest-desk\n\n\n",
            "desk.yaml\nrest-desk\n\nn",
        ] {
            let mut app = opened(columns, rows);
            press(&mut app, keys);
            text(&app);
        }
    }
}

#[test]
fn what_is_wrong_with_the_names_is_told_in_place() {
    let mut app = opened(80, 24);
    assert_eq!(type_in(&mut app, "\n\n\n"), []);
    assert_eq!(wizard(&app).field, Field::File);
    assert!(
        wizard(&app)
            .problem
            .as_deref()
            .unwrap()
            .contains("describes the API")
    );
    press(&mut app, "desk.yaml\nNo Id\n\n");
    assert_eq!(
        (wizard(&app).field, wizard(&app).step),
        (Field::Id, Step::Start)
    );
    assert!(text(&app).contains("✗"), "{}", text(&app));
    for _ in 0..5 {
        press(&mut app, "⌫");
    }
    // One of the sample's own connectors.
    press(&mut app, "cw-main\n\n");
    let problem = wizard(&app).problem.clone().unwrap();
    assert!(problem.contains("`cw-main` already"), "{problem}");
    for _ in 0.."cw-main".len() {
        press(&mut app, "⌫");
    }
    press(&mut app, "rest-desk\n\n");
    assert_eq!(wizard(&app).step, Step::Choose);
    assert_eq!(wizard(&app).problem, None);
}

#[test]
fn a_description_that_is_found_is_typed_with_a_key() {
    let mut app = opened(80, 24);
    press(&mut app, "desk\t");
    assert_eq!(wizard(&app).typed(Field::File), "desk.yaml");
    assert_eq!(wizard(&app).field, Field::File);
    press(&mut app, "\t");
    assert_eq!(wizard(&app).field, Field::Id);
    update(&mut app, Message::Paste("rest-desk".into()));
    assert_eq!(wizard(&app).typed(Field::Id), "rest-desk");
    // Letters that are keys elsewhere are letters here.
    press(&mut app, "qN");
    assert_eq!(wizard(&app).typed(Field::Id), "rest-deskqN");
}

#[test]
fn what_was_offered_of_another_file_is_not_taken() {
    let mut app = opened(80, 24);
    let effects = type_in(&mut app, "desk.yaml\nrest-desk\n\n");
    assert!(wizard(&app).awaited.is_some());
    // The name is changed while the engine still reads.
    type_in(&mut app, "x");
    answer(&mut app, effects);
    assert_eq!(wizard(&app).step, Step::Start);
    assert!(wizard(&app).offer.is_none());
    press(&mut app, "\n");
    assert_eq!(wizard(&app).step, Step::Choose);
}

#[test]
fn the_likeliest_is_chosen_and_every_row_can_be_changed() {
    let mut app = chosen(80, 24);
    assert_eq!(operation(&app, Purpose::Update), Some("changeTicket"));
    press(&mut app, "jjj\nreplace\n");
    assert_eq!(operation(&app, Purpose::Update), Some("replaceTicket"));
    press(&mut app, "j\nnone\n");
    assert_eq!(operation(&app, Purpose::Attach), None);
    assert!(text(&app).contains("∅ none"));
    // Esc leaves the list, and what was chosen stays.
    press(&mut app, "\nattach\u{1b}");
    assert_eq!(operation(&app, Purpose::Attach), None);
    // What no operation is called can't be chosen.
    press(&mut app, "\nnonsense\n");
    assert!(matches!(app.dialog, Some(Dialog::Chooser(_))));
    press(&mut app, "\u{1b}");
    // A field may be typed that the description does not know.
    let rows = wizard(&app).rows();
    let marker = rows.len() - 1 - wizard(&app).selected;
    press(&mut app, &"j".repeat(marker));
    press(&mut app, "\ncustom.marker\n");
    let choice = &wizard(&app).choice;
    assert_eq!(choice.marker_field.as_deref(), Some("custom.marker"));
}

#[test]
fn another_fetch_proposes_the_rest_anew_and_a_wrong_one_changes_nothing() {
    let mut app = chosen(80, 24);
    press(&mut app, "jjjjjj\nhttps://desk.example.com\n");
    press(&mut app, "gg");
    let before = wizard(&app).choice.clone();
    let effects = type_in(&mut app, "\ndescribeTicket\n");
    let [Effect::Wizard(Ask::Describe(_, request))] = &*effects else {
        panic!("{effects:?}");
    };
    assert_eq!(request.fetch.as_deref(), Some("describeTicket"));
    answer(&mut app, effects);
    assert!(
        wizard(&app)
            .problem
            .as_deref()
            .unwrap()
            .contains("no parameter")
    );
    assert_eq!(wizard(&app).choice, before);

    // What was chosen for the other record gives way; what belongs to the API stays.
    press(&mut app, "jjj\nreplace\n");
    press(&mut app, "jjj\nhttps://desk.example.com\n");
    press(&mut app, "gg\nlist tickets\u{1b}");
    assert_eq!(operation(&app, Purpose::Update), Some("replaceTicket"));
    let effects = type_in(&mut app, "\nchange some\n");
    assert_eq!(operation(&app, Purpose::Fetch), Some("getTicket"));
    answer(&mut app, effects);
    assert_eq!(operation(&app, Purpose::Fetch), Some("changeTicket"));
    assert_eq!(operation(&app, Purpose::Update), Some("changeTicket"));
    let address = wizard(&app).choice.base_url.as_deref();
    assert_eq!(address, Some("https://desk.example.com"));
}

#[test]
fn where_the_record_is_decides_which_fields_there_are() {
    let mut app = chosen(80, 24);
    assert_eq!(wizard(&app).choice.envelope.as_deref(), Some("data"));
    press(&mut app, "jjj\nreplace\n");
    let at = wizard(&app)
        .rows()
        .iter()
        .position(|row| *row == fieldbridge::console::wizard::Row::Envelope);
    let down = at.unwrap() - wizard(&app).selected;
    press(&mut app, &"j".repeat(down));
    press(&mut app, "\nthe answer\n");
    let choice = &wizard(&app).choice;
    assert_eq!(choice.envelope.as_deref(), Some(""));
    assert_eq!(
        choice.label_field, None,
        "at the top there is none of that name"
    );
    assert_eq!(choice.operation(Purpose::Update), Some("replaceTicket"));
}

#[test]
fn going_back_loses_nothing_until_the_person_says_so() {
    let mut app = chosen(80, 24);
    press(&mut app, "jjj\nreplace\n");
    press(&mut app, "n");
    assert_eq!(wizard(&app).step, Step::Preview);
    press(&mut app, "\u{1b}\u{1b}");
    assert_eq!(wizard(&app).step, Step::Start);
    press(&mut app, "\n\n\n");
    assert_eq!(wizard(&app).step, Step::Choose);
    assert_eq!(operation(&app, Purpose::Update), Some("replaceTicket"));
    press(&mut app, "\u{1b}\u{1b}n");
    assert!(app.dialog.is_none());
    assert_eq!(wizard(&app).typed(Field::Id), "rest-desk");
    press(&mut app, "\u{1b}y");
    assert!(app.screens.is_empty());
    // Where nothing was typed there is nothing to ask.
    press(&mut app, "N\u{1b}");
    assert!(app.screens.is_empty() && app.dialog.is_none());
}

#[test]
fn the_console_is_not_left_over_it_without_a_question() {
    let mut app = chosen(80, 24);
    let effects = press(&mut app, "q");
    assert_eq!(effects, []);
    assert!(matches!(app.dialog, Some(Dialog::Confirm(_))));
    press(&mut app, "n");
    assert_eq!(wizard(&app).step, Step::Choose);
    let effects = press(&mut app, "qy");
    assert!(matches!(effects[..], [Effect::Leave(_)]), "{effects:?}");
}

#[test]
fn what_is_shown_is_written_and_the_new_connector_is_selected() {
    let mut app = chosen(80, 24);
    let effects = press(&mut app, "W");
    assert_eq!(effects, []);
    let told = &app.toasts.last().unwrap().text;
    assert!(told.contains("look at the file first"), "{told}");
    // What is wrong is not written.
    press(&mut app, "jjjjjj\nnowhere\nn");
    assert_eq!(press(&mut app, "W"), []);
    let told = &app.toasts.last().unwrap().text;
    assert!(told.contains("must be mended"), "{told}");
    press(&mut app, "\u{1b}\nas the\n");
    assert_eq!(wizard(&app).choice.base_url, None);
    press(&mut app, "n");
    let effects = type_in(&mut app, "W");
    let [Effect::Wizard(Ask::Make(_, make))] = &*effects else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (make.connector.as_str(), make.extent),
        ("rest-desk", Extent::Write)
    );
    assert_eq!(make.choice.name.as_deref(), Some("Harbour Desk"));
    // Asked once, however often the key is pressed.
    assert_eq!(type_in(&mut app, "WW"), []);
    answer(&mut app, effects);
    assert!(app.screens.is_empty());
    let shown = text(&app);
    assert!(
        shown.contains("fieldbridge secret set rest-desk-api-key"),
        "{shown}"
    );
    press(&mut app, "\n");
    let mut overview = sample::overview();
    let mut new = overview.connectors[0].clone();
    new.id = sample::connector_id("rest-desk");
    overview.connectors.push(new);
    let feed = Feed::Live(sample::identity(Role::Admin), Arc::new(overview));
    update(&mut app, Message::Feed(feed));
    let selected = app.home.connectors.selected();
    assert_eq!(selected, Some(&sample::connector_id("rest-desk")));
}

#[test]
fn what_the_engine_refuses_is_told_where_the_person_is() {
    let mut app = chosen(80, 24);
    press(&mut app, "n");
    let effects = type_in(&mut app, "W");
    let [Effect::Wizard(Ask::Make(ticket, _))] = &*effects else {
        panic!("{effects:?}");
    };
    let why = "there is a connector `rest-desk` already";
    let refused = Answer::Made(*ticket, Err(RemoteError::Answered(why.into())));
    update(&mut app, Message::Wizard(refused));
    assert_eq!(wizard(&app).step, Step::Preview);
    assert!(text(&app).contains(why));
    // An answer that nobody waits for any more changes nothing.
    let late = Answer::Made(*ticket, Err(RemoteError::Answered("late".into())));
    update(&mut app, Message::Wizard(late));
    assert!(text(&app).contains(why));
}

#[test]
fn only_admins_who_may_change_something_make_connectors() {
    for (role, mode, why) in [
        (Role::Viewer, Mode::Full, "needs the role admin"),
        (Role::Support, Mode::Full, "needs the role admin"),
        (Role::Admin, Mode::ReadOnly, "only looks"),
    ] {
        let settings = ConsoleSettings {
            mode,
            ..ConsoleSettings::default()
        };
        let mut app = sample::app_with(&settings, 80, 24, role);
        assert_eq!(press(&mut app, "N"), []);
        assert!(app.screens.is_empty());
        let told = app.toasts.last().unwrap();
        assert_eq!(told.mood, Mood::Bad);
        assert!(told.text.contains(why), "{}", told.text);
    }
}

#[test]
fn the_palette_offers_it() {
    for pane in ["1", "3", "4"] {
        let mut app = sample::app(80, 24);
        press(&mut app, pane);
        press(&mut app, ":new connector\n");
        assert!(matches!(app.screens.last(), Some(Screen::Wizard(_))));
    }
}

#[test]
fn the_mouse_selects_opens_and_scrolls() {
    let mut app = chosen(80, 24);
    let mouse = |app: &mut App, kind, row| {
        let event = MouseEvent {
            kind,
            column: 20,
            row,
            modifiers: KeyModifiers::NONE,
        };
        let effects = update(app, Message::Mouse(event));
        answer(app, effects);
    };
    let lines: Vec<String> = text(&app).lines().map(str::to_owned).collect();
    let row = lines.iter().position(|line| line.contains("changeTicket"));
    let row = u16::try_from(row.unwrap()).unwrap();
    let click = MouseEventKind::Down(MouseButton::Left);
    mouse(&mut app, click, row);
    assert_eq!((wizard(&app).selected, app.dialog.is_some()), (3, false));
    mouse(&mut app, click, row);
    assert!(matches!(app.dialog, Some(Dialog::Chooser(_))));
    mouse(&mut app, MouseEventKind::ScrollDown, 10);
    let Some(Dialog::Chooser(chooser)) = &app.dialog else {
        panic!("the list is gone");
    };
    assert!(chooser.selected > 0);
    press(&mut app, "\u{1b}");
    mouse(&mut app, MouseEventKind::ScrollUp, 10);
    assert_eq!(wizard(&app).selected, 0);
    press(&mut app, "\u{1b}");
    let lines: Vec<String> = text(&app).lines().map(str::to_owned).collect();
    let row = lines.iter().position(|line| line.contains("rest-desk"));
    mouse(&mut app, click, u16::try_from(row.unwrap()).unwrap());
    assert_eq!(wizard(&app).field, Field::Id);
    mouse(&mut app, MouseEventKind::ScrollDown, 10);
    assert!(app.toasts.is_empty());
}

#[test]
fn a_description_of_thousands_of_operations_stays_quick() {
    let mut text = "openapi: 3.0.0\ninfo: {title: Big, version: '1'}\nservers: [{url: 'https://x.example'}]\npaths:\n".to_owned();
    for number in 0..3_000 {
        let _ = writeln!(
            text,
            "  /things{number}/{{id}}: {{get: {{operationId: readThing{number}, summary: Reads it, parameters: [{{name: id, in: path, required: true}}]}}}}"
        );
    }
    let document = Document::parse("big", &text).unwrap();
    let offer = Proposal::of(&document).offer();
    assert_eq!(offer.operations.len(), 3_000);
    let mut app = opened(80, 24);
    let effects = type_in(&mut app, NAMES);
    let Some(Effect::Wizard(Ask::Describe(ticket, _))) = effects.last() else {
        panic!("{effects:?}");
    };
    let answer = Answer::Described(*ticket, Ok(Box::new(offer)));
    update(&mut app, Message::Wizard(answer));
    press(&mut app, "\nreadThing2999");
    let started = std::time::Instant::now();
    self::text(&app);
    assert!(
        started.elapsed().as_millis() < 1_000,
        "{:?}",
        started.elapsed()
    );
    press(&mut app, "\u{1b}");
    assert_eq!(operation(&app, Purpose::Fetch), Some("readThing0"));
}
