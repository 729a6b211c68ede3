//! The engine's log: its JSON lines, read as they are written.

use std::collections::VecDeque;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Lines kept in memory.
const MOST_LINES: usize = 5_000;

/// How much of an existing file is read at the beginning.
const FIRST_READ: u64 = 256 * 1024;

/// How grave a line is, least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Anything.
    #[default]
    Trace,
    /// For finding faults.
    Debug,
    /// What happened.
    Info,
    /// Needs a look.
    Warn,
    /// Failed.
    Error,
}

impl Level {
    /// All levels, least grave first.
    pub const ALL: [Self; 5] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
    ];

    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The next graver level; after the gravest, the least again.
    #[must_use]
    pub fn next(self) -> Self {
        let mut rest = Self::ALL.into_iter().skip_while(|level| *level != self);
        rest.nth(1).unwrap_or_default()
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The time as written.
    pub at: String,
    /// How grave.
    pub level: Level,
    /// The part of the program.
    pub target: String,
    /// What it says, its fields after it.
    pub text: String,
}

impl LogLine {
    /// Reads a line as `tracing` writes it in JSON; a line that is none stands as it is.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let Ok(object) = serde_json::from_str::<Map<String, Value>>(line) else {
            return Self {
                at: String::new(),
                level: Level::Info,
                target: String::new(),
                text: line.to_owned(),
            };
        };
        let text_of = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let word = text_of("level").to_ascii_lowercase();
        let level = Level::ALL.into_iter().find(|level| level.word() == word);
        let fields = object.get("fields").and_then(Value::as_object);
        let mut text = fields
            .and_then(|fields| fields.get("message"))
            .and_then(Value::as_str)
            .unwrap_or_else(|| text_of("message"))
            .to_owned();
        for (key, value) in fields.into_iter().flatten() {
            if key != "message" {
                text.push_str("  ");
                text.push_str(key);
                text.push('=');
                text.push_str(&super::json::inline(value));
            }
        }
        Self {
            at: text_of("timestamp").to_owned(),
            level: level.unwrap_or(Level::Info),
            target: text_of("target").to_owned(),
            text,
        }
    }
}

/// The last lines of the log.
#[derive(Clone, Debug, Default)]
pub struct LogBook {
    lines: VecDeque<LogLine>,
}

impl LogBook {
    /// Adds lines and forgets the oldest beyond what is kept.
    pub fn add(&mut self, lines: Vec<LogLine>) {
        self.lines.extend(lines);
        let surplus = self.lines.len().saturating_sub(MOST_LINES);
        self.lines.drain(..surplus);
    }

    /// The lines, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &LogLine> {
        self.lines.iter()
    }
}

/// Reads what is added to the newest file of a directory.
#[derive(Debug)]
pub struct LogReader {
    directory: PathBuf,
    file: Option<PathBuf>,
    offset: u64,
    rest: Vec<u8>,
}

impl LogReader {
    /// Reads the files of a directory.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            file: None,
            offset: 0,
            rest: Vec::new(),
        }
    }

    /// The lines written since the last call; the end of the newest file at the first.
    ///
    /// # Errors
    /// When the directory or the file can't be read.
    pub fn read(&mut self) -> std::io::Result<Vec<LogLine>> {
        let newest = self.newest()?;
        if newest.is_none() {
            return Ok(Vec::new());
        }
        let mut lines = Vec::new();
        if newest != self.file {
            if self.file.is_some() {
                self.read_on(&mut lines)?;
            }
            let length = newest.as_ref().map_or(Ok(0), |file| {
                std::fs::metadata(file).map(|about| about.len())
            })?;
            let first = self.file.is_none();
            self.offset = if first {
                length.saturating_sub(FIRST_READ)
            } else {
                0
            };
            self.file = newest;
            self.rest.clear();
            if self.offset > 0 {
                // The first line is probably cut; it goes with what is dropped below.
                self.read_on(&mut lines)?;
                lines.drain(..lines.len().min(1));
                return Ok(lines);
            }
        }
        self.read_on(&mut lines)?;
        Ok(lines)
    }

    fn newest(&self) -> std::io::Result<Option<PathBuf>> {
        let entries = std::fs::read_dir(&self.directory)?.flatten();
        let files = entries.filter_map(|entry| {
            let about = entry.metadata().ok()?;
            about
                .is_file()
                .then_some((about.modified().ok()?, entry.path()))
        });
        Ok(files.max().map(|(_, path)| path))
    }

    fn read_on(&mut self, lines: &mut Vec<LogLine>) -> std::io::Result<()> {
        let Some(path) = &self.file else {
            return Ok(());
        };
        let mut file = std::fs::File::open(path)?;
        if file.metadata()?.len() < self.offset {
            self.offset = 0;
            self.rest.clear();
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let read = file.read_to_end(&mut self.rest)?;
        self.offset += u64::try_from(read).unwrap_or_default();
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let text = String::from_utf8_lossy(&whole);
        lines.extend(text.lines().map(LogLine::parse));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_tracing_line_is_read_with_its_fields() {
        let line = LogLine::parse(
            r#"{"timestamp":"2026-07-22T14:02:11Z","level":"WARN","fields":{"message":"slow","took":5},"target":"fieldbridge::http"}"#,
        );
        assert_eq!(line.level, Level::Warn);
        assert_eq!(line.text, "slow  took=5");
        assert_eq!(line.target, "fieldbridge::http");
        assert_eq!(LogLine::parse("not json").text, "not json");
    }

    #[test]
    fn only_whole_new_lines_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("engine.log");
        let mut file = std::fs::File::create(&path).unwrap();
        let mut reader = LogReader::new(directory.path());
        write!(file, "one\ntw").unwrap();
        let texts = |lines: Vec<LogLine>| lines.into_iter().map(|l| l.text).collect::<Vec<_>>();
        assert_eq!(texts(reader.read().unwrap()), ["one"]);
        assert!(reader.read().unwrap().is_empty());
        writeln!(file, "o").unwrap();
        assert_eq!(texts(reader.read().unwrap()), ["two"]);
    }

    #[test]
    fn the_book_forgets_the_oldest() {
        let mut book = LogBook::default();
        book.add(
            (0..MOST_LINES + 5)
                .map(|n| LogLine::parse(&n.to_string()))
                .collect(),
        );
        assert_eq!(book.iter().count(), MOST_LINES);
        assert_eq!(book.iter().next().unwrap().text, "5");
    }

    #[test]
    fn levels_go_round() {
        assert_eq!(Level::Error.next(), Level::Trace);
        assert_eq!(Level::Info.next(), Level::Warn);
    }
}
