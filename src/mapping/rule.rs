//! Rules, ready to be executed.

use std::borrow::Cow;

use serde_json::Value;

use super::date::DateConversion;
use super::path::Path;
use super::places::Places;
use super::script::Script;
use crate::model::{Direction, EventName};

/// A field of the source, found with and without the leading `workorder.`.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as written.
    pub path: Path,
    /// The path without its leading `workorder.`, if it has one and the source is a work order.
    pub(super) without_work_order: Option<Path>,
    /// Whether the field may lie inside a member `workorder` that the path does not name.
    pub(super) perhaps_in_work_order: bool,
}

impl Source {
    /// The source field of a path in rules of a direction.
    #[must_use]
    pub fn new(path: Path, direction: Direction) -> Self {
        let of_work_order = direction == Direction::Outbound;
        let without_work_order = path.without_leading(WORK_ORDER).filter(|_| of_work_order);
        Self {
            perhaps_in_work_order: of_work_order && without_work_order.is_none(),
            without_work_order,
            path,
        }
    }
}

impl Source {
    /// What lies there in a record.
    #[must_use]
    pub fn read<'v>(&self, input: &'v Value) -> Option<Cow<'v, Value>> {
        self.path
            .read(input)
            .or_else(|| self.without_work_order.as_ref()?.read(input))
            .or_else(|| {
                let within = match &self.without_work_order {
                    Some(without) => without,
                    None if self.perhaps_in_work_order => &self.path,
                    None => return None,
                };
                within.read(input.get(WORK_ORDER)?)
            })
    }
}

/// The member by which an event names its work order.
pub(super) const WORK_ORDER: &str = "workorder";

/// A pair of an Array Map.
#[derive(Clone, Debug, PartialEq)]
pub struct MapEntry {
    /// What the source must equal.
    pub compare: Value,
    /// What the target becomes.
    pub value: Value,
}

/// A bucket of a Range Map.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The largest number that belongs to it.
    pub compare: f64,
    /// What the target becomes.
    pub value: Value,
}

/// A piece of a Concat.
#[derive(Clone, Debug)]
pub enum Part {
    /// A field's text.
    Field(Source),
    /// Fixed text.
    Static(String),
}

/// What happens when no entry of an Array Map fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoMatch {
    /// The default, or else the target stays unset, with a warning.
    #[default]
    Default,
    /// The transformation fails.
    Error,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Copies the source.
    Sync {
        /// What is copied.
        source: Source,
    },
    /// Writes a fixed value.
    SetStatic {
        /// The value.
        value: Value,
    },
    /// Looks the source up.
    ArrayMap {
        /// What is looked up.
        source: Source,
        /// The entries; the first that fits wins.
        mappings: Vec<MapEntry>,
        /// What happens when none fits.
        no_match: NoMatch,
    },
    /// Finds the range that the source lies in.
    RangeMap {
        /// The number.
        source: Source,
        /// The ranges; the leftmost that is not exceeded wins.
        ranges: Vec<Range>,
    },
    /// Writes a date another way.
    DateConvert {
        /// The date.
        source: Source,
        /// How it is read and written.
        conversion: DateConversion,
    },
    /// Joins texts.
    Concat {
        /// The pieces in order.
        parts: Vec<Part>,
    },
    /// Evaluates Jsonnet.
    Custom {
        /// The script.
        script: Script,
    },
}

impl Action {
    /// The action's name in mapping files.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sync { .. } => "sync",
            Self::SetStatic { .. } => "set_static",
            Self::ArrayMap { .. } => "array_map",
            Self::RangeMap { .. } => "range_map",
            Self::DateConvert { .. } => "date_convert",
            Self::Concat { .. } => "concat",
            Self::Custom { .. } => "custom",
        }
    }

    /// The one field it reads, for those that read one.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Sync { source }
            | Self::ArrayMap { source, .. }
            | Self::RangeMap { source, .. }
            | Self::DateConvert { source, .. } => Some(source),
            Self::SetStatic { .. } | Self::Concat { .. } | Self::Custom { .. } => None,
        }
    }
}

/// One rule of a mapping.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its number among the rules of its direction, from 1.
    pub number: usize,
    /// The line of its file on which it begins, from 1.
    pub line: usize,
    /// The column of that line, from 1.
    pub column: usize,
    /// Where its value goes; a custom action without a target gives an object of several targets.
    pub target: Option<Path>,
    /// What it does.
    pub action: Action,
    /// The value when the source is empty.
    pub default: Option<Value>,
    /// The events for which it holds; empty for all.
    pub events: Vec<EventName>,
    /// The condition on which it holds.
    pub when: Option<Script>,
    /// Why it is there.
    pub note: Option<String>,
    /// Where its keys and values stand.
    pub(super) places: Places,
}

impl Rule {
    /// Whether it holds for an event. Without an event (a resync, a preview) every rule holds.
    #[must_use]
    pub fn wants(&self, event: Option<EventName>) -> bool {
        self.events.is_empty() || event.is_none_or(|event| self.events.contains(&event))
    }

    /// Whether it needs a script worker.
    #[must_use]
    pub fn has_script(&self) -> bool {
        self.when.is_some() || matches!(self.action, Action::Custom { .. })
    }
}
