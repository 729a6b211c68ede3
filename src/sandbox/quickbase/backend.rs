//! The stand-in's memory: rows of tables, files with their versions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::QuickbaseSettings;
use super::problem::Problem;
use super::schema::{FieldSpec, JOBS, MESSAGES, Origin, RELATED, TABLES, TableSpec, WORK_ORDER};
use super::webhooks::Webhooks;
use crate::model::{Clock, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;
use crate::sandbox::quota::Meter;

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// The user of the token.
    Api,
    /// A dispatcher at the screen.
    Person,
}

impl Actor {
    pub(super) const ALL: [Self; 2] = [Self::Api, Self::Person];

    /// As a user field shows them.
    pub(super) fn shown(self) -> Value {
        match self {
            Self::Api => json!({"email": "integration@example.com", "id": "58710001.ab1s",
                "name": "Integration User", "userName": ""}),
            Self::Person => json!({"email": "dispatcher@example.com", "id": "58710002.cd2t",
                "name": "Sample Dispatcher", "userName": "sample.dispatcher"}),
        }
    }

    /// The user that an API caller names by id or e-mail address.
    pub(super) fn named(value: &Value) -> Option<Self> {
        Self::ALL.into_iter().find(|actor| {
            let shown = actor.shown();
            match value {
                Value::String(email) => shown["email"] == email.as_str(),
                other => other["id"].is_string() && shown["id"] == other["id"],
            }
        })
    }

    fn doer(self) -> Doer {
        match self {
            Self::Api => Doer::Api,
            Self::Person => Doer::Person,
        }
    }
}

/// What an API caller may do to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableRight {
    /// View records and fields.
    View,
    /// Add and modify records.
    Modify,
}

/// One version of a file.
#[derive(Clone, Debug)]
pub(super) struct FileVersion {
    pub(super) name: String,
    pub(super) content: Bytes,
    uploaded: Timestamp,
    creator: Actor,
}

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) cells: BTreeMap<u64, Value>,
    pub(super) files: BTreeMap<u64, Vec<FileVersion>>,
    created: Timestamp,
    pub(super) modified: Timestamp,
    owner: Actor,
    pub(super) modified_by: Actor,
}

/// The rows of a table.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) rows: BTreeMap<u64, Row>,
    last: u64,
}

/// What was entered.
#[derive(Debug)]
pub(super) struct Books {
    tables: BTreeMap<&'static str, Rows>,
    refused: BTreeSet<(&'static str, TableRight)>,
    pub(super) unassigned: bool,
    pub(super) locks: u32,
}

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: QuickbaseSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) meter: Option<Meter>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    pub(super) webhooks: Webhooks,
    books: Mutex<Books>,
}

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: QuickbaseSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
}

/// The vendor counts calls in windows of ten seconds.
const WINDOW: Duration = Duration::from_secs(10);

/// What a write did to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Created,
    Updated,
    Unchanged,
}

/// A value on its way into a field.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Cell(Value),
    File { name: String, content: Bytes },
}

