//! The query language, as far as integrators use it: `SELECT … FROM … WHERE … ORDER BY … LIMIT …`.

use super::problem::Problem;

/// A query.
#[derive(Debug, PartialEq)]
pub(super) struct Query {
    pub(super) fields: Vec<String>,
    pub(super) object: String,
    pub(super) filter: Option<Filter>,
    /// Paths, each with whether it is descending.
    pub(super) order: Vec<(String, bool)>,
    pub(super) limit: Option<usize>,
}

/// A condition.
#[derive(Debug, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        path: String,
        operator: Operator,
        values: Vec<Literal>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    /// A number, a date or a moment: whatever stands without quotation marks.
    Bare(String),
    Flag(bool),
    Null,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

fn malformed(message: &str) -> Problem {
    Problem::bad("MALFORMED_QUERY", message)
}

impl Query {
    /// Reads a query.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let tokens = tokens(text)?;
        let mut reader = Reader {
            tokens: &tokens,
            place: 0,
        };
        reader.keyword("SELECT")?;
        let mut fields = vec![reader.path()?];
        while reader.takes(",") {
            fields.push(reader.path()?);
        }
        reader.keyword("FROM")?;
        let object = reader.path()?;
        let filter = if reader.takes_word("WHERE") {
            Some(reader.any()?)
        } else {
            None
        };
        let mut order = Vec::new();
        if reader.takes_word("ORDER") {
            reader.keyword("BY")?;
            loop {
                let path = reader.path()?;
                let descends = reader.takes_word("DESC");
                if !descends {
                    reader.takes_word("ASC");
                }
                order.push((path, descends));
                if !reader.takes(",") {
                    break;
                }
            }
        }
        let limit = if reader.takes_word("LIMIT") {
            let number = reader.word()?.parse();
            Some(number.map_err(|_| malformed("unexpected token: LIMIT"))?)
        } else {
            None
        };
        match reader.peek() {
            None => Ok(Self {
                fields,
                object,
                filter,
                order,
                limit,
            }),
            Some(token) => Err(malformed(&format!("unexpected token: {token:?}"))),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    const SIGNS: [&str; 10] = ["!=", "<>", "<=", ">=", ",", "(", ")", "=", "<", ">"];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (text, after) = quoted(rest.get(1..).unwrap_or_default())?;
            tokens.push(Token::Text(text));
            rest = after;
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else {
            let is_word =
                |character: char| character.is_alphanumeric() || "_.:+-".contains(character);
            let end = rest
                .find(|character: char| !is_word(character))
                .unwrap_or(rest.len());
            if end == 0 {
                return Err(malformed(&format!("unexpected char: {first}")));
            }
            tokens.push(Token::Word(rest.get(..end).unwrap_or_default().to_owned()));
            rest = rest.get(end..).unwrap_or_default();
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// The text up to its closing mark, and what follows.
fn quoted(rest: &str) -> Result<(String, &str), Problem> {
    let mut text = String::new();
    let mut characters = rest.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '\'' => return Ok((text, rest.get(place + 1..).unwrap_or_default())),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some(escaped @ ('\'' | '"' | '\\' | '_' | '%')) => text.push(escaped),
                _ => {
                    return Err(malformed(
                        "Illegal string literal: invalid string literal escape",
                    ));
                }
            },
            '\n' | '\r' => return Err(malformed("line breaks not allowed in string literals")),
            other => text.push(other),
        }
    }
    Err(malformed("unexpected token: '<EOF>'"))
}

