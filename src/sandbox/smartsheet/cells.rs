//! Cells: parsed as strictly as the vendor does by default, or leniently where a caller asks for it.

use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::sheet::{Column, Nature, Type};

/// The vendor cuts longer texts without a word.
const LONGEST: usize = 4000;

/// The greatest number a cell holds, either way.
const GREATEST: f64 = 9_007_199_254_740_992.0;

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) value: Value,
    display: Option<String>,
    object: Option<Value>,
    pub(super) formula: Option<String>,
}

impl Stored {
    fn plain(value: Value, display: Option<String>) -> Self {
        Self {
            value,
            display,
            object: None,
            formula: None,
        }
    }

    /// A cell that Smartsheet fills.
    pub(super) fn system(value: &str) -> Self {
        Self::plain(value.into(), Some(value.to_owned()))
    }

    /// A cell that a formula fills.
    pub(super) fn formula(formula: &str, value: Value) -> Self {
        let display = Some(value.to_string());
        Self {
            formula: Some(formula.to_owned()),
            ..Self::plain(value, display)
        }
    }
}

/// Who writes: whether at the screen, where the strict rules don't hold, and whether as an admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Writer {
    pub(super) is_admin: bool,
}

/// What a cell of a request says: nothing means that it is emptied.
pub(super) type Parsed = Option<Stored>;

const ATTRIBUTES: [&str; 12] = [
    "columnId",
    "value",
    "objectValue",
    "formula",
    "strict",
    "displayValue",
    "hyperlink",
    "linkInFromCell",
    "image",
    "format",
    "overrideValidation",
    "conditionalFormat",
];

/// Parses a cell of a request.
pub(super) fn parse(
    column: &Column,
    cell: &Map<String, Value>,
    writer: Writer,
) -> Result<Parsed, Problem> {
    if let Some(unknown) = cell
        .keys()
        .find(|name| !ATTRIBUTES.contains(&name.as_str()))
    {
        return Err(Problem::unreadable(&format!(
            "Unknown attribute \"{unknown}\" found"
        )));
    }
    match column.nature {
        Nature::System(_) => {
            let message = format!(
                "Cells containing system values cannot be inserted or updated through the API, columnId : {}.",
                column.id
            );
            return Err(Problem::bad(1046, message));
        }
        Nature::Formula(_) => return Err(Problem::bad(1302, "Cannot edit column formula cells.")),
        Nature::Locked if !writer.is_admin => return Err(Problem::locked_column(column.id)),
        Nature::Plain | Nature::Primary | Nature::Locked => {}
    }
    let given = |name: &str| cell.get(name).filter(|value| !value.is_null());
    if let Some(formula) = given("formula") {
        return parse_formula(formula, given("value").or(given("objectValue")).is_some());
    }
    if let Some(object) = given("objectValue") {
        return parse_object(column, object).map(Some);
    }
    let Some(value) = cell.get("value") else {
        return Err(Problem::missing("cell.value"));
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(emptied(column)),
        Value::Array(_) | Value::Object(_) => Err(Problem::bad(
            1038,
            "Invalid Cell value. Must be numeric or a string.",
        )),
        value => {
            let is_strict = cell.get("strict") != Some(&Value::Bool(false));
            let display = cell.get("displayValue").and_then(Value::as_str);
            if is_strict {
                strict(column, value, display).map(Some)
            } else {
                Ok(Some(lenient(column, value, display)))
            }
        }
    }
}

/// An emptied checkbox is unticked; every other cell has no value.
fn emptied(column: &Column) -> Parsed {
    (column.kind == Type::Checkbox).then(|| Stored::plain(false.into(), None))
}

fn parse_formula(formula: &Value, has_value: bool) -> Result<Parsed, Problem> {
    if has_value {
        let message = "If cell.formula is specified, then value, objectValue, image, hyperlink, and linkInFromCell must not be specified.";
        return Err(Problem::bad(1163, message));
    }
    match formula.as_str() {
        // Formulas are kept and not reckoned here.
        Some(text) if text.starts_with('=') => Ok(Some(Stored::formula(text, json!(0)))),
        _ => Err(Problem::bad(
            1162,
            "A formula must always start with an equal sign (=).",
        )),
    }
}

fn nonconforming(column: &Column, value: &Value) -> Problem {
    let shown = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Problem::bad(
        1042,
        format!(
            "The value for cell in column {}, {shown}, did not conform to the strict requirements for type {}.",
            column.id,
            column.kind.name(2)
        ),
    )
}

