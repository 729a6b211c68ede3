//! Reading triggers. Smartsheet's own come in three kinds, told apart by their members: a challenge that wants its value back
//! (when a webhook is switched on, and then once every hundred callbacks, for ever), events, and news of the webhook
//! itself. None holds data: only the rows are taken from them, to be read.
//!
//! Where an admin allows it, other callers may name rows too: as `external_id=<SHEET_ID>-<ROW_ID>`, or by sheet and row.

use indexmap::IndexMap;
use serde_json::Value;

use super::ids::RowPlace;
use crate::platform::basics::{digits, number, text_at};
use crate::platform::{DeliveryForm, TriggerRefusal, TriggerRequest};

/// The header that carries the value of a challenge.
const CHALLENGE: &str = "smartsheet-hook-challenge";

/// The longest value of a challenge that is given back.
const LONGEST_CHALLENGE: usize = 512;

/// At most so many rows are taken from a call that Smartsheet did not make.
const MOST_ROWS: usize = 100;

/// What a trigger says, so far unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The value is to be given back.
    Challenge(String),
    /// A webhook reports events.
    Events(Callback),
    /// A webhook changed its state.
    Status {
        webhook: Option<u64>,
        status: String,
    },
    /// Somebody else names rows.
    Rows {
        places: Vec<RowPlace>,
        form: DeliveryForm,
    },
}

/// What a webhook reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Callback {
    pub(super) webhook: u64,
    pub(super) sheet: u64,
    pub(super) nonce: Option<String>,
    pub(super) events: Vec<Event>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) object: Object,
    /// The row, where the event says so.
    pub(super) row: Option<u64>,
    /// The object's own number.
    pub(super) id: Option<u64>,
    pub(super) is_deletion: bool,
    /// Who caused it by the API, as they call themselves, with commas between.
    pub(super) agents: String,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Row,
    Cell,
    Column,
    Discussion,
    Comment,
    /// The sheet, an attachment, or what came after this was written.
    Other,
}

impl Event {
    fn read(event: &Value) -> Self {
        let object = match text_at(event, &["objectType"]).unwrap_or_default() {
            "row" => Object::Row,
            "cell" => Object::Cell,
            "column" => Object::Column,
            "discussion" => Object::Discussion,
            "comment" => Object::Comment,
            _ => Object::Other,
        };
        let numbered = |name: &str| event.get(name).and_then(number);
        let id = numbered("id");
        // The vendor's description spells it one way, the vendor's callbacks the other.
        let named = numbered("rowId").or_else(|| numbered("rowid"));
        Self {
            object,
            row: if object == Object::Row {
                id.or(named)
            } else {
                named
            },
            id,
            is_deletion: text_at(event, &["eventType"]) == Some("deleted"),
            agents: text_at(event, &["changeAgent"])
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// Whether a change was made under this name.
    pub(super) fn is_by(&self, agent: &str) -> bool {
        self.agents.split(',').any(|name| name.trim() == agent)
    }
}

impl Callback {
    /// The rows that changed, each once, and whether all that happened to them was our own doing.
    pub(super) fn rows(&self, agent: &str) -> IndexMap<u64, bool> {
        let mut rows = IndexMap::new();
        for event in &self.events {
            if let Some(row) = event.row {
                let ours = rows.entry(row).or_insert(true);
                *ours = *ours && event.is_by(agent);
            }
        }
        rows
    }

    /// The comments and discussions whose events do not say on which row they are.
    pub(super) fn homeless<'c>(
        &'c self,
        agent: &str,
    ) -> impl Iterator<Item = (Object, u64)> + use<'c> {
        let agent = agent.to_owned();
        self.events.iter().filter_map(move |event| {
            let is_talk = matches!(event.object, Object::Comment | Object::Discussion);
            let is_lost =
                is_talk && event.row.is_none() && !event.is_deletion && !event.is_by(&agent);
            Some((event.object, event.id.filter(|_| is_lost)?))
        })
    }

    /// Whether the sheet's columns changed.
    pub(super) fn concerns_columns(&self) -> bool {
        self.events
            .iter()
            .any(|event| event.object == Object::Column)
    }
}

/// Reads a trigger.
///
/// # Errors
/// When it is none of these.
pub(super) fn read(request: &TriggerRequest, sheet: u64) -> Result<Reading, TriggerRefusal> {
    if let Some(value) = request.headers.get(CHALLENGE) {
        return challenge(value.to_str().unwrap_or_default());
    }
    let body = request.body.trim_ascii();
    if let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(body) {
        if let Some(reading) = own(&value)? {
            return Ok(reading);
        }
        let places: Vec<RowPlace> = place(&members(&value), sheet).into_iter().collect();
        return rows(request, places, sheet, DeliveryForm::Json);
    }
    if let Ok(Value::Array(items)) = serde_json::from_slice::<Value>(body) {
        let places = items.iter().take(MOST_ROWS);
        let places = places
            .filter_map(|item| place(&members(item), sheet))
            .collect();
        return rows(request, places, sheet, DeliveryForm::Json);
    }
    let is_form = body.first().is_some_and(u8::is_ascii_alphabetic);
    let pairs: Vec<(String, String)> = if is_form {
        url::form_urlencoded::parse(body)
            .into_owned()
            .take(MOST_ROWS)
            .collect()
    } else {
        Vec::new()
    };
    let places = place(&pairs, sheet).into_iter().collect();
    rows(request, places, sheet, DeliveryForm::Form)
}

