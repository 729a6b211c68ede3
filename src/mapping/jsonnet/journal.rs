//! The worker's journal: a memory file that is its standard error and outlives it.
//!
//! Before each script the worker writes a mark; the interpreter writes the lines of `std.trace`, and the Rust
//! runtime its last words. When all is well the worker reads the trace out of it and empties it. When the
//! worker is dead, the parent reads from it which script it was at.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom, ftruncate, seek, tell};
use rustix::stdio::stderr;

/// Begins a line that says which script comes next.
const MARK: char = '\u{1}';

/// As the interpreter begins a trace line.
const TRACE: &str = "TRACE: ";

/// No journal is longer, as the worker's files are bounded.
const LONGEST: usize = 2 * 1024 * 1024;

/// So much of what a dead worker wrote at the end is of interest, in bytes.
const LONGEST_WORDS: usize = 4096;

/// Marks without a word between them may pile up to so many bytes before the journal is emptied: to empty a file and
/// to have it grow again costs more than a small mapping.
const MOST_MARKS: u64 = 32 * 1024;

thread_local! {
    /// How many bytes of the journal are marks, in the worker.
    static MARKED: Cell<u64> = const { Cell::new(0) };
}

/// What the worker is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Read the script of this place in the set.
    Prepare(usize),
    /// Evaluate the condition of the task of this place in the request.
    When(usize),
    /// Evaluate its script.
    Script(usize),
}

impl Mark {
    fn line(self) -> String {
        let (letter, number) = match self {
            Self::Prepare(number) => ('p', number),
            Self::When(number) => ('w', number),
            Self::Script(number) => ('s', number),
        };
        format!("{MARK}{letter}{number}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut characters = line.strip_prefix(MARK)?.chars();
        let letter = characters.next()?;
        let number = characters.as_str().parse().ok()?;
        match letter {
            'p' => Some(Self::Prepare(number)),
            'w' => Some(Self::When(number)),
            's' => Some(Self::Script(number)),
            _ => None,
        }
    }
}

/// Writes a mark, in the worker.
pub(super) fn mark(mark: Mark) -> io::Result<()> {
    let line = mark.line();
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        let written = rustix::io::write(stderr(), rest)?;
        rest = rest.get(written..).unwrap_or_default();
        MARKED.set(MARKED.get() + written as u64);
    }
    Ok(())
}

/// Forgets what was written, in the worker.
pub(super) fn empty() -> io::Result<()> {
    ftruncate(stderr(), 0)?;
    seek(stderr(), SeekFrom::Start(0))?;
    MARKED.set(0);
    Ok(())
}

/// Takes the trace lines out of the journal, in the worker.
pub(super) fn take_trace(name: impl Fn(Mark) -> String) -> io::Result<Vec<String>> {
    let size = tell(stderr())?;
    if size == MARKED.get() {
        if size > MOST_MARKS {
            empty()?;
        }
        return Ok(Vec::new());
    }
    let size = usize::try_from(size).unwrap_or(0);
    let mut bytes = vec![0; size];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pread(stderr(), rest, filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    empty()?;
    Ok(trace_lines(&String::from_utf8_lossy(&bytes), name))
}

fn trace_lines(text: &str, name: impl Fn(Mark) -> String) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut in_trace = false;
    for line in text.lines() {
        if let Some(mark) = Mark::parse(line) {
            current = name(mark);
            in_trace = false;
        } else if let Some(traced) = line.strip_prefix(TRACE) {
            lines.push(format!("{current}: {traced}"));
            in_trace = true;
        } else if let Some(last) = lines.last_mut().filter(|_| in_trace) {
            last.push('\n');
            last.push_str(line);
        }
    }
    lines
}

/// What a dead worker left.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LastWords {
    /// What it was at.
    pub(super) mark: Option<Mark>,
    /// What it wrote after that.
    pub(super) text: String,
}

/// Reads a dead worker's journal, in the parent.
pub(super) fn last_words(journal: &File) -> LastWords {
    let size = journal.metadata().map_or(0, |about| about.len());
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(LONGEST).min(LONGEST)];
    // What can't be read is not told; the failure itself is reported all the same.
    if journal.read_exact_at(&mut bytes, 0).is_err() {
        return LastWords::default();
    }
    parse_last_words(&String::from_utf8_lossy(&bytes))
}

fn parse_last_words(text: &str) -> LastWords {
    let mut mark = None;
    let mut end_of_mark = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        if let Some(found) = Mark::parse(line.trim_end()) {
            mark = Some(found);
            end_of_mark = at;
        }
    }
    let words = text.get(end_of_mark..).unwrap_or_default();
    let begin = words.len().saturating_sub(LONGEST_WORDS);
    let begin = (begin..=words.len()).find(|at| words.is_char_boundary(*at));
    LastWords {
        mark,
        text: words[begin.unwrap_or(0)..].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_lines_are_told_apart_and_named() {
        let text = "\u{1}w0\n\u{1}s0\nTRACE: one\nmore\n\u{1}s1\nTRACE: two\n";
        let lines = trace_lines(text, |mark| match mark {
            Mark::Script(number) => format!("rule {}", number + 3),
            _ => String::new(),
        });
        assert_eq!(lines, ["rule 3: one\nmore", "rule 4: two"]);
    }

    #[test]
    fn last_words_are_those_after_the_last_mark() {
        let words = parse_last_words(
            "\u{1}s0\nTRACE: x\n\u{1}s12\nthread 'main' has overflowed its stack\n",
        );
        assert_eq!(words.mark, Some(Mark::Script(12)));
        assert_eq!(words.text, "thread 'main' has overflowed its stack\n");
        assert_eq!(parse_last_words("").mark, None);
        let flood = parse_last_words(&format!("\u{1}s3\n{}end", "ä\n".repeat(10_000)));
        assert_eq!(flood.mark, Some(Mark::Script(3)));
        assert!(flood.text.ends_with("end") && flood.text.len() <= LONGEST_WORDS);
    }
}
