//! Bringing the draft in force, and trying again what it mends.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{impact, may_edit};
use crate::console::app::{App, GatherFor, Loadable, Mood};
use crate::console::dialog::{Choice, Dialog, Menu, MenuItem, Notice};
use crate::console::document::Line;
use crate::console::message::Effect;
use crate::console::remote::{RemoteError, RemoteResult};
use crate::console::theme::Tone;
use crate::console::workbench::compare::compare;
use crate::console::workbench::publish::{Publishing, lines};
use crate::console::workbench::versions::short;
use crate::console::workbench::{Ask, Meeting, Underway};
use crate::engine::Publish;
use crate::model::{ConnectorId, TransactionId};
use crate::store::MappingEntry;

/// Shows what publishing would do, and asks.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let Some(bench) = app.workbench() else {
        return Vec::new();
    };
    let Some(draft) = &bench.draft else {
        return Vec::new();
    };
    if draft.is_as_filed() {
        app.tell(
            Mood::Bad,
            "nothing differs from the file; there is nothing to publish",
        );
        return Vec::new();
    }
    let newer = bench
        .bench
        .ready()
        .filter(|known| known.version != draft.base);
    if let Some(known) = newer {
        let who = known.entry.as_ref().map_or_else(
            || "the file was changed".to_owned(),
            |entry| match &entry.by {
                Some(by) => format!("{by} published {}", short(&entry.version)),
                None => format!("its file was changed to {}", short(&entry.version)),
            },
        );
        ask_about_theirs(app, &who);
        return Vec::new();
    }
    app.dialog = Some(Dialog::Publishing(Publishing::default()));
    let effects = impact::begin_unless_known(app);
    refresh(app);
    effects
}

/// Brings the question in line with what is known of the impact.
pub(super) fn refresh(app: &mut App) {
    let Some(bench) = app.workbench() else { return };
    let lines = lines(app, bench);
    if let Some(Dialog::Publishing(question)) = &mut app.dialog {
        question.document.replace(lines);
    }
}

/// Takes a key while the question is open.
pub(in crate::console::update) fn press(
    app: &mut App,
    mut question: Publishing,
    event: KeyEvent,
) -> Vec<Effect> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Esc => return impact::cancel(app),
        KeyCode::Enter => return publish(app, &question),
        KeyCode::Char('r') if control => {
            app.dialog = Some(Dialog::Publishing(question));
            let effects = impact::begin_unless_known(app);
            refresh(app);
            return effects;
        }
        KeyCode::Up => question.document.scroll(-1),
        KeyCode::Down => question.document.scroll(1),
        KeyCode::PageUp | KeyCode::PageDown => {
            let page = isize::try_from(question.document.rows()).unwrap_or(1);
            let by = if event.code == KeyCode::PageUp {
                -page
            } else {
                page
            };
            question.document.scroll(by);
        }
        _ => {
            question.note.key(event);
        }
    }
    app.dialog = Some(Dialog::Publishing(question));
    Vec::new()
}

fn publish(app: &mut App, question: &Publishing) -> Vec<Effect> {
    if !may_edit(app) {
        app.tell(Mood::Bad, "the draft can't be published now");
        return Vec::new();
    }
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    let Some(draft) = &bench.draft else {
        return Vec::new();
    };
    if bench.publishing == Underway::Asked {
        return Vec::new();
    }
    bench.publishing = Underway::Asked;
    let note = question.note.text().trim();
    let publish = Publish {
        text: draft.text().to_owned(),
        base: draft.base.clone(),
        note: (!note.is_empty()).then(|| note.to_owned()),
    };
    vec![Effect::Workbench(Ask::Publish(
        bench.connector.clone(),
        publish,
    ))]
}

