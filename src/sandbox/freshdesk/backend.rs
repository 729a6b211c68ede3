//! The stand-in's memory: tickets, conversations, contacts, files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::FreshdeskSettings;
use super::problem::{FieldError, Problem};
use super::reading::{self, Form, MOST_BYTES, Upload};
use super::rules::{Happening, Rules};
use crate::model::{Clock, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;
use crate::sandbox::quota::Meter;

/// The agent the API key belongs to.
pub(super) const API_AGENT: u64 = 301;
/// An agent at the screen.
pub(super) const AGENT: u64 = 302;
/// The customer company.
pub(super) const COMPANY: u64 = 701;
/// The contact who reports for the stores.
pub(super) const REPORTER: u64 = 401;

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: FreshdeskSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) meter: Option<Meter>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    pub(super) rules: Rules,
    /// What file links are signed with.
    pub(super) link_key: String,
    books: Mutex<Books>,
}

/// What was entered.
pub(super) struct Books {
    pub(super) tickets: BTreeMap<u64, Ticket>,
    by_update: BTreeSet<(Timestamp, u64)>,
    pub(super) conversations: HashMap<u64, Vec<Value>>,
    pub(super) contacts: BTreeMap<u64, Value>,
    pub(super) files: HashMap<u64, Arc<Upload>>,
    pub(super) times: BTreeMap<u64, Value>,
    next_ticket: u64,
    next: u64,
}

/// A ticket: as it is, and as it was before its last change, which is what a lagging index still finds.
pub(super) struct Ticket {
    pub(super) current: Arc<Value>,
    previous: Option<Arc<Value>>,
    pub(super) updated: Timestamp,
    pub(super) file_bytes: usize,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    pub(super) user: u64,
    pub(super) doer: Doer,
}

impl Actor {
    /// The agent of the API key.
    pub(super) const API: Self = Self {
        user: API_AGENT,
        doer: Doer::Api,
    };
    /// An agent at the screen.
    pub(super) const AGENT: Self = Self {
        user: AGENT,
        doer: Doer::Person,
    };
}

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: FreshdeskSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
}

const FIRST_TICKET: u64 = 1_001;

