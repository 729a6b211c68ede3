//! The scripts of rules.

use std::sync::Arc;

use super::{Compiler, Table};
use crate::mapping::node::Node;
use crate::mapping::problem::{Lines, Position, Problem, Severity};
use crate::mapping::script::{Link, Origin, Script, ScriptSource};

impl Compiler<'_, '_> {
    pub(super) fn custom_script(&mut self, table: &Table<'_>) -> Option<Script> {
        let name = format!("rule-{}", table.number);
        match (table.get("script"), table.get("script_file")) {
            (Some(script), None) => self.script(script, &name),
            (None, Some(file)) => self.script_file(file, &name),
            (None, None) => self.missing(table, "script"),
            (Some(_), Some(file)) => {
                self.problems.error(
                    &file.span,
                    "a rule has `script` or `script_file`, not both",
                    "remove one",
                );
                None
            }
        }
    }

    pub(super) fn script(&mut self, node: &Node, name: &str) -> Option<Script> {
        let key = if name.ends_with("when") {
            "when"
        } else {
            "script"
        };
        let text = self.text(node, key)?;
        let origin = self.origin(node, text);
        self.add_script(node, name, text.into(), origin)
    }

    fn script_file(&mut self, node: &Node, name: &str) -> Option<Script> {
        let file = self.text(node, "script_file")?;
        match self.library.open("", file) {
            Ok((canonical, text)) => {
                // The file is part of the mapping, so its content is part of the version.
                self.library
                    .files
                    .insert(canonical.clone(), Arc::clone(&text));
                let link = Link {
                    from: String::new(),
                    import: file.to_owned(),
                    name: canonical.clone(),
                };
                if !self.library.links.contains(&link) {
                    self.library.links.push(link);
                }
                let position = Position {
                    file: canonical.clone(),
                    line: 1,
                    column: 1,
                };
                let origin = Origin {
                    position,
                    verbatim: true,
                    own_file: Some(canonical),
                };
                self.add_script(node, name, text, origin)
            }
            Err(what) => {
                self.problems.error(
                    &node.span,
                    what,
                    "`script_file` names a file beside the mapping file",
                );
                None
            }
        }
    }

    fn add_script(
        &mut self,
        node: &Node,
        name: &str,
        text: Arc<str>,
        origin: Origin,
    ) -> Option<Script> {
        if text.trim().is_empty() {
            self.problems.error(&node.span, "the script is empty", "");
            return None;
        }
        let from = origin.own_file.clone().unwrap_or_default();
        if let Err(fault) = self.library.take_in(&from, &text) {
            let (line, column) = Lines::new(&text).locate(fault.offset);
            let position = origin.locate(line, column);
            self.problems.push(Problem {
                position,
                severity: Severity::Error,
                what: fault.what,
                mend: None,
            });
            return None;
        }
        let index = self.scripts.len();
        let linked_as = ScriptSource {
            name: name.to_owned(),
            text: Arc::clone(&text),
            from,
        };
        self.scripts.push(linked_as);
        Some(Script {
            text,
            index,
            origin,
        })
    }

    /// Where a script that is written in the mapping file begins.
    fn origin(&self, node: &Node, text: &str) -> Origin {
        let raw = self.text.get(node.span.clone()).unwrap_or_default();
        let quotes = ["'''", "\"\"\"", "'", "\""]
            .into_iter()
            .find(|quotes| raw.starts_with(quotes))
            .unwrap_or("");
        let mut offset = quotes.len();
        if quotes.len() == 3 {
            let rest = raw.get(offset..).unwrap_or_default();
            offset += if rest.starts_with("\r\n") {
                2
            } else {
                usize::from(rest.starts_with('\n'))
            };
        }
        let verbatim = raw
            .get(offset..)
            .is_some_and(|content| content.starts_with(text));
        let start = node.span.start + if verbatim { offset } else { 0 };
        let mut position = self.problems.position(start);
        self.file.clone_into(&mut position.file);
        Origin {
            position,
            verbatim,
            own_file: None,
        }
    }
}
