//! The instance's memory: rows of tables, and the rules by which they are written.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::ServiceNowSettings;
use super::books::{Books, Row};
use super::encoded::Encoded;
use super::oauth::Tokens;
use super::problem::Problem;
use super::rules::Rules;
use super::schema::{self, Column};
use super::seed;
use crate::model::{Clock, Timestamp};
use crate::sandbox::Dice;
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;
use crate::sandbox::quota::Meter;

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: ServiceNowSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) meter: Option<Meter>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    pub(super) rules: Rules,
    pub(super) tokens: Tokens,
    dice: Dice,
    books: Mutex<Books>,
    access: Mutex<Access>,
}

/// What the API's user may not do, and what state the instance is in.
#[derive(Default)]
struct Access {
    forbidden: BTreeSet<String>,
    hidden: BTreeSet<String>,
    protected: BTreeSet<String>,
    aborting: Option<(String, String)>,
    is_asleep: bool,
    cut_off: u32,
}

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    pub(super) user: String,
    pub(super) doer: Doer,
}

/// Whether values are given as they are stored or as people see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Stored,
    Shown,
}

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: ServiceNowSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    pub(super) dice: Dice,
}

const JOURNALS: [&str; 2] = ["comments", "work_notes"];

impl Backend {
    pub(super) fn new(parts: Parts) -> Self {
        let meter = parts
            .settings
            .rate_limit
            .map(|limit| Meter::new(limit, parts.clock.clone()));
        let backend = Self {
            meter,
            settings: parts.settings,
            base_url: parts.base_url,
            clock: parts.clock,
            journal: parts.journal,
            outbox: parts.outbox,
            rules: Rules::default(),
            tokens: Tokens::default(),
            dice: parts.dice,
            books: Mutex::default(),
            access: Mutex::default(),
        };
        seed::fill(&backend);
        backend
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caller of the API.
    pub(super) fn api_user(&self) -> Actor {
        Actor {
            user: self.settings.user_name.clone(),
            doer: Doer::Api,
        }
    }

    /// The present moment as it is stored: UTC, without a zone.
    pub(super) fn now(&self) -> String {
        stored(self.clock.now())
    }

    pub(super) fn new_id(&self) -> String {
        format!("{:016x}{:016x}", self.dice.roll(), self.dice.roll())
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.access().is_asleep
    }

    pub(super) fn fall_asleep(&self) {
        self.access().is_asleep = true;
    }

    pub(super) fn wake_up(&self) {
        self.access().is_asleep = false;
    }

    pub(super) fn forbid(&self, table: &str) {
        self.access().forbidden.insert(table.to_owned());
    }

    pub(super) fn hide(&self, id_or_table: &str) {
        self.access().hidden.insert(id_or_table.to_owned());
    }

    pub(super) fn protect(&self, field: &str) {
        self.access().protected.insert(field.to_owned());
    }

    pub(super) fn abort_writes(&self, field: &str, value: &str) {
        self.access().aborting = Some((field.to_owned(), value.to_owned()));
    }

    pub(super) fn cut_off_next_query(&self) {
        self.access().cut_off += 1;
    }

    /// Whether this query is one that is cut off.
    pub(super) fn is_cut_off(&self) -> bool {
        let mut access = self.access();
        let is_cut_off = access.cut_off > 0;
        access.cut_off = access.cut_off.saturating_sub(1);
        is_cut_off
    }

    /// A table that exists and that the API's user may use.
    pub(super) fn table(
        &self,
        name: &str,
        operation: &'static str,
    ) -> Result<&'static schema::Table, Problem> {
        let table = schema::find(name).ok_or_else(|| Problem::NoTable(name.to_owned()))?;
        if self.access().forbidden.contains(name) {
            return Err(Problem::Acl(operation));
        }
        Ok(table)
    }

    pub(super) fn may_use(&self, part: &str) -> Result<(), Problem> {
        if self.access().forbidden.contains(part) {
            return Err(Problem::Acl("Query"));
        }
        Ok(())
    }

    /// Whether an ACL hides a row from the API's user.
    pub(super) fn is_hidden(&self, row: &Row) -> bool {
        let access = self.access();
        !access.hidden.is_empty()
            && (access.hidden.contains(&row.id) || access.hidden.contains(row.table))
    }

    /// The rows of a table, its children's included, that a query finds, sorted; ACLs are not asked.
    pub(super) fn select(&self, books: &Books, table: &str, query: &str) -> Vec<String> {
        let encoded = Encoded::parse(query, table);
        let mut found: Vec<&Row> = books
            .rows_of(table)
            .filter(|row| encoded.finds(row, books, self.settings.invalid_query))
            .collect();
        encoded.sort(&mut found);
        found.into_iter().map(|row| row.id.clone()).collect()
    }

    /// A record of a table that the API's user may see.
    pub(super) fn visible(&self, table: &str, id: &str) -> Result<Row, Problem> {
        let row = self.books().row(id).cloned();
        let row = row.filter(|row| schema::extends(row.table, table));
        row.filter(|row| !self.is_hidden(row))
            .ok_or(Problem::NoRecord)
    }

