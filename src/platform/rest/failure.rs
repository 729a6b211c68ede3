//! What an answer without success stands for. Nothing is known of the API but what HTTP itself says, so the status
//! decides; what the body says is told to people (RFC 9457 problem details where it is that, common members else).

use http::StatusCode;
use serde_json::Value;

use crate::http::{Response, classify};
use crate::model::{Category, Failure};
use crate::openapi::Deviation;

/// How much of what an API says is told.
const LONGEST: usize = 400;

/// What an answer says of itself.
pub(super) fn said(response: &Response) -> String {
    let told = match serde_json::from_slice::<Value>(&response.body) {
        Ok(value) => complaints(&value),
        Err(_) => plain(response),
    };
    let told: String = told
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(LONGEST)
        .collect();
    if told.trim().is_empty() {
        response.status.to_string()
    } else {
        format!("{}: {}", response.status.as_u16(), told.trim())
    }
}

/// A short text that is no page.
fn plain(response: &Response) -> String {
    let text = response.text();
    let text = text.trim();
    if text.starts_with('<') || text.len() > 2_000 {
        String::new()
    } else {
        text.to_owned()
    }
}

/// The sentences in the members where APIs put them, each once.
fn complaints(value: &Value) -> String {
    let mut found: Vec<String> = Vec::new();
    gather(value, "", 0, &mut found);
    found.join("; ")
}

