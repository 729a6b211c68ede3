//! Webhooks: one address, a signed body that names the ticket, and a few attempts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::backend::{Backend, id_of};
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// Where changes are told.
#[derive(Default)]
pub(super) struct Hooks(Mutex<Option<String>>);

impl Hooks {
    pub(super) fn set(&self, url: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(url);
    }

    fn url(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The waits before the retries, after which a delivery is given up.
const WAITS: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(60 * 60),
];

impl Backend {
    /// Tells of a change. Changes by the API are told as well: the service does not know whose they are.
    pub(super) fn tell(self: &Arc<Self>, event: &'static str, ticket: u64) {
        if !self.outbox.is_open() {
            return;
        }
        if let Some(url) = self.hooks.url() {
            self.outbox.send(self.clone().deliver(url, event, ticket));
        }
    }

    async fn deliver(self: Arc<Self>, url: String, event: &'static str, ticket: u64) {
        let delivery = uuid::Uuid::now_v7().to_string();
        let body =
            json!({"id": delivery, "event": event, "ticket": {"id": id_of(ticket)}}).to_string();
        let Some(signature) = sign(&self.settings.hook_secret, body.as_bytes()) else {
            return;
        };
        let mut waits = WAITS.iter();
        loop {
            let request = self
                .outbox
                .client()
                .post(&url)
                .header("content-type", "application/json")
                .header("x-harbour-delivery", &delivery)
                .header("x-harbour-signature", format!("sha256={signature}"))
                .body(body.clone());
            let status = self.outbox.call(request).await;
            match waits.next() {
                _ if (200..300).contains(&status) => return,
                Some(wait) => self.outbox.wait(*wait).await,
                None => break,
            }
        }
        let write = Write::new(Deed::Removed, Thing::Delivery, ticket, Doer::System);
        self.journal.record(write.called("given up"));
    }
}

/// HMAC-SHA256 of the body, in hex.
fn sign(secret: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(body);
    Some(hex::encode(mac.finalize().into_bytes()))
}
