//! Which rule reads which node of the source, and writes which of the output.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::tree::{contains, located};
use crate::engine::PreviewResult;
use crate::mapping::{Path, RuleText};

/// What belongs together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    reads: BTreeMap<usize, BTreeSet<String>>,
    writes: BTreeMap<usize, BTreeSet<String>>,
}

impl Links {
    /// What belongs together by what a preview did, and by what the rules say they read.
    #[must_use]
    pub fn of(text: &str, rules: &[RuleText], result: &PreviewResult) -> Self {
        let output = Value::Object(result.output.clone());
        let mut links = Self::default();
        for field in &result.fields {
            if let Some(source) = &field.source {
                links.read(field.rule, source, &result.source);
            }
            if let Ok(path) = Path::parse(&field.target) {
                let node = located(&path, &output);
                links.writes.entry(field.rule).or_default().insert(node);
            }
        }
        for rule in rules {
            let block = text.get(rule.range.clone()).unwrap_or_default();
            for path in paths_in_script(block).chain(paths_in_parts(&rule.source)) {
                links.read(rule.number, path, &result.source);
            }
        }
        links
    }

    fn read(&mut self, rule: usize, path: &str, source: &Value) {
        if let Ok(path) = Path::parse(path) {
            let node = located(&path, source);
            self.reads.entry(rule).or_default().insert(node);
        }
    }

    /// The rules that read a node or what is in it.
    #[must_use]
    pub fn reading(&self, node: &str) -> BTreeSet<usize> {
        within(&self.reads, node)
    }

    /// The rules that write a node or what is in it.
    #[must_use]
    pub fn writing(&self, node: &str) -> BTreeSet<usize> {
        within(&self.writes, node)
    }

    /// What rules read.
    #[must_use]
    pub fn read_by(&self, rules: &BTreeSet<usize>) -> BTreeSet<&str> {
        of(&self.reads, rules)
    }

    /// What rules write.
    #[must_use]
    pub fn written_by(&self, rules: &BTreeSet<usize>) -> BTreeSet<&str> {
        of(&self.writes, rules)
    }
}

fn within(nodes: &BTreeMap<usize, BTreeSet<String>>, outer: &str) -> BTreeSet<usize> {
    let holding = nodes
        .iter()
        .filter(|(_, nodes)| nodes.iter().any(|node| contains(outer, node)));
    holding.map(|(rule, _)| *rule).collect()
}

fn of<'l>(
    nodes: &'l BTreeMap<usize, BTreeSet<String>>,
    rules: &BTreeSet<usize>,
) -> BTreeSet<&'l str> {
    let nodes = rules.iter().filter_map(|rule| nodes.get(rule));
    nodes.flatten().map(String::as_str).collect()
}

/// The paths that a script takes from its input: `$.input.site.city`, and what it looks up by name.
fn paths_in_script(block: &str) -> impl Iterator<Item = &str> {
    let is_path = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.');
    let direct = block.split("$.input.").skip(1).map(move |rest| {
        let end = rest.find(|one| !is_path(one)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().trim_end_matches('.')
    });
    let looked_up = block.split("$.input,").skip(1).filter_map(|rest| {
        let rest = rest.trim_start();
        let quote = rest
            .chars()
            .next()
            .filter(|one| matches!(one, '\'' | '"'))?;
        rest.split(quote).nth(1)
    });
    direct.chain(looked_up).filter(|path| !path.is_empty())
}

/// The fields of a concatenation as the outline shows it: `first + " " + last`.
fn paths_in_parts(source: &str) -> impl Iterator<Item = &str> {
    let parts = source.contains(" + ").then(|| source.split(" + "));
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.starts_with('"') && !part.ends_with('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_tells_what_it_reads() {
        let block = "script = '''\n$.util.array_map(states, $.input.site.city) + $.util.lookup_field($.input, 'a[id=1]')\n+ $.input.x.'''";
        let paths: Vec<_> = paths_in_script(block).collect();
        assert_eq!(paths, ["site.city", "x", "a[id=1]"]);
        let parts: Vec<_> = paths_in_parts("first + \" \" + last").collect();
        assert_eq!(parts, ["first", "last"]);
        assert_eq!(paths_in_parts("summary").count(), 0);
    }
}
