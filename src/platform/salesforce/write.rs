//! Creating, changing and finding records.
//!
//! The vendor's rules: an upsert by an external id answers 201 or 200 (and 204 in old versions), and its field must not
//! stand in the body; an update answers 204 without a body; two upserts with one key at once may collide as
//! `DUPLICATE_VALUE`, and then the record is there.

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tracing::warn;

use super::ask::{Ask, Right};
use super::body::{Prepared, Purpose, prepare, refusal as refused};
use super::read::moment;
use super::session::{Freshness, is_query_path, read_json, refusal};
use super::{Salesforce, failure, ids, soql};
use crate::http::{Call, Response};
use crate::model::{Category, Failure, Marker, NoteVisibility, Record, RecordId, Timestamp};
use crate::platform::basics::text_at;
use crate::platform::{Changed, Created, Found};

impl Salesforce {
    /// Creates a record that carries the marker in the external-id field, where there is one.
    pub(super) async fn create_record(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        let object = &self.settings.object;
        let deed = format!("create a {object}");
        let mut prepared = self
            .prepared(call, object, fields, Purpose::Create, &deed)
            .await?;
        let mut body = std::mem::take(&mut prepared.body);
        let created = match &self.settings.external_id {
            Some(field) => {
                body.remove(field);
                self.upsert(call, object, field, marker.as_str(), body)
                    .await?
            }
            None => {
                let path = self.session.path(&format!("sobjects/{object}"));
                let ask = Ask::new(Method::POST, path, Right::create(object), deed);
                let ask = self.assigning(ask).json(Value::Object(body));
                let answer = self.session.json(call, &ask).await?;
                Created {
                    id: new_id(&answer, object)?,
                    existed: false,
                }
            }
        };
        self.add_first_messages(call, &created.id, prepared).await;
        Ok(created)
    }

    /// Creates the record of a key, or changes it where it is there already.
    pub(super) async fn upsert(
        &self,
        call: &Call,
        object: &str,
        field: &str,
        key: &str,
        body: Map<String, Value>,
    ) -> Result<Created, Failure> {
        let encoded = utf8_percent_encode(key, NON_ALPHANUMERIC);
        let path = self
            .session
            .path(&format!("sobjects/{object}/{field}/{encoded}"));
        let deed = format!("create the {object} marked {key}");
        let ask = Ask::new(Method::PATCH, path, Right::create(object), deed);
        let ask = self.assigning(ask).json(Value::Object(body));
        let response = self.session.respond(call, &ask).await?;
        if failure::is_duplicate_value(&response) {
            // Somebody was quicker with the same key: most likely an attempt of ours whose answer was lost.
            return match self.find_by(call, object, field, key).await?.as_slice() {
                [one] => Ok(Created {
                    id: one.clone(),
                    existed: true,
                }),
                _ => Err(refusal(&ask, &response)),
            };
        }
        if !response.is_success() {
            return Err(refusal(&ask, &response));
        }
        self.upserted(call, object, field, key, &ask, &response)
            .await
    }

    async fn upserted(
        &self,
        call: &Call,
        object: &str,
        field: &str,
        key: &str,
        ask: &Ask,
        response: &Response,
    ) -> Result<Created, Failure> {
        if response.status == StatusCode::NO_CONTENT || response.body.is_empty() {
            return match self.find_by(call, object, field, key).await.map_err(Failure::effect_unknown)?.as_slice() {
                [one] => Ok(Created {
                    id: one.clone(),
                    existed: true,
                }),
                _ => Err(Failure::new(
                    Category::Server,
                    format!("Salesforce accepted the {object} marked {key}, and it can't be found by that mark"),
                )
                .effect_unknown()),
            };
        }
        let answer = read_json(ask, response)?;
        Ok(Created {
            id: new_id(&answer, object)?,
            existed: answer.get("created") == Some(&Value::Bool(false)),
        })
    }

    /// Whether the org's assignment rules run on what we write is the admin's choice.
    pub(super) fn assigning(&self, ask: Ask) -> Ask {
        if self.settings.auto_assign {
            ask
        } else {
            ask.header("Sforce-Auto-Assign", "FALSE")
        }
    }

    /// Prepares a body; when the description is not the newest, a problem is looked at once more with a new one.
    pub(super) async fn prepared(
        &self,
        call: &Call,
        object: &str,
        fields: &Map<String, Value>,
        purpose: Purpose<'_>,
        deed: &str,
    ) -> Result<Prepared, Failure> {
        let describe = self
            .session
            .describe(call, object, Freshness::Recent)
            .await?;
        if let Ok(prepared) = prepare(fields, &describe, purpose) {
            return Ok(prepared);
        }
        let describe = self
            .session
            .describe(call, object, Freshness::Fresh)
            .await?;
        prepare(fields, &describe, purpose).map_err(|problems| refused(deed, &problems))
    }

    /// Adds the messages mapped beside a new record. The record stands by now, so that their failure must not look like
    /// its own, or it would be made again: they are tried twice, and what fails is left to the log.
    async fn add_first_messages(&self, call: &Call, id: &RecordId, prepared: Prepared) {
        for (text, visibility) in notes(prepared) {
            let first = self.put_message(call, id.as_str(), &text, visibility).await;
            let outcome = match first {
                Err(failure) if failure.category.is_passing() => {
                    self.put_message(call, id.as_str(), &text, visibility).await
                }
                outcome => outcome,
            };
            if let Err(failure) = outcome {
                warn!(record = %id, %failure, "a message mapped beside a new Salesforce record could not be added");
            }
        }
    }

