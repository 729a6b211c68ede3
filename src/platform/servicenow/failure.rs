//! What ServiceNow's answers mean.
//!
//! The vendor's rules that this follows: `{"error":{"message","detail"},"status":"failure"}` from the API and
//! `{"error","error_description"}` from the token endpoint; 403 for a missing right as well as for a data policy or a business
//! rule that refuses the content, told apart by the text; 404 for a record that is missing or hidden; 200 with an `error` for a
//! query that was cut off; 200 with a page of HTML from an instance that sleeps.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use crate::http::{Response, classify};
use crate::model::{Category, Failure, Timestamp};

/// What an account must be allowed, for saying what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// To sign in at all.
    SignIn,
    /// To read records of the connector's table.
    Read,
    /// To change them.
    Write,
    /// To create them.
    Create,
    /// To read what people wrote over time.
    ReadJournal,
    /// To read which fields there are.
    ReadDictionary,
    /// To read and write attachments.
    Attach,
    /// To read related records.
    ReadRelated,
    /// To write time and charges into their table.
    WriteSide,
}

impl Right {
    fn hint(self) -> &'static str {
        match self {
            Self::SignIn => {
                "Check that the user is active, not locked out, may use web services and has the role snc_platform_rest_api_access."
            }
            Self::Read => {
                "Give the user a role that may read this table: itil for incident, wm_dispatcher for wm_task; look at the table's read ACLs."
            }
            Self::Write => {
                "Give the user a role that may write this table and the mapped fields: itil for incident, wm_dispatcher for wm_task. Closed records are read-only to most roles."
            }
            Self::Create => {
                "Give the user a role that may create in this table: itil for incident, wm_admin for wm_task."
            }
            Self::ReadJournal => {
                "Add a read ACL on sys_journal_field for the user's role; without it notes are read from the record's rendered text."
            }
            Self::ReadDictionary => {
                "Give the user the role personalize_dictionary, or set template_object_id to a well filled record."
            }
            Self::Attach => {
                "Give the user the role itil and read and write access to the record: attachments follow the record's own ACLs."
            }
            Self::ReadRelated => {
                "Give the user a role that may read the table that this field refers to."
            }
            Self::WriteSide => {
                "Give the user a role that may read and write the table of time_table or charge_table."
            }
        }
    }
}

/// What is tried, for people, and the right it takes.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    /// E.g. `read incident 46c6…`.
    pub(super) what: String,
    /// The right.
    pub(super) right: Right,
}

impl Deed {
    pub(super) fn new(right: Right, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            right,
        }
    }
}

/// What the vendor's text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// A query or write was cut off for taking too long.
    Cancelled,
    /// A data policy wants fields that were not given.
    Policy,
    /// A business rule refused the content.
    Rule,
    /// The account lacks a right.
    Acl,
    /// There is no such table.
    NoTable,
    /// The record is missing, or hidden by an ACL.
    NoRecord,
    /// The credential was refused.
    NoLogin,
    /// Too many calls.
    Limited,
    /// None of these.
    Other,
}

impl Meaning {
    fn of(said: &str) -> Self {
        let said = said.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if has(&["transaction cancelled", "maximum execution time"]) {
            Self::Cancelled
        } else if has(&["data policy", "fields are mandatory"]) {
            Self::Policy
        } else if has(&["aborted by business rule"]) {
            Self::Rule
        } else if has(&["invalid table"]) {
            Self::NoTable
        } else if has(&["no record found", "record doesn't exist"]) {
            Self::NoRecord
        } else if has(&[
            "acl exception",
            "security constraints",
            "insufficient rights",
        ]) {
            Self::Acl
        } else if has(&["not authenticated", "auth information"]) {
            Self::NoLogin
        } else if has(&["rate limit"]) {
            Self::Limited
        } else {
            Self::Other
        }
    }
}

