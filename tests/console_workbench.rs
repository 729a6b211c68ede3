//! The mapping workbench: what each step does to the state and asks for, and how it looks.

mod console_sample;

use console_sample as sample;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use fieldbridge::api::Role;
use fieldbridge::console::app::{App, Mood, Screen};
use fieldbridge::console::dialog::Dialog;
use fieldbridge::console::message::Edited;
use fieldbridge::console::remote::RemoteError;
use fieldbridge::console::workbench::{Answer, Ask, BenchPane, Chosen, Workbench};
use fieldbridge::console::{ConsoleSettings, Effect, Feed, Message, Mode, update, view};
use fieldbridge::engine::{ImpactUpdate, Sample, SaveDraft};
use fieldbridge::mapping::outline;
use fieldbridge::model::{Direction, MappingVersion, RecordId, State};
use fieldbridge::store::Draft;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;

const SIZES: [(u16, u16); 3] = [(200, 60), (120, 40), (80, 24)];

fn key(app: &mut App, code: KeyCode, modifiers: KeyModifiers) -> Vec<Effect> {
    let effects = update(app, Message::Key(KeyEvent::new(code, modifiers)));
    sample::answer_previews(app, &effects);
    sample::answer(app, &effects)
}

/// Presses keys and answers what the engine is asked for; answers what is left over.
fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let pressed = keys.chars().flat_map(|one| {
        let code = match one {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\t' => KeyCode::Tab,
            other => KeyCode::Char(other),
        };
        key(app, code, KeyModifiers::NONE)
    });
    pressed.collect()
}

fn control(app: &mut App, letter: char) -> Vec<Effect> {
    key(app, KeyCode::Char(letter), KeyModifiers::CONTROL)
}

/// The workbench on the failure of the first group.
fn opened(columns: u16, rows: u16) -> App {
    let mut app = sample::app(columns, rows);
    press(&mut app, "3w");
    app
}

fn bench(app: &App) -> &Workbench {
    app.workbench().expect("a workbench is in front")
}

/// Gives the failing rule a default.
fn mend(app: &mut App) {
    press(app, "\n\ndefault = \"OK\"\u{1b}");
}

fn later(app: &mut App, seconds: i64) -> Vec<Effect> {
    let now = app.now + jiff::SignedDuration::from_secs(seconds);
    update(app, Message::Tick(now))
}

fn saves(effects: &[Effect]) -> Vec<SaveDraft> {
    let saves = effects.iter().filter_map(|effect| match effect {
        Effect::Workbench(Ask::Save(_, save)) => Some(save.clone()),
        _ => None,
    });
    saves.collect()
}

fn impact_number(effects: &[Effect]) -> u64 {
    let numbers = effects.iter().find_map(|effect| match effect {
        Effect::Workbench(Ask::Impact(number, _)) => Some(*number),
        _ => None,
    });
    numbers.expect("an impact is asked for")
}

fn finish_impact(app: &mut App, effects: &[Effect]) {
    let done = ImpactUpdate::Done(Box::new(sample::impact()));
    let answer = Answer::Impact(impact_number(effects), Ok(done));
    update(app, Message::Workbench(answer));
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
    approve("failing", |_| {});
    approve("good", |app| {
        mend(app);
        press(app, "3");
    });
    approve("unreadable", |app| {
        press(app, "\n\ndefault = \"OK");
    });
    approve("completion", |app| {
        press(app, "\n\ndefault = \"");
        key(app, KeyCode::Tab, KeyModifiers::NONE);
    });
    approve("difference", |app| {
        press(app, "v");
    });
    approve("source", |app| {
        press(app, "1");
    });
    approve("picker", |app| {
        press(app, "s");
    });
    approve("impact_running", |app| {
        mend(app);
        let effects = press(app, "i");
        let progress = ImpactUpdate::Progress {
            looked_at: 200,
            of: 500,
        };
        let answer = Answer::Impact(impact_number(&effects), Ok(progress));
        update(app, Message::Workbench(answer));
    });
    approve("impact", |app| {
        mend(app);
        let effects = press(app, "i");
        finish_impact(app, &effects);
        press(app, "\njj\nj");
    });
    approve("publish", |app| {
        mend(app);
        let effects = press(app, "P");
        finish_impact(app, &effects);
        press(app, "stores without a state");
    });
    approve("versions", |app| {
        press(app, "H");
    });
    approve("version", |app| {
        press(app, "Hj\n");
    });
}

