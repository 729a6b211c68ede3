//! A ticket: its fields, what they take, and how a write changes them.

use serde_json::{Map, Value, json};

use super::paging::{Record, id_of};
use super::setup::{self, CUSTOM_FIELDS, Setup};
use super::trouble::{Fault, Trouble};
use crate::model::Timestamp;

/// A ticket as the API shows it, with what indexes need.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) shown: Value,
    /// To the second, as the API shows it.
    pub(super) updated: Timestamp,
}

impl Record for Ticket {
    fn shown(&self) -> &Value {
        &self.shown
    }
}

impl Ticket {
    pub(super) fn id(&self) -> u64 {
        id_of(&self.shown)
    }

    /// The external reference; `""` when it has none.
    pub(super) fn external_reference(&self) -> &str {
        self.shown["externalXRef"].as_str().unwrap_or_default()
    }

    pub(super) fn board(&self) -> u64 {
        id_of(&self.shown["board"])
    }

    pub(super) fn status(&self) -> u64 {
        id_of(&self.shown["status"])
    }

    pub(super) fn status_name(&self) -> &str {
        self.shown["status"]["name"].as_str().unwrap_or_default()
    }
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text(usize),
    Number,
    Flag,
    Date,
    Choice(&'static [&'static str]),
    Reference,
    CustomFields,
    Texts,
    /// Shown, never taken: a write to it is ignored.
    ReadOnly,
    /// Taken, never shown.
    WriteOnly,
}

const LEVELS: &[&str] = &["Low", "Medium", "High"];
const BILLING: &[&str] = &["Billable", "DoNotBill", "NoCharge", "NoDefault"];

/// The fields of a ticket, references before what depends on them.
const FIELDS: [(&str, Kind); 66] = [
    ("summary", Kind::Text(100)),
    ("recordType", Kind::ReadOnly),
    ("board", Kind::Reference),
    ("status", Kind::Reference),
    ("workRole", Kind::Reference),
    ("workType", Kind::Reference),
    ("company", Kind::Reference),
    ("site", Kind::Reference),
    ("siteName", Kind::Text(50)),
    ("addressLine1", Kind::Text(50)),
    ("addressLine2", Kind::Text(50)),
    ("city", Kind::Text(50)),
    ("stateIdentifier", Kind::Text(50)),
    ("zip", Kind::Text(12)),
    ("country", Kind::Reference),
    ("contact", Kind::Reference),
    ("contactName", Kind::Text(62)),
    ("contactPhoneNumber", Kind::Text(20)),
    ("contactPhoneExtension", Kind::Text(15)),
    ("contactEmailAddress", Kind::Text(250)),
    ("type", Kind::Reference),
    ("subType", Kind::Reference),
    ("item", Kind::Reference),
    ("team", Kind::Reference),
    ("owner", Kind::Reference),
    ("priority", Kind::Reference),
    ("serviceLocation", Kind::Reference),
    ("source", Kind::Reference),
    ("requiredDate", Kind::Date),
    ("budgetHours", Kind::Number),
    ("opportunity", Kind::Reference),
    ("agreement", Kind::Reference),
    ("severity", Kind::Choice(LEVELS)),
    ("impact", Kind::Choice(LEVELS)),
    ("externalXRef", Kind::Text(100)),
    ("poNumber", Kind::Text(50)),
    ("allowAllClientsPortalView", Kind::Flag),
    ("customerUpdatedFlag", Kind::Flag),
    ("automaticEmailContactFlag", Kind::Flag),
    ("automaticEmailResourceFlag", Kind::Flag),
    ("automaticEmailCcFlag", Kind::Flag),
    ("automaticEmailCc", Kind::Text(1_000)),
    ("initialDescription", Kind::WriteOnly),
    ("initialInternalAnalysis", Kind::WriteOnly),
    ("initialResolution", Kind::WriteOnly),
    ("contactEmailLookup", Kind::WriteOnly),
    ("processNotifications", Kind::WriteOnly),
    ("skipCallback", Kind::WriteOnly),
    ("closedDate", Kind::ReadOnly),
    ("closedBy", Kind::ReadOnly),
    ("closedFlag", Kind::ReadOnly),
    ("enteredBy", Kind::ReadOnly),
    ("actualHours", Kind::ReadOnly),
    ("approved", Kind::Flag),
    ("resources", Kind::ReadOnly),
    ("parentTicketId", Kind::Number),
    ("billTime", Kind::Choice(BILLING)),
    ("billExpenses", Kind::Choice(BILLING)),
    ("billProducts", Kind::Choice(BILLING)),
    ("estimatedStartDate", Kind::Date),
    ("duration", Kind::Number),
    ("location", Kind::Reference),
    ("department", Kind::Reference),
    ("integratorTags", Kind::Texts),
    ("id", Kind::ReadOnly),
    ("customFields", Kind::CustomFields),
];

