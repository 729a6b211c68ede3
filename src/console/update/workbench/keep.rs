//! What the engine has of a draft: taking it up, keeping it as it changes, and meeting what somebody else kept.

use super::{first_sample, may_edit, wanted};
use crate::console::app::{App, Departure, Loadable, Mood, Screen};
use crate::console::dialog::{Choice, Dialog, Menu, MenuItem};
use crate::console::format;
use crate::console::message::Effect;
use crate::console::remote::{RemoteError, RemoteResult};
use crate::console::workbench::versions::short;
use crate::console::workbench::{Ask, DraftText, Meeting, NotKept, Workbench};
use crate::engine::Bench;
use crate::model::{ConnectorId, Timestamp};
use crate::store::Draft;

/// Takes what a workbench starts from, for the first time or anew.
pub(super) fn bench(
    app: &mut App,
    connector: &ConnectorId,
    answer: &RemoteResult<Box<Bench>>,
) -> Vec<Effect> {
    let now = app.now;
    let mut told = Vec::new();
    for bench in app
        .workbenches()
        .filter(|bench| bench.connector == *connector)
    {
        match answer {
            Ok(known) => told.extend(meet(bench, known, now)),
            Err(error) if bench.draft.is_none() => {
                bench.bench = Loadable::Failed(error.to_string());
            }
            Err(error) => told.push((Mood::Bad, error.to_string())),
        }
    }
    for (mood, text) in told {
        app.tell(mood, text);
    }
    let without_sample = app
        .workbench()
        .is_some_and(|bench| bench.draft.is_some() && bench.sample.is_none());
    if without_sample {
        return first_sample(app);
    }
    due(app)
}

/// Brings the text in hand and what the engine has together; answers what is to be told.
fn meet(bench: &mut Workbench, known: &Bench, now: Timestamp) -> Vec<(Mood, String)> {
    let mut told = Vec::new();
    match (&mut bench.draft, bench.meeting) {
        (None, _) => {
            bench.draft = Some(DraftText::of(known, now));
            if let Some(draft) = &known.draft {
                told.push((Mood::Good, taken_up(known, draft)));
            }
        }
        (Some(draft), Meeting::GivesWay) => {
            let theirs = known
                .draft
                .as_ref()
                .map_or(&known.text, |draft| &draft.text);
            draft.change(theirs.clone(), now);
            draft.see(known);
            if let Some(kept) = &known.draft {
                draft.base = kept.base.clone();
                draft.kept = Some((kept.by.clone(), kept.at));
            }
            told.push((Mood::Good, "theirs is here; u brings yours back".to_owned()));
        }
        (Some(draft), Meeting::Prevails) => draft.see(known),
        (Some(draft), Meeting::Stays) if draft.is_unsaved() => draft.refiled(known),
        (Some(draft), Meeting::Stays) => {
            draft.refiled(known);
            // Nothing of one's own is lost when what is in hand follows what somebody else kept.
            if let Some(theirs) = &known.draft
                && theirs.text != draft.text()
            {
                draft.change(theirs.text.clone(), now);
                draft.see(known);
                draft.base = theirs.base.clone();
                draft.kept = Some((theirs.by.clone(), theirs.at));
                told.push((Mood::Good, format!("{} changed the draft", theirs.by)));
            }
        }
    }
    bench.meeting = Meeting::Stays;
    bench.bench = Loadable::Ready(Box::new(known.clone()));
    bench.outline();
    if let Some(rule) = bench.wanted_rule.take() {
        bench.select_rule(rule);
    }
    told
}

fn taken_up(known: &Bench, draft: &Draft) -> String {
    let since = format::full(draft.at);
    if draft.base == known.version {
        return format!("the draft of {} ({since}) is taken up", draft.by);
    }
    format!(
        "the draft of {} ({since}) is taken up; it was begun from {}, and {} is in force by now",
        draft.by,
        short(&draft.base),
        short(&known.version)
    )
}

/// Keeps what changed and was left alone for a while.
pub(in crate::console::update) fn due(app: &mut App) -> Vec<Effect> {
    if !may_edit(app) {
        return Vec::new();
    }
    let now = app.now;
    let mut effects = Vec::new();
    for bench in app.workbenches() {
        if let Some(draft) = &mut bench.draft
            && draft.is_due(now)
        {
            let save = Ask::Save(bench.connector.clone(), draft.save());
            effects.push(Effect::Workbench(save));
        }
    }
    effects
}

/// Keeps at once what is not kept yet.
fn save_all(app: &mut App) -> Vec<Effect> {
    if !may_edit(app) {
        return Vec::new();
    }
    let mut effects = Vec::new();
    for bench in app.workbenches() {
        if let Some(draft) = &mut bench.draft
            && draft.may_save()
        {
            let save = Ask::Save(bench.connector.clone(), draft.save());
            effects.push(Effect::Workbench(save));
        }
    }
    effects
}

/// What is to be done when the workbench in front is left.
pub(in crate::console::update) fn leaving(app: &mut App) -> Vec<Effect> {
    let editing = may_edit(app);
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    let connector = bench.connector.clone();
    let mut effects = Vec::new();
    if bench.impact.run.take().is_some() {
        effects.push(Effect::Workbench(Ask::CancelImpact));
    }
    let Some(draft) = &bench.draft else {
        return effects;
    };
    if draft.is_as_filed() {
        if draft.is_kept() && editing {
            effects.push(Effect::Workbench(Ask::Discard(connector)));
        }
        return effects;
    }
    if let Some(why) = draft.overtaken() {
        let text = format!("the draft of {connector} is not kept: {why}");
        app.tell(Mood::Bad, text);
        return effects;
    }
    let changes = draft.changes();
    effects.extend(save_all(app));
    let rules = if changes == 1 { "rule" } else { "rules" };
    let text = format!("the draft of {connector} is kept ({changes} changed {rules})");
    app.tell(Mood::Good, text);
    effects
}

