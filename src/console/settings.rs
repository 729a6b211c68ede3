//! What the console is started with, and how it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::glyph::Glyphs;

/// Whether the engine runs in the console's own process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Embedded {
    /// It does: leaving asks what becomes of it.
    Yes,
    /// It is another process, which leaving does not touch.
    #[default]
    No,
}

/// Whether the console may change anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As far as the person's role allows.
    #[default]
    Full,
    /// It only looks.
    ReadOnly,
}

/// How the console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The engine is another process and goes on.
    Detach,
    /// The engine in this process is to be stopped.
    StopEngine,
    /// The engine in this process is to be handed over to a background `serve`.
    HandOver,
}

/// What the console is started with.
#[derive(Clone, Debug, Default)]
pub struct ConsoleSettings {
    /// Where `mappings/` and `themes/` are, if on this machine.
    pub config_directory: Option<PathBuf>,
    /// Where the engine's log files are, if on this machine.
    pub log_directory: Option<PathBuf>,
    /// The theme's name; `dark` without one. `NO_COLOR` overrides it with `mono`.
    pub theme: Option<String>,
    /// Rebound keys: action name to keys.
    pub keys: BTreeMap<String, String>,
    /// Whether it may change anything.
    pub mode: Mode,
    /// Whether the engine runs in this process.
    pub embedded: Embedded,
    /// The signs to use; those that fit the locale without one.
    pub glyphs: Option<&'static Glyphs>,
}
