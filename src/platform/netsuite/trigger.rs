//! Reading triggers: whatever the customer's script posts, only the record's internal id and its type count.
//!
//! NetSuite has no webhooks of its own. A user event script posts a body of its author's choice, inside a person's save:
//! so the answer is quick, says what is missing where something is, and never leads on. There is neither a signature nor
//! a delivery id; the token in the address guards the door, and a secret header where one is set.

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::api::is_internal_id;
use crate::model::RecordId;
use crate::platform::basics::id_text;
use crate::platform::{Answer, DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};

/// The names under which an id comes, the surest first.
const IDS: [&str; 7] = [
    "external_id",
    "internalId",
    "internalid",
    "internal_id",
    "recordId",
    "record_id",
    "id",
];

/// The names under which a record's type comes. `type` alone is what happened, in the scripts that are seen.
const TYPES: [&str; 3] = ["record_type", "recordType", "recordtype"];

/// What scripts wrap the record in.
const WRAPPERS: [&str; 4] = ["record", "data", "payload", "body"];

/// At most so many records are taken from one call.
const MOST_RECORDS: usize = 100;

/// So much of a body that does not parse is looked through.
const LONGEST: usize = 1024 * 1024;

/// What a body says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    ids: Vec<String>,
    record_type: Option<String>,
}

/// Reads a trigger.
///
/// # Errors
/// A refusal that tells the script's author what to change.
pub(super) fn read(
    request: &TriggerRequest,
    record_type: &str,
    secret: Option<&SecretString>,
) -> Result<TriggerReading, TriggerRefusal> {
    if let Some(secret) = secret {
        check_secret(request, secret)?;
    }
    let (mut told, mut form) = from_body(&request.body);
    let asked = TYPES.iter().find_map(|name| request.parameter(name));
    if let Some(asked) = asked {
        told.record_type = Some(asked.to_owned());
    }
    // The query goes first: nothing that is typed into a record gets there.
    let mut query = IDS.iter().filter_map(|name| request.parameter(name));
    if let Some(id) = query.find(|text| is_internal_id(text)) {
        told.ids = vec![id.to_owned()];
        form = DeliveryForm::Query;
    }
    if let Some(other) = told
        .record_type
        .filter(|told| !same_type(told, record_type))
    {
        let shown: String = other.chars().take(60).collect();
        return Ok(TriggerReading::NotOurs {
            why: format!("a record of type {shown}; the connector carries {record_type}"),
        });
    }
    if told.ids.is_empty() {
        return Err(refusal(request));
    }
    Ok(TriggerReading::Records {
        ids: told.ids.into_iter().map(RecordId::new).collect(),
        // The same body comes for every change of a record, so that nothing tells one delivery from another.
        delivery: None,
        form,
        answer: Some(Answer::json(StatusCode::OK, &json!({"accepted": true}))),
    })
}

/// Scripts write `supportcase`, the record service `supportCase`.
fn same_type(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other)
}

fn check_secret(request: &TriggerRequest, secret: &SecretString) -> Result<(), TriggerRefusal> {
    let given = request.headers.get("x-fieldbridge-secret");
    let given = given.map(|value| value.as_bytes().trim_ascii());
    let wanted = secret.expose_secret().trim().as_bytes();
    if given.is_some_and(|given| bool::from(given.ct_eq(wanted))) {
        Ok(())
    } else {
        Err(TriggerRefusal::Signature(
            "the script must send the connector's trigger_secret in the header X-Fieldbridge-Secret"
                .to_owned(),
        ))
    }
}

fn from_body(body: &[u8]) -> (Told, DeliveryForm) {
    let body = body.trim_ascii();
    match body.first() {
        None => (Told::default(), DeliveryForm::Query),
        Some(b'{' | b'[') => match serde_json::from_slice::<Value>(body) {
            Ok(value) => (from_json(&value), DeliveryForm::Json),
            Err(_) => (salvaged(body), DeliveryForm::Salvaged),
        },
        // A script that serialises twice posts a text with JSON in it.
        Some(b'"') => match serde_json::from_slice::<String>(body) {
            Ok(inner) => {
                let value = serde_json::from_str(&inner).unwrap_or(Value::Null);
                (from_json(&value), DeliveryForm::Json)
            }
            Err(_) => (salvaged(body), DeliveryForm::Salvaged),
        },
        Some(_) => {
            let told = from_form(body);
            if told.ids.is_empty() {
                (salvaged(body), DeliveryForm::Salvaged)
            } else {
                (told, DeliveryForm::Form)
            }
        }
    }
}

