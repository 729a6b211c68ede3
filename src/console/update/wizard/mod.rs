//! Making a connector: opening, going from step to step, and what the engine says to it.

mod chooser;
mod start;

use ratatui::layout::Position;

pub(super) use chooser::{paste as paste_into_chooser, press as press_in_chooser};
pub(super) use start::{paste as paste_into_form, press as press_in_form};

use super::movement;
use crate::console::action::Action;
use crate::console::app::{App, Mood, Screen};
use crate::console::dialog::{Confirm, Deed, Dialog, Notice};
use crate::console::document::Line;
use crate::console::layout;
use crate::console::message::Effect;
use crate::console::remote::RemoteResult;
use crate::console::theme::Tone;
use crate::console::view;
use crate::console::wizard::{Answer, Ask, Awaited, Field, Step, Wizard};
use crate::engine::{Extent, MadeConnector};
use crate::platform::{Choice, Offer};

/// Begins a new connector.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    super::open(app, Screen::Wizard(Box::default()));
    let home = app.config_directory.clone();
    home.map(|home| Effect::Wizard(Ask::Files(home)))
        .into_iter()
        .collect()
}

/// Takes what came for a connector being made.
pub(super) fn answered(app: &mut App, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Files(files) => {
            for wizard in app.wizards() {
                wizard.files.clone_from(&files);
            }
        }
        Answer::Described(ticket, offer) => described(app, ticket, offer),
        Answer::Made(ticket, made) => made_or_not(app, ticket, made),
    }
    Vec::new()
}

/// The connector that waits for the answer of a ticket, and for what.
fn waiting(app: &mut App, ticket: u64) -> Option<(&mut Wizard, Awaited)> {
    let is_it = |wizard: &&mut Wizard| wizard.awaited.is_some_and(|(known, _)| known == ticket);
    let wizard = app.wizards().find(is_it)?;
    let (_, awaited) = wizard.awaited.take()?;
    Some((wizard, awaited))
}

fn described(app: &mut App, ticket: u64, offer: RemoteResult<Box<Offer>>) {
    let Some((wizard, awaited)) = waiting(app, ticket) else {
        return;
    };
    let offer = match offer {
        Ok(offer) => offer,
        Err(error) => {
            wizard.problem = Some(error.to_string());
            return;
        }
    };
    let file = wizard.typed(Field::File).to_owned();
    let known = wizard.offer.is_some() && wizard.offered_of == file;
    let before = std::mem::take(&mut wizard.choice);
    let proposed = offer.choice.clone();
    wizard.choice = match awaited {
        // What depends on the fetch is proposed anew; the rest is the person's.
        Awaited::Around => Choice {
            base_url: before.base_url,
            credential: before.credential,
            account: before.account,
            parameters: before.parameters,
            ..proposed
        },
        Awaited::Envelope => Choice {
            id_field: proposed.id_field,
            label_field: proposed.label_field,
            changed_at_field: proposed.changed_at_field,
            marker_field: proposed.marker_field,
            ..before
        },
        _ if known => before,
        _ => proposed,
    };
    if awaited == Awaited::Description {
        wizard.step = Step::Choose;
        if !known {
            (wizard.selected, wizard.offset) = (0, 0);
        }
    }
    wizard.offered_of = file;
    wizard.offer = Some(offer);
}

fn made_or_not(app: &mut App, ticket: u64, made: RemoteResult<Box<MadeConnector>>) {
    let glyphs = app.glyphs;
    let Some((wizard, awaited)) = waiting(app, ticket) else {
        return;
    };
    match (made, awaited) {
        (Err(error), _) => wizard.problem = Some(error.to_string()),
        (Ok(made), Awaited::Write) => finish(app, &made),
        (Ok(made), _) => {
            wizard.show(made, glyphs.failed, glyphs.warn);
            wizard.step = Step::Preview;
        }
    }
}

