//! The mapping workbench: sample, rules and output side by side.

mod dialog;
mod editor;
mod output;
mod rules;
mod source;

use ratatui::layout::Rect;

pub(super) use dialog::{impact, pasting, picker, publishing, versions};
pub(in crate::console) use dialog::{impact_rows, picker_rows, versions_rows};

use super::pane;
use crate::console::app::{App, Loadable, Standing};
use crate::console::brush::{Brush, Focus};
use crate::console::document::{Document, Line};
use crate::console::layout::{self, Breadth, breadth};
use crate::console::text::{cells, width};
use crate::console::theme::Tone;
use crate::console::workbench::versions::short;
use crate::console::workbench::{BenchPane, Chosen, DraftText, NotKept, Workbench};

pub(in crate::console) use output::extra as output_extra;
pub(in crate::console) use rules::{area as rules_area, note_columns};

/// Draws the workbench.
pub(super) fn draw(app: &App, bench: &Workbench, brush: &mut Brush<'_>) {
    let parts = layout::workbench(app, bench);
    heading(app, bench, brush, parts.heading);
    if parts.tabs.height > 0 {
        tabs(app, bench, brush, parts.tabs);
    }
    for (pane_kind, outer) in &parts.panes {
        let focus = Focus::when(*pane_kind == bench.focus);
        let title = title(app, bench, *pane_kind);
        let inner = pane(app, brush, *outer, &title, focus);
        match (&bench.bench, pane_kind) {
            (Loadable::Failed(why), BenchPane::Rules) => {
                failure(app, brush, inner, why);
            }
            (Loadable::Loading, BenchPane::Rules) => {
                brush.put(inner.x, inner.y, inner.width, "reading", Tone::Dim);
            }
            (_, BenchPane::Source) => source::draw(app, bench, brush, inner, focus),
            (_, BenchPane::Rules) => rules::draw(app, bench, brush, inner, focus),
            (_, BenchPane::Output) => output::draw(app, bench, brush, inner, focus),
        }
    }
    if let Some(rules) = parts.area(BenchPane::Rules) {
        editor::popup(app, bench, brush, rules, layout::parts(app).body);
    }
}

/// Says in as many lines as it takes why something could not be had.
fn failure(app: &App, brush: &mut Brush<'_>, area: Rect, why: &str) {
    let text = format!("{} {why}", app.glyphs.failed);
    let mut document = Document::new(vec![Line::of(Tone::Failed, text).hanging(2)]);
    document.fit(area.width.into(), area.height.into());
    brush.document(area, &document);
}

fn title(app: &App, bench: &Workbench, pane: BenchPane) -> Line {
    let dot = app.glyphs.dot;
    let line = Line::of(Tone::Title, format!("{} {}", pane.number(), pane.title()));
    match pane {
        BenchPane::Rules => line.with(Tone::Dim, format!(" {dot} {}", bench.rules.len())),
        BenchPane::Output if bench.standing == Standing::Asked => {
            line.with(Tone::Busy, format!(" {}", app.glyphs.busy))
        }
        BenchPane::Output if bench.difference.is_some() => {
            line.with(Tone::Changed, format!(" {dot} against what was delivered"))
        }
        BenchPane::Output if bench.is_outdated() => {
            line.with(Tone::Warn, format!(" {dot} the last good one"))
        }
        BenchPane::Source | BenchPane::Output => line,
    }
}

fn tabs(app: &App, bench: &Workbench, brush: &mut Brush<'_>, area: Rect) {
    let mut line = Line::default();
    for pane in BenchPane::ALL {
        let tone = if pane == bench.focus {
            Tone::Accent
        } else {
            Tone::Dim
        };
        line = line.with(tone, format!(" {} {} ", pane.number(), pane.title()));
    }
    let used = brush.line(area.x, area.y, area.width, &line) + 2;
    let failing = verdict(app, bench);
    brush.line(
        area.x + used,
        area.y,
        area.width.saturating_sub(used),
        &failing,
    );
}

