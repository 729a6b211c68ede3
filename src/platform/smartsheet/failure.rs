//! What Smartsheet's refusals mean: `{errorCode, message, refId, detail}`, read by code first and by status where there
//! is none.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use crate::http::{Response, classify, retry_after};
use crate::model::{Category, Failure};
use crate::platform::basics::text_at;

/// "Sleep for a minimum of 60 seconds": the vendor's advice for error 4003, which comes without `Retry-After`.
pub(super) const RATE_PAUSE: Duration = Duration::from_secs(60);

/// What the token's account must be allowed to do, for saying what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// To be an account at all.
    Account,
    /// To see the sheet.
    View,
    /// To write rows and attachments.
    Edit,
    /// To write comments.
    Comment,
    /// To keep webhooks.
    Webhooks,
}

impl Right {
    fn hint(self) -> &'static str {
        match self {
            Self::Account => {
                "Check that the token's account is active and licensed on a Business or Enterprise plan."
            }
            Self::View => "Share the sheet (template_sheet_id) with the token's account.",
            Self::Edit => "Share the sheet with the token's account as Editor or Admin.",
            Self::Comment => {
                "Share the sheet with the token's account as Commenter, Editor or Admin."
            }
            Self::Webhooks => {
                "The token needs the scope ADMIN_WEBHOOKS, and its account must see the sheet; a webhook can be managed by the account that made it alone."
            }
        }
    }
}

const TOKEN_HINT: &str = "Check access_token (Account › Apps & Integrations › API Access) and that region is the account's own: EU and Gov accounts have tokens of their own.";
const ADDRESS_HINT: &str = "Check region (and base_url, if set).";

/// The vendor's error object.
#[derive(Debug, Default)]
struct Complaint {
    code: Option<u64>,
    message: String,
}

impl Complaint {
    fn read(body: &Value) -> Self {
        Self {
            code: body.get("errorCode").and_then(Value::as_u64),
            message: text_at(body, &["message"])
                .unwrap_or_default()
                .chars()
                .take(400)
                .collect(),
        }
    }

    fn told(&self, status: StatusCode) -> String {
        let message = self.message.trim().trim_end_matches('.');
        match self.code {
            Some(code) if message.is_empty() => format!("error {code}"),
            Some(code) => format!("{message} (error {code})"),
            None => status.to_string(),
        }
    }
}

/// The failure that an answer without success stands for. `deed` says what was tried, e.g. `read row 12`.
pub(super) fn read(deed: &str, right: Right, response: &Response) -> Failure {
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    let complaint = Complaint::read(&body);
    judge(deed, right, &complaint, response)
}

/// The failure inside an answer that says success: a bulk call reports what failed of it as `failedItems`.
pub(super) fn in_success(deed: &str, response: &Response, body: &Value) -> Option<Failure> {
    let code = body.get("resultCode").and_then(Value::as_i64);
    let failed = body.get("failedItems").and_then(|items| items.get(0));
    if failed.is_none() && code.is_none_or(|code| code == 0) {
        return None;
    }
    let error = failed.and_then(|item| item.get("error"));
    let complaint = Complaint::read(error.unwrap_or(body));
    let told = complaint.told(response.status);
    Some(
        Failure::new(
            Category::Validation,
            format!("Smartsheet refused a part of what it was asked, to {deed}: {told}"),
        )
        .hint(
            hint(complaint.code)
                .unwrap_or("Look at the row in Smartsheet and at the values that were sent."),
        ),
    )
}

