//! The stand-in's memory and everything a request may touch.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::SalesforceSettings;
use super::flows::Flows;
use super::problem::Problem;
use super::schema::{Key, Rights};
use super::store::{Books, Row};
use super::values::unknown;
use crate::model::{Clock, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;
use crate::sandbox::places::{PLACES, Place};

/// The org's id.
pub(super) const ORGANIZATION: &str = "00DHs0000000StdMAE";

/// What the integration user is called.
pub(super) const API_USER: &str = "Fieldbridge Integration";

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: SalesforceSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    pub(super) flows: Flows,
    books: Mutex<Books>,
    people: People,
    sessions: Mutex<HashSet<String>>,
    refresh_token: Mutex<String>,
    approved: AtomicBool,
    used_calls: AtomicU64,
    locators: Mutex<HashMap<String, Arc<Vec<Value>>>>,
    quirks: Mutex<Quirks>,
}

/// The users and companies that stand in the org from the beginning.
struct People {
    api_user: String,
    agent: String,
    contact: String,
    stores: Vec<(&'static str, String)>,
}

/// What an admin of the org set up to stand in the way.
#[derive(Default)]
pub(super) struct Quirks {
    /// The words of a validation rule that refuses every change of a case by the API.
    pub(super) validation_rule: Option<String>,
    /// How many writes by the API meet a locked row.
    pub(super) locks: u32,
    /// How often a lock shows through an Apex trigger that met it.
    pub(super) wrapped: bool,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// The integration user, by the API.
    Api,
    /// An agent at the screen.
    Agent,
}

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: SalesforceSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
}

