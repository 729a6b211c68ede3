//! A connector being made: the form, the rows with what is chosen, the file.

use ratatui::layout::{Position, Rect};

use super::dialog::{keys, typing};
use super::pane;
use crate::console::app::App;
use crate::console::brush::{Brush, Focus};
use crate::console::document::{Document, Line};
use crate::console::layout::{self, breadth, cut_top, inside};
use crate::console::text::width;
use crate::console::theme::Tone;
use crate::console::wizard::chooser::{Likelihood, Typing};
use crate::console::wizard::rows::Value;
use crate::console::wizard::{Chooser, Field, Row, Step, Wizard};
use crate::platform::{Offer, OfferedOperation};

/// Columns before what is typed or chosen.
const LABELS: u16 = 13;

/// Draws the step in front.
pub(super) fn draw(app: &App, wizard: &Wizard, brush: &mut Brush<'_>) {
    let parts = layout::wizard(app, wizard);
    heading(app, wizard, brush, parts.heading);
    match wizard.step {
        Step::Start => {
            let title = Line::of(Tone::Title, "1 Which API, and what the connector is called");
            let inner = pane(app, brush, parts.list, &title, Focus::Here);
            form(app, wizard, brush, inner);
        }
        Step::Choose => {
            let title = Line::of(Tone::Title, "2 What of it is used");
            let inner = pane(app, brush, parts.list, &title, Focus::Here);
            choices(app, wizard, brush, inner);
            if parts.detail.height > 2 {
                detail(app, wizard, brush, parts.detail);
            }
        }
        Step::Preview => {
            let file = wizard
                .made
                .as_ref()
                .map(|made| made.file.display().to_string());
            let (above, below) = wizard.preview.hidden();
            let (up, down) = (app.glyphs.up, app.glyphs.down);
            let title = Line::of(Tone::Title, format!("3 {}", file.unwrap_or_default())).with(
                Tone::Dim,
                format!(" {} {above}{up} {below}{down}", app.glyphs.dot),
            );
            let inner = pane(app, brush, parts.list, &title, Focus::Here);
            brush.document(inner, &wizard.preview);
        }
    }
}

fn heading(app: &App, wizard: &Wizard, brush: &mut Brush<'_>, area: Rect) {
    let glyphs = app.glyphs;
    let dot = glyphs.dot;
    let mut about = Line::of(Tone::Title, "New connector");
    if !wizard.typed(Field::Id).is_empty() && wizard.step != Step::Start {
        about = about.with(Tone::Accent, format!(" {}", wizard.typed(Field::Id)));
    }
    if let (Some(offer), true) = (&wizard.offer, wizard.step != Step::Start) {
        // Before the title, which may be of any length.
        if !offer.problems.is_empty() {
            let count = offer.problems.len();
            let key = app.keymap.shown(crate::console::Action::ShowProblems);
            let plural = if count == 1 { "problem" } else { "problems" };
            let text = format!(" {dot} {} {count} {plural} ({key})", glyphs.warn);
            about = about.with(Tone::Warn, text);
        }
        let title = format!(" {dot} {} {}", offer.title, offer.version);
        about = about.with(Tone::Dim, title.trim_end());
    }
    let room = area.width.saturating_sub(1);
    brush.line(area.x + 1, area.y, room, &about);
    if area.height < 2 {
        return;
    }
    let state = match (&wizard.problem, wizard.awaited) {
        (Some(problem), _) => Line::of(Tone::Failed, format!("{} {problem}", glyphs.failed)),
        (None, Some(_)) => Line::of(Tone::Busy, format!("{} asking the engine", glyphs.busy)),
        (None, None) => Line::of(Tone::Dim, hint(app, wizard)),
    };
    let mut state = Document::new(vec![state.hanging(2)]);
    let rows = area.height - 1;
    state.fit(room.into(), rows.into());
    brush.document(Rect::new(area.x + 1, area.y + 1, room, rows), &state);
}

/// What to do here.
fn hint(app: &App, wizard: &Wizard) -> String {
    use crate::console::Action;
    let key = |action| app.keymap.shown(action);
    match wizard.step {
        Step::Start => wizard.field.hint().to_owned(),
        Step::Choose => format!(
            "The likeliest is chosen: {} changes a row, {} shows the file that comes of it",
            key(Action::Open),
            key(Action::ShowFile)
        ),
        Step::Preview => {
            let wrong = wizard.made.as_ref().map_or(0, |made| made.problems.len());
            if wrong > 0 {
                format!(
                    "It can't be written like this: {} goes back to the choice",
                    key(Action::Back)
                )
            } else {
                format!(
                    "Nothing is written yet: {} writes it and a mapping to begin with, {} goes back",
                    key(Action::WriteConnector),
                    key(Action::Back)
                )
            }
        }
    }
}

