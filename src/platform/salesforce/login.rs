//! Signing in: one answer of the token endpoint, or of SOAP's `login()`, becomes a session's facts.
//!
//! The vendor names no end of a token's life, so nothing here keeps time: a session lasts until it is refused.

use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::host::Door;
use super::settings::Grant;
use super::{ids, soap};
use crate::http::{Body, Call, Client, Request, Response, classify};
use crate::model::{Category, Failure, Timestamp};
use crate::platform::basics::text_at;

/// How long an assertion may be used. The vendor takes some minutes at most.
const ASSERTION_SECONDS: i64 = 180;

/// What a sign-in gave.
#[derive(Clone, Debug)]
pub(super) struct Login {
    /// What is sent with each call.
    pub(super) access: SecretString,
    /// Where the API is, without a slash at the end.
    pub(super) instance: String,
    /// The org's id, 18 characters.
    pub(super) organization: Option<String>,
    /// Our own user's id, 18 characters.
    pub(super) user: Option<String>,
    /// A new refresh token, from an org that changes it at each use.
    pub(super) refresh: Option<SecretString>,
}

/// Signs in.
///
/// # Errors
/// `authentication` with what to do, when the credential is refused.
pub(super) async fn sign_in(
    client: &Client,
    call: &Call,
    door: &Door,
    grant: &Grant,
    version: &str,
    now: Timestamp,
) -> Result<Login, Failure> {
    if let Grant::SoapLogin {
        user_name,
        password,
    } = grant
    {
        // The answer holds the session's id in a form that no redactor knows, so this one exchange is not recorded.
        let unseen = Call::new(call.priority());
        let request = soap::request(door.address(), version, user_name, password);
        let response = client.send(&unseen, request).await?;
        return soap::read(door, &response);
    }
    let form = form(grant, now)?;
    let request = Request::new(
        Method::POST,
        format!("{}/services/oauth2/token", door.address()),
    )
    .header("accept", "application/json")
    .body(Body::Form(form));
    let response = client.send(call, request).await?;
    if response.is_success() {
        read(door, &response)
    } else {
        Err(refusal(&response))
    }
}

