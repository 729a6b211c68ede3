//! What rules read and write, held against the fields that there are.

use serde_json::Value;

use super::Check;
use super::fit::{
    Copying, Misfit, compare_misfit, copying, instead, picklist_misfit, value_misfit,
};
use crate::mapping::known::{field_like, is_known_source, is_within_known, nearest, source_field};
use crate::mapping::places::Spot;
use crate::mapping::problem::Severity;
use crate::mapping::rule::{Action, Part, Rule, Source};
use crate::mapping::value::kind_words;
use crate::model::{Catalogue, Field, FieldKind};

const REFRESH: &str = "correct it, or refresh the fields if it is new";

impl Check<'_> {
    /// The fields that a rule reads: whether they are known, and whether the action can do something with them.
    pub(super) fn sources(&mut self, rule: &Rule, catalogue: &Catalogue) {
        for (source, spot) in read_by(rule) {
            if !is_known_source(source, catalogue) {
                let path = &source.path;
                let what = format!(
                    "rule {}: the source field `{path}` is not known{}",
                    rule.number,
                    nearest(path, catalogue)
                );
                self.note(rule, spot, Severity::Warning, what, REFRESH);
                continue;
            }
            let Some(field) = source_field(source, catalogue) else {
                continue;
            };
            self.readable(rule, source, field, spot);
            if let Action::ArrayMap { mappings, .. } = &rule.action {
                let compared: Vec<&Value> = mappings.iter().map(|entry| &entry.compare).collect();
                self.compared(rule, source, field, &compared);
            }
        }
    }

    /// Whether the action can work on a field of this kind.
    fn readable(&mut self, rule: &Rule, source: &Source, field: &Field, spot: Option<Spot>) {
        use FieldKind::{Boolean, Date, DateTime, List, Object};
        let kind = kind_of(source, field);
        let what = match (&rule.action, kind) {
            (Action::RangeMap { .. }, Object | List | Boolean | Date | DateTime) => {
                "which lies in no range"
            }
            (Action::DateConvert { .. }, Object | List | Boolean) => "and no date",
            (Action::Concat { .. }, Object) => "which has no text",
            (Action::ArrayMap { .. }, Object | List) => "which equals no entry",
            _ => return,
        };
        let path = &source.path;
        let what = format!(
            "rule {}: `{path}` is {}, {what}",
            rule.number,
            kind_words(kind)
        );
        let mend = match kind {
            Object => "name the member that is meant, such as its `name`",
            List => "name one element, such as [0]",
            _ => "use another field or another action",
        };
        self.note(rule, spot, Severity::Warning, what, mend);
    }

    fn compared(&mut self, rule: &Rule, source: &Source, field: &Field, compared: &[&Value]) {
        for (index, compare) in compared.iter().enumerate() {
            let path = source.path.to_string();
            if let Some(misfit) = compare_misfit(field, &path, compare) {
                let spot = rule.places.in_element(index, "compare");
                let what = format!("rule {}: {}", rule.number, misfit.what);
                self.note(rule, spot, Severity::Warning, what, misfit.mend);
            }
        }
    }

    /// The field that a rule writes: whether it is known and can be written, and whether what is fixed fits it.
    pub(super) fn target(&mut self, rule: &Rule, catalogue: &Catalogue) {
        let Some(target) = &rule.target else {
            return;
        };
        let number = rule.number;
        let spot = rule.places.value("target");
        let Some(field) = field_like(target, catalogue) else {
            if !is_within_known(target, catalogue) {
                let what = format!(
                    "rule {number}: the target field `{target}` is not known{}",
                    nearest(target, catalogue)
                );
                self.note(rule, spot, Severity::Warning, what, REFRESH);
            }
            return;
        };
        if field.read_only {
            let what = format!("rule {number}: the target field `{target}` can't be written");
            self.note(rule, spot, Severity::Error, what, "remove the rule");
        }
        for (value, spot) in fixed_values(rule) {
            if let Some(misfit) = value_misfit(field, value) {
                let what = format!("rule {number}: for `{target}`, {}", misfit.what);
                self.note(rule, spot, Severity::Error, what, misfit.mend);
            }
        }
    }

    /// Whether what a rule copies can become what its target takes.
    pub(super) fn copied(&mut self, rule: &Rule, from: &Catalogue, to: &Catalogue) {
        let (Action::Sync { source }, Some(target)) = (&rule.action, &rule.target) else {
            return;
        };
        let (Some(read), Some(written)) = (source_field(source, from), field_like(target, to))
        else {
            return;
        };
        let spot = rule.places.value("source");
        let kind = kind_of(source, read);
        let severity = match copying(kind, written.kind) {
            Copying::Works => {
                if let Some(Misfit { what, mend }) = picklist_misfit(read, written) {
                    let what = format!("rule {}: {what}", rule.number);
                    self.note(rule, spot, Severity::Warning, what, mend);
                }
                return;
            }
            Copying::Hardly => Severity::Warning,
            Copying::Never => Severity::Error,
        };
        let what = format!(
            "rule {}: `{}` is {}, and the target `{target}` takes {}",
            rule.number,
            source.path,
            kind_words(kind),
            kind_words(written.kind)
        );
        self.note(rule, spot, severity, what, instead(kind, written.kind));
    }
}

/// What a path gives: `[*]` makes a list of whatever it is.
fn kind_of(source: &Source, field: &Field) -> FieldKind {
    if source.path.collects() {
        FieldKind::List
    } else {
        field.kind
    }
}

/// The fields that a rule reads, with their places.
fn read_by(rule: &Rule) -> Vec<(&Source, Option<Spot>)> {
    let parts: &[Part] = match &rule.action {
        Action::Concat { parts } => parts,
        _ => &[],
    };
    let fields = parts
        .iter()
        .enumerate()
        .filter_map(|(index, part)| match part {
            Part::Field(source) => Some((source, rule.places.in_element(index, "value"))),
            Part::Static(_) => None,
        });
    let own = rule
        .action
        .source()
        .map(|source| (source, rule.places.value("source")));
    own.into_iter().chain(fields).collect()
}

/// The values that a rule may write whatever the record says, with their places.
fn fixed_values(rule: &Rule) -> Vec<(&Value, Option<Spot>)> {
    let element = |index| rule.places.in_element(index, "value");
    let mut values: Vec<(&Value, Option<Spot>)> = match &rule.action {
        Action::SetStatic { value } => vec![(value, rule.places.value("value"))],
        Action::ArrayMap { mappings, .. } => mappings
            .iter()
            .enumerate()
            .map(|(index, entry)| (&entry.value, element(index)))
            .collect(),
        Action::RangeMap { ranges, .. } => ranges
            .iter()
            .enumerate()
            .map(|(index, range)| (&range.value, element(index)))
            .collect(),
        _ => Vec::new(),
    };
    values.extend(
        rule.default
            .as_ref()
            .map(|default| (default, rule.places.value("default"))),
    );
    values
}