#[test]
fn it_opens_on_the_rule_that_failed_and_shows_on_what_value() {
    let app = opened(200, 60);
    let bench = bench(&app);
    assert_eq!(bench.direction, Direction::Inbound);
    assert_eq!(bench.selected_rule().unwrap().target, "location.state");
    assert_eq!(bench.source.selected().unwrap().path, "site.state");
    assert_eq!(bench.output.selected().unwrap().path, "location.state");
    assert!(bench.failing["location.state"].contains("required"));
    assert_eq!(bench.notes.at(7).len(), 1);
    assert_eq!(bench.notes.at(2)[0].text, "a number became text");
}

#[test]
fn moving_in_one_pane_moves_the_others_along() {
    let mut app = opened(200, 60);
    press(&mut app, "3g");
    assert_eq!(bench(&app).output.selected().unwrap().path, "title");
    assert_eq!(bench(&app).selected_rule().unwrap().number, 1);
    assert_eq!(bench(&app).source.selected().unwrap().path, "summary");
    press(&mut app, "1G");
    assert_eq!(bench(&app).focus, BenchPane::Source);
    assert_eq!(bench(&app).selected_rule().unwrap().number, 7);
    press(&mut app, "1gjj\n");
    assert!(bench(&app).source.nodes().len() <= 3, "the site is folded");
}

#[test]
fn a_mended_rule_turns_good_and_can_be_taken_back() {
    let mut app = opened(200, 60);
    mend(&mut app);
    let now = bench(&app);
    assert!(now.failing.is_empty(), "{:?}", now.failing);
    assert_eq!(now.draft.as_ref().unwrap().changes(), 1);
    assert!(now.text().contains("action = \"sync\"\n\n[[outbound]]"));
    press(&mut app, "u");
    assert_eq!(bench(&app).text(), sample::MAPPING);
    control(&mut app, 'r');
    assert!(bench(&app).text().contains("default = \"OK\""));
}

#[test]
fn giving_an_edit_up_leaves_the_rule_as_it_was() {
    let mut app = opened(200, 60);
    press(&mut app, "\nxyz");
    assert!(bench(&app).text().contains("xyz"));
    control(&mut app, 'g');
    assert_eq!(bench(&app).text(), sample::MAPPING);
    press(&mut app, "at");
    assert_eq!(bench(&app).rules.len(), 8);
    control(&mut app, 'g');
    assert_eq!(bench(&app).text(), sample::MAPPING, "nor is a rule added");
}

#[test]
fn a_text_that_is_no_mapping_keeps_the_last_good_output_and_says_where() {
    let mut app = opened(200, 60);
    mend(&mut app);
    press(&mut app, "\n\ndefault");
    let now = bench(&app);
    assert!(now.is_outdated());
    assert_eq!(now.output.root()["location"]["state"], json!("OK"));
    let shown = text(&app);
    assert!(shown.contains("✗ column"), "{shown}");
}

#[test]
fn completion_offers_the_values_of_the_target_and_types_one() {
    let mut app = opened(200, 60);
    press(&mut app, "\n\ndefault = \"\t");
    let editor = bench(&app).editor.as_ref().unwrap();
    let offers = &editor.popup.as_ref().unwrap().completions.offered;
    assert!(
        offers.iter().any(|offer| offer.label.contains("OK")),
        "{offers:?}"
    );
    key(&mut app, KeyCode::Down, KeyModifiers::NONE);
    key(&mut app, KeyCode::Up, KeyModifiers::NONE);
    press(&mut app, "\n");
    let editor = bench(&app).editor.as_ref().unwrap();
    assert!(editor.popup.is_none());
    assert!(
        editor.area.text().contains("default = \"OK"),
        "{}",
        editor.area.text()
    );
}

