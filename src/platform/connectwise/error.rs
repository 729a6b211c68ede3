//! What a ConnectWise answer that is no success means, and what to do about it.
//!
//! Error bodies come in several shapes: `{code, message, errors[]}` as a rule, `{error, message}` for a 429,
//! pages of HTML from proxies, and nothing at all.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use crate::http::{Response, classify, retry_after};
use crate::model::{Category, Failure};
use crate::platform::basics::text_at;

/// A cell of the API member's security role, by which `ConnectWise` grants each feature on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    ReadTickets,
    AddTickets,
    EditTickets,
    ReadCompanies,
    ReadContacts,
    ReadDocuments,
    AddDocuments,
    ReadSetupTables,
    ReadCustomFields,
    ReadSchedule,
    WriteSchedule,
    ReadTime,
    WriteTime,
    ReadProducts,
    WriteProducts,
    ReadExpenses,
    WriteExpenses,
    ReadMembers,
    Callbacks,
    SystemInformation,
}

impl Right {
    /// The cell as the security role's page names it.
    pub(super) fn cell(self) -> &'static str {
        match self {
            Self::ReadTickets => "Service Desk → Service Tickets → Inquire: All",
            Self::AddTickets => "Service Desk → Service Tickets → Add: All",
            Self::EditTickets => {
                "Service Desk → Service Tickets → Edit: All (and Close Service Tickets → Edit: All for closed statuses)"
            }
            Self::ReadCompanies => "Companies → Company Maintenance → Inquire: All",
            Self::ReadContacts => "Companies → Contacts → Inquire: All",
            Self::ReadDocuments => "Companies → Manage Documents → Inquire: All",
            Self::AddDocuments => "Companies → Manage Documents → Add: All",
            Self::ReadSetupTables => "System → Table Setup → Inquire: All",
            Self::ReadCustomFields => "System → Table Setup → Inquire: All (Custom Fields)",
            Self::ReadSchedule => "Service Desk → Resource Scheduling → Inquire: All",
            Self::WriteSchedule => "Service Desk → Resource Scheduling → Add and Edit: All",
            Self::ReadTime => "Time & Expense → Time Entry → Inquire: All",
            Self::WriteTime => "Time & Expense → Time Entry → Add and Edit: All",
            Self::ReadProducts => "Procurement → Products → Inquire: All",
            Self::WriteProducts => "Procurement → Products → Add and Edit: All",
            Self::ReadExpenses => "Time & Expense → Expense Entry → Inquire: All",
            Self::WriteExpenses => "Time & Expense → Expense Entry → Add and Edit: All",
            Self::ReadMembers => "System → Member Maintenance → Inquire: All",
            Self::Callbacks => {
                "System → Table Setup → Add, Edit, Delete and Inquire: All (callbacks)"
            }
            Self::SystemInformation => "System → My Company → Inquire: All",
        }
    }
}

