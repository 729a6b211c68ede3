//! Finding tickets: by their marker, and by when they changed.

use std::time::Duration;

use serde_json::Value;

use super::api::MOST_PAGES;
use super::catalogue::put_into_words;
use super::endpoint::{LIST_TICKETS, SEARCH_TICKETS};
use super::filter::Verdict;
use super::read::is_gone;
use super::session::Freshness;
use super::write::missing_marker_field;
use super::{Freshdesk, json};
use crate::http::Call;
use crate::model::{Category, Failure, Marker, RecordId, Timestamp};
use crate::platform::basics::moment_at;
use crate::platform::{Changed, Found};

/// How many pages of recent tickets are looked through for a marker that the search does not show yet.
const RECENT_PAGES: u32 = 5;

/// Our clock and Freshdesk's may differ by so much.
const SKEW: Duration = Duration::from_secs(60);

impl Freshdesk {
    /// Looks for tickets that carry the marker: by search, and, because its index lags behind, among the tickets
    /// that changed since it was to be made. Every hit is confirmed by what the ticket itself says.
    pub(super) async fn find_marked(
        &self,
        call: &Call,
        marker: &Marker,
        intended_at: Timestamp,
    ) -> Result<Found, Failure> {
        let Some(field) = self.settings.marker_field.as_deref() else {
            return Ok(Found::CannotTell);
        };
        // What would end the quoted text early is in no marker of ours.
        if marker.as_str().is_empty() || marker.as_str().contains(['\'', '"', '\\']) {
            return Ok(Found::CannotTell);
        }
        let hits = self.search_marked(call, field, marker).await?;
        let mut records = self.confirmed(call, field, marker, hits).await?;
        if records.is_empty() {
            let hits = self
                .recently_marked(call, field, marker, intended_at)
                .await?;
            records = self.confirmed(call, field, marker, hits).await?;
        }
        if !records.is_empty() {
            return Ok(Found::Records(records));
        }
        let lag = self.session.lag_after(intended_at);
        Ok(lag.map_or(Found::Absent, Found::NotYet))
    }

    async fn confirmed(
        &self,
        call: &Call,
        field: &str,
        marker: &Marker,
        hits: Vec<u64>,
    ) -> Result<Vec<RecordId>, Failure> {
        let mut records = Vec::new();
        for number in hits {
            let ticket = self.read_bare(call, number).await?;
            if let Some(ticket) = ticket
                && !is_gone(&ticket)
                && carries(ticket.get("custom_fields"), field, marker)
            {
                records.push(RecordId::new(number.to_string()));
            }
        }
        Ok(records)
    }

