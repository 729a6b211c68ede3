//! SOAP's `login()`: the sign-in of the hosted broker's days, which the vendor is about to end.
//!
//! Versions from 65.0 on do not have it, and those up to 64.0 lose it with Summer '27. New orgs have it switched off. It
//! stands behind a warning in the connector's check.

use http::Method;
use secrecy::{ExposeSecret, SecretString};

use super::host::Door;
use super::login::{Login, distrusted, hint};
use super::xml::{self, Element};
use super::{host, ids};
use crate::http::{Body, Request, Response, classify};
use crate::model::{Category, Failure};

/// What the connector's check says of this grant.
pub(super) const WARNING: &str = "SOAP login() ends with Summer '27 and does not exist from API 65.0 on: move to jwt_bearer or client_credentials";

/// The call.
pub(super) fn request(
    door: &str,
    version: &str,
    user_name: &str,
    password: &SecretString,
) -> Request {
    let envelope = format!(
        concat!(
            r#"<?xml version="1.0" encoding="utf-8"?>"#,
            r#"<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>"#,
            r#"<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{}</n1:username>"#,
            r#"<n1:password>{}</n1:password></n1:login></env:Body></env:Envelope>"#
        ),
        xml::escaped(user_name),
        xml::escaped(password.expose_secret()),
    );
    Request::new(Method::POST, format!("{door}/services/Soap/u/{version}"))
        .header("SOAPAction", "login")
        .body(Body::Bytes(
            "text/xml; charset=UTF-8".to_owned(),
            envelope.into(),
        ))
}

/// Reads the answer.
///
/// # Errors
/// What a fault means.
pub(super) fn read(door: &Door, response: &Response) -> Result<Login, Failure> {
    let unreadable = || Failure {
        cause: format!(
            "Salesforce failed to answer the SOAP login: {}",
            response.status
        ),
        ..classify("", response)
    };
    let envelope = xml::read(&response.body).map_err(|_| unreadable())?;
    let body = envelope.child("Body").ok_or_else(unreadable)?;
    if let Some(fault) = body.child("Fault") {
        return Err(refusal(fault));
    }
    let result = body
        .child("loginResponse")
        .and_then(|answer| answer.child("result"));
    let result = result.ok_or_else(unreadable)?;
    let (Some(session), Some(server)) = (result.text_of("sessionId"), result.text_of("serverUrl"))
    else {
        return Err(unreadable());
    };
    // The server's address is that of the SOAP API; the REST API is at the same host.
    let server = host::root(server).map_err(distrusted)?;
    let organization = result
        .child("userInfo")
        .and_then(|info| info.text_of("organizationId"));
    Ok(Login {
        access: session.to_owned().into(),
        instance: door
            .instance(&server.origin().ascii_serialization())
            .map_err(distrusted)?,
        organization: organization.and_then(ids::long),
        user: result.text_of("userId").and_then(ids::long),
        refresh: None,
    })
}

fn refusal(fault: &Element) -> Failure {
    let told = fault
        .text_of("faultstring")
        .or_else(|| fault.text_of("faultcode"));
    let told: String = told
        .unwrap_or("no reason given")
        .chars()
        .take(300)
        .collect();
    let cause = format!("Salesforce refused the SOAP login: {told}");
    let lower = told.to_ascii_lowercase();
    if lower.contains("server_unavailable") {
        return Failure::new(Category::Server, cause);
    }
    let hint = if lower.contains("unsupported_api_version")
        || lower.contains("soap api login() is disabled")
    {
        WARNING
    } else {
        hint(&lower)
    };
    Failure::new(Category::Authentication, cause).hint(hint)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn sample(name: &str, status: u16) -> Option<Response> {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let Ok(body) = std::fs::read(format!("{shared}/samples/salesforce/{name}")) else {
            println!("skipped: the samples are not here");
            return None;
        };
        Some(Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.into(),
        })
    }

    #[test]
    fn the_vendors_answer_is_read() {
        let Some(response) = sample("soap-login-response.xml", 200) else {
            return;
        };
        let door = Door::Vendor(host::root("https://acme.my.salesforce.com").unwrap());
        let login = read(&door, &response).unwrap();
        assert_eq!(login.access.expose_secret(), "12345");
        assert_eq!(login.instance, "https://na15.salesforce.com");
        assert_eq!(login.organization.as_deref(), Some("00Di0000000icUBEAY"));
        assert_eq!(login.user.as_deref(), Some("005i0000002MUqLAAW"));
    }

    #[test]
    fn the_vendors_fault_is_about_the_credential() {
        let Some(response) = sample("soap-login-fault.xml", 500) else {
            return;
        };
        let door = Door::Vendor(host::root("https://acme.my.salesforce.com").unwrap());
        let failure = read(&door, &response).unwrap_err();
        assert_eq!(failure.category, Category::Authentication);
        assert!(failure.cause.contains("INVALID_LOGIN"));
    }

    #[test]
    fn the_credential_is_escaped() {
        let request = request("https://x", "64.0", "a&b", &"<p>\"'".into());
        let Body::Bytes(_, body) = request.body else {
            panic!()
        };
        let envelope = xml::read(&body).unwrap();
        let login = envelope.child("Body").unwrap().child("login").unwrap();
        assert_eq!(
            (login.text_of("username"), login.text_of("password")),
            (Some("a&b"), Some("<p>\"'"))
        );
    }
}