/// Reads an answer that is no success.
///
/// `what` says what was tried, e.g. `read ticket 69`; `right` is the cell that it takes.
pub(super) fn read(what: &str, right: Right, response: &Response) -> Failure {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let said = Said::of(&body, response);
    let told = |verb: &str| {
        format!(
            "ConnectWise {verb} {what} ({})",
            said.with_status(response.status)
        )
    };
    if said.is_ssl_required() {
        return Failure::new(Category::Configuration, told("refused to"))
            .hint("Cloud sites answer API calls only over https and under a host that begins with `api-`: set `site` to the host you log in at (e.g. na.myconnectwise.net) and leave `base_url` out.");
    }
    match response.status {
        StatusCode::UNAUTHORIZED => Failure::new(Category::Authentication, told("refused the keys when asked to"))
            .hint("Check company, public_key and private_key (System → Members → API Members → API Keys) and client_id (developer.connectwise.com); make a new key pair if in doubt."),
        StatusCode::FORBIDDEN if said.is_not_authenticated() => {
            Failure::new(Category::Authentication, told("refused the keys when asked to"))
                .hint("Check that the API member is active and that company, public_key and private_key belong together.")
        }
        StatusCode::FORBIDDEN => Failure::new(Category::Configuration, told("does not let the API member"))
            .hint(format!("Grant the API member's security role: {}.", right.cell())),
        StatusCode::NOT_FOUND => Failure::new(Category::Validation, told("found nothing when asked to"))
            .hint("It was deleted, merged, or the API member's role does not show it."),
        StatusCode::CONFLICT => Failure::new(Category::Server, told("is busy with the same object and did not"))
            .hint("Somebody else is saving it; it is tried again."),
        StatusCode::TOO_MANY_REQUESTS => Failure::new(Category::RateLimited, told("asked to slow down instead of letting us"))
            .retry_after(retry_after(&response.headers).or_else(|| said.seconds()))
            .hint("About 1,000 calls a minute are allowed for all integrations together; lower limits.calls_per_minute if this goes on."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Failure::new(Category::Validation, told("does not take the format in which we tried to")),
        StatusCode::METHOD_NOT_ALLOWED => Failure::new(Category::Configuration, told("has no such call as we used to"))
            .hint("The site may run an old version, or a proxy stands between; check `site`, `base_url` and `api_version`."),
        status if status.is_redirection() => Failure::new(Category::Configuration, told("sent us elsewhere when asked to"))
            .hint("Set `site` (or `base_url`) to the address that answers directly."),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            Failure::new(Category::Validation, told("refused to")).hint(said.mend())
        }
        status if status.is_server_error() => {
            let failure = Failure::new(Category::Server, told("failed to"))
                .retry_after(retry_after(&response.headers))
                .effect_unknown();
            if said.is_timeout() {
                failure.hint("ConnectWise ran out of time; it is tried again.")
            } else {
                failure.hint("ConnectWise also answers 500 to values it does not understand: if it happens again and again for one ticket, look at the values that were sent.")
            }
        }
        _ => classify(&told("did not"), response),
    }
}

/// What the body says, whatever its shape.
struct Said {
    code: Option<String>,
    message: String,
    details: Vec<Detail>,
}

struct Detail {
    code: String,
    field: Option<String>,
    message: String,
}

impl Said {
    fn of(body: &Value, response: &Response) -> Self {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = text_at(body, &["message"]).map_or_else(
            // A page or plain text: its beginning is better than nothing, its mark-up is not.
            || match response.text().trim_start() {
                "" | "null" => String::new(),
                page if page.starts_with('<') => "a page instead of data".to_owned(),
                text => line(&text.chars().take(200).collect::<String>()),
            },
            line,
        );
        let entries = body.get("errors").and_then(Value::as_array);
        let details = entries.into_iter().flatten().map(|entry| Detail {
            code: text_at(entry, &["code"]).unwrap_or_default().to_owned(),
            field: text_at(entry, &["field"]).map(str::to_owned),
            message: text_at(entry, &["message"]).map(line).unwrap_or_default(),
        });
        Self {
            code: text_at(body, &["code"])
                .or_else(|| text_at(body, &["error"]))
                .map(str::to_owned),
            message,
            details: details.collect(),
        }
    }

    fn with_status(&self, status: StatusCode) -> String {
        let mut told = status.as_u16().to_string();
        if let Some(code) = &self.code {
            told.push(' ');
            told.push_str(code);
        }
        if !self.message.is_empty() {
            told.push_str(": ");
            told.push_str(self.message.trim_end_matches('.'));
        }
        for detail in &self.details {
            told.push_str("; ");
            if let Some(field) = &detail.field {
                told.push_str(field);
                told.push_str(": ");
            }
            let text = if detail.message.is_empty() {
                &detail.code
            } else {
                &detail.message
            };
            told.push_str(text.trim_end_matches('.'));
        }
        told
    }

    fn mentions(&self, word: &str) -> bool {
        let has = |text: &str| text.to_ascii_lowercase().contains(word);
        has(&self.message)
            || self
                .details
                .iter()
                .any(|detail| has(&detail.message) || has(&detail.code))
    }

    fn is_ssl_required(&self) -> bool {
        self.mentions("ssl is required")
    }

    /// Some roles answer so where a 401 is meant.
    fn is_not_authenticated(&self) -> bool {
        self.mentions("usernotauthenticated")
    }

    fn is_timeout(&self) -> bool {
        self.mentions("timeout") || self.mentions("timed out")
    }

    /// `Please try again in 30 seconds.`
    fn seconds(&self) -> Option<Duration> {
        let words: Vec<&str> = self.message.split_whitespace().collect();
        let pair = words
            .windows(2)
            .find(|pair| pair[1].starts_with("second"))?;
        let seconds: u64 = pair[0].parse().ok()?;
        Some(Duration::from_secs(seconds.min(3600)))
    }

