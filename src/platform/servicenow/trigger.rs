//! Reading triggers: whatever a business rule or a flow was told to send, only the record's id counts.
//!
//! The vendor's rules that this follows: there is no webhook of its own; a script sends JSON, a form or query parameters as its author
//! wrote it, `${…}` is replaced only where the message declares it, nothing is signed, and nothing is sent again. A script
//! may run within a person's save, so that the answer must come fast.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::sys_id::SysId;
use crate::platform::{Answer, DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};

/// The names under which an id comes, the surest first.
const NAMES: [&str; 3] = ["external_id", "sys_id", "id"];

/// The names under which the table comes.
const TABLE_NAMES: [&str; 3] = ["table", "table_name", "sys_class_name"];

/// At most so many records are taken from one call.
const MOST_RECORDS: usize = 100;

/// So much of a body is looked at.
const LONGEST: usize = 1024 * 1024;

/// What names a record in a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// By its own id.
    Id(SysId),
    /// By the number that people know it by, which is to be looked up.
    Number(String),
}

/// What a trigger says before numbers are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// These records changed.
    Records(Vec<Named>, DeliveryForm),
    /// It is about another table.
    OtherTable(String),
}

/// Reads a trigger.
///
/// # Errors
/// A refusal that tells the script's author what to change.
pub(super) fn read(
    request: &TriggerRequest,
    secret: Option<&SecretString>,
    table: &str,
) -> Result<Told, TriggerRefusal> {
    if let Some(secret) = secret {
        check_secret(&request.headers, secret)?;
    }
    let other = TABLE_NAMES.iter().find_map(|name| request.parameter(name));
    if let Some(other) = other.filter(|other| is_other(other, table)) {
        return Ok(Told::OtherTable(shortened(other)));
    }
    // The query goes first: nothing that a person writes into a record can get there.
    let query = |names: &[&str]| {
        names
            .iter()
            .filter_map(|name| request.parameter(name))
            .find_map(named)
    };
    if let Some(found) = query(&NAMES).or_else(|| query(&["number"])) {
        return Ok(Told::Records(vec![found], DeliveryForm::Query));
    }
    let body = request.body.trim_ascii();
    let body = body.get(..body.len().min(LONGEST)).unwrap_or(body);
    let told = match body.first() {
        Some(b'{' | b'[') => match serde_json::from_slice::<Value>(body) {
            Ok(value) => from_json(&value, table),
            Err(_) => {
                salvaged(body).map(|found| Told::Records(vec![found], DeliveryForm::Salvaged))
            }
        },
        Some(_) => from_form(body, table).or_else(|| {
            salvaged(body).map(|found| Told::Records(vec![found], DeliveryForm::Salvaged))
        }),
        None => None,
    };
    told.ok_or_else(|| refusal(request))
}

/// The reading of records, once each has its own id.
pub(super) fn records(ids: &[SysId], form: DeliveryForm) -> TriggerReading {
    TriggerReading::Records {
        ids: ids.iter().map(SysId::record).collect(),
        // The same body comes for every change of a record, so that nothing tells one delivery from another.
        delivery: None,
        form,
        answer: Some(Answer::json(StatusCode::OK, &json!({"accepted": true}))),
    }
}

/// ServiceNow signs nothing, but a REST message can send a password or a header of one's own.
fn check_secret(headers: &HeaderMap, secret: &SecretString) -> Result<(), TriggerRefusal> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let password = text("authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value.trim()).ok())
        .and_then(|pair| {
            let colon = pair.iter().position(|byte| *byte == b':')?;
            Some(pair.get(colon + 1..)?.to_vec())
        });
    let header = text("x-fieldbridge-secret").map(|value| value.as_bytes().to_vec());
    let wanted = secret.expose_secret().trim().as_bytes();
    let matches = [password, header]
        .into_iter()
        .flatten()
        .any(|given| bool::from(given.ct_eq(wanted)));
    if matches {
        Ok(())
    } else {
        Err(TriggerRefusal::Signature(
            "the REST message must send the connector's trigger_secret, as the password of its Basic authentication or in the header X-Fieldbridge-Secret".to_owned(),
        ))
    }
}

