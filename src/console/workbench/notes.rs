//! What is to be said at each rule: why it failed, what is doubtful, what is wrong with its text.

use std::collections::BTreeMap;

use crate::engine::PreviewResult;
use crate::mapping::{Problem, RuleText, Severity, outline};
use crate::model::Direction;

/// How grave a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gravity {
    /// It fails.
    Failed,
    /// It works and may surprise.
    Doubtful,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How grave it is.
    pub gravity: Gravity,
    /// What it says.
    pub text: String,
    /// The line and column of the text it is about, from 1.
    pub place: Option<(usize, usize)>,
}

/// All notes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    by_rule: BTreeMap<usize, Vec<Note>>,
    /// What is about no rule of this direction.
    pub general: Vec<Note>,
}

impl Notes {
    /// What an answer says of a text.
    #[must_use]
    pub fn of(text: &str, direction: Direction, answer: &PreviewResult) -> Self {
        let rules = outline(text);
        let mut notes = Self::default();
        for finding in &answer.findings {
            notes.finding(text, &rules, direction, finding);
        }
        for (rule, problem) in &answer.problems {
            notes.add(*rule, Gravity::Failed, problem, None);
        }
        for warning in &answer.warnings {
            notes.add(rule_named(warning), Gravity::Doubtful, warning, None);
        }
        notes
    }

    fn finding(&mut self, text: &str, rules: &[RuleText], direction: Direction, one: &Problem) {
        let gravity = match one.severity {
            Severity::Error => Gravity::Failed,
            Severity::Warning => Gravity::Doubtful,
        };
        let place = (one.position.line, one.position.column);
        let mend = one.mend.as_deref().map(|mend| format!("; {mend}"));
        let what = format!("{}{}", one.what, mend.unwrap_or_default());
        match rules.iter().find(|rule| is_in(text, rule, place.0)) {
            Some(rule) if rule.direction == direction => {
                self.add(Some(rule.number), gravity, &what, Some(place));
            }
            Some(rule) => {
                let what = format!("{} rule {}: {what}", rule.direction.word(), rule.number);
                self.add(None, gravity, &what, Some(place));
            }
            None => self.add(None, gravity, &what, Some(place)),
        }
    }

    fn add(
        &mut self,
        rule: Option<usize>,
        gravity: Gravity,
        text: &str,
        place: Option<(usize, usize)>,
    ) {
        let said = rule.map_or(text, |rule| without_rule(text, rule));
        let note = Note {
            gravity,
            text: said.to_owned(),
            place,
        };
        let notes = match rule {
            Some(rule) => self.by_rule.entry(rule).or_default(),
            None => &mut self.general,
        };
        if notes.iter().all(|other| other.text != note.text) {
            notes.push(note);
        }
    }

    /// What is said at a rule.
    #[must_use]
    pub fn at(&self, rule: usize) -> &[Note] {
        self.by_rule.get(&rule).map_or(&[], Vec::as_slice)
    }

    /// All that has a place in the text.
    pub fn placed(&self) -> impl Iterator<Item = (&Note, (usize, usize))> {
        let all = self.by_rule.values().flatten().chain(&self.general);
        all.filter_map(|note| note.place.map(|place| (note, place)))
    }

    /// The first that fails: its rule, if it has one, and what it says.
    #[must_use]
    pub fn first_failure(&self) -> Option<(Option<usize>, &Note)> {
        let of_rules = self.by_rule.iter();
        let of_rules =
            of_rules.flat_map(|(rule, notes)| notes.iter().map(|one| (Some(*rule), one)));
        let general = self.general.iter().map(|note| (None, note));
        of_rules
            .chain(general)
            .find(|(_, note)| note.gravity == Gravity::Failed)
    }
}

/// Whether a line of a text belongs to a rule.
fn is_in(text: &str, rule: &RuleText, line: usize) -> bool {
    let lines = |part: std::ops::Range<usize>| {
        let part = text.get(part).unwrap_or_default();
        part.matches('\n').count()
    };
    let first = 1 + lines(0..rule.range.start);
    (first..=first + lines(rule.range.clone())).contains(&line)
}

/// The rule that a sentence begins with: `rule 7 (location.state): …`.
fn rule_named(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("rule ")?;
    let digits = rest.find(|one: char| !one.is_ascii_digit())?;
    rest.get(..digits)?.parse().ok()
}

/// The sentence without the rule it is shown at.
fn without_rule(text: &str, rule: usize) -> &str {
    let rest = text.strip_prefix(&format!("rule {rule}"));
    let rest = rest.filter(|rest| rest.starts_with([' ', ':']));
    rest.and_then(|rest| rest.split_once(": "))
        .map_or(text, |(_, said)| said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_shown_at_its_rule_without_naming_it_again() {
        assert_eq!(rule_named("rule 7 (location.state): required"), Some(7));
        assert_eq!(rule_named("rules apply"), None);
        assert_eq!(
            without_rule("rule 7 (a.b): required: yes", 7),
            "required: yes"
        );
        assert_eq!(without_rule("rule 71: x", 7), "rule 71: x");
        assert_eq!(without_rule("no rule makes it", 7), "no rule makes it");
    }
}
