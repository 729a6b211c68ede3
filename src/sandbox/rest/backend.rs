//! The service's memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::RestSettings;
use super::hooks::Hooks;
use super::problem::{FieldError, Problem};
use super::ticket;
use crate::model::{Clock, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;
use crate::sandbox::quota::Meter;

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: RestSettings,
    pub(super) base_url: String,
    pub(super) meter: Option<Meter>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    pub(super) hooks: Hooks,
    clock: Arc<dyn Clock>,
    books: Mutex<Books>,
}

/// What was entered.
#[derive(Default)]
struct Books {
    tickets: BTreeMap<u64, Ticket>,
    files: u64,
}

struct Ticket {
    fields: Map<String, Value>,
    comments: Vec<Value>,
    attachments: Vec<Value>,
    created: Timestamp,
    updated: Timestamp,
}

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: RestSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
}

/// A file as uploaded.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
    pub(super) caption: Option<String>,
}

/// Which tickets a list is asked for.
#[derive(Default)]
pub(super) struct Query {
    pub(super) reference: Option<String>,
    pub(super) since: Option<Timestamp>,
    pub(super) statuses: Vec<String>,
    pub(super) page: usize,
    pub(super) page_size: usize,
}

const FIRST_TICKET: u64 = 1_001;

/// The largest attachment.
pub(super) const LARGEST_FILE: usize = 5 * 1024 * 1024;

/// The id of a ticket as the API shows it.
pub(super) fn id_of(number: u64) -> String {
    format!("TK-{number}")
}