impl Backend {
    pub(super) fn new(parts: Parts) -> Self {
        let meter = parts.settings.rate_limit;
        let clock = parts.clock;
        let now = second(clock.now());
        Self {
            meter: meter.map(|limit| Meter::new(limit, clock.clone())),
            settings: parts.settings,
            base_url: parts.base_url,
            journal: parts.journal,
            outbox: parts.outbox,
            rules: Rules::default(),
            link_key: uuid::Uuid::now_v7().to_string(),
            books: Mutex::new(Books::new(now)),
            clock,
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present moment to the second, as the API shows times.
    pub(super) fn now(&self) -> Timestamp {
        second(self.clock.now())
    }

    pub(super) fn ticket(&self, id: u64) -> Result<Arc<Value>, Problem> {
        let found = self
            .books()
            .tickets
            .get(&id)
            .map(|ticket| ticket.current.clone());
        found.ok_or(Problem::NotFound)
    }

    /// Opens a ticket.
    pub(super) fn create(
        self: &Arc<Self>,
        actor: Actor,
        form: &Form,
    ) -> Result<Arc<Value>, Problem> {
        let (mut members, mut errors) = reading::check(form, reading::TICKET);
        reading::check_values(&members, &mut errors);
        reading::check_presence(&members, self.settings.type_rule, &mut errors);
        let now = self.now();
        let mut books = self.books();
        if errors.is_empty() {
            books.settle_requester(&mut members, now, &mut errors);
        }
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        let id = books.next_ticket;
        books.next_ticket += 1;
        let mut shown = blank(id, now);
        take(&mut shown, &members);
        let attachments = books.store_files(&form.uploads, now);
        shown["attachments"] = json!(attachments);
        let shown = Arc::new(shown);
        books.keep(id, shown.clone(), now, bytes(&form.uploads));
        drop(books);
        self.record(
            Deed::Created,
            &shown,
            actor,
            shown["subject"].as_str().unwrap_or_default(),
        );
        self.record_files(id, &attachments, actor);
        self.fire(&shown, &Happening::Created, actor);
        Ok(shown)
    }

    /// Changes the given members of a ticket.
    pub(super) fn update(
        self: &Arc<Self>,
        id: u64,
        actor: Actor,
        form: &Form,
    ) -> Result<Arc<Value>, Problem> {
        let (members, mut errors) = reading::check(form, reading::TICKET);
        reading::check_values(&members, &mut errors);
        for name in ["subject", "description"] {
            if members.get(name).is_some_and(|value| value == "") {
                let message = "It should not be blank as this is a mandatory field";
                errors.push(FieldError::new(name, "invalid_value", message));
            }
        }
        let now = self.now();
        let mut books = self.books();
        let stored = books.tickets.get(&id).ok_or(Problem::NotFound)?;
        if stored.current["deleted"] == true {
            return Err(Problem::NotAllowed);
        }
        if stored.file_bytes + bytes(&form.uploads) > MOST_BYTES && !form.uploads.is_empty() {
            errors.push(too_large());
        }
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        let before = stored.current.clone();
        let mut shown = Value::clone(&before);
        take(&mut shown, &members);
        let attachments = books.store_files(&form.uploads, now);
        if let Some(list) = shown["attachments"].as_array_mut() {
            list.extend(attachments.iter().cloned());
        }
        if shown == *before {
            return Ok(before);
        }
        shown["updated_at"] = json!(now.to_string());
        note_times(&before, &mut shown, now);
        let shown = Arc::new(shown);
        books.keep(id, shown.clone(), now, bytes(&form.uploads));
        drop(books);
        let names: Vec<_> = members.keys().cloned().collect();
        self.record(Deed::Updated, &shown, actor, &names.join(", "));
        self.record_files(id, &attachments, actor);
        let happening = Happening::between(&before, &shown);
        self.fire(&shown, &happening, actor);
        Ok(shown)
    }

    /// Moves a ticket to the trash or back.
    pub(super) fn set_deleted(&self, id: u64, actor: Actor, deleted: bool) -> Result<(), Problem> {
        let now = self.now();
        let mut books = self.books();
        let stored = books.tickets.get(&id).ok_or(Problem::NotFound)?;
        let mut shown = Value::clone(&stored.current);
        shown["deleted"] = json!(deleted);
        shown["updated_at"] = json!(now.to_string());
        let shown = Arc::new(shown);
        books.keep(id, shown.clone(), now, 0);
        drop(books);
        let deed = if deleted {
            Deed::Removed
        } else {
            Deed::Updated
        };
        self.record(deed, &shown, actor, "");
        Ok(())
    }

    /// Adds a note or a reply.
    pub(super) fn converse(
        self: &Arc<Self>,
        id: u64,
        actor: Actor,
        form: &Form,
        source: Source,
    ) -> Result<Value, Problem> {
        let (members, mut errors) = reading::check(form, source.members());
        let text = members
            .get("body")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if text.trim().is_empty() && errors.is_empty() {
            let message = "It should not be blank as this is a mandatory field";
            errors.push(FieldError::new("body", "missing_field", message));
        }
        let now = self.now();
        let mut books = self.books();
        let stored = books.tickets.get(&id).ok_or(Problem::NotFound)?;
        if stored.file_bytes + bytes(&form.uploads) > MOST_BYTES && !form.uploads.is_empty() {
            errors.push(too_large());
        }
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        let mut shown = Value::clone(&stored.current);
        shown["updated_at"] = json!(now.to_string());
        let shown = Arc::new(shown);
        let attachments = books.store_files(&form.uploads, now);
        let entry_id = books.take_id();
        let entry = source.compose(entry_id, id, &members, actor, &attachments, now);
        books
            .conversations
            .entry(id)
            .or_default()
            .push(entry.clone());
        books.keep(id, shown.clone(), now, bytes(&form.uploads));
        drop(books);
        let write = Write::new(Deed::Created, Thing::Note, entry_id, actor.doer);
        self.journal.record(write.within(id).called(text));
        self.record_files(id, &attachments, actor);
        let is_private = entry["private"] == true;
        self.fire(&shown, &Happening::Noted { is_private }, actor);
        Ok(entry)
    }

    fn record(&self, deed: Deed, ticket: &Value, actor: Actor, detail: &str) {
        let id = ticket["id"].as_u64().unwrap_or_default();
        let marker = ticket["custom_fields"][self.settings.correlation_field.as_str()].as_str();
        let write = Write::new(deed, Thing::Ticket, id, actor.doer);
        self.journal.record(write.marked(marker).called(detail));
    }

    fn record_files(&self, ticket: u64, attachments: &[Value], actor: Actor) {
        for file in attachments {
            let id = file["id"].as_u64().unwrap_or_default();
            let name = file["name"].as_str().unwrap_or_default();
            let write = Write::new(Deed::Created, Thing::File, id, actor.doer);
            self.journal.record(write.within(ticket).called(name));
        }
    }
}

fn second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn bytes(uploads: &[Upload]) -> usize {
    uploads.iter().map(|upload| upload.content.len()).sum()
}

fn too_large() -> FieldError {
    let message = "Invalid file size. Total size should be less than 20 MB";
    FieldError::new("attachments", "invalid_size", message)
}

/// What an entry of a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Mailed to the customer.
    Reply,
    /// Kept, privately unless told otherwise.
    Note,
}

impl Source {
    fn members(self) -> &'static [(&'static str, reading::Kind)] {
        match self {
            Self::Reply => reading::REPLY,
            Self::Note => reading::NOTE,
        }
    }

    fn compose(
        self,
        id: u64,
        ticket: u64,
        members: &Map<String, Value>,
        actor: Actor,
        attachments: &[Value],
        now: Timestamp,
    ) -> Value {
        let body = members
            .get("body")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let flag = |name: &str| members.get(name).and_then(Value::as_bool);
        let list = |name: &str| members.get(name).cloned().unwrap_or_else(|| json!([]));
        let is_private = self == Self::Note && flag("private").unwrap_or(true);
        let user = members
            .get("user_id")
            .and_then(Value::as_u64)
            .unwrap_or(actor.user);
        json!({
            "body": body,
            "body_text": plain(body),
            "id": id,
            "incoming": flag("incoming").unwrap_or_default(),
            "private": is_private,
            "user_id": user,
            "support_email": null,
            "source": if self == Self::Reply { 0 } else { 2 },
            "ticket_id": ticket,
            "to_emails": list("notify_emails"),
            "from_email": null,
            "cc_emails": list("cc_emails"),
            "bcc_emails": list("bcc_emails"),
            "created_at": now.to_string(),
            "updated_at": now.to_string(),
            "attachments": attachments,
        })
    }
}

