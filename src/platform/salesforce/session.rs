//! The session with one org: signed in once for all who wait, renewed once when refused, its calls counted.
//!
//! The vendor's rules: a token has no known end, so a 401 means one new sign-in and one repeat, never more; the API is at
//! the `instance_url` of the sign-in; we never log out, for another process may share the session; each answer
//! tells in `Sforce-Limit-Info` how many of the org's calls of the last 24 hours are used.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;

use super::ask::{Ask, Right};
use super::describe::Describe;
use super::host::Door;
use super::login::{Login, sign_in};
use super::settings::Grant;
use super::{failure, soql};
use crate::http::{Call, Client, Redactor, Response};
use crate::model::{Category, Clock, Failure, Timestamp};
use crate::platform::basics::{at, text_at};

/// At most so many pages of one query are read: 2000 rows each.
const MOST_PAGES: usize = 20;

/// A sign-in, and the client that hides what it gave.
pub(super) struct Signed {
    pub(super) login: Login,
    client: Client,
    authorization: SecretString,
}

/// What an object was described as, and when.
struct Known {
    describe: Arc<Describe>,
    etag: Option<String>,
    read_at: Timestamp,
}

/// How fresh a description must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Read within the last hour: a description costs a call, and objects seldom change.
    Recent,
    /// Read within the last minute: for a second look after a field was not found.
    Fresh,
    /// Read now.
    Now,
}

impl Freshness {
    fn longest_age(self) -> Duration {
        match self {
            Self::Recent => Duration::from_secs(3600),
            Self::Fresh => Duration::from_secs(60),
            Self::Now => Duration::ZERO,
        }
    }
}

/// The session with one org.
pub(super) struct Session {
    client: Client,
    door: Door,
    grant: Grant,
    secrets: Vec<String>,
    version: String,
    reserve: f64,
    clock: Arc<dyn Clock>,
    /// Held while signing in, so that many who need a token make one call.
    signed: Mutex<Option<Arc<Signed>>>,
    describes: Mutex<HashMap<String, Known>>,
}

/// What a session is made of.
pub(super) struct Parts {
    pub(super) client: Client,
    pub(super) door: Door,
    pub(super) grant: Grant,
    pub(super) secrets: Vec<String>,
    pub(super) version: String,
    pub(super) reserve: f64,
    pub(super) clock: Arc<dyn Clock>,
}

impl Session {
    pub(super) fn new(parts: Parts) -> Self {
        let redactor = Redactor::new(parts.secrets.iter().cloned());
        Self {
            client: parts.client.with_redactor(redactor),
            door: parts.door,
            grant: parts.grant,
            secrets: parts.secrets,
            version: parts.version,
            reserve: parts.reserve,
            clock: parts.clock,
            signed: Mutex::new(None),
            describes: Mutex::new(HashMap::new()),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A path under the version of the API.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/services/data/v{}/{rest}", self.version)
    }

    /// The session's facts, signing in if need be.
    pub(super) async fn signed(&self, call: &Call) -> Result<Arc<Signed>, Failure> {
        let mut signed = self.signed.lock().await;
        if let Some(signed) = signed.as_ref() {
            return Ok(Arc::clone(signed));
        }
        let now = self.clock.now();
        let login = sign_in(
            &self.client,
            call,
            &self.door,
            &self.grant,
            &self.version,
            now,
        )
        .await?;
        if let (Some(changed), Grant::RefreshToken { refresh_token, .. }) =
            (&login.refresh, &self.grant)
        {
            refresh_token.change(changed).await;
        }
        let access = login.access.expose_secret();
        let hidden = self.secrets.iter().cloned().chain([access.to_owned()]);
        let fresh = Arc::new(Signed {
            client: self.client.with_redactor(Redactor::new(hidden)),
            authorization: format!("Bearer {access}").into(),
            login,
        });
        *signed = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Drops a session that was refused, unless it has been replaced meanwhile.
    async fn refused(&self, which: &Arc<Signed>) {
        let mut signed = self.signed.lock().await;
        if signed
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, which))
        {
            *signed = None;
        }
    }

    /// Whether a user is the one in whose name we work.
    pub(super) async fn is_us(&self, call: &Call, user: Option<&str>) -> Result<bool, Failure> {
        let signed = self.signed(call).await?;
        let ours = signed.login.user.as_deref();
        Ok(user
            .zip(ours)
            .is_some_and(|(user, ours)| super::ids::same(user, ours)))
    }

