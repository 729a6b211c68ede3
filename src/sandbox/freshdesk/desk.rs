//! The state of the stand-in: tickets, contacts, and what hangs on them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::automation::{AutomationRule, Delivered};
use super::{FreshdeskSettings, MARKER_FIELD};
use crate::model::{Clock, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;

/// The one agent: the integration's own.
pub(super) const AGENT: u64 = 6_010_396_333;
/// A human agent, for notes that are not the integration's.
pub(super) const HUMAN_AGENT: u64 = 6_010_396_334;
/// The one company.
pub(super) const COMPANY: u64 = 8_000_000_101;

/// A file that hangs on a ticket or a conversation.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub id: u64,
    pub name: String,
    pub media_type: String,
    pub content: Bytes,
    pub at: Timestamp,
}

/// A note or a reply.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub id: u64,
    pub body: String,
    pub private: bool,
    pub incoming: bool,
    pub user: u64,
    pub source: u64,
    pub attachments: Vec<Attachment>,
    pub at: Timestamp,
}

/// A ticket.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub id: u64,
    pub subject: String,
    pub description: String,
    pub status: u64,
    pub priority: u64,
    pub source: u64,
    pub kind: Option<String>,
    pub requester: u64,
    pub responder: Option<u64>,
    pub group: Option<u64>,
    pub tags: Vec<String>,
    pub custom_fields: Map<String, Value>,
    pub conversations: Vec<Conversation>,
    pub attachments: Vec<Attachment>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A contact.
#[derive(Clone, Debug)]
pub(super) struct Contact {
    pub id: u64,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
}

#[derive(Default)]
pub(super) struct Books {
    pub tickets: BTreeMap<u64, Ticket>,
    pub contacts: BTreeMap<u64, Contact>,
    pub contacts_by_address: HashMap<String, u64>,
    /// Tickets by marker, with when each came to carry it: a search shows it only after its lag.
    pub marked: HashMap<String, Vec<(u64, Timestamp)>>,
    pub next_part: u64,
}

pub(super) struct Desk {
    pub base_url: String,
    pub settings: FreshdeskSettings,
    pub clock: Arc<dyn Clock>,
    pub journal: Journal,
    pub outbox: Outbox,
    pub rule: Mutex<Option<AutomationRule>>,
    pub delivered: Mutex<Vec<Delivered>>,
    books: Mutex<Books>,
}

impl Desk {
    pub(super) fn new(
        base_url: String,
        settings: FreshdeskSettings,
        clock: Arc<dyn Clock>,
        outbox: Outbox,
    ) -> Self {
        Self {
            base_url,
            settings,
            journal: Journal::new(clock.clone()),
            clock,
            outbox,
            rule: Mutex::default(),
            delivered: Mutex::default(),
            books: Mutex::default(),
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        // The vendor's times have whole seconds.
        Timestamp::from_second(self.clock.now().as_second()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Writes down what was done to a ticket.
    pub(super) fn note_write(&self, deed: Deed, ticket: &Ticket, by: Doer, detail: &str) {
        let write = Write::new(deed, Thing::Ticket, ticket.id, by);
        self.journal
            .record(write.marked(ticket.marker()).called(detail));
    }
}

impl Books {
    pub(super) fn part_id(&mut self) -> u64 {
        self.next_part += 1;
        9_000_000_000 + self.next_part
    }

    /// The contact of an address, made when there is none.
    pub(super) fn contact(&mut self, name: &str, email: Option<&str>, phone: Option<&str>) -> u64 {
        let address = email.or(phone).unwrap_or(name).to_ascii_lowercase();
        if let Some(id) = self.contacts_by_address.get(&address) {
            return *id;
        }
        let id = 43_026_000_000 + self.contacts.len() as u64 + 1;
        let contact = Contact {
            id,
            name: name.to_owned(),
            email: email.map(str::to_owned),
            phone: phone.map(str::to_owned),
        };
        self.contacts.insert(id, contact);
        self.contacts_by_address.insert(address, id);
        id
    }

    /// Takes a new ticket in.
    pub(super) fn add(&mut self, mut ticket: Ticket) -> u64 {
        let id = self.tickets.last_key_value().map_or(1, |(id, _)| id + 1);
        ticket.id = id;
        self.index(&ticket);
        self.tickets.insert(id, ticket);
        id
    }

    /// Remembers a ticket's marker for searches.
    pub(super) fn index(&mut self, ticket: &Ticket) {
        let Some(marker) = ticket.marker() else {
            return;
        };
        let marked = self.marked.entry(marker.to_owned()).or_default();
        if !marked.iter().any(|(id, _)| *id == ticket.id) {
            marked.push((ticket.id, ticket.updated_at));
        }
    }
}

impl Attachment {
    fn shown(&self, desk: &Desk) -> Value {
        json!({
            "id": self.id, "name": self.name, "content_type": self.media_type, "size": self.content.len(),
            "attachment_url": format!("{}/storage/{}", desk.base_url, self.id),
            "created_at": self.at, "updated_at": self.at,
        })
    }
}

impl Conversation {
    pub(super) fn shown(&self, ticket: u64, desk: &Desk) -> Value {
        let attachments: Vec<Value> = self
            .attachments
            .iter()
            .map(|file| file.shown(desk))
            .collect();
        json!({
            "id": self.id, "ticket_id": ticket, "body": self.body, "body_text": plain(&self.body),
            "private": self.private, "incoming": self.incoming, "user_id": self.user, "source": self.source,
            "support_email": null, "to_emails": [], "cc_emails": [], "attachments": attachments,
            "created_at": self.at, "updated_at": self.at,
        })
    }
}

impl Ticket {
    pub(super) fn marker(&self) -> Option<&str> {
        let marker = self.custom_fields.get(MARKER_FIELD)?.as_str()?;
        (!marker.is_empty()).then_some(marker)
    }

    /// As a list shows it.
    pub(super) fn brief(&self) -> Value {
        json!({
            "id": self.id, "subject": self.subject, "status": self.status, "priority": self.priority,
            "source": self.source, "type": self.kind, "requester_id": self.requester, "responder_id": self.responder,
            "group_id": self.group, "company_id": COMPANY, "tags": self.tags, "custom_fields": self.custom_fields,
            "cc_emails": [], "fwd_emails": [], "reply_cc_emails": [], "to_emails": null, "spam": false,
            "fr_escalated": false, "is_escalated": false, "email_config_id": null, "product_id": null,
            "due_by": self.created_at, "fr_due_by": self.created_at,
            "created_at": self.created_at, "updated_at": self.updated_at,
        })
    }

    /// As a single ticket is shown.
    pub(super) fn shown(&self, desk: &Desk) -> Value {
        let mut shown = self.brief();
        shown["description"] = json!(self.description);
        shown["description_text"] = json!(plain(&self.description));
        shown["attachments"] = self
            .attachments
            .iter()
            .map(|file| file.shown(desk))
            .collect();
        shown
    }

    /// All files, its own and those of its conversations.
    pub(super) fn files(&self) -> impl Iterator<Item = &Attachment> {
        let of_conversations = self
            .conversations
            .iter()
            .flat_map(|conversation| &conversation.attachments);
        self.attachments.iter().chain(of_conversations)
    }
}

/// Text without its tags.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside = false;
    for character in html.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if inside => {}
            other => text.push(other),
        }
    }
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text, |text, (entity, character)| {
        text.replace(entity, character)
    })
}
