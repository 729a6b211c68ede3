//! Where a rule's keys and values stand in its file, so that what is wrong with one is told there.

use super::node::{Content, Member, Node};
use super::problem::Problems;

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Places by the keys whose values stand there.
type Named = Box<[(Box<str>, Spot)]>;

/// The places of one rule's values.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    values: Named,
    /// The values of the elements of its list (`mappings`, `ranges` or `parts`), each with its key.
    elements: Box<[Named]>,
}

impl Places {
    /// The places of a rule's table.
    pub(super) fn of(members: &[Member], problems: &Problems<'_>) -> Self {
        let lists = members
            .iter()
            .find_map(|member| match &member.node.content {
                Content::List(nodes)
                    if matches!(member.key.as_str(), "mappings" | "ranges" | "parts") =>
                {
                    Some(nodes)
                }
                _ => None,
            });
        let element = |node: &Node| match &node.content {
            Content::Table(members) => spots(members, problems),
            _ => Box::default(),
        };
        Self {
            values: spots(members, problems),
            elements: lists.into_iter().flatten().map(element).collect(),
        }
    }

    /// Where the value of one of the rule's own keys stands.
    pub(super) fn value(&self, key: &str) -> Option<Spot> {
        named(&self.values, key)
    }

    /// Where the value of a key of an element stands; elements are counted from 0.
    pub(super) fn in_element(&self, index: usize, key: &str) -> Option<Spot> {
        named(self.elements.get(index)?, key)
    }
}

fn spots(members: &[Member], problems: &Problems<'_>) -> Named {
    let spot = |member: &Member| {
        let position = problems.position(member.node.span.start);
        let spot = Spot {
            line: position.line,
            column: position.column,
        };
        (member.key.as_str().into(), spot)
    };
    members.iter().map(spot).collect()
}

fn named(spots: &[(Box<str>, Spot)], key: &str) -> Option<Spot> {
    let found = spots.iter().find(|(name, _)| **name == *key);
    found.map(|(_, spot)| *spot)
}
