//! Callers and dispatchers at the screen, and the instance's admin, acted by the sandbox.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::ServiceNow;
use super::attachments::Upload;
use super::backend::{Actor, Input};
use super::books::{Row, first_row};
use super::problem::Problem;
use super::schema;
use super::seed::{CALLER, COMPANY, DISPATCHER};
use crate::sandbox::journal::Doer;

/// Why the instance did not take what somebody entered.
#[derive(Debug, thiserror::Error)]
#[error("ServiceNow: {0}")]
pub struct RecordProblem(String);

impl From<Problem> for RecordProblem {
    fn from(problem: Problem) -> Self {
        Self(problem.to_string())
    }
}

/// Into which journal a note goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteJournal {
    /// `comments`: the caller reads it.
    Comments,
    /// `work_notes`: staff alone.
    WorkNotes,
}

fn dispatcher() -> Actor {
    Actor {
        user: DISPATCHER.to_owned(),
        doer: Doer::Person,
    }
}

impl ServiceNow {
    /// A dispatcher opens an incident, with the members that the Table API takes; caller and company have usual
    /// values. Its number without the letters.
    ///
    /// # Errors
    /// [`RecordProblem`] when the instance does not take it.
    pub fn open_incident(&self, members: &Value) -> Result<u64, RecordProblem> {
        self.open_record("incident", members)
    }

    /// The same in another table that has numbers.
    ///
    /// # Errors
    /// [`RecordProblem`] when there is no such table or the instance does not take it.
    pub fn open_record(&self, table: &str, members: &Value) -> Result<u64, RecordProblem> {
        let backend = self.backend();
        let found = schema::find(table).ok_or_else(|| Problem::NoTable(table.to_owned()))?;
        let mut body = members.as_object().cloned().unwrap_or_default();
        let (caller, company) = {
            let books = backend.books();
            let company = books
                .rows_of("core_company")
                .find(|row| row.value("name") == COMPANY);
            (
                books.user(CALLER),
                company.map(|row| row.id.clone()).unwrap_or_default(),
            )
        };
        for (name, usual) in [("caller_id", caller), ("company", company)] {
            body.entry(name).or_insert(json!(usual));
        }
        let row = backend.insert(found, &body, Input::Stored, &dispatcher())?;
        Ok(row.ticket())
    }

    /// A dispatcher changes fields of a record.
    ///
    /// # Errors
    /// [`RecordProblem`] when there is no such record or the instance does not take it.
    pub fn change_record(&self, ticket: u64, members: &Value) -> Result<(), RecordProblem> {
        let id = self.id(ticket)?;
        let members = members.as_object().cloned().unwrap_or_default();
        self.backend()
            .change(&id, &members, Input::Stored, &dispatcher())?;
        Ok(())
    }

    /// A dispatcher writes a note.
    ///
    /// # Errors
    /// [`RecordProblem`] when there is no such record, or it takes no notes any more.
    pub fn write_note(
        &self,
        ticket: u64,
        text: &str,
        journal: NoteJournal,
    ) -> Result<(), RecordProblem> {
        let name = match journal {
            NoteJournal::Comments => "comments",
            NoteJournal::WorkNotes => "work_notes",
        };
        self.change_record(ticket, &json!({ name: text }))
    }

    /// A dispatcher attaches a file.
    ///
    /// # Errors
    /// [`RecordProblem`] when there is no such record or the file is not taken.
    pub fn attach(
        &self,
        ticket: u64,
        name: &str,
        media_type: &str,
        content: Bytes,
    ) -> Result<String, RecordProblem> {
        let record = self.id(ticket)?;
        let table = self
            .backend()
            .books()
            .row(&record)
            .map_or("", |row| row.table)
            .to_owned();
        let upload = Upload {
            table,
            record,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            content,
        };
        Ok(self.backend().attach(upload, &dispatcher())?.id)
    }

    /// A record as it is stored, references by id; null when there is none.
    #[must_use]
    pub fn record(&self, ticket: u64) -> Value {
        let Ok(id) = self.id(ticket) else {
            return Value::Null;
        };
        let backend = self.backend();
        let books = backend.books();
        let Some(row) = books.row(&id) else {
            return Value::Null;
        };
        let names = schema::columns(row.table).map(|column| column.name);
        let stored: Map<String, Value> = names
            .map(|name| (name.to_owned(), json!(row.value(name))))
            .collect();
        Value::Object(stored)
    }

    /// The notes on a record, oldest first: journal field, author and text.
    #[must_use]
    pub fn notes(&self, ticket: u64) -> Vec<(String, String, String)> {
        let Ok(id) = self.id(ticket) else {
            return Vec::new();
        };
        let books = self.backend().books();
        let told = |row: &Row| {
            let text = |name: &str| row.value(name).to_owned();
            (text("element"), text("sys_created_by"), text("value"))
        };
        books.notes_of(&id).map(told).collect()
    }

    /// The `sys_id` of a row of a table by a field's value, e.g. of a location by name.
    #[must_use]
    pub fn id_of(&self, table: &str, field: &str, value: &str) -> Option<String> {
        let books = self.backend().books();
        books
            .rows_of(table)
            .find(|row| row.value(field) == value)
            .map(|row| row.id.clone())
    }

    /// The admin enters a location; its `sys_id`.
    pub fn add_location(&self, members: &[(&'static str, String)]) -> String {
        let backend = self.backend();
        let row = first_row(backend.new_id(), "cmn_location", members);
        let id = row.id.clone();
        backend.books().keep(row);
        id
    }

    /// The admin takes a table (or `ui/meta`, or `attachment`) from the API's user: 403.
    pub fn forbid(&self, part: &str) {
        self.backend().forbid(part);
    }

    /// The admin hides a record by its `sys_id`, or all records of a table, from the API's user: lists leave them out, and a
    /// read finds none.
    pub fn hide(&self, id_or_table: &str) {
        self.backend().hide(id_or_table);
    }

    /// The admin takes the right to write a field from the API's user: writes to it are dropped without a word.
    pub fn protect(&self, field: &str) {
        self.backend().protect(field);
    }

    /// The admin makes a business rule that refuses the API's writes that leave a field at a value.
    pub fn abort_writes(&self, field: &str, value: &str) {
        self.backend().abort_writes(field, value);
    }

    /// The instance goes to sleep: every call is answered 200 with a page.
    pub fn hibernate(&self) {
        self.backend().fall_asleep();
    }

    /// The instance wakes up.
    pub fn wake_up(&self) {
        self.backend().wake_up();
    }

    /// The next list is cut off for taking too long: 200 with a part of the rows and an error.
    pub fn cut_off_next_query(&self) {
        self.backend().cut_off_next_query();
    }

    /// Makes all OAuth tokens worthless.
    pub fn revoke_tokens(&self) {
        self.backend().tokens.revoke();
    }

    /// Makes the access token worthless; the refresh token stays good.
    pub fn expire_access_token(&self) {
        self.backend().tokens.expire();
    }

    /// How many access tokens were made.
    #[must_use]
    pub fn tokens_made(&self) -> u64 {
        self.backend().tokens.made()
    }

    fn id(&self, ticket: u64) -> Result<String, Problem> {
        self.sys_id(ticket).ok_or(Problem::NoRecord)
    }
}
