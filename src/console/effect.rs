//! Doing what the state asked for: each effect is a task of its own and comes back as a message.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;
use uuid::Uuid;

use super::filter::Filtered;
use super::log::LogReader;
use super::message::{BulkOutcome, Effect, Message, Previewed, Search, Subject};
use super::remote::{Remote, RemoteError, RemoteResult};
use super::theme::{Depth, Theme};
use super::wizard::effect as wizard;
use super::workbench::{Ask, effect as workbench};
use crate::engine::{MappingDraft, PreviewRequest, Sample};
use crate::model::{ConnectorId, Direction, RecordId, Transaction, TransactionId, WorkOrderId};
use crate::store::{AuditEntry, ListQuery, PersonMove};

/// Transactions gathered for one bulk action at most.
const MOST_GATHERED: usize = 10_000;

/// Rows looked through for a text at most, and at once.
const MOST_SEARCHED: usize = 2_000;
const PAGE: usize = 200;

/// Audit lines looked through for a transaction.
const AUDIT_LINES: usize = 500;

/// How often the log is looked at while it is followed.
const LOG_INTERVAL: Duration = Duration::from_millis(500);

/// Carries out effects that need neither the terminal nor the state.
pub struct Effects {
    remote: Arc<dyn Remote>,
    messages: UnboundedSender<Message>,
    log_directory: Option<PathBuf>,
    theme: (String, Option<PathBuf>),
    preview: Option<AbortHandle>,
    tried: Option<AbortHandle>,
    impact: Option<AbortHandle>,
}

impl Effects {
    /// Carries out effects at an engine and reports to a channel.
    #[must_use]
    pub fn new(
        remote: Arc<dyn Remote>,
        messages: UnboundedSender<Message>,
        log_directory: Option<PathBuf>,
        theme: (String, Option<PathBuf>),
    ) -> Self {
        Self {
            remote,
            messages,
            log_directory,
            theme,
            preview: None,
            tried: None,
            impact: None,
        }
    }

    /// Begins an effect. One that needs the terminal is not for here and is left alone.
    pub fn begin(&mut self, effect: Effect) {
        match effect {
            Effect::FollowLog => self.follow_log(),
            Effect::LoadTheme => {
                let message = Message::ThemeLoaded(load_theme(&self.theme));
                // The loop that reads this is the one that began us; when it is gone, so is the need.
                let _ = self.messages.send(message);
            }
            Effect::Workbench(Ask::Impact(number, request)) => {
                let remote = Arc::clone(&self.remote);
                let messages = self.messages.clone();
                let task = tokio::spawn(async move {
                    workbench::follow_impact(remote.as_ref(), number, request, &messages).await;
                });
                replace(&mut self.impact, Some(task.abort_handle()));
            }
            Effect::Workbench(Ask::CancelImpact) => replace(&mut self.impact, None),
            Effect::Workbench(ask @ Ask::Preview(..)) => {
                let newer = self.spawn(Effect::Workbench(ask));
                replace(&mut self.tried, Some(newer));
            }
            preview @ Effect::Preview(..) => {
                let newer = self.spawn(preview);
                replace(&mut self.preview, Some(newer));
            }
            other => drop(self.spawn(other)),
        }
    }

    fn spawn(&self, effect: Effect) -> AbortHandle {
        let remote = Arc::clone(&self.remote);
        let messages = self.messages.clone();
        let task = tokio::spawn(async move {
            if let Some(message) = carry_out(remote.as_ref(), effect).await {
                let _ = messages.send(message);
            }
        });
        task.abort_handle()
    }

    fn follow_log(&self) {
        let Some(directory) = self.log_directory.clone() else {
            return;
        };
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let mut reader = LogReader::new(&directory);
            while !messages.is_closed() {
                let read = tokio::task::spawn_blocking(move || {
                    let lines = reader.read();
                    (reader, lines)
                });
                let Ok((back, lines)) = read.await else {
                    return;
                };
                reader = back;
                let message = match lines {
                    Ok(lines) if lines.is_empty() => None,
                    Ok(lines) => Some(Message::Logged(lines)),
                    Err(error) => Some(Message::Notice(format!("the log can't be read: {error}"))),
                };
                let over = matches!(message, Some(Message::Notice(_)));
                if let Some(message) = message
                    && messages.send(message).is_err()
                {
                    return;
                }
                if over {
                    return;
                }
                tokio::time::sleep(LOG_INTERVAL).await;
            }
        });
    }
}

/// Ends the older of two tasks of which only one is to run.
fn replace(task: &mut Option<AbortHandle>, newer: Option<AbortHandle>) {
    if let Some(older) = std::mem::replace(task, newer) {
        older.abort();
    }
}

