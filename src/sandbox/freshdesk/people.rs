//! Requesters and agents at the screen, acted by the sandbox.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Freshdesk;
use super::backend::{Actor, REPORTER, Source, upload};
use super::problem::Problem;
use super::reading::Form;

/// Why the help desk did not take what somebody entered.
#[derive(Debug, thiserror::Error)]
#[error("Freshdesk: {0}")]
pub struct DeskProblem(String);

impl From<Problem> for DeskProblem {
    fn from(problem: Problem) -> Self {
        Self(problem.to_string())
    }
}

/// Who may read a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteVisibility {
    /// Agents only.
    Private,
    /// The requester too.
    Public,
}

impl Freshdesk {
    /// An agent opens a ticket, with the members that `POST /tickets` takes; status, priority and requester
    /// have usual values. Its id.
    ///
    /// # Errors
    /// [`DeskProblem`] when the help desk does not take it.
    pub fn open_ticket(&self, members: &Value) -> Result<u64, DeskProblem> {
        let mut body = members.as_object().cloned().unwrap_or_default();
        for (name, usual) in [("status", 2), ("priority", 2), ("requester_id", REPORTER)] {
            body.entry(name).or_insert(json!(usual));
        }
        let ticket = self.backend().create(Actor::AGENT, &Form::of(body))?;
        Ok(ticket["id"].as_u64().unwrap_or_default())
    }

    /// An agent changes members of a ticket.
    ///
    /// # Errors
    /// [`DeskProblem`] when the ticket does not exist or does not take them.
    pub fn change_ticket(&self, id: u64, members: &Value) -> Result<(), DeskProblem> {
        let members = members.as_object().cloned().unwrap_or_default();
        self.backend()
            .update(id, Actor::AGENT, &Form::of(members))?;
        Ok(())
    }

    /// An agent moves a ticket to a status.
    ///
    /// # Errors
    /// [`DeskProblem`] when the ticket or the status does not exist.
    pub fn set_status(&self, id: u64, status: u64) -> Result<(), DeskProblem> {
        self.change_ticket(id, &json!({"status": status}))
    }

    /// An agent adds a note. Its id.
    ///
    /// # Errors
    /// [`DeskProblem`] when the ticket does not exist.
    pub fn add_note(
        &self,
        id: u64,
        html: &str,
        visibility: NoteVisibility,
    ) -> Result<u64, DeskProblem> {
        let body = Map::from_iter([
            ("body".to_owned(), json!(html)),
            (
                "private".to_owned(),
                json!(visibility == NoteVisibility::Private),
            ),
        ]);
        let note = self
            .backend()
            .converse(id, Actor::AGENT, &Form::of(body), Source::Note)?;
        Ok(note["id"].as_u64().unwrap_or_default())
    }

    /// An agent attaches a file to a ticket.
    ///
    /// # Errors
    /// [`DeskProblem`] when the ticket does not exist or is full.
    pub fn attach(
        &self,
        id: u64,
        name: &str,
        mime: &str,
        content: Bytes,
    ) -> Result<(), DeskProblem> {
        let mut form = Form::of(Map::new());
        form.uploads.push(upload(name, mime, content));
        self.backend().update(id, Actor::AGENT, &form)?;
        Ok(())
    }

    /// A ticket as `GET /tickets/{id}` shows it, without links to its files.
    #[must_use]
    pub fn ticket(&self, id: u64) -> Option<Value> {
        let ticket = self.backend().ticket(id).ok()?;
        Some(Value::clone(&ticket))
    }

    /// The conversation of a ticket, oldest entry first.
    #[must_use]
    pub fn conversation(&self, id: u64) -> Vec<Value> {
        let books = self.backend().books();
        books.conversations.get(&id).cloned().unwrap_or_default()
    }

    /// The ids of all tickets, oldest first.
    #[must_use]
    pub fn ticket_ids(&self) -> Vec<u64> {
        self.backend().books().tickets.keys().copied().collect()
    }
}