struct Reader<'a> {
    tokens: &'a [Token],
    place: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.place += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.place += usize::from(found);
        found
    }

    fn keyword(&mut self, word: &str) -> Result<(), Problem> {
        if self.takes_word(word) {
            Ok(())
        } else {
            Err(malformed(&format!(
                "expecting {word}, found {:?}",
                self.peek()
            )))
        }
    }

    fn word(&mut self) -> Result<String, Problem> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.place += 1;
                Ok(word)
            }
            other => Err(malformed(&format!("unexpected token: {other:?}"))),
        }
    }

    fn path(&mut self) -> Result<String, Problem> {
        let word = self.word()?;
        let is_name = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_alphabetic())
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if word.split('.').all(is_name) {
            Ok(word)
        } else {
            Err(malformed(&format!("unexpected token: '{word}'")))
        }
    }

    fn any(&mut self) -> Result<Filter, Problem> {
        let mut parts = vec![self.all()?];
        while self.takes_word("OR") {
            parts.push(self.all()?);
        }
        Ok(Filter::Any(parts))
    }

    fn all(&mut self) -> Result<Filter, Problem> {
        let mut parts = vec![self.one()?];
        while self.takes_word("AND") {
            parts.push(self.one()?);
        }
        Ok(Filter::All(parts))
    }

    fn one(&mut self) -> Result<Filter, Problem> {
        if self.takes("(") {
            let inner = self.any()?;
            return if self.takes(")") {
                Ok(inner)
            } else {
                Err(malformed("expecting a right parentheses"))
            };
        }
        if self.takes_word("NOT") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        let path = self.path()?;
        if self.takes_word("IN") {
            if !self.takes("(") {
                return Err(malformed("expecting a left parentheses"));
            }
            let mut values = vec![self.literal()?];
            while self.takes(",") {
                values.push(self.literal()?);
            }
            if !self.takes(")") {
                return Err(malformed("expecting a right parentheses"));
            }
            return Ok(Filter::Compare {
                path,
                operator: Operator::In,
                values,
            });
        }
        let operator = match self.peek() {
            Some(Token::Sign("=")) => Operator::Is,
            Some(Token::Sign("!=" | "<>")) => Operator::IsNot,
            Some(Token::Sign("<")) => Operator::Less,
            Some(Token::Sign("<=")) => Operator::AtMost,
            Some(Token::Sign(">")) => Operator::More,
            Some(Token::Sign(">=")) => Operator::AtLeast,
            other => return Err(malformed(&format!("unexpected token: {other:?}"))),
        };
        self.place += 1;
        let values = vec![self.literal()?];
        Ok(Filter::Compare {
            path,
            operator,
            values,
        })
    }

    fn literal(&mut self) -> Result<Literal, Problem> {
        let literal = match self.peek() {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Literal::Flag(true),
                "false" => Literal::Flag(false),
                "null" => Literal::Null,
                _ if word.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
                    Literal::Bare(word.clone())
                }
                _ => {
                    return Err(malformed(&format!(
                        "Bind variables only allowed in Apex code: {word}"
                    )));
                }
            },
            other => return Err(malformed(&format!("unexpected token: {other:?}"))),
        };
        self.place += 1;
        Ok(literal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_part_by_part() {
        let query = Query::parse(r"SELECT Id,Account.Name FROM Case WHERE Subject = 'O\'Neil' AND (Status IN ('New','Closed') OR Send__c = TRUE) ORDER BY SystemModstamp DESC,Id LIMIT 5").unwrap();
        assert_eq!(
            (query.fields.len(), query.object.as_str(), query.limit),
            (2, "Case", Some(5))
        );
        assert_eq!(
            query.order,
            [
                ("SystemModstamp".to_owned(), true),
                ("Id".to_owned(), false)
            ]
        );
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for text in [
            "",
            "SELECT",
            "SELECT Id",
            "SELECT Id FROM Case WHERE",
            "SELECT Id FROM Case WHERE Id = 5'",
            "SELECT Id FROM Case WHERE Id = 'a",
            "SELECT Id FROM Case WHERE Id = x",
            r"SELECT Id FROM Case WHERE Id = 'a\q'",
            "SELECT Id FROM Case; DELETE",
            "SELECT * FROM Case",
            "SELECT Id FROM Case WHERE (Id = 'a'",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
