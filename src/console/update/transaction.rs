//! One transaction: reading it, laying out its tabs, running it again.

use bytes::Bytes;
use ratatui::layout::Position;
use serde_json::{Map, Value};

use super::workbench::{self, Opening};
use super::{list, movement, preview};
use crate::console::action::Action;
use crate::console::app::{App, Freshness, Intent, Loadable, Mood, Screen, Tab, TransactionScreen};
use crate::console::dialog::{
    Again, Choice, Confirm, Deed, Dialog, Menu, MenuItem, Notice, Prompt, Purpose,
};
use crate::console::document::{Document, Line};
use crate::console::input::Input;
use crate::console::layout::{self, breadth, inside};
use crate::console::message::{Effect, Subject};
use crate::console::remote::RemoteResult;
use crate::console::theme::Tone;
use crate::console::{facts, json, timeline};
use crate::engine::{Replay, TransactionDetail};
use crate::model::{Direction, Move, PayloadKind, Transaction, TransactionId};
use crate::store::{AuditEntry, PersonMove};

/// Opens a transaction.
pub(super) fn open(
    app: &mut App,
    id: TransactionId,
    trail: Vec<String>,
    intent: Intent,
) -> Vec<Effect> {
    let mut screen = TransactionScreen::new(id, trail);
    screen.intent = intent;
    super::open(app, Screen::Transaction(Box::new(screen)));
    vec![Effect::Detail(id), Effect::Audit(id)]
}

/// Reads the transaction in front anew.
pub(super) fn reread(app: &mut App) -> Vec<Effect> {
    let Some(screen) = front(app) else {
        return Vec::new();
    };
    screen.freshness = Freshness::Fresh;
    // What is over changes only by a person, and then its row comes with the answer.
    let alive = screen.row().is_some_and(|row| row.state.is_active());
    if alive {
        vec![Effect::Detail(screen.id)]
    } else {
        Vec::new()
    }
}

fn front(app: &mut App) -> Option<&mut TransactionScreen> {
    match app.screens.last_mut() {
        Some(Screen::Transaction(screen)) => Some(screen),
        _ => None,
    }
}

fn of(app: &mut App, id: TransactionId) -> Option<&mut TransactionScreen> {
    app.screens
        .iter_mut()
        .rev()
        .find_map(|screen| match screen {
            Screen::Transaction(screen) if screen.id == id => Some(screen.as_mut()),
            _ => None,
        })
}

/// Takes a transaction.
pub(super) fn detail(
    app: &mut App,
    id: TransactionId,
    detail: RemoteResult<Box<TransactionDetail>>,
) -> Vec<Effect> {
    let Some(screen) = of(app, id) else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    match detail {
        Ok(detail) => {
            let before = screen.detail.ready();
            let before = before.map_or(&[][..], |detail| &detail.payloads);
            for payload in &detail.payloads {
                // One of the same size that is here already is taken for the same.
                if !before.contains(payload) {
                    screen
                        .payloads
                        .entry(payload.0)
                        .or_insert(Loadable::Loading);
                    effects.push(Effect::Payload(id, payload.0));
                }
            }
            let first = screen.detail.ready().is_none();
            let failed = first.then(|| failed_entry(&detail)).flatten();
            screen.why = Document::new(facts::why(&detail));
            screen.detail = Loadable::Ready(detail);
            if let Some(entry) = failed {
                select_entry(app, entry);
            }
        }
        Err(error) => screen.detail = Loadable::Failed(error.to_string()),
    }
    lay_out(app);
    effects
}

/// The entry a reader wants to see first: the last that failed.
fn failed_entry(detail: &TransactionDetail) -> Option<usize> {
    let failed = |entry: &crate::model::JournalEntry| {
        matches!(entry.outcome, crate::model::StepOutcome::Failed { .. })
    };
    detail.journal.iter().rposition(failed)
}

fn select_entry(app: &mut App, entry: usize) {
    let Some(screen) = app.transaction() else {
        return;
    };
    let Some(detail) = screen.detail.ready() else {
        return;
    };
    let moments = timeline::moments(app, detail);
    let at = moments
        .iter()
        .position(|moment| moment.entry == Some(entry));
    let keys: Vec<usize> = (0..moments.len()).collect();
    if let (Some(at), Some(screen)) = (at, front(app)) {
        screen.timeline.select(&keys, at);
    }
}