    /// Makes a call and answers whatever comes back, after one new sign-in if the session was over.
    pub(super) async fn respond(&self, call: &Call, ask: &Ask) -> Result<Response, Failure> {
        let signed = self.signed(call).await?;
        let response = self.once(call, &signed, ask).await?;
        if !failure::session_ended(&response) {
            return Ok(response);
        }
        self.refused(&signed).await;
        let signed = self.signed(call).await?;
        let response = self.once(call, &signed, ask).await?;
        if response.status == StatusCode::UNAUTHORIZED {
            self.refused(&signed).await;
        }
        Ok(response)
    }

    async fn once(&self, call: &Call, signed: &Signed, ask: &Ask) -> Result<Response, Failure> {
        let request = ask
            .request(&signed.login.instance)
            .header("authorization", signed.authorization.expose_secret());
        let response = signed.client.send(call, request).await?;
        self.observe(&response);
        Ok(response)
    }

    /// Takes in what an answer says of the org's calls, less the reserve that is left to others.
    fn observe(&self, response: &Response) {
        let told = response.header("sforce-limit-info").and_then(Usage::read);
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, number: f64| {
            if let Ok(value) = HeaderValue::from_str(&format!("{number:.0}")) {
                headers.insert(name, value);
            }
        };
        if let Some(usage) = told {
            put("x-ratelimit-limit", usage.limit);
            put(
                "x-ratelimit-remaining",
                (usage.left - usage.limit * self.reserve).max(0.0),
            );
        }
        let used_up = response.status == StatusCode::FORBIDDEN
            && failure::complaints(&response.body)
                .iter()
                .any(|complaint| complaint.code == "REQUEST_LIMIT_EXCEEDED");
        if used_up {
            let failure = failure::read(&Right::api(), "go on", response);
            let wait = failure.retry_after.unwrap_or(failure::DAY_USED_UP);
            put("retry-after", wait.as_secs_f64());
        }
        if !headers.is_empty() {
            let status = if used_up { 429 } else { 200 };
            self.client.quota().observe(status, &headers);
        }
    }

    /// Makes a call; whatever is no success is a failure.
    pub(super) async fn send(&self, call: &Call, ask: &Ask) -> Result<Response, Failure> {
        let response = self.respond(call, ask).await?;
        if response.is_success() {
            Ok(response)
        } else {
            Err(refusal(ask, &response))
        }
    }

    /// Makes a call and reads the answer as JSON.
    pub(super) async fn json(&self, call: &Call, ask: &Ask) -> Result<Value, Failure> {
        let response = self.send(call, ask).await?;
        read_json(ask, &response)
    }

    /// Makes a call and reads the answer as JSON; `None` if there is no such record.
    pub(super) async fn json_if_there(
        &self,
        call: &Call,
        ask: &Ask,
    ) -> Result<Option<Value>, Failure> {
        let response = self.respond(call, ask).await?;
        if response.is_success() {
            return read_json(ask, &response).map(Some);
        }
        if failure::is_gone(&response) {
            return Ok(None);
        }
        Err(refusal(ask, &response))
    }

    /// One page of a query.
    pub(super) async fn page(&self, call: &Call, ask: &Ask) -> Result<Page, Failure> {
        let response = self.send(call, ask).await?;
        Page::read(&read_json(ask, &response)?)
    }

    /// All rows of a query.
    pub(super) async fn rows(
        &self,
        call: &Call,
        soql: &str,
        right: Right,
        deed: &str,
    ) -> Result<Vec<Value>, Failure> {
        let mut page = self
            .page(call, &self.query(soql, right.clone(), deed))
            .await?;
        let mut rows = page.rows;
        for _ in 1..MOST_PAGES {
            let Some(next) = page.next else { break };
            page = self
                .page(call, &Ask::get(next, right.clone(), deed))
                .await?;
            rows.append(&mut page.rows);
        }
        Ok(rows)
    }

    /// The call of a query.
    pub(super) fn query(&self, soql: &str, right: Right, deed: &str) -> Ask {
        Ask::get(self.path("query"), right, deed).query("q", soql)
    }

    /// What an object is like.
    pub(super) async fn describe(
        &self,
        call: &Call,
        object: &str,
        freshness: Freshness,
    ) -> Result<Arc<Describe>, Failure> {
        let mut describes = self.describes.lock().await;
        let now = self.clock.now();
        let known = describes.get(object);
        if let Some(known) = known {
            let age = Duration::try_from(now.duration_since(known.read_at)).unwrap_or_default();
            if age < freshness.longest_age() {
                return Ok(Arc::clone(&known.describe));
            }
        }
        let mut ask = Ask::get(
            self.path(&format!("sobjects/{object}/describe")),
            Right::read(object),
            format!("describe {object}"),
        );
        if let Some(etag) = known.and_then(|known| known.etag.clone()) {
            ask = ask.header("if-none-match", etag);
        }
        let response = self.respond(call, &ask).await?;
        if response.status == StatusCode::NOT_MODIFIED
            && let Some(known) = describes.get_mut(object)
        {
            known.read_at = now;
            return Ok(Arc::clone(&known.describe));
        }
        if !response.is_success() {
            return Err(no_object(object, &ask, &response));
        }
        let describe = Arc::new(Describe::read(&read_json(&ask, &response)?)?);
        let fresh = Known {
            describe: Arc::clone(&describe),
            etag: response.header("etag").map(str::to_owned),
            read_at: now,
        };
        describes.insert(object.to_owned(), fresh);
        Ok(describe)
    }
}