/// The number that an id stands for.
pub(super) fn number_of(id: &str) -> Option<u64> {
    let digits = id.strip_prefix("TK-")?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

impl Ticket {
    fn shown(&self, number: u64) -> Value {
        let mut shown = Map::new();
        shown.insert("id".to_owned(), id_of(number).into());
        shown.extend(self.fields.clone());
        shown.insert("comments".to_owned(), self.comments.clone().into());
        shown.insert("attachments".to_owned(), self.attachments.clone().into());
        shown.insert("createdAt".to_owned(), self.created.to_string().into());
        shown.insert("updatedAt".to_owned(), self.updated.to_string().into());
        Value::Object(shown)
    }

    fn reference(&self) -> Option<&str> {
        self.fields.get("externalReference")?.as_str()
    }

    fn called(&self) -> String {
        let text = |name: &str| {
            self.fields
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        format!("{} ({})", text("subject"), text("status"))
    }
}

impl Backend {
    pub(super) fn new(parts: Parts) -> Self {
        let clock = parts.clock;
        let meter = parts.settings.rate_limit;
        Self {
            meter: meter.map(|limit| Meter::new(limit, clock.clone())),
            hooks: Hooks::default(),
            settings: parts.settings,
            base_url: parts.base_url,
            journal: parts.journal,
            outbox: parts.outbox,
            books: Mutex::default(),
            clock,
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present moment to the millisecond, as the API shows times.
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    pub(super) fn ticket(&self, number: u64) -> Result<Value, Problem> {
        let books = self.books();
        let ticket = books.tickets.get(&number).ok_or(Problem::NotFound)?;
        Ok(ticket.shown(number))
    }

    /// A page of tickets, the longest unchanged first, and whether more follow.
    pub(super) fn list(&self, query: &Query) -> (Vec<Value>, bool) {
        let books = self.books();
        let mut found: Vec<(&u64, &Ticket)> = books
            .tickets
            .iter()
            .filter(|(_, ticket)| {
                let reference = query.reference.as_deref();
                let status = ticket
                    .fields
                    .get("status")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                reference.is_none_or(|wanted| ticket.reference() == Some(wanted))
                    && query.since.is_none_or(|since| ticket.updated >= since)
                    && (query.statuses.is_empty() || query.statuses.iter().any(|one| one == status))
            })
            .collect();
        found.sort_by_key(|(number, ticket)| (ticket.updated, **number));
        let first = query.page.saturating_sub(1).saturating_mul(query.page_size);
        let more = found.len() > first.saturating_add(query.page_size);
        let page = found.into_iter().skip(first).take(query.page_size);
        (
            page.map(|(number, ticket)| ticket.shown(*number)).collect(),
            more,
        )
    }

    /// Opens a ticket; its number.
    pub(super) fn create(
        self: &Arc<Self>,
        by: Doer,
        fields: &Map<String, Value>,
    ) -> Result<u64, Problem> {
        ticket::check(fields)?;
        if !fields.contains_key("subject") {
            return Err(Problem::Invalid(vec![FieldError::new(
                "subject",
                "is required",
            )]));
        }
        let mut whole = ticket::blank();
        ticket::merge(&mut whole, fields);
        let now = self.now();
        let ticket = Ticket {
            fields: whole,
            comments: Vec::new(),
            attachments: Vec::new(),
            created: now,
            updated: now,
        };
        let mut books = self.books();
        let number = books
            .tickets
            .keys()
            .next_back()
            .map_or(FIRST_TICKET, |last| last + 1);
        let write = Write::new(Deed::Created, Thing::Ticket, number, by);
        self.journal
            .record(write.marked(ticket.reference()).called(ticket.called()));
        books.tickets.insert(number, ticket);
        drop(books);
        self.tell("ticket.created", number);
        Ok(number)
    }

    /// Changes members of a ticket.
    pub(super) fn change(
        self: &Arc<Self>,
        by: Doer,
        number: u64,
        fields: &Map<String, Value>,
    ) -> Result<Value, Problem> {
        self.write(by, number, fields, |ticket, fields| {
            ticket::merge(ticket, fields);
        })
    }

    /// Writes all members of a ticket; what is left out is emptied.
    pub(super) fn replace(
        self: &Arc<Self>,
        by: Doer,
        number: u64,
        fields: &Map<String, Value>,
    ) -> Result<Value, Problem> {
        if !fields.contains_key("subject") {
            return Err(Problem::Invalid(vec![FieldError::new(
                "subject",
                "is required",
            )]));
        }
        self.write(by, number, fields, |ticket, fields| {
            *ticket = ticket::blank();
            ticket::merge(ticket, fields);
        })
    }

    fn write(
        self: &Arc<Self>,
        by: Doer,
        number: u64,
        fields: &Map<String, Value>,
        apply: impl FnOnce(&mut Map<String, Value>, &Map<String, Value>),
    ) -> Result<Value, Problem> {
        let now = self.now();
        let mut books = self.books();
        let ticket = books.tickets.get_mut(&number).ok_or(Problem::NotFound)?;
        ticket::check(fields)?;
        apply(&mut ticket.fields, fields);
        ticket.updated = now;
        let write = Write::new(Deed::Updated, Thing::Ticket, number, by);
        self.journal
            .record(write.marked(ticket.reference()).called(ticket.called()));
        let shown = ticket.shown(number);
        drop(books);
        self.tell("ticket.updated", number);
        Ok(shown)
    }

    /// Somebody comments a ticket, which only the service's own pages can do.
    pub(super) fn comment(self: &Arc<Self>, number: u64, text: &str) -> Result<(), Problem> {
        let now = self.now();
        let mut books = self.books();
        let ticket = books.tickets.get_mut(&number).ok_or(Problem::NotFound)?;
        ticket
            .comments
            .push(json!({"text": text, "at": now.to_string()}));
        ticket.updated = now;
        let id = ticket.comments.len() as u64;
        let write = Write::new(Deed::Created, Thing::Note, id, Doer::Person);
        self.journal.record(write.within(number).called(text));
        drop(books);
        self.tell("ticket.updated", number);
        Ok(())
    }

    /// Attaches a file.
    pub(super) fn attach(
        self: &Arc<Self>,
        by: Doer,
        number: u64,
        upload: &Upload,
    ) -> Result<Value, Problem> {
        let now = self.now();
        let mut books = self.books();
        let id = books.files + 1;
        let ticket = books.tickets.get_mut(&number).ok_or(Problem::NotFound)?;
        let shown = json!({
            "id": id,
            "name": upload.name,
            "mediaType": upload.media_type,
            "size": upload.bytes.len(),
            "caption": upload.caption,
        });
        ticket.attachments.push(shown.clone());
        ticket.updated = now;
        books.files = id;
        let write = Write::new(Deed::Created, Thing::File, id, by);
        self.journal
            .record(write.within(number).called(upload.name.as_str()));
        drop(books);
        self.tell("ticket.updated", number);
        Ok(shown)
    }
}
