//! How ConnectWise refuses: `{code, message, errors}`, and one odd shape for 429.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::faults::Refusal;

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) field: String,
}

impl Fault {
    /// A field that can't hold what it was given.
    pub(super) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: "InvalidField",
            message: message.into(),
            field: field.into(),
        }
    }

    /// A field that must be given.
    pub(super) fn missing(field: &str) -> Self {
        Self {
            code: "MissingRequiredField",
            message: format!("{field} is required."),
            field: field.to_owned(),
        }
    }

    /// A reference to something that is not there.
    pub(super) fn dangling(field: &str) -> Self {
        Self {
            code: "InvalidReference",
            message: format!("{field} does not exist or is not valid here."),
            field: field.to_owned(),
        }
    }
}

/// A refusal.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// 400 `InvalidObject`.
    Invalid {
        resource: &'static str,
        faults: Vec<Fault>,
    },
    /// 400 `ApiFindCondition`.
    Condition(String),
    /// 401.
    Unauthorized(&'static str),
    /// 404 `NotFound`.
    NotFound(String),
    /// 415.
    MediaType(&'static str),
    /// 429.
    TooMany { seconds: u64 },
    /// 5xx.
    Server(StatusCode),
}

impl Trouble {
    /// One fault of an object.
    pub(super) fn invalid(resource: &'static str, fault: Fault) -> Self {
        Self::Invalid {
            resource,
            faults: vec![fault],
        }
    }

    /// A record that is not there.
    pub(super) fn no_record(resource: &str, id: u64) -> Self {
        Self::NotFound(format!("{resource} {id} not found"))
    }

    /// What the fault layer answers with.
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        let trouble = match refusal {
            Refusal::RateLimited {
                retry_after_seconds: seconds,
            } => Self::TooMany { seconds },
            Refusal::ServerError(status) => Self::Server(status),
            Refusal::Unauthorized => Self::Unauthorized(WRONG_KEYS),
        };
        trouble.into_response()
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid { .. } | Self::Condition(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Server(status) => *status,
        }
    }

    fn body(&self) -> Value {
        let plain = |code: &str, message: &str| json!({"code": code, "message": message});
        match self {
            Self::Invalid { resource, faults } => {
                let fault = |fault: &Fault| {
                    json!({
                        "code": fault.code,
                        "message": fault.message,
                        "resource": resource,
                        "field": fault.field,
                    })
                };
                let faults: Vec<_> = faults.iter().map(fault).collect();
                let message = format!("{resource} object is invalid");
                json!({"code": "InvalidObject", "message": message, "errors": faults})
            }
            Self::Condition(message) => plain("ApiFindCondition", message),
            Self::Unauthorized(message) => plain("Unauthorized", message),
            Self::NotFound(message) => plain("NotFound", message),
            Self::MediaType(wanted) => plain(
                "UnsupportedMediaType",
                &format!("Content type must be {wanted}."),
            ),
            Self::TooMany { seconds } => {
                let message = format!("Too many requests. Please try again in {seconds} seconds.");
                json!({"error": "ConnectWiseAPI", "message": message})
            }
            Self::Server(_) => plain(
                "InternalServerError",
                "An unexpected error has occurred.\r\n",
            ),
        }
    }
}

/// What is said to somebody with the wrong keys.
pub(super) const WRONG_KEYS: &str = "UserNotAuthenticated";

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        if let Self::TooMany { seconds } = self {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid { faults, .. } => {
                let texts: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
                formatter.write_str(&texts.join(" "))
            }
            other => formatter.write_str(other.body()["message"].as_str().unwrap_or_default()),
        }
    }
}
