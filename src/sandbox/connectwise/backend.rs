//! The stand-in's memory: tickets with their indexes, notes, documents, schedule entries.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::ConnectWiseSettings;
use super::callbacks::{Action, Callbacks};
use super::conditions::{Condition, Literal, Operator};
use super::notes;
use super::paging::{Query, Record, id_of};
use super::setup::{self, Setup};
use super::ticket::{self, Ticket, Writing};
use super::trouble::{Fault, Trouble};
use crate::model::{Clock, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;
use crate::sandbox::quota::Meter;

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: ConnectWiseSettings,
    pub(super) base_url: String,
    /// The REST base under the alias codebase, as links show it.
    pub(super) rest_base: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) meter: Option<Meter>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    pub(super) callbacks: Callbacks,
    pub(super) setup: Setup,
    books: Mutex<Books>,
}

/// What was entered.
#[derive(Default)]
pub(super) struct Books {
    pub(super) tickets: BTreeMap<u64, Arc<Ticket>>,
    by_external_reference: HashMap<String, Vec<u64>>,
    by_update: BTreeSet<(Timestamp, u64)>,
    pub(super) notes: HashMap<u64, Vec<Value>>,
    pub(super) documents: BTreeMap<u64, Arc<Document>>,
    pub(super) schedule: BTreeMap<u64, Arc<Value>>,
    pub(super) time: BTreeMap<u64, Arc<Value>>,
    next: u64,
}

/// A document.
pub(super) struct Document {
    pub(super) shown: Value,
    pub(super) record: (String, u64),
    pub(super) content: Bytes,
}

impl Record for Document {
    fn shown(&self) -> &Value {
        &self.shown
    }
}

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actor {
    pub(super) member: &'static str,
    pub(super) doer: Doer,
}

impl Actor {
    /// The API member.
    pub(super) const API: Self = Self {
        member: setup::API_MEMBER,
        doer: Doer::Api,
    };
    /// A dispatcher in the vendor's own application.
    pub(super) const DISPATCHER: Self = Self {
        member: setup::TECHNICIAN,
        doer: Doer::Person,
    };
}

/// Whether a write asked that nobody be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callback {
    Wanted,
    Skipped,
}

impl Callback {
    fn asked_by(flag: Option<&Value>) -> Self {
        if flag == Some(&Value::Bool(true)) {
            Self::Skipped
        } else {
            Self::Wanted
        }
    }
}

/// The first ticket's id.
const FIRST: u64 = 5_001;

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: ConnectWiseSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
}