/// Takes a payload.
pub(super) fn payload(
    app: &mut App,
    id: TransactionId,
    kind: PayloadKind,
    payload: RemoteResult<Option<Bytes>>,
) -> Vec<Effect> {
    let Some(screen) = of(app, id) else {
        return Vec::new();
    };
    let payload = match payload {
        Ok(bytes) => Loadable::Ready(bytes),
        Err(error) => Loadable::Failed(error.to_string()),
    };
    screen.payloads.insert(kind, payload);
    let edit = screen.intent == Intent::Edit && kind == PayloadKind::Output;
    if edit {
        screen.intent = Intent::Look;
    }
    lay_out(app);
    if edit {
        act(app, Action::Edit)
    } else {
        Vec::new()
    }
}

/// Takes the audit lines.
pub(super) fn audit(
    app: &mut App,
    id: TransactionId,
    entries: RemoteResult<Vec<AuditEntry>>,
) -> Vec<Effect> {
    if let Some(screen) = of(app, id) {
        screen.audit = match entries {
            Ok(entries) => Loadable::Ready(entries),
            Err(error) => Loadable::Failed(error.to_string()),
        };
    }
    lay_out(app);
    Vec::new()
}

/// The output of a transaction, if it is here and an object.
fn output(screen: &TransactionScreen) -> Option<Map<String, Value>> {
    let bytes = screen
        .payloads
        .get(&PayloadKind::Output)?
        .ready()?
        .as_ref()?;
    serde_json::from_slice(bytes).ok()
}

/// Lays out the tab in front.
fn lay_out(app: &mut App) {
    let Some(screen) = app.transaction() else {
        return;
    };
    let Some(detail) = screen.detail.ready() else {
        return;
    };
    let lines = match tab_beside(app, screen) {
        Tab::Timeline => Vec::new(),
        Tab::Source => of_payload(screen, PayloadKind::Source),
        Tab::Output => of_payload(screen, PayloadKind::Output),
        Tab::Sent => of_payload(screen, PayloadKind::Sent),
        Tab::Diff => diff(app, screen, detail),
        Tab::Exchange => exchange(app, screen, detail),
        Tab::Facts => facts::transaction(screen, detail),
    };
    if let Some(screen) = front(app) {
        screen.document.replace(lines);
    }
}

/// The tab whose document is shown: beside the timeline where both have room.
pub(crate) fn tab_beside(app: &App, screen: &TransactionScreen) -> Tab {
    let both = matches!(
        breadth(app.size),
        layout::Breadth::Four | layout::Breadth::Two
    );
    match screen.tab {
        Tab::Timeline if both => screen.beside,
        tab => tab,
    }
}

fn of_payload(screen: &TransactionScreen, kind: PayloadKind) -> Vec<Line> {
    match screen.payloads.get(&kind) {
        Some(Loadable::Ready(Some(bytes))) => json::pretty_bytes(bytes),
        Some(Loadable::Loading) => vec![Line::of(Tone::Dim, "reading")],
        Some(Loadable::Failed(why)) => vec![Line::of(Tone::Warn, why)],
        Some(Loadable::Ready(None)) | None => {
            let text = match kind {
                PayloadKind::Source => "it was not fetched",
                PayloadKind::Output => "the mapping made nothing",
                PayloadKind::Sent => "nothing was sent",
                PayloadKind::Trigger => "no body is kept",
            };
            vec![Line::of(Tone::Dim, text)]
        }
    }
}

fn diff(app: &App, screen: &TransactionScreen, detail: &TransactionDetail) -> Vec<Line> {
    let Some(output) = output(screen) else {
        return of_payload(screen, PayloadKind::Output);
    };
    let new = json::leaves(&output);
    let Some(correlation) = &detail.correlation else {
        let mut lines = vec![
            Line::of(Tone::Dim, "nothing was delivered before; all of it is new"),
            Line::default(),
        ];
        let none = std::collections::BTreeMap::new();
        lines.extend(json::difference(&none, &new, app.glyphs.changed));
        return lines;
    };
    let sent = match detail.transaction.direction {
        Direction::Inbound => &correlation.sent_to_work_order,
        Direction::Outbound => &correlation.sent_to_record,
    };
    let old = json::leaves(sent);
    let lines = json::difference(&old, &new, app.glyphs.changed);
    if lines.is_empty() {
        return vec![Line::of(Tone::Ok, "the same as what was last sent")];
    }
    lines
}

