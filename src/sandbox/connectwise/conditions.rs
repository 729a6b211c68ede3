//! The query language of `conditions=`: `board/name="Field Services" and lastUpdated > [2026-01-01T00:00:00Z]`.

use serde_json::Value;

use crate::model::Timestamp;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare {
        path: String,
        operator: Operator,
        value: Literal,
    },
    In {
        path: String,
        values: Vec<Literal>,
        negated: bool,
    },
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    NotLike,
    Contains,
    NotContains,
}

/// A value in a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(f64),
    Moment(Timestamp),
    Flag(bool),
    Null,
}

/// Why a text is no condition.
pub(super) type Unreadable = String;

impl Condition {
    /// Reads a condition.
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        let tokens = tokens(text)?;
        let mut reader = Reader {
            tokens: &tokens,
            next: 0,
        };
        let condition = reader.any()?;
        if reader.next < tokens.len() {
            return Err(format!("Unexpected text after the condition: {text}"));
        }
        Ok(condition)
    }

    /// The first name that is not known.
    pub(super) fn unknown_name(&self, knows: &dyn Fn(&str) -> bool) -> Option<&str> {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().find_map(|part| part.unknown_name(knows))
            }
            Self::Compare { path, .. } | Self::In { path, .. } => {
                (!knows(path)).then_some(path.as_str())
            }
        }
    }

    /// Whether a record satisfies it.
    pub(super) fn holds(&self, record: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record)),
            Self::Compare {
                path,
                operator,
                value,
            } => compare(at(record, path), *operator, value),
            Self::In {
                path,
                values,
                negated,
            } => {
                let actual = at(record, path);
                let found = values
                    .iter()
                    .any(|value| compare(actual, Operator::Equal, value));
                found != *negated
            }
        }
    }

    /// What must hold in any case: the parts of a conjunction.
    pub(super) fn demands(&self) -> &[Self] {
        match self {
            Self::All(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }
}

/// The value at a path like `board/name`. `lastUpdated` and its kin live under `_info`.
pub(super) fn at<'a>(record: &'a Value, path: &str) -> &'a Value {
    let steps = |start: &'a Value| {
        let mut steps = path.split('/');
        steps.try_fold(start, |value, step| value.get(step))
    };
    steps(record)
        .or_else(|| steps(record.get("_info")?))
        .unwrap_or(&Value::Null)
}

fn compare(actual: &Value, operator: Operator, wanted: &Literal) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match wanted {
        Literal::Text(text) => return compare_text(actual, operator, text),
        Literal::Null => actual.is_null().then_some(Equal),
        Literal::Flag(flag) => actual
            .as_bool()
            .filter(|actual| actual == flag)
            .map(|_| Equal),
        Literal::Number(number) => actual
            .as_f64()
            .and_then(|actual| actual.partial_cmp(number)),
        Literal::Moment(moment) => {
            let actual = actual
                .as_str()
                .and_then(|text| text.parse::<Timestamp>().ok());
            actual.map(|actual| actual.cmp(moment))
        }
    };
    match operator {
        Operator::Equal => order == Some(Equal),
        Operator::NotEqual => order != Some(Equal),
        Operator::Less => order == Some(Less),
        Operator::LessOrEqual => matches!(order, Some(Less | Equal)),
        Operator::Greater => order == Some(Greater),
        Operator::GreaterOrEqual => matches!(order, Some(Greater | Equal)),
        Operator::Like | Operator::Contains | Operator::NotLike | Operator::NotContains => false,
    }
}

/// Texts compare without regard to case, as the vendor's database does.
fn compare_text(actual: &Value, operator: Operator, wanted: &str) -> bool {
    let actual = actual.as_str().unwrap_or_default().to_lowercase();
    let wanted = wanted.to_lowercase();
    match operator {
        Operator::Equal => actual == wanted,
        Operator::NotEqual => actual != wanted,
        Operator::Less => actual < wanted,
        Operator::LessOrEqual => actual <= wanted,
        Operator::Greater => actual > wanted,
        Operator::GreaterOrEqual => actual >= wanted,
        Operator::Contains => actual.contains(&wanted),
        Operator::NotContains => !actual.contains(&wanted),
        Operator::Like => is_like(&actual, &wanted),
        Operator::NotLike => !is_like(&actual, &wanted),
    }
}

