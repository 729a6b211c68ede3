//! Values in the form that each type of field takes.
//!
//! Text is text, a number a number, a date `YYYY-MM-DD`, a moment ISO 8601 in UTC, several choices a list (given as a
//! list or as text with commas), a person `{"id"}` or an e-mail address, a duration milliseconds.

use serde_json::{Value, json};

use super::table::{Field, Kind};
use crate::model::Timestamp;
pub(super) use crate::platform::basics::text;
use crate::platform::html;

/// Whether a value says nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The value as the field takes it.
///
/// # Errors
/// Why it does not, in words that follow `<field> can't be <value>:`.
pub(super) fn written(field: &Field, value: &Value) -> Result<Value, String> {
    if is_empty(value) {
        return Ok(cleared(field.kind));
    }
    match field.kind {
        Kind::Text => plain(value).and_then(|text| fitting(field, text)),
        Kind::RichText => {
            plain(value).and_then(|text| fitting(field, html::keep_or_convert(&text)))
        }
        Kind::Choice => plain(value)
            .and_then(|text| offered(field, &text))
            .map(Value::from),
        Kind::Choices => choices(field, value),
        Kind::Number | Kind::Duration => number(value),
        Kind::Date => date(&plain(value)?),
        Kind::Moment => moment(&plain(value)?),
        Kind::Checkbox => checkbox(value),
        Kind::User => person(value),
        Kind::Users => people(value),
        Kind::File => Err("files are carried as attachments, not by mapping rules".to_owned()),
        Kind::RecordId | Kind::Other => Err("it can't be written".to_owned()),
    }
}

/// What empties a field.
fn cleared(kind: Kind) -> Value {
    match kind {
        Kind::Number | Kind::Duration => Value::Null,
        Kind::Checkbox => false.into(),
        Kind::Choices | Kind::Users => json!([]),
        _ => "".into(),
    }
}

fn plain(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err("it takes a text".to_owned()),
    }
}

fn fitting(field: &Field, text: String) -> Result<Value, String> {
    let length = text.chars().count();
    match field.max_length {
        Some(longest) if length > longest => Err(format!(
            "it takes {longest} characters, and these are {length}"
        )),
        _ => Ok(text.into()),
    }
}

fn offered(field: &Field, text: &str) -> Result<String, String> {
    let text = text.trim();
    let known = field.choices.iter().find(|choice| *choice == text);
    // People write a choice in their own spelling; Quickbase would take that for a new one.
    let known = known.or_else(|| {
        field
            .choices
            .iter()
            .find(|choice| choice.trim().eq_ignore_ascii_case(text))
    });
    match known {
        Some(choice) => Ok(choice.clone()),
        None if field.takes_new_choices => Ok(text.to_owned()),
        None => Err(format!("it allows: {}", field.choices.join(", "))),
    }
}

fn choices(field: &Field, value: &Value) -> Result<Value, String> {
    let texts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(plain).collect::<Result<_, _>>()?,
        other => plain(other)?
            .split([',', ';'])
            .map(str::to_owned)
            .filter(|text| !text.trim().is_empty())
            .collect(),
    };
    let texts: Result<Vec<String>, String> =
        texts.iter().map(|text| offered(field, text)).collect();
    texts.map(Value::from)
}

fn number(value: &Value) -> Result<Value, String> {
    let refused = || "it takes a number".to_owned();
    match value {
        Value::Number(_) => Ok(value.clone()),
        Value::String(text) => {
            let text = text.trim();
            if let Ok(whole) = text.parse::<i64>() {
                return Ok(whole.into());
            }
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(Value::from).ok_or_else(refused)
        }
        _ => Err(refused()),
    }
}

fn date(text: &str) -> Result<Value, String> {
    let text = text.trim();
    let day = text.get(..10).unwrap_or(text);
    let is_alone = matches!(text.as_bytes().get(10), None | Some(b'T' | b' '));
    match day.parse::<jiff::civil::Date>() {
        Ok(date) if is_alone => Ok(date.to_string().into()),
        _ => Err("it takes a date, YYYY-MM-DD".to_owned()),
    }
}

