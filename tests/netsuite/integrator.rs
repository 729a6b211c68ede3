//! An integrator of no product: signs as the vendor's page says, and sends whatever it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fieldbridge::model::ManualClock;
use fieldbridge::sandbox::{NetSuite, NetSuiteSettings};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::bench::NOW;
use crate::sandbox_support::client;

const RFC_3986: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn escape(text: &str) -> String {
    utf8_percent_encode(text, &RFC_3986).to_string()
}

/// What may be wrong with a signed header.
#[derive(Clone)]
pub struct Signing {
    pub realm: String,
    pub method: String,
    pub timestamp: i64,
    pub nonce: String,
    pub secret: String,
}

pub struct Integrator {
    pub netsuite: NetSuite,
    pub clock: Arc<ManualClock>,
    pub http: reqwest::Client,
    nonces: AtomicU32,
}

impl Integrator {
    pub async fn meets(settings: NetSuiteSettings) -> Self {
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        Self {
            netsuite: NetSuite::start(settings, clock.clone(), 1).await.unwrap(),
            clock,
            http: client(),
            nonces: AtomicU32::new(100_000),
        }
    }

    /// A header's worth of right values.
    pub fn signing(&self) -> Signing {
        let settings = self.netsuite.settings();
        let nonce = self.nonces.fetch_add(1, Ordering::Relaxed);
        Signing {
            realm: settings.account.clone(),
            method: "HMAC-SHA256".to_owned(),
            timestamp: fieldbridge::model::Clock::now(&*self.clock).as_second(),
            nonce: format!("nonce-{nonce}"),
            secret: settings.token_secret.clone(),
        }
    }

    /// The `Authorization` header of a call.
    pub fn header(&self, method: &Method, url: &str, signing: &Signing) -> String {
        let settings = self.netsuite.settings();
        let url: url::Url = url.parse().unwrap();
        let given = [
            ("oauth_consumer_key", settings.consumer_key.clone()),
            ("oauth_nonce", signing.nonce.clone()),
            ("oauth_signature_method", signing.method.clone()),
            ("oauth_timestamp", signing.timestamp.to_string()),
            ("oauth_token", settings.token_id.clone()),
            ("oauth_version", "1.0".to_owned()),
        ];
        let mut pairs: Vec<String> = url
            .query_pairs()
            .map(|(name, value)| format!("{}={}", escape(&name), escape(&value)))
            .collect();
        let own = given.iter();
        pairs.extend(own.map(|(name, value)| format!("{name}={}", escape(value))));
        pairs.sort();
        let mut place = url.clone();
        place.set_query(None);
        let base = format!(
            "{method}&{}&{}",
            escape(place.as_str()),
            escape(&pairs.join("&"))
        );
        let key = format!(
            "{}&{}",
            escape(&settings.consumer_secret),
            escape(&signing.secret)
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(base.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let mut header = format!("OAuth realm=\"{}\"", signing.realm);
        for (name, value) in given {
            header.push_str(&format!(", {name}=\"{}\"", escape(&value)));
        }
        header.push_str(&format!(", oauth_signature=\"{}\"", escape(&signature)));
        header
    }

    /// A signed call; the path begins after `/services/rest`, or names a RESTlet.
    pub fn request(&self, method: &Method, path: &str) -> RequestBuilder {
        let place = if path.starts_with("/app/") {
            ""
        } else {
            "/services/rest"
        };
        let url = format!("{}{place}{path}", self.netsuite.base_url());
        let header = self.header(method, &url, &self.signing());
        self.http
            .request(method.clone(), url)
            .header("authorization", header)
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.request(&Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        let request = self.request(&method, path);
        request
            .header("x-netsuite-propertynamevalidation", "error")
            .json(body)
            .send()
            .await
            .unwrap()
    }

    /// Creates a case as the vendor's sample does; its id.
    pub async fn create(&self, more: &Value) -> u64 {
        let mut body = json!({"title": "some subject", "company": {"id": 931}});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let response = self
            .send(Method::POST, "/record/v1/supportCase", &body)
            .await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        assert!(
            location.contains("/services/rest/record/v1/supportCase/"),
            "{location}"
        );
        assert_eq!(response.text().await.unwrap(), "");
        location.rsplit('/').next().unwrap().parse().unwrap()
    }

    pub async fn script(&self, body: &Value) -> Response {
        let restlet = &self.netsuite.settings().restlet;
        let path = format!(
            "/app/site/hosting/restlet.nl?script={}&deploy={}",
            restlet.script, restlet.deployment
        );
        self.request(&Method::POST, &path)
            .json(body)
            .send()
            .await
            .unwrap()
    }
}

/// A refusal by REST web services: its status, code and the place it names.
pub async fn refusal(response: Response) -> (u16, String, Value) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    let detail = &body["o:errorDetails"][0];
    assert!(detail["detail"].is_string(), "{body}");
    let place = ["o:errorPath", "o:errorQueryParam", "o:errorHeader"];
    let place = place.iter().find_map(|name| detail.get(*name));
    (
        status,
        detail["o:errorCode"].as_str().unwrap().to_owned(),
        place.cloned().unwrap_or_default(),
    )
}