impl Backend {
    pub(super) fn new(parts: Parts) -> Self {
        let limit = parts.settings.rate_limit;
        let clock = parts.clock;
        Self {
            meter: limit.map(|limit| Meter::in_windows_of(WINDOW, limit, clock.clone())),
            settings: parts.settings,
            base_url: parts.base_url,
            journal: parts.journal,
            outbox: parts.outbox,
            webhooks: Webhooks::default(),
            books: Mutex::new(Books::new()),
            clock,
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present moment to the second, as the API shows times.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// Writes entries to a row, a new one without an id.
    pub(super) fn keep(
        &self,
        books: &mut Books,
        table: &'static TableSpec,
        row: Option<u64>,
        entries: BTreeMap<u64, Entry>,
        actor: Actor,
    ) -> (u64, Effect) {
        let now = self.now();
        let rows = books.tables.entry(table.id).or_default();
        let id = row.unwrap_or(rows.last + 1);
        rows.last = rows.last.max(id);
        let before = rows.rows.get(&id).cloned();
        let is_new = before.is_none();
        let mut row = before.unwrap_or_else(|| Row::new(now, actor));
        let mut changed = is_new;
        for (field, entry) in entries {
            changed |= row.take(table, field, entry, now, actor);
        }
        if !changed {
            return (id, Effect::Unchanged);
        }
        row.modified = now;
        row.modified_by = actor;
        self.record(table, id, &row, is_new, actor);
        rows.rows.insert(id, row);
        let effect = if is_new {
            Effect::Created
        } else {
            Effect::Updated
        };
        (id, effect)
    }

    fn record(&self, table: &TableSpec, id: u64, row: &Row, is_new: bool, actor: Actor) {
        let deed = if is_new { Deed::Created } else { Deed::Updated };
        let write = Write::new(deed, thing(table.id), id, actor.doer());
        let text = |field: u64| row.cells.get(&field).and_then(Value::as_str);
        let file = row.files.values().flatten().last();
        let detail = text(6).or(file.map(|file| file.name.as_str()));
        let write = write.called(detail.unwrap_or_default());
        let write = if table.id == JOBS {
            write.marked(text(WORK_ORDER))
        } else {
            match row.cells.get(&RELATED).and_then(Value::as_u64) {
                Some(job) => write.within(job),
                None => write,
            }
        };
        self.journal.record(write);
    }

    /// Removes a row; whether there was one.
    pub(super) fn remove(&self, table: &'static TableSpec, id: u64, actor: Actor) -> Option<Row> {
        let row = self.books().rows_mut(table.id).rows.remove(&id)?;
        let write = Write::new(Deed::Removed, thing(table.id), id, actor.doer());
        self.journal.record(write);
        Some(row)
    }
}

fn thing(table: &str) -> Thing {
    match table {
        JOBS => Thing::Ticket,
        MESSAGES => Thing::Note,
        super::schema::TIMES => Thing::TimeEntry,
        _ => Thing::File,
    }
}

/// The table of an id.
pub(super) fn table(id: &str) -> Result<&'static TableSpec, Problem> {
    TABLES
        .iter()
        .find(|table| table.id == id)
        .ok_or(Problem::NotFound)
}

impl Row {
    fn new(now: Timestamp, actor: Actor) -> Self {
        Self {
            cells: BTreeMap::new(),
            files: BTreeMap::new(),
            created: now,
            modified: now,
            owner: actor,
            modified_by: actor,
        }
    }

