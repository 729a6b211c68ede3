//! The way to an instance: one credential, one address, one reading of answers.
//!
//! The vendor's rules that this follows: `Accept: application/json` on every call; Basic, a bearer token, or `x-sn-apikey`; tokens
//! by a form-encoded `POST /oauth_token.do` (JSON is refused there), a refresh token for some grants only; lists by `sysparm_limit`
//! and `sysparm_offset`, where the limit is applied before ACLs hide rows, so that a short page is not the last and only
//! the absence of `Link: rel="next"` is the end.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::credential::{Credential, OauthClient};
use super::failure::{Deed, Right, is_no_record, judge};
use super::query::Query;
use super::sys_id::SysId;
use crate::http::{Body, Call, Client, Request, Response, Token, TokenCache};
use crate::model::{Category, Clock, Failure, Timestamp};
use crate::platform::basics::{next_link, text_at};

/// Rows of a page.
pub(super) const PAGE: usize = 500;

/// How many pages of one list are read before giving up: no dictionary and no record's notes are that long.
const MOST_PAGES: usize = 40;

/// Calls of one instance.
pub(super) struct Api {
    client: Client,
    root: String,
    user: String,
    credential: Credential,
    tokens: TokenCache,
    clock: Arc<dyn Clock>,
}

/// A page of a table's rows.
pub(super) struct Page {
    /// Its rows.
    pub(super) rows: Vec<Value>,
    /// Whether more follow.
    pub(super) more: bool,
}

/// What is asked of a table: which rows, which fields.
pub(super) struct Listing<'a> {
    pub(super) table: &'a str,
    pub(super) query: &'a Query,
    pub(super) fields: &'a str,
    pub(super) limit: usize,
    pub(super) offset: usize,
    /// Whether people's view of the values is asked for as well.
    pub(super) values: Values,
}

/// Which values are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// As they are stored.
    Raw,
    /// As they are stored and as people see them.
    All,
}

impl<'a> Listing<'a> {
    /// The first page of raw values.
    pub(super) fn of(table: &'a str, query: &'a Query, fields: &'a str) -> Self {
        Self {
            table,
            query,
            fields,
            limit: PAGE,
            offset: 0,
            values: Values::Raw,
        }
    }

    /// At most so many rows.
    pub(super) fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// How a call signs in: a header, and the token in it if it is one that can be renewed.
struct Pass {
    name: &'static str,
    value: SecretString,
    token: Option<Token>,
}

impl Api {
    pub(super) fn new(
        client: Client,
        root: String,
        user: String,
        credential: Credential,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            client,
            root,
            user,
            credential,
            tokens: TokenCache::default(),
            clock,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The user ID in whose name we work.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A request to a table.
    pub(super) fn table(&self, method: Method, table: &str) -> Request {
        Request::new(method, format!("{}/api/now/table/{table}", self.root))
    }

    /// A request to a record.
    pub(super) fn record(&self, method: Method, table: &str, id: &SysId) -> Request {
        Request::new(method, format!("{}/api/now/table/{table}/{id}", self.root))
    }

    /// A request to another part of the API.
    pub(super) fn part(&self, method: Method, path: &str) -> Request {
        Request::new(method, format!("{}/api/now/{path}", self.root))
    }

    /// Sends a request and gives the answer as it came. A refused credential is tried once more: with a new token, or, as
    /// instances refuse valid ones in bursts, as it is.
    pub(super) async fn answer(&self, call: &Call, request: Request) -> Result<Response, Failure> {
        let pass = self.pass(call).await?;
        let response = self.send(call, request.clone(), &pass).await?;
        if response.status != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        if let Some(token) = &pass.token {
            self.tokens.refused(token).await;
        }
        let pass = self.pass(call).await?;
        self.send(call, request, &pass).await
    }

    async fn send(&self, call: &Call, request: Request, pass: &Pass) -> Result<Response, Failure> {
        let request = request
            .header("accept", "application/json")
            .header(pass.name, pass.value.expose_secret());
        self.client.send(call, request).await
    }

    /// Sends a request and reads what the answer's body says.
    pub(super) async fn json(
        &self,
        call: &Call,
        deed: &Deed,
        request: Request,
    ) -> Result<Value, Failure> {
        let method = request.method.clone();
        let response = self.answer(call, request).await?;
        judge(deed, &method, &response, self.now())
    }

    /// Sends a request and reads its `result`; `None` when the record is missing or hidden.
    pub(super) async fn result_if_there(
        &self,
        call: &Call,
        deed: &Deed,
        request: Request,
    ) -> Result<Option<Value>, Failure> {
        let method = request.method.clone();
        let response = self.answer(call, request).await?;
        if is_no_record(&response) {
            return Ok(None);
        }
        let mut body = judge(deed, &method, &response, self.now())?;
        Ok(body.get_mut("result").map(Value::take))
    }

    /// Reads one page of a table's rows.
    pub(super) async fn page(
        &self,
        call: &Call,
        deed: &Deed,
        listing: &Listing<'_>,
    ) -> Result<Page, Failure> {
        let mut request = self.table(Method::GET, listing.table);
        if !listing.query.as_str().is_empty() {
            request = request.query("sysparm_query", listing.query.as_str());
        }
        request = request
            .query("sysparm_fields", listing.fields)
            .query("sysparm_limit", listing.limit.to_string());
        request = match listing.values {
            Values::Raw => request.query("sysparm_exclude_reference_link", "true"),
            Values::All => request.query("sysparm_display_value", "all"),
        };
        if listing.offset > 0 {
            request = request.query("sysparm_offset", listing.offset.to_string());
        }
        self.page_of(call, deed, request).await
    }

    /// Reads one page of whatever is listed as `result`.
    pub(super) async fn page_of(
        &self,
        call: &Call,
        deed: &Deed,
        request: Request,
    ) -> Result<Page, Failure> {
        let response = self.answer(call, request).await?;
        let mut body = judge(deed, &Method::GET, &response, self.now())?;
        let Some(Value::Array(rows)) = body.get_mut("result").map(Value::take) else {
            return Err(Failure::new(
                Category::Server,
                format!(
                    "ServiceNow was asked to {} and answered something else than a list",
                    deed.what
                ),
            ));
        };
        let more = has_next(&response.headers);
        Ok(Page { rows, more })
    }

    /// Reads all rows of a listing.
    pub(super) async fn rows(
        &self,
        call: &Call,
        deed: &Deed,
        mut listing: Listing<'_>,
    ) -> Result<Vec<Value>, Failure> {
        let mut rows = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.page(call, deed, &listing).await?;
            rows.extend(page.rows);
            if !page.more {
                return Ok(rows);
            }
            listing.offset += listing.limit;
        }
        Err(Failure::new(
            Category::Configuration,
            format!(
                "ServiceNow was asked to {} and has more than {} rows to tell",
                deed.what,
                MOST_PAGES * listing.limit
            ),
        )
        .hint("Fewer were expected by far: look whether the instance drops parts of queries (a field that the user may not read)."))
    }

