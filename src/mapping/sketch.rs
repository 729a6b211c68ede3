//! The keys and values of one rule's text, as far as they are there.
//!
//! What [`super::compile`] reads must be right; this also reads what somebody has typed half of.

use std::ops::Range;

use super::tokens::{Bracket, Closing, Token, TokenKind, tokens};

/// One rule's text, taken apart.
#[derive(Debug)]
pub(super) struct Sketch<'t> {
    text: &'t str,
    pub(super) tokens: Vec<Token>,
    pub(super) pairs: Vec<Pair>,
    pub(super) elements: Vec<Element>,
    /// Where the rule's own keys, or those of an element, begin after a header, and whose they are.
    pub(super) tables: Vec<(usize, Option<Within>)>,
}

/// A key, and its value as far as it is there.
#[derive(Debug)]
pub(super) struct Pair {
    /// The list and the element that it is in; none for the rule's own keys.
    pub(super) within: Option<Within>,
    pub(super) key: Range<usize>,
    pub(super) name: String,
    /// Where its `=` ends.
    pub(super) equals: Option<usize>,
    /// The tokens of its value.
    pub(super) value: Range<usize>,
}

/// An element of a list of tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Within {
    pub(super) list: String,
    /// From 0.
    pub(super) number: usize,
}

/// Where an element of a list of tables stands, from its `{` on.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) within: Within,
    pub(super) range: Range<usize>,
    pub(super) closing: Closing,
}

impl<'t> Sketch<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut reader = Reader {
            sketch: Self {
                text,
                tokens: tokens(text),
                pairs: Vec::new(),
                elements: Vec::new(),
                tables: Vec::new(),
            },
            at: 0,
            within: None,
        };
        reader.read();
        reader.sketch
    }

    /// The rule's own pair of a name.
    pub(super) fn own(&self, name: &str) -> Option<&Pair> {
        let mut own = self.pairs.iter().filter(|pair| pair.within.is_none());
        own.find(|pair| pair.name == name)
    }

    /// The pair of a name in an element.
    pub(super) fn inside(&self, within: &Within, name: &str) -> Option<&Pair> {
        let mut inside = self
            .pairs
            .iter()
            .filter(|pair| pair.within.as_ref() == Some(within));
        inside.find(|pair| pair.name == name)
    }

    pub(super) fn value_tokens(&self, pair: &Pair) -> &[Token] {
        self.tokens.get(pair.value.clone()).unwrap_or_default()
    }

    /// The bytes from a value's first token to its last.
    pub(super) fn value_range(&self, pair: &Pair) -> Option<Range<usize>> {
        let tokens = self.value_tokens(pair);
        Some(tokens.first()?.range.start..tokens.last()?.range.end)
    }

    /// The text that a value is, or how it is written when it is no text.
    pub(super) fn value_text(&self, pair: &Pair) -> Option<String> {
        let written = self.text.get(self.value_range(pair)?)?;
        let [token] = self.value_tokens(pair) else {
            return Some(written.to_owned());
        };
        Some(self.said(token))
    }

    /// What a token says, without its quotes.
    pub(super) fn said(&self, token: &Token) -> String {
        let written = self.text.get(token.range.clone()).unwrap_or_default();
        let read = toml::de::DeValue::parse(written).ok();
        let read = read.and_then(|value| value.get_ref().as_str().map(str::to_owned));
        let content = || self.text.get(token.content()).unwrap_or_default();
        read.unwrap_or_else(|| content().to_owned())
    }
}

struct Reader<'t> {
    sketch: Sketch<'t>,
    /// The next token.
    at: usize,
    /// The element whose keys follow, after `[[inbound.mappings]]`.
    within: Option<Within>,
}

