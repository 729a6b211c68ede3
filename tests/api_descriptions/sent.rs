//! What was sent, as the exchange that was recorded of it tells.

use std::collections::BTreeSet;

use fieldbridge::model::Exchange;
use fieldbridge::openapi::{Deviation, Document, Sent, SentBody};
use http::Method;
use serde_json::Value;

/// A request as it was recorded.
pub struct Request {
    pub method: Method,
    pub path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Body,
}

enum Body {
    Empty,
    Json(Value),
    Form(Vec<(String, String)>),
    Multipart(Vec<(String, Option<String>)>),
    Other(String),
}

impl Request {
    /// `mount` is where the vendor has what its description has at the root, if it varies.
    pub fn of(exchange: &Exchange, mount: &str) -> Self {
        let url = url::Url::parse(&exchange.url).unwrap();
        let media_type = exchange
            .request_headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map(|(_, value)| value.split(';').next().unwrap_or_default().trim());
        Self {
            method: exchange.method.parse().unwrap(),
            path: url
                .path()
                .strip_prefix(mount)
                .unwrap_or(url.path())
                .to_owned(),
            query: url.query_pairs().into_owned().collect(),
            headers: exchange.request_headers.clone(),
            body: Body::read(media_type, exchange.request_body.as_deref()),
        }
    }

    pub fn against(&self, document: &Document) -> Vec<Deviation> {
        document.check_request(&Sent {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: match &self.body {
                Body::Empty => SentBody::Empty,
                Body::Json(value) => SentBody::Json(value),
                Body::Form(pairs) => SentBody::Form(pairs),
                Body::Multipart(parts) => SentBody::Multipart(parts),
                Body::Other(media_type) => SentBody::Other(media_type),
            },
        })
    }
}

impl Body {
    fn read(media_type: Option<&str>, text: Option<&str>) -> Self {
        let (Some(media_type), Some(text)) = (media_type, text) else {
            assert!(
                text.is_none(),
                "a body was sent without its media type: {text:?}"
            );
            return Self::Empty;
        };
        match media_type {
            "multipart/form-data" if !is_counted(text) => Self::Multipart(parts(text)),
            "application/x-www-form-urlencoded" => {
                let pairs: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
                let pair = |(name, value): (String, Value)| {
                    (name, value.as_str().unwrap_or_default().to_owned())
                };
                Self::Form(pairs.into_iter().map(pair).collect())
            }
            _ if media_type.ends_with("json") && !is_counted(text) => {
                Self::Json(serde_json::from_str(text).unwrap_or_else(|error| {
                    panic!("a body of {media_type} is recorded that is none ({error}): {text}")
                }))
            }
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Bytes are recorded by their number alone.
fn is_counted(text: &str) -> bool {
    text.ends_with(" bytes") && !text.starts_with(['{', '['])
}

/// The parts' names, each with its text unless it is a file.
fn parts(text: &str) -> Vec<(String, Option<String>)> {
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    lines
        .map(|(name, value)| {
            let is_file = value.ends_with(" bytes)");
            (name.to_owned(), (!is_file).then(|| value.to_owned()))
        })
        .collect()
}

/// The names in each form that was posted to a path that ends so.
pub fn forms(exchanges: &[Exchange], end: &str) -> BTreeSet<Vec<String>> {
    let posted = exchanges
        .iter()
        .filter(|one| one.method == "POST" && one.url.ends_with(end));
    posted
        .map(|one| {
            let is_form = one.request_headers.iter().any(|(name, value)| {
                name.eq_ignore_ascii_case("content-type")
                    && value.starts_with("application/x-www-form-urlencoded")
            });
            assert!(is_form, "{:?}", one.request_headers);
            let form: serde_json::Map<String, Value> =
                serde_json::from_str(one.request_body.as_deref().unwrap()).unwrap();
            let mut names = vec![form["grant_type"].as_str().unwrap().to_owned()];
            names.extend(form.keys().filter(|name| *name != "grant_type").cloned());
            names[1..].sort();
            names
        })
        .collect()
}

/// Whether a header of this name was sent.
pub fn has_header(exchange: &Exchange, name: &str) -> bool {
    let mut headers = exchange.request_headers.iter();
    headers.any(|(known, _)| known.eq_ignore_ascii_case(name))
}
