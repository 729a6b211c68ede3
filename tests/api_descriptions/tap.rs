//! A wire-tap between an adapter and a stand-in, for what is recorded nowhere else: what is asked while a trigger is
//! read, and the one sign-in whose exchange is kept out of the journal. It can also give answers of its own, for what
//! the stand-in does not say.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use fieldbridge::model::Exchange;
use serde_json::Value;

/// A listener that passes everything on, both ways, and keeps what was asked.
pub struct Tap {
    /// Where it listens.
    pub url: String,
    wire: Wire,
}

#[derive(Clone)]
struct Wire {
    own: String,
    behind: String,
    http: reqwest::Client,
    heard: Arc<Mutex<Vec<Exchange>>>,
    told_instead: Arc<Mutex<Vec<Instead>>>,
}

/// What is answered instead of what the stand-in would say.
struct Instead {
    method: Method,
    end: String,
    status: StatusCode,
    body: Value,
}

impl Tap {
    /// Between an adapter and what listens at this address.
    pub async fn before(behind: &str) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let wire = Wire {
            own: url.clone(),
            behind: behind.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            heard: Arc::default(),
            told_instead: Arc::default(),
        };
        let routes = Router::new().fallback(pass).with_state(wire.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, wire }
    }

    /// Answers the next call of this method, to a path that ends so, with something else than the stand-in would.
    pub fn tell_instead(&self, method: Method, end: &str, status: StatusCode, body: Value) {
        self.wire.told_instead.lock().unwrap().push(Instead {
            method,
            end: end.to_owned(),
            status,
            body,
        });
    }

    /// What was asked since the last time; all that was to be told instead has been told.
    pub fn take(&self) -> Vec<Exchange> {
        let untold = self.wire.told_instead.lock().unwrap();
        assert!(untold.is_empty(), "nobody asked for {}", untold[0].end);
        drop(untold);
        std::mem::take(&mut *self.wire.heard.lock().unwrap())
    }
}

impl Wire {
    fn instead(&self, method: &Method, path: &str) -> Option<Instead> {
        let mut waiting = self.told_instead.lock().unwrap();
        let asked = |one: &Instead| one.method == method && path.ends_with(&one.end);
        let place = waiting.iter().position(asked)?;
        Some(waiting.remove(place))
    }

    async fn pass_on(&self, parts: &Parts, body: Bytes, url: &str) -> Response {
        let mut headers = parts.headers.clone();
        headers.remove(header::HOST);
        headers.remove(header::ACCEPT_ENCODING);
        let onward = self.http.request(parts.method.clone(), url);
        let answer = onward.headers(headers).body(body).send().await.unwrap();
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            if !is_of_the_connection(name) {
                response = response.header(name, value);
            }
        }
        let told = answer.bytes().await.unwrap();
        // The stand-in names its own address in some answers; whoever follows them is to come by here again.
        let told = match std::str::from_utf8(&told) {
            Ok(text) => text.replace(&self.behind, &self.own).into(),
            Err(_) => told,
        };
        response.body(Body::from(told)).unwrap()
    }
}

async fn pass(State(wire): State<Wire>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().as_str();
    let url = format!("{}{path}", wire.behind);
    wire.heard.lock().unwrap().push(Exchange {
        method: parts.method.to_string(),
        url: url.clone(),
        request_headers: shown(&parts.headers),
        request_body: recorded(&parts.headers, &body),
        status: None,
        response_headers: Vec::new(),
        response_body: None,
        error: None,
        elapsed_us: 1,
    });
    match wire.instead(&parts.method, parts.uri.path()) {
        Some(told) => (told.status, Json(told.body)).into_response(),
        None => wire.pass_on(&parts, body, &url).await,
    }
}

fn is_of_the_connection(name: &HeaderName) -> bool {
    *name == header::CONTENT_LENGTH
        || *name == header::TRANSFER_ENCODING
        || *name == header::CONNECTION
}

fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&HeaderName, &header::HeaderValue)| {
        (name.to_string(), value.to_str().unwrap().to_owned())
    };
    headers.iter().map(pair).collect()
}

/// A body as the client's own record writes it.
fn recorded(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    let media_type = headers.get(header::CONTENT_TYPE)?.to_str().unwrap();
    if body.is_empty() {
        return None;
    }
    if media_type.starts_with("application/x-www-form-urlencoded") {
        let pairs = url::form_urlencoded::parse(body).into_owned();
        let pairs = pairs.map(|(name, value)| (name, value.into()));
        let pairs: serde_json::Map<_, _> = pairs.collect();
        return Some(Value::Object(pairs).to_string());
    }
    Some(String::from_utf8(body.to_vec()).unwrap_or_else(|_| format!("{} bytes", body.len())))
}
