//! Reading triggers: outbound messages (SOAP) and callouts (JSON).
//!
//! The vendor's rules: an outbound message carries 1 to 100 notifications and wants an exact SOAP acknowledgement, which
//! covers all of them; whatever else it gets, it sends again for 24 hours. There is no signature: the org's id must
//! be ours, the token in the address guards the door, and only ids are believed. The session id in a message is never
//! used. A flow's callout sends whatever its author wrote, once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use tracing::info;

use super::xml::{self, Element};
use super::{Salesforce, ids};
use crate::http::Call;
use crate::model::{Priority, RecordId};
use crate::platform::{Answer, DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};

/// The names under which a record's id comes in a callout, the surest first.
const NAMES: [&str; 5] = ["external_id", "caseId", "recordId", "Id", "id"];

/// The most records that one call may name; the vendor's own bound for a message.
const MOST_RECORDS: usize = 100;

/// The namespace of outbound messages.
const OUTBOUND: &str = "http://soap.sforce.com/2005/09/outbound";

/// The acknowledgement, to the letter.
pub(super) const ACK: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">"#,
    r#"<soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound">"#,
    r#"<Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>"#
);

/// An outbound message, as far as it is believed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// The org that sent it, 18 characters.
    organization: String,
    /// What changed, in order.
    notifications: Vec<Notification>,
}

/// One notification.
#[derive(Debug, PartialEq, Eq)]
struct Notification {
    /// The object's API name.
    object: String,
    /// The record's id.
    id: String,
    /// The id of the record it belongs to, where the message tells.
    parent: Option<String>,
}

impl Salesforce {
    /// Reads a trigger.
    ///
    /// # Errors
    /// A refusal that tells the flow's author what to change.
    pub(super) async fn trigger(
        &self,
        request: &TriggerRequest,
    ) -> Result<TriggerReading, TriggerRefusal> {
        let body = without_mark(&request.body);
        if body.first() == Some(&b'<') {
            let message = Message::read(&body).map_err(TriggerRefusal::NoRecord)?;
            self.check_organization(&message.organization).await?;
            return Ok(self.of_message(&message));
        }
        if let Some(secret) = &self.settings.trigger_secret {
            check_secret(&request.headers, secret)?;
        }
        callout(request, &body)
    }

    /// The org's id must be the one that our own credential belongs to.
    async fn check_organization(&self, told: &str) -> Result<(), TriggerRefusal> {
        let ours = match &self.settings.organization {
            Some(organization) => organization.clone(),
            None => {
                let call = Call::new(Priority::Live);
                let signed = self.session.signed(&call).await.map_err(|failure| {
                    TriggerRefusal::NotNow(format!(
                        "which org is ours is told by the sign-in, and it failed: {failure}; settings.organization_id makes the check independent of it"
                    ))
                })?;
                signed.login.organization.clone().ok_or_else(|| {
                    TriggerRefusal::NotNow(
                        "the sign-in did not tell which org is ours: set settings.organization_id"
                            .to_owned(),
                    )
                })?
            }
        };
        if ids::same(&ours, told) || ours == told {
            Ok(())
        } else {
            Err(TriggerRefusal::Signature(format!(
                "the message comes from the org {}, and this connector belongs to another",
                if told.is_empty() {
                    "(none named)"
                } else {
                    told
                }
            )))
        }
    }

    fn of_message(&self, message: &Message) -> TriggerReading {
        let mut found: Vec<RecordId> = Vec::new();
        let mut others = 0_usize;
        for notification in &message.notifications {
            match self.record_of(notification) {
                Some(id) if !found.contains(&id) => found.push(id),
                Some(_) => {}
                None => others += 1,
            }
        }
        if others > 0 {
            info!(others, object = %self.settings.object, "an outbound message names records of another object, or messages without their parent's id");
        }
        if found.is_empty() {
            // Without the acknowledgement the same would come again for a day.
            return TriggerReading::Answer(acknowledgement());
        }
        TriggerReading::Records {
            ids: found,
            // A notification that comes again may stand for a newer state, so it is read again; what did not
            // change ends there.
            delivery: None,
            form: DeliveryForm::Xml,
            answer: Some(acknowledgement()),
        }
    }

