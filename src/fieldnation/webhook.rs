//! Our subscription at the Webhooks v3 API.

use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use super::client::FieldNation;
use super::session::feature_success;
use super::work_order::{id_of, text_of};
use crate::http::{Call, Request};
use crate::model::{Category, EventName, Failure};

/// Rows on a page of the list.
const PER_PAGE: u64 = 100;

/// More pages than this are not read.
const MOST_PAGES: u64 = 20;

/// A webhook as Field Nation has it.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its id (`webhookId`).
    pub id: String,
    /// Where it delivers to.
    pub url: String,
    /// The events it listens to, by their webhook names.
    pub events: Vec<String>,
    /// Whether it delivers.
    pub status: WebhookStatus,
    /// The secret that signs its deliveries, where the API shows it.
    pub secret: Option<SecretString>,
}

/// Whether a webhook delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookStatus {
    /// It does.
    Active,
    /// It was switched off, by a person or after seven days of failures; events meanwhile are not kept.
    Inactive,
    /// It is over for good.
    Archived,
}

impl Webhook {
    /// Whether it listens to all events that we know.
    #[must_use]
    pub fn has_all_events(&self) -> bool {
        EventName::ALL
            .iter()
            .all(|event| self.events.iter().any(|name| name == event.webhook_name()))
    }
}

impl FieldNation {
    /// The company's webhooks, ours and others', archived ones too.
    ///
    /// # Errors
    /// What the call fails with; a missing right is `configuration`.
    pub async fn webhooks(&self, call: &Call) -> Result<Vec<Webhook>, Failure> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let request = Request::get(self.session.webhooks(""))
                .query("page", page.to_string())
                .query("perPage", PER_PAGE.to_string());
            let body = self.ask(call, "list the webhooks", request).await?;
            let rows = body.get("result").and_then(Value::as_array);
            let count = rows.map_or(0, Vec::len) as u64;
            all.extend(rows.into_iter().flatten().filter_map(webhook));
            let total = body.pointer("/metadata/total").and_then(id_of).unwrap_or(0);
            if count == 0 || page * PER_PAGE >= total {
                break;
            }
        }
        Ok(all)
    }

    /// Makes a webhook that brings all events to this address, or sets right the one that is there: events that are
    /// missing, a status that is inactive, another secret. Without a secret Field Nation makes one and tells it.
    ///
    /// # Errors
    /// `configuration` when the address is not https, else what a call fails with.
    pub async fn register_webhook(
        &self,
        call: &Call,
        url: &str,
        secret: Option<&SecretString>,
    ) -> Result<Webhook, Failure> {
        check_address(url)?;
        let existing = self.webhooks(call).await?.into_iter().find(|webhook| {
            webhook.url.trim_end_matches('/') == url.trim_end_matches('/')
                && webhook.status != WebhookStatus::Archived
        });
        let events: Vec<&str> = EventName::ALL
            .iter()
            .map(|event| event.webhook_name())
            .collect();
        let Some(existing) = existing else {
            let mut body = json!({"url": url, "method": "post", "status": "active", "events": events,
                                  "isIntegrationOnly": false});
            if let Some(secret) = secret {
                body["secret"] = secret.expose_secret().into();
            }
            let request = Request::post(self.session.webhooks("")).json(body);
            let answer = self.ask(call, "create the webhook", request).await?;
            let made = result(&answer).and_then(webhook);
            return made.ok_or_else(|| no_webhook("creation"));
        };
        let mut changes = Map::new();
        if existing.status == WebhookStatus::Inactive {
            changes.insert("status".to_owned(), json!("active"));
        }
        if !existing.has_all_events() {
            changes.insert("events".to_owned(), json!(events));
        }
        let shown = existing.secret.as_ref().map(ExposeSecret::expose_secret);
        if let Some(secret) = secret
            .map(ExposeSecret::expose_secret)
            .filter(|secret| shown != Some(*secret))
        {
            changes.insert("secret".to_owned(), json!(secret));
        }
        if changes.is_empty() {
            return Ok(existing);
        }
        let address = self.session.webhooks(&format!("/{}", existing.id));
        let request = Request::new(Method::PUT, address).json(Value::Object(changes));
        let answer = self.ask(call, "update the webhook", request).await?;
        result(&answer)
            .and_then(webhook)
            .ok_or_else(|| no_webhook("change"))
    }

    /// Removes a webhook; one that is gone already is as good as removed.
    ///
    /// # Errors
    /// What the call fails with; a missing right is `configuration`.
    pub async fn remove_webhook(&self, call: &Call, id: &str) -> Result<(), Failure> {
        let mut address = Url::parse(&self.session.webhooks("")).map_err(|error| {
            Failure::new(Category::Configuration, format!("webhooks_url: {error}"))
        })?;
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.push(id);
        }
        let request = Request::new(Method::DELETE, address.as_str());
        let response = self.session.send_bearer(call, request).await?;
        if matches!(response.status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(());
        }
        feature_success(&format!("remove webhook {id}"), "webhooks", &response).map(drop)
    }

    async fn ask(&self, call: &Call, what: &str, request: Request) -> Result<Value, Failure> {
        let response = self.session.send_bearer(call, request).await?;
        feature_success(what, "webhooks", &response)
    }
}

/// Field Nation delivers to https only; plain http makes sense on this very machine alone.
fn check_address(address: &str) -> Result<(), Failure> {
    let url = Url::parse(address).ok();
    let is_local = |url: &Url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.is_some_and(|url| url.scheme() == "https" || (url.scheme() == "http" && is_local(&url)))
    {
        return Ok(());
    }
    Err(Failure::new(
        Category::Configuration,
        format!("Field Nation delivers webhooks to https addresses only, and `{address}` is none"),
    )
    .hint("Set server.public_url in fieldbridge.toml to the https address under which this engine is reached."))
}

fn no_webhook(what: &str) -> Failure {
    Failure::new(
        Category::Server,
        format!("Field Nation answered the {what} of the webhook without the webhook"),
    )
    .effect_unknown()
}

fn result(answer: &Value) -> Option<&Value> {
    match answer.get("result")? {
        Value::Array(rows) => rows.first(),
        one => Some(one),
    }
}

fn webhook(row: &Value) -> Option<Webhook> {
    let text = |name: &str| row.get(name).and_then(text_of);
    let events = row.get("events").and_then(Value::as_array);
    Some(Webhook {
        id: text("webhookId").or_else(|| text("id"))?,
        url: text("url")?,
        events: events.into_iter().flatten().filter_map(text_of).collect(),
        status: match text("status").as_deref() {
            Some("inactive") => WebhookStatus::Inactive,
            Some("archived") => WebhookStatus::Archived,
            _ => WebhookStatus::Active,
        },
        secret: text("secret").map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_can_be_delivered_to() {
        for legal in [
            "https://broker.example.com/v1/fieldnation/events",
            "http://127.0.0.1:8480/x",
            "http://localhost/x",
        ] {
            assert!(check_address(legal).is_ok(), "{legal}");
        }
        for illegal in ["http://broker.example.com/x", "broker.example.com", ""] {
            assert!(check_address(illegal).is_err(), "{illegal}");
        }
    }

    #[test]
    fn a_webhook_never_shows_its_secret() {
        let webhook = webhook(
            &json!({"webhookId": "w1", "url": "https://x", "status": "inactive",
            "events": ["workorder.created"], "secret": "01999f51-fake"}),
        )
        .unwrap();
        assert_eq!(webhook.status, WebhookStatus::Inactive);
        assert!(!webhook.has_all_events());
        assert!(!format!("{webhook:?}").contains("01999f51"));
    }
}
