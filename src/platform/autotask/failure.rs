//! What Autotask's refusals mean.
//!
//! Validation and missing rights come as 500 with a sentence in `errors`, so the text decides; a success may carry
//! `errors` too and is none then. A 500 with a sentence that nobody knows may have had an effect.

use http::StatusCode;
use serde_json::Value;

use super::ask::{Ask, Right};
use crate::http::{Response, classify};
use crate::model::{Category, Failure};
use crate::platform::basics::{text, text_at};

/// At most so many of the vendor's sentences are told.
const MOST_SENTENCES: usize = 20;

/// Sentences that refuse the content, for good.
const VALIDATION: [&str; 15] = [
    "does not exist or is invalid",
    "must assign both",
    "does not reference an existing entity",
    "cannot be edited",
    "no matching records found",
    "conversion failed when converting",
    "'or' conditions",
    "is required",
    "required field",
    "maximum length",
    "exceeds the",
    "not a valid",
    "invalid value",
    "already exists",
    "duplicate",
];

/// What the body's `errors` say, in one line; empty when it says nothing. Entries are sentences, or objects with one.
pub(super) fn said(body: &[u8]) -> String {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return String::new();
    };
    sentences(&body).join("; ")
}

/// The sentences of an answer's `errors`.
pub(super) fn sentences(body: &Value) -> Vec<String> {
    let errors = body.get("errors").and_then(Value::as_array);
    let sentence = |error: &Value| {
        let told = match error {
            Value::Object(_) => {
                let message = text_at(error, &["message"])?;
                match text_at(error, &["field"]) {
                    Some(field) => format!("{field}: {message}"),
                    None => message.to_owned(),
                }
            }
            Value::Null => return None,
            other => text(other),
        };
        let told: String = told.trim().chars().take(400).collect();
        (!told.is_empty()).then_some(told)
    };
    errors
        .into_iter()
        .flatten()
        .take(MOST_SENTENCES)
        .filter_map(sentence)
        .collect()
}

/// Whether a sentence is about the limit of three calls at once.
pub(super) fn is_thread_limit(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("thread threshold") || said.contains("itgenatr005")
}

fn is_about_content(said: &str) -> bool {
    VALIDATION.iter().any(|part| said.contains(part))
}

/// The failure that an answer stands for which is no success, or one with `errors`.
pub(super) fn read(ask: &Ask, response: &Response) -> Failure {
    let said = said(&response.body);
    let told = if said.is_empty() {
        response.status.to_string()
    } else {
        said.clone()
    };
    let refused = |category| {
        Failure::new(
            category,
            format!("Autotask refused to {}: {told}", ask.deed),
        )
    };
    let lower = said.to_ascii_lowercase();
    let wait = crate::http::retry_after(&response.headers);
    if is_thread_limit(&said) || response.status == StatusCode::TOO_MANY_REQUESTS {
        return refused(Category::RateLimited)
            .retry_after(wait)
            .hint("Autotask takes three calls at once for each kind of object, and 10,000 an hour for the whole database; see which other integrations use it.");
    }
    match response.status {
        StatusCode::UNAUTHORIZED => refused(Category::Authentication).hint(CREDENTIAL_HINT),
        StatusCode::FORBIDDEN => match ask.right {
            Right::UseApi => refused(Category::Authentication).hint(ask.right.hint()),
            right => refused(Category::Configuration).hint(right.hint()),
        },
        // "…No matching records found. The logged in Resource may not have the required permissions…" is about the record.
        _ if is_about_content(&lower) => refused(Category::Validation).hint(content_hint(&lower)),
        _ if lower.contains("adequate permissions") || lower.contains("required permissions") => {
            refused(Category::Configuration).hint(ask.right.hint())
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            refused(Category::Configuration).hint(ADDRESS_HINT)
        }
        StatusCode::PAYLOAD_TOO_LARGE => refused(Category::Validation)
            .hint("Autotask takes files of 6 MB; leave larger ones in Field Nation."),
        status if status.is_redirection() => refused(Category::Configuration).hint(ADDRESS_HINT),
        status if status.is_success() => {
            let failure = refused(Category::Server);
            if ask.writes() {
                failure.effect_unknown()
            } else {
                failure
            }
        }
        _ => Failure {
            cause: format!("Autotask failed to {}: {told}", ask.deed),
            ..classify("", response)
        },
    }
}

const CREDENTIAL_HINT: &str = "Check username, secret and integration_code of the API user (Admin › Resources/Users); the user must be active and its security level must allow the API.";
const ADDRESS_HINT: &str = "Check base_url, or take it out: the zone is found by the user's name.";

