//! The mapping workbench: opening it, moving in it, and trying the text in hand on the sample.

mod edit;
mod impact;
mod keep;
mod picker;
mod publish;
mod versions;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) use edit::{
    act_in_rule, menu as add_rule, paste as paste_into_rule, press as press_in_rule,
};
pub(super) use impact::press as press_in_impact;
pub(super) use keep::{due, fresh_link, leaving, parted, unsaved};
pub(super) use picker::{
    choose_file, choose_record, paste as paste_sample, press as press_in_picker, press_pasting,
};
pub(super) use publish::{choose as choose_about_theirs, press as press_in_publishing};
pub(super) use versions::{press as press_in_versions, scroll as scroll_versions};

use ratatui::layout::Position;

use super::movement;
use crate::api::Role;
use crate::console::action::Action;
use crate::console::app::{App, Link, Mood, Screen, Standing, Zoom};
use crate::console::dialog::{Confirm, Deed, Dialog};
use crate::console::document::Document;
use crate::console::layout;
use crate::console::message::{Effect, Subject};
use crate::console::rights;
use crate::console::rows;
use crate::console::view;
use crate::console::workbench::lines::{RuleLine, rule_lines};
use crate::console::workbench::{
    Answer, Ask, BenchPane, Chosen, DraftText, Notes, Tried, Workbench,
};
use crate::engine::{PreviewRequest, PreviewResult};
use crate::model::{ConnectorId, Direction, Transaction};
use crate::store::ListQuery;

use crate::console::remote::RemoteResult;

/// How long the text must rest before it is tried.
const REST: Duration = Duration::from_millis(120);

/// From what a workbench is opened.
pub(super) struct Opening {
    /// Whose mapping.
    pub connector: ConnectorId,
    /// Which rules.
    pub direction: Direction,
    /// On what; the template record or the latest transaction without one.
    pub sample: Option<Chosen>,
    /// The rule that is looked for.
    pub rule: Option<usize>,
}

impl Opening {
    /// From a connector.
    pub(super) fn of_connector(connector: ConnectorId) -> Self {
        Self {
            connector,
            direction: Direction::Inbound,
            sample: None,
            rule: None,
        }
    }

    /// From a transaction.
    pub(super) fn of_transaction(row: &Transaction) -> Self {
        let rule = row.failure.as_ref().and_then(|(_, failure)| failure.rule);
        Self {
            connector: row.connector.clone(),
            direction: row.direction,
            sample: Some(Chosen::Transaction(row.id, rows::subject(row))),
            rule,
        }
    }
}

/// Opens the workbench.
pub(super) fn open(app: &mut App, opening: Opening) -> Vec<Effect> {
    let connector = opening.connector.clone();
    let mut bench = Workbench::new(opening.connector, opening.direction, opening.sample);
    bench.wanted_rule = opening.rule;
    super::open(app, Screen::Workbench(Box::new(bench)));
    vec![Effect::Workbench(Ask::Bench(connector))]
}

/// Opens the workbench on what the preview shows.
pub(super) fn open_from_preview(app: &mut App) -> Vec<Effect> {
    let opening = match (&app.preview.shown, &app.preview.subject) {
        (Some(shown), subject) => {
            let sample = match (shown.transaction, subject) {
                (Some(id), _) => Some(Chosen::Transaction(id, shown.result.label.clone())),
                (None, Some(Subject::Record(_, _, record))) => Some(Chosen::Record(record.clone())),
                _ => None,
            };
            let failing = shown.result.problems.iter().find_map(|(rule, _)| *rule);
            let fields = &shown.result.fields;
            let selected = fields.get(app.preview.line).map(|field| field.rule);
            Opening {
                connector: shown.connector.clone(),
                direction: shown.direction,
                sample,
                rule: failing.or(selected),
            }
        }
        (
            None,
            Some(Subject::Latest(connector, direction) | Subject::Record(connector, direction, _)),
        ) => Opening {
            direction: *direction,
            ..Opening::of_connector(connector.clone())
        },
        _ => {
            app.tell(Mood::Bad, "select a failure or a connector first");
            return Vec::new();
        }
    };
    open(app, opening)
}

