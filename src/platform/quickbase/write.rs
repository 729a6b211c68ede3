//! Adding and changing rows: `POST /records`, which does both.
//!
//! A row with a `mergeFieldId` changes the row that has the same value in that unique field, or becomes a new one; a row
//! with the table's key field changes the row of that key. We write one row at a time, so that a 207, the vendor's
//! word for "some rows failed", means that ours did.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Quickbase;
use super::api::{read_json, record_number};
use super::endpoint::UPSERT;
use super::query::{Row, cell, read_row, row_id};
use super::session::Freshness;
use super::table::{MODIFIED_BY, RECORD_ID, Table};
use super::value::{is_empty, stands, text, written};
use crate::http::{Body, Call, Response};
use crate::model::{Category, Effect, Failure, Marker, Record, RecordId};
use crate::platform::Created;
use crate::platform::basics::{at, digits};

/// A request may have so many bytes. The vendor says 40 MB and not of which kind: the smaller one is safe.
pub(super) const MOST_BYTES: usize = 40_000_000;

/// What became of the one row that was sent.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The record that was made.
    pub(super) created: Option<u64>,
    /// The record that was changed, or was as it should be already.
    pub(super) met: Option<u64>,
    /// The fields that were asked back.
    pub(super) row: Row,
}

/// One row to be written.
pub(super) struct Writing<'a> {
    /// The table.
    pub(super) table: &'a str,
    /// The values by field id.
    pub(super) row: Map<String, Value>,
    /// The unique field by which the row is met again, if not by the table's key.
    pub(super) merge: Option<u64>,
    /// What is asked back besides Record ID# and Last Modified By.
    pub(super) asked: Option<u64>,
}

impl Quickbase {
    /// Creates a record that carries the marker in the merge field; one that carries it already is changed instead.
    pub(super) async fn create_record(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        let deed = "add a record";
        let id = &self.settings.table;
        let mut fields = fields.clone();
        if let Some(merge) = self.settings.merge {
            let table = self.table(call, id).await.map_err(before_writing)?;
            check_merge_field(&table, merge, "merge_field_id")?;
            fields.insert(merge.to_string(), marker.as_str().into());
        }
        let row = self
            .prepared(call, id, &fields, Purpose::Create, deed)
            .await;
        let row = row.map_err(before_writing)?;
        let writing = Writing {
            table: id,
            row,
            merge: self.settings.merge,
            asked: None,
        };
        let outcome = self.write(call, deed, writing).await?;
        let existed = outcome.created.is_none();
        let id = outcome.created.or(outcome.met).ok_or_else(|| {
            Failure::new(
                Category::Server,
                "Quickbase accepted a new record and did not say its Record ID#",
            )
            .effect_unknown()
        })?;
        Ok(Created {
            id: RecordId::new(id.to_string()),
            existed,
        })
    }

    /// Writes those of the given fields that the record does not hold already.
    pub(super) async fn update_record(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let number = record_number(&base.id)?;
        let deed = format!("update record {number}");
        let id = &self.settings.table;
        let purpose = Purpose::Update { base: &base.fields };
        let row = self.prepared(call, id, changes, purpose, &deed).await;
        let row = row.map_err(before_writing)?;
        if row.is_empty() {
            return Ok(());
        }
        self.write_to(call, id, number, row, &deed).await
    }

    /// Writes values to the row of a Record ID#, which must be there.
    pub(super) async fn write_to(
        &self,
        call: &Call,
        table: &str,
        number: u64,
        mut row: Map<String, Value>,
        deed: &str,
    ) -> Result<(), Failure> {
        let key = self.table(call, table).await.map_err(before_writing)?.key;
        let value = self.key_value(call, table, number).await;
        row.insert(key.to_string(), value.map_err(before_writing)?);
        let writing = Writing {
            table,
            row,
            merge: None,
            asked: None,
        };
        let outcome = self.write(call, deed, writing).await?;
        match outcome.created {
            None => Ok(()),
            // The row was removed in between, and Quickbase made a new one of what was sent.
            Some(stray) => Err(Failure::new(
                Category::Validation,
                format!(
                    "record {number} was not there any more, and Quickbase made record {stray} of what was sent to it"
                ),
            )
            .hint(format!(
                "Delete record {stray} in Quickbase; nothing refers to it. Then discard this transaction."
            ))),
        }
    }

