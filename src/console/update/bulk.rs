//! Acting on many transactions: gathered, confirmed by name and number, done one by one.

use super::list;
use crate::console::action::Action;
use crate::console::app::{App, Bulk, GatherFor, Mood, Pace, Screen, Source};
use crate::console::dialog::{BulkTarget, Confirm, Deed, Dialog, Prompt, Purpose, Typed};
use crate::console::document::{Document, Line};
use crate::console::input::Input;
use crate::console::message::{BulkOutcome, Effect};
use crate::console::remote::RemoteResult;
use crate::console::rows;
use crate::console::theme::Tone;
use crate::model::{Move, Transaction, TransactionId};
use crate::store::{ListQuery, PersonMove};

/// More than this many must be confirmed by typing how many.
const TYPED_BEYOND: usize = 50;

/// Asks for all that queries match, for a purpose; what was asked for before is no longer waited for.
fn gather(app: &mut App, purpose: GatherFor, queries: Vec<ListQuery>) -> Vec<Effect> {
    let ticket = app.ticket();
    app.gathering = Some((ticket, purpose));
    vec![Effect::Gather(ticket, queries)]
}

fn busy(app: &mut App) -> bool {
    let running = app
        .bulk
        .as_ref()
        .is_some_and(|bulk| bulk.pace == Pace::Running);
    if running {
        app.tell(
            Mood::Bad,
            "another bulk action is running; wait for it or cancel it",
        );
    }
    running
}

/// Begins a bulk action over the marked groups, or the selected one.
pub(super) fn over_groups(app: &mut App, action: Action) -> Vec<Effect> {
    if busy(app) {
        return Vec::new();
    }
    let overview = app.overview.clone();
    let marks = &app.home.groups.marks;
    let groups = overview.iter().flat_map(|overview| &overview.groups);
    let mut queries: Vec<_> = groups
        .filter(|group| marks.contains(&group.fingerprint))
        .map(list::of_group)
        .collect();
    if queries.is_empty() {
        queries.extend(app.selected_group().map(list::of_group));
    }
    if queries.is_empty() {
        return Vec::new();
    }
    let purpose = match action {
        Action::Discard => GatherFor::Discard,
        _ => GatherFor::Retry,
    };
    gather(app, purpose, queries)
}

/// Begins a bulk action over the marked rows of a list, or the selected one.
pub(super) fn over_rows(app: &mut App, action: Action) -> Vec<Effect> {
    if busy(app) {
        return Vec::new();
    }
    let Some(list) = app.list() else {
        return Vec::new();
    };
    let marked = list
        .items
        .iter()
        .filter(|row| list.cursor.marks.contains(&row.id));
    let mut rows: Vec<Transaction> = marked.cloned().collect();
    if rows.is_empty() {
        rows.extend(list.selected().cloned());
    }
    match action {
        Action::Discard => ask_discard(app, &rows),
        Action::Restore => confirm(app, PersonMove::Restore, &rows),
        _ => confirm(app, PersonMove::Retry, &rows),
    }
    Vec::new()
}

/// Marks everything that matches, also what was not read yet.
pub(super) fn mark_all(app: &mut App) -> Vec<Effect> {
    let Some(list) = app.list() else {
        return Vec::new();
    };
    if let (Source::Query(query), Some(_)) = (&list.source, list.next) {
        let query = query.clone();
        app.tell(Mood::Good, "gathering all that match");
        return gather(app, GatherFor::Marks, vec![query]);
    }
    if let Some(Screen::List(list)) = app.screens.last_mut() {
        list.cursor.marks.extend(list.keys.iter().copied());
    }
    Vec::new()
}

