//! What Freshdesk's refusals mean.

use http::StatusCode;
use serde_json::Value;

use super::endpoint::{Endpoint, Right};
use crate::http::{Response, classify};
use crate::model::{Category, Failure};

/// At most so many of the vendor's complaints are told.
const MOST_COMPLAINTS: usize = 20;

/// One entry of `errors`, or the `{code, message}` of an error without fields.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The field, if any.
    pub(super) field: String,
    /// The vendor's sentence.
    pub(super) message: String,
    /// The vendor's code, e.g. `missing_field`.
    pub(super) code: String,
}

impl Complaint {
    fn told(&self) -> String {
        let message = if self.message.is_empty() {
            &self.code
        } else {
            &self.message
        };
        let message = message.trim().trim_end_matches('.');
        if self.field.is_empty() {
            message.to_owned()
        } else {
            format!("{}: {message}", self.field)
        }
    }
}

/// Reads `{description, errors[]}` and `{code, message}`; empty bodies and pages give nothing.
pub(super) fn complaints(body: &[u8]) -> Vec<Complaint> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let text = |value: &Value, name: &str| {
        let text = value.get(name).map(super::json::text);
        text.unwrap_or_default().chars().take(400).collect()
    };
    let read = |value: &Value| Complaint {
        field: text(value, "field"),
        message: text(value, "message"),
        code: text(value, "code"),
    };
    let listed = body.get("errors").and_then(Value::as_array);
    let mut found: Vec<Complaint> = match listed {
        Some(errors) => errors.iter().take(MOST_COMPLAINTS).map(read).collect(),
        None => vec![read(&body)],
    };
    found.retain(|complaint| *complaint != Complaint::default());
    if found.is_empty() && body.get("description").is_some_and(Value::is_string) {
        found.push(Complaint {
            message: text(&body, "description"),
            ..Complaint::default()
        });
    }
    found
}

/// The failure that an answer without success stands for. `deed` says what was tried, e.g. `read ticket 12`.
pub(super) fn read(endpoint: &Endpoint, deed: &str, response: &Response) -> Failure {
    let complaints = complaints(&response.body);
    let has = |code: &str| complaints.iter().any(|complaint| complaint.code == code);
    let said: Vec<String> = complaints.iter().map(Complaint::told).collect();
    let said = if said.is_empty() {
        response.status.to_string()
    } else {
        said.join("; ")
    };
    let refused = |category| Failure::new(category, format!("Freshdesk refused to {deed}: {said}"));
    match response.status {
        StatusCode::UNAUTHORIZED => refused(Category::Authentication).hint(KEY_HINT),
        StatusCode::FORBIDDEN if has("invalid_credentials") => {
            refused(Category::Authentication).hint(KEY_HINT)
        }
        StatusCode::FORBIDDEN if has("require_feature") => {
            refused(Category::Configuration).hint(FEATURE_HINT)
        }
        StatusCode::FORBIDDEN => {
            let category = match endpoint.right {
                Right::BeAnAgent => Category::Authentication,
                _ => Category::Configuration,
            };
            refused(category).hint(endpoint.right.hint())
        }
        StatusCode::NOT_FOUND if endpoint.path.contains("{id}") => Failure::new(
            Category::Validation,
            format!("Freshdesk can't {deed}: it is not there (deleted, or never was)"),
        )
        .hint("Look whether it was deleted or merged in Freshdesk; if so, discard this transaction."),
        StatusCode::NOT_FOUND => no_help_desk(deed),
        status if status.is_redirection() => {
            let target = response.header("location").unwrap_or("another page");
            Failure::new(
                Category::Configuration,
                format!("Freshdesk can't {deed}: the address leads on to {target}"),
            )
            .hint(ADDRESS_HINT)
        }
        StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::NOT_ACCEPTABLE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            refused(Category::Configuration).hint(ADDRESS_HINT)
        }
        StatusCode::PAYLOAD_TOO_LARGE => refused(Category::Validation)
            .hint("Freshdesk takes 20 MB of attachments for a whole ticket."),
        StatusCode::BAD_REQUEST if has("require_feature") => {
            refused(Category::Configuration).hint(FEATURE_HINT)
        }
        status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
            let failure = classify("", response);
            let failure = Failure {
                cause: format!("Freshdesk refused to {deed}: {said}"),
                ..failure
            };
            match complaints.iter().find_map(|complaint| hint(&complaint.code)) {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
        StatusCode::TOO_MANY_REQUESTS => Failure {
            cause: format!("Freshdesk's rate limit is used up; it would not {deed}: {said}"),
            ..classify("", response)
        }
        .hint("The limit is the account's and shared with every other app; lower limits.calls_per_minute if it goes on."),
        _ => Failure {
            cause: format!("Freshdesk failed to {deed}: {said}"),
            ..classify("", response)
        },
    }
}

/// The failure of a call that was answered by somebody else than a help desk.
pub(super) fn no_help_desk(deed: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("Freshdesk can't {deed}: there is no help desk at this address"),
    )
    .hint(ADDRESS_HINT)
}

const KEY_HINT: &str = "Check api_key: the agent's profile settings show it (\"View API key\"); it changes when it is reset or the agent is deactivated. Check that api_url is that agent's help desk.";
const FEATURE_HINT: &str =
    "The account's plan lacks this feature: switch it off in the connector, or change the plan.";
const ADDRESS_HINT: &str =
    "Check api_url (and base_url, if set): it must be the help desk's name at freshdesk.com.";

