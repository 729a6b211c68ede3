//! All files of a description as one tree.

use serde_json::{Map, Value};

use super::pointer;

/// The name of the member that holds schemas made here (2.0 spells parameters without a schema of their own).
const MADE: &str = "made";

/// The files by their numbers, and what was made beside them; every `$ref` points into this tree.
#[derive(Debug)]
pub(super) struct Tree {
    root: Value,
}

/// How many references in a row are followed.
const LONGEST_CHAIN: usize = 64;

impl Tree {
    pub(super) fn new(files: Vec<Value>) -> Self {
        let numbered = files.into_iter().enumerate();
        let mut root: Map<String, Value> = numbered
            .map(|(number, value)| (number.to_string(), value))
            .collect();
        root.insert(MADE.to_owned(), Value::Array(Vec::new()));
        Self {
            root: Value::Object(root),
        }
    }

    /// The whole.
    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    pub(super) fn root_mut(&mut self) -> &mut Value {
        &mut self.root
    }

    /// What a pointer names, as it stands there.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.root.pointer(pointer)
    }

    /// What a pointer names, references followed: its own pointer and value. `None` if it is not there.
    pub(super) fn resolve(&self, pointer: &str) -> Option<(String, &Value)> {
        let mut pointer = pointer.to_owned();
        for _ in 0..LONGEST_CHAIN {
            let value = self.at(&pointer)?;
            match target(value) {
                Some(next) => pointer = next,
                None => return Some((pointer, value)),
            }
        }
        None
    }

    /// Adds a schema that no file holds; answers its pointer.
    pub(super) fn add(&mut self, schema: Value) -> String {
        let Some(made) = self.root.get_mut(MADE).and_then(Value::as_array_mut) else {
            return String::new();
        };
        made.push(schema);
        format!("/{MADE}/{}", made.len() - 1)
    }
}

/// Where an object's `$ref` points, as a plain pointer into the tree.
pub(super) fn target(value: &Value) -> Option<String> {
    let reference = value.get("$ref")?.as_str()?;
    let [decoded, _] = pointer::of_fragment(reference.strip_prefix('#')?);
    Some(decoded)
}
