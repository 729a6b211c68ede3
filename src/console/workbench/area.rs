//! Text of several lines being typed: by whole characters, with a way back.

use std::borrow::Cow;
use std::ops::Range;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

use crate::console::text;

/// How far the way back goes.
const MOST_STEPS: usize = 200;

/// What stands for a character that would not be seen.
const UNSEEN: &str = "\u{fffd}";

/// A text being typed, and where in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextArea {
    text: String,
    cursor: usize,
    /// The column that moving up and down keeps to.
    column: Option<usize>,
    undo: Vec<(String, usize)>,
    redo: Vec<(String, usize)>,
    /// Whether the next typed character belongs to the step before it.
    run: Run,
}

/// Whether characters are typed one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Run {
    #[default]
    Broken,
    Typing,
}

/// What a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// The text is another.
    Changed,
    /// The cursor may be elsewhere.
    Moved,
    /// It was no key for typing.
    Ignored,
}

/// A character as it is drawn: clean, and always to be seen.
#[must_use]
pub fn drawn(grapheme: &str) -> Cow<'_, str> {
    let cleaned = text::clean(grapheme);
    if text::width(&cleaned) == 0 {
        return Cow::Borrowed(UNSEEN);
    }
    cleaned
}

/// The columns that a part of a line takes.
#[must_use]
pub fn columns(line: &str) -> usize {
    line.graphemes(true)
        .map(|grapheme| text::width(&drawn(grapheme)))
        .sum()
}

impl TextArea {
    /// Begins with a text, at its beginning.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place, in bytes.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The lines, at least one.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }

    /// The line of the cursor, from 0.
    #[must_use]
    pub fn line(&self) -> usize {
        self.before().matches('\n').count()
    }

    /// The columns before the cursor in its line.
    #[must_use]
    pub fn column(&self) -> usize {
        columns(self.before().rsplit('\n').next().unwrap_or_default())
    }

    /// Puts the cursor at a byte of the text, or at the character that has it.
    pub fn go_to(&mut self, at: usize) {
        self.cursor = boundary(&self.text, at);
        self.column = None;
        self.run = Run::Broken;
    }