/// The rectangles of the form's lines.
fn lines_of_form(inner: Rect) -> impl Iterator<Item = (Field, Rect)> {
    let rows = (0..).step_by(2);
    Field::ALL
        .into_iter()
        .zip(rows)
        .filter_map(move |(field, row)| {
            let area = Rect::new(inner.x, inner.y.saturating_add(row), inner.width, 1);
            (area.y < inner.bottom()).then_some((field, area))
        })
}

/// The line of the form at a place.
pub(in crate::console) fn field_at(app: &App, at: Position) -> Option<Field> {
    let wizard = app.wizard()?;
    let inner = inside(breadth(app.size), layout::wizard(app, wizard).list);
    let hit = lines_of_form(inner).find(|(_, area)| area.contains(at));
    hit.map(|(field, _)| field)
}

fn form(app: &App, wizard: &Wizard, brush: &mut Brush<'_>, inner: Rect) {
    for (field, area) in lines_of_form(inner) {
        let label = format!("{:<1$}", field.title(), usize::from(LABELS));
        let Some(input) = wizard.inputs.get(field as usize) else {
            continue;
        };
        if field == wizard.field {
            brush.put(area.x, area.y, 1, app.glyphs.pointer, Tone::Accent);
            let rest = area.width.saturating_sub(2);
            typing(brush, area.x + 2, area.y, rest, &label, input);
        } else {
            let line = Line::of(Tone::Dim, format!("  {label}")).with(Tone::Text, input.text());
            brush.line(area.x, area.y, area.width, &line);
        }
    }
    let (_, below) = cut_top(inner, 7);
    files(app, wizard, brush, below);
}

/// The descriptions in the config directory, as far as they go on as is typed.
fn files(app: &App, wizard: &Wizard, brush: &mut Brush<'_>, area: Rect) {
    let files = wizard.matching_files();
    if wizard.field != Field::File || files.is_empty() || area.height < 2 {
        return;
    }
    let key = app.keymap.shown(crate::console::Action::CompleteFile);
    let title = format!("In the config directory ({key} takes the first):");
    brush.put(
        area.x + 1,
        area.y,
        area.width.saturating_sub(1),
        &title,
        Tone::Dim,
    );
    let rest = cut_top(area, 1).1;
    for (y, file) in (rest.top()..rest.bottom()).zip(files) {
        brush.put(
            rest.x + 3,
            y,
            rest.width.saturating_sub(3),
            file,
            Tone::Text,
        );
    }
}

fn choices(app: &App, wizard: &Wizard, brush: &mut Brush<'_>, inner: Rect) {
    let Some(offer) = &wizard.offer else { return };
    let rows = wizard.rows();
    let in_sight = rows.iter().enumerate().skip(wizard.offset);
    for (y, (index, row)) in (inner.top()..inner.bottom()).zip(in_sight) {
        let title = row.title(offer, &wizard.choice);
        let columns = usize::from(LABELS);
        let title = crate::console::text::fit(&title, columns - 1, app.glyphs.ellipsis);
        let gap = " ".repeat(columns.saturating_sub(width(&title)));
        let label = Line::of(Tone::Dim, format!(" {title}{gap}"));
        let line = match row.value(offer, &wizard.choice) {
            Value::Chosen(text) => label.with(Tone::Text, text),
            Value::Unset(text) => label.with(Tone::Dim, format!("{} {text}", app.glyphs.unset)),
            Value::Needed(text) => label.with(Tone::Warn, format!("{} {text}", app.glyphs.warn)),
        };
        brush.line(inner.x, y, inner.width, &line);
        if index == wizard.selected {
            brush.tint(Rect::new(inner.x, y, inner.width, 1), Tone::Selection);
        }
    }
}

fn detail(app: &App, wizard: &Wizard, brush: &mut Brush<'_>, outer: Rect) {
    let rows = wizard.rows();
    let (Some(offer), Some(row)) = (&wizard.offer, rows.get(wizard.selected)) else {
        return;
    };
    let title = Line::of(Tone::Title, row.title(offer, &wizard.choice));
    let inner = pane(app, brush, outer, &title, Focus::Elsewhere);
    let mut document = Document::new(about(row, offer, wizard));
    document.fit(inner.width.into(), inner.height.into());
    brush.document(inner, &document);
}

