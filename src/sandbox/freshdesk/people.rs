//! What people do on the desk: open tickets, move them on, write, attach.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::automation::{self, Performer};
use super::desk::{Attachment, Conversation, Desk, HUMAN_AGENT, Ticket};
use super::{Freshdesk, fields};
use crate::sandbox::journal::{Deed, Doer};

/// A ticket that somebody opens.
#[derive(Clone, Debug, Default)]
pub struct NewTicket {
    /// Its subject.
    pub subject: String,
    /// Its description, HTML.
    pub description: String,
    /// Who asks.
    pub requester: String,
    /// Their address.
    pub email: String,
    /// 1 low to 4 urgent; 0 stands for 1.
    pub priority: u64,
    /// 2 open, 8 field service required, …; 0 stands for 2.
    pub status: u64,
    /// Custom fields by name.
    pub custom_fields: Vec<(&'static str, String)>,
    /// Tags.
    pub tags: Vec<String>,
}

impl Freshdesk {
    /// Opens a ticket; answers its id.
    pub fn open_ticket(&self, new: NewTicket) -> u64 {
        let desk = &self.desk;
        let ticket = {
            let mut books = desk.books();
            let requester = books.contact(&new.requester, Some(&new.email), None);
            let now = desk.now();
            let mut custom_fields = fields::blank();
            let given = new.custom_fields.into_iter();
            custom_fields
                .extend(given.map(|(name, value)| (name.to_owned(), Value::String(value))));
            let id = books.add(Ticket {
                id: 0,
                subject: new.subject,
                description: new.description,
                status: new.status.max(2),
                priority: new.priority.max(1),
                source: 2,
                kind: Some("Field Service".to_owned()),
                requester,
                responder: None,
                group: None,
                tags: new.tags,
                custom_fields,
                conversations: Vec::new(),
                attachments: Vec::new(),
                created_at: now,
                updated_at: now,
            });
            books.tickets.get(&id).cloned()
        };
        let Some(ticket) = ticket else { return 0 };
        desk.note_write(Deed::Created, &ticket, Doer::Person, &ticket.subject);
        automation::fire(desk, &ticket, None, Performer::Person);
        ticket.id
    }

    /// Moves a ticket to another status. Nothing happens to one that does not exist.
    pub fn set_status(&self, id: u64, status: u64) {
        self.change(id, "status", |ticket, _| ticket.status = status);
    }

    /// Sets a custom field.
    pub fn set_custom_field(&self, id: u64, name: &str, value: &str) {
        self.change(id, name, |ticket, _| {
            ticket
                .custom_fields
                .insert(name.to_owned(), Value::String(value.to_owned()));
        });
    }

    /// The requester writes.
    pub fn requester_replies(&self, id: u64, text: &str) {
        self.change(id, "reply", |ticket, part| {
            let user = ticket.requester;
            ticket.conversations.push(conversation(
                part,
                text,
                user,
                false,
                true,
                ticket.updated_at,
            ));
        });
    }

    /// A human agent writes a private note.
    pub fn agent_notes(&self, id: u64, text: &str) {
        self.change(id, "note", |ticket, part| {
            ticket.conversations.push(conversation(
                part,
                text,
                HUMAN_AGENT,
                true,
                false,
                ticket.updated_at,
            ));
        });
    }

    /// Somebody attaches a file.
    pub fn attach(&self, id: u64, name: &str, media_type: &str, content: impl Into<Bytes>) {
        let content = content.into();
        self.change(id, "file", |ticket, part| {
            ticket.attachments.push(Attachment {
                id: part,
                name: name.to_owned(),
                media_type: media_type.to_owned(),
                content,
                at: ticket.updated_at,
            });
        });
    }

    fn change(&self, id: u64, detail: &str, change: impl FnOnce(&mut Ticket, u64)) {
        let desk: &Arc<Desk> = &self.desk;
        let changed = {
            let mut guard = desk.books();
            let books = &mut *guard;
            let part = books.part_id();
            let now = desk.now();
            books.tickets.get_mut(&id).map(|ticket| {
                let before = ticket.status;
                ticket.updated_at = now;
                change(ticket, part);
                (before, ticket.clone())
            })
        };
        let Some((before, ticket)) = changed else {
            return;
        };
        desk.books().index(&ticket);
        desk.note_write(Deed::Updated, &ticket, Doer::Person, detail);
        automation::fire(desk, &ticket, Some(before), Performer::Person);
    }
}

fn conversation(
    id: u64,
    text: &str,
    user: u64,
    private: bool,
    incoming: bool,
    at: crate::model::Timestamp,
) -> Conversation {
    Conversation {
        id,
        body: format!("<div>{text}</div>"),
        private,
        incoming,
        user,
        source: if private { 2 } else { 0 },
        attachments: Vec::new(),
        at,
    }
}
