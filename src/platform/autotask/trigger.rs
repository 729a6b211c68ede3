//! Reading triggers, in the three forms in which they come: a webhook's JSON, an extension callout's form, and what an
//! admin's own script posts. Only an id is taken; the ticket itself is read afterwards.
//!
//! A webhook of ours is signed. News that it was switched off (`Deactivated`) is believed only with its signature, for
//! it must not be a way to make anybody stop checking. A callout has no signature and its dates are malformed; it may
//! carry a password.

use bytes::Bytes;
use http::StatusCode;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::signature;
use crate::model::{DeliveryKey, RecordId};
use crate::platform::basics::{carries_secret, digits, number, text, text_at};
use crate::platform::{Answer, DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};

/// The names under which a ticket's id comes, the surest first, without regard to case.
const NAMES: [&str; 3] = ["external_id", "ticketId", "id"];

/// So much of a body that is no JSON is looked at.
const LONGEST: usize = 1024 * 1024;

/// What triggers are held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guards<'a> {
    /// What our webhooks are signed with.
    pub(super) webhook: Option<&'a SecretString>,
    /// What each unsigned trigger must carry.
    pub(super) unsigned: Option<&'a SecretString>,
}

/// What a trigger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// This is what the engine wants to know.
    Reading(TriggerReading),
    /// A note changed; which ticket it stands on must be looked up.
    Note {
        id: u64,
        delivery: Option<DeliveryKey>,
    },
}

/// Reads a trigger.
///
/// # Errors
/// A refusal that tells the vendor's admin what to change.
pub(super) fn read(request: &TriggerRequest, guards: Guards<'_>) -> Result<Said, TriggerRefusal> {
    let body = request.body.trim_ascii();
    let parsed = match body.first() {
        Some(b'{') => serde_json::from_slice::<Value>(body).ok(),
        _ => None,
    };
    let envelope = parsed
        .as_ref()
        .and_then(Value::as_object)
        .filter(|members| member(members, "Action").is_some() && member(members, "Guid").is_some());
    let signature = request
        .headers
        .get("x-hook-signature")
        .and_then(|value| value.to_str().ok());
    if let Some(envelope) = envelope {
        let proof = match (guards.webhook, signature) {
            (Some(secret), Some(header)) if signature::holds(secret, header, &request.body) => {
                Proof::Signed
            }
            _ => Proof::None,
        };
        return webhook(envelope, proof, guards, request);
    }
    check_unsigned(request, guards)?;
    // The query goes first: nothing that a customer writes into a ticket can get there.
    let mut in_query = NAMES.iter().filter_map(|name| parameter(request, name));
    if let Some(id) = in_query.find_map(|text| digits(text.as_bytes())) {
        return Ok(Said::Reading(records(id, None, DeliveryForm::Query)));
    }
    match from_body(body, parsed.as_ref()) {
        Body::Ticket(id, form) => Ok(Said::Reading(records(id, None, form))),
        Body::Other(what) => Ok(Said::Reading(TriggerReading::NotOurs {
            why: format!("a trigger about {what}"),
        })),
        Body::Nothing => Err(refusal(request)),
    }
}

fn parameter<'r>(request: &'r TriggerRequest, name: &str) -> Option<&'r str> {
    let same = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
    request
        .query
        .iter()
        .find(same)
        .map(|(_, value)| value.as_str())
}

fn check_unsigned(request: &TriggerRequest, guards: Guards<'_>) -> Result<(), TriggerRefusal> {
    match guards.unsigned {
        Some(secret) if !carries_secret(&request.headers, secret) => {
            Err(TriggerRefusal::Signature(
                "the extension callout must send the connector's trigger_secret as its password, or the script in the header X-Fieldbridge-Secret".to_owned(),
            ))
        }
        _ => Ok(()),
    }
}

/// Whether a webhook is proven to come from Autotask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Signed,
    None,
}

