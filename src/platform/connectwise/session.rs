//! Calls to one ConnectWise site: credential and `clientId` on each, the codebase looked up and kept, a 404
//! told from its look-alikes, and what we learn about ourselves on the way.

use std::fmt::Display;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;

use super::address::{Address, STABLE_CODEBASE, with_slash};
use super::error::{self, Right};
use super::settings::Credential;
use crate::http::{Body, Call, Client, Redactor, Request, Response};
use crate::model::{Category, Failure};
use crate::platform::basics::{at, next_link, text_at};

/// The largest page the vendor gives.
pub(super) const PAGE: usize = 1000;

/// How many pages of one list are read before giving up: a list that long is no setup table and no ticket's notes.
const MOST_PAGES: usize = 100;

/// One API call, before it is known under which codebase.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Body,
    /// What is tried, for people, e.g. `read ticket 69`.
    what: String,
    /// The cell of the role that it takes.
    right: Right,
}

impl Ask {
    pub(super) fn new(
        method: Method,
        path: impl Into<String>,
        right: Right,
        what: impl Into<String>,
    ) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            what: what.into(),
            right,
        }
    }

    pub(super) fn get(path: impl Into<String>, right: Right, what: impl Into<String>) -> Self {
        Self::new(Method::GET, path, right, what)
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn json(self, body: Value) -> Self {
        self.body(Body::Json(body))
    }

    pub(super) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// The failure that an answer to this call stands for.
    pub(super) fn failure(&self, response: &Response) -> Failure {
        error::read(&self.what, self.right, response)
    }

    fn writes(&self) -> bool {
        self.method != Method::GET
    }
}

/// The session with one site.
pub(super) struct Session {
    client: Client,
    address: Address,
    company: String,
    authorization: SecretString,
    client_id: SecretString,
    accept: String,
    codebase: ArcSwapOption<String>,
    /// Held while the codebase is looked up, so that one look-up serves all who wait.
    looking_up: Mutex<()>,
    /// The API member's identifier, once known.
    member: ArcSwapOption<String>,
}

