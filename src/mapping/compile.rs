//! From the tree of a mapping file to rules, noting everything that is wrong on the way.

use std::ops::Range as Span;
use std::sync::Arc;

use super::date::{DateConversion, Format, Zone};
use super::library::Library;
use super::node::{Content, Member, Node};
use super::path::Path;
use super::problem::Problems;
use super::rule::{Action, MapEntry, NoMatch, Part, Range, Rule, Source};
use super::script::{Origin, Script, ScriptSource};
use super::suggest;
use super::value::number_of;
use crate::model::{Direction, EventName};

/// The rules of both directions with their scripts.
pub(super) struct Compiled {
    pub(super) inbound: (Vec<Rule>, Vec<ScriptSource>),
    pub(super) outbound: (Vec<Rule>, Vec<ScriptSource>),
}

/// The keys that any rule may have.
const COMMON_KEYS: [&str; 5] = ["action", "target", "events", "when", "note"];

/// The actions, by their name and by the hosted broker's constant, with the keys each takes.
const ACTIONS: [(&str, &str, &[&str]); 7] = [
    ("sync", "ACTION_TYPE_SYNC", &["source", "default"]),
    ("set_static", "ACTION_TYPE_SET_STATIC", &["value"]),
    (
        "array_map",
        "ACTION_TYPE_ARRAY_MAP",
        &["source", "mappings", "default", "no_match"],
    ),
    (
        "range_map",
        "ACTION_TYPE_RANGE_MAP",
        &["source", "ranges", "default"],
    ),
    (
        "date_convert",
        "ACTION_TYPE_DATE_CONVERT",
        &[
            "source",
            "input_format",
            "output_format",
            "timezone_in",
            "timezone_out",
            "default",
        ],
    ),
    ("concat", "ACTION_TYPE_CONCAT", &["parts", "default"]),
    (
        "custom",
        "ACTION_TYPE_CUSTOM",
        &["script", "script_file", "default"],
    ),
];

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
                .error(&root.span, "a mapping is a list of rules", "")
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
    action: &'static str,
}

