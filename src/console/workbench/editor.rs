//! One rule being edited in place.

use crate::console::workbench::area::TextArea;
use crate::mapping::{Completions, Offer, RuleText, replace_rule};

/// A rule being edited: its own block, within the text as it was.
#[derive(Clone, Debug)]
pub struct RuleEditor {
    /// The text that comes back when the edit is given up.
    pub before: String,
    /// The text in which the rule stands as it was.
    within: String,
    /// The rule as it was.
    rule: RuleText,
    /// Its block.
    pub area: TextArea,
    /// What can be typed at the cursor, if that is shown.
    pub popup: Option<Popup>,
    /// The first line in sight.
    pub top: usize,
}

/// What can be typed.
#[derive(Clone, Debug)]
pub struct Popup {
    /// The offers, and what they take the place of.
    pub completions: Completions,
    /// The selected one.
    pub selected: usize,
}

impl Popup {
    /// The selected offer.
    #[must_use]
    pub fn offer(&self) -> Option<&Offer> {
        self.completions.offered.get(self.selected)
    }
}

impl RuleEditor {
    /// Edits a rule of a text; `before` is what comes back when it is given up.
    #[must_use]
    pub fn new(before: String, within: String, rule: RuleText) -> Self {
        let block = within.get(rule.range.clone()).unwrap_or_default();
        let mut area = TextArea::new(block);
        area.go_to(first_value(block));
        Self {
            before,
            within,
            rule,
            area,
            popup: None,
            top: 0,
        }
    }

    /// The rule's number.
    #[must_use]
    pub fn number(&self) -> usize {
        self.rule.number
    }

    /// The whole text with the rule as it is now.
    #[must_use]
    pub fn text(&self) -> String {
        replace_rule(&self.within, &self.rule, self.area.text())
    }

    /// The line of the whole text at which the block begins, from 1.
    #[must_use]
    pub fn first_line(&self) -> usize {
        let above = self.within.get(..self.rule.range.start).unwrap_or_default();
        1 + above.matches('\n').count()
    }

    /// The place of the cursor in the whole text.
    #[must_use]
    pub fn cursor_in_text(&self) -> usize {
        self.rule.range.start + self.area.cursor()
    }

    /// The line of the block, from 0, that is a line of the whole text; if it is one of the block.
    #[must_use]
    pub fn line_of(&self, line: usize) -> Option<usize> {
        let line = line.checked_sub(self.first_line())?;
        (line < self.area.lines().count()).then_some(line)
    }
}

/// Where a person goes on: inside the first empty value, else at the end of the first line that has one and is no note.
fn first_value(block: &str) -> usize {
    if let Some(empty) = block.find("\"\"") {
        return empty + 1;
    }
    let header = block.find("[[").unwrap_or(0);
    let below = block.get(header..).and_then(|rest| rest.find('\n'));
    let Some(start) = below.map(|at| header + at + 1) else {
        return block.len();
    };
    let mut at = start;
    for line in block.get(start..).unwrap_or_default().split_inclusive('\n') {
        let end = at + line.trim_end().len();
        if !line.starts_with("note") {
            return end;
        }
        at += line.len();
    }
    block.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::outline;

    #[test]
    fn an_edit_changes_its_rule_alone() {
        let text = "# top\n\n# why\n[[inbound]]\nsource = \"\"\n\n[[inbound]]\ntarget = \"b\"\n";
        let rule = outline(text).remove(0);
        let mut editor = RuleEditor::new(text.to_owned(), text.to_owned(), rule);
        assert_eq!(editor.first_line(), 3);
        editor.area.insert("site");
        assert_eq!(editor.text(), text.replace("\"\"", "\"site\""));
        assert_eq!(editor.line_of(5), Some(2));
        assert_eq!(editor.line_of(2), None);
        assert_eq!(editor.line_of(9), None);
        let cursor = editor.cursor_in_text();
        assert_eq!(editor.text().get(cursor - 4..cursor), Some("site"));
    }

    #[test]
    fn a_person_goes_on_behind_the_first_value_that_is_no_note() {
        for (block, behind) in [
            (
                "[[inbound]]\nnote = \"why\"\nsource = \"a\"\n",
                "source = \"a\"",
            ),
            (
                "# top\n[[inbound]]\naction = \"custom\"\n",
                "action = \"custom\"",
            ),
            (
                "[[inbound]]\nnote = \"why\"\n",
                "[[inbound]]\nnote = \"why\"\n",
            ),
            ("[[inbound]]", "[[inbound]]"),
        ] {
            let at = first_value(block);
            assert!(block[..at].ends_with(behind), "{block}: {at}");
        }
    }
}
