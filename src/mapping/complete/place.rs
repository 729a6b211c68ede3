//! Where in a rule's text a place is.

use std::ops::Range;

use crate::mapping::sketch::{Pair, Sketch, Within};
use crate::mapping::tokens::{Bracket, Closing, Quotes, Token, TokenKind};

/// What stands at a place, or could.
pub(super) enum Place<'s> {
    /// Nothing that is known.
    Nothing,
    /// The rule's header.
    Header(Slot),
    /// A key: the rule's own, or one of an element.
    Key {
        within: Option<Within>,
        slot: Slot,
        /// Whether the `=` is yet to come.
        is_new: bool,
    },
    /// A new element of a list of tables.
    Element { list: String, slot: Slot },
    /// A value.
    Value { pair: &'s Pair, slot: Slot },
}

/// What is typed already.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// What an offer takes the place of, its quotes included.
    pub(super) replaces: Range<usize>,
    /// What stands between the quotes.
    pub(super) content: Range<usize>,
    /// What is typed up to the cursor.
    pub(super) typed: String,
    /// What is typed behind the cursor.
    pub(super) behind: String,
    pub(super) quotes: Option<Quotes>,
}

impl Slot {
    fn empty(cursor: usize) -> Self {
        Self {
            replaces: cursor..cursor,
            content: cursor..cursor,
            typed: String::new(),
            behind: String::new(),
            quotes: None,
        }
    }

    fn of(token: &Token, text: &str, cursor: usize) -> Self {
        let content = token.content();
        let piece = |range: Range<usize>| text.get(range).unwrap_or_default().to_owned();
        let quotes = match token.kind {
            TokenKind::Quoted(quotes, _) => Some(quotes),
            _ => None,
        };
        // What a text without an end runs on into is another matter.
        let is_open = matches!(token.kind, TokenKind::Quoted(_, Closing::Missing));
        let replaces = if is_open {
            token.range.start..cursor
        } else {
            token.range.clone()
        };
        Self {
            typed: piece(content.start..cursor),
            behind: if is_open {
                String::new()
            } else {
                piece(cursor..content.end)
            },
            replaces,
            content,
            quotes,
        }
    }
}

pub(super) fn place<'s>(sketch: &'s Sketch<'_>, text: &str, cursor: usize) -> Place<'s> {
    if let Some((index, token)) = token_at(sketch, cursor) {
        return in_token(sketch, index, token, text, cursor);
    }
    let is_inside = |token: &Token| token.range.start < cursor && cursor < token.range.end;
    let is_behind_comment = |token: &Token| {
        token.kind == TokenKind::Comment && token.range.start < cursor && cursor <= token.range.end
    };
    if sketch
        .tokens
        .iter()
        .any(|token| is_inside(token) || is_behind_comment(token))
    {
        return Place::Nothing;
    }
    between_tokens(sketch, text, cursor)
}

/// The word or text that a place is in.
fn token_at<'s>(sketch: &'s Sketch<'_>, cursor: usize) -> Option<(usize, &'s Token)> {
    sketch.tokens.iter().enumerate().find(|(_, token)| {
        let content = token.content();
        match token.kind {
            TokenKind::Bare | TokenKind::Quoted(..) => {
                content.start <= cursor && cursor <= content.end
            }
            _ => false,
        }
    })
}

fn in_token<'s>(
    sketch: &'s Sketch<'_>,
    index: usize,
    token: &Token,
    text: &str,
    cursor: usize,
) -> Place<'s> {
    let slot = Slot::of(token, text, cursor);
    if let Some(pair) = sketch.pairs.iter().find(|pair| pair.key == token.range) {
        return Place::Key {
            within: pair.within.clone(),
            slot,
            is_new: pair.equals.is_none(),
        };
    }
    if let Some(pair) = pair_with(sketch, index) {
        return Place::Value { pair, slot };
    }
    match header_start(text, token.range.start) {
        Some(start) => Place::Header(header_slot(text, start, cursor)),
        None => Place::Nothing,
    }
}

