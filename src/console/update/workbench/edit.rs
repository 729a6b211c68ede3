//! Changing rules: in place with completion, and as a whole.

use crossterm::event::{KeyCode, KeyEvent};

use super::{keep, may_edit};
use crate::console::action::{Action, Place};
use crate::console::app::{App, Mood};
use crate::console::dialog::{Choice, Dialog, Menu, MenuItem};
use crate::console::keymap::Key;
use crate::console::message::Effect;
use crate::console::rights;
use crate::console::workbench::area::Pressed;
use crate::console::workbench::editor::Popup;
use crate::console::workbench::{BenchPane, RuleEditor, Workbench};
use crate::mapping::{
    Completing, Completions, blank_rule, complete, insert_rule, move_rule, outline, remove_rule,
};
use crate::model::{Direction, Timestamp};

/// The actions a rule can have: letter, name, what it does.
const ACTIONS: [(char, &str, &str); 7] = [
    ('s', "sync", "one field as it is"),
    ('t', "set_static", "a fixed value"),
    ('a', "array_map", "each value to another one"),
    ('r', "range_map", "a number by the range it lies in"),
    ('d', "date_convert", "a date in another format or zone"),
    ('c', "concat", "several fields and texts in a row"),
    ('j', "custom", "a Jsonnet script"),
];

/// Enter: edits the selected rule; in a tree folds, or goes to the rule of a value.
pub(super) fn enter(app: &mut App) -> Vec<Effect> {
    let editing = may_edit(app);
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    match bench.focus {
        BenchPane::Source if bench.source.toggle() => {}
        BenchPane::Output if bench.difference.is_none() && bench.output.toggle() => {}
        BenchPane::Source | BenchPane::Output => bench.focus = BenchPane::Rules,
        BenchPane::Rules if !editing => {
            if let Some(why) = rights::refusal(app, Action::EditDraft) {
                app.tell(Mood::Bad, format!("edit rule: {why}"));
            }
        }
        BenchPane::Rules => match bench.selected_rule().cloned() {
            Some(rule) => {
                let text = bench.text().to_owned();
                bench.editor = Some(RuleEditor::new(text.clone(), text, rule));
            }
            None => app.tell(Mood::Bad, "there is no rule yet; a adds one"),
        },
    }
    Vec::new()
}

/// Carries out an action on the rules.
pub(super) fn act(app: &mut App, action: Action) {
    let now = app.now;
    match action {
        Action::AddRule => app.dialog = Some(Dialog::Menu(add_menu())),
        Action::MoveRuleUp => shift(app, -1),
        Action::MoveRuleDown => shift(app, 1),
        Action::DeleteRule => delete(app),
        Action::Undo | Action::Redo => {
            let Some(bench) = app.workbench_mut() else {
                return;
            };
            let done = bench.draft.as_mut().is_some_and(|draft| {
                if action == Action::Undo {
                    draft.undo(now)
                } else {
                    draft.redo(now)
                }
            });
            bench.outline();
            if !done {
                app.tell(Mood::Bad, format!("there is nothing to {}", action.title()));
            }
        }
        _ => {}
    }
}

fn add_menu() -> Menu {
    let items = ACTIONS.map(|(key, name, about)| MenuItem {
        key,
        label: format!("{name:<13} {about}"),
        refused: None,
        choice: Choice::AddRule(name),
    });
    Menu {
        title: "Add a rule that does what?".to_owned(),
        items: items.into(),
        selected: 0,
    }
}

/// Adds a rule below the selected one, and begins to edit it.
pub(in crate::console::update) fn menu(app: &mut App, action: &str) -> Vec<Effect> {
    let now = app.now;
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    let direction = bench.direction;
    let before = bench.text().to_owned();
    let number = bench.selected_rule().map_or(1, |rule| rule.number + 1);
    let below = (number <= bench.rules.len()).then_some(number);
    let within = insert_rule(&before, direction, below, &blank_rule(direction, action));
    bench.type_over(within.clone(), now);
    bench.focus = BenchPane::Rules;
    bench.select_rule(number);
    let added = outline(&within)
        .into_iter()
        .find(|rule| rule.direction == direction && rule.number == number);
    bench.editor = added.map(|rule| RuleEditor::new(before, within, rule));
    Vec::new()
}

fn shift(app: &mut App, by: isize) {
    let now = app.now;
    let Some(bench) = app.workbench_mut() else {
        return;
    };
    let Some(from) = bench.selected_rule().map(|rule| rule.number) else {
        return;
    };
    let to = from.saturating_add_signed(by);
    if to == 0 || to > bench.rules.len() {
        app.tell(Mood::Bad, "it is at the end already");
        return;
    }
    let text = move_rule(bench.text(), bench.direction, from, to);
    bench.change(text, now);
    bench.select_rule(to);
}

fn delete(app: &mut App) {
    let now = app.now;
    let Some(bench) = app.workbench_mut() else {
        return;
    };
    let Some(rule) = bench.selected_rule().cloned() else {
        return;
    };
    let text = remove_rule(bench.text(), &rule);
    bench.change(text, now);
    let text = format!(
        "rule {} ({}) is deleted; undo brings it back",
        rule.number, rule.target
    );
    app.tell(Mood::Good, text);
}