/// Loads the theme that was chosen.
pub(super) fn load_theme(
    (name, directory): &(String, Option<PathBuf>),
) -> Result<Box<Theme>, String> {
    let depth = Depth::from_environment(std::env::var("COLORTERM").ok().as_deref());
    Theme::load(name, directory.as_deref(), depth)
        .map(Box::new)
        .map_err(|problem| problem.to_string())
}

async fn carry_out(remote: &dyn Remote, effect: Effect) -> Option<Message> {
    Some(match effect {
        Effect::List(ticket, query) => Message::Listed(ticket, remote.list(query).await),
        Effect::Search(ticket, wanted) => {
            let found = search(remote, wanted).await;
            let page = found.map(|items| crate::store::Page { items, next: None });
            Message::Listed(ticket, page)
        }
        Effect::Gather(ticket, queries) => Message::Gathered(ticket, gather(remote, queries).await),
        Effect::GatherThese(ticket, ids) => {
            Message::Gathered(ticket, gather_these(remote, ids).await)
        }
        Effect::Workbench(ask) => Message::Workbench(workbench::carry_out(remote, ask).await?),
        Effect::Wizard(ask) => Message::Wizard(wizard::carry_out(remote, ask).await),
        Effect::Detail(id) => Message::Detail(id, remote.transaction(id).await.map(Box::new)),
        Effect::Payload(id, kind) => Message::Payload(id, kind, remote.payload(id, kind).await),
        Effect::Audit(id) => Message::Audit(id, audit(remote, id).await),
        Effect::Plan(id, replay) => {
            Message::Planned(id, replay, remote.plan_replay(id, replay).await)
        }
        Effect::Command(id, revision, action) => Message::Commanded(
            twice(|command| remote.command(command, id, Some(revision), action.clone())).await,
        ),
        Effect::Replay(id, replay, output) => Message::Replayed(
            twice(|command| remote.replay(command, id, replay, output.clone())).await,
        ),
        Effect::BulkItem(id, revision, action) => {
            Message::BulkItem(id, bulk_item(remote, id, revision, action).await)
        }
        Effect::Preview(number, subject, rest) => {
            tokio::time::sleep(rest).await;
            let result = preview(remote, subject).await;
            Message::Previewed(number, result.map(Box::new))
        }
        Effect::Samples(connector, direction) => {
            let query = ListQuery {
                connector: Some(connector.clone()),
                direction: Some(direction),
                limit: 100,
                ..ListQuery::default()
            };
            let rows = remote.list(query).await;
            let rows = rows.map(|page| page.items.iter().map(|row| row.id).collect());
            Message::Samples(connector, direction, rows)
        }
        Effect::Probe(connector) => {
            let probe = remote.probe(&connector).await;
            Message::Probed(connector, probe)
        }
        Effect::RefreshFields(connector) => {
            let done = remote.refresh_fields(&connector).await;
            Message::Did(done.map(|()| format!("the fields of {connector} are read anew")))
        }
        Effect::Pause(connector) => {
            let held = remote.pause(&connector).await;
            Message::Did(held.map(|held| format!("paused {connector}, {held} held")))
        }
        Effect::Resume(connector) => {
            let released = remote.resume(&connector).await;
            Message::Did(released.map(|count| format!("resumed {connector}, {count} released")))
        }
        Effect::TriggerUrl(connector) => {
            let url = remote.trigger_url(&connector).await;
            Message::TriggerUrl(connector, url)
        }
        Effect::RotateToken(connector) => {
            let url = remote.rotate_token(&connector).await;
            Message::Rotated(connector, url)
        }
        Effect::FollowLog
        | Effect::LoadTheme
        | Effect::Copy(..)
        | Effect::EditMapping(..)
        | Effect::EditOutput(..)
        | Effect::EditDraft(..)
        | Effect::Mouse(_)
        | Effect::Redraw
        | Effect::Suspend
        | Effect::Leave(_) => return None,
    })
}

/// Asks once, and once more under the same command id when the answer was lost: it acts once either way.
async fn twice<T, F, Fut>(ask: F) -> RemoteResult<T>
where
    F: Fn(Uuid) -> Fut,
    Fut: Future<Output = RemoteResult<T>>,
{
    let command = Uuid::now_v7();
    match ask(command).await {
        Err(RemoteError::Unreachable(_)) => ask(command).await,
        answer => answer,
    }
}

