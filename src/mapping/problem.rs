//! What is wrong with a mapping file, told so that it can be mended.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Whether a problem keeps the mapping from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does: the last good version stays in force.
    Error,
    /// It does not, but the result may surprise.
    Warning,
}

/// A place in a file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The file's name.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One problem of a mapping file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{position}: {what}{}", mend_clause(.mend.as_deref()))]
pub struct Problem {
    /// Where.
    #[serde(flatten)]
    pub position: Position,
    /// How bad.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

fn mend_clause(mend: Option<&str>) -> String {
    mend.map(|mend| format!("; {mend}")).unwrap_or_default()
}

/// A text with the beginnings of its lines, to tell positions by.
#[derive(Clone, Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let after_breaks = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_breaks).collect(),
        }
    }

    /// Line and column of a byte offset, both from 1.
    pub(super) fn locate(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self
            .text
            .get(start..offset.min(self.text.len()))
            .unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// Gathers the problems of one file.
#[derive(Debug)]
pub(super) struct Problems<'t> {
    file: &'t str,
    lines: Lines<'t>,
    found: Vec<Problem>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self {
            file,
            lines: Lines::new(text),
            found: Vec::new(),
        }
    }

    /// Notes an error at a span of the file.
    pub(super) fn error(
        &mut self,
        span: &Range<usize>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let mend: String = mend.into();
        let problem = Problem {
            position: self.position(span.start),
            severity: Severity::Error,
            what: what.into(),
            mend: (!mend.is_empty()).then_some(mend),
        };
        self.found.push(problem);
    }

    /// Notes a problem found elsewhere.
    pub(super) fn push(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let (line, column) = self.lines.locate(offset);
        Position {
            file: self.file.to_owned(),
            line,
            column,
        }
    }

    pub(super) fn into_result<T>(mut self, value: T) -> Result<T, Vec<Problem>> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found
            .sort_by(|one, other| one.position.cmp(&other.position));
        Err(self.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let lines = Lines::new("ab\näö=\n");
        assert_eq!(lines.locate(0), (1, 1));
        assert_eq!(lines.locate(3), (2, 1));
        assert_eq!(lines.locate(7), (2, 3));
        assert_eq!(lines.locate(8), (2, 4));
        assert_eq!(lines.locate(99), (3, 1));
    }
}
