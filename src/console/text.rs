//! Text from outside made fit for a terminal: cleaned of whatever could steer it, and cut by display width.
//!
//! Every text that we did not write ourselves passes [`clean`] before it reaches a cell; drawing does so by itself.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Marks stacked on one character beyond which the rest is dropped, so that no text grows over its neighbours.
const MOST_MARKS: usize = 2;

/// Removes escape sequences, control characters, direction controls and invisible characters; line breaks and tabs
/// become spaces.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut marks = MOST_MARKS;
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => rest = after_escape(rest.as_str()).chars(),
            '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => cleaned.push(' '),
            _ if is_dangerous(character) => {}
            _ if character.width() == Some(0) => {
                if marks < MOST_MARKS {
                    marks += 1;
                    cleaned.push(character);
                }
            }
            _ => {
                marks = 0;
                cleaned.push(character);
            }
        }
    }
    Cow::Owned(cleaned)
}

/// What follows the escape sequence whose first byte was just read.
fn after_escape(rest: &str) -> &str {
    let mut characters = rest.chars();
    match characters.next() {
        Some('[') => {
            let body = characters.as_str();
            let end = body.find(|character| ('@'..='~').contains(&character));
            end.map_or(body, |end| body.get(end + 1..).unwrap_or_default())
        }
        Some(']' | 'P' | '_' | '^' | 'X') => {
            let body = characters.as_str();
            let bell = body.find('\u{7}').map(|at| (at, 1));
            let terminator = body.find("\u{1b}\\").map(|at| (at, 2));
            // Without an end the text is shown rather than swallowed.
            let end = bell.into_iter().chain(terminator).min();
            end.map_or(body, |(at, length)| {
                body.get(at + length..).unwrap_or_default()
            })
        }
        Some(_) => characters.as_str(),
        None => "",
    }
}

/// Whether a character could steer the terminal, reorder text or hide in it.
fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The columns a cleaned text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.graphemes(true).map(UnicodeWidthStr::width).sum()
    }
}

/// A cleaned text cut to a number of columns, the ellipsis in its last ones when something was cut off.
#[must_use]
pub fn fit<'a>(text: &'a str, columns: usize, ellipsis: &str) -> Cow<'a, str> {
    let cleaned = clean(text);
    if width(&cleaned) <= columns {
        return cleaned;
    }
    let (room, ellipsis) = match columns.checked_sub(width(ellipsis)) {
        Some(room) if room > 0 => (room, ellipsis),
        // Where only the sign has room, a letter says more.
        _ => (columns, ""),
    };
    let mut kept = String::with_capacity(columns + ellipsis.len());
    kept.push_str(head(&cleaned, room));
    kept.push_str(ellipsis);
    Cow::Owned(kept)
}

/// The longest beginning that takes at most so many columns.
#[must_use]
pub fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// Breaks a text into lines of at most so many columns, between words where it can; keeps its own line breaks.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let paragraph = clean(paragraph);
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split_word_bounds() {
            let mut word = word;
            let mut wide = width(word);
            if used + wide > columns && used > 0 {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
                if word.trim().is_empty() {
                    continue;
                }
            }
            while wide > columns {
                let first = match head(word, columns) {
                    "" => word.graphemes(true).next().unwrap_or(word),
                    first => first,
                };
                lines.push(first.to_owned());
                word = word.get(first.len()..).unwrap_or_default();
                wide = width(word);
            }
            line.push_str(word);
            used += wide;
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Adds formatted text to a text.
pub fn append(text: &mut String, more: std::fmt::Arguments<'_>) {
    use std::fmt::Write;
    // Writing to a text can't fail.
    let _ = text.write_fmt(more);
}

/// A number of columns or rows as the terminal counts them.
#[must_use]
pub fn cells(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_leave_no_trace() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m"), "red");
        assert_eq!(clean("\u{1b}]52;c;ZXZpbA==\u{7}after"), "after");
        assert_eq!(clean("\u{1b}]0;title\u{1b}\\after"), "after");
        assert_eq!(clean("a\u{9b}31mb"), "a31mb");
        assert_eq!(clean("two\nlines\there"), "two lines here");
        assert_eq!(clean("\u{1b}]unterminated"), "unterminated");
    }

    #[test]
    fn direction_and_invisible_characters_are_dropped() {
        assert_eq!(clean("abc\u{202e}fed\u{2066}x\u{200b}y"), "abcfedxy");
        assert_eq!(clean("\u{301}begins with a mark"), "begins with a mark");
        assert_eq!(clean("e\u{301}\u{302}\u{303}\u{304}"), "e\u{301}\u{302}");
    }

    #[test]
    fn a_cut_keeps_whole_characters_and_says_so() {
        assert_eq!(fit("abcdef", 6, "…"), "abcdef");
        assert_eq!(fit("abcdef", 5, "…"), "abcd…");
        assert_eq!(fit("漢字漢字", 5, "…"), "漢字…");
        assert_eq!(fit("漢字漢字", 4, "…"), "漢…");
        assert_eq!(fit("abc", 0, "…"), "");
        assert_eq!(fit("abcdef", 2, "..."), "ab");
    }

    #[test]
    fn wrapping_breaks_between_words_and_inside_long_ones() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a\n\nb", 4), ["a", "", "b"]);
    }
}