/// What is known of a row's choice.
fn about(row: &Row, offer: &Offer, wizard: &Wizard) -> Vec<Line> {
    let chosen = row.chosen(&wizard.choice);
    let mut lines = Vec::new();
    if let (Row::Operation(_), Some(operation)) =
        (row, chosen.and_then(|name| offer.operation(name)))
    {
        lines.extend(about_operation(operation));
        lines.push(Line::default());
    } else {
        let value = match row.value(offer, &wizard.choice) {
            Value::Chosen(text) => Line::of(Tone::Accent, text),
            Value::Unset(text) => Line::of(Tone::Dim, text),
            Value::Needed(text) => Line::of(Tone::Warn, text),
        };
        lines.push(value.hanging(2));
    }
    let why = row.explanation();
    lines.push(Line::of(Tone::Dim, why).hanging(2));
    lines
}

fn about_operation(operation: &OfferedOperation) -> Vec<Line> {
    let mut lines = vec![
        Line::of(
            Tone::Accent,
            format!("{} {}", operation.method, operation.path),
        )
        .hanging(2),
    ];
    if !operation.summary.is_empty() {
        lines.push(Line::of(Tone::Text, operation.summary.as_str()).hanging(2));
    }
    if operation.deprecated {
        lines.push(Line::of(Tone::Warn, "The description calls it deprecated."));
    }
    if !operation.parameters.is_empty() {
        let told = operation.parameters.iter().map(|one| {
            let required = if one.required { "" } else { ", optional" };
            format!("{} ({}{required})", one.name, one.place)
        });
        let told: Vec<String> = told.collect();
        let line = Line::of(Tone::Dim, "parameters  ").with(Tone::Text, told.join(", "));
        lines.push(line.hanging(12));
    }
    if !operation.fields.is_empty() {
        let told = operation.fields.join(", ");
        let line = Line::of(Tone::Dim, "fields      ").with(Tone::Text, told);
        lines.push(line.hanging(12));
    }
    lines
}

/// Rows of the list in the dialog.
pub(in crate::console) fn chooser_rows(app: &App) -> usize {
    let inner = super::dialog_area(app).height.saturating_sub(2);
    usize::from(inner.saturating_sub(3))
}

/// Draws the list to choose from.
pub(super) fn chooser(
    app: &App,
    chooser: &Chooser,
    brush: &mut Brush<'_>,
    inner: Rect,
    last: Rect,
) {
    let label = match chooser.typing {
        Typing::Narrows => "/",
        Typing::Writes => "value: ",
    };
    typing(brush, inner.x, inner.y, inner.width, label, &chooser.input);
    let (_, list) = cut_top(inner, 2);
    let list = Rect {
        height: list.height.saturating_sub(1),
        ..list
    };
    let shown = chooser.shown();
    let in_sight = shown.iter().enumerate().skip(chooser.offset);
    for (y, (index, item)) in (list.top()..list.bottom()).zip(in_sight) {
        let line = match item.likelihood {
            Likelihood::Likely => Line::of(Tone::Accent, format!("{} ", app.glyphs.pointer))
                .with(Tone::Text, item.text.as_str()),
            Likelihood::Other => Line::of(Tone::Text, format!("  {}", item.text)),
            Likelihood::Typed => {
                Line::of(Tone::Dim, "  as typed: ").with(Tone::Text, item.text.as_str())
            }
        };
        brush.line(list.x, y, list.width, &line);
        if index == chooser.selected {
            brush.tint(Rect::new(list.x, y, list.width, 1), Tone::Selection);
        }
    }
    if shown.is_empty() {
        let text = match chooser.typing {
            Typing::Writes => "type the value; Enter with nothing typed leaves it open",
            Typing::Narrows => "nothing has these words",
        };
        brush.put(list.x, list.y, list.width, text, Tone::Dim);
    }
    let text = match chooser.typing {
        Typing::Writes => "type a value or words to search  Enter choose  Esc back",
        Typing::Narrows => "type words to search  Enter choose  Esc back",
    };
    keys(app, brush, last, text, None);
    if !shown.is_empty() {
        let place = format!("{}/{}", chooser.selected + 1, shown.len());
        brush.put_right(last.x, last.y, last.width, &place, Tone::Dim);
    }
}
