//! The query language of `/search/tickets`: `"status:2 AND priority:>3"`.

use serde_json::Value;

use super::fields;
use super::problem::FieldError;

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Search {
    All(Vec<Search>),
    Any(Vec<Search>),
    Term {
        field: String,
        bound: Bound,
        value: Term,
    },
}

/// How a term compares. Bounds include what they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Is,
    AtLeast,
    AtMost,
}

/// A value in a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    Text(String),
    Number(i64),
    Flag(bool),
    Null,
}

const LONGEST: usize = 512;

/// The fields a query may name besides custom ones, and where their values are.
const FIELDS: [(&str, &str); 10] = [
    ("agent_id", "responder_id"),
    ("group_id", "group_id"),
    ("priority", "priority"),
    ("status", "status"),
    ("tag", "tags"),
    ("type", "type"),
    ("due_by", "due_by"),
    ("fr_due_by", "fr_due_by"),
    ("created_at", "created_at"),
    ("updated_at", "updated_at"),
];

fn invalid(message: &str) -> FieldError {
    FieldError::new("query", "invalid_value", message)
}

impl Search {
    /// Reads the value of the `query` parameter, double quotes and all.
    pub(super) fn parse(query: &str) -> Result<Self, FieldError> {
        if query.chars().count() > LONGEST {
            return Err(invalid("Query must be at most 512 characters long"));
        }
        let inner = query
            .strip_prefix('"')
            .and_then(|query| query.strip_suffix('"'));
        let inner = inner.ok_or_else(|| invalid("Given query is not enclosed in double quotes"))?;
        let mut reader = Reader { rest: inner.trim() };
        let search = reader.any()?;
        if !reader.rest.is_empty() {
            return Err(invalid("Given query is not valid"));
        }
        Ok(search)
    }

    /// Whether a ticket is wanted.
    pub(super) fn holds(&self, ticket: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(ticket)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(ticket)),
            Self::Term {
                field,
                bound,
                value,
            } => {
                let known = FIELDS.iter().find(|(name, _)| name == field);
                let actual = match known {
                    Some((_, member)) => &ticket[*member],
                    None => &ticket["custom_fields"][field.as_str()],
                };
                compare(actual, *bound, value)
            }
        }
    }
}

fn compare(actual: &Value, bound: Bound, wanted: &Term) -> bool {
    let in_order = |left: &str, right: &str| match bound {
        Bound::Is => left == right,
        Bound::AtLeast => left >= right,
        Bound::AtMost => left <= right,
    };
    match (actual, wanted) {
        (Value::Null, Term::Null) => true,
        (Value::Bool(actual), Term::Flag(wanted)) => actual == wanted,
        (Value::Array(items), Term::Text(text)) => items.iter().any(|item| item == text.as_str()),
        (Value::Number(actual), Term::Number(wanted)) => {
            let Some(actual) = actual.as_i64() else {
                return false;
            };
            match bound {
                Bound::Is => actual == *wanted,
                Bound::AtLeast => actual >= *wanted,
                Bound::AtMost => actual <= *wanted,
            }
        }
        // Dates compare by day only: the query names a day, the ticket a moment.
        (Value::String(actual), Term::Text(wanted)) if is_day(wanted) => {
            in_order(actual.get(..wanted.len()).unwrap_or(actual), wanted)
        }
        (Value::String(actual), Term::Text(wanted)) => bound == Bound::Is && actual == wanted,
        _ => false,
    }
}

fn is_day(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok()
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn takes(&mut self, word: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(word) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }

    fn any(&mut self) -> Result<Search, FieldError> {
        let mut parts = vec![self.all()?];
        while self.takes("OR ") {
            parts.push(self.all()?);
        }
        Ok(Search::Any(parts))
    }

    fn all(&mut self) -> Result<Search, FieldError> {
        let mut parts = vec![self.one()?];
        while self.takes("AND ") {
            parts.push(self.one()?);
        }
        Ok(Search::All(parts))
    }

    fn one(&mut self) -> Result<Search, FieldError> {
        if self.takes("(") {
            let inner = self.any()?;
            if !self.takes(")") {
                return Err(invalid("Given query is not valid"));
            }
            return Ok(inner);
        }
        let Some((field, rest)) = self.rest.split_once(':') else {
            return Err(invalid("Given query is not valid"));
        };
        let field = field.trim().to_owned();
        let is_known = FIELDS.iter().any(|(name, _)| *name == field);
        if !is_known && fields::custom_field(&field).is_none() {
            return Err(FieldError::unexpected(field));
        }
        self.rest = rest;
        let bound = if self.takes(">") {
            Bound::AtLeast
        } else if self.takes("<") {
            Bound::AtMost
        } else {
            Bound::Is
        };
        let value = self.value()?;
        Ok(Search::Term {
            field,
            bound,
            value,
        })
    }

    fn value(&mut self) -> Result<Term, FieldError> {
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let end = rest
                .find('\'')
                .ok_or_else(|| invalid("Given query is not valid"))?;
            let text = rest.get(..end).unwrap_or_default().to_owned();
            self.rest = rest.get(end + 1..).unwrap_or_default().trim_start();
            return Ok(Term::Text(text));
        }
        let end = self.rest.find([' ', ')']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        match word {
            "true" => Ok(Term::Flag(true)),
            "false" => Ok(Term::Flag(false)),
            "null" => Ok(Term::Null),
            _ => {
                let number = word.parse().map(Term::Number);
                number.map_err(|_| invalid("Given query is not valid"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn queries_hold_as_the_grammar_says() {
        let ticket = json!({
            "status": 8,
            "priority": 3,
            "type": null,
            "tags": ["on-site", "vip"],
            "updated_at": "2026-05-01T10:00:00Z",
            "custom_fields": {"cf_fn_work_order": "10001", "cf_lift_needed": false},
        });
        let holds = |query: &str| Search::parse(query).unwrap().holds(&ticket);
        for query in [
            r#""status:8 AND priority:>3""#,
            r#""cf_fn_work_order:'10001'""#,
            r#""(status:2 OR status:8) AND tag:'on-site'""#,
            r#""updated_at:>'2026-05-01' AND updated_at:<'2026-05-01'""#,
            r#""type:null""#,
            r#""cf_lift_needed:false""#,
        ] {
            assert!(holds(query), "{query}");
        }
        for query in [
            r#""status:2""#,
            r#""cf_fn_work_order:'1000'""#,
            r#""updated_at:>'2026-05-02'""#,
            r#""priority:<2 OR tag:'other'""#,
        ] {
            assert!(!holds(query), "{query}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        assert_eq!(Search::parse("status:2").unwrap_err().field, "query");
        assert_eq!(
            Search::parse(r#""nonsense:2""#).unwrap_err().code,
            "invalid_field"
        );
        for query in [
            r#""status""#,
            r#""status:2 status:3""#,
            r#""(status:2""#,
            r#""status:x""#,
        ] {
            assert!(Search::parse(query).is_err(), "{query}");
        }
        let long = format!("\"status:2{}\"", " ".repeat(600));
        assert!(Search::parse(&long).is_err());
    }
}