fn exchange(app: &App, screen: &TransactionScreen, detail: &TransactionDetail) -> Vec<Line> {
    let calls = shown_exchanges(app, screen, detail);
    if calls.is_empty() {
        return vec![Line::of(Tone::Dim, "no call was made in this step")];
    }
    facts::exchanges(calls)
}

/// The calls of the selected step; of the last step that made any when none is selected.
fn shown_exchanges<'a>(
    app: &App,
    screen: &TransactionScreen,
    detail: &'a TransactionDetail,
) -> &'a [crate::model::Exchange] {
    let moments = timeline::moments(app, detail);
    let selected = moments
        .get(screen.timeline.index())
        .and_then(|moment| moment.entry)
        .and_then(|entry| detail.journal.get(entry));
    let last = || {
        let journal = detail.journal.iter().rev();
        journal
            .into_iter()
            .find(|entry| !entry.exchanges.is_empty())
    };
    match selected {
        Some(entry) => &entry.exchanges,
        None => last().map_or(&[], |entry| &entry.exchanges),
    }
}

/// Brings the selected line of the timeline into sight.
pub(super) fn reveal(app: &mut App) {
    let Some(screen) = app.transaction() else {
        return;
    };
    let Some(detail) = screen.detail.ready() else {
        return;
    };
    let lines = timeline::moments(app, detail).len();
    let parts = layout::transaction(app, facts::why(detail).len() * 2);
    let breadth = breadth(app.size);
    let area = if parts.timeline.width > 0 {
        parts.timeline
    } else {
        parts.document
    };
    let rows = usize::from(inside(breadth, area).height);
    if let Some(screen) = front(app) {
        let keys: Vec<usize> = (0..lines).collect();
        screen.timeline.follow(&keys);
        let at = screen.timeline.index();
        screen.timeline.reveal(at, 1, lines, rows);
    }
}

/// Selects the line of the timeline that was clicked.
pub(super) fn click(app: &mut App, at: Position) -> Vec<Effect> {
    let Some(screen) = app.transaction() else {
        return Vec::new();
    };
    let reasons = screen
        .detail
        .ready()
        .map_or(0, |detail| facts::why(detail).len() * 2);
    let parts = layout::transaction(app, reasons);
    let breadth = breadth(app.size);
    let timeline = inside(breadth, parts.timeline);
    if timeline.contains(at) {
        let row = usize::from(at.y - timeline.y) + screen.timeline.offset();
        show(app, Tab::Timeline);
        step_timeline(app, isize::MIN / 2);
        step_timeline(app, isize::try_from(row).unwrap_or_default());
    } else if parts.document.contains(at) && screen.tab == Tab::Timeline {
        let beside = screen.beside;
        show(app, beside);
    }
    Vec::new()
}

fn step_timeline(app: &mut App, by: isize) {
    let Some(screen) = app.transaction() else {
        return;
    };
    let lines = screen
        .detail
        .ready()
        .map_or(0, |detail| timeline::moments(app, detail).len());
    let keys: Vec<usize> = (0..lines).collect();
    if let Some(screen) = front(app) {
        screen.timeline.step(&keys, by);
    }
    lay_out(app);
}

fn show(app: &mut App, tab: Tab) {
    if let Some(screen) = front(app) {
        screen.tab = tab;
        if tab != Tab::Timeline {
            screen.beside = tab;
        }
        screen.document.scroll(isize::MIN);
    }
    lay_out(app);
}

fn tab_of(action: Action, tab: Tab, beside: Tab) -> Option<Tab> {
    let at = |place: usize| Tab::ALL.get(place % Tab::ALL.len()).copied();
    match action {
        Action::Tab1 | Action::Left => Some(Tab::Timeline),
        Action::Tab2 => Some(Tab::Source),
        Action::Tab3 => Some(Tab::Output),
        Action::Tab4 => Some(Tab::Sent),
        Action::Tab5 => Some(Tab::Diff),
        Action::Tab6 => Some(Tab::Exchange),
        Action::Tab7 => Some(Tab::Facts),
        Action::NextTab => at(tab as usize + 1),
        Action::PreviousTab => at(tab as usize + Tab::ALL.len() - 1),
        Action::Right => Some(beside),
        _ => None,
    }
}

