//! What was entered: rows of tables, and the ways to find them.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::schema;

/// A row of a table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its own table, not a parent.
    pub(super) table: &'static str,
    pub(super) id: String,
    values: BTreeMap<&'static str, String>,
}

impl Row {
    /// A row in which nothing is entered yet.
    pub(super) fn blank(table: &'static str, id: String) -> Self {
        Self {
            table,
            id,
            values: BTreeMap::new(),
        }
    }

    /// What was entered, field by field.
    pub(super) fn values(&self) -> &BTreeMap<&'static str, String> {
        &self.values
    }

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

    /// Keeps a note on a record.
    pub(super) fn keep_note(&mut self, record: &str, note: Row) {
        let notes = self.journals.entry(record.to_owned()).or_default();
        notes.push(note.id.clone());
        self.keep(note);
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

    pub(super) fn take(&mut self, id: &str) -> Option<Row> {
        let row = self.rows.remove(id)?;
        if let Some(order) = self.order.get_mut(row.table) {
            order.retain(|one| one != id);
        }
        Some(row)
    }

    pub(super) fn next_number(&mut self, table: &'static str, prefix: &str) -> String {
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

    pub(super) fn next_entry(&mut self) -> u64 {
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
