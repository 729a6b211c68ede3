//! Reading triggers: whatever an automation rule was told to send, only the ticket's number counts.
//!
//! Freshdesk pastes a ticket's text into the admin's template as it is, so that broken JSON is ordinary. There
//! is no signature and no delivery id; the token in the address guards the door.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::json;
use super::salvage;
use crate::model::RecordId;
use crate::platform::basics::carries_secret;
use crate::platform::{Answer, DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};

/// The names under which a ticket's number comes, the surest first.
const NAMES: [&str; 3] = ["external_id", "ticket_id", "id"];

/// At most so many tickets are taken from one call.
const MOST_RECORDS: usize = 100;

/// Reads a trigger.
///
/// # Errors
/// A refusal that tells the rule's author what to change.
pub(super) fn read(
    request: &TriggerRequest,
    secret: Option<&SecretString>,
) -> Result<TriggerReading, TriggerRefusal> {
    if let Some(secret) = secret {
        check_secret(&request.headers, secret)?;
    }
    // The query goes first: nothing that a customer writes into a ticket can get there.
    let mut query = NAMES.iter().filter_map(|name| request.parameter(name));
    if let Some(id) = query.find_map(|text| json::digits(text.as_bytes())) {
        return Ok(records(&[id], DeliveryForm::Query));
    }
    let (ids, form) = from_body(&request.body);
    if ids.is_empty() {
        Err(refusal(request))
    } else {
        Ok(records(&ids, form))
    }
}

/// Freshdesk signs nothing, but a rule can send a password or a header of one's own.
fn check_secret(headers: &HeaderMap, secret: &SecretString) -> Result<(), TriggerRefusal> {
    if carries_secret(headers, secret) {
        Ok(())
    } else {
        Err(TriggerRefusal::Signature(
            "the rule's Trigger Webhook action must send the connector's trigger_secret, as the password of its authentication or in the header X-Fieldbridge-Secret".to_owned(),
        ))
    }
}

fn records(ids: &[u64], form: DeliveryForm) -> TriggerReading {
    TriggerReading::Records {
        ids: ids.iter().map(|id| RecordId::new(id.to_string())).collect(),
        // The same body comes for every change of a ticket, so that nothing tells one delivery from another.
        delivery: None,
        form,
        answer: Some(Answer::json(StatusCode::OK, &json!({"accepted": true}))),
    }
}

fn from_body(body: &Bytes) -> (Vec<u64>, DeliveryForm) {
    let trimmed = body.trim_ascii();
    match trimmed.first() {
        None => (Vec::new(), DeliveryForm::Query),
        Some(b'{' | b'[') => match serde_json::from_slice::<Value>(trimmed) {
            Ok(value) => (from_json(&value), DeliveryForm::Json),
            Err(_) => (salvaged(trimmed), DeliveryForm::Salvaged),
        },
        Some(b'<') => (
            salvage::xml(trimmed).into_iter().collect(),
            DeliveryForm::Xml,
        ),
        Some(_) => match from_form(trimmed) {
            Some(id) => (vec![id], DeliveryForm::Form),
            None => (salvaged(trimmed), DeliveryForm::Salvaged),
        },
    }
}

fn salvaged(body: &[u8]) -> Vec<u64> {
    salvage::json(body).into_iter().collect()
}

fn from_json(value: &Value) -> Vec<u64> {
    let mut ids = Vec::new();
    match value {
        Value::Array(items) => {
            for id in items.iter().take(MOST_RECORDS).filter_map(from_object) {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        single => ids.extend(from_object(single)),
    }
    ids
}

/// The ticket's number in an object: under its surest name, else in the wrappers that rules use, else as `id`.
fn from_object(value: &Value) -> Option<u64> {
    let object = value.as_object()?;
    let direct = |name: &str| json::number(object.get(name)?);
    let wrapped = ["freshdesk_webhook", "ticket", "data", "payload"];
    direct("ticket_id")
        .or_else(|| direct("external_id"))
        .or_else(|| {
            wrapped
                .iter()
                .find_map(|name| from_object(object.get(*name)?))
        })
        .or_else(|| direct("id"))
}

fn from_form(body: &[u8]) -> Option<u64> {
    let body = body.get(..body.len().min(salvage::LONGEST)).unwrap_or(body);
    let names = NAMES.iter().map(|name| (*name).to_owned());
    let wrapped = NAMES
        .iter()
        .map(|name| format!("freshdesk_webhook[{name}]"));
    names.chain(wrapped).find_map(|name| {
        let mut pairs = url::form_urlencoded::parse(body);
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        json::digits(value.as_bytes())
    })
}

const RECOMMENDED: &str = "Add &external_id={{ticket.id}} to the URL of the rule's Trigger Webhook action, or send the body {\"ticket_id\":\"{{ticket.id}}\"}.";

fn refusal(request: &TriggerRequest) -> TriggerRefusal {
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
            "{shown}. Choose the encoding JSON in the rule. {RECOMMENDED}"
        ));
    }
    let given = NAMES.iter().find_map(|name| request.parameter(name));
    let unfilled = given.is_some_and(|text| text.contains("{{")) || has_placeholder(&request.body);
    let why = if unfilled {
        "the placeholder {{ticket.id}} was sent as it is: the call was a test, or the rule's URL had its braces encoded".to_owned()
    } else if let Some(given) = given {
        let shown: String = given.chars().take(40).collect();
        format!("`{shown}` is no ticket number")
    } else if request.body.is_empty() {
        "the call has neither a ticket number in its URL nor a body".to_owned()
    } else {
        "the body holds no ticket number".to_owned()
    };
    TriggerRefusal::NoRecord(format!("{why}. {RECOMMENDED}"))
}

