//! Which tickets changed, which carry a marker, and which the connector wants at all.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::ConnectWise;
use super::error::Right;
use super::session::{Ask, PAGE, quoted};
use crate::http::Call;
use crate::model::{Category, Failure, Marker, Record, RecordId, Timestamp};
use crate::platform::basics::{id_text, moment_at, text_at};
use crate::platform::{Changed, Found};

/// The name of the change time in conditions. Which of two a site takes is not documented; the one that worked is kept.
#[derive(Debug, Default)]
pub(super) struct ChangedField {
    nested: AtomicBool,
}

impl ChangedField {
    fn name(&self) -> &'static str {
        if self.nested.load(Ordering::Relaxed) {
            "_info/lastUpdated"
        } else {
            "lastUpdated"
        }
    }

    /// Turns to the other name, once.
    fn turn(&self) -> bool {
        !self.nested.swap(true, Ordering::Relaxed)
    }
}

impl ConnectWise {
    /// Whether a ticket is one that this connector carries, by `trigger_on_status`.
    ///
    /// # Errors
    /// Why not, for people.
    pub(super) fn filter(&self, record: &Record) -> Result<(), String> {
        let Some(wanted) = &self.trigger_on_status else {
            return Ok(());
        };
        let status = text_at(&record.fields, &["status", "name"]).unwrap_or_default();
        if status.trim().to_lowercase() == wanted.to_lowercase() {
            Ok(())
        } else {
            Err(format!(
                "its status is `{status}`; this connector carries tickets in `{wanted}` (trigger_on_status)"
            ))
        }
    }

    /// One page, in the vendor's forward-only paging: by ticket number, so that tickets that change meanwhile shift
    /// nothing.
    pub(super) async fn read_changes(
        &self,
        call: &Call,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Changed, Failure> {
        match self.changes_by(call, since, page).await {
            Err(failure)
                if failure.cause.contains("ApiFindCondition")
                    && failure.cause.contains("lastUpdated")
                    && self.changed_field.turn() =>
            {
                self.changes_by(call, since, page).await
            }
            other => other,
        }
    }

    async fn changes_by(
        &self,
        call: &Call,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Changed, Failure> {
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
        let mut conditions = format!("{} > [{since}]", self.changed_field.name());
        if let Some(status) = &self.trigger_on_status {
            conditions.extend([" and status/name=", &quoted(status)]);
        }
        let mut ask = Ask::get(
            "service/tickets",
            Right::ReadTickets,
            "list the tickets that changed",
        )
        .header("pagination-type", "forward-only")
        .query("conditions", conditions)
        .query("fields", "id,_info")
        .query("pageSize", PAGE);
        if let Some(page) = page {
            let after: u64 = page.parse().map_err(|_| {
                Failure::new(
                    Category::Configuration,
                    format!("`{page}` is no page of a ConnectWise list"),
                )
            })?;
            ask = ask.query("pageId", after);
        }
        let answer = self.session.json(call, &ask).await?;
        let Value::Array(tickets) = answer else {
            return Err(Failure::new(
                Category::Server,
                "ConnectWise answered with something else than a list of tickets",
            ));
        };
        // A `Link` to a next page is always there; only a page that is not full is the last.
        let last = tickets
            .iter()
            .filter_map(|ticket| ticket.get("id")?.as_u64())
            .max();
        let next = last
            .filter(|_| tickets.len() >= PAGE)
            .map(|last| last.to_string());
        let mut records: Vec<(RecordId, Option<Timestamp>)> = tickets
            .iter()
            .filter_map(|ticket| {
                let id = ticket.get("id").and_then(id_text)?;
                Some((
                    RecordId::new(id),
                    moment_at(ticket, &["_info", "lastUpdated"]),
                ))
            })
            .collect();
        records.sort_by_key(|(_, changed_at)| *changed_at);
        Ok(Changed { records, next })
    }

    pub(super) async fn find_marked(&self, call: &Call, marker: &Marker) -> Result<Found, Failure> {
        let ask = Ask::get(
            "service/tickets",
            Right::ReadTickets,
            format!("look for the ticket of {}", marker.as_str()),
        )
        .query(
            "conditions",
            format!("externalXRef={}", quoted(marker.as_str())),
        )
        .query("fields", "id,externalXRef");
        let found = self.session.list(call, &ask).await?;
        // Compared here too: a search that quietly drops a condition would find everything.
        let ids: Vec<RecordId> = found
            .iter()
            .filter(|ticket| {
                text_at(ticket, &["externalXRef"])
                    .is_some_and(|text| text.eq_ignore_ascii_case(marker.as_str()))
            })
            .filter_map(|ticket| ticket.get("id").and_then(id_text).map(RecordId::new))
            .collect();
        Ok(if ids.is_empty() {
            Found::Absent
        } else {
            Found::Records(ids)
        })
    }
}