/// Keys of elements, which may begin a line inside a value.
const ELEMENT_KEYS: [&str; 3] = ["compare", "value", "type"];

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Open(Bracket::Square) => self.table(),
                TokenKind::Bare | TokenKind::Quoted(..) => self.pair(self.within.clone()),
                _ => self.at += 1,
            }
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.sketch.tokens.get(self.at)
    }

    fn kind(&self, ahead: usize) -> Option<TokenKind> {
        let token = self.sketch.tokens.get(self.at + ahead);
        token.map(|token| token.kind)
    }

    /// A header: of the rule itself, or of an element such as `[[inbound.mappings]]`.
    fn table(&mut self) {
        let mut list = None;
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Break => break,
                TokenKind::Bare if list.is_none() => {
                    let name = self.sketch.said(token);
                    list = name.split_once('.').map(|(_, list)| list.trim().to_owned());
                }
                _ => {}
            }
            self.at += 1;
        }
        self.within = list.map(|list| self.element_of(list));
        let end = self
            .peek()
            .map_or(self.sketch.text.len(), |token| token.range.start);
        self.sketch.tables.push((end, self.within.clone()));
    }

    fn element_of(&self, list: String) -> Within {
        let elements = &self.sketch.elements;
        let begun = elements
            .iter()
            .filter(|element| element.within.list == list)
            .count();
        let last = self.within.as_ref().filter(|within| within.list == list);
        let number = last.map_or(begun, |within| within.number + 1);
        Within { list, number }
    }

    /// A key and what follows it, on this line and on those that its value goes on.
    fn pair(&mut self, within: Option<Within>) {
        let Some(key) = self.peek().cloned() else {
            return;
        };
        self.at += 1;
        let name = self.sketch.said(&key);
        let mut pair = Pair {
            within,
            key: key.range,
            name,
            equals: None,
            value: self.at..self.at,
        };
        if let Some(TokenKind::Equals) = self.kind(0) {
            pair.equals = self.peek().map(|token| token.range.end);
            self.at += 1;
            let first = self.at;
            let inner = if pair.within.is_none() {
                Some(pair.name.clone())
            } else {
                None
            };
            self.value(inner.as_deref());
            pair.value = first..self.without_breaks(first);
        }
        self.sketch.pairs.push(pair);
    }

    /// The end of a value's tokens, less the ends of lines and the comments behind it.
    fn without_breaks(&self, first: usize) -> usize {
        let tokens = self.sketch.tokens.get(first..self.at).unwrap_or_default();
        let behind = |token: &&Token| matches!(token.kind, TokenKind::Break | TokenKind::Comment);
        self.at - tokens.iter().rev().take_while(behind).count()
    }

    /// Goes past a value; the elements of a list of tables are read on the way.
    fn value(&mut self, list: Option<&str>) {
        let mut open = Vec::new();
        let mut number = 0;
        while let Some(kind) = self.kind(0) {
            match kind {
                TokenKind::Break | TokenKind::Comma if open.is_empty() => return,
                TokenKind::Break if self.begins_a_key(&open) => return,
                TokenKind::Open(Bracket::Curly) if open == [Bracket::Square] => {
                    match list {
                        Some(list) => self.element(list, number),
                        None => self.table_value(),
                    }
                    number += 1;
                    continue;
                }
                TokenKind::Open(bracket) => open.push(bracket),
                TokenKind::Close(_) if open.pop().is_none() => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Whether the next line begins with a key of the rule, so that a bracket was left open.
    fn begins_a_key(&self, open: &[Bracket]) -> bool {
        let tokens = self.sketch.tokens.get(self.at..).unwrap_or_default();
        let mut next = tokens
            .iter()
            .skip_while(|token| matches!(token.kind, TokenKind::Break | TokenKind::Comment));
        let (Some(first), second) = (next.next(), next.next()) else {
            return false;
        };
        let is_header = first.kind == TokenKind::Open(Bracket::Square)
            && second.is_some_and(|second| second.range.start == first.range.end)
            && second.map(|second| second.kind) == Some(TokenKind::Open(Bracket::Square));
        let is_pair = matches!(first.kind, TokenKind::Bare | TokenKind::Quoted(..))
            && second.map(|second| second.kind) == Some(TokenKind::Equals);
        let may_be_inside = open.contains(&Bracket::Curly)
            && ELEMENT_KEYS.contains(&self.sketch.said(first).as_str());
        is_header || (is_pair && !may_be_inside)
    }

    /// One `{ … }` of a list, from its bracket on.
    fn element(&mut self, list: &str, number: usize) {
        let within = Within {
            list: list.to_owned(),
            number,
        };
        let start = self.peek().map_or(0, |token| token.range.start);
        let mut end = start + 1;
        let mut closing = Closing::Missing;
        self.at += 1;
        while let Some(token) = self.peek() {
            let (kind, range) = (token.kind, token.range.clone());
            match kind {
                TokenKind::Break if self.begins_a_key(&[Bracket::Square, Bracket::Curly]) => {
                    end = range.start;
                    break;
                }
                TokenKind::Close(bracket) => {
                    end = range.end;
                    // A square one closes the list, whose element was left open.
                    if bracket == Bracket::Curly {
                        self.at += 1;
                        closing = Closing::There;
                    } else {
                        end = range.start;
                    }
                    break;
                }
                TokenKind::Bare | TokenKind::Quoted(..) => {
                    let before = self.at;
                    self.pair(Some(within.clone()));
                    let last = self
                        .sketch
                        .tokens
                        .get(self.at.saturating_sub(1).max(before));
                    end = last.map_or(end, |token| token.range.end);
                }
                _ => {
                    end = range.end;
                    self.at += 1;
                }
            }
        }
        self.sketch.elements.push(Element {
            within,
            range: start..end,
            closing,
        });
    }

    /// Goes past a table that is a value itself.
    fn table_value(&mut self) {
        let mut depth = 0_usize;
        while let Some(kind) = self.kind(0) {
            match kind {
                TokenKind::Break if self.begins_a_key(&[Bracket::Curly]) => return,
                TokenKind::Open(_) => depth += 1,
                TokenKind::Close(_) => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let sketch = Sketch::of(text);
        let pairs = sketch.pairs.iter();
        pairs
            .map(|pair| {
                let place = pair
                    .within
                    .as_ref()
                    .map(|within| format!("{}[{}].", within.list, within.number));
                let value = sketch.value_text(pair).unwrap_or_else(|| "?".to_owned());
                format!("{}{}={value}", place.unwrap_or_default(), pair.name)
            })
            .collect()
    }

    #[test]
    fn a_rules_keys_and_those_of_its_elements_are_told() {
        let text = "[[inbound]]\naction = \"array_map\" # why\n\"source\" = 'a.b'\nmappings = [\n  # one\n  { compare = 1, value = \"x\\\"\" },\n  { compare = [2], value = { a = 1 } },\n]\ndefault = 5\n";
        assert_eq!(
            told(text),
            [
                "action=array_map",
                "source=a.b",
                "mappings[0].compare=1",
                "mappings[0].value=x\"",
                "mappings[1].compare=[2]",
                "mappings[1].value={ a = 1 }",
                "mappings=[\n  # one\n  { compare = 1, value = \"x\\\"\" },\n  { compare = [2], value = { a = 1 } },\n]",
                "default=5",
            ]
        );
    }

    #[test]
    fn elements_in_tables_of_their_own_are_numbered() {
        let text = "[[inbound]]\naction = \"concat\"\n[[inbound.parts]]\ntype = \"field\"\nvalue = \"a\"\n[[inbound.parts]]\ntype = \"static\"\n";
        assert_eq!(
            told(text),
            [
                "action=concat",
                "parts[0].type=field",
                "parts[0].value=a",
                "parts[1].type=static"
            ]
        );
    }

    #[test]
    fn a_bracket_left_open_does_not_swallow_what_follows() {
        let text = "mappings = [{ compare = \"a\", va\ntarget = \"x\"\nevents = [\"A\",\nnote = \"n\"\nsou";
        let told = told(text);
        assert_eq!(told[0], "mappings[0].compare=a");
        assert_eq!(told[1], "mappings[0].va=?");
        assert!(told.contains(&"target=x".to_owned()), "{told:?}");
        assert!(told.contains(&"note=n".to_owned()), "{told:?}");
        assert!(told.contains(&"sou=?".to_owned()), "{told:?}");
    }
}
