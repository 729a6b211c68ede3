//! Reading triggers of a system nobody knows: the id where the admin says it is, else where such ids commonly are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::settings::TriggerSettings;
use crate::model::{DeliveryKey, RecordId};
use crate::platform::basics::id_text;
use crate::platform::{Answer, DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};

/// The names under which ids commonly come, the surest first.
const NAMES: [&str; 8] = [
    "external_id",
    "record_id",
    "recordId",
    "ticket_id",
    "ticketId",
    "caseId",
    "case_id",
    "id",
];

/// Members in which records are commonly wrapped.
const WRAPPERS: [&str; 8] = [
    "record", "ticket", "case", "data", "object", "payload", "resource", "event",
];

/// At most so many records are taken from one call.
const MOST_RECORDS: usize = 200;

/// So much of a body that does not parse is looked at.
const LOOKED_AT: usize = 1024 * 1024;

/// The longest id.
const LONGEST: usize = 200;

/// Reads a trigger.
///
/// # Errors
/// A refusal that tells the sender what to change.
pub(super) fn read(
    request: &TriggerRequest,
    settings: &TriggerSettings,
) -> Result<TriggerReading, TriggerRefusal> {
    if let Some(secret) = &settings.secret {
        check_secret(request, secret, settings)?;
    }
    let (ids, form) = ids(request, settings);
    if ids.is_empty() {
        return Err(refusal(request, settings));
    }
    let delivery = settings
        .delivery_header
        .as_deref()
        .and_then(|name| header(&request.headers, name));
    Ok(TriggerReading::Records {
        ids,
        delivery: delivery.map(DeliveryKey::new),
        form,
        answer: Some(Answer::json(settings.accepted, &json!({"accepted": true}))),
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then_some(text)
}

fn check_secret(
    request: &TriggerRequest,
    secret: &SecretString,
    settings: &TriggerSettings,
) -> Result<(), TriggerRefusal> {
    let secret = secret.expose_secret().trim().as_bytes();
    if let Some(name) = &settings.signature_header {
        let given = header(&request.headers, name).and_then(signature);
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
            return Err(TriggerRefusal::NotNow(
                "trigger_secret can't be used".to_owned(),
            ));
        };
        mac.update(&request.body);
        let good = given.is_some_and(|given| mac.verify_slice(&given).is_ok());
        return if good {
            Ok(())
        } else {
            Err(TriggerRefusal::Signature(format!(
                "the header {name} must hold the HMAC-SHA256 of the body, made with the connector's trigger_secret, as hex or base64"
            )))
        };
    }
    let own =
        header(&request.headers, &settings.secret_header).map(|text| text.as_bytes().to_vec());
    let password = header(&request.headers, "authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value.trim()).ok())
        .and_then(|pair| {
            let colon = pair.iter().position(|byte| *byte == b':')?;
            Some(pair.get(colon + 1..)?.to_vec())
        });
    let matches = [own, password]
        .into_iter()
        .flatten()
        .any(|given| bool::from(given.ct_eq(secret)));
    if matches {
        Ok(())
    } else {
        Err(TriggerRefusal::Signature(format!(
            "the call must carry the connector's trigger_secret, in the header {} or as the password of Basic authentication",
            settings.secret_header
        )))
    }
}

/// A signature's bytes: hex or base64, with or without `sha256=` before it.
fn signature(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("sha256=").unwrap_or(text).trim();
    hex::decode(text)
        .ok()
        .or_else(|| STANDARD.decode(text).ok())
}

fn ids(request: &TriggerRequest, settings: &TriggerSettings) -> (Vec<RecordId>, DeliveryForm) {
    let body = request.body.trim_ascii();
    let value = serde_json::from_slice::<Value>(body).ok();
    // What the admin says goes first.
    if let (Some(path), Some(value)) = (&settings.id_field, &value) {
        let found = path
            .read(value)
            .map(|found| collect(&found))
            .unwrap_or_default();
        if !found.is_empty() {
            return (found, DeliveryForm::Json);
        }
    }
    let query = NAMES
        .iter()
        .find_map(|name| usable(request.parameter(name)?));
    if let Some(id) = query {
        return (vec![id], DeliveryForm::Query);
    }
    match value {
        Some(value) => (from_json(&value), DeliveryForm::Json),
        None => from_text(body),
    }
}

/// One id or a list of them.
fn collect(value: &Value) -> Vec<RecordId> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut found = Vec::new();
    for id in items
        .iter()
        .take(MOST_RECORDS)
        .filter_map(|item| usable(&id_text(item)?))
    {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

fn from_json(value: &Value) -> Vec<RecordId> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut found = Vec::new();
    for id in items
        .iter()
        .take(MOST_RECORDS)
        .filter_map(|item| in_object(item, 0))
    {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

fn in_object(value: &Value, depth: usize) -> Option<RecordId> {
    let object = value.as_object().filter(|_| depth < 5)?;
    let named = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| usable(&id_text(object.get(*name)?)?))
    };
    let (sure, last) = NAMES.split_at(NAMES.len() - 1);
    // A bare `id` may be the event's own; one inside of a wrapper is the record's.
    named(sure)
        .or_else(|| {
            WRAPPERS
                .iter()
                .find_map(|name| in_object(object.get(*name)?, depth + 1))
        })
        .or_else(|| named(last))
}

/// A form, else whatever stands behind a known name in a text that does not parse.
fn from_text(body: &[u8]) -> (Vec<RecordId>, DeliveryForm) {
    let body = body.get(..body.len().min(LOOKED_AT)).unwrap_or(body);
    let is_form = !matches!(body.first(), None | Some(b'{' | b'[' | b'<'));
    if is_form {
        let found = NAMES.iter().find_map(|name| {
            let mut pairs = url::form_urlencoded::parse(body);
            usable(&pairs.find(|(key, _)| key == name)?.1)
        });
        if let Some(id) = found {
            return (vec![id], DeliveryForm::Form);
        }
    }
    (salvage(body).into_iter().collect(), DeliveryForm::Salvaged)
}

/// The value behind the surest known name, in one pass.
fn salvage(body: &[u8]) -> Option<RecordId> {
    let text = String::from_utf8_lossy(body);
    let mut found: [Option<RecordId>; NAMES.len()] = [const { None }; NAMES.len()];
    for (place, _) in text.match_indices('"') {
        let rest = &text[place + 1..];
        let Some(which) = NAMES.iter().position(|name| {
            rest.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('"'))
        }) else {
            continue;
        };
        let after = NAMES
            .get(which)
            .and_then(|name| rest.get(name.len() + 1..))
            .unwrap_or_default();
        if let Some(slot) = found.get_mut(which)
            && slot.is_none()
        {
            *slot = value_behind(after);
        }
    }
    found.into_iter().flatten().next()
}

fn value_behind(text: &str) -> Option<RecordId> {
    // Blanks are looked over within reason: a hostile body may be nothing else.
    let end = text
        .char_indices()
        .nth(LONGEST + 20)
        .map_or(text.len(), |(end, _)| end);
    let text = text[..end].trim_start().strip_prefix(':')?.trim_start();
    let value = match text.strip_prefix('"') {
        Some(quoted) => &quoted[..quoted.find('"')?],
        None => {
            let end = text
                .find(|char: char| !char.is_ascii_digit())
                .unwrap_or(text.len());
            &text[..end]
        }
    };
    // In a body that broke, the next name may stand where a value should.
    if NAMES.contains(&value) {
        return None;
    }
    usable(value)
}

/// An id that a record may have: short, of one line, and no placeholder that nobody filled in.
fn usable(text: &str) -> Option<RecordId> {
    let text = text.trim();
    let placeholder = text.contains("{{") || text.starts_with("${") || text.starts_with('<');
    let good = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    (good && !placeholder).then(|| RecordId::new(text))
}

const RECOMMENDED: &str = "Add &external_id=<the record's id> to the URL, or send the JSON {\"record_id\": \"<the record's id>\"}, or set trigger_id_field.";

fn refusal(request: &TriggerRequest, settings: &TriggerSettings) -> TriggerRefusal {
    let media_type = header(&request.headers, "content-type")
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
    let why = match &settings.id_field {
        Some(path) => format!("there is no id at {}, nor under a usual name", path.text()),
        None => "there is no id under a usual name".to_owned(),
    };
    TriggerRefusal::NoRecord(format!("{why}. {RECOMMENDED}"))
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::*;
    use crate::mapping::Path;

    fn settings() -> TriggerSettings {
        TriggerSettings {
            id_field: None,
            secret: None,
            secret_header: "x-fieldbridge-secret".into(),
            signature_header: None,
            delivery_header: Some("x-delivery".into()),
            accepted: StatusCode::ACCEPTED,
        }
    }

    fn request(
        query: &[(&str, &str)],
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> TriggerRequest {
        TriggerRequest {
            method: Method::POST,
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            headers: headers
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
                .collect(),
            body: body.to_owned().into(),
        }
    }

    fn ids(request: &TriggerRequest, settings: &TriggerSettings) -> (Vec<String>, DeliveryForm) {
        match read(request, settings).unwrap() {
            TriggerReading::Records { ids, form, .. } => {
                (ids.iter().map(ToString::to_string).collect(), form)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ids_are_found_in_every_form() {
        for (query, body, id, form) in [
            (
                vec![("external_id", "A-1")],
                "{\"id\": 9}",
                "A-1",
                DeliveryForm::Query,
            ),
            (
                vec![],
                "{\"record_id\": \"A-1\"}",
                "A-1",
                DeliveryForm::Json,
            ),
            (
                vec![],
                "{\"id\": \"evt_9\", \"data\": {\"object\": {\"id\": 12345678901234567890}}}",
                "12345678901234567890",
                DeliveryForm::Json,
            ),
            (
                vec![],
                "[{\"id\": 7}, {\"id\": \"7\"}]",
                "7",
                DeliveryForm::Json,
            ),
            (vec![], "a=b&recordId=A%201", "A 1", DeliveryForm::Form),
            (
                vec![],
                "{\"note\": \"a \"quoted\" word\", \"ticket_id\" : \"A-1\"}",
                "A-1",
                DeliveryForm::Salvaged,
            ),
            (
                vec![],
                "{\"id\":1,\"x\":\"\"\",\"record_id\": 77}",
                "77",
                DeliveryForm::Salvaged,
            ),
        ] {
            assert_eq!(
                ids(&request(&query, &[], body), &settings()),
                (vec![id.to_owned()], form),
                "{body}"
            );
        }
    }

    #[test]
    fn the_admins_path_goes_first() {
        let settings = TriggerSettings {
            id_field: Some(Path::parse("changes[*].key").unwrap()),
            ..settings()
        };
        let body = "{\"id\": 1, \"changes\": [{\"key\": \"X\"}, {\"key\": \"Y\"}]}";
        assert_eq!(
            ids(&request(&[("id", "9")], &[], body), &settings).0,
            ["X", "Y"]
        );
        assert_eq!(ids(&request(&[("id", "9")], &[], "{}"), &settings).0, ["9"]);
    }

    #[test]
    fn secrets_and_signatures_are_checked() {
        let plain = TriggerSettings {
            secret: Some("FakeTriggerSecret".into()),
            ..settings()
        };
        let body = "{\"id\": 1}";
        assert!(read(&request(&[], &[], body), &plain).is_err());
        assert!(
            read(
                &request(&[], &[("x-fieldbridge-secret", "wrong")], body),
                &plain
            )
            .is_err()
        );
        assert!(
            read(
                &request(&[], &[("x-fieldbridge-secret", "FakeTriggerSecret")], body),
                &plain
            )
            .is_ok()
        );
        let basic = format!("Basic {}", STANDARD.encode("any:FakeTriggerSecret"));
        assert!(read(&request(&[], &[("authorization", &basic)], body), &plain).is_ok());

        let signed = TriggerSettings {
            signature_header: Some("x-signature".into()),
            ..plain
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(b"FakeTriggerSecret").unwrap();
        mac.update(body.as_bytes());
        let digest = mac.finalize().into_bytes();
        for good in [
            hex::encode(digest),
            format!("sha256={}", hex::encode(digest)),
            STANDARD.encode(digest),
        ] {
            assert!(read(&request(&[], &[("x-signature", &good)], body), &signed).is_ok());
            assert!(
                read(
                    &request(&[], &[("x-signature", &good)], "{\"id\": 2}"),
                    &signed
                )
                .is_err()
            );
        }
        for wrong in ["", "sha256=", "zz", "00"] {
            assert!(matches!(
                read(&request(&[], &[("x-signature", wrong)], body), &signed),
                Err(TriggerRefusal::Signature(_))
            ));
        }
    }

    #[test]
    fn deliveries_are_told_apart_and_answered_as_set() {
        let TriggerReading::Records {
            delivery, answer, ..
        } = read(
            &request(&[], &[("x-delivery", "d-1")], "{\"id\": 1}"),
            &settings(),
        )
        .unwrap()
        else {
            panic!("records")
        };
        assert!(delivery.is_some());
        assert_eq!(answer.unwrap().status, StatusCode::ACCEPTED);
    }

    #[test]
    fn what_names_no_record_is_told_what_to_change() {
        for body in [
            "",
            "hello",
            "{}",
            "{\"id\": null}",
            "{\"id\": \"\"}",
            "{\"id\": \"{{ticket.id}}\"}",
            "<id>1</id>",
        ] {
            let refusal = read(&request(&[], &[], body), &settings()).unwrap_err();
            assert!(refusal.to_string().contains("external_id="), "{refusal}");
        }
        let image = read(
            &request(&[], &[("content-type", "image/png")], "PNG"),
            &settings(),
        )
        .unwrap_err();
        assert!(matches!(image, TriggerRefusal::MediaType(_)));
    }

    #[test]
    fn hostile_bodies_end_soon() {
        let started = std::time::Instant::now();
        for body in [
            "[".repeat(5_000_000),
            "{\"data\":".repeat(500_000),
            "\"record_id\" :".repeat(300_000),
            format!("{{\"id\":{}", " ".repeat(4_000_000)),
            format!("{{\"id\":\"{}\"}}", "9".repeat(1_000_000)),
            "=&".repeat(2_000_000),
            "\u{e9}".repeat(1_000_000),
        ] {
            assert!(read(&request(&[], &[], &body), &settings()).is_err());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
