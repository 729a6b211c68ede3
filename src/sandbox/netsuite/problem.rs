//! How NetSuite refuses: `o:errorDetails` from REST, `error` from a RESTlet.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::faults::Refusal;

/// A refusal by REST web services.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    code: &'static str,
    detail: String,
    place: Option<(&'static str, String)>,
}

impl Problem {
    fn new(
        status: StatusCode,
        title: &'static str,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            title,
            code,
            detail: detail.into(),
            place: None,
        }
    }

    /// 400 for what a body holds.
    pub(super) fn content(path: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut problem = Self::bad("INVALID_CONTENT", detail);
        problem.place = Some(("o:errorPath", path.into()));
        problem
    }

    /// 400 for a query parameter.
    pub(super) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let mut problem = Self::bad("INVALID_PARAMETER", detail);
        problem.place = Some(("o:errorQueryParam", name.to_owned()));
        problem
    }

    /// 400 for a header.
    pub(super) fn header(name: &str, detail: impl Into<String>) -> Self {
        let mut problem = Self::bad("INVALID_HEADER", detail);
        problem.place = Some(("o:errorHeader", name.to_owned()));
        problem
    }

    /// 400 with another code.
    pub(super) fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad Request", code, detail)
    }

    /// 400: the request can't be understood.
    pub(super) fn malformed() -> Self {
        Self::bad(
            "INVALID_REQUEST",
            "The request could not be understood by the server due to malformed syntax.",
        )
    }

    /// 401, without the reason.
    pub(super) fn login() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Unauthorized",
            "INVALID_LOGIN",
            "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > Users/Roles > User Management > View Login Audit Trail.",
        )
    }

    /// 403: a permission is missing.
    pub(super) fn permission(which: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "INSUFFICIENT_PERMISSION",
            format!(
                "Permission Violation: You need the '{which}' permission to access this page. Please contact your account administrator."
            ),
        )
    }

    /// 404: no such record.
    pub(super) fn no_record() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Not Found",
            "NONEXISTENT_ID",
            "Record does not exist.",
        )
    }

    /// 404: no such type or service.
    pub(super) fn no_type(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Not Found",
            "INVALID_URL",
            format!("Record type '{name}' does not exist."),
        )
    }

    /// 405.
    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Method Not Allowed",
            "INVALID_METHOD",
            "The method is not allowed for this resource.",
        )
    }

    /// 415.
    pub(super) fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported Media Type",
            "UNSUPPORTED_MEDIA_TYPE",
            "The media type of the request is not supported.",
        )
    }

    /// 429: the pool is full.
    pub(super) fn concurrency() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Bad Request",
            "CONCURRENCY_LIMIT_EXCEEDED",
            "Concurrent request limit exceeded. Request blocked.",
        )
    }

    fn server(status: StatusCode) -> Self {
        Self::new(
            status,
            "Internal Server Error",
            "UNEXPECTED_ERROR",
            "An unexpected error occurred. Error ID: jrgbpyylphhishmmlxyt",
        )
    }

    /// What the fault layer answers with in the place of REST web services. NetSuite names no time to wait.
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        match refusal {
            Refusal::RateLimited { .. } => Self::concurrency(),
            Refusal::ServerError(status) => Self::server(status),
            Refusal::Unauthorized => Self::login(),
        }
        .into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut detail = json!({"detail": self.detail, "o:errorCode": self.code});
        if let Some((name, place)) = self.place {
            detail[name] = json!(place);
        }
        let number = self.status.as_u16() - 400;
        let page = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html";
        let body = json!({
            "type": if number < 100 { format!("{page}#sec10.4.{}", number + 1) } else { page.to_owned() },
            "title": self.title,
            "status": self.status.as_u16(),
            "o:errorDetails": [detail],
        });
        let media_type = "application/vnd.oracle.resource+json; type=error";
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if self.status == StatusCode::UNAUTHORIZED {
            let realm = "Bearer realm=\"123456\", error=\"invalid_token\", error_description=\"Invalid login attempt.\"";
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(realm));
        }
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.code, self.detail)
    }
}

/// A refusal by NetSuite in the place of a RESTlet.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScriptProblem {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

impl ScriptProblem {
    /// The login was refused.
    pub(super) const LOGIN: Self = Self {
        status: StatusCode::UNAUTHORIZED,
        code: "INVALID_LOGIN_ATTEMPT",
        message: "Invalid login attempt.",
    };
    /// No such script or deployment.
    pub(super) const NO_SCRIPT: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "SSS_INVALID_SCRIPTLET_ID",
        message: "That Suitelet is invalid, disabled, or no longer exists.",
    };
    /// The pool is full: a 400, unlike REST web services' 429.
    pub(super) const POOL_FULL: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "SSS_REQUEST_LIMIT_EXCEEDED",
        message: "Request Limit Exceeded.",
    };

    /// What the fault layer answers with in the place of a RESTlet.
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        match refusal {
            Refusal::RateLimited { .. } => Self::POOL_FULL,
            Refusal::ServerError(status) => Self {
                status,
                code: "UNEXPECTED_ERROR",
                message: "An unexpected error has occurred.",
            },
            Refusal::Unauthorized => Self::LOGIN,
        }
        .into_response()
    }
}

impl IntoResponse for ScriptProblem {
    fn into_response(self) -> Response {
        let body: Value = json!({"error": {"code": self.code, "message": self.message}});
        (self.status, Json(body)).into_response()
    }
}