#[test]
fn pasted_lines_go_into_the_rule_being_edited() {
    let mut app = opened(200, 60);
    press(&mut app, "\n");
    let effects = update(
        &mut app,
        Message::Paste("\r\ndefault = \"OK\"\r\nnote = \"\u{1b}[31mwhy\"".into()),
    );
    sample::answer(&mut app, &effects);
    assert!(
        bench(&app)
            .text()
            .contains("default = \"OK\"\nnote = \"why\"")
    );
    assert!(bench(&app).failing.is_empty());
}

#[test]
fn rules_are_added_moved_and_deleted_by_a_key() {
    let mut app = opened(200, 60);
    press(&mut app, "KK");
    assert_eq!(bench(&app).selected_rule().unwrap().number, 5);
    assert_eq!(
        bench(&app).selected_rule().unwrap().target,
        "location.state"
    );
    press(&mut app, "D");
    assert_eq!(bench(&app).rules.len(), 6);
    press(&mut app, "as\u{1b}");
    assert_eq!(bench(&app).rules.len(), 7);
    assert_eq!(outline(bench(&app).text()).len(), 8);
    press(&mut app, "uuuu");
    assert_eq!(bench(&app).text(), sample::MAPPING);
}

#[test]
fn an_older_answer_is_dropped() {
    let mut app = opened(200, 60);
    let number = bench(&app).number;
    press(&mut app, "\n");
    // Typed, and not answered.
    let event = KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE);
    let effects = update(&mut app, Message::Key(event));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Workbench(Ask::Preview(newer, ..))] if *newer > number
    ));
    let late = Answer::Previewed(number, Err(RemoteError::Answered("late".into())));
    update(&mut app, Message::Workbench(late));
    assert_eq!(bench(&app).problem, None);
}

#[test]
fn a_draft_is_kept_once_it_rests_and_when_it_is_left() {
    let mut app = opened(200, 60);
    mend(&mut app);
    let saved = saves(&later(&mut app, 2));
    assert_eq!(saved.len(), 1);
    assert_eq!(saved[0].seen, None);
    assert_eq!(saved[0].base, MappingVersion::new("3f9a01c2aa"));
    assert!(saves(&later(&mut app, 2)).is_empty(), "one at a time");
    let draft = sample::kept(&saved[0], "sam");
    let connector = sample::connector_id("cw-main");
    let kept = Answer::Saved(connector.clone(), Ok(draft));
    update(&mut app, Message::Workbench(kept));
    assert!(saves(&later(&mut app, 2)).is_empty(), "it is kept");
    press(&mut app, "K");
    let left = press(&mut app, "\u{1b}");
    assert_eq!(saves(&left).len(), 1);
    assert_eq!(saves(&left)[0].seen, Some(1));
    assert!(app.workbench().is_none());
    assert!(app.toasts.last().unwrap().text.contains("is kept"));
}

#[test]
fn a_draft_that_says_what_the_file_says_is_not_kept() {
    let mut app = opened(200, 60);
    mend(&mut app);
    let saved = saves(&later(&mut app, 2));
    let draft = sample::kept(&saved[0], "sam");
    let connector = sample::connector_id("cw-main");
    let kept = Answer::Saved(connector.clone(), Ok(draft));
    update(&mut app, Message::Workbench(kept));
    press(&mut app, "u");
    let left = press(&mut app, "\u{1b}");
    assert!(left.contains(&Effect::Workbench(Ask::Discard(connector))));
}

#[test]
fn leaving_the_console_waits_for_the_draft() {
    let mut app = opened(200, 60);
    mend(&mut app);
    let effects = press(&mut app, "q");
    assert_eq!(saves(&effects).len(), 1);
    assert!(!effects.iter().any(|one| matches!(one, Effect::Leave(_))));
    let draft = sample::kept(&saves(&effects)[0], "sam");
    let kept = Answer::Saved(sample::connector_id("cw-main"), Ok(draft));
    let effects = update(&mut app, Message::Workbench(kept));
    assert!(effects.iter().any(|one| matches!(one, Effect::Leave(_))));
}

