//! What a frame costs on the wire.

mod console_sample;

use std::sync::Arc;

use console_sample as sample;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use fieldbridge::api::Role;
use fieldbridge::console::terminal::{Control, Screen};
use fieldbridge::console::{App, Feed, Message, update};

fn screen() -> (App, Screen<Vec<u8>>) {
    let app = sample::app(200, 60);
    let mut screen = Screen::take(Vec::new(), app.size, Control::BytesOnly).unwrap();
    screen.draw(&app).unwrap();
    (app, screen)
}

fn frame(app: &App, screen: &mut Screen<Vec<u8>>) -> Vec<u8> {
    screen.out().clear();
    screen.draw(app).unwrap();
    screen.out().clone()
}

#[test]
fn an_unchanged_frame_costs_nothing() {
    let (app, mut screen) = screen();
    assert!(!screen.out().is_empty());
    assert_eq!(frame(&app, &mut screen), b"");
}

#[test]
fn a_second_costs_a_few_bytes() {
    let (mut app, mut screen) = screen();
    let later = sample::now() + std::time::Duration::from_secs(1);
    update(&mut app, Message::Tick(later));
    let bytes = frame(&app, &mut screen);
    // The clock, and the relative times in sight.
    assert!(!bytes.is_empty() && bytes.len() <= 300, "{}", bytes.len());
}

#[test]
fn a_changed_row_costs_at_most_300_bytes() {
    let (mut app, mut screen) = screen();
    let mut overview = sample::overview();
    overview.groups[1].cause = "500 the other side fell over altogether".to_owned();
    let feed = Feed::Live(sample::identity(Role::Admin), Arc::new(overview));
    update(&mut app, Message::Feed(feed));
    let bytes = frame(&app, &mut screen);
    assert!(!bytes.is_empty() && bytes.len() <= 300, "{}", bytes.len());
}

#[test]
fn a_cursor_move_costs_less_than_a_kibibyte() {
    let (mut app, mut screen) = screen();
    update(
        &mut app,
        Message::Key(KeyEvent::new(KeyCode::Char('3'), KeyModifiers::NONE)),
    );
    frame(&app, &mut screen);
    update(
        &mut app,
        Message::Key(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::NONE)),
    );
    let bytes = frame(&app, &mut screen);
    assert!(!bytes.is_empty() && bytes.len() < 1024, "{}", bytes.len());
}

#[test]
fn every_frame_stands_between_the_marks_of_synchronized_output() {
    let (mut app, mut screen) = screen();
    update(&mut app, Message::Resized(120, 40));
    let bytes = frame(&app, &mut screen);
    assert!(bytes.starts_with(b"\x1b[?2026h"));
    assert!(bytes.ends_with(b"\x1b[?2026l"));
    let begins = bytes
        .windows(8)
        .filter(|window| window == b"\x1b[?2026h")
        .count();
    assert_eq!(begins, 1);
}

#[test]
fn the_bytes_show_what_the_state_says() {
    let (_, mut screen) = screen();
    let mut terminal = vt100::Parser::new(60, 200, 0);
    terminal.process(screen.out());
    let contents = terminal.screen().contents();
    assert!(contents.contains("prod-east"), "{contents}");
    assert!(contents.contains("no value for required location.state"));
}