/// HTML without its tags.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut is_tag = false;
    for letter in html.chars() {
        match letter {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            _ if !is_tag => text.push(letter),
            _ => {}
        }
    }
    let unescaped = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    unescaped
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}

/// A ticket before anybody wrote into it.
fn blank(id: u64, now: Timestamp) -> Value {
    let after = |hours: u64| {
        let due = now
            .checked_add(Duration::from_secs(hours * 3_600))
            .unwrap_or(now);
        due.to_string()
    };
    let names = super::fields::CUSTOM_FIELDS.iter().map(|field| field.name);
    let names = names.chain(["cf_area", "cf_district"]);
    let custom: Map<_, _> = names.map(|name| (name.to_owned(), Value::Null)).collect();
    let mut ticket = json!({
        "cc_emails": [],
        "fwd_emails": [],
        "reply_cc_emails": [],
        "ticket_cc_emails": [],
        "fr_escalated": false,
        "priority": 1,
        "source": 2,
        "spam": false,
        "status": 2,
        "subject": "",
        "id": id,
        "created_at": now.to_string(),
        "updated_at": now.to_string(),
        "due_by": after(72),
        "fr_due_by": after(24),
        "is_escalated": false,
        "description": "",
        "description_text": "",
        "custom_fields": custom,
        "tags": [],
        "attachments": [],
        "form_id": 9_001,
        "nr_escalated": false,
        "deleted": false,
    });
    for unset in UNSET {
        ticket[unset] = Value::Null;
    }
    let reached = STATS.map(|name| (name.to_owned(), Value::Null));
    ticket["stats"] = Value::Object(reached.into_iter().collect());
    ticket["stats"]["status_updated_at"] = json!(now.to_string());
    ticket
}