#[test]
fn a_draft_that_can_not_be_kept_is_left_behind_only_when_asked_twice() {
    let mut app = opened(200, 60);
    mend(&mut app);
    update(
        &mut app,
        Message::Feed(Feed::Lost("connection refused".into())),
    );
    assert!(press(&mut app, "q").is_empty());
    let told = &app.toasts.last().unwrap().text;
    assert!(told.contains("quit again to leave without it"), "{told}");
    let effects = press(&mut app, "q");
    assert!(effects.iter().any(|one| matches!(one, Effect::Leave(_))));
}

#[test]
fn what_nobody_touched_follows_the_file_and_a_draft_stays() {
    let connector = sample::connector_id("cw-main");
    let mut known = sample::bench();
    known.text = known.text.replace("site.city", "city");
    known.version = MappingVersion::new("77aa12bb34");
    let mut app = opened(200, 60);
    let answer = Answer::Bench(connector.clone(), Ok(Box::new(known.clone())));
    update(&mut app, Message::Workbench(answer));
    assert_eq!(bench(&app).text(), known.text);
    let mut app = opened(200, 60);
    mend(&mut app);
    let answer = Answer::Bench(connector, Ok(Box::new(known)));
    update(&mut app, Message::Workbench(answer));
    assert!(bench(&app).text().contains("default = \"OK\""));
    assert!(text(&app).contains("begun from 3f9a01c2"), "{}", text(&app));
}

#[test]
fn a_record_is_fetched_when_it_is_chosen_and_not_with_every_letter() {
    let mut app = opened(200, 60);
    let asked = |app: &mut App, code| {
        let effects = update(app, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        let samples: Vec<Sample> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Workbench(Ask::Preview(_, request, _)) => Some(request.sample.clone()),
                _ => None,
            })
            .collect();
        sample::answer(app, &effects);
        samples
    };
    for _ in 0..2 {
        press(&mut app, "sj");
        let template = Sample::Record(RecordId::new("12"));
        assert_eq!(asked(&mut app, KeyCode::Enter), [template]);
        press(&mut app, "\n");
        let typed = asked(&mut app, KeyCode::Char('x'));
        assert!(
            matches!(&typed[..], [Sample::Fetched { record, .. }] if *record == RecordId::new("12")),
            "{typed:?}"
        );
        press(&mut app, "\u{1b}");
    }
}

fn theirs() -> Draft {
    Draft {
        text: sample::MAPPING.replace("site.city", "city"),
        base: MappingVersion::new("3f9a01c2aa"),
        by: "robin".into(),
        at: sample::now(),
        revision: 9,
    }
}

#[test]
fn what_is_typed_is_never_taken_for_the_answer_whose_draft_it_is() {
    let mut app = opened(200, 60);
    press(&mut app, "\n\ndefault = \"O");
    later(&mut app, 2);
    let connector = sample::connector_id("cw-main");
    let stale = RemoteError::Stale("robin saved this draft at 14:00".into());
    let refused = Answer::Saved(connector, Err(stale));
    update(&mut app, Message::Workbench(refused));
    assert!(app.dialog.is_none());
    assert!(text(&app).contains("robin saved this draft"));
    press(&mut app, "k\"");
    assert!(bench(&app).text().contains("default = \"Ok\""));
    press(&mut app, "\u{1b}");
    assert!(text(&app).contains("Keep mine over theirs"));
    press(&mut app, "\u{1b}\u{1b}");
    // What is not kept is not left behind by a key.
    assert!(text(&app).contains("Keep mine over theirs"));
    assert!(bench(&app).text().contains("default = \"Ok\""));
}