fn webhook(
    envelope: &Map<String, Value>,
    proof: Proof,
    guards: Guards<'_>,
    request: &TriggerRequest,
) -> Result<Said, TriggerRefusal> {
    let action = member(envelope, "Action").map(text).unwrap_or_default();
    if action.eq_ignore_ascii_case("Deactivated") {
        let why = if proof == Proof::Signed {
            "Autotask has switched our webhook off after failures; the next check switches it on again"
        } else {
            "an unsigned message that a webhook was switched off; it is not believed"
        };
        return Ok(not_ours(why));
    }
    if guards.webhook.is_some() && proof == Proof::None {
        return Err(TriggerRefusal::Signature(
            "X-Hook-Signature is missing or is not that of webhook_secret; register the webhook again to give Autotask the present secret".to_owned(),
        ));
    }
    if guards.webhook.is_none() {
        check_unsigned(request, guards)?;
    }
    let entity = member(envelope, "EntityType").map(text).unwrap_or_default();
    let id = member(envelope, "Id").and_then(number);
    let delivery = delivery(envelope);
    let is_deletion = action.eq_ignore_ascii_case("Delete");
    match entity.to_ascii_lowercase().as_str() {
        "ticket" | "tickets" | "" => {
            let id = id.ok_or_else(|| {
                TriggerRefusal::NoRecord("the webhook's Id is no ticket's id".to_owned())
            })?;
            Ok(Said::Reading(records(id, delivery, DeliveryForm::Json)))
        }
        "ticketnote" | "ticketnotes" if is_deletion => Ok(not_ours("a note was deleted")),
        "ticketnote" | "ticketnotes" => {
            if let Some(ticket) = ticket_among_fields(envelope) {
                return Ok(Said::Reading(records(ticket, delivery, DeliveryForm::Json)));
            }
            let id = id.ok_or_else(|| {
                TriggerRefusal::NoRecord("the webhook's Id is no note's id".to_owned())
            })?;
            Ok(Said::Note { id, delivery })
        }
        other => Ok(not_ours(&format!(
            "a webhook about a {}",
            other.chars().take(40).collect::<String>()
        ))),
    }
}

fn not_ours(why: &str) -> Said {
    Said::Reading(TriggerReading::NotOurs {
        why: why.to_owned(),
    })
}

/// A webhook shows only the fields it was told to; whether by name or by label, is not known.
fn ticket_among_fields(envelope: &Map<String, Value>) -> Option<u64> {
    let fields = member(envelope, "Fields")?.as_object()?;
    let plain = |name: &str| {
        name.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect::<String>()
    };
    let (_, value) = fields.iter().find(|(name, _)| plain(name) == "ticketid")?;
    number(value)
}

/// One event has one number in its webhook; all attempts to deliver it have the same.
fn delivery(envelope: &Map<String, Value>) -> Option<DeliveryKey> {
    let guid = member(envelope, "Guid").map(text)?;
    let id = member(envelope, "Id").and_then(number)?;
    let sequence = member(envelope, "SequenceNumber").and_then(Value::as_u64)?;
    let fits = !guid.is_empty() && guid.len() <= 64;
    fits.then(|| DeliveryKey::new(format!("{guid}:{id}:{sequence}")))
}

/// A reading that names one ticket, answered as this vendor wants it.
pub(super) fn records(
    id: u64,
    delivery: Option<DeliveryKey>,
    form: DeliveryForm,
) -> TriggerReading {
    TriggerReading::Records {
        ids: vec![RecordId::new(id.to_string())],
        delivery,
        form,
        answer: Some(Answer::json(StatusCode::OK, &json!({"accepted": true}))),
    }
}

enum Body {
    Ticket(u64, DeliveryForm),
    Other(String),
    Nothing,
}

fn from_body(body: &[u8], parsed: Option<&Value>) -> Body {
    if let Some(value) = parsed {
        return from_json(value);
    }
    let body = body.get(..body.len().min(LONGEST)).unwrap_or(body);
    let found = match body.first() {
        None => None,
        Some(b'{' | b'[') => salvaged(body).map(|id| (id, DeliveryForm::Salvaged)),
        Some(_) => from_form(body)
            .map(|id| (id, DeliveryForm::Form))
            .or_else(|| salvaged(body).map(|id| (id, DeliveryForm::Salvaged))),
    };
    found.map_or(Body::Nothing, |(id, form)| Body::Ticket(id, form))
}

