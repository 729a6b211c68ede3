//! Finding records: by their marker, and by when they changed.

use http::Method;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};

use super::NetSuite;
use super::api::{Ask, is_internal_id};
use super::right::Right;
use super::write::is_plain;
use crate::http::Call;
use crate::model::{Category, Failure, Marker, RecordId, Timestamp};
use crate::platform::basics::{id_text, is_true};
use crate::platform::{Changed, Found};

/// The most records a page of SuiteQL holds.
const PER_PAGE: usize = 1000;

impl NetSuite {
    /// Looks for records that carry the marker. Neither way has an index that lags, so absence is believed.
    pub(super) async fn find_marked(&self, call: &Call, marker: &Marker) -> Result<Found, Failure> {
        let text = marker.as_str();
        if !is_plain(text) {
            return Ok(Found::CannotTell);
        }
        let record_type = &self.settings.record_type;
        if self.settings.upserts() {
            let id = self.id_of_external(call, record_type, text).await?;
            return Ok(id.map_or(Found::Absent, |id| Found::Records(vec![RecordId::new(id)])));
        }
        let Some(field) = &self.settings.marker_field else {
            return Ok(Found::CannotTell);
        };
        let ask = Ask::get(
            format!("/record/v1/{record_type}"),
            Right::Read,
            format!("look for the {record_type} marked {text}"),
        )
        .query("q", format!("{field} IS \"{text}\""))
        .query("limit", "10")
        .query("offset", "0");
        let answer = self.api.json(call, &ask).await.map_err(|failure| {
            // The only thing in the query that an account may not know is the field.
            if failure.category == Category::Validation {
                Failure {
                    category: Category::Configuration,
                    ..failure
                }
                .hint("Set marker_field to a custom field of the type Free-Form Text, by the id that Refresh Fields lists.")
            } else {
                failure
            }
        })?;
        let ids = ids(&answer)?;
        Ok(if ids.is_empty() {
            Found::Absent
        } else {
            Found::Records(ids)
        })
    }

    /// Lists records changed since a moment, by internal id: pages that follow the last id seen miss nothing while others
    /// change, which pages counted by offset would. What does not meet the conditions is left out after the fetch.
    pub(super) async fn list_changed(
        &self,
        call: &Call,
        since: Timestamp,
        cursor: Option<String>,
    ) -> Result<Changed, Failure> {
        let after = cursor.as_deref().unwrap_or("0");
        if !is_internal_id(after) {
            return Err(Failure::new(
                Category::Configuration,
                format!("`{after}` is no page of changed records"),
            ));
        }
        let query = &self.settings.changes;
        let (table, column) = (&query.table, &query.column);
        let sql = format!(
            "SELECT id FROM {table} WHERE {column} >= TO_DATE(?, 'YYYY-MM-DD HH24:MI:SS') AND id > ? ORDER BY id"
        );
        let ask = suiteql("list the changed records", PER_PAGE)
            .json(json!({"q": sql, "params": [local(since, query.zone.as_ref()), after]}));
        let answer = self.api.json(call, &ask).await?;
        let ids = ids(&answer)?;
        let more = is_true(&answer, "hasMore") || ids.len() >= PER_PAGE;
        let last = ids.last().map(ToString::to_string);
        let next = last.filter(|last| more && last != after);
        Ok(Changed {
            records: ids.into_iter().map(|id| (id, None)).collect(),
            next,
        })
    }

    /// Tries the query for changed records on one record.
    pub(super) async fn try_changed(&self, call: &Call) -> Result<(), Failure> {
        let query = &self.settings.changes;
        let sql = format!("SELECT id, {} FROM {}", query.column, query.table);
        let ask = suiteql("ask SuiteQL for changed records", 1).json(json!({"q": sql}));
        self.api.json(call, &ask).await.map(drop)
    }
}

fn suiteql(deed: &str, limit: usize) -> Ask {
    Ask::rest(Method::POST, "/query/v1/suiteql", Right::Query, deed)
        .query("limit", limit.to_string())
        .query("offset", "0")
        // SuiteQL answers nothing without it.
        .header("prefer", "transient")
}

fn ids(answer: &Value) -> Result<Vec<RecordId>, Failure> {
    let items = answer.get("items").and_then(Value::as_array);
    let items = items.ok_or_else(|| {
        Failure::new(
            Category::Server,
            "NetSuite was asked for a list of records and answered something else",
        )
    })?;
    let mut ids: Vec<RecordId> = Vec::with_capacity(items.len());
    for id in items
        .iter()
        .filter_map(|item| item.get("id").and_then(id_text))
    {
        let id = RecordId::new(id);
        if is_internal_id(id.as_str()) && !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// A moment as the account's queries read it. Where the account's zone was not told, the westernmost on earth is taken:
/// then records of the hours before may come too, and none is missed.
fn local(moment: Timestamp, zone: Option<&TimeZone>) -> String {
    let zone = match zone {
        Some(zone) => zone.clone(),
        None => TimeZone::fixed(Offset::constant(-12)),
    };
    moment
        .to_zoned(zone)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_asked_for_in_the_accounts_zone_or_early_enough() {
        let moment = "2026-03-01T12:00:00Z".parse().unwrap();
        let chicago = TimeZone::get("America/Chicago").unwrap();
        assert_eq!(local(moment, Some(&chicago)), "2026-03-01 06:00:00");
        assert_eq!(local(moment, None), "2026-03-01 00:00:00");
    }

    #[test]
    fn ids_come_as_texts_or_numbers_and_once() {
        let told = json!({"items": [{"id": "7"}, {"id": 8}, {"id": "7"}, {"id": "x/y"}, {}]});
        let read: Vec<_> = ids(&told)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(read, ["7", "8"]);
        assert!(ids(&json!([])).is_err());
    }
}