fn form(grant: &Grant, now: Timestamp) -> Result<Vec<(String, String)>, Failure> {
    let shown = |secret: &SecretString| secret.expose_secret().to_owned();
    let pairs: Vec<(&str, String)> = match grant {
        Grant::JwtBearer {
            client_id,
            user_name,
            key,
            audience,
        } => {
            let claims = json!({
                "iss": client_id.expose_secret(),
                "sub": user_name,
                "aud": audience,
                "exp": now.as_second() + ASSERTION_SECONDS,
            });
            let assertion = key.sign(&claims).map_err(|error| {
                Failure::new(
                    Category::Configuration,
                    format!("the assertion can't be signed: {error}"),
                )
                .hint("Check private_key.")
            })?;
            vec![
                (
                    "grant_type",
                    "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned(),
                ),
                ("assertion", shown(&assertion)),
            ]
        }
        Grant::ClientCredentials {
            client_id,
            client_secret,
        } => vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", shown(client_id)),
            ("client_secret", shown(client_secret)),
        ],
        Grant::RefreshToken {
            client_id,
            client_secret,
            refresh_token,
        } => {
            let mut pairs = vec![
                ("grant_type", "refresh_token".to_owned()),
                ("client_id", shown(client_id)),
                ("refresh_token", shown(&refresh_token.current())),
            ];
            pairs.extend(
                client_secret
                    .as_ref()
                    .map(|secret| ("client_secret", shown(secret))),
            );
            pairs
        }
        Grant::Password {
            client_id,
            client_secret,
            user_name,
            password,
        } => vec![
            ("grant_type", "password".to_owned()),
            ("client_id", shown(client_id)),
            ("client_secret", shown(client_secret)),
            ("username", user_name.clone()),
            ("password", shown(password)),
        ],
        Grant::SoapLogin { .. } => Vec::new(),
    };
    Ok(pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

fn read(door: &Door, response: &Response) -> Result<Login, Failure> {
    let answer = response.json()?;
    let (Some(access), Some(instance)) = (
        text_at(&answer, &["access_token"]),
        text_at(&answer, &["instance_url"]),
    ) else {
        return Err(Failure::new(
            Category::Server,
            "Salesforce answered the sign-in without access_token or instance_url",
        ));
    };
    let (organization, user) = text_at(&answer, &["id"]).map(identity).unwrap_or_default();
    Ok(Login {
        access: access.to_owned().into(),
        instance: door.instance(instance).map_err(distrusted)?,
        organization,
        user,
        refresh: text_at(&answer, &["refresh_token"]).map(|text| text.to_owned().into()),
    })
}

/// The failure of a sign-in that leads to a host not to be trusted.
pub(super) fn distrusted(why: String) -> Failure {
    Failure::new(Category::Configuration, why)
        .hint("Check instance_name; if a proxy stands between, set base_url to it.")
}

/// The org's and the user's id in `https://login.salesforce.com/id/ORG/USER`.
fn identity(address: &str) -> (Option<String>, Option<String>) {
    let mut parts = address.trim_end_matches('/').rsplit('/');
    let user = parts.next().and_then(ids::long);
    let organization = parts.next().and_then(ids::long);
    (organization, user)
}

/// What a refusal of the token endpoint means: `{"error", "error_description"}`.
fn refusal(response: &Response) -> Failure {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let short =
        |name: &str| text_at(&body, &[name]).map(|text| text.chars().take(300).collect::<String>());
    let (Some(error), description) = (
        short("error"),
        short("error_description").unwrap_or_default(),
    ) else {
        return Failure {
            cause: format!(
                "Salesforce failed to answer the sign-in: {}",
                response.status
            ),
            ..classify("", response)
        };
    };
    let cause = format!("Salesforce refused the sign-in: {error} ({description})");
    if response.status.is_server_error()
        || error == "server_error"
        || error == "temporarily_unavailable"
    {
        return Failure::new(Category::Server, cause);
    }
    let told = format!("{error} {description}").to_ascii_lowercase();
    if response.status == StatusCode::TOO_MANY_REQUESTS || told.contains("login rate exceeded") {
        return Failure::new(Category::RateLimited, cause)
            .retry_after(Some(std::time::Duration::from_secs(300)))
            .hint("A user may sign in 3,600 times an hour; another process signs in over and over with the same user.");
    }
    Failure::new(Category::Authentication, cause).hint(hint(&told))
}

/// What to do about a refusal, by what it says.
pub(super) fn hint(told: &str) -> &'static str {
    let has = |part: &str| told.contains(part);
    if has("approved this consumer") {
        "Pre-authorise the user: in the connected app's policies set Permitted Users to \"Admin approved users are pre-authorized\" and add the user's profile or permission set."
    } else if has("not supported on this domain") {
        "Client credentials work on the org's My Domain only: check instance_name."
    } else if has("invalid_client_id") || has("client identifier invalid") {
        "Check client_id (the consumer key), and that instance_name and instance_type are that app's org; a new app takes up to ten minutes."
    } else if has("invalid_client") {
        "Check client_secret (the consumer secret)."
    } else if has("expired access/refresh token") || has("inactive user") {
        "The refresh token was revoked or ran out, or the user is inactive: sign in once more and store the new token."
    } else if has("audience") {
        "instance_type does not fit the org: \"production\" signs for login.salesforce.com, \"test\" for test.salesforce.com."
    } else if has("assertion") || has("signature") {
        "Check that private_key belongs to the certificate of the connected app, and that this machine's clock is right."
    } else if has("no client credentials user enabled") {
        "Name a run-as user in the connected app's policy for the client credentials flow."
    } else if has("unsupported_grant_type") || has("grant type not supported") {
        "The org has this grant switched off (Setup › OAuth and OpenID Connect Settings): use jwt_bearer or client_credentials."
    } else if has("login_must_use_security_token") {
        "Set token (the user's security token), or add this machine's address to the org's trusted IP ranges."
    } else {
        "Check user_name, password and token (the token changes with the password) or private_key, and that instance_type fits the org; the user's Login History in Setup tells the exact reason."
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn the_identity_tells_org_and_user() {
        let told = identity("https://na15.salesforce.com/id/00Di0000000icUB/0DFi00000008UYO");
        assert_eq!(told.0.as_deref(), Some("00Di0000000icUBEAY"));
        assert_eq!(told.1.as_deref(), Some("0DFi00000008UYOGA2"));
        assert_eq!(identity("x"), (None, None));
    }

    #[test]
    fn refusals_are_told_apart() {
        for (status, body, category, hint) in [
            (
                400,
                r#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#,
                Category::Authentication,
                "Pre-authorise",
            ),
            (
                400,
                r#"{"error":"invalid_client_id","error_description":"client identifier invalid"}"#,
                Category::Authentication,
                "client_id",
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"authentication failure"}"#,
                Category::Authentication,
                "Login History",
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"request not supported on this domain"}"#,
                Category::Authentication,
                "My Domain",
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"login rate exceeded"}"#,
                Category::RateLimited,
                "3,600",
            ),
            (
                503,
                r#"{"error":"server_error","error_description":"x"}"#,
                Category::Server,
                "",
            ),
        ] {
            let failure = refusal(&answer(status, body));
            assert_eq!(failure.category, category, "{body}");
            assert!(failure.hint.unwrap_or_default().contains(hint), "{body}");
        }
        assert_eq!(refusal(&answer(502, "<html>")).category, Category::Server);
    }

    #[test]
    fn the_vendors_own_refusal_says_what_to_do() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let name = "oauth-error-invalid-grant.json";
        let Ok(body) = std::fs::read_to_string(format!("{shared}/samples/salesforce/{name}"))
        else {
            println!("skipped: the samples are not here");
            return;
        };
        let failure = refusal(&answer(400, &body));
        assert_eq!(failure.category, Category::Authentication);
        assert!(failure.hint.unwrap().starts_with("Pre-authorise"));
    }
}
