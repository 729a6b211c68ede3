//! A JSON value as a tree that folds, with a cursor on one of its nodes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::console::list::Cursor;
use crate::mapping::Path;
use crate::mapping::path::Segment;

/// Nodes beyond which the rest is not laid out.
const MOST_NODES: usize = 20_000;

/// One line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it is: `site.city`, `contacts[0].email`.
    pub path: String,
    /// How deep it is.
    pub depth: usize,
    /// Its own name.
    pub name: String,
    /// What is there.
    pub content: Content,
}

/// What is at a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A value of its own; null when there is none.
    Leaf(Value),
    /// An object or array with so many members, which are shown below.
    Open(usize),
    /// The same, but folded.
    Folded(usize),
}

/// A value as a tree.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    root: Value,
    nodes: Vec<Node>,
    keys: Vec<String>,
    folded: BTreeSet<String>,
    /// The selected node.
    pub cursor: Cursor<String>,
}

impl Tree {
    /// Shows another value; what was folded stays so, and the cursor stays on its node.
    pub fn show(&mut self, root: Value) {
        self.root = root;
        self.lay_out();
    }

    /// The lines in sight when there is room for all.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The value.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The selected line.
    #[must_use]
    pub fn selected(&self) -> Option<&Node> {
        self.nodes.get(self.cursor.index())
    }

    fn lay_out(&mut self) {
        self.nodes.clear();
        children(&self.root, "", 0, &self.folded, &mut self.nodes);
        self.keys = self.nodes.iter().map(|node| node.path.clone()).collect();
        self.cursor.follow(&self.keys);
    }

    /// Moves the cursor by lines.
    pub fn step(&mut self, by: isize) {
        self.cursor.step(&self.keys, by);
    }

    /// Puts the cursor on a line.
    pub fn select(&mut self, line: usize) {
        self.cursor.select(&self.keys, line);
    }

    /// Puts the cursor on a node, which comes into sight if it was folded away.
    pub fn go_to(&mut self, path: &str) {
        let hidden: Vec<String> = self
            .folded
            .iter()
            .filter(|folded| folded.as_str() != path && contains(folded, path))
            .cloned()
            .collect();
        if !hidden.is_empty() {
            for path in hidden {
                self.folded.remove(&path);
            }
            self.lay_out();
        }
        if let Some(at) = self.keys.iter().position(|key| key == path) {
            self.cursor.select(&self.keys, at);
        }
    }

    /// Folds the selected node, or unfolds it; answers whether there was something to fold.
    pub fn toggle(&mut self) -> bool {
        let Some(node) = self.selected() else {
            return false;
        };
        let path = node.path.clone();
        match node.content {
            Content::Leaf(_) => return false,
            Content::Open(_) => self.folded.insert(path),
            Content::Folded(_) => self.folded.remove(&path),
        };
        self.lay_out();
        true
    }
}

fn children(
    value: &Value,
    path: &str,
    depth: usize,
    folded: &BTreeSet<String>,
    into: &mut Vec<Node>,
) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = member(path, name);
                node(value, &path, name.clone(), depth, folded, into);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                node(value, &path, format!("[{index}]"), depth, folded, into);
            }
        }
        _ => {}
    }
}

fn node(
    value: &Value,
    path: &str,
    name: String,
    depth: usize,
    folded: &BTreeSet<String>,
    into: &mut Vec<Node>,
) {
    if into.len() >= MOST_NODES {
        return;
    }
    let members = match value {
        Value::Object(members) => members.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    };
    let content = match members {
        0 => Content::Leaf(value.clone()),
        count if folded.contains(path) => Content::Folded(count),
        count => Content::Open(count),
    };
    let is_open = matches!(content, Content::Open(_));
    into.push(Node {
        path: path.to_owned(),
        depth,
        name,
        content,
    });
    if is_open {
        children(value, path, depth + 1, folded, into);
    }
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// Whether a node is another one, or holds it.
#[must_use]
pub fn contains(outer: &str, inner: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The node that a mapping's path names in a value; where it is not there, the node it would have.
#[must_use]
pub fn located(path: &Path, root: &Value) -> String {
    let mut at = Some(root);
    let mut node = String::new();
    for segment in path.segments() {
        match segment {
            Segment::Key(name) => {
                node = member(&node, name);
                at = at.and_then(|value| value.get(&**name));
            }
            Segment::Index(index) => {
                node = format!("{node}[{index}]");
                at = at.and_then(|value| value.get(*index));
            }
            // What is collected from all elements is shown at the array itself.
            Segment::Each => return node,
            Segment::Select { key, value } => {
                let items = at.and_then(Value::as_array);
                let found = items.and_then(|items| {
                    items.iter().position(|item| {
                        item.get(&**key).is_some_and(|other| is_alike(other, value))
                    })
                });
                let Some(index) = found else { return node };
                node = format!("{node}[{index}]");
                at = items.and_then(|items| items.get(index));
            }
        }
    }
    node
}

fn is_alike(one: &Value, other: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text(one) == text(other)
}

/// Adds what is named by a path of plain names and is not there, as null.
pub fn note_missing(root: &mut Value, path: &Path) {
    let plain = |segment: &Segment| matches!(segment, Segment::Key(_));
    if !path.segments().iter().all(plain) {
        return;
    }
    let mut at = root;
    for segment in path.segments() {
        let Segment::Key(name) = segment else { return };
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(members) = at else { return };
        at = members.entry(&**name).or_insert(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn a_tree_folds_and_keeps_its_cursor() {
        let mut tree = Tree::default();
        tree.show(json!({"summary": "AP", "site": {"city": "Tulsa", "state": null}, "n": [1]}));
        let names: Vec<_> = tree.nodes().iter().map(|node| node.path.as_str()).collect();
        assert_eq!(
            names,
            ["summary", "site", "site.city", "site.state", "n", "n[0]"]
        );
        tree.go_to("site");
        assert!(tree.toggle());
        assert_eq!(tree.nodes().len(), 4);
        assert_eq!(tree.selected().unwrap().path, "site");
        tree.go_to("site.state");
        assert_eq!(tree.selected().unwrap().path, "site.state");
        assert!(!tree.toggle(), "a value does not fold");
    }

    #[test]
    fn a_path_names_a_node_whether_it_is_there_or_not() {
        let root = json!({"f": [{"id": 4}, {"id": 5, "value": "x"}], "site": null});
        assert_eq!(located(&path("f[id=5].value"), &root), "f[1].value");
        assert_eq!(located(&path("f[*].id"), &root), "f");
        assert_eq!(located(&path("site.state"), &root), "site.state");
        let mut with = root;
        note_missing(&mut with, &path("site.state"));
        note_missing(&mut with, &path("f.gone"));
        assert_eq!(with["site"], json!({"state": null}));
        assert!(with["f"].is_array());
    }
}
