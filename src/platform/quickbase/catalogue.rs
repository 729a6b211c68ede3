//! The catalogue that mappings are written against: field ids as paths, labels beside them.

use super::settings::SideTable;
use super::side;
use super::table::{Field, Kind, RECORD_ID, Table};
use crate::model::{Catalogue, Field as Described, FieldKind, PicklistValue, Timestamp};

/// Makes the catalogue of a table's fields, and of the side tables' under the words that mappings use for them.
pub(super) fn of(
    table: &Table,
    sides: &[(&SideTable, std::sync::Arc<Table>)],
    read_at: Timestamp,
) -> Catalogue {
    let mut fields = Vec::with_capacity(table.fields.len() + 16);
    for field in &table.fields {
        fields.push(described(field, "", &field.label));
        if matches!(field.kind, Kind::User) {
            fields.extend(parts_of_person(field));
        }
    }
    for (side, table) in sides {
        let word = side::word(side.kind);
        let written = table
            .fields
            .iter()
            .filter(|field| !field.is_read_only() && field.kind != Kind::File)
            .filter(|field| field.id != side.merge && field.id != side.child.related);
        for field in written {
            let label = format!("{} ({})", field.label, word.replace('_', " "));
            let mut described = described(field, &format!("{word}."), &label);
            // It is required of a row of that table only.
            described.required = false;
            fields.push(described);
        }
    }
    Catalogue { fields, read_at }
}

fn described(field: &Field, before: &str, label: &str) -> Described {
    let path = format!("{before}{}", field.id);
    let mut described = Described::new(path, label, field.kind.for_mappings());
    described.required = field.required;
    described.read_only = field.is_read_only() || field.kind == Kind::File;
    described.max_length = field.max_length;
    if field.id == RECORD_ID {
        described.label = format!("{label}, by which the record is known here");
    }
    // Where others may be written, those offered are not all that is allowed.
    if !field.takes_new_choices && field.kind == Kind::Choice {
        let choice = |choice: &String| PicklistValue {
            value: choice.clone(),
            label: choice.clone(),
        };
        described.picklist = field.choices.iter().map(choice).collect();
    }
    described
}

/// A person is read as an object and written as an e-mail address or an id.
fn parts_of_person(field: &Field) -> impl Iterator<Item = Described> {
    let parts = [
        ("name", "name"),
        ("email", "e-mail"),
        ("id", "Quickbase id"),
    ];
    parts.into_iter().map(|(part, words)| {
        let path = format!("{}.{part}", field.id);
        let label = format!("{}: {words}", field.label);
        Described::new(path, label, FieldKind::Text).read_only()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::settings::Child;
    use super::*;
    use crate::model::SideRecordKind;

    #[test]
    fn paths_are_ids_and_labels_stand_beside_them() {
        let table = Table::read(&json!([
            {"id": 3, "label": "Record ID#", "fieldType": "recordid"},
            {"id": 6, "label": "Title", "fieldType": "text", "required": true, "properties": {"maxLength": 80}},
            {"id": 11, "label": "Status", "fieldType": "text-multiple-choice",
             "properties": {"choices": ["New", "Done"], "allowNewChoices": false}},
            {"id": 12, "label": "Site", "fieldType": "text", "mode": "lookup"},
            {"id": 13, "label": "Technician", "fieldType": "user"},
            {"id": 14, "label": "Report", "fieldType": "file"},
        ]));
        let times = Table::read(&json!([
            {"id": 6, "label": "Hours", "fieldType": "numeric", "required": true},
            {"id": 7, "label": "Related job", "fieldType": "numeric"},
            {"id": 8, "label": "Mark", "fieldType": "text", "unique": true},
        ]));
        let side = SideTable {
            kind: SideRecordKind::Time,
            child: Child {
                table: "bck7gp3q5".into(),
                related: 7,
            },
            merge: 8,
        };
        let catalogue = of(&table, &[(&side, Arc::new(times))], Timestamp::UNIX_EPOCH);
        let title = catalogue.field("6").unwrap();
        assert_eq!(
            (title.label.as_str(), title.required, title.max_length),
            ("Title", true, Some(80))
        );
        assert_eq!(catalogue.field("11").unwrap().picklist.len(), 2);
        for read_only in ["3", "12", "13.email", "14"] {
            assert!(catalogue.field(read_only).unwrap().read_only, "{read_only}");
        }
        let hours = catalogue.field("time_entry.6").unwrap();
        assert_eq!(
            (hours.label.as_str(), hours.required),
            ("Hours (time entry)", false)
        );
        assert!(catalogue.field("time_entry.8").is_none());
    }
}
