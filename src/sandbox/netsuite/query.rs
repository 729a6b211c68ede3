//! Asking for records: the record service's `q`, and SuiteQL.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::NetSuiteRight;
use super::backend::{Backend, Record};
use super::problem::Problem;
use super::records::{members, window};
use super::types::{self, RecordType};
use super::values::comparable;

/// A filter of the record service: conditions joined by AND.
pub(super) struct Filter(Vec<Condition>);

struct Condition {
    field: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    StartWith,
    Contain,
    AnyOf,
}

impl Filter {
    /// Reads `field OPERATOR value [AND …]`.
    pub(super) fn read(record_type: &RecordType, text: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| Problem::parameter("q", format!("Invalid filter: {why}."));
        let tokens = tokens(text).ok_or_else(|| wrong("a quotation mark is missing"))?;
        let mut conditions = Vec::new();
        for part in tokens.split(|token| token.eq_ignore_ascii_case("AND")) {
            let [field, operator, values @ ..] = part else {
                return Err(wrong("a condition needs a field and an operator"));
            };
            if record_type.field(field).is_none() && field != "id" {
                return Err(wrong(&format!("unknown field '{field}'")));
            }
            let operator = match operator.to_ascii_uppercase().as_str() {
                "IS" => Operator::Is,
                "START_WITH" => Operator::StartWith,
                "CONTAIN" => Operator::Contain,
                "ANY_OF" => Operator::AnyOf,
                other => return Err(wrong(&format!("unknown operator '{other}'"))),
            };
            let values: Vec<String> = values
                .iter()
                .map(|value| value.trim_matches(['[', ']', ',', '"']).to_owned())
                .filter(|value| !value.is_empty())
                .collect();
            if values.is_empty() || (operator != Operator::AnyOf && values.len() > 1) {
                return Err(wrong("the operator takes another number of values"));
            }
            conditions.push(Condition {
                field: field.clone(),
                operator,
                values,
            });
        }
        Ok(Self(conditions))
    }

    pub(super) fn matches(&self, record_type: &RecordType, record: &Record) -> bool {
        self.0.iter().all(|condition| {
            let Some(value) = comparable(record_type, record, &condition.field) else {
                return false;
            };
            let value = value.to_lowercase();
            condition.values.iter().any(|wanted| {
                let wanted = wanted.to_lowercase();
                match condition.operator {
                    Operator::Is | Operator::AnyOf => value == wanted,
                    Operator::StartWith => value.starts_with(&wanted),
                    Operator::Contain => value.contains(&wanted),
                }
            })
        })
    }
}

/// Words, with quoted texts as one; `None` where a quotation mark is missing.
fn tokens(text: &str) -> Option<Vec<String>> {
    let mut found = vec![String::new()];
    let mut is_quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => {
                is_quoted = !is_quoted;
            }
            ' ' if !is_quoted => found.push(String::new()),
            _ => found.last_mut()?.push(letter),
        }
    }
    found.retain(|token| !token.is_empty());
    (!is_quoted).then_some(found)
}

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new().route("/query/v1/suiteql", post(suiteql))
}

/// The zone in which the account's queries read moments.
const ZONE: &str = "America/Los_Angeles";

async fn suiteql(
    State(backend): State<Arc<Backend>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if backend.lacks(NetSuiteRight::SuiteQl) {
        return Err(Problem::permission("Reports -> SuiteAnalytics Workbook"));
    }
    let prefer = headers.get("prefer").and_then(|value| value.to_str().ok());
    if prefer != Some("transient") {
        let detail = "The required header Prefer: transient is missing.";
        return Err(Problem::header("Prefer", detail));
    }
    let (limit, offset) = window(&query)?;
    let members = members(&headers, &body)?;
    let text = members.get("q").and_then(Value::as_str);
    let params: Vec<String> = members
        .get("params")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        })
        .collect();
    let statement = Statement::read(text.unwrap_or_default(), &params).map_err(|why| {
        Problem::bad(
            "INVALID_PARAMETER",
            format!("Invalid search query. Detailed unprocessed description follows. {why}"),
        )
    })?;
    let rows = statement.run(&backend);
    let total = rows.len();
    let items: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
    let body = json!({
        "links": [],
        "count": items.len(),
        "hasMore": total > offset + items.len(),
        "items": items,
        "offset": offset,
        "totalResults": total,
    });
    let mut response = axum::Json(body).into_response();
    let media_type = "application/vnd.oracle.resource+json; type=collection";
    if let Ok(value) = media_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    Ok(response)
}