/// The connector is made: it is selected, and what is to be done next is told.
fn finish(app: &mut App, made: &MadeConnector) {
    let at = app.screens.iter().position(
        |screen| matches!(screen, Screen::Wizard(wizard) if wizard.made.as_deref().is_some_and(|draft| draft.file == made.file)),
    );
    let Some(at) = at else { return };
    if let Screen::Wizard(wizard) = app.screens.remove(at) {
        app.home.wanted = wizard.id().ok();
        app.home.only = None;
        super::home::refresh(app);
        if app.dialog.is_none() {
            let title = format!("{} is made", wizard.typed(Field::Id));
            let lines = next_steps(app, wizard.typed(Field::Id), made);
            app.dialog = Some(Dialog::Notice(Notice::new(title, lines)));
        } else {
            let text = format!("{} is made", wizard.typed(Field::Id));
            app.tell(Mood::Good, text);
        }
    }
}

fn next_steps(app: &App, id: &str, made: &MadeConnector) -> Vec<Line> {
    let mut lines = Vec::new();
    for file in &made.written {
        let text = format!("{} written  {}", app.glyphs.ok, file.display());
        lines.push(Line::of(Tone::Ok, text).hanging(2));
    }
    for file in &made.kept {
        let text = format!("{} kept as it was  {}", app.glyphs.warn, file.display());
        lines.push(Line::of(Tone::Warn, text).hanging(2));
    }
    lines.push(Line::default());
    let mut step = |text: String, detail: String| {
        let line = Line::of(Tone::Text, text).with(Tone::Accent, detail);
        lines.push(line.hanging(2));
    };
    if made
        .text
        .lines()
        .any(|line| !line.starts_with('#') && line.contains("\"CHANGE ME\""))
    {
        let what = "Write what stands as CHANGE ME in ".to_owned();
        step(what, made.file.display().to_string());
    }
    for name in &made.missing_secrets {
        let command = format!("fieldbridge secret set {name}");
        step("Keep its secret, in a shell: ".to_owned(), command);
    }
    let test = app.keymap.shown(Action::Probe);
    step("Test it here: ".to_owned(), test);
    let workbench = app.keymap.shown(Action::OpenWorkbench);
    step("Adapt its mapping: ".to_owned(), workbench);
    let url = app.keymap.shown(Action::CopyTriggerUrl);
    let what = format!("Give the platform the trigger address of {id}: ");
    step(what, url);
    lines
}

/// Carries out an action of the step in front.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let rows = list_rows(app);
    let Some(wizard) = app.wizard_mut() else {
        return Vec::new();
    };
    match (wizard.step, action) {
        (Step::Preview, Action::Back) => {
            (wizard.step, wizard.problem) = (Step::Choose, None);
            Vec::new()
        }
        (Step::Choose, Action::Back) => {
            (wizard.step, wizard.problem) = (Step::Start, None);
            Vec::new()
        }
        (_, Action::ShowProblems) => {
            show_problems(app);
            Vec::new()
        }
        (Step::Preview, Action::WriteConnector) => make(app, Extent::Write),
        (Step::Choose, Action::ShowFile) => make(app, Extent::DryRun),
        (Step::Choose, Action::Open) => {
            chooser::open(app);
            Vec::new()
        }
        (Step::Preview, _) => {
            if let Some(by) = movement(action, wizard.preview.rows()) {
                wizard.preview.scroll(by);
            }
            Vec::new()
        }
        (Step::Choose, _) => {
            if let Some(by) = movement(action, rows) {
                wizard.step_row(by);
            }
            Vec::new()
        }
        (Step::Start, _) => start::act(app, action),
    }
}

fn list_rows(app: &App) -> usize {
    app.wizard().map_or(1, |wizard| {
        usize::from(layout::wizard(app, wizard).list.height.saturating_sub(2))
    })
}

