//! The lines of the rules pane: rules, what is said at them, and the one that is edited in place.

use super::notes::{Gravity, Note};
use super::{RuleEditor, Workbench};
use crate::console::text::wrap;
use crate::mapping::RuleText;

/// Lines that the notes of the selected rule take at most.
const MOST_NOTE_LINES: usize = 6;

/// Rules that stay in sight beside the one that is edited.
const RULES_BESIDE: usize = 2;

/// A line of the rules pane.
#[derive(Clone, Debug)]
pub enum RuleLine<'w> {
    /// A rule.
    Rule(usize, &'w RuleText),
    /// What is said at the rule above; the first line of it bears the sign.
    Note(Gravity, Begins, String),
    /// A line of the rule being edited.
    Edited(EditLine),
}

/// Whether a line begins what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// It does.
    Here,
    /// It goes on.
    Above,
}

/// A line of the editor.
#[derive(Clone, Debug)]
pub enum EditLine {
    /// A line of the text, by number from 0.
    Text(usize),
    /// What is wrong with the line above, at a column from 1.
    Finding(Gravity, usize, String),
}

/// The lines of the editor, with what is wrong under each.
#[must_use]
pub fn edit_lines(bench: &Workbench, editor: &RuleEditor) -> Vec<EditLine> {
    let mut findings: Vec<(usize, usize, &Note)> = bench
        .notes
        .placed()
        .filter_map(|(note, (line, column))| Some((editor.line_of(line)?, column, note)))
        .collect();
    findings.sort_by_key(|(line, column, _)| (*line, *column));
    let mut lines = Vec::new();
    for number in 0..editor.area.lines().count() {
        lines.push(EditLine::Text(number));
        let here = findings.iter().filter(|(line, _, _)| *line == number);
        lines.extend(
            here.map(|(_, column, note)| {
                EditLine::Finding(note.gravity, *column, note.text.clone())
            }),
        );
    }
    lines
}

/// The rows that the editor takes in a pane of so many.
#[must_use]
pub fn edit_rows(lines: usize, rows: usize) -> usize {
    lines.min(rows.saturating_sub(1 + RULES_BESIDE)).max(1)
}

/// The lines of the rules pane, in a place of so many columns and rows.
#[must_use]
pub fn rule_lines(bench: &Workbench, columns: usize, rows: usize) -> Vec<RuleLine<'_>> {
    let edited = bench.editor.as_ref();
    let mut lines = Vec::new();
    for (index, rule) in bench.rules.iter().enumerate() {
        lines.push(RuleLine::Rule(index, rule));
        let editor = edited.filter(|editor| editor.number() == rule.number);
        if let Some(editor) = editor {
            push_editor(bench, editor, rows, &mut lines);
        }
        let selected = index == bench.rule.index();
        for note in bench.notes.at(rule.number) {
            // In the editor it stands under its own line.
            if editor.is_none() || note.place.is_none() {
                push_note(note, selected, columns, &mut lines);
            }
        }
    }
    if let Some(editor) = edited
        && bench.rules.len() < editor.number()
    {
        push_editor(bench, editor, rows, &mut lines);
    }
    lines
}

fn push_editor(bench: &Workbench, editor: &RuleEditor, rows: usize, lines: &mut Vec<RuleLine<'_>>) {
    let all = edit_lines(bench, editor);
    let shown = edit_rows(all.len(), rows);
    let in_sight = all.into_iter().skip(editor.top).take(shown);
    lines.extend(in_sight.map(RuleLine::Edited));
}

fn push_note(note: &Note, selected: bool, columns: usize, lines: &mut Vec<RuleLine<'_>>) {
    if !selected {
        // What is only doubtful has its sign in the row; it is told when the rule is looked at.
        if note.gravity == Gravity::Failed {
            let text = note.text.clone();
            lines.push(RuleLine::Note(note.gravity, Begins::Here, text));
        }
        return;
    }
    let wrapped = wrap(&note.text, columns).into_iter().take(MOST_NOTE_LINES);
    for (index, text) in wrapped.enumerate() {
        let begins = if index == 0 {
            Begins::Here
        } else {
            Begins::Above
        };
        lines.push(RuleLine::Note(note.gravity, begins, text));
    }
}

/// Where the selected rule begins, and how many lines belong to it.
#[must_use]
pub fn selected_span(lines: &[RuleLine<'_>], selected: usize) -> (usize, usize) {
    let is_it =
        |line: &RuleLine<'_>| matches!(line, RuleLine::Rule(index, _) if *index == selected);
    let start = lines.iter().position(is_it).unwrap_or(0);
    let below = lines.iter().skip(start + 1);
    let belonging = below.take_while(|line| !matches!(line, RuleLine::Rule(..)));
    (start, 1 + belonging.count())
}