/// What to do about one of the vendor's codes.
fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "missing_field" => {
            "Map this field, or give its rule a default; the account's own settings decide which fields are mandatory."
        }
        "invalid_value" => {
            "Use one of the values that Freshdesk lists; refresh the connector's fields if they were renamed."
        }
        "duplicate_value" => {
            "Another record has this value already; look it up in Freshdesk and link it instead."
        }
        "datatype_mismatch" => {
            "The rule makes another type than the field has: add a conversion, or leave the field unset instead of null."
        }
        "invalid_field" => {
            "Freshdesk does not know this field in this place: refresh the connector's fields and use the name they have there, not the label."
        }
        "inaccessible_field" => {
            "The agent of the API key may not write this field: change its role, or take the field out of the mapping."
        }
        "incompatible_field" => {
            "This field does not go with another one in the same request: map only one of them."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::super::endpoint::{ADD_TIME_ENTRY, CREATE_TICKET, LIST_TICKETS, ME, READ_TICKET};
    use super::*;
    use crate::model::Effect;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn every_complaint_is_told() {
        let body = r#"{"description":"Validation failed","errors":[{"field":"status","message":"It should be one of these values: '2,3,4,5,6,7'","code":"missing_field"},{"field":"requester_id","message":"Please fill at least 1 of requester_id, phone, email, twitter_id, facebook_id fields","code":"missing_field"},{"field":"type","message":"It should be one of these values: 'Question,Problem,Feature Request,Praise,Complain'","code":"missing_field"}]}"#;
        let failure = read(&CREATE_TICKET, "create a ticket", &answer(400, body));
        assert_eq!(failure.category, Category::Validation);
        assert_eq!(failure.effect, Effect::None);
        for part in [
            "status: It should",
            "requester_id: Please",
            "type: It should",
            "Complain",
        ] {
            assert!(failure.cause.contains(part), "{part}: {}", failure.cause);
        }
        assert!(failure.hint.unwrap().contains("mandatory"));
    }

    #[test]
    fn statuses_and_codes_decide_what_happens_next() {
        let denied = r#"{"code":"access_denied","message":"You are not authorized to perform this action."}"#;
        let wrong = r#"{"code":"invalid_credentials","message":"You have to be logged in to perform this action."}"#;
        let feature =
            r#"{"code":"require_feature","message":"The Timesheets feature is not supported"}"#;
        let duplicate = r#"{"description":"Validation failed","errors":[{"field":"email","message":"It should be a unique value","code":"duplicate_value"}]}"#;
        let broken =
            r#"{"code":"internal_error","message":"We're sorry, but something went wrong."}"#;
        for (endpoint, status, body, category) in [
            (&READ_TICKET, 401, wrong, Category::Authentication),
            (&READ_TICKET, 401, "", Category::Authentication),
            (&READ_TICKET, 403, denied, Category::Configuration),
            (&READ_TICKET, 403, wrong, Category::Authentication),
            (&ME, 403, denied, Category::Authentication),
            (&ME, 404, "", Category::Configuration),
            (&ADD_TIME_ENTRY, 403, feature, Category::Configuration),
            (&CREATE_TICKET, 400, feature, Category::Configuration),
            (&READ_TICKET, 404, "", Category::Validation),
            (&LIST_TICKETS, 404, "", Category::Configuration),
            (&LIST_TICKETS, 302, "", Category::Configuration),
            (&CREATE_TICKET, 405, "", Category::Configuration),
            (&CREATE_TICKET, 409, duplicate, Category::Validation),
            (&CREATE_TICKET, 413, "", Category::Validation),
            (&CREATE_TICKET, 415, "", Category::Configuration),
            (&CREATE_TICKET, 429, "", Category::RateLimited),
            (&CREATE_TICKET, 500, broken, Category::Server),
            (
                &CREATE_TICKET,
                502,
                "<html>Bad gateway</html>",
                Category::Server,
            ),
        ] {
            let failure = read(endpoint, "try it", &answer(status, body));
            assert_eq!(failure.category, category, "{status} {body}");
        }
    }

    #[test]
    fn a_missing_right_is_named() {
        let denied = r#"{"code":"access_denied","message":"You are not authorized to perform this action."}"#;
        let failure = read(&CREATE_TICKET, "create a ticket", &answer(403, denied));
        assert!(failure.cause.contains("You are not authorized"));
        assert!(failure.hint.unwrap().contains("may create tickets"));
    }

    #[test]
    fn a_gateway_leaves_the_effect_open_and_the_limit_says_when() {
        let failure = read(&CREATE_TICKET, "create a ticket", &answer(504, ""));
        assert_eq!(failure.effect, Effect::Unknown);
        let mut limited = answer(429, "");
        limited.headers.insert("retry-after", "30".parse().unwrap());
        let failure = read(&CREATE_TICKET, "create a ticket", &limited);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
        assert_eq!(failure.effect, Effect::None);
    }

    #[test]
    fn odd_bodies_are_read_leniently() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "{\"errors\":7}",
            "<html>",
            "{\"errors\":[null,1,{}]}",
        ] {
            assert!(complaints(body.as_bytes()).is_empty(), "{body}");
        }
        let only = complaints(br#"{"description":"Validation failed"}"#);
        assert_eq!(only[0].message, "Validation failed");
        let many = format!(
            "{{\"errors\":[{}]}}",
            vec![r#"{"message":"x"}"#; 9999].join(",")
        );
        assert_eq!(complaints(many.as_bytes()).len(), MOST_COMPLAINTS);
    }
}
