//! Dispatchers in the vendor's own application, acted by the sandbox.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::ConnectWise;
use super::backend::{Actor, Upload, Visibility};
use super::paging::id_of;
use super::trouble::Trouble;

/// Why the application did not take what a dispatcher entered.
#[derive(Debug, thiserror::Error)]
#[error("ConnectWise: {0}")]
pub struct EntryProblem(String);

impl From<Trouble> for EntryProblem {
    fn from(trouble: Trouble) -> Self {
        Self(trouble.to_string())
    }
}

/// Where a note appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotePlacement {
    /// The discussion, which the customer sees.
    Discussion,
    /// The internal analysis.
    Internal,
}

impl ConnectWise {
    /// A dispatcher enters a ticket, with the members that `POST /service/tickets` takes; the company is the
    /// customer unless given. Its id.
    ///
    /// # Errors
    /// [`EntryProblem`] when the application does not take it.
    pub fn open_ticket(&self, members: &Value) -> Result<u64, EntryProblem> {
        let mut body = members.as_object().cloned().unwrap_or_default();
        let customer = json!({"id": super::setup::CUSTOMER});
        body.entry("company").or_insert(customer);
        let ticket = self.backend().create(Actor::DISPATCHER, &body)?;
        Ok(ticket.id())
    }

    /// A dispatcher changes members of a ticket.
    ///
    /// # Errors
    /// [`EntryProblem`] when the ticket does not exist or does not take them.
    pub fn change_ticket(&self, id: u64, members: &Value) -> Result<(), EntryProblem> {
        let members = members.as_object().cloned().unwrap_or_default();
        let operation =
            |(path, value): (String, Value)| json!({"op": "replace", "path": path, "value": value});
        let operations: Vec<_> = members.into_iter().map(operation).collect();
        self.backend().patch(id, Actor::DISPATCHER, &operations)?;
        Ok(())
    }

    /// A dispatcher moves a ticket to a status of its board, by name.
    ///
    /// # Errors
    /// [`EntryProblem`] when the ticket does not exist or its board has no such status.
    pub fn set_status(&self, id: u64, status: &str) -> Result<(), EntryProblem> {
        self.change_ticket(id, &json!({"status": {"name": status}}))
    }

    /// A dispatcher adds a note. Its id.
    ///
    /// # Errors
    /// [`EntryProblem`] when the ticket does not exist.
    pub fn add_note(
        &self,
        id: u64,
        text: &str,
        placement: NotePlacement,
    ) -> Result<u64, EntryProblem> {
        let flag = match placement {
            NotePlacement::Discussion => "detailDescriptionFlag",
            NotePlacement::Internal => "internalAnalysisFlag",
        };
        let body = Map::from_iter([
            ("text".to_owned(), json!(text)),
            (flag.to_owned(), json!(true)),
        ]);
        let note = self.backend().add_note(id, Actor::DISPATCHER, &body)?;
        Ok(id_of(&note))
    }

    /// A dispatcher attaches a document. Its id.
    ///
    /// # Errors
    /// [`EntryProblem`] when the ticket does not exist.
    pub fn attach(
        &self,
        id: u64,
        name: &str,
        mime: &str,
        content: Bytes,
    ) -> Result<u64, EntryProblem> {
        let upload = Upload {
            record: ("Ticket".to_owned(), id),
            title: name.to_owned(),
            file_name: name.to_owned(),
            mime: mime.to_owned(),
            visibility: Visibility::Public,
            read_only: false,
            content,
        };
        let document = self.backend().add_document(Actor::DISPATCHER, upload)?;
        Ok(id_of(&document.shown))
    }

    /// A ticket as `GET /service/tickets/{id}` shows it.
    #[must_use]
    pub fn ticket(&self, id: u64) -> Option<Value> {
        let ticket = self.backend().ticket(id).ok()?;
        Some(ticket.shown.clone())
    }

    /// The notes of a ticket, oldest first.
    #[must_use]
    pub fn notes(&self, id: u64) -> Vec<Value> {
        let books = self.backend().books();
        books.notes.get(&id).cloned().unwrap_or_default()
    }

    /// The ids of all tickets, oldest first.
    #[must_use]
    pub fn ticket_ids(&self) -> Vec<u64> {
        self.backend().books().tickets.keys().copied().collect()
    }
}