#[test]
fn somebody_elses_draft_is_taken_or_overwritten_as_the_person_says() {
    for (choice, mine) in [("t", false), ("k", true)] {
        let mut app = opened(200, 60);
        mend(&mut app);
        later(&mut app, 2);
        let connector = sample::connector_id("cw-main");
        let stale = RemoteError::Stale("robin saved this draft at 14:00".into());
        let refused = Answer::Saved(connector.clone(), Err(stale));
        update(&mut app, Message::Workbench(refused));
        assert!(text(&app).contains("robin saved this draft"));
        assert!(
            saves(&later(&mut app, 5)).is_empty(),
            "it waits for an answer"
        );
        update(
            &mut app,
            Message::Key(KeyEvent::new(
                KeyCode::Char(choice.chars().next().unwrap()),
                KeyModifiers::NONE,
            )),
        );
        let mut known = sample::bench();
        known.draft = Some(theirs());
        let answer = Answer::Bench(connector, Ok(Box::new(known)));
        let effects = update(&mut app, Message::Workbench(answer));
        let rests = later(&mut app, 5);
        let saved = [saves(&effects), saves(&rests)].concat();
        assert_eq!(bench(&app).text().contains("default = \"OK\""), mine);
        assert_eq!(saved.len(), usize::from(mine));
        if mine {
            assert_eq!(saved[0].seen, Some(9), "over what they kept");
        } else {
            press(&mut app, "u");
            assert!(bench(&app).text().contains("default = \"OK\""));
        }
    }
}

#[test]
fn a_draft_is_taken_up_and_says_whose_it_is() {
    let mut app = sample::app(200, 60);
    let effects = update(
        &mut app,
        Message::Key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::NONE)),
    );
    assert!(matches!(
        effects.as_slice(),
        [Effect::Workbench(Ask::Bench(_))]
    ));
    let mut known = sample::bench();
    known.draft = Some(Draft {
        base: MappingVersion::new("0000older"),
        ..theirs()
    });
    let answer = Answer::Bench(sample::connector_id("cw-main"), Ok(Box::new(known)));
    let effects = update(&mut app, Message::Workbench(answer));
    sample::answer(&mut app, &effects);
    let told = &app.toasts.last().unwrap().text;
    assert!(told.contains("the draft of robin"), "{told}");
    assert!(told.contains("begun from 0000olde"), "{told}");
    assert_eq!(
        bench(&app).sample,
        Some(Chosen::Template(RecordId::new("12")))
    );
    let shown = text(&app);
    assert!(shown.contains("draft of robin (1 change)"), "{shown}");
    // What was published meanwhile is not overwritten unseen.
    press(&mut app, "P");
    assert!(text(&app).contains("robin published"), "{}", text(&app));
    press(&mut app, "k");
    let effects = press(&mut app, "P");
    impact_number(&effects);
    assert!(matches!(app.dialog, Some(Dialog::Publishing(_))));
}

#[test]
fn an_impact_is_cancelled_by_leaving_it_and_known_until_the_draft_changes() {
    let mut app = opened(200, 60);
    assert!(press(&mut app, "i").is_empty());
    assert_eq!(app.toasts.last().unwrap().mood, Mood::Bad);
    mend(&mut app);
    press(&mut app, "i");
    let cancelled = press(&mut app, "\u{1b}");
    assert_eq!(cancelled, [Effect::Workbench(Ask::CancelImpact)]);
    let effects = press(&mut app, "i");
    finish_impact(&mut app, &effects);
    assert!(text(&app).contains("fixes 12 · changes 3 · breaks 1 of 500"));
    press(&mut app, "\u{1b}");
    assert!(press(&mut app, "i\u{1b}").is_empty(), "it is known");
    press(&mut app, "K");
    assert!(text(&app).contains("changed since"));
    impact_number(&press(&mut app, "i"));
}

#[test]
fn an_example_of_the_impact_becomes_the_sample() {
    let mut app = opened(200, 60);
    mend(&mut app);
    let effects = press(&mut app, "i");
    finish_impact(&mut app, &effects);
    press(&mut app, "\nj\n");
    let chosen = bench(&app).sample.as_ref().unwrap();
    assert_eq!(chosen.transaction(), Some(sample::transaction_id(9)));
    assert!(app.dialog.is_none());
}