impl<'n> Table<'n> {
    fn get(&self, key: &str) -> Option<&'n Node> {
        self.members
            .iter()
            .find(|member| member.key == key)
            .map(|member| &member.node)
    }
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
        let table = Table {
            span: node.span.clone(),
            members,
            number,
            action: "",
        };
        let (action, keys) = self.action_word(&table)?;
        let table = Table { action, ..table };
        self.check_keys(&table, keys);

        // Everything is read before anything is given up, so that all problems show at once.
        let target = self.target(&table);
        let when = table
            .get("when")
            .and_then(|node| self.script(node, &format!("rule-{number}-when")));
        let events = self.events(&table);
        let note = table.get("note").and_then(|node| self.text(node, "note"));
        let action = self.action(&table);
        let position = self.problems.position(node.span.start);
        Some(Rule {
            number,
            line: position.line,
            column: position.column,
            target: target?,
            action: action?,
            default: table
                .get("default")
                .map(Node::to_value)
                .filter(|default| !default.is_null()),
            events,
            when,
            note: note.map(str::to_owned),
        })
    }

    fn action_word(
        &mut self,
        table: &Table<'_>,
    ) -> Option<(&'static str, &'static [&'static str])> {
        let words = || ACTIONS.iter().map(|(word, ..)| *word);
        let list = || words().collect::<Vec<_>>().join(", ");
        let number = table.number;
        let Some(node) = table.get("action") else {
            self.problems.error(
                &table.span,
                format!("rule {number} has no `action`"),
                format!("add one of {}", list()),
            );
            return None;
        };
        let word = self.text(node, "action")?;
        let known = ACTIONS
            .iter()
            .find(|(name, constant, _)| *name == word || *constant == word);
        if let Some((name, _, keys)) = known {
            return Some((name, keys));
        }
        let nearest = suggest::clause(suggest::nearest(word, words()));
        self.problems.error(
            &node.span,
            format!("`{word}` is no action{nearest}"),
            format!("the actions are {}", list()),
        );
        None
    }

    fn check_keys(&mut self, table: &Table<'_>, keys: &[&'static str]) {
        let mine = || keys.iter().chain(&COMMON_KEYS).copied();
        let all = || {
            ACTIONS
                .iter()
                .flat_map(|(_, _, keys)| keys.iter())
                .chain(&COMMON_KEYS)
                .copied()
        };
        for member in table.members {
            let key = member.key.as_str();
            if mine().any(|mine| mine == key) {
                continue;
            }
            let action = table.action;
            let what = if all().any(|any| any == key) {
                format!("`{key}` means nothing to the action `{action}`")
            } else {
                format!(
                    "`{key}` is no key of a rule{}",
                    suggest::clause(suggest::nearest(key, mine()))
                )
            };
            let mend = format!("`{action}` takes {}", mine().collect::<Vec<_>>().join(", "));
            self.problems.error(&member.key_span, what, mend);
        }
    }

    /// The target; inside `Some`, `None` stands for a custom rule that names its targets itself.
    fn target(&mut self, table: &Table<'_>) -> Option<Option<Path>> {
        let Some(node) = table.get("target") else {
            if table.action == "custom" {
                if let Some(default) = table.get("default") {
                    self.problems.error(
                        &default.span,
                        "a `default` needs a `target`",
                        "put the default in the script, or name a target",
                    );
                }
                return Some(None);
            }
            return self.missing(table, "target");
        };
        let mut path = self.path(node, "target")?;
        if self.direction == Direction::Inbound {
            // The hosted broker's examples name work order fields both ways.
            path = path
                .without_leading(super::rule::WORK_ORDER)
                .unwrap_or(path);
        }
        match path.check_writable() {
            Ok(()) => Some(Some(path)),
            Err(error) => {
                self.problems.error(
                    &node.span,
                    format!("`{path}` can't be a target: {error}"),
                    "",
                );
                None
            }
        }
    }

    fn action(&mut self, table: &Table<'_>) -> Option<Action> {
        match table.action {
            "sync" => Some(Action::Sync {
                source: self.source(table)?,
            }),
            "set_static" => match table.get("value") {
                Some(node) => Some(Action::SetStatic {
                    value: node.to_value(),
                }),
                None => self.missing(table, "value"),
            },
            "array_map" => {
                let source = self.source(table);
                let mappings = self.entries(table, "mappings");
                let no_match = self.no_match(table);
                Some(Action::ArrayMap {
                    source: source?,
                    mappings: mappings?,
                    no_match: no_match?,
                })
            }
            "range_map" => {
                let source = self.source(table);
                let ranges = self.ranges(table);
                Some(Action::RangeMap {
                    source: source?,
                    ranges: ranges?,
                })
            }
            "date_convert" => {
                let source = self.source(table);
                let conversion = self.conversion(table);
                Some(Action::DateConvert {
                    source: source?,
                    conversion: conversion?,
                })
            }
            "concat" => Some(Action::Concat {
                parts: self.parts(table)?,
            }),
            _ => Some(Action::Custom {
                script: self.custom_script(table)?,
            }),
        }
    }

    fn missing<T>(&mut self, table: &Table<'_>, key: &str) -> Option<T> {
        let what = format!(
            "rule {} has no `{key}`, which the action `{}` needs",
            table.number, table.action
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

    fn source(&mut self, table: &Table<'_>) -> Option<Source> {
        match table.get("source") {
            Some(node) => self
                .path(node, "source")
                .map(|path| Source::new(path, self.direction)),
            None => self.missing(table, "source"),
        }
    }

    fn list<'n>(&mut self, table: &Table<'n>, key: &str) -> Option<&'n [Node]> {
        match table.get(key).map(|node| (&node.content, &node.span)) {
            Some((Content::List(nodes), _)) => Some(nodes),
            Some((_, span)) => {
                self.problems
                    .error(span, format!("`{key}` must be a list"), "");
                None
            }
            None => self.missing(table, key),
        }
    }

    /// The `compare` and `value` of each element of a list.
    fn entries(&mut self, table: &Table<'_>, key: &str) -> Option<Vec<MapEntry>> {
        let nodes = self.list(table, key)?;
        let mut entries = Vec::with_capacity(nodes.len());
        let mut all_good = true;
        for node in nodes {
            match self.pair(node, key, ["compare", "value"]) {
                Some([compare, value]) => {
                    entries.push(MapEntry {
                        compare: compare.to_value(),
                        value: value.to_value(),
                    });
                }
                None => all_good = false,
            }
        }
        all_good.then_some(entries)
    }

    /// The two members that an element must have, and no others.
    fn pair<'n>(&mut self, node: &'n Node, list: &str, keys: [&str; 2]) -> Option<[&'n Node; 2]> {
        let Content::Table(members) = &node.content else {
            self.problems.error(
                &node.span,
                format!("an element of `{list}` must be a table"),
                format!("write {{ {} = …, {} = … }}", keys[0], keys[1]),
            );
            return None;
        };
        for member in members
            .iter()
            .filter(|member| !keys.contains(&member.key.as_str()))
        {
            let nearest = suggest::clause(suggest::nearest(&member.key, keys));
            self.problems.error(
                &member.key_span,
                format!("`{}` is not known in `{list}`{nearest}", member.key),
                "",
            );
        }
        let get = |key| {
            members
                .iter()
                .find(|member| member.key == key)
                .map(|member| &member.node)
        };
        match keys.map(get) {
            [Some(first), Some(second)] => Some([first, second]),
            [first, _] => {
                let missing = if first.is_none() { keys[0] } else { keys[1] };
                self.problems.error(
                    &node.span,
                    format!("this element of `{list}` has no `{missing}`"),
                    "",
                );
                None
            }
        }
    }

    fn ranges(&mut self, table: &Table<'_>) -> Option<Vec<Range>> {
        let nodes = self.list(table, "ranges")?;
        let mut ranges = Vec::with_capacity(nodes.len());
        let mut all_good = true;
        for node in nodes {
            let Some([compare, value]) = self.pair(node, "ranges", ["compare", "value"]) else {
                all_good = false;
                continue;
            };
            match number_of(&compare.to_value()) {
                Some(number) => ranges.push(Range {
                    compare: number,
                    value: value.to_value(),
                }),
                None => {
                    self.problems
                        .error(&compare.span, "`compare` of a range must be a number", "");
                    all_good = false;
                }
            }
        }
        all_good.then_some(ranges)
    }

    fn no_match(&mut self, table: &Table<'_>) -> Option<NoMatch> {
        let Some(node) = table.get("no_match") else {
            return Some(NoMatch::Default);
        };
        match node.text() {
            Some("error") => Some(NoMatch::Error),
            Some("default") => Some(NoMatch::Default),
            _ => {
                self.problems
                    .error(&node.span, "`no_match` is \"error\" or \"default\"", "");
                None
            }
        }
    }

    fn conversion(&mut self, table: &Table<'_>) -> Option<DateConversion> {
        let input = self.format(table, "input_format");
        let output = self.format(table, "output_format");
        let zone_in = self.zone(table, "timezone_in");
        let zone_out = self.zone(table, "timezone_out");
        match DateConversion::new(input?, output?, zone_in?, zone_out?) {
            Ok(conversion) => Some(conversion),
            Err(error) => {
                self.problems.error(
                    &table.span,
                    format!("rule {}: {error}", table.number),
                    "complete `input_format`",
                );
                None
            }
        }
    }

    fn format(&mut self, table: &Table<'_>, key: &str) -> Option<Format> {
        let Some(node) = table.get(key) else {
            return self.missing(table, key);
        };
        let parsed = Format::parse(self.text(node, key)?);
        parsed
            .map_err(|error| {
                self.problems
                    .error(&node.span, format!("`{key}`: {error}"), "")
            })
            .ok()
    }

    fn zone(&mut self, table: &Table<'_>, key: &str) -> Option<Zone> {
        let Some(node) = table.get(key) else {
            return Some(Zone::utc());
        };
        let zone = Zone::named(self.text(node, key)?);
        zone.map_err(|error| {
            self.problems
                .error(&node.span, format!("`{key}`: {error}"), "")
        })
        .ok()
    }

    fn parts(&mut self, table: &Table<'_>) -> Option<Vec<Part>> {
        let nodes = self.list(table, "parts")?;
        let parts: Vec<Option<Part>> = nodes.iter().map(|node| self.part(node)).collect();
        parts.into_iter().collect()
    }

    fn part(&mut self, node: &Node) -> Option<Part> {
        let [kind, value] = self.pair(node, "parts", ["type", "value"])?;
        match kind.text() {
            Some("field") => self
                .path(value, "value")
                .map(|path| Part::Field(Source::new(path, self.direction))),
            Some("static") => match super::value::scalar_text(&value.to_value()) {
                Some(text) => Some(Part::Static(text.into_owned())),
                None => {
                    self.problems
                        .error(&value.span, "a static part must be a text", "");
                    None
                }
            },
            _ => {
                self.problems
                    .error(&kind.span, "a part's `type` is \"field\" or \"static\"", "");
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

    fn custom_script(&mut self, table: &Table<'_>) -> Option<Script> {
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

    fn script(&mut self, node: &Node, name: &str) -> Option<Script> {
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
                let link = super::script::Link {
                    from: String::new(),
                    import: file.to_owned(),
                    name: canonical.clone(),
                };
                if !self.library.links.contains(&link) {
                    self.library.links.push(link);
                }
                let position = super::problem::Position {
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
            let (line, column) = super::problem::Lines::new(&text).locate(fault.offset);
            let position = origin.locate(line, column);
            self.problems.push(super::problem::Problem {
                position,
                severity: super::problem::Severity::Error,
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::Mapping;
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let result = Mapping::parse(text, "cw.toml", None);
        result
            .err()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_place() {
        let text = r#"
[[inbound]]
sorce = "summary"
target = "title"
action = "sync"

[[inbound]]
source = "a["
target = "b[*].c"
action = "sync"

[[inbound]]
action = "snyc"

[[inbound]]
source = "dateEntered"
target = "x"
action = "date_convert"
input_format = "YYYY-Qo"
output_format = "YYYY"
timezone_in = "America/NewYork"
ranges = []

[[outbound]]
target = "status"
action = "array_map"
source = "status.name"
events = ["FN_WO_ASIGNED"]
mappings = [{ compare = "a", vale = "b" }]
"#;
        let found = problems(text);
        let expected = [
            "cw.toml:2:1: rule 1 has no `source`",
            "cw.toml:3:1: `sorce` is no key of a rule (did you mean `source`?)",
            "cw.toml:8:10: `a[` is no path",
            "cw.toml:9:10: `b[*].c` can't be a target",
            "cw.toml:13:10: `snyc` is no action (did you mean `sync`?)",
            "cw.toml:19:16: `input_format`: `Q`",
            "cw.toml:21:15: `timezone_in`: `America/NewYork` is no time zone (did you mean `America/New_York`?)",
            "cw.toml:22:1: `ranges` means nothing to the action `date_convert`",
            "cw.toml:28:11: `FN_WO_ASIGNED` is no Field Nation event (did you mean `FN_WO_ASSIGNED`?)",
            "cw.toml:29:13: this element of `mappings` has no `value`",
            "cw.toml:29:30: `vale` is not known in `mappings` (did you mean `value`?)",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }

    #[test]
    fn broken_toml_and_json_say_where() {
        assert!(problems("[[inbound]]\nsource = \n")[0].starts_with("cw.toml:2:"));
        let json =
            Mapping::parse("{\"inbound\": [\n {\"source\" \"x\"}]}", "cw.json", None).unwrap_err();
        assert_eq!(json[0].position.line, 2);
        assert!(problems("[inbound]\nsource = 1")[0].contains("must be a list"));
        assert!(problems("inbund = []")[0].contains("did you mean `inbound`"));
    }

    #[test]
    fn rules_of_every_action_are_read() {
        let text = r#"
[[inbound]]
source = "summary"
target = "workorder.title"
action = "sync"
default = "Untitled"
note = "the dispatcher wants it"

[[inbound]]
target = "manager.id"
action = "set_static"
value = 12

[[outbound]]
source = "workorder.time_logs.hours"
target = "bucket"
action = "range_map"
ranges = [{ compare = 0.5, value = "short" }, { compare = "1", value = "long" }]

[[outbound]]
target = "name"
action = "concat"
parts = [{ type = "field", value = "assignee.user.first_name" }, { type = "static", value = " " }]
events = ["FN_WO_ASSIGNED"]

[[outbound]]
action = "custom"
when = "$.input.id > 1"
script = '''
{ a: 1 }
'''
"#;
        let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
        let inbound = mapping.rules(Direction::Inbound);
        assert_eq!(inbound[0].target.as_ref().unwrap().to_string(), "title");
        assert_eq!((inbound[0].line, inbound[1].line), (2, 9));
        let outbound = mapping.rules(Direction::Outbound);
        assert!(
            matches!(&outbound[0].action, Action::RangeMap { ranges, .. } if ranges[1].compare == 1.0)
        );
        assert!(outbound[2].target.is_none() && outbound[2].when.is_some());
        assert!(mapping.listens_to(EventName::Paid));

        let other = Mapping::parse(&text.replace("Untitled", "None"), "cw.toml", None).unwrap();
        assert_ne!(mapping.version(), other.version());
        let again = Mapping::from_sources(mapping.sources()).unwrap();
        assert_eq!(mapping.version(), again.version());
    }

    #[test]
    fn a_mapping_listens_only_to_the_events_of_its_rules() {
        let text = "[[outbound]]\ntarget = \"a\"\naction = \"set_static\"\nvalue = 1\nevents = \"FN_WO_DONE\"\n";
        let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
        assert!(mapping.listens_to(EventName::Done));
        assert!(!mapping.listens_to(EventName::Paid));
    }

    #[test]
    fn places_in_a_script_are_places_in_the_file() {
        let text = "[[inbound]]\naction = \"custom\"\ntarget = \"a\"\nscript = '''\nlocal x = 1;\n  x\n'''\n";
        let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
        let Action::Custom { script } = &mapping.rules(Direction::Inbound)[0].action else {
            panic!("not custom")
        };
        let position = script.origin.locate(2, 3);
        assert_eq!((position.line, position.column), (6, 3));
        let text = "[[inbound]]\naction = \"custom\"\ntarget = \"a\"\nscript = \"$.x\"\n";
        let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
        let Action::Custom { script } = &mapping.rules(Direction::Inbound)[0].action else {
            panic!("not custom")
        };
        assert_eq!(script.origin.locate(1, 3).column, 13);
    }

    #[test]
    fn a_value_is_any_json_or_toml_value() {
        let text = "[[inbound]]\naction = \"set_static\"\ntarget = \"a\"\nvalue = { b = [1, 2.5, true], c = 2025-01-01 }\n";
        let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
        let Action::SetStatic { value } = &mapping.rules(Direction::Inbound)[0].action else {
            panic!("not static")
        };
        assert_eq!(
            *value,
            serde_json::json!({"b": [1, 2.5, true], "c": "2025-01-01"})
        );
        assert!(matches!(value, Value::Object(_)));
    }
}
