//! What it costs to draw the first screen.

#[path = "../tests/console_sample/mod.rs"]
mod console_sample;

use console_sample as sample;
use criterion::{Criterion, criterion_group, criterion_main};
use fieldbridge::console::view;
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

criterion_group!(benches, frame);
criterion_main!(benches);