/// Takes that a draft is in force, or not.
pub(super) fn published(
    app: &mut App,
    connector: &ConnectorId,
    entry: RemoteResult<MappingEntry>,
) -> Vec<Effect> {
    let mut effects = vec![Effect::Workbench(Ask::Bench(connector.clone()))];
    match entry {
        Ok(entry) => {
            let fixed = in_force(app, connector, &entry);
            let by = entry.by.as_deref().unwrap_or("somebody");
            let text = format!("{by} published {} for {connector}", short(&entry.version));
            app.tell(Mood::Good, text);
            if !fixed.is_empty() {
                let ticket = app.ticket();
                app.gathering = Some((ticket, GatherFor::Fixed));
                effects.push(Effect::GatherThese(ticket, fixed));
            }
        }
        Err(error) => {
            for bench in app.workbenches() {
                bench.publishing = Underway::Nothing;
            }
            refused(app, &error);
        }
    }
    effects
}

/// The text in hand is what the file says now; answers what it mends of the dead.
fn in_force(app: &mut App, connector: &ConnectorId, entry: &MappingEntry) -> Vec<TransactionId> {
    let mut fixed = Vec::new();
    for bench in app
        .workbenches()
        .filter(|bench| bench.connector == *connector)
    {
        bench.publishing = Underway::Nothing;
        let (Some(draft), Loadable::Ready(known)) = (&mut bench.draft, &mut bench.bench) else {
            continue;
        };
        let text = draft.text().to_owned();
        let summary = bench.impact.of(&text);
        fixed = summary.map_or_else(Vec::new, |summary| summary.impact.to_retry.clone());
        known.text = text;
        known.version = entry.version.clone();
        known.entry = Some(entry.clone());
        known.draft = None;
        draft.dropped(known);
        bench.outline();
    }
    fixed
}

fn refused(app: &mut App, error: &RemoteError) {
    if let RemoteError::Stale(why) = error {
        ask_about_theirs(app, why);
        return;
    }
    let lines = error.to_string();
    let lines = lines
        .lines()
        .map(|line| Line::of(Tone::Failed, line).hanging(2))
        .collect();
    app.dialog = Some(Dialog::Notice(Notice::new(
        "Not published; nothing was changed",
        lines,
    )));
}

fn ask_about_theirs(app: &mut App, who: &str) {
    let item = |key, label: &str, choice| MenuItem {
        key,
        label: label.to_owned(),
        refused: None,
        choice,
    };
    app.tell(Mood::Bad, who.to_owned());
    app.dialog = Some(Dialog::Menu(Menu {
        title: format!("Not published: {who}"),
        items: vec![
            item(
                'c',
                "Compare: what leads from theirs to this draft",
                Choice::CompareTheirs,
            ),
            item(
                'k',
                "Keep editing on top of theirs: publishing replaces it from then on",
                Choice::BuildOnTheirs,
            ),
        ],
        selected: 0,
    }));
}

/// Does what was chosen about what somebody else kept or published.
pub(in crate::console::update) fn choose(app: &mut App, choice: &Choice) -> Vec<Effect> {
    let ellipsis = app.glyphs.ellipsis;
    let Some(bench) = app.workbench_mut() else {
        return Vec::new();
    };
    match choice {
        Choice::TakeTheirs => bench.meeting = Meeting::GivesWay,
        Choice::KeepMine => bench.meeting = Meeting::Prevails,
        Choice::BuildOnTheirs => {
            if let (Some(draft), Loadable::Ready(known)) = (&mut bench.draft, &bench.bench) {
                draft.base = known.version.clone();
            }
            app.tell(Mood::Good, "go on; publishing replaces their version");
            return Vec::new();
        }
        Choice::CompareTheirs => {
            if let Loadable::Ready(known) = &bench.bench {
                let mut lines = compare(&known.text, bench.text(), ellipsis);
                if lines.is_empty() {
                    lines.push(Line::of(Tone::Ok, "both say the same"));
                }
                let title = format!("From {} to this draft", short(&known.version));
                app.dialog = Some(Dialog::Notice(Notice::new(title, lines)));
            }
            return Vec::new();
        }
        _ => return Vec::new(),
    }
    vec![Effect::Workbench(Ask::Bench(bench.connector.clone()))]
}
