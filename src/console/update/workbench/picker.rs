//! Choosing what the rules are tried on.

use std::path::{Path, PathBuf};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::Value;

use super::movement;
use crate::console::action::{Action, Place};
use crate::console::app::{App, Mood};
use crate::console::dialog::{Dialog, Prompt, Purpose};
use crate::console::filter::Filter;
use crate::console::input::Input;
use crate::console::keymap::Key;
use crate::console::message::Effect;
use crate::console::remote::RemoteResult;
use crate::console::view;
use crate::console::workbench::picker::{Pasting, Picker, of_row};
use crate::console::workbench::{Ask, Chosen, sample};
use crate::model::{Direction, RecordId, Transaction};
use crate::store::{ListQuery, Page};

/// Transactions asked for at once.
const PAGE: usize = 100;

/// Opens the list of samples.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let Some(bench) = app.workbench() else {
        return Vec::new();
    };
    let template = bench.bench.ready().and_then(|known| known.template.clone());
    let template = template.filter(|_| bench.direction == Direction::Inbound);
    let mut fixed: Vec<Chosen> = bench.opened_from.iter().cloned().collect();
    fixed.extend(template.map(Chosen::Template));
    let picker = Picker {
        fixed,
        ..Picker::default()
    };
    app.dialog = Some(Dialog::Picker(picker));
    more(app)
}

/// Asks for the next page when the selection nears the end of what was read.
fn more(app: &mut App) -> Vec<Effect> {
    const NEAR: usize = 20;
    let ticket = app.tickets + 1;
    let Some(bench) = app.workbench() else {
        return Vec::new();
    };
    let (connector, direction) = (bench.connector.clone(), bench.direction);
    let Some(Dialog::Picker(picker)) = &mut app.dialog else {
        return Vec::new();
    };
    let first = picker.rows.is_empty() && picker.problem.is_none();
    let near_end = picker.selected + NEAR >= picker.choices().len();
    if picker.asked.is_some() || !(first || (near_end && picker.next.is_some())) {
        return Vec::new();
    }
    picker.asked = Some(ticket);
    let query = ListQuery {
        connector: Some(connector),
        direction: Some(direction),
        after: picker.next,
        limit: PAGE,
        ..ListQuery::default()
    };
    app.tickets = ticket;
    vec![Effect::Workbench(Ask::Samples(ticket, query))]
}

/// Takes a page of transactions: for the list, or the latest to be the sample.
pub(super) fn samples(
    app: &mut App,
    ticket: u64,
    page: RemoteResult<Page<Transaction>>,
) -> Vec<Effect> {
    if let Some(Dialog::Picker(picker)) = &mut app.dialog
        && picker.asked == Some(ticket)
    {
        picker.asked = None;
        match page {
            Ok(page) => {
                picker.rows.extend(page.items);
                picker.next = page.next;
                if picker.rows.is_empty() {
                    picker.problem = Some("no transaction of this direction is stored".to_owned());
                }
            }
            Err(error) => picker.problem = Some(error.to_string()),
        }
        return more(app);
    }
    let Some(bench) = app.workbenches().find(|bench| bench.latest == Some(ticket)) else {
        return Vec::new();
    };
    bench.latest = None;
    let direction = bench.direction.word();
    match page {
        Ok(page) => match page.items.first() {
            Some(row) => bench.sample = Some(of_row(row)),
            None => {
                bench.problem = Some(format!(
                    "no {direction} transaction is stored yet; choose a sample with s"
                ));
            }
        },
        Err(error) => bench.problem = Some(error.to_string()),
    }
    Vec::new()
}

fn choose(app: &mut App, chosen: Chosen) {
    if let Some(bench) = app.workbench_mut() {
        bench.sample = Some(chosen);
        // Chosen again, a record is read again.
        bench.fetched = None;
        bench.tried = None;
        bench.problem = None;
    }
}