/// Takes what came for a workbench.
pub(super) fn answered(app: &mut App, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Bench(connector, bench) => keep::bench(app, &connector, &bench),
        Answer::Previewed(number, result) => {
            previewed(app, number, result);
            Vec::new()
        }
        Answer::Saved(connector, draft) => keep::saved(app, &connector, &draft),
        Answer::Discarded(connector, done) => keep::discarded(app, &connector, done),
        Answer::Published(connector, entry) => publish::published(app, &connector, entry),
        Answer::RolledBack(connector, entry) => versions::rolled_back(app, &connector, entry),
        Answer::History(connector, entries) => versions::history(app, &connector, entries),
        Answer::Text(connector, version, text) => versions::text(app, &connector, &version, text),
        Answer::Impact(number, update) => impact::updated(app, number, update),
        Answer::Recorded(case) => {
            recorded(app, case);
            Vec::new()
        }
        Answer::Samples(ticket, page) => picker::samples(app, ticket, page),
        Answer::File(path, sample) => picker::file(app, &path, sample),
    }
}

/// Asks for the latest transaction, to be the sample.
fn ask_latest(app: &mut App) -> Vec<Effect> {
    let ticket = app.ticket();
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    bench.latest = Some(ticket);
    let query = ListQuery {
        connector: Some(bench.connector.clone()),
        direction: Some(bench.direction),
        limit: 1,
        ..ListQuery::default()
    };
    vec![Effect::Workbench(Ask::Samples(ticket, query))]
}

/// Asks what the text in hand makes of the sample, when that is not what was asked last.
pub(super) fn wanted(app: &mut App) -> Vec<Effect> {
    let role = app.identity.as_ref().map(|who| who.role);
    if app.link != Link::Live || role.is_none_or(|role| role < Role::Support) {
        return Vec::new();
    }
    let number = app.tickets + 1;
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    let (Some(_), Some(sample)) = (&bench.draft, &bench.sample) else {
        return Vec::new();
    };
    let known = bench.tried.as_ref().is_some_and(|tried| {
        tried.text == bench.text() && tried.sample == *sample && tried.direction == bench.direction
    });
    if known {
        return Vec::new();
    }
    let tried = Tried {
        text: bench.text().to_owned(),
        sample: sample.clone(),
        direction: bench.direction,
    };
    let request = PreviewRequest {
        connector: bench.connector.clone(),
        direction: tried.direction,
        event: None,
        sample: tried.sample.sample(bench.fetched.as_ref()),
        mapping: crate::engine::MappingDraft::Text(tried.text.clone()),
    };
    bench.tried = Some(tried);
    bench.number = number;
    bench.standing = Standing::Asked;
    app.tickets = number;
    vec![Effect::Workbench(Ask::Preview(
        number,
        Box::new(request),
        REST,
    ))]
}

/// Takes what a text makes of a sample; of an older question it is dropped.
fn previewed(app: &mut App, number: u64, result: RemoteResult<Box<PreviewResult>>) {
    let changed = app.glyphs.changed;
    let Some(bench) = app.workbenches().find(|bench| bench.number == number) else {
        return;
    };
    bench.standing = Standing::Settled;
    match result {
        Err(error) => bench.problem = Some(error.to_string()),
        Ok(result) => {
            bench.remember(&result);
            let text = bench.tried.as_ref().map_or("", |tried| &*tried.text);
            bench.notes = Notes::of(text, bench.direction, &result);
            let same = bench.shown.as_ref().map(|shown| &shown.label) == Some(&result.label);
            if result.is_unreadable() {
                let first = bench.notes.first_failure();
                let why = first.map(|(rule, note)| unreadable(rule, note.place, &note.text));
                if !same {
                    bench.show(result);
                }
                bench.problem = why.or_else(|| Some("it is no mapping".to_owned()));
            } else {
                bench.problem = None;
                bench.show(result);
            }
        }
    }
    if bench.difference.is_some() {
        let lines = bench.difference(changed);
        if let Some(document) = &mut bench.difference {
            document.replace(lines);
        }
    }
}

fn unreadable(rule: Option<usize>, place: Option<(usize, usize)>, text: &str) -> String {
    let rule = rule.map_or_else(String::new, |rule| format!("rule {rule}, "));
    match place {
        Some((line, column)) => format!("{rule}line {line}, column {column}: {text}"),
        None => format!("{rule}{text}"),
    }
}

