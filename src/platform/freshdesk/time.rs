//! Time entries of tickets.

use serde_json::{Map, Value};

use super::api::ticket_number;
use super::endpoint::{ADD_TIME_ENTRY, LIST_TIME_ENTRIES, UPDATE_TIME_ENTRY};
use super::{Freshdesk, body, html, json};
use crate::http::Call;
use crate::model::{Category, Failure, RecordId, SideRecord, SideRecordKind, SideSource};
use crate::platform::basics::text_at;

impl Freshdesk {
    /// Writes a time entry: a new one, or the one that stands for the same Field Nation time log.
    pub(super) async fn put_time_entry(
        &self,
        call: &Call,
        record: &RecordId,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        if side.kind != SideRecordKind::Time {
            return Err(Failure::new(
                Category::Configuration,
                "Freshdesk keeps time entries, but neither schedule entries nor charges",
            )
            .hint("Map these values to fields of the ticket instead."));
        }
        let number = ticket_number(record)?;
        let known = match existing {
            Some(id) => Some(json::digits(id.as_bytes()).ok_or_else(|| {
                Failure::new(
                    Category::Validation,
                    format!("`{id}` is no time entry's number"),
                )
            })?),
            None => self.find_time_entry(call, number, &side.source).await?,
        };
        let deed = match known {
            Some(entry) => format!("update time entry {entry} of ticket {number}"),
            None => format!("add a time entry to ticket {number}"),
        };
        let entry = entry(&side.fields, &side.source, known.is_some())
            .map_err(|problems| body::refusal(&deed, &problems))?;
        let (endpoint, request) = match known {
            Some(id) => (
                &UPDATE_TIME_ENTRY,
                self.api.request_for(&UPDATE_TIME_ENTRY, id),
            ),
            None => (
                &ADD_TIME_ENTRY,
                self.api.request_for(&ADD_TIME_ENTRY, number),
            ),
        };
        let request = request.json(Value::Object(entry));
        let answer = self.api.json(call, endpoint, &deed, request).await?;
        let id = json::id(&answer, "id").or_else(|| known.map(|id| id.to_string()));
        id.ok_or_else(|| {
            Failure::new(
                Category::Server,
                "Freshdesk accepted a time entry and did not say its number",
            )
            .effect_unknown()
        })
    }

    /// The entry whose note carries the time log's number: an earlier attempt may have made it unheard.
    async fn find_time_entry(
        &self,
        call: &Call,
        number: u64,
        source: &SideSource,
    ) -> Result<Option<u64>, Failure> {
        let deed = format!("list the time entries of ticket {number}");
        let request = self.api.request_for(&LIST_TIME_ENTRIES, number);
        let entries = self
            .api
            .json(call, &LIST_TIME_ENTRIES, &deed, request)
            .await?;
        let mark = mark(source);
        let marked = entries.as_array().into_iter().flatten().find(|entry| {
            let note = text_at(entry, &["note"]).map(html::to_text);
            note.is_some_and(|note| note.contains(&mark))
        });
        Ok(marked.and_then(|entry| json::number(entry.get("id")?)))
    }
}

fn mark(source: &SideSource) -> String {
    format!("(#{source})")
}

/// The entry in the vendor's terms.
fn entry(
    fields: &Value,
    source: &SideSource,
    exists: bool,
) -> Result<Map<String, Value>, Vec<String>> {
    let mut entry = Map::new();
    let mut problems = Vec::new();
    for (name, value) in fields.as_object().into_iter().flatten() {
        if json::is_empty(value) {
            continue;
        }
        let taken = match name.as_str() {
            "time_spent" => hours_and_minutes(value)
                .map(Value::from)
                .ok_or("it takes hh:mm, or hours as a number"),
            "agent_id" => json::number(value)
                .map(Value::from)
                .ok_or("it takes an agent's number"),
            "billable" => match value {
                Value::Bool(_) => Ok(value.clone()),
                Value::String(text) if text == "true" => Ok(true.into()),
                Value::String(text) if text == "false" => Ok(false.into()),
                _ => Err("it takes true or false"),
            },
            "note" | "executed_at" => Ok(json::text(value).into()),
            _ => Err("it is no field of a time entry"),
        };
        match taken {
            Ok(value) => {
                entry.insert(name.clone(), value);
            }
            Err(why) => problems.push(format!("{name} can't be `{}`: {why}", json::text(value))),
        }
    }
    let told = problems
        .iter()
        .any(|problem| problem.starts_with("time_spent "));
    if !exists && !told && !entry.contains_key("time_spent") {
        // Without it Freshdesk would start a running timer.
        problems.push("time_spent is required".to_owned());
    }
    if !exists || entry.contains_key("note") {
        let note = entry.get("note").map(json::text).unwrap_or_default();
        let note = format!("{} {note}", mark(source));
        entry.insert("note".to_owned(), note.trim().into());
    }
    if problems.is_empty() {
        Ok(entry)
    } else {
        Err(problems)
    }
}

/// `hh:mm` from itself or from hours.
fn hours_and_minutes(value: &Value) -> Option<String> {
    let text = json::text(value);
    let text = text.trim();
    if let Some((hours, minutes)) = text.split_once(':') {
        let hours: u32 = hours.parse().ok()?;
        let minutes: u32 = minutes.parse().ok().filter(|minutes| *minutes < 60)?;
        return Some(format!("{hours:02}:{minutes:02}"));
    }
    let hours: f64 = text.parse().ok()?;
    if !(0.0..=10_000.0).contains(&hours) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 600,000"
    )]
    let minutes = (hours * 60.0).round() as u32;
    Some(format!("{:02}:{:02}", minutes / 60, minutes % 60))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hours_become_hours_and_minutes() {
        for (value, written) in [
            (json!("1:5"), Some("01:05")),
            (json!("00:10"), Some("00:10")),
            (json!(1.5), Some("01:30")),
            (json!("0.25"), Some("00:15")),
            (json!(26), Some("26:00")),
            (json!("1:75"), None),
            (json!(-1), None),
            (json!("soon"), None),
        ] {
            assert_eq!(hours_and_minutes(&value).as_deref(), written, "{value}");
        }
    }

    #[test]
    fn an_entry_carries_the_time_logs_number() {
        let log = SideSource::Object("55".into());
        let fields =
            json!({"time_spent": 2, "note": "On site", "billable": "true", "agent_id": "7"});
        let made = entry(&fields, &log, false).unwrap();
        assert_eq!(
            Value::Object(made),
            json!({"time_spent": "02:00", "note": "(#55) On site", "billable": true, "agent_id": 7})
        );
        let changed = entry(&json!({"time_spent": 3}), &log, true).unwrap();
        assert_eq!(Value::Object(changed), json!({"time_spent": "03:00"}));
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let log = SideSource::Object("55".into());
        let problems = entry(&json!({"billable": 7, "hours": 2}), &log, false).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
    }
}
