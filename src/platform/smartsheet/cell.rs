//! Cells: what they hold as mappings read it, and what is sent to fill them.
//!
//! Values are sent to be parsed strictly, the vendor's default: what does not fit the column's type is refused (1042) rather
//! than kept as text that looks right.

use serde_json::{Value, json};

use super::columns::{Column, Kind};
use crate::platform::basics::{id_text, is_empty, text, text_at};

/// The longest text a cell holds, in characters; the vendor cuts the rest off without a word.
pub(super) const LONGEST: usize = 4000;

/// What stands at the end of a text that was cut.
const CUT: &str = " … (cut)";

/// The greatest number a cell holds, either way from nought.
const GREATEST: f64 = 9_007_199_254_740_992.0;

/// What a cell holds; null where it is empty.
pub(super) fn read(column: &Column, cell: Option<&Value>) -> Value {
    let value = cell
        .and_then(|cell| cell.get("value"))
        .filter(|value| !is_empty(value));
    match column.kind {
        // A box that nobody touched has no value and looks like an unticked one.
        Kind::Checkbox => value.cloned().unwrap_or(Value::Bool(false)),
        Kind::MultiPicklist => several(cell, "", value),
        Kind::MultiContact => several(cell, "email", value),
        _ => value.cloned().unwrap_or_default(),
    }
}

/// The names of a cell's contacts, where it holds any.
pub(super) fn names(column: &Column, cell: Option<&Value>) -> Value {
    let shown = cell.and_then(|cell| text_at(cell, &["displayValue"]));
    match column.kind {
        Kind::MultiContact => several(cell, "name", None),
        _ => shown.map(Value::from).unwrap_or_default(),
    }
}

/// The items of a cell that holds several, or one member of each. They come as `objectValue`; without it there is only
/// one text.
fn several(cell: Option<&Value>, member: &str, otherwise: Option<&Value>) -> Value {
    let values = cell
        .and_then(|cell| cell.get("objectValue")?.get("values"))
        .and_then(Value::as_array);
    let Some(values) = values else {
        return match otherwise {
            Some(value) => json!([value]),
            None => Value::Null,
        };
    };
    let picked: Vec<Value> = values
        .iter()
        .filter_map(|value| match value {
            Value::Object(_) => value.get(member).filter(|value| !is_empty(value)).cloned(),
            single => Some(single.clone()),
        })
        .collect();
    if picked.is_empty() {
        Value::Null
    } else {
        Value::Array(picked)
    }
}

/// A cell to be sent, and whether its text had to be cut.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filled {
    pub(super) cell: Value,
    pub(super) is_cut: bool,
}

/// Fills a cell with what a mapping made.
///
/// # Errors
/// What the column takes instead, in words for people.
pub(super) fn fill(column: &Column, value: &Value) -> Result<Filled, String> {
    if let Some(why) = column.fixed {
        return Err(format!("{} can only be read: {why}", column.title));
    }
    let refuse = |takes: &str| {
        Err(format!(
            "{} can't be `{}`; it takes {takes}",
            column.title,
            text(value)
        ))
    };
    let whole = |member: &str, value: Value| {
        let mut cell = json!({"columnId": column.id});
        cell[member] = value;
        Ok(Filled {
            cell,
            is_cut: false,
        })
    };
    let is_nothing = is_empty(value) || value.as_array().is_some_and(Vec::is_empty);
    if is_nothing {
        return whole("value", "".into());
    }
    match column.kind {
        Kind::TextNumber => free(column, value),
        Kind::Checkbox => match value {
            Value::Bool(_) => whole("value", value.clone()),
            Value::String(text) if text.trim() == "true" => whole("value", true.into()),
            Value::String(text) if text.trim() == "false" => whole("value", false.into()),
            _ => refuse("true or false"),
        },
        Kind::Picklist => match option(column, value) {
            Some(option) => whole("value", option),
            None => refuse(&format!("one of: {}", column.options.join(", "))),
        },
        Kind::MultiPicklist => {
            let options: Option<Vec<Value>> = items(value)
                .iter()
                .map(|item| option(column, item))
                .collect();
            match options {
                Some(options) => whole(
                    "objectValue",
                    json!({"objectType": "MULTI_PICKLIST", "values": options}),
                ),
                None => refuse(&format!("some of: {}", column.options.join(", "))),
            }
        }
        Kind::Contact => match contact(value) {
            Some((email, name)) => {
                let mut cell = json!({"columnId": column.id, "value": email});
                if let Some(name) = name {
                    cell["displayValue"] = name.into();
                }
                Ok(Filled {
                    cell,
                    is_cut: false,
                })
            }
            None => refuse("an email address"),
        },
        Kind::MultiContact => {
            let contacts: Option<Vec<Value>> = items(value).iter().map(contact_object).collect();
            match contacts {
                Some(contacts) => whole(
                    "objectValue",
                    json!({"objectType": "MULTI_CONTACT", "values": contacts}),
                ),
                None => refuse("email addresses"),
            }
        }
        Kind::Date | Kind::ProjectDate => match date(value) {
            Some(date) => whole("value", date.into()),
            None => refuse("a date like 2026-01-31"),
        },
        Kind::Duration => match value {
            Value::String(_) | Value::Number(_) => whole("value", text(value).into()),
            _ => refuse("a duration like 4d 6h"),
        },
        Kind::DateTime | Kind::Other => refuse("nothing from outside"),
    }
}