/// Takes the gathered rows.
pub(super) fn gathered(
    app: &mut App,
    ticket: u64,
    rows: RemoteResult<Vec<Transaction>>,
) -> Vec<Effect> {
    let purpose = match app.gathering {
        Some((asked, purpose)) if asked == ticket => purpose,
        _ => return Vec::new(),
    };
    app.gathering = None;
    match (rows, purpose) {
        (Err(error), _) => app.tell(Mood::Bad, error.to_string()),
        (Ok(rows), GatherFor::Retry) => confirm(app, PersonMove::Retry, &rows),
        (Ok(rows), GatherFor::Fixed) => {
            confirm(app, PersonMove::Retry, &rows);
            if let Some(Dialog::Confirm(question)) = &mut app.dialog {
                let title = question.title.trim_end_matches('?');
                question.title = format!("Published. {title} that this mends?");
            }
        }
        (Ok(rows), GatherFor::Discard) => ask_discard(app, &rows),
        (Ok(rows), GatherFor::Marks) => {
            if let Some(Screen::List(list)) = app.screens.last_mut() {
                list.items = rows;
                list.next = None;
                list::arrange(list);
                list.cursor.marks.extend(list.keys.iter().copied());
            }
        }
    }
    Vec::new()
}

fn targets(rows: &[Transaction], wanted: Move) -> Vec<BulkTarget> {
    let fit = rows.iter().filter(|row| row.state.after(wanted).is_ok());
    fit.map(|row| BulkTarget {
        id: row.id,
        revision: row.revision,
        label: format!("{} {}", row.connector, rows::subject(row)),
    })
    .collect()
}

fn move_of(action: &PersonMove) -> Move {
    match action {
        PersonMove::Retry => Move::Requeue,
        PersonMove::Discard { .. } => Move::Discard,
        PersonMove::Restore => Move::Restore,
    }
}

fn ask_discard(app: &mut App, rows: &[Transaction]) {
    let targets = targets(rows, Move::Discard);
    if targets.is_empty() {
        app.tell(Mood::Bad, "none of these can be discarded as they stand");
        return;
    }
    app.dialog = Some(Dialog::Prompt(Prompt {
        title: format!("Discard {}", number(targets.len())),
        label: "reason".to_owned(),
        input: Input::default(),
        purpose: Purpose::DiscardMany(targets),
    }));
}

fn number(count: usize) -> String {
    match count {
        1 => "1 transaction".to_owned(),
        count => format!("{count} transactions"),
    }
}

fn confirm(app: &mut App, action: PersonMove, rows: &[Transaction]) {
    let targets = targets(rows, move_of(&action));
    let unfit = rows.len() - targets.len();
    if targets.is_empty() {
        app.tell(Mood::Bad, "none of these can be acted upon as they stand");
        return;
    }
    ask(app, action, targets, unfit);
}

/// Asks before a command on many is carried out.
pub(super) fn ask(app: &mut App, action: PersonMove, targets: Vec<BulkTarget>, unfit: usize) {
    const NAMED: usize = 5;
    let count = number(targets.len());
    let (title, effect) = match &action {
        PersonMove::Retry => (
            format!("Retry {count}?"),
            "Each is fetched, mapped and delivered again; what was delivered is not repeated."
                .to_owned(),
        ),
        PersonMove::Discard { reason } => (
            format!("Discard {count}?"),
            format!("They will not be tried again. Restorable for a period. Reason: {reason}"),
        ),
        PersonMove::Restore => (
            format!("Restore {count}?"),
            "They go back to the dead letter queue.".to_owned(),
        ),
    };
    let mut lines = vec![effect];
    lines.extend(
        targets
            .iter()
            .take(NAMED)
            .map(|target| format!("  {}", target.label)),
    );
    if targets.len() > NAMED {
        lines.push(format!("  and {} more", targets.len() - NAMED));
    }
    if unfit > 0 {
        lines.push(format!(
            "{unfit} of the chosen can't be acted upon as they stand and are left alone."
        ));
    }
    lines.push("Whatever changes meanwhile is skipped.".to_owned());
    let typed = (targets.len() > TYPED_BEYOND).then(|| Typed {
        wanted: targets.len().to_string(),
        input: Input::default(),
    });
    let mut question = Confirm::new(title, &lines, Deed::Bulk(action, targets));
    question.typed = typed;
    app.dialog = Some(Dialog::Confirm(question));
}

