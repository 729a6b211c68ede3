//! Queries: filters, grouping, fields to include, pages.

use serde_json::{Map, Value};

use super::shape::{Kind, Shape, UDFS};
use super::trouble::Trouble;
use crate::model::Timestamp;

/// More conditions than this joined by "or" are refused.
const MOST_OR: usize = 500;

/// The largest page.
pub(super) const LARGEST_PAGE: usize = 500;

/// A query as read.
pub(super) struct Query {
    conditions: Vec<Condition>,
    pub(super) include: Vec<String>,
    pub(super) most: Option<usize>,
}

enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    One {
        op: Op,
        field: String,
        of_user: bool,
        value: Value,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Eq,
    NotEq,
    Gt,
    Gte,
    Lt,
    Lte,
    BeginsWith,
    EndsWith,
    Contains,
    Exist,
    NotExist,
    In,
    NotIn,
}

impl Op {
    fn read(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "eq" => Self::Eq,
            "noteq" => Self::NotEq,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "beginswith" => Self::BeginsWith,
            "endswith" => Self::EndsWith,
            "contains" => Self::Contains,
            "exist" => Self::Exist,
            "notexist" => Self::NotExist,
            "in" => Self::In,
            "notin" => Self::NotIn,
            _ => return None,
        })
    }
}

/// A member by its name, whatever the case of its letters.
pub(super) fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let mut members = object.as_object()?.iter();
    members
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

impl Query {
    /// Reads a query against the fields of a kind.
    pub(super) fn read(body: &Value, shape: &Shape) -> Result<Self, Trouble> {
        let filter = member(body, "filter").and_then(Value::as_array);
        let filter = filter
            .filter(|filter| !filter.is_empty())
            .ok_or_else(|| Trouble::said("The query must have a filter."))?;
        let mut reader = Reader {
            shape,
            or_conditions: 0,
            user_defined: 0,
        };
        let conditions = reader.list(filter)?;
        if reader.or_conditions > MOST_OR {
            return Err(Trouble::said(
                "Queries are limited to 500 or fewer 'OR' conditions.",
            ));
        }
        if reader.user_defined > 1 {
            return Err(Trouble::said(
                "Queries are limited to one user-defined field.",
            ));
        }
        let include = member(body, "includeFields").and_then(Value::as_array);
        let include = include.into_iter().flatten().filter_map(Value::as_str);
        let most = match member(body, "maxRecords").filter(|most| !most.is_null()) {
            None => None,
            Some(most) => {
                let most = most.as_u64().and_then(|most| usize::try_from(most).ok());
                let most = most.filter(|most| (1..=LARGEST_PAGE).contains(most));
                Some(most.ok_or_else(|| Trouble::said("MaxRecords must be between 1 and 500."))?)
            }
        };
        Ok(Self {
            conditions,
            include: include.map(str::to_owned).collect(),
            most,
        })
    }

    /// Whether an object meets the filter.
    pub(super) fn matches(&self, row: &Map<String, Value>, shape: &Shape) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.holds(row, shape))
    }

    /// An object with the fields that were asked for.
    pub(super) fn narrowed(&self, row: Value) -> Value {
        if self.include.is_empty() {
            return row;
        }
        let Value::Object(row) = row else {
            return row;
        };
        let wanted = |name: &str| {
            name == "id"
                || self
                    .include
                    .iter()
                    .any(|wanted| wanted.eq_ignore_ascii_case(name))
        };
        Value::Object(row.into_iter().filter(|(name, _)| wanted(name)).collect())
    }
}

struct Reader<'a> {
    shape: &'a Shape,
    or_conditions: usize,
    user_defined: usize,
}

impl Reader<'_> {
    fn list(&mut self, filter: &[Value]) -> Result<Vec<Condition>, Trouble> {
        filter.iter().map(|condition| self.one(condition)).collect()
    }

    fn one(&mut self, told: &Value) -> Result<Condition, Trouble> {
        let op = member(told, "op")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let items = member(told, "items").and_then(Value::as_array);
        match (op.to_ascii_lowercase().as_str(), items) {
            ("and", Some(items)) => return Ok(Condition::All(self.list(items)?)),
            ("or", Some(items)) => {
                self.or_conditions += items.len();
                return Ok(Condition::Any(self.list(items)?));
            }
            _ => {}
        }
        let op = Op::read(op).ok_or_else(|| Trouble::said(format!("Invalid operator: {op}")))?;
        let name = member(told, "field")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let of_user = member(told, "udf") == Some(&Value::Bool(true));
        let value = member(told, "value").cloned().unwrap_or_default();
        let field = if of_user {
            self.user_defined += 1;
            let known = UDFS
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            known.map(|(known, _)| (*known).to_owned())
        } else {
            let field = self.shape.field(name);
            if field.is_some_and(|field| !field.queryable) {
                return Err(Trouble::said(format!(
                    "The field {name} is not queryable on the {} entity.",
                    self.shape.noun
                )));
            }
            field.map(|field| field.name.to_owned())
        };
        let field = field.ok_or_else(|| {
            Trouble::said(format!(
                "Unable to find {name} in the {} Entity.",
                self.shape.noun
            ))
        })?;
        if matches!(op, Op::In | Op::NotIn) && !value.is_array() {
            return Err(Trouble::said(format!("The operator {op:?} takes a list.")));
        }
        Ok(Condition::One {
            op,
            field,
            of_user,
            value,
        })
    }
}