fn recorded(app: &mut App, case: RemoteResult<crate::engine::RecordedCase>) {
    match case {
        Ok(case) => {
            let masked = match case.masked.len() {
                0 => String::new(),
                count => format!(", {count} values masked"),
            };
            let expects = match case.problems.len() {
                0 => "its output",
                _ => "its failure",
            };
            let text = format!("recorded with {expects} as {}{masked}", case.file.display());
            app.tell(Mood::Good, text);
        }
        Err(error) => app.tell(Mood::Bad, error.to_string()),
    }
}

/// Follows files that were changed outside: the mapping itself, or a script that it imports.
pub(super) fn files_changed(app: &mut App, paths: &[PathBuf]) -> Vec<Effect> {
    let in_mappings = |path: &&PathBuf| {
        let mut parts = Path::new(path).components();
        parts.any(|part| part.as_os_str() == "mappings")
    };
    let mut effects = Vec::new();
    let paths: Vec<&PathBuf> = paths.iter().filter(in_mappings).collect();
    for bench in app.workbenches() {
        let own = |path: &&&PathBuf| {
            path.extension().is_some_and(|ending| ending == "toml")
                && path.file_stem().and_then(|stem| stem.to_str()) == Some(bench.connector.as_str())
        };
        if paths.iter().any(|path| own(&path)) {
            effects.push(Effect::Workbench(Ask::Bench(bench.connector.clone())));
        }
        let script = |path: &&PathBuf| path.extension().is_some_and(|ending| ending != "toml");
        if paths.iter().any(script) {
            bench.tried = None;
        }
    }
    effects
}

/// Takes the draft as it came back from the editor.
pub(super) fn edited(app: &mut App, connector: &ConnectorId, text: String) -> Vec<Effect> {
    let now = app.now;
    let bench = app
        .workbenches()
        .find(|bench| bench.connector == *connector);
    let Some(bench) = bench else {
        return Vec::new();
    };
    if bench.text() == text {
        app.tell(Mood::Good, "nothing was changed");
    } else {
        bench.change(text, now);
    }
    Vec::new()
}

/// Moves in the focused pane.
fn move_by(app: &mut App, action: Action) -> bool {
    let Some(bench) = app.workbench() else {
        return false;
    };
    let rows = layout::workbench(app, bench)
        .area(bench.focus)
        .map_or(1, |area| usize::from(area.height.saturating_sub(2)));
    let Some(by) = movement(action, rows) else {
        return false;
    };
    let Some(bench) = app.workbench_mut() else {
        return false;
    };
    match (bench.focus, &mut bench.difference) {
        (BenchPane::Output, Some(document)) => document.scroll(by),
        (BenchPane::Source, _) => bench.source.step(by),
        (BenchPane::Rules, _) => bench.step_rule(by),
        (BenchPane::Output, None) => bench.output.step(by),
    }
    bench.follow();
    true
}

/// Selects what was clicked in a pane; what is selected already is opened.
pub(super) fn click(app: &mut App, at: Position) -> Vec<Effect> {
    let Some(bench) = app.workbench() else {
        return Vec::new();
    };
    let parts = layout::workbench(app, bench);
    let hit = parts.panes.iter().find(|(_, area)| area.contains(at));
    let Some((pane, outer)) = hit.filter(|_| bench.editor.is_none()) else {
        return Vec::new();
    };
    let (pane, inner) = (*pane, layout::inside(layout::breadth(app.size), *outer));
    let row = usize::from(at.y.saturating_sub(inner.y));
    let again = bench.focus == pane;
    let (rules, _) = view::workbench::rules_area(app, bench, inner);
    let lines = rule_lines(
        bench,
        view::workbench::note_columns(rules),
        rules.height.into(),
    );
    let clicked = lines
        .get(row + bench.rule.offset())
        .and_then(|line| match line {
            RuleLine::Rule(index, _) => Some(*index),
            _ => None,
        });
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    bench.focus = pane;
    if !inner.contains(at) {
        return Vec::new();
    }
    let before = position(bench);
    match (pane, clicked) {
        (BenchPane::Source, _) => bench.source.select(row + bench.source.cursor.offset()),
        (BenchPane::Output, _) => bench.output.select(row + bench.output.cursor.offset()),
        (BenchPane::Rules, Some(index)) => bench.select_rule(index + 1),
        (BenchPane::Rules, None) => return Vec::new(),
    }
    let same = position(bench) == before;
    bench.follow();
    if again && same {
        return super::act(app, Action::EditRule);
    }
    Vec::new()
}

