//! The catalogue that mappings are written against, laid out as records are fetched.

use super::describe::{Describe, ObjectField};
use crate::model::{Catalogue, Field, FieldKind, PicklistValue, Timestamp};

/// The path of a note for staff, to be written only.
pub(super) const PRIVATE_NOTE: &str = "private_note";

/// The path of a note for the customer too, to be written only.
pub(super) const PUBLIC_NOTE: &str = "public_note";

/// A field of a related object: its path, the relation's label, and what it is like where that is known.
pub(super) struct ParentField<'a> {
    pub(super) path: &'a str,
    pub(super) field: Option<&'a ObjectField>,
}

/// Makes the catalogue of an object, of what comes along of its parents, and of the side records.
pub(super) fn of(
    object: &Describe,
    parents: &[ParentField<'_>],
    sides: &[(&str, &Describe)],
    read_at: Timestamp,
) -> Catalogue {
    let mut fields: Vec<Field> = object
        .fields
        .iter()
        .map(|field| described(field, field.name.clone()))
        .collect();
    for parent in parents {
        let field = match parent.field {
            Some(field) => {
                let mut described = described(field, parent.path.to_owned());
                described.label = format!("{} ({})", field.label, relation(parent.path));
                described
            }
            None => Field::new(parent.path, parent.path, FieldKind::Text),
        };
        let mut field = field.read_only();
        field.required = false;
        fields.push(field);
    }
    for (path, label) in [
        (PRIVATE_NOTE, "Internal message to be added (never read)"),
        (PUBLIC_NOTE, "Public message to be added (never read)"),
    ] {
        fields.push(Field::new(path, label, FieldKind::Text));
    }
    for (name, side) in sides {
        let writable = side
            .fields
            .iter()
            .filter(|field| field.createable || field.updateable);
        fields.extend(writable.map(|field| {
            let mut described = described(field, format!("{name}.{}", field.name));
            described.label = format!("{} ({})", field.label, side.label);
            described.required = false;
            described
        }));
    }
    Catalogue { fields, read_at }
}

fn relation(path: &str) -> &str {
    path.split_once('.').map_or(path, |(relation, _)| relation)
}

fn described(field: &ObjectField, path: String) -> Field {
    let mut described = Field::new(path, &field.label, field.kind.field_kind());
    described.required = field.required;
    described.read_only = !field.createable && !field.updateable;
    let is_text = described.kind == FieldKind::Text && field.picklist.is_empty();
    described.max_length = (is_text && field.length > 0).then_some(field.length);
    // A value beyond the list is taken where the list is not restricted, so only a restricted one binds mappings.
    if field.restricted || field.kind == super::describe::Kind::Picklist {
        let value = |(value, label): &(String, String)| PicklistValue {
            value: value.clone(),
            label: label.clone(),
        };
        if field.kind == super::describe::Kind::Picklist {
            described.picklist = field.picklist.iter().map(value).collect();
        }
    }
    described
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_parents_notes_and_sides_have_paths_of_their_own() {
        let case = Describe::read(&json!({"name": "Case", "label": "Case", "fields": [
            {"name": "Id", "label": "Case ID", "type": "id", "nillable": false, "createable": false},
            {"name": "Subject", "label": "Subject", "type": "string", "length": 255, "createable": true, "updateable": true, "nillable": true},
            {"name": "Status", "label": "Status", "type": "picklist", "length": 255, "createable": true, "updateable": true, "nillable": true,
             "picklistValues": [{"active": true, "label": "New", "value": "New"}]},
        ]}))
        .unwrap();
        let event = Describe::read(&json!({"name": "Event", "label": "Event", "fields": [
            {"name": "Subject", "label": "Subject", "type": "string", "createable": true},
            {"name": "Id", "type": "id"},
        ]}))
        .unwrap();
        let parents = [ParentField {
            path: "Owner.Name",
            field: None,
        }];
        let catalogue = of(
            &case,
            &parents,
            &[("schedule", &event)],
            Timestamp::UNIX_EPOCH,
        );
        assert!(catalogue.field("Id").unwrap().read_only);
        assert_eq!(catalogue.field("Subject").unwrap().max_length, Some(255));
        assert_eq!(catalogue.field("Status").unwrap().picklist.len(), 1);
        assert!(catalogue.field("Owner.Name").unwrap().read_only);
        assert!(!catalogue.field("private_note").unwrap().read_only);
        assert!(
            catalogue.field("schedule.Subject").is_some()
                && catalogue.field("schedule.Id").is_none()
        );
    }
}
