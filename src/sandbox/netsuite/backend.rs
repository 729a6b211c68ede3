//! The stand-in's memory: records, messages, files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::login::Gate;
use super::problem::Problem;
use super::triggers::Deployments;
use super::types::{self, RecordType};
use super::values;
use super::{NetSuiteRight, NetSuiteSettings};
use crate::model::{Clock, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;

/// The user that the integration logs in as.
pub(super) const API_USER: u64 = 9;
/// A support representative at the screen.
pub(super) const STAFF: u64 = 21;

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: NetSuiteSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    pub(super) gate: Gate,
    pub(super) deployments: Deployments,
    in_use: AtomicUsize,
    missing: Mutex<BTreeSet<NetSuiteRight>>,
    books: Mutex<Books>,
}

/// What was entered.
pub(super) struct Books {
    records: BTreeMap<&'static str, BTreeMap<u64, Arc<Record>>>,
    pub(super) messages: BTreeMap<u64, Vec<Message>>,
    pub(super) files: BTreeMap<u64, File>,
    next: u64,
}

/// A record as it is.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: u64,
    /// Its fields as written; references by id alone.
    pub(super) fields: Map<String, Value>,
    pub(super) external: Option<String>,
    pub(super) changed: Timestamp,
}

/// A message of a case.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) text: String,
    pub(super) internal_only: bool,
    pub(super) author: u64,
    pub(super) at: Timestamp,
}

/// A file in the File Cabinet.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) content: Bytes,
    /// The record whose folder it lies in, if the RESTlet stored it.
    pub(super) folder_of: Option<u64>,
    /// The records it is attached to.
    pub(super) attached: BTreeSet<u64>,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    pub(super) user: u64,
    pub(super) doer: Doer,
}

impl Actor {
    pub(super) const API: Self = Self {
        user: API_USER,
        doer: Doer::Api,
    };
    pub(super) const STAFF: Self = Self {
        user: STAFF,
        doer: Doer::Person,
    };
}

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: NetSuiteSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
}

/// A place in the account's pool of requests at once.
pub(super) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How a record is named in an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Internal(u64),
    External(String),
}

/// The customer for whom the stores report.
pub(super) const CUSTOMER: u64 = 931;

impl Backend {
    pub(super) fn new(parts: Parts) -> Self {
        let now = second(parts.clock.now());
        Self {
            books: Mutex::new(Books::new(now)),
            settings: parts.settings,
            base_url: parts.base_url,
            clock: parts.clock,
            journal: parts.journal,
            outbox: parts.outbox,
            gate: Gate::default(),
            deployments: Deployments::default(),
            in_use: AtomicUsize::new(0),
            missing: Mutex::default(),
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        second(self.clock.now())
    }

    /// A place in the pool, unless it is full.
    pub(super) fn take_place(&self) -> Option<Place<'_>> {
        let before = self.in_use.fetch_add(1, Ordering::AcqRel);
        let place = Place(&self.in_use);
        let limit = self.settings.requests_at_once;
        limit.is_none_or(|limit| before < limit).then_some(place)
    }

    pub(super) fn set_missing(&self, rights: &[NetSuiteRight]) {
        *self.missing.lock().unwrap_or_else(PoisonError::into_inner) =
            rights.iter().copied().collect();
    }

    pub(super) fn lacks(&self, right: NetSuiteRight) -> bool {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.contains(&right)
    }

    /// The record of a name.
    pub(super) fn find(
        &self,
        record_type: &RecordType,
        name: &Name,
    ) -> Result<Arc<Record>, Problem> {
        let books = self.books();
        let records = books.records.get(record_type.name);
        let mut records = records.into_iter().flat_map(BTreeMap::values);
        let found = records.find(|record| match name {
            Name::Internal(id) => record.id == *id,
            Name::External(external) => {
                record_type.has_external_id && record.external.as_ref() == Some(external)
            }
        });
        found.cloned().ok_or_else(Problem::no_record)
    }

    /// All records of a type, by id.
    pub(super) fn all(&self, record_type: &RecordType) -> Vec<Arc<Record>> {
        let books = self.books();
        let records = books.records.get(record_type.name);
        records
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect()
    }

    /// Enters a new record.
    pub(super) fn create(
        self: &Arc<Self>,
        record_type: &'static RecordType,
        actor: Actor,
        fields: Map<String, Value>,
        external: Option<String>,
    ) -> Result<u64, Problem> {
        for name in record_type.required {
            let given = fields.get(*name).is_some_and(|value| !value.is_null());
            if !given {
                let label = record_type.field(name).map_or(*name, |field| field.label);
                let detail =
                    format!("Error while accessing resource: Please enter value(s) for: {label}.");
                return Err(Problem::content(*name, detail));
            }
        }
        let now = self.now();
        let mut books = self.books();
        let id = books.take_id();
        let mut fields = fields;
        fields.retain(|_, value| !value.is_null());
        if record_type.name == "supportCase" {
            fields.insert("caseNumber".to_owned(), json!(format!("SC{id}")));
            fields.insert("createdDate".to_owned(), json!(now.to_string()));
            let usual = [("status", "1"), ("priority", "2"), ("origin", "3")];
            for (name, entry) in usual {
                let entry = json!({"id": entry});
                fields.entry(name).or_insert(entry);
            }
        }
        let record = Record {
            id,
            fields,
            external,
            changed: now,
        };
        books.keep(record_type, record.clone());
        drop(books);
        self.note(record_type, Deed::Created, &record, actor, "");
        self.fire(record_type, id, "create", actor);
        Ok(id)
    }