/// A cell of free text or a number.
fn free(column: &Column, value: &Value) -> Result<Filled, String> {
    let value = match value {
        // A number beyond what a cell holds would be refused (1148), and as text nothing of it is lost.
        Value::Number(number)
            if number
                .as_f64()
                .is_some_and(|number| number.abs() <= GREATEST) =>
        {
            return Ok(Filled {
                cell: json!({"columnId": column.id, "value": value}),
                is_cut: false,
            });
        }
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(_) => {
            return Err(format!(
                "{} can't be a whole object; map one of its members",
                column.title
            ));
        }
        scalar => text(scalar),
    };
    let (fitting, is_cut) = fitted(&value);
    Ok(Filled {
        cell: json!({"columnId": column.id, "value": fitting}),
        is_cut,
    })
}

/// A text as long as a cell takes, with the cut shown.
fn fitted(value: &str) -> (String, bool) {
    if value.chars().count() <= LONGEST {
        return (value.to_owned(), false);
    }
    let kept: String = value.chars().take(LONGEST - CUT.chars().count()).collect();
    (format!("{kept}{CUT}"), true)
}

/// The option that a value names; strict parsing takes text only, and of it only the options.
fn option(column: &Column, value: &Value) -> Option<Value> {
    let wanted = id_text(value)?;
    if column.options.is_empty() {
        return Some(wanted.into());
    }
    let exact = column.options.iter().find(|option| **option == wanted);
    let found = exact.or_else(|| {
        let alike = |option: &&String| option.trim().to_lowercase() == wanted.to_lowercase();
        column.options.iter().find(alike)
    });
    found.map(|option| option.as_str().into())
}

/// The items of a list; a text is one at its commas.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items
            .iter()
            .filter(|item| !is_empty(item))
            .cloned()
            .collect(),
        Value::String(text) => text
            .split(',')
            .map(str::trim)
            .filter(|piece| !piece.is_empty())
            .map(Value::from)
            .collect(),
        other => vec![other.clone()],
    }
}

/// A contact's address, and the name where one is given.
fn contact(value: &Value) -> Option<(String, Option<String>)> {
    let (email, name) = match value {
        Value::String(email) => (email.as_str(), None),
        Value::Object(_) => (text_at(value, &["email"])?, text_at(value, &["name"])),
        _ => return None,
    };
    let email = email.trim();
    let (user, host) = email.split_once('@')?;
    let is_address = !user.is_empty() && !host.is_empty() && !email.contains(char::is_whitespace);
    is_address.then(|| (email.to_owned(), name.map(str::to_owned)))
}

fn contact_object(value: &Value) -> Option<Value> {
    let (email, name) = contact(value)?;
    let mut object = json!({"objectType": "CONTACT", "email": email});
    if let Some(name) = name {
        object["name"] = name.into();
    }
    Some(object)
}

