//! The way to an account: one credential, two services, one pool.
//!
//! REST web services and each RESTlet stand on hosts of their own and draw on the same pool of requests at once. Every
//! attempt is authorised anew. When a login is refused, one cause can be mended here: a clock that differs from
//! NetSuite's by more than the five minutes it allows, or a token whose hour is over. That is tried once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::account::Hosts;
use super::failure;
use super::pool::Pool;
use super::right::{LOGIN_HINT, Right};
use super::settings::{Login, Script};
use super::sign::{self, Stamp, encoded};
use crate::http::{Body, Call, Client, Request, Response, Token, TokenCache};
use crate::model::{Category, Clock, Effect, Failure, RecordId, Timestamp};

/// A clock that differs by so many seconds is not to blame for a refusal.
const TOLERATED: i64 = 60;

/// The token endpoint, under the host of the services.
const TOKEN: &str = "/services/rest/auth/oauth2/v1/token";

/// A call to be made.
#[derive(Debug)]
pub(super) struct Ask {
    method: Method,
    service: Service,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
    right: Right,
    deed: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Rest,
    Restlet,
}

impl Ask {
    /// A call of REST web services; the path begins after `/services/rest`.
    pub(super) fn rest(
        method: Method,
        path: impl Into<String>,
        right: Right,
        deed: impl Into<String>,
    ) -> Self {
        Self {
            method,
            service: Service::Rest,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            right,
            deed: deed.into(),
        }
    }

    /// A reading call of REST web services.
    pub(super) fn get(path: impl Into<String>, right: Right, deed: impl Into<String>) -> Self {
        Self::rest(Method::GET, path, right, deed)
    }