fn kind_of(name: &str) -> Option<Kind> {
    let field = FIELDS.iter().find(|(field, _)| *field == name);
    field.map(|(_, kind)| *kind)
}

/// Whether conditions may name this.
pub(super) fn is_recognized(path: &str) -> bool {
    let (name, child) = path.split_once('/').unwrap_or((path, ""));
    match kind_of(name) {
        Some(Kind::Reference) => ["", "id", "name", "identifier"].contains(&child),
        Some(Kind::CustomFields | Kind::Texts | Kind::WriteOnly) => false,
        Some(_) => child.is_empty(),
        None => matches!(
            path,
            "lastUpdated"
                | "_info/lastUpdated"
                | "_info/updatedBy"
                | "_info/dateEntered"
                | "dateEntered"
        ),
    }
}

/// A write in progress.
pub(super) struct Writing<'a> {
    pub(super) setup: &'a Setup,
    pub(super) base: &'a str,
    pub(super) fields: Map<String, Value>,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Writing<'a> {
    /// Begins with the defaults of a new ticket.
    pub(super) fn new(setup: &'a Setup, base: &'a str, id: u64) -> Self {
        let mut writing = Self {
            setup,
            base,
            fields: Map::new(),
            faults: Vec::new(),
        };
        let defaults = [
            ("id", json!(id)),
            ("summary", json!("")),
            ("recordType", json!("ServiceTicket")),
            ("severity", json!("Medium")),
            ("impact", json!("Medium")),
            ("billTime", json!("NoDefault")),
            ("billExpenses", json!("NoDefault")),
            ("billProducts", json!("NoDefault")),
            ("closedFlag", json!(false)),
            ("approved", json!(true)),
            ("customFields", custom_fields(&Map::new())),
        ];
        for (name, value) in defaults {
            writing.fields.insert(name.to_owned(), value);
        }
        for (name, chosen) in [
            ("board", json!({"id": setup::BOARD})),
            ("priority", json!({"id": 4})),
            ("source", json!({"id": 2})),
            ("serviceLocation", json!({"id": 1})),
        ] {
            writing.set(name, &chosen);
        }
        writing
    }

    /// Begins with a stored ticket.
    pub(super) fn of(setup: &'a Setup, base: &'a str, ticket: &Ticket) -> Self {
        Self {
            setup,
            base,
            fields: ticket.shown.as_object().cloned().unwrap_or_default(),
            faults: Vec::new(),
        }
    }

    /// Applies the members of an object in an order in which references make sense. Unknown members are
    /// ignored.
    pub(super) fn set_all(&mut self, body: &Map<String, Value>) {
        for required in ["summary", "company"] {
            let value = body.get(required).unwrap_or(&Value::Null);
            if value.is_null() || value == "" {
                self.faults.push(Fault::missing(required));
            }
        }
        for (name, _) in FIELDS {
            if let Some(value) = body.get(name) {
                self.set(name, value);
            }
        }
    }

    /// Applies the operations of a PATCH. One on a sub-path is answered with 200 and does nothing.
    pub(super) fn patch(&mut self, operations: &[Value]) -> Result<(), Trouble> {
        let mut chosen: Vec<(&str, Value)> = Vec::new();
        for operation in operations {
            let (path, value) = read_operation(operation)?;
            let (name, is_whole) = match path.split_once('/') {
                Some((parent, _)) => (parent, false),
                None => (path, true),
            };
            if kind_of(name).is_none() && name != "_info" {
                let message = format!("{name} is not a member of the object.");
                self.faults.push(Fault::invalid(name, message));
            }
            if is_whole {
                chosen.push((name, value));
            }
        }
        // A board must be known before its status, whichever comes first in the list.
        for (name, _) in FIELDS {
            for (_, value) in chosen.iter().filter(|(chosen, _)| *chosen == name) {
                self.set(name, value);
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &Value) {
        let Some(kind) = kind_of(name) else {
            return;
        };
        let taken = match kind {
            Kind::ReadOnly | Kind::WriteOnly => return,
            Kind::Reference => return self.set_reference(name, value),
            Kind::CustomFields => return self.set_custom_fields(value),
            _ if value.is_null() => Ok(()),
            Kind::Text(longest) => check_text(name, value, longest),
            Kind::Number => check(value.is_number(), name, "a number"),
            Kind::Flag => check(value.is_boolean(), name, "true or false"),
            Kind::Date => check(is_date(value), name, "a UTC date like 2026-01-31T08:00:00Z"),
            Kind::Texts => check(value.is_array(), name, "a list"),
            Kind::Choice(choices) => {
                let is_choice = value.as_str().is_some_and(|text| choices.contains(&text));
                check(is_choice, name, &choices.join(", "))
            }
        };
        match taken {
            Err(fault) => self.faults.push(fault),
            Ok(()) if value.is_null() && name == "summary" => {
                self.faults.push(Fault::missing(name));
            }
            Ok(()) if value.is_null() => _ = self.fields.shift_remove(name),
            Ok(()) => _ = self.fields.insert(name.to_owned(), value.clone()),
        }
    }

    fn id_in(&self, name: &str) -> u64 {
        self.fields.get(name).map_or(0, id_of)
    }

    /// Where the rows that a reference may name are, and what its link is called.
    fn candidates(&self, name: &str) -> Vec<&'a Value> {
        let board = self.id_in("board");
        let rows = match name {
            "board" => self.setup.table("service/boards"),
            "status" => Some(self.setup.of_board("statuses", board)),
            "type" => Some(self.setup.of_board("types", board)),
            "subType" => Some(self.setup.of_board("subtypes", board)),
            "item" => Some(self.setup.of_board("items", board)),
            "team" => Some(self.setup.of_board("teams", board)),
            "company" => self.setup.table("company/companies"),
            "site" => return self.setup.sites(self.id_in("company")),
            "contact" => self.setup.table("company/contacts"),
            "owner" => self.setup.table("system/members"),
            "priority" => self.setup.table("service/priorities"),
            "source" => self.setup.table("service/sources"),
            "serviceLocation" => self.setup.table("service/locations"),
            "location" => self.setup.table("system/locations"),
            _ => None,
        };
        rows.unwrap_or_default().iter().collect()
    }

    fn set_reference(&mut self, name: &str, value: &Value) {
        if value.is_null() {
            if ["board", "status", "company"].contains(&name) {
                self.faults.push(Fault::missing(name));
            } else {
                self.fields.shift_remove(name);
            }
            return;
        }
        let candidates = self.candidates(name);
        let Some(row) = candidates.into_iter().find(|row| is_meant(row, value)) else {
            self.faults.push(Fault::dangling(name));
            return;
        };
        let reference = reference(name, row, self.base);
        self.fields.insert(name.to_owned(), reference);
        match name {
            "board" => self.take_default_status(),
            "site" => self.take_address(row),
            "contact" => self.take_contact(row),
            _ => {}
        }
    }

    /// A ticket that comes to another board starts in that board's default status.
    fn take_default_status(&mut self) {
        let board = self.id_in("board");
        let statuses = self.setup.of_board("statuses", board);
        let current = self.id_in("status");
        if statuses.iter().any(|status| id_of(status) == current) {
            return;
        }
        if let Some(first) = statuses.iter().find(|status| status["defaultFlag"] == true) {
            let reference = reference("status", first, self.base);
            self.fields.insert("status".to_owned(), reference);
        }
        for dependent in ["type", "subType", "item", "team"] {
            self.fields.shift_remove(dependent);
        }
    }

    fn take_address(&mut self, site: &Value) {
        let copied = [
            ("siteName", site.get("name")),
            ("addressLine1", site.get("addressLine1")),
            ("city", site.get("city")),
            (
                "stateIdentifier",
                site.get("stateReference")
                    .and_then(|state| state.get("identifier")),
            ),
            ("zip", site.get("zip")),
            ("country", site.get("country")),
        ];
        for (name, value) in copied {
            match value {
                Some(value) => _ = self.fields.insert(name.to_owned(), value.clone()),
                None => _ = self.fields.shift_remove(name),
            }
        }
    }

    fn take_contact(&mut self, contact: &Value) {
        let item = |kind: &str| {
            let items = contact["communicationItems"].as_array()?;
            let item = items
                .iter()
                .find(|item| item["communicationType"] == kind)?;
            Some(item["value"].clone())
        };
        let copied = [
            ("contactName", contact.get("name").cloned()),
            ("contactPhoneNumber", item("Phone")),
            ("contactEmailAddress", item("Email")),
        ];
        for (name, value) in copied {
            if let Some(value) = value {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }

    /// Takes the whole list: a custom field that is not in it loses its value.
    fn set_custom_fields(&mut self, value: &Value) {
        let Some(given) = value.as_array() else {
            let message = "customFields must be the whole list of custom fields.";
            self.faults.push(Fault::invalid("customFields", message));
            return;
        };
        let mut values = Map::new();
        for field in given {
            let id = id_of(field);
            let definition = CUSTOM_FIELDS.iter().find(|(known, ..)| *known == id);
            let Some((_, caption, kind, _, options)) = definition else {
                self.faults.push(Fault::dangling("customFields"));
                continue;
            };
            let value = field.get("value").unwrap_or(&Value::Null);
            if let Some(wanted) = objection(kind, options, value) {
                let message = format!("Custom field {caption} must be {wanted}.");
                self.faults.push(Fault::invalid("customFields", message));
            }
            values.insert(id.to_string(), value.clone());
        }
        self.fields
            .insert("customFields".to_owned(), custom_fields(&values));
    }

    /// Finishes the write: the ticket, or all that is wrong with it.
    pub(super) fn finish(mut self, now: Timestamp, member: &str) -> Result<Ticket, Trouble> {
        let board = self.id_in("board");
        let status = self.id_in("status");
        let statuses = self.setup.of_board("statuses", board);
        let status = statuses.iter().find(|row| id_of(row) == status);
        if status.is_none() && self.faults.is_empty() {
            self.faults.push(Fault::dangling("status"));
        }
        if !self.faults.is_empty() {
            return Err(Trouble::Invalid {
                resource: "ticket",
                faults: self.faults,
            });
        }
        let seconds = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let is_closed = status.is_some_and(|status| status["closedStatus"] == true);
        let was_closed = self.fields.get("closedFlag").and_then(Value::as_bool) == Some(true);
        self.fields
            .insert("closedFlag".to_owned(), json!(is_closed));
        if is_closed && !was_closed {
            self.fields
                .insert("closedDate".to_owned(), json!(seconds.to_string()));
            self.fields.insert("closedBy".to_owned(), json!(member));
        }
        self.sign(seconds, member);
        Ok(Ticket {
            shown: Value::Object(self.fields),
            updated: seconds,
        })
    }

    fn sign(&mut self, now: Timestamp, member: &str) {
        let id = self.id_in("id");
        let href = |part: &str| format!("{}/service/tickets/{id}/{part}", self.base);
        let stamp = json!(now.to_string());
        let fresh = || {
            json!({
                "dateEntered": stamp,
                "enteredBy": member,
                "notes_href": href("notes"),
                "documents_href": href("documents"),
                "scheduleentries_href": href("scheduleentries"),
            })
        };
        let mut info = self.fields.shift_remove("_info").unwrap_or_else(fresh);
        info["lastUpdated"] = stamp.clone();
        info["updatedBy"] = json!(member);
        self.fields.insert("_info".to_owned(), info);
    }
}

/// The custom fields with these values, by id.
fn custom_fields(values: &Map<String, Value>) -> Value {
    let field = |(id, caption, kind, entry, _): &(u64, &str, &str, &str, &[&str])| {
        let mut field = json!({
            "id": id,
            "caption": caption,
            "type": kind,
            "entryMethod": entry,
            "numberOfDecimals": 0,
        });
        if let Some(value) = values.get(&id.to_string()).filter(|value| !value.is_null()) {
            field["value"] = value.clone();
        }
        field
    };
    CUSTOM_FIELDS.iter().map(field).collect()
}

/// What a custom field wants instead of this value.
fn objection(kind: &str, options: &[&str], value: &Value) -> Option<String> {
    let is_fine = match (kind, value) {
        (_, Value::Null) => true,
        ("Checkbox", value) => value.is_boolean(),
        ("Number", value) => value.is_number(),
        (_, Value::String(text)) => options.is_empty() || options.contains(&text.as_str()),
        _ => false,
    };
    (!is_fine).then(|| match kind {
        "Checkbox" => "true or false".to_owned(),
        "Number" => "a number".to_owned(),
        _ if options.is_empty() => "a text".to_owned(),
        _ => format!("one of: {}", options.join(", ")),
    })
}

/// Whether a reference as given means this row: by id, else by identifier, else by name.
fn is_meant(row: &Value, given: &Value) -> bool {
    if let Some(id) = given.get("id").filter(|id| !id.is_null()) {
        return id.as_u64() == Some(id_of(row));
    }
    for key in ["identifier", "name"] {
        if let Some(text) = given.get(key).and_then(Value::as_str) {
            let actual = row.get(key).and_then(Value::as_str);
            return actual.is_some_and(|actual| actual.eq_ignore_ascii_case(text));
        }
    }
    false
}

/// A reference as the API shows it: id, name, maybe identifier, and a link.
pub(super) fn reference(name: &str, row: &Value, base: &str) -> Value {
    let id = id_of(row);
    let path = match name {
        "board" => format!("service/boards/{id}"),
        "status" => format!("service/boards/{}/statuses/{id}", id_of(&row["board"])),
        "company" => format!("company/companies/{id}"),
        "site" => format!("company/companies/{}/sites/{id}", id_of(&row["company"])),
        "contact" => format!("company/contacts/{id}"),
        "owner" | "member" => format!("system/members/{id}"),
        "priority" => format!("service/priorities/{id}"),
        "source" => format!("service/sources/{id}"),
        _ => String::new(),
    };
    let mut shown = json!({"id": id});
    for key in ["identifier", "name"] {
        if let Some(text) = row.get(key) {
            shown[key] = text.clone();
        }
    }
    if !path.is_empty() {
        let link = format!("{name}_href");
        shown["_info"] = json!({link: format!("{base}/{path}")});
    }
    shown
}

/// An operation's path without its optional leading slash, and its value; null for a removal.
pub(super) fn read_operation(operation: &Value) -> Result<(&str, Value), Trouble> {
    let invalid =
        |field: &str, message: &str| Trouble::invalid("operation", Fault::invalid(field, message));
    let Some(operation) = operation.as_object() else {
        return Err(invalid("operation", "Each operation must be an object."));
    };
    let path = operation
        .get("path")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Err(invalid("path", "path is required."));
    }
    match operation.get("op").and_then(Value::as_str) {
        Some("add" | "replace") => {
            let value = operation.get("value").cloned().unwrap_or(Value::Null);
            Ok((path, value))
        }
        Some("remove") => Ok((path, Value::Null)),
        _ => Err(invalid("op", "op must be one of: add, replace, remove.")),
    }
}

fn check(holds: bool, name: &str, wanted: &str) -> Result<(), Fault> {
    if holds {
        return Ok(());
    }
    Err(Fault::invalid(name, format!("{name} must be {wanted}.")))
}

fn check_text(name: &str, value: &Value, longest: usize) -> Result<(), Fault> {
    let Some(text) = value.as_str() else {
        return check(false, name, "a text");
    };
    let wanted = format!("at most {longest} characters long");
    check(text.chars().count() <= longest, name, &wanted)
}

fn is_date(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.ends_with('Z') && text.parse::<Timestamp>().is_ok()
}