/// `%` stands for any text.
fn is_like(actual: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('%') else {
        return actual == pattern;
    };
    let Some(mut left) = actual.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split('%').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(position) => left = &left[position + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Symbol(&'static str),
    Value(Literal),
}

const SYMBOLS: [&str; 9] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ","];

fn tokens(text: &str) -> Result<Vec<Token>, Unreadable> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '"' | '\'' => quoted(rest, first)?,
            '[' => moment(rest)?,
            _ => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                Some(symbol) => (Token::Symbol(symbol), symbol.len()),
                None => word(rest)?,
            },
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

fn quoted(rest: &str, quote: char) -> Result<(Token, usize), Unreadable> {
    let mut text = String::new();
    let mut escaped = false;
    for (position, letter) in rest.char_indices().skip(1) {
        if escaped {
            text.push(letter);
            escaped = false;
        } else if letter == '\\' {
            escaped = true;
        } else if letter == quote {
            return Ok((Token::Value(Literal::Text(text)), position + 1));
        } else {
            text.push(letter);
        }
    }
    Err("A text in the condition is not properly quoted.".to_owned())
}

fn moment(rest: &str) -> Result<(Token, usize), Unreadable> {
    let end = rest
        .find(']')
        .ok_or("A date in the condition has no closing bracket.")?;
    let text = rest.get(1..end).unwrap_or_default();
    let moment = text
        .parse::<Timestamp>()
        .or_else(|_| format!("{text}Z").parse());
    let moment = moment.map_err(|_| format!("{text} is not a valid date."))?;
    Ok((Token::Value(Literal::Moment(moment)), end + 1))
}

fn word(rest: &str) -> Result<(Token, usize), Unreadable> {
    let is_part = |letter: char| letter.is_alphanumeric() || "/_.-".contains(letter);
    let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or_default();
    if word.is_empty() {
        return Err(format!("Unexpected text in the condition: {rest}"));
    }
    let token = match word.to_lowercase().as_str() {
        "true" => Token::Value(Literal::Flag(true)),
        "false" => Token::Value(Literal::Flag(false)),
        "null" => Token::Value(Literal::Null),
        _ => match word.parse::<f64>() {
            Ok(number) => Token::Value(Literal::Number(number)),
            Err(_) => Token::Name(word.to_owned()),
        },
    };
    Ok((token, length))
}

struct Reader<'a> {
    tokens: &'a [Token],
    next: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    fn takes_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(next)) if *next == symbol);
        self.next += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Name(next)) if next.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Condition, Unreadable> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, Unreadable> {
        let mut parts = vec![self.one()?];
        while self.takes_word("and") {
            parts.push(self.one()?);
        }
        Ok(single_or(parts, Condition::All))
    }

    fn one(&mut self) -> Result<Condition, Unreadable> {
        if self.takes_symbol("(") {
            let inner = self.any()?;
            if !self.takes_symbol(")") {
                return Err("A parenthesis in the condition is not closed.".to_owned());
            }
            return Ok(inner);
        }
        let Some(Token::Name(path)) = self.take() else {
            return Err("A name was expected in the condition.".to_owned());
        };
        let negated = self.takes_word("not");
        if self.takes_word("in") {
            let values = self.list()?;
            return Ok(Condition::In {
                path,
                values,
                negated,
            });
        }
        let operator = self.operator(negated)?;
        let Some(Token::Value(value)) = self.take() else {
            return Err(format!("A value was expected after {path}."));
        };
        Ok(Condition::Compare {
            path,
            operator,
            value,
        })
    }

    fn operator(&mut self, negated: bool) -> Result<Operator, Unreadable> {
        let operator = match (self.take(), negated) {
            (Some(Token::Symbol("=")), false) => Operator::Equal,
            (Some(Token::Symbol("!=")), false) => Operator::NotEqual,
            (Some(Token::Symbol("<")), false) => Operator::Less,
            (Some(Token::Symbol("<=")), false) => Operator::LessOrEqual,
            (Some(Token::Symbol(">")), false) => Operator::Greater,
            (Some(Token::Symbol(">=")), false) => Operator::GreaterOrEqual,
            (Some(Token::Name(word)), negated) => match (word.to_lowercase().as_str(), negated) {
                ("like", false) => Operator::Like,
                ("like", true) => Operator::NotLike,
                ("contains", false) => Operator::Contains,
                ("contains", true) => Operator::NotContains,
                _ => return Err(format!("{word} is not a recognized operator.")),
            },
            _ => return Err("An operator was expected in the condition.".to_owned()),
        };
        Ok(operator)
    }

    fn list(&mut self) -> Result<Vec<Literal>, Unreadable> {
        let mut values = Vec::new();
        if !self.takes_symbol("(") {
            return Err("A list was expected after in.".to_owned());
        }
        loop {
            let Some(Token::Value(value)) = self.take() else {
                return Err("A value was expected in the list.".to_owned());
            };
            values.push(value);
            if self.takes_symbol(")") {
                return Ok(values);
            }
            if !self.takes_symbol(",") {
                return Err("A list in the condition is not closed.".to_owned());
            }
        }
    }
}

