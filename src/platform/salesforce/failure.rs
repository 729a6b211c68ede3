//! What Salesforce's refusals mean: by status, by `errorCode`, and where the vendor hides the reason in a sentence, by
//! that sentence.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::ask::Right;
use crate::http::{Response, classify};
use crate::model::{Category, Failure};

/// At most so many of the vendor's complaints are told.
const MOST_COMPLAINTS: usize = 20;

/// How long to keep still when the day's calls are used up: the vendor says nothing, and calls come free as a rolling
/// day moves on.
pub(super) const DAY_USED_UP: Duration = Duration::from_secs(900);

/// How long to keep still when too many long calls run at once.
const CROWDED: Duration = Duration::from_secs(10);

/// One entry of the array in which the vendor refuses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The vendor's code, e.g. `REQUIRED_FIELD_MISSING`.
    pub(super) code: String,
    /// The vendor's sentence.
    pub(super) message: String,
    /// The fields concerned.
    pub(super) fields: Vec<String>,
}

impl Complaint {
    fn told(&self) -> String {
        let message = self.message.trim().trim_end_matches('.');
        let message = if message.is_empty() {
            "no reason given"
        } else {
            message
        };
        let unnamed: Vec<&str> = self
            .fields
            .iter()
            .map(String::as_str)
            .filter(|field| !message.contains(field))
            .collect();
        let fields = if unnamed.is_empty() {
            String::new()
        } else {
            format!(" [{}]", unnamed.join(", "))
        };
        if self.code.is_empty() || message.starts_with(&self.code) {
            format!("{message}{fields}")
        } else {
            format!("{}: {message}{fields}", self.code)
        }
    }
}

/// Reads `[{message, errorCode, fields}]`, or one such object; pages and empty bodies give nothing.
pub(super) fn complaints(body: &[u8]) -> Vec<Complaint> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let short = |text: &str| text.chars().take(400).collect::<String>();
    let read = |value: &Value| {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(short);
        let fields = value.get("fields").and_then(Value::as_array);
        let fields = fields.into_iter().flatten().filter_map(Value::as_str);
        Complaint {
            // Errors within a success object say `statusCode`.
            code: text("errorCode")
                .or_else(|| text("statusCode"))
                .unwrap_or_default(),
            message: text("message").unwrap_or_default(),
            fields: fields.take(MOST_COMPLAINTS).map(short).collect(),
        }
    };
    let mut found: Vec<Complaint> = match &body {
        Value::Array(items) => items.iter().take(MOST_COMPLAINTS).map(read).collect(),
        other => vec![read(other)],
    };
    found.retain(|complaint| *complaint != Complaint::default());
    found
}

/// Whether an answer says that the session is over and a new one may help. Two sentences under the same code mean that no
/// session will ever do; asking again for them would never end.
pub(super) fn session_ended(response: &Response) -> bool {
    response.status == StatusCode::UNAUTHORIZED && !is_barred(&response.body)
}

fn is_barred(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    [
        "not valid for use with the REST API",
        "not attached to Agent",
    ]
    .iter()
    .any(|sentence| text.contains(sentence))
}

/// Whether an answer without success says that the record is not there.
pub(super) fn is_gone(response: &Response) -> bool {
    let has = |code: &str| {
        complaints(&response.body)
            .iter()
            .any(|complaint| complaint.code == code)
    };
    match response.status {
        // The same status stands for an object or a version that is not there.
        StatusCode::NOT_FOUND => {
            has("ENTITY_IS_DELETED")
                || complaints(&response.body).iter().any(|complaint| {
                    complaint.code == "NOT_FOUND" && !names_no_record(&complaint.message)
                })
        }
        StatusCode::BAD_REQUEST => has("ENTITY_IS_DELETED"),
        _ => false,
    }
}

fn names_no_record(message: &str) -> bool {
    [
        "requested resource does not exist",
        "external ID field does not exist",
    ]
    .iter()
    .any(|sentence| message.contains(sentence))
}

/// Whether an answer complains of a value that another record has already.
pub(super) fn is_duplicate_value(response: &Response) -> bool {
    complaints(&response.body)
        .iter()
        .any(|complaint| complaint.code == "DUPLICATE_VALUE")
}

