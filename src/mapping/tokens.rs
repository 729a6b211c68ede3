//! A mapping file's TOML in tokens, however broken it is.
//!
//! For what works on a file while somebody types in it: nothing here fails, and every byte that is no blank
//! belongs to a token.

use std::ops::Range;

use crate::model::Direction;

/// A piece of TOML and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) range: Range<usize>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// `#` and the rest of its line.
    Comment,
    /// The end of a line.
    Break,
    /// A text in quotes.
    Quoted(Quotes, Closing),
    /// A bare key, a number, a date, true or false.
    Bare,
    /// `=`
    Equals,
    /// `,`
    Comma,
    /// `[` or `{`
    Open(Bracket),
    /// `]` or `}`
    Close(Bracket),
}

/// How a text is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// `"…"`
    Basic,
    /// `'…'`
    Literal,
    /// `"""…"""`
    MultiLineBasic,
    /// `'''…'''`
    MultiLineLiteral,
}

/// Whether a text's closing quotes are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    There,
    Missing,
}

/// The two brackets of TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    /// `[`
    Square,
    /// `{`
    Curly,
}

impl Quotes {
    /// The quotes that a text begins with.
    fn at(text: &str) -> Option<Self> {
        const ALL: [Quotes; 4] = [
            Quotes::MultiLineBasic,
            Quotes::MultiLineLiteral,
            Quotes::Basic,
            Quotes::Literal,
        ];
        ALL.into_iter()
            .find(|quotes| text.starts_with(quotes.mark()))
    }

    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Basic => "\"",
            Self::Literal => "'",
            Self::MultiLineBasic => "\"\"\"",
            Self::MultiLineLiteral => "'''",
        }
    }

    /// Whether a backslash in it means something.
    pub(super) fn escapes(self) -> bool {
        matches!(self, Self::Basic | Self::MultiLineBasic)
    }

    fn spans_lines(self) -> bool {
        matches!(self, Self::MultiLineBasic | Self::MultiLineLiteral)
    }
}

impl Token {
    /// What stands between the quotes of a text; the whole token otherwise.
    pub(super) fn content(&self) -> Range<usize> {
        let TokenKind::Quoted(quotes, closing) = self.kind else {
            return self.range.clone();
        };
        let mark = quotes.mark().len();
        let start = self.range.start + mark;
        let end = match closing {
            Closing::There => self.range.end - mark,
            Closing::Missing => self.range.end,
        };
        start..end.max(start)
    }
}

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let token = rest.trim_start_matches([' ', '\t', '\r', '\u{feff}']);
        let start = at + (rest.len() - token.len());
        let Some((kind, length)) = first_token(token) else {
            return tokens;
        };
        at = start + length;
        tokens.push(Token {
            kind,
            range: start..at,
        });
    }
}

/// The token that a text begins with, and its length; none when the text is empty.
fn first_token(text: &str) -> Option<(TokenKind, usize)> {
    let one = |kind| Some((kind, 1));
    match text.chars().next()? {
        '\n' => one(TokenKind::Break),
        '=' => one(TokenKind::Equals),
        ',' => one(TokenKind::Comma),
        '[' => one(TokenKind::Open(Bracket::Square)),
        '{' => one(TokenKind::Open(Bracket::Curly)),
        ']' => one(TokenKind::Close(Bracket::Square)),
        '}' => one(TokenKind::Close(Bracket::Curly)),
        '#' => Some((TokenKind::Comment, first_line(text).len())),
        _ => match Quotes::at(text) {
            Some(quotes) => Some(quoted(text, quotes)),
            None => {
                let ends = [
                    ' ', '\t', '\r', '\n', '=', ',', '[', ']', '{', '}', '#', '"', '\'',
                ];
                Some((TokenKind::Bare, text.find(ends).unwrap_or(text.len())))
            }
        },
    }
}

fn quoted(text: &str, quotes: Quotes) -> (TokenKind, usize) {
    let reach = if quotes.spans_lines() {
        text
    } else {
        first_line(text)
    };
    match closing_quotes(reach, quotes) {
        Some(end) => (TokenKind::Quoted(quotes, Closing::There), end),
        None => {
            let end = header_in(reach).unwrap_or(reach.len());
            let length = reach.get(..end).unwrap_or(reach).trim_end().len();
            let length = length.max(quotes.mark().len());
            (TokenKind::Quoted(quotes, Closing::Missing), length)
        }
    }
}