fn gather(value: &Value, place: &str, depth: usize, found: &mut Vec<String>) {
    const TEXTS: [&str; 8] = [
        "title",
        "detail",
        "message",
        "error",
        "error_description",
        "description",
        "msg",
        "reason",
    ];
    const INNER: [&str; 7] = [
        "error",
        "errors",
        "invalid-params",
        "fault",
        "violations",
        "details",
        "validationErrors",
    ];
    const MOST: usize = 12;
    if depth > 4 || found.len() >= MOST {
        return;
    }
    let mut add = |place: &str, text: &str| {
        let text = text.trim().trim_end_matches('.');
        let told = if place.is_empty() {
            text.to_owned()
        } else {
            format!("{place}: {text}")
        };
        if !text.is_empty() && !found.contains(&told) {
            found.push(told);
        }
    };
    match value {
        Value::String(text) => add(place, text),
        Value::Array(items) => {
            for item in items.iter().take(MOST) {
                gather(item, place, depth + 1, found);
            }
        }
        Value::Object(object) => {
            // What a complaint is about stands beside its words.
            let own = ["field", "pointer", "path", "property", "name"];
            let own = own.iter().find_map(|name| object.get(*name)?.as_str());
            let place = own.filter(|_| depth > 0).unwrap_or(place);
            for name in TEXTS {
                if let Some(Value::String(text)) = object.get(name) {
                    add(place, text);
                }
            }
            for name in INNER {
                match object.get(name) {
                    // Complaints by the names of fields: {"errors": {"city": ["is blank"]}}.
                    Some(Value::Object(by_field)) if name == "errors" => {
                        for (field, inner) in by_field.iter().take(MOST) {
                            gather(inner, field, depth + 1, found);
                        }
                    }
                    Some(inner @ (Value::Object(_) | Value::Array(_))) => {
                        gather(inner, place, depth + 1, found);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The failure that an answer without success stands for. `deed` says what was tried, e.g. `read record 12`.
pub(super) fn read(
    deed: &str,
    operation: &str,
    response: &Response,
    departures: &[Deviation],
) -> Failure {
    let said = said(response);
    let ordinary = classify("", response);
    let refused = |category: Category| Failure {
        category,
        cause: format!("the API refused to {deed}: {said}"),
        ..ordinary.clone()
    };
    let failure = match response.status {
        StatusCode::UNAUTHORIZED => refused(Category::Authentication).hint(
            "Check the connector's credential (username and password, bearer_token, api_key or client_id and client_secret), and that it belongs to this base_url.",
        ),
        // A right that is missing for one operation must not hold the whole connector.
        StatusCode::FORBIDDEN => refused(Category::Configuration).hint(format!(
            "The credential is good but may not call {operation}: grant it that right at the API."
        )),
        StatusCode::NOT_FOUND | StatusCode::GONE => refused(Category::Validation)
            .hint("Look whether the record is still there; if every record fails so, check base_url."),
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_ACCEPTABLE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            refused(Category::Configuration).hint(format!(
                "The API does not take {operation} as the description says: check base_url, and that the description is of this version."
            ))
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::LOCKED | StatusCode::TOO_EARLY => {
            refused(Category::Server)
        }
        StatusCode::TOO_MANY_REQUESTS => Failure {
            cause: format!("the API's rate limit is used up; it would not {deed}: {said}"),
            ..ordinary
        }
        .hint("Lower limits.calls_per_minute if it goes on."),
        StatusCode::PAYLOAD_TOO_LARGE => refused(Category::Validation)
            .hint("Set attachment_limit to what the API takes."),
        status if status.is_redirection() => Failure::new(
            Category::Configuration,
            format!(
                "the API can't {deed}: the address leads on to {}",
                response.header("location").unwrap_or("another page")
            ),
        )
        .hint("Set base_url to the address itself; redirects are not followed, for they could carry the credential elsewhere."),
        status if status.is_client_error() => refused(Category::Validation),
        _ => Failure {
            cause: format!("the API failed to {deed}: {said}"),
            ..ordinary
        },
    };
    if departures.is_empty() || failure.category != Category::Validation {
        return failure;
    }
    failure.hint(format!(
        "The request departs from the description: {}",
        told(departures)
    ))
}

/// Departures in a sentence.
pub(super) fn told(departures: &[Deviation]) -> String {
    let texts: Vec<String> = departures
        .iter()
        .take(10)
        .map(ToString::to_string)
        .collect();
    texts.join("; ")
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

    #[test]
    fn statuses_decide() {
        for (status, category, effect) in [
            (302, Category::Configuration, Effect::None),
            (400, Category::Validation, Effect::None),
            (401, Category::Authentication, Effect::None),
            (403, Category::Configuration, Effect::None),
            (404, Category::Validation, Effect::None),
            (405, Category::Configuration, Effect::None),
            (408, Category::Server, Effect::None),
            (409, Category::Server, Effect::None),
            (413, Category::Validation, Effect::None),
            (415, Category::Configuration, Effect::None),
            (422, Category::Validation, Effect::None),
            (423, Category::Server, Effect::None),
            (425, Category::Server, Effect::None),
            (429, Category::RateLimited, Effect::None),
            (500, Category::Server, Effect::Unknown),
            (502, Category::Server, Effect::Unknown),
        ] {
            let failure = read("try", "tryIt", &answer(status, ""), &[]);
            assert_eq!(
                (failure.category, failure.effect),
                (category, effect),
                "{status}"
            );
        }
    }

    #[test]
    fn complaints_are_found_wherever_apis_put_them() {
        for (body, part) in [
            (
                r#"{"type":"about:blank","title":"Invalid","detail":"city is blank","errors":[{"field":"city","message":"is blank"}]}"#,
                "Invalid; city is blank",
            ),
            (
                r#"{"error":{"message":"no such status"}}"#,
                "no such status",
            ),
            (r#"{"errors":{"city":["is blank"]}}"#, "city: is blank"),
            (r#"[{"message":"bad id"}]"#, "bad id"),
            (
                r#"{"error":"invalid_grant","error_description":"token is worn out"}"#,
                "token is worn out",
            ),
            ("plain words", "plain words"),
        ] {
            let told = said(&answer(400, body));
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(
            said(&answer(502, "<html>Bad gateway</html>")),
            "502 Bad Gateway"
        );
        let deep = format!("{}1{}", "{\"errors\":[".repeat(60), "]}".repeat(60));
        assert_eq!(said(&answer(400, &deep)), "400 Bad Request");
    }
}
