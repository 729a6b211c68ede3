//! Incoming webhooks: verified on the raw bytes, then read whatever generation their body is.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::moment;
use super::work_order::{id_of, internal_marker, text_of, work_order_id};
use crate::model::{DeliveryKey, EventName, Marker, RecordId, Timestamp, WorkOrderId};

/// An event as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened.
    pub name: EventName,
    /// To which work order.
    pub work_order: WorkOrderId,
    /// What a redelivery of the same event has in common with this one.
    pub delivery: DeliveryKey,
    /// When it happened, by Field Nation's clock.
    pub at: Option<Timestamp>,
    /// The user who caused it.
    pub triggered_by: Option<u64>,
    /// The work order as the body has it: anything from nothing to the whole.
    pub work_order_body: Value,
    /// What the event says of itself, e.g. the statuses before and after.
    pub params: Value,
    /// The marker in the Internal Ticket Number; one in a field named by the settings is for
    /// [`FieldNation::marker_of`](super::FieldNation::marker_of) to read.
    pub marker: Option<Marker>,
}

/// Why a delivery was not taken for an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventRefusal {
    /// The signature is missing or is not ours.
    #[error("the signature is missing or wrong")]
    Signature,
    /// The body can't be read.
    #[error("the body is no Field Nation event: {0}")]
    Malformed(String),
    /// The body is an event that is not among the 33.
    #[error("`{0}` is no event we know")]
    UnknownEvent(String),
}

/// Verifies and reads a delivery. The signature is HMAC-SHA256 of the raw body and compared in constant time.
///
/// # Errors
/// [`EventRefusal`], the signature's first: nothing else is looked at before it holds.
pub fn read_event(
    headers: &HeaderMap,
    body: &[u8],
    secret: &SecretString,
) -> Result<Event, EventRefusal> {
    let signature = verify(headers, body, secret)?;
    let body: Value =
        serde_json::from_slice(body).map_err(|error| EventRefusal::Malformed(error.to_string()))?;
    if !body.is_object() {
        return Err(EventRefusal::Malformed("it is no object".to_owned()));
    }
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let text = |path: &str| body.pointer(path).and_then(text_of);
    let name = text("/event/name")
        .or_else(|| text("/event"))
        .or_else(|| text("/eventName"))
        .or_else(|| header("x-fn-event-name").map(str::to_owned))
        .ok_or_else(|| EventRefusal::Malformed("it names no event".to_owned()))?;
    let event = EventName::from_webhook_name(&name)
        .ok_or_else(|| EventRefusal::UnknownEvent(name.chars().take(80).collect()))?;
    let params = params(&body);
    let work_order_body = work_order_in(&body);
    let work_order = [
        params.get("work_order_id"),
        body.get("workOrderId"),
        body.get("work_order_id"),
    ]
    .into_iter()
    .find_map(|id| id_of(id?))
    .filter(|id| *id > 0)
    .map(WorkOrderId)
    .or_else(|| work_order_id(&work_order_body))
    .ok_or_else(|| EventRefusal::Malformed("it names no work order".to_owned()))?;
    let delivery = header("x-fn-delivery-id")
        .filter(|id| !id.is_empty())
        .map(|id| without_attempt(id).to_owned())
        .or_else(|| header("x-fn-event-trace-id").map(str::to_owned))
        .or_else(|| text("/eventId"))
        // The body tells when it happened, so the same bytes are the same event.
        .unwrap_or(signature);
    let at = text("/timestamp")
        .as_deref()
        .and_then(moment::read)
        .or_else(|| {
            let sent = header("x-fn-request-timestamp")?.parse().ok()?;
            Timestamp::from_millisecond(sent).ok()
        });
    Ok(Event {
        name: event,
        work_order,
        delivery: DeliveryKey::new(delivery),
        at,
        triggered_by: body.pointer("/triggered_by_user/id").and_then(id_of),
        marker: internal_marker(&work_order_body),
        work_order_body,
        params,
    })
}

/// Checks the signature and answers its hexadecimal text.
fn verify(headers: &HeaderMap, body: &[u8], secret: &SecretString) -> Result<String, EventRefusal> {
    let given = headers
        .get("x-fn-signature")
        .and_then(|value| value.to_str().ok())
        .ok_or(EventRefusal::Signature)?
        .trim();
    let given = given
        .strip_prefix("sha256=")
        .ok_or(EventRefusal::Signature)?;
    let bytes = hex::decode(given).map_err(|_| EventRefusal::Signature)?;
    let secret = secret.expose_secret();
    if secret.is_empty() {
        return Err(EventRefusal::Signature);
    }
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| EventRefusal::Signature)?;
    mac.update(body);
    mac.verify_slice(&bytes)
        .map_err(|_| EventRefusal::Signature)?;
    Ok(given.to_ascii_lowercase())
}