/// What a text names: an id, or what looks like a record's number (letters, then digits).
fn named(text: &str) -> Option<Named> {
    let text = text.trim();
    if let Some(id) = SysId::parse(text) {
        return Some(Named::Id(id));
    }
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let digits = text.get(letters..).unwrap_or_default();
    let is_number = (2..=10).contains(&letters)
        && (3..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Named::Number(text.to_ascii_uppercase()))
}

/// Whether a table's name is not ours. `task` is the parent of many: what it names may be ours.
fn is_other(name: &str, table: &str) -> bool {
    let name = name.trim();
    !name.is_empty()
        && !name.contains("${")
        && !name.eq_ignore_ascii_case(table)
        && !name.eq_ignore_ascii_case("task")
        && table != "task"
}

fn shortened(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(80)
        .collect()
}

fn from_json(value: &Value, table: &str) -> Option<Told> {
    let mut other = None;
    let mut found: Vec<Named> = Vec::new();
    let items = value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice);
    for item in items.iter().take(MOST_RECORDS) {
        match from_object(item, table) {
            Some(Ok(one)) if !found.contains(&one) => found.push(one),
            Some(Err(name)) => other = Some(name),
            _ => {}
        }
    }
    match other {
        _ if !found.is_empty() => Some(Told::Records(found, DeliveryForm::Json)),
        Some(name) => Some(Told::OtherTable(shortened(&name))),
        None => None,
    }
}

/// What an object names: under its surest name, else in the wrappers that scripts use; the other table's name if it is about one.
fn from_object(value: &Value, table: &str) -> Option<Result<Named, String>> {
    let object = value.as_object()?;
    let text = |name: &str| {
        let member = object.get(name)?;
        // A script that passes a field and not its text sends an object of both.
        let member = member.get("value").unwrap_or(member);
        member
            .as_str()
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    if let Some(other) = TABLE_NAMES
        .iter()
        .find_map(|name| text(name))
        .filter(|other| is_other(other, table))
    {
        return Some(Err(other.to_owned()));
    }
    let direct = |names: &[&str]| names.iter().filter_map(|name| text(name)).find_map(named);
    if let Some(found) = direct(&["sys_id", "external_id"]) {
        return Some(Ok(found));
    }
    let wrapped = ["record", "current", "data", "result", "payload"];
    let inner = wrapped.iter().find_map(|name| {
        let inner = object.get(*name)?;
        // One level: what lies deeper is text of people.
        inner.is_object().then(|| from_flat(inner, table))?
    });
    inner.or_else(|| direct(&["id", "number"]).map(Ok))
}

fn from_flat(value: &Value, table: &str) -> Option<Result<Named, String>> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::trim);
    if let Some(other) = TABLE_NAMES
        .iter()
        .find_map(|name| text(name))
        .filter(|other| is_other(other, table))
    {
        return Some(Err(other.to_owned()));
    }
    let names = ["sys_id", "external_id", "id", "number"];
    names
        .iter()
        .filter_map(|name| text(name))
        .find_map(named)
        .map(Ok)
}

