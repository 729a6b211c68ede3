//! One line of typed text.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

/// A text being typed, and where in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    cursor: usize,
}

impl Input {
    /// Begins with a text, ready to go on at its end.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let cursor = text.len();
        Self { text, cursor }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before and after the cursor.
    #[must_use]
    pub fn halves(&self) -> (&str, &str) {
        self.text
            .split_at_checked(self.cursor)
            .unwrap_or((&self.text, ""))
    }

    /// Inserts text at the cursor; line breaks become spaces.
    pub fn insert(&mut self, text: &str) {
        let text: String = text
            .chars()
            .map(|character| {
                if character.is_whitespace() {
                    ' '
                } else {
                    character
                }
            })
            .filter(|character| !character.is_control())
            .collect();
        if self.text.is_char_boundary(self.cursor) {
            self.text.insert_str(self.cursor, &text);
            self.cursor += text.len();
        }
    }

    fn before(&self) -> usize {
        let (before, _) = self.halves();
        before.graphemes(true).next_back().map_or(0, str::len)
    }

    fn after(&self) -> usize {
        let (_, after) = self.halves();
        after.graphemes(true).next().map_or(0, str::len)
    }

    fn remove(&mut self, from: usize, to: usize) {
        if self.text.is_char_boundary(from) && self.text.is_char_boundary(to) {
            self.text.replace_range(from..to, "");
            self.cursor = from;
        }
    }

    fn word_start(&self) -> usize {
        let (before, _) = self.halves();
        let trimmed = before.trim_end();
        trimmed.rfind(' ').map_or(0, |space| space + 1)
    }

    /// Takes a key; answers whether it was one for editing.
    pub fn key(&mut self, event: KeyEvent) -> bool {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        match event.code {
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char('u') if control => self.remove(0, self.cursor),
            KeyCode::Char('k') if control => self.text.truncate(self.cursor),
            KeyCode::Char('w') if control => self.remove(self.word_start(), self.cursor),
            KeyCode::Char(_) if control => return false,
            KeyCode::Char(character) => self.insert(character.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => self.remove(self.cursor - self.before(), self.cursor),
            KeyCode::Delete => self.remove(self.cursor, self.cursor + self.after()),
            KeyCode::Left => self.cursor -= self.before(),
            KeyCode::Right => self.cursor += self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(input: &mut Input, code: KeyCode) {
        input.key(KeyEvent::new(code, KeyModifiers::NONE));
    }

    #[test]
    fn typing_moving_and_deleting_go_by_whole_characters() {
        let mut input = Input::new("e\u{301}漢");
        press(&mut input, KeyCode::Left);
        press(&mut input, KeyCode::Backspace);
        assert_eq!(input.text(), "漢");
        press(&mut input, KeyCode::Char('x'));
        assert_eq!(input.halves(), ("x", "漢"));
        press(&mut input, KeyCode::Delete);
        press(&mut input, KeyCode::Delete);
        assert_eq!(input.text(), "x");
    }

    #[test]
    fn pasted_lines_become_one() {
        let mut input = Input::default();
        input.insert("two\nlines\u{1b}[31m");
        assert_eq!(input.text(), "two lines[31m");
    }

    #[test]
    fn a_word_is_deleted_backwards() {
        let mut input = Input::new("search record 48213");
        input.key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL));
        assert_eq!(input.text(), "search record ");
    }
}
