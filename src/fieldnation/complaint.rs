//! What Field Nation says when it refuses: four generations of error bodies, read by one reader.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::work_order::text_of;
use crate::http::{Response, classify};
use crate::model::{Category, Failure};

/// What an error body says, whatever its generation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The sentence for people.
    pub(super) message: Option<String>,
    /// The machine's word, e.g. `RATE_LIMIT_EXCEEDED`.
    pub(super) code: Option<String>,
    /// Single complaints, e.g. one for each field.
    pub(super) details: Vec<String>,
    /// Whether Field Nation says that trying again can help.
    pub(super) retryable: Option<bool>,
    /// What Field Nation advises: `FIX_INPUT`, `RETRY`, `REAUTHENTICATE`, `ESCALATE`.
    pub(super) action: Option<String>,
    /// How long it asks us to wait.
    pub(super) backoff: Option<Duration>,
    /// What its support wants to know.
    pub(super) correlation: Option<String>,
}

impl Complaint {
    /// Reads a body: RFC 9457 (2026), `{status, message}`, `{error: {…}}`, OAuth's `{error, error_description}`
    /// and the webhooks API's `{errors: [{code, message}]}`.
    pub(super) fn read(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let text = |path: &str| body.pointer(path).and_then(text_of);
        let first = |paths: &[&str]| paths.iter().find_map(|path| text(path));
        let mut details = Vec::new();
        for path in ["/errors", "/error/details", "/error/errors"] {
            collect(body.pointer(path), None, &mut details);
        }
        let message = first(&[
            "/detail",
            "/message",
            "/error/message",
            "/error_description",
            "/title",
        ]);
        details.retain(|detail| Some(detail) != message.as_ref());
        let error = body.get("error").filter(|error| error.is_string());
        Self {
            message: message.or_else(|| error.and_then(text_of)),
            code: first(&["/code", "/error/code", "/errors/0/code"])
                .or_else(|| error.and_then(text_of)),
            details,
            retryable: body.get("retryable").and_then(Value::as_bool),
            action: text("/agent/action"),
            backoff: body
                .pointer("/agent/backoffMs")
                .and_then(Value::as_u64)
                .map(Duration::from_millis),
            correlation: text("/correlationId"),
        }
    }

    fn sentence(&self) -> String {
        let mut sentence = self.message.clone().unwrap_or_default();
        if !self.details.is_empty() {
            if !sentence.is_empty() {
                sentence.push_str(": ");
            }
            sentence.push_str(&self.details.join("; "));
        }
        if let Some(correlation) = &self.correlation {
            sentence.push_str(" (Field Nation's reference ");
            sentence.push_str(correlation);
            sentence.push(')');
        }
        sentence
    }
}

/// Gathers single complaints out of lists, of objects with a message, and of `{field: message}`.
fn collect(value: Option<&Value>, field: Option<&str>, details: &mut Vec<String>) {
    let named = |text: String| match field {
        Some(field) => format!("{field}: {text}"),
        None => text,
    };
    match value {
        Some(Value::Array(items)) => {
            for item in items {
                collect(Some(item), field, details);
            }
        }
        Some(Value::Object(members)) => {
            let member =
                |names: &[&str]| names.iter().find_map(|name| text_of(members.get(*name)?));
            if let Some(message) = member(&["message", "detail", "reason"]) {
                let place = member(&["field", "path", "pointer", "property"]);
                details.push(place.map_or_else(
                    || named(message.clone()),
                    |place| format!("{place}: {message}"),
                ));
            } else {
                for (name, inner) in members {
                    collect(Some(inner), Some(name), details);
                }
            }
        }
        Some(other) => details.extend(text_of(other).map(named)),
        None => {}
    }
}