/// How the whole stands, in a few words.
fn verdict(app: &App, bench: &Workbench) -> Line {
    let glyphs = app.glyphs;
    if bench.is_outdated() {
        return Line::of(Tone::Failed, format!("{} no output", glyphs.failed));
    }
    let Some(shown) = &bench.shown else {
        return Line::default();
    };
    match shown.problems.len() {
        0 => Line::of(Tone::Ok, format!("{} good", glyphs.ok)),
        1 => Line::of(Tone::Failed, format!("{} 1 fails", glyphs.failed)),
        count => Line::of(Tone::Failed, format!("{} {count} fail", glyphs.failed)),
    }
}

fn heading(app: &App, bench: &Workbench, brush: &mut Brush<'_>, area: Rect) {
    let about = about(app, bench);
    let mut right = sample(app, bench);
    for piece in impact_line(app, bench).pieces {
        right.pieces.push(piece);
    }
    let wide: usize = right.pieces.iter().map(|piece| width(&piece.text)).sum();
    let wide = cells(wide);
    if breadth(app.size) == Breadth::Four {
        let room = area.width.saturating_sub(wide + 3);
        brush.line(area.x + 1, area.y, room, &about);
        let x = area.right().saturating_sub(wide + 1);
        brush.line(x, area.y, wide, &right);
        return;
    }
    let room = area.width.saturating_sub(1);
    brush.line(area.x + 1, area.y, room, &about);
    if area.height > 1 {
        brush.line(area.x + 1, area.y + 1, room, &right);
    }
}

fn about(app: &App, bench: &Workbench) -> Line {
    let dot = app.glyphs.dot;
    let mut line = Line::of(Tone::Title, format!("Mapping {}", bench.connector))
        .with(Tone::Accent, format!(" {dot} {}", bench.direction.word()));
    let Some(draft) = &bench.draft else {
        return line;
    };
    let changes = draft.changes();
    if changes == 0 {
        let known = bench.bench.ready();
        let version = known.map_or("", |known| short(&known.version));
        return line.with(Tone::Dim, format!(" {dot} as in force {version}"));
    }
    let who = draft.kept.as_ref().map_or_else(
        || {
            let me = app.identity.as_ref();
            me.map_or_else(String::new, |me| me.user.clone())
        },
        |(by, _)| by.clone(),
    );
    let plural = if changes == 1 { "change" } else { "changes" };
    line = line.with(
        Tone::Changed,
        format!(" {dot} draft of {who} ({changes} {plural})"),
    );
    if let Some(why) = draft.problem.as_ref().map(NotKept::why) {
        let text = format!(" {} not kept: {why}", app.glyphs.warn);
        line = line.with(Tone::Warn, text);
    }
    let known = bench.bench.ready();
    if known.is_some_and(|known| known.version != draft.base) {
        let text = format!(" {} begun from {}", app.glyphs.warn, short(&draft.base));
        line = line.with(Tone::Warn, text);
    }
    line
}

fn sample(app: &App, bench: &Workbench) -> Line {
    const MOST: usize = 44;
    let Some(chosen) = &bench.sample else {
        return Line::of(Tone::Dim, "no sample");
    };
    let title = match (chosen, &bench.shown) {
        (Chosen::Transaction(..) | Chosen::Record(_), Some(shown)) if !bench.is_outdated() => {
            shown.label.clone()
        }
        _ => chosen.title(),
    };
    let title = crate::console::text::fit(&title, MOST, app.glyphs.ellipsis);
    Line::of(Tone::Dim, "sample: ").with(Tone::Text, title.into_owned())
}

fn impact_line(app: &App, bench: &Workbench) -> Line {
    let glyphs = app.glyphs;
    if let Some(run) = &bench.impact.run {
        let text = format!("   {} impact {}/{}", glyphs.busy, run.looked_at, run.of);
        return Line::of(Tone::Busy, text);
    }
    let filed = bench.draft.as_ref().is_none_or(DraftText::is_as_filed);
    match &bench.impact.last {
        Some(last) if !filed => {
            let broken = last.impact.broken > 0;
            let tone = if broken { Tone::Failed } else { Tone::Ok };
            let line = Line::of(tone, format!("   impact: {}", last.line(glyphs.dot)));
            if last.text == bench.text() {
                line
            } else {
                line.with(Tone::Warn, format!(" {} changed since", glyphs.warn))
            }
        }
        _ => Line::default(),
    }
}
