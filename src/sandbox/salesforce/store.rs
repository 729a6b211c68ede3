//! The org's rows: kept by object and number, found by id, changed under the org's rules.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::ids;
use super::problem::Problem;
use super::schema::{Field, Key, Object, objects};
use super::values::{Purpose, check, shown};
use crate::model::Timestamp;

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) fields: Map<String, Value>,
    pub(super) is_deleted: bool,
}

impl Row {
    pub(super) fn id(&self) -> &str {
        self.text("Id")
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// All that was entered.
pub(super) struct Books {
    pub(super) schema: BTreeMap<&'static str, Object>,
    /// The objects as the integration user sees them.
    seen: BTreeMap<&'static str, Object>,
    rows: HashMap<&'static str, BTreeMap<u64, Row>>,
    places: HashMap<String, (&'static str, u64)>,
    pub(super) blobs: HashMap<String, Bytes>,
    next: HashMap<&'static str, u64>,
}

/// The first case's number: the vendor's samples begin here.
const FIRST_CASE: u64 = 1_026;

impl Books {
    /// An empty org, in which our user does not see these fields.
    pub(super) fn new(hidden: &[(&'static str, &'static str)]) -> Self {
        let schema: BTreeMap<_, _> = objects()
            .into_iter()
            .map(|object| (object.name, object))
            .collect();
        let mut seen = schema.clone();
        for (object, name) in hidden {
            if let Some(object) = seen.get_mut(object) {
                object.fields.retain(|field| field.name != *name);
            }
        }
        Self {
            schema,
            seen,
            rows: HashMap::new(),
            places: HashMap::new(),
            blobs: HashMap::new(),
            next: HashMap::from([("Case", FIRST_CASE)]),
        }
    }

    pub(super) fn object(&self, name: &str) -> Result<&Object, Problem> {
        self.schema.get(name).ok_or_else(Problem::resource)
    }

    /// An object as the integration user sees it.
    pub(super) fn seen(&self, name: &str) -> Option<&Object> {
        self.seen.get(name)
    }

    /// The rows of an object that are not in the bin, oldest first.
    pub(super) fn rows(&self, object: &str) -> impl DoubleEndedIterator<Item = &Row> {
        let rows = self.rows.get(object).into_iter().flat_map(BTreeMap::values);
        rows.filter(|row| !row.is_deleted)
    }

    /// The row of an id, whichever object it belongs to, and the object.
    pub(super) fn any(&self, id: &str) -> Option<(&'static str, &Row)> {
        let (object, number) = self.places.get(&ids::long(id)?)?;
        Some((object, self.rows.get(object)?.get(number)?))
    }

    /// The row of an id of an object.
    pub(super) fn row(&self, object: &str, id: &str) -> Result<&Row, Problem> {
        let Some(id) = ids::long(id) else {
            return Err(Problem::bad(
                "MALFORMED_ID",
                format!("{object} ID: id value of incorrect type: {id}"),
            ));
        };
        match self.any(&id) {
            Some((found, row)) if found == object && row.is_deleted => Err(Problem::deleted()),
            Some((found, row)) if found == object => Ok(row),
            _ => Err(Problem::record()),
        }
    }

    /// The row of a number of an object.
    pub(super) fn numbered(&self, object: &str, number: u64) -> Option<&Row> {
        self.rows
            .get(object)?
            .get(&number)
            .filter(|row| !row.is_deleted)
    }

    /// The rows whose external id has this value.
    pub(super) fn keyed(&self, object: &str, field: &str, value: &str) -> Vec<&Row> {
        self.rows(object)
            .filter(|row| row.text(field) == value)
            .collect()
    }

    /// Enters a row. Its id.
    pub(super) fn insert(
        &mut self,
        name: &str,
        members: &Map<String, Value>,
        user: &str,
        now: Timestamp,
    ) -> Result<String, Problem> {
        let object = self.object(name)?;
        let mut fields = check(object, members, Purpose::Create)?;
        let name = object.name;
        let prefix = object.prefix;
        let mut row = Map::new();
        for field in &object.fields {
            let given = fields
                .shift_remove(field.name)
                .filter(|value| !value.is_null());
            let value = given.or_else(|| field.default.clone()).unwrap_or_default();
            row.insert(field.name.to_owned(), value);
        }
        self.check_relations(name, &row)?;
        self.check_unique(name, &row, None)?;
        let next = self.next.entry(name).or_insert(1);
        let number = *next;
        *next += 1;
        let id = ids::id(prefix, number);
        row.insert("Id".to_owned(), json!(id));
        for (by, at) in [
            ("CreatedById", "CreatedDate"),
            ("LastModifiedById", "LastModifiedDate"),
        ] {
            row.insert(by.to_owned(), json!(user));
            row.insert(at.to_owned(), json!(shown(now)));
        }
        row.insert("SystemModstamp".to_owned(), json!(shown(now)));
        if row.get("OwnerId").is_some_and(Value::is_null) {
            row.insert("OwnerId".to_owned(), json!(user));
        }
        complete(name, number, &mut row);
        let row = Row {
            number,
            fields: row,
            is_deleted: false,
        };
        self.places.insert(id.clone(), (name, number));
        self.rows.entry(name).or_default().insert(number, row);
        Ok(id)
    }

    /// Changes the given members of a row.
    pub(super) fn change(
        &mut self,
        name: &str,
        id: &str,
        members: &Map<String, Value>,
        user: &str,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let object = self.object(name)?;
        let fields = check(object, members, Purpose::Update)?;
        let name = object.name;
        let before = self.row(name, id)?;
        let number = before.number;
        let mut row = before.fields.clone();
        row.extend(fields);
        self.check_relations(name, &row)?;
        self.check_unique(name, &row, Some(number))?;
        row.insert("LastModifiedById".to_owned(), json!(user));
        for at in ["LastModifiedDate", "SystemModstamp"] {
            row.insert(at.to_owned(), json!(shown(now)));
        }
        complete(name, number, &mut row);
        if let Some(stored) = self
            .rows
            .get_mut(name)
            .and_then(|rows| rows.get_mut(&number))
        {
            stored.fields = row;
        }
        Ok(())
    }

    /// Sets what no caller may: numbers, sizes, links.
    pub(super) fn set(&mut self, id: &str, name: &str, value: Value) {
        let place = ids::long(id).and_then(|id| self.places.get(&id).copied());
        if let Some((object, number)) = place
            && let Some(row) = self
                .rows
                .get_mut(object)
                .and_then(|rows| rows.get_mut(&number))
        {
            row.fields.insert(name.to_owned(), value);
        }
    }

    /// Moves a row to the bin.
    pub(super) fn remove(&mut self, name: &str, id: &str) -> Result<(), Problem> {
        let number = self.row(name, id)?.number;
        let row = self
            .rows
            .get_mut(name)
            .and_then(|rows| rows.get_mut(&number));
        if let Some(row) = row {
            row.is_deleted = true;
        }
        Ok(())
    }

    fn check_relations(&self, name: &str, row: &Map<String, Value>) -> Result<(), Problem> {
        let object = self.object(name)?;
        for field in object
            .fields
            .iter()
            .filter(|field| field.kind == "reference" && field.createable)
        {
            let Some(id) = row.get(field.name).and_then(Value::as_str) else {
                continue;
            };
            let stands = self
                .any(id)
                .is_some_and(|(found, row)| !row.is_deleted && field.refers_to.contains(&found));
            if !stands {
                return Err(Problem::field(
                    "INVALID_CROSS_REFERENCE_KEY",
                    "invalid cross reference id",
                    field.name,
                ));
            }
        }
        Ok(())
    }

    fn check_unique(
        &self,
        name: &str,
        row: &Map<String, Value>,
        own: Option<u64>,
    ) -> Result<(), Problem> {
        let object = self.object(name)?;
        let unique = object
            .fields
            .iter()
            .filter(|field: &&Field| field.key == Key::Unique);
        for field in unique {
            let Some(value) = row.get(field.name).and_then(Value::as_str) else {
                continue;
            };
            let other = self
                .keyed(name, field.name, value)
                .into_iter()
                .find(|row| Some(row.number) != own);
            if let Some(other) = other {
                let message = format!(
                    "duplicate value found: {} duplicates value on record with id: {}",
                    field.name,
                    other.id()
                );
                return Err(Problem::bad("DUPLICATE_VALUE", message));
            }
        }
        Ok(())
    }
}

/// What the org itself fills in.
fn complete(object: &str, number: u64, row: &mut Map<String, Value>) {
    match object {
        "Case" => {
            row.insert("CaseNumber".to_owned(), json!(format!("{number:08}")));
            let is_closed = row.get("Status").is_some_and(|status| status == "Closed");
            row.insert("IsClosed".to_owned(), json!(is_closed));
            let closed = if is_closed {
                row.get("LastModifiedDate").cloned().unwrap_or_default()
            } else {
                Value::Null
            };
            row.insert("ClosedDate".to_owned(), closed);
            // A comment given with a case becomes a comment of its own and is not kept with it.
            row.insert("Comments".to_owned(), Value::Null);
        }
        "Contact" => {
            let name = row.get("LastName").cloned().unwrap_or_default();
            row.insert("Name".to_owned(), name);
        }
        _ => {}
    }
}
