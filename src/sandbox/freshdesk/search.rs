//! `search/tickets`: a quoted query over a few fields, with an index that lags.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::MARKER_FIELD;
use super::desk::{Desk, Ticket};
use super::problem::Problem;

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new().route("/search/tickets", get(search))
}

const LONGEST: usize = 512;
const PER_PAGE: usize = 30;
const MOST_PAGES: usize = 10;

async fn search(
    State(desk): State<Arc<Desk>>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    let text = query.get("query").map(String::as_str).unwrap_or_default();
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .ok_or(Problem::Query("Given query is invalid"))?;
    if inner.len() > LONGEST {
        return Err(Problem::Query(
            "Query length should not exceed 512 characters",
        ));
    }
    let page: usize = query
        .get("page")
        .map_or(Ok(1), |page| page.parse())
        .unwrap_or(0);
    if !(1..=MOST_PAGES).contains(&page) {
        return Err(Problem::Query(
            "It should be a Positive Integer less than or equal to 10",
        ));
    }
    let terms: Vec<Term> = inner
        .split(" AND ")
        .map(Term::parse)
        .collect::<Option<_>>()
        .ok_or(Problem::Query("Given query is invalid"))?;
    let found = find(&desk, &terms);
    let shown: Vec<&Value> = found
        .iter()
        .skip((page - 1) * PER_PAGE)
        .take(PER_PAGE)
        .collect();
    Ok(Json(json!({ "results": shown, "total": found.len() })))
}

struct Term {
    field: String,
    operator: Operator,
    value: String,
}

#[derive(PartialEq, Eq)]
enum Operator {
    Is,
    Above,
    Below,
}

impl Term {
    fn parse(text: &str) -> Option<Self> {
        let (field, rest) = text.trim().split_once(':')?;
        let known =
            ["status", "priority", "tag", "type"].contains(&field) || field.starts_with("cf_");
        if !known {
            return None;
        }
        let (operator, value) = match rest.as_bytes().first()? {
            b'>' => (Operator::Above, rest.get(1..)?),
            b'<' => (Operator::Below, rest.get(1..)?),
            _ => (Operator::Is, rest),
        };
        Some(Self {
            field: field.to_owned(),
            operator,
            value: value.trim_matches('\'').to_owned(),
        })
    }

    fn matches(&self, ticket: &Ticket) -> bool {
        let number = |actual: u64| {
            let wanted: u64 = self.value.parse().unwrap_or(u64::MAX);
            match self.operator {
                Operator::Is => actual == wanted,
                // The vendor's `>` and `<` include the value itself.
                Operator::Above => actual >= wanted,
                Operator::Below => actual <= wanted,
            }
        };
        match self.field.as_str() {
            "status" => number(ticket.status),
            "priority" => number(ticket.priority),
            "tag" => ticket.tags.contains(&self.value),
            "type" => ticket.kind.as_deref() == Some(self.value.as_str()),
            custom => {
                ticket.custom_fields.get(custom).and_then(Value::as_str)
                    == Some(self.value.as_str())
            }
        }
    }
}

fn find(desk: &Desk, terms: &[Term]) -> Vec<Value> {
    let lag = desk.settings.search_lag;
    let shown_until = desk
        .clock
        .now()
        .checked_sub(lag)
        .unwrap_or(crate::model::Timestamp::MIN);
    let books = desk.books();
    let marker = terms
        .iter()
        .find(|term| term.field == MARKER_FIELD && term.operator == Operator::Is);
    let candidates: Vec<&Ticket> = match marker {
        Some(term) => {
            let marked = books.marked.get(&term.value);
            let shown = marked
                .into_iter()
                .flatten()
                .filter(|(_, since)| *since <= shown_until);
            shown.filter_map(|(id, _)| books.tickets.get(id)).collect()
        }
        None => books
            .tickets
            .values()
            .filter(|ticket| ticket.updated_at <= shown_until)
            .collect(),
    };
    let wanted = candidates
        .into_iter()
        .filter(|ticket| terms.iter().all(|term| term.matches(ticket)));
    wanted.map(Ticket::brief).collect()
}
