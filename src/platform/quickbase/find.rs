//! Finding records: by their marker, and by when they changed.

use std::time::Duration;

use super::Quickbase;
use super::query::{Row, Selection, cell, equals, row_id};
use super::read::moment;
use super::table::{MODIFIED, RECORD_ID};
use crate::http::Call;
use crate::model::{Category, Failure, Marker, RecordId, Timestamp};
use crate::platform::{Changed, Found};

impl Quickbase {
    /// Looks for records that carry the marker. Quickbase has no index that lags: what is not there is absent.
    pub(super) async fn find_marked(&self, call: &Call, marker: &Marker) -> Result<Found, Failure> {
        let Some(merge) = self.settings.merge else {
            return Ok(Found::CannotTell);
        };
        let Ok(filter) = equals(merge, &marker.as_str().into()) else {
            return Ok(Found::CannotTell);
        };
        let selection = Selection {
            table: &self.settings.table,
            fields: vec![RECORD_ID, merge],
            filter,
            sort: &[],
        };
        let deed = format!("look for the record marked {}", marker.as_str());
        let rows = self.rows(call, &deed, &selection).await?;
        // `EX` does not regard upper and lower case; a marker does.
        let carries = |row: &&Row| {
            cell(row, merge)
                .and_then(|held| held.as_str())
                .map(str::trim)
                == Some(marker.as_str())
        };
        let found: Vec<RecordId> = rows
            .iter()
            .filter(carries)
            .filter_map(row_id)
            .map(|id| RecordId::new(id.to_string()))
            .collect();
        Ok(if found.is_empty() {
            Found::Absent
        } else {
            Found::Records(found)
        })
    }

    /// Lists records changed since a moment that the connector's condition wants, oldest change first.
    pub(super) async fn list_changed(
        &self,
        call: &Call,
        since: Timestamp,
        cursor: Option<String>,
    ) -> Result<Changed, Failure> {
        let cursor = match cursor {
            None => Cursor { since, skip: 0 },
            Some(text) => Cursor::read(&text).ok_or_else(|| {
                Failure::new(
                    Category::Configuration,
                    format!("`{text}` is no page of changed records"),
                )
            })?,
        };
        let condition = self.settings.condition.as_ref();
        let mut fields = vec![MODIFIED, RECORD_ID];
        fields.extend(condition.map(|condition| condition.field));
        // The vendor documents "after", not "on or after": asked from a second earlier, nothing is missed.
        let after = stamp(earlier(cursor.since, Duration::from_secs(1)));
        let selection = Selection {
            table: &self.settings.table,
            fields,
            filter: format!("{{{MODIFIED}.AF.'{after}'}}"),
            sort: &[MODIFIED, RECORD_ID],
        };
        let deed = "list the changed records";
        let page = self.page(call, deed, &selection, cursor.skip).await?;
        let changed = |row: &Row| cell(row, MODIFIED).and_then(moment);
        let last = page.rows.iter().filter_map(changed).max();
        let is_wanted = |row: &&Row| {
            condition.is_none_or(|condition| {
                let fields = serde_json::Value::Object((*row).clone());
                condition.judge(&fields, "").is_ok()
            })
        };
        let records = page
            .rows
            .iter()
            .filter(is_wanted)
            .filter_map(|row| Some((RecordId::new(row_id(row)?.to_string()), changed(row))))
            .collect();
        let next = page.next.map(|skip| cursor.next(last, skip));
        Ok(Changed { records, next })
    }
}

fn earlier(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A moment as the query language reads it, whole seconds in UTC, never later than given.
fn stamp(moment: Timestamp) -> String {
    let seconds = moment.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(moment)
        .to_string()
}

/// Where a listing goes on. A record that changes while pages are read moves to the end and shifts all that follow by
/// one, so that counting rows would miss some: the next page begins anew at the last moment seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    since: Timestamp,
    skip: u64,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let (skip, since) = text.split_once('@')?;
        Some(Self {
            since: since.parse().ok()?,
            skip: skip.parse().ok()?,
        })
    }

    fn next(self, last: Option<Timestamp>, skip: u64) -> String {
        let next = match last.filter(|last| stamp(*last) > stamp(self.since)) {
            Some(since) => Self { since, skip: 0 },
            // More records changed within these seconds than a page holds.
            None => Self {
                since: self.since,
                skip,
            },
        };
        format!("{}@{}", next.skip, stamp(next.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_listing_goes_on_at_the_last_moment_seen() {
        let first = Cursor {
            since: at("2026-01-01T00:00:00Z"),
            skip: 0,
        };
        let next = first.next(Some(at("2026-01-01T00:10:00.5Z")), 100);
        assert_eq!(next, "0@2026-01-01T00:10:00Z");
        let second = Cursor::read(&next).unwrap();
        let next = second.next(Some(at("2026-01-01T00:10:00.9Z")), 100);
        assert_eq!(next, "100@2026-01-01T00:10:00Z");
        assert_eq!(first.next(None, 7), "7@2026-01-01T00:00:00Z");
        for wrong in ["", "1", "-1@2026-01-01T00:00:00Z", "x@y"] {
            assert_eq!(Cursor::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_asked_for_in_whole_seconds() {
        assert_eq!(
            stamp(at("2026-01-01T00:00:00.999Z")),
            "2026-01-01T00:00:00Z"
        );
    }
}
