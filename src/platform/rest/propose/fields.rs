//! The fields of the record that a fetch answers, by what they may be good for.

use super::rank::plain;
use crate::mapping::Path;
use crate::model::{Field, FieldKind};
use crate::openapi::{Document, Operation, Place, Purpose, Schema};
use crate::platform::rest::envelope;

/// Where the record stands in an answer, and its fields.
#[derive(Clone, Debug, Default)]
pub(super) struct RecordFields {
    /// Where the record is, if not at the top.
    pub(super) envelope: Option<String>,
    /// The members of an answer that may hold it.
    pub(super) envelopes: Vec<String>,
    /// May be the record's id, the likeliest first; so are the others.
    pub(super) id: Vec<String>,
    pub(super) label: Vec<String>,
    pub(super) changed_at: Vec<String>,
    pub(super) marker: Vec<String>,
    pub(super) all: Vec<String>,
}

impl RecordFields {
    /// The fields of what a fetch answers; `set` is where a person says that the record is, empty for the top.
    pub(super) fn of(document: &Document, fetch: Option<&Operation>, set: Option<&str>) -> Self {
        let Some(fetch) = fetch else {
            return Self::default();
        };
        let guessed = || {
            let id = Path::parse("id").ok()?;
            envelope::guess(document, fetch, &id)
        };
        let envelope = set.map(str::to_owned).or_else(guessed);
        let mut found = Self {
            envelope,
            ..Self::default()
        };
        let Some(answer) = answer(fetch) else {
            return found;
        };
        found.envelopes = holding(document, answer);
        if let Some(record) = record(document, answer, found.envelope.as_deref()) {
            let asked_for = fetch.parameters_in(Place::Path).last();
            let asked_for = asked_for.map(|parameter| plain(&parameter.name));
            found.sort(
                &document.fields(&record, Purpose::Read),
                asked_for.as_deref(),
            );
        }
        found
    }

    /// Sorts fields by what they may be good for; `asked_for` is the parameter by which a record is asked for.
    fn sort(&mut self, fields: &[Field], asked_for: Option<&str>) {
        let named = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
            let found = fields.iter().filter(|field| wanted(&plain(&field.path)));
            found.map(|field| field.path.clone()).collect()
        };
        let ids = ["id", "sysid", "recordid", "ticketid", "key", "number"];
        self.id = named(&|name| ids.contains(&name) || asked_for == Some(name));
        // A field that is called as the parameter is what the parameter means.
        self.id.sort_by_key(|path| asked_for != Some(&plain(path)));
        let labels = ["subject", "title", "summary", "name", "shortdescription"];
        self.label = named(&|name| labels.contains(&name));
        let changed = ["updat", "modif", "chang"];
        let times = fields
            .iter()
            .filter(|field| field.kind == FieldKind::DateTime);
        let times =
            times.filter(|field| changed.iter().any(|word| plain(&field.path).contains(word)));
        self.changed_at = times.map(|field| field.path.clone()).collect();
        self.marker = named(&may_hold_marker);
        self.all = fields.iter().map(|field| field.path.clone()).collect();
    }
}

/// Whether something of this name, without case and punctuation, may hold our marker.
pub(super) fn may_hold_marker(name: &str) -> bool {
    ["external", "reference", "correlation"]
        .iter()
        .any(|word| name.contains(word))
}

/// What an operation answers as JSON.
pub(super) fn answer(operation: &Operation) -> Option<&Schema> {
    operation.json_answer()?.schema.as_ref()
}

/// The members of an answer that hold objects, or lists of them.
fn holding(document: &Document, answer: &Schema) -> Vec<String> {
    let mut names = document.property_names(answer);
    names.retain(|name| {
        let inner = document.property(answer, name);
        inner.is_some_and(|inner| {
            let record = document.items(&inner).unwrap_or(inner);
            !document.property_names(&record).is_empty()
        })
    });
    names
}

/// The schema of the record within an answer; of a list, that of its items.
pub(super) fn record(
    document: &Document,
    answer: &Schema,
    envelope: Option<&str>,
) -> Option<Schema> {
    let names = envelope.unwrap_or_default().split('.');
    let mut names = names.filter(|name| !name.is_empty());
    let inner = names.try_fold(answer.clone(), |schema, name| {
        document.property(&schema, name)
    })?;
    Some(document.items(&inner).unwrap_or(inner))
}
