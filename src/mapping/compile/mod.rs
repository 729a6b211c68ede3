//! From the tree of a mapping file to rules, noting everything that is wrong on the way.

mod action;
mod kind;
mod script;
#[cfg(test)]
mod tests;

use std::ops::Range as Span;

use super::library::Library;
use super::node::{Content, Member, Node};
use super::path::Path;
use super::problem::Problems;
use super::rule::{Rule, WORK_ORDER};
use super::script::ScriptSource;
use super::suggest;
use crate::model::{Direction, EventName};
pub(super) use kind::{ActionKind, COMMON_KEYS};

/// The rules of both directions with their scripts.
pub(super) struct Compiled {
    pub(super) inbound: (Vec<Rule>, Vec<ScriptSource>),
    pub(super) outbound: (Vec<Rule>, Vec<ScriptSource>),
}

pub(super) fn compile(
    root: &Node,
    text: &str,
    file: &str,
    library: &mut Library,
    problems: &mut Problems<'_>,
) -> Compiled {
    let mut compiler = Compiler {
        text,
        file,
        library,
        problems,
        direction: Direction::Inbound,
        scripts: Vec::new(),
    };
    let (mut inbound, mut outbound) = (<[Node]>::iter(&[]), <[Node]>::iter(&[]));
    match &root.content {
        // The hosted broker exports one direction as a bare list; which one, the file can't say: inbound.
        Content::List(rules) => inbound = rules.iter(),
        Content::Table(members) => {
            for member in members {
                match (member.key.as_str(), &member.node.content) {
                    ("inbound", Content::List(rules)) => inbound = rules.iter(),
                    ("outbound", Content::List(rules)) => outbound = rules.iter(),
                    (key @ ("inbound" | "outbound"), _) => compiler.problems.error(
                        &member.key_span,
                        format!("`{key}` must be a list of rules"),
                        format!("begin each rule with [[{key}]]"),
                    ),
                    (key, _) => compiler.problems.error(
                        &member.key_span,
                        format!(
                            "`{key}` is not known here{}",
                            suggest::clause(suggest::nearest(key, ["inbound", "outbound"]))
                        ),
                        "a mapping file holds [[inbound]] and [[outbound]] rules",
                    ),
                }
            }
        }
        Content::Scalar(_) => {
            compiler
                .problems
                .error(&root.span, "a mapping is a list of rules", "");
        }
    }
    Compiled {
        inbound: compiler.rules(inbound, Direction::Inbound),
        outbound: compiler.rules(outbound, Direction::Outbound),
    }
}

struct Compiler<'c, 'p> {
    text: &'c str,
    file: &'c str,
    library: &'c mut Library,
    problems: &'c mut Problems<'p>,
    direction: Direction,
    scripts: Vec<ScriptSource>,
}

/// One rule's table while it is read.
struct Table<'n> {
    span: Span<usize>,
    members: &'n [Member],
    number: usize,
    kind: ActionKind,
}

/// Stands for a part of a rule that can't be used; the reason was noted as a problem.
struct Noted;

impl<'n> Table<'n> {
    fn get(&self, key: &str) -> Option<&'n Node> {
        member(self.members, key)
    }
}

fn member<'n>(members: &'n [Member], key: &str) -> Option<&'n Node> {
    members
        .iter()
        .find(|member| member.key == key)
        .map(|member| &member.node)
}

