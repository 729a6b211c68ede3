//! What NetSuite's refusals mean.
//!
//! REST answers `o:errorDetails`, a RESTlet answers `error`, and some answers are no JSON at all: the vendor's own sample of
//! a full pool lacks a comma. So the status and the codes decide, wherever the codes stand.

use http::StatusCode;
use serde_json::Value;

use super::right::{LOGIN_HINT, Right};
use crate::http::{Response, classify};
use crate::model::{Category, Failure};

/// At most so many of the vendor's complaints are told.
const MOST_COMPLAINTS: usize = 20;

/// So much of a body that is no JSON is looked through.
const LONGEST: usize = 16 * 1024;

/// One complaint of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The vendor's code, e.g. `INVALID_CONTENT`.
    pub(super) code: String,
    /// Its sentence.
    pub(super) detail: String,
    /// The place in the body that it concerns.
    pub(super) path: String,
}

impl Complaint {
    fn told(&self) -> String {
        let detail = if self.detail.is_empty() {
            &self.code
        } else {
            &self.detail
        };
        let detail = detail.trim().trim_end_matches('.');
        if self.path.is_empty() {
            detail.to_owned()
        } else {
            format!("{}: {detail}", self.path)
        }
    }
}

/// Reads the complaints of an answer, whichever service it came from.
pub(super) fn complaints(body: &[u8]) -> Vec<Complaint> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return salvaged(body);
    };
    let text = |value: &Value, name: &str| -> String {
        let text = value.get(name).and_then(Value::as_str).unwrap_or_default();
        text.chars().take(400).collect()
    };
    let read = |value: &Value| Complaint {
        code: text(value, "o:errorCode"),
        detail: text(value, "detail"),
        path: first(&[
            text(value, "o:errorPath"),
            text(value, "o:errorQueryParam"),
            text(value, "o:errorHeader"),
        ]),
    };
    let listed = value.get("o:errorDetails").and_then(Value::as_array);
    let mut found: Vec<Complaint> = listed
        .into_iter()
        .flatten()
        .take(MOST_COMPLAINTS)
        .map(read)
        .collect();
    if let Some(error) = value.get("error") {
        // A RESTlet's error is an object, the token endpoint's a word with a description beside it.
        found.push(match error {
            Value::String(code) => Complaint {
                code: code.chars().take(100).collect(),
                detail: text(&value, "error_description"),
                path: String::new(),
            },
            object => Complaint {
                code: text(object, "code"),
                detail: text(object, "message"),
                path: String::new(),
            },
        });
    }
    found.retain(|complaint| *complaint != Complaint::default());
    if found.is_empty() {
        found.push(Complaint {
            code: text(&value, "o:errorCode"),
            detail: text(&value, "title"),
            path: String::new(),
        });
        found.retain(|complaint| *complaint != Complaint::default());
    }
    found
}

fn first(texts: &[String]) -> String {
    let found = texts.iter().find(|text| !text.is_empty());
    found.cloned().unwrap_or_default()
}

/// The codes and details in a body that does not parse, and those of a RESTlet's error in XML or plain text.
fn salvaged(body: &[u8]) -> Vec<Complaint> {
    let text = String::from_utf8_lossy(body.get(..body.len().min(LONGEST)).unwrap_or(body));
    let member = |name: &str| {
        let (_, rest) = text.split_once(&format!("\"{name}\""))?;
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        let value = rest.strip_prefix('"')?.split('"').next()?;
        Some(value.chars().take(400).collect::<String>())
    };
    let details = text
        .split_once("\"o:errorDetails\"")
        .map_or("", |(_, rest)| rest);
    let code = details
        .split_once("\"o:errorCode\"")
        .and_then(|(_, rest)| rest.split('"').nth(1))
        .map(str::to_owned)
        .or_else(|| member("o:errorCode"))
        .or_else(|| known_code(&text));
    let detail = member("detail").or_else(|| member("message"));
    match (code, detail) {
        (None, None) => Vec::new(),
        (code, detail) => vec![Complaint {
            code: code.unwrap_or_default(),
            detail: detail.unwrap_or_default(),
            path: String::new(),
        }],
    }
}

fn known_code(text: &str) -> Option<String> {
    let known = CODES.iter().find(|(code, _)| text.contains(code));
    known.map(|(code, _)| (*code).to_owned())
}

