//! What the sandbox tests share: a subscriber on loopback that keeps what it receives.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use tokio::sync::mpsc;

/// Something a subscriber received.
pub struct Received {
    /// Where it was sent.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its raw body.
    pub body: Vec<u8>,
}

impl Received {
    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone)]
struct Inbox {
    sender: mpsc::UnboundedSender<Received>,
    answers: Arc<Mutex<Vec<u16>>>,
}

/// A subscriber: answers what it is told, 200 when it was told nothing, and keeps everything.
pub struct Subscriber {
    /// Its address, e.g. `http://127.0.0.1:1234`.
    pub url: String,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Subscriber {
    /// Starts one that answers with these statuses first.
    pub async fn answering(answers: &[u16]) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        let mut answers = answers.to_vec();
        answers.reverse();
        let inbox = Inbox {
            sender,
            answers: Arc::new(Mutex::new(answers)),
        };
        let routes = Router::new().fallback(keep).with_state(inbox);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, received }
    }

    /// The next delivery; fails the test when none comes.
    pub async fn next(&mut self) -> Received {
        let wait = Duration::from_secs(20);
        let next = tokio::time::timeout(wait, self.received.recv()).await;
        next.expect("a delivery should have come").unwrap()
    }

    /// What has arrived so far and was not looked at.
    pub fn waiting(&mut self) -> usize {
        let mut count = 0;
        while self.received.try_recv().is_ok() {
            count += 1;
        }
        count
    }
}

async fn keep(State(inbox): State<Inbox>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let received = Received {
        uri: parts.uri,
        headers: parts.headers,
        body: body.to_vec(),
    };
    let status = inbox.answers.lock().unwrap().pop().unwrap_or(200);
    let _ = inbox.sender.send(received);
    StatusCode::from_u16(status).unwrap()
}

/// A plain client, as any integrator would have one.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
