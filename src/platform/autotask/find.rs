//! Finding tickets: by their marker, and by when they changed.

use serde_json::{Value, json};

use super::Autotask;
use super::ask::{Ask, Right, condition};
use super::fields::moment;
use super::read::{described, put_into_words};
use super::session::Freshness;
use super::write::MARKER_FIELD;
use crate::http::Call;
use crate::model::{Category, Failure, Marker, RecordId, Timestamp};
use crate::platform::basics::{number, text_at};
use crate::platform::{Changed, Found};

impl Autotask {
    /// Looks for tickets that carry the marker. A hit counts when the ticket itself says so.
    pub(super) async fn find_marked(
        &self,
        call: &Call,
        marker: &Marker,
        intended_at: Timestamp,
    ) -> Result<Found, Failure> {
        let filter = json!([condition("eq", MARKER_FIELD, marker.as_str())]);
        let ask = Ask::query(
            "Tickets",
            &filter,
            Right::ViewTickets,
            format!("find the ticket marked {}", marker.as_str()),
        );
        let hits = self.api.items(call, &ask).await?;
        let carries = |hit: &&Value| {
            text_at(hit, &[MARKER_FIELD]).is_some_and(|held| held.trim() == marker.as_str())
        };
        let records: Vec<RecordId> = hits
            .iter()
            .filter(carries)
            .filter_map(|hit| number(hit.get("id")?))
            .map(|id| RecordId::new(id.to_string()))
            .collect();
        if !records.is_empty() {
            return Ok(Found::Records(records));
        }
        let lag = self.session.lag_after(intended_at);
        Ok(lag.map_or(Found::Absent, Found::NotYet))
    }

    /// Lists tickets changed since a moment that the connector's conditions want. The vendor sorts by id alone, so that
    /// only within a page the oldest change comes first.
    pub(super) async fn list_changed(
        &self,
        call: &Call,
        since: Timestamp,
        cursor: Option<String>,
    ) -> Result<Changed, Failure> {
        let cursor = match cursor {
            None => Cursor { since, next: None },
            Some(text) => Cursor::read(&text).ok_or_else(|| {
                Failure::new(
                    Category::Configuration,
                    format!("`{text}` is no page of changed tickets"),
                )
            })?,
        };
        let filter = json!([condition(
            "gte",
            "lastActivityDate",
            cursor.since.to_string()
        )]);
        let ask = Ask::query(
            "Tickets",
            &filter,
            Right::ViewTickets,
            "list the changed tickets",
        );
        let page = self.api.page(call, &ask, cursor.next.as_deref()).await?;
        let fields = self
            .session
            .ticket_fields(&self.api, call, Freshness::Recent)
            .await;
        let fields = described(fields)?;
        let mut records = Vec::with_capacity(page.items.len());
        for mut ticket in page.items {
            let Some(id) = ticket.get("id").and_then(number) else {
                continue;
            };
            if let Some(members) = ticket.as_object_mut() {
                put_into_words(members, &fields);
            }
            if self.settings.conditions.judge(&ticket).is_ok() {
                let changed_at = text_at(&ticket, &["lastActivityDate"]).and_then(moment);
                records.push((RecordId::new(id.to_string()), changed_at));
            }
        }
        records.sort_by_key(|(_, at)| *at);
        let next = page.next.map(|next| {
            Cursor {
                since: cursor.since,
                next: Some(next),
            }
            .text()
        });
        Ok(Changed { records, next })
    }
}

/// Where a listing goes on: the vendor's own address, and what the query's body was made from, for it is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    since: Timestamp,
    next: Option<String>,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let (since, next) = text.strip_prefix("1|")?.split_once('|')?;
        Some(Self {
            since: since.parse().ok()?,
            next: (!next.is_empty()).then(|| next.to_owned()),
        })
    }

    fn text(&self) -> String {
        format!(
            "1|{}|{}",
            self.since,
            self.next.as_deref().unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_on_where_the_vendor_said() {
        let cursor = Cursor {
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            next: Some("https://webservices5.autotask.net/x?paging=a|b".into()),
        };
        assert_eq!(Cursor::read(&cursor.text()), Some(cursor));
        for wrong in ["", "1|", "1|x|y", "2|2026-01-01T00:00:00Z|"] {
            assert_eq!(Cursor::read(wrong), None, "{wrong}");
        }
    }
}
