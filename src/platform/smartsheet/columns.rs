//! A sheet's columns: what each takes, and whether it can be written at all.
//!
//! They are asked for with `level=2`, for without it the columns of several contacts or choices look like text.

use serde_json::Value;

use crate::model::FieldKind;
use crate::platform::basics::{is_true, number, text_at};

/// What a column holds, under the vendor's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    TextNumber,
    Checkbox,
    Picklist,
    MultiPicklist,
    Contact,
    MultiContact,
    Date,
    /// The start and end columns of a sheet with dependencies.
    ProjectDate,
    /// System columns only.
    DateTime,
    Duration,
    /// Predecessors, and types that came after this was written.
    Other,
}

impl Kind {
    fn read(column: &Value) -> Self {
        match text_at(column, &["type"]).unwrap_or_default() {
            "TEXT_NUMBER" => Self::TextNumber,
            "CHECKBOX" => Self::Checkbox,
            "PICKLIST" => Self::Picklist,
            "MULTI_PICKLIST" => Self::MultiPicklist,
            "CONTACT_LIST" => Self::Contact,
            "MULTI_CONTACT_LIST" => Self::MultiContact,
            "DATE" => Self::Date,
            "ABSTRACT_DATETIME" => Self::ProjectDate,
            "DATETIME" => Self::DateTime,
            "DURATION" => Self::Duration,
            _ => Self::Other,
        }
    }

    /// The type as mappings know it.
    pub(super) fn field_kind(self) -> FieldKind {
        match self {
            // Text and numbers in the same column.
            Self::TextNumber | Self::Other => FieldKind::Any,
            Self::Checkbox => FieldKind::Boolean,
            Self::Picklist | Self::Contact | Self::Duration => FieldKind::Text,
            Self::MultiPicklist | Self::MultiContact => FieldKind::List,
            Self::Date => FieldKind::Date,
            Self::ProjectDate | Self::DateTime => FieldKind::DateTime,
        }
    }

    /// The name beside a contact's address, under which a fetched row has the contact's name.
    pub(super) fn name_beside(self) -> Option<&'static str> {
        match self {
            Self::Contact => Some("name"),
            Self::MultiContact => Some("names"),
            _ => None,
        }
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) id: u64,
    pub(super) title: String,
    pub(super) kind: Kind,
    pub(super) is_primary: bool,
    pub(super) options: Vec<String>,
    /// Why it can't be written, if it can't.
    pub(super) fixed: Option<&'static str>,
}

impl Column {
    fn read(column: &Value) -> Option<Self> {
        let kind = Kind::read(column);
        let options = column.get("options").and_then(Value::as_array);
        Some(Self {
            id: number(column.get("id")?)?,
            title: column.get("title")?.as_str()?.to_owned(),
            kind,
            is_primary: is_true(column, "primary"),
            options: options
                .into_iter()
                .flatten()
                .filter_map(|option| Some(option.as_str()?.to_owned()))
                .collect(),
            fixed: fixed(column, kind),
        })
    }

    /// The key of a contact's name in a fetched row.
    pub(super) fn name_key(&self) -> Option<String> {
        Some(format!("{} ({})", self.title, self.kind.name_beside()?))
    }
}

/// Why a column can't be written.
fn fixed(column: &Value, kind: Kind) -> Option<&'static str> {
    let ends_a_bar = column
        .get("tags")
        .and_then(Value::as_array)
        .is_some_and(|tags| tags.iter().any(|tag| tag == "GANTT_END_DATE"));
    if text_at(column, &["systemColumnType"]).is_some() || kind == Kind::DateTime {
        Some("Smartsheet fills it by itself")
    } else if text_at(column, &["formula"]).is_some() {
        Some("a column formula fills it")
    } else if is_true(column, "lockedForUser") {
        Some("it is locked for the token's account")
    } else if ends_a_bar && kind == Kind::ProjectDate {
        Some("the sheet's dependencies reckon it")
    } else if kind == Kind::Other {
        Some("columns of its type are not written")
    } else {
        None
    }
}

/// The columns of a sheet, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) list: Vec<Column>,
}

impl Columns {
    pub(super) fn read(items: &[Value]) -> Self {
        Self {
            list: items.iter().filter_map(Column::read).collect(),
        }
    }

    pub(super) fn titled(&self, title: &str) -> Option<&Column> {
        self.list.iter().find(|column| column.title == title)
    }

    pub(super) fn primary(&self) -> Option<&Column> {
        self.list.iter().find(|column| column.is_primary)
    }

    /// All titles, for saying what there is.
    pub(super) fn titles(&self) -> String {
        let titles: Vec<_> = self
            .list
            .iter()
            .map(|column| column.title.as_str())
            .collect();
        titles.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn column(more: &Value) -> Column {
        let mut column = json!({"id": 7, "title": "T", "type": "TEXT_NUMBER"});
        for (name, value) in more.as_object().unwrap() {
            column[name] = value.clone();
        }
        Column::read(&column).unwrap()
    }

    #[test]
    fn what_fills_itself_can_not_be_written() {
        assert_eq!(column(&json!({})).fixed, None);
        for fixed in [
            json!({"systemColumnType": "AUTO_NUMBER"}),
            json!({"type": "DATETIME", "systemColumnType": "CREATED_DATE"}),
            json!({"formula": "=1+1"}),
            json!({"locked": true, "lockedForUser": true}),
            json!({"type": "ABSTRACT_DATETIME", "tags": ["GANTT_END_DATE"]}),
            json!({"type": "PREDECESSOR"}),
            json!({"type": "SOMETHING_NEW"}),
        ] {
            assert!(column(&fixed).fixed.is_some(), "{fixed}");
        }
        // An admin may write what is locked for others.
        assert_eq!(column(&json!({"locked": true})).fixed, None);
        let start = json!({"type": "ABSTRACT_DATETIME", "tags": ["GANTT_START_DATE"]});
        assert_eq!(column(&start).fixed, None);
    }

    #[test]
    fn great_numbers_stay_whole() {
        let columns = Columns::read(&[
            json!({"id": 9_007_199_254_740_993_u64, "title": "A", "type": "DATE", "primary": true}),
            json!({"title": "no id"}),
        ]);
        assert_eq!(columns.list.len(), 1);
        assert_eq!(columns.list[0].id, 9_007_199_254_740_993);
        assert_eq!(columns.primary().unwrap().title, "A");
    }
}