    /// Changes fields of a record; null clears.
    pub(super) fn change(
        self: &Arc<Self>,
        record_type: &'static RecordType,
        id: u64,
        actor: Actor,
        changes: Map<String, Value>,
    ) -> Result<(), Problem> {
        let now = self.now();
        let mut books = self.books();
        let stored = books.records.get(record_type.name);
        let stored = stored.and_then(|records| records.get(&id));
        let mut record = Record::clone(stored.ok_or_else(Problem::no_record)?);
        let names: Vec<String> = changes.keys().cloned().collect();
        for (name, value) in changes {
            if value.is_null() {
                record.fields.shift_remove(&name);
            } else {
                record.fields.insert(name, value);
            }
        }
        record.changed = now;
        books.keep(record_type, record.clone());
        drop(books);
        self.note(
            record_type,
            Deed::Updated,
            &record,
            actor,
            &names.join(", "),
        );
        self.fire(record_type, id, "edit", actor);
        Ok(())
    }

    /// Deletes a record.
    pub(super) fn remove(
        &self,
        record_type: &'static RecordType,
        id: u64,
        actor: Actor,
    ) -> Result<(), Problem> {
        let mut books = self.books();
        let records = books.records.get_mut(record_type.name);
        let removed = records.and_then(|records| records.remove(&id));
        drop(books);
        let record = removed.ok_or_else(Problem::no_record)?;
        self.note(record_type, Deed::Removed, &record, actor, "");
        Ok(())
    }

    /// Adds a message to a case. The case itself counts as saved.
    pub(super) fn add_message(
        self: &Arc<Self>,
        case: u64,
        actor: Actor,
        text: &str,
        internal_only: bool,
    ) -> u64 {
        let now = self.now();
        let mut books = self.books();
        let id = books.take_id();
        books.messages.entry(case).or_default().push(Message {
            id,
            text: text.to_owned(),
            internal_only,
            author: actor.user,
            at: now,
        });
        drop(books);
        let write = Write::new(Deed::Created, Thing::Note, id, actor.doer);
        self.journal.record(write.within(case).called(text));
        if let Some(record_type) = types::named("supportCase") {
            let moment = json!(now.to_string());
            let saved = Map::from_iter([("lastMessageDate".to_owned(), moment)]);
            // A message of a case that was deleted meanwhile concerns nobody.
            let _ = self.change(record_type, case, actor, saved);
        }
        id
    }

    /// Puts a file into the File Cabinet.
    pub(super) fn store_file(
        &self,
        name: &str,
        content: Bytes,
        folder_of: Option<u64>,
        actor: Actor,
    ) -> u64 {
        let mut books = self.books();
        let id = books.take_id();
        let file = File {
            name: name.to_owned(),
            content,
            folder_of,
            attached: BTreeSet::new(),
        };
        books.files.insert(id, file);
        drop(books);
        let mut write = Write::new(Deed::Created, Thing::File, id, actor.doer).called(name);
        write.parent = folder_of;
        self.journal.record(write);
        id
    }

    fn note(
        &self,
        record_type: &RecordType,
        deed: Deed,
        record: &Record,
        actor: Actor,
        detail: &str,
    ) {
        let (thing, marker) = match record_type.name {
            "supportCase" => {
                let field = self.settings.correlation_field.as_str();
                let marker = record.fields.get(field).and_then(Value::as_str);
                (Thing::Ticket, marker)
            }
            "customrecord_fn_visit" => (Thing::ScheduleEntry, record.external.as_deref()),
            _ => return,
        };
        let write = Write::new(deed, thing, record.id, actor.doer);
        let title = values::text(&record.fields, "title");
        let detail = if detail.is_empty() { title } else { detail };
        self.journal.record(write.marked(marker).called(detail));
    }
}

fn second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

impl Books {
    fn new(now: Timestamp) -> Self {
        let mut books = Self {
            records: BTreeMap::new(),
            messages: BTreeMap::new(),
            files: BTreeMap::new(),
            next: 1_001,
        };
        let customer = json!({
            "companyName": "Harborlight Retail",
            "email": "stores@example.com",
            "entityId": "Harborlight Retail",
            "phone": "555-0100",
        });
        if let (Some(record_type), Value::Object(fields)) = (types::named("customer"), customer) {
            let record = Record {
                id: CUSTOMER,
                fields,
                external: Some("HARBORLIGHT".to_owned()),
                changed: now,
            };
            books.keep(record_type, record);
        }
        books
    }

    /// A fresh id.
    pub(super) fn take_id(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    fn keep(&mut self, record_type: &'static RecordType, record: Record) {
        let records = self.records.entry(record_type.name).or_default();
        records.insert(record.id, Arc::new(record));
    }

    /// Whether there is such a record.
    pub(super) fn has(&self, record_type: &str, id: u64) -> bool {
        self.records
            .get(record_type)
            .is_some_and(|records| records.contains_key(&id))
    }

    /// What people call a record.
    pub(super) fn name_of(&self, record_type: &str, id: u64) -> Option<String> {
        let record = self.records.get(record_type)?.get(&id)?;
        let names = ["companyName", "title", "name", "entityId"];
        let name = names
            .iter()
            .find_map(|name| record.fields.get(*name)?.as_str());
        Some(name.map_or_else(|| id.to_string(), str::to_owned))
    }
}
