//! Looking for a work order that may have been created, before it is created again.

use std::time::Duration;

use jiff::ToSpan;
use serde_json::{Map, Value};

use super::client::FieldNation;
use super::moment;
use super::shape::{Draft, Lookups, Purpose};
use super::work_order::{id_of, text_of, work_order_id};
use crate::http::Call;
use crate::model::{Category, Failure, Marker, Timestamp, WorkOrderId};

/// Rows on a page of a list.
const PER_PAGE: usize = 100;

/// More pages than this are not read: what lies beyond makes the answer uncertain. Newest first, so that this
/// many work orders would have to be created between the intent and the look-up.
const MOST_PAGES: u64 = 50;

/// How long a new work order may stay out of lists and searches; nothing is documented, so a little is assumed.
const SETTLES: Duration = Duration::from_secs(5);

/// How far Field Nation's clock may lag behind ours.
const SKEW_SECONDS: i64 = 120;

/// By what a work order is known that carries no marker.
#[derive(Clone, Copy, Debug)]
pub struct Likeness<'a> {
    /// What the create was to send.
    pub output: &'a Map<String, Value>,
    /// When the create was intended; nothing older is it.
    pub since: Timestamp,
}

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// These; more than one carrying the marker means that somebody doubled it.
    WorkOrders(Vec<WorkOrderId>),
    /// None, and that is certain.
    Absent,
    /// It can't be told; why, for the person who has to look.
    Uncertain(String),
}

impl FieldNation {
    /// Looks for the work order of a record: by the marker in the correlation field, or, in a company without such a
    /// field, by title, place and time.
    ///
    /// # Errors
    /// What a call fails with; `server`, with the time to wait, when nothing is found so soon after the intent that
    /// the lists may not show it yet.
    pub async fn find(
        &self,
        call: &Call,
        marker: &Marker,
        likeness: Likeness<'_>,
    ) -> Result<Found, Failure> {
        let found = if self.correlation_field(call).await?.is_some() {
            self.find_marked(call, marker, likeness.since).await?
        } else {
            self.find_alike(call, likeness).await?
        };
        if found == Found::Absent {
            self.has_settled(likeness.since)?;
        }
        Ok(found)
    }

    fn has_settled(&self, since: Timestamp) -> Result<(), Failure> {
        let age = Duration::try_from(self.clock.now().duration_since(since)).unwrap_or_default();
        match SETTLES.checked_sub(age).filter(|wait| !wait.is_zero()) {
            None => Ok(()),
            Some(wait) => Err(Failure::new(
                Category::Server,
                "the work order is not found, but Field Nation's lists may not show it yet",
            )
            .retry_after(Some(wait))
            .hint("It is looked for again before anything is created.")),
        }
    }

    async fn find_marked(
        &self,
        call: &Call,
        marker: &Marker,
        since: Timestamp,
    ) -> Result<Found, Failure> {
        // The keyword search is quick, but which fields it reads is not promised, nor how soon.
        let hits = self
            .list(
                call,
                ("f_search", marker.as_str()),
                "id,title,custom_fields",
                None,
            )
            .await?;
        let carriers = self.carriers_of(call, marker, &hits.rows).await?;
        if !carriers.is_empty() {
            return Ok(Found::WorkOrders(carriers));
        }
        let created = self
            .list(
                call,
                ("f_created", &self.days(since)),
                "id,title,custom_fields,milestones",
                Some(since),
            )
            .await?;
        let carriers = self.carriers_of(call, marker, &created.rows).await?;
        Ok(if !carriers.is_empty() {
            Found::WorkOrders(carriers)
        } else if created.is_whole {
            Found::Absent
        } else {
            Found::Uncertain(format!(
                "no work order with `{}` was found, but more were created since {since} than can be looked through",
                marker.as_str()
            ))
        })
    }

    /// Of these rows, those that carry exactly this marker.
    async fn carriers_of(
        &self,
        call: &Call,
        marker: &Marker,
        rows: &[Value],
    ) -> Result<Vec<WorkOrderId>, Failure> {
        let mut carriers = Vec::new();
        for row in rows {
            let Some(id) = work_order_id(row) else {
                continue;
            };
            let value = if row.get("custom_fields").is_some() {
                self.correlation_value(row)
            } else {
                // A stub in spite of the columns asked for.
                let whole = self.fetch_columns(call, id, "id,custom_fields").await?;
                whole
                    .as_ref()
                    .and_then(|whole| self.correlation_value(whole))
            };
            if value.as_deref() == Some(marker.as_str()) && !carriers.contains(&id) {
                carriers.push(id);
            }
        }
        Ok(carriers)
    }