/// Carries out an action of a transaction.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let Some(screen) = app.transaction() else {
        return Vec::new();
    };
    if let Some(tab) = tab_of(action, screen.tab, screen.beside) {
        show(app, tab);
        return Vec::new();
    }
    if let Some(by) = movement(action, screen.document.rows()) {
        if screen.tab == Tab::Timeline {
            step_timeline(app, by);
        } else if let Some(screen) = front(app) {
            screen.document.scroll(by);
        }
        return Vec::new();
    }
    let Some(row) = screen.row().cloned() else {
        return Vec::new();
    };
    match action {
        Action::Open if screen.tab == Tab::Timeline => {
            show(app, Tab::Exchange);
            Vec::new()
        }
        Action::Replay => {
            app.dialog = Some(Dialog::Menu(replay_menu(screen, &row)));
            Vec::new()
        }
        Action::Edit => edit(app, row.id),
        Action::Discard => {
            app.dialog = Some(Dialog::Prompt(Prompt {
                title: "Discard this transaction".to_owned(),
                label: "reason".to_owned(),
                input: Input::default(),
                purpose: Purpose::Discard(row.id, row.revision),
            }));
            Vec::new()
        }
        Action::Restore => {
            let lines = ["It goes back to the dead letter queue.".to_owned()];
            let deed = Deed::Command(row.id, row.revision, PersonMove::Restore);
            let question = Confirm::new("Restore this transaction?", &lines, deed);
            app.dialog = Some(Dialog::Confirm(question));
            Vec::new()
        }
        Action::OpenMapping => {
            let rule = row.failure.as_ref().and_then(|(_, failure)| failure.rule);
            let rule = rule.map(|rule| (row.direction, rule));
            preview::open_mapping(app, &row.connector, rule)
        }
        Action::OpenWorkbench => workbench::open(app, Opening::of_transaction(&row)),
        Action::Preview => preview::pin(app, Subject::Transaction(row.id, None)),
        Action::Copy => {
            app.dialog = Some(Dialog::Menu(copy_menu(app, screen, &row)));
            Vec::new()
        }
        Action::ShowAddress => {
            show_addresses(app);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn replay_menu(screen: &TransactionScreen, row: &Transaction) -> Menu {
    let has = |kind| {
        let payload = screen.payloads.get(&kind).and_then(Loadable::ready);
        payload.is_some_and(Option::is_some)
    };
    let item = |key, again: Again, refused: Option<String>| MenuItem {
        key,
        label: again.title().to_owned(),
        refused,
        choice: Choice::Plan(row.id, again),
    };
    let missing =
        |kind: PayloadKind| (!has(kind)).then(|| format!("there is no {} stored", kind.word()));
    let in_place = row.state.after(Move::Requeue).err();
    Menu {
        title: "Run again (shows first what would be sent)".to_owned(),
        items: vec![
            item('r', Again::InPlace, in_place.map(|error| error.to_string())),
            item(
                's',
                Again::Anew(Replay::SameOutput),
                missing(PayloadKind::Output),
            ),
            item(
                'm',
                Again::Anew(Replay::Remap),
                missing(PayloadKind::Source),
            ),
            item('f', Again::Anew(Replay::Refetch), None),
        ],
        selected: 0,
    }
}

fn edit(app: &mut App, id: TransactionId) -> Vec<Effect> {
    if let Some(output) = app.transaction().and_then(output) {
        let text = serde_json::to_string_pretty(&output).unwrap_or_default();
        return vec![Effect::EditOutput(id, text)];
    }
    let why = "there is no output to edit: the mapping made none; edit the mapping instead";
    app.tell(Mood::Bad, why);
    Vec::new()
}

/// Takes an edited output: asks before it is sent, or offers to mend what is no JSON object.
pub(super) fn edited(app: &mut App, id: TransactionId, before: &str, after: &str) -> Vec<Effect> {
    let old: Map<String, Value> = serde_json::from_str(before).unwrap_or_default();
    match serde_json::from_str::<Map<String, Value>>(after) {
        Ok(new) if new == old => {
            app.tell(Mood::Good, "nothing was changed, nothing is sent");
        }
        Ok(new) => {
            let mut lines = vec![
                Line::of(
                    Tone::Text,
                    "A new transaction sends this output. What differs from before:",
                ),
                Line::default(),
            ];
            let leaves = (json::leaves(&old), json::leaves(&new));
            lines.extend(json::difference(&leaves.0, &leaves.1, app.glyphs.changed));
            let mut question = Confirm::new("Send the edited output?", &[], Deed::Send(id, new));
            question.lines = lines;
            app.dialog = Some(Dialog::Confirm(question));
        }
        Err(error) => {
            let lines = [
                format!("It is no JSON object: {error}."),
                "Yes opens it again as you left it; no drops your changes.".to_owned(),
            ];
            let deed = Deed::EditAgain(id, after.to_owned());
            let question = Confirm::new("Edit again?", &lines, deed);
            app.dialog = Some(Dialog::Confirm(question));
        }
    }
    Vec::new()
}

fn copy_menu(app: &App, screen: &TransactionScreen, row: &Transaction) -> Menu {
    let mut items = Vec::new();
    let mut offer = |key, label: &str, what, text: Option<String>| {
        if let Some(text) = text {
            items.push(MenuItem {
                key,
                label: label.to_owned(),
                refused: None,
                choice: Choice::Copy(what, text),
            });
        }
    };
    let payload = |kind| {
        let bytes = screen.payloads.get(&kind)?.ready()?.as_ref()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    offer('i', "transaction id", "the id", Some(row.id.to_string()));
    let record = row.record.as_ref().map(ToString::to_string);
    offer('r', "record id", "the record id", record);
    let order = row.work_order.map(|id| id.to_string());
    offer('w', "work order id", "the work order id", order);
    offer('s', "source", "the source", payload(PayloadKind::Source));
    offer('o', "output", "the output", payload(PayloadKind::Output));
    offer(
        'n',
        "what was sent",
        "what was sent",
        payload(PayloadKind::Sent),
    );
    let cause = row
        .failure
        .as_ref()
        .map(|(_, failure)| failure.cause.clone());
    offer('e', "cause", "the cause", cause);
    let call = screen.detail.ready().and_then(|detail| {
        let calls = shown_exchanges(app, screen, detail);
        calls.last().map(facts::curl)
    });
    offer('c', "call as curl, without secrets", "the call", call);
    Menu {
        title: "Copy".to_owned(),
        items,
        selected: 0,
    }
}

fn show_addresses(app: &mut App) {
    let detail = app.transaction().and_then(|screen| screen.detail.ready());
    let urls = detail.map(|detail| (detail.record_url.clone(), detail.work_order_url.clone()));
    let (record, order) = urls.unwrap_or_default();
    let mut lines = Vec::new();
    for (name, url) in [("record", record), ("work order", order)] {
        if let Some(url) = url {
            lines.push(Line::of(Tone::Dim, format!("{name:<12}")).with(Tone::Accent, url));
        }
    }
    if lines.is_empty() {
        app.tell(Mood::Bad, "no address is known");
        return;
    }
    app.dialog = Some(Dialog::Notice(Notice::new("Addresses", lines)));
}

/// Takes the row after a command.
pub(super) fn commanded(app: &mut App, result: RemoteResult<Transaction>) -> Vec<Effect> {
    match result {
        Ok(row) => {
            list::changed(app, &row);
            let text = format!("{} is {} now", row.id, row.state.word());
            app.tell(Mood::Good, text);
            of(app, row.id).map_or_else(Vec::new, |screen| {
                vec![Effect::Detail(screen.id), Effect::Audit(screen.id)]
            })
        }
        Err(error) => {
            app.tell(Mood::Bad, error.to_string());
            // Somebody else was faster: show what is so now.
            front(app).map_or_else(Vec::new, |screen| vec![Effect::Detail(screen.id)])
        }
    }
}

/// Opens the new transaction of a replay.
pub(super) fn replayed(app: &mut App, result: RemoteResult<Transaction>) -> Vec<Effect> {
    match result {
        Ok(row) => {
            app.tell(Mood::Good, "running again as a new transaction");
            open(app, row.id, vec!["Replay".to_owned()], Intent::Look)
        }
        Err(error) => {
            app.tell(Mood::Bad, error.to_string());
            Vec::new()
        }
    }
}