/// Takes a key while a rule is edited.
pub(in crate::console::update) fn press(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    if press_in_popup(app, event) {
        return Vec::new();
    }
    let action = app.keymap.action(Key::of(event), Place::RuleEditor);
    if let Some(action) = action {
        return super::super::act(app, action);
    }
    let now = app.now;
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    let Some(editor) = &mut bench.editor else {
        return Vec::new();
    };
    match editor.area.key(event) {
        Pressed::Changed => {
            changed(bench, now);
            renew_popup(app);
        }
        Pressed::Moved => editor.popup = None,
        Pressed::Ignored => {}
    }
    Vec::new()
}

/// The text in hand follows what is typed.
fn changed(bench: &mut Workbench, now: Timestamp) {
    if let Some(text) = bench.editor.as_ref().map(RuleEditor::text) {
        bench.type_over(text, now);
    }
}

/// Takes pasted text.
pub(in crate::console::update) fn paste(app: &mut App, text: &str) {
    let now = app.now;
    if let Some(bench) = app.workbench_mut()
        && let Some(editor) = &mut bench.editor
    {
        editor.area.insert(text);
        editor.popup = None;
        changed(bench, now);
    }
}

/// Carries out an action of the rule editor.
pub(in crate::console::update) fn act_in_rule(app: &mut App, action: Action) -> Vec<Effect> {
    let now = app.now;
    if action == Action::Complete {
        open_popup(app);
        return Vec::new();
    }
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    match action {
        Action::AcceptRule => {
            if let (Some(editor), Some(draft)) = (bench.editor.take(), &mut bench.draft) {
                draft.change_from(editor.before.clone(), editor.text(), now);
            }
            bench.outline();
            keep::settle(app);
        }
        Action::AbandonRule => {
            if let Some(editor) = bench.editor.take() {
                bench.type_over(editor.before, now);
            }
            keep::settle(app);
        }
        Action::UndoTyping | Action::RedoTyping => {
            if let Some(editor) = &mut bench.editor {
                editor.popup = None;
                let _ = match action {
                    Action::UndoTyping => editor.area.undo(),
                    _ => editor.area.redo(),
                };
            }
            changed(bench, now);
        }
        _ => {}
    }
    Vec::new()
}

/// What can be typed at the cursor.
fn completions(bench: &Workbench, editor: &RuleEditor) -> Completions {
    let known = bench.bench.ready();
    let platform = known.and_then(|known| known.platform.as_ref());
    let field_nation = known.and_then(|known| known.field_nation.as_ref());
    let (source, target) = match bench.direction {
        Direction::Inbound => (platform, field_nation),
        Direction::Outbound => (field_nation, platform),
    };
    complete(&Completing {
        text: editor.area.text(),
        cursor: editor.area.cursor(),
        direction: bench.direction,
        source,
        target,
        sample: bench.shown.as_ref().map(|shown| &shown.source),
    })
}

/// Shows what can be typed; where there is one thing only, types it.
fn open_popup(app: &mut App) {
    renew(app);
    let Some(editor) = app.workbench().and_then(|bench| bench.editor.as_ref()) else {
        return;
    };
    match &editor.popup {
        None => app.tell(Mood::Bad, "nothing is known that could be typed here"),
        Some(popup) if popup.completions.offered.len() == 1 => take_offer(app),
        Some(_) => {}
    }
}

/// Keeps the offers in step with what is typed, while they are shown.
fn renew_popup(app: &mut App) {
    let open = app
        .workbench()
        .and_then(|bench| bench.editor.as_ref())
        .is_some_and(|editor| editor.popup.is_some());
    if open {
        renew(app);
    }
}

fn renew(app: &mut App) {
    let Some(bench) = app.workbench_mut() else {
        return;
    };
    let Some(mut editor) = bench.editor.take() else {
        return;
    };
    let completions = completions(bench, &editor);
    let some = !completions.offered.is_empty();
    editor.popup = some.then_some(Popup {
        completions,
        selected: 0,
    });
    bench.editor = Some(editor);
}

fn take_offer(app: &mut App) {
    let now = app.now;
    let Some(bench) = app.workbench_mut() else {
        return;
    };
    if let Some(editor) = &mut bench.editor
        && let Some(popup) = editor.popup.take()
        && let Some(offer) = popup.offer()
    {
        let replaces = popup.completions.replaces.clone();
        editor.area.replace(replaces, &offer.text);
    }
    changed(bench, now);
}

/// Takes a key for the offers, if they are shown and it is one for them.
fn press_in_popup(app: &mut App, event: KeyEvent) -> bool {
    let Some(editor) = app.workbench_mut().and_then(|bench| bench.editor.as_mut()) else {
        return false;
    };
    let Some(popup) = &mut editor.popup else {
        return false;
    };
    let last = popup.completions.offered.len().saturating_sub(1);
    match event.code {
        KeyCode::Down => popup.selected = (popup.selected + 1).min(last),
        KeyCode::Up => popup.selected = popup.selected.saturating_sub(1),
        KeyCode::PageDown => popup.selected = (popup.selected + 8).min(last),
        KeyCode::PageUp => popup.selected = popup.selected.saturating_sub(8),
        KeyCode::Esc => editor.popup = None,
        KeyCode::Tab | KeyCode::Enter => take_offer(app),
        _ => return false,
    }
    true
}