impl Backend {
    pub(super) fn new(parts: Parts) -> Self {
        let rest_base = format!("{}{}", parts.base_url, super::ALIAS);
        let meter = parts.settings.rate_limit;
        let clock = parts.clock;
        Self {
            meter: meter.map(|limit| Meter::new(limit, clock.clone())),
            callbacks: Callbacks::default(),
            setup: Setup::new(&rest_base),
            settings: parts.settings,
            base_url: parts.base_url,
            rest_base,
            journal: parts.journal,
            outbox: parts.outbox,
            books: Mutex::new(Books {
                next: FIRST,
                ..Books::default()
            }),
            clock,
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present moment to the second, as the API shows times.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    pub(super) fn ticket(&self, id: u64) -> Result<Arc<Ticket>, Trouble> {
        let found = self.books().tickets.get(&id).cloned();
        found.ok_or_else(|| Trouble::no_record("Ticket", id))
    }

    fn writing(&self, id: u64) -> Writing<'_> {
        Writing::new(&self.setup, &self.rest_base, id)
    }

    /// Enters a ticket.
    pub(super) fn create(
        self: &Arc<Self>,
        actor: Actor,
        body: &Map<String, Value>,
    ) -> Result<Arc<Ticket>, Trouble> {
        let now = self.now();
        let mut books = self.books();
        let mut writing = self.writing(books.next);
        writing.set_all(body);
        let ticket = Arc::new(writing.finish(now, actor.member)?);
        books.next += 1;
        books.keep(ticket.clone());
        let id = ticket.id();
        for (member, flag) in notes::INITIAL {
            if let Some(text) = body
                .get(member)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
            {
                let note = notes::compose(books.next, id, text, &[flag], actor.member, now);
                books.next += 1;
                books.notes.entry(id).or_default().push(note);
            }
        }
        drop(books);
        self.record(
            Deed::Created,
            &ticket,
            actor,
            ticket.shown["summary"].as_str().unwrap_or_default(),
        );
        if Callback::asked_by(body.get("skipCallback")) == Callback::Wanted {
            self.notify(Action::Added, &ticket, actor);
        }
        Ok(ticket)
    }

    /// Changes a ticket by the operations of a PATCH.
    pub(super) fn patch(
        self: &Arc<Self>,
        id: u64,
        actor: Actor,
        operations: &[Value],
    ) -> Result<Arc<Ticket>, Trouble> {
        let skip = operations.iter().find_map(|operation| {
            let (path, value) = ticket::read_operation(operation).ok()?;
            (path == "skipCallback").then_some(value)
        });
        let names: Vec<_> = operations
            .iter()
            .filter_map(|operation| Some(ticket::read_operation(operation).ok()?.0.to_owned()))
            .collect();
        self.rewrite(
            id,
            actor,
            Callback::asked_by(skip.as_ref()),
            &names.join(", "),
            |writing| writing.patch(operations),
        )
    }

    /// Replaces a ticket: what is not given is reset.
    pub(super) fn replace(
        self: &Arc<Self>,
        id: u64,
        actor: Actor,
        body: &Map<String, Value>,
    ) -> Result<Arc<Ticket>, Trouble> {
        let callback = Callback::asked_by(body.get("skipCallback"));
        self.rewrite(id, actor, callback, "replaced", |writing| {
            let fresh = self.writing(id);
            writing.fields = fresh.fields;
            writing.set_all(body);
            Ok(())
        })
    }

    fn rewrite(
        self: &Arc<Self>,
        id: u64,
        actor: Actor,
        callback: Callback,
        detail: &str,
        write: impl FnOnce(&mut Writing<'_>) -> Result<(), Trouble>,
    ) -> Result<Arc<Ticket>, Trouble> {
        let now = self.now();
        let mut books = self.books();
        let stored = books.tickets.get(&id).cloned();
        let stored = stored.ok_or_else(|| Trouble::no_record("Ticket", id))?;
        let mut writing = Writing::of(&self.setup, &self.rest_base, &stored);
        write(&mut writing)?;
        if writing.faults.is_empty() && Some(&writing.fields) == stored.shown.as_object() {
            return Ok(stored);
        }
        let ticket = Arc::new(writing.finish(now, actor.member)?);
        books.keep(ticket.clone());
        drop(books);
        let detail = if stored.status() == ticket.status() {
            detail
        } else {
            ticket.status_name()
        };
        self.record(Deed::Updated, &ticket, actor, detail);
        if callback == Callback::Wanted {
            self.notify(Action::Updated, &ticket, actor);
        }
        Ok(ticket)
    }

    /// Deletes a ticket.
    pub(super) fn delete(self: &Arc<Self>, id: u64, actor: Actor) -> Result<(), Trouble> {
        let ticket = self.books().remove(id);
        let ticket = ticket.ok_or_else(|| Trouble::no_record("Ticket", id))?;
        self.record(Deed::Removed, &ticket, actor, "deleted");
        self.notify(Action::Deleted, &ticket, actor);
        Ok(())
    }

    fn record(&self, deed: Deed, ticket: &Ticket, actor: Actor, detail: &str) {
        let write = Write::new(deed, Thing::Ticket, ticket.id(), actor.doer);
        let marker = Some(ticket.external_reference());
        self.journal.record(write.marked(marker).called(detail));
    }

    /// Adds a note, which touches the ticket and so calls back.
    pub(super) fn add_note(
        self: &Arc<Self>,
        id: u64,
        actor: Actor,
        body: &Map<String, Value>,
    ) -> Result<Value, Trouble> {
        let (text, flags) = notes::read(body)?;
        let now = self.now();
        let mut books = self.books();
        let Some(stored) = books.tickets.get(&id) else {
            return Err(Trouble::no_record("Ticket", id));
        };
        let mut ticket = Ticket::clone(stored);
        ticket.shown["_info"]["lastUpdated"] = json!(now.to_string());
        ticket.shown["_info"]["updatedBy"] = json!(actor.member);
        ticket.updated = now;
        let ticket = Arc::new(ticket);
        books.keep(ticket.clone());
        let note = notes::compose(books.next, id, &text, &flags, actor.member, now);
        books.next += 1;
        books.notes.entry(id).or_default().push(note.clone());
        drop(books);
        let write = Write::new(Deed::Created, Thing::Note, id_of(&note), actor.doer);
        self.journal.record(write.within(id).called(text));
        self.notify(Action::Updated, &ticket, actor);
        Ok(note)
    }

    /// A list of tickets.
    pub(super) fn list(&self, query: &Query) -> Result<Response, Trouble> {
        query.check_names(&ticket::is_recognized)?;
        let books = self.books();
        if query.is_plain() {
            let (skip, take) = query.window();
            let page: Vec<_> = books
                .tickets
                .values()
                .skip(skip)
                .take(take)
                .cloned()
                .collect();
            let total = books.tickets.len();
            drop(books);
            return Ok(query.page(&page, total));
        }
        let candidates = books.candidates(query.condition.as_ref());
        drop(books);
        Ok(query.answer(candidates.into_iter()))
    }

    /// How many tickets satisfy the conditions.
    pub(super) fn count(&self, query: &Query) -> Result<usize, Trouble> {
        query.check_names(&ticket::is_recognized)?;
        let candidates = self.books().candidates(query.condition.as_ref());
        let wanted = candidates
            .iter()
            .filter(|ticket| query.wants(&ticket.shown));
        Ok(wanted.count())
    }

    /// Stores a document on a ticket.
    pub(super) fn add_document(
        &self,
        actor: Actor,
        upload: Upload,
    ) -> Result<Arc<Document>, Trouble> {
        let now = self.now();
        let mut books = self.books();
        let (kind, record) = &upload.record;
        if kind == "Ticket" && !books.tickets.contains_key(record) {
            return Err(Trouble::invalid("document", Fault::dangling("recordId")));
        }
        let id = books.take_id();
        let shown = json!({
            "id": id,
            "title": upload.title,
            "fileName": upload.file_name,
            "serverFileName": format!("{id}-{}", upload.file_name),
            "owner": actor.member,
            "linkFlag": false,
            "imageFlag": upload.mime.starts_with("image/"),
            "publicFlag": upload.visibility == Visibility::Public,
            "htmlTemplateFlag": false,
            "readOnlyFlag": upload.read_only,
            "size": upload.content.len(),
            "urlFlag": false,
            "createdOnDate": now.to_string(),
            "documentType": {"id": 1, "name": upload.mime},
            "guid": uuid::Uuid::now_v7().to_string(),
            "_info": {
                "lastUpdated": now.to_string(),
                "updatedBy": actor.member,
                "documentDownload_href": format!("{}/system/documents/{id}/download", self.rest_base),
            },
        });
        let write = Write::new(Deed::Created, Thing::File, id, actor.doer);
        self.journal
            .record(write.within(*record).called(upload.file_name));
        let document = Arc::new(Document {
            shown,
            record: upload.record,
            content: upload.content,
        });
        books.documents.insert(id, document.clone());
        Ok(document)
    }
}

/// Who may see a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    Public,
    Private,
}

/// A document about to be stored.
pub(super) struct Upload {
    pub(super) record: (String, u64),
    pub(super) title: String,
    pub(super) file_name: String,
    pub(super) mime: String,
    pub(super) visibility: Visibility,
    pub(super) read_only: bool,
    pub(super) content: Bytes,
}

impl Books {
    /// A fresh id for anything.
    pub(super) fn take_id(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    fn keep(&mut self, ticket: Arc<Ticket>) {
        let id = ticket.id();
        self.forget(id);
        let reference = ticket.external_reference().to_lowercase();
        if !reference.is_empty() {
            self.by_external_reference
                .entry(reference)
                .or_default()
                .push(id);
        }
        self.by_update.insert((ticket.updated, id));
        self.tickets.insert(id, ticket);
    }

    fn forget(&mut self, id: u64) {
        let Some(old) = self.tickets.get(&id) else {
            return;
        };
        self.by_update.remove(&(old.updated, id));
        let reference = old.external_reference().to_lowercase();
        if let Some(ids) = self.by_external_reference.get_mut(&reference) {
            ids.retain(|other| *other != id);
        }
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Ticket>> {
        self.forget(id);
        self.notes.remove(&id);
        self.tickets.remove(&id)
    }

    /// The tickets that may satisfy a condition, by the cheapest index it allows, in the order of their ids.
    fn candidates(&self, condition: Option<&Condition>) -> Vec<Arc<Ticket>> {
        let demands = condition.map_or(&[][..], Condition::demands);
        let Some(ids) = demands.iter().find_map(|demand| self.narrow(demand)) else {
            return self.tickets.values().cloned().collect();
        };
        ids.iter()
            .filter_map(|id| self.tickets.get(id))
            .cloned()
            .collect()
    }

    fn narrow(&self, demand: &Condition) -> Option<BTreeSet<u64>> {
        let number = |literal: &Literal| match literal {
            Literal::Number(number) => number.to_string().parse().ok(),
            _ => None,
        };
        match demand {
            Condition::In {
                path,
                values,
                negated: false,
            } if path == "id" => Some(values.iter().filter_map(number).collect()),
            Condition::Compare {
                path,
                operator,
                value,
            } => match (path.as_str(), operator, value) {
                ("id", Operator::Equal, value) => Some(number(value).into_iter().collect()),
                ("externalXRef", Operator::Equal, Literal::Text(text)) if !text.is_empty() => {
                    let ids = self.by_external_reference.get(&text.to_lowercase());
                    Some(ids.into_iter().flatten().copied().collect())
                }
                (
                    "lastUpdated" | "_info/lastUpdated",
                    Operator::Greater | Operator::GreaterOrEqual,
                    Literal::Moment(from),
                ) => {
                    let newer = self.by_update.range((*from, 0)..);
                    Some(newer.map(|(_, id)| *id).collect())
                }
                _ => None,
            },
            _ => None,
        }
    }
}