    /// Inserts text at the cursor, without whatever could steer a terminal.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<String> = text
            .split('\n')
            .map(|line| text::clean(&line.replace('\t', "  ")).into_owned())
            .collect();
        let text = lines.join("\n");
        if !text.is_empty() {
            self.replace(self.cursor..self.cursor, &text);
        }
    }

    /// Puts a text in the place of a part, and the cursor behind it.
    pub fn replace(&mut self, range: Range<usize>, with: &str) {
        if self.text.get(range.clone()).is_none() {
            return;
        }
        self.step();
        self.cursor = range.start + with.len();
        self.text.replace_range(range, with);
        self.column = None;
    }

    /// Remembers the text as it is, unless it only goes on being typed.
    fn step(&mut self) {
        self.redo.clear();
        if self.run == Run::Typing {
            return;
        }
        self.undo.push((self.text.clone(), self.cursor));
        let surplus = self.undo.len().saturating_sub(MOST_STEPS);
        self.undo.drain(..surplus);
    }

    /// Takes the last change back.
    pub fn undo(&mut self) -> Pressed {
        let (from, to) = (&mut self.undo, &mut self.redo);
        travel(from, to, &mut self.text, &mut self.cursor, &mut self.run)
    }

    /// Makes the change again that was taken back.
    pub fn redo(&mut self) -> Pressed {
        let (from, to) = (&mut self.redo, &mut self.undo);
        travel(from, to, &mut self.text, &mut self.cursor, &mut self.run)
    }

    fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    fn after(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    fn left(&self) -> usize {
        let last = self.before().graphemes(true).next_back();
        self.cursor - last.map_or(0, str::len)
    }

    fn right(&self) -> usize {
        let first = self.after().graphemes(true).next();
        self.cursor + first.map_or(0, str::len)
    }

    fn line_start(&self) -> usize {
        self.before().rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let rest = self.after().find('\n');
        rest.map_or(self.text.len(), |at| self.cursor + at)
    }

    fn word_start(&self) -> usize {
        let start = self.line_start();
        if self.cursor == start {
            return self.left();
        }
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let trimmed = self.before().trim_end_matches(|one| !is_word(one));
        trimmed.trim_end_matches(is_word).len().max(start)
    }

    fn up_or_down(&mut self, by: isize) {
        let wanted = self.column.unwrap_or_else(|| self.column());
        let line = self.line().saturating_add_signed(by);
        let mut start = 0;
        let mut end = self.text.len();
        for (index, text) in self.lines().enumerate() {
            end = start + text.len();
            if index == line {
                break;
            }
            start = end + 1;
        }
        let start = start.min(end);
        let text = self.text.get(start..end).unwrap_or_default();
        let mut used = 0;
        let mut at = end;
        for (index, grapheme) in text.grapheme_indices(true) {
            if used >= wanted {
                at = start + index;
                break;
            }
            used += text::width(&drawn(grapheme));
        }
        self.cursor = at;
        self.column = Some(wanted);
    }

    fn remove(&mut self, range: Range<usize>) -> Pressed {
        if range.is_empty() {
            return Pressed::Moved;
        }
        self.run = Run::Broken;
        self.replace(range, "");
        Pressed::Changed
    }

    fn moved(&mut self, to: usize) -> Pressed {
        self.go_to(to);
        Pressed::Moved
    }

    /// A new line that begins as the one before it.
    fn new_line(&mut self) -> Pressed {
        let line = self.text.get(self.line_start()..self.cursor);
        let line = line.unwrap_or_default();
        let indent = line.len() - line.trim_start_matches(' ').len();
        let text = format!("\n{}", " ".repeat(indent));
        self.run = Run::Broken;
        self.replace(self.cursor..self.cursor, &text);
        Pressed::Changed
    }

    fn typed(&mut self, character: char) -> Pressed {
        let before = self.text.len();
        self.insert(character.encode_utf8(&mut [0; 4]));
        self.run = if character.is_whitespace() {
            Run::Broken
        } else {
            Run::Typing
        };
        if self.text.len() == before {
            Pressed::Moved
        } else {
            Pressed::Changed
        }
    }

    /// Takes a key.
    pub fn key(&mut self, event: KeyEvent) -> Pressed {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        if !matches!(event.code, KeyCode::Char(_)) {
            self.run = Run::Broken;
        }
        match event.code {
            KeyCode::Char('a') if control => self.moved(self.line_start()),
            KeyCode::Char('e') if control => self.moved(self.line_end()),
            KeyCode::Char('u') if control => self.remove(self.line_start()..self.cursor),
            KeyCode::Char('k') if control => self.remove(self.cursor..self.line_end()),
            KeyCode::Char('w') if control => self.remove(self.word_start()..self.cursor),
            KeyCode::Char(_) if control || event.modifiers.contains(KeyModifiers::ALT) => {
                Pressed::Ignored
            }
            KeyCode::Char(character) => self.typed(character),
            KeyCode::Enter => self.new_line(),
            KeyCode::Backspace => self.remove(self.left()..self.cursor),
            KeyCode::Delete => self.remove(self.cursor..self.right()),
            KeyCode::Left => self.moved(self.left()),
            KeyCode::Right => self.moved(self.right()),
            KeyCode::Home if control => self.moved(0),
            KeyCode::End if control => self.moved(self.text.len()),
            KeyCode::Home => self.moved(self.line_start()),
            KeyCode::End => self.moved(self.line_end()),
            KeyCode::Up => {
                self.up_or_down(-1);
                Pressed::Moved
            }
            KeyCode::Down => {
                self.up_or_down(1);
                Pressed::Moved
            }
            _ => Pressed::Ignored,
        }
    }
}

/// The place itself, or the beginning of the character that has it.
fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    let mut places = (0..=at).rev();
    places
        .find(|place| text.is_char_boundary(*place))
        .unwrap_or(0)
}

