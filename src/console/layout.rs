//! Where everything is: which panes have room, and the rectangles that drawing and the mouse share.

use ratatui::layout::Rect;

use super::app::{App, Link, Pane, Screen, Zoom};
use super::text::cells;
use super::wizard::{Step, Wizard};
use super::workbench::{BenchPane, Workbench};

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breadth {
    /// Four panes side by side.
    Four,
    /// Two panes.
    Two,
    /// One pane, with tabs.
    One,
    /// One list, without frames.
    List,
}

/// The breadth of a terminal of so many columns and rows.
#[must_use]
pub fn breadth((columns, rows): (u16, u16)) -> Breadth {
    match (columns, rows) {
        (150.., 20..) => Breadth::Four,
        (100.., 15..) => Breadth::Two,
        (60.., 15..) => Breadth::One,
        _ => Breadth::List,
    }
}

/// The parts every screen has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The line at the top.
    pub header: Rect,
    /// The line that says that something is grave; empty when nothing is.
    pub banner: Rect,
    /// What is between.
    pub body: Rect,
    /// The key bar; empty when there is no room.
    pub footer: Rect,
}

/// The parts of the whole terminal.
#[must_use]
pub fn parts(app: &App) -> Parts {
    let (columns, rows) = app.size;
    let whole = Rect::new(0, 0, columns, rows);
    let (header, rest) = cut_top(whole, 1);
    let graves = u16::from(matches!(app.link, Link::Lost(_)));
    let (banner, rest) = cut_top(rest, graves);
    let footer_rows = u16::from(rest.height > 4);
    let (body, footer) = cut_top(rest, rest.height - footer_rows);
    Parts {
        header,
        banner,
        body,
        footer,
    }
}

/// Cuts rows off the top: those, and what is left.
#[must_use]
pub fn cut_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (
        Rect {
            height: rows,
            ..area
        },
        Rect {
            y: area.y + rows,
            height: area.height - rows,
            ..area
        },
    )
}

/// Cuts columns off the left: those, and what is left.
#[must_use]
pub fn cut_left(area: Rect, columns: u16) -> (Rect, Rect) {
    let columns = columns.min(area.width);
    (
        Rect {
            width: columns,
            ..area
        },
        Rect {
            x: area.x + columns,
            width: area.width - columns,
            ..area
        },
    )
}

/// The inside of a frame; where there are no frames, what is below the title.
#[must_use]
pub fn inside(breadth: Breadth, outer: Rect) -> Rect {
    if breadth == Breadth::List {
        return cut_top(outer, 1).1;
    }
    Rect {
        x: outer.x + 1.min(outer.width),
        y: outer.y + 1.min(outer.height),
        width: outer.width.saturating_sub(2),
        height: outer.height.saturating_sub(2),
    }
}

/// The panes of the first screen that have room, with their frames.
#[must_use]
pub fn panes(app: &App) -> Vec<(Pane, Rect)> {
    let body = parts(app).body;
    let focus = app.home.focus;
    let breadth = breadth(app.size);
    if app.home.zoom == Zoom::Focused && breadth != Breadth::One && breadth != Breadth::List {
        return vec![(focus, body)];
    }
    match breadth {
        Breadth::Four => {
            let (left, right) = cut_left(body, body.width * 2 / 5);
            let queue_rows = 8.min(left.height / 2);
            let (connectors, queues) = cut_top(left, left.height - queue_rows);
            let (failed, preview) = cut_top(right, right.height / 2);
            vec![
                (Pane::Connectors, connectors),
                (Pane::Queues, queues),
                (Pane::Failed, failed),
                (Pane::Preview, preview),
            ]
        }
        Breadth::Two => {
            let (left, right) = cut_left(body, body.width * 2 / 5);
            match focus {
                Pane::Connectors => vec![(focus, left), (Pane::Failed, right)],
                Pane::Queues => vec![(Pane::Queues, left), (Pane::Failed, right)],
                Pane::Failed | Pane::Preview => {
                    let (failed, preview) = cut_top(body, body.height / 2);
                    vec![(Pane::Failed, failed), (Pane::Preview, preview)]
                }
            }
        }
        Breadth::One => vec![(focus, cut_top(body, 1).1)],
        Breadth::List => vec![(focus, body)],
    }
}

/// Whether the mapping preview can be seen.
#[must_use]
pub fn shows_preview(app: &App) -> bool {
    match app.screens.last() {
        Some(Screen::Preview) => true,
        Some(_) => false,
        None => panes(app).iter().any(|(pane, _)| *pane == Pane::Preview),
    }
}

/// The rows of a table below its headings.
#[must_use]
pub fn below_heading(area: Rect) -> Rect {
    cut_top(area, u16::from(area.height > 3)).1
}

/// The parts of a transaction's screen, with their frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionParts {
    /// Where we are.
    pub crumbs: Rect,
    /// The timeline beside the rest; empty when there is no room for both.
    pub timeline: Rect,
    /// Why it failed.
    pub why: Rect,
    /// The tab in front.
    pub document: Rect,
}