/// The failure that an answer without success stands for. `what` is what we tried, e.g. `create the work order`.
pub(super) fn refusal(what: &str, response: &Response) -> Failure {
    let complaint = Complaint::read(&response.body);
    let status = response.status;
    let said = complaint.sentence();
    let mut failure = classify(&format!("Field Nation did not {what}"), response);
    if !said.is_empty() {
        failure.cause = format!("Field Nation did not {what}: {said} ({})", status.as_u16());
    }
    failure.category = category(status, failure.category, &complaint);
    failure.retry_after = failure.retry_after.or(complaint.backoff);
    if status == StatusCode::REQUEST_TIMEOUT {
        failure = failure.effect_unknown();
    }
    match hint(status, failure.category, &complaint) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn category(status: StatusCode, ordinary: Category, complaint: &Complaint) -> Category {
    match (complaint.action.as_deref(), complaint.retryable) {
        (Some("REAUTHENTICATE"), _) => Category::Authentication,
        _ if status == StatusCode::CONFLICT && complaint.retryable != Some(false) => {
            Category::Server
        }
        (Some("RETRY"), _) | (_, Some(true)) if ordinary == Category::Validation => {
            Category::Server
        }
        _ => ordinary,
    }
}

/// What to do about it.
fn hint(status: StatusCode, category: Category, complaint: &Complaint) -> Option<&'static str> {
    let said = complaint
        .message
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let says = |word: &str| said.contains(word);
    Some(match category {
        Category::Authentication if status == StatusCode::FORBIDDEN => {
            "The API user lacks a right: it needs Company Admin, and an integration contract that covers this feature."
        }
        Category::Authentication => {
            "Check client_id, client_secret, username and password in fieldbridge.toml; sandbox and production have different ones."
        }
        Category::RateLimited => {
            "The company's quota is shared by all its integrations; lower calls_per_minute if this keeps happening."
        }
        Category::Server => {
            "Field Nation failed for reasons of its own; see status.fieldnation.com if it lasts."
        }
        Category::Validation if status == StatusCode::NOT_FOUND => {
            "Check base_url (only the host, e.g. https://api.fieldnation.com) and whether the work order still exists."
        }
        Category::Validation if says("country") => {
            "Use the two-letter country code, e.g. US and not USA."
        }
        Category::Validation if says("date") || says("schedule") || says("service_window") => {
            "Dates go into schedule.service_window.start.utc as YYYY-MM-DD HH:mm:ss in UTC."
        }
        Category::Validation if says("location") || says("address") || says("zip") => {
            "Check the rules for location: mode, address1, city, state (two letters), zip and country (two letters)."
        }
        Category::Validation if says("pay") => {
            "Check the rules for pay: pay.type (fixed, hourly, device or blended), pay.base.amount and pay.base.units."
        }
        Category::Validation => {
            "Mend the rule or the source value, then retry. Run Refresh Custom Fields if a field or picklist changed in Field Nation."
        }
        _ => return None,
    })
}

/// The same for a side feature: a right that is missing there must not pause the whole connector.
pub(super) fn feature_refusal(what: &str, feature: &str, response: &Response) -> Failure {
    let mut failure = refusal(what, response);
    if response.status == StatusCode::FORBIDDEN {
        failure.category = Category::Configuration;
        failure.hint = Some(format!(
            "The API user may not use {feature}: ask the Field Nation admin for that right, or switch the feature off."
        ));
    }
    failure
}

/// What a 429's body asks for, as headers, where its headers say nothing: so that the quota hears it too.
pub(super) fn backoff_headers(response: &Response) -> Option<HeaderMap> {
    if response.status != StatusCode::TOO_MANY_REQUESTS
        || response.headers.contains_key(http::header::RETRY_AFTER)
    {
        return None;
    }
    let wait = Complaint::read(&response.body).backoff?;
    let seconds = HeaderValue::from(wait.as_millis().div_ceil(1000).min(3600) as u32);
    Some(HeaderMap::from_iter([(http::header::RETRY_AFTER, seconds)]))
}
