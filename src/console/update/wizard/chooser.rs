//! The second step's list: narrowed by what is typed, chosen with Enter.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::describe;
use crate::console::app::App;
use crate::console::dialog::Dialog;
use crate::console::message::Effect;
use crate::console::view;
use crate::console::wizard::chooser::Typing;
use crate::console::wizard::{Awaited, Chooser, Row};
use crate::platform::Purpose;

/// Opens the list of the selected row.
pub(super) fn open(app: &mut App) {
    let Some(wizard) = app.wizard() else { return };
    let rows = wizard.rows();
    if let (None, Some(row), Some(offer)) =
        (wizard.awaited, rows.get(wizard.selected), &wizard.offer)
    {
        let chooser = row.chooser(offer, &wizard.choice);
        app.dialog = Some(Dialog::Chooser(Box::new(chooser)));
    }
}

/// Takes a key while the list is open.
pub(in crate::console::update) fn press(
    app: &mut App,
    mut chooser: Box<Chooser>,
    event: KeyEvent,
) -> Vec<Effect> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    let page = isize::try_from(view::wizard::chooser_rows(app).max(2) - 1).unwrap_or(1);
    let by = match event.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Char('c') if control => return Vec::new(),
        KeyCode::Enter => return choose(app, chooser),
        KeyCode::Up => -1,
        KeyCode::Down => 1,
        KeyCode::Char('p') if control => -1,
        KeyCode::Char('n') if control => 1,
        KeyCode::PageUp => -page,
        KeyCode::PageDown => page,
        _ => {
            let before = chooser.input.text().to_owned();
            chooser.input.key(event);
            if chooser.input.text() != before {
                chooser.selected = 0;
            }
            0
        }
    };
    chooser.selected = chooser.selected.saturating_add_signed(by);
    app.dialog = Some(Dialog::Chooser(chooser));
    Vec::new()
}

/// Takes pasted text.
pub(in crate::console::update) fn paste(chooser: &mut Chooser, text: &str) {
    chooser.input.insert(text.trim());
    chooser.selected = 0;
}

/// Chooses what is selected.
fn choose(app: &mut App, chooser: Box<Chooser>) -> Vec<Effect> {
    let item = chooser.shown().into_iter().nth(chooser.selected);
    let emptied = chooser.typing == Typing::Writes && chooser.all() == 0;
    let value = match item {
        Some(item) => item.value,
        None if emptied => None,
        None => {
            app.dialog = Some(Dialog::Chooser(chooser));
            return Vec::new();
        }
    };
    let Some(wizard) = app.wizard_mut() else {
        return Vec::new();
    };
    let row = &chooser.row;
    if row.chosen(&wizard.choice) == value.as_deref() {
        return Vec::new();
    }
    let before = wizard.choice.clone();
    row.choose(&mut wizard.choice, value);
    wizard.problem = None;
    match row {
        Row::Operation(Purpose::Fetch) => {
            let effects = describe(app, Awaited::Around);
            // Until the engine says that it can be, the choice stays what it was.
            if let Some(wizard) = app.wizard_mut() {
                wizard.choice = before;
            }
            effects
        }
        Row::Envelope => describe(app, Awaited::Envelope),
        _ => Vec::new(),
    }
}
