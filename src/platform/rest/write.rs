//! Writing records and files.

use serde_json::{Map, Value};

use super::Rest;
use super::body;
use super::call::{Filling, object};
use super::envelope::wrap;
use crate::http::{Call, Response};
use crate::model::{Category, Failure, FileContent, Marker, Record, RecordId, Timestamp};
use crate::openapi::{Document, Operation, Purpose, Schema};
use crate::platform::basics::id_text;
use crate::platform::{Created, Found};

impl Rest {
    /// Creates a record that carries the marker, where a field for it is set.
    pub(super) async fn create_record(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        let binding = self.settings.bindings.create.as_ref();
        let binding = binding.ok_or_else(|| not_set("record_create"))?;
        let mut fields = fields.clone();
        if let Some(path) = &self.settings.marker_field {
            path.write(&mut fields, marker.as_str().into())
                .map_err(|error| {
                    Failure::new(
                        Category::Transformation,
                        format!("the marker can't be put into the record: {error}"),
                    )
                    .hint("Change marker_field, or the rule that writes there.")
                })?;
        }
        let body = self.body(&binding.operation, fields)?;
        let prepared = self.prepare(binding, &Filling::default(), Some(body))?;
        let intended_at = self.clock.now();
        let response = self.succeed(call, &prepared, "create a record").await?;
        let id = match self.created_id(&response) {
            Some(id) => id,
            None => self.find_created(call, marker, intended_at).await?,
        };
        Ok(Created { id, existed: false })
    }

    /// The id of a record that was just created, where the answer names none: it carries the marker. That it is not
    /// in the list proves nothing, for it was created.
    async fn find_created(
        &self,
        call: &Call,
        marker: &Marker,
        intended_at: Timestamp,
    ) -> Result<RecordId, Failure> {
        let found = if self.can_find() {
            let found = self.find_marked(call, marker, intended_at).await;
            found.map_err(Failure::effect_unknown)?
        } else {
            Found::CannotTell
        };
        let why = match found {
            Found::Records(ids) => match <[RecordId; 1]>::try_from(ids) {
                Ok([id]) => return Ok(id),
                Err(ids) => format!("{} records carry its marker", ids.len()),
            },
            _ if self.can_find() => "the list shows no record with its marker".to_owned(),
            _ => "marker_field and record_list, by which it could be found, are not both set"
                .to_owned(),
        };
        Err(Failure::new(
            Category::Uncertain,
            format!("a record was created, but the answer names no id, neither at id_field nor in Location, and {why}"),
        )
        .effect_unknown()
        .hint("Set envelope and id_field to where the answer holds the new record's id, or marker_field and record_list; link this record by hand."))
    }

    fn body(
        &self,
        operation: &Operation,
        fields: Map<String, Value>,
    ) -> Result<body::Made, Failure> {
        let fields = wrap(fields, self.settings.request_envelope.as_ref()).map_err(|why| {
            Failure::new(
                Category::Configuration,
                format!("the fields can't be put at request_envelope: {why}"),
            )
        })?;
        body::of_record(operation, fields).ok_or_else(|| {
            Failure::new(
                Category::Configuration,
                format!("{} takes neither JSON nor a form", operation.name()),
            )
            .hint("Choose another operation; other bodies can't be made of fields.")
        })
    }

    /// The id of what was created: in the record, beside it, else the last piece of `Location`.
    fn created_id(&self, response: &Response) -> Option<RecordId> {
        let answer = response.json().ok();
        let in_body = answer.and_then(|answer| {
            let record = self.settings.envelope.open(&answer);
            let in_record = record.and_then(|record| self.id_of(&record));
            in_record
                .or_else(|| self.id_of(&answer))
                .or_else(|| id_text(&answer).map(RecordId::new))
        });
        in_body.or_else(|| {
            let path = response.header("location")?.split(['?', '#']).next()?;
            let last = path.trim_end_matches('/').rsplit('/').next()?;
            let id = percent_encoding::percent_decode_str(last)
                .decode_utf8()
                .ok()?;
            (!id.is_empty()).then(|| RecordId::new(id))
        })
    }

    /// Writes the changed fields. `PUT` replaces a record (RFC 9110, 9.3.4), so there the whole of it goes out, the
    /// changes in it; every other method gets the changes alone.
    pub(super) async fn update_record(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let binding = self.settings.bindings.update.as_ref();
        let binding = binding.ok_or_else(|| not_set("record_update"))?;
        let operation = &binding.operation;
        let mut fields = if operation.method == http::Method::PUT {
            let mut whole = self.writable(operation, base.fields.clone());
            merge(&mut whole, changes);
            whole
        } else {
            changes.clone()
        };
        // Where no parameter names the record, the body has to.
        if binding.id.is_none() {
            self.settings
                .id_field
                .write(&mut fields, base.id.as_str().into())
                .map_err(|error| {
                    Failure::new(
                        Category::Configuration,
                        format!("the id can't be put into the body: {error}"),
                    )
                    .hint("Set id_field or id_parameter.")
                })?;
        }
        let body = self.body(operation, fields)?;
        let prepared = self.prepare(binding, &Filling::of(&base.id), Some(body))?;
        let deed = format!("update record {}", base.id);
        self.succeed(call, &prepared, &deed).await?;
        Ok(())
    }

