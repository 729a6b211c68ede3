//! Moment's format tokens.

use std::fmt;

/// One token of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Year4,
    Year2,
    Month,
    Month2,
    MonthShort,
    MonthLong,
    Day,
    Day2,
    DayOrdinal,
    DayOfYear,
    DayOfYear3,
    WeekdayShort,
    WeekdayLong,
    Hour,
    Hour2,
    HalfDayHour,
    HalfDayHour2,
    Minute,
    Minute2,
    Second,
    Second2,
    /// So many digits of the second's fraction.
    Fraction(u8),
    MeridiemUpper,
    MeridiemLower,
    OffsetWithColon,
    Offset,
    ZoneAbbreviation,
    UnixSeconds,
    UnixMilliseconds,
    Literal(Box<str>),
}

/// A format, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    text: Box<str>,
    tokens: Box<[Token]>,
}

/// Why a text is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{token}` at character {} is no token of a date format; literal text goes in brackets: [{token}]", .position + 1)]
pub struct FormatError {
    /// The letters.
    pub token: String,
    /// Where they stand, in characters from 0.
    pub position: usize,
}

/// What an input format says about the day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) year: bool,
    pub(super) any_date: bool,
}

impl Format {
    /// Reads a format.
    ///
    /// # Errors
    /// [`FormatError`] for a letter that moment would take for a token which is not supported here.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let characters: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut literal = String::new();
        let mut position = 0;
        while let Some(&character) = characters.get(position) {
            let (piece, length) =
                piece(&characters[position..]).map_err(|token| FormatError { token, position })?;
            match piece {
                Piece::Token(token) => {
                    push_literal(&mut tokens, &mut literal);
                    tokens.push(token);
                }
                Piece::Text => literal.push(character),
                Piece::Bracketed => {
                    literal.extend(&characters[position + 1..position + length - 1]);
                }
            }
            position += length;
        }
        push_literal(&mut tokens, &mut literal);
        Ok(Self {
            text: text.into(),
            tokens: tokens.into(),
        })
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn given(&self) -> Given {
        use Token::{UnixMilliseconds, UnixSeconds, Year2, Year4};
        let year = |token: &Token| matches!(token, Year4 | Year2 | UnixSeconds | UnixMilliseconds);
        Given {
            year: self.tokens.iter().any(year),
            any_date: self.needs_date(),
        }
    }

    /// Whether writing it needs to know the day.
    pub(super) fn needs_date(&self) -> bool {
        use Token as T;
        self.tokens.iter().any(|token| {
            !matches!(
                token,
                T::Hour
                    | T::Hour2
                    | T::HalfDayHour
                    | T::HalfDayHour2
                    | T::Minute
                    | T::Minute2
                    | T::Second
                    | T::Second2
                    | T::Fraction(_)
                    | T::MeridiemUpper
                    | T::MeridiemLower
                    | T::Literal(_)
            )
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

enum Piece {
    Token(Token),
    /// One character that stands for itself.
    Text,
    /// `[…]`, which stands for what is inside.
    Bracketed,
}

fn push_literal(tokens: &mut Vec<Token>, literal: &mut String) {
    if !literal.is_empty() {
        tokens.push(Token::Literal(std::mem::take(literal).into()));
    }
}

/// The piece at the beginning and its length in characters.
fn piece(rest: &[char]) -> Result<(Piece, usize), String> {
    let Some(&first) = rest.first() else {
        return Ok((Piece::Text, 1));
    };
    if first == '[' {
        let inner = rest[1..]
            .iter()
            .position(|&character| matches!(character, '[' | ']'));
        return Ok(match inner {
            Some(end) if rest[end + 1] == ']' => (Piece::Bracketed, end + 2),
            _ => (Piece::Text, 1),
        });
    }
    if first == 'D' && rest.get(1) == Some(&'o') {
        return Ok((Piece::Token(Token::DayOrdinal), 2));
    }
    let run = rest
        .iter()
        .take_while(|&&character| character == first)
        .count();
    match token(first, run) {
        Some((token, length)) => Ok((Piece::Token(token), length)),
        // Letters that moment would take for tokens.
        None if "YQWwGgEeLlNkyd".contains(first) => Err(first.to_string().repeat(run)),
        None => Ok((Piece::Text, 1)),
    }
}

/// The longest token that a run of one letter begins with.
fn token(letter: char, run: usize) -> Option<(Token, usize)> {
    let table: &[(usize, Token)] = match letter {
        'Y' => &[(4, Token::Year4), (2, Token::Year2)],
        'M' => &[
            (4, Token::MonthLong),
            (3, Token::MonthShort),
            (2, Token::Month2),
            (1, Token::Month),
        ],
        'D' => &[
            (4, Token::DayOfYear3),
            (3, Token::DayOfYear),
            (2, Token::Day2),
            (1, Token::Day),
        ],
        'd' => &[(4, Token::WeekdayLong), (3, Token::WeekdayShort)],
        'H' => &[(2, Token::Hour2), (1, Token::Hour)],
        'h' => &[(2, Token::HalfDayHour2), (1, Token::HalfDayHour)],
        'm' => &[(2, Token::Minute2), (1, Token::Minute)],
        's' => &[(2, Token::Second2), (1, Token::Second)],
        'A' => &[(1, Token::MeridiemUpper)],
        'a' => &[(1, Token::MeridiemLower)],
        'Z' => &[(2, Token::Offset), (1, Token::OffsetWithColon)],
        'z' => &[(2, Token::ZoneAbbreviation), (1, Token::ZoneAbbreviation)],
        'X' => &[(1, Token::UnixSeconds)],
        'x' => &[(1, Token::UnixMilliseconds)],
        'S' => {
            let digits = run.min(9);
            return Some((Token::Fraction(u8::try_from(digits).unwrap_or(9)), digits));
        }
        _ => return None,
    };
    let fitting = table.iter().find(|(length, _)| *length <= run)?;
    // `YYY` is neither `YYYY` nor `YY` and something; better ask than guess.
    (letter != 'Y' || matches!(run, 2 | 4)).then(|| (fitting.1.clone(), fitting.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_literals_are_told_apart() {
        use Token::{Day2, Hour2, Literal, Minute2, Month2, OffsetWithColon, Second2, Year4};
        let literal = |text: &str| Literal(text.into());
        assert_eq!(
            *Format::parse("YYYY-MM-DDTHH:mm:ssZ").unwrap().tokens,
            [
                Year4,
                literal("-"),
                Month2,
                literal("-"),
                Day2,
                literal("T"),
                Hour2,
                literal(":"),
                Minute2,
                literal(":"),
                Second2,
                OffsetWithColon
            ]
        );
        assert_eq!(
            *Format::parse("[at] HH").unwrap().tokens,
            [literal("at "), Hour2]
        );
        assert_eq!(*Format::parse("[HH").unwrap().tokens, [literal("["), Hour2]);
    }

    #[test]
    fn letters_that_mean_something_else_in_moment_are_refused() {
        for (text, position) in [
            ("YYYY-Qo", 5),
            ("LLLL", 0),
            ("YYY", 0),
            ("HH dd", 3),
            ("gggg", 0),
        ] {
            assert_eq!(
                Format::parse(text).unwrap_err().position,
                position,
                "{text}"
            );
        }
    }
}