/// `SELECT columns FROM table [WHERE column op value [AND …]] [ORDER BY column]`: as much of SuiteQL as is modelled. What is
/// not modelled is refused rather than guessed.
struct Statement {
    record_type: &'static RecordType,
    columns: Vec<Column>,
    tests: Vec<(Column, String, Operand)>,
    by_change: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Id,
    Changed,
}

enum Operand {
    Number(u64),
    Moment(DateTime),
}

impl Statement {
    fn read(text: &str, params: &[String]) -> Result<Self, String> {
        let mut filled = String::new();
        let mut params = params.iter();
        for (place, part) in text.split('?').enumerate() {
            if place > 0 {
                let value = params.next().ok_or("a parameter is missing")?;
                filled.push_str(&format!("'{}'", value.replace('\'', "''")));
            }
            filled.push_str(part);
        }
        let lower = filled.to_ascii_lowercase();
        let rest = lower
            .strip_prefix("select ")
            .ok_or("it is no SELECT statement")?;
        let (columns, rest) = rest.split_once(" from ").ok_or("FROM is missing")?;
        let (rest, order) = match rest.split_once(" order by ") {
            Some((rest, order)) => (rest, order.trim()),
            None => (rest, "id"),
        };
        let (table, conditions) = match rest.split_once(" where ") {
            Some((table, conditions)) => (table.trim(), Some(conditions)),
            None => (rest.trim(), None),
        };
        let mut types = types::TYPES.iter();
        let record_type = types
            .find(|record_type| record_type.table == table)
            .ok_or_else(|| format!("Record '{table}' was not found."))?;
        let column = |name: &str| match name.trim() {
            "id" => Ok(Column::Id),
            name if name == record_type.changed.1 => Ok(Column::Changed),
            name => Err(format!(
                "Field '{name}' for record '{table}' was not found."
            )),
        };
        let columns = columns.split(',').map(column).collect::<Result<_, _>>()?;
        let mut tests = Vec::new();
        for condition in conditions.into_iter().flat_map(|all| all.split(" and ")) {
            let place = condition
                .find(['<', '>', '='])
                .ok_or("a comparison is missing")?;
            let (name, rest) = condition.split_at(place);
            let length = rest
                .bytes()
                .take_while(|byte| b"<>=".contains(byte))
                .count();
            let (operator, value) = rest.split_at(length);
            tests.push((column(name)?, operator.to_owned(), operand(value)?));
        }
        Ok(Self {
            record_type,
            columns,
            tests,
            by_change: column(order)? == Column::Changed,
        })
    }

    fn run(&self, backend: &Backend) -> Vec<Value> {
        let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
        let local = |record: &Record| record.changed.to_zoned(zone.clone()).datetime();
        let meets = |record: &&Arc<Record>| {
            self.tests.iter().all(|(column, operator, operand)| {
                let order = match (column, operand) {
                    (Column::Id, Operand::Number(number)) => record.id.cmp(number),
                    (Column::Changed, Operand::Moment(moment)) => local(record).cmp(moment),
                    _ => return false,
                };
                match operator.as_str() {
                    "=" => order.is_eq(),
                    ">" => order.is_gt(),
                    "<" => order.is_lt(),
                    ">=" => order.is_ge(),
                    "<=" => order.is_le(),
                    _ => false,
                }
            })
        };
        let records = backend.all(self.record_type);
        let mut records: Vec<_> = records.iter().filter(meets).collect();
        if self.by_change {
            records.sort_by_key(|record| record.changed);
        }
        let row = |record: &Arc<Record>| {
            let mut row = Map::from_iter([("links".to_owned(), json!([]))]);
            for column in &self.columns {
                match column {
                    Column::Id => row.insert("id".to_owned(), json!(record.id.to_string())),
                    // Dates come in the account's own format.
                    Column::Changed => row.insert(
                        self.record_type.changed.1.to_owned(),
                        json!(local(record).strftime("%-m/%-d/%Y").to_string()),
                    ),
                };
            }
            Value::Object(row)
        };
        records.into_iter().map(row).collect()
    }
}

fn operand(text: &str) -> Result<Operand, String> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix("to_date(") {
        let inner = inner.strip_suffix(')').ok_or("a parenthesis is missing")?;
        let (value, format) = inner.split_once(',').ok_or("TO_DATE needs a format")?;
        if format.trim().trim_matches('\'') != "yyyy-mm-dd hh24:mi:ss" {
            return Err("the date format is not recognized".to_owned());
        }
        let value = value.trim().trim_matches('\'');
        return DateTime::strptime("%Y-%m-%d %H:%M:%S", value)
            .map(Operand::Moment)
            .map_err(|error| error.to_string());
    }
    let number = text.trim_matches('\'').parse().map(Operand::Number);
    number.map_err(|_| format!("'{text}' is no number"))
}