fn strict(column: &Column, value: &Value, display: Option<&str>) -> Result<Stored, Problem> {
    let refused = || Err(nonconforming(column, value));
    match column.kind {
        Type::TextNumber => match value {
            Value::Number(number)
                if number.as_f64().is_none_or(|number| number.abs() > GREATEST) =>
            {
                let message =
                    "Numeric cell values must be between -9007199254740992 and 9007199254740992.";
                Err(Problem::bad(1148, message))
            }
            value => Ok(free(value)),
        },
        Type::Checkbox => match value {
            Value::Bool(_) => Ok(Stored::plain(value.clone(), None)),
            _ => refused(),
        },
        Type::Picklist(options) => match value.as_str() {
            Some(text) if options.contains(&text) => Ok(free(value)),
            _ => refused(),
        },
        Type::Contact => match value.as_str() {
            Some(text) if is_address(text) => Ok(contact(text, display)),
            _ => refused(),
        },
        Type::Date => match value.as_str() {
            Some(text) if text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok() => {
                Ok(Stored::plain(value.clone(), None))
            }
            _ => refused(),
        },
        Type::MultiPicklist(_) | Type::MultiContact | Type::DateTime => {
            Err(Problem::bad(1235, "Value not supported on column."))
        }
    }
}

/// What doesn't fit is kept as text.
fn lenient(column: &Column, value: &Value, display: Option<&str>) -> Stored {
    match strict(column, value, display) {
        Ok(stored) => match (column.kind, &stored.value) {
            (Type::TextNumber, Value::String(text)) => {
                let plain = text.trim_start_matches('$').replace(',', "");
                let whole = plain.parse::<i64>().ok().map(serde_json::Number::from);
                let broken = || serde_json::Number::from_f64(plain.parse::<f64>().ok()?);
                let number = whole.or_else(broken);
                number.map_or(stored, |number| {
                    Stored::plain(number.into(), Some(text_of(value)))
                })
            }
            _ => stored,
        },
        Err(_) => match (column.kind, value.as_str()) {
            (Type::Checkbox, Some("true")) => Stored::plain(true.into(), None),
            (Type::Checkbox, Some("false")) => Stored::plain(false.into(), None),
            _ => free(&text_of(value).into()),
        },
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn free(value: &Value) -> Stored {
    let value = match value {
        Value::String(text) => Value::String(text.chars().take(LONGEST).collect()),
        Value::Bool(_) => Value::String(value.to_string()),
        value => value.clone(),
    };
    let display = text_of(&value);
    Stored::plain(value, Some(display))
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !text.contains(' '))
}

/// The contacts of the token's account, by whom an address is named that comes without a name.
const CONTACTS: [(&str, &str); 2] = [
    ("store.manager@example.com", "Store Manager"),
    ("shift.lead@example.com", "Shift Lead"),
];

fn contact(email: &str, display: Option<&str>) -> Stored {
    let known = CONTACTS.iter().find(|(known, _)| *known == email);
    let named = display.or(known.map(|(_, name)| *name));
    let display = named.unwrap_or(email).to_owned();
    let object = json!({"objectType": "CONTACT", "email": email, "name": display});
    Stored {
        object: Some(object),
        ..Stored::plain(email.into(), Some(display))
    }
}

fn parse_object(column: &Column, object: &Value) -> Result<Stored, Problem> {
    let values = object.get("values").and_then(Value::as_array);
    let wanted = match column.kind {
        Type::MultiPicklist(_) => "MULTI_PICKLIST",
        Type::MultiContact => "MULTI_CONTACT",
        _ => return Err(Problem::bad(1235, "Value not supported on column.")),
    };
    let (Some(values), Some(true)) = (values, object.get("objectType").map(|name| name == wanted))
    else {
        return Err(nonconforming(column, object));
    };
    let mut shown = Vec::new();
    let mut kept = Vec::new();
    for value in values {
        match (column.kind, value) {
            (Type::MultiPicklist(options), Value::String(text))
                if options.contains(&text.as_str()) =>
            {
                shown.push(text.clone());
                kept.push(value.clone());
            }
            (Type::MultiContact, Value::Object(contact)) => {
                let email = contact
                    .get("email")
                    .and_then(Value::as_str)
                    .filter(|email| is_address(email));
                let Some(email) =
                    email.filter(|_| contact.get("objectType") == Some(&json!("CONTACT")))
                else {
                    return Err(nonconforming(column, value));
                };
                let name = contact.get("name").and_then(Value::as_str).unwrap_or(email);
                shown.push(name.to_owned());
                kept.push(json!({"objectType": "CONTACT", "email": email, "name": name}));
            }
            _ => return Err(nonconforming(column, value)),
        }
    }
    let text = shown.join(", ");
    Ok(Stored {
        object: Some(json!({"objectType": wanted, "values": kept})),
        ..Stored::plain(text.clone().into(), Some(text))
    })
}

/// A cell as the API shows it: empty ones have no value, objects come where they are asked for.
pub(super) fn shown(
    column: &Column,
    stored: Option<&Stored>,
    level: u64,
    with_objects: bool,
) -> Value {
    let mut shown = json!({"columnId": column.id});
    let Some(stored) = stored else {
        return shown;
    };
    shown["value"] = stored.value.clone();
    if let Some(display) = &stored.display {
        shown["displayValue"] = json!(display);
    }
    if let Some(formula) = &stored.formula {
        shown["formula"] = json!(formula);
    }
    let holds_several = column.kind.name(level) != column.kind.name(2);
    if let Some(object) = stored
        .object
        .as_ref()
        .filter(|_| with_objects && !holds_several)
    {
        shown["objectValue"] = object.clone();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::super::sheet::columns;
    use super::*;

    fn parsed(title: &str, cell: &Value) -> Result<Parsed, Problem> {
        let column = columns()
            .into_iter()
            .find(|column| column.title == title)
            .unwrap();
        parse(
            &column,
            cell.as_object().unwrap(),
            Writer { is_admin: false },
        )
    }

    #[test]
    fn strict_cells_take_their_type_only() {
        for (title, cell, fits) in [
            ("Pay", json!({"value": 2.1}), true),
            ("Pay", json!({"value": "02110"}), true),
            ("Pay", json!({"value": 9_007_199_254_740_999_u64}), false),
            ("Pay", json!({"value": {"a": 1}}), false),
            ("Pay", json!({}), false),
            ("Pay", json!({"value": "1", "zzz": 1}), false),
            (TRIGGER_TITLE, json!({"value": true}), true),
            (TRIGGER_TITLE, json!({"value": "true"}), false),
            (
                TRIGGER_TITLE,
                json!({"value": "true", "strict": false}),
                true,
            ),
            ("Status", json!({"value": "Complete"}), true),
            ("Status", json!({"value": "complete"}), false),
            (
                "Status",
                json!({"value": "complete", "strict": false}),
                true,
            ),
            ("Visit date", json!({"value": "2026-02-28"}), true),
            (
                "Visit date",
                json!({"value": "2026-02-28T10:00:00Z"}),
                false,
            ),
            ("Site contact", json!({"value": "Somebody"}), false),
            ("Skills", json!({"value": "Cabling"}), false),
            (
                "Skills",
                json!({"objectValue": {"objectType": "MULTI_PICKLIST", "values": ["Cabling"]}}),
                true,
            ),
            (
                "Skills",
                json!({"objectValue": {"objectType": "MULTI_PICKLIST", "values": ["Magic"]}}),
                false,
            ),
            ("Budget code", json!({"value": "x"}), false),
            ("Pay and half", json!({"value": 1}), false),
            ("Created", json!({"value": "2026-02-28"}), false),
            ("Description", json!({"formula": "=1+1"}), true),
            (
                "Description",
                json!({"formula": "=1+1", "value": "2"}),
                false,
            ),
        ] {
            assert_eq!(parsed(title, &cell).is_ok(), fits, "{title} {cell}");
        }
    }

    const TRIGGER_TITLE: &str = super::super::sheet::TRIGGER;

    #[test]
    fn long_texts_are_cut_silently_and_empty_ones_empty_the_cell() {
        let long = parsed("Description", &json!({"value": "x".repeat(5000)}))
            .unwrap()
            .unwrap();
        assert_eq!(long.value.as_str().unwrap().len(), LONGEST);
        assert_eq!(parsed("Description", &json!({"value": ""})), Ok(None));
        let unticked = parsed(TRIGGER_TITLE, &json!({"value": ""}))
            .unwrap()
            .unwrap();
        assert_eq!(unticked.value, json!(false));
    }
}
