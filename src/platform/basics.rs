//! What several adapters need alike: addresses, paging, and reading JSON that may have any shape.
//!
//! Nothing here knows a vendor.

use http::HeaderMap;
use serde_json::Value;

use crate::model::Timestamp;

/// Joins a base address and a path with exactly one slash between them.
pub(super) fn join(base: &str, path: &str) -> String {
    format!(
        "{}/{}",
        base.trim_end_matches('/'),
        path.trim_start_matches('/')
    )
}

/// The address that a `Link` header names as the next page, as it stands there.
pub(super) fn next_link(headers: &HeaderMap) -> Option<&str> {
    let links = headers.get_all(http::header::LINK).iter();
    links
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(", <"))
        .find_map(|link| {
            let (address, parameters) = link.trim().trim_start_matches('<').split_once('>')?;
            let is_next = parameters.split(';').any(|parameter| {
                let parameter = parameter.trim().to_ascii_lowercase();
                matches!(parameter.as_str(), "rel=\"next\"" | "rel=next")
            });
            is_next.then_some(address)
        })
}

/// An id as text, whether it came as a number or as text; `None` for anything else and for the empty text.
pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// The value at the end of a way of member names; null counts as absent.
pub(super) fn at<'a>(value: &'a Value, way: &[&str]) -> Option<&'a Value> {
    let found = way.iter().try_fold(value, |value, name| value.get(name))?;
    (!found.is_null()).then_some(found)
}

/// The text at the end of a way of member names; empty counts as absent.
pub(super) fn text_at<'a>(value: &'a Value, way: &[&str]) -> Option<&'a str> {
    let text = at(value, way)?.as_str()?;
    (!text.trim().is_empty()).then_some(text)
}

/// The moment at the end of a way of member names.
pub(super) fn moment_at(value: &Value, way: &[&str]) -> Option<Timestamp> {
    text_at(value, way)?.trim().parse().ok()
}

/// Whether a member is `true`.
pub(super) fn is_true(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

/// A scalar as text; objects and lists as their JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A positive whole number, given as number or as text.
pub(super) fn number(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => digits(text.as_bytes())?,
        _ => return None,
    };
    (number > 0).then_some(number)
}

/// The number that a text of digits alone stands for; vendors' ids are signed 64-bit numbers.
pub(super) fn digits(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() || text.len() > 19 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(text).ok()?.parse().ok()?;
    (1..=i64::MAX.unsigned_abs())
        .contains(&number)
        .then_some(number)
}

/// A member's id as text.
pub(super) fn id(object: &Value, name: &str) -> Option<String> {
    number(object.get(name)?).map(|number| number.to_string())
}

/// Whether a value says nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// A file's name without what a path or a header could make of it.
pub(super) fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|character| !character.is_control() && *character != '"')
        .take(200)
        .collect();
    if clean.trim_matches(['.', ' ']).is_empty() {
        "file".to_owned()
    } else {
        clean
    }
}

/// A media type that any vendor accepts, whatever was told.
pub(super) fn media_type(text: &str) -> String {
    let text = text.split(';').next().unwrap_or_default().trim();
    let legal = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    match text.split_once('/') {
        Some((kind, subtype)) if legal(kind) && legal(subtype) => text.to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_joined_with_one_slash() {
        assert_eq!(join("http://h/a/", "/b"), "http://h/a/b");
        assert_eq!(join("http://h/a", "b"), "http://h/a/b");
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        let headers =
            |text: &str| HeaderMap::from_iter([(http::header::LINK, text.parse().unwrap())]);
        let two =
            headers("<https://h/x?page=1>; rel=\"prev\", <https://h/x?a=1,2&page=3>; rel=\"next\"");
        assert_eq!(next_link(&two), Some("https://h/x?a=1,2&page=3"));
        assert_eq!(next_link(&headers("<https://h/x>; rel=\"last\"")), None);
        assert_eq!(next_link(&headers("nonsense")), None);
    }

    #[test]
    fn absent_null_and_empty_are_one() {
        let value =
            json!({"a": {"b": null, "c": " ", "d": "x"}, "n": 7, "at": "2016-03-08T21:59:20Z"});
        assert_eq!(at(&value, &["a", "b"]), None);
        assert_eq!(text_at(&value, &["a", "c"]), None);
        assert_eq!(text_at(&value, &["a", "d"]), Some("x"));
        assert_eq!(id_text(&value["n"]).as_deref(), Some("7"));
        assert_eq!(id_text(&json!("")), None);
        assert!(moment_at(&value, &["at"]).is_some());
        assert!(!is_true(&value, "n"));
    }

    #[test]
    fn names_and_types_are_made_harmless() {
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name("C:\\temp\\a\"b\r\n.pdf"), "ab.pdf");
        assert_eq!(file_name(".."), "file");
        assert_eq!(media_type("image/png; charset=x"), "image/png");
        assert_eq!(media_type("image"), "application/octet-stream");
        assert_eq!(media_type("a/b\r\nX: y"), "application/octet-stream");
    }

    #[test]
    fn an_id_is_a_number_or_its_digits() {
        assert_eq!(number(&json!(11)), Some(11));
        assert_eq!(number(&json!(" 11 ")), Some(11));
        for wrong in [
            json!(0),
            json!(-1),
            json!(1.5),
            json!("{{ticket.id}}"),
            json!("99999999999999999999"),
            json!("9999999999999999999"),
            json!(null),
        ] {
            assert_eq!(number(&wrong), None, "{wrong}");
        }
    }
}
