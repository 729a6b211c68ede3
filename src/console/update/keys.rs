//! Keys: to the dialog if there is one, else to the filter being typed, else by the keymap.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

use super::{act, dialog, list, wizard, workbench};
use crate::console::action::Place;
use crate::console::app::{App, Screen};
use crate::console::filter::Filter;
use crate::console::input::Input;
use crate::console::keymap::Key;
use crate::console::message::Effect;

/// Takes a key.
pub(super) fn press(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    if app.dialog.is_some() {
        return dialog::press(app, event);
    }
    if app.filtering.is_some() {
        return filter_key(app, event);
    }
    if app.place() == Place::RuleEditor {
        return workbench::press_in_rule(app, event);
    }
    if app.place() == Place::WizardForm {
        return wizard::press_in_form(app, event);
    }
    match app.keymap.action(Key::of(event), app.place()) {
        Some(action) => act(app, action),
        None => Vec::new(),
    }
}

/// Takes pasted text: only where something is typed.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    if app.dialog.is_some() {
        return dialog::paste(app, text);
    }
    if let Some(input) = &mut app.filtering {
        input.insert(text);
        narrow(app);
    } else if app.place() == Place::RuleEditor {
        workbench::paste_into_rule(app, text);
    } else if app.place() == Place::WizardForm {
        wizard::paste_into_form(app, text);
    }
    Vec::new()
}

fn filter_key(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    match event.code {
        KeyCode::Enter => app.filtering = None,
        KeyCode::Esc => {
            app.filtering = Some(Input::default());
            narrow(app);
            app.filtering = None;
        }
        _ => {
            if let Some(input) = &mut app.filtering {
                input.key(event);
            }
            narrow(app);
        }
    }
    Vec::new()
}

/// Puts the filter in force as it is typed.
fn narrow(app: &mut App) {
    let Some(input) = &app.filtering else { return };
    let filter = Filter::parse(input.text());
    match app.screens.last_mut() {
        None => {
            app.home.filter = filter;
            super::home::refresh(app);
        }
        Some(Screen::List(screen)) => {
            screen.filter = filter;
            list::arrange(screen);
        }
        Some(Screen::Log(screen)) => {
            screen.filter = filter;
            screen.up = 0;
        }
        Some(_) => {}
    }
}