    /// A record as read, without what the update does not take: properties that are only read, and those that its
    /// schema does not know where it names any.
    fn writable(&self, operation: &Operation, record: Value) -> Map<String, Value> {
        let mut fields = object(record);
        let document = &self.settings.document;
        let content = operation
            .body
            .as_ref()
            .and_then(|body| body.json().or(body.contents.first()));
        let schema = content.and_then(|content| content.schema.clone());
        let schema = schema.and_then(|schema| self.within_request(&schema));
        if let Some(schema) = schema {
            keep_writable(document, &schema, &mut fields, 0);
        }
        fields
    }

    /// The schema of the record in a request's schema.
    pub(super) fn within_request(&self, schema: &Schema) -> Option<Schema> {
        match &self.settings.request_envelope {
            Some(path) => super::catalogue::descend(&self.settings.document, schema, path),
            None => Some(schema.clone()),
        }
    }

    /// Attaches a file; answers its id where the API gives one.
    pub(super) async fn attach_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        let binding = self.settings.bindings.attach.as_ref();
        let binding = binding.ok_or_else(|| not_set("attachment_upload"))?;
        let size = file.bytes.len() as u64;
        if size > self.settings.attachment_limit {
            return Err(Failure::new(
                Category::Validation,
                format!(
                    "{} has {size} bytes; attachment_limit allows {}",
                    file.name, self.settings.attachment_limit
                ),
            )
            .hint("Raise attachment_limit if the API takes more."));
        }
        let operation = &binding.operation;
        let description = operation.body.as_ref().ok_or_else(|| {
            Failure::new(
                Category::Configuration,
                format!("{} takes no body", operation.name()),
            )
            .hint("Choose another operation for attachment_upload.")
        })?;
        let field = self.settings.attachment_field.as_deref();
        let made =
            body::of_file(&self.settings.document, description, field, file).map_err(|why| {
                Failure::new(
                    Category::Configuration,
                    format!("{} can't be used: {why}", operation.name()),
                )
            })?;
        let raw = matches!(made.body, crate::http::Body::Bytes(..));
        let mut filling = Filling::of(record);
        let called = operation.parameters.iter().find(|parameter| {
            let name = parameter.name.to_ascii_lowercase().replace(['_', '-'], "");
            matches!(name.as_str(), "filename" | "xfilename")
        });
        if let Some(parameter) = called {
            filling
                .others
                .push((&parameter.name, file.name.clone().into()));
        }
        let mut prepared = self.prepare(binding, &filling, Some(made))?;
        if raw && called.is_none() {
            // RFC 6266: the name in the form that every server reads, and the exact one.
            let plain: String = file
                .name
                .chars()
                .map(|char| {
                    if char.is_ascii_graphic() && !matches!(char, '"' | '\\') || char == ' ' {
                        char
                    } else {
                        '_'
                    }
                })
                .collect();
            let exact = percent_encoding::utf8_percent_encode(
                &file.name,
                percent_encoding::NON_ALPHANUMERIC,
            );
            prepared = prepared.with_header(
                "content-disposition",
                format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"),
            );
        }
        let deed = format!("attach {} to record {record}", file.name);
        let response = self.succeed(call, &prepared, &deed).await?;
        Ok(self.created_id(&response).map(|id| id.to_string()))
    }
}

fn not_set(setting: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("the connector has no {setting}"),
    )
    .hint("Name the operation in the connector's settings.")
}

/// Puts changes over a record, member by member; lists are replaced.
fn merge(whole: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, change) in changes {
        match (whole.get_mut(name), change) {
            (Some(Value::Object(inner)), Value::Object(change)) => merge(inner, change),
            _ => {
                whole.insert(name.clone(), change.clone());
            }
        }
    }
}

/// Takes out what a schema does not let be written.
fn keep_writable(
    document: &Document,
    schema: &Schema,
    fields: &mut Map<String, Value>,
    depth: usize,
) {
    const DEEPEST: usize = 6;
    let names = document.property_names(schema);
    if names.is_empty() || depth > DEEPEST {
        return;
    }
    let writable = document.fields(schema, Purpose::Write);
    let top = |name: &str| {
        let path = crate::mapping::Path::from_segments(vec![crate::mapping::path::Segment::Key(
            name.into(),
        )]);
        writable.iter().any(|field| field.path == **path.text())
    };
    fields.retain(|name, _| top(name));
    for (name, value) in fields.iter_mut() {
        if let (Value::Object(inner), Some(schema)) = (value, document.property(schema, name)) {
            keep_writable(document, &schema, inner, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_go_over_the_record() {
        let mut whole = object(json!({"a": {"x": 1, "y": 2}, "l": [1], "k": 1}));
        merge(&mut whole, &object(json!({"a": {"x": 9}, "l": [2, 3]})));
        assert_eq!(
            Value::Object(whole),
            json!({"a": {"x": 9, "y": 2}, "l": [2, 3], "k": 1})
        );
    }
}