impl Condition {
    fn holds(&self, row: &Map<String, Value>, shape: &Shape) -> bool {
        match self {
            Self::All(list) => list.iter().all(|condition| condition.holds(row, shape)),
            Self::Any(list) => list.iter().any(|condition| condition.holds(row, shape)),
            Self::One {
                op,
                field,
                of_user,
                value,
            } => {
                let (held, kind) = if *of_user {
                    (user_value(row, field), Kind::Text(0))
                } else {
                    let kind = shape.field(field).map_or(Kind::Text(0), |field| field.kind);
                    (row.get(field).cloned().unwrap_or_default(), kind)
                };
                holds(*op, &held, value, kind)
            }
        }
    }
}

fn user_value(row: &Map<String, Value>, name: &str) -> Value {
    let list = row.get("userDefinedFields").and_then(Value::as_array);
    let field = list
        .into_iter()
        .flatten()
        .find(|field| field["name"] == name);
    field
        .map(|field| field["value"].clone())
        .unwrap_or_default()
}

fn holds(op: Op, held: &Value, value: &Value, kind: Kind) -> bool {
    let is_empty = held.is_null() || held == "";
    match op {
        Op::Exist => !is_empty,
        Op::NotExist => is_empty,
        Op::In => {
            list(value).any(|value| order(held, value, kind) == Some(std::cmp::Ordering::Equal))
        }
        Op::NotIn => {
            !list(value).any(|value| order(held, value, kind) == Some(std::cmp::Ordering::Equal))
        }
        Op::BeginsWith => texts(held, value).is_some_and(|(held, value)| held.starts_with(&value)),
        Op::EndsWith => texts(held, value).is_some_and(|(held, value)| held.ends_with(&value)),
        Op::Contains => texts(held, value).is_some_and(|(held, value)| held.contains(&value)),
        Op::NotEq => order(held, value, kind) != Some(std::cmp::Ordering::Equal),
        Op::Eq | Op::Gt | Op::Gte | Op::Lt | Op::Lte => {
            order(held, value, kind).is_some_and(|order| match op {
                Op::Gt => order.is_gt(),
                Op::Gte => order.is_ge(),
                Op::Lt => order.is_lt(),
                Op::Lte => order.is_le(),
                _ => order.is_eq(),
            })
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn texts(held: &Value, value: &Value) -> Option<(String, String)> {
    Some((
        held.as_str()?.to_lowercase(),
        value.as_str()?.to_lowercase(),
    ))
}

/// How two values of a kind stand to each other. A text where a number belongs is compared with nothing, and finds
/// nothing, without a word.
fn order(held: &Value, value: &Value, kind: Kind) -> Option<std::cmp::Ordering> {
    match kind {
        Kind::Integer | Kind::Decimal => held.as_f64()?.partial_cmp(&value.as_f64()?),
        Kind::Boolean => Some(held.as_bool()?.cmp(&value.as_bool()?)),
        Kind::Moment => Some(moment(held.as_str()?)?.cmp(&moment(value.as_str()?)?)),
        Kind::Text(_) => {
            let (held, value) = texts(held, value)?;
            Some(held.cmp(&value))
        }
    }
}

/// A moment in any of the forms that callers write: UTC unless it says otherwise.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.trim().parse() {
        return Some(moment);
    }
    let civil: jiff::civil::DateTime = text.trim().parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::shape::named;
    use super::*;

    fn found(filter: &Value, row: &Value) -> bool {
        let shape = named("Tickets").unwrap();
        let query = Query::read(&json!({ "filter": filter }), shape).unwrap();
        query.matches(row.as_object().unwrap(), shape)
    }

    #[test]
    fn filters_compare_by_the_fields_type() {
        let row = json!({"id": 7, "status": 5, "title": "Replace Switch", "externalID": "FN-1",
            "lastActivityDate": "2026-01-01T00:00:00Z",
            "userDefinedFields": [{"name": "Site Code", "value": "A12"}]});
        let one = |op: &str, field: &str, value: Value| -> bool {
            found(&json!([{"op": op, "field": field, "value": value}]), &row)
        };
        assert!(one("eq", "Status", json!(5)));
        assert!(!one("eq", "status", json!("5")), "a text finds no number");
        assert!(one("noteq", "status", json!(1)));
        assert!(one("in", "status", json!([1, 5])));
        assert!(one("contains", "title", json!("switch")));
        assert!(one("gte", "lastActivityDate", json!("2026-01-01T00:00:00")));
        assert!(!one(
            "gt",
            "lastActivityDate",
            json!("2026-01-01T00:00:00Z")
        ));
        assert!(one("exist", "externalID", json!(null)));
        assert!(found(
            &json!([{"op": "eq", "field": "Site Code", "udf": true, "value": "a12"}]),
            &row
        ));
        assert!(found(
            &json!([{"op": "or", "items": [{"op": "eq", "field": "id", "value": 1}, {"op": "eq", "field": "id", "value": 7}]}]),
            &row
        ));
    }

    #[test]
    fn what_can_not_be_asked_is_refused() {
        let shape = named("Tickets").unwrap();
        for filter in [
            json!([]),
            json!([{"op": "like", "field": "title", "value": "x"}]),
            json!([{"op": "eq", "field": "creatorType", "value": 1}]),
            json!([{"op": "eq", "field": "colour", "value": 1}]),
            json!([{"op": "in", "field": "id", "value": 1}]),
        ] {
            assert!(
                Query::read(&json!({"filter": filter}), shape).is_err(),
                "{filter}"
            );
        }
        let many = vec![json!({"op": "eq", "field": "id", "value": 1}); 501];
        let filter = json!([{"op": "or", "items": many}]);
        assert!(Query::read(&json!({"filter": filter}), shape).is_err());
        let filter = json!([{"op": "exist", "field": "id"}]);
        assert!(Query::read(&json!({"filter": filter, "maxRecords": 501}), shape).is_err());
    }
}