fn travel(
    from: &mut Vec<(String, usize)>,
    to: &mut Vec<(String, usize)>,
    text: &mut String,
    cursor: &mut usize,
    run: &mut Run,
) -> Pressed {
    *run = Run::Broken;
    match from.pop() {
        Some((before, at)) => {
            to.push((std::mem::replace(text, before), *cursor));
            *cursor = boundary(text, at);
            Pressed::Changed
        }
        None => Pressed::Moved,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn press(area: &mut TextArea, code: KeyCode) -> Pressed {
        area.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn typing_moving_and_deleting_go_by_whole_characters() {
        let mut area = TextArea::new("e\u{301}漢\nsecond");
        press(&mut area, KeyCode::Right);
        press(&mut area, KeyCode::Right);
        assert_eq!((area.line(), area.column()), (0, 3));
        press(&mut area, KeyCode::Backspace);
        assert_eq!(area.text(), "e\u{301}\nsecond");
        press(&mut area, KeyCode::Down);
        press(&mut area, KeyCode::End);
        assert_eq!((area.line(), area.column()), (1, 6));
        press(&mut area, KeyCode::Up);
        assert_eq!((area.line(), area.column()), (0, 1));
        press(&mut area, KeyCode::Down);
        assert_eq!(area.column(), 6, "the column is kept over a shorter line");
    }

    #[test]
    fn a_new_line_begins_as_the_one_before_it() {
        let mut area = TextArea::new("  { a }");
        press(&mut area, KeyCode::End);
        press(&mut area, KeyCode::Enter);
        press(&mut area, KeyCode::Char('x'));
        assert_eq!(area.text(), "  { a }\n  x");
    }

    #[test]
    fn what_was_typed_in_one_go_is_taken_back_in_one_go() {
        let mut area = TextArea::new("");
        for character in "one two".chars() {
            press(&mut area, KeyCode::Char(character));
        }
        assert_eq!(area.undo(), Pressed::Changed);
        assert_eq!(area.text(), "one ");
        area.undo();
        assert_eq!(area.text(), "");
        area.redo();
        area.redo();
        assert_eq!(area.text(), "one two");
        assert_eq!(area.redo(), Pressed::Moved);
    }

    #[test]
    fn pasted_lines_stay_lines_and_lose_what_could_steer_a_terminal() {
        let mut area = TextArea::new("");
        area.insert("a\r\n\tb\u{1b}[31m\rc\u{202e}");
        assert_eq!(area.text(), "a\n  b\nc");
    }

    #[test]
    fn a_word_is_deleted_backwards_within_its_line() {
        let mut area = TextArea::new("a\nsource = \"site.state");
        area.go_to(usize::MAX);
        let control = KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL);
        area.key(control);
        assert_eq!(area.text(), "a\nsource = \"site.");
    }

    fn keys() -> impl Strategy<Value = Vec<(u8, char)>> {
        proptest::collection::vec((0_u8..20, any::<char>()), 0..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Whatever is typed, moved and pasted: the cursor stays in the text, and a line is as wide as it is drawn.
        #[test]
        fn the_cursor_stays_in_the_text(
            start in "(\\PC|\n|\t|\u{1b}|e\u{301}|漢|👩‍👩‍👧|\u{200b}){0,40}",
            at in 0_usize..80,
            keys in keys(),
        ) {
            let mut area = TextArea::new(start);
            area.go_to(at);
            for (key, character) in keys {
                let code = match key {
                    0 => KeyCode::Left,
                    1 => KeyCode::Right,
                    2 => KeyCode::Up,
                    3 => KeyCode::Down,
                    4 => KeyCode::Home,
                    5 => KeyCode::End,
                    6 => KeyCode::Backspace,
                    7 => KeyCode::Delete,
                    8 => KeyCode::Enter,
                    _ => KeyCode::Char(character),
                };
                match key {
                    9 => drop(area.undo()),
                    10 => drop(area.redo()),
                    11 => area.insert(&format!("{character}\n\u{1b}[1m{character}")),
                    12 => drop(area.key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL))),
                    _ => drop(area.key(KeyEvent::new(code, KeyModifiers::NONE))),
                }
                prop_assert!(area.text().is_char_boundary(area.cursor()));
                let lines: Vec<&str> = area.lines().collect();
                prop_assert!(area.line() < lines.len());
                let line = lines[area.line()];
                prop_assert!(area.column() <= columns(line) + 2);
                let shown: String = line.graphemes(true).map(drawn).collect();
                prop_assert!(!shown.chars().any(char::is_control));
                let wide: usize = line.graphemes(true).map(|one| text::width(&drawn(one))).sum();
                prop_assert_eq!(columns(line), wide);
            }
        }
    }
}
