//! Creating and changing records.
//!
//! A new record's id stands in the `Location` header alone: the answer is 204 and empty. Where the record type has an external
//! id, creation is an upsert by it, so that doing it twice makes one record; support cases have none through REST,
//! and carry the marker in a custom field instead. Unknown field names would be ignored in silence, so every write
//! asks for names to be checked.

use http::Method;
use serde_json::{Map, Value};

use super::NetSuite;
use super::api::{Ask, internal_id, located};
use super::body::Purpose;
use super::right::Right;
use crate::http::{Call, Response};
use crate::model::{Category, Failure, Marker, Record, RecordId};
use crate::platform::Created;
use crate::platform::basics::id_text;

/// Makes NetSuite refuse names that it does not know.
pub(super) const NAMES: (&str, &str) = ("X-NetSuite-PropertyNameValidation", "Error");

impl NetSuite {
    /// Creates a record that carries the marker.
    pub(super) async fn create_record(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        let record_type = &self.settings.record_type;
        let deed = format!("create a {record_type}");
        let mut body = self.prepared(call, fields, Purpose::Create, &deed).await?;
        body.remove("externalId");
        if let Some(field) = &self.settings.marker_field {
            body.insert(field.clone(), marker.as_str().into());
        }
        let id = if self.settings.upserts() {
            self.upsert(call, record_type, marker.as_str(), body, &deed)
                .await?
        } else {
            let ask = Ask::rest(
                Method::POST,
                format!("/record/v1/{record_type}"),
                Right::Write,
                deed,
            )
            .header(NAMES.0, NAMES.1)
            .json(Value::Object(body));
            let response = self.api.send(call, &ask).await?;
            located(&response).ok_or_else(|| unnamed(record_type))?
        };
        Ok(Created {
            id: RecordId::new(id),
            existed: false,
        })
    }

    /// Creates or changes the record of an external id; answers its internal id.
    pub(super) async fn upsert(
        &self,
        call: &Call,
        record_type: &str,
        external: &str,
        body: Map<String, Value>,
        deed: &str,
    ) -> Result<String, Failure> {
        let path = external_path(record_type, external)?;
        let ask = Ask::rest(Method::PUT, path, Right::Write, deed)
            .header(NAMES.0, NAMES.1)
            .json(Value::Object(body));
        let response: Response = self.api.send(call, &ask).await?;
        if let Some(id) = located(&response) {
            return Ok(id);
        }
        // The record stands; only its id is still to be learned.
        match self.id_of_external(call, record_type, external).await {
            Ok(Some(id)) => Ok(id),
            Ok(None) => Err(unnamed(record_type)),
            Err(failure) => Err(failure.effect_unknown()),
        }
    }

    /// The internal id of the record of an external id, if there is one.
    pub(super) async fn id_of_external(
        &self,
        call: &Call,
        record_type: &str,
        external: &str,
    ) -> Result<Option<String>, Failure> {
        let path = external_path(record_type, external)?;
        let deed = format!("look for the {record_type} marked {external}");
        let ask = Ask::get(path, Right::Read, deed).query("fields", "id");
        let Some(found) = self.api.json_if_there(call, &ask).await? else {
            return Ok(None);
        };
        found.get("id").and_then(id_text).map(Some).ok_or_else(|| {
            Failure::new(
                Category::Server,
                format!("NetSuite gave the {record_type} marked {external} without its id"),
            )
        })
    }

    /// Writes the given fields of a record.
    pub(super) async fn update_record(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let id = internal_id(&base.id)?;
        let record_type = &self.settings.record_type;
        let deed = format!("change {record_type} {id}");
        let mut body = self.prepared(call, changes, Purpose::Change, &deed).await?;
        self.keep_marker(base, &mut body);
        if body.is_empty() {
            return Ok(());
        }
        let path = format!("/record/v1/{record_type}/{id}");
        let ask = Ask::rest(Method::PATCH, path, Right::Write, deed)
            .header(NAMES.0, NAMES.1)
            .json(Value::Object(body));
        self.api.send(call, &ask).await.map(drop)
    }
}

fn external_path(record_type: &str, external: &str) -> Result<String, Failure> {
    if is_plain(external) {
        Ok(format!("/record/v1/{record_type}/eid:{external}"))
    } else {
        Err(Failure::new(
            Category::Validation,
            format!("`{external}` can't be an external id"),
        ))
    }
}

/// Whether a text is letters, digits, `_` and `-`: what an external id may hold, and what ends no quotation early.
pub(super) fn is_plain(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.bytes().all(legal)
}

fn unnamed(record_type: &str) -> Failure {
    Failure::new(
        Category::Server,
        format!("NetSuite accepted a new {record_type} and did not say its id"),
    )
    .effect_unknown()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_never_leaves_its_place() {
        assert_eq!(
            external_path("task", "FN-12").unwrap(),
            "/record/v1/task/eid:FN-12"
        );
        for wrong in ["", "a|b", "a/b", "a b", "a\"b", "ä"] {
            assert!(external_path("task", wrong).is_err(), "{wrong}");
        }
    }
}