impl Backend {
    /// A backend with its people in it.
    pub(super) fn new(parts: Parts) -> Result<Self, Problem> {
        let mut books = Books::new(&parts.settings.hidden_fields);
        let people = populate(&mut books, parts.clock.now())?;
        Ok(Self {
            refresh_token: Mutex::new(parts.settings.credentials.refresh_token.clone()),
            settings: parts.settings,
            base_url: parts.base_url,
            clock: parts.clock,
            journal: parts.journal,
            outbox: parts.outbox,
            flows: Flows::default(),
            books: Mutex::new(books),
            people,
            sessions: Mutex::default(),
            approved: AtomicBool::new(true),
            used_calls: AtomicU64::new(0),
            locators: Mutex::default(),
            quirks: Mutex::default(),
        })
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn quirks(&self) -> MutexGuard<'_, Quirks> {
        self.quirks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn api_user(&self) -> &str {
        &self.people.api_user
    }

    /// The user who acts.
    pub(super) fn user(&self, actor: Actor) -> &str {
        match actor {
            Actor::Api => &self.people.api_user,
            Actor::Agent => &self.people.agent,
        }
    }

    /// The contact who reports for the stores.
    pub(super) fn contact(&self) -> &str {
        &self.people.contact
    }

    /// The account of a store, by its code.
    pub(super) fn store(&self, code: &str) -> Option<&str> {
        let mut stores = self.people.stores.iter();
        stores
            .find(|(known, _)| *known == code)
            .map(|(_, id)| id.as_str())
    }

    /// Opens a session. Its token.
    pub(super) fn open_session(&self) -> String {
        let token = format!(
            "{}!not-a-real-session.{}",
            ORGANIZATION.get(..15).unwrap_or_default(),
            uuid::Uuid::now_v7().simple()
        );
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(token.clone());
        token
    }

    pub(super) fn is_session(&self, token: &str) -> bool {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.contains(token)
    }

    pub(super) fn end_sessions(&self) {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(super) fn refresh_token(&self) -> String {
        self.refresh_token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn rotate_refresh_token(&self) -> String {
        let token = format!("not-a-real-refresh-token-{}", uuid::Uuid::now_v7().simple());
        self.refresh_token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&token);
        token
    }

    pub(super) fn is_approved(&self) -> bool {
        self.approved.load(Ordering::Acquire)
    }

    pub(super) fn approve(&self, approved: bool) {
        self.approved.store(approved, Ordering::Release);
    }

    /// Counts a call. How many are used, this one included.
    pub(super) fn count_call(&self) -> u64 {
        self.used_calls.fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(super) fn used_calls(&self) -> u64 {
        self.used_calls.load(Ordering::Acquire)
    }

    /// What the integration user may do with an object.
    pub(super) fn rights(&self, object: &str) -> Rights {
        let is_system = matches!(object, "User" | "ContentDocument");
        let is_read_only = is_system || self.settings.read_only_objects.contains(&object);
        Rights {
            createable: !is_read_only,
            updateable: !is_read_only,
        }
    }

    /// Enters a record. Its id.
    pub(super) fn insert(
        self: &Arc<Self>,
        object: &str,
        members: &Map<String, Value>,
        actor: Actor,
    ) -> Result<String, Problem> {
        self.stand_in_the_way(object, None, members, actor)?;
        let now = self.clock.now();
        let mut members = members.clone();
        let blob = take_blob(object, &mut members)?;
        let mut books = self.books();
        let id = books.insert(object, &members, self.user(actor), now)?;
        if let Some(bytes) = blob {
            file(&mut books, &id, bytes, self.user(actor), now)?;
        }
        let (_, row) = books.any(&id).ok_or_else(Problem::record)?;
        let row = row.clone();
        drop(books);
        self.record(Deed::Created, object, &row, actor);
        self.comment_along(object, &id, &members, actor)?;
        self.fire(object, &row);
        Ok(id)
    }

    /// Changes a record.
    pub(super) fn change(
        self: &Arc<Self>,
        object: &str,
        id: &str,
        members: &Map<String, Value>,
        actor: Actor,
    ) -> Result<(), Problem> {
        self.books().row(object, id)?;
        self.stand_in_the_way(object, Some(id), members, actor)?;
        let now = self.clock.now();
        let mut books = self.books();
        books.change(object, id, members, self.user(actor), now)?;
        let row = books.row(object, id)?.clone();
        drop(books);
        self.record(Deed::Updated, object, &row, actor);
        self.comment_along(object, id, members, actor)?;
        self.fire(object, &row);
        Ok(())
    }

    /// Moves a record to the bin.
    pub(super) fn remove(&self, object: &str, id: &str, actor: Actor) -> Result<(), Problem> {
        let mut books = self.books();
        let row = books.row(object, id)?.clone();
        books.remove(object, id)?;
        drop(books);
        self.record(Deed::Removed, object, &row, actor);
        Ok(())
    }

    /// The field `Comments` of a case makes a comment of its own.
    fn comment_along(
        self: &Arc<Self>,
        object: &str,
        id: &str,
        members: &Map<String, Value>,
        actor: Actor,
    ) -> Result<(), Problem> {
        let Some(text) = members
            .get("Comments")
            .and_then(Value::as_str)
            .filter(|text| object == "Case" && !text.is_empty())
        else {
            return Ok(());
        };
        let comment = Map::from_iter([
            ("ParentId".to_owned(), json!(id)),
            ("CommentBody".to_owned(), json!(text)),
        ]);
        self.insert("CaseComment", &comment, actor).map(drop)
    }

    /// Rights, locks and rules that refuse a write by the API.
    fn stand_in_the_way(
        &self,
        object: &str,
        id: Option<&str>,
        members: &Map<String, Value>,
        actor: Actor,
    ) -> Result<(), Problem> {
        if actor != Actor::Api {
            return Ok(());
        }
        if !self.rights(object).createable {
            return Err(Problem::access("insufficient access rights on object id"));
        }
        let books = self.books();
        let seen = books.seen(object).ok_or_else(Problem::resource)?;
        let is_hidden = |name: &&String| *name != "attributes" && seen.field(name).is_none();
        if let Some(name) = members.keys().find(is_hidden) {
            return Err(unknown(seen, name));
        }
        drop(books);
        let mut quirks = self.quirks();
        if quirks.locks > 0 {
            quirks.locks -= 1;
            let message = "unable to obtain exclusive access to this record or 1 records";
            return Err(if quirks.wrapped {
                let message = format!(
                    "CaseTrigger: execution of AfterUpdate caused by: System.DmlException: Update failed. first error: UNABLE_TO_LOCK_ROW, {message}"
                );
                Problem::bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
            } else {
                Problem::bad("UNABLE_TO_LOCK_ROW", message)
            });
        }
        match &quirks.validation_rule {
            Some(rule) if object == "Case" && id.is_some() => Err(Problem::bad(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                rule.clone(),
            )),
            _ => Ok(()),
        }
    }

    /// Enters the record of a key or changes it. Its id, and whether it is new.
    pub(super) fn upsert(
        self: &Arc<Self>,
        object: &str,
        field: &str,
        value: &str,
        members: &Map<String, Value>,
    ) -> Result<(String, bool), Problem> {
        let books = self.books();
        let known = books.object(object)?;
        let key = known
            .field(field)
            .filter(|field| field.key != Key::None)
            .ok_or_else(|| {
                let message = format!(
                    "Provided external ID field does not exist or is not accessible: {field}"
                );
                Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", message, &[])
            })?;
        if members.contains_key(key.name) {
            let message = format!("The {field} field should not be specified in the sobject data.");
            return Err(Problem::field("INVALID_FIELD", message, field));
        }
        let field = key.name;
        let found: Vec<String> = books
            .keyed(object, field, value)
            .iter()
            .map(|row| row.id().to_owned())
            .collect();
        drop(books);
        match found.as_slice() {
            [] => {
                let mut members = members.clone();
                members.insert(field.to_owned(), json!(value));
                self.insert(object, &members, Actor::Api)
                    .map(|id| (id, true))
            }
            [one] => {
                self.change(object, one, members, Actor::Api)?;
                Ok((one.clone(), false))
            }
            several => {
                let address = |id: &String| format!("/services/data/v64.0/sobjects/{object}/{id}");
                let addresses: Vec<String> = several.iter().map(address).collect();
                Err(Problem::several(&addresses))
            }
        }
    }

    /// Keeps the rows that a query has yet to show. What names them.
    pub(super) fn keep_rows(&self, rows: Vec<Value>) -> String {
        let mut locators = self.locators.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("01g{:012}AAA", locators.len() + 1);
        locators.insert(name.clone(), Arc::new(rows));
        name
    }

    pub(super) fn kept_rows(&self, name: &str) -> Option<Arc<Vec<Value>>> {
        let locators = self.locators.lock().unwrap_or_else(PoisonError::into_inner);
        locators.get(name).cloned()
    }

    fn record(&self, deed: Deed, object: &str, row: &Row, actor: Actor) {
        let thing = match object {
            "Case" => Thing::Ticket,
            "CaseComment" | "FeedItem" => Thing::Note,
            "ContentVersion" => Thing::File,
            "ServiceAppointment" => Thing::ScheduleEntry,
            "FN_Time__c" => Thing::TimeEntry,
            "FN_Charge__c" => Thing::Charge,
            _ => return,
        };
        let doer = match actor {
            Actor::Api => Doer::Api,
            Actor::Agent => Doer::Person,
        };
        let named = ["Subject", "CommentBody", "Body", "Title", "FN_Id__c"]
            .iter()
            .map(|name| row.text(name));
        let called = named
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default();
        let mut write = Write::new(deed, thing, row.number, doer).called(called);
        if thing == Thing::Ticket {
            write = write.marked(Some(row.text("FN_Work_Order__c")));
        }
        let parents = [
            "ParentId",
            "FirstPublishLocationId",
            "ParentRecordId",
            "Case__c",
        ]
        .iter()
        .map(|name| row.text(name));
        let books = self.books();
        let parent = parents
            .into_iter()
            .find_map(|id| books.any(id))
            .filter(|(object, _)| *object == "Case");
        if let Some((_, parent)) = parent.filter(|_| thing != Thing::Ticket) {
            write = write.within(parent.number);
        }
        drop(books);
        self.journal.record(write);
    }
}

/// The bytes that a file is given with.
fn take_blob(object: &str, members: &mut Map<String, Value>) -> Result<Option<Bytes>, Problem> {
    use base64::Engine as _;
    if object != "ContentVersion" {
        return Ok(None);
    }
    let Some(text) = members.get("VersionData").and_then(Value::as_str) else {
        return Ok(None);
    };
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    let bytes = bytes.map_err(|_| {
        Problem::bad(
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of base64Binary from VALUE_STRING",
        )
    })?;
    if bytes.is_empty() {
        return Err(Problem::field(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [VersionData]",
            "VersionData",
        ));
    }
    members.insert("VersionData".to_owned(), json!("(bytes)"));
    Ok(Some(bytes.into()))
}

/// A version makes its document, and where it is published first, the link.
fn file(
    books: &mut Books,
    version: &str,
    bytes: Bytes,
    user: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let row = books.row("ContentVersion", version)?.clone();
    let path = row.text("PathOnClient").to_owned();
    let title = match row.text("Title") {
        "" => path
            .rsplit_once('.')
            .map_or(path.as_str(), |(stem, _)| stem)
            .to_owned(),
        title => title.to_owned(),
    };
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_owned());
    let document = match row.text("ContentDocumentId") {
        "" => books.insert("ContentDocument", &Map::new(), user, now)?,
        document => document.to_owned(),
    };
    for id in [version, document.as_str()] {
        books.set(id, "Title", json!(title));
        books.set(id, "FileExtension", json!(ending));
        books.set(id, "ContentSize", json!(bytes.len()));
    }
    books.set(version, "ContentDocumentId", json!(document));
    books.set(&document, "LatestPublishedVersionId", json!(version));
    books.blobs.insert(version.to_owned(), bytes);
    let place = row.text("FirstPublishLocationId");
    if !place.is_empty() {
        let link = Map::from_iter([
            ("ContentDocumentId".to_owned(), json!(document)),
            ("LinkedEntityId".to_owned(), json!(place)),
        ]);
        books.insert("ContentDocumentLink", &link, user, now)?;
    }
    Ok(())
}

fn populate(books: &mut Books, now: Timestamp) -> Result<People, Problem> {
    let mut user = |name: &str| -> Result<String, Problem> {
        let id = books.insert("User", &Map::new(), "", now)?;
        books.set(&id, "Name", json!(name));
        Ok(id)
    };
    let api_user = user(API_USER)?;
    let agent = user("Store Desk")?;
    let mut stores = Vec::new();
    for place in &PLACES {
        stores.push((
            place.code,
            store(books, place, Some(place.state), &agent, now)?,
        ));
    }
    let account = stores.first().map(|(_, id)| id.clone()).unwrap_or_default();
    let contact = json!({"LastName": "Store Manager", "AccountId": account, "Email": "store@example.com", "Phone": "+1 612 555 0100"});
    let contact = books.insert(
        "Contact",
        contact.as_object().unwrap_or(&Map::new()),
        &agent,
        now,
    )?;
    Ok(People {
        api_user,
        agent,
        contact,
        stores,
    })
}

/// An account for a store, its state as somebody entered it.
pub(super) fn store(
    books: &mut Books,
    place: &Place,
    state: Option<&str>,
    user: &str,
    now: Timestamp,
) -> Result<String, Problem> {
    let account = json!({
        "Name": format!("Harborlight Retail {}", place.code),
        "Phone": "+1 612 555 0101",
        "ShippingStreet": place.street,
        "ShippingCity": place.city,
        "ShippingState": state,
        "ShippingPostalCode": place.zip,
        "ShippingCountry": "US",
    });
    books.insert(
        "Account",
        account.as_object().unwrap_or(&Map::new()),
        user,
        now,
    )
}
