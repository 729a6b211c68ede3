//! Sending.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::debug;

use super::{Body, Call, Part, Quota, Redactor, Request, Response, failure::transport_failure};
use crate::model::{Category, Exchange, Failure};

/// How much of a body is kept in the journal.
const SHOWN: usize = 16 * 1024;

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// How long a call may take, answer included.
    pub timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// The largest answer that is read, in bytes.
    pub largest_answer: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            largest_answer: 64 * 1024 * 1024,
        }
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client can't be set up: {0}")]
pub struct TransportProblem(#[from] reqwest::Error);

/// One outgoing client: a connection pool, a quota and a redactor. Cheap to clone; clones share all three.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    quota: Arc<Quota>,
    redactor: Redactor,
    largest_answer: usize,
}

impl Client {
    /// A client of its own connection pool.
    ///
    /// # Errors
    /// [`TransportProblem`] when TLS can't be set up.
    pub fn new(
        settings: &ClientSettings,
        quota: Arc<Quota>,
        redactor: Redactor,
    ) -> Result<Self, TransportProblem> {
        install_tls();
        let inner = reqwest::Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            // A redirect could carry credentials to another host.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("fieldbridge/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            inner,
            quota,
            redactor,
            largest_answer: settings.largest_answer,
        })
    }

    /// The quota, for showing and for asking how long to wait.
    #[must_use]
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The same pool and quota, hiding other secrets.
    #[must_use]
    pub fn with_redactor(&self, redactor: Redactor) -> Self {
        Self {
            redactor,
            ..self.clone()
        }
    }

    /// Sends a request within the quota and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// `network` when no answer came (its effect unknown unless the connection never stood), `rate_limited` when
    /// the quota is used up for long, `configuration` when the request can't be built.
    pub async fn send(&self, call: &Call, request: Request) -> Result<Response, Failure> {
        let _leave = self.quota.acquire(call.priority()).await?;
        let what = format!("{} {}", request.method, self.redactor.url(&request.url));
        let started = Instant::now();
        let mut exchange = self.begin_exchange(&request);
        let outcome = self.exchange(request, &what).await;
        exchange.elapsed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        match &outcome {
            Ok(response) => {
                self.quota
                    .observe(response.status.as_u16(), &response.headers);
                exchange.status = Some(response.status.as_u16());
                exchange.response_headers = self.shown_headers(&response.headers);
                exchange.response_body = self.shown_body(&response.headers, &response.body);
            }
            Err(failure) => exchange.error = Some(failure.cause.clone()),
        }
        debug!(target: "fieldbridge::http", call = %what, status = exchange.status, elapsed_us = exchange.elapsed_us);
        call.record(exchange);
        outcome
    }

    async fn exchange(&self, request: Request, what: &str) -> Result<Response, Failure> {
        let request = self.build(request, what)?;
        let mut answer = self
            .inner
            .execute(request)
            .await
            .map_err(|error| transport_failure(what, &error))?;
        let status = answer.status();
        let headers = std::mem::take(answer.headers_mut());
        let mut body = BytesMut::new();
        while let Some(piece) = answer
            .chunk()
            .await
            .map_err(|error| transport_failure(what, &error))?
        {
            if body.len() + piece.len() > self.largest_answer {
                return Err(Failure::new(
                    Category::Server,
                    format!(
                        "{what}: the answer is larger than {} MB",
                        self.largest_answer / 1_048_576
                    ),
                )
                .effect_unknown());
            }
            body.extend_from_slice(&piece);
        }
        Ok(Response {
            status,
            headers,
            body: body.freeze(),
        })
    }

    fn build(&self, request: Request, what: &str) -> Result<reqwest::Request, Failure> {
        let refuse = |why: String| {
            Failure::new(
                Category::Configuration,
                format!("{what} can't be sent: {why}"),
            )
            .hint("Check the connector's base URL and settings.")
        };
        let mut headers = HeaderMap::with_capacity(request.headers.len());
        for (name, value) in request.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|error| refuse(error.to_string()))?;
            let mut value = HeaderValue::from_str(&value).map_err(|_| {
                refuse(format!(
                    "the value of header {name} has characters a header can't carry"
                ))
            })?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let mut builder = self
            .inner
            .request(request.method, &request.url)
            .headers(headers);
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        builder = match request.body {
            Body::Empty => builder,
            Body::Json(value) => builder.json(&value),
            Body::Form(pairs) => builder.form(&pairs),
            Body::Bytes(media_type, bytes) => builder
                .header(http::header::CONTENT_TYPE, media_type)
                .body(bytes),
            Body::Multipart(parts) => {
                builder.multipart(multipart(parts).map_err(|error| refuse(error.to_string()))?)
            }
        };
        builder.build().map_err(|error| refuse(error.to_string()))
    }

    fn begin_exchange(&self, request: &Request) -> Exchange {
        let mut address = request.url.clone();
        for (place, (name, value)) in request.query.iter().enumerate() {
            address.push(if place == 0 && !request.url.contains('?') {
                '?'
            } else {
                '&'
            });
            address.push_str(name);
            address.push('=');
            address.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        }
        let headers = request.headers.iter();
        let mut request_headers: Vec<(String, String)> = headers
            .map(|(name, value)| (name.to_string(), self.redactor.header(name, value)))
            .collect();
        let names_type = |(name, _): &(String, String)| {
            name.eq_ignore_ascii_case(http::header::CONTENT_TYPE.as_str())
        };
        if let Some(media_type) = request.body.media_type()
            && !request_headers.iter().any(names_type)
        {
            let name = http::header::CONTENT_TYPE.to_string();
            request_headers.push((name, media_type.to_owned()));
        }
        Exchange {
            method: request.method.to_string(),
            url: self.redactor.url(&address),
            request_headers,
            request_body: self.shown_request(&request.body),
            status: None,
            response_headers: Vec::new(),
            response_body: None,
            error: None,
            elapsed_us: 0,
        }
    }

    fn shown_request(&self, body: &Body) -> Option<String> {
        match body {
            Body::Empty => None,
            Body::Json(value) => Some(self.shown(&value.to_string())),
            Body::Form(pairs) => {
                Some(self.shown(&serde_json::json!(pairs_object(pairs)).to_string()))
            }
            Body::Bytes(media_type, bytes) => Some(format!("{media_type}, {} bytes", bytes.len())),
            Body::Multipart(parts) => {
                let lines = parts.iter().map(|part| match part {
                    Part::Text { name, value } => format!("{name}: {value}"),
                    Part::File {
                        name,
                        file_name,
                        media_type,
                        bytes,
                    } => {
                        format!("{name}: {file_name} ({media_type}, {} bytes)", bytes.len())
                    }
                });
                Some(self.shown(&lines.collect::<Vec<_>>().join("\n")))
            }
        }
    }

    fn shown_headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    self.redactor.header(name.as_str(), &text(value)),
                )
            })
            .collect()
    }

    fn shown_body(&self, headers: &HeaderMap, body: &Bytes) -> Option<String> {
        if body.is_empty() {
            return None;
        }
        let media_type = headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let readable = media_type.is_none_or(|name| {
            name.starts_with("text/")
                || ["json", "xml", "html", "form"]
                    .iter()
                    .any(|word| name.contains(word))
        });
        if readable {
            Some(self.shown(&String::from_utf8_lossy(&body[..body.len().min(SHOWN)])))
        } else {
            Some(format!(
                "{}, {} bytes",
                media_type.unwrap_or("bytes"),
                body.len()
            ))
        }
    }

    fn shown(&self, text: &str) -> String {
        let mut end = text.len().min(SHOWN);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut shown = self.redactor.text(&text[..end]);
        if end < text.len() {
            shown.push('…');
        }
        shown
    }
}

fn pairs_object(pairs: &[(String, String)]) -> serde_json::Map<String, serde_json::Value> {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect()
}

fn multipart(parts: Vec<Part>) -> Result<reqwest::multipart::Form, reqwest::Error> {
    parts
        .into_iter()
        .try_fold(reqwest::multipart::Form::new(), |form, part| {
            Ok(match part {
                Part::Text { name, value } => form.text(name, value),
                Part::File {
                    name,
                    file_name,
                    media_type,
                    bytes,
                } => {
                    let length = bytes.len() as u64;
                    let file = reqwest::multipart::Part::stream_with_length(bytes, length)
                        .file_name(file_name)
                        .mime_str(&media_type)?;
                    form.part(name, file)
                }
            })
        })
}

/// Installs the one TLS provider; later calls do nothing.
fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
