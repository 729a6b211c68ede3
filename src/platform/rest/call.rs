//! Making calls: parameters, bodies, credentials, and one renewal of a token that was refused.

use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use tracing::warn;

use super::Rest;
use super::binding::Binding;
use super::body::Made;
use super::failure;
use super::settings::Strictness;
use crate::http::{Body, Call, Part, Request, Response, Token};
use crate::model::{Category, Failure, RecordId};
use crate::openapi::{Deviation, KeyPlace, Parameter, Place, Sent, SentBody};

/// A request that is ready but for the credentials, and where it departs from the description.
pub(super) struct Prepared {
    request: Request,
    query: Vec<String>,
    cookies: Vec<String>,
    operation: String,
    departures: Vec<Deviation>,
}

/// What fills the parameters of one call besides the settings.
#[derive(Default)]
pub(super) struct Filling<'a> {
    pub(super) record: Option<&'a RecordId>,
    pub(super) others: Vec<(&'a str, Value)>,
}

impl<'a> Filling<'a> {
    /// Only the record's id.
    pub(super) fn of(record: &'a RecordId) -> Self {
        Self {
            record: Some(record),
            others: Vec::new(),
        }
    }
}

impl Rest {
    fn value_of(
        &self,
        binding: &Binding,
        parameter: &Parameter,
        filling: &Filling<'_>,
    ) -> Option<Value> {
        let is_id = binding
            .id
            .as_ref()
            .is_some_and(|(name, place)| *name == parameter.name && *place == parameter.place);
        if is_id {
            return filling.record.map(|record| Value::from(record.as_str()));
        }
        let name = parameter.name.as_str();
        let others = filling.others.iter().find(|(other, _)| *other == name);
        let set = self.settings.parameters.get(name);
        let default = parameter.default.as_ref().filter(|_| parameter.required);
        others.map(|(_, value)| value).or(set).or(default).cloned()
    }

    /// Makes a request of an operation, and holds it against the description.
    ///
    /// # Errors
    /// `configuration` when a parameter has no value; `validation` when it departs and the connector is strict.
    pub(super) fn prepare(
        &self,
        binding: &Binding,
        filling: &Filling<'_>,
        body: Option<Made>,
    ) -> Result<Prepared, Failure> {
        let operation = &binding.operation;
        let values: Vec<(&Parameter, Value)> = operation
            .parameters
            .iter()
            .filter_map(|parameter| Some((parameter, self.value_of(binding, parameter, filling)?)))
            .collect();
        let in_path = |name: &str| {
            let mut values = values.iter().filter(|(one, _)| one.place == Place::Path);
            values
                .find(|(one, _)| one.name == name)
                .map(|(_, value)| value)
        };
        let path = operation.path_with(in_path).map_err(|name| {
            Failure::new(
                Category::Configuration,
                format!(
                    "{} can't be called: its path parameter {name} has no value",
                    operation.name()
                ),
            )
            .hint("Set id_parameter, or give the value in `parameters`.")
        })?;
        let path = path.split('?').next().unwrap_or_default().to_owned();
        let mut request = Request::new(
            operation.method.clone(),
            format!("{}{path}", self.settings.base),
        )
        .header("accept", "application/json, */*;q=0.5");
        let (mut query, mut cookies) = (Vec::new(), Vec::new());
        for (parameter, value) in &values {
            let (name, encoding) = (parameter.name.as_str(), parameter.encoding);
            match parameter.place {
                Place::Path => {}
                Place::Query => query.extend(encoding.in_query(name, value)),
                Place::Cookie => cookies.push(encoding.in_cookie(name, value)),
                Place::Header => {
                    let ruled = ["accept", "content-type", "authorization"];
                    if !ruled.contains(&name.to_ascii_lowercase().as_str()) {
                        request = request.header(name.to_owned(), encoding.in_header(value));
                    }
                }
            }
        }
        for (name, value) in &self.settings.headers {
            request = request.header(name.clone(), value.expose_secret());
        }
        if let Some(made) = body {
            if let Some(media_type) = made.media_type {
                request = request.header("content-type", media_type);
            }
            request = request.body(made.body);
        }
        let departures = self.departures(&path, &query, &request);
        if !departures.is_empty() && self.settings.strictness == Strictness::Enforce {
            return Err(Failure::new(
                Category::Validation,
                format!("the request departs from the description and was not sent: {}", failure::told(&departures)),
            )
            .hint("Correct the mapping; or, if the description is wrong, set validate_requests = \"warn\"."));
        }
        for departure in &departures {
            warn!(operation = operation.name(), %departure, "the request departs from the description");
        }
        Ok(Prepared {
            request,
            query,
            cookies,
            operation: operation.name(),
            departures,
        })
    }