async fn bulk_item(
    remote: &dyn Remote,
    id: TransactionId,
    revision: u64,
    action: PersonMove,
) -> BulkOutcome {
    let answer = twice(|command| remote.command(command, id, Some(revision), action.clone())).await;
    match answer {
        Ok(_) => BulkOutcome::Done,
        Err(RemoteError::Stale(why)) => match remote.transaction(id).await {
            Ok(detail) => {
                let state = detail.transaction.state.word();
                BulkOutcome::Skipped(format!("it is {state} meanwhile"))
            }
            Err(_) => BulkOutcome::Skipped(why),
        },
        Err(error) => BulkOutcome::Failed(error.to_string()),
    }
}

async fn gather(remote: &dyn Remote, queries: Vec<ListQuery>) -> RemoteResult<Vec<Transaction>> {
    let mut rows = Vec::new();
    for mut query in queries {
        loop {
            query.limit = PAGE;
            let page = remote.list(query.clone()).await?;
            rows.extend(page.items);
            if rows.len() > MOST_GATHERED {
                return Err(RemoteError::Answered(format!(
                    "more than {MOST_GATHERED} match; narrow the filter first"
                )));
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
    }
    Ok(rows)
}

async fn gather_these(
    remote: &dyn Remote,
    ids: Vec<TransactionId>,
) -> RemoteResult<Vec<Transaction>> {
    let mut rows = Vec::new();
    for id in ids {
        rows.push(remote.transaction(id).await?.transaction);
    }
    Ok(rows)
}

async fn audit(remote: &dyn Remote, id: TransactionId) -> RemoteResult<Vec<AuditEntry>> {
    let page = remote.audit(AUDIT_LINES, None).await?;
    let of_it = page
        .items
        .into_iter()
        .filter(|entry| entry.transaction == Some(id));
    Ok(of_it.collect())
}

/// What a search finds: rows whose record or work order it names, then rows that hold the text.
async fn search(remote: &dyn Remote, wanted: Search) -> RemoteResult<Vec<Transaction>> {
    let Search { mut query, text } = wanted;
    query.limit = PAGE;
    let Some(text) = text else {
        return Ok(remote.list(query).await?.items);
    };
    let mut found: Vec<Transaction> = Vec::new();
    let by_record = ListQuery {
        record: Some(RecordId::new(text.as_str())),
        ..query.clone()
    };
    let by_order = text.parse().ok().map(|number| ListQuery {
        work_order: Some(WorkOrderId(number)),
        ..query.clone()
    });
    for exact in std::iter::once(by_record).chain(by_order) {
        add_new(&mut found, remote.list(exact).await?.items);
    }
    let needle = text.to_lowercase();
    let mut searched = 0;
    while searched < MOST_SEARCHED {
        let page = remote.list(query.clone()).await?;
        searched += page.items.len();
        let holding = |row: &Transaction| row.haystack().to_lowercase().contains(&needle);
        add_new(&mut found, page.items.into_iter().filter(holding).collect());
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    Ok(found)
}

fn add_new(found: &mut Vec<Transaction>, rows: Vec<Transaction>) {
    for row in rows {
        if found.iter().all(|other| other.id != row.id) {
            found.push(row);
        }
    }
}

async fn preview(remote: &dyn Remote, subject: Subject) -> RemoteResult<Previewed> {
    let (connector, direction, event, sample, transaction) = match subject {
        Subject::Record(connector, direction, record) => {
            (connector, direction, None, Sample::Record(record), None)
        }
        Subject::Transaction(id, wanted) => {
            let row = remote.transaction(id).await?.transaction;
            let direction = wanted.unwrap_or(row.direction);
            let sample = Sample::Transaction(id);
            (row.connector, direction, row.event, sample, Some(id))
        }
        Subject::Latest(connector, direction) => {
            let row = latest(remote, &connector, direction).await?;
            let sample = Sample::Transaction(row.id);
            (connector, direction, row.event, sample, Some(row.id))
        }
    };
    let request = PreviewRequest {
        connector: connector.clone(),
        direction,
        event,
        sample,
        mapping: MappingDraft::Current,
    };
    let result = remote.preview(request).await?;
    Ok(Previewed {
        connector,
        direction,
        transaction,
        result,
    })
}

async fn latest(
    remote: &dyn Remote,
    connector: &ConnectorId,
    direction: Direction,
) -> RemoteResult<Transaction> {
    let query = ListQuery {
        connector: Some(connector.clone()),
        direction: Some(direction),
        limit: 1,
        ..ListQuery::default()
    };
    let page = remote.list(query).await?;
    page.items.into_iter().next().ok_or_else(|| {
        RemoteError::Answered(format!(
            "no {} transaction of {connector} yet; choose a record",
            direction.word()
        ))
    })
}