/// What a code means, whatever the status it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The account's pool of requests at once is full; nothing was done.
    PoolFull,
    /// The login was refused.
    Login,
    /// A right is missing.
    Right,
    /// Somebody else changes or holds the record; nothing was done.
    Busy,
    /// The script was stopped midway; what it had done may stand.
    Stopped,
    /// The RESTlet, or its deployment, is not to be called.
    NoScript,
    /// The object is not there.
    Gone,
}

/// Codes that decide what happens next.
const CODES: [(&str, Meaning); 25] = [
    ("CONCURRENCY_LIMIT_EXCEEDED", Meaning::PoolFull),
    ("SSS_REQUEST_LIMIT_EXCEEDED", Meaning::PoolFull),
    ("INVALID_LOGIN_ATTEMPT", Meaning::Login),
    ("INVALID_LOGIN", Meaning::Login),
    ("INVALID_LOGIN_CREDENTIALS", Meaning::Login),
    ("invalid_token", Meaning::Login),
    ("invalid_client", Meaning::Login),
    ("unauthorized_client", Meaning::Login),
    ("INSUFFICIENT_PERMISSION", Meaning::Right),
    ("INSUFFICIENT_ACCESS", Meaning::Right),
    ("SSS_MISSING_PERMISSION", Meaning::Right),
    ("PERMISSION_VIOLATION", Meaning::Right),
    ("RCRD_HAS_BEEN_CHANGED", Meaning::Busy),
    ("RCRD_LOCKED_BY_WF", Meaning::Busy),
    ("RECORD_COULD_NOT_BE_LOCKED", Meaning::Busy),
    ("SSS_USAGE_LIMIT_EXCEEDED", Meaning::Stopped),
    ("SSS_TIME_LIMIT_EXCEEDED", Meaning::Stopped),
    ("SSS_INSTRUCTION_COUNT_EXCEEDED", Meaning::Stopped),
    ("SSS_MEMORY_USAGE_EXCEEDED", Meaning::Stopped),
    ("SSS_INVALID_SCRIPTLET_ID", Meaning::NoScript),
    ("SSS_SCRIPT_NOT_DEPLOYED", Meaning::NoScript),
    ("SCRIPT_NOT_DEPLOYED", Meaning::NoScript),
    ("NONEXISTENT_ID", Meaning::Gone),
    ("RCRD_DSNT_EXIST", Meaning::Gone),
    ("FB_NOT_FOUND", Meaning::Gone),
];

/// What the vendor's code means, if it decides anything.
pub(super) fn meaning_of(code: &str) -> Option<Meaning> {
    let known = CODES.iter().find(|(known, _)| *known == code);
    known.map(|(_, meaning)| *meaning)
}

fn meaning(complaints: &[Complaint]) -> Option<Meaning> {
    let by_code = complaints
        .iter()
        .find_map(|complaint| meaning_of(&complaint.code));
    by_code.or_else(|| {
        let says = |words: &str| {
            let mut details = complaints.iter().map(|complaint| complaint.detail.as_str());
            details.any(|detail| detail.to_ascii_lowercase().contains(words))
        };
        if says("concurrent request limit") {
            Some(Meaning::PoolFull)
        } else if says("permission violation") || says("you do not have permission") {
            Some(Meaning::Right)
        } else if says("record has been changed") {
            Some(Meaning::Busy)
        } else {
            None
        }
    })
}

/// Whether an answer says that the account's pool is full.
pub(super) fn is_pool_full(response: &Response) -> bool {
    response.status == StatusCode::TOO_MANY_REQUESTS
        || (response.status == StatusCode::BAD_REQUEST
            && meaning(&complaints(&response.body)) == Some(Meaning::PoolFull))
}

