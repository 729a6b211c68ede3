//! Time entries of tickets: one for each Field Nation time log, edited and never doubled.
//!
//! The log's number stands as `(#103)` at the beginning of the summary notes or of the internal notes, as the hosted
//! integration writes it. Summary notes are mandatory in Autotask whichever field carries the number.

use http::Method;
use serde_json::{Map, Value, json};

use super::Autotask;
use super::ask::{Ask, Right, condition};
use super::body::{refusal, side};
use super::fields::moment;
use super::session::Freshness;
use super::settings::TimeField;
use crate::http::Call;
use crate::model::{Failure, SideRecord, SideSource};
use crate::platform::basics::{digits, is_empty, number, text, text_at};

/// Work on a ticket.
const TYPE_TICKET: u64 = 2;

impl Autotask {
    /// Writes the time entry of a time log.
    pub(super) async fn put_time_entry(
        &self,
        call: &Call,
        ticket: u64,
        record: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let mut mapped = record.fields.as_object().cloned().unwrap_or_default();
        let tag = tag(&record.source);
        let known = match existing.and_then(|id| digits(id.as_bytes())) {
            Some(id) => Some(id),
            None => self.find_time_entry(call, ticket, &tag).await?,
        };
        if known.is_none() {
            self.session.wait_for_lag(record)?;
        }
        let deed = match known {
            Some(id) => format!("change time entry {id} of ticket {ticket}"),
            None => format!("add a time entry to ticket {ticket}"),
        };
        let fields = self
            .session
            .fields(
                &self.api,
                call,
                "TimeEntries",
                Right::TrackTime,
                Freshness::Recent,
            )
            .await?;
        let place = self.settings.time_field;
        if known.is_none() {
            self.complete_time(&mut mapped);
        }
        let stand = known.map_or(Stand::New, |_| Stand::There);
        add_tag(&mut mapped, place.name(), &tag, stand);
        let mut body = side(&mapped, &fields).map_err(|problems| refusal(&deed, &problems))?;
        match known {
            Some(id) => {
                body.insert("id".to_owned(), id.into());
                let ask = Ask::new(Method::PATCH, "TimeEntries", Right::TrackTime, deed)
                    .json(body.into());
                self.api.json(call, &ask).await?;
                Ok(id.to_string())
            }
            None => {
                require(&deed, &body, place)?;
                body.insert("ticketID".to_owned(), ticket.into());
                let ask =
                    Ask::new(Method::POST, "TimeEntries", Right::TrackTime, deed).json(body.into());
                Ok(self.api.created(call, &ask).await?.to_string())
            }
        }
    }

    /// What a new entry needs and a mapping may leave to the settings.
    fn complete_time(&self, mapped: &mut Map<String, Value>) {
        let mut put = |name: &str, value: Option<Value>| {
            let is_silent = mapped.get(name).is_none_or(is_empty);
            if let Some(value) = value.filter(|_| is_silent) {
                mapped.insert(name.to_owned(), value);
            }
        };
        put(
            "resourceID",
            self.settings.default_resource.map(Value::from),
        );
        put("roleID", self.settings.default_role.map(Value::from));
        put("timeEntryType", Some(TYPE_TICKET.into()));
        let start = mapped
            .get("startDateTime")
            .and_then(Value::as_str)
            .and_then(moment);
        if let Some(start) = start
            && mapped.get("dateWorked").is_none_or(is_empty)
        {
            let day = start.to_zoned(jiff::tz::TimeZone::UTC).date();
            mapped.insert("dateWorked".to_owned(), format!("{day}T00:00:00Z").into());
        }
    }

    /// The entry that carries the log's number: an earlier attempt may have made it unheard.
    async fn find_time_entry(
        &self,
        call: &Call,
        ticket: u64,
        tag: &str,
    ) -> Result<Option<u64>, Failure> {
        let filter = json!([condition("eq", "ticketID", ticket)]);
        let deed = format!("list the time entries of ticket {ticket}");
        let ask = Ask::query("TimeEntries", &filter, Right::TrackTime, deed);
        let entries = self.api.items(call, &ask).await?;
        let name = self.settings.time_field.name();
        Ok(tagged(&entries, &[name], tag))
    }
}

/// How a Field Nation object is named in a text.
pub(super) fn tag(source: &SideSource) -> String {
    format!("(#{source})")
}

/// Whether what is written stands there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It is made now.
    New,
    /// It is changed.
    There,
}