fn from_form(body: &[u8], table: &str) -> Option<Told> {
    let value = |wanted: &str| {
        let mut pairs = url::form_urlencoded::parse(body);
        pairs
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    let names = ["sys_id", "external_id", "id", "number"];
    let found = names
        .iter()
        .filter_map(|name| value(name))
        .find_map(|text| named(&text))?;
    let other = TABLE_NAMES
        .iter()
        .find_map(|name| value(name))
        .filter(|other| is_other(other, table));
    Some(match other {
        Some(other) => Told::OtherTable(shortened(&other)),
        None => Told::Records(vec![found], DeliveryForm::Form),
    })
}

/// The id behind the first `"sys_id":` (or the other names) in a body that does not parse: a summary with a quotation mark
/// in it breaks the JSON of many a script. One pass a name, nothing decoded.
fn salvaged(body: &[u8]) -> Option<Named> {
    let text = String::from_utf8_lossy(body);
    ["sys_id", "external_id", "id"].iter().find_map(|name| {
        let key = format!("\"{name}\"");
        text.match_indices(&key).take(20).find_map(|(place, _)| {
            let rest = text.get(place + key.len()..)?.trim_start();
            let rest = rest.strip_prefix(':')?.trim_start();
            let rest = rest.strip_prefix('"')?;
            let value = rest.get(..32)?;
            // A number is guesswork in a broken body; an id is not.
            let id = SysId::parse(value)?;
            rest.get(32..)?
                .trim_start()
                .starts_with('"')
                .then_some(Named::Id(id))
        })
    })
}

const RECOMMENDED: &str = "Add the query parameter external_id with the value ${sys_id} to the REST message, or send the body {\"sys_id\":\"${sys_id}\"}.";

fn refusal(request: &TriggerRequest) -> TriggerRefusal {
    let media_type = request
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let readable = ["json", "form-urlencoded", "text/", "octet-stream"];
    if !request.body.is_empty()
        && !media_type.is_empty()
        && !readable.iter().any(|word| media_type.contains(word))
    {
        return TriggerRefusal::MediaType(format!(
            "{}. Send JSON. {RECOMMENDED}",
            shortened(&media_type)
        ));
    }
    let given = NAMES.iter().find_map(|name| request.parameter(name));
    let start = request
        .body
        .get(..request.body.len().min(LONGEST))
        .unwrap_or_default();
    let unfilled =
        given.is_some_and(|text| text.contains("${")) || start.windows(2).any(|pair| pair == b"${");
    let why = if unfilled {
        "the variable was sent as it is: the script must set it (setStringParameterNoEscape), or the call was the message's own test".to_owned()
    } else if let Some(given) = given {
        format!(
            "`{}` is neither a sys_id nor a number",
            shortened(given).chars().take(40).collect::<String>()
        )
    } else if request.body.is_empty() {
        "the call has neither a record's id in its query nor a body (ServiceNow may strip a query that stands in the endpoint itself)".to_owned()
    } else {
        "the body holds no record's id".to_owned()
    };
    TriggerRefusal::NoRecord(format!("{why}. {RECOMMENDED}"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Method;

    use super::*;

    const ID: &str = "a9e30c7dc61122760116894de7bcc7bd";

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
            body: Bytes::from(body.to_owned()),
        }
    }

    fn told(query: &[(&str, &str)], media_type: &str, body: &str) -> Result<Told, TriggerRefusal> {
        read(&request(query, media_type, body), None, "incident")
    }

    fn id() -> Named {
        Named::Id(SysId::parse(ID).unwrap())
    }

    #[test]
    fn an_id_is_found_wherever_a_script_puts_it() {
        let json = "application/json";
        for (query, media_type, body, form) in [
            (
                vec![("external_id", ID)],
                "",
                String::new(),
                DeliveryForm::Query,
            ),
            (
                vec![("sys_id", ID)],
                json,
                "{broken".to_owned(),
                DeliveryForm::Query,
            ),
            (
                vec![("external_id", ID)],
                json,
                r#"{"sys_id":"00000000000000000000000000000000"}"#.to_owned(),
                DeliveryForm::Query,
            ),
            (
                vec![],
                json,
                format!(
                    r#"{{"sys_id":"{ID}","number":"INC0010001","table":"incident","state":"2"}}"#
                ),
                DeliveryForm::Json,
            ),
            (
                vec![],
                json,
                format!(r#"{{"id":"{ID}"}}"#),
                DeliveryForm::Json,
            ),
            (
                vec![],
                json,
                format!(r#"{{"current":{{"sys_id":"{ID}"}}}}"#),
                DeliveryForm::Json,
            ),
            (
                vec![],
                json,
                format!(r#"{{"sys_id":{{"value":"{ID}","display_value":"{ID}"}}}}"#),
                DeliveryForm::Json,
            ),
            (
                vec![],
                "",
                format!(r#"[{{"sys_id":"{ID}"}},{{"sys_id":"{ID}"}}]"#),
                DeliveryForm::Json,
            ),
            (
                vec![],
                "application/x-www-form-urlencoded",
                format!("sys_id={ID}&table=incident"),
                DeliveryForm::Form,
            ),
            (
                vec![],
                json,
                format!(r#"{{"short_description":"19" rack","sys_id":"{ID}"}}"#),
                DeliveryForm::Salvaged,
            ),
            (
                vec![],
                json,
                format!(r#"{{"sys_id":"{ID}","table":"${{table}}","timestamp":"${{timestamp}}"}}"#),
                DeliveryForm::Json,
            ),
        ] {
            assert_eq!(
                told(&query, media_type, &body),
                Ok(Told::Records(vec![id()], form)),
                "{query:?} {body}"
            );
        }
    }

    #[test]
    fn a_number_is_told_apart_to_be_looked_up() {
        let number = Named::Number("INC0010001".to_owned());
        assert_eq!(
            told(&[("external_id", "inc0010001")], "", ""),
            Ok(Told::Records(vec![number.clone()], DeliveryForm::Query))
        );
        assert_eq!(
            told(&[], "application/json", r#"{"number":"INC0010001"}"#),
            Ok(Told::Records(vec![number], DeliveryForm::Json))
        );
    }

    #[test]
    fn another_table_is_not_ours() {
        let body = format!(r#"{{"sys_id":"{ID}","table":"problem"}}"#);
        assert_eq!(
            told(&[], "", &body),
            Ok(Told::OtherTable("problem".to_owned()))
        );
        assert_eq!(
            told(&[("table", "problem"), ("sys_id", ID)], "", ""),
            Ok(Told::OtherTable("problem".to_owned()))
        );
        assert_eq!(
            told(&[], "", &format!("sys_id={ID}&table=problem")),
            Ok(Told::OtherTable("problem".to_owned()))
        );
        let body = format!(r#"{{"sys_id":"{ID}","table":"task"}}"#);
        assert!(matches!(told(&[], "", &body), Ok(Told::Records(..))));
    }

    #[test]
    fn hostile_bodies_are_refused_without_harm() {
        let deep = "[".repeat(100_000);
        let long = "x".repeat(2 * 1024 * 1024);
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "7",
            "\"x\"",
            "<xml/>",
            "{\"sys_id\":7}",
            "{\"sys_id\":null}",
            "{\"sys_id\":\"../../x\"}",
            "{\"sys_id\":\"${sys_id}\"}",
            "{\"id\":\"INC1^ORDERBYx\"}",
            "sys_id=",
            "\u{0}\u{1}",
            &deep,
            &long,
            "{\"short_description\":\"\\\"sys_id\\\":\\\"x\\\"\"",
            "{\"a\":{\"b\":{\"sys_id\":\"a9e30c7dc61122760116894de7bcc7bd\"}}}",
        ] {
            let told = told(&[], "application/json", body);
            assert!(
                matches!(told, Err(TriggerRefusal::NoRecord(_))),
                "{body:.60}: {told:?}"
            );
        }
        let why = told(&[("external_id", "${sys_id}")], "", "").unwrap_err();
        assert!(why.to_string().contains("sent as it is"), "{why}");
        let why = told(&[], "image/png", "x").unwrap_err();
        assert!(matches!(why, TriggerRefusal::MediaType(_)));
    }

    #[test]
    fn a_secret_is_asked_for_where_it_is_set() {
        let secret = SecretString::from("not-a-real-secret");
        let mut sent = request(&[("external_id", ID)], "", "");
        assert!(matches!(
            read(&sent, Some(&secret), "incident"),
            Err(TriggerRefusal::Signature(_))
        ));
        sent.headers
            .insert("x-fieldbridge-secret", "not-a-real-secret".parse().unwrap());
        assert!(read(&sent, Some(&secret), "incident").is_ok());
        let mut sent = request(&[("external_id", ID)], "", "");
        let pair = STANDARD.encode("any:not-a-real-secret");
        sent.headers
            .insert("authorization", format!("Basic {pair}").parse().unwrap());
        assert!(read(&sent, Some(&secret), "incident").is_ok());
    }
}
