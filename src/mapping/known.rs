//! The fields of a catalogue that a path means.

use super::path::Path;
use super::rule::Source;
use super::suggest;
use crate::model::{Catalogue, Field, FieldKind};

/// The field of a path, any element of an array being as good as any other.
pub(super) fn field_like<'c>(path: &Path, catalogue: &'c Catalogue) -> Option<&'c Field> {
    catalogue.field(path.text()).or_else(|| {
        catalogue
            .fields
            .iter()
            .find(|field| Path::parse(&field.path).is_ok_and(|known| known.is_like(path)))
    })
}

/// The field that a rule reads.
pub(super) fn source_field<'c>(source: &Source, catalogue: &'c Catalogue) -> Option<&'c Field> {
    field_like(&source.path, catalogue)
        .or_else(|| field_like(source.without_work_order.as_ref()?, catalogue))
}

/// Whether a path lies inside a known field, or known fields inside it.
pub(super) fn is_within_known(path: &Path, catalogue: &Catalogue) -> bool {
    let custom_fields = catalogue.field("custom_fields");
    if path.names_custom_field() && custom_fields.is_some() {
        return true;
    }
    let is_container = |kind| matches!(kind, FieldKind::Object | FieldKind::List | FieldKind::Any);
    catalogue.fields.iter().any(|field| {
        Path::parse(&field.path).is_ok_and(|known| {
            known.begins_like(path) || (is_container(field.kind) && path.begins_like(&known))
        })
    })
}

/// Whether what a rule reads is a known field, lies inside one, or holds some.
pub(super) fn is_known_source(source: &Source, catalogue: &Catalogue) -> bool {
    let is_known =
        |path: &Path| field_like(path, catalogue).is_some() || is_within_known(path, catalogue);
    is_known(&source.path) || source.without_work_order.as_ref().is_some_and(is_known)
}

/// ` (did you mean …?)` with the known path nearest to this one, or nothing.
pub(super) fn nearest(path: &Path, catalogue: &Catalogue) -> String {
    let known = catalogue.fields.iter().map(|field| field.path.as_str());
    suggest::clause(suggest::nearest(path.text(), known))
}