    /// The record that a notification is about: itself, or the one that a message stands on.
    fn record_of(&self, notification: &Notification) -> Option<RecordId> {
        let id = if notification.object == self.settings.object {
            Some(notification.id.clone())
        } else if notification.object == self.settings.messages.object {
            notification.parent.clone()
        } else {
            None
        };
        id.map(RecordId::new)
    }
}

fn acknowledgement() -> Answer {
    Answer {
        status: StatusCode::OK,
        headers: Vec::new(),
        media_type: "text/xml; charset=utf-8",
        body: Bytes::from_static(ACK.as_bytes()),
    }
}

fn without_mark(body: &Bytes) -> Bytes {
    let trimmed = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii();
    body.slice_ref(trimmed)
}

impl Message {
    /// Reads an envelope.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let envelope = xml::read(body)?;
        let notifications = envelope
            .child("Body")
            .and_then(|body| body.child("notifications"))
            .filter(|found| found.namespace == OUTBOUND && envelope.name == "Envelope")
            .ok_or_else(|| "the XML is no outbound message".to_owned())?;
        let told = notifications.text_of("OrganizationId").unwrap_or_default();
        let mut message = Self {
            organization: ids::long(told).unwrap_or_else(|| told.chars().take(18).collect()),
            notifications: Vec::new(),
        };
        for child in notifications
            .children
            .iter()
            .filter(|child| child.name == "Notification")
        {
            if message.notifications.len() >= MOST_RECORDS {
                return Err(format!("it has more than {MOST_RECORDS} notifications"));
            }
            message.notifications.push(Notification::read(child)?);
        }
        Ok(message)
    }
}

impl Notification {
    fn read(element: &Element) -> Result<Self, String> {
        let object = element
            .child("sObject")
            .ok_or_else(|| "a notification has no sObject".to_owned())?;
        let told = object.text_of("Id").unwrap_or_default();
        let id = ids::long(told).ok_or_else(|| {
            let shown: String = told.chars().take(40).collect();
            format!("`{shown}` is no record id; select the field Id in the outbound message")
        })?;
        Ok(Self {
            object: object.kind.clone(),
            id,
            parent: object.text_of("ParentId").and_then(ids::long),
        })
    }
}

/// A flow's HTTP callout can carry a header of one's own, or the password of a named credential.
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
    let wanted = secret.expose_secret().as_bytes();
    let matches = [password, header]
        .into_iter()
        .flatten()
        .any(|given| bool::from(given.ct_eq(wanted)));
    if matches {
        Ok(())
    } else {
        Err(TriggerRefusal::Signature(
            "the callout must send the connector's trigger_secret, as the password of its credential or in the header X-Fieldbridge-Secret".to_owned(),
        ))
    }
}

fn callout(request: &TriggerRequest, body: &[u8]) -> Result<TriggerReading, TriggerRefusal> {
    let mut query = NAMES.iter().filter_map(|name| request.parameter(name));
    if let Some(id) = query.find_map(ids::long) {
        return Ok(records(vec![id], DeliveryForm::Query));
    }
    let (found, form) = match body.first() {
        Some(b'{' | b'[') => {
            let value: Value = serde_json::from_slice(body).map_err(|error| {
                TriggerRefusal::NoRecord(format!(
                    "the body is broken JSON ({error}). {RECOMMENDED}"
                ))
            })?;
            (of_json(&value), DeliveryForm::Json)
        }
        Some(_) => (of_form(body), DeliveryForm::Form),
        None => (Vec::new(), DeliveryForm::Query),
    };
    if found.len() > MOST_RECORDS {
        return Err(TriggerRefusal::NoRecord(format!(
            "it names more than {MOST_RECORDS} records"
        )));
    }
    if found.is_empty() {
        return Err(refusal(request, body));
    }
    Ok(records(found, form))
}

fn records(found: Vec<String>, form: DeliveryForm) -> TriggerReading {
    TriggerReading::Records {
        ids: found.into_iter().map(RecordId::new).collect(),
        delivery: None,
        form,
        answer: Some(Answer::json(StatusCode::OK, &json!({"accepted": true}))),
    }
}

