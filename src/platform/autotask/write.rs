//! Creating and changing tickets.
//!
//! A change goes by `PATCH` to the collection with the id in the body. A database that refuses that (405) gets the whole
//! ticket by `PUT`, read just before, for `PUT` empties what it is not given.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tracing::warn;

use super::Autotask;
use super::api::read_json;
use super::ask::{Ask, Right};
use super::body::{Prepared, Purpose, refusal, ticket};
use super::fields::Fields;
use super::read::ticket_id;
use super::session::Freshness;
use crate::http::Call;
use crate::model::{Category, Failure, Marker, Record, RecordId};
use crate::platform::Created;
use crate::platform::basics::text_at;

/// The field that carries the marker.
pub(super) const MARKER_FIELD: &str = "externalID";

impl Autotask {
    /// Creates a ticket that carries the marker in `externalID`.
    pub(super) async fn create_ticket(
        &self,
        call: &Call,
        mapped: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        let deed = "create a ticket";
        let mut prepared = self.prepared(call, mapped, Purpose::Create, deed).await?;
        prepared
            .body
            .insert(MARKER_FIELD.to_owned(), marker.as_str().into());
        let body = std::mem::take(&mut prepared.body);
        let ask = Ask::new(Method::POST, "Tickets", Right::AddTickets, deed).json(body.into());
        let number = self.api.created(call, &ask).await?;
        self.session.created(number);
        self.add_first_notes(call, number, prepared).await;
        Ok(Created {
            id: RecordId::new(number.to_string()),
            existed: false,
        })
    }

    /// Writes the given fields of a ticket, then the notes that were mapped beside them.
    pub(super) async fn update_ticket(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let number = ticket_id(&base.id)?;
        let deed = format!("update ticket {number}");
        let purpose = Purpose::Update(&base.fields);
        let mut prepared = self.prepared(call, changes, purpose, &deed).await?;
        keep_marker(base, &mut prepared.body);
        if !prepared.body.is_empty() {
            self.send_changes(call, number, &deed, &prepared.body)
                .await?;
        }
        for (words, visibility) in &prepared.notes {
            self.put_mapped_note(call, number, words, *visibility)
                .await?;
        }
        Ok(())
    }

    async fn send_changes(
        &self,
        call: &Call,
        number: u64,
        deed: &str,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        if !self.session.is_without_patch() {
            let mut body = Map::from_iter([("id".to_owned(), json!(number))]);
            body.extend(changes.clone());
            let ask =
                Ask::new(Method::PATCH, "Tickets", Right::EditTickets, deed).json(body.into());
            let response = self.api.answer(call, &ask).await?;
            if response.status != StatusCode::METHOD_NOT_ALLOWED {
                return read_json(&ask, &response).map(drop);
            }
            self.session.give_up_patch();
        }
        self.replace(call, number, deed, changes).await
    }

    /// Reads the whole ticket and writes it back with the changes in it.
    async fn replace(
        &self,
        call: &Call,
        number: u64,
        deed: &str,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let Some(Value::Object(mut whole)) = self.read_ticket(call, number).await? else {
            return Err(Failure::new(
                Category::Validation,
                format!("can't {deed}: it is not there (any more)"),
            ));
        };
        let fields = self
            .session
            .ticket_fields(&self.api, call, Freshness::Recent)
            .await?;
        merge(&mut whole, changes, &fields);
        whole.insert("id".to_owned(), json!(number));
        // The vendor's description has no null in these fields; what a PUT leaves out is emptied all the same.
        whole.retain(|_, value| !value.is_null());
        let ask = Ask::new(Method::PUT, "Tickets", Right::EditTickets, deed).json(whole.into());
        self.api.json(call, &ask).await.map(drop)
    }

    /// Adds the notes mapped beside a new ticket. The ticket stands by now, so that their failure must not look like its
    /// own, or it would be made again: they are tried twice, and what fails is left to the log.
    async fn add_first_notes(&self, call: &Call, number: u64, prepared: Prepared) {
        for (words, visibility) in &prepared.notes {
            let first = self.put_mapped_note(call, number, words, *visibility).await;
            let outcome = match first {
                Err(failure) if failure.category.is_passing() => {
                    self.put_mapped_note(call, number, words, *visibility).await
                }
                outcome => outcome,
            };
            if let Err(failure) = outcome {
                warn!(ticket = number, %failure, "a note mapped beside a new Autotask ticket could not be added");
            }
        }
    }

    /// Prepares a body; when the described fields are not the newest, a problem is looked at once more with new ones.
    async fn prepared(
        &self,
        call: &Call,
        mapped: &Map<String, Value>,
        purpose: Purpose<'_>,
        deed: &str,
    ) -> Result<Prepared, Failure> {
        let known = self
            .session
            .ticket_fields(&self.api, call, Freshness::Recent)
            .await?;
        if let Ok(prepared) = ticket(mapped, &known, purpose) {
            return Ok(prepared);
        }
        let known = self
            .session
            .ticket_fields(&self.api, call, Freshness::Fresh)
            .await?;
        ticket(mapped, &known, purpose).map_err(|problems| refusal(deed, &problems))
    }
}

/// Takes a mapped value for the marker's field out of a body: a ticket of ours could not be found again.
fn keep_marker(base: &Record, body: &mut Map<String, Value>) {
    let held = text_at(&base.fields, &[MARKER_FIELD]);
    if held.is_some_and(|held| Marker::from_text(held).work_order().is_some()) {
        body.remove(MARKER_FIELD);
    }
}

/// Puts changes into a whole ticket: user-defined fields one by one, and nothing that can't be written.
fn merge(whole: &mut Map<String, Value>, changes: &Map<String, Value>, fields: &Fields) {
    whole.retain(|name, _| fields.standard(name).is_none_or(|field| !field.read_only));
    for (name, value) in changes {
        let (Value::Array(changed), true) = (value, name == "userDefinedFields") else {
            whole.insert(name.clone(), value.clone());
            continue;
        };
        let held = whole.get_mut(name).and_then(Value::as_array_mut);
        let mut list = held.map(std::mem::take).unwrap_or_default();
        for field in changed {
            list.retain(|other| other.get("name") != field.get("name"));
            list.push(field.clone());
        }
        whole.insert(name.clone(), list.into());
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::Origin;
    use super::*;

    #[test]
    fn a_whole_ticket_keeps_what_does_not_change() {
        let mut fields = Fields::default();
        fields.add(
            &json!({"fields": [{"name": "createDate", "isReadOnly": true}, {"name": "title"}]}),
            Origin::Standard,
        );
        let mut whole = json!({"title": "x", "status": 1, "createDate": "2030-01-01T00:00:00Z",
            "userDefinedFields": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]});
        let changes = json!({"status": 5, "userDefinedFields": [{"name": "B", "value": "3"}]});
        merge(
            whole.as_object_mut().unwrap(),
            changes.as_object().unwrap(),
            &fields,
        );
        assert_eq!(
            whole,
            json!({"title": "x", "status": 5,
                "userDefinedFields": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]})
        );
    }
}
