//! The query language, as far as the vendor's documents show it: `{fid.OP.'value'}` with EX, CT, XCT, GT, AF and
//! OBF, joined by AND and OR, with brackets.

use serde_json::Value;

use super::problem::Problem;
use super::schema::{FieldSpec, TableSpec};
use crate::model::Timestamp;

/// A filter.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    All,
    Test {
        field: &'static FieldSpec,
        operator: Operator,
        value: String,
    },
    Both(Box<Filter>, Box<Filter>),
    Either(Box<Filter>, Box<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Is,
    Contains,
    ContainsNot,
    Greater,
    After,
    OnOrBefore,
}

impl Operator {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "EX" => Self::Is,
            "CT" => Self::Contains,
            "XCT" => Self::ContainsNot,
            "GT" => Self::Greater,
            "AF" => Self::After,
            "OBF" => Self::OnOrBefore,
            _ => return None,
        })
    }
}

struct Reader<'a> {
    rest: &'a str,
    table: &'static TableSpec,
}

impl Filter {
    /// Reads the `where` of a query.
    pub(super) fn read(text: &str, table: &'static TableSpec) -> Result<Self, Problem> {
        if text.trim().is_empty() {
            return Ok(Self::All);
        }
        let mut reader = Reader { rest: text, table };
        let filter = reader.either()?;
        if reader.rest.trim().is_empty() {
            Ok(filter)
        } else {
            Err(reader.broken())
        }
    }

    /// Whether a row passes; `value` gives what a field shows.
    pub(super) fn passes(&self, value: &dyn Fn(&FieldSpec) -> Value) -> bool {
        match self {
            Self::All => true,
            Self::Both(one, other) => one.passes(value) && other.passes(value),
            Self::Either(one, other) => one.passes(value) || other.passes(value),
            Self::Test {
                field,
                operator,
                value: wanted,
            } => test(&value(field), *operator, wanted),
        }
    }
}

impl Reader<'_> {
    fn broken(&self) -> Problem {
        let near: String = self.rest.trim().chars().take(20).collect();
        Problem::Bad(format!("The query string is not valid near \"{near}\"."))
    }

    fn eat(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn either(&mut self) -> Result<Filter, Problem> {
        let mut filter = self.both()?;
        while self.eat("OR") {
            filter = Filter::Either(Box::new(filter), Box::new(self.both()?));
        }
        Ok(filter)
    }

    fn both(&mut self) -> Result<Filter, Problem> {
        let mut filter = self.one()?;
        while self.eat("AND") {
            filter = Filter::Both(Box::new(filter), Box::new(self.one()?));
        }
        Ok(filter)
    }

    fn one(&mut self) -> Result<Filter, Problem> {
        if self.eat("(") {
            let filter = self.either()?;
            return if self.eat(")") {
                Ok(filter)
            } else {
                Err(self.broken())
            };
        }
        if !self.eat("{") {
            return Err(self.broken());
        }
        let (id, rest) = self.rest.split_once('.').ok_or_else(|| self.broken())?;
        let (operator, rest) = rest.split_once('.').ok_or_else(|| self.broken())?;
        let operator = Operator::read(operator).ok_or_else(|| self.broken())?;
        let id: u64 = id.parse().map_err(|_| self.broken())?;
        let field = self.table.field(id).ok_or_else(|| Problem::Invalid {
            member: "where",
            why: format!("Field {id} does not exist in table {}", self.table.id),
        })?;
        let (value, rest) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once("'}").ok_or_else(|| self.broken())?,
            None => rest.split_once('}').ok_or_else(|| self.broken())?,
        };
        if value.contains(['\'', '{', '}']) {
            return Err(self.broken());
        }
        let value = value.to_owned();
        self.rest = rest;
        Ok(Filter::Test {
            field,
            operator,
            value,
        })
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_lowercase(),
        Value::Null => String::new(),
        Value::Object(user) => user
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase(),
        other => other.to_string(),
    }
}

fn test(held: &Value, operator: Operator, wanted: &str) -> bool {
    let is = |held: &Value| match held {
        Value::Number(number) => number.as_f64() == wanted.parse().ok(),
        Value::Bool(ticked) => matches!(wanted, "true" | "1") == *ticked,
        other => text(other) == wanted.to_lowercase(),
    };
    let moments = || {
        let held = held.as_str()?.parse::<Timestamp>().ok()?;
        Some((held, wanted.parse::<Timestamp>().ok()?))
    };
    match operator {
        Operator::Is => match held {
            Value::Array(items) => items.iter().any(is),
            one => is(one),
        },
        Operator::Contains => text(held).contains(&wanted.to_lowercase()),
        Operator::ContainsNot => !text(held).contains(&wanted.to_lowercase()),
        Operator::Greater => held
            .as_f64()
            .zip(wanted.parse().ok())
            .is_some_and(|(held, wanted): (f64, f64)| held > wanted),
        Operator::After => moments().is_some_and(|(held, wanted)| held > wanted),
        Operator::OnOrBefore => moments().is_some_and(|(held, wanted)| held <= wanted),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::TABLES;
    use super::*;

    fn passes(filter: &str) -> bool {
        let filter = Filter::read(filter, &TABLES[0]).unwrap();
        filter.passes(&|field| match field.id {
            2 => json!("2026-03-01T10:00:00Z"),
            3 => json!(12),
            6 => json!("Router down"),
            18 => json!("FN-12"),
            23 => json!(true),
            _ => Value::Null,
        })
    }

    #[test]
    fn tests_are_joined_and_bracketed() {
        for filter in [
            "",
            "{3.EX.12}",
            "{3.EX.'12'}",
            "{18.EX.'fn-12'}",
            "{6.CT.'ROUTER'}AND{3.GT.'11'}",
            "{3.EX.'1'}OR{3.EX.'12'}",
            "({3.EX.'1'} OR {23.EX.'true'}) AND {6.XCT.'printer'}",
            "{2.AF.'2026-03-01T09:59:59Z'}",
            "{2.OBF.'2026-03-01T10:00:00Z'}",
        ] {
            assert!(passes(filter), "{filter}");
        }
        for filter in [
            "{3.EX.1}",
            "{2.AF.'2026-03-01T10:00:00Z'}",
            "{6.EX.'Router'}",
        ] {
            assert!(!passes(filter), "{filter}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for filter in [
            "3.EX.12",
            "{3.EX.12",
            "{3.LIKE.'x'}",
            "{x.EX.'1'}",
            "{99.EX.'1'}",
            "{3.EX.12}{3.EX.12}",
            "{6.EX.'it's'}",
            "({3.EX.12}",
        ] {
            assert!(Filter::read(filter, &TABLES[0]).is_err(), "{filter}");
        }
    }
}