fn moment(text: &str) -> Result<Value, String> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.to_string().into());
    }
    // Field Nation's own times have no zone and are UTC.
    let bare = text.parse::<jiff::civil::DateTime>();
    let moment = bare
        .ok()
        .and_then(|bare| bare.to_zoned(jiff::tz::TimeZone::UTC).ok());
    match moment {
        Some(moment) => Ok(moment.timestamp().to_string().into()),
        None => Err("it takes a moment, e.g. 2026-03-01T14:30:00Z".to_owned()),
    }
}

fn checkbox(value: &Value) -> Result<Value, String> {
    let ticked = match value {
        Value::Bool(ticked) => Some(*ticked),
        Value::Number(number) => number.as_u64().filter(|one| *one <= 1).map(|one| one == 1),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    ticked
        .map(Value::from)
        .ok_or_else(|| "it takes true or false".to_owned())
}

fn person(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(text) if text.contains('@') => Ok(text.trim().into()),
        Value::String(text) => Ok(json!({"id": text.trim()})),
        Value::Object(person) => match (person.get("id"), person.get("email")) {
            (Some(Value::String(id)), _) if !id.is_empty() => Ok(json!({"id": id})),
            (_, Some(Value::String(email))) if !email.is_empty() => Ok(email.as_str().into()),
            _ => Err("the person has neither id nor e-mail address".to_owned()),
        },
        _ => Err("it takes a person's e-mail address or Quickbase id".to_owned()),
    }
}

fn people(value: &Value) -> Result<Value, String> {
    let people: Result<Vec<Value>, String> = match value {
        Value::Array(items) => items.iter().map(person).collect(),
        Value::String(text) => text
            .split([',', ';'])
            .filter(|text| !text.trim().is_empty())
            .map(|text| person(&text.into()))
            .collect(),
        one => person(one).map(|one| vec![one]),
    };
    people.map(Value::from)
}

/// Whether a row already holds what would be written.
pub(super) fn stands(field: &Field, held: &Value, written: &Value) -> bool {
    if is_empty(held) && is_empty(written) {
        return true;
    }
    match field.kind {
        // What is added to a field stands there once it contains it, whatever stamp Quickbase put before it.
        Kind::Text | Kind::RichText if field.append_only => {
            let held = squeezed(&html::to_text(&text(held)));
            is_empty(written) || held.contains(&squeezed(&html::to_text(&text(written))))
        }
        Kind::Text => text(held).replace("\r\n", "\n") == text(written).replace("\r\n", "\n"),
        Kind::Number | Kind::Duration => match (held.as_f64(), written.as_f64()) {
            (Some(held), Some(written)) => held.total_cmp(&written).is_eq(),
            _ => false,
        },
        Kind::Moment => match (moment(&text(held)), moment(&text(written))) {
            (Ok(held), Ok(written)) => held == written,
            _ => false,
        },
        Kind::User => is_person(held, written),
        Kind::Users => match (held.as_array(), written.as_array()) {
            (Some(held), Some(written)) => {
                held.len() == written.len()
                    && held
                        .iter()
                        .zip(written)
                        .all(|(held, written)| is_person(held, written))
            }
            _ => false,
        },
        _ => held == written,
    }
}

fn is_person(held: &Value, written: &Value) -> bool {
    match written {
        Value::String(email) => held
            .get("email")
            .and_then(Value::as_str)
            .is_some_and(|held| held.eq_ignore_ascii_case(email)),
        other => other.get("id").is_some() && held.get("id") == other.get("id"),
    }
}