fn from_json(value: &Value) -> Body {
    let Some(members) = value.as_object() else {
        return Body::Nothing;
    };
    if let Some(entity) = member(members, "entityType").and_then(Value::as_str)
        && !entity.trim().eq_ignore_ascii_case("ticket")
        && !entity.trim().is_empty()
    {
        return Body::Other(format!("a {}", entity.chars().take(40).collect::<String>()));
    }
    let found = ["ticketId", "external_id", "id"]
        .iter()
        .find_map(|name| member(members, name).and_then(number));
    let nested = || {
        let ticket = member(members, "ticket")?.as_object()?;
        member(ticket, "id").and_then(number)
    };
    match found.or_else(nested) {
        Some(id) => Body::Ticket(id, DeliveryForm::Json),
        None => Body::Nothing,
    }
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let exact = members.get(name);
    let found = exact.or_else(|| {
        let mut others = members.iter();
        others
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    });
    found.filter(|value| !value.is_null())
}

fn from_form(body: &[u8]) -> Option<u64> {
    NAMES.iter().find_map(|name| {
        let mut pairs = url::form_urlencoded::parse(body);
        let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
        digits(value.as_bytes())
    })
}

/// The number behind `"ticketId":` in JSON that does not parse, else behind `"id":`; one pass a name, no recursion.
fn salvaged(body: &[u8]) -> Option<u64> {
    ["ticketid", "external_id", "id"].iter().find_map(|name| {
        let mut from = 0;
        while let Some(start) = body.get(from..)?.iter().position(|byte| *byte == b'"') {
            let after = body.get(from + start + 1..)?;
            from += start + 1;
            let is_named = after
                .get(..name.len())
                .is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()));
            if is_named && after.get(name.len()) == Some(&b'"') {
                let value = after.get(name.len() + 1..).and_then(value);
                if value.is_some() {
                    return value;
                }
            }
        }
        None
    })
}

/// The number in `: "11"`, `:11,` and the like; it must end where a value may end.
fn value(rest: &[u8]) -> Option<u64> {
    let rest = rest.get(..rest.len().min(100)).unwrap_or(rest);
    let rest = rest
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start();
    let (rest, is_quoted) = match rest.strip_prefix(b"\"") {
        Some(inner) => (inner, true),
        None => (rest, false),
    };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let found = digits(rest.get(..length)?)?;
    let end = rest.get(length..)?.trim_ascii_start().first();
    let ends_well = if is_quoted {
        end == Some(&b'"')
    } else {
        matches!(end, Some(b',' | b'}' | b']'))
    };
    ends_well.then_some(found)
}

const RECOMMENDED: &str = "An extension callout of the data format \"Name Value Pair\" sends it as `id`; a script should post {\"ticketId\":…} or add &external_id=… to the address.";

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
        return TriggerRefusal::MediaType(format!("{shown}. {RECOMMENDED}"));
    }
    let why = if request.body.is_empty() {
        "the call has neither a ticket's id in its address nor a body"
    } else if has_number_alone(&request.body) {
        "the call names a ticket by its number, and only its id will do"
    } else {
        "the body holds no ticket's id"
    };
    TriggerRefusal::NoRecord(format!("{why}. {RECOMMENDED}"))
}

