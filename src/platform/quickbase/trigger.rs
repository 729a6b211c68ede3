//! Reading triggers: whatever a table's webhook was told to send, only the Record ID# counts.
//!
//! A webhook's body is what the admin typed: JSON, XML, RAW text, or nothing, which is the vendor's default. It may
//! name several records (`%RepeatOn%`). Values are pasted as they are, so that broken JSON is ordinary. There is no
//! signature and no delivery id; the token in the address guards the door, and a secret header if one is set.

use std::collections::HashSet;

use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq as _;

use super::salvage::{self, squashed};
use crate::model::RecordId;
use crate::platform::basics::digits;
use crate::platform::{Answer, DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};

/// The names under which a Record ID# comes, the surest first, without regard to how they are spelt.
const NAMES: [&str; 4] = ["externalid", "recordid", "rid", "id"];
/// The names under which a message or document says to which record it belongs.
const RELATED: [&str; 2] = ["relatedrecordid", "relatedrecord"];
/// The names under which the table comes.
const TABLES: [&str; 2] = ["tableid", "dbid"];
/// What a template may wrap records in.
const WRAPPERS: [&str; 6] = ["records", "record", "data", "rows", "payload", "body"];

/// The tables that a trigger may come from.
#[derive(Clone, Debug)]
pub(super) struct Tables<'a> {
    /// The one whose records are work orders.
    pub(super) main: &'a str,
    /// Those whose rows belong to such records.
    pub(super) children: Vec<&'a str>,
}

/// From where a record's name in a trigger is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The table of records, or it was not said.
    Main,
    /// A table whose rows name their record.
    Child,
    /// A table that is not ours.
    Foreign,
}

impl Tables<'_> {
    fn origin(&self, table: Option<&str>) -> Origin {
        match table.map(str::trim).filter(|table| !table.is_empty()) {
            None => Origin::Main,
            // A marker that nobody filled in says nothing.
            Some(table) if table == self.main || table.contains(['%', '[']) => Origin::Main,
            Some(table) if self.children.contains(&table) => Origin::Child,
            Some(_) => Origin::Foreign,
        }
    }
}

/// What was made out.
#[derive(Debug, Default)]
struct Reading {
    ids: Vec<u64>,
    seen: HashSet<u64>,
    /// Something of another table was named.
    foreign: bool,
    /// A message or document did not say to which record it belongs.
    orphaned: bool,
}

impl Reading {
    fn take(&mut self, ids: impl IntoIterator<Item = u64>) {
        for id in ids {
            if self.seen.insert(id) {
                self.ids.push(id);
            }
        }
    }
}

/// Reads a trigger.
///
/// # Errors
/// A refusal that tells the webhook's author what to change.
pub(super) fn read(
    request: &TriggerRequest,
    tables: &Tables<'_>,
    secret: Option<&SecretString>,
) -> Result<TriggerReading, TriggerRefusal> {
    if let Some(secret) = secret {
        check_secret(&request.headers, secret)?;
    }
    let (reading, form) = match from_query(request, tables) {
        Some(reading) => (reading, DeliveryForm::Query),
        None => from_body(&request.body, tables),
    };
    if !reading.ids.is_empty() {
        return Ok(records(&reading.ids, form));
    }
    if reading.foreign && !reading.orphaned {
        return Ok(TriggerReading::NotOurs {
            why: format!("it names another table than {}", tables.main),
        });
    }
    Err(refusal(request, &reading))
}

/// Quickbase signs nothing, but a webhook can send a header of one's own.
fn check_secret(headers: &HeaderMap, secret: &SecretString) -> Result<(), TriggerRefusal> {
    let given = headers.get("x-fieldbridge-secret");
    let wanted = secret.expose_secret().as_bytes();
    if given.is_some_and(|given| bool::from(given.as_bytes().trim_ascii().ct_eq(wanted))) {
        Ok(())
    } else {
        Err(TriggerRefusal::Signature(
            "the webhook must send the connector's trigger_secret in the header X-Fieldbridge-Secret".to_owned(),
        ))
    }
}

fn records(ids: &[u64], form: DeliveryForm) -> TriggerReading {
    TriggerReading::Records {
        ids: ids.iter().map(|id| RecordId::new(id.to_string())).collect(),
        // The same body comes for every change of a record, so that nothing tells one delivery from another.
        delivery: None,
        form,
        answer: Some(Answer::json(StatusCode::OK, &json!({"accepted": true}))),
    }
}