/// Whether an answer complains of a field that is not, or no longer, there.
pub(super) fn is_unknown_field(response: &Response) -> bool {
    response.status == StatusCode::BAD_REQUEST
        && complaints(&response.body)
            .iter()
            .any(|complaint| complaint.code == "INVALID_FIELD")
}

/// The failure that an answer without success stands for. `deed` says what was tried, e.g. `read Case 500…`.
pub(super) fn read(right: &Right, deed: &str, response: &Response) -> Failure {
    let complaints = complaints(&response.body);
    let said = if complaints.is_empty() {
        response.status.to_string()
    } else {
        complaints
            .iter()
            .map(Complaint::told)
            .collect::<Vec<_>>()
            .join("; ")
    };
    let refused =
        |category| Failure::new(category, format!("Salesforce refused to {deed}: {said}"));
    if let Some(verdict) = complaints
        .iter()
        .find_map(|complaint| verdict(complaint, response.status))
    {
        let hint = match verdict.hint {
            Some(hint) => hint.to_owned(),
            None => right.hint(),
        };
        let failure = refused(verdict.category)
            .hint(hint)
            .retry_after(verdict.wait);
        return failure;
    }
    match response.status {
        StatusCode::UNAUTHORIZED => refused(Category::Authentication).hint(SESSION_HINT),
        StatusCode::FORBIDDEN => refused(Category::Configuration).hint(right.hint()),
        StatusCode::MULTIPLE_CHOICES => Failure::new(
            Category::Configuration,
            format!("Salesforce can't {deed}: several records have the same external id"),
        )
        .hint(
            "Make the field of external_id_field unique, and merge or clear the doubled records.",
        ),
        StatusCode::NOT_FOUND => Failure::new(
            Category::Validation,
            format!("Salesforce can't {deed}: it is not there ({said})"),
        )
        .hint(
            "Look whether it was deleted or merged in Salesforce; if so, discard this transaction.",
        ),
        StatusCode::GONE => refused(Category::Configuration).hint(VERSION_HINT),
        status if status.is_redirection() => Failure::new(
            Category::Configuration,
            format!(
                "Salesforce can't {deed}: the address leads on to {}",
                response.header("location").unwrap_or("another page")
            ),
        )
        .hint("Check instance_name (and base_url, if set)."),
        StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::NOT_ACCEPTABLE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE => refused(Category::Configuration).hint(right.hint()),
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG => refused(Category::Validation),
        status if status.is_server_error() => Failure {
            cause: format!("Salesforce failed to {deed}: {said}"),
            ..classify("", response)
        }
        .hint("If it goes on, look at status.salesforce.com for the org's instance."),
        _ => Failure {
            cause: format!("Salesforce refused to {deed}: {said}"),
            ..classify("", response)
        },
    }
}

/// What one of the vendor's codes means, whatever the status.
struct Verdict {
    category: Category,
    hint: Option<&'static str>,
    wait: Option<Duration>,
}

fn verdict(complaint: &Complaint, status: StatusCode) -> Option<Verdict> {
    let of = |category, hint| {
        Some(Verdict {
            category,
            hint: Some(hint),
            wait: None,
        })
    };
    // A trigger or flow that met the lock wraps the code in its own.
    if complaint.code == "UNABLE_TO_LOCK_ROW" || complaint.message.contains("UNABLE_TO_LOCK_ROW") {
        return of(
            Category::Server,
            "Somebody else was writing the record or one it belongs to; it is tried again.",
        );
    }
    match complaint.code.as_str() {
        "REQUEST_LIMIT_EXCEEDED" => {
            let crowded = complaint.message.contains("Concurrent");
            Some(Verdict {
                category: Category::RateLimited,
                hint: Some(
                    "The calls are the org's and shared with every other app: Setup › Company Information shows how many are left, Setup › API Usage who takes them.",
                ),
                wait: Some(if crowded { CROWDED } else { DAY_USED_UP }),
            })
        }
        "SERVER_UNAVAILABLE" if !status.is_server_error() => of(
            Category::Server,
            "If it goes on, look at status.salesforce.com for the org's instance.",
        ),
        "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" => of(Category::Authentication, API_HINT),
        "INVALID_SESSION_ID" => of(Category::Authentication, SESSION_HINT),
        "UNSUPPORTED_API_VERSION" => of(Category::Configuration, VERSION_HINT),
        "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => Some(Verdict {
            category: Category::Configuration,
            hint: None,
            wait: None,
        }),
        "INVALID_TYPE" => of(
            Category::Configuration,
            "The object does not exist under this API name, or the integration user may not see it: check object_name and the user's object permissions.",
        ),
        "NOT_FOUND" if names_no_record(&complaint.message) => of(
            Category::Configuration,
            "Check object_name and external_id_field: the field must be marked External ID, and the integration user must see it.",
        ),
        "ENTITY_IS_DELETED" => of(
            Category::Validation,
            "The record is in the recycle bin: restore it in Salesforce, or discard this transaction.",
        ),
        "STORAGE_LIMIT_EXCEEDED" => of(
            Category::Configuration,
            "The org's storage is full: free some (Setup › Storage Usage), then retry.",
        ),
        code => of(Category::Validation, hint(code)?),
    }
}