/// The failure that an answer without success stands for. `deed` says what was tried, e.g. `read supportCase 12`.
pub(super) fn read(right: Right, deed: &str, response: &Response) -> Failure {
    let complaints = complaints(&response.body);
    let said: Vec<String> = complaints.iter().map(Complaint::told).collect();
    let said = if said.is_empty() {
        response.status.to_string()
    } else {
        said.join("; ")
    };
    if let Some(failure) = by_status(deed, response, &said) {
        return failure;
    }
    let meaning = match (meaning(&complaints), response.status) {
        // A server that fails tells nothing certain, whatever else it says.
        (_, status) if status.is_server_error() => None,
        (None, StatusCode::UNAUTHORIZED) => Some(Meaning::Login),
        (None, StatusCode::FORBIDDEN) => Some(Meaning::Right),
        (None, StatusCode::TOO_MANY_REQUESTS) => Some(Meaning::PoolFull),
        (meaning, _) => meaning,
    };
    match meaning {
        Some(meaning) => told(meaning, right, deed, &said),
        None if response.status == StatusCode::NOT_FOUND => not_found(deed, &said),
        None => {
            let word = if response.status.is_client_error() {
                "refused"
            } else {
                "failed"
            };
            let failure = Failure {
                cause: format!("NetSuite {word} to {deed}: {said}"),
                ..classify("", response)
            };
            match complaints
                .iter()
                .find_map(|complaint| hint(&complaint.code))
            {
                Some(hint) if failure.category == Category::Validation => failure.hint(hint),
                _ => failure,
            }
        }
    }
}

fn by_status(deed: &str, response: &Response, said: &str) -> Option<Failure> {
    let configured = |why: &str| {
        Failure::new(
            Category::Configuration,
            format!("NetSuite can't {deed}: {why}"),
        )
        .hint(ADDRESS_HINT)
    };
    match response.status {
        status if status.is_redirection() => {
            let target = response.header("location").unwrap_or("another page");
            let target: String = target.chars().take(120).collect();
            Some(configured(&format!("the address leads on to {target}")))
        }
        StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::NOT_ACCEPTABLE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE => Some(configured(said)),
        _ => None,
    }
}

/// The failure that a meaning stands for.
pub(super) fn told(meaning: Meaning, right: Right, deed: &str, said: &str) -> Failure {
    let refused = |category| Failure::new(category, format!("NetSuite refused to {deed}: {said}"));
    match meaning {
        Meaning::PoolFull => refused(Category::RateLimited).hint(
            "The account's pool of requests at once is full and is shared by all its integrations; lower limits.concurrency if it goes on.",
        ),
        Meaning::Login => refused(Category::Authentication).hint(LOGIN_HINT),
        Meaning::Right => refused(Category::Configuration).hint(right.hint()),
        Meaning::Busy => refused(Category::Server)
            .hint("Somebody or a workflow changed the record at the same moment; it is tried again."),
        Meaning::Stopped => Failure::new(
            Category::Server,
            format!("NetSuite stopped the script midway while it was to {deed}: {said}"),
        )
        .hint("Part of it may have been done; it is looked for before the next attempt. Scripts on this record type may be using up the allowance.")
        .effect_unknown(),
        Meaning::NoScript => refused(Category::Configuration).hint(
            "Check restlet_script and restlet_deployment: the ids of a RESTlet whose deployment is Released and whose audience holds the integration's role.",
        ),
        Meaning::Gone => Failure::new(
            Category::Validation,
            format!("NetSuite can't {deed}: it is not there (deleted, or never was)"),
        )
        .hint("Look whether it was deleted in NetSuite; if so, discard this transaction."),
    }
}

fn not_found(deed: &str, said: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("NetSuite can't {deed}: there is no such record type or service ({said})"),
    )
    .hint("Check record_type (as the REST API Browser writes it, e.g. supportCase, or customrecord_…), account_id and base_url, and that the features REST Web Services and SuiteTalk are enabled.")
}

const ADDRESS_HINT: &str = "Check account_id (and base_url, if set): the account may live in another data centre, or the address is not NetSuite's.";