/// The query goes first: nothing that somebody writes into a record can get there. `None` if it names no record.
fn from_query(request: &TriggerRequest, tables: &Tables<'_>) -> Option<Reading> {
    let parameter = |names: &[&str]| {
        names.iter().find_map(|name| {
            let mut pairs = request.query.iter();
            let (_, value) =
                pairs.find(|(key, value)| squashed(key) == *name && !value.is_empty())?;
            Some(value.as_str())
        })
    };
    let id = digits(parameter(&NAMES)?.as_bytes())?;
    let mut reading = Reading::default();
    match tables.origin(parameter(&TABLES)) {
        // Whoever writes `external_id` into the address of a message table's webhook means the record.
        Origin::Main | Origin::Child => reading.take([id]),
        Origin::Foreign => reading.foreign = true,
    }
    Some(reading)
}

fn from_body(body: &[u8], tables: &Tables<'_>) -> (Reading, DeliveryForm) {
    let trimmed = body.trim_ascii();
    let mut reading = Reading::default();
    let form = match trimmed.first() {
        None => DeliveryForm::Query,
        Some(b'{' | b'[') => {
            if let Ok(value) = serde_json::from_slice::<Value>(trimmed) {
                from_json(&value, tables, &mut reading);
                DeliveryForm::Json
            } else {
                salvaged(trimmed, tables, &mut reading);
                DeliveryForm::Salvaged
            }
        }
        Some(b'<') => {
            salvaged(trimmed, tables, &mut reading);
            DeliveryForm::Xml
        }
        Some(_) if from_numbers(trimmed, &mut reading) => DeliveryForm::Form,
        Some(_) if from_form(trimmed, tables, &mut reading) => DeliveryForm::Form,
        Some(_) => {
            salvaged(trimmed, tables, &mut reading);
            DeliveryForm::Salvaged
        }
    };
    (reading, form)
}

fn from_json(value: &Value, tables: &Tables<'_>, reading: &mut Reading) {
    match value {
        Value::Array(items) => {
            for item in items {
                from_json(item, tables, reading);
            }
        }
        Value::Object(object) => from_object(object, tables, reading),
        scalar => reading.take(number(scalar)),
    }
}

/// The ids in an object: under its surest name, else in what it wraps.
fn from_object(object: &Map<String, Value>, tables: &Tables<'_>, reading: &mut Reading) {
    let member = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| Some(object.iter().find(|(key, _)| squashed(key) == *name)?.1))
    };
    let table = member(&TABLES).and_then(Value::as_str);
    let names: &[&str] = match tables.origin(table) {
        Origin::Foreign => {
            reading.foreign = true;
            return;
        }
        Origin::Child => &RELATED,
        Origin::Main => &NAMES,
    };
    if let Some(wrapped) = member(&WRAPPERS).filter(|value| value.is_object() || value.is_array()) {
        from_json(wrapped, tables, reading);
    }
    let named: Vec<u64> = match member(names) {
        Some(Value::Array(items)) => items.iter().filter_map(number).collect(),
        Some(one) => number(one).into_iter().collect(),
        None => Vec::new(),
    };
    reading.orphaned |= names == RELATED && named.is_empty();
    reading.take(named);
}

/// A Record ID#, given as number or as text; the vendor's forms group digits by commas if the admin likes.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().filter(|id| *id > 0),
        Value::String(text) => digits(text.as_bytes()),
        _ => None,
    }
}

/// RAW text of numbers alone: `12`, or several by commas or lines.
fn from_numbers(body: &[u8], reading: &mut Reading) -> bool {
    let body = body.get(..body.len().min(salvage::LONGEST)).unwrap_or(body);
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let words = text.split([',', ';', '\n', '\r', '\t', ' ']);
    let words = words.filter(|word| !word.is_empty());
    let ids: Option<Vec<u64>> = words.map(|word| digits(word.as_bytes())).collect();
    match ids {
        Some(ids) => {
            reading.take(ids);
            true
        }
        None => false,
    }
}

/// RAW text as a form: `record_id=12&table_id=bck7gp3q2`.
fn from_form(body: &[u8], tables: &Tables<'_>, reading: &mut Reading) -> bool {
    let body = body.get(..body.len().min(salvage::LONGEST)).unwrap_or(body);
    let value = |names: &[&str]| {
        let mut pairs = url::form_urlencoded::parse(body);
        let (_, value) = pairs.find(|(key, _)| names.contains(&squashed(key).as_str()))?;
        Some(value.into_owned())
    };
    let origin = tables.origin(value(&TABLES).as_deref());
    let names: &[&str] = if origin == Origin::Child {
        &RELATED
    } else {
        &NAMES
    };
    let id = names
        .iter()
        .find_map(|name| digits(value(&[*name])?.as_bytes()));
    let Some(id) = id else { return false };
    if origin == Origin::Foreign {
        reading.foreign = true;
    } else {
        reading.take([id]);
    }
    true
}