/// Asks for the connector as it would be, or for it to be made.
fn make(app: &mut App, extent: Extent) -> Vec<Effect> {
    let ticket = app.tickets + 1;
    let Some(wizard) = app.wizard_mut() else {
        return Vec::new();
    };
    if wizard.awaited.is_some() {
        return Vec::new();
    }
    let id = match wizard.id() {
        Ok(id) => id,
        Err(why) => {
            wizard.problem = Some(why);
            return Vec::new();
        }
    };
    let awaited = match extent {
        Extent::DryRun => Awaited::DryRun,
        Extent::Write => Awaited::Write,
    };
    wizard.problem = None;
    wizard.awaited = Some((ticket, awaited));
    let request = wizard.request(id, extent);
    app.tickets = ticket;
    vec![Effect::Wizard(Ask::Make(ticket, Box::new(request)))]
}

/// Asks what the description offers.
fn describe(app: &mut App, awaited: Awaited) -> Vec<Effect> {
    let ticket = app.tickets + 1;
    let Some(wizard) = app.wizard_mut() else {
        return Vec::new();
    };
    let Ok(id) = wizard.id() else {
        return Vec::new();
    };
    let mut request = wizard.description(id);
    if awaited == Awaited::Around {
        // Where the record was in another answer says nothing about this one.
        request.envelope = None;
    }
    wizard.problem = None;
    wizard.awaited = Some((ticket, awaited));
    app.tickets = ticket;
    vec![Effect::Wizard(Ask::Describe(ticket, request))]
}

/// Lists what of the description can't be used.
fn show_problems(app: &mut App) {
    let warn = app.glyphs.warn;
    let Some(offer) = app.wizard().and_then(|wizard| wizard.offer.as_ref()) else {
        return;
    };
    let told = offer.problems.iter();
    let mut lines: Vec<Line> = told
        .map(|problem| {
            Line::of(Tone::Warn, format!("{warn} "))
                .with(Tone::Text, problem)
                .hanging(2)
        })
        .collect();
    if lines.is_empty() {
        lines.push(Line::of(Tone::Ok, "All of the description can be used."));
    }
    let title = "What of the description can't be used".to_owned();
    app.dialog = Some(Dialog::Notice(Notice::new(title, lines)));
}

/// Selects what was clicked; what is selected already is opened.
pub(super) fn click(app: &mut App, at: Position) -> Vec<Effect> {
    let Some(wizard) = app.wizard() else {
        return Vec::new();
    };
    match wizard.step {
        Step::Start => {
            let field = view::wizard::field_at(app, at);
            if let (Some(field), Some(wizard)) = (field, app.wizard_mut()) {
                wizard.field = field;
            }
            Vec::new()
        }
        Step::Choose => {
            let inner = layout::inside(layout::breadth(app.size), layout::wizard(app, wizard).list);
            let row = usize::from(at.y.saturating_sub(inner.y)) + wizard.offset;
            if !inner.contains(at) || row >= wizard.rows().len() {
                return Vec::new();
            }
            if wizard.selected == row {
                return super::act(app, Action::Open);
            }
            if let Some(wizard) = app.wizard_mut() {
                wizard.selected = row;
            }
            Vec::new()
        }
        Step::Preview => Vec::new(),
    }
}

/// Leaves the connector that is being made; asks first where something would be lost.
fn leave(app: &mut App) -> Vec<Effect> {
    let begun = app.wizard().is_some_and(Wizard::is_begun);
    if !begun {
        app.screens.pop();
        return Vec::new();
    }
    app.dialog = Some(Dialog::Confirm(question(Deed::LeaveWizard)));
    Vec::new()
}

/// The question before the console is left with a connector half made; none when there is none.
pub(super) fn unfinished(app: &mut App) -> Option<Confirm> {
    let begun = app.wizards().any(|wizard| wizard.is_begun());
    begun.then(|| question(Deed::QuitOverWizard))
}

fn question(deed: Deed) -> Confirm {
    let lines =
        ["What was chosen for the new connector is not kept. Nothing was written.".to_owned()];
    Confirm::new("Leave the new connector?", &lines, deed)
}

/// Leaves without a question.
pub(super) fn drop_it(app: &mut App) {
    if let Some(Screen::Wizard(_)) = app.screens.last() {
        app.screens.pop();
    }
}