#[test]
fn publishing_asks_with_the_impact_and_offers_to_retry_what_it_mends() {
    let mut app = opened(200, 60);
    mend(&mut app);
    let effects = press(&mut app, "P");
    finish_impact(&mut app, &effects);
    let shown = text(&app);
    assert!(shown.contains("now failing location.zip"), "{shown}");
    assert!(shown.contains("+ default = \"OK\""), "{shown}");
    let effects = press(&mut app, "why not\n");
    let [Effect::Workbench(Ask::Publish(connector, publish))] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(publish.note.as_deref(), Some("why not"));
    assert_eq!(publish.base, MappingVersion::new("3f9a01c2aa"));
    let entry = sample::entry("0b50c11d", Some("sam"), None);
    let answer = Answer::Published(connector.clone(), Ok(entry));
    let effects = update(&mut app, Message::Workbench(answer));
    assert!(bench(&app).draft.as_ref().unwrap().is_as_filed());
    let gathered = effects.iter().find_map(|effect| match effect {
        Effect::GatherThese(ticket, ids) => Some((*ticket, ids.len())),
        _ => None,
    });
    let (ticket, count) = gathered.expect("what is mended is looked up");
    assert_eq!(count, 12);
    let rows = sample::page(12, State::Dead).items;
    update(&mut app, Message::Gathered(ticket, Ok(rows)));
    assert!(text(&app).contains("Published. Retry 12 transactions that this mends?"));
    let effects = press(&mut app, "y");
    assert!(matches!(effects.as_slice(), [Effect::BulkItem(..)]));
}

#[test]
fn a_refused_publishing_keeps_the_draft_and_says_why() {
    let mut app = opened(200, 60);
    mend(&mut app);
    let effects = press(&mut app, "P");
    finish_impact(&mut app, &effects);
    press(&mut app, "\n");
    let why = RemoteError::Answered("cw-main.toml:3:1: no such action".into());
    let answer = Answer::Published(sample::connector_id("cw-main"), Err(why));
    update(&mut app, Message::Workbench(answer));
    assert!(text(&app).contains("nothing was changed"));
    assert!(bench(&app).text().contains("default = \"OK\""));
}

#[test]
fn a_version_is_looked_at_and_brought_back_after_a_question() {
    let mut app = opened(200, 60);
    press(&mut app, "HR");
    assert_eq!(app.toasts.last().unwrap().text, "that version is in force");
    press(&mut app, "j\n");
    assert!(
        text(&app).contains("+ source = \"site.city\""),
        "{}",
        text(&app)
    );
    press(&mut app, "\u{1b}R");
    let shown = text(&app);
    assert!(shown.contains("Roll back to 77aa12bb?"), "{shown}");
    let effects = press(&mut app, "y");
    let [Effect::Workbench(Ask::RollBack(_, roll_back))] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(roll_back.to, MappingVersion::new("77aa12bb34"));
    assert_eq!(roll_back.seen, MappingVersion::new("3f9a01c2aa"));
}

#[test]
fn samples_come_from_records_transactions_files_and_pasted_text() {
    let mut app = opened(200, 60);
    press(&mut app, "sj\n");
    assert_eq!(
        bench(&app).sample,
        Some(Chosen::Template(RecordId::new("12")))
    );
    press(&mut app, "s/48205\n\n");
    let chosen = bench(&app).sample.as_ref().unwrap();
    assert_eq!(chosen.transaction(), Some(sample::transaction_id(5)));
    press(&mut app, "sr77\n");
    assert_eq!(
        bench(&app).sample,
        Some(Chosen::Record(RecordId::new("77")))
    );
    let effects = press(&mut app, "sf/tmp/sample.json\n");
    assert_eq!(
        effects,
        [Effect::Workbench(Ask::File("/tmp/sample.json".into()))]
    );
    press(&mut app, "sp");
    update(&mut app, Message::Paste("{\n \"a\": }".into()));
    control(&mut app, 's');
    assert!(text(&app).contains("line 2, column 7"), "{}", text(&app));
    press(&mut app, "\u{1b}sp");
    update(&mut app, Message::Paste("{\"a\": 1}".into()));
    control(&mut app, 's');
    let given = Chosen::Given("pasted sample".into(), json!({"a": 1}));
    assert_eq!(bench(&app).sample, Some(given));
}