fn single_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(condition: &str) -> bool {
        let record = json!({
            "id": 69,
            "summary": "Replace switch",
            "externalXRef": "FN-123",
            "closedFlag": false,
            "budgetHours": 2.5,
            "board": {"id": 1, "name": "Field Services"},
            "status": {"id": 42, "name": "Dispatch to FN"},
            "contact": null,
            "_info": {"lastUpdated": "2026-05-01T10:00:00Z"},
        });
        Condition::parse(condition).unwrap().holds(&record)
    }

    #[test]
    fn comparisons_hold_as_the_grammar_says() {
        for condition in [
            r#"externalXRef="FN-123""#,
            r#"externalXRef = "fn-123""#,
            "id in (1, 69, 70)",
            "id not in (1,2)",
            r#"board/name="Field Services" and status/name != "New""#,
            "lastUpdated > [2026-05-01T09:59:59Z]",
            "_info/lastUpdated >= [2026-05-01T10:00:00Z]",
            "lastUpdated < [2026-05-01T10:00:01]",
            "closedFlag = False",
            "closedFlag=false AND budgetHours > 2",
            r#"summary like "Replace%""#,
            r#"summary like "%sw%ch""#,
            r#"summary contains "SWITCH""#,
            r#"summary not contains "router""#,
            "contact = null",
            r#"(id = 1 or id = 69) and (summary = "x" or board/id = 1)"#,
        ] {
            assert!(holds(condition), "{condition}");
        }
        for condition in [
            r#"externalXRef="FN-12""#,
            "id in (1,2)",
            "lastUpdated > [2026-05-01T10:00:00Z]",
            r#"summary like "switch%""#,
            "status/name != \"Dispatch to FN\"",
            "id = 69 and id = 70",
        ] {
            assert!(!holds(condition), "{condition}");
        }
    }

    #[test]
    fn broken_conditions_are_said_to_be_so() {
        for condition in [
            "",
            "id",
            "id =",
            "id = [x]",
            r#"summary = "open"#,
            "id in (1,",
            "(id = 1",
            "id = 1 id = 2",
            "id resembles 3",
        ] {
            assert!(Condition::parse(condition).is_err(), "{condition}");
        }
    }

    #[test]
    fn quotes_inside_a_text_are_escaped() {
        let condition = Condition::parse(r#"summary = "say \"hi\"""#).unwrap();
        assert!(condition.holds(&json!({"summary": "say \"hi\""})));
    }

    #[test]
    fn the_first_unknown_name_is_told() {
        let condition = Condition::parse("id = 1 and resources/identifier = \"x\"").unwrap();
        let unknown = condition.unknown_name(&|name| name == "id");
        assert_eq!(unknown, Some("resources/identifier"));
    }
}