    async fn search_marked(
        &self,
        call: &Call,
        field: &str,
        marker: &Marker,
    ) -> Result<Vec<u64>, Failure> {
        let query = format!("\"{field}:'{}'\"", marker.as_str());
        let request = self.api.request(&SEARCH_TICKETS).query("query", query);
        let deed = format!("search for the ticket marked {}", marker.as_str());
        let answer = self.api.json(call, &SEARCH_TICKETS, &deed, request).await;
        let answer = answer.map_err(|failure| match failure.category {
            // The only thing in the query that an account may not know is the field.
            Category::Validation => Failure {
                cause: format!("{}; {}", missing_marker_field(field).cause, failure.cause),
                ..missing_marker_field(field)
            },
            _ => failure,
        })?;
        let results = answer.get("results").and_then(Value::as_array);
        let mut numbers: Vec<u64> = Vec::new();
        for number in results
            .into_iter()
            .flatten()
            .filter_map(|hit| json::number(hit.get("id")?))
        {
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    async fn recently_marked(
        &self,
        call: &Call,
        field: &str,
        marker: &Marker,
        intended_at: Timestamp,
    ) -> Result<Vec<u64>, Failure> {
        let since = earlier(intended_at, SKEW);
        let mut numbers = Vec::new();
        for page in 1..=RECENT_PAGES {
            let request = self
                .api
                .request(&LIST_TICKETS)
                .query("updated_since", stamp(since))
                .query("order_by", "updated_at")
                .query("order_type", "desc");
            let deed = "list the newest tickets";
            let page = self
                .api
                .page(call, &LIST_TICKETS, deed, request, page)
                .await?;
            let hits = page
                .items
                .iter()
                .filter(|ticket| carries(ticket.get("custom_fields"), field, marker));
            numbers.extend(hits.filter_map(|ticket| json::number(ticket.get("id")?)));
            if !numbers.is_empty() || !page.more {
                break;
            }
        }
        Ok(numbers)
    }

    /// Lists tickets changed since a moment that the connector's conditions want, oldest change first.
    pub(super) async fn list_changed(
        &self,
        call: &Call,
        since: Timestamp,
        cursor: Option<String>,
    ) -> Result<Changed, Failure> {
        let cursor = match cursor {
            None => Cursor { since, page: 1 },
            Some(text) => Cursor::read(&text).ok_or_else(|| {
                Failure::new(
                    Category::Configuration,
                    format!("`{text}` is no page of changed tickets"),
                )
            })?,
        };
        let request = self
            .api
            .request(&LIST_TICKETS)
            .query("updated_since", stamp(cursor.since))
            .query("order_by", "updated_at")
            .query("order_type", "asc");
        let deed = "list the changed tickets";
        let mut page = self
            .api
            .page(call, &LIST_TICKETS, deed, request, cursor.page)
            .await?;
        let last = page
            .items
            .iter()
            .filter_map(|ticket| moment_at(ticket, &["updated_at"]))
            .max();
        let next = if page.more { cursor.next(last)? } else { None };
        let fields = self
            .session
            .fields(&self.api, call, Freshness::Recent)
            .await?;
        let mut records = Vec::with_capacity(page.items.len());
        for ticket in &mut page.items {
            let Some(number) = ticket.get("id").and_then(json::number) else {
                continue;
            };
            let Some(members) = ticket.as_object_mut() else {
                continue;
            };
            if is_gone(members) {
                continue;
            }
            put_into_words(members, &fields);
            // What the listing does not tell is decided after the fetch.
            if !matches!(self.settings.conditions.judge(ticket), Verdict::Unwanted(_)) {
                records.push((
                    RecordId::new(number.to_string()),
                    moment_at(ticket, &["updated_at"]),
                ));
            }
        }
        Ok(Changed { records, next })
    }
}

fn carries(custom_fields: Option<&Value>, field: &str, marker: &Marker) -> bool {
    let held = custom_fields
        .and_then(|fields| fields.get(field))
        .and_then(Value::as_str);
    held.is_some_and(|held| held.trim() == marker.as_str())
}

fn earlier(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A moment as the vendor reads it, whole seconds, never later than given.
fn stamp(moment: Timestamp) -> String {
    let seconds = moment.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(moment)
        .to_string()
}

/// Where a listing goes on. A ticket that changes while pages are read moves to the end and shifts all that
/// follow by one, so that counting pages would miss tickets: the next page begins anew at the last moment seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    since: Timestamp,
    page: u32,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let (page, since) = text.split_once('@')?;
        Some(Self {
            since: since.parse().ok()?,
            page: page.parse().ok().filter(|page| *page >= 1)?,
        })
    }

    fn next(self, last: Option<Timestamp>) -> Result<Option<String>, Failure> {
        // A second of overlap: the vendor does not say whether the moment itself is included.
        let onward = last.map(|last| earlier(last, Duration::from_secs(1)));
        let next = match onward.filter(|moment| stamp(*moment) > stamp(self.since)) {
            Some(since) => Self { since, page: 1 },
            // More tickets changed within one second than a page holds.
            None => Self {
                since: self.since,
                page: self.page + 1,
            },
        };
        if next.page > MOST_PAGES {
            return Err(Failure::new(
                Category::Validation,
                format!(
                    "more than {} tickets changed in Freshdesk in the same second ({}); the vendor lists no more",
                    MOST_PAGES * 100,
                    stamp(self.since)
                ),
            )
            .hint("Begin the catch-up after that moment and sync the tickets changed then by hand."));
        }
        Ok(Some(format!("{}@{}", next.page, stamp(next.since))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_cursor_goes_on_at_the_last_moment_seen() {
        let first = Cursor {
            since: at("2026-01-01T00:00:00Z"),
            page: 1,
        };
        let next = first
            .next(Some(at("2026-01-01T00:10:00Z")))
            .unwrap()
            .unwrap();
        assert_eq!(next, "1@2026-01-01T00:09:59Z");
        let second = Cursor::read(&next).unwrap();
        let next = second
            .next(Some(at("2026-01-01T00:09:59Z")))
            .unwrap()
            .unwrap();
        assert_eq!(next, "2@2026-01-01T00:09:59Z");
        assert_eq!(first.next(None).unwrap().unwrap(), "2@2026-01-01T00:00:00Z");
    }

    #[test]
    fn a_cursor_never_passes_the_vendors_last_page() {
        let last = Cursor {
            since: at("2026-01-01T00:00:00Z"),
            page: MOST_PAGES,
        };
        assert!(last.next(None).is_err());
        for wrong in ["", "1", "0@2026-01-01T00:00:00Z", "x@y"] {
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

    #[test]
    fn only_the_very_marker_counts() {
        let fields = serde_json::json!({"cf_x": "FN-12", "cf_y": 12});
        assert!(carries(Some(&fields), "cf_x", &Marker::from_text("FN-12")));
        assert!(!carries(Some(&fields), "cf_x", &Marker::from_text("FN-1")));
        assert!(!carries(Some(&fields), "cf_y", &Marker::from_text("12")));
        assert!(!carries(None, "cf_x", &Marker::from_text("FN-12")));
    }
}
