//! The stand-in's memory: objects of every kind, and the rules that hold for writing them.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::AutotaskSettings;
use super::clean::{self, Mode};
use super::query::moment;
use super::shape::{CANCELED, SHAPES, Shape, named};
use super::traffic::Hour;
use super::trouble::Trouble;
use super::webhooks::{Callout, Event};
use crate::model::{Clock, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;
use crate::sandbox::places::PLACES;

/// The API user's own resource.
pub(super) const API_RESOURCE: u64 = 29_682_885;
/// A person at the screen.
pub(super) const DISPATCHER: u64 = 10;
/// The made-up customer.
pub(super) const COMPANY: u64 = 174;
/// Its locations: one for each place, from this number on.
pub(super) const FIRST_LOCATION: u64 = 500;
/// A location whose address lacks its state.
pub(super) const LOCATION_WITHOUT_STATE: u64 = 590;
/// A location whose state somebody typed in his own way.
pub(super) const LOCATION_ODD_STATE: u64 = 591;
/// Who reports for the stores.
pub(super) const CONTACT: u64 = 29_683_589;
/// Somebody who has left.
pub(super) const INACTIVE_CONTACT: u64 = 29_683_590;
/// The role that goes with the resources.
pub(super) const ROLE: u64 = 8;
/// The queue of field work.
pub(super) const QUEUE: u64 = 29_682_833;

const FIRST_TICKET: u64 = 7_865;
const FIRST_OTHER: u64 = 30_001;

/// The largest file.
const LARGEST_FILE: usize = 6 * 1024 * 1024;
/// The bytes of files that are taken in five minutes.
const FILES_IN_FIVE_MINUTES: usize = 10_000_000;
const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    pub(super) resource: u64,
    pub(super) doer: Doer,
}

impl Actor {
    /// The API user.
    pub(super) const API: Self = Self {
        resource: API_RESOURCE,
        doer: Doer::Api,
    };
    /// A person at the screen.
    pub(super) const PERSON: Self = Self {
        resource: DISPATCHER,
        doer: Doer::Person,
    };
}

/// What a caller may lack the right to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// To read: lists come back empty, without a word.
    Query,
    /// To make new ones.
    Create,
    /// To change them.
    Update,
}

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: AutotaskSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    pub(super) hour: Option<Hour>,
    pub(super) threads: Mutex<HashMap<String, usize>>,
    pub(super) zone: AtomicU64,
    pub(super) callout: Mutex<Option<Callout>>,
    pub(super) lines: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    denied: Mutex<HashSet<(String, Access)>>,
    books: Mutex<Books>,
}

/// A row of a kind's table.
pub(super) type Row = Map<String, Value>;