/// `<uuid>:<attempt>` without the attempt.
fn without_attempt(delivery: &str) -> &str {
    match delivery.rsplit_once(':') {
        Some((id, attempt))
            if !id.is_empty() && attempt.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            id
        }
        _ => delivery,
    }
}

/// What the event says of itself: `event.params` (2026), or the whole of `event` without its name (legacy).
fn params(body: &Value) -> Value {
    if let Some(params) = body.pointer("/event/params") {
        return params.clone();
    }
    match body.get("event") {
        Some(Value::Object(members)) => {
            let mut members = members.clone();
            members.shift_remove("name");
            Value::Object(members)
        }
        _ => Value::Object(Map::new()),
    }
}

/// The work order in the body: `workorder` (2026), the body itself (legacy). `data` of the 2025 form is written in
/// other names throughout, so only its id can be used.
fn work_order_in(body: &Value) -> Value {
    for name in ["workorder", "work_order"] {
        if let Some(work_order) = body.get(name).filter(|value| value.is_object()) {
            return work_order.clone();
        }
    }
    if let Some(data) = body.get("data") {
        let id = ["id", "workOrderId"]
            .iter()
            .find_map(|name| id_of(data.get(*name)?));
        return id.map_or(Value::Null, |id| json!({ "id": id }));
    }
    if work_order_id(body).is_none() {
        return Value::Null;
    }
    let mut legacy = body.clone();
    if let Some(members) = legacy.as_object_mut() {
        members.shift_remove("event");
    }
    legacy
}