    async fn pass(&self, call: &Call) -> Result<Pass, Failure> {
        let plain = |name, value| Pass {
            name,
            value,
            token: None,
        };
        match &self.credential {
            Credential::Basic { password } => {
                Ok(plain("authorization", basic(&self.user, password)))
            }
            Credential::ApiKey { key } => Ok(plain("x-sn-apikey", key.clone())),
            Credential::OauthPassword { client, password } => {
                let token = self
                    .tokens
                    .get(|refresh| self.by_password(call, client, password, refresh))
                    .await?;
                Ok(bearer(token))
            }
            Credential::ClientCredentials { client } => {
                let token = self
                    .tokens
                    .get(|_| {
                        self.token(
                            call,
                            client,
                            vec![("grant_type", "client_credentials".into())],
                        )
                    })
                    .await?;
                Ok(bearer(token))
            }
        }
    }

    /// A token by the refresh token, if there is one that is still good, else by the password.
    async fn by_password(
        &self,
        call: &Call,
        client: &OauthClient,
        password: &SecretString,
        refresh: Option<SecretString>,
    ) -> Result<Token, Failure> {
        if let Some(refresh) = refresh {
            let grant = vec![
                ("grant_type", "refresh_token".into()),
                ("refresh_token", refresh),
            ];
            match self.token(call, client, grant).await {
                Err(failure) if !failure.category.is_passing() => {}
                outcome => return outcome,
            }
        }
        let grant = vec![
            ("grant_type", "password".into()),
            ("username", self.user.clone().into()),
            ("password", password.clone()),
        ];
        self.token(call, client, grant).await
    }

    async fn token(
        &self,
        call: &Call,
        client: &OauthClient,
        grant: Vec<(&'static str, SecretString)>,
    ) -> Result<Token, Failure> {
        let own = [
            ("client_id", client.id.clone()),
            ("client_secret", client.secret.clone()),
        ];
        let pairs = grant.into_iter().chain(own);
        let form = pairs.map(|(name, value)| (name.to_owned(), value.expose_secret().to_owned()));
        let request = Request::post(format!("{}/oauth_token.do", self.root))
            .header("accept", "application/json")
            .body(Body::Form(form.collect()));
        let deed = Deed::new(Right::SignIn, "give an access token");
        let response = self.client.send(call, request).await?;
        // Asking for a token changes nothing: whatever fails may be asked again.
        let answer = judge(&deed, &Method::GET, &response, self.now()).map_err(token_refused)?;
        let Some(access) = text_at(&answer, &["access_token"]) else {
            return Err(Failure::new(
                Category::Authentication,
                "ServiceNow answered the request for an access token without one",
            )
            .hint(TOKEN_HINT));
        };
        let refresh = text_at(&answer, &["refresh_token"]).map(SecretString::from);
        let lasts = answer
            .get("expires_in")
            .and_then(seconds)
            .map(Duration::from_secs);
        Ok(Token::new(access.into(), refresh, lasts))
    }
}

/// Whether a `Link` header names a next page. Its address is not followed: it could lead elsewhere.
pub(super) fn has_next(headers: &HeaderMap) -> bool {
    next_link(headers).is_some()
        || headers
            .get_all(http::header::LINK)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|text| text.contains("rel=\"next\""))
}

/// The token endpoint says with 400 what others say with 401.
fn token_refused(failure: Failure) -> Failure {
    match failure.category {
        Category::Validation | Category::Authentication => Failure {
            category: Category::Authentication,
            ..failure
        }
        .hint(TOKEN_HINT),
        _ => failure,
    }
}

const TOKEN_HINT: &str = "Check client_id and client_secret against the instance's Application Registry entry (active, with this grant), and user_name and password; for client credentials the entry must name an OAuth application user.";

fn seconds(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// `Basic base64(user:password)`.
pub(super) fn basic(user: &str, password: &SecretString) -> SecretString {
    let pair = SecretString::from(format!("{user}:{}", password.expose_secret()));
    format!("Basic {}", STANDARD.encode(pair.expose_secret())).into()
}

fn bearer(token: Token) -> Pass {
    Pass {
        name: "authorization",
        value: format!("Bearer {}", token.access.expose_secret()).into(),
        token: Some(token),
    }
}