fn from_json(value: &Value) -> Told {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut told = Told::default();
    for item in items.iter().take(MOST_RECORDS) {
        let Some(object) = record_in(item) else {
            continue;
        };
        if let Some(id) = id_in(object).filter(|id| !told.ids.contains(id)) {
            told.ids.push(id);
        }
        let typed = [object, item].into_iter().find_map(type_in);
        told.record_type = told.record_type.or(typed);
    }
    told
}

/// The object that holds the id: the item itself, or what it wraps.
fn record_in(item: &Value) -> Option<&Value> {
    if id_in(item).is_some() {
        return Some(item);
    }
    let wrapped = WRAPPERS.iter().filter_map(|name| item.get(name));
    let found = wrapped.into_iter().find(|inner| id_in(inner).is_some());
    found.or_else(|| type_in(item).map(|_| item))
}

fn id_in(object: &Value) -> Option<String> {
    let ids = IDS.iter().filter_map(|name| id_text(object.get(name)?));
    ids.into_iter().find(|text| is_internal_id(text))
}

fn type_in(object: &Value) -> Option<String> {
    let found = TYPES.iter().find_map(|name| object.get(name)?.as_str());
    found
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
}

fn from_form(body: &[u8]) -> Told {
    let body = body.get(..body.len().min(LONGEST)).unwrap_or(body);
    let value = |name: &&str| {
        let mut pairs = url::form_urlencoded::parse(body);
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        Some(value.trim().to_owned())
    };
    let id = IDS
        .iter()
        .filter_map(&value)
        .find(|text| is_internal_id(text));
    Told {
        ids: id.into_iter().collect(),
        record_type: TYPES.iter().find_map(value),
    }
}

/// The id and type in a body that does not parse: one pass, nothing decoded.
fn salvaged(body: &[u8]) -> Told {
    let body = body.get(..body.len().min(LONGEST)).unwrap_or(body);
    let mut ids: [Option<String>; IDS.len()] = Default::default();
    let mut record_type = None;
    let mut rest = body;
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        rest = rest.get(start + 1..).unwrap_or_default();
        let named = |name: &str| {
            rest.strip_prefix(name.as_bytes())
                .and_then(|after| after.strip_prefix(b"\""))
        };
        if let Some((place, after)) = IDS
            .iter()
            .enumerate()
            .find_map(|(place, name)| Some((place, named(name)?)))
        {
            let id = value(after).filter(|text| is_internal_id(text));
            if let Some(slot) = ids.get_mut(place).filter(|slot| slot.is_none()) {
                *slot = id;
            }
        } else if let Some(after) = TYPES.iter().find_map(|name| named(name)) {
            record_type = record_type.or_else(|| value(after));
        }
    }
    Told {
        ids: ids.into_iter().flatten().take(1).collect(),
        record_type,
    }
}