fn has_number_alone(body: &Bytes) -> bool {
    let start = body.get(..body.len().min(4096)).unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(start);
    pairs.any(|(key, _)| key == "number")
        || serde_json::from_slice::<Value>(body)
            .is_ok_and(|body| text_at(&body, &["ticketNumber"]).is_some())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hmac::{Hmac, KeyInit, Mac};
    use http::{HeaderMap, Method};
    use sha1::Sha1;

    use super::*;

    const OPEN: Guards<'static> = Guards {
        webhook: None,
        unsigned: None,
    };

    fn request(
        query: &[(&str, &str)],
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> TriggerRequest {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        TriggerRequest {
            method: Method::POST,
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            headers: map,
            body: body.to_owned().into(),
        }
    }

    fn ticket(said: Result<Said, TriggerRefusal>) -> (String, DeliveryForm, Option<DeliveryKey>) {
        match said.unwrap() {
            Said::Reading(TriggerReading::Records {
                ids,
                delivery,
                form,
                answer,
            }) => {
                assert_eq!(answer.unwrap().status, StatusCode::OK);
                (ids[0].to_string(), form, delivery)
            }
            other => panic!("{other:?}"),
        }
    }

    fn signed(body: &str) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(b"not-a-real-secret").unwrap();
        mac.update(body.as_bytes());
        format!("sha1={}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    const EVENT: &str = r#"{"Action":"Update","Guid":"5bbd53cb","EntityType":"Ticket","Id":7865,"Fields":{"status":"42"},"EventTime":"2024-05-01T14:03:22Z","SequenceNumber":41,"PersonID":29682885}"#;

    #[test]
    fn a_webhook_names_its_ticket_and_its_delivery() {
        let secret: SecretString = "not-a-real-secret".into();
        let guards = Guards {
            webhook: Some(&secret),
            unsigned: None,
        };
        let good = request(&[], &[("x-hook-signature", &signed(EVENT))], EVENT);
        let (id, form, delivery) = ticket(read(&good, guards));
        assert_eq!((id.as_str(), form), ("7865", DeliveryForm::Json));
        assert_eq!(delivery, Some(DeliveryKey::new("5bbd53cb:7865:41")));
        let (id, _, _) = ticket(read(&request(&[], &[], EVENT), OPEN));
        assert_eq!(id, "7865");
        for headers in [vec![], vec![("x-hook-signature", "sha1=AAAA")]] {
            let refusal = read(&request(&[], &headers, EVENT), guards).unwrap_err();
            assert!(
                matches!(refusal, TriggerRefusal::Signature(_)),
                "{refusal:?}"
            );
        }
    }

    #[test]
    fn an_unsigned_deactivation_is_not_believed() {
        let secret: SecretString = "not-a-real-secret".into();
        let guards = Guards {
            webhook: Some(&secret),
            unsigned: None,
        };
        let body = r#"{"Action":"Deactivated","Guid":"5bbd53cb","Id":7}"#;
        let why =
            |headers: &[(&'static str, &str)]| match read(&request(&[], headers, body), guards) {
                Ok(Said::Reading(TriggerReading::NotOurs { why })) => why,
                other => panic!("{other:?}"),
            };
        assert!(why(&[]).contains("not believed"));
        assert!(why(&[("x-hook-signature", "sha1=AAAA")]).contains("not believed"));
        assert!(why(&[("x-hook-signature", &signed(body))]).contains("switched our webhook off"));
    }

    #[test]
    fn a_notes_webhook_leads_to_its_ticket() {
        let event = |entity: &str, action: &str, fields: Value| {
            json!({"Action": action, "Guid": "g", "EntityType": entity, "Id": 45, "Fields": fields, "SequenceNumber": 1})
                .to_string()
        };
        let told = |body: String| read(&request(&[], &[], &body), OPEN).unwrap();
        for name in ["ticketID", "Ticket ID", "TicketId"] {
            let fields = json!({name: "7865"});
            let said = told(event("TicketNote", "Create", fields));
            assert!(
                matches!(said, Said::Reading(TriggerReading::Records { .. })),
                "{name}"
            );
        }
        let said = told(event("TicketNote", "Create", json!({})));
        assert_eq!(
            said,
            Said::Note {
                id: 45,
                delivery: Some(DeliveryKey::new("g:45:1"))
            }
        );
        for (entity, action) in [("TicketNote", "Delete"), ("Company", "Update")] {
            let said = told(event(entity, action, json!({})));
            assert!(
                matches!(said, Said::Reading(TriggerReading::NotOurs { .. })),
                "{entity}"
            );
        }
    }

    #[test]
    fn a_callout_names_its_ticket() {
        let captured = "id=7865&number=T20191029.0002&status=New&created_datetime=2019-10-29T14:14:47.64300000-04:00:00&last_activity_datetime=2019-10-30T15:06:38.58300000-04:00:00";
        for headers in [
            vec![("content-type", "application/x-www-form-urlencoded")],
            vec![],
        ] {
            let (id, form, delivery) = ticket(read(&request(&[], &headers, captured), OPEN));
            assert_eq!(
                (id.as_str(), form, delivery),
                ("7865", DeliveryForm::Form, None)
            );
        }
        let refusal = read(&request(&[], &[], "number=T20191029.0002"), OPEN).unwrap_err();
        assert!(
            refusal.to_string().contains("only its id will do"),
            "{refusal}"
        );
    }

    #[test]
    fn scripts_are_read_in_whatever_they_send() {
        for body in [
            r#"{"ticketId":"7865","entityType":"Ticket","action":"Update"}"#,
            r#"{"TicketID":7865}"#,
            r#"{"id":7865}"#,
            r#"{"ticket":{"id":"7865"}}"#,
        ] {
            let (id, form, _) = ticket(read(&request(&[], &[], body), OPEN));
            assert_eq!((id.as_str(), form), ("7865", DeliveryForm::Json), "{body}");
        }
        let (id, form, _) = ticket(read(
            &request(
                &[],
                &[],
                "{\"ticketId\":\"7865\",\"title\":\"the \"new\" one\"}",
            ),
            OPEN,
        ));
        assert_eq!((id.as_str(), form), ("7865", DeliveryForm::Salvaged));
        let (id, form, _) = ticket(read(
            &request(&[("external_id", "12")], &[], "{\"ticketId\":99}"),
            OPEN,
        ));
        assert_eq!((id.as_str(), form), ("12", DeliveryForm::Query));
        let other = read(
            &request(&[], &[], r#"{"ticketId":1,"entityType":"Project"}"#),
            OPEN,
        );
        assert!(matches!(
            other,
            Ok(Said::Reading(TriggerReading::NotOurs { .. }))
        ));
    }

    #[test]
    fn an_unsigned_trigger_carries_the_secret_if_there_is_one() {
        let secret: SecretString = "not-a-real-secret".into();
        let guards = Guards {
            webhook: None,
            unsigned: Some(&secret),
        };
        let password = format!("Basic {}", STANDARD.encode("anybody:not-a-real-secret"));
        assert!(
            read(
                &request(&[], &[("authorization", &password)], "id=7"),
                guards
            )
            .is_ok()
        );
        let wrong = format!("Basic {}", STANDARD.encode("anybody:another"));
        for headers in [vec![], vec![("authorization", wrong.as_str())]] {
            assert!(matches!(
                read(&request(&[], &headers, "id=7"), guards),
                Err(TriggerRefusal::Signature(_))
            ));
        }
        assert!(read(&request(&[], &[], EVENT), guards).is_err());
    }

    #[test]
    fn what_names_no_ticket_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            "hello",
            "id=T20191029.0002",
            "{\"ticketId\":\"x\"}",
            "id=",
            "<a>1</a>",
        ] {
            let refusal = read(&request(&[], &[], body), OPEN).unwrap_err();
            assert!(
                matches!(refusal, TriggerRefusal::NoRecord(_)),
                "{body}: {refusal:?}"
            );
        }
        let image = request(&[], &[("content-type", "image/png")], "PNG");
        assert!(matches!(
            read(&image, OPEN),
            Err(TriggerRefusal::MediaType(_))
        ));
    }

    #[test]
    fn hostile_bodies_are_refused_in_bounded_time() {
        let started = std::time::Instant::now();
        for body in [
            "[".repeat(3_000_000),
            "{\"Guid\":".repeat(500_000),
            "\"ticketId\" :".repeat(300_000),
            format!("{{\"ticketId\":{}", " ".repeat(3_000_000)),
            "=&".repeat(2_000_000),
        ] {
            assert!(read(&request(&[], &[], &body), OPEN).is_err());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