fn salvaged(body: &[u8], tables: &Tables<'_>, reading: &mut Reading) {
    let table = salvage::word(body, &TABLES);
    match tables.origin(table.as_deref()) {
        Origin::Main => reading.take(salvage::numbers(body, &NAMES)),
        Origin::Child => {
            reading.take(salvage::numbers(body, &RELATED));
            reading.orphaned = reading.ids.is_empty();
        }
        Origin::Foreign => reading.foreign = true,
    }
}

const RECOMMENDED: &str = "Type the body {\"record_id\":\"[Record ID#]\",\"table_id\":\"%dbid%\"} into the webhook, message format JSON.";

fn refusal(request: &TriggerRequest, reading: &Reading) -> TriggerRefusal {
    let media_type = request
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let readable = ["json", "xml", "form-urlencoded", "text/", "octet-stream"];
    if !request.body.is_empty()
        && !media_type.is_empty()
        && !readable.iter().any(|word| media_type.contains(word))
    {
        let shown: String = media_type.chars().take(80).collect();
        return TriggerRefusal::MediaType(format!(
            "{shown}. Choose the message format JSON in the webhook. {RECOMMENDED}"
        ));
    }
    let in_query = request
        .query
        .iter()
        .any(|(_, value)| value.contains("[Record ID#]"));
    let why = if in_query || has_marker(&request.body) {
        "the marker [Record ID#] was sent as it is: the call was a test, or the field has another label in this table"
    } else if reading.orphaned {
        "a message or document must name its record: send related_record_id with the value of the related-record field"
    } else if request.body.trim_ascii().is_empty() {
        "the webhook has an empty body, which is Quickbase's default, and its address names no record"
    } else {
        "neither the body nor the address holds a Record ID#"
    };
    TriggerRefusal::NoRecord(format!("{why}. {RECOMMENDED}"))
}