fn of_json(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let items: &[Value] = match value {
        Value::Array(items) => items,
        single => std::slice::from_ref(single),
    };
    for id in items.iter().filter_map(|item| of_object(item, 0)) {
        if !found.contains(&id) {
            found.push(id);
        }
        if found.len() > MOST_RECORDS {
            break;
        }
    }
    found
}

/// The id in an object: under its surest name, else within the wrappers that authors use.
fn of_object(value: &Value, depth: usize) -> Option<String> {
    if let Some(text) = value.as_str().filter(|_| depth == 0) {
        return ids::long(text);
    }
    let object = value.as_object()?;
    let direct = NAMES
        .iter()
        .find_map(|name| ids::long(object.get(*name)?.as_str()?));
    direct.or_else(|| {
        if depth >= 3 {
            return None;
        }
        ["case", "Case", "record", "data", "sobject"]
            .iter()
            .find_map(|name| of_object(object.get(*name)?, depth + 1))
    })
}

fn of_form(body: &[u8]) -> Vec<String> {
    /// A form with one id is short.
    const LONGEST: usize = 64 * 1024;
    let body = body.get(..body.len().min(LONGEST)).unwrap_or(body);
    let found = NAMES.iter().find_map(|name| {
        let mut pairs = url::form_urlencoded::parse(body);
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        ids::long(&value)
    });
    found.into_iter().collect()
}

const RECOMMENDED: &str = "Send the body {\"Id\":\"{!$Record.Id}\"}, or better an outbound message, which Salesforce repeats until it is acknowledged.";

