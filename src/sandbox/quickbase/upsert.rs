//! `POST /records`: rows are added and changed one by one, and those that fail are told by their number (207).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::MissingKey;
use super::backend::{Actor, Backend, Books, Effect, Entry, TableRight, blank};
use super::problem::Problem;
use super::query::{body, named_fields, named_table};
use super::schema::{FieldSpec, Rule, TableSpec};
use super::webhooks::RowEvent;
use crate::model::Timestamp;

/// What became of the rows of one request.
#[derive(Default)]
pub(super) struct Outcome {
    created: Vec<u64>,
    updated: Vec<u64>,
    unchanged: Vec<u64>,
    errors: BTreeMap<usize, Vec<String>>,
}

/// `POST /records`.
pub(super) async fn upsert(
    State(backend): State<Arc<Backend>>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let body = body(&bytes)?;
    let table = named_table(&body, "to")?;
    let asked = named_fields(body.get("fieldsToReturn"), "fieldsToReturn", table)?;
    let merge = merge_field(&body, table)?;
    let rows = match body.get("data") {
        Some(Value::Array(rows)) if !rows.is_empty() => rows,
        _ => return Err(Problem::Bad("Data object cannot be empty.".to_owned())),
    };
    {
        let mut books = backend.books();
        books.check(table, TableRight::Modify)?;
        if books.locks > 0 {
            books.locks -= 1;
            return Err(Problem::Locked);
        }
    }
    let outcome = backend.write_rows(table, rows, merge, Actor::Api);
    let books = backend.books();
    let touched = outcome
        .created
        .iter()
        .chain(&outcome.updated)
        .chain(&outcome.unchanged);
    let data: Vec<Value> = touched
        .filter(|_| !asked.is_empty())
        .filter_map(|id| {
            let row = books.row(table.id, *id)?;
            let always = table.field(3).into_iter();
            let cells = always.chain(asked.iter().copied()).map(|field| {
                let value = books.shown(table, *id, row, field);
                (field.id.to_string(), json!({"value": value}))
            });
            Some(Value::Object(cells.collect()))
        })
        .collect();
    let mut metadata = json!({
        "createdRecordIds": outcome.created,
        "totalNumberOfRecordsProcessed": rows.len(),
        "unchangedRecordIds": outcome.unchanged,
        "updatedRecordIds": outcome.updated,
    });
    let status = if outcome.errors.is_empty() {
        StatusCode::OK
    } else {
        let errors = outcome.errors.iter();
        let errors: Map<String, Value> = errors
            .map(|(row, texts)| (row.to_string(), json!(texts)))
            .collect();
        metadata["lineErrors"] = Value::Object(errors);
        StatusCode::MULTI_STATUS
    };
    Ok((status, Json(json!({"data": data, "metadata": metadata}))))
}

fn merge_field(
    body: &Map<String, Value>,
    table: &'static TableSpec,
) -> Result<Option<&'static FieldSpec>, Problem> {
    let Some(id) = body.get("mergeFieldId") else {
        return Ok(None);
    };
    let wrong = |why: String| Problem::Invalid {
        member: "mergeFieldId",
        why,
    };
    let field = id.as_u64().and_then(|id| table.field(id));
    let field =
        field.ok_or_else(|| wrong(format!("Field {id} does not exist in table {}", table.id)))?;
    if !matches!(field.rule, Rule::Unique | Rule::Key) {
        let why = format!("Field {id} is not unique and cannot be used to merge");
        return Err(wrong(why));
    }
    Ok(Some(field))
}

impl Backend {
    /// Writes rows and lets the webhooks see what came of it.
    pub(super) fn write_rows(
        self: &Arc<Self>,
        table: &'static TableSpec,
        rows: &[Value],
        merge: Option<&'static FieldSpec>,
        actor: Actor,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        {
            let mut books = self.books();
            for (place, row) in rows.iter().enumerate() {
                match self.write_row(&mut books, table, row, merge, actor) {
                    Ok((id, Effect::Created)) => outcome.created.push(id),
                    Ok((id, Effect::Updated)) => outcome.updated.push(id),
                    Ok((id, Effect::Unchanged)) => outcome.unchanged.push(id),
                    Err(errors) => {
                        outcome.errors.insert(place + 1, errors);
                    }
                }
            }
        }
        for (ids, event) in [
            (&outcome.created, RowEvent::Added),
            (&outcome.updated, RowEvent::Modified),
        ] {
            let shown: Vec<_> = {
                let books = self.books();
                ids.iter()
                    .filter_map(|id| books.shown_row(table, *id))
                    .collect()
            };
            self.fire(table, event, &shown, actor);
        }
        outcome
    }

    fn write_row(
        &self,
        books: &mut Books,
        table: &'static TableSpec,
        row: &Value,
        merge: Option<&'static FieldSpec>,
        actor: Actor,
    ) -> Result<(u64, Effect), Vec<String>> {
        let key = merge.map_or(3, |field| field.id);
        let mut errors = Vec::new();
        let mut entries = BTreeMap::new();
        let cells = row
            .as_object()
            .ok_or_else(|| vec!["A record must be an object.".to_owned()])?;
        for (name, cell) in cells {
            let Some(field) = name.parse().ok().and_then(|id| table.field(id)) else {
                errors.push(format!("Field with ID \"{name}\" does not exist."));
                continue;
            };
            let Some(value) = cell.get("value") else {
                errors.push(format!("Field with ID \"{name}\" has no value."));
                continue;
            };
            if field.id == 3 && key == 3 {
                continue;
            }
            if !field.is_writable() {
                errors.push(format!(
                    "Cannot change the value of field with ID \"{name}\"."
                ));
                continue;
            }
            match taken(field, value) {
                Some(entry) => {
                    entries.insert(field.id, entry);
                }
                None => errors.push(format!("Incompatible value for field with ID \"{name}\".")),
            }
        }
        let target = self.target(books, table, cells, merge);
        let target = target.map_err(|error| vec![error])?;
        let id = match target {
            Target::New => None,
            Target::At(id) => Some(id),
        };
        let is_new = id.is_none_or(|id| books.row(table.id, id).is_none());
        for field in table.fields {
            errors.extend(broken_rule(books, table, field, &entries, id, is_new));
        }
        if errors.is_empty() {
            Ok(self.keep(books, table, id, entries, actor))
        } else {
            Err(errors)
        }
    }

