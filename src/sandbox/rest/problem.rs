//! How the service refuses: RFC 9457 problem details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::sandbox::faults::Refusal;

/// What is wrong with one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) field: String,
    pub(super) message: String,
}

impl FieldError {
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// A refusal.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    /// 400: the body or the query can't be read.
    Unreadable(String),
    /// 401.
    Unauthorized,
    /// 404.
    NotFound,
    /// 405.
    NotAllowed,
    /// 413.
    TooLarge,
    /// 415.
    MediaType(&'static str),
    /// 422 with everything that is wrong.
    Invalid(Vec<FieldError>),
    /// 429.
    TooMany { seconds: u64 },
    /// 5xx.
    Server(StatusCode),
}

impl Problem {
    /// What the fault layer answers with.
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        match refusal {
            Refusal::RateLimited {
                retry_after_seconds: seconds,
            } => Self::TooMany { seconds },
            Refusal::ServerError(status) => Self::Server(status),
            Refusal::Unauthorized => Self::Unauthorized,
        }
        .into_response()
    }

    fn told(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::Unreadable(why) => (StatusCode::BAD_REQUEST, "Not understood", why.clone()),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "Not let in",
                "The header X-Harbour-Key holds no valid key.".to_owned(),
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Not found",
                "There is nothing here.".to_owned(),
            ),
            Self::NotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "This can't be done here.".to_owned(),
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "Too large",
                "An attachment has at most 5 MB.".to_owned(),
            ),
            Self::MediaType(wanted) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Media type not supported",
                format!("Send {wanted}."),
            ),
            Self::Invalid(errors) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "Not valid",
                format!("{} members are wrong.", errors.len()),
            ),
            Self::TooMany { seconds } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                format!("Wait {seconds} seconds."),
            ),
            Self::Server(status) => (*status, "Out of order", "Try again later.".to_owned()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, title, detail) = self.told();
        let mut body = json!({"type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail});
        if let Self::Invalid(errors) = &self {
            let error =
                |error: &FieldError| json!({"field": error.field, "message": error.message});
            body["errors"] = errors.iter().map(error).collect();
        }
        let media_type = HeaderValue::from_static("application/problem+json");
        let mut response = (status, body.to_string()).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, media_type);
        if let Self::TooMany { seconds } = self {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (_, title, detail) = self.told();
        write!(formatter, "{title}: {detail}")?;
        if let Self::Invalid(errors) = self {
            for error in errors {
                write!(formatter, " {}: {}.", error.field, error.message)?;
            }
        }
        Ok(())
    }
}