fn has_placeholder(body: &[u8]) -> bool {
    let start = body
        .get(..body.len().min(salvage::LONGEST))
        .unwrap_or_default();
    start.windows(9).any(|window| window == b"{{ticket.")
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

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
        match read(request, None).unwrap() {
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

    fn ids_of_body(body: &str) -> (Vec<String>, DeliveryForm) {
        read_ids(&request(&[], "application/json", body))
    }

    #[test]
    fn the_query_names_the_ticket_whatever_the_body() {
        let request = request(
            &[("external_id", "11")],
            "application/json",
            "{\"ticket_id\": \"99",
        );
        assert_eq!(read_ids(&request), (vec!["11".into()], DeliveryForm::Query));
    }

    #[test]
    fn every_form_of_json_names_the_ticket() {
        for body in [
            r#"{"ticket_id":"11"}"#,
            r#"{"ticket_id":11,"status":"Open"}"#,
            r#"{"freshdesk_webhook":{"ticket_id":11,"ticket_subject":"x"}}"#,
            r#"{"freshdesk_webhook":{"triggered_event":"{status:{from:4,to:6}}","ticket_id":"11"}}"#,
            r#"{"event":"x","ticket":{"id":11}}"#,
            r#"{"data":{"ticket":{"id":"11"}},"id":"not a number"}"#,
            r#"{"id":11}"#,
            r#"{"external_id":"11"}"#,
            r#"[{"ticket_id":11},{"ticket_id":"11"}]"#,
        ] {
            assert_eq!(
                ids_of_body(body),
                (vec!["11".into()], DeliveryForm::Json),
                "{body}"
            );
        }
        assert_eq!(ids_of_body(r#"[{"id":1},{"id":2}]"#).0, ["1", "2"]);
    }

    #[test]
    fn the_vendors_fixtures_are_read() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        for name in ["private_note", "status_changed", "ticket_created"] {
            let path = format!("{shared}/samples/freshdesk/zulip_webhook_{name}.json");
            let Ok(body) = std::fs::read_to_string(path) else {
                println!("skipped: the samples are not here");
                return;
            };
            assert_eq!(
                ids_of_body(&body),
                (vec!["11".into()], DeliveryForm::Json),
                "{name}"
            );
        }
        let template = format!("{shared}/samples/freshdesk/zulip_webhook_template.txt");
        let template = std::fs::read_to_string(template).unwrap();
        // The template as it is: a rule whose placeholders nobody filled in.
        let refusal = read(&request(&[], "application/json", &template), None).unwrap_err();
        assert!(
            refusal.to_string().contains("was sent as it is"),
            "{refusal}"
        );
        // The template filled in with a subject that breaks it.
        let broken = template
            .replace("{{ticket.id}}", "11")
            .replace("{{ticket.subject}}", "the \"new\" router\nis down");
        assert_eq!(
            ids_of_body(&broken),
            (vec!["11".into()], DeliveryForm::Salvaged)
        );
    }

    #[test]
    fn forms_and_xml_are_read() {
        let form = "application/x-www-form-urlencoded";
        for body in [
            "ticket_id=11&x=1",
            "freshdesk_webhook%5Bticket_id%5D=11",
            "a=b&id=11",
        ] {
            let request = request(&[], form, body);
            assert_eq!(
                read_ids(&request),
                (vec!["11".into()], DeliveryForm::Form),
                "{body}"
            );
        }
        for body in [
            "<?xml version=\"1.0\"?><freshdesk_webhook><ticket_id>11</ticket_id></freshdesk_webhook>",
            "<freshdesk-webhook><ticket-id type=\"integer\"> 11 </ticket-id></freshdesk-webhook>",
        ] {
            let request = request(&[], "application/xml", body);
            assert_eq!(
                read_ids(&request),
                (vec!["11".into()], DeliveryForm::Xml),
                "{body}"
            );
        }
    }

    #[test]
    fn a_test_call_is_told_what_to_change() {
        for (query, body) in [
            (vec![], ""),
            (vec![("external_id", "{{ticket.id}}")], ""),
            (vec![("external_id", "")], "{}"),
            (vec![], "{\"ticket_id\":\"{{ticket.id}}\"}"),
            (vec![], "hello"),
            (vec![("ticket_id", "INC-7")], "[]"),
        ] {
            let refusal = read(&request(&query, "application/json", body), None).unwrap_err();
            let TriggerRefusal::NoRecord(why) = &refusal else {
                panic!("{refusal:?}")
            };
            assert!(why.contains("&external_id={{ticket.id}}"), "{why}");
        }
        let refusal = read(&request(&[], "image/png", "\u{1}PNG"), None).unwrap_err();
        assert!(matches!(refusal, TriggerRefusal::MediaType(_)));
    }

    #[test]
    fn hostile_bodies_are_refused_in_bounded_time() {
        let started = std::time::Instant::now();
        for body in [
            "[".repeat(5_000_000),
            "{\"ticket\":".repeat(500_000),
            "\"ticket_id\" :".repeat(300_000),
            format!("{{\"ticket_id\":{}", " ".repeat(4_000_000)),
            format!("{{\"ticket_id\":\"{}\"}}", "9".repeat(1_000_000)),
            "<ticket_id>".repeat(400_000),
            "=&".repeat(2_000_000),
        ] {
            assert!(read(&request(&[], "application/json", &body), None).is_err());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
