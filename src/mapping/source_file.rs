//! Mappings: a file's rules, ready, under the hash of all they are made of.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::compile::{Compiled, compile};
use super::library::{Library, Shelf};
use super::node::{self, Node};
use super::problem::{Problem, Problems};
use super::rule::Rule;
use super::script::{Link, ScriptSet};
use crate::model::{Direction, EventName, MappingVersion};

/// A mapping: the ordered rules of one connector in both directions. Immutable; cheap to share in an `Arc`.
#[derive(Debug)]
pub struct Mapping {
    sources: Sources,
    version: MappingVersion,
    inbound: Side,
    outbound: Side,
}

/// The rules of one direction and their scripts.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) rules: Vec<Rule>,
    pub(super) scripts: Arc<ScriptSet>,
}

/// All texts a mapping is made of; enough to make the same version again, wherever its files have gone since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// The mapping file's name.
    pub file_name: String,
    /// Its text.
    pub text: Arc<str>,
    /// The imported files by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Arc<str>>,
    /// What each import meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

impl Mapping {
    /// Reads a mapping file: TOML, or the hosted broker's JSON when the file's name ends in `.json`.
    /// `directory` is where scripts may import from; without one they can't.
    ///
    /// # Errors
    /// All problems at once, each with its place, what is wrong and how to mend it.
    pub fn parse(
        text: &str,
        file_name: &str,
        directory: Option<&Path>,
    ) -> Result<Self, Vec<Problem>> {
        Self::read(text, file_name, Library::in_directory(directory))
    }

    /// Makes a mapping again from the sources that were kept of it.
    ///
    /// # Errors
    /// As [`Self::parse`]: when this version of the program reads them differently.
    pub fn from_sources(sources: &Sources) -> Result<Self, Vec<Problem>> {
        let shelf = Shelf::Kept {
            files: sources.files.clone(),
            links: sources.links.clone(),
        };
        Self::read(&sources.text, &sources.file_name, Library::new(shelf))
    }

    fn read(text: &str, file_name: &str, mut library: Library) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new(file_name, text);
        let Some(root) = parse_tree(text, file_name, &mut problems) else {
            return Err(problems.into_result(()).err().unwrap_or_default());
        };
        let Compiled { inbound, outbound } =
            compile(&root, text, file_name, &mut library, &mut problems);
        problems.into_result(())?;
        let sources = Sources {
            file_name: file_name.to_owned(),
            text: text.into(),
            files: library.files,
            links: library.links,
        };
        Ok(Self {
            version: sources.version(),
            inbound: Side::new(inbound, &sources),
            outbound: Side::new(outbound, &sources),
            sources,
        })
    }

    /// The hash of the rules' text and of every imported file.
    #[must_use]
    pub fn version(&self) -> &MappingVersion {
        &self.version
    }

    /// What it was made of, to be kept with what it made.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The rules of a direction, in their order.
    #[must_use]
    pub fn rules(&self, direction: Direction) -> &[Rule] {
        &self.side(direction).rules
    }

    /// Whether any outbound rule wants to be executed for this event.
    #[must_use]
    pub fn listens_to(&self, event: EventName) -> bool {
        self.outbound
            .rules
            .iter()
            .any(|rule| rule.wants(Some(event)))
    }

    pub(super) fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        }
    }
}

pub(super) fn parse_tree(text: &str, file_name: &str, problems: &mut Problems<'_>) -> Option<Node> {
    let is_json = Path::new(file_name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if is_json {
        node::from_json(text, problems)
    } else {
        node::from_toml(text, problems)
    }
}

impl Sources {
    /// The version that these texts make; the mapping file's own name is no part of it.
    #[must_use]
    pub fn version(&self) -> MappingVersion {
        let mut hash = Sha256::new();
        feed(&mut hash, &self.text);
        for (name, text) in &self.files {
            feed(&mut hash, name);
            feed(&mut hash, text);
        }
        MappingVersion::new(short_hex(hash))
    }
}

impl Side {
    fn new(
        (rules, scripts): (Vec<Rule>, Vec<super::script::ScriptSource>),
        sources: &Sources,
    ) -> Self {
        let mut hash = Sha256::new();
        for script in &scripts {
            feed(&mut hash, &script.name);
            feed(&mut hash, &script.text);
        }
        for (name, text) in &sources.files {
            feed(&mut hash, name);
            feed(&mut hash, text);
        }
        let set = ScriptSet {
            key: short_hex(hash),
            scripts,
            links: sources.links.clone(),
            files: sources.files.clone(),
        };
        Self {
            rules,
            scripts: Arc::new(set),
        }
    }
}

/// Adds a text to a hash such that its end is part of what is hashed.
fn feed(hash: &mut Sha256, text: &str) {
    hash.update(text.len().to_le_bytes());
    hash.update(text.as_bytes());
}

fn short_hex(hash: Sha256) -> String {
    hex::encode(hash.finalize().get(..16).unwrap_or_default())
}