fn has_marker(body: &[u8]) -> bool {
    let start = body
        .get(..body.len().min(salvage::LONGEST))
        .unwrap_or_default();
    start.windows(12).any(|window| window == b"[Record ID#]")
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    const JOBS: &str = "bck7gp3q2";
    const MESSAGES: &str = "bck7gp3q3";

    fn tables() -> Tables<'static> {
        Tables {
            main: JOBS,
            children: vec![MESSAGES],
        }
    }

    fn request(query: &[(&str, &str)], media_type: &str, body: &str) -> TriggerRequest {
        let mut headers = HeaderMap::new();
        if !media_type.is_empty() {
            headers.insert("content-type", media_type.parse().unwrap());
        }
        TriggerRequest {
            method: Method::POST,
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            headers,
            body: body.to_owned().into(),
        }
    }

    fn read_ids(request: &TriggerRequest) -> (Vec<String>, DeliveryForm) {
        match read(request, &tables(), None).unwrap() {
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

    fn ids_of(body: &str) -> (Vec<String>, DeliveryForm) {
        read_ids(&request(&[], "", body))
    }

    fn refused(request: &TriggerRequest) -> String {
        read(request, &tables(), None).unwrap_err().to_string()
    }

    #[test]
    fn the_query_names_the_record_whatever_the_body() {
        for name in ["external_id", "record_id", "recordId", "rid"] {
            let request = request(&[(name, "11")], "application/json", "{\"record_id\": \"99");
            assert_eq!(read_ids(&request), (vec!["11".into()], DeliveryForm::Query));
        }
    }

    #[test]
    fn every_form_of_json_names_the_record() {
        for body in [
            r#"{"record_id":"11","table_id":"bck7gp3q2","action":"Replace"}"#,
            r#"{"record_id":"11","table_id":"[Table ID]","app_id":"[App ID]"}"#,
            r#"{"record_id":"11","table_id":"%dbid%"}"#,
            r#"{"recordId":11}"#,
            r#"{"rid":"11"}"#,
            r#"{"Record ID#":11}"#,
            r#"{"id":11}"#,
            r#"{"external_id":"11","id":"99"}"#,
            r#"{"record_id":["11"]}"#,
            r#"{"data":{"record_id":11}}"#,
            r#"[{"record_id":11},{"record_id":"11"}]"#,
            r"[11]",
        ] {
            assert_eq!(
                ids_of(body),
                (vec!["11".into()], DeliveryForm::Json),
                "{body}"
            );
        }
    }

    #[test]
    fn several_records_come_in_one_call() {
        for body in [
            r#"{"records":[{"record_id":"1"},{"record_id":"2"}]}"#,
            r#"[{"record_id":"1"},{"record_id":"2"}]"#,
            // What %RepeatOn% makes of a template, comma and all.
            r#"{"records":[{"record_id":"1"},{"record_id":"2"},]}"#,
            "{\"record_id\":\"1\"}\n{\"record_id\":\"2\"}",
            "<records><record><record_id>1</record_id></record><record><record_id>2</record_id></record></records>",
            "1\r\n2\r\n",
            "1, 2",
        ] {
            assert_eq!(ids_of(body).0, ["1", "2"], "{body}");
        }
    }

    #[test]
    fn a_title_that_breaks_the_json_does_not_hide_the_record() {
        let body = "{\"record_id\":\"11\",\"title\":\"the \"new\" router\nis down\",\"table_id\":\"bck7gp3q2\"}";
        assert_eq!(ids_of(body), (vec!["11".into()], DeliveryForm::Salvaged));
    }

    #[test]
    fn xml_and_raw_text_are_read() {
        let xml = "<?xml version=\"1.0\"?><job><record_id>11</record_id><title>A & B</title></job>";
        assert_eq!(ids_of(xml), (vec!["11".into()], DeliveryForm::Xml));
        assert_eq!(
            ids_of("record_id=11&action=Add"),
            (vec!["11".into()], DeliveryForm::Form)
        );
        assert_eq!(ids_of("11"), (vec!["11".into()], DeliveryForm::Form));
        let raw = "job \"record_id\": \"11\", thank you";
        assert_eq!(ids_of(raw), (vec!["11".into()], DeliveryForm::Salvaged));
    }

    #[test]
    fn another_tables_record_is_not_ours() {
        for body in [
            r#"{"record_id":"11","table_id":"bzzzzzzzz"}"#,
            r#"{"record_id":"11","table_id":"bzzzzzzzz","t":"a "b""}"#,
            "<j><record_id>11</record_id><dbid>bzzzzzzzz</dbid></j>",
            "record_id=11&dbid=bzzzzzzzz",
        ] {
            let reading = read(&request(&[], "", body), &tables(), None).unwrap();
            assert!(matches!(reading, TriggerReading::NotOurs { .. }), "{body}");
        }
    }

    #[test]
    fn a_message_names_its_record() {
        for body in [
            r#"{"record_id":"7","table_id":"bck7gp3q3","related_record_id":"11"}"#,
            r#"{"record_id":"7","table_id":"bck7gp3q3","related_record_id":"11","t":"a "b""}"#,
            "record_id=7&table_id=bck7gp3q3&related_record_id=11",
        ] {
            assert_eq!(ids_of(body).0, ["11"], "{body}");
        }
        let orphan = request(&[], "", r#"{"record_id":"7","table_id":"bck7gp3q3"}"#);
        assert!(refused(&orphan).contains("related_record_id"));
    }

    #[test]
    fn a_test_call_is_told_what_to_change() {
        for (query, body, why) in [
            (vec![], "", "empty body"),
            (vec![("external_id", "[Record ID#]")], "", "sent as it is"),
            (vec![], "{\"record_id\":\"[Record ID#]\"}", "sent as it is"),
            (vec![], "{}", "holds a Record ID#"),
            (vec![], "hello", "holds a Record ID#"),
            (vec![], "{\"record_id\":\"J-7\"}", "holds a Record ID#"),
        ] {
            let told = refused(&request(&query, "application/json", body));
            assert!(told.contains(why) && told.contains(RECOMMENDED), "{told}");
        }
        let picture = request(&[], "image/png", "\u{1}PNG");
        let refusal = read(&picture, &tables(), None).unwrap_err();
        assert!(matches!(refusal, TriggerRefusal::MediaType(_)));
    }

    #[test]
    fn the_secret_stands_in_a_header() {
        let secret = SecretString::from("not-a-real-secret");
        let mut request = request(&[("record_id", "11")], "", "");
        let refusal = read(&request, &tables(), Some(&secret)).unwrap_err();
        assert!(matches!(refusal, TriggerRefusal::Signature(_)));
        let header = |value: &str| value.parse().unwrap();
        request
            .headers
            .insert("x-fieldbridge-secret", header("guess"));
        assert!(read(&request, &tables(), Some(&secret)).is_err());
        request
            .headers
            .insert("x-fieldbridge-secret", header("not-a-real-secret"));
        assert!(read(&request, &tables(), Some(&secret)).is_ok());
    }

    #[test]
    fn hostile_bodies_are_refused_in_bounded_time() {
        let started = std::time::Instant::now();
        for body in [
            "[".repeat(5_000_000),
            "{\"data\":".repeat(500_000),
            "\"record_id\" :".repeat(300_000),
            format!("{{\"record_id\":{}", " ".repeat(4_000_000)),
            format!("{{\"record_id\":\"{}\"}}", "9".repeat(1_000_000)),
            "<record_id>".repeat(400_000),
            "=&".repeat(2_000_000),
            "\"".repeat(4_000_000),
            "<".repeat(4_000_000),
        ] {
            let request = request(&[], "application/json", &body);
            assert!(read(&request, &tables(), None).is_err());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
