//! Reading records.

use serde_json::Value;

use super::Rest;
use super::binding::Binding;
use super::call::Filling;
use crate::http::Call;
use crate::mapping::Path;
use crate::model::{Category, Failure, FieldKind, Marker, Record, RecordId, Timestamp};
use crate::openapi::Place;
use crate::platform::basics::{id_text, next_link};
use crate::platform::{Changed, Found};

/// So many pages of a list are read in search of a marker.
const MOST_PAGES: usize = 50;

/// Our clock and the API's may differ by so much.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

impl Rest {
    /// Reads a record; `None` when it is not there (404 or 410, or an empty answer).
    pub(super) async fn read_record(
        &self,
        call: &Call,
        id: &RecordId,
    ) -> Result<Option<Record>, Failure> {
        let binding = &self.settings.bindings.fetch;
        let prepared = self.prepare(binding, &Filling::of(id), None)?;
        let deed = format!("read record {id}");
        let response = self.send(call, &prepared).await?;
        match response.status.as_u16() {
            404 | 410 | 204 => return Ok(None),
            _ if response.is_success() => {}
            _ => return Err(prepared.failure(&deed, &response)),
        }
        let answer = response.json()?;
        let Some(fields) = self.settings.envelope.open(&answer) else {
            return self.nothing_in(&answer, &deed);
        };
        Ok(Some(self.record(id, fields)))
    }

    /// An answer without a record: nothing was found, or the envelope is another.
    fn nothing_in(&self, answer: &Value, deed: &str) -> Result<Option<Record>, Failure> {
        let is_empty = match answer {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            // The member is there, and holds nothing.
            Value::Object(_) => match &self.settings.envelope {
                super::settings::Envelope::Set(path) => path.read(answer).is_some(),
                super::settings::Envelope::Guessed(name) => answer.get(name).is_some(),
                super::settings::Envelope::None => false,
            },
            _ => false,
        };
        if is_empty {
            return Ok(None);
        }
        let names: Vec<&str> = answer
            .as_object()
            .map(|object| object.keys().take(12).map(String::as_str).collect())
            .unwrap_or_default();
        Err(Failure::new(
            Category::Configuration,
            format!(
                "could not {deed}: {}, but this answer has only: {}",
                self.settings.envelope.words(),
                names.join(", ")
            ),
        )
        .hint("Set envelope to the member that holds the record."))
    }

    fn record(&self, id: &RecordId, fields: Value) -> Record {
        let label = self
            .settings
            .label_field
            .as_ref()
            .and_then(|path| text_at(path, &fields));
        let label = label.or_else(|| {
            let usual = ["subject", "title", "summary", "name", "short_description"];
            usual
                .iter()
                .find_map(|name| Some(fields.get(*name)?.as_str()?.trim().to_owned()))
        });
        let changed = self.settings.changed_at_field.as_ref();
        Record {
            id: id.clone(),
            label: label
                .filter(|label| !label.is_empty())
                .unwrap_or_else(|| id.to_string()),
            changed_at: changed.and_then(|path| moment_at(path, &fields)),
            fields,
            notes: Vec::new(),
            files: Vec::new(),
            changed_by_us: false,
        }
    }

    /// The record's id as it stands in its fields.
    pub(super) fn id_of(&self, fields: &Value) -> Option<RecordId> {
        let value = self.settings.id_field.read(fields)?;
        id_text(&value).map(RecordId::new)
    }

