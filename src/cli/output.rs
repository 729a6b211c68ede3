//! Where a command's words go: text for people or one JSON value, and what is wrong to stderr.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;

use super::failure::CliError;
use super::table::Table;
use super::text::{safe, safe_lines};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What a colour means; it repeats a glyph and a word and never replaces them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Live, done.
    Good,
    /// Needs a look, waits.
    Waiting,
    /// Dead, refused.
    Bad,
    /// Not asked about.
    Quiet,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    People,
    Json,
}

/// The streams of a command.
#[derive(Clone, Debug)]
pub(super) struct Output {
    form: Form,
    coloured: bool,
    columns: Option<usize>,
}

impl Output {
    pub(super) fn new(json: bool, color: Color) -> Self {
        let terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        Self {
            form: if json { Form::Json } else { Form::People },
            coloured: match color {
                Color::Auto => terminal && !plain,
                Color::Always => true,
                Color::Never => false,
            },
            columns: size
                .map(|size| usize::from(size.ws_col))
                .filter(|columns| terminal && *columns > 0),
        }
    }

    /// Prints a result: as JSON, or as the text that is made of it.
    pub(super) fn result<T: Serialize + ?Sized>(
        &self,
        value: &T,
        text: impl FnOnce(&Self) -> String,
    ) -> Result<(), CliError> {
        match self.form {
            Form::Json => {
                let json = serde_json::to_string_pretty(value).map_err(|error| {
                    CliError::failed(format!("the result can't be written: {error}"))
                })?;
                print(&format!("{json}\n"))
            }
            Form::People => print(&text(self)),
        }
    }

    /// Whether results are printed as JSON.
    pub(super) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// Tells of an error on stderr, as a sentence or as a JSON object.
    pub(super) fn error(&self, error: &CliError) {
        if matches!(error, CliError::Told(_) | CliError::NobodyReads) {
            return;
        }
        let message = error.to_string();
        let line = match self.form {
            Form::Json => json!({"error": error.word(), "message": message}).to_string(),
            Form::People => format!("fieldbridge: {}", safe_lines(&message)),
        };
        aside(&line);
    }

    /// Says something beside the result to people only.
    pub(super) fn note(&self, line: &str) {
        if self.form == Form::People {
            aside(&safe(line));
        }
    }

    /// A table cut to the terminal's width.
    pub(super) fn table(&self, table: &Table) -> String {
        table.text(self.columns)
    }

    /// A text in its colour.
    pub(super) fn paint(&self, look: Look, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let code = match look {
            Look::Good => "32",
            Look::Waiting => "33",
            Look::Bad => "31",
            Look::Quiet => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Prints text on stdout as it is, whatever the form of results.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => CliError::NobodyReads,
            _ => CliError::failed(format!("the result can't be written: {error}")),
        })
}

/// Says something beside the result, on stderr.
pub(super) fn aside(line: &str) {
    let _nobody_reads = writeln!(io::stderr().lock(), "{line}");
}