/// What a ticket has only when somebody gave it.
const UNSET: [&str; 9] = [
    "email_config_id",
    "group_id",
    "requester_id",
    "responder_id",
    "company_id",
    "type",
    "to_emails",
    "product_id",
    "sentiment_score",
];

/// The times `include=stats` shows.
const STATS: [&str; 8] = [
    "agent_responded_at",
    "requester_responded_at",
    "first_responded_at",
    "status_updated_at",
    "reopened_at",
    "resolved_at",
    "closed_at",
    "pending_since",
];

/// Puts checked members into a ticket. Custom fields merge by name; lists are replaced.
fn take(ticket: &mut Value, members: &Map<String, Value>) {
    for (name, value) in members {
        match (name.as_str(), value) {
            ("custom_fields", Value::Object(fields)) => {
                for (name, value) in fields {
                    ticket["custom_fields"][name.as_str()] = value.clone();
                }
            }
            ("description", Value::String(html)) => {
                ticket["description"] = json!(html);
                ticket["description_text"] = json!(plain(html));
            }
            (
                "name" | "email" | "phone" | "twitter_id" | "facebook_id" | "unique_external_id"
                | "parent_id",
                _,
            ) => {}
            _ => ticket[name.as_str()] = value.clone(),
        }
    }
}

/// Keeps the times of `stats` in step with the status.
fn note_times(before: &Value, after: &mut Value, now: Timestamp) {
    if before["status"] == after["status"] {
        return;
    }
    let now = json!(now.to_string());
    after["stats"]["status_updated_at"] = now.clone();
    let reached = match after["status"].as_u64() {
        Some(3) => "pending_since",
        Some(4) => "resolved_at",
        Some(5) => "closed_at",
        Some(2) => "reopened_at",
        _ => return,
    };
    after["stats"][reached] = now;
}

impl Books {
    fn new(now: Timestamp) -> Self {
        let mut books = Self {
            tickets: BTreeMap::new(),
            by_update: BTreeSet::new(),
            conversations: HashMap::new(),
            contacts: BTreeMap::new(),
            files: HashMap::new(),
            times: BTreeMap::new(),
            next_ticket: FIRST_TICKET,
            next: 10_001,
        };
        for (id, name) in [(REPORTER, "Store Manager"), (402, "Shift Lead")] {
            let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
            let contact = contact(id, name, &email, now);
            books.contacts.insert(id, contact);
        }
        books
    }