/// What only Smartsheet sends.
fn own(body: &Value) -> Result<Option<Reading>, TriggerRefusal> {
    if let Some(status) = text_at(body, &["newWebhookStatus"]) {
        return Ok(Some(Reading::Status {
            webhook: body.get("webhookId").and_then(number),
            status: status.chars().take(60).collect(),
        }));
    }
    if let Some(Value::Array(events)) = body.get("events") {
        let numbered = |name: &str| {
            body.get(name).and_then(number).ok_or_else(|| {
                TriggerRefusal::NoRecord(format!("a callback with events must hold its {name}"))
            })
        };
        return Ok(Some(Reading::Events(Callback {
            webhook: numbered("webhookId")?,
            sheet: numbered("scopeObjectId")?,
            nonce: text_at(body, &["nonce"])
                .filter(|nonce| nonce.len() <= 128)
                .map(str::to_owned),
            events: events.iter().map(Event::read).collect(),
        })));
    }
    match text_at(body, &["challenge"]) {
        Some(value) => challenge(value).map(Some),
        None => Ok(None),
    }
}

/// A challenge's value, which must fit into a header to be given back.
fn challenge(value: &str) -> Result<Reading, TriggerRefusal> {
    let legal = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if value.is_empty() || value.len() > LONGEST_CHALLENGE || !value.bytes().all(legal) {
        return Err(TriggerRefusal::NoRecord(
            "the challenge's value is none that can be given back".to_owned(),
        ));
    }
    Ok(Reading::Challenge(value.to_owned()))
}

fn rows(
    request: &TriggerRequest,
    found: Vec<RowPlace>,
    sheet: u64,
    form: DeliveryForm,
) -> Result<Reading, TriggerRefusal> {
    let mut places = found;
    let mut form = form;
    // The address goes first: nothing that somebody types into a sheet can get there.
    if let Some(place) = place(&request.query, sheet) {
        places = vec![place];
        form = DeliveryForm::Query;
    }
    let mut distinct: Vec<RowPlace> = Vec::new();
    for place in places {
        if !distinct.contains(&place) {
            distinct.push(place);
        }
    }
    if distinct.is_empty() {
        return Err(TriggerRefusal::NoRecord(
            "it is no callback of Smartsheet's and names no row. Register the webhook with `fieldbridge connector callbacks register`, or send external_id=<SHEET_ID>-<ROW_ID>.".to_owned(),
        ));
    }
    Ok(Reading::Rows {
        places: distinct,
        form,
    })
}

fn members(value: &Value) -> Vec<(String, String)> {
    let members = value.as_object().into_iter().flatten();
    members
        .filter(|(_, value)| value.is_string() || value.is_u64())
        .map(|(name, value)| (name.clone(), crate::platform::basics::text(value)))
        .collect()
}

