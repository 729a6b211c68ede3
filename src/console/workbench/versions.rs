//! The versions that were in force, and the text of one of them.

use crate::console::app::Loadable;
use crate::console::document::Document;
use crate::model::MappingVersion;
use crate::store::MappingEntry;

/// The list of versions.
#[derive(Clone, Debug)]
pub struct Versions {
    /// The versions, newest first.
    pub entries: Loadable<Vec<MappingEntry>>,
    /// The selected one.
    pub selected: usize,
    /// The first one in sight.
    pub offset: usize,
    /// The text of one of them, opened.
    pub opened: Option<Opened>,
}

/// The text of a version.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Which.
    pub version: MappingVersion,
    /// Its text, once it is here.
    pub text: Loadable<String>,
    /// What of it is shown.
    pub face: Face,
    /// That, laid out.
    pub document: Document,
}

/// What of a version is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Face {
    /// What leads from it to the one in force.
    #[default]
    Difference,
    /// All of it.
    Whole,
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            entries: Loadable::Loading,
            selected: 0,
            offset: 0,
            opened: None,
        }
    }
}

impl Versions {
    /// The selected version.
    #[must_use]
    pub fn entry(&self) -> Option<&MappingEntry> {
        self.entries.ready()?.get(self.selected)
    }

    /// Brings the selected line into sight.
    pub fn reveal(&mut self, rows: usize) {
        let lines = self.entries.ready().map_or(0, Vec::len);
        self.selected = self.selected.min(lines.saturating_sub(1));
        if self.selected < self.offset {
            self.offset = self.selected;
        } else if self.selected >= self.offset + rows.max(1) {
            self.offset = self.selected + 1 - rows.max(1);
        }
    }
}

/// As much of a version as people need to tell it from others.
#[must_use]
pub fn short(version: &MappingVersion) -> &str {
    let text = version.as_str();
    text.get(..8).unwrap_or(text)
}