    async fn find_alike(&self, call: &Call, likeness: Likeness<'_>) -> Result<Found, Failure> {
        // Names can't be looked up wrongly here: only title and place are compared.
        let mut compared = likeness.output.clone();
        compared.retain(|name, _| matches!(name.as_str(), "title" | "location"));
        let wanted = Draft::new(&compared, Purpose::Create).shape(&Lookups::default())?;
        let Some(title) = wanted.general.get("title").and_then(text_of) else {
            return Ok(Found::Uncertain(
                "the output has no title to look for".to_owned(),
            ));
        };
        let created = self
            .list(
                call,
                ("f_created", &self.days(likeness.since)),
                "id,title,location,milestones",
                Some(likeness.since),
            )
            .await?;
        let mut alike = Vec::new();
        for row in &created.rows {
            if !same(Some(&title), row.get("title").and_then(text_of).as_deref()) {
                continue;
            }
            let Some(id) = work_order_id(row) else {
                continue;
            };
            match resemblance(&wanted.location, row, likeness.since) {
                Resemblance::Alike => alike.push(id),
                Resemblance::Other => {}
                Resemblance::Unclear => {
                    return Ok(Found::Uncertain(format!(
                        "work order {id} has the same title `{title}`, but its place or time of creation can't be compared"
                    )));
                }
            }
        }
        Ok(match alike.as_slice() {
            [_] => Found::WorkOrders(alike),
            [] if created.is_whole => Found::Absent,
            [] => Found::Uncertain(format!(
                "no work order `{title}` was found, but more were created since {} than can be looked through",
                likeness.since
            )),
            several => {
                let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
                Found::Uncertain(format!(
                    "work orders {} have the same title `{title}` and place",
                    ids.join(", ")
                ))
            }
        })
    }

    /// The days from a moment till now as a filter's range; a day wider on both sides, because the filter compares
    /// the local time of the site.
    fn days(&self, since: Timestamp) -> String {
        let day = |moment: Timestamp, hours: i64| {
            let moment = moment.checked_add(hours.hours()).unwrap_or(moment);
            moment.strftime("%Y-%m-%d").to_string()
        };
        format!("{},{}", day(since, -24), day(self.clock.now(), 24))
    }

    /// The rows that a filter leaves, newest first; with `since`, those created before it need not be among them.
    async fn list(
        &self,
        call: &Call,
        filter: (&str, &str),
        columns: &str,
        since: Option<Timestamp>,
    ) -> Result<Rows, Failure> {
        let mut all: Vec<Value> = Vec::new();
        for page in 1..=MOST_PAGES {
            let request = self
                .list_request(columns)
                .query(filter.0, filter.1)
                .query("sort", "id")
                .query("order", "desc")
                .query("page", page.to_string())
                .query("per_page", PER_PAGE.to_string());
            let mut body = self
                .session
                .expect(call, "search work orders", request)
                .await?;
            let pages = body.pointer("/metadata/pages").and_then(id_of).unwrap_or(1);
            let Some(Value::Array(rows)) = body.get_mut("results").map(Value::take) else {
                break;
            };
            let is_last = rows.is_empty() || page >= pages;
            all.extend(rows);
            if is_last || since.is_some_and(|since| reaches_back(&all, since)) {
                return Ok(Rows {
                    rows: all,
                    is_whole: true,
                });
            }
        }
        Ok(Rows {
            rows: all,
            is_whole: false,
        })
    }
}

/// Whether rows in the order of their ids, newest first, go back to before a moment. That they do come in this
/// order is looked at and not believed: which columns a list can be sorted by is not documented.
fn reaches_back(rows: &[Value], since: Timestamp) -> bool {
    let newest_first = rows.is_sorted_by(|one, next| work_order_id(one) > work_order_id(next));
    let oldest = rows.last().and_then(created);
    newest_first && oldest.is_some_and(|oldest| oldest < earliest(since))
}

/// When a row's work order was created.
fn created(row: &Value) -> Option<Timestamp> {
    row.pointer("/milestones/created")
        .and_then(moment::of_object)
}

/// What was created before this, by Field Nation's clock, was there before the intent.
fn earliest(since: Timestamp) -> Timestamp {
    since.checked_sub(SKEW_SECONDS.seconds()).unwrap_or(since)
}

/// Rows of a list, and whether they are all that matter.
struct Rows {
    rows: Vec<Value>,
    is_whole: bool,
}

/// How a work order of the same title compares in place and time.
enum Resemblance {
    Alike,
    Other,
    Unclear,
}

fn resemblance(location: &Map<String, Value>, row: &Value, since: Timestamp) -> Resemblance {
    let Some(created) = created(row) else {
        return Resemblance::Unclear;
    };
    if created < earliest(since) {
        return Resemblance::Other;
    }
    let Some(there) = row.get("location") else {
        return Resemblance::Unclear;
    };
    let text = |place: &Value| text_of(place);
    for name in ["address1", "city", "zip"] {
        let Some(wanted) = location.get(name).and_then(text) else {
            continue;
        };
        if !same(Some(&wanted), there.get(name).and_then(text).as_deref()) {
            return Resemblance::Other;
        }
    }
    Resemblance::Alike
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_lowercase)
            .collect::<Vec<_>>()
    };
    one.map(words) == other.map(words)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(id: u64, created: &str) -> Value {
        json!({"id": id, "milestones": {"created": {"utc": created}}})
    }

    #[test]
    fn a_list_need_not_be_read_beyond_the_intent_if_it_is_in_order() {
        let since: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let fresh = row(9, "2026-11-25 12:00:01");
        let skewed = row(8, "2026-11-25 11:59:00");
        let old = row(7, "2026-11-25 11:50:00");
        assert!(!reaches_back(&[], since));
        assert!(!reaches_back(&[fresh.clone(), skewed.clone()], since));
        assert!(reaches_back(&[fresh.clone(), skewed, old.clone()], since));
        // The vendor sorted by something else: nothing can be told from the last row.
        assert!(!reaches_back(
            &[old.clone(), fresh.clone(), old.clone()],
            since
        ));
        assert!(!reaches_back(&[fresh, json!({"id": 1})], since));
    }
}