/// What outbound rules read: the hosted broker's event (`event_type`, `event_timestamp`, `correlation_id`,
/// `workorder`), with the work order's members beside it as well, because its mappings name them either way.
/// `correlation_id` is the record's id.
#[must_use]
pub fn mapping_input(
    event: EventName,
    at: Option<Timestamp>,
    work_order: &Value,
    params: &Value,
    marker: Option<&Marker>,
) -> Value {
    let mut input = work_order.as_object().cloned().unwrap_or_default();
    let record = marker.and_then(Marker::record).map(|(_, record)| record);
    input.insert("event_type".to_owned(), json!(event.as_str()));
    input.insert(
        "event_timestamp".to_owned(),
        json!(at.map(|at| at.to_string())),
    );
    input.insert("event_params".to_owned(), params.clone());
    input.insert(
        "correlation_id".to_owned(),
        json!(record.as_ref().map(RecordId::as_str)),
    );
    input.insert("workorder".to_owned(), work_order.clone());
    Value::Object(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "01999f51-5c66-4449-b441-6b4a053fee6a";

    fn signed(body: &str) -> HeaderMap {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        HeaderMap::from_iter([(
            http::HeaderName::from_static("x-fn-signature"),
            signature.parse().unwrap(),
        )])
    }

    fn with(mut headers: HeaderMap, name: &'static str, value: &str) -> HeaderMap {
        headers.insert(name, value.parse().unwrap());
        headers
    }

    fn read(headers: &HeaderMap, body: &str) -> Result<Event, EventRefusal> {
        read_event(headers, body.as_bytes(), &SECRET.into())
    }

    #[test]
    fn the_known_signature_holds_and_a_changed_byte_does_not() {
        let signature = "sha256=7b3438ce21ca0f92908ac08192dc9670d83da7fcb1a34f8ec51c7d7e7d8719c9";
        let headers = with(HeaderMap::new(), "x-fn-signature", signature);
        // Signed well, but no event.
        assert!(matches!(
            read(&headers, r#"{"test":"data"}"#),
            Err(EventRefusal::Malformed(_))
        ));
        assert_eq!(
            read(&headers, r#"{"test":"dat4"}"#),
            Err(EventRefusal::Signature)
        );
        assert_eq!(
            read(&HeaderMap::new(), r#"{"test":"data"}"#),
            Err(EventRefusal::Signature)
        );
        for wrong in [
            "7b34",
            "sha256=",
            "sha256=zz",
            "sha256=7b3438ce",
            "sha1=7b3438ce",
        ] {
            let headers = with(HeaderMap::new(), "x-fn-signature", wrong);
            assert_eq!(
                read(&headers, r#"{"test":"data"}"#),
                Err(EventRefusal::Signature),
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_empty_secret_verifies_nothing() {
        let body = r#"{"test":"data"}"#;
        assert_eq!(
            read_event(&signed(body), body.as_bytes(), &"".into()),
            Err(EventRefusal::Signature)
        );
    }

    #[test]
    fn the_form_of_2026_is_read_whole() {
        let body = r#"{"event":{"name":"workorder.status.published","params":{"work_order_id":"12345","status_id":2,"previous_status_id":1}},
            "timestamp":"2026-01-20T08:55:58-06:00","triggered_by_user":{"id":1068},
            "workorder":{"id":12345,"title":"Router Installation - Site 42","custom_fields":{"internal":{"value":"cw-main:69"}}}}"#;
        let headers = with(
            signed(body),
            "x-fn-delivery-id",
            "66b2c434-519e-4b3f-be20-00216b600873:3",
        );
        let event = read(&headers, body).unwrap();
        assert_eq!(event.name, EventName::Published);
        assert_eq!(event.work_order, WorkOrderId(12345));
        assert_eq!(
            event.delivery.as_str(),
            "66b2c434-519e-4b3f-be20-00216b600873"
        );
        assert_eq!(event.at.unwrap().to_string(), "2026-01-20T14:55:58Z");
        assert_eq!(event.triggered_by, Some(1068));
        assert_eq!(event.params["previous_status_id"], 1);
        assert_eq!(event.marker.unwrap().as_str(), "cw-main:69");
    }

    #[test]
    fn older_forms_are_read() {
        let body = r#"{"eventName":"workorder.status.assigned","eventId":"evt_1","workOrderId":77,
            "timestamp":"2025-12-01T10:00:00Z","data":{"workOrderId":77,"workOrderTitle":"x"}}"#;
        let event = read(&signed(body), body).unwrap();
        assert_eq!(
            (event.name, event.work_order),
            (EventName::Assigned, WorkOrderId(77))
        );
        assert_eq!(event.delivery.as_str(), "evt_1");
        let body = r#"{"id":78,"title":"Legacy","status":{"name":"Assigned"},
            "event":{"name":"workorder.message_posted","message_id":5}}"#;
        let event = read(&signed(body), body).unwrap();
        assert_eq!(
            (event.name, event.work_order),
            (EventName::MessagePosted, WorkOrderId(78))
        );
        assert_eq!(event.params, json!({"message_id": 5}));
        assert_eq!(event.work_order_body["title"], "Legacy");
        assert!(event.work_order_body.get("event").is_none());
    }

    #[test]
    fn all_33_events_are_taken_and_another_is_named() {
        for name in EventName::ALL {
            let body =
                json!({"event": {"name": name.webhook_name(), "params": {"work_order_id": 1}},
                              "timestamp": "2026-01-20T08:55:58-06:00", "workorder": {"id": 1}})
                .to_string();
            assert_eq!(read(&signed(&body), &body).unwrap().name, *name);
        }
        let body = r#"{"event":{"name":"workorder.exploded"},"workorder":{"id":1}}"#;
        assert_eq!(
            read(&signed(body), body),
            Err(EventRefusal::UnknownEvent("workorder.exploded".to_owned()))
        );
    }

    #[test]
    fn a_redelivery_has_the_key_of_the_first() {
        let body = r#"{"event":{"name":"workorder.created","params":{"work_order_id":1}}}"#;
        let key = |headers: HeaderMap| read(&headers, body).unwrap().delivery;
        let first = key(with(signed(body), "x-fn-delivery-id", "66b2c434:1"));
        assert_eq!(
            first,
            key(with(signed(body), "x-fn-delivery-id", "66b2c434:2"))
        );
        assert_ne!(
            first,
            key(with(signed(body), "x-fn-delivery-id", "77b2c434:1"))
        );
        assert_eq!(key(signed(body)), key(signed(body)));
    }

    #[test]
    fn rules_read_the_brokers_shape_and_the_bare_work_order() {
        let order = json!({"id": 5, "title": "x", "status": {"name": "Assigned"}});
        let marker = Marker::from_text("cw-main:69");
        let at = "2026-01-20T14:55:58Z".parse().ok();
        let input = mapping_input(
            EventName::Assigned,
            at,
            &order,
            &json!({"status_id": 3}),
            Some(&marker),
        );
        assert_eq!(input["event_type"], "FN_WO_ASSIGNED");
        assert_eq!(input["event_timestamp"], "2026-01-20T14:55:58Z");
        assert_eq!(input["correlation_id"], "69");
        assert_eq!(input["workorder"]["status"]["name"], "Assigned");
        assert_eq!(input["status"]["name"], "Assigned");
        assert_eq!(input["event_params"]["status_id"], 3);
    }
}