/// The parts of a transaction's screen; `reasons` is how many lines there are to say why it failed.
#[must_use]
pub fn transaction(app: &App, reasons: usize) -> TransactionParts {
    let body = parts(app).body;
    let breadth = breadth(app.size);
    let (crumbs, rest) = cut_top(body, 1);
    let (timeline, right) = match breadth {
        Breadth::Four | Breadth::Two => cut_left(rest, (rest.width * 2 / 5).min(60)),
        Breadth::One | Breadth::List => cut_left(rest, 0),
    };
    let frame = if breadth == Breadth::List { 1 } else { 2 };
    let why_rows = match reasons {
        0 => 0,
        lines => (cells(lines) + frame).min(right.height * 2 / 5),
    };
    let (why, document) = cut_top(right, why_rows);
    TransactionParts {
        crumbs,
        timeline,
        why,
        document,
    }
}

/// The parts of the workbench, with their frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchParts {
    /// Whose mapping, on what, and what it changes.
    pub heading: Rect,
    /// The tabs, where only one pane has room.
    pub tabs: Rect,
    /// The panes that have room.
    pub panes: Vec<(BenchPane, Rect)>,
}

impl BenchParts {
    /// Where a pane is, if it has room.
    #[must_use]
    pub fn area(&self, pane: BenchPane) -> Option<Rect> {
        let found = self.panes.iter().find(|(other, _)| *other == pane);
        found.map(|(_, area)| *area)
    }
}

/// The parts of the workbench.
#[must_use]
pub fn workbench(app: &App, bench: &Workbench) -> BenchParts {
    let body = parts(app).body;
    let breadth = breadth(app.size);
    let heading_rows = match breadth {
        Breadth::Four | Breadth::List => 1,
        Breadth::Two | Breadth::One => 2,
    };
    let (heading, rest) = cut_top(body, heading_rows);
    let alone = bench.zoom == Zoom::Focused || matches!(breadth, Breadth::One | Breadth::List);
    let (tabs, rest) = cut_top(rest, u16::from(alone && breadth != Breadth::List));
    let focus = bench.focus;
    let panes = match (alone, breadth) {
        (true, _) => vec![(focus, rest)],
        (false, Breadth::Four) => {
            let (source, others) = cut_left(rest, rest.width * 28 / 100);
            let (rules, output) = cut_left(others, rest.width * 40 / 100);
            vec![
                (BenchPane::Source, source),
                (BenchPane::Rules, rules),
                (BenchPane::Output, output),
            ]
        }
        (false, _) => {
            let share = if focus == BenchPane::Source { 40 } else { 55 };
            let (left, right) = cut_left(rest, rest.width * share / 100);
            match focus {
                BenchPane::Source => vec![(BenchPane::Source, left), (BenchPane::Rules, right)],
                _ => vec![(BenchPane::Rules, left), (BenchPane::Output, right)],
            }
        }
    };
    BenchParts {
        heading,
        tabs,
        panes,
    }
}

/// The parts of a connector being made, with their frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WizardParts {
    /// What it is, and how it stands.
    pub heading: Rect,
    /// The form, the rows or the file.
    pub list: Rect,
    /// What is known of the selected row; empty when there is no room.
    pub detail: Rect,
}

/// The parts of a connector being made.
#[must_use]
pub fn wizard(app: &App, wizard: &Wizard) -> WizardParts {
    let body = parts(app).body;
    let breadth = breadth(app.size);
    // What is wrong may need more than a line.
    let state_rows = match (breadth, &wizard.problem) {
        (Breadth::List, None) => 0,
        (_, Some(problem)) => {
            let lines = super::text::width(problem) / usize::from(body.width.max(4) - 3) + 1;
            cells(lines).min(body.height / 3)
        }
        (_, None) => 1,
    };
    let (heading, rest) = cut_top(body, 1 + state_rows);
    let (list, detail) = match (wizard.step, breadth) {
        (Step::Start | Step::Preview, _) | (Step::Choose, Breadth::List) => {
            cut_top(rest, rest.height)
        }
        (Step::Choose, Breadth::One) => {
            let rows = cells(wizard.rows().len()) + 2;
            cut_top(rest, rows.min(rest.height.saturating_sub(6)))
        }
        (Step::Choose, Breadth::Four | Breadth::Two) => cut_left(rest, rest.width * 3 / 5),
    };
    WizardParts {
        heading,
        list,
        detail,
    }
}

/// A rectangle in the middle, at most so large.
#[must_use]
pub fn centred(within: Rect, columns: u16, rows: u16) -> Rect {
    let width = columns.min(within.width);
    let height = rows.min(within.height);
    Rect {
        x: within.x + (within.width - width) / 2,
        y: within.y + (within.height - height) / 2,
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breakpoints_are_those_of_the_design() {
        assert_eq!(breadth((150, 40)), Breadth::Four);
        assert_eq!(breadth((149, 40)), Breadth::Two);
        assert_eq!(breadth((100, 40)), Breadth::Two);
        assert_eq!(breadth((99, 40)), Breadth::One);
        assert_eq!(breadth((80, 24)), Breadth::One);
        assert_eq!(breadth((59, 40)), Breadth::List);
        assert_eq!(breadth((200, 10)), Breadth::List);
    }

    #[test]
    fn no_rectangle_is_larger_than_what_it_is_cut_from() {
        for columns in 0..40 {
            for rows in 0..10 {
                let area = Rect::new(0, 0, columns, rows);
                for breadth in [Breadth::Four, Breadth::List] {
                    let inner = inside(breadth, area);
                    assert!(inner.right() <= area.right().max(1));
                    assert!(inner.bottom() <= area.bottom().max(1));
                }
                assert!(centred(area, 20, 5).right() <= columns);
            }
        }
    }
}