    fn departures(&self, path: &str, query: &[String], request: &Request) -> Vec<Deviation> {
        if self.settings.strictness == Strictness::Off {
            return Vec::new();
        }
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.join("&").as_bytes())
            .into_owned()
            .collect();
        let headers: Vec<(String, String)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        let parts: Vec<(String, Option<String>)> = match &request.body {
            Body::Multipart(parts) => parts.iter().map(part).collect(),
            _ => Vec::new(),
        };
        let body = match &request.body {
            Body::Empty => SentBody::Empty,
            Body::Json(value) => SentBody::Json(value),
            Body::Form(pairs) => SentBody::Form(pairs),
            Body::Multipart(_) => SentBody::Multipart(&parts),
            Body::Bytes(media_type, _) => SentBody::Other(media_type),
        };
        let key = self.settings.authentication.key.as_ref();
        let found = self.settings.document.check_request(&Sent {
            method: &request.method,
            path,
            query: &query,
            headers: &headers,
            body,
        });
        // The credentials are not there yet; those that are described as parameters are not missing.
        let comes_later = |deviation: &Deviation| {
            deviation.departure == crate::openapi::Departure::Missing
                && (deviation
                    .place
                    .to_ascii_lowercase()
                    .contains("`authorization`")
                    || key
                        .is_some_and(|(at, _)| deviation.place.contains(&format!("`{}`", at.name))))
        };
        found.into_iter().filter(|one| !comes_later(one)).collect()
    }

    /// Sends a request with the credentials; a refused token is renewed once.
    ///
    /// # Errors
    /// What came of it, unless an answer did.
    pub(super) async fn send(&self, call: &Call, prepared: &Prepared) -> Result<Response, Failure> {
        let oauth = self.settings.authentication.oauth.as_ref();
        let Some(oauth) = oauth else {
            return self.client.send(call, self.signed(prepared, None)).await;
        };
        let base = &self.settings.base;
        let token = self.tokens.get(oauth, base, &self.client, call).await?;
        let response = self
            .client
            .send(call, self.signed(prepared, Some(&token)))
            .await?;
        if response.status != http::StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        self.tokens.refused(&token).await;
        let token = self.tokens.get(oauth, base, &self.client, call).await?;
        self.client
            .send(call, self.signed(prepared, Some(&token)))
            .await
    }

    /// Sends, and takes nothing but success for an answer.
    pub(super) async fn succeed(
        &self,
        call: &Call,
        prepared: &Prepared,
        deed: &str,
    ) -> Result<Response, Failure> {
        let response = self.send(call, prepared).await?;
        if response.is_success() {
            return Ok(response);
        }
        Err(prepared.failure(deed, &response))
    }

    fn signed(&self, prepared: &Prepared, token: Option<&Token>) -> Request {
        let authentication = &self.settings.authentication;
        let mut request = prepared.request.clone();
        let (mut query, mut cookies) = (prepared.query.clone(), prepared.cookies.clone());
        if let Some((username, password)) = &authentication.basic {
            let pair = super::auth::pair(username, password.expose_secret());
            request = request.header("authorization", format!("Basic {pair}"));
        }
        let bearer = token
            .map(|token| &token.access)
            .or(authentication.bearer.as_ref());
        if let Some(bearer) = bearer {
            request = request.header(
                "authorization",
                format!("Bearer {}", bearer.expose_secret()),
            );
        }
        if let Some((at, key)) = &authentication.key {
            let value = Value::from(key.expose_secret());
            match at.place {
                KeyPlace::Header => request = request.header(at.name.clone(), key.expose_secret()),
                KeyPlace::Query => query.extend(
                    crate::openapi::Encoded::usual(Place::Query).in_query(&at.name, &value),
                ),
                KeyPlace::Cookie => cookies.push(
                    crate::openapi::Encoded::usual(Place::Cookie).in_cookie(&at.name, &value),
                ),
            }
        }
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if !query.is_empty() {
            let joint = if request.url.contains('?') { '&' } else { '?' };
            request.url = format!("{}{joint}{}", request.url, query.join("&"));
        }
        request
    }

    /// The request for the address that an answer gave as the next page; it must stay with the API itself.
    pub(super) fn next_page(&self, binding: &Binding, address: &str) -> Result<Prepared, Failure> {
        let astray = || {
            Failure::new(
                Category::Server,
                "the API's next page is at another address than the API; it was not followed",
            )
        };
        let base = url::Url::parse(&format!("{}/", self.settings.base)).map_err(|_| astray())?;
        let next = base.join(address).map_err(|_| astray())?;
        if next.origin() != base.origin() {
            return Err(astray());
        }
        let mut prepared = self.prepare(binding, &Filling::default(), None)?;
        prepared.query.clear();
        prepared.request.url = next.to_string();
        Ok(prepared)
    }
}

impl Prepared {
    /// The failure that an answer to it stands for.
    pub(super) fn failure(&self, deed: &str, response: &Response) -> Failure {
        failure::read(deed, &self.operation, response, &self.departures)
    }

    /// Adds a header.
    pub(super) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.request = self.request.header(name, value);
        self
    }
}

fn part(part: &Part) -> (String, Option<String>) {
    match part {
        Part::Text { name, value } => (name.clone(), Some(value.clone())),
        Part::File { name, .. } => (name.clone(), None),
    }
}

/// An object of an answer, or nothing of it.
pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
