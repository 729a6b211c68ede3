//! The first step: typing where the description is and what the connector is called.

use crossterm::event::KeyEvent;

use super::{describe, leave};
use crate::console::action::{Action, Place};
use crate::console::app::App;
use crate::console::input::Input;
use crate::console::keymap::Key;
use crate::console::message::Effect;
use crate::console::update::act as act_anywhere;
use crate::console::wizard::{Awaited, Field};

/// Takes a key while the first step is in front: an action's, or one that types.
pub(in crate::console::update) fn press(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    if let Some(action) = app.keymap.action(Key::of(event), Place::WizardForm) {
        return act_anywhere(app, action);
    }
    if let Some(wizard) = app.wizard_mut() {
        wizard.type_with(|input| {
            input.key(event);
        });
    }
    Vec::new()
}

/// Carries out an action of the first step.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::LeaveForm => leave(app),
        Action::NextField => next(app),
        Action::PreviousField => {
            step(app, -1);
            Vec::new()
        }
        Action::CompleteFile => {
            complete(app);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Takes pasted text.
pub(in crate::console::update) fn paste(app: &mut App, text: &str) {
    if let Some(wizard) = app.wizard_mut() {
        wizard.type_with(|input| input.insert(text));
    }
}

fn step(app: &mut App, by: isize) {
    if let Some(wizard) = app.wizard_mut()
        && let Some(field) = wizard.field.beside(by)
    {
        wizard.field = field;
    }
}

/// Goes to the next line; after the last one to the next step.
fn next(app: &mut App) -> Vec<Effect> {
    let Some(wizard) = app.wizard_mut() else {
        return Vec::new();
    };
    if let Some(field) = wizard.field.beside(1) {
        wizard.field = field;
        return Vec::new();
    }
    if wizard.awaited.is_some() {
        return Vec::new();
    }
    if wizard.typed(Field::File).is_empty() {
        wizard.field = Field::File;
        wizard.problem = Some("name the file or directory that describes the API".to_owned());
        return Vec::new();
    }
    let id = match wizard.id() {
        Ok(id) => id,
        Err(why) => {
            wizard.field = Field::Id;
            wizard.problem = Some(why);
            return Vec::new();
        }
    };
    if app.connector(&id).is_some() {
        if let Some(wizard) = app.wizard_mut() {
            wizard.field = Field::Id;
            wizard.problem = Some(format!(
                "there is a connector `{id}` already; choose another id"
            ));
        }
        return Vec::new();
    }
    describe(app, Awaited::Description)
}

/// Types what the first description that was found is called; from another line goes on to the next.
fn complete(app: &mut App) {
    let Some(wizard) = app.wizard_mut() else {
        return;
    };
    let found = match wizard.field {
        Field::File => wizard
            .matching_files()
            .first()
            .map(|file| (*file).to_owned()),
        Field::Id | Field::Name => None,
    };
    match found {
        Some(file) => wizard.type_with(|input| *input = Input::new(file)),
        None => step(app, 1),
    }
}
