//! Reading a callback, in whatever form it comes.
//!
//! The site posts JSON and appends the ticket's number and the action to the address; workflow rules and scripts of
//! an admin post less. Only the number is taken from it: the ticket itself is read anew.

use serde_json::{Map, Value};

use crate::model::{DeliveryKey, RecordId};
use crate::platform::basics::id_text;
use crate::platform::{DeliveryForm, TriggerRefusal, TriggerRequest};

/// What a callback says, so far unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Callback {
    pub(super) ticket: RecordId,
    pub(super) delivery: Option<DeliveryKey>,
    pub(super) form: DeliveryForm,
    /// Where the signing key is said to be.
    pub(super) key_url: Option<String>,
}

/// The outcome of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Ticket(Callback),
    /// Another kind of object.
    Other(String),
}

/// The query and form parameters that may hold the number, in order of trust.
const PARAMETERS: [&str; 4] = ["id", "recordId", "external_id", "ticketId"];

/// Reads a callback.
///
/// # Errors
/// When no ticket number can be made out.
pub(super) fn read(request: &TriggerRequest) -> Result<Reading, TriggerRefusal> {
    let query: Vec<(&str, &str)> = request
        .query
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let in_query = ticket_in(&query);
    let text = String::from_utf8_lossy(&request.body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return from_parameters(in_query, DeliveryForm::Query);
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => from_object(&members, in_query),
        Ok(_) => from_parameters(in_query, DeliveryForm::Query),
        Err(_) if is_form(request, text) => {
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect();
            let pairs: Vec<(&str, &str)> = pairs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            match ticket_in(&pairs) {
                Some(ticket) => from_parameters(Some(ticket), DeliveryForm::Form),
                None => from_parameters(in_query, DeliveryForm::Query),
            }
        }
        Err(_) => match in_query {
            Some(ticket) => from_parameters(Some(ticket), DeliveryForm::Query),
            None => from_parameters(salvaged(text), DeliveryForm::Salvaged),
        },
    }
}

fn from_parameters(
    ticket: Option<RecordId>,
    form: DeliveryForm,
) -> Result<Reading, TriggerRefusal> {
    match ticket {
        Some(ticket) => Ok(Reading::Ticket(Callback { ticket, delivery: None, form, key_url: None })),
        None => Err(TriggerRefusal::NoRecord(
            "neither the body (ID) nor the address (id, recordId, external_id) holds a ticket number".to_owned(),
        )),
    }
}

fn from_object(
    members: &Map<String, Value>,
    in_query: Option<RecordId>,
) -> Result<Reading, TriggerRefusal> {
    let kind = member(members, "type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !kind.is_empty() && !kind.eq_ignore_ascii_case("ticket") {
        return Ok(Reading::Other(format!(
            "a callback about a {}",
            shown(kind)
        )));
    }
    let entity = entity(members);
    if let Some(record_type) = entity
        .as_ref()
        .and_then(|entity| member(entity, "recordType")?.as_str())
        && !record_type.eq_ignore_ascii_case("ServiceTicket")
    {
        return Ok(Reading::Other(format!(
            "a callback about a {}, not a service ticket",
            shown(record_type)
        )));
    }
    let named = ["id", "recordId", "external_id", "ticketId"]
        .iter()
        .find_map(|name| member(members, name).and_then(id_of));
    let in_entity = || {
        entity
            .as_ref()
            .and_then(|entity| member(entity, "id"))
            .and_then(id_of)
    };
    let (ticket, form) = match named.or_else(in_entity) {
        Some(ticket) => (Some(ticket), DeliveryForm::Json),
        None => (in_query, DeliveryForm::Query),
    };
    let Reading::Ticket(callback) = from_parameters(ticket, form)? else {
        return Err(TriggerRefusal::NoRecord("nothing was read".to_owned()));
    };
    let delivery = member(members, "messageId")
        .and_then(id_text)
        .filter(|id| id.len() <= 128);
    let metadata = member(members, "metadata").and_then(Value::as_object);
    let key_url = metadata
        .and_then(|metadata| member(metadata, "key_url"))
        .or_else(|| member(members, "key_url"));
    Ok(Reading::Ticket(Callback {
        delivery: delivery.map(DeliveryKey::new),
        key_url: key_url.and_then(Value::as_str).map(str::to_owned),
        ..callback
    }))
}

/// A member by its name, whatever the case of its letters and with or without underscores.
fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let same = |key: &str| {
        let plain = |text: &str| {
            text.chars()
                .filter(|letter| *letter != '_')
                .map(|letter| letter.to_ascii_lowercase())
                .collect::<String>()
        };
        plain(key) == plain(name)
    };
    let exact = members.get(name);
    let found = exact.or_else(|| {
        members
            .iter()
            .find(|(key, _)| same(key))
            .map(|(_, value)| value)
    });
    found.filter(|value| !value.is_null())
}