fn judge(deed: &str, right: Right, complaint: &Complaint, response: &Response) -> Failure {
    let told = complaint.told(response.status);
    let refused =
        |category| Failure::new(category, format!("Smartsheet refused to {deed}: {told}"));
    let failed = |why: &str| {
        Failure::new(
            Category::Server,
            format!("Smartsheet {why} and did not {deed}: {told}"),
        )
    };
    let after = retry_after(&response.headers);
    match (response.status, complaint.code) {
        (StatusCode::UNAUTHORIZED, _) | (_, Some(1001..=1003)) => {
            refused(Category::Authentication).hint(TOKEN_HINT)
        }
        (StatusCode::TOO_MANY_REQUESTS, _) | (_, Some(4003)) => refused(Category::RateLimited)
            .retry_after(Some(after.unwrap_or(RATE_PAUSE)))
            .hint("The limit is the token's and shared with all that use it; lower limits.calls_per_minute if it goes on."),
        // Offline for maintenance, or two writers met: surely not done.
        (_, Some(4001)) => failed("is offline for maintenance").retry_after(after),
        (_, Some(4004)) => failed("met another writer of the same sheet").retry_after(after),
        // Seen when somebody else writes to the sheet in the same moment: the row's id was there.
        (_, Some(1012)) if complaint.message.contains("row.id") => {
            failed("met another writer of the same sheet")
        }
        (_, Some(4002)) => Failure::new(
            Category::Server,
            format!("Smartsheet ran out of time when asked to {deed}: {told}"),
        )
        .retry_after(after)
        .effect_unknown(),
        (_, Some(1039 | 1045 | 1050 | 1080 | 1092 | 1155)) => refused(Category::Validation)
            .hint(hint(complaint.code).unwrap_or_default()),
        (StatusCode::FORBIDDEN, Some(1153 | 1154)) => refused(Category::Configuration)
            .hint(hint(complaint.code).unwrap_or_default()),
        (StatusCode::FORBIDDEN, Some(1013 | 1014)) => refused(Category::Configuration)
            .hint("The account's plan or license does not include this; the API takes a Business or Enterprise plan."),
        (StatusCode::FORBIDDEN, code) => {
            // A page of a proxy says nothing about rights.
            let category = if code.is_none() && right == Right::Account {
                Category::Authentication
            } else {
                Category::Configuration
            };
            refused(category).hint(right.hint())
        }
        (StatusCode::NOT_FOUND, Some(_)) => Failure::new(
            Category::Validation,
            format!("Smartsheet can't {deed}: it is not there, or not shared with the token's account"),
        )
        .hint("Look whether it was deleted or moved in Smartsheet; if so, discard this transaction. If not, share the sheet with the token's account."),
        (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, None) => Failure::new(
            Category::Configuration,
            format!("Smartsheet can't {deed}: there is no Smartsheet API at this address ({})", response.status),
        )
        .hint(ADDRESS_HINT),
        (StatusCode::GONE, _) => refused(Category::Configuration)
            .hint("Smartsheet has retired this version of its API; this version of Fieldbridge is too old."),
        (status, _) if status.is_redirection() => {
            let target = response.header("location").unwrap_or("another page");
            Failure::new(
                Category::Configuration,
                format!("Smartsheet can't {deed}: the address leads on to {target}"),
            )
            .hint(ADDRESS_HINT)
        }
        (status, code) if status.is_client_error() => {
            let failure = Failure {
                cause: format!("Smartsheet refused to {deed}: {told}"),
                ..classify("", response)
            };
            match hint(code) {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
        _ => Failure {
            cause: format!("Smartsheet failed to {deed}: {told}"),
            ..classify("", response)
        },
    }
}

/// What to do about one of the vendor's codes.
fn hint(code: Option<u64>) -> Option<&'static str> {
    Some(match code? {
        1036 | 1037 => {
            "A column of the mapping is not on the sheet any more: refresh the connector's fields."
        }
        1032 => "A part of the row that can only be read was sent; take it out of the mapping.",
        1039 => {
            "The column is locked: unlock it for the token's account (Admins may write locked columns), or take it out of the mapping."
        }
        1041 => "The value is too long for Smartsheet: shorten it in the mapping.",
        1042 => {
            "The value does not fit the column's type: dates are YYYY-MM-DD, checkboxes true or false, contacts email addresses, dropdowns one of their options."
        }
        1074 => "Smartsheet takes files of at most 30 MB.",
        1080 | 1155 => {
            "The sheet's dependencies reckon this column: write the start date or the duration instead, or take it out of the mapping."
        }
        1045 | 1050 | 1092 => {
            "The row is locked: unlock it, or make the token's account an Admin of the sheet."
        }
        1148 => "The number is beyond what Smartsheet stores; make it text in the mapping.",
        1151 => "The sheet of the webhook is not there or not shared with the token's account.",
        1152 => {
            "Smartsheet calls back over https only: set server.public_url in fieldbridge.toml to an https address."
        }
        1153 => {
            "The app that made the webhook lost its rights: remove the webhook and register it anew."
        }
        1154 => {
            "Smartsheet's support switched the webhook off; only they (api@smartsheet.com) can switch it on."
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

    fn of(status: u16, code: u64) -> Failure {
        let body = format!("{{\"errorCode\":{code},\"message\":\"Said so.\",\"refId\":\"x\"}}");
        read("write row 1", Right::Edit, &answer(status, &body))
    }

    #[test]
    fn codes_decide_before_statuses_do() {
        for (status, code, category, effect) in [
            (401, 1001, Category::Authentication, Effect::None),
            (401, 1002, Category::Authentication, Effect::None),
            (401, 1003, Category::Authentication, Effect::None),
            (401, 1005, Category::Authentication, Effect::None),
            (403, 1004, Category::Configuration, Effect::None),
            (403, 1013, Category::Configuration, Effect::None),
            (403, 1039, Category::Validation, Effect::None),
            (404, 1006, Category::Validation, Effect::None),
            (400, 1008, Category::Validation, Effect::None),
            (400, 1032, Category::Validation, Effect::None),
            (400, 1042, Category::Validation, Effect::None),
            (400, 1080, Category::Validation, Effect::None),
            (410, 4005, Category::Configuration, Effect::None),
            (429, 4003, Category::RateLimited, Effect::None),
            (503, 4001, Category::Server, Effect::None),
            (500, 4002, Category::Server, Effect::Unknown),
            (500, 4004, Category::Server, Effect::None),
            (500, 4000, Category::Server, Effect::Unknown),
        ] {
            let failure = of(status, code);
            assert_eq!(
                (failure.category, failure.effect),
                (category, effect),
                "{code}"
            );
        }
    }

    #[test]
    fn slowing_down_takes_a_minute_unless_told_otherwise() {
        assert_eq!(of(429, 4003).retry_after, Some(RATE_PAUSE));
        let mut response = answer(429, "{}");
        response.headers.insert("retry-after", "5".parse().unwrap());
        let failure = read("x", Right::View, &response);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_missing_row_id_that_was_sent_is_a_collision() {
        let body = r#"{"errorCode":1012,"message":"A required object attribute is missing from your request: row.id."}"#;
        let failure = read("write row 1", Right::Edit, &answer(400, body));
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Server, Effect::None)
        );
        let body = r#"{"errorCode":1012,"message":"A required object attribute is missing from your request: cell.value."}"#;
        let failure = read("write row 1", Right::Edit, &answer(400, body));
        assert_eq!(failure.category, Category::Validation);
    }

    #[test]
    fn pages_and_redirects_are_not_smartsheets() {
        let failure = read("read row 1", Right::View, &answer(404, "<html>"));
        assert_eq!(failure.category, Category::Configuration);
        let failure = read("read row 1", Right::View, &answer(302, ""));
        assert_eq!(failure.category, Category::Configuration);
        let failure = read("write row 1", Right::Edit, &answer(502, "<html>"));
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Server, Effect::Unknown)
        );
    }

    #[test]
    fn a_part_that_failed_is_found_in_a_success() {
        let body = serde_json::json!({"message": "PARTIAL_SUCCESS", "resultCode": 3, "result": [],
            "failedItems": [{"index": 0, "error": {"errorCode": 1036, "message": "The columnId 3 is invalid."}}]});
        let failure = in_success("create a row", &answer(200, ""), &body).unwrap();
        assert_eq!(failure.category, Category::Validation);
        assert!(failure.cause.contains("1036"), "{failure}");
        let good = serde_json::json!({"resultCode": 0, "result": []});
        assert_eq!(in_success("x", &answer(200, ""), &good), None);
        assert_eq!(
            in_success("x", &answer(200, ""), &serde_json::json!({"id": 1})),
            None
        );
    }
}