/// The row that some named texts tell: whole, or by sheet and row; a row alone is one of ours.
fn place(pairs: &[(String, String)], sheet: u64) -> Option<RowPlace> {
    let value = |names: &[&str]| {
        let pair = pairs
            .iter()
            .find(|(name, _)| names.contains(&name.as_str()));
        pair.map(|(_, value)| value.trim())
    };
    if let Some(place) =
        value(&["external_id", "externalId", "record_id", "recordId"]).and_then(RowPlace::parse)
    {
        return Some(place);
    }
    let row = digits(value(&["row_id", "rowId", "rowid"])?.as_bytes())?;
    let sheet = match value(&["sheet_id", "sheetId", "sheetid"]) {
        Some(text) => digits(text.as_bytes())?,
        None => sheet,
    };
    Some(RowPlace { sheet, row })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};
    use serde_json::json;

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

    #[test]
    fn a_challenge_is_known_by_its_header_or_its_body() {
        let wanted = Ok(Reading::Challenge("abc-123".into()));
        let mut with_header = request(&[], "{\"challenge\":\"other\",\"webhookId\":1}");
        with_header
            .headers
            .insert(CHALLENGE, "abc-123".parse().unwrap());
        assert_eq!(read(&with_header, 5), wanted);
        assert_eq!(
            read(
                &request(&[], "{\"challenge\":\"abc-123\",\"webhookId\":1}"),
                5
            ),
            wanted
        );
        for wrong in ["", "a\\r\\nSet-Cookie: x=1", &"x".repeat(600), "ünicode"] {
            let body = format!("{{\"challenge\":\"{wrong}\",\"webhookId\":1}}");
            assert!(read(&request(&[], &body), 5).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_rows_of_events_are_found_in_all_their_spellings() {
        let body = json!({"nonce": "n", "webhookId": 8_951_687_911_106_436_u64, "scope": "sheet", "scopeObjectId": 5, "events": [
            {"objectType": "row", "eventType": "created", "id": 9_007_199_254_740_993_u64},
            {"objectType": "cell", "eventType": "updated", "rowId": 9_007_199_254_740_993_u64, "columnId": 1},
            {"objectType": "cell", "eventType": "updated", "rowid": 4, "changeAgent": "other, fieldbridge-ss-jobs"},
            {"objectType": "row", "eventType": "updated", "id": 4, "changeAgent": "fieldbridge-ss-jobs"},
            {"objectType": "row", "eventType": "updated", "id": 6, "changeAgent": "fieldbridge-ss-jobs"},
            {"objectType": "cell", "eventType": "updated", "rowId": 6},
            {"objectType": "comment", "eventType": "created", "id": 70},
            {"objectType": "comment", "eventType": "deleted", "id": 71},
            {"objectType": "comment", "eventType": "created", "id": 72, "changeAgent": "fieldbridge-ss-jobs"},
            {"objectType": "attachment", "eventType": "created", "id": 80},
            {"objectType": "attachment", "eventType": "created", "id": 81, "rowId": 9},
            {"objectType": "column", "eventType": "updated", "id": 90},
        ]});
        let Ok(Reading::Events(callback)) = read(&request(&[], &body.to_string()), 5) else {
            panic!("no events")
        };
        let agent = "fieldbridge-ss-jobs";
        let rows: Vec<(u64, bool)> = callback.rows(agent).into_iter().collect();
        assert_eq!(
            rows,
            [
                (9_007_199_254_740_993, false),
                (4, true),
                (6, false),
                (9, false)
            ]
        );
        assert_eq!(
            callback.homeless(agent).collect::<Vec<_>>(),
            [(Object::Comment, 70)]
        );
        assert!(callback.concerns_columns());
        assert_eq!(callback.nonce.as_deref(), Some("n"));
    }

    #[test]
    fn news_of_the_webhook_is_no_event() {
        let body = r#"{"nonce":"n","webhookId":7,"scope":"sheet","scopeObjectId":5,"newWebhookStatus":"DISABLED_SCOPE_INACCESSIBLE"}"#;
        let wanted = Reading::Status {
            webhook: Some(7),
            status: "DISABLED_SCOPE_INACCESSIBLE".into(),
        };
        assert_eq!(read(&request(&[], body), 5), Ok(wanted));
    }

    #[test]
    fn others_name_rows_whole_or_in_parts() {
        let wanted = [RowPlace { sheet: 5, row: 6 }];
        for (query, body) in [
            (vec![("external_id", "5-6")], ""),
            (vec![("external_id", "5-6")], "{\"external_id\":\"1-2\"}"),
            (vec![("sheetId", "5"), ("rowId", "6")], "junk"),
            (vec![], "{\"sheetId\":5,\"rowId\":6}"),
            (vec![], "{\"row_id\":\"6\"}"),
            (vec![], "external_id=5-6"),
            (vec![], "sheet_id=5&row_id=6"),
            (vec![], "[{\"rowId\":6},{\"rowId\":6}]"),
        ] {
            let Ok(Reading::Rows { places, .. }) = read(&request(&query, body), 5) else {
                panic!("{query:?} {body}")
            };
            assert_eq!(places, wanted, "{query:?} {body}");
        }
    }

    #[test]
    fn what_names_no_row_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "hello",
            "{\"rowId\":0}",
            "{\"rowId\":1.5}",
            "{\"rowId\":\"x\"}",
            "{\"external_id\":\"5\"}",
            "{\"events\":[]}",
            "{\"events\":[],\"webhookId\":1}",
            "{\"events\":[],\"webhookId\":\"x\",\"scopeObjectId\":1}",
            "\u{1}PNG",
        ] {
            let refusal = read(&request(&[], body), 5).unwrap_err();
            assert!(matches!(refusal, TriggerRefusal::NoRecord(_)), "{body}");
        }
    }

    #[test]
    fn hostile_bodies_are_refused_in_bounded_time() {
        let started = std::time::Instant::now();
        for body in [
            "[".repeat(5_000_000),
            "{\"events\":".repeat(500_000),
            format!("{{\"rowId\":{}", " ".repeat(4_000_000)),
            format!("{{\"rowId\":\"{}\"}}", "9".repeat(1_000_000)),
            "a=&".repeat(2_000_000),
        ] {
            assert!(read(&request(&[], &body), 5).is_err());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