impl Session {
    pub(super) fn new(
        client: &Client,
        address: Address,
        credential: &Credential,
        api_version: Option<&str>,
        member: Option<String>,
    ) -> Self {
        let pair = format!(
            "{}+{}:{}",
            credential.company,
            credential.public_key.expose_secret(),
            credential.private_key.expose_secret()
        );
        let encoded = BASE64.encode(pair);
        let hidden = [
            credential.private_key.expose_secret().to_owned(),
            credential.public_key.expose_secret().to_owned(),
            credential.client_id.expose_secret().to_owned(),
            encoded.clone(),
        ];
        Self {
            client: client.with_redactor(Redactor::new(hidden)),
            codebase: ArcSwapOption::from_pointee(address.fixed_codebase().map(str::to_owned)),
            address,
            company: credential.company.clone(),
            authorization: format!("Basic {encoded}").into(),
            client_id: credential.client_id.clone(),
            accept: api_version.map_or_else(
                || "application/json".to_owned(),
                |version| format!("application/vnd.connectwise.com+json; version={version}"),
            ),
            looking_up: Mutex::new(()),
            member: ArcSwapOption::from_pointee(member),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn company(&self) -> &str {
        &self.company
    }

    /// The API member's identifier, if known by now.
    pub(super) fn member(&self) -> Option<Arc<String>> {
        self.member.load_full()
    }

    /// Whether a member's identifier is ours; `false` as long as ours is not known.
    pub(super) fn is_us(&self, identifier: Option<&str>) -> bool {
        match (identifier, &*self.member.load()) {
            (Some(identifier), Some(member)) => identifier.eq_ignore_ascii_case(member),
            _ => false,
        }
    }

    /// Takes in who we are; what the admin or an earlier answer said stands.
    pub(super) fn learn_member(&self, identifier: Option<&str>) {
        if let Some(identifier) = identifier.map(str::trim).filter(|text| !text.is_empty())
            && self.member.load().is_none()
        {
            self.member.store(Some(Arc::new(identifier.to_owned())));
        }
    }

    /// Makes a call. `None`: what it names does not exist, and that is certain: the site and the keys were seen to
    /// work, for on the cloud a 404 may also mean wrong keys or a codebase that moved.
    ///
    /// # Errors
    /// What the answer means, or why none came.
    pub(super) async fn find(&self, call: &Call, ask: &Ask) -> Result<Option<Response>, Failure> {
        match self.respond(call, ask).await? {
            Some(response) if !response.is_success() => Err(ask.failure(&response)),
            other => Ok(other),
        }
    }

    /// Makes a call that only a working credential gets through, and nothing but that.
    ///
    /// # Errors
    /// Why the credential, or the site, does not work.
    pub(super) async fn sign_in(&self, call: &Call) -> Result<(), Failure> {
        let probe = Self::credential_probe();
        match self.respond(call, &probe).await? {
            Some(response) if vouches(&probe, &response) => Ok(()),
            Some(response) => Err(probe.failure(&response)),
            None => Err(not_here()),
        }
    }

    /// The answer to a call, whatever its status; `None` as in [`Self::find`].
    async fn respond(&self, call: &Call, ask: &Ask) -> Result<Option<Response>, Failure> {
        let codebase = self.codebase(call).await?;
        let mut response = self.exchange(call, ask, &codebase).await?;
        if is_missing(&response) {
            match self.look_behind(call, &codebase).await? {
                None => return Ok(None),
                Some(moved) => response = self.exchange(call, ask, &moved).await?,
            }
        }
        Ok((!is_missing(&response)).then_some(response))
    }

    /// Makes a call to what should exist.
    ///
    /// # Errors
    /// As [`Self::find`], and `validation` when it does not exist.
    pub(super) async fn send(&self, call: &Call, ask: &Ask) -> Result<Response, Failure> {
        self.find(call, ask).await?.ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!("ConnectWise found nothing when asked to {}", ask.what),
            )
            .hint("It was deleted or merged, or the API member's role does not show it.")
        })
    }

    /// Makes a call and reads its JSON.
    pub(super) async fn json(&self, call: &Call, ask: &Ask) -> Result<Value, Failure> {
        let response = self.send(call, ask).await?;
        self.read(ask, &response)
    }

    /// Makes a call and reads its JSON; `None` as in [`Self::find`].
    pub(super) async fn json_if_any(
        &self,
        call: &Call,
        ask: &Ask,
    ) -> Result<Option<Value>, Failure> {
        let response = self.find(call, ask).await?;
        response
            .map(|response| self.read(ask, &response))
            .transpose()
    }

    fn read(&self, ask: &Ask, response: &Response) -> Result<Value, Failure> {
        let value = response.json().map_err(|failure| {
            // Something answered for ConnectWise; whether ConnectWise itself acted is anybody's guess.
            if ask.writes() {
                failure.effect_unknown()
            } else {
                failure
            }
        })?;
        if ask.writes() {
            // Whoever changed it last is us: we just did.
            self.learn_member(text_at(&value, &["_info", "updatedBy"]));
        }
        Ok(value)
    }

    /// Reads a whole list, page by page. An absent parent gives an empty list.
    pub(super) async fn list(&self, call: &Call, ask: &Ask) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let asked = ask.clone().query("pageSize", PAGE).query("page", page);
            let Some(response) = self.find(call, &asked).await? else {
                return Ok(all);
            };
            let Value::Array(mut items) = response.json()? else {
                return Err(Failure::new(
                    Category::Server,
                    format!(
                        "ConnectWise answered with something else than a list when asked to {}",
                        ask.what
                    ),
                ));
            };
            let full = items.len() >= PAGE;
            let empty = items.is_empty();
            all.append(&mut items);
            // A site may give smaller pages than asked for and say so; one that says nothing fills its pages.
            let more = if response.header("link").is_some() {
                next_link(&response.headers).is_some()
            } else {
                full
            };
            if empty || !more {
                return Ok(all);
            }
        }
        Err(Failure::new(
            Category::Validation,
            format!(
                "there is no end to the list that ConnectWise gives when asked to {}",
                ask.what
            ),
        ))
    }

    /// The codebase in use, looked up when it is needed for the first time.
    pub(super) async fn codebase(&self, call: &Call) -> Result<Arc<String>, Failure> {
        if let Some(codebase) = self.codebase.load_full() {
            return Ok(codebase);
        }
        let _guard = self.looking_up.lock().await;
        if let Some(codebase) = self.codebase.load_full() {
            return Ok(codebase);
        }
        let found = Arc::new(self.look_up(call).await?);
        self.codebase.store(Some(Arc::clone(&found)));
        Ok(found)
    }

    /// After a 404: `None` when the site answers other calls, so that the thing is really missing; the new codebase
    /// when the site has moved to one.
    async fn look_behind(
        &self,
        call: &Call,
        used: &Arc<String>,
    ) -> Result<Option<Arc<String>>, Failure> {
        let current = self.codebase(call).await?;
        if current != *used {
            return Ok(Some(current));
        }
        let probe = Self::credential_probe();
        let response = self.exchange(call, &probe, used).await?;
        if vouches(&probe, &response) {
            return Ok(None);
        }
        if !is_missing(&response) {
            return Err(probe.failure(&response));
        }
        let _guard = self.looking_up.lock().await;
        let current = self.codebase.load_full();
        if let Some(current) = current.filter(|current| current != used) {
            return Ok(Some(current));
        }
        if self.address.fixed_codebase().is_none() {
            let found = Arc::new(self.look_up(call).await?);
            if found != *used {
                self.codebase.store(Some(Arc::clone(&found)));
                return Ok(Some(found));
            }
        }
        Err(not_here())
    }

    /// The cheapest call that needs a working credential and nothing but the most ordinary right.
    fn credential_probe() -> Ask {
        Ask::get("service/tickets", Right::ReadTickets, "read tickets")
            .query("pageSize", 1)
            .query("fields", "id")
    }

    async fn look_up(&self, call: &Call) -> Result<String, Failure> {
        let request = Request::get(self.address.company_info(&self.company))
            .header("accept", "application/json");
        let response = self.client.send(call, request).await?;
        let what = "look up the company's codebase";
        if response.status == StatusCode::NOT_FOUND {
            // Not every site and proxy lets this page through; the stable codebase works everywhere.
            return Ok(STABLE_CODEBASE.to_owned());
        }
        if !response.is_success() {
            return Err(error::read(what, Right::SystemInformation, &response));
        }
        let Ok(answer) = serde_json::from_slice::<Value>(&response.body) else {
            return Ok(STABLE_CODEBASE.to_owned());
        };
        if answer.is_null() {
            return Err(Failure::new(
                Category::Configuration,
                format!("ConnectWise knows no company `{}`", self.company),
            )
            .hint("Set `company` to the identifier that people enter on the login screen, and `site` to the host they log in at."));
        }
        Ok(text_at(&answer, &["Codebase"]).map_or_else(|| STABLE_CODEBASE.to_owned(), with_slash))
    }

    async fn exchange(&self, call: &Call, ask: &Ask, codebase: &str) -> Result<Response, Failure> {
        let mut request = Request::new(ask.method.clone(), self.address.api(codebase, &ask.path))
            .header("authorization", self.authorization.expose_secret())
            .header("clientId", self.client_id.expose_secret())
            .header("accept", self.accept.as_str());
        request.query = ask
            .query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let headers = ask.headers.iter();
        let headers = headers.map(|(name, value)| ((*name).into(), value.clone()));
        request.headers.extend(headers);
        request.body = ask.body.clone();
        self.client.send(call, request).await
    }

    /// Fetches something from an absolute address of the site, without or with our credential.
    pub(super) async fn fetch_absolute(
        &self,
        call: &Call,
        address: &str,
        identity: Identity,
    ) -> Result<Response, Failure> {
        let mut request = Request::get(address).header("accept", "application/json");
        if identity == Identity::Ours {
            request = request
                .header("authorization", self.authorization.expose_secret())
                .header("clientId", self.client_id.expose_secret());
        }
        self.client.send(call, request).await
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    Nobody,
    Ours,
}