fn refusal(request: &TriggerRequest, body: &[u8]) -> TriggerRefusal {
    let media_type = request
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let readable = ["json", "xml", "form-urlencoded", "text/", "octet-stream"];
    if !body.is_empty()
        && !media_type.is_empty()
        && !readable.iter().any(|word| media_type.contains(word))
    {
        let shown: String = media_type.chars().take(80).collect();
        return TriggerRefusal::MediaType(format!("{shown}. {RECOMMENDED}"));
    }
    let why = match NAMES.iter().find_map(|name| request.parameter(name)) {
        Some(given) => {
            let shown: String = given.chars().take(40).collect();
            format!("`{shown}` is no record id")
        }
        None if body.is_empty() => {
            "the call has neither a record id in its address nor a body".to_owned()
        }
        None => "the body holds no record id".to_owned(),
    };
    TriggerRefusal::NoRecord(format!("{why}. {RECOMMENDED}"))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

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

    fn ids_of(request: &TriggerRequest) -> Result<Vec<String>, TriggerRefusal> {
        let body = without_mark(&request.body);
        callout(request, &body).map(|reading| match reading {
            TriggerReading::Records {
                ids,
                delivery: None,
                ..
            } => ids.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        })
    }

    const LONG: &str = "5003000000D8cuIAAR";

    #[test]
    fn every_form_of_callout_names_the_record() {
        for body in [
            r#"{"caseId":"5003000000D8cuI"}"#,
            r#"{"Id":"5003000000D8cuIAAR","CaseNumber":"00001026"}"#,
            r#"{"id":"5003000000D8cuI"}"#,
            r#"{"recordId":"5003000000D8cuI","id":"not one"}"#,
            r#"{"external_id":"5003000000D8cuI"}"#,
            r#"{"data":{"record":{"Id":"5003000000D8cuI"}}}"#,
            r#"[{"Id":"5003000000D8cuI"},{"Id":"5003000000D8cuIAAR"}]"#,
            r#"["5003000000D8cuI"]"#,
            "caseId=5003000000D8cuI&x=1",
        ] {
            assert_eq!(ids_of(&request(&[], body)).unwrap(), [LONG], "{body}");
        }
        assert_eq!(
            ids_of(&request(&[("external_id", "5003000000D8cuI")], "{")).unwrap(),
            [LONG]
        );
    }

    #[test]
    fn what_names_no_record_is_told_what_to_send() {
        for (query, body) in [
            (vec![], ""),
            (vec![("external_id", "00001026")], ""),
            (vec![], "{}"),
            (vec![], "{\"Id\":\"500"),
            (vec![], "{\"Id\":\"{!$Record.Id}\"}"),
            (vec![], "hello"),
        ] {
            let refusal = ids_of(&request(&query, body)).unwrap_err();
            assert!(refusal.to_string().contains("{!$Record.Id}"), "{refusal}");
        }
        let many = format!(
            "[{}]",
            (0..200)
                .map(|n| format!("\"5003000000D{n:04}\""))
                .collect::<Vec<_>>()
                .join(",")
        );
        assert!(ids_of(&request(&[], &many)).is_err());
    }

    #[test]
    fn hostile_bodies_are_refused_in_bounded_time() {
        let started = std::time::Instant::now();
        for body in [
            "[".repeat(3_000_000),
            "{\"case\":".repeat(300_000),
            "=&".repeat(2_000_000),
            format!("[{}]", vec!["{}"; 500_000].join(",")),
        ] {
            assert!(ids_of(&request(&[], &body)).is_err());
        }
        for body in [
            "<a>".repeat(1_000_000),
            "<a/>".repeat(500_000),
            format!("<a {}>", "b='1' ".repeat(200_000)),
            "&amp;".repeat(1_000_000),
        ] {
            assert!(Message::read(body.as_bytes()).is_err());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    fn sample(name: &str) -> Option<Vec<u8>> {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let body = std::fs::read(format!("{shared}/samples/salesforce/{name}")).ok();
        if body.is_none() {
            println!("skipped: the samples are not here");
        }
        body
    }

    #[test]
    fn the_vendors_messages_are_read() {
        let Some(body) = sample("outbound-message-1.xml") else {
            return;
        };
        let message = Message::read(&body).unwrap();
        assert_eq!(message.organization, "0123456789ABCDENNN");
        let read: Vec<_> = message
            .notifications
            .iter()
            .map(|one| (one.object.as_str(), one.id.as_str()))
            .collect();
        assert_eq!(
            read,
            [
                ("Lead1", "0123456789ABCDEEAE"),
                ("Lead2", "1123456789ABCDEEAE"),
                ("Lead3", "2123456789ABCDEEAE"),
            ]
        );
        let Some(body) = sample("outbound-message-2.xml") else {
            return;
        };
        assert_eq!(Message::read(&body).unwrap(), Message::default());
        let Some(body) = sample("outbound-fault.xml") else {
            return;
        };
        assert!(Message::read(&body).is_err());
    }

    #[test]
    fn the_acknowledgement_says_what_the_vendors_own_does() {
        let Some(theirs) = sample("outbound-ack.xml") else {
            return;
        };
        let ack = |body: &[u8]| {
            let envelope = xml::read(body).unwrap();
            let answer = envelope
                .child("Body")
                .unwrap()
                .child("notificationsResponse")
                .unwrap();
            (
                envelope.namespace.clone(),
                answer.namespace.clone(),
                answer.text_of("Ack").unwrap().to_owned(),
            )
        };
        assert_eq!(ack(ACK.as_bytes()), ack(&theirs));
    }

    #[test]
    fn a_message_is_bounded_and_must_be_one() {
        let message = |notifications: &str| {
            format!(
                "<e:Envelope xmlns:e=\"urn:e\"><e:Body><notifications xmlns=\"{OUTBOUND}\"><OrganizationId>00Di0000000icUB</OrganizationId>{notifications}</notifications></e:Body></e:Envelope>"
            )
        };
        let one = format!(
            "<Notification><Id>04l</Id><sObject xmlns:x=\"urn:x\" x:type=\"sf:Case\"><Id>{LONG}</Id></sObject></Notification>"
        );
        let read = Message::read(message(&one.repeat(100)).as_bytes()).unwrap();
        assert_eq!(
            (read.notifications.len(), read.organization.as_str()),
            (100, "00Di0000000icUBEAY")
        );
        assert!(Message::read(message(&one.repeat(101)).as_bytes()).is_err());
        assert!(
            Message::read(message("<Notification><Id>04l</Id></Notification>").as_bytes()).is_err()
        );
        assert!(Message::read(message(&one.replace(LONG, "x")).as_bytes()).is_err());
        let foreign = message(&one).replace(OUTBOUND, "urn:other");
        assert!(Message::read(foreign.as_bytes()).is_err());
    }
}