    /// A call of a RESTlet.
    pub(super) fn script(script: &Script, deed: impl Into<String>) -> Self {
        let mut ask = Self::rest(Method::POST, "", Right::Script, deed);
        ask.service = Service::Restlet;
        ask.query("script", script.script.as_str())
            .query("deploy", script.deployment.as_str())
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// Calls of one account.
pub(super) struct Api {
    client: Client,
    pool: Arc<Pool>,
    hosts: Hosts,
    realm: String,
    login: Login,
    tokens: TokenCache,
    clock: Arc<dyn Clock>,
    /// How many seconds NetSuite's clock is ahead of ours.
    ahead: AtomicI64,
}

/// What an account is reached with.
pub(super) struct Parts {
    pub(super) client: Client,
    pub(super) pool: Arc<Pool>,
    pub(super) hosts: Hosts,
    pub(super) realm: String,
    pub(super) login: Login,
    pub(super) clock: Arc<dyn Clock>,
}

impl Api {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            client: parts.client,
            pool: parts.pool,
            hosts: parts.hosts,
            realm: parts.realm,
            login: parts.login,
            tokens: TokenCache::default(),
            clock: parts.clock,
            ahead: AtomicI64::new(0),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends a call; whatever is no success is a failure.
    pub(super) async fn send(&self, call: &Call, ask: &Ask) -> Result<Response, Failure> {
        let response = self.answer(call, ask).await?;
        if response.is_success() {
            Ok(response)
        } else {
            Err(failure::read(ask.right, &ask.deed, &response))
        }
    }

    /// Sends a call and reads the answer as JSON.
    pub(super) async fn json(&self, call: &Call, ask: &Ask) -> Result<Value, Failure> {
        let response = self.send(call, ask).await?;
        read_json(ask, &response)
    }

    /// Sends a call and reads the answer as JSON; `None` if there is no such record.
    pub(super) async fn json_if_there(
        &self,
        call: &Call,
        ask: &Ask,
    ) -> Result<Option<Value>, Failure> {
        let response = self.answer(call, ask).await?;
        if response.is_success() {
            return read_json(ask, &response).map(Some);
        }
        let names_none = |complaint: &failure::Complaint| {
            failure::meaning_of(&complaint.code) == Some(failure::Meaning::Gone)
        };
        let gone = response.status == StatusCode::NOT_FOUND
            && failure::complaints(&response.body).iter().any(names_none);
        if gone {
            Ok(None)
        } else {
            Err(failure::read(ask.right, &ask.deed, &response))
        }
    }

    /// Sends a call; when the login is refused and the cause can be mended here, once more.
    async fn answer(&self, call: &Call, ask: &Ask) -> Result<Response, Failure> {
        let ahead = self.ahead.load(Ordering::Relaxed);
        match &self.login {
            Login::Tba(_) => {
                let response = self.attempt(call, ask, None, ahead).await?;
                let refused = response.status == StatusCode::UNAUTHORIZED;
                let told = self.other_clock(&response, ahead).filter(|_| refused);
                let Some(told) = told else {
                    return Ok(response);
                };
                let second = self.attempt(call, ask, None, told).await?;
                if second.status != StatusCode::UNAUTHORIZED {
                    self.ahead.store(told, Ordering::Relaxed);
                }
                Ok(second)
            }
            Login::OAuth2(_) => {
                let token = self.token(call).await?;
                let response = self.attempt(call, ask, Some(&token), ahead).await?;
                if response.status != StatusCode::UNAUTHORIZED {
                    return Ok(response);
                }
                self.tokens.refused(&token).await;
                let token = self.token(call).await?;
                self.attempt(call, ask, Some(&token), ahead).await
            }
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        ask: &Ask,
        token: Option<&Token>,
        ahead: i64,
    ) -> Result<Response, Failure> {
        let url = self.address(ask)?;
        let authorization = match (&self.login, token) {
            (Login::Tba(keys), _) => {
                let stamp = Stamp::new(self.clock.now().as_second() + ahead)?;
                sign::authorization(keys, &self.realm, &ask.method, &url, &stamp)
            }
            (Login::OAuth2(_), Some(token)) => bearer(token),
            (Login::OAuth2(_), None) => {
                return Err(refused_login("no access token was given").unsent());
            }
        };
        let mut request = Request::new(ask.method.clone(), url.as_str())
            .header("authorization", authorization.expose_secret());
        if !ask.headers.iter().any(|(name, _)| *name == "accept") {
            request = request.header("accept", "application/json");
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value.as_str());
        }
        if let Some(body) = &ask.body {
            request = request.json(body.clone());
        }
        let _place = self.pool.enter().await;
        let response = self.client.send(call, request).await?;
        if failure::is_pool_full(&response) {
            self.pool.refused();
        }
        Ok(response)
    }

    /// The address as it is both sent and signed.
    fn address(&self, ask: &Ask) -> Result<Url, Failure> {
        let place = match ask.service {
            Service::Rest => format!("{}/services/rest{}", self.hosts.services, ask.path),
            Service::Restlet => format!("{}/app/site/hosting/restlet.nl", self.hosts.scripts),
        };
        let mut url = Url::parse(&place).map_err(|error| {
            Failure::new(
                Category::Configuration,
                format!("`{place}` is no address: {error}"),
            )
            .hint("Check account_id and base_url.")
        })?;
        if !ask.query.is_empty() {
            let pairs = ask.query.iter();
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
                .collect();
            url.set_query(Some(&pairs.join("&")));
        }
        Ok(url)
    }

    /// How far ahead NetSuite's clock is by a refused answer's own date, if that may be the cause.
    fn other_clock(&self, response: &Response, ahead: i64) -> Option<i64> {
        let date = response.header("date")?;
        let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        let told = theirs.as_second() - self.clock.now().as_second();
        ((told - ahead).abs() > TOLERATED).then_some(told)
    }

    /// Takes in NetSuite's own word of what time it is.
    pub(super) fn note_time(&self, theirs: Timestamp) -> i64 {
        let ahead = theirs.as_second() - self.clock.now().as_second();
        let kept = if ahead.abs() > TOLERATED { ahead } else { 0 };
        self.ahead.store(kept, Ordering::Relaxed);
        ahead
    }

    async fn token(&self, call: &Call) -> Result<Token, Failure> {
        self.tokens
            .get(|_| async {
                let ahead = self.ahead.load(Ordering::Relaxed);
                let response = self.ask_for_token(call, ahead).await?;
                let refused = response.status.is_client_error();
                let told = self.other_clock(&response, ahead).filter(|_| refused);
                let response = match told {
                    Some(told) => {
                        let second = self.ask_for_token(call, told).await?;
                        if second.is_success() {
                            self.ahead.store(told, Ordering::Relaxed);
                        }
                        second
                    }
                    None => response,
                };
                read_token(&response)
            })
            .await
            // The call that needed the token was not sent.
            .map_err(|failure| Failure {
                effect: if failure.effect == Effect::Unsent {
                    Effect::Unsent
                } else {
                    Effect::None
                },
                ..failure
            })
    }

    async fn ask_for_token(&self, call: &Call, ahead: i64) -> Result<Response, Failure> {
        let Login::OAuth2(assertion) = &self.login else {
            return Err(refused_login("the connector has no certificate").unsent());
        };
        let address = format!("{}{TOKEN}", self.hosts.services);
        let stamp = Stamp::new(self.clock.now().as_second() + ahead)?;
        let assertion = assertion
            .sign(&address, stamp.timestamp, &stamp.nonce)
            .map_err(|why| refused_login(&format!("the assertion can't be signed: {why}")))?;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = vec![
            pair("grant_type", "client_credentials"),
            pair(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            pair("client_assertion", assertion.expose_secret()),
        ];
        let request = Request::post(address)
            .header("accept", "application/json")
            .body(Body::Form(form));
        let _place = self.pool.enter().await;
        self.client.send(call, request).await
    }
}

fn bearer(token: &Token) -> SecretString {
    format!("Bearer {}", token.access.expose_secret()).into()
}

fn refused_login(why: &str) -> Failure {
    Failure::new(
        Category::Authentication,
        format!("the login to NetSuite can't be made: {why}"),
    )
    .hint(LOGIN_HINT)
}

fn read_token(response: &Response) -> Result<Token, Failure> {
    let deed = "give an access token";
    if !response.is_success() {
        let failure = failure::read(Right::LogIn, deed, response);
        // A refused assertion is a 400: the credential, not the content, is at fault.
        return Err(
            if response.status.is_client_error() && !failure.category.is_passing() {
                Failure {
                    category: Category::Authentication,
                    ..failure
                }
                .hint(LOGIN_HINT)
            } else {
                failure
            },
        );
    }
    let answer = response.json()?;
    let access = answer.get("access_token").and_then(Value::as_str);
    let access = access.filter(|token| !token.is_empty()).ok_or_else(|| {
        Failure::new(
            Category::Server,
            "NetSuite answered a login without an access token",
        )
    })?;
    // A number by the vendor's word, a text in some accounts.
    let seconds = match answer.get("expires_in") {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let lasts = Duration::from_secs(seconds.unwrap_or(3600));
    Ok(Token::new(access.into(), None, Some(lasts)))
}

fn read_json(ask: &Ask, response: &Response) -> Result<Value, Failure> {
    response.json().map_err(|failure| {
        if ask.method == Method::GET {
            failure
        } else {
            // A page instead of data: a proxy may have answered before or after NetSuite did.
            failure.effect_unknown()
        }
    })
}

/// The internal id that a record id stands for.
pub(super) fn internal_id(id: &RecordId) -> Result<&str, Failure> {
    let text = id.as_str();
    if is_internal_id(text) {
        Ok(text)
    } else {
        Err(Failure::new(
            Category::Validation,
            format!("`{id}` is no internal id of NetSuite"),
        )
        .hint("Look at what the script posts: it must be the record's internal id, a number."))
    }
}

/// Whether a text is an internal id: digits alone.
pub(super) fn is_internal_id(text: &str) -> bool {
    (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The id at the end of a `Location` header, the only place where NetSuite tells it.
pub(super) fn located(response: &Response) -> Option<String> {
    let location = response.header("location")?;
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    is_internal_id(last).then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn an_id_is_digits_alone() {
        assert_eq!(internal_id(&RecordId::new("647")).unwrap(), "647");
        for wrong in ["", "12/!attach", "eid:x", "-5", "1234567890123456789", "x"] {
            assert!(internal_id(&RecordId::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_new_records_id_is_the_end_of_its_address() {
        let response = |location: &str| Response {
            status: StatusCode::NO_CONTENT,
            headers: HeaderMap::from_iter([(http::header::LOCATION, location.parse().unwrap())]),
            body: bytes::Bytes::new(),
        };
        let base = "https://demo123.suitetalk.api.netsuite.com/services/rest/record/v1/supportCase";
        assert_eq!(
            located(&response(&format!("{base}/647"))).as_deref(),
            Some("647")
        );
        assert_eq!(located(&response("/record/v1/x/5/")).as_deref(), Some("5"));
        assert_eq!(located(&response(&format!("{base}/eid:FN-5"))), None);
        assert_eq!(located(&response(base)), None);
    }

    #[test]
    fn a_tokens_life_is_a_number_or_a_text() {
        let answer = |status: u16, body: &str| Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        };
        for life in ["3600", "\"3600\""] {
            let body = format!(
                "{{\"access_token\":\"fake\",\"expires_in\":{life},\"token_type\":\"Bearer\"}}"
            );
            assert!(
                read_token(&answer(200, &body))
                    .unwrap()
                    .expires_at
                    .is_some()
            );
        }
        let refused = read_token(&answer(400, "{\"error\":\"invalid_request\"}")).unwrap_err();
        assert_eq!(refused.category, Category::Authentication);
        assert!(refused.hint.unwrap().contains("Login Audit Trail"));
        assert_eq!(
            read_token(&answer(503, "")).unwrap_err().category,
            Category::Server
        );
        assert_eq!(
            read_token(&answer(200, "{}")).unwrap_err().category,
            Category::Server
        );
    }
}
