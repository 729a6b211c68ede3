//! Text with roles, and a place in it: what every scrolling part of a screen shows.

use super::text;
use super::theme::Tone;

/// A piece of a line in one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its role.
    pub tone: Tone,
    /// Its text; cleaned when it is drawn.
    pub text: String,
}

/// A line made of pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The pieces, from left to right.
    pub pieces: Vec<Piece>,
    /// Columns by which the continuation of a wrapped line is indented.
    pub hang: usize,
}

impl Line {
    /// A line of one piece.
    #[must_use]
    pub fn of(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().with(tone, text)
    }

    /// Adds a piece.
    #[must_use]
    pub fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        let text = text.into();
        self.pieces.push(Piece { tone, text });
        self
    }

    /// Sets the indent of continuations.
    #[must_use]
    pub fn hanging(mut self, columns: usize) -> Self {
        self.hang = columns;
        self
    }

    /// Breaks the line into lines of at most so many columns.
    fn wrapped(&self, columns: usize, into: &mut Vec<Self>) {
        let hang = if self.hang * 2 < columns {
            self.hang
        } else {
            0
        };
        let mut line = Self::default();
        let mut room = columns.max(1);
        for piece in &self.pieces {
            let cleaned = text::clean(&piece.text);
            let mut rest: &str = &cleaned;
            while text::width(rest) > room {
                let whole = text::head(rest, room);
                // Rather between words than inside one, if there is a gap in the last part of the line.
                let cut = whole
                    .rfind(' ')
                    .map(|at| at + 1)
                    .filter(|at| at * 3 > whole.len() * 2)
                    .unwrap_or(whole.len());
                if cut == 0 && line.pieces.is_empty() {
                    // Not even one character has room.
                    rest = "";
                    break;
                }
                let (first, others) = rest.split_at(cut);
                into.push(line.with(piece.tone, first));
                line = Self::default();
                room = columns.max(1);
                if hang > 0 {
                    line = line.with(piece.tone, " ".repeat(hang));
                    room -= hang;
                }
                rest = others;
            }
            room -= text::width(rest);
            if !rest.is_empty() {
                line = line.with(piece.tone, rest);
            }
        }
        into.push(line);
    }
}

/// Lines with a scroll position, wrapped to the width they are shown in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    source: Vec<Line>,
    wrapped: Vec<Line>,
    columns: usize,
    rows: usize,
    offset: usize,
}

impl Document {
    /// A document of lines, at its beginning.
    #[must_use]
    pub fn new(source: Vec<Line>) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }

    /// Replaces the lines and keeps the place.
    pub fn replace(&mut self, source: Vec<Line>) {
        self.source = source;
        let (columns, rows) = (self.columns, self.rows);
        self.columns = 0;
        if columns > 0 {
            self.fit(columns, rows);
        }
    }

    /// Wraps to the place it is shown in.
    pub fn fit(&mut self, columns: usize, rows: usize) {
        self.rows = rows;
        if columns != self.columns {
            self.columns = columns;
            self.wrapped.clear();
            for line in &self.source {
                line.wrapped(columns, &mut self.wrapped);
            }
        }
        self.offset = self.offset.min(self.last_offset());
    }

    fn last_offset(&self) -> usize {
        self.wrapped.len().saturating_sub(self.rows.max(1))
    }

    /// Scrolls by lines; negative means up.
    pub fn scroll(&mut self, lines: isize) {
        let offset = self.offset.saturating_add_signed(lines);
        self.offset = offset.min(self.last_offset());
    }

    /// The rows of the place it is shown in.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.max(1)
    }

    /// The lines that are in sight.
    #[must_use]
    pub fn visible(&self) -> &[Line] {
        let end = (self.offset + self.rows).min(self.wrapped.len());
        self.wrapped.get(self.offset..end).unwrap_or_default()
    }

    /// How many lines it has as wrapped.
    #[must_use]
    pub fn wrapped_len(&self) -> usize {
        self.wrapped.len()
    }

    /// How many lines are out of sight above and below.
    #[must_use]
    pub fn hidden(&self) -> (usize, usize) {
        let below = self.wrapped.len().saturating_sub(self.offset + self.rows);
        (self.offset, below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(document: &Document) -> Vec<String> {
        let line = |line: &Line| {
            line.pieces
                .iter()
                .map(|piece| piece.text.as_str())
                .collect()
        };
        document.visible().iter().map(line).collect()
    }

    #[test]
    fn long_lines_wrap_with_their_indent() {
        let line = Line::of(Tone::Text, "key: ")
            .with(Tone::Text, "abcdefghij")
            .hanging(2);
        let mut document = Document::new(vec![line]);
        document.fit(8, 10);
        assert_eq!(shown(&document), ["key: abc", "  defghi", "  j"]);
    }

    #[test]
    fn scrolling_stops_at_both_ends_and_survives_a_resize() {
        let lines = (0..10)
            .map(|n| Line::of(Tone::Text, n.to_string()))
            .collect();
        let mut document = Document::new(lines);
        document.fit(10, 4);
        document.scroll(100);
        assert_eq!(shown(&document), ["6", "7", "8", "9"]);
        document.fit(10, 8);
        assert_eq!(document.hidden(), (2, 0));
        document.scroll(isize::MIN);
        assert_eq!(document.hidden(), (0, 2));
    }

    #[test]
    fn a_place_without_room_shows_nothing_and_does_not_panic() {
        let mut document = Document::new(vec![Line::of(Tone::Text, "漢字")]);
        document.fit(1, 1);
        document.fit(0, 0);
        assert!(document.visible().is_empty());
    }
}
