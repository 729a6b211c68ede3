//! What it costs to draw the first screen and the workbench, and to take news and keys in the workbench.

#[path = "../tests/console_sample/mod.rs"]
mod console_sample;

use console_sample as sample;
use criterion::{Criterion, criterion_group, criterion_main};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use fieldbridge::console::app::App;
use fieldbridge::console::{Effect, Feed, Message, update, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// 200×60, four panes, with thousands of failure groups of which few are in sight.
fn frame(criterion: &mut Criterion) {
    let mut app = sample::app(200, 60);
    let group = sample::overview().groups.into_iter().next();
    app.home
        .rows
        .extend(std::iter::repeat_n(group, 10_000).flatten());
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a buffer is a terminal");
    criterion.bench_function("frame 200x60", |bencher| {
        bencher.iter(|| {
            terminal
                .draw(|frame| view(&app, frame))
                .expect("a buffer can be drawn on")
                .count
        });
    });
}

fn press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    let effects = update(app, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    sample::answer_previews(app, &effects);
    sample::answer(app, &effects)
}

/// 200×60, the three panes of the workbench on a failing rule: a frame, a key, and an overview that changed.
fn workbench(criterion: &mut Criterion) {
    let mut app = sample::app(200, 60);
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Char('w'));
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a buffer is a terminal");
    criterion.bench_function("workbench frame 200x60", |bencher| {
        bencher.iter(|| {
            terminal
                .draw(|frame| view(&app, frame))
                .expect("a buffer can be drawn on")
                .count
        });
    });
    criterion.bench_function("workbench cursor move", |bencher| {
        let mut down = false;
        bencher.iter(|| {
            down = !down;
            let key = if down { 'j' } else { 'k' };
            press(&mut app, KeyCode::Char(key)).len()
        });
    });
    let overview = std::sync::Arc::new(sample::overview());
    let identity = app.identity.clone().expect("somebody looks");
    criterion.bench_function("workbench news", |bencher| {
        bencher.iter(|| {
            let feed = Feed::Live(identity.clone(), overview.clone());
            update(&mut app, Message::Feed(feed)).len()
        });
    });
}

criterion_group!(benches, frame, workbench);
criterion_main!(benches);