fn text(value: Option<&Value>) -> Option<&str> {
    let text = value?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

/// The vendor's complaint in a body, if there is one.
pub(super) fn complaint(body: &Value) -> Option<String> {
    let error = body.get("error").filter(|error| !error.is_null())?;
    let (first, second) = match error {
        Value::Object(_) => (text(error.get("message")), text(error.get("detail"))),
        other => (text(Some(other)), text(body.get("error_description"))),
    };
    let said = match (first, second) {
        (Some(first), Some(second)) if first != second => format!("{first}: {second}"),
        (Some(one), _) | (None, Some(one)) => one.to_owned(),
        (None, None) => error.to_string(),
    };
    Some(said.trim_end_matches('.').chars().take(600).collect())
}

/// Reads an answer that ought to be JSON: its body, or the failure that it stands for.
pub(super) fn judge(
    deed: &Deed,
    method: &Method,
    response: &Response,
    now: Timestamp,
) -> Result<Value, Failure> {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    if !response.is_success() {
        return Err(refusal(deed, response, body.as_ref(), now));
    }
    let is_read = method.is_safe();
    let unsure = |failure: Failure| {
        if is_read {
            failure
        } else {
            failure.effect_unknown()
        }
    };
    match body {
        Some(body) => match complaint(&body) {
            None => Ok(body),
            Some(said) => Err(unsure(half_done(deed, &said))),
        },
        // An empty body is the vendor's way to say done where nothing is to be told.
        None if response.body.trim_ascii().is_empty() => Ok(Value::Null),
        None => Err(unsure(no_json(deed, response))),
    }
}

/// A success that names an error: a script's own answer, or a query that was cut off and gave a part.
fn half_done(deed: &Deed, said: &str) -> Failure {
    let Deed { what, right } = deed;
    let cause = format!("ServiceNow answered 200 to {what}, with an error: {said}");
    match Meaning::of(said) {
        Meaning::Cancelled => Failure::new(Category::Server, cause)
            .hint("The instance cut the transaction off for taking too long; it is tried again. If it stays, its admin should look at slow business rules and indexes."),
        Meaning::Policy | Meaning::Rule => Failure::new(Category::Validation, cause).hint(POLICY_HINT),
        Meaning::Acl => Failure::new(Category::Configuration, cause).hint(right.hint()),
        Meaning::NoTable => Failure::new(Category::Configuration, cause).hint(TABLE_HINT),
        _ => Failure::new(Category::Server, cause),
    }
}

fn no_json(deed: &Deed, response: &Response) -> Failure {
    let begin: String = response.text().trim().chars().take(80).collect();
    if is_page(response) {
        return Failure::new(
            Category::Server,
            format!(
                "ServiceNow answered {} with a page instead of data",
                deed.what
            ),
        )
        .hint(ASLEEP_HINT);
    }
    Failure::new(
        Category::Server,
        format!(
            "ServiceNow answered {} with something else than JSON: {begin}",
            deed.what
        ),
    )
    .hint(ADDRESS_HINT)
}

/// Whether an answer is a page for people.
pub(super) fn is_page(response: &Response) -> bool {
    let typed = response
        .header("content-type")
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    typed || response.body.trim_ascii_start().first() == Some(&b'<')
}

/// Whether a 404 is the API's own word that a record is missing or hidden.
pub(super) fn is_no_record(response: &Response) -> bool {
    response.status == StatusCode::NOT_FOUND
        && serde_json::from_slice::<Value>(&response.body)
            .ok()
            .and_then(|body| complaint(&body))
            .is_some_and(|said| matches!(Meaning::of(&said), Meaning::NoRecord | Meaning::Acl))
}

/// The failure that an answer without success stands for.
pub(super) fn refusal(
    deed: &Deed,
    response: &Response,
    body: Option<&Value>,
    now: Timestamp,
) -> Failure {
    let Deed { what, right } = deed;
    let status = response.status;
    let said = body
        .and_then(complaint)
        .unwrap_or_else(|| status.to_string());
    let meaning = Meaning::of(&said);
    let refused =
        |category| Failure::new(category, format!("ServiceNow refused to {what}: {said}"));
    match status {
        StatusCode::UNAUTHORIZED => refused(Category::Authentication).hint(LOGIN_HINT),
        StatusCode::FORBIDDEN => match meaning {
            Meaning::Policy | Meaning::Rule => refused(Category::Validation).hint(POLICY_HINT),
            Meaning::NoLogin => refused(Category::Authentication).hint(LOGIN_HINT),
            _ if *right == Right::SignIn => refused(Category::Authentication).hint(right.hint()),
            _ => refused(Category::Configuration).hint(right.hint()),
        },
        StatusCode::NOT_FOUND if meaning == Meaning::NoRecord || meaning == Meaning::Acl => {
            Failure::new(
                Category::Validation,
                format!("ServiceNow can't {what}: it is not there, or an ACL hides it"),
            )
            .hint("Look the record up as the connector's own user (impersonate it). If it was deleted, discard this transaction; if it is hidden, mend the ACL.")
        }
        StatusCode::NOT_FOUND => refused(Category::Configuration).hint(ADDRESS_HINT),
        StatusCode::TOO_MANY_REQUESTS => {
            let failure = classify("", response);
            let wait = failure.retry_after.or_else(|| until_reset(&response.headers, now));
            Failure {
                cause: format!("ServiceNow's rate limit is used up; it would not {what}: {said}"),
                ..failure
            }
            .retry_after(wait)
            .hint("The limit is an inbound REST rate limit rule of the instance, counted by the hour; lower limits.calls_per_minute or ask its admin to raise the rule.")
        }
        _ if meaning == Meaning::Limited && status.is_client_error() => {
            refused(Category::RateLimited).retry_after(until_reset(&response.headers, now))
        }
        StatusCode::BAD_REQUEST if meaning == Meaning::NoTable => {
            refused(Category::Configuration).hint(TABLE_HINT)
        }
        StatusCode::BAD_REQUEST if matches!(meaning, Meaning::Policy | Meaning::Rule) => {
            refused(Category::Validation).hint(POLICY_HINT)
        }
        StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::NOT_ACCEPTABLE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE => refused(Category::Configuration).hint(ADDRESS_HINT),
        StatusCode::PAYLOAD_TOO_LARGE => refused(Category::Validation)
            .hint("The instance takes no larger body: see com.glide.attachment.max_size and the REST payload limit."),
        status if status.is_redirection() => {
            let target = response.header("location").unwrap_or("another page");
            Failure::new(
                Category::Configuration,
                format!("ServiceNow can't {what}: the address leads on to {target}"),
            )
            .hint(ADDRESS_HINT)
        }
        status if status.is_server_error() => {
            let failure = Failure {
                cause: format!("ServiceNow failed to {what}: {said}"),
                ..classify("", response)
            };
            if is_page(response) { failure.hint(ASLEEP_HINT) } else { failure }
        }
        _ => Failure {
            cause: format!("ServiceNow refused to {what}: {said}"),
            ..classify("", response)
        },
    }
}

/// How long until the vendor's own count begins anew.
fn until_reset(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get("x-ratelimit-reset")?.to_str().ok()?;
    let reset = Timestamp::from_second(text.trim().parse().ok()?).ok()?;
    let wait = Duration::try_from(reset.duration_since(now)).ok()?;
    // Counters begin anew each hour; a later time would be a mistake.
    Some(wait.min(Duration::from_secs(3600)))
}

const LOGIN_HINT: &str = "Check user_name and password, or client_id and client_secret, or api_key; that the user is active, not locked out and not asked for a second factor; and that it may use web services.";
const POLICY_HINT: &str = "A data policy or business rule of the instance wants more, or something else: map the fields it names (an incident is resolved only with close_code and close_notes), or set default_close_code and default_close_notes.";
const TABLE_HINT: &str = "Check object_name: it is the table's name, e.g. incident, wm_task or u_field_visit, not its label; an application's own tables begin with x_.";
const ADDRESS_HINT: &str =
    "Check instance_name (and base_url, if set): it is the part before .service-now.com.";
const ASLEEP_HINT: &str = "A developer or demo instance that sleeps answers with a page: wake it up by signing in. Otherwise a login page or a proxy stands in the way.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Effect;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        }
    }

    fn told(right: Right, method: &Method, response: &Response) -> Failure {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        judge(&Deed::new(right, "try it"), method, response, now).unwrap_err()
    }

    fn envelope(message: &str, detail: &str) -> String {
        serde_json::json!({"error": {"message": message, "detail": detail}, "status": "failure"})
            .to_string()
    }

    #[test]
    fn status_and_text_together_decide() {
        use Category::{Authentication, Configuration, RateLimited, Server, Validation};
        let acl = envelope(
            "Operation Failed",
            "ACL Exception Update Failed due to security constraints",
        );
        let policy = envelope(
            "Operation Failed",
            "Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes",
        );
        let rule = envelope(
            "Operation Failed",
            "Operation against file 'incident' was aborted by Business Rule 'Guard^a1'. Business Rule Stack:Guard",
        );
        for (right, status, body, category) in [
            (
                Right::Read,
                401,
                envelope(
                    "User Not Authenticated",
                    "Required to provide Auth information",
                ),
                Authentication,
            ),
            (
                Right::Read,
                401,
                r#"{"error":"invalid_grant","error_description":"access_denied"}"#.to_owned(),
                Authentication,
            ),
            (Right::Write, 403, acl.clone(), Configuration),
            (Right::SignIn, 403, acl, Authentication),
            (Right::Write, 403, policy, Validation),
            (Right::Write, 403, rule, Validation),
            (
                Right::Read,
                404,
                envelope(
                    "No Record found",
                    "Record doesn't exist or ACL restricts the record retrieval",
                ),
                Validation,
            ),
            (
                Right::Read,
                404,
                "<html>nothing</html>".to_owned(),
                Configuration,
            ),
            (
                Right::Read,
                400,
                envelope("Invalid table incidnet", ""),
                Configuration,
            ),
            (
                Right::Write,
                400,
                envelope("Bad request", "something"),
                Validation,
            ),
            (
                Right::Read,
                429,
                envelope("Rate limit exceeded", ""),
                RateLimited,
            ),
            (Right::Read, 302, String::new(), Configuration),
            (Right::Read, 406, String::new(), Configuration),
            (Right::Attach, 413, String::new(), Validation),
            (Right::Read, 500, envelope("boom", ""), Server),
            (Right::Read, 503, "<html>".to_owned(), Server),
        ] {
            let failure = told(right, &Method::GET, &answer(status, &body));
            assert_eq!(failure.category, category, "{status} {body}");
        }
    }

    #[test]
    fn a_success_with_an_error_or_a_page_is_none() {
        let cut = r#"{"result":[{"sys_id":"a"}],"error":{"message":"Transaction cancelled: maximum execution time exceeded","detail":null},"status":"failure"}"#;
        for (body, category) in [
            (cut, Category::Server),
            (
                "<!DOCTYPE html><html>Hibernating Instance</html>",
                Category::Server,
            ),
            (
                r#"{"error":{"message":"Invalid table x"}}"#,
                Category::Configuration,
            ),
            (r#"{"error":"odd"}"#, Category::Server),
            ("not json", Category::Server),
        ] {
            let read = told(Right::Read, &Method::GET, &answer(200, body));
            assert_eq!(
                (read.category, read.effect),
                (category, Effect::None),
                "{body}"
            );
            let write = told(Right::Write, &Method::PATCH, &answer(200, body));
            assert_eq!(write.effect, Effect::Unknown, "{body}");
        }
        let asleep = told(Right::Read, &Method::GET, &answer(200, "<html>"));
        assert!(asleep.hint.unwrap().contains("wake it up"));
    }

    #[test]
    fn a_used_up_limit_says_when_it_is_over() {
        let mut limited = answer(429, "");
        limited
            .headers
            .insert("x-ratelimit-reset", "1772366460".parse().unwrap());
        let failure = told(Right::Read, &Method::GET, &limited);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(60)));
        limited.headers.insert("retry-after", "30".parse().unwrap());
        let failure = told(Right::Read, &Method::GET, &limited);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
    }

    #[test]
    fn complaints_are_read_in_each_shape() {
        let read = |text: &str| complaint(&serde_json::from_str(text).unwrap());
        assert_eq!(read(r#"{"result":[]}"#), None);
        assert_eq!(read(r#"{"error":null}"#), None);
        assert_eq!(
            read(r#"{"error":{"message":"a","detail":null}}"#).as_deref(),
            Some("a")
        );
        assert_eq!(
            read(r#"{"error":{"message":"a","detail":"b."}}"#).as_deref(),
            Some("a: b")
        );
        assert_eq!(read(r#"{"error":{}}"#).as_deref(), Some("{}"));
        assert_eq!(
            read(r#"{"error":"invalid_grant","error_description":"access_denied"}"#).as_deref(),
            Some("invalid_grant: access_denied")
        );
    }

    #[test]
    fn only_the_apis_own_404_means_that_a_record_is_not_there() {
        let own = envelope(
            "No Record found",
            "Record doesn't exist or ACL restricts the record retrieval",
        );
        assert!(is_no_record(&answer(404, &own)));
        assert!(!is_no_record(&answer(404, "<html>")));
        assert!(!is_no_record(&answer(
            404,
            &envelope("Requested URI does not represent any resource", "")
        )));
        assert!(!is_no_record(&answer(200, &own)));
    }
}