/// What to do about one of the vendor's codes.
fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "INVALID_CONTENT" | "USER_ERROR" | "INVALID_VALUE" => {
            "Correct the rule of the field that NetSuite names: references take an id of the account's own list; Refresh Fields shows what it allows."
        }
        "INVALID_PARAMETER" | "INVALID_PROPERTY_NAME" | "NONEXISTENT_FIELD" => {
            "NetSuite does not know this field: refresh the connector's fields and use the id they have there, not the label."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::model::Effect;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        }
    }

    fn sample(name: &str) -> Option<String> {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let text = std::fs::read_to_string(format!("{shared}/samples/netsuite/{name}.json")).ok();
        if text.is_none() {
            println!("skipped: the samples are not here");
        }
        text
    }

    #[test]
    fn the_vendors_samples_are_understood() {
        for (status, name, category, effect) in [
            (
                400,
                "doc_error_400_invalid_content",
                Category::Validation,
                Effect::None,
            ),
            (
                400,
                "doc_error_400_idempotency",
                Category::Validation,
                Effect::None,
            ),
            (
                400,
                "doc_error_400_invalid_request",
                Category::Validation,
                Effect::None,
            ),
            (
                401,
                "doc_error_401_invalid_login",
                Category::Authentication,
                Effect::None,
            ),
            (
                404,
                "doc_error_404_nonexistent",
                Category::Validation,
                Effect::None,
            ),
            (
                429,
                "doc_error_429_concurrency",
                Category::RateLimited,
                Effect::None,
            ),
            (500, "doc_error_500", Category::Server, Effect::Unknown),
            (
                400,
                "doc_restlet_error",
                Category::Configuration,
                Effect::None,
            ),
        ] {
            let Some(body) = sample(name) else { return };
            let failure = read(Right::Write, "try it", &answer(status, &body));
            assert_eq!(
                (failure.category, failure.effect),
                (category, effect),
                "{name}"
            );
        }
        let body = sample("doc_error_400_invalid_content").unwrap();
        let failure = read(Right::Write, "try it", &answer(400, &body));
        assert!(
            failure.cause.contains("item.items[0].item: Error while"),
            "{}",
            failure.cause
        );
    }

    #[test]
    fn codes_decide_where_the_status_misleads() {
        let restlet =
            |code: &str| format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"m\"}}}}");
        for (status, body, category, effect) in [
            (400, restlet("SSS_REQUEST_LIMIT_EXCEEDED"), Category::RateLimited, Effect::None),
            (400, restlet("SSS_USAGE_LIMIT_EXCEEDED"), Category::Server, Effect::Unknown),
            (400, restlet("INSUFFICIENT_PERMISSION"), Category::Configuration, Effect::None),
            (401, restlet("INVALID_LOGIN_ATTEMPT"), Category::Authentication, Effect::None),
            (400, restlet("RCRD_HAS_BEEN_CHANGED"), Category::Server, Effect::None),
            (400, "error code: SSS_REQUEST_LIMIT_EXCEEDED".into(), Category::RateLimited, Effect::None),
            (400, "{\"o:errorDetails\":[{\"detail\":\"Permission Violation: You need the 'Lists -> Cases' permission\",\"o:errorCode\":\"USER_ERROR\"}]}".into(), Category::Configuration, Effect::None),
            // As the vendor prints it: a comma is missing.
            (429, "{\"title\":\"Bad Request\",\"status\":429 \"o:errorDetails\":[{\"detail\":\"Concurrent request limit exceeded. Request blocked.\",\"o:errorCode\":\"CONCURRENCY_LIMIT_EXCEEDED\"}]}".into(), Category::RateLimited, Effect::None),
            (403, String::new(), Category::Configuration, Effect::None),
            (302, String::new(), Category::Configuration, Effect::None),
            (415, String::new(), Category::Configuration, Effect::None),
            (404, "<html>".into(), Category::Configuration, Effect::None),
            (502, "<html>Bad gateway</html>".into(), Category::Server, Effect::Unknown),
            (503, restlet("SSS_REQUEST_LIMIT_EXCEEDED"), Category::Server, Effect::Unknown),
        ] {
            let failure = read(Right::Write, "try it", &answer(status, &body));
            assert_eq!((failure.category, failure.effect), (category, effect), "{status} {body}");
        }
    }

    #[test]
    fn a_full_pool_is_seen_in_either_services_words() {
        assert!(is_pool_full(&answer(429, "")));
        assert!(is_pool_full(&answer(
            400,
            "{\"error\":{\"code\":\"SSS_REQUEST_LIMIT_EXCEEDED\"}}"
        )));
        assert!(!is_pool_full(&answer(
            400,
            "{\"error\":{\"code\":\"USER_ERROR\"}}"
        )));
    }

    #[test]
    fn odd_bodies_are_read_leniently() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "{\"o:errorDetails\":7}",
            "<html>",
            "{\"o:errorDetails\":[null,1,{}]}",
            "\"o:errorCode\"",
            "\"o:errorDetails\" \"o:errorCode\"",
        ] {
            assert!(complaints(body.as_bytes()).is_empty(), "{body}");
        }
        let many = format!(
            "{{\"o:errorDetails\":[{}]}}",
            vec!["{\"detail\":\"x\"}"; 9999].join(",")
        );
        assert_eq!(complaints(many.as_bytes()).len(), MOST_COMPLAINTS);
    }
}
