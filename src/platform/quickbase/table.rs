//! What a table's fields are like, as `GET /fields` describes them.

use serde_json::Value;

use crate::model::FieldKind;
use crate::platform::basics::{is_true, text_at};

/// Date Created.
pub(super) const CREATED: u64 = 1;
/// Date Modified.
pub(super) const MODIFIED: u64 = 2;
/// Record ID#.
pub(super) const RECORD_ID: u64 = 3;
/// Record Owner: who made the record, unless it was given to somebody else.
pub(super) const OWNER: u64 = 4;
/// Last Modified By.
pub(super) const MODIFIED_BY: u64 = 5;

/// A table's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// The fields, by rising id.
    pub(super) fields: Vec<Field>,
    /// The key field: what rows are told apart by, and what related tables refer to. Record ID# unless the app's
    /// admin chose another.
    pub(super) key: u64,
}

/// One field.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, as the vendor lists them"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its number, unique to the table.
    pub(super) id: u64,
    /// What people call it; not unique.
    pub(super) label: String,
    /// What it holds.
    pub(super) kind: Kind,
    /// Whether a row needs it.
    pub(super) required: bool,
    /// Whether no two rows may have the same value.
    pub(super) unique: bool,
    /// Whether it is worked out (`formula`, `lookup`, `summary`) and so can't be written.
    pub(super) derived: bool,
    /// Whether what is written is added to what stands there.
    pub(super) append_only: bool,
    /// The values it offers.
    pub(super) choices: Vec<String>,
    /// Whether others than those offered may be written.
    pub(super) takes_new_choices: bool,
    /// The longest text it takes, in characters.
    pub(super) max_length: Option<usize>,
    /// The roles' rights, where the vendor told them, name nobody who may modify it.
    pub(super) modifiable_by_none: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Plain text of any sort: text, e-mail, phone, URL, time of day.
    Text,
    /// HTML.
    RichText,
    /// One of some texts.
    Choice,
    /// Several texts.
    Choices,
    /// A number of any sort.
    Number,
    /// Milliseconds.
    Duration,
    /// `YYYY-MM-DD`.
    Date,
    /// A moment.
    Moment,
    /// True or false.
    Checkbox,
    /// A person.
    User,
    /// Several people.
    Users,
    /// A file with its versions.
    File,
    /// The Record ID#.
    RecordId,
    /// Something that is not written as one value (an address is written by its parts), or that we don't know.
    Other,
}

impl Kind {
    fn of(field_type: &str) -> Self {
        match field_type {
            "text" | "text-multi-line" | "phone" | "email" | "url" | "timeofday" => Self::Text,
            "rich-text" => Self::RichText,
            "text-multiple-choice" => Self::Choice,
            "multitext" => Self::Choices,
            "numeric" | "currency" | "percent" | "rating" => Self::Number,
            "duration" => Self::Duration,
            "date" => Self::Date,
            "datetime" | "timestamp" => Self::Moment,
            "checkbox" => Self::Checkbox,
            "user" => Self::User,
            "multiuser" => Self::Users,
            "file" => Self::File,
            "recordid" => Self::RecordId,
            _ => Self::Other,
        }
    }

    /// The type as mappings need to know it.
    pub(super) fn for_mappings(self) -> FieldKind {
        match self {
            Self::Text | Self::RichText | Self::Choice => FieldKind::Text,
            Self::Choices | Self::Users => FieldKind::List,
            Self::Number | Self::Duration => FieldKind::Number,
            Self::Date => FieldKind::Date,
            Self::Moment => FieldKind::DateTime,
            Self::Checkbox => FieldKind::Boolean,
            Self::RecordId => FieldKind::Integer,
            Self::File => FieldKind::Object,
            // A person is read as an object and written as an address, so that neither type fits both ways.
            Self::User | Self::Other => FieldKind::Any,
        }
    }
}

impl Field {
    fn read(described: &Value) -> Option<Self> {
        let id = described.get("id")?.as_u64().filter(|id| *id > 0)?;
        let nothing = Value::Null;
        let properties = described.get("properties").unwrap_or(&nothing);
        let choices = properties.get("choices").and_then(Value::as_array);
        let choices: Vec<String> = choices
            .into_iter()
            .flatten()
            .filter_map(|choice| choice.as_str().map(str::to_owned))
            .collect();
        let longest = properties.get("maxLength").and_then(Value::as_u64);
        let rights = described.get("permissions").and_then(Value::as_array);
        let modifies = |right: &Value| text_at(right, &["permissionType"]) == Some("Modify");
        Some(Self {
            id,
            label: text_at(described, &["label"])
                .map_or_else(|| format!("field {id}"), str::to_owned),
            kind: Kind::of(text_at(described, &["fieldType"]).unwrap_or_default()),
            required: is_true(described, "required"),
            unique: is_true(described, "unique"),
            derived: text_at(described, &["mode"]).is_some(),
            append_only: is_true(properties, "appendOnly"),
            takes_new_choices: choices.is_empty() || is_true(properties, "allowNewChoices"),
            choices,
            max_length: longest
                .and_then(|longest| usize::try_from(longest).ok())
                .filter(|longest| *longest > 0),
            modifiable_by_none: rights
                .is_some_and(|rights| !rights.is_empty() && !rights.iter().any(modifies)),
        })
    }

    /// Whether it can't be written: the built-in fields, what is worked out, and what is no single value.
    pub(super) fn is_read_only(&self) -> bool {
        self.id <= MODIFIED_BY || self.derived || matches!(self.kind, Kind::RecordId | Kind::Other)
    }