#[test]
fn the_whole_draft_goes_to_the_editor_and_comes_back() {
    let mut app = opened(200, 60);
    let effects = press(&mut app, "E");
    let [Effect::EditDraft(connector, draft, Some(line))] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(draft.lines().nth(line - 1), Some("[[inbound]]"));
    let edited = Edited::Draft(connector.clone(), draft.replace("summary", "title"));
    update(&mut app, Message::Edited(edited));
    assert!(bench(&app).text().contains("source = \"title\""));
    press(&mut app, "u");
    assert_eq!(bench(&app).text(), sample::MAPPING);
}

#[test]
fn the_samples_transaction_is_recorded_as_a_case() {
    let mut app = opened(200, 60);
    let effects = press(&mut app, "c");
    let id = sample::transaction_id(12);
    assert_eq!(effects, [Effect::Workbench(Ask::Case(id))]);
    press(&mut app, "sr77\n");
    assert!(press(&mut app, "c").is_empty());
}

#[test]
fn the_other_direction_has_its_own_rules_and_sample() {
    let mut app = opened(200, 60);
    press(&mut app, "x");
    assert_eq!(bench(&app).direction, Direction::Outbound);
    assert_eq!(bench(&app).rules.len(), 1);
    let chosen = bench(&app).sample.as_ref().unwrap();
    assert!(chosen.transaction().is_some(), "the latest transaction");
}

#[test]
fn who_may_not_edit_looks_and_is_told_why() {
    for (settings, role, why) in [
        (
            ConsoleSettings::default(),
            Role::Support,
            "needs the role admin",
        ),
        (
            ConsoleSettings {
                mode: Mode::ReadOnly,
                ..ConsoleSettings::default()
            },
            Role::Admin,
            "only looks",
        ),
    ] {
        let mut app = sample::app_with(&settings, 200, 60, role);
        press(&mut app, "3w");
        for keys in ["\n", "a", "D", "P", "E"] {
            assert!(press(&mut app, keys).is_empty());
            let told = &app.toasts.last().unwrap().text;
            assert!(told.contains(why), "{keys:?}: {told}");
        }
        assert_eq!(bench(&app).text(), sample::MAPPING);
        assert!(bench(&app).shown.is_some(), "support may try it");
    }
    let settings = ConsoleSettings::default();
    let mut app = sample::app_with(&settings, 200, 60, Role::Viewer);
    press(&mut app, "3w");
    assert_eq!(bench(&app).rules.len(), 7);
    assert!(bench(&app).shown.is_none());
    assert!(text(&app).contains("needs the role support"));
}

#[test]
fn a_mapping_that_can_not_be_read_says_so() {
    let mut app = sample::app(80, 24);
    let event = KeyEvent::new(KeyCode::Char('w'), KeyModifiers::NONE);
    update(&mut app, Message::Key(event));
    let why = RemoteError::Answered("there is no such file".into());
    let answer = Answer::Bench(sample::connector_id("cw-main"), Err(why));
    update(&mut app, Message::Workbench(answer));
    assert!(text(&app).contains("there is no such file"));
    assert!(press(&mut app, "\na").is_empty());
    assert!(matches!(app.screens.last(), Some(Screen::Workbench(_))));
}

#[test]
fn any_size_draws_something_and_no_cell_holds_a_control() {
    for columns in (0..210).step_by(17) {
        for rows in (0..40).step_by(3) {
            let mut app = opened(columns, rows);
            press(&mut app, "\n\ndefault = \"漢字 e\u{301}");
            update(
                &mut app,
                Message::Paste("\u{1b}]52;c;eA==\u{7}\t\u{202e}x".into()),
            );
            for keys in [
                "\t",
                "\u{1b}\u{1b}s",
                "\u{1b}i",
                "\u{1b}P",
                "\u{1b}H",
                "\u{1b}v",
            ] {
                press(&mut app, keys);
                let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
                terminal.draw(|frame| view(&app, frame)).unwrap();
                let buffer = terminal.backend().buffer();
                let mut symbols = buffer
                    .content()
                    .iter()
                    .flat_map(|cell| cell.symbol().chars());
                assert!(!symbols.any(char::is_control));
            }
        }
    }
}
