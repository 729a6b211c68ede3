//! Encoded queries as an instance runs them: a part that it does not understand is left out, and the rest is run; or,
//! where the instance is set so (`glide.invalid_query.returns_no_rows`), the whole query finds nothing.

use super::books::{Books, Row};
use super::schema;

/// What becomes of a query with a part that is not understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvalidQuery {
    /// The part is dropped and the rest is run, as instances come.
    #[default]
    Dropped,
    /// Nothing is found.
    FindsNothing,
}

/// A query taken apart.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    groups: Vec<Vec<Vec<Term>>>,
    order: Vec<(String, Direction)>,
    is_invalid: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Rising,
    Falling,
}

#[derive(Debug)]
struct Term {
    field: String,
    operator: &'static str,
    value: String,
}

/// Longer operators stand before those that they begin with.
const OPERATORS: [&str; 14] = [
    "ISNOTEMPTY",
    "ISEMPTY",
    "NOT IN",
    "NOT LIKE",
    "STARTSWITH",
    "ENDSWITH",
    "LIKE",
    "IN",
    ">=",
    "<=",
    "!=",
    ">",
    "<",
    "=",
];

impl Encoded {
    /// Reads a query for a table.
    pub(super) fn parse(text: &str, table: &str) -> Self {
        let mut query = Self {
            groups: vec![Vec::new()],
            ..Self::default()
        };
        for part in text
            .split('^')
            .filter(|part| !part.is_empty() && *part != "EQ")
        {
            if let Some(field) = part.strip_prefix("ORDERBYDESC") {
                query.order_by(field, Direction::Falling, table);
            } else if let Some(field) = part.strip_prefix("ORDERBY") {
                query.order_by(field, Direction::Rising, table);
            } else if let Some(rest) = part.strip_prefix("NQ") {
                query.groups.push(Vec::new());
                query.add(rest, table, |group, term| group.push(vec![term]));
            } else if let Some(rest) = part.strip_prefix("OR") {
                query.add(rest, table, |group, term| match group.last_mut() {
                    Some(any_of) => any_of.push(term),
                    None => group.push(vec![term]),
                });
            } else {
                query.add(part, table, |group, term| group.push(vec![term]));
            }
        }
        query
    }

    fn order_by(&mut self, field: &str, direction: Direction, table: &str) {
        if is_known(table, field) {
            self.order.push((field.to_owned(), direction));
        } else {
            self.is_invalid = true;
        }
    }

    fn add(&mut self, part: &str, table: &str, put: impl FnOnce(&mut Vec<Vec<Term>>, Term)) {
        let term = Term::parse(part).filter(|term| is_known(table, &term.field));
        match (term, self.groups.last_mut()) {
            (Some(term), Some(group)) => put(group, term),
            _ => self.is_invalid = true,
        }
    }

    /// Whether a record is found.
    pub(super) fn finds(&self, row: &Row, books: &Books, invalid: InvalidQuery) -> bool {
        if self.is_invalid && invalid == InvalidQuery::FindsNothing {
            return false;
        }
        self.groups.iter().any(|group| {
            group
                .iter()
                .all(|any_of| any_of.iter().any(|term| term.holds(row, books)))
        })
    }

    /// Sorts what was found.
    pub(super) fn sort(&self, rows: &mut [&Row]) {
        rows.sort_by(|one, other| {
            let keys = self.order.iter().map(|(field, direction)| {
                let compared = one.value(field).cmp(other.value(field));
                if *direction == Direction::Falling {
                    compared.reverse()
                } else {
                    compared
                }
            });
            keys.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
    }
}

/// Whether a field, possibly of a related record, exists.
fn is_known(table: &str, field: &str) -> bool {
    let (first, rest) = field.split_once('.').unwrap_or((field, ""));
    match schema::column_of(table, first) {
        None => false,
        Some(_) if rest.is_empty() => true,
        Some(column) => !column.reference.is_empty() && is_known(column.reference, rest),
    }
}

impl Term {
    fn parse(part: &str) -> Option<Self> {
        let is_name = |letter: &char| {
            letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '.')
        };
        let length: usize = part.chars().take_while(is_name).map(char::len_utf8).sum();
        let (field, rest) = part.split_at(length);
        let operator = OPERATORS
            .into_iter()
            .find(|operator| rest.starts_with(operator))?;
        Some(Self {
            field: field.to_owned(),
            operator,
            value: rest[operator.len()..].to_owned(),
        })
    }

    fn holds(&self, row: &Row, books: &Books) -> bool {
        let held = books
            .walk(row, &self.field)
            .unwrap_or_default()
            .to_lowercase();
        let value = self.value.to_lowercase();
        let is_among = || value.split(',').any(|one| one == held);
        match self.operator {
            "ISEMPTY" => held.is_empty(),
            "ISNOTEMPTY" => !held.is_empty(),
            "IN" => is_among(),
            "NOT IN" => !is_among(),
            "LIKE" => held.contains(&value),
            "NOT LIKE" => !held.contains(&value),
            "STARTSWITH" => held.starts_with(&value),
            "ENDSWITH" => held.ends_with(&value),
            ">=" => held >= value,
            "<=" => held <= value,
            ">" => held > value,
            "<" => held < value,
            "!=" => held != value,
            _ => held == value,
        }
    }
}