    /// How people are told of it.
    pub(super) fn named(&self) -> String {
        format!("{} ({})", self.label, self.id)
    }
}

impl Table {
    /// Reads the vendor's list.
    pub(super) fn read(answer: &Value) -> Self {
        let list = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut fields: Vec<Field> = list.iter().filter_map(Field::read).collect();
        fields.sort_by_key(|field| field.id);
        let is_key = |described: &&Value| {
            described
                .get("properties")
                .is_some_and(|properties| is_true(properties, "primaryKey"))
        };
        let key = list.iter().find(is_key);
        let key = key.and_then(|described| described.get("id")?.as_u64());
        Self {
            fields,
            key: key.unwrap_or(RECORD_ID),
        }
    }

    /// The field of a number.
    pub(super) fn field(&self, id: u64) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// The field whose label a person wrote instead of its number, if only one has it.
    pub(super) fn labelled(&self, label: &str) -> Option<&Field> {
        let label = label.trim();
        let mut alike = self
            .fields
            .iter()
            .filter(|field| field.label.eq_ignore_ascii_case(label));
        let first = alike.next()?;
        alike.next().is_none().then_some(first)
    }

    /// How people are told of a field, whether it is known or not.
    pub(super) fn name(&self, id: u64) -> String {
        self.field(id)
            .map_or_else(|| format!("field {id}"), Field::named)
    }

    /// The vendor's sentence with labels beside the field ids it names (`field with ID "6"`, `Field 6 is …`).
    pub(super) fn labelled_text(&self, text: &str) -> String {
        let mut told = String::with_capacity(text.len() + 16);
        let mut rest = text;
        while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
            let digits = rest[start..]
                .find(|character: char| !character.is_ascii_digit())
                .map_or(&rest[start..], |length| &rest[start..start + length]);
            let before = rest[..start].trim_end_matches(['"', '\'', '#', ' ']);
            let is_field = ["field", "ID", "fid"].iter().any(|word| {
                before
                    .len()
                    .checked_sub(word.len())
                    .and_then(|place| before.get(place..))
                    .is_some_and(|end| end.eq_ignore_ascii_case(word))
            });
            let mut end = start + digits.len();
            if rest[end..].starts_with('"') {
                end += 1;
            }
            told.push_str(&rest[..end]);
            let field = digits.parse().ok().and_then(|id| self.field(id));
            if let Some(field) = field.filter(|_| is_field) {
                told.push_str(" (");
                told.push_str(&field.label);
                told.push(')');
            }
            rest = &rest[end..];
        }
        told.push_str(rest);
        told
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> Table {
        Table::read(&json!([
            {"id": 6, "label": "Title", "fieldType": "text", "required": true, "properties": {"maxLength": 80}},
            {"id": 3, "label": "Record ID#", "fieldType": "recordid", "unique": true, "properties": {"primaryKey": true}},
            {"id": 7, "label": "Total", "fieldType": "numeric", "mode": "formula"},
            {"id": 8, "label": "Title", "fieldType": "text-multi-line", "properties": {"appendOnly": true, "maxLength": 0},
             "permissions": [{"permissionType": "View", "role": "Viewer", "roleId": 10}]},
            {"label": "no number"},
        ]))
    }

    #[test]
    fn fields_are_read_as_they_are_described() {
        let table = table();
        let ids: Vec<_> = table.fields.iter().map(|field| field.id).collect();
        assert_eq!(ids, [3, 6, 7, 8]);
        assert_eq!(table.key, RECORD_ID);
        let title = table.field(6).unwrap();
        assert!(title.required && !title.is_read_only());
        assert_eq!(title.max_length, Some(80));
        assert!(table.field(7).unwrap().is_read_only());
        let notes = table.field(8).unwrap();
        assert!(notes.append_only && notes.modifiable_by_none);
        assert_eq!(notes.max_length, None);
        assert_eq!(table.labelled("total").unwrap().id, 7);
        assert_eq!(table.labelled("Title"), None, "two have this label");
    }

    #[test]
    fn another_key_is_seen() {
        let table = Table::read(&json!([
            {"id": 3, "fieldType": "recordid", "properties": {"primaryKey": false}},
            {"id": 9, "fieldType": "text", "properties": {"primaryKey": true}},
        ]));
        assert_eq!(table.key, 9);
        assert_eq!(Table::read(&json!({"x": 1})).key, RECORD_ID);
    }

    #[test]
    fn the_vendors_numbers_get_labels() {
        let table = table();
        for (said, told) in [
            (
                "Incompatible value for field with ID \"6\".",
                "Incompatible value for field with ID \"6\" (Title).",
            ),
            (
                "Field 7 is required and cannot be empty",
                "Field 7 (Total) is required and cannot be empty",
            ),
            (
                "Field 99 does not exist, 6 of 7",
                "Field 99 does not exist, 6 of 7",
            ),
            ("ünïcode 6", "ünïcode 6"),
            ("", ""),
        ] {
            assert_eq!(table.labelled_text(said), told);
        }
    }

    #[test]
    fn the_vendors_fixture_is_read() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let path = format!("{shared}/samples/quickbase/tkutcher_get_fields_for_table_aaaaaa.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: the samples are not here");
            return;
        };
        let table = Table::read(&serde_json::from_str(&text).unwrap());
        assert_eq!((table.fields.len(), table.key), (14, RECORD_ID));
        assert_eq!(table.field(12).unwrap().kind, Kind::RichText);
        assert_eq!(table.field(13).unwrap().choices.len(), 3);
        assert!(table.field(13).unwrap().takes_new_choices);
        assert!(table.fields.iter().all(|field| field.kind != Kind::Other));
    }
}