/// The innermost pair whose value holds a token.
fn pair_with<'s>(sketch: &'s Sketch<'_>, index: usize) -> Option<&'s Pair> {
    let holds = |pair: &&Pair| pair.value.contains(&index);
    let mut inner = sketch.pairs.iter().filter(|pair| pair.within.is_some());
    inner
        .find(holds)
        .or_else(|| sketch.pairs.iter().find(holds))
}

fn between_tokens<'s>(sketch: &'s Sketch<'_>, text: &str, cursor: usize) -> Place<'s> {
    let before = sketch
        .tokens
        .partition_point(|token| token.range.end <= cursor);
    let last = before.checked_sub(1);
    let last_token = last.and_then(|index| sketch.tokens.get(index));
    let slot = Slot::empty(cursor);
    if let Some(start) = header_start(text, cursor) {
        return Place::Header(header_slot(text, start, cursor));
    }
    if let Some(token) = last_token.filter(|token| token.kind == TokenKind::Equals) {
        let equals = Some(token.range.end);
        let pair = sketch.pairs.iter().find(|pair| pair.equals == equals);
        return pair.map_or(Place::Nothing, |pair| Place::Value { pair, slot });
    }
    if let Some(within) = element_at(sketch, cursor) {
        let significant = sketch.tokens.get(..before).unwrap_or_default().iter().rev();
        let significant = significant
            .map(|token| token.kind)
            .find(|kind| !matches!(kind, TokenKind::Break | TokenKind::Comment));
        return match significant {
            Some(TokenKind::Comma | TokenKind::Open(Bracket::Curly)) => Place::Key {
                within: Some(within),
                slot,
                is_new: true,
            },
            _ => Place::Nothing,
        };
    }
    match (last_token.map(|token| token.kind), last) {
        (Some(TokenKind::Comma | TokenKind::Open(Bracket::Square)), Some(index)) => {
            pair_with(sketch, index).map_or(Place::Nothing, |pair| in_list(pair, slot))
        }
        (None | Some(TokenKind::Break), _) => {
            let around = sketch.pairs.iter().find(|pair| {
                let range = sketch.value_range(pair);
                range.is_some_and(|range| range.start < cursor && cursor < range.end)
            });
            match around {
                Some(pair) => in_list(pair, slot),
                None => Place::Key {
                    within: table_at(sketch, cursor),
                    slot,
                    is_new: true,
                },
            }
        }
        _ => Place::Nothing,
    }
}

fn in_list(pair: &Pair, slot: Slot) -> Place<'_> {
    if matches!(pair.name.as_str(), "mappings" | "ranges" | "parts") {
        Place::Element {
            list: pair.name.clone(),
            slot,
        }
    } else {
        Place::Value { pair, slot }
    }
}

fn element_at(sketch: &Sketch<'_>, cursor: usize) -> Option<Within> {
    let follows = |end: usize| {
        let between = sketch
            .tokens
            .iter()
            .filter(|token| token.range.start >= end && token.range.end <= cursor);
        end <= cursor && between.count() == 0
    };
    let elements = sketch.elements.iter();
    let mut around = elements.filter(|element| {
        let is_open = element.closing == Closing::Missing && follows(element.range.end);
        element.range.start < cursor && (cursor < element.range.end || is_open)
    });
    around.next().map(|element| element.within.clone())
}

/// Whose keys follow at a place.
fn table_at(sketch: &Sketch<'_>, cursor: usize) -> Option<Within> {
    let mut before = sketch.tables.iter().rev();
    before
        .find(|(start, _)| *start < cursor)
        .and_then(|(_, within)| within.clone())
}

/// Where the header begins that stands on the place's line, if one does.
fn header_start(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(line_start..)?;
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    let start = line_start + blanks;
    (start < at && text.get(start..)?.starts_with('[')).then_some(start)
}

fn header_slot(text: &str, start: usize, cursor: usize) -> Slot {
    let rest = text.get(start..).unwrap_or_default();
    let end = rest
        .find(['\n', '\r', '#'])
        .map_or(text.len(), |end| start + end);
    let line = text.get(start..end).unwrap_or_default().trim_end();
    let replaces = start..(start + line.len()).max(cursor);
    Slot {
        content: replaces.clone(),
        replaces,
        typed: text.get(start..cursor).unwrap_or_default().to_owned(),
        behind: String::new(),
        quotes: None,
    }
}