/// The selected line of the focused pane.
fn position(bench: &Workbench) -> usize {
    match bench.focus {
        BenchPane::Source => bench.source.cursor.index(),
        BenchPane::Rules => bench.rule.index(),
        BenchPane::Output => bench.output.cursor.index(),
    }
}

fn pane_of(action: Action, focus: BenchPane) -> Option<BenchPane> {
    match action {
        Action::Tab1 => Some(BenchPane::Source),
        Action::Tab2 => Some(BenchPane::Rules),
        Action::Tab3 => Some(BenchPane::Output),
        Action::NextTab | Action::Right => Some(focus.beside(1)),
        Action::PreviousTab | Action::Left => Some(focus.beside(2)),
        _ => None,
    }
}

/// Carries out an action of the workbench.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    if let Some(pane) = pane_of(action, bench.focus) {
        bench.focus = pane;
        return Vec::new();
    }
    if move_by(app, action) {
        return Vec::new();
    }
    let changed = app.glyphs.changed;
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    match action {
        Action::Zoom => {
            bench.zoom = match bench.zoom {
                Zoom::All => Zoom::Focused,
                Zoom::Focused => Zoom::All,
            };
        }
        Action::Back if bench.difference.is_some() => bench.difference = None,
        Action::Back => keep::settle(app),
        Action::Difference => {
            bench.difference = match bench.difference {
                Some(_) => None,
                None => Some(Document::new(bench.difference(changed))),
            };
            if bench.difference.is_some() {
                bench.focus = BenchPane::Output;
            }
        }
        Action::SwitchDirection => return switch_direction(app),
        Action::EditRule => return edit::enter(app),
        Action::PickSample => return picker::open(app),
        Action::Impact => return impact::open(app),
        Action::Publish => return publish::open(app),
        Action::Versions => return versions::open(app),
        Action::RecordCase => return record_case(app),
        Action::DiscardDraft => discard(app),
        Action::EditDraft => {
            let line = bench.selected_rule().map(|rule| rule.line);
            let text = bench.text().to_owned();
            return vec![Effect::EditDraft(bench.connector.clone(), text, line)];
        }
        _ => edit::act(app, action),
    }
    Vec::new()
}

fn switch_direction(app: &mut App) -> Vec<Effect> {
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    bench.direction = match bench.direction {
        Direction::Inbound => Direction::Outbound,
        Direction::Outbound => Direction::Inbound,
    };
    bench.sample = None;
    bench.shown = None;
    bench.problem = None;
    bench.notes = Notes::default();
    bench.source.show(serde_json::Value::Null);
    bench.output.show(serde_json::Value::Null);
    bench.outline();
    bench.select_rule(1);
    first_sample(app)
}

/// What the rules are tried on while nobody chose: the template record, else the latest transaction.
fn first_sample(app: &mut App) -> Vec<Effect> {
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    let template = bench.bench.ready().and_then(|known| known.template.clone());
    match (bench.direction, template) {
        (Direction::Inbound, Some(record)) => {
            bench.sample = Some(Chosen::Template(record));
            Vec::new()
        }
        _ => ask_latest(app),
    }
}

fn record_case(app: &mut App) -> Vec<Effect> {
    let bench = app.workbench();
    let transaction = bench.and_then(|bench| bench.sample.as_ref()?.transaction());
    match transaction {
        Some(id) => vec![Effect::Workbench(Ask::Case(id))],
        None => {
            let why = "only a stored transaction can be a case; choose one with s";
            app.tell(Mood::Bad, why);
            Vec::new()
        }
    }
}

fn discard(app: &mut App) {
    let Some(bench) = app.workbench() else { return };
    let changes = bench.draft.as_ref().map_or(0, DraftText::changes);
    if changes == 0 {
        app.tell(Mood::Good, "there is no draft: this is what the file says");
        return;
    }
    let connector = bench.connector.clone();
    let rules = if changes == 1 { "rule" } else { "rules" };
    let lines = [
        format!("{changes} changed {rules} of {connector} are forgotten; the file is as it is."),
        "While the workbench stays open, undo brings them back.".to_owned(),
    ];
    let question = Confirm::new(
        "Throw the draft away?",
        &lines,
        Deed::DiscardDraft(connector),
    );
    app.dialog = Some(Dialog::Confirm(question));
}

/// Whether the person may change the draft here and now.
fn may_edit(app: &App) -> bool {
    rights::refusal(app, Action::EditDraft).is_none()
}
