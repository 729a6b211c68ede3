//! The catalogue that mappings are written against: the sheet's columns by title, and what a fetched row has besides.

use super::Smartsheet;
use super::cell::LONGEST;
use super::columns::{Column, Columns, Kind};
use super::read::FORMULAS;
use super::session::Freshness;
use crate::http::Call;
use crate::mapping::path::{Path, Segment};
use crate::model::{Catalogue, Failure, Field, FieldKind, PicklistValue, Timestamp};

/// What a fetched row has besides its cells.
const BESIDES: [(&str, &str, FieldKind); 11] = [
    ("Sheet.id", "Sheet's number", FieldKind::Text),
    ("Sheet.name", "Sheet's name", FieldKind::Text),
    ("Sheet.url", "Sheet's address", FieldKind::Text),
    ("Row.id", "Row's number at Smartsheet", FieldKind::Text),
    ("Row.number", "Row's place on the sheet", FieldKind::Integer),
    ("Row.url", "Row's address", FieldKind::Text),
    ("Row.created_at", "Created", FieldKind::DateTime),
    ("Row.created_by", "Created by (address)", FieldKind::Text),
    ("Row.modified_at", "Changed", FieldKind::DateTime),
    ("Row.modified_by", "Changed by (address)", FieldKind::Text),
    ("Row", "The row itself", FieldKind::Object),
];

impl Smartsheet {
    /// Reads the sheet's columns, now.
    pub(super) async fn read_catalogue(&self, call: &Call) -> Result<Catalogue, Failure> {
        let columns = self
            .session
            .columns(&self.api, call, Freshness::Now)
            .await?;
        Ok(of(&columns, self.session.now()))
    }
}

/// Makes the catalogue of a sheet.
fn of(columns: &Columns, read_at: Timestamp) -> Catalogue {
    let mut catalogue = Catalogue {
        fields: Vec::with_capacity(columns.list.len() * 2 + BESIDES.len()),
        read_at,
    };
    for column in &columns.list {
        catalogue.fields.push(described(column));
        if let Some(key) = column.name_key() {
            let field = Field::new(path(&key), key, FieldKind::Text);
            catalogue.fields.push(field.read_only());
        }
    }
    for (path, label, kind) in BESIDES {
        if catalogue.field(path).is_none() {
            catalogue
                .fields
                .push(Field::new(path, label, kind).read_only());
        }
    }
    let formulas = format!("Row.{FORMULAS}");
    let label = "Columns that a formula fills in this row";
    catalogue
        .fields
        .push(Field::new(formulas, label, FieldKind::List).read_only());
    catalogue
}

/// A title as mappings name it; odd characters put it into brackets.
fn path(title: &str) -> String {
    Path::from_segments(vec![Segment::Key(title.into())])
        .text()
        .to_string()
}

fn described(column: &Column) -> Field {
    let label = format!("{} (column {})", column.title, column.id);
    let mut field = Field::new(path(&column.title), label, column.kind.field_kind());
    field.read_only = column.fixed.is_some();
    if matches!(column.kind, Kind::Picklist | Kind::MultiPicklist) {
        field.picklist = column
            .options
            .iter()
            .map(|option| PicklistValue {
                value: option.clone(),
                label: option.clone(),
            })
            .collect();
    }
    if column.kind == Kind::TextNumber {
        field.max_length = Some(LONGEST);
    }
    field
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_named_by_their_titles() {
        let columns = Columns::read(&[
            json!({"id": 1, "title": "Site #1.a", "type": "TEXT_NUMBER"}),
            json!({"id": 2, "title": "Site contact", "type": "CONTACT_LIST"}),
            json!({"id": 3, "title": "Status", "type": "PICKLIST", "options": ["Open"]}),
            json!({"id": 4, "title": "Made", "type": "DATETIME", "systemColumnType": "CREATED_DATE"}),
        ]);
        let catalogue = of(&columns, Timestamp::UNIX_EPOCH);
        let odd = catalogue.field("[\"Site #1.a\"]").unwrap();
        assert_eq!((odd.kind, odd.max_length), (FieldKind::Any, Some(4000)));
        assert_eq!(odd.label, "Site #1.a (column 1)");
        assert!(catalogue.field("Site contact (name)").unwrap().read_only);
        assert_eq!(catalogue.field("Status").unwrap().picklist[0].value, "Open");
        assert!(catalogue.field("Made").unwrap().read_only);
        assert!(catalogue.field("Row.url").unwrap().read_only);
    }

    #[test]
    fn no_path_stands_twice() {
        let columns = Columns::read(&[json!({"id": 1, "title": "Row", "type": "TEXT_NUMBER"})]);
        let catalogue = of(&columns, Timestamp::UNIX_EPOCH);
        let mut paths: Vec<_> = catalogue.fields.iter().map(|field| &field.path).collect();
        let all = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), all);
    }
}
