//! Working out what the draft would change of what is stored.

use crossterm::event::{KeyCode, KeyEvent};

use super::movement;
use crate::console::action::{Action, Place};
use crate::console::app::{App, Mood};
use crate::console::dialog::Dialog;
use crate::console::keymap::Key;
use crate::console::message::Effect;
use crate::console::remote::RemoteResult;
use crate::console::view;
use crate::console::workbench::impact::{ImpactRow, ImpactView, Run, Summary};
use crate::console::workbench::{Ask, BenchPane, Chosen, DraftText};
use crate::engine::{ImpactRequest, ImpactUpdate, MappingDraft, USUAL_IMPACT};

/// Shows the impact of the text in hand, and works it out when it is not known.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let Some(bench) = app.workbench() else {
        return Vec::new();
    };
    if bench.draft.as_ref().is_none_or(DraftText::is_as_filed) {
        app.tell(
            Mood::Bad,
            "nothing differs from the file, so nothing would change",
        );
        return Vec::new();
    }
    app.dialog = Some(Dialog::Impact(ImpactView::default()));
    begin_unless_known(app)
}

/// Begins a run for the text in hand, unless its result is known or on its way.
pub(super) fn begin_unless_known(app: &mut App) -> Vec<Effect> {
    let number = app.tickets + 1;
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    let Some(draft) = &bench.draft else {
        return Vec::new();
    };
    let text = draft.text();
    let running = bench
        .impact
        .run
        .as_ref()
        .is_some_and(|run| run.text == text);
    if running || bench.impact.of(text).is_some() {
        return Vec::new();
    }
    let direction = match draft.directions().as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let request = ImpactRequest {
        connector: bench.connector.clone(),
        mapping: MappingDraft::Text(text.to_owned()),
        last: USUAL_IMPACT,
        direction,
    };
    bench.impact.problem = None;
    bench.impact.run = Some(Run {
        number,
        text: text.to_owned(),
        direction,
        looked_at: 0,
        of: USUAL_IMPACT,
    });
    app.tickets = number;
    vec![Effect::Workbench(Ask::Impact(number, request))]
}

/// Takes how a run goes, or its result.
pub(super) fn updated(
    app: &mut App,
    number: u64,
    update: RemoteResult<ImpactUpdate>,
) -> Vec<Effect> {
    let is_it = |run: &Option<Run>| run.as_ref().is_some_and(|run| run.number == number);
    let Some(bench) = app.workbenches().find(|bench| is_it(&bench.impact.run)) else {
        return Vec::new();
    };
    let book = &mut bench.impact;
    match update {
        Ok(ImpactUpdate::Progress { looked_at, of }) => {
            if let Some(run) = &mut book.run {
                (run.looked_at, run.of) = (looked_at, of);
            }
        }
        Ok(ImpactUpdate::Done(impact)) => {
            if let Some(run) = book.run.take() {
                book.last = Some(Summary {
                    text: run.text,
                    direction: run.direction,
                    impact,
                });
            }
        }
        Ok(ImpactUpdate::Failed(error)) => {
            book.run = None;
            book.problem = Some(error.to_string());
        }
        Err(error) => {
            book.run = None;
            book.problem = Some(error.to_string());
        }
    }
    super::publish::refresh(app);
    Vec::new()
}

/// Ends the run under way.
pub(super) fn cancel(app: &mut App) -> Vec<Effect> {
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    if bench.impact.run.take().is_none() {
        return Vec::new();
    }
    app.tell(Mood::Good, "stopped looking at what it changes");
    vec![Effect::Workbench(Ask::CancelImpact)]
}

/// Takes a key while the impact is shown.
pub(in crate::console::update) fn press(
    app: &mut App,
    mut shown: ImpactView,
    event: KeyEvent,
) -> Vec<Effect> {
    match event.code {
        KeyCode::Esc | KeyCode::Char('q') => return cancel(app),
        KeyCode::Char('P') => {
            let refused = crate::console::rights::refusal(app, Action::Publish);
            match refused {
                None => return super::publish::open(app),
                Some(why) => app.tell(Mood::Bad, format!("publish: {why}")),
            }
        }
        KeyCode::Char('i') => {
            app.dialog = Some(Dialog::Impact(shown));
            return begin_unless_known(app);
        }
        KeyCode::Enter | KeyCode::Char(' ') => {
            if let Some(chosen) = enter(app, &mut shown) {
                if let Some(bench) = app.workbench_mut() {
                    bench.sample = Some(chosen.sample);
                    bench.direction = chosen.direction;
                    bench.outline();
                    bench.focus = BenchPane::Rules;
                }
                return Vec::new();
            }
        }
        _ => {
            let action = app.keymap.action(Key::of(event), Place::Connectors);
            let rows = usize::from(view::dialog_area(app).height.saturating_sub(6));
            if let Some(by) = action.and_then(|action| movement(action, rows)) {
                shown.selected = shown.selected.saturating_add_signed(by);
            }
        }
    }
    app.dialog = Some(Dialog::Impact(shown));
    Vec::new()
}

/// An example to be looked at.
struct Example {
    sample: Chosen,
    direction: crate::model::Direction,
}

/// Opens or closes the selected field; answers the selected example.
fn enter(app: &App, shown: &mut ImpactView) -> Option<Example> {
    let impact = &app.workbench()?.impact.last.as_ref()?.impact;
    match shown.rows(impact).get(shown.selected)? {
        ImpactRow::Field(index, _) => {
            let index = *index;
            if !shown.open.remove(&index) {
                shown.open.insert(index);
            }
            None
        }
        ImpactRow::Example(field, example) => Some(Example {
            sample: Chosen::Transaction(example.transaction, example.label.clone()),
            direction: field.direction,
        }),
    }
}