    /// What related rows call a record: the value of its table's key field.
    pub(super) async fn key_value(
        &self,
        call: &Call,
        table: &str,
        number: u64,
    ) -> Result<Value, Failure> {
        let key = self.table(call, table).await?.key;
        if key == RECORD_ID {
            return Ok(number.into());
        }
        let row = self.row_of(call, table, number, vec![key]).await?;
        let value = row.as_ref().and_then(|row| cell(row, key)).cloned();
        value
            .filter(|value| !is_empty(value))
            .ok_or_else(|| gone(number))
    }

    /// Sends one row.
    pub(super) async fn write(
        &self,
        call: &Call,
        deed: &str,
        writing: Writing<'_>,
    ) -> Result<Outcome, Failure> {
        let table = writing.table;
        let response = self.send_row(call, deed, writing).await;
        let outcome = response.and_then(|response| read_outcome(deed, &response));
        let outcome = outcome.map_err(|failure| self.with_labels(table, failure))?;
        if let Some(user) = cell(&outcome.row, MODIFIED_BY) {
            self.session.learn_from_write(user);
        }
        Ok(outcome)
    }

    async fn send_row(
        &self,
        call: &Call,
        deed: &str,
        writing: Writing<'_>,
    ) -> Result<Response, Failure> {
        let holds_file = writing
            .row
            .values()
            .any(|value| at(value, &["data"]).is_some());
        let cells: Map<String, Value> = writing
            .row
            .into_iter()
            .map(|(field, value)| (field, json!({"value": value})))
            .collect();
        let asked: Vec<u64> = [RECORD_ID, MODIFIED_BY]
            .into_iter()
            .chain(writing.asked)
            .collect();
        let mut body = json!({"to": writing.table, "data": [cells], "fieldsToReturn": asked});
        if let (Some(merge), Some(body)) = (writing.merge, body.as_object_mut()) {
            body.insert("mergeFieldId".to_owned(), merge.into());
        }
        let request = self.api.request(&UPSERT, &[]);
        let request = if holds_file {
            // As bytes, so that the journal does not keep the whole file.
            let bytes = body.to_string().into_bytes();
            request.body(Body::Bytes("application/json".to_owned(), bytes.into()))
        } else {
            request.json(body)
        };
        self.api.send(call, &UPSERT, deed, request).await
    }

    /// The row to be sent. Values that don't fit are judged once more by fields just read: an admin may have added
    /// the choice a minute ago.
    pub(super) async fn prepared(
        &self,
        call: &Call,
        table: &str,
        fields: &Map<String, Value>,
        purpose: Purpose<'_>,
        deed: &str,
    ) -> Result<Map<String, Value>, Failure> {
        let known = self
            .session
            .table(&self.api, call, table, Freshness::Recent)
            .await?;
        if let Ok(row) = prepare(&known, fields, purpose) {
            return Ok(row);
        }
        let known = self
            .session
            .table(&self.api, call, table, Freshness::Fresh)
            .await?;
        prepare(&known, fields, purpose).map_err(|problems| {
            Failure::new(
                Category::Validation,
                format!("can't {deed}: {}", problems.join("; ")),
            )
            .hint("Correct the mapping, or the field in Quickbase, then refresh the connector's fields.")
        })
    }
}

/// What a row is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// To become a record: what is required must be there, what is empty is left out.
    Create,
    /// To change a record that holds these values: only what differs is kept.
    Update {
        /// Its values by field id.
        base: &'a Value,
    },
    /// To be written whatever stands there, without regard to what is required.
    Put,
}

