//! Dispatchers, technicians and admins at the screen, acted by the sandbox.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Autotask;
use super::backend::{Access, Actor, COMPANY, CONTACT, QUEUE};
use super::clean::Mode;
use super::serve::shown;
use super::shape::named;
use super::trouble::Trouble;
use super::webhooks::Callout;

/// Why Autotask did not take what somebody entered.
#[derive(Debug, thiserror::Error)]
#[error("Autotask: {0}")]
pub struct AutotaskProblem(String);

impl From<Trouble> for AutotaskProblem {
    fn from(trouble: Trouble) -> Self {
        Self(trouble.to_string())
    }
}

/// Who may read a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotePublish {
    /// Everybody, customers in the portal too.
    All,
    /// Staff.
    Internal,
}

impl Autotask {
    fn enter(&self, entity: &str, body: &Value) -> Result<u64, AutotaskProblem> {
        let shape = named(entity).ok_or(Trouble::NoRoute)?;
        Ok(self.backend().create(shape, Actor::PERSON, body)?)
    }

    fn alter(&self, entity: &str, body: &Value) -> Result<(), AutotaskProblem> {
        let shape = named(entity).ok_or(Trouble::NoRoute)?;
        let actor = Actor::PERSON;
        self.backend().change(shape, actor, body, Mode::Part)?;
        Ok(())
    }

    /// A dispatcher opens a ticket, with the members that `POST /Tickets` takes; company, contact, queue, status,
    /// priority, due date and title have usual values. Its id.
    ///
    /// # Errors
    /// [`AutotaskProblem`] when the database does not take it.
    pub fn open_ticket(&self, members: &Value) -> Result<u64, AutotaskProblem> {
        let mut body = json!({
            "title": "Something is broken",
            "status": 1,
            "priority": 2,
            "queueID": QUEUE,
            "companyID": COMPANY,
            "contactID": CONTACT,
            "dueDateTime": "2030-03-21T09:00:00Z",
        });
        if let (Some(body), Some(members)) = (body.as_object_mut(), members.as_object()) {
            body.extend(members.clone());
        }
        self.enter("Tickets", &body)
    }

    /// A dispatcher changes members of a ticket.
    ///
    /// # Errors
    /// [`AutotaskProblem`] when the ticket does not exist or does not take them.
    pub fn change_ticket(&self, id: u64, members: &Value) -> Result<(), AutotaskProblem> {
        let mut body = members.clone();
        body["id"] = json!(id);
        self.alter("Tickets", &body)
    }

    /// A dispatcher moves a ticket to a status.
    ///
    /// # Errors
    /// [`AutotaskProblem`] when the ticket or the status does not exist.
    pub fn set_status(&self, id: u64, status: u64) -> Result<(), AutotaskProblem> {
        self.change_ticket(id, &json!({"status": status}))
    }

    /// A dispatcher adds a note. Its id.
    ///
    /// # Errors
    /// [`AutotaskProblem`] when the ticket does not exist.
    pub fn add_note(
        &self,
        ticket: u64,
        words: &str,
        publish: NotePublish,
    ) -> Result<u64, AutotaskProblem> {
        let publish = match publish {
            NotePublish::All => 1,
            NotePublish::Internal => 2,
        };
        let title: String = words.chars().take(100).collect();
        let body = json!({"ticketID": ticket, "title": title, "description": words, "noteType": 1, "publish": publish});
        self.enter("TicketNotes", &body)
    }

    /// A dispatcher attaches a file. Its id.
    ///
    /// # Errors
    /// [`AutotaskProblem`] when the ticket does not exist or the file is not taken.
    pub fn attach(&self, ticket: u64, name: &str, content: &Bytes) -> Result<u64, AutotaskProblem> {
        let tickets = named("Tickets").ok_or(Trouble::NoRoute)?;
        self.backend()
            .row(tickets, ticket)
            .ok_or_else(Trouble::no_records)?;
        let shape = named("TicketAttachments").ok_or(Trouble::NoRoute)?;
        let body = json!({"attachmentType": "FILE_ATTACHMENT", "fullPath": name, "title": name, "publish": 1,
            "data": STANDARD.encode(content)});
        let parent = Some(("parentID", ticket));
        Ok(self
            .backend()
            .create_under(shape, Actor::PERSON, &body, parent)?)
    }

    /// A ticket as `GET /Tickets/{id}` shows it.
    #[must_use]
    pub fn ticket(&self, id: u64) -> Option<Value> {
        let shape = named("Tickets")?;
        let row = self.backend().row(shape, id)?;
        Some(shown(self.backend(), shape, row))
    }

    /// All objects of a kind, e.g. `TicketNotes`, as they are shown, by id.
    #[must_use]
    pub fn objects(&self, entity: &str) -> Vec<Value> {
        let Some(shape) = named(entity) else {
            return Vec::new();
        };
        let rows: Vec<_> = self.backend().books().rows(shape.name).cloned().collect();
        rows.into_iter()
            .map(|row| shown(self.backend(), shape, row))
            .collect()
    }

    /// Accounting bills a charge, which locks it.
    pub fn bill_charge(&self, id: u64) {
        let Some(shape) = named("TicketCharges") else {
            return;
        };
        if let Some(mut row) = self.backend().row(shape, id) {
            row.insert("isBilled".to_owned(), json!(true));
            self.backend().books().insert(shape.name, id, row);
        }
    }

    /// A dispatcher cancels a service call, which locks its times.
    ///
    /// # Errors
    /// [`AutotaskProblem`] when it does not exist.
    pub fn cancel_service_call(&self, id: u64) -> Result<(), AutotaskProblem> {
        self.alter(
            "ServiceCalls",
            &json!({"id": id, "status": super::shape::CANCELED}),
        )
    }

    /// An admin takes a right from the API user's security level.
    pub fn deny(&self, entity: &str, access: Access) {
        self.backend().deny(entity, access);
    }

    /// The vendor moves the database to another zone: the old one knows its users no more.
    pub fn move_zone(&self) {
        self.backend().zone.fetch_add(1, Ordering::AcqRel);
    }

    /// An admin makes an extension callout to this address, fired by a workflow rule whenever a ticket is created or
    /// changed by anyone; with a user name and password if they are given.
    pub fn set_callout(&self, url: impl Into<String>, credentials: Option<(&str, &str)>) {
        let credentials =
            credentials.map(|(user, password)| (user.to_owned(), password.to_owned()));
        let callout = Callout {
            url: url.into(),
            credentials,
        };
        *self
            .backend()
            .callout
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(callout);
    }

    /// The vendor switches off a webhook, e.g. `TicketWebhooks/30001`, and says so to its deactivation address.
    pub async fn switch_webhook_off(&self, id: &str) {
        self.backend().switch_off(id).await;
    }
}
