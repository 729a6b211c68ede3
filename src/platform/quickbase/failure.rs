//! What Quickbase's refusals mean: `{message, description, errors?}`, and pages of its delivery network.
//!
//! 401 is the token's. 403 is a missing right of the token's user, unless its text speaks of the token itself. 423
//! and 5xx pass. A 207 says that rows were not written; see `write.rs`.

use http::StatusCode;
use serde_json::Value;

use super::api::if_read;
use super::endpoint::{Endpoint, Right};
use crate::http::{Response, classify};
use crate::model::{Category, Failure};
use crate::platform::basics::text_at;

/// At most so many of the vendor's complaints are told.
const MOST_COMPLAINTS: usize = 20;

/// What the vendor says, as one sentence; nothing if it says nothing.
fn said(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut parts: Vec<String> = ["message", "description"]
        .iter()
        .filter_map(|name| text_at(&body, &[name]).map(str::to_owned))
        .collect();
    let errors = body.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten().take(MOST_COMPLAINTS) {
        let text = match error {
            Value::String(text) => Some(text.clone()),
            other => text_at(other, &["message"]).map(|message| match text_at(other, &["field"]) {
                Some(field) => format!("{field}: {message}"),
                None => message.to_owned(),
            }),
        };
        parts.extend(text);
    }
    let parts = parts.iter().map(|part| part.trim().trim_end_matches('.'));
    let text = parts.collect::<Vec<_>>().join("; ");
    (!text.is_empty()).then(|| text.chars().take(600).collect())
}

/// Whether a text complains of the token as such rather than of a right of its user.
fn is_about_token(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("token") || said.contains("ticket") || said.contains("not authenticated")
}

/// Whether the answer is a page and not data.
pub(super) fn is_page(response: &Response) -> bool {
    response.body.trim_ascii_start().first() == Some(&b'<')
}

/// The failure that an answer without success stands for. `deed` says what was tried, e.g. `read record 12`.
pub(super) fn read(endpoint: &Endpoint, deed: &str, response: &Response) -> Failure {
    if_read(endpoint, judge(endpoint, deed, response))
}

fn judge(endpoint: &Endpoint, deed: &str, response: &Response) -> Failure {
    let said = said(&response.body).unwrap_or_else(|| response.status.to_string());
    let refused = |category| Failure::new(category, format!("Quickbase refused to {deed}: {said}"));
    let status = response.status;
    if status.is_redirection() {
        let target = response.header("location").unwrap_or("another page");
        return Failure::new(
            Category::Configuration,
            format!("Quickbase can't {deed}: the address leads on to {target}"),
        )
        .hint(ADDRESS_HINT);
    }
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS && is_page(response) {
        // The API itself never answers with a page: its delivery network does, when something is down.
        return Failure::new(
            Category::Server,
            format!("Quickbase could not {deed}: a page came instead of data ({status})"),
        )
        .hint(PAGE_HINT);
    }
    match status {
        StatusCode::UNAUTHORIZED => refused(Category::Authentication).hint(TOKEN_HINT),
        StatusCode::FORBIDDEN if is_about_token(&said) => {
            refused(Category::Authentication).hint(TOKEN_HINT)
        }
        StatusCode::FORBIDDEN => {
            let category = match endpoint.right {
                Right::UseTheApp => Category::Authentication,
                _ => Category::Configuration,
            };
            refused(category).hint(endpoint.right.hint())
        }
        StatusCode::NOT_FOUND => Failure::new(
            Category::Configuration,
            format!("Quickbase can't {deed}: {said}"),
        )
        .hint(IDS_HINT),
        StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::NOT_ACCEPTABLE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE => refused(Category::Configuration).hint(ADDRESS_HINT),
        StatusCode::PAYLOAD_TOO_LARGE => refused(Category::Validation)
            .hint("Quickbase takes 40 MB a request, and a file grows by a third on the way."),
        StatusCode::TOO_MANY_REQUESTS => Failure {
            cause: format!("Quickbase's rate limit is used up; it would not {deed}: {said}"),
            ..classify("", response)
        }
        .hint("The limit is 100 calls in 10 seconds for a user token, whoever uses it; give the connector a token of its own."),
        StatusCode::LOCKED => Failure {
            cause: format!("Quickbase would not {deed}: the table is locked just now ({said})"),
            ..classify("", response)
        },
        status if status.is_client_error() => Failure {
            cause: format!("Quickbase refused to {deed}: {said}"),
            ..classify("", response)
        }
        .hint(CONTENT_HINT),
        _ => {
            let failure = Failure {
                cause: format!("Quickbase failed to {deed}: {said}"),
                ..classify("", response)
            };
            match response.header("qb-api-ray") {
                Some(ray) => failure.hint(format!(
                    "It is tried again. Should it go on, Quickbase's support finds this call by qb-api-ray {}.",
                    ray.chars().take(80).collect::<String>()
                )),
                None => failure,
            }
        }
    }
}