/// Brings mapped values into the form that their fields take.
///
/// # Errors
/// All that is wrong, in words for people.
fn prepare(
    table: &Table,
    fields: &Map<String, Value>,
    purpose: Purpose<'_>,
) -> Result<Map<String, Value>, Vec<String>> {
    let mut row = Map::new();
    let mut problems = Vec::new();
    for (name, value) in fields {
        let Some(field) = digits(name.as_bytes()).and_then(|id| table.field(id)) else {
            problems.push(unknown(table, name));
            continue;
        };
        if field.is_read_only() {
            problems.push(format!("{} can't be written", field.named()));
            continue;
        }
        let value = match written(field, value) {
            Ok(value) => value,
            Err(why) => {
                let shown: String = text(value).chars().take(80).collect();
                problems.push(format!("{} can't be `{shown}`: {why}", field.named()));
                continue;
            }
        };
        let is_left_out = match purpose {
            Purpose::Create => is_empty(&value),
            Purpose::Update { base } => {
                let held = base.get(field.id.to_string()).unwrap_or(&Value::Null);
                stands(field, held, &value)
            }
            Purpose::Put => false,
        };
        if !is_left_out {
            row.insert(field.id.to_string(), value);
        }
    }
    if matches!(purpose, Purpose::Create) {
        let missing = table.fields.iter().filter(|field| {
            let given = fields.get(&field.id.to_string());
            field.required && !field.is_read_only() && given.is_none_or(is_empty)
        });
        problems.extend(missing.map(|field| format!("{} is required", field.named())));
    }
    if problems.is_empty() {
        Ok(row)
    } else {
        Err(problems)
    }
}

fn unknown(table: &Table, name: &str) -> String {
    match table.labelled(name) {
        Some(field) => format!(
            "`{name}` is a label; the field goes by its id, {}",
            field.id
        ),
        None => format!("there is no field `{name}` in this table"),
    }
}

/// Reads what became of the row.
fn read_outcome(deed: &str, response: &Response) -> Result<Outcome, Failure> {
    let answer = read_json(&UPSERT, response)?;
    let complaints = line_errors(&answer);
    if response.status == StatusCode::MULTI_STATUS || !complaints.is_empty() {
        let said = if complaints.is_empty() {
            "it did not say why (status 207)".to_owned()
        } else {
            complaints.join("; ")
        };
        return Err(Failure::new(
            Category::Validation,
            format!("Quickbase refused to {deed}: {said}"),
        )
        .hint("Correct the value by the rule that writes this field, or the field's rules in Quickbase."));
    }
    let first = |name: &str| {
        let ids = at(&answer, &["metadata", name])?.as_array()?;
        ids.first()?.as_u64()
    };
    let row = at(&answer, &["data"]).and_then(|data| data.as_array()?.first());
    let row = row.and_then(read_row).unwrap_or_default();
    let created = first("createdRecordIds");
    let met = first("updatedRecordIds").or_else(|| first("unchangedRecordIds"));
    Ok(Outcome {
        created,
        met: met.or_else(|| row_id(&row).filter(|_| created.is_none())),
        row,
    })
}

/// `metadata.lineErrors`: lists of sentences by row number. We send one row, so whose they are is known.
fn line_errors(answer: &Value) -> Vec<String> {
    let errors = at(answer, &["metadata", "lineErrors"]).and_then(Value::as_object);
    let lists = errors.into_iter().flat_map(Map::values);
    let texts = lists.flat_map(|list| match list {
        Value::Array(texts) => texts.iter().map(text).collect(),
        one => vec![text(one)],
    });
    texts
        .map(|text| {
            text.trim()
                .trim_end_matches('.')
                .chars()
                .take(300)
                .collect()
        })
        .collect()
}

/// A failure before anything was sent that could have changed something.
pub(super) fn before_writing(failure: Failure) -> Failure {
    match failure.effect {
        Effect::Unknown => Failure {
            effect: Effect::None,
            ..failure
        },
        _ => failure,
    }
}

/// The failure of writing to a record that is not there.
pub(super) fn gone(number: u64) -> Failure {
    Failure::new(
        Category::Validation,
        format!("record {number} is not there (deleted, or hidden from the token's user)"),
    )
    .hint("Look whether it was deleted in Quickbase; if so, discard this transaction.")
}

