//! Drawing into a buffer: the only way text reaches a cell, so that nothing does unclean or past its place.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;

use super::document::{Document, Line};
use super::glyph::{ASCII, Glyphs};
use super::text;
use super::theme::{Theme, Tone};

/// Draws in the looks of a theme.
pub struct Brush<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    glyphs: &'static Glyphs,
}

/// Where a pane stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// It has the keyboard.
    Here,
    /// Another one has.
    Elsewhere,
}

impl Focus {
    /// Here if it is so.
    #[must_use]
    pub fn when(here: bool) -> Self {
        if here { Self::Here } else { Self::Elsewhere }
    }
}

impl<'a> Brush<'a> {
    /// Draws into a buffer.
    #[must_use]
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme, glyphs: &'static Glyphs) -> Self {
        Self {
            buffer,
            theme,
            glyphs,
        }
    }

    /// The look of a role.
    #[must_use]
    pub fn style(&self, tone: Tone) -> Style {
        self.theme.style(tone)
    }

    /// Fills an area with blanks in a role.
    pub fn blank(&mut self, area: Rect, tone: Tone) {
        let area = area.intersection(self.buffer.area);
        let style = self.theme.style(tone);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// Puts the look of a role over what is drawn in an area.
    pub fn tint(&mut self, area: Rect, tone: Tone) {
        let style = self.theme.style(tone);
        self.buffer
            .set_style(area.intersection(self.buffer.area), style);
    }

    /// Makes what is drawn in an area dim.
    pub fn fade(&mut self, area: Rect) {
        let style = Style::new().add_modifier(Modifier::DIM);
        self.buffer
            .set_style(area.intersection(self.buffer.area), style);
    }

    /// Writes text, cut to so many columns; answers how many it took.
    pub fn put(&mut self, x: u16, y: u16, columns: u16, text: &str, tone: Tone) -> u16 {
        let fitted = text::fit(text, columns.into(), self.glyphs.ellipsis);
        let style = self.theme.style(tone);
        let plain = std::ptr::eq(self.glyphs, &raw const ASCII) || self.glyphs == &ASCII;
        let area = self.buffer.area;
        if y < area.top() || y >= area.bottom() {
            return 0;
        }
        let mut at = x;
        let end = x.saturating_add(columns).min(area.right());
        if fitted.is_ascii() {
            for byte in fitted.bytes() {
                if at >= end {
                    break;
                }
                if let Some(cell) = self.buffer.cell_mut((at, y)) {
                    cell.set_char(char::from(byte)).set_style(style);
                }
                at += 1;
            }
            return at - x;
        }
        for grapheme in fitted.graphemes(true) {
            let grapheme = if plain && !grapheme.is_ascii() {
                "?"
            } else {
                grapheme
            };
            let wide = text::cells(text::width(grapheme));
            if wide == 0 {
                continue;
            }
            if at + wide > end {
                break;
            }
            if let Some(cell) = self.buffer.cell_mut((at, y)) {
                cell.set_symbol(grapheme).set_style(style);
            }
            for behind in at + 1..at + wide {
                if let Some(cell) = self.buffer.cell_mut((behind, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
            at += wide;
        }
        at - x
    }

    /// Writes text at the right end of so many columns.
    pub fn put_right(&mut self, x: u16, y: u16, columns: u16, text: &str, tone: Tone) {
        let fitted = text::fit(text, columns.into(), self.glyphs.ellipsis).into_owned();
        let wide = text::cells(text::width(&fitted));
        self.put(
            x + columns.saturating_sub(wide),
            y,
            columns.min(wide),
            &fitted,
            tone,
        );
    }

    /// Writes a line of pieces, cut to so many columns; answers how many it took.
    pub fn line(&mut self, x: u16, y: u16, columns: u16, line: &Line) -> u16 {
        let mut used = 0;
        for piece in &line.pieces {
            if used >= columns {
                break;
            }
            used += self.put(x + used, y, columns - used, &piece.text, piece.tone);
        }
        used
    }

    /// Draws a frame with a title in its upper line; answers the area inside.
    pub fn frame(&mut self, outer: Rect, title: &Line, focus: Focus) -> Rect {
        let outer = outer.intersection(self.buffer.area);
        let tone = match focus {
            Focus::Here => Tone::BorderFocus,
            Focus::Elsewhere => Tone::Border,
        };
        if outer.width < 2 || outer.height < 2 {
            return Rect::ZERO;
        }
        let [across, down, top_left, top_right, bottom_right, bottom_left] = self.glyphs.frame;
        let (right, bottom) = (outer.right() - 1, outer.bottom() - 1);
        for x in outer.x + 1..right {
            self.put(x, outer.y, 1, across, tone);
            self.put(x, bottom, 1, across, tone);
        }
        for y in outer.y + 1..bottom {
            self.put(outer.x, y, 1, down, tone);
            self.put(right, y, 1, down, tone);
        }
        self.put(outer.x, outer.y, 1, top_left, tone);
        self.put(right, outer.y, 1, top_right, tone);
        self.put(right, bottom, 1, bottom_right, tone);
        self.put(outer.x, bottom, 1, bottom_left, tone);
        let room = outer.width.saturating_sub(4);
        if room > 0 {
            let used = self.line(outer.x + 2, outer.y, room, title);
            if used > 0 {
                self.put(outer.x + 1, outer.y, 1, " ", tone);
                self.put(outer.x + 2 + used, outer.y, 1, " ", tone);
            }
        }
        Rect::new(outer.x + 1, outer.y + 1, outer.width - 2, outer.height - 2)
    }

    /// Draws what is in sight of a document.
    pub fn document(&mut self, area: Rect, document: &Document) {
        for (y, line) in (area.top()..area.bottom()).zip(document.visible()) {
            self.line(area.x, y, area.width, line);
        }
    }

    /// The signs.
    #[must_use]
    pub fn glyphs(&self) -> &'static Glyphs {
        self.glyphs
    }
}

/// The last values as a row of bars, the greatest of them the highest.
#[must_use]
pub fn sparkline(
    glyphs: &Glyphs,
    values: impl DoubleEndedIterator<Item = u64> + Clone,
    columns: usize,
) -> String {
    let last = values.rev().take(columns);
    let greatest = last.clone().max().unwrap_or(0).max(1);
    let mut bars: Vec<&str> = last
        .map(|value| {
            let level = (value * 7).div_ceil(greatest);
            let level = usize::try_from(level).unwrap_or(7).min(7);
            glyphs.levels.get(level).copied().unwrap_or(" ")
        })
        .collect();
    bars.reverse();
    bars.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::glyph::UNICODE;

    fn drawn(text: &str, columns: u16, glyphs: &'static Glyphs) -> Vec<String> {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        let theme = Theme::default();
        Brush::new(&mut buffer, &theme, glyphs).put(1, 0, columns, text, Tone::Text);
        buffer
            .content()
            .iter()
            .map(|cell| cell.symbol().to_owned())
            .collect()
    }

    #[test]
    fn nothing_is_drawn_past_its_place() {
        let cells = drawn("漢字漢字漢字", 5, &UNICODE);
        assert_eq!(cells.concat().replace(' ', ""), "漢字…");
        assert_eq!(cells[0], " ");
        assert_eq!(cells[6], " ");
    }

    #[test]
    fn a_terminal_without_unicode_gets_none() {
        let cells = drawn("Zürich 漢", 11, &ASCII);
        assert!(cells.concat().is_ascii(), "{cells:?}");
        assert!(cells.concat().contains("Z?rich"));
    }

    #[test]
    fn a_sparkline_shows_the_last_values_against_their_greatest() {
        let line = sparkline(&UNICODE, [9, 0, 1, 4, 8].into_iter(), 4);
        assert_eq!(line, "▁▂▅█");
        assert_eq!(sparkline(&UNICODE, [0, 0].into_iter(), 4), "▁▁");
    }
}