/// What to do about one of the vendor's sentences.
fn content_hint(lower: &str) -> &'static str {
    if lower.contains("must assign both") {
        "Map assignedResourceID and assignedResourceRoleID together; the role must be one of the resource's."
    } else if lower.contains("does not exist or is invalid")
        || lower.contains("does not reference an existing entity")
    {
        "The id in this field names nothing, or something inactive: correct it in Autotask or in the mapping."
    } else if lower.contains("cannot be edited") {
        "Autotask has locked this field (cancelled, posted or billed); leave it alone, or undo that in Autotask."
    } else if lower.contains("required") {
        "Map this field, or give its rule a default; the ticket category decides which fields are mandatory."
    } else {
        "Compare the value with what Refresh Fields lists for this field."
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};
    use serde_json::json;

    use super::*;
    use crate::model::Effect;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        }
    }

    fn failure(method: Method, status: u16, sentence: &str) -> Failure {
        let ask = Ask::new(method, "Tickets", Right::EditTickets, "update ticket 7");
        let body = json!({"errors": [sentence]}).to_string();
        read(&ask, &answer(status, &body))
    }

    #[test]
    fn the_sentence_decides_what_a_500_means() {
        let rights =
            "The logged in Resource does not have the adequate permissions to update this entity.";
        let gone = "No message. No matching records found. The logged in Resource may not have the required permissions to delete the data.";
        let both = "When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID.";
        let canceled = "The startDateTime, endDateTime and isComplete cannot be edited if status is of type \"Canceled\".";
        let contact =
            "Reference value on field: contactID of type: Contact does not exist or is invalid.";
        let entity = "Value does not reference an existing entity for taskType . ";
        let text = "Conversion failed when converting the varchar value 'x' to data type int.";
        let threads = "Thread Threshold Exceeded";
        for (sentence, category, effect) in [
            (rights, Category::Configuration, Effect::None),
            (gone, Category::Validation, Effect::None),
            (both, Category::Validation, Effect::None),
            (canceled, Category::Validation, Effect::None),
            (contact, Category::Validation, Effect::None),
            (entity, Category::Validation, Effect::None),
            (text, Category::Validation, Effect::None),
            (threads, Category::RateLimited, Effect::None),
            (
                "Error code Itgenatr005",
                Category::RateLimited,
                Effect::None,
            ),
            (
                "An unexpected error occurred.",
                Category::Server,
                Effect::Unknown,
            ),
        ] {
            let failure = failure(Method::PATCH, 500, sentence);
            assert_eq!(
                (failure.category, failure.effect),
                (category, effect),
                "{sentence}"
            );
            assert!(failure.cause.contains(sentence.trim()), "{}", failure.cause);
        }
    }

    #[test]
    fn statuses_count_where_the_text_is_silent() {
        for (status, body, category) in [
            (401, "", Category::Authentication),
            (401, "<html></html>", Category::Authentication),
            (403, "", Category::Configuration),
            (404, "", Category::Configuration),
            (405, "", Category::Configuration),
            (413, "", Category::Validation),
            (429, "", Category::RateLimited),
            (302, "", Category::Configuration),
            (503, "<html></html>", Category::Server),
        ] {
            let ask = Ask::new(
                Method::POST,
                "Tickets",
                Right::AddTickets,
                "create a ticket",
            );
            let failure = read(&ask, &answer(status, body));
            assert_eq!(failure.category, category, "{status}");
        }
    }

    #[test]
    fn a_success_with_errors_is_none() {
        assert_eq!(
            failure(Method::POST, 200, "Something odd").effect,
            Effect::Unknown
        );
        assert_eq!(
            failure(Method::GET, 200, "Something odd").effect,
            Effect::None
        );
    }

    #[test]
    fn a_missing_right_is_named() {
        let failure = failure(
            Method::PATCH,
            500,
            "The logged in Resource does not have the adequate permissions.",
        );
        assert!(failure.hint.unwrap().contains("Tickets: Edit"));
    }

    #[test]
    fn odd_bodies_are_read_leniently() {
        for body in [
            "",
            "null",
            "[]",
            "{\"errors\":7}",
            "<html>",
            "{\"errors\":[null,{}]}",
        ] {
            assert_eq!(said(body.as_bytes()), "", "{body}");
        }
        let objects = json!({"errors": [{"message": "x", "field": "title"}, "y"]});
        assert_eq!(sentences(&objects), ["title: x", "y"]);
    }
}