/// The value in `: "11"`, `:11,` and the like; it must end where a value may end.
fn value(rest: &[u8]) -> Option<String> {
    // Room for a generous indentation and the longest name.
    let rest = rest.get(..rest.len().min(160)).unwrap_or(rest);
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    let rest = rest.trim_ascii_start();
    let (inner, ends): (_, &[u8]) = match rest.strip_prefix(b"\"") {
        Some(inner) => (inner, b"\""),
        None => (rest, b",}]\r\n \t"),
    };
    let length = inner.iter().position(|byte| ends.contains(byte))?;
    let text = std::str::from_utf8(inner.get(..length)?).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn refusal(request: &TriggerRequest) -> TriggerRefusal {
    let why = if request.body.is_empty() {
        "the call has neither an id in its address nor a body"
    } else {
        "the body holds no internal id"
    };
    TriggerRefusal::NoRecord(format!(
        "{why}. Post {{\"record_type\":\"supportCase\",\"id\":\"123\",\"event\":\"edit\"}} as the shipped script does"
    ))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};
    use proptest::prelude::*;

    use super::*;

    fn request(query: &[(&str, &str)], body: &str) -> TriggerRequest {
        TriggerRequest {
            method: Method::POST,
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn ids(request: &TriggerRequest) -> (Vec<String>, DeliveryForm) {
        match read(request, "supportCase", None).unwrap() {
            TriggerReading::Records {
                ids,
                form,
                delivery: None,
                answer,
            } => {
                assert_eq!(answer.unwrap().status, StatusCode::OK);
                (ids.iter().map(ToString::to_string).collect(), form)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_script_names_the_record() {
        for body in [
            r#"{"record_type":"supportCase","id":"123","event":"create"}"#,
            r#"{"type":"EDIT","recordType":"supportcase","id":123}"#,
            r#"{"recordId":123,"recordType":"SUPPORTCASE","timestamp":"2026-03-01T12:00:00Z"}"#,
            r#"{"internalId":"123"}"#,
            r#"{"internalid":" 123 ","id":"not an id"}"#,
            r#"{"record":{"id":123,"recordType":"supportcase"}}"#,
            r#"[{"id":123},{"id":"123"}]"#,
            r#""{\"id\":\"123\"}""#,
        ] {
            assert_eq!(
                ids(&request(&[], body)),
                (vec!["123".into()], DeliveryForm::Json),
                "{body}"
            );
        }
        let form = request(&[], "recordType=supportcase&recordId=123");
        assert_eq!(ids(&form), (vec!["123".into()], DeliveryForm::Form));
        let query = request(&[("external_id", "123")], "{\"id\":\"9");
        assert_eq!(ids(&query), (vec!["123".into()], DeliveryForm::Query));
        assert_eq!(ids(&request(&[], r#"[{"id":1},{"id":2}]"#)).0, ["1", "2"]);
    }

    #[test]
    fn a_body_pasted_together_is_read_all_the_same() {
        for body in [
            "{\"id\":\"123\",\"title\":\"the \"red\" one\"}",
            "{\"title\":\"a\nb\",\"recordType\":\"supportcase\",\"id\":123}",
            "{\"id\" : 123, \"title\": }",
        ] {
            assert_eq!(
                ids(&request(&[], body)),
                (vec!["123".into()], DeliveryForm::Salvaged),
                "{body}"
            );
        }
    }

    #[test]
    fn records_of_another_type_are_not_ours() {
        for (query, body) in [
            (vec![], r#"{"recordType":"task","id":5}"#),
            (vec![("record_type", "customer")], r#"{"id":5}"#),
            (vec![], "{\"recordType\":\"task\",\"id\":5,\"x\":\"\"y\"}"),
            (vec![], r#"{"record_type":"salesorder"}"#),
        ] {
            let reading = read(&request(&query, body), "supportCase", None).unwrap();
            assert!(
                matches!(reading, TriggerReading::NotOurs { .. }),
                "{body}: {reading:?}"
            );
        }
    }

    #[test]
    fn a_secret_is_asked_for_before_anything_else() {
        let secret = SecretString::from("fake-secret");
        let mut call = request(&[], r#"{"id":5}"#);
        let refused = read(&call, "supportCase", Some(&secret)).unwrap_err();
        assert!(matches!(refused, TriggerRefusal::Signature(_)));
        call.headers
            .insert("x-fieldbridge-secret", "fake-secre".parse().unwrap());
        assert!(read(&call, "supportCase", Some(&secret)).is_err());
        call.headers
            .insert("x-fieldbridge-secret", "fake-secret".parse().unwrap());
        assert!(read(&call, "supportCase", Some(&secret)).is_ok());
    }

    #[test]
    fn what_names_no_record_is_told_what_to_post() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "hello",
            "\"x\"",
            r#"{"id":"SC-7"}"#,
            r#"{"id":-5}"#,
            r#"{"id":{}}"#,
            "{\"id\":12",
            "{\"id\":\"12",
        ] {
            let refusal = read(&request(&[], body), "supportCase", None).unwrap_err();
            assert!(
                refusal
                    .to_string()
                    .contains("\"record_type\":\"supportCase\""),
                "{body}: {refusal}"
            );
        }
    }

    #[test]
    fn hostile_bodies_are_refused_in_bounded_time() {
        let started = std::time::Instant::now();
        for body in [
            "[".repeat(5_000_000),
            "{\"record\":".repeat(500_000),
            "\"id\" :".repeat(300_000),
            format!("{{\"id\":{}", " ".repeat(4_000_000)),
            format!("{{\"id\":\"{}\"}}", "9".repeat(1_000_000)),
            "=&".repeat(2_000_000),
        ] {
            assert!(read(&request(&[], &body), "supportCase", None).is_err());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = from_body(&body);
            let _ = salvaged(&body);
        }
    }
}
