//! Scripts: what of a mapping is Jsonnet, with everything it may import.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::problem::Position;

/// The longest script or imported file, in bytes.
pub const LONGEST_SCRIPT: usize = 256 * 1024;

/// A script and where it is written.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its text.
    pub text: Arc<str>,
    /// Its place in the set that goes to the worker.
    pub(super) index: usize,
    pub(super) origin: Origin,
}

/// Where a script's text begins.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) position: Position,
    /// Whether the file holds the text as it is, so that places in it can be told.
    pub(super) verbatim: bool,
    /// The name of the file that the script is alone in, if it is.
    pub(super) own_file: Option<String>,
}

impl Origin {
    /// The place in the file of a line and column of the script.
    pub(super) fn locate(&self, line: usize, column: usize) -> Position {
        if !self.verbatim {
            return self.position.clone();
        }
        Position {
            file: self.position.file.clone(),
            line: self.position.line + line.saturating_sub(1),
            column: if line <= 1 {
                self.position.column + column.saturating_sub(1)
            } else {
                column
            },
        }
    }
}

/// A script as the worker gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ScriptSource {
    /// By this name errors and traces call it.
    pub(super) name: String,
    pub(super) text: Arc<str>,
    /// The file that the script is, by which its imports are linked; empty for one written in the mapping.
    pub(super) from: String,
}

/// What an `import` in a file means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The importing file or script; empty for all scripts that are written in the mapping itself.
    pub from: String,
    /// The text of the import.
    pub import: String,
    /// The name of the imported file.
    pub name: String,
}

/// The scripts of one direction, with the closure of their imports: all that a worker needs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ScriptSet {
    /// Hash of the whole content.
    pub(super) key: String,
    pub(super) scripts: Vec<ScriptSource>,
    pub(super) links: Vec<Link>,
    pub(super) files: BTreeMap<String, Arc<str>>,
}