/// The failure that an answer to a call stands for.
pub(super) fn refusal(ask: &Ask, response: &Response) -> Failure {
    failure::read(&ask.right, &ask.deed, response)
}

/// An object that can't be described is hidden or misspelt: a matter of the settings.
fn no_object(object: &str, ask: &Ask, response: &Response) -> Failure {
    if response.status == StatusCode::NOT_FOUND {
        return Failure::new(
            Category::Configuration,
            format!("Salesforce has no object {object} that the integration user may see"),
        )
        .hint("Check the object's API name (Setup › Object Manager), and give the integration user's permission set Read on it.");
    }
    refusal(ask, response)
}

/// The body as JSON; a page instead of data leaves open what a write did.
pub(super) fn read_json(ask: &Ask, response: &Response) -> Result<Value, Failure> {
    response.json().map_err(|failure| {
        if ask.method == http::Method::GET {
            failure
        } else {
            failure.effect_unknown()
        }
    })
}

/// One page of a query's rows.
pub(super) struct Page {
    /// The rows, without the vendor's `attributes`.
    pub(super) rows: Vec<Value>,
    /// The path of the next page.
    pub(super) next: Option<String>,
}

impl Page {
    fn read(answer: &Value) -> Result<Self, Failure> {
        let records = answer
            .get("records")
            .and_then(Value::as_array)
            .ok_or_else(|| {
                Failure::new(
                    Category::Server,
                    "Salesforce answered a query without records",
                )
            })?;
        let next = text_at(answer, &["nextRecordsUrl"]);
        let is_done = at(answer, &["done"]) != Some(&Value::Bool(false));
        Ok(Self {
            rows: records.iter().cloned().map(soql::bare).collect(),
            next: next
                .filter(|path| !is_done && is_query_path(path))
                .map(str::to_owned),
        })
    }
}

/// Whether a text is the path of a query's page: it is followed with our token.
pub(super) fn is_query_path(path: &str) -> bool {
    path.starts_with("/services/data/")
        && path.contains("/query/")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-._".contains(&byte))
        && !path.contains("..")
}

/// What `Sforce-Limit-Info` says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Usage {
    limit: f64,
    left: f64,
}

impl Usage {
    /// Reads `api-usage=18/5000; per-app-api-usage=17/250(appName=sample)`: the org's limit, and what is left of the
    /// narrower of the two.
    fn read(text: &str) -> Option<Self> {
        let part = |name: &str| {
            let value = text
                .split([';', ','])
                .find_map(|part| part.trim().strip_prefix(name))?;
            let (used, rest) = value.split_once('/')?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let (used, limit): (f64, f64) = (used.trim().parse().ok()?, digits.parse().ok()?);
            Some(Self {
                limit,
                left: (limit - used).max(0.0),
            })
        };
        let org = part("api-usage=")?;
        let app = part("per-app-api-usage=");
        Some(Self {
            limit: org.limit,
            left: app.map_or(org.left, |app| app.left.min(org.left)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_of_org_and_app_is_read() {
        let left = |text: &str| Usage::read(text).map(|usage| (usage.limit, usage.left));
        assert_eq!(left("api-usage=18/5000"), Some((5000.0, 4982.0)));
        assert_eq!(
            left("api-usage=18/5000; per-app-api-usage=17/250(appName=sample-app)"),
            Some((5000.0, 233.0))
        );
        assert_eq!(left("api-usage=6000/5000"), Some((5000.0, 0.0)));
        for text in ["", "api-usage", "api-usage=x/y", "per-app-api-usage=17/250"] {
            assert_eq!(left(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_querys_path_is_followed() {
        assert!(is_query_path(
            "/services/data/v64.0/query/01gD0000002HU6KIAW-2000"
        ));
        for path in [
            "https://evil.example/query/x",
            "//evil.example/services/data/v1/query/x",
            "/services/data/../query/x",
            "/services/data/v64.0/sobjects/X",
            "/services/data/v64.0/query/?q=x",
        ] {
            assert!(!is_query_path(path), "{path}");
        }
    }
}