    /// Looks through the list for records that carry the marker: asked for the marker where it can be, else for what
    /// changed since the record was to be made. Whatever the list's filter is worth, each record is
    /// compared here.
    pub(super) async fn find_marked(
        &self,
        call: &Call,
        marker: &Marker,
        intended_at: Timestamp,
    ) -> Result<Found, Failure> {
        let settings = &self.settings;
        let (Some(list), Some(field)) = (&settings.bindings.list, &settings.marker_field) else {
            return Ok(Found::CannotTell);
        };
        let mut filling = Filling::default();
        if let Some(parameter) = &settings.marker_parameter {
            filling.others.push((parameter, marker.as_str().into()));
        } else if let Some(parameter) = &settings.since_parameter {
            let since = intended_at.checked_sub(SKEW).unwrap_or(intended_at);
            let value = self.since_value(list, parameter, since);
            filling.others.push((parameter, value));
        }
        let mut prepared = self.prepare(list, &filling, None)?;
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let response = self.succeed(call, &prepared, "list records").await?;
            for record in settings.envelope.open_list(&response.json()?) {
                let carries = text_at(field, &record).as_deref() == Some(marker.as_str());
                let id = self.id_of(&record).filter(|_| carries);
                found.extend(id.filter(|id| !found.contains(id)));
            }
            match next_link(&response.headers) {
                Some(address) => prepared = self.next_page(list, address)?,
                None if found.is_empty() => return Ok(self.absent()),
                None => return Ok(Found::Records(found)),
            }
        }
        if found.is_empty() {
            Ok(Found::CannotTell)
        } else {
            Ok(Found::Records(found))
        }
    }

    /// Nothing in a list means absence only where the list was asked for this marker: an unfiltered one may be cut.
    fn absent(&self) -> Found {
        match self.settings.marker_parameter {
            Some(_) => Found::Absent,
            None => Found::CannotTell,
        }
    }

    /// A page of the records that changed since a moment; `page` is the address of the next one as the API gave it.
    pub(super) async fn list_changed(
        &self,
        call: &Call,
        since: Timestamp,
        page: Option<String>,
    ) -> Result<Changed, Failure> {
        let (Some(list), Some(parameter)) =
            (&self.settings.bindings.list, &self.settings.since_parameter)
        else {
            return Err(
                Failure::new(Category::Configuration, "there is no list of what changed")
                    .hint("Set record_list and since_parameter."),
            );
        };
        let prepared = match page {
            Some(address) => self.next_page(list, &address)?,
            None => {
                let value = self.since_value(list, parameter, since);
                let filling = Filling {
                    record: None,
                    others: vec![(parameter, value)],
                };
                self.prepare(list, &filling, None)?
            }
        };
        let response = self.succeed(call, &prepared, "list what changed").await?;
        let mut records = Vec::new();
        for fields in self.settings.envelope.open_list(&response.json()?) {
            let Some(id) = self.id_of(&fields) else {
                continue;
            };
            let changed = self.settings.changed_at_field.as_ref();
            let changed = changed.and_then(|path| moment_at(path, &fields));
            // A list that ignores its filter is cut here.
            if changed.is_none_or(|changed| changed >= since) {
                records.push((id, changed));
            }
        }
        records.sort_by_key(|(_, changed)| *changed);
        Ok(Changed {
            records,
            next: next_link(&response.headers).map(str::to_owned),
        })
    }

    /// The moment as the parameter wants it: seconds for a number, else RFC 3339.
    fn since_value(&self, list: &Binding, parameter: &str, since: Timestamp) -> Value {
        let mut parameters = list.operation.parameters_in(Place::Query);
        let schema = parameters
            .find(|one| one.name == *parameter)
            .and_then(|one| one.schema.as_ref());
        let kind = schema.and_then(|schema| self.settings.document.kind(schema));
        match kind {
            Some(FieldKind::Integer | FieldKind::Number) => since.as_second().into(),
            _ => Timestamp::from_second(since.as_second())
                .unwrap_or(since)
                .to_string()
                .into(),
        }
    }
}

/// The text (or number) at a path.
pub(super) fn text_at(path: &Path, fields: &Value) -> Option<String> {
    let value = path.read(fields)?;
    match value.as_ref() {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The moment at a path: RFC 3339, or seconds or milliseconds since 1970.
fn moment_at(path: &Path, fields: &Value) -> Option<Timestamp> {
    /// Seconds beyond this are milliseconds: the year 5138.
    const LAST_SECOND: i64 = 100_000_000_000;
    let value = path.read(fields)?;
    match value.as_ref() {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => match number.as_i64()? {
            seconds if seconds.abs() < LAST_SECOND => Timestamp::from_second(seconds).ok(),
            milliseconds => Timestamp::from_millisecond(milliseconds).ok(),
        },
        _ => None,
    }
}