    /// A fresh id for anything but a ticket.
    pub(super) fn take_id(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    fn keep(&mut self, id: u64, current: Arc<Value>, updated: Timestamp, more_bytes: usize) {
        let before = self.tickets.remove(&id);
        if let Some(before) = &before {
            self.by_update.remove(&(before.updated, id));
        }
        self.by_update.insert((updated, id));
        let file_bytes = before.as_ref().map_or(0, |before| before.file_bytes) + more_bytes;
        let previous = before.map(|before| before.current);
        let ticket = Ticket {
            current,
            previous,
            updated,
            file_bytes,
        };
        self.tickets.insert(id, ticket);
    }

    /// The tickets that changed since a moment, oldest change first.
    pub(super) fn changed_since(&self, since: Timestamp) -> Vec<Arc<Value>> {
        let ids = self.by_update.range((since, 0)..).map(|(_, id)| id);
        ids.filter_map(|id| Some(self.tickets.get(id)?.current.clone()))
            .collect()
    }

    /// The tickets as an index shows them that has not seen what happened after a moment.
    pub(super) fn indexed(&self, seen_until: Timestamp) -> impl Iterator<Item = &Arc<Value>> {
        self.tickets.values().filter_map(move |ticket| {
            if ticket.updated <= seen_until {
                Some(&ticket.current)
            } else {
                ticket.previous.as_ref()
            }
        })
    }

    /// Finds or makes the contact a new ticket is from.
    fn settle_requester(
        &mut self,
        members: &mut Map<String, Value>,
        now: Timestamp,
        errors: &mut Vec<FieldError>,
    ) {
        let text = |name: &str| {
            members
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let given = members.get("requester_id").and_then(Value::as_u64);
        let requester = match given {
            Some(id) if self.contacts.contains_key(&id) || id == API_AGENT || id == AGENT => id,
            Some(_) => {
                let message = "There is no contact matching the given requester_id";
                errors.push(FieldError::new("requester_id", "invalid_value", message));
                return;
            }
            None => {
                let email = text("email").to_lowercase();
                let known = self
                    .contacts
                    .values()
                    .find(|contact| contact["email"] == email.as_str());
                let known = known
                    .filter(|_| !email.is_empty())
                    .and_then(|contact| contact["id"].as_u64());
                if let Some(id) = known {
                    id
                } else {
                    let local = email.split('@').next().unwrap_or_default();
                    let name = if text("name").is_empty() {
                        local
                    } else {
                        text("name")
                    };
                    let (name, phone) = (name.to_owned(), text("phone").to_owned());
                    let id = self.take_id();
                    let mut made = contact(id, &name, &email, now);
                    made["phone"] = if phone.is_empty() {
                        Value::Null
                    } else {
                        json!(phone)
                    };
                    self.contacts.insert(id, made);
                    id
                }
            }
        };
        members.insert("requester_id".to_owned(), json!(requester));
        let company = self
            .contacts
            .get(&requester)
            .map(|contact| contact["company_id"].clone());
        if let Some(company) = company {
            members.entry("company_id").or_insert(company);
        }
    }

    /// Keeps files; how the API shows them, without the link.
    fn store_files(&mut self, uploads: &[Upload], now: Timestamp) -> Vec<Value> {
        let mut shown = Vec::new();
        for upload in uploads {
            let id = self.take_id();
            shown.push(json!({
                "id": id,
                "content_type": upload.mime,
                "size": upload.content.len(),
                "name": upload.name,
                "created_at": now.to_string(),
                "updated_at": now.to_string(),
            }));
            self.files.insert(id, Arc::new(upload.clone()));
        }
        shown
    }
}

/// A contact as the API shows it.
pub(super) fn contact(id: u64, name: &str, email: &str, now: Timestamp) -> Value {
    json!({
        "active": true,
        "address": null,
        "company_id": COMPANY,
        "description": null,
        "email": if email.is_empty() { Value::Null } else { json!(email) },
        "id": id,
        "job_title": null,
        "language": "en",
        "mobile": null,
        "name": name,
        "phone": "555-0100",
        "time_zone": "Central Time (US & Canada)",
        "twitter_id": null,
        "custom_fields": {},
        "tags": [],
        "other_emails": [],
        "created_at": now.to_string(),
        "updated_at": now.to_string(),
    })
}

/// An upload by somebody at the screen.
pub(super) fn upload(name: &str, mime: &str, content: Bytes) -> Upload {
    Upload {
        name: name.to_owned(),
        mime: mime.to_owned(),
        content,
    }
}