    /// Makes a record.
    pub(super) fn insert(
        self: &Arc<Self>,
        table: &'static schema::Table,
        members: &Map<String, Value>,
        input: Input,
        actor: &Actor,
    ) -> Result<Row, Problem> {
        let mut books = self.books();
        let mut row = Row::blank(table.name, self.new_id());
        if !table.prefix.is_empty() {
            row.set("number", books.next_number(table.name, table.prefix));
            seed::usual_values(&mut row, &self.now(), books.user(&actor.user));
        }
        let notes = self.take(&books, &mut row, members, input, actor);
        self.settle(None, &mut row, actor)?;
        let now = self.now();
        row.set("sys_created_on", now.clone());
        row.set("sys_created_by", actor.user.clone());
        row.set("sys_updated_on", now);
        row.set("sys_updated_by", actor.user.clone());
        row.set("sys_mod_count", "0");
        books.keep(row.clone());
        let entries = self.add_notes(&mut books, &row, notes, actor);
        drop(books);
        self.record(Deed::Created, &row, actor, row.value("short_description"));
        self.record_notes(&row, entries, actor);
        self.fire(None, &row, actor);
        Ok(row)
    }

    /// Changes the given fields of a record.
    pub(super) fn change(
        self: &Arc<Self>,
        id: &str,
        members: &Map<String, Value>,
        input: Input,
        actor: &Actor,
    ) -> Result<Row, Problem> {
        let mut books = self.books();
        let before = books.row(id).cloned().ok_or(Problem::NoRecord)?;
        if before.table == "incident" && before.value("state") == "7" {
            // Closed incidents are read-only to all but admins.
            return Err(Problem::Acl("Update"));
        }
        let mut row = before.clone();
        let notes = self.take(&books, &mut row, members, input, actor);
        self.settle(Some(&before), &mut row, actor)?;
        if row.values() == before.values() && notes.is_empty() {
            return Ok(before);
        }
        let count: u64 = before.value("sys_mod_count").parse().unwrap_or_default();
        row.set("sys_updated_on", self.now());
        row.set("sys_updated_by", actor.user.clone());
        row.set("sys_mod_count", (count + 1).to_string());
        books.keep(row.clone());
        let entries = self.add_notes(&mut books, &row, notes, actor);
        drop(books);
        let changed = row.values().iter().filter(|(name, value)| {
            !name.starts_with("sys_") && before.value(name) != value.as_str()
        });
        let names: Vec<&str> = changed.map(|(name, _)| *name).collect();
        self.record(Deed::Updated, &row, actor, &names.join(", "));
        self.record_notes(&row, entries, actor);
        self.fire(Some(&before), &row, actor);
        Ok(row)
    }

    /// Removes a record.
    pub(super) fn remove(&self, id: &str, actor: &Actor) -> Result<(), Problem> {
        let mut books = self.books();
        let row = books.take(id).ok_or(Problem::NoRecord)?;
        books.files.remove(id);
        drop(books);
        self.record(Deed::Removed, &row, actor, "");
        Ok(())
    }

    /// Takes what a caller gave into a row, as an instance does: without a word about what it does not take. The notes among it.
    fn take(
        &self,
        books: &Books,
        row: &mut Row,
        members: &Map<String, Value>,
        input: Input,
        actor: &Actor,
    ) -> Vec<(&'static str, String)> {
        let mut notes = Vec::new();
        for (name, value) in members {
            let Some(column) = schema::column_of(row.table, name) else {
                continue;
            };
            let is_protected = actor.doer == Doer::Api && self.access().protected.contains(name);
            if is_protected
                || name.starts_with("sys_")
                || (name == "number" && row.values().contains_key("number"))
            {
                continue;
            }
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            if let Some(journal) = JOURNALS
                .iter()
                .find(|journal| *journal == name && column.kind == "journal_input")
            {
                if !text.trim().is_empty() {
                    notes.push((*journal, text));
                }
                continue;
            }
            if column.kind == "journal_list" {
                continue;
            }
            if let Some(text) = accepted(books, row.table, column, text, input) {
                row.set(column.name, text);
            }
        }
        notes
    }