/// What was entered.
pub(super) struct Books {
    tables: HashMap<&'static str, BTreeMap<u64, Row>>,
    next_ticket: u64,
    next: u64,
    files: VecDeque<(Timestamp, usize)>,
    pub(super) sequence: u64,
    pub(super) failures: HashMap<String, u32>,
}

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: AutotaskSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backend {
    pub(super) fn new(parts: Parts) -> Self {
        let hour = parts.settings.rate_limit;
        let clock = parts.clock;
        let books = Books::new(&parts.settings.username, clock.now());
        Self {
            hour: hour.map(|limit| Hour::new(limit, clock.clone())),
            settings: parts.settings,
            base_url: parts.base_url,
            journal: parts.journal,
            outbox: parts.outbox,
            threads: Mutex::default(),
            zone: AtomicU64::new(1),
            callout: Mutex::new(None),
            lines: Mutex::default(),
            denied: Mutex::default(),
            books: Mutex::new(books),
            clock,
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    /// The path of the zone that holds the database.
    pub(super) fn zone_path(&self) -> String {
        match self.zone.load(Ordering::Acquire) {
            1 => "/ATServicesRest/".to_owned(),
            number => format!("/zone{number}/ATServicesRest/"),
        }
    }

    pub(super) fn deny(&self, entity: &str, access: Access) {
        lock(&self.denied).insert((entity.to_ascii_lowercase(), access));
    }

    pub(super) fn may(&self, entity: &str, access: Access) -> bool {
        !lock(&self.denied).contains(&(entity.to_ascii_lowercase(), access))
    }

    pub(super) fn row(&self, shape: &Shape, id: u64) -> Option<Row> {
        self.books().get(shape.name, id).cloned()
    }

    /// Makes an object. Its id.
    pub(super) fn create(
        self: &Arc<Self>,
        shape: &'static Shape,
        actor: Actor,
        body: &Value,
    ) -> Result<u64, Trouble> {
        self.create_under(shape, actor, body, None)
    }

    /// Makes an object that belongs to a parent by one of its fields. Its id.
    pub(super) fn create_under(
        self: &Arc<Self>,
        shape: &'static Shape,
        actor: Actor,
        body: &Value,
        parent: Option<(&'static str, u64)>,
    ) -> Result<u64, Trouble> {
        let now = self.clock.now();
        let mut books = self.books();
        let mut row = clean::read(shape, body, Mode::New, &books)?;
        books.rules_for_new(shape, &row, now)?;
        let id = if shape.name == "Tickets" {
            books.next_ticket += 1;
            books.next_ticket - 1
        } else {
            books.take_id()
        };
        row.insert("id".to_owned(), json!(id));
        if let Some((field, parent)) = parent {
            row.insert(field.to_owned(), json!(parent));
        }
        complete_new(shape, &mut row, actor, now, &books);
        books.insert(shape.name, id, row.clone());
        if shape.name == "TicketNotes" {
            books.touch_ticket(&row, actor, now);
        }
        drop(books);
        self.record(Deed::Created, shape, &row, actor);
        self.tell(&Event::created(shape, &row, actor));
        Ok(id)
    }

    /// Changes an object: the given fields, or with `Mode::Whole` all of them.
    pub(super) fn change(
        self: &Arc<Self>,
        shape: &'static Shape,
        actor: Actor,
        body: &Value,
        mode: Mode,
    ) -> Result<u64, Trouble> {
        let now = self.clock.now();
        let id = super::query::member(body, "id").and_then(clean::whole);
        let id = id.ok_or_else(|| Trouble::said("The id is required."))?;
        let mut books = self.books();
        let before = books
            .get(shape.name, id)
            .cloned()
            .ok_or_else(Trouble::no_records)?;
        let changes = clean::read(shape, body, mode, &books)?;
        let mut row = before.clone();
        for (name, value) in changes {
            if name == "userDefinedFields" && mode == Mode::Part {
                merge_user_defined(&mut row, &value);
            } else {
                row.insert(name, value);
            }
        }
        clean::check_whole(shape, &row)?;
        rules_for_change(shape, &before, &row, body)?;
        let changed: Vec<&'static str> = shape
            .fields
            .iter()
            .map(|field| field.name)
            .filter(|name| before.get(*name) != row.get(*name))
            .collect();
        let same_custom = before.get("userDefinedFields") == row.get("userDefinedFields");
        if changed.is_empty() && same_custom {
            return Ok(id);
        }
        complete_changed(shape, &mut row, actor, now);
        books.insert(shape.name, id, row.clone());
        drop(books);
        let deed = Deed::Updated;
        self.record_change(deed, shape, &row, actor, &changed);
        self.tell(&Event::updated(shape, &row, &changed, actor));
        Ok(id)
    }

    pub(super) fn remove(&self, shape: &Shape, id: u64, actor: Actor) -> Result<(), Trouble> {
        let gone = self.books().remove(shape.name, id);
        let row = gone.ok_or_else(Trouble::no_records)?;
        self.record(Deed::Removed, shape, &row, actor);
        Ok(())
    }

    fn record(&self, deed: Deed, shape: &Shape, row: &Row, actor: Actor) {
        // A note is known by what it says, not by the title that every note of an integration has.
        let names = match thing(shape.name) {
            Some(Thing::Note) => ["description", "title", "name", "summaryNotes", "webhookUrl"],
            _ => ["title", "name", "description", "summaryNotes", "webhookUrl"],
        };
        let detail = names
            .iter()
            .find_map(|name| row.get(*name)?.as_str())
            .unwrap_or_default();
        self.journal_write(deed, shape, row, actor, detail);
    }

    fn record_change(&self, deed: Deed, shape: &Shape, row: &Row, actor: Actor, changed: &[&str]) {
        self.journal_write(deed, shape, row, actor, &changed.join(", "));
    }

    fn journal_write(&self, deed: Deed, shape: &Shape, row: &Row, actor: Actor, detail: &str) {
        let Some(thing) = thing(shape.name) else {
            return;
        };
        let id = row.get("id").and_then(Value::as_u64).unwrap_or_default();
        let mut write = Write::new(deed, thing, id, actor.doer).called(detail);
        if thing == Thing::Ticket {
            write = write.marked(row.get("externalID").and_then(Value::as_str));
        }
        let parent = ["ticketID", "parentID"]
            .iter()
            .find_map(|name| row.get(*name)?.as_u64());
        if let Some(parent) = parent {
            write = write.within(parent);
        }
        self.journal.record(write);
    }
}

fn thing(entity: &str) -> Option<Thing> {
    Some(match entity {
        "Tickets" => Thing::Ticket,
        "TicketNotes" => Thing::Note,
        "TicketAttachments" => Thing::File,
        "ServiceCalls" | "ServiceCallTickets" | "ServiceCallTicketResources" => {
            Thing::ScheduleEntry
        }
        "TimeEntries" => Thing::TimeEntry,
        "TicketCharges" | "ExpenseItems" => Thing::Charge,
        "TicketWebhooks" | "TicketNoteWebhooks" => Thing::Subscription,
        _ => return None,
    })
}

fn merge_user_defined(row: &mut Row, changes: &Value) {
    let held = row.get("userDefinedFields").and_then(Value::as_array);
    let mut list = held.cloned().unwrap_or_default();
    for change in changes.as_array().into_iter().flatten() {
        list.retain(|field| field["name"] != change["name"]);
        list.push(change.clone());
    }
    row.insert("userDefinedFields".to_owned(), json!(list));
}

/// What the system itself writes on a new object.
fn complete_new(shape: &Shape, row: &mut Row, actor: Actor, now: Timestamp, books: &Books) {
    let stamp = clean::stamp(now);
    let id = row.get("id").and_then(Value::as_u64).unwrap_or_default();
    let mut put = |name: &str, value: Value| {
        row.insert(name.to_owned(), value);
    };
    match shape.name {
        "Tickets" => {
            let day = now.strftime("%Y%m%d");
            put("ticketNumber", json!(format!("T{day}.{:04}", id % 10_000)));
            put("createDate", json!(stamp));
            put("creatorResourceID", json!(actor.resource));
            put("creatorType", json!(1));
            note_activity(row, actor, now);
        }
        "TicketNotes" => {
            put("createDateTime", json!(stamp));
            put("lastActivityDate", json!(stamp));
            put("creatorResourceID", json!(actor.resource));
        }
        "TicketAttachments" => {
            let data = row.get("data").and_then(Value::as_str).unwrap_or_default();
            let size = STANDARD
                .decode(data)
                .map(|bytes| bytes.len())
                .unwrap_or_default();
            let path = row
                .get("fullPath")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let media_type = media_type(path);
            row.insert("fileSize".to_owned(), json!(size));
            row.insert("contentType".to_owned(), json!(media_type));
            row.insert("attachDate".to_owned(), json!(stamp));
            row.insert("attachedByResourceID".to_owned(), json!(actor.resource));
        }
        "TicketCharges" => {
            put("isBilled", json!(false));
            put("createDate", json!(stamp));
            put("creatorResourceID", json!(actor.resource));
            price(row, books);
        }
        "ServiceCalls" => {
            put("createDateTime", json!(stamp));
            put("lastModifiedDateTime", json!(stamp));
            put("creatorResourceID", json!(actor.resource));
        }
        "TimeEntries" => {
            put("createDateTime", json!(stamp));
            put("lastModifiedDateTime", json!(stamp));
            put("creatorUserID", json!(actor.resource));
            count_hours(row);
        }
        "ExpenseReports" => put("status", json!(1)),
        "TicketWebhooks" | "TicketNoteWebhooks" => {
            put("webhookGUID", json!(uuid::Uuid::now_v7().to_string()));
            put("ownerResourceID", json!(actor.resource));
        }
        _ => {}
    }
}

fn complete_changed(shape: &Shape, row: &mut Row, actor: Actor, now: Timestamp) {
    match shape.name {
        "Tickets" => {
            if row.get("status") == Some(&json!(5)) {
                row.insert("completedDate".to_owned(), json!(clean::stamp(now)));
            }
            note_activity(row, actor, now);
        }
        "ServiceCalls" | "TimeEntries" => {
            row.insert("lastModifiedDateTime".to_owned(), json!(clean::stamp(now)));
            count_hours(row);
        }
        _ => {}
    }
}

fn note_activity(row: &mut Row, actor: Actor, now: Timestamp) {
    row.insert("lastActivityDate".to_owned(), json!(clean::stamp(now)));
    row.insert("lastActivityResourceID".to_owned(), json!(actor.resource));
    row.insert("lastActivityPersonType".to_owned(), json!(1));
}

/// A charge without a price takes that of its code; its amount follows from quantity and price.
fn price(row: &mut Row, books: &Books) {
    let number = |row: &Row, name: &str| row.get(name).and_then(Value::as_f64);
    let code = row.get("billingCodeID").and_then(Value::as_u64);
    let code = code.and_then(|code| books.get("BillingCodes", code));
    for name in ["unitCost", "unitPrice"] {
        if number(row, name).is_none()
            && let Some(value) = code.and_then(|code| number(code, name))
        {
            row.insert(name.to_owned(), json!(value));
        }
    }
    if number(row, "billableAmount").is_none()
        && let (Some(quantity), Some(price)) =
            (number(row, "unitQuantity"), number(row, "unitPrice"))
    {
        row.insert("billableAmount".to_owned(), json!(quantity * price));
    }
}

fn count_hours(row: &mut Row) {
    let at = |name: &str| row.get(name).and_then(Value::as_str).and_then(moment);
    let (start, end) = (at("startDateTime"), at("endDateTime"));
    if row.get("hoursWorked").is_none_or(Value::is_null)
        && let (Some(start), Some(end)) = (start, end)
    {
        let hours = end.duration_since(start).as_secs_f64() / 3_600.0;
        row.insert("hoursWorked".to_owned(), json!(hours));
    }
}

fn media_type(path: &str) -> &'static str {
    match path
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        _ => "application/octet-stream",
    }
}

/// What can't be changed on what is there.
fn rules_for_change(shape: &Shape, before: &Row, row: &Row, body: &Value) -> Result<(), Trouble> {
    let told = |name: &str| super::query::member(body, name).is_some_and(|value| !value.is_null());
    match shape.name {
        "ServiceCalls" if row.get("status") == Some(&json!(CANCELED)) => {
            let locked = ["startDateTime", "endDateTime", "isComplete"];
            if locked.into_iter().any(told) {
                return Err(Trouble::said(
                    "The startDateTime, endDateTime and isComplete cannot be edited if status is of type \"Canceled\".",
                ));
            }
            Ok(())
        }
        "TicketCharges" if before.get("isBilled") == Some(&json!(true)) => Err(Trouble::said(
            "The charge cannot be edited because it has been billed.",
        )),
        _ => Ok(()),
    }
}

impl Books {
    fn new(username: &str, now: Timestamp) -> Self {
        let mut books = Self {
            tables: SHAPES
                .iter()
                .map(|shape| (shape.name, BTreeMap::new()))
                .collect(),
            next_ticket: FIRST_TICKET,
            next: FIRST_OTHER,
            files: VecDeque::new(),
            sequence: 0,
            failures: HashMap::new(),
        };
        books.seed(username, now);
        books
    }

    fn seed(&mut self, username: &str, now: Timestamp) {
        let mut put = |entity: &str, id: u64, members: Value| {
            let Some(shape) = named(entity) else {
                return;
            };
            let mut row: Row = shape
                .fields
                .iter()
                .map(|field| (field.name.to_owned(), Value::Null))
                .collect();
            row.extend(members.as_object().cloned().unwrap_or_default());
            row.insert("id".to_owned(), json!(id));
            self.insert(shape.name, id, row);
        };
        let resource = |first: &str, last: &str, name: &str, mail: &str| {
            json!({"firstName": first, "lastName": last, "userName": name, "email": mail,
                "officePhone": "555-0100", "isActive": true})
        };
        put(
            "Resources",
            API_RESOURCE,
            resource("Integration", "User", "apiuser", username),
        );
        put(
            "Resources",
            DISPATCHER,
            resource(
                "Alex",
                "Dispatcher",
                "adispatcher",
                "alex.dispatcher@example.com",
            ),
        );
        put(
            "Resources",
            11,
            resource(
                "Sam",
                "Fieldtech",
                "sfieldtech",
                "sam.fieldtech@example.com",
            ),
        );
        put(
            "Roles",
            ROLE,
            json!({"name": "IT: Technician I", "isActive": true}),
        );
        put(
            "BillingCodes",
            3,
            json!({"name": "Materials", "unitCost": 0.0, "unitPrice": 0.0, "isActive": true}),
        );
        put(
            "Companies",
            COMPANY,
            json!({"companyName": "Harborlight Retail", "companyNumber": "HB", "companyType": 1,
            "phone": "555-0101", "address1": "", "address2": "", "city": "", "state": "", "postalCode": "",
            "countryID": 237, "isActive": true, "lastActivityDate": clean::stamp(now)}),
        );
        put(
            "Contacts",
            CONTACT,
            json!({"companyID": COMPANY, "firstName": "Robin", "lastName": "Storekeeper",
            "emailAddress": "robin.storekeeper@example.com", "phone": "612-555-0102", "mobilePhone": "612-555-0103", "isActive": 1}),
        );
        put(
            "Contacts",
            INACTIVE_CONTACT,
            json!({"companyID": COMPANY, "firstName": "Former", "lastName": "Storekeeper",
            "isActive": 0}),
        );
        for (id, place) in (FIRST_LOCATION..).zip(PLACES) {
            put(
                "CompanyLocations",
                id,
                json!({"companyID": COMPANY, "name": place.code, "address1": place.street,
                "address2": "", "city": place.city, "state": place.state, "postalCode": place.zip,
                "countryID": 237, "isActive": true, "isPrimary": false}),
            );
        }
        for (id, state) in [(LOCATION_WITHOUT_STATE, ""), (LOCATION_ODD_STATE, "Minn.")] {
            put(
                "CompanyLocations",
                id,
                json!({"companyID": COMPANY, "name": "HB-0199", "address1": "1 Unfinished Way",
                "address2": "", "city": "Minneapolis", "state": state, "postalCode": "55401", "countryID": 237,
                "isActive": true, "isPrimary": false}),
            );
        }
    }

    pub(super) fn get(&self, entity: &str, id: u64) -> Option<&Row> {
        self.tables.get(entity)?.get(&id)
    }

    pub(super) fn insert(&mut self, entity: &'static str, id: u64, row: Row) {
        self.tables.entry(entity).or_default().insert(id, row);
    }

    fn remove(&mut self, entity: &str, id: u64) -> Option<Row> {
        self.tables.get_mut(entity)?.remove(&id)
    }

    /// The objects of a kind, by id.
    pub(super) fn rows(&self, entity: &str) -> impl Iterator<Item = &Row> {
        self.tables
            .get(entity)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    pub(super) fn take_id(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// The objects of a kind whose field holds this id.
    pub(super) fn children(&self, entity: &str, field: &str, parent: u64) -> Vec<Row> {
        let parent = json!(parent);
        self.rows(entity)
            .filter(|row| row.get(field) == Some(&parent))
            .cloned()
            .collect()
    }

    fn touch_ticket(&mut self, note: &Row, actor: Actor, now: Timestamp) {
        let ticket = note.get("ticketID").and_then(Value::as_u64);
        let ticket = ticket.and_then(|id| self.tables.get_mut("Tickets")?.get_mut(&id));
        if let Some(ticket) = ticket {
            note_activity(ticket, actor, now);
        }
    }

    fn rules_for_new(&mut self, shape: &Shape, row: &Row, now: Timestamp) -> Result<(), Trouble> {
        let has = |name: &str| {
            row.get(name)
                .is_some_and(|value| !value.is_null() && value != "")
        };
        let has_times = has("startDateTime") && has("endDateTime");
        match shape.name {
            "Tickets" if !has("queueID") && !has("assignedResourceID") => Err(Trouble::said(
                "A queueID or an assignedResourceID and assignedResourceRoleID is required.",
            )),
            "TicketAttachments" => self.take_file(row, now),
            "TicketCharges" if !has("billingCodeID") && !has("productID") => {
                Err(Trouble::said("A billingCodeID or productID is required."))
            }
            "TimeEntries" if !has("ticketID") && !has("taskID") => {
                Err(Trouble::said("A ticketID or taskID is required."))
            }
            "TimeEntries" if !has("roleID") => Err(Trouble::said("A roleID is required.")),
            "TimeEntries" if !has("hoursWorked") && !has_times => Err(Trouble::said(
                "The hoursWorked or startDateTime and endDateTime is required.",
            )),
            "TicketWebhooks" | "TicketNoteWebhooks" => {
                let url = row.get("webhookUrl");
                if self
                    .rows(shape.name)
                    .any(|other| other.get("webhookUrl") == url)
                {
                    return Err(Trouble::said(
                        "A webhook of this entity with this URL already exists.",
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_file(&mut self, row: &Row, now: Timestamp) -> Result<(), Trouble> {
        let data = row.get("data").and_then(Value::as_str).unwrap_or_default();
        let bytes = STANDARD.decode(data).map_err(|_| {
            Trouble::said("The data of the attachment is not a valid base64 string.")
        })?;
        if bytes.is_empty() {
            return Err(Trouble::said("The data is required."));
        }
        if bytes.len() > LARGEST_FILE {
            return Err(Trouble::said(
                "The attachment exceeds the maximum size of 6 MB.",
            ));
        }
        let path = row
            .get("fullPath")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if path.to_ascii_lowercase().ends_with(".exe") {
            return Err(Trouble::said(
                "Files of this type cannot be attached: invalid value for fullPath.",
            ));
        }
        let age = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
        self.files.retain(|(at, _)| age(*at) < FIVE_MINUTES);
        let used: usize = self.files.iter().map(|(_, size)| size).sum();
        if used + bytes.len() > FILES_IN_FIVE_MINUTES {
            return Err(Trouble::Suspended { seconds: 300 });
        }
        self.files.push_back((now, bytes.len()));
        Ok(())
    }
}
