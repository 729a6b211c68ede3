//! Proving who we are: Basic, bearer, a key, OAuth 2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::http::{Body, Call, Client, RefreshToken, Request, Token, TokenCache, classify};
use crate::model::{Category, Failure};
use crate::openapi::KeyPlace;

/// The credentials of a connector; those that are set are all sent.
#[derive(Debug, Default)]
pub(super) struct Authentication {
    pub(super) basic: Option<(String, SecretString)>,
    pub(super) bearer: Option<SecretString>,
    pub(super) key: Option<(KeyAt, SecretString)>,
    pub(super) oauth: Option<OAuth>,
}

/// Where a key goes.
#[derive(Clone, Debug)]
pub(super) struct KeyAt {
    pub(super) place: KeyPlace,
    pub(super) name: String,
}

/// What tokens are asked for with.
#[derive(Debug)]
pub(super) struct OAuth {
    /// Whole, or relative to the API's address.
    pub(super) token_url: String,
    pub(super) client_id: String,
    pub(super) client_secret: Option<SecretString>,
    pub(super) scope: Option<String>,
    pub(super) grant: Grant,
    pub(super) place: ClientPlace,
}

/// What a token is granted for.
#[derive(Debug)]
pub(super) enum Grant {
    /// The client itself.
    ClientCredentials,
    /// A refresh token that a person obtained once.
    Refresh(RefreshToken),
}

/// Where the client's own credentials go (RFC 6749, 2.3.1: servers must take the header; some take only the body).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClientPlace {
    /// Basic authentication.
    #[default]
    Header,
    /// The form.
    Body,
}

impl Authentication {
    /// What must never be shown, whatever it is put into.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        if let Some((username, password)) = &self.basic {
            secrets.push(password.expose_secret().to_owned());
            secrets.push(pair(username, password.expose_secret()));
        }
        let oauth = self.oauth.as_ref();
        let refresh = oauth.and_then(|oauth| match &oauth.grant {
            Grant::Refresh(token) => Some(token.configured()),
            Grant::ClientCredentials => None,
        });
        let plain = self
            .bearer
            .iter()
            .chain(self.key.as_ref().map(|(_, key)| key));
        let plain = plain.chain(oauth.and_then(|oauth| oauth.client_secret.as_ref()));
        secrets.extend(
            plain
                .chain(refresh)
                .map(|one| one.expose_secret().to_owned()),
        );
        secrets
    }

    /// What the credential is, for people.
    pub(super) fn words(&self) -> String {
        let mut words = Vec::new();
        if let Some((username, _)) = &self.basic {
            words.push(format!("Basic, user {username}"));
        }
        if self.bearer.is_some() {
            words.push("bearer token".to_owned());
        }
        if let Some((at, _)) = &self.key {
            words.push(format!("key in {}", at.name));
        }
        if let Some(oauth) = &self.oauth {
            words.push(format!("OAuth 2, client {}", oauth.client_id));
        }
        if words.is_empty() {
            "no credential".to_owned()
        } else {
            words.join(", ")
        }
    }
}

/// Base64 of `name:password`.
pub(super) fn pair(name: &str, password: &str) -> String {
    STANDARD.encode(format!("{name}:{password}"))
}

/// Gets tokens and keeps the current one.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    cache: TokenCache,
}

impl Tokens {
    /// A token that is good for now.
    pub(super) async fn get(
        &self,
        oauth: &OAuth,
        base: &str,
        client: &Client,
        call: &Call,
    ) -> Result<Token, Failure> {
        self.cache
            .get(|renewed| async move {
                match &oauth.grant {
                    Grant::Refresh(refresh) => {
                        let token =
                            ask(oauth, base, client, call, Some(&refresh.current())).await?;
                        if let Some(changed) = &token.refresh {
                            refresh.change(changed).await;
                        }
                        Ok(token)
                    }
                    Grant::ClientCredentials => {
                        // One that came along is tried first; when it is worn out, the client itself is good.
                        if let Some(renewed) = renewed
                            && let Ok(token) = ask(oauth, base, client, call, Some(&renewed)).await
                        {
                            return Ok(token);
                        }
                        ask(oauth, base, client, call, None).await
                    }
                }
            })
            .await
    }

    /// Drops a token that was refused.
    pub(super) async fn refused(&self, token: &Token) {
        self.cache.refused(token).await;
    }
}

async fn ask(
    oauth: &OAuth,
    base: &str,
    client: &Client,
    call: &Call,
    refresh: Option<&SecretString>,
) -> Result<Token, Failure> {
    let mut form = match refresh {
        Some(token) => vec![
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), token.expose_secret().to_owned()),
        ],
        None => vec![("grant_type".to_owned(), "client_credentials".to_owned())],
    };
    if let Some(scope) = &oauth.scope {
        form.push(("scope".to_owned(), scope.clone()));
    }
    let secret = oauth
        .client_secret
        .as_ref()
        .map(ExposeSecret::expose_secret);
    let mut request =
        Request::post(token_address(&oauth.token_url, base)?).header("accept", "application/json");
    if oauth.place == ClientPlace::Header && secret.is_some() {
        let encode =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let credentials = pair(
            &encode(&oauth.client_id),
            &encode(secret.unwrap_or_default()),
        );
        request = request.header("authorization", format!("Basic {credentials}"));
    } else {
        form.push(("client_id".to_owned(), oauth.client_id.clone()));
        form.extend(secret.map(|secret| ("client_secret".to_owned(), secret.to_owned())));
    }
    let response = client.send(call, request.body(Body::Form(form))).await?;
    if !response.is_success() {
        let said = super::failure::said(&response);
        let failure = classify("", &response);
        // RFC 6749, 5.2: a wrong client or grant is answered with 400 or 401.
        let category = if failure.category == Category::Validation {
            Category::Authentication
        } else {
            failure.category
        };
        return Err(Failure {
            category,
            cause: format!("no access token was given: {said}"),
            effect: crate::model::Effect::None,
            ..failure
        }
        .hint("Check client_id, client_secret, scope and token_url; a refresh token ends when it is used elsewhere."));
    }
    let answer = response.json()?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let access = text("access_token").ok_or_else(|| {
        Failure::new(
            Category::Authentication,
            "the token's answer holds no access_token",
        )
        .hint("Check token_url.")
    })?;
    let lasts = match answer.get("expires_in") {
        Some(Value::Number(seconds)) => seconds.as_f64(),
        Some(Value::String(seconds)) => seconds.trim().parse().ok(),
        _ => None,
    };
    let lasts = lasts.and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
    let refresh = text("refresh_token").map(|token| SecretString::from(token.to_owned()));
    Ok(Token::new(
        SecretString::from(access.to_owned()),
        refresh,
        lasts,
    ))
}

fn token_address(token_url: &str, base: &str) -> Result<String, Failure> {
    let wrong = |why: url::ParseError| {
        Failure::new(
            Category::Configuration,
            format!("token_url `{token_url}` is no address: {why}"),
        )
        .hint("Set token_url, e.g. https://login.example.com/oauth/token.")
    };
    let base = url::Url::parse(&format!("{base}/")).map_err(wrong)?;
    Ok(base.join(token_url).map_err(wrong)?.to_string())
}