impl Compiler<'_, '_> {
    fn rules<'n>(
        &mut self,
        nodes: impl Iterator<Item = &'n Node>,
        direction: Direction,
    ) -> (Vec<Rule>, Vec<ScriptSource>) {
        self.direction = direction;
        let rules = nodes
            .enumerate()
            .filter_map(|(index, node)| self.rule(node, index + 1))
            .collect();
        (rules, std::mem::take(&mut self.scripts))
    }

    fn rule(&mut self, node: &Node, number: usize) -> Option<Rule> {
        let Content::Table(members) = &node.content else {
            self.problems
                .error(&node.span, format!("rule {number} is no table of keys"), "");
            return None;
        };
        let kind = self.kind(members, &node.span, number)?;
        let table = Table {
            span: node.span.clone(),
            members,
            number,
            kind,
        };
        self.check_keys(&table);

        // Everything is read before anything is given up, so that all problems show at once.
        let target = self.target(&table);
        let when = table
            .get("when")
            .and_then(|node| self.script(node, &format!("rule-{number}-when")));
        let events = self.events(&table);
        let why = table.get("note").and_then(|node| self.text(node, "note"));
        let action = self.action(&table);
        let position = self.problems.position(node.span.start);
        Some(Rule {
            number,
            line: position.line,
            column: position.column,
            target: target.ok()?,
            action: action?,
            default: table
                .get("default")
                .map(Node::to_value)
                .filter(|default| !default.is_null()),
            events,
            when,
            note: why.map(str::to_owned),
        })
    }

    fn kind(
        &mut self,
        members: &[Member],
        span: &Span<usize>,
        number: usize,
    ) -> Option<ActionKind> {
        let list = || ActionKind::ALL.map(ActionKind::word).join(", ");
        let Some(node) = member(members, "action") else {
            let what = format!("rule {number} has no `action`");
            self.problems
                .error(span, what, format!("add one of {}", list()));
            return None;
        };
        let word = self.text(node, "action")?;
        let kind = ActionKind::named(word);
        if kind.is_none() {
            let nearest = suggest::nearest(word, ActionKind::ALL.map(ActionKind::word));
            let what = format!("`{word}` is no action{}", suggest::clause(nearest));
            self.problems
                .error(&node.span, what, format!("the actions are {}", list()));
        }
        kind
    }

    fn check_keys(&mut self, table: &Table<'_>) {
        let mine = || table.kind.keys().iter().chain(&COMMON_KEYS).copied();
        let of_any = |key: &str| {
            ActionKind::ALL
                .iter()
                .any(|kind| kind.keys().contains(&key))
        };
        let action = table.kind.word();
        for member in table.members {
            let key = member.key.as_str();
            if mine().any(|mine| mine == key) {
                continue;
            }
            let what = if of_any(key) {
                format!("`{key}` means nothing to the action `{action}`")
            } else {
                let nearest = suggest::clause(suggest::nearest(key, mine()));
                format!("`{key}` is no key of a rule{nearest}")
            };
            let mend = format!("`{action}` takes {}", mine().collect::<Vec<_>>().join(", "));
            self.problems.error(&member.key_span, what, mend);
        }
    }

    /// The target; none for a custom rule that names its targets itself.
    fn target(&mut self, table: &Table<'_>) -> Result<Option<Path>, Noted> {
        let Some(node) = table.get("target") else {
            if table.kind != ActionKind::Custom {
                return self.missing(table, "target").ok_or(Noted);
            }
            if let Some(default) = table.get("default") {
                self.problems.error(
                    &default.span,
                    "a `default` needs a `target`",
                    "put the default in the script, or name a target",
                );
            }
            return Ok(None);
        };
        let mut path = self.path(node, "target").ok_or(Noted)?;
        if self.direction == Direction::Inbound {
            // The hosted broker's examples name work order fields both ways.
            path = path.without_leading(WORK_ORDER).unwrap_or(path);
        }
        if let Err(error) = path.check_writable() {
            let what = format!("`{path}` can't be a target: {error}");
            self.problems.error(&node.span, what, "");
            return Err(Noted);
        }
        Ok(Some(path))
    }

    fn missing<T>(&mut self, table: &Table<'_>, key: &str) -> Option<T> {
        let what = format!(
            "rule {} has no `{key}`, which the action `{}` needs",
            table.number,
            table.kind.word()
        );
        self.problems
            .error(&table.span, what, format!("add `{key}`"));
        None
    }

    fn text<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n str> {
        let text = node.text();
        if text.is_none() {
            self.problems.error(
                &node.span,
                format!("`{key}` must be a text"),
                "put it in quotes",
            );
        }
        text
    }

    fn path(&mut self, node: &Node, key: &str) -> Option<Path> {
        let text = self.text(node, key)?;
        match Path::parse(text) {
            Ok(path) => Some(path),
            Err(error) => {
                self.problems
                    .error(&node.span, format!("`{text}` is no path: {error}"), "");
                None
            }
        }
    }

    fn events(&mut self, table: &Table<'_>) -> Vec<EventName> {
        let Some(node) = table.get("events") else {
            return Vec::new();
        };
        if self.direction == Direction::Inbound {
            self.problems.error(
                &node.span,
                "inbound rules have no events: a record's change is what triggers them",
                "remove `events`, or put a condition in `when`",
            );
            return Vec::new();
        }
        let nodes = match &node.content {
            Content::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        nodes.iter().filter_map(|node| self.event(node)).collect()
    }

    fn event(&mut self, node: &Node) -> Option<EventName> {
        let name = self.text(node, "events")?;
        match name.parse() {
            Ok(event) => Some(event),
            Err(error) => {
                let known = EventName::ALL.iter().map(|event| event.as_str());
                let nearest = suggest::clause(suggest::nearest(name, known));
                self.problems
                    .error(&node.span, format!("{error}{nearest}"), "");
                None
            }
        }
    }
}