/// The date at the beginning of a text.
fn date(value: &Value) -> Option<String> {
    let date: jiff::civil::Date = value.as_str()?.trim().get(..10)?.parse().ok()?;
    Some(date.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::columns::Columns;
    use super::*;

    fn column(kind: &str) -> Column {
        let column = json!({"id": 5, "title": "C", "type": kind, "options": ["Open", "Work Done"]});
        Columns::read(&[column]).list.remove(0)
    }

    #[test]
    fn a_cell_is_read_by_its_columns_type() {
        let read_from = |kind: &str, cell: Value| read(&column(kind), Some(&cell));
        assert_eq!(
            read_from("TEXT_NUMBER", json!({"value": 2.1, "displayValue": "2.10"})),
            json!(2.1)
        );
        assert_eq!(
            read_from("TEXT_NUMBER", json!({"columnId": 5})),
            Value::Null
        );
        assert_eq!(read_from("TEXT_NUMBER", json!({"value": ""})), Value::Null);
        assert_eq!(read_from("CHECKBOX", json!({})), json!(false));
        assert_eq!(read_from("CHECKBOX", json!({"value": true})), json!(true));
        let several = json!({"value": "Open, Work Done", "objectValue": {"objectType": "MULTI_PICKLIST", "values": ["Open", "Work Done"]}});
        assert_eq!(
            read_from("MULTI_PICKLIST", several),
            json!(["Open", "Work Done"])
        );
        assert_eq!(
            read_from("MULTI_PICKLIST", json!({"value": "Open"})),
            json!(["Open"])
        );
        let contacts = json!({"objectValue": {"values": [{"email": "a@b.example", "name": "A"}, {"name": "B"}]}});
        assert_eq!(
            read_from("MULTI_CONTACT_LIST", contacts.clone()),
            json!(["a@b.example"])
        );
        assert_eq!(
            names(&column("MULTI_CONTACT_LIST"), Some(&contacts)),
            json!(["A", "B"])
        );
        let one = json!({"value": "a@b.example", "displayValue": "A"});
        assert_eq!(read_from("CONTACT_LIST", one.clone()), json!("a@b.example"));
        assert_eq!(names(&column("CONTACT_LIST"), Some(&one)), json!("A"));
        assert_eq!(read(&column("DATE"), None), Value::Null);
    }

    #[test]
    fn a_value_is_fitted_to_its_column_or_refused() {
        for (kind, value, wanted) in [
            ("TEXT_NUMBER", json!(5), Some(json!({"value": 5}))),
            (
                "TEXT_NUMBER",
                json!(9_007_199_254_740_995_u64),
                Some(json!({"value": "9007199254740995"})),
            ),
            (
                "TEXT_NUMBER",
                json!("02110"),
                Some(json!({"value": "02110"})),
            ),
            ("TEXT_NUMBER", json!(true), Some(json!({"value": "true"}))),
            (
                "TEXT_NUMBER",
                json!(["a", 1]),
                Some(json!({"value": "a, 1"})),
            ),
            ("TEXT_NUMBER", json!({"a": 1}), None),
            ("TEXT_NUMBER", Value::Null, Some(json!({"value": ""}))),
            ("CHECKBOX", json!("true"), Some(json!({"value": true}))),
            ("CHECKBOX", json!("yes"), None),
            (
                "PICKLIST",
                json!("work done"),
                Some(json!({"value": "Work Done"})),
            ),
            ("PICKLIST", json!("Gone"), None),
            (
                "MULTI_PICKLIST",
                json!("Open, Work Done"),
                Some(
                    json!({"objectValue": {"objectType": "MULTI_PICKLIST", "values": ["Open", "Work Done"]}}),
                ),
            ),
            ("MULTI_PICKLIST", json!(["Open", "Gone"]), None),
            ("MULTI_PICKLIST", json!([]), Some(json!({"value": ""}))),
            (
                "CONTACT_LIST",
                json!("a@b.example"),
                Some(json!({"value": "a@b.example"})),
            ),
            (
                "CONTACT_LIST",
                json!({"email": "a@b.example", "name": "A"}),
                Some(json!({"value": "a@b.example", "displayValue": "A"})),
            ),
            ("CONTACT_LIST", json!("Somebody"), None),
            (
                "MULTI_CONTACT_LIST",
                json!(["a@b.example"]),
                Some(
                    json!({"objectValue": {"objectType": "MULTI_CONTACT", "values": [{"objectType": "CONTACT", "email": "a@b.example"}]}}),
                ),
            ),
            (
                "DATE",
                json!("2026-02-28T23:00:00Z"),
                Some(json!({"value": "2026-02-28"})),
            ),
            ("DATE", json!("02/28/2026"), None),
            ("DURATION", json!("4d 6h"), Some(json!({"value": "4d 6h"}))),
            ("PREDECESSOR", json!("2FS"), None),
            ("DATETIME", json!("2026-02-28"), None),
        ] {
            let filled = fill(&column(kind), &value);
            let cell = filled.ok().map(|filled| {
                let mut cell = filled.cell;
                cell.as_object_mut().unwrap().remove("columnId");
                cell
            });
            assert_eq!(cell, wanted, "{kind} {value}");
        }
    }

    #[test]
    fn a_long_text_is_cut_where_people_see_it() {
        let filled = fill(&column("TEXT_NUMBER"), &json!("ü".repeat(5000))).unwrap();
        let text = filled.cell["value"].as_str().unwrap();
        assert!(filled.is_cut);
        assert_eq!(text.chars().count(), LONGEST);
        assert!(text.ends_with("(cut)"));
        assert!(
            !fill(&column("TEXT_NUMBER"), &json!("ü".repeat(4000)))
                .unwrap()
                .is_cut
        );
    }

    #[test]
    fn a_wrong_choice_is_told_with_the_right_ones() {
        let problem = fill(&column("PICKLIST"), &json!("Gone")).unwrap_err();
        assert_eq!(
            problem,
            "C can't be `Gone`; it takes one of: Open, Work Done"
        );
    }
}