const TOKEN_HINT: &str = "Check user_token and qb_hostname: the token must be active and assigned to the app (My Preferences › Manage my user tokens), and belong to that realm.";
const ADDRESS_HINT: &str =
    "Check base_url, if it is set; without it the vendor's own address is used.";
const PAGE_HINT: &str = "A page instead of data comes from Quickbase's delivery network, a proxy, or a wrong base_url. It is tried again.";
const IDS_HINT: &str = "Check app_id, the table ids and the field ids in the connector's settings: ids change when an app is copied.";
const CONTENT_HINT: &str =
    "Refresh the connector's fields: a field may have been removed or changed its type.";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::super::endpoint::{APP, FIELDS, FORMULA, QUERY, UPSERT};
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
    fn the_vendors_fixtures_are_classified() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        for (status, category, effect) in [
            (400, Category::Validation, Effect::None),
            (401, Category::Authentication, Effect::None),
            (403, Category::Configuration, Effect::None),
            (404, Category::Configuration, Effect::None),
            (429, Category::RateLimited, Effect::None),
            (500, Category::Server, Effect::Unknown),
        ] {
            let path = format!(
                "{shared}/samples/quickbase/quickbase-spec__manual_errors_response.{status}.json"
            );
            let Ok(text) = std::fs::read_to_string(path) else {
                println!("skipped: the samples are not here");
                return;
            };
            let sample: Value = serde_json::from_str(&text).unwrap();
            let mut answer = answer(status, &sample["body"].to_string());
            for (name, value) in sample["_meta"]["headers"].as_object().unwrap() {
                let name: http::HeaderName = name.parse().unwrap();
                let value = value.as_str().unwrap().parse().unwrap();
                answer.headers.insert(name, value);
            }
            let failure = read(&UPSERT, "add a record", &answer);
            assert_eq!(
                (failure.category, failure.effect),
                (category, effect),
                "{status}"
            );
            assert!(
                failure
                    .cause
                    .contains(sample["body"]["message"].as_str().unwrap()),
                "{}",
                failure.cause
            );
            if status == 429 {
                assert_eq!(failure.retry_after, Some(Duration::from_secs(10)));
            }
            if status == 500 {
                assert!(failure.hint.unwrap().contains("abc123-ray-500"));
                assert_eq!(read(&QUERY, "read", &answer).effect, Effect::None);
            }
        }
    }

    #[test]
    fn the_text_tells_the_token_from_its_users_rights() {
        let category = |endpoint, status, body: &str| {
            read(endpoint, "read the fields", &answer(status, body)).category
        };
        let rights = r#"{"message":"Insufficient permissions","description":"Not enough rights to execute this request."}"#;
        assert_eq!(category(&FIELDS, 403, rights), Category::Configuration);
        assert_eq!(category(&FORMULA, 403, rights), Category::Configuration);
        // Without the app nothing at all works.
        assert_eq!(category(&APP, 403, rights), Category::Authentication);
        let token =
            r#"{"message":"Access denied","description":"User token is not assigned to this app"}"#;
        assert_eq!(category(&FIELDS, 403, token), Category::Authentication);
        assert_eq!(category(&FIELDS, 401, "{}"), Category::Authentication);
    }

    #[test]
    fn a_page_is_an_outage_and_not_a_refusal() {
        for status in [401, 403, 404] {
            let failure = read(&QUERY, "read", &answer(status, "<html>cloudy</html>"));
            assert_eq!(failure.category, Category::Server, "{status}");
        }
    }

    #[test]
    fn a_lock_passes_and_nothing_was_written() {
        let failure = read(
            &UPSERT,
            "add a record",
            &answer(423, r#"{"message":"Locked"}"#),
        );
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Server, Effect::None)
        );
    }
}
