//! The instance's memory: rows of tables, and the rules by which they are written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::ServiceNowSettings;
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

/// A row of a table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its own table, not a parent.
    pub(super) table: &'static str,
    pub(super) id: String,
    values: BTreeMap<&'static str, String>,
}

impl Row {
    /// A field's value; empty where it has none.
    pub(super) fn value(&self, name: &str) -> &str {
        match name {
            "sys_id" => &self.id,
            _ => self.values.get(name).map_or("", String::as_str),
        }
    }

    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.values.insert(name, value.into());
    }

    /// What people call it.
    pub(super) fn title(&self) -> &str {
        ["number", "name", "user_name"]
            .iter()
            .map(|name| self.value(name))
            .find(|value| !value.is_empty())
            .unwrap_or_default()
    }

    /// The number by which the sandbox knows a ticket: the digits of its own.
    pub(super) fn ticket(&self) -> u64 {
        let digits = self
            .value("number")
            .trim_start_matches(|letter: char| !letter.is_ascii_digit());
        digits.parse().unwrap_or_default()
    }
}

/// What was entered.
#[derive(Default)]
pub(super) struct Books {
    rows: HashMap<String, Row>,
    /// The rows of each table in the order they came to be.
    order: HashMap<&'static str, Vec<String>>,
    by_number: HashMap<String, String>,
    journals: HashMap<String, Vec<String>>,
    pub(super) files: HashMap<String, Bytes>,
    next_number: HashMap<&'static str, u64>,
    next_entry: u64,
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
        let mut row = Row {
            table: table.name,
            id: self.new_id(),
            values: BTreeMap::new(),
        };
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
        if row.values == before.values && notes.is_empty() {
            return Ok(before);
        }
        let count: u64 = before.value("sys_mod_count").parse().unwrap_or_default();
        row.set("sys_updated_on", self.now());
        row.set("sys_updated_by", actor.user.clone());
        row.set("sys_mod_count", (count + 1).to_string());
        books.keep(row.clone());
        let entries = self.add_notes(&mut books, &row, notes, actor);
        drop(books);
        let changed = row.values.iter().filter(|(name, value)| {
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
                || (name == "number" && row.values.contains_key("number"))
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
            let mut entry = Row {
                table: "sys_journal_field",
                id: self.new_id(),
                values: BTreeMap::new(),
            };
            entry.set("element", element);
            entry.set("element_id", row.id.clone());
            entry.set("name", row.table);
            entry.set("value", text.clone());
            entry.set("sys_created_on", self.now());
            entry.set("sys_created_by", actor.user.clone());
            books
                .journals
                .entry(row.id.clone())
                .or_default()
                .push(entry.id.clone());
            books.keep(entry);
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
        let mut row = Row {
            table: "sys_attachment",
            id: self.new_id(),
            values: BTreeMap::new(),
        };
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

impl Books {
    pub(super) fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(id)
    }

    pub(super) fn by_number(&self, number: &str) -> Option<&Row> {
        self.row(self.by_number.get(number)?)
    }

    /// The rows of a table and of those that extend it.
    pub(super) fn rows_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Row> {
        let tables = schema::TABLES
            .iter()
            .filter(move |one| schema::extends(one.name, table));
        let ids = tables.filter_map(|one| self.order.get(one.name)).flatten();
        ids.filter_map(|id| self.rows.get(id))
    }

    /// The notes on a record, oldest first.
    pub(super) fn notes_of(&self, id: &str) -> impl Iterator<Item = &Row> {
        let ids = self.journals.get(id).into_iter().flatten();
        ids.filter_map(|id| self.rows.get(id))
    }

    /// The value at the end of a dot-walk; `None` when there is no such field.
    pub(super) fn walk(&self, row: &Row, path: &str) -> Option<String> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let column = schema::column_of(row.table, first)?;
        if rest.is_empty() {
            return Some(row.value(first).to_owned());
        }
        schema::find(column.reference)?;
        schema::column_of(column.reference, rest.split('.').next().unwrap_or(rest))?;
        match self.row(row.value(first)) {
            Some(next) => self.walk(next, rest),
            None => Some(String::new()),
        }
    }

    /// The `sys_id` of a user.
    pub(super) fn user(&self, name: &str) -> String {
        let found = self
            .rows_of("sys_user")
            .find(|row| row.value("user_name") == name);
        found.map(|row| row.id.clone()).unwrap_or_default()
    }

    pub(super) fn keep(&mut self, row: Row) {
        let number = row.value("number");
        if !number.is_empty() {
            self.by_number.insert(number.to_owned(), row.id.clone());
        }
        if !self.rows.contains_key(&row.id) {
            self.order
                .entry(row.table)
                .or_default()
                .push(row.id.clone());
        }
        self.rows.insert(row.id.clone(), row);
    }

    fn take(&mut self, id: &str) -> Option<Row> {
        let row = self.rows.remove(id)?;
        if let Some(order) = self.order.get_mut(row.table) {
            order.retain(|one| one != id);
        }
        Some(row)
    }

    fn next_number(&mut self, table: &'static str, prefix: &str) -> String {
        // Each table has numbers of its own, so that the journal's ids do not meet.
        let first = match table {
            "incident" => 10_001,
            "wm_task" => 20_001,
            _ => 40_001,
        };
        let next = self.next_number.entry(table).or_insert(first);
        let number = format!("{prefix}{next:07}");
        *next += 1;
        number
    }

    fn next_entry(&mut self) -> u64 {
        self.next_entry += 1;
        self.next_entry
    }
}

/// A row that stands from the beginning.
pub(super) fn first_row(id: String, table: &'static str, values: &[(&'static str, String)]) -> Row {
    Row {
        table,
        id,
        values: values.iter().cloned().collect(),
    }
}
