//! How TOML is coloured, as far as one line tells.

use unicode_segmentation::UnicodeSegmentation;

use super::document::Line;
use super::theme::Tone;

/// A line in its roles.
#[must_use]
pub(super) fn line(text: &str) -> Line {
    let mut line = Line::default().hanging(2);
    let mut tones = Tones::of(text);
    for grapheme in text.graphemes(true) {
        let tone = tones.next(grapheme);
        match line.pieces.last_mut().filter(|last| last.tone == tone) {
            Some(last) => last.text.push_str(grapheme),
            None => line = line.with(tone, grapheme),
        }
    }
    line
}

/// Whether a line begins a table, and is not part of a list.
fn is_header(line: &str) -> bool {
    let inner = line.trim_end().strip_prefix('[');
    let inner = inner.and_then(|inner| inner.strip_suffix(']'));
    inner.is_some_and(|name| {
        let is_bare = |one: char| one.is_alphanumeric() || matches!(one, '_' | '-' | '.');
        line.starts_with("[[") || (!name.is_empty() && name.chars().all(is_bare))
    })
}

/// The roles of a line's characters: comments, headers, keys and texts, as far as one line tells.
pub(super) struct Tones {
    rest: Tone,
    before_value: bool,
    quote: Option<char>,
}

impl Tones {
    /// The roles of a line, to be asked for in order.
    pub(super) fn of(line: &str) -> Self {
        let trimmed = line.trim_start();
        let rest = match trimmed.chars().next() {
            Some('#') => Tone::Dim,
            Some('[') if is_header(trimmed) => Tone::Title,
            _ => Tone::Text,
        };
        let key = trimmed.split('=').next().unwrap_or_default().trim_end();
        let is_key = trimmed.contains('=')
            && !key.is_empty()
            && key
                .chars()
                .all(|one| one.is_alphanumeric() || matches!(one, '_' | '-'));
        Self {
            rest,
            before_value: is_key && rest == Tone::Text,
            quote: None,
        }
    }

    /// The role of the next character.
    pub(super) fn next(&mut self, grapheme: &str) -> Tone {
        let character = grapheme.chars().next().unwrap_or(' ');
        if self.before_value {
            if character == '=' {
                self.before_value = false;
                return Tone::Dim;
            }
            return Tone::JsonKey;
        }
        if self.rest != Tone::Text {
            return self.rest;
        }
        match self.quote {
            Some(quote) => {
                if character == quote {
                    self.quote = None;
                }
                Tone::JsonString
            }
            None if matches!(character, '"' | '\'') => {
                self.quote = Some(character);
                Tone::JsonString
            }
            None => Tone::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_texts_and_comments_are_told_apart() {
        let tones = |text: &str| -> Vec<(Tone, String)> {
            let pieces = line(text).pieces.into_iter();
            pieces.map(|piece| (piece.tone, piece.text)).collect()
        };
        assert_eq!(tones("# why"), [(Tone::Dim, "# why".to_owned())]);
        assert_eq!(tones("[limits]"), [(Tone::Title, "[limits]".to_owned())]);
        assert_eq!(
            tones("a = \"b\""),
            [
                (Tone::JsonKey, "a ".to_owned()),
                (Tone::Dim, "=".to_owned()),
                (Tone::Text, " ".to_owned()),
                (Tone::JsonString, "\"b\"".to_owned()),
            ]
        );
    }
}