/// A text without regard to how its white space was kept.
pub(super) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::table::Table;
    use super::*;

    fn field(described: &Value) -> Field {
        let mut described = described.clone();
        described["id"] = json!(9);
        Table::read(&json!([described])).fields.remove(0)
    }

    fn of_type(name: &str) -> Field {
        field(&json!({"fieldType": name}))
    }

    #[test]
    fn each_type_takes_its_own_form() {
        for (name, given, made) in [
            ("text", json!(5), json!("5")),
            ("text", json!("  "), json!("")),
            ("rich-text", json!("a < b"), json!("a &lt; b")),
            ("rich-text", json!("<p>a</p>"), json!("<p>a</p>")),
            ("numeric", json!("12"), json!(12)),
            ("currency", json!("12.50"), json!(12.5)),
            ("numeric", json!(null), json!(null)),
            ("date", json!("2026-03-01T10:00:00Z"), json!("2026-03-01")),
            ("date", json!("2026-03-01"), json!("2026-03-01")),
            (
                "timestamp",
                json!("2026-03-01 10:00:00"),
                json!("2026-03-01T10:00:00Z"),
            ),
            (
                "datetime",
                json!("2026-03-01T10:00:00+02:00"),
                json!("2026-03-01T08:00:00Z"),
            ),
            ("checkbox", json!("Yes"), json!(true)),
            ("checkbox", json!(""), json!(false)),
            ("multitext", json!("a, b;c"), json!(["a", "b", "c"])),
            ("multitext", json!(["a"]), json!(["a"])),
            ("user", json!("d@example.com"), json!("d@example.com")),
            ("user", json!("123456.ab1s"), json!({"id": "123456.ab1s"})),
            (
                "user",
                json!({"id": "1.a", "name": "x"}),
                json!({"id": "1.a"}),
            ),
            (
                "multiuser",
                json!("d@example.com, 1.a"),
                json!(["d@example.com", {"id": "1.a"}]),
            ),
        ] {
            assert_eq!(written(&of_type(name), &given), Ok(made), "{name} {given}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (name, given) in [
            ("text", json!({"a": 1})),
            ("numeric", json!("twelve")),
            ("numeric", json!("inf")),
            ("date", json!("March 1st")),
            ("date", json!("2026-02-30")),
            ("timestamp", json!("soon")),
            ("checkbox", json!("maybe")),
            ("checkbox", json!(7)),
            ("user", json!(7)),
            ("file", json!("a.pdf")),
            ("dblink", json!("x")),
        ] {
            assert!(written(&of_type(name), &given).is_err(), "{name} {given}");
        }
    }

    #[test]
    fn choices_are_held_to_what_is_offered() {
        let status = json!({"fieldType": "text-multiple-choice",
            "properties": {"choices": ["Open", "On hold"], "allowNewChoices": false}});
        let field = field(&status);
        assert_eq!(written(&field, &json!("on HOLD")), Ok(json!("On hold")));
        let why = written(&field, &json!("Done")).unwrap_err();
        assert!(why.contains("Open, On hold"), "{why}");
        let mut open = field;
        open.takes_new_choices = true;
        assert_eq!(written(&open, &json!("Done")), Ok(json!("Done")));
    }

    #[test]
    fn too_long_a_text_is_refused_and_not_cut() {
        let title = field(&json!({"fieldType": "text", "properties": {"maxLength": 3}}));
        assert_eq!(written(&title, &json!("äöü")), Ok(json!("äöü")));
        assert!(
            written(&title, &json!("äöüx"))
                .unwrap_err()
                .contains("3 characters")
        );
    }

    #[test]
    fn what_stands_there_is_not_written_again() {
        let same = |name: &str, held: Value, new: Value| stands(&of_type(name), &held, &new);
        assert!(same("text", json!("a\r\nb"), json!("a\nb")));
        assert!(same("numeric", json!(5.0), json!(5)));
        assert!(same(
            "timestamp",
            json!("2026-03-01T10:00:00.000Z"),
            json!("2026-03-01T10:00:00Z")
        ));
        assert!(same(
            "user",
            json!({"id": "1.a", "email": "D@example.com"}),
            json!("d@example.com")
        ));
        assert!(same("date", json!(""), json!("")));
        assert!(!same("text", json!("a"), json!("b")));
        assert!(!same("checkbox", json!(true), json!(false)));
        let log =
            field(&json!({"fieldType": "text-multi-line", "properties": {"appendOnly": true}}));
        assert!(stands(
            &log,
            &json!("[MAR-01-26 Bot] All\nreplaced"),
            &json!("All replaced")
        ));
        assert!(!stands(
            &log,
            &json!("[MAR-01-26 Bot] Arrived"),
            &json!("All replaced")
        ));
    }
}