    /// Writes those of the given fields that differ, then the messages that were mapped beside them.
    pub(super) async fn update_record(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let object = &self.settings.object;
        let key = ids::checked(&base.id)?;
        let deed = format!("update {object} {key}");
        let mut prepared = self
            .prepared(call, object, changes, Purpose::Update(&base.fields), &deed)
            .await?;
        let mut body = std::mem::take(&mut prepared.body);
        self.keep_marker(base, &mut body);
        if !body.is_empty() {
            let path = self.session.path(&format!("sobjects/{object}/{key}"));
            let ask = Ask::new(Method::PATCH, path, Right::edit(object), deed);
            let ask = self.assigning(ask).json(Value::Object(body));
            self.session.send(call, &ask).await?;
        }
        for (text, visibility) in notes(prepared) {
            self.put_message(call, &key, &text, visibility).await?;
        }
        Ok(())
    }

    /// Takes a mapped value for the marker's field out of a body: a record of ours could not be found again.
    fn keep_marker(&self, base: &Record, body: &mut Map<String, Value>) {
        let Some(name) = &self.settings.external_id else {
            return;
        };
        let held = text_at(&base.fields, &[name]);
        if held.is_some_and(|held| Marker::from_text(held).work_order().is_some()) {
            body.remove(name);
        }
    }

    /// Looks for records that carry the marker.
    pub(super) async fn find_marked(&self, call: &Call, marker: &Marker) -> Result<Found, Failure> {
        let Some(field) = &self.settings.external_id else {
            return Ok(Found::CannotTell);
        };
        let object = &self.settings.object;
        let found = self.find_by(call, object, field, marker.as_str()).await?;
        // The vendor's queries read the database itself: what was written is seen.
        Ok(if found.is_empty() {
            Found::Absent
        } else {
            Found::Records(found)
        })
    }

    pub(super) async fn find_by(
        &self,
        call: &Call,
        object: &str,
        field: &str,
        key: &str,
    ) -> Result<Vec<RecordId>, Failure> {
        let query = format!(
            "SELECT Id FROM {object} WHERE {field} = {} ORDER BY Id LIMIT 10",
            soql::text(key)
        );
        let deed = format!("look for the {object} marked {key}");
        let rows = self
            .session
            .rows(call, &query, Right::read(object), &deed)
            .await?;
        let found = rows
            .iter()
            .filter_map(|row| text_at(row, &["Id"]))
            .filter_map(ids::long);
        Ok(found.map(RecordId::new).collect())
    }

    /// Lists records changed since a moment that the connector's conditions want, oldest change first.
    pub(super) async fn list_changed(
        &self,
        call: &Call,
        since: Timestamp,
        page: Option<String>,
    ) -> Result<Changed, Failure> {
        let object = &self.settings.object;
        let deed = format!("list the changed {object} records");
        let right = Right::read(object);
        let ask = match page {
            Some(path) if is_query_path(&path) => Ask::get(path, right, deed),
            Some(path) => {
                return Err(Failure::new(
                    Category::Configuration,
                    format!("`{path}` is no page of changed records"),
                ));
            }
            None => {
                let wanted = self.wanted_clause();
                let query = format!(
                    "SELECT Id,SystemModstamp FROM {object} WHERE SystemModstamp >= {}{wanted} ORDER BY SystemModstamp,Id",
                    soql::moment(since)
                );
                self.session.query(&query, right, &deed)
            }
        };
        let page = self.session.page(call, &ask).await?;
        let changed = |row: &Value| {
            let id = text_at(row, &["Id"]).and_then(ids::long)?;
            Some((
                RecordId::new(id),
                text_at(row, &["SystemModstamp"]).and_then(moment),
            ))
        };
        Ok(Changed {
            records: page.rows.iter().filter_map(changed).collect(),
            next: page.next,
        })
    }

    fn wanted_clause(&self) -> String {
        let conditions = &self.settings.conditions;
        let mut parts = Vec::new();
        if !conditions.statuses().is_empty() {
            let values: Vec<String> = conditions
                .statuses()
                .iter()
                .map(|status| soql::text(status))
                .collect();
            parts.push(format!("Status IN ({})", values.join(",")));
        }
        if let Some(name) = conditions.checkbox() {
            parts.push(format!("{name} = TRUE"));
        }
        match parts.as_slice() {
            [] => String::new(),
            parts => format!(" AND ({})", parts.join(" OR ")),
        }
    }
}

/// The messages that were mapped beside a record's fields.
fn notes(prepared: Prepared) -> impl Iterator<Item = (String, NoteVisibility)> {
    let private = prepared
        .private_note
        .map(|text| (text, NoteVisibility::Internal));
    let public = prepared
        .public_note
        .map(|text| (text, NoteVisibility::Public));
    private.into_iter().chain(public)
}

/// The id in the answer to a create: the vendor gives nothing else.
pub(super) fn new_id(answer: &Value, object: &str) -> Result<RecordId, Failure> {
    let errors = answer
        .get("errors")
        .filter(|errors| **errors != json!([]) && !errors.is_null());
    if let Some(errors) = errors {
        return Err(Failure::new(
            Category::Validation,
            format!("Salesforce refused to create a {object}: {errors}"),
        ));
    }
    let id = text_at(answer, &["id"]).and_then(ids::long);
    id.map(RecordId::new).ok_or_else(|| {
        Failure::new(
            Category::Server,
            format!("Salesforce accepted a new {object} and did not say its id"),
        )
        .effect_unknown()
    })
}