/// Puts a workbench that is left for good aside until its draft is kept.
pub(in crate::console::update) fn parted(app: &mut App) {
    if let Some(previous) = app.previous.take()
        && let Screen::Workbench(bench) = *previous
        && bench.is_unsaved()
        && !bench.draft.as_ref().is_some_and(DraftText::is_as_filed)
    {
        app.parting.push(*bench);
    }
}

/// Begins to keep all drafts because the console is to be left; nothing when it can be. What can't be kept is told
/// first, and left behind only when the person asks again.
pub(in crate::console::update) fn unsaved(app: &mut App) -> Option<Vec<Effect>> {
    let differing = |draft: &&DraftText| draft.is_unsaved() && !draft.is_as_filed();
    let waiting: Vec<(ConnectorId, Option<NotKept>)> = app
        .workbenches()
        .filter_map(|bench| {
            let draft = bench.draft.as_ref().filter(differing)?;
            Some((bench.connector.clone(), draft.problem.clone()))
        })
        .collect();
    let (connector, _) = waiting.first()?;
    if may_edit(app) && waiting.iter().any(|(_, problem)| problem.is_none()) {
        app.departure = Departure::AfterSaving;
        app.tell(Mood::Good, "keeping the draft, then leaving");
        return Some(save_all(app));
    }
    if app.departure == Departure::Warned {
        return None;
    }
    app.departure = Departure::Warned;
    let text =
        format!("the draft of {connector} can't be kept now; quit again to leave without it");
    app.tell(Mood::Bad, text);
    Some(Vec::new())
}

/// Takes that a draft is kept, or not.
pub(super) fn saved(
    app: &mut App,
    connector: &ConnectorId,
    answer: &RemoteResult<Draft>,
) -> Vec<Effect> {
    let front = app
        .workbench()
        .is_some_and(|bench| bench.connector == *connector);
    let mut problem = None;
    for bench in app
        .workbenches()
        .filter(|bench| bench.connector == *connector)
    {
        let Some(draft) = &mut bench.draft else {
            continue;
        };
        match answer {
            Ok(kept) => draft.saved(kept),
            Err(error) => {
                draft.not_saved(match error {
                    RemoteError::Stale(why) => NotKept::Overtaken(why.clone()),
                    _ => NotKept::Failed(error.to_string()),
                });
                problem = Some(error.clone());
            }
        }
    }
    app.parting.retain(Workbench::is_unsaved);
    match problem {
        None if app.departure == Departure::AfterSaving => {
            if let Some(effects) = unsaved(app) {
                return effects;
            }
            app.departure = Departure::Staying;
            return super::super::dialog::quit(app);
        }
        None => {}
        Some(RemoteError::Stale(_)) if front => {
            app.departure = Departure::Staying;
            settle(app);
        }
        Some(error) => {
            app.departure = Departure::Staying;
            app.tell(
                Mood::Bad,
                format!("the draft of {connector} is not kept: {error}"),
            );
        }
    }
    Vec::new()
}

/// Has the person say whose draft it is to be, where somebody else's is kept; not while a rule is typed, for what
/// is typed would be taken for the answer.
pub(super) fn settle(app: &mut App) {
    let Some(bench) = app.workbench() else { return };
    let Some(why) = bench.draft.as_ref().and_then(DraftText::overtaken) else {
        return;
    };
    let why = why.to_owned();
    if bench.editor.is_some() || app.dialog.is_some() {
        app.tell(Mood::Bad, format!("not kept: {why}"));
    } else {
        ask_whose(app, &why);
    }
}

fn ask_whose(app: &mut App, why: &str) {
    let item = |key, label: &str, choice| MenuItem {
        key,
        label: label.to_owned(),
        refused: None,
        choice,
    };
    app.tell(Mood::Bad, why.to_owned());
    app.dialog = Some(Dialog::Menu(Menu {
        title: format!("Not kept: {why}"),
        items: vec![
            item(
                't',
                "Take theirs (undo brings yours back)",
                Choice::TakeTheirs,
            ),
            item('k', "Keep mine over theirs", Choice::KeepMine),
        ],
        selected: 0,
    }));
}

/// Takes that a draft is thrown away, or not.
pub(super) fn discarded(
    app: &mut App,
    connector: &ConnectorId,
    done: RemoteResult<()>,
) -> Vec<Effect> {
    if let Err(error) = done {
        app.tell(Mood::Bad, error.to_string());
        return Vec::new();
    }
    let now = app.now;
    for bench in app
        .workbenches()
        .filter(|bench| bench.connector == *connector)
    {
        if let (Some(draft), Loadable::Ready(known)) = (&mut bench.draft, &bench.bench) {
            draft.change(known.text.clone(), now);
            draft.dropped(known);
        }
        bench.outline();
    }
    wanted(app)
}

/// The engine is back: what failed because it was gone is tried again.
pub(in crate::console::update) fn fresh_link(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    for bench in app.workbenches() {
        if bench.problem.is_some() {
            bench.tried = None;
        }
        if let Some(draft) = &mut bench.draft {
            draft.problem = None;
        }
        effects.push(Effect::Workbench(Ask::Bench(bench.connector.clone())));
    }
    effects
}
