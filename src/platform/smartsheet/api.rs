//! The way to Smartsheet: one token, one address, one writer at a time, one reading of refusals.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Semaphore;
use url::Url;

use super::failure::{self, RATE_PAUSE, Right};
use crate::http::{Body, Call, Client, Request, Response};
use crate::model::{Category, Failure};

/// The pages of one listing that are read at most: a listing that long is none of ours.
const MOST_PAGES: u32 = 200;

/// What an upload costs beside the one call it is: the vendor weighs it as ten.
const UPLOAD_SURCHARGE: u32 = 9;

/// One call of the API.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Body,
    /// What is tried, for people, e.g. `read row 12`.
    deed: String,
    right: Right,
}

impl Ask {
    pub(super) fn new(
        method: Method,
        path: impl Into<String>,
        right: Right,
        deed: impl Into<String>,
    ) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            deed: deed.into(),
            right,
        }
    }

    pub(super) fn get(path: impl Into<String>, right: Right, deed: impl Into<String>) -> Self {
        Self::new(Method::GET, path, right, deed)
    }

    pub(super) fn query(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    pub(super) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    fn failure(&self, response: &Response) -> Failure {
        failure::read(&self.deed, self.right, response)
    }
}

/// Calls of one account.
pub(super) struct Api {
    client: Client,
    root: Url,
    authorization: SecretString,
    /// How our own changes are known again: the vendor gives it back in the callbacks they cause.
    agent: String,
    /// "Execute requests serially": parallel writes to a sheet collide (4004), whichever connector sends them.
    writing: Arc<Semaphore>,
}

impl Api {
    pub(super) fn new(
        client: Client,
        root: Url,
        token: &SecretString,
        agent: String,
        sheet: u64,
    ) -> Self {
        let writing = client.quota().gate(&format!("writes to sheet {sheet}"), 1);
        Self {
            client,
            root,
            authorization: format!("Bearer {}", token.expose_secret()).into(),
            agent,
            writing,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn root(&self) -> &Url {
        &self.root
    }

    /// What stands in `Smartsheet-Change-Agent` of our writes.
    pub(super) fn agent(&self) -> &str {
        &self.agent
    }

    /// Sends a call and reads the answer as JSON.
    pub(super) async fn json(&self, call: &Call, ask: &Ask) -> Result<Value, Failure> {
        let response = self.answer(call, ask).await?;
        if response.status.is_success() {
            read_json(ask, &response)
        } else {
            Err(ask.failure(&response))
        }
    }

    /// Sends a call and reads the answer as JSON; `None` if there is no such object.
    pub(super) async fn json_if_there(
        &self,
        call: &Call,
        ask: &Ask,
    ) -> Result<Option<Value>, Failure> {
        let response = self.answer(call, ask).await?;
        match response.status {
            // The API's own 404 has an error object; a page comes from somewhere else.
            StatusCode::NOT_FOUND if is_error(&response) => Ok(None),
            status if status.is_success() => read_json(ask, &response).map(Some),
            _ => Err(ask.failure(&response)),
        }
    }

    /// Writes to the sheet: one call at a time. Answers the `result` of the vendor's envelope.
    pub(super) async fn write(&self, call: &Call, ask: &Ask) -> Result<Value, Failure> {
        let alone = self.writing.acquire().await;
        let _alone =
            alone.map_err(|_| Failure::new(Category::Network, "the engine is stopping"))?;
        self.json(call, ask).await.map(result)
    }

    /// Uploads to the sheet, which weighs ten calls.
    pub(super) async fn upload(&self, call: &Call, ask: &Ask) -> Result<Value, Failure> {
        for _ in 0..UPLOAD_SURCHARGE {
            drop(self.client.quota().acquire(call.priority()).await?);
        }
        self.write(call, ask).await
    }

    /// Reads a whole listing by page numbers, for `includeAll` is on its way out.
    pub(super) async fn list(
        &self,
        call: &Call,
        ask: &Ask,
        page_size: usize,
    ) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let asked = ask.clone().query("page", page).query("pageSize", page_size);
            let mut answer = self.json(call, &asked).await?;
            let Some(Value::Array(mut items)) = answer.get_mut("data").map(Value::take) else {
                return Err(Failure::new(
                    Category::Server,
                    format!(
                        "Smartsheet was asked to {} and answered something else than a list",
                        ask.deed
                    ),
                ));
            };
            let count = items.len();
            all.append(&mut items);
            let last = match answer.get("totalPages").and_then(Value::as_u64) {
                Some(pages) => u64::from(page) >= pages,
                None => count < page_size,
            };
            if last || count == 0 {
                return Ok(all);
            }
        }
        Err(Failure::new(
            Category::Validation,
            format!(
                "there is no end to the list that Smartsheet gives when asked to {}",
                ask.deed
            ),
        ))
    }

    async fn answer(&self, call: &Call, ask: &Ask) -> Result<Response, Failure> {
        let mut request = Request::new(ask.method.clone(), format!("{}{}", self.root, ask.path))
            .header("authorization", self.authorization.expose_secret())
            .header("accept", "application/json");
        if ask.method != Method::GET {
            request = request.header("Smartsheet-Change-Agent", &self.agent);
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        for (name, value) in &ask.query {
            request = request.query(*name, value);
        }
        let response = self
            .client
            .send(call, request.body(ask.body.clone()))
            .await?;
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            self.keep_still(&response.headers);
        }
        Ok(response)
    }

    /// The vendor wants at least a minute of silence after a 429 and promises no `Retry-After`.
    fn keep_still(&self, headers: &HeaderMap) {
        if crate::http::retry_after(headers).is_none() {
            let pause = HeaderValue::from(RATE_PAUSE.as_secs());
            let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, pause)]);
            self.client.quota().observe(429, &headers);
        }
    }
}

/// What stands in the `result` of the vendor's envelope.
pub(super) fn result(mut answer: Value) -> Value {
    match answer.get_mut("result") {
        Some(result) => result.take(),
        None => answer,
    }
}

fn read_json(ask: &Ask, response: &Response) -> Result<Value, Failure> {
    let body = response.json().map_err(|failure| {
        if ask.method == Method::GET {
            failure
        } else {
            // A page instead of data: a proxy may have answered before or after Smartsheet did.
            failure.effect_unknown()
        }
    })?;
    match failure::in_success(&ask.deed, response, &body) {
        Some(failure) => Err(failure),
        None => Ok(body),
    }
}

fn is_error(response: &Response) -> bool {
    serde_json::from_slice::<Value>(&response.body)
        .is_ok_and(|body| body.get("errorCode").is_some())
}