    /// The row that is meant.
    fn target(
        &self,
        books: &Books,
        table: &TableSpec,
        cells: &Map<String, Value>,
        merge: Option<&FieldSpec>,
    ) -> Result<Target, String> {
        let given = |id: u64| cells.get(&id.to_string()).map(|cell| &cell["value"]);
        if let Some(field) = merge.filter(|field| field.id != 3) {
            let wanted = given(field.id).and_then(Value::as_str).unwrap_or_default();
            if wanted.is_empty() {
                return Err(format!(
                    "A value for the merge field with ID \"{}\" is required.",
                    field.id
                ));
            }
            return Ok(holder(books, table, field.id, wanted).map_or(Target::New, Target::At));
        }
        let Some(key) = given(3).filter(|key| !key.is_null()) else {
            return Ok(Target::New);
        };
        let id = key.as_u64().filter(|id| *id > 0);
        let id = id.ok_or_else(|| "Incompatible value for field with ID \"3\".".to_owned())?;
        match (books.row(table.id, id), self.settings.missing_key) {
            (Some(_), _) | (None, MissingKey::Inserts) => Ok(Target::At(id)),
            (None, MissingKey::Refused) => Err(format!("Record {id} does not exist.")),
        }
    }
}

enum Target {
    New,
    At(u64),
}

/// The row that has this text in a unique field.
fn holder(books: &Books, table: &TableSpec, field: u64, wanted: &str) -> Option<u64> {
    let rows = &books.rows(table.id)?.rows;
    let holds = |(_, row): &(&u64, &super::backend::Row)| {
        let held = row.cells.get(&field).and_then(Value::as_str);
        held.is_some_and(|held| held.eq_ignore_ascii_case(wanted))
    };
    rows.iter().find(holds).map(|(id, _)| *id)
}

/// What a field's own rule says against a write.
fn broken_rule(
    books: &Books,
    table: &TableSpec,
    field: &FieldSpec,
    entries: &BTreeMap<u64, Entry>,
    id: Option<u64>,
    is_new: bool,
) -> Option<String> {
    let entry = entries.get(&field.id);
    match field.rule {
        Rule::Required => {
            let is_empty = match entry {
                None => is_new,
                Some(Entry::Cell(value)) => *value == blank(field.kind),
                Some(Entry::File { .. }) => false,
            };
            is_empty.then(|| format!("Field {} is required and cannot be empty", field.id))
        }
        Rule::Unique => {
            let Some(Entry::Cell(Value::String(text))) = entry else {
                return None;
            };
            let other = holder(books, table, field.id, text).filter(|_| !text.is_empty())?;
            (Some(other) != id).then(|| {
                format!(
                    "The value for field with ID \"{}\" must be unique.",
                    field.id
                )
            })
        }
        _ => None,
    }
}

/// A value as its field takes it; `None` if it does not.
fn taken(field: &FieldSpec, value: &Value) -> Option<Entry> {
    let is_cleared = value.is_null() || value == "";
    let cell = match field.kind {
        "file" => return taken_file(value),
        _ if is_cleared && field.kind != "checkbox" => blank(field.kind),
        "text" | "text-multi-line" | "rich-text" | "phone" => {
            let text = value.as_str()?;
            if field.max_length > 0 && text.chars().count() > field.max_length {
                return None;
            }
            value.clone()
        }
        "text-multiple-choice" => {
            let choice = value.as_str()?;
            field.choices.contains(&choice).then(|| value.clone())?
        }
        "multitext" => {
            let mut items = value.as_array()?.iter();
            let offered = |item: &Value| {
                item.as_str()
                    .is_some_and(|item| field.choices.contains(&item))
            };
            items.all(offered).then(|| value.clone())?
        }
        "numeric" | "currency" => value.is_number().then(|| value.clone())?,
        "checkbox" => value.is_boolean().then(|| value.clone())?,
        "date" => {
            let date: jiff::civil::Date = value.as_str()?.parse().ok()?;
            (value.as_str()?.len() == 10).then(|| json!(date.to_string()))?
        }
        "timestamp" => {
            let moment: Timestamp = value.as_str()?.parse().ok()?;
            json!(moment.to_string())
        }
        "user" => Actor::named(value)?.shown(),
        _ => return None,
    };
    Some(Entry::Cell(cell))
}

fn taken_file(value: &Value) -> Option<Entry> {
    let name = value["fileName"].as_str().filter(|name| !name.is_empty())?;
    // Line breaks make it no base64.
    let content = STANDARD.decode(value["data"].as_str()?).ok()?;
    Some(Entry::File {
        name: name.to_owned(),
        content: content.into(),
    })
}

impl Outcome {
    /// The one row of a request that had one.
    pub(super) fn only(self) -> Result<u64, String> {
        let ids = [self.created, self.updated, self.unchanged].concat();
        match ids.first() {
            Some(id) => Ok(*id),
            None => Err(self
                .errors
                .into_values()
                .flatten()
                .collect::<Vec<_>>()
                .join("; ")),
        }
    }
}