/// Puts the number at the beginning of a field. What exists already keeps its number unless its text is written anew.
pub(super) fn add_tag(mapped: &mut Map<String, Value>, field: &str, tag: &str, stand: Stand) {
    let held = mapped.get(field).filter(|value| !is_empty(value)).map(text);
    if held.is_none() && stand == Stand::There {
        return;
    }
    let words = held.unwrap_or_default();
    if !words.trim_start().starts_with(tag) {
        let words = format!("{tag} {words}");
        mapped.insert(field.to_owned(), words.trim().into());
    }
}

/// The object among some that carries a number at the beginning of one of these fields.
pub(super) fn tagged(objects: &[Value], fields: &[&str], tag: &str) -> Option<u64> {
    let found = objects.iter().find(|object| {
        fields.iter().any(|field| {
            text_at(object, &[field]).is_some_and(|text| text.trim_start().starts_with(tag))
        })
    });
    number(found?.get("id")?)
}

fn require(deed: &str, body: &Map<String, Value>, place: TimeField) -> Result<(), Failure> {
    let has = |name: &str| body.get(name).is_some_and(|value| !is_empty(value));
    let mut missing: Vec<String> = ["resourceID", "roleID", "dateWorked", "summaryNotes"]
        .into_iter()
        .filter(|name| !has(name))
        .map(|name| format!("time_entry.{name} is required"))
        .collect();
    let has_times = has("startDateTime") && has("endDateTime");
    if !has("hoursWorked") && !has_times {
        missing.push(
            "time_entry.hoursWorked, or startDateTime with endDateTime, is required".to_owned(),
        );
    }
    if missing.is_empty() {
        return Ok(());
    }
    let failure = refusal(deed, &missing);
    Err(match place {
        TimeField::Internal if !has("summaryNotes") => failure.hint(
            "With time_log_id_field = \"internal\", summaryNotes must be mapped by a rule of its own.",
        ),
        _ => failure.hint(
            "Map what is missing; default_resource_id and default_role_id serve where the mapping names nobody.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WorkOrderId;

    #[test]
    fn the_number_stands_before_the_notes() {
        for (held, written) in [
            (
                json!({"summaryNotes": "Replaced HVAC unit and tested airflow"}),
                "(#103) Replaced HVAC unit and tested airflow",
            ),
            (json!({}), "(#103)"),
            (json!({"summaryNotes": "(#103) again"}), "(#103) again"),
        ] {
            let mut mapped = held.as_object().unwrap().clone();
            add_tag(&mut mapped, "summaryNotes", "(#103)", Stand::New);
            assert_eq!(mapped["summaryNotes"], written);
        }
        let mut mapped = Map::from_iter([("hoursWorked".to_owned(), json!(2))]);
        add_tag(&mut mapped, "summaryNotes", "(#103)", Stand::There);
        assert!(!mapped.contains_key("summaryNotes"));
        let mut mapped = Map::from_iter([(
            "summaryNotes".to_owned(),
            json!("Verified network connectivity and rebooted router"),
        )]);
        add_tag(&mut mapped, "internalNotes", "(#104)", Stand::New);
        assert_eq!(mapped["internalNotes"], "(#104)");
        assert_eq!(
            mapped["summaryNotes"],
            "Verified network connectivity and rebooted router"
        );
    }

    #[test]
    fn an_entry_is_known_by_its_number() {
        let entries = [
            json!({"id": 4, "summaryNotes": "(#1031) other"}),
            json!({"id": 5, "summaryNotes": "see (#103)"}),
            json!({"id": 6, "summaryNotes": " (#103) this"}),
        ];
        assert_eq!(tagged(&entries, &["summaryNotes"], "(#103)"), Some(6));
        assert_eq!(tagged(&entries, &["internalNotes"], "(#103)"), None);
    }

    #[test]
    fn a_log_is_named_by_its_number_and_a_work_order_as_such() {
        assert_eq!(tag(&SideSource::Object("103".into())), "(#103)");
        assert_eq!(tag(&SideSource::WorkOrder(WorkOrderId(103))), "(#WO-103)");
    }

    #[test]
    fn all_that_is_missing_is_told() {
        let told = require("x", &Map::new(), TimeField::Internal).unwrap_err();
        for part in [
            "resourceID",
            "roleID",
            "dateWorked",
            "summaryNotes",
            "hoursWorked",
        ] {
            assert!(told.cause.contains(part), "{part}: {}", told.cause);
        }
        assert!(told.hint.unwrap().contains("rule of its own"));
    }
}
