//! What each action takes.

use std::borrow::Cow;
use std::fmt::Display;

use super::{Compiler, Table};
use crate::mapping::date::{DateConversion, Format, Zone};
use crate::mapping::node::{Content, Node};
use crate::mapping::rule::{Action, MapEntry, NoMatch, Part, Range, Source};
use crate::mapping::suggest;
use crate::mapping::value::{number_of, scalar_text};

use super::kind::ActionKind;

impl Compiler<'_, '_> {
    pub(super) fn action(&mut self, table: &Table<'_>) -> Option<Action> {
        match table.kind {
            ActionKind::Sync => Some(Action::Sync {
                source: self.source(table)?,
            }),
            ActionKind::SetStatic => match table.get("value") {
                Some(node) => Some(Action::SetStatic {
                    value: node.to_value(),
                }),
                None => self.missing(table, "value"),
            },
            ActionKind::ArrayMap => {
                let source = self.source(table);
                let mappings = self.entries(table, "mappings");
                let no_match = self.no_match(table);
                Some(Action::ArrayMap {
                    source: source?,
                    mappings: mappings?,
                    no_match: no_match?,
                })
            }
            ActionKind::RangeMap => {
                let source = self.source(table);
                let ranges = self.ranges(table);
                Some(Action::RangeMap {
                    source: source?,
                    ranges: ranges?,
                })
            }
            ActionKind::DateConvert => {
                let source = self.source(table);
                let conversion = self.conversion(table);
                Some(Action::DateConvert {
                    source: source?,
                    conversion: conversion?,
                })
            }
            ActionKind::Concat => Some(Action::Concat {
                parts: self.parts(table)?,
            }),
            ActionKind::Custom => Some(Action::Custom {
                script: self.custom_script(table)?,
            }),
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
            if let Some(number) = number_of(&compare.to_value()) {
                let value = value.to_value();
                ranges.push(Range {
                    compare: number,
                    value,
                });
            } else {
                self.problems
                    .error(&compare.span, "`compare` of a range must be a number", "");
                all_good = false;
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
                let place = table
                    .get("input_format")
                    .map_or(&table.span, |node| &node.span);
                self.problems.error(
                    place,
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
        self.noting(node, key, parsed)
    }

    fn zone(&mut self, table: &Table<'_>, key: &str) -> Option<Zone> {
        let Some(node) = table.get(key) else {
            return Some(Zone::utc());
        };
        let zone = Zone::named(self.text(node, key)?);
        self.noting(node, key, zone)
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
            Some("static") => {
                let text = scalar_text(&value.to_value()).map(Cow::into_owned);
                if text.is_none() {
                    self.problems
                        .error(&value.span, "a static part must be a text", "");
                }
                text.map(Part::Static)
            }
            _ => {
                self.problems
                    .error(&kind.span, "a part's `type` is \"field\" or \"static\"", "");
                None
            }
        }
    }

    /// The value, or nothing and a problem at the key's node.
    fn noting<T>(&mut self, node: &Node, key: &str, result: Result<T, impl Display>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems
                    .error(&node.span, format!("`{key}`: {error}"), "");
                None
            }
        }
    }
}