/// Where the text that begins with these quotes ends, if its closing quotes are there.
fn closing_quotes(text: &str, quotes: Quotes) -> Option<usize> {
    let mark = quotes.mark();
    let mut at = mark.len();
    loop {
        let rest = text.get(at..)?;
        let next = rest.find(['\\', mark.chars().next()?])?;
        at += next;
        let rest = text.get(at..)?;
        if rest.starts_with('\\') {
            let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
            at += 1 + if quotes.escapes() { escaped } else { 0 };
        } else if rest.starts_with(mark) {
            if quotes.spans_lines() && opens_another(text, at) {
                return None;
            }
            return Some(at + mark.len() + quotes_more(rest, quotes));
        } else {
            at += 1;
        }
    }
}

/// The last three of up to five quotes are those that close.
fn quotes_more(rest: &str, quotes: Quotes) -> usize {
    if !quotes.spans_lines() {
        return 0;
    }
    let one = quotes.mark().chars().next();
    rest.chars()
        .skip(3)
        .take(2)
        .take_while(|character| Some(*character) == one)
        .count()
}

/// Whether the quotes there begin the text of a later rule: they follow `key =`, and the rule's header lies before.
fn opens_another(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let Some(key) = line.trim_end().strip_suffix('=') else {
        return false;
    };
    let key = key.trim();
    let is_key = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    is_key && header_in(before).is_some()
}

/// Where the first line begins that is a rule's header, not counting the text's own first line.
fn header_in(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > 0 && header(line).is_some() {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// The direction of a line `[[inbound]]` or `[[outbound]]`.
pub(super) fn header(line: &str) -> Option<Direction> {
    let (name, rest) = line.trim_start().strip_prefix("[[")?.split_once("]]")?;
    let rest = rest.trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        return None;
    }
    let name = name.trim();
    let bare = ['"', '\''].into_iter().find_map(|quote| {
        name.strip_prefix(quote)
            .and_then(|name| name.strip_suffix(quote))
    });
    let name = bare.unwrap_or(name);
    Direction::ALL
        .into_iter()
        .find(|direction| direction.word() == name)
}

/// The first line, without what ends it.
fn first_line(text: &str) -> &str {
    let line = text.split('\n').next().unwrap_or_default();
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<&str> {
        let tokens = tokens(text);
        tokens
            .iter()
            .map(|token| &text[token.range.clone()])
            .collect()
    }

    #[test]
    fn toml_falls_into_its_pieces() {
        let text = "a.b = [{ x = \"1, # \\\"2\" }] # why\r\n'c' = '\\'\n";
        assert_eq!(
            pieces(text),
            [
                "a.b",
                "=",
                "[",
                "{",
                "x",
                "=",
                "\"1, # \\\"2\"",
                "}",
                "]",
                "# why",
                "\n",
                "'c'",
                "=",
                "'\\'",
                "\n"
            ]
        );
    }

    #[test]
    fn a_text_of_several_lines_is_one_piece_with_its_quotes() {
        let text = "s = '''\n[[inbound]]\n''''' \nt = \"\"\"a\\\"\"\"\"";
        assert_eq!(
            pieces(text),
            [
                "s",
                "=",
                "'''\n[[inbound]]\n'''''",
                "\n",
                "t",
                "=",
                "\"\"\"a\\\"\"\"\""
            ]
        );
    }

    #[test]
    fn a_text_without_an_end_ends_at_its_line_or_at_the_next_rule() {
        assert_eq!(
            pieces("a = \"x\r\nb = 1"),
            ["a", "=", "\"x", "\n", "b", "=", "1"]
        );
        let text = "s = '''\nx\n\n[[inbound]]\ns = '''\ny\n'''\n";
        let pieces = pieces(text);
        assert_eq!(pieces[2], "'''\nx");
        assert_eq!(pieces[pieces.len() - 2], "'''\ny\n'''");
    }

    #[test]
    fn headers_are_recognised_however_they_are_written() {
        for line in [
            "[[inbound]]",
            "  [[ inbound ]] # why",
            "[[\"inbound\"]]\r\n",
        ] {
            assert_eq!(header(line), Some(Direction::Inbound), "{line}");
        }
        for line in [
            "[[inbound.mappings]]",
            "[inbound]",
            "[[inbound]] x",
            "# [[inbound]]",
        ] {
            assert_eq!(header(line), None, "{line}");
        }
    }
}