/// Whether an answer shows that the credential works: a role that may not read tickets belongs to a credential that
/// does.
fn vouches(probe: &Ask, response: &Response) -> bool {
    response.is_success()
        || (response.status == StatusCode::FORBIDDEN
            && probe.failure(response).category == Category::Configuration)
}

fn not_here() -> Failure {
    Failure::new(
        Category::Authentication,
        "ConnectWise answers 404 to everything, which is also how it refuses keys",
    )
    .hint("Check site, company, public_key, private_key and client_id; if they are right, check `codebase` and `base_url`.")
}

/// Whether an answer says that there is no such thing; a missing prefix of the host says 404 too, in its own words.
fn is_missing(response: &Response) -> bool {
    response.status == StatusCode::NOT_FOUND && !response.text().contains("SSL is required")
}

/// The id of an object that was created.
///
/// # Errors
/// When the answer has none; whether the object exists is unknown then.
pub(super) fn created_id(value: &Value, what: &str) -> Result<String, Failure> {
    let id = at(value, &["id"]).and_then(crate::platform::basics::id_text);
    id.ok_or_else(|| {
        Failure::new(
            Category::Server,
            format!("ConnectWise named no id when asked to {what}"),
        )
        .effect_unknown()
    })
}

/// A text as the search grammar wants it.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