    /// Takes a value in; whether that changed anything.
    fn take(
        &mut self,
        table: &TableSpec,
        field: u64,
        entry: Entry,
        now: Timestamp,
        actor: Actor,
    ) -> bool {
        match entry {
            Entry::File { name, content } => {
                self.files.entry(field).or_default().push(FileVersion {
                    name,
                    content,
                    uploaded: now,
                    creator: actor,
                });
                true
            }
            Entry::Cell(value) => {
                let is_log = table
                    .field(field)
                    .is_some_and(|field| field.rule == super::schema::Rule::AppendOnly);
                let value = match (&value, is_log) {
                    (Value::String(text), true) if text.is_empty() => return false,
                    (Value::String(text), true) => {
                        json!(logged(self.cells.get(&field), text, now, actor))
                    }
                    _ => value,
                };
                let held = self.cells.insert(field, value.clone());
                held.unwrap_or(Value::Null) != value
            }
        }
    }
}

/// An append-only field after an entry: the newest first, stamped with the day and the writer.
fn logged(held: Option<&Value>, text: &str, now: Timestamp, actor: Actor) -> String {
    let day = now.to_zoned(jiff::tz::TimeZone::UTC).strftime("%b-%d-%y");
    let stamp = day.to_string().to_uppercase();
    let name = actor.shown()["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let entry = format!("[{stamp} {name}] {text}");
    match held.and_then(Value::as_str).filter(|held| !held.is_empty()) {
        Some(held) => format!("{entry}\r\n\r\n{held}"),
        None => entry,
    }
}

impl Books {
    fn new() -> Self {
        Self {
            tables: TABLES
                .iter()
                .map(|table| (table.id, Rows::default()))
                .collect(),
            refused: BTreeSet::new(),
            unassigned: false,
            locks: 0,
        }
    }

    pub(super) fn rows(&self, table: &str) -> Option<&Rows> {
        self.tables.get(table)
    }

    pub(super) fn rows_mut(&mut self, table: &'static str) -> &mut Rows {
        self.tables.entry(table).or_default()
    }

    pub(super) fn row(&self, table: &str, id: u64) -> Option<&Row> {
        self.tables.get(table)?.rows.get(&id)
    }

    pub(super) fn last(&self, table: &str) -> u64 {
        self.tables.get(table).map_or(0, |rows| rows.last)
    }

    /// Takes a right away from the token's user.
    pub(super) fn refuse(&mut self, table: &'static str, right: TableRight) {
        self.refused.insert((table, right));
    }

    /// Whether the token's user may.
    pub(super) fn check(&self, table: &TableSpec, right: TableRight) -> Result<(), Problem> {
        if self.refused.contains(&(table.id, right)) {
            Err(Problem::Forbidden)
        } else {
            Ok(())
        }
    }

    /// What a field of a row shows.
    pub(super) fn shown(&self, table: &TableSpec, id: u64, row: &Row, field: &FieldSpec) -> Value {
        match (field.id, field.origin) {
            (1, _) => json!(row.created.to_string()),
            (2, _) => json!(row.modified.to_string()),
            (3, _) => json!(id),
            (4, _) => row.owner.shown(),
            (5, _) => row.modified_by.shown(),
            (_, Origin::Lookup(source)) => self.looked_up(row, source),
            (_, Origin::Summary) => json!(self.messages_of(id)),
            (_, Origin::Formula) => json!(0),
            _ if field.kind == "file" => shown_file(table.id, id, row, field.id),
            _ => row
                .cells
                .get(&field.id)
                .cloned()
                .unwrap_or_else(|| blank(field.kind)),
        }
    }

    fn looked_up(&self, row: &Row, source: u64) -> Value {
        let job = row.cells.get(&RELATED).and_then(Value::as_u64);
        let job = job.and_then(|job| self.row(JOBS, job));
        let value = job.and_then(|job| job.cells.get(&source));
        value.cloned().unwrap_or_else(|| json!(""))
    }

    fn messages_of(&self, job: u64) -> usize {
        let messages = self.rows(MESSAGES).map(|rows| rows.rows.values());
        let related = |row: &&Row| row.cells.get(&RELATED).and_then(Value::as_u64) == Some(job);
        messages.into_iter().flatten().filter(related).count()
    }

    /// A whole row as a query for all fields shows it.
    pub(super) fn shown_row(&self, table: &TableSpec, id: u64) -> Option<Map<String, Value>> {
        let row = self.row(table.id, id)?;
        let cells = table.fields.iter().map(|field| {
            let value = self.shown(table, id, row, field);
            (field.id.to_string(), json!({"value": value}))
        });
        Some(cells.collect())
    }
}

/// What an empty cell shows, by the fixtures.
pub(super) fn blank(kind: &str) -> Value {
    match kind {
        "numeric" | "currency" | "user" => Value::Null,
        "checkbox" => json!(false),
        "multitext" => json!([]),
        _ => json!(""),
    }
}

fn shown_file(table: &str, id: u64, row: &Row, field: u64) -> Value {
    let versions = row.files.get(&field).map(Vec::as_slice).unwrap_or_default();
    if versions.is_empty() {
        return json!({"url": "", "versions": []});
    }
    let list: Vec<Value> = versions
        .iter()
        .enumerate()
        .map(|(place, version)| {
            json!({
                "versionNumber": place + 1,
                "fileName": version.name,
                "uploaded": version.uploaded.to_string(),
                "creator": version.creator.shown(),
            })
        })
        .collect();
    let newest = versions.len();
    json!({"url": format!("/files/{table}/{id}/{field}/{newest}"), "versions": list})
}

/// A file as a download gives it.
pub(super) fn encoded(version: &FileVersion) -> String {
    STANDARD.encode(&version.content)
}
