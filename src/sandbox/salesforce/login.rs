//! Signing in: the token endpoint with its grants, and SOAP's `login()`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::backend::{Backend, ORGANIZATION};
use super::problem::Problem;

/// The parameters of a token request.
struct Form(Vec<(String, String)>);

impl Form {
    fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// `POST /services/oauth2/token`.
pub(super) async fn token(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        return Problem::oauth("invalid_request", "must use HTTP POST with form parameters")
            .into_response();
    }
    let form = Form(url::form_urlencoded::parse(&body).into_owned().collect());
    match admit(&backend, &headers, &form) {
        Ok(()) => granted(&backend, form.text("grant_type")),
        Err(problem) => problem.into_response(),
    }
}

fn granted(backend: &Backend, grant: &str) -> Response {
    let access = backend.open_session();
    let base = &backend.base_url;
    let mut answer = json!({
        "access_token": access,
        "signature": "bm90LWEtcmVhbC1zaWduYXR1cmU=",
        "scope": "api",
        "instance_url": base,
        "id": format!("{base}/id/{ORGANIZATION}/{}", backend.api_user()),
        "token_type": "Bearer",
        "issued_at": backend.clock.now().as_millisecond().to_string(),
    });
    if grant == "refresh_token" && backend.settings.rotates_refresh_tokens {
        answer["refresh_token"] = json!(backend.rotate_refresh_token());
    }
    Json(answer).into_response()
}

fn admit(backend: &Backend, headers: &HeaderMap, form: &Form) -> Result<(), Problem> {
    let credentials = &backend.settings.credentials;
    let failure = || Problem::oauth("invalid_grant", "authentication failure");
    match form.text("grant_type") {
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => assertion(backend, form.text("assertion")),
        grant @ ("client_credentials" | "password" | "refresh_token") => {
            let (id, secret) = client(headers, form);
            if id != credentials.client_id {
                return Err(Problem::oauth(
                    "invalid_client_id",
                    "client identifier invalid",
                ));
            }
            let needs_secret = grant != "refresh_token" || !secret.is_empty();
            if needs_secret && secret != credentials.client_secret {
                return Err(Problem::oauth(
                    "invalid_client",
                    "invalid client credentials",
                ));
            }
            match grant {
                "password" => {
                    let wanted = format!("{}{}", credentials.password, credentials.security_token);
                    let is_right = form.text("username") == credentials.user_name
                        && form.text("password") == wanted;
                    if is_right { Ok(()) } else { Err(failure()) }
                }
                "refresh_token" if form.text("refresh_token") != backend.refresh_token() => Err(
                    Problem::oauth("invalid_grant", "expired access/refresh token"),
                ),
                _ => Ok(()),
            }
        }
        _ => Err(Problem::oauth(
            "unsupported_grant_type",
            "grant type not supported",
        )),
    }
}

/// The client's id and secret: as parameters or as Basic credentials.
fn client(headers: &HeaderMap, form: &Form) -> (String, String) {
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            text.split_once(':')
                .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        });
    basic.unwrap_or_else(|| {
        (
            form.text("client_id").to_owned(),
            form.text("client_secret").to_owned(),
        )
    })
}

/// How far ahead an assertion may end.
const LONGEST_ASSERTION_SECONDS: i64 = 300;

fn assertion(backend: &Backend, text: &str) -> Result<(), Problem> {
    let credentials = &backend.settings.credentials;
    let invalid = || Problem::oauth("invalid_grant", "invalid assertion");
    let key = credentials.public_key.as_deref().ok_or_else(invalid)?;
    let mut validation = Validation::new(Algorithm::RS256);
    // The stand-in's own clock decides about the time.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = decode::<Value>(text, &DecodingKey::from_rsa_der(key), &validation)
        .map_err(|_| invalid())?
        .claims;
    if claims["iss"] != credentials.client_id.as_str() {
        return Err(Problem::oauth(
            "invalid_client_id",
            "client identifier invalid",
        ));
    }
    if ![
        "https://login.salesforce.com",
        "https://test.salesforce.com",
    ]
    .contains(&claims["aud"].as_str().unwrap_or_default())
    {
        return Err(Problem::oauth("invalid_grant", "audience is invalid"));
    }
    let now = backend.clock.now().as_second();
    let ends = claims["exp"].as_i64().unwrap_or_default();
    if ends <= now || ends > now + LONGEST_ASSERTION_SECONDS {
        return Err(Problem::oauth("invalid_grant", "expired assertion"));
    }
    if claims["sub"] != credentials.user_name.as_str() || !backend.is_approved() {
        return Err(Problem::oauth(
            "invalid_grant",
            "user hasn't approved this consumer",
        ));
    }
    Ok(())
}

/// `POST /services/Soap/u/{version}`: `login()`, gone from version 65.0 on.
pub(super) async fn soap(
    State(backend): State<Arc<Backend>>,
    Path(version): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let major: u32 = version
        .split('.')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    if !(31..=64).contains(&major) {
        return fault(
            "UNSUPPORTED_API_VERSION",
            "UNSUPPORTED_API_VERSION: The API version is not supported",
        );
    }
    let is_xml = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/xml"));
    if !is_xml
        || !headers.contains_key("soapaction")
        || !body.contains("urn:partner.soap.sforce.com")
    {
        return fault("soapenv:Client", "SOAPAction HTTP header missing");
    }
    let credentials = &backend.settings.credentials;
    let wanted = format!("{}{}", credentials.password, credentials.security_token);
    if between(&body, "username") != credentials.user_name || between(&body, "password") != wanted {
        return fault(
            "INVALID_LOGIN",
            "INVALID_LOGIN: Invalid username, password, security token; or user locked out.",
        );
    }
    let user = backend.api_user();
    let text = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result><passwordExpired>false</passwordExpired><sandbox>false</sandbox><serverUrl>{}/services/Soap/u/{version}/{ORGANIZATION}</serverUrl><sessionId>{}</sessionId><userId>{user}</userId><userInfo><organizationId>{ORGANIZATION}</organizationId><userId>{user}</userId></userInfo></result></loginResponse></soapenv:Body></soapenv:Envelope>"#,
        backend.base_url,
        backend.open_session(),
    );
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], text).into_response()
}

/// The text of the first element of a name, its escapes undone.
fn between(body: &str, name: &str) -> String {
    let found = body
        .split_once(&format!("{name}>"))
        .and_then(|(_, rest)| rest.split_once("</"));
    let text = found.map_or("", |(text, _)| text);
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escape, character)| {
        text.replace(escape, character)
    })
}

fn fault(code: &str, message: &str) -> Response {
    let text = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>{code}</faultcode><faultstring>{message}</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>"#
    );
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        [(header::CONTENT_TYPE, "text/xml; charset=utf-8")],
        text,
    )
        .into_response()
}