/// The ticket's summary: JSON inside a text as a rule, an object at times, null when the ticket was deleted.
fn entity(members: &Map<String, Value>) -> Option<Map<String, Value>> {
    match member(members, "entity")? {
        Value::Object(entity) => Some(entity.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn ticket_in(pairs: &[(&str, &str)]) -> Option<RecordId> {
    PARAMETERS.iter().find_map(|wanted| {
        let named = pairs
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.into_iter().find_map(|(_, value)| {
            // The site may append `?id=69&action=updated` to an address that ends in `recordId=`.
            let value = value.trim().trim_start_matches('?');
            let value = value.strip_prefix("id=").unwrap_or(value);
            ticket(value)
        })
    })
}

fn id_of(value: &Value) -> Option<RecordId> {
    ticket(&id_text(value)?)
}

/// A ticket number: digits, not zero, no longer than numbers get.
fn ticket(text: &str) -> Option<RecordId> {
    let text = text.trim();
    let is_number =
        !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = text
        .parse()
        .ok()
        .filter(|number| is_number && *number > 0)?;
    Some(RecordId::new(number.to_string()))
}

fn is_form(request: &TriggerRequest, text: &str) -> bool {
    let media_type = request.headers.get(http::header::CONTENT_TYPE);
    let named = media_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|name| name.contains("form-urlencoded"));
    named && !text.starts_with(['{', '['])
}

/// The number out of a body that is no JSON (a template with unescaped text in it): `"ID": 69`.
fn salvaged(text: &str) -> Option<RecordId> {
    [
        "\"ID\"",
        "\"id\"",
        "\"Id\"",
        "\"recordId\"",
        "\"external_id\"",
        "\"ticketId\"",
    ]
    .iter()
    .find_map(|name| {
        text.match_indices(name).find_map(|(place, _)| {
            let rest = text
                .get(place + name.len()..)?
                .trim_start()
                .strip_prefix(':')?
                .trim_start();
            let rest = rest.strip_prefix('"').unwrap_or(rest);
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            ticket(&digits)
        })
    })
}

fn shown(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(40)
        .collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};
    use serde_json::json;

    use super::*;
    use crate::platform::connectwise::samples::sample;

    fn request(query: &[(&str, &str)], body: &str) -> TriggerRequest {
        TriggerRequest {
            method: Method::POST,
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        }
    }

    fn found(query: &[(&str, &str)], body: &str) -> Option<(String, DeliveryForm)> {
        match read(&request(query, body)) {
            Ok(Reading::Ticket(callback)) => Some((callback.ticket.to_string(), callback.form)),
            _ => None,
        }
    }

    #[test]
    fn the_sample_callback_is_read() {
        let Some(body) = sample("callback-ticket-updated.constructed.json") else {
            return;
        };
        let Ok(Reading::Ticket(callback)) = read(&request(&[], &body)) else {
            panic!("not read")
        };
        assert_eq!(callback.ticket.as_str(), "69");
        assert_eq!(
            callback.delivery.unwrap().as_str(),
            "00000000-0000-0000-0000-000000000001"
        );
        assert_eq!(callback.form, DeliveryForm::Json);
        assert!(callback.key_url.unwrap().ends_with("/keys/1"));
    }

    #[test]
    fn numbers_are_found_wherever_the_site_puts_them() {
        let query = Some(("69".to_owned(), DeliveryForm::Query));
        assert_eq!(found(&[("id", "69"), ("action", "updated")], ""), query);
        assert_eq!(found(&[("recordId", ""), ("id", "69")], ""), query);
        assert_eq!(
            found(&[("recordId", "?id=69"), ("action", "updated")], ""),
            query
        );
        assert_eq!(found(&[("RECORDID", " 69 ")], "null"), query);
        assert_eq!(found(&[("external_id", "69")], "not json at all"), query);
        assert_eq!(
            found(&[("id", "69")], r#"{"Action":"deleted","Entity":null}"#),
            query
        );
        let json = Some(("69".to_owned(), DeliveryForm::Json));
        assert_eq!(found(&[("id", "7")], r#"{"id":"69"}"#), json);
        assert_eq!(
            found(
                &[],
                r#"{"Action":"updated","Type":"Ticket","Entity":"{\"id\":69}"}"#
            ),
            json
        );
        assert_eq!(found(&[], r#"{"entity":{"Id":69},"ID":null}"#), json);
        assert_eq!(found(&[], "\u{feff}{\"ID\":69}"), json);
        assert_eq!(
            found(&[], "{\"ID\": 69, \"Entity\": \"say \"hello\"\"}"),
            Some(("69".to_owned(), DeliveryForm::Salvaged))
        );
    }

    #[test]
    fn a_form_is_read_when_it_says_that_it_is_one() {
        let mut form = request(&[], "ticketId=69&x=%20");
        let media_type = "application/x-www-form-urlencoded; charset=utf-8"
            .parse()
            .unwrap();
        form.headers.insert(http::header::CONTENT_TYPE, media_type);
        let Ok(Reading::Ticket(callback)) = read(&form) else {
            panic!("not read")
        };
        assert_eq!(
            (callback.ticket.as_str(), callback.form),
            ("69", DeliveryForm::Form)
        );
    }

    #[test]
    fn other_objects_are_not_ours() {
        for body in [
            r#"{"Type":"company","ID":2}"#,
            r#"{"Type":"ticket","ID":2,"Entity":"{\"recordType\":\"ProjectTicket\"}"}"#,
        ] {
            assert!(
                matches!(read(&request(&[("id", "2")], body)), Ok(Reading::Other(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn hostile_numbers_and_bodies_are_refused_and_harm_nothing() {
        for id in [
            "0",
            "-1",
            "69/../x",
            "6e9",
            "99999999999999999999999",
            "٦٩",
            "69 or 1=1",
            "0x45",
            "",
        ] {
            let body = json!({"ID": id, "Type": "ticket"}).to_string();
            assert_eq!(found(&[("id", id)], &body), None, "{id}");
        }
        for body in [
            "[",
            "[1,2]",
            "{}",
            "{\"ID\":{}}",
            "{\"ID\":[69]}",
            "{\"ID\":1.5}",
            "\"69\"",
            "{\"ID\":true}",
            "{\"Entity\":\"{{{\"}",
        ] {
            assert_eq!(found(&[], body), None, "{body}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(found(&[], &deep), None);
        let escape = read(&request(&[], r#"{"Type":"\u001b[31mred","ID":1}"#));
        assert!(matches!(escape, Ok(Reading::Other(why)) if !why.contains('\u{1b}')));
    }
}
