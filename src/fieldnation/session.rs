//! Being signed in: the OAuth token, and sending with it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::complaint::{Complaint, backoff_headers, feature_refusal, refusal};
use super::work_order::text_of;
use crate::http::{Call, Client, Redactor, Request, Response, Token, TokenCache};
use crate::model::{Category, Effect, Failure};

/// How long a token lasts when Field Nation does not say.
const TOKEN_LASTS: Duration = Duration::from_secs(3600);

/// The five things the password grant wants, but its name.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) username: String,
    pub(super) password: SecretString,
}

/// Where the token travels.
#[derive(Clone, Copy, Debug)]
enum TokenPlace {
    /// `?access_token=`, as REST v2 declares it.
    Query,
    /// `Authorization: Bearer`, as Webhooks v3 does.
    Header,
}

/// One company's connection: addresses, credential and current token.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    secrets: Vec<SecretString>,
    credentials: Credentials,
    tokens: TokenCache,
    /// The client that also hides the token in force; made once for each token.
    signed: ArcSwapOption<SignedClient>,
    base: String,
    webhooks: String,
}

#[derive(Debug)]
struct SignedClient {
    access: SecretString,
    client: Client,
}

impl Session {
    pub(super) fn new(
        client: Client,
        credentials: Credentials,
        secrets: Vec<SecretString>,
        base: String,
        webhooks: String,
    ) -> Self {
        Self {
            client,
            secrets,
            credentials,
            tokens: TokenCache::default(),
            signed: ArcSwapOption::empty(),
            base,
            webhooks,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn username(&self) -> &str {
        &self.credentials.username
    }

    /// The host of REST v2, without a slash at its end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// An address of REST v2; `path` begins with a slash.
    pub(super) fn rest(&self, path: &str) -> String {
        format!("{}/api/rest/v2{path}", self.base)
    }

    /// An address of Webhooks v3; `path` is empty or begins with a slash.
    pub(super) fn webhooks(&self, path: &str) -> String {
        format!("{}/api/v1/webhooks{path}", self.webhooks)
    }

    /// Sends a REST call with the token in the query.
    pub(super) async fn send(&self, call: &Call, request: Request) -> Result<Response, Failure> {
        self.send_with(call, request, TokenPlace::Query).await
    }

    /// Sends a call of the webhooks API with the token as bearer.
    pub(super) async fn send_bearer(
        &self,
        call: &Call,
        request: Request,
    ) -> Result<Response, Failure> {
        self.send_with(call, request, TokenPlace::Header).await
    }

    /// Sends a call that must succeed and answer JSON; `what` says what we try.
    pub(super) async fn expect(
        &self,
        call: &Call,
        what: &str,
        request: Request,
    ) -> Result<Value, Failure> {
        let response = self.send(call, request).await?;
        success(what, &response)
    }

    /// The same for a side feature, which may lack a right of its own.
    pub(super) async fn expect_feature(
        &self,
        call: &Call,
        what: &str,
        feature: &str,
        request: Request,
    ) -> Result<Value, Failure> {
        let response = self.send(call, request).await?;
        feature_success(what, feature, &response)
    }

    async fn send_with(
        &self,
        call: &Call,
        request: Request,
        place: TokenPlace,
    ) -> Result<Response, Failure> {
        let token = self.token(call).await?;
        let response = self.signed(call, request.clone(), &token, place).await?;
        if response.status != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        // The token may have been revoked before its time: one new one, once.
        self.tokens.refused(&token).await;
        let token = self.token(call).await?;
        self.signed(call, request, &token, place).await
    }

    async fn signed(
        &self,
        call: &Call,
        request: Request,
        token: &Token,
        place: TokenPlace,
    ) -> Result<Response, Failure> {
        let access = token.access.expose_secret();
        let request = match place {
            TokenPlace::Query => request.query("access_token", access),
            TokenPlace::Header => request.header("authorization", format!("Bearer {access}")),
        };
        let response = self.client_hiding(token).client.send(call, request).await?;
        if let Some(headers) = backoff_headers(&response) {
            self.client
                .quota()
                .observe(response.status.as_u16(), &headers);
        }
        Ok(response)
    }

    /// An error page that quotes our request must not carry the token into the journal.
    fn client_hiding(&self, token: &Token) -> Arc<SignedClient> {
        let access = token.access.expose_secret();
        let known = self.signed.load_full();
        if let Some(known) = known.filter(|known| known.access.expose_secret() == access) {
            return known;
        }
        let hidden = self.secrets.iter().map(ExposeSecret::expose_secret);
        let redactor = Redactor::new(hidden.chain([access]).map(str::to_owned));
        let signed = Arc::new(SignedClient {
            access: token.access.clone(),
            client: self.client.with_redactor(redactor),
        });
        self.signed.store(Some(Arc::clone(&signed)));
        signed
    }

    /// The current token; fetched once for all who wait.
    pub(super) async fn token(&self, call: &Call) -> Result<Token, Failure> {
        self.tokens
            .get(|refresh| self.sign_in(call, refresh))
            .await
            .map_err(|mut failure| {
                // Whatever happened to the sign-in, the call that wanted it was never sent.
                failure.effect = Effect::None;
                failure
            })
    }

    async fn sign_in(&self, call: &Call, refresh: Option<SecretString>) -> Result<Token, Failure> {
        if let Some(refresh) = refresh {
            let grant = json!({
                "grant_type": "refresh_token",
                "client_id": self.credentials.client_id,
                "client_secret": self.credentials.client_secret.expose_secret(),
                "refresh_token": refresh.expose_secret(),
            });
            let response = self.ask_for_token(call, grant).await?;
            if let Some(token) = read_token(&response) {
                return Ok(token);
            }
            if !response.status.is_client_error() {
                return Err(refusal("renew our token", &response));
            }
            // How long a refresh token lives is not documented: the password is asked for again.
        }
        let grant = json!({
            "grant_type": "password",
            "client_id": self.credentials.client_id,
            "client_secret": self.credentials.client_secret.expose_secret(),
            "username": self.credentials.username,
            "password": self.credentials.password.expose_secret(),
        });
        let response = self.ask_for_token(call, grant).await?;
        read_token(&response).ok_or_else(|| sign_in_refusal(&response))
    }

    async fn ask_for_token(&self, call: &Call, grant: Value) -> Result<Response, Failure> {
        let address = format!("{}/authentication/api/oauth/token", self.base);
        // Recorded nowhere: an answer that consists of tokens has no place in a journal. What is wrong with a refused
        // one is in the failure.
        let unrecorded = Call::new(call.priority());
        let request = Request::post(address).json(grant);
        self.client.send(&unrecorded, request).await
    }
}

/// The JSON of a successful answer; an empty one is `null`.
pub(super) fn success(what: &str, response: &Response) -> Result<Value, Failure> {
    if response.is_success() {
        body(what, response)
    } else {
        Err(refusal(what, response))
    }
}

/// The same for a side feature.
pub(super) fn feature_success(
    what: &str,
    feature: &str,
    response: &Response,
) -> Result<Value, Failure> {
    if response.is_success() {
        body(what, response)
    } else {
        Err(feature_refusal(what, feature, response))
    }
}

fn body(what: &str, response: &Response) -> Result<Value, Failure> {
    if response.body.is_empty() {
        return Ok(Value::Null);
    }
    response.json().map_err(|mut failure| {
        failure.cause = format!("Field Nation was asked to {what}: {}", failure.cause);
        failure.effect_unknown()
    })
}

fn read_token(response: &Response) -> Option<Token> {
    if !response.is_success() {
        return None;
    }
    let body = response.json().ok()?;
    let access = text_of(body.get("access_token")?)?;
    let refresh = body.get("refresh_token").and_then(text_of);
    let lasts = body
        .get("expires_in")
        .and_then(text_of)
        .and_then(|text| text.parse::<f64>().ok())
        .filter(|seconds| *seconds >= 1.0)
        .map_or(TOKEN_LASTS, |seconds| {
            Duration::from_secs_f64(seconds.min(86_400.0))
        });
    Some(Token::new(
        access.into(),
        refresh.map(Into::into),
        Some(lasts),
    ))
}

fn sign_in_refusal(response: &Response) -> Failure {
    if response.is_success() {
        return Failure::new(
            Category::Authentication,
            "Field Nation answered the sign-in without a token",
        )
        .hint("Check base_url: it must be the API's host, e.g. https://api.fieldnation.com.");
    }
    let mut failure = refusal("let us sign in", response);
    let refused = matches!(
        response.status,
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    );
    if refused {
        failure.category = Category::Authentication;
        let code = Complaint::read(&response.body).code;
        failure.hint = Some(
            match code.as_deref() {
                Some("invalid_client") => "Check client_id and client_secret in fieldbridge.toml.",
                Some("invalid_grant") => {
                    "Check username and password of the API user in fieldbridge.toml."
                }
                _ => {
                    "Check client_id, client_secret, username and password in fieldbridge.toml; sandbox and production have different ones."
                }
            }
            .to_owned(),
        );
    }
    failure
}