const SESSION_HINT: &str = "Check the grant's settings and that the integration user is active; with \"not valid for use with the REST API\" the user's profile lacks API Enabled, with \"not attached to Agent\" the app is of the wrong kind.";
const API_HINT: &str = "Give the integration user the permission API Enabled, and check that the org's edition has the API.";
const VERSION_HINT: &str =
    "Set api_version to one that the org has (its list is at /services/data/).";

/// What to do about a refusal of a content.
fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "REQUIRED_FIELD_MISSING" => "Map this field, or give its rule a default.",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => {
            "A validation rule of the org refused it: its own words stand in the cause. Map what it asks for, or let the rule spare the integration user."
        }
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" | "CANNOT_EXECUTE_FLOW_TRIGGER" => {
            "A flow or an Apex trigger of the org refused it: show its author the cause."
        }
        "INVALID_FIELD"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        | "BAD_CUSTOM_ENTITY_PARENT_DOMAIN" => {
            "Refresh the connector's fields: the field or value is not there, can't be written, or is hidden from the integration user by field-level security."
        }
        "STRING_TOO_LONG" => "The text is longer than the field: shorten it in the mapping.",
        "MALFORMED_ID" | "INVALID_CROSS_REFERENCE_KEY" | "INVALID_ID_FIELD" => {
            "The value must be the Id of an existing record of the right object that the integration user can see."
        }
        "DUPLICATE_VALUE" => "Another record has this value already; look it up in Salesforce.",
        "DUPLICATES_DETECTED" => {
            "A duplicate rule of the org refused it: let the rule allow the integration user, or merge the records."
        }
        "JSON_PARSER_ERROR"
        | "INVALID_TYPE_ON_FIELD_IN_RECORD"
        | "NUMBER_OUTSIDE_VALID_RANGE"
        | "INVALID_EMAIL_ADDRESS" => {
            "The value does not fit the field's type: add a conversion to the rule."
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

    fn coded(status: u16, code: &str, message: &str) -> Response {
        let body = serde_json::json!([{"errorCode": code, "message": message, "fields": []}]);
        answer(status, &body.to_string())
    }

    fn failure(response: &Response) -> Failure {
        read(&Right::edit("Case"), "update Case 1", response)
    }

    #[test]
    fn codes_and_sentences_decide_what_happens_next() {
        for (status, code, message, category) in [
            (
                401,
                "INVALID_SESSION_ID",
                "Session expired or invalid",
                Category::Authentication,
            ),
            (
                403,
                "REQUEST_LIMIT_EXCEEDED",
                "TotalRequests Limit exceeded.",
                Category::RateLimited,
            ),
            (
                403,
                "API_DISABLED_FOR_ORG",
                "API is disabled for this User",
                Category::Authentication,
            ),
            (
                403,
                "INSUFFICIENT_ACCESS",
                "insufficient access rights",
                Category::Configuration,
            ),
            (
                400,
                "INSUFFICIENT_ACCESS_OR_READONLY",
                "insufficient access rights on object id",
                Category::Configuration,
            ),
            (
                404,
                "NOT_FOUND",
                "The requested resource does not exist",
                Category::Configuration,
            ),
            (
                404,
                "NOT_FOUND",
                "Provided external ID field does not exist or is not accessible: X__c",
                Category::Configuration,
            ),
            (
                404,
                "ENTITY_IS_DELETED",
                "entity is deleted",
                Category::Validation,
            ),
            (
                400,
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record",
                Category::Server,
            ),
            (
                400,
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "X: execution of AfterUpdate caused by: UNABLE_TO_LOCK_ROW",
                Category::Server,
            ),
            (
                400,
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "X: no",
                Category::Validation,
            ),
            (
                400,
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [Subject]",
                Category::Validation,
            ),
            (400, "SOMETHING_NEW", "x", Category::Validation),
            (410, "UNSUPPORTED_API_VERSION", "x", Category::Configuration),
            (503, "SERVER_UNAVAILABLE", "x", Category::Server),
            (
                500,
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred",
                Category::Server,
            ),
        ] {
            let failure = failure(&coded(status, code, message));
            assert_eq!(failure.category, category, "{status} {code}");
            let open = status >= 500;
            assert_eq!(failure.effect == Effect::Unknown, open, "{code}");
        }
        assert_eq!(
            failure(&answer(300, "[]")).category,
            Category::Configuration
        );
        assert_eq!(failure(&answer(302, "")).category, Category::Configuration);
        let page = failure(&answer(503, "<html>Maintenance</html>"));
        assert_eq!(
            (page.category, page.effect),
            (Category::Server, Effect::Unknown)
        );
    }

    #[test]
    fn the_day_s_end_and_a_crowd_are_waited_out_differently() {
        let day = failure(&coded(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
        ));
        assert_eq!(day.retry_after, Some(DAY_USED_UP));
        let crowd = failure(&coded(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentPerOrgLongTxn Limit exceeded.",
        ));
        assert_eq!(crowd.retry_after, Some(CROWDED));
    }

    #[test]
    fn only_a_session_that_ended_is_worth_a_new_one() {
        assert!(session_ended(&coded(
            401,
            "INVALID_SESSION_ID",
            "Session expired or invalid"
        )));
        for sentence in [
            "This session is not valid for use with the REST API",
            "Connected app is not attached to Agent",
        ] {
            assert!(
                !session_ended(&coded(401, "INVALID_SESSION_ID", sentence)),
                "{sentence}"
            );
        }
        assert!(!session_ended(&coded(403, "REQUEST_LIMIT_EXCEEDED", "x")));
    }

    #[test]
    fn a_record_that_is_gone_is_told_from_a_wrong_address() {
        assert!(is_gone(&coded(
            404,
            "NOT_FOUND",
            "Provided external ID field is not found for X"
        )));
        assert!(is_gone(&coded(
            404,
            "ENTITY_IS_DELETED",
            "entity is deleted"
        )));
        assert!(!is_gone(&coded(
            404,
            "NOT_FOUND",
            "The requested resource does not exist"
        )));
        assert!(!is_gone(&answer(404, "<html>")));
    }

    #[test]
    fn the_vendors_words_and_the_missing_right_are_told() {
        let body = r#"[{"fields":["FolderId"],"message":"Folder ID: id value of incorrect type: 005D0000001GiU7","errorCode":"MALFORMED_ID"}]"#;
        let failure = failure(&answer(400, body));
        assert!(
            failure.cause.contains("id value of incorrect type")
                && failure.cause.contains("[FolderId]"),
            "{}",
            failure.cause
        );
        let denied = read(
            &Right::edit("Case"),
            "update Case 1",
            &coded(403, "INSUFFICIENT_ACCESS", "no"),
        );
        assert!(denied.hint.unwrap().contains("Edit on Case"));
    }

    #[test]
    fn odd_bodies_are_read_leniently() {
        for body in ["", "null", "[]", "{}", "<html>", "[null,1,{}]", "{\"x\":1}"] {
            assert!(complaints(body.as_bytes()).is_empty(), "{body}");
        }
        let many = format!("[{}]", vec![r#"{"message":"x"}"#; 999].join(","));
        assert_eq!(complaints(many.as_bytes()).len(), MOST_COMPLAINTS);
    }

    #[test]
    fn the_vendors_own_complaint_is_read() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let name = "error-400-malformed-id.json";
        let Ok(body) = std::fs::read_to_string(format!("{shared}/samples/salesforce/{name}"))
        else {
            println!("skipped: the samples are not here");
            return;
        };
        let told = answer(400, &body);
        assert!(!is_gone(&told), "the id of a folder is no record of ours");
        let failure = failure(&told);
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Validation, Effect::None)
        );
        assert!(failure.cause.contains("[FolderId]"), "{}", failure.cause);
    }
}
