//! Who may come in: token-based authentication, and tokens that a certificate got.
//!
//! A refused caller is told nothing; the reason stands in the Login Audit Trail, which only the account's people see.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::Sha256;

use super::NetSuiteSettings;
use super::certificate::PublicKey;

/// How far a timestamp may be from the server's clock.
const WINDOW: i64 = 300;
/// How long an access token lasts.
const LIFETIME: i64 = 3_600;

const RFC_3986: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn escape(text: &str) -> String {
    utf8_percent_encode(text, &RFC_3986).to_string()
}

/// The gate of the account.
#[derive(Default)]
pub(super) struct Gate(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    nonces: HashSet<(String, String)>,
    tokens: HashMap<String, i64>,
    audit: Vec<String>,
}

/// What is known of a call when it is to be let in.
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    pub(super) base_url: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) now: i64,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reasons for refusals, oldest first, as the Login Audit Trail names them.
    pub(super) fn audit(&self) -> Vec<String> {
        self.lock().audit.clone()
    }

    /// Ends all access tokens that certificates got.
    pub(super) fn revoke_tokens(&self) {
        self.lock().tokens.clear();
    }

    /// Lets a call in or not.
    pub(super) fn admits(&self, settings: &NetSuiteSettings, call: &Call<'_>) -> bool {
        let value = call.headers.get(header::AUTHORIZATION);
        let value = value.and_then(|value| value.to_str().ok());
        let verdict = match value.and_then(|value| value.split_once(' ')) {
            Some(("OAuth", parameters)) => self.check_signature(settings, call, parameters),
            Some(("Bearer", token)) => self.check_token(token, call.now),
            _ => Err("NoCredentials"),
        };
        match verdict {
            Ok(()) => true,
            Err(reason) => {
                self.lock().audit.push(reason.to_owned());
                false
            }
        }
    }

    fn check_token(&self, token: &str, now: i64) -> Result<(), &'static str> {
        match self.lock().tokens.get(token) {
            Some(end) if now < *end => Ok(()),
            _ => Err("token_rejected"),
        }
    }

    fn check_signature(
        &self,
        settings: &NetSuiteSettings,
        call: &Call<'_>,
        header: &str,
    ) -> Result<(), &'static str> {
        let mut given: HashMap<String, String> = HashMap::new();
        for part in header.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or("parameter_rejected")?;
            let value = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            let value = percent_decode_str(value.ok_or("parameter_rejected")?)
                .decode_utf8()
                .map_err(|_| "parameter_rejected")?;
            if value.is_empty() || given.insert(name.to_owned(), value.into_owned()).is_some() {
                return Err("parameter_rejected");
            }
        }
        let get = |name: &str| {
            given
                .get(name)
                .map(String::as_str)
                .ok_or("parameter_absent")
        };
        if get("realm")? != settings.account {
            return Err("InvalidRealm");
        }
        if get("oauth_signature_method")? != "HMAC-SHA256" {
            return Err("signature_method_rejected");
        }
        if given
            .get("oauth_version")
            .is_some_and(|version| version != "1.0")
        {
            return Err("version_rejected");
        }
        if get("oauth_consumer_key")? != settings.consumer_key {
            return Err("consumer_key_unknown");
        }
        if get("oauth_token")? != settings.token_id {
            return Err("token_rejected");
        }
        let timestamp: i64 = get("oauth_timestamp")?
            .parse()
            .map_err(|_| "InvalidTimestamp")?;
        if (timestamp - call.now).abs() > WINDOW {
            return Err("InvalidTimestamp");
        }
        let nonce = get("oauth_nonce")?;
        if nonce.len() < 6 {
            return Err("InvalidNonce");
        }
        let signature = get("oauth_signature")?;
        if signature != sign(settings, call, &given) {
            return Err("InvalidSignature");
        }
        let used = (nonce.to_owned(), timestamp.to_string());
        if self.lock().nonces.insert(used) {
            Ok(())
        } else {
            Err("NonceUsed")
        }
    }

    /// Gives an access token for a certificate's assertion.
    pub(super) fn exchange(
        &self,
        settings: &NetSuiteSettings,
        endpoint: &str,
        form: &HashMap<String, String>,
        now: i64,
    ) -> Response {
        match check_assertion(settings, endpoint, form, now) {
            Ok(()) => {
                let token = format!("not-a-real-token-{}", uuid::Uuid::now_v7());
                self.lock().tokens.insert(token.clone(), now + LIFETIME);
                let body =
                    json!({"access_token": token, "expires_in": LIFETIME, "token_type": "Bearer"});
                axum::Json(body).into_response()
            }
            Err(reason) => {
                self.lock().audit.push(reason.to_owned());
                let body = json!({"error": "invalid_request"});
                (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
            }
        }
    }
}