    /// What the instance's own rules make of a write.
    fn settle(&self, before: Option<&Row>, row: &mut Row, actor: &Actor) -> Result<(), Problem> {
        if row.table == "incident" {
            seed::settle_incident(before, row, &self.now());
            let ends = matches!(row.value("state"), "6" | "7");
            let missing: Vec<&'static str> = [
                ("close_code", "Resolution code"),
                ("close_notes", "Resolution notes"),
            ]
            .into_iter()
            .filter(|(name, _)| ends && row.value(name).is_empty())
            .map(|(_, label)| label)
            .collect();
            if !missing.is_empty() {
                return Err(Problem::Policy(missing));
            }
        }
        let aborting = self.access().aborting.clone();
        if actor.doer == Doer::Api
            && let Some((field, value)) = aborting
            && row.value(&field) == value
        {
            return Err(Problem::Rule {
                table: row.table.to_owned(),
                name: "Guard".to_owned(),
            });
        }
        Ok(())
    }

    fn add_notes(
        &self,
        books: &mut Books,
        row: &Row,
        notes: Vec<(&'static str, String)>,
        actor: &Actor,
    ) -> Vec<(u64, String)> {
        let mut entries = Vec::new();
        for (element, text) in notes {
            let mut entry = Row::blank("sys_journal_field", self.new_id());
            entry.set("element", element);
            entry.set("element_id", row.id.clone());
            entry.set("name", row.table);
            entry.set("value", text.clone());
            entry.set("sys_created_on", self.now());
            entry.set("sys_created_by", actor.user.clone());
            books.keep_note(&row.id, entry);
            entries.push((books.next_entry(), text));
        }
        entries
    }

    fn record(&self, deed: Deed, row: &Row, actor: &Actor, detail: &str) {
        if !matches!(row.table, "incident" | "wm_task" | "problem" | "time_card") {
            return;
        }
        let (thing, id) = match row.table {
            "time_card" => (Thing::TimeEntry, self.books().next_entry()),
            _ => (Thing::Ticket, row.ticket()),
        };
        let marker = Some(row.value("correlation_id"));
        self.journal.record(
            Write::new(deed, thing, id, actor.doer)
                .marked(marker)
                .called(detail),
        );
    }

    fn record_notes(&self, row: &Row, entries: Vec<(u64, String)>, actor: &Actor) {
        for (id, text) in entries {
            let write = Write::new(Deed::Created, Thing::Note, id, actor.doer);
            self.journal.record(write.within(row.ticket()).called(text));
        }
    }

    /// Keeps a file with its row of `sys_attachment`.
    pub(super) fn keep_file(
        &self,
        members: &[(&'static str, String)],
        content: Bytes,
        actor: &Actor,
    ) -> Row {
        let now = self.now();
        let mut row = Row::blank("sys_attachment", self.new_id());
        for (name, value) in members {
            row.set(name, value.clone());
        }
        let size = content.len().to_string();
        row.set("size_bytes", size.clone());
        row.set("size_compressed", size);
        row.set("compressed", "true");
        row.set(
            "download_link",
            format!("{}/api/now/attachment/{}/file", self.base_url, row.id),
        );
        for name in ["sys_created_on", "sys_updated_on"] {
            row.set(name, now.clone());
        }
        for name in ["sys_created_by", "sys_updated_by"] {
            row.set(name, actor.user.clone());
        }
        row.set("sys_mod_count", "0");
        let mut books = self.books();
        books.files.insert(row.id.clone(), content);
        books.keep(row.clone());
        let entry = books.next_entry();
        let parent = books.row(row.value("table_sys_id")).map(Row::ticket);
        drop(books);
        let write = Write::new(Deed::Created, Thing::File, entry, actor.doer)
            .called(row.value("file_name"));
        self.journal
            .record(write.within(parent.unwrap_or_default()));
        row
    }
}

/// What a field makes of a value: a reference must lead somewhere, a choice is stored whatever it is.
fn accepted(
    books: &Books,
    table: &str,
    column: &Column,
    text: String,
    input: Input,
) -> Option<String> {
    if text.is_empty() {
        return Some(text);
    }
    if !column.reference.is_empty() {
        return match input {
            Input::Stored => books
                .row(&text)
                .filter(|row| schema::extends(row.table, column.reference))
                .map(|row| row.id.clone()),
            Input::Shown => books
                .rows_of(column.reference)
                .find(|row| row.title() == text)
                .map(|row| row.id.clone()),
        };
    }
    if input == Input::Shown {
        let choice = schema::choices(table, column.name)
            .into_iter()
            .find(|choice| choice.label == text);
        return Some(choice.map_or(text, |choice| choice.value.to_owned()));
    }
    let longest = usize::try_from(column.max_length).unwrap_or(usize::MAX);
    match column.kind {
        "integer" => text.parse::<i64>().is_ok().then_some(text),
        "boolean" => Some(
            if matches!(text.as_str(), "true" | "1") {
                "true"
            } else {
                "false"
            }
            .to_owned(),
        ),
        "glide_date_time" => is_moment(&text).then_some(text),
        "string" => Some(text.chars().take(longest).collect()),
        _ => Some(text),
    }
}

fn is_moment(text: &str) -> bool {
    jiff::civil::DateTime::strptime(FORMAT, text).is_ok()
}

const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// A moment as it is stored.
pub(super) fn stored(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime(FORMAT).to_string()
}

/// A stored moment as a user of a time zone sees it.
pub(super) fn seen(stored: &str, zone: &TimeZone) -> String {
    let moment = jiff::civil::DateTime::strptime(FORMAT, stored).ok();
    let zoned = moment.and_then(|moment| moment.to_zoned(TimeZone::UTC).ok());
    zoned.map_or_else(String::new, |zoned| {
        zoned
            .timestamp()
            .to_zoned(zone.clone())
            .strftime(FORMAT)
            .to_string()
    })
}