/// Starts a confirmed bulk action.
pub(super) fn start(app: &mut App, action: PersonMove, targets: Vec<BulkTarget>) -> Vec<Effect> {
    if busy(app) {
        return Vec::new();
    }
    app.home.groups.clear_marks();
    if let Some(Screen::List(list)) = app.screens.last_mut() {
        list.cursor.clear_marks();
    }
    app.bulk = Some(Bulk {
        action,
        targets,
        outcomes: Vec::new(),
        pace: Pace::Running,
    });
    show(app);
    next(app)
}

fn next(app: &mut App) -> Vec<Effect> {
    let Some(bulk) = &mut app.bulk else {
        return Vec::new();
    };
    if bulk.pace != Pace::Running {
        return Vec::new();
    }
    if let Some(target) = bulk.targets.get(bulk.outcomes.len()) {
        return vec![Effect::BulkItem(
            target.id,
            target.revision,
            bulk.action.clone(),
        )];
    }
    bulk.pace = Pace::Finished;
    let (done, skipped, failed) = bulk.counts();
    let text = format!(
        "{}: {done} done, {skipped} skipped, {failed} failed",
        bulk.verb()
    );
    app.tell(if failed == 0 { Mood::Good } else { Mood::Bad }, text);
    refresh(app);
    Vec::new()
}

/// Takes the outcome of one item and goes on with the next.
pub(super) fn item(app: &mut App, id: TransactionId, outcome: BulkOutcome) -> Vec<Effect> {
    let Some(bulk) = &mut app.bulk else {
        return Vec::new();
    };
    if bulk
        .targets
        .get(bulk.outcomes.len())
        .is_none_or(|target| target.id != id)
    {
        return Vec::new();
    }
    bulk.outcomes.push(outcome);
    let effects = next(app);
    refresh(app);
    effects
}

/// Stops a bulk action after the item that is under way.
pub(super) fn cancel(app: &mut App) {
    if let Some(bulk) = &mut app.bulk
        && bulk.pace == Pace::Running
    {
        bulk.pace = Pace::Cancelled;
        let left = bulk.targets.len() - bulk.outcomes.len();
        app.tell(
            Mood::Good,
            format!("cancelled; at most one of {left} more is still under way"),
        );
    }
    refresh(app);
}

/// Shows how the bulk action goes.
pub(super) fn show(app: &mut App) {
    if let Some(bulk) = &app.bulk {
        app.dialog = Some(Dialog::Bulk(Document::new(lines(app, bulk))));
    }
}

fn refresh(app: &mut App) {
    let Some(bulk) = &app.bulk else { return };
    let lines = lines(app, bulk);
    if let Some(Dialog::Bulk(document)) = &mut app.dialog {
        document.replace(lines);
    }
}

fn lines(app: &App, bulk: &Bulk) -> Vec<Line> {
    let glyphs = app.glyphs;
    let (done, skipped, failed) = bulk.counts();
    let pace = match bulk.pace {
        Pace::Running => "running",
        Pace::Cancelled => "cancelled",
        Pace::Finished => "finished",
    };
    let total = bulk.targets.len();
    let mut lines = vec![
        Line::of(
            Tone::Title,
            format!("{pace}: {} of {total} through", bulk.outcomes.len()),
        ),
        Line::of(
            Tone::Text,
            format!("{done} done, {skipped} skipped, {failed} failed"),
        ),
        Line::default(),
    ];
    // The latest first, so that what happens now is in sight.
    let through = bulk.targets.iter().zip(&bulk.outcomes).rev();
    lines.extend(through.map(|(target, outcome)| {
        let (tone, glyph, why) = match outcome {
            BulkOutcome::Done => (Tone::Ok, glyphs.ok, ""),
            BulkOutcome::Skipped(why) => (Tone::Dim, glyphs.unset, why.as_str()),
            BulkOutcome::Failed(why) => (Tone::Failed, glyphs.failed, why.as_str()),
        };
        Line::of(tone, format!("{glyph} "))
            .with(Tone::Text, format!("{}  ", target.label))
            .with(Tone::Dim, why)
            .hanging(2)
    }));
    lines
}