/// Takes a key while the list of samples is open.
pub(in crate::console::update) fn press(
    app: &mut App,
    mut picker: Picker,
    event: KeyEvent,
) -> Vec<Effect> {
    if let Some(mut input) = picker.typing.take() {
        match event.code {
            KeyCode::Enter => {}
            KeyCode::Esc => {
                picker.filter = Filter::default();
                picker.selected = 0;
            }
            KeyCode::Up | KeyCode::Down => {
                let by = if event.code == KeyCode::Up { -1 } else { 1 };
                picker.selected = picker.selected.saturating_add_signed(by);
                picker.typing = Some(input);
            }
            _ => {
                input.key(event);
                picker.filter = Filter::parse(input.text());
                picker.selected = 0;
                picker.typing = Some(input);
            }
        }
        app.dialog = Some(Dialog::Picker(picker));
        return more(app);
    }
    match event.code {
        KeyCode::Enter => {
            let chosen = picker.choices().into_iter().nth(picker.selected);
            match chosen.map(|choice| choice.chosen) {
                Some(chosen) => choose(app, chosen),
                None => app.dialog = Some(Dialog::Picker(picker)),
            }
            return Vec::new();
        }
        KeyCode::Char('/') => picker.typing = Some(Input::new(picker.filter.text())),
        KeyCode::Char('r') => {
            ask(app, "Try it on a record", "record id", Purpose::BenchRecord);
            return Vec::new();
        }
        KeyCode::Char('f') => {
            ask(
                app,
                "Try it on a file",
                "path of a JSON file",
                Purpose::BenchFile,
            );
            return Vec::new();
        }
        KeyCode::Char('p') => {
            app.dialog = Some(Dialog::Pasting(Pasting::default()));
            return Vec::new();
        }
        KeyCode::Esc | KeyCode::Char('q') => return Vec::new(),
        _ => {
            let action = app.keymap.action(Key::of(event), Place::Connectors);
            let rows = usize::from(view::dialog_area(app).height.saturating_sub(4));
            if let Some(by) = action.and_then(|action: Action| movement(action, rows)) {
                picker.selected = picker.selected.saturating_add_signed(by);
            }
        }
    }
    app.dialog = Some(Dialog::Picker(picker));
    more(app)
}

fn ask(app: &mut App, title: &str, label: &str, purpose: Purpose) {
    app.dialog = Some(Dialog::Prompt(Prompt {
        title: title.to_owned(),
        label: label.to_owned(),
        input: Input::default(),
        purpose,
    }));
}

/// Tries the rules on a record.
pub(in crate::console::update) fn choose_record(app: &mut App, record: &str) -> Vec<Effect> {
    choose(app, Chosen::Record(RecordId::new(record)));
    Vec::new()
}

/// Reads a sample from a file.
pub(in crate::console::update) fn choose_file(path: &str) -> Vec<Effect> {
    vec![Effect::Workbench(Ask::File(PathBuf::from(path)))]
}

/// Takes a sample from a file.
pub(super) fn file(app: &mut App, path: &Path, read: Result<Value, String>) -> Vec<Effect> {
    match read {
        Ok(source) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            choose(app, Chosen::Given(format!("file {name}"), source));
        }
        Err(why) => app.tell(Mood::Bad, why),
    }
    Vec::new()
}

/// Takes a key while a sample is pasted.
pub(in crate::console::update) fn press_pasting(
    app: &mut App,
    mut pasting: Pasting,
    event: KeyEvent,
) -> Vec<Effect> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    if event.code == KeyCode::Char('s') && control {
        match sample::read(pasting.area.text()) {
            Ok(source) => {
                choose(app, Chosen::Given("pasted sample".to_owned(), source));
                return Vec::new();
            }
            Err(why) => pasting.problem = Some(why),
        }
    } else {
        pasting.problem = None;
        pasting.area.key(event);
    }
    app.dialog = Some(Dialog::Pasting(pasting));
    Vec::new()
}

/// Takes pasted text as a sample.
pub(in crate::console::update) fn paste(pasting: &mut Pasting, text: &str) {
    pasting.area.insert(text);
    pasting.problem = None;
}