fn check_assertion(
    settings: &NetSuiteSettings,
    endpoint: &str,
    form: &HashMap<String, String>,
    now: i64,
) -> Result<(), &'static str> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "client_credentials"
        || field("client_assertion_type")
            != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    {
        return Err("parameter_rejected");
    }
    let assertion = field("client_assertion");
    let header = decode_header(assertion).map_err(|_| "InvalidAssertion")?;
    let accepted = [
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
    ];
    if !accepted.contains(&header.alg) {
        return Err("signature_method_rejected");
    }
    let certificate = settings.certificate.as_ref().ok_or("NoCertificate")?;
    if header.kid.as_deref() != Some(certificate.id.as_str()) {
        return Err("NoCertificate");
    }
    let key = PublicKey::read(&certificate.public_key).ok_or("NoCertificate")?;
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[endpoint]);
    validation.set_issuer(&[&settings.client_id]);
    // The account's clock decides, not this process's.
    validation.validate_exp = false;
    let claims = decode::<Value>(assertion, &key.0, &validation).map_err(|_| "InvalidAssertion")?;
    let moment = |name: &str| claims.claims[name].as_i64().ok_or("InvalidAssertion");
    let (issued, ends) = (moment("iat")?, moment("exp")?);
    if ends - issued >= 3_600 || now >= ends || issued > now + WINDOW {
        return Err("InvalidTimestamp");
    }
    let scope = &claims.claims["scope"];
    let named = |wanted: &str| match scope {
        Value::Array(items) => items.iter().any(|item| item == wanted),
        Value::String(text) => text.split([' ', ',']).any(|word| word == wanted),
        _ => false,
    };
    if named("rest_webservices") && named("restlets") {
        Ok(())
    } else {
        Err("InvalidScope")
    }
}

fn sign(settings: &NetSuiteSettings, call: &Call<'_>, given: &HashMap<String, String>) -> String {
    let of_header = given
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "realm" | "oauth_signature"))
        .map(|(name, value)| (escape(name), escape(value)));
    let of_query = url::form_urlencoded::parse(call.query.as_bytes())
        .map(|(name, value)| (escape(&name), escape(&value)));
    let mut pairs: Vec<_> = of_header.chain(of_query).collect();
    pairs.sort();
    let joined: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let base = format!(
        "{}&{}&{}",
        call.method,
        escape(&format!("{}{}", call.base_url.to_lowercase(), call.path)),
        escape(&joined.join("&"))
    );
    let key = format!(
        "{}&{}",
        escape(&settings.consumer_secret),
        escape(&settings.token_secret)
    );
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(base.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> Option<Value> {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let path = format!("{shared}/samples/netsuite/tba_test_vectors.json");
        let text = std::fs::read_to_string(path).ok();
        if text.is_none() {
            println!("skipped: the samples are not here");
        }
        Some(serde_json::from_str(&text?).unwrap())
    }

    #[test]
    fn the_vendors_vectors_get_in_once_and_nothing_else_does() {
        let Some(told) = vectors() else { return };
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        let settings = NetSuiteSettings {
            account: text("realm"),
            consumer_key: text("consumer_key"),
            consumer_secret: text("consumer_secret"),
            token_id: text("token"),
            token_secret: text("token_secret"),
            ..NetSuiteSettings::default()
        };
        let now: i64 = text("timestamp").parse().unwrap();
        for vector in told["vectors"].as_array().unwrap() {
            let (Some(url), Some(method)) = (vector["url"].as_str(), vector["method"].as_str())
            else {
                continue;
            };
            let signature = vector["signature"].as_str().unwrap();
            let admits = |gate: &Gate, realm: &str, signature: &str, now: i64| {
                let url: url::Url = url.parse().unwrap();
                let header = format!(
                    "OAuth realm=\"{realm}\", oauth_token=\"{}\", oauth_consumer_key=\"{}\", oauth_nonce=\"{}\", oauth_timestamp=\"{}\", oauth_signature_method=\"HMAC-SHA256\", oauth_version=\"1.0\", oauth_signature=\"{}\"",
                    text("token"),
                    text("consumer_key"),
                    text("nonce"),
                    text("timestamp"),
                    escape(signature),
                );
                let headers =
                    HeaderMap::from_iter([(header::AUTHORIZATION, header.parse().unwrap())]);
                let call = Call {
                    method: &method.parse().unwrap(),
                    base_url: &format!("https://{}", url.host_str().unwrap()),
                    path: url.path(),
                    query: url.query().unwrap_or_default(),
                    headers: &headers,
                    now,
                };
                gate.admits(&settings, &call)
            };
            let gate = Gate::default();
            assert!(admits(&gate, "123456", signature, now), "{url}");
            assert!(!admits(&gate, "123456", signature, now));
            assert!(!admits(&gate, "654321", signature, now));
            assert!(!admits(&gate, "123456", "AAAA", now));
            assert!(!admits(&gate, "123456", signature, now + 301));
            let reasons = [
                "NonceUsed",
                "InvalidRealm",
                "InvalidSignature",
                "InvalidTimestamp",
            ];
            assert_eq!(gate.audit(), reasons);
        }
    }
}