/// Checks that rows can be met again by a field.
///
/// # Errors
/// That it is not there, or not unique.
pub(super) fn check_merge_field(table: &Table, id: u64, setting: &str) -> Result<(), Failure> {
    let why = match table.field(id) {
        None => format!("there is no field {id} in the table, which {setting} names"),
        Some(field) if !field.unique => format!(
            "{}, which {setting} names, is not unique; Quickbase can't merge by it",
            field.named()
        ),
        Some(field) if field.is_read_only() => {
            format!("{}, which {setting} names, can't be written", field.named())
        }
        Some(_) => return Ok(()),
    };
    Err(Failure::new(Category::Configuration, why).hint(
        "Make a text field with \"Must be unique\" in its properties and set it there by its field id.",
    ))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn table() -> Table {
        Table::read(&json!([
            {"id": 3, "label": "Record ID#", "fieldType": "recordid", "unique": true, "properties": {"primaryKey": true}},
            {"id": 6, "label": "Title", "fieldType": "text", "required": true},
            {"id": 7, "label": "Budget", "fieldType": "currency"},
            {"id": 8, "label": "Total", "fieldType": "numeric", "mode": "formula"},
            {"id": 9, "label": "FN work order", "fieldType": "text", "unique": true},
        ]))
    }

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn response(status: u16, body: &Value) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_string().into(),
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_with_labels() {
        let given = fields(&json!({"7": "much", "8": 1, "Budget": 5, "99": 1, "3": 7}));
        let problems = prepare(&table(), &given, Purpose::Create).unwrap_err();
        let told = problems.join("\n");
        for part in [
            "Budget (7) can't be `much`: it takes a number",
            "Total (8) can't be written",
            "`Budget` is a label; the field goes by its id, 7",
            "no field `99`",
            "Record ID# (3) can't be written",
            "Title (6) is required",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert_eq!(problems.len(), 6);
    }

    #[test]
    fn a_new_record_leaves_out_what_is_empty_and_a_change_what_is_the_same() {
        let given = fields(&json!({"6": "Router", "7": ""}));
        let row = prepare(&table(), &given, Purpose::Create).unwrap();
        assert_eq!(Value::Object(row), json!({"6": "Router"}));
        let base = json!({"6": "Router", "7": 5});
        let row = prepare(&table(), &given, Purpose::Update { base: &base }).unwrap();
        assert_eq!(Value::Object(row), json!({"7": null}));
    }

    #[test]
    fn the_vendors_outcomes_are_read() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let read = |name: &str, status| {
            let path = format!("{shared}/samples/quickbase/{name}.json");
            let text = std::fs::read_to_string(path).ok()?;
            let sample: Value = serde_json::from_str(&text).unwrap();
            Some(read_outcome(
                "add a record",
                &response(status, &sample["body"]),
            ))
        };
        let Some(created) = read("quickbase-spec_records_upsert_response.200", 200) else {
            println!("skipped: the samples are not here");
            return;
        };
        assert_eq!(created.unwrap().created, Some(101));
        let updated = read(
            "quickbase-spec__manual_records_upsert_response.200.update",
            200,
        );
        let updated = updated.unwrap().unwrap();
        assert_eq!((updated.created, updated.met), (None, Some(101)));
        let partial = read(
            "quickbase-spec__manual_records_upsert_response.207.partial",
            207,
        );
        let failure = partial.unwrap().unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Validation, Effect::None)
        );
        assert!(
            failure.cause.contains("Field 6 is required"),
            "{}",
            failure.cause
        );
    }

    #[test]
    fn a_207_is_a_failure_even_without_reasons() {
        let body = json!({"data": [], "metadata": {"createdRecordIds": []}});
        assert!(read_outcome("x", &response(207, &body)).is_err());
        let body = json!({"data": [], "metadata": {"lineErrors": {"1": ["Bad."]}, "createdRecordIds": [4]}});
        assert!(read_outcome("x", &response(200, &body)).is_err());
    }

    #[test]
    fn a_page_instead_of_an_outcome_leaves_it_in_doubt() {
        let page = Response {
            body: "<html>".into(),
            ..response(200, &Value::Null)
        };
        let failure = read_outcome("add a record", &page).unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Server, Effect::Unknown)
        );
    }

    #[test]
    fn only_a_unique_field_merges() {
        assert!(check_merge_field(&table(), 9, "merge_field_id").is_ok());
        for id in [6, 3, 99] {
            let failure = check_merge_field(&table(), id, "merge_field_id").unwrap_err();
            assert_eq!(failure.category, Category::Configuration, "{id}");
        }
    }
}