    fn mend(&self) -> String {
        let is = |code: &str| {
            self.code.as_deref() == Some(code)
                || self.details.iter().any(|detail| detail.code == code)
        };
        let fields: Vec<&str> = self
            .details
            .iter()
            .filter_map(|detail| detail.field.as_deref())
            .collect();
        if is("MissingRequiredField") {
            format!(
                "Map a value to: {}.",
                if fields.is_empty() {
                    "the required fields".to_owned()
                } else {
                    fields.join(", ")
                }
            )
        } else if is("ObjectExists") {
            "It exists already; look for it in ConnectWise before trying again.".to_owned()
        } else if self.mentions("choose where to display") {
            "A note needs a place: set features.message_visibility to public or internal."
                .to_owned()
        } else if is("ApiFindCondition") {
            "The site does not know this search field; its version may be older than expected: set `api_version`.".to_owned()
        } else if self.mentions("status") || fields.iter().any(|field| field.starts_with("status"))
        {
            "A status belongs to one board: map `board` together with `status`, or use a status of the ticket's own board.".to_owned()
        } else if fields.is_empty() {
            "Look at the values that were sent in the transaction's exchange.".to_owned()
        } else {
            format!("Correct the mapping of: {}.", fields.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::platform::connectwise::samples::sample;

    fn failure(status: u16, body: &str) -> Failure {
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        };
        read("update ticket 69", Right::EditTickets, &response)
    }

    #[test]
    fn the_samples_are_read_for_what_they_mean() {
        let Some(invalid) = sample("error-400-invalidobject.json") else {
            return;
        };
        let failed = failure(400, &invalid);
        assert_eq!(failed.category, Category::Validation);
        assert!(
            failed
                .cause
                .contains("id: id or deviceIdentifier is required"),
            "{failed}"
        );
        assert_eq!(failed.hint.unwrap(), "Map a value to: id.");
        let limited = failure(429, &sample("error-429.json").unwrap());
        assert_eq!(limited.category, Category::RateLimited);
        assert_eq!(limited.retry_after, Some(Duration::from_secs(30)));
        let ssl = failure(404, &sample("error-ssl-required.json").unwrap());
        assert_eq!(ssl.category, Category::Configuration);
        assert!(ssl.hint.unwrap().contains("api-"));
        let condition = failure(400, &sample("error-400-apifindcondition.json").unwrap());
        assert!(condition.cause.contains("ApiFindCondition"), "{condition}");
    }

    #[test]
    fn a_missing_right_is_configuration_and_names_the_cell() {
        let failed = failure(
            403,
            r#"{"code":"SecurityPermission","message":"You do not have\r\n permission"}"#,
        );
        assert_eq!(failed.category, Category::Configuration);
        assert!(
            failed.cause.contains("You do not have permission"),
            "{failed}"
        );
        assert!(failed.hint.unwrap().contains("Service Tickets → Edit"));
        let refused = failure(
            401,
            r#"{"code":"Unauthorized","message":"x","errors":null}"#,
        );
        assert_eq!(refused.category, Category::Authentication);
        let masked = failure(
            403,
            r#"{"code":"ConnectWiseApi","message":"UserNotAuthenticated"}"#,
        );
        assert_eq!(masked.category, Category::Authentication);
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        use crate::model::Effect;
        let conflict = failure(409, "{}");
        assert_eq!(
            (conflict.category, conflict.effect),
            (Category::Server, Effect::None)
        );
        let timeout = failure(
            500,
            r#"{"code":"Error","message":"Execution Timeout Expired"}"#,
        );
        assert_eq!(
            (timeout.category, timeout.effect),
            (Category::Server, Effect::Unknown)
        );
        assert!(timeout.hint.unwrap().contains("ran out of time"));
        assert_eq!(failure(415, "").category, Category::Validation);
        assert_eq!(failure(302, "").category, Category::Configuration);
        assert_eq!(
            failure(502, "<html>Bad gateway</html>").category,
            Category::Server
        );
    }

    #[test]
    fn a_huge_or_odd_body_makes_a_small_sentence() {
        assert!(failure(400, &"x ".repeat(100_000)).cause.len() < 400);
        assert!(failure(400, r#"{"errors":"many","message":7}"#).cause.len() < 400);
        assert!(
            failure(500, "<p>secret</p>")
                .cause
                .contains("a page instead of data")
        );
    }
}
