//! A list to choose from, narrowed by what is typed.

use super::Row;
use crate::console::input::Input;

/// What typing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// It narrows the list; only what is in it can be chosen.
    Narrows,
    /// It narrows the list, and what is typed can be chosen too.
    Writes,
}

/// Whether something is among what is probably meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likelihood {
    /// It is.
    Likely,
    /// It is there as well.
    Other,
    /// It is what was typed.
    Typed,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is chosen; none is a choice too.
    pub value: Option<String>,
    /// How it is told.
    pub text: String,
    /// Whether it is likely.
    pub likelihood: Likelihood,
}

impl Item {
    /// A likely value that is told as it is.
    #[must_use]
    pub fn plain(value: &str) -> Self {
        Self {
            value: Some(value.to_owned()),
            text: value.to_owned(),
            likelihood: Likelihood::Likely,
        }
    }

    /// The same, less likely.
    #[must_use]
    pub fn other(self) -> Self {
        Self {
            likelihood: Likelihood::Other,
            ..self
        }
    }
}

/// The list.
#[derive(Clone, Debug)]
pub struct Chooser {
    /// What is chosen.
    pub row: Row,
    /// Its heading.
    pub title: String,
    /// What typing does.
    pub typing: Typing,
    /// What is typed.
    pub input: Input,
    /// The selected line of what is shown.
    pub selected: usize,
    /// The first line in sight.
    pub offset: usize,
    items: Vec<Item>,
}

impl Chooser {
    /// A list with what is chosen now selected; what can only be written is there to be changed.
    #[must_use]
    pub fn new(
        row: Row,
        title: String,
        items: Vec<Item>,
        typing: Typing,
        chosen: Option<&str>,
    ) -> Self {
        let mut at = items
            .iter()
            .position(|item| item.value.as_deref() == chosen);
        let mut items = items;
        let mut input = Input::default();
        if let (None, Some(chosen)) = (at, chosen) {
            if items.is_empty() {
                input = Input::new(chosen);
            } else {
                // Something that was typed before.
                items.insert(0, Item::plain(chosen));
            }
            at = Some(0);
        }
        Self {
            row,
            title,
            typing,
            input,
            selected: at.unwrap_or(0),
            offset: 0,
            items,
        }
    }

    /// What passes, in order; where it can be chosen, what is typed stands last.
    #[must_use]
    pub fn shown(&self) -> Vec<Item> {
        let typed = self.input.text().trim();
        let words: Vec<String> = typed
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let passes = |item: &&Item| {
            let text = item.text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let mut shown: Vec<Item> = self.items.iter().filter(passes).cloned().collect();
        if typed.is_empty() {
            return shown;
        }
        // What is called just as is typed is meant, wherever it stands.
        shown.sort_by_key(|item| item.value.as_deref() != Some(typed));
        let is_known = shown
            .iter()
            .any(|item| item.value.as_deref() == Some(typed));
        if self.typing == Typing::Writes && !is_known {
            let written = Item {
                value: Some(typed.to_owned()),
                text: typed.to_owned(),
                likelihood: Likelihood::Typed,
            };
            shown.push(written);
        }
        shown
    }

    /// How many there are in all.
    #[must_use]
    pub fn all(&self) -> usize {
        self.items.len()
    }

    /// Brings the selected line into sight.
    pub fn reveal(&mut self, rows: usize) {
        let lines = self.shown().len();
        self.selected = self.selected.min(lines.saturating_sub(1));
        if self.selected < self.offset {
            self.offset = self.selected;
        } else if self.selected >= self.offset + rows.max(1) {
            self.offset = self.selected + 1 - rows.max(1);
        }
        self.offset = self.offset.min(lines.saturating_sub(rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chooser(typing: Typing, typed: &str) -> Chooser {
        let items = vec![Item::plain("subject"), Item::plain("id").other()];
        let mut chooser = Chooser::new(Row::IdField, "id".into(), items, typing, Some("id"));
        chooser.input = Input::new(typed);
        chooser
    }

    fn texts(chooser: &Chooser) -> Vec<String> {
        chooser.shown().into_iter().map(|item| item.text).collect()
    }

    #[test]
    fn typing_narrows_and_may_write() {
        assert_eq!(chooser(Typing::Narrows, "").selected, 1);
        assert_eq!(texts(&chooser(Typing::Narrows, "")), ["subject", "id"]);
        assert_eq!(texts(&chooser(Typing::Narrows, "SUB j")), ["subject"]);
        assert_eq!(texts(&chooser(Typing::Narrows, "x.y")), [""; 0]);
        assert_eq!(texts(&chooser(Typing::Writes, "x.y")), ["x.y"]);
        assert_eq!(texts(&chooser(Typing::Writes, "id")), ["id"]);
    }

    #[test]
    fn what_was_written_before_is_offered_again() {
        let items = vec![Item::plain("id")];
        let again = Chooser::new(
            Row::IdField,
            "id".into(),
            items,
            Typing::Writes,
            Some("x.y"),
        );
        assert_eq!(texts(&again), ["x.y", "id"]);
        let alone = Chooser::new(
            Row::Account,
            "a".into(),
            Vec::new(),
            Typing::Writes,
            Some("me"),
        );
        assert_eq!(alone.input.text(), "me");
    }
}
